/* availability_probe: the questions to TikTok about one account, in the order of business-messaging 4.3, and
 * what is kept of the answers. Each question has a permit; our own limit ends the probe with later_ms. A
 * question that gets no answer leaves its fact unknown; the next ones are asked all the same while time is
 * left. What can go wrong: TikTok refuses the token. It may have been rotated in between, or a refresh mends
 * it: accounts is told, and when it has another pair soon, the questions begin again, once.
 */
#include <time.h>
#include "messaging/setup_priv.h"

enum {
    PROBE_TOTAL_MS = 20000,
    HOOK_FRESH_MS = 6 * 3600000,
    TASK_DAYS = 7,
    MEND_MS = 3000, /* how long a refresh may take to mend a refused token */
    POLL_MS = 50,
    LIMITED_MS = 60000
};

static const char *const message_scopes[] = {"message.list.read", "message.list.send", "message.list.manage"};

static void fact_set(struct probe *p, enum fact_name name, enum fact_result result, const struct fault *why)
{
    struct fact *f = &p->facts.by[name];
    *f = (struct fact){.result = result, .at_ms = p->now_ms};
    if (why == NULL)
        return;
    f->tiktok_code = why->outer_code;
    (void)snprintf(f->log_id, sizeof(f->log_id), "%s", why->outer_ref);
    if (result == FACT_BAD && p->code[0] == '\0')
        (void)snprintf(p->code, sizeof(p->code), "%s", why->code);
}

/* What an answer says of a fact: good, no, or nothing. */
static enum fact_result result_of(enum rc rc)
{
    return rc == RC_OK                                         ? FACT_GOOD
           : rc == RC_SCOPE || rc == RC_OFF || rc == RC_REAUTH ? FACT_BAD
                                                               : FACT_UNKNOWN;
}

static struct budget_call budget_of(const struct probe *p, enum tiktok_op op)
{
    const struct tiktok_endpoint *e = tiktok_endpoint_of(APP_ACCOUNTS, op);
    return (struct budget_call){.client_key = p->app->client.client_key,
                                .workspace = p->workspace,
                                .account = e->per_account ? p->account : STR(""),
                                .family = tiktok_kind(APP_ACCOUNTS)->name,
                                .endpoint = e->name,
                                .patience_ms = p->patient ? 5000 : 2000};
}

static enum rc take(struct probe *p, enum tiktok_op op, struct permit *permit, struct fault *why)
{
    struct budget_call c = budget_of(p, op);
    enum rc rc = budget_take(p->m->budget, &c, permit, why);
    if (rc == RC_LIMITED)
        p->later_ms = permit->slot_ms;
    return rc;
}

/* A refused token ends the questions: TOKEN is bad, accounts refreshes or asks for consent. TikTok's limit
 * ends a job's too: it comes back. */
static void judge_answer(struct probe *p, enum tiktok_op op, enum rc rc, const struct fault *answer)
{
    struct budget_call c = budget_of(p, op);
    struct fault ignored;
    if (rc == RC_OK)
        return;
    budget_answered(p->m->budget, &c, answer);
    if (rc == RC_LIMITED && !p->patient)
        p->later_ms = store_clock(p->m->store) + LIMITED_MS;
    if (rc != RC_REAUTH)
        return;
    fact_set(p, FACT_TOKEN, FACT_BAD, answer);
    const struct account_report report = {
        .workspace = p->workspace, .account = p->account, .rotation = p->token.rotation, .fault = answer};
    enum rc told = accounts_reported(p->m->accounts, NULL, &report, &ignored);
    if (told != RC_OK)
        log_event(p->m->log, LOG_WARN, "messaging.report_lost", F_ID("account", p->account),
                  F_FAULT(&ignored));
}

static bool over(const struct probe *p)
{
    return p->later_ms != 0 || p->facts.by[FACT_TOKEN].result == FACT_BAD ||
           clock_mono_ms() > p->until_mono_ms;
}

/* ---- the questions ---- */
static void judge_scopes(struct probe *p)
{
    bool all = true;
    for (size_t i = 0; i < COUNT_OF(message_scopes); i++)
        all = all && tiktok_scope_in(p->scopes, str_of(message_scopes[i]));
    fact_set(p, FACT_SCOPES, all ? FACT_GOOD : FACT_BAD, NULL);
}

static enum rc ask_token(struct probe *p, struct fault *why)
{
    struct permit permit;
    struct tiktok_token_info info = {0};
    struct fault answer = {0};
    enum rc rc = take(p, OP_TOKEN_INFO, &permit, why);
    if (rc != RC_OK)
        return rc;
    rc = tiktok_token_info(p->m->tiktok, &permit, &p->app->client, p->token.access, p->mem, &info, &answer);
    judge_answer(p, OP_TOKEN_INFO, rc, &answer);
    if (rc != RC_REAUTH)
        fact_set(p, FACT_TOKEN, rc == RC_OK ? FACT_GOOD : FACT_UNKNOWN, rc == RC_OK ? NULL : &answer);
    p->scopes = rc == RC_OK ? info.scopes : p->token.scopes; /* what was granted, when TikTok is silent */
    judge_scopes(p);
    return RC_OK;
}

static enum rc ask_type(struct probe *p, struct fault *why)
{
    struct permit permit;
    struct tiktok_business b = {0};
    struct fault answer = {0};
    const struct tiktok_call call = {
        .access = p->token.access, .business_id = p->token.open_id, .scopes = STR("user.account.type")};
    fact_set(p, FACT_TYPE, FACT_UNKNOWN, NULL);
    if (!tiktok_scope_in(p->scopes, call.scopes))
        return RC_OK;
    enum rc rc = take(p, OP_PROFILE, &permit, why);
    if (rc != RC_OK)
        return rc;
    rc = tiktok_business_get(p->m->tiktok, &permit, &call, p->mem, &b, &answer);
    judge_answer(p, OP_PROFILE, rc, &answer);
    if (rc == RC_OK && b.has_business)
        fact_set(p, FACT_TYPE, b.is_business ? FACT_GOOD : FACT_BAD, NULL);
    else if (rc != RC_OK && rc != RC_REAUTH)
        fact_set(p, FACT_TYPE, FACT_UNKNOWN, &answer);
    return RC_OK;
}

/* 40001 with the scope granted is about app or region: which of 40001, 40118, 40125 TikTok gives for a region
 * is not settled (business-messaging 10, question 9). */
static enum rc ask_conversations(struct probe *p, struct fault *why)
{
    struct permit permit;
    struct fault answer = {0};
    const struct tiktok_call call = {.access = p->token.access, .business_id = p->token.open_id};
    fact_set(p, FACT_REGION, FACT_UNKNOWN, NULL);
    fact_set(p, FACT_CONVERSATIONS, FACT_UNKNOWN, NULL);
    if (!tiktok_scope_in(p->scopes, str_of(message_scopes[0])))
        return RC_OK;
    enum rc rc = take(p, OP_CONVERSATIONS, &permit, why);
    if (rc != RC_OK)
        return rc;
    rc = tiktok_conversations_probe(p->m->tiktok, &permit, &call, &answer);
    judge_answer(p, OP_CONVERSATIONS, rc, &answer);
    if (rc == RC_REAUTH)
        return RC_OK;
    fact_set(p, FACT_REGION, result_of(rc), rc == RC_OK ? NULL : &answer);
    fact_set(p, FACT_CONVERSATIONS, result_of(rc), rc == RC_OK ? NULL : &answer);
    return RC_OK;
}

static void judge_hook(struct probe *p, enum webhook_category c)
{
    static const enum fact_result results[HOOK_STATES] = {
        [HOOK_RIGHT] = FACT_GOOD, [HOOK_MISSING] = FACT_BAD, [HOOK_FOREIGN] = FACT_BAD};
    for (size_t s = 0; s < HOOK_STATES; s++)
        if (p->hooks[c].state == hook_state_names[s])
            fact_set(p, (enum fact_name)(FACT_HOOK + (unsigned)c), results[s], NULL);
    p->facts.by[FACT_HOOK + (unsigned)c].at_ms = p->hooks[c].checked_ms;
}

/* The registration is the app's: what was seen for another account in the last hours is not asked again,
 * unless a person asks. */
static enum rc ask_hooks(struct probe *p, struct fault *why)
{
    for (unsigned c = 0; c < HOOK_CATEGORIES && !over(p); c++) {
        struct hook_row *h = &p->hooks[c];
        bool fresh = p->now_ms - h->checked_ms < HOOK_FRESH_MS && h->state == hook_state_names[HOOK_RIGHT];
        if (p->patient || !fresh) {
            struct hook_asking a = {
                .m = p->m, .workspace = p->workspace, .app = p->app, .patient = p->patient};
            enum rc rc = hook_ask(&a, (enum webhook_category)c, p->mem, h, why);
            p->later_ms = a.later_ms;
            if (rc != RC_OK)
                return rc;
            p->asked[c] = true;
        }
        judge_hook(p, (enum webhook_category)c);
    }
    return RC_OK;
}

/* ---- the probe ---- */
static enum rc read_account(struct tx *tx, void *arg, struct fault *why)
{
    struct probe *p = arg;
    enum rc rc = accounts_load(tx, p->workspace, p->account, p->mem, &p->acc, why);
    if (rc != RC_OK)
        return rc;
    if (!str_eq(p->acc.role, STR("business")))
        return fault_set(why, RC_CONFLICT, "messaging.not_a_business", "the account is of another kind");
    p->app = accounts_app_of(p->m->accounts, p->acc.client_key, APP_ACCOUNTS);
    return p->app != NULL ? setup_db_hooks(tx, p->app->workspace, p->app->id, p->mem, p->hooks, why)
                          : fault_set(why, RC_CONFLICT, "messaging.no_app", "its app is not configured");
}

/* accounts says no without TikTok: the grant is dead, or nothing can be had right now. */
static enum rc no_token(struct probe *p, enum rc rc, const struct fault *why)
{
    if (rc != RC_REAUTH)
        return rc;
    fact_set(p, FACT_TOKEN, FACT_BAD, why);
    return RC_OK;
}

static enum rc ask_all(struct probe *p, struct fault *why)
{
    static enum rc (*const questions[])(struct probe *, struct fault *) = {ask_token, ask_type,
                                                                           ask_conversations, ask_hooks};
    enum rc rc = RC_OK;
    p->scopes = p->token.scopes;
    for (size_t i = 0; rc == RC_OK && i < COUNT_OF(questions) && !over(p); i++)
        rc = questions[i](p, why);
    return rc == RC_OK && p->later_ms != 0
               ? fault_set(why, RC_LIMITED, "budget.limited", "TikTok asks for a pause")
               : rc;
}

/* Another pair than the refused one, within a short time: true. */
static bool mended(struct probe *p)
{
    int64_t until = clock_mono_ms() + MEND_MS, refused = p->token.rotation;
    const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    struct fault ignored;
    for (; clock_mono_ms() < until; nanosleep(&pause, NULL)) {
        struct account_token t = {0};
        enum rc rc = accounts_token(p->m->accounts, p->workspace, p->account, p->mem, &t, &ignored);
        if (rc == RC_REAUTH || rc == RC_MISSING || rc == RC_FULL)
            return false;
        if (rc == RC_OK && t.rotation != refused) {
            p->token = t;
            return true;
        }
    }
    return false;
}

enum rc probe_run(struct probe *p, struct fault *why)
{
    p->until_mono_ms = clock_mono_ms() + PROBE_TOTAL_MS;
    p->now_ms = store_clock(p->m->store);
    enum rc rc = store_read(p->m->store, read_account, p, why);
    if (rc != RC_OK)
        return rc;
    if (p->acc.webhook_ms > 0)
        p->facts.by[FACT_LAST_EVENT] = (struct fact){.result = FACT_GOOD, .at_ms = p->acc.webhook_ms};
    rc = accounts_token(p->m->accounts, p->workspace, p->account, p->mem, &p->token, why);
    if (rc != RC_OK)
        return no_token(p, rc, why);
    rc = ask_all(p, why);
    if (rc == RC_OK && p->facts.by[FACT_TOKEN].result == FACT_BAD && mended(p)) {
        p->code[0] = '\0';
        rc = ask_all(p, why);
    }
    if (rc != RC_OK)
        return rc;
    metric_add(&messaging_setup_metrics[0], 1, verdict_rows[availability_judge(&p->facts)].name, NULL);
    log_event(p->m->log, LOG_INFO, "messaging.probe", F_ID("account", p->account),
              F_STR("verdict", str_of(verdict_rows[availability_judge(&p->facts)].name)),
              F_MS("took", PROBE_TOTAL_MS - (p->until_mono_ms - clock_mono_ms())));
    return RC_OK;
}

/* ---- what is kept ---- */
static enum rc keep_hooks(const struct probe *p, struct tx *tx, struct fault *why)
{
    enum rc rc = RC_OK;
    for (size_t c = 0; rc == RC_OK && c < HOOK_CATEGORIES; c++)
        if (p->asked[c])
            rc = setup_db_hook_save(tx, p->app->workspace, &p->hooks[c], why);
    return rc;
}

/* Opened by the verdict that only TikTok can change; closed by the one that says it works. */
static enum rc move_task(const struct probe *p, struct tx *tx, enum verdict v, struct fault *why)
{
    struct waiting t = {0};
    enum rc rc = setup_db_task(tx, p->workspace, p->account, tx_mem(tx), &t, why);
    if (rc != RC_OK && rc != RC_MISSING)
        return rc;
    bool open = rc == RC_OK;
    int64_t now = tx_now_ms(tx);
    if (open && v == VERDICT_AVAILABLE)
        return setup_db_task_close(tx, p->workspace, t.id, why);
    if (!open && v == VERDICT_NOT_LET_IN) {
        t = (struct waiting){.id = id_new(tx_mem(tx), "wat"),
                             .account = p->account,
                             .opened_ms = now,
                             .recheck_ms = now + (int64_t)TASK_DAYS * SETUP_DAY_MS};
        return setup_db_task_make(tx, p->workspace, &t, why);
    }
    if (!open || v == VERDICT_UNKNOWN || t.recheck_ms > now || t.reminded_ms >= t.recheck_ms)
        return RC_OK;
    t.reminded_ms = now;
    rc = setup_db_task_save(tx, p->workspace, &t, why);
    return rc == RC_OK ? jobs_alert(tx, p->workspace, "messaging.still_waiting", p->account, 1, why) : rc;
}

static enum rc tell(const struct probe *p, struct tx *tx, const struct probe_kept *k, struct fault *why)
{
    const char *now = verdict_rows[k->verdict].name, *before = verdict_rows[k->before].name;
    const struct mozflow_new e = {
        .type = "messaging.availability_changed",
        .workspace = p->workspace,
        .subject = p->account,
        .ids = arena_fmt(tx_mem(tx), "{\"account\":\"" STR_FMT "\",\"verdict\":\"%s\",\"before\":\"%s\"}",
                         STR_ARG(p->account), now, before)};
    enum rc rc = mozflow_emit(tx, &e, NULL, why);
    if (rc == RC_OK)
        rc = accounts_note(tx, p->workspace, p->account, "availability", now, why);
    if (rc == RC_OK && k->before == VERDICT_AVAILABLE && k->verdict != VERDICT_UNKNOWN)
        rc = jobs_alert(tx, p->workspace, "messaging.unavailable", p->account, 1, why);
    return rc;
}

/* Daily, a tenth more or less; sooner when TikTok did not answer; never while the grant is dead. */
static int64_t next_probe(const struct probe *p, enum verdict v)
{
    uint32_t dice;
    random_bytes(&dice, sizeof(dice));
    if (v == VERDICT_TOKEN_DEAD)
        return 0;
    int64_t wait = v == VERDICT_UNKNOWN ? 15 * 60000 : SETUP_DAY_MS;
    return p->now_ms + wait * 9 / 10 + (int64_t)(dice % 1000) * (wait / 5) / 1000;
}

enum rc probe_keep(const struct probe *p, struct tx *tx, struct probe_kept *out, struct fault *why)
{
    struct availability old = {0};
    struct probe_kept k = {.verdict = availability_judge(&p->facts)};
    enum rc rc = store_lock(tx, p->workspace, "messaging.availability", p->account, why);
    if (rc == RC_OK)
        rc = setup_db_load(tx, p->workspace, p->account, tx_mem(tx), &old, why);
    if (rc != RC_OK && rc != RC_MISSING)
        return rc;
    k.before = old.verdict;
    k.changed = k.before != k.verdict;
    const struct availability now = {.account = p->account,
                                     .code = k.verdict == VERDICT_AVAILABLE ? STR("") : str_of(p->code),
                                     .verdict = k.verdict,
                                     .facts = p->facts,
                                     .checked_ms = p->now_ms,
                                     .next_ms = next_probe(p, k.verdict)};
    rc = setup_db_save(tx, p->workspace, &now, why);
    if (rc == RC_OK)
        rc = keep_hooks(p, tx, why);
    if (rc == RC_OK)
        rc = move_task(p, tx, k.verdict, why);
    if (rc == RC_OK && k.changed)
        rc = tell(p, tx, &k, why);
    if (rc == RC_OK)
        *out = k;
    return rc;
}

enum rc render_availability(const struct mozflow_render *r, struct jw *data, struct fault *why)
{
    static const char *const names[] = {"account", "verdict", "before"};
    static const char *const keys[] = {"account_id", "verdict", "before"};
    str value;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (!json_str(r->ids, names[i], &value))
            return fault_set(why, RC_BUG, "messaging.event", "event without %s", names[i]);
        jw_str(data, keys[i], value);
    }
    return RC_OK;
}

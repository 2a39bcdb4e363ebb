/* Look-ups and rings of the simulated world (model.h). Linear scans from the newest row: the tables are
 * bounded and a test asks for what it has just made. Nothing here locks, reads a clock or fails but by a full
 * table.
 */
#include "model.h"

const struct scope sim_scopes[] = {
    {"user.info.basic", PORTAL_LOGIN, true, "Read your profile picture and display name",
     "อ่านรูปโปรไฟล์และชื่อที่แสดงของท่าน"},
    {"user.info.profile", PORTAL_LOGIN, false, "Read your username, bio and profile link",
     "อ่านชื่อผู้ใช้ ข้อความแนะนำตัว และลิงก์โปรไฟล์ของท่าน"},
    {"user.info.stats", PORTAL_LOGIN, false, "Read how many followers, likes and videos you have",
     "อ่านจำนวนผู้ติดตาม การกดถูกใจ และวิดีโอของท่าน"},
    {"video.list", PORTAL_LOGIN, false, "Read your public videos", "อ่านวิดีโอสาธารณะของท่าน"},
    {"video.upload", PORTAL_LOGIN, false, "Put video drafts into your inbox",
     "ส่งวิดีโอฉบับร่างเข้ากล่องข้อความของท่าน"},
    {"video.publish", PORTAL_LOGIN, false, "Publish videos to your account", "เผยแพร่วิดีโอในบัญชีของท่าน"},
    {"user.info.username", PORTAL_BUSINESS, false, "Read your username", "อ่านชื่อผู้ใช้ของท่าน"},
    {"user.account.type", PORTAL_BUSINESS, false, "Read the type of your account", "อ่านประเภทบัญชีของท่าน"},
    {"user.insights", PORTAL_BUSINESS, false, "Read insights about your account", "อ่านข้อมูลเชิงลึกของบัญชีของท่าน"},
    {"video.insights", PORTAL_BUSINESS, false, "Read insights about your videos",
     "อ่านข้อมูลเชิงลึกของวิดีโอของท่าน"},
    {"comment.list", PORTAL_BUSINESS, false, "Read the comments on your videos", "อ่านความคิดเห็นใต้วิดีโอของท่าน"},
    {"comment.list.manage", PORTAL_BUSINESS, false, "Answer and hide comments on your videos",
     "ตอบและซ่อนความคิดเห็นใต้วิดีโอของท่าน"},
    {"message.list.read", PORTAL_BUSINESS, false, "Read your direct messages", "อ่านข้อความส่วนตัวของท่าน"},
    {"message.list.send", PORTAL_BUSINESS, false, "Send direct messages as you", "ส่งข้อความส่วนตัวในนามของท่าน"},
    {"message.list.manage", PORTAL_BUSINESS, false, "Manage your inbox", "จัดการกล่องข้อความของท่าน"},
    {"biz.spark.auth", PORTAL_BUSINESS, false, "Use your videos in advertisements", "ใช้วิดีโอของท่านในโฆษณา"},
};
const size_t sim_scopes_n = COUNT_OF(sim_scopes);

struct app *app_find(struct world *w, str client_key)
{
    for (size_t i = 0; i < w->n_apps; i++)
        if (str_eq(str_of(w->apps[i].client_key), client_key))
            return &w->apps[i];
    return NULL;
}

struct user *user_find(struct world *w, str id)
{
    for (size_t i = 0; i < w->n_users; i++)
        if (str_eq(str_of(w->users[i].id), id))
            return &w->users[i];
    return NULL;
}

struct shop *shop_find(struct world *w, str id)
{
    for (size_t i = 0; i < w->n_shops; i++)
        if (str_eq(str_of(w->shops[i].id), id))
            return &w->shops[i];
    return NULL;
}

struct customer *customer_find(struct world *w, str id)
{
    for (size_t i = 0; i < w->n_customers; i++)
        if (str_eq(str_of(w->customers[i].id), id))
            return &w->customers[i];
    return NULL;
}

unsigned app_index(const struct world *w, const struct app *a)
{
    return (unsigned)(a - w->apps);
}

unsigned user_index(const struct world *w, const struct user *u)
{
    return (unsigned)(u - w->users);
}

struct grant *grant_find(struct world *w, const struct app *a, const struct user *u)
{
    unsigned app = app_index(w, a), user = user_index(w, u);
    for (size_t i = 0; i < w->n_grants; i++)
        if (w->grants[i].app == app && w->grants[i].user == user)
            return &w->grants[i];
    return NULL;
}

struct grant *grant_make(struct world *w, const struct app *a, const struct user *u)
{
    struct grant *g = grant_find(w, a, u);
    if (g != NULL)
        return g;
    if (w->n_grants == MAX_GRANTS)
        return NULL;
    g = &w->grants[w->n_grants++];
    *g = (struct grant){.app = app_index(w, a), .user = user_index(w, u), .generation = 1};
    return g;
}

/* How many rows of a ring are in use, and the row that is `back` steps behind the newest. */
static size_t ring_used(size_t made, size_t max)
{
    return made < max ? made : max;
}

struct code *code_find(struct world *w, str text)
{
    for (size_t back = 1; back <= ring_used(w->n_codes, MAX_CODES); back++) {
        struct code *c = &w->codes[(w->n_codes - back) % MAX_CODES];
        if (str_eq(str_of(c->text), text))
            return c;
    }
    return NULL;
}

static struct token *token_find(struct world *w, str text, bool access)
{
    if (text.n == 0)
        return NULL;
    for (size_t back = 1; back <= ring_used(w->n_tokens, MAX_TOKENS); back++) {
        struct token *t = &w->tokens[(w->n_tokens - back) % MAX_TOKENS];
        if (str_eq(str_of(access ? t->access : t->refresh), text))
            return t;
    }
    return NULL;
}

struct token *token_by_access(struct world *w, str text)
{
    return token_find(w, text, true);
}

struct token *token_by_refresh(struct world *w, str text)
{
    return token_find(w, text, false);
}

struct qr *qr_find(struct world *w, str token)
{
    for (size_t back = 1; back <= ring_used(w->n_qrs, MAX_QR); back++) {
        struct qr *q = &w->qrs[(w->n_qrs - back) % MAX_QR];
        if (token.n > 0 && str_eq(str_of(q->token), token))
            return q;
    }
    return NULL;
}

static bool grant_holds(const struct world *w, const struct token *t)
{
    const struct grant *g = &w->grants[t->grant];
    return g->active && g->generation == t->generation && w->users[t->user].state == PERSON_ACTIVE;
}

bool token_alive(const struct world *w, const struct token *t, int64_t now_ms)
{
    if (t->access_dead || now_ms >= t->access_ms)
        return false;
    return t->client_only || grant_holds(w, t);
}

bool refresh_alive(const struct world *w, const struct token *t, int64_t now_ms)
{
    return !t->client_only && !t->refresh_dead && now_ms < t->refresh_ms && grant_holds(w, t);
}

struct code *code_next(struct world *w)
{
    struct code *c = &w->codes[w->n_codes++ % MAX_CODES];
    *c = (struct code){.used = false};
    return c;
}

struct token *token_next(struct world *w)
{
    struct token *t = &w->tokens[w->n_tokens++ % MAX_TOKENS];
    *t = (struct token){.client_only = false};
    return t;
}

struct qr *qr_next(struct world *w)
{
    struct qr *q = &w->qrs[w->n_qrs++ % MAX_QR];
    *q = (struct qr){.state = QR_NEW};
    return q;
}

static bool scope_known(str name, uint32_t *bit)
{
    for (size_t i = 0; i < sim_scopes_n; i++) {
        if (str_eq(str_of(sim_scopes[i].name), name)) {
            *bit = 1U << i;
            return true;
        }
    }
    return false;
}

bool scopes_parse(str list, uint32_t *bits)
{
    bool good = true;
    uint32_t bit;
    *bits = 0;
    str rest = list, head = STR_NONE;
    while (str_cut(&rest, ',', &head)) {
        if (scope_known(head, &bit))
            *bits |= bit;
        else
            good = false;
    }
    return good;
}

void scopes_put(struct buf *b, uint32_t bits)
{
    bool first = true;
    for (size_t i = 0; i < sim_scopes_n; i++) {
        if ((bits & 1U << i) == 0)
            continue;
        if (!first)
            buf_put_c(b, ',');
        first = false;
        buf_put(b, str_of(sim_scopes[i].name));
    }
}

uint32_t scope_bit(const char *name)
{
    uint32_t bit = 0;
    must(scope_known(str_of(name), &bit));
    return bit;
}

bool text_set(char *to, size_t size, str s)
{
    if (s.n >= size || (s.n > 0 && memchr(s.p, '\0', s.n) != NULL))
        return false;
    if (s.n > 0)
        memcpy(to, s.p, s.n);
    to[s.n] = '\0';
    return true;
}

/* A person's key: made durable in the person store before anything is sealed under it, found again for five
 * seconds in memory, destroyed for ever on erasure. A key without values (the caller's transaction went
 * back) does no harm. */
#include "keys/keys_priv.h"

struct person_key {
    struct seal_key key;
    str workspace, person;
};
struct person_job {
    struct keys *k;
    str workspace, person;
    struct arena *mem;
    struct seal_key key;
};

static enum rc taken(struct person_job *j, const struct key_row *r, struct fault *why)
{
    if (r->destroyed_ms != 0)
        return fault_set(why, RC_REFUSED, "keys.person_destroyed", "the key of " STR_FMT " was destroyed",
                         STR_ARG(j->person));
    struct wrapped w = {.kind = "person", .id = r->id, .bytes = r->bytes};
    w.owner = arena_fmt(j->mem, STR_FMT "/" STR_FMT, STR_ARG(j->workspace), STR_ARG(j->person));
    return kek_unwrap(&j->k->locked->kek, &w, &j->key, why);
}

static enum rc person_read(struct tx *tx, void *arg, struct fault *why)
{
    struct person_job *j = arg;
    struct key_row r;
    enum rc rc = keys_db_person(tx, j->workspace, j->person, tx_mem(tx), &r, why);
    return rc != RC_OK ? rc : taken(j, &r, why);
}

static enum rc person_make(struct tx *tx, void *arg, struct fault *why)
{
    struct person_job *j = arg;
    struct seal_key fresh;
    key_new("pk", &fresh);
    struct wrapped w = {.kind = "person", .id = key_id(&fresh)};
    w.owner = arena_fmt(tx_mem(tx), STR_FMT "/" STR_FMT, STR_ARG(j->workspace), STR_ARG(j->person));
    enum rc rc = kek_wrap(&j->k->locked->kek, &w, &fresh, tx_mem(tx), why);
    if (rc == RC_OK) {
        struct key_row r = {.workspace = j->workspace,
                            .person = j->person,
                            .id = w.id,
                            .bytes = w.bytes,
                            .kek = key_id(&j->k->locked->kek.primary)};
        rc = keys_db_person_insert(tx, &r, why);
    }
    wipe(&fresh, sizeof(fresh));
    return rc != RC_OK ? rc : person_read(tx, j, why);
}

static str cache_name(struct arena *mem, str workspace, str person)
{
    str parts = arena_fmt(mem, STR_FMT "/" STR_FMT, STR_ARG(workspace), STR_ARG(person));
    return parts.p == NULL ? STR_NONE : sha256_hex(parts, mem); /* 64 characters: any id fits */
}

static enum rc person_get(struct person_job *j, bool make, const struct person_key **out, struct fault *why)
{
    must(j->workspace.n > 0 && j->person.n > 0);
    str name = cache_name(j->mem, j->workspace, j->person);
    struct person_key *p = arena_new(j->mem, struct person_key);
    str ws = arena_str(j->mem, j->workspace), person = arena_str(j->mem, j->person);
    if (name.p == NULL || p == NULL || ws.p == NULL || person.p == NULL)
        return fault_set(why, RC_FULL, "keys.full", "no room for a person's key");
    enum rc rc = RC_OK;
    if (!vault_find(j->k->vault, name, &j->key)) {
        rc = store_read(j->k->people, person_read, j, why);
        if (rc == RC_MISSING && make)
            rc = store_write(j->k->people, STORE_INTERACTIVE, person_make, j, why);
        if (rc == RC_OK)
            vault_put(j->k->vault, name, &j->key);
    }
    if (rc == RC_OK) {
        *p = (struct person_key){.key = j->key, .workspace = ws, .person = person};
        *out = p;
    }
    wipe(&j->key, sizeof(j->key));
    return rc;
}

enum rc keys_person_load(struct keys *k, str workspace, str person, struct arena *secret_mem,
                         const struct person_key **out, struct fault *why)
{
    struct person_job j = {.k = k, .workspace = workspace, .person = person, .mem = secret_mem};
    return person_get(&j, true, out, why);
}

enum rc keys_person_find(struct keys *k, str workspace, str person, struct arena *secret_mem,
                         const struct person_key **out, struct fault *why)
{
    struct person_job j = {.k = k, .workspace = workspace, .person = person, .mem = secret_mem};
    enum rc rc = person_get(&j, false, out, why);
    if (rc == RC_MISSING || rc == RC_REFUSED)
        return fault_set(why, RC_MISSING, "keys.person_destroyed", "no key of " STR_FMT, STR_ARG(person));
    return rc;
}

enum { PERSON_AD = 6 };
static void person_ad(const struct person_key *p, const struct keys_place *at, str ad[PERSON_AD])
{
    must(str_eq(p->workspace, at->workspace)); /* a person's key never leaves its workspace */
    ad[0] = at->workspace;
    ad[1] = str_of(at->table);
    ad[2] = at->row;
    ad[3] = str_of(at->column);
    ad[4] = p->person;
    ad[5] = key_id(&p->key);
}

enum rc keys_person_seal(const struct person_key *p, const struct keys_place *at, struct secret plain,
                         struct arena *mem, str *out, struct fault *why)
{
    str ad[PERSON_AD];
    person_ad(p, at, ad);
    return seal(&p->key, ad, PERSON_AD, plain, mem, out, why);
}

enum rc keys_person_unseal(const struct person_key *p, const struct keys_place *at, str sealed,
                           struct arena *secret_mem, struct secret *out, struct fault *why)
{
    str ad[PERSON_AD];
    person_ad(p, at, ad);
    enum rc rc = open_sealed(&p->key, ad, PERSON_AD, sealed, secret_mem, out, why);
    if (rc == RC_DENIED)
        metric_add(&keys_metrics[KEYS_M_REFUSED], 1, at->table, NULL);
    return rc;
}

static enum rc person_destroy(struct tx *tx, void *arg, struct fault *why)
{
    struct person_job *j = arg;
    return keys_db_person_destroy(tx, j->workspace, j->person, why);
}

enum rc keys_person_destroy(struct keys *k, str workspace, str person, struct fault *why)
{
    struct arena *mem = arena_open(4096);
    struct person_job j = {.k = k, .workspace = workspace, .person = person, .mem = mem};
    enum rc rc = store_write(k->people, STORE_INTERACTIVE, person_destroy, &j, why);
    str name = cache_name(mem, workspace, person);
    must(name.p != NULL);
    vault_forget(k->vault, name);
    arena_close(&mem);
    if (rc == RC_OK)
        log_event(k->log, LOG_INFO, "keys.person_destroyed", F_ID("workspace", workspace),
                  F_ID("person", person));
    return rc;
}

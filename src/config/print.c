/* Showing settings: what is in force (`config print`, secrets as a short fingerprint) and what exists
 * (gen-docs). The fingerprint takes OpenSSL directly, because this room may not look at crypto. */
#include <openssl/sha.h>
#include "config/config_priv.h"

static void put_secret(const struct entry *e, struct buf *out)
{
    unsigned char sum[SHA256_DIGEST_LENGTH];
    if (e->secret.n == 0) {
        buf_put(out, STR("(not set)"));
        return;
    }
    (void)SHA256(e->secret.p, e->secret.n, sum);
    buf_put(out, STR("(set, sha256 "));
    buf_put_hex(out, sum, 4);
    buf_put_c(out, ')');
}

/* A wrong URL may be wrong because it holds a password. */
static void put_value(const struct entry *e, struct buf *out)
{
    if (e->row->kind == SET_SECRET) {
        put_secret(e, out);
    } else if (e->bad && e->row->kind == SET_URL) {
        buf_put(out, STR("(refused)"));
    } else {
        for (size_t i = 0; i < e->raw.n; i++) {
            unsigned char c = (unsigned char)e->raw.p[i];
            buf_put_c(out, c < 0x20 || c == 0x7F ? '?' : (char)c);
        }
    }
}

void config_print(const struct config *c, struct buf *out)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct entry *e = c->by_key[i];
        buf_fmt(out, "%s = ", e->row->key);
        put_value(e, out);
        if (e->row->unit != NULL && e->row->unit[0] != '\0')
            buf_fmt(out, " %s", e->row->unit);
        buf_fmt(out, "  # %s%s\n", e->source, e->bad ? ", WRONG" : "");
    }
}

static void put_cell(struct buf *out, str text)
{
    buf_put(out, STR("| "));
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '|')
            buf_put_c(out, '\\');
        buf_put_c(out, text.p[i]);
    }
    buf_put_c(out, ' ');
}

static void put_env(struct buf *out, const struct setting *row)
{
    buf_put(out, STR("| `MZ_"));
    for (const char *p = row->key; *p != '\0'; p++)
        buf_put_c(out, *p == '.' ? '_' : (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p));
    buf_put(out, row->kind == SET_SECRET ? STR("_FILE` ") : STR("` "));
}

static void put_default(struct buf *out, const struct setting *row)
{
    if (row->def == NULL)
        put_cell(out, STR("required"));
    else if (row->def[0] == '\0')
        put_cell(out, STR("none"));
    else
        put_cell(out, str_of(row->def));
}

void config_docs(const struct setting_table *tables, size_t n_tables, struct buf *out)
{
    for (size_t t = 0; t < n_tables; t++) {
        for (size_t i = 0; i < tables[t].n; i++) {
            const struct setting *row = &tables[t].rows[i];
            struct buf allowed;
            buf_init(&allowed, NULL, 1000);
            config_put_allowed(row, &allowed);
            buf_fmt(out, "| `%s%s` ", row->key, row->kind == SET_SECRET ? "_file" : "");
            put_env(out, row);
            put_cell(out, buf_str(&allowed));
            put_default(out, row);
            put_cell(out, row->reloads ? STR("reload") : STR("restart"));
            put_cell(out, str_of(row->doc));
            buf_put(out, STR("|\n"));
            buf_release(&allowed);
        }
    }
}

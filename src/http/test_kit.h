/* A server on a free port, for the tests of room http. */
#ifndef MZ_HTTP_TEST_KIT_H
#define MZ_HTTP_TEST_KIT_H
#include "unit.h"
#include <pthread.h>
#include <stdatomic.h>
#include "crypto/crypto.h"
#include "http/http.h"
#include "test_client.h"

struct kit {
    struct http *http;
    struct config *config;
};

static inline void kit_open_with(struct kit *k, const struct http_options *o, char *const *extra_env)
{
    static char *base[] = {"MZ_PUBLIC_BASE_URL=http://127.0.0.1:1",
                           "MZ_HTTP_LISTEN=127.0.0.1:0",
                           "MZ_HTTP_MAX_PER_ADDRESS=1000",
                           "MZ_HTTP_READS_PER_SECOND=0",
                           "MZ_HTTP_WRITES_PER_SECOND=0",
                           "MZ_HTTP_EXCHANGES_PER_SECOND=0",
                           "MZ_HTTP_INTAKE_PER_SECOND=0"};
    char *env[32];
    size_t n = 0;
    struct fault why = {0};
    const struct setting_table table = {http_settings, http_settings_n};
    for (; extra_env != NULL && extra_env[n] != NULL; n++) {
        env[n] = extra_env[n];
    }
    for (size_t i = 0; i < COUNT_OF(base); i++) {
        size_t name = strcspn(base[i], "=") + 1;
        bool given = false;
        for (size_t j = 0; extra_env != NULL && extra_env[j] != NULL; j++) {
            given = given || strncmp(extra_env[j], base[i], name) == 0;
        }
        if (!given) {
            env[n++] = base[i];
        }
    }
    env[n] = NULL;
    if (config_load(&table, 1, STR_NONE, env, &k->config, &why) != RC_OK) {
        fail_msg("config: %s", why.detail);
    }
    struct http_options mine = *o;
    mine.config = k->config;
    mine.listen_key = mine.listen_key == NULL ? "http.listen" : mine.listen_key;
    if (http_open(&mine, &k->http, &why) != RC_OK) {
        fail_msg("http_open: %s %s", why.code, why.detail);
    }
}

static inline void kit_close(struct kit *k)
{
    http_close(&k->http);
    config_close(&k->config);
}

#endif

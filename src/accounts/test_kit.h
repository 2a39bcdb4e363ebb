/* A world for tests of accounts and login: a store, the rooms below, and a small TikTok on loopback that
 * rotates refresh tokens strictly and does what `mode` says. */
#ifndef MZ_ACCOUNTS_TEST_KIT_H
#define MZ_ACCOUNTS_TEST_KIT_H
#include "testdb.h"
#include <pthread.h>
#include "accounts/accounts_priv.h"

enum stub_mode {
    STUB_GOOD,
    STUB_LOST_ONCE,
    STUB_LOST_ALWAYS,
    STUB_HTML,
    STUB_ERROR_200,
    STUB_DEAD,
    STUB_OTHER_PERSON,
    STUB_BUSY,
    STUB_BAD_CLIENT,
    STUB_ROTATED_LOST
};
struct stub {
    int listener, port;
    pthread_t thread;
    _Atomic bool stop;
    _Atomic int mode, generation, refreshes, revokes, exchanges, in_flight, max_in_flight, lost;
    _Atomic long expires_s;
    _Atomic int code, probes; /* code: what the API for Business answers instead of 0 */
    char scope[128];
};
struct kit {
    struct testdb db;
    struct config *config;
    struct keys *keys;
    struct audit *audit;
    struct consent *consent;
    struct budget *budget;
    struct fetch *fetch;
    struct tiktok *tiktok;
    struct mozflow *mozflow;
    struct jobs *jobs;
    struct accounts *accounts;
    struct stub stub;
    struct arena *mem;
    char dir[64];
    struct job_table tables[8];
    struct job_emit_row emits[2];
    size_t n_tables;
    char alerts[64][48];
    size_t n_alerts;
    enum rc arrived; /* of the last kit_arrive_as */
    struct fault why;
    bool may_fail;                 /* kit_arrive_as may be refused */
    const char *username, *beside; /* of the next arrivals; NULL: none */
};
/* more: tables of the room above (login), which kit_open takes in before jobs_open; NULL: none. */
struct kit_more {
    const struct migration_table *migrations;
    size_t n_migrations;
    const struct setting_table *settings;
    size_t n_settings;
    const struct mozflow_event_table *events;
    size_t n_events;
};
void kit_open(struct kit *k, bool postgres, const struct kit_more *more);
void kit_close(struct kit *k);
extern const struct sql kit_count_live; /* $1 workspace: live grants */
int64_t kit_int(struct kit *k, const struct sql *q, str workspace);
int kit_alerts(struct kit *k, const char *name); /* raised so far */
str kit_arrive_as(struct kit *k, enum app_kind kind, const char *workspace, const char *open_id,
                  int64_t expires_s);
/* Signs a person in with given tokens; the account's id. */
str kit_arrive(struct kit *k, const char *workspace, const char *open_id, int64_t expires_s);
#endif

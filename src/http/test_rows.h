/* A server with a row for every promise that rows can make, and one call to try it. */
#ifndef MZ_HTTP_TEST_ROWS_H
#define MZ_HTTP_TEST_ROWS_H
#include "unit.h"
#include "http/http_priv.h"
#include "test_kit.h"

extern struct kit kit;
extern struct reply r, r2;   /* r: what the last expect() heard */
extern pthread_mutex_t gate; /* held: POST /gate waits */
extern _Atomic int entered;  /* requests that reached the gate */
extern _Atomic int handled;  /* requests that reached a handler */

#define JSON "Content-Type: application/json\r\n"
#define ALL "Authorization: Bearer all\r\n"
#define KEY "Idempotency-Key: k1\r\n"
#define WITH_KIT(f) cmocka_unit_test_setup_teardown(f, open_kit, close_kit)

int open_kit(void **state);
int close_kit(void **state);
void open_env(char *const *env);
/* "GET /x", further header lines, body or NULL; fails unless status and problem code (NULL: any) are these.
 * */
void expect(const char *line, const char *headers, const char *body, int status, const char *code);
void send_to(struct reply *out, const char *line, const char *headers, const char *body);
#endif

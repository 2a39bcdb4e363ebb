/* The CLI's side of the admin socket, over libcurl. What can go wrong: no daemon runs on this state folder.
 */
#include <curl/curl.h>
#include "app/app.h"

struct reading {
    struct buf body;
};

static size_t take(char *p, size_t size, size_t n, void *arg)
{
    struct reading *r = arg;
    buf_put(&r->body, (str){p, size * n});
    return buf_ok(&r->body) ? size * n : 0;
}

static enum rc run(CURL *c, const char *sock, const char *url, struct arena *mem, int *status, str *body,
                   struct fault *why)
{
    struct reading r;
    long code = 0;
    buf_init(&r.body, mem, 8u << 20);
    curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, sock);
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, 20000L);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &r);
    CURLcode did = curl_easy_perform(c);
    if (did != CURLE_OK)
        return fault_set(why, RC_RETRY, "app.no_daemon",
                         "%s: %s. Is the daemon running on this state folder?", sock,
                         curl_easy_strerror(did));
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &code);
    *status = (int)code;
    *body = buf_str(&r.body);
    return RC_OK;
}

enum rc client_fetch(str state_dir, const char *method, const char *path, str json_body, struct arena *mem,
                     int *status, str *body, struct fault *why)
{
    const char *sock = arena_cstr(mem, arena_fmt(mem, STR_FMT "/daemon.sock", STR_ARG(state_dir)));
    const char *url = arena_cstr(mem, arena_fmt(mem, "http://localhost%s", path));
    CURL *c = curl_easy_init();
    if (c == NULL || sock == NULL || url == NULL)
        return fault_set(why, RC_FULL, "app.memory", "no HTTP handle");
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (json_body.n > 0) {
        curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)json_body.n);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, json_body.p);
    }
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
    enum rc rc = run(c, sock, url, mem, status, body, why);
    curl_slist_free_all(headers);
    curl_easy_cleanup(c);
    return rc;
}

int client_call(str state_dir, const char *method, const char *path, str json_body)
{
    struct arena *mem = arena_open(16u << 20);
    struct fault why = {0};
    int status = 0, exit_code = 1;
    str body;
    if (client_fetch(state_dir, method, path, json_body, mem, &status, &body, &why) != RC_OK)
        fprintf(stderr, "mozflow-tiktok: %s\n", why.detail);
    else {
        FILE *to = status == 200 ? stdout : stderr;
        fprintf(to, STR_FMT "%s", STR_ARG(body), body.n > 0 && body.p[body.n - 1] == '\n' ? "" : "\n");
        exit_code = status == 200 ? 0 : 1;
    }
    arena_close(&mem);
    return exit_code;
}

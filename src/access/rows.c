/* The const rows that room access exports: routes, the tidying job, settings, metrics. */
#include "access/access_priv.h"

#define ROLES "owner|admin|analyst|agent|auditor"
#define LANGUAGES "en|th"

static const struct param sign_in_params[] = {
    {.name = "email",
     .in = IN_BODY,
     .kind = P_TEXT,
     .required = true,
     .min = 3,
     .max = 254,
     .doc = "own e-mail"},
    {.name = "password",
     .in = IN_BODY,
     .kind = P_TEXT,
     .required = true,
     .min = 1,
     .max = 128,
     .doc = "password"},
};
static const struct param language_params[] = {
    {.name = "language",
     .in = IN_BODY,
     .kind = P_ENUM,
     .required = true,
     .choices = LANGUAGES,
     .doc = "en or th"},
};
static const struct param list_params[] = {
    {.name = "limit",
     .in = IN_QUERY,
     .kind = P_INT,
     .min = 1,
     .max = 100,
     .doc = "rows a page, 50 by default"},
    {.name = "cursor", .in = IN_QUERY, .kind = P_CURSOR, .max = 64, .doc = "next_cursor of the page before"},
};
static const struct param role_params[] = {
    {.name = "id", .in = IN_PATH, .kind = P_ID, .required = true, .choices = "mem", .doc = "the member"},
    {.name = "role",
     .in = IN_BODY,
     .kind = P_ENUM,
     .required = true,
     .choices = ROLES,
     .doc = "the new role"},
};
static const struct param member_params[] = {
    {.name = "id", .in = IN_PATH, .kind = P_ID, .required = true, .choices = "mem", .doc = "the member"},
};
static const struct param invite_params[] = {
    {.name = "email", .in = IN_BODY, .kind = P_TEXT, .required = true, .min = 3, .max = 254, .doc = "whom"},
    {.name = "name", .in = IN_BODY, .kind = P_TEXT, .max = 120, .doc = "how to call him; he may change it"},
    {.name = "role",
     .in = IN_BODY,
     .kind = P_ENUM,
     .required = true,
     .choices = ROLES,
     .doc = "role to be given"},
    {.name = "language",
     .in = IN_BODY,
     .kind = P_ENUM,
     .choices = LANGUAGES,
     .doc = "console language, en by default"},
};
static const struct param accept_params[] = {
    {.name = "token",
     .in = IN_BODY,
     .kind = P_TEXT,
     .required = true,
     .min = 43,
     .max = 43,
     .doc = "from the link"},
    {.name = "name", .in = IN_BODY, .kind = P_TEXT, .max = 120, .doc = "own name"},
    {.name = "password",
     .in = IN_BODY,
     .kind = P_TEXT,
     .required = true,
     .min = PASSWORD_MIN,
     .max = PASSWORD_MAX,
     .doc = "12 to 128 bytes"},
    {.name = "language", .in = IN_BODY, .kind = P_ENUM, .choices = LANGUAGES, .doc = "console language"},
};
static const struct param key_params[] = {
    {.name = "name",
     .in = IN_BODY,
     .kind = P_TEXT,
     .required = true,
     .min = 1,
     .max = 120,
     .doc = "what it is for"},
    {.name = "scopes",
     .in = IN_BODY,
     .kind = P_LIST,
     .required = true,
     .min = 1,
     .max = 32,
     .doc = "permissions"},
    {.name = "expires_in_days", .in = IN_BODY, .kind = P_INT, .min = 1, .max = 730, .doc = "absent: no end"},
};
static const struct param key_id_params[] = {
    {.name = "id", .in = IN_PATH, .kind = P_ID, .required = true, .choices = "key", .doc = "the key"},
};
static const struct param mint_params[] = {
    {.name = "mozflow_user_id",
     .in = IN_BODY,
     .kind = P_TEXT,
     .min = 1,
     .max = 128,
     .doc = "Mozflow's own id of its user; absent: the e-mail stands for it"},
    {.name = "email",
     .in = IN_BODY,
     .kind = P_TEXT,
     .required = true,
     .min = 3,
     .max = 254,
     .doc = "shown only"},
    {.name = "name",
     .in = IN_BODY,
     .kind = P_TEXT,
     .required = true,
     .min = 1,
     .max = 120,
     .doc = "shown only"},
    {.name = "role",
     .in = IN_BODY,
     .kind = P_ENUM,
     .required = true,
     .choices = ROLES,
     .doc = "within the key's scopes"},
    {.name = "language",
     .in = IN_BODY,
     .kind = P_ENUM,
     .choices = LANGUAGES,
     .doc = "console language, en by default"},
};
#define TOKEN(where)                                                                                         \
    {                                                                                                        \
        .name = "token", .in = where, .kind = P_TEXT, .required = true, .min = 43, .max = 43,                \
        .doc = "one-time token"                                                                              \
    }
static const struct param look_params[] = {
    TOKEN(IN_QUERY),
    {.name = "lang", .in = IN_QUERY, .kind = P_ENUM, .choices = LANGUAGES, .doc = "language of the page"},
};
static const struct param enter_params[] = {TOKEN(IN_BODY)};

#define PARAMS(p) .params = (p), .n_params = COUNT_OF(p)
const struct route access_routes[] = {
    {.method = "GET",
     .path = "/v1/session",
     .name = "getSession",
     .cls = HTTP_READ,
     .need = PERM_SESSION_SELF,
     .handle = http_session_get,
     .doc = "Who is signed in, where, and what that member may do.",
     .gives = &shape_session},
    {.method = "POST",
     .path = "/v1/session",
     .name = "signIn",
     .cls = HTTP_EXCHANGE,
     .need = PERM_NONE,
     .no_once = true,
     PARAMS(sign_in_params),
     .handle = http_session_post,
     .doc = "Signs a member in with e-mail and password and sets the session cookie.",
     .gives = &shape_session,
     .answer = "The new session. 401 for a wrong e-mail or password alike."},
    {.method = "DELETE",
     .path = "/v1/session",
     .name = "signOut",
     .cls = HTTP_WRITE,
     .need = PERM_SESSION_SELF,
     .handle = http_session_delete,
     .doc = "Ends this session.",
     .gives = &shape_signed_out},
    {.method = "PUT",
     .path = "/v1/session/language",
     .name = "setLanguage",
     .cls = HTTP_WRITE,
     .need = PERM_SESSION_SELF,
     PARAMS(language_params),
     .handle = http_language_put,
     .doc = "Sets the member's console language.",
     .gives = &shape_session},
    {.method = "DELETE",
     .path = "/v1/session/identities",
     .name = "unlinkIdentities",
     .cls = HTTP_WRITE,
     .need = PERM_SESSION_SELF,
     .handle = http_identity_delete,
     .doc = "Takes away the member's linked TikTok identities.",
     .gives = &shape_session},
    {.method = "GET",
     .path = "/v1/members",
     .name = "listMembers",
     .cls = HTTP_READ,
     .need = PERM_MEMBERS_READ,
     PARAMS(list_params),
     .handle = http_members_get,
     .doc = "The workspace's members.",
     .gives = &shape_member,
     .many = true},
    {.method = "PUT",
     .path = "/v1/members/{id}/role",
     .name = "setRole",
     .cls = HTTP_WRITE,
     .need = PERM_MEMBERS_MANAGE,
     PARAMS(role_params),
     .handle = http_role_put,
     .doc = "Changes a member's role and ends that member's sessions.",
     .gives = &shape_member_role},
    {.method = "DELETE",
     .path = "/v1/members/{id}",
     .name = "removeMember",
     .cls = HTTP_WRITE,
     .need = PERM_MEMBERS_MANAGE,
     PARAMS(member_params),
     .handle = http_member_delete,
     .doc = "Removes a member: sessions end, name and e-mail are erased.",
     .gives = &shape_member_removed},
    {.method = "POST",
     .path = "/v1/invitations",
     .name = "inviteMember",
     .cls = HTTP_WRITE,
     .need = PERM_MEMBERS_MANAGE,
     PARAMS(invite_params),
     .handle = http_invitation_post,
     .doc = "Makes a one-time invitation link; this service sends no mail.",
     .gives = &shape_invitation},
    {.method = "POST",
     .path = "/v1/invitations/accept",
     .name = "acceptInvitation",
     .cls = HTTP_EXCHANGE,
     .need = PERM_NONE,
     .no_once = true,
     PARAMS(accept_params),
     .handle = http_invitation_accept,
     .doc = "Takes an invitation, sets the password and signs the new member in.",
     .gives = &shape_new_member},
    {.method = "GET",
     .path = "/v1/keys",
     .name = "listKeys",
     .cls = HTTP_READ,
     .need = PERM_KEYS_MANAGE,
     PARAMS(list_params),
     .handle = http_keys_get,
     .doc = "The workspace's API keys, without their text.",
     .gives = &shape_key,
     .many = true},
    {.method = "POST",
     .path = "/v1/keys",
     .name = "createKey",
     .cls = HTTP_WRITE,
     .need = PERM_KEYS_MANAGE,
     PARAMS(key_params),
     .handle = http_key_post,
     .doc = "Makes an API key; its text is shown this once.",
     .gives = &shape_key},
    {.method = "DELETE",
     .path = "/v1/keys/{id}",
     .name = "revokeKey",
     .cls = HTTP_WRITE,
     .need = PERM_KEYS_MANAGE,
     PARAMS(key_id_params),
     .handle = http_key_delete,
     .doc = "Revokes an API key at once.",
     .gives = &shape_key_revoked},
    {.method = "POST",
     .path = "/v1/console/sessions",
     .name = "mintConsoleSession",
     .cls = HTTP_WRITE,
     .need = PERM_MEMBERS_MANAGE,
     PARAMS(mint_params),
     .handle = http_console_post,
     .doc = "A one-time link by which Mozflow's own user enters the console within 60 seconds.",
     .gives = &shape_console_session},
    {.method = "GET",
     .path = "/console/enter",
     .name = "showConsoleLink",
     .cls = HTTP_READ,
     .need = PERM_NONE,
     .browser = true,
     PARAMS(look_params),
     .handle = http_console_look,
     .doc = "Shows whose session a one-time link would begin, with a button; takes nothing."},
    {.method = "POST",
     .path = "/console/enter",
     .name = "enterConsole",
     .cls = HTTP_WRITE,
     .need = PERM_NONE,
     .browser = true,
     .form = true,
     .no_once = true,
     PARAMS(enter_params),
     .handle = http_console_enter,
     .doc = "Takes a one-time link, sets the session cookie and goes on to the console."},
};
const size_t access_routes_n = COUNT_OF(access_routes);

/* ---- tidying ---- */

static enum rc tidy(struct tx *tx, void *arg, struct fault *why)
{
    bool more = false;
    (void)arg;
    enum rc rc = db_tidy(tx, &more, why);
    if (rc != RC_OK || !more)
        return rc;
    return jobs_put(tx, &(struct job_new){.kind = "access.tidy", .workspace = STR("-"), .args = STR("{}")},
                    why);
}

static enum rc run_tidy(struct job *j, void *ctx, struct fault *why)
{
    return job_commit(j, tidy, ctx, why);
}

const struct job_kind access_jobs[] = {
    {.name = "access.tidy",
     .order = JOB_FREE,
     .cls = JOBS_BULK,
     .retry = &retry_patient,
     .run = run_tidy,
     .doc = "Deletes sessions, links, invitations, idempotency keys and counters a day after their end."},
};
const size_t access_jobs_n = COUNT_OF(access_jobs);

const struct job_schedule access_schedules[] = {
    {.name = "access.tidy", .kind = "access.tidy", .every_ms = 3600000, .doc = "hourly tidying"},
};
const size_t access_schedules_n = COUNT_OF(access_schedules);

/* ---- settings, metrics, alerts, events ---- */

const struct setting access_settings[] = {
    {.key = "access.session_idle_minutes",
     .kind = SET_INT,
     .min = 5,
     .max = 240,
     .unit = "minutes",
     .def = "30",
     .doc = "A console session ends after this long without a request."},
    {.key = "access.session_hours",
     .kind = SET_INT,
     .min = 1,
     .max = 24,
     .unit = "hours",
     .def = "12",
     .doc = "A console session ends after this long in any case."},
    {.key = "access.invitation_hours",
     .kind = SET_INT,
     .min = 1,
     .max = 336,
     .unit = "hours",
     .def = "72",
     .doc = "How long an invitation link can be taken."},
    {.key = "access.sign_in_per_address",
     .kind = SET_INT,
     .min = 5,
     .max = 100000,
     .unit = "attempts",
     .def = "60",
     .doc = "Attempts to sign in from one address (IPv6: one /64) in 15 minutes, over all e-mails."},
    {.key = "access.sign_in_per_email",
     .kind = SET_INT,
     .min = 3,
     .max = 1000,
     .unit = "attempts",
     .def = "10",
     .doc = "Attempts to sign in with one e-mail from one address in 15 minutes; ten times this over all "
            "addresses."},
};
const size_t access_settings_n = COUNT_OF(access_settings);

const struct metric access_metrics[] = {
    [ACCESS_M_SIGN_IN] =
        {"mz_access_sign_in_total", METRIC_COUNTER, "outcome",
         "Attempts to sign in: password, link, tiktok; wrong, limited, link_refused, failed."},
    [ACCESS_M_REFUSED] = {"mz_access_refused_total", METRIC_COUNTER, "credential",
                          "Requests with a session or key that was unknown, ended, revoked or mistyped."},
    [ACCESS_M_KEYS] = {"mz_access_keys_created_total", METRIC_COUNTER, NULL, "API keys made over the API."},
};
const size_t access_metrics_n = COUNT_OF(access_metrics);

const struct alert_row access_alerts[] = {
    {.name = "access.guessing",
     .severity = "ticket",
     .en = "Many attempts to sign in are refused by the limits: somebody may be guessing passwords. Look at "
           "the event "
           "access.sign_in for addresses; the limits hold.",
     .th = "มีการพยายามลงชื่อเข้าใช้จำนวนมากถูกปฏิเสธตามขีดจำกัด อาจมีผู้พยายามเดารหัสผ่าน "
           "โปรดตรวจสอบที่อยู่จากเหตุการณ์ access.sign_in ทั้งนี้ขีดจำกัดยังคงป้องกันอยู่"},
};
const size_t access_alerts_n = COUNT_OF(access_alerts);

const struct event_doc access_event_docs[] = {
    {"access.sign_in",
     "An attempt to sign in with e-mail and password, with its outcome; the e-mail is masked."},
    {"access.touch", "The last use of a session or key could not be written; the request went on."},
};
const size_t access_event_docs_n = COUNT_OF(access_event_docs);

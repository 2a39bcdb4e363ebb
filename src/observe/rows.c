/* Names of the permissions: what API keys carry as scopes and what the permission matrix prints. */
#include "observe/observe_priv.h"

static const char *const names[PERM_COUNT] = {
    [PERM_NONE] = "none",
    [PERM_LOGIN_START] = "login.start",
    [PERM_LOGIN_EXCHANGE] = "login.exchange",
    [PERM_LOGIN_LINK] = "login.link",
    [PERM_CONVERSATIONS_READ] = "conversations.read",
    [PERM_CONVERSATIONS_WRITE] = "conversations.write",
    [PERM_CONTACTS_READ] = "contacts.read",
    [PERM_CONTACTS_WRITE] = "contacts.write",
    [PERM_ACCOUNTS_READ] = "accounts.read",
    [PERM_ACCOUNTS_MANAGE] = "accounts.manage",
    [PERM_MEMBERS_READ] = "members.read",
    [PERM_MEMBERS_MANAGE] = "members.manage",
    [PERM_KEYS_MANAGE] = "keys.manage",
    [PERM_FLAGS_READ] = "flags.read",
    [PERM_FLAGS_MANAGE] = "flags.manage",
    [PERM_EVENTS_READ] = "events.read",
    [PERM_EVENTS_MANAGE] = "events.manage",
    [PERM_JOBS_READ] = "jobs.read",
    [PERM_JOBS_MANAGE] = "jobs.manage",
    [PERM_AUDIT_READ] = "audit.read",
    [PERM_EXPLAIN] = "explain",
    [PERM_SESSION_SELF] = "session.self",
    [PERM_ALERTS_READ] = "alerts.read",
};

const char *permission_name(enum permission p)
{
    unsigned at = (unsigned)p;
    must(at < PERM_COUNT && names[at] != NULL);
    return names[at];
}

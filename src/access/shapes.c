/* What this room's routes answer with. */
#include "access/access_priv.h"

#define ROLES "owner|admin|analyst|agent|auditor"

static const struct shape shape_identity = {
    .name = "LinkedIdentity",
    .doc = "A TikTok identity that a member signs in with.",
    .fields = {{"client_key", A_TEXT, .doc = "TikTok's key of the app."},
               {"linked_at", A_TIME, .doc = "When the member linked it."}}};
static const struct shape shape_self = {
    .name = "OwnMember",
    .doc = "The signed-in member.",
    .fields = {{"id", A_TEXT, .doc = "mem_..."},
               {"name", A_TEXT, .doc = "As the console shows it."},
               {"email", A_TEXT, .doc = "Shown; also the name to sign in with, for members with a password."},
               {"role", A_ENUM, .choices = ROLES, .doc = "What the member may do, by name."},
               {"language", A_ENUM, .choices = "en|th", .doc = "The console's language."},
               {"identities", A_MANY, .of = &shape_identity, .doc = "Linked TikTok identities."}}};
static const struct shape shape_workspace = {
    .name = "OwnWorkspace",
    .doc = "The workspace of the session.",
    .fields = {{"id", A_TEXT, .doc = "wsp_..."},
               {"name", A_TEXT, .doc = "Its name."},
               {"public_key", A_TEXT, .doc = "Names it in links that anybody may see; no secret."}}};
const struct shape shape_session = {
    .name = "Session",
    .doc = "Who is signed in, where, and what that member may do.",
    .fields = {{"member", A_ONE, .of = &shape_self, .doc = "Who."},
               {"workspace", A_ONE, .of = &shape_workspace, .doc = "Where."},
               {"permissions", A_TEXTS, .doc = "What the member's role allows, by name."},
               {"flags", A_FLAGS, .doc = "Which features are on in this workspace."}}};
const struct shape shape_signed_out = {.name = "SignedOut",
                                       .doc = "The session has ended.",
                                       .fields = {{"signed_out", A_FLAG, .doc = "Always true."}}};
const struct shape shape_member = {
    .name = "Member",
    .doc = "A member of the workspace.",
    .fields = {{"id", A_TEXT, .doc = "mem_..."},
               {"name", A_TEXT, .doc = "As the console shows it."},
               {"email", A_TEXT, .doc = "The member's e-mail."},
               {"role", A_ENUM, .choices = ROLES, .doc = "What the member may do, by name."},
               {"language", A_ENUM, .choices = "en|th", .doc = "The console's language."},
               {"origin", A_ENUM, .choices = "own|mozflow",
                .doc = "own: by invitation, with a password; mozflow: Mozflow's server signs the member in."},
               {"created_at", A_TIME, .doc = "When the member was made."},
               {"signed_in_at", A_TIME, MAY_BE_NULL, .doc = "The last sign-in; null: never."}}};
const struct shape shape_member_role = {
    .name = "MemberRole",
    .doc = "The member with the new role.",
    .fields = {{"id", A_TEXT, .doc = "mem_..."}, {"role", A_ENUM, .choices = ROLES, .doc = "The new role."}}};
const struct shape shape_member_removed = {
    .name = "MemberRemoved",
    .doc = "The member is gone.",
    .fields = {{"id", A_TEXT, .doc = "mem_..."}, {"removed", A_FLAG, .doc = "Always true."}}};
const struct shape shape_invitation = {
    .name = "Invitation",
    .doc = "A one-time invitation.",
    .fields = {{"id", A_TEXT, .doc = "inv_..."},
               {"email", A_TEXT, .doc = "Who is invited."},
               {"role", A_ENUM, .choices = ROLES, .doc = "The role to be given."},
               {"link", A_URL, MAY_BE_NULL, .doc = "Shown once: null when the same request is repeated."},
               {"expires_at", A_TIME, .doc = "Until when it can be taken."}}};
const struct shape shape_new_member = {.name = "NewMember",
                                       .doc = "The member that took the invitation.",
                                       .fields = {{"id", A_TEXT, .doc = "mem_..."}}};

const struct shape shape_key = {
    .name = "ApiKey",
    .doc = "An API key.",
    .fields = {
        {"id", A_TEXT, .doc = "key_..."},
        {"name", A_TEXT, .doc = "What the key is for."},
        {"scopes", A_TEXTS, .doc = "What it may do, by permission."},
        {"created_by", A_TEXT, .doc = "The member or key that made it."},
        {"created_at", A_TIME, .doc = "When."},
        {"expires_at", A_TIME, MAY_BE_NULL, .doc = "Until when it works; null: no end."},
        {"revoked_at", A_TIME, MAY_BE_NULL, .doc = "Since when it is revoked; null: it is not."},
        {"used_at", A_TIME, MAY_BE_NULL, .doc = "The last use; null: never."},
        {"key", A_TEXT, MAY_BE_NULL | MAY_BE_ABSENT,
         .doc = "Its text, only in the answer that made it; null when the same request is repeated."}}};
const struct shape shape_key_revoked = {
    .name = "ApiKeyRevoked",
    .doc = "The key works no more.",
    .fields = {{"id", A_TEXT, .doc = "key_..."}, {"revoked", A_FLAG, .doc = "Always true."}}};
const struct shape shape_console_session = {
    .name = "ConsoleLink",
    .doc = "A one-time way into the console.",
    .fields = {{"member_id", A_TEXT, .doc = "mem_..."},
               {"url", A_URL, MAY_BE_NULL, .doc = "Shown once: null when the same request is repeated."},
               {"expires_at", A_TIME, .doc = "Until when it can be taken."}}};

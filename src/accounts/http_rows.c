/* http_rows: the const rows of this room's routes, answers, problems, alerts and log events. */
#include "accounts/http_priv.h"

/* ---- answers ---- */
static const struct shape shape_health = {
    .name = "AccountHealth",
    .doc = "How the connection is doing, and what to do.",
    .fields = {
        {"verdict", A_ENUM, .choices = "good|warning|bad", .doc = "In one word."},
        {"code", A_TEXT,
         .doc = "Stable: well, not_connected, scope_missing, ends_soon, refresh_failing, expired, unsure, "
                "needs_consent, revoking, revoked."},
        {"en", A_TEXT, .doc = "One sentence in English."},
        {"th", A_TEXT, .doc = "The same in Thai."},
        {"next_step_en", A_TEXT, .doc = "What to do, in English."},
        {"next_step_th", A_TEXT, .doc = "The same in Thai."}}};
static const struct shape shape_advertiser = {
    .name = "AdAccount",
    .doc = "An ad account that the advertiser granted.",
    .fields = {{"id", A_TEXT, .doc = "TikTok's advertiser id."},
               {"name", A_TEXT, MAY_BE_NULL, .doc = "As TikTok shows it."}}};
static const struct shape shape_account = {
    .name = "Account",
    .doc = "A connected TikTok account with its newest grant.",
    .fields = {{"id", A_TEXT, .doc = "acc_..."},
               {"kind", A_ENUM, .choices = "login|business|advertiser", .doc = "Which of the three grants."},
               {"app", A_TEXT, .doc = "The app row it was connected through."},
               {"open_id", A_TEXT, .doc = "TikTok's id of it within the app."},
               {"display_name", A_TEXT, MAY_BE_NULL, .doc = "As TikTok shows it."},
               {"username", A_TEXT, MAY_BE_NULL, .doc = "Without @."},
               {"avatar_url", A_TEXT, MAY_BE_NULL, .doc = "Its picture."},
               {"state", A_ENUM, .choices = "connected|unsure|needs_reauth|revoking|revoked",
                .doc = "Of the grant."},
               {"person", A_TEXT, .doc = "The same for the accounts of one person or shop."},
               {"person_name", A_TEXT, MAY_BE_NULL, .doc = "Name of that person or shop."},
               {"scopes", A_TEXTS, .doc = "Granted."},
               {"missing_scopes", A_TEXTS, .doc = "Held by the app, not granted."},
               {"last_webhook_at", A_TIME, MAY_BE_NULL, .doc = "Last verified webhook."},
               {"last_good_at", A_TIME, MAY_BE_NULL, .doc = "Last good call to TikTok."},
               {"connected_at", A_TIME, MAY_BE_NULL, .doc = "When the owner agreed."},
               {"access_expires_at", A_TIME, MAY_BE_NULL, .doc = "null: does not expire, or there is none."},
               {"refresh_expires_at", A_TIME, MAY_BE_NULL, .doc = "The hard end; null: none."},
               {"next_refresh_at", A_TIME, MAY_BE_NULL, .doc = "Next refresh or probe."},
               {"health", A_ONE, .of = &shape_health, .doc = "Verdict and next step."},
               {"advertisers", A_MANY, .of = &shape_advertiser, .doc = "Ad accounts of an advertiser."}}};
static const struct shape shape_timeline = {
    .name = "TimelineEntry",
    .doc = "One thing that happened to an account's grant.",
    .fields = {{"id", A_TEXT, .doc = "hea_..."},
               {"at", A_TIME, .doc = "When."},
               {"what", A_TEXT, .doc = "granted, refreshed, failed, revoked, ..."},
               {"code", A_TEXT, MAY_BE_NULL, .doc = "Which kind of it."},
               {"class", A_TEXT, MAY_BE_NULL, .doc = "ok, or the class of the failure."},
               {"outcome", A_ENUM, .choices = "good|bad|info", .doc = "For a filter."},
               {"tiktok_code", A_INT, MAY_BE_NULL, .doc = "TikTok's own code."},
               {"log_id", A_TEXT, MAY_BE_NULL, .doc = "TikTok's log id: its support asks for it."},
               {"en", A_TEXT, .doc = "One sentence in English."},
               {"th", A_TEXT, .doc = "The same in Thai."}}};
static const struct shape shape_state = {
    .name = "AccountState",
    .doc = "What became of it.",
    .fields = {{"id", A_TEXT, .doc = "The account."},
               {"state", A_ENUM, .choices = "revoking|revoked", .doc = "Its grant."}}};
static const struct shape shape_stop = {
    .name = "AccountStop",
    .doc = "A feature that works today and stops with the connection.",
    .fields = {{"name", A_TEXT, .doc = "The feature."},
               {"en", A_TEXT, .doc = "In English."},
               {"th", A_TEXT, .doc = "In Thai."},
               {"count", A_INT, MAY_BE_NULL, .doc = "How many things it concerns; null: not counted."}}};
static const struct shape shape_stops = {
    .name = "AccountStops",
    .doc = "What stops for one account.",
    .fields = {{"id", A_TEXT, .doc = "The account."},
               {"kind", A_ENUM, .choices = "login|business|advertiser", .doc = "Which grant."},
               {"display_name", A_TEXT, MAY_BE_NULL, .doc = "Its name."},
               {"username", A_TEXT, MAY_BE_NULL, .doc = "Without @."},
               {"state", A_ENUM, .choices = "connected|unsure|needs_reauth|revoking|revoked", .doc = "Now."},
               {"stops", A_MANY, .of = &shape_stop, .doc = "Features that stop."}}};
static const struct shape shape_refused = {
    .name = "AccountRefused",
    .doc = "An account that cannot be ended.",
    .fields = {{"id", A_TEXT, .doc = "As named."},
               {"code", A_TEXT, .doc = "accounts.missing, accounts.revoked or accounts.not_connected."},
               {"en", A_TEXT, .doc = "Why, in English."},
               {"th", A_TEXT, .doc = "Why, in Thai."}}};
static const struct shape shape_preview = {
    .name = "RevocationPreview",
    .doc = "What would stop; nothing was changed.",
    .fields = {{"items", A_MANY, .of = &shape_stops, .doc = "At most 500 of `all`."},
               {"refused", A_MANY, .of = &shape_refused,
                .doc = "Named accounts that are unknown, ended or never connected."}}};
static const struct shape shape_ends = {
    .name = "Revocations",
    .doc = "Accounts that are being ended.",
    .fields = {{"items", A_MANY, .of = &shape_state, .doc = "At most 500 of `all`."}}};

/* ---- routes ---- */
static const struct param list_params[] = {
    {.name = "kind",
     .in = IN_QUERY,
     .kind = P_ENUM,
     .choices = "login|business|advertiser",
     .doc = "One kind of grant; all when absent."},
    {.name = "limit",
     .in = IN_QUERY,
     .kind = P_INT,
     .min = 1,
     .max = 100,
     .doc = "Entries per page, 50 by default."},
    {.name = "cursor", .in = IN_QUERY, .kind = P_CURSOR, .max = 64, .doc = "next_cursor of the page before."},
};
static const struct param one_params[] = {
    {.name = "id", .in = IN_PATH, .kind = P_ID, .required = true, .choices = "acc", .doc = "The account."},
};
static const struct param timeline_params[] = {
    {.name = "id", .in = IN_PATH, .kind = P_ID, .required = true, .choices = "acc", .doc = "The account."},
    {.name = "limit",
     .in = IN_QUERY,
     .kind = P_INT,
     .min = 1,
     .max = 200,
     .doc = "Entries per page, 50 by default."},
    {.name = "cursor", .in = IN_QUERY, .kind = P_CURSOR, .max = 64, .doc = "next_cursor of the page before."},
};
static const struct param many_params[] = {
    {.name = "accounts",
     .in = IN_BODY,
     .kind = P_LIST,
     .min = 1,
     .max = NAMED_MAX,
     .doc = "Ids, at most 100."},
    {.name = "all",
     .in = IN_BODY,
     .kind = P_OBJECT,
     .doc = "Instead of ids: {kind, app}. kind is login, business, advertiser or any (all three) and must be "
            "given; app, an app row's id, may narrow it. Anything else is refused."},
};
#define READ(path_, name_, params_, handle_)                                                                 \
    .method = "GET", .path = path_, .name = name_, .cls = HTTP_READ, .need = PERM_ACCOUNTS_READ,             \
    .params = params_, .n_params = COUNT_OF(params_), .handle = handle_
#define ACT(path_, name_, params_, handle_)                                                                  \
    .method = "POST", .path = path_, .name = name_, .cls = HTTP_WRITE, .need = PERM_ACCOUNTS_MANAGE,         \
    .params = params_, .n_params = COUNT_OF(params_), .handle = handle_
const struct route accounts_routes[] = {
    {READ("/v1/accounts", "listAccounts", list_params, accounts_list_route),
     .doc = "Connected TikTok accounts of all three kinds with health, deadlines and scopes.",
     .gives = &shape_account, .many = true},
    {READ("/v1/accounts/{id}", "getAccount", one_params, accounts_one_route),
     .doc = "One connected TikTok account.", .gives = &shape_account},
    {READ("/v1/accounts/{id}/timeline", "getAccountTimeline", timeline_params, accounts_timeline_route),
     .doc = "What happened to an account's grant, newest first, kept for accounts.timeline_days.",
     .gives = &shape_timeline, .many = true},
    {.method = "POST",
     .path = "/v1/accounts/{id}/refresh",
     .name = "refreshAccount",
     .cls = HTTP_EXCHANGE,
     .need = PERM_ACCOUNTS_MANAGE,
     .params = one_params,
     .n_params = COUNT_OF(one_params),
     .handle = accounts_refresh_route,
     .doc = "Refreshes (an advertiser: probes) the tokens now, or joins the refresh that is under way.",
     .gives = &shape_account},
    {ACT("/v1/accounts/{id}/revoke", "revokeAccount", one_params, accounts_revoke_route),
     .doc = "Disconnects an account: its tokens stop at once, TikTok is told, the tokens are deleted.",
     .gives = &shape_state},
    {ACT("/v1/accounts/revocations/preview", "previewRevocations", many_params, accounts_preview_route),
     .doc = "What would stop if these accounts were disconnected. Changes nothing.", .gives = &shape_preview},
    {ACT("/v1/accounts/revocations", "revokeAccounts", many_params, accounts_revocations_route),
     .doc = "Disconnects several or all accounts.", .gives = &shape_ends},
};
const size_t accounts_routes_n = COUNT_OF(accounts_routes);

const struct event_doc accounts_event_docs[] = {
    {"accounts.refresh", "One refresh of an account's token, with its outcome."},
    {"accounts.probe", "One question to TikTok whether a token lives, with its outcome."},
    {"accounts.keeping", "A new token pair could not be stored yet: it is kept in memory and tried again."},
    {"accounts.tick", "Looking for due grants failed; the next look follows in a second."},
    {"accounts.unsure", "A refresh was found that was cut off; the earlier token is tried."},
    {"accounts.revoke_again", "TikTok could not be told of an end yet; tried again within 24 hours."},
    {"accounts.revoked", "A grant ended by us; rc tells whether TikTok confirmed."},
    {"tiktok.call", "One call to TikTok: endpoint, status, duration, log id."},
};
const size_t accounts_event_docs_n = COUNT_OF(accounts_event_docs);

const struct alert_row accounts_alerts[] = {
    {"accounts.needs_reauth", "ticket",
     "TikTok no longer accepts the tokens of a connected account. Its features are off until the owner "
     "agrees "
     "again: send the link from the account's page.",
     "TikTok ไม่ยอมรับโทเค็นของบัญชีที่เชื่อมต่อไว้แล้ว ความสามารถของบัญชีนี้จะหยุดจนกว่าเจ้าของจะยินยอมอีกครั้ง "
     "โปรดส่งลิงก์จากหน้าบัญชี"},
    {"accounts.unsure", "ticket",
     "The outcome of a token's renewal is unknown and TikTok does not answer. It is tried again by itself; "
     "this alert says that a connection is in doubt.",
     "ไม่ทราบผลการต่ออายุโทเค็นและ TikTok ไม่ตอบ ระบบจะลองใหม่เอง การแจ้งเตือนนี้บอกว่าการเชื่อมต่อยังไม่แน่นอน"},
    {"accounts.refresh_failing", "ticket",
     "A token could not be renewed several times in a row. The timeline of the account names TikTok's code.",
     "ต่ออายุโทเค็นไม่สำเร็จหลายครั้งติดต่อกัน รหัสของ TikTok แสดงอยู่ในลำดับเหตุการณ์ของบัญชี"},
    {"accounts.app_setup", "page",
     "TikTok refused our app's id or secret, or does not allow the app to do this. Every account of the app "
     "is "
     "concerned: check the app's settings and its state in TikTok's portal.",
     "TikTok ปฏิเสธรหัสหรือรหัสลับของแอป หรือไม่อนุญาตให้แอปทำงานนี้ ทุกบัญชีของแอปได้รับผลกระทบ "
     "โปรดตรวจสอบการตั้งค่าแอปและสถานะในพอร์ทัลของ TikTok"},
    {"accounts.reconsent_due", "ticket",
     "TikTok ends a connection for good soon (30, 7 or 1 days). Send the owner the link to agree again.",
     "TikTok จะสิ้นสุดการเชื่อมต่อถาวรในไม่ช้า (30, 7 หรือ 1 วัน) โปรดส่งลิงก์ให้เจ้าของบัญชียินยอมอีกครั้ง"},
};
const size_t accounts_alerts_n = COUNT_OF(accounts_alerts);

const struct problem_row accounts_problems[] = {
    {"accounts.missing", 404, "Account not found", "There is no such account in this workspace.",
     "Check the id; list the accounts with GET /v1/accounts.", "ไม่พบบัญชี", "ไม่มีบัญชีนี้ในพื้นที่ทำงานของท่าน",
     "โปรดตรวจสอบรหัสบัญชี หรือดูรายการบัญชีทั้งหมด"},
    {"accounts.needs_reauth", 409, "The account must be connected again",
     "TikTok no longer accepts the tokens of this account.", "Ask the owner to connect it again.",
     "ต้องเชื่อมต่อบัญชีอีกครั้ง", "TikTok ไม่ยอมรับโทเค็นของบัญชีนี้แล้ว", "โปรดให้เจ้าของบัญชีเชื่อมต่ออีกครั้ง"},
    {"accounts.revoked", 409, "The account is disconnected",
     "The connection was ended; its tokens are no longer used.", "Connect the account again if it is wanted.",
     "บัญชีถูกยกเลิกการเชื่อมต่อ", "การเชื่อมต่อสิ้นสุดแล้ว โทเค็นไม่ถูกใช้งานอีก", "หากยังต้องการใช้ โปรดเชื่อมต่อบัญชีอีกครั้ง"},
    {"accounts.unsure", 503, "The state of the connection is being checked",
     "An answer of TikTok was lost; whether the tokens live is not known yet.",
     "Try again in a minute; the timeline of the account shows the outcome.", "กำลังตรวจสอบสถานะการเชื่อมต่อ",
     "คำตอบจาก TikTok สูญหาย ยังไม่ทราบว่าโทเค็นใช้งานได้หรือไม่", "โปรดลองใหม่ในอีกหนึ่งนาที ผลจะแสดงในลำดับเหตุการณ์ของบัญชี"},
    {"accounts.refresh_failing", 503, "The tokens cannot be renewed at the moment",
     "TikTok did not renew the tokens of this account; it is tried again by itself.",
     "Try again in a minute; the timeline of the account names TikTok's code.", "ขณะนี้ต่ออายุโทเค็นไม่ได้",
     "TikTok ไม่ต่ออายุโทเค็นของบัญชีนี้ ระบบจะลองใหม่เอง",
     "โปรดลองใหม่ในอีกหนึ่งนาที รหัสของ TikTok แสดงในลำดับเหตุการณ์ของบัญชี"},
    {"accounts.refresh_busy", 503, "Another refresh is under way",
     "The tokens of this account are being renewed and TikTok is slow.", "Try again in a minute.",
     "กำลังต่ออายุโทเค็นอยู่", "กำลังต่ออายุโทเค็นของบัญชีนี้และ TikTok ตอบช้า", "โปรดลองใหม่ในอีกหนึ่งนาที"},
    {"tiktok.limited", 503, "TikTok asks this service to slow down",
     "TikTok limits how often an app may ask, for all workspaces together. You did nothing wrong; nothing is "
     "lost.",
     "Try again in five minutes; the page of rate budgets shows until when.", "TikTok ขอให้ระบบนี้ช้าลง",
     "TikTok จำกัดจำนวนคำขอของแอปรวมทุกพื้นที่ทำงาน ท่านไม่ได้ทำสิ่งใดผิด และไม่มีข้อมูลสูญหาย",
     "โปรดลองใหม่ในอีกห้านาที หน้าโควตาการเรียกใช้แสดงเวลาที่จะใช้ได้อีกครั้ง"},
    {"budget.limited", 503, "TikTok's rate limit is used up for the moment",
     "All calls of this app share TikTok's limits, and no slot is free. You did nothing wrong; nothing is "
     "lost.",
     "Try again in a minute; the page of rate budgets shows who uses what.",
     "โควตาการเรียกใช้ TikTok เต็มชั่วคราว",
     "ทุกคำขอของแอปใช้โควตาของ TikTok ร่วมกัน และขณะนี้ไม่มีช่องว่าง ท่านไม่ได้ทำสิ่งใดผิด และไม่มีข้อมูลสูญหาย",
     "โปรดลองใหม่ในอีกหนึ่งนาที หน้าโควตาการเรียกใช้แสดงการใช้งาน"},
    {"tiktok.down", 503, "TikTok answered with an error of its own",
     "TikTok was reached and could not do it. Nothing was changed.",
     "Try again in a minute; the timeline of the account names TikTok's code and log id.",
     "TikTok ตอบว่าเกิดข้อผิดพลาดภายใน", "ติดต่อ TikTok ได้แต่ TikTok ดำเนินการไม่ได้ ไม่มีสิ่งใดเปลี่ยนแปลง",
     "โปรดลองใหม่ในอีกหนึ่งนาที ลำดับเหตุการณ์ของบัญชีระบุรหัสและหมายเลขบันทึกของ TikTok"},
    {"tiktok.slow", 503, "TikTok did not answer in time",
     "TikTok was asked and was too slow. It is tried again by itself.", "Try again in a minute.",
     "TikTok ไม่ตอบในเวลาที่กำหนด", "ระบบถาม TikTok แล้วแต่ตอบช้าเกินไป ระบบจะลองใหม่เอง", "โปรดลองใหม่ในอีกหนึ่งนาที"},
    {"tiktok.not_json", 503, "TikTok answered with a page instead of data",
     "TikTok was reached, but its answer cannot be used; this happens in its outages. Nothing was changed.",
     "Try again in a minute.", "TikTok ตอบเป็นหน้าเว็บแทนข้อมูล",
     "ติดต่อ TikTok ได้แต่คำตอบใช้ไม่ได้ มักเกิดเมื่อ TikTok ขัดข้อง ไม่มีสิ่งใดเปลี่ยนแปลง", "โปรดลองใหม่ในอีกหนึ่งนาที"},
    {"accounts.no_workspace", 404, "Workspace not found", "There is no workspace with this id.",
     "Check the id; `mozflow-tiktok accounts list` shows the workspaces that have accounts.", "ไม่พบพื้นที่ทำงาน",
     "ไม่มีพื้นที่ทำงานที่มีรหัสนี้", "โปรดตรวจสอบรหัสพื้นที่ทำงาน"},
    {"accounts.no_app", 404, "App not found", "There is no app with this id for the workspace.",
     "Check the id; GET /v1/apps lists the apps.", "ไม่พบแอป", "ไม่มีแอปที่มีรหัสนี้ในพื้นที่ทำงาน", "โปรดตรวจสอบรหัสแอป"},
    {"accounts.which", 422, "Which accounts?", "Either `accounts` (1 to 100 ids) or `all` must be given.",
     "Correct the request.", "บัญชีใด", "ต้องระบุ accounts (1 ถึง 100 รหัส) หรือ all อย่างใดอย่างหนึ่ง", "โปรดแก้ไขคำขอ"},
    {"accounts.business_taken", 409, "This business account belongs to another workspace",
     "A TikTok business account can send its messages to one workspace only.",
     "Disconnect it in the other workspace first, or ask your administrator.", "บัญชีธุรกิจนี้เป็นของพื้นที่ทำงานอื่น",
     "บัญชีธุรกิจ TikTok หนึ่งบัญชีส่งข้อความได้เพียงพื้นที่ทำงานเดียว", "โปรดยกเลิกการเชื่อมต่อในพื้นที่ทำงานเดิมก่อน หรือติดต่อผู้ดูแลระบบ"},
};
const size_t accounts_problems_n = COUNT_OF(accounts_problems);

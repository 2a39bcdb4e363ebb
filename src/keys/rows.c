/* The const rows that room keys exports. */
#include "keys/keys_priv.h"

const struct setting keys_settings[] = {
    {.key = "keys.kek",
     .kind = SET_SECRET,
     .def = NULL,
     .doc = "Key encryption key: a file with 32 random bytes as 64 hex digits, as base64 or raw. Without it "
            "the service "
            "refuses to start. Keep a copy apart from the backups: without it nothing sealed can be read."},
    {.key = "keys.kek_previous",
     .kind = SET_SECRET,
     .def = "",
     .doc = "A second known key encryption key while it is being changed: first the new one on every node, "
            "then the two "
            "swapped, then none."},
    {.key = "keys.person_url",
     .kind = SET_TEXT,
     .max = 1024,
     .def = "",
     .doc =
         "Store of the person and day keys, which main backups must not copy. Empty: next to the main store "
         "(x.people.db; on PostgreSQL the database <name>_people, which must exist)."},
    {.key = "keys.daily_days",
     .kind = SET_INT,
     .min = 7,
     .max = 90,
     .unit = "days",
     .def = "30",
     .doc = "How long raw webhook bodies can be opened: the key of a day is destroyed after this."},
};
const size_t keys_settings_n = COUNT_OF(keys_settings);

const struct metric keys_metrics[] = {
    [KEYS_M_REFUSED] = {"mz_keys_refused_total", METRIC_COUNTER, "table",
                        "Sealed values that did not open because they or their place had been changed."},
    [KEYS_M_TICK_FAILED] = {"mz_keys_tick_failed_total", METRIC_COUNTER, NULL,
                            "Runs of the keys thread that failed; it tries again after 20 s."},
    [KEYS_M_RESEALED] = {"mz_keys_resealed_total", METRIC_COUNTER, NULL,
                         "Values that a rotation sealed anew under the active data key."},
    [KEYS_M_DAYS] = {"mz_keys_daily", METRIC_GAUGE, NULL, "Day keys held in memory, tomorrow's included."},
};
const size_t keys_metrics_n = COUNT_OF(keys_metrics);

const struct problem_row keys_problems[] = {
    {.code = "keys.destroyed",
     .status = 404,
     .en_title = "The value can no longer be read",
     .en_means = "The key of this value was destroyed, by its retention or by an erasure.",
     .en_todo = "Nothing can bring it back.",
     .th_title = "ไม่สามารถอ่านข้อมูลนี้ได้อีก",
     .th_means = "กุญแจของข้อมูลนี้ถูกทำลายแล้วตามระยะเวลาเก็บรักษาหรือตามคำขอลบ",
     .th_todo = "ไม่สามารถกู้คืนข้อมูลนี้ได้"},
    {.code = "keys.retired",
     .status = 409,
     .en_title = "The key of this value is retired",
     .en_means = "The value was sealed under a data key that a rotation replaced and retired.",
     .en_todo = "Operators: restore the row from a backup of the same day, or set the value anew.",
     .th_title = "กุญแจของข้อมูลนี้เลิกใช้แล้ว",
     .th_means = "ข้อมูลนี้ปกปิดไว้ด้วยกุญแจที่ถูกหมุนเวียนและเลิกใช้แล้ว",
     .th_todo = "ผู้ดูแลระบบโปรดกู้คืนแถวข้อมูลจากข้อมูลสำรองของวันเดียวกัน หรือกำหนดค่าใหม่"},
    {.code = "keys.no_key",
     .status = 404,
     .en_title = "Nothing to rotate",
     .en_means = "Nothing was sealed for this workspace yet, so it has no data key.",
     .en_todo = "Check the workspace's id.",
     .th_title = "ไม่มีกุญแจให้หมุนเวียน",
     .th_means = "ยังไม่มีข้อมูลที่ปกปิดไว้สำหรับพื้นที่ทำงานนี้ จึงยังไม่มีกุญแจข้อมูล",
     .th_todo = "โปรดตรวจสอบรหัสพื้นที่ทำงาน"},
    {.code = "keys.person_destroyed",
     .status = 404,
     .en_title = "This person's data was erased",
     .en_means = "The key of this person was destroyed by an erasure; sealed values of theirs cannot be read "
                 "or made.",
     .en_todo = "Nothing can bring them back.",
     .th_title = "ข้อมูลของบุคคลนี้ถูกลบแล้ว",
     .th_means = "กุญแจของบุคคลนี้ถูกทำลายตามคำขอลบข้อมูล ระบบจึงไม่สามารถอ่านหรือบันทึกข้อมูลที่ปกปิดได้",
     .th_todo = "ไม่สามารถกู้คืนข้อมูลนี้ได้"},
    {.code = "keys.no_day_key",
     .status = 503,
     .en_title = "Not ready to receive",
     .en_means = "The key of the day could not be prepared, so nothing can be stored safely at the moment.",
     .en_todo = "Repeat the request later. Operators: check the store named by keys.person_url.",
     .th_title = "ระบบยังไม่พร้อมรับข้อมูล",
     .th_means = "ไม่สามารถเตรียมกุญแจประจำวันได้ ขณะนี้จึงไม่สามารถจัดเก็บข้อมูลอย่างปลอดภัย",
     .th_todo = "โปรดส่งคำขออีกครั้งในภายหลัง ผู้ดูแลระบบโปรดตรวจสอบที่จัดเก็บตามค่า keys.person_url"},
};
const size_t keys_problems_n = COUNT_OF(keys_problems);

const struct alert_row keys_alerts[] = {
    {.name = "keys.tick_failed",
     .severity = "page",
     .en = "The keys thread fails: the key of the coming day cannot be made or read. When it goes on until "
           "midnight UTC, "
           "webhooks are refused with 503. Check the store named by keys.person_url and the key encryption "
           "key.",
     .th = "เธรดของระบบกุญแจทำงานไม่สำเร็จ ไม่สามารถสร้างหรืออ่านกุญแจของวันถัดไปได้ หากเป็นเช่นนี้จนถึงเที่ยงคืน UTC "
           "เว็บฮุกจะถูกปฏิเสธด้วยสถานะ 503 โปรดตรวจสอบที่จัดเก็บตามค่า keys.person_url และกุญแจเข้ารหัสหลัก"},
    {.name = "keys.unreadable",
     .severity = "ticket",
     .en = "A rotation of the data keys found values that do not open. Their old key stays in use until they "
           "are gone. The log event keys.unreadable names each row: connect the account again or set the "
           "secret anew.",
     .th = "การหมุนเวียนกุญแจข้อมูลพบค่าที่เปิดไม่ได้ กุญแจเดิมของค่าดังกล่าวจะยังคงใช้งานจนกว่าค่านั้นจะหมดไป "
           "เหตุการณ์ keys.unreadable ในบันทึกระบุแต่ละแถวไว้ โปรดเชื่อมต่อบัญชีอีกครั้งหรือกำหนดรหัสลับใหม่"},
    {.name = "keys.refused",
     .severity = "page",
     .en = "A sealed value did not open: it, its row or its column was changed outside the service.",
     .th = "ข้อมูลที่ปกปิดไว้เปิดไม่ได้ เนื่องจากข้อมูล แถว หรือคอลัมน์ถูกแก้ไขจากภายนอกบริการ"},
};
const size_t keys_alerts_n = COUNT_OF(keys_alerts);

const struct event_doc keys_event_docs[] = {
    {"keys.open", "The room is open: id of the key encryption key and number of day keys."},
    {"keys.memory", "Key memory could not be locked or kept out of core dumps; raise the memory-lock limit."},
    {"keys.tick", "The keys thread failed and will try again."},
    {"keys.rewrapped", "Data keys were wrapped under the new key encryption key."},
    {"keys.days_destroyed", "Day keys older than keys.daily_days were destroyed."},
    {"keys.resealed",
     "A rotation ended: every value of a workspace is under its active key, the old retired."},
    {"keys.unreadable", "A rotation met a value that does not open; its old key stays."},
    {"keys.person_destroyed", "A person's key was destroyed."},
};
const size_t keys_event_docs_n = COUNT_OF(keys_event_docs);

/* Rows of the process itself: settings without a better home, problems, log events. */
#include "app/app.h"

const struct setting app_settings[] = {
    {.key = "app.name",
     .kind = SET_TEXT,
     .min = 1,
     .max = 64,
     .def = "Mozflow",
     .doc = "The product's name on pages that people see."},
    {.key = "console.tiktok_mark",
     .kind = SET_PATH,
     .max = 400,
     .def = "",
     .doc =
         "File (.svg or .png, at most 64 KiB, one colour on a transparent ground) with TikTok's mark for the "
         "button \"Continue with TikTok\". For those who are licensed to show it; empty: a neutral sign."},
};
const size_t app_settings_n = COUNT_OF(app_settings);

const struct problem_row app_problems[] = {
    {.code = "app.demo_url",
     .status = 422,
     .en_title = "Unusable demo address",
     .en_means = "The demo can only be made for an address on this machine.",
     .en_todo = "Give --demo-url http://127.0.0.1:PORT.",
     .th_title = "ที่อยู่สาธิตใช้ไม่ได้",
     .th_means = "สร้างข้อมูลสาธิตได้เฉพาะที่อยู่บนเครื่องนี้เท่านั้น",
     .th_todo = "โปรดระบุ --demo-url http://127.0.0.1:PORT"},
};
const size_t app_problems_n = COUNT_OF(app_problems);

const struct event_doc app_event_docs[] = {
    {"app.ready", "All rooms are open and the listeners accept."},
    {"app.ending", "A signal asked the process to end; it drains."},
};
const size_t app_event_docs_n = COUNT_OF(app_event_docs);

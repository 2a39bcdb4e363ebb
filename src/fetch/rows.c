/* Const rows of room fetch: settings, metrics, log events. */
#include "fetch/fetch_priv.h"

const struct setting fetch_settings[] = {
    {.key = "fetch.tiktok_hosts",
     .kind = SET_LIST,
     .max = 4096,
     .unit = "",
     .def = "open.tiktokapis.com,business-api.tiktok.com",
     .doc = "Hosts that may receive a TikTok token or secret, without port. Nothing else ever does."},
    {.key = "fetch.allow_private",
     .kind = SET_LIST,
     .max = 4096,
     .unit = "",
     .def = "",
     .doc = "Networks (127.0.0.1/32, 10.20.0.0/16, fd00::/8) that outgoing calls may reach although they are "
            "not "
            "public, also by plain http: the simulator, or Mozflow inside the same cluster. Empty: none."},
    {.key = "fetch.block",
     .kind = SET_LIST,
     .max = 4096,
     .unit = "",
     .def = "",
     .doc = "Further networks that outgoing calls may never reach: own public addresses and internal "
            "networks. Wins over "
            "fetch.allow_private."},
    {.key = "fetch.ca_file",
     .kind = SET_PATH,
     .max = 4096,
     .unit = "",
     .def = "",
     .doc = "PEM file of the authorities that outgoing TLS trusts. Empty: those of the system."},
};
const size_t fetch_settings_n = COUNT_OF(fetch_settings);

const struct metric fetch_metrics[] = {
    [METRIC_TOTAL] = {"mz_fetch_total", METRIC_COUNTER, "what,outcome",
                      "Outgoing calls by purpose and outcome: answer, or the fault's code."},
    [METRIC_TIME] = {"mz_fetch_seconds", METRIC_HISTOGRAM, "what",
                     "Time of outgoing calls, look-up included."},
};
const size_t fetch_metrics_n = COUNT_OF(fetch_metrics);

const struct event_doc fetch_event_docs[] = {
    {"fetch.call", "An outgoing call ended: purpose, host, status, TikTok's log id, time taken, outcome."},
};
const size_t fetch_event_docs_n = COUNT_OF(fetch_event_docs);

/* Rows and files of state: scenario, control API, snapshot (world.c, snapshot.c). */
#ifndef SIM_FILES_H
#define SIM_FILES_H
#include "sim.h"

/* One row of "apps", "users", "shops", "customers": made, or changed where members are given. folder: where
 * *_file members are looked up. RC_INVALID names the member. */
MUSTCHECK enum rc world_put(struct sim *s, str list, const struct json *row, const char *folder,
                            struct fault *why);
bool world_write(struct sim *s, str list, struct out *o, bool derived); /* false: no such list */
/* Switches, lists and faults of a scenario text; ${NAME} is already replaced. */
MUSTCHECK enum rc scenario_apply(struct sim *s, str json, const char *folder, struct fault *why);
MUSTCHECK enum rc snapshot_load(struct sim *s, bool *found, struct fault *why);
/* takes the lock while it writes the text */
MUSTCHECK enum rc snapshot_save(struct sim *s, struct fault *why);
MUSTCHECK enum rc file_read(const char *path, size_t max, struct arena *mem, str *out, struct fault *why);
/* ${NAME} by the given names, else the environment. */
MUSTCHECK enum rc text_fill(str text, char *const *sets, struct arena *mem, str *out, struct fault *why);
#endif

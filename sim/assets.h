/* Files of sim/assets, embedded at build time by embed.c (sim_assets.c is generated). */
#ifndef SIM_ASSETS_H
#define SIM_ASSETS_H
#include <stddef.h>

struct sim_asset {
    const char *path, *type; /* "/sim/sim.css" */
    const unsigned char *bytes;
    size_t n;
};
extern const struct sim_asset sim_assets[];
extern const size_t sim_assets_n;
#endif

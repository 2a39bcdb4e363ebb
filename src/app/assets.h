/* assets: the built console, embedded by tools/embed.c as one constant table sorted by path.
 *
 * The C build never needs Node.js: without ui/dist the table holds one plain page, "/index.html", that says
 * how to build the console, and console_assets_built is false.
 */
#ifndef MZ_APP_ASSETS_H
#define MZ_APP_ASSETS_H
#include "base/base.h"

struct console_asset {
    const char *path; /* "/assets/index-1a2b3c4d.js" */
    const char *type; /* media type with charset where it has one */
    const char *etag; /* quoted; 64-bit FNV-1a of the bytes */
    bool immutable;   /* the name carries a hash of the content: may be cached for a year */
    const unsigned char *bytes;
    size_t n;
};
extern const struct console_asset console_assets[];
extern const size_t console_assets_n;
extern const bool console_assets_built;
#endif

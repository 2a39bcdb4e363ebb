/* guides: the enrolment guides of docs/enrol-*.md, embedded by tools/embed_text.c. Files end in ".th" before
 * ".md" for Thai.
 */
#ifndef MZ_APP_GUIDES_H
#define MZ_APP_GUIDES_H
#include "base/base.h"

struct guide_text {
    const char *name;           /* "enrol-developers", "enrol-developers.th" */
    const unsigned char *bytes; /* Markdown of the few forms that guides.c draws */
    size_t n;
};
extern const struct guide_text guide_texts[];
extern const size_t guide_texts_n;
#endif

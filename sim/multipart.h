/* multipart/form-data, read strictly: fields by name and one file (multipart.c). Pure. */
#ifndef SIM_MULTIPART_H
#define SIM_MULTIPART_H
#include "encode.h"

struct upload {
    struct form fields;
    str file_field, file_name, file_type, file; /* file_field.n 0: no file part */
};
/* False: no boundary in the type, or a body that is not made of closed parts with a name each. */
bool multipart_read(str content_type, str body, struct arena *mem, struct upload *out);
#endif

/* Fuzz: the signature header. Property: what is accepted holds exactly one t and one s. */
#include "webhook/webhook.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct signature sig;
    str header = {(const char *)data, size};
    if (signature_parse(header, &sig)) {
        must(sig.t_s >= 0);
        size_t at;
        must(str_find(header, STR("t="), &at) && str_find(header, STR("s="), &at));
    }
    return 0;
}

/* Explanations of diagnostics. */
#include "generator/explain.h"

#include <stdio.h>
#include <string.h>

#include "generator/embedded.h"

const char *gen_explain(idl_code code, size_t *len)
{
    char name[16];
    (void)snprintf(name, sizeof name, "S%04d.md", (int)code);
    for (size_t i = 0; i < gen_explanations_count; i++) {
        if (strcmp(gen_explanations[i].name, name) == 0) {
            *len = gen_explanations[i].len;
            return (const char *)gen_explanations[i].data;
        }
    }
    *len = 0;
    return "";
}

void gen_explain_meaning(idl_code code, shmrpci_buf *out)
{
    size_t len;
    const char *text = gen_explain(code, &len);
    const char *begin = strstr(text, "\n\n");
    if (begin != NULL) {
        begin += 2;
        const char *end = strstr(begin, "\n\n## ");
        shmrpci_buf_append(out, begin,
                           end != NULL ? (size_t)(end - begin)
                                       : strcspn(begin, "") - 1);
    }
}

/* Explanations of diagnostics. */
#include "generator/explain.h"

#include <stdio.h>
#include <string.h>

#include "generator/check/check.h"
#include "generator/embedded.h"

static const idl_code check_codes[] = {
#define GEN_X(name, number, kind, title) (idl_code)(number),
    GEN_CHECK_LIST(GEN_X)
#undef GEN_X
};

#define CHECK_COUNT (sizeof check_codes / sizeof check_codes[0])

size_t gen_explain_count(void)
{
    size_t count;
    (void)idl_codes(&count);
    return count + CHECK_COUNT;
}

idl_code gen_explain_code(size_t index)
{
    size_t count;
    const idl_code *codes = idl_codes(&count);
    return index < count ? codes[index] : check_codes[index - count];
}

bool gen_explain_parse(const char *text, idl_code *out)
{
    for (size_t i = 0; i < gen_explain_count(); i++) {
        char name[16];
        idl_code code = gen_explain_code(i);
        (void)snprintf(name, sizeof name, "S%04d", (int)code);
        if (strcmp(text, name) == 0) {
            *out = code;
            return true;
        }
    }
    return false;
}

const char *gen_explain_title(idl_code code)
{
    const gen_check_rule *rule = gen_check_rule_find((unsigned)code);
    return rule != NULL ? rule->title : idl_code_title(code);
}

idl_severity gen_explain_severity(idl_code code)
{
    return gen_check_rule_find((unsigned)code) != NULL
               ? IDL_ERROR
               : idl_code_severity(code);
}

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

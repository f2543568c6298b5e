/* Target languages: the registry of all languages. */
#include "generator/lang.h"

#include <string.h>

static const gen_lang *const languages[] = {&gen_lang_c, &gen_lang_html,
                                            &gen_lang_man, &gen_lang_openapi,
                                            &gen_lang_python};
static const char *const names[] = {"c",       "html",   "man",
                                    "openapi", "python", NULL};

const gen_lang *gen_lang_find(const char *name)
{
    for (size_t i = 0; i < sizeof languages / sizeof languages[0]; i++) {
        if (strcmp(languages[i]->name, name) == 0) {
            return languages[i];
        }
    }
    return NULL;
}

const char *const *gen_lang_names(void)
{
    return names;
}

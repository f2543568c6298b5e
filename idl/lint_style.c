/* The house style of names. */
#include "idl/lint_style.h"

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static char to_lower(char c)
{
    return (char)(is_upper(c) ? c - 'A' + 'a' : c);
}

static char to_upper(char c)
{
    return (char)(is_lower(c) ? c - 'a' + 'A' : c);
}

const char *idl_style_text(idl_style style)
{
    return style == IDL_STYLE_SNAKE   ? "snake_case"
           : style == IDL_STYLE_CAMEL ? "CamelCase"
                                      : "UPPER_CASE";
}

bool idl_style_fits(idl_style style, const char *name)
{
    bool fits = style != IDL_STYLE_CAMEL || is_upper(*name);
    for (const char *at = name; *at != '\0'; at++) {
        fits = fits && (style == IDL_STYLE_SNAKE   ? !is_upper(*at)
                        : style == IDL_STYLE_CAMEL ? *at != '_'
                                                   : !is_lower(*at));
    }
    return fits;
}

/* Whether a word begins at name[i]. */
static bool begins_word(const char *name, size_t i)
{
    if (i == 0 || name[i - 1] == '_') {
        return true;
    }
    return is_upper(name[i]) &&
           (!is_upper(name[i - 1]) || is_lower(name[i + 1]));
}

const char *idl_style_make(idl_style style, const char *name,
                           idl_memory *memory)
{
    shmrpci_buf out;
    idl_buf_init(&out, memory);
    for (size_t i = 0; name[i] != '\0'; i++) {
        if (name[i] == '_') {
            continue;
        }
        bool begins = begins_word(name, i);
        if (begins && out.len > 0 && style != IDL_STYLE_CAMEL) {
            shmrpci_buf_append_char(&out, '_');
        }
        bool is_capital =
            style == IDL_STYLE_UPPER || (style == IDL_STYLE_CAMEL && begins);
        shmrpci_buf_append_char(&out, is_capital ? to_upper(name[i])
                                                 : to_lower(name[i]));
    }
    return shmrpci_buf_text(&out);
}

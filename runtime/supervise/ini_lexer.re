/* Splits service.ini into lines, and values into text and variables. Rules only
 * name what they match. */
#include "supervise/ini_parser.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && is_blank(*at)) {
        at++;
    }
    return at;
}

static const char *trim_end(const char *begin, const char *end)
{
    while (end > begin && is_blank(end[-1])) {
        end--;
    }
    return end;
}

/* Returns the kind of the line at `*at`, which advances to the line's end: the
 * newline or NUL. Sets `*middle` behind the character that ends a name. */
static shmrpci_ini_line_kind line_kind(const char **at, const char **middle)
{
    const unsigned char *YYCURSOR = (const unsigned char *)*at;
    const unsigned char *sign = YYCURSOR;
    shmrpci_ini_line_kind kind;
    /*!stags:re2c format = "const unsigned char *@@;\n"; */
    /*!re2c
    re2c:define:YYCTYPE = "unsigned char";
    re2c:yyfill:enable = 0;
    re2c:flags:tags = 1;

    blank = [ \t\r];
    rest  = [^\n\x00];
    name  = [^=:\n\x00[#;] [^=:\n\x00]*;

    blank* [#;] rest*                            { kind = SHMRPCI_INI_LINE_BLANK; goto finished; }
    blank+                                       { kind = SHMRPCI_INI_LINE_BLANK; goto finished; }
    blank* "[" [^\]\n\x00]* "]" blank*           { kind = SHMRPCI_INI_LINE_SECTION; goto finished; }
    blank* "[" [^\]\n\x00]* "]" @sign blank* [^ \t\r\n\x00] rest* { kind = SHMRPCI_INI_LINE_TAIL; goto finished; }
    blank* "[" [^\]\n\x00]*                      { kind = SHMRPCI_INI_LINE_OPEN; goto finished; }
    blank* name [=:] @sign rest*                 { kind = SHMRPCI_INI_LINE_ENTRY; goto finished; }
    rest+                                        { kind = SHMRPCI_INI_LINE_ODD; goto finished; }
    *                                            { YYCURSOR--; kind = SHMRPCI_INI_LINE_BLANK; goto finished; }
    */
finished:
    *middle = (const char *)sign;
    *at = (const char *)YYCURSOR;
    return kind;
}

void shmrpci_ini_next_line(const char **at, shmrpci_ini_line *out)
{
    const char *begin = *at;
    const char *middle;
    *out = (shmrpci_ini_line){.kind = SHMRPCI_INI_LINE_END, .begin = begin,
                              .end = begin};
    if (*begin == '\0') {
        return;
    }
    out->kind = line_kind(at, &middle);
    out->begin = skip_blanks(begin, *at);
    out->end = trim_end(out->begin, *at);
    if (out->kind == SHMRPCI_INI_LINE_ENTRY) {
        out->name = out->begin;
        out->name_end = trim_end(out->name, middle - 1);
        out->value = skip_blanks(middle, out->end);
        out->value_end = out->end;
    } else if (out->kind == SHMRPCI_INI_LINE_SECTION ||
               out->kind == SHMRPCI_INI_LINE_TAIL) {
        const char *close = strchr(out->begin, ']');
        out->name = skip_blanks(out->begin + 1, close);
        out->name_end = trim_end(out->name, close);
        out->value = skip_blanks(close + 1, out->end);
        out->value_end = out->end;
    }
    *at += **at == '\n' ? 1 : 0;
}

void shmrpci_ini_next_piece(const char **at, const char *end,
                            shmrpci_ini_piece *out)
{
    const unsigned char *YYCURSOR = (const unsigned char *)*at;
    const unsigned char *name_end = NULL;
    const unsigned char *fallback = NULL;
    /*!stags:re2c format = "const unsigned char *@@;\n"; */
    *out = (shmrpci_ini_piece){.kind = SHMRPCI_INI_PIECE_END, .begin = *at,
                               .end = end};
    if (*at >= end) {
        return;
    }
    /*!re2c
    variable = [A-Za-z_] [A-Za-z0-9_]*;
    inner    = [^}\n\x00];

    "$$"                                { out->kind = SHMRPCI_INI_PIECE_DOLLAR; goto piece; }
    "${" variable @name_end "}"         { out->kind = SHMRPCI_INI_PIECE_VARIABLE; fallback = NULL; goto piece; }
    "${" variable @name_end ":-" @fallback inner* "}" { out->kind = SHMRPCI_INI_PIECE_VARIABLE; goto piece; }
    "${" inner* "}"?                    { out->kind = SHMRPCI_INI_PIECE_ODD; goto piece; }
    "$"                                 { out->kind = SHMRPCI_INI_PIECE_TEXT; goto piece; }
    [^$\n\x00]+                         { out->kind = SHMRPCI_INI_PIECE_TEXT; goto piece; }
    *                                   { out->kind = SHMRPCI_INI_PIECE_TEXT; goto piece; }
    */
piece:
    out->end = (const char *)YYCURSOR < end ? (const char *)YYCURSOR : end;
    if (out->kind == SHMRPCI_INI_PIECE_VARIABLE) {
        out->name = out->begin + 2;
        out->name_end = (const char *)name_end;
        out->fallback = (const char *)fallback;
        out->fallback_end = out->end - 1;
    }
    *at = out->end;
}

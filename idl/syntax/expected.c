/* Joins the acceptable tokens to a phrase such as "`;` or `=`". */
#include "idl/syntax/expected.h"

#include <string.h>

#include "grammar.h"
#include "idl/syntax/svcparse.h"

#define MAX_KINDS 128
#define MAX_TEXTS 6

/* A name for tokens that are acceptable together: if `sign` is acceptable, the
 * text replaces all members. Unused places hold 0. */
typedef struct group {
    int sign;
    const char *text;
    int members[16];
} group;

static const group groups[] = {
    {TK_STRUCT,
     "a declaration",
     {TK_STRUCT, TK_ENUM, TK_UNION, TK_CONST, TK_TYPE, TK_ERROR, TK_SERVICE,
      TK_PACKAGE, TK_IMPORT, TK_QUEUE, TK_TOPIC, TK_PIPE, TK_DICT, TK_VALUE}},
    {TK_PORT,
     "a method, `port`, `name`, `version`, a shared object",
     {TK_PORT, TK_NAME, TK_VERSION, TK_QUEUE, TK_TOPIC, TK_PIPE, TK_DICT,
      TK_VALUE, TK_ONEWAY, TK_RAW, TK_JSON, TK_MSGPACK, TK_NATIVE}},
    {TK_OPTIONAL,
     "a field",
     {TK_OPTIONAL, TK_INT, TK_IDENT, TK_LIST, TK_MAP, TK_STREAM, TK_RESERVED}},
    {TK_LIST, "a type", {TK_LIST, TK_MAP, TK_IDENT, TK_STREAM}},
    {TK_TRUE,
     "a value",
     {TK_STR, TK_INT, TK_FLOAT, TK_MINUS, TK_DURATION, TK_TRUE, TK_FALSE,
      TK_IDENT}},
    {TK_FLOAT, "a number", {TK_FLOAT, TK_INT, TK_MINUS, TK_IDENT}},
};

typedef struct phrase {
    bool kinds[MAX_KINDS]; /* acceptable, and not yet part of the text */
    const char *texts[MAX_TEXTS];
    size_t count;
} phrase;

static void add_text(phrase *p, const char *text)
{
    if (p->count < MAX_TEXTS) {
        p->texts[p->count++] = text;
    }
}

static void add_groups(phrase *p)
{
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        const group *g = &groups[i];
        if (!p->kinds[g->sign]) {
            continue;
        }
        add_text(p, g->text);
        for (size_t k = 0; k < sizeof g->members / sizeof g->members[0]; k++) {
            p->kinds[g->members[k]] = false;
        }
    }
}

static void collect(phrase *p, const void *parser)
{
    int count = svc_parse_kind_count();
    for (int kind = 0; kind < count && kind < MAX_KINDS; kind++) {
        p->kinds[kind] = svc_parse_expects(parser, kind);
    }
    bool end = p->kinds[0];
    add_groups(p);
    /* Documentation and annotations are allowed almost everywhere, so naming
     * them would not help. */
    p->kinds[TK_DOC] = p->kinds[TK_AT] = false;
    for (int kind = 1; kind < count && kind < MAX_KINDS; kind++) {
        if (p->kinds[kind]) {
            add_text(p, idl_token_text(kind));
        }
    }
    if (end) {
        add_text(p, idl_token_text(0));
    }
}

const char *idl_expected_text(const void *parser, idl_memory *memory)
{
    phrase p = {.count = 0};
    collect(&p, parser);
    const char *text = "";
    for (size_t i = 0; i < p.count; i++) {
        const char *glue = i == 0 ? "" : i + 1 == p.count ? " or " : ", ";
        text = idl_printf(memory, "%s%s%s", text, glue, p.texts[i]);
    }
    return text;
}

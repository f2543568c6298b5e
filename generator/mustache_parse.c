/*
 * Mustache: the parser.
 *
 * The parser scans the text once. A tag can stand alone only if the raw text
 * around it on its line is white space. A second tag on the line is not white
 * space, so neither of the two stands alone.
 */
#include "generator/mustache_parse.h"

#include <stdio.h>
#include <string.h>

#define MAX_DELIMITER 16

typedef struct tag {
    char sigil;        /* one of # ^ / > ! = & { or 0 */
    const char *start; /* the opening delimiter */
    const char *end;   /* after the closing delimiter */
    const char *name;  /* the trimmed text between the delimiters */
    size_t len;
} tag;

/* A section whose end tag has not been read yet. */
typedef struct open_section {
    gen_node *node;
    gen_node **outer_tail; /* where nodes after the section are appended */
} open_section;

typedef struct parser {
    const gen_template *source;
    shmrpci_arena *arena;
    gen_mustache_error *error;
    const char *at;
    const char *end;
    gen_node **tail;
    char open[MAX_DELIMITER + 1];
    char close[MAX_DELIMITER + 1];
    open_section sections[GEN_MUSTACHE_MAX_DEPTH];
    size_t depth;
} parser;

shmrpc_status gen_mustache_fail(const gen_template *source, const char *at,
                                gen_mustache_error *error, const char *format,
                                ...)
{
    uint32_t line = 1;
    const char *line_start = source->text;
    for (const char *p = source->text; p < at; p++) {
        if (*p == '\n') {
            line++;
            line_start = p + 1;
        }
    }
    size_t column = (size_t)(at - line_start);
    column -= column >= source->indent_len ? source->indent_len : 0;
    snprintf(error->name, sizeof error->name, "%s", source->name);
    error->line = line;
    error->column = (uint32_t)column + 1;
    va_list args;
    va_start(args, format);
    vsnprintf(error->message, sizeof error->message, format, args);
    va_end(args);
    return SHMRPC_E_INVALID;
}

static const char *find(const char *from, const char *end, const char *what)
{
    size_t len = strlen(what);
    for (; from != NULL && (size_t)(end - from) >= len; from++) {
        if (memcmp(from, what, len) == 0) {
            return from;
        }
    }
    return NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_space(char c)
{
    return is_blank(c) || c == '\n' || c == '\r';
}

static void trim(const char **text, size_t *len)
{
    while (*len > 0 && is_space(**text)) {
        (*text)++;
        (*len)--;
    }
    while (*len > 0 && is_space((*text)[*len - 1])) {
        (*len)--;
    }
}

/* Whether the tag has its line, or lines, to itself. If so, sets `line_start`
 * and `next_line`. */
static bool stands_alone(const parser *p, const tag *t, const char **line_start,
                         const char **next_line)
{
    const char *before = t->start;
    while (before > p->source->text && is_blank(before[-1])) {
        before--;
    }
    if (before > p->source->text && before[-1] != '\n') {
        return false;
    }
    const char *after = t->end;
    while (after < p->end && is_blank(*after)) {
        after++;
    }
    if (after < p->end && *after == '\r' && after + 1 < p->end &&
        after[1] == '\n') {
        after++;
    }
    if (after < p->end && *after != '\n') {
        return false;
    }
    *line_start = before;
    *next_line = after < p->end ? after + 1 : after;
    return true;
}

static shmrpc_status add_node(parser *p, gen_node_kind kind, const tag *t,
                              gen_node **out)
{
    gen_node *node =
        shmrpci_arena_calloc(p->arena, 1, sizeof *node, _Alignof(gen_node));
    if (node == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    node->kind = kind;
    node->text = t->name;
    node->len = t->len;
    node->tag = t->start;
    *p->tail = node;
    p->tail = &node->next;
    *out = node;
    return SHMRPC_OK;
}

static shmrpc_status add_text(parser *p, const char *from, const char *to)
{
    if (from == to) {
        return SHMRPC_OK;
    }
    tag t = {0, from, to, from, (size_t)(to - from)};
    gen_node *node;
    return add_node(p, GEN_NODE_TEXT, &t, &node);
}

/* Reads the tag that opens at `start`. */
static shmrpc_status read_tag(parser *p, const char *start, tag *t)
{
    const char *inside = start + strlen(p->open);
    char sigil =
        inside < p->end && strchr("#^/>!=&{", *inside) != NULL ? *inside : '\0';
    char close[MAX_DELIMITER + 2];
    snprintf(close, sizeof close, "%s%s",
             sigil == '{'   ? "}"
             : sigil == '=' ? "="
                            : "",
             p->close);
    inside += sigil != '\0';
    const char *stop = find(inside, p->end, close);
    if (stop == NULL) {
        return gen_mustache_fail(p->source, start, p->error,
                                 "tag is not closed (expected `%s`)", close);
    }
    *t = (tag){sigil, start, stop + strlen(close), inside,
               (size_t)(stop - inside)};
    trim(&t->name, &t->len);
    if (t->len == 0 && sigil != '!') {
        return gen_mustache_fail(p->source, start, p->error,
                                 "tag without a name");
    }
    return SHMRPC_OK;
}

static bool set_delimiter(char out[MAX_DELIMITER + 1], const char *text,
                          size_t len)
{
    if (len == 0 || len > MAX_DELIMITER || memchr(text, '=', len) != NULL) {
        return false;
    }
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}

static shmrpc_status change_delimiters(parser *p, const tag *t)
{
    size_t first = 0;
    while (first < t->len && !is_space(t->name[first])) {
        first++;
    }
    size_t second = first;
    while (second < t->len && is_space(t->name[second])) {
        second++;
    }
    bool one_pair = true;
    for (size_t i = second; i < t->len; i++) {
        one_pair = one_pair && !is_space(t->name[i]);
    }
    if (!one_pair || !set_delimiter(p->open, t->name, first) ||
        !set_delimiter(p->close, t->name + second, t->len - second)) {
        return gen_mustache_fail(p->source, t->start, p->error,
                                 "malformed delimiters (expected for example "
                                 "`=<%% %%>=`)");
    }
    return SHMRPC_OK;
}

static shmrpc_status open_a_section(parser *p, const tag *t)
{
    if (p->depth == GEN_MUSTACHE_MAX_DEPTH) {
        return gen_mustache_fail(p->source, t->start, p->error,
                                 "more than %d sections inside each other",
                                 GEN_MUSTACHE_MAX_DEPTH);
    }
    gen_node *node;
    shmrpc_status status = add_node(
        p, t->sigil == '#' ? GEN_NODE_SECTION : GEN_NODE_INVERTED, t, &node);
    if (status != SHMRPC_OK) {
        return status;
    }
    p->sections[p->depth++] = (open_section){node, p->tail};
    p->tail = &node->children;
    return SHMRPC_OK;
}

static shmrpc_status close_a_section(parser *p, const tag *t)
{
    if (p->depth == 0) {
        return gen_mustache_fail(p->source, t->start, p->error,
                                 "end of section `%.*s`, which is not open",
                                 (int)t->len, t->name);
    }
    const open_section *innermost = &p->sections[p->depth - 1];
    const gen_node *node = innermost->node;
    if (node->len != t->len || memcmp(node->text, t->name, t->len) != 0) {
        return gen_mustache_fail(
            p->source, t->start, p->error,
            "end of section `%.*s` (expected the end of `%.*s`)", (int)t->len,
            t->name, (int)node->len, node->text);
    }
    p->tail = innermost->outer_tail;
    p->depth--;
    return SHMRPC_OK;
}

static shmrpc_status add_partial(parser *p, const tag *t, const char *indent)
{
    gen_node *node;
    shmrpc_status status = add_node(p, GEN_NODE_PARTIAL, t, &node);
    if (status == SHMRPC_OK && indent != NULL) {
        node->indent = indent;
        node->indent_len = (size_t)(t->start - indent);
    }
    return status;
}

static shmrpc_status add_tag(parser *p, const tag *t, const char *indent)
{
    gen_node *node;
    switch (t->sigil) {
    case '!':
        return SHMRPC_OK;
    case '=':
        return change_delimiters(p, t);
    case '#':
    case '^':
        return open_a_section(p, t);
    case '/':
        return close_a_section(p, t);
    case '>':
        return add_partial(p, t, indent);
    case '&':
    case '{':
        return add_node(p, GEN_NODE_UNESCAPED, t, &node);
    default:
        return add_node(p, GEN_NODE_VARIABLE, t, &node);
    }
}

static shmrpc_status parse_next(parser *p)
{
    const char *start = find(p->at, p->end, p->open);
    if (start == NULL) {
        shmrpc_status status = add_text(p, p->at, p->end);
        p->at = p->end;
        return status;
    }
    tag t = {.sigil = '\0'};
    shmrpc_status status = read_tag(p, start, &t);
    if (status != SHMRPC_OK) {
        return status;
    }
    const char *text_end = start;
    const char *next = t.end;
    const char *indent = NULL;
    if (t.sigil != '\0' && t.sigil != '&' && t.sigil != '{' &&
        stands_alone(p, &t, &text_end, &next)) {
        indent = text_end;
    }
    status = add_text(p, p->at, text_end);
    p->at = next;
    return status == SHMRPC_OK ? add_tag(p, &t, indent) : status;
}

shmrpc_status gen_mustache_parse(const gen_template *source,
                                 shmrpci_arena *arena, gen_node **out,
                                 gen_mustache_error *error)
{
    gen_node *first = NULL;
    parser p = {.source = source,
                .arena = arena,
                .error = error,
                .at = source->text,
                .end = source->text + source->len,
                .tail = &first,
                .open = "{{",
                .close = "}}"};
    while (p.at < p.end) {
        shmrpc_status status = parse_next(&p);
        if (status != SHMRPC_OK) {
            return status;
        }
    }
    if (p.depth > 0) {
        const gen_node *node = p.sections[p.depth - 1].node;
        return gen_mustache_fail(source, node->tag, error,
                                 "section `%.*s` is not closed", (int)node->len,
                                 node->text);
    }
    *out = first;
    return SHMRPC_OK;
}

/* Mustache: renders a tree of nodes over a stack of contexts. */
#include "generator/mustache.h"

#include <stdio.h>
#include <string.h>

#include "generator/escape.h"
#include "generator/mustache_parse.h"

/* A section's value, and the contexts around it. */
typedef struct context {
    const gen_value *value;
    const struct context *outer;
} context;

/* A partial that was parsed for a certain indentation. */
typedef struct parsed {
    gen_template source;
    const char *indent; /* source.indent_len bytes */
    gen_node *nodes;
    struct parsed *next;
} parsed;

typedef struct renderer {
    const gen_mustache_opts *opts;
    shmrpci_arena arena;
    shmrpci_buf *out;
    gen_mustache_error *error;
    parsed *partials;
    unsigned depth;
    unsigned steps;
} renderer;

static shmrpc_status render_nodes(renderer *r, const gen_template *source,
                                  const gen_node *nodes, const context *top);

static const gen_value *get_part(const gen_value *value, const char **name,
                                 const char *end)
{
    const char *dot = memchr(*name, '.', (size_t)(end - *name));
    const char *stop = dot != NULL ? dot : end;
    const gen_value *found = gen_get(value, *name, (size_t)(stop - *name));
    *name = dot != NULL ? dot + 1 : end;
    return found;
}

/* The first part of a dotted name is searched in every context, from the
 * innermost outwards; each further part only in the value found before. */
static const gen_value *resolve(const context *top, const char *name,
                                size_t len)
{
    if (len == 1 && name[0] == '.') {
        return top->value;
    }
    const char *end = name + len;
    const gen_value *found = NULL;
    const char *rest = name;
    for (; top != NULL && found == NULL; top = top->outer) {
        rest = name;
        found = get_part(top->value, &rest, end);
    }
    while (found != NULL && rest < end) {
        found = get_part(found, &rest, end);
    }
    return found;
}

static shmrpc_status look_up(renderer *r, const gen_template *source,
                             const gen_node *node, const context *top,
                             const gen_value **out)
{
    *out = resolve(top, node->text, node->len);
    if (*out == NULL && r->opts->missing == GEN_MISSING_ERROR) {
        return gen_mustache_fail(source, node->tag, r->error,
                                 "the model has no `%.*s` here", (int)node->len,
                                 node->text);
    }
    return SHMRPC_OK;
}

static void append_escaped(const renderer *r, const gen_value *value)
{
    switch (r->opts->escape) {
    case GEN_ESCAPE_HTML:
        gen_escape_html(value->text, value->len, r->out);
        break;
    case GEN_ESCAPE_NONE:
        shmrpci_buf_append(r->out, value->text, value->len);
        break;
    case GEN_ESCAPE_ROFF:
        gen_escape_roff(value->text, value->len, r->out);
        break;
    }
}

static shmrpc_status render_variable(renderer *r, const gen_template *source,
                                     const gen_node *node, const context *top)
{
    const gen_value *value;
    shmrpc_status status = look_up(r, source, node, top, &value);
    if (status != SHMRPC_OK || value == NULL) {
        return status;
    }
    switch (value->kind) {
    case GEN_KIND_NULL:
        break;
    case GEN_KIND_BOOL:
        shmrpci_buf_append_text(r->out, value->truth ? "true" : "false");
        break;
    case GEN_KIND_NUMBER:
    case GEN_KIND_STRING:
        if (node->kind == GEN_NODE_VARIABLE) {
            append_escaped(r, value);
        } else {
            shmrpci_buf_append(r->out, value->text, value->len);
        }
        break;
    case GEN_KIND_ARRAY:
    case GEN_KIND_OBJECT:
        return gen_mustache_fail(source, node->tag, r->error,
                                 "`%.*s` is a list or an object, not a text",
                                 (int)node->len, node->text);
    }
    return SHMRPC_OK;
}

static shmrpc_status render_section(renderer *r, const gen_template *source,
                                    const gen_node *node, const context *top)
{
    const gen_value *value;
    shmrpc_status status = look_up(r, source, node, top, &value);
    bool wanted = node->kind == GEN_NODE_SECTION;
    if (status != SHMRPC_OK || gen_is_true(value) != wanted) {
        return status;
    }
    if (!wanted) {
        return render_nodes(r, source, node->children, top);
    }
    if (value->kind != GEN_KIND_ARRAY) {
        context inner = {value, top};
        return render_nodes(r, source, node->children, &inner);
    }
    for (const gen_value *item = gen_first(value);
         item != NULL && status == SHMRPC_OK; item = gen_next(value, item)) {
        context inner = {item, top};
        status = render_nodes(r, source, node->children, &inner);
    }
    return status;
}

/* The partial's text with `indent` before each line that is not empty. */
static bool indent_text(renderer *r, const gen_node *node, gen_template *source)
{
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    bool at_line_start = true;
    for (size_t i = 0; i < source->len; i++) {
        char c = source->text[i];
        if (at_line_start && c != '\n' && c != '\r') {
            shmrpci_buf_append(&text, node->indent, node->indent_len);
        }
        at_line_start = c == '\n';
        shmrpci_buf_append_char(&text, c);
    }
    source->len = text.len;
    source->indent_len = node->indent_len;
    const char *chars = shmrpci_buf_text(&text);
    source->text = chars != NULL
                       ? shmrpci_arena_strndup(&r->arena, chars, text.len)
                       : NULL;
    shmrpci_buf_fini(&text);
    return source->text != NULL;
}

static bool is_parsed_form(const parsed *at, const gen_node *node)
{
    return strncmp(at->source.name, node->text, node->len) == 0 &&
           at->source.name[node->len] == '\0' &&
           at->source.indent_len == node->indent_len &&
           (node->indent_len == 0 ||
            memcmp(at->indent, node->indent, node->indent_len) == 0);
}

/* Parses a partial, or returns the earlier result. A partial that does not
 * exist gives NULL. */
static shmrpc_status get_partial(renderer *r, const gen_template *source,
                                 const gen_node *node, const parsed **out)
{
    for (const parsed *at = r->partials; at != NULL; at = at->next) {
        if (is_parsed_form(at, node)) {
            *out = at;
            return SHMRPC_OK;
        }
    }
    parsed *made =
        shmrpci_arena_calloc(&r->arena, 1, sizeof *made, _Alignof(parsed));
    char *name = shmrpci_arena_strndup(&r->arena, node->text, node->len);
    if (made == NULL || name == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    made->source.name = name;
    made->indent = node->indent;
    if (r->opts->lookup == NULL ||
        !r->opts->lookup(r->opts->user, name, &made->source.text,
                         &made->source.len)) {
        *out = NULL;
        return r->opts->missing == GEN_MISSING_EMPTY
                   ? SHMRPC_OK
                   : gen_mustache_fail(source, node->tag, r->error,
                                       "there is no partial `%s`", name);
    }
    if (node->indent_len > 0 && !indent_text(r, node, &made->source)) {
        return SHMRPC_E_NO_MEMORY;
    }
    made->next = r->partials;
    r->partials = made;
    *out = made;
    return gen_mustache_parse(&made->source, &r->arena, &made->nodes, r->error);
}

static shmrpc_status render_partial(renderer *r, const gen_template *source,
                                    const gen_node *node, const context *top)
{
    const parsed *partial;
    shmrpc_status status = get_partial(r, source, node, &partial);
    if (status != SHMRPC_OK || partial == NULL) {
        return status;
    }
    if (r->depth == GEN_MUSTACHE_MAX_DEPTH) {
        return gen_mustache_fail(source, node->tag, r->error,
                                 "more than %d partials inside each other",
                                 GEN_MUSTACHE_MAX_DEPTH);
    }
    r->depth++;
    status = render_nodes(r, &partial->source, partial->nodes, top);
    r->depth--;
    return status;
}

static shmrpc_status render_node(renderer *r, const gen_template *source,
                                 const gen_node *node, const context *top)
{
    if (++r->steps > GEN_MUSTACHE_MAX_STEPS) {
        return gen_mustache_fail(source, node->tag, r->error,
                                 "the template takes too many steps to render");
    }
    switch (node->kind) {
    case GEN_NODE_TEXT:
        shmrpci_buf_append(r->out, node->text, node->len);
        return SHMRPC_OK;
    case GEN_NODE_VARIABLE:
    case GEN_NODE_UNESCAPED:
        return render_variable(r, source, node, top);
    case GEN_NODE_SECTION:
    case GEN_NODE_INVERTED:
        return render_section(r, source, node, top);
    case GEN_NODE_PARTIAL:
        return render_partial(r, source, node, top);
    }
    return SHMRPC_E_INTERNAL;
}

static shmrpc_status render_nodes(renderer *r, const gen_template *source,
                                  const gen_node *nodes, const context *top)
{
    for (const gen_node *node = nodes; node != NULL; node = node->next) {
        shmrpc_status status = render_node(r, source, node, top);
        if (status != SHMRPC_OK) {
            return status;
        }
    }
    if (r->opts->drain != NULL && r->out->len >= GEN_MUSTACHE_DRAIN_BYTES) {
        r->opts->drain(r->opts->user, r->out);
    }
    return r->out->status;
}

shmrpc_status gen_mustache_render(const gen_mustache_opts *opts,
                                  const char *name, const char *text,
                                  size_t len, const gen_value *data,
                                  shmrpci_buf *out, gen_mustache_error *error)
{
    renderer r = {.opts = opts, .out = out, .error = error};
    shmrpci_arena_init(&r.arena, 0);
    gen_template source = {name, text, len, 0};
    gen_node *nodes = NULL;
    shmrpc_status status = gen_mustache_parse(&source, &r.arena, &nodes, error);
    if (status == SHMRPC_OK) {
        context root = {data, NULL};
        status = render_nodes(&r, &source, nodes, &root);
    }
    shmrpci_arena_fini(&r.arena);
    if (status != SHMRPC_OK && status != SHMRPC_E_INVALID) {
        *error = (gen_mustache_error){.line = 0};
        snprintf(error->name, sizeof error->name, "%s", name);
        snprintf(error->message, sizeof error->message, "%s",
                 shmrpc_status_text(status));
    }
    return status;
}

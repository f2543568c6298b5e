/* Places: converts spans to ranges and locations, and finds the end of a
 * declaration. */
#include <string.h>

#include "generator/lsp/feature.h"

bool lsp_may_add(lsp_context *cx)
{
    return ++cx->results <= LSP_MAX_RESULTS;
}

const lsp_lines *lsp_context_lines(lsp_context *cx, const idl_source *source)
{
    if (cx->source != source) {
        if (!lsp_lines_init(&cx->lines, &cx->tree->arena, source->text,
                            source->len)) {
            cx->tree->out_of_memory = true;
            return NULL;
        }
        cx->source = source;
    }
    return &cx->lines;
}

static gen_value *position(lsp_context *cx, idl_span span, uint32_t offset)
{
    const lsp_lines *lines =
        span.source != NULL ? lsp_context_lines(cx, span.source) : NULL;
    lsp_position at = {.line = 0};
    if (lines != NULL) {
        at = lsp_position_at(lines, offset, cx->ws->encoding);
    }
    return lsp_position_value(cx->tree, at);
}

gen_value *lsp_range(lsp_context *cx, idl_span span)
{
    gen_value *range = gen_object(cx->tree);
    gen_set(range, "start", position(cx, span, span.begin));
    gen_set(range, "end", position(cx, span, span.end));
    return range;
}

/* The URI by which the client knows the file. */
static const char *uri_of(lsp_context *cx, const char *path)
{
    const lsp_document *open = lsp_find_path(cx->ws, path);
    const char *uri =
        open != NULL ? open->uri : lsp_uri_of_path(&cx->tree->arena, path);
    cx->tree->out_of_memory |= uri == NULL;
    return uri != NULL ? uri : "";
}

gen_value *lsp_location(lsp_context *cx, idl_span span)
{
    gen_value *location = gen_object(cx->tree);
    const char *uri = span.source != NULL ? uri_of(cx, span.source->path) : "";
    gen_set(location, "uri", gen_string(cx->tree, uri));
    gen_set(location, "range", lsp_range(cx, span));
    return location;
}

/* The place after the string or comment that begins at `at`; `at` itself if
 * none begins there. */
static uint32_t skip_quoted(const idl_source *source, uint32_t at)
{
    const char *text = source->text;
    if (text[at] == '/' && text[at + 1] == '/') {
        while (at < source->len && text[at] != '\n') {
            at++;
        }
    } else if (text[at] == '"') {
        at++;
        while (at < source->len && text[at] != '"' && text[at] != '\n') {
            at += text[at] == '\\' && text[at + 1] != '\0' ? 2 : 1;
        }
    }
    return at;
}

idl_span lsp_whole(idl_span from)
{
    const idl_source *source = from.source;
    idl_span whole = from;
    size_t depth = 0;
    for (uint32_t at = from.begin; at < source->len; at++) {
        at = skip_quoted(source, at);
        char c = source->text[at];
        depth += c == '{';
        bool closes = c == '}' && depth <= 1;
        depth -= c == '}' && depth > 0;
        if (closes || (c == ';' && depth == 0)) {
            whole.end = at + 1 > from.end ? at + 1 : from.end;
            whole.end = whole.end < source->len ? whole.end : source->len;
            return whole;
        }
    }
    return whole;
}

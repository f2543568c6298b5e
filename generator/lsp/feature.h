/*
 * The server's answers about a document: one function for each request.
 *
 * Results are values in the message's tree. NULL means either null or that
 * memory has run out, which the tree records. Threading: one thread at a time.
 */
#ifndef SHMRPC_GENERATOR_LSP_FEATURE_H
#define SHMRPC_GENERATOR_LSP_FEATURE_H

#include "generator/lsp/names.h"

/* State for one message: its tree, and the lines of the last source used. */
typedef struct lsp_context {
    lsp_workspace *ws;
    gen_tree *tree;
    const idl_source *source;
    lsp_lines lines;
    size_t results; /* number of items so far, over all lists of the answer */
} lsp_context;

/* Maximum number of items in one answer, over all its lists. */
#define LSP_MAX_RESULTS 20000

/* Counts one more item; false when the maximum is reached. */
bool lsp_may_add(lsp_context *cx);

/* The document that a request is about. Offsets are bytes of the analysed
 * source. */
typedef struct lsp_query {
    lsp_document *document;
    const lsp_analysis *analysis;
    idl_unit *unit; /* the document's own unit */
    size_t offset;  /* offset of the request's "position" */
    const gen_value *params;
} lsp_query;

/* ---- places ---- */

/* The table of lines of a source; NULL if out of memory. */
const lsp_lines *lsp_context_lines(lsp_context *cx, const idl_source *source);

/* A Range or a Location; line 0, character 0 if the span has no source. */
gen_value *lsp_range(lsp_context *cx, idl_span span);
gen_value *lsp_location(lsp_context *cx, idl_span span);

/* The whole declaration whose name or first word is `from`: it ends with its
 * `;` or its closing brace. */
idl_span lsp_whole(idl_span from);

/* ---- requests ---- */

gen_value *lsp_hover(lsp_context *cx, const lsp_query *query);
gen_value *lsp_definition(lsp_context *cx, const lsp_query *query);
gen_value *lsp_references(lsp_context *cx, const lsp_query *query);
gen_value *lsp_symbols(lsp_context *cx, const lsp_query *query);
gen_value *lsp_completion(lsp_context *cx, const lsp_query *query);
gen_value *lsp_formatting(lsp_context *cx, const lsp_query *query);
gen_value *lsp_actions(lsp_context *cx, const lsp_query *query);

/* The parameters of a textDocument/publishDiagnostics notification. */
gen_value *lsp_diagnostics(lsp_context *cx, const lsp_document *document,
                           const lsp_analysis *analysis);

#endif

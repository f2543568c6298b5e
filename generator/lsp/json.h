/*
 * Access to members of a JSON message.
 * Threading: one thread at a time.
 */
#ifndef SHMRPC_GENERATOR_LSP_JSON_H
#define SHMRPC_GENERATOR_LSP_JSON_H

#include "generator/lsp/text.h"
#include "generator/value.h"

/* The member at a path like "textDocument.uri", or NULL. */
const gen_value *lsp_get(const gen_value *value, const char *path);

/* Like lsp_get, for a string without NUL; NULL for any other value. */
const char *lsp_get_text(const gen_value *value, const char *path);

bool lsp_get_position(const gen_value *value, const char *path,
                      lsp_position *out);

/* The object { "line": ..., "character": ... }. */
gen_value *lsp_position_value(gen_tree *tree, lsp_position position);

#endif

/*
 * Tokens: the output of the lexer.
 *
 * The kinds are the terminals of grammar.y (TK_STRUCT, ...), so no table is
 * needed between lexer and parser. A token is a kind and a place; the value of
 * a number or a string is computed when the tree is built. Threading: values.
 */
#ifndef IDL_TOKEN_H
#define IDL_TOKEN_H

#include "idl/diag.h"
#include "idl/syntax/source.h"

typedef struct idl_token {
    int kind; /* TK_...; 0 at the end of the file */
    idl_span span;
} idl_token;

typedef struct idl_tokens {
    idl_token *items; /* the last item is the end of the file */
    size_t count;
} idl_tokens;

/* All tokens of `source`, allocated in `memory`. Comments are left out, `///`
 * is kept. Anything that isn't a token is reported and left out. */
idl_tokens idl_lex(const idl_source *source, idl_memory *memory,
                   idl_diags *diags);

/* The token as shown in messages: "`;`", "`struct`", "a name", "end of file";
 * static. */
const char *idl_token_text(int kind);

/* The word of a keyword's kind, "struct"; NULL for every other kind. */
const char *idl_token_word(int kind);

/* One line for each token: place, kind, text. */
void idl_dump_tokens(const idl_tokens *tokens, shmrpci_buf *out);

#endif

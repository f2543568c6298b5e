/*
 * The interface that lemon makes from grammar.y, and grammar.y's additions to
 * it.
 *
 * For parse.c only. Threading: one thread per parser.
 */
#ifndef IDL_SVCPARSE_H
#define IDL_SVCPARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "idl/syntax/ast.h"

/* The size of a parser in bytes: the memory that SvcParseInit needs. */
size_t svc_parse_size(void);
void SvcParseInit(void *parser, ast_builder *builder);

/* Takes the next token; kind 0 ends the file. */
void SvcParse(void *parser, int kind, idl_token token);

/* Whether the parser could shift all of these tokens now, in this order; kind 0
 * is the end of the file. Changes nothing. */
bool svc_parse_accepts(const void *parser, const int *kinds, size_t count);

/* Whether the parser could shift this token now as its own kind. False if it
 * would accept the keyword only as an identifier. */
bool svc_parse_expects(const void *parser, int kind);

/* All token kinds are less than this number. */
int svc_parse_kind_count(void);

#endif

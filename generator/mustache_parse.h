/*
 * Mustache: parses template text into a tree of nodes. For mustache.c only.
 * Threading: pure functions over the caller's objects.
 */
#ifndef SHMRPC_GENERATOR_MUSTACHE_PARSE_H
#define SHMRPC_GENERATOR_MUSTACHE_PARSE_H

#include <stdarg.h>
#include <stddef.h>

#include "base/arena.h"
#include "generator/mustache.h"

typedef enum gen_node_kind {
    GEN_NODE_TEXT,
    GEN_NODE_VARIABLE,  /* {{name}} */
    GEN_NODE_UNESCAPED, /* {{{name}}} and {{&name}} */
    GEN_NODE_SECTION,   /* {{#name}} */
    GEN_NODE_INVERTED,  /* {{^name}} */
    GEN_NODE_PARTIAL    /* {{>name}} */
} gen_node_kind;

typedef struct gen_node gen_node;
struct gen_node {
    gen_node_kind kind;
    const char *text; /* TEXT: the text; else the name. Not NUL-terminated */
    size_t len;
    const char *tag;    /* place in the template, for errors */
    const char *indent; /* PARTIAL alone on its line: the white space before
                         * it */
    size_t indent_len;
    gen_node *children; /* SECTION and INVERTED */
    gen_node *next;
};

/* A template while it is parsed and rendered. */
typedef struct gen_template {
    const char *name;
    const char *text;
    size_t len;
    size_t indent_len; /* length of the indentation that the including template
                        * puts before every line */
} gen_template;

/* Parses into nodes that live in `arena` and point into the template's text.
 * Returns INVALID if the template is malformed (see `error`), or NO_MEMORY. */
shmrpc_status gen_mustache_parse(const gen_template *source,
                                 shmrpci_arena *arena, gen_node **out,
                                 gen_mustache_error *error);

/* Fills `error` for the place `at` in the template and returns INVALID. */
shmrpc_status gen_mustache_fail(const gen_template *source, const char *at,
                                gen_mustache_error *error, const char *format,
                                ...) __attribute__((format(printf, 4, 5)));

#endif

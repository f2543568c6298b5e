/*
 * Mustache: templates over JSON values.
 *
 * Every required section of the public specification (comments, delimiters,
 * interpolation, inverted, partials, sections) is implemented; its optional
 * modules (lambdas, inheritance, dynamic names) are not.  Two rules that the
 * specification leaves open: null, false, "" and [] are false in a section,
 * all else is true; and the lines of an indented partial that are empty stay
 * empty.
 *
 * Threading: pure functions over the caller's objects.
 */
#ifndef SHMRPC_GENERATOR_MUSTACHE_H
#define SHMRPC_GENERATOR_MUSTACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "generator/value.h"
#include "shmrpc/status.h"

/* Sections inside sections, and partials inside partials. */
#define GEN_MUSTACHE_MAX_DEPTH 64
/* Elements rendered; stops templates that include themselves for ever. */
#define GEN_MUSTACHE_MAX_STEPS 50000000u

/* Finds the text of the partial called `name`; false when there is none.  The
 * text must stay until the rendering ends. */
typedef bool gen_mustache_lookup(void *user, const char *name,
                                 const char **text, size_t *len);

/* Takes away the beginning of `out`, so that it doesn't grow for ever: called
 * when it holds GEN_MUSTACHE_DRAIN_BYTES or more.  Failures go to `out`. */
typedef void gen_mustache_drain(void *user, shmrpci_buf *out);
#define GEN_MUSTACHE_DRAIN_BYTES 65536

typedef enum gen_escape {
    GEN_ESCAPE_HTML, /* {{x}} as the specification says */
    GEN_ESCAPE_NONE, /* {{x}} is the same as {{{x}}}: for source code */
    GEN_ESCAPE_ROFF  /* {{x}} prints as it is in a manual page, also within
                        quotes or at the beginning of a line */
} gen_escape;

typedef enum gen_missing {
    GEN_MISSING_EMPTY, /* as the specification says */
    GEN_MISSING_ERROR  /* names that no context has are errors */
} gen_missing;

typedef struct gen_mustache_opts {
    gen_escape escape;
    gen_missing missing;
    gen_mustache_lookup *lookup; /* NULL: there are no partials */
    gen_mustache_drain *drain;   /* NULL: `out` grows until the end */
    void *user;                  /* for lookup and drain */
} gen_mustache_opts;

/* A template error and its place. */
typedef struct gen_mustache_error {
    char name[64];
    uint32_t line; /* from 1; 0: not at a single place */
    uint32_t column;
    char message[160];
} gen_mustache_error;

/*
 * Renders `text`, called `name` in messages, over `data`, and appends to `out`.
 * INVALID: the template is malformed, misses a name, or nests too deep: see
 * `error`.  NO_MEMORY.  After a failure `out` holds part of the result.
 */
shmrpc_status gen_mustache_render(const gen_mustache_opts *opts,
                                  const char *name, const char *text,
                                  size_t len, const gen_value *data,
                                  shmrpci_buf *out, gen_mustache_error *error);

#endif

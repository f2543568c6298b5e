/*
 * Mustache: templates over JSON values.
 *
 * Every required section of the public specification (comments, delimiters,
 * interpolation, inverted, partials, sections) is implemented; its optional
 * modules (lambdas, inheritance, dynamic names) are not. Two rules fill gaps in
 * the specification: null, false, "" and [] are false in a section, everything
 * else is true; and empty lines of an indented partial stay empty.
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

/* Maximum nesting of sections, and of partials. */
#define GEN_MUSTACHE_MAX_DEPTH 64
/* Maximum number of elements rendered; stops templates that include themselves
 * endlessly. */
#define GEN_MUSTACHE_MAX_STEPS 50000000u

/* Finds the text of the partial `name`; false if there is none. The text must
 * stay valid until rendering ends. */
typedef bool gen_mustache_lookup(void *user, const char *name,
                                 const char **text, size_t *len);

/* Removes bytes from the beginning of `out`, so that it doesn't grow without
 * bound. Called when `out` holds GEN_MUSTACHE_DRAIN_BYTES or more. Failures are
 * recorded in `out`. */
typedef void gen_mustache_drain(void *user, shmrpci_buf *out);
#define GEN_MUSTACHE_DRAIN_BYTES 65536

typedef enum gen_escape {
    GEN_ESCAPE_HTML, /* as the specification requires */
    GEN_ESCAPE_NONE, /* {{x}} is the same as {{{x}}}: for source code */
    GEN_ESCAPE_ROFF  /* for manual pages: {{x}} is shown unchanged, also
                      * within quotes or at the beginning of a line */
} gen_escape;

typedef enum gen_missing {
    GEN_MISSING_EMPTY, /* a missing name is empty, as the specification
                        * requires */
    GEN_MISSING_ERROR  /* a name that no context has is an error */
} gen_missing;

typedef struct gen_mustache_opts {
    gen_escape escape;
    gen_missing missing;
    gen_mustache_lookup *lookup; /* NULL: no partials */
    gen_mustache_drain *drain;   /* NULL: `out` holds the whole result */
    void *user;                  /* for lookup and drain */
} gen_mustache_opts;

/* A template error and its place. */
typedef struct gen_mustache_error {
    char name[64];
    uint32_t line; /* from 1; 0 if no single place is to blame */
    uint32_t column;
    char message[160];
} gen_mustache_error;

/*
 * Renders `text`, called `name` in messages, over `data`, and appends to `out`.
 * Returns INVALID if the template is malformed, uses a missing name, or nests
 * too deeply (see `error`), or NO_MEMORY. After a failure `out` holds part of
 * the result.
 */
shmrpc_status gen_mustache_render(const gen_mustache_opts *opts,
                                  const char *name, const char *text,
                                  size_t len, const gen_value *data,
                                  shmrpci_buf *out, gen_mustache_error *error);

#endif

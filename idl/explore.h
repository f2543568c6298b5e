/*
 * Results of the passes for editor tools, even for a file with errors, which
 * has no schema.
 *
 * Invariants: everything lives in the arena of idl_explore.  Where an error was
 * reported, objects are incomplete, but every list can be walked.
 * Threading: one thread at a time.
 */
#ifndef IDL_EXPLORE_H
#define IDL_EXPLORE_H

#include "idl/idl.h"
#include "idl/resolve.h"

typedef struct idl_exploration {
    const idl_source *source; /* the main file; NULL: it can't be read, and the
                                 rest is empty */
    idl_units units;          /* the main file last */
    idl_resolved resolved;
    bool complete; /* there was no error: all objects are whole, but for the
                      canonical texts and hashes, which an editor shows to
                      nobody and which take the most time */
} idl_exploration;

/* As idl_load, but OK also when `diags` has errors; NO_MEMORY. */
shmrpc_status idl_explore(const idl_options *options, const char *path,
                          shmrpci_arena *arena, idl_diags *diags,
                          idl_exploration *out) SHMRPC_WARN_UNUSED;

/* The words that may follow the text of a file. */
typedef struct idl_next {
    const char **words; /* keywords, in the order of the grammar */
    size_t word_count;
    bool type;  /* the name of a type */
    bool value; /* a number, a text, the name of a constant */
} idl_next;

/* The tokens that the parser would accept at the end of the `len` bytes of
 * `text`; in `arena`. NO_MEMORY, INVALID and TOO_LARGE as
 * idl_source_from_text. */
shmrpc_status idl_explore_next(const char *text, size_t len,
                               shmrpci_arena *arena,
                               idl_next *out) SHMRPC_WARN_UNUSED;

/* The annotations in order, and how each is written: "timeout",
 * "@timeout(2s)".  False behind the last. */
bool idl_explore_annotation(size_t index, const char **name,
                            const char **usage);

#endif

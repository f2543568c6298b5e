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
    const idl_source *source; /* the main file; NULL if it can't be read:
                               * then the rest is empty */
    idl_units units;          /* the main file last */
    idl_resolved resolved;
    /* There was no error: all objects are complete except for canonical texts
     * and hashes, which editors do not show and which take the most time. */
    bool complete;
} idl_exploration;

/* Like idl_load, but returns OK even if `diags` has errors; else NO_MEMORY. */
shmrpc_status idl_explore(const idl_options *options, const char *path,
                          shmrpci_arena *arena, idl_diags *diags,
                          idl_exploration *out) SHMRPC_WARN_UNUSED;

/* What may follow the text of a file. */
typedef struct idl_next {
    const char **words; /* keywords, in the order of the grammar */
    size_t word_count;
    bool type;  /* the name of a type */
    bool value; /* a number, a text, the name of a constant */
} idl_next;

/* The tokens that the parser would accept after the `len` bytes of `text`;
 * allocated in `arena`. Returns NO_MEMORY, or INVALID and TOO_LARGE as
 * idl_source_from_text does. */
shmrpc_status idl_explore_next(const char *text, size_t len,
                               shmrpci_arena *arena,
                               idl_next *out) SHMRPC_WARN_UNUSED;

/* The annotation with this index: its name ("timeout") and how it is written
 * ("@timeout(2s)"). Returns false after the last one. */
bool idl_explore_annotation(size_t index, const char **name,
                            const char **usage);

#endif

/*
 * Paths into trees of any shape: reading, and making changed trees.
 *
 * Trees are constant: a change copies the maps and lists on its path into an
 * arena, and shares the rest with the old tree.
 *
 * Threading: pure functions; an arena belongs to one thread at a time.
 */
#ifndef SHMRPCI_OBJECTS_TREE_H
#define SHMRPCI_OBJECTS_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "shmrpc/error.h"
#include "shmrpc/types.h"

/* The value at the end of `len` steps; `tree` is the value after the first
 * `from` steps. Returns NOT_FOUND; PRECONDITION if a step leads into a value
 * that is neither a map nor a list; or INVALID if a step can't be a key or a
 * position. */
shmrpc_status shmrpci_tree_get(const shmrpc_any *tree, const shmrpc_any *steps,
                               size_t from, size_t len, const shmrpc_any **out,
                               shmrpc_error *error);

typedef enum shmrpci_tree_op {
    SHMRPCI_TREE_PUT,     /* never returns EXISTS; in a list the position must
                           * exist */
    SHMRPCI_TREE_PUT_NEW, /* returns EXISTS if there is a value */
    SHMRPCI_TREE_DEL,     /* `*out_was` receives the old value */
    SHMRPCI_TREE_INSERT,  /* inserts before the position that is the last
                           * step */
    SHMRPCI_TREE_APPEND   /* appends to the list at the end of all steps */
} shmrpci_tree_op;

/*
 * Makes a tree like `tree`, the value after the first `from` steps, with the
 * change `op` at the end of the steps. At least one more step must follow,
 * unless `op` is APPEND. `value` is not copied. Statuses as for get; also
 * OUT_OF_RANGE if the list is shorter, EXISTS, NO_MEMORY. `out_was` may be
 * NULL.
 */
shmrpc_status shmrpci_tree_change(shmrpci_arena *arena, const shmrpc_any *tree,
                                  const shmrpc_any *steps, size_t from,
                                  size_t len, shmrpci_tree_op op,
                                  const shmrpc_any *value, shmrpc_any *out,
                                  const shmrpc_any **out_was,
                                  shmrpc_error *error);

/* ---- steps --------------------------------------------------------------- */

/* Reports what went wrong at a step, counted from 0; returns `status`. */
shmrpc_status shmrpci_tree_fail(size_t step, shmrpc_status status,
                                const char *what, shmrpc_error *error);
/* The position that a step means in a list of `len` items; `len` + 1 if it is
 * beyond the end. Returns INVALID if the step is not a number. */
shmrpc_status shmrpci_tree_position(uint64_t len, const shmrpc_any *step,
                                    size_t depth, uint64_t *out,
                                    shmrpc_error *error);
/* The position at which to insert: as in Python, limited to the list's
 * length. */
shmrpc_status shmrpci_tree_insertion(uint64_t len, const shmrpc_any *step,
                                     size_t depth, uint64_t *out,
                                     shmrpc_error *error);
/* The depth of a tree that a codec has accepted; 0 if it is neither a map nor a
 * list. */
size_t shmrpci_tree_depth(const shmrpc_any *tree);

#endif

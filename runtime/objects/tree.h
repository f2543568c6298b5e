/*
 * Paths into trees of any shape: reading, and making changed trees.
 *
 * Trees are constant, so that a change copies the maps and lists on its way, in
 * an arena, and shares all else with the old tree.
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

/* What is at the end of `len` steps, of which `tree` is behind the first
 * `from`. NOT_FOUND; PRECONDITION: a step leads into what is no map and no
 * list; INVALID: no key, or no position. */
shmrpc_status shmrpci_tree_get(const shmrpc_any *tree, const shmrpc_any *steps,
                               size_t from, size_t len, const shmrpc_any **out,
                               shmrpc_error *error);

typedef enum shmrpci_tree_op {
    SHMRPCI_TREE_PUT,     /* EXISTS never; a list has the position */
    SHMRPCI_TREE_PUT_NEW, /* EXISTS */
    SHMRPCI_TREE_DEL,     /* `*out_was` gets what was there */
    SHMRPCI_TREE_INSERT,  /* before the position that is the last step */
    SHMRPCI_TREE_APPEND   /* to the list at the end of all steps */
} shmrpci_tree_op;

/*
 * Makes the tree that is like `tree`, which is behind the first `from` steps,
 * but for what `op` does at the end of the steps, of which there is at least
 * one more unless it is APPEND. `value` is not copied. Statuses as get;
 * OUT_OF_RANGE: the list is shorter; EXISTS; NO_MEMORY. `out_was` may be NULL.
 */
shmrpc_status shmrpci_tree_change(shmrpci_arena *arena, const shmrpc_any *tree,
                                  const shmrpc_any *steps, size_t from,
                                  size_t len, shmrpci_tree_op op,
                                  const shmrpc_any *value, shmrpc_any *out,
                                  const shmrpc_any **out_was,
                                  shmrpc_error *error);

/* ---- steps --------------------------------------------------------------- */

/* What went wrong at a step, counted from 0; returns `status`. */
shmrpc_status shmrpci_tree_fail(size_t step, shmrpc_status status,
                                const char *what, shmrpc_error *error);
/* The position in a list of `len` that a step means; beyond: `len` + 1.
 * INVALID. */
shmrpc_status shmrpci_tree_position(uint64_t len, const shmrpc_any *step,
                                    size_t depth, uint64_t *out,
                                    shmrpc_error *error);
/* The place to insert at: as in Python before the first, or behind the last. */
shmrpc_status shmrpci_tree_insertion(uint64_t len, const shmrpc_any *step,
                                     size_t depth, uint64_t *out,
                                     shmrpc_error *error);
/* How deep a tree is, which a codec has taken; 0: no map and no list. */
size_t shmrpci_tree_depth(const shmrpc_any *tree);

#endif

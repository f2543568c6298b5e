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

#include "base/arena.h"
#include "shmrpc/error.h"
#include "shmrpc/types.h"

/* What lies at the end of `len` steps. NOT_FOUND; PRECONDITION: a step leads
 * into what is no map and no list; INVALID: no key, or no position. */
shmrpc_status shmrpci_tree_get(const shmrpc_any *tree, const shmrpc_any *steps,
                               size_t len, const shmrpc_any **out,
                               shmrpc_error *error);

typedef enum shmrpci_tree_op {
    SHMRPCI_TREE_PUT,     /* EXISTS never; a list has the position */
    SHMRPCI_TREE_PUT_NEW, /* EXISTS */
    SHMRPCI_TREE_DEL,     /* `*out_was` gets what was there */
    SHMRPCI_TREE_INSERT,  /* before the position that is the last step */
    SHMRPCI_TREE_APPEND   /* to the list at the end of all steps */
} shmrpci_tree_op;

/*
 * Makes the tree that is like `tree` but for what `op` does at the end of the
 * steps, of which there is at least one unless it is APPEND. `value` is not
 * copied. Statuses as get; OUT_OF_RANGE: the list is shorter; EXISTS;
 * NO_MEMORY. `out_was` may be NULL.
 */
shmrpc_status shmrpci_tree_change(shmrpci_arena *arena, const shmrpc_any *tree,
                                  const shmrpc_any *steps, size_t len,
                                  shmrpci_tree_op op, const shmrpc_any *value,
                                  shmrpc_any *out, const shmrpc_any **out_was,
                                  shmrpc_error *error);

#endif

/*
 * Values of any shape as nests (table/nest.h): reading at a path, and changes
 * of one item, without reading or writing the rest.
 *
 * Threading: any thread may read; changes are made under the mutex of the dict.
 */
#ifndef SHMRPCI_OBJECTS_DICT_NEST_H
#define SHMRPCI_OBJECTS_DICT_NEST_H

#include "objects/dict_inside.h"
#include "objects/tree.h"
#include "table/nest.h"

/* Whether values may be nests: only values of any shape, in msgpack. */
static inline bool shmrpci_dict_nests(const shmrpc_dict *dict)
{
    return dict->handle.row.element->kind == SHMRPC_KIND_ANY &&
           dict->handle.row.encoding == SHMRPC_ENCODING_MSGPACK;
}

/* Follows the steps as long as they lead through nests. `*out_used` is the
 * number of steps followed. Statuses as for shmrpci_tree_get. */
shmrpc_status shmrpci_dict_nest_reach(const shmrpci_table *table,
                                      const shmrpci_nest_value *from,
                                      const shmrpc_any *steps, size_t len,
                                      shmrpci_nest_value *out, size_t *out_used,
                                      shmrpc_error *error);

/* Replaces the bytes of `held` by the value at the end of the steps. If a step
 * leads to a value that is not a nest, takes that value, and the caller follows
 * the remaining steps. `*out_used` is the number of steps that led to the
 * value. Statuses as for shmrpci_tree_get and shmrpci_table_get. */
shmrpc_status shmrpci_dict_nest_fetch(shmrpc_dict *dict,
                                      shmrpci_table_bytes key,
                                      const shmrpc_any *steps, size_t len,
                                      shmrpci_held *held, size_t *out_used,
                                      uint64_t *out_version,
                                      shmrpc_error *error);
/* How many items the nest at the end of the steps has. Returns MORE if it is
 * not a nest, or can't be read this way. */
shmrpc_status shmrpci_dict_nest_len(shmrpc_dict *dict, shmrpci_table_bytes key,
                                    const shmrpc_any *steps, size_t len,
                                    uint64_t *out);

/* A change below a key. */
typedef struct shmrpci_dict_nest_change {
    const shmrpc_any *steps;
    size_t len;
    shmrpci_tree_op op;
    const void *value; /* the new value: any, or an item of the list; unused if
                        * it deletes */
    shmrpci_held *was; /* receives the deleted value; may be NULL */
    /* If not NULL, the value of the key is a list of this type, and becomes a
     * nest however short it is. */
    const shmrpc_type *list;
} shmrpci_dict_nest_change;

/* Changes the value of a key, which may not be a nest yet. Statuses as for
 * shmrpci_tree_change and shmrpci_table_put. */
shmrpc_status shmrpci_dict_nest_apply(shmrpc_dict *dict,
                                      shmrpci_table_bytes key,
                                      const shmrpci_dict_nest_change *change,
                                      shmrpc_error *error);

/* Whether a list of that type may have `len` items. Returns INVALID if not. */
shmrpc_status shmrpci_dict_nest_judge_len(const shmrpc_type *list, uint64_t len,
                                          shmrpc_error *error);

/*
 * Stores the value of an item or a key: short bytes as they are, a long map or
 * list as a nest, anything else in a block of its own. `bytes` are one value in
 * msgpack, and must live until the edit is committed.
 */
shmrpc_status shmrpci_dict_nest_place(shmrpci_nest_edit *edit,
                                      shmrpci_table_bytes bytes,
                                      shmrpci_nest_value *out,
                                      shmrpc_error *error);
/* Finds an item of a list in msgpack, and the list's length. Returns NOT_FOUND
 * if the list has fewer items, DATA_LOSS if it is not a list. */
shmrpc_status shmrpci_dict_nest_slice(shmrpci_table_bytes list,
                                      const shmrpc_any *position,
                                      shmrpci_table_bytes *out,
                                      uint64_t *out_len, shmrpc_error *error);

/* Makes a nest from a map or list, however short it is. The nest of an empty
 * map or list has no block. Returns PRECONDITION, and does nothing, if the
 * value is neither a map nor a list, or has keys that a nest can't have. */
shmrpc_status shmrpci_dict_nest_explode(shmrpci_nest_edit *edit,
                                        shmrpci_table_bytes bytes,
                                        shmrpci_nest_value *out,
                                        shmrpc_error *error);

#endif

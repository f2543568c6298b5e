/*
 * Values of any shape as nests (table/nest.h): what lies at a path, and changes
 * of one item, without reading or writing the rest.
 *
 * Threading: reading: any thread; changing: by the mutex of the dict.
 */
#ifndef SHMRPCI_OBJECTS_DICT_NEST_H
#define SHMRPCI_OBJECTS_DICT_NEST_H

#include "objects/dict_inside.h"
#include "objects/tree.h"
#include "table/nest.h"

/* Whether values may be nests: they are any, and msgpack. */
static inline bool shmrpci_dict_nests(const shmrpc_dict *dict)
{
    return dict->handle.row.element->kind == SHMRPC_KIND_ANY &&
           dict->handle.row.encoding == SHMRPC_ENCODING_MSGPACK;
}

/* Follows steps as long as they lead through nests; `*out_used` of them did.
 * Statuses as shmrpci_tree_get. */
shmrpc_status shmrpci_dict_nest_reach(const shmrpci_table *table,
                                      const shmrpci_nest_value *from,
                                      const shmrpc_any *steps, size_t len,
                                      shmrpci_nest_value *out, size_t *out_used,
                                      shmrpc_error *error);

/* What a change below a key is. */
typedef struct shmrpci_dict_nest_change {
    const shmrpc_any *steps;
    size_t len;
    shmrpci_tree_op op;
    const shmrpc_any *value; /* unless it deletes */
    shmrpci_held *was;       /* gets what is deleted; or NULL */
} shmrpci_dict_nest_change;

/* Changes the value of a key, which may be no nest yet. Statuses as
 * shmrpci_tree_change, and as shmrpci_table_put. */
shmrpc_status shmrpci_dict_nest_apply(shmrpc_dict *dict,
                                      shmrpci_table_bytes key,
                                      const shmrpci_dict_nest_change *change,
                                      shmrpc_error *error);

/*
 * What an item or a key is to have: short bytes as they are, a long map or list
 * as a nest, all else in a block of its own. `bytes` are one value in msgpack,
 * and must live until the edit is committed.
 */
shmrpc_status shmrpci_dict_nest_place(shmrpci_nest_edit *edit,
                                      shmrpci_table_bytes bytes,
                                      shmrpci_nest_value *out,
                                      shmrpc_error *error);
/* A map or list as a nest, however short it is. PRECONDITION: it is none, or
 * has keys that a nest can't have; nothing has been done. */
shmrpc_status shmrpci_dict_nest_explode(shmrpci_nest_edit *edit,
                                        shmrpci_table_bytes bytes,
                                        shmrpci_nest_value *out,
                                        shmrpc_error *error);

#endif

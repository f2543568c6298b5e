/*
 * Nests: maps and lists below a key whose items can be reached and changed one
 * by one (layout.h). The value of a key is either bytes or a nest; the
 * functions of table.h return and replace a nest as a whole, as msgpack bytes.
 *
 * Reading. The results of these functions lie in the region. They are valid
 * only if they come from a view, or if the caller checks afterwards that
 * nothing has changed: shmrpci_table_peek_is_same, or the turn of an edit.
 * Reading always ends, whatever the bytes are.
 *
 * Changing. An edit begins at a turn, makes new blocks in private, and becomes
 * one change of the key when it is committed; if another change was committed
 * first, it starts over.
 *
 * Threading: as table.h.
 */
#ifndef SHMRPCI_TABLE_NEST_H
#define SHMRPCI_TABLE_NEST_H

#include "table/table.h"

/* Longer values of items become nests, or bytes in blocks of their own. */
#define SHMRPCI_NEST_INLINE_BYTES ((size_t)512)

/* The value of a key or an item. */
typedef struct shmrpci_nest_value {
    bool is_ref;
    shmrpci_nest_ref ref;
    shmrpci_table_bytes bytes; /* the value, unless it is a reference */
} shmrpci_nest_value;

typedef struct shmrpci_nest_item {
    shmrpci_table_bytes key; /* key of an item of a map */
    uint64_t order;          /* insertion number of an item of a map */
    shmrpci_nest_value value;
} shmrpci_nest_item;

static inline shmrpci_nest_value shmrpci_nest_bytes(const void *data,
                                                    size_t len)
{
    return (shmrpci_nest_value){.bytes = {data, len}};
}

/* ---- reading ------------------------------------------------------------- */

/* A key's value, as of one look. */
typedef struct shmrpci_table_peek {
    shmrpci_nest_value value;
    uint64_t version;
    const shmrpci_table *table;
    uint64_t root;
    const shmrpci_atomic_u64 *slot;
    uint64_t word;
    const shmrpci_record *record;
    uint64_t id;
} shmrpci_table_peek;

/* Looks at the value of a key. Returns NOT_FOUND or DATA_LOSS. */
shmrpc_status shmrpci_table_look(shmrpci_table *table, shmrpci_table_bytes key,
                                 shmrpci_table_peek *out, shmrpc_error *error);
/* Whether everything that was read since the look, also of a nest, was the
 * key's value. */
bool shmrpci_table_peek_is_same(const shmrpci_table_peek *peek);

/* The same for a view, in which the value stays valid. */
shmrpc_status shmrpci_table_view_look(const shmrpci_table_view *view,
                                      shmrpci_table_bytes key,
                                      shmrpci_nest_value *out,
                                      uint64_t *out_version);

/* Finds the item at a position of a list; items of a map are in arbitrary
 * order. Returns NOT_FOUND if there are fewer items, or DATA_LOSS. */
shmrpc_status shmrpci_nest_at(const shmrpci_table *table,
                              const shmrpci_nest_ref *ref, uint64_t position,
                              shmrpci_nest_item *out);
/* Finds the item of a map by its key. Returns NOT_FOUND, with the position
 * where it would be in `*out_position`, or DATA_LOSS. */
shmrpc_status shmrpci_nest_find(const shmrpci_table *table,
                                const shmrpci_nest_ref *ref,
                                shmrpci_table_bytes key, uint64_t *out_position,
                                shmrpci_nest_item *out);

/* Appends a value as msgpack. Returns DATA_LOSS, NO_MEMORY, or the buffer's
 * status. */
shmrpc_status shmrpci_nest_append(const shmrpci_table *table,
                                  const shmrpci_nest_value *value,
                                  shmrpci_buf *out);

/* ---- changing ------------------------------------------------------------ */

/* A block that an edit has made, or that it makes superfluous. */
typedef struct shmrpci_nest_part {
    uint64_t old;
    uint64_t now;
    bool is_whole;
} shmrpci_nest_part;

typedef struct shmrpci_nest_edit {
    shmrpci_table *table;
    shmrpci_table_bytes key;
    uint64_t hash;
    uint64_t turn;
    uint64_t root;
    uint64_t state;
    uint64_t slot;
    uint64_t word;
    uint64_t order;
    shmrpci_nest_value value; /* the value of the key */
    shmrpci_nest_part *parts;
    size_t count;
    size_t room;
} shmrpci_nest_edit;

/*
 * Begins a change below a key, also after a commit that returned MORE. Until
 * the edit is ended, nothing else may change the table through this handle.
 * Returns NOT_FOUND, DATA_LOSS, or ABORTED if the caller must start over. The
 * edit must be ended whatever this returns.
 */
shmrpc_status shmrpci_nest_edit_begin(shmrpci_nest_edit *edit,
                                      shmrpci_table *table,
                                      shmrpci_table_bytes key,
                                      shmrpc_error *error);
/* Whether nothing has changed since the edit began, so that what was read was
 * valid. */
bool shmrpci_nest_edit_is_current(const shmrpci_nest_edit *edit);

/* Makes a node of bytes. This and the following functions return EXHAUSTED,
 * TOO_LARGE, DATA_LOSS or NO_MEMORY on failure. */
shmrpc_status shmrpci_nest_make_bytes(shmrpci_nest_edit *edit,
                                      shmrpci_table_bytes bytes,
                                      shmrpci_nest_ref *out,
                                      shmrpc_error *error);
/* Makes a map or list, of at least one item; sorts the items of a map. Returns
 * EXISTS if a key occurs twice. */
shmrpc_status shmrpci_nest_make(shmrpci_nest_edit *edit,
                                shmrpci_nest_shape shape,
                                shmrpci_nest_item *items, size_t count,
                                shmrpci_nest_ref *out, shmrpc_error *error);
/* Changes `ref`: removes the item at `position` if `removes`, then inserts
 * `item` there unless it is NULL. The result may be empty: count 0, block 0. */
shmrpc_status shmrpci_nest_splice(shmrpci_nest_edit *edit,
                                  shmrpci_nest_ref *ref, uint64_t position,
                                  bool removes, const shmrpci_nest_item *item,
                                  shmrpc_error *error);
/* Marks the blocks of an old value, and everything below them, as
 * superfluous. */
shmrpc_status shmrpci_nest_drop(shmrpci_nest_edit *edit,
                                const shmrpci_nest_value *value);

/* Makes `value` the value of the key. Returns MORE if another change was
 * committed first: start over. */
shmrpc_status shmrpci_nest_commit(shmrpci_nest_edit *edit,
                                  const shmrpci_nest_value *value,
                                  uint64_t *out_version, shmrpc_error *error);
void shmrpci_nest_edit_end(shmrpci_nest_edit *edit);

#endif

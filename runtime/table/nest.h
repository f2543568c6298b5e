/*
 * Nests: maps and lists below a key whose items can be reached and changed one
 * by one (layout.h). The value of a key is either bytes, or a nest, as which it
 * is told and replaced whole by all functions of table.h: those give it as the
 * bytes that it would be, in msgpack.
 *
 * Reading. What these functions give lies in the region, and is what it was
 * when it was found only if the caller has it from a view, or finds
 * afterwards that it has not changed: shmrpci_table_peek_is_same, or the turn
 * of an edit. All that they read is bounded, whatever it is.
 *
 * Changing. An edit begins as of a turn, makes new blocks in private, and is
 * one change of the key when it is committed; if another was quicker it is
 * begun again.
 *
 * Threading: as table.h.
 */
#ifndef SHMRPCI_TABLE_NEST_H
#define SHMRPCI_TABLE_NEST_H

#include "table/table.h"

/* Longer values of items are nests, or lie in blocks of their own. */
#define SHMRPCI_NEST_INLINE_BYTES ((size_t)512)

/* What a key or an item has. */
typedef struct shmrpci_nest_value {
    bool is_ref;
    shmrpci_nest_ref ref;
    shmrpci_table_bytes bytes; /* unless it is a reference */
} shmrpci_nest_value;

typedef struct shmrpci_nest_item {
    shmrpci_table_bytes key; /* of a map */
    uint64_t order;          /* the same: number of its insertion */
    shmrpci_nest_value value;
} shmrpci_nest_item;

static inline shmrpci_nest_value shmrpci_nest_bytes(const void *data,
                                                    size_t len)
{
    return (shmrpci_nest_value){.bytes = {data, len}};
}

/* ---- reading ------------------------------------------------------------- */

/* The value of a key, for a moment. */
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

/* NOT_FOUND; DATA_LOSS. */
shmrpc_status shmrpci_table_look(shmrpci_table *table, shmrpci_table_bytes key,
                                 shmrpci_table_peek *out, shmrpc_error *error);
/* Whether all that was read since, also of a nest, was what the key had. */
bool shmrpci_table_peek_is_same(const shmrpci_table_peek *peek);

/* The same as of a view, where it stays. */
shmrpc_status shmrpci_table_view_look(const shmrpci_table_view *view,
                                      shmrpci_table_bytes key,
                                      shmrpci_nest_value *out,
                                      uint64_t *out_version);

/* The item at a position of a list; of a map in an order that means nothing.
 * NOT_FOUND: it has fewer; DATA_LOSS. */
shmrpc_status shmrpci_nest_at(const shmrpci_table *table,
                              const shmrpci_nest_ref *ref, uint64_t position,
                              shmrpci_nest_item *out);
/* The item of a map with that key. NOT_FOUND: `*out_position` is where it would
 * be; DATA_LOSS. */
shmrpc_status shmrpci_nest_find(const shmrpci_table *table,
                                const shmrpci_nest_ref *ref,
                                shmrpci_table_bytes key, uint64_t *out_position,
                                shmrpci_nest_item *out);

/* Appends a value as msgpack. DATA_LOSS; NO_MEMORY, or what the buffer says. */
shmrpc_status shmrpci_nest_append(const shmrpci_table *table,
                                  const shmrpci_nest_value *value,
                                  shmrpci_buf *out);

/* ---- changing ------------------------------------------------------------ */

/* A block that an edit has made, or that will not be used any more. */
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
    shmrpci_nest_value value; /* of the key */
    shmrpci_nest_part *parts;
    size_t count;
    size_t room;
} shmrpci_nest_edit;

/*
 * Begins a change below a key, also after a commit that said MORE. Nothing else
 * may change the table by this handle until it is ended. NOT_FOUND; DATA_LOSS;
 * ABORTED: begin again. To be ended in any case.
 */
shmrpc_status shmrpci_nest_edit_begin(shmrpci_nest_edit *edit,
                                      shmrpci_table *table,
                                      shmrpci_table_bytes key,
                                      shmrpc_error *error);
/* Whether nothing has changed since it began, so that what was read was there.
 */
bool shmrpci_nest_edit_is_current(const shmrpci_nest_edit *edit);

/* A node with bytes. EXHAUSTED, TOO_LARGE, DATA_LOSS, NO_MEMORY: of all
 * these. */
shmrpc_status shmrpci_nest_make_bytes(shmrpci_nest_edit *edit,
                                      shmrpci_table_bytes bytes,
                                      shmrpci_nest_ref *out,
                                      shmrpc_error *error);
/* A map or list, of at least one item; the items of a map are sorted. EXISTS: a
 * key comes twice. */
shmrpc_status shmrpci_nest_make(shmrpci_nest_edit *edit,
                                shmrpci_nest_shape shape,
                                shmrpci_nest_item *items, size_t count,
                                shmrpci_nest_ref *out, shmrpc_error *error);
/* `ref` without the item at `position` if `removes`, and with `item` there
 * unless it is NULL. It may become empty: count 0, block 0. */
shmrpc_status shmrpci_nest_splice(shmrpci_nest_edit *edit,
                                  shmrpci_nest_ref *ref, uint64_t position,
                                  bool removes, const shmrpci_nest_item *item,
                                  shmrpc_error *error);
/* The value that was there will not be used any more, with all below it. */
shmrpc_status shmrpci_nest_drop(shmrpci_nest_edit *edit,
                                const shmrpci_nest_value *value);

/* Makes `value` that of the key. MORE: another was quicker, begin again. */
shmrpc_status shmrpci_nest_commit(shmrpci_nest_edit *edit,
                                  const shmrpci_nest_value *value,
                                  uint64_t *out_version, shmrpc_error *error);
void shmrpci_nest_edit_end(shmrpci_nest_edit *edit);

#endif

/*
 * Values that become nests: a map or list in msgpack is taken apart into blocks
 * of the table, item by item, so that later changes touch one of them.
 *
 * The bytes were encoded by this library and copied, so they should be valid
 * msgpack; still every step is checked, as the region is shared. A value that
 * can't be a nest stays in one piece; PRECONDITION reports that, and is not an
 * error. It happens for maps whose keys don't have the form of a dict's keys,
 * and so could not be found by their bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "codec/msgpack_token.h"
#include "objects/dict_nest.h"

/* Skips one value with everything in it. The value has been read when the input
 * expects one value less than before. */
static bool skip(shmrpci_msgpack_input *in)
{
    shmrpci_msgpack_token token;
    size_t until = in->owed - 1;
    do {
        if (!shmrpci_msgpack_next(in, &token)) {
            return false;
        }
    } while (in->owed > until);
    return true;
}

/* The bytes from `from` to the current position of the input. */
static shmrpci_table_bytes slice(const shmrpci_msgpack_input *in, size_t from)
{
    return (shmrpci_table_bytes){in->data + from, in->at - from};
}

/* Whether the bytes are the normal form of a key. 1.0 and 1 are one key, and
 * must have one form. */
static bool is_normal_key(shmrpci_table_bytes bytes)
{
    shmrpci_buf buf;
    shmrpci_arena arena;
    shmrpc_any key;
    uint8_t first = *(const uint8_t *)bytes.data;
    if (bytes.len > SHMRPCI_KEY_MAX_BYTES) {
        return false;
    }
    if ((first >= 0xA0 && first < 0xC0) || first == 0xD9) {
        return true; /* a short text, as most keys are */
    }
    shmrpci_buf_init_heap(&buf);
    shmrpci_arena_init(&arena, 0);
    bool is_normal =
        shmrpci_key_decode(&shmrpc_type_any, bytes.data, bytes.len, &arena,
                           &key, NULL) == SHMRPC_OK &&
        shmrpci_key_encode(&shmrpc_type_any, &key, &buf, NULL) == SHMRPC_OK &&
        buf.len == bytes.len && memcmp(buf.data, bytes.data, buf.len) == 0;
    shmrpci_arena_fini(&arena);
    shmrpci_buf_fini(&buf);
    return is_normal;
}

/* Recursion is bounded by the depth of values, which we have encoded. */
static shmrpc_status take_apart(shmrpci_nest_edit *edit,
                                shmrpci_table_bytes bytes, unsigned depth,
                                shmrpci_nest_value *out, shmrpc_error *error);

/* Stores an item. Short values stay within their item, since a block of their
 * own would cost more than rewriting them. */
static shmrpc_status place(shmrpci_nest_edit *edit, shmrpci_table_bytes bytes,
                           unsigned depth, shmrpci_nest_value *out,
                           shmrpc_error *error)
{
    if (bytes.len <= SHMRPCI_NEST_INLINE_BYTES) {
        *out = shmrpci_nest_bytes(bytes.data, bytes.len);
        return SHMRPC_OK;
    }
    shmrpc_status status = take_apart(edit, bytes, depth, out, error);
    if (status == SHMRPC_E_PRECONDITION) {
        *out = (shmrpci_nest_value){.is_ref = true};
        status = shmrpci_nest_make_bytes(edit, bytes, &out->ref, error);
    }
    return status;
}

/* Stores the items of one map or list; long items are taken apart in turn. */
static shmrpc_status take_items(shmrpci_nest_edit *edit,
                                shmrpci_msgpack_input *in, bool is_map,
                                unsigned depth, shmrpci_nest_item *items,
                                size_t count, shmrpc_error *error)
{
    for (size_t i = 0; i < count; i++) {
        size_t from = in->at;
        if (is_map && !skip(in)) {
            return SHMRPC_E_PRECONDITION;
        }
        items[i].key = slice(in, from);
        if (is_map && !is_normal_key(items[i].key)) {
            return SHMRPC_E_PRECONDITION;
        }
        from = in->at;
        if (!skip(in)) {
            return SHMRPC_E_PRECONDITION;
        }
        shmrpc_status status =
            place(edit, slice(in, from), depth + 1, &items[i].value, error);
        if (status != SHMRPC_OK) {
            return status;
        }
    }
    return SHMRPC_OK;
}

static shmrpc_status take_apart(shmrpci_nest_edit *edit,
                                shmrpci_table_bytes bytes, unsigned depth,
                                shmrpci_nest_value *out, shmrpc_error *error)
{
    shmrpci_msgpack_input in;
    shmrpci_msgpack_token head;
    size_t mark = edit->count;
    shmrpci_msgpack_init(&in, bytes.data, bytes.len);
    if (depth >= SHMRPCI_CODEC_MAX_DEPTH || !shmrpci_msgpack_next(&in, &head) ||
        (head.kind != SHMRPCI_MSGPACK_ARRAY &&
         head.kind != SHMRPCI_MSGPACK_MAP)) {
        return SHMRPC_E_PRECONDITION;
    }
    bool is_map = head.kind == SHMRPCI_MSGPACK_MAP;
    /* An empty map or list has no items to store. */
    if (head.len == 0) {
        *out = (shmrpci_nest_value){
            .is_ref = true,
            .ref = {.shape = is_map ? SHMRPCI_NEST_MAP : SHMRPCI_NEST_LIST}};
        return SHMRPC_OK;
    }
    shmrpci_nest_item *items = calloc(head.len, sizeof *items);
    if (items == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    shmrpc_status status =
        take_items(edit, &in, is_map, depth, items, head.len, error);
    if (status == SHMRPC_OK) {
        *out = (shmrpci_nest_value){.is_ref = true};
        status = shmrpci_nest_make(
            edit, is_map ? SHMRPCI_NEST_MAP : SHMRPCI_NEST_LIST, items,
            head.len, &out->ref, error);
    }
    free(items);
    /* EXISTS: two keys are equal. PRECONDITION: a part can't be in a nest. In
     * both cases the value stays in one piece. */
    if (status == SHMRPC_E_EXISTS || status == SHMRPC_E_PRECONDITION) {
        /* Drops the blocks that the edit has made for the value so far. */
        edit->count = mark;
        return SHMRPC_E_PRECONDITION;
    }
    return status;
}

shmrpc_status shmrpci_dict_nest_place(shmrpci_nest_edit *edit,
                                      shmrpci_table_bytes bytes,
                                      shmrpci_nest_value *out,
                                      shmrpc_error *error)
{
    return place(edit, bytes, 0, out, error);
}

shmrpc_status shmrpci_dict_nest_explode(shmrpci_nest_edit *edit,
                                        shmrpci_table_bytes bytes,
                                        shmrpci_nest_value *out,
                                        shmrpc_error *error)
{
    return take_apart(edit, bytes, 0, out, error);
}

/* Finds an item of a list that is not a nest, by skipping the items before
 * it. */
shmrpc_status shmrpci_dict_nest_slice(shmrpci_table_bytes list,
                                      const shmrpc_any *position,
                                      shmrpci_table_bytes *out,
                                      uint64_t *out_len, shmrpc_error *error)
{
    shmrpci_msgpack_input in;
    shmrpci_msgpack_token head;
    uint64_t place = 0;
    shmrpci_msgpack_init(&in, list.data, list.len);
    if (!shmrpci_msgpack_next(&in, &head) ||
        head.kind != SHMRPCI_MSGPACK_ARRAY) {
        return shmrpc_error_set(error, SHMRPC_E_DATA_LOSS,
                                "the list is damaged");
    }
    *out_len = head.len;
    shmrpc_status status =
        position != NULL
            ? shmrpci_tree_position(head.len, position, 0, &place, error)
            : SHMRPC_E_NOT_FOUND;
    if (status != SHMRPC_OK) {
        return status;
    }
    if (place >= head.len) {
        return shmrpci_tree_fail(0, SHMRPC_E_NOT_FOUND, "nothing is there",
                                 error);
    }
    size_t from = in.at;
    for (uint64_t i = 0; i <= place; i++) {
        from = in.at;
        if (!skip(&in)) {
            return shmrpc_error_set(error, SHMRPC_E_DATA_LOSS,
                                    "the list is damaged");
        }
    }
    *out = slice(&in, from);
    return SHMRPC_OK;
}

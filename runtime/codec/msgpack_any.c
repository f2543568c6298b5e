/* The msgpack reader's common steps, and values of any type. */
#include "base/utf8.h"
#include "codec/keys.h"
#include "codec/msgpack_reader.h"

typedef shmrpci_msgpack_token token;
typedef shmrpci_msgpack_reader reader;

int shmrpci_msgpack_no_memory(const reader *in)
{
    return shmrpci_walk_status(&in->walk, SHMRPC_E_NO_MEMORY);
}

int shmrpci_msgpack_malformed(const reader *in, const token *word)
{
    return shmrpci_walk_fail(&in->walk, "%s (at byte %zu)", in->input.message,
                             word->at);
}

int shmrpci_msgpack_check_utf8(const reader *in, const token *word)
{
    size_t valid = shmrpci_utf8_valid_prefix(word->ptr, word->len);
    if (valid == word->len) {
        return SHMRPC_OK;
    }
    return shmrpci_walk_fail(&in->walk, "not UTF-8 (at byte %zu)",
                             (size_t)(word->ptr - in->input.data) + valid);
}

/* A copy of the word's bytes, with a NUL behind it. */
int shmrpci_msgpack_copy(reader *in, const token *word, void *span)
{
    const char *bytes =
        shmrpci_arena_strndup(in->arena, (const char *)word->ptr, word->len);
    if (bytes == NULL) {
        return shmrpci_msgpack_no_memory(in);
    }
    shmrpci_store_span(span, bytes, word->len);
    return SHMRPC_OK;
}

void *shmrpci_msgpack_alloc(reader *in, size_t count, size_t size, size_t align)
{
    if (size != 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    return shmrpci_arena_alloc(in->arena, count * size, align);
}

int shmrpci_msgpack_check_keys(const reader *in, const shmrpc_type *type,
                               const void *entries, size_t count, size_t stride)
{
    const void *duplicate;
    int status = shmrpci_keys_find_duplicate(type, entries, count, stride,
                                             in->arena, &duplicate);
    if (status != SHMRPC_OK) {
        return shmrpci_walk_status(&in->walk, status);
    }
    return duplicate == NULL
               ? SHMRPC_OK
               : shmrpci_walk_duplicate(&in->walk, type, duplicate);
}

static int read_any_list(reader *in, size_t count, shmrpc_any *out)
{
    shmrpc_any *items =
        shmrpci_msgpack_alloc(in, count, sizeof *items, _Alignof(shmrpc_any));
    if (items == NULL) {
        return shmrpci_msgpack_no_memory(in);
    }
    shmrpci_step step;
    int status = shmrpci_walk_enter(&in->walk, &step);
    if (status != SHMRPC_OK) {
        return status;
    }
    for (size_t i = 0; status == SHMRPC_OK && i < count; i++) {
        shmrpci_step_index(&step, i);
        status = shmrpci_msgpack_read_any(in, &items[i]);
    }
    shmrpci_walk_leave(&in->walk, &step);
    *out = shmrpc_any_list_of(items, count);
    return status;
}

static int read_any_map(reader *in, size_t count, shmrpc_any *out)
{
    shmrpc_any_entry *entries = shmrpci_msgpack_alloc(
        in, count, sizeof *entries, _Alignof(shmrpc_any_entry));
    if (entries == NULL) {
        return shmrpci_msgpack_no_memory(in);
    }
    shmrpci_step step;
    int status = shmrpci_walk_enter(&in->walk, &step);
    if (status != SHMRPC_OK) {
        return status;
    }
    for (size_t i = 0; status == SHMRPC_OK && i < count; i++) {
        step.kind = SHMRPCI_STEP_NONE;
        status = shmrpci_msgpack_read_any(in, &entries[i].key);
        if (status == SHMRPC_OK) {
            shmrpci_step_key(&step, &shmrpc_type_any, &entries[i].key);
            status = shmrpci_msgpack_read_any(in, &entries[i].value);
        }
    }
    shmrpci_walk_leave(&in->walk, &step);
    *out = shmrpc_any_map_of(entries, count);
    return status == SHMRPC_OK
               ? shmrpci_msgpack_check_keys(in, &shmrpc_type_any, entries,
                                            count, sizeof *entries)
               : status;
}

static shmrpc_any any_int(shmrpci_int number)
{
    uint64_t bits = number.negative ? 0 - number.magnitude : number.magnitude;
    if (!number.negative && number.magnitude > INT64_MAX) {
        return shmrpc_any_u64(bits);
    }
    shmrpc_any value = shmrpc_any_i64(0);
    memcpy(&value.u.i64, &bits, sizeof bits);
    return value;
}

static int read_any_bytes(reader *in, const token *word, shmrpc_any *out)
{
    *out = shmrpc_any_null();
    if (word->kind == SHMRPCI_MSGPACK_STR) {
        int status = shmrpci_msgpack_check_utf8(in, word);
        out->kind = SHMRPC_ANY_STR;
        return status == SHMRPC_OK ? shmrpci_msgpack_copy(in, word, &out->u.str)
                                   : status;
    }
    out->kind =
        word->kind == SHMRPCI_MSGPACK_BIN ? SHMRPC_ANY_BYTES : SHMRPC_ANY_EXT;
    out->ext_type = word->kind == SHMRPCI_MSGPACK_EXT ? word->ext_type : 0;
    return shmrpci_msgpack_copy(in, word, &out->u.bytes);
}

int shmrpci_msgpack_read_any(reader *in, shmrpc_any *out)
{
    token word;
    int status = shmrpci_msgpack_word(in, &word);
    if (status != SHMRPC_OK) {
        return status;
    }
    switch (word.kind) {
    case SHMRPCI_MSGPACK_NIL:
        *out = shmrpc_any_null();
        break;
    case SHMRPCI_MSGPACK_BOOL:
        *out = shmrpc_any_bool(word.truth);
        break;
    case SHMRPCI_MSGPACK_INT:
        *out = any_int(word.number);
        break;
    case SHMRPCI_MSGPACK_FLOAT:
        *out = word.is_single ? shmrpc_any_f32(word.single)
                              : shmrpc_any_f64(word.real);
        break;
    case SHMRPCI_MSGPACK_STR:
    case SHMRPCI_MSGPACK_BIN:
    case SHMRPCI_MSGPACK_EXT:
        return read_any_bytes(in, &word, out);
    case SHMRPCI_MSGPACK_ARRAY:
        return read_any_list(in, word.len, out);
    case SHMRPCI_MSGPACK_MAP:
        return read_any_map(in, word.len, out);
    }
    return SHMRPC_OK;
}

/*
 * The msgpack reader's common steps, and the reading of `any` values that are a
 * single token.
 *
 * An `any` keeps everything that msgpack can express: f32 apart from f64, text
 * apart from bytes, extensions with their number. Integers become i64 if they
 * fit and u64 otherwise, whatever width the sender chose, so that equal numbers
 * are equal values.
 */
#include "base/utf8.h"
#include "codec/msgpack_reader.h"
#include "shmrpc/any.h"

typedef shmrpci_msgpack_token token;
typedef shmrpci_msgpack_reader reader;

/* Combines the lexer's reason with the walk's path; neither knows the other. */
int shmrpci_msgpack_malformed(const reader *in, const token *word)
{
    return shmrpci_walk_fail(&in->walk, "%s (at byte %zu)", in->input.message,
                             word->at);
}

/* Checks that the token is UTF-8. An error reports the first bad byte's offset
 * in the message, not in the text. */
int shmrpci_msgpack_check_utf8(const reader *in, const token *word)
{
    size_t valid = shmrpci_utf8_valid_prefix(word->ptr, word->len);
    if (valid == word->len) {
        return SHMRPC_OK;
    }
    return shmrpci_walk_fail(&in->walk, "not UTF-8 (at byte %zu)",
                             (size_t)(word->ptr - in->input.data) + valid);
}

/* Copies the token's bytes, with a NUL after them. */
int shmrpci_msgpack_copy(reader *in, const token *word, void *span)
{
    const char *bytes =
        shmrpci_arena_strndup(in->arena, (const char *)word->ptr, word->len);
    if (bytes == NULL) {
        return shmrpci_walk_status(&in->walk, SHMRPC_E_NO_MEMORY);
    }
    shmrpci_store_span(span, bytes, word->len);
    return SHMRPC_OK;
}

/* Makes an i64 or u64 from magnitude and sign. */
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

/* Copies the bytes of an array to an address that is a multiple of 64. The
 * length of the array's head is also a multiple of 64, so the elements after it
 * are aligned and can be used in place. */
static int copy_array(const reader *in, const token *word, shmrpc_bytes *out)
{
    uint8_t *bytes = shmrpci_arena_alloc(in->arena, word->len, 64);
    if (bytes == NULL) {
        return shmrpci_walk_status(&in->walk, SHMRPC_E_NO_MEMORY);
    }
    memcpy(bytes, word->ptr, word->len);
    *out = shmrpc_bytes_of(bytes, word->len);
    return SHMRPC_OK;
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
    /* Below 64 bytes there is no complete head, so the value is no valid array
     * and is copied like any other extension. */
    return shmrpc_any_is_ext(out, SHMRPC_EXT_ARRAY) && word->len >= 64
               ? copy_array(in, word, &out->u.bytes)
               : shmrpci_msgpack_copy(in, word, &out->u.bytes);
}

int shmrpci_msgpack_read_any_word(reader *in, shmrpc_any *out)
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
    case SHMRPCI_MSGPACK_MAP:
        break; /* excluded by the caller */
    }
    return SHMRPC_OK;
}

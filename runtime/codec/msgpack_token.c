/*
 * The tokens of msgpack: heads by the table of the specification
 * (github.com/msgpack/msgpack, spec.md).
 *
 * Every length and count is checked here, before any other code sees it: a
 * payload must be within the input, and the input must have room for a
 * container's items. `owed` is the number of values that must still come if the
 * message is complete. It begins at 1, decreases with each token and increases
 * by the items of each container. Each value takes at least one byte, so a head
 * is refused if more values would be owed than there are bytes left, before
 * anything is allocated for it.
 */
#include "codec/msgpack_token.h"

#include <string.h>

typedef shmrpci_msgpack_input input;
typedef shmrpci_msgpack_token token;

/* Always returns false; `message` is constant text. */
static bool fail(input *in, const char *message)
{
    in->message = message;
    return false;
}

/* Reads a big-endian number of 1, 2, 4 or 8 bytes. We are little-endian, so
 * each takes one byte swap. */
static bool take_number(input *in, size_t size, uint64_t *out)
{
    if (size > in->len - in->at) {
        return fail(in, "cut off");
    }
    const uint8_t *from = in->data + in->at;
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    switch (size) {
    case 1:
        *out = *from;
        break;
    case 2:
        memcpy(&two, from, sizeof two);
        *out = __builtin_bswap16(two);
        break;
    case 4:
        memcpy(&four, from, sizeof four);
        *out = __builtin_bswap32(four);
        break;
    default:
        memcpy(&eight, from, sizeof eight);
        *out = __builtin_bswap64(eight);
        break;
    }
    in->at += size;
    return true;
}

/* Gives the bytes of a string, binary or extension, as a view of the input. */
static bool take_payload(input *in, token *out, shmrpci_msgpack_kind kind,
                         uint64_t len)
{
    if (len > in->len - in->at) {
        return fail(in, "longer than the message");
    }
    out->kind = kind;
    out->ptr = in->data + in->at;
    out->len = (size_t)len;
    in->at += (size_t)len;
    return true;
}

/* `count` is below 2^32, so doubling it can't overflow. */
static bool open_container(input *in, token *out, shmrpci_msgpack_kind kind,
                           uint64_t count)
{
    uint64_t values = kind == SHMRPCI_MSGPACK_MAP ? count * 2 : count;
    size_t left = in->len - in->at;
    if (in->owed > left || values > left - in->owed) {
        return fail(in, "more items than the message has bytes");
    }
    in->owed += (size_t)values;
    out->kind = kind;
    out->len = (size_t)count;
    return true;
}

static void set_unsigned(token *out, uint64_t number)
{
    out->kind = SHMRPCI_MSGPACK_INT;
    out->number = (shmrpci_int){.negative = false, .magnitude = number};
}

/* `bits` is a two's complement number of `size` bytes; flipping the sign bit
 * and subtracting it extends the sign. */
static void set_signed(token *out, uint64_t bits, unsigned size)
{
    uint64_t sign = UINT64_C(1) << (size * 8 - 1);
    bool negative = (bits & sign) != 0;
    uint64_t extended = (bits ^ sign) - sign;
    out->kind = SHMRPCI_MSGPACK_INT;
    out->number = (shmrpci_int){.negative = negative,
                                .magnitude = negative ? 0 - extended : bits};
}

/* The heads 0xCC to 0xCF and 0xD0 to 0xD3 are u8 to u64 and i8 to i64: the low
 * two bits are the binary logarithm of the size. */
static bool take_integer(input *in, token *out, uint8_t head)
{
    unsigned size = 1u << (head & 3);
    uint64_t bits;
    if (!take_number(in, size, &bits)) {
        return false;
    }
    if (head < 0xD0) {
        set_unsigned(out, bits);
    } else {
        set_signed(out, bits, size);
    }
    return true;
}

/* Keeps the bits of an f32, too, so that a NaN passes unchanged. */
static bool take_float(input *in, token *out, size_t size)
{
    uint64_t bits;
    if (!take_number(in, size, &bits)) {
        return false;
    }
    out->kind = SHMRPCI_MSGPACK_FLOAT;
    out->is_single = size == 4;
    if (out->is_single) {
        uint32_t half = (uint32_t)bits;
        memcpy(&out->single, &half, sizeof out->single);
        out->real = (double)out->single;
    } else {
        memcpy(&out->real, &bits, sizeof out->real);
    }
    return true;
}

/* The type of an extension follows its length. */
static bool take_ext(input *in, token *out, uint64_t len)
{
    uint64_t ext_type;
    if (!take_number(in, 1, &ext_type)) {
        return false;
    }
    uint8_t byte = (uint8_t)ext_type;
    memcpy(&out->ext_type, &byte, sizeof byte);
    return take_payload(in, out, SHMRPCI_MSGPACK_EXT, len);
}

/* Reads tokens with a length of `size` bytes after the head. Arrays and maps
 * have counts instead. */
static bool take_sized(input *in, token *out, uint8_t head, size_t size)
{
    uint64_t len;
    if (!take_number(in, size, &len)) {
        return false;
    }
    switch (head) {
    case 0xC4:
    case 0xC5:
    case 0xC6:
        return take_payload(in, out, SHMRPCI_MSGPACK_BIN, len);
    case 0xC7:
    case 0xC8:
    case 0xC9:
        return take_ext(in, out, len);
    case 0xD9:
    case 0xDA:
    case 0xDB:
        return take_payload(in, out, SHMRPCI_MSGPACK_STR, len);
    case 0xDC:
    case 0xDD:
        return open_container(in, out, SHMRPCI_MSGPACK_ARRAY, len);
    default:
        return open_container(in, out, SHMRPCI_MSGPACK_MAP, len);
    }
}

/* Reads tokens whose head is 0xC0 to 0xDF; all other heads contain the value or
 * length themselves. */
static bool take_long(input *in, token *out, uint8_t head)
{
    switch (head) {
    case 0xC0:
        out->kind = SHMRPCI_MSGPACK_NIL;
        return true;
    case 0xC2:
    case 0xC3:
        out->kind = SHMRPCI_MSGPACK_BOOL;
        out->truth = head == 0xC3;
        return true;
    case 0xCA:
        return take_float(in, out, 4);
    case 0xCB:
        return take_float(in, out, 8);
    case 0xCC:
    case 0xCD:
    case 0xCE:
    case 0xCF:
    case 0xD0:
    case 0xD1:
    case 0xD2:
    case 0xD3:
        return take_integer(in, out, head);
    case 0xC4:
    case 0xC7:
    case 0xD9:
        return take_sized(in, out, head, 1);
    case 0xC5:
    case 0xC8:
    case 0xDA:
    case 0xDC:
    case 0xDE:
        return take_sized(in, out, head, 2);
    case 0xC6:
    case 0xC9:
    case 0xDB:
    case 0xDD:
    case 0xDF:
        return take_sized(in, out, head, 4);
    case 0xD4:
    case 0xD5:
    case 0xD6:
    case 0xD7:
    case 0xD8:
        return take_ext(in, out, UINT64_C(1) << (head - 0xD4));
    default:
        return fail(in, "byte 0xc1 is never used");
    }
}

bool shmrpci_msgpack_next(input *in, token *out)
{
    out->at = in->at;
    if (in->at >= in->len) {
        return fail(in, "cut off");
    }
    uint8_t head = in->data[in->at++];
    in->owed--;
    /* In the order of the specification's table: positive fixint, fixmap,
     * fixarray, fixstr, negative fixint. */
    if (head < 0x80) {
        set_unsigned(out, head);
        return true;
    }
    if (head < 0x90) {
        return open_container(in, out, SHMRPCI_MSGPACK_MAP, head & 0x0F);
    }
    if (head < 0xA0) {
        return open_container(in, out, SHMRPCI_MSGPACK_ARRAY, head & 0x0F);
    }
    if (head < 0xC0) {
        return take_payload(in, out, SHMRPCI_MSGPACK_STR, head & 0x1F);
    }
    if (head >= 0xE0) {
        set_signed(out, head, 1);
        return true;
    }
    return take_long(in, out, head);
}

const char *shmrpci_msgpack_kind_text(shmrpci_msgpack_kind kind)
{
    switch (kind) {
    case SHMRPCI_MSGPACK_NIL:
        return "nil";
    case SHMRPCI_MSGPACK_BOOL:
        return "bool";
    case SHMRPCI_MSGPACK_INT:
        return "integer";
    case SHMRPCI_MSGPACK_FLOAT:
        return "float";
    case SHMRPCI_MSGPACK_STR:
        return "string";
    case SHMRPCI_MSGPACK_BIN:
        return "bytes";
    case SHMRPCI_MSGPACK_ARRAY:
        return "array";
    case SHMRPCI_MSGPACK_MAP:
        return "map";
    case SHMRPCI_MSGPACK_EXT:
        return "extension";
    }
    return "nothing";
}

/*
 * Arrays of numbers: extension 12 of `any`.
 *
 *   offset    what, little-endian
 *        0    u8 version 1, u8 dtype, u8 dims, u8 0, u32 0
 *        8    u64 shape[dims], u64 strides[dims]
 *     then    zeros up to the next multiple of 64
 *     then    data
 *
 * The head is padded to a multiple of 64 bytes, so that the elements are
 * aligned for any vector instruction if the whole value is; msgpack_any.c and
 * the makers here allocate it with that alignment. Numbers are little-endian,
 * unlike in the other extensions, because the data is used in place and never
 * converted.
 *
 * Shape and strides may come from a peer. Every sum and product of them is
 * limited to INT64_MAX, so that languages with signed sizes can use them too.
 * Readers return an array only if its last element ends within the data.
 */
#include <string.h>

#include "codec/any_ext.h"

/* Version of the head. UNIT is the alignment of the data, and so of the whole
 * head. HEAD_BYTES is the part before the shape. */
#define VERSION    1u
#define UNIT       64u
#define HEAD_BYTES 8u

size_t shmrpc_dtype_bytes(shmrpc_dtype dtype)
{
    switch (dtype) {
    case SHMRPC_DTYPE_BOOL:
    case SHMRPC_DTYPE_I8:
    case SHMRPC_DTYPE_U8:
        return 1;
    case SHMRPC_DTYPE_I16:
    case SHMRPC_DTYPE_U16:
    case SHMRPC_DTYPE_F16:
        return 2;
    case SHMRPC_DTYPE_I32:
    case SHMRPC_DTYPE_U32:
    case SHMRPC_DTYPE_F32:
        return 4;
    case SHMRPC_DTYPE_I64:
    case SHMRPC_DTYPE_U64:
    case SHMRPC_DTYPE_F64:
    case SHMRPC_DTYPE_C64:
        return 8;
    case SHMRPC_DTYPE_C128:
        return 16;
    }
    return 0;
}

/* Returns the offset of the data, which is the size of the head, a multiple of
 * UNIT. The head of 0 dimensions (a single number) has UNIT bytes. */
static size_t data_at(uint32_t dims)
{
    return (HEAD_BYTES + dims * 2 * sizeof(uint64_t) + UNIT - 1) / UNIT * UNIT;
}

/* Adds `a * b` to `*sum`. Returns false and leaves the sum unchanged if the
 * result would exceed INT64_MAX. The sum must not be above INT64_MAX
 * already. */
static bool add_product(uint64_t *sum, uint64_t a, uint64_t b)
{
    if (a != 0 && b > (INT64_MAX - *sum) / a) {
        return false;
    }
    *sum += a * b;
    return true;
}

/*
 * Computes the bytes from the first element's start to the last one's end,
 * which the data must hold. Returns false if no array can have this shape.
 *
 * An array without elements needs no data, whatever its other dimensions: a
 * shape of {0, 2^60} is valid. Strides may be 0 (one row that stands for many),
 * so the shape alone doesn't bound the extent.
 */
static bool extent_of(const shmrpc_array *array, uint64_t *out)
{
    size_t element = shmrpc_dtype_bytes(array->dtype);
    uint64_t last = 0;
    bool is_empty = false;
    if (element == 0 || array->dims > SHMRPC_ARRAY_MAX_DIMS) {
        return false;
    }
    for (uint32_t i = 0; i < array->dims; i++) {
        is_empty = is_empty || array->shape[i] == 0;
    }
    for (uint32_t i = 0; i < array->dims; i++) {
        /* A misaligned element could not be read in place. */
        if (array->strides[i] % element != 0 ||
            (!is_empty &&
             !add_product(&last, array->shape[i] - 1, array->strides[i]))) {
            return false;
        }
    }
    *out = is_empty ? 0 : last + element;
    return true;
}

shmrpc_status shmrpc_array_pack(shmrpc_array *array)
{
    uint64_t bytes = shmrpc_dtype_bytes(array->dtype);
    if (bytes == 0 || array->dims > SHMRPC_ARRAY_MAX_DIMS) {
        return SHMRPC_E_INVALID;
    }
    /* C order: the last dimension is contiguous. */
    for (uint32_t i = array->dims; i > 0; i--) {
        uint64_t all = 0;
        array->strides[i - 1] = bytes;
        if (!add_product(&all, bytes, array->shape[i - 1])) {
            return SHMRPC_E_TOO_LARGE;
        }
        /* An empty array gets the strides that it would have without its zero
         * dimensions. */
        bytes = all > 0 ? all : bytes;
    }
    uint64_t extent;
    if (!extent_of(array, &extent)) {
        return SHMRPC_E_TOO_LARGE;
    }
    array->data_len = (size_t)extent;
    return SHMRPC_OK;
}

/* Writes byte by byte, because `at` need not be aligned. */
static void put_le(uint8_t *at, uint64_t number)
{
    for (size_t i = 0; i < 8; i++) {
        at[i] = (uint8_t)(number >> 8 * i);
    }
}

static uint64_t get_le(const uint8_t *at)
{
    uint64_t number = 0;
    for (size_t i = 8; i > 0; i--) {
        number = number << 8 | at[i - 1];
    }
    return number;
}

shmrpc_status shmrpc_any_make_array(shmrpc_any_memory *memory,
                                    const shmrpc_array *array, shmrpc_any *out)
{
    uint64_t extent;
    if (!extent_of(array, &extent) || extent > array->data_len) {
        return SHMRPC_E_INVALID;
    }
    size_t from = data_at(array->dims);
    if (extent > UINT32_MAX - from) {
        return SHMRPC_E_TOO_LARGE; /* the limit of msgpack extensions */
    }
    size_t len = from + (size_t)extent;
    uint8_t *bytes = shmrpci_arena_alloc(shmrpci_any_arena(memory), len, UNIT);
    if (bytes == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    /* Also clears the padding, so that equal arrays have equal bytes, on which
     * sets and comparisons of values rely. */
    memset(bytes, 0, from);
    bytes[0] = VERSION;
    bytes[1] = (uint8_t)array->dtype;
    bytes[2] = (uint8_t)array->dims;
    for (uint32_t i = 0; i < array->dims; i++) {
        put_le(bytes + HEAD_BYTES + 8 * (size_t)i, array->shape[i]);
        put_le(bytes + HEAD_BYTES + 8 * ((size_t)array->dims + i),
               array->strides[i]);
    }
    if (extent > 0) {
        memcpy(bytes + from, array->data, (size_t)extent);
    }
    *out = shmrpci_any_ext(SHMRPC_EXT_ARRAY, bytes, len);
    return SHMRPC_OK;
}

shmrpc_status shmrpc_any_read_array(const shmrpc_any *value, shmrpc_array *out)
{
    /* Reserved bytes must be zero: if a later version gives them a meaning,
     * this version refuses its values instead of misreading them. */
    static const uint8_t zeros[5] = {0};
    if (!shmrpc_any_is_ext(value, SHMRPC_EXT_ARRAY) ||
        value->u.bytes.len < UNIT) {
        return SHMRPC_E_INVALID;
    }
    const uint8_t *bytes = value->u.bytes.ptr;
    uint32_t dims = bytes[2];
    if (bytes[0] != VERSION || dims > SHMRPC_ARRAY_MAX_DIMS ||
        memcmp(bytes + 3, zeros, sizeof zeros) != 0 ||
        value->u.bytes.len < data_at(dims)) {
        return SHMRPC_E_INVALID;
    }
    shmrpc_array array = {.dtype = (shmrpc_dtype)bytes[1],
                          .dims = dims,
                          .data = bytes + data_at(dims),
                          .data_len = value->u.bytes.len - data_at(dims)};
    for (uint32_t i = 0; i < dims; i++) {
        array.shape[i] = get_le(bytes + HEAD_BYTES + 8 * (size_t)i);
        array.strides[i] = get_le(bytes + HEAD_BYTES + 8 * ((size_t)dims + i));
    }
    uint64_t extent;
    if (!extent_of(&array, &extent) || extent > array.data_len) {
        return SHMRPC_E_INVALID;
    }
    *out = array;
    return SHMRPC_OK;
}

/*
 * Keys of maps: their order, and the search for a key that occurs twice.
 *
 * The order is internal and never on the wire: it only has to be total and
 * cheap, so lengths are compared before bytes, and floats by their bits. NaNs
 * with equal bits are duplicates.
 *
 * The search uses one of three methods, chosen by the count and order of the
 * keys. Few keys are compared pair by pair. Keys that already ascend need one
 * pass. For any other keys an array of indices is sorted; the entries stay in
 * place, because they are large and the value keeps them in their order.
 */
#include "codec/keys.h"

#include <stdint.h>
#include <string.h>

#include "codec/value.h"

/* Up to this count comparing all pairs beats everything else: at most 28
 * comparisons and no memory. */
#define FEW 8

bool shmrpci_key_type_ok(const shmrpc_type *type)
{
    type = shmrpci_base_type(type);
    return type->kind == SHMRPC_KIND_BOOL || shmrpci_is_integer(type) ||
           type->kind == SHMRPC_KIND_STRING ||
           type->kind == SHMRPC_KIND_BYTES || type->kind == SHMRPC_KIND_ANY;
}

static int order(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* Compares lengths first: that is cheaper, and any order will do. */
static int compare_bytes(const void *a, size_t a_len, const void *b,
                         size_t b_len)
{
    int by_length = order(a_len, b_len);
    if (by_length != 0 || a_len == 0) {
        return by_length;
    }
    return memcmp(a, b, a_len);
}

static int compare_any(const shmrpc_any *a, const shmrpc_any *b);

/* Recursion is bounded: the decoder refuses trees deeper than
 * SHMRPCI_CODEC_MAX_DEPTH before keys are compared. */
static int compare_lists(shmrpc_any_list a, shmrpc_any_list b)
{
    int result = order(a.len, b.len);
    for (size_t i = 0; result == 0 && i < a.len; i++) {
        result = compare_any(&a.ptr[i], &b.ptr[i]);
    }
    return result;
}

static int compare_maps(shmrpc_any_map a, shmrpc_any_map b)
{
    int result = order(a.len, b.len);
    for (size_t i = 0; result == 0 && i < a.len; i++) {
        result = compare_any(&a.ptr[i].key, &b.ptr[i].key);
        if (result == 0) {
            result = compare_any(&a.ptr[i].value, &b.ptr[i].value);
        }
    }
    return result;
}

static int compare_any(const shmrpc_any *a, const shmrpc_any *b)
{
    if (a->kind != b->kind) {
        return order((uint64_t)a->kind, (uint64_t)b->kind);
    }
    switch (a->kind) {
    case SHMRPC_ANY_NULL:
        return 0;
    case SHMRPC_ANY_BOOL:
        return order(a->u.b, b->u.b);
    case SHMRPC_ANY_I64:
    case SHMRPC_ANY_U64:
    /* All three kinds are 64 bits in one place of the union; keys with
     * different bits are different. */
    case SHMRPC_ANY_F64:
        return order(a->u.u64, b->u.u64);
    case SHMRPC_ANY_F32:
        return memcmp(&a->u.f32, &b->u.f32, sizeof a->u.f32);
    case SHMRPC_ANY_EXT:
        if (a->ext_type != b->ext_type) {
            return order((uint8_t)a->ext_type, (uint8_t)b->ext_type);
        }
        /* fall through */
    case SHMRPC_ANY_BYTES:
        return compare_bytes(a->u.bytes.ptr, a->u.bytes.len, b->u.bytes.ptr,
                             b->u.bytes.len);
    case SHMRPC_ANY_STR:
        return compare_bytes(a->u.str.ptr, a->u.str.len, b->u.str.ptr,
                             b->u.str.len);
    case SHMRPC_ANY_LIST:
        return compare_lists(a->u.list, b->u.list);
    case SHMRPC_ANY_MAP:
        return compare_maps(a->u.map, b->u.map);
    }
    return 0;
}

int shmrpci_key_compare(const shmrpc_type *type, const void *a, const void *b)
{
    type = shmrpci_base_type(type);
    if (type->kind == SHMRPC_KIND_ANY) {
        return compare_any(a, b);
    }
    if (type->kind == SHMRPC_KIND_STRING || type->kind == SHMRPC_KIND_BYTES) {
        shmrpci_span left = shmrpci_load_span(a);
        shmrpci_span right = shmrpci_load_span(b);
        return compare_bytes(left.ptr, left.len, right.ptr, right.len);
    }
    return order(shmrpci_load_bits(type, a), shmrpci_load_bits(type, b));
}

/* What the sort needs to reach a key by its index. */
typedef struct table {
    const shmrpc_type *type;
    const uint8_t *entries;
    size_t stride;
} table;

static const void *key_at(const table *keys, size_t index)
{
    return keys->entries + index * keys->stride;
}

static int compare_at(const table *keys, size_t a, size_t b)
{
    return shmrpci_key_compare(keys->type, key_at(keys, a), key_at(keys, b));
}

/* Restores the heap below `root`, whose children are heaps already. */
static void sift_down(const table *keys, uint32_t *heap, size_t root,
                      size_t count)
{
    for (;;) {
        size_t child = 2 * root + 1;
        if (child >= count) {
            return;
        }
        if (child + 1 < count &&
            compare_at(keys, heap[child], heap[child + 1]) < 0) {
            child++;
        }
        if (compare_at(keys, heap[root], heap[child]) >= 0) {
            return;
        }
        uint32_t swap = heap[root];
        heap[root] = heap[child];
        heap[child] = swap;
        root = child;
    }
}

/* Heapsort: in place, not recursive, and n log n even for the worst input,
 * which a malicious sender may choose. */
static void sort(const table *keys, uint32_t *indices, size_t count)
{
    for (size_t root = count / 2; root-- > 0;) {
        sift_down(keys, indices, root, count);
    }
    for (size_t end = count; end-- > 1;) {
        uint32_t swap = indices[0];
        indices[0] = indices[end];
        indices[end] = swap;
        sift_down(keys, indices, 0, end);
    }
}

static const void *find_among_few(const table *keys, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (compare_at(keys, i, j) == 0) {
                return key_at(keys, i);
            }
        }
    }
    return NULL;
}

/* Whether every key is above the one before. That is common for maps that a
 * program wrote from a sorted container, and makes sorting unnecessary. */
static bool is_ascending(const table *keys, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (compare_at(keys, i - 1, i) >= 0) {
            return false;
        }
    }
    return true;
}

int shmrpci_keys_find_duplicate(const shmrpc_type *type, const void *entries,
                                size_t count, size_t stride,
                                shmrpci_arena *arena, const void **duplicate)
{
    table keys = {.type = type, .entries = entries, .stride = stride};
    *duplicate = NULL;
    if (count <= FEW) {
        *duplicate = find_among_few(&keys, count);
        return SHMRPC_OK;
    }
    if (is_ascending(&keys, count)) {
        return SHMRPC_OK;
    }
    /* Indices are u32, which halves the memory. A message can't hold more
     * entries. */
    if (count > UINT32_MAX) {
        return SHMRPC_E_NO_MEMORY;
    }
    uint32_t *indices =
        shmrpci_arena_alloc(arena, count * sizeof *indices, _Alignof(uint32_t));
    if (indices == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        indices[i] = (uint32_t)i;
    }
    sort(&keys, indices, count);
    /* After sorting, equal keys are neighbours. */
    for (size_t i = 1; i < count && *duplicate == NULL; i++) {
        if (compare_at(&keys, indices[i - 1], indices[i]) == 0) {
            *duplicate = key_at(&keys, indices[i]);
        }
    }
    return SHMRPC_OK;
}

/*
 * Our msgpack reader against msgpack-c's. Both read random values that we
 * write, and must agree. Both read damaged bytes, and must both refuse them or
 * give the same value. Only we refuse text that is not UTF-8, duplicate keys,
 * and counts that the message can't hold (for which msgpack-c allocates).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <msgpack.h>

#include "codec/codec.h"
#include "random.h"

#define VALUES 15000

static shmrpc_any make_value(shmrpci_arena *arena, uint64_t *seed, int depth);

static shmrpc_any make_number(uint64_t *seed)
{
    uint64_t bits = random_bits(seed) >> random_below(seed, 64);
    double number;
    float single;
    uint32_t half = (uint32_t)bits;
    switch (random_below(seed, 4)) {
    case 0:
        return shmrpc_any_i64(-(int64_t)(bits >> 1));
    case 1:
        return bits > INT64_MAX ? shmrpc_any_u64(bits)
                                : shmrpc_any_i64((int64_t)bits);
    case 2:
        memcpy(&single, &half, sizeof single);
        return shmrpc_any_f32(single);
    default:
        memcpy(&number, &bits, sizeof number);
        return shmrpc_any_f64(number);
    }
}

static shmrpc_any make_bytes(shmrpci_arena *arena, uint64_t *seed)
{
    static const unsigned lengths[] = {0,  1,  2,   4,   8,   16,    5,
                                       31, 32, 255, 256, 300, 65535, 65536};
    unsigned len = lengths[random_below(
        seed, 12 + (random_below(seed, 50) == 0 ? 2u : 0u))];
    uint8_t *bytes = shmrpci_arena_calloc(arena, 1, len + 1, 1);
    assert_non_null(bytes);
    for (unsigned i = 0; i < len; i++) {
        bytes[i] = (uint8_t)random_below(seed, 128);
    }
    shmrpc_any value = shmrpc_any_bytes(bytes, len);
    switch (random_below(seed, 3)) {
    case 0:
        value.kind = SHMRPC_ANY_STR;
        break;
    case 1:
        value.kind = SHMRPC_ANY_EXT;
        value.ext_type = (int8_t)(random_below(seed, 256) - 128);
        break;
    default:
        break;
    }
    return value;
}

static shmrpc_any make_list(shmrpci_arena *arena, uint64_t *seed, int depth)
{
    unsigned count = random_below(seed, 20);
    shmrpc_any *items = shmrpci_arena_calloc(arena, count, sizeof *items, 8);
    assert_non_null(items);
    for (unsigned i = 0; i < count; i++) {
        items[i] = make_value(arena, seed, depth - 1);
    }
    return shmrpc_any_list_of(items, count);
}

/* Makes a map whose keys differ: each key is a list that holds the index of its
 * entry. */
static shmrpc_any make_map(shmrpci_arena *arena, uint64_t *seed, int depth)
{
    unsigned count = random_below(seed, 20);
    shmrpc_any_entry *entries =
        shmrpci_arena_calloc(arena, count, sizeof *entries, 8);
    assert_non_null(entries);
    for (unsigned i = 0; i < count; i++) {
        shmrpc_any *number = shmrpci_arena_calloc(arena, 1, sizeof *number, 8);
        assert_non_null(number);
        *number = shmrpc_any_i64(i);
        entries[i].key = shmrpc_any_list_of(number, 1);
        entries[i].value = make_value(arena, seed, depth - 1);
    }
    return shmrpc_any_map_of(entries, count);
}

static shmrpc_any make_value(shmrpci_arena *arena, uint64_t *seed, int depth)
{
    switch (random_below(seed, depth > 0 ? 6 : 4)) {
    case 0:
        return shmrpc_any_null();
    case 1:
        return shmrpc_any_bool(random_below(seed, 2) == 1);
    case 2:
        return make_number(seed);
    case 3:
        return make_bytes(arena, seed);
    case 4:
        return make_list(arena, seed, depth);
    default:
        return make_map(arena, seed, depth);
    }
}

static bool same(const shmrpc_any *ours, const msgpack_object *theirs);

static bool same_bytes(const shmrpc_any *ours, const void *ptr, size_t len)
{
    return ours->u.bytes.len == len &&
           (len == 0 || memcmp(ours->u.bytes.ptr, ptr, len) == 0);
}

static bool same_items(const shmrpc_any *ours, const msgpack_object *theirs)
{
    bool equal = theirs->via.array.size == ours->u.list.len;
    for (size_t i = 0; equal && i < ours->u.list.len; i++) {
        equal = same(&ours->u.list.ptr[i], &theirs->via.array.ptr[i]);
    }
    return equal;
}

static bool same_entries(const shmrpc_any *ours, const msgpack_object *theirs)
{
    bool equal = theirs->via.map.size == ours->u.map.len;
    for (size_t i = 0; equal && i < ours->u.map.len; i++) {
        equal = same(&ours->u.map.ptr[i].key, &theirs->via.map.ptr[i].key) &&
                same(&ours->u.map.ptr[i].value, &theirs->via.map.ptr[i].val);
    }
    return equal;
}

static bool same_number(const shmrpc_any *ours, const msgpack_object *theirs)
{
    if (ours->kind == SHMRPC_ANY_F64 || ours->kind == SHMRPC_ANY_F32) {
        bool is_single = ours->kind == SHMRPC_ANY_F32;
        double number = is_single ? (double)ours->u.f32 : ours->u.f64;
        return theirs->type == (is_single ? MSGPACK_OBJECT_FLOAT32
                                          : MSGPACK_OBJECT_FLOAT64) &&
               (memcmp(&number, &theirs->via.f64, 8) == 0 ||
                (number != number && theirs->via.f64 != theirs->via.f64));
    }
    return theirs->type == (ours->kind == SHMRPC_ANY_I64 && ours->u.i64 < 0
                                ? MSGPACK_OBJECT_NEGATIVE_INTEGER
                                : MSGPACK_OBJECT_POSITIVE_INTEGER) &&
           theirs->via.u64 == ours->u.u64;
}

static bool same(const shmrpc_any *ours, const msgpack_object *theirs)
{
    switch (ours->kind) {
    case SHMRPC_ANY_NULL:
        return theirs->type == MSGPACK_OBJECT_NIL;
    case SHMRPC_ANY_BOOL:
        return theirs->type == MSGPACK_OBJECT_BOOLEAN &&
               theirs->via.boolean == ours->u.b;
    case SHMRPC_ANY_I64:
    case SHMRPC_ANY_U64:
    case SHMRPC_ANY_F64:
    case SHMRPC_ANY_F32:
        return same_number(ours, theirs);
    case SHMRPC_ANY_STR:
        return theirs->type == MSGPACK_OBJECT_STR &&
               same_bytes(ours, theirs->via.str.ptr, theirs->via.str.size);
    case SHMRPC_ANY_BYTES:
        return theirs->type == MSGPACK_OBJECT_BIN &&
               same_bytes(ours, theirs->via.bin.ptr, theirs->via.bin.size);
    case SHMRPC_ANY_EXT:
        return theirs->type == MSGPACK_OBJECT_EXT &&
               theirs->via.ext.type == ours->ext_type &&
               same_bytes(ours, theirs->via.ext.ptr, theirs->via.ext.size);
    case SHMRPC_ANY_LIST:
        return theirs->type == MSGPACK_OBJECT_ARRAY && same_items(ours, theirs);
    case SHMRPC_ANY_MAP:
        return theirs->type == MSGPACK_OBJECT_MAP && same_entries(ours, theirs);
    }
    return false;
}

/* Whether we refused a message for a reason that msgpack-c doesn't know, so
 * that the readers can't be compared. In the case of "more items", msgpack-c
 * would also allocate as much as the message claims. */
static bool is_ours_alone(const char *message)
{
    return strncmp(message, "more items", 10) == 0 ||
           strncmp(message, "not UTF-8", 9) == 0 ||
           strncmp(message, "duplicate key", 13) == 0;
}

static bool check_bytes(const shmrpci_buf *bytes, int number)
{
    shmrpc_any ours;
    shmrpc_error error = {.message = "accepted"};
    shmrpci_arena arena;
    shmrpci_arena_init(&arena, 0);
    bool ok = shmrpci_codec_of(SHMRPC_ENCODING_MSGPACK)
                  ->decode(&shmrpc_type_any, bytes->data, bytes->len, "",
                           &arena, &ours, &error) == SHMRPC_OK;
    if (!is_ours_alone(error.message)) {
        msgpack_unpacked theirs;
        size_t used = 0;
        msgpack_unpacked_init(&theirs);
        bool accepted =
            msgpack_unpack_next(&theirs, (const char *)bytes->data, bytes->len,
                                &used) == MSGPACK_UNPACK_SUCCESS &&
            used == bytes->len;
        if (ok != accepted || (ok && !same(&ours, &theirs.data))) {
            fail_msg("value %d: ours: %s %s, msgpack-c: %s", number, error.path,
                     error.message, accepted ? "accepted" : "refused");
        }
        msgpack_unpacked_destroy(&theirs);
    }
    shmrpci_arena_fini(&arena);
    return ok;
}

static void values(void **state)
{
    (void)state;
    uint64_t seed = 11;
    int damaged_accepted = 0;
    shmrpci_arena arena;
    shmrpci_buf bytes;
    shmrpci_arena_init(&arena, 0);
    shmrpci_buf_init_heap(&bytes);
    for (int i = 0; i < VALUES; i++) {
        shmrpci_arena_reset(&arena);
        shmrpci_buf_reset(&bytes);
        shmrpc_any value = make_value(&arena, &seed, 3);
        assert_int_equal(
            shmrpci_codec_of(SHMRPC_ENCODING_MSGPACK)
                ->encode(&shmrpc_type_any, &value, "", &bytes, NULL),
            SHMRPC_OK);
        assert_true(check_bytes(&bytes, i));
        bytes.data[random_bits(&seed) % bytes.len] =
            (uint8_t)random_below(&seed, 256);
        damaged_accepted += check_bytes(&bytes, i);
    }
    print_message("%d values, %d damaged ones accepted\n", VALUES,
                  damaged_accepted);
    assert_true(damaged_accepted > 0 && damaged_accepted < VALUES);
    shmrpci_buf_fini(&bytes);
    shmrpci_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

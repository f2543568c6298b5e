/*
 * Properties of every type and value: values survive each encoding, and
 * conversion from one encoding to the next; damaged messages are refused, or
 * give a value that can be written again.
 *
 * A failure prints the seed. SHMRPC_TEST_LONG=1 makes a hundred times as many
 * attempts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/codec.h"
#include "random.h"
#include "random_type.h"
#include "sample.h"

enum { TYPES = 400, VALUES = 4, DAMAGES = 6 };

static unsigned type_count(void)
{
    return getenv("SHMRPC_TEST_LONG") != NULL ? TYPES * 100 : TYPES;
}

/* The state of one round. */
typedef struct round {
    uint64_t first_seed;
    uint64_t seed;
    shmrpci_arena arena;
    const shmrpc_type *type;
} round;

static void start(round *r, unsigned number, unsigned flags)
{
    r->first_seed = number * UINT64_C(0x9E3779B97F4A7C15) + flags + 1;
    r->seed = r->first_seed;
    shmrpci_arena_init(&r->arena, (size_t)64 << 20);
    r->type = random_type(&r->arena, &r->seed, flags);
}

static void encode(const round *r, uint32_t encoding, const void *value,
                   shmrpci_buf *out)
{
    const shmrpci_codec *codec = shmrpci_codec_of(encoding);
    shmrpc_error error = {0};
    shmrpci_buf_init_heap(out);
    if (codec->encode(r->type, value, "v", out, &error) != SHMRPC_OK) {
        fail_msg("seed %llu: %s does not encode: %s: %s",
                 (unsigned long long)r->first_seed, codec->name, error.path,
                 error.message);
    }
}

static const void *decode(round *r, uint32_t encoding, const shmrpci_buf *from)
{
    const shmrpci_codec *codec = shmrpci_codec_of(encoding);
    shmrpc_error error = {0};
    void *value = shmrpci_arena_calloc(&r->arena, 1, r->type->size, 16);
    assert_non_null(value);
    if (codec->decode(r->type, from->data, from->len, "v", &r->arena, value,
                      &error) != SHMRPC_OK) {
        fail_msg("seed %llu: %s does not decode: %s: %s",
                 (unsigned long long)r->first_seed, codec->name, error.path,
                 error.message);
    }
    return value;
}

static void same_bytes(const round *r, const char *what, const shmrpci_buf *a,
                       const shmrpci_buf *b)
{
    if (a->len != b->len || memcmp(a->data, b->data, a->len) != 0) {
        fail_msg("seed %llu: different bytes came back through %s",
                 (unsigned long long)r->first_seed, what);
    }
}

/* Encodes, decodes and encodes again: the bytes must be the same. */
static void there_and_back(round *r, uint32_t encoding, const void *value)
{
    const char *name = shmrpci_codec_of(encoding)->name;
    shmrpci_buf first;
    shmrpci_buf second;
    encode(r, encoding, value, &first);
    const void *copy = decode(r, encoding, &first);
    if (!sample_equal(r->type, value, copy)) {
        fail_msg("seed %llu: a different value came back through %s",
                 (unsigned long long)r->first_seed, name);
    }
    encode(r, encoding, copy, &second);
    same_bytes(r, name, &first, &second);
    shmrpci_buf_fini(&first);
    shmrpci_buf_fini(&second);
}

/* Converts json to msgpack to native to json: the last text must be the first
 * one. */
static void around(round *r, bool with_native, const void *value)
{
    static const uint32_t stations[] = {
        SHMRPC_ENCODING_JSON, SHMRPC_ENCODING_MSGPACK, SHMRPC_ENCODING_NATIVE};
    shmrpci_buf first;
    shmrpci_buf last;
    encode(r, SHMRPC_ENCODING_JSON, value, &first);
    for (size_t i = 0; i < (with_native ? 3u : 2u); i++) {
        shmrpci_buf bytes;
        encode(r, stations[i], value, &bytes);
        value = decode(r, stations[i], &bytes);
        shmrpci_buf_fini(&bytes);
    }
    encode(r, SHMRPC_ENCODING_JSON, value, &last);
    same_bytes(r, "json, msgpack and native", &first, &last);
    shmrpci_buf_fini(&first);
    shmrpci_buf_fini(&last);
}

static void values_survive(unsigned flags)
{
    bool with_native = (flags & RANDOM_WITH_ANY) == 0;
    for (unsigned i = 0; i < type_count(); i++) {
        round r;
        start(&r, i, flags);
        for (int j = 0; j < VALUES; j++) {
            const void *value = random_value(&r.arena, &r.seed, r.type);
            there_and_back(&r, SHMRPC_ENCODING_JSON, value);
            there_and_back(&r, SHMRPC_ENCODING_MSGPACK, value);
            if (with_native) {
                there_and_back(&r, SHMRPC_ENCODING_NATIVE, value);
            }
            around(&r, with_native, value);
        }
        shmrpci_arena_fini(&r.arena);
    }
}

static void structs(void **state)
{
    (void)state;
    values_survive(0);
}

static void structs_with_any(void **state)
{
    (void)state;
    values_survive(RANDOM_WITH_ANY);
}

static void parameters(void **state)
{
    (void)state;
    values_survive(RANDOM_PARAMS);
}

static void parameters_with_any(void **state)
{
    (void)state;
    values_survive(RANDOM_PARAMS | RANDOM_WITH_ANY);
}

/* Changes one byte, flips one bit, cuts a piece out, or truncates. */
static void damage(uint64_t *seed, shmrpci_buf *bytes)
{
    size_t at = random_bits(seed) % bytes->len;
    size_t rest = bytes->len - at;
    switch (random_below(seed, 4)) {
    case 0:
        bytes->data[at] = (uint8_t)random_bits(seed);
        break;
    case 1:
        bytes->data[at] ^= (uint8_t)(1u << random_below(seed, 8));
        break;
    case 2:
        memmove(bytes->data + at, bytes->data + at + 1, rest - 1);
        bytes->len--;
        break;
    default:
        bytes->len = at;
        break;
    }
}

/* The message must be refused with a path, or accepted as a valid value. */
static bool try_damaged(round *r, uint32_t encoding, const shmrpci_buf *bytes)
{
    shmrpc_error error = {0};
    shmrpci_buf again;
    shmrpci_arena arena;
    /* A copy of exactly this length, for the sanitizer. */
    uint8_t *data = malloc(bytes->len > 0 ? bytes->len : 1);
    void *value = calloc(1, r->type->size);
    assert_non_null(data);
    assert_non_null(value);
    memcpy(data, bytes->data, bytes->len);
    shmrpci_arena_init(&arena, (size_t)16 << 20);
    int status = shmrpci_codec_of(encoding)->decode(r->type, data, bytes->len,
                                                    "v", &arena, value, &error);
    if (status == SHMRPC_OK) {
        encode(r, encoding, value, &again);
        shmrpci_buf_fini(&again);
    } else if (status != SHMRPC_E_INVALID || error.message[0] == '\0') {
        fail_msg("seed %llu: status %d, %s", (unsigned long long)r->first_seed,
                 status, error.message);
    }
    shmrpci_arena_fini(&arena);
    free(value);
    free(data);
    return status == SHMRPC_OK;
}

static void damaged_messages(void **state)
{
    (void)state;
    unsigned accepted = 0;
    unsigned refused = 0;
    for (unsigned i = 0; i < type_count(); i++) {
        round r;
        start(&r, i, i % 2 == 0 ? 0 : RANDOM_PARAMS);
        const void *value = random_value(&r.arena, &r.seed, r.type);
        for (uint32_t e = SHMRPC_ENCODING_JSON; e <= SHMRPC_ENCODING_NATIVE;
             e++) {
            shmrpci_buf bytes;
            encode(&r, e, value, &bytes);
            for (int j = 0; j < DAMAGES && bytes.len > 0; j++) {
                damage(&r.seed, &bytes);
                bool ok = try_damaged(&r, e, &bytes);
                accepted += ok;
                refused += !ok;
            }
            shmrpci_buf_fini(&bytes);
        }
        shmrpci_arena_fini(&r.arena);
    }
    print_message("%u damaged messages accepted, %u refused\n", accepted,
                  refused);
    assert_true(accepted > 0 && refused > accepted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structs),
        cmocka_unit_test(structs_with_any),
        cmocka_unit_test(parameters),
        cmocka_unit_test(parameters_with_any),
        cmocka_unit_test(damaged_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

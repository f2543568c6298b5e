/*
 * Code shared by the codec harnesses: the first byte of an input chooses a
 * type, the rest is decoded as a value of it. Accepted input must encode again,
 * must decode to an equal value in this encoding and in the others, and must
 * have needed no more memory than a fixed multiple of the input.
 */
#ifndef TESTS_FUZZ_FUZZ_CODEC_H
#define TESTS_FUZZ_FUZZ_CODEC_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "sample.h"
#include "shmrpc/any.h"

/* Max memory for an input: FUZZ_CONSTANT bytes, and FUZZ_MULTIPLE more for each
 * byte of the input. */
#define FUZZ_MULTIPLE ((size_t)256)
#define FUZZ_CONSTANT ((size_t)64 << 10)

static const shmrpc_type *const fuzz_types[] = {
    &sample_all_type,       &sample_compact_type, &sample_params_type,
    &sample_sum_type,       &sample_key_type,     &sample_node_type,
    &shmrpc_type_any,       &sample_few_type,     &sample_name_type,
    &sample_text_map_type,  &sample_gain_type,    &sample_i32_list_type,
    &sample_str_list_type,  &sample_colour_type,  &sample_wide_type,
    &sample_point_map_type, &shmrpc_type_f64,     &shmrpc_type_f32,
    &shmrpc_type_i64,       &shmrpc_type_u64,     &shmrpc_type_bytes,
    &shmrpc_type_bool,      &sample_triple_type,  &sample_colour_map_type,
    &shmrpc_type_no_params,
};

static void fuzz_fail(const char *what, const shmrpc_error *error)
{
    fprintf(stderr, "%s: %s: %s\n", what, error->path, error->message);
    abort();
}

/* Whether `encoding` can express every value of the type that can be decoded
 * from the encoding `from`. */
static inline bool fuzz_can_carry(uint32_t encoding, const shmrpc_type *type,
                                  uint32_t from)
{
    bool has_any = type == &sample_all_type || type == &sample_compact_type ||
                   type == &shmrpc_type_any;
    if (!has_any) {
        return true;
    }
    return encoding == SHMRPC_ENCODING_MSGPACK ||
           (encoding == SHMRPC_ENCODING_JSON && from == SHMRPC_ENCODING_JSON);
}

static inline void fuzz_again(uint32_t encoding, const shmrpc_type *type,
                              const void *value)
{
    const shmrpci_codec *codec = shmrpci_codec_of(encoding);
    shmrpc_error error = {0};
    shmrpci_arena arena;
    shmrpci_buf buf;
    _Alignas(16) static uint8_t copy[sizeof(sample_all)];
    shmrpci_arena_init(&arena, 0);
    shmrpci_buf_init_heap(&buf);
    if (codec->encode(type, value, "v", &buf, &error) != SHMRPC_OK) {
        fuzz_fail("accepted, but does not encode", &error);
    }
    if (codec->decode(type, buf.data, buf.len, "v", &arena, copy, &error) !=
        SHMRPC_OK) {
        fuzz_fail("encoded, but does not decode", &error);
    }
    if (!sample_equal(type, value, copy)) {
        fuzz_fail("another value came back", &error);
    }
    shmrpci_buf_fini(&buf);
    shmrpci_arena_fini(&arena);
}

static inline int fuzz_codec(uint32_t encoding, const shmrpc_type *type,
                             const uint8_t *data, size_t size)
{
    _Alignas(16) static uint8_t value[sizeof(sample_all)];
    const shmrpci_codec *codec = shmrpci_codec_of(encoding);
    shmrpc_error error = {0};
    shmrpci_arena arena;
    shmrpci_arena_init(&arena, FUZZ_CONSTANT + FUZZ_MULTIPLE * size);
    int status = codec->decode(type, data, size, "v", &arena, value, &error);
    if (status == SHMRPC_E_NO_MEMORY) {
        fuzz_fail("took too much memory", &error);
    }
    if (status == SHMRPC_OK && type == &shmrpc_type_any) {
        shmrpc_any tree;
        memcpy(&tree, value, sizeof tree);
        (void)shmrpc_any_check(&tree, &error); /* must not crash; any verdict is
                                                * right, because extensions may
                                                * hold anything */
    }
    for (uint32_t other = SHMRPC_ENCODING_JSON;
         status == SHMRPC_OK && other <= SHMRPC_ENCODING_NATIVE; other++) {
        if (other == encoding || fuzz_can_carry(other, type, encoding)) {
            fuzz_again(other, type, value);
        }
    }
    shmrpci_arena_fini(&arena);
    return 0;
}

#endif

/* Compressed bodies: the test vectors of docs/protocol.md, and which bodies are
 * refused. */
#include "transport/tcp/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

enum { LEN = 100000 };

static const shmrpc_compression all[] = {SHMRPC_COMPRESSION_SNAPPY,
                                         SHMRPC_COMPRESSION_ZLIB};

/* Fills the buffer with words, as in a text. */
static void fill_text(uint8_t *out, size_t len)
{
    static const char words[] = "the quick brown fox jumps over a lazy dog ";
    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)words[(i + i / 300) % (sizeof words - 1)];
    }
}

/* Fills the buffer with bytes that can't be compressed. */
static void fill_noise(uint8_t *out, size_t len)
{
    uint32_t state = 1;
    for (size_t i = 0; i < len; i++) {
        state = state * 1664525u + 1013904223u;
        out[i] = (uint8_t)(state >> 24);
    }
}

static size_t pack(shmrpc_compression how, const uint8_t *data, size_t len,
                   uint8_t *out)
{
    tcp_pack_room room = {.data = NULL};
    size_t packed = tcp_pack(how, data, len, &room);
    if (packed > 0) {
        memcpy(out, room.data + TCP_HEAD_BYTES, packed);
    }
    free(room.data);
    return packed;
}

static tcp_end unpack(shmrpc_compression how, const uint8_t *data, size_t len,
                      uint8_t *out, size_t most)
{
    size_t plain = 0;
    /* A separate copy, so that a sanitizer notices any access beyond it. */
    uint8_t *copy = malloc(len + 1);
    memcpy(copy, data, len);
    uint8_t *at = realloc(copy, len > 0 ? len : 1);
    tcp_end end = tcp_unpack_length(how, at, len, most, &plain);
    if (end == TCP_END_NONE) {
        end = tcp_unpack(how, at, len, out, plain);
    }
    free(at);
    return end;
}

static void texts_come_back_shorter(void **state)
{
    (void)state;
    static uint8_t text[LEN], packed[LEN], back[LEN];
    fill_text(text, LEN);
    for (size_t i = 0; i < 2; i++) {
        for (size_t len = TCP_PACK_MIN_BYTES; len <= LEN; len += 4999) {
            size_t got = pack(all[i], text, len, packed);
            assert_true(got > 0 && got <= len - len / 8);
            memset(back, 0, len);
            assert_int_equal(unpack(all[i], packed, got, back, LEN),
                             TCP_END_NONE);
            assert_memory_equal(back, text, len);
        }
    }
}

static void what_it_does_not_help_goes_as_it_is(void **state)
{
    (void)state;
    static uint8_t body[LEN], packed[LEN];
    for (size_t i = 0; i < 2; i++) {
        fill_noise(body, LEN);
        assert_int_equal(pack(all[i], body, LEN, packed), 0);
        fill_text(body, LEN);
        assert_int_equal(pack(all[i], body, TCP_PACK_MIN_BYTES - 1, packed), 0);
        assert_int_equal(pack(all[i], body, 0, packed), 0);
    }
    assert_int_equal(pack(SHMRPC_COMPRESSION_NONE, body, LEN, packed), 0);
}

/* Bodies that the receiver would refuse as implausible are not sent packed. */
static void zeros_are_sent_only_as_short_as_is_believed(void **state)
{
    (void)state;
    enum { MANY = 40 << 20 };
    uint8_t *zeros = calloc(1, MANY);
    uint8_t *packed = malloc(MANY);
    for (size_t i = 0; i < 2; i++) {
        size_t got = pack(all[i], zeros, MANY, packed);
        size_t plain;
        if (got > 0) {
            assert_int_equal(
                tcp_unpack_length(all[i], packed, got, MANY, &plain),
                TCP_END_NONE);
        }
    }
    free(packed);
    free(zeros);
}

static void set_claim(uint8_t *packed, size_t claim)
{
    for (size_t i = 0; i < 4; i++) {
        packed[i] = (uint8_t)(claim >> (8 * i));
    }
}

static void lengths_are_checked_before_there_is_memory(void **state)
{
    (void)state;
    static uint8_t packed[1000];
    size_t plain = 77;
    for (size_t i = 0; i < 2; i++) {
        set_claim(packed, UINT32_MAX);
        assert_int_equal(
            tcp_unpack_length(all[i], packed, 1000, SIZE_MAX, &plain),
            TCP_END_LENGTH);
        set_claim(packed, 5001);
        assert_int_equal(tcp_unpack_length(all[i], packed, 1000, 5000, &plain),
                         TCP_END_LENGTH);
        set_claim(packed, TCP_PACK_SLACK_BYTES + 20u * TCP_PACK_MAX_RATIO);
        assert_int_equal(tcp_unpack_length(all[i], packed, 14, LEN, &plain),
                         TCP_END_LENGTH);
        set_claim(packed, 0);
        assert_int_equal(tcp_unpack_length(all[i], packed, 1000, LEN, &plain),
                         TCP_END_FIELD);
        for (size_t len = 0; len <= TCP_PACK_PREFIX_BYTES; len++) {
            assert_int_equal(
                tcp_unpack_length(all[i], packed, len, LEN, &plain),
                TCP_END_FIELD);
        }
        assert_int_equal(plain, 77);
    }
    set_claim(packed, 2000);
    assert_int_equal(
        tcp_unpack_length(SHMRPC_COMPRESSION_NONE, packed, 1000, LEN, &plain),
        TCP_END_FIELD);
}

/* Tries bodies that are shorter or longer than claimed, cut off, or followed by
 * other bytes. */
static void claims_that_are_not_true_are_refused(void **state)
{
    (void)state;
    static uint8_t text[LEN], packed[LEN], back[LEN + 1];
    fill_text(text, LEN);
    for (size_t i = 0; i < 2; i++) {
        size_t len = pack(all[i], text, 50000, packed);
        assert_true(len > 0 && len < LEN - 1);
        set_claim(packed, 49999);
        assert_int_equal(unpack(all[i], packed, len, back, LEN), TCP_END_FIELD);
        set_claim(packed, 50001);
        assert_int_equal(unpack(all[i], packed, len, back, LEN), TCP_END_FIELD);
        set_claim(packed, 50000);
        assert_int_equal(unpack(all[i], packed, len - 1, back, LEN),
                         TCP_END_FIELD);
        packed[len] = 0;
        assert_int_equal(unpack(all[i], packed, len + 1, back, LEN),
                         TCP_END_FIELD);
        assert_int_equal(unpack(all[i], packed, len, back, LEN), TCP_END_NONE);
    }
}

/* Flips each bit of a body, of its checksum, and of the other bytes that the
 * checksum covers. */
static void damage_is_noticed(void **state)
{
    (void)state;
    enum { SHORT = 1000 };
    static uint8_t text[SHORT], packed[SHORT], back[SHORT];
    fill_text(text, SHORT);
    for (size_t i = 0; i < 2; i++) {
        size_t len = pack(all[i], text, SHORT, packed);
        assert_true(len > TCP_PACK_PREFIX_BYTES + 4);
        for (size_t bit = 8 * TCP_PACK_PREFIX_BYTES; bit < 8 * len; bit++) {
            packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
            tcp_end end = unpack(all[i], packed, len, back, SHORT);
            packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
            /* The last bits of a zlib stream are unused. */
            if (end != TCP_END_FIELD && memcmp(back, text, SHORT) != 0) {
                fail_msg("bit %zu of %zu was not noticed", bit, 8 * len);
            }
            if (bit >= 8 * (len - 4)) {
                assert_int_equal(end, TCP_END_FIELD);
            }
        }
    }
}

/* Bodies that unpack to 40 MiB of zeros, in their shortest form and in forms
 * that hide the length. */
static void bombs_are_refused(void **state)
{
    (void)state;
    enum { MANY = 40 << 20 };
    uint8_t *zeros = calloc(1, MANY);
    uLongf len = compressBound(MANY);
    uint8_t *packed = malloc(TCP_PACK_PREFIX_BYTES + len);
    static uint8_t back[TCP_PACK_SLACK_BYTES];
    assert_int_equal(
        compress2(packed + TCP_PACK_PREFIX_BYTES, &len, zeros, MANY, 9), Z_OK);
    len += TCP_PACK_PREFIX_BYTES;
    set_claim(packed, MANY);
    assert_int_equal(unpack(SHMRPC_COMPRESSION_ZLIB, packed, len, back, MANY),
                     TCP_END_LENGTH);
    set_claim(packed, sizeof back);
    assert_int_equal(unpack(SHMRPC_COMPRESSION_ZLIB, packed, len, back, MANY),
                     TCP_END_FIELD);
    free(packed);
    free(zeros);
}

static void numbers_of_others_are_not_ours(void **state)
{
    (void)state;
    shmrpc_compression how = SHMRPC_COMPRESSION_NONE;
    for (size_t i = 0; i < 2; i++) {
        uint32_t number = tcp_pack_number(all[i]);
        assert_true((TCP_PACK_OFFER & 1u << number) != 0);
        assert_true(tcp_pack_of_number(number, &how));
        assert_int_equal(how, all[i]);
    }
    assert_int_equal(tcp_pack_number(SHMRPC_COMPRESSION_NONE), 0);
    assert_true(tcp_pack_of_number(0, &how));
    assert_int_equal(how, SHMRPC_COMPRESSION_NONE);
    assert_false(tcp_pack_of_number(1, &how)); /* an old number: the
                                                * form without checksum */
    assert_false(tcp_pack_of_number(4, &how));
    assert_false(tcp_pack_of_number(UINT32_MAX, &how));
}

/* ---- the specification ------------------------------------------------ */

static size_t vector_of(const char *name, uint8_t *out, size_t size)
{
    char wanted[64];
    char line[256];
    size_t len = 0;
    bool is_in = false;
    FILE *file = fopen(PROTOCOL_MD, "r");
    assert_non_null(file);
    (void)snprintf(wanted, sizeof wanted, "```vector %s\n", name);
    while (fgets(line, sizeof line, file) != NULL) {
        if (is_in && line[0] == '`') {
            break;
        }
        for (char *at = line, *end; is_in && len < size; at = end) {
            unsigned long byte = strtoul(at, &end, 16);
            if (end == at) {
                break;
            }
            out[len++] = (uint8_t)byte;
        }
        is_in = is_in || strcmp(line, wanted) == 0;
    }
    (void)fclose(file);
    assert_true(len > 0);
    return len;
}

static void vectors_are_as_specified(void **state)
{
    (void)state;
    static const char *const names[] = {"snappy", "zlib"};
    uint8_t body[1000], expected[1000], bytes[256];
    memset(expected, 'a', sizeof expected);
    for (size_t i = 0; i < 2; i++) {
        size_t len = vector_of(names[i], bytes, sizeof bytes);
        assert_int_equal(unpack(all[i], bytes, len, body, 1000), TCP_END_NONE);
        assert_memory_equal(body, expected, sizeof expected);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_come_back_shorter),
        cmocka_unit_test(what_it_does_not_help_goes_as_it_is),
        cmocka_unit_test(zeros_are_sent_only_as_short_as_is_believed),
        cmocka_unit_test(lengths_are_checked_before_there_is_memory),
        cmocka_unit_test(claims_that_are_not_true_are_refused),
        cmocka_unit_test(damage_is_noticed),
        cmocka_unit_test(bombs_are_refused),
        cmocka_unit_test(numbers_of_others_are_not_ours),
        cmocka_unit_test(vectors_are_as_specified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

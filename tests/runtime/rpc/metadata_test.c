/* Metadata blocks and traces: their encoding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rpc/metadata.h"

static shmrpci_metadata block;

static size_t build(const char *key, const char *value)
{
    shmrpci_metadata_init(&block, SHMRPCI_METADATA_WANTED);
    assert_int_equal(shmrpci_metadata_add(&block, key, value, NULL), SHMRPC_OK);
    return shmrpci_metadata_end(&block);
}

static void entries_come_back(void **state)
{
    (void)state;
    shmrpci_metadata got;
    shmrpc_metadata entry;
    shmrpci_metadata_init(&block, 0);
    assert_true(shmrpci_metadata_is_empty(&block));
    assert_int_equal(shmrpci_metadata_add(&block, "a", "", NULL), SHMRPC_OK);
    assert_int_equal(
        shmrpci_metadata_add(&block, "b.c-d_9", "caf\xc3\xa9", NULL),
        SHMRPC_OK);
    assert_false(shmrpci_metadata_is_empty(&block));
    size_t len = shmrpci_metadata_end(&block);
    assert_int_equal(len % 8, 0);
    assert_int_equal(shmrpci_metadata_read(block.bytes, len, &got), len);
    assert_string_equal(shmrpci_metadata_find(&got, "a"), "");
    assert_string_equal(shmrpci_metadata_find(&got, "b.c-d_9"), "caf\xc3\xa9");
    assert_null(shmrpci_metadata_find(&got, "b"));
    assert_true(shmrpci_metadata_at(&got, 1, &entry));
    assert_string_equal(entry.key, "b.c-d_9");
    assert_false(shmrpci_metadata_at(&got, 2, &entry));
    assert_null(shmrpci_metadata_trace(&got));
}

/* A gateway adds to a block that it has read from a peer. */
static void a_block_that_was_read_takes_more(void **state)
{
    (void)state;
    static const uint8_t trace[SHMRPCI_TRACE_BYTES] = {0, 1, 2, 3, [17] = 9};
    uint64_t peer;
    shmrpci_metadata got;
    shmrpci_metadata again;
    shmrpci_metadata_init(&block, SHMRPCI_METADATA_WANTED);
    shmrpci_metadata_set_trace(&block, trace);
    assert_int_equal(shmrpci_metadata_add(&block, "a", "1", NULL), SHMRPC_OK);
    size_t len = shmrpci_metadata_end(&block);
    assert_int_equal(shmrpci_metadata_read(block.bytes, len, &got), len);
    assert_false(shmrpci_metadata_peer(&got, &peer));
    shmrpci_metadata_reopen(&got);
    assert_int_equal(shmrpci_metadata_put_peer(&got, 7, NULL), SHMRPC_OK);
    /* The gateway's number replaces the number that the peer sent. */
    assert_int_equal(
        shmrpci_metadata_put_peer(&got, UINT64_C(0x123456789abcdef0), NULL),
        SHMRPC_OK);
    assert_int_equal(shmrpci_metadata_add(&got, "b", "2", NULL), SHMRPC_OK);
    len = shmrpci_metadata_end(&got);
    assert_int_equal(shmrpci_metadata_read(got.bytes, len, &again), len);
    assert_true(shmrpci_metadata_peer(&again, &peer));
    assert_true(peer == UINT64_C(0x123456789abcdef0));
    assert_string_equal(shmrpci_metadata_find(&again, "a"), "1");
    assert_string_equal(shmrpci_metadata_find(&again, "b"), "2");
    assert_memory_equal(shmrpci_metadata_trace(&again), trace, sizeof trace);
    assert_int_equal(shmrpci_metadata_flags(&again) & SHMRPCI_METADATA_WANTED,
                     SHMRPCI_METADATA_WANTED);
}

static void a_full_block_takes_no_peer(void **state)
{
    (void)state;
    char value[1001];
    shmrpci_metadata got;
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    size_t len = build("abcdefghijkl", value);
    assert_int_equal(shmrpci_metadata_read(block.bytes, len, &got), len);
    shmrpci_metadata_reopen(&got);
    assert_int_equal(shmrpci_metadata_put_peer(&got, 7, NULL),
                     SHMRPC_E_TOO_LARGE);
}

static void sixteen_entries_are_the_most(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpci_metadata_init(&block, 0);
    for (int i = 0; i < SHMRPC_METADATA_MAX_ENTRIES; i++) {
        assert_int_equal(shmrpci_metadata_add(&block, "k", "v", &error),
                         SHMRPC_OK);
    }
    assert_int_equal(shmrpci_metadata_add(&block, "k", "v", &error),
                     SHMRPC_E_TOO_LARGE);
}

static void a_kibibyte_is_the_most(void **state)
{
    (void)state;
    char value[SHMRPC_METADATA_MAX_BYTES + 1];
    /* The other bytes of the block are the head, the lengths, the NULs and a
     * key of one letter. */
    size_t room = SHMRPC_METADATA_MAX_BYTES - 4 - 5 - 1;
    memset(value, 'v', sizeof value);
    value[room] = '\0';
    assert_int_equal(build("k", value), SHMRPC_METADATA_MAX_BYTES);
    value[room] = 'v';
    value[room + 1] = '\0';
    shmrpci_metadata_init(&block, 0);
    assert_int_equal(shmrpci_metadata_add(&block, "k", value, NULL),
                     SHMRPC_E_TOO_LARGE);
    assert_true(shmrpci_metadata_is_empty(&block));
}

static void impossible_keys_and_values_are_refused(void **state)
{
    (void)state;
    static const char *const keys[] = {"", "Upper", "a b", "a:b", "\xc3\xa9"};
    static const char *const values[] = {"a\nb", "\x7f", "\xff", "\x01"};
    char long_key[SHMRPCI_METADATA_KEY_MAX + 2];
    memset(long_key, 'k', sizeof long_key);
    long_key[sizeof long_key - 1] = '\0';
    shmrpci_metadata_init(&block, 0);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        assert_int_equal(shmrpci_metadata_add(&block, keys[i], "v", NULL),
                         SHMRPC_E_INVALID);
    }
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        assert_int_equal(shmrpci_metadata_add(&block, "k", values[i], NULL),
                         SHMRPC_E_INVALID);
    }
    assert_int_equal(shmrpci_metadata_add(&block, long_key, "v", NULL),
                     SHMRPC_E_INVALID);
    assert_int_equal(shmrpci_metadata_add(&block, "k", NULL, NULL),
                     SHMRPC_E_INVALID);
}

/* Changing one byte is detected, or leaves a block that is valid. */
static void any_bytes_are_read_safely(void **state)
{
    (void)state;
    shmrpci_metadata got;
    shmrpc_metadata entry;
    size_t len = build("key", "value");
    for (size_t at = 0; at < len; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            uint8_t copy[64];
            memcpy(copy, block.bytes, len);
            copy[at] = (uint8_t)byte;
            size_t size = shmrpci_metadata_read(copy, len, &got);
            assert_true(size <= len && size % 8 == 0);
            for (uint32_t i = 0;
                 size > 0 && shmrpci_metadata_at(&got, i, &entry); i++) {
                assert_ptr_equal(entry.key + strlen(entry.key) + 1,
                                 entry.value);
                assert_true((const uint8_t *)entry.value + strlen(entry.value) <
                            got.bytes + size);
            }
        }
    }
    for (size_t cut = 0; cut < len; cut++) {
        assert_int_equal(shmrpci_metadata_read(block.bytes, cut, &got), 0);
    }
}

#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static void traces_are_twenty_six_bytes(void **state)
{
    (void)state;
    uint8_t trace[SHMRPCI_TRACE_BYTES];
    char text[SHMRPC_TRACEPARENT_BYTES];
    shmrpci_metadata got;
    assert_true(shmrpci_trace_read(TRACE, trace));
    shmrpci_trace_write(trace, text);
    assert_string_equal(text, TRACE);
    shmrpci_metadata_init(&block, 0);
    shmrpci_metadata_set_trace(&block, trace);
    assert_int_equal(shmrpci_metadata_add(&block, "k", "v", NULL), SHMRPC_OK);
    size_t len = shmrpci_metadata_end(&block);
    assert_int_equal(shmrpci_metadata_read(block.bytes, len, &got), len);
    assert_memory_equal(shmrpci_metadata_trace(&got), trace, sizeof trace);
    assert_string_equal(shmrpci_metadata_find(&got, "k"), "v");
}

static void a_trace_may_come_after_entries(void **state)
{
    (void)state;
    uint8_t trace[SHMRPCI_TRACE_BYTES];
    shmrpci_metadata got;
    assert_true(shmrpci_trace_read(TRACE, trace));
    shmrpci_metadata_init(&block, 0);
    assert_int_equal(shmrpci_metadata_add(&block, "k", "v", NULL), SHMRPC_OK);
    assert_int_equal(shmrpci_metadata_put_trace(&block, trace, NULL),
                     SHMRPC_OK);
    size_t len = shmrpci_metadata_end(&block);
    assert_int_equal(shmrpci_metadata_read(block.bytes, len, &got), len);
    assert_memory_equal(shmrpci_metadata_trace(&got), trace, sizeof trace);
    assert_string_equal(shmrpci_metadata_find(&got, "k"), "v");
}

static void malformed_traces_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    };
    uint8_t trace[SHMRPCI_TRACE_BYTES];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(shmrpci_trace_read(bad[i], trace));
    }
}

static void a_child_is_of_the_same_trace(void **state)
{
    (void)state;
    uint8_t trace[SHMRPCI_TRACE_BYTES];
    uint8_t child[SHMRPCI_TRACE_BYTES];
    char text[SHMRPC_TRACEPARENT_BYTES];
    shmrpc_trace_begin(text);
    assert_true(shmrpci_trace_read(text, trace));
    shmrpci_trace_child(trace, child);
    assert_memory_equal(child, trace, 17);
    assert_memory_not_equal(child + 17, trace + 17, 8);
    assert_int_equal(child[25], trace[25]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_come_back),
        cmocka_unit_test(a_block_that_was_read_takes_more),
        cmocka_unit_test(a_full_block_takes_no_peer),
        cmocka_unit_test(sixteen_entries_are_the_most),
        cmocka_unit_test(a_kibibyte_is_the_most),
        cmocka_unit_test(impossible_keys_and_values_are_refused),
        cmocka_unit_test(any_bytes_are_read_safely),
        cmocka_unit_test(traces_are_twenty_six_bytes),
        cmocka_unit_test(a_trace_may_come_after_entries),
        cmocka_unit_test(malformed_traces_are_refused),
        cmocka_unit_test(a_child_is_of_the_same_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

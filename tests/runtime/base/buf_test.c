/* The append-only buffer: growth, fixed memory, the first failure. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_heap_buffer_keeps_every_byte(void **state)
{
    (void)state;
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    for (int i = 0; i < 10000; i++) {
        shmrpci_buf_append_char(&buf, (char)(i % 100));
    }
    assert_int_equal(buf.status, SHMRPC_OK);
    assert_int_equal(buf.len, 10000);
    assert_true(buf.len <= buf.cap);
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(buf.data[i], i % 100);
    }
    shmrpci_buf_fini(&buf);
    assert_null(buf.data);
}

/* Appending to a buffer without memory must not compute NULL + 0, undefined
 * behaviour that UBSan reports. */
static void nothing_can_be_appended_to_nothing(void **state)
{
    (void)state;
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    shmrpci_buf_append(&buf, NULL, 0);
    assert_int_equal(buf.status, SHMRPC_OK);
    assert_int_equal(buf.len, 0);
    assert_null(buf.data);
    shmrpci_buf_fini(&buf);
}

static void no_bytes_can_be_lent(void **state)
{
    (void)state;
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    const uint8_t *at = shmrpci_buf_lend(&buf, 0);
    assert_non_null(at);
    assert_int_equal(buf.len, 0);
    shmrpci_buf_append(&buf, "ab", 2);
    assert_ptr_equal(shmrpci_buf_lend(&buf, 0), buf.data + 2);
    assert_ptr_equal(shmrpci_buf_lend(&buf, 5), buf.data + 2);
    assert_int_equal(buf.len, 7);
    shmrpci_buf_fini(&buf);
    shmrpci_buf_init_fixed(&buf, NULL, 0);
    assert_null(shmrpci_buf_lend(&buf, 0));
    assert_int_equal(buf.len, 0);
}

static void a_fixed_buffer_fills_to_the_last_byte(void **state)
{
    (void)state;
    char memory[5] = "....";
    shmrpci_buf buf;
    shmrpci_buf_init_fixed(&buf, memory, 4);
    shmrpci_buf_append(&buf, "abcd", 4);
    assert_int_equal(buf.status, SHMRPC_OK);
    shmrpci_buf_append(&buf, NULL, 0);
    assert_int_equal(buf.status, SHMRPC_OK);
    shmrpci_buf_append_char(&buf, 'e');
    assert_int_equal(buf.status, SHMRPC_E_TOO_LARGE);
    assert_int_equal(buf.len, 4);
    assert_memory_equal(memory, "abcd\0", 5);
    shmrpci_buf_fini(&buf);
}

static void after_a_failure_nothing_is_appended(void **state)
{
    (void)state;
    char memory[8] = {0};
    shmrpci_buf buf;
    shmrpci_buf_init_fixed(&buf, memory, sizeof memory);
    shmrpci_buf_append(&buf, "123456789", 9);
    shmrpci_buf_append_char(&buf, 'x');
    shmrpci_buf_append_text(&buf, "y");
    shmrpci_buf_printf(&buf, "%d", 1);
    assert_null(shmrpci_buf_extend(&buf, 1));
    assert_null(shmrpci_buf_text(&buf));
    assert_int_equal(buf.len, 0);
    assert_int_equal(buf.status, SHMRPC_E_TOO_LARGE);
}

static void the_first_failure_is_kept(void **state)
{
    (void)state;
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    shmrpci_buf_fail(&buf, SHMRPC_E_INVALID);
    shmrpci_buf_fail(&buf, SHMRPC_E_INTERNAL);
    assert_int_equal(buf.status, SHMRPC_E_INVALID);
    shmrpci_buf_reset(&buf);
    assert_int_equal(buf.status, SHMRPC_OK);
    shmrpci_buf_append_text(&buf, "again");
    assert_string_equal(shmrpci_buf_text(&buf), "again");
    shmrpci_buf_fini(&buf);
}

static void an_impossible_size_is_refused(void **state)
{
    (void)state;
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    shmrpci_buf_append_text(&buf, "abc");
    assert_null(shmrpci_buf_extend(&buf, SIZE_MAX - 1));
    assert_int_equal(buf.status, SHMRPC_E_TOO_LARGE);
    assert_int_equal(buf.len, 3);
    shmrpci_buf_fini(&buf);
}

/* The owner provides the memory: at most `*owner` bytes. */
static shmrpc_status grow_bounded(shmrpci_buf *buf, size_t cap)
{
    if (cap > *(const size_t *)buf->owner) {
        return SHMRPC_E_EXHAUSTED;
    }
    uint8_t *data = realloc(buf->data, cap);
    if (data == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    buf->data = data;
    buf->cap = cap;
    return SHMRPC_OK;
}

static void an_owner_grows_it_and_may_refuse(void **state)
{
    (void)state;
    size_t most = 100; /* 100 bytes at most: doubling the first 64 would not
                        * fit */
    shmrpci_buf buf = {.grow = grow_bounded, .owner = &most};
    shmrpci_buf_append(&buf, "0123456789", 10);
    assert_int_equal(buf.status, SHMRPC_OK);
    assert_non_null(shmrpci_buf_extend(&buf, 90));
    assert_int_equal(buf.len, 100);
    shmrpci_buf_append_char(&buf, 'x');
    assert_int_equal(buf.status, SHMRPC_E_EXHAUSTED);
    assert_int_equal(buf.len, 100);
    assert_int_equal(buf.cap, 100);
    assert_memory_equal(buf.data, "0123456789", 10);
    shmrpci_buf_fini(&buf); /* does not free memory that belongs to the owner */
    free(buf.data);
}

static void printf_leaves_no_nul_behind(void **state)
{
    (void)state;
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    shmrpci_buf_printf(&buf, "%03d|", 7);
    shmrpci_buf_printf(&buf, "%s", "");
    shmrpci_buf_append_char(&buf, '!');
    assert_int_equal(buf.len, 5);
    assert_string_equal(shmrpci_buf_text(&buf), "007|!");
    assert_int_equal(buf.len, 5);
    shmrpci_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_heap_buffer_keeps_every_byte),
        cmocka_unit_test(nothing_can_be_appended_to_nothing),
        cmocka_unit_test(no_bytes_can_be_lent),
        cmocka_unit_test(a_fixed_buffer_fills_to_the_last_byte),
        cmocka_unit_test(after_a_failure_nothing_is_appended),
        cmocka_unit_test(the_first_failure_is_kept),
        cmocka_unit_test(an_impossible_size_is_refused),
        cmocka_unit_test(an_owner_grows_it_and_may_refuse),
        cmocka_unit_test(printf_leaves_no_nul_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

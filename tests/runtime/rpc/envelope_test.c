/* The envelope: round trips, and readers that refuse malformed bytes. */
#include "rpc/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static shmrpc_error error;

static void hello_goes_round(void **state)
{
    (void)state;
    uint8_t data[300];
    shmrpci_buf out;
    shmrpci_hello hello;
    shmrpci_buf_init_fixed(&out, data, sizeof data);
    shmrpci_hello_write(0x0123456789abcdefu, "demo.Echo", &out);
    assert_int_equal(out.len, 16 + 1 + 9);
    assert_memory_equal(out.data, "rpc1", 4);
    assert_int_equal(shmrpci_hello_read(out.data, out.len, &hello, NULL), 0);
    assert_true(hello.hash == 0x0123456789abcdefu);
    assert_string_equal(hello.id, "demo.Echo");
}

static void long_id_of_a_hello_is_cut(void **state)
{
    (void)state;
    uint8_t data[600];
    char id[400];
    shmrpci_buf out;
    shmrpci_hello hello;
    memset(id, 'x', sizeof id - 1);
    id[sizeof id - 1] = '\0';
    shmrpci_buf_init_fixed(&out, data, sizeof data);
    shmrpci_hello_write(1, id, &out);
    assert_int_equal(shmrpci_hello_read(out.data, out.len, &hello, NULL), 0);
    assert_int_equal(strlen(hello.id), sizeof hello.id - 1);
}

static void welcome_goes_round(void **state)
{
    (void)state;
    uint8_t data[100];
    shmrpci_buf out;
    shmrpci_welcome welcome;
    shmrpci_buf_init_fixed(&out, data, sizeof data);
    shmrpci_welcome_write(7, (const uint8_t *)"contract", 8, &out);
    assert_int_equal(shmrpci_welcome_read(out.data, out.len, &welcome, NULL),
                     0);
    assert_true(welcome.hash == 7);
    assert_int_equal(welcome.contract_len, 8);
    assert_memory_equal(welcome.contract, "contract", 8);
}

static void other_major_version_is_CONTRACT(void **state)
{
    (void)state;
    uint8_t data[100];
    shmrpci_buf out;
    shmrpci_hello hello;
    shmrpci_buf_init_fixed(&out, data, sizeof data);
    shmrpci_hello_write(1, "x", &out);
    data[4] = 9;
    assert_int_equal(shmrpci_hello_read(out.data, out.len, &hello, &error),
                     SHMRPC_E_CONTRACT);
    assert_non_null(strstr(error.message, "version 9"));
    data[4] = SHMRPCI_RPC_MAJOR;
    data[6] = 99; /* a newer minor version is fine */
    assert_int_equal(shmrpci_hello_read(out.data, out.len, &hello, NULL), 0);
}

static void truncated_and_foreign_greetings_are_INVALID(void **state)
{
    (void)state;
    uint8_t data[100];
    shmrpci_buf out;
    shmrpci_hello hello;
    shmrpci_welcome welcome;
    shmrpci_buf_init_fixed(&out, data, sizeof data);
    shmrpci_hello_write(1, "demo.Echo", &out);
    for (size_t len = 0; len < out.len; len++) {
        /* Copied to the heap, so that the sanitizer notices a read past the
         * end. */
        uint8_t *copy = malloc(len + 1);
        memcpy(copy, data, len);
        uint8_t *exact = realloc(copy, len > 0 ? len : 1);
        if (len != 16) { /* 16 bytes are a complete header without an id */
            assert_int_equal(shmrpci_hello_read(exact, len, &hello, &error),
                             SHMRPC_E_INVALID);
        }
        if (len < 16) {
            assert_int_equal(shmrpci_welcome_read(exact, len, &welcome, NULL),
                             SHMRPC_E_INVALID);
        }
        free(exact);
    }
    static const uint8_t http[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_int_equal(shmrpci_hello_read(http, sizeof http, &hello, NULL),
                     SHMRPC_E_INVALID);
    data[20] = 0xff; /* not UTF-8 */
    assert_int_equal(shmrpci_hello_read(data, out.len, &hello, NULL),
                     SHMRPC_E_INVALID);
}

static void detail_goes_round_and_leaves_its_payload(void **state)
{
    (void)state;
    uint8_t data[SHMRPCI_DETAIL_MAX_BYTES + 7];
    shmrpci_buf out;
    shmrpc_error sent = {
        .pid = 4711,
        .name = "acme.fts.BadQuery",
        .path = "query.text",
        .message = "length 5, allowed 0..4",
    };
    shmrpci_buf_init_fixed(&out, data, sizeof data);
    shmrpci_detail_write(&sent, &out);
    size_t len = out.len;
    shmrpci_buf_append(&out, "payload", 7);
    assert_int_equal(out.status, 0);
    error.code = 100;
    assert_int_equal(shmrpci_detail_read(out.data, out.len, &error), len);
    assert_int_equal(error.code, 100);
    assert_int_equal(error.pid, 4711);
    assert_string_equal(error.name, "acme.fts.BadQuery");
    assert_string_equal(error.path, "query.text");
    assert_string_equal(error.message, "length 5, allowed 0..4");
    assert_false(error.may_have_run);
    sent.may_have_run = true;
    out.len = 0;
    shmrpci_detail_write(&sent, &out);
    assert_int_equal(shmrpci_detail_read(out.data, out.len, &error), len);
    assert_true(error.may_have_run);
}

static void detail_says_when_to_try_again(void **state)
{
    (void)state;
    uint8_t data[SHMRPCI_DETAIL_MAX_BYTES];
    shmrpci_buf out;
    shmrpc_error sent = {.message = "full", .retry_after_ns = 123456789012345};
    shmrpci_buf_init_fixed(&out, data, sizeof data);
    shmrpci_detail_write(&sent, &out);
    error.retry_after_ns = 1;
    assert_int_equal(shmrpci_detail_read(out.data, out.len, &error), out.len);
    assert_true(error.retry_after_ns == INT64_C(24) * 3600 * 1000000000);
    sent.retry_after_ns = 20000000;
    out.len = 0;
    shmrpci_detail_write(&sent, &out);
    assert_int_equal(shmrpci_detail_read(out.data, out.len, &error), out.len);
    assert_true(error.retry_after_ns == 20000000);
    /* A time above the maximum is reduced to the maximum. */
    memset(out.data + out.len - 8, 0xff, 8);
    assert_int_equal(shmrpci_detail_read(out.data, out.len, &error), out.len);
    assert_in_range(error.retry_after_ns, 0, INT64_C(24) * 3600 * 1000000000);
    sent.retry_after_ns = 0;
    out.len = 0;
    shmrpci_detail_write(&sent, &out);
    assert_int_equal(shmrpci_detail_read(out.data, out.len, &error), out.len);
    assert_true(error.retry_after_ns == 0);
}

static void longest_detail_fits_its_bound(void **state)
{
    (void)state;
    uint8_t data[SHMRPCI_DETAIL_MAX_BYTES];
    shmrpci_buf out;
    shmrpc_error sent;
    memset(&sent, 'y', sizeof sent); /* without a NUL */
    sent.may_have_run = true;
    shmrpci_buf_init_fixed(&out, data, sizeof data);
    shmrpci_detail_write(&sent, &out);
    assert_int_equal(out.status, 0);
    assert_int_equal(shmrpci_detail_read(out.data, out.len, &error), out.len);
    assert_int_equal(strlen(error.name), SHMRPC_ERROR_NAME_BYTES - 1);
    assert_int_equal(strlen(error.path), SHMRPC_ERROR_PATH_BYTES - 1);
    assert_int_equal(strlen(error.message), SHMRPC_ERROR_MESSAGE_BYTES - 1);
}

static void text_that_is_no_UTF8_is_cut_before_it(void **state)
{
    (void)state;
    uint8_t data[SHMRPCI_DETAIL_MAX_BYTES];
    shmrpci_buf out;
    shmrpc_error sent = {.message =
                             "abc\xff"
                             "def"};
    shmrpci_buf_init_fixed(&out, data, sizeof data);
    shmrpci_detail_write(&sent, &out);
    assert_int_equal(shmrpci_detail_read(out.data, out.len, &error), out.len);
    assert_string_equal(error.message, "abc");
}

static void malformed_detail_leaves_the_error_alone(void **state)
{
    (void)state;
    static const struct {
        uint8_t data[12];
        size_t len;
    } bad[] = {
        {{0}, 0},
        {{0}, 1},
        {{0}, 7},
        {{1, 0}, 8},                              /* no path */
        {{0, 1}, 8},                              /* no message */
        {{0, 0, 1}, 8},                           /* no name */
        {{1, 1, 1, 0, 0, 0, 0, 0, 'a', 'b'}, 10}, /* a byte too few */
        {{64, 0, 0, 0, 0, 0, 0, 0, 'a'}, 9},      /* the path is too long */
        {{0, 184, 0, 0, 0, 0, 0, 0, 'a'}, 9},     /* the message is too long */
        {{0, 0, 255, 0, 0, 0, 0, 0, 'a'}, 9},     /* the name is too long */
        {{0, 1, 0, 0, 0, 0, 0, 0, 0xff}, 9},      /* not UTF-8 */
        {{1, 1, 0, 0, 0, 0, 0, 0, 0xc3, 0xa4}, 10}, /* one character across path
                                                     * and message */
        {{255, 255, 255, 0, 0, 0, 0, 0, 'a'}, 9},
        {{0, 1, 0, 2, 0, 0, 0, 0, 'a'}, 12}, /* half a retry-after */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memcpy(error.path, "p", 2);
        memcpy(error.message, "m", 2);
        memcpy(error.name, "n", 2);
        uint8_t *copy = malloc(bad[i].len + 1);
        memcpy(copy, bad[i].data, bad[i].len);
        assert_int_equal(shmrpci_detail_read(copy, bad[i].len, &error), 0);
        free(copy);
        assert_string_equal(error.path, "p");
        assert_string_equal(error.message, "m");
        assert_string_equal(error.name, "n");
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_goes_round),
        cmocka_unit_test(long_id_of_a_hello_is_cut),
        cmocka_unit_test(welcome_goes_round),
        cmocka_unit_test(other_major_version_is_CONTRACT),
        cmocka_unit_test(truncated_and_foreign_greetings_are_INVALID),
        cmocka_unit_test(detail_goes_round_and_leaves_its_payload),
        cmocka_unit_test(detail_says_when_to_try_again),
        cmocka_unit_test(longest_detail_fits_its_bound),
        cmocka_unit_test(text_that_is_no_UTF8_is_cut_before_it),
        cmocka_unit_test(malformed_detail_leaves_the_error_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

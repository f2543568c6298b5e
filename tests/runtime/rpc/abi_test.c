/* Binary compatibility with programs compiled earlier: public structs keep
 * their sizes and offsets and grow only into their reserve; structs of other
 * sizes are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "sample.h"
#include "shmrpc/client.h"
#include "shmrpc/lock.h"
#include "shmrpc/server.h"
#include "shmrpc/stub.h"

static void structs_keep_their_sizes(void **state)
{
    (void)state;
    assert_int_equal(sizeof(shmrpc_opts), 64);
    assert_int_equal(offsetof(shmrpc_opts, reserved), 56);
    assert_int_equal(sizeof(shmrpc_server_opts), 192);
    assert_int_equal(offsetof(shmrpc_server_opts, reserved), 176);
    assert_int_equal(sizeof(shmrpc_method_access), 64);
    assert_int_equal(offsetof(shmrpc_method_access, reserved), 40);
    assert_int_equal(sizeof(shmrpc_lock_opts), 64);
    assert_int_equal(offsetof(shmrpc_lock_opts, reserved), 24);
    assert_int_equal(sizeof(shmrpc_lock_wait), 32);
    assert_int_equal(offsetof(shmrpc_lock_wait, reserved), 16);
    assert_int_equal(sizeof(shmrpc_client_stats), 64);
    assert_int_equal(offsetof(shmrpc_client_stats, reserved), 24);
    assert_int_equal(sizeof(shmrpc_error), 536);
    assert_int_equal(offsetof(shmrpc_error, reserved), 9);
    assert_int_equal(offsetof(shmrpc_error, retry_after_ns), 24);
    assert_int_equal(offsetof(shmrpc_error, name), 32);
    assert_int_equal(offsetof(shmrpc_error, path), 288);
    assert_int_equal(offsetof(shmrpc_error, message), 352);
}

static void tables_keep_their_sizes(void **state)
{
    (void)state;
    static const shmrpc_rows rows = SHMRPC_ROWS_INIT;
    assert_int_equal(offsetof(shmrpc_service, rows), 0);
    assert_int_equal(sizeof rows, 16);
    assert_int_equal(rows.service, 88);
    assert_int_equal(rows.method, 144);
    assert_int_equal(offsetof(shmrpc_method, policy), 112);
    assert_int_equal(rows.error, 32);
    assert_int_equal(rows.type, 104);
    assert_int_equal(rows.field, 48);
    assert_int_equal(rows.enumerator, 24);
}

static void errors_are_cleared(void **state)
{
    (void)state;
    static const uint8_t zeros[sizeof((shmrpc_error *)0)->reserved];
    shmrpc_error error;
    memset(&error, 0xff, sizeof error);
    (void)shmrpc_error_set(&error, SHMRPC_E_INVALID, "text");
    assert_memory_equal(error.reserved, zeros, sizeof zeros);
}

static void options_out_of_uncleared_memory_are_refused(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_client *client = NULL;
    const shmrpc_opts opts = {.reserved = {1}};
    assert_int_equal(shmrpc_stub_connect(&sample_service, "inproc://", &opts,
                                         &client, &error),
                     SHMRPC_E_INVALID);
    assert_non_null(strstr(error.message, "begin with {0}"));
    shmrpc_server *server = NULL;
    const shmrpc_server_opts server_opts = {.reserved = {1}};
    assert_int_equal(shmrpc_server_create(&server_opts, &server, &error),
                     SHMRPC_E_INVALID);
    const shmrpc_method_access access = {.method = "sum",
                                         .reserved = {0, 0, 1}};
    const shmrpc_server_opts with_access = {.method_access = &access,
                                            .method_access_count = 1};
    assert_int_equal(shmrpc_server_create(&with_access, &server, &error),
                     SHMRPC_E_INVALID);
    shmrpc_lock *lock = NULL;
    const shmrpc_lock_opts lock_opts = {.reserved = {[4] = 1}};
    assert_int_equal(shmrpc_lock_open("abi_test", SHMRPC_LOCK_CREATE,
                                      &lock_opts, &lock, &error),
                     SHMRPC_E_INVALID);
}

static void tables_of_other_headers_are_refused(void **state)
{
    (void)state;
    static const shmrpc_handler none[1];
    shmrpc_error error;
    shmrpc_client *client = NULL;
    shmrpc_server *server = NULL;
    shmrpc_service older = sample_service;
    older.rows.field -= 8;
    assert_int_equal(
        shmrpc_stub_connect(&older, "inproc://abi_test", NULL, &client, &error),
        SHMRPC_E_CONTRACT);
    assert_non_null(strstr(error.message, "generate and compile it again"));
    assert_int_equal(shmrpc_server_create(NULL, &server, NULL), SHMRPC_OK);
    assert_int_equal(
        shmrpc_stub_serve(server, &older, none, NULL, 0, NULL, &error),
        SHMRPC_E_CONTRACT);
    shmrpc_server_destroy(server);
    char name[] = "abi_test";
    char *argv[] = {name, NULL};
    assert_int_not_equal(shmrpc_stub_main(1, argv, &older, none, NULL, 0, NULL),
                         0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structs_keep_their_sizes),
        cmocka_unit_test(tables_keep_their_sizes),
        cmocka_unit_test(errors_are_cleared),
        cmocka_unit_test(options_out_of_uncleared_memory_are_refused),
        cmocka_unit_test(tables_of_other_headers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

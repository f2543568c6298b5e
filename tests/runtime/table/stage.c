#include "stage.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/memory.h"

int table_create(uint64_t max_bytes, uint64_t capacity, uint32_t log)
{
    shmrpci_table_spec spec = {
        .name = "stage",
        .name_len = 5,
        .max_bytes = max_bytes,
        .hash_seed = 0x5EED,
        .capacity = capacity,
        .log = log,
        .participants = 64,
    };
    uint64_t bytes;
    int fd;
    assert_int_equal(shmrpci_table_size(&spec, &bytes, NULL), SHMRPC_OK);
    assert_int_equal(shmrpci_memory_create_sparse("table", bytes, &fd),
                     SHMRPC_OK);
    assert_int_equal(shmrpci_table_format(fd, &spec, NULL), SHMRPC_OK);
    return fd;
}

shmrpc_status table_try_attach(int fd, shmrpci_access access,
                               shmrpci_table *out, shmrpc_error *error)
{
    int own;
    shmrpc_status status = shmrpci_memory_reopen(fd, access, &own);
    if (status == SHMRPC_OK) {
        status = shmrpci_table_attach(own, access, out, error);
        if (status != SHMRPC_OK) {
            shmrpci_fd_close(&own);
        }
    }
    return status;
}

void table_attach(int fd, shmrpci_table *out)
{
    shmrpc_error error = {0};
    if (table_try_attach(fd, SHMRPCI_ACCESS_WRITE, out, &error) != SHMRPC_OK) {
        fail_msg("%s", error.message);
    }
}

void table_attach_reader(int fd, shmrpci_table *out)
{
    assert_int_equal(table_try_attach(fd, SHMRPCI_ACCESS_READ, out, NULL),
                     SHMRPC_OK);
}

shmrpci_table_bytes text(const char *of)
{
    return (shmrpci_table_bytes){of, strlen(of)};
}

shmrpc_status try_put(shmrpci_table *table, const char *key, const char *value)
{
    return shmrpci_table_put(table, text(key), text(value), SHMRPCI_TABLE_ANY,
                             NULL, NULL);
}

void put(shmrpci_table *table, const char *key, const char *value)
{
    shmrpc_error error = {0};
    if (shmrpci_table_put(table, text(key), text(value), SHMRPCI_TABLE_ANY,
                          NULL, &error) != SHMRPC_OK) {
        fail_msg("put %s: %s", key, error.message);
    }
}

void del(shmrpci_table *table, const char *key)
{
    assert_int_equal(
        shmrpci_table_del(table, text(key), SHMRPCI_TABLE_ANY, NULL, NULL),
        SHMRPC_OK);
}

void expect(shmrpci_table *table, const char *key, const char *value)
{
    shmrpci_buf got;
    shmrpci_buf_init_heap(&got);
    shmrpc_status status =
        shmrpci_table_get(table, text(key), &got, NULL, NULL);
    if (value == NULL) {
        assert_int_equal(status, SHMRPC_E_NOT_FOUND);
    } else {
        assert_int_equal(status, SHMRPC_OK);
        assert_string_equal(shmrpci_buf_text(&got), value);
    }
    shmrpci_buf_fini(&got);
}

void expect_all(shmrpci_table *table, const char *entries)
{
    shmrpci_table_cursor cursor = {0};
    shmrpci_buf key;
    shmrpci_buf value;
    shmrpci_buf all;
    shmrpci_buf_init_heap(&key);
    shmrpci_buf_init_heap(&value);
    shmrpci_buf_init_heap(&all);
    while (shmrpci_table_next(table, &cursor, &key, &value, NULL, NULL) ==
           SHMRPC_OK) {
        shmrpci_buf_printf(&all, "%s%s=", all.len != 0 ? " " : "",
                           shmrpci_buf_text(&key));
        shmrpci_buf_append(&all, value.data, value.len);
    }
    assert_string_equal(shmrpci_buf_text(&all), entries);
    shmrpci_buf_fini(&key);
    shmrpci_buf_fini(&value);
    shmrpci_buf_fini(&all);
}

void expect_view(shmrpci_table_view *view, const char *entries)
{
    shmrpci_table_bytes key;
    shmrpci_table_bytes value;
    shmrpci_buf all;
    shmrpci_buf_init_heap(&all);
    shmrpci_table_view_rewind(view);
    while (shmrpci_table_view_next(view, &key, &value, NULL) == SHMRPC_OK) {
        shmrpci_buf_append_text(&all, all.len != 0 ? " " : "");
        shmrpci_buf_append(&all, key.data, key.len);
        shmrpci_buf_append_text(&all, "=");
        shmrpci_buf_append(&all, value.data, value.len);
        shmrpci_table_bytes again;
        size_t len = value.len;
        assert_int_equal(shmrpci_table_view_get(view, key, &again, NULL),
                         SHMRPC_OK);
        assert_int_equal(again.len, len);
        assert_memory_equal(again.data, all.data + all.len - len, len);
        /* A value is not copied, unless it is a nest, which is copied to the
         * view's own memory. */
        assert_true(again.data == value.data || value.data == NULL ||
                    again.data == view->nest.data);
    }
    assert_string_equal(shmrpci_buf_text(&all), entries);
    shmrpci_buf_fini(&all);
}

static void show(void *user, uint64_t offset, const char *what)
{
    (void)user;
    print_error("at %llu: %s\n", (unsigned long long)offset, what);
}

void table_check(shmrpci_table *table)
{
    if (shmrpci_table_check(table, show, NULL) != 0) {
        fail_msg("the table is damaged");
    }
}

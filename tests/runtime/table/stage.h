/*
 * Tables in memory files, for tests.
 *
 * Threading: one thread at a time may use a table.
 */
#ifndef SHMRPC_TESTS_TABLE_STAGE_H
#define SHMRPC_TESTS_TABLE_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "region/arena.h"
#include "table/table.h"

#define KIB ((uint64_t)1024)
#define MIB (1024 * KIB)

/* Makes a memory file with an empty table; fails the test if that is
 * impossible. */
int table_create(uint64_t max_bytes, uint64_t capacity, uint32_t log);
/* Attaches to the table. Also usable in a child, where a failure doesn't fail
 * the test. */
shmrpc_status table_try_attach(int fd, shmrpci_access access,
                               shmrpci_table *out, shmrpc_error *error);
void table_attach(int fd, shmrpci_table *out);
void table_attach_reader(int fd, shmrpci_table *out);

shmrpci_table_bytes text(const char *of);

/* Operations with texts as keys and values. */
shmrpc_status try_put(shmrpci_table *table, const char *key, const char *value);
void put(shmrpci_table *table, const char *key, const char *value);
void del(shmrpci_table *table, const char *key);
/* Fails the test unless the key has that value, or, with NULL, is missing. */
void expect(shmrpci_table *table, const char *key, const char *value);
/* Expects entries such as "k=v k=v", in order. */
void expect_all(shmrpci_table *table, const char *entries);
void expect_view(shmrpci_table_view *view, const char *entries);

/* Checks the table; on failure prints what is wrong and where, and fails the
 * test. */
void table_check(shmrpci_table *table);

#endif

/*
 * Helpers for tests of generated shared objects: a private folder, and a second
 * process. Threading: the main thread of a test.
 */
#ifndef TESTS_GENERATOR_TOGETHER_H
#define TESTS_GENERATOR_TOGETHER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shmrpc/error.h"

/* A test whose objects are in a private folder, which is removed at its end. */
#define IN_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, together_enter, together_leave)
int together_enter(void **state);
int together_leave(void **state);

/* Runs `child` in another process and `parent`, unless it is NULL, in this one;
 * both must succeed. */
void together(bool (*child)(void), void (*parent)(void));

/* Whether the status is OK; prints any other status. For the other process,
 * which can't use cmocka. */
bool went_well(int status, const shmrpc_error *error);

void assert_ok(int status, const shmrpc_error *error);

#endif

/*
 * What the tests of shared objects have in common, beside the stage of locks: a
 * folder of their own, processes, and memory in which they meet.
 *
 * Threading: one thread, unless a test makes more.
 */
#ifndef SHMRPCI_TESTS_OBJECTS_STAGE_H
#define SHMRPCI_TESTS_OBJECTS_STAGE_H

#include "../sync/lock_stage.h"

#include "shmrpc/objects.h"
#include "shmrpc/queue.h"

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, stage_open, stage_close)

/* The path of a file in the folder of objects; one at a time. */
const char *stage_path(const char *file);

/* Fails the test unless `status` is `expected`, and says what the error says.
 */
#define EXPECT(status, expected, error) \
    stage_expect((status), (expected), (error), __FILE__, __LINE__)
void stage_expect(int status, int expected, const shmrpc_error *error,
                  const char *file, int line);

/* The same for OK in a process of the cast. */
#define EXPECT_HERE(status, error) \
    stage_expect_here((status), (error), __FILE__, __LINE__)
void stage_expect_here(int status, const shmrpc_error *error, const char *file,
                       int line);

/* Whether the error's message has that in it; fails the test if not. */
void stage_expect_text(const shmrpc_error *error, const char *part);

/* How many objects there are; `out` gets the one whose name is `name`, as far
 * as it is no pointer, and `kind`. */
int stage_find(const char *name, shmrpc_object_info *out, char kind[32]);

/* How many descriptors this process has open. */
int stage_descriptors(void);

#endif

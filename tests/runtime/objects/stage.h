/*
 * Code shared by the tests of shared objects, in addition to the stage of the
 * lock tests: each test has a folder of its own, processes, and memory that
 * these share.
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

/* Returns the path of a file in the folder of objects; valid until the next
 * call. */
const char *stage_path(const char *file);

/* Fails the test unless `status` is `expected`, and prints the error. */
#define EXPECT(status, expected, error) \
    stage_expect((status), (expected), (error), __FILE__, __LINE__)
void stage_expect(int status, int expected, const shmrpc_error *error,
                  const char *file, int line);

/* Like EXPECT with the status OK, for child processes of the test. */
#define EXPECT_HERE(status, error) \
    stage_expect_here((status), (error), __FILE__, __LINE__)
void stage_expect_here(int status, const shmrpc_error *error, const char *file,
                       int line);

/* Fails the test unless the error's message contains the text. */
void stage_expect_text(const shmrpc_error *error, const char *part);

/* Returns the number of objects. `out` receives those members of the object
 * `name` that are not pointers, `kind` its kind. */
int stage_find(const char *name, shmrpc_object_info *out, char kind[32]);

/* Returns how many descriptors this process has open. */
int stage_descriptors(void);

#endif

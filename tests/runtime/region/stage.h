/*
 * A region for tests, which keeps runs in an array of roots.
 *
 * Threading: one thread.
 */
#ifndef SHMRPC_TESTS_REGION_STAGE_H
#define SHMRPC_TESTS_REGION_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "region/region.h"

#define STAGE_ROOTS 64u

/* Makes a memory file with a region of `max_bytes`; fails the test if that is
 * impossible. */
int stage_create(uint64_t max_bytes, uint32_t participants);

/* Opens another open file description of the same file. */
int stage_open_again(int fd);

/* Attaches to the region; also usable in a child. */
shmrpc_status stage_attach(int fd, shmrpci_region *out, shmrpc_error *error);

/* Takes a run, makes root `index` point to it, and keeps it. */
shmrpc_status stage_put(shmrpci_region *region, uint32_t index, uint64_t bytes,
                        shmrpc_error *error);
/* Frees the run that a root points to, if any. */
void stage_remove(shmrpci_region *region, uint32_t index);

/* Returns the run that root `index` points to, or 0. */
uint64_t stage_root(const shmrpci_region *region, uint32_t index);

/* Checks the region. Fails the test if it is damaged, and prints what is wrong
 * and where. */
void stage_check(const shmrpci_region *region);

/* Returns the number of free spans, whether or not the file has memory for
 * them. */
uint32_t stage_free_spans(const shmrpci_region *region);

#endif

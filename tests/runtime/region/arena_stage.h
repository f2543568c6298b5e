/*
 * A region for tests, which keeps blocks in an array of roots. Only one
 * participant at a time changes a root.
 *
 * Threading: one thread.
 */
#ifndef SHMRPC_TESTS_REGION_ARENA_STAGE_H
#define SHMRPC_TESTS_REGION_ARENA_STAGE_H

#include "stage.h"

#include "region/arena.h"

#define ARENA_ROOTS 512u

int arena_create(uint64_t max_bytes, uint32_t participants);
shmrpc_status arena_attach(int fd, shmrpci_region *out, shmrpc_error *error);
/* Attaches to it read-only. */
shmrpc_status arena_attach_reader(int fd, shmrpci_region *out);

/* Makes root `index` lead to a new block, and retires the previous one; 0 bytes
 * mean no new block. The caller assigns `change`. */
shmrpc_status arena_put(shmrpci_region *region, uint32_t index, uint64_t bytes,
                        uint64_t change, shmrpc_error *error);
uint64_t arena_root(const shmrpci_region *region, uint32_t index);
/* The number of bytes in the blocks to which roots lead. */
uint64_t arena_reachable(const shmrpci_region *region);

/* A block that must not be reclaimed yet, or 0. */
extern uint64_t arena_used;

#endif

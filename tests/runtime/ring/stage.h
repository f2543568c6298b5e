/*
 * Rings for tests: memory files with a queue in them, and the records to push.
 *
 * Threading: one thread, except where noted.
 */
#ifndef SHMRPC_TESTS_RING_STAGE_H
#define SHMRPC_TESTS_RING_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/clock.h"
#include "ring/queue.h"

/* Makes a memory file with a region in it. */
int stage_make(const shmrpci_region_spec *spec);
int stage_make_queue(const shmrpci_queue_spec *spec);

/* Opens the same file once more, which makes another open file description. */
int stage_open_again(int fd);
int stage_open_again_to_read(int fd);

shmrpci_queue *stage_open_queue(int fd);

/* Returns a deadline that no test reaches unless something is wrong. */
int64_t stage_soon(void);

/* Push and pop a number; pop fails the test unless there is one. */
shmrpc_status stage_push(shmrpci_queue *queue, uint64_t number);
uint64_t stage_pop(shmrpci_queue *queue);
shmrpc_status stage_try_pop(shmrpci_queue *queue, uint64_t *out);
/* The same, also returning the record's flags. */
shmrpc_status stage_try_take(shmrpci_queue *queue, uint64_t *out,
                             shmrpci_item *item);

/* The length and the bytes of a record are derived from its number. */
uint32_t stage_length(uint64_t number, uint32_t max);
void stage_fill(void *data, uint32_t len, uint64_t number);
/* Whether a record is intact; `out` receives its number. Any thread. */
_Bool stage_is_whole(const void *data, uint32_t len, uint64_t *out);

/* Checks the ring; on failure prints what is wrong and where, and fails the
 * test. */
void stage_check_queue(int fd);

#endif

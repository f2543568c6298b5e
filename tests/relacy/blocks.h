/*
 * A region for the source of the table, whose blocks are reused as soon as they
 * may be: the arena of runtime/region would wait for 64 younger ones, and hide
 * errors.
 *
 * Blocks are kept in plain memory, since only their participant's thread, or
 * its heir, touches them. What a block is used for is checked at every step.
 *
 * Threading: as table.h.
 */
#ifndef TESTS_RELACY_BLOCKS_H
#define TESTS_RELACY_BLOCKS_H

#include "table/inside.h"

#define BLOCKS_PARTICIPANTS 3u

/* Before each run. */
void blocks_reset(void);

/* A handle as participant `me`, or a read-only one. */
void blocks_attach(shmrpci_table *out, uint32_t me, bool is_writer);

/* When everything is over: reachable blocks are in use, and all others are
 * not. */
void blocks_check(const shmrpci_table *table);

#endif

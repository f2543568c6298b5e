/*
 * A region for the source of the table, whose blocks are reused as soon as
 * allowed. The arena of runtime/region would first wait for 64 younger blocks,
 * which would hide errors.
 *
 * Blocks are kept in plain memory, since only their participant's thread, or
 * its heir, touches them. What a block is used for is checked at every step.
 *
 * Threading: as in table.h.
 */
#ifndef TESTS_RELACY_BLOCKS_H
#define TESTS_RELACY_BLOCKS_H

#include "table/inside.h"

#define BLOCKS_PARTICIPANTS 3u

/* Called before each run. */
void blocks_reset(void);

/* Makes a handle for participant `me`, or a read-only one. */
void blocks_attach(shmrpci_table *out, uint32_t me, bool is_writer);

/* Called at the end: reachable blocks must be in use, and all others must
 * not. */
void blocks_check(const shmrpci_table *table);

#endif

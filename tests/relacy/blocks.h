/*
 * The region on which the source of the table runs. It reuses a block as soon
 * as that is allowed. The arena of runtime/region would first wait for 64
 * younger blocks, which would hide errors.
 *
 * The list of blocks is plain memory, because only the thread of a block's
 * participant, or of its heir, touches the block's entry. Each step checks the
 * state of the block.
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

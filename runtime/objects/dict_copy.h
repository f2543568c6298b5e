/*
 * This machine's copy of a dict of many machines: an ordinary dict with a name
 * of its own, which serves all reads and lives until its last user has closed
 * it.
 *
 * One of its users is the keeper: the one that holds the byte KEEPER of its
 * file (label.h). It receives all changes and stores them; when it dies,
 * another takes the byte within about a second, and receives everything again.
 *
 * Layout, behind the locks of the dict, zeros at first:
 *
 *     offset                                              who writes it
 *          0  magic: tells that this is a copy            its first user
 *          8  reached: the revision that was stored last  the keeper
 *         16  is_whole: a pass over all entries has       the keeper
 *             ended, and no other has begun since
 *         20  bell: counts changes of the words above     the keeper
 *         24  waiters: how many threads wait for the bell waiting threads
 *
 * Threading: any thread may call await. The other functions are called by one
 * thread, when a handle is opened or closed. The engine's thread fills the
 * copy.
 */
#ifndef SHMRPCI_OBJECTS_DICT_COPY_H
#define SHMRPCI_OBJECTS_DICT_COPY_H

#include "objects/dict_inside.h"

/* Adds room for the words above to a region spec that has the area of the locks
 * already. */
void shmrpci_dict_copy_plan(shmrpci_region_spec *spec);

/* Called for a handle whose copy is open: follows the engine, and waits until
 * the copy is complete. Returns DEADLINE; CONTRACT if the file is not a copy;
 * DESTROYED or NO_MEMORY. */
shmrpc_status shmrpci_dict_copy_follow(shmrpci_handle *handle,
                                       shmrpc_error *error);
/* Called after the engine was closed. */
void shmrpci_dict_copy_unfollow(shmrpci_handle *handle);

/* Waits until the copy has all changes up to `revision`, until the deadline, or
 * until the copy has ended. */
void shmrpci_dict_copy_await(shmrpc_dict *dict, uint64_t revision,
                             int64_t deadline_ns);

#endif

/*
 * Calls that are detached: their handlers have returned, and another thread
 * will answer (shmrpc_ctx_detach in <shmrpc/server.h>).
 *
 * Such a call takes along what its worker had for it: parameters, memory,
 * metadata.  The worker gets new room, and goes on.  What the program holds is
 * a context of the call's own, until it has answered.
 *
 *     OPEN -> ANSWERING --------> ANSWERED    by the program
 *       +---> ENDING -> ENDED -------^        by its worker, which can wait no
 *                                             longer; then by the program
 *
 * Who answered last stays in memory until 64 others have (misuse.h), so that a
 * second answer is a sentence, and does no harm.
 *
 * Threading: detach: the handler's thread; reply: any, one at a time for each
 * call; end: the worker's thread, when its handlers have returned.
 */
#ifndef SHMRPCI_RPC_DETACH_H
#define SHMRPCI_RPC_DETACH_H

#include <stdint.h>

/* The detached calls of a worker. */
typedef struct shmrpci_detached_set shmrpci_detached_set;

/* Waits until all are answered, for `drain_ns` at most; then ends the others in
 * ABORTED, and says so. None is answered any more; the set is given back.
 */
void shmrpci_detached_end(shmrpci_detached_set *set, int64_t drain_ns);

#endif

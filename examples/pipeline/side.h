/* Code shared by the programs of this example: names, packets, and how they
 * end. */
#ifndef SIDE_H
#define SIDE_H

#include <shmrpc/queue.h>
#include <shmrpc/topic.h>

/* Prints why, and ends the program with status 1. */
_Noreturn void side_fail(const char *what, const shmrpc_error *error);

/* A whole number of an argument; a bad one ends the program. */
uint64_t side_number(const char *text, const char *what);

/*
 * Creates the queue POOL.PIPE for `capacity` packets, or opens the existing
 * one. It is removed when its last user has closed it or died, so nothing is
 * left for the next run. `bytes`: the most memory that it may take; 0: the
 * default.
 */
shmrpc_queue *side_make(const char *pool, const char *pipe, uint64_t capacity,
                        uint64_t bytes);

/* Waits until another program has created it, however long that takes. */
shmrpc_queue *side_find(const char *pool, const char *pipe);

/* Ends the queue, and waits until all packets are taken. */
void side_finish(shmrpc_queue *queue);

/* The same for topics. */
shmrpc_topic *side_make_topic(const char *pool, const char *name,
                              const shmrpc_topic_opts *opts);
shmrpc_topic *side_find_topic(const char *pool, const char *name);

/* Pushes; reports each time that this has taken another `patience` seconds.
 * Ends the program if pushing is not possible any more. */
void side_push(shmrpc_queue *to, const shmrpc_any *packet, double patience);

/* Pops; reports long waits in the same way. NULL: the queue was ended, and is
 * empty. The packet must be released. */
const shmrpc_any *side_pop(shmrpc_queue *from, double patience);

#endif

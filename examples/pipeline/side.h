/* What the programs of this example share: names, packets, and how they end. */
#ifndef SIDE_H
#define SIDE_H

#include <shmrpc/queue.h>
#include <shmrpc/topic.h>

/* Prints why, and ends the program with status 1. */
_Noreturn void side_fail(const char *what, const shmrpc_error *error);

/* A whole number of an argument; a bad one ends the program. */
uint64_t side_number(const char *text, const char *what);

/*
 * Makes the queue POOL.PIPE for `capacity` packets, or goes on with the one
 * that others have open.  It ends with the last who has it open, however that
 * one ends: nothing is left for the next run.  `bytes`: the most memory that it
 * may take; 0: what the library thinks right.
 */
shmrpc_queue *side_make(const char *pool, const char *pipe, uint64_t capacity,
                        uint64_t bytes);

/* Waits until somebody has made it, for as long as that takes. */
shmrpc_queue *side_find(const char *pool, const char *pipe);

/* Says that no more packets come, and waits until they are taken. */
void side_finish(shmrpc_queue *queue);

/* The same for topics. */
shmrpc_topic *side_make_topic(const char *pool, const char *name,
                              const shmrpc_topic_opts *opts);
shmrpc_topic *side_find_topic(const char *pool, const char *name);

/* Pushes, and says so when that takes longer than `patience` seconds, again and
 * again. Ends the program if nobody can push any more. */
void side_push(shmrpc_queue *to, const shmrpc_any *packet, double patience);

/* Pops, and says so when that takes longer. NULL: the queue was ended, and all
 * of it is taken. The packet is to be released. */
const shmrpc_any *side_pop(shmrpc_queue *from, double patience);

#endif

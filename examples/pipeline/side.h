/* Common code of this example's programs: names, packets, and how programs
 * end. */
#ifndef SIDE_H
#define SIDE_H

#include <shmrpc/queue.h>
#include <shmrpc/topic.h>

/* Prints the error, and ends the program with status 1. */
_Noreturn void side_fail(const char *what, const shmrpc_error *error);

/* Converts an argument to a whole number; ends the program if it is invalid. */
uint64_t side_number(const char *text, const char *what);

/*
 * Creates the queue POOL.PIPE for `capacity` packets, or opens the existing
 * one. The queue is removed when its last user has closed it or died, so
 * nothing is left for the next run. `bytes` limits its memory; 0 means the
 * default.
 */
shmrpc_queue *side_make(const char *pool, const char *pipe, uint64_t capacity,
                        uint64_t bytes);

/* Opens the queue; waits without limit until another program has created it. */
shmrpc_queue *side_find(const char *pool, const char *pipe);

/* Ends the queue, and waits until all packets are taken. */
void side_finish(shmrpc_queue *queue);

/* Creates the topic POOL.NAME, or opens the existing one. */
shmrpc_topic *side_make_topic(const char *pool, const char *name,
                              const shmrpc_topic_opts *opts);
shmrpc_topic *side_find_topic(const char *pool, const char *name);

/* Pushes a packet; prints a message after each `patience` seconds of waiting.
 * Ends the program if pushing has become impossible. */
void side_push(shmrpc_queue *to, const shmrpc_any *packet, double patience);

/* Pops a packet, which must be released; reports long waits like side_push().
 * Returns NULL if the queue was ended and is empty. */
const shmrpc_any *side_pop(shmrpc_queue *from, double patience);

#endif

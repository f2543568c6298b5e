/*
 * How often somebody may do something: a bucket of tokens for each, in a table
 * of fixed size. The one that has been full for longest makes room for a new
 * one; while none is full, the one that was used last longest ago.
 *
 * Threading: one thread at a time.
 */
#ifndef SHMRPC_WEB_RATE_H
#define SHMRPC_WEB_RATE_H

#include <stdint.h>

#define WEB_RATE_PLACES 64

typedef struct web_rate_place {
    uint64_t who;
    int64_t empty_ns; /* the bucket holds what has come in since then */
} web_rate_place;

typedef struct web_rate {
    unsigned most;    /* at once */
    int64_t every_ns; /* one more each */
    web_rate_place places[WEB_RATE_PLACES];
} web_rate;

/* A name as a number; the same for the same one. */
uint64_t web_rate_of(const char *who);

/* Takes a token of `who`; 0: it may go on; else it may in so many seconds. */
unsigned web_rate_take(web_rate *rate, uint64_t who, int64_t now_ns);

#endif

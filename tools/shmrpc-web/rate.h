/*
 * Rate limits: a token bucket for each sender, in a table of fixed size. A new
 * sender replaces the one whose bucket has been full for longest, or if none is
 * full, the one with the fullest bucket.
 *
 * Threading: one thread at a time.
 */
#ifndef SHMRPC_WEB_RATE_H
#define SHMRPC_WEB_RATE_H

#include <stdint.h>

#define WEB_RATE_PLACES 64

typedef struct web_rate_place {
    uint64_t who;
    int64_t empty_ns; /* the bucket contains the tokens that have accrued since
                       * this time */
} web_rate_place;

typedef struct web_rate {
    unsigned most;    /* maximum number of tokens in the bucket */
    int64_t every_ns; /* time until one more token accrues */
    web_rate_place places[WEB_RATE_PLACES];
} web_rate;

/* A number for a sender's name. Equal names give equal numbers. */
uint64_t web_rate_of(const char *who);

/* Takes a token for `who`. Returns 0 if there was one, else the number of
 * seconds to wait. */
unsigned web_rate_take(web_rate *rate, uint64_t who, int64_t now_ns);

#endif

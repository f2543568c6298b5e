/*
 * Which instances of a service there are, and which one a client takes.
 *
 * Clients choose, not NATS: that knows neither who is near nor who is busy, and
 * nobody would know who has got a request.
 *
 * Threading: one thread, before its pump is started.
 */
#ifndef SHMRPCI_TRANSPORT_NATS_SEARCH_H
#define SHMRPCI_TRANSPORT_NATS_SEARCH_H

#include "transport/nats/pump.h"

/* Instances that a client knows. */
#define NATS_FOUND_MAX 16u

typedef struct nats_found {
    nats_who who;
    uint32_t load; /* calls in progress, as it said */
} nats_found;

typedef struct nats_search {
    nats_found found[NATS_FOUND_MAX];
    uint32_t count;
    bool is_nobody; /* NATS says that there is none */
    /* Of open: */
    uint64_t link;   /* 0: no answer yet */
    bool is_refused; /* some gateway has said no */
} nats_search;

/* To be called with what comes to the client's inbox. */
void nats_search_take(nats_search *search, nats_result result,
                      const nats_parcel *parcel);

/* Asks all gateways of a service, who answer to `reply`. Waits for the first
 * answer, and a moment for more. UNAVAILABLE: there is none; DEADLINE. */
int nats_search_find(nats_search *search, nats_pump *pump, const char *service,
                     const char *reply, int64_t deadline_ns,
                     shmrpc_error *error);

/* The best of those that are left, which it then takes off the list: of our
 * zone, if one is there, and the less busy one of two. Random: any number. */
nats_found nats_search_choose(nats_search *search, const char *zone,
                              uint64_t random);

/* Asks one for a link. UNAVAILABLE: it is not there any more, or has too many;
 * DEADLINE. */
int nats_search_open(nats_search *search, nats_pump *pump, const char *subject,
                     const char *reply, int64_t deadline_ns);

#endif

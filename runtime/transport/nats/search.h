/*
 * Finds the instances of a service, and chooses one for a client.
 *
 * Clients choose, not NATS: it knows neither which instance is near nor which
 * is busy, and a client would not know which one got its request.
 *
 * Threading: one thread, before its pump is started.
 */
#ifndef SHMRPCI_TRANSPORT_NATS_SEARCH_H
#define SHMRPCI_TRANSPORT_NATS_SEARCH_H

#include "transport/nats/pump.h"

/* The most instances that a client considers. */
#define NATS_FOUND_MAX 16u

typedef struct nats_found {
    nats_who who;
    uint32_t load; /* calls in progress, as it reported */
} nats_found;

typedef struct nats_search {
    nats_found found[NATS_FOUND_MAX];
    uint32_t count;
    bool is_nobody; /* NATS says that there is none */
    /* Results of open. */
    uint64_t link;   /* 0: no answer yet */
    bool is_refused; /* a gateway has refused */
} nats_search;

/* Must be called with each message of the client's inbox. */
void nats_search_take(nats_search *search, nats_result result,
                      const nats_parcel *parcel);

/* Asks all gateways of a service, which answer to `reply`. Waits for the first
 * answer, and a moment for more. UNAVAILABLE: there is none; DEADLINE. */
int nats_search_find(nats_search *search, nats_pump *pump, const char *service,
                     const char *reply, int64_t deadline_ns,
                     shmrpc_error *error);

/* Takes the best remaining one off the list: of our zone, if there is one, and
 * the less busy of two. `random`: any number. */
nats_found nats_search_choose(nats_search *search, const char *zone,
                              uint64_t random);

/* Asks one for a link. UNAVAILABLE: it is gone, or has too many links;
 * DEADLINE. */
int nats_search_open(nats_search *search, nats_pump *pump, const char *subject,
                     const char *reply, int64_t deadline_ns);

#endif

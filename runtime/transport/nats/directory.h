/*
 * The instances of a service that a client knows; chooses one of them for each
 * call.
 *
 * The client chooses, not NATS: NATS knows neither which instance is near nor
 * which one is busy, and the client would not know which instance got its
 * request.
 *
 * A call takes the less loaded of two random instances of the nearest kind. The
 * load is the number of our own calls there plus the number of others' calls
 * that its gateway last reported, unless this report is more than a second old.
 * An instance that refused a call with EXHAUSTED is left out for a while; this
 * time doubles with each refusal and halves with each success. Farther
 * instances are used while all near ones are left out or have twice the load,
 * until the load of the near ones is no higher than that of the farther ones.
 *
 * Threading: no lock of its own; the owner's lock guards it.
 */
#ifndef SHMRPCI_TRANSPORT_NATS_DIRECTORY_H
#define SHMRPCI_TRANSPORT_NATS_DIRECTORY_H

#include "os/clock.h"
#include "transport/nats/parcel.h"

/* Maximum number of instances that a client knows. */
#define NATS_INSTANCES_MAX 16u
/* Index that means "no instance". */
#define NATS_NO_INSTANCE UINT32_MAX

/* A link can carry 64 calls. Another link to the instance is opened once its
 * links have half of that on average. */
#define NATS_LINK_CALLS         32u
#define NATS_INSTANCE_LINKS_MAX 4u

typedef enum nats_nearness {
    NATS_SAME_MACHINE,
    NATS_SAME_ZONE,
    NATS_ELSEWHERE
} nats_nearness;

typedef struct nats_instance {
    bool is_used;
    bool has_answered; /* it has answered the last search */
    bool is_silent;    /* left out until it answers again */
    nats_who who;
    nats_nearness nearness;
    uint32_t links;     /* links that are open or being opened */
    uint32_t ready;     /* number of these links that take calls */
    uint32_t calls;     /* our calls in flight */
    uint32_t others;    /* others' calls, as last reported */
    int64_t heard_ns;   /* when `others` was reported */
    int64_t out_ns;     /* left out until then because it refused a call */
    int64_t pause_ns;   /* how long it was left out the last time */
    int64_t no_link_ns; /* no new link is tried before then */
} nats_instance;

typedef struct nats_directory {
    char host[64];
    char zone[64];    /* "": none */
    bool is_far;      /* farther instances are used, because the near ones have
                       * twice the load */
    uint32_t answers; /* number of answers to the last search */
    nats_instance instances[NATS_INSTANCES_MAX];
} nats_directory;

void nats_directory_init(nats_directory *dir, const char *zone);

/* ---- known instances ----------------------------------------------------- */

/* Begins a search. Forgets instances that have no link and did not answer the
 * last search. */
void nats_directory_search(nats_directory *dir);
/* Adds an instance that has answered. If the directory is full, nearer
 * instances replace farther ones; among equally near ones chance decides. */
void nats_directory_add(nats_directory *dir, const nats_who *who, uint32_t load,
                        int64_t now_ns, uint64_t random);
/* Called when an instance has left (drop), or does not answer (silence). In
 * both cases the instance gets no new links until it answers a search. */
void nats_directory_drop(nats_directory *dir, const char *id);
void nats_directory_silence(nats_directory *dir, uint32_t index);
/* Called when a reply has reported how many calls its gateway has. */
void nats_directory_report(nats_directory *dir, uint32_t index, uint32_t load,
                           int64_t now_ns);

/* ---- links ---- */

/* Returns the instance that should get a link now, its first or an additional
 * one; NATS_NO_INSTANCE: none. */
uint32_t nats_directory_wanted(const nats_directory *dir, int64_t now_ns,
                               uint64_t random);
/* Called when a link to an instance could not be opened. No other link to it is
 * tried for a second. */
void nats_directory_no_link(nats_directory *dir, uint32_t index,
                            int64_t now_ns);
/* Returns when nats_directory_wanted should be called again at the latest. */
int64_t nats_directory_next(const nats_directory *dir, int64_t now_ns);

/* ---- calls ---- */

/* Chooses the instance for a call among the instances with a ready link;
 * returns NATS_NO_INSTANCE if there is none. `random` is any random number. */
uint32_t nats_directory_choose(nats_directory *dir, int64_t now_ns,
                               uint64_t random);
/* Called when a call was refused as EXHAUSTED (refused), or was served. */
void nats_directory_refused(nats_directory *dir, uint32_t index,
                            int64_t now_ns);
void nats_directory_served(nats_directory *dir, uint32_t index);

#endif

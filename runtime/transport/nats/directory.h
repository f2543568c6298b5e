/*
 * The instances of a service that a client knows, and which of them a call
 * takes.
 *
 * Clients choose, not NATS: it knows neither which instance is near nor which
 * is busy, and a client would not know which one got its request.
 *
 * A call takes the less loaded of two random ones of the nearest kind.  The
 * load is our own calls there and, for a second, those of others as its gateway
 * has last reported.  One that refused a call as EXHAUSTED is left out for a
 * while, which doubles with each refusal and halves with each success; those
 * farther away are used while all near ones are left out, or have twice the
 * load, until the near ones have no more than they.
 *
 * Threading: none of its own; the owner's lock.
 */
#ifndef SHMRPCI_TRANSPORT_NATS_DIRECTORY_H
#define SHMRPCI_TRANSPORT_NATS_DIRECTORY_H

#include "os/clock.h"
#include "transport/nats/parcel.h"

/* The most instances that a client knows. */
#define NATS_INSTANCES_MAX 16u
/* No instance. */
#define NATS_NO_INSTANCE UINT32_MAX

/* A link takes 64 calls; from half of that on another one is added. */
#define NATS_LINK_CALLS         32u
#define NATS_INSTANCE_LINKS_MAX 4u

typedef enum nats_nearness {
    NATS_SAME_MACHINE,
    NATS_SAME_ZONE,
    NATS_ELSEWHERE
} nats_nearness;

typedef struct nats_instance {
    bool is_used;
    bool has_answered; /* the last search */
    bool is_silent;    /* left out until it is heard again */
    nats_who who;
    nats_nearness nearness;
    uint32_t links;     /* open, or being opened */
    uint32_t ready;     /* of these, those that take calls */
    uint32_t calls;     /* ours, in flight */
    uint32_t others;    /* calls of others, as last reported */
    int64_t heard_ns;   /* when that was */
    int64_t out_ns;     /* refused: left out until then */
    int64_t pause_ns;   /* for how long, the last time */
    int64_t no_link_ns; /* no link is tried before */
} nats_instance;

typedef struct nats_directory {
    char host[64];
    char zone[64];    /* "": none */
    bool is_far;      /* the near ones have twice the load */
    uint32_t answers; /* to the last search */
    nats_instance instances[NATS_INSTANCES_MAX];
} nats_directory;

void nats_directory_init(nats_directory *dir, const char *zone);

/* ---- what is known ---- */

/* A search begins: forgets those that have not answered the last one, and have
 * no link. */
void nats_directory_search(nats_directory *dir);
/* An instance has said that it is there. Of more than the directory holds,
 * nearer ones take the place of others, else it is random who stays. */
void nats_directory_add(nats_directory *dir, const nats_who *who, uint32_t load,
                        int64_t now_ns, uint64_t random);
/* It is gone, or does not answer. */
void nats_directory_drop(nats_directory *dir, const char *id);
void nats_directory_silence(nats_directory *dir, uint32_t index);
/* A reply has said how many calls its gateway has. */
void nats_directory_report(nats_directory *dir, uint32_t index, uint32_t load,
                           int64_t now_ns);

/* ---- links ---- */

/* Which instance should get a link now, its first or a further one;
 * NATS_NO_INSTANCE: none. */
uint32_t nats_directory_wanted(const nats_directory *dir, int64_t now_ns,
                               uint64_t random);
/* A link could not be opened: none is tried for a second. */
void nats_directory_no_link(nats_directory *dir, uint32_t index,
                            int64_t now_ns);
/* When to ask for `wanted` again at the latest. */
int64_t nats_directory_next(const nats_directory *dir, int64_t now_ns);

/* ---- calls ---- */

/* The instance for a call, of those with links that are ready;
 * NATS_NO_INSTANCE: none has. `random`: any number. */
uint32_t nats_directory_choose(nats_directory *dir, int64_t now_ns,
                               uint64_t random);
/* How a call has ended: refused as EXHAUSTED, or not. */
void nats_directory_refused(nats_directory *dir, uint32_t index,
                            int64_t now_ns);
void nats_directory_served(nats_directory *dir, uint32_t index);

#endif

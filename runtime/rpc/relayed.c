/* Keeps track of the peers of relays that this process has seen. */
#include "rpc/relayed.h"

#include <stdlib.h>

#include "base/assert.h"
#include "os/thread.h"

#define BUCKETS 1024u
/* How many departed peers are remembered, because a oneway call of a departed
 * peer may still arrive. */
#define LEFT 256u

typedef struct peer {
    uint64_t number;
    uint64_t relay; /* the connection of its last call */
    uint32_t calls; /* number of calls running now */
    bool has_left;
    struct peer *next;
} peer;

/* A connection that has carried calls of peers. */
typedef struct relay {
    uint64_t number;
    uint32_t peers;
    struct relay *next;
} relay;

struct shmrpci_relayed {
    shmrpci_mutex lock;
    peer *peers[BUCKETS];
    relay *relays;
    uint64_t left[LEFT]; /* a ring buffer */
    uint32_t left_count; /* number of peers that have left so far */
};

shmrpci_relayed *shmrpci_relayed_create(void)
{
    shmrpci_relayed *all = calloc(1, sizeof *all);
    if (all != NULL) {
        shmrpci_mutex_init(&all->lock);
    }
    return all;
}

void shmrpci_relayed_destroy(shmrpci_relayed *all)
{
    if (all == NULL) {
        return;
    }
    for (uint32_t i = 0; i < BUCKETS; i++) {
        for (peer *p; (p = all->peers[i]) != NULL;) {
            all->peers[i] = p->next;
            free(p);
        }
    }
    for (relay *r; (r = all->relays) != NULL;) {
        all->relays = r->next;
        free(r);
    }
    shmrpci_mutex_fini(&all->lock);
    free(all);
}

/* ---- under the lock ------------------------------------------------------ */

/* Returns the pointer to a peer in its list, or where the peer would be
 * inserted. */
static peer **find(shmrpci_relayed *all, uint64_t number)
{
    peer **at = &all->peers[(number ^ number >> 32) % BUCKETS];
    while (*at != NULL && (*at)->number != number) {
        at = &(*at)->next;
    }
    return at;
}

static relay **find_relay(shmrpci_relayed *all, uint64_t number)
{
    relay **at = &all->relays;
    while (*at != NULL && (*at)->number != number) {
        at = &(*at)->next;
    }
    return at;
}

static relay *relay_of(shmrpci_relayed *all, uint64_t number)
{
    relay **at = find_relay(all, number);
    if (*at == NULL) {
        *at = calloc(1, sizeof **at);
        if (*at != NULL) {
            (*at)->number = number;
        }
    }
    return *at;
}

static bool has_left(const shmrpci_relayed *all, uint64_t number)
{
    uint32_t count = all->left_count < LEFT ? all->left_count : LEFT;
    for (uint32_t i = 0; i < count; i++) {
        if (all->left[i] == number) {
            return true;
        }
    }
    return false;
}

/* Notes that the peer's calls come over another connection from now on. */
static void move_to(shmrpci_relayed *all, peer *p, relay *by)
{
    relay *before = *find_relay(all, p->relay);
    if (before != NULL) {
        before->peers--;
    }
    p->relay = by->number;
    by->peers++;
}

static int add(shmrpci_relayed *all, peer **at, uint64_t number, relay *by,
               shmrpc_error *error)
{
    if (by->peers >= SHMRPCI_RELAYED_MAX) {
        return shmrpc_error_set(error, SHMRPC_E_EXHAUSTED,
                                "this gateway's connection already has %u "
                                "known peers that have not left",
                                SHMRPCI_RELAYED_MAX);
    }
    *at = calloc(1, sizeof **at);
    if (*at == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    (*at)->number = number;
    (*at)->relay = by->number;
    (*at)->has_left = has_left(all, number);
    by->peers++;
    return SHMRPC_OK;
}

/* Forgets a peer that has left, unless one of its calls is running. */
static bool forget(shmrpci_relayed *all, peer **at)
{
    peer *p = *at;
    if (!p->has_left || p->calls > 0) {
        return false;
    }
    relay *by = *find_relay(all, p->relay);
    if (by != NULL) {
        by->peers--;
    }
    *at = p->next;
    free(p);
    return true;
}

/* ---- calls --------------------------------------------------------------- */

int shmrpci_relayed_enter(shmrpci_relayed *all, uint64_t number,
                          uint64_t relay_number, shmrpc_error *error)
{
    shmrpci_mutex_lock(&all->lock);
    peer **at = find(all, number);
    relay *by = relay_of(all, relay_number);
    int status = by == NULL    ? shmrpc_error_set(error, SHMRPC_E_NO_MEMORY,
                                                  "out of memory")
                 : *at == NULL ? add(all, at, number, by, error)
                               : (int)SHMRPC_OK;
    if (status == SHMRPC_OK) {
        (*at)->calls++;
        if ((*at)->relay != relay_number) {
            move_to(all, *at, by);
        }
    }
    shmrpci_mutex_unlock(&all->lock);
    return status;
}

bool shmrpci_relayed_leave(shmrpci_relayed *all, uint64_t number)
{
    shmrpci_mutex_lock(&all->lock);
    peer **at = find(all, number);
    SHMRPCI_ASSERT(*at != NULL && (*at)->calls > 0,
                   "a peer that leaves has entered");
    (*at)->calls--;
    bool is_told = forget(all, at);
    shmrpci_mutex_unlock(&all->lock);
    return is_told;
}

/* ---- ends ---------------------------------------------------------------- */

bool shmrpci_relayed_part(shmrpci_relayed *all, uint64_t number)
{
    shmrpci_mutex_lock(&all->lock);
    peer **at = find(all, number);
    bool is_known = *at != NULL;
    all->left[all->left_count++ % LEFT] = number;
    /* Keeps the count at LEFT or above once the ring is full; a wrapped counter
     * would make it seem empty. */
    all->left_count = all->left_count == 2 * LEFT ? LEFT : all->left_count;
    if (is_known) {
        (*at)->has_left = true;
    }
    bool is_told = is_known && forget(all, at);
    shmrpci_mutex_unlock(&all->lock);
    return is_told;
}

/* Returns the next peer, starting at *bucket, whose relay is gone, or NULL. The
 * caller has the lock. */
static peer **find_orphan(shmrpci_relayed *all, uint64_t relay_number,
                          uint32_t *bucket)
{
    for (; *bucket < BUCKETS; (*bucket)++) {
        peer **at = &all->peers[*bucket];
        while (*at != NULL &&
               ((*at)->relay != relay_number || (*at)->has_left)) {
            at = &(*at)->next;
        }
        if (*at != NULL) {
            return at;
        }
    }
    return NULL;
}

bool shmrpci_relayed_end(shmrpci_relayed *all, uint64_t relay_number,
                         void (*tell)(void *user, uint64_t peer), void *user)
{
    uint32_t bucket = 0;
    peer **at;
    shmrpci_mutex_lock(&all->lock);
    relay **link = find_relay(all, relay_number);
    relay *gone = *link;
    if (gone != NULL) {
        *link = gone->next;
        free(gone);
    }
    while (gone != NULL &&
           (at = find_orphan(all, relay_number, &bucket)) != NULL) {
        uint64_t number = (*at)->number;
        (*at)->has_left = true;
        if (forget(all, at)) {
            shmrpci_mutex_unlock(&all->lock);
            tell(user, number);
            shmrpci_mutex_lock(&all->lock);
        }
    }
    shmrpci_mutex_unlock(&all->lock);
    return gone != NULL;
}

/* Finds the instances of a service, connects to them, and chooses one for each
 * call. */
#include "rpc/crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/thread.h"
#include "os/waiting.h"
#include "shmrpc/client.h"

#define LOOK_NS SHMRPCI_NS_PER_S
/* How long an instance that was found to be gone is skipped while there are
 * other instances. */
#define GONE_NS (100 * SHMRPCI_NS_PER_MS)
/* How long a new instance may take to answer while others could serve. */
#define JOIN_NS (500 * SHMRPCI_NS_PER_MS)
/* The pause between two searches for the first instance. */
#define PAUSE_NS (20 * SHMRPCI_NS_PER_MS)
/* The pause between two rounds in which no instance answered. */
#define ROUND_NS (10 * SHMRPCI_NS_PER_MS)

typedef struct member {
    shmrpc_client *client;
    char instance[64];
    shmrpci_atomic_u32 calls;   /* number of our calls in progress, counted by
                                 * its client */
    shmrpci_atomic_u64 gone_ns; /* time before which it is not tried */
} member;

struct shmrpci_crowd {
    const shmrpc_service *service;
    shmrpci_address like;
    shmrpc_opts opts;
    shmrpci_mutex lock; /* held while adding members */
    shmrpci_atomic_u64 look_ns;
    shmrpci_atomic_u32 turn;
    /* Stored with release after the new member is complete, loaded with
     * acquire. */
    shmrpci_atomic_u32 count;
    member members[SHMRPCI_CROWD_MAX];
};

/* ---- finding ------------------------------------------------------------- */

typedef struct finding {
    const char *name;
    size_t count;
    char instances[SHMRPCI_CROWD_MAX][64];
} finding;

static void on_found(void *user, const shmrpci_address *address,
                     const char *where)
{
    finding *f = user;
    (void)where;
    if (f->count < SHMRPCI_CROWD_MAX && strcmp(address->name, f->name) == 0) {
        memcpy(f->instances[f->count++], address->instance,
               sizeof address->instance);
    }
}

static bool has(const shmrpci_crowd *crowd, const char *instance)
{
    uint32_t count = shmrpci_load_acquire(&crowd->count);
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(crowd->members[i].instance, instance) == 0) {
            return true;
        }
    }
    return false;
}

/* Connects to an instance and adds it. The caller has the lock. */
static int join(shmrpci_crowd *crowd, const char *instance, int64_t timeout_ns,
                shmrpc_error *error)
{
    char where[512];
    uint32_t count = shmrpci_load_relaxed(&crowd->count);
    const shmrpci_address *like = &crowd->like;
    bool has_token = like->token_file[0] != '\0';
    if (count == SHMRPCI_CROWD_MAX) {
        return SHMRPC_E_EXHAUSTED;
    }
    (void)snprintf(where, sizeof where, "%s://%s%s%s%s%s",
                   like->transport->scheme, like->name,
                   instance[0] != '\0' ? "@" : "", instance,
                   has_token ? "?token=" : "", like->token_file);
    member *m = &crowd->members[count];
    shmrpc_opts opts = crowd->opts;
    int64_t given_ns = opts.timeout_ns;
    opts.flags &= ~(uint32_t)SHMRPC_OPT_WAIT_FOR_READY;
    opts.timeout_ns = timeout_ns;
    int status =
        shmrpc_stub_connect(crowd->service, where, &opts, &m->client, error);
    if (status == SHMRPC_OK) {
        m->client->timeout_ns =
            given_ns != 0 ? given_ns : SHMRPC_DEFAULT_TIMEOUT_NS;
        m->client->tally = &m->calls;
        memcpy(m->instance, instance, sizeof m->instance);
        shmrpci_store_release(&crowd->count, count + 1);
    }
    return status;
}

/* Connects to all instances that are not members. The caller has the lock.
 * Returns the first failure of an instance that runs but refused us, or OK. */
static int join_all(shmrpci_crowd *crowd, int64_t timeout_ns,
                    shmrpc_error *error)
{
    finding f = {.name = crowd->like.name};
    int failed = crowd->like.transport->discovery->find(on_found, &f, error);
    for (size_t i = 0; i < f.count; i++) {
        shmrpc_error why = {.message = ""};
        if (has(crowd, f.instances[i])) {
            continue;
        }
        int status = join(crowd, f.instances[i], timeout_ns, &why);
        bool is_news = status != SHMRPC_OK && failed == SHMRPC_OK &&
                       !shmrpci_place_is_passed_over(status);
        if (is_news) {
            failed = status;
            *error = why;
        }
    }
    return failed;
}

/* Adds new instances, at most once a second. */
static void look(shmrpci_crowd *crowd)
{
    shmrpc_error ignored;
    uint64_t now_ns = (uint64_t)shmrpci_now_ns();
    /* Relaxed: the compare-and-swap below selects one thread, which searches.
     */
    uint64_t look_ns = shmrpci_load_relaxed(&crowd->look_ns);
    if (now_ns < look_ns ||
        !shmrpci_cas_seq(&crowd->look_ns, &look_ns, now_ns + LOOK_NS)) {
        return;
    }
    shmrpci_mutex_lock(&crowd->lock);
    (void)join_all(crowd, JOIN_NS, &ignored);
    shmrpci_mutex_unlock(&crowd->lock);
}

/* ---- beginning and end --------------------------------------------------- */

static int join_first(shmrpci_crowd *crowd, int64_t deadline_ns,
                      shmrpc_error *error)
{
    bool is_patient = (crowd->opts.flags & SHMRPC_OPT_WAIT_FOR_READY) != 0;
    for (;;) {
        int64_t left_ns = shmrpci_remaining_ns(deadline_ns);
        int status = join_all(crowd, left_ns > 0 ? left_ns : 1, error);
        if (status != SHMRPC_OK || shmrpci_load_relaxed(&crowd->count) > 0) {
            return status;
        }
        if (!is_patient || shmrpci_now_ns() + PAUSE_NS >= deadline_ns) {
            return shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE,
                                    "no instance of %s serves at %s://",
                                    crowd->like.name,
                                    crowd->like.transport->scheme);
        }
        shmrpci_sleep_until(shmrpci_deadline_after(PAUSE_NS));
    }
}

int shmrpci_crowd_open(const shmrpc_service *service,
                       const shmrpci_place *place, const shmrpc_opts *opts,
                       shmrpci_crowd **out, shmrpc_error *error)
{
    if (place->address.transport->discovery == NULL) {
        return shmrpc_error_set(
            error, SHMRPC_E_INVALID,
            "address \"%s\": this transport can't find all instances",
            place->text);
    }
    shmrpci_crowd *crowd = calloc(1, sizeof *crowd);
    if (crowd == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    crowd->service = service;
    crowd->like = place->address;
    crowd->opts = *opts;
    shmrpci_mutex_init(&crowd->lock);
    int64_t timeout_ns =
        opts->timeout_ns != 0 ? opts->timeout_ns : SHMRPC_DEFAULT_TIMEOUT_NS;
    int status = join_first(crowd, shmrpci_deadline_after(timeout_ns), error);
    if (status != SHMRPC_OK) {
        shmrpci_crowd_close(crowd);
        return status;
    }
    shmrpci_store_relaxed(&crowd->look_ns,
                          (uint64_t)shmrpci_deadline_after(LOOK_NS));
    *out = crowd;
    return SHMRPC_OK;
}

void shmrpci_crowd_close(shmrpci_crowd *crowd)
{
    if (crowd == NULL) {
        return;
    }
    uint32_t count = shmrpci_load_acquire(&crowd->count);
    for (uint32_t i = 0; i < count; i++) {
        shmrpc_stub_close(crowd->members[i].client);
    }
    shmrpci_mutex_fini(&crowd->lock);
    free(crowd);
}

/* ---- choosing ------------------------------------------------------------ */

/* Chooses the next in turn among the members with the fewest calls. Returns
 * SHMRPCI_CROWD_MAX if there is none. */
static uint32_t choose(shmrpci_crowd *crowd, uint64_t tried, bool any)
{
    uint32_t count = shmrpci_load_acquire(&crowd->count);
    /* Relaxed: any order will do. */
    uint32_t turn = shmrpci_add_relaxed(&crowd->turn, 1u);
    uint64_t now_ns = (uint64_t)shmrpci_now_ns();
    uint32_t best = SHMRPCI_CROWD_MAX;
    uint32_t fewest = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = (turn + i) % count;
        const member *m = &crowd->members[at];
        uint32_t calls = shmrpci_load_relaxed(&m->calls);
        bool is_here = any || shmrpci_load_relaxed(&m->gone_ns) <= now_ns;
        if ((tried >> at & 1) == 0 && is_here &&
            (best == SHMRPCI_CROWD_MAX || calls < fewest)) {
            best = at;
            fewest = calls;
        }
    }
    return best;
}

/* Chooses a member that is not in *tried, counts a call there, and adds it to
 * *tried. Skips members that were gone a moment ago, unless `any` is set.
 * Returns NULL if there is none. */
static member *enter(shmrpci_crowd *crowd, uint64_t *tried, bool any)
{
    uint32_t at = choose(crowd, *tried, any);
    if (at == SHMRPCI_CROWD_MAX) {
        return NULL;
    }
    *tried |= UINT64_C(1) << at;
    (void)shmrpci_add_relaxed(&crowd->members[at].calls, 1u);
    return &crowd->members[at];
}

static void leave(member *m)
{
    SHMRPCI_ASSERT(shmrpci_load_relaxed(&m->calls) > 0,
                   "a call that leaves has entered");
    (void)shmrpci_sub_seq(&m->calls, 1u);
}

/* ---- a call -------------------------------------------------------------- */

static int make_at(member *m, const shmrpci_crowd_call *call,
                   int64_t deadline_ns, uint32_t more_flags,
                   shmrpc_error *error)
{
    shmrpc_opts own = call->opts != NULL ? *call->opts : (shmrpc_opts){0};
    own.flags |= more_flags;
    own.timeout_ns = shmrpci_remaining_ns(deadline_ns);
    own.timeout_ns = own.timeout_ns > 0 ? own.timeout_ns : 1;
    int status = call->make(call->user, m->client, &own, error);
    leave(m);
    return status;
}

/* Tries one member after another until one has taken the call. */
static int make_somewhere(shmrpci_crowd *crowd, const shmrpci_crowd_call *call,
                          int64_t deadline_ns, shmrpc_error *error)
{
    uint64_t tried = 0;
    int status = SHMRPC_E_UNAVAILABLE;
    for (int any = 0; any < 2; any++) {
        member *m;
        while ((m = enter(crowd, &tried, any != 0)) != NULL) {
            status = make_at(m, call, deadline_ns, SHMRPC_OPT_NONBLOCK, error);
            bool is_full = status == SHMRPC_E_BUSY ||
                           (call->is_stream && status == SHMRPC_E_EXHAUSTED);
            if (status == SHMRPC_E_UNAVAILABLE && !error->may_have_run) {
                shmrpci_store_relaxed(
                    &m->gone_ns, (uint64_t)shmrpci_deadline_after(GONE_NS));
            } else if (!is_full) {
                return status;
            }
        }
    }
    return status;
}

/* Called when all members are full: waits at one of them. */
static int make_late(shmrpci_crowd *crowd, const shmrpci_crowd_call *call,
                     int64_t deadline_ns, shmrpc_error *error)
{
    uint64_t tried = 0;
    member *m = enter(crowd, &tried, false);
    m = m != NULL ? m : enter(crowd, &tried, true);
    SHMRPCI_ASSERT(m != NULL, "a crowd is never empty");
    return make_at(m, call, deadline_ns, 0, error);
}

int shmrpci_crowd_make(shmrpci_crowd *crowd, const shmrpci_crowd_call *call,
                       int64_t *out_deadline_ns, shmrpc_error *error)
{
    shmrpc_error own;
    uint32_t flags = call->opts != NULL ? call->opts->flags : 0;
    bool may_wait = (flags & SHMRPC_OPT_NONBLOCK) == 0;
    error = error != NULL ? error : &own;
    if (call->timeout_ns < 0) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "timeout_ns is negative");
    }
    int64_t deadline_ns = shmrpci_deadline_after(call->timeout_ns);
    for (;;) {
        look(crowd);
        int status = make_somewhere(crowd, call, deadline_ns, error);
        *out_deadline_ns = deadline_ns;
        if (status == SHMRPC_E_BUSY && may_wait) {
            return make_late(crowd, call, deadline_ns, error);
        }
        if (status != SHMRPC_E_UNAVAILABLE || error->may_have_run ||
            !may_wait || shmrpci_waiting_is_interrupted() ||
            shmrpci_remaining_ns(deadline_ns) <= ROUND_NS) {
            return status;
        }
        shmrpci_sleep_until(shmrpci_deadline_after(ROUND_NS));
    }
}

int shmrpci_crowd_has_no_loop(shmrpc_error *error)
{
    return shmrpc_error_set(error, SHMRPC_E_UNIMPLEMENTED,
                            "a client of all instances has no descriptor; "
                            "start calls and finish them");
}

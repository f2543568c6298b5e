/* Counts running calls and call rates, and refuses calls beyond a limit. */
#include "rpc/overload.h"

#include <stdlib.h>

#include "base/assert.h"
#include "os/clock.h"
#include "rpc/ctx.h"
#include "shmrpc/server.h"

/* The retry-after while no call times are known, and the least and greatest
 * retry-after. */
#define UNKNOWN_NS (10 * SHMRPCI_NS_PER_MS)
#define LEAST_NS   SHMRPCI_NS_PER_MS
#define MOST_NS    (10 * SHMRPCI_NS_PER_S)

/* How many times a worker tries to get the last permitted call while others
 * compete for it. */
#define TRIES 8
/* How many buckets are searched for the bucket of a connection. */
#define PROBES 8u

/* A worker's place: only the worker writes it; others read it to count. */
typedef struct post {
    _Alignas(64) shmrpci_atomic_u64 connection;
    /* Written last, and read with sequential consistency: each of two workers
     * writes its own word and then reads the other's, so at least one sees the
     * other's call. */
    shmrpci_atomic_u64 call;
    shmrpci_atomic_u64 detached; /* number of entries ever used */
} post;

/* A detached call. The worker writes it, and the thread that answers clears it.
 */
typedef struct shmrpci_overload_entry {
    shmrpci_atomic_u64 connection;
    shmrpci_atomic_u64 call; /* as in a post */
} entry;

typedef struct bucket {
    shmrpci_atomic_u64 connection; /* number of the connection, + 1 */
    /* The time up to which the connection has used its rate. If that time has
     * passed, another connection may take the bucket. */
    shmrpci_atomic_u64 paid_ns;
} bucket;

struct shmrpci_overload_address {
    _Alignas(64) shmrpci_atomic_u64 seen; /* number of places that have ever had
                                           * a worker */
    post posts[SHMRPCI_OVERLOAD_PLACES];
    bucket buckets[SHMRPCI_OVERLOAD_BUCKETS];
    entry detached[SHMRPCI_OVERLOAD_PLACES][SHMRPC_DETACHED_MAX];
};

typedef struct shmrpci_overload_address address_block;

_Static_assert(sizeof(post) == 64, "each post has a cache line of its own");
_Static_assert(offsetof(address_block, buckets) == 4160, "see overload.h");
_Static_assert(offsetof(address_block, detached) == 20544, "see overload.h");

/* ---- a service ----------------------------------------------------------- */

static size_t total_bytes(const shmrpci_overload *overload)
{
    return overload->places / SHMRPCI_OVERLOAD_PLACES * sizeof(address_block) +
           overload->service->method_count * sizeof(shmrpci_atomic_u64);
}

/* Called in place of every handler. The call stops counting when the handler
 * returns, before the reply is sent. */
static int run_counted(shmrpc_ctx *ctx, const void *impl, void *user,
                       const void *params, void *result)
{
    shmrpci_overload_worker *worker = ctx->overload;
    int status =
        worker->of->handlers[ctx->index](ctx, impl, user, params, result);
    shmrpci_overload_exit(worker);
    return status;
}

static bool counts(const shmrpci_overload *overload)
{
    const shmrpc_service *service = overload->service;
    bool has_limits = false;
    for (uint32_t i = 0; i < service->method_count; i++) {
        has_limits = has_limits || service->methods[i].policy.at_once > 0;
    }
    return has_limits || overload->rules.client_calls > 0 ||
           overload->rules.client_rate > 0;
}

int shmrpci_overload_create(const shmrpc_service *service,
                            const shmrpc_handler *handlers,
                            const shmrpci_overload_rules *rules,
                            uint32_t places, shmrpci_overload *out,
                            shmrpc_error *error)
{
    *out = (shmrpci_overload){.rules = *rules,
                              .service = service,
                              .handlers = handlers,
                              .fd = -1,
                              .places = places};
    SHMRPCI_ASSERT(places % SHMRPCI_OVERLOAD_PLACES == 0,
                   "each address has SHMRPCI_OVERLOAD_PLACES places");
    out->is_used = rules->shed_after_ns > 0;
    if (!counts(out)) {
        return SHMRPC_OK;
    }
    out->is_used = true;
    shmrpc_status status = SHMRPC_E_NO_MEMORY;
    out->counted =
        calloc((size_t)service->method_count + 1, sizeof *out->counted);
    if (out->counted != NULL) {
        for (uint32_t i = 0; i < service->method_count; i++) {
            out->counted[i] = run_counted;
        }
        status = shmrpci_memory_create_sparse("shmrpc-overload",
                                              total_bytes(out), &out->fd);
    }
    return status == SHMRPC_OK
               ? SHMRPC_OK
               : shmrpc_error_set(error, status,
                                  "memory to count the calls of %s: %s",
                                  service->name, shmrpc_status_text(status));
}

void shmrpci_overload_destroy(shmrpci_overload *overload)
{
    free(overload->counted);
    overload->counted = NULL;
    shmrpci_fd_close(&overload->fd);
}

/* ---- a worker ------------------------------------------------------------ */

static bool open_memory(const shmrpci_overload *overload, uint32_t place,
                        shmrpci_overload_worker *out)
{
    if (overload->fd < 0 || place >= overload->places ||
        shmrpci_memory_map(overload->fd, total_bytes(overload),
                           SHMRPCI_ACCESS_WRITE, false,
                           &out->map) != SHMRPC_OK) {
        return false;
    }
    address_block *all = out->map.at;
    uint32_t addresses = overload->places / SHMRPCI_OVERLOAD_PLACES;
    out->address = &all[place / SHMRPCI_OVERLOAD_PLACES];
    out->typical = (shmrpci_atomic_u64 *)(void *)&all[addresses];
    out->index = place % SHMRPCI_OVERLOAD_PLACES;
    return true;
}

static uint64_t call_of(uint32_t number, uint32_t method)
{
    return (uint64_t)number << 32 | (method + 1u);
}

/* Returns the method's index + 1, or 0 if no call runs. */
static uint32_t method_of(uint64_t call)
{
    return (uint32_t)call;
}

/* Clears the method in the worker's word. The call number stays, so that the
 * next call's word differs from the last. */
static void say_idle(shmrpci_overload_worker *worker)
{
    shmrpci_store_seq(&worker->address->posts[worker->index].call,
                      (uint64_t)worker->number << 32);
}

/* Writes that the worker runs no call and has detached none. */
static void clear(shmrpci_overload_worker *worker)
{
    address_block *address = worker->address;
    post *mine = &address->posts[worker->index];
    uint64_t used = shmrpci_load_relaxed(&mine->detached);
    say_idle(worker);
    for (uint64_t i = 0; i < used && i < SHMRPC_DETACHED_MAX; i++) {
        shmrpci_store_seq(&address->detached[worker->index][i].call,
                          UINT64_C(0));
    }
    shmrpci_store_relaxed(&mine->detached, UINT64_C(0));
}

void shmrpci_overload_join(const shmrpci_overload *overload, uint32_t place,
                           shmrpci_overload_worker *out)
{
    *out = (shmrpci_overload_worker){.of = overload};
    if (!open_memory(overload, place, out)) {
        return;
    }
    clear(out);
    uint64_t seen = shmrpci_load_relaxed(&out->address->seen);
    while (seen <= out->index &&
           !shmrpci_cas_seq(&out->address->seen, &seen, out->index + 1)) {
        /* Another worker has just joined; try again. */
    }
}

void shmrpci_overload_leave(shmrpci_overload_worker *worker)
{
    if (worker->address != NULL) {
        clear(worker);
    }
    shmrpci_memory_unmap(&worker->map);
    *worker = (shmrpci_overload_worker){.of = worker->of};
}

void shmrpci_overload_bury(const shmrpci_overload *overload, uint32_t place)
{
    shmrpci_overload_worker dead = {.of = overload};
    if (open_memory(overload, place, &dead)) {
        shmrpci_overload_leave(&dead);
    }
}

/* ---- refusing ------------------------------------------------------------ */

static int64_t bounded(int64_t ns)
{
    return ns < LEAST_NS ? LEAST_NS : ns > MOST_NS ? MOST_NS : ns;
}

/* Returns the retry-after for a method whose limit is reached: the typical
 * duration of its calls. One of the running calls will probably have ended by
 * then. */
static int64_t typical_ns(const shmrpci_overload_worker *worker,
                          uint32_t method)
{
    /* Relaxed: the time is only a hint. */
    int64_t ns = (int64_t)shmrpci_load_relaxed(&worker->typical[method]);
    return ns > 0 ? bounded(ns) : UNKNOWN_NS;
}

static void learn(shmrpci_atomic_u64 *typical, int64_t took_ns)
{
    int64_t was_ns = (int64_t)shmrpci_load_relaxed(typical);
    int64_t now_ns = was_ns == 0 ? took_ns : was_ns + (took_ns - was_ns) / 8;
    shmrpci_store_relaxed(typical, (uint64_t)(now_ns > 0 ? now_ns : 1));
}

static int refuse(shmrpc_error *error, int64_t retry_after_ns)
{
    if (error != NULL) {
        error->retry_after_ns = retry_after_ns;
    }
    return SHMRPC_E_EXHAUSTED;
}

static long long ms_of(int64_t ns)
{
    return (long long)((ns + SHMRPCI_NS_PER_MS - 1) / SHMRPCI_NS_PER_MS);
}

/* ---- rates --------------------------------------------------------------- */

static size_t hash_of(uint64_t connection)
{
    return (size_t)((connection * UINT64_C(0x9E3779B97F4A7C15)) >> 32);
}

/* Returns the connection's bucket, or an expired one. Returns NULL if all
 * buckets searched belong to others. */
static bucket *find_bucket(address_block *address, uint64_t connection,
                           uint64_t now_ns)
{
    bucket *spare = NULL;
    for (size_t i = 0; i < PROBES; i++) {
        bucket *at = &address->buckets[(hash_of(connection) + i) %
                                       SHMRPCI_OVERLOAD_BUCKETS];
        /* Relaxed: a race only lets a few calls too many run. */
        if (shmrpci_load_relaxed(&at->connection) == connection + 1) {
            return at;
        }
        if (spare == NULL && shmrpci_load_relaxed(&at->paid_ns) <= now_ns) {
            spare = at;
        }
    }
    if (spare != NULL) {
        shmrpci_store_relaxed(&spare->connection, connection + 1);
    }
    return spare;
}

/* Charges a call to its connection's rate. A client that was idle may send one
 * second's worth of calls at once. */
static int pay(shmrpci_overload_worker *worker,
               const shmrpci_overload_call *call, shmrpc_error *error)
{
    uint32_t rate = worker->of->rules.client_rate;
    uint64_t now_ns = (uint64_t)shmrpci_now_ns();
    bucket *b = find_bucket(worker->address, call->connection, now_ns);
    if (b == NULL) {
        return SHMRPC_OK;
    }
    uint64_t price_ns = (uint64_t)SHMRPCI_NS_PER_S / rate;
    uint64_t paid_ns = shmrpci_load_relaxed(&b->paid_ns);
    uint64_t until_ns;
    do {
        until_ns = (paid_ns > now_ns ? paid_ns : now_ns) + price_ns;
        if (until_ns > now_ns + (uint64_t)SHMRPCI_NS_PER_S) {
            int64_t wait_ns = (int64_t)(until_ns - now_ns) - SHMRPCI_NS_PER_S;
            (void)shmrpc_error_set(error, SHMRPC_E_EXHAUSTED,
                                   "this client makes more than %u calls a "
                                   "second (client_rate); try again in %lld ms",
                                   rate, ms_of(wait_ns));
            return refuse(error, wait_ns);
        }
    } while (!shmrpci_cas_seq(&b->paid_ns, &paid_ns, until_ns));
    return SHMRPC_OK;
}

/* ---- what runs ----------------------------------------------------------- */

/* Running calls of one method, and of one connection. */
typedef struct tally {
    const shmrpci_overload_call *call;
    uint64_t of_method;
    uint64_t of_client;
} tally;

static void count(tally *t, uint64_t call, const shmrpci_atomic_u64 *connection)
{
    t->of_method += method_of(call) == t->call->method + 1u;
    t->of_client += shmrpci_load_relaxed(connection) == t->call->connection;
}

/* Counts a place's detached calls. A call that is just being detached has an
 * entry, but is still in its post's word, `present`. It counts there, so it is
 * skipped here. */
static void count_detached(tally *t, const address_block *address,
                           uint32_t place, uint64_t present)
{
    /* Relaxed: a worker that has seen this post idle also sees the count that
     * was stored before. */
    uint64_t used = shmrpci_load_relaxed(&address->posts[place].detached);
    for (uint64_t i = 0; i < used && i < SHMRPC_DETACHED_MAX; i++) {
        const entry *at = &address->detached[place][i];
        uint64_t call = shmrpci_load_seq(&at->call);
        if (method_of(call) != 0 && call != present) {
            count(t, call, &at->connection);
        }
    }
}

/* Counts the running calls of the same method and of the same connection at
 * other places, and all detached ones. */
static void count_others(const shmrpci_overload_worker *worker, tally *t)
{
    const address_block *address = worker->address;
    uint64_t seen = shmrpci_load_relaxed(&address->seen);
    for (uint32_t i = 0; i < seen && i < SHMRPCI_OVERLOAD_PLACES; i++) {
        uint64_t present = shmrpci_load_seq(&address->posts[i].call);
        if (i != worker->index && method_of(present) != 0) {
            count(t, present, &address->posts[i].connection);
        }
        count_detached(t, address, i, present);
    }
}

static bool is_over(const shmrpci_overload_worker *worker,
                    const shmrpci_overload_call *call, bool *out_of_client)
{
    uint64_t at_once =
        worker->of->service->methods[call->method].policy.at_once;
    uint64_t client_calls = worker->of->rules.client_calls;
    tally t = {.call = call};
    count_others(worker, &t);
    *out_of_client = client_calls > 0 && t.of_client >= client_calls;
    return *out_of_client || (at_once > 0 && t.of_method >= at_once);
}

static void say_busy(shmrpci_overload_worker *worker,
                     const shmrpci_overload_call *call)
{
    post *mine = &worker->address->posts[worker->index];
    /* Relaxed: published by the store of the call below. */
    shmrpci_store_relaxed(&mine->connection, call->connection);
    shmrpci_store_seq(&mine->call, call_of(++worker->number, call->method));
}

/* Counts the call if the limits allow it. If several workers compete for the
 * last permitted call, all of them back off, for different times, and the first
 * one to retry runs its call. Returns false if the limits are reached. */
static bool take_place(shmrpci_overload_worker *worker,
                       const shmrpci_overload_call *call, bool *out_of_client)
{
    for (unsigned i = 0; i < TRIES; i++) {
        say_busy(worker, call);
        if (!is_over(worker, call, out_of_client)) {
            return true;
        }
        say_idle(worker);
        for (uint32_t pauses = 0; pauses < 16 * (worker->index + 1); pauses++) {
            shmrpci_pause();
        }
        if (is_over(worker, call, out_of_client)) {
            return false;
        }
    }
    return false;
}

static int refuse_place(const shmrpci_overload_worker *worker,
                        const shmrpci_overload_call *call, bool is_of_client,
                        shmrpc_error *error)
{
    const shmrpc_method *method = &worker->of->service->methods[call->method];
    int64_t wait_ns = typical_ns(worker, call->method);
    if (is_of_client) {
        (void)shmrpc_error_set(error, SHMRPC_E_EXHAUSTED,
                               "%u calls of this client are already running "
                               "(client_calls); try again in %lld ms",
                               worker->of->rules.client_calls, ms_of(wait_ns));
    } else {
        (void)shmrpc_error_set(error, SHMRPC_E_EXHAUSTED,
                               "method %s is already running %llu times "
                               "(@limit); try again in %lld ms",
                               method->name,
                               (unsigned long long)method->policy.at_once,
                               ms_of(wait_ns));
    }
    return refuse(error, wait_ns);
}

/* ---- a call -------------------------------------------------------------- */

static bool is_counted(const shmrpci_overload_worker *worker,
                       const shmrpci_overload_call *call)
{
    return worker->of->rules.client_calls > 0 ||
           worker->of->service->methods[call->method].policy.at_once > 0;
}

static int shed(const shmrpci_overload_call *call, shmrpc_error *error)
{
    int64_t wait_ns = bounded(call->waited_ns);
    (void)shmrpc_error_set(error, SHMRPC_E_EXHAUSTED,
                           "no worker was free for %lld ms (shed_after); try "
                           "again in %lld ms",
                           ms_of(call->waited_ns), ms_of(wait_ns));
    return refuse(error, wait_ns);
}

int shmrpci_overload_enter(shmrpci_overload_worker *worker,
                           const shmrpci_overload_call *call,
                           shmrpc_error *error)
{
    const shmrpci_overload_rules *rules = &worker->of->rules;
    SHMRPCI_ASSERT(!worker->is_in, "a worker is in one call at a time");
    if (rules->shed_after_ns > 0 && call->waited_ns > rules->shed_after_ns) {
        return shed(call, error);
    }
    if (worker->address == NULL) {
        return SHMRPC_OK;
    }
    if (is_counted(worker, call)) {
        bool is_of_client;
        if (!take_place(worker, call, &is_of_client)) {
            return refuse_place(worker, call, is_of_client, error);
        }
        worker->is_in = true;
        worker->since_ns = shmrpci_now_ns();
    }
    /* Charged last, so that a call refused for another reason uses up no
     * tokens. */
    int status = rules->client_rate > 0 ? pay(worker, call, error) : SHMRPC_OK;
    if (status != SHMRPC_OK) {
        shmrpci_overload_exit(worker);
    }
    return status;
}

/* Returns the index of the method that the worker runs. */
static uint32_t present_method(const shmrpci_overload_worker *worker)
{
    const post *mine = &worker->address->posts[worker->index];
    return method_of(shmrpci_load_relaxed(&mine->call)) - 1;
}

void shmrpci_overload_exit(shmrpci_overload_worker *worker)
{
    if (!worker->is_in) {
        return;
    }
    worker->is_in = false;
    learn(&worker->typical[present_method(worker)],
          shmrpci_now_ns() - worker->since_ns);
    say_idle(worker);
}

/* ---- a call that is detached --------------------------------------------- */

/* Returns a free entry of this worker, which only this worker takes. Returns
 * NULL if all are in use. */
static entry *find_entry(shmrpci_overload_worker *worker)
{
    address_block *address = worker->address;
    entry *all = address->detached[worker->index];
    post *mine = &address->posts[worker->index];
    uint32_t i = 0;
    while (i < SHMRPC_DETACHED_MAX && shmrpci_load_seq(&all[i].call) != 0) {
        i++;
    }
    if (i == SHMRPC_DETACHED_MAX) {
        return NULL;
    }
    if (i >= shmrpci_load_relaxed(&mine->detached)) {
        shmrpci_store_relaxed(&mine->detached, (uint64_t)i + 1);
    }
    return &all[i];
}

void shmrpci_overload_detach(shmrpci_overload_worker *worker,
                             shmrpci_overload_detached *out)
{
    *out = (shmrpci_overload_detached){.entry = NULL};
    if (!worker->is_in) {
        return;
    }
    const post *mine = &worker->address->posts[worker->index];
    entry *at = find_entry(worker);
    SHMRPCI_ASSERT(at != NULL,
                   "no more calls are detached than there are entries");
    worker->is_in = false;
    if (at != NULL) {
        *out = (shmrpci_overload_detached){
            .entry = at,
            .typical = &worker->typical[present_method(worker)],
            .since_ns = worker->since_ns};
        /* Relaxed: published by the store of the call below. */
        shmrpci_store_relaxed(&at->connection,
                              shmrpci_load_relaxed(&mine->connection));
        shmrpci_store_seq(&at->call, shmrpci_load_relaxed(&mine->call));
    }
    say_idle(worker);
}

void shmrpci_overload_end(shmrpci_overload_detached *call)
{
    if (call->entry != NULL) {
        learn(call->typical, shmrpci_now_ns() - call->since_ns);
        shmrpci_store_seq(&call->entry->call, UINT64_C(0));
        call->entry = NULL;
    }
}

/* Decides whether a call is made on this machine or in the cluster. */
#include "rpc/spread.h"

#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "rpc/address.h"
#include "shmrpc/client.h"

/* How long calls go to the cluster after the local copy refuses one: the first
 * time, and at most. */
#define PAUSE_MIN_NS (50 * SHMRPCI_NS_PER_MS)
#define PAUSE_MAX_NS SHMRPCI_NS_PER_S

/* How often to look for a copy on this machine, and how long that may take. */
#define LOOK_NS   SHMRPCI_NS_PER_S
#define ARRIVE_NS (50 * SHMRPCI_NS_PER_MS)

/* Attempts for a call that is refused. */
#define TRIES 3

struct shmrpci_spread {
    const char *cluster;          /* the client's list from the cluster on */
    uint32_t near;                /* number of places before the cluster */
    shmrpc_opts opts;             /* the options of connect */
    _Atomic(shmrpc_client *) far; /* client of the cluster; NULL: not needed
                                   * yet */
    shmrpci_atomic_u64 out_ns;    /* calls go to the cluster until this time */
    shmrpci_atomic_u64 pause_ns;  /* how long they go there after the next
                                   * refusal */
    shmrpci_atomic_u64 look_ns;   /* when to look for a copy on this machine */
};

int shmrpci_spread_open(shmrpc_client *client, const shmrpc_opts *opts,
                        shmrpc_error *error)
{
    shmrpci_place_list places;
    uint32_t near = 0;
    const char *cluster = strstr(client->where, "nats://");
    if (cluster == NULL || shmrpci_places_parse(client->where, client->service,
                                                &places, NULL) != SHMRPC_OK) {
        return SHMRPC_OK;
    }
    while (near < places.count &&
           places.items[near].address.transport != NULL &&
           !places.items[near].address.transport->is_network) {
        near++;
    }
    shmrpci_spread *spread = calloc(1, sizeof *spread);
    if (spread == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    spread->cluster = cluster;
    spread->near = near;
    spread->opts = *opts;
    spread->opts.flags &= SHMRPC_OPT_PARTIAL;
    client->spread = spread;
    (void)shmrpci_or_seq(&client->watched, SHMRPCI_CLIENT_SPREADS);
    return SHMRPC_OK;
}

void shmrpci_spread_close(shmrpci_spread *spread)
{
    if (spread != NULL) {
        shmrpc_stub_close(shmrpci_load_acquire(&spread->far));
        free(spread);
    }
}

/* ---- choosing a place ---------------------------------------------------- */

static bool is_near(const shmrpci_spread *spread, const shmrpc_client *client)
{
    /* Relaxed: the place may change at any time. */
    return shmrpci_load_relaxed(&client->place) < spread->near;
}

/* Called when the local copy has refused a call. Relaxed: refusals or successes
 * of several threads at the same time may count as one. */
static void note_refusal(shmrpci_spread *spread, uint64_t now_ns)
{
    uint64_t pause_ns = 2 * shmrpci_load_relaxed(&spread->pause_ns);
    pause_ns = pause_ns < PAUSE_MIN_NS   ? (uint64_t)PAUSE_MIN_NS
               : pause_ns > PAUSE_MAX_NS ? (uint64_t)PAUSE_MAX_NS
                                         : pause_ns;
    if (shmrpci_load_relaxed(&spread->out_ns) <= now_ns) {
        shmrpci_store_relaxed(&spread->pause_ns, pause_ns);
        shmrpci_store_relaxed(&spread->out_ns, now_ns + pause_ns);
    }
}

static void note_service(shmrpci_spread *spread)
{
    uint64_t pause_ns = shmrpci_load_relaxed(&spread->pause_ns);
    if (pause_ns != 0) {
        shmrpci_store_relaxed(&spread->pause_ns,
                              pause_ns > (uint64_t)PAUSE_MIN_NS ? pause_ns / 2
                                                                : 0);
    }
}

/* Switches to a copy of the service on this machine if there is one by now. */
static void come_back(shmrpci_spread *spread, shmrpc_client *client,
                      uint64_t now_ns)
{
    uint64_t look_ns = shmrpci_load_relaxed(&spread->look_ns);
    if (spread->near > 0 && !is_near(spread, client) && now_ns >= look_ns &&
        shmrpci_cas_seq(&spread->look_ns, &look_ns, now_ns + LOOK_NS)) {
        shmrpci_reconnect_nearer(client, spread->near,
                                 shmrpci_deadline_after(ARRIVE_NS));
    }
}

/* ---- the cluster --------------------------------------------------------- */

/* Returns the client of the cluster, made by the first thread that needs it.
 * Returns NULL if no server of the cluster answers. */
static shmrpc_client *far_of(shmrpci_spread *spread,
                             const shmrpc_client *client, int64_t timeout_ns)
{
    shmrpc_client *far = shmrpci_load_acquire(&spread->far);
    shmrpc_client *none = NULL;
    shmrpc_error ignored;
    shmrpc_opts opts = spread->opts;
    opts.timeout_ns = timeout_ns;
    if (far != NULL ||
        shmrpc_stub_connect(client->service, spread->cluster, &opts, &far,
                            &ignored) != SHMRPC_OK) {
        return far;
    }
    far->timeout_ns = client->timeout_ns;
    if (!shmrpci_cas_seq(&spread->far, &none, far)) {
        shmrpc_stub_close(far); /* another thread was faster */
        far = none;
    }
    return far;
}

/* Makes a call in the cluster. Returns false if no server answers there; no
 * call was made then. */
static bool make_far(shmrpci_invocation call, shmrpci_attempt *out,
                     shmrpci_spread_call *make, int *out_status)
{
    call.client =
        far_of(call.client->spread, call.client,
               shmrpci_timeout_of(call.client, call.method, call.opts));
    if (call.client == NULL) {
        return false;
    }
    *out_status = make(&call, out);
    return *out_status != SHMRPC_E_UNAVAILABLE || call.error->may_have_run;
}

static bool is_refused(int status, const shmrpc_error *error)
{
    return status == SHMRPC_E_EXHAUSTED && !error->may_have_run;
}

/* Tries other instances in the remaining time, after the copy on this machine
 * refused the call. */
static int make_elsewhere(shmrpci_invocation call, shmrpci_attempt *out,
                          shmrpci_spread_call *make, int status)
{
    shmrpci_spread *spread = call.client->spread;
    shmrpc_opts opts = call.opts != NULL ? *call.opts : (shmrpc_opts){0};
    const int64_t deadline_ns = out->deadline_ns;
    const shmrpc_error first = *call.error;
    call.opts = &opts;
    for (int i = 1; i < TRIES && is_refused(status, call.error); i++) {
        opts.timeout_ns = shmrpci_remaining_ns(deadline_ns);
        if (opts.timeout_ns == 0) {
            break;
        }
        if (!is_near(spread, call.client)) {
            status = make(&call, out);
        } else if (!make_far(call, out, make, &status)) {
            *call.error = first;
            status = SHMRPC_E_EXHAUSTED;
            break;
        }
    }
    out->deadline_ns = deadline_ns;
    return status;
}

int shmrpci_spread_make(const shmrpci_invocation *call, shmrpci_attempt *out,
                        shmrpci_spread_call *make)
{
    shmrpci_spread *spread = call->client->spread;
    shmrpci_invocation own = *call;
    shmrpc_error error;
    int status;
    uint64_t now_ns = (uint64_t)shmrpci_now_ns();
    own.error = call->error != NULL ? call->error : &error;
    come_back(spread, call->client, now_ns);
    bool was_near = is_near(spread, call->client);
    /* Relaxed: the time is only a hint. */
    if (was_near && now_ns < shmrpci_load_relaxed(&spread->out_ns) &&
        make_far(own, out, make, &status)) {
        return status;
    }
    status = make(&own, out);
    if (!is_refused(status, own.error)) {
        note_service(spread);
        return status;
    }
    if (was_near) {
        note_refusal(spread, now_ns);
    }
    return make_elsewhere(own, out, make, status);
}

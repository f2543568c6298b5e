/*
 * Sends calls, several times if necessary.
 *
 * A call that has certainly not run is sent again until the deadline, whatever
 * the method. A call that may have run is sent again only if the method is
 * `@idempotent` both here and at the server (link.c checks this at connect).
 */
#include "base/assert.h"
#include "os/clock.h"
#include "rpc/call.h"
#include "rpc/limits.h"
#include "rpc/reconnect.h"

/* Holds a link of this process that is not known to be lost, and connects if
 * there is none. */
static int enter(shmrpci_pending *p)
{
    if (p->hazard == NULL) {
        shmrpci_hazard *mine = shmrpci_hazard_mine();
        if (mine == NULL) {
            return shmrpc_error_set(p->error, SHMRPC_E_NO_MEMORY,
                                    "out of memory");
        }
        p->hazard = &mine->held;
    }
    SHMRPCI_ASSERT(shmrpci_load_relaxed(p->hazard) == NULL,
                   "a hazard holds one link");
    for (;;) {
        p->link = shmrpci_hazard_enter(p->hazard, &p->client->link);
        if (p->link->serial != p->lost && shmrpci_link_is_ours(p->link)) {
            return SHMRPC_OK;
        }
        shmrpci_pending_leave(p);
        if (shmrpci_client_is_closed(p->client)) {
            return shmrpci_client_misused(p->client, p->method, p->error);
        }
        int status = shmrpci_reconnect(
            p->client, p->lost, p->deadline_ns,
            p->nonblock ? SHMRPCI_TRY_ONCE : SHMRPCI_KEEP_TRYING, p->error);
        if (status != SHMRPC_OK) {
            return status;
        }
        shmrpci_pending_shorten(p);
    }
}

/* Notes that the link is lost, and that the call has certainly not run. */
static void note_unsent(shmrpci_pending *p)
{
    SHMRPCI_ASSERT(p->link != NULL && p->link->serial != 0,
                   "an attempt had a link");
    p->lost = p->link->serial;
    (void)shmrpci_add_relaxed(&p->client->resent, UINT64_C(1));
}

int shmrpci_pending_start(shmrpci_pending *p)
{
    for (;;) {
        int status = enter(p);
        if (status != SHMRPC_OK) {
            return shmrpci_pending_not_run(p, status);
        }
        status = shmrpci_pending_send(p);
        if (status == SHMRPC_OK) {
            return SHMRPC_OK;
        }
        if (status == SHMRPC_E_UNAVAILABLE) {
            note_unsent(p);
        }
        shmrpci_pending_leave(p);
        if (status != SHMRPC_E_UNAVAILABLE) {
            return shmrpci_pending_not_run(p, status);
        }
    }
}

/* Whether the connection switches to another server by itself. */
static bool has_others(const shmrpci_pending *p)
{
    return (p->link->conn->features & SHMRPCI_FEATURE_SEVERAL) != 0;
}

bool shmrpci_pending_is_repeatable(shmrpci_pending *p, int status)
{
    uint64_t lost = p->lost;
    if (status == SHMRPC_E_UNAVAILABLE) {
        note_unsent(p);
        p->lost = has_others(p) ? lost : p->lost;
        return true;
    }
    bool has_died =
        status == SHMRPC_E_WORKER_DIED || status == SHMRPC_E_SERVER_LOST;
    if (status == SHMRPC_E_WORKER_DIED && ++p->deaths >= SHMRPCI_DEATHS_MAX) {
        (void)shmrpci_pending_deadly(p);
        return false;
    }
    /* Methods with `@retry` are repeated by retry.c instead. */
    if (!has_died || (p->method->flags & SHMRPC_METHOD_IDEMPOTENT) == 0 ||
        p->method->policy.attempts > 1 || ++p->runs >= SHMRPCI_RUNS_MAX ||
        shmrpci_now_ns() >= p->deadline_ns) {
        (void)shmrpci_pending_lost(p, status);
        return false;
    }
    if (status == SHMRPC_E_SERVER_LOST && !has_others(p)) {
        p->lost = p->link->serial;
    }
    (void)shmrpci_add_relaxed(&p->client->retried, UINT64_C(1));
    p->is_long = true; /* only the long path can mark a request as repeated */
    shmrpci_pending_shorten(p);
    return true;
}

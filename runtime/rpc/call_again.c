/*
 * Sending calls, if need be more than once.
 *
 * What has certainly not run is sent again until the deadline, whatever the
 * method. What may have run is repeated only if the method is `@idempotent`, at
 * our side and (link.c compares) at the server's.
 */
#include "os/clock.h"
#include "rpc/call.h"
#include "rpc/limits.h"
#include "rpc/reconnect.h"

/* Waits for a link other than number `seen`. */
static int wait_for_link(shmrpci_plan *p, uint64_t seen)
{
    int status = shmrpci_reconnect(
        p->client, seen, p->deadline_ns,
        p->nonblock ? SHMRPCI_TRY_ONCE : SHMRPCI_KEEP_TRYING, p->error);
    shmrpci_plan_shorten(p);
    return status;
}

static int enter(shmrpci_plan *p)
{
    p->hazard = shmrpci_hazard_mine();
    if (p->hazard == NULL) {
        return shmrpc_error_set(p->error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    for (;;) {
        p->link = shmrpci_hazard_enter(p->hazard, &p->client->link);
        if (shmrpci_link_is_ours(p->link)) {
            return SHMRPC_OK;
        }
        /* Ours is to come: this is a forked child. */
        shmrpci_plan_leave(p);
        int status = wait_for_link(p, 0);
        if (status != SHMRPC_OK) {
            return status;
        }
    }
}

int shmrpci_plan_start(shmrpci_plan *p)
{
    for (;;) {
        int status = enter(p);
        if (status != SHMRPC_OK) {
            return status;
        }
        status = shmrpci_plan_send(p);
        if (status == SHMRPC_OK) {
            return SHMRPC_OK;
        }
        uint64_t seen = p->link->serial;
        shmrpci_plan_leave(p);
        if (status == SHMRPC_E_UNAVAILABLE) {
            status = wait_for_link(p, seen);
        }
        if (status != SHMRPC_OK) {
            return status;
        }
        (void)shmrpci_add_relaxed(&p->client->resent, UINT64_C(1));
    }
}

void shmrpci_plan_leave(shmrpci_plan *p)
{
    shmrpci_hazard_leave(p->hazard);
}

bool shmrpci_plan_is_repeatable(shmrpci_plan *p, int status)
{
    if (status == SHMRPC_E_UNAVAILABLE) {
        (void)shmrpci_add_relaxed(&p->client->resent, UINT64_C(1));
        shmrpci_plan_shorten(p);
        return true;
    }
    bool has_died =
        status == SHMRPC_E_WORKER_DIED || status == SHMRPC_E_SERVER_LOST;
    if (has_died && (p->method->flags & SHMRPC_METHOD_IDEMPOTENT) != 0 &&
        ++p->runs < SHMRPCI_RUNS_MAX && shmrpci_now_ns() < p->deadline_ns) {
        (void)shmrpci_add_relaxed(&p->client->retried, UINT64_C(1));
        shmrpci_plan_shorten(p);
        return true;
    }
    (void)shmrpci_plan_lost(p, status);
    return false;
}

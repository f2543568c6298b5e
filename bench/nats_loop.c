/* The event loop that runs a libnats client. */
#include "nats_loop.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "case.h"
#include "transport/nats/load.h"

struct nats_loop {
    const nats_carrier_ops *ops;
    nats_carrier *carrier;
    nats_inbox *inbox;
    /* The message returned last; its `own` is NULL if there is none. */
    nats_message last;
};

/* Called when the descriptor, or what to wait for on it, has changed. Nothing
 * has to be done, because both are read before each wait. */
static void on_change(void *user)
{
    (void)user;
}

static void subscribe(nats_loop *l, const char *subject)
{
    nats_message echo;
    if (l->ops->subscribe(l->carrier, subject, NULL, &l->inbox) != NATS_DONE) {
        bench_fail("can't subscribe");
    }
    /* Once this message arrives, the server knows the subscription. */
    nats_loop_put(l, subject, NULL, "", 0);
    (void)nats_loop_next(l, &echo);
}

nats_loop *nats_loop_open(unsigned port, const char *subject)
{
    nats_loop *const l = bench_alloc(sizeof *l);
    char server[32];
    shmrpc_error error;
    nats_opts opts = {.servers = server,
                      .name = "bench",
                      .creds_file = "",
                      .nkey_file = "",
                      .ca_file = "",
                      .cert_file = "",
                      .timeout_ms = 2000,
                      .on_change = on_change};
    memset(l, 0, sizeof *l);
    snprintf(server, sizeof server, "127.0.0.1:%u", port);
    if (nats_load(&l->ops, &error) != SHMRPC_OK) {
        bench_fail(BENCH_NOT_INSTALLED "libnats");
    }
    if (nats_open(l->ops, &opts, &l->carrier, &error) != SHMRPC_OK) {
        bench_fail("%s", error.message);
    }
    subscribe(l, subject);
    return l;
}

void nats_loop_put(nats_loop *l, const char *subject, const char *reply,
                   const void *data, size_t len)
{
    if (l->ops->publish(l->carrier, subject, reply, data, len) != NATS_DONE) {
        bench_fail("can't publish to %s", subject);
    }
}

static void wait_for_input(nats_loop *l)
{
    nats_view view;
    l->ops->view(l->carrier, &view);
    if (view.wants_write) {
        l->ops->write(l->carrier);
        l->ops->view(l->carrier, &view);
    }
    struct pollfd entry = {
        .fd = view.fd,
        .events = (short)(POLLIN | (view.wants_write ? POLLOUT : 0))};
    if (view.fd < 0 || poll(&entry, 1, -1) < 0) {
        bench_fail("nats-server has hung up");
    }
    if ((entry.revents & POLLIN) != 0) {
        l->ops->read(l->carrier);
    }
}

bool nats_loop_next(nats_loop *l, nats_message *out)
{
    if (l->last.own != NULL) {
        l->ops->drop(&l->last);
    }
    for (;;) {
        const nats_result result = l->ops->take(l->inbox, &l->last);
        if (result == NATS_DONE) {
            *out = l->last;
            return true;
        }
        if (result != NATS_NOTHING) {
            return false;
        }
        wait_for_input(l);
    }
}

/* Finds and describes services at run time, without generated code. A service
 * is described by a call of its method 0, over a separate connection and
 * without method tables. */
#include "shmrpc/discover.h"

#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/waiting.h"
#include "rpc/link.h"

#define DESCRIBE_TIMEOUT_NS (5 * SHMRPCI_NS_PER_S)

/* ---- finding services ---------------------------------------------------- */

typedef struct finder {
    shmrpc_found_fn found;
    void *user;
} finder;

static void on_found(void *user, const shmrpci_address *address,
                     const char *where)
{
    const finder *f = user;
    const shmrpc_found found = {
        .name = address->name,
        .instance = address->instance,
        .port = address->port,
        .where = where,
    };
    f->found(f->user, &found);
}

shmrpc_status shmrpc_discover(shmrpc_error *error, shmrpc_found_fn found,
                              void *user)
{
    /* Services at inproc:// belong to the caller's own process, and the other
     * transports can't list services. */
    const shmrpci_transport *shm = shmrpci_transport_of("shm", 3);
    finder f = {.found = found, .user = user};
    return shm != NULL ? shm->discovery->find(on_found, &f, error) : SHMRPC_OK;
}

/* ---- describing a service ------------------------------------------------ */

typedef struct asker {
    shmrpci_link_opts opts;
    shmrpci_link *link;
    shmrpc_error *error; /* never NULL */
} asker;

static int failed(asker *a, int status)
{
    return shmrpc_error_set(a->error, status, "%s: its interface: %s",
                            a->link->where, shmrpc_status_text(status));
}

/* Copies a string from memory that the server may change. Reads it once, and
 * adds a NUL. */
static int take(asker *a, const shmrpci_call *call, char **text, size_t *len)
{
    size_t count = call->in_len;
    if (call->head.status != SHMRPC_OK) {
        return failed(a, call->head.status < 0 ? call->head.status
                                               : SHMRPC_E_UNKNOWN);
    }
    if (count > a->opts.max_message_bytes) {
        return failed(a, SHMRPC_E_TOO_LARGE);
    }
    char *copy = malloc(count + 1);
    if (copy == NULL) {
        return failed(a, SHMRPC_E_NO_MEMORY);
    }
    if (count > 0) {
        memcpy(copy, call->in, count);
    }
    copy[count] = '\0';
    *text = copy;
    *len = count;
    return SHMRPC_OK;
}

static int ask(asker *a, char **text, size_t *len)
{
    const shmrpci_client_ops *client = a->link->client;
    shmrpci_call call;
    int status = client->reserve(a->link->conn, &call, 0, 0,
                                 a->opts.deadline_ns, a->error);
    if (status != SHMRPC_OK) {
        return failed(a, status);
    }
    call.head = (shmrpci_head){
        .method = SHMRPCI_METHOD_DESCRIBE,
        .timeout_ns = a->opts.deadline_ns - shmrpci_now_ns(),
    };
    status = client->commit(&call);
    if (status == SHMRPC_OK) {
        status = client->receive(&call, a->opts.deadline_ns);
        if (status == SHMRPC_E_DEADLINE) {
            (void)client->cancel(&call);
        }
    }
    if (status != SHMRPC_OK) {
        return failed(a, status);
    }
    status = take(a, &call, text, len);
    client->release(&call);
    return status;
}

shmrpc_status shmrpc_describe(const char *where, uint16_t port,
                              const shmrpc_opts *opts, char **text, size_t *len,
                              shmrpc_error *error)
{
    static const shmrpc_opts defaults;
    /* A service without methods: it is compatible with the contract of any
     * server. */
    const shmrpc_service nobody = {.name = "", .id = "", .port = port};
    shmrpc_error unwanted;
    opts = opts != NULL ? opts : &defaults;
    if (opts->timeout_ns < 0) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "timeout_ns is negative");
    }
    asker a = {
        .opts = {.service = &nobody,
                 .where = where,
                 .deadline_ns = shmrpci_deadline_after(
                     opts->timeout_ns != 0 ? opts->timeout_ns
                                           : DESCRIBE_TIMEOUT_NS),
                 .profile = opts->profile,
                 .max_message_bytes = opts->max_message_bytes != 0
                                          ? opts->max_message_bytes
                                          : SHMRPC_DEFAULT_MAX_MESSAGE_BYTES},
        .error = error != NULL ? error : &unwanted,
    };
    int status = shmrpci_link_open(&a.opts, &a.link, a.error);
    if (status == SHMRPC_OK) {
        status = ask(&a, text, len);
        shmrpci_link_close(a.link);
    }
    if (status != SHMRPC_OK && shmrpci_waiting_take_interrupt()) {
        status = shmrpc_error_set(a.error, SHMRPC_E_CANCELLED,
                                  "asking the service was interrupted");
    }
    return status;
}

/*
 * Host names.  The C library's resolver takes no deadline, so it runs on a
 * thread of its own, which the caller may abandon.
 */
#include "os/stream.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "os/thread.h"

/* Shared by the caller and the thread; whoever is last frees it. */
typedef struct question {
    shmrpci_mutex lock;
    shmrpci_cond answered;
    unsigned holders;
    bool done;
    shmrpc_status status;
    shmrpci_endpoint endpoints[SHMRPCI_ENDPOINTS_MAX];
    size_t count;
    char host[256];
    char port[8];
} question;

static shmrpc_status look_up(const char *host, const char *port, int flags,
                             shmrpci_endpoint *out, size_t *out_count)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = flags | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    int failed = getaddrinfo(host, port, &hints, &list);
    if (failed != 0) {
        return failed == EAI_MEMORY ? SHMRPC_E_NO_MEMORY : SHMRPC_E_NOT_FOUND;
    }
    size_t count = 0;
    for (const struct addrinfo *at = list;
         at != NULL && count < SHMRPCI_ENDPOINTS_MAX; at = at->ai_next) {
        if (at->ai_addrlen <= sizeof out->bytes) {
            memset(&out[count], 0, sizeof *out);
            memcpy(out[count].bytes, at->ai_addr, at->ai_addrlen);
            out[count++].len = at->ai_addrlen;
        }
    }
    freeaddrinfo(list);
    *out_count = count;
    return count > 0 ? SHMRPC_OK : SHMRPC_E_NOT_FOUND;
}

/* Called under the lock, which it releases. */
static void leave(question *q)
{
    bool last = --q->holders == 0;
    shmrpci_mutex_unlock(&q->lock);
    if (last) {
        shmrpci_cond_fini(&q->answered);
        shmrpci_mutex_fini(&q->lock);
        free(q);
    }
}

static void answer(void *user)
{
    question *q = user;
    shmrpci_endpoint endpoints[SHMRPCI_ENDPOINTS_MAX];
    size_t count = 0;
    shmrpc_status status = look_up(q->host, q->port, 0, endpoints, &count);
    shmrpci_mutex_lock(&q->lock);
    q->status = status;
    q->count = count;
    memcpy(q->endpoints, endpoints, count * sizeof *endpoints);
    q->done = true;
    shmrpci_cond_signal(&q->answered);
    leave(q);
}

static shmrpc_status ask(const char *host, const char *port,
                         int64_t deadline_ns, shmrpci_endpoint *out,
                         size_t *out_count)
{
    question *q = calloc(1, sizeof *q);
    if (q == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    q->holders = 2;
    (void)snprintf(q->host, sizeof q->host, "%s", host);
    (void)snprintf(q->port, sizeof q->port, "%s", port);
    shmrpci_mutex_init(&q->lock);
    shmrpci_cond_init(&q->answered);
    shmrpci_thread thread;
    shmrpc_status status =
        shmrpci_thread_create(&thread, "shmrpc-resolve", answer, q);
    if (status == SHMRPC_OK) {
        shmrpci_thread_detach(&thread);
    }
    shmrpci_mutex_lock(&q->lock);
    if (status != SHMRPC_OK) {
        q->holders--;
        leave(q);
        return status;
    }
    bool in_time = true;
    while (!q->done && in_time) {
        in_time = shmrpci_cond_wait_until(&q->answered, &q->lock, deadline_ns);
    }
    status = q->done ? q->status : SHMRPC_E_DEADLINE;
    if (status == SHMRPC_OK) {
        memcpy(out, q->endpoints, q->count * sizeof *out);
        *out_count = q->count;
    }
    leave(q);
    return status;
}

shmrpc_status shmrpci_stream_resolve(const char *host, uint16_t port,
                                     int64_t deadline_ns, shmrpci_endpoint *out,
                                     size_t *out_count)
{
    char text[8];
    (void)snprintf(text, sizeof text, "%u", port);
    if (look_up(host, text, AI_NUMERICHOST, out, out_count) == SHMRPC_OK) {
        return SHMRPC_OK;
    }
    return ask(host, text, deadline_ns, out, out_count);
}

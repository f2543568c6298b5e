/* A worker process: attaches at its links, and runs handlers. */
#include "supervise/zygote.h"

#include <stdio.h>
#include <stdlib.h>

#include "os/thread.h"

/* A thread of the worker: what it serves, and where it counts. */
typedef struct post {
    const shmrpci_served *served;
    const shmrpci_transport *transport;
    shmrpci_participant *participant;
    uint32_t place; /* index in the service's statistics */
    shmrpci_thread thread;
    bool has_thread;
} post;

/* Reports an error where the supervisor's own lines go. */
static void fail(const shmrpci_crew *crew, uint32_t number,
                 const shmrpc_error *error)
{
    char text[SHMRPC_ERROR_TEXT_BYTES];
    char limits[160] = "";
    if (error->code == SHMRPC_E_EXHAUSTED) {
        shmrpci_process_limits(limits, sizeof limits);
    }
    bool has_limits = limits[0] != '\0';
    (void)fprintf(stderr, "%s: error: worker %u: %s%s%s%s\n",
                  shmrpci_server_outlet(crew->server, 0).served->service->name,
                  number, shmrpc_error_text(error, text, sizeof text),
                  has_limits ? " (" : "", limits, has_limits ? ")" : "");
    shmrpci_child_leave(1);
}

static void work(void *user)
{
    post *at = user;
    shmrpci_dispatch_run(at->served, at->participant, at->place);
}

static int attach(const shmrpci_crew *crew, const int *links,
                  shmrpci_listener **mirrors, shmrpc_error *error)
{
    uint32_t outlets = shmrpci_server_outlet_count(crew->server);
    int status = SHMRPC_OK;
    for (uint32_t i = 0; i < outlets && status == SHMRPC_OK; i++) {
        shmrpci_outlet_view outlet = shmrpci_server_outlet(crew->server, i);
        status =
            outlet.transport->processes->attach(links[i], &mirrors[i], error);
    }
    return status;
}

static int start(const shmrpci_crew *crew, shmrpc_error *error)
{
    if (crew->hooks.start == NULL) {
        return SHMRPC_OK;
    }
    (void)shmrpc_error_set(error, SHMRPC_E_INTERNAL,
                           "the start hook has failed");
    return crew->hooks.start(crew->user, error);
}

static int open_posts(const shmrpci_crew *crew, uint32_t number,
                      shmrpci_listener *const *mirrors, post *posts,
                      shmrpc_error *error)
{
    uint32_t outlets = shmrpci_server_outlet_count(crew->server);
    for (uint32_t i = 0; i < outlets; i++) {
        shmrpci_outlet_view outlet = shmrpci_server_outlet(crew->server, i);
        int status = SHMRPC_OK;
        for (uint32_t t = 0; t < crew->threads && status == SHMRPC_OK; t++) {
            post *at = &posts[i * crew->threads + t];
            uint32_t index = number * crew->threads + t;
            *at = (post){.served = outlet.served,
                         .transport = outlet.transport,
                         .place = outlet.first_place + index};
            status = outlet.transport->worker->participant_open(
                mirrors[i], index, &at->participant, error);
        }
        if (status != SHMRPC_OK) {
            return status;
        }
    }
    return SHMRPC_OK;
}

/* Runs the first post in this thread, and the others in threads of their own.
 */
static int run_posts(post *posts, uint32_t count, shmrpc_error *error)
{
    for (uint32_t i = 1; i < count; i++) {
        int status = shmrpci_thread_create(&posts[i].thread, "shmrpc-worker",
                                           work, &posts[i]);
        if (status != SHMRPC_OK) {
            return shmrpc_error_set(error, status, "a thread can't be started");
        }
        posts[i].has_thread = true;
    }
    work(&posts[0]);
    for (uint32_t i = 1; i < count; i++) {
        shmrpci_thread_join(&posts[i].thread);
    }
    for (uint32_t i = 0; i < count; i++) {
        posts[i].transport->worker->participant_close(posts[i].participant);
    }
    return SHMRPC_OK;
}

void shmrpci_worker_run(const shmrpci_crew *crew, uint32_t number,
                        const int *links)
{
    shmrpc_error error = {.name = "UNKNOWN"};
    uint32_t count = shmrpci_server_outlet_count(crew->server) * crew->threads;
    post *posts = calloc(count, sizeof *posts);
    if (posts == NULL) {
        shmrpci_child_leave(1);
    }
    shmrpci_process_raise_descriptors();
    /* Attaches first, before any of the user's code runs: once attached, the
     * process is known as a worker, and the next server waits for it
     * (os/server_lock.h). */
    shmrpci_listener *mirrors[SHMRPCI_SOCKET_MAX_FDS];
    int status = attach(crew, links, mirrors, &error);
    if (status == SHMRPC_OK) {
        status = start(crew, &error);
    }
    if (status == SHMRPC_OK) {
        status = open_posts(crew, number, mirrors, posts, &error);
    }
    if (status == SHMRPC_OK) {
        status = run_posts(posts, count, &error);
    }
    if (status != SHMRPC_OK) {
        fail(crew, number, &error);
    }
    if (crew->hooks.stop != NULL) {
        crew->hooks.stop(crew->user);
    }
    shmrpci_child_leave(0);
}

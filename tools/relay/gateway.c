/* The main part of a gateway program: its threads, and how they end. */
#include "tools/relay/gateway.h"

#include <stdio.h>

#include "os/signals.h"
#include "os/thread.h"
#include "sync/atomic.h"
#include "tools/common/sandbox.h"

/* Defaults for options that are not given; the manual pages state the same. */
#define DEFAULT_MEMORY ((size_t)256 << 20)

/* A place and the thread that runs it; the first place runs on the main
 * thread. */
typedef struct runner {
    gateway *gateway;
    const gateway_place *place;
    shmrpci_thread thread;
    bool has_thread;
    int status; /* what run has returned */
} runner;

/* Static, because the signal handler must find it. */
static gateway *current;

/* Number of places that the signal handler may stop. */
static shmrpci_atomic_u32 running;

/* The signal handler: it only calls functions that are safe in one, such as
 * `stop`. Acquire: pairs with the release in gateway_begin. */
static void on_signal(int number)
{
    (void)number;
    uint32_t count = shmrpci_load_acquire(&running);
    for (uint32_t i = 0; i < count; i++) {
        current->stop(current->places[i].user);
    }
}

exit_code gateway_fail(const gateway *g, const char *name,
                       const shmrpc_error *error)
{
    char text[SHMRPC_ERROR_TEXT_BYTES];
    (void)fprintf(stderr, "%s: %s: %s\n", g->program, name,
                  shmrpc_error_text(error, text, sizeof text));
    return EXIT_TROUBLE;
}

int gateway_address(const char *text, const shmrpc_service *service,
                    const char *expected, shmrpci_address *out,
                    shmrpc_error *error)
{
    shmrpci_place_list list;
    int status = shmrpci_places_parse(text, service, &list, error);
    if (status == SHMRPC_OK && list.count != 1) {
        status = shmrpc_error_set(error, SHMRPC_E_INVALID, "\"%.100s\": %s",
                                  text, expected);
    }
    if (status == SHMRPC_OK && list.items[0].address.transport == NULL) {
        status = shmrpci_place_not_built(&list.items[0], error);
    }
    if (status == SHMRPC_OK) {
        *out = list.items[0].address;
    }
    return status;
}

void gateway_begin(gateway *g)
{
    current = g;
    shmrpci_store_release(&running, (uint32_t)g->count);
    shmrpci_signals_catch_stop(on_signal);
}

void gateway_end(void)
{
    shmrpci_store_release(&running, 0u);
}

/* If the kernel can't filter system calls, the program does not run, unless the
 * user has turned the sandbox off. */
exit_code gateway_sandbox(const gateway *g, bool is_off)
{
    if (is_off || tool_sandbox_enter() == SHMRPC_OK) {
        return EXIT_GO_ON;
    }
    (void)fprintf(stderr,
                  "%s: the kernel can't filter system calls (seccomp); "
                  "--no-sandbox runs without a sandbox\n",
                  g->program);
    return EXIT_TROUBLE;
}

/* The main function of a runner's thread. If one place fails, all others are
 * stopped as well. */
static void run_one(void *user)
{
    runner *r = user;
    shmrpc_error error = {.name = "UNKNOWN"};
    r->status = r->gateway->run(r->place->user, &error);
    if (r->status != SHMRPC_OK) {
        (void)gateway_fail(r->gateway, r->place->name, &error);
        on_signal(0);
    }
}

/* If a thread can't be started, those that run are stopped, because nobody
 * would notice that only some of the places are served. */
static void start_one(runner *r)
{
    r->has_thread =
        shmrpci_thread_create(&r->thread, "relay", run_one, r) == SHMRPC_OK;
    if (!r->has_thread) {
        (void)fprintf(stderr, "%s: can't start a thread\n",
                      r->gateway->program);
        r->status = SHMRPC_E_EXHAUSTED;
        on_signal(0);
    }
}

exit_code gateway_run(gateway *g)
{
    runner runners[GATEWAY_SERVICES_MAX];
    exit_code code = EXIT_DONE;
    for (size_t i = 0; i < g->count; i++) {
        runners[i] = (runner){.gateway = g, .place = &g->places[i]};
    }
    for (size_t i = 1; i < g->count; i++) {
        start_one(&runners[i]);
    }
    run_one(&runners[0]);
    for (size_t i = 0; i < g->count; i++) {
        if (runners[i].has_thread) {
            shmrpci_thread_join(&runners[i].thread);
        }
        code = runners[i].status == SHMRPC_OK ? code : EXIT_TROUBLE;
    }
    return code;
}

exit_code gateway_settle_memory(const char *program, size_t services,
                                size_t max_message_bytes, size_t *max_bytes)
{
    size_t least = services * max_message_bytes * 2;
    if (*max_bytes == 0) {
        *max_bytes = least > DEFAULT_MEMORY ? least : DEFAULT_MEMORY;
    }
    if (*max_bytes < least) {
        (void)fprintf(stderr,
                      "%s: --max-memory is less than %zu, twice "
                      "--max-message for each service\n",
                      program, least);
        return EXIT_USAGE;
    }
    return EXIT_GO_ON;
}

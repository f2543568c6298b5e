/*
 * The main function of programs that only serve: a supervisor with worker
 * processes, or (--workers=0) threads in this process.
 *
 * Only this file of the library prints to standard output and handles signals.
 */
#include "supervise/arguments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/program.h"
#include "os/signals.h"
#include "rpc/address.h"
#include "rpc/rows.h"
#include "rpc/server.h"
#include "supervise/managed.h"
#include "supervise/supervisor.h"
#include "sync/atomic.h"

/* The server to stop. The signal handler can reach it only through global
 * variables. */
static _Atomic(shmrpc_server *) running;
static _Atomic(shmrpci_supervisor *) supervising;

static void on_signal(int number)
{
    (void)number;
    shmrpc_server *server = shmrpci_load_acquire(&running);
    shmrpci_supervisor *supervisor = shmrpci_load_acquire(&supervising);
    if (supervisor != NULL) {
        shmrpci_supervisor_stop(supervisor);
    } else if (server != NULL) {
        shmrpc_server_stop(server);
    }
}

static int report(const char *name, const shmrpc_error *error)
{
    char text[SHMRPC_ERROR_TEXT_BYTES];
    char limits[160] = "";
    if (error->code == SHMRPC_E_EXHAUSTED) {
        shmrpci_process_limits(limits, sizeof limits);
    }
    bool has_limits = limits[0] != '\0';
    (void)fprintf(stderr, "%s: error: %s%s%s%s\n", name,
                  shmrpc_error_text(error, text, sizeof text),
                  has_limits ? " (" : "", limits, has_limits ? ")" : "");
    return EXIT_FAILURE;
}

static void print_places(const char *name, const shmrpc_server *server)
{
    (void)printf("%s: serving at", name);
    for (uint32_t i = 0;; i++) {
        const char *where = shmrpci_server_describe(server, i);
        if (where == NULL) {
            break;
        }
        (void)printf("%s %s", i > 0 ? "," : "", where);
    }
    (void)printf("\n");
    /* The process that started us may wait for this line. */
    (void)fflush(stdout);
    shmrpci_managed_serving(server);
}

/* The service of the program, with the user's handlers and hooks. */
typedef struct program {
    const shmrpc_service *service;
    const shmrpc_handler *handlers;
    const void *impl;
    size_t impl_size;
    void *user;
    shmrpc_hooks hooks;
    shmrpc_server *server;
    bool is_astray; /* it was passed a socket that it does not serve */
} program;

/* ---- threads of this process --------------------------------------------- */

static int prepare_threads(const program *p, shmrpc_error *error)
{
    int status = SHMRPC_OK;
    if (p->hooks.preload != NULL) {
        status = p->hooks.preload(p->user, error);
    }
    if (status == SHMRPC_OK && p->hooks.start != NULL) {
        status = p->hooks.start(p->user, error);
    }
    return status == SHMRPC_OK
               ? shmrpc_stub_serve(p->server, p->service, p->handlers, p->impl,
                                   p->impl_size, p->user, error)
               : status;
}

static void on_threads_serving(void *user)
{
    const program *p = user;
    print_places(p->service->name, p->server);
}

static int serve_by_threads(program *p)
{
    shmrpc_error error = {.name = "UNKNOWN"};
    if (prepare_threads(p, &error) != SHMRPC_OK ||
        shmrpci_managed_check(p->server, &error) != SHMRPC_OK) {
        return report(p->service->name, &error);
    }
    shmrpci_store_release(&running, p->server);
    shmrpci_signals_catch_stop(on_signal);
    int status = shmrpci_server_run(p->server, on_threads_serving, p, &error);
    shmrpci_store_release(&running, NULL);
    if (p->hooks.stop != NULL) {
        p->hooks.stop(p->user);
    }
    return status == SHMRPC_OK ? EXIT_SUCCESS
                               : report(p->service->name, &error);
}

/* ---- processes ----------------------------------------------------------- */

static void on_serving(void *user)
{
    program *p = user;
    shmrpc_error error;
    p->is_astray = shmrpci_managed_check(p->server, &error) != SHMRPC_OK;
    if (p->is_astray) {
        (void)report(p->service->name, &error);
        shmrpci_supervisor_stop(shmrpci_load_acquire(&supervising));
    } else {
        print_places(p->service->name, p->server);
    }
}

static void on_ending(void *user)
{
    (void)user;
    shmrpci_managed_ending();
}

static void say(void *user, const char *line)
{
    const program *p = user;
    (void)fprintf(stderr, "%s: %s\n", p->service->name, line);
}

/* Whether all addresses can be served by worker processes. Returns true for
 * invalid addresses, because they are reported later. */
static bool takes_processes(const program *p, const char *listen)
{
    shmrpci_place_list places;
    shmrpc_error error;
    if (shmrpci_places_parse(listen, p->service, &places, &error) !=
        SHMRPC_OK) {
        return true;
    }
    for (size_t i = 0; i < places.count; i++) {
        const shmrpci_transport *transport = places.items[i].address.transport;
        if (transport != NULL && transport->processes == NULL) {
            return false;
        }
    }
    return true;
}

static int supervise(program *p, const shmrpci_arguments *args,
                     shmrpc_error *error)
{
    shmrpci_supervisor *supervisor;
    uint32_t cpus = shmrpci_server_default_workers();
    shmrpci_supervise_opts opts = {
        .crew = {.server = p->server,
                 .threads = args->threads > 0 ? args->threads : 1,
                 .drain_ns = args->server.stream_drain_ns,
                 .hooks = p->hooks,
                 .user = p->user},
        .min_workers = args->has_workers ? args->min_workers : cpus,
        .max_workers = args->has_workers ? args->max_workers : cpus,
        .scale = args->scale,
        .max_memory_bytes = args->max_memory_bytes,
        .max_calls = args->max_calls,
        .takes_over = args->takes_over,
        .stop_ns = args->stop_ns,
        .hang_ns = args->hang_ns,
        .orders_fd = shmrpci_program_take_orders(),
        .on_serving = on_serving,
        .on_ending = on_ending,
        .say = say,
        .user = p};
    int status = shmrpci_server_add(p->server, p->service, p->handlers, p->impl,
                                    p->impl_size, p->user, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_supervisor_create(&opts, &supervisor, error);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_store_release(&supervising, supervisor);
    shmrpci_signals_catch_stop(on_signal);
    status = shmrpci_supervisor_run(supervisor, error);
    shmrpci_store_release(&supervising, NULL);
    shmrpci_supervisor_destroy(supervisor);
    return status;
}

static int serve_by_processes(program *p, const shmrpci_arguments *args)
{
    shmrpc_error error = {.name = "UNKNOWN"};
    if (supervise(p, args, &error) != SHMRPC_OK) {
        return report(p->service->name, &error);
    }
    return p->is_astray ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- the program --------------------------------------------------------- */

/* The hooks of shmrpc_main_set_hooks; used by the program's one main. */
static shmrpc_hooks main_hooks;

void shmrpc_main_set_hooks(const shmrpc_hooks *hooks)
{
    size_t known = sizeof main_hooks;
    memset(&main_hooks, 0, sizeof main_hooks);
    memcpy(&main_hooks, hooks, hooks->size < known ? hooks->size : known);
}

static int serve(program *p, shmrpci_arguments *args)
{
    shmrpc_error error = {.name = "UNKNOWN"};
    args->server.workers = args->threads;
    args->server.disconnected = p->hooks.disconnected;
    args->server.authorize = p->hooks.authorize;
    args->server.authorize_user = p->user;
    args->server.interceptors = p->hooks.interceptors;
    if (shmrpci_managed_open(&error) != SHMRPC_OK ||
        shmrpc_server_create(&args->server, &p->server, &error) != SHMRPC_OK) {
        return report(p->service->name, &error);
    }
    bool by_threads = args->has_workers
                          ? args->max_workers == 0
                          : !takes_processes(p, args->server.listen);
    int status = by_threads ? serve_by_threads(p) : serve_by_processes(p, args);
    shmrpc_server_destroy(p->server);
    return status;
}

int shmrpc_stub_main(int argc, char **argv, const shmrpc_service *service,
                     const shmrpc_handler *handlers, const void *impl,
                     size_t impl_size, void *user)
{
    shmrpci_arguments args;
    program p = {service, handlers,   impl, impl_size,
                 user,    main_hooks, NULL, false};
    shmrpc_error error = {.name = "UNKNOWN"};
    if (shmrpci_rows_check(service, &error) != SHMRPC_OK) {
        return report("shmrpc", &error);
    }
    argv = shmrpci_managed_arguments(argc, argv, &argc);
    if (argv == NULL) {
        (void)shmrpc_error_set(&error, SHMRPC_E_NO_MEMORY, "out of memory");
        return report(service->name, &error);
    }
    int ended = shmrpci_arguments_read(argc, argv, service, &args);
    if (ended == SHMRPCI_ARGUMENTS_GO_ON) {
        ended = serve(&p, &args);
    }
    shmrpci_arguments_fini(&args);
    return ended;
}

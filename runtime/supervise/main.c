/*
 * The main function of programs that are nothing but a server: a supervisor
 * with worker processes, or (--workers=0) threads in this process.
 *
 * The one place of the library that prints, and that looks at signals.
 */
#include "shmrpc/stub.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "rpc/address.h"
#include "rpc/server.h"
#include "shmrpc/version.h"
#include "supervise/supervisor.h"
#include "sync/atomic.h"

enum { EXIT_USAGE = 2 };

/* At the end calls have so long to finish. */
#define STOP_NS (10 * SHMRPCI_NS_PER_S)
/* So long past a call's deadline its worker counts as hung. */
#define HANG_NS (30 * SHMRPCI_NS_PER_S)

/* What the signal handler stops; a handler has no other way to be told. */
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

static void catch_signals(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

static void print_help(const char *program, const shmrpc_service *service)
{
    (void)printf(
        "Usage: %s [OPTION]...\n"
        "Serves %s (%s, version %u) until SIGINT or SIGTERM.\n"
        "\n"
        "  -l, --listen=ADDRESSES   where, separated by commas: shm://,\n"
        "                           shm://NAME@INSTANCE, tcp://HOST:PORT,\n"
        "                           unix:///PATH (default shm://)\n"
        "  -w, --workers=COUNT      worker processes, 1 to 64 (default: one a\n"
        "                           CPU); 0: threads of this process instead,\n"
        "                           as are the default for tcp:// and unix://\n"
        "  -t, --threads=COUNT      threads of each worker (default 1; with\n"
        "                           --workers=0: one a CPU)\n"
        "      --hang-kill=SECONDS  a worker is killed so long after a call's\n"
        "                           deadline if the call goes on (default 30)\n"
        "      --stop-after=SECONDS calls in progress have so long to end "
        "when\n"
        "                           the service is stopped (default 10)\n"
        "  -p, --profile=PROFILE    how to wait: latency, balanced (default)\n"
        "                           or power\n"
        "  -m, --max-message=BYTES  the largest message (default 64 MiB)\n"
        "      --force-insecure-serialisation\n"
        "                           serve native methods at tcp:// too\n"
        "      --describe           print the service's interface and exit\n"
        "      --version            print the version of the library and exit\n"
        "  -h, --help               print this and exit\n",
        program, service->name, service->id, service->version);
}

static int usage_error(const char *program, const char *what, const char *text)
{
    (void)fprintf(stderr, "%s: %s: \"%s\" (--help tells more)\n", program, what,
                  text);
    return EXIT_USAGE;
}

/* A whole number from `least` to `most`. */
static bool parse_count(const char *text, unsigned long long least,
                        unsigned long long most, unsigned long long *out)
{
    char *end;
    *out = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && *out >= least &&
           *out <= most;
}

static bool parse_profile(const char *text, shmrpc_profile *out)
{
    static const char *const names[] = {"balanced", "latency", "power"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (shmrpc_profile)i;
            return true;
        }
    }
    return false;
}

enum {
    OPTION_DESCRIBE = 256,
    OPTION_VERSION,
    OPTION_HANG,
    OPTION_STOP,
    OPTION_FORCE
};

static const struct option long_options[] = {
    {"listen", required_argument, NULL, 'l'},
    {"workers", required_argument, NULL, 'w'},
    {"threads", required_argument, NULL, 't'},
    {"profile", required_argument, NULL, 'p'},
    {"max-message", required_argument, NULL, 'm'},
    {"force-insecure-serialisation", no_argument, NULL, OPTION_FORCE},
    {"hang-kill", required_argument, NULL, OPTION_HANG},
    {"stop-after", required_argument, NULL, OPTION_STOP},
    {"describe", no_argument, NULL, OPTION_DESCRIBE},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* What parse_option returns when the program is to go on. */
#define GO_ON (-1)

/* What the command line says; zeroes stand for defaults. */
typedef struct arguments {
    shmrpc_server_opts server;
    bool has_workers;
    uint32_t workers; /* processes */
    uint32_t threads;
    int64_t hang_ns;
    int64_t stop_ns;
} arguments;

/* Whole seconds, up to a day. */
static int parse_seconds(const char *program, const char *what, int64_t *out)
{
    unsigned long long seconds;
    if (!parse_count(optarg, 1, 86400, &seconds)) {
        return usage_error(program, what, optarg);
    }
    *out = (int64_t)seconds * SHMRPCI_NS_PER_S;
    return GO_ON;
}

static int parse_option(int option, const char *program,
                        const shmrpc_service *service, arguments *out)
{
    unsigned long long count;
    switch (option) {
    case 'l':
        out->server.listen = optarg;
        return GO_ON;
    case 'w':
        if (!parse_count(optarg, 0, 64, &count)) {
            return usage_error(program, "workers is not from 0 to 64", optarg);
        }
        out->has_workers = true;
        out->workers = (uint32_t)count;
        return GO_ON;
    case 't':
        if (!parse_count(optarg, 1, 64, &count)) {
            return usage_error(program, "threads is not from 1 to 64", optarg);
        }
        out->threads = (uint32_t)count;
        return GO_ON;
    case 'p':
        return parse_profile(optarg, &out->server.profile)
                   ? GO_ON
                   : usage_error(program, "no such profile", optarg);
    case 'm':
        if (!parse_count(optarg, 1, 1ull << 30, &count)) {
            return usage_error(
                program, "max-message is not from 1 byte to 1 GiB", optarg);
        }
        out->server.max_message_bytes = (size_t)count;
        return GO_ON;
    case OPTION_HANG:
        return parse_seconds(program, "hang-kill is not from 1 to 86400",
                             &out->hang_ns);
    case OPTION_STOP:
        return parse_seconds(program, "stop-after is not from 1 to 86400",
                             &out->stop_ns);
    case OPTION_FORCE:
        out->server.force_insecure_serialisation = true;
        return GO_ON;
    case OPTION_DESCRIBE:
        for (const char *const *at = service->text; *at != NULL; at++) {
            (void)fputs(*at, stdout);
        }
        return EXIT_SUCCESS;
    case OPTION_VERSION:
        (void)printf("shmrpc %s\n", SHMRPC_VERSION);
        return EXIT_SUCCESS;
    case 'h':
        print_help(program, service);
        return EXIT_SUCCESS;
    default: /* getopt has said what is wrong */
        return EXIT_USAGE;
    }
}

static int report(const char *name, const shmrpc_error *error)
{
    (void)fprintf(stderr, "%s: error: %s (%s)\n", name, error->message,
                  error->name);
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
    /* Whoever started us may wait for this line. */
    (void)fflush(stdout);
}

/* What the program serves. */
typedef struct program {
    const shmrpc_service *service;
    const shmrpc_handler *handlers;
    const void *impl;
    size_t impl_size;
    void *user;
    shmrpc_hooks hooks;
    shmrpc_server *server;
} program;

/* ---- threads of this process ---- */

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

static int serve_by_threads(const program *p)
{
    shmrpc_error error = {.name = "UNKNOWN"};
    if (prepare_threads(p, &error) != SHMRPC_OK) {
        return report(p->service->name, &error);
    }
    shmrpci_store_release(&running, p->server);
    catch_signals();
    print_places(p->service->name, p->server);
    int status = shmrpc_server_run(p->server, &error);
    shmrpci_store_release(&running, NULL);
    if (p->hooks.stop != NULL) {
        p->hooks.stop(p->user);
    }
    return status == SHMRPC_OK ? EXIT_SUCCESS
                               : report(p->service->name, &error);
}

/* ---- processes ---- */

static void on_serving(void *user)
{
    const program *p = user;
    print_places(p->service->name, p->server);
}

static void say(void *user, const char *line)
{
    const program *p = user;
    (void)fprintf(stderr, "%s: %s\n", p->service->name, line);
}

/* Whether all addresses can be served by processes; those that can't be read
 * count, as that is told later. */
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
        if (transport != NULL && transport->enlist == NULL) {
            return false;
        }
    }
    return true;
}

static int supervise(program *p, const arguments *args, shmrpc_error *error)
{
    shmrpci_supervisor *supervisor;
    uint32_t workers =
        args->has_workers ? args->workers : shmrpci_server_default_workers();
    shmrpci_supervise_opts opts = {
        .crew = {.server = p->server,
                 .threads = args->threads > 0 ? args->threads : 1,
                 .hooks = p->hooks,
                 .user = p->user},
        .min_workers = workers,
        .max_workers = workers,
        .stop_ns = args->stop_ns,
        .hang_ns = args->hang_ns,
        .on_serving = on_serving,
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
    catch_signals();
    status = shmrpci_supervisor_run(supervisor, error);
    shmrpci_store_release(&supervising, NULL);
    shmrpci_supervisor_destroy(supervisor);
    return status;
}

static int serve_by_processes(program *p, const arguments *args)
{
    shmrpc_error error = {.name = "UNKNOWN"};
    return supervise(p, args, &error) == SHMRPC_OK
               ? EXIT_SUCCESS
               : report(p->service->name, &error);
}

/* ---- the program ---- */

/* What shmrpc_main_set_hooks was given; the program's one main uses it. */
static shmrpc_hooks main_hooks;

void shmrpc_main_set_hooks(const shmrpc_hooks *hooks)
{
    size_t known = sizeof main_hooks;
    memset(&main_hooks, 0, sizeof main_hooks);
    memcpy(&main_hooks, hooks, hooks->size < known ? hooks->size : known);
}

int shmrpc_stub_main(int argc, char **argv, const shmrpc_service *service,
                     const shmrpc_handler *handlers, const void *impl,
                     size_t impl_size, void *user)
{
    arguments args = {.hang_ns = HANG_NS, .stop_ns = STOP_NS};
    program p = {service, handlers, impl, impl_size, user, main_hooks, NULL};
    shmrpc_error error = {.name = "UNKNOWN"};
    int option;
    while ((option = getopt_long(argc, argv, "l:w:t:p:m:h", long_options,
                                 NULL)) != -1) {
        int status = parse_option(option, argv[0], service, &args);
        if (status != GO_ON) {
            return status;
        }
    }
    if (optind < argc) {
        return usage_error(argv[0], "unexpected argument", argv[optind]);
    }
    args.server.workers = args.threads;
    if (shmrpc_server_create(&args.server, &p.server, &error) != SHMRPC_OK) {
        return report(service->name, &error);
    }
    bool by_threads = args.has_workers
                          ? args.workers == 0
                          : !takes_processes(&p, args.server.listen);
    int status =
        by_threads ? serve_by_threads(&p) : serve_by_processes(&p, &args);
    shmrpc_server_destroy(p.server);
    return status;
}

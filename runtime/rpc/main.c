/*
 * The main function of programs that are nothing but a server.
 *
 * The one place of the library that prints, and that looks at signals.
 */
#include "shmrpc/stub.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/server.h"
#include "shmrpc/version.h"
#include "sync/atomic.h"

enum { EXIT_USAGE = 2 };

/* What the signal handler stops; a handler has no other way to be told. */
static _Atomic(shmrpc_server *) running;

static void on_signal(int number)
{
    (void)number;
    shmrpc_server *server = shmrpci_load_acquire(&running);
    if (server != NULL) {
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
        "  -w, --workers=COUNT      worker threads (default: one a CPU)\n"
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

/* A whole number from 1 to `most`. */
static bool parse_count(const char *text, unsigned long long most,
                        unsigned long long *out)
{
    char *end;
    *out = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && *out >= 1 &&
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

enum { OPTION_DESCRIBE = 256, OPTION_FORCE, OPTION_VERSION };

static const struct option long_options[] = {
    {"listen", required_argument, NULL, 'l'},
    {"workers", required_argument, NULL, 'w'},
    {"profile", required_argument, NULL, 'p'},
    {"max-message", required_argument, NULL, 'm'},
    {"force-insecure-serialisation", no_argument, NULL, OPTION_FORCE},
    {"describe", no_argument, NULL, OPTION_DESCRIBE},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* What parse_option returns when the program is to go on. */
#define GO_ON (-1)

static int parse_option(int option, const char *program,
                        const shmrpc_service *service, shmrpc_server_opts *out)
{
    unsigned long long count;
    switch (option) {
    case 'l':
        out->listen = optarg;
        return GO_ON;
    case 'w':
        if (!parse_count(optarg, 64, &count)) {
            return usage_error(program, "workers is not from 1 to 64", optarg);
        }
        out->workers = (uint32_t)count;
        return GO_ON;
    case 'p':
        return parse_profile(optarg, &out->profile)
                   ? GO_ON
                   : usage_error(program, "no such profile", optarg);
    case 'm':
        if (!parse_count(optarg, 1ull << 30, &count)) {
            return usage_error(
                program, "max-message is not from 1 byte to 1 GiB", optarg);
        }
        out->max_message_bytes = (size_t)count;
        return GO_ON;
    case OPTION_FORCE:
        out->force_insecure_serialisation = true;
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

static int serve(shmrpc_server *server, const shmrpc_service *service,
                 const shmrpc_handler *handlers, const void *impl,
                 size_t impl_size, void *user)
{
    shmrpc_error error = {.name = "UNKNOWN"};
    if (shmrpc_stub_serve(server, service, handlers, impl, impl_size, user,
                          &error) != SHMRPC_OK) {
        return report(service->name, &error);
    }
    shmrpci_store_release(&running, server);
    catch_signals();
    print_places(service->name, server);
    int status = shmrpc_server_run(server, &error);
    shmrpci_store_release(&running, NULL);
    return status == SHMRPC_OK ? EXIT_SUCCESS : report(service->name, &error);
}

int shmrpc_stub_main(int argc, char **argv, const shmrpc_service *service,
                     const shmrpc_handler *handlers, const void *impl,
                     size_t impl_size, void *user)
{
    shmrpc_server_opts opts = {.listen = NULL};
    shmrpc_server *server = NULL;
    shmrpc_error error = {.name = "UNKNOWN"};
    int option;
    while ((option = getopt_long(argc, argv, "l:w:p:m:h", long_options,
                                 NULL)) != -1) {
        int status = parse_option(option, argv[0], service, &opts);
        if (status != GO_ON) {
            return status;
        }
    }
    if (optind < argc) {
        return usage_error(argv[0], "unexpected argument", argv[optind]);
    }
    if (shmrpc_server_create(&opts, &server, &error) != SHMRPC_OK) {
        return report(service->name, &error);
    }
    int status = serve(server, service, handlers, impl, impl_size, user);
    shmrpc_server_destroy(server);
    return status;
}

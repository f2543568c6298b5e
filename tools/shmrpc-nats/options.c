/*
 * Parses the command line.
 *
 * Every value is checked here, so that no later code has to check it. A wrong
 * value ends the program with a message that states the rule, before anything
 * is opened.
 */
#include "tools/shmrpc-nats/options.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "os/clock.h"
#include "os/options.h"
#include "shmrpc/options.h"
#include "shmrpc/version.h"
#include "supervise/ini.h"
#include "transport/nats/parcel.h"

/* Defaults, as stated in shmrpc-nats(8); shmrpc-tcp has the same. */
#define DEFAULT_STOP_NS (10 * SHMRPCI_NS_PER_S)

_Static_assert(SHMRPCI_INI_NATS_MAX <= GATEWAY_SERVICES_MAX,
               "the gateway has room for what service.ini allows");

/* Numbers of options without a short form; they are not characters. */
enum {
    OPTION_VERSION = 256,
    OPTION_MEMORY,
    OPTION_STOP,
    OPTION_FORCE,
    OPTION_NO_SANDBOX,
    OPTION_PERMISSIONS
};

/* The short forms are also listed in parse_options. */
static const struct option long_options[] = {
    {"servers", required_argument, NULL, 's'},
    {"threads", required_argument, NULL, 't'},
    {"max-message", required_argument, NULL, 'm'},
    {"max-memory", required_argument, NULL, OPTION_MEMORY},
    {"stop-after", required_argument, NULL, OPTION_STOP},
    {"force-insecure-serialisation", no_argument, NULL, OPTION_FORCE},
    {"no-sandbox", no_argument, NULL, OPTION_NO_SANDBOX},
    {"permissions", required_argument, NULL, OPTION_PERMISSIONS},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* Printed to stdout, because help that was asked for is a result. The manual
 * page has the same options in the same order. */
static exit_code print_help(void)
{
    (void)puts(
        "usage: shmrpc-nats [OPTION]... SERVICE...\n"
        "\n"
        "Lets clients of a NATS cluster call services of this machine, at\n"
        "nats://HOST.\n"
        "\n"
        "SERVICE is NAME, NAME@INSTANCE or either with :PORT, as in `shmrpc\n"
        "list`; one that does not run yet needs the port.\n"
        "\n"
        "  -s, --servers=ADDRESSES  servers of one cluster, tried in turn\n"
        "                           (default nats://127.0.0.1:4222), with\n"
        "                           ?creds=FILE or ?nkey=FILE, &ca=FILE and\n"
        "                           &cert=FILE, &zone=NAME: where this machine "
        "is\n"
        "  -t, --threads=COUNT      threads that pass requests on, 1 to 16\n"
        "                           (default 2); calls in progress occupy "
        "none\n"
        "  -m, --max-message=BYTES  the largest message (default 64 MiB),\n"
        "                           whatever the servers' max_payload is\n"
        "      --max-memory=BYTES   for requests and replies of all clients\n"
        "                           (default 256 MiB, or twice the largest\n"
        "                           message for each service)\n"
        "      --stop-after=SECONDS how long calls in progress may take to "
        "end\n"
        "                           when it is stopped (default 10)\n"
        "      --force-insecure-serialisation\n"
        "                           relay native methods too\n"
        "      --no-sandbox         keep the right to open files and start\n"
        "                           programs, for debugging\n"
        "      --permissions=SERVICE\n"
        "                           print what users of NATS need to be "
        "allowed,\n"
        "                           as its configuration writes it\n"
        "      --version            print the version\n"
        "  -h, --help               print this\n"
        "\n"
        "SIGINT and SIGTERM end it. Exit status: 0 done, 1 trouble, 2 wrong\n"
        "usage. shmrpc-nats(8) has the details.");
    return EXIT_DONE;
}

/* The gateway publishes more than one response to a request, so NATS's
 * allow_responses is not enough. */
static exit_code print_permissions(const char *service)
{
    char token[130];
    nats_token_of(service, token, sizeof token);
    (void)printf(
        "# clients of %s\n"
        "permissions {\n"
        "  publish: [\"shmrpc.%s.>\", \"$SRV.*.%s\", "
        "\"$SRV.*.%s.>\"]\n"
        "  subscribe: [\"_INBOX.>\", \"shmrpc.%s.up\", "
        "\"shmrpc.%s.down\"]\n"
        "}\n"
        "# shmrpc-nats %s\n"
        "permissions {\n"
        "  publish: [\"_INBOX.>\", \"shmrpc.%s.up\", \"shmrpc.%s.down\"]\n"
        "  subscribe: [\"shmrpc.%s.>\", \"$SRV.>\"]\n"
        "}\n",
        service, token, token, token, token, token, service, token, token,
        token);
    return EXIT_DONE;
}

/* `what` is the rule that was broken, `text` is what the user wrote. */
static exit_code usage_error(const char *what, const char *text)
{
    (void)fprintf(stderr, "shmrpc-nats: %s: \"%s\" (--help tells more)\n", what,
                  text);
    return EXIT_USAGE;
}

/* Later code relies on these limits (threads are at most
 * RELAY_CARRIERS_MAX). */
static exit_code parse_number(int option, options *out)
{
    static const struct {
        int option;
        uint64_t most;
        const char *rule;
    } limits[] = {
        {'t', 16, "threads must be 1 to 16"},
        {'m', 1ull << 30, "max-message must be 1 byte to 1 GiB"},
        {OPTION_MEMORY, 1ull << 40, "max-memory must be 1 byte to 1 TiB"},
        {OPTION_STOP, 86400, "stop-after must be 1 to 86400 seconds"},
    };
    size_t i = 0;
    uint64_t count;
    while (limits[i].option != option) {
        i++;
    }
    if (!shmrpci_number_read(optarg, 1, limits[i].most, &count)) {
        return usage_error(limits[i].rule, optarg);
    }
    switch (option) {
    case 't':
        out->threads = (uint32_t)count;
        break;
    case 'm':
        out->max_message_bytes = (size_t)count;
        break;
    case OPTION_MEMORY:
        out->max_memory_bytes = (size_t)count;
        break;
    default: /* OPTION_STOP */
        out->stop_ns = (int64_t)count * SHMRPCI_NS_PER_S;
        break;
    }
    return EXIT_GO_ON;
}

/* Handles one option; its argument is in optarg. If an option is repeated, the
 * last one wins. */
static exit_code parse_option(int option, options *out)
{
    switch (option) {
    case 's':
        out->servers = optarg;
        return EXIT_GO_ON;
    case 't':
    case 'm':
    case OPTION_MEMORY:
    case OPTION_STOP:
        return parse_number(option, out);
    case OPTION_FORCE:
        out->allows_native = true;
        return EXIT_GO_ON;
    case OPTION_NO_SANDBOX:
        out->no_sandbox = true;
        return EXIT_GO_ON;
    case OPTION_PERMISSIONS:
        return print_permissions(optarg);
    case OPTION_VERSION:
        (void)puts("shmrpc-nats " SHMRPC_VERSION);
        return EXIT_DONE;
    case 'h':
        return print_help();
    default:
        return EXIT_USAGE;
    }
}

/* Options may stand between services. Afterwards the services are at the end of
 * argv. */
static exit_code parse_options(int argc, char **argv, options *out)
{
    int option;
    exit_code code = EXIT_GO_ON;
    shmrpci_buf message;
    shmrpci_buf_init_heap(&message);
    while (code == EXIT_GO_ON &&
           (option = shmrpci_options_next(argc, argv, "s:t:m:h", long_options,
                                          &message)) != SHMRPCI_OPTIONS_END) {
        if (option == SHMRPCI_OPTIONS_BAD) {
            const char *text = shmrpci_buf_text(&message);
            (void)fprintf(stderr, "shmrpc-nats: %s\n",
                          text != NULL ? text : "out of memory");
            code = EXIT_USAGE;
        } else {
            code = parse_option(option, out);
        }
    }
    shmrpci_buf_fini(&message);
    return code;
}

/* Parses NAME[@INSTANCE][:PORT], as `shmrpc list` prints it. There is no
 * address, because clients find a service by its name. */
static exit_code parse_service(const char *text, option_service *out)
{
    uint64_t port = 0;
    size_t len = strcspn(text, ":");
    if (len == 0 || len >= sizeof out->name) {
        return usage_error("a service has a name", text);
    }
    if (text[len] == ':' &&
        !shmrpci_number_read(text + len + 1, 1, UINT16_MAX, &port)) {
        return usage_error("the service's port must be 1 to 65535", text);
    }
    (void)snprintf(out->name, sizeof out->name, "%.*s", (int)len, text);
    out->port = (uint16_t)port;
    return EXIT_GO_ON;
}

/* Sets defaults, then options, then services. Memory is last, because its
 * default depends on the number of services. */
exit_code options_parse(int argc, char **argv, options *out)
{
    *out = (options){.servers = "nats://127.0.0.1",
                     .max_message_bytes = SHMRPC_DEFAULT_MAX_MESSAGE_BYTES,
                     .stop_ns = DEFAULT_STOP_NS};
    exit_code code = parse_options(argc, argv, out);
    if (code != EXIT_GO_ON) {
        return code;
    }
    if (optind == argc) {
        return usage_error("a service is missing", "");
    }
    for (int i = optind; i < argc; i++) {
        if (out->service_count == GATEWAY_SERVICES_MAX) {
            return usage_error("more than 16 services", argv[i]);
        }
        code = parse_service(argv[i], &out->services[out->service_count++]);
        if (code != EXIT_GO_ON) {
            return code;
        }
    }
    return gateway_settle_memory("shmrpc-nats", out->service_count,
                                 out->max_message_bytes,
                                 &out->max_memory_bytes);
}

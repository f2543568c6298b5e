/*
 * Parses the command line.
 *
 * Every value is checked here, so that no later code has to check it. A wrong
 * value ends the program with a message that states the rule, before anything
 * is opened.
 */
#include "tools/shmrpc-tcp/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "os/clock.h"
#include "os/options.h"
#include "shmrpc/version.h"
#include "supervise/arguments.h"

/* Defaults, as stated in shmrpc-tcp(8). */
#define DEFAULT_CONNECTIONS 1024u
#define DEFAULT_STOP_NS     (10 * SHMRPCI_NS_PER_S)

/* Numbers of options without a short form; they are not characters. */
enum {
    OPTION_VERSION = 256,
    OPTION_COMPRESSION,
    OPTION_CONNECTIONS,
    OPTION_MEMORY,
    OPTION_STOP,
    OPTION_FORCE,
    OPTION_NO_SANDBOX
};

/* The short forms are also listed in parse_options. */
static const struct option long_options[] = {
    {"threads", required_argument, NULL, 't'},
    {"max-message", required_argument, NULL, 'm'},
    {"max-connections", required_argument, NULL, OPTION_CONNECTIONS},
    {"max-memory", required_argument, NULL, OPTION_MEMORY},
    {"tcp-compression", required_argument, NULL, OPTION_COMPRESSION},
    {"stop-after", required_argument, NULL, OPTION_STOP},
    {"force-insecure-serialisation", no_argument, NULL, OPTION_FORCE},
    {"no-sandbox", no_argument, NULL, OPTION_NO_SANDBOX},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* Printed to stdout, because help that was asked for is a result. The manual
 * page has the same options in the same order. */
static exit_code print_help(void)
{
    (void)puts(
        "usage: shmrpc-tcp [OPTION]... SERVICE[=ADDRESS]...\n"
        "\n"
        "Lets programs on other machines call services of this one.\n"
        "\n"
        "SERVICE is NAME, NAME@INSTANCE or either with :PORT, as in `shmrpc\n"
        "list`; one that does not run yet needs the port. ADDRESS is where to\n"
        "listen, tcp://HOST:PORT or unix:///PATH; by default 127.0.0.1 and "
        "the\n"
        "service's own port.\n"
        "\n"
        "  -t, --threads=COUNT      threads that pass requests on, 1 to 16\n"
        "                           (default 2); calls in progress occupy "
        "none\n"
        "  -m, --max-message=BYTES  the largest message (default 64 MiB)\n"
        "      --max-connections=COUNT\n"
        "                           from one address (default 1024)\n"
        "      --max-memory=BYTES   for requests and replies of all clients\n"
        "                           (default 256 MiB, or twice the largest\n"
        "                           message for each service)\n"
        "      --tcp-compression=NAME\n"
        "                           none (default), snappy or zlib\n"
        "      --stop-after=SECONDS how long calls in progress may take to "
        "end\n"
        "                           when it is stopped (default 10)\n"
        "      --force-insecure-serialisation\n"
        "                           relay native methods too\n"
        "      --no-sandbox         keep the right to open files and start\n"
        "                           programs, for debugging\n"
        "      --version            print the version\n"
        "  -h, --help               print this\n"
        "\n"
        "SIGINT and SIGTERM end it. Exit status: 0 done, 1 trouble, 2 wrong\n"
        "usage. shmrpc-tcp(8) has the details.");
    return EXIT_DONE;
}

/* `what` is the rule that was broken, `text` is what the user wrote. */
static exit_code usage_error(const char *what, const char *text)
{
    (void)fprintf(stderr, "shmrpc-tcp: %s: \"%s\" (see --help)\n", what, text);
    return EXIT_USAGE;
}

/* Later code relies on these limits (threads are at most
 * RELAY_CARRIERS_MAX). */
static exit_code parse_number(int option, options *out)
{
    uint64_t count;
    switch (option) {
    case 't':
        if (!shmrpci_number_read(optarg, 1, 16, &count)) {
            return usage_error("threads must be 1 to 16", optarg);
        }
        out->threads = (uint32_t)count;
        return EXIT_GO_ON;
    case 'm':
        if (!shmrpci_number_read(optarg, 1, 1ull << 30, &count)) {
            return usage_error("max-message must be 1 byte to 1 GiB", optarg);
        }
        out->max_message_bytes = (size_t)count;
        return EXIT_GO_ON;
    case OPTION_CONNECTIONS:
        if (!shmrpci_number_read(optarg, 1, 65536, &count)) {
            return usage_error("max-connections must be 1 to 65536", optarg);
        }
        out->max_connections = (uint32_t)count;
        return EXIT_GO_ON;
    case OPTION_MEMORY:
        if (!shmrpci_number_read(optarg, 1, 1ull << 40, &count)) {
            return usage_error("max-memory must be 1 byte to 1 TiB", optarg);
        }
        out->max_memory_bytes = (size_t)count;
        return EXIT_GO_ON;
    default: /* OPTION_STOP */
        if (!shmrpci_number_read(optarg, 1, 86400, &count)) {
            return usage_error("stop-after must be 1 to 86400 seconds", optarg);
        }
        out->stop_ns = (int64_t)count * SHMRPCI_NS_PER_S;
        return EXIT_GO_ON;
    }
}

/* Handles one option; its argument is in optarg, and the relay checks its
 * value. If an option is repeated, the last one wins. */
static exit_code parse_option(int option, options *out)
{
    switch (option) {
    case 't':
    case 'm':
    case OPTION_CONNECTIONS:
    case OPTION_MEMORY:
    case OPTION_STOP:
        return parse_number(option, out);
    case OPTION_COMPRESSION:
        return shmrpci_arguments_compression(optarg, &out->compression)
                   ? EXIT_GO_ON
                   : usage_error("tcp-compression must be none, snappy or zlib",
                                 optarg);
    case OPTION_FORCE:
        out->allows_native = true;
        return EXIT_GO_ON;
    case OPTION_NO_SANDBOX:
        out->no_sandbox = true;
        return EXIT_GO_ON;
    case OPTION_VERSION:
        (void)puts("shmrpc-tcp " SHMRPC_VERSION);
        return EXIT_DONE;
    case 'h':
        return print_help();
    default:
        return EXIT_USAGE;
    }
}

/* Prints an error in the options; os/options has worded it. */
static exit_code refuse(shmrpci_buf *message)
{
    const char *text = shmrpci_buf_text(message);
    (void)fprintf(stderr, "shmrpc-tcp: %s\n",
                  text != NULL ? text : "out of memory");
    return EXIT_USAGE;
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
           (option = shmrpci_options_next(argc, argv, "t:m:h", long_options,
                                          &message)) != SHMRPCI_OPTIONS_END) {
        code = option == SHMRPCI_OPTIONS_BAD ? refuse(&message)
                                             : parse_option(option, out);
    }
    shmrpci_buf_fini(&message);
    return code;
}

/* Parses NAME[@INSTANCE][:PORT][=ADDRESS]; the part before = is as `shmrpc
 * list` prints it. The first = ends the name, since addresses may contain = as
 * well. ADDRESS is kept as a pointer into argv. */
static exit_code parse_service(const char *text, option_service *out)
{
    uint64_t port = 0;
    char digits[8];
    const char *equals = strchr(text, '=');
    size_t len = equals != NULL ? (size_t)(equals - text) : strlen(text);
    const char *colon = memchr(text, ':', len);
    size_t name_len = colon != NULL ? (size_t)(colon - text) : len;
    if (name_len == 0 || name_len >= sizeof out->name) {
        return usage_error("a service has a name", text);
    }
    if (colon != NULL) {
        (void)snprintf(digits, sizeof digits, "%.*s", (int)(len - name_len - 1),
                       colon + 1);
        if (!shmrpci_number_read(digits, 1, UINT16_MAX, &port)) {
            return usage_error("the service's port must be 1 to 65535", text);
        }
    }
    memcpy(out->name, text, name_len);
    out->name[name_len] = '\0';
    out->port = (uint16_t)port;
    out->where = equals != NULL ? equals + 1 : "tcp://127.0.0.1";
    return EXIT_GO_ON;
}

/* Sets defaults, then options, then services. Memory is last, because its
 * default depends on the number of services. */
exit_code options_parse(int argc, char **argv, options *out)
{
    *out = (options){.max_message_bytes = SHMRPC_DEFAULT_MAX_MESSAGE_BYTES,
                     .max_connections = DEFAULT_CONNECTIONS,
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
    return gateway_settle_memory("shmrpc-tcp", out->service_count,
                                 out->max_message_bytes,
                                 &out->max_memory_bytes);
}

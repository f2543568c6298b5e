/* shmrpc-web: reads the command line. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "os/notify.h"
#include "os/options.h"
#include "shmrpc/options.h"
#include "shmrpc/version.h"
#include "tools/common/cluster.h"
#include "tools/shmrpc-web/address.h"
#include "tools/shmrpc-web/pem.h"
#include "tools/shmrpc-web/server.h"

/* Exit statuses; shmrpc-web(8) documents them. */
enum { EXIT_USAGE = 2, EXIT_ABSENT = 3 };

#define DEFAULT_ADDRESS "127.0.0.1"
#define DEFAULT_PORT    5155

static const struct option long_options[] = {
    {"listen", required_argument, NULL, 'l'},
    {"token-file", required_argument, NULL, 't'},
    {"host", required_argument, NULL, 'H'},
    {"read-only", no_argument, NULL, 'r'},
    {"nats", optional_argument, NULL, 'N'},
    {"max-body", required_argument, NULL, 'b'},
    {"tls-cert", required_argument, NULL, 'c'},
    {"tls-key", required_argument, NULL, 'k'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

typedef struct settings {
    web_server_opts server;
    char address[64];
    char token_path[4096];
    char *certificate;
    char *key;
} settings;

/* For the signal handler, which gets no argument. Set before signals are
 * caught. */
static web_server *running;

static void on_signal(int number)
{
    (void)number;
    web_server_stop(running);
}

static int print_help(void)
{
    puts(
        "usage: shmrpc-web [OPTION...]\n"
        "\n"
        "Shows the services of this machine on a page, and lets them be called "
        "over\n"
        "HTTP. Callers need the token, which is in a file that only you can "
        "read.\n"
        "\n"
        "  -l, --listen=ADDRESS:PORT  default: 127.0.0.1:5155; port 0: any\n"
        "  -t, --token-file=PATH      default: "
        "~/.local/state/shmrpc/web-token,\n"
        "                             made at the first start\n"
        "  -H, --host=NAME[:PORT]     a name under which a browser may know "
        "it;\n"
        "                             may be given several times\n"
        "  -r, --read-only            nothing can be changed\n"
        "  -N, --nats[=SERVERS]       show the services of a cluster of NATS, "
        "too;\n"
        "                             as in `shmrpc ps --nats`\n"
        "      --max-body=BYTES       of a request, or a line of a stream;\n"
        "                             default: 1 MiB\n"
        "      --tls-cert=FILE        serve https; needed beyond this machine\n"
        "      --tls-key=FILE\n"
        "  -h, --help                 print this\n"
        "      --version              print the version");
    return EXIT_SUCCESS;
}

static int fail(int status, const char *what)
{
    fprintf(stderr, "shmrpc-web: %s\n", what);
    return status;
}

/* Reads "127.0.0.1:5155", "[::1]:0" or "127.0.0.1". */
static bool read_listen(const char *text, settings *s)
{
    const char *colon = strrchr(text, ':');
    bool is_bare =
        colon == NULL || (text[0] == '[' && colon < strchr(text, ']'));
    size_t len = is_bare ? strlen(text) : (size_t)(colon - text);
    unsigned long port = DEFAULT_PORT;
    if (!is_bare) {
        size_t digits = strspn(colon + 1, "0123456789");
        port = strtoul(colon + 1, NULL, 10);
        if (digits == 0 || digits > 5 || colon[1 + digits] != '\0') {
            return false;
        }
    }
    if (len == 0 || len >= sizeof s->address || port > UINT16_MAX) {
        return false;
    }
    memcpy(s->address, text, len);
    s->address[len] = '\0';
    s->server.address = s->address;
    s->server.port = (uint16_t)port;
    web_address address;
    return web_address_read(s->address, s->server.port, &address);
}

static bool read_max_body(const char *text, settings *s)
{
    uint64_t bytes;
    bool is_good = shmrpci_number_read(
        text, WEB_MAX_LOGIN_BYTES, SHMRPC_DEFAULT_MAX_MESSAGE_BYTES, &bytes);
    s->server.max_body_bytes = is_good ? (size_t)bytes : 0;
    return is_good;
}

static const char *take_option(int option, settings *s)
{
    switch (option) {
    case 'l':
        return read_listen(optarg, s)
                   ? NULL
                   : "--listen must be a numeric address and a port, such as "
                     "127.0.0.1:5155 or [::1]:5155";
    case 't':
        if (strlen(optarg) >= sizeof s->token_path) {
            return "the path of --token-file is too long";
        }
        memcpy(s->token_path, optarg, strlen(optarg) + 1);
        return NULL;
    case 'H':
        return s->server.hosts.count < WEB_MAX_GIVEN_HOSTS &&
                       web_hosts_add(&s->server.hosts, optarg)
                   ? NULL
                   : "--host must be a name, with its port unless that is the "
                     "default port of http or https; at most 12 names";
    case 'r':
        s->server.read_only = true;
        return NULL;
    case 'N':
        s->server.nats = optarg != NULL ? optarg : tool_cluster_usual();
        return NULL;
    case 'b':
        return read_max_body(optarg, s) ? NULL
                                        : "--max-body must be 1024 bytes to 64 "
                                          "MiB, the largest message";
    case 'c':
        s->certificate = web_pem_read(optarg);
        return s->certificate != NULL ? NULL
                                      : "the file of --tls-cert is not PEM";
    case 'k':
        if (!web_pem_is_private(optarg)) {
            return "others can read the file of --tls-key: chmod 600";
        }
        s->key = web_pem_read(optarg);
        return s->key != NULL ? NULL : "the file of --tls-key is not PEM";
    default:
        return "unknown option";
    }
}

/* Checks what is required for listening beyond this machine. */
static const char *check(const settings *s)
{
    web_address address;
    (void)web_address_read(s->server.address, s->server.port, &address);
    if ((s->certificate != NULL) != (s->key != NULL)) {
        return "--tls-cert and --tls-key go together";
    }
    if (!address.is_loopback && s->certificate == NULL) {
        return "refusing to listen beyond this machine without --tls-cert and "
               "--tls-key: the token could be read on the way";
    }
    return NULL;
}

/* The page shows the path of the token's file only if the page can be reached
 * from this machine alone. With --host others could come through a proxy. */
static void tell_page(settings *s)
{
    web_address address;
    char *whole = realpath(s->token_path, NULL);
    if (whole != NULL && strlen(whole) < sizeof s->token_path) {
        memcpy(s->token_path, whole, strlen(whole) + 1);
    }
    free(whole);
    (void)web_address_read(s->server.address, s->server.port, &address);
    if (address.is_loopback && s->server.hosts.count == 0) {
        s->server.token_path = s->token_path;
    }
}

/* Tells the process that started us, which may be waiting, that the page can be
 * loaded. */
static void tell_manager(const settings *s)
{
    char lines[256];
    (void)snprintf(lines, sizeof lines,
                   "READY=1\nX_SHMRPC_ADDRESSES=http%s://%.64s:%u",
                   s->certificate != NULL ? "s" : "", s->server.address,
                   web_server_port(running));
    (void)shmrpci_notify_send(lines);
    shmrpci_notify_forget();
}

static int serve(settings *s)
{
    shmrpc_error error;
    char text[SHMRPC_ERROR_TEXT_BYTES];
    s->server.certificate = s->certificate;
    s->server.key = s->key;
    if (s->server.nats != NULL &&
        tool_cluster_check(s->server.nats, &error) != SHMRPC_OK) {
        return fail(EXIT_USAGE, error.message);
    }
    if (s->token_path[0] == '\0' &&
        !web_token_default_path(s->token_path, sizeof s->token_path)) {
        return fail(EXIT_USAGE,
                    "no home folder is known: use --token-file=PATH");
    }
    if (web_token_open(s->token_path, &s->server.tokens, &error) != SHMRPC_OK) {
        return fail(EXIT_ABSENT, shmrpc_error_text(&error, text, sizeof text));
    }
    tell_page(s);
    if (web_server_open(&s->server, &running, &error) != SHMRPC_OK) {
        return fail(EXIT_ABSENT, shmrpc_error_text(&error, text, sizeof text));
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGINT, on_signal);
    (void)signal(SIGTERM, on_signal);
    printf("shmrpc-web: serving at http%s://%s:%u; the token is in %s\n",
           s->certificate != NULL ? "s" : "", s->server.address,
           web_server_port(running), s->token_path);
    (void)fflush(stdout);
    tell_manager(s);
    web_server_run(running);
    web_server_close(running);
    return EXIT_SUCCESS;
}

static int run(int argc, char **argv, settings *s, shmrpci_buf *message)
{
    int option;
    while ((option = shmrpci_options_next(argc, argv, "l:t:H:rN::h",
                                          long_options, message)) !=
           SHMRPCI_OPTIONS_END) {
        if (option == 'h') {
            return print_help();
        }
        if (option == 'V') {
            puts("shmrpc-web " SHMRPC_VERSION);
            return EXIT_SUCCESS;
        }
        const char *wrong = option != SHMRPCI_OPTIONS_BAD
                                ? take_option(option, s)
                                : shmrpci_buf_text(message);
        if (option == SHMRPCI_OPTIONS_BAD || wrong != NULL) {
            return fail(EXIT_USAGE, wrong != NULL ? wrong : "out of memory");
        }
    }
    if (optind < argc) {
        return fail(EXIT_USAGE, "no operand expected (see --help)");
    }
    const char *wrong = check(s);
    return wrong != NULL ? fail(EXIT_USAGE, wrong) : serve(s);
}

int main(int argc, char **argv)
{
    static settings s = {.server = {.address = DEFAULT_ADDRESS,
                                    .port = DEFAULT_PORT,
                                    .max_body_bytes = WEB_MAX_BODY_BYTES,
                                    .times = WEB_TIMES_DEFAULT}};
    shmrpci_buf message;
    shmrpci_buf_init_heap(&message);
    int status = run(argc, argv, &s, &message);
    shmrpci_buf_fini(&message);
    free(s.certificate);
    free(s.key);
    return status;
}

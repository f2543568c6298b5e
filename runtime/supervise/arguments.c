/* The command line of a generated server. */
#include "supervise/arguments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "os/account.h"
#include "os/clock.h"
#include "os/options.h"
#include "shmrpc/version.h"
#include "supervise/ini.h"

enum { EXIT_USAGE = 2 };

/* How long calls may take to finish at the end. */
#define STOP_NS (10 * SHMRPCI_NS_PER_S)
/* Time after the deadline of a call at which its worker counts as hung. */
#define HANG_NS (30 * SHMRPCI_NS_PER_S)

static void print_help(const char *program, const shmrpc_service *service)
{
    (void)printf(
        "Usage: %s [OPTION]...\n"
        "Serves %s (%s, version %u) until SIGINT or SIGTERM.\n"
        "\n"
        "  -l, --listen=ADDRESSES   where to listen, separated by commas: "
        "shm://,\n"
        "                           shm://NAME@INSTANCE, tcp://HOST:PORT, "
        "tls://HOST:PORT,\n"
        "                           unix:///PATH (default shm://)\n"
        "  -w, --workers=COUNT      worker processes, 1 to 64 (default: one "
        "for\n"
        "                           each CPU), or MIN..MAX, as many as the "
        "load\n"
        "                           needs; 0: threads of this process "
        "instead,\n"
        "                           the default for tcp:// and unix://\n"
        "  -t, --threads=COUNT      threads of each worker (default 1; with\n"
        "                           --workers=0: one for each CPU)\n"
        "      --new-proc-cpu-pc=PERCENT, --new-proc-avg-over-secs=TIME,\n"
        "      --new-proc-queue-delay=TIME, --kill-proc-avg-over-secs=TIME\n"
        "                           when to start or stop a worker: see\n"
        "                           service.ini(5)\n"
        "      --max-proc-mem-bytes=BYTES\n"
        "                           memory of all workers together; above it "
        "the\n"
        "                           largest is replaced\n"
        "      --max-proc-calls=COUNT  calls after which a worker is replaced\n"
        "      --hang-kill=SECONDS  time after which a worker is killed if it\n"
        "                           continues a call whose deadline has "
        "passed\n"
        "                           or whose client has ended the stream\n"
        "                           (default 30)\n"
        "      --max-streams=COUNT  workers that may be in calls with streams\n"
        "                           (default: all but one)\n"
        "      --stream-stall=TIME  time after which a client that does not\n"
        "                           read is evicted (default 60)\n"
        "      --stream-drain=TIME  time after which a leaving worker ends "
        "its\n"
        "                           streams (default 30)\n"
        "      --max-stream-age=TIME  time after which a stream ends, so that\n"
        "                           its client opens it again (default: none)\n"
        "      --allowed-users=NAMES, --allowed-groups=NAMES\n"
        "                           who may connect, besides you and root\n"
        "      --max-connections-per-user=COUNT, --max-bytes-per-user=BYTES\n"
        "                           quotas (default 1024 and 1 GiB)\n"
        "      --allow=METHOD=NAMES who may call a method, besides you and "
        "root:\n"
        "                           users, and groups as @GROUP\n"
        "      --take-over          take the service over from the process "
        "that\n"
        "                           serves it, without a gap\n"
        "      --stop-after=SECONDS how long calls in progress may take to "
        "end\n"
        "                           when the service is stopped (default 10)\n"
        "  -p, --profile=PROFILE    how to wait: latency, balanced (default)\n"
        "                           or power\n"
        "  -m, --max-message=BYTES  the largest message (default 64 MiB)\n"
        "      --tcp-compression=NAME\n"
        "                           none (default), snappy or zlib, at tcp://\n"
        "                           and unix://\n"
        "      --force-insecure-serialisation\n"
        "                           serve native methods at tcp:// too\n"
        "      --describe           print the service's interface and exit\n"
        "      --version            print the version of the library and exit\n"
        "  -h, --help               print this and exit\n",
        program, service->name, service->id, service->version);
}

static int usage_error(const char *program, const char *what, const char *text)
{
    (void)fprintf(stderr, "%s: %s: \"%s\" (see --help)\n", program, what, text);
    return EXIT_USAGE;
}

/* Reads the name of a profile. */
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

bool shmrpci_arguments_compression(const char *text, shmrpc_compression *out)
{
    static const char *const names[] = {"none", "snappy", "zlib"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (shmrpc_compression)i;
            return true;
        }
    }
    return false;
}

/* An option that is also a key of service.ini has the value 512 + key. */
#define OPTION_KEY 512

enum {
    OPTION_DESCRIBE = 256,
    OPTION_TAKE_OVER,
    OPTION_USERS,
    OPTION_GROUPS,
    OPTION_ALLOW,
    OPTION_VERSION,
    OPTION_HANG,
    OPTION_STOP,
    OPTION_FORCE,
    OPTION_COMPRESSION
};

static const struct option long_options[] = {
    {"listen", required_argument, NULL, 'l'},
    {"workers", required_argument, NULL, 'w'},
    {"threads", required_argument, NULL, 't'},
    {"profile", required_argument, NULL, 'p'},
    {"max-message", required_argument, NULL, 'm'},
    {"tcp-compression", required_argument, NULL, OPTION_COMPRESSION},
    {"force-insecure-serialisation", no_argument, NULL, OPTION_FORCE},
    {"hang-kill", required_argument, NULL, OPTION_HANG},
    {"stop-after", required_argument, NULL, OPTION_STOP},
    {"max-proc-mem-bytes", required_argument, NULL,
     OPTION_KEY + SHMRPCI_INI_MAX_PROC_MEM_BYTES},
    {"max-proc-calls", required_argument, NULL,
     OPTION_KEY + SHMRPCI_INI_MAX_PROC_CALLS},
    {"max-connections-per-user", required_argument, NULL,
     OPTION_KEY + SHMRPCI_INI_MAX_CONNECTIONS_PER_USER},
    {"max-bytes-per-user", required_argument, NULL,
     OPTION_KEY + SHMRPCI_INI_MAX_BYTES_PER_USER},
    {"max-streams", required_argument, NULL,
     OPTION_KEY + SHMRPCI_INI_MAX_STREAMS},
    {"stream-stall", required_argument, NULL,
     OPTION_KEY + SHMRPCI_INI_STREAM_STALL},
    {"stream-drain", required_argument, NULL,
     OPTION_KEY + SHMRPCI_INI_STREAM_DRAIN},
    {"max-stream-age", required_argument, NULL,
     OPTION_KEY + SHMRPCI_INI_MAX_STREAM_AGE},
    {"client-calls", required_argument, NULL,
     OPTION_KEY + SHMRPCI_INI_CLIENT_CALLS},
    {"client-rate", required_argument, NULL,
     OPTION_KEY + SHMRPCI_INI_CLIENT_RATE},
    {"shed-after", required_argument, NULL,
     OPTION_KEY + SHMRPCI_INI_SHED_AFTER},
    {"new-proc-cpu-pc", required_argument, NULL,
     OPTION_KEY + SHMRPCI_INI_NEW_PROC_CPU_PC},
    {"new-proc-avg-over-secs", required_argument, NULL,
     OPTION_KEY + SHMRPCI_INI_NEW_PROC_AVG_OVER_SECS},
    {"new-proc-queue-delay", required_argument, NULL,
     OPTION_KEY + SHMRPCI_INI_NEW_PROC_QUEUE_DELAY},
    {"kill-proc-avg-over-secs", required_argument, NULL,
     OPTION_KEY + SHMRPCI_INI_KILL_PROC_AVG_OVER_SECS},
    {"allowed-users", required_argument, NULL, OPTION_USERS},
    {"allowed-groups", required_argument, NULL, OPTION_GROUPS},
    {"allow", required_argument, NULL, OPTION_ALLOW},
    {"take-over", no_argument, NULL, OPTION_TAKE_OVER},
    {"describe", no_argument, NULL, OPTION_DESCRIBE},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

#define GO_ON SHMRPCI_ARGUMENTS_GO_ON

/* Reads a whole number of seconds, up to a day. */
static int parse_seconds(const char *program, const char *what, int64_t *out)
{
    uint64_t seconds;
    if (!shmrpci_number_read(optarg, 1, 86400, &seconds)) {
        return usage_error(program, what, optarg);
    }
    *out = (int64_t)seconds * SHMRPCI_NS_PER_S;
    return GO_ON;
}

/* Reads the number of workers: "4", or "1..8". */
static int parse_workers(const char *program, shmrpci_arguments *out)
{
    char least_text[16];
    uint64_t least;
    uint64_t most;
    const char *dots = strstr(optarg, "..");
    (void)snprintf(
        least_text, sizeof least_text, "%.*s",
        (int)(dots == NULL ? strlen(optarg) : (size_t)(dots - optarg)), optarg);
    if (!shmrpci_number_read(least_text, dots == NULL ? 0 : 1, 64, &least) ||
        !shmrpci_number_read(dots == NULL ? least_text : dots + 2, least, 64,
                             &most)) {
        return usage_error(program,
                           "workers must be 0 to 64, or a range such as 1..8",
                           optarg);
    }
    out->has_workers = true;
    out->min_workers = (uint32_t)least;
    out->max_workers = (uint32_t)most;
    return GO_ON;
}

/* Stores the value of an option that is also a key of service.ini. */
static void take_key(shmrpci_ini_key key, uint64_t value,
                     shmrpci_arguments *out)
{
    switch ((int)key) {
    case SHMRPCI_INI_NEW_PROC_CPU_PC:
        out->scale.grow_share = (uint32_t)value;
        break;
    case SHMRPCI_INI_NEW_PROC_AVG_OVER_SECS:
        out->scale.grow_ns = (int64_t)value;
        break;
    case SHMRPCI_INI_MAX_PROC_MEM_BYTES:
        out->max_memory_bytes = value;
        break;
    case SHMRPCI_INI_MAX_PROC_CALLS:
        out->max_calls = value;
        break;
    case SHMRPCI_INI_MAX_CONNECTIONS_PER_USER:
        out->server.max_connections_per_uid = (uint32_t)value;
        break;
    case SHMRPCI_INI_MAX_BYTES_PER_USER:
        out->server.max_bytes_per_uid = (size_t)value;
        break;
    case SHMRPCI_INI_MAX_STREAMS:
        out->server.max_streams = (uint32_t)value;
        break;
    case SHMRPCI_INI_STREAM_STALL:
        out->server.stream_stall_ns = (int64_t)value;
        break;
    case SHMRPCI_INI_STREAM_DRAIN:
        out->server.stream_drain_ns = (int64_t)value;
        break;
    case SHMRPCI_INI_MAX_STREAM_AGE:
        out->server.max_stream_age_ns = (int64_t)value;
        break;
    case SHMRPCI_INI_CLIENT_CALLS:
        out->server.client_calls = (uint32_t)value;
        break;
    case SHMRPCI_INI_CLIENT_RATE:
        out->server.client_rate = (uint32_t)value;
        break;
    case SHMRPCI_INI_SHED_AFTER:
        out->server.shed_after_ns = (int64_t)value;
        break;
    case SHMRPCI_INI_NEW_PROC_QUEUE_DELAY:
        out->scale.delay_ns = (int64_t)value;
        break;
    default: /* SHMRPCI_INI_KILL_PROC_AVG_OVER_SECS */
        out->scale.shrink_ns = (int64_t)value;
        break;
    }
}

static int parse_key(const char *program, shmrpci_ini_key key,
                     shmrpci_arguments *out)
{
    uint64_t value;
    char expected[SHMRPCI_INI_EXPECTED_BYTES];
    if (!shmrpci_ini_number(key, optarg, &value, expected)) {
        (void)fprintf(stderr, "%s: \"%s\" (expected %s)\n", program, optarg,
                      expected);
        return EXIT_USAGE;
    }
    take_key(key, value, out);
    return GO_ON;
}

/* Whether the key has both an option here and a default. */
static bool is_our_key(int key)
{
    for (const struct option *it = long_options; it->name != NULL; it++) {
        if (it->val == OPTION_KEY + key) {
            return shmrpci_ini_rows[key].fallback != NULL;
        }
    }
    return false;
}

static void take_defaults(shmrpci_arguments *out)
{
    *out = (shmrpci_arguments){.hang_ns = HANG_NS, .stop_ns = STOP_NS};
    for (int key = 0; key < SHMRPCI_INI_KEYS; key++) {
        char expected[SHMRPCI_INI_EXPECTED_BYTES];
        uint64_t value;
        if (is_our_key(key) &&
            shmrpci_ini_number((shmrpci_ini_key)key,
                               shmrpci_ini_rows[key].fallback, &value,
                               expected)) {
            take_key((shmrpci_ini_key)key, value, out);
        }
    }
}

/* Adds the id of a user or group to `*ids`, which grows. */
static int add_id(const char *program, const char *name, bool is_group,
                  const uint32_t **ids, size_t *count)
{
    uint32_t id;
    shmrpc_status status = is_group ? shmrpci_account_group(name, &id)
                                    : shmrpci_account_user(name, &id);
    if (status != SHMRPC_OK) {
        return usage_error(program, is_group ? "no such group" : "no such user",
                           name);
    }
    uint32_t *more = calloc(*count + 1, sizeof *more);
    if (more == NULL) {
        return usage_error(program, "out of memory", name);
    }
    if (*count > 0) {
        memcpy(more, *ids, *count * sizeof *more);
    }
    free((void *)(uintptr_t)*ids);
    more[(*count)++] = id;
    *ids = more;
    return GO_ON;
}

/* Copies the first of several names, separated by commas, and advances `*names`
 * behind it. */
static bool next_name(const char **names, char out[128])
{
    size_t len = strcspn(*names, ",");
    (void)snprintf(out, 128, "%.*s", (int)len, *names);
    *names += len + ((*names)[len] == ',');
    return out[0] != '\0';
}

static int parse_names(const char *program, const char *names, bool is_group,
                       const uint32_t **ids, size_t *count)
{
    char name[128];
    int ended = GO_ON;
    while (ended == GO_ON && next_name(&names, name)) {
        ended = add_id(program, name, is_group, ids, count);
    }
    return ended;
}

/* Reads an access list: "method=alice,@staff". */
static int parse_access(const char *program, shmrpci_arguments *out)
{
    char name[128];
    int ended = GO_ON;
    char *equals = strchr(optarg, '=');
    size_t used = out->server.method_access_count;
    if (equals == NULL || used == SHMRPCI_ACCESS_MAX) {
        return usage_error(
            program, "allow must be METHOD=NAMES, at most 64 times", optarg);
    }
    *equals = '\0';
    shmrpc_method_access *access = &out->access[used];
    access->method = optarg;
    out->server.method_access = out->access;
    out->server.method_access_count++;
    const char *names = equals + 1;
    while (ended == GO_ON && next_name(&names, name)) {
        ended = name[0] == '@' ? add_id(program, name + 1, true, &access->gids,
                                        &access->gid_count)
                               : add_id(program, name, false, &access->uids,
                                        &access->uid_count);
    }
    return ended;
}

static int parse_option(int option, const char *program,
                        const shmrpc_service *service, shmrpci_arguments *out)
{
    uint64_t count;
    switch (option) {
    case 'l':
        out->server.listen = optarg;
        return GO_ON;
    case 'w':
        return parse_workers(program, out);
    case 't':
        if (!shmrpci_number_read(optarg, 1, 64, &count)) {
            return usage_error(program, "threads must be 1 to 64", optarg);
        }
        out->threads = (uint32_t)count;
        return GO_ON;
    case 'p':
        return parse_profile(optarg, &out->server.profile)
                   ? GO_ON
                   : usage_error(program, "no such profile", optarg);
    case 'm':
        if (!shmrpci_number_read(optarg, 1, 1ull << 30, &count)) {
            return usage_error(program, "max-message must be 1 byte to 1 GiB",
                               optarg);
        }
        out->server.max_message_bytes = (size_t)count;
        return GO_ON;
    case OPTION_HANG:
        return parse_seconds(program, "hang-kill must be 1 to 86400 seconds",
                             &out->hang_ns);
    case OPTION_STOP:
        return parse_seconds(program, "stop-after must be 1 to 86400 seconds",
                             &out->stop_ns);
    case OPTION_COMPRESSION:
        return shmrpci_arguments_compression(optarg, &out->server.compression)
                   ? GO_ON
                   : usage_error(program,
                                 "tcp-compression must be none, snappy or zlib",
                                 optarg);
    case OPTION_USERS:
        return parse_names(program, optarg, false, &out->server.allowed_uids,
                           &out->server.allowed_uid_count);
    case OPTION_GROUPS:
        return parse_names(program, optarg, true, &out->server.allowed_gids,
                           &out->server.allowed_gid_count);
    case OPTION_ALLOW:
        return parse_access(program, out);
    case OPTION_TAKE_OVER:
        out->takes_over = true;
        return GO_ON;
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
    default:
        if (option >= OPTION_KEY) {
            return parse_key(program, (shmrpci_ini_key)(option - OPTION_KEY),
                             out);
        }
        return EXIT_USAGE;
    }
}

/* Reports an invalid option, in the wording of all our programs. */
static int refuse(const char *program, shmrpci_buf *message)
{
    const char *text = shmrpci_buf_text(message);
    (void)fprintf(stderr, "%s: %s\n", program,
                  text != NULL ? text : "out of memory");
    return EXIT_USAGE;
}

int shmrpci_arguments_read(int argc, char **argv, const shmrpc_service *service,
                           shmrpci_arguments *out)
{
    int option;
    int ended = GO_ON;
    shmrpci_buf message;
    shmrpci_buf_init_heap(&message);
    take_defaults(out);
    while (ended == GO_ON && (option = shmrpci_options_next(
                                  argc, argv, "l:w:t:p:m:h", long_options,
                                  &message)) != SHMRPCI_OPTIONS_END) {
        ended = option == SHMRPCI_OPTIONS_BAD
                    ? refuse(argv[0], &message)
                    : parse_option(option, argv[0], service, out);
    }
    if (ended == GO_ON && optind < argc) {
        ended = usage_error(argv[0], "unexpected argument", argv[optind]);
    }
    shmrpci_buf_fini(&message);
    return ended;
}

void shmrpci_arguments_fini(shmrpci_arguments *arguments)
{
    free((void *)(uintptr_t)arguments->server.allowed_uids);
    free((void *)(uintptr_t)arguments->server.allowed_gids);
    for (size_t i = 0; i < arguments->server.method_access_count; i++) {
        free((void *)(uintptr_t)arguments->access[i].uids);
        free((void *)(uintptr_t)arguments->access[i].gids);
    }
}

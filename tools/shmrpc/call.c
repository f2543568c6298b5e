/* The command call: calls one method, once or a few times. */
#include <stdio.h>

#include "os/clock.h"
#include "tools/shmrpc/command.h"
#include "tools/shmrpc/machines.h"
#include "tools/shmrpc/outcome.h"
#include "tools/shmrpc/streamed.h"

const struct option cli_call_options[] = {
    {"at", required_argument, NULL, 'a'},
    {"deadline", required_argument, NULL, 'd'},
    {"max-items", required_argument, NULL, 'i'},
    {"meta", required_argument, NULL, 'm'},
    CLI_NATS_OPTION,
    {"repeat", required_argument, NULL, 'n'},
    {"time", no_argument, NULL, 't'},
    {"json", no_argument, NULL, 'j'},
    {"raw", no_argument, NULL, 'r'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

typedef struct call_opts {
    cli_invocation_opts in;
    cli_nats nats;
    uint64_t repeat;
    uint64_t max_items; /* stop after this many items; 0: print all */
    bool time;
    bool json;
    bool raw;
} call_opts;

static void print_help(void *user)
{
    (void)user;
    fputs(
        "usage: shmrpc call [OPTION...] SERVICE METHOD [ARGUMENT...]\n"
        "\n"
        "Calls a method and prints its result as JSON. SERVICE is NAME,\n"
        "NAME@INSTANCE, NAME:PORT or an address such as shm://NAME.\n"
        "\n"
        "Arguments, one way or the other:\n"
        "  '{\"text\":\"x\",\"limit\":5}'  by name, as JSON; - reads it from\n"
        "                            standard input\n"
        "  '[\"x\",5]'                 by position, as JSON\n"
        "  x 5                       by position\n"
        "  text=x limit=5            by name; query.text=x goes into a "
        "struct,\n"
        "                            tags:='[\"a\"]' is JSON, data=@FILE a "
        "file\n"
        "\n"
        "Of a stream that the method returns, each item is a line, printed as\n"
        "it comes. A stream that it takes is read from standard input, a line\n"
        "of JSON an item: a last argument - says so. Streams of raw methods\n"
        "are the bytes themselves. Ctrl-C cancels.\n"
        "\n"
        "  -a, --at=ADDRESSES   addresses of the service, as in shm://@two\n"
        "  -d, --deadline=TIME  for the call: 250ms, 2s (default: the\n"
        "                       method's, else 30s)\n"
        "  -i, --max-items=N    end after this many items\n"
        "  -m, --meta=KEY=VALUE goes with the call, up to 16 times; what "
        "comes\n"
        "                       back is printed to standard "
        "error\n" CLI_NATS_HELP
        "  -n, --repeat=COUNT   call that often, one after the other\n"
        "  -t, --time           print how long it took\n"
        "  -r, --raw            print strings and bytes as they are\n"
        "  -j, --json           print result, error and time as one JSON "
        "object\n"
        "  -h, --help           print this\n"
        "      --version        print the version\n",
        stdout);
}

/* ---- calling ---- */

typedef struct times {
    int64_t min_ns;
    int64_t max_ns;
    int64_t sum_ns;
    uint64_t count;
} times;

static void note_time(times *t, int64_t ns)
{
    t->min_ns = t->count == 0 || ns < t->min_ns ? ns : t->min_ns;
    t->max_ns = ns > t->max_ns ? ns : t->max_ns;
    t->sum_ns += ns;
    t->count++;
}

static void print_times(const times *t)
{
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    cli_append_time(&text, (double)t->sum_ns / (double)t->count);
    if (t->count > 1) {
        shmrpci_buf_printf(&text, " on average over %llu calls, min ",
                           (unsigned long long)t->count);
        cli_append_time(&text, (double)t->min_ns);
        shmrpci_buf_append_text(&text, ", max ");
        cli_append_time(&text, (double)t->max_ns);
    }
    fprintf(stderr, "%.*s\n", (int)text.len, (const char *)text.data);
    shmrpci_buf_fini(&text);
}

static cli_exit call_once(cli_invocation *in, const call_opts *opts, times *t)
{
    const void *reply;
    shmrpc_error error;
    cli_outcome outcome = {.in = in, .json = opts->json, .raw = opts->raw};
    int64_t begin_ns = shmrpci_now_ns();
    int status = cli_invocation_call(in, &reply, &error);
    int64_t ns = shmrpci_now_ns() - begin_ns;
    note_time(t, ns);
    outcome.ns = opts->time ? &ns : NULL;
    cli_outcome_metadata(in);
    if (status == SHMRPC_OK) {
        cli_exit result = cli_outcome_result(&outcome, reply);
        shmrpc_stub_release(reply);
        return result;
    }
    const shmrpc_error_type *type = cli_outcome_thrown(&outcome, &error);
    cli_exit result = cli_outcome_error(
        &outcome, &error,
        type != NULL ? shmrpc_stub_payload(reply, type)
                     : (const void *)shmrpc_stub_fault(reply));
    shmrpc_stub_release(reply);
    return result;
}

/* Refuses options that don't apply to this method: some are only for methods
 * with streams, others only for methods without. */
static cli_exit refuse(const cli_invocation *in, const call_opts *opts)
{
    bool has_items = in->method->items_out != NULL;
    if (opts->repeat > 1 && cli_invocation_has_streams(in)) {
        fprintf(stderr, "shmrpc: --repeat: %s %s a stream\n", in->method->name,
                has_items ? "returns" : "takes");
        return CLI_USAGE;
    }
    if (opts->max_items > 0 && !has_items) {
        fprintf(stderr, "shmrpc: --max-items: %s returns no stream\n",
                in->method->name);
        return CLI_USAGE;
    }
    return CLI_OK;
}

static cli_exit call_all(cli_invocation *in, const call_opts *opts)
{
    times t = {.count = 0};
    cli_exit result = refuse(in, opts);
    if (cli_invocation_has_streams(in) && result == CLI_OK) {
        const cli_streamed_opts how = {.json = opts->json,
                                       .raw = opts->raw,
                                       .time = opts->time,
                                       .max_items = opts->max_items};
        return cli_streamed_call(in, &how);
    }
    for (uint64_t i = 0; i < opts->repeat && result == CLI_OK; i++) {
        result = call_once(in, opts, &t);
    }
    if (opts->time && !opts->json && t.count > 0) {
        print_times(&t);
    }
    return result;
}

static cli_exit call(const call_opts *opts)
{
    cli_invocation in;
    cli_exit result = cli_invocation_open(&in, &opts->in);
    result = result == CLI_OK ? call_all(&in, opts) : result;
    cli_invocation_close(&in);
    return result;
}

/* ---- the command line ---- */

static cli_exit take(void *user, int option, shmrpci_buf *message)
{
    call_opts *opts = user;
    switch (option) {
    case 'a':
        opts->in.at = optarg;
        return CLI_OK;
    case 'd':
        return cli_read_duration(optarg, &opts->in.timeout_ns)
                   ? CLI_OK
                   : cli_bad_value(message, "deadline",
                                   "a time like 250ms or 2s");
    case 'i':
        return cli_read_count(optarg, UINT64_MAX, &opts->max_items)
                   ? CLI_OK
                   : cli_bad_value(message, "max-items", "a number from 1 on");
    case 'm':
        return cli_invocation_meta(&opts->in, optarg, message);
    case 'N':
        cli_nats_take(&opts->nats);
        return CLI_OK;
    case 'n':
        return cli_read_count(optarg, 1000000000, &opts->repeat)
                   ? CLI_OK
                   : cli_bad_value(message, "repeat", "1 to 1000000000");
    case 't':
        opts->time = true;
        return CLI_OK;
    case 'j':
        opts->json = true;
        return CLI_OK;
    case 'r':
        opts->raw = true;
        return CLI_OK;
    default:
        return CLI_USAGE;
    }
}

static cli_exit run(void *user, const cli_line *line, shmrpci_buf *message)
{
    call_opts *opts = user;
    shmrpci_buf at;
    shmrpci_buf_init_heap(&at);
    cli_exit result = cli_invocation_read(line, &opts->in, message);
    if (result == CLI_OK) {
        opts->in.at =
            cli_machines_at(&opts->nats, opts->in.service, opts->in.at, &at);
        result = call(opts);
    }
    shmrpci_buf_fini(&at);
    return result;
}

cli_exit cli_call(int argc, char **argv)
{
    call_opts opts = {.in = {.takes_streams = true}, .repeat = 1};
    const cli_syntax syntax = {cli_call_options, true, print_help, take, run};
    return cli_run(argc, argv, &syntax, &opts);
}

/* The command call: one method, once or a few times. */
#include <stdio.h>
#include <string.h>

#include "codec/codec.h"
#include "os/clock.h"
#include "tools/shmrpc/command.h"
#include "tools/shmrpc/invocation.h"
#include "tools/shmrpc/pretty.h"

const struct option cli_call_options[] = {
    {"at", required_argument, NULL, 'a'},
    {"deadline", required_argument, NULL, 'd'},
    {"meta", required_argument, NULL, 'm'},
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
    uint64_t repeat;
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
        "  -a, --at=ADDRESSES   where the service is, as of the library\n"
        "  -d, --deadline=TIME  for the call: 250ms, 2s (default: the\n"
        "                       method's, else 30s)\n"
        "  -m, --meta=KEY=VALUE goes with the call, up to 16 times; what "
        "comes\n"
        "                       back is printed to standard error\n"
        "  -n, --repeat=COUNT   call that often, one after the other\n"
        "  -t, --time           print how long it took\n"
        "  -r, --raw            print strings and bytes as they are\n"
        "  -j, --json           print result, error and time as one JSON "
        "object\n"
        "  -h, --help           print this\n"
        "      --version        print the version\n",
        stdout);
}

/* ---- results ---- */

static int append_value(const shmrpc_type *type, const void *value,
                        const char *name, shmrpci_buf *out, shmrpc_error *error)
{
    int status = shmrpci_codec_of(SHMRPC_ENCODING_JSON)
                     ->encode(type, value, name, out, error);
    if (status != SHMRPC_OK && status != SHMRPC_E_INVALID) {
        return shmrpc_error_set(error, status, "%s",
                                shmrpc_status_text(status));
    }
    return status;
}

static cli_exit print_raw(const shmrpc_type *type, const void *reply)
{
    if (type->kind == SHMRPC_KIND_STRING) {
        const shmrpc_str *text = reply;
        fwrite(text->ptr, 1, text->len, stdout);
    } else {
        const shmrpc_bytes *bytes = reply;
        fwrite(bytes->ptr, 1, bytes->len, stdout);
    }
    return CLI_OK;
}

static void append_time_member(shmrpci_buf *out, int64_t ns)
{
    shmrpci_json_key(out, "time_ns");
    shmrpci_buf_printf(out, "%lld", (long long)ns);
}

static void print_json(const shmrpci_buf *value)
{
    shmrpci_buf pretty;
    shmrpci_buf_init_heap(&pretty);
    if (cli_out_is_terminal()) {
        cli_pretty(value, &pretty);
    }
    cli_print_line(pretty.len > 0 ? &pretty : value);
    shmrpci_buf_fini(&pretty);
}

/* What has no JSON form, such as bytes in an `any`, is no result that could be
 * shown. */
static cli_exit print_result(const cli_invocation *in, const call_opts *opts,
                             const void *reply, int64_t ns)
{
    const shmrpc_type *type = in->method->result;
    shmrpc_error error;
    shmrpci_buf value;
    bool is_bare = type != NULL && (type->kind == SHMRPC_KIND_STRING ||
                                    type->kind == SHMRPC_KIND_BYTES);
    if (opts->raw && is_bare && !opts->json) {
        return print_raw(type, reply);
    }
    shmrpci_buf_init_heap(&value);
    if (opts->json) {
        shmrpci_buf_append_text(&value, "{\"result\":");
    }
    int status = SHMRPC_OK;
    if (type != NULL && reply != NULL) {
        status = append_value(type, reply, "result", &value, &error);
    } else if (opts->json) {
        shmrpci_buf_append_text(&value, "null");
    }
    if (opts->json) {
        if (opts->time) {
            append_time_member(&value, ns);
        }
        shmrpci_buf_append_char(&value, '}');
    }
    if (status != SHMRPC_OK) {
        (void)cli_fail_error(CLI_TROUBLE, "the result has no form in JSON",
                             &error);
    } else if (opts->json) {
        cli_print_line(&value);
    } else if (value.len > 0) {
        print_json(&value);
    }
    shmrpci_buf_fini(&value);
    return status == SHMRPC_OK ? CLI_OK : CLI_TROUBLE;
}

/* ---- errors ---- */

/* The details of a declared error as JSON; false when there are none. */
static bool append_payload(const cli_invocation *in, const void *reply,
                           const shmrpc_error *error, shmrpci_buf *out)
{
    for (uint32_t i = 0; i < in->method->throws_count; i++) {
        const shmrpc_error_type *type = in->method->throws[i];
        const void *payload = type->number == error->code
                                  ? shmrpc_stub_payload(reply, type)
                                  : NULL;
        if (payload != NULL) {
            return append_value(type->payload, payload, "", out, NULL) ==
                   SHMRPC_OK;
        }
    }
    return false;
}

static void append_member(shmrpci_buf *out, const char *key, const char *text)
{
    shmrpci_json_key(out, key);
    shmrpci_json_string(out, text, strlen(text));
}

static void print_error_json(const cli_invocation *in, const void *reply,
                             const shmrpc_error *error, const int64_t *ns)
{
    shmrpci_buf out;
    shmrpci_buf payload;
    shmrpci_buf_init_heap(&out);
    shmrpci_buf_init_heap(&payload);
    shmrpci_buf_printf(&out, "{\"error\":{\"code\":%d", (int)error->code);
    append_member(&out, "name", error->name);
    append_member(&out, "message", error->message);
    if (error->path[0] != '\0') {
        append_member(&out, "path", error->path);
    }
    shmrpci_json_set_bool(&out, "may_have_run", error->may_have_run);
    if (error->pid != 0) {
        shmrpci_json_key(&out, "pid");
        shmrpci_buf_printf(&out, "%d", (int)error->pid);
    }
    if (append_payload(in, reply, error, &payload)) {
        shmrpci_json_key(&out, "details");
        shmrpci_buf_append(&out, payload.data, payload.len);
    }
    shmrpci_buf_append_char(&out, '}');
    if (ns != NULL) {
        append_time_member(&out, *ns);
    }
    shmrpci_buf_append_char(&out, '}');
    cli_print_line(&out);
    shmrpci_buf_fini(&payload);
    shmrpci_buf_fini(&out);
}

static void print_error_text(const cli_invocation *in, const void *reply,
                             const shmrpc_error *error)
{
    char what[256];
    shmrpci_buf payload;
    shmrpci_buf_init_heap(&payload);
    (void)snprintf(what, sizeof what, "%.63s.%.128s", in->service.tables->name,
                   in->method->name);
    (void)cli_fail_error(CLI_REFUSED, what, error);
    if (append_payload(in, reply, error, &payload)) {
        fprintf(stderr, "  %.*s\n", (int)payload.len,
                (const char *)payload.data);
    }
    shmrpci_buf_fini(&payload);
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

static void print_metadata(const shmrpc_reply_metadata *back)
{
    shmrpc_metadata entry;
    for (uint32_t i = 0; shmrpc_reply_metadata_at(back, i, &entry); i++) {
        fprintf(stderr, "%s: %s\n", entry.key, entry.value);
    }
}

static cli_exit call_once(cli_invocation *in, const call_opts *opts, times *t)
{
    const void *reply;
    shmrpc_error error;
    cli_exit result;
    int64_t begin_ns = shmrpci_now_ns();
    int status = cli_invocation_call(in, &reply, &error);
    int64_t ns = shmrpci_now_ns() - begin_ns;
    note_time(t, ns);
    print_metadata(&in->back);
    if (status == SHMRPC_OK) {
        result = print_result(in, opts, reply, ns);
    } else {
        result = cli_exit_of_call(status);
        if (opts->json) {
            print_error_json(in, reply, &error, opts->time ? &ns : NULL);
        } else {
            print_error_text(in, reply, &error);
        }
    }
    shmrpc_stub_release(reply);
    return result;
}

static cli_exit call(const call_opts *opts)
{
    cli_invocation in;
    times t = {.count = 0};
    cli_exit result = cli_invocation_open(&in, &opts->in);
    for (uint64_t i = 0; i < opts->repeat && result == CLI_OK; i++) {
        result = call_once(&in, opts, &t);
    }
    if (opts->time && !opts->json && t.count > 0) {
        print_times(&t);
    }
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
    case 'm':
        return cli_invocation_meta(&opts->in, optarg, message);
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
    cli_exit result = cli_invocation_read(line, &opts->in, message);
    return result == CLI_OK ? call(opts) : result;
}

cli_exit cli_call(int argc, char **argv)
{
    call_opts opts = {.repeat = 1};
    const cli_syntax syntax = {cli_call_options, true, print_help, take, run};
    return cli_run(argc, argv, &syntax, &opts);
}

/*
 * Calls with streams.
 *
 * The main thread prints incoming items. If the method sends none back, the
 * main thread also reads and sends the outgoing ones; otherwise a second thread
 * does. A third thread polls standard output: otherwise the program would not
 * notice, while no item comes, that nobody reads its output any more.
 */
#define _POSIX_C_SOURCE 200809L
#include "tools/shmrpc/streamed.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/poll.h"
#include "os/thread.h"
#include "shmrpc/stream_stub.h"
#include "tools/shmrpc/arguments.h"
#include "tools/shmrpc/input.h"
#include "tools/shmrpc/outcome.h"

/* The most memory that one item read from input may take. */
#define ITEM_ARENA_BYTES ((size_t)1 << 30)

typedef struct streamed {
    cli_invocation *in;
    const cli_streamed_opts *opts;
    cli_outcome outcome;
    shmrpc_stream *stream;
    bool is_bare; /* bytes are copied unchanged, not as JSON */
    uint64_t items;
    int64_t begin_ns;
    /* Used by the sender only: */
    cli_input input;
    shmrpci_arena arena;
    uint64_t sent;
    shmrpc_error error; /* why sending has stopped */
} streamed;

/* ---- sending ------------------------------------------------------------ */

/* Prints an error about the current item, or about standard input. */
static cli_exit refuse_item(const streamed *s, int status, const char *what)
{
    fprintf(stderr, "shmrpc: %s.%s: ", s->in->service.tables->name,
            s->in->method->name);
    if (s->is_bare) {
        fprintf(stderr, "standard input: %s\n", what);
    } else {
        fprintf(stderr, "item %llu (line %llu of standard input): %s\n",
                (unsigned long long)s->sent + 1,
                (unsigned long long)s->input.line, what);
    }
    return status == SHMRPC_E_INVALID || status == SHMRPC_E_TOO_LARGE
               ? CLI_USAGE
               : CLI_TROUBLE;
}

/* Reads the next item of standard input. Returns MORE, or OK if there are no
 * more; on any other value the error was printed. */
static int read_item(streamed *s, const void **item, cli_exit *out)
{
    const char *text;
    size_t len;
    shmrpci_buf json;
    shmrpci_buf message;
    int status = cli_input_line(&s->input, &text, &len);
    if (status != SHMRPC_MORE) {
        *out = status != SHMRPC_OK
                   ? refuse_item(s, status,
                                 status == SHMRPC_E_NOT_FOUND
                                     ? "can't be read"
                                     : shmrpc_status_text(status))
                   : CLI_OK;
        return status;
    }
    shmrpci_arena_reset(&s->arena);
    shmrpci_buf_init_heap(&json);
    shmrpci_buf_init_heap(&message);
    shmrpci_buf_append(&json, text, len);
    status = json.status != SHMRPC_OK
                 ? (int)json.status
                 : cli_arguments_read(s->in->method->items_in, &json, &s->arena,
                                      item, &message);
    if (status != SHMRPC_OK) {
        const char *why = shmrpci_buf_text(&message);
        *out = refuse_item(s, status, why != NULL ? why : "out of memory");
    }
    shmrpci_buf_fini(&message);
    shmrpci_buf_fini(&json);
    return status == SHMRPC_OK ? SHMRPC_MORE : status;
}

static int read_piece(streamed *s, shmrpc_bytes *item, cli_exit *out)
{
    int status = cli_input_piece(&s->input, &item->ptr, &item->len);
    *out = status != SHMRPC_OK && status != SHMRPC_MORE
               ? refuse_item(s, status, "can't be read")
               : CLI_OK;
    return status;
}

/* Whether the status means that the item itself is at fault. */
static bool is_refusal(int status)
{
    return status == SHMRPC_E_INVALID || status == SHMRPC_E_TOO_LARGE ||
           status == SHMRPC_E_NO_MEMORY;
}

/* Sends all of standard input. Returns OK if it is complete. Otherwise `*out`
 * is the exit status, unless the stream has ended: then the stream's status
 * gives the reason. */
static int send_all(streamed *s, cli_exit *out)
{
    for (;;) {
        shmrpc_bytes piece;
        const void *item = &piece;
        int status =
            s->is_bare ? read_piece(s, &piece, out) : read_item(s, &item, out);
        if (status != SHMRPC_MORE) {
            return status;
        }
        status = shmrpc_stub_stream_send(s->stream, item, 0, &s->error);
        if (status != SHMRPC_OK) {
            *out = CLI_OK;
            if (is_refusal(status) && s->error.pid == 0) {
                *out = refuse_item(s, status, s->error.message);
            }
            return status;
        }
        s->sent++;
    }
}

/* Runs while the main thread waits for items. A bad item ends the program,
 * which cancels the stream. */
static void send_beside(void *user)
{
    streamed *s = user;
    cli_exit result = CLI_OK;
    if (send_all(s, &result) == SHMRPC_OK) {
        (void)shmrpc_stub_stream_end(s->stream, NULL);
    }
    if (result != CLI_OK) {
        exit((int)result);
    }
}

/* ---- printing ----------------------------------------------------------- */

static cli_exit print_item(streamed *s, const void *item)
{
    const shmrpc_type *type = s->in->method->items_out;
    shmrpci_buf line;
    shmrpc_error error;
    bool bare = s->is_bare || (s->opts->raw && !s->opts->json);
    if (bare && cli_outcome_print_raw(type, item)) {
        (void)fflush(stdout);
        return CLI_OK;
    }
    shmrpci_buf_init_heap(&line);
    int status = cli_outcome_value(type, item, "item", &line, &error);
    if (status == SHMRPC_OK) {
        cli_print_line(&line);
        (void)fflush(stdout);
    } else {
        char what[64];
        (void)snprintf(what, sizeof what, "item %llu has no form in JSON",
                       (unsigned long long)s->items + 1);
        (void)cli_fail_error(CLI_TROUBLE, what, &error);
    }
    shmrpci_buf_fini(&line);
    return status == SHMRPC_OK ? CLI_OK : CLI_TROUBLE;
}

static void print_time(int64_t ns, uint64_t items)
{
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    shmrpci_buf_printf(&text, "%llu item%s in ", (unsigned long long)items,
                       items == 1 ? "" : "s");
    cli_append_time(&text, (double)ns);
    if (ns > 0) {
        shmrpci_buf_printf(&text, ", %.0f a second",
                           (double)items * 1e9 / (double)ns);
    }
    fprintf(stderr, "%.*s\n", (int)text.len, (const char *)text.data);
    shmrpci_buf_fini(&text);
}

/* The last line of --json: {"end":{"items":3}}. */
static void print_end(const streamed *s)
{
    shmrpci_buf line;
    shmrpci_buf_init_heap(&line);
    shmrpci_buf_printf(&line, "{\"end\":{\"items\":%llu}",
                       (unsigned long long)s->items);
    if (s->outcome.ns != NULL) {
        shmrpci_buf_printf(&line, ",\"time_ns\":%lld",
                           (long long)*s->outcome.ns);
    }
    shmrpci_buf_append_char(&line, '}');
    cli_print_line(&line);
    shmrpci_buf_fini(&line);
}

/* ---- the end ------------------------------------------------------------ */

/* The details of the stream's error; the stream must still be open. */
static const void *payload_of(const streamed *s, const shmrpc_error *error)
{
    const shmrpc_error_type *type = cli_outcome_thrown(&s->outcome, error);
    return type != NULL ? shmrpc_stub_stream_payload(s->stream, type) : NULL;
}

/* Prints how the stream ended, after all incoming items have been printed. */
static cli_exit tell_end(streamed *s, int status, const shmrpc_error *error)
{
    int64_t ns = shmrpci_now_ns() - s->begin_ns;
    s->outcome.ns = s->opts->time ? &ns : NULL;
    s->outcome.items = &s->items;
    cli_outcome_metadata(s->in);
    if (s->opts->time && !s->opts->json) {
        print_time(ns, s->items);
    }
    if (status != SHMRPC_OK) {
        return cli_outcome_error(&s->outcome, error, payload_of(s, error));
    }
    if (s->opts->json) {
        print_end(s);
    }
    return CLI_OK;
}

static cli_exit receive_all(streamed *s)
{
    const void *item;
    shmrpc_error error;
    uint64_t most = s->opts->max_items;
    int status;
    while ((status = shmrpc_stub_stream_next(s->stream, &item, &error)) ==
           SHMRPC_MORE) {
        cli_exit result = print_item(s, item);
        if (result != CLI_OK) {
            return result;
        }
        s->items++;
        if (s->items == most) {
            status = SHMRPC_OK;
            break;
        }
    }
    return tell_end(s, status, &error);
}

/* ---- the three kinds of streams ------------------------------------------ */

static cli_exit both_ways(streamed *s)
{
    shmrpci_thread sender;
    if (shmrpci_thread_create(&sender, "sender", send_beside, s) != SHMRPC_OK) {
        fprintf(stderr, "shmrpc: no thread left\n");
        return CLI_TROUBLE;
    }
    cli_exit result = receive_all(s);
    /* Usually the handler has returned, so a sender that waited for room has
     * been woken. After --max-items items the handler may still run, and the
     * sender may still wait for room, so exit without joining it. */
    if (s->opts->max_items > 0 && s->items == s->opts->max_items) {
        (void)fflush(stdout);
        exit((int)result);
    }
    cli_input_stop(&s->input);
    shmrpci_thread_join(&sender);
    return result;
}

/* Sends all items, and then receives the result, with which the call ends. */
static cli_exit upload(streamed *s)
{
    const void *reply = NULL;
    cli_exit result = CLI_OK;
    int status = send_all(s, &result);
    if (result != CLI_OK) {
        return result;
    }
    if (status != SHMRPC_OK && status != SHMRPC_E_CANCELLED) {
        s->items = s->sent;
        return tell_end(s, status, &s->error);
    }
    status = shmrpc_stub_stream_finish_reply(s->stream, &reply, &s->error);
    s->stream = NULL;
    int64_t ns = shmrpci_now_ns() - s->begin_ns;
    s->outcome.ns = s->opts->time ? &ns : NULL;
    cli_outcome_metadata(s->in);
    if (s->opts->time && !s->opts->json) {
        print_time(ns, s->sent);
    }
    if (status == SHMRPC_OK) {
        result = cli_outcome_result(&s->outcome, reply);
    } else {
        const shmrpc_error_type *type =
            cli_outcome_thrown(&s->outcome, &s->error);
        s->outcome.items = &s->sent;
        result = cli_outcome_error(
            &s->outcome, &s->error,
            type != NULL ? shmrpc_stub_payload(reply, type) : NULL);
    }
    shmrpc_stub_release(reply);
    return result;
}

/* ---- the reader of our output ------------------------------------------- */

static void watch_output(void *user)
{
    shmrpci_poll_entry entry = {.fd = STDOUT_FILENO};
    (void)user;
    (void)shmrpci_poll_entries(&entry, 1, SHMRPCI_NEVER_NS);
    /* Act as if we had written to the closed pipe. The main thread gets the
     * signal, because this thread blocks all signals. */
    (void)kill(getpid(), SIGPIPE);
}

/* Only watches pipes: other descriptors don't report that their reader is
 * gone. */
static void begin_watch(void)
{
    struct stat about;
    shmrpci_thread watcher;
    if (fstat(STDOUT_FILENO, &about) == 0 && S_ISFIFO(about.st_mode) &&
        shmrpci_thread_create(&watcher, "output", watch_output, NULL) ==
            SHMRPC_OK) {
        shmrpci_thread_detach(&watcher);
    }
}

/* ---- calling ------------------------------------------------------------- */

static cli_exit call_open(streamed *s)
{
    const shmrpc_method *method = s->in->method;
    shmrpc_error error;
    s->begin_ns = shmrpci_now_ns();
    int status = shmrpc_stub_stream_open(s->in->service.client, s->in->index,
                                         s->in->params, &s->in->opts,
                                         &s->stream, &error);
    if (status != SHMRPC_OK) {
        s->stream = NULL;
        return cli_outcome_error(&s->outcome, &error, NULL);
    }
    return method->items_out == NULL  ? upload(s)
           : method->items_in == NULL ? receive_all(s)
                                      : both_ways(s);
}

cli_exit cli_streamed_call(cli_invocation *in, const cli_streamed_opts *opts)
{
    streamed s = {.in = in,
                  .opts = opts,
                  .outcome = {.in = in, .json = opts->json, .raw = opts->raw},
                  .is_bare = in->method->encoding == SHMRPC_ENCODING_RAW &&
                             !opts->json};
    shmrpci_arena_init(&s.arena, ITEM_ARENA_BYTES);
    cli_exit result = CLI_TROUBLE;
    if (cli_input_open(&s.input, STDIN_FILENO) == SHMRPC_OK) {
        begin_watch();
        result = call_open(&s);
        shmrpc_stub_stream_close(s.stream);
    } else {
        fprintf(stderr, "shmrpc: no descriptor left\n");
    }
    cli_input_close(&s.input);
    shmrpci_arena_fini(&s.arena);
    return result;
}

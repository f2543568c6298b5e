/*
 * The commands topic and pipe: shmrpc/topic.h, shmrpc/pipe.h.
 *
 * Both wait forever unless --deadline is given: they are meant for pipelines,
 * whose other end decides when to stop. Messages of a topic are printed as
 * JSON, bytes of a pipe unchanged.
 */
#include <stdio.h>

#include "objects/handle.h"
#include "shmrpc/shared_stub.h"
#include "tools/shmrpc/command.h"
#include "tools/shmrpc/shared.h"

const struct option cli_topic_options[] = {CLI_SHARED_OPTIONS};
const struct option cli_pipe_options[] = {CLI_SHARED_OPTIONS};

/* The size of the history of a topic that --create makes; tail prints the
 * history first. */
#define TAIL_HISTORY 16

/* ---- topics -------------------------------------------------------------- */

static const char topic_help[] =
    "usage: shmrpc topic pub NAME MESSAGE...\n"
    "       shmrpc topic tail NAME\n"
    "       shmrpc topic stat NAME\n"
    "       shmrpc topic check NAME\n"
    "\n"
    "pub publishes messages. tail prints the history of a topic and then what\n"
    "is published (--count: how many messages; --deadline: until none comes\n"
    "for this long). check looks for damage; nobody may use the topic\n"
    "meanwhile.\n"
    "\n"
    "NAME may be nats://HOST/NAME, a topic of many machines. If it has no\n"
    "history, it needs --create, because it can't be looked up, and messages\n"
    "that don't arrive are lost.\n"
    "\n";

/* Subscribes with write access, so that publishers of a BLOCK topic wait for
 * it. */
static cli_exit open_topic(cli_shared *shared, shmrpc_topic **out)
{
    shmrpc_error error;
    int status = shmrpc_stub_topic_open(&shared->row, shared->name,
                                        &shared->open, out, &error);
    return status == SHMRPC_OK ? CLI_OK : cli_shared_fail(status, &error);
}

/* If a message is bad, those before it are published already. */
static cli_exit run_pub(cli_shared *shared)
{
    shmrpc_topic *topic;
    shmrpc_error error;
    const shmrpc_opts wait = cli_shared_wait(shared);
    cli_exit result = open_topic(shared, &topic);
    if (result != CLI_OK) {
        return result;
    }
    for (int i = 0; i < shared->operand_count && result == CLI_OK; i++) {
        const void *message;
        result = cli_shared_read(shared, shared->row.element,
                                 shared->operands[i], &message);
        if (result == CLI_OK) {
            int status =
                shmrpc_stub_topic_publish(topic, message, &wait, &error);
            result =
                status == SHMRPC_OK ? CLI_OK : cli_shared_fail(status, &error);
        }
    }
    shmrpc_topic_close(topic);
    return result;
}

/* Prints messages until the topic ends or the count is reached. A loss is
 * reported, and printing continues. */
static cli_exit print_messages(cli_shared *shared, shmrpc_sub *sub)
{
    const shmrpc_opts wait = {.timeout_ns = shared->opts->has_deadline
                                                ? shared->opts->deadline_ns
                                                : INT64_MAX};
    uint64_t most = shared->opts->count != 0 ? shared->opts->count : UINT64_MAX;
    cli_exit result = CLI_OK;
    for (uint64_t i = 0; i < most && result == CLI_OK;) {
        const void *message;
        shmrpc_error error;
        int status = shmrpc_stub_sub_next(sub, &message, &wait, &error);
        if (status == SHMRPC_E_LOST) {
            fprintf(stderr, "shmrpc: %llu messages lost\n",
                    (unsigned long long)shmrpc_sub_lost(sub));
            continue;
        }
        if (status != SHMRPC_OK) {
            return status == SHMRPC_E_CANCELLED
                       ? CLI_OK
                       : cli_shared_fail(status, &error);
        }
        result = cli_shared_print(shared, shared->row.element, message);
        (void)fflush(stdout);
        i++;
    }
    return result;
}

/* The subscription begins with the topic's history. */
static cli_exit run_tail(cli_shared *shared)
{
    shmrpc_topic *topic;
    shmrpc_sub *sub;
    shmrpc_error error;
    cli_exit result = open_topic(shared, &topic);
    if (result != CLI_OK) {
        return result;
    }
    int status = shmrpc_topic_subscribe(topic, &sub, &error);
    if (status == SHMRPC_OK) {
        result = print_messages(shared, sub);
        shmrpc_sub_close(sub);
    } else {
        result = cli_shared_fail(status, &error);
    }
    shmrpc_topic_close(topic);
    return result;
}

/* Our own handle is not counted. */
static cli_exit run_topic_stat(cli_shared *shared)
{
    shmrpc_topic *topic;
    shmrpc_topic_stat stat;
    cli_exit result = open_topic(shared, &topic);
    if (result != CLI_OK) {
        return result;
    }
    if (shmrpc_topic_stat_read(topic, &stat) == SHMRPC_OK) {
        const cli_figure figures[] = {
            {"published_count", "published", stat.published_count},
            {"dropped_count", "dropped", stat.dropped_count},
            {"received_count", "received", stat.received_count},
            {"lost_count", "lost", stat.lost_count},
            {"evicted_count", "evicted", stat.evicted_count},
            {"history", "history", stat.history},
            {"max_item_bytes", "longest message", stat.max_item_bytes},
            {"subscriber_count", "subscribers", stat.subscriber_count},
            /* without our own handle */
            {"open_count", "open", stat.open_count - 1},
            {"is_ended", "ended", stat.is_ended},
        };
        cli_shared_print_figures(shared, figures,
                                 sizeof figures / sizeof *figures);
    }
    shmrpc_topic_close(topic);
    return CLI_OK;
}

/* pub and tail accept --create, so that either side may be started first. */
static const cli_verb topic_verbs[] = {
    {"pub", "MESSAGE...", 1, -1, true, run_pub},
    {"tail", "", 0, 0, true, run_tail},
    {"stat", "", 0, 0, false, run_topic_stat},
    {"check", "", 0, 0, false, cli_shared_check},
    {NULL, NULL, 0, 0, false, NULL},
};

cli_exit cli_topic(int argc, char **argv)
{
    cli_shared_command command = {
        .kind = &shmrpci_kind_topic,
        .row = shmrpci_handle_any_row(SHMRPC_SHARED_TOPIC, 0),
        .verbs = topic_verbs,
        .help = topic_help,
        .options = cli_topic_options};
    command.row.history = TAIL_HISTORY;
    return cli_shared_run(argc, argv, &command);
}

/* ---- pipes --------------------------------------------------------------- */

static const char pipe_help[] =
    "usage: shmrpc pipe cat NAME\n"
    "       shmrpc pipe write NAME\n"
    "       shmrpc pipe stat NAME\n"
    "       shmrpc pipe check NAME\n"
    "\n"
    "cat copies a pipe to standard output until the stream ends. write\n"
    "copies standard input to the pipe, and then ends the stream. Both wait,\n"
    "for --deadline at most. check looks for damage; nobody may use the pipe\n"
    "meanwhile.\n"
    "\n";

/* Opening the pipe doesn't make us the writer; the first write does. */
static cli_exit open_pipe(cli_shared *shared, shmrpc_pipe **out)
{
    shmrpc_error error;
    int status = shmrpc_stub_pipe_open(&shared->row, shared->name,
                                       &shared->open, out, &error);
    return status == SHMRPC_OK ? CLI_OK : cli_shared_fail(status, &error);
}

/* By default pipes wait forever, as cat(1) does: their other end is usually
 * another command. */
static shmrpc_opts pipe_wait(const cli_shared *shared)
{
    return (shmrpc_opts){.timeout_ns = shared->opts->has_deadline
                                           ? shared->opts->deadline_ns
                                           : INT64_MAX};
}

/* Flushes after each read, because the bytes may be audio that is played as it
 * arrives. */
static cli_exit run_cat(cli_shared *shared)
{
    static char data[65536];
    shmrpc_pipe *pipe;
    shmrpc_error error;
    const shmrpc_opts wait = pipe_wait(shared);
    size_t len = 0;
    cli_exit result = open_pipe(shared, &pipe);
    if (result != CLI_OK) {
        return result;
    }
    int status = SHMRPC_OK;
    while (status == SHMRPC_OK) {
        status = shmrpc_pipe_read(pipe, data, sizeof data, &wait, &len, &error);
        if (status == SHMRPC_OK && len == 0) {
            break;
        }
        if (status == SHMRPC_OK) {
            (void)fwrite(data, 1, len, stdout);
            (void)fflush(stdout);
        }
    }
    shmrpc_pipe_close(pipe);
    return status == SHMRPC_OK ? CLI_OK : cli_shared_fail(status, &error);
}

/* The end of standard input ends the stream for good. */
static cli_exit run_write(cli_shared *shared)
{
    static char data[65536];
    shmrpc_pipe *pipe;
    shmrpc_error error;
    const shmrpc_opts wait = pipe_wait(shared);
    cli_exit result = open_pipe(shared, &pipe);
    if (result != CLI_OK) {
        return result;
    }
    int status = SHMRPC_OK;
    size_t len;
    while (status == SHMRPC_OK &&
           (len = fread(data, 1, sizeof data, stdin)) > 0) {
        status = shmrpc_pipe_write(pipe, data, len, &wait, NULL, &error);
    }
    if (status == SHMRPC_OK) {
        status = shmrpc_pipe_end(pipe);
        (void)shmrpc_error_set(&error, status, "%s",
                               shmrpc_status_text(status));
    }
    shmrpc_pipe_close(pipe);
    return status == SHMRPC_OK ? CLI_OK : cli_shared_fail(status, &error);
}

static cli_exit run_pipe_stat(cli_shared *shared)
{
    shmrpc_pipe *pipe;
    shmrpc_pipe_stat stat;
    cli_exit result = open_pipe(shared, &pipe);
    if (result != CLI_OK) {
        return result;
    }
    if (shmrpc_pipe_stat_read(pipe, &stat) == SHMRPC_OK) {
        const cli_figure figures[] = {
            {"byte_count", "bytes", stat.byte_count},
            {"capacity", "capacity", stat.capacity},
            {"written_count", "written", stat.written_count},
            {"read_count", "read", stat.read_count},
            {"writer_pid", "writer", (uint64_t)stat.writer_pid},
            {"waiting_for_bytes", "waiting for bytes", stat.waiting_for_bytes},
            {"waiting_for_room", "waiting for room", stat.waiting_for_room},
            /* without our own handle */
            {"open_count", "open", stat.open_count - 1},
            {"is_ended", "ended", stat.is_ended},
        };
        cli_shared_print_figures(shared, figures,
                                 sizeof figures / sizeof *figures);
    }
    shmrpc_pipe_close(pipe);
    return CLI_OK;
}

/* Either side may be started first, as with topics. */
static const cli_verb pipe_verbs[] = {
    {"cat", "", 0, 0, true, run_cat},
    {"write", "", 0, 0, true, run_write},
    {"stat", "", 0, 0, false, run_pipe_stat},
    {"check", "", 0, 0, false, cli_shared_check},
    {NULL, NULL, 0, 0, false, NULL},
};

cli_exit cli_pipe(int argc, char **argv)
{
    const cli_shared_command command = {
        .kind = &shmrpci_kind_pipe,
        .row = shmrpci_handle_any_row(SHMRPC_SHARED_PIPE, 0),
        .verbs = pipe_verbs,
        .help = pipe_help,
        .options = cli_pipe_options};
    return cli_shared_run(argc, argv, &command);
}

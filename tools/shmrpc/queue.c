/*
 * The command queue: shared queues (shmrpc/queue.h).
 *
 * Each verb opens the queue, does one thing, and closes it.  If items of an
 * ACKED queue were popped but could not be printed, they are not lost: closing
 * the handle gives them back.
 */
#include <string.h>

#include "objects/handle.h"
#include "shmrpc/shared_stub.h"
#include "tools/shmrpc/command.h"
#include "tools/shmrpc/shared.h"

const struct option cli_queue_options[] = {CLI_SHARED_OPTIONS};

static const char help[] =
    "usage: shmrpc queue stat NAME\n"
    "       shmrpc queue push NAME VALUE...\n"
    "       shmrpc queue pop NAME\n"
    "       shmrpc queue peek NAME\n"
    "       shmrpc queue drain NAME\n"
    "       shmrpc queue check NAME\n"
    "\n"
    "Shows or uses a shared queue. push appends values. pop takes the next\n"
    "item and prints it (--count: how many). peek prints the next item and\n"
    "leaves it in the queue. drain takes and prints all items. check looks\n"
    "for damage; nobody may use the queue meanwhile.\n"
    "\n"
    "NAME may be nats://HOST/NAME, a queue of many machines, for which there\n"
    "is no peek and no check. If the reader of an item dies, the item is\n"
    "delivered again.\n"
    "\n";

/* Opens the queue with the type that it declares. If --create is about to make
 * it, it is a queue of `any`. Prints errors. */
static cli_exit open_queue(cli_shared *shared, shmrpc_queue **out)
{
    shmrpc_error error;
    int status = shmrpc_stub_queue_open(&shared->row, shared->name,
                                        &shared->open, out, &error);
    return status == SHMRPC_OK ? CLI_OK : cli_shared_fail(status, &error);
}

/* Our own handle only inspects the queue, so it is not counted. */
static cli_exit run_stat(cli_shared *shared)
{
    shmrpc_queue *queue;
    shmrpc_queue_stat stat;
    cli_exit result = open_queue(shared, &queue);
    if (result != CLI_OK) {
        return result;
    }
    if (shmrpc_queue_stat_read(queue, &stat) == SHMRPC_OK) {
        const cli_figure figures[] = {
            {"item_count", "items", stat.item_count},
            {"byte_count", "bytes", stat.byte_count},
            {"capacity", "capacity", stat.capacity},
            {"max_item_bytes", "longest item", stat.max_item_bytes},
            {"pushed_count", "pushed", stat.pushed_count},
            {"popped_count", "popped", stat.popped_count},
            {"dropped_count", "dropped", stat.dropped_count},
            {"redelivered_count", "redelivered", stat.redelivered_count},
            {"unacked_count", "not acknowledged", stat.unacked_count},
            {"waiting_for_items", "waiting for items", stat.waiting_for_items},
            {"waiting_for_room", "waiting for room", stat.waiting_for_room},
            /* without our own handle */
            {"open_count", "open", stat.open_count - 1},
            {"is_ended", "ended", stat.is_ended},
        };
        cli_shared_print_figures(shared, figures,
                                 sizeof figures / sizeof *figures);
    }
    shmrpc_queue_close(queue);
    return CLI_OK;
}

/* Pushes one item after another. If a value is bad, the items before it are in
 * the queue already. */
static cli_exit run_push(cli_shared *shared)
{
    shmrpc_queue *queue;
    shmrpc_error error;
    const shmrpc_opts wait = cli_shared_wait(shared);
    cli_exit result = open_queue(shared, &queue);
    if (result != CLI_OK) {
        return result;
    }
    for (int i = 0; i < shared->operand_count && result == CLI_OK; i++) {
        const void *value;
        result = cli_shared_read(shared, shared->row.element,
                                 shared->operands[i], &value);
        if (result == CLI_OK) {
            int status = shmrpc_stub_queue_push(queue, value, &wait, &error);
            result =
                status == SHMRPC_OK ? CLI_OK : cli_shared_fail(status, &error);
        }
    }
    shmrpc_queue_close(queue);
    return result;
}

/* Whether a drain ends normally with this status: the queue was ended, or is
 * empty. */
static bool is_end_of_drain(int status)
{
    return status == SHMRPC_E_BUSY || status == SHMRPC_E_CANCELLED;
}

/* Takes and prints up to `most` items. With `drains` it is no failure if there
 * are no more. An item of an ACKED queue is acknowledged after it was printed,
 * and goes back to the queue if printing failed. */
static cli_exit take_items(cli_shared *shared, uint64_t most, bool drains)
{
    shmrpc_queue *queue;
    shmrpc_error error;
    const shmrpc_opts wait = cli_shared_wait(shared);
    cli_exit result = open_queue(shared, &queue);
    if (result != CLI_OK) {
        return result;
    }
    for (uint64_t i = 0; i < most && result == CLI_OK; i++) {
        const void *item;
        int status = shmrpc_stub_queue_pop(queue, &wait, &item, &error);
        if (status != SHMRPC_OK) {
            result = drains && is_end_of_drain(status)
                         ? CLI_OK
                         : cli_shared_fail(status, &error);
            break;
        }
        result = cli_shared_print(shared, shared->row.element, item);
        if ((shared->row.flags & SHMRPC_SHARED_ACKED) != 0 &&
            result == CLI_OK) {
            (void)shmrpc_stub_queue_ack(queue, item);
        } else {
            shmrpc_stub_queue_release(queue, item);
        }
    }
    shmrpc_queue_close(queue);
    return result;
}

/* Takes one item unless --count says otherwise. An empty queue is a failure. */
static cli_exit run_pop(cli_shared *shared)
{
    return take_items(
        shared, shared->opts->count != 0 ? shared->opts->count : 1, false);
}

/* Takes items until the queue is empty or ended; both are success. */
static cli_exit run_drain(cli_shared *shared)
{
    return take_items(
        shared, shared->opts->count != 0 ? shared->opts->count : UINT64_MAX,
        true);
}

/* Shows an item that stays in the queue; another process may pop it at the same
 * time. */
static cli_exit run_peek(cli_shared *shared)
{
    shmrpc_queue *queue;
    shmrpc_error error;
    const void *item;
    cli_exit result = open_queue(shared, &queue);
    if (result != CLI_OK) {
        return result;
    }
    int status = shmrpc_stub_queue_peek(queue, &item, &error);
    if (status == SHMRPC_OK) {
        result = cli_shared_print(shared, shared->row.element, item);
        shmrpc_stub_queue_release(queue, item);
    } else {
        result = cli_shared_fail(status, &error);
    }
    shmrpc_queue_close(queue);
    return result;
}

/* --create is allowed where it makes sense for a new queue: for push, and for
 * pop, which then waits for another process to push. */
static const cli_verb verbs[] = {
    {"stat", "", 0, 0, false, run_stat},
    {"push", "VALUE...", 1, -1, true, run_push},
    {"pop", "", 0, 0, true, run_pop},
    {"peek", "", 0, 0, false, run_peek},
    {"drain", "", 0, 0, false, run_drain},
    {"check", "", 0, 0, false, cli_shared_check},
    {NULL, NULL, 0, 0, false, NULL},
};

cli_exit cli_queue(int argc, char **argv)
{
    const cli_shared_command command = {
        .kind = &shmrpci_kind_queue,
        .row = shmrpci_handle_any_row(SHMRPC_SHARED_QUEUE, 0),
        .verbs = verbs,
        .help = help,
        .options = cli_queue_options};
    return cli_shared_run(argc, argv, &command);
}

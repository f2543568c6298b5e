/*
 * The command stats: the counters of a service since it started.
 *
 * It reads the service's counters from shared memory without asking a worker,
 * so it also works while all workers hang.
 */
#include <stdio.h>

#include "os/clock.h"
#include "tools/shmrpc/command.h"
#include "tools/shmrpc/figures.h"
#include "tools/shmrpc/managed.h"

/* How long the service's supervisor may take to hand out its statistics. */
#define OPEN_NS (5 * SHMRPCI_NS_PER_S)

const struct option cli_stats_options[] = {
    {"at", required_argument, NULL, 'a'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static void print_help(void *user)
{
    (void)user;
    fputs(
        "usage: shmrpc stats [OPTION...] SERVICE\n"
        "\n"
        "Prints what a service has counted since it was started: for each\n"
        "method calls, errors, bytes, how long calls took, and how long they\n"
        "waited for a worker; then its workers. This costs the service\n"
        "nothing.\n"
        "\n"
        "  -a, --at=ADDRESSES  where the service is, as in shm://@two\n"
        "  -j, --json          print one JSON object\n"
        "  -h, --help          print this\n"
        "      --version       print the version\n",
        stdout);
}

/* Prints one sample: totals since the start, no rates. */
static cli_exit show(cli_watched *w, bool json)
{
    shmrpc_error error;
    shmrpci_buf out;
    int status = cli_watched_open(w, OPEN_NS, &error);
    if (status == SHMRPC_OK) {
        status = cli_watched_look(w, &error);
    }
    if (status != SHMRPC_OK) {
        cli_watched_close(w);
        return cli_fail_error(cli_exit_of_open(status), w->name, &error);
    }
    shmrpci_buf_init_heap(&out);
    if (json) {
        cli_figures_json(w, false, &out);
        cli_print_line(&out);
    } else {
        const cli_layout layout = {.sort = CLI_SORT_NONE};
        cli_figures_text(w, false, true, &layout, &out);
        fwrite(out.data, 1, out.len, stdout);
    }
    shmrpci_buf_fini(&out);
    cli_watched_close(w);
    return CLI_OK;
}

/* The target must live in the arena until everything is printed. */
static cli_exit stats(const char *service, const cli_look *look,
                      shmrpci_buf *message)
{
    shmrpci_arena arena;
    svc_target target;
    shmrpci_arena_init(&arena, 0);
    int status = cli_find(&arena, service, look->at, &target, message);
    cli_exit result = cli_exit_of_open(status);
    if (status == SHMRPC_OK) {
        cli_watched w = {
            .name = service, .where = target.where, .port = target.port};
        result = show(&w, look->json);
    }
    shmrpci_arena_fini(&arena);
    return result;
}

/* Takes one service, with all its figures. `top` takes several. */
static cli_exit run(void *user, const cli_line *line, shmrpci_buf *message)
{
    return line->count == 1 ? stats(line->argv[1], user, message)
                            : cli_look_wants_one(line, message);
}

cli_exit cli_stats(int argc, char **argv)
{
    cli_look look = {.at = NULL};
    const cli_syntax syntax = {cli_stats_options, false, print_help,
                               cli_look_take, run};
    return cli_run(argc, argv, &syntax, &look);
}

/* The command stats: what a service has done since it started. */
#include <stdio.h>

#include "os/clock.h"
#include "tools/shmrpc/command.h"
#include "tools/shmrpc/figures.h"
#include "tools/shmrpc/target.h"

#define OPEN_NS (5 * SHMRPCI_NS_PER_S)

const struct option cli_stats_options[] = {
    {"at", required_argument, NULL, 'a'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static cli_exit print_help(void)
{
    fputs(
        "usage: shmrpc stats [OPTION...] SERVICE\n"
        "\n"
        "Prints what a service has counted since it was started: for each\n"
        "method calls, errors, bytes, how long calls took, and how long they\n"
        "waited for a worker; then its workers. The service is not asked to\n"
        "do anything for it.\n"
        "\n"
        "  -a, --at=ADDRESSES  where the service is, as of the library\n"
        "  -j, --json          print one JSON object\n"
        "  -h, --help          print this\n"
        "      --version       print the version\n",
        stdout);
    return CLI_OK;
}

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
        cli_figures_text(w, false, true, &out);
        fwrite(out.data, 1, out.len, stdout);
    }
    shmrpci_buf_fini(&out);
    cli_watched_close(w);
    return CLI_OK;
}

static cli_exit stats(const char *service, const char *at, bool json,
                      shmrpci_buf *message)
{
    shmrpci_arena arena;
    cli_target target;
    shmrpci_arena_init(&arena, 0);
    int status = cli_target_find(&arena, service, at, &target, message);
    cli_exit result;
    if (status != SHMRPC_OK) {
        result = cli_fail(cli_exit_of_open(status), message);
    } else {
        cli_watched w = {
            .name = service, .where = target.where, .port = target.port};
        result = show(&w, json);
    }
    shmrpci_arena_fini(&arena);
    return result;
}

static cli_exit parse(int argc, char **argv, shmrpci_buf *message)
{
    cli_line line = {.argc = argc, .argv = argv};
    const char *at = NULL;
    bool json = false;
    int option;
    while ((option = cli_next(&line, "+a:jh", cli_stats_options, message)) !=
           SHMRPCI_OPTIONS_END) {
        switch (option) {
        case 'a':
            at = optarg;
            break;
        case 'j':
            json = true;
            break;
        case 'h':
            return print_help();
        case 'V':
            return cli_print_version();
        default:
            return cli_fail(CLI_USAGE, message);
        }
    }
    if (line.count != 1) {
        shmrpci_buf_printf(message, "%s (`shmrpc stats --help`)",
                           line.count == 0 ? "a SERVICE is missing"
                                           : "one SERVICE is enough");
        return cli_fail(CLI_USAGE, message);
    }
    return stats(line.argv[1], at, json, message);
}

cli_exit cli_stats(int argc, char **argv)
{
    shmrpci_buf message;
    shmrpci_buf_init_heap(&message);
    cli_exit result = parse(argc, argv, &message);
    shmrpci_buf_fini(&message);
    return result;
}

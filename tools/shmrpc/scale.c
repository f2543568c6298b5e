/*
 * The command scale: sets how many workers a service may have.
 *
 * The manager remembers the numbers until the service's section changes; the
 * file itself is not changed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager_client.h" /* generated */
#include "tools/shmrpc/command.h"
#include "tools/shmrpc/control.h"

const struct option cli_scale_options[] = {CLI_CONTROL_OPTIONS};

static void print_help(void *user)
{
    (void)user;
    fputs(
        "usage: shmrpc scale [OPTION...] SERVICE COUNT\n"
        "       shmrpc scale [OPTION...] SERVICE MIN..MAX\n"
        "\n"
        "Sets how many worker processes a service of the manager may have, "
        "from\n"
        "now on and until its section in service.ini changes. Workers that\n"
        "leave finish their calls first.\n"
        "\n" CLI_CONTROL_HELP,
        stdout);
}

/* Reads "4", or "1..8". A single number sets both limits. */
static bool read_range(const char *text, uint64_t *least, uint64_t *most)
{
    char first[8];
    const char *dots = strstr(text, "..");
    if (dots == NULL) {
        return cli_read_count(text, 64, least) &&
               cli_read_count(text, 64, most);
    }
    if ((size_t)(dots - text) >= sizeof first) {
        return false;
    }
    (void)snprintf(first, sizeof first, "%.*s", (int)(dots - text), text);
    return cli_read_count(first, 64, least) &&
           cli_read_count(dots + 2, 64, most) && *least <= *most;
}

/* Prints the numbers that the manager answers, rather than those of the
 * request. */
static cli_exit scale(const cli_control *line, const char *service,
                      uint64_t least, uint64_t most)
{
    manager_control *client;
    const manager_control_scale_reply *reply = NULL;
    shmrpc_error error;
    cli_exit result = cli_control_open(line, &client);
    if (result != CLI_OK) {
        return result;
    }
    int status =
        manager_control_scale(client, shmrpc_str_of(service), (uint32_t)least,
                              (uint32_t)most, NULL, &reply, &error);
    if (status != SHMRPC_OK) {
        result = cli_control_failed(status, &error);
    } else if (line->json) {
        shmrpci_buf out;
        shmrpci_buf_init_heap(&out);
        cli_control_append(&out, &manager_service_descriptor, &reply->value);
        cli_print_line(&out);
        shmrpci_buf_fini(&out);
    } else {
        printf("%s: %u to %u workers\n", reply->value.name.ptr,
               reply->value.min_workers, reply->value.max_workers);
    }
    manager_control_scale_release(reply);
    manager_control_close(client);
    return result;
}

static cli_exit take(void *user, int option, shmrpci_buf *message)
{
    (void)message;
    return cli_control_take(user, option);
}

/* manager.svc has the same limits; checking them here gives a better
 * message. */
static cli_exit run(void *user, const cli_line *line, shmrpci_buf *message)
{
    uint64_t least;
    uint64_t most;
    if (line->count != 2) {
        shmrpci_buf_append_text(
            message, "scale takes a SERVICE and a number of workers");
        return CLI_USAGE;
    }
    if (!read_range(line->argv[2], &least, &most)) {
        shmrpci_buf_printf(message,
                           "`%s` workers (expected a number of 1 to 64, or "
                           "two, as in 1..4)",
                           line->argv[2]);
        return CLI_USAGE;
    }
    return scale(user, line->argv[1], least, most);
}

cli_exit cli_scale(int argc, char **argv)
{
    cli_control control = {.instance = NULL};
    const cli_syntax syntax = {cli_scale_options, false, print_help, take, run};
    return cli_run(argc, argv, &syntax, &control);
}

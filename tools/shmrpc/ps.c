/*
 * The commands ps and status: the state of the manager's services.
 *
 * Both print the manager's answer; only ages and one word for the state are
 * computed here. JSON has the same members as manager.svc, so that it changes
 * only with that interface.
 */
#include <stdio.h>
#include <string.h>

#include "manager_client.h" /* generated */
#include "tools/shmrpc/clients.h"
#include "tools/shmrpc/command.h"
#include "tools/shmrpc/control.h"
#include "tools/shmrpc/lines.h"
#include "tools/shmrpc/machines.h"

/* Number of log lines that the command status shows. */
#define LAST_LINES 10u

const struct option cli_ps_options[] = {
    {"clients", no_argument, NULL, 'c'},
    CLI_NATS_OPTION,
    CLI_CONTROL_OPTIONS,
};
const struct option cli_status_options[] = {CLI_CONTROL_OPTIONS};

/* ---- ps -------------------------------------------------------------- */

/* One word for the state of a service. If `trouble` is set in state RUNNING,
 * the process was stopped by a signal. */
static const char *word_of(const manager_service *s)
{
    if (s->degraded) {
        return "degraded";
    }
    return s->trouble.len > 0 && s->state == MANAGER_STATE_RUNNING
               ? "hung"
               : cli_state_name(s->state);
}

/* Appends where the service can be called, or why it can't. How the last run
 * ended is shown only while the service does not run. */
static void append_place(shmrpci_buf *out, const manager_service *s)
{
    if (s->trouble.len > 0 && !s->degraded) {
        shmrpci_buf_append_text(out, s->trouble.ptr);
    } else if (s->addresses.len > 0) {
        shmrpci_buf_append_text(out, s->addresses.ptr[0].ptr);
    } else if (s->pid == 0 && s->last_end.len > 0) {
        shmrpci_buf_printf(out, "ended: %s", s->last_end.ptr);
    } else {
        shmrpci_buf_append_char(out, '-');
    }
}

/* The width of the longest name. */
static int width_of(const manager_service_list *list)
{
    size_t width = strlen("SERVICE");
    for (size_t i = 0; i < list->len; i++) {
        size_t len = list->ptr[i].name.len;
        width = len > width ? len : width;
    }
    return (int)width;
}

/* The place is the last column, because its text may be of any length. */
static void print_row(const manager_service *s, int width)
{
    char age[32];
    char pid[16] = "-";
    cli_age(s->since_unix_ms, age);
    if (s->pid != 0) {
        (void)snprintf(pid, sizeof pid, "%d", (int)s->pid);
    }
    shmrpci_buf place;
    shmrpci_buf_init_heap(&place);
    append_place(&place, s);
    const char *where = shmrpci_buf_text(&place);
    printf("%-*s  %-8s  %7s  %7s  %8u  %s\n", width, s->name.ptr, word_of(s),
           pid, age, s->restarts, where != NULL ? where : "?");
    shmrpci_buf_fini(&place);
}

/* JSON has all fields of manager.svc, the table only what fits on a screen. */
static cli_exit print_all(const cli_control *line,
                          const manager_service_list *list)
{
    int width = width_of(list);
    shmrpci_buf out;
    if (!line->json) {
        printf("%-*s  %-8s  %7s  %7s  %8s  %s\n", width, "SERVICE", "STATE",
               "PID", "SINCE", "RESTARTS", "WHERE");
        for (size_t i = 0; i < list->len; i++) {
            print_row(&list->ptr[i], width);
        }
        return CLI_OK;
    }
    shmrpci_buf_init_heap(&out);
    shmrpci_buf_append_char(&out, '[');
    for (size_t i = 0; i < list->len; i++) {
        shmrpci_buf_append_text(&out, i > 0 ? "," : "");
        cli_control_append(&out, &manager_service_descriptor, &list->ptr[i]);
    }
    shmrpci_buf_append_char(&out, ']');
    cli_print_line(&out);
    shmrpci_buf_fini(&out);
    return CLI_OK;
}

/* The services are in starting order. */
static cli_exit ps(const cli_control *line, manager_control *client)
{
    const manager_control_list_reply *reply;
    shmrpc_error error;
    int status = manager_control_list(client, NULL, &reply, &error);
    if (status != SHMRPC_OK) {
        return cli_control_failed(status, &error);
    }
    cli_exit result = print_all(line, &reply->value);
    manager_control_list_release(reply);
    return result;
}

/* ---- status ---------------------------------------------------------- */

/* The line above the table of `shmrpc status`. */
static void print_manager(const manager_info *info)
{
    char age[32];
    cli_age(info->since_unix_ms, age);
    printf("shmrpcd %s, pid %d, up for %s, configured by %s\n\n",
           info->version.ptr, (int)info->pid, age, info->file.ptr);
}

/* Without a service: prints the manager and a table of its services. As JSON it
 * prints the manager alone, since `ps --json` has the services. */
static cli_exit status_of_all(const cli_control *line, manager_control *client)
{
    const manager_control_info_reply *reply;
    shmrpc_error error;
    int status = manager_control_info(client, NULL, &reply, &error);
    if (status != SHMRPC_OK) {
        return cli_control_failed(status, &error);
    }
    if (line->json) {
        shmrpci_buf out;
        shmrpci_buf_init_heap(&out);
        cli_control_append(&out, &manager_info_descriptor, &reply->value);
        cli_print_line(&out);
        shmrpci_buf_fini(&out);
    } else {
        print_manager(&reply->value);
    }
    manager_control_info_release(reply);
    return line->json ? CLI_OK : ps(line, client);
}

/* Leaves out lines without a value. */
static void print_service(const manager_service *s)
{
    char age[32];
    cli_age(s->since_unix_ms, age);
    bool is_well = strcmp(word_of(s), cli_state_name(s->state)) == 0;
    printf("%s: %s for %s%s%s\n", s->name.ptr, cli_state_name(s->state), age,
           is_well ? "" : ", ", is_well ? "" : word_of(s));
    if (s->trouble.len > 0) {
        printf("  trouble   %s\n", s->trouble.ptr);
    }
    printf("  command   %s\n", s->command.ptr);
    if (s->pid != 0) {
        printf("  pid       %d\n", (int)s->pid);
    }
    for (size_t i = 0; i < s->addresses.len; i++) {
        printf("  %-8s  %s\n", i == 0 ? "where" : "", s->addresses.ptr[i].ptr);
    }
    if (s->max_workers > 0) {
        printf("  workers   %u to %u\n", s->min_workers, s->max_workers);
    }
    printf("  restarts  %u\n", s->restarts);
    if (s->last_end.len > 0) {
        printf("  last end  %s\n", s->last_end.ptr);
    }
}

/* Prints the end of the log, as systemctl status does: it often explains the
 * state. */
static cli_exit print_last_lines(manager_control *client, shmrpc_str name)
{
    const manager_control_logs_reply *reply;
    shmrpc_error error;
    int status = manager_control_logs(client, name, NULL, LAST_LINES,
                                      MANAGER_LEVEL_DEBUG, shmrpc_str_of(""),
                                      NULL, &reply, &error);
    if (status != SHMRPC_OK) {
        return cli_control_failed(status, &error);
    }
    if (reply->value.lines.len > 0) {
        putchar('\n');
    }
    for (size_t i = 0; i < reply->value.lines.len; i++) {
        cli_line_print(NULL, &reply->value.lines.ptr[i]);
    }
    manager_control_logs_release(reply);
    return CLI_OK;
}

static cli_exit status_of(const cli_control *line, manager_control *client,
                          shmrpc_str name)
{
    const manager_control_status_reply *reply;
    shmrpc_error error;
    int status = manager_control_status(client, name, NULL, &reply, &error);
    if (status != SHMRPC_OK) {
        return cli_control_failed(status, &error);
    }
    if (line->json) {
        shmrpci_buf out;
        shmrpci_buf_init_heap(&out);
        cli_control_append(&out, &manager_service_descriptor, &reply->value);
        cli_print_line(&out);
        shmrpci_buf_fini(&out);
    } else {
        print_service(&reply->value);
    }
    manager_control_status_release(reply);
    return line->json ? CLI_OK : print_last_lines(client, name);
}

/* ---- ps and status --------------------------------------------------- */

/* The command line of ps and status; only ps has `clients`. */
typedef struct ps_line {
    cli_control control;
    bool clients;  /* --clients: needs no manager */
    cli_nats nats; /* --nats: needs no manager either */
} ps_line;

/* `ps` and `status` share this function; argv[0] tells which it is. --clients
 * is answered without a manager. */
static cli_exit run(void *user, const cli_line *line, shmrpci_buf *message)
{
    const ps_line *opts = user;
    const cli_control *control = &opts->control;
    bool is_status = strcmp(line->argv[0], "status") == 0;
    manager_control *client;
    if (line->count > (is_status ? 1 : 0)) {
        shmrpci_buf_printf(message, "%s takes no operand like `%s`",
                           line->argv[0], line->argv[line->count]);
        return CLI_USAGE;
    }
    if (opts->nats.is_on) {
        return cli_machines_ps(&opts->nats, control->json);
    }
    if (opts->clients) {
        return cli_clients(control->json);
    }
    cli_exit result = cli_control_open(control, &client);
    if (result != CLI_OK) {
        return result;
    }
    if (line->count > 0) {
        result = status_of(control, client, shmrpc_str_of(line->argv[1]));
    } else {
        result =
            is_status ? status_of_all(control, client) : ps(control, client);
    }
    manager_control_close(client);
    return result;
}

/* -c and -N only come from ps: they are not among the options of status. */
static cli_exit take(void *user, int option, shmrpci_buf *message)
{
    ps_line *line = user;
    (void)message;
    if (option == 'c') {
        line->clients = true;
        return CLI_OK;
    }
    if (option == 'N') {
        cli_nats_take(&line->nats);
        return CLI_OK;
    }
    return cli_control_take(&line->control, option);
}

static void print_ps_help(void *user)
{
    (void)user;
    fputs(
        "usage: shmrpc ps [OPTION...]\n"
        "\n"
        "Lists the services of the manager, shmrpcd(8).\n"
        "\n"
        "  -c, --clients        instead the workers and clients of all "
        "services\n"
        "                       on this machine, with or without a "
        "manager\n"
        "  -N, --nats[=SERVERS] instead the gateways of a cluster of NATS on "
        "all\n"
        "                       machines; SERVERS as nats://a,nats://b "
        "(default:\n"
        "                       SHMRPC_NATS, else "
        "nats://127.0.0.1)\n" CLI_CONTROL_HELP,
        stdout);
}

static void print_status_help(void *user)
{
    (void)user;
    fputs(
        "usage: shmrpc status [OPTION...] [SERVICE]\n"
        "\n"
        "Shows the state of a service of the manager, and the end of its log;\n"
        "without SERVICE, the state of the manager and of all services.\n"
        "\n" CLI_CONTROL_HELP,
        stdout);
}

cli_exit cli_ps(int argc, char **argv)
{
    ps_line line = {.clients = false};
    const cli_syntax syntax = {cli_ps_options, false, print_ps_help, take, run};
    return cli_run(argc, argv, &syntax, &line);
}

cli_exit cli_status(int argc, char **argv)
{
    ps_line line = {.clients = false};
    const cli_syntax syntax = {cli_status_options, false, print_status_help,
                               take, run};
    return cli_run(argc, argv, &syntax, &line);
}

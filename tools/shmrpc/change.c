/*
 * The commands start, stop, restart and reload.
 *
 * The manager does the work, and answers when it is done: a command that has
 * returned 0 means that the service can be called, or has ended.  If we are
 * killed while we wait, the manager goes on.
 */
#include <stdio.h>
#include <string.h>

#include "manager_client.h" /* generated */
#include "tools/shmrpc/command.h"
#include "tools/shmrpc/control.h"

#define CHANGE_OPTIONS                           \
    {                                            \
        "deadline", required_argument, NULL, 'd' \
    }

const struct option cli_change_options[] = {CHANGE_OPTIONS,
                                            CLI_CONTROL_OPTIONS};

/* One of start, stop and restart: their generated functions have different
 * names and reply types, but all reply types contain a manager_service. */
typedef struct change {
    const char *name; /* name of the command */
    const char *help; /* its effect, for --help */
    int (*call)(manager_control *client, shmrpc_str name,
                const shmrpc_opts *opts, const manager_service **out,
                const void **reply, shmrpc_error *error);
    void (*release)(const void *reply); /* frees a reply of `call` */
} change;

/* clang-format off */
/* Wraps the generated function of a verb so that it has the type above. */
#define CHANGE(verb)                                                         \
    static int call_##verb(manager_control *client, shmrpc_str name,         \
                           const shmrpc_opts *opts,                          \
                           const manager_service **out, const void **reply,  \
                           shmrpc_error *error)                              \
    {                                                                        \
        const manager_control_##verb##_reply *its;                           \
        int status =                                                         \
            manager_control_##verb(client, name, opts, &its, error);         \
        if (status == SHMRPC_OK) {                                           \
            *out = &its->value;                                              \
            *reply = its;                                                    \
        }                                                                    \
        return status;                                                       \
    }                                                                        \
    static void release_##verb(const void *reply)                            \
    {                                                                        \
        manager_control_##verb##_release(reply);                             \
    }
/* clang-format on */
CHANGE(start)
CHANGE(stop)
CHANGE(restart)

static const change changes[] = {
    {"start",
     "Starts services of the manager, and first those named in their "
     "`after`,\nand waits until they can be called.\n",
     call_start, release_start},
    {"stop",
     "Stops services of the manager, and waits until they have ended.\n",
     call_stop, release_stop},
    {"restart",
     "Restarts services of the manager, and waits until they can be called.\n"
     "Servers with worker processes are replaced without a gap; others are\n"
     "stopped first.\n",
     call_restart, release_restart},
};

/* ---- start, stop, restart -------------------------------------------- */

/* A missed deadline is not a failure of the service: the manager continues, and
 * the message says so. */
static cli_exit change_one(const cli_control *line, const change *what,
                           manager_control *client, const char *name,
                           shmrpci_buf *json)
{
    const manager_service *service;
    const void *reply;
    shmrpc_error error;
    const shmrpc_opts opts = {.timeout_ns = line->timeout_ns};
    int status = what->call(client, shmrpc_str_of(name), &opts, &service,
                            &reply, &error);
    if (status == SHMRPC_E_DEADLINE) {
        fprintf(stderr,
                "shmrpc: DEADLINE: `%s` is not done yet, but goes on (`shmrpc "
                "status %s`)\n",
                name, name);
        return CLI_DEADLINE;
    }
    if (status != SHMRPC_OK) {
        return cli_control_failed(status, &error);
    }
    if (line->json) {
        shmrpci_buf_append_text(json, json->len > 1 ? "," : "");
        cli_control_append(json, &manager_service_descriptor, service);
    } else {
        printf("%s: %s", service->name.ptr, cli_state_name(service->state));
        if (service->pid != 0) {
            printf(", pid %d", (int)service->pid);
        }
        putchar('\n');
        (void)fflush(stdout); /* the next service may take long */
    }
    what->release(reply);
    return CLI_OK;
}

/* Continues with the next service after a failure, like rm(1), since the
 * services are independent. The exit status is that of the first failure. */
static cli_exit change_all(const cli_control *line, const change *what,
                           manager_control *client)
{
    cli_exit result = CLI_OK;
    shmrpci_buf json;
    shmrpci_buf_init_heap(&json);
    shmrpci_buf_append_char(&json, '[');
    for (int i = 0; i < line->name_count; i++) {
        cli_exit its = change_one(line, what, client, line->names[i], &json);
        result = result == CLI_OK ? its : result;
    }
    shmrpci_buf_append_char(&json, ']');
    if (line->json) {
        cli_print_line(&json);
    }
    shmrpci_buf_fini(&json);
    return result;
}

/* ---- reload ---------------------------------------------------------- */

/* Prints one line for each name, in the form of the other commands: "NAME:
 * state". */
static void print_names(const char *what, const shmrpc_str_list *names)
{
    for (size_t i = 0; i < names->len; i++) {
        printf("%s: %s\n", names->ptr[i].ptr, what);
    }
}

/* "changed" services are restarted, or replaced, after this answer. */
static void print_reloaded(const cli_control *line,
                           const manager_reloaded *reloaded)
{
    if (line->json) {
        shmrpci_buf out;
        shmrpci_buf_init_heap(&out);
        cli_control_append(&out, &manager_reloaded_descriptor, reloaded);
        cli_print_line(&out);
        shmrpci_buf_fini(&out);
        return;
    }
    print_names("added", &reloaded->added);
    print_names("removed", &reloaded->removed);
    print_names("changed", &reloaded->changed);
    if (reloaded->added.len + reloaded->removed.len + reloaded->changed.len ==
        0) {
        puts("nothing has changed");
    }
}

/* Errors in the file are returned as text with positions, ready to be printed;
 * the declared error also has a reply that must be released. */
static cli_exit reload(const cli_control *line, manager_control *client)
{
    const manager_control_reload_reply *reply = NULL;
    shmrpc_error error;
    cli_exit result = CLI_OK;
    const shmrpc_opts opts = {.timeout_ns = line->timeout_ns};
    int status = manager_control_reload(client, &opts, &reply, &error);
    const manager_bad_file *bad = manager_control_reload_bad_file(reply);
    if (status == SHMRPC_OK) {
        print_reloaded(line, &reply->value);
    } else if (bad != NULL) {
        fwrite(bad->messages.ptr, 1, bad->messages.len, stderr);
        fputs("shmrpc: nothing was changed\n", stderr);
        result = CLI_REFUSED;
    } else {
        result = cli_control_failed(status, &error);
    }
    manager_control_reload_release(reply);
    return result;
}

/* ---- the command lines ----------------------------------------------- */

/* reload has a text of its own, because it takes no SERVICE. */
static const char reload_help[] =
    "Makes the manager read its service.ini again: it starts new services,\n"
    "stops those that are gone, and restarts those that have changed.\n";

/* `what` is NULL for reload. */
typedef struct change_line {
    cli_control control;
    const change *what; /* NULL for reload */
} change_line;

/* The commands share one help text; the table above has the differences. */
static void print_help(void *user)
{
    const change *what = ((const change_line *)user)->what;
    printf("usage: shmrpc %s [OPTION...]%s\n\n%s\n",
           what != NULL ? what->name : "reload",
           what != NULL ? " SERVICE..." : "",
           what != NULL ? what->help : reload_help);
    fputs(
        "  -d, --deadline=TIME  how long to wait for each service (default "
        "60s)\n" CLI_CONTROL_HELP,
        stdout);
}

/* --deadline is sent with the call, so that the manager answers within it. */
static cli_exit take(void *user, int option, shmrpci_buf *message)
{
    cli_control *control = &((change_line *)user)->control;
    if (option == 'd') {
        return cli_read_duration(optarg, &control->timeout_ns)
                   ? CLI_OK
                   : cli_bad_value(message, "deadline",
                                   "250ms, 2s, up to a day");
    }
    return cli_control_take(control, option);
}

/* Uses one connection for all names. */
static cli_exit run(void *user, const cli_line *line, shmrpci_buf *message)
{
    change_line *its = user;
    manager_control *client;
    /* reload takes no operand, the others at least one. */
    if ((line->count > 0) != (its->what != NULL)) {
        shmrpci_buf_printf(message,
                           its->what != NULL ? "%s takes a SERVICE, or several"
                                             : "%s takes no operand",
                           line->argv[0]);
        return CLI_USAGE;
    }
    its->control.names = line->argv + 1;
    its->control.name_count = line->count;
    cli_exit result = cli_control_open(&its->control, &client);
    if (result != CLI_OK) {
        return result;
    }
    result = its->what != NULL ? change_all(&its->control, its->what, client)
                               : reload(&its->control, client);
    manager_control_close(client);
    return result;
}

/* The four commands differ only in `what`. */
static cli_exit run_change(int argc, char **argv, const change *what)
{
    change_line line = {.what = what};
    const cli_syntax syntax = {cli_change_options, false, print_help, take,
                               run};
    return cli_run(argc, argv, &syntax, &line);
}

cli_exit cli_start(int argc, char **argv)
{
    return run_change(argc, argv, &changes[0]);
}

cli_exit cli_stop(int argc, char **argv)
{
    return run_change(argc, argv, &changes[1]);
}

cli_exit cli_restart(int argc, char **argv)
{
    return run_change(argc, argv, &changes[2]);
}

cli_exit cli_reload(int argc, char **argv)
{
    return run_change(argc, argv, NULL);
}

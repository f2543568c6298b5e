/*
 * The commands ls, rm and gc, for named shared objects.
 *
 * They treat objects as files in one of two folders: the user's, or the folder
 * for all users. They never open an object for use, because a listing must not
 * keep an object alive or take one of its user slots.
 */
#include <stdio.h>
#include <string.h>

#include "objects/kind.h"
#include "os/clock.h"
#include "shmrpc/objects.h"
#include "tools/common/object_json.h"
#include "tools/shmrpc/command.h"

typedef struct objects_opts { /* the options of all three commands */
    bool all_users;           /* the folder for all users */
    bool json;                /* print JSON instead of text */
    const char *kind;         /* kind of the object to remove; NULL: whichever
                               * has the name */
    int64_t idle_ns;          /* gc: leave locks alone that were opened within
                               * this time */
} objects_opts;

#define COMMON_OPTIONS                                                         \
    {"all-users", no_argument, NULL, 'u'}, {"json", no_argument, NULL, 'j'},   \
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, \
    {                                                                          \
        NULL, 0, NULL, 0                                                       \
    }

#define COMMON_HELP                                     \
    "  -u, --all-users  use the folder for all users\n" \
    "  -j, --json       print JSON\n"                   \
    "  -h, --help       print this\n"                   \
    "      --version    print the version\n"

const struct option cli_ls_options[] = {COMMON_OPTIONS};
const struct option cli_rm_options[] = {{"kind", required_argument, NULL, 'k'},
                                        COMMON_OPTIONS};
const struct option cli_gc_options[] = {{"idle", required_argument, NULL, 'i'},
                                        COMMON_OPTIONS};

/* Takes the options of ls, rm and gc; getopt knows which of them each command
 * has. */
static cli_exit take(void *user, int option, shmrpci_buf *message)
{
    objects_opts *opts = user;
    switch (option) {
    case 'u':
        opts->all_users = true;
        return CLI_OK;
    case 'k':
        opts->kind = optarg;
        return CLI_OK;
    case 'i':
        return cli_read_duration(optarg, &opts->idle_ns)
                   ? CLI_OK
                   : cli_bad_value(message, "idle", "a time, as in 10m");
    default:
        opts->json = true;
        return CLI_OK;
    }
}

/* A command works on one folder at a time, since both may have an object of one
 * name. */
static shmrpc_scope scope_of(const objects_opts *opts)
{
    return opts->all_users ? SHMRPC_SCOPE_ALL_USERS : SHMRPC_SCOPE_USER;
}

/* For functions of the library that return only a status: it has no detail, so
 * the message names the folder. */
static cli_exit fail_status(shmrpc_status status, const objects_opts *opts)
{
    shmrpc_error error;
    (void)shmrpc_error_set(&error, status, "%s", shmrpc_status_text(status));
    return cli_fail_error(CLI_TROUBLE,
                          opts->all_users ? "the folder for all users"
                                          : "the folder of objects",
                          &error);
}

/* ---- ls ------------------------------------------------------------------ */

typedef struct table { /* the data that ls collects */
    bool json;
    size_t count;    /* number of objects so far */
    shmrpci_buf out; /* printed when it is complete */
} table;

/* The members are those of the web page's API. */
static void append_json(const shmrpc_object_info *info, bool is_first,
                        shmrpci_buf *out)
{
    shmrpci_buf_append_text(out, is_first ? "{" : ",{");
    tool_object_members(info, out);
    shmrpci_buf_append_char(out, '}');
}

/* Appends a size in powers of 1024, with at least two digits: "12K", "3.4M". */
static void append_bytes(shmrpci_buf *out, uint64_t bytes)
{
    static const char units[] = "BKMGT";
    double number = (double)bytes;
    size_t unit = 0;
    for (; number >= 1000 && unit < 4; unit++) {
        number /= 1024;
    }
    char text[32];
    (void)snprintf(text, sizeof text,
                   unit == 0 || number >= 9.95 ? "%.0f%c" : "%.1f%c", number,
                   units[unit]);
    shmrpci_buf_printf(out, "%7s", text);
}

/* Names may contain any characters, so control characters are escaped for the
 * terminal. */
static void append_name(shmrpci_buf *out, const char *name)
{
    for (; *name != '\0'; name++) {
        bool is_control = (unsigned char)*name < 32 || *name == 127;
        shmrpci_buf_append_char(out, is_control ? '?' : *name);
    }
}

/* The name is the last column, since it may be 255 bytes long. */
static void append_row(const shmrpc_object_info *info, shmrpci_buf *out)
{
    shmrpci_buf_printf(out, "%-11s  %-10s  %4u  ", info->kind,
                       tool_object_state(info->state), info->open_count);
    append_bytes(out, info->memory_bytes);
    shmrpci_buf_append_text(out, "  ");
    append_name(out, info->name);
    if (info->type[0] != '\0') {
        shmrpci_buf_append_text(out, "  ");
        append_name(out, info->type);
    }
    shmrpci_buf_append_char(out, '\n');
}

/* Always returns true, so that the list is complete. A lack of memory is
 * recorded in `out`. */
static bool list_one(void *user, const shmrpc_object_info *info)
{
    table *of = user;
    if (of->json) {
        append_json(info, of->count == 0, &of->out);
    } else {
        append_row(info, &of->out);
    }
    of->count++;
    return true;
}

/* JSON is an array even when it is empty. A table without rows is not
 * printed. */
static void print_table(const table *of)
{
    if (of->json) {
        cli_print_line(&of->out);
    } else if (of->count > 0) {
        puts("KIND         STATE       OPEN   MEMORY  NAME");
        fwrite(of->out.data, 1, of->out.len, stdout);
    } else {
        fputs("There are no shared objects.\n", stderr);
    }
}

/* Prints only after the visit has succeeded, so never half of a listing. */
static cli_exit run_ls(void *user, const cli_line *line, shmrpci_buf *message)
{
    const objects_opts *opts = user;
    table of = {.json = opts->json};
    if (line->count > 0) {
        shmrpci_buf_printf(message, "ls takes no operand like `%s`",
                           line->argv[1]);
        return CLI_USAGE;
    }
    shmrpci_buf_init_heap(&of.out);
    shmrpci_buf_append_text(&of.out, opts->json ? "[" : "");
    shmrpc_status status = shmrpc_objects_visit(scope_of(opts), list_one, &of);
    shmrpci_buf_append_text(&of.out, opts->json ? "]" : "");
    if (status == SHMRPC_OK) {
        print_table(&of);
    }
    shmrpci_buf_fini(&of.out);
    return status == SHMRPC_OK ? CLI_OK : fail_status(status, opts);
}

/* Prints the options from COMMON_HELP, which all three commands share. */
static void print_ls_help(void *user)
{
    (void)user;
    fputs(
        "usage: shmrpc ls [OPTION...]\n"
        "\n"
        "Lists the named objects that processes share: locks, queues and so\n"
        "on, with their open handles and the memory they take.\n"
        "\n" COMMON_HELP,
        stdout);
}

cli_exit cli_ls(int argc, char **argv)
{
    objects_opts opts = {.json = false};
    const cli_syntax syntax = {cli_ls_options, false, print_ls_help, take,
                               run_ls};
    return cli_run(argc, argv, &syntax, &opts);
}

/* ---- rm ------------------------------------------------------------------ */

/* PRECONDITION means that several kinds have the name, so the user must choose
 * one. */
static cli_exit exit_of_remove(shmrpc_status status)
{
    switch ((int)status) {
    case SHMRPC_E_INVALID:
    case SHMRPC_E_PRECONDITION:
        return CLI_USAGE;
    case SHMRPC_E_NOT_FOUND:
        return CLI_ABSENT;
    default:
        return CLI_REFUSED;
    }
}

/* Continues with the next name after a failure, as rm(1) does. */
static cli_exit run_rm(void *user, const cli_line *line, shmrpci_buf *message)
{
    const objects_opts *opts = user;
    cli_exit result = CLI_OK;
    if (line->count == 0) {
        shmrpci_buf_append_text(message,
                                "a NAME is missing (`shmrpc rm --help`)");
        return CLI_USAGE;
    }
    for (int i = 1; i <= line->count; i++) {
        shmrpc_error error;
        shmrpc_status status = shmrpc_object_remove(
            scope_of(opts), line->argv[i], opts->kind, &error);
        if (status != SHMRPC_OK) {
            result = cli_fail_error(exit_of_remove(status), NULL, &error);
        }
    }
    return result;
}

static void print_rm_help(void *user)
{
    (void)user;
    fputs(
        "usage: shmrpc rm [OPTION...] NAME...\n"
        "\n"
        "Destroys shared objects for all who use them, and removes them.\n"
        "\n"
        "  -k, --kind=KIND  the kind, if objects of several kinds have the "
        "name\n" COMMON_HELP,
        stdout);
}

cli_exit cli_rm(int argc, char **argv)
{
    objects_opts opts = {.json = false};
    const cli_syntax syntax = {cli_rm_options, false, print_rm_help, take,
                               run_rm};
    return cli_run(argc, argv, &syntax, &opts);
}

/* ---- gc ------------------------------------------------------------------ */

/* Takes no names: the library alone decides which objects can be removed. */
static cli_exit run_gc(void *user, const cli_line *line, shmrpci_buf *message)
{
    const objects_opts *opts = user;
    uint32_t removed = 0;
    if (line->count > 0) {
        shmrpci_buf_printf(message, "gc takes no operand like `%s`",
                           line->argv[1]);
        return CLI_USAGE;
    }
    shmrpc_status status =
        shmrpc_objects_collect(scope_of(opts), opts->idle_ns, &removed);
    if (status != SHMRPC_OK) {
        return fail_status(status, opts);
    }
    printf(opts->json ? "{\"removed\":%u}\n" : "%u removed\n", removed);
    return CLI_OK;
}

static void print_gc_help(void *user)
{
    (void)user;
    fputs(
        "usage: shmrpc gc [OPTION...]\n"
        "\n"
        "Removes what nobody can use any more: locks that no process has "
        "open,\n"
        "shared objects whose lifetime is over, and what killed processes\n"
        "left. Objects with lifetime file stay until shmrpc rm.\n"
        "\n"
        "  -i, --idle=TIME  keep locks that were opened within this "
        "time\n" COMMON_HELP,
        stdout);
}

cli_exit cli_gc(int argc, char **argv)
{
    objects_opts opts = {.json = false};
    const cli_syntax syntax = {cli_gc_options, false, print_gc_help, take,
                               run_gc};
    return cli_run(argc, argv, &syntax, &opts);
}

/*
 * The command logs: shows the output of services.
 *
 * It asks the manager for the lines that the manager keeps in memory, with a
 * cursor for each service. With --follow it asks repeatedly. The manager keeps
 * no state for readers, so a stopped reader costs it nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/nearest.h"
#include "manager_client.h" /* generated */
#include "os/clock.h"
#include "os/poll.h"
#include "tools/shmrpc/command.h"
#include "tools/shmrpc/control.h"
#include "tools/shmrpc/lines.h"

/* How often the manager is asked for new lines. */
#define FOLLOW_NS (250 * SHMRPCI_NS_PER_MS)

/* Maximum number of lines in one answer. */
#define PAGE_LINES 500u

const struct option cli_logs_options[] = {
    {"follow", no_argument, NULL, 'f'},
    {"lines", required_argument, NULL, 'n'},
    {"level", required_argument, NULL, 'l'},
    {"grep", required_argument, NULL, 'g'},
    CLI_CONTROL_OPTIONS,
};

/* In the order of manager_level. */
static const char *const levels[] = {"debug",   "info",  "notice",
                                     "warning", "error", "critical"};

/* ---- a line ---------------------------------------------------------- */

/* Dim for debug, bold for notice, yellow and red from warning on; info is
 * plain, as most lines are. */
static const char *colour_of(manager_level level)
{
    static const char *const colours[] = {"\033[2m",  "",         "\033[1m",
                                          "\033[33m", "\033[31m", "\033[1;31m"};
    return level < sizeof colours / sizeof *colours ? colours[level] : "";
}

/* Prints local time, which people compare with their clock; JSON has UTC. */
void cli_line_print(const char *service, const struct manager_line *line)
{
    char text[32] = "?";
    time_t seconds = (time_t)(line->unix_ms / 1000);
    const struct tm *local = localtime(&seconds);
    const char *colour = cli_out_is_terminal() ? colour_of(line->level) : "";
    if (local != NULL) {
        (void)strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", local);
    }
    printf("%s.%03d %s%-8s", text, (int)(line->unix_ms % 1000), colour,
           line->level < sizeof levels / sizeof *levels ? levels[line->level]
                                                        : "?");
    if (service != NULL) {
        printf(" %s:", service);
    }
    /* The manager has escaped control characters; its tests check that. */
    printf(" %s%.*s%s%s\n", line->origin == MANAGER_ORIGIN_MANAGER ? "-- " : "",
           (int)line->text.len, line->text.ptr, line->truncated ? " [...]" : "",
           colour[0] != '\0' ? "\033[0m" : "");
}

/* ---- following ------------------------------------------------------- */

typedef struct logs_line { /* the command line */
    cli_control control;
    bool follow;          /* wait for new lines */
    uint64_t count;       /* number of newest lines to begin with */
    manager_level least;  /* lines of lower levels are left out */
    const char *contains; /* show only lines with this text; "": all */
} logs_line;

/* Prints one object per line. The line's own encoding begins with a brace,
 * which is blanked out so that its members follow `service`. */
static void print_json(const char *service, const manager_line *line)
{
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    shmrpci_buf_append_char(&out, '{');
    shmrpci_json_key(&out, "service");
    shmrpci_json_string(&out, service, strlen(service));
    shmrpci_buf_append_char(&out, ',');
    size_t at = out.len;
    cli_control_append(&out, &manager_line_descriptor, line);
    if (out.status == SHMRPC_OK) {
        out.data[at] = ' '; /* replace the brace by a blank: the object's
                             * members go into ours */
        cli_print_line(&out);
    }
    shmrpci_buf_fini(&out);
}

/* With several services each line is prefixed with its service. Lines that were
 * dropped before we asked are always reported. */
static void print_lines(const logs_line *line, const char *service,
                        const manager_lines *lines)
{
    const char *shown = line->control.name_count > 1 ? service : NULL;
    if (lines->skipped > 0) {
        fprintf(stderr, "shmrpc: %s: skipped %llu lines\n", service,
                (unsigned long long)lines->skipped);
    }
    for (size_t i = 0; i < lines->lines.len; i++) {
        if (line->control.json) {
            print_json(service, &lines->lines.ptr[i]);
        } else {
            cli_line_print(shown, &lines->lines.ptr[i]);
        }
    }
}

/* Prints one answer of the manager: the lines since `cursor`, or the newest
 * ones if `cursor` is NULL. `next` receives the new cursor. */
static cli_exit read_page(const logs_line *line, manager_control *client,
                          const char *service, const uint64_t *cursor,
                          uint64_t *next, size_t *count)
{
    const manager_control_logs_reply *reply;
    shmrpc_error error;
    int status = manager_control_logs(
        client, shmrpc_str_of(service), cursor,
        cursor != NULL ? PAGE_LINES : (uint32_t)line->count, line->least,
        shmrpc_str_of(line->contains), NULL, &reply, &error);
    if (status != SHMRPC_OK) {
        return cli_control_failed(status, &error);
    }
    print_lines(line, service, &reply->value);
    *next = reply->value.next;
    *count = reply->value.lines.len;
    manager_control_logs_release(reply);
    return CLI_OK;
}

/* Asks for new lines until nobody reads our output or the manager is gone.
 * After a full page the next one is fetched at once. Polls standard
 * output too: if it is a pipe, this notices that the reader has gone even while
 * there are no new lines. */
static cli_exit follow(const logs_line *line, manager_control *client,
                       uint64_t *cursors)
{
    shmrpci_poll_entry out = {.fd = 1};
    for (;;) {
        for (int i = 0; i < line->control.name_count; i++) {
            size_t count = PAGE_LINES;
            while (count == PAGE_LINES) {
                uint64_t cursor = cursors[i];
                cli_exit result =
                    read_page(line, client, line->control.names[i], &cursor,
                              &cursors[i], &count);
                if (result != CLI_OK) {
                    return result;
                }
            }
        }
        if (fflush(stdout) != 0 ||
            shmrpci_poll_entries(&out, 1, shmrpci_deadline_after(FOLLOW_NS))) {
            return CLI_OK;
        }
    }
}

/* Prints the newest lines of each service, then with --follow the lines after
 * the cursors of these answers, so that no line is missed or shown twice. */
static cli_exit run_line(const logs_line *line)
{
    manager_control *client;
    cli_exit result = cli_control_open(&line->control, &client);
    if (result != CLI_OK) {
        return result;
    }
    uint64_t *cursors =
        calloc((size_t)line->control.name_count, sizeof *cursors);
    result = cursors != NULL ? CLI_OK : CLI_TROUBLE;
    for (int i = 0; result == CLI_OK && i < line->control.name_count; i++) {
        size_t count;
        result = read_page(line, client, line->control.names[i], NULL,
                           &cursors[i], &count);
    }
    if (result == CLI_OK && line->follow) {
        result = follow(line, client, cursors);
    }
    free(cursors);
    manager_control_close(client);
    return result;
}

/* ---- the command line ------------------------------------------------ */

static void print_help(void *user)
{
    (void)user;
    fputs(
        "usage: shmrpc logs [OPTION...] SERVICE...\n"
        "\n"
        "Prints the newest lines that services of the manager have printed;\n"
        "what the manager says about them begins with two dashes.\n"
        "\n"
        "  -f, --follow         keep printing new lines\n"
        "  -n, --lines=COUNT    lines of each service, 1 to 1000 (default "
        "100)\n"
        "  -l, --level=LEVEL    at least debug, info, notice, warning, error\n"
        "                       or critical\n"
        "  -g, --grep=TEXT      only lines with this text\n" CLI_CONTROL_HELP,
        stdout);
}

/* The position of a word in the list is its level. */
static cli_exit read_level(shmrpci_buf *message, logs_line *out)
{
    size_t count = sizeof levels / sizeof *levels;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(levels[i], optarg) == 0) {
            out->least = (manager_level)i;
            return CLI_OK;
        }
    }
    shmrpci_buf_printf(message, "there is no level `%s`", optarg);
    shmrpci_nearest_suggest(message, optarg, levels, count, "");
    return CLI_USAGE;
}

/* The manager applies the filter, and sends only lines that pass it. */
static cli_exit take(void *user, int option, shmrpci_buf *message)
{
    logs_line *out = user;
    switch (option) {
    case 'f':
        out->follow = true;
        return CLI_OK;
    case 'n':
        return cli_read_count(optarg, MANAGER_MAX_LINES, &out->count)
                   ? CLI_OK
                   : cli_bad_value(message, "lines", "1 to 1000");
    case 'l':
        return read_level(message, out);
    case 'g':
        out->contains = optarg;
        return CLI_OK;
    default:
        return cli_control_take(&out->control, option);
    }
}

static cli_exit run(void *user, const cli_line *line, shmrpci_buf *message)
{
    logs_line *logs = user;
    if (line->count == 0) {
        shmrpci_buf_append_text(message,
                                "a SERVICE is missing (`shmrpc ps` "
                                "lists them)");
        return CLI_USAGE;
    }
    logs->control.names = line->argv + 1;
    logs->control.name_count = line->count;
    return run_line(logs);
}

cli_exit cli_logs(int argc, char **argv)
{
    logs_line logs = {.count = 100, .contains = ""};
    const cli_syntax syntax = {cli_logs_options, false, print_help, take, run};
    return cli_run(argc, argv, &syntax, &logs);
}

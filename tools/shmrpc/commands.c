/*
 * The table of the commands.
 *
 * Help, completion, suggestions for mistyped names and the tests of all options
 * read it: a new command needs a row here and nothing else in common files.
 */
#include "tools/shmrpc/command.h"

#include <string.h>

#include "base/nearest.h"

/* In the order of --help: services, the manager, shared objects, the shell.
 * Completion takes the verbs of a kind from `operands`, so it must not contain
 * blanks between them. */
const cli_command cli_commands[] = {
    {"list", "", "the services on this machine", cli_list_options, cli_list, 0},
    {"describe", "SERVICE", "the interface of a service, as a .svc",
     cli_describe_options, cli_describe, 1},
    {"call", "SERVICE METHOD [ARGUMENT...]", "call a method", cli_call_options,
     cli_call, 2},
    {"bench", "SERVICE METHOD [ARGUMENT...]",
     "call a method over and over, and measure", cli_bench_options, cli_bench,
     2},
    {"stats", "SERVICE", "what a service has counted since it started",
     cli_stats_options, cli_stats, 1},
    {"top", "[SERVICE...]", "the present load of services", cli_top_options,
     cli_top, 1},
    {"ps", "", "the services of the manager", cli_ps_options, cli_ps, 0},
    {"status", "[SERVICE]", "the state of a service of the manager",
     cli_status_options, cli_status, CLI_MANAGED},
    {"logs", "SERVICE...", "what services of the manager print",
     cli_logs_options, cli_logs, CLI_MANAGED},
    {"start", "SERVICE...", "start services of the manager", cli_change_options,
     cli_start, CLI_MANAGED},
    {"stop", "SERVICE...", "stop services of the manager", cli_change_options,
     cli_stop, CLI_MANAGED},
    {"restart", "SERVICE...", "stop them and start them again",
     cli_change_options, cli_restart, CLI_MANAGED},
    {"scale", "SERVICE MIN..MAX", "set how many workers a service may have",
     cli_scale_options, cli_scale, CLI_MANAGED},
    {"reload", "", "have the manager read its file again", cli_change_options,
     cli_reload, 0},
    {"ls", "", "what processes share under a name", cli_ls_options, cli_ls, 0},
    {"rm", "NAME...", "remove shared objects", cli_rm_options, cli_rm,
     CLI_OBJECTS},
    {"gc", "", "remove what nobody can use any more", cli_gc_options, cli_gc,
     0},
    {"queue", "stat|push|pop|peek|drain|check NAME [VALUE...]",
     "a shared queue", cli_queue_options, cli_queue, CLI_OBJECTS},
    {"topic", "pub|tail|stat|check NAME [MESSAGE...]", "a shared topic",
     cli_topic_options, cli_topic, CLI_OBJECTS},
    {"pipe", "cat|write|stat|check NAME", "a shared pipe", cli_pipe_options,
     cli_pipe, CLI_OBJECTS},
    {"dict",
     "get|set|del|keys|dump|load|snapshot|watch|stat|check NAME [KEY...] "
     "[VALUE]",
     "a shared dict", cli_dict_options, cli_dict, CLI_OBJECTS},
    {"value",
     "get|set|dump|load|snapshot|watch|stat|check NAME [STEP...] [VALUE]",
     "a shared value", cli_value_options, cli_value, CLI_OBJECTS},
    {"completion", "bash|zsh|fish", "print the completion of a shell",
     cli_completion_options, cli_completion, 0},
    {NULL, NULL, NULL, NULL, NULL, 0},
};

/* Names must be complete: an abbreviation could change its meaning when a
 * command is added. */
const cli_command *cli_command_find(const char *name)
{
    for (const cli_command *at = cli_commands; at->name != NULL; at++) {
        if (strcmp(at->name, name) == 0) {
            return at;
        }
    }
    return NULL;
}

/* Used wherever the name of a command is read. */
void cli_command_unknown(const char *name, shmrpci_buf *message)
{
    const char *names[sizeof cli_commands / sizeof *cli_commands];
    size_t count = 0;
    for (const cli_command *at = cli_commands; at->name != NULL; at++) {
        names[count++] = at->name;
    }
    shmrpci_buf_printf(message, "there is no command `%s`", name);
    shmrpci_nearest_suggest(message, name, names, count, "");
}

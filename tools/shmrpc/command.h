/*
 * The commands of shmrpc: `shmrpc COMMAND [options] ...`.
 *
 * A command is one file of this folder and one row of the table in commands.c.
 * Only commands print.
 *
 * Threading: main thread.
 */
#ifndef SHMRPC_TOOLS_COMMAND_H
#define SHMRPC_TOOLS_COMMAND_H

#include "tools/shmrpc/cli.h"

typedef struct cli_command {
    const char *name;
    const char *operands; /* for --help: "SERVICE METHOD [ARGUMENT...]" */
    const char *summary;  /* for --help: lower case, no stop */
    const struct option *options; /* as for getopt_long; also used for
                                   * completion */
    /* argv[0] is the name of the command. */
    cli_exit (*run)(int argc, char **argv);
    /* How many operands are names, for completion: 0 to 2, first a service,
     * then one of its methods; further operands are the method's arguments.
     * CLI_MANAGED: all operands are services of the manager. CLI_OBJECTS: they
     * are shared objects, of the command's kind if it has one. */
    int completed;
} cli_command;

#define CLI_MANAGED (-1)
#define CLI_OBJECTS (-2)

/* All commands, ended by an entry whose name is NULL. */
extern const cli_command cli_commands[];

/* Returns NULL if there is no command of this name. */
const cli_command *cli_command_find(const char *name);

/* Appends "unknown command `x`; did you mean `y`?". */
void cli_command_unknown(const char *name, shmrpci_buf *message);

extern const struct option cli_bench_options[];
extern const struct option cli_call_options[];
extern const struct option cli_change_options[]; /* of start, stop,
                                                  * restart... */
extern const struct option cli_completion_options[];
extern const struct option cli_describe_options[];
extern const struct option cli_dict_options[];
extern const struct option cli_gc_options[];
extern const struct option cli_list_options[];
extern const struct option cli_logs_options[];
extern const struct option cli_ls_options[];
extern const struct option cli_pipe_options[];
extern const struct option cli_ps_options[];
extern const struct option cli_queue_options[];
extern const struct option cli_rm_options[];
extern const struct option cli_scale_options[];
extern const struct option cli_status_options[];
extern const struct option cli_stats_options[];
extern const struct option cli_top_options[];
extern const struct option cli_topic_options[];
extern const struct option cli_value_options[];

cli_exit cli_bench(int argc, char **argv);
cli_exit cli_call(int argc, char **argv);
cli_exit cli_completion(int argc, char **argv);
cli_exit cli_describe(int argc, char **argv);
cli_exit cli_dict(int argc, char **argv);
cli_exit cli_gc(int argc, char **argv);
cli_exit cli_list(int argc, char **argv);
cli_exit cli_logs(int argc, char **argv);
cli_exit cli_ls(int argc, char **argv);
cli_exit cli_pipe(int argc, char **argv);
cli_exit cli_ps(int argc, char **argv);
cli_exit cli_queue(int argc, char **argv);
cli_exit cli_rm(int argc, char **argv);
cli_exit cli_reload(int argc, char **argv);
cli_exit cli_restart(int argc, char **argv);
cli_exit cli_scale(int argc, char **argv);
cli_exit cli_start(int argc, char **argv);
cli_exit cli_status(int argc, char **argv);
cli_exit cli_stop(int argc, char **argv);
cli_exit cli_stats(int argc, char **argv);
cli_exit cli_top(int argc, char **argv);
cli_exit cli_topic(int argc, char **argv);
cli_exit cli_value(int argc, char **argv);

/* Answers a shell: `shmrpc complete WORD...`, where the last word is
 * unfinished. It is not in the table, because it is not for people. */
cli_exit cli_complete(int argc, char **argv);

#endif

/*
 * The commands of shmrpcgen: `shmrpcgen COMMAND [options] FILE...`, and without
 * a command it generates.
 *
 * A command is one file of this folder and one row of the table in commands.c.
 * Only commands print; what they call is in the folders above.
 *
 * Threading: main thread.
 */
#ifndef SHMRPC_GENERATOR_COMMAND_COMMAND_H
#define SHMRPC_GENERATOR_COMMAND_COMMAND_H

#include "generator/command/cli.h"

typedef struct gen_command {
    const char *name;
    const char *summary; /* for --help: lower case, no stop */
    /* argv[0] is the name of the command. */
    gen_exit (*run)(int argc, char **argv);
} gen_command;

/* NULL if there is no such command. */
const gen_command *gen_command_find(const char *name);

#define GEN_MAX_COMMANDS 16

/* All commands; a row with a NULL name ends the list. */
extern const gen_command gen_commands[GEN_MAX_COMMANDS];

gen_exit gen_command_check(int argc, char **argv);
gen_exit gen_command_explain(int argc, char **argv);
gen_exit gen_command_fmt(int argc, char **argv);
gen_exit gen_command_lint(int argc, char **argv);

/* The command that runs without a name; argv[0] is the program's. */
gen_exit gen_command_generate(int argc, char **argv);

/* The commands of the table. */
gen_exit gen_command_lsp(int argc, char **argv);

#endif

/*
 * The commands of shmrpcgen: `shmrpcgen COMMAND [options] FILE...`. Without a
 * command shmrpcgen generates.
 *
 * A command is one file of this folder and one row of the table in commands.c.
 * Only commands print; the functions that they call, in the folder above and
 * its other folders, do not.
 *
 * Threading: main thread.
 */
#ifndef SHMRPC_GENERATOR_COMMAND_COMMAND_H
#define SHMRPC_GENERATOR_COMMAND_COMMAND_H

#include "generator/command/cli.h"

typedef struct gen_command {
    const char *name;
    const char *summary; /* for --help: in lower case, without a full stop */
    /* argv[0] is the name of the command. */
    gen_exit (*run)(int argc, char **argv);
} gen_command;

/* The command with this name, or NULL. */
const gen_command *gen_command_find(const char *name);

#define GEN_MAX_COMMANDS 16

/* All commands; a row with a NULL name ends the list. */
extern const gen_command gen_commands[GEN_MAX_COMMANDS];

/* The commands in the table. */
gen_exit gen_command_check(int argc, char **argv);
gen_exit gen_command_explain(int argc, char **argv);
gen_exit gen_command_fmt(int argc, char **argv);
gen_exit gen_command_lint(int argc, char **argv);

/* Runs when no command is named; argv[0] is the program's name. */
gen_exit gen_command_generate(int argc, char **argv);

/* The command lsp, which is in the table too. */
gen_exit gen_command_lsp(int argc, char **argv);

#endif

/*
 * The commands of shmrpcd: `shmrpcd COMMAND [options] ...`.
 *
 * A command is one file of this folder and one row of the table in main.c. Only
 * commands print.
 *
 * Threading: main thread.
 */
#ifndef SHMRPC_TOOLS_SHMRPCD_COMMAND_H
#define SHMRPC_TOOLS_SHMRPCD_COMMAND_H

#include "os/options.h"

/* Exit statuses of the program; shmrpcd(8) documents them. */
typedef enum manager_exit {
    MANAGER_OK = 0,
    MANAGER_ERRORS = 1, /* errors in service.ini */
    MANAGER_USAGE = 2,
    MANAGER_TROUBLE = 3 /* the manager can't run, or output can't be printed */
} manager_exit;

typedef struct manager_command {
    const char *name;
    const char *summary; /* for --help: lower case, no stop */
    /* argv[0] is the name of the command. */
    manager_exit (*run)(int argc, char **argv);
} manager_command;

/* All commands, ended by an entry whose name is NULL. */
extern const manager_command manager_commands[];

/* Prints the help of the program; returns OK. */
manager_exit manager_help(void);

/* Prints "shmrpcd: MESSAGE" to standard error; returns USAGE. */
manager_exit manager_refuse(shmrpci_buf *message);

manager_exit manager_check(int argc, char **argv);
manager_exit manager_serve(int argc, char **argv);
/* Runs the manager itself, if the first argument is not a command. */
manager_exit manager_manage(int argc, char **argv);

#endif

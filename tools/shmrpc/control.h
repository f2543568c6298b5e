/*
 * Code shared by the commands that talk to the manager (shmrpcd).
 *
 * Threading: main thread.
 */
#ifndef SHMRPC_TOOLS_CONTROL_H
#define SHMRPC_TOOLS_CONTROL_H

#include "shmrpc/stub.h"
#include "tools/shmrpc/cli.h"

/* The command line of a command that talks to the manager, without the
 * command's own options. */
typedef struct cli_control {
    const char *instance; /* the manager's name, or NULL */
    bool json;            /* print JSON instead of text */
    int64_t timeout_ns;   /* value of --deadline, or 0 */
    char *const *names;   /* operands */
    int name_count;
} cli_control;

/* Options that all these commands have. */
#define CLI_CONTROL_OPTIONS                                                 \
    {"instance", required_argument, NULL, 'i'},                             \
        {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, \
        {"version", no_argument, NULL, 'V'},                                \
    {                                                                       \
        NULL, 0, NULL, 0                                                    \
    }
#define CLI_CONTROL_HELP                                          \
    "  -i, --instance=NAME  the manager's name, if several run\n" \
    "  -j, --json           print JSON\n"                         \
    "  -h, --help           print this\n"                         \
    "      --version        print the version\n"

/* Takes --instance or --json. Returns USAGE for any other option. */
cli_exit cli_control_take(cli_control *control, int option);

struct manager_control; /* generated */

/* Connects to the manager, for 5 s at most, and prints errors. */
cli_exit cli_control_open(const cli_control *line,
                          struct manager_control **out);

/* Prints why a call of the manager failed, and returns the exit status. For an
 * error that the manager declares it prints only the message, not the name. */
cli_exit cli_control_failed(int status, const shmrpc_error *error);

/* Appends a value as JSON. */
void cli_control_append(shmrpci_buf *out, const shmrpc_type *type,
                        const void *value);

/* The name of a state for people, in small letters: "running". */
const char *cli_state_name(unsigned state);

/* The time since `since_unix_ms`: "5 s", "3 min", "2 h", "4 d". */
void cli_age(int64_t since_unix_ms, char out[32]);

#endif

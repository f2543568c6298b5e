/*
 * What all commands of shmrpc share: exit statuses, options, and errors as
 * people and programs get them.
 *
 * Threading: main thread.
 */
#ifndef SHMRPC_TOOLS_CLI_H
#define SHMRPC_TOOLS_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json_text.h"
#include "os/options.h"
#include "shmrpc/error.h"

/* Exit statuses of the program; shmrpc(1) documents them. */
typedef enum cli_exit {
    CLI_OK = 0,
    CLI_REFUSED = 1,  /* the service has answered with an error */
    CLI_USAGE = 2,    /* invalid options, names or arguments */
    CLI_ABSENT = 3,   /* there is no such service, or connecting to it failed */
    CLI_DEADLINE = 4, /* no answer in time */
    CLI_LOST = 5,     /* server or worker died: the call may have run */
    CLI_TROUBLE = 6   /* local failure: out of memory, or a file can't be
                       * read */
} cli_exit;

/* A command line. Options may come before, between and after operands;
 * everything behind `--` is an operand. */
typedef struct cli_line {
    int argc;        /* as in main, after the program's name */
    char **argv;     /* operands are moved to its beginning */
    int count;       /* number of operands so far: argv[1] to argv[count] */
    bool has_values; /* operands may begin with a dash, as -5 does. Then, after
                      * the first operand, only words with two dashes are
                      * options */
    bool ended;      /* no more options follow */
} cli_line;

/* Returns the next option, as shmrpci_options_next does. END means that all
 * operands have been collected. */
int cli_next(cli_line *line, const struct option *options,
             shmrpci_buf *message);

/* How a command reads its line. If take or run sets `message`, it is printed,
 * and their result is the exit status. */
typedef struct cli_syntax {
    const struct option *options; /* each also has a short form, except
                                   * --version */
    bool has_values;              /* as in cli_line */
    void (*print_help)(void *user);
    /* Takes an option other than --help and --version, whose value is in
     * optarg. May be NULL if there are no such options. */
    cli_exit (*take)(void *user, int option, shmrpci_buf *message);
    /* Runs the command, once all operands have been collected. */
    cli_exit (*run)(void *user, const cli_line *line, shmrpci_buf *message);
} cli_syntax;

/* Reads the command line and runs the command. Returns the exit status. */
cli_exit cli_run(int argc, char **argv, const cli_syntax *syntax, void *user);

/* The option --nats[=SERVERS], for services of a NATS cluster. Since SERVERS
 * may be missing, they must be in the same word as the option: in `--nats a`,
 * `a` is an operand. */
typedef struct cli_nats {
    bool is_on;
    const char *servers; /* NULL: the default servers */
} cli_nats;

#define CLI_NATS_OPTION                      \
    {                                        \
        "nats", optional_argument, NULL, 'N' \
    }

/* Takes the option, whose value is in optarg. */
void cli_nats_take(cli_nats *out);

/* The options of a command that inspects one service. */
typedef struct cli_look {
    const char *at; /* value of --at, or NULL */
    cli_nats nats;
    bool json; /* print JSON instead of text */
} cli_look;

/* The `take` of a cli_syntax whose user is a cli_look. */
cli_exit cli_look_take(void *look, int option, shmrpci_buf *message);
/* Fails with a message about a missing operand, or about more than one. */
cli_exit cli_look_wants_one(const cli_line *line, shmrpci_buf *message);

/* Fails with "`VALUE` for --OPTION (expected EXPECTED)", where VALUE is
 * optarg. */
cli_exit cli_bad_value(shmrpci_buf *message, const char *option,
                       const char *expected);

/* Prints "shmrpc VERSION". */
cli_exit cli_print_version(void);

/* Prints "shmrpc: MESSAGE" to standard error. Returns `status`. */
cli_exit cli_fail(cli_exit status, shmrpci_buf *message);

/* Like cli_fail, for an error of the library: prints "WHAT: " and
 * shmrpc_error_text(). WHAT may be NULL. */
cli_exit cli_fail_error(cli_exit status, const char *what,
                        const shmrpc_error *error);

/* The exit status for a service that was not found or did not answer. */
cli_exit cli_exit_of_open(int status);

/* The exit status of a call that has ended in `status`, which is not OK. */
cli_exit cli_exit_of_call(int status);

/* Reads "250ms", "2s", "1.5s", "100us", "2m"; a number alone is seconds. False
 * unless it is above 0 and at most a day. */
bool cli_read_duration(const char *text, int64_t *out_ns);

/* Reads a whole number from 1 to `most`. */
bool cli_read_count(const char *text, uint64_t most, uint64_t *out);

/* Writes the text and a newline to standard output. */
void cli_print_line(const shmrpci_buf *text);

/* Appends a time with three digits and a unit: "1.23 us", "45 ns". */
void cli_append_time(shmrpci_buf *out, double ns);

/* Whether standard output or error is a terminal. */
bool cli_out_is_terminal(void);
bool cli_err_is_terminal(void);

#endif

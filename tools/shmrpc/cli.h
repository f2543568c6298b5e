/*
 * What all commands of shmrpc share: exit statuses, errors, and how they are
 * reported to people and to programs.
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
    CLI_USAGE = 2,    /* options, names or arguments that can't be */
    CLI_ABSENT = 3,   /* no such service, or it can't be connected to */
    CLI_DEADLINE = 4, /* no answer in time */
    CLI_LOST = 5,     /* server or worker died: the call may have run */
    CLI_TROUBLE = 6   /* here: no memory, a file can't be read */
} cli_exit;

/* A command line: options before and among the operands; behind `--` all are
 * operands. */
typedef struct cli_line {
    int argc;        /* as in main, after the program's name */
    char **argv;     /* operands are moved to its beginning */
    int count;       /* number of operands so far: argv[1] to argv[count] */
    bool has_values; /* among the operands only two dashes make an option, so
                        that -5 can be one */
    bool ended;      /* no option follows any more */
} cli_line;

/* The next option, as shmrpci_options_next; END means that all operands have
 * been collected. */
int cli_next(cli_line *line, const struct option *options,
             shmrpci_buf *message);

/* How a command reads its line. If take or run sets `message`, that is printed,
 * and they return the exit status. */
typedef struct cli_syntax {
    const struct option *options; /* each also has a short form, except
                                   * --version */
    bool has_values;              /* as in cli_line */
    void (*print_help)(void *user);
    /* An option but --help and --version, with its value in optarg; may be NULL
     * where there are no others. */
    cli_exit (*take)(void *user, int option, shmrpci_buf *message);
    /* When all operands are there. */
    cli_exit (*run)(void *user, const cli_line *line, shmrpci_buf *message);
} cli_syntax;

/* Reads and runs. Returns the exit status. */
cli_exit cli_run(int argc, char **argv, const cli_syntax *syntax, void *user);

/* The option --nats[=SERVERS], for services of a NATS cluster. The servers must
 * follow `=`, so the short form is only a letter. */
typedef struct cli_nats {
    bool is_on;
    const char *servers; /* NULL: the usual ones */
} cli_nats;

#define CLI_NATS_OPTION                      \
    {                                        \
        "nats", optional_argument, NULL, 'N' \
    }

/* Takes it; its value is in optarg. */
void cli_nats_take(cli_nats *out);

/* The options of a command that inspects one service. */
typedef struct cli_look {
    const char *at; /* --at, or NULL */
    cli_nats nats;
    bool json; /* print JSON instead of text */
} cli_look;

/* The `take` of a syntax whose user is a cli_look. */
cli_exit cli_look_take(void *look, int option, shmrpci_buf *message);
/* Fails because there is no operand, or more than one. */
cli_exit cli_look_wants_one(const cli_line *line, shmrpci_buf *message);

/* Fails with "`VALUE` for --OPTION (expected EXPECTED)", VALUE being optarg. */
cli_exit cli_bad_value(shmrpci_buf *message, const char *option,
                       const char *expected);

/* Prints "shmrpc VERSION". */
cli_exit cli_print_version(void);

/* Prints "shmrpc: MESSAGE" to standard error. Returns `status`. */
cli_exit cli_fail(cli_exit status, shmrpci_buf *message);

/* The same for an error of the library: "WHAT: " and shmrpc_error_text(). WHAT
 * may be NULL. */
cli_exit cli_fail_error(cli_exit status, const char *what,
                        const shmrpc_error *error);

/* The exit status if a service was not found or did not answer. */
cli_exit cli_exit_of_open(int status);

/* The exit status of a call that has ended in `status`, which is not OK. */
cli_exit cli_exit_of_call(int status);

/* Reads "250ms", "2s", "1.5s", "100us", "2m"; a number alone is seconds. False
 * unless it is above 0 and at most a day. */
bool cli_read_duration(const char *text, int64_t *out_ns);

/* Reads a whole number of 1 to `most`. */
bool cli_read_count(const char *text, uint64_t most, uint64_t *out);

/* Writes to standard output, and a newline. */
void cli_print_line(const shmrpci_buf *text);

/* "1.23 us", "45 ns": three digits and a unit. */
void cli_append_time(shmrpci_buf *out, double ns);

/* Whether a person will read standard output or error. */
bool cli_out_is_terminal(void);
bool cli_err_is_terminal(void);

#endif

/*
 * Command lines, errors, numbers and texts of all commands.
 *
 * getopt keeps its state in globals (optind, optarg): one command line is read
 * at a time, on the main thread.
 */
#define _POSIX_C_SOURCE 200809L
#include "tools/shmrpc/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "base/quantity.h"
#include "shmrpc/version.h"

/* Builds getopt's list of short options from the table of long ones. The
 * leading `+` makes getopt stop at the first operand: cli_next continues after
 * it. */
static void list_shorts(const struct option *options, char out[64])
{
    char *at = out;
    *at++ = '+';
    for (; options->name != NULL && at < out + 60; options++) {
        if (options->val != 'V') {
            *at++ = (char)options->val;
        }
        for (int i = 0; i < options->has_arg; i++) {
            *at++ = ':'; /* one colon for required_argument, two for
                          * optional_argument */
        }
    }
    *at = '\0';
}

/* A lone dash is an operand: it stands for standard input. */
static bool is_option(const cli_line *line, const char *word)
{
    return word[0] == '-' && word[1] != '\0' &&
           (word[1] == '-' || !line->has_values);
}

/* Options may come between operands. getopt could reorder them itself, but
 * would take values such as -5 and -x of a call for options. */
int cli_next(cli_line *line, const struct option *options, shmrpci_buf *message)
{
    char shorts[64];
    char **argv = line->argv;
    list_shorts(options, shorts);
    while (!line->ended) {
        int before = optind; /* to see whether getopt has consumed a `--` */
        int option =
            shmrpci_options_next(line->argc, argv, shorts, options, message);
        if (option != SHMRPCI_OPTIONS_END) {
            return option;
        }
        line->ended = optind >= line->argc ||
                      (optind > before && strcmp(argv[optind - 1], "--") == 0);
        /* Take the words after an operand, up to the next option. */
        for (bool more = optind < line->argc; more;) {
            argv[++line->count] = argv[optind++];
            more = optind < line->argc &&
                   (line->ended || !is_option(line, argv[optind]));
        }
    }
    return SHMRPCI_OPTIONS_END;
}

/* Options take effect in their order. --help and --version end the reading,
 * even if a wrong option follows. */
static cli_exit read_line(cli_line *line, const cli_syntax *syntax, void *user,
                          shmrpci_buf *message)
{
    for (;;) {
        int option = cli_next(line, syntax->options, message);
        cli_exit result = CLI_USAGE;
        switch (option) {
        case 'h':
            syntax->print_help(user);
            return CLI_OK;
        case 'V':
            return cli_print_version();
        case SHMRPCI_OPTIONS_END:
            return syntax->run(user, line, message);
        case SHMRPCI_OPTIONS_BAD:
            return CLI_USAGE;
        default:
            result = syntax->take(user, option, message);
        }
        if (result != CLI_OK) {
            return result;
        }
    }
}

/* If a handler fails with an empty message, it has printed the error
 * already. */
cli_exit cli_run(int argc, char **argv, const cli_syntax *syntax, void *user)
{
    cli_line line = {
        .argc = argc, .argv = argv, .has_values = syntax->has_values};
    shmrpci_buf message;
    shmrpci_buf_init_heap(&message);
    cli_exit result = read_line(&line, syntax, user, &message);
    if (result != CLI_OK && (message.len > 0 || message.status != SHMRPC_OK)) {
        result = cli_fail(result, &message);
    }
    shmrpci_buf_fini(&message);
    return result;
}

void cli_nats_take(cli_nats *out)
{
    out->is_on = true;
    out->servers = optarg;
}

cli_exit cli_look_take(void *look, int option, shmrpci_buf *message)
{
    cli_look *out = look;
    (void)message;
    if (option == 'a') {
        out->at = optarg;
    } else if (option == 'N') {
        cli_nats_take(&out->nats);
    } else {
        out->json = true;
    }
    return CLI_OK;
}

/* argv[0] is the command's name. */
cli_exit cli_look_wants_one(const cli_line *line, shmrpci_buf *message)
{
    shmrpci_buf_printf(message, "%s (`shmrpc %s --help`)",
                       line->count == 0 ? "a SERVICE is missing"
                                        : "one SERVICE is enough",
                       line->argv[0]);
    return CLI_USAGE;
}

/* Says which value was given and what is allowed, in the same form for all
 * options. */
cli_exit cli_bad_value(shmrpci_buf *message, const char *option,
                       const char *expected)
{
    shmrpci_buf_printf(message, "`%s` for --%s (expected %s)", optarg, option,
                       expected);
    return CLI_USAGE;
}

cli_exit cli_print_version(void)
{
    puts("shmrpc " SHMRPC_VERSION);
    return CLI_OK;
}

/* All messages of the program go through here and cli_fail_error: one line,
 * with the program's name, to standard error. */
cli_exit cli_fail(cli_exit status, shmrpci_buf *message)
{
    const char *text = shmrpci_buf_text(message);
    fprintf(stderr, "shmrpc: %s\n", text != NULL ? text : "out of memory");
    return status;
}

cli_exit cli_fail_error(cli_exit status, const char *what,
                        const shmrpc_error *error)
{
    char text[SHMRPC_ERROR_TEXT_BYTES];
    fprintf(stderr, "shmrpc: %s%s%s\n", what != NULL ? what : "",
            what != NULL ? ": " : "",
            shmrpc_error_text(error, text, sizeof text));
    return status;
}

/* INVALID means a bad name, which is a usage error. Any other status means that
 * the service is not available. */
cli_exit cli_exit_of_open(int status)
{
    switch (status) {
    case SHMRPC_OK:
        return CLI_OK;
    case SHMRPC_E_INVALID:
        return CLI_USAGE;
    case SHMRPC_E_NO_MEMORY:
        return CLI_TROUBLE;
    default:
        return CLI_ABSENT;
    }
}

/* Scripts use it to decide whether to retry: after LOST the call may have run,
 * after ABSENT it has not. */
cli_exit cli_exit_of_call(int status)
{
    switch (status) {
    case SHMRPC_E_DEADLINE:
        return CLI_DEADLINE;
    case SHMRPC_E_UNAVAILABLE:
        return CLI_ABSENT;
    case SHMRPC_E_SERVER_LOST:
    case SHMRPC_E_WORKER_DIED:
        return CLI_LOST;
    case SHMRPC_E_NO_MEMORY:
        return CLI_TROUBLE;
    default:
        return CLI_REFUSED;
    }
}

/* The limit of a day keeps sums of times from overflowing. */
bool cli_read_duration(const char *text, int64_t *out_ns)
{
    uint64_t ns;
    if (!shmrpci_duration_read(text, &ns) || ns < 1 ||
        ns > UINT64_C(86400000000000)) {
        return false;
    }
    *out_ns = (int64_t)ns;
    return true;
}

bool cli_read_count(const char *text, uint64_t most, uint64_t *out)
{
    return shmrpci_number_read(text, 1, most, out);
}

/* Printed by length, since a buffer has no NUL after its text. */
void cli_print_line(const shmrpci_buf *text)
{
    fwrite(text->data, 1, text->len, stdout);
    fputc('\n', stdout);
}

/* 999.5 rather than 1000, because rounding would print "1000 ns". */
void cli_append_time(shmrpci_buf *out, double ns)
{
    static const char *const units[] = {"ns", "us", "ms", "s"};
    size_t unit = 0;
    for (; ns >= 999.5 && unit + 1 < sizeof units / sizeof *units; unit++) {
        ns /= 1000;
    }
    int digits = ns >= 99.95 || unit == 0 ? 0 : ns >= 9.995 ? 1 : 2;
    shmrpci_buf_printf(out, "%.*f %s", digits, ns, units[unit]);
}

/* Colour, layout and progress are for terminals only: a file or a pipe gets the
 * same bytes every time. */
bool cli_out_is_terminal(void)
{
    return isatty(STDOUT_FILENO) == 1;
}

bool cli_err_is_terminal(void)
{
    return isatty(STDERR_FILENO) == 1;
}

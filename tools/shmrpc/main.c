/* The main function of shmrpc. */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "tools/shmrpc/command.h"

/* Prints one line for each command. The --help of a command lists its
 * options. */
static cli_exit print_help(void)
{
    puts(
        "usage: shmrpc COMMAND [OPTION...] [OPERAND...]\n"
        "\n"
        "Finds services on this machine, shows and calls them.\n");
    for (const cli_command *at = cli_commands; at->name != NULL; at++) {
        printf("  %-11s %s\n", at->name, at->summary);
    }
    puts(
        "\n"
        "  -h, --help     print this; after a command, its options\n"
        "      --version  print the version\n"
        "\n"
        "Exit status: 0 done, 1 the service answered with an error, 2 wrong\n"
        "usage, 3 no such service, 4 no answer in time, 5 the server died\n"
        "during the call, 6 trouble on this side. shmrpc(1) has more.");
    return CLI_OK;
}

/* Distinguishes options from commands, so that `shmrpc --hlep` gets a
 * suggestion, too. */
static cli_exit refuse(const char *word)
{
    shmrpci_buf message;
    shmrpci_buf_init_heap(&message);
    if (word == NULL) {
        shmrpci_buf_append_text(&message,
                                "a command is missing (--help lists them)");
    } else if (word[0] == '-') {
        static const struct option known[] = {
            {"help", no_argument, NULL, 'h'},
            {"version", no_argument, NULL, 'V'},
            {NULL, 0, NULL, 0},
        };
        shmrpci_options_unknown(word, known, &message);
    } else {
        cli_command_unknown(word, &message);
    }
    cli_exit result = cli_fail(CLI_USAGE, &message);
    shmrpci_buf_fini(&message);
    return result;
}

/* `shmrpc help dict` runs `shmrpc dict --help`: each command prints its own
 * help, so there is no second text to maintain. */
static cli_exit help_with(char *word)
{
    char flag[] = "--help";
    char *words[] = {word, flag, NULL};
    const cli_command *command = cli_command_find(word);
    return command != NULL ? command->run(2, words) : refuse(word);
}

/* `complete` is checked last and is not listed: shells call it, people
 * don't. */
static cli_exit run(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;
    const cli_command *command = word != NULL ? cli_command_find(word) : NULL;
    if (command != NULL) {
        return command->run(argc - 1, argv + 1);
    }
    if (word == NULL) {
        return refuse(word);
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
        strcmp(word, "help") == 0) {
        return argc > 2 && word[0] != '-' ? help_with(argv[2]) : print_help();
    }
    if (strcmp(word, "--version") == 0) {
        return cli_print_version();
    }
    return strcmp(word, "complete") == 0 ? cli_complete(argc - 1, argv + 1)
                                         : refuse(word);
}

/* A failed write to standard output is a failure even if the command succeeded:
 * a script would go on with half of the output. */
int main(int argc, char **argv)
{
    /* Only affects the widths of characters, not numbers and messages. */
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    cli_exit result = run(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("shmrpc: standard output");
        return CLI_TROUBLE;
    }
    return (int)result;
}

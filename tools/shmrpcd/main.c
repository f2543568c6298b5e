/* shmrpcd: the program, and the table of its commands. */
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "shmrpc/version.h"
#include "tools/shmrpcd/command.h"

#define MAX_COMMANDS 16

const manager_command manager_commands[MAX_COMMANDS] = {
    {"check", "say what a service.ini would start", manager_check},
};

manager_exit manager_refuse(shmrpci_buf *message)
{
    const char *text = shmrpci_buf_text(message);
    fprintf(stderr, "shmrpcd: %s\n", text != NULL ? text : "out of memory");
    return MANAGER_USAGE;
}

static manager_exit print_help(void)
{
    puts("usage: shmrpcd COMMAND [OPTION...] FILE\n");
    for (const manager_command *at = manager_commands; at->name != NULL; at++) {
        printf("  %-8s %s\n", at->name, at->summary);
    }
    puts(
        "\n"
        "  -h, --help     print this; behind a command, what that takes\n"
        "      --version  print the version\n"
        "\n"
        "Exit status: 0 done, 1 errors in service.ini, 2 wrong use,\n"
        "3 no memory. service.ini(5) has the format.");
    return MANAGER_OK;
}

static manager_exit refuse_word(const char *word)
{
    const char *names[MAX_COMMANDS];
    size_t count = 0;
    shmrpci_buf message;
    for (; manager_commands[count].name != NULL; count++) {
        names[count] = manager_commands[count].name;
    }
    shmrpci_buf_init_heap(&message);
    if (word == NULL) {
        shmrpci_buf_append_text(&message,
                                "a command is missing (--help lists them)");
    } else if (word[0] == '-') {
        shmrpci_buf_printf(&message, "unknown option `%s` (--help tells more)",
                           word);
    } else {
        shmrpci_buf_printf(&message, "there is no command `%s`", word);
        shmrpci_nearest_suggest(&message, word, names, count, "");
    }
    manager_exit result = manager_refuse(&message);
    shmrpci_buf_fini(&message);
    return result;
}

static manager_exit run(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    for (const manager_command *at = manager_commands; at->name != NULL; at++) {
        if (strcmp(at->name, word) == 0) {
            return at->run(argc - 1, argv + 1);
        }
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        return print_help();
    }
    if (strcmp(word, "--version") == 0) {
        puts("shmrpcd " SHMRPC_VERSION);
        return MANAGER_OK;
    }
    return refuse_word(argc > 1 ? word : NULL);
}

int main(int argc, char **argv)
{
    manager_exit result = run(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("shmrpcd: standard output");
        return MANAGER_TROUBLE;
    }
    return (int)result;
}

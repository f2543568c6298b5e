/* The main function of shmrpcd, and the table of its commands. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "tools/shmrpcd/command.h"

/* Maximum number of commands, with the entry that ends the table. */
#define MAX_COMMANDS 16

const manager_command manager_commands[MAX_COMMANDS] = {
    {"check", "say what a service.ini would start", manager_check},
    {"serve", "run a shared library with a service in it", manager_serve},
};

/* If the message itself ran out of memory, "out of memory" is printed. */
manager_exit manager_refuse(shmrpci_buf *message)
{
    const char *text = shmrpci_buf_text(message);
    fprintf(stderr, "shmrpcd: %s\n", text != NULL ? text : "out of memory");
    return MANAGER_USAGE;
}

manager_exit manager_help(void)
{
    puts(
        "usage: shmrpcd [OPTION...] FILE [NAME...]\n"
        "       shmrpcd COMMAND [OPTION...]\n"
        "\n"
        "Runs the services of a service.ini, or only those named and the ones\n"
        "that they come after, until SIGTERM or SIGINT; SIGHUP reads the file\n"
        "again. `shmrpc ps` shows what runs.\n"
        "\n"
        "  -i, --instance=NAME  one of several managers of this user\n"
        "  -e, --echo           also print what services print\n"
        "  -h, --help           print this; after a command, its options\n"
        "      --version        print the version\n"
        "\n"
        "Commands:\n");
    for (const manager_command *at = manager_commands; at->name != NULL; at++) {
        printf("  %-8s %s\n", at->name, at->summary);
    }
    puts(
        "\n"
        "Exit status: 0 done, 1 errors in service.ini, 2 wrong usage,\n"
        "3 it can't run. service.ini(5) has the format.");
    return MANAGER_OK;
}

/* Catches `shmrpcd chek x.ini`, where the first word is not a file that we can
 * open, but resembles a command. Other words are passed to manager_manage,
 * which reports that the file is missing. */
static manager_exit refuse_misspelt(const char *word, bool *refused)
{
    const char *names[MAX_COMMANDS];
    size_t count = 0;
    FILE *file = fopen(word, "r");
    manager_exit result = MANAGER_OK;
    for (; manager_commands[count].name != NULL; count++) {
        names[count] = manager_commands[count].name;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    *refused = file == NULL && shmrpci_nearest_of(word, names, count) != NULL;
    if (*refused) {
        shmrpci_buf message;
        shmrpci_buf_init_heap(&message);
        shmrpci_buf_printf(&message, "there is no command `%s`", word);
        shmrpci_nearest_suggest(&message, word, names, count, "");
        result = manager_refuse(&message);
        shmrpci_buf_fini(&message);
    }
    return result;
}

/* A command's name wins over a file of the same name. `./check` still means the
 * file. */
static manager_exit run(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    for (const manager_command *at = manager_commands; at->name != NULL; at++) {
        if (strcmp(at->name, word) == 0) {
            return at->run(argc - 1, argv + 1);
        }
    }
    bool refused;
    manager_exit result = refuse_misspelt(word, &refused);
    return refused ? result : manager_manage(argc, argv);
}

/* Lost output (a full disk behind `>`) is a failure too, because scripts read
 * the exit status. */
int main(int argc, char **argv)
{
    manager_exit result = run(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("shmrpcd: standard output");
        return MANAGER_TROUBLE;
    }
    return (int)result;
}

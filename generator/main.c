/* shmrpcgen: the entry point. */
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "generator/command/command.h"
#include "generator/output.h"

/* A bare word that is not a file was probably meant as a command. */
static bool is_unknown_command(const char *word)
{
    return strspn(word, "abcdefghijklmnopqrstuvwxyz-") == strlen(word) &&
           word[0] != '-' && word[0] != '\0' && !gen_output_exists(word);
}

static gen_exit refuse(const char *word)
{
    const char *names[GEN_MAX_COMMANDS];
    size_t count = 0;
    for (const gen_command *at = gen_commands; at->name != NULL; at++) {
        names[count++] = at->name;
    }
    shmrpci_buf message;
    shmrpci_buf_init_heap(&message);
    shmrpci_buf_printf(&message, "there is no command `%s`", word);
    shmrpci_nearest_suggest(&message, word, names, count, "");
    gen_exit result = gen_cli_fail(GEN_EXIT_USAGE, &message);
    shmrpci_buf_fini(&message);
    return result;
}

int main(int argc, char **argv)
{
    const gen_command *command = argc > 1 ? gen_command_find(argv[1]) : NULL;
    gen_exit result = command != NULL ? command->run(argc - 1, argv + 1)
                      : argc > 1 && is_unknown_command(argv[1])
                          ? refuse(argv[1])
                          : gen_command_generate(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("shmrpcgen: standard output");
        return GEN_EXIT_IO;
    }
    return (int)result;
}

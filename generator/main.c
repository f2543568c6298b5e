/* shmrpcgen: the program. */
#include <stdio.h>

#include "generator/command/command.h"

int main(int argc, char **argv)
{
    const gen_command *command = argc > 1 ? gen_command_find(argv[1]) : NULL;
    gen_exit result = command != NULL ? command->run(argc - 1, argv + 1)
                                      : gen_command_generate(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("shmrpcgen: standard output");
        return GEN_EXIT_IO;
    }
    return (int)result;
}

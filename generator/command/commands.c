/* The table of the commands. */
#include "generator/command/command.h"

#include <string.h>

const gen_command gen_commands[] = {
    {"lsp", "language server for editors", gen_command_lsp},
    {NULL, NULL, NULL},
};

const gen_command *gen_command_find(const char *name)
{
    for (const gen_command *at = gen_commands; at->name != NULL; at++) {
        if (strcmp(at->name, name) == 0) {
            return at;
        }
    }
    return NULL;
}

/* The table of commands, in the order in which --help lists them. The summaries
 * are for --help only; each command has its own --help. The array is longer
 * than its rows, so a row with a NULL name ends the table. */
#include "generator/command/command.h"

#include <string.h>

const gen_command gen_commands[GEN_MAX_COMMANDS] = {
    {"lsp", "language server for editors", gen_command_lsp},
    {"explain", "explain the code of a diagnostic", gen_command_explain},
    {"fmt", "format .svc files", gen_command_fmt},
    {"lint", "warn of likely mistakes", gen_command_lint},
    {"check", "report breaking changes between two versions",
     gen_command_check},
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

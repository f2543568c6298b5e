/* Command lines. */
#include "os/options.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"

#define MAX_OPTIONS 64

void shmrpci_options_unknown(const char *argument, const struct option *longs,
                             shmrpci_buf *message)
{
    const char *names[MAX_OPTIONS];
    size_t count = 0;
    for (const struct option *at = longs; at->name != NULL; at++) {
        if (count < MAX_OPTIONS) {
            names[count++] = at->name;
        }
    }
    size_t len = strcspn(argument, "=");
    shmrpci_buf_printf(message, "unknown option `%.*s`", (int)len, argument);
    char name[32] = "";
    size_t before = message->len;
    if (strncmp(argument, "--", 2) == 0 && len - 2 < sizeof name) {
        memcpy(name, argument + 2, len - 2);
        name[len - 2] = '\0';
        shmrpci_nearest_suggest(message, name, names, count, "--");
    }
    if (message->len == before) {
        shmrpci_buf_append_text(message, " (--help lists them)");
    }
}

/* Explains getopt's '?': the word, or a letter in it, is not an option, or has
 * an argument that it does not take. */
static void refuse(char *const *argv, const struct option *longs,
                   shmrpci_buf *message)
{
    const char *word = argv[optind - 1];
    const char letter[] = {'-', (char)optopt, '\0'};
    if (optopt == 0) {
        shmrpci_options_unknown(word, longs, message);
    } else if (strncmp(word, "--", 2) == 0 && strchr(word, '=') != NULL) {
        shmrpci_buf_printf(message, "option `%.*s` takes no argument",
                           (int)strcspn(word, "="), word);
    } else {
        shmrpci_options_unknown(letter, longs, message);
    }
}

int shmrpci_options_next(int argc, char **argv, const char *shorts,
                         const struct option *longs, shmrpci_buf *message)
{
    /* The colon makes getopt tell a missing argument from an unknown option. */
    char with_colon[MAX_OPTIONS * 2];
    bool plus = shorts[0] == '+';
    (void)snprintf(with_colon, sizeof with_colon, "%s:%s", plus ? "+" : "",
                   plus ? shorts + 1 : shorts);
    opterr = 0;
    int option = getopt_long(argc, argv, with_colon, longs, NULL);
    if (option == '?') {
        refuse(argv, longs, message);
    } else if (option == ':') {
        shmrpci_buf_printf(message, "option `%s` needs an argument",
                           argv[optind - 1]);
        return SHMRPCI_OPTIONS_BAD;
    }
    return option;
}

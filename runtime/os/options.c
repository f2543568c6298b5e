/* Command lines. */
#include "os/options.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"

#define MAX_OPTIONS 64

/* `argument` as it stands on the command line: "--out-dri=x". */
static void unknown_option(const char *argument, const struct option *longs,
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
    if (strncmp(argument, "--", 2) == 0 && len - 2 < sizeof name) {
        memcpy(name, argument + 2, len - 2);
        name[len - 2] = '\0';
        shmrpci_nearest_suggest(message, name, names, count, "--");
    }
}

int shmrpci_options_next(int argc, char **argv, const char *shorts,
                         const struct option *longs, shmrpci_buf *message)
{
    /* The colon tells a missing argument from an unknown option. */
    char with_colon[MAX_OPTIONS * 2];
    bool plus = shorts[0] == '+';
    (void)snprintf(with_colon, sizeof with_colon, "%s:%s", plus ? "+" : "",
                   plus ? shorts + 1 : shorts);
    opterr = 0;
    int option = getopt_long(argc, argv, with_colon, longs, NULL);
    if (option == '?') {
        unknown_option(argv[optind - 1], longs, message);
    } else if (option == ':') {
        shmrpci_buf_printf(message, "option `%s` needs an argument",
                           argv[optind - 1]);
        return SHMRPCI_OPTIONS_BAD;
    }
    return option;
}

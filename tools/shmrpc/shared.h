/*
 * Commands on shared objects: `shmrpc KIND VERB NAME [OPERAND...]`.  A kind is
 * one file of this folder, with a table of verbs, and one row in commands.c.
 *
 * An existing object has the .svc of its type in its memory, so that values can
 * be shown and read as JSON without any other file.
 *
 * Threading: main thread.
 */
#ifndef SHMRPC_TOOLS_SHARED_H
#define SHMRPC_TOOLS_SHARED_H

#include "base/arena.h"
#include "objects/kind.h"
#include "shmrpc/shared.h"
#include "tools/shmrpc/cli.h"
#include "tools/shmrpc/service.h"

/* The options of all these commands. */
typedef struct cli_shared_opts {
    bool all_users; /* use the folder for all users */
    bool json;      /* print JSON on one line */
    bool python;    /* read and print Python literals instead of JSON */
    bool create;    /* create the object if it doesn't exist */
    bool salvages;  /* dump what can still be read from a damaged object */
    bool has_deadline;
    int64_t deadline_ns; /* timeout of a wait */
    uint64_t count;      /* number of items or lines; 0: not given */
} cli_shared_opts;

#define CLI_SHARED_OPTIONS                                                     \
    {"all-users", no_argument, NULL, 'u'}, {"create", no_argument, NULL, 'c'}, \
        {"count", required_argument, NULL, 'n'},                               \
        {"deadline", required_argument, NULL, 'd'},                            \
        {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'},    \
        {"python", no_argument, NULL, 'p'},                                    \
        {"salvage", no_argument, NULL, 's'},                                   \
        {"version", no_argument, NULL, 'V'},                                   \
    {                                                                          \
        NULL, 0, NULL, 0                                                       \
    }

#define CLI_SHARED_HELP                                                     \
    "NAME is the object's name, as shmrpc ls shows it, or SERVICE/OBJECT\n" \
    "for one of a running service, as in tts/jobs. Values are JSON; any\n"  \
    "other word counts as text, where the type allows it, unless it\n"      \
    "begins with {, [ or \": that is taken for a mistake.\n"                \
    "\n"                                                                    \
    "  -u, --all-users      use the folder for all users\n"                 \
    "  -c, --create         create the object if it doesn't exist\n"        \
    "  -d, --deadline=TIME  wait this long: 250ms, 2s (default: not at\n"   \
    "                       all)\n"                                         \
    "  -n, --count=COUNT    how many items or lines\n"                      \
    "  -j, --json           print JSON only\n"                              \
    "  -p, --python         read and print literals of Python, where\n"     \
    "                       keys and values are of any type\n"              \
    "      --salvage        of dicts and values: dump what is left\n"       \
    "  -h, --help           print this\n"                                   \
    "      --version        print the version\n"

/* The state that verbs work on. */
typedef struct cli_shared {
    shmrpci_arena arena;
    const shmrpci_object_kind *kind;
    const cli_shared_opts *opts; /* options of the command line */
    const char *name;            /* name of the object, without its service */
    bool is_there;   /* the object exists, and `row` has its type; false:
                      * --create will make it */
    char **operands; /* the words after NAME */
    int operand_count;
    cli_service *service;    /* the service that has the object; NULL: it is a
                              * file */
    shmrpc_shared row;       /* the type to open it with */
    shmrpc_shared_opts open; /* the options to open it with */
} cli_shared;

typedef struct cli_verb {
    const char *name;
    const char *operands; /* for --help, such as "VALUE..." */
    int least;            /* minimum number of operands after NAME */
    int most;             /* maximum number; -1: any */
    bool creates;         /* --create makes a missing object */
    cli_exit (*run)(cli_shared *shared);
} cli_verb;

/* A command; an entry whose name is NULL ends its verbs. */
typedef struct cli_shared_command {
    const shmrpci_object_kind *kind;
    shmrpc_shared row; /* what --create makes */
    const cli_verb *verbs;
    const char *help; /* printed before CLI_SHARED_HELP */
    const struct option *options;
} cli_shared_command;

/* Reads the command line and runs the verb. */
cli_exit cli_shared_run(int argc, char **argv,
                        const cli_shared_command *command);

/* The timeout for operations that may wait. */
shmrpc_opts cli_shared_wait(const cli_shared *shared);

/* Prints what went wrong, and returns the exit status. */
cli_exit cli_shared_fail(int status, const shmrpc_error *error);

/* Appends a value in the form that the options ask for: as JSON, or as a Python
 * literal. */
cli_exit cli_shared_append_as(const cli_shared *shared, const shmrpc_type *type,
                              const void *value, shmrpci_buf *out);

/* Prints a value in that form; JSON is laid out on a terminal unless --json is
 * given. */
cli_exit cli_shared_print(const cli_shared *shared, const shmrpc_type *type,
                          const void *value);
/* Appends a value as JSON. */
cli_exit cli_shared_append(const shmrpc_type *type, const void *value,
                           shmrpci_buf *out);

/* Reads a word as a value, which lives in the arena; prints errors. */
cli_exit cli_shared_read(cli_shared *shared, const shmrpc_type *type,
                         const char *word, const void **out);

/* Takes the type that a .svc declares, which lives in the arena; prints
 * errors. */
cli_exit cli_shared_read_type(cli_shared *shared, const char *text);

/* The verb check: looks for damage, and prints its findings. */
cli_exit cli_shared_check(cli_shared *shared);

/* A figure of `stat`: a line of text, or a member of JSON. */
typedef struct cli_figure {
    const char *key;   /* member of JSON, such as "item_count" */
    const char *label; /* text for people, such as "items" */
    uint64_t value;
} cli_figure;

void cli_shared_print_figures(const cli_shared *shared,
                              const cli_figure *figures, size_t count);

#endif

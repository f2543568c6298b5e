/*
 * The command serve, which the manager uses to run a shared library that a
 * section names in import_from.
 *
 * The library has a main function, as a program has. If it contains several
 * services, the main function of each is named after its section.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "tools/shmrpcd/command.h"

typedef int main_function(int argc, char **argv);

/* Turns the section's name into a C identifier. */
static void symbol_of(const char *name, char *out, size_t size)
{
    (void)snprintf(out, size, "%s", name);
    for (char *at = out; *at != '\0'; at++) {
        if (*at == '-' || *at == '.') {
            *at = '_';
        }
    }
}

static main_function *find(void *library, const char *name)
{
    /* POSIX lets dlsym return functions as object pointers, so convert by a
     * union. */
    union {
        void *object;
        main_function *function;
    } symbol;
    symbol.object = dlsym(library, name);
    return symbol.function;
}

/* The library is never closed, because its threads may run until the process
 * ends. All symbols are bound at once, so that a missing one is an error here
 * rather than in a call. */
static manager_exit serve(const char *path, char *name)
{
    char symbol[64];
    char *argv[] = {name, NULL};
    void *library = dlopen(path, RTLD_NOW);
    if (library == NULL) {
        fprintf(stderr, "shmrpcd: %s\n", dlerror());
        return MANAGER_TROUBLE;
    }
    symbol_of(name, symbol, sizeof symbol);
    main_function *function = find(library, symbol);
    if (function == NULL) {
        function = find(library, "main");
    }
    if (function == NULL) {
        fprintf(stderr, "shmrpcd: %s has neither a function `%s` nor `main`\n",
                path, symbol);
        return MANAGER_TROUBLE;
    }
    optind = 0; /* the library's main parses options of its own */
    return (manager_exit)function(1, argv);
}

/* Doesn't use getopt, because the only operands are LIBRARY and NAME, and the
 * library's main uses getopt itself. */
static manager_exit parse(int argc, char **argv, shmrpci_buf *message)
{
    if (argc == 2 &&
        (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(
            "usage: shmrpcd serve LIBRARY NAME\n"
            "\n"
            "Runs the function NAME of a shared library in this process, or "
            "its\n"
            "main if it has no such function ('-' and '.' in NAME become "
            "'_').\n"
            "The manager starts this command for a section whose import_from "
            "is\n"
            "a shared library.\n",
            stdout);
        return MANAGER_OK;
    }
    if (argc != 3) {
        shmrpci_buf_append_text(
            message, "serve takes a LIBRARY and a NAME (see --help)");
        return manager_refuse(message);
    }
    return serve(argv[1], argv[2]);
}

manager_exit manager_serve(int argc, char **argv)
{
    shmrpci_buf message;
    shmrpci_buf_init_heap(&message);
    manager_exit result = parse(argc, argv, &message);
    shmrpci_buf_fini(&message);
    return result;
}

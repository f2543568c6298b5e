/* shmrpcd FILE [NAME...]: the manager itself. */
#include <stdio.h>

#include "os/activation.h"
#include "shmrpc/version.h"
#include "tools/shmrpcd/command.h"
#include "tools/shmrpcd/control.h"

static const struct option long_options[] = {
    {"instance", required_argument, NULL, 'i'},
    {"echo", no_argument, NULL, 'e'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

/* EXISTS has its own message, because the user needs to know about
 * --instance. */
static manager_exit report(const shmrpc_error *error)
{
    char text[SHMRPC_ERROR_TEXT_BYTES];
    fprintf(
        stderr, "shmrpcd: %s\n",
        error->code == SHMRPC_E_EXISTS
            ? "another manager runs here already (--instance names a second "
              "one)"
            : shmrpc_error_text(error, text, sizeof text));
    return MANAGER_TROUBLE;
}

/* The order matters. The control socket comes first, because its lock
 * guarantees that we are the only manager of this name, and settle puts its own
 * socket beside it. Threads for figures and handlers start last, after
 * everything that may fail. */
static manager_exit manage(mgr_manager *m, const char *instance)
{
    char where[512];
    mgr_control *control = NULL;
    shmrpc_error error;
    mgr_figures *figures = mgr_figures_create(m);
    int status =
        figures == NULL
            ? shmrpc_error_set(&error, SHMRPC_E_NO_MEMORY, "out of memory")
            : mgr_control_create(m, figures, instance, where, sizeof where,
                                 &control, &error);
    /* A passed socket that is not the control socket is an error: nobody would
     * serve it, and its clients would wait forever. */
    if (status == SHMRPC_OK && shmrpci_activation_left() != NULL) {
        status = shmrpc_error_set(
            &error, SHMRPC_E_INVALID,
            "the socket %.64s was passed, which is not our %.64s",
            shmrpci_activation_left(), where);
    }
    if (status == SHMRPC_OK) {
        status = mgr_manager_settle(m, where, &error);
    }
    if (status == SHMRPC_OK) {
        status = mgr_figures_start(figures, &error);
    }
    if (status == SHMRPC_OK) {
        status = mgr_control_start(control, &error);
    }
    if (status == SHMRPC_OK) {
        fprintf(stderr, "shmrpcd: managing at %s\n", where);
        mgr_manager_run(m);
    }
    /* Join both threads before the caller frees the manager, which they use. */
    mgr_control_destroy(control);
    mgr_figures_destroy(figures);
    return status == SHMRPC_OK ? MANAGER_OK : report(&error);
}

/* `names` ends in NULL, or is NULL for all services of the file.
 * mgr_manager_create has printed messages about the file itself. */
static manager_exit run(const char *file, char *const *names,
                        const char *instance)
{
    mgr_manager *m;
    shmrpc_error error;
    char why[SHMRPCI_ACTIVATION_WHY_BYTES] = "out of memory";
    /* Must precede all threads and programs: it removes variables from our
     * environment that both would read. */
    if (shmrpci_activation_open(why) != SHMRPC_OK) {
        fprintf(stderr, "shmrpcd: %s\n", why);
        return MANAGER_TROUBLE;
    }
    int status = mgr_manager_create(file, names, &m, &error);
    if (status == SHMRPC_E_INVALID) {
        return MANAGER_ERRORS;
    }
    if (status == SHMRPC_E_NOT_FOUND) {
        fprintf(stderr, "shmrpcd: there is no service `%s` in %s\n",
                error.message, file);
        return MANAGER_USAGE;
    }
    if (status != SHMRPC_OK) {
        return report(&error);
    }
    manager_exit result = manage(m, instance);
    mgr_manager_destroy(m);
    return result;
}

/* The `+` ends the options at FILE. The words after it are names, even if they
 * begin with a dash. */
static manager_exit parse(int argc, char **argv, shmrpci_buf *message)
{
    const char *instance = "";
    int option;
    while ((option = shmrpci_options_next(argc, argv, "+i:eh", long_options,
                                          message)) != SHMRPCI_OPTIONS_END) {
        switch (option) {
        case 'i':
            instance = optarg;
            break;
        case 'e':
            mgr_log_set_echo();
            break;
        case 'h':
            return manager_help();
        case 'V':
            puts("shmrpcd " SHMRPC_VERSION);
            return MANAGER_OK;
        default:
            return manager_refuse(message);
        }
    }
    if (optind >= argc) {
        shmrpci_buf_append_text(message, "a FILE is missing (see --help)");
        return manager_refuse(message);
    }
    return run(argv[optind], optind + 1 < argc ? argv + optind + 1 : NULL,
               instance);
}

manager_exit manager_manage(int argc, char **argv)
{
    shmrpci_buf message;
    shmrpci_buf_init_heap(&message);
    manager_exit result = parse(argc, argv, &message);
    shmrpci_buf_fini(&message);
    return result;
}

/* The command check: prints what a service.ini would start, or its errors. */
#include <stdio.h>

#include "supervise/ini.h"
#include "tools/shmrpcd/command.h"
#include "tools/shmrpcd/plan.h"

static const struct option long_options[] = {
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static manager_exit print_help(void)
{
    fputs(
        "usage: shmrpcd check FILE\n"
        "\n"
        "Reads a service.ini and all that it includes. If it has no errors,\n"
        "prints its services in the order in which they would be started;\n"
        "otherwise prints all errors, each with its line.\n"
        "\n"
        "  -h, --help  print this\n",
        stdout);
    return MANAGER_OK;
}

static void print_list(const shmrpci_ini_list *list, const char *between)
{
    for (size_t i = 0; i < list->count; i++) {
        printf("%s%s", i > 0 ? between : "", list->items[i]);
    }
}

/* Prints the settings of the file rather than what this machine would derive
 * from them: the service may run on a machine with another number of CPUs. */
static void print_workers(const shmrpci_ini_value *values)
{
    unsigned long long least = values[SHMRPCI_INI_MIN_PROC_NUM].u.number;
    const shmrpci_ini_value *most = &values[SHMRPCI_INI_MAX_PROC_NUM];
    if (most->present) {
        printf("  workers: %llu to %llu", least,
               (unsigned long long)most->u.number);
    } else {
        printf("  workers: %llu to one for each CPU", least);
    }
    printf(", threads: %llu\n",
           (unsigned long long)values[SHMRPCI_INI_THREADS].u.number);
}

/* The format is for people and for diff(1): services in starting order, each
 * with its lines indented. Keys that are not set are left out. */
static void print_service(const shmrpci_ini_service *service)
{
    const shmrpci_ini_value *values = service->values;
    printf("%s: ", service->name);
    if (values[SHMRPCI_INI_EXEC].present) {
        print_list(&values[SHMRPCI_INI_EXEC].u.list, " ");
    } else {
        printf("import_from %s", values[SHMRPCI_INI_IMPORT_FROM].u.text);
    }
    putchar('\n');
    print_workers(values);
    if (values[SHMRPCI_INI_TCP_BIND].present) {
        fputs("  tcp: ", stdout);
        print_list(&values[SHMRPCI_INI_TCP_BIND].u.list, ", ");
        putchar('\n');
    }
    if (shmrpci_ini_is_announced(service)) {
        puts("  nats: announced");
    }
    if (values[SHMRPCI_INI_AFTER].present) {
        fputs("  after: ", stdout);
        print_list(&values[SHMRPCI_INI_AFTER].u.list, ", ");
        putchar('\n');
    }
    if (values[SHMRPCI_INI_LOG_DIR].present) {
        printf("  logs: %s\n", values[SHMRPCI_INI_LOG_DIR].u.text);
    }
}

/* Prints the command line of one of our own programs, and frees the plan.
 * Returns false if there is no plan because memory ran out. */
static bool print_plan(mgr_plan *plan)
{
    for (size_t i = 0; plan != NULL && plan->argv[i] != NULL; i++) {
        printf("%s%s%s", i > 0 ? " " : plan->name, i > 0 ? "" : ": ",
               plan->argv[i]);
    }
    putchar('\n');
    bool is_there = plan != NULL;
    mgr_plan_destroy(plan);
    return is_there;
}

/* `order` holds the services sorted by `after`, `services` holds them in the
 * file's order. */
static manager_exit print_all(const shmrpci_ini *ini)
{
    for (size_t i = 0; i < ini->service_count; i++) {
        print_service(&ini->services[ini->order[i]]);
    }
    /* An empty path makes programs be printed by name only, so that the output
     * doesn't depend on where shmrpcd is installed. */
    if ((mgr_plan_wants_nats(ini) &&
         !print_plan(mgr_plan_create_nats(ini, ""))) ||
        (mgr_plan_wants_page(ini) &&
         !print_plan(mgr_plan_create_page(ini, "")))) {
        fputs("shmrpcd: out of memory\n", stderr);
        return MANAGER_TROUBLE;
    }
    return MANAGER_OK;
}

/* Checks everything that the manager checks when it loads the file. Errors go
 * to standard error, all of them in one run. */
static manager_exit check(const char *path)
{
    shmrpci_arena arena;
    shmrpci_buf messages;
    const shmrpci_ini *ini = NULL;
    manager_exit result = MANAGER_OK;
    shmrpci_arena_init(&arena, 0);
    shmrpci_buf_init_heap(&messages);
    shmrpc_status status =
        shmrpci_ini_load(NULL, path, &arena, &ini, &messages);
    if (status == SHMRPC_OK) {
        result = print_all(ini);
    } else if (status == SHMRPC_E_INVALID) {
        fwrite(messages.data, 1, messages.len, stderr);
        result = MANAGER_ERRORS;
    } else {
        fputs("shmrpcd: out of memory\n", stderr);
        result = MANAGER_TROUBLE;
    }
    shmrpci_buf_fini(&messages);
    shmrpci_arena_fini(&arena);
    return result;
}

static manager_exit parse(int argc, char **argv, shmrpci_buf *message)
{
    int option = shmrpci_options_next(argc, argv, "h", long_options, message);
    if (option == 'h') {
        return print_help();
    }
    if (option != SHMRPCI_OPTIONS_END) {
        return manager_refuse(message);
    }
    if (argc - optind != 1) {
        shmrpci_buf_append_text(
            message, "check takes one FILE (`shmrpcd check --help`)");
        return manager_refuse(message);
    }
    return check(argv[optind]);
}

manager_exit manager_check(int argc, char **argv)
{
    shmrpci_buf message;
    shmrpci_buf_init_heap(&message);
    manager_exit result = parse(argc, argv, &message);
    shmrpci_buf_fini(&message);
    return result;
}

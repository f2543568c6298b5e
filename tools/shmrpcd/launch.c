/* Starts a service's program with its options, environment and settings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/program.h"
#include "tools/shmrpcd/manager.h"

/* ---- environment ----------------------------------------------------- */

typedef struct environment {
    char **lines; /* NULL after the last; the texts are borrowed */
    size_t count;
} environment;

/* Whether two lines "NAME=value" set the same variable. */
static bool names_same(const char *a, const char *b)
{
    size_t len = strcspn(a, "=");
    return strncmp(a, b, len) == 0 && b[len] == '=';
}

/* Adds a line, which replaces an earlier one of the same name. There is room,
 * because the caller counted all lines. */
static void put(environment *env, char *line)
{
    for (size_t i = 0; i < env->count; i++) {
        if (names_same(line, env->lines[i])) {
            env->lines[i] = line;
            return;
        }
    }
    env->lines[env->count++] = line;
}

/* Whether a program inherits this variable of ours. Variables for our own
 * sockets, options and watchdog are not inherited, and, if the program runs as
 * another user, neither are our user's folders. */
static bool is_inherited(const char *line, bool has_user)
{
    static const char *const ours[] = {
        "NOTIFY_SOCKET=", "SHMRPC_OPTIONS=", "SHMRPC_ORDERS=",
        "SHMRPCD_OF=",    "WATCHDOG_USEC=",  "WATCHDOG_PID="};
    static const char *const of_user[] = {"XDG_RUNTIME_DIR=", "MAIL="};
    bool is = true;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        is = is && !names_same(ours[i], line);
    }
    for (size_t i = 0; has_user && i < sizeof of_user / sizeof *of_user; i++) {
        is = is && !names_same(of_user[i], line);
    }
    return is;
}

/* NULL counts as an empty list. */
static size_t count_lines(char *const *lines)
{
    size_t count = 0;
    while (lines != NULL && lines[count] != NULL) {
        count++;
    }
    return count;
}

/* The variables of a user, as login(1) sets them. */
typedef struct user_lines {
    char home[4200];
    char user[300];
    char logname[300];
} user_lines;

/* A user id without an account has no name, so USER and LOGNAME stay
 * unchanged. */
static void put_user(environment *env, const shmrpci_account *account,
                     user_lines *lines)
{
    (void)snprintf(lines->home, sizeof lines->home, "HOME=%s", account->home);
    put(env, lines->home);
    if (account->name[0] != '\0') {
        (void)snprintf(lines->user, sizeof lines->user, "USER=%s",
                       account->name);
        (void)snprintf(lines->logname, sizeof lines->logname, "LOGNAME=%s",
                       account->name);
        put(env, lines->user);
        put(env, lines->logname);
    }
}

/* Later lines win. The order is: ours, the user's, the file's, then those for
 * talking to the program, which no file may change. The lines are borrowed from
 * `m`, `plan`, `user` and `options`, which must outlive the start. */
static bool environment_init(environment *env, mgr_manager *m,
                             const mgr_plan *plan, const shmrpci_setup *setup,
                             user_lines *user, char *options)
{
    char *const *ours = shmrpci_program_environment();
    size_t room = count_lines(ours) + count_lines(plan->variables) + 8;
    *env = (environment){calloc(room, sizeof *env->lines), 0};
    if (env->lines == NULL) {
        return false;
    }
    for (; *ours != NULL; ours++) {
        if (is_inherited(*ours, setup->has_user)) {
            put(env, *ours);
        }
    }
    if (setup->has_user) {
        put_user(env, &setup->account, user);
    }
    for (char *const *line = plan->variables; line != NULL && *line != NULL;
         line++) {
        put(env, *line);
    }
    put(env, setup->has_user ? m->open_notify_line : m->notify_line);
    put(env, m->mark_line);
    put(env, m->orders_line);
    put(env, options);
    return true;
}

/* ---- launching ------------------------------------------------------- */

/* The plan's options come first, then worker numbers set by `shmrpc scale`, and
 * --take-over: if an option is given twice, the server uses the last. Returns
 * NULL if memory ran out. */
static char *options_of(const mgr_unit *unit, bool takes_over)
{
    static const char take_over[] = "--take-over\n";
    char workers[48] = "";
    size_t room =
        strlen(unit->plan->options) + sizeof workers + sizeof take_over;
    char *options = malloc(room);
    if (unit->least > 0) {
        (void)snprintf(workers, sizeof workers, "--workers=%u..%u\n",
                       unit->least, unit->most);
    }
    if (options != NULL) {
        (void)snprintf(options, room, "%s%s%s", unit->plan->options, workers,
                       takes_over ? take_over : "");
    }
    return options;
}

/* Names are looked up at each start, because accounts may come and go. */
static shmrpc_status find_user(const mgr_plan *plan, shmrpci_setup *setup,
                               char why[MGR_LAUNCH_WHY_BYTES])
{
    shmrpc_status status = SHMRPC_OK;
    const char *kind = "user";
    const char *name = plan->user;
    if (plan->user != NULL) {
        status = shmrpci_setup_user(setup, plan->user);
    }
    if (status == SHMRPC_OK && plan->group != NULL) {
        kind = "group";
        name = plan->group;
        status = shmrpci_setup_group(setup, plan->group);
    }
    if (status != SHMRPC_OK) {
        (void)snprintf(why, MGR_LAUNCH_WHY_BYTES, "`%s`: %s %.64s", kind,
                       status == SHMRPC_E_NOT_FOUND ? "there is no"
                                                    : "too many groups of",
                       name);
    }
    return status;
}

/* Names the failed step by its key in service.ini, where users can look it up.
 * DENIED for anything but a directory means that only root may set it. */
static void explain(const mgr_plan *plan, shmrpci_setup_step failed,
                    shmrpc_status status, char why[MGR_LAUNCH_WHY_BYTES])
{
    if (failed == SHMRPCI_SETUP_LOAD) {
        (void)snprintf(why, MGR_LAUNCH_WHY_BYTES, "%.64s can't be started: %s",
                       plan->argv[0], shmrpc_status_text(status));
    } else {
        (void)snprintf(
            why, MGR_LAUNCH_WHY_BYTES, "`%s` can't be set: %s%s",
            shmrpci_setup_step_name(failed), shmrpc_status_text(status),
            status == SHMRPC_E_DENIED && failed != SHMRPCI_SETUP_DIRECTORY
                ? " (the manager does not run as root)"
                : "");
    }
}

/* The texts must live until the program is loaded, when exec copies them. */
shmrpc_status mgr_launch(mgr_manager *m, const mgr_unit *unit, bool takes_over,
                         shmrpci_program *out, char why[MGR_LAUNCH_WHY_BYTES])
{
    shmrpci_setup setup = unit->plan->setup;
    shmrpci_setup_step failed = SHMRPCI_SETUP_LOAD;
    environment env = {NULL, 0};
    shmrpc_status status = find_user(unit->plan, &setup, why);
    if (status != SHMRPC_OK) {
        return status;
    }
    user_lines *user = malloc(sizeof *user);
    char *options = options_of(unit, takes_over);
    char **argv = mgr_gate_argv(unit);
    status = SHMRPC_E_NO_MEMORY;
    if (user != NULL && options != NULL && argv != NULL &&
        environment_init(&env, m, unit->plan, &setup, user, options)) {
        status = shmrpci_program_start(argv, env.lines, &setup, out, &failed);
    }
    if (status != SHMRPC_OK) {
        explain(unit->plan, failed, status, why);
    }
    free(env.lines);
    free(argv);
    free(options);
    free(user);
    return status;
}

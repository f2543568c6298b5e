/* The plan of the NATS gateway: one for all sections that ask for it. */
#include <stdio.h>
#include <string.h>

#include "tools/shmrpcd/plan.h"

static const shmrpci_ini_service *announced(const shmrpci_ini *ini, size_t i)
{
    const shmrpci_ini_service *service = &ini->services[ini->order[i]];
    return shmrpci_ini_is_announced(service) ? service : NULL;
}

static const shmrpci_ini_service *first_announced(const shmrpci_ini *ini)
{
    const shmrpci_ini_service *first = NULL;
    for (size_t i = 0; first == NULL && i < ini->service_count; i++) {
        first = announced(ini, i);
    }
    return first;
}

bool mgr_plan_wants_nats(const shmrpci_ini *ini)
{
    return first_announced(ini) != NULL &&
           !mgr_plan_has_section(ini, MGR_NATS_NAME);
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Gathers the services, and the largest value of each option in which they may
 * differ. Returns the largest message size, or 0 if no section sets one. */
static uint64_t gather(mgr_plan *plan, const shmrpci_ini *ini,
                       const char **names)
{
    uint64_t message = 0;
    size_t count = 0;
    for (size_t i = 0; i < ini->service_count; i++) {
        const shmrpci_ini_service *service = announced(ini, i);
        if (service == NULL) {
            continue;
        }
        const shmrpci_ini_value *values = service->values;
        const shmrpci_ini_value *its = &values[SHMRPCI_INI_MAX_MESSAGE_BYTES];
        names[count++] = shmrpci_arena_strndup(&plan->arena, service->name,
                                               strlen(service->name));
        plan->int_ns = (int64_t)most(
            (uint64_t)plan->int_ns, values[SHMRPCI_INI_STOP_INT_SECS].u.number);
        plan->term_ns =
            (int64_t)most((uint64_t)plan->term_ns,
                          values[SHMRPCI_INI_STOP_TERM_SECS].u.number);
        message = most(message, its->place.file != NULL ? its->u.number : 0);
    }
    plan->gate_of = (shmrpci_ini_list){names, count};
    return message;
}

char *mgr_plan_nats_option(mgr_plan *plan, const char *option,
                           const shmrpci_ini_value *values)
{
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    shmrpci_buf_append_text(&text, option);
    shmrpci_ini_append_nats(values, &text);
    char *kept = text.status != SHMRPC_OK
                     ? NULL
                     : shmrpci_arena_strndup(&plan->arena,
                                             (const char *)text.data, text.len);
    shmrpci_buf_fini(&text);
    return kept;
}

/* Services are operands. gate.c appends them, because their names are known
 * only when they run. */
static char **argv_of(mgr_plan *plan, const shmrpci_ini_service *first,
                      uint64_t message, const char *own_path)
{
    char **argv = shmrpci_arena_calloc(&plan->arena, 7, sizeof *argv, 8);
    const char *program = mgr_plan_program(plan, own_path, MGR_NATS_NAME);
    size_t count = 0;
    if (argv == NULL) {
        return NULL;
    }
    argv[count++] = shmrpci_arena_printf(&plan->arena, "%s", program);
    argv[count++] = mgr_plan_nats_option(plan, "--servers=", first->values);
    argv[count++] = shmrpci_arena_printf(
        &plan->arena, "--stop-after=%llu",
        (unsigned long long)mgr_plan_stop_seconds((uint64_t)plan->int_ns,
                                                  (uint64_t)plan->term_ns));
    if (message > 0) {
        argv[count++] = shmrpci_arena_printf(&plan->arena, "--max-message=%llu",
                                             (unsigned long long)message);
    }
    if (first->values[SHMRPCI_INI_TCP_ALLOW_INSECURE].u.flag) {
        argv[count++] = shmrpci_arena_printf(&plan->arena,
                                             "--force-insecure-serialisation");
    }
    argv[count++] = shmrpci_arena_printf(&plan->arena, "--");
    for (size_t i = 0; i < count; i++) {
        if (argv[i] == NULL) {
            return NULL;
        }
    }
    return argv;
}

static bool fill(mgr_plan *plan, const shmrpci_ini *ini,
                 const shmrpci_ini_service *first, const char *own_path)
{
    const char **names = shmrpci_arena_calloc(
        &plan->arena, SHMRPCI_INI_NATS_MAX + 1, sizeof *names, 8);
    if (names == NULL) {
        return false;
    }
    uint64_t message = gather(plan, ini, names);
    for (size_t i = 0; i < plan->gate_of.count; i++) {
        if (names[i] == NULL) {
            return false;
        }
    }
    plan->argv = argv_of(plan, first, message, own_path);
    plan->after = plan->gate_of;
    plan->is_common_gate = plan->says_why = true;
    plan->name = MGR_NATS_NAME;
    plan->command = plan->argv != NULL ? plan->argv[0] : NULL;
    plan->options = shmrpci_arena_printf(&plan->arena, "SHMRPC_OPTIONS=");
    return plan->argv != NULL && plan->options != NULL;
}

/* The log goes to the folder of the first service's log. */
mgr_plan *mgr_plan_create_nats(const shmrpci_ini *ini, const char *own_path)
{
    const shmrpci_ini_service *first = first_announced(ini);
    mgr_plan *plan = mgr_plan_create_common(first);
    if (plan != NULL && !fill(plan, ini, first, own_path)) {
        mgr_plan_destroy(plan);
        return NULL;
    }
    return plan;
}

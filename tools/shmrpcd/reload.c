/* Reads service.ini again, and finds out what is new, what is gone, and what
 * has changed. */
#include <stdlib.h>
#include <string.h>

#include "os/process.h"
#include "tools/shmrpcd/manager.h"

/* The next state of the table, which is complete before anything changes. */
typedef struct draft {
    mgr_plan **plans; /* in starting order */
    mgr_unit **units; /* new units; NULL where the plan's unit exists */
    size_t count;
} draft;

/* Frees plans and units that were not applied. Those that were applied are no
 * longer in the draft. */
static void draft_fini(draft *d)
{
    for (size_t i = 0; i < d->count; i++) {
        mgr_plan_destroy(d->plans[i]);
        mgr_unit_destroy(d->units[i]);
    }
    free(d->plans);
    free(d->units);
}

/* Returns the existing unit with this name. If it was removed and has not ended
 * yet, it comes back as the same unit, with its log. */
static mgr_unit *unit_of(const mgr_manager *m, const mgr_plan *plan)
{
    return mgr_find(m, plan->name, strlen(plan->name));
}

/* Takes over the plan. A new unit owns it at once. */
static shmrpc_status draft_add(draft *d, const mgr_manager *m, mgr_plan *plan)
{
    if (plan == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    size_t index = d->count++;
    d->plans[index] = plan;
    if (unit_of(m, plan) == NULL) {
        d->units[index] = mgr_unit_create(plan, m->console);
        if (d->units[index] == NULL) {
            return SHMRPC_E_NO_MEMORY;
        }
        d->plans[index] = NULL;
    }
    return SHMRPC_OK;
}

/* Allocates room for each service with its gateway, the gateway to NATS, the
 * page, and the units that are removed. Gateways follow their services, and the
 * page comes last. */
static shmrpc_status draft_init(draft *d, const mgr_manager *m,
                                const shmrpci_ini *ini)
{
    size_t room = 2 * ini->service_count + m->unit_count + 3;
    shmrpc_status status = SHMRPC_OK;
    *d = (draft){calloc(room, sizeof *d->plans), calloc(room, sizeof *d->units),
                 0};
    if (d->plans == NULL || d->units == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    for (size_t i = 0; i < ini->service_count && status == SHMRPC_OK; i++) {
        const shmrpci_ini_service *service = &ini->services[ini->order[i]];
        status = draft_add(d, m, mgr_plan_create(service, m->own_path));
        if (status == SHMRPC_OK && mgr_plan_wants_gate(ini, service)) {
            status =
                draft_add(d, m, mgr_plan_create_gate(service, m->own_path));
        }
    }
    if (status == SHMRPC_OK && mgr_plan_wants_nats(ini)) {
        status = draft_add(d, m, mgr_plan_create_nats(ini, m->own_path));
    }
    if (status == SHMRPC_OK && mgr_plan_wants_page(ini)) {
        status = draft_add(d, m, mgr_plan_create_page(ini, m->own_path));
    }
    return status;
}

static void note(shmrpci_buf *names, const char *name)
{
    shmrpci_buf_printf(names, "%s\n", name);
}

/* Gives a unit its new plan. The log is written and closed first, because the
 * new plan may name another folder. A change restarts the program only if it is
 * running. If program, user or addresses differ, the new program can't take
 * over from the old one (is_cold). An heir that was started with the old plan
 * becomes outdated. */
static void replace(mgr_unit *unit, mgr_plan *plan, mgr_changes *changes)
{
    bool is_same = mgr_plan_is_same(unit->plan, plan);
    bool is_alike = mgr_plan_is_alike(unit->plan, plan);
    mgr_unit_write_log(unit);
    tool_log_file_close(&unit->log);
    mgr_plan_destroy(unit->plan);
    unit->plan = plan;
    if (!is_same || unit->is_removed) {
        note(&changes->changed, plan->name);
        mgr_unit_say(unit, MGR_LEVEL_NOTICE, "has changed in the file");
        unit->restarts = unit->run_count > 0;
        unit->is_cold = unit->is_removed || !is_alike;
        unit->is_removed = false;
        unit->is_outdated = unit->heir != NULL;
        unit->backoff = (shmrpci_backoff){.young_deaths = 0};
        unit->least = 0; /* forget numbers set by `shmrpc scale` */
    }
}

/* A new service may come after one that was not wanted before, which must then
 * run, too. */
static void want_added(mgr_manager *m)
{
    for (size_t i = 0; i < m->unit_count; i++) {
        mgr_unit *unit = m->units[i];
        if (unit->is_wanted && unit->starts == 0 &&
            !mgr_plan_is_gate(unit->plan)) {
            mgr_want(m, unit);
        }
    }
}

/* Applies the draft. Nothing here can fail, so a reload happens completely or
 * not at all. New services run unless the command line named others or
 * `autostart` is off. A gateway is always wanted, because it runs only when its
 * service does. */
static void apply(mgr_manager *m, draft *d, mgr_changes *changes)
{
    for (size_t i = 0; i < d->count; i++) {
        if (d->units[i] != NULL) {
            note(&changes->added, d->units[i]->plan->name);
            const mgr_plan *plan = d->units[i]->plan;
            d->units[i]->is_wanted =
                mgr_plan_is_gate(plan) || (m->names == NULL && plan->autostart);
        } else {
            d->units[i] = unit_of(m, d->plans[i]);
            replace(d->units[i], d->plans[i], changes);
            d->plans[i] = NULL;
        }
    }
    /* Removed units stay at the end of the table until they have ended. */
    size_t count = d->count;
    for (size_t i = 0; i < m->unit_count; i++) {
        bool is_kept = false;
        for (size_t k = 0; k < d->count; k++) {
            is_kept = is_kept || d->units[k] == m->units[i];
        }
        if (!is_kept) {
            if (!m->units[i]->is_removed) {
                note(&changes->removed, m->units[i]->plan->name);
                mgr_unit_say(m->units[i], MGR_LEVEL_NOTICE,
                             "is no longer in the file");
            }
            m->units[i]->is_removed = true;
            d->units[count++] = m->units[i];
        }
    }
    free(m->units);
    m->units = d->units;
    m->unit_count = count;
    d->units = NULL;
    d->count = 0;
    want_added(m);
}

/* Called by the loop for SIGHUP, by handlers for `shmrpc reload`, and by
 * create, when the table is still empty. */
shmrpc_status mgr_reload(mgr_manager *m, mgr_changes *changes,
                         shmrpci_buf *messages)
{
    shmrpci_arena arena;
    const shmrpci_ini *ini;
    draft d = {NULL, NULL, 0};
    mgr_changes own;
    shmrpci_arena_init(&arena, 0);
    shmrpci_buf_init_heap(&own.added);
    shmrpci_buf_init_heap(&own.removed);
    shmrpci_buf_init_heap(&own.changed);
    char folder[4096];
    const shmrpci_ini_opts opts = {
        .working_directory =
            shmrpci_working_directory(folder, sizeof folder) ? folder : NULL};
    shmrpc_status status =
        shmrpci_ini_load(&opts, m->file, &arena, &ini, messages);
    if (status == SHMRPC_OK) {
        status = draft_init(&d, m, ini);
    }
    if (status == SHMRPC_OK) {
        apply(m, &d, changes != NULL ? changes : &own);
        mgr_wake(m);
    }
    draft_fini(&d);
    shmrpci_buf_fini(&own.added);
    shmrpci_buf_fini(&own.removed);
    shmrpci_buf_fini(&own.changed);
    shmrpci_arena_fini(&arena);
    return status;
}

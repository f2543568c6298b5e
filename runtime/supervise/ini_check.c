/* Rules of service.ini between keys, and between services. */
#include <string.h>

#include "supervise/ini_parser.h"

/* The key where it was given, else the section. */
static shmrpci_ini_place place_of(const shmrpci_ini_service *service,
                                  shmrpci_ini_key key)
{
    const shmrpci_ini_value *value = &service->values[key];
    return value->place.file != NULL ? value->place : service->place;
}

static void check_program(shmrpci_ini_parser *p,
                          const shmrpci_ini_service *service)
{
    bool has_exec = service->values[SHMRPCI_INI_EXEC].present;
    bool has_import = service->values[SHMRPCI_INI_IMPORT_FROM].present;
    if (has_exec && has_import) {
        shmrpci_ini_report(p, place_of(service, SHMRPCI_INI_EXEC),
                           "[%s] has both `exec` and `import_from`",
                           service->name);
        shmrpci_ini_note(p, place_of(service, SHMRPCI_INI_IMPORT_FROM),
                         "the other is here");
    } else if (!has_exec && !has_import) {
        shmrpci_ini_report(p, service->place,
                           "[%s] does not say what to start (expected `exec` "
                           "or `import_from`)",
                           service->name);
    }
}

static void check_numbers(shmrpci_ini_parser *p,
                          const shmrpci_ini_service *service)
{
    const shmrpci_ini_value *least = &service->values[SHMRPCI_INI_MIN_PROC_NUM];
    const shmrpci_ini_value *most = &service->values[SHMRPCI_INI_MAX_PROC_NUM];
    /* A value that could not be read is 0, and was reported. */
    if (most->present && most->u.number != 0 &&
        least->u.number > most->u.number) {
        shmrpci_ini_report(p, place_of(service, SHMRPCI_INI_MIN_PROC_NUM),
                           "[%s]: `min_proc_num` is %llu, above `max_proc_num`,"
                           " which is %llu",
                           service->name, (unsigned long long)least->u.number,
                           (unsigned long long)most->u.number);
        shmrpci_ini_note(p, most->place, "that is given here");
    }
}

/* ---- after ---- */

static size_t index_of(const shmrpci_ini_parser *p, const char *name)
{
    size_t i = 0;
    while (i < p->service_count && strcmp(p->services[i].name, name) != 0) {
        i++;
    }
    return i;
}

static void check_names(shmrpci_ini_parser *p,
                        const shmrpci_ini_service *service)
{
    const shmrpci_ini_list *after = &service->values[SHMRPCI_INI_AFTER].u.list;
    const char **names =
        shmrpci_ini_alloc(p, p->service_count + 1, sizeof *names);
    for (size_t i = 0; names != NULL && i < p->service_count; i++) {
        names[i] = p->services[i].name;
    }
    for (size_t i = 0; names != NULL && i < after->count; i++) {
        if (index_of(p, after->items[i]) == p->service_count) {
            shmrpci_ini_report(p, place_of(service, SHMRPCI_INI_AFTER),
                               "there is no service [%.64s]%s", after->items[i],
                               shmrpci_ini_nearest(p, after->items[i], names,
                                                   p->service_count));
        }
    }
}

/* Whether a service can be started when those that are `ready` have been. */
static bool can_start(const shmrpci_ini_parser *p, const bool *ready,
                      size_t index)
{
    const shmrpci_ini_list *after =
        &p->services[index].values[SHMRPCI_INI_AFTER].u.list;
    for (size_t i = 0; i < after->count; i++) {
        size_t other = index_of(p, after->items[i]);
        if (other < p->service_count && !ready[other]) {
            return false;
        }
    }
    return true;
}

/* What is never ready waits, in the end, for itself. */
static void check_order(shmrpci_ini_parser *p)
{
    bool *ready = shmrpci_ini_alloc(p, p->service_count + 1, sizeof *ready);
    bool changed = ready != NULL;
    while (changed) {
        changed = false;
        for (size_t i = 0; i < p->service_count; i++) {
            if (!ready[i] && can_start(p, ready, i)) {
                ready[i] = true;
                changed = true;
            }
        }
    }
    for (size_t i = 0; ready != NULL && i < p->service_count; i++) {
        if (!ready[i]) {
            shmrpci_ini_report(
                p, place_of(&p->services[i], SHMRPCI_INI_AFTER),
                "[%s] waits for itself, by way of what it comes after",
                p->services[i].name);
            return;
        }
    }
}

void shmrpci_ini_check(shmrpci_ini_parser *p)
{
    for (size_t i = 0; i < p->service_count; i++) {
        check_program(p, &p->services[i]);
        check_numbers(p, &p->services[i]);
        check_names(p, &p->services[i]);
    }
    check_order(p);
    if (p->service_count == 0 && p->error_count == 0 && p->file_count > 0) {
        const shmrpci_ini_file *main_file = p->files[0];
        shmrpci_ini_report(p, (shmrpci_ini_place){main_file, 0, 0},
                           "there are no services (expected a section [NAME])");
    }
}

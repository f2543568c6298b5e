/* Rules of service.ini between keys, and between services. */
#include <string.h>

#include "supervise/ini_parser.h"

shmrpci_ini_place shmrpci_ini_key_place(const shmrpci_ini_service *service,
                                        shmrpci_ini_key key)
{
    const shmrpci_ini_value *value = &service->values[key];
    return value->place.file != NULL ? value->place : service->place;
}

/* Refuses the name that the manager's own service and log have. */
static void check_name(shmrpci_ini_parser *p,
                       const shmrpci_ini_service *service)
{
    if (strcmp(service->name, "shmrpcd") == 0) {
        shmrpci_ini_report(p, service->place,
                           "[shmrpcd] is the manager's own name (expected "
                           "another one)");
    }
}

static void check_program(shmrpci_ini_parser *p,
                          const shmrpci_ini_service *service)
{
    bool has_exec = service->values[SHMRPCI_INI_EXEC].present;
    bool has_import = service->values[SHMRPCI_INI_IMPORT_FROM].present;
    if (has_exec && has_import) {
        shmrpci_ini_report(p, shmrpci_ini_key_place(service, SHMRPCI_INI_EXEC),
                           "[%s] has both `exec` and `import_from`",
                           service->name);
        shmrpci_ini_note(
            p, shmrpci_ini_key_place(service, SHMRPCI_INI_IMPORT_FROM),
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
    /* An unreadable value is 0 and has already been reported. */
    if (most->present && most->u.number != 0 &&
        least->u.number > most->u.number) {
        shmrpci_ini_report(
            p, shmrpci_ini_key_place(service, SHMRPCI_INI_MIN_PROC_NUM),
            "[%s]: `min_proc_num` is %llu, above `max_proc_num`,"
            " which is %llu",
            service->name, (unsigned long long)least->u.number,
            (unsigned long long)most->u.number);
        shmrpci_ini_note(p, most->place, "`max_proc_num` is given here");
    }
}

/* Checks that the gateway's name is valid too. */
static void check_gate(shmrpci_ini_parser *p,
                       const shmrpci_ini_service *service)
{
    const size_t most = 63 - (sizeof SHMRPCI_INI_GATE_SUFFIX - 1);
    if (service->values[SHMRPCI_INI_TCP_BIND].present &&
        strlen(service->name) > most) {
        shmrpci_ini_report(p,
                           shmrpci_ini_key_place(service, SHMRPCI_INI_TCP_BIND),
                           "the name of [%s] is longer than %zu characters, "
                           "too long for one with `tcp_bind`",
                           service->name, most);
    }
}

/* Reports a file name with a character that separates parts of an address,
 * because file names are put into an address. */
void shmrpci_ini_check_file(shmrpci_ini_parser *p,
                            const shmrpci_ini_value *values,
                            shmrpci_ini_key key)
{
    const shmrpci_ini_value *file = &values[key];
    /* NULL means that it was invalid and has been reported. */
    if (file->present && file->u.text != NULL &&
        strpbrk(file->u.text, ",&?") != NULL) {
        shmrpci_ini_report(p, file->place,
                           "a path for `%s` can't have a comma, & or ? in it",
                           shmrpci_ini_rows[key].name);
    }
}

static void check_tls(shmrpci_ini_parser *p, const shmrpci_ini_service *service)
{
    const shmrpci_ini_value *values = service->values;
    if (values[SHMRPCI_INI_TCP_BIND].present &&
        values[SHMRPCI_INI_TCP_TLS_CLIENT_CA].present &&
        !values[SHMRPCI_INI_TCP_TLS_CERT].present) {
        shmrpci_ini_report(
            p, shmrpci_ini_key_place(service, SHMRPCI_INI_TCP_TLS_CLIENT_CA),
            "[%s] has `tcp_tls_client_ca` without "
            "`tcp_tls_cert`: clients would not be asked for a certificate",
            service->name);
    }
    shmrpci_ini_check_file(p, values, SHMRPCI_INI_TCP_TLS_CERT);
    shmrpci_ini_check_file(p, values, SHMRPCI_INI_TCP_TLS_CLIENT_CA);
}

/* ---- the key `after` ----------------------------------------------------- */

/* For each service, the services after which it starts, as indices, with
 * service_count for an unknown name. */
typedef struct waits {
    size_t **after;
    const char **names; /* of all services */
    bool *ready;
} waits;

static bool waits_new(shmrpci_ini_parser *p, waits *out)
{
    size_t count = p->service_count + 1;
    out->after = shmrpci_ini_alloc(p, count, sizeof *out->after);
    out->names = shmrpci_ini_alloc(p, count, sizeof *out->names);
    out->ready = shmrpci_ini_alloc(p, count, sizeof *out->ready);
    return out->after != NULL && out->names != NULL && out->ready != NULL;
}

static const shmrpci_ini_list *after_of(const shmrpci_ini_parser *p, size_t i)
{
    return &p->services[i].values[SHMRPCI_INI_AFTER].u.list;
}

static size_t index_of(const shmrpci_ini_parser *p, const waits *w,
                       const char *name)
{
    size_t i = 0;
    while (i < p->service_count && strcmp(w->names[i], name) != 0) {
        i++;
    }
    return i;
}

static bool resolve(shmrpci_ini_parser *p, waits *w, size_t service)
{
    const shmrpci_ini_list *after = after_of(p, service);
    size_t *indices = shmrpci_ini_alloc(p, after->count + 1, sizeof *indices);
    for (size_t i = 0; indices != NULL && i < after->count; i++) {
        indices[i] = index_of(p, w, after->items[i]);
        if (indices[i] == p->service_count) {
            shmrpci_ini_report(
                p,
                shmrpci_ini_key_place(&p->services[service], SHMRPCI_INI_AFTER),
                "there is no service [%.64s]%s", after->items[i],
                shmrpci_ini_nearest(p, after->items[i], w->names,
                                    p->service_count));
        }
    }
    w->after[service] = indices;
    return indices != NULL;
}

static bool can_start(const shmrpci_ini_parser *p, const waits *w, size_t i)
{
    for (size_t k = 0; k < after_of(p, i)->count; k++) {
        size_t other = w->after[i][k];
        if (other < p->service_count && !w->ready[other]) {
            return false;
        }
    }
    return true;
}

/* Returns the first service in the file that can be started next, or else the
 * first that is not ready. */
static size_t next_of(const shmrpci_ini_parser *p, const waits *w)
{
    size_t waiting = p->service_count;
    for (size_t i = p->service_count; i-- > 0;) {
        waiting = w->ready[i] ? waiting : i;
    }
    for (size_t i = waiting; i < p->service_count; i++) {
        if (!w->ready[i] && can_start(p, w, i)) {
            return i;
        }
    }
    return waiting;
}

/* Sorts the services into starting order. Reports a service that can never be
 * started because it waits for itself, directly or through others. */
static void find_order(shmrpci_ini_parser *p, waits *w)
{
    size_t *order = shmrpci_ini_alloc(p, p->service_count + 1, sizeof *order);
    for (size_t done = 0; order != NULL && done < p->service_count; done++) {
        order[done] = next_of(p, w);
        if (!can_start(p, w, order[done])) {
            const shmrpci_ini_service *service = &p->services[order[done]];
            shmrpci_ini_report(
                p, shmrpci_ini_key_place(service, SHMRPCI_INI_AFTER),
                "[%s] waits for itself, through the services it comes after",
                service->name);
            return;
        }
        w->ready[order[done]] = true;
    }
    p->out->order = order;
}

static void check_after(shmrpci_ini_parser *p)
{
    waits w;
    bool good = waits_new(p, &w);
    for (size_t i = 0; good && i < p->service_count; i++) {
        w.names[i] = p->services[i].name;
    }
    for (size_t i = 0; good && i < p->service_count; i++) {
        good = resolve(p, &w, i);
    }
    if (good) {
        find_order(p, &w);
    }
}

void shmrpci_ini_check(shmrpci_ini_parser *p)
{
    for (size_t i = 0; i < p->service_count; i++) {
        check_name(p, &p->services[i]);
        check_program(p, &p->services[i]);
        check_numbers(p, &p->services[i]);
        check_gate(p, &p->services[i]);
        check_tls(p, &p->services[i]);
    }
    shmrpci_ini_check_nats(p);
    check_after(p);
    if (p->service_count == 0 && p->error_count == 0 && p->file_count > 0) {
        const shmrpci_ini_file *main_file = p->files[0];
        shmrpci_ini_report(p, (shmrpci_ini_place){main_file, 0, 0},
                           "there are no services (expected a section [NAME])");
    }
}

/* Plans for our own programs that a file requests without giving them a
 * section. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/shmrpcd/plan.h"

#define NS_PER_S UINT64_C(1000000000)

const char *mgr_plan_program(mgr_plan *plan, const char *own_path,
                             const char *name)
{
    const char *slash = strrchr(own_path, '/');
    const char *beside =
        slash == NULL
            ? NULL
            : shmrpci_arena_printf(&plan->arena, "%.*s/%s",
                                   (int)(slash - own_path), own_path, name);
    FILE *file = beside != NULL ? fopen(beside, "rb") : NULL;
    if (file == NULL) {
        return name;
    }
    (void)fclose(file);
    return beside;
}

bool mgr_plan_has_section(const shmrpci_ini *ini, const char *name)
{
    bool has = false;
    for (size_t i = 0; !has && i < ini->service_count; i++) {
        has = strcmp(ini->services[i].name, name) == 0;
    }
    return has;
}

/* ---- the page -------------------------------------------------------- */

/* "host:port", with brackets around an IPv6 address. */
static char *page_place(mgr_plan *plan, const shmrpci_ini_value *web)
{
    const char *host = web[SHMRPCI_INI_WEB_HOST].u.text;
    bool is_v6 = strchr(host, ':') != NULL && host[0] != '[';
    return shmrpci_arena_printf(
        &plan->arena, "--listen=%s%s%s:%llu", is_v6 ? "[" : "", host,
        is_v6 ? "]" : "",
        (unsigned long long)web[SHMRPCI_INI_WEB_PORT].u.number);
}

/* The token is passed as the name of its file, never as text, because anybody
 * can read a command line in /proc. */
static bool fill_page(mgr_plan *plan, const shmrpci_ini_value *web,
                      const char *own_path)
{
    const char *program = mgr_plan_program(plan, own_path, MGR_PAGE_NAME);
    char **argv = shmrpci_arena_calloc(&plan->arena, 6, sizeof *argv, 8);
    const shmrpci_ini_value *token = &web[SHMRPCI_INI_WEB_PASSWORD_FILE];
    size_t count = 0;
    if (argv == NULL) {
        return false;
    }
    argv[count++] =
        shmrpci_arena_strndup(&plan->arena, program, strlen(program));
    argv[count++] = page_place(plan, web);
    if (token->present) {
        argv[count++] = shmrpci_arena_printf(&plan->arena, "--token-file=%s",
                                             token->u.text);
    }
    if (web[SHMRPCI_INI_WEB_READ_ONLY].u.flag) {
        argv[count++] = shmrpci_arena_strndup(&plan->arena, "--read-only", 11);
    }
    if (web[SHMRPCI_INI_NATS].present) {
        argv[count++] = mgr_plan_nats_option(plan, "--nats=", web);
    }
    for (size_t i = 0; i < count; i++) {
        if (argv[i] == NULL) {
            return false;
        }
    }
    plan->argv = argv;
    plan->name = MGR_PAGE_NAME;
    plan->says_why = true;
    plan->command = argv[0];
    plan->options = shmrpci_arena_strndup(&plan->arena, "SHMRPC_OPTIONS=", 15);
    return plan->options != NULL;
}

/* [web monitor] has no keys for these times, so they are the defaults of a
 * section. */
mgr_plan *mgr_plan_create_page(const shmrpci_ini *ini, const char *own_path)
{
    mgr_plan *plan = calloc(1, sizeof *plan);
    if (plan == NULL) {
        return NULL;
    }
    plan->start_ns = (int64_t)(300 * NS_PER_S);
    plan->int_ns = plan->term_ns = (int64_t)(5 * NS_PER_S);
    shmrpci_arena_init(&plan->arena, 0);
    shmrpci_setup_init(&plan->setup);
    plan->autostart = true;
    if (!fill_page(plan, ini->web, own_path)) {
        mgr_plan_destroy(plan);
        return NULL;
    }
    return plan;
}

/* Port 0 in the file turns the page off. */
bool mgr_plan_wants_page(const shmrpci_ini *ini)
{
    return ini->has_web && ini->web[SHMRPCI_INI_WEB_PORT].u.number != 0 &&
           !mgr_plan_has_section(ini, MGR_PAGE_NAME);
}

/* ---- gateways -------------------------------------------------------- */

/* A service without worker processes listens at tcp_bind itself, without a
 * gateway. */
bool mgr_plan_wants_gate(const shmrpci_ini *ini,
                         const shmrpci_ini_service *service)
{
    char name[80];
    (void)snprintf(name, sizeof name, "%s" SHMRPCI_INI_GATE_SUFFIX,
                   service->name);
    return service->values[SHMRPCI_INI_TCP_BIND].present &&
           mgr_plan_has_processes(service) && !mgr_plan_has_section(ini, name);
}

uint64_t mgr_plan_stop_seconds(uint64_t int_ns, uint64_t term_ns)
{
    uint64_t seconds = (int_ns + term_ns + NS_PER_S - 1) / NS_PER_S;
    return seconds > 0 ? seconds : 1;
}

bool mgr_plan_is_gate_of(const mgr_plan *plan, const char *service)
{
    bool is = false;
    for (size_t i = 0; i < plan->gate_of.count; i++) {
        is = is || strcmp(plan->gate_of.items[i], service) == 0;
    }
    return is;
}

/* Whether the file sets the key. Defaults need not be passed, because the
 * gateway has the same ones. */
static bool is_given(const shmrpci_ini_value *value)
{
    return value->present && value->place.file != NULL;
}

/* Writes the gateway's options to `argv`, which points behind the program's
 * name, is zeroed, and has room for six. The last one is `--`, so that no
 * address is taken for an option. */
static bool fill_gate_options(mgr_plan *plan,
                              const shmrpci_ini_service *service, char **argv)
{
    const shmrpci_ini_value *values = service->values;
    const shmrpci_ini_value *message = &values[SHMRPCI_INI_MAX_MESSAGE_BYTES];
    const shmrpci_ini_value *connections =
        &values[SHMRPCI_INI_MAX_CONNECTIONS_PER_USER];
    size_t count = 0;
    argv[count++] =
        shmrpci_arena_printf(&plan->arena, "--stop-after=%llu",
                             (unsigned long long)mgr_plan_stop_seconds(
                                 values[SHMRPCI_INI_STOP_INT_SECS].u.number,
                                 values[SHMRPCI_INI_STOP_TERM_SECS].u.number));
    argv[count++] = shmrpci_arena_printf(&plan->arena, "--tcp-compression=%s",
                                         mgr_plan_compression(service));
    if (is_given(message)) {
        argv[count++] =
            shmrpci_arena_printf(&plan->arena, "--max-message=%llu",
                                 (unsigned long long)message->u.number);
    }
    if (is_given(connections)) {
        argv[count++] =
            shmrpci_arena_printf(&plan->arena, "--max-connections=%llu",
                                 (unsigned long long)connections->u.number);
    }
    if (values[SHMRPCI_INI_TCP_ALLOW_INSECURE].u.flag) {
        argv[count++] = shmrpci_arena_printf(&plan->arena,
                                             "--force-insecure-serialisation");
    }
    argv[count++] = shmrpci_arena_printf(&plan->arena, "--");
    bool is_full = true;
    for (size_t i = 0; i < count; i++) {
        is_full = is_full && argv[i] != NULL;
    }
    return is_full;
}

/* "=tcp://host:port", or "=tls://..." with the certificate. */
static char *gate_place(mgr_plan *plan, const shmrpci_ini_service *service,
                        const char *host)
{
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    shmrpci_buf_append_char(&text, '=');
    mgr_plan_append_tcp(&text, service, host);
    char *place = text.status != SHMRPC_OK
                      ? NULL
                      : shmrpci_arena_strndup(
                            &plan->arena, (const char *)text.data, text.len);
    shmrpci_buf_fini(&text);
    return place;
}

/* The gateway's arguments are pairs NAME=ADDRESS. NAME is known only when the
 * service runs, so the plan has "=ADDRESS", and mgr_gate_argv puts the name in
 * front. */
static bool fill_gate(mgr_plan *plan, const shmrpci_ini_service *service,
                      const char *own_path)
{
    const shmrpci_ini_list *hosts =
        &service->values[SHMRPCI_INI_TCP_BIND].u.list;
    const char *program = mgr_plan_program(plan, own_path, MGR_GATE_PROGRAM);
    char **argv =
        shmrpci_arena_calloc(&plan->arena, hosts->count + 8, sizeof *argv, 8);
    const char **after =
        shmrpci_arena_calloc(&plan->arena, 2, sizeof *after, 8);
    if (argv == NULL || after == NULL ||
        !fill_gate_options(plan, service, argv + 1)) {
        return false;
    }
    size_t count = 1;
    while (argv[count] != NULL) {
        count++;
    }
    bool is_full = true;
    for (size_t i = 0; i < hosts->count; i++) {
        argv[count + i] = gate_place(plan, service, hosts->items[i]);
        is_full = is_full && argv[count + i] != NULL;
    }
    argv[0] = shmrpci_arena_strndup(&plan->arena, program, strlen(program));
    after[0] = shmrpci_arena_strndup(&plan->arena, service->name,
                                     strlen(service->name));
    plan->argv = argv;
    plan->command = argv[0];
    plan->says_why = true;
    plan->gate_of = plan->after = (shmrpci_ini_list){after, 1};
    plan->name = shmrpci_arena_printf(
        &plan->arena, "%s" SHMRPCI_INI_GATE_SUFFIX, service->name);
    plan->options = shmrpci_arena_printf(&plan->arena, "SHMRPC_OPTIONS=");
    return is_full && argv[0] != NULL && after[0] != NULL &&
           plan->name != NULL && plan->options != NULL;
}

/* The gateway has the stop times and the log limits of its service, since it is
 * part of the service from the user's view. */
mgr_plan *mgr_plan_create_gate(const shmrpci_ini_service *service,
                               const char *own_path)
{
    mgr_plan *plan = mgr_plan_create_common(service);
    if (plan != NULL && !fill_gate(plan, service, own_path)) {
        mgr_plan_destroy(plan);
        return NULL;
    }
    return plan;
}

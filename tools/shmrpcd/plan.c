/* Turns sections of service.ini into plans. */
#include "tools/shmrpcd/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/process.h"

#define NS_PER_S UINT64_C(1000000000)

/* ---- the program ----------------------------------------------------- */

static const char *text_of(const shmrpci_ini_service *service,
                           shmrpci_ini_key key)
{
    const shmrpci_ini_value *value = &service->values[key];
    return value->present ? value->u.text : NULL;
}

static bool is_library(const char *from)
{
    size_t len = strlen(from);
    return len > 3 && strcmp(from + len - 3, ".so") == 0;
}

/* Where Python searches for a module: the path as given, or the folder of the
 * file that names it. */
static const char *python_path(mgr_plan *plan,
                               const shmrpci_ini_service *service)
{
    const char *given = text_of(service, SHMRPCI_INI_PYTHON_PATH);
    const char *file =
        service->values[SHMRPCI_INI_IMPORT_FROM].place.file->path;
    const char *slash = strrchr(file, '/');
    char *folder = given != NULL
                       ? NULL
                       : shmrpci_arena_strndup(
                             &plan->arena, slash != NULL ? file : ".",
                             slash != NULL ? (size_t)(slash - file) + 1 : 1);
    char *whole = folder != NULL ? realpath(folder, NULL) : NULL;
    const char *path = given != NULL ? given : whole != NULL ? whole : ".";
    shmrpci_buf option;
    shmrpci_buf_init_heap(&option);
    shmrpci_buf_printf(&option, "--path=%s", path);
    const char *text = shmrpci_buf_text(&option);
    char *kept = text != NULL
                     ? shmrpci_arena_strndup(&plan->arena, text, strlen(text))
                     : NULL;
    shmrpci_buf_fini(&option);
    free(whole);
    return kept;
}

/* The class has the section's name, if the module has such a class. */
static const char *class_option(mgr_plan *plan,
                                const shmrpci_ini_service *service)
{
    shmrpci_buf option;
    shmrpci_buf_init_heap(&option);
    shmrpci_buf_printf(&option, "--class=%s", service->name);
    const char *text = shmrpci_buf_text(&option);
    char *kept = text != NULL
                     ? shmrpci_arena_strndup(&plan->arena, text, strlen(text))
                     : NULL;
    shmrpci_buf_fini(&option);
    return kept;
}

/* Whether the file sets the value; otherwise the server's own default
 * applies. */
static bool is_given(const shmrpci_ini_service *service, shmrpci_ini_key key)
{
    return service->values[key].present &&
           service->values[key].place.file != NULL;
}

static uint64_t number_of(const shmrpci_ini_service *service,
                          shmrpci_ini_key key)
{
    return service->values[key].u.number;
}

/* The command line: the program, or for a library our own program as `shmrpcd
 * serve LIBRARY NAME`, or Python, which imports the module. Returns NULL if
 * memory ran out. */
static char **argv_of(mgr_plan *plan, const shmrpci_ini_service *service,
                      const char *own_path)
{
    const shmrpci_ini_value *exec = &service->values[SHMRPCI_INI_EXEC];
    static const char *const traces[] = {"--send-traceback=all",
                                         "--send-traceback=user",
                                         "--send-traceback=none"};
    static const char *const threads[] = {"--preload-threads=refuse",
                                          "--preload-threads=allow"};
    const char *import = text_of(service, SHMRPCI_INI_IMPORT_FROM);
    const char *serve[9] = {own_path, "serve", import, service->name};
    const char *const *from = exec->present ? exec->u.list.items : serve;
    size_t count = exec->present ? exec->u.list.count : 4;
    if (!exec->present && !is_library(import)) {
        serve[0] = text_of(service, SHMRPCI_INI_PYTHON);
        serve[1] = "-m";
        serve[2] = "shmrpc";
        serve[3] = "serve";
        serve[4] = python_path(plan, service);
        serve[5] = class_option(plan, service);
        count = 6;
        if (is_given(service, SHMRPCI_INI_SEND_TRACEBACK)) {
            serve[count++] =
                traces[number_of(service, SHMRPCI_INI_SEND_TRACEBACK)];
        }
        if (is_given(service, SHMRPCI_INI_PRELOAD_THREADS)) {
            serve[count++] =
                threads[number_of(service, SHMRPCI_INI_PRELOAD_THREADS)];
        }
        serve[count++] = import;
        if (serve[4] == NULL || serve[5] == NULL) {
            return NULL;
        }
    }
    char **argv =
        shmrpci_arena_calloc(&plan->arena, count + 1, sizeof *argv, 8);
    for (size_t i = 0; argv != NULL && i < count; i++) {
        argv[i] = shmrpci_arena_strndup(&plan->arena, from[i], strlen(from[i]));
        if (argv[i] == NULL) {
            return NULL;
        }
    }
    return argv;
}

/* The command as people read it: words are joined by blanks without quotes, and
 * a library is named without the program that loads it. */
static void append_command(shmrpci_buf *out, const shmrpci_ini_service *service)
{
    const shmrpci_ini_value *exec = &service->values[SHMRPCI_INI_EXEC];
    if (!exec->present) {
        shmrpci_buf_append_text(
            out, service->values[SHMRPCI_INI_IMPORT_FROM].u.text);
        return;
    }
    for (size_t i = 0; i < exec->u.list.count; i++) {
        shmrpci_buf_append_text(out, i > 0 ? " " : "");
        shmrpci_buf_append_text(out, exec->u.list.items[i]);
    }
}

/* ---- options ------------------------------------------------------------- */

/* Options are lines "--option=value" of SHMRPC_OPTIONS. Each ends in a newline,
 * so that values may contain blanks. */
static void append_number(shmrpci_buf *out, const shmrpci_ini_service *service,
                          shmrpci_ini_key key, const char *option)
{
    if (is_given(service, key)) {
        shmrpci_buf_printf(out, "%s=%llu\n", option,
                           (unsigned long long)service->values[key].u.number);
    }
}

/* Rounds to whole seconds, at least one, because servers accept no
 * fractions. */
static void append_seconds(shmrpci_buf *out, const char *option, uint64_t ns)
{
    uint64_t seconds = (ns + NS_PER_S - 1) / NS_PER_S;
    shmrpci_buf_printf(out, "%s=%llu\n", option,
                       (unsigned long long)(seconds > 0 ? seconds : 1));
}

/* Worker processes need shared memory, because a byte stream ends in a single
 * process. */
static bool is_for_processes(const char *address)
{
    return strncmp(address, "tcp:", 4) != 0 &&
           strncmp(address, "tls:", 4) != 0 &&
           strncmp(address, "unix:", 5) != 0;
}

/* Without `listen` the server's default applies, which is shm://. */
bool mgr_plan_has_processes(const shmrpci_ini_service *service)
{
    const shmrpci_ini_value *listen = &service->values[SHMRPCI_INI_LISTEN];
    bool has = true;
    for (size_t i = 0; listen->present && i < listen->u.list.count; i++) {
        has = has && is_for_processes(listen->u.list.items[i]);
    }
    return has;
}

/* A service with worker processes has a gateway for TCP. Other services listen
 * themselves. */
static bool listens_itself(const shmrpci_ini_service *service)
{
    return service->values[SHMRPCI_INI_TCP_BIND].present &&
           !mgr_plan_has_processes(service);
}

/* `tcp_bind` may have parameters of its own, "host:port?key=value", so the
 * certificate is appended after them. A CA without a certificate is refused
 * when the file is read. */
void mgr_plan_append_tcp(shmrpci_buf *out, const shmrpci_ini_service *service,
                         const char *host)
{
    const shmrpci_ini_value *cert = &service->values[SHMRPCI_INI_TCP_TLS_CERT];
    const shmrpci_ini_value *ca =
        &service->values[SHMRPCI_INI_TCP_TLS_CLIENT_CA];
    char joint = strchr(host, '?') == NULL ? '?' : '&';
    shmrpci_buf_printf(out, "%s://%s", cert->present ? "tls" : "tcp", host);
    if (cert->present) {
        shmrpci_buf_printf(out, "%ccert=%s", joint, cert->u.text);
    }
    if (cert->present && ca->present) {
        shmrpci_buf_printf(out, "&ca=%s", ca->u.text);
    }
}

/* All addresses of one server are a list in one option, because a second
 * --listen would replace the first. */
static void append_listen(shmrpci_buf *out, const shmrpci_ini_service *service)
{
    const shmrpci_ini_value *listen = &service->values[SHMRPCI_INI_LISTEN];
    const shmrpci_ini_list *tcp = &service->values[SHMRPCI_INI_TCP_BIND].u.list;
    if (!listen->present) {
        return;
    }
    shmrpci_buf_append_text(out, "--listen=");
    for (size_t i = 0; i < listen->u.list.count; i++) {
        shmrpci_buf_printf(out, "%s%s", i > 0 ? "," : "",
                           listen->u.list.items[i]);
    }
    for (size_t i = 0; listens_itself(service) && i < tcp->count; i++) {
        shmrpci_buf_append_char(out, ',');
        mgr_plan_append_tcp(out, service, tcp->items[i]);
    }
    shmrpci_buf_append_char(out, '\n');
}

/* The number of CPUs in the key `cpus` that this machine has. */
static uint32_t usable_cpus(const shmrpci_ini_value *values)
{
    const shmrpci_ini_value *cpus = &values[SHMRPCI_INI_CPUS];
    shmrpci_cpus set;
    return cpus->present && shmrpci_cpus_read(cpus->u.text, &set)
               ? shmrpci_cpus_usable(&set)
               : shmrpci_allowed_cpus();
}

/* Without worker processes both numbers are 0, and only `threads` counts. The
 * product of workers and threads is limited to MGR_MAX_THREADS unless the file
 * asks for more. A `max_proc_num` below `min_proc_num` is raised to
 * `min_proc_num`. */
static void workers_of(const shmrpci_ini_service *service, mgr_plan *plan)
{
    const shmrpci_ini_value *values = service->values;
    plan->threads = (uint32_t)values[SHMRPCI_INI_THREADS].u.number;
    plan->least = plan->most = 0;
    if (!mgr_plan_has_processes(service)) {
        return;
    }
    plan->least = (uint32_t)values[SHMRPCI_INI_MIN_PROC_NUM].u.number;
    plan->most = MGR_MAX_THREADS / plan->threads;
    if (values[SHMRPCI_INI_MAX_PROC_NUM].present) {
        plan->most = (uint32_t)values[SHMRPCI_INI_MAX_PROC_NUM].u.number;
    } else if (usable_cpus(values) < plan->most) {
        plan->most = usable_cpus(values);
    }
    plan->most = plan->most > plan->least ? plan->most : plan->least;
}

/* Always passes the numbers: by default the manager allows one worker for each
 * CPU, and the server's own default differs. */
static void append_workers(shmrpci_buf *out, const shmrpci_ini_service *service)
{
    mgr_plan plan;
    workers_of(service, &plan);
    if (plan.most > 0) {
        shmrpci_buf_printf(out, "--workers=%u..%u\n", plan.least, plan.most);
    } else {
        shmrpci_buf_append_text(out, "--workers=0\n");
    }
    shmrpci_buf_printf(out, "--threads=%u\n", plan.threads);
}

/* The file's times are kept in nanoseconds. The option is in microseconds,
 * which is finer than any of these times needs. */
static void append_time(shmrpci_buf *out, const shmrpci_ini_service *service,
                        shmrpci_ini_key key, const char *option)
{
    if (is_given(service, key)) {
        shmrpci_buf_printf(
            out, "%s=%lluus\n", option,
            (unsigned long long)(service->values[key].u.number / 1000));
    }
}

/* Percentages are kept in thousandths: 12.5 % is 12500. */
static void append_scaling(shmrpci_buf *out, const shmrpci_ini_service *service)
{
    if (is_given(service, SHMRPCI_INI_NEW_PROC_CPU_PC)) {
        unsigned long long pc =
            service->values[SHMRPCI_INI_NEW_PROC_CPU_PC].u.number;
        shmrpci_buf_printf(out, "--new-proc-cpu-pc=%llu.%03llu\n", pc / 1000,
                           pc % 1000);
    }
    append_time(out, service, SHMRPCI_INI_NEW_PROC_AVG_OVER_SECS,
                "--new-proc-avg-over-secs");
    append_time(out, service, SHMRPCI_INI_NEW_PROC_QUEUE_DELAY,
                "--new-proc-queue-delay");
    append_time(out, service, SHMRPCI_INI_KILL_PROC_AVG_OVER_SECS,
                "--kill-proc-avg-over-secs");
}

/* `option` ends in `=`. An empty list gives no option, because an option
 * without names is not valid. */
static void append_names(shmrpci_buf *out, const shmrpci_ini_service *service,
                         shmrpci_ini_key key, const char *option)
{
    const shmrpci_ini_value *names = &service->values[key];
    for (size_t i = 0; names->present && i < names->u.list.count; i++) {
        shmrpci_buf_printf(out, "%s%s", i > 0 ? "," : option,
                           names->u.list.items[i]);
    }
    if (names->present && names->u.list.count > 0) {
        shmrpci_buf_append_char(out, '\n');
    }
}

/* Appends options that say which users may connect, and how often. */
static void append_access(shmrpci_buf *out, const shmrpci_ini_service *service)
{
    append_names(out, service, SHMRPCI_INI_ALLOWED_USERS, "--allowed-users=");
    append_names(out, service, SHMRPCI_INI_ALLOWED_GROUPS, "--allowed-groups=");
    append_number(out, service, SHMRPCI_INI_MAX_CONNECTIONS_PER_USER,
                  "--max-connections-per-user");
    append_number(out, service, SHMRPCI_INI_MAX_BYTES_PER_USER,
                  "--max-bytes-per-user");
}

/* The names are in the order of the key's enumeration. */
const char *mgr_plan_compression(const shmrpci_ini_service *service)
{
    static const char *const names[] = {"none", "snappy", "zlib"};
    return names[service->values[SHMRPCI_INI_TCP_COMPRESSION].u.number];
}

/* Only for a server that listens on TCP itself. If there is a gateway, it gets
 * these options. */
static void append_tcp(shmrpci_buf *out, const shmrpci_ini_service *service)
{
    if (is_given(service, SHMRPCI_INI_TCP_COMPRESSION)) {
        shmrpci_buf_printf(out, "--tcp-compression=%s\n",
                           mgr_plan_compression(service));
    }
    if (service->values[SHMRPCI_INI_TCP_ALLOW_INSECURE].u.flag) {
        shmrpci_buf_append_text(out, "--force-insecure-serialisation\n");
    }
}

/* --listen comes first, where listen_of finds it. A key that is set neither in
 * the section nor in [defaults] gives no option, so that the program's own
 * default applies. */
static void append_options(shmrpci_buf *out, const shmrpci_ini_service *service)
{
    static const char *const profiles[] = {"balanced", "latency", "power"};
    const shmrpci_ini_value *values = service->values;
    shmrpci_buf_append_text(out, "SHMRPC_OPTIONS=");
    append_listen(out, service);
    append_workers(out, service);
    append_scaling(out, service);
    append_number(out, service, SHMRPCI_INI_MAX_MESSAGE_BYTES, "--max-message");
    append_number(out, service, SHMRPCI_INI_MAX_PROC_MEM_BYTES,
                  "--max-proc-mem-bytes");
    append_number(out, service, SHMRPCI_INI_MAX_PROC_CALLS, "--max-proc-calls");
    append_access(out, service);
    if (is_given(service, SHMRPCI_INI_HANG_KILL_SECS)) {
        append_seconds(out, "--hang-kill",
                       values[SHMRPCI_INI_HANG_KILL_SECS].u.number);
    }
    append_number(out, service, SHMRPCI_INI_MAX_STREAMS, "--max-streams");
    append_time(out, service, SHMRPCI_INI_STREAM_STALL, "--stream-stall");
    append_time(out, service, SHMRPCI_INI_MAX_STREAM_AGE, "--max-stream-age");
    if (is_given(service, SHMRPCI_INI_STREAM_DRAIN)) {
        append_seconds(out, "--stream-drain",
                       values[SHMRPCI_INI_STREAM_DRAIN].u.number);
    }
    append_number(out, service, SHMRPCI_INI_CLIENT_CALLS, "--client-calls");
    append_number(out, service, SHMRPCI_INI_CLIENT_RATE, "--client-rate");
    append_time(out, service, SHMRPCI_INI_SHED_AFTER, "--shed-after");
    if (is_given(service, SHMRPCI_INI_PROFILE)) {
        shmrpci_buf_printf(out, "--profile=%s\n",
                           profiles[values[SHMRPCI_INI_PROFILE].u.number]);
    }
    if (!mgr_plan_has_processes(service)) {
        append_tcp(out, service);
    }
    /* The program must wait at least as long as the manager does. */
    append_seconds(out, "--stop-after",
                   values[SHMRPCI_INI_STOP_INT_SECS].u.number +
                       values[SHMRPCI_INI_STOP_TERM_SECS].u.number);
}

/* ---- plans ----------------------------------------------------------- */

/* Copies the text that `append` writes into the plan's memory; NULL if memory
 * ran out. */
static char *keep(mgr_plan *plan, const shmrpci_ini_service *service,
                  void (*append)(shmrpci_buf *out,
                                 const shmrpci_ini_service *service))
{
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    append(&text, service);
    char *kept = text.status == SHMRPC_OK
                     ? shmrpci_arena_strndup(&plan->arena,
                                             (const char *)text.data, text.len)
                     : NULL;
    shmrpci_buf_fini(&text);
    return kept;
}

static bool keep_after(mgr_plan *plan, const shmrpci_ini_list *after)
{
    const char **items =
        shmrpci_arena_calloc(&plan->arena, after->count + 1, sizeof *items, 8);
    for (size_t i = 0; items != NULL && i < after->count; i++) {
        items[i] = shmrpci_arena_strndup(&plan->arena, after->items[i],
                                         strlen(after->items[i]));
        if (items[i] == NULL) {
            return false;
        }
    }
    plan->after = (shmrpci_ini_list){items, after->count};
    return items != NULL;
}

/* Fills in the times and the log, which a service and its gateway have in
 * common. */
static bool fill_common(mgr_plan *plan, const shmrpci_ini_value *values)
{
    const shmrpci_ini_value *log_dir = &values[SHMRPCI_INI_LOG_DIR];
    plan->start_ns = (int64_t)values[SHMRPCI_INI_START_TIMEOUT].u.number;
    plan->int_ns = (int64_t)values[SHMRPCI_INI_STOP_INT_SECS].u.number;
    plan->term_ns = (int64_t)values[SHMRPCI_INI_STOP_TERM_SECS].u.number;
    plan->log_limits = (tool_log_limits){
        .max_bytes = values[SHMRPCI_INI_LOG_MAX_BYTES].u.number,
        .max_age_ns = (int64_t)values[SHMRPCI_INI_LOG_MAX_AGE].u.number,
        .keep = (uint32_t)values[SHMRPCI_INI_LOG_KEEP].u.number};
    if (log_dir->present) {
        plan->log_dir = shmrpci_arena_strndup(&plan->arena, log_dir->u.text,
                                              strlen(log_dir->u.text));
    }
    return !log_dir->present || plan->log_dir != NULL;
}

mgr_plan *mgr_plan_create_common(const shmrpci_ini_service *service)
{
    mgr_plan *plan = calloc(1, sizeof *plan);
    if (plan == NULL) {
        return NULL;
    }
    shmrpci_arena_init(&plan->arena, 0);
    shmrpci_setup_init(&plan->setup);
    plan->autostart = true;
    if (!fill_common(plan, service->values)) {
        mgr_plan_destroy(plan);
        return NULL;
    }
    return plan;
}

/* Returns false if memory ran out. What was filled in is freed with the
 * plan. */
static bool fill(mgr_plan *plan, const shmrpci_ini_service *service,
                 const char *own_path)
{
    const shmrpci_ini_value *values = service->values;
    const shmrpci_ini_list none = {NULL, 0};
    workers_of(service, plan);
    plan->waits = values[SHMRPCI_INI_WAIT_UNTIL_COMPLETED].u.flag;
    plan->is_plain = values[SHMRPCI_INI_READY].u.number != 0;
    plan->autostart = values[SHMRPCI_INI_AUTOSTART].u.flag;
    plan->name = shmrpci_arena_strndup(&plan->arena, service->name,
                                       strlen(service->name));
    plan->argv = argv_of(plan, service, own_path);
    plan->options = keep(plan, service, append_options);
    plan->command = keep(plan, service, append_command);
    return plan->name != NULL && plan->argv != NULL && plan->options != NULL &&
           plan->command != NULL && mgr_plan_fill_setup(plan, values) &&
           keep_after(plan, values[SHMRPCI_INI_AFTER].present
                                ? &values[SHMRPCI_INI_AFTER].u.list
                                : &none);
}

mgr_plan *mgr_plan_create(const shmrpci_ini_service *service,
                          const char *own_path)
{
    mgr_plan *plan = mgr_plan_create_common(service);
    if (plan != NULL && !fill(plan, service, own_path)) {
        mgr_plan_destroy(plan);
        return NULL;
    }
    return plan;
}

void mgr_plan_destroy(mgr_plan *plan)
{
    if (plan != NULL) {
        shmrpci_arena_fini(&plan->arena);
        free(plan);
    }
}

/* Compares texts, because each plan has its own copies. */
static bool same_argv(const mgr_plan *a, const mgr_plan *b)
{
    size_t i = 0;
    while (a->argv[i] != NULL && b->argv[i] != NULL &&
           strcmp(a->argv[i], b->argv[i]) == 0) {
        i++;
    }
    return a->argv[i] == NULL && b->argv[i] == NULL;
}

/* The option with the addresses, up to its newline. It is the first option. */
static const char *listen_of(const mgr_plan *plan, size_t *len)
{
    const char *at = strstr(plan->options, "=--listen=");
    *len = at != NULL ? strcspn(at, "\n") : 0;
    return at != NULL ? at : "";
}

/* Whether both gateways serve the same services; otherwise their operands
 * differ. */
static bool same_services(const mgr_plan *a, const mgr_plan *b)
{
    bool is_same = a->gate_of.count == b->gate_of.count;
    for (size_t i = 0; is_same && i < a->gate_of.count; i++) {
        is_same = strcmp(a->gate_of.items[i], b->gate_of.items[i]) == 0;
    }
    return is_same;
}

/* Ignores what only the manager uses (logs, start_timeout, after), because that
 * can change without a restart. */
bool mgr_plan_is_same(const mgr_plan *a, const mgr_plan *b)
{
    return same_argv(a, b) && strcmp(a->options, b->options) == 0 &&
           mgr_plan_has_same_setup(a, b) && same_services(a, b);
}

bool mgr_plan_is_alike(const mgr_plan *a, const mgr_plan *b)
{
    size_t a_len;
    size_t b_len;
    const char *a_listen = listen_of(a, &a_len);
    const char *b_listen = listen_of(b, &b_len);
    return same_argv(a, b) && mgr_plan_has_same_user(a, b) && a_len == b_len &&
           memcmp(a_listen, b_listen, a_len) == 0;
}

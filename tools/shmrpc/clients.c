/*
 * ps --clients: the processes of all services on this machine, and their
 * clients.
 *
 * Needs no manager: services count their workers and clients in shared memory.
 * What clients report about themselves (their pid in their own namespace) is
 * shown, but not trusted.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "os/clock.h"
#include "os/process.h"
#include "shmrpc/observe.h"
#include "svc/find.h"
#include "tools/shmrpc/clients.h"
#include "tools/shmrpc/control.h"

/* How long a service that does not answer may delay the table. */
#define OPEN_NS (2 * SHMRPCI_NS_PER_S)

/* One process, as it is displayed. */
typedef struct row {
    const char *service;
    const char *role; /* "worker" or "client" */
    int32_t pid;      /* as we see it; 0: it is in a pid namespace that we can't
                       * see */
    int32_t own_pid;  /* as it sees itself; 0: unknown */
    uint64_t pid_namespace; /* namespace of own_pid */
    int64_t uid;            /* -1: the user of the service */
    int64_t since_ns;       /* start time, CLOCK_MONOTONIC */
} row;

typedef struct table {
    bool json;       /* print JSON instead of a table */
    uint64_t here;   /* our pid namespace */
    size_t rows;     /* number of rows so far; the head is printed before the
                      * first one */
    shmrpci_buf out; /* printed when it is complete */
} table;

/* Unknown members are left out: 0 could be taken for a pid. */
static void append_json(table *t, const row *r, const char *program)
{
    shmrpci_buf *out = &t->out;
    shmrpci_buf_append_text(out, t->rows > 0 ? ",{" : "{");
    shmrpci_json_key(out, "service");
    shmrpci_json_string(out, r->service, strlen(r->service));
    shmrpci_json_key(out, "role");
    shmrpci_json_string(out, r->role, strlen(r->role));
    if (r->pid != 0) {
        shmrpci_buf_printf(out, ",\"pid\":%d", (int)r->pid);
    }
    if (r->own_pid != 0) {
        shmrpci_buf_printf(out, ",\"own_pid\":%d,\"pid_namespace\":%llu",
                           (int)r->own_pid,
                           (unsigned long long)r->pid_namespace);
    }
    if (r->uid >= 0) {
        shmrpci_buf_printf(out, ",\"uid\":%lld", (long long)r->uid);
    }
    shmrpci_buf_printf(out, ",\"age_ns\":%lld",
                       (long long)(shmrpci_now_ns() - r->since_ns));
    shmrpci_json_key(out, "program");
    shmrpci_json_string(out, program, strlen(program));
    shmrpci_buf_append_char(out, '}');
}

/* A process of another pid namespace is shown with both numbers: ours, to kill
 * it, and its own, to find it in its container. */
static void append_text(table *t, const row *r, const char *program)
{
    char age[32];
    char pid[16] = "?";
    char uid[24] = "-";
    int64_t age_ms = (shmrpci_now_ns() - r->since_ns) / SHMRPCI_NS_PER_MS;
    cli_age((int64_t)time(NULL) * 1000 - age_ms, age);
    if (r->pid != 0 || r->own_pid != 0) {
        (void)snprintf(pid, sizeof pid, "%d",
                       (int)(r->pid != 0 ? r->pid : r->own_pid));
    }
    if (r->uid >= 0) {
        (void)snprintf(uid, sizeof uid, "%lld", (long long)r->uid);
    }
    if (t->rows == 0) {
        shmrpci_buf_printf(&t->out, "%-20s  %-6s  %7s  %5s  %7s  %s\n",
                           "SERVICE", "ROLE", "PID", "UID", "SINCE", "PROGRAM");
    }
    shmrpci_buf_printf(&t->out, "%-20s  %-6s  %7s  %5s  %7s  %s", r->service,
                       r->role, pid, uid, age, program);
    if (r->pid_namespace != t->here && r->own_pid != 0) {
        shmrpci_buf_printf(&t->out,
                           r->pid != 0 ? "%s(%d in pid namespace %llu)"
                                       : "%s(pid %d of pid namespace %llu)",
                           program[0] != '\0' ? " " : "", (int)r->own_pid,
                           (unsigned long long)r->pid_namespace);
    }
    shmrpci_buf_append_char(&t->out, '\n');
}

/* The name comes from /proc, so it is empty for processes that we can't see. */
static void append(table *t, const row *r)
{
    char program[32] = "";
    if (r->pid > 0) {
        shmrpci_process_name(r->pid, program);
    }
    if (t->json) {
        append_json(t, r, program);
    } else {
        append_text(t, r, program);
    }
    t->rows++;
}

/* Returns a client's process id in our namespace, or 0. If the service is in
 * our namespace, it is the pid that the service sees. Otherwise, if the client
 * is in our namespace, it is the pid that the client has reported. */
static int32_t pid_here(const table *t, const shmrpc_service_stats *service,
                        const shmrpc_connection_stats *client)
{
    if (service->pid_namespace == t->here && client->pid != 0) {
        return client->pid;
    }
    return client->pid_namespace == t->here ? client->own_pid : 0;
}

/* Workers come first. If there are very many clients, only some are listed; the
 * others are counted. */
static void append_service(table *t, const char *name,
                           const shmrpc_snapshot *snapshot)
{
    const shmrpc_service_stats *service = shmrpc_snapshot_service(snapshot);
    for (uint32_t i = 0; i < service->worker_count; i++) {
        const shmrpc_worker_stats *worker = shmrpc_snapshot_worker(snapshot, i);
        if (!worker->has_left) {
            bool is_here = service->pid_namespace == t->here;
            append(t, &(row){name, "worker", is_here ? worker->pid : 0,
                             worker->pid, service->pid_namespace, -1,
                             worker->started_ns});
        }
    }
    for (uint32_t i = 0; i < service->client_count; i++) {
        const shmrpc_connection_stats *client =
            shmrpc_snapshot_client(snapshot, i);
        append(t, &(row){name, "client", pid_here(t, service, client),
                         client->own_pid, client->pid_namespace, client->uid,
                         client->since_ns});
    }
    if (!t->json && service->connections > service->client_count) {
        shmrpci_buf_printf(
            &t->out, "%-20s  and %llu connections more\n", name,
            (unsigned long long)(service->connections - service->client_count));
    }
}

/* Appends the processes of a service. Skips services that don't run or that we
 * may not inspect: `shmrpc list` shows those. It also skips hidden places,
 * whose name exists in an earlier folder: clients never connect there. */
static void look_at(table *t, const svc_place *place)
{
    shmrpc_stats *stats;
    shmrpc_snapshot *snapshot;
    const shmrpc_opts opts = {.timeout_ns = OPEN_NS};
    if (place->hidden || shmrpc_stats_open(place->address, place->port, &opts,
                                           &stats, NULL) != SHMRPC_OK) {
        return;
    }
    if (shmrpc_stats_read(stats, &snapshot, NULL) == SHMRPC_OK) {
        append_service(t, place->address + strlen("shm://"), snapshot);
        shmrpc_snapshot_free(snapshot);
    }
    shmrpc_stats_close(stats);
}

/* Everything is collected before anything is printed, so that JSON is either a
 * complete array or absent. */
cli_exit cli_clients(bool json)
{
    shmrpci_arena arena;
    svc_places places;
    shmrpc_error error;
    table t = {.json = json, .here = shmrpci_process_namespace()};
    shmrpci_arena_init(&arena, 0);
    int status = svc_places_find(&arena, &places, &error);
    if (status != SHMRPC_OK) {
        shmrpci_arena_fini(&arena);
        return cli_fail_error(cli_exit_of_open(status), NULL, &error);
    }
    shmrpci_buf_init_heap(&t.out);
    shmrpci_buf_append_text(&t.out, json ? "[" : "");
    for (size_t i = 0; i < places.count; i++) {
        look_at(&t, &places.items[i]);
    }
    shmrpci_buf_append_text(&t.out, json ? "]\n" : "");
    cli_exit result = t.out.status == SHMRPC_OK ? CLI_OK : CLI_TROUBLE;
    if (result == CLI_OK) {
        fwrite(t.out.data, 1, t.out.len, stdout);
    }
    if (t.rows == 0 && !json) {
        fputs(
            "No service runs in the folders where this user's clients look.\n",
            stderr);
    }
    shmrpci_buf_fini(&t.out);
    shmrpci_arena_fini(&arena);
    return result;
}

/*
 * iceoryx by its C binding: request and response in loaned chunks, both sides
 * polling, the fastest way it has.  The payload is copied into the request and
 * from it into the response.
 *
 * Its daemon is started by the server and dies with it; what it leaves in
 * /dev/shm and /tmp is removed, as a daemon of somebody else's makes ours fail
 * rather than start.
 */
#include <errno.h>
#include <iceoryx_binding_c/client.h>
#include <iceoryx_binding_c/log.h>
#include <iceoryx_binding_c/runtime.h>
#include <iceoryx_binding_c/server.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "peer.h"

/* ---- the daemon ---- */

static const char pools[] =
    "[general]\n"
    "version = 1\n"
    "[[segment]]\n"
    "[[segment.mempool]]\nsize = 256\ncount = 200\n"
    "[[segment.mempool]]\nsize = 8192\ncount = 100\n"
    "[[segment.mempool]]\nsize = 2097152\ncount = 16\n";

static void write_pools(const char *path)
{
    FILE *const file = fopen(path, "w");
    if (file == NULL || fputs(pools, file) < 0 || fclose(file) != 0) {
        bench_fail("cannot write %s", path);
    }
}

static void become_daemon(const char *config, int out)
{
    dup2(out, 1);
    dup2(out, 2);
    execlp("iox-roudi", "iox-roudi", "-c", config, "-m", "off", (char *)NULL);
    _exit(127);
}

/* Reads what the daemon prints until it says that it is ready. */
static void await_daemon(FILE *out)
{
    char line[512];
    while (fgets(line, sizeof line, out) != NULL) {
        if (strstr(line, "RouDi is ready") != NULL) {
            return;
        }
    }
    bench_fail("iox-roudi did not start; does one run already?");
}

static void start_daemon(const char *name)
{
    char config[160];
    int ends[2];
    snprintf(config, sizeof config, "%s.toml", name);
    write_pools(config);
    if (pipe(ends) != 0) {
        bench_fail("no pipe: %s", strerror(errno));
    }
    if (bench_fork() == 0) {
        become_daemon(config, ends[1]);
    }
    close(ends[1]);
    FILE *const out = fdopen(ends[0], "r");
    if (out != NULL) {
        await_daemon(out);
    }
}

static void tidy(void)
{
    static const char *const left[] = {"/dev/shm/iceoryx_mgmt",
                                       "/dev/shm/root",
                                       "/tmp/roudi",
                                       "/tmp/roudi.lock",
                                       "/tmp/iox-unique-roudi.lock",
                                       "/tmp/shmrpc-bench-client",
                                       "/tmp/shmrpc-bench-client.lock",
                                       "/tmp/shmrpc-bench-server",
                                       "/tmp/shmrpc-bench-server.lock"};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
        unlink(left[i]);
    }
}

/* ---- the echo: a chunk is a length and the bytes ---- */

static void serve(const char *name)
{
    static iox_server_storage_t storage;
    start_daemon(name);
    iox_set_loglevel(Iceoryx_LogLevel_Off);
    iox_runtime_init("shmrpc-bench-server");
    const iox_server_t server =
        iox_server_init(&storage, "bench", "peer", "echo", NULL);
    bench_ready();
    for (;;) {
        const void *request;
        void *reply;
        if (iox_server_take_request(server, &request) !=
            ServerRequestResult_SUCCESS) {
            continue;
        }
        const uint64_t size = *(const uint64_t *)request + sizeof size;
        if (iox_server_loan_response(server, request, &reply, (uint32_t)size) !=
            AllocationResult_SUCCESS) {
            bench_fail("no chunk for the response");
        }
        memcpy(reply, request, size);
        iox_server_send(server, reply);
        iox_server_release_request(server, request);
    }
}

static void *dial(const char *name)
{
    static iox_client_storage_t storage;
    (void)name;
    iox_set_loglevel(Iceoryx_LogLevel_Off);
    iox_runtime_init("shmrpc-bench-client");
    const iox_client_t client =
        iox_client_init(&storage, "bench", "peer", "echo", NULL);
    while (iox_client_get_connection_state(client) !=
           ConnectionState_CONNECTED) {
        sched_yield();
    }
    return client;
}

static void call(void *connection, const peer_message *m)
{
    const iox_client_t client = connection;
    const uint64_t size = m->size;
    void *request;
    const void *reply;
    if (iox_client_loan_request(client, &request,
                                (uint32_t)(size + sizeof size)) !=
        AllocationResult_SUCCESS) {
        bench_fail("no chunk for the request");
    }
    memcpy(request, &size, sizeof size);
    memcpy((char *)request + sizeof size, m->request, m->size);
    iox_client_send(client, request);
    while (iox_client_take_response(client, &reply) !=
           ChunkReceiveResult_SUCCESS) {
    }
    peer_check(m, (const char *)reply + sizeof size, *(const uint64_t *)reply);
    iox_client_release_response(client, reply);
}

static const peer who = {"", serve, dial, call, tidy};

/* Both poll without a break: on one CPU nothing would happen for long. */
#define ALONE_OR_APART (BENCH_IN_APART | BENCH_IN_FREE)

static const bench_case cases[] = {PEER_CASES_IN(
    ALONE_OR_APART, "iceoryx", "iceoryx, loaned chunks, polling", who)};

const bench_suite iceoryx = {cases, sizeof cases / sizeof *cases};

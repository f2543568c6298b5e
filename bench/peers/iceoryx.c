/*
 * iceoryx with its C binding: request and response in loaned chunks, both sides
 * polling, which is its fastest way. The payload is copied into the request,
 * and from the request into the response.
 *
 * The server starts iceoryx's daemon, which dies with the server; its files in
 * /dev/shm and /tmp are removed. If another daemon already runs, ours fails to
 * start.
 */
#include <errno.h>
#include <iceoryx_binding_c/client.h>
#include <iceoryx_binding_c/log.h>
#include <iceoryx_binding_c/publisher.h>
#include <iceoryx_binding_c/runtime.h>
#include <iceoryx_binding_c/server.h>
#include <iceoryx_binding_c/subscriber.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "one_way.h"
#include "peer.h"

/* ---- the daemon ---------------------------------------------------------- */

static const char pools[] =
    "[general]\n"
    "version = 1\n"
    "[[segment]]\n"
    "[[segment.mempool]]\nsize = 256\ncount = 200\n"
    "[[segment.mempool]]\nsize = 8192\ncount = 100\n"
    "[[segment.mempool]]\nsize = 131072\ncount = 100\n"
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

/* Reads the daemon's output until it reports that it is ready. */
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

/* ---- the echo: a chunk holds a length and the bytes ---------------------- */

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

/* ---- records one way ----------------------------------------------------- */

/* The capacity of the subscriber's queue, in records. It must be less than the
 * number of the publisher's chunks. */
#define WAITING 64

typedef struct way {
    size_t bytes;
    unsigned records; /* records taken by one call */
    char folder[BENCH_FOLDER_BYTES];
    iox_sub_t subscriber;
} way;

static void *one_way_setup(const bench_case *self)
{
    way *const w = bench_alloc(sizeof *w);
    *w = (way){.bytes = self->payload, .records = self->calls};
    bench_folder_make(w->folder);
    return w;
}

static void one_way_serve(void *state)
{
    static iox_pub_storage_t storage;
    static const char data[STREAM_LARGE];
    const way *const w = state;
    char name[BENCH_FOLDER_BYTES + 8];
    iox_pub_options_t options;
    snprintf(name, sizeof name, "%s/roudi", w->folder);
    start_daemon(name);
    iox_set_loglevel(Iceoryx_LogLevel_Off);
    iox_runtime_init("shmrpc-bench-server");
    iox_pub_options_init(&options);
    options.subscriberTooSlowPolicy = ConsumerTooSlowPolicy_WAIT_FOR_CONSUMER;
    const iox_pub_t publisher =
        iox_pub_init(&storage, "bench", "peer", "way", &options);
    bench_ready();
    /* Yields, since the daemon needs CPU time to connect the publisher with its
     * subscriber. */
    while (!iox_pub_has_subscribers(publisher)) {
        sched_yield();
    }
    for (;;) {
        void *chunk;
        if (iox_pub_loan_chunk(publisher, &chunk, (uint32_t)w->bytes) !=
            AllocationResult_SUCCESS) {
            continue;
        }
        memcpy(chunk, data, w->bytes);
        iox_pub_publish_chunk(publisher, chunk);
    }
}

static void one_way_dial(void *state)
{
    static iox_sub_storage_t storage;
    way *const w = state;
    iox_sub_options_t options;
    iox_set_loglevel(Iceoryx_LogLevel_Off);
    iox_runtime_init("shmrpc-bench-client");
    iox_sub_options_init(&options);
    options.queueCapacity = WAITING;
    options.queueFullPolicy = QueueFullPolicy_BLOCK_PRODUCER;
    w->subscriber = iox_sub_init(&storage, "bench", "peer", "way", &options);
    while (iox_sub_get_subscription_state(w->subscriber) !=
           SubscribeState_SUBSCRIBED) {
        sched_yield();
    }
}

static void one_way_call(void *state)
{
    const way *const w = state;
    static char data[STREAM_LARGE];
    for (unsigned i = 0; i < w->records; i++) {
        const void *chunk;
        while (iox_sub_take_chunk(w->subscriber, &chunk) !=
               ChunkReceiveResult_SUCCESS) {
        }
        memcpy(data, chunk, w->bytes);
        iox_sub_release_chunk(w->subscriber, chunk);
        /* Keeps the compiler from removing the copy. */
        __asm__ volatile("" : : "r"(data) : "memory");
    }
}

static void one_way_teardown(void *state)
{
    way *const w = state;
    tidy();
    bench_folder_remove(w->folder);
    free(w);
}

#define RUN                                                               \
    .setup = one_way_setup, .serve = one_way_serve, .dial = one_way_dial, \
    .call = one_way_call, .teardown = one_way_teardown
#define ONE_WAY(label, size)                      \
    {                                             \
        ONE_WAY_CASE(label, size, "iceoryx"), RUN \
    }
#define STREAM(label, size, items)                                          \
    {                                                                       \
        STREAM_CASE("", "", label, size, items, ALONE_OR_APART, "iceoryx"), \
            RUN                                                             \
    }

static const peer who = {"", serve, dial, call, tidy};

/* Not on one CPU: both sides poll all the time, and would hardly make
 * progress. */
#define ALONE_OR_APART (BENCH_IN_APART | BENCH_IN_FREE)

static const bench_case cases[] = {
    PEER_CASES_IN(ALONE_OR_APART, "iceoryx", "iceoryx, loaned chunks, polling",
                  who),
    ONE_WAY("64B", 64), ONE_WAY("4K", 4096),
    STREAM("64B", STREAM_SMALL, STREAM_SMALL_ITEMS),
    STREAM("64K", STREAM_LARGE, STREAM_LARGE_ITEMS)};

const bench_suite iceoryx = {cases, sizeof cases / sizeof *cases};

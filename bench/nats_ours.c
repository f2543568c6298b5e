/*
 * Cases that only NATS makes possible: clients without shmrpc, gateways that
 * are killed, copies of a dict on this machine, topics and queues between
 * machines.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "bench_client.h"
#include "bench_server.h"
#include "nats_loop.h"
#include "nats_stage.h"
#include "os/clock.h"
#include "shmrpc/any.h"
#include "shmrpc/queue.h"
#include "shmrpc/topic.h"

enum { TEXT_BYTES = 61 }; /* 64 bytes in msgpack */

typedef struct way way;

typedef struct scene {
    const way *way;
    nats_stage stage;
    char address[96]; /* where the client connects */
    bench_calls *calls;
    nats_loop *foreign;
    shmrpc_topic *topic; /* the topic to which this side publishes */
    shmrpc_sub *sub;
    shmrpc_queue *queue;
    uint64_t sequence;
} scene;

/* Parameters of a case, as its `with`. */
struct way {
    const char *prefix; /* first part of the client's address */
    bool has_nats;      /* whether the address of NATS follows the prefix */
    bool stores;        /* whether the nats-server has JetStream */
    bool has_gateway;   /* whether a gateway runs beside the server all the
                         * time */
};

static void must(int status, const shmrpc_error *error)
{
    if (status != SHMRPC_OK) {
        bench_fail("%s: %s", error->name, error->message);
    }
}

static void *scene_setup(const bench_case *self)
{
    scene *const s = bench_alloc(sizeof *s);
    memset(s, 0, sizeof *s);
    s->way = self->with;
    nats_stage_begin(&s->stage, s->way->stores);
    snprintf(s->address, sizeof s->address, "%s%s", s->way->prefix,
             s->way->has_nats ? s->stage.address : "");
    return s;
}

static void scene_teardown(void *state)
{
    scene *const s = state;
    nats_stage_end(&s->stage);
    free(s);
}

/* ---- the service --------------------------------------------------------- */

static shmrpc_server *server;

static void on_signal(int number)
{
    (void)number;
    shmrpc_server_stop(server);
}

static int small(shmrpc_ctx *ctx, void *user, const bench_small *value,
                 bench_small *ret)
{
    (void)ctx, (void)user;
    *ret = *value;
    return SHMRPC_OK;
}

/* Sleeps for `ns`, so that the call is in progress when its gateway is
 * killed. */
static int work(shmrpc_ctx *ctx, void *user, uint32_t ns, uint32_t *ret)
{
    const struct timespec rest = {.tv_nsec = (long)ns};
    (void)ctx, (void)user;
    nanosleep(&rest, NULL);
    *ret = ns;
    return SHMRPC_OK;
}

static void scene_serve(void *state)
{
    const scene *const s = state;
    const shmrpc_server_opts opts = {.listen = "shm://bench",
                                     .workers = 1,
                                     .force_insecure_serialisation = true};
    bench_calls_impl impl = BENCH_CALLS_IMPL_INIT;
    shmrpc_error error;
    impl.small = small;
    impl.work = work;
    must(shmrpc_server_create(&opts, &server, &error), &error);
    must(bench_calls_serve(server, &impl, NULL, &error), &error);
    signal(SIGTERM, on_signal);
    if (s->way->has_gateway) {
        (void)nats_stage_gateway(&s->stage, "bench:5711");
    }
    bench_ready();
    must(shmrpc_server_run(server, &error), &error);
    shmrpc_server_destroy(server);
}

static void connect_to(scene *s)
{
    shmrpc_error error;
    const shmrpc_opts opts = {.flags = SHMRPC_OPT_WAIT_FOR_READY};
    must(bench_calls_connect(s->address, &opts, &s->calls, &error), &error);
}

static void near_dial(void *state)
{
    connect_to(state);
}

static void near_call(void *state)
{
    scene *const s = state;
    const uint64_t n = ++s->sequence;
    const bench_small value = {n, n + 1, n + 2, n + 3};
    bench_small back;
    shmrpc_error error;
    must(bench_calls_small(s->calls, &value, NULL, &back, &error), &error);
    if (back.sequence != n || back.c != n + 3) {
        bench_fail("call %llu came back wrong", (unsigned long long)n);
    }
}

/* ---- a gateway that is killed -------------------------------------------- */

/* Sleeps up to 100 ms, so that the kill comes at a varying time between two of
 * the client's probes. */
static void rest_a_while(uint64_t number)
{
    const struct timespec rest = {.tv_nsec =
                                      (long)(number * 37 % 100) * 1000000};
    nanosleep(&rest, NULL);
}

/* Starts a gateway for each call, so that it is known which gateway relays the
 * call. */
static void lost_call(void *state)
{
    enum { WORK_NS = 900000000 };
    scene *const s = state;
    const pid_t gateway = nats_stage_gateway(&s->stage, "bench:5711");
    shmrpc_call *call = NULL;
    shmrpc_error error;
    uint32_t back;
    connect_to(s);
    must(bench_calls_work_start(s->calls, WORK_NS, NULL, &call, &error),
         &error);
    rest_a_while(++s->sequence);
    kill(gateway, SIGKILL);
    const int64_t killed_ns = shmrpci_now_ns();
    const int status = bench_calls_work_finish(call, &back, &error);
    bench_took((double)(shmrpci_now_ns() - killed_ns));
    if (status != SHMRPC_E_SERVER_LOST) {
        bench_fail("status %d after a kill, expected SERVER_LOST", status);
    }
    bench_calls_close(s->calls);
    waitpid(gateway, NULL, 0);
}

/* ---- a client without shmrpc --------------------------------------------- */

/* Sends a small call as JSON; the sequence number always has the same
 * length. */
static bool ask_in_json(scene *s, nats_message *out)
{
    char body[128];
    const int len =
        snprintf(body, sizeof body,
                 "{\"value\":{\"sequence\":%llu,"
                 "\"a\":1000000001,\"b\":1000000002,\"c\":1000000003}}",
                 1000000000 + (unsigned long long)++s->sequence);
    nats_loop_put(s->foreign, "shmrpc.bench.call.small", "_INBOX.bench", body,
                  (size_t)len);
    return nats_loop_next(s->foreign, out);
}

/* Retries, because the gateway may not have subscribed yet, or may still be
 * connecting to the service. */
static void foreign_dial(void *state)
{
    scene *const s = state;
    const struct timespec pause = {.tv_nsec = 10000000};
    nats_message answer;
    s->foreign = nats_loop_open(s->stage.server.port, "_INBOX.bench");
    while (!ask_in_json(s, &answer) ||
           memmem(answer.data, answer.len, "sequence", 8) == NULL) {
        nanosleep(&pause, NULL);
    }
}

static void foreign_call(void *state)
{
    scene *const s = state;
    nats_message answer;
    char number[24];
    const bool is_there = ask_in_json(s, &answer);
    const int len = snprintf(number, sizeof number, "%llu",
                             1000000000 + (unsigned long long)s->sequence);
    if (!is_there ||
        memmem(answer.data, answer.len, number, (size_t)len) == NULL) {
        bench_fail("answer %llu differs", (unsigned long long)s->sequence);
    }
}

/* ---- shared objects ------------------------------------------------------ */

static shmrpc_topic *open_topic(const scene *s, const char *name)
{
    char where[128];
    shmrpc_topic *topic = NULL;
    shmrpc_error error;
    snprintf(where, sizeof where, "%s/%s", s->stage.address, name);
    must(shmrpc_topic_open(where, NULL, &topic, &error), &error);
    return topic;
}

/* Opens the topic `out` to publish to, and subscribes to the topic `in`. */
static void open_topics(scene *s, const char *out, const char *in)
{
    shmrpc_error error;
    s->topic = open_topic(s, out);
    must(shmrpc_topic_subscribe(open_topic(s, in), &s->sub, &error), &error);
}

static void publish(scene *s, const shmrpc_any *item)
{
    shmrpc_error error;
    must(shmrpc_topic_publish(s->topic, item, NULL, &error), &error);
}

static const shmrpc_any *next_item(scene *s)
{
    const shmrpc_any *item = NULL;
    shmrpc_error error;
    must(shmrpc_sub_next(s->sub, &item, NULL, &error), &error);
    return item;
}

static void topic_serve(void *state)
{
    scene *const s = state;
    open_topics(s, "bench.answer", "bench.ask");
    bench_ready();
    for (;;) {
        const shmrpc_any *const item = next_item(s);
        publish(s, item);
    }
}

/* Makes an item that holds a number, in a text of constant length. */
static shmrpc_any item_of(scene *s, char text[TEXT_BYTES + 1])
{
    snprintf(text, TEXT_BYTES + 1, "%0*llu", TEXT_BYTES,
             (unsigned long long)++s->sequence);
    return shmrpc_any_str(text);
}

static void check(const shmrpc_any *item, const char *text)
{
    if (item->kind != SHMRPC_ANY_STR || item->u.str.len != TEXT_BYTES ||
        memcmp(item->u.str.ptr, text, TEXT_BYTES) != 0) {
        bench_fail("an item is wrong");
    }
}

/* Retries, because the other side's subscription may still be on its way to the
 * server. */
static void topic_dial(void *state)
{
    static const shmrpc_opts a_second = {.timeout_ns = SHMRPCI_NS_PER_S};
    scene *const s = state;
    const shmrpc_any *back;
    char text[TEXT_BYTES + 1];
    const shmrpc_any item = item_of(s, text);
    open_topics(s, "bench.ask", "bench.answer");
    do {
        publish(s, &item);
    } while (shmrpc_sub_next(s->sub, &back, &a_second, NULL) != SHMRPC_OK);
}

static void topic_call(void *state)
{
    scene *const s = state;
    char text[TEXT_BYTES + 1];
    const shmrpc_any item = item_of(s, text);
    publish(s, &item);
    const shmrpc_any *const back = next_item(s);
    check(back, text);
}

static void queue_dial(void *state)
{
    scene *const s = state;
    char where[128];
    shmrpc_error error;
    snprintf(where, sizeof where, "%s/bench.jobs?storage=memory",
             s->stage.address);
    must(shmrpc_queue_open(where, NULL, &s->queue, &error), &error);
}

static void queue_call(void *state)
{
    scene *const s = state;
    char text[TEXT_BYTES + 1];
    const shmrpc_any item = item_of(s, text);
    const shmrpc_any *back = NULL;
    shmrpc_error error;
    must(shmrpc_queue_push(s->queue, &item, NULL, &error), &error);
    must(shmrpc_queue_pop(s->queue, NULL, &back, &error), &error);
    check(back, text);
    shmrpc_queue_release(s->queue, back);
}

/* ---- the cases ----------------------------------------------------------- */

static const way by_nats = {"", true, false, true};
static const way killed = {"", true, false, false};
static const way by_both = {"shm://,", true, false, true};
static const way by_shm = {"shm://", false, false, true};
static const way stored = {"", true, true, false};

#define SCENE(name_, about_, payload_, places_, contest_, contestant_, way_) \
    .name = (name_), .about = (about_), .payload = (payload_),               \
    .places = (places_), .floor = BENCH_FLOOR_NONE, .contest = (contest_),   \
    .contestant = (contestant_), .with = &(way_), .setup = scene_setup,      \
    .teardown = scene_teardown
#define TWO (BENCH_IN_APART | BENCH_IN_FREE)

static const bench_case cases[] = {
    {SCENE("nats.foreign",
           "a call as JSON, by a client of libnats, through the gateway", 78,
           BENCH_IN_FREE, "foreign 78 B", "json", by_nats),
     .is_ours = 1, .serve = scene_serve, .dial = foreign_dial,
     .call = foreign_call},
    {SCENE("nats.lost", "from kill -9 of the gateway to SERVER_LOST", 4,
           BENCH_IN_FREE, NULL, NULL, killed),
     .serve = scene_serve, .call = lost_call},
    {SCENE("nats.near", "shmrpc.small by shm://,nats://, with a copy here", 40,
           TWO, "near 40 B", "both", by_both),
     .is_ours = 1, .serve = scene_serve, .dial = near_dial, .call = near_call,
     .spins = 1},
    {SCENE("nats.near.shm", "shmrpc.small by shm:// alone", 40, TWO,
           "near 40 B", "shm://", by_shm),
     .serve = scene_serve, .dial = near_dial, .call = near_call, .spins = 1},
    {SCENE("nats.topic",
           "publish an item to a topic, receive one from another topic", 64,
           BENCH_IN_FREE, "nats 64 B", "topic", by_nats),
     .is_ours = 1, .serve = topic_serve, .dial = topic_dial,
     .call = topic_call},
    {SCENE("nats.queue", "push an item into a queue, and pop it", 64,
           BENCH_IN_ALONE, "queue 64 B", "queue", stored),
     .is_ours = 1, .dial = queue_dial, .call = queue_call},
};

const bench_suite nats_ours = {cases, sizeof cases / sizeof *cases};

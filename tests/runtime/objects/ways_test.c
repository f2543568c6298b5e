/*
 * One test suite for each kind of object. It runs for both ways to open an
 * object (by name and through a service), for writing and read-only.
 */
#include "../rpc/sample.h"

#include <stdio.h>

#include "shmrpc/shared_stub.h"

static const shmrpc_opts patient = {.timeout_ns = PATIENCE_NS};

#define EXPECT(call, status)                                       \
    do {                                                           \
        shmrpc_error error = {.name = ""};                         \
        int got = (call);                                          \
        if (got != (status)) {                                     \
            fail_msg("%s: %s: %s, expected %s", way->name, #call,  \
                     error.message[0] != '\0'                      \
                         ? error.message                           \
                         : shmrpc_status_text((shmrpc_status)got), \
                     shmrpc_status_text((shmrpc_status)(status))); \
        }                                                          \
    } while (0)

/* ---- ways ---------------------------------------------------------------- */

#define ROW(kind_, name_, encoding_, key_, element_, flags_, signature_)   \
    {                                                                      \
        .row_bytes = sizeof(shmrpc_shared), .kind = SHMRPC_SHARED_##kind_, \
        .name = name_, .encoding = SHMRPC_ENCODING_##encoding_,            \
        .flags = flags_, .key = key_, .element = element_,                 \
        .signature = signature_                                            \
    }

static const shmrpc_shared rows[] = {
    ROW(QUEUE, "queue", MSGPACK, NULL, &shmrpc_type_any, 0, "queue<any>"),
    ROW(TOPIC, "topic", MSGPACK, NULL, &shmrpc_type_any, 0, "topic<any>"),
    ROW(PIPE, "pipe", RAW, NULL, NULL, 0, "pipe"),
    ROW(DICT, "dict", MSGPACK, &shmrpc_type_any, &shmrpc_type_any, 0,
        "dict<any, any>"),
    ROW(VALUE, "value", MSGPACK, NULL, &shmrpc_type_any, 0, "value<any>"),
};

#define ROWS ((uint32_t)(sizeof rows / sizeof *rows))

static const shmrpc_objects objects = {rows,
                                       ROWS,
                                       shmrpc_stub_shared_make,
                                       shmrpc_stub_shared_end,
                                       shmrpc_stub_shared_restore,
                                       shmrpc_stub_shared_save};
static shmrpc_service service;

typedef struct road {
    const char *name;
    bool is_service;
    shmrpc_client *client; /* NULL: opened by name, or by the server itself */
} road;

static shmrpc_shared_opts opts_of(const road *way, uint32_t flags)
{
    return (shmrpc_shared_opts){.service = way->is_service ? &service : NULL,
                                .client = way->client,
                                .flags = flags};
}

/* ---- the suites ---------------------------------------------------------- */

/* A suite opens one object twice: in the way `way` for writing, and in the way
 * `other`. */
typedef void suite(const road *way, const road *other);

static shmrpc_queue *open_queue(const road *way)
{
    shmrpc_queue *queue = NULL;
    const shmrpc_queue_opts opts = {.shared = opts_of(way, 0)};
    EXPECT(shmrpc_queue_open("queue", &opts, &queue, &error), SHMRPC_OK);
    return queue;
}

static void queues(const road *way, const road *other)
{
    const shmrpc_any *got_item = NULL;
    shmrpc_any item = shmrpc_any_i64(7);
    shmrpc_queue *refused = NULL;
    shmrpc_queue *mine = open_queue(way);
    shmrpc_queue *theirs = open_queue(other);
    EXPECT(shmrpc_queue_push(mine, &item, &patient, &error), SHMRPC_OK);
    EXPECT(shmrpc_queue_pop(theirs, &patient, &got_item, &error), SHMRPC_OK);
    assert_true(got_item->u.i64 == 7);
    shmrpc_queue_release(theirs, got_item);
    /* A queue can't be opened read-only. */
    const shmrpc_queue_opts opts = {
        .shared = opts_of(other, SHMRPC_SHARED_READ_ONLY)};
    EXPECT(shmrpc_queue_open("queue", &opts, &refused, &error),
           SHMRPC_E_INVALID);
    shmrpc_queue_close(mine);
    shmrpc_queue_close(theirs);
}

static shmrpc_pipe *open_pipe(const road *way)
{
    shmrpc_pipe *pipe = NULL;
    const shmrpc_pipe_opts opts = {.shared = opts_of(way, 0)};
    EXPECT(shmrpc_pipe_open("pipe", &opts, &pipe, &error), SHMRPC_OK);
    return pipe;
}

static void pipes(const road *way, const road *other)
{
    char bytes[8] = "";
    size_t len = 0;
    shmrpc_pipe *refused = NULL;
    shmrpc_pipe *mine = open_pipe(way);
    shmrpc_pipe *theirs = open_pipe(other);
    EXPECT(shmrpc_pipe_write(mine, "hello", 5, &patient, &len, &error),
           SHMRPC_OK);
    EXPECT(
        shmrpc_pipe_read(theirs, bytes, sizeof bytes, &patient, &len, &error),
        SHMRPC_OK);
    assert_int_equal(len, 5);
    assert_memory_equal(bytes, "hello", 5);
    const shmrpc_pipe_opts opts = {.shared =
                                       opts_of(other, SHMRPC_SHARED_READ_ONLY)};
    EXPECT(shmrpc_pipe_open("pipe", &opts, &refused, &error), SHMRPC_E_INVALID);
    shmrpc_pipe_close(mine);
    shmrpc_pipe_close(theirs);
}

static shmrpc_topic *open_topic(const road *way, uint32_t flags)
{
    shmrpc_topic *topic = NULL;
    const shmrpc_topic_opts opts = {.shared = opts_of(way, flags)};
    EXPECT(shmrpc_topic_open("topic", &opts, &topic, &error), SHMRPC_OK);
    return topic;
}

static void topics(const road *way, const road *other)
{
    const shmrpc_any *message = NULL;
    shmrpc_any news = shmrpc_any_i64(9);
    shmrpc_topic *mine = open_topic(way, 0);
    for (uint32_t flags = 0; flags < 2; flags++) {
        shmrpc_topic *theirs =
            open_topic(other, flags == 0 ? 0 : SHMRPC_SHARED_READ_ONLY);
        shmrpc_sub *sub = NULL;
        EXPECT(shmrpc_topic_subscribe(theirs, &sub, &error), SHMRPC_OK);
        EXPECT(shmrpc_topic_publish(mine, &news, &patient, &error), SHMRPC_OK);
        EXPECT(shmrpc_sub_next(sub, &message, &patient, &error), SHMRPC_OK);
        assert_true(message->u.i64 == 9);
        EXPECT(shmrpc_topic_publish(theirs, &news, &patient, &error),
               flags == 0 ? SHMRPC_OK : SHMRPC_E_DENIED);
        shmrpc_sub_close(sub);
        shmrpc_topic_close(theirs);
    }
    shmrpc_topic_close(mine);
}

static shmrpc_dict *open_dict(const road *way, uint32_t flags)
{
    shmrpc_dict *dict = NULL;
    const shmrpc_dict_opts opts = {.shared = opts_of(way, flags)};
    EXPECT(shmrpc_dict_open("dict", &opts, &dict, &error), SHMRPC_OK);
    return dict;
}

/* Expects that readers see this number at the path, by get and in a view, and
 * that the dict has one entry. */
static void expect_number(const road *way, shmrpc_dict *dict,
                          const shmrpc_path *path, int64_t number)
{
    const shmrpc_any *found = NULL;
    shmrpc_view *view = NULL;
    uint64_t len = 0;
    EXPECT(shmrpc_dict_get(dict, path, &found, NULL, &error), SHMRPC_OK);
    assert_true(found->u.i64 == number);
    shmrpc_dict_release(dict, found);
    EXPECT(shmrpc_dict_len(dict, NULL, &len, &error), SHMRPC_OK);
    assert_int_equal(len, 1);
    EXPECT(shmrpc_dict_view_open(dict, &view, &error), SHMRPC_OK);
    EXPECT(shmrpc_view_get(view, path, &found, &error), SHMRPC_OK);
    assert_true(found->u.i64 == number);
    shmrpc_view_close(view);
}

static void dicts(const road *way, const road *other)
{
    shmrpc_any key = shmrpc_any_str("k");
    const shmrpc_path path = shmrpc_path_of(&key, 1);
    shmrpc_dict *mine = open_dict(way, 0);
    for (uint32_t flags = 0; flags < 2; flags++) {
        shmrpc_any value = shmrpc_any_i64(20 + flags);
        shmrpc_watch *watch = NULL;
        const shmrpc_event *event = NULL;
        shmrpc_dict *theirs =
            open_dict(other, flags == 0 ? 0 : SHMRPC_SHARED_READ_ONLY);
        EXPECT(shmrpc_dict_watch_open(theirs, NULL, &watch, &error), SHMRPC_OK);
        EXPECT(shmrpc_dict_put(mine, &path, &value, &error), SHMRPC_OK);
        EXPECT(shmrpc_watch_next(watch, &event, &patient, &error), SHMRPC_OK);
        assert_int_equal(event->kind, SHMRPC_EVENT_PUT);
        shmrpc_watch_close(watch);
        expect_number(other, theirs, &path, 20 + flags);
        EXPECT(shmrpc_dict_put(theirs, &path, &value, &error),
               flags == 0 ? SHMRPC_OK : SHMRPC_E_DENIED);
        EXPECT(shmrpc_dict_del(theirs, &path, &error),
               flags == 0 ? SHMRPC_OK : SHMRPC_E_DENIED);
        shmrpc_dict_close(theirs);
    }
    EXPECT(shmrpc_dict_del(mine, &path, &error), SHMRPC_OK);
    shmrpc_dict_close(mine);
}

static shmrpc_value *open_value(const road *way, uint32_t flags)
{
    shmrpc_value *value = NULL;
    const shmrpc_value_opts opts = {.shared = opts_of(way, flags)};
    EXPECT(shmrpc_value_open("value", &opts, &value, &error), SHMRPC_OK);
    return value;
}

static void values(const road *way, const road *other)
{
    shmrpc_value *mine = open_value(way, 0);
    for (uint32_t flags = 0; flags < 2; flags++) {
        const shmrpc_any *found = NULL;
        shmrpc_any tree = shmrpc_any_i64(30 + flags);
        shmrpc_value *theirs =
            open_value(other, flags == 0 ? 0 : SHMRPC_SHARED_READ_ONLY);
        EXPECT(shmrpc_value_put(mine, NULL, &tree, &error), SHMRPC_OK);
        EXPECT(shmrpc_value_get(theirs, NULL, &found, NULL, &error), SHMRPC_OK);
        assert_true(found->u.i64 == 30 + flags);
        shmrpc_value_release(theirs, found);
        EXPECT(shmrpc_value_put(theirs, NULL, &tree, &error),
               flags == 0 ? SHMRPC_OK : SHMRPC_E_DENIED);
        shmrpc_value_close(theirs);
    }
    shmrpc_value_close(mine);
}

static suite *const suites[] = {queues, topics, pipes, dicts, values};

/* ---- all combinations of ways -------------------------------------------- */

static void run_all(const road *one, const road *other)
{
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) {
        suites[i](one, other);
        suites[i](other, one);
    }
}

static void by_name(void **state)
{
    (void)state;
    const road named = {.name = "by name"};
    run_all(&named, &named);
}

static void through_a_service(void **state)
{
    (void)state;
    sample_server s;
    sample_start(&s, "shm", &service, 1);
    road client = {"as a client", true, sample_connect(&s)};
    const road server = {"as the server", true, NULL};
    run_all(&client, &server);
    run_all(&client, &client);
    shmrpc_stub_close(client.client);
    sample_stop(&s);
}

static int set_up(void **state)
{
    (void)state;
    service = sample_service;
    service.objects = &objects;
    sample_folder_make();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sample_folder_remove();
    return 0;
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(by_name),
        CASE(through_a_service),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

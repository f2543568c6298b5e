/* Objects of a service: opened through a client, written by clients that the
 * service allows to write, and ended together with the service, however it
 * ends. */
#include "../rpc/sample.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "objects/handle.h"
#include "shmrpc/shared_stub.h"

#define TABLE(kind_, name_, signature_, key_, flags_, hash_)                 \
    {                                                                        \
        .row_bytes = sizeof(shmrpc_shared), .kind = SHMRPC_SHARED_##kind_,   \
        .name = name_, .encoding = SHMRPC_ENCODING_MSGPACK, .flags = flags_, \
        .key = key_, .element = &shmrpc_type_any, .hash = hash_,             \
        .signature = signature_                                              \
    }

static const shmrpc_shared rows[] = {
    TABLE(QUEUE, "jobs", "queue<any>", NULL, 0, 0),
    TABLE(DICT, "voices", "dict<any, any>", &shmrpc_type_any,
          SHMRPC_SHARED_SERVER_WRITES, 0),
    TABLE(TOPIC, "news", "topic<any>", NULL, 0, 0),
};

static const shmrpc_objects objects = {rows,
                                       3,
                                       shmrpc_stub_shared_make,
                                       shmrpc_stub_shared_end,
                                       shmrpc_stub_shared_restore,
                                       shmrpc_stub_shared_save};
static shmrpc_service service;

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

static const shmrpc_opts patient = {.timeout_ns = PATIENCE_NS};

#define EXPECT(call, status)                                       \
    do {                                                           \
        shmrpc_error error = {.name = ""};                         \
        int got = (call);                                          \
        if (got != (status)) {                                     \
            fail_msg("%s: %s, expected %s", #call, error.message,  \
                     shmrpc_status_text((shmrpc_status)(status))); \
        }                                                          \
    } while (0)

static shmrpc_shared_opts of(shmrpc_client *client)
{
    return (shmrpc_shared_opts){.service = &service, .client = client};
}

static shmrpc_queue *jobs_of(shmrpc_client *client)
{
    shmrpc_queue *queue = NULL;
    const shmrpc_queue_opts opts = {.shared = of(client)};
    EXPECT(shmrpc_queue_open("jobs", &opts, &queue, &error), SHMRPC_OK);
    return queue;
}

static shmrpc_dict *voices_of(shmrpc_client *client)
{
    shmrpc_dict *dict = NULL;
    const shmrpc_dict_opts opts = {.shared = of(client)};
    EXPECT(shmrpc_dict_open("voices", &opts, &dict, &error), SHMRPC_OK);
    return dict;
}

static void push(shmrpc_queue *queue, int64_t number)
{
    shmrpc_any item = shmrpc_any_i64(number);
    EXPECT(shmrpc_queue_push(queue, &item, &patient, &error), SHMRPC_OK);
}

static int64_t pop(shmrpc_queue *queue)
{
    const shmrpc_any *item = NULL;
    EXPECT(shmrpc_queue_pop(queue, &patient, &item, &error), SHMRPC_OK);
    int64_t number = item->u.i64;
    shmrpc_queue_release(queue, item);
    return number;
}

static void clients_and_server_share_a_queue(void **state)
{
    (void)state;
    sample_server s;
    sample_start(&s, "shm", &service, 1);
    shmrpc_client *client = sample_connect(&s);
    shmrpc_queue *theirs = jobs_of(client);
    shmrpc_queue *ours = jobs_of(NULL);
    for (int64_t i = 0; i < 100; i++) {
        push(theirs, i);
        assert_true(pop(ours) == i);
        push(ours, -i);
        assert_true(pop(theirs) == -i);
    }
    /* Only the service can end it. */
    assert_int_equal(shmrpc_queue_destroy(theirs), SHMRPC_E_DENIED);
    push(theirs, 7);
    shmrpc_queue_close(theirs);
    shmrpc_stub_close(client);
    assert_true(pop(ours) == 7);
    shmrpc_queue_close(ours);
    sample_stop(&s);
}

static void only_the_server_writes_where_it_says_so(void **state)
{
    (void)state;
    sample_server s;
    sample_start(&s, "shm", &service, 1);
    shmrpc_client *client = sample_connect(&s);
    shmrpc_dict *theirs = voices_of(client);
    shmrpc_dict *ours = voices_of(NULL);
    shmrpc_any key = shmrpc_any_str("anna");
    shmrpc_any value = shmrpc_any_i64(22050);
    const shmrpc_path path = shmrpc_path_of(&key, 1);
    const shmrpc_any *got_value = NULL;
    EXPECT(shmrpc_dict_put(theirs, &path, &value, &error), SHMRPC_E_DENIED);
    EXPECT(shmrpc_dict_put(ours, &path, &value, &error), SHMRPC_OK);
    EXPECT(shmrpc_dict_get(theirs, &path, &got_value, NULL, &error), SHMRPC_OK);
    assert_true(got_value->u.i64 == 22050);
    shmrpc_dict_release(theirs, got_value);
    shmrpc_dict_close(theirs);
    shmrpc_dict_close(ours);
    shmrpc_stub_close(client);
    sample_stop(&s);
}

static void other_types_are_refused(void **state)
{
    (void)state;
    sample_server s;
    shmrpc_queue *queue = NULL;
    shmrpc_error error = {.name = ""};
    sample_start(&s, "shm", &service, 1);
    const shmrpc_shared other =
        TABLE(QUEUE, "jobs", "queue<test.Job>", NULL, 0, 0x1234);
    shmrpc_shared typed = other;
    typed.element = &shmrpc_type_i64;
    assert_int_equal(
        shmrpc_stub_queue_open_of(NULL, &service, &typed, NULL, &queue, &error),
        SHMRPC_E_CONTRACT);
    assert_non_null(strstr(error.message, "queue<any>"));
    assert_non_null(strstr(error.message, "queue<test.Job>"));
    shmrpc_shared_opts made = of(NULL);
    made.mode = SHMRPC_SHARED_CREATE;
    const shmrpc_queue_opts opts = {.shared = made};
    assert_int_equal(shmrpc_queue_open("jobs", &opts, &queue, &error),
                     SHMRPC_E_INVALID);
    const shmrpc_queue_opts good = {.shared = of(NULL)};
    assert_int_equal(shmrpc_queue_open("job", &good, &queue, &error),
                     SHMRPC_E_NOT_FOUND);
    assert_int_equal(shmrpc_queue_open("voices", &good, &queue, &error),
                     SHMRPC_E_CONTRACT);
    sample_stop(&s);
}

typedef struct sleeper {
    shmrpc_queue *queue;
    int status;
} sleeper;

static void sleep_in_pop(void *user)
{
    sleeper *me = user;
    const shmrpc_any *item = NULL;
    me->status = shmrpc_queue_pop(me->queue, &patient, &item, NULL);
}

static void await_sleeper(shmrpc_queue *queue)
{
    shmrpc_queue_stat stat = {0};
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    do {
        EXPECT(shmrpc_queue_stat_read(queue, &stat), SHMRPC_OK);
    } while (stat.sleep_count == 0 && shmrpci_now_ns() < deadline_ns);
}

static void objects_end_with_their_service(void **state)
{
    (void)state;
    sample_server s;
    shmrpci_thread thread;
    shmrpc_any item = shmrpc_any_i64(1);
    sample_start(&s, "shm", &service, 1);
    shmrpc_client *client = sample_connect(&s);
    sleeper one = {.queue = jobs_of(client), .status = 1};
    assert_int_equal(
        shmrpci_thread_create(&thread, "sleeper", sleep_in_pop, &one),
        SHMRPC_OK);
    await_sleeper(one.queue);
    sample_stop(&s);
    shmrpci_thread_join(&thread);
    assert_int_equal(one.status, SHMRPC_E_DESTROYED);
    EXPECT(shmrpc_queue_push(one.queue, &item, &patient, &error),
           SHMRPC_E_DESTROYED);
    shmrpc_queue_close(one.queue);
    shmrpc_stub_close(client);
}

/* Starts a server in a process of its own, to be killed: only the kernel
 * reports its death. */
static pid_t start_apart(shmrpc_client **out_client)
{
    char where[128];
    int ready[2];
    sample_address("shm", where);
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        sample_server s;
        sample_start_at(&s, where, &service, 1);
        (void)!write(ready[1], "r", 1);
        for (;;) {
            (void)pause();
        }
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    (void)close(ready[1]);
    sample_server s = {.status = 0};
    (void)snprintf(s.where, sizeof s.where, "%s", where);
    *out_client = sample_connect(&s);
    return pid;
}

static void kill_it(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void objects_end_with_a_killed_server(void **state)
{
    (void)state;
    shmrpc_client *client;
    pid_t pid = start_apart(&client);
    shmrpc_queue *queue = jobs_of(client);
    shmrpc_dict *dict = voices_of(client);
    push(queue, 1);
    kill_it(pid);
    shmrpc_any key = shmrpc_any_str("anna");
    const shmrpc_path path = shmrpc_path_of(&key, 1);
    const shmrpc_any *got_value = NULL;
    shmrpc_any value = shmrpc_any_i64(2);
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    int pushed;
    int got;
    do {
        pushed = shmrpc_queue_push(queue, &value, &patient, NULL);
        got = shmrpc_dict_get(dict, &path, &got_value, NULL, NULL);
    } while ((pushed == SHMRPC_OK || got == SHMRPC_E_NOT_FOUND) &&
             shmrpci_now_ns() < deadline_ns);
    assert_int_equal(pushed, SHMRPC_E_DESTROYED);
    assert_int_equal(got, SHMRPC_E_DESTROYED);
    shmrpc_queue_close(queue);
    shmrpc_dict_close(dict);
    shmrpc_stub_close(client);
}

static bool is_marked(const shmrpc_queue *queue)
{
    const shmrpci_handle *handle = (const shmrpci_handle *)(const void *)queue;
    const shmrpci_region *region = handle->face->region(handle);
    return shmrpci_load_seq(&shmrpci_region_state_of(region)->destroyed) != 0;
}

/* The thread must not wait for the end of a slice, which may have grown long by
 * then. */
static void who_waits_is_told_of_a_killed_server(void **state)
{
    (void)state;
    shmrpc_client *client;
    shmrpci_thread thread;
    pid_t pid = start_apart(&client);
    sleeper one = {.queue = jobs_of(client), .status = 1};
    shmrpc_queue *closed = jobs_of(client);
    assert_int_equal(
        shmrpci_thread_create(&thread, "sleeper", sleep_in_pop, &one),
        SHMRPC_OK);
    await_sleeper(one.queue);
    shmrpc_queue_close(closed);
    kill_it(pid);
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (!is_marked(one.queue) && shmrpci_now_ns() < deadline_ns) {
        shmrpci_thread_yield();
    }
    assert_true(is_marked(one.queue));
    shmrpci_thread_join(&thread);
    assert_int_equal(one.status, SHMRPC_E_DESTROYED);
    shmrpc_queue_close(one.queue);
    shmrpc_stub_close(client);
}

static bool is_missed(const shmrpc_dict *dict)
{
    const shmrpci_handle *handle = (const shmrpci_handle *)(const void *)dict;
    return shmrpci_load_relaxed(
               &handle->face->region(handle)->owner->is_gone) != 0;
}

/* Tests the case that no process is left that may write. */
static void readers_are_told_of_a_killed_server(void **state)
{
    (void)state;
    shmrpc_client *client;
    shmrpc_watch *watch = NULL;
    const shmrpc_event *event;
    pid_t pid = start_apart(&client);
    shmrpc_dict *dict = voices_of(client);
    EXPECT(shmrpc_dict_watch_open(dict, NULL, &watch, &error), SHMRPC_OK);
    kill_it(pid);
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (!is_missed(dict) && shmrpci_now_ns() < deadline_ns) {
        shmrpci_thread_yield();
    }
    assert_true(is_missed(dict));
    EXPECT(shmrpc_watch_next(watch, &event, &patient, &error),
           SHMRPC_E_DESTROYED);
    shmrpc_watch_close(watch);
    shmrpc_dict_close(dict);
    shmrpc_stub_close(client);
}

/* The child opens the same memory, whose descriptor it has inherited. */
static void forked_child_goes_on(void **state)
{
    (void)state;
    sample_server s;
    sample_start(&s, "shm", &service, 1);
    shmrpc_client *client = sample_connect(&s);
    shmrpc_queue *queue = jobs_of(client);
    pid_t pid = fork();
    if (pid == 0) {
        shmrpc_any item = shmrpc_any_i64(5);
        _exit(shmrpc_queue_push(queue, &item, &patient, NULL) == SHMRPC_OK ? 0
                                                                           : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(pop(queue) == 5);
    shmrpc_queue_close(queue);
    shmrpc_stub_close(client);
    sample_stop(&s);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(clients_and_server_share_a_queue),
        CASE(only_the_server_writes_where_it_says_so),
        CASE(other_types_are_refused),
        CASE(objects_end_with_their_service),
        CASE(objects_end_with_a_killed_server),
        CASE(who_waits_is_told_of_a_killed_server),
        CASE(readers_are_told_of_a_killed_server),
        CASE(forked_child_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

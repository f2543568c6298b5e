/* Statistics of services in this process, at each kind of address. */
#include "shmrpc/observe.h"

#include "sample.h"

#include <stdio.h>

#include "shmrpc/discover.h"

static shmrpc_stats *open_stats(const char *where)
{
    shmrpc_stats *stats = NULL;
    shmrpc_error error;
    if (shmrpc_stats_open(where, sample_service.port, NULL, &stats, &error) !=
        SHMRPC_OK) {
        fail_msg("%s: %s", where, error.message);
    }
    return stats;
}

static shmrpc_snapshot *take(shmrpc_stats *stats)
{
    shmrpc_snapshot *snapshot = NULL;
    shmrpc_error error;
    if (shmrpc_stats_read(stats, &snapshot, &error) != SHMRPC_OK) {
        fail_msg("%s", error.message);
    }
    return snapshot;
}

static shmrpc_snapshot *take_at(const char *where)
{
    shmrpc_stats *stats = open_stats(where);
    shmrpc_snapshot *snapshot = take(stats);
    shmrpc_stats_close(stats);
    return snapshot;
}

static void expect_call(shmrpc_client *client, uint32_t method,
                        const void *params, int status)
{
    const void *reply = NULL;
    shmrpc_error error;
    assert_int_equal(
        shmrpc_stub_call_reply(client, method, params, NULL, &reply, &error),
        status);
    shmrpc_stub_release(reply);
}

static void describe(const char *where)
{
    char *text = NULL;
    size_t len;
    assert_int_equal(
        shmrpc_describe(where, sample_service.port, NULL, &text, &len, NULL),
        SHMRPC_OK);
    free(text);
}

static void calls_are_counted_over(const char *scheme)
{
    sample_server s;
    sample_folder_make();
    sample_start(&s, scheme, &sample_service, 2);
    shmrpc_client *client = sample_connect(&s);
    for (int i = 0; i < 10; i++) {
        sample_add(client, i, 1);
    }
    const pair_params large = {INT64_MAX, 1};
    expect_call(client, ADD, &large, OVERFLOW_ERROR);
    expect_call(client, ADD_MSGPACK, &large, OVERFLOW_ERROR);
    expect_call(client, THROW, NULL, DETAILED_ERROR);
    expect_call(client, MISSING, NULL, SHMRPC_E_UNIMPLEMENTED);
    expect_call(client, LONG_RESULT, NULL, SHMRPC_E_INTERNAL);
    const pair_params fill = {100000, 'x'};
    expect_call(client, FILL, &fill, SHMRPC_OK);
    describe(s.where);
    shmrpc_snapshot *now = take_at(s.where);
    assert_string_equal(shmrpc_snapshot_service(now)->name,
                        sample_service.name);
    const shmrpc_method_stats *add = shmrpc_snapshot_method(now, ADD);
    assert_string_equal(add->name, sample_methods[ADD].name);
    assert_int_equal(add->id, ADD + 1);
    assert_int_equal(add->calls, 11);
    assert_int_equal(add->errors, 1);
    assert_int_equal(
        shmrpc_snapshot_errors(now, ADD, SHMRPC_DECLARED_ERROR_MIN), 1);
    assert_int_equal(
        shmrpc_snapshot_declared(now, ADD, SHMRPC_DECLARED_ERROR_MIN), 1);
    assert_int_equal(
        shmrpc_snapshot_declared(now, ADD, SHMRPC_DECLARED_ERROR_MIN + 1), 0);
    assert_int_equal(shmrpc_snapshot_declared(now, ADD, -1), 0);
    assert_int_equal(
        shmrpc_snapshot_errors(now, THROW, SHMRPC_DECLARED_ERROR_MIN), 1);
    assert_int_equal(
        shmrpc_snapshot_errors(now, MISSING, SHMRPC_E_UNIMPLEMENTED), 1);
    assert_int_equal(
        shmrpc_snapshot_errors(now, LONG_RESULT, SHMRPC_E_INTERNAL), 1);
    assert_true(shmrpc_snapshot_method(now, FILL)->bytes_out >= 100000);
    assert_int_equal(shmrpc_snapshot_method(now, SAMPLE_METHODS)->calls, 1);
    const shmrpc_method_stats *all =
        shmrpc_snapshot_method(now, SHMRPC_STATS_ALL);
    assert_int_equal(all->calls, 17);
    assert_int_equal(all->errors, 5);
    shmrpc_snapshot_free(now);
    shmrpc_stub_close(client);
    sample_stop(&s);
    sample_folder_remove();
}

static void calls_are_counted(void **state)
{
    (void)state;
    calls_are_counted_over("shm");
    calls_are_counted_over("inproc");
}

/* A service with two addresses, each with its own workers, has one set of
 * statistics. */
static void calls_at_all_addresses_are_counted_together(void **state)
{
    (void)state;
    sample_server s;
    char shm[128];
    char inproc[128];
    char both[300];
    sample_folder_make();
    sample_address("shm", shm);
    sample_address("inproc", inproc);
    (void)snprintf(both, sizeof both, "%s,%s", shm, inproc);
    sample_start_at(&s, both, &sample_service, 1);
    const char *const places[] = {shm, inproc};
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(s.where, sizeof s.where, "%s", places[i]);
        shmrpc_client *client = sample_connect(&s);
        sample_add(client, 1, 2);
        shmrpc_stub_close(client);
    }
    for (size_t i = 0; i < 2; i++) {
        shmrpc_snapshot *now = take_at(places[i]);
        assert_int_equal(shmrpc_snapshot_method(now, ADD)->calls, 2);
        assert_int_equal(shmrpc_snapshot_service(now)->worker_count, 2);
        for (uint32_t w = 0; w < 2; w++) {
            assert_int_equal(shmrpc_snapshot_worker(now, w)->calls, 1);
        }
        shmrpc_snapshot_free(now);
    }
    sample_stop(&s);
    sample_folder_remove();
}

/* An idle worker sleeps, and the next call wakes it. */
static void waiting_is_counted(void **state)
{
    (void)state;
    sample_server s;
    sample_folder_make();
    sample_start(&s, "shm", &sample_service, 1);
    shmrpc_client *client = sample_connect(&s);
    shmrpc_stats *stats = open_stats(s.where);
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    uint64_t slept = 0;
    while (slept < 2) {
        shmrpc_snapshot *now = take(stats);
        const shmrpc_worker_stats *worker = shmrpc_snapshot_worker(now, 0);
        uint64_t sleeps = worker != NULL ? worker->sleeps : 0;
        if (sleeps > slept) {
            slept = sleeps;
            sample_add(client, 1, 1);
        }
        shmrpc_snapshot_free(now);
        assert_true(shmrpci_remaining_ns(deadline_ns) > 0);
    }
    shmrpc_snapshot *now = take(stats);
    const shmrpc_worker_stats *worker = shmrpc_snapshot_worker(now, 0);
    assert_true(worker->wakes >= 1);
    assert_true(worker->hits <= worker->spins);
    assert_true(worker->futile <= worker->wakes);
    shmrpc_snapshot_free(now);
    shmrpc_stats_close(stats);
    shmrpc_stub_close(client);
    sample_stop(&s);
    sample_folder_remove();
}

static void who_can_not_be_asked_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *where;
        int status;
    } cases[] = {
        {"inproc://nobody-here", SHMRPC_E_UNAVAILABLE},
        {"shm://nobody-here", SHMRPC_E_UNAVAILABLE},
        {"tcp://127.0.0.1:1", SHMRPC_E_UNIMPLEMENTED},
        {"nonsense://x", SHMRPC_E_INVALID},
        {"tcp://127.0.0.1:1,shm://nobody-here", SHMRPC_E_UNAVAILABLE},
    };
    sample_folder_make();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        shmrpc_stats *stats;
        shmrpc_error error = {.message = ""};
        assert_int_equal(shmrpc_stats_open(cases[i].where, sample_service.port,
                                           NULL, &stats, &error),
                         cases[i].status);
        assert_true(error.message[0] != '\0');
    }
    const shmrpc_opts opts = {.timeout_ns = -1};
    shmrpc_stats *stats;
    assert_int_equal(
        shmrpc_stats_open("shm://x", sample_service.port, &opts, &stats, NULL),
        SHMRPC_E_INVALID);
    shmrpc_stats_close(NULL);
    shmrpc_snapshot_free(NULL);
    sample_folder_remove();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_are_counted),
        cmocka_unit_test(calls_at_all_addresses_are_counted_together),
        cmocka_unit_test(waiting_is_counted),
        cmocka_unit_test(who_can_not_be_asked_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

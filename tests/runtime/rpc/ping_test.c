/* The built-in method _ping: a worker answers it, and nothing else changes. */
#include "sample.h"

#include "shmrpc/client.h"
#include "shmrpc/discover.h"
#include "shmrpc/observe.h"

static shmrpc_error error;

static int64_t ping(shmrpc_client *client)
{
    int64_t round_trip_ns = 0;
    int status = shmrpc_ping(client, NULL, &round_trip_ns, &error);
    if (status != SHMRPC_OK) {
        fail_msg("ping: %d, %s", status, error.message);
    }
    return round_trip_ns;
}

static void a_worker_answers_within_the_time_that_passed(void **state)
{
    sample_server s;
    sample_folder_make();
    sample_start(&s, *state, &sample_service, 1);
    shmrpc_client *client = sample_connect(&s);
    int64_t began_ns = shmrpci_now_ns();
    int64_t round_trip_ns = ping(client);
    assert_in_range(round_trip_ns, 1, shmrpci_now_ns() - began_ns);
    sample_add(client, 1, 2); /* the slot is free again */
    shmrpc_stub_close(client);
    sample_stop(&s);
    sample_folder_remove();
}

/* Nobody answers while the only worker is in a call. */
static void a_busy_service_costs_the_deadline(void **state)
{
    sample_server s;
    sample_folder_make();
    sample_start(&s, *state, &sample_service, 1);
    shmrpc_client *client = sample_connect(&s);
    shmrpc_call *held = NULL;
    const shmrpc_opts patient = {.timeout_ns = PATIENCE_NS};
    assert_int_equal(
        shmrpc_stub_start(client, HOLD, NULL, &patient, &held, &error),
        SHMRPC_OK);
    sample_await(&s.state, &s.state.entered, 1);
    const shmrpc_opts opts = {.timeout_ns = 20 * SHMRPCI_NS_PER_MS};
    int64_t round_trip_ns = -1;
    assert_int_equal(shmrpc_ping(client, &opts, &round_trip_ns, &error),
                     SHMRPC_E_DEADLINE);
    assert_int_equal(round_trip_ns, -1);
    assert_non_null(strstr(error.message, "_ping"));
    sample_open(&s.state);
    assert_int_equal(
        shmrpc_stub_finish(held, &sample_service, HOLD, NULL, &error),
        SHMRPC_OK);
    (void)ping(client);
    shmrpc_stub_close(client);
    sample_stop(&s);
    sample_folder_remove();
}

static shmrpc_method_stats totals(shmrpc_stats *stats)
{
    shmrpc_snapshot *snapshot;
    assert_int_equal(shmrpc_stats_read(stats, &snapshot, &error), SHMRPC_OK);
    shmrpc_method_stats all =
        *shmrpc_snapshot_method(snapshot, SHMRPC_STATS_ALL);
    shmrpc_snapshot_free(snapshot);
    return all;
}

static void pings_are_not_counted(void **state)
{
    (void)state;
    sample_server s;
    shmrpc_stats *stats;
    sample_folder_make();
    sample_start(&s, "shm", &sample_service, 1);
    shmrpc_client *client = sample_connect(&s);
    sample_add(client, 1, 2);
    for (int i = 0; i < 10; i++) {
        (void)ping(client);
    }
    sample_add(client, 1, 2); /* all earlier calls have been counted */
    assert_int_equal(
        shmrpc_stats_open(s.where, sample_service.port, NULL, &stats, &error),
        SHMRPC_OK);
    shmrpc_method_stats all = totals(stats);
    assert_int_equal(all.calls, 2);
    assert_true(all.service.count <= 2);
    shmrpc_stats_close(stats);
    shmrpc_stub_close(client);
    sample_stop(&s);
    sample_folder_remove();
}

static void a_server_that_came_back_answers(void **state)
{
    (void)state;
    sample_server s;
    sample_folder_make();
    sample_start(&s, "shm", &sample_service, 1);
    shmrpc_client *client = sample_connect(&s);
    (void)ping(client);
    sample_stop(&s);
    sample_start_at(&s, s.where, &sample_service, 1);
    (void)ping(client);
    shmrpc_client_stats after;
    shmrpc_stub_read_stats(client, &after);
    assert_int_equal(after.reconnects, 1);
    shmrpc_stub_close(client);
    sample_stop(&s);
    sample_folder_remove();
}

/* A tool can ping a service that it has found at run time: it needs to know
 * only the service's port. */
static void no_method_need_be_known(void **state)
{
    (void)state;
    sample_server s;
    sample_folder_make();
    sample_start(&s, "shm", &sample_service, 1);
    const shmrpc_service any = {.rows = SHMRPC_ROWS_INIT,
                                .name = "",
                                .id = "",
                                .port = sample_service.port};
    shmrpc_client *client;
    assert_int_equal(shmrpc_stub_connect(&any, s.where, NULL, &client, &error),
                     SHMRPC_OK);
    (void)ping(client);
    shmrpc_stub_close(client);
    sample_stop(&s);
    sample_folder_remove();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_OVER_ALL(a_worker_answers_within_the_time_that_passed),
        SAMPLE_OVER_ALL(a_busy_service_costs_the_deadline),
        cmocka_unit_test(pings_are_not_counted),
        cmocka_unit_test(a_server_that_came_back_answers),
        cmocka_unit_test(no_method_need_be_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

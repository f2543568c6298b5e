/* Calls that kill their server, which is restarted each time. */
#include "restart.h"

#include <pthread.h>
#include <shmrpc/client.h>
#include <signal.h>

#include "life_client.h"

typedef struct keeper {
    pthread_t thread;
    char where[96];
    child server;       /* used by the keeper's thread only */
    atomic_int serving; /* process id of the server; 0: none */
    atomic_bool stop;
    unsigned starts;
} keeper;

/* Restarts the server each time it dies. */
static void *keep(void *user)
{
    keeper *k = user;
    for (;;) {
        (void)harness_wait(&k->server);
        atomic_store(&k->serving, 0);
        if (atomic_load(&k->stop)) {
            return NULL;
        }
        k->server = harness_serve(LIFE_SERVER, k->where, "1");
        k->starts++;
        atomic_store(&k->serving, (int)k->server.pid);
    }
}

static life_life *keeper_start(keeper *k)
{
    life_life *client = NULL;
    *k = (keeper){.starts = 0};
    restart_clear_book();
    harness_address("life", k->where);
    k->server = harness_serve(LIFE_SERVER, k->where, "1");
    atomic_store(&k->serving, (int)k->server.pid);
    assert_int_equal(life_life_connect(k->where, NULL, &client, NULL), 0);
    assert_int_equal(pthread_create(&k->thread, NULL, keep, k), 0);
    return client;
}

static void keeper_stop(keeper *k, life_life *client)
{
    shmrpc_error error;
    uint64_t back = 0;
    /* Wait until the server serves again: only then is it known which process
     * to end. */
    if (life_life_again(client, 0, 0, NULL, &back, &error) != 0) {
        fail_msg("%s", error.message);
    }
    life_life_close(client);
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    while (atomic_load(&k->serving) == 0) {
        assert_true(harness_now_ns() < deadline_ns);
    }
    atomic_store(&k->stop, true);
    (void)kill(atomic_load(&k->serving), SIGKILL);
    (void)pthread_join(k->thread, NULL);
}

void idempotent_call_outlives_servers_but_not_three(void **state)
{
    (void)state;
    for (uint32_t deaths = 0; deaths <= 3; deaths++) {
        keeper k;
        life_life *client = keeper_start(&k);
        shmrpc_client_stats stats;
        shmrpc_error error = {.message = ""};
        uint64_t back = 0;
        int status = life_life_again(client, 7, deaths, NULL, &back, &error);
        assert_int_equal(status, deaths < 3 ? SHMRPC_OK : SHMRPC_E_SERVER_LOST);
        assert_int_equal(atomic_load(&book->runs[7]),
                         deaths < 3 ? deaths + 1 : 3);
        life_life_read_stats(client, &stats);
        assert_int_equal(stats.retried, deaths < 3 ? deaths : 2);
        keeper_stop(&k, client);
        assert_int_equal(k.starts, deaths);
    }
}

void other_call_runs_once_and_says_that_it_may_have(void **state)
{
    (void)state;
    keeper k;
    life_life *client = keeper_start(&k);
    shmrpc_error error;
    uint64_t back = 0;
    assert_int_equal(life_life_once(client, 7, 1, NULL, &back, &error),
                     SHMRPC_E_SERVER_LOST);
    assert_non_null(strstr(error.message, "once"));
    assert_non_null(strstr(error.message, "it may have run"));
    assert_true(error.may_have_run);
    assert_int_equal(atomic_load(&book->runs[7]), 1);
    /* The handle still works. */
    assert_int_equal(life_life_once(client, 8, 0, NULL, &back, &error), 0);
    assert_int_equal(back, 24);
    keeper_stop(&k, client);
}

/* Each call kills every server that it reaches. */
void storm_of_retries_costs_a_tenth_more(void **state)
{
    (void)state;
    const unsigned calls = harness_is_long() ? 200 : 30;
    keeper k;
    life_life *client = keeper_start(&k);
    shmrpc_client_stats stats;
    unsigned runs = 0;
    for (unsigned i = 1; i <= calls; i++) {
        shmrpc_error error;
        uint64_t back = 0;
        assert_int_equal(
            life_life_insistent(client, i, UINT32_MAX, NULL, &back, &error),
            SHMRPC_E_SERVER_LOST);
        runs += atomic_load(&book->runs[i]);
    }
    life_life_read_stats(client, &stats);
    assert_int_equal(runs, calls + stats.retried);
    assert_in_range(runs, calls + 1, calls + calls / 10);
    keeper_stop(&k, client);
}

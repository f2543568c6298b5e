/* Objects that a service keeps on disk: its server saves them, whether it has
 * worker processes or threads, and the next server loads them. */
#include "harness.h"

#include <ftw.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "keep_client.h"

static keep_keep *connect_to(void)
{
    keep_keep *client = NULL;
    shmrpc_error error;
    if (keep_keep_connect("shm://keep", NULL, &client, &error) != SHMRPC_OK) {
        fail_msg("%s", error.message);
    }
    return client;
}

static keep_numbers_dict *numbers_of(keep_keep *client)
{
    keep_numbers_dict *dict = NULL;
    shmrpc_error error;
    if (keep_numbers_open(client, NULL, &dict, &error) != SHMRPC_OK) {
        fail_msg("%s", error.message);
    }
    return dict;
}

static void put(uint64_t key)
{
    shmrpc_error error;
    keep_newest_value *newest = NULL;
    keep_keep *client = connect_to();
    keep_numbers_dict *dict = numbers_of(client);
    uint64_t value = key * 10;
    assert_int_equal(keep_numbers_put(dict, key, &value, &error), SHMRPC_OK);
    assert_int_equal(keep_newest_open(client, NULL, &newest, &error),
                     SHMRPC_OK);
    assert_int_equal(keep_newest_put(newest, &key, &error), SHMRPC_OK);
    keep_newest_close(newest);
    keep_numbers_close(dict);
    keep_keep_close(client);
}

/* Expects all keys up to `last`. */
static void expect_up_to(uint64_t last)
{
    shmrpc_error error;
    keep_newest_value *newest = NULL;
    uint64_t value = 0;
    uint64_t len = 0;
    keep_keep *client = connect_to();
    keep_numbers_dict *dict = numbers_of(client);
    assert_int_equal(keep_numbers_len(dict, &len, &error), SHMRPC_OK);
    assert_int_equal(len, last);
    for (uint64_t key = 1; key <= last; key++) {
        assert_int_equal(keep_numbers_get(dict, key, &value, &error),
                         SHMRPC_OK);
        assert_int_equal(value, key * 10);
    }
    assert_int_equal(keep_newest_open(client, NULL, &newest, &error),
                     SHMRPC_OK);
    assert_int_equal(keep_newest_get(newest, &value, &error), SHMRPC_OK);
    assert_int_equal(value, last);
    keep_newest_close(newest);
    keep_numbers_close(dict);
    keep_keep_close(client);
}

/* Waits until both objects were saved after this moment. */
static void await_snapshot(void)
{
    shmrpc_error error;
    struct timespec now;
    shmrpc_dict_stat stat = {.entry_count = 0};
    shmrpc_dict_stat other = {.entry_count = 0};
    keep_newest_value *newest = NULL;
    keep_keep *client = connect_to();
    keep_numbers_dict *dict = numbers_of(client);
    assert_int_equal(keep_newest_open(client, NULL, &newest, &error),
                     SHMRPC_OK);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    int64_t after_ns = now.tv_sec * S + now.tv_nsec;
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    do {
        static const struct timespec slice = {.tv_nsec = 5 * MS};
        assert_true(harness_now_ns() < deadline_ns);
        (void)nanosleep(&slice, NULL);
        assert_int_equal(keep_numbers_stat(dict, &stat), SHMRPC_OK);
        assert_int_equal(keep_newest_stat(newest, &other), SHMRPC_OK);
    } while (stat.snapshot_ns <= after_ns || other.snapshot_ns <= after_ns);
    assert_int_equal(stat.snapshot_failure_count, 0);
    keep_newest_close(newest);
    keep_numbers_close(dict);
    keep_keep_close(client);
}

static child serve(const char *workers)
{
    return workers != NULL
               ? harness_serve_by(KEEP_SERVER, "shm://keep", workers, "1")
               : harness_serve(KEEP_SERVER, "shm://keep", "1");
}

static int remove_one(const char *path, const struct stat *info, int kind,
                      struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

static void lives_on(const char *workers)
{
    char path[128];
    child server = serve(workers);
    put(1);
    harness_signal(&server, SIGTERM);
    server = serve(workers);
    expect_up_to(1);
    put(2);
    await_snapshot();
    harness_signal(&server, SIGKILL);
    server = serve(workers);
    expect_up_to(2);
    harness_signal(&server, SIGTERM);
    (void)snprintf(path, sizeof path, "%s/snapshots", harness_folder);
    assert_int_equal(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void a_supervisor_saves_what_its_service_has(void **state)
{
    (void)state;
    lives_on("2");
}

static void threads_do_too(void **state)
{
    (void)state;
    lives_on(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_supervisor_saves_what_its_service_has),
        cmocka_unit_test(threads_do_too),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}

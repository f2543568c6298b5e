/* Snapshots of a service's objects: they are written while it runs and when it
 * ends, loaded by the next server, and stay intact whichever process dies. */
#include "../rpc/sample.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "objects/handle.h"
#include "objects/snapshot_file.h"
#include "shmrpc/shared_stub.h"
#include "shmrpc/value.h"

#define TABLE(kind_, name_, signature_, key_, every_ns_)                   \
    {                                                                      \
        .row_bytes = sizeof(shmrpc_shared), .kind = SHMRPC_SHARED_##kind_, \
        .name = name_, .encoding = SHMRPC_ENCODING_MSGPACK, .key = key_,   \
        .element = &shmrpc_type_any, .signature = signature_,              \
        .snapshot_ns = every_ns_                                           \
    }

/* Not constant: some tests change the interval. */
static shmrpc_shared rows[] = {
    TABLE(QUEUE, "jobs", "queue<any>", NULL, 0),
    TABLE(DICT, "voices", "dict<any, any>", &shmrpc_type_any, 0),
    TABLE(DICT, "passing", "dict<any, any>", &shmrpc_type_any, 0),
    TABLE(VALUE, "config", "value<any>", NULL, 0),
};

static const shmrpc_objects objects = {rows,
                                       4,
                                       shmrpc_stub_shared_make,
                                       shmrpc_stub_shared_end,
                                       shmrpc_stub_shared_restore,
                                       shmrpc_stub_shared_save};
static shmrpc_service service;
static char where[128];

static const char *file_of(const char *end)
{
    static char path[512];
    (void)snprintf(path, sizeof path, "%s/snapshots/services/%s/%s",
                   getenv("SHMRPC_DIR"), where + strlen("shm://"), end);
    return path;
}

static int remove_one(const char *path, const struct stat *info, int kind,
                      struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

static int set_up(void **state)
{
    (void)state;
    service = sample_service;
    service.objects = &objects;
    rows[1].snapshot_ns = 3600 * SHMRPCI_NS_PER_S;
    rows[3].snapshot_ns = 3600 * SHMRPCI_NS_PER_S;
    sample_folder_make();
    sample_address("shm", where);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char path[512];
    (void)unsetenv("SHMRPC_SNAPSHOT_DIR");
    (void)snprintf(path, sizeof path, "%s/snapshots", getenv("SHMRPC_DIR"));
    (void)nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    sample_folder_remove();
    return 0;
}

#define EXPECT(call, status)                                       \
    do {                                                           \
        shmrpc_error error = {.name = ""};                         \
        int got = (call);                                          \
        if (got != (status)) {                                     \
            fail_msg("%s: %s, expected %s", #call, error.message,  \
                     shmrpc_status_text((shmrpc_status)(status))); \
        }                                                          \
    } while (0)

static shmrpc_dict *dict_of(shmrpc_client *client, const char *name)
{
    shmrpc_dict *dict = NULL;
    const shmrpc_dict_opts opts = {
        .shared = {.service = &service, .client = client}};
    EXPECT(shmrpc_dict_open(name, &opts, &dict, &error), SHMRPC_OK);
    return dict;
}

static void put(shmrpc_dict *dict, int64_t number)
{
    shmrpc_any key = shmrpc_any_str("k");
    shmrpc_any value = shmrpc_any_i64(number);
    const shmrpc_path path = shmrpc_path_of(&key, 1);
    EXPECT(shmrpc_dict_put(dict, &path, &value, &error), SHMRPC_OK);
}

/* Returns -1 if there is no value. */
static int64_t get(shmrpc_dict *dict)
{
    shmrpc_any key = shmrpc_any_str("k");
    const shmrpc_path path = shmrpc_path_of(&key, 1);
    const shmrpc_any *value = NULL;
    int status = shmrpc_dict_get(dict, &path, &value, NULL, NULL);
    if (status == SHMRPC_E_NOT_FOUND) {
        return -1;
    }
    assert_int_equal(status, SHMRPC_OK);
    int64_t number = value->u.i64;
    shmrpc_dict_release(dict, value);
    return number;
}

static shmrpc_dict_stat stat_of(shmrpc_dict *dict)
{
    shmrpc_dict_stat stat;
    EXPECT(shmrpc_dict_stat_read(dict, &stat), SHMRPC_OK);
    return stat;
}

/* ---- an orderly end ------------------------------------------------------ */

static void the_next_server_has_what_was_there(void **state)
{
    (void)state;
    sample_server s;
    shmrpc_any tree = shmrpc_any_i64(7);
    const shmrpc_any *got_tree = NULL;
    shmrpc_value *config = NULL;
    const shmrpc_value_opts opts = {.shared = {.service = &service}};
    sample_start_at(&s, where, &service, 1);
    shmrpc_dict *dict = dict_of(NULL, "voices");
    shmrpc_dict *passing = dict_of(NULL, "passing");
    EXPECT(shmrpc_value_open("config", &opts, &config, &error), SHMRPC_OK);
    put(dict, 5);
    put(passing, 6);
    EXPECT(shmrpc_value_put(config, NULL, &tree, &error), SHMRPC_OK);
    shmrpc_value_close(config);
    shmrpc_dict_close(passing);
    shmrpc_dict_close(dict);
    sample_stop(&s);
    assert_int_equal(access(file_of("passing.dict.snapshot"), F_OK), -1);
    assert_int_equal(access(file_of("voices.dict.snapshot"), F_OK), 0);
    sample_start_at(&s, where, &service, 1);
    dict = dict_of(NULL, "voices");
    passing = dict_of(NULL, "passing");
    assert_int_equal(get(dict), 5);
    assert_int_equal(get(passing), -1);
    EXPECT(shmrpc_value_open("config", &opts, &config, &error), SHMRPC_OK);
    EXPECT(shmrpc_value_get(config, NULL, &got_tree, NULL, &error), SHMRPC_OK);
    assert_true(got_tree->u.i64 == 7);
    shmrpc_value_release(config, got_tree);
    shmrpc_value_close(config);
    shmrpc_dict_close(passing);
    shmrpc_dict_close(dict);
    sample_stop(&s);
}

static void what_cannot_be_read_is_put_aside(void **state)
{
    (void)state;
    sample_server s;
    char file[512];
    sample_start_at(&s, where, &service, 1);
    shmrpc_dict *dict = dict_of(NULL, "voices");
    put(dict, 5);
    shmrpc_dict_close(dict);
    sample_stop(&s);
    (void)snprintf(file, sizeof file, "%s", file_of("voices.dict.snapshot"));
    struct stat before;
    assert_int_equal(stat(file, &before), 0);
    assert_int_equal(truncate(file, before.st_size - 1), 0);
    sample_start_at(&s, where, &service, 1);
    dict = dict_of(NULL, "voices");
    assert_int_equal(get(dict), -1);
    put(dict, 6);
    shmrpc_dict_close(dict);
    sample_stop(&s);
    struct stat old;
    assert_int_equal(stat(file_of("voices.dict.snapshot.old"), &old), 0);
    assert_int_equal(old.st_size, before.st_size - 1);
    sample_start_at(&s, where, &service, 1);
    dict = dict_of(NULL, "voices");
    assert_int_equal(get(dict), 6);
    shmrpc_dict_close(dict);
    sample_stop(&s);
}

/* ---- snapshots at intervals ---------------------------------------------- */

static void failures_are_counted(void **state)
{
    (void)state;
    sample_server s;
    rows[1].snapshot_ns = SHMRPCI_NS_PER_MS;
    assert_int_equal(setenv("SHMRPC_SNAPSHOT_DIR", "/dev/null/no", 1), 0);
    sample_start_at(&s, where, &service, 1);
    shmrpc_dict *dict = dict_of(NULL, "voices");
    put(dict, 5);
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (stat_of(dict).snapshot_failure_count < 3) {
        assert_true(shmrpci_now_ns() < deadline_ns);
        shmrpci_thread_yield();
    }
    assert_int_equal(stat_of(dict).snapshot_ns, 0);
    assert_int_equal(get(dict), 5);
    shmrpc_dict_close(dict);
    sample_stop(&s);
}

/* Starts a server in a process of its own, to be killed. */
static pid_t start_apart(shmrpc_client **out_client)
{
    int ready[2];
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

/* The value in the newest snapshot, which must be complete; -1 if there is
 * none. */
static int64_t saved_value(void)
{
    shmrpci_snapshot_reader reader;
    shmrpci_table_bytes key;
    shmrpci_table_bytes value = {NULL, 0};
    shmrpc_error error = {.name = ""};
    int64_t number = -1;
    int status =
        shmrpci_snapshot_open(file_of("voices.dict.snapshot"), &reader, &error);
    if (status == SHMRPC_E_NOT_FOUND) {
        return -1;
    }
    while (status == SHMRPC_OK) {
        status = shmrpci_snapshot_next(&reader, &key, &value, &error);
        if (status == SHMRPC_OK) {
            /* msgpack encodes a number below 128 as one byte with that value */
            number = *(const uint8_t *)value.data;
        }
    }
    shmrpci_snapshot_close(&reader);
    if (status != SHMRPC_E_NOT_FOUND) {
        fail_msg("%s", error.message);
    }
    return number;
}

static void a_killed_server_leaves_whole_snapshots(void **state)
{
    (void)state;
    enum { LIVES = 12 };
    int64_t had = -1;
    rows[1].snapshot_ns = 1; /* the server writes snapshots all the time */
    for (int64_t life = 0; life < LIVES; life++) {
        shmrpc_client *client;
        pid_t pid = start_apart(&client);
        shmrpc_dict *dict = dict_of(client, "voices");
        assert_true(get(dict) >= had);
        int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
        int64_t number = life * 10;
        put(dict, number);
        while (saved_value() != number) {
            assert_true(shmrpci_now_ns() < deadline_ns);
            shmrpci_thread_yield();
        }
        had = number;
        /* Kills the server while it writes the next snapshots. */
        int64_t until_ns =
            shmrpci_deadline_after(life * 200 * SHMRPCI_NS_PER_US);
        for (int64_t i = 1; i < 10 && shmrpci_now_ns() < until_ns; i++) {
            put(dict, number + i);
        }
        kill_it(pid);
        assert_true(saved_value() >= had);
        had = saved_value();
        shmrpc_dict_close(dict);
        shmrpc_stub_close(client);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_next_server_has_what_was_there),
        TEST(what_cannot_be_read_is_put_aside),
        TEST(failures_are_counted),
        TEST(a_killed_server_leaves_whole_snapshots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

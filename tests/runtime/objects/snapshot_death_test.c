/* Snapshots while other processes write and die, and while the disk is full.
 * Prints how long they take. */
#include "stage.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "objects/snapshot_file.h"
#include "shmrpc/dict.h"

static const char *path_of(const char *file)
{
    static char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", stage_folder(), file);
    return path;
}

static shmrpc_dict *open_dict(const char *name, const shmrpc_dict_opts *opts)
{
    shmrpc_dict *dict = NULL;
    shmrpc_error error;
    EXPECT(shmrpc_dict_open(name, opts, &dict, &error), SHMRPC_OK, &error);
    return dict;
}

static int put_any(shmrpc_dict *dict, shmrpc_any key, shmrpc_any value)
{
    const shmrpc_path path = shmrpc_path_of(&key, 1);
    return shmrpc_dict_put(dict, &path, &value, NULL);
}

/* ---- snapshots under concurrent writers ---------------------------------- */

enum { WRITERS = 3, WINDOW = 16, SNAPSHOTS = 20, STEP_READY = 0, STEP_END = 1 };

/*
 * Writer w keeps the keys w * 2^32 + n for the last WINDOW numbers n, with the
 * value n. In the same change it sets the key -1 - w to n. So at any moment the
 * newest key agrees with the value of key -1 - w, and the keys are in order
 * without a gap.
 */
static void write_on(int w, void *user)
{
    shmrpc_dict *dict;
    shmrpc_error error;
    (void)user;
    EXPECT_HERE(shmrpc_dict_open("busy", NULL, &dict, &error), &error);
    for (int64_t n = 1; stage_step(STEP_END) == 0; n++) {
        shmrpc_any_entry entries[2] = {
            {shmrpc_any_i64((int64_t)w << 32 | n), shmrpc_any_i64(n)},
            {shmrpc_any_i64(-1 - w), shmrpc_any_i64(n)}};
        EXPECT_HERE(shmrpc_dict_merge(dict, entries, 2, &error), &error);
        if (n > WINDOW) {
            shmrpc_any old = shmrpc_any_i64((int64_t)w << 32 | (n - WINDOW));
            const shmrpc_path path = shmrpc_path_of(&old, 1);
            EXPECT_HERE(shmrpc_dict_del(dict, &path, &error), &error);
        }
        if (n == 1) {
            stage_advance(STEP_READY);
        }
        if (n % 64 == 0) {
            shmrpci_sleep_until(shmrpci_deadline_after(SHMRPCI_NS_PER_MS));
        }
    }
    shmrpc_dict_close(dict);
}

typedef struct moment {
    int64_t newest[WRITERS];
    int64_t said[WRITERS];
    int64_t count[WRITERS];
} moment;

static void note(moment *at, int64_t key, int64_t value)
{
    if (key < 0) {
        at->said[-1 - key] = value;
        return;
    }
    int64_t w = key >> 32;
    assert_int_equal(key & INT64_C(0xFFFFFFFF), value);
    assert_true(at->newest[w] == 0 || at->newest[w] + 1 == value);
    at->newest[w] = value;
    at->count[w]++;
}

static void judge(const moment *at)
{
    for (int w = 0; w < WRITERS; w++) {
        assert_int_equal(at->newest[w], at->said[w]);
        assert_true(at->count[w] <= WINDOW + 1);
        assert_true(at->newest[w] < WINDOW || at->count[w] >= WINDOW);
    }
}

/* Reads the file record by record, without a dict. Appends keys and values to
 * `out`; returns the change number of the snapshot. */
static uint64_t read_file(const char *path, shmrpci_buf *out, uint64_t *count)
{
    shmrpci_snapshot_reader reader;
    shmrpci_table_bytes key;
    shmrpci_table_bytes value;
    shmrpc_error error;
    int status = shmrpci_snapshot_open(path, &reader, &error);
    EXPECT(status, SHMRPC_OK, &error);
    *count = 0;
    while ((status = shmrpci_snapshot_next(&reader, &key, &value, &error)) ==
           SHMRPC_OK) {
        shmrpci_buf_append(out, key.data, key.len);
        shmrpci_buf_append(out, value.data, value.len);
        ++*count;
    }
    EXPECT(status, SHMRPC_E_NOT_FOUND, &error);
    uint64_t change = reader.head.change;
    shmrpci_snapshot_close(&reader);
    return change;
}

/* Reads a view of the current state in the same way; returns its change
 * number. */
static uint64_t read_view(shmrpci_table *table, shmrpci_buf *out)
{
    shmrpci_table_view view;
    shmrpci_table_bytes key;
    shmrpci_table_bytes value;
    shmrpc_error error;
    EXPECT(shmrpci_table_view_open(table, &view, &error), SHMRPC_OK, &error);
    while (shmrpci_table_view_next(&view, &key, &value, NULL) == SHMRPC_OK) {
        shmrpci_buf_append(out, key.data, key.len);
        shmrpci_buf_append(out, value.data, value.len);
    }
    uint64_t change = view.change;
    shmrpci_table_view_close(&view);
    return change;
}

/* Loads the file into a new dict, and checks the contents. */
static void judge_loaded(const char *path)
{
    const shmrpc_dict_opts made = {
        .shared = {.mode = SHMRPC_SHARED_REPLACE, .snapshot = path}};
    shmrpc_dict *copy = open_dict("copy", &made);
    shmrpc_view *view;
    shmrpc_error error;
    const shmrpc_any *key;
    const shmrpc_any *value;
    moment at = {.newest = {0}};
    EXPECT(shmrpc_dict_view_open(copy, &view, &error), SHMRPC_OK, &error);
    while (shmrpc_view_next(view, &key, &value, &error) == SHMRPC_OK) {
        note(&at, key->u.i64, value->u.i64);
    }
    judge(&at);
    shmrpc_view_close(view);
    shmrpc_dict_close(copy);
}

/* Writes a snapshot, then opens a view. Returns whether nothing was changed
 * between the two. In that case they must be equal byte for byte. */
static bool compare(shmrpc_dict *dict, shmrpci_table *table, const char *path)
{
    shmrpc_error error;
    shmrpci_buf from_file;
    shmrpci_buf from_view;
    uint64_t count;
    shmrpci_buf_init_heap(&from_file);
    shmrpci_buf_init_heap(&from_view);
    EXPECT(shmrpc_dict_snapshot(dict, path, NULL, &error), SHMRPC_OK, &error);
    uint64_t seen = read_view(table, &from_view);
    bool is_same = read_file(path, &from_file, &count) == seen;
    if (is_same) {
        assert_int_equal(from_file.len, from_view.len);
        assert_memory_equal(from_file.data, from_view.data, from_view.len);
    }
    assert_true(count >= 2 * WRITERS);
    shmrpci_buf_fini(&from_file);
    shmrpci_buf_fini(&from_view);
    return is_same;
}

static void a_snapshot_is_one_moment(void **state)
{
    (void)state;
    pid_t pids[WRITERS];
    shmrpc_error error;
    shmrpci_table table;
    int fd;
    shmrpc_dict *dict = open_dict("busy", NULL);
    const char *path = path_of("busy.snapshot");
    for (int w = 0; w < WRITERS; w++) {
        pids[w] = stage_cast(write_on, w, NULL);
    }
    stage_await(STEP_READY, WRITERS);
    fd = open(stage_path("busy.dict"), O_RDWR | O_CLOEXEC);
    EXPECT(shmrpci_table_attach(fd, SHMRPCI_ACCESS_WRITE, &table, &error),
           SHMRPC_OK, &error);
    for (int i = 0; i < SNAPSHOTS; i++) {
        (void)compare(dict, &table, path);
        judge_loaded(path);
    }
    stage_advance(STEP_END);
    for (int w = 0; w < WRITERS; w++) {
        stage_dismiss(pids[w], 0);
    }
    /* The writers have ended, so nothing changes between snapshot and view. */
    assert_true(compare(dict, &table, path));
    shmrpci_table_detach(&table);
    shmrpc_dict_close(dict);
}

/* ---- deaths -------------------------------------------------------------- */

/* Runs in a process that is traced: stops, then writes. */
static void write_and_die(int index, void *user)
{
    shmrpc_dict *dict;
    shmrpc_error error;
    (void)index;
    EXPECT_HERE(shmrpc_dict_open("d", NULL, &dict, &error), &error);
    CHECK(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
    (void)raise(SIGSTOP);
    (void)!shmrpc_dict_snapshot(dict, user, NULL, &error);
    _exit(0);
}

/* Starts such a process and kills it at stop number `calls`; it stops at the
 * entry and at the exit of each system call. Returns false if the process had
 * ended by itself before. */
static bool kill_at(const char *path, int calls)
{
    int status;
    pid_t pid = stage_cast(write_and_die, 0, (void *)(uintptr_t)path);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSTOPPED(status));
    for (int i = 0; i < calls; i++) {
        assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFEXITED(status)) {
            return false;
        }
        assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    do {
        assert_int_equal(waitpid(pid, &status, 0), pid);
    } while (WIFSTOPPED(status));
    return true;
}

/* The only value in the snapshot. */
static int64_t value_in(const char *path)
{
    const shmrpc_any *value;
    shmrpc_error error;
    shmrpc_any key = shmrpc_any_str("k");
    const shmrpc_path at = shmrpc_path_of(&key, 1);
    const shmrpc_dict_opts made = {
        .shared = {.mode = SHMRPC_SHARED_REPLACE, .snapshot = path}};
    shmrpc_dict *copy = open_dict("copy", &made);
    EXPECT(shmrpc_dict_get(copy, &at, &value, NULL, &error), SHMRPC_OK, &error);
    int64_t number = value->u.i64;
    shmrpc_dict_release(copy, value);
    shmrpc_dict_close(copy);
    return number;
}

static void a_death_leaves_a_whole_one(void **state)
{
    (void)state;
    shmrpc_error error;
    char other[512];
    char path[512];
    int before = 0;
    int after = 0;
    shmrpc_dict *dict = open_dict("d", NULL);
    (void)snprintf(path, sizeof path, "%s", path_of("d.snapshot"));
    (void)snprintf(other, sizeof other, "%s", path_of("d.snapshot.new"));
    for (int calls = 1;; calls++) {
        assert_int_equal(put_any(dict, shmrpc_any_str("k"), shmrpc_any_i64(1)),
                         SHMRPC_OK);
        EXPECT(shmrpc_dict_snapshot(dict, path, NULL, &error), SHMRPC_OK,
               &error);
        /* The files that the dead process left behind do no harm. */
        assert_int_equal(access(other, F_OK), -1);
        assert_int_equal(put_any(dict, shmrpc_any_str("k"), shmrpc_any_i64(2)),
                         SHMRPC_OK);
        bool was_killed = kill_at(path, calls);
        int64_t value = value_in(path);
        assert_true(value == 1 || value == 2);
        before += value == 1 ? 1 : 0;
        after += value == 2 ? 1 : 0;
        if (!was_killed) {
            assert_int_equal(value, 2);
            break;
        }
    }
    assert_true(before > 10 && after > 1);
    shmrpc_dict_close(dict);
}

/* ---- a full disk --------------------------------------------------------- */

/* Makes a disk of 64 MiB. Returns false if this process may not make one. */
static bool enter_small_disk(char *path, size_t size)
{
    (void)snprintf(path, size, "%s/disk", stage_folder());
    return unshare(CLONE_NEWNS) == 0 &&
           mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mkdir(path, 0700) == 0 &&
           mount("tmpfs", path, "tmpfs", 0, "size=64m") == 0;
}

static void fill_the_disk(int index, void *user)
{
    static char large[1 << 20];
    char disk[400];
    char path[512];
    struct stat info;
    shmrpc_dict *dict;
    shmrpc_error error = {0};
    shmrpc_dict_stat stat;
    (void)index;
    (void)user;
    if (!enter_small_disk(disk, sizeof disk)) {
        return;
    }
    (void)snprintf(path, sizeof path, "%s/s", disk);
    EXPECT_HERE(shmrpc_dict_open("large", NULL, &dict, &error), &error);
    shmrpc_any value = shmrpc_any_bytes(large, sizeof large);
    for (int i = 0; i < 40; i++) {
        CHECK(put_any(dict, shmrpc_any_i64(i), value) == SHMRPC_OK);
    }
    EXPECT_HERE(shmrpc_dict_snapshot(dict, path, NULL, &error), &error);
    CHECK(lstat(path, &info) == 0 && info.st_size > 40 << 20);
    /* There is no room for both snapshots. */
    CHECK(put_any(dict, shmrpc_any_i64(40), value) == SHMRPC_OK);
    CHECK(shmrpc_dict_snapshot(dict, path, NULL, &error) == SHMRPC_E_EXHAUSTED);
    CHECK(strstr(error.message, "no space left") != NULL);
    CHECK(shmrpc_dict_stat_read(dict, &stat) == SHMRPC_OK);
    CHECK(stat.snapshot_failure_count == 1 && stat.entry_count == 41);
    /* The older file is intact, and the unfinished one has been removed. */
    const shmrpc_dict_opts made = {.shared = {.snapshot = path}};
    shmrpc_dict *copy;
    EXPECT_HERE(shmrpc_dict_open("copy", &made, &copy, &error), &error);
    uint64_t len;
    EXPECT_HERE(shmrpc_dict_len(copy, NULL, &len, &error), &error);
    CHECK(len == 40);
    (void)snprintf(path, sizeof path, "%s/s.new", disk);
    CHECK(access(path, F_OK) != 0);
    shmrpc_dict_close(copy);
    shmrpc_dict_close(dict);
    _exit(0);
}

static void a_full_disk_spoils_nothing(void **state)
{
    (void)state;
    stage_dismiss(stage_cast(fill_the_disk, 0, NULL), 0);
}

/* ---- many entries -------------------------------------------------------- */

/* Writes and loads `count` entries; prints how long that took. */
static void carry(int64_t count)
{
    enum { BATCH = 1000 };
    static shmrpc_any_entry entries[BATCH];
    shmrpc_error error;
    const char *path = path_of("many.snapshot");
    shmrpc_dict *dict = open_dict("many", NULL);
    for (int64_t i = 0; i < count; i += BATCH) {
        for (int64_t j = 0; j < BATCH; j++) {
            entries[j].key = shmrpc_any_i64((i + j) * 7919);
            entries[j].value = shmrpc_any_i64(i + j);
        }
        EXPECT(shmrpc_dict_merge(dict, entries, BATCH, &error), SHMRPC_OK,
               &error);
    }
    int64_t begin_ns = shmrpci_now_ns();
    EXPECT(shmrpc_dict_snapshot(dict, path, NULL, &error), SHMRPC_OK, &error);
    int64_t saved_ns = shmrpci_now_ns();
    shmrpc_dict_close(dict);
    const shmrpc_dict_opts made = {
        .shared = {.mode = SHMRPC_SHARED_REPLACE, .snapshot = path}};
    dict = open_dict("many", &made);
    int64_t made_ns = shmrpci_now_ns();
    EXPECT(shmrpc_dict_load(dict, path, &error), SHMRPC_OK, &error);
    print_message(
        "%lld entries: written in %.3f s, made of them in %.3f s, "
        "put over them in %.3f s\n",
        (long long)count, (double)(saved_ns - begin_ns) / 1e9,
        (double)(made_ns - saved_ns) / 1e9,
        (double)(shmrpci_now_ns() - made_ns) / 1e9);
    uint64_t len;
    EXPECT(shmrpc_dict_len(dict, NULL, &len, &error), SHMRPC_OK, &error);
    assert_int_equal(len, count);
    shmrpc_view *view;
    const shmrpc_any *key;
    const shmrpc_any *value;
    EXPECT(shmrpc_dict_view_open(dict, &view, &error), SHMRPC_OK, &error);
    for (int64_t i = 0; i < count; i++) {
        EXPECT(shmrpc_view_next(view, &key, &value, &error), SHMRPC_OK, &error);
        assert_int_equal(key->u.i64, i * 7919);
        assert_int_equal(value->u.i64, i);
    }
    shmrpc_view_close(view);
    shmrpc_dict_close(dict);
}

static void many_come_back_in_order(void **state)
{
    (void)state;
    carry(stage_is_long() ? 1400000 : 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_snapshot_is_one_moment),
        TEST(a_death_leaves_a_whole_one),
        TEST(a_full_disk_spoils_nothing),
        TEST(many_come_back_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

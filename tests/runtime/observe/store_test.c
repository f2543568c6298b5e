/* Figures on disk: fine, coarse, old, damaged. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "observe/store.h"

#define DAY 86400

/* Replaces the system call by which SQLite writes. A full disk accepts nothing.
 */
static bool is_full;

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
    if (is_full) {
        errno = ENOSPC;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, data, len, at);
}

/* A time at which a span of every level begins. */
#define T0 INT64_C(1700000100)

static char folder[] = "/tmp/shmrpc-store-XXXXXX";
static char path[64];
static shmrpci_store *store;

static const shmrpci_series series_cpu = {"echo", "worker 1", "cpu"};
static const shmrpci_series series_calls = {"echo", "", "calls"};
static const shmrpci_series series_other = {"search", "", "calls"};

static void open_store(bool expect_damaged)
{
    bool was_damaged = false;
    shmrpc_error error;
    if (shmrpci_store_open(path, &store, &was_damaged, &error) != 0) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(was_damaged, expect_damaged);
}

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(T0 % 900, 0);
    (void)snprintf(folder, sizeof folder, "/tmp/shmrpc-store-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/figures.db", folder);
    open_store(false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const endings[] = {
        "", "-wal", "-shm", ".damaged", ".damaged-wal", ".damaged-shm"};
    shmrpci_store_close(store);
    store = NULL;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char name[96];
        (void)snprintf(name, sizeof name, "%s%s", path, endings[i]);
        (void)unlink(name);
    }
    return rmdir(folder);
}

static void add(const shmrpci_series *series, int64_t at_s, double value)
{
    shmrpc_error error;
    if (shmrpci_store_add(store, series, at_s, value, &error) != 0) {
        fail_msg("%s", error.message);
    }
}

static void flush(int64_t now_s)
{
    shmrpc_error error;
    if (shmrpci_store_flush(store, now_s, &error) != 0) {
        fail_msg("%s", error.message);
    }
}

typedef struct seen {
    size_t count;
    shmrpci_point points[4000];
} seen;

static bool note(void *user, const shmrpci_point *point)
{
    seen *s = user;
    assert_true(s->count < sizeof s->points / sizeof *s->points);
    s->points[s->count++] = *point;
    return true;
}

static const seen *read_points(const shmrpci_series *series, int64_t from_s,
                               int64_t to_s, int64_t now_s)
{
    static seen s;
    shmrpc_error error;
    s.count = 0;
    if (shmrpci_store_read(store, series, from_s, to_s, now_s, note, &s,
                           &error) != 0) {
        fail_msg("%s", error.message);
    }
    return &s;
}

static void expect_equal(double got, double expected)
{
    if (fabs(got - expected) > 1e-9 * fabs(expected)) {
        fail_msg("%g instead of %g", got, expected);
    }
}

/* ---- levels -------------------------------------------------------------- */

static void fine_points_come_back_as_they_were(void **state)
{
    (void)state;
    for (int i = 0; i < 12; i++) {
        add(&series_cpu, T0 + i * 5, i);
        add(&series_calls, T0 + i * 5, 100 + i);
    }
    const seen *s = read_points(&series_cpu, T0 + 10, T0 + 30, T0 + 60);
    assert_int_equal(s->count, 5);
    for (size_t i = 0; i < s->count; i++) {
        assert_int_equal(s->points[i].at_s, T0 + 10 + 5 * (int)i);
        assert_int_equal(s->points[i].span_s, 0);
        assert_int_equal(s->points[i].count, 1);
        expect_equal(s->points[i].mean, (double)i + 2);
    }
    assert_int_equal(read_points(&series_other, T0, T0 + 60, T0 + 60)->count,
                     0);
}

/* Two hours of points, one every 5 s, with known values. */
static void coarse_points_are_mean_least_and_greatest(void **state)
{
    (void)state;
    for (int i = 0; i < 7200 / 5; i++) {
        add(&series_cpu, T0 + i * 5, i);
    }
    int64_t now_s = T0 + 7200;
    const seen *s = read_points(&series_cpu, T0, now_s, now_s);
    assert_int_equal(s->count, 120);
    for (size_t i = 0; i < s->count; i++) {
        const shmrpci_point *at = &s->points[i];
        assert_int_equal(at->at_s, T0 + 60 * (int64_t)i);
        assert_int_equal(at->span_s, 60);
        assert_int_equal(at->count, 12);
        expect_equal(at->least, 12.0 * (double)i);
        expect_equal(at->greatest, 12.0 * (double)i + 11);
        expect_equal(at->mean, 12.0 * (double)i + 5.5);
    }
    /* Over a week the points are coarser still. */
    s = read_points(&series_cpu, now_s - 7 * DAY, now_s, now_s);
    assert_int_equal(s->count, 8);
    assert_int_equal(s->points[1].span_s, 900);
    assert_int_equal(s->points[1].count, 180);
    expect_equal(s->points[1].mean, 180 + 89.5);
}

static void what_is_old_is_dropped_and_what_is_coarse_stays(void **state)
{
    (void)state;
    add(&series_cpu, T0, 7);
    add(&series_other, T0, 8);
    flush(T0);
    add(&series_cpu, T0 + 3600, 9);
    flush(T0 + 3600);
    /* An hour later the fine points are gone, the coarse ones are not. */
    assert_int_equal(read_points(&series_cpu, T0, T0 + 10, T0)->count, 0);
    const seen *s = read_points(&series_cpu, T0, T0 + 10, T0 + 3600);
    assert_int_equal(s->count, 1);
    expect_equal(s->points[0].mean, 7);
    add(&series_cpu, T0 + 2 * DAY, 1);
    flush(T0 + 2 * DAY);
    s = read_points(&series_cpu, T0, T0 + 1000, T0 + 2 * DAY);
    assert_int_equal(s->count, 1);
    assert_int_equal(s->points[0].span_s, 900);
    add(&series_cpu, T0 + 31 * DAY, 1);
    flush(T0 + 31 * DAY);
    s = read_points(&series_cpu, T0, T0 + 31 * DAY, T0 + 31 * DAY);
    assert_int_equal(s->count, 2); /* the points of T0 + 2 days and of T0 + 31
                                    * days */
    assert_int_equal(
        read_points(&series_other, T0, T0 + 10, T0 + 31 * DAY)->count, 0);
}

/* The file's size is bounded: after a day at the full rate it has only as many
 * points as the levels allow. */
static void the_number_of_points_is_bounded(void **state)
{
    (void)state;
    int64_t at_s = T0;
    for (int i = 0; i < DAY / 60; i++, at_s += 60) {
        add(&series_cpu, at_s, i);
        flush(at_s);
    }
    /* Fine points of the last 25 minutes are left, here one per minute. */
    const seen *s = read_points(&series_cpu, at_s - 25 * 60, at_s, at_s);
    assert_int_equal(s->count, 25);
    assert_int_equal(s->points[0].span_s, 0);
    assert_int_equal(read_points(&series_cpu, T0, at_s, T0)->count, 26);
}

/* ---- restart ------------------------------------------------------------- */

static void points_are_there_after_a_restart(void **state)
{
    (void)state;
    add(&series_cpu, T0, 1);
    flush(T0);
    shmrpci_store_close(store);
    open_store(false);
    add(&series_cpu, T0 + 5, 3);
    flush(T0 + 5);
    assert_int_equal(read_points(&series_cpu, T0, T0 + 5, T0 + 5)->count, 2);
    /* The point of this minute combines points from before and after the
     * restart. */
    const seen *s = read_points(&series_cpu, T0, T0 + 5, T0 + 3600);
    assert_int_equal(s->count, 1);
    assert_int_equal(s->points[0].count, 2);
    expect_equal(s->points[0].mean, 2);
}

static void points_survive_a_kill(void **state)
{
    (void)state;
    shmrpci_store_close(store);
    store = NULL;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        open_store(false);
        add(&series_cpu, T0, 5);
        flush(T0);
        add(&series_cpu, T0 + 5, 6);
        (void)kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    open_store(false);
    const seen *s = read_points(&series_cpu, T0, T0 + 10, T0 + 10);
    assert_int_equal(s->count, 1);
    expect_equal(s->points[0].mean, 5);
}

static void overwrite(size_t at, const char *text, size_t len)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, text, len, (off_t)at), len);
    (void)close(fd);
}

static void expect_new_after_damage(void)
{
    open_store(true);
    assert_int_equal(read_points(&series_cpu, T0, T0 + 5, T0 + 5)->count, 0);
    add(&series_cpu, T0, 2);
    flush(T0);
    assert_int_equal(read_points(&series_cpu, T0, T0 + 5, T0 + 5)->count, 1);
    char name[96];
    (void)snprintf(name, sizeof name, "%s.damaged", path);
    assert_int_equal(access(name, F_OK), 0);
}

static void a_damaged_file_is_put_aside(void **state)
{
    (void)state;
    static char noise[4096];
    for (size_t i = 0; i < sizeof noise; i++) {
        noise[i] = (char)(i * 31 + 7);
    }
    add(&series_cpu, T0, 1);
    flush(T0);
    shmrpci_store_close(store);
    overwrite(0, noise, sizeof noise);
    expect_new_after_damage();
    shmrpci_store_close(store);
    /* The head of the file is intact, but a later page is damaged. */
    overwrite(4096, noise, sizeof noise);
    expect_new_after_damage();
}

static void a_file_of_another_layout_is_put_aside(void **state)
{
    (void)state;
    shmrpci_store_close(store);
    /* user_version in the head of the file. */
    overwrite(60, "\0\0\0\x63", 4);
    expect_new_after_damage();
}

/* ---- the rest ------------------------------------------------------------ */

static bool note_series(void *user, const shmrpci_series *series)
{
    char *text = user;
    size_t len = strlen(text);
    (void)snprintf(text + len, 256 - len, "%s/%s/%s ", series->service,
                   series->subject, series->figure);
    return true;
}

static void series_are_listed(void **state)
{
    (void)state;
    char text[256] = "";
    shmrpc_error error;
    add(&series_other, T0, 1);
    add(&series_cpu, T0, 1);
    add(&series_calls, T0, 1);
    assert_int_equal(shmrpci_store_list(store, NULL, note_series, text, &error),
                     0);
    assert_string_equal(text, "echo//calls echo/worker 1/cpu search//calls ");
    text[0] = '\0';
    assert_int_equal(
        shmrpci_store_list(store, "search", note_series, text, &error), 0);
    assert_string_equal(text, "search//calls ");
}

static void what_can_not_be_is_refused(void **state)
{
    (void)state;
    char text[300];
    shmrpc_error error;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    const shmrpci_series longer = {text, "", "calls"};
    assert_int_equal(shmrpci_store_add(store, &longer, T0, 1, &error),
                     SHMRPC_E_INVALID);
    assert_int_equal(
        shmrpci_store_add(store, &series_cpu, T0, (double)NAN, &error),
        SHMRPC_E_INVALID);
    assert_int_equal(shmrpci_store_add(store, &series_cpu, -1, 1, &error),
                     SHMRPC_E_INVALID);
    shmrpci_store *none;
    assert_int_equal(shmrpci_store_open("/nonexistent/folder/figures.db", &none,
                                        NULL, &error),
                     SHMRPC_E_DENIED);
    assert_non_null(strstr(error.message, "/nonexistent/folder"));
}

/* Names with quotes are data, never executed as SQL. */
static void names_are_taken_as_they_are(void **state)
{
    (void)state;
    const shmrpci_series odd = {"'; DROP TABLE point; --", "\"", "%s"};
    add(&odd, T0, 4);
    flush(T0);
    assert_int_equal(read_points(&odd, T0, T0, T0)->count, 1);
}

/* SQLite rolls the transaction back itself, so only the error is checked. */
static void a_full_disk_is_called_so(void **state)
{
    (void)state;
    shmrpc_error error;
    add(&series_cpu, T0, 1);
    flush(T0);
    add(&series_cpu, T0 + 1, 2);
    is_full = true;
    int status = shmrpci_store_flush(store, T0 + 1, &error);
    is_full = false;
    assert_int_equal(status, SHMRPC_E_EXHAUSTED);
    assert_string_equal(error.message,
                        "the store of figures: database or disk is full");
    /* The store works again when there is room, without the points that were
     * lost. */
    add(&series_cpu, T0 + 2, 3);
    flush(T0 + 2);
    assert_int_equal(read_points(&series_cpu, T0, T0 + 2, T0 + 2)->count, 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(fine_points_come_back_as_they_were),
        CASE(coarse_points_are_mean_least_and_greatest),
        CASE(what_is_old_is_dropped_and_what_is_coarse_stays),
        CASE(the_number_of_points_is_bounded),
        CASE(points_are_there_after_a_restart),
        CASE(points_survive_a_kill),
        CASE(a_damaged_file_is_put_aside),
        CASE(a_file_of_another_layout_is_put_aside),
        CASE(series_are_listed),
        CASE(what_can_not_be_is_refused),
        CASE(names_are_taken_as_they_are),
        CASE(a_full_disk_is_called_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

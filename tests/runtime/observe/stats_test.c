/* Counting and reading, also of memory that was overwritten. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "observe/reader.h"
#include "observe/stats.h"
#include "os/clock.h"

enum { METHODS = 3, PLACES = 4 };

static shmrpci_stats stats;

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(shmrpci_stats_create("echo", METHODS, PLACES, &stats), 0);
    shmrpci_stats_set_name(&stats, 0, 0, "(describe)");
    shmrpci_stats_set_name(&stats, 1, 1, "one");
    shmrpci_stats_set_name(&stats, 2, 2, "two");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    shmrpci_stats_destroy(&stats);
    return 0;
}

static int open_reader(shmrpc_stats **out, shmrpc_error *error)
{
    int fd = dup(stats.read_fd);
    assert_true(fd >= 0);
    return shmrpci_reader_open(fd, -1, out, error);
}

static shmrpc_snapshot *take(shmrpc_stats *reader)
{
    shmrpc_snapshot *snapshot = NULL;
    shmrpc_error error;
    if (shmrpc_stats_read(reader, &snapshot, &error) != 0) {
        fail_msg("%s", error.message);
    }
    return snapshot;
}

static shmrpc_snapshot *take_once(void)
{
    shmrpc_stats *reader;
    shmrpc_error error;
    assert_int_equal(open_reader(&reader, &error), 0);
    shmrpc_snapshot *snapshot = take(reader);
    shmrpc_stats_close(reader);
    return snapshot;
}

static uint64_t us(uint64_t count)
{
    return shmrpci_ticks_of_ns((int64_t)count * 1000);
}

/* ---- counting ------------------------------------------------------------ */

static void counts_are_exact_and_add_up_over_workers(void **state)
{
    (void)state;
    shmrpci_counter counters[2];
    shmrpci_stats_join(&stats, 0, 100, &counters[0]);
    shmrpci_stats_join(&stats, 3, 103, &counters[1]);
    for (int i = 0; i < 1000; i++) {
        shmrpci_counter *counter = &counters[i % 2];
        int status = i % 10 == 0   ? SHMRPC_E_NOT_FOUND
                     : i % 10 == 1 ? 107
                     : i % 10 == 2 ? -1000
                                   : 0;
        shmrpci_count_call(counter, 1 + (uint32_t)i % 2, 10, 20, status);
        shmrpci_count_times(counter, 1 + (uint32_t)i % 2, us(5), us(100));
    }
    shmrpci_stats_leave(&counters[0]);
    shmrpc_snapshot *s = take_once();
    const shmrpc_service_stats *service = shmrpc_snapshot_service(s);
    assert_string_equal(service->name, "echo");
    assert_int_equal(service->method_count, METHODS);
    assert_int_equal(service->worker_count, 1);
    const shmrpc_method_stats *all =
        shmrpc_snapshot_method(s, SHMRPC_STATS_ALL);
    assert_int_equal(all->calls, 1000);
    assert_int_equal(all->errors, 300);
    assert_int_equal(all->bytes_in, 10000);
    assert_int_equal(all->bytes_out, 700 * 20);
    assert_int_equal(all->service.count, 1000);
    const shmrpc_method_stats *one = shmrpc_snapshot_method(s, 0);
    assert_string_equal(one->name, "one");
    assert_int_equal(one->id, 1);
    assert_int_equal(one->calls, 500);
    assert_string_equal(shmrpc_snapshot_method(s, 2)->name, "(describe)");
    assert_int_equal(shmrpc_snapshot_method(s, 2)->calls, 0);
    assert_null(shmrpc_snapshot_method(s, METHODS));
    assert_int_equal(
        shmrpc_snapshot_errors(s, SHMRPC_STATS_ALL, SHMRPC_E_NOT_FOUND), 100);
    assert_int_equal(
        shmrpc_snapshot_errors(s, SHMRPC_STATS_ALL, SHMRPC_DECLARED_ERROR_MIN),
        100);
    assert_int_equal(
        shmrpc_snapshot_errors(s, SHMRPC_STATS_ALL, SHMRPC_E_DENIED), 0);
    /* A worker that has left is not listed, but its counts remain. */
    const shmrpc_worker_stats *stays = shmrpc_snapshot_worker(s, 0);
    assert_int_equal(stays->place, 3);
    assert_int_equal(stays->pid, 103);
    assert_int_equal(stays->calls, 500);
    assert_int_equal(stays->starts, 1);
    assert_null(shmrpc_snapshot_worker(s, 1));
    shmrpc_snapshot_free(s);
    shmrpci_stats_leave(&counters[1]);
}

/* Streams of a killed worker are over, and none counts as stalled. Streams of
 * other workers stay open. */
static void streams_end_with_their_worker(void **state)
{
    (void)state;
    shmrpci_counter dead;
    shmrpci_counter lives;
    shmrpci_stats_join(&stats, 0, 100, &dead);
    shmrpci_stats_join(&stats, 1, 101, &lives);
    shmrpci_stats_streams *streams = shmrpci_count_stream(&dead, 2);
    (void)shmrpci_count_stream(&dead, 1);
    shmrpci_count_item_in(streams, 8);
    shmrpci_count_stall(streams, shmrpci_now_ns() - 50);
    shmrpci_count_stream_end(shmrpci_count_stream(&lives, 2));
    streams = shmrpci_count_stream(&lives, 2);
    shmrpci_count_item_out(streams, 5);
    shmrpci_count_stall(streams, shmrpci_now_ns() - 7);
    shmrpci_count_stall_end(streams, 7);
    shmrpc_snapshot *s = take_once();
    assert_int_equal(shmrpc_snapshot_method(s, 1)->streams.open, 2);
    assert_int_equal(shmrpc_snapshot_method(s, 1)->streams.opened, 3);
    assert_true(shmrpc_snapshot_method(s, 1)->streams.stalled_ns >= 57);
    assert_int_equal(shmrpc_snapshot_worker(s, 0)->streams, 2);
    shmrpc_snapshot_free(s);
    shmrpci_stats_bury(&stats, 0, SHMRPCI_STATS_NO_ROW);
    s = take_once();
    const shmrpc_stream_stats *two = &shmrpc_snapshot_method(s, 1)->streams;
    assert_int_equal(two->open, 1);
    assert_int_equal(two->opened, 3);
    assert_int_equal(two->items_in, 1);
    assert_int_equal(two->bytes_in, 8);
    assert_int_equal(two->items_out, 1);
    assert_int_equal(two->bytes_out, 5);
    assert_int_equal(two->stalled_ns, 7);
    assert_int_equal(shmrpc_snapshot_method(s, 0)->streams.open, 0);
    assert_int_equal(shmrpc_snapshot_method(s, SHMRPC_STATS_ALL)->streams.open,
                     1);
    shmrpc_snapshot_free(s);
    shmrpci_stats_leave(&dead);
    shmrpci_stats_leave(&lives);
}

/* Corrupt counts: more ends than streams, and a stall that begins in the
 * future. */
static void spoiled_streams(void **state)
{
    (void)state;
    shmrpci_counter counter;
    shmrpc_stats *reader;
    shmrpc_error error;
    shmrpc_snapshot *s = NULL;
    assert_int_equal(open_reader(&reader, &error), 0);
    shmrpci_stats_join(&stats, 0, 100, &counter);
    shmrpci_stats_streams *streams = shmrpci_count_stream(&counter, 1);
    shmrpci_count_stall(streams, INT64_MAX);
    s = take(reader);
    assert_int_equal(shmrpc_snapshot_method(s, 0)->streams.stalled_ns, 0);
    shmrpc_snapshot_free(s);
    shmrpci_count_stream_end(streams);
    shmrpci_count_stream_end(streams);
    assert_int_equal(shmrpc_stats_read(reader, &s, &error), SHMRPC_E_DATA_LOSS);
    shmrpci_stats_leave(&counter);
    shmrpc_stats_close(reader);
}

/* A worker takes the place of one that has died. In a difference of snapshots
 * it has only its own counts. */
static void differences_know_who_was_there_before(void **state)
{
    (void)state;
    shmrpci_counter counter;
    shmrpc_snapshot *between;
    shmrpci_stats_join(&stats, 1, 101, &counter);
    for (int i = 0; i < 7; i++) {
        shmrpci_count_call(&counter, 1, 0, 0, 0);
    }
    shmrpci_stats_bury(&stats, 1, 2);
    shmrpc_snapshot *before = take_once();
    assert_int_equal(shmrpc_snapshot_service(before)->worker_count, 0);
    assert_int_equal(shmrpc_snapshot_method(before, 1)->calls, 1);
    assert_int_equal(shmrpc_snapshot_errors(before, 1, SHMRPC_E_WORKER_DIED),
                     1);
    shmrpci_stats_leave(&counter);
    shmrpci_stats_join(&stats, 1, 102, &counter);
    shmrpci_count_call(&counter, 1, 0, 0, 0);
    shmrpc_snapshot *after = take_once();
    assert_int_equal(shmrpc_snapshot_since(after, before, &between, NULL), 0);
    const shmrpc_worker_stats *worker = shmrpc_snapshot_worker(between, 0);
    assert_non_null(worker);
    assert_int_equal(worker->pid, 102);
    assert_int_equal(worker->calls, 1);
    assert_int_equal(worker->errors, 0);
    shmrpci_stats_leave(&counter);
    shmrpc_snapshot_free(before);
    shmrpc_snapshot_free(after);
    shmrpc_snapshot_free(between);
}

static void expect_within(int64_t got, int64_t expected, int64_t percent)
{
    int64_t apart = got > expected ? got - expected : expected - got;
    if (apart * 100 > expected * percent) {
        fail_msg("%lld ns instead of %lld", (long long)got,
                 (long long)expected);
    }
}

static void times_are_right_to_one_percent(void **state)
{
    (void)state;
    shmrpci_counter counter;
    shmrpci_stats_join(&stats, 0, 1, &counter);
    for (uint32_t i = 1; i <= 1000; i++) {
        shmrpci_count_call(&counter, 2, 0, 0, 0);
        shmrpci_count_times(&counter, 2, us(i), us(1000 + 10ul * i));
    }
    shmrpc_snapshot *s = take_once();
    const shmrpc_method_stats *two = shmrpc_snapshot_method(s, 1);
    expect_within(two->queue.p50_ns, 500000, 1);
    expect_within(two->queue.p99_ns, 990000, 1);
    expect_within(two->queue.p999_ns, 999000, 1);
    expect_within(two->queue.max_ns, 1000000, 1);
    expect_within(two->queue.total_ns, 500500000, 1);
    expect_within(two->service.p50_ns, 6000000, 1);
    expect_within(two->service.p99_ns, 10900000, 1);
    expect_within(two->service.max_ns, 11000000, 1);
    expect_within(shmrpc_snapshot_percentile_ns(s, 1, SHMRPC_STATS_QUEUE, 0.25),
                  250000, 1);
    assert_true(shmrpc_snapshot_percentile_ns(s, 1, SHMRPC_STATS_QUEUE, 1.0) ==
                two->queue.max_ns);
    int64_t within =
        (int64_t)shmrpc_snapshot_count_within(s, 1, SHMRPC_STATS_QUEUE, 300000);
    expect_within(within, 300, 2);
    expect_within(shmrpc_snapshot_worker(s, 0)->busy_ns, two->service.total_ns,
                  0);
    shmrpc_snapshot_free(s);
    shmrpci_stats_leave(&counter);
}

static void differences_are_what_happened_between(void **state)
{
    (void)state;
    shmrpci_counter counter;
    shmrpc_stats *reader;
    shmrpc_error error;
    shmrpc_snapshot *between;
    assert_int_equal(open_reader(&reader, &error), 0);
    shmrpci_stats_join(&stats, 1, 1, &counter);
    for (int i = 0; i < 10; i++) {
        shmrpci_count_call(&counter, 1, 1, 1, SHMRPC_E_DENIED);
        shmrpci_count_times(&counter, 1, us(1000), us(1000));
    }
    shmrpc_snapshot *first = take(reader);
    for (int i = 0; i < 5; i++) {
        shmrpci_count_call(&counter, 1, 2, 3, 0);
        shmrpci_count_times(&counter, 1, us(1), us(2));
    }
    shmrpc_snapshot *second = take(reader);
    assert_int_equal(shmrpc_snapshot_since(second, first, &between, &error), 0);
    const shmrpc_method_stats *one = shmrpc_snapshot_method(between, 0);
    assert_int_equal(one->calls, 5);
    assert_int_equal(one->errors, 0);
    assert_int_equal(one->bytes_in, 10);
    assert_int_equal(one->bytes_out, 15);
    assert_int_equal(one->service.count, 5);
    expect_within(one->service.max_ns, 2000, 3);
    assert_int_equal(shmrpc_snapshot_worker(between, 0)->calls, 5);
    shmrpc_snapshot_free(between);
    assert_int_equal(shmrpc_snapshot_since(first, second, &between, &error),
                     SHMRPC_E_INVALID);
    shmrpc_snapshot_free(first);
    shmrpc_snapshot_free(second);
    shmrpci_stats_leave(&counter);
    shmrpc_stats_close(reader);
}

/* ---- death --------------------------------------------------------------- */

static void counts_outlive_their_worker(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            shmrpci_counter counter;
            shmrpci_stats_join(&stats, 2, getpid(), &counter);
            shmrpci_count_call(&counter, 1, 4, 4, 0);
            shmrpci_count_times(&counter, 1, us(3), us(4));
            (void)kill(getpid(), SIGKILL);
        }
        assert_int_equal(waitpid(pid, NULL, 0), pid);
    }
    shmrpc_snapshot *s = take_once();
    assert_int_equal(shmrpc_snapshot_method(s, 0)->calls, 2);
    assert_int_equal(shmrpc_snapshot_method(s, 0)->queue.count, 2);
    assert_int_equal(shmrpc_snapshot_worker(s, 0)->starts, 2);
    assert_false(shmrpc_snapshot_worker(s, 0)->has_left);
    shmrpc_snapshot_free(s);
}

/* ---- corrupt memory ------------------------------------------------------ */

static void readers_cannot_write(void **state)
{
    (void)state;
    shmrpci_map map;
    assert_int_not_equal(shmrpci_memory_map_part(stats.read_fd, 0, 4096,
                                                 SHMRPCI_ACCESS_WRITE, &map),
                         SHMRPC_OK);
    assert_true(write(stats.read_fd, "x", 1) < 0);
}

static void expect_refused(void)
{
    shmrpc_stats *reader = NULL;
    shmrpc_error error = {.message = ""};
    int status = open_reader(&reader, &error);
    if (status == 0) {
        shmrpc_stats_close(reader);
        fail_msg("a spoiled head was believed");
    }
    assert_true(error.message[0] != '\0');
}

/* Each field of the head, with several invalid values. */
static void a_spoiled_head_is_refused(void **state)
{
    (void)state;
    static const uint64_t values[] = {
        0, 1, 7, 0xFFFFFFFFu, UINT64_MAX, UINT64_C(1) << 40};
    static const struct {
        size_t at;
        size_t bytes;
    } fields[] = {
        {offsetof(shmrpci_stats_head, magic), 8},
        {offsetof(shmrpci_stats_head, version), 4},
        {offsetof(shmrpci_stats_head, bits), 4},
        {offsetof(shmrpci_stats_head, methods), 4},
        {offsetof(shmrpci_stats_head, places), 4},
        {offsetof(shmrpci_stats_head, block_bytes), 8},
        {offsetof(shmrpci_stats_head, bytes), 8},
    };
    uint8_t *head = stats.map.at;
    for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
        uint64_t kept = 0;
        memcpy(&kept, head + fields[f].at, fields[f].bytes);
        for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
            if (memcmp(&kept, &values[v], fields[f].bytes) == 0) {
                continue;
            }
            memcpy(head + fields[f].at, &values[v], fields[f].bytes);
            expect_refused();
        }
        memcpy(head + fields[f].at, &kept, fields[f].bytes);
    }
    memset(head + offsetof(shmrpci_stats_head, name), 'x',
           sizeof((shmrpci_stats_head *)0)->name);
    expect_refused();
}

/* A name in a .svc has up to 128 bytes. */
static void the_longest_name_arrives(void **state)
{
    (void)state;
    shmrpc_stats *reader;
    shmrpc_error error;
    char name[129];
    memset(name, 'm', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    shmrpci_stats_set_name(&stats, 1, 1, name);
    assert_int_equal(open_reader(&reader, &error), 0);
    shmrpc_snapshot *s = take(reader);
    assert_string_equal(shmrpc_snapshot_method(s, 0)->name, name);
    shmrpc_snapshot_free(s);
    shmrpc_stats_close(reader);
}

static void spoiled_names_are_refused(void **state)
{
    (void)state;
    shmrpci_stats_set_name(&stats, 1, 1, "a\x1b[2Jb");
    expect_refused();
    shmrpci_stats_set_name(&stats, 1, 1, "\xff\xfe");
    expect_refused();
}

static void a_file_that_can_shrink_is_refused(void **state)
{
    (void)state;
    shmrpc_stats *reader;
    shmrpc_error error;
    char path[] = "/tmp/shmrpc-stats-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)unlink(path);
    assert_int_equal(ftruncate(fd, 1 << 20), 0);
    assert_int_equal(shmrpci_reader_open(fd, -1, &reader, &error),
                     SHMRPC_E_DENIED);
}

static void expect_contradiction(void)
{
    shmrpc_stats *reader;
    shmrpc_snapshot *snapshot = NULL;
    shmrpc_error error;
    assert_int_equal(open_reader(&reader, &error), 0);
    assert_int_equal(shmrpc_stats_read(reader, &snapshot, &error),
                     SHMRPC_E_DATA_LOSS);
    shmrpc_stats_close(reader);
}

static void counts_that_contradict_each_other_are_refused(void **state)
{
    (void)state;
    shmrpci_counter counter;
    shmrpci_stats_join(&stats, 0, 1, &counter);
    shmrpci_count_call(&counter, 1, 0, 0, 0);
    shmrpci_count_times(&counter, 1, 1, 1);
    shmrpci_count_times(&counter, 1, 1, 1);
    expect_contradiction();
    shmrpci_count_call(&counter, 1, 0, 0, 0);
    shmrpci_count_error(&counter, 1, SHMRPC_E_DENIED);
    shmrpci_count_error(&counter, 1, SHMRPC_E_DENIED);
    shmrpci_count_error(&counter, 1, SHMRPC_E_DENIED);
    expect_contradiction();
    shmrpci_stats_leave(&counter);
}

/* If a worker overwrites everything that it can write, a reader either refuses
 * the memory or shows some numbers. It neither crashes nor hangs. */
static void scribbling_harms_no_reader(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252u;
    unsigned refused = 0;
    shmrpc_stats *reader;
    shmrpc_error error;
    assert_int_equal(open_reader(&reader, &error), 0);
    shmrpci_counter counter;
    shmrpci_stats_join(&stats, 1, 1, &counter);
    for (int round = 0; round < 200; round++) {
        uint64_t *words = counter.map.at;
        size_t count = counter.map.bytes / 8;
        for (int i = 0; i < 1 + round * 10; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            words[random % (round < 100 ? 160 : count)] = random;
        }
        shmrpc_snapshot *s = NULL;
        if (shmrpc_stats_read(reader, &s, &error) != 0) {
            assert_string_equal(error.name, "DATA_LOSS");
            refused++;
        } else {
            assert_true(shmrpc_snapshot_method(s, 0)->queue.p99_ns >= 0);
            shmrpc_snapshot_free(s);
        }
        if (round % 7 == 0) {
            memset(words, 0, counter.map.bytes);
        }
    }
    assert_true(refused > 0);
    shmrpci_stats_leave(&counter);
    shmrpc_stats_close(reader);
}

/* ---- sizes --------------------------------------------------------------- */

static void many_methods_make_coarser_histograms(void **state)
{
    (void)state;
    shmrpci_stats large;
    assert_int_equal(shmrpci_stats_create("large", 1000, 64, &large), 0);
    assert_true(large.bits < SHMRPCI_HISTOGRAM_MAX_BITS);
    shmrpci_counter counter;
    shmrpci_stats_join(&large, 63, 1, &counter);
    shmrpci_count_call(&counter, 999, 1, 1, 0);
    shmrpci_count_times(&counter, 999, us(70), us(80));
    shmrpc_stats *reader;
    shmrpc_error error;
    assert_int_equal(
        shmrpci_reader_open(dup(large.read_fd), -1, &reader, &error), 0);
    shmrpc_snapshot *s = take(reader);
    assert_int_equal(shmrpc_snapshot_method(s, 998)->calls, 1);
    shmrpc_snapshot_free(s);
    shmrpc_stats_close(reader);
    shmrpci_stats_leave(&counter);
    shmrpci_stats_destroy(&large);
    assert_int_equal(shmrpci_stats_create("huge", 65536, 2048, &large),
                     SHMRPC_E_TOO_LARGE);
    shmrpci_stats_destroy(&large);
}

static void without_memory_nothing_is_counted(void **state)
{
    (void)state;
    shmrpci_counter counter;
    shmrpci_stats none = {.fd = -1, .read_fd = -1};
    shmrpci_stats_join(&none, 0, 1, &counter);
    shmrpci_count_call(&counter, 1, 1, 1, 0);
    shmrpci_count_times(&counter, 1, 1, 1);
    shmrpci_stats_leave(&counter);
    shmrpci_stats_join(&stats, PLACES, 1, &counter);
    assert_null(counter.rows);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(counts_are_exact_and_add_up_over_workers),
        CASE(streams_end_with_their_worker),
        CASE(spoiled_streams),
        CASE(differences_know_who_was_there_before),
        CASE(times_are_right_to_one_percent),
        CASE(differences_are_what_happened_between),
        CASE(counts_outlive_their_worker),
        CASE(readers_cannot_write),
        CASE(a_spoiled_head_is_refused),
        CASE(the_longest_name_arrives),
        CASE(spoiled_names_are_refused),
        CASE(a_file_that_can_shrink_is_refused),
        CASE(counts_that_contradict_each_other_are_refused),
        CASE(scribbling_harms_no_reader),
        CASE(many_methods_make_coarser_histograms),
        CASE(without_memory_nothing_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

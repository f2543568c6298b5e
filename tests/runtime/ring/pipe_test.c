/* Pipes: streams of bytes with one writer, the end of the stream, and the
 * writer's death at every point. */
#include "dying/dying.h"
#include "stage.h"

#include <stdlib.h>
#include <string.h>

#include "os/memory.h"
#include "os/thread.h"
#include "ring/pipe.h"

static int make(uint64_t capacity)
{
    shmrpci_pipe_spec spec = {.capacity = capacity, .participants = 4};
    shmrpci_region_spec region;
    assert_int_equal(shmrpci_pipe_plan(&spec, &region, NULL), SHMRPC_OK);
    return stage_make(&region);
}

static shmrpci_pipe *open_pipe(int fd)
{
    shmrpci_pipe *pipe = NULL;
    assert_int_equal(shmrpci_pipe_open(stage_open_again(fd),
                                       SHMRPC_PROFILE_BALANCED, &pipe, NULL),
                     SHMRPC_OK);
    return pipe;
}

static void end(int fd, shmrpci_pipe *writer, shmrpci_pipe *reader)
{
    shmrpci_pipe_close(writer);
    assert_int_equal(shmrpci_pipe_check(reader, NULL, NULL), 0);
    shmrpci_pipe_close(reader);
    shmrpci_fd_close(&fd);
}

/* The value of byte `at` of the stream. */
static uint8_t byte(uint64_t at)
{
    return (uint8_t)(at * 7 + (at >> 8));
}

static shmrpc_status write_bytes(shmrpci_pipe *pipe, uint64_t *written,
                                 size_t len, int64_t deadline_ns)
{
    uint8_t data[5000];
    size_t done = 0;
    for (size_t i = 0; i < len; i++) {
        data[i] = byte(*written + i);
    }
    shmrpc_status status =
        shmrpci_pipe_write(pipe, data, len, deadline_ns, &done, NULL);
    *written += done;
    return status;
}

static shmrpc_status read_bytes(shmrpci_pipe *pipe, uint64_t *done, size_t len,
                                int64_t deadline_ns, size_t *out_len)
{
    uint8_t data[5000];
    *out_len = 0;
    shmrpc_status status =
        shmrpci_pipe_read(pipe, data, len, deadline_ns, out_len, NULL);
    for (size_t i = 0; i < *out_len; i++) {
        assert_int_equal(data[i], byte(*done + i));
    }
    *done += *out_len;
    return status;
}

static void bytes_come_out_as_they_went_in(void **state)
{
    (void)state;
    int fd = make(4096);
    shmrpci_pipe *writer = open_pipe(fd);
    shmrpci_pipe *reader = open_pipe(fd);
    uint64_t written = 0;
    uint64_t done = 0;
    size_t len;
    for (uint64_t i = 0; i < 3000; i++) {
        (void)write_bytes(writer, &written, stage_length(i, 4500), 0);
        assert_true(written - done <= 4096);
        assert_int_equal(
            read_bytes(reader, &done, stage_length(i + 7, 4500), 0, &len),
            SHMRPC_OK);
        assert_true(len > 0);
    }
    while (done < written) {
        assert_int_equal(read_bytes(reader, &done, 100, 0, &len), SHMRPC_OK);
    }
    assert_int_equal(read_bytes(reader, &done, 100, 0, &len), SHMRPC_E_BUSY);
    end(fd, writer, reader);
}

static void the_capacity_is_what_was_asked_for(void **state)
{
    (void)state;
    int fd = make(100);
    shmrpci_pipe *writer = open_pipe(fd);
    shmrpci_pipe *reader = open_pipe(fd);
    uint64_t written = 0;
    assert_int_equal(write_bytes(writer, &written, 1000, 0), SHMRPC_E_BUSY);
    assert_int_equal(written, 100);
    int64_t deadline_ns = shmrpci_deadline_after(SHMRPCI_NS_PER_MS);
    assert_int_equal(write_bytes(writer, &written, 1, deadline_ns),
                     SHMRPC_E_DEADLINE);
    end(fd, writer, reader);
}

static void there_is_one_writer_at_a_time(void **state)
{
    (void)state;
    int fd = make(100);
    shmrpci_pipe *writer = open_pipe(fd);
    shmrpci_pipe *other = open_pipe(fd);
    uint64_t written = 0;
    uint64_t done = 0;
    size_t len;
    assert_int_equal(write_bytes(writer, &written, 10, 0), SHMRPC_OK);
    assert_int_equal(write_bytes(other, &written, 10, 0), SHMRPC_E_BUSY);
    assert_int_equal(shmrpci_pipe_end(other), SHMRPC_E_BUSY);
    shmrpci_pipe_close(writer);
    /* The first writer left without ending the stream, so the next one
     * continues. */
    assert_int_equal(write_bytes(other, &written, 10, 0), SHMRPC_OK);
    assert_int_equal(read_bytes(other, &done, 100, 0, &len), SHMRPC_OK);
    assert_int_equal(done, 20);
    end(fd, NULL, other);
}

static void the_end_comes_after_all_bytes(void **state)
{
    (void)state;
    int fd = make(100);
    shmrpci_pipe *writer = open_pipe(fd);
    shmrpci_pipe *reader = open_pipe(fd);
    uint64_t written = 0;
    uint64_t done = 0;
    size_t len;
    assert_int_equal(write_bytes(writer, &written, 10, 0), SHMRPC_OK);
    assert_int_equal(shmrpci_pipe_end(writer), SHMRPC_OK);
    assert_int_equal(shmrpci_pipe_end(writer), SHMRPC_E_CANCELLED);
    assert_int_equal(write_bytes(writer, &written, 10, 0), SHMRPC_E_CANCELLED);
    assert_int_equal(read_bytes(reader, &done, 100, 0, &len), SHMRPC_OK);
    assert_int_equal(len, 10);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(read_bytes(reader, &done, 100, stage_soon(), &len),
                         SHMRPC_OK);
        assert_int_equal(len, 0);
    }
    end(fd, writer, reader);
}

/* ---- waiting ------------------------------------------------------------- */

typedef struct waiter {
    shmrpci_pipe *pipe;
    uint64_t done;
    uint64_t until;
    shmrpc_status status;
} waiter;

static void read_until(void *user)
{
    waiter *of = user;
    size_t len = 1;
    while (of->status == SHMRPC_OK && len > 0) {
        of->status = read_bytes(of->pipe, &of->done, 300, stage_soon(), &len);
    }
}

static void writer_and_reader_wait_for_each_other(void **state)
{
    (void)state;
    int fd = make(100);
    shmrpci_pipe *writer = open_pipe(fd);
    waiter reader = {.pipe = open_pipe(fd)};
    shmrpci_thread thread;
    uint64_t written = 0;
    assert_int_equal(
        shmrpci_thread_create(&thread, "reader", read_until, &reader),
        SHMRPC_OK);
    for (uint64_t i = 0; i < 300; i++) {
        assert_int_equal(
            write_bytes(writer, &written, stage_length(i, 900), stage_soon()),
            SHMRPC_OK);
    }
    assert_int_equal(shmrpci_pipe_end(writer), SHMRPC_OK);
    shmrpci_thread_join(&thread);
    assert_int_equal(reader.status, SHMRPC_OK);
    assert_int_equal(reader.done, written);
    end(fd, writer, reader.pipe);
}

/* ---- death --------------------------------------------------------------- */

typedef struct log {
    uint64_t surely; /* bytes whose write had returned */
    uint64_t perhaps;
    bool is_ending;
    bool is_ended;
} log;

typedef struct scene {
    int fd;
    log *log; /* shared */
} scene;

static bool act(void *user)
{
    scene *of = user;
    shmrpci_pipe *pipe = open_pipe(of->fd);
    uint64_t written = 0;
    bool good = true;
    for (uint64_t i = 0; good && i < 3; i++) {
        of->log->perhaps = written + 20;
        good = write_bytes(pipe, &written, 20, 0) == SHMRPC_OK;
        of->log->surely = written;
    }
    of->log->is_ending = true;
    good = good && shmrpci_pipe_end(pipe) == SHMRPC_OK;
    of->log->is_ended = true;
    shmrpci_pipe_close(pipe);
    return good;
}

static bool inherit(void *user)
{
    scene *of = user;
    shmrpci_pipe_close(open_pipe(of->fd));
    return true;
}

/* Reads everything that was written, and then expects the correct end. */
static void judge(scene *of, bool has_died)
{
    shmrpci_pipe *reader = open_pipe(of->fd);
    uint64_t done = 0;
    size_t len = 1;
    shmrpc_status status = SHMRPC_OK;
    while (status == SHMRPC_OK && len > 0) {
        status = read_bytes(reader, &done, 7, 0, &len);
    }
    assert_true(done >= of->log->surely && done <= of->log->perhaps);
    if (of->log->is_ended) {
        assert_int_equal(status, SHMRPC_OK);
    } else if (status == SHMRPC_OK) {
        assert_true(of->log->is_ending);
    } else {
        /* BUSY means that the process died before it became the writer. */
        assert_true(has_died);
        assert_true(status == SHMRPC_E_OWNER_DIED ||
                    (status == SHMRPC_E_BUSY && done == 0));
        assert_int_equal(read_bytes(reader, &done, 7, 0, &len), SHMRPC_E_BUSY);
        /* Another writer continues. */
        shmrpci_pipe *writer = open_pipe(of->fd);
        assert_int_equal(write_bytes(writer, &done, 9, 0), SHMRPC_OK);
        done -= 9;
        assert_int_equal(read_bytes(reader, &done, 9, 0, &len), SHMRPC_OK);
        assert_int_equal(len, 9);
        shmrpci_pipe_close(writer);
    }
    assert_int_equal(shmrpci_pipe_check(reader, NULL, NULL), 0);
    shmrpci_pipe_close(reader);
}

/* The heir dies as well: for every fourth victim, or for all with
 * SHMRPC_TEST_LONG. */
static void a_writer_dies_at_every_point(void **state)
{
    bool is_long = getenv("SHMRPC_TEST_LONG") != NULL;
    scene of = {.log = *state};
    bool more = true;
    for (unsigned point = 1; more; point++) {
        bool has_heirs = is_long || point % 4 == 0;
        bool heir_died = true;
        for (unsigned second = 1; more && heir_died; second++) {
            of.fd = make(100);
            *of.log = (log){0};
            more = dying_runs(act, &of, point);
            heir_died = more && has_heirs && dying_runs(inherit, &of, second);
            judge(&of, more);
            shmrpci_fd_close(&of.fd);
        }
    }
}

static int share(void **state)
{
    *state = dying_shared(sizeof(log));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_out_as_they_went_in),
        cmocka_unit_test(the_capacity_is_what_was_asked_for),
        cmocka_unit_test(there_is_one_writer_at_a_time),
        cmocka_unit_test(the_end_comes_after_all_bytes),
        cmocka_unit_test(writer_and_reader_wait_for_each_other),
        cmocka_unit_test(a_writer_dies_at_every_point),
    };
    return cmocka_run_group_tests(tests, share, NULL);
}

/*
 * Unnamed shared queues of bytes: one process passes records to another one,
 * one at a time or sixteen at a time. They are compared with other ways to pass
 * records on this machine.
 *
 * A "call" is 1,024 records taken; the other process pushes as fast as it can.
 */
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "one_way.h"
#include "os/clock.h"
#include "os/memory.h"
#include "region/region.h"
#include "ring/queue.h"

enum { BATCH = 16, MAX_BYTES = ONE_WAY_MAX_BYTES, RING_BYTES = 128 << 10 };

typedef struct one_way one_way;
typedef struct halves halves;

/* A way to pass records. */
typedef struct way {
    void (*create)(one_way *of);
    void (*open)(one_way *of);
    void (*push)(one_way *of, const void *data, size_t count);
    size_t (*pop)(one_way *of); /* returns the number of records */
} way;

struct one_way {
    const bench_case *what;
    const way *how;
    size_t batch;
    int fds[2];
    mqd_t mq;
    shmrpci_queue *queue;
    shmrpci_buf buf;
    halves *halves;
    uint32_t copied;
};

typedef struct shape {
    const way *how;
    size_t batch;
} shape;

/* ---- ours ---------------------------------------------------------------- */

static void queue_create(one_way *of)
{
    shmrpci_queue_spec spec = {.capacity =
                                   (uint32_t)(RING_BYTES / of->what->payload),
                               .item_bytes = (uint32_t)of->what->payload,
                               .max_item_bytes = MAX_BYTES,
                               .participants = 2};
    shmrpci_region_spec region;
    uint64_t bytes;
    if (shmrpci_queue_plan(&spec, &region, NULL) != SHMRPC_OK ||
        shmrpci_region_size(&region, &bytes, NULL) != SHMRPC_OK ||
        shmrpci_memory_create_sparse("bench", bytes, &of->fds[0]) !=
            SHMRPC_OK ||
        shmrpci_region_format(of->fds[0], &region, NULL) != SHMRPC_OK) {
        bench_fail("no queue");
    }
}

static void queue_open(one_way *of)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", of->fds[0]);
    shmrpci_buf_init_heap(&of->buf);
    if (shmrpci_queue_open(open(path, O_RDWR | O_CLOEXEC),
                           SHMRPC_PROFILE_LATENCY, &of->queue,
                           NULL) != SHMRPC_OK) {
        bench_fail("can't open the queue");
    }
}

static void queue_push(one_way *of, const void *data, size_t count)
{
    shmrpci_slice slices[BATCH];
    uint32_t done;
    const uint32_t len = (uint32_t)of->what->payload;
    for (size_t i = 0; i < count; i++) {
        slices[i] = (shmrpci_slice){data, len};
    }
    const shmrpc_status status =
        count == 1
            ? shmrpci_queue_push(of->queue, data, len, SHMRPCI_NEVER_NS, NULL)
            : shmrpci_queue_push_many(of->queue, slices, (uint32_t)count,
                                      SHMRPCI_NEVER_NS, &done, NULL);
    if (status != SHMRPC_OK) {
        bench_fail("push: %s", shmrpc_status_name(status));
    }
}

static size_t queue_pop(one_way *of)
{
    shmrpci_item items[BATCH];
    uint32_t count;
    shmrpci_buf_reset(&of->buf);
    const shmrpc_status status =
        shmrpci_queue_pop(of->queue, (uint32_t)of->batch, SHMRPCI_NEVER_NS,
                          &of->buf, items, &count, NULL);
    if (status != SHMRPC_OK || items[0].len != of->what->payload) {
        bench_fail("pop: %s", shmrpc_status_name(status));
    }
    return count;
}

/* ---- others -------------------------------------------------------------- */

static void mq_create(one_way *of)
{
    char name[32];
    struct mq_attr attr = {.mq_maxmsg = 10,
                           .mq_msgsize = (long)of->what->payload};
    snprintf(name, sizeof name, "/shmrpc-bench-%d", (int)getpid());
    of->mq = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
    if (of->mq < 0) {
        bench_fail("no message queue");
    }
    mq_unlink(name);
}

static void mq_push(one_way *of, const void *data, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (mq_send(of->mq, data, of->what->payload, 0) != 0) {
            bench_fail("mq_send");
        }
    }
}

static size_t mq_pop(one_way *of)
{
    char data[MAX_BYTES];
    if (mq_receive(of->mq, data, of->what->payload, NULL) < 0) {
        bench_fail("mq_receive");
    }
    return 1;
}

static void pipe_create(one_way *of)
{
    if (pipe(of->fds) != 0) {
        bench_fail("no pipe");
    }
}

static void pipe_push(one_way *of, const void *data, size_t count)
{
    char many[BATCH * MAX_BYTES];
    const size_t len = of->what->payload;
    for (size_t i = 0; count > 1 && i < count; i++) {
        memcpy(many + i * len, data, len);
    }
    if (write(of->fds[1], count > 1 ? many : data, count * len) !=
        (ssize_t)(count * len)) {
        bench_fail("write");
    }
}

static size_t pipe_pop(one_way *of)
{
    char data[BATCH * MAX_BYTES];
    const size_t len = of->what->payload;
    size_t done = 0;
    do {
        const ssize_t got =
            read(of->fds[0], data + done, of->batch * len - done);
        if (got <= 0) {
            bench_fail("read");
        }
        done += (size_t)got;
    } while (done % len != 0);
    return done / len;
}

/*
 * The floor: both sides copy each record, and one flag hands over each half of
 * a ring. The ring is as large as our queue.
 */
struct halves {
    struct {
        _Alignas(128) _Atomic uint32_t is_full;
    } of[2];
    _Alignas(128) uint8_t bytes[2][RING_BYTES / 2];
};

static void copy_create(one_way *of)
{
    of->halves = bench_shared(sizeof *of->halves);
}

/* Waits until this side owns the half of the ring in which the next record
 * lies, and returns the place of that record. */
static uint8_t *copy_place(one_way *of, uint32_t is_full)
{
    const uint32_t half = of->copied / (RING_BYTES / 2) % 2;
    while (atomic_load_explicit(&of->halves->of[half].is_full,
                                memory_order_acquire) != is_full) {
    }
    return of->halves->bytes[half] + of->copied % (RING_BYTES / 2);
}

/* Called after a record was copied: if it was the last one of its half, hands
 * the half to the other side. */
static void copy_done(one_way *of, uint32_t is_full)
{
    const uint32_t half = of->copied / (RING_BYTES / 2) % 2;
    of->copied += (uint32_t)of->what->payload;
    if (of->copied % (RING_BYTES / 2) == 0) {
        atomic_store_explicit(&of->halves->of[half].is_full, is_full,
                              memory_order_release);
    }
}

static void copy_push(one_way *of, const void *data, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        memcpy(copy_place(of, 0), data, of->what->payload);
        copy_done(of, 1);
    }
}

static size_t copy_pop(one_way *of)
{
    uint8_t data[MAX_BYTES];
    memcpy(data, copy_place(of, 1), of->what->payload);
    /* Keeps the compiler from removing the copy. */
    __asm__ volatile("" : : "r"(data) : "memory");
    copy_done(of, 0);
    return 1;
}

static void stay(one_way *of)
{
    (void)of;
}

static const way ways[] = {
    {queue_create, queue_open, queue_push, queue_pop},
    {mq_create, stay, mq_push, mq_pop},
    {pipe_create, stay, pipe_push, pipe_pop},
    {copy_create, stay, copy_push, copy_pop},
};

/* ---- the cases ----------------------------------------------------------- */

static void *shared_setup(const bench_case *self)
{
    const shape *const with = self->with;
    one_way *const of = bench_alloc(sizeof *of);
    *of = (one_way){
        .what = self, .how = with->how, .batch = with->batch, .fds = {-1, -1}};
    of->how->create(of);
    return of;
}

static void shared_serve(void *state)
{
    one_way *const of = state;
    static const char data[MAX_BYTES];
    of->how->open(of);
    bench_ready();
    for (;;) {
        of->how->push(of, data, of->batch);
    }
}

static void shared_dial(void *state)
{
    one_way *const of = state;
    of->how->open(of);
}

static void shared_call(void *state)
{
    one_way *const of = state;
    size_t taken = 0;
    while (taken < ONE_WAY_RECORDS) {
        taken += of->how->pop(of);
    }
    bench_counts_as((double)taken / ONE_WAY_RECORDS);
}

static void shared_teardown(void *state)
{
    one_way *const of = state;
    for (int i = 0; i < 2; i++) {
        if (of->fds[i] >= 0) {
            close(of->fds[i]);
        }
    }
    if (of->how->push == mq_push) {
        mq_close(of->mq);
    }
    if (of->halves != NULL) {
        bench_unshare(of->halves, sizeof *of->halves);
    }
    free(of);
}

static const shape shapes[][2] = {
    {{&ways[0], 1}, {&ways[0], BATCH}},
    {{&ways[1], 1}, {&ways[1], BATCH}},
    {{&ways[2], 1}, {&ways[2], BATCH}},
    {{&ways[3], 1}, {&ways[3], BATCH}},
};

#define ONE_WAY(label, bytes, who, ours, kind, many)                           \
    {                                                                          \
        ONE_WAY_CASE(label, bytes, who),                                       \
            .is_ours = (ours), .with = &shapes[kind][many],                    \
            .setup = shared_setup, .serve = shared_serve, .dial = shared_dial, \
            .call = shared_call, .teardown = shared_teardown                   \
    }
#define ONE_WAYS(label, bytes, many)                   \
    ONE_WAY(label, bytes, "shmrpc", 1, 0, many),       \
        ONE_WAY(label, bytes, "posix-mq", 0, 1, many), \
        ONE_WAY(label, bytes, "pipe", 0, 2, many),     \
        ONE_WAY(label, bytes, "memcpy", 0, 3, many)

static const bench_case cases[] = {
    ONE_WAYS("64B", 64, 0),
    ONE_WAYS("64B.batch", 64, 1),
    ONE_WAYS("4K", 4096, 0),
    ONE_WAYS("4K.batch", 4096, 1),
};

const bench_suite shared = {cases, sizeof cases / sizeof *cases};

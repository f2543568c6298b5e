/* Streams over shared memory: how an end waits, and what it does at both
 * sides. */
#include "transport/shm/stream.h"

#include "os/clock.h"
#include "os/futex.h"

/* Looks between two at the clock. */
#define LOOKS 8

void shm_stream_raise(shmrpci_atomic_u32 *alarm)
{
    (void)shmrpci_add_seq(alarm, 1u);
    (void)shmrpci_futex_wake(alarm, INT32_MAX);
}

/* ---- waiting ------------------------------------------------------------- */

static bool spin(shmrpci_stream_waiter *waiter,
                 bool (*is_over)(const void *what), const void *what)
{
    shmrpci_stream *stream = (shmrpci_stream *)(void *)waiter;
    uint64_t start = shmrpci_ticks();
    uint64_t now = start;
    shmrpci_spinner_refresh(&stream->spinner, now);
    uint64_t budget =
        shmrpci_spinner_budget(&stream->spinner, SHMRPCI_CPU_UNKNOWN);
    uint64_t step = start + shmrpci_spinner_step_ticks();
    while (now - start < budget) {
        for (int i = 0; i < LOOKS; i++) {
            if (is_over(what)) {
                shmrpci_spinner_hit(&stream->spinner, now - start);
                return true;
            }
            shmrpci_pause();
        }
        now = shmrpci_ticks();
        if ((int64_t)(now - step) >= 0) {
            if (shmrpci_spinner_step_aside(&stream->spinner, now - step)) {
                break;
            }
            step = now + shmrpci_spinner_step_ticks();
        }
    }
    if (budget != 0) {
        shmrpci_spinner_miss(&stream->spinner);
    }
    return false;
}

/* Sleeps on both words. The kernel compares them, so that what has changed
 * since they were read is seen. */
static void sleep_on(const shmrpci_futex_on on[2], int64_t until_ns)
{
    if (!shmrpci_futex_wait_any(on, 2, until_ns)) {
        int64_t look_ns = shmrpci_deadline_after(SHM_STREAM_LOOK_NS);
        (void)shmrpci_futex_wait(on[0].word, on[0].expected,
                                 look_ns < until_ns ? look_ns : until_ns);
    }
}

/* Once, or twice: before the second time the socket is watched. */
static int sleep_for(shmrpci_stream *stream, shmrpci_atomic_u32 *word,
                     uint32_t expected, int64_t until_ns)
{
    /* Before the look: who raises it has changed before what that sees. */
    const shmrpci_futex_on on[2] = {
        {.word = word, .expected = expected},
        {.word = stream->alarm, .expected = shmrpci_load_seq(stream->alarm)}};
    if (stream->is_gone(stream)) {
        return SHMRPC_E_CANCELLED;
    }
    int64_t slice_ns = shmrpci_deadline_after(SHM_STREAM_SLICE_NS);
    if (slice_ns >= until_ns) {
        sleep_on(on, until_ns);
        return shmrpci_now_ns() < until_ns ? SHMRPC_OK : SHMRPC_E_DEADLINE;
    }
    sleep_on(on, slice_ns);
    if (shmrpci_load_relaxed(word) != expected || shmrpci_now_ns() < slice_ns ||
        stream->watch(stream) != SHMRPC_OK || stream->is_gone(stream)) {
        return SHMRPC_OK; /* the next sleep tells */
    }
    sleep_on(on, until_ns);
    return shmrpci_now_ns() < until_ns ? SHMRPC_OK : SHMRPC_E_DEADLINE;
}

static int sleep_once(shmrpci_stream_waiter *waiter, shmrpci_atomic_u32 *word,
                      uint32_t expected, int64_t until_ns)
{
    shmrpci_stream *stream = (shmrpci_stream *)(void *)waiter;
    if (stream->rest == NULL) {
        return sleep_for(stream, word, expected, until_ns);
    }
    stream->rest(stream);
    int status = sleep_for(stream, word, expected, until_ns);
    stream->resume(stream);
    return status;
}

/* ---- an end -------------------------------------------------------------- */

void shm_stream_init(shmrpci_stream *stream, const shmrpci_stream_rings *rings,
                     bool is_worker, size_t max_item_bytes,
                     shmrpc_profile profile)
{
    stream->waiter = (shmrpci_stream_waiter){.spin = spin, .sleep = sleep_once};
    shmrpci_spinner_init(&stream->spinner, profile,
                         is_worker ? SHMRPCI_SIDE_WORKER : SHMRPCI_SIDE_CLIENT);
    shmrpci_stream_end_init(&stream->end, rings, is_worker, max_item_bytes,
                            &stream->waiter);
}

static int reason(const shmrpci_stream *stream, int status)
{
    return status == SHMRPC_E_CANCELLED && stream->is_orphan != NULL &&
                   stream->is_orphan(stream)
               ? (int)SHMRPC_E_SERVER_LOST
               : status;
}

int shm_stream_send(shmrpci_stream *stream, const void *data, size_t len,
                    int64_t deadline_ns, bool alone)
{
    return reason(stream, shmrpci_stream_end_send(&stream->end, data, len,
                                                  deadline_ns, alone));
}

void shm_stream_finish(shmrpci_stream *stream)
{
    shmrpci_stream_end_finish(&stream->end);
}

int shm_stream_next(shmrpci_stream *stream, int64_t deadline_ns,
                    shmrpci_stream_item *out)
{
    return reason(stream,
                  shmrpci_stream_end_next(&stream->end, deadline_ns, &out->data,
                                          &out->len, &out->in_shared));
}

void shm_stream_close(shmrpci_stream *stream)
{
    if (stream != NULL) {
        shmrpci_stream_end_close(&stream->end);
        shmrpci_stream_end_fini(&stream->end);
        stream->free(stream);
    }
}

/* ---- for who never waits --------------------------------------------------
 */

static uint32_t window_of(bool is_there, uint32_t frames_bytes)
{
    return is_there ? frames_bytes : 0;
}

static void measure(const shmrpci_stream *stream, shmrpci_stream_opts *out)
{
    const shmrpci_stream_end *end = &stream->end;
    uint32_t mine = window_of(end->writes, end->writer.size);
    uint32_t theirs = window_of(end->reads, end->reader.size);
    *out = (shmrpci_stream_opts){.in_bytes = end->is_worker ? theirs : mine,
                                 .out_bytes = end->is_worker ? mine : theirs,
                                 .max_item_bytes = end->max_item_bytes};
}

static int take(shmrpci_stream *stream, shmrpci_stream_item *out,
                bool *out_is_last)
{
    out->in_shared = true;
    return shmrpci_stream_end_take(&stream->end, &out->data, &out->len,
                                   out_is_last);
}

static int put(shmrpci_stream *stream, const void *data, size_t len,
               bool is_last, size_t *out_sent)
{
    return shmrpci_stream_end_put(&stream->end, data, len, is_last, out_sent);
}

static bool arm(shmrpci_stream *stream, shmrpci_atomic_u32 *bell, bool takes,
                bool puts, shmrpci_futex_on on[2], size_t *out_count)
{
    (void)bell; /* the words of the rings do */
    return shmrpci_stream_end_arm(&stream->end, takes, puts, on, out_count);
}

static void disarm(shmrpci_stream *stream)
{
    shmrpci_stream_end_disarm(&stream->end);
}

/* What is not finished is given up anyway. */
static void give_up(shmrpci_stream *stream)
{
    (void)stream;
}

/* Relaxed: it is looked at again. */
static bool peer_waits(const shmrpci_stream *stream)
{
    const shmrpci_stream_end *end = &stream->end;
    return end->reads && shmrpci_load_relaxed(&end->reader.ring->waits) ==
                             (uint32_t)SHMRPCI_STREAM_WAITS_ALONE;
}

/* The other end at the front is told. */
static void say_waits(shmrpci_stream *stream, bool waits)
{
    (void)stream;
    (void)waits;
}

const shmrpci_pump_ops shm_stream_pump_ops = {.measure = measure,
                                              .take = take,
                                              .put = put,
                                              .arm = arm,
                                              .disarm = disarm,
                                              .give_up = give_up,
                                              .peer_waits = peer_waits,
                                              .say_waits = say_waits};

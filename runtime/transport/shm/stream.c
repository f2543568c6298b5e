/* Streams over shared memory: how each side waits. */
#include "transport/shm/stream.h"

#include "os/clock.h"
#include "os/futex.h"
#include "transport/shm/shared.h"

/* Checks of the word between two reads of the clock. */
#define LOOKS 8

/* A reader delays each check by PACE_NS once PACE_TRIES consecutive waits have
 * ended within PACE_CLOSE_NS and the last one has brought a single item. If a
 * delay brings fewer than two items, the reader stops delaying, and doubles the
 * number of short waits before its next attempt, up to PACE_MOST_TRIES. */
#define PACE_NS         2000
#define PACE_CLOSE_NS   1000
#define PACE_TRIES      8u
#define PACE_MOST_TRIES 4096u

void shm_stream_raise(shmrpci_atomic_u32 *alarm)
{
    (void)shmrpci_add_seq(alarm, 1u);
    (void)shmrpci_futex_wake(alarm, INT32_MAX);
}

/* ---- waiting ------------------------------------------------------------- */

/* Chooses the reader's delay from the number of items that have arrived since
 * the last wait. */
static uint64_t choose_distance(shmrpci_stream *stream)
{
    shm_stream_pace *pace = &stream->pace;
    uint32_t came = stream->end.reader.number - pace->number;
    pace->number = stream->end.reader.number;
    if (pace->ticks != 0 && came < 2) {
        pace->ticks = 0;
        pace->close = 0;
        pace->tries =
            pace->tries < PACE_MOST_TRIES ? 2 * pace->tries : pace->tries;
    } else if (pace->ticks != 0) {
        pace->tries = PACE_TRIES;
    } else if (came == 1 && pace->close >= pace->tries) {
        pace->ticks = shmrpci_ticks_of_ns(PACE_NS);
    }
    return pace->ticks;
}

static void note_wait(shm_stream_pace *pace, uint64_t ticks)
{
    bool is_close = ticks < shmrpci_ticks_of_ns(PACE_CLOSE_NS);
    pace->close = is_close ? pace->close + 1 : 0;
}

/* Polls the ring for `budget` ticks. Returns true if `is_over(what)` became
 * true. */
static bool look(shmrpci_stream *stream, uint64_t start, uint64_t budget,
                 bool (*is_over)(const void *what), const void *what)
{
    uint64_t now = start;
    uint64_t step = start + shmrpci_spinner_step_ticks();
    while (now - start < budget) {
        for (int i = 0; i < LOOKS; i++) {
            if (is_over(what)) {
                shmrpci_spinner_hit(stream->spinner, now - start);
                return true;
            }
            shmrpci_pause();
        }
        now = shmrpci_ticks();
        if ((int64_t)(now - step) >= 0) {
            if (shmrpci_spinner_step_aside(stream->spinner, now - step)) {
                break;
            }
            step = now + shmrpci_spinner_step_ticks();
        }
    }
    if (budget != 0) {
        shmrpci_spinner_miss(stream->spinner);
    }
    return false;
}

static bool spin(shmrpci_stream *stream, bool (*is_over)(const void *what),
                 const void *what, bool is_reader)
{
    uint64_t start = shmrpci_ticks();
    shmrpci_spinner_refresh(stream->spinner, start);
    uint64_t budget =
        shmrpci_spinner_budget(stream->spinner, SHMRPCI_CPU_UNKNOWN);
    if (budget == 0) {
        return false;
    }
    if (!is_reader) {
        return look(stream, start, budget, is_over, what);
    }
    uint64_t distance = choose_distance(stream);
    while (distance != 0 && shmrpci_ticks() - start < distance) {
        shmrpci_pause();
    }
    bool is_found = look(stream, start, budget, is_over, what);
    if (distance == 0) {
        note_wait(&stream->pace, shmrpci_ticks() - start);
    }
    return is_found;
}

static bool spin_for_room(shmrpci_stream_waiter *waiter,
                          bool (*is_over)(const void *what), const void *what)
{
    return spin((shmrpci_stream *)(void *)waiter, is_over, what, false);
}

static shmrpci_stream *stream_of_reader(shmrpci_stream_waiter *waiter)
{
    return (shmrpci_stream *)(void *)((char *)waiter -
                                      offsetof(shmrpci_stream, reader_waiter));
}

static bool spin_for_item(shmrpci_stream_waiter *waiter,
                          bool (*is_over)(const void *what), const void *what)
{
    return spin(stream_of_reader(waiter), is_over, what, true);
}

/* Sleeps on both words. The kernel compares them again, so a change after we
 * read them is not missed. */
static void sleep_on(const shmrpci_futex_on on[2], int64_t until_ns)
{
    if (!shmrpci_futex_wait_any(on, 2, until_ns)) {
        int64_t look_ns = shmrpci_deadline_after(SHM_STREAM_LOOK_NS);
        (void)shmrpci_futex_wait(on[0].word, on[0].expected,
                                 look_ns < until_ns ? look_ns : until_ns);
    }
}

/* Sleeps once or twice; before the second sleep it begins to watch the
 * socket. */
static int sleep_for(shmrpci_stream *stream, shmrpci_atomic_u32 *word,
                     uint32_t expected, int64_t until_ns)
{
    /* Read the alarm before the check: a thread that raises the alarm has made
     * its change before. */
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
        return SHMRPC_OK; /* the caller checks again, and sleeps again if it
                           * must */
    }
    sleep_on(on, until_ns);
    return shmrpci_now_ns() < until_ns ? SHMRPC_OK : SHMRPC_E_DEADLINE;
}

static int sleep_once(shmrpci_stream *stream, shmrpci_atomic_u32 *word,
                      uint32_t expected, int64_t until_ns)
{
    if (stream->rest == NULL) {
        return sleep_for(stream, word, expected, until_ns);
    }
    stream->rest(stream);
    int status = sleep_for(stream, word, expected, until_ns);
    stream->resume(stream);
    return status;
}

static int sleep_for_room(shmrpci_stream_waiter *waiter,
                          shmrpci_atomic_u32 *word, uint32_t expected,
                          int64_t until_ns)
{
    return sleep_once((shmrpci_stream *)(void *)waiter, word, expected,
                      until_ns);
}

static int sleep_for_item(shmrpci_stream_waiter *waiter,
                          shmrpci_atomic_u32 *word, uint32_t expected,
                          int64_t until_ns)
{
    return sleep_once(stream_of_reader(waiter), word, expected, until_ns);
}

/* ---- operations of an end ------------------------------------------------ */

void shm_stream_init(shmrpci_stream *stream, const shmrpci_stream_rings *rings,
                     bool is_worker, size_t max_item_bytes,
                     shmrpci_spinner *spinner)
{
    stream->waiter =
        (shmrpci_stream_waiter){.spin = spin_for_room, .sleep = sleep_for_room};
    stream->reader_waiter =
        (shmrpci_stream_waiter){.spin = spin_for_item, .sleep = sleep_for_item};
    stream->pace.tries = PACE_TRIES;
    stream->spinner = spinner;
    shmrpci_stream_end_init(&stream->end, rings, is_worker, max_item_bytes,
                            &stream->waiter);
    stream->end.reader.waiter = &stream->reader_waiter;
}

static int reason(const shmrpci_stream *stream, int status)
{
    return status == SHMRPC_E_CANCELLED && stream->why_gone != NULL
               ? stream->why_gone(stream)
               : status;
}

/* Whether the worker's streams were cut, which an end that never waits would
 * not notice otherwise. Relaxed: a single word, which is read again. */
static bool is_cut(const shmrpci_stream *stream)
{
    return stream->order != NULL &&
           shmrpci_load_relaxed(stream->order) == SHM_ORDER_CUT;
}

int shm_stream_send(shmrpci_stream *stream, const void *data, size_t len,
                    int64_t deadline_ns, bool alone)
{
    if (is_cut(stream)) {
        return SHMRPC_E_UNAVAILABLE;
    }
    return reason(stream, shmrpci_stream_end_send(&stream->end, data, len,
                                                  deadline_ns, alone));
}

uint64_t shm_stream_delivered(shmrpci_stream *stream)
{
    return shmrpci_stream_end_delivered(&stream->end);
}

static int lend(shmrpci_stream *stream, size_t len, int64_t deadline_ns,
                bool alone, uint8_t **out)
{
    if (is_cut(stream)) {
        return SHMRPC_E_UNAVAILABLE;
    }
    return reason(stream, shmrpci_stream_end_lend(&stream->end, len,
                                                  deadline_ns, alone, out));
}

static int commit(shmrpci_stream *stream, size_t len)
{
    return reason(stream, shmrpci_stream_end_commit(&stream->end, len));
}

static void abort_loan(shmrpci_stream *stream)
{
    shmrpci_stream_end_abort(&stream->end);
}

const shmrpci_lend_ops shm_stream_lend_ops = {
    .lend = lend, .commit = commit, .abort = abort_loan};

void shm_stream_finish(shmrpci_stream *stream)
{
    shmrpci_stream_end_finish(&stream->end);
}

int shm_stream_next(shmrpci_stream *stream, int64_t deadline_ns,
                    shmrpci_stream_item *out)
{
    out->is_trusted = stream->is_trusted;
    if (is_cut(stream)) {
        return SHMRPC_E_UNAVAILABLE;
    }
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

/* ---- operations that never wait ---------------------------------------- */

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
    if (is_cut(stream)) {
        return SHMRPC_E_UNAVAILABLE;
    }
    return shmrpci_stream_end_take(&stream->end, &out->data, &out->len,
                                   out_is_last);
}

static int put(shmrpci_stream *stream, const void *data, size_t len,
               bool is_last, size_t *out_sent)
{
    if (is_cut(stream)) {
        return SHMRPC_E_UNAVAILABLE;
    }
    return shmrpci_stream_end_put(&stream->end, data, len, is_last, out_sent);
}

static bool arm(shmrpci_stream *stream, shmrpci_atomic_u32 *bell, bool takes,
                bool puts, shmrpci_futex_on on[2], size_t *out_count)
{
    (void)bell; /* the words of the rings take the place of the bell */
    return shmrpci_stream_end_arm(&stream->end, takes, puts, on, out_count);
}

static bool arm_close(shmrpci_stream *stream, shmrpci_futex_on *on,
                      size_t *out_count)
{
    return shmrpci_stream_end_arm_close(&stream->end, on, out_count);
}

/* Returns the alarm and makes sure that the link is watched. If watching fails,
 * a worker learns that its supervisor is gone only from the order to leave,
 * which its process then gives (worker_mirror.c). */
static shmrpci_atomic_u32 *alarm_of(shmrpci_stream *stream)
{
    (void)stream->watch(stream);
    return stream->alarm;
}

static int gone(const shmrpci_stream *stream)
{
    return stream->is_gone(stream) ? reason(stream, SHMRPC_E_CANCELLED)
                                   : (int)SHMRPC_OK;
}

static void disarm(shmrpci_stream *stream)
{
    shmrpci_stream_end_disarm(&stream->end);
}

/* An incomplete item is dropped anyway, so there is nothing to do. */
static void give_up(shmrpci_stream *stream)
{
    (void)stream;
}

/* Relaxed: the caller reads it again. */
static bool peer_waits(const shmrpci_stream *stream)
{
    const shmrpci_stream_end *end = &stream->end;
    return end->reads && shmrpci_load_relaxed(&end->reader.ring->waits) ==
                             (uint32_t)SHMRPCI_STREAM_WAITS_ALONE;
}

/* Over shared memory the peer is not told. */
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
                                              .arm_close = arm_close,
                                              .alarm = alarm_of,
                                              .gone = gone,
                                              .give_up = give_up,
                                              .peer_waits = peer_waits,
                                              .say_waits = say_waits};

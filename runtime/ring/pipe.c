/* Pipes: bytes in a ring, one writer, the end of the stream, and the writer's
 * death. */
#include "ring/pipe.h"

#include <stdlib.h>
#include <string.h>

#include "os/thread.h"
#include "ring/ring.h"

#define DEFAULT_CAPACITY (UINT64_C(64) << 10)
#define MAX_TRIES        64u

/* How often to check whether the writer is dead. */
#define BURY_NS         (50 * SHMRPCI_NS_PER_MS)
#define WRITER_SLICE_NS (500 * SHMRPCI_NS_PER_MS)

struct shmrpci_pipe {
    shmrpci_ring ring;
    shmrpci_pipe_words *words; /* in the roots, in the place of the desk */
    shmrpci_mutex mutex;       /* held to write, end, or inherit */
    shmrpci_spinner bytes_spinner;
    shmrpci_spinner room_spinner;
    int64_t buried_ns; /* when we last checked for a dead writer; under the
                        * mutex */
};

/* Bytes to write, or room for bytes to read. */
typedef struct span {
    uint8_t *data;
    size_t len;
    size_t done;
} span;

/* ---- planning and opening ------------------------------------------------ */

shmrpc_status shmrpci_pipe_plan(const shmrpci_pipe_spec *spec,
                                shmrpci_region_spec *out, shmrpc_error *error)
{
    uint64_t capacity = spec->capacity != 0 ? spec->capacity : DEFAULT_CAPACITY;
    if (capacity > SHMRPCI_LANE_MAX_RING) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "capacity %llu, allowed 1..%llu",
                                (unsigned long long)capacity,
                                (unsigned long long)SHMRPCI_LANE_MAX_RING);
    }
    shmrpci_ring_spec ring = {
        .name = spec->name,
        .name_len = spec->name_len,
        .capacity = capacity,
        /* One lane, which all writers share. */
        .options = SHMRPCI_RING_TOTAL,
        .desk_bytes = sizeof(shmrpci_pipe_words),
        .ring_bytes = shmrpci_ring_power(capacity),
        .kind = SHMRPCI_RING_KIND_PIPE,
        .participants = spec->participants,
    };
    return shmrpci_ring_plan(&ring, out, error);
}

static bool is_sound(const shmrpci_pipe *pipe)
{
    const shmrpci_ring *ring = &pipe->ring;
    uint64_t at = (uint64_t)((uint8_t *)pipe->words - (uint8_t *)ring->roots);
    return ring->options == SHMRPCI_RING_TOTAL &&
           at + sizeof *pipe->words <= ring->region.facts.roots_bytes;
}

static shmrpc_status fail_unsound(shmrpc_error *error)
{
    return shmrpc_error_set(error, SHMRPC_E_DATA_LOSS,
                            "the pipe is damaged: its limits contradict each "
                            "other");
}

shmrpc_status shmrpci_pipe_open(int fd, shmrpc_profile profile,
                                shmrpci_pipe **out, shmrpc_error *error)
{
    shmrpci_pipe *pipe = calloc(1, sizeof *pipe);
    if (pipe == NULL) {
        shmrpci_fd_close(&fd);
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "no memory");
    }
    shmrpc_status status = shmrpci_ring_open(
        &pipe->ring, fd, SHMRPCI_ACCESS_WRITE, SHMRPCI_RING_KIND_PIPE, error);
    if (status != SHMRPC_OK) {
        free(pipe);
        return status;
    }
    pipe->words = shmrpci_ring_desk(&pipe->ring);
    shmrpci_mutex_init(&pipe->mutex);
    shmrpci_spinner_init(&pipe->bytes_spinner, profile, SHMRPCI_SIDE_CLIENT);
    shmrpci_spinner_init(&pipe->room_spinner, profile, SHMRPCI_SIDE_CLIENT);
    if (!is_sound(pipe)) {
        shmrpci_pipe_close(pipe);
        return fail_unsound(error);
    }
    *out = pipe;
    return SHMRPC_OK;
}

const shmrpci_region *shmrpci_pipe_region(const shmrpci_pipe *pipe)
{
    return &pipe->ring.region;
}

static shmrpc_status late(int64_t deadline_ns, const char *what,
                          shmrpc_error *error)
{
    return deadline_ns == 0
               ? shmrpc_error_set(error, SHMRPC_E_BUSY, "%s", what)
               : shmrpc_error_set(error, SHMRPC_E_DEADLINE, "%s in time", what);
}

/* ---- the writer ---------------------------------------------------------- */

/* Stops being the writer, so that another handle can become it. */
static void resign(shmrpci_pipe *pipe)
{
    uint32_t me = pipe->ring.region.me + 1;
    (void)shmrpci_cas_seq(&pipe->words->writer, &me, 0u);
}

void shmrpci_pipe_close(shmrpci_pipe *pipe)
{
    if (pipe != NULL) {
        if (shmrpci_ring_check(&pipe->ring, NULL) == SHMRPC_OK &&
            is_sound(pipe)) {
            resign(pipe);
        }
        shmrpci_ring_close(&pipe->ring);
        shmrpci_mutex_fini(&pipe->mutex);
        free(pipe);
    }
}

/* Checks whether the writer is dead, unless that was done recently; under the
 * mutex. */
static void bury(shmrpci_pipe *pipe)
{
    int64_t now_ns = shmrpci_now_ns();
    uint32_t writer = shmrpci_load_seq(&pipe->words->writer);
    if (writer != 0 && writer != pipe->ring.region.me + 1 &&
        now_ns - pipe->buried_ns >= BURY_NS) {
        pipe->buried_ns = now_ns;
        (void)shmrpci_region_bury(&pipe->ring.region);
    }
}

static int32_t writer_pid(const shmrpci_pipe *pipe)
{
    uint32_t writer = shmrpci_load_seq(&pipe->words->writer);
    return writer == 0 || writer > shmrpci_region_high(&pipe->ring.region)
               ? 0
               : (int32_t)shmrpci_load_relaxed(
                     &shmrpci_region_participant(&pipe->ring.region, writer - 1)
                          ->pid);
}

/* Becomes the writer, unless we are already; under the mutex. */
static shmrpc_status claim(shmrpci_pipe *pipe, shmrpc_error *error)
{
    uint32_t me = pipe->ring.region.me + 1;
    uint32_t writer = shmrpci_load_seq(&pipe->words->writer);
    if (writer != me) {
        bury(pipe);
        writer = 0;
        if (!shmrpci_cas_seq(&pipe->words->writer, &writer, me)) {
            return shmrpc_error_set(error, SHMRPC_E_BUSY,
                                    "process %d is the writer",
                                    writer_pid(pipe));
        }
    }
    if (shmrpci_load_seq(&pipe->words->broken) != 0) {
        resign(pipe);
        return shmrpc_error_set(
            error, SHMRPC_E_BUSY,
            "a writer died, and no reader has been told yet");
    }
    return SHMRPC_OK;
}

static shmrpc_status check_writer(shmrpci_pipe *pipe, shmrpc_error *error)
{
    shmrpc_status status = shmrpci_ring_check(&pipe->ring, error);
    if (status == SHMRPC_OK && shmrpci_ring_is_ended(&pipe->ring)) {
        status = shmrpc_error_set(error, SHMRPC_E_CANCELLED,
                                  "the pipe has been ended");
    }
    return status == SHMRPC_OK ? claim(pipe, error) : status;
}

/* ---- writing ------------------------------------------------------------- */

/* Copy between memory and the ring; the bytes may wrap at its end. */
static void copy_in(const shmrpci_lane *lane, uint64_t position,
                    const uint8_t *data, size_t len)
{
    uint64_t at = position & (lane->size - 1);
    size_t first = len < lane->size - at ? len : (size_t)(lane->size - at);
    shmrpci_lane_copy_in(lane->ring + at, data, first);
    shmrpci_lane_copy_in(lane->ring, data + first, len - first);
}

static void copy_out(const shmrpci_lane *lane, uint64_t position, uint8_t *data,
                     size_t len)
{
    uint64_t at = position & (lane->size - 1);
    size_t first = len < lane->size - at ? len : (size_t)(lane->size - at);
    shmrpci_lane_copy_out(data, lane->ring + at, first);
    shmrpci_lane_copy_out(data + first, lane->ring, len - first);
}

/* The most bytes that the pipe may hold: as many as were requested, even if the
 * ring is larger. The shared head may be damaged, so never more than the
 * ring. */
static uint64_t capacity_of(const shmrpci_pipe *pipe)
{
    return pipe->ring.capacity < pipe->ring.shape.ring_bytes
               ? pipe->ring.capacity
               : pipe->ring.shape.ring_bytes;
}

/* Writes as many bytes as there is room for. */
static shmrpc_status write_some(shmrpci_pipe *pipe, const shmrpci_lane *lane,
                                span *of)
{
    /* Acquire: the last writer, which is dead or has left, wrote its bytes
     * before this tail, and readers made their copies before this head. */
    uint64_t tail = shmrpci_load_acquire(&lane->words->tail);
    uint64_t head = shmrpci_load_seq(&lane->words->head);
    uint64_t used = tail - head;
    uint64_t capacity = capacity_of(pipe);
    if (used > lane->size) {
        return SHMRPC_E_DATA_LOSS;
    }
    uint64_t room = used < capacity ? capacity - used : 0;
    size_t left = of->len - of->done;
    size_t some = left < room ? left : (size_t)room;
    if (some > 0) {
        copy_in(lane, tail, of->data + of->done, some);
        of->done += some;
        /* Release: pairs with the acquire of readers. */
        shmrpci_store_release(&lane->words->tail, tail + some);
    }
    return SHMRPC_OK;
}

typedef struct full_pipe {
    const shmrpci_lane *lane;
    uint64_t capacity;
} full_pipe;

static bool has_room(void *user)
{
    const full_pipe *of = user;
    /* Seq: after the announcement of the sleep. */
    uint64_t head = shmrpci_load_seq(&of->lane->words->head);
    uint64_t tail = shmrpci_load_relaxed(&of->lane->words->tail);
    return tail - head < of->capacity;
}

static shmrpc_status wait_for_room(shmrpci_pipe *pipe, const shmrpci_lane *lane,
                                   shmrpci_slices *slices, shmrpc_error *error)
{
    full_pipe full = {lane, capacity_of(pipe)};
    shmrpci_ring_counts *counts = shmrpci_ring_my_counts(&pipe->ring);
    /* The deadline is checked first: a damaged head may change again and again
     * without making room, and then only the deadline ends the loop. */
    if (slices->deadline_ns == 0 || shmrpci_now_ns() >= slices->deadline_ns) {
        return late(slices->deadline_ns, "the pipe is full, and no reader read",
                    error);
    }
    if (shmrpci_ring_spin(&pipe->room_spinner, has_room, &full)) {
        return SHMRPC_OK;
    }
    (void)shmrpci_add_seq(&counts->wants_room, 1u);
    uint32_t seen = shmrpci_bell_announce(&lane->words->room);
    if (!has_room(&full) && !shmrpci_region_is_destroyed(&pipe->ring.region)) {
        shmrpci_ring_count(&counts->sleeps, 1);
        (void)shmrpci_bell_sleep(&lane->words->room, seen, slices);
    }
    (void)shmrpci_sub_seq(&counts->wants_room, 1u);
    return SHMRPC_OK;
}

/* One attempt, under the mutex. */
static shmrpc_status write_once(shmrpci_pipe *pipe, shmrpci_lane *lane,
                                span *of, shmrpc_error *error)
{
    shmrpc_status status = check_writer(pipe, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_ring_make_lane(
            &pipe->ring, shmrpci_ring_common(&pipe->ring), lane, error);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    status = write_some(pipe, lane, of);
    return status == SHMRPC_OK
               ? SHMRPC_OK
               : shmrpc_error_set(error, status, "the pipe is damaged");
}

shmrpc_status shmrpci_pipe_write(shmrpci_pipe *pipe, const void *data,
                                 size_t len, int64_t deadline_ns,
                                 size_t *out_len, shmrpc_error *error)
{
    shmrpci_slices slices = shmrpci_slices_until(deadline_ns);
    /* The cast is safe: a write only reads the bytes. */
    span of = {.data = (uint8_t *)(uintptr_t)data, .len = len};
    shmrpc_status status = SHMRPC_OK;
    do {
        size_t before = of.done;
        shmrpci_lane lane;
        if (!shmrpci_mutex_lock_until(&pipe->mutex, deadline_ns)) {
            status = late(deadline_ns,
                          "other threads are writing with this handle", error);
            break;
        }
        status = write_once(pipe, &lane, &of, error);
        shmrpci_mutex_unlock(&pipe->mutex);
        if (of.done > before) {
            shmrpci_ring_announce(&pipe->ring, 1);
        }
        if (status == SHMRPC_OK && of.done < of.len) {
            status = wait_for_room(pipe, &lane, &slices, error);
        }
    } while (status == SHMRPC_OK && of.done < of.len);
    *out_len = of.done;
    return status;
}

shmrpc_status shmrpci_pipe_end(shmrpci_pipe *pipe)
{
    shmrpci_mutex_lock(&pipe->mutex);
    shmrpc_status status = check_writer(pipe, NULL);
    if (status == SHMRPC_OK) {
        shmrpci_ring_end(&pipe->ring);
        resign(pipe);
    }
    shmrpci_mutex_unlock(&pipe->mutex);
    return status;
}

/* ---- reading ------------------------------------------------------------- */

/* The status of an empty pipe: NOT_FOUND if bytes may still come, else
 * OWNER_DIED or CANCELLED. */
static shmrpc_status judge_empty(shmrpci_pipe *pipe, uint64_t tail,
                                 bool is_ended)
{
    uint64_t broken = tail + 1;
    if (shmrpci_load_seq(&pipe->words->broken) == broken) {
        /* The CAS makes sure that only one reader is told. */
        return shmrpci_cas_seq(&pipe->words->broken, &broken, 0u)
                   ? SHMRPC_E_OWNER_DIED
                   : SHMRPC_E_NOT_FOUND;
    }
    return is_ended ? SHMRPC_E_CANCELLED : SHMRPC_E_NOT_FOUND;
}

/* Reads the bytes that are there, up to the size of `of`. Returns BUSY if other
 * readers were faster in every attempt. */
static shmrpc_status read_some(shmrpci_pipe *pipe, const shmrpci_lane *lane,
                               span *of, bool is_ended)
{
    for (uint32_t i = 0; i < MAX_TRIES; i++) {
        /* Seq: after the announcement of a sleep. */
        uint64_t head = shmrpci_load_seq(&lane->words->head);
        uint64_t tail = shmrpci_load_seq(&lane->words->tail);
        uint64_t there = tail - head;
        if (there == 0) {
            return judge_empty(pipe, tail, is_ended);
        }
        size_t some = of->len < there ? of->len : (size_t)there;
        if (there <= lane->size) {
            copy_out(lane, head, of->data, some);
            uint64_t expected = head;
            if (shmrpci_cas_seq(&lane->words->head, &expected, head + some)) {
                of->done = some;
                /* Seq: comes after the CAS of the head. */
                shmrpci_bell_ring(&lane->words->room, 1);
                return SHMRPC_OK;
            }
        } else if (shmrpci_load_seq(&lane->words->head) == head) {
            return SHMRPC_E_DATA_LOSS;
        }
    }
    return SHMRPC_E_BUSY;
}

static shmrpc_status try_read(shmrpci_pipe *pipe, span *of)
{
    shmrpci_lane lane;
    /* Read before the tail, so that we see all bytes written before the end. */
    bool is_ended = shmrpci_ring_is_ended(&pipe->ring);
    if (!shmrpci_ring_lane(&pipe->ring, shmrpci_ring_common(&pipe->ring),
                           &lane)) {
        return judge_empty(pipe, 0, is_ended);
    }
    return read_some(pipe, &lane, of, is_ended);
}

/* Like try_read. But if the pipe is empty, checks whether the writer is dead,
 * and then tries again. */
static shmrpc_status look_and_read(shmrpci_pipe *pipe, span *of)
{
    shmrpc_status status = try_read(pipe, of);
    if (status == SHMRPC_E_NOT_FOUND &&
        shmrpci_mutex_lock_until(&pipe->mutex, 0)) {
        bury(pipe);
        shmrpci_mutex_unlock(&pipe->mutex);
        status = try_read(pipe, of);
    }
    return status;
}

static bool has_bytes(void *user)
{
    const shmrpci_pipe *pipe = user;
    shmrpci_lane lane;
    return shmrpci_ring_lane(&pipe->ring, shmrpci_ring_common(&pipe->ring),
                             &lane) &&
           shmrpci_load_seq(&lane.words->tail) !=
               shmrpci_load_seq(&lane.words->head);
}

void shmrpci_pipe_announce(shmrpci_pipe *pipe, shmrpci_futex_on *out,
                           int64_t *out_max_ns)
{
    shmrpci_atomic_u32 *bell = &pipe->ring.roots->bell;
    *out = (shmrpci_futex_on){bell, shmrpci_bell_announce(bell)};
    *out_max_ns = shmrpci_load_seq(&pipe->words->writer) != 0
                      ? WRITER_SLICE_NS
                      : SHMRPCI_BELL_MAX_SLICE_NS;
}

static shmrpc_status sleep_once(shmrpci_pipe *pipe, span *of,
                                shmrpci_slices *slices)
{
    shmrpci_futex_on on;
    shmrpci_ring_counts *counts = shmrpci_ring_my_counts(&pipe->ring);
    shmrpci_pipe_announce(pipe, &on, &slices->max_ns);
    shmrpc_status status = look_and_read(pipe, of);
    if (status != SHMRPC_E_NOT_FOUND ||
        shmrpci_region_is_destroyed(&pipe->ring.region)) {
        return status;
    }
    shmrpci_ring_count(&counts->sleeps, 1);
    (void)shmrpci_bell_sleep(on.word, on.expected, slices);
    return look_and_read(pipe, of);
}

static shmrpc_status wait_and_read(shmrpci_pipe *pipe, span *of,
                                   int64_t deadline_ns, shmrpc_error *error)
{
    shmrpci_slices slices = shmrpci_slices_until(deadline_ns);
    shmrpci_ring_counts *counts = shmrpci_ring_my_counts(&pipe->ring);
    shmrpc_status status = SHMRPC_E_NOT_FOUND;
    if (shmrpci_ring_spin(&pipe->bytes_spinner, has_bytes, pipe)) {
        status = try_read(pipe, of);
    }
    (void)shmrpci_add_seq(&counts->wants_items, 1u);
    while (status == SHMRPC_E_NOT_FOUND || status == SHMRPC_E_BUSY) {
        status = shmrpci_ring_check(&pipe->ring, error);
        if (status != SHMRPC_OK) {
            break;
        }
        if (shmrpci_now_ns() >= slices.deadline_ns) {
            status = late(deadline_ns, "no bytes came", error);
            break;
        }
        status = sleep_once(pipe, of, &slices);
    }
    (void)shmrpci_sub_seq(&counts->wants_items, 1u);
    return status;
}

shmrpc_status shmrpci_pipe_read(shmrpci_pipe *pipe, void *data, size_t len,
                                int64_t deadline_ns, size_t *out_len,
                                shmrpc_error *error)
{
    span of = {.data = data, .len = len};
    shmrpc_status status = shmrpci_ring_check(&pipe->ring, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = len > 0 ? look_and_read(pipe, &of) : SHMRPC_OK;
    if (status == SHMRPC_E_NOT_FOUND || status == SHMRPC_E_BUSY) {
        status = deadline_ns == 0
                     ? late(0, "the pipe is empty", error)
                     : wait_and_read(pipe, &of, deadline_ns, error);
    }
    if (status == SHMRPC_E_OWNER_DIED) {
        return shmrpc_error_set(error, status,
                                "the writer died before it ended the stream");
    }
    if (status == SHMRPC_E_DATA_LOSS) {
        return shmrpc_error_set(error, status, "the pipe is damaged");
    }
    if (status == SHMRPC_OK || status == SHMRPC_E_CANCELLED) {
        *out_len = of.done;
        return SHMRPC_OK;
    }
    return status; /* the failed call has set `error` */
}

/* ---- ending, statistics, checks ------------------------------------------ */

void shmrpci_pipe_destroy(shmrpci_pipe *pipe)
{
    if (!shmrpci_ring_is_forked(&pipe->ring)) {
        shmrpci_ring_destroy(&pipe->ring);
    }
}

void shmrpci_pipe_get_stat(const shmrpci_pipe *pipe, shmrpci_pipe_stat *out)
{
    const shmrpci_ring *ring = &pipe->ring;
    shmrpci_lane lane;
    *out = (shmrpci_pipe_stat){0};
    if (shmrpci_ring_is_forked(ring)) {
        return;
    }
    *out = (shmrpci_pipe_stat){.capacity = capacity_of(pipe),
                               .writer_pid = writer_pid(pipe),
                               .is_ended = shmrpci_ring_is_ended(ring),
                               .is_destroyed =
                                   shmrpci_region_is_destroyed(&ring->region)};
    if (shmrpci_ring_lane(ring, shmrpci_ring_common(ring), &lane)) {
        out->read = shmrpci_load_seq(&lane.words->head);
        out->written = shmrpci_load_seq(&lane.words->tail);
        out->depth = out->written - out->read;
    }
    uint32_t high = shmrpci_region_high(&ring->region);
    for (uint32_t i = 0; i < high; i++) {
        const shmrpci_ring_counts *counts = shmrpci_ring_counts_of(ring, i);
        if (shmrpci_region_is_alive(&ring->region, i)) {
            out->participants++;
            out->waiting_for_bytes +=
                shmrpci_load_relaxed(&counts->wants_items);
            out->waiting_for_room += shmrpci_load_relaxed(&counts->wants_room);
        }
    }
}

shmrpc_status shmrpci_pipe_look(int fd, shmrpci_pipe_stat *out,
                                shmrpc_error *error)
{
    shmrpci_pipe pipe = {.buried_ns = 0};
    shmrpc_status status = shmrpci_ring_open(
        &pipe.ring, fd, SHMRPCI_ACCESS_READ, SHMRPCI_RING_KIND_PIPE, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    pipe.words = shmrpci_ring_desk(&pipe.ring);
    if (is_sound(&pipe)) {
        shmrpci_pipe_get_stat(&pipe, out);
    } else {
        status = fail_unsound(error);
    }
    shmrpci_ring_close(&pipe.ring);
    return status;
}

uint64_t shmrpci_pipe_check(const shmrpci_pipe *pipe,
                            shmrpci_region_finding *finding, void *user)
{
    const shmrpci_ring *ring = &pipe->ring;
    uint64_t count = shmrpci_region_check(&ring->region, finding, user);
    uint64_t offset =
        shmrpci_load_seq(&ring->roots->lanes[shmrpci_ring_common(ring)]);
    shmrpci_lane lane;
    if (offset != 0 &&
        (!shmrpci_ring_lane(ring, shmrpci_ring_common(ring), &lane) ||
         shmrpci_load_seq(&lane.words->tail) -
                 shmrpci_load_seq(&lane.words->head) >
             lane.size)) {
        count++;
        if (finding != NULL) {
            finding(user, offset,
                    "a ring whose head and tail contradict each other");
        }
    }
    return count;
}

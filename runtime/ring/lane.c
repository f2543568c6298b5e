/* Writing records into a ring, and copying them out. */
#include "ring/lane.h"

#include <string.h>

#include "base/assert.h"
#include "base/copy.h"
#include "os/map_alias.h"

/* The most attempts of a look. An attempt fails if another consumer takes the
 * records meanwhile. If all attempts fail, the look returns BUSY. */
#define MAX_TRIES 64u

#define ITEM_ALIGN 16u

/* How far ahead of a record its cache lines are prefetched. */
#define AHEAD 256u

/* How many bytes are assembled before they are copied to a ring. */
#define PACK_BYTES 2048u

static uint64_t round_up(uint64_t bytes, uint64_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

uint64_t shmrpci_lane_station_offset(const shmrpci_lane_shape *shape)
{
    return sizeof(shmrpci_lane_words) +
           round_up(shape->marks * sizeof(uint64_t), 128);
}

static uint64_t ring_offset(const shmrpci_lane_shape *shape)
{
    return shmrpci_lane_station_offset(shape) +
           round_up(shape->station_bytes, 128);
}

uint64_t shmrpci_lane_bytes(const shmrpci_lane_shape *shape)
{
    return ring_offset(shape) + shape->ring_bytes;
}

shmrpci_lane shmrpci_lane_at(void *at, const shmrpci_lane_shape *shape)
{
    SHMRPCI_ASSERT((shape->ring_bytes & (shape->ring_bytes - 1)) == 0,
                   "a ring's size is a power of two");
    return (shmrpci_lane){.words = at,
                          .ring = (uint8_t *)at + ring_offset(shape),
                          .size = shape->ring_bytes};
}

#if SHMRPCI_MAP_ALIAS || defined(SHMRPCI_COPIES_ARE_ATOMIC)

/* The data race is intended: readers discard bytes that were overwritten while
 * they copied them. It is marked for ThreadSanitizer, and for tests/relacy. */

void shmrpci_lane_copy_in(void *ring, const void *from, size_t len)
{
    uint8_t *to = ring;
    const uint8_t *at = from;
    for (; len >= sizeof(uint64_t); len -= 8, to += 8, at += 8) {
        uint64_t eight;
        memcpy(&eight, at, sizeof eight);
        __atomic_store_n((uint64_t *)(void *)to, eight, __ATOMIC_RELAXED);
    }
    for (; len > 0; len--) {
        __atomic_store_n(to++, *at++, __ATOMIC_RELAXED);
    }
}

void shmrpci_lane_copy_out(void *to, const void *ring, size_t len)
{
    uint8_t *at = to;
    const uint8_t *from = ring;
    for (; len >= sizeof(uint64_t); len -= 8, at += 8, from += 8) {
        uint64_t eight = __atomic_load_n((const uint64_t *)(const void *)from,
                                         __ATOMIC_RELAXED);
        memcpy(at, &eight, sizeof eight);
    }
    for (; len > 0; len--) {
        *at++ = __atomic_load_n(from++, __ATOMIC_RELAXED);
    }
}

#else

void shmrpci_lane_copy_in(void *ring, const void *from, size_t len)
{
    /* Short data is not copied by memcpy, because one store of 64 bytes across
     * two cache lines that other CPUs hold takes twice as long as several of
     * 16. */
    shmrpci_copy_short(ring, from, len);
}

void shmrpci_lane_copy_out(void *to, const void *ring, size_t len)
{
    memcpy(to, ring, len);
}

#endif

bool shmrpci_lane_is_record(const shmrpci_lane *lane, uint64_t position,
                            uint64_t tail, uint64_t word, uint64_t *out_end)
{
    uint32_t kind = shmrpci_record_kind_of(word);
    uint64_t room = shmrpci_record_room(shmrpci_record_len(word));
    uint64_t left = lane->size - (position & (lane->size - 1));
    bool is_good =
        (kind == SHMRPCI_RECORD_DATA || kind == SHMRPCI_RECORD_PAD) &&
        room <= tail - position && room <= left;
    /* A record is always published together with the PAD before it. */
    if (!is_good || (kind == SHMRPCI_RECORD_PAD &&
                     (room != left || room == tail - position))) {
        return false;
    }
    *out_end = position + room;
    return true;
}

/* ---- producers ----------------------------------------------------------- */

/* Whether a reader may trust `head`: it must be within one lap of `tail`. */
static bool is_behind(const shmrpci_lane *lane, uint64_t head, uint64_t tail)
{
    return tail - head <= lane->size;
}

/* Finds the first DATA record at or after `position`. */
static bool find_data(const shmrpci_lane *lane, uint64_t *position,
                      uint64_t tail, uint64_t *out_word, uint64_t *out_end)
{
    /* Relaxed: ordered by the load of the tail, or by our own store of it. */
    *out_word = shmrpci_load_relaxed(shmrpci_lane_record(lane, *position));
    if (!shmrpci_lane_is_record(lane, *position, tail, *out_word, out_end)) {
        return false;
    }
    if (shmrpci_record_kind_of(*out_word) == SHMRPCI_RECORD_PAD) {
        *position = *out_end;
        *out_word = shmrpci_load_relaxed(shmrpci_lane_record(lane, *position));
        return shmrpci_lane_is_record(lane, *position, tail, *out_word,
                                      out_end) &&
               shmrpci_record_kind_of(*out_word) == SHMRPCI_RECORD_DATA;
    }
    return true;
}

/* The full number of a record, which stores only the low bits; the result is at
 * most `count`. */
static uint64_t widen(uint64_t number, uint64_t count)
{
    return count - ((count - number) & SHMRPCI_RECORD_NUMBER);
}

/* Reads the head again, to learn what has been taken. */
static void refresh(shmrpci_lane_writer *writer)
{
    const shmrpci_lane *lane = &writer->lane;
    if (writer->is_topic) {
        return;
    }
    /* Acquire: pairs with the CAS of the taker. The taker copied the records
     * before that CAS, so their room may be overwritten. */
    uint64_t word = shmrpci_load_acquire(&lane->words->head);
    uint64_t head = shmrpci_head_position(word, writer->tail);
    uint64_t position = head;
    uint64_t end;
    if (!is_behind(lane, head, writer->tail)) {
        return; /* damaged: no more room becomes free */
    }
    writer->head = head;
    writer->taken = writer->count;
    if (head != writer->tail &&
        find_data(lane, &position, writer->tail, &word, &end)) {
        writer->taken = widen(shmrpci_record_number(word), writer->count);
    }
}

/* Sets `*count` to the number after that of the last record in [head, tail). */
static shmrpc_status find_count(const shmrpci_lane *lane, uint64_t head,
                                uint64_t tail, uint64_t *count)
{
    uint64_t position = head;
    uint64_t word;
    uint64_t end;
    while (position != tail) {
        if (!find_data(lane, &position, tail, &word, &end)) {
            return SHMRPC_E_DATA_LOSS;
        }
        position = end;
        /* The count may be ahead of the tail, as it includes unpublished
         * records. */
        *count = widen(shmrpci_record_number(word), *count) + 1;
    }
    return SHMRPC_OK;
}

shmrpc_status shmrpci_lane_adopt(shmrpci_lane_writer *writer,
                                 const shmrpci_lane *lane, uint64_t limit)
{
    shmrpci_lane_words *words = lane->words;
    /* Acquire, both: the last producer may be another process. */
    uint64_t tail = shmrpci_load_acquire(&words->tail);
    uint64_t word = shmrpci_load_acquire(&words->head);
    uint64_t head = shmrpci_head_position(word, tail);
    uint64_t count = shmrpci_load_relaxed(&words->count);
    if (tail % 8 != 0 || !is_behind(lane, head, tail)) {
        return SHMRPC_E_DATA_LOSS;
    }
    shmrpc_status status = find_count(lane, head, tail, &count);
    if (status == SHMRPC_OK) {
        *writer = (shmrpci_lane_writer){.lane = *lane,
                                        .tail = tail,
                                        .count = count,
                                        .shown = tail,
                                        .limit = limit,
                                        .head = head};
        refresh(writer);
    }
    return status;
}

shmrpc_status shmrpci_lane_resume(shmrpci_lane_writer *writer)
{
    /* Acquire: pairs with the release of the previous producer. */
    uint64_t tail = shmrpci_load_acquire(&writer->lane.words->tail);
    if (tail % 8 != 0) {
        return SHMRPC_E_DATA_LOSS;
    }
    /* The head that we know may be out of date, but is still valid: it only
     * makes less room appear free. */
    writer->tail = tail;
    writer->shown = tail;
    writer->count = shmrpci_load_relaxed(&writer->lane.words->count);
    return SHMRPC_OK;
}

/* Sets `record` to where the record would begin. Returns where it would end. */
static uint64_t place(const shmrpci_lane_writer *writer, uint32_t len,
                      uint64_t *out_record)
{
    uint64_t room = shmrpci_record_room(len);
    uint64_t size = writer->lane.size;
    uint64_t left = size - (writer->tail & (size - 1));
    *out_record = room <= left ? writer->tail : writer->tail + left;
    return *out_record + room;
}

/* Whether there is room up to `end` for one record and `more` others. */
static bool has_room(const shmrpci_lane_writer *writer, uint64_t end,
                     uint32_t more)
{
    uint64_t used = end - writer->head + writer->spare;
    return used <= writer->lane.size &&
           writer->count + more - writer->taken < writer->limit;
}

shmrpc_status shmrpci_lane_adopt_topic(shmrpci_lane_writer *writer,
                                       const shmrpci_lane *lane, uint64_t marks)
{
    const shmrpci_lane_words *words = lane->words;
    /* Acquire, all: the last publisher may be another process. */
    uint64_t tail = shmrpci_load_acquire(&words->tail);
    uint64_t count = shmrpci_load_acquire(&words->count);
    if (tail % 8 != 0) {
        return SHMRPC_E_DATA_LOSS;
    }
    /* The last producer may have died after it stored the count and before it
     * stored the tail. */
    if (count > 0 && shmrpci_load_acquire(
                         &words->marks[(count - 1) & (marks - 1)]) >= tail) {
        count--;
    }
    *writer = (shmrpci_lane_writer){.lane = *lane,
                                    .tail = tail,
                                    .count = count,
                                    .shown = tail,
                                    .head = tail,
                                    .limit = UINT64_MAX,
                                    .is_topic = true};
    return SHMRPC_OK;
}

void shmrpci_lane_intend(const shmrpci_lane_writer *writer, uint32_t len)
{
    /* Relaxed: a reader that sees a byte written after the fence also sees this
     * intent, because it makes a fence before it looks. */
    shmrpci_store_relaxed(&writer->lane.words->intent,
                          shmrpci_lane_end_of(writer, len));
    shmrpci_fence_release();
}

void shmrpci_lane_mark(const shmrpci_lane_writer *writer, uint64_t marks)
{
    /* Relaxed: ordered by the store of the tail; a reader also checks the
     * record to which the mark leads. */
    shmrpci_store_relaxed(
        &writer->lane.words->marks[writer->count & (marks - 1)],
        writer->record);
}

bool shmrpci_lane_has_free(shmrpci_lane_writer *writer, uint64_t bytes)
{
    uint64_t size = writer->lane.size;
    if (writer->tail - writer->head + bytes > size) {
        refresh(writer);
    }
    return writer->tail - writer->head + bytes <= size;
}

void *shmrpci_lane_reserve(shmrpci_lane_writer *writer, uint32_t len)
{
    SHMRPCI_ASSERT(len <= shmrpci_lane_max_len(writer->lane.size),
                   "records that are too long were refused earlier");
    uint64_t end = place(writer, len, &writer->record);
    if (!has_room(writer, end, 0)) {
        refresh(writer);
        if (!has_room(writer, end, 0)) {
            return NULL;
        }
    }
    writer->first = writer->tail;
    if (end + AHEAD - writer->head < writer->lane.size) {
        __builtin_prefetch(shmrpci_lane_place(&writer->lane, end + AHEAD), 1);
    }
    return shmrpci_lane_place(&writer->lane, writer->record) +
           SHMRPCI_RECORD_HEAD;
}

uint64_t shmrpci_lane_end_of(const shmrpci_lane_writer *writer, uint32_t len)
{
    return writer->record + shmrpci_record_room(len);
}

void shmrpci_lane_append(shmrpci_lane_writer *writer, uint32_t len,
                         uint32_t flags)
{
    const shmrpci_lane *lane = &writer->lane;
    uint64_t end = shmrpci_lane_end_of(writer, len);
    SHMRPCI_ASSERT(end - writer->head <= lane->size,
                   "a published record was reserved");
    /* All stores are relaxed: a reader that sees the new tail sees them. */
    if (writer->record != writer->first) {
        uint32_t pad =
            (uint32_t)(writer->record - writer->first - SHMRPCI_RECORD_HEAD);
        shmrpci_store_relaxed(
            shmrpci_lane_record(lane, writer->first),
            shmrpci_record_word(pad, SHMRPCI_RECORD_PAD, 0, writer->count));
    }
    shmrpci_store_relaxed(
        shmrpci_lane_record(lane, writer->record),
        shmrpci_record_word(len, SHMRPCI_RECORD_DATA, flags, writer->count));
    writer->count++;
    writer->tail = end;
}

/* Writes a record to private memory, which need not be zeros. */
static void pack(uint8_t *to, const shmrpci_slice *slice, uint64_t number)
{
    uint64_t word =
        shmrpci_record_word(slice->len, SHMRPCI_RECORD_DATA, 0, number);
    uint64_t room = shmrpci_record_room(slice->len);
    /* The bytes may end before the room of the record does, so its last word is
     * set to 0 first. */
    memset(to + room - SHMRPCI_RECORD_HEAD, 0, SHMRPCI_RECORD_HEAD);
    memcpy(to, &word, sizeof word);
    shmrpci_copy_short(to + SHMRPCI_RECORD_HEAD, slice->data, slice->len);
}

uint32_t shmrpci_lane_append_many(shmrpci_lane_writer *writer,
                                  const shmrpci_slice *slices, uint32_t count,
                                  uint32_t max_len)
{
    _Alignas(64) uint8_t packed[PACK_BYTES];
    uint64_t size = writer->lane.size;
    uint64_t most = size - (writer->tail & (size - 1));
    uint64_t bytes = 0;
    uint32_t done = 0;
    most = most < PACK_BYTES ? most : PACK_BYTES;
    while (done < count && slices[done].len <= max_len) {
        uint64_t room = shmrpci_record_room(slices[done].len);
        uint64_t end = writer->tail + bytes + room;
        if (room > most - bytes) {
            break;
        }
        if (!has_room(writer, end, done)) {
            refresh(writer);
            if (!has_room(writer, end, done)) {
                break;
            }
        }
        pack(packed + bytes, &slices[done], writer->count + done);
        bytes += room;
        done++;
    }
    if (done > 0) {
        shmrpci_lane_copy_in(shmrpci_lane_place(&writer->lane, writer->tail),
                             packed, bytes);
        writer->tail += bytes;
        writer->count += done;
    }
    return done;
}

void shmrpci_lane_show(shmrpci_lane_writer *writer)
{
    shmrpci_lane_words *words = writer->lane.words;
    /* Stored before the tail: if we die in between, the count may be ahead of
     * the tail, but never behind. Relaxed: a reader that sees this tail also
     * sees this count. */
    shmrpci_store_relaxed(&words->count, writer->count);
    /* Release: pairs with the acquire of readers. */
    shmrpci_store_release(&words->tail, writer->tail);
    writer->shown = writer->tail;
}

/* ---- consumers ----------------------------------------------------------- */

/* Copies one record to the end of `buf`. */
static shmrpc_status copy_out(const shmrpci_lane *lane, uint64_t position,
                              uint64_t word, shmrpci_buf *buf,
                              shmrpci_item *item)
{
    uint32_t len = shmrpci_record_len(word);
    size_t gap = (ITEM_ALIGN - buf->len % ITEM_ALIGN) % ITEM_ALIGN;
    uint8_t *to = shmrpci_buf_extend(buf, gap + len);
    if (to == NULL && buf->status != SHMRPC_OK) {
        return buf->status;
    }
    *item = (shmrpci_item){
        .at = buf->len - len, .len = len, .flags = shmrpci_record_flags(word)};
    if (len > 0) {
        shmrpci_lane_copy_out(
            to + gap, shmrpci_lane_place(lane, position) + SHMRPCI_RECORD_HEAD,
            len);
    }
    return SHMRPC_OK;
}

/* Copies the records from look->to on, and appends them to those copied before.
 * DATA_LOSS may also mean that the records were overwritten meanwhile. */
static shmrpc_status copy_records(const shmrpci_lane *lane, uint64_t tail,
                                  uint32_t max, shmrpci_buf *buf,
                                  shmrpci_item *items, shmrpci_lane_look *look)
{
    uint64_t position = look->to;
    uint64_t word;
    uint64_t end;
    while (look->count < max && position != tail) {
        if (!find_data(lane, &position, tail, &word, &end)) {
            return look->count > 0 ? SHMRPC_OK : SHMRPC_E_DATA_LOSS;
        }
        size_t len = buf->len;
        shmrpc_status status =
            copy_out(lane, position, word, buf, &items[look->count]);
        if (status != SHMRPC_OK) {
            buf->len = len;
            buf->status = SHMRPC_OK;
            return look->count > 0 ? SHMRPC_OK : status;
        }
        look->count++;
        look->to = position = end;
        if (tail - end > AHEAD) {
            __builtin_prefetch(shmrpci_lane_place(lane, end + AHEAD));
        }
    }
    return SHMRPC_OK;
}

/* Reads the head, then the tail. Returns false if the two contradict each
 * other, perhaps because they changed meanwhile. */
static bool look_at_ends(const shmrpci_lane *lane, shmrpci_lane_look *look,
                         uint64_t *out_tail)
{
    /* Acquire, both: the tail publishes the records; the head must not be newer
     * than the tail. */
    look->word = shmrpci_load_acquire(&lane->words->head);
    *out_tail = shmrpci_load_acquire(&lane->words->tail);
    look->from = shmrpci_head_position(look->word, *out_tail);
    return *out_tail % 8 == 0 && is_behind(lane, look->from, *out_tail);
}

/* Like look_at_ends(), but uses the tail in `known`, which was read earlier, if
 * that tail is ahead of the head. Otherwise it reads the tail again. */
static bool recall_ends(const shmrpci_lane *lane, shmrpci_atomic_u64 *known,
                        shmrpci_lane_look *look, uint64_t *out_tail)
{
    /* Acquire: pairs with the release below. The tail in `known` may have been
     * read by another thread, whose release passes on what it acquired from the
     * producer. */
    *out_tail = shmrpci_load_acquire(known);
    look->word = shmrpci_load_acquire(&lane->words->head);
    look->from = shmrpci_head_position(look->word, *out_tail);
    if (look->from != *out_tail && is_behind(lane, look->from, *out_tail)) {
        return true;
    }
    bool is_sound = look_at_ends(lane, look, out_tail);
    if (is_sound) {
        atomic_store_explicit(known, *out_tail, memory_order_release);
    }
    return is_sound;
}

/* Reads the tail again, for records after those already copied. Returns false
 * if there are no more, or the ends contradict each other. */
static bool look_further(const shmrpci_lane *lane, shmrpci_atomic_u64 *known,
                         const shmrpci_lane_look *look, uint64_t *tail)
{
    uint64_t now = shmrpci_load_acquire(&lane->words->tail);
    if (now == *tail || now % 8 != 0 || !is_behind(lane, look->from, now) ||
        !is_behind(lane, look->to, now)) {
        return false;
    }
    atomic_store_explicit(known, now, memory_order_release);
    *tail = now;
    return true;
}

/* Copies the records that we know of, and reads the tail again only if they are
 * not enough, so that the tail's cache line stays with the producer. */
static shmrpc_status copy_known(const shmrpci_lane *lane,
                                shmrpci_atomic_u64 *known, uint32_t max,
                                shmrpci_buf *buf, shmrpci_item *items,
                                shmrpci_lane_look *look)
{
    uint64_t tail;
    /* Relaxed: used only to detect a change. */
    uint64_t before = shmrpci_load_relaxed(known);
    if (!recall_ends(lane, known, look, &tail)) {
        return SHMRPC_E_DATA_LOSS;
    }
    if (look->from == tail) {
        return SHMRPC_E_NOT_FOUND;
    }
    look->to = look->from;
    look->count = 0;
    shmrpc_status status = copy_records(lane, tail, max, buf, items, look);
    if (status == SHMRPC_OK && look->count < max && look->to == tail &&
        tail == before && look_further(lane, known, look, &tail)) {
        status = copy_records(lane, tail, max, buf, items, look);
    }
    return status;
}

shmrpc_status shmrpci_lane_look_at(const shmrpci_lane *lane,
                                   shmrpci_atomic_u64 *known, uint32_t max,
                                   shmrpci_buf *buf, shmrpci_item *items,
                                   shmrpci_lane_look *out)
{
    size_t len = buf->len;
    for (uint32_t i = 0; i < MAX_TRIES; i++) {
        shmrpci_lane_look look;
        shmrpc_status status = copy_known(lane, known, max, buf, items, &look);
        if (status == SHMRPC_E_NOT_FOUND) {
            return status;
        }
        if (status == SHMRPC_OK) {
            *out = look;
            return SHMRPC_OK;
        }
        buf->len = len;
        if (shmrpci_load_seq(&lane->words->head) == look.word) {
            return status;
        }
    }
    return SHMRPC_E_BUSY;
}

bool shmrpci_lane_find_oldest(const shmrpci_lane *lane, shmrpci_lane_look *out)
{
    uint64_t tail;
    uint64_t word;
    if (!look_at_ends(lane, out, &tail) || out->from == tail) {
        return false;
    }
    uint64_t position = out->from;
    return find_data(lane, &position, tail, &word, &out->to);
}

/* ---- readers that take nothing ------------------------------------------- */

bool shmrpci_lane_is_lapped(const shmrpci_lane *lane, uint64_t position)
{
    /* The fence pairs with that of intend: if we had read bytes written after
     * that fence, we would see the intent. */
    shmrpci_fence_acquire();
    return shmrpci_load_relaxed(&lane->words->intent) - position > lane->size;
}

shmrpc_status shmrpci_lane_read(const shmrpci_lane *lane, uint64_t position,
                                shmrpci_buf *buf, shmrpci_item *item,
                                uint64_t *out_end, uint64_t *out_number)
{
    /* Seq: also ordered after the announcement of a sleep. */
    uint64_t tail = shmrpci_load_seq(&lane->words->tail);
    uint64_t data = position;
    uint64_t word;
    if (tail == position) {
        return SHMRPC_E_NOT_FOUND;
    }
    if (tail - position > lane->size) {
        return SHMRPC_E_LOST;
    }
    if (!find_data(lane, &data, tail, &word, out_end)) {
        return shmrpci_lane_is_lapped(lane, position) ? SHMRPC_E_LOST
                                                      : SHMRPC_E_DATA_LOSS;
    }
    size_t len = buf->len;
    shmrpc_status status = copy_out(lane, data, word, buf, item);
    if (status == SHMRPC_OK && shmrpci_lane_is_lapped(lane, position)) {
        status = SHMRPC_E_LOST;
    }
    if (status != SHMRPC_OK) {
        buf->len = len;
        buf->status = SHMRPC_OK;
    }
    *out_number = shmrpci_record_number(word);
    return status;
}

void shmrpci_lane_depth(const shmrpci_lane *lane, uint64_t *out_records,
                        uint64_t *out_bytes)
{
    shmrpci_lane_look look;
    uint64_t tail;
    uint64_t word;
    uint64_t end;
    *out_records = 0;
    *out_bytes = 0;
    /* Relaxed: the result may be out of date at once anyway. */
    uint64_t count = shmrpci_load_relaxed(&lane->words->count);
    if (!look_at_ends(lane, &look, &tail) || look.from == tail) {
        return;
    }
    *out_bytes = tail - look.from;
    if (find_data(lane, &look.from, tail, &word, &end)) {
        *out_records =
            (count - shmrpci_record_number(word)) & SHMRPCI_RECORD_NUMBER;
    }
}

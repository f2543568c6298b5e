/*
 * Anything that a peer may write into the rings of a stream, before and while
 * they are used: at either end every operation ends with a permitted status,
 * and touches only the rings.
 *
 *     0  1  which directions there are; 0x80: the ends never wait
 *     1  1  size of the rings
 *     2 .. steps: a byte (operation and end), then its arguments
 *
 * Both ends are real, and a third party changes the rings between and within
 * operations. So each end has a peer that mostly behaves, and sometimes lies.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "stream/end.h"

#define MAX_ITEM ((size_t)20000)
/* Max polls within one use of an end. More polls than this count as an endless
 * wait: while one end waits, the other end never does. */
#define MAX_WAITS 5000u

typedef struct scene scene;

typedef struct side {
    shmrpci_stream_waiter waiter; /* must be first: it is cast to a side */
    scene *scene;
    shmrpci_stream_end end;
    bool has_read; /* has read to the end of the stream, of any kind */
    bool is_closed;
    bool is_busy; /* an operation is running */
} side;

struct scene {
    const uint8_t *data;
    size_t len;
    shmrpci_stream_rings rings;
    side sides[2]; /* client, worker */
    bool pumps;    /* a pump, which never waits, moves both ends */
    unsigned waits;
    uint64_t sum; /* checksum of everything that was read */
};

static void fail(const char *what, int status)
{
    fprintf(stderr, "%s: %d\n", what, status);
    abort();
}

static uint8_t get(scene *s)
{
    if (s->len == 0) {
        return 0;
    }
    s->len--;
    return *s->data++;
}

static uint32_t get_u32(scene *s)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        value = value << 8 | get(s);
    }
    return value;
}

/* ---- lies ---------------------------------------------------------------- */

/* Returns one of the existing rings. */
static shmrpci_stream_ring *pick_ring(const scene *s, uint8_t how,
                                      uint32_t *size)
{
    bool is_in =
        s->rings.out_bytes == 0 || (s->rings.in_bytes != 0 && (how & 1) == 0);
    *size = (is_in ? s->rings.in_bytes : s->rings.out_bytes) -
            (uint32_t)offsetof(shmrpci_stream_ring, frames);
    return is_in ? s->rings.in : s->rings.out;
}

static const side *reader_of(const scene *s, const shmrpci_stream_ring *ring)
{
    return &s->sides[ring == s->rings.in ? 1 : 0];
}

/* Writes a nearly valid header, at the reader's position or shortly after
 * it. */
static void lie_in_header(scene *s, shmrpci_stream_ring *ring, uint32_t size)
{
    const shmrpci_stream_reader *reader = &reader_of(s, ring)->end.reader;
    uint8_t kind = get(s);
    uint32_t len = get(s);
    uint32_t offset = reader->offset + reader->held + (kind >> 4) * 8u;
    uint32_t number = reader->number + ((kind & 8) != 0 ? get(s) : 0u);
    offset %= size;
    if ((len & 0x80) != 0) {
        len = (len & 1) != 0 ? size - offset - 8 : len << (get(s) & 31);
    }
    memcpy(ring->frames + offset + 4, &number, sizeof number);
    shmrpci_store_seq(shmrpci_stream_header_at(ring, offset),
                      shmrpci_stream_header((shmrpci_stream_kind)(kind & 7),
                                            len & UINT32_C(0x0FFFFFFF)));
}

static void lie_in_credit(scene *s, shmrpci_stream_ring *ring, uint32_t size)
{
    const shmrpci_stream_writer *writer =
        &s->sides[ring == s->rings.in ? 0 : 1].end.writer;
    static const uint64_t far[] = {UINT64_MAX, UINT64_C(1) << 63,
                                   UINT64_C(1) << 32, 0};
    uint8_t how = get(s);
    uint64_t near = (how & 8) != 0 ? writer->tail : writer->head;
    uint64_t head = (how & 4) != 0 ? far[how & 3]
                                   : near + (uint64_t)(int64_t)(int8_t)get(s) *
                                                ((how & 2) != 0 ? size : 1u);
    shmrpci_store_seq(&ring->head, head);
}

static void lie(scene *s, uint8_t how)
{
    uint32_t size;
    shmrpci_stream_ring *ring = pick_ring(s, how, &size);
    switch (how >> 1 & 7) {
    case 0:
        lie_in_credit(s, ring, size);
        break;
    case 1:
        shmrpci_store_seq(&ring->waits, (uint32_t)get(s) & 3u);
        break;
    case 2:
        shmrpci_store_seq(&ring->ended, (uint32_t)get(s) & 1u);
        break;
    case 3:
        shmrpci_store_seq(&ring->cancelled, (uint32_t)get(s) & 1u);
        break;
    case 4: /* a word at any place */
        shmrpci_store_seq(
            shmrpci_stream_header_at(ring, get_u32(s) % size & ~3u),
            get_u32(s));
        break;
    case 5: { /* the same frame throughout the ring */
        uint32_t header = get_u32(s);
        const uint32_t number = reader_of(s, ring)->end.reader.number;
        for (uint32_t at = 0; at < size; at += 8) {
            memcpy(ring->frames + at, &header, sizeof header);
            memcpy(ring->frames + at + 4, &number, sizeof number);
        }
        break;
    }
    default:
        lie_in_header(s, ring, size);
        break;
    }
}

/* ---- steps of the ends --------------------------------------------------- */

static bool is_one_of(int status, const int *list)
{
    while (*list != status && *list != INT32_MAX) {
        list++;
    }
    return *list == status;
}

static void check_read(int status)
{
    static const int may[] = {SHMRPC_MORE,        SHMRPC_OK,
                              SHMRPC_E_BUSY,      SHMRPC_E_DEADLINE,
                              SHMRPC_E_CANCELLED, SHMRPC_E_DATA_LOSS,
                              INT32_MAX};
    if (!is_one_of(status, may)) {
        fail("a read returned an unexpected status", status);
    }
}

static void check_write(int status)
{
    static const int may[] = {
        SHMRPC_OK,          SHMRPC_E_BUSY,         SHMRPC_E_DEADLINE,
        SHMRPC_E_CANCELLED, SHMRPC_E_DATA_LOSS,    SHMRPC_E_ABORTED,
        SHMRPC_E_TOO_LARGE, SHMRPC_E_PRECONDITION, INT32_MAX};
    if (!is_one_of(status, may)) {
        fail("a write returned an unexpected status", status);
    }
}

/* Reads the whole item, which must be in valid memory. */
static void touch(side *me, const uint8_t *data, size_t len, bool in_ring)
{
    const shmrpci_stream_reader *reader = &me->end.reader;
    if (len > MAX_ITEM) {
        fail("an item larger than agreed", (int)len);
    }
    if (in_ring && (data < reader->ring->frames ||
                    data + len > reader->ring->frames + reader->size)) {
        fail("an item outside of the ring", (int)len);
    }
    for (size_t i = 0; i < len; i++) {
        me->scene->sum += data[i];
    }
}

static void read_one(side *me, int64_t until_ns)
{
    const uint8_t *data;
    size_t len;
    bool in_ring;
    if (me->has_read || me->is_closed) {
        return;
    }
    int status =
        shmrpci_stream_end_next(&me->end, until_ns, &data, &len, &in_ring);
    check_read(status);
    if (status == SHMRPC_MORE) {
        touch(me, data, len, in_ring);
    }
    me->has_read = status != SHMRPC_MORE && status != SHMRPC_E_BUSY &&
                   status != SHMRPC_E_DEADLINE;
}

static void take_part(side *me)
{
    const uint8_t *data;
    size_t len;
    bool is_last;
    if (!me->end.reads || me->has_read || me->is_closed) {
        return;
    }
    int status = shmrpci_stream_end_take(&me->end, &data, &len, &is_last);
    check_read(status);
    if (status == SHMRPC_MORE) {
        touch(me, data, len, true);
    }
    me->has_read = status != SHMRPC_MORE && status != SHMRPC_E_BUSY;
}

static const uint8_t items[MAX_ITEM + 1];

static size_t get_length(scene *s)
{
    uint32_t value = get(s);
    return (value << (value & 15)) % (MAX_ITEM + 2);
}

static void write_one(side *me, size_t len, int64_t until_ns, bool alone)
{
    if (!me->is_closed) {
        check_write(
            shmrpci_stream_end_send(&me->end, items, len, until_ns, alone));
    }
}

static void step(scene *s, bool may_wait);

/* Fills the lent memory while other steps happen, and commits it or not. */
static void lend_one(side *me, size_t len, int64_t until_ns, bool alone)
{
    uint8_t *at = NULL;
    if (me->is_closed) {
        return;
    }
    int status = shmrpci_stream_end_lend(&me->end, len, until_ns, alone, &at);
    check_write(status);
    if (status != SHMRPC_OK) {
        return;
    }
    const shmrpci_stream_writer *writer = &me->end.writer;
    if (at < writer->ring->frames ||
        at + len > writer->ring->frames + writer->size) {
        fail("a loan outside of the ring", (int)len);
    }
    memset(at, 'x', len);
    step(me->scene, false);
    if (get(me->scene) % 4 == 0) {
        shmrpci_stream_end_abort(&me->end);
    } else {
        check_write(shmrpci_stream_end_commit(&me->end, len / 2));
    }
    if (shmrpci_stream_end_delivered(&me->end) > writer->number) {
        fail("more items delivered than sent", (int)writer->number);
    }
}

static void put_part(side *me, size_t len, bool is_last)
{
    size_t sent = 0;
    if (!me->end.writes || me->is_closed || (len == 0 && !is_last)) {
        return;
    }
    int status = shmrpci_stream_end_put(&me->end, items, len, is_last, &sent);
    check_write(status);
    if (sent > len || (status != SHMRPC_OK && sent != 0)) {
        fail("more was sent than there was", status);
    }
}

static void sleep_and_wake(side *me)
{
    shmrpci_futex_on on[2];
    size_t count;
    bool takes = me->end.reads && !me->has_read && me->end.reader.held == 0;
    bool puts = me->end.writes && !me->end.writer.is_ended;
    if (!me->is_closed) {
        (void)shmrpci_stream_end_arm(&me->end, takes, puts, on, &count);
        shmrpci_stream_end_disarm(&me->end);
    }
}

static void close_end(side *me)
{
    if (!me->is_closed) {
        me->is_closed = true;
        shmrpci_stream_end_close(&me->end);
    }
}

/* ---- steps --------------------------------------------------------------- */

static void end_or_close(side *me, uint8_t what)
{
    if ((what & 8) == 0) {
        if (get(me->scene) == 255) {
            close_end(me);
        }
    } else if (!me->is_closed) {
        shmrpci_stream_end_finish(&me->end);
    }
}

static void pump(side *me, uint8_t what)
{
    switch (what & 3) {
    case 0:
        take_part(me);
        break;
    case 1:
        put_part(me, get_length(me->scene), (what & 8) != 0);
        break;
    case 2:
        sleep_and_wake(me);
        break;
    default:
        end_or_close(me, what);
        break;
    }
}

static void use(side *me, uint8_t what, int64_t until_ns)
{
    scene *s = me->scene;
    me->is_busy = true;
    s->waits = 0;
    if (s->pumps) {
        pump(me, what);
    } else if ((what & 3) == 3) {
        end_or_close(me, what);
    } else if ((what & 7) == 6) {
        lend_one(me, get_length(s), until_ns, (what & 8) != 0);
    } else if ((what & 3) == 2) {
        write_one(me, get_length(s), until_ns, (what & 8) != 0);
    } else {
        read_one(me, until_ns);
    }
    me->is_busy = false;
}

/* Runs a step. While one end waits, no other step may wait. */
static void step(scene *s, bool may_wait)
{
    uint8_t what = get(s);
    side *me = &s->sides[what >> 4 & 1];
    if ((what & 0x80) != 0) {
        lie(s, what);
    } else if ((what & 0x60) == 0x60 && (what & 15) == 0) {
        shmrpci_stream_rings_lose(&s->rings);
    } else if ((what & 0x60) == 0x60 && (what & 15) == 1) {
        shmrpci_stream_rings_leave(&s->rings);
    } else if (!me->is_busy) {
        bool waits = may_wait && (what & 0x20) != 0;
        use(me, what, waits ? SHMRPCI_NEVER_NS : 0);
    }
}

static void count_wait(scene *s)
{
    if (++s->waits > MAX_WAITS) {
        fail("an endless wait", (int)s->waits);
    }
}

static bool spin(shmrpci_stream_waiter *waiter,
                 bool (*is_over)(const void *what), const void *what)
{
    scene *s = ((side *)(void *)waiter)->scene;
    count_wait(s);
    if (s->len > 0) {
        step(s, false);
    }
    return is_over(what);
}

static int sleep_on(shmrpci_stream_waiter *waiter, shmrpci_atomic_u32 *word,
                    uint32_t expected, int64_t until_ns)
{
    scene *s = ((side *)(void *)waiter)->scene;
    (void)word, (void)expected, (void)until_ns;
    count_wait(s);
    if (s->len == 0) {
        return SHMRPC_E_DEADLINE;
    }
    uint8_t how = get(s);
    step(s, false);
    return how == 255   ? SHMRPC_E_CANCELLED
           : how == 254 ? SHMRPC_E_DEADLINE
                        : SHMRPC_OK;
}

static shmrpci_stream_ring *ring_new(uint32_t bytes)
{
    /* Allocated separately, so that a sanitizer sees accesses beyond it. */
    shmrpci_stream_ring *ring =
        bytes != 0 ? aligned_alloc(SHMRPCI_STREAM_ALIGN, bytes) : NULL;
    if (bytes != 0 && ring == NULL) {
        fail("no memory", 0);
    }
    if (ring != NULL) {
        memset(ring, 0xA5, bytes);
    }
    return ring;
}

static void begin(scene *s)
{
    uint8_t how = get(s);
    uint32_t bytes = SHMRPCI_STREAM_MIN_BYTES + get(s) * SHMRPCI_STREAM_ALIGN;
    s->pumps = (how & 0x80) != 0;
    s->rings.in_bytes = how % 3 != 1 ? bytes : 0;
    s->rings.out_bytes = how % 3 != 2 ? bytes : 0;
    s->rings.in = ring_new(s->rings.in_bytes);
    s->rings.out = ring_new(s->rings.out_bytes);
    shmrpci_stream_rings_format(&s->rings);
    for (int i = 0; i < 2; i++) {
        side *me = &s->sides[i];
        me->scene = s;
        me->waiter = (shmrpci_stream_waiter){.spin = spin, .sleep = sleep_on};
        shmrpci_stream_end_init(&me->end, &s->rings, i == 1, MAX_ITEM,
                                &me->waiter);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    scene s = {.data = data, .len = len};
    begin(&s);
    while (s.len > 0) {
        step(&s, true);
    }
    for (int i = 0; i < 2; i++) {
        close_end(&s.sides[i]);
        shmrpci_stream_end_fini(&s.sides[i].end);
    }
    free(s.rings.in);
    free(s.rings.out);
    return 0;
}

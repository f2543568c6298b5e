/*
 * Lanes and the bell: the source of lane.c and bell.c, and the inline functions
 * of ring.h.
 *
 * One thread publishes records into a ring that has room for two. Two threads
 * take them, or read them without taking as subscribers do, or sleep until
 * there are any.
 */
#include "ring/ring.h"

#include <string.h>

#include "engine.h"
#include "kernel.h"

#define RECORDS 4u
#define TRIES   8u
#define RING    64u
#define MARKS   2u

/* The contents of a record: both halves are its number. */
typedef struct content {
    uint64_t number;
    uint64_t same;
} content;

static union {
    shmrpci_lane_words words;
    _Alignas(128) uint8_t bytes[1024];
} memory;
static union {
    shmrpci_ring_roots roots;
    _Alignas(128) uint8_t bytes[512];
} roots;
static shmrpci_ring ring;
static shmrpci_lane lane;
static shmrpci_lane_writer writer;
static unsigned came[RECORDS];
static shmrpci_atomic_u64 known[3]; /* one for each thread */
static unsigned published;

static void before(uint64_t limit)
{
    static const shmrpci_lane_shape shape = {.ring_bytes = RING,
                                             .marks = MARKS};
    kernel_reset(SHMRPCI_NS_PER_US); /* slices never end */
    memset(&memory, 0, sizeof memory);
    memset(&roots, 0, sizeof roots);
    memset(came, 0, sizeof came);
    memset(known, 0, sizeof known);
    published = 0;
    ring.roots = &roots.roots;
    lane = shmrpci_lane_at(&memory, &shape);
    ENGINE_CHECK(shmrpci_lane_adopt(&writer, &lane, limit) == SHMRPC_OK);
}

/* ---- taking -------------------------------------------------------------- */

static bool append(uint64_t number)
{
    content it = {number, number};
    void *at = shmrpci_lane_reserve(&writer, sizeof it);
    if (at == NULL) {
        return false;
    }
    shmrpci_lane_copy_in(at, &it, sizeof it);
    shmrpci_lane_append(&writer, sizeof it, 0);
    published++;
    return true;
}

static bool publish(uint64_t number)
{
    bool is_there = append(number);
    if (is_there) {
        shmrpci_lane_show(&writer);
    }
    return is_there;
}

/* Takes a record. Returns false if there is none. */
static bool take(void)
{
    _Alignas(16) content it[2];
    shmrpci_item items[2];
    shmrpci_buf buf;
    shmrpci_lane_look look;
    shmrpci_buf_init_fixed(&buf, it, sizeof it);
    shmrpc_status status = shmrpci_lane_look_at(&lane, &known[engine_thread()],
                                                1, &buf, items, &look);
    ENGINE_CHECK(status == SHMRPC_OK || status == SHMRPC_E_NOT_FOUND ||
                 status == SHMRPC_E_BUSY);
    if (status != SHMRPC_OK || !shmrpci_lane_take(&lane, &look, 0)) {
        return false;
    }
    ENGINE_CHECK(it[0].number < RECORDS && it[0].number == it[0].same);
    ENGINE_CHECK(came[it[0].number]++ == 0);
    shmrpci_bell_ring(&lane.words->room, 1);
    return true;
}

static void before_take(void)
{
    before(UINT64_MAX);
}

static void thread_take(unsigned index)
{
    for (unsigned i = 0; i < TRIES; i++) {
        if (index != 0) {
            (void)take();
        } else if (published < RECORDS) {
            (void)publish(published);
        }
    }
}

/* Like queue_push.c: appends several at once. */
static void append_many(void)
{
    content its[2] = {{published, published}, {published + 1, published + 1}};
    shmrpci_slice slices[2] = {{&its[0], sizeof its[0]},
                               {&its[1], sizeof its[1]}};
    uint32_t count = published + 2 <= RECORDS ? 2 : 1;
    uint32_t done =
        shmrpci_lane_append_many(&writer, slices, count, sizeof its[0]);
    published += done;
    if (done > 0 || append(published)) {
        shmrpci_lane_show(&writer);
    }
}

static void thread_batch(unsigned index)
{
    for (unsigned i = 0; i < TRIES; i++) {
        if (index != 0) {
            (void)take();
        } else if (published < RECORDS) {
            append_many();
        }
    }
}

static void after_take(void)
{
    while (take()) {
    }
    for (unsigned i = 0; i < RECORDS; i++) {
        ENGINE_CHECK(came[i] == (i < published ? 1 : 0));
    }
}

/* ---- sleeping ------------------------------------------------------------ */

/* Like queue_push.c: waits for room, on the lane's bell. */
static void publish_surely(uint64_t number)
{
    while (!publish(number)) {
        shmrpci_slices slices = shmrpci_slices_until(SHMRPCI_NEVER_NS);
        uint64_t full = writer.head;
        uint32_t seen = shmrpci_bell_announce(&lane.words->room);
        if ((shmrpci_load_seq(&lane.words->head) & SHMRPCI_HEAD_MASK) ==
            full / 8) {
            (void)shmrpci_bell_sleep(&lane.words->room, seen, &slices);
        }
    }
    shmrpci_ring_announce(&ring, 1);
}

/* Like queue_pop.c. */
static void take_surely(void)
{
    while (!take()) {
        shmrpci_slices slices = shmrpci_slices_until(SHMRPCI_NEVER_NS);
        uint32_t seen = shmrpci_bell_announce(&ring.roots->bell);
        if (take()) {
            return;
        }
        (void)shmrpci_bell_sleep(&ring.roots->bell, seen, &slices);
    }
}

static void before_sleep(void)
{
    before(1);
}

static void thread_sleep(unsigned index)
{
    for (unsigned i = 0; i < RECORDS / 2; i++) {
        if (index == 0) {
            publish_surely(2 * i);
            publish_surely(2 * i + 1);
        } else {
            take_surely();
        }
    }
}

static void after_sleep(void)
{
    ENGINE_CHECK(!take());
    after_take();
}

/* ---- reading ------------------------------------------------------------- */

static void before_read(void)
{
    before(UINT64_MAX);
    ENGINE_CHECK(shmrpci_lane_adopt_topic(&writer, &lane, MARKS) == SHMRPC_OK);
}

/* Like topic_publish.c. */
static void publish_over(uint64_t number)
{
    content it = {number, number};
    writer.head = writer.tail;
    void *at = shmrpci_lane_reserve(&writer, sizeof it);
    ENGINE_CHECK(at != NULL);
    shmrpci_lane_intend(&writer, sizeof it);
    shmrpci_lane_copy_in(at, &it, sizeof it);
    shmrpci_lane_mark(&writer, MARKS);
    shmrpci_lane_publish(&writer, sizeof it, 0);
}

static void read_some(void)
{
    uint64_t cursor = 0;
    uint64_t next = 0;
    for (unsigned i = 0; i < TRIES; i++) {
        _Alignas(16) content it[2];
        shmrpci_item item;
        shmrpci_buf buf;
        uint64_t end = cursor;
        uint64_t number;
        shmrpci_buf_init_fixed(&buf, it, sizeof it);
        shmrpc_status status =
            shmrpci_lane_read(&lane, cursor, &buf, &item, &end, &number);
        ENGINE_CHECK(status == SHMRPC_OK || status == SHMRPC_E_NOT_FOUND ||
                     status == SHMRPC_E_LOST);
        if (status == SHMRPC_OK) {
            ENGINE_CHECK(it[0].number == number && it[0].same == number);
            ENGINE_CHECK(number >= next && number < RECORDS);
            next = number + 1;
            cursor = end;
        } else if (status == SHMRPC_E_LOST) {
            cursor = shmrpci_load_acquire(&lane.words->tail);
        }
    }
}

static void thread_read(unsigned index)
{
    if (index != 0) {
        read_some();
        return;
    }
    for (uint64_t i = 0; i < RECORDS; i++) {
        publish_over(i);
    }
}

static void after_read(void)
{
}

const engine_case engine_cases[] = {
    {"take", 3, before_take, thread_take, after_take},
    {"batch", 3, before_take, thread_batch, after_take},
    {"sleep", 3, before_sleep, thread_sleep, after_sleep},
    {"read", 3, before_read, thread_read, after_read},
    {0},
};

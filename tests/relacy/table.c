/*
 * The table: the source of runtime/table, and pins, over blocks that are reused
 * at once (blocks.h).
 *
 * Each thread has a handle of its own, as processes have. Keys are too long for
 * shmrpci_quick_get, which reads words of several sizes. Keys and values
 * consist of words of 8 bytes. Both words of a value are the same number, so
 * that torn or stale values, and values of other keys, are noticed.
 */
#include <setjmp.h>
#include <string.h>

#include "blocks.h"
#include "engine.h"
#include "kernel.h"

#define THREADS 3u

typedef struct content {
    uint64_t number;
    uint64_t same;
} content;

static shmrpci_table tables[THREADS];
static jmp_buf death;
static unsigned known[THREADS]; /* changes that have surely happened */
static unsigned begun[THREADS]; /* changes that may have happened */
static unsigned unsure;         /* the change that a thread was making when it
                                 * died */
static unsigned popped[8];      /* how often each number was popped */

static const uint64_t key_a[3] = {1, 1, 1};
static const uint64_t key_b[3] = {2, 2, 2};

static shmrpci_table_bytes bytes_of(const uint64_t *key)
{
    return (shmrpci_table_bytes){key, 3 * sizeof *key};
}

static shmrpc_status put(shmrpci_table *table, const uint64_t *key,
                         uint64_t number, uint64_t expected)
{
    content it = {number, number};
    return shmrpci_table_put(table, bytes_of(key),
                             (shmrpci_table_bytes){&it, sizeof it}, expected,
                             NULL, NULL);
}

static void put_surely(shmrpci_table *table, const uint64_t *key,
                       uint64_t number)
{
    ENGINE_CHECK(put(table, key, number, SHMRPCI_TABLE_ANY) == SHMRPC_OK);
}

static uint64_t number_in(const void *data, size_t len)
{
    content it;
    ENGINE_CHECK(len == sizeof it);
    memcpy(&it, data, sizeof it);
    ENGINE_CHECK(it.number == it.same);
    return it.number;
}

/* Returns false if the key is not there. */
static bool get(shmrpci_table *table, const uint64_t *key, uint64_t *out_number,
                uint64_t *out_version)
{
    _Alignas(16) uint64_t room[8];
    shmrpci_buf buf;
    shmrpci_buf_init_fixed(&buf, room, sizeof room);
    shmrpc_status status =
        shmrpci_table_get(table, bytes_of(key), &buf, out_version, NULL);
    ENGINE_CHECK(status == SHMRPC_OK || status == SHMRPC_E_NOT_FOUND);
    if (status == SHMRPC_OK) {
        *out_number = number_in(buf.data, buf.len);
    }
    return status == SHMRPC_OK;
}

/* Prepares a run, in which the last `readers` threads are read-only. */
static void before(unsigned readers)
{
    kernel_reset(SHMRPCI_NS_PER_US); /* slices never end */
    blocks_reset();
    memset(known, 0, sizeof known);
    memset(begun, 0, sizeof begun);
    memset(popped, 0, sizeof popped);
    unsure = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        blocks_attach(&tables[i], i, i + readers < THREADS);
    }
    put_surely(&tables[0], key_a, 1);
}

static void after(void)
{
    blocks_check(&tables[0]);
}

/* ---- reading while values are replaced ----------------------------------- */

static void before_get(void)
{
    before(1);
    put_surely(&tables[1], key_b, 1);
}

static void replace_some(shmrpci_table *table, const uint64_t *key)
{
    for (uint64_t i = 2; i < 5; i++) {
        put_surely(table, key, i);
    }
}

static void thread_get(unsigned index)
{
    uint64_t last = 0;
    uint64_t last_version = 0;
    if (index < 2) {
        replace_some(&tables[index], index == 0 ? key_a : key_b);
        return;
    }
    for (unsigned i = 0; i < 4; i++) {
        uint64_t number = 0;
        uint64_t version = 0;
        ENGINE_CHECK(get(&tables[index], key_a, &number, &version));
        ENGINE_CHECK(number >= last && version >= last_version);
        ENGINE_CHECK((number == last) == (version == last_version));
        last = number;
        last_version = version;
    }
}

/* ---- counting: read, change, retry if another change came first ---------- */

static void count_once(unsigned index)
{
    for (;;) {
        uint64_t number = 0;
        uint64_t version = 0;
        ENGINE_CHECK(get(&tables[index], key_a, &number, &version));
        begun[index] = known[index] + 1;
        shmrpc_status status = put(&tables[index], key_a, number + 1, version);
        ENGINE_CHECK(status == SHMRPC_OK || status == SHMRPC_E_ABORTED);
        if (status == SHMRPC_OK) {
            known[index]++;
            return;
        }
    }
}

static void before_count(void)
{
    before(0);
}

static void thread_count(unsigned index)
{
    count_once(index);
    count_once(index);
}

static void after_count(void)
{
    uint64_t number = 0;
    uint64_t least = 1;
    uint64_t most = 1 + unsure;
    for (unsigned i = 0; i < THREADS; i++) {
        least += known[i];
        most += begun[i] > known[i] ? begun[i] : known[i];
    }
    ENGINE_CHECK(get(&tables[1], key_a, &number, NULL));
    ENGINE_CHECK(number >= least && number <= most);
    after();
}

/* ---- a thread is stopped, and nobody waits for it ------------------------ */

static unsigned over;

static bool is_through[THREADS];

static void before_stop(void)
{
    before(0);
    over = 0;
    memset(is_through, 0, sizeof is_through);
}

static void await_stop(unsigned thread)
{
    while (!engine_is_stopped(thread) && !is_through[thread]) {
        engine_step();
    }
}

/* Called when all others have finished. */
static void let_go_on(void)
{
    if (++over == THREADS - 1) {
        engine_go_on(0);
    }
}

/* One thread is stopped in the middle of a change, and another while it helps.
 * Then the first one continues, and a third one begins. */
static void thread_stop(unsigned index)
{
    if (index == 1) {
        engine_stop(40 + engine_random(40));
    } else if (index == 0) {
        await_stop(1);
        engine_stop(1 + engine_random(60));
    } else {
        await_stop(0);
        engine_go_on(1);
    }
    count_once(index);
    is_through[index] = true;
    if (index != 0) {
        count_once(index);
        count_once(index);
        let_go_on();
    }
}

/* ---- a thread dies, and has an heir -------------------------------------- */

static void thread_death(unsigned index)
{
    if (index != 0) {
        count_once(index);
        count_once(index);
        return;
    }
    if (setjmp(death) == 0) {
        engine_die(&death, 1 + engine_random(160));
        count_once(0);
        count_once(0);
        engine_die(&death, 0);
        return;
    }
    unsure = begun[0] - known[0];
    kernel_bury(tables[0].region.fd);
    blocks_attach(&tables[0], 0, true);
    shmrpci_table_inherit(&tables[0], &tables[0].region, 0);
    count_once(0);
}

/* ---- put, and pop by two ------------------------------------------------- */

static void thread_pop(unsigned index)
{
    for (uint64_t i = 2; index == 0 && i < 5; i++) {
        shmrpc_status status = put(&tables[0], key_a, i, SHMRPCI_TABLE_ABSENT);
        ENGINE_CHECK(status == SHMRPC_OK || status == SHMRPC_E_EXISTS);
        known[0] += status == SHMRPC_OK;
    }
    for (unsigned i = 0; index != 0 && i < 2; i++) {
        _Alignas(16) uint64_t room[8];
        shmrpci_buf buf;
        shmrpci_buf_init_fixed(&buf, room, sizeof room);
        shmrpc_status status = shmrpci_table_del(
            &tables[index], bytes_of(key_a), SHMRPCI_TABLE_ANY, &buf, NULL);
        ENGINE_CHECK(status == SHMRPC_OK || status == SHMRPC_E_NOT_FOUND);
        if (status == SHMRPC_OK) {
            ENGINE_CHECK(popped[number_in(buf.data, buf.len)]++ == 0);
            known[index]++;
        }
    }
}

static void after_pop(void)
{
    uint64_t number = 0;
    bool is_there = get(&tables[0], key_a, &number, NULL);
    ENGINE_CHECK(1 + known[0] == known[1] + known[2] + is_there);
    ENGINE_CHECK(!is_there || popped[number] == 0);
    ENGINE_CHECK(shmrpci_table_len(&tables[1]) == is_there);
    after();
}

/* ---- growing, under a reader and another writer -------------------------- */

static void before_grow(void)
{
    before(1);
    shmrpci_geometry geometry;
    ENGINE_CHECK(shmrpci_table_geometry_closely(
        &tables[0], shmrpci_load_seq(&tables[0].roots->root), &geometry));
    /* Pretends that all other entries were deleted long ago. */
    shmrpci_store_seq(&geometry.block->state, shmrpci_state(geometry.room, 1));
}

static void thread_grow(unsigned index)
{
    uint64_t number = 0;
    if (index == 0) {
        put_surely(&tables[0], key_b, 7);
        ENGINE_CHECK(get(&tables[0], key_b, &number, NULL) && number == 7);
    } else if (index == 1) {
        put_surely(&tables[1], key_a, 2);
        put_surely(&tables[1], key_a, 3);
    } else {
        for (unsigned i = 0; i < 3; i++) {
            uint64_t last = number;
            ENGINE_CHECK(get(&tables[2], key_a, &number, NULL));
            ENGINE_CHECK(number >= last);
        }
    }
}

static void after_grow(void)
{
    uint64_t number = 0;
    ENGINE_CHECK(get(&tables[0], key_a, &number, NULL) && number == 3);
    ENGINE_CHECK(get(&tables[1], key_b, &number, NULL) && number == 7);
    ENGINE_CHECK(shmrpci_table_len(&tables[1]) == 2);
    after();
}

static void before_grow_stop(void)
{
    before_grow();
    over = 0;
}

/* Stops a thread while it enlarges the table, or helps. */
static void thread_grow_stop(unsigned index)
{
    if (index == 0) {
        engine_stop(1 + engine_random(400));
    }
    thread_grow(index);
    if (index != 0) {
        let_go_on();
    }
}

/* ---- views --------------------------------------------------------------- */

static uint64_t see(shmrpci_table_view *view, const uint64_t *key)
{
    shmrpci_table_bytes value;
    ENGINE_CHECK(shmrpci_table_view_get(view, bytes_of(key), &value, NULL) ==
                 SHMRPC_OK);
    return number_in(value.data, value.len);
}

static void thread_view(unsigned index)
{
    if (index < 2) {
        replace_some(&tables[index], index == 0 ? key_a : key_b);
        return;
    }
    shmrpci_table_view view;
    ENGINE_CHECK(shmrpci_table_view_open(&tables[2], &view, NULL) == SHMRPC_OK);
    uint64_t a = see(&view, key_a);
    uint64_t b = see(&view, key_b);
    ENGINE_CHECK(see(&view, key_a) == a && see(&view, key_b) == b);
    /* All changes are numbered in one order. The first three changes were made
     * before those of the threads. */
    ENGINE_CHECK(view.change == a - 1 + b - 1 + 3);
    shmrpci_table_view_close(&view);
}

const engine_case engine_cases[] = {
    {"get", 3, before_get, thread_get, after},
    {"count", 3, before_count, thread_count, after_count},
    {"stop", 3, before_stop, thread_stop, after_count},
    {"death", 3, before_count, thread_death, after_count},
    {"pop", 3, before_count, thread_pop, after_pop},
    {"grow", 3, before_grow, thread_grow, after_grow},
    {"grow-stop", 3, before_grow_stop, thread_grow_stop, after_grow},
    {"view", 3, before_get, thread_view, after},
    {0},
};

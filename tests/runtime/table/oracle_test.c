/*
 * Four processes change a table. The log is replayed into an ordered map, which
 * must equal the table at every view, and at the end.
 */
#include "stage.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"

#define WRITERS 4
#define KEYS    200u
#define LOG     65536u
/* LAP is the number of changes between two comparisons. AHEAD is how many
 * changes writers may be ahead of the comparisons. */
#define LAP   400u
#define AHEAD (LOG / 4)

/* Memory that the processes share. */
typedef struct signs {
    shmrpci_atomic_u32 stop;
    shmrpci_atomic_u64 replayed;
} signs;

/* ---- an ordered map ------------------------------------------------------ */

typedef struct entry {
    uint64_t order; /* 0: there is no such key */
    uint64_t value;
} entry;

typedef struct map {
    entry entries[KEYS];
    uint64_t next;
    uint64_t len;
} map;

static uint32_t key_of(shmrpci_table_bytes key)
{
    uint32_t number;
    assert_int_equal(key.len, sizeof number);
    memcpy(&number, key.data, sizeof number);
    assert_true(number < KEYS);
    return number;
}

/* A value is a number, written repeatedly. */
static uint64_t value_of(shmrpci_table_bytes value)
{
    uint64_t number;
    assert_true(value.len >= sizeof number && value.len % sizeof number == 0);
    memcpy(&number, value.data, sizeof number);
    for (size_t at = 0; at < value.len; at += sizeof number) {
        assert_memory_equal((const uint8_t *)value.data + at, &number,
                            sizeof number);
    }
    return number;
}

static void map_put(map *to, uint32_t key, uint64_t value)
{
    if (to->entries[key].order == 0) {
        to->entries[key].order = ++to->next;
        to->len++;
    }
    to->entries[key].value = value;
}

static void map_apply(map *to, const shmrpci_table_event *event)
{
    switch (event->kind) {
    case SHMRPCI_TABLE_EVENT_PUT:
        map_put(to, key_of(event->key), value_of(event->value));
        return;
    case SHMRPCI_TABLE_EVENT_DEL:
        assert_true(to->entries[key_of(event->key)].order != 0);
        to->entries[key_of(event->key)].order = 0;
        to->len--;
        return;
    case SHMRPCI_TABLE_EVENT_CLEAR:
        memset(to, 0, sizeof *to);
        return;
    case SHMRPCI_TABLE_EVENT_RESYNC:
        break;
    }
    fail_msg("a watcher with a pin was told to resynchronise");
}

static void expect_equal(const map *to, shmrpci_table_view *view)
{
    shmrpci_table_bytes key;
    shmrpci_table_bytes value;
    uint64_t order = 0;
    uint64_t len = 0;
    while (shmrpci_table_view_next(view, &key, &value, NULL) == SHMRPC_OK) {
        const entry *it = &to->entries[key_of(key)];
        assert_int_equal(it->value, value_of(value));
        assert_true(it->order > order);
        order = it->order;
        len++;
    }
    assert_int_equal(len, to->len);
}

/* ---- writers ------------------------------------------------------------- */

static uint32_t random_of(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16) % below;
}

static uint64_t words[64];

static shmrpci_table_bytes new_value(uint64_t number, uint32_t *seed)
{
    size_t count = 1 + random_of(seed, 60);
    for (size_t i = 0; i < count; i++) {
        words[i] = number;
    }
    return (shmrpci_table_bytes){words, count * sizeof *words};
}

static shmrpc_status merge(shmrpci_table *table, uint64_t number,
                           uint32_t *seed)
{
    enum { COUNT = 6 };
    uint32_t keys[COUNT];
    shmrpci_table_pair pairs[COUNT];
    shmrpci_table_bytes value = new_value(number, seed);
    for (int i = 0; i < COUNT; i++) {
        keys[i] = random_of(seed, KEYS);
        pairs[i].key = (shmrpci_table_bytes){&keys[i], sizeof keys[i]};
        pairs[i].value =
            random_of(seed, 3) == 0 ? (shmrpci_table_bytes){0} : value;
    }
    return shmrpci_table_merge(table, pairs, COUNT, NULL);
}

static shmrpc_status change(shmrpci_table *table, uint64_t number,
                            uint32_t *seed)
{
    uint32_t key = random_of(seed, KEYS);
    shmrpci_table_bytes bytes = {&key, sizeof key};
    uint32_t what = random_of(seed, 1000);
    if (what < 200) {
        shmrpc_status status =
            shmrpci_table_del(table, bytes, SHMRPCI_TABLE_ANY, NULL, NULL);
        return status == SHMRPC_E_NOT_FOUND ? SHMRPC_OK : status;
    }
    if (what < 230) {
        return merge(table, number, seed);
    }
    return what == 999
               ? shmrpci_table_clear(table, NULL)
               : shmrpci_table_put(table, bytes, new_value(number, seed),
                                   SHMRPCI_TABLE_ANY, NULL, NULL);
}

static bool is_stopped(const signs *of)
{
    return shmrpci_load_seq(&of->stop) != 0;
}

static void wait_for_replay(const shmrpci_table *table, const signs *of)
{
    while (shmrpci_turn_seq(shmrpci_load_seq(&table->roots->turn)) >
               shmrpci_load_seq(&of->replayed) + AHEAD &&
           !is_stopped(of) && usleep(1000) == 0) {
    }
}

static void run_writer(int fd, unsigned me, const signs *of)
{
    shmrpci_table table;
    uint32_t seed = me + 1;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    shmrpc_status status =
        table_try_attach(fd, SHMRPCI_ACCESS_WRITE, &table, NULL);
    for (uint64_t i = 1; status == SHMRPC_OK && !is_stopped(of); i++) {
        status = change(&table, i * WRITERS + me, &seed);
        if (i % 64 == 0) {
            wait_for_replay(&table, of);
        }
    }
    shmrpci_table_detach(&table);
    _exit(status == SHMRPC_OK ? 0 : 1);
}

/* ---- the replay ---------------------------------------------------------- */

typedef struct replayer {
    shmrpci_table_watch watch;
    shmrpci_table_event event; /* the next change, if it was read already */
    bool has_event;
    map all;
} replayer;

/* Replays up to the change number of a view, then compares map and view. The
 * last changes before the view may have no entries in the log. */
static void replay_lap(replayer *of, shmrpci_table_view *view)
{
    for (;;) {
        if (!of->has_event && of->watch.next > view->change &&
            of->watch.part == 0) {
            break;
        }
        if (!of->has_event) {
            assert_int_equal(shmrpci_table_watch_next(&of->watch,
                                                      shmrpci_now_ns() +
                                                          20 * SHMRPCI_NS_PER_S,
                                                      &of->event, NULL),
                             SHMRPC_OK);
            of->has_event = true;
        }
        if (of->event.change > view->change &&
            of->event.kind != SHMRPCI_TABLE_EVENT_RESYNC) {
            break;
        }
        map_apply(&of->all, &of->event);
        of->has_event = false;
    }
    expect_equal(&of->all, view);
}

static void replay(shmrpci_table *table, uint64_t changes, replayer *of,
                   shmrpci_table_view *pin, signs *to)
{
    while (pin->change < changes) {
        shmrpci_table_view next;
        assert_int_equal(shmrpci_table_view_open(table, &next, NULL),
                         SHMRPC_OK);
        if (next.change < pin->change + LAP) {
            shmrpci_table_view_close(&next);
            (void)usleep(100);
            continue;
        }
        replay_lap(of, &next);
        shmrpci_store_seq(&to->replayed, next.change);
        shmrpci_table_view_close(pin);
        *pin = next;
    }
}

/* When no changes are left to replay, the view and the table must agree. */
static void expect_end(shmrpci_table *table)
{
    shmrpci_table_view view;
    shmrpci_table_cursor cursor = {0};
    shmrpci_table_bytes key;
    shmrpci_buf other;
    shmrpci_buf_init_heap(&other);
    assert_int_equal(shmrpci_table_view_open(table, &view, NULL), SHMRPC_OK);
    while (shmrpci_table_view_next(&view, &key, NULL, NULL) == SHMRPC_OK) {
        assert_int_equal(
            shmrpci_table_next(table, &cursor, &other, NULL, NULL, NULL),
            SHMRPC_OK);
        assert_memory_equal(other.data, key.data, key.len);
    }
    assert_int_equal(
        shmrpci_table_next(table, &cursor, &other, NULL, NULL, NULL),
        SHMRPC_E_NOT_FOUND);
    shmrpci_table_view_close(&view);
    shmrpci_buf_fini(&other);
}

static void the_log_replayed_is_the_table(void **state)
{
    (void)state;
    uint64_t changes = getenv("SHMRPC_TEST_LONG") != NULL ? 10000000 : 60000;
    int fd = table_create(64 * MIB, 0, LOG);
    shmrpci_table table;
    replayer *of = calloc(1, sizeof *of);
    shmrpci_table_view pin;
    pid_t writers[WRITERS];
    signs *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    table_attach(fd, &table);
    assert_int_equal(shmrpci_table_view_open(&table, &pin, NULL), SHMRPC_OK);
    assert_int_equal(shmrpci_table_watch_open(&table, false, &of->watch, NULL),
                     SHMRPC_OK);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = fork();
        assert_true(writers[i] >= 0);
        if (writers[i] == 0) {
            run_writer(fd, i, shared);
        }
    }
    replay(&table, changes, of, &pin, shared);
    shmrpci_store_seq(&shared->stop, 1u);
    for (unsigned i = 0; i < WRITERS; i++) {
        int status;
        assert_int_equal(waitpid(writers[i], &status, 0), writers[i]);
        assert_int_equal(status, 0);
    }
    expect_end(&table);
    shmrpci_table_view_close(&pin);
    shmrpci_table_watch_close(&of->watch);
    free(of);
    table_check(&table);
    shmrpci_table_detach(&table);
    (void)munmap(shared, sizeof *shared);
    shmrpci_fd_close(&fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_log_replayed_is_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

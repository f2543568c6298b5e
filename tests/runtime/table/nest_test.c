/*
 * Nests: lists and maps below a key, changed item by item and compared with
 * plain arrays. Blocks are counted, views stay unchanged, and damage is
 * reported.
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table/nest.h"

static const shmrpci_table_bytes home = {"home", 4};

/* ---- one change ---------------------------------------------------------- */

static shmrpci_nest_value bytes_of(const char *of)
{
    return shmrpci_nest_bytes(of, strlen(of));
}

/* Makes the value of the key "home" a nest of these texts. */
static void make(shmrpci_table *table, shmrpci_nest_shape shape,
                 const char *const *texts, size_t count)
{
    shmrpci_nest_edit edit = {0};
    shmrpci_nest_value now = {.is_ref = true};
    shmrpci_nest_item *items = calloc(count, sizeof *items);
    put(table, "home", "");
    assert_non_null(items);
    for (size_t i = 0; i < count; i++) {
        items[i].key = text(texts[i]);
        items[i].value = bytes_of(texts[i]);
    }
    assert_int_equal(shmrpci_nest_edit_begin(&edit, table, home, NULL),
                     SHMRPC_OK);
    assert_int_equal(
        shmrpci_nest_make(&edit, shape, items, count, &now.ref, NULL),
        SHMRPC_OK);
    assert_int_equal(shmrpci_nest_commit(&edit, &now, NULL, NULL), SHMRPC_OK);
    shmrpci_nest_edit_end(&edit);
    free(items);
}

static void splice(shmrpci_table *table, uint64_t position, bool removes,
                   const shmrpci_nest_item *item)
{
    shmrpci_nest_edit edit = {0};
    shmrpc_error error = {0};
    assert_int_equal(shmrpci_nest_edit_begin(&edit, table, home, &error),
                     SHMRPC_OK);
    assert_true(edit.value.is_ref);
    if (shmrpci_nest_splice(&edit, &edit.value.ref, position, removes, item,
                            &error) != SHMRPC_OK) {
        fail_msg("splice at %llu: %s", (unsigned long long)position,
                 error.message);
    }
    assert_int_equal(shmrpci_nest_commit(&edit, &edit.value, NULL, NULL),
                     SHMRPC_OK);
    shmrpci_nest_edit_end(&edit);
}

static void insert(shmrpci_table *table, uint64_t position, const char *of)
{
    shmrpci_nest_item item = {.value = bytes_of(of)};
    splice(table, position, false, &item);
}

/* ---- a list, and its expected content ------------------------------------ */

#define LIST_MAX 3000u

typedef struct model {
    uint32_t count;
    uint32_t items[LIST_MAX];
    uint32_t seed;
} model;

static uint32_t random_of(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 8) % below;
}

/* An item that begins with a number, and has a length derived from it. */
static shmrpci_nest_item item_of(uint32_t number, uint8_t *room)
{
    size_t len = number % 16 == 0 ? number % 500 : number % 16;
    memcpy(room, &number, sizeof number);
    memset(room + sizeof number, (int)(number & 0xFF), len);
    return (shmrpci_nest_item){
        .value = shmrpci_nest_bytes(room, sizeof number + len)};
}

static void expect_list(shmrpci_table *table, const shmrpci_nest_ref *ref,
                        const model *of)
{
    uint8_t room[512];
    shmrpci_nest_item found;
    assert_int_equal(ref->count, of->count);
    for (uint32_t i = 0; i < of->count; i++) {
        shmrpci_nest_item wanted = item_of(of->items[i], room);
        assert_int_equal(shmrpci_nest_at(table, ref, i, &found), SHMRPC_OK);
        assert_int_equal(found.value.bytes.len, wanted.value.bytes.len);
        assert_memory_equal(found.value.bytes.data, room,
                            found.value.bytes.len);
    }
    assert_int_equal(shmrpci_nest_at(table, ref, of->count, &found),
                     SHMRPC_E_NOT_FOUND);
}

/* Inserts, replaces or removes an item. The list grows and shrinks in turn. Two
 * of three changes are at the ends of the list. */
static void change(shmrpci_table *table, model *of, uint32_t step)
{
    uint8_t room[512];
    bool grows =
        random_of(&of->seed, 100) < (step / LIST_MAX % 2 == 0 ? 80 : 15);
    uint32_t where = random_of(&of->seed, 3);
    uint32_t number = random_of(&of->seed, 100000);
    shmrpci_nest_item item = item_of(number, room);
    if (grows && of->count < LIST_MAX) {
        uint32_t at = where == 0   ? of->count
                      : where == 1 ? 0
                                   : random_of(&of->seed, of->count + 1);
        memmove(&of->items[at + 1], &of->items[at],
                (of->count - at) * sizeof *of->items);
        of->items[at] = number;
        of->count++;
        splice(table, at, false, &item);
    } else if (of->count > 1) {
        uint32_t at = where == 0   ? of->count - 1
                      : where == 1 ? 0
                                   : random_of(&of->seed, of->count);
        if (number % 2 == 0) {
            of->items[at] = number;
            splice(table, at, true, &item);
            return;
        }
        of->count--;
        memmove(&of->items[at], &of->items[at + 1],
                (of->count - at) * sizeof *of->items);
        splice(table, at, true, NULL);
    }
}

static void a_list_is_what_was_done_to_it(void **state)
{
    (void)state;
    static model of;
    static model then;
    uint8_t room[512];
    shmrpci_table table;
    shmrpci_table_view view;
    shmrpci_nest_value seen;
    shmrpci_table_peek peek;
    int fd = table_create(64 * MIB, 0, 16);
    table_attach(fd, &table);
    of = (model){.seed = 7};
    make(&table, SHMRPCI_NEST_LIST, (const char *const[]){"x"}, 1);
    shmrpci_nest_item first = item_of(1, room);
    splice(&table, 0, true, &first);
    of.items[0] = 1;
    of.count = 1;
    for (uint32_t i = 0; i < 4 * LIST_MAX; i++) {
        if (i % LIST_MAX == LIST_MAX / 2) {
            then = of;
            assert_int_equal(shmrpci_table_view_open(&table, &view, NULL),
                             SHMRPC_OK);
        }
        change(&table, &of, i);
        if (i % LIST_MAX == LIST_MAX - 1) {
            assert_int_equal(shmrpci_table_look(&table, home, &peek, NULL),
                             SHMRPC_OK);
            expect_list(&table, &peek.value.ref, &of);
            assert_true(shmrpci_table_peek_is_same(&peek));
            assert_int_equal(shmrpci_table_view_look(&view, home, &seen, NULL),
                             SHMRPC_OK);
            expect_list(&table, &seen.ref, &then);
            shmrpci_table_view_close(&view);
            table_check(&table);
        }
    }
    shmrpci_table_detach(&table);
    shmrpci_fd_close(&fd);
}

/* ---- maps ---------------------------------------------------------------- */

#define KEYS 2000u

static shmrpci_nest_item entry_of(char room[16], uint32_t key, uint32_t value)
{
    (void)snprintf(room, 16, "%u", key);
    shmrpci_nest_item item = {.key = text(room)};
    item.value = shmrpci_nest_bytes(room, (value % 15) + 1);
    return item;
}

static void a_map_finds_what_was_put(void **state)
{
    (void)state;
    static bool has[KEYS];
    char room[16] = {0};
    uint32_t seed = 3;
    uint32_t count = 1;
    shmrpci_table table;
    int fd = table_create(64 * MIB, 0, 16);
    table_attach(fd, &table);
    make(&table, SHMRPCI_NEST_MAP, (const char *const[]){"stays"}, 1);
    for (uint32_t i = 0; i < 3 * KEYS; i++) {
        uint32_t key = random_of(&seed, KEYS);
        shmrpci_nest_item item = entry_of(room, key, i);
        shmrpci_nest_item found;
        shmrpci_nest_edit edit = {0};
        uint64_t position;
        assert_int_equal(shmrpci_nest_edit_begin(&edit, &table, home, NULL),
                         SHMRPC_OK);
        shmrpci_nest_ref *ref = &edit.value.ref;
        shmrpc_status status =
            shmrpci_nest_find(&table, ref, item.key, &position, &found);
        assert_int_equal(status, has[key] ? SHMRPC_OK : SHMRPC_E_NOT_FOUND);
        bool removes = has[key] && i % 2 == 0;
        item.order = has[key] ? found.order : ref->next++;
        assert_int_equal(shmrpci_nest_splice(&edit, ref, position, has[key],
                                             removes ? NULL : &item, NULL),
                         SHMRPC_OK);
        assert_int_equal(shmrpci_nest_commit(&edit, &edit.value, NULL, NULL),
                         SHMRPC_OK);
        count += (has[key] ? 0u : 1u) - (removes ? 1u : 0u);
        has[key] = !removes;
        assert_int_equal(ref->count, count);
        shmrpci_nest_edit_end(&edit);
    }
    table_check(&table);
    shmrpci_table_detach(&table);
    shmrpci_fd_close(&fd);
}

/* ---- whole nests --------------------------------------------------------- */

static void a_nest_is_told_as_msgpack(void **state)
{
    (void)state;
    shmrpci_table table;
    shmrpci_table_view view;
    shmrpci_table_watch watch;
    shmrpci_table_event event;
    shmrpci_table_bytes value;
    shmrpci_buf got;
    int fd = table_create(1 * MIB, 0, 16);
    table_attach(fd, &table);
    make(&table, SHMRPCI_NEST_LIST, (const char *const[]){"a", "b"}, 2);
    expect(&table, "home",
           "\x92"
           "ab");
    assert_int_equal(shmrpci_table_view_open(&table, &view, NULL), SHMRPC_OK);
    assert_int_equal(shmrpci_table_watch_open(&table, false, &watch, NULL),
                     SHMRPC_OK);
    insert(&table, 1, "c");
    insert(&table, 3, "d");
    expect(&table, "home",
           "\x94"
           "acbd");
    expect_all(&table,
               "home=\x94"
               "acbd");
    assert_int_equal(shmrpci_table_view_get(&view, home, &value, NULL),
                     SHMRPC_OK);
    assert_memory_equal(value.data,
                        "\x92"
                        "ab",
                        3);
    /* The second change was reported together with the first. */
    assert_int_equal(shmrpci_table_watch_next(&watch, 0, &event, NULL),
                     SHMRPC_OK);
    assert_int_equal(event.value.len, 5);
    assert_memory_equal(event.value.data,
                        "\x94"
                        "acbd",
                        5);
    assert_int_equal(shmrpci_table_watch_next(&watch, 0, &event, NULL),
                     SHMRPC_E_DEADLINE);
    make(&table, SHMRPCI_NEST_MAP, (const char *const[]){"z", "y", "x"}, 3);
    expect(&table, "home",
           "\x83"
           "zzyyxx");
    shmrpci_buf_init_heap(&got);
    assert_int_equal(
        shmrpci_table_del(&table, home, SHMRPCI_TABLE_ANY, &got, NULL),
        SHMRPC_OK);
    assert_memory_equal(got.data,
                        "\x83"
                        "zzyyxx",
                        7);
    shmrpci_buf_fini(&got);
    shmrpci_table_watch_close(&watch);
    shmrpci_table_view_close(&view);
    table_check(&table);
    shmrpci_table_detach(&table);
    shmrpci_fd_close(&fd);
}

/* ---- memory -------------------------------------------------------------- */

/* Returns the number of bytes in allocated spans. */
static uint64_t used(shmrpci_table *table)
{
    shmrpci_arena_reclaim(&table->region, true);
    return shmrpci_load_seq(&shmrpci_region_state_of(&table->region)->paid);
}

/* Makes a list of lists of long texts. */
static void make_deep(shmrpci_table *table)
{
    char long_text[700];
    memset(long_text, 'x', sizeof long_text);
    shmrpci_nest_edit edit = {0};
    shmrpci_nest_value outer = {.is_ref = true};
    shmrpci_nest_item items[40] = {0};
    shmrpci_nest_item inner[60] = {0};
    put(table, "home", "");
    assert_int_equal(shmrpci_nest_edit_begin(&edit, table, home, NULL),
                     SHMRPC_OK);
    for (int i = 0; i < 40; i++) {
        for (int k = 0; k < 60; k++) {
            inner[k].value = shmrpci_nest_bytes(long_text, 60);
        }
        inner[7].value.is_ref = true;
        assert_int_equal(shmrpci_nest_make_bytes(
                             &edit, (shmrpci_table_bytes){long_text, 700},
                             &inner[7].value.ref, NULL),
                         SHMRPC_OK);
        items[i].value.is_ref = true;
        assert_int_equal(shmrpci_nest_make(&edit, SHMRPCI_NEST_LIST, inner, 60,
                                           &items[i].value.ref, NULL),
                         SHMRPC_OK);
        inner[7].value.is_ref = false;
    }
    assert_int_equal(shmrpci_nest_make(&edit, SHMRPCI_NEST_LIST, items, 40,
                                       &outer.ref, NULL),
                     SHMRPC_OK);
    assert_int_equal(shmrpci_nest_commit(&edit, &outer, NULL, NULL), SHMRPC_OK);
    shmrpci_nest_edit_end(&edit);
}

static void what_is_replaced_comes_back(void **state)
{
    (void)state;
    shmrpci_table table;
    int fd = table_create(8 * MIB, 0, 16);
    table_attach(fd, &table);
    uint64_t after = 0;
    for (int i = 0; i < 60; i++) {
        make_deep(&table);
        switch (i % 4) {
        case 0:
            put(&table, "home", "plain");
            break;
        case 1:
            del(&table, "home");
            break;
        case 2:
            assert_int_equal(shmrpci_table_clear(&table, NULL), SHMRPC_OK);
            break;
        default:
            insert(&table, 20, "one more");
            splice(&table, 20, true, NULL);
            break;
        }
        table_check(&table);
        after = i < 10 ? used(&table) : after;
        assert_int_equal(used(&table), after);
    }
    shmrpci_table_detach(&table);
    shmrpci_fd_close(&fd);
}

/* A draft that is not committed leaves nothing behind. */
static void a_draft_leaves_nothing(void **state)
{
    (void)state;
    shmrpci_table table;
    shmrpci_table other;
    int fd = table_create(8 * MIB, 0, 16);
    table_attach(fd, &table);
    table_attach(fd, &other);
    make(&table, SHMRPCI_NEST_LIST, (const char *const[]){"a"}, 1);
    shmrpci_nest_edit edit = {0};
    shmrpci_nest_item item = {.value = bytes_of("b")};
    assert_int_equal(shmrpci_nest_edit_begin(&edit, &table, home, NULL),
                     SHMRPC_OK);
    assert_int_equal(
        shmrpci_nest_splice(&edit, &edit.value.ref, 0, false, &item, NULL),
        SHMRPC_OK);
    insert(&other, 0, "c");
    assert_false(shmrpci_nest_edit_is_current(&edit));
    assert_int_equal(shmrpci_nest_commit(&edit, &edit.value, NULL, NULL),
                     SHMRPC_MORE);
    shmrpci_nest_edit_end(&edit);
    expect(&table, "home",
           "\x92"
           "ca");
    table_check(&table);
    shmrpci_table_detach(&other);
    shmrpci_table_detach(&table);
    shmrpci_fd_close(&fd);
}

/* A change made after the table was replaced does not appear in the old table's
 * slot. */
static void a_look_ends_with_its_table(void **state)
{
    (void)state;
    char key[16];
    shmrpci_table table;
    shmrpci_table other;
    shmrpci_table_peek peek;
    int fd = table_create(8 * MIB, 0, 16);
    table_attach(fd, &table);
    table_attach(fd, &other);
    make(&table, SHMRPCI_NEST_LIST, (const char *const[]){"a"}, 1);
    assert_int_equal(shmrpci_table_look(&table, home, &peek, NULL), SHMRPC_OK);
    assert_true(shmrpci_table_peek_is_same(&peek));
    for (int i = 0; i < 100; i++) {
        (void)snprintf(key, sizeof key, "%d", i);
        put(&other, key, "x");
    }
    insert(&other, 0, "b");
    assert_false(shmrpci_table_peek_is_same(&peek));
    shmrpci_table_detach(&other);
    shmrpci_table_detach(&table);
    shmrpci_fd_close(&fd);
}

/* Any word of a node may have been overwritten with any value. Calls then
 * return a status, and neither crash nor hang. */
static void damage_is_told(void **state)
{
    (void)state;
    shmrpci_table table;
    shmrpci_table_peek peek;
    shmrpci_nest_item found;
    shmrpci_buf got;
    uint32_t seed = 11;
    int fd = table_create(1 * MIB, 0, 16);
    table_attach(fd, &table);
    make_deep(&table);
    shmrpci_buf_init_heap(&got);
    assert_int_equal(shmrpci_table_look(&table, home, &peek, NULL), SHMRPC_OK);
    uint64_t *words = shmrpci_region_at(
        &table.region, peek.value.ref.block * SHMRPCI_BLOCK_ALIGN, 1024);
    assert_non_null(words);
    for (uint32_t i = 0; i < 600; i++) {
        uint64_t *at = &words[random_of(&seed, 128)];
        uint64_t was = *at;
        /* The block's own offset, another block's offset, a large number, or
         * one flipped bit. */
        *at = i % 4 == 0   ? peek.value.ref.block
              : i % 4 == 1 ? random_of(&seed, 1 << 16)
              : i % 4 == 2 ? UINT64_MAX >> random_of(&seed, 40)
                           : was ^ (uint64_t)1 << random_of(&seed, 64);
        shmrpci_buf_reset(&got);
        (void)shmrpci_nest_append(&table, &peek.value, &got);
        (void)shmrpci_nest_at(&table, &peek.value.ref, i % 50, &found);
        (void)shmrpci_table_check(&table, NULL, NULL);
        *at = was;
    }
    shmrpci_buf_fini(&got);
    table_check(&table);
    shmrpci_table_detach(&table);
    shmrpci_fd_close(&fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_what_was_done_to_it),
        cmocka_unit_test(a_map_finds_what_was_put),
        cmocka_unit_test(a_nest_is_told_as_msgpack),
        cmocka_unit_test(what_is_replaced_comes_back),
        cmocka_unit_test(a_draft_leaves_nothing),
        cmocka_unit_test(a_look_ends_with_its_table),
        cmocka_unit_test(damage_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

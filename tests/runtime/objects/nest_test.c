/*
 * Long values of dicts, which are maps and lists that are changed item by item
 * (nests). Results are compared with those of a dict in JSON, whose values are
 * written whole. In some tests many processes change nests, and some of them
 * die.
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "objects/dict_inside.h"
#include "shmrpc/shared_stub.h"

#define STEPS_MAX 8

/* A path of texts and numbers. */
typedef struct steps {
    shmrpc_any any[STEPS_MAX];
    shmrpc_path path;
    char texts[STEPS_MAX][16];
} steps;

static void start(steps *at, const char *key)
{
    at->any[0] = shmrpc_any_str(key);
    at->path = shmrpc_path_of(at->any, 1);
}

static void step(steps *at, shmrpc_any next)
{
    at->any[at->path.len++] = next;
}

static shmrpc_dict *open_dict(const char *name, const shmrpc_dict_opts *opts)
{
    shmrpc_dict *dict = NULL;
    shmrpc_error error;
    EXPECT(shmrpc_dict_open(name, opts, &dict, &error), SHMRPC_OK, &error);
    return dict;
}

static void put(shmrpc_dict *dict, const char *key, shmrpc_any value)
{
    steps at;
    shmrpc_error error;
    start(&at, key);
    EXPECT(shmrpc_dict_put(dict, &at.path, &value, &error), SHMRPC_OK, &error);
}

static void show(void *user, uint64_t offset, const char *what)
{
    (void)user;
    print_error("at %llu: %s\n", (unsigned long long)offset, what);
}

/* Checks that each block is in one place, and that each nest is sound. */
static void check(shmrpc_dict *dict)
{
    if (shmrpci_table_check(&dict->table, show, NULL) != 0) {
        fail_msg("the dict is damaged");
    }
}

static uint64_t memory_of(shmrpc_dict *dict)
{
    shmrpc_dict_stat stat;
    assert_int_equal(shmrpc_dict_stat_read(dict, &stat), SHMRPC_OK);
    return stat.memory_bytes;
}

/* ---- trees --------------------------------------------------------------- */

static uint32_t seed;

static uint32_t random_of(uint32_t below)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 8) % below;
}

/* Memory of the trees of one test. */
static char pool[1 << 22];
static size_t pooled;

static void *take(size_t bytes)
{
    void *at = pool + pooled;
    pooled += (bytes + 15) / 16 * 16;
    assert_true(pooled <= sizeof pool);
    return at;
}

static shmrpc_any text_of(size_t len)
{
    char *text = take(len + 1);
    for (size_t i = 0; i < len; i++) {
        text[i] = (char)('a' + random_of(26));
    }
    return shmrpc_any_of_str((shmrpc_str){text, len});
}

static shmrpc_any key_of(uint32_t number)
{
    char *text = take(16);
    return shmrpc_any_of_str(
        (shmrpc_str){text, (size_t)snprintf(text, 16, "k%u", number)});
}

/* Makes a random value: short, long, flat or deep. */
static shmrpc_any tree_of(unsigned depth)
{
    uint32_t kind = random_of(depth == 0 ? 4 : 8);
    if (kind < 2) {
        return shmrpc_any_i64((int64_t)random_of(100000) - 50000);
    }
    if (kind < 4) {
        return text_of(random_of(kind == 2 ? 20 : 900));
    }
    size_t len = random_of(12);
    if (kind < 6) {
        shmrpc_any *items = take((len + 1) * sizeof *items);
        for (size_t i = 0; i < len; i++) {
            items[i] = tree_of(depth - 1);
        }
        return shmrpc_any_list_of(items, len);
    }
    shmrpc_any_entry *entries = take((len + 1) * sizeof *entries);
    for (size_t i = 0; i < len; i++) {
        entries[i].key = key_of((uint32_t)i);
        entries[i].value = tree_of(depth - 1);
    }
    return shmrpc_any_map_of(entries, len);
}

/* ---- comparison with values that are written whole ----------------------- */

/* Makes a random path, mostly to an item that exists. */
static void random_path(const shmrpc_any *tree, steps *at)
{
    start(at, "home");
    while (at->path.len < STEPS_MAX && random_of(8) != 0) {
        bool misses = random_of(12) == 0;
        if (tree->kind == SHMRPC_ANY_LIST) {
            size_t len = tree->u.list.len;
            size_t place = misses || len == 0 ? len + random_of(3)
                                              : random_of((uint32_t)len);
            bool is_back = random_of(3) == 0;
            step(at, shmrpc_any_i64(is_back ? (int64_t)place - (int64_t)len
                                            : (int64_t)place));
            if (place >= len) {
                return;
            }
            tree = &tree->u.list.ptr[place];
        } else if (tree->kind == SHMRPC_ANY_MAP) {
            size_t len = tree->u.map.len;
            if (misses || len == 0) {
                step(at, key_of(random_of(40)));
                return;
            }
            size_t place = random_of((uint32_t)len);
            shmrpc_str key = tree->u.map.ptr[place].key.u.str;
            (void)snprintf(at->texts[at->path.len], 16, "%.*s", (int)key.len,
                           key.ptr);
            step(at, shmrpc_any_str(at->texts[at->path.len]));
            tree = &tree->u.map.ptr[place].value;
        } else {
            if (random_of(4) == 0) {
                step(at, shmrpc_any_i64(0));
            }
            return;
        }
    }
}

/* Makes one change, and returns its status. `*out` becomes the tree that pop
 * returned, or NULL. */
static int change(shmrpc_dict *dict, uint32_t op, const steps *at,
                  const shmrpc_any *value, const shmrpc_any **out,
                  shmrpc_error *error)
{
    *out = NULL;
    switch (op) {
    case 0:
        return shmrpc_dict_put_new(dict, &at->path, value, error);
    case 1:
        return shmrpc_dict_del(dict, &at->path, error);
    case 2:
        return shmrpc_dict_pop(dict, &at->path, out, error);
    case 3:
        return shmrpc_dict_insert(dict, &at->path, value, error);
    case 4:
    case 5:
        return shmrpc_dict_append(dict, &at->path, value, error);
    default:
        return shmrpc_dict_put(dict, &at->path, value, error);
    }
}

/* Compares messages without the names of the dicts, with which they begin. */
static void expect_same_text(const shmrpc_error *one, const shmrpc_error *two)
{
    const char *texts[2] = {strchr(one->message, ':'),
                            strchr(two->message, ':')};
    assert_string_equal(texts[0] != NULL ? texts[0] : "",
                        texts[1] != NULL ? texts[1] : "");
}

static bool is_same(const shmrpc_any *one, const shmrpc_any *two)
{
    return (one == NULL) == (two == NULL) &&
           (one == NULL || shmrpc_any_equal(one, two));
}

/* Expects the same value, and the same length, at a path in both dicts. */
static void expect_same(shmrpc_dict *nests, shmrpc_dict *whole,
                        const shmrpc_path *path)
{
    const shmrpc_any *one = NULL;
    const shmrpc_any *two = NULL;
    uint64_t len[2] = {0, 0};
    shmrpc_error errors[2] = {{0}, {0}};
    int status = shmrpc_dict_get(whole, path, &two, NULL, &errors[1]);
    EXPECT(shmrpc_dict_get(nests, path, &one, NULL, &errors[0]), status,
           &errors[0]);
    expect_same_text(&errors[0], &errors[1]);
    assert_true(is_same(one, two));
    assert_int_equal(shmrpc_dict_contains(nests, path, NULL), status);
    status = shmrpc_dict_len(whole, path, &len[1], NULL);
    assert_int_equal(shmrpc_dict_len(nests, path, &len[0], NULL), status);
    assert_int_equal(len[0], len[1]);
    shmrpc_dict_release(nests, one);
    shmrpc_dict_release(whole, two);
}

static void nests_are_as_values_written_whole(void **state)
{
    (void)state;
    const shmrpc_dict_opts json = {.encoding = SHMRPC_ENCODING_JSON};
    shmrpc_dict *nests = open_dict("nests", NULL);
    shmrpc_dict *whole = open_dict("whole", &json);
    steps home;
    int rounds = stage_is_long() ? 40000 : 2000;
    seed = (uint32_t)shmrpci_now_ns();
    print_message("seed %u\n", seed);
    start(&home, "home");
    for (int i = 0; i < rounds; i++) {
        steps at;
        const shmrpc_any *now = NULL;
        const shmrpc_any *popped[2];
        shmrpc_error errors[2] = {{0}, {0}};
        pooled = 0;
        if (shmrpc_dict_get(whole, &home.path, &now, NULL, NULL) != SHMRPC_OK ||
            (now->kind != SHMRPC_ANY_LIST && now->kind != SHMRPC_ANY_MAP)) {
            shmrpc_dict_release(whole, now);
            shmrpc_any tree = tree_of(4);
            put(nests, "home", tree);
            put(whole, "home", tree);
            continue;
        }
        random_path(now, &at);
        shmrpc_any value = tree_of(random_of(4));
        uint32_t op = random_of(10);
        /* The whole value is changed rarely; otherwise little would happen
         * below it. */
        if (at.path.len > 1 || op == 4 || random_of(50) == 0) {
            int status = change(whole, op, &at, &value, &popped[1], &errors[1]);
            EXPECT(change(nests, op, &at, &value, &popped[0], &errors[0]),
                   status, &errors[0]);
            expect_same_text(&errors[0], &errors[1]);
            assert_true(is_same(popped[0], popped[1]));
            shmrpc_dict_release(nests, popped[0]);
            shmrpc_dict_release(whole, popped[1]);
        }
        expect_same(nests, whole, &at.path);
        if (i % 20 == 0) {
            expect_same(nests, whole, &home.path);
            check(nests);
        }
        shmrpc_dict_release(whole, now);
    }
    shmrpc_dict_close(nests);
    shmrpc_dict_close(whole);
}

/* ---- views and watches --------------------------------------------------- */

static void grow(shmrpc_dict *dict, const shmrpc_path *path, int count)
{
    shmrpc_error error;
    for (int i = 0; i < count; i++) {
        shmrpc_any number = shmrpc_any_i64(i);
        EXPECT(shmrpc_dict_append(dict, path, &number, &error), SHMRPC_OK,
               &error);
    }
}

/* Puts the value "home", a map with an empty list as "list"; `list` becomes the
 * path of that list. */
static void found(shmrpc_dict *dict, steps *list)
{
    shmrpc_any_entry entry = {shmrpc_any_str("list"),
                              shmrpc_any_list_of(NULL, 0)};
    put(dict, "home", shmrpc_any_map_of(&entry, 1));
    start(list, "home");
    step(list, shmrpc_any_str("list"));
}

static void views_keep_old_trees(void **state)
{
    (void)state;
    steps list;
    steps item;
    shmrpc_view *view;
    const shmrpc_any *key;
    const shmrpc_any *seen;
    shmrpc_error error;
    shmrpc_dict *dict = open_dict("views", NULL);
    shmrpc_dict *other = open_dict("views", NULL);
    found(dict, &list);
    grow(dict, &list.path, 3000);
    EXPECT(shmrpc_dict_view_open(dict, &view, &error), SHMRPC_OK, &error);
    grow(other, &list.path, 3000);
    found(other, &list);
    EXPECT(shmrpc_dict_clear(other, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_view_get(view, &list.path, &seen, &error), SHMRPC_OK, &error);
    assert_int_equal(seen->u.list.len, 3000);
    item = list;
    item.path.ptr = item.any;
    step(&item, shmrpc_any_i64(-1));
    EXPECT(shmrpc_view_get(view, &item.path, &seen, &error), SHMRPC_OK, &error);
    assert_int_equal(seen->u.i64, 2999);
    EXPECT(shmrpc_view_next(view, &key, &seen, &error), SHMRPC_OK, &error);
    assert_int_equal(seen->u.map.ptr[0].value.u.list.len, 3000);
    shmrpc_view_close(view);
    check(dict);
    shmrpc_dict_close(other);
    shmrpc_dict_close(dict);
}

static void watchers_are_told_of_changes_below(void **state)
{
    (void)state;
    steps list;
    shmrpc_watch *watch;
    const shmrpc_event *event;
    shmrpc_error error;
    const shmrpc_opts patient = {.timeout_ns = PATIENCE_NS};
    shmrpc_dict *dict = open_dict("watched", NULL);
    found(dict, &list);
    grow(dict, &list.path, 1000);
    EXPECT(shmrpc_dict_watch_open(dict, NULL, &watch, &error), SHMRPC_OK,
           &error);
    grow(dict, &list.path, 2);
    put(dict, "next", shmrpc_any_i64(1));
    EXPECT(shmrpc_watch_next(watch, &event, &patient, &error), SHMRPC_OK,
           &error);
    assert_int_equal(event->kind, SHMRPC_EVENT_PUT);
    assert_int_equal(event->value->u.map.ptr[0].value.u.list.len, 1002);
    /* The second event came together with the first. */
    EXPECT(shmrpc_watch_next(watch, &event, &patient, &error), SHMRPC_OK,
           &error);
    assert_int_equal(event->value->u.i64, 1);
    shmrpc_watch_close(watch);
    shmrpc_dict_close(dict);
}

/* ---- memory -------------------------------------------------------------- */

static void replaced_trees_leave_nothing(void **state)
{
    (void)state;
    steps list;
    uint64_t memory = 0;
    shmrpc_error error;
    int descriptors = stage_descriptors();
    shmrpc_dict *dict = open_dict("replaced", NULL);
    int with_dict = stage_descriptors();
    for (int i = 0; i < 50; i++) {
        seed = 17;
        pooled = 0;
        shmrpc_any *trees = take(20 * sizeof *trees);
        for (size_t k = 0; k < 20; k++) {
            trees[k] = tree_of(4);
        }
        found(dict, &list);
        shmrpc_any all = shmrpc_any_list_of(trees, 20);
        EXPECT(shmrpc_dict_put(dict, &list.path, &all, &error), SHMRPC_OK,
               &error);
        grow(dict, &list.path, 500);
        check(dict);
        memory = i == 9 ? memory_of(dict) : memory;
    }
    assert_int_equal(memory_of(dict), memory);
    /* A dict uses one descriptor, however many levels it has. */
    assert_int_equal(stage_descriptors(), with_dict);
    assert_in_range(with_dict - descriptors, 1, 2);
    shmrpc_dict_close(dict);
}

/* ---- processes ----------------------------------------------------------- */

#define WRITERS 8

static int appends(void)
{
    return stage_is_long() ? 1000000 / WRITERS : 400;
}

static void append_all(int index, void *user)
{
    steps list;
    shmrpc_error error;
    start(&list, "home");
    step(&list, shmrpc_any_str("list"));
    for (int i = 0; i < appends(); i++) {
        shmrpc_any number = shmrpc_any_i64((int64_t)i * WRITERS + index);
        EXPECT_HERE(shmrpc_dict_append(user, &list.path, &number, &error),
                    &error);
    }
}

static void eight_processes_append_and_none_is_lost(void **state)
{
    (void)state;
    steps list;
    uint64_t len;
    pid_t cast[WRITERS];
    int64_t next[WRITERS] = {0};
    const shmrpc_any *all;
    shmrpc_error error;
    shmrpc_dict *dict = open_dict("appended", NULL);
    found(dict, &list);
    int64_t from_ns = shmrpci_now_ns();
    for (int i = 0; i < WRITERS; i++) {
        cast[i] = stage_cast(append_all, i, dict);
    }
    for (int i = 0; i < WRITERS; i++) {
        stage_dismiss(cast[i], 0);
    }
    print_message("%d in %lld ms\n", WRITERS * appends(),
                  (long long)((shmrpci_now_ns() - from_ns) / 1000000));
    EXPECT(shmrpc_dict_len(dict, &list.path, &len, &error), SHMRPC_OK, &error);
    assert_int_equal(len, WRITERS * appends());
    EXPECT(shmrpc_dict_get(dict, &list.path, &all, NULL, &error), SHMRPC_OK,
           &error);
    for (size_t i = 0; i < len; i++) {
        int64_t number = all->u.list.ptr[i].u.i64;
        assert_int_equal(number / WRITERS, next[number % WRITERS]++);
    }
    shmrpc_dict_release(dict, all);
    check(dict);
    shmrpc_dict_close(dict);
}

#define OLD (-100000)

/* ---- typed lists --------------------------------------------------------- */

/* Written as the generator would write `value list<u64>`. */
static const shmrpc_type numbers_type =
    SHMRPC_TYPE_LIST_INIT(shmrpc_u64_list, uint64_t, 0, 0, 0, &shmrpc_type_u64);
static const shmrpc_shared numbers_row = {.row_bytes = sizeof numbers_row,
                                          .kind = SHMRPC_SHARED_VALUE,
                                          .name = "test.numbers",
                                          .encoding = SHMRPC_ENCODING_MSGPACK,
                                          .element = &numbers_type,
                                          .hash = 6,
                                          .signature = "value<list<u64>>"};

/* Each process opens the value by itself; the first item creates the list. */
static void append_numbers(int index, void *user)
{
    shmrpc_value *value;
    shmrpc_error error;
    (void)user;
    EXPECT_HERE(
        shmrpc_stub_value_open(&numbers_row, NULL, NULL, &value, &error),
        &error);
    for (int i = 0; i < appends(); i++) {
        uint64_t number = (uint64_t)i * WRITERS + (uint64_t)index;
        EXPECT_HERE(shmrpc_stub_list_append(value, &number, &error), &error);
    }
    shmrpc_value_close(value);
}

static void eight_processes_append_to_a_typed_list(void **state)
{
    (void)state;
    uint64_t len;
    pid_t cast[WRITERS];
    uint64_t next[WRITERS] = {0};
    const void *got;
    shmrpc_value *value;
    shmrpc_error error;
    EXPECT(shmrpc_stub_value_open(&numbers_row, NULL, NULL, &value, &error),
           SHMRPC_OK, &error);
    for (int i = 0; i < WRITERS; i++) {
        cast[i] = stage_cast(append_numbers, i, NULL);
    }
    for (int i = 0; i < WRITERS; i++) {
        stage_dismiss(cast[i], 0);
    }
    EXPECT(shmrpc_stub_list_len(value, &len, &error), SHMRPC_OK, &error);
    assert_int_equal(len, WRITERS * appends());
    EXPECT(shmrpc_stub_value_get_item(value, &got, &error), SHMRPC_OK, &error);
    const shmrpc_u64_list *all = got;
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(all->ptr[i] / WRITERS, next[all->ptr[i] % WRITERS]++);
    }
    shmrpc_stub_value_release(value, got);
    shmrpc_value_close(value);
}

/* ---- concurrent deletions ------------------------------------------------ */

/* Puts a long list and deletes it as a whole, again and again. */
static void found_and_delete(int index, void *user)
{
    static shmrpc_any items[300];
    steps list;
    shmrpc_error error;
    (void)index;
    start(&list, "home");
    step(&list, shmrpc_any_str("list"));
    for (size_t i = 0; i < 300; i++) {
        items[i] = shmrpc_any_i64(OLD);
    }
    shmrpc_any all = shmrpc_any_list_of(items, 300);
    while (stage_step(0) == 0) {
        EXPECT_HERE(shmrpc_dict_put(user, &list.path, &all, &error), &error);
        EXPECT_HERE(shmrpc_dict_del(user, &list.path, &error), &error);
    }
}

/* Checks that a read sees the state of one moment: the 300 numbers that were
 * put, and then only numbers that were appended later. */
static void read_all(int index, void *user)
{
    steps list;
    shmrpc_error error;
    const shmrpc_any *all;
    (void)index;
    start(&list, "home");
    step(&list, shmrpc_any_str("list"));
    while (stage_step(0) == 0) {
        int status = shmrpc_dict_get(user, &list.path, &all, NULL, &error);
        if (status == SHMRPC_E_NOT_FOUND) {
            continue;
        }
        EXPECT_HERE(status, &error);
        CHECK(all->u.list.len >= 300);
        for (size_t i = 0; i < all->u.list.len; i++) {
            CHECK((all->u.list.ptr[i].u.i64 == OLD) == (i < 300));
        }
        shmrpc_dict_release(user, all);
        stage_advance(1);
    }
}

static void what_is_deleted_meanwhile_is_not_changed(void **state)
{
    (void)state;
    steps list;
    shmrpc_error error;
    int done = 0;
    int missed = 0;
    shmrpc_dict *dict = open_dict("deleted", NULL);
    found(dict, &list);
    EXPECT(shmrpc_dict_del(dict, &list.path, &error), SHMRPC_OK, &error);
    pid_t other = stage_cast(found_and_delete, 0, dict);
    pid_t reader = stage_cast(read_all, 1, dict);
    int64_t until_ns = shmrpci_now_ns() + PATIENCE_NS;
    while ((done < 200 || missed < 200 || stage_step(1) < 50) &&
           shmrpci_now_ns() < until_ns) {
        shmrpc_any number = shmrpc_any_i64(done);
        int status = shmrpc_dict_append(dict, &list.path, &number, &error);
        done += status == SHMRPC_OK;
        missed += status == SHMRPC_E_NOT_FOUND;
        assert_true(status == SHMRPC_OK || status == SHMRPC_E_NOT_FOUND);
    }
    assert_in_range(done, 200, INT32_MAX);
    assert_in_range(missed, 200, INT32_MAX);
    stage_advance(0);
    stage_dismiss(other, 0);
    stage_dismiss(reader, 0);
    check(dict);
    shmrpc_dict_close(dict);
}

/* Appends numbers to the process's own list. */
static void append_until_killed(int index, void *user)
{
    steps list;
    shmrpc_error error;
    shmrpc_any key = shmrpc_any_i64(index);
    start(&list, "lists");
    step(&list, key);
    for (uint32_t i = scene->counts[index];; i++) {
        shmrpc_any number = shmrpc_any_i64(i);
        EXPECT_HERE(shmrpc_dict_append(user, &list.path, &number, &error),
                    &error);
        scene->counts[index] = i + 1;
        stage_advance(index);
    }
}

#define VICTIMS 3

/* Checks that every change whose call had returned is there, and at most one
 * more. */
static void account(shmrpc_dict *dict, int index)
{
    steps list;
    uint64_t len;
    const shmrpc_any *last;
    shmrpc_error error;
    /* A put finishes a change that a dead process has begun; reads don't. */
    put(dict, "next", shmrpc_any_null());
    start(&list, "lists");
    step(&list, shmrpc_any_i64(index));
    EXPECT(shmrpc_dict_len(dict, &list.path, &len, &error), SHMRPC_OK, &error);
    assert_in_range(len, scene->counts[index], scene->counts[index] + 1);
    scene->counts[index] = (uint32_t)len;
    step(&list, shmrpc_any_i64(-1));
    EXPECT(shmrpc_dict_get(dict, &list.path, &last, NULL, &error), SHMRPC_OK,
           &error);
    assert_int_equal(last->u.i64, len - 1);
    shmrpc_dict_release(dict, last);
}

static void expect_in_order(shmrpc_dict *dict, int index)
{
    steps list;
    const shmrpc_any *all;
    shmrpc_error error;
    start(&list, "lists");
    step(&list, shmrpc_any_i64(index));
    EXPECT(shmrpc_dict_get(dict, &list.path, &all, NULL, &error), SHMRPC_OK,
           &error);
    assert_int_equal(all->u.list.len, scene->counts[index]);
    for (size_t i = 0; i < all->u.list.len; i++) {
        assert_int_equal(all->u.list.ptr[i].u.i64, i);
    }
    shmrpc_dict_release(dict, all);
}

#define STARTERS 3
#define STARTED  STARTERS /* the step that the parent advances */

static bool have_all(uint32_t rounds)
{
    bool all = true;
    for (int i = 0; i < STARTERS; i++) {
        all = all && stage_step(i) >= rounds;
    }
    return all;
}

/* Appends to the list of each round until every process has appended 40 numbers
 * to it. */
static void append_until_all_have(int index, void *user)
{
    char key[16];
    steps list;
    shmrpc_error error;
    shmrpc_any number = shmrpc_any_i64(index);
    for (uint32_t round = 1;; round++) {
        stage_await(STARTED, round);
        (void)snprintf(key, sizeof key, "%u", round);
        start(&list, key);
        for (int count = 0; !have_all(round); count++) {
            EXPECT_HERE(shmrpc_dict_append(user, &list.path, &number, &error),
                        &error);
            if (count == 39) {
                stage_advance(index);
            }
        }
    }
}

/* To change a short value, a writer reads and replaces all of it. It must stop
 * doing so when others have made the value long meanwhile, because the others
 * would always be faster. */
static void no_writer_starves_when_a_list_grows(void **state)
{
    (void)state;
    char key[16];
    pid_t cast[STARTERS];
    shmrpc_dict *dict = open_dict("grows", NULL);
    for (int i = 0; i < STARTERS; i++) {
        cast[i] = stage_cast(append_until_all_have, i, dict);
    }
    for (uint32_t round = 1; round <= (stage_is_long() ? 2000 : 200); round++) {
        (void)snprintf(key, sizeof key, "%u", round);
        put(dict, key, shmrpc_any_list_of(NULL, 0));
        stage_advance(STARTED);
        for (int i = 0; i < STARTERS; i++) {
            stage_await(i, round);
        }
    }
    for (int i = 0; i < STARTERS; i++) {
        stage_kill(cast[i]);
    }
    check(dict);
    shmrpc_dict_close(dict);
}

static void killed_writers_lose_nothing(void **state)
{
    (void)state;
    pid_t cast[VICTIMS];
    shmrpc_any lists[VICTIMS];
    int rounds = stage_is_long() ? 500 : 20;
    shmrpc_dict *dict = open_dict("killed", NULL);
    for (int i = 0; i < VICTIMS; i++) {
        lists[i] = shmrpc_any_list_of(NULL, 0);
    }
    put(dict, "lists", shmrpc_any_list_of(lists, VICTIMS));
    for (int i = 0; i < VICTIMS; i++) {
        cast[i] = stage_cast(append_until_killed, i, dict);
    }
    for (int round = 0; round < rounds; round++) {
        int victim = round % VICTIMS;
        stage_await(victim, stage_step(victim) + 20);
        stage_kill(cast[victim]);
        account(dict, victim);
        cast[victim] = stage_cast(append_until_killed, victim, dict);
    }
    for (int i = 0; i < VICTIMS; i++) {
        stage_kill(cast[i]);
    }
    for (int i = 0; i < VICTIMS; i++) {
        account(dict, i);
        expect_in_order(dict, i);
    }
    check(dict);
    shmrpc_dict_close(dict);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nests_are_as_values_written_whole),
        TEST(views_keep_old_trees),
        TEST(watchers_are_told_of_changes_below),
        TEST(replaced_trees_leave_nothing),
        TEST(eight_processes_append_and_none_is_lost),
        TEST(eight_processes_append_to_a_typed_list),
        TEST(what_is_deleted_meanwhile_is_not_changed),
        TEST(no_writer_starves_when_a_list_grows),
        TEST(killed_writers_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

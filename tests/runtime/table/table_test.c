/* Tables: get, put, delete, update, order, memory, limits. */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table/hash.h"

static void what_is_put_can_be_got(void **state)
{
    (void)state;
    int fd = table_create(MIB, 0, 16);
    shmrpci_table one;
    shmrpci_table two;
    shmrpci_table reader;
    table_attach(fd, &one);
    table_attach(fd, &two);
    table_attach_reader(fd, &reader);
    expect(&reader, "a", NULL);
    expect_all(&reader, "");
    put(&one, "a", "1");
    put(&two, "b", "2");
    put(&two, "a", "3");
    put(&one, "", "");
    expect(&reader, "a", "3");
    expect(&one, "b", "2");
    expect(&two, "", "");
    expect(&two, "c", NULL);
    assert_int_equal(shmrpci_table_len(&reader), 3);
    /* A key keeps its place in the order when its value is replaced. A deleted
     * key loses its place. */
    expect_all(&reader, "a=3 b=2 =");
    del(&one, "a");
    expect(&reader, "a", NULL);
    put(&two, "a", "4");
    expect_all(&reader, "b=2 = a=4");
    assert_int_equal(shmrpci_table_len(&reader), 3);
    assert_int_equal(
        shmrpci_table_del(&one, text("no"), SHMRPCI_TABLE_ANY, NULL, NULL),
        SHMRPC_E_NOT_FOUND);
    table_check(&one);
    shmrpci_table_detach(&reader);
    shmrpci_table_detach(&two);
    shmrpci_table_detach(&one);
    shmrpci_fd_close(&fd);
}

/* The quick path of a get (table/quick.h) depends on the lengths of key and
 * value. This test uses lengths below, at and above each of its limits. */
static void keys_and_values_may_have_any_length(void **state)
{
    enum { KEYS = 40, VALUES = 80 };
    (void)state;
    int fd = table_create(16 * MIB, 0, 0);
    shmrpci_table table;
    shmrpci_buf got;
    uint8_t bytes[VALUES];
    uint64_t version;
    uint64_t put_version;
    table_attach(fd, &table);
    shmrpci_buf_init_heap(&got);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 37 + 11);
    }
    for (size_t round = 0; round < 2; round++) {
        for (size_t k = 0; k < KEYS; k++) {
            for (size_t v = 0; v < VALUES; v++) {
                /* The same bytes are copied to another address each time. */
                shmrpci_table_bytes key = {bytes + k, k};
                shmrpci_table_bytes value = {bytes + VALUES - v, v};
                assert_int_equal(shmrpci_table_put(&table, key, value,
                                                   SHMRPCI_TABLE_ANY,
                                                   &put_version, NULL),
                                 SHMRPC_OK);
                assert_int_equal(
                    shmrpci_table_get(&table, key, &got, &version, NULL),
                    SHMRPC_OK);
                assert_int_equal(got.len, v);
                assert_memory_equal(got.data, value.data, v);
                assert_int_equal(version, put_version);
            }
        }
        for (size_t k = 0; k < KEYS; k++) {
            shmrpci_table_bytes key = {bytes + k, k};
            assert_int_equal(
                shmrpci_table_del(&table, key, SHMRPCI_TABLE_ANY, NULL, NULL),
                SHMRPC_OK);
            assert_int_equal(shmrpci_table_get(&table, key, &got, NULL, NULL),
                             SHMRPC_E_NOT_FOUND);
        }
    }
    table_check(&table);
    shmrpci_buf_fini(&got);
    shmrpci_table_detach(&table);
    shmrpci_fd_close(&fd);
}

/* Makes a key of that length, whose end contains its number. */
static shmrpci_table_bytes numbered(uint8_t *key, size_t len, uint32_t number)
{
    memset(key, 'k', len);
    memcpy(key + len - 3, &number, 3);
    return (shmrpci_table_bytes){key, len};
}

/* Finds the numbers of two keys whose hashes lead to the same slot, and have
 * the same tag. */
static void find_clash(const shmrpci_table *table, size_t len,
                       uint32_t numbers[2])
{
    enum { SLOT_BITS = 5, TAG_BITS = 16 };
    static uint32_t seen[1 << (SLOT_BITS + TAG_BITS)];
    uint8_t key[32];
    memset(seen, 0, sizeof seen);
    for (uint32_t i = 1; i < 1 << 20; i++) {
        shmrpci_table_bytes bytes = numbered(key, len, i);
        uint64_t hash = shmrpci_hash_bytes(table->region.facts.hash_seed,
                                           bytes.data, bytes.len);
        uint64_t at = hash >> (64 - TAG_BITS) << SLOT_BITS |
                      (hash & ((1 << SLOT_BITS) - 1));
        if (seen[at] != 0) {
            numbers[0] = seen[at];
            numbers[1] = i;
            return;
        }
        seen[at] = i;
    }
    fail_msg("no clash among a million keys of %zu bytes", len);
}

static void keys_that_clash_are_told_apart(void **state)
{
    static const size_t lens[] = {3, 4, 7, 8, 9, 11, 16, 17, 32};
    (void)state;
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        int fd = table_create(MIB, 0, 0);
        shmrpci_table table;
        shmrpci_buf got;
        uint32_t numbers[2] = {0};
        uint8_t one[32];
        uint8_t two[32];
        table_attach(fd, &table);
        shmrpci_buf_init_heap(&got);
        find_clash(&table, lens[i], numbers);
        shmrpci_table_bytes first = numbered(one, lens[i], numbers[0]);
        shmrpci_table_bytes second = numbered(two, lens[i], numbers[1]);
        assert_int_equal(shmrpci_table_put(&table, first, text("1"),
                                           SHMRPCI_TABLE_ABSENT, NULL, NULL),
                         SHMRPC_OK);
        assert_int_equal(shmrpci_table_get(&table, second, &got, NULL, NULL),
                         SHMRPC_E_NOT_FOUND);
        assert_int_equal(shmrpci_table_put(&table, second, text("2"),
                                           SHMRPCI_TABLE_ABSENT, NULL, NULL),
                         SHMRPC_OK);
        assert_int_equal(shmrpci_table_get(&table, first, &got, NULL, NULL),
                         SHMRPC_OK);
        assert_int_equal(got.data[0], '1');
        assert_int_equal(shmrpci_table_get(&table, second, &got, NULL, NULL),
                         SHMRPC_OK);
        assert_int_equal(got.data[0], '2');
        shmrpci_buf_fini(&got);
        shmrpci_table_detach(&table);
        shmrpci_fd_close(&fd);
    }
}

static void what_is_expected_must_be_there(void **state)
{
    (void)state;
    int fd = table_create(MIB, 0, 0);
    shmrpci_table table;
    uint64_t first;
    uint64_t second;
    shmrpci_buf was;
    table_attach(fd, &table);
    shmrpci_buf_init_heap(&was);
    assert_int_equal(
        shmrpci_table_put(&table, text("k"), text("v"), 7, NULL, NULL),
        SHMRPC_E_ABORTED);
    assert_int_equal(shmrpci_table_put(&table, text("k"), text("v"),
                                       SHMRPCI_TABLE_ABSENT, &first, NULL),
                     SHMRPC_OK);
    assert_int_equal(shmrpci_table_put(&table, text("k"), text("w"),
                                       SHMRPCI_TABLE_ABSENT, NULL, NULL),
                     SHMRPC_E_EXISTS);
    assert_int_equal(
        shmrpci_table_put(&table, text("k"), text("w"), first, &second, NULL),
        SHMRPC_OK);
    assert_true(second > first);
    assert_int_equal(
        shmrpci_table_put(&table, text("k"), text("x"), first, NULL, NULL),
        SHMRPC_E_ABORTED);
    assert_int_equal(shmrpci_table_del(&table, text("k"), first, NULL, NULL),
                     SHMRPC_E_ABORTED);
    expect(&table, "k", "w");
    assert_int_equal(shmrpci_table_contains(&table, text("k"), &first),
                     SHMRPC_OK);
    assert_int_equal(first, second);
    assert_int_equal(shmrpci_table_del(&table, text("k"), second, &was, NULL),
                     SHMRPC_OK);
    assert_string_equal(shmrpci_buf_text(&was), "w");
    table_check(&table);
    shmrpci_buf_fini(&was);
    shmrpci_table_detach(&table);
    shmrpci_fd_close(&fd);
}

static void values_can_be_written_in_place(void **state)
{
    (void)state;
    int fd = table_create(MIB, 0, 0);
    shmrpci_table table;
    void *to;
    table_attach(fd, &table);
    assert_int_equal(shmrpci_table_reserve(&table, text("key"), 100, &to, NULL),
                     SHMRPC_OK);
    assert_int_equal((uintptr_t)to % 8, 0);
    expect(&table, "key", NULL);
    memcpy(to, "hello", 5);
    assert_int_equal(shmrpci_table_commit(&table, 5, 99, NULL, NULL),
                     SHMRPC_E_ABORTED);
    assert_int_equal(
        shmrpci_table_commit(&table, 5, SHMRPCI_TABLE_ABSENT, NULL, NULL),
        SHMRPC_OK);
    expect(&table, "key", "hello");
    assert_int_equal(shmrpci_table_reserve(&table, text("key"), 100, &to, NULL),
                     SHMRPC_OK);
    shmrpci_table_abort(&table);
    expect(&table, "key", "hello");
    table_check(&table);
    shmrpci_table_detach(&table);
    shmrpci_fd_close(&fd);
}

/* Grows through many sizes of the table, with values of 0 bytes and more. */
static void grows_with_its_entries(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    int fd = table_create(64 * MIB, 0, 64);
    shmrpci_table table;
    shmrpci_table_cursor cursor = {0};
    shmrpci_buf key;
    shmrpci_buf value;
    char name[32];
    char *bytes = calloc(1, 3000);
    table_attach(fd, &table);
    shmrpci_buf_init_heap(&key);
    shmrpci_buf_init_heap(&value);
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(name, sizeof name, "entry %d", i);
        memset(bytes, i & 255, 3000);
        shmrpci_table_bytes all = {bytes, (size_t)(i * 7 % 1000)};
        assert_int_equal(shmrpci_table_put(&table, text(name), all,
                                           SHMRPCI_TABLE_ABSENT, NULL, NULL),
                         SHMRPC_OK);
    }
    assert_int_equal(shmrpci_table_len(&table), COUNT);
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(name, sizeof name, "entry %d", i);
        assert_int_equal(
            shmrpci_table_next(&table, &cursor, &key, &value, NULL, NULL),
            SHMRPC_OK);
        assert_string_equal(shmrpci_buf_text(&key), name);
        assert_int_equal(
            shmrpci_table_get(&table, text(name), &value, NULL, NULL),
            SHMRPC_OK);
        assert_int_equal(value.len, i * 7 % 1000);
        for (size_t at = 0; at < value.len; at += 97) {
            assert_int_equal(value.data[at], i & 255);
        }
    }
    assert_int_equal(
        shmrpci_table_next(&table, &cursor, &key, &value, NULL, NULL),
        SHMRPC_E_NOT_FOUND);
    table_check(&table);
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(name, sizeof name, "entry %d", i);
        del(&table, name);
    }
    assert_int_equal(shmrpci_table_len(&table), 0);
    table_check(&table);
    shmrpci_buf_fini(&key);
    shmrpci_buf_fini(&value);
    free(bytes);
    shmrpci_table_detach(&table);
    shmrpci_fd_close(&fd);
}

/* Keys that exist all the time are returned once, although the table is
 * replaced under the cursor again and again. */
static void iteration_survives_changes(void **state)
{
    (void)state;
    int fd = table_create(8 * MIB, 0, 0);
    shmrpci_table table;
    shmrpci_table_cursor cursor = {0};
    shmrpci_buf key;
    char name[32];
    int seen = 0;
    int next = 100;
    table_attach(fd, &table);
    shmrpci_buf_init_heap(&key);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "%d", i);
        put(&table, name, "x");
    }
    while (seen < 100) {
        assert_int_equal(
            shmrpci_table_next(&table, &cursor, &key, NULL, NULL, NULL),
            SHMRPC_OK);
        (void)snprintf(name, sizeof name, "%d", seen++);
        assert_string_equal(shmrpci_buf_text(&key), name);
        for (int i = 0; i < 20; i++) {
            (void)snprintf(name, sizeof name, "%d", next);
            put(&table, name, "y");
            if (next++ % 3 != 0) {
                del(&table, name);
            }
        }
    }
    table_check(&table);
    shmrpci_buf_fini(&key);
    shmrpci_table_detach(&table);
    shmrpci_fd_close(&fd);
}

/* The same random changes are made to a model of an ordered map. */
static void equals_a_map(void **state)
{
    (void)state;
    enum { KEYS = 50, STEPS = 60000 };
    int fd = table_create(MIB, 0, 16);
    shmrpci_table tables[3];
    int value_of[KEYS] = {0};
    uint32_t seed = 7;
    for (int i = 0; i < 3; i++) {
        table_attach(fd, &tables[i]);
    }
    for (int step = 1; step <= STEPS; step++) {
        seed = seed * 1103515245u + 12345u;
        shmrpci_table *table = &tables[(seed >> 8) % 3];
        int key = (int)((seed >> 16) % KEYS);
        char name[16];
        char value[300];
        (void)snprintf(name, sizeof name, "k%d", key);
        (void)snprintf(value, sizeof value, "%0*d", (int)(seed >> 24), step);
        if ((seed >> 10) % 3 == 0) {
            shmrpc_status status = shmrpci_table_del(
                table, text(name), SHMRPCI_TABLE_ANY, NULL, NULL);
            assert_int_equal(status, value_of[key] != 0 ? SHMRPC_OK
                                                        : SHMRPC_E_NOT_FOUND);
            value_of[key] = 0;
        } else {
            put(table, name, value);
            value_of[key] = step;
            expect(&tables[step % 3], name, value);
        }
        if (step % 5000 == 0) {
            table_check(table);
        }
    }
    uint64_t len = 0;
    for (int key = 0; key < KEYS; key++) {
        len += value_of[key] != 0;
    }
    assert_int_equal(shmrpci_table_len(&tables[0]), len);
    for (int i = 0; i < 3; i++) {
        table_check(&tables[i]);
        shmrpci_table_detach(&tables[i]);
    }
    shmrpci_fd_close(&fd);
}

static void is_full_by_entries_or_by_bytes(void **state)
{
    (void)state;
    int fd = table_create(MIB, 2, 0);
    shmrpci_table table;
    shmrpc_error error;
    char *large = calloc(1, 300 * KIB);
    table_attach(fd, &table);
    put(&table, "a", "1");
    put(&table, "b", "1");
    put(&table, "b", "2");
    assert_int_equal(shmrpci_table_put(&table, text("c"), text("3"),
                                       SHMRPCI_TABLE_ANY, NULL, &error),
                     SHMRPC_E_EXHAUSTED);
    assert_string_equal(error.message,
                        "1 more entries are needed, but only 0 of 2 are free");
    del(&table, "a");
    put(&table, "c", "3");
    assert_int_equal(shmrpci_table_put(&table, text("c"),
                                       (shmrpci_table_bytes){large, 257 * KIB},
                                       SHMRPCI_TABLE_ANY, NULL, &error),
                     SHMRPC_E_TOO_LARGE);
    assert_int_equal(
        shmrpci_table_put(&table, (shmrpci_table_bytes){large, 65536}, text(""),
                          SHMRPCI_TABLE_ANY, NULL, &error),
        SHMRPC_E_TOO_LARGE);
    assert_int_equal(
        shmrpci_table_put(&table, (shmrpci_table_bytes){large, 65535}, text(""),
                          SHMRPCI_TABLE_ANY, NULL, &error),
        SHMRPC_E_EXHAUSTED);
    table_check(&table);
    shmrpci_table_detach(&table);
    shmrpci_fd_close(&fd);
    fd = table_create(256 * KIB, 0, 0);
    table_attach(fd, &table);
    int count = 0;
    char name[16];
    shmrpc_status status = SHMRPC_OK;
    while (status == SHMRPC_OK) {
        (void)snprintf(name, sizeof name, "%d", count++);
        status = shmrpci_table_put(&table, text(name),
                                   (shmrpci_table_bytes){large, 2000},
                                   SHMRPCI_TABLE_ANY, NULL, &error);
    }
    assert_int_equal(status, SHMRPC_E_EXHAUSTED);
    assert_non_null(strstr(error.message, "are needed"));
    assert_true(count > 60);
    table_check(&table);
    /* The memory of deleted entries can be allocated again. */
    del(&table, "3");
    del(&table, "4");
    assert_int_equal(shmrpci_table_put(&table, text(name),
                                       (shmrpci_table_bytes){large, 2000},
                                       SHMRPCI_TABLE_ANY, NULL, &error),
                     SHMRPC_OK);
    table_check(&table);
    shmrpci_table_detach(&table);
    shmrpci_fd_close(&fd);
    free(large);
}

static shmrpc_status add_one(void *user, shmrpci_table_bytes was,
                             shmrpci_buf *now, shmrpci_table_verdict *verdict)
{
    /* Another process changes the value during the first attempt. */
    shmrpci_table **other = user;
    long number = 0;
    if (was.data != NULL) {
        char digits[16] = "";
        memcpy(digits, was.data, was.len);
        number = strtol(digits, NULL, 10);
    }
    if (*other != NULL) {
        put(*other, "n", "41");
        *other = NULL;
    }
    shmrpci_buf_printf(now, "%ld", number + 1);
    *verdict = SHMRPCI_TABLE_PUT;
    return number >= 1000 ? SHMRPC_E_OUT_OF_RANGE : SHMRPC_OK;
}

static shmrpc_status remove_it(void *user, shmrpci_table_bytes was,
                               shmrpci_buf *now, shmrpci_table_verdict *verdict)
{
    (void)user, (void)was, (void)now;
    *verdict = SHMRPCI_TABLE_DEL;
    return SHMRPC_OK;
}

static void an_update_is_not_lost(void **state)
{
    (void)state;
    int fd = table_create(MIB, 0, 0);
    shmrpci_table table;
    shmrpci_table other;
    table_attach(fd, &table);
    table_attach(fd, &other);
    shmrpci_table *once = NULL;
    assert_int_equal(
        shmrpci_table_update(&table, text("n"), add_one, &once, NULL),
        SHMRPC_OK);
    expect(&table, "n", "1");
    once = &other;
    assert_int_equal(
        shmrpci_table_update(&table, text("n"), add_one, &once, NULL),
        SHMRPC_OK);
    expect(&table, "n", "42");
    put(&table, "n", "1000");
    assert_int_equal(
        shmrpci_table_update(&table, text("n"), add_one, &once, NULL),
        SHMRPC_E_OUT_OF_RANGE);
    assert_int_equal(
        shmrpci_table_update(&table, text("n"), remove_it, NULL, NULL),
        SHMRPC_OK);
    assert_int_equal(
        shmrpci_table_update(&table, text("n"), remove_it, NULL, NULL),
        SHMRPC_OK);
    expect(&table, "n", NULL);
    table_check(&table);
    shmrpci_table_detach(&other);
    shmrpci_table_detach(&table);
    shmrpci_fd_close(&fd);
}

static void everything_is_cleared_at_once(void **state)
{
    (void)state;
    int fd = table_create(MIB, 0, 16);
    shmrpci_table table;
    table_attach(fd, &table);
    assert_int_equal(shmrpci_table_clear(&table, NULL), SHMRPC_OK);
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 300; i++) {
            char name[16];
            (void)snprintf(name, sizeof name, "%d", i);
            put(&table, name, "some value");
        }
        del(&table, "7");
        assert_int_equal(shmrpci_table_len(&table), 299);
        assert_int_equal(shmrpci_table_clear(&table, NULL), SHMRPC_OK);
        assert_int_equal(shmrpci_table_len(&table), 0);
        expect_all(&table, "");
        expect(&table, "9", NULL);
        table_check(&table);
    }
    shmrpci_table_detach(&table);
    shmrpci_fd_close(&fd);
}

/* Returns the word of the only key in a small table. */
static shmrpci_atomic_u64 *word_of_the_key(const shmrpci_table *table)
{
    uint64_t root = shmrpci_load_seq(&table->roots->root);
    shmrpci_table_block *block =
        (void *)(table->blocks +
                 shmrpci_word_block(root) * SHMRPCI_BLOCK_ALIGN);
    for (uint32_t i = 0; i < 1u << shmrpci_root_log2(root); i++) {
        if (shmrpci_load_seq(&block->index[i]) != 0) {
            return &block->index[i];
        }
    }
    fail_msg("there is no key");
    return NULL;
}

/* Spoils a word after a get and a view have used it to find the key. Both must
 * report the damage then, but a view does not read the root again. */
static void expect_damage(shmrpci_table *table, shmrpci_table_view *view,
                          shmrpci_atomic_u64 *word, uint64_t spoiled)
{
    shmrpci_buf value;
    shmrpci_table_bytes found;
    uint64_t was = shmrpci_exchange_seq(word, spoiled);
    shmrpci_buf_init_heap(&value);
    assert_int_equal(
        shmrpci_table_get(table, text("the key"), &value, NULL, NULL),
        SHMRPC_E_DATA_LOSS);
    if (word != &table->roots->root) {
        assert_int_equal(
            shmrpci_table_view_get(view, text("the key"), &found, NULL),
            SHMRPC_E_DATA_LOSS);
    }
    shmrpci_buf_fini(&value);
    shmrpci_store_seq(word, was);
}

static void what_leads_nowhere_is_damage(void **state)
{
    (void)state;
    int fd = table_create(MIB, 0, 0);
    shmrpci_table table;
    shmrpci_table_view view;
    table_attach(fd, &table);
    put(&table, "the key", "value");
    expect(&table, "the key", "value");
    assert_int_equal(shmrpci_table_view_open(&table, &view, NULL), SHMRPC_OK);
    shmrpci_atomic_u64 *root = &table.roots->root;
    shmrpci_atomic_u64 *word = word_of_the_key(&table);
    uint64_t hash = shmrpci_load_seq(word) & SHMRPCI_WORD_HASH;
    uint64_t block = shmrpci_word_block(shmrpci_load_seq(word));
    shmrpci_record *record =
        (void *)(table.blocks + block * SHMRPCI_BLOCK_ALIGN);
    uint32_t len = shmrpci_load_seq(&record->value_len);
    uint64_t end = table.spans_offset + table.spans_bytes;
    /* Blocks that lie after the region, before its spans, or across its
     * end. */
    expect_damage(&table, &view, word, hash | SHMRPCI_WORD_BLOCK);
    expect_damage(&table, &view, word, hash | 1);
    expect_damage(&table, &view, word, hash | (end / SHMRPCI_BLOCK_ALIGN - 1));
    expect_damage(&table, &view, root, SHMRPCI_WORD_BLOCK);
    expect_damage(&table, &view, root,
                  shmrpci_root(0, SHMRPCI_TABLE_LOG2_MAX, block));
    shmrpci_store_seq(&record->value_len, UINT32_MAX);
    expect_damage(&table, &view, word, shmrpci_load_seq(word));
    shmrpci_store_seq(&record->value_len, len);
    expect(&table, "the key", "value");
    table_check(&table);
    shmrpci_table_view_close(&view);
    shmrpci_table_detach(&table);
    shmrpci_fd_close(&fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_can_be_got),
        cmocka_unit_test(keys_and_values_may_have_any_length),
        cmocka_unit_test(keys_that_clash_are_told_apart),
        cmocka_unit_test(what_is_expected_must_be_there),
        cmocka_unit_test(values_can_be_written_in_place),
        cmocka_unit_test(grows_with_its_entries),
        cmocka_unit_test(iteration_survives_changes),
        cmocka_unit_test(equals_a_map),
        cmocka_unit_test(is_full_by_entries_or_by_bytes),
        cmocka_unit_test(an_update_is_not_lost),
        cmocka_unit_test(everything_is_cleared_at_once),
        cmocka_unit_test(what_leads_nowhere_is_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

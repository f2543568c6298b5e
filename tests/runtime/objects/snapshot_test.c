/* Snapshots of dicts and values: files that survive a reboot. */
#include "stage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "objects/snapshot_file.h"
#include "region/layout.h"
#include "shmrpc/shared_stub.h"
#include "shmrpc/value.h"

static const char *path_of(const char *file)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", stage_folder(), file);
    return path;
}

static shmrpc_dict *open_dict(const char *name, const shmrpc_dict_opts *opts)
{
    shmrpc_dict *dict = NULL;
    shmrpc_error error;
    EXPECT(shmrpc_dict_open(name, opts, &dict, &error), SHMRPC_OK, &error);
    return dict;
}

static int put_any(shmrpc_dict *dict, shmrpc_any key, shmrpc_any value)
{
    const shmrpc_path path = shmrpc_path_of(&key, 1);
    return shmrpc_dict_put(dict, &path, &value, NULL);
}

static void put(shmrpc_dict *dict, const char *key, int64_t value)
{
    assert_int_equal(put_any(dict, shmrpc_any_str(key), shmrpc_any_i64(value)),
                     SHMRPC_OK);
}

static int64_t get(shmrpc_dict *dict, const char *key)
{
    const shmrpc_any *value;
    shmrpc_any step = shmrpc_any_str(key);
    const shmrpc_path path = shmrpc_path_of(&step, 1);
    if (shmrpc_dict_get(dict, &path, &value, NULL, NULL) != SHMRPC_OK) {
        return -1;
    }
    int64_t number = value->u.i64;
    shmrpc_dict_release(dict, value);
    return number;
}

static void save(shmrpc_dict *dict, const char *path)
{
    shmrpc_error error;
    EXPECT(shmrpc_dict_snapshot(dict, path, NULL, &error), SHMRPC_OK, &error);
}

static uint64_t len_of(shmrpc_dict *dict)
{
    uint64_t len;
    shmrpc_error error;
    EXPECT(shmrpc_dict_len(dict, NULL, &len, &error), SHMRPC_OK, &error);
    return len;
}

/* Expects equal entries in the same order. */
static void expect_equal(shmrpc_dict *one, shmrpc_dict *two)
{
    shmrpc_view *a;
    shmrpc_view *b;
    shmrpc_error error;
    EXPECT(shmrpc_dict_view_open(one, &a, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_dict_view_open(two, &b, &error), SHMRPC_OK, &error);
    for (;;) {
        const shmrpc_any *keys[2];
        const shmrpc_any *values[2];
        int status = shmrpc_view_next(a, &keys[0], &values[0], &error);
        EXPECT(shmrpc_view_next(b, &keys[1], &values[1], &error), status,
               &error);
        if (status != SHMRPC_OK) {
            assert_int_equal(status, SHMRPC_E_NOT_FOUND);
            break;
        }
        assert_true(shmrpc_any_equal(keys[0], keys[1]));
        assert_true(shmrpc_any_equal(values[0], values[1]));
    }
    shmrpc_view_close(a);
    shmrpc_view_close(b);
}

static void fill(shmrpc_dict *dict)
{
    shmrpc_any list[] = {shmrpc_any_i64(1), shmrpc_any_null()};
    shmrpc_any_entry entry = {shmrpc_any_str("list"),
                              shmrpc_any_list_of(list, 2)};
    const struct {
        shmrpc_any key;
        shmrpc_any value;
    } entries[] = {
        {shmrpc_any_str("z"), shmrpc_any_bool(true)},
        {shmrpc_any_i64(-7), shmrpc_any_map_of(&entry, 1)},
        {shmrpc_any_null(), shmrpc_any_f64(0.5)},
        {shmrpc_any_bytes("\0\1", 2), shmrpc_any_str("")},
        {shmrpc_any_str(""), shmrpc_any_null()},
        {shmrpc_any_str("a"), shmrpc_any_u64(UINT64_MAX)},
    };
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        assert_int_equal(put_any(dict, entries[i].key, entries[i].value),
                         SHMRPC_OK);
    }
    /* A replaced key keeps its place; one that was deleted and put again comes
     * last. */
    put(dict, "z", 26);
    put(dict, "gone", 1);
    shmrpc_any key = shmrpc_any_str("gone");
    const shmrpc_path path = shmrpc_path_of(&key, 1);
    assert_int_equal(shmrpc_dict_del(dict, &path, NULL), SHMRPC_OK);
}

static void what_was_saved_comes_back(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_dict_stat stat;
    shmrpc_watch *watch;
    const shmrpc_event *event;
    shmrpc_dict *dict = open_dict("d", NULL);
    const char *path = path_of("d.snapshot");
    fill(dict);
    save(dict, path);
    const shmrpc_dict_opts made = {
        .shared = {.mode = SHMRPC_SHARED_CREATE, .snapshot = path}};
    shmrpc_dict *copy = open_dict("copy", &made);
    expect_equal(dict, copy);
    assert_int_equal(access(path_of("d.snapshot.new"), F_OK), -1);
    EXPECT(shmrpc_dict_stat_read(dict, &stat), SHMRPC_OK, NULL);
    assert_true(stat.snapshot_ns > shmrpci_wall_ns() - PATIENCE_NS);
    assert_int_equal(stat.snapshot_failure_count, 0);
    /* Loading is one change, merged with the existing entries. */
    shmrpc_dict *other = open_dict("other", NULL);
    put(other, "mine", 1);
    put(other, "a", 2);
    EXPECT(shmrpc_dict_watch_open(other, NULL, &watch, &error), SHMRPC_OK,
           &error);
    EXPECT(shmrpc_dict_load(other, path, &error), SHMRPC_OK, &error);
    uint64_t change = 0;
    for (int i = 0; i < 6; i++) {
        EXPECT(shmrpc_watch_next(watch, &event, NULL, &error), SHMRPC_OK,
               &error);
        assert_int_equal(event->kind, SHMRPC_EVENT_PUT);
        assert_true(change == 0 || change == event->change);
        change = event->change;
    }
    shmrpc_watch_close(watch);
    assert_int_equal(len_of(other), 7);
    assert_int_equal(get(other, "mine"), 1);
    assert_int_equal(get(other, "z"), 26);
    shmrpc_dict_close(other);
    shmrpc_dict_close(copy);
    shmrpc_dict_close(dict);
}

static void an_empty_one_is_a_snapshot_too(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_dict *dict = open_dict("d", NULL);
    save(dict, path_of("empty"));
    put(dict, "k", 1);
    EXPECT(shmrpc_dict_load(dict, path_of("empty"), &error), SHMRPC_OK, &error);
    assert_int_equal(get(dict, "k"), 1);
    shmrpc_dict_close(dict);
}

static void values_have_snapshots(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_value *value;
    shmrpc_value *copy;
    const shmrpc_any *tree;
    shmrpc_any item = shmrpc_any_str("is");
    shmrpc_any list = shmrpc_any_list_of(&item, 1);
    const char *path = path_of("v");
    EXPECT(shmrpc_value_open("v", NULL, &value, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_value_put(value, NULL, &list, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_value_snapshot(value, path, NULL, &error), SHMRPC_OK, &error);
    const shmrpc_value_opts made = {.shared = {.snapshot = path}};
    EXPECT(shmrpc_value_open("copy", &made, &copy, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_value_get(copy, NULL, &tree, NULL, &error), SHMRPC_OK,
           &error);
    assert_true(shmrpc_any_equal(tree, &list));
    shmrpc_value_release(copy, tree);
    EXPECT(shmrpc_value_put(copy, NULL, &item, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_value_load(copy, path, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_value_get(copy, NULL, &tree, NULL, &error), SHMRPC_OK,
           &error);
    assert_true(shmrpc_any_equal(tree, &list));
    shmrpc_value_release(copy, tree);
    shmrpc_value_close(copy);
    shmrpc_value_close(value);
}

static void others_are_refused_by_name(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_value *value;
    shmrpc_dict *other;
    const shmrpc_dict_opts json = {.encoding = SHMRPC_ENCODING_JSON};
    const shmrpc_shared typed = {.row_bytes = sizeof typed,
                                 .kind = SHMRPC_SHARED_DICT,
                                 .name = "typed",
                                 .encoding = SHMRPC_ENCODING_NATIVE,
                                 .key = &shmrpc_type_u32,
                                 .element = &shmrpc_type_i64,
                                 .hash = 77,
                                 .signature = "dict<uint32, int64>"};
    shmrpc_dict *dict = open_dict("d", NULL);
    const char *path = path_of("s");
    put(dict, "k", 1);
    save(dict, path);
    shmrpc_dict *text = open_dict("json", &json);
    EXPECT(shmrpc_dict_load(text, path, &error), SHMRPC_E_CONTRACT, &error);
    stage_expect_text(&error,
                      "the snapshot is of dict<any, any> in msgpack, "
                      "expected dict<any, any> in json");
    EXPECT(shmrpc_value_open("v", NULL, &value, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_value_load(value, path, &error), SHMRPC_E_CONTRACT, &error);
    stage_expect_text(&error, "expected value<any>");
    EXPECT(shmrpc_stub_dict_open(&typed, NULL, NULL, &other, &error), SHMRPC_OK,
           &error);
    EXPECT(shmrpc_dict_load(other, path, &error), SHMRPC_E_CONTRACT, &error);
    stage_expect_text(&error, "expected dict<uint32, int64> in native");
    /* If an object can't be filled it is not created, and an existing one is
     * not replaced. */
    const shmrpc_dict_opts bad = {
        .shared = {.mode = SHMRPC_SHARED_REPLACE, .snapshot = path_of("none")}};
    EXPECT(shmrpc_dict_open("d", &bad, &other, &error), SHMRPC_E_NOT_FOUND,
           &error);
    stage_expect_text(&error, "there is no such file");
    EXPECT(shmrpc_dict_open("new", &bad, &other, &error), SHMRPC_E_NOT_FOUND,
           &error);
    assert_int_equal(get(dict, "k"), 1);
    EXPECT(
        shmrpc_dict_open("new",
                         &(shmrpc_dict_opts){
                             .shared = {.mode = SHMRPC_SHARED_OPEN_EXISTING}},
                         &other, &error),
        SHMRPC_E_NOT_FOUND, &error);
    shmrpc_value_close(value);
    shmrpc_dict_close(other);
    shmrpc_dict_close(text);
    shmrpc_dict_close(dict);
}

/* ---- damage ---------------------------------------------------------------
 */

static size_t read_file(const char *path, uint8_t *out, size_t room)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(out, 1, room, file);
    assert_true(len < room);
    assert_int_equal(fclose(file), 0);
    return len;
}

static void write_file(const char *path, const uint8_t *data, size_t len)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static int load_bytes(shmrpc_dict *dict, const uint8_t *data, size_t len,
                      shmrpc_error *error)
{
    const char *path = path_of("changed");
    write_file(path, data, len);
    return shmrpc_dict_load(dict, path, error);
}

static void no_damage_goes_unnoticed(void **state)
{
    (void)state;
    uint8_t good[4096];
    uint8_t bad[4096];
    shmrpc_error error;
    shmrpc_dict *dict = open_dict("d", NULL);
    shmrpc_dict *to = open_dict("to", NULL);
    fill(dict);
    save(dict, path_of("s"));
    size_t len = read_file(path_of("s"), good, sizeof good);
    for (size_t i = 0; i < len; i++) {
        for (unsigned flip = 1; flip <= 255; flip += 254) {
            memcpy(bad, good, len);
            bad[i] ^= (uint8_t)flip;
            int status = load_bytes(to, bad, len, &error);
            assert_true(status == SHMRPC_E_DATA_LOSS ||
                        (status == SHMRPC_E_CONTRACT && i >= 8 && i < 12) ||
                        status == SHMRPC_E_TOO_LARGE);
        }
    }
    for (size_t cut = 0; cut < len; cut++) {
        EXPECT(load_bytes(to, good, cut, &error), SHMRPC_E_DATA_LOSS, &error);
    }
    memcpy(bad, good, len);
    bad[len] = 0;
    EXPECT(load_bytes(to, bad, len + 1, &error), SHMRPC_E_DATA_LOSS, &error);
    stage_expect_text(&error, "there are bytes after its end");
    bad[len - sizeof(shmrpci_snapshot_block) - 1] ^= 1;
    EXPECT(load_bytes(to, bad, len, &error), SHMRPC_E_DATA_LOSS, &error);
    stage_expect_text(&error, "block 1, at offset ");
    assert_int_equal(len_of(to), 0);
    EXPECT(load_bytes(to, good, len, &error), SHMRPC_OK, &error);
    expect_equal(dict, to);
    shmrpc_dict_close(to);
    shmrpc_dict_close(dict);
}

static void blocks_of_others_are_refused(void **state)
{
    (void)state;
    uint8_t one[4096];
    uint8_t two[4096];
    shmrpc_error error;
    shmrpc_dict *dict = open_dict("d", NULL);
    put(dict, "k", 1);
    save(dict, path_of("one"));
    put(dict, "k", 2);
    save(dict, path_of("two"));
    size_t len = read_file(path_of("one"), one, sizeof one);
    assert_int_equal(read_file(path_of("two"), two, sizeof two), len);
    shmrpci_snapshot_head head;
    memcpy(&head, one, sizeof head);
    size_t blocks =
        sizeof head + head.name_len + head.signature_len + head.text_len;
    memcpy(one + blocks, two + blocks, len - blocks);
    EXPECT(load_bytes(dict, one, len, &error), SHMRPC_E_DATA_LOSS, &error);
    stage_expect_text(&error, "its checksum does not match");
    shmrpc_dict_close(dict);
}

/* Makes a file with valid checksums, whatever its contents. */
static size_t forge(shmrpci_snapshot_head head, const uint8_t *records,
                    size_t len, uint64_t count, uint8_t *out)
{
    shmrpci_snapshot_block block = {
        .kind = SHMRPCI_SNAPSHOT_RECORDS, .bytes = len, .count = count};
    head.name_len = 0;
    head.signature_len = 0;
    head.text_len = 0;
    head.crc = shmrpci_crc32c(0, (uint8_t *)&head + 16, sizeof head - 16);
    uint32_t crc =
        shmrpci_crc32c(head.crc, (uint8_t *)&block + 4, sizeof block - 4);
    block.crc = shmrpci_crc32c(crc, records, len);
    memcpy(out, &head, sizeof head);
    memcpy(out + sizeof head, &block, sizeof block);
    memcpy(out + sizeof head + sizeof block, records, len);
    size_t at = sizeof head + sizeof block + len;
    block =
        (shmrpci_snapshot_block){.kind = SHMRPCI_SNAPSHOT_END, .first = count};
    block.crc =
        shmrpci_crc32c(head.crc, (uint8_t *)&block + 4, sizeof block - 4);
    memcpy(out + at, &block, sizeof block);
    return at + sizeof block;
}

static void forged_records_are_refused(void **state)
{
    (void)state;
    /* "a" and "b" are fixstr keys of msgpack, each with the value 7. */
    static const struct {
        uint8_t bytes[40];
        size_t len;
        uint64_t count;
        int status;
        const char *text;
    } forgeries[] = {
        {{2, 0, 0, 0, 1, 0, 0, 0, 0xA1, 'a', 7}, 11, 1, SHMRPC_OK, ""},
        {{2, 0, 0, 0, 1, 0, 0, 0, 0xA1, 'a', 7},
         11,
         0,
         SHMRPC_E_DATA_LOSS,
         "there are bytes after its records"},
        {{2, 0, 0, 0, 1, 0, 0, 0, 0xA1, 'a'},
         10,
         1,
         SHMRPC_E_DATA_LOSS,
         "a record is cut off"},
        {{0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0, 1},
         9,
         1,
         SHMRPC_E_DATA_LOSS,
         "a record is cut off"},
        {{1, 0, 0, 0, 1, 0, 0, 0, 0xC1, 7},
         10,
         1,
         SHMRPC_E_DATA_LOSS,
         "its key is not of the key type"},
        /* The number 1 as float64, which is the same key in another form. */
        {{9, 0, 0, 0, 1, 0, 0, 0, 0xCB, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0, 7},
         18,
         1,
         SHMRPC_E_DATA_LOSS,
         "its key is not of the key type"},
        {{2, 0, 0, 0, 1, 0, 0, 0, 0xA1, 'a', 7,
          2, 0, 0, 0, 1, 0, 0, 0, 0xA1, 'a', 7},
         22,
         2,
         SHMRPC_E_DATA_LOSS,
         "its key occurs twice"},
        {{0}, 0, UINT64_MAX, SHMRPC_E_DATA_LOSS, "it contradicts"},
    };
    uint8_t file[1024];
    shmrpc_error error;
    shmrpc_dict *dict = open_dict("d", NULL);
    save(dict, path_of("s"));
    shmrpci_snapshot_head head;
    (void)read_file(path_of("s"), file, sizeof file);
    memcpy(&head, file, sizeof head);
    for (size_t i = 0; i < sizeof forgeries / sizeof *forgeries; i++) {
        size_t len = forge(head, forgeries[i].bytes, forgeries[i].len,
                           forgeries[i].count, file);
        const char *path = path_of("forged");
        const shmrpc_dict_opts made = {.shared = {.snapshot = path}};
        shmrpc_dict *out = NULL;
        char name[16];
        (void)snprintf(name, sizeof name, "d%zu", i);
        write_file(path, file, len);
        EXPECT(shmrpc_dict_open(name, &made, &out, &error), forgeries[i].status,
               &error);
        if (forgeries[i].status != SHMRPC_OK) {
            stage_expect_text(&error, forgeries[i].text);
        }
        shmrpc_dict_close(out);
    }
    head.version = 2;
    size_t len = forge(head, forgeries[0].bytes, 11, 1, file);
    EXPECT(load_bytes(dict, file, len, &error), SHMRPC_E_CONTRACT, &error);
    stage_expect_text(&error, "has format 2, this program knows format 1");
    shmrpc_dict_close(dict);
}

/* ---- places -------------------------------------------------------------- */

static void what_was_lost_names_its_snapshot(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpci_region_head head;
    shmrpc_dict *dict = open_dict("d", NULL);
    put(dict, "k", 1);
    save(dict, NULL);
    EXPECT(shmrpc_dict_load(dict, NULL, &error), SHMRPC_OK, &error);
    shmrpc_dict_close(dict);
    /* The state after a reboot. */
    int fd = open(stage_path("d.dict"), O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &head, sizeof head, 0), sizeof head);
    head.boot_id[0] ^= 1;
    head.crc = shmrpci_crc32c(0, &head, offsetof(shmrpci_region_head, crc));
    assert_int_equal(pwrite(fd, &head, sizeof head, 0), sizeof head);
    assert_int_equal(close(fd), 0);
    EXPECT(shmrpc_dict_open("d", NULL, &dict, &error), SHMRPC_E_DATA_LOSS,
           &error);
    stage_expect_text(&error,
                      "the machine has been restarted since; its "
                      "snapshot is ");
    stage_expect_text(&error, "d.dict.snapshot");
    const char *path = path_of("snapshots/objects/d.dict.snapshot");
    const shmrpc_dict_opts again = {
        .shared = {.mode = SHMRPC_SHARED_REPLACE, .snapshot = path}};
    EXPECT(shmrpc_dict_open("d", &again, &dict, &error), SHMRPC_OK, &error);
    assert_int_equal(get(dict, "k"), 1);
    shmrpc_dict_close(dict);
}

static void what_is_in_the_way_stays(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_dict *dict = open_dict("d", NULL);
    assert_int_equal(symlink("/dev/null", path_of("link.new")), 0);
    EXPECT(shmrpc_dict_snapshot(dict, path_of("link"), NULL, &error),
           SHMRPC_E_DENIED, &error);
    EXPECT(shmrpc_dict_snapshot(dict, path_of("no/such"), NULL, &error),
           SHMRPC_E_NOT_FOUND, &error);
    EXPECT(shmrpc_dict_snapshot(dict, stage_folder(), NULL, &error),
           SHMRPC_E_INTERNAL, &error);
    shmrpc_dict_stat stat;
    EXPECT(shmrpc_dict_stat_read(dict, &stat), SHMRPC_OK, NULL);
    assert_int_equal(stat.snapshot_failure_count, 3);
    assert_int_equal(stat.snapshot_ns, 0);
    shmrpc_dict_close(dict);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_saved_comes_back),
        TEST(an_empty_one_is_a_snapshot_too),
        TEST(values_have_snapshots),
        TEST(others_are_refused_by_name),
        TEST(no_damage_goes_unnoticed),
        TEST(blocks_of_others_are_refused),
        TEST(forged_records_are_refused),
        TEST(what_was_lost_names_its_snapshot),
        TEST(what_is_in_the_way_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

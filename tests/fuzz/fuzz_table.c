/*
 * A table whose bytes anyone may have changed, before and during use:
 * operations return statuses, never crash, and never loop forever.
 *
 * The input consists of steps of 8 bytes: what to do (0 to 3: change memory,
 * else an operation), how, a place (24 bits, in words of 8 bytes), and a value.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "os/memory.h"
#include "region/arena.h"
#include "table/nest.h"
#include "table/table.h"

/* KINDS: number of kinds of steps. Kinds 0 to 3 overwrite a word of the table's
 * memory; the others are operations. */
enum { STEP = 8, MOST_STEPS = 200, FILE_BYTES = 512 << 10, KINDS = 14 };

/* Max checks in an input: a check walks the whole table, which takes as long as
 * a hundred other steps. */
enum { MOST_CHECKS = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct stage {
    int fd;
    shmrpci_table table;
    shmrpci_table other;
    shmrpci_table_view view;
    shmrpci_table_watch watch;
    bool has_view;
    unsigned checks;
    shmrpci_table_cursor cursor;
    shmrpci_buf key;
    shmrpci_buf value;
} stage;

static void need(bool good)
{
    if (!good) {
        abort();
    }
}

static shmrpc_status attach(int fd, shmrpci_table *out)
{
    int own;
    need(shmrpci_memory_reopen(fd, SHMRPCI_ACCESS_WRITE, &own) == SHMRPC_OK);
    shmrpc_status status =
        shmrpci_table_attach(own, SHMRPCI_ACCESS_WRITE, out, NULL);
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&own);
    }
    return status;
}

static shmrpci_table_bytes key_of(const uint8_t *how)
{
    return (shmrpci_table_bytes){how, 1};
}

static void put(stage *on, const uint8_t *how, size_t len)
{
    static const uint8_t bytes[40000];
    (void)shmrpci_table_put(&on->table, key_of(how),
                            (shmrpci_table_bytes){bytes, len},
                            SHMRPCI_TABLE_ANY, NULL, NULL);
}

static void merge(stage *on, const uint8_t *how)
{
    static const uint8_t value[4];
    shmrpci_table_pair pairs[5];
    for (uint8_t i = 0; i < 5; i++) {
        pairs[i].key = (shmrpci_table_bytes){&how[i], 1};
        pairs[i].value = (how[i] & 1) != 0
                             ? (shmrpci_table_bytes){0}
                             : (shmrpci_table_bytes){value, sizeof value};
    }
    (void)shmrpci_table_merge(&on->table, pairs, 5, NULL);
}

/* If `makes`, puts a new list or map, whose items include bytes in a node of
 * their own and a list. Otherwise inserts, replaces or removes an item of an
 * existing list or map. */
static void nest(stage *on, const uint8_t *how, bool makes)
{
    static const uint8_t bytes[700];
    shmrpci_nest_edit edit = {0};
    shmrpci_nest_value now = {.is_ref = true};
    shmrpci_nest_item items[40] = {0};
    shmrpci_nest_item found = {0};
    shmrpci_nest_shape shape =
        how[1] % 2 == 0 ? SHMRPCI_NEST_LIST : SHMRPCI_NEST_MAP;
    for (uint8_t i = 0; i < 40; i++) {
        items[i].key = (shmrpci_table_bytes){bytes + i, i};
        items[i].value = shmrpci_nest_bytes(bytes, how[2]);
    }
    shmrpc_status status =
        shmrpci_nest_edit_begin(&edit, &on->table, key_of(how), NULL);
    if (status == SHMRPC_OK && makes) {
        items[3].value.is_ref = true;
        items[5].value.is_ref = true;
        status = shmrpci_nest_make_bytes(
            &edit, (shmrpci_table_bytes){bytes, sizeof bytes},
            &items[3].value.ref, NULL);
        if (status == SHMRPC_OK) {
            status = shmrpci_nest_make(&edit, SHMRPCI_NEST_LIST, items + 6, 20,
                                       &items[5].value.ref, NULL);
        }
        if (status == SHMRPC_OK) {
            status = shmrpci_nest_make(&edit, shape, items, 1 + how[3] % 40,
                                       &now.ref, NULL);
        }
        if (status == SHMRPC_OK && how[3] % 40 >= 5) {
            status = shmrpci_nest_drop(&edit, &edit.value);
        } else {
            status = SHMRPC_E_ABORTED; /* not all nodes that were made are in
                                        * the table */
        }
    } else if (status == SHMRPC_OK && edit.value.is_ref) {
        uint64_t position = how[3];
        now = edit.value;
        bool removes =
            how[4] % 2 == 0 && shmrpci_nest_at(&on->table, &now.ref, position,
                                               &found) == SHMRPC_OK;
        if (!removes) {
            (void)shmrpci_nest_find(&on->table, &now.ref,
                                    items[how[3] % 40].key, &position, &found);
        }
        (void)shmrpci_nest_drop(&edit, &found.value);
        status = shmrpci_nest_splice(&edit, &now.ref, position, removes,
                                     how[4] % 3 == 0 ? NULL : &items[7], NULL);
    }
    if (status == SHMRPC_OK && now.ref.block != 0) {
        (void)shmrpci_nest_commit(&edit, &now, NULL, NULL);
    }
    shmrpci_nest_edit_end(&edit);
}

static void look(stage *on)
{
    shmrpci_table_bytes key;
    shmrpci_table_bytes value;
    shmrpci_table_event event;
    if (on->has_view) {
        shmrpci_table_view_close(&on->view);
    }
    on->has_view =
        shmrpci_table_view_open(&on->table, &on->view, NULL) == SHMRPC_OK;
    uint64_t sum = 0;
    while (on->has_view && shmrpci_table_view_next(&on->view, &key, &value,
                                                   NULL) == SHMRPC_OK) {
        for (size_t i = 0; i < key.len; i++) {
            sum += ((const uint8_t *)key.data)[i];
        }
        for (size_t i = 0; i < value.len; i++) {
            sum += ((const uint8_t *)value.data)[i];
        }
    }
    for (int i = 0; i < 20; i++) {
        (void)shmrpci_table_watch_next(&on->watch, 0, &event, NULL);
        (void)shmrpci_table_next(&on->table, &on->cursor, &on->key, &on->value,
                                 NULL, NULL);
    }
    on->cursor.position += sum == 0;
}

static void attach_again(stage *on)
{
    shmrpci_table_detach(&on->other);
    /* Pretends that participant 1 was not released, because its process died
     * during an operation. */
    shmrpci_store_seq(&shmrpci_region_participant(&on->table.region, 1)->pid,
                      1u);
    if (attach(on->fd, &on->other) != SHMRPC_OK) {
        on->other = (shmrpci_table){.region = {.fd = -1}};
    }
}

static void operate(stage *on, const uint8_t *step)
{
    const uint8_t *how = step + 1;
    switch (step[0] % KINDS) {
    case 4:
        put(on, how, how[1]);
        break;
    case 5:
        put(on, how, how[1] * 150u);
        break;
    case 6:
        (void)shmrpci_table_del(&on->table, key_of(how), SHMRPCI_TABLE_ANY,
                                &on->value, NULL);
        break;
    case 7:
        (void)shmrpci_table_get(&on->table, key_of(how), &on->value, NULL,
                                NULL);
        break;
    case 8:
        merge(on, how);
        break;
    case 9:
        if (how[0] % 4 == 0) {
            (void)shmrpci_table_clear(&on->table, NULL);
        } else {
            shmrpci_arena_reclaim(&on->table.region, true);
        }
        break;
    case 10:
        look(on);
        break;
    case 11:
        attach_again(on);
        if (on->checks++ < MOST_CHECKS) {
            (void)shmrpci_table_check(&on->table, NULL, NULL);
        }
        break;
    case 12:
        nest(on, how, true);
        break;
    case 13:
        nest(on, how, false);
        break;
    default:
        break;
    }
}

/* Changes a word somewhere in memory: flips one bit, or sets the word to a
 * small number, or to a word from elsewhere in memory. */
static void spoil(const stage *on, const uint8_t *step)
{
    uint64_t *words = on->table.region.map.at;
    uint64_t count = FILE_BYTES / sizeof *words;
    uint64_t place =
        ((uint64_t)step[2] << 16 | (uint64_t)step[3] << 8 | step[4]) %
        (count - 512);
    uint64_t other = ((uint64_t)step[5] << 8 | step[6]) % count;
    switch (step[0] % KINDS) {
    case 0:
        words[512 + place] ^= (uint64_t)1 << (step[1] & 63);
        break;
    case 1:
        words[512 + place] = step[1];
        break;
    case 2:
        words[512 + place] = words[other];
        break;
    default:
        words[512 + place] = (uint64_t)step[5] << (step[1] & 63) | step[6];
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    shmrpci_table_spec spec = {
        .max_bytes = FILE_BYTES, .hash_seed = 1, .log = 16, .participants = 4};
    stage on = {.fd = -1};
    uint64_t bytes;
    need(shmrpci_table_size(&spec, &bytes, NULL) == SHMRPC_OK);
    need(shmrpci_memory_create_sparse("fuzz", bytes, &on.fd) == SHMRPC_OK);
    need(shmrpci_table_format(on.fd, &spec, NULL) == SHMRPC_OK);
    need(attach(on.fd, &on.table) == SHMRPC_OK);
    need(attach(on.fd, &on.other) == SHMRPC_OK);
    need(shmrpci_table_watch_open(&on.table, false, &on.watch, NULL) ==
         SHMRPC_OK);
    shmrpci_buf_init_heap(&on.key);
    shmrpci_buf_init_heap(&on.value);
    for (size_t at = 0; at + STEP <= size && at < MOST_STEPS * STEP;
         at += STEP) {
        if (data[at] % KINDS < 4) {
            spoil(&on, data + at);
        } else {
            operate(&on, data + at);
        }
    }
    shmrpci_table_watch_close(&on.watch);
    if (on.has_view) {
        shmrpci_table_view_close(&on.view);
    }
    shmrpci_table_detach(&on.other);
    shmrpci_table_detach(&on.table);
    shmrpci_buf_fini(&on.key);
    shmrpci_buf_fini(&on.value);
    shmrpci_fd_close(&on.fd);
    return 0;
}

/*
 * Unnamed shared maps of bytes, compared with maps in the process's own memory
 * and with LMDB: get, put, views, loading.
 *
 * A "call" is 1000 operations on random keys of 11 bytes. In the loading cases
 * it fills an empty map, and the time is given for one entry.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "case.h"
#include "os/memory.h"
#include "shared_map.h"
#include "table/hash.h"
#include "table/quick.h"
#include "table/table.h"
#ifdef BENCH_LMDB
#include <lmdb.h>
#endif

enum { KEY_LEN = 11, OPS = 1000, MAX_VALUE = 64, ENTRIES = 10000 };

typedef struct map_bench map_bench;

typedef struct way {
    void (*create)(map_bench *of);
    void (*put)(map_bench *of, const char *key, const void *value);
    size_t (*get)(map_bench *of, const char *key, void *value);
    void (*destroy)(map_bench *of);
} way;

typedef enum job { JOB_GET, JOB_PUT, JOB_LOAD, JOB_VIEW, JOB_SAME } job;

typedef struct shape {
    const way *how;
    job what;
    uint32_t entries;
} shape;

struct map_bench {
    const shape *of;
    size_t len; /* size of a value */
    char (*keys)[KEY_LEN + 1];
    uint32_t *picks; /* random indexes of keys */
    uint32_t next;
    uint64_t sum;
    /* for shmrpc */
    int fd;
    uint32_t log;
    shmrpci_table table;
    shmrpci_table_view view;
    shmrpci_buf buf;
    uint8_t space[MAX_VALUE];
    bench_cells_dict *cells;
    /* for the map in C */
    struct slot *slots;
    uint64_t mask;
#ifdef BENCH_LMDB
    char folder[BENCH_FOLDER_BYTES];
    MDB_env *env;
    MDB_dbi dbi;
#endif
};

static void check(int code, const char *what)
{
    if (code != 0) {
        bench_fail("%s: %d", what, code);
    }
}

/* ---- ours ---------------------------------------------------------------- */

static void open_table(map_bench *of, uint32_t log)
{
    shmrpci_table_spec spec = {.max_bytes = (uint64_t)1 << 30,
                               .hash_seed = 0x5EED,
                               .log = log,
                               .participants = 8};
    uint64_t bytes;
    shmrpc_error error;
    check(shmrpci_table_size(&spec, &bytes, NULL), "size");
    check(shmrpci_memory_create_sparse("bench", bytes, &of->fd), "memory");
    check(shmrpci_table_format(of->fd, &spec, NULL), "format");
    check(
        shmrpci_table_attach(of->fd, SHMRPCI_ACCESS_WRITE, &of->table, &error),
        "attach");
    shmrpci_buf_init_fixed(&of->buf, of->space, sizeof of->space);
}

static void table_create(map_bench *of)
{
    open_table(of, 0);
}

static void table_create_logged(map_bench *of)
{
    open_table(of, 1024);
}

static void table_put(map_bench *of, const char *key, const void *value)
{
    check(shmrpci_table_put(&of->table, (shmrpci_table_bytes){key, KEY_LEN},
                            (shmrpci_table_bytes){value, of->len},
                            SHMRPCI_TABLE_ANY, NULL, NULL),
          "put");
}

static size_t table_get(map_bench *of, const char *key, void *value)
{
    (void)value;
    check(shmrpci_quick_table_get(&of->table,
                                  (shmrpci_table_bytes){key, KEY_LEN}, &of->buf,
                                  NULL, NULL),
          "get");
    return of->buf.len;
}

static void table_destroy(map_bench *of)
{
    shmrpci_table_detach(&of->table);
}

static void open_view(map_bench *of)
{
    check(shmrpci_table_view_open(&of->table, &of->view, NULL), "view");
}

static size_t view_get(map_bench *of, const char *key)
{
    shmrpci_table_bytes value;
    check(shmrpci_table_view_get(&of->view, (shmrpci_table_bytes){key, KEY_LEN},
                                 &value, NULL),
          "view_get");
    of->sum += *(const uint8_t *)value.data;
    return value.len;
}

/* ---- ours, as users have it: a dict of a type, opened by its name -------- */

/* The file is unlinked at once, since no code runs at the end to do it. */
static void typed_create(map_bench *of)
{
    shmrpc_error error;
    char folder[BENCH_FOLDER_BYTES + 16];
    char path[BENCH_FOLDER_BYTES + 48];
    if (bench_cells_open(NULL, NULL, &of->cells, &error) != SHMRPC_OK) {
        bench_fail("a dict: %s", error.message);
    }
    snprintf(folder, sizeof folder, "%.*s/objects", BENCH_FOLDER_BYTES,
             getenv("SHMRPC_DIR"));
    snprintf(path, sizeof path, "%s/bench.cells.dict", folder);
    check(unlink(path), "unlink");
    (void)rmdir(folder);
}

static void typed_put(map_bench *of, const char *key, const void *value)
{
    bench_cell cell;
    memcpy(&cell, value, sizeof cell);
    check(bench_cells_put(of->cells, (shmrpc_str){key, KEY_LEN}, &cell, NULL),
          "put");
}

static size_t typed_get(map_bench *of, const char *key, void *value)
{
    check(bench_cells_get(of->cells, (shmrpc_str){key, KEY_LEN}, value, NULL),
          "get");
    return sizeof(bench_cell);
}

static void typed_destroy(map_bench *of)
{
    bench_cells_close(of->cells);
}

/* ---- open addressing in C, entries of any size --------------------------- */

typedef struct entry {
    uint32_t key_len;
    uint32_t len;
    uint8_t bytes[]; /* key, value */
} entry;

typedef struct slot {
    uint64_t hash; /* 0: free */
    entry *at;
} slot;

static void own_create(map_bench *of)
{
    of->mask = 15;
    while (of->mask < 2 * (uint64_t)of->of->entries) {
        of->mask = of->mask * 2 + 1;
    }
    of->slots = calloc(of->mask + 1, sizeof *of->slots);
    if (of->slots == NULL) {
        bench_fail("no memory");
    }
}

static slot *own_find(map_bench *of, const char *key, uint64_t *out_hash)
{
    uint64_t hash = shmrpci_hash_bytes(0x5EED, key, KEY_LEN) | 1;
    uint64_t at = hash >> 16 & of->mask;
    while (of->slots[at].hash != 0 &&
           (of->slots[at].hash != hash ||
            of->slots[at].at->key_len != KEY_LEN ||
            memcmp(of->slots[at].at->bytes, key, KEY_LEN) != 0)) {
        at = (at + 1) & of->mask;
    }
    *out_hash = hash;
    return &of->slots[at];
}

static void own_put(map_bench *of, const char *key, const void *value)
{
    uint64_t hash;
    slot *at = own_find(of, key, &hash);
    entry *was = at->at;
    at->hash = hash;
    at->at = bench_alloc(sizeof *at->at + KEY_LEN + of->len);
    at->at->key_len = KEY_LEN;
    at->at->len = (uint32_t)of->len;
    memcpy(at->at->bytes, key, KEY_LEN);
    memcpy(at->at->bytes + KEY_LEN, value, of->len);
    free(was);
}

static size_t own_get(map_bench *of, const char *key, void *value)
{
    uint64_t hash;
    const slot *at = own_find(of, key, &hash);
    memcpy(value, at->at->bytes + at->at->key_len, at->at->len);
    return at->at->len;
}

static void own_destroy(map_bench *of)
{
    for (uint64_t i = 0; i <= of->mask; i++) {
        free(of->slots[i].at);
    }
    free(of->slots);
}

/* ---- std::unordered_map -------------------------------------------------- */

#ifdef BENCH_STD_MAP
static void std_create(map_bench *of)
{
    (void)of;
    bench_std_map_create();
}

static void std_put(map_bench *of, const char *key, const void *value)
{
    bench_std_map_put(key, KEY_LEN, value, of->len);
}

static size_t std_get(map_bench *of, const char *key, void *value)
{
    (void)of;
    return bench_std_map_get(key, KEY_LEN, value);
}

static void std_destroy(map_bench *of)
{
    (void)of;
    bench_std_map_destroy();
}
#endif

/* ---- LMDB, without sync -------------------------------------------------- */

#ifdef BENCH_LMDB
static void lmdb_create(map_bench *of)
{
    MDB_txn *txn;
    bench_folder_make(of->folder);
    check(mdb_env_create(&of->env), "mdb_env_create");
    check(mdb_env_set_mapsize(of->env, (size_t)1 << 30), "mapsize");
    check(mdb_env_open(of->env, of->folder,
                       MDB_WRITEMAP | MDB_NOSYNC | MDB_NOMETASYNC, 0600),
          "mdb_env_open");
    check(mdb_txn_begin(of->env, NULL, 0, &txn), "mdb_txn_begin");
    check(mdb_dbi_open(txn, NULL, 0, &of->dbi), "mdb_dbi_open");
    check(mdb_txn_commit(txn), "mdb_txn_commit");
    /* The files stay usable while they are open; no code runs later to remove
     * the folder. */
    bench_folder_remove(of->folder);
}

static void lmdb_put(map_bench *of, const char *key, const void *value)
{
    MDB_txn *txn;
    MDB_val k = {KEY_LEN, (void *)(uintptr_t)key};
    MDB_val v = {of->len, (void *)(uintptr_t)value};
    check(mdb_txn_begin(of->env, NULL, 0, &txn), "mdb_txn_begin");
    check(mdb_put(txn, of->dbi, &k, &v, 0), "mdb_put");
    check(mdb_txn_commit(txn), "mdb_txn_commit");
}

static size_t lmdb_get(map_bench *of, const char *key, void *value)
{
    MDB_txn *txn;
    MDB_val k = {KEY_LEN, (void *)(uintptr_t)key};
    MDB_val v;
    check(mdb_txn_begin(of->env, NULL, MDB_RDONLY, &txn), "mdb_txn_begin");
    check(mdb_get(txn, of->dbi, &k, &v), "mdb_get");
    memcpy(value, v.mv_data, v.mv_size);
    mdb_txn_abort(txn);
    return v.mv_size;
}

static void lmdb_destroy(map_bench *of)
{
    mdb_env_close(of->env);
}
#endif

/* ---- operations ---------------------------------------------------------- */

static void load(map_bench *of)
{
    uint8_t value[MAX_VALUE];
    memset(value, 1, sizeof value);
    for (uint32_t i = 0; i < of->of->entries; i++) {
        of->of->how->put(of, of->keys[i], value);
    }
}

static void *setup(const bench_case *self)
{
    map_bench *of = bench_alloc(sizeof *of);
    uint64_t seed = 1;
    memset(of, 0, sizeof *of);
    of->of = self->with;
    of->len = self->payload;
    of->keys = bench_alloc(of->of->entries * sizeof *of->keys);
    of->picks = bench_alloc(of->of->entries * sizeof *of->picks);
    for (uint32_t i = 0; i < of->of->entries; i++) {
        snprintf(of->keys[i], sizeof of->keys[i], "key%08u", i % 100000000u);
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        of->picks[i] = (uint32_t)(seed >> 33) % of->of->entries;
    }
    return of;
}

static void dial(void *state)
{
    map_bench *of = state;
    if (of->of->what != JOB_LOAD) {
        of->of->how->create(of);
        load(of);
    }
    if (of->of->what == JOB_VIEW || of->of->what == JOB_SAME) {
        open_view(of);
    }
}

static void call(void *state)
{
    map_bench *of = state;
    uint8_t value[MAX_VALUE] = {0};
    if (of->of->what == JOB_LOAD) {
        of->of->how->create(of);
        load(of);
        of->of->how->destroy(of);
        return;
    }
    for (int i = 0; i < OPS; i++) {
        const char *key = of->keys[of->picks[of->next]];
        of->next = of->next + 1 < of->of->entries ? of->next + 1 : 0;
        size_t len = of->len;
        switch (of->of->what) {
        case JOB_PUT:
            of->of->how->put(of, key, value);
            break;
        case JOB_GET:
            len = of->of->how->get(of, key, value);
            break;
        case JOB_VIEW:
            len = view_get(of, key);
            break;
        case JOB_SAME:
            len = view_get(of, of->keys[0]);
            break;
        case JOB_LOAD:
            break;
        }
        if (len != of->len) {
            bench_fail("a value of %zu bytes, not %zu", len, of->len);
        }
    }
}

static void teardown(void *state)
{
    map_bench *of = state;
    free(of->keys);
    free(of->picks);
    free(of);
}

static const way ours = {table_create, table_put, table_get, table_destroy};
static const way logged = {table_create_logged, table_put, table_get,
                           table_destroy};
static const way typed = {typed_create, typed_put, typed_get, typed_destroy};
static const way own = {own_create, own_put, own_get, own_destroy};

#ifdef BENCH_STD_MAP
static const way std = {std_create, std_put, std_get, std_destroy};
#endif
#ifdef BENCH_LMDB
static const way lmdb = {lmdb_create, lmdb_put, lmdb_get, lmdb_destroy};
#endif

#define CASE(id, text, bytes, of, who, mine, ops, how, what, entries)          \
    {                                                                          \
        .name = id, .about = text, .payload = bytes, .places = BENCH_IN_ALONE, \
        .floor = BENCH_FLOOR_NONE, .contest = of, .contestant = who,           \
        .is_ours = mine, .calls = ops,                                         \
        .with = &(const shape){&(how), what, entries}, .setup = setup,         \
        .dial = dial, .call = call, .teardown = teardown                       \
    }

/* The cases that every map has: `id` is shared.<who>. */
#define CASES(id, who, mine, how)                                             \
    CASE(id ".get", "get of 10,000", 8, "map get, 8 B", who, mine, OPS, how,  \
         JOB_GET, ENTRIES),                                                   \
        CASE(id ".get", "get of 10,000", 64, "map get, 64 B", who, mine, OPS, \
             how, JOB_GET, ENTRIES),                                          \
        CASE(id ".put", "put of 10,000", 8, "map put, 8 B", who, mine, OPS,   \
             how, JOB_PUT, ENTRIES),                                          \
        CASE(id ".put", "put of 10,000", 64, "map put, 64 B", who, mine, OPS, \
             how, JOB_PUT, ENTRIES)

/* The cases that would take too long with LMDB. */
#define LARGE_CASES(id, who, mine, how)                                     \
    CASE(id ".load", "10,000 new entries", 64, "map load, 64 B", who, mine, \
         ENTRIES, how, JOB_LOAD, ENTRIES),                                  \
        CASE(id ".get.1m", "get of 1,000,000", 64, "map get, 1 M of 64 B",  \
             who, mine, OPS, how, JOB_GET, 100 * ENTRIES)

static const bench_case cases[] = {
    CASES("shared.dict", "shmrpc", 1, ours),
    LARGE_CASES("shared.dict", "shmrpc", 1, ours),
    CASE("shared.typed.get", "get of 10,000, by a dict of a type", 64,
         "map get, 64 B", "typed", 1, OPS, typed, JOB_GET, ENTRIES),
    CASE("shared.typed.put", "put of 10,000, by a dict of a type, with a log",
         64, "map put, 64 B", "typed", 1, OPS, typed, JOB_PUT, ENTRIES),
    CASE("shared.dict.load.1m4", "1,400,000 new entries", 64, NULL, NULL, 1,
         140 * ENTRIES, ours, JOB_LOAD, 140 * ENTRIES),
    CASE("shared.dict.put.log", "put with a log for watchers", 64, NULL, NULL,
         1, OPS, logged, JOB_PUT, ENTRIES),
    CASE("shared.dict.view", "view get, random keys", 64, NULL, NULL, 1, OPS,
         ours, JOB_VIEW, ENTRIES),
    CASE("shared.dict.view.same", "view get, one key", 64, NULL, NULL, 1, OPS,
         ours, JOB_SAME, ENTRIES),
    CASES("shared.cmap", "C map", 0, own),
    LARGE_CASES("shared.cmap", "C map", 0, own),
#ifdef BENCH_STD_MAP
    CASES("shared.unordered_map", "unordered_map", 0, std),
    LARGE_CASES("shared.unordered_map", "unordered_map", 0, std),
#endif
#ifdef BENCH_LMDB
    CASES("shared.lmdb", "LMDB", 0, lmdb),
#endif
};

const bench_suite shared_maps = {cases, sizeof cases / sizeof *cases};

/* The store, in SQLite. */
#include "observe/store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#define TEXT_MAX_BYTES 200u
#define BUSY_MS        1000

/* A file with another layout is put aside like a damaged one. */
#define LAYOUT "1"

/* How long each level keeps its points. The last row is the coarsest level. */
static const struct level {
    int64_t span_s; /* 0: every sample */
    int64_t keep_s;
} levels[] = {
    {0, 25 * 60},
    {60, 24 * 3600},
    {15 * 60, 30 * 24 * 3600},
};

#define LEVELS (sizeof levels / sizeof *levels)

static const char schema[] =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = NORMAL;"
    "PRAGMA foreign_keys = ON;"
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS series ("
    "  id INTEGER PRIMARY KEY,"
    "  service TEXT NOT NULL, subject TEXT NOT NULL, figure TEXT NOT NULL,"
    "  UNIQUE (service, subject, figure)) STRICT;"
    "CREATE TABLE IF NOT EXISTS point ("
    "  series INTEGER NOT NULL REFERENCES series ON DELETE CASCADE,"
    "  level INTEGER NOT NULL, at INTEGER NOT NULL,"
    "  total REAL NOT NULL, least REAL NOT NULL, greatest REAL NOT NULL,"
    "  count INTEGER NOT NULL,"
    "  PRIMARY KEY (series, level, at)) STRICT, WITHOUT ROWID;"
    "PRAGMA user_version = " LAYOUT
    ";"
    "COMMIT;";

enum {
    ADD_SERIES,
    FIND_SERIES,
    ADD_POINT,
    DROP_POINTS,
    DROP_SERIES,
    READ_POINTS,
    LIST_SERIES,
    STATEMENTS
};

static const char *const texts[STATEMENTS] = {
    [ADD_SERIES] =
        "INSERT INTO series (service, subject, figure)"
        " VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    [FIND_SERIES] =
        "SELECT id FROM series"
        " WHERE service = ?1 AND subject = ?2 AND figure = ?3",
    [ADD_POINT] =
        "INSERT INTO point VALUES (?1, ?2, ?3, ?4, ?4, ?4, 1)"
        " ON CONFLICT DO UPDATE SET total = total + ?4,"
        " least = min(least, ?4), greatest = max(greatest, ?4),"
        " count = count + 1",
    [DROP_POINTS] = "DELETE FROM point WHERE level = ?1 AND at < ?2",
    [DROP_SERIES] =
        "DELETE FROM series WHERE NOT EXISTS"
        " (SELECT 1 FROM point WHERE series = id)",
    [READ_POINTS] =
        "SELECT at, total, least, greatest, count FROM point"
        " WHERE series = ?1 AND level = ?2 AND at BETWEEN ?3 AND ?4"
        " ORDER BY at",
    [LIST_SERIES] =
        "SELECT service, subject, figure FROM series"
        " WHERE ?1 IS NULL OR service = ?1"
        " ORDER BY service, subject, figure",
};

struct shmrpci_store {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    bool is_open;      /* a transaction is open */
    int64_t dropped_s; /* when old points were last dropped */
};

/* ---- SQLite -------------------------------------------------------------- */

static shmrpc_status status_of(int code)
{
    switch (code & 0xFF) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return SHMRPC_OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return SHMRPC_E_BUSY;
    case SQLITE_NOMEM:
        return SHMRPC_E_NO_MEMORY;
    case SQLITE_FULL:
    case SQLITE_IOERR:
        return SHMRPC_E_EXHAUSTED;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
        return SHMRPC_E_DENIED;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return SHMRPC_E_DATA_LOSS;
    default:
        return SHMRPC_E_INTERNAL;
    }
}

/* Returns SQLite's message for `code`, or a general text if another error has
 * occurred since. */
static const char *text_of(const shmrpci_store *store, int code)
{
    return store->db != NULL && sqlite3_errcode(store->db) == code
               ? sqlite3_errmsg(store->db)
               : sqlite3_errstr(code);
}

static int fail(const shmrpci_store *store, int code, shmrpc_error *error)
{
    return shmrpc_error_set(error, status_of(code), "the store of figures: %s",
                            text_of(store, code));
}

/* Runs a statement that has no rows. */
static int run(sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    (void)sqlite3_reset(statement);
    return code == SQLITE_DONE || code == SQLITE_ROW ? SQLITE_OK : code;
}

static int begin(shmrpci_store *store)
{
    /* If the disk is full, SQLite has ended the transaction itself. */
    if (store->is_open && sqlite3_get_autocommit(store->db) == 0) {
        return SQLITE_OK;
    }
    int code = sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    store->is_open = code == SQLITE_OK;
    return code;
}

static int end(shmrpci_store *store)
{
    bool is_open = store->is_open && sqlite3_get_autocommit(store->db) == 0;
    store->is_open = false;
    if (!is_open) {
        return SQLITE_OK;
    }
    int code = sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
    if (code != SQLITE_OK && sqlite3_get_autocommit(store->db) == 0) {
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return code;
}

/* ---- opening ------------------------------------------------------------- */

static int read_layout(void *user, int columns, char **values, char **names)
{
    (void)names;
    int *is_other = user;
    *is_other = columns != 1 || values[0] == NULL ||
                (strcmp(values[0], "0") != 0 && strcmp(values[0], LAYOUT) != 0);
    return 0;
}

static int read_check(void *user, int columns, char **values, char **names)
{
    (void)names;
    int *is_bad = user;
    *is_bad = columns != 1 || values[0] == NULL || strcmp(values[0], "ok") != 0;
    return 0;
}

static int prepare(shmrpci_store *store, const char *path)
{
    int is_other = 0;
    int is_bad = 0;
    int code = sqlite3_open_v2(
        path, &store->db,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_busy_timeout(store->db, BUSY_MS);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_exec(store->db, "PRAGMA quick_check(1)", read_check,
                            &is_bad, NULL);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_exec(store->db, "PRAGMA user_version", read_layout,
                            &is_other, NULL);
    }
    if (code == SQLITE_OK && (is_bad || is_other)) {
        code = SQLITE_CORRUPT;
    }
    if (code == SQLITE_OK) {
        code = sqlite3_exec(store->db, schema, NULL, NULL, NULL);
    }
    for (int i = 0; i < STATEMENTS && code == SQLITE_OK; i++) {
        code = sqlite3_prepare_v3(store->db, texts[i], -1,
                                  SQLITE_PREPARE_PERSISTENT,
                                  &store->statements[i], NULL);
        /* SQLITE_ERROR here means that tables with these names exist but are
         * not ours. */
        code = code == SQLITE_ERROR ? SQLITE_CORRUPT : code;
    }
    return code;
}

static void release(shmrpci_store *store)
{
    for (int i = 0; i < STATEMENTS; i++) {
        (void)sqlite3_finalize(store->statements[i]);
        store->statements[i] = NULL;
    }
    (void)sqlite3_close(store->db);
    store->db = NULL;
}

/* Renames the file, and the files that SQLite keeps beside it. */
static bool put_aside(const char *path)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    bool is_moved = false;
    size_t size = strlen(path) + 16;
    char *from = malloc(2 * size);
    if (from == NULL) {
        return false;
    }
    char *to = from + size;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        (void)snprintf(from, size, "%s%s", path, endings[i]);
        (void)snprintf(to, size, "%s.damaged%s", path, endings[i]);
        bool did = rename(from, to) == 0;
        is_moved = i == 0 ? did : is_moved;
    }
    free(from);
    return is_moved;
}

int shmrpci_store_open(const char *path, shmrpci_store **out,
                       bool *out_was_damaged, shmrpc_error *error)
{
    bool was_damaged = false;
    shmrpci_store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    int code = prepare(store, path);
    if (status_of(code) == SHMRPC_E_DATA_LOSS) {
        release(store);
        was_damaged = put_aside(path);
        code = was_damaged ? prepare(store, path) : code;
    }
    if (code != SQLITE_OK) {
        int status = shmrpc_error_set(error, status_of(code), "%s: %s", path,
                                      text_of(store, code));
        release(store);
        free(store);
        return status;
    }
    if (out_was_damaged != NULL) {
        *out_was_damaged = was_damaged;
    }
    *out = store;
    return SHMRPC_OK;
}

void shmrpci_store_close(shmrpci_store *store)
{
    if (store != NULL) {
        (void)end(store);
        release(store);
        free(store);
    }
}

/* ---- adding -------------------------------------------------------------- */

static bool is_short(const char *text)
{
    return strlen(text) <= TEXT_MAX_BYTES;
}

static void bind_series(sqlite3_stmt *statement, const shmrpci_series *series)
{
    (void)sqlite3_bind_text(statement, 1, series->service, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 2, series->subject, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 3, series->figure, -1, SQLITE_STATIC);
}

/* Finds the id of a series. Returns SQLITE_DONE if there is none. */
static int find_series(const shmrpci_store *store, const shmrpci_series *series,
                       sqlite3_int64 *out)
{
    sqlite3_stmt *statement = store->statements[FIND_SERIES];
    bind_series(statement, series);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        *out = sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

static int series_id(const shmrpci_store *store, const shmrpci_series *series,
                     sqlite3_int64 *out)
{
    int code = find_series(store, series, out);
    if (code == SQLITE_DONE) {
        sqlite3_stmt *statement = store->statements[ADD_SERIES];
        bind_series(statement, series);
        code = run(statement);
        (void)sqlite3_clear_bindings(statement);
        if (code == SQLITE_OK) {
            code = find_series(store, series, out);
        }
    }
    return code;
}

static int64_t begin_of(int64_t at_s, int64_t span_s)
{
    return span_s == 0 ? at_s : at_s - at_s % span_s;
}

static int add_point(const shmrpci_store *store, sqlite3_int64 series,
                     size_t level, int64_t at_s, double value)
{
    sqlite3_stmt *statement = store->statements[ADD_POINT];
    (void)sqlite3_bind_int64(statement, 1, series);
    (void)sqlite3_bind_int64(statement, 2, (sqlite3_int64)level);
    (void)sqlite3_bind_int64(statement, 3,
                             begin_of(at_s, levels[level].span_s));
    (void)sqlite3_bind_double(statement, 4, value);
    return run(statement);
}

int shmrpci_store_add(shmrpci_store *store, const shmrpci_series *series,
                      int64_t at_s, double value, shmrpc_error *error)
{
    sqlite3_int64 id = 0;
    if (!is_short(series->service) || !is_short(series->subject) ||
        !is_short(series->figure) || !isfinite(value) || at_s < 0) {
        return shmrpc_error_set(
            error, SHMRPC_E_INVALID,
            "%.60s: a text is too long, or the value is not a number",
            series->figure);
    }
    int code = begin(store);
    if (code == SQLITE_OK) {
        code = series_id(store, series, &id);
    }
    for (size_t i = 0; i < LEVELS && code == SQLITE_OK; i++) {
        code = add_point(store, id, i, at_s, value);
    }
    return code == SQLITE_OK ? SHMRPC_OK : fail(store, code, error);
}

/* Drops old points, at most once per interval of the second level, because this
 * scans all points. */
static int drop_old(shmrpci_store *store, int64_t now_s)
{
    int64_t apart_s = now_s - store->dropped_s;
    if (apart_s >= 0 && apart_s < levels[1].span_s) {
        return SQLITE_OK;
    }
    sqlite3_stmt *statement = store->statements[DROP_POINTS];
    int code = begin(store);
    for (size_t i = 0; i < LEVELS && code == SQLITE_OK; i++) {
        (void)sqlite3_bind_int64(statement, 1, (sqlite3_int64)i);
        (void)sqlite3_bind_int64(
            statement, 2, begin_of(now_s - levels[i].keep_s, levels[i].span_s));
        code = run(statement);
    }
    if (code == SQLITE_OK) {
        code = run(store->statements[DROP_SERIES]);
    }
    if (code == SQLITE_OK) {
        store->dropped_s = now_s;
    }
    return code;
}

int shmrpci_store_flush(shmrpci_store *store, int64_t now_s,
                        shmrpc_error *error)
{
    int code = drop_old(store, now_s);
    int ended = end(store);
    code = code == SQLITE_OK ? ended : code;
    return code == SQLITE_OK ? SHMRPC_OK : fail(store, code, error);
}

/* ---- reading ------------------------------------------------------------- */

/* Returns the finest level that still has all points from `from_s` on. */
static size_t level_for(int64_t from_s, int64_t now_s)
{
    size_t level = 0;
    while (level + 1 < LEVELS && from_s < now_s - levels[level].keep_s) {
        level++;
    }
    return level;
}

static bool tell_point(sqlite3_stmt *row, size_t level, shmrpci_on_point *point,
                       void *user)
{
    sqlite3_int64 count = sqlite3_column_int64(row, 4);
    shmrpci_point at = {.at_s = sqlite3_column_int64(row, 0),
                        .span_s = levels[level].span_s,
                        .least = sqlite3_column_double(row, 2),
                        .greatest = sqlite3_column_double(row, 3),
                        .count = count > 0 ? (uint64_t)count : 1};
    at.mean = sqlite3_column_double(row, 1) / (double)at.count;
    return point(user, &at);
}

int shmrpci_store_read(shmrpci_store *store, const shmrpci_series *series,
                       int64_t from_s, int64_t to_s, int64_t now_s,
                       shmrpci_on_point *point, void *user, shmrpc_error *error)
{
    sqlite3_int64 id;
    size_t level = level_for(from_s, now_s);
    int code = find_series(store, series, &id);
    if (code == SQLITE_DONE) {
        return SHMRPC_OK;
    }
    if (code == SQLITE_OK) {
        sqlite3_stmt *statement = store->statements[READ_POINTS];
        (void)sqlite3_bind_int64(statement, 1, id);
        (void)sqlite3_bind_int64(statement, 2, (sqlite3_int64)level);
        (void)sqlite3_bind_int64(statement, 3,
                                 begin_of(from_s, levels[level].span_s));
        (void)sqlite3_bind_int64(statement, 4, to_s);
        do {
            code = sqlite3_step(statement);
        } while (code == SQLITE_ROW &&
                 tell_point(statement, level, point, user));
        (void)sqlite3_reset(statement);
    }
    return status_of(code) == SHMRPC_OK ? SHMRPC_OK : fail(store, code, error);
}

int shmrpci_store_list(shmrpci_store *store, const char *service,
                       shmrpci_on_series *series, void *user,
                       shmrpc_error *error)
{
    sqlite3_stmt *statement = store->statements[LIST_SERIES];
    int code = service == NULL ? sqlite3_bind_null(statement, 1)
                               : sqlite3_bind_text(statement, 1, service, -1,
                                                   SQLITE_STATIC);
    bool goes_on = code == SQLITE_OK;
    while (goes_on) {
        code = sqlite3_step(statement);
        goes_on = code == SQLITE_ROW;
        if (goes_on) {
            const shmrpci_series at = {
                .service = (const char *)sqlite3_column_text(statement, 0),
                .subject = (const char *)sqlite3_column_text(statement, 1),
                .figure = (const char *)sqlite3_column_text(statement, 2)};
            goes_on = at.service != NULL && at.subject != NULL &&
                      at.figure != NULL && series(user, &at);
        }
    }
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
    return status_of(code) == SHMRPC_OK ? SHMRPC_OK : fail(store, code, error);
}

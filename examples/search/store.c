/* The schema, the statements, and a pool of sessions under a lock. */
#include "store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct store {
    pthread_mutex_t lock;
    pthread_cond_t given;
    session *free;
    unsigned count;
    session sessions[];
};

enum { BUSY_TIMEOUT_MS = 5000 };

/* The index keeps no copy of the text; triggers keep both consistent. */
static const char schema[] =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = NORMAL;"
    "CREATE TABLE IF NOT EXISTS document("
    "  id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, title TEXT NOT NULL,"
    "  format INTEGER NOT NULL, text TEXT NOT NULL, bytes INTEGER NOT NULL,"
    "  generation INTEGER NOT NULL);"
    "CREATE VIRTUAL TABLE IF NOT EXISTS page USING fts5(title, text,"
    "  content = 'document', content_rowid = 'id',"
    "  tokenize = 'porter unicode61');"
    "CREATE TRIGGER IF NOT EXISTS added AFTER INSERT ON document BEGIN"
    "  INSERT INTO page(rowid, title, text)"
    "    VALUES (new.id, new.title, new.text); END;"
    "CREATE TRIGGER IF NOT EXISTS removed AFTER DELETE ON document BEGIN"
    "  INSERT INTO page(page, rowid, title, text)"
    "    VALUES ('delete', old.id, old.title, old.text); END;"
    "CREATE TRIGGER IF NOT EXISTS changed AFTER UPDATE OF title, text"
    "  ON document BEGIN"
    "  INSERT INTO page(page, rowid, title, text)"
    "    VALUES ('delete', old.id, old.title, old.text);"
    "  INSERT INTO page(rowid, title, text)"
    "    VALUES (new.id, new.title, new.text); END;";

#define FROM_MATCHES                                                      \
    " FROM page JOIN document d ON d.id = page.rowid WHERE page MATCH ?1" \
    " AND (?2 IS NULL OR d.format = ?2)"                                  \
    " AND (?3 IS NULL OR instr(d.path, ?3) > 0)"

/* A word in the title counts as much as ten in the text. */
#define SCORE "bm25(page, 10.0, 1.0)"

#define FIND(order)                                                         \
    "SELECT d.id, d.title, d.path, -" SCORE FROM_MATCHES " ORDER BY " order \
    " LIMIT ?4 OFFSET ?5"

static const char *const sql[STORE_STATEMENTS] = {
    [STORE_FIND_BY_RELEVANCE] = FIND(SCORE ", d.path"),
    [STORE_FIND_BY_PATH] = FIND("d.path"),
    [STORE_FIND_LONGEST] = FIND("d.bytes DESC, d.path"),
    [STORE_COUNT] = "SELECT count(*)" FROM_MATCHES,
    [STORE_SNIPPET] =
        "SELECT snippet(page, 1, char(2), char(3), '\xe2\x80\xa6', 24)"
        " FROM page WHERE page MATCH ?1 AND rowid = ?2",
    [STORE_FETCH] =
        "SELECT title, path, format, text FROM document WHERE id = ?1",
    [STORE_STATS] = "SELECT count(*), coalesce(sum(bytes), 0) FROM document",
    [STORE_GENERATION] =
        "SELECT coalesce(max(generation), 0) + 1 FROM document",
    [STORE_KEEP] =
        "UPDATE document SET generation = ?1"
        " WHERE path = ?2 AND title = ?3 AND text = ?4",
    /* A document keeps its id while its path stays the same. */
    [STORE_PUT] =
        "INSERT INTO document(generation, path, title, text, format, bytes)"
        " VALUES (?1, ?2, ?3, ?4, ?5, length(CAST(?4 AS BLOB)))"
        " ON CONFLICT(path) DO UPDATE SET generation = excluded.generation,"
        "  title = excluded.title, text = excluded.text,"
        "  format = excluded.format, bytes = excluded.bytes",
    [STORE_FORGET] =
        "DELETE FROM document"
        " WHERE generation < ?1 AND substr(path, 1, length(?2)) = ?2",
};

static int session_open(session *s, const char *path)
{
    int code = sqlite3_open(path, &s->db);
    if (code == SQLITE_OK) {
        sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
        code = sqlite3_exec(s->db, schema, NULL, NULL, NULL);
    }
    for (int i = 0; code == SQLITE_OK && i < STORE_STATEMENTS; i++) {
        code = sqlite3_prepare_v3(s->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                                  &s->statements[i], NULL);
    }
    return code;
}

static void session_close(session *s)
{
    for (int i = 0; i < STORE_STATEMENTS; i++) {
        sqlite3_finalize(s->statements[i]);
    }
    sqlite3_close(s->db);
}

store *store_open(const char *path, unsigned sessions,
                  char message[STORE_MESSAGE_BYTES])
{
    store *const s = calloc(1, sizeof *s + sessions * sizeof *s->sessions);
    if (s == NULL) {
        snprintf(message, STORE_MESSAGE_BYTES, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->given, NULL);
    for (; s->count < sessions; s->count++) {
        session *const one = &s->sessions[s->count];
        if (session_open(one, path) != SQLITE_OK) {
            snprintf(message, STORE_MESSAGE_BYTES, "%s: %s", path,
                     sqlite3_errmsg(one->db));
            session_close(one);
            store_close(s);
            return NULL;
        }
        store_give(s, one);
    }
    return s;
}

void store_close(store *s)
{
    if (s == NULL) {
        return;
    }
    for (unsigned i = 0; i < s->count; i++) {
        session_close(&s->sessions[i]);
    }
    pthread_cond_destroy(&s->given);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

session *store_take(store *s)
{
    pthread_mutex_lock(&s->lock);
    while (s->free == NULL) {
        pthread_cond_wait(&s->given, &s->lock);
    }
    session *const taken = s->free;
    s->free = taken->next;
    pthread_mutex_unlock(&s->lock);
    return taken;
}

void store_give(store *s, session *taken)
{
    pthread_mutex_lock(&s->lock);
    taken->next = s->free;
    s->free = taken;
    pthread_cond_signal(&s->given);
    pthread_mutex_unlock(&s->lock);
}

void store_reset(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

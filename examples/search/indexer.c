/* Walks the folder in the order of names, and reads each file with
 * text_read(). */
#include "indexer.h"

#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

typedef struct walk {
    session *s;
    sqlite3_int64 generation;
    indexed counts;
    bool (*stop)(void *user);
    void *user;
} walk;

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* Runs a statement that has no result rows, and resets it. */
static int run(sqlite3_stmt *statement)
{
    const int code = sqlite3_step(statement);
    store_reset(statement);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static void bind_document(sqlite3_stmt *statement, const walk *w,
                          const char *path, const text *t)
{
    sqlite3_bind_int64(statement, 1, w->generation);
    sqlite3_bind_text(statement, 2, path, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, t->title, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 4, t->bytes, (int)t->size, SQLITE_STATIC);
}

/* Stores a document. An unchanged one is only compared, not indexed again. */
static int put_document(const walk *w, const char *path, const text *t)
{
    sqlite3_stmt *const keep = w->s->statements[STORE_KEEP];
    sqlite3_stmt *const put = w->s->statements[STORE_PUT];
    bind_document(keep, w, path, t);
    const int code = run(keep);
    if (code != SQLITE_OK || sqlite3_changes(w->s->db) > 0) {
        return code;
    }
    bind_document(put, w, path, t);
    sqlite3_bind_int(put, 5, t->is_html);
    return run(put);
}

static int take_file(walk *w, const FTSENT *entry)
{
    text t;
    if (w->counts.documents >= MAX_DOCUMENTS ||
        !text_read(&t, entry->fts_path)) {
        w->counts.skipped++;
        return SQLITE_OK;
    }
    /* File names are arbitrary bytes; make them valid text. */
    char *const path = strdup(entry->fts_path);
    int code = SQLITE_NOMEM;
    if (path != NULL) {
        text_repair(path, strlen(path));
        code = put_document(w, path, &t);
    }
    free(path);
    text_fini(&t);
    w->counts.documents += code == SQLITE_OK ? 1 : 0;
    return code;
}

static int walk_folder(walk *w, const char *folder)
{
    char *const root = strdup(folder);
    char *const roots[] = {root, NULL};
    FTS *const tree = root != NULL
                          ? fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name)
                          : NULL;
    FTSENT *entry;
    int code = tree != NULL ? SQLITE_OK : SQLITE_NOMEM;
    while (code == SQLITE_OK && (entry = fts_read(tree)) != NULL) {
        if (w->stop(w->user)) {
            code = SQLITE_INTERRUPT;
        } else if (entry->fts_info == FTS_F) {
            code = take_file(w, entry);
        } else if (entry->fts_info == FTS_D && entry->fts_level >= MAX_DEPTH) {
            fts_set(tree, entry, FTS_SKIP);
        } else if (entry->fts_info != FTS_D && entry->fts_info != FTS_DP) {
            w->counts.skipped++;
        }
    }
    if (tree != NULL) {
        fts_close(tree);
    }
    free(root);
    return code;
}

static int forget_missing(const walk *w, const char *folder)
{
    sqlite3_stmt *const forget = w->s->statements[STORE_FORGET];
    char *const prefix = sqlite3_mprintf("%s/", folder);
    if (prefix == NULL) {
        return SQLITE_NOMEM;
    }
    text_repair(prefix, strlen(prefix));
    sqlite3_bind_int64(forget, 1, w->generation);
    sqlite3_bind_text(forget, 2, prefix, -1, SQLITE_STATIC);
    const int code = run(forget);
    sqlite3_free(prefix);
    return code;
}

static int next_generation(walk *w)
{
    sqlite3_stmt *const statement = w->s->statements[STORE_GENERATION];
    const int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        w->generation = sqlite3_column_int64(statement, 0);
    }
    store_reset(statement);
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

int index_folder(session *s, const char *folder, bool (*stop)(void *user),
                 void *user, indexed *out)
{
    walk w = {.s = s, .stop = stop, .user = user};
    int code = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (code != SQLITE_OK) {
        return code;
    }
    code = next_generation(&w);
    if (code == SQLITE_OK) {
        code = walk_folder(&w, folder);
    }
    if (code == SQLITE_OK) {
        code = forget_missing(&w, folder);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
    }
    if (code != SQLITE_OK) {
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
        return code;
    }
    *out = w.counts;
    return SQLITE_OK;
}

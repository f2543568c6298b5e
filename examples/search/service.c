/*
 * Converts between the types of search.svc and SQL.
 *
 * Ownership: the parameters of a handler belong to the call; results are copied
 * from SQLite's rows into the call's memory (shmrpc_ctx_copy), because the next
 * step frees the rows. Handlers free nothing: the call's memory is freed when
 * the reply has been sent.
 *
 * Deadlines: SQLite checks now and then whether a client still waits for the
 * answer, and stops if not.
 */
#include "service.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "indexer.h"

enum {
    /* Steps of SQLite's virtual machine between two checks: tens of us. */
    STEPS_PER_CHECK = 5000,
    MAX_MARKS = 64,
    MARK_BEGIN = 2,
    MARK_END = 3
};

/* ---- sessions and statuses ----------------------------------------------- */

static int nobody_waits(void *user)
{
    return shmrpc_ctx_cancelled((const shmrpc_ctx *)user);
}

static session *begin(service *s, shmrpc_ctx *ctx)
{
    session *const taken = store_take(s->store);
    sqlite3_progress_handler(taken->db, STEPS_PER_CHECK, nobody_waits, ctx);
    return taken;
}

static void end(service *s, session *taken)
{
    sqlite3_progress_handler(taken->db, 0, NULL, NULL);
    store_give(s->store, taken);
}

/* Answers with SQLite's failure. Only errors about a query are passed on, since
 * other messages would reveal our tables to strangers. */
static int failure(shmrpc_ctx *ctx, int code)
{
    switch (code) {
    case SQLITE_INTERRUPT:
        return SHMRPC_E_CANCELLED;
    case SQLITE_NOMEM:
        return SHMRPC_E_NO_MEMORY;
    case SQLITE_BUSY:
        return shmrpc_ctx_fail(ctx, SHMRPC_E_BUSY, "the index is being built");
    default:
        return shmrpc_ctx_fail(ctx, SHMRPC_E_INTERNAL, "the database failed");
    }
}

/* SQLite parses a full-text query only when a statement searches for it, and
 * reports a malformed query as SQLITE_ERROR. */
static int query_failure(shmrpc_ctx *ctx, const session *taken, int code)
{
    return code == SQLITE_ERROR
               ? shmrpc_ctx_fail(ctx, SEARCH_ERR_BAD_QUERY, "%s",
                                 sqlite3_errmsg(taken->db))
               : failure(ctx, code);
}

static bool copy_text(shmrpc_ctx *ctx, sqlite3_stmt *row, int column,
                      shmrpc_str *out)
{
    const unsigned char *const text = sqlite3_column_text(row, column);
    const int size = sqlite3_column_bytes(row, column);
    return text != NULL &&
           shmrpc_ctx_copy(ctx, out, text, (size_t)size) == SHMRPC_OK;
}

/* ---- find ---------------------------------------------------------------- */

static void bind_query(sqlite3_stmt *statement, const search_query *query)
{
    /* The text is borrowed, since the query outlives the statement's use. Its
     * length is bounded in search.svc, and was checked before this handler was
     * called. */
    sqlite3_bind_text(statement, 1, query->text.ptr, (int)query->text.len,
                      SQLITE_STATIC);
    if (query->has_format) {
        sqlite3_bind_int(statement, 2, query->format);
    }
    if (query->has_path) {
        sqlite3_bind_text(statement, 3, query->path.ptr, (int)query->path.len,
                          SQLITE_STATIC);
    }
}

static int count_hits(shmrpc_ctx *ctx, session *taken,
                      const search_query *query, uint64_t *total)
{
    sqlite3_stmt *const count = taken->statements[STORE_COUNT];
    int status = SHMRPC_OK;
    bind_query(count, query);
    const int code = sqlite3_step(count);
    if (code == SQLITE_ROW) {
        *total = (uint64_t)sqlite3_column_int64(count, 0);
    } else {
        status = query_failure(ctx, taken, code);
    }
    store_reset(count);
    return status;
}

/* Removes the marks from the text, and stores their positions. */
static void split_marks(char *text, search_hit *hit, search_mark *marks)
{
    size_t out = 0;
    size_t count = 0;
    size_t start = 0;
    for (size_t in = 0; in < hit->snippet.len; in++) {
        if (text[in] == MARK_BEGIN) {
            start = out;
        } else if (text[in] != MARK_END) {
            text[out++] = text[in];
        } else if (count < MAX_MARKS) {
            marks[count].start = (uint32_t)start;
            marks[count].length = (uint32_t)(out - start);
            count++;
        }
    }
    text[out] = '\0';
    hit->snippet.len = out;
    hit->marks.ptr = marks;
    hit->marks.len = count;
}

static int fill_snippet(shmrpc_ctx *ctx, session *taken,
                        const search_query *query, search_hit *hit)
{
    sqlite3_stmt *const snippet = taken->statements[STORE_SNIPPET];
    search_mark *const marks =
        shmrpc_ctx_alloc(ctx, MAX_MARKS * sizeof *marks, _Alignof(search_mark));
    int status = SHMRPC_OK;
    sqlite3_bind_text(snippet, 1, query->text.ptr, (int)query->text.len,
                      SQLITE_STATIC);
    sqlite3_bind_int64(snippet, 2, (sqlite3_int64)hit->id);
    const int code = sqlite3_step(snippet);
    const size_t size =
        code == SQLITE_ROW ? (size_t)sqlite3_column_bytes(snippet, 0) : 0;
    char *const text = shmrpc_ctx_alloc(ctx, size + 1, 1);
    if (code != SQLITE_ROW) {
        status = query_failure(ctx, taken, code);
    } else if (marks == NULL || text == NULL) {
        status = SHMRPC_E_NO_MEMORY;
    } else {
        memcpy(text, sqlite3_column_text(snippet, 0), size);
        hit->snippet = (shmrpc_str){text, size};
        split_marks(text, hit, marks);
    }
    store_reset(snippet);
    return status;
}

static int fill_hit(shmrpc_ctx *ctx, session *taken, const search_query *query,
                    sqlite3_stmt *row, search_hit *hit)
{
    hit->id = (uint64_t)sqlite3_column_int64(row, 0);
    hit->score = sqlite3_column_double(row, 3);
    if (!copy_text(ctx, row, 1, &hit->title) ||
        !copy_text(ctx, row, 2, &hit->path)) {
        return SHMRPC_E_NO_MEMORY;
    }
    return fill_snippet(ctx, taken, query, hit);
}

static int collect(shmrpc_ctx *ctx, session *taken, const search_query *query,
                   search_hit *hits, size_t *count)
{
    /* An enum may hold any value of its base type, for example one that only a
     * newer client knows. */
    if (query->order > SEARCH_ORDER_LONGEST) {
        return shmrpc_ctx_fail(ctx, SHMRPC_E_INVALID, "unknown order %u",
                               (unsigned)query->order);
    }
    sqlite3_stmt *const find = taken->statements[query->order];
    int status = SHMRPC_OK;
    int code;
    bind_query(find, query);
    sqlite3_bind_int64(find, 4, query->limit);
    sqlite3_bind_int64(find, 5, query->offset);
    while (status == SHMRPC_OK && (code = sqlite3_step(find)) != SQLITE_DONE) {
        status = code == SQLITE_ROW
                     ? fill_hit(ctx, taken, query, find, &hits[*count])
                     : query_failure(ctx, taken, code);
        *count += status == SHMRPC_OK ? 1 : 0;
    }
    store_reset(find);
    return status;
}

static int find(shmrpc_ctx *ctx, void *user, const search_query *query,
                search_hits *ret)
{
    service *const s = user;
    size_t count = 0;
    /* search.svc bounds the limit, so this can't overflow. */
    search_hit *const hits = shmrpc_ctx_alloc(ctx, query->limit * sizeof *hits,
                                              _Alignof(search_hit));
    if (hits == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    atomic_fetch_add_explicit(&s->searches, 1, memory_order_relaxed);
    session *const taken = begin(s, ctx);
    int status = count_hits(ctx, taken, query, &ret->total);
    if (status == SHMRPC_OK) {
        status = collect(ctx, taken, query, hits, &count);
    }
    end(s, taken);
    ret->hits.ptr = hits;
    ret->hits.len = count;
    return status;
}

/* ---- fetch, stats -------------------------------------------------------- */

static int fetch(shmrpc_ctx *ctx, void *user, uint64_t id, search_document *ret)
{
    service *const s = user;
    session *const taken = begin(s, ctx);
    sqlite3_stmt *const row = taken->statements[STORE_FETCH];
    int status = SHMRPC_OK;
    sqlite3_bind_int64(row, 1, (sqlite3_int64)id);
    const int code = sqlite3_step(row);
    if (code == SQLITE_DONE) {
        status = shmrpc_ctx_fail(ctx, SEARCH_ERR_NO_DOCUMENT,
                                 "there is no document %llu",
                                 (unsigned long long)id);
    } else if (code != SQLITE_ROW) {
        status = failure(ctx, code);
    } else if (!copy_text(ctx, row, 0, &ret->title) ||
               !copy_text(ctx, row, 1, &ret->path) ||
               !copy_text(ctx, row, 3, &ret->text)) {
        status = SHMRPC_E_NO_MEMORY;
    } else {
        ret->id = id;
        ret->format = (search_format)sqlite3_column_int(row, 2);
    }
    store_reset(row);
    end(s, taken);
    return status;
}

static int stats(shmrpc_ctx *ctx, void *user, search_stats *ret)
{
    service *const s = user;
    session *const taken = begin(s, ctx);
    sqlite3_stmt *const row = taken->statements[STORE_STATS];
    int status = SHMRPC_OK;
    const int code = sqlite3_step(row);
    if (code == SQLITE_ROW) {
        ret->documents = (uint64_t)sqlite3_column_int64(row, 0);
        ret->bytes = (uint64_t)sqlite3_column_int64(row, 1);
        ret->searches =
            atomic_load_explicit(&s->searches, memory_order_relaxed);
    } else {
        status = failure(ctx, code);
    }
    store_reset(row);
    end(s, taken);
    return status;
}

/* ---- index --------------------------------------------------------------- */

static bool stopped(void *user)
{
    return shmrpc_ctx_cancelled((const shmrpc_ctx *)user);
}

static double now_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Whether `path` is one of our folders or lies in one of them. */
static bool is_ours(const service *s, const char *path)
{
    for (size_t i = 0; i < s->folder_count; i++) {
        const size_t n = strlen(s->folders[i]);
        if (strncmp(path, s->folders[i], n) == 0 &&
            (path[n] == '\0' || path[n] == '/')) {
            return true;
        }
    }
    return false;
}

static int index_one(shmrpc_ctx *ctx, service *s, const char *folder,
                     search_indexed *ret)
{
    indexed counts = {0};
    session *const taken = begin(s, ctx);
    const int code = index_folder(taken, folder, stopped, ctx, &counts);
    end(s, taken);
    ret->documents += counts.documents;
    ret->skipped += counts.skipped;
    return code == SQLITE_OK ? SHMRPC_OK : failure(ctx, code);
}

/* Indexes only our folders: otherwise a client could make us read any file that
 * we have access to. */
static int index_asked(shmrpc_ctx *ctx, service *s, const char *asked,
                       search_indexed *ret)
{
    char *const folder = realpath(asked, NULL);
    const int status =
        folder != NULL && is_ours(s, folder)
            ? index_one(ctx, s, folder, ret)
            : shmrpc_ctx_fail(ctx, SEARCH_ERR_NOT_ALLOWED,
                              "%s is not in the folders of this server", asked);
    free(folder);
    return status;
}

static int index_all(shmrpc_ctx *ctx, service *s, search_indexed *ret)
{
    int status = SHMRPC_OK;
    for (size_t i = 0; status == SHMRPC_OK && i < s->folder_count; i++) {
        status = index_one(ctx, s, s->folders[i], ret);
    }
    return status;
}

static int index_again(shmrpc_ctx *ctx, void *user, const shmrpc_str *folder,
                       search_indexed *ret)
{
    service *const s = user;
    const double start = now_seconds();
    memset(ret, 0, sizeof *ret);
    pthread_mutex_lock(&s->indexing);
    const int status = folder != NULL ? index_asked(ctx, s, folder->ptr, ret)
                                      : index_all(ctx, s, ret);
    pthread_mutex_unlock(&s->indexing);
    ret->seconds = now_seconds() - start;
    return status;
}

search_search_impl service_impl(void)
{
    search_search_impl impl = SEARCH_SEARCH_IMPL_INIT;
    impl.find = find;
    impl.fetch = fetch;
    impl.index = index_again;
    impl.stats = stats;
    return impl;
}

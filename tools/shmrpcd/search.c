/*
 * Searches a log on disk, from its end.
 *
 * Files are read in pieces rather than mapped, because truncating a mapped file
 * would kill the manager by SIGBUS.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager_server.h" /* generated */
#include "tools/shmrpcd/handlers.h"
#include "tools/shmrpcd/record.h"

/* Size of a piece, which is longer than any record. */
#define PIECE_BYTES ((size_t)1 << 20)

typedef struct search {
    shmrpc_ctx *ctx;
    shmrpci_buf part; /* the text as a record has it; empty: any text */
    mgr_level least;
    int32_t pid;
    int64_t from_ms;
    int64_t until_ms;
    char *piece;
    char text[MGR_LINE_BYTES];
    manager_record *lines; /* lines found, newest first */
    uint32_t limit;
    uint32_t count;
    bool is_before; /* lines older than wanted were reached */
} search;

/* Where a service's log is. This is a copy, since the unit may be removed. */
typedef struct place {
    char folder[4096];
    char name[80];
    uint32_t keep;
} place;

/* ---- a piece --------------------------------------------------------- */

/* Checks all fields except the text, which is searched within the record. */
static bool is_wanted(const search *s, const mgr_record *record)
{
    return record->line.level >= s->least &&
           (s->pid == 0 || record->pid == s->pid) &&
           record->line.unix_ms >= s->from_ms &&
           (s->until_ms == 0 || record->line.unix_ms < s->until_ms);
}

/* Reads a record of the piece. Returns false if it is malformed or not
 * wanted. */
static bool read_record(search *s, const char *at, const char *end,
                        mgr_record *out)
{
    return mgr_record_read(at, (size_t)(end - at), s->text, out) &&
           is_wanted(s, out);
}

/* Whether the match is in the line's text rather than in the fields before
 * it. */
static bool is_in_text(const search *s, const mgr_record *record)
{
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    mgr_record_append_text(&text, record->line.text, record->line.len);
    bool is_there =
        text.status == SHMRPC_OK &&
        memmem(text.data, text.len, s->part.data, s->part.len) != NULL;
    shmrpci_buf_fini(&text);
    return is_there;
}

/* Finds the beginning of the line that contains `at`. */
static const char *line_begin(const char *from, const char *at)
{
    while (at > from && at[-1] != '\n') {
        at--;
    }
    return at;
}

/* Copies the record's text, because s->text is overwritten by the next
 * record. */
static void add(search *s, const mgr_record *record)
{
    const mgr_line *line = &record->line;
    s->lines[s->count++] = (manager_record){
        .unix_ms = line->unix_ms,
        .level = (manager_level)line->level,
        .origin = (manager_origin)line->origin,
        .pid = record->pid,
        .text = mgr_answer_text_of(s->ctx, line->text, line->len),
        .truncated = line->truncated,
        .thread = line->thread,
        .call = line->call};
}

/* Adds the newest wanted lines between `from` and `end`, newest first. It
 * searches forwards, because memmem does, and remembers where the last `room`
 * of them begin; these are then read again, backwards. A text is searched for
 * in its escaped form, so that only lines that contain it are parsed. */
static void search_lines(search *s, const char *from, const char *end)
{
    uint32_t begins[MANAGER_MAX_LINES]; /* beginnings of the last matches, as a
                                         * ring */
    uint32_t room = s->limit - s->count;
    uint64_t found = 0;
    mgr_record record;
    for (const char *at = from; at < end;) {
        if (s->part.len > 0) {
            at = memmem(at, (size_t)(end - at), s->part.data, s->part.len);
            if (at == NULL) {
                break;
            }
        }
        const char *begin = line_begin(from, at);
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop != NULL ? stop : end;
        if (read_record(s, begin, stop, &record) &&
            (s->part.len == 0 || is_in_text(s, &record))) {
            begins[found++ % room] = (uint32_t)(begin - s->piece);
        }
        at = stop + 1;
    }
    for (uint64_t i = found; i > 0 && i + room > found; i--) {
        const char *begin = s->piece + begins[(i - 1) % room];
        const char *stop = memchr(begin, '\n', (size_t)(end - begin));
        if (read_record(s, begin, stop != NULL ? stop : end, &record)) {
            add(s, &record);
        }
    }
}

/* Lines are ordered by time. If the first one of this piece is too old, so are
 * all before it. */
static void look_at_first(search *s, const char *from, const char *end)
{
    mgr_record record;
    const char *stop = memchr(from, '\n', (size_t)(end - from));
    s->is_before =
        stop != NULL &&
        mgr_record_read(from, (size_t)(stop - from), s->text, &record) &&
        record.line.unix_ms < s->from_ms;
}

/* ---- files ----------------------------------------------------------- */

/* Whether the search ends. It is asked before each piece, so that at most one
 * piece (1 MiB) is read after the caller has gone. */
static bool is_over(const search *s)
{
    return s->count == s->limit || s->is_before || shmrpc_ctx_cancelled(s->ctx);
}

/* Goes backwards from the end, one piece at a time. Lines that are appended
 * meanwhile are not seen. */
static void search_file(search *s, const tool_log_look *look)
{
    uint64_t end = look->bytes;
    while (end > 0 && !is_over(s)) {
        uint64_t begin = end > PIECE_BYTES ? end - PIECE_BYTES : 0;
        size_t len =
            tool_log_look_read(look, begin, s->piece, (size_t)(end - begin));
        const char *stop = s->piece + len;
        const char *first = s->piece;
        if (begin > 0) {
            /* The piece may begin inside a line, so skip to the next one.
             * Records are so short that every piece contains the end of a
             * line. */
            const char *newline = memchr(s->piece, '\n', len);
            first = newline != NULL ? newline + 1 : stop;
        }
        search_lines(s, first, stop);
        look_at_first(s, first, stop);
        end = first < stop ? begin + (uint64_t)(first - s->piece) : begin;
    }
}

/* Goes from the newest file to the oldest. A rotation meanwhile renumbers the
 * files, so the file that was just searched is recognised by its inode, and one
 * number more than `keep` is tried. */
static void search_files(search *s, const place *where)
{
    uint64_t last = 0;
    for (uint32_t number = 0; number <= where->keep + 1 && !is_over(s);
         number++) {
        tool_log_look look;
        if (tool_log_look_open(where->folder, where->name, number, &look) !=
            SHMRPC_OK) {
            continue;
        }
        if (number == 0 || look.id != last) {
            search_file(s, &look);
        }
        last = look.id;
        tool_log_look_close(&look);
    }
}

/* Finds a service's log, after writing all pending lines to disk. */
static int find_place(shmrpc_ctx *ctx, mgr_manager *m, shmrpc_str name,
                      place *out)
{
    int result = SHMRPC_OK;
    shmrpci_mutex_lock(&m->lock);
    mgr_unit *unit = mgr_find_called(m, name.ptr, name.len);
    if (unit == NULL) {
        result = mgr_answer_no_service(ctx, m, name);
    } else if (unit->plan->log_dir == NULL) {
        result = shmrpc_ctx_fail(ctx, MANAGER_ERR_NO_LOG, "`%s` has no log_dir",
                                 unit->plan->name);
    } else {
        mgr_unit_write_log(unit);
        (void)snprintf(out->folder, sizeof out->folder, "%s",
                       unit->plan->log_dir);
        (void)snprintf(out->name, sizeof out->name, "%s.log", unit->plan->name);
        out->keep = unit->plan->log_limits.keep;
    }
    shmrpci_mutex_unlock(&m->lock);
    return result;
}

/* Holds no lock, because the disk may be slow, and the manager must go on. */
static int run_search(search *s, const place *where, manager_found *ret)
{
    s->lines = shmrpc_ctx_alloc(s->ctx, s->limit * sizeof *s->lines,
                                _Alignof(manager_record));
    s->piece = malloc(PIECE_BYTES);
    if (s->lines == NULL || s->piece == NULL || s->part.status != SHMRPC_OK) {
        return SHMRPC_E_NO_MEMORY;
    }
    search_files(s, where);
    *ret = (manager_found){.lines = {s->lines, s->count},
                           .more = s->count == s->limit};
    return shmrpc_ctx_cancelled(s->ctx) ? SHMRPC_E_CANCELLED : SHMRPC_OK;
}

/* The state is on the heap, because its text is too large for the stack. */
static int search_log(shmrpc_ctx *ctx, void *user, shmrpc_str name,
                      shmrpc_str contains, manager_level least, int32_t pid,
                      int64_t from_unix_ms, int64_t until_unix_ms,
                      uint32_t limit, manager_found *ret)
{
    mgr_manager *m = ((const mgr_control *)user)->m;
    place where;
    int result = find_place(ctx, m, name, &where);
    search *s = result == SHMRPC_OK ? calloc(1, sizeof *s) : NULL;
    if (s == NULL) {
        return result != SHMRPC_OK ? result : SHMRPC_E_NO_MEMORY;
    }
    s->ctx = ctx;
    s->least = (mgr_level)least;
    s->pid = pid;
    s->from_ms = from_unix_ms;
    s->until_ms = until_unix_ms;
    s->limit = limit;
    shmrpci_buf_init_heap(&s->part);
    mgr_record_append_text(&s->part, contains.ptr, contains.len);
    result = run_search(s, &where, ret);
    shmrpci_buf_fini(&s->part);
    free(s->piece);
    free(s);
    return result;
}

/* Separate from the other query handlers, since it reads files. */
void mgr_search_fill(struct manager_control_impl *impl)
{
    impl->search = search_log;
}

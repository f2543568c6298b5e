/* Open documents: their edits and their analyses. */
#include "generator/lsp/workspace.h"

#include <stdlib.h>
#include <string.h>

#include "generator/judge.h"
#include "generator/output.h"
#include "idl/lint.h"

void lsp_workspace_init(lsp_workspace *ws)
{
    *ws = (lsp_workspace){.encoding = LSP_UTF16};
    shmrpci_arena_init(&ws->arena, 0);
}

void lsp_workspace_fini(lsp_workspace *ws)
{
    while (ws->first != NULL) {
        lsp_close(ws, ws->first);
    }
    shmrpci_arena_fini(&ws->arena);
}

void lsp_workspace_import_dir(lsp_workspace *ws, const char *dir)
{
    const char *copy = shmrpci_arena_strndup(&ws->arena, dir, strlen(dir));
    if (copy != NULL && ws->import_dir_count < LSP_MAX_IMPORT_DIRS) {
        ws->import_dirs[ws->import_dir_count++] = copy;
    }
}

lsp_document *lsp_find_path(const lsp_workspace *ws, const char *path)
{
    lsp_document *at = ws->first;
    while (at != NULL && strcmp(at->path, path) != 0) {
        at = at->next;
    }
    return at;
}

lsp_document *lsp_find(const lsp_workspace *ws, shmrpci_arena *scratch,
                       const char *uri)
{
    const char *path = lsp_path_of_uri(scratch, uri);
    return path != NULL ? lsp_find_path(ws, path) : NULL;
}

/* ---- outdated analyses ---- */

static void drop_analysis(lsp_workspace *ws, lsp_document *document)
{
    if (document->analysis != NULL) {
        shmrpci_arena_fini(&document->analysis->arena);
        free(document->analysis);
        document->analysis = NULL;
        ws->analysis_count--;
    }
}

static void forget(lsp_workspace *ws, lsp_document *document)
{
    drop_analysis(ws, document);
    document->unpublished = true;
}

void lsp_forget_all(lsp_workspace *ws)
{
    for (lsp_document *at = ws->first; at != NULL; at = at->next) {
        forget(ws, at);
    }
}

/* Whether a change of `path` can affect the document: because the document
 * imports it, or because an import was not found. If the document has no
 * analysis, any file may affect it. */
static bool depends_on(const lsp_document *document, const char *path)
{
    if (document->analysis == NULL) {
        return true;
    }
    const idl_units *units = &document->analysis->found.units;
    for (size_t i = 0; i < units->count; i++) {
        if (units->items[i]->import_failed ||
            strcmp(units->items[i]->source->path, path) == 0) {
            return true;
        }
    }
    return units->count == 0;
}

static void forget_dependents(lsp_workspace *ws, const char *path)
{
    for (lsp_document *at = ws->first; at != NULL; at = at->next) {
        if (depends_on(at, path)) {
            forget(ws, at);
        }
    }
}

/* ---- opening and closing ---- */

static void set_version(lsp_document *document, const gen_value *version)
{
    document->version = NULL;
    if (version != NULL && version->kind == GEN_KIND_NUMBER &&
        version->len < sizeof document->version_text) {
        memcpy(document->version_text, version->text, version->len + 1);
        document->version = document->version_text;
    }
}

/* Limits the total size of all documents. A single document may exceed the
 * limit of a file: the passes of the language then report that it is too
 * large. */
static bool has_room(const lsp_workspace *ws, size_t more)
{
    return more <= LSP_MAX_TOTAL_BYTES &&
           ws->total_bytes <= LSP_MAX_TOTAL_BYTES - more;
}

static lsp_document *new_document(const char *uri, const char *path)
{
    lsp_document *document = calloc(1, sizeof *document);
    char *uri_copy = malloc(strlen(uri) + 1);
    char *path_copy = malloc(strlen(path) + 1);
    if (document == NULL || uri_copy == NULL || path_copy == NULL) {
        free(document);
        free(uri_copy);
        free(path_copy);
        return NULL;
    }
    document->uri = strcpy(uri_copy, uri);
    document->path = strcpy(path_copy, path);
    shmrpci_buf_init_heap(&document->text);
    return document;
}

static shmrpc_status add_document(lsp_workspace *ws, const char *uri,
                                  lsp_document **out)
{
    shmrpci_arena scratch;
    shmrpci_arena_init(&scratch, 0);
    const char *path = lsp_path_of_uri(&scratch, uri);
    shmrpc_status status = path != NULL ? SHMRPC_OK : SHMRPC_E_NO_MEMORY;
    *out = path != NULL ? lsp_find_path(ws, path) : NULL;
    if (path != NULL && *out == NULL && ws->count == LSP_MAX_DOCUMENTS) {
        status = SHMRPC_E_TOO_LARGE;
    } else if (path != NULL && *out == NULL) {
        *out = new_document(uri, path);
        status = *out != NULL ? SHMRPC_OK : SHMRPC_E_NO_MEMORY;
        if (*out != NULL) {
            (*out)->next = ws->first;
            ws->first = *out;
            ws->count++;
        }
    }
    shmrpci_arena_fini(&scratch);
    return status;
}

/* Replaces bytes [begin, end) of the document. */
static shmrpc_status splice(lsp_workspace *ws, lsp_document *document,
                            size_t begin, size_t end, const char *text,
                            size_t len)
{
    shmrpci_buf *buf = &document->text;
    size_t tail = buf->len - end;
    if (!has_room(ws, len)) {
        return SHMRPC_E_TOO_LARGE;
    }
    if (len > end - begin &&
        shmrpci_buf_extend(buf, len - (end - begin)) == NULL) {
        return buf->status;
    }
    if (tail > 0) {
        memmove(buf->data + begin + len, buf->data + end, tail);
    }
    if (len > 0) {
        memcpy(buf->data + begin, text, len);
    }
    buf->len = begin + len + tail;
    ws->total_bytes = ws->total_bytes - (end - begin) + len;
    return SHMRPC_OK;
}

shmrpc_status lsp_open(lsp_workspace *ws, const char *uri,
                       const gen_value *text, const gen_value *version)
{
    lsp_document *document = NULL;
    if (!has_room(ws, text->len)) {
        return SHMRPC_E_TOO_LARGE;
    }
    shmrpc_status status = add_document(ws, uri, &document);
    if (status != SHMRPC_OK) {
        return status;
    }
    set_version(document, version);
    status = splice(ws, document, 0, document->text.len, text->text, text->len);
    document->unpublished = true;
    forget_dependents(ws, document->path);
    return status;
}

void lsp_close(lsp_workspace *ws, lsp_document *document)
{
    lsp_document **at = &ws->first;
    while (*at != document) {
        at = &(*at)->next;
    }
    *at = document->next;
    ws->count--;
    ws->total_bytes -= document->text.len;
    forget_dependents(ws, document->path);
    drop_analysis(ws, document);
    shmrpci_buf_fini(&document->text);
    free(document->uri);
    free(document->path);
    free(document);
}

/* ---- editing ---- */

static shmrpc_status apply_range(lsp_workspace *ws, lsp_document *document,
                                 const gen_value *change, const gen_value *text)
{
    lsp_position start;
    lsp_position end;
    if (!lsp_get_position(change, "range.start", &start) ||
        !lsp_get_position(change, "range.end", &end)) {
        return SHMRPC_E_INVALID;
    }
    shmrpci_arena scratch;
    shmrpci_arena_init(&scratch, 0);
    lsp_lines lines;
    shmrpc_status status = SHMRPC_E_NO_MEMORY;
    if (lsp_lines_init(&lines, &scratch, (const char *)document->text.data,
                       document->text.len)) {
        size_t from = lsp_offset_at(&lines, start, ws->encoding);
        size_t to = lsp_offset_at(&lines, end, ws->encoding);
        status = to < from
                     ? SHMRPC_E_INVALID
                     : splice(ws, document, from, to, text->text, text->len);
    }
    shmrpci_arena_fini(&scratch);
    return status;
}

static shmrpc_status apply(lsp_workspace *ws, lsp_document *document,
                           const gen_value *change)
{
    const gen_value *text = lsp_get(change, "text");
    if (text == NULL || text->kind != GEN_KIND_STRING) {
        return SHMRPC_E_INVALID;
    }
    return lsp_get(change, "range") != NULL
               ? apply_range(ws, document, change, text)
               : splice(ws, document, 0, document->text.len, text->text,
                        text->len);
}

shmrpc_status lsp_change(lsp_workspace *ws, lsp_document *document,
                         const gen_value *changes, const gen_value *version)
{
    if (changes == NULL || changes->kind != GEN_KIND_ARRAY) {
        return SHMRPC_E_INVALID;
    }
    if (changes->len > LSP_MAX_CHANGES) {
        return SHMRPC_E_TOO_LARGE;
    }
    shmrpc_status status = SHMRPC_OK;
    for (const gen_value *at = gen_first(changes);
         at != NULL && status == SHMRPC_OK; at = gen_next(changes, at)) {
        status = apply(ws, document, at);
    }
    set_version(document, version);
    forget_dependents(ws, document->path);
    return status;
}

/* ---- analysing ---- */

/* Reads regular files only: an import can name anything, and reading a pipe or
 * a terminal might never end. */
static shmrpc_status read_file(shmrpci_arena *arena, const char *path,
                               const idl_source **out, size_t *bad_offset,
                               void *user)
{
    const lsp_workspace *ws = user;
    const lsp_document *open = lsp_find_path(ws, path);
    if (open != NULL) {
        const char *text = (const char *)open->text.data;
        return idl_source_from_text(arena, path, text != NULL ? text : "",
                                    open->text.len, out, bad_offset);
    }
    if (ws->no_disk || !gen_output_is_file(path)) {
        return SHMRPC_E_NOT_FOUND;
    }
    return idl_source_read(arena, path, out, bad_offset);
}

static void drop_oldest(lsp_workspace *ws)
{
    lsp_document *oldest = NULL;
    for (lsp_document *at = ws->first; at != NULL; at = at->next) {
        if (at->analysis != NULL &&
            (oldest == NULL || at->analysis->used < oldest->analysis->used)) {
            oldest = at;
        }
    }
    if (oldest != NULL) {
        drop_analysis(ws, oldest);
    }
}

static void explore(lsp_workspace *ws, const lsp_document *document,
                    lsp_analysis *analysis)
{
    idl_options options = {.import_dirs = ws->import_dirs,
                           .import_dir_count = ws->import_dir_count,
                           .read = read_file,
                           .user = ws};
    shmrpci_arena_init(&analysis->arena, LSP_MAX_TREE_BYTES);
    idl_diags_init(&analysis->diags);
    shmrpc_status status =
        idl_explore(&options, document->path, &analysis->arena,
                    &analysis->diags, &analysis->found);
    if (status == SHMRPC_OK && analysis->found.complete) {
        status = idl_lint(analysis->found.resolved.schema, NULL,
                          &analysis->arena, &analysis->diags);
    }
    if (status == SHMRPC_OK && analysis->found.complete) {
        status = gen_judge_names(&options, analysis->found.resolved.schema,
                                 &analysis->arena, &analysis->diags);
        status = status == SHMRPC_E_INVALID ? SHMRPC_OK : status;
    }
    if (status != SHMRPC_OK) {
        analysis->found = (idl_exploration){.source = NULL};
    }
}

const lsp_analysis *lsp_analyse(lsp_workspace *ws, lsp_document *document)
{
    if (document->analysis == NULL) {
        lsp_analysis *analysis = calloc(1, sizeof *analysis);
        if (analysis == NULL) {
            return NULL;
        }
        if (ws->analysis_count == LSP_MAX_ANALYSES) {
            drop_oldest(ws);
        }
        explore(ws, document, analysis);
        document->analysis = analysis;
        ws->analysis_count++;
    }
    document->analysis->used = ++ws->clock;
    return document->analysis;
}

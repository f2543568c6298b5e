/* Reads files, searches for imports, and detects import cycles. */
#include "idl/load.h"

#include <string.h>

#include "idl/limits.h"

typedef struct loader {
    const idl_options *options;
    idl_diags *diags;
    idl_map by_path; /* path to idl_unit */
    idl_unit *stack[IDL_MAX_FILES];
    size_t stack_count;
    idl_units units;
} loader;

/* ---- paths ---- */

/* `dir`/`path` with its "." and ".." parts resolved where possible, so that one
 * file has one path. */
static const char *join_path(idl_memory *memory, const char *dir,
                             size_t dir_len, const char *path)
{
    bool is_plain = dir_len == 0 || path[0] == '/';
    const char *whole =
        is_plain ? path
                 : idl_printf(memory, "%.*s/%s", (int)dir_len, dir, path);
    char *out = idl_strndup(memory, whole, strlen(whole));
    size_t len = whole[0] == '/';
    size_t floor = len; /* ".." removes nothing before it */
    for (const char *at = whole + len; *at != '\0';) {
        size_t part = strcspn(at, "/");
        bool is_up = part == 2 && memcmp(at, "..", 2) == 0;
        if (is_up && len > floor) {
            while (len > floor && out[len - 1] != '/') {
                len--;
            }
            len -= len > floor; /* the slash */
        } else if (part > 0 && !(part == 1 && at[0] == '.')) {
            if (len > 0 && out[len - 1] != '/') {
                out[len++] = '/';
            }
            memmove(out + len, at, part);
            len += part;
            floor = is_up ? len : floor;
        }
        at += part;
        at += *at == '/';
    }
    out[len] = '\0';
    return out;
}

static size_t dir_len(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return 0;
    }
    return slash == path ? 1 : (size_t)(slash - path);
}

/* ---- one file ---- */

static shmrpc_status read_source(const idl_options *options,
                                 shmrpci_arena *arena, const char *path,
                                 const idl_source **out, size_t *bad_offset)
{
    if (options->read != NULL) {
        return options->read(arena, path, out, bad_offset, options->user);
    }
    return idl_source_read(arena, path, out, bad_offset);
}

const idl_source *idl_load_source(const idl_options *options, const char *path,
                                  idl_span span, idl_diags *diags,
                                  shmrpc_status *status)
{
    const idl_source *source = NULL;
    size_t bad_offset = 0;
    *status =
        read_source(options, diags->memory->arena, path, &source, &bad_offset);
    switch (*status) {
    case SHMRPC_OK:
        return source;
    case SHMRPC_E_NO_MEMORY:
        longjmp(diags->memory->exhausted, 1);
    case SHMRPC_E_INVALID:
        (void)idl_report(diags, IDL_S_FILE_NOT_TEXT, span,
                         "%s is not UTF-8 text (byte %zu)", path, bad_offset);
        return NULL;
    case SHMRPC_E_TOO_LARGE:
        (void)idl_report(diags, IDL_S_FILE_TOO_LARGE, span,
                         "%s is larger than %u bytes", path,
                         IDL_MAX_FILE_BYTES);
        return NULL;
    default:
        *status = SHMRPC_E_NOT_FOUND;
        return NULL;
    }
}

const idl_source *idl_load_memory(const char *path, const char *text,
                                  size_t len, idl_diags *diags)
{
    const idl_source *source = NULL;
    size_t bad_offset = 0;
    shmrpc_status status = idl_source_from_text(
        diags->memory->arena, path, text, len, &source, &bad_offset);
    if (status == SHMRPC_E_NO_MEMORY) {
        longjmp(diags->memory->exhausted, 1);
    } else if (status == SHMRPC_E_TOO_LARGE) {
        (void)idl_report(diags, IDL_S_FILE_TOO_LARGE,
                         (idl_span){.source = NULL}, "%s is too large", path);
    } else if (status != SHMRPC_OK) {
        (void)idl_report(diags, IDL_S_FILE_NOT_TEXT, (idl_span){.source = NULL},
                         "%s is not UTF-8 text (byte %zu)", path, bad_offset);
    }
    return source;
}

/* ---- imports ---- */

static idl_unit *load_unit(loader *l, const char *path,
                           const idl_source *source, bool imported);

static void report_cycle(loader *l, const idl_unit *unit, idl_span span)
{
    idl_diag *diag =
        idl_report(l->diags, IDL_S_IMPORT_CYCLE, span,
                   "the import of %s makes a cycle", unit->source->path);
    size_t i = l->stack_count;
    while (i > 0 && l->stack[i - 1] != unit) {
        i--;
    }
    for (; i < l->stack_count; i++) {
        idl_add_note(l->diags, diag, (idl_span){.source = NULL},
                     "%s imports %s", l->stack[i - 1]->source->path,
                     l->stack[i]->source->path);
    }
}

static void report_not_found(loader *l, const idl_unit *unit,
                             const ast_value *value, const char *path)
{
    idl_diag *diag = idl_report(l->diags, IDL_S_FILE_NOT_FOUND, value->span,
                                "can't find the import \"%s\"", path);
    size_t len = dir_len(unit->source->path);
    idl_add_note(l->diags, diag, (idl_span){.source = NULL},
                 "not in the folder of this file, %.*s", len > 0 ? (int)len : 1,
                 len > 0 ? unit->source->path : ".");
    for (size_t i = 0; i < l->options->import_dir_count; i++) {
        idl_add_note(l->diags, diag, (idl_span){.source = NULL}, "not in %s",
                     l->options->import_dirs[i]);
    }
}

/* Loads the import from one path; `*out` is NULL if it has errors. Returns
 * false if there is no such file. */
static bool try_place(loader *l, const char *path, idl_span span,
                      idl_unit **out)
{
    *out = idl_map_get(&l->by_path, path);
    if (*out != NULL) {
        return true;
    }
    shmrpc_status status;
    const idl_source *source =
        idl_load_source(l->options, path, span, l->diags, &status);
    if (source != NULL) {
        *out = load_unit(l, path, source, true);
    }
    return status != SHMRPC_E_NOT_FOUND;
}

static idl_unit *find_import(loader *l, const idl_unit *unit,
                             const ast_value *value)
{
    idl_memory *memory = l->diags->memory;
    const char *name = value->u.text.ptr;
    const char *from = unit->source->path;
    idl_unit *found = NULL;
    if (name[0] != '\0' &&
        try_place(l, join_path(memory, from, dir_len(from), name), value->span,
                  &found)) {
        return found;
    }
    for (size_t i = 0; name[0] != '\0' && i < l->options->import_dir_count;
         i++) {
        const char *dir = l->options->import_dirs[i];
        if (try_place(l, join_path(memory, dir, strlen(dir), name), value->span,
                      &found)) {
            return found;
        }
    }
    report_not_found(l, unit, value, name);
    return NULL;
}

static bool is_imported_already(loader *l, const idl_unit *unit,
                                const idl_unit *found, const ast_value *value)
{
    for (size_t i = 0; i < unit->use_count; i++) {
        if (unit->uses[i].unit == found) {
            idl_diag *diag =
                idl_report(l->diags, IDL_S_IMPORT_TWICE, value->span,
                           "%s is imported twice", found->source->path);
            idl_add_note(l->diags, diag, unit->uses[i].decl->value->span,
                         "first imported here");
            return true;
        }
    }
    return false;
}

static void load_imports(loader *l, idl_unit *unit)
{
    unit->uses =
        IDL_NEW_ARRAY(l->diags->memory, unit->ast->decls.count + 1, idl_use);
    AST_EACH(ast_decl, decl, unit->ast->decls)
    {
        if (decl->kind != AST_IMPORT) {
            continue;
        }
        idl_unit *found = find_import(l, unit, decl->value);
        unit->import_failed |= found == NULL || found->loading;
        if (found == NULL) {
            continue;
        }
        if (found->loading) {
            report_cycle(l, found, decl->value->span);
        } else if (!is_imported_already(l, unit, found, decl->value)) {
            unit->uses[unit->use_count++] =
                (idl_use){.decl = decl, .unit = found};
        }
    }
}

static idl_unit *load_unit(loader *l, const char *path,
                           const idl_source *source, bool imported)
{
    if (l->by_path.count == IDL_MAX_FILES) {
        (void)idl_report(l->diags, IDL_S_TOO_MANY_FILES,
                         (idl_span){.source = source},
                         "more than %d files are imported", IDL_MAX_FILES);
        return NULL;
    }
    idl_unit *unit = IDL_NEW(l->diags->memory, idl_unit);
    unit->source = source;
    unit->imported = imported;
    unit->loading = true;
    (void)idl_map_put(&l->by_path, l->diags->memory, path, unit);
    unit->ast = idl_parse(source, l->diags);
    l->stack[l->stack_count++] = unit;
    load_imports(l, unit);
    l->stack_count--;
    unit->loading = false;
    l->units.items[l->units.count++] = unit;
    return unit;
}

idl_units idl_load_units(const idl_options *options,
                         const idl_source *main_source, idl_diags *diags)
{
    loader *l = IDL_NEW(diags->memory, loader);
    l->options = options;
    l->diags = diags;
    l->units.items = IDL_NEW_ARRAY(diags->memory, IDL_MAX_FILES, idl_unit *);
    const char *path = join_path(diags->memory, "", 0, main_source->path);
    (void)load_unit(l, path, main_source, false);
    return l->units;
}

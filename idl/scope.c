/* Looks up names, and reports those that are not found. */
#include "idl/scope.h"

#include <string.h>

#include "base/nearest.h"

idl_scope *idl_scope_of(idl_scopes *scopes, const char *name)
{
    idl_scope *scope = idl_map_get(&scopes->by_name, name);
    if (scope == NULL) {
        scope = IDL_NEW(scopes->memory, idl_scope);
        scope->package.name = name;
        (void)idl_map_put(&scopes->by_name, scopes->memory, name, scope);
        scopes->items[scopes->count++] = scope;
    }
    return scope;
}

/* The symbol's kind with an article: "a constant"; static. */
static const char *sort_of(idl_symbol_kind kind)
{
    switch (kind) {
    case IDL_SYMBOL_CONST:
        return "a constant";
    case IDL_SYMBOL_ALIAS:
        return "a type";
    case IDL_SYMBOL_ENUM:
        return "an enum";
    case IDL_SYMBOL_STRUCT:
        return "a struct";
    case IDL_SYMBOL_UNION:
        return "a union";
    case IDL_SYMBOL_ERROR:
        return "an error";
    case IDL_SYMBOL_SERVICE:
        return "a service";
    case IDL_SYMBOL_SHARED:
        return "a shared object";
    }
    return "";
}

static const char *want_text(idl_want want)
{
    switch (want) {
    case IDL_WANT_TYPE:
        return "type";
    case IDL_WANT_VALUE:
        return "constant";
    case IDL_WANT_ERROR:
        return "error";
    }
    return "";
}

static bool is_wanted(idl_symbol_kind kind, idl_want want)
{
    switch (want) {
    case IDL_WANT_TYPE:
        return kind == IDL_SYMBOL_ALIAS || kind == IDL_SYMBOL_ENUM ||
               kind == IDL_SYMBOL_STRUCT || kind == IDL_SYMBOL_UNION;
    case IDL_WANT_VALUE:
        return kind == IDL_SYMBOL_CONST || kind == IDL_SYMBOL_ENUM;
    case IDL_WANT_ERROR:
        return kind == IDL_SYMBOL_ERROR;
    }
    return false;
}

static idl_use *use_of(idl_site site, const idl_unit *unit)
{
    for (size_t i = 0; i < site.unit->use_count; i++) {
        if (site.unit->uses[i].unit == unit) {
            return &site.unit->uses[i];
        }
    }
    return NULL;
}

static bool is_visible(idl_site site, const idl_symbol *symbol)
{
    return symbol->unit == site.unit || use_of(site, symbol->unit) != NULL;
}

/* Whether `tail` is `package` or consists of its last parts. */
static bool is_tail(const char *package, const char *tail, size_t tail_len)
{
    size_t len = strlen(package);
    return len >= tail_len &&
           memcmp(package + len - tail_len, tail, tail_len) == 0 &&
           (len == tail_len || package[len - tail_len - 1] == '.');
}

/* The result of a search. */
typedef struct search {
    idl_symbol *found;
    idl_symbol *second; /* another match: the name is ambiguous */
    idl_symbol *hidden; /* a match in a file that isn't imported */
} search;

static void meet(search *s, idl_site site, idl_symbol *symbol)
{
    if (symbol == NULL) {
        return;
    }
    if (!is_visible(site, symbol)) {
        s->hidden = s->hidden != NULL ? s->hidden : symbol;
    } else if (s->found == NULL) {
        s->found = symbol;
    } else {
        s->second = symbol;
    }
}

static search search_path(const idl_scopes *scopes, idl_site site,
                          const char *path)
{
    search s = {.found = NULL};
    const char *dot = strrchr(path, '.');
    if (dot == NULL) {
        meet(&s, site, idl_map_get(&site.scope->symbols, path));
        return s;
    }
    size_t len = (size_t)(dot - path);
    for (size_t i = 0; i < scopes->count; i++) {
        const idl_scope *scope = scopes->items[i];
        if (!is_tail(scope->package.name, path, len)) {
            continue;
        }
        idl_symbol *symbol = idl_map_get(&scope->symbols, dot + 1);
        if (symbol != NULL && strlen(scope->package.name) == len) {
            search exact = {.found = NULL}; /* a full name takes precedence */
            meet(&exact, site, symbol);
            return exact;
        }
        meet(&s, site, symbol);
    }
    return s;
}

static void mark_used(idl_site site, const idl_symbol *symbol)
{
    idl_use *use = use_of(site, symbol->unit);
    if (use != NULL) {
        use->used = true;
    }
}

idl_symbol *idl_find_quietly(idl_scopes *scopes, idl_site site,
                             const char *path)
{
    search s = search_path(scopes, site, path);
    if (s.found != NULL && s.second == NULL) {
        mark_used(site, s.found);
        return s.found;
    }
    return NULL;
}

/* ---- suggestions ---- */

/* Names that other languages give to types, each with our name of the type. */
static const char *const foreign[][2] = {
    {"int", "i32"},      {"int8", "i8"},      {"int16", "i16"},
    {"int32", "i32"},    {"int64", "i64"},    {"uint", "u32"},
    {"uint8", "u8"},     {"uint16", "u16"},   {"uint32", "u32"},
    {"uint64", "u64"},   {"int8_t", "i8"},    {"int16_t", "i16"},
    {"int32_t", "i32"},  {"int64_t", "i64"},  {"uint8_t", "u8"},
    {"uint16_t", "u16"}, {"uint32_t", "u32"}, {"uint64_t", "u64"},
    {"long", "i64"},     {"short", "i16"},    {"char", "u8"},
    {"byte", "u8"},      {"size_t", "u64"},   {"float", "f32"},
    {"float32", "f32"},  {"double", "f64"},   {"float64", "f64"},
    {"boolean", "bool"}, {"str", "string"},   {"text", "string"},
    {"blob", "bytes"},   {"binary", "bytes"}, {"object", "any"},
    {"value", "any"},    {"array", "list"},   {"vector", "list"},
};

static const char *const builtin[] = {
    "bool", "i8",  "i16", "i32",    "i64",   "u8",  "u16",  "u32",
    "u64",  "f32", "f64", "string", "bytes", "any", "list", "map"};

static const char *foreign_name(const char *name)
{
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        if (strcmp(foreign[i][0], name) == 0) {
            return foreign[i][1];
        }
    }
    return NULL;
}

/* The shortest way to write `symbol` at `site`. */
static const char *written(idl_memory *memory, idl_site site,
                           const idl_symbol *symbol)
{
    if (symbol->scope == site.scope) {
        return symbol->decl->name;
    }
    const char *package = symbol->scope->package.name;
    const char *dot = strrchr(package, '.');
    return idl_printf(memory, "%s.%s", dot != NULL ? dot + 1 : package,
                      symbol->decl->name);
}

static const char *nearest_symbol(const idl_scopes *scopes, idl_site site,
                                  const char *path, idl_want want)
{
    shmrpci_nearest nearest = {.wanted = path};
    if (want == IDL_WANT_TYPE) {
        const char *known = foreign_name(path);
        if (known != NULL) {
            return known;
        }
        nearest.best = shmrpci_nearest_of(path, builtin,
                                          sizeof builtin / sizeof builtin[0]);
        nearest.distance = nearest.best != NULL ? 2 : 0;
    }
    for (size_t i = 0; i < scopes->symbol_count; i++) {
        const idl_symbol *symbol = scopes->symbols[i];
        if (!is_wanted(symbol->kind, want) || !is_visible(site, symbol)) {
            continue;
        }
        if (strcmp(symbol->decl->name, path) == 0) { /* in another package */
            return written(scopes->memory, site, symbol);
        }
        shmrpci_nearest_offer(&nearest, written(scopes->memory, site, symbol));
    }
    return nearest.best;
}

/* ---- reports ---- */

static void report_unknown(idl_scopes *scopes, idl_site site, ast_name name,
                           idl_want want)
{
    if (idl_map_get(&site.unit->ast->lost, name.text) != NULL) {
        return; /* its declaration is in a part that could not be parsed */
    }
    const char *nearest = nearest_symbol(scopes, site, name.text, want);
    if (nearest == NULL && site.unit->import_failed) {
        return; /* the failed import may declare it */
    }
    idl_diag *diag = idl_report(scopes->diags, IDL_S_UNKNOWN_NAME, name.span,
                                "unknown %s `%s`", want_text(want), name.text);
    idl_suggest(scopes->diags, diag, nearest);
}

static void report_hidden(idl_scopes *scopes, ast_name name,
                          const idl_symbol *hidden)
{
    idl_diag *diag =
        idl_report(scopes->diags, IDL_S_NOT_IMPORTED, name.span,
                   "`%s` is declared in a file that isn't imported", name.text);
    idl_expected(scopes->diags, diag, "an import of \"%s\"",
                 hidden->unit->source->path);
    idl_add_note(scopes->diags, diag, hidden->decl->span, "declared here");
}

static void report_ambiguous(idl_scopes *scopes, ast_name name, const search *s)
{
    idl_diag *diag = idl_report(scopes->diags, IDL_S_AMBIGUOUS_NAME, name.span,
                                "`%s` can mean two things", name.text);
    idl_expected(scopes->diags, diag, "%s or %s", s->found->decl->full_name,
                 s->second->decl->full_name);
    idl_add_note(scopes->diags, diag, s->found->decl->span,
                 "one is declared here");
    idl_add_note(scopes->diags, diag, s->second->decl->span,
                 "the other is declared here");
}

static void report_sort(idl_scopes *scopes, ast_name name,
                        const idl_symbol *found, idl_want want)
{
    idl_diag *diag = idl_report(scopes->diags, IDL_S_WRONG_SORT, name.span,
                                "`%s` is %s", name.text, sort_of(found->kind));
    idl_expected(scopes->diags, diag, "%s %s",
                 want == IDL_WANT_ERROR ? "an" : "a", want_text(want));
    idl_add_note(scopes->diags, diag, found->decl->span, "declared here");
}

idl_symbol *idl_find(idl_scopes *scopes, idl_site site, ast_name name,
                     idl_want want)
{
    search s = search_path(scopes, site, name.text);
    if (s.found == NULL) {
        if (s.hidden != NULL && site.unit->import_failed) {
            return NULL; /* the failed import may declare it */
        }
        if (s.hidden != NULL) {
            report_hidden(scopes, name, s.hidden);
        } else {
            report_unknown(scopes, site, name, want);
        }
        return NULL;
    }
    mark_used(site, s.found);
    if (s.second != NULL) {
        mark_used(site, s.second);
        report_ambiguous(scopes, name, &s);
        return NULL;
    }
    if (!is_wanted(s.found->kind, want)) {
        report_sort(scopes, name, s.found, want);
        return NULL;
    }
    return s.found;
}

/* Declares names: records the package and the kind of each. */
#include <string.h>

#include "idl/annotate.h"
#include "idl/limits.h"
#include "idl/resolve.h"

/* ---- names ---- */

static bool is_word(const char *name)
{
    bool letter = false;
    for (const char *at = name; *at != '\0'; at++) {
        bool is_letter =
            (*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z');
        bool is_digit = *at >= '0' && *at <= '9';
        bool is_joint = *at == '_' && letter && at[1] != '_' && at[1] != '\0';
        if (!is_letter && !(is_digit && letter) && !is_joint) {
            return false;
        }
        letter = true;
    }
    return true;
}

/* Whether the name has letters outside of ASCII, which the lexer has
 * reported. */
static bool is_foreign(const char *name)
{
    while (*name != '\0' && (unsigned char)*name < 0x80) {
        name++;
    }
    return *name != '\0';
}

void idl_check_name(idl_diags *diags, ast_name name)
{
    size_t len = name.span.end - name.span.begin;
    if (len > IDL_MAX_NAME_BYTES) {
        idl_diag *diag = idl_report(diags, IDL_S_BAD_NAME, name.span,
                                    "the name has %zu bytes", len);
        idl_expected(diags, diag, "at most %d", IDL_MAX_NAME_BYTES);
    } else if (!is_word(name.text) && !is_foreign(name.text)) {
        idl_diag *diag = idl_report(diags, IDL_S_BAD_NAME, name.span,
                                    "`%s` can't be a name", name.text);
        idl_expected(diags, diag,
                     "single underscores, between letters and digits");
    }
}

static bool is_builtin(const char *name)
{
    for (idl_kind kind = IDL_BOOL; kind <= IDL_MAP; kind++) {
        if (strcmp(idl_kind_name(kind), name) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- declaring ---- */

static void new_record(idl_resolver *r, idl_symbol *symbol,
                       idl_record_kind kind)
{
    symbol->u.record = IDL_NEW(r->memory, idl_record);
    symbol->u.record->kind = kind;
    symbol->decl = &symbol->u.record->decl;
}

static void new_shared(idl_resolver *r, idl_symbol *symbol,
                       idl_shared_kind kind)
{
    symbol->kind = IDL_SYMBOL_SHARED;
    symbol->u.shared = IDL_NEW(r->memory, idl_shared);
    symbol->u.shared->kind = kind;
    symbol->decl = &symbol->u.shared->decl;
}

/* Creates the object that `ast` declares; false if it declares none. */
static bool new_object(idl_resolver *r, const ast_decl *ast, idl_symbol *symbol)
{
    switch (ast->kind) {
    case AST_CONST:
        symbol->kind = IDL_SYMBOL_CONST;
        symbol->u.constant = IDL_NEW(r->memory, idl_const);
        symbol->u.constant->type = &idl_broken_type;
        symbol->decl = &symbol->u.constant->decl;
        return true;
    case AST_ALIAS:
        symbol->kind = IDL_SYMBOL_ALIAS;
        symbol->u.alias = IDL_NEW(r->memory, idl_alias);
        symbol->u.alias->type = &idl_broken_type;
        symbol->decl = &symbol->u.alias->decl;
        return true;
    case AST_ENUM:
        symbol->kind = IDL_SYMBOL_ENUM;
        symbol->u.enumeration = IDL_NEW(r->memory, idl_enum);
        symbol->decl = &symbol->u.enumeration->decl;
        return true;
    case AST_STRUCT:
        symbol->kind = IDL_SYMBOL_STRUCT;
        new_record(r, symbol, IDL_RECORD_STRUCT);
        return true;
    case AST_UNION:
        symbol->kind = IDL_SYMBOL_UNION;
        new_record(r, symbol, IDL_RECORD_UNION);
        return true;
    case AST_ERROR:
        symbol->kind = IDL_SYMBOL_ERROR;
        new_record(r, symbol, IDL_RECORD_ERROR);
        return true;
    case AST_SERVICE:
        symbol->kind = IDL_SYMBOL_SERVICE;
        symbol->u.service = IDL_NEW(r->memory, idl_service);
        symbol->decl = &symbol->u.service->decl;
        return true;
    case AST_QUEUE:
        new_shared(r, symbol, IDL_SHARED_QUEUE);
        return true;
    case AST_TOPIC:
        new_shared(r, symbol, IDL_SHARED_TOPIC);
        return true;
    case AST_PIPE:
        new_shared(r, symbol, IDL_SHARED_PIPE);
        return true;
    case AST_DICT:
        new_shared(r, symbol, IDL_SHARED_DICT);
        return true;
    case AST_VALUE:
        new_shared(r, symbol, IDL_SHARED_VALUE);
        return true;
    case AST_PACKAGE:
    case AST_IMPORT:
    case AST_PORT:
    case AST_SERVICE_NAME:
    case AST_VERSION:
    case AST_METHOD:
        return false;
    }
    return false;
}

static void check_new_name(idl_resolver *r, const ast_decl *ast,
                           const char *full_name)
{
    idl_check_name(r->diags, ast->name);
    if (is_builtin(ast->name.text)) {
        (void)idl_report(r->diags, IDL_S_RESERVED_WORD, ast->name.span,
                         "`%s` is a type of the language", ast->name.text);
    }
    size_t len = strlen(full_name);
    if (len > IDL_MAX_FULL_NAME_BYTES) {
        idl_diag *diag = idl_report(r->diags, IDL_S_BAD_NAME, ast->name.span,
                                    "`%s` has %zu bytes", full_name, len);
        idl_expected(r->diags, diag, "at most %d with the package's name",
                     IDL_MAX_FULL_NAME_BYTES);
    }
}

static idl_symbol *declare(idl_resolver *r, idl_site site, const ast_decl *ast)
{
    idl_symbol made = {.ast = ast, .unit = site.unit, .scope = site.scope};
    if (!new_object(r, ast, &made)) {
        return NULL;
    }
    idl_symbol *symbol = IDL_NEW(r->memory, idl_symbol);
    *symbol = made;
    const char *package = site.scope->package.name;
    *symbol->decl = (idl_decl){
        .name = ast->name.text,
        .full_name = package[0] != '\0' ? idl_printf(r->memory, "%s.%s",
                                                     package, ast->name.text)
                                        : ast->name.text,
        .package = &site.scope->package,
        .file = site.unit->file,
        .imported = site.unit->imported,
        .span = ast->name.span};
    check_new_name(r, ast, symbol->decl->full_name);
    const idl_symbol *first =
        idl_map_put(&site.scope->symbols, r->memory, ast->name.text, symbol);
    if (first != NULL) {
        idl_diag *diag =
            idl_report(r->diags, IDL_S_DUPLICATE_NAME, ast->name.span,
                       "`%s` is declared twice", ast->name.text);
        idl_add_note(r->diags, diag, first->decl->span, "first declared here");
    }
    r->scopes.symbols[r->scopes.symbol_count++] = symbol;
    return symbol;
}

/* Shared objects in a service are also names of the package. */
static void declare_service(idl_resolver *r, idl_site site, const ast_decl *ast)
{
    idl_symbol *service = declare(r, site, ast);
    AST_EACH(ast_decl, item, ast->items)
    {
        idl_symbol *symbol = declare(r, site, item);
        if (symbol != NULL) {
            symbol->u.shared->service = service->u.service;
        }
    }
}

static void take_prefix(idl_resolver *r, idl_scope *scope,
                        const idl_annotated *extra, const ast_decl *ast)
{
    if (extra->c_prefix == NULL) {
        return;
    }
    if (scope->package.c_prefix != NULL &&
        strcmp(scope->package.c_prefix, extra->c_prefix) != 0) {
        (void)idl_report(r->diags, IDL_S_BAD_C_NAME, extra->span,
                         "package %s has the C prefix `%s` already",
                         ast->name.text, scope->package.c_prefix);
        return;
    }
    scope->package.c_prefix = extra->c_prefix;
}

/* A type's full name begins with its package. So the first part of a package's
 * name must not be a word that begins another form of type, as in `list<T>`. */
static void check_first_part(idl_resolver *r, ast_name part)
{
    static const char *const words[] = {"list", "map", "optional", "reserved",
                                        "stream"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i], part.text) == 0) {
            (void)idl_report(r->diags, IDL_S_RESERVED_WORD, part.span,
                             "the name of a package can't begin with `%s`",
                             part.text);
        }
    }
}

static void check_package_name(idl_resolver *r, ast_name whole)
{
    for (const char *part = whole.text; part != NULL;) {
        size_t len = strcspn(part, ".");
        ast_name name = {.text = idl_strndup(r->memory, part, len),
                         .span = whole.span};
        name.span.begin += (uint32_t)(part - whole.text);
        name.span.end = name.span.begin + (uint32_t)len;
        idl_check_name(r->diags, name);
        if (part == whole.text) {
            check_first_part(r, name);
        }
        part = part[len] == '.' ? part + len + 1 : NULL;
    }
}

static idl_scope *enter_package(idl_resolver *r, idl_unit *unit,
                                const ast_decl *ast)
{
    idl_meta meta = {.since = 0};
    idl_annotated extra = {.compact = false};
    check_package_name(r, ast->name);
    idl_scope *scope = idl_scope_of(&r->scopes, ast->name.text);
    idl_annotate(r, ast->pre, IDL_ON_PACKAGE, &meta, &extra);
    take_prefix(r, scope, &extra, ast);
    if (meta.docs.count > 0) {
        scope->package.docs = meta.docs;
    }
    if (unit->file->package == NULL) {
        unit->file->package = &scope->package;
    }
    return scope;
}

static void check_import_place(idl_resolver *r, const ast_decl *ast,
                               const ast_decl *first)
{
    idl_meta unused = {.since = 0};
    idl_annotate(r, ast->pre, IDL_ON_SETTING, &unused, NULL);
    if (first != NULL) {
        idl_diag *diag = idl_report(r->diags, IDL_S_MISPLACED, ast->span,
                                    "imports must come before declarations");
        idl_expected(r->diags, diag, "all imports first");
        idl_add_note(r->diags, diag, first->name.span, "the first declaration");
    }
}

static void report_no_package(idl_resolver *r, const ast_decl *ast)
{
    idl_diag *diag = idl_report(r->diags, IDL_S_NO_PACKAGE, ast->span,
                                "the file names no package");
    idl_expected(r->diags, diag, "`package name;` before this");
}

void idl_declare_unit(idl_resolver *r, idl_unit *unit)
{
    const ast_decl *first = NULL;
    idl_site site = {.unit = unit, .scope = NULL};
    AST_EACH(ast_decl, ast, unit->ast->decls)
    {
        if (ast->kind == AST_PACKAGE) {
            site.scope = enter_package(r, unit, ast);
            continue;
        }
        if (ast->kind == AST_IMPORT) {
            check_import_place(r, ast, first);
            continue;
        }
        if (site.scope == NULL) {
            report_no_package(r, ast);
            site.scope = idl_scope_of(&r->scopes, "");
        }
        first = first != NULL ? first : ast;
        if (ast->kind == AST_SERVICE) {
            declare_service(r, site, ast);
        } else {
            (void)declare(r, site, ast);
        }
    }
    if (unit->file->package == NULL) {
        unit->file->package = &idl_scope_of(&r->scopes, "")->package;
    }
}

/* Resolving: declares all names, then defines them in order. */
#include "idl/resolve.h"

#include "idl/annotate.h"

/* ---- files ---- */

static void new_file(idl_resolver *r, idl_unit *unit)
{
    unit->file = IDL_NEW(r->memory, idl_file);
    unit->file->source = unit->source;
    unit->file->imported = unit->imported;
    idl_import *imports =
        IDL_NEW_ARRAY(r->memory, unit->use_count + 1, idl_import);
    for (size_t i = 0; i < unit->use_count; i++) {
        const idl_use *use = &unit->uses[i];
        imports[i] = (idl_import){.path = use->decl->value->u.text.ptr,
                                  .file = use->unit->file,
                                  .span = use->decl->value->span};
    }
    unit->file->imports = imports;
    unit->file->import_count = unit->use_count;
}

static void warn_unused_imports(idl_resolver *r, const idl_unit *unit)
{
    for (size_t i = 0; i < unit->use_count; i++) {
        if (!unit->uses[i].used && unit->ast->lost.count == 0) {
            (void)idl_report(r->diags, IDL_S_IMPORT_UNUSED,
                             unit->uses[i].decl->value->span,
                             "nothing from \"%s\" is used",
                             unit->uses[i].decl->value->u.text.ptr);
        }
    }
}

/* ---- defining ---- */

static void define(idl_resolver *r, idl_symbol *symbol)
{
    switch (symbol->kind) {
    case IDL_SYMBOL_CONST:
        (void)idl_define(r, symbol, symbol->decl->span);
        idl_annotate(r, symbol->ast->pre, IDL_ON_CONST, &symbol->decl->meta,
                     NULL);
        break;
    case IDL_SYMBOL_ALIAS:
        (void)idl_define(r, symbol, symbol->decl->span);
        idl_annotate(r, symbol->ast->pre, IDL_ON_ALIAS, &symbol->decl->meta,
                     NULL);
        break;
    case IDL_SYMBOL_ENUM:
        (void)idl_define(r, symbol, symbol->decl->span);
        idl_annotate(r, symbol->ast->pre, IDL_ON_ENUM, &symbol->decl->meta,
                     NULL);
        break;
    case IDL_SYMBOL_STRUCT:
    case IDL_SYMBOL_UNION:
    case IDL_SYMBOL_ERROR:
        idl_resolve_record(r, symbol);
        break;
    case IDL_SYMBOL_SERVICE:
        idl_resolve_service(r, symbol);
        break;
    case IDL_SYMBOL_SHARED:
        idl_resolve_shared(r, symbol);
        break;
    }
}

/* ---- the schema ---- */

/* Lists of pointers to declarations, each with room for all of them. */
typedef struct lists {
    const idl_const **consts;
    const idl_alias **aliases;
    const idl_enum **enums;
    const idl_record **structs;
    const idl_record **unions;
    const idl_record **errors;
    const idl_shared **shared;
    const idl_service **services;
} lists;

static lists new_lists(idl_memory *memory, size_t count)
{
    return (lists){
        .consts = IDL_NEW_ARRAY(memory, count, const idl_const *),
        .aliases = IDL_NEW_ARRAY(memory, count, const idl_alias *),
        .enums = IDL_NEW_ARRAY(memory, count, const idl_enum *),
        .structs = IDL_NEW_ARRAY(memory, count, const idl_record *),
        .unions = IDL_NEW_ARRAY(memory, count, const idl_record *),
        .errors = IDL_NEW_ARRAY(memory, count, const idl_record *),
        .shared = IDL_NEW_ARRAY(memory, count, const idl_shared *),
        .services = IDL_NEW_ARRAY(memory, count, const idl_service *),
    };
}

/* Adds the symbol to its list. Shared objects of services are in their
 * service's list instead. */
static void list_symbol(idl_schema *schema, lists *l, const idl_symbol *symbol)
{
    switch (symbol->kind) {
    case IDL_SYMBOL_CONST:
        l->consts[schema->const_count++] = symbol->u.constant;
        break;
    case IDL_SYMBOL_ALIAS:
        l->aliases[schema->alias_count++] = symbol->u.alias;
        break;
    case IDL_SYMBOL_ENUM:
        l->enums[schema->enum_count++] = symbol->u.enumeration;
        break;
    case IDL_SYMBOL_STRUCT:
        l->structs[schema->struct_count++] = symbol->u.record;
        break;
    case IDL_SYMBOL_UNION:
        l->unions[schema->union_count++] = symbol->u.record;
        break;
    case IDL_SYMBOL_ERROR:
        l->errors[schema->error_count++] = symbol->u.record;
        break;
    case IDL_SYMBOL_SERVICE:
        l->services[schema->service_count++] = symbol->u.service;
        break;
    case IDL_SYMBOL_SHARED:
        if (symbol->u.shared->service == NULL) {
            l->shared[schema->shared_count++] = symbol->u.shared;
        }
        break;
    }
}

static void list_all(const idl_resolver *r, idl_schema *schema)
{
    lists l = new_lists(r->memory, r->scopes.symbol_count + 1);
    for (size_t i = 0; i < r->scopes.symbol_count; i++) {
        list_symbol(schema, &l, r->scopes.symbols[i]);
    }
    schema->consts = l.consts;
    schema->aliases = l.aliases;
    schema->enums = l.enums;
    schema->structs = l.structs;
    schema->unions = l.unions;
    schema->errors = l.errors;
    schema->shared = l.shared;
    schema->services = l.services;
}

/* In r->scopes.symbols a service's shared objects directly follow it. */
static void list_service_shared(const idl_resolver *r, size_t index)
{
    idl_service *service = r->scopes.symbols[index]->u.service;
    size_t end = index + 1;
    while (end < r->scopes.symbol_count &&
           r->scopes.symbols[end]->kind == IDL_SYMBOL_SHARED &&
           r->scopes.symbols[end]->u.shared->service == service) {
        end++;
    }
    size_t count = end - index - 1;
    const idl_shared **list =
        IDL_NEW_ARRAY(r->memory, count + 1, const idl_shared *);
    for (size_t i = 0; i < count; i++) {
        list[i] = r->scopes.symbols[index + 1 + i]->u.shared;
    }
    service->shared = list;
    service->shared_count = count;
}

static void list_files(const idl_resolver *r, const idl_units *units,
                       idl_schema *schema)
{
    const idl_file **files =
        IDL_NEW_ARRAY(r->memory, units->count, const idl_file *);
    const idl_package **packages =
        IDL_NEW_ARRAY(r->memory, r->scopes.count + 1, const idl_package *);
    for (size_t i = 0; i < units->count; i++) {
        files[i] = units->items[i]->file;
    }
    for (size_t i = 0; i < r->scopes.count; i++) {
        packages[i] = &r->scopes.items[i]->package;
    }
    schema->files = files;
    schema->file_count = units->count;
    schema->packages = packages;
    schema->package_count = r->scopes.count;
    schema->main = files[units->count - 1];
    schema->package = schema->main->package;
}

/* An upper bound of the number of symbols and packages. */
static size_t count_decls(const idl_units *units)
{
    size_t count = 1;
    for (size_t i = 0; i < units->count; i++) {
        count += units->items[i]->ast->decls.count + 1;
        AST_EACH(ast_decl, ast, units->items[i]->ast->decls)
        {
            count += ast->items.count;
        }
    }
    return count;
}

idl_resolved idl_resolve(const idl_units *units, idl_diags *diags)
{
    idl_memory *memory = diags->memory;
    size_t max = count_decls(units);
    idl_resolver r = {
        .memory = memory,
        .diags = diags,
        .scopes = {.memory = memory,
                   .diags = diags,
                   .items = IDL_NEW_ARRAY(memory, max, idl_scope *),
                   .symbols = IDL_NEW_ARRAY(memory, max, idl_symbol *)}};
    for (size_t i = 0; i < units->count; i++) {
        new_file(&r, units->items[i]);
        idl_declare_unit(&r, units->items[i]);
    }
    for (size_t i = 0; i < r.scopes.symbol_count; i++) {
        define(&r, r.scopes.symbols[i]);
    }
    for (size_t i = 0; i < r.scopes.symbol_count; i++) {
        if (r.scopes.symbols[i]->kind == IDL_SYMBOL_SERVICE) {
            list_service_shared(&r, i);
        }
    }
    for (size_t i = 0; i < units->count; i++) {
        warn_unused_imports(&r, units->items[i]);
    }
    idl_schema *schema = IDL_NEW(memory, idl_schema);
    list_files(&r, units, schema);
    list_all(&r, schema);
    return (idl_resolved){.schema = schema,
                          .symbols = r.scopes.symbols,
                          .symbol_count = r.scopes.symbol_count,
                          .scopes = r.scopes};
}

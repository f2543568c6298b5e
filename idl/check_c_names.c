/* Reports names of declarations, members and parameters that become equal in
 * C. */
#include "idl/check.h"

#include <string.h>

#include "idl/cname.h"

/* A C name and its owner. */
typedef struct owner {
    const char *name; /* as written in the .svc */
    idl_span span;
} owner;

typedef struct table {
    idl_diags *diags;
    idl_map names;     /* C name to owner */
    shmrpci_buf *text; /* the C name being built */
} table;

/* Enters the C name in `text` and empties the buffer. */
static void enter(table *t, const char *name, idl_span span)
{
    const char *c_name = shmrpci_buf_text(t->text);
    owner *entry = IDL_NEW(t->diags->memory, owner);
    *entry = (owner){.name = name, .span = span};
    const owner *first = idl_map_put(
        &t->names, t->diags->memory,
        idl_strndup(t->diags->memory, c_name, strlen(c_name)), entry);
    /* A name that was declared twice has already been reported as a
     * duplicate. */
    if (first != NULL && strcmp(first->name, name) != 0) {
        idl_diag *diag = idl_report(t->diags, IDL_S_C_NAME_CLASH, span,
                                    "`%s` and `%s` both become `%s` in C",
                                    first->name, name, c_name);
        idl_expected(t->diags, diag, "@c_name or @c_prefix on one of them");
        idl_add_note(t->diags, diag, first->span, "the other is declared here");
    }
    shmrpci_buf_reset(t->text);
}

/* Members are checked within their own record only. */
static void enter_fields(table *t, const idl_field *fields, size_t count)
{
    table inner = {.diags = t->diags, .text = t->text};
    for (size_t i = 0; i < count; i++) {
        idl_cname_field(&fields[i], inner.text);
        enter(&inner, fields[i].name, fields[i].span);
        if (fields[i].optional) {
            shmrpci_buf_append_text(inner.text, "has_");
            idl_cname_field(&fields[i], inner.text);
            enter(&inner,
                  idl_printf(t->diags->memory, "optional %s", fields[i].name),
                  fields[i].span);
        }
    }
}

static void enter_record(table *t, const idl_record *record)
{
    idl_cname_decl(&record->decl, t->text);
    enter(t, record->decl.full_name, record->decl.span);
    if (record->kind == IDL_RECORD_ERROR) {
        idl_cname_error(&record->decl, t->text);
        enter(t, record->decl.full_name, record->decl.span);
    }
    enter_fields(t, record->fields, record->field_count);
}

static void enter_enum(table *t, const idl_enum *e)
{
    idl_cname_decl(&e->decl, t->text);
    enter(t, e->decl.full_name, e->decl.span);
    for (size_t i = 0; i < e->item_count; i++) {
        idl_cname_item(&e->items[i], t->text);
        enter(t,
              idl_printf(t->diags->memory, "%s.%s", e->decl.full_name,
                         e->items[i].name),
              e->items[i].span);
    }
}

static void enter_service(table *t, const idl_service *service)
{
    idl_cname_decl(&service->decl, t->text);
    enter(t, service->decl.full_name, service->decl.span);
    for (size_t i = 0; i < service->method_count; i++) {
        const idl_method *method = &service->methods[i];
        idl_cname_method(method, t->text);
        enter(t,
              idl_printf(t->diags->memory, "%s.%s", service->decl.full_name,
                         method->name),
              method->span);
        enter_fields(t, method->params, method->param_count);
    }
}

static void enter_symbol(table *t, const idl_symbol *symbol)
{
    switch (symbol->kind) {
    case IDL_SYMBOL_CONST:
        idl_cname_decl_upper(symbol->decl, t->text);
        enter(t, symbol->decl->full_name, symbol->decl->span);
        break;
    case IDL_SYMBOL_ALIAS: /* an alias has no name in C */
        break;
    case IDL_SYMBOL_ENUM:
        enter_enum(t, symbol->u.enumeration);
        break;
    case IDL_SYMBOL_STRUCT:
    case IDL_SYMBOL_UNION:
    case IDL_SYMBOL_ERROR:
        enter_record(t, symbol->u.record);
        break;
    case IDL_SYMBOL_SERVICE:
        enter_service(t, symbol->u.service);
        break;
    case IDL_SYMBOL_SHARED: /* in C only functions have its name, as a prefix:
                             * tts_jobs_push, ... */
        idl_cname_decl(symbol->decl, t->text);
        shmrpci_buf_append_text(t->text, "_*");
        enter(t, symbol->decl->full_name, symbol->decl->span);
        break;
    }
}

void idl_check_c_names(const idl_resolved *resolved, idl_diags *diags)
{
    shmrpci_buf text;
    idl_buf_init(&text, diags->memory);
    table t = {.diags = diags, .text = &text};
    for (size_t i = 0; i < resolved->symbol_count; i++) {
        enter_symbol(&t, resolved->symbols[i]);
    }
}

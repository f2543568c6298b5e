/* Rules for records. */
#include "idl/check.h"

#include "idl/limits.h"

/* ---- any ---- */

bool idl_type_has_any(const idl_type *type)
{
    if (type == NULL || type == &idl_broken_type) {
        return false;
    }
    if (type->record != NULL) {
        return type->record->has_any;
    }
    return type->kind == IDL_ANY || idl_type_has_any(type->element);
}

static bool holds_any(const idl_record *record)
{
    for (size_t i = 0; i < record->field_count; i++) {
        if (idl_type_has_any(record->fields[i].type)) {
            return true;
        }
    }
    return false;
}

static bool is_record(const idl_symbol *symbol)
{
    return symbol->kind == IDL_SYMBOL_STRUCT ||
           symbol->kind == IDL_SYMBOL_UNION || symbol->kind == IDL_SYMBOL_ERROR;
}

/* Records may contain each other in cycles, so the loop repeats until nothing
 * changes. */
static void find_any(const idl_resolved *resolved)
{
    bool changed = true;
    while (changed) {
        changed = false;
        for (size_t i = 0; i < resolved->symbol_count; i++) {
            const idl_symbol *symbol = resolved->symbols[i];
            if (is_record(symbol) && !symbol->u.record->has_any &&
                holds_any(symbol->u.record)) {
                symbol->u.record->has_any = true;
                changed = true;
            }
        }
    }
}

/* ---- by value ---- */

typedef struct ordering {
    idl_diags *diags;
    idl_map symbols; /* idl_symbol by full name */
    const idl_record **order;
    size_t count;
    size_t depth;
} ordering;

/* First visits the records that this record contains. Then adds up its weight,
 * which is its number of scalars. */
static uint64_t visit(ordering *o, idl_symbol *symbol);

/* The record that a field holds by value, or NULL if it holds none. Sets
 * `*times` to the number of such records in the field. */
static const idl_record *held_by_value(const idl_field *field, uint64_t *times)
{
    const idl_type *type = field->type;
    bool is_array = type->kind == IDL_ARRAY;
    *times = 1;
    while (type->kind == IDL_ARRAY) {
        *times *= type->length;
        *times =
            *times < IDL_MAX_FLAT_SCALARS ? *times : IDL_MAX_FLAT_SCALARS + 1;
        type = type->element;
    }
    return field->optional && !is_array ? NULL : type->record;
}

static void report_holds_itself(ordering *o, const idl_record *owner,
                                const idl_field *field, const idl_record *held)
{
    idl_diag *diag = held == owner
                         ? idl_report(o->diags, IDL_S_CYCLE, field->span,
                                      "`%s` contains itself", owner->decl.name)
                         : idl_report(o->diags, IDL_S_CYCLE, field->span,
                                      "`%s` and `%s` contain each other",
                                      owner->decl.name, held->decl.name);
    idl_expected(o->diags, diag, "`optional`, a list or a map between them");
    if (held != owner) {
        idl_add_note(o->diags, diag, held->decl.span, "declared here");
    }
}

static uint64_t weigh_field(ordering *o, const idl_record *owner,
                            const idl_field *field)
{
    uint64_t times;
    const idl_record *held = held_by_value(field, &times);
    if (held == NULL) {
        return times;
    }
    idl_symbol *symbol = idl_map_get(&o->symbols, held->decl.full_name);
    if (symbol->ordering == IDL_IN_PROGRESS) {
        report_holds_itself(o, owner, field, held);
        return 0;
    }
    if (o->depth == IDL_MAX_DEPTH) {
        (void)idl_report(o->diags, IDL_S_TOO_DEEP, field->span,
                         "records contain each other more than %d levels deep",
                         IDL_MAX_DEPTH);
        return 0;
    }
    uint64_t weight = visit(o, symbol);
    return times * (weight > 0 ? weight : 1);
}

static uint64_t visit(ordering *o, idl_symbol *symbol)
{
    const idl_record *record = symbol->u.record;
    if (symbol->ordering != IDL_UNTOUCHED) {
        return symbol->weight;
    }
    symbol->ordering = IDL_IN_PROGRESS;
    o->depth++;
    uint64_t weight = 0;
    for (size_t i = 0; i < record->field_count; i++) {
        const idl_field *field = &record->fields[i];
        if (field->type != &idl_broken_type) {
            weight += weigh_field(o, record, field);
        }
        if (weight > IDL_MAX_FLAT_SCALARS) {
            (void)idl_report(o->diags, IDL_S_RECORD_TOO_LARGE, field->span,
                             "`%s` contains more than %u scalars by value",
                             record->decl.name, IDL_MAX_FLAT_SCALARS);
            weight = 0;
        }
    }
    o->depth--;
    symbol->ordering = IDL_DEFINED;
    symbol->weight = weight;
    o->order[o->count++] = record;
    return weight;
}

static void order_records(const idl_resolved *resolved, idl_diags *diags)
{
    ordering o = {.diags = diags,
                  .order =
                      IDL_NEW_ARRAY(diags->memory, resolved->symbol_count + 1,
                                    const idl_record *)};
    for (size_t i = 0; i < resolved->symbol_count; i++) {
        idl_symbol *symbol = resolved->symbols[i];
        if (is_record(symbol)) {
            (void)idl_map_put(&o.symbols, diags->memory,
                              symbol->decl->full_name, symbol);
        }
    }
    for (size_t i = 0; i < resolved->symbol_count; i++) {
        if (is_record(resolved->symbols[i])) {
            (void)visit(&o, resolved->symbols[i]);
        }
    }
    resolved->schema->by_value = o.order;
    resolved->schema->by_value_count = o.count;
}

/* ---- error numbers ---- */

static void check_numbers(const idl_resolved *resolved, idl_diags *diags)
{
    idl_map by_number = {.count = 0};
    for (size_t i = 0; i < resolved->symbol_count; i++) {
        const idl_symbol *symbol = resolved->symbols[i];
        if (symbol->kind != IDL_SYMBOL_ERROR || symbol->u.record->number == 0) {
            continue;
        }
        const idl_record *record = symbol->u.record;
        const char *key = idl_printf(diags->memory, "%d %s", record->number,
                                     record->decl.package->name);
        const idl_record *first =
            idl_map_put(&by_number, diags->memory, key, symbol->u.record);
        if (first != NULL) {
            idl_diag *diag =
                idl_report(diags, IDL_S_DUPLICATE_ERROR, record->decl.span,
                           "`%s` has the same number as `%s`, %d",
                           record->decl.name, first->decl.name, first->number);
            idl_add_note(diags, diag, first->decl.span, "first used here");
        }
    }
}

void idl_check_records(const idl_resolved *resolved, idl_diags *diags)
{
    find_any(resolved);
    order_records(resolved, diags);
    check_numbers(resolved, diags);
}

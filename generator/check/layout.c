/*
 * Check: finds members of C structs that have moved, which breaks compiled C,
 * and removed numbers and names that could be reused.
 *
 * Layouts of C structs are compared through the type tables that a program
 * would be compiled with, built for both versions on this machine. Members may
 * be added after all others: programs compiled earlier don't see them. The same
 * holds for the tables of handlers.
 *
 * A lock is canonical text, in which fields are in the order of their numbers.
 * If the new version declares them in another order, offsets are not compared.
 */
#include <inttypes.h>
#include <string.h>

#include "generator/check/parts.h"
#include "idl/descriptor.h"

/* ---- C structs: members may be added after all others -------------------- */

/* The row of the field with this name. Tables are sorted by number, so the
 * index says nothing about offsets. */
static const shmrpc_field *row_of(const shmrpc_type *table, const char *name)
{
    for (uint32_t i = 0; i < table->count; i++) {
        if (strcmp(table->fields[i].name, name) == 0) {
            return &table->fields[i];
        }
    }
    return NULL;
}

/* Reports the first member that moved: those after it move with it. */
static void check_offsets(gen_checker *c, const idl_record *was,
                          const idl_record *now, const shmrpc_type *old_table,
                          const shmrpc_type *new_table)
{
    for (size_t i = 0; i < was->field_count; i++) {
        const idl_field *field = &was->fields[i];
        const shmrpc_field *old_row = row_of(old_table, field->name);
        const shmrpc_field *new_row = row_of(new_table, field->name);
        if (new_row == NULL || new_row->offset == old_row->offset) {
            continue;
        }
        const idl_field *at =
            gen_find_field(now->fields, now->field_count, field->name);
        gen_finding *found =
            gen_find(c, GEN_CHECK_OFFSET, at->span, field->span);
        found->message = idl_printf(
            c->memory, "`%s.%s` is now %" PRIu32 " bytes into its struct",
            now->decl.full_name, field->name, new_row->offset);
        found->was = idl_printf(c->memory, "it was %" PRIu32, old_row->offset);
        return; /* the members after it have moved with it */
    }
}

/* ---- tables of handlers: methods may be added after all others ----------- */

static void check_handlers(gen_checker *c, const idl_service *was,
                           const idl_service *now)
{
    for (size_t i = 0; i < was->method_count; i++) {
        const idl_method *old_method = &was->methods[i];
        const idl_method *method = gen_find_method(now, old_method->name);
        if (method != NULL && method->index != old_method->index) {
            gen_finding *found =
                gen_find(c, GEN_CHECK_HANDLER, method->span, old_method->span);
            found->message =
                idl_printf(c->memory, "`%s` is now handler %" PRIu32 " of `%s`",
                           method->name, method->index, now->decl.full_name);
            found->was = idl_printf(c->memory, "it was handler %" PRIu32,
                                    old_method->index);
            return;
        }
    }
}

/* Whether the order of fields in the old version can be compared. A lock does
 * not record it, so the answer is yes only if all structs of the new version
 * declare fields in the order of their numbers. */
static bool knows_order(const gen_checker *c)
{
    const idl_schema *schema = c->new_version;
    for (size_t i = 0;
         (c->flags & GEN_CHECK_CANONICAL) != 0 && i < schema->by_value_count;
         i++) {
        const idl_record *record = schema->by_value[i];
        if (!gen_is_ascending(record->fields, record->field_count)) {
            return false;
        }
    }
    return true;
}

/* Removed types and members are reported by gen_check_source. */
shmrpc_status gen_check_layout(gen_checker *c)
{
    const idl_tables *old_tables = NULL;
    const idl_tables *new_tables = NULL;
    shmrpc_status status =
        gen_tables_build(c->old_version, c->memory->arena, &old_tables);
    if (status == SHMRPC_OK) {
        status =
            gen_tables_build(c->new_version, c->memory->arena, &new_tables);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    bool has_order = knows_order(c);
    for (size_t i = 0; i < c->old_version->by_value_count; i++) {
        const idl_record *was = c->old_version->by_value[i];
        const char *name = was->decl.full_name;
        const idl_record *now = gen_find_record(c->new_version, name);
        if (!was->decl.imported && now != NULL && now->kind == was->kind &&
            has_order) {
            check_offsets(c, was, now, gen_tables_find(old_tables, name),
                          gen_tables_find(new_tables, name));
        }
    }
    for (size_t i = 0; i < c->old_version->service_count; i++) {
        const idl_service *was = c->old_version->services[i];
        const idl_service *now =
            gen_find_service(c->new_version, was->decl.full_name);
        if (!was->decl.imported && now != NULL) {
            check_handlers(c, was, now);
        }
    }
    return SHMRPC_OK;
}

/* ---- reserved numbers and names ---- */

/* The `reserved` entries of one declaration: single names, or ranges of
 * numbers. */
typedef struct reserved_list {
    const idl_reserved *entries;
    size_t count;
} reserved_list;

static bool has_number(reserved_list list, int64_t number)
{
    for (size_t i = 0; i < list.count; i++) {
        if (list.entries[i].name == NULL && list.entries[i].first <= number &&
            number <= list.entries[i].last) {
            return true;
        }
    }
    return false;
}

static bool has_name(reserved_list list, const char *name)
{
    for (size_t i = 0; i < list.count; i++) {
        if (list.entries[i].name != NULL &&
            strcmp(list.entries[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Checks a name and a number that the new version has removed. Both must be
 * reserved, or they might be reused, and old programs would misread the new
 * meaning. `reused`: another member has the number now, which wire reports. */
static void check_removed(gen_checker *c, const idl_decl *owner,
                          reserved_list list, const char *name, int64_t number,
                          idl_span span, bool reused)
{
    bool number_ok = reused || has_number(list, number);
    bool name_ok = has_name(list, name);
    if (number_ok && name_ok) {
        return;
    }
    gen_finding *found = gen_find(c, GEN_CHECK_NOT_RESERVED, owner->span, span);
    found->message =
        idl_printf(c->memory, "`%s.%s` is gone, and its %s could be used again",
                   owner->full_name, name,
                   number_ok ? "name"
                   : name_ok ? "number"
                             : "number and name");
    found->was = "it was here";
    /* The text to add to the `.svc`. */
    found->expected =
        number_ok ? idl_printf(c->memory, "`reserved \"%s\";`", name)
        : name_ok ? idl_printf(c->memory, "`reserved %" PRId64 ";`", number)
                  : idl_printf(c->memory, "`reserved %" PRId64 ", \"%s\";`",
                               number, name);
}

/* Checks that reserved numbers and names stay reserved. Of a range only both
 * ends are checked; they stand for all numbers in between. */
static void check_dropped(gen_checker *c, const idl_decl *owner,
                          reserved_list was, reserved_list now)
{
    for (size_t i = 0; i < was.count; i++) {
        const idl_reserved *entry = &was.entries[i];
        bool kept = entry->name != NULL ? has_name(now, entry->name)
                                        : has_number(now, entry->first) &&
                                              has_number(now, entry->last);
        if (kept) {
            continue;
        }
        gen_finding *found =
            gen_find(c, GEN_CHECK_RESERVE_DROPPED, owner->span, entry->span);
        found->message =
            entry->name != NULL
                ? idl_printf(c->memory, "`%s` no longer reserves \"%s\"",
                             owner->full_name, entry->name)
                : idl_printf(c->memory, "`%s` no longer reserves %" PRId64,
                             owner->full_name, entry->first);
        found->was = "it was reserved here";
    }
}

static bool has_tag(const idl_record *record, uint32_t tag)
{
    for (size_t i = 0; i < record->field_count; i++) {
        if (record->fields[i].tag == tag) {
            return true;
        }
    }
    return false;
}

/* A renamed field keeps its number, so only its old name could be reused. */
static void check_record(gen_checker *c, const idl_record *was,
                         const idl_record *now)
{
    reserved_list list = {now->reserved, now->reserved_count};
    for (size_t i = 0; i < was->field_count; i++) {
        const idl_field *field = &was->fields[i];
        if (gen_find_field(now->fields, now->field_count, field->name) ==
            NULL) {
            check_removed(c, &now->decl, list, field->name, field->tag,
                          field->span, has_tag(now, field->tag));
        }
    }
    check_dropped(c, &now->decl,
                  (reserved_list){was->reserved, was->reserved_count}, list);
}

static bool has_value(const idl_enum *enumeration, int64_t value)
{
    for (size_t i = 0; i < enumeration->item_count; i++) {
        if (enumeration->items[i].value == value) {
            return true;
        }
    }
    return false;
}

static void check_enum(gen_checker *c, const idl_enum *was, const idl_enum *now)
{
    reserved_list list = {now->reserved, now->reserved_count};
    for (size_t i = 0; i < was->item_count; i++) {
        const idl_enum_item *item = &was->items[i];
        if (gen_find_item(now, item->name) == NULL) {
            check_removed(c, &now->decl, list, item->name, item->value,
                          item->span, has_value(now, item->value));
        }
    }
    check_dropped(c, &now->decl,
                  (reserved_list){was->reserved, was->reserved_count}, list);
}

/* Imported declarations are checked when their own file is. */
void gen_check_reserve(gen_checker *c)
{
    for (size_t i = 0; i < c->old_version->by_value_count; i++) {
        const idl_record *was = c->old_version->by_value[i];
        const idl_record *now =
            gen_find_record(c->new_version, was->decl.full_name);
        if (!was->decl.imported && now != NULL && now->kind == was->kind) {
            check_record(c, was, now);
        }
    }
    for (size_t i = 0; i < c->old_version->enum_count; i++) {
        const idl_enum *was = c->old_version->enums[i];
        const idl_enum *now =
            gen_find_enum(c->new_version, was->decl.full_name);
        if (!was->decl.imported && now != NULL) {
            check_enum(c, was, now);
        }
    }
}

/*
 * Check: shared objects, which programs of both versions have open together.
 *
 * There is no connect at which versions could agree: an object in memory or in
 * a file has one layout, and both versions read it. So every change of its
 * types is a break, additive or not. Options that differ have a rule of their
 * own. Every finding affects old and new programs alike.
 */
#include <string.h>

#include "generator/check/parts.h"
#include "idl/canonical.h"
#include "idl/names.h"
#include "idl/option.h"

/* Only the first finding at a place is reported; later ones are ignored. */
static void add(gen_checker *c, gen_check_code code, idl_span span,
                const idl_shared *was, const char *message, const char *note)
{
    gen_finding *found = gen_find(c, code, span, was->decl.span);
    found->meets |= GEN_MEETS_OLD_CLIENT | GEN_MEETS_NEW_CLIENT;
    if (found->message == NULL) {
        found->message = message;
        found->was = note;
    }
}

/* ---- types ---- */

/* The name of the first record or enum in `type` that has changed; NULL if none
 * has. */
static const char *find_changed(gen_checker *c, const idl_type *type,
                                idl_map *seen);

/* Compares canonical text, which has everything that counts, and no
 * documentation or layout. */
static bool same_text(gen_checker *c, const idl_record *was,
                      const idl_record *now)
{
    shmrpci_buf old_text;
    shmrpci_buf new_text;
    idl_buf_init(&old_text, c->memory);
    idl_buf_init(&new_text, c->memory);
    idl_canonical_record(was, 0, c->memory, &old_text);
    idl_canonical_record(now, 0, c->memory, &new_text);
    return strcmp(shmrpci_buf_text(&old_text), shmrpci_buf_text(&new_text)) ==
           0;
}

/* New enumerators are a change too, because the hash covers them. */
static bool same_items(const idl_enum *was, const idl_enum *now)
{
    bool same = was->item_count == now->item_count && was->base == now->base;
    for (size_t i = 0; same && i < was->item_count; i++) {
        const idl_enum_item *item = gen_find_item(now, was->items[i].name);
        same = item != NULL && item->value == was->items[i].value;
    }
    return same;
}

static const char *find_in_record(gen_checker *c, const idl_record *record,
                                  idl_map *seen)
{
    const char *name = record->decl.full_name;
    /* Seen before: it is equal, or has been reported already. */
    if (idl_map_put(seen, c->memory, name, seen) != NULL) {
        return NULL;
    }
    const idl_record *was = gen_find_record(c->old_version, name);
    if (was == NULL || !same_text(c, was, record)) {
        return name;
    }
    const char *found = NULL;
    for (size_t i = 0; found == NULL && i < record->field_count; i++) {
        found = find_changed(c, record->fields[i].type, seen);
    }
    return found;
}

static const char *find_changed(gen_checker *c, const idl_type *type,
                                idl_map *seen)
{
    const char *found = NULL;
    for (; type != NULL && found == NULL; type = type->element) {
        found = type->key != NULL ? find_changed(c, type->key, seen) : NULL;
        if (found == NULL && type->record != NULL) {
            found = find_in_record(c, type->record, seen);
        }
        if (found == NULL && type->enumeration != NULL) {
            const char *name = type->enumeration->decl.full_name;
            const idl_enum *was = gen_find_enum(c->old_version, name);
            found = was == NULL || !same_items(was, type->enumeration) ? name
                                                                       : NULL;
        }
    }
    return found;
}

/* Compares from coarse to fine: kind and types, encoding, then the members of
 * the types. The hash decides whether anything changed; the other comparisons
 * only choose the text of the message. */
static void check_types(gen_checker *c, const idl_shared *was,
                        const idl_shared *now)
{
    if (strcmp(was->signature, now->signature) != 0) {
        add(c, GEN_CHECK_SHARED, now->decl.span, was,
            idl_printf(c->memory, "`%s` is now %s", now->decl.name,
                       now->signature),
            idl_printf(c->memory, "it was %s", was->signature));
        return;
    }
    if (was->hash == now->hash) {
        return;
    }
    const idl_option option = IDL_OPTION_ENCODING;
    if (was->options[option] != now->options[option]) {
        const char *encoding =
            idl_encoding_name((idl_encoding)now->options[option]);
        const char *old = idl_encoding_name((idl_encoding)was->options[option]);
        add(c, GEN_CHECK_SHARED, now->decl.span, was,
            idl_printf(c->memory, "`%s` is now %s", now->decl.name, encoding),
            idl_printf(c->memory, "it was %s", old));
        return;
    }
    idl_map seen = {.count = 0};
    const char *changed = find_changed(c, now->key, &seen);
    changed = changed != NULL ? changed : find_changed(c, now->element, &seen);
    add(c, GEN_CHECK_SHARED, now->decl.span, was,
        idl_printf(c->memory, "`%s` contains `%s`, which has changed",
                   now->decl.name, changed != NULL ? changed : now->signature),
        "it was declared here");
}

/* ---- options ---- */

/* Reports all changed options in one finding, since they have the same
 * place. */
static void check_options(gen_checker *c, const idl_shared *was,
                          const idl_shared *now)
{
    shmrpci_buf message;
    shmrpci_buf note;
    idl_buf_init(&message, c->memory);
    idl_buf_init(&note, c->memory);
    for (size_t i = 0; i < IDL_OPTION_COUNT; i++) {
        const idl_option_row *row = idl_option_of(now->kind, (idl_option)i);
        if (row == NULL || i == IDL_OPTION_ENCODING ||
            was->options[i] == now->options[i]) {
            continue;
        }
        const char *glue = message.len > 0 ? ", " : "";
        shmrpci_buf_printf(&message, "%s%s ", glue, row->name);
        idl_option_append(row, now->options[i], &message);
        shmrpci_buf_printf(&note, "%s%s ", glue, row->name);
        idl_option_append(row, was->options[i], &note);
    }
    if (message.len > 0) {
        add(c, GEN_CHECK_SHARED_OPTION, now->decl.span, was,
            idl_printf(c->memory, "`%s` now has %s", now->decl.name,
                       shmrpci_buf_text(&message)),
            idl_printf(c->memory, "it had %s", shmrpci_buf_text(&note)));
    }
}

/* ---- all objects --------------------------------------------------------- */

static const idl_shared *find(const idl_shared *const *list, size_t count,
                              const char *full_name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i]->decl.full_name, full_name) == 0) {
            return list[i];
        }
    }
    return NULL;
}

/* Compares the objects of a service, or those outside of services. Removed
 * objects are reported at `top`. */
static void check_list(gen_checker *c, const idl_shared *const *old_list,
                       size_t old_count, const idl_shared *const *new_list,
                       size_t new_count, idl_span top)
{
    for (size_t i = 0; i < old_count; i++) {
        const idl_shared *was = old_list[i];
        const idl_shared *now = find(new_list, new_count, was->decl.full_name);
        if (was->decl.imported) {
            continue;
        }
        if (now == NULL) {
            add(c, GEN_CHECK_SHARED, top, was,
                idl_printf(c->memory, "%s `%s` is gone",
                           idl_shared_kind_name(was->kind), was->decl.name),
                "it was here");
            continue;
        }
        check_types(c, was, now);
        if (was->kind == now->kind) {
            check_options(c, was, now);
        }
    }
}

/* The objects of a removed service are not reported: wire reports the
 * service. */
void gen_check_shared(gen_checker *c)
{
    const idl_schema *was = c->old_version;
    const idl_schema *now = c->new_version;
    idl_span top = {now->main->source, 0, 0};
    check_list(c, was->shared, was->shared_count, now->shared,
               now->shared_count, top);
    for (size_t i = 0; i < was->service_count; i++) {
        const idl_service *old_service = was->services[i];
        const idl_service *service =
            gen_find_service(now, old_service->decl.full_name);
        if (service != NULL && !old_service->decl.imported) {
            check_list(c, old_service->shared, old_service->shared_count,
                       service->shared, service->shared_count,
                       service->decl.span);
        }
    }
}

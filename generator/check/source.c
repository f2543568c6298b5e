/*
 * Check: finds C source that no longer compiles, or means something else. The
 * rules follow the generated C: names, types of members and parameters, form of
 * results, defaults and constants.
 *
 * Changes after which source still compiles with the same meaning are not
 * breaks: new declarations, members and methods, and other bounds, which are
 * not visible in C. Source that still compiles but means something else (a
 * constant, a default, an error's number) is broken.
 *
 * Only the file's own declarations are compared: imported files are checked on
 * their own.
 */
#include <string.h>

#include "generator/c/lang_c.h"
#include "generator/check/parts.h"
#include "idl/canonical.h"
#include "idl/cname.h"

/* Only the first finding of a code at a place is reported. */
static void add(gen_checker *c, gen_check_code code, idl_span span,
                idl_span old_span, const char *message, const char *was)
{
    gen_finding *found = gen_find(c, code, span, old_span);
    if (found->message == NULL) {
        found->message = message;
        found->was = was;
    }
}

/* The beginning of the new file, where findings without a place of their own
 * are reported. */
static idl_span top_of(const gen_checker *c)
{
    return (idl_span){c->new_version->main->source, 0, 0};
}

/* ---- names in C ---- */

/* The C names of one object in both versions. */
typedef struct c_names {
    shmrpci_buf was;
    shmrpci_buf now;
} c_names;

static c_names begin_names(gen_checker *c)
{
    c_names names;
    idl_buf_init(&names.was, c->memory);
    idl_buf_init(&names.now, c->memory);
    return names;
}

/* Compares the two names. C names can change although those in the `.svc`
 * don't: by @c_name or @c_prefix. */
static void end_names(gen_checker *c, idl_span span, idl_span old_span,
                      c_names *names)
{
    const char *new_name = shmrpci_buf_text(&names->now);
    const char *old_name = shmrpci_buf_text(&names->was);
    if (strcmp(new_name, old_name) != 0) {
        add(c, GEN_CHECK_C_NAME, span, old_span,
            idl_printf(c->memory, "in C it is now called `%s`", new_name),
            idl_printf(c->memory, "it was called `%s`", old_name));
    }
}

static void check_decl_name(gen_checker *c, const idl_decl *was,
                            const idl_decl *now)
{
    c_names names = begin_names(c);
    idl_cname_decl(was, &names.was);
    idl_cname_decl(now, &names.now);
    end_names(c, now->span, was->span, &names);
}

static void check_field_name(gen_checker *c, const idl_field *was,
                             const idl_field *now)
{
    c_names names = begin_names(c);
    idl_cname_field(was, &names.was);
    idl_cname_field(now, &names.now);
    end_names(c, now->span, was->span, &names);
}

static void check_item_name(gen_checker *c, const idl_enum_item *was,
                            const idl_enum_item *now)
{
    c_names names = begin_names(c);
    idl_cname_item(was, &names.was);
    idl_cname_item(now, &names.now);
    end_names(c, now->span, was->span, &names);
}

static void check_method_name(gen_checker *c, const idl_method *was,
                              const idl_method *now)
{
    c_names names = begin_names(c);
    idl_cname_method_part(was, &names.was);
    idl_cname_method_part(now, &names.now);
    end_names(c, now->span, was->span, &names);
}

/* ---- types in C ---------------------------------------------------------- */

/* Whether two types are the same in C. Bounds are not visible there. Records
 * and enums are the same if their names are: their members are compared
 * separately. */
static bool same_type(const idl_type *a, const idl_type *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    if (a->kind != b->kind || a->length != b->length) {
        return false;
    }
    if (a->record != NULL) {
        return strcmp(a->record->decl.full_name, b->record->decl.full_name) ==
               0;
    }
    if (a->enumeration != NULL) {
        return strcmp(a->enumeration->decl.full_name,
                      b->enumeration->decl.full_name) == 0;
    }
    return same_type(a->key, b->key) && same_type(a->element, b->element);
}

static const char *value_text(gen_checker *c, const idl_type *type,
                              const idl_value *value)
{
    if (value->kind == IDL_VALUE_NONE) {
        return "nothing";
    }
    shmrpci_buf text;
    idl_buf_init(&text, c->memory);
    idl_canonical_value(value, type->kind, &text);
    return shmrpci_buf_text(&text);
}

/* Checks the default that a receiver fills in, because programs may rely on it.
 * A new default for a field that had none is not a break: senders so far have
 * always set the field. */
static void check_default(gen_checker *c, const char *owner,
                          const idl_field *was, const idl_field *now)
{
    const char *old_text = value_text(c, was->type, &was->default_value);
    const char *new_text = value_text(c, now->type, &now->default_value);
    if (was->default_value.kind != IDL_VALUE_NONE &&
        strcmp(old_text, new_text) != 0) {
        add(c, GEN_CHECK_C_MEANING, now->span, was->span,
            idl_printf(c->memory, "the default of `%s.%s` is now %s", owner,
                       now->name, new_text),
            idl_printf(c->memory, "it was %s", old_text));
    }
}

/* ---- members ---- */

/* Checks type, presence, default and name; several of these may have
 * changed. */
static void check_field(gen_checker *c, const char *owner, const idl_field *was,
                        const idl_field *now)
{
    if (!same_type(was->type, now->type)) {
        add(c, GEN_CHECK_C_FIELD_TYPE, now->type->span, was->type->span,
            idl_printf(c->memory, "`%s.%s` is now %s", owner, now->name,
                       gen_type_text(c, now->type)),
            idl_printf(c->memory, "it was %s", gen_type_text(c, was->type)));
    }
    if (was->optional != now->optional) {
        add(c, GEN_CHECK_C_OPTIONAL, now->span, was->span,
            idl_printf(c->memory, "`%s.%s` is now %s", owner, now->name,
                       now->optional ? "optional" : "required"),
            was->optional ? "it was optional" : "it was required");
    }
    check_default(c, owner, was, now);
    check_field_name(c, was, now);
}

static void check_record(gen_checker *c, const idl_record *was,
                         const idl_record *now)
{
    const char *owner = now->decl.full_name;
    check_decl_name(c, &was->decl, &now->decl);
    for (size_t i = 0; i < was->field_count; i++) {
        const idl_field *field =
            gen_find_field(now->fields, now->field_count, was->fields[i].name);
        if (field != NULL) {
            check_field(c, owner, &was->fields[i], field);
        } else {
            add(c, GEN_CHECK_C_FIELD_GONE, now->decl.span, was->fields[i].span,
                idl_printf(c->memory, "`%s.%s` is gone", owner,
                           was->fields[i].name),
                "it was here");
        }
    }
}

/* Also compares the values of enumerators, because they may have been
 * stored. */
static void check_enum(gen_checker *c, const idl_enum *was, const idl_enum *now)
{
    const char *owner = now->decl.full_name;
    check_decl_name(c, &was->decl, &now->decl);
    if (was->base != now->base) {
        add(c, GEN_CHECK_C_FIELD_TYPE, now->decl.span, was->decl.span,
            idl_printf(c->memory, "`%s` is now %s", owner,
                       idl_kind_name(now->base)),
            idl_printf(c->memory, "it was %s", idl_kind_name(was->base)));
    }
    for (size_t i = 0; i < was->item_count; i++) {
        const idl_enum_item *old_item = &was->items[i];
        const idl_enum_item *item = gen_find_item(now, old_item->name);
        if (item == NULL) {
            add(c, GEN_CHECK_C_FIELD_GONE, now->decl.span, old_item->span,
                idl_printf(c->memory, "`%s.%s` is gone", owner, old_item->name),
                "it was here");
            continue;
        }
        check_item_name(c, old_item, item);
        if (item->value != old_item->value) {
            add(c, GEN_CHECK_C_MEANING, item->span, old_item->span,
                idl_printf(c->memory, "`%s.%s` has another value", owner,
                           item->name),
                "it was this");
        }
    }
}

/* ---- methods ---- */

/* How the n-th parameters differ (C passes them by position); NULL if they
 * don't. */
static const char *param_differs(gen_checker *c, const idl_method *was,
                                 const idl_method *now, size_t n)
{
    if (n >= was->param_count) {
        return idl_printf(c->memory, "`%s` has a new parameter `%s`", now->name,
                          now->params[n].name);
    }
    const idl_field *old_param = &was->params[n];
    if (n >= now->param_count) {
        return idl_printf(c->memory, "parameter `%s` of `%s` is gone",
                          old_param->name, now->name);
    }
    const idl_field *param = &now->params[n];
    /* A renamed parameter doesn't matter to C, unless its new name is that of
     * another parameter: then the two were swapped. */
    bool moved =
        strcmp(param->name, old_param->name) != 0 &&
        gen_find_field(was->params, was->param_count, param->name) != NULL;
    if (moved) {
        return idl_printf(c->memory,
                          "the parameters of `%s` are in another order: number "
                          "%zu is `%s`",
                          now->name, n + 1, param->name);
    }
    if (!same_type(param->type, old_param->type) ||
        param->optional != old_param->optional) {
        return idl_printf(c->memory, "parameter `%s` of `%s` is now %s%s",
                          param->name, now->name,
                          param->optional ? "optional " : "",
                          gen_type_text(c, param->type));
    }
    return NULL;
}

/* Reports the first difference only; after it, positions can't be compared. */
static void check_params(gen_checker *c, const idl_method *was,
                         const idl_method *now)
{
    size_t count = was->param_count > now->param_count ? was->param_count
                                                       : now->param_count;
    for (size_t n = 0; n < count; n++) {
        const char *message = param_differs(c, was, now, n);
        if (message != NULL) {
            add(c, GEN_CHECK_C_PARAMS,
                n < now->param_count ? now->params[n].span : now->span,
                n < was->param_count ? was->params[n].span : was->span, message,
                n < was->param_count ? "it was this" : "the old version");
            return;
        }
    }
    for (size_t n = 0; n < count; n++) {
        check_default(c, now->name, &was->params[n], &now->params[n]);
    }
}

/* How the generated function returns its result, which determines the form of
 * every call. */
static const char *result_form(const idl_method *method)
{
    bool has_payload = false;
    for (size_t i = 0; i < method->throw_count; i++) {
        has_payload = has_payload || method->throws[i]->field_count > 0;
    }
    if (method->result_is_stream) {
        return "a stream";
    }
    bool by_value = method->result != NULL && idl_is_fixed(method->result);
    return has_payload              ? "a reply object"
           : method->result == NULL ? "nothing"
           : by_value               ? "a value"
                                    : "a reply object";
}

/* Compares the form first: if the form changes, every call must change; if only
 * the type changes, perhaps none. */
static void check_result(gen_checker *c, const idl_method *was,
                         const idl_method *now)
{
    const char *old_form = result_form(was);
    const char *new_form = result_form(now);
    if (strcmp(old_form, new_form) != 0) {
        add(c, GEN_CHECK_C_RESULT, now->span, was->span,
            idl_printf(c->memory, "`%s` now returns %s", now->name, new_form),
            idl_printf(c->memory, "it returned %s", old_form));
    } else if (!same_type(was->result, now->result)) {
        const idl_type *type = now->result;
        add(c, GEN_CHECK_C_RESULT, now->span, was->span,
            idl_printf(c->memory, "`%s` now returns %s", now->name,
                       type != NULL ? gen_type_text(c, type) : "nothing"),
            idl_printf(c->memory, "it returned %s",
                       was->result != NULL ? gen_type_text(c, was->result)
                                           : "nothing"));
    }
}

static void check_service(gen_checker *c, const idl_service *was,
                          const idl_service *now)
{
    check_decl_name(c, &was->decl, &now->decl);
    for (size_t i = 0; i < was->method_count; i++) {
        const idl_method *old_method = &was->methods[i];
        const idl_method *method = gen_find_method(now, old_method->name);
        if (method == NULL) {
            add(c, GEN_CHECK_C_METHOD_GONE, now->decl.span, old_method->span,
                idl_printf(c->memory, "the functions of `%s` are gone",
                           old_method->name),
                "it was here");
            continue;
        }
        check_method_name(c, old_method, method);
        /* A lock has parameters in the order of their numbers, so they are
         * compared only if the current version has that order too. */
        if ((c->flags & GEN_CHECK_CANONICAL) == 0 ||
            gen_is_ascending(method->params, method->param_count)) {
            check_params(c, old_method, method);
        }
        check_result(c, old_method, method);
    }
}

/* ---- declarations ---- */

static void add_gone(gen_checker *c, const char *what, const idl_decl *decl)
{
    add(c, GEN_CHECK_C_TYPE_GONE, top_of(c), decl->span,
        idl_printf(c->memory, "%s `%s` is gone", what, decl->full_name),
        "it was here");
}

/* The record's keyword in the language. */
static const char *record_word(const idl_record *record)
{
    static const char *const words[] = {"struct", "union", "error"};
    return words[record->kind];
}

static void check_records(gen_checker *c)
{
    for (size_t i = 0; i < c->old_version->by_value_count; i++) {
        const idl_record *was = c->old_version->by_value[i];
        if (was->decl.imported) {
            continue;
        }
        const idl_record *now =
            gen_find_record(c->new_version, was->decl.full_name);
        if (now == NULL || now->kind != was->kind) {
            add_gone(c, record_word(was), &was->decl);
            continue;
        }
        check_record(c, was, now);
        if (was->number != now->number) {
            add(c, GEN_CHECK_C_MEANING, now->decl.span, was->decl.span,
                idl_printf(c->memory, "error `%s` has another number",
                           now->decl.full_name),
                "it was this");
        }
    }
}

/* Compares values as text, which is exact for every kind. */
static void check_consts(gen_checker *c)
{
    for (size_t i = 0; i < c->old_version->const_count; i++) {
        const idl_const *was = c->old_version->consts[i];
        const idl_const *now = NULL;
        for (size_t k = 0; k < c->new_version->const_count; k++) {
            const idl_const *other = c->new_version->consts[k];
            if (strcmp(other->decl.full_name, was->decl.full_name) == 0) {
                now = other;
            }
        }
        if (was->decl.imported) {
            continue;
        }
        if (now == NULL) {
            add_gone(c, "constant", &was->decl);
            continue;
        }
        const char *old_text = value_text(c, was->type, &was->value);
        const char *new_text = value_text(c, now->type, &now->value);
        if (strcmp(old_text, new_text) != 0) {
            add(c, GEN_CHECK_C_MEANING, now->decl.span, was->decl.span,
                idl_printf(c->memory, "`%s` is now %s", now->decl.full_name,
                           new_text),
                idl_printf(c->memory, "it was %s", old_text));
        }
        check_decl_name(c, &was->decl, &now->decl);
    }
}

/* Removed services are reported by wire. */
void gen_check_source(gen_checker *c)
{
    const idl_schema *old_version = c->old_version;
    check_records(c);
    check_consts(c);
    for (size_t i = 0; i < old_version->enum_count; i++) {
        const idl_enum *was = old_version->enums[i];
        const idl_enum *now =
            gen_find_enum(c->new_version, was->decl.full_name);
        if (!was->decl.imported && now == NULL) {
            add_gone(c, "enum", &was->decl);
        } else if (!was->decl.imported) {
            check_enum(c, was, now);
        }
    }
    for (size_t i = 0; i < old_version->service_count; i++) {
        const idl_service *was = old_version->services[i];
        const idl_service *now =
            gen_find_service(c->new_version, was->decl.full_name);
        if (!was->decl.imported && now != NULL) {
            check_service(c, was, now);
        }
    }
}

/*
 * Check: its rules, and turning findings into diagnostics.
 *
 * The parts (wire, shared, source, layout, reserve) add findings in any order;
 * a break that is found twice, for example in a type that two methods reach, is
 * one finding. At the end each finding becomes a diagnostic: a warning if it is
 * allowed, else an error. Diagnostics are sorted by place.
 *
 * Memory comes from one arena through idl_memory, which jumps back to gen_check
 * when it runs out, so the parts need not check for that.
 */
#include "generator/check/check.h"

#include <string.h>

#include "generator/check/parts.h"
#include "idl/canonical.h"

/* Generated from the list in check.h, so that code, name, kind and title
 * agree. */
static const gen_check_rule rules[] = {
#define GEN_X(name, number, kind, title) \
    {GEN_CHECK_##name, #name, GEN_BREAK_##kind, title},
    GEN_CHECK_LIST(GEN_X)
#undef GEN_X
};

#define RULE_COUNT (sizeof rules / sizeof rules[0])

_Static_assert(RULE_COUNT <= sizeof((gen_check_allow *)0)->codes / sizeof(bool),
               "gen_check_allow.codes has an entry for each rule");

const char *gen_break_name(gen_break kind)
{
    static const char *const names[] = {"wire", "source", "layout", "reserve"};
    return names[kind];
}

const gen_check_rule *gen_check_rule_find(unsigned number)
{
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if ((unsigned)rules[i].code == number) {
            return &rules[i];
        }
    }
    return NULL;
}

/* `rule` must point into the table. */
size_t gen_check_index(const gen_check_rule *rule)
{
    return (size_t)(rule - rules);
}

/* ---- findings ---- */

static bool same_span(idl_span a, idl_span b)
{
    return a.source == b.source && a.begin == b.begin && a.end == b.end;
}

/* A linear search, as there are few findings. */
gen_finding *gen_find(gen_checker *c, gen_check_code code, idl_span span,
                      idl_span old_span)
{
    gen_finding *at = c->first;
    while (at != NULL && (at->code != code || !same_span(at->span, span) ||
                          !same_span(at->old_span, old_span))) {
        at = at->next;
    }
    if (at == NULL) {
        at = IDL_NEW(c->memory, gen_finding);
        at->code = code;
        at->span = span;
        at->old_span = old_span;
        *c->end = at;
        c->end = &at->next;
    }
    return at;
}

/* Whether the break is allowed: by its kind, by its code, or because
 * `new_clients` is set and only new clients of an old server meet it. */
static bool is_allowed(const gen_check_allow *allow, const gen_finding *found,
                       const gen_check_rule *rule)
{
    return allow != NULL &&
           (allow->kinds[rule->kind] || allow->codes[gen_check_index(rule)] ||
            (allow->new_clients && found->meets == GEN_MEETS_NEW_CLIENT));
}

/* Says which clients break; "" if both old and new ones do. */
static const char *meets_text(unsigned meets)
{
    return meets == GEN_MEETS_OLD_CLIENT ? "; old clients of a new server break"
           : meets == GEN_MEETS_NEW_CLIENT
               ? "; new clients of an old server break"
               : "";
}

/* The order of findings: by place; findings at the same place stay in the order
 * in which they were found. */
static bool is_before(const idl_diag *a, const idl_diag *b)
{
    if (a->span.source != b->span.source) {
        return strcmp(a->span.source->path, b->span.source->path) < 0;
    }
    return a->span.begin < b->span.begin;
}

/* Adds a diagnostic without idl_report and idl_diags_sort. idl_report knows
 * only the codes of the language, and stops after IDL_MAX_ERRORS.
 * idl_diags_sort keeps only one diagnostic of a code at each place, but several
 * removed fields are reported at the same place. */
static void report(gen_checker *c, idl_diags *diags, const gen_finding *found,
                   const gen_check_rule *rule, bool allowed)
{
    idl_diag *diag = IDL_NEW(c->memory, idl_diag);
    diag->order = diags->reported++;
    diag->code = (idl_code)found->code;
    diag->severity = allowed ? IDL_WARNING : IDL_ERROR;
    diag->span = found->span;
    diag->message =
        idl_printf(c->memory, "%s: %s%s", gen_break_name(rule->kind),
                   found->message, meets_text(found->meets));
    diag->expected = found->expected;
    if (found->old_span.source != NULL) {
        idl_add_note(diags, diag, found->old_span, "%s", found->was);
    }
    /* Inserts in order, so that the list stays sorted. */
    idl_diag **at = &diags->first;
    while (*at != NULL && !is_before(diag, *at)) {
        at = &(*at)->next;
    }
    diag->next = *at;
    *at = diag;
    diags->error_count += !allowed;
    diags->warning_count += allowed;
}

/* ---- look-ups ---- */

/* The searches below are linear and by name, since the two versions share no
 * objects. */
const idl_record *gen_find_record(const idl_schema *schema,
                                  const char *full_name)
{
    for (size_t i = 0; i < schema->by_value_count; i++) {
        if (strcmp(schema->by_value[i]->decl.full_name, full_name) == 0) {
            return schema->by_value[i];
        }
    }
    return NULL;
}

const idl_enum *gen_find_enum(const idl_schema *schema, const char *full_name)
{
    for (size_t i = 0; i < schema->enum_count; i++) {
        if (strcmp(schema->enums[i]->decl.full_name, full_name) == 0) {
            return schema->enums[i];
        }
    }
    return NULL;
}

const idl_service *gen_find_service(const idl_schema *schema,
                                    const char *full_name)
{
    for (size_t i = 0; i < schema->service_count; i++) {
        if (strcmp(schema->services[i]->decl.full_name, full_name) == 0) {
            return schema->services[i];
        }
    }
    return NULL;
}

const idl_method *gen_find_method(const idl_service *service, const char *name)
{
    for (size_t i = 0; i < service->method_count; i++) {
        if (strcmp(service->methods[i].name, name) == 0) {
            return &service->methods[i];
        }
    }
    return NULL;
}

const idl_field *gen_find_field(const idl_field *fields, size_t count,
                                const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

const idl_enum_item *gen_find_item(const idl_enum *enumeration,
                                   const char *name)
{
    for (size_t i = 0; i < enumeration->item_count; i++) {
        if (strcmp(enumeration->items[i].name, name) == 0) {
            return &enumeration->items[i];
        }
    }
    return NULL;
}

/* Some old versions, such as locks, have lost the order of declaration: their
 * fields are in the order of their numbers. They can be compared by position
 * only if the new fields are declared in the order of their numbers too. */
bool gen_is_ascending(const idl_field *fields, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (fields[i].tag < fields[i - 1].tag) {
            return false;
        }
    }
    return true;
}

const char *gen_type_text(gen_checker *c, const idl_type *type)
{
    shmrpci_buf text;
    idl_buf_init(&text, c->memory);
    idl_canonical_type(type, &text);
    return shmrpci_buf_text(&text);
}

/* ---- entry point --------------------------------------------------------- */

/* Wire comes first, so that at one place its findings precede those about C. */
static shmrpc_status find_all(gen_checker *c)
{
    shmrpc_status status = gen_check_wire(c);
    if (status == SHMRPC_OK) {
        gen_check_shared(c);
        gen_check_source(c);
        status = gen_check_layout(c);
    }
    if (status == SHMRPC_OK) {
        gen_check_reserve(c);
    }
    return status;
}

shmrpc_status gen_check(const idl_schema *old_version,
                        const idl_schema *new_version,
                        const gen_check_allow *allow, unsigned flags,
                        idl_diags *diags, gen_check_result *result)
{
    gen_checker c = {.old_version = old_version,
                     .new_version = new_version,
                     .flags = flags,
                     .memory = diags->memory};
    c.end = &c.first;
    /* idl_memory jumps here when the arena is full. */
    if (setjmp(c.memory->exhausted) != 0) {
        return SHMRPC_E_NO_MEMORY;
    }
    *result = (gen_check_result){.breaks = {0}};
    shmrpc_status status = find_all(&c);
    if (status != SHMRPC_OK) {
        return status;
    }
    for (const gen_finding *at = c.first; at != NULL; at = at->next) {
        const gen_check_rule *rule = gen_check_rule_find((unsigned)at->code);
        bool allowed = is_allowed(allow, at, rule);
        report(&c, diags, at, rule, allowed);
        result->breaks[rule->kind] += !allowed;
    }
    return SHMRPC_OK;
}

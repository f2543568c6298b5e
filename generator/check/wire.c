/*
 * Check: finds breaks on the wire, as connect would.
 *
 * Both versions of each service are converted to contracts, which are compared
 * by the function that connect uses (codec/contract.h), once with the old
 * version as client and once with the new one. So the check is exactly as
 * strict as connect. That function's reports have no places in a source; this
 * file finds the places in both sources, and writes the messages.
 *
 * A difference found in both directions is one finding, which says so.
 */
#include <inttypes.h>
#include <string.h>

#include "codec/contract.h"
#include "generator/check/parts.h"
#include "idl/canonical.h"
#include "idl/descriptor.h"
#include "idl/largest.h"

/* The place of a difference in one version, and what is declared there; members
 * that don't apply are NULL. */
typedef struct spot {
    idl_span span;     /* of the name */
    const char *label; /* "`acme.Query.limit`" */
    bool is_whole;     /* this version lacks the member: the place is its
                        * owner */
    const idl_record *record;
    const idl_enum *enumeration;
    const idl_enum_item *item;
    const idl_field *field;
    const idl_type *type;
} spot;

/* One comparison of the two services; `old_is_client` is its direction. */
typedef struct side {
    gen_checker *c;
    const idl_service *old_service;
    const idl_service *new_service;
    bool old_is_client;
} side;

/* Adds `meets` to the finding, which may exist already. */
static gen_finding *add(gen_checker *c, gen_check_code code, unsigned meets,
                        idl_span span, idl_span old_span)
{
    gen_finding *found = gen_find(c, code, span, old_span);
    found->meets |= meets;
    return found;
}

/* ---- places ---- */

/* A copy with a NUL: names in a contract are views without one. */
static const char *text_of(gen_checker *c, shmrpc_str text)
{
    return idl_strndup(c->memory, text.ptr, text.len);
}

static spot spot_of_field(gen_checker *c, const char *owner,
                          const idl_field *field)
{
    return (spot){
        .span = field->span,
        .label = idl_printf(c->memory, "`%s.%s`", owner, field->name),
        .field = field,
        .type = field->type,
    };
}

/* Finds the member of a record. If this version lacks it, the place is the
 * record, and `is_whole` is set. */
static spot spot_in_record(gen_checker *c, const idl_record *record,
                           const char *member)
{
    const idl_field *field =
        gen_find_field(record->fields, record->field_count, member);
    spot at = {.span = record->decl.span,
               .label = idl_printf(c->memory, "`%s`", record->decl.full_name),
               .is_whole = true};
    if (field != NULL) {
        at = spot_of_field(c, record->decl.full_name, field);
    }
    at.record = record;
    return at;
}

static spot spot_in_enum(gen_checker *c, const idl_enum *enumeration,
                         const char *member)
{
    const idl_enum_item *item = gen_find_item(enumeration, member);
    const char *name = enumeration->decl.full_name;
    return (spot){
        .span = item != NULL ? item->span : enumeration->decl.span,
        .label =
            idl_printf(c->memory, "`%s%s%s`", name, item != NULL ? "." : "",
                       item != NULL ? item->name : ""),
        .is_whole = item == NULL,
        .enumeration = enumeration,
        .item = item,
    };
}

/* Finds the place of a difference within a method. Parameters have no named
 * type in the source, so their owner is the method. If no member is named, the
 * result, an item of a stream or the method itself differs. */
static spot spot_in_method(gen_checker *c, const idl_method *method,
                           const shmrpci_difference *difference,
                           const char *member)
{
    const idl_field *param =
        gen_find_field(method->params, method->param_count, member);
    if (param != NULL) {
        return spot_of_field(c, method->name, param);
    }
    spot at = {.span = method->span,
               .label = idl_printf(c->memory, "`%s`", method->name),
               .is_whole = true};
    bool in_type = *member == '\0' &&
                   difference->kind != SHMRPCI_DIFFERENCE_FIELD &&
                   difference->kind >= SHMRPCI_DIFFERENCE_TYPE;
    const idl_type *items =
        difference->is_in_items
            ? idl_stream_items(method, difference->client_writes)
            : NULL;
    if (in_type && items != NULL) {
        at.span = items->span;
        at.label =
            idl_printf(c->memory, "an item %s `%s`",
                       difference->client_writes ? "sent to" : "returned by",
                       method->name);
        at.type = items;
    } else if (in_type && !difference->client_writes &&
               method->result != NULL) {
        at.span = method->result->span;
        at.label = idl_printf(c->memory, "the result of `%s`", method->name);
        at.type = method->result;
    }
    return at;
}

/* Finds the place of a difference. The owner's name says where to look: in a
 * record, in an enum, or in the method itself if the name is empty. */
static spot spot_of(gen_checker *c, const idl_schema *schema,
                    const idl_service *service,
                    const shmrpci_difference *difference,
                    const shmrpci_difference_place *place)
{
    const char *member = text_of(c, place->member);
    const char *owner = text_of(c, place->owner);
    const idl_record *record = gen_find_record(schema, owner);
    const idl_enum *enumeration = gen_find_enum(schema, owner);
    if (record != NULL) {
        return spot_in_record(c, record, member);
    }
    if (enumeration != NULL) {
        return spot_in_enum(c, enumeration, member);
    }
    const idl_method *method =
        gen_find_method(service, text_of(c, difference->method));
    if (method != NULL) {
        return spot_in_method(c, method, difference, member);
    }
    return (spot){.span = service->decl.span,
                  .label = service->decl.full_name,
                  .is_whole = true};
}

/* ---- texts of findings ---- */

/* The text of a type, or of the base type of an enum. */
static const char *type_at(gen_checker *c, const spot *at)
{
    if (at->type != NULL) {
        return gen_type_text(c, at->type);
    }
    return at->enumeration != NULL ? idl_kind_name(at->enumeration->base)
                                   : "something else";
}

static idl_span type_span(const spot *at)
{
    return at->type != NULL ? at->type->span : at->span;
}

/* The rule for each kind of difference. Several kinds share a rule, because
 * users allow rules, not details. */
static const gen_check_code codes[] = {
    [SHMRPCI_DIFFERENCE_METHOD] = GEN_CHECK_METHOD_GONE,
    [SHMRPCI_DIFFERENCE_ENCODING] = GEN_CHECK_ENCODING,
    [SHMRPCI_DIFFERENCE_ONEWAY] = GEN_CHECK_CALL,
    [SHMRPCI_DIFFERENCE_STREAM] = GEN_CHECK_CALL,
    [SHMRPCI_DIFFERENCE_IDEMPOTENT] = GEN_CHECK_CALL,
    [SHMRPCI_DIFFERENCE_RESULT] = GEN_CHECK_RESULT,
    [SHMRPCI_DIFFERENCE_ERROR] = GEN_CHECK_ERROR,
    [SHMRPCI_DIFFERENCE_DETAILS] = GEN_CHECK_ERROR,
    [SHMRPCI_DIFFERENCE_TYPE] = GEN_CHECK_TYPE,
    [SHMRPCI_DIFFERENCE_BOUNDS] = GEN_CHECK_BOUNDS,
    [SHMRPCI_DIFFERENCE_PRESENCE] = GEN_CHECK_PRESENCE,
    [SHMRPCI_DIFFERENCE_NAME] = GEN_CHECK_FIELD_NAME,
    [SHMRPCI_DIFFERENCE_NUMBER] = GEN_CHECK_FIELD_NUMBER,
    [SHMRPCI_DIFFERENCE_FIELD] = GEN_CHECK_FIELD,
    [SHMRPCI_DIFFERENCE_MEMBER] = GEN_CHECK_MEMBER,
    [SHMRPCI_DIFFERENCE_VALUE] = GEN_CHECK_VALUE,
    [SHMRPCI_DIFFERENCE_ENUMERATOR] = GEN_CHECK_VALUE,
    [SHMRPCI_DIFFERENCE_LIMIT] = GEN_CHECK_COMPLEX,
};

/* A field, member or enumerator that only one version has, and why that is a
 * break. */
static void say_extra(gen_checker *c, gen_finding *found,
                      const shmrpci_difference *difference, const spot *now,
                      const spot *was)
{
    bool is_new = was->is_whole;
    const spot *at = is_new ? now : was;
    bool absent_ok =
        at->field != NULL && (at->field->optional ||
                              at->field->default_value.kind != IDL_VALUE_NONE);
    const char *why = ", and native can't skip it";
    if (difference->kind == SHMRPCI_DIFFERENCE_MEMBER) {
        why = ", and the other version can't read it";
    } else if (!absent_ok) {
        why = " and required";
    }
    found->message = idl_printf(c->memory, "%s is %s%s", at->label,
                                is_new ? "new" : "gone", why);
    found->was = is_new ? "the old version" : "it was here";
}

/* The most common form: "X is now A", "it was B". */
static void say_flag(gen_finding *found, const char *label, gen_checker *c,
                     const char *now, const char *was)
{
    found->message = idl_printf(c->memory, "%s is now %s", label, now);
    found->was = idl_printf(c->memory, "it was %s", was);
}

/* Describes the directions of a method's streams. */
static const char *streams_of(const idl_method *method)
{
    if (method->stream_param == NULL) {
        return method->result_is_stream ? "a stream of results" : "no stream";
    }
    return method->result_is_stream ? "streams both ways"
                                    : "a stream to the server";
}

static void say_method(gen_checker *c, gen_finding *found,
                       const shmrpci_difference *difference,
                       const idl_method *now, const idl_method *was)
{
    const char *label = idl_printf(c->memory, "`%s`", now->name);
    if (difference->kind == SHMRPCI_DIFFERENCE_ENCODING) {
        say_flag(found, label, c, idl_encoding_name(now->encoding),
                 idl_encoding_name(was->encoding));
    } else if (difference->kind == SHMRPCI_DIFFERENCE_ONEWAY) {
        say_flag(found, label, c, now->oneway ? "oneway" : "answered",
                 was->oneway ? "oneway" : "answered");
    } else if (difference->kind == SHMRPCI_DIFFERENCE_STREAM) {
        found->message =
            idl_printf(c->memory, "%s now has %s", label, streams_of(now));
        found->was = idl_printf(c->memory, "it had %s", streams_of(was));
    } else if (difference->kind == SHMRPCI_DIFFERENCE_IDEMPOTENT) {
        say_flag(found, label, c,
                 now->idempotent ? "idempotent: a client may retry"
                                 : "not idempotent",
                 was->idempotent ? "idempotent: clients may retry" : "not");
    } else {
        found->message =
            idl_printf(c->memory, "%s now returns %s", label,
                       now->result != NULL ? "something" : "nothing");
        found->was = idl_printf(
            c->memory, "it returned %s",
            was->result != NULL ? gen_type_text(c, was->result) : "nothing");
    }
}

/* Two errors were compared because their name or their number agrees: says
 * whether the name, the number or the details differ. */
static void say_error(gen_checker *c, gen_finding *found, const spot *now,
                      const spot *was)
{
    const idl_record *new_error = now->record;
    const idl_record *old_error = was->record;
    if (strcmp(new_error->decl.full_name, old_error->decl.full_name) != 0) {
        found->message =
            idl_printf(c->memory, "error %" PRId32 " is now called %s",
                       new_error->number, now->label);
        found->was = idl_printf(c->memory, "it was called %s", was->label);
    } else if (new_error->number != old_error->number) {
        say_flag(found, now->label, c,
                 idl_printf(c->memory, "%" PRId32, new_error->number),
                 idl_printf(c->memory, "%" PRId32, old_error->number));
    } else {
        bool some = new_error->field_count > 0;
        found->message = idl_printf(c->memory, "%s now carries %s", now->label,
                                    some ? "details" : "nothing");
        found->was = some ? "it carried nothing" : "it carried details";
    }
}

static void say_enumerator(gen_checker *c, gen_finding *found,
                           const shmrpci_difference *difference,
                           const spot *now, const spot *was)
{
    if (difference->kind == SHMRPCI_DIFFERENCE_VALUE) {
        say_flag(found, now->label, c,
                 idl_printf(c->memory, "%" PRId64, now->item->value),
                 idl_printf(c->memory, "%" PRId64, was->item->value));
    } else {
        found->message = idl_printf(c->memory, "%" PRId64 " is now called %s",
                                    now->item->value, now->label);
        found->was = idl_printf(c->memory, "it was called %s", was->label);
    }
}

static void say_field(gen_checker *c, gen_finding *found,
                      const shmrpci_difference *difference, const spot *now,
                      const spot *was)
{
    if (difference->kind == SHMRPCI_DIFFERENCE_PRESENCE) {
        say_flag(found, now->label, c,
                 now->field->optional ? "optional" : "required",
                 was->field->optional ? "optional" : "required");
    } else if (difference->kind == SHMRPCI_DIFFERENCE_NAME) {
        found->message = idl_printf(c->memory, "number %" PRIu32 " is now %s",
                                    now->field->tag, now->label);
        found->was = idl_printf(c->memory, "it was %s", was->label);
    } else {
        found->message = idl_printf(c->memory, "%s now has number %" PRIu32,
                                    now->label, now->field->tag);
        found->was =
            idl_printf(c->memory, "it had number %" PRIu32, was->field->tag);
    }
}

/* Writes the message of a finding, from both places. Each kind of difference
 * uses only members of the places that are set whenever the comparison reports
 * this kind. */
static void say(side *s, gen_finding *found,
                const shmrpci_difference *difference, const spot *now,
                const spot *was)
{
    gen_checker *c = s->c;
    const char *name = text_of(c, difference->method);
    switch (difference->kind) {
    case SHMRPCI_DIFFERENCE_METHOD:
        found->message = idl_printf(c->memory, "method `%s` is gone", name);
        found->was = "it was here";
        break;
    case SHMRPCI_DIFFERENCE_ENCODING:
    case SHMRPCI_DIFFERENCE_ONEWAY:
    case SHMRPCI_DIFFERENCE_STREAM:
    case SHMRPCI_DIFFERENCE_IDEMPOTENT:
    case SHMRPCI_DIFFERENCE_RESULT:
        say_method(c, found, difference, gen_find_method(s->new_service, name),
                   gen_find_method(s->old_service, name));
        break;
    case SHMRPCI_DIFFERENCE_ERROR:
    case SHMRPCI_DIFFERENCE_DETAILS:
        say_error(c, found, now, was);
        break;
    case SHMRPCI_DIFFERENCE_TYPE:
    case SHMRPCI_DIFFERENCE_BOUNDS:
        say_flag(found, now->label, c, type_at(c, now), type_at(c, was));
        break;
    case SHMRPCI_DIFFERENCE_PRESENCE:
    case SHMRPCI_DIFFERENCE_NAME:
    case SHMRPCI_DIFFERENCE_NUMBER:
        say_field(c, found, difference, now, was);
        break;
    case SHMRPCI_DIFFERENCE_FIELD:
    case SHMRPCI_DIFFERENCE_MEMBER:
        say_extra(c, found, difference, now, was);
        break;
    case SHMRPCI_DIFFERENCE_VALUE:
    case SHMRPCI_DIFFERENCE_ENUMERATOR:
        say_enumerator(c, found, difference, now, was);
        break;
    case SHMRPCI_DIFFERENCE_LIMIT:
        found->message = idl_strndup(c->memory, difference->message,
                                     strlen(difference->message));
        found->was = "the old version";
        break;
    }
}

static void on_difference(const shmrpci_difference *difference, void *user)
{
    side *s = user;
    gen_checker *c = s->c;
    /* A method that the old server lacks is new. This is not a break: servers
     * are updated before any client calls it. */
    if (difference->kind == SHMRPCI_DIFFERENCE_METHOD && !s->old_is_client) {
        return;
    }
    const shmrpci_difference_place *old_place =
        s->old_is_client ? &difference->client : &difference->server;
    const shmrpci_difference_place *new_place =
        s->old_is_client ? &difference->server : &difference->client;
    spot was =
        spot_of(c, c->old_version, s->old_service, difference, old_place);
    spot now =
        spot_of(c, c->new_version, s->new_service, difference, new_place);
    /* These differences are reported at the type, all others at the name. */
    bool of_type = difference->kind == SHMRPCI_DIFFERENCE_TYPE ||
                   difference->kind == SHMRPCI_DIFFERENCE_BOUNDS;
    gen_finding *found =
        add(c, codes[difference->kind],
            s->old_is_client ? GEN_MEETS_OLD_CLIENT : GEN_MEETS_NEW_CLIENT,
            of_type ? type_span(&now) : now.span,
            of_type ? type_span(&was) : was.span);
    /* The comparison in the other direction may have written the message. */
    if (found->message == NULL) {
        say(s, found, difference, &now, &was);
    }
}

/* ---- beyond contracts ---- */

static const char *rest_text(gen_checker *c, const idl_method *method)
{
    return method->rest.verb == NULL
               ? "no REST address"
               : idl_printf(c->memory, "%s %s", method->rest.verb,
                            method->rest.path);
}

/* Compares REST addresses, which only shmrpc-web uses: contracts don't have
 * them. A new address is not a break, a changed one is. */
static void check_method(gen_checker *c, const idl_method *was,
                         const idl_method *now)
{
    const char *old_rest = rest_text(c, was);
    const char *new_rest = rest_text(c, now);
    if (was->rest.verb != NULL && strcmp(old_rest, new_rest) != 0) {
        gen_finding *found =
            add(c, GEN_CHECK_REST, GEN_MEETS_OLD_CLIENT, now->span, was->span);
        found->message =
            idl_printf(c->memory, "`%s` now has %s", now->name, new_rest);
        found->was = idl_printf(c->memory, "it had %s", old_rest);
    }
}

/* Clients look up a service by its name and port before any contract is
 * compared. */
static void check_address(gen_checker *c, const idl_service *was,
                          const idl_service *now)
{
    if (strcmp(was->name, now->name) == 0 && was->port == now->port) {
        return;
    }
    gen_finding *found = add(c, GEN_CHECK_SERVICE_ADDRESS,
                             GEN_MEETS_OLD_CLIENT | GEN_MEETS_NEW_CLIENT,
                             now->decl.span, was->decl.span);
    found->message =
        idl_printf(c->memory, "`%s` is now found as \"%s\" at port %u",
                   now->decl.full_name, now->name, (unsigned)now->port);
    found->was = idl_printf(c->memory, "it was found as \"%s\" at port %u",
                            was->name, (unsigned)was->port);
}

/* ---- services ---- */

/* Builds the contract from the tables that a program would have. */
static shmrpc_status contract_of(gen_checker *c, const idl_schema *schema,
                                 const idl_service *service,
                                 const shmrpci_contract **out)
{
    const shmrpc_service *tables = NULL;
    shmrpc_status status =
        idl_descriptor(schema, service, c->memory->arena, &tables);
    if (status == SHMRPC_OK) {
        status =
            (shmrpc_status)shmrpci_contract_of(tables, c->memory->arena, out);
    }
    return status;
}

static shmrpc_status compare_one_way(side *s, const shmrpci_contract *client,
                                     const shmrpci_contract *server,
                                     size_t method_count)
{
    /* The comparison fills these in; they are not used here. */
    uint32_t *ids = IDL_NEW_ARRAY(s->c->memory, method_count, uint32_t);
    int status =
        shmrpci_contract_differences(client, server, ids, on_difference, s);
    return status == SHMRPC_E_NO_MEMORY ? SHMRPC_E_NO_MEMORY : SHMRPC_OK;
}

static shmrpc_status check_service(gen_checker *c, const idl_service *was,
                                   const idl_service *now)
{
    const shmrpci_contract *old_contract = NULL;
    const shmrpci_contract *new_contract = NULL;
    side s = {
        .c = c, .old_service = was, .new_service = now, .old_is_client = true};
    shmrpc_status status = contract_of(c, c->old_version, was, &old_contract);
    if (status == SHMRPC_OK) {
        status = contract_of(c, c->new_version, now, &new_contract);
    }
    if (status == SHMRPC_OK) {
        status =
            compare_one_way(&s, old_contract, new_contract, was->method_count);
    }
    s.old_is_client = false;
    if (status == SHMRPC_OK) {
        status =
            compare_one_way(&s, new_contract, old_contract, now->method_count);
    }
    for (size_t i = 0; i < was->method_count; i++) {
        const idl_method *method = gen_find_method(now, was->methods[i].name);
        if (method != NULL) {
            check_method(c, &was->methods[i], method);
        }
    }
    check_address(c, was, now);
    return status;
}

shmrpc_status gen_check_wire(gen_checker *c)
{
    const idl_schema *old_version = c->old_version;
    shmrpc_status status = SHMRPC_OK;
    for (size_t i = 0; status == SHMRPC_OK && i < old_version->service_count;
         i++) {
        const idl_service *was = old_version->services[i];
        if (was->decl.imported) {
            continue;
        }
        const idl_service *now =
            gen_find_service(c->new_version, was->decl.full_name);
        if (now != NULL) {
            status = check_service(c, was, now);
            continue;
        }
        idl_span top = {c->new_version->main->source, 0, 0};
        gen_finding *found = add(c, GEN_CHECK_SERVICE_GONE,
                                 GEN_MEETS_OLD_CLIENT, top, was->decl.span);
        found->message =
            idl_printf(c->memory, "service `%s` is gone", was->decl.full_name);
        found->was = "it was here";
    }
    return status;
}

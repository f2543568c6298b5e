/*
 * Compares the members of two structs, unions or enums.
 *
 * Members are matched by name, and must then have the same number; a number
 * that the two sides give different names is also a difference. So it doesn't
 * matter that json and msgpack use names where native and @compact use numbers:
 * members agree in both forms or in neither.
 *
 * Some members have no partner. Whether that is compatible depends on the kind
 * (a union's member, a struct's field, an enumerator), on who writes, and on
 * the encoding: native can't skip anything.
 *
 * Searches are linear: at least one of the two contracts is our own, and types
 * have few members.
 */
#include <inttypes.h>

#include "codec/contract_types.h"

typedef shmrpci_contract_type type_form;
typedef shmrpci_contract_field field_form;
typedef shmrpci_comparison comparison;

/* Arguments for "%.*s". */
#define NAME(str) (int)(str).len, (str).ptr

static const field_form *field_by_name(const type_form *type, shmrpc_str name)
{
    for (size_t i = 0; i < type->fields.len; i++) {
        if (shmrpc_str_equal(type->fields.ptr[i].name, name)) {
            return &type->fields.ptr[i];
        }
    }
    return NULL;
}

static const field_form *field_by_tag(const type_form *type, uint32_t tag)
{
    for (size_t i = 0; i < type->fields.len; i++) {
        if (type->fields.ptr[i].tag == tag) {
            return &type->fields.ptr[i];
        }
    }
    return NULL;
}

static bool is_native(const comparison *cmp)
{
    return cmp->encoding == SHMRPC_ENCODING_NATIVE;
}

static bool is_optional(const field_form *field)
{
    return (field->flags & SHMRPCI_CONTRACT_OPTIONAL) != 0;
}

/* Whether a reader of this type accepts that the field is missing. A writer may
 * leave out only optional fields: it always writes a field with a default. */
static bool may_be_absent(const field_form *field)
{
    return (field->flags &
            (SHMRPCI_CONTRACT_OPTIONAL | SHMRPCI_CONTRACT_DEFAULTED)) != 0;
}

/* Native images differ as soon as only one side has a presence byte. In other
 * encodings only a missing value matters: the writer must not leave out what
 * the reader requires. */
static int compare_presence(comparison *cmp, const field_form *client,
                            const field_form *server)
{
    const field_form *writer = cmp->client_writes ? client : server;
    const field_form *reader = cmp->client_writes ? server : client;
    bool differs = is_native(cmp)
                       ? is_optional(client) != is_optional(server)
                       : is_optional(writer) && !may_be_absent(reader);
    return differs ? shmrpci_contract_differ(
                         cmp, SHMRPCI_DIFFERENCE_PRESENCE,
                         "is %s here and %s at the server",
                         is_optional(client) ? "optional" : "required",
                         is_optional(server) ? "optional" : "required")
                   : SHMRPC_OK;
}

/* Compares a field that both sides have. While its type is compared, `cmp` has
 * the path and the places of the field. */
static int compare_field(comparison *cmp, const field_form *client,
                         const field_form *server)
{
    size_t old = shmrpci_contract_push(cmp, ".", client->name);
    cmp->here.member = client->name;
    cmp->there.member = server->name;
    int status = SHMRPC_OK;
    if (client->tag != server->tag) {
        status = shmrpci_contract_differ(cmp, SHMRPCI_DIFFERENCE_NUMBER,
                                         "has number %" PRIu32
                                         " here and %" PRIu32 " at the server",
                                         client->tag, server->tag);
    }
    if (status == SHMRPC_OK) {
        status = compare_presence(cmp, client, server);
    }
    if (status == SHMRPC_OK) {
        status =
            shmrpci_contract_compare_types(cmp, client->type, server->type);
    }
    shmrpci_contract_pop(cmp, old);
    return status;
}

/* Enters a field that only one side has: extends the path by it, and leaves the
 * other side's place empty. Returns the value for pop. */
static size_t enter_extra(comparison *cmp, shmrpc_str name, bool is_client)
{
    static const shmrpc_str none = {.ptr = "", .len = 0};
    cmp->here.member = is_client ? name : none;
    cmp->there.member = is_client ? none : name;
    return shmrpci_contract_push(cmp, ".", name);
}

/* Reports a number that has different names on the two sides: a renamed field,
 * or a number that was reused. */
static int differ_names(comparison *cmp, const field_form *client,
                        const field_form *server)
{
    size_t old = shmrpci_contract_push(cmp, ".", client->name);
    cmp->here.member = client->name;
    cmp->there.member = server->name;
    int status = shmrpci_contract_differ(cmp, SHMRPCI_DIFFERENCE_NAME,
                                         "is called %.*s at the server",
                                         NAME(server->name));
    shmrpci_contract_pop(cmp, old);
    return status;
}

/* A field that only one side has is compatible if it may be absent. If only the
 * reader has it, the reader leaves it absent or uses its default. If only the
 * writer has it, the reader skips it. A required field is refused in both
 * cases, although a reader that doesn't know it could skip it: see the table in
 * README.md. */
static int allow_extra(comparison *cmp, const field_form *extra, bool is_client)
{
    size_t old = enter_extra(cmp, extra->name, is_client);
    int status = SHMRPC_OK;
    if (is_native(cmp)) {
        status =
            shmrpci_contract_differ(cmp, SHMRPCI_DIFFERENCE_FIELD,
                                    "is unknown %s, and native can't skip it",
                                    is_client ? "to the server" : "here");
    } else if (!may_be_absent(extra)) {
        status = shmrpci_contract_differ(cmp, SHMRPCI_DIFFERENCE_FIELD,
                                         "is required %s and unknown %s",
                                         is_client ? "here" : "by the server",
                                         is_client ? "to the server" : "here");
    }
    shmrpci_contract_pop(cmp, old);
    return status;
}

/* A union member that only one side has must never be written, because a reader
 * couldn't tell what was chosen. So it is compatible only if it is the
 * reader's. */
static int allow_member(comparison *cmp, const field_form *extra,
                        bool is_client)
{
    if (!is_native(cmp) && cmp->client_writes != is_client) {
        return SHMRPC_OK;
    }
    size_t old = enter_extra(cmp, extra->name, is_client);
    int status = shmrpci_contract_differ(cmp, SHMRPCI_DIFFERENCE_MEMBER,
                                         "is a member %s and unknown %s",
                                         is_client ? "here" : "at the server",
                                         is_client ? "to the server" : "here");
    shmrpci_contract_pop(cmp, old);
    return status;
}

/* Decides whether a field that only one side has is compatible; returns OK if
 * it is. */
typedef int allow_fn(comparison *cmp, const field_form *extra, bool is_client);

static int compare_fields(comparison *cmp, const type_form *client,
                          const type_form *server, allow_fn *allow)
{
    int status = SHMRPC_OK;
    for (size_t i = 0; status == SHMRPC_OK && i < client->fields.len; i++) {
        const field_form *mine = &client->fields.ptr[i];
        const field_form *theirs = field_by_name(server, mine->name);
        /* A field that is found neither by name nor by number exists only at
         * the client. */
        const field_form *same_tag = field_by_tag(server, mine->tag);
        status = theirs != NULL     ? compare_field(cmp, mine, theirs)
                 : same_tag != NULL ? differ_names(cmp, mine, same_tag)
                                    : allow(cmp, mine, true);
    }
    for (size_t i = 0; status == SHMRPC_OK && i < server->fields.len; i++) {
        const field_form *theirs = &server->fields.ptr[i];
        /* A number that both sides know under different names has already been
         * reported. */
        if (field_by_name(client, theirs->name) == NULL &&
            field_by_tag(client, theirs->tag) == NULL) {
            status = allow(cmp, theirs, false);
        }
    }
    return status;
}

/* Sets the places to the two types and restores them afterwards, because types
 * are met within others. Parameters have no type name: their owner is the
 * method. */
int shmrpci_contract_compare_records(comparison *cmp, const type_form *client,
                                     const type_form *server)
{
    shmrpci_difference_place here = cmp->here;
    shmrpci_difference_place there = cmp->there;
    cmp->here = (shmrpci_difference_place){.owner = client->name};
    cmp->there = (shmrpci_difference_place){.owner = server->name};
    int status = compare_fields(
        cmp, client, server,
        client->kind == SHMRPC_KIND_UNION ? allow_member : allow_extra);
    cmp->here = here;
    cmp->there = there;
    return status;
}

static bool has_name(const type_form *type, shmrpc_str name, int64_t *value)
{
    for (size_t i = 0; i < type->names.len; i++) {
        if (shmrpc_str_equal(type->names.ptr[i].name, name)) {
            *value = type->names.ptr[i].value;
            return true;
        }
    }
    return false;
}

/* Returns a name that only `type` has for a value, or NULL if there is none.
 * Several names for one value are allowed, so names that the other side has,
 * too, don't count. */
static const shmrpci_contract_name *
other_name(const type_form *type, const type_form *other, int64_t value)
{
    for (size_t i = 0; i < type->names.len; i++) {
        const shmrpci_contract_name *name = &type->names.ptr[i];
        int64_t ignored;
        if (name->value == value && !has_name(other, name->name, &ignored)) {
            return name;
        }
    }
    return NULL;
}

/* A name that only the client has is compatible, because enums are open, unless
 * the server has another name for the same value: that is a rename. */
static int allow_name(comparison *cmp, const type_form *client,
                      const type_form *server,
                      const shmrpci_contract_name *mine)
{
    const shmrpci_contract_name *theirs =
        other_name(server, client, mine->value);
    cmp->here.member = mine->name;
    if (theirs != NULL) {
        cmp->there.member = theirs->name;
        return shmrpci_contract_differ(
            cmp, SHMRPCI_DIFFERENCE_ENUMERATOR,
            "calls %" PRId64 " %.*s here and %.*s at the server", mine->value,
            NAME(mine->name), NAME(theirs->name));
    }
    return SHMRPC_OK;
}

/* Compares the client's names with the server's. Names that only the server has
 * need no check: they are additions, which are compatible, or new names of
 * values, and such a rename is reported at the client's name. */
static int compare_names(comparison *cmp, const type_form *client,
                         const type_form *server)
{
    int status = SHMRPC_OK;
    for (size_t i = 0; status == SHMRPC_OK && i < client->names.len; i++) {
        const shmrpci_contract_name *mine = &client->names.ptr[i];
        int64_t value;
        if (!has_name(server, mine->name, &value)) {
            status = allow_name(cmp, client, server, mine);
        } else if (value != mine->value) {
            cmp->here.member = mine->name;
            cmp->there.member = mine->name;
            status = shmrpci_contract_differ(
                cmp, SHMRPCI_DIFFERENCE_VALUE,
                "has %.*s = %" PRId64 " here and %" PRId64 " at the server",
                NAME(mine->name), mine->value, value);
        }
    }
    return status;
}

int shmrpci_contract_compare_enums(comparison *cmp, const type_form *client,
                                   const type_form *server)
{
    shmrpci_difference_place here = cmp->here;
    shmrpci_difference_place there = cmp->there;
    cmp->here = (shmrpci_difference_place){.owner = client->name};
    cmp->there = (shmrpci_difference_place){.owner = server->name};
    /* Base types of different width can still agree in json and msgpack, where
     * both are numbers; compare_types knows when. */
    bool same_base = cmp->client->types.ptr[client->element].kind ==
                     cmp->server->types.ptr[server->element].kind;
    int status = same_base ? compare_names(cmp, client, server)
                           : shmrpci_contract_compare_types(
                                 cmp, client->element, server->element);
    cmp->here = here;
    cmp->there = there;
    return status;
}

/*
 * Contracts: makes them from descriptors, encodes and decodes them.
 *
 * A descriptor is a graph of tables linked by pointers, which may be recursive.
 * Making a contract numbers the types: methods are visited in order, every type
 * that is met for the first time gets the next number, and the list of types
 * grows while it is processed. So no recursion is needed, and the same
 * descriptor always gives the same bytes.
 *
 * The encoded form is msgpack, written and read by our own codec through the
 * tables of contract_form.c: a received contract passes the same checks as any
 * message before contract_check looks at its meaning.
 */
#include "codec/contract.h"

#include "codec/contract_form.h"
#include "codec/engines.h"
#include "codec/value.h"

/* Numbers types and errors in the order in which they are met. */
typedef struct builder {
    shmrpci_arena *arena;
    shmrpci_items types;  /* const shmrpc_type * */
    shmrpci_items errors; /* const shmrpc_error_type * */
    uint32_t *slots;      /* hash of types: index + 1, or 0 */
    size_t slot_count;    /* a power of two, at least twice types.len */
    bool failed;          /* out of memory */
} builder;

static const shmrpc_type *type_at(const builder *b, size_t index)
{
    return ((const shmrpc_type *const *)(const void *)b->types.ptr)[index];
}

static const shmrpc_error_type *error_at(const builder *b, size_t index)
{
    return (
        (const shmrpc_error_type *const *)(const void *)b->errors.ptr)[index];
}

/* Fibonacci hashing of the address. Tables are aligned, so the low three bits
 * carry no information. */
static size_t first_slot(const builder *b, const shmrpc_type *type)
{
    uint64_t bits = (uint64_t)(uintptr_t)type >> 3;
    return (size_t)((bits * UINT64_C(0x9E3779B97F4A7C15)) >> 32) &
           (b->slot_count - 1);
}

/* Finds a type's slot by open addressing. The table is at most half full, so
 * the search ends. */
static uint32_t *find_slot(const builder *b, const shmrpc_type *type)
{
    size_t at = first_slot(b, type);
    while (b->slots[at] != 0 && type_at(b, b->slots[at] - 1) != type) {
        at = (at + 1) & (b->slot_count - 1);
    }
    return &b->slots[at];
}

/* Doubles the table. The old ones stay in the arena: together they take less
 * than the new one. */
static void grow_slots(builder *b)
{
    b->slot_count = b->slot_count == 0 ? 64 : b->slot_count * 2;
    b->slots = shmrpci_arena_calloc(b->arena, b->slot_count, sizeof *b->slots,
                                    _Alignof(uint32_t));
    if (b->slots == NULL) {
        b->failed = true;
        return;
    }
    for (size_t i = 0; i < b->types.len; i++) {
        *find_slot(b, type_at(b, i)) = (uint32_t)i + 1;
    }
}

/* Returns the number of a type, which is assigned now if the type is new. When
 * out of memory, sets `failed`, and the result is meaningless. */
static uint32_t type_index(builder *b, const shmrpc_type *type)
{
    if (b->failed) {
        return 0;
    }
    if (b->types.len * 2 >= b->slot_count) {
        grow_slots(b);
        if (b->failed) {
            return 0;
        }
    }
    uint32_t *slot = find_slot(b, type);
    if (*slot == 0) {
        const shmrpc_type **added = shmrpci_items_add(
            &b->types, sizeof type, _Alignof(void *), b->arena);
        if (added == NULL) {
            b->failed = true;
            return 0;
        }
        *added = type;
        *slot = (uint32_t)b->types.len;
    }
    return *slot - 1;
}

/* Like type_index, with a linear search, because services declare few
 * errors. */
static uint32_t error_index(builder *b, const shmrpc_error_type *thrown)
{
    for (size_t i = 0; i < b->errors.len; i++) {
        if (error_at(b, i) == thrown) {
            return (uint32_t)i;
        }
    }
    const shmrpc_error_type **added = shmrpci_items_add(
        &b->errors, sizeof thrown, _Alignof(void *), b->arena);
    if (added == NULL) {
        b->failed = true;
        return 0;
    }
    *added = thrown;
    return (uint32_t)b->errors.len - 1;
}

/* Returns cleared memory for the contract; records a failure, which is checked
 * at the end. */
static void *alloc(builder *b, size_t count, size_t size)
{
    void *memory =
        shmrpci_arena_calloc(b->arena, count, size, _Alignof(uint64_t));
    b->failed = b->failed || memory == NULL;
    return memory;
}

/* The contract says whether a field has a default, but not its value: only the
 * receiver uses the value, so it need not be equal on both sides. */
static void build_fields(builder *b, const shmrpc_type *type,
                         shmrpci_contract_type *out)
{
    shmrpci_contract_field *fields = alloc(b, type->count, sizeof *fields);
    for (uint32_t i = 0; !b->failed && i < type->count; i++) {
        const shmrpc_field *from = &type->fields[i];
        fields[i] = (shmrpci_contract_field){
            .name = shmrpc_str_of(from->name),
            .type = type_index(b, from->type),
            .tag = from->tag,
        };
        if ((from->flags & SHMRPC_FIELD_OPTIONAL) != 0) {
            fields[i].flags |= SHMRPCI_CONTRACT_OPTIONAL;
        }
        if (from->default_value != NULL) {
            fields[i].flags |= SHMRPCI_CONTRACT_DEFAULTED;
        }
    }
    shmrpci_store_span(&out->fields, fields, type->count);
}

static void build_names(builder *b, const shmrpc_type *type,
                        shmrpci_contract_type *out)
{
    shmrpci_contract_name *names = alloc(b, type->count, sizeof *names);
    for (uint32_t i = 0; !b->failed && i < type->count; i++) {
        names[i] = (shmrpci_contract_name){
            .name = shmrpc_str_of(type->enumerators[i].name),
            .value = type->enumerators[i].value,
        };
    }
    shmrpci_store_span(&out->names, names, type->count);
}

/* The contract holds the names of types for messages and for `shmrpcgen check`;
 * types are compared by structure, whatever their names. */
static void build_type(builder *b, const shmrpc_type *type,
                       shmrpci_contract_type *out)
{
    *out = (shmrpci_contract_type){
        .kind = (uint8_t)type->kind,
        .has_bounds = (type->flags & SHMRPC_TYPE_BOUNDED) != 0,
        .min = type->min,
        .max = type->max,
        .name = shmrpc_str_of(type->name),
        .has_element = type->element != NULL,
        .has_key = type->key != NULL,
    };
    if (out->has_element) {
        out->element = type_index(b, type->element);
    }
    if (out->has_key) {
        out->key = type_index(b, type->key);
    }
    if (type->kind == SHMRPC_KIND_ARRAY) {
        out->count = type->count;
    } else if (type->kind == SHMRPC_KIND_ENUM) {
        build_names(b, type, out);
    } else if (type->kind == SHMRPC_KIND_STRUCT ||
               type->kind == SHMRPC_KIND_UNION) {
        build_fields(b, type, out);
    }
}

/* The signature is shown to people. The hash makes connecting fast: if the
 * hashes are equal, contracts are not compared. */
static void build_method(builder *b, const shmrpc_method *method,
                         shmrpci_contract_method *out)
{
    uint32_t *throws = alloc(b, method->throws_count, sizeof *throws);
    for (uint32_t i = 0; !b->failed && i < method->throws_count; i++) {
        throws[i] = error_index(b, method->throws[i]);
    }
    *out = (shmrpci_contract_method){
        .name = shmrpc_str_of(method->name),
        .encoding = (uint8_t)method->encoding,
        .flags = method->flags,
        .hash = method->hash,
        .signature = shmrpc_str_of(method->signature),
        .params = type_index(b, method->params),
        .has_result = method->result != NULL,
        .has_items_in = method->items_in != NULL,
        .has_items_out = method->items_out != NULL,
    };
    if (out->has_result) {
        out->result = type_index(b, method->result);
    }
    if (out->has_items_in) {
        out->items_in = type_index(b, method->items_in);
    }
    if (out->has_items_out) {
        out->items_out = type_index(b, method->items_out);
    }
    shmrpci_store_span(&out->throws, throws, method->throws_count);
}

static void build_methods(builder *b, const shmrpc_service *service,
                          shmrpci_contract *out)
{
    shmrpci_contract_method *methods =
        alloc(b, service->method_count, sizeof *methods);
    for (uint32_t i = 0; !b->failed && i < service->method_count; i++) {
        build_method(b, &service->methods[i], &methods[i]);
    }
    shmrpci_store_span(&out->methods, methods, service->method_count);
}

/* Must run before build_types, because payloads may be types that no method
 * refers to otherwise. */
static void build_errors(builder *b, shmrpci_contract *out)
{
    shmrpci_contract_error *errors = alloc(b, b->errors.len, sizeof *errors);
    for (size_t i = 0; !b->failed && i < b->errors.len; i++) {
        const shmrpc_error_type *from = error_at(b, i);
        errors[i] = (shmrpci_contract_error){
            .name = shmrpc_str_of(from->name),
            .number = from->number,
            .has_payload = from->payload != NULL,
        };
        if (from->payload != NULL) {
            errors[i].payload = type_index(b, from->payload);
        }
    }
    shmrpci_store_span(&out->errors, errors, b->errors.len);
}

/* Building a type may append others to the list; the loop ends when all are
 * built. */
static void build_types(builder *b, shmrpci_contract *out)
{
    shmrpci_items built = {.len = 0};
    for (size_t i = 0; !b->failed && i < b->types.len; i++) {
        shmrpci_contract_type *type = shmrpci_items_add(
            &built, sizeof *type, _Alignof(shmrpci_contract_type), b->arena);
        if (type == NULL) {
            b->failed = true;
            return;
        }
        build_type(b, type_at(b, i), type);
    }
    shmrpci_store_span(&out->types, built.ptr, built.len);
}

int shmrpci_contract_of(const shmrpc_service *service, shmrpci_arena *arena,
                        const shmrpci_contract **out)
{
    /* Failures are recorded in the builder and checked once, at the end. */
    builder b = {.arena = arena};
    shmrpci_contract *contract = alloc(&b, 1, sizeof *contract);
    if (contract == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    contract->name = shmrpc_str_of(service->name);
    contract->id = shmrpc_str_of(service->id);
    contract->version = service->version;
    build_methods(&b, service, contract);
    build_errors(&b, contract);
    build_types(&b, contract);
    if (b.failed) {
        return SHMRPC_E_NO_MEMORY;
    }
    *out = contract;
    return SHMRPC_OK;
}

int shmrpci_contract_encode(const shmrpci_contract *contract, shmrpci_buf *out)
{
    size_t start = out->len;
    int status = shmrpci_codec_msgpack.encode(&shmrpci_contract_form, contract,
                                              "contract", out, NULL);
    if (status == SHMRPC_OK && out->len - start > SHMRPCI_CONTRACT_MAX_BYTES) {
        status = SHMRPC_E_TOO_LARGE;
    }
    return status;
}

/* Checks the size first, because the caller's arena may have no limit. */
int shmrpci_contract_decode(const uint8_t *data, size_t len,
                            shmrpci_arena *arena, const shmrpci_contract **out,
                            shmrpc_error *error)
{
    if (len > SHMRPCI_CONTRACT_MAX_BYTES) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "contract of %zu bytes, allowed %zu", len,
                                SHMRPCI_CONTRACT_MAX_BYTES);
    }
    shmrpci_contract *contract = shmrpci_arena_alloc(
        arena, sizeof *contract, _Alignof(shmrpci_contract));
    if (contract == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    int status = shmrpci_codec_msgpack.decode(
        &shmrpci_contract_form, data, len, "contract", arena, contract, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_contract_check(contract, error);
    }
    /* Set only now, when all indices are known to be in range. */
    if (status == SHMRPC_OK) {
        *out = contract;
    }
    return status;
}

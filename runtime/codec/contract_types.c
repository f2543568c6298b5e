/*
 * Compares two types of two contracts, for a writer and a reader.
 *
 * This is a depth-first walk over pairs of types. Types may be recursive, and a
 * server may send thousands of them, so each pair is compared once for each way
 * in which it is met (who writes, in which encoding): a set of pairs makes the
 * work linear in their number and ends recursion. Two limits bound what a
 * malicious contract can cost: the nesting, because the walk recurses, and the
 * number of pairs.
 *
 * Numbers agree if the values that can occur are the same. A u16 whose bounds
 * are 0..255 and a u8 without bounds are the same in json and msgpack, while
 * native, which copies bytes, needs equal widths.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/contract_types.h"
#include "codec/walk.h"

typedef shmrpci_contract_type type_form;
typedef shmrpci_pair_set pair_set;
typedef shmrpci_comparison comparison;

/* Limits of nested types and of pairs of types: a contract that exceeds them is
 * refused as too complex. Real contracts stay below 100 and 10,000. The pairs
 * take at most 16 MiB. */
#define MAX_NESTING 128
#define MAX_PAIRS   ((size_t)1 << 20)

#define NAME(str) (int)(str).len, (str).ptr

/* Reports the difference to the listener. Returns OK, so that the comparison
 * goes on, except if the limit of complexity was exceeded, which ends it. */
static int report_difference(comparison *cmp, shmrpci_difference_kind kind,
                             const char *what)
{
    char message[512];
    (void)snprintf(message, sizeof message, "method %.*s: %s%s%s%s",
                   NAME(cmp->method), cmp->part, cmp->path,
                   cmp->path_len > 0 ? " " : "", what);
    shmrpci_difference difference = {
        .kind = kind,
        .client_writes = cmp->client_writes,
        .is_in_items = cmp->is_in_items,
        .method = cmp->method,
        .message = message,
        .client = cmp->here,
        .server = cmp->there,
    };
    cmp->differs = true;
    cmp->report(&difference, cmp->user);
    return kind == SHMRPCI_DIFFERENCE_LIMIT ? SHMRPC_E_CONTRACT : SHMRPC_OK;
}

int shmrpci_contract_differ(comparison *cmp, shmrpci_difference_kind kind,
                            const char *format, ...)
{
    char what[160];
    /* Formats the details first; both ways of reporting put them after the
     * method and the path. */
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (cmp->report != NULL) {
        return report_difference(cmp, kind, what);
    }
    (void)shmrpc_error_set(cmp->error, SHMRPC_E_CONTRACT,
                           "method %.*s: %s%s%s%s", NAME(cmp->method),
                           cmp->part, cmp->path, cmp->path_len > 0 ? " " : "",
                           what);
    if (cmp->error != NULL) {
        (void)snprintf(cmp->error->path, sizeof cmp->error->path, "%.*s",
                       (int)sizeof cmp->error->path - 1, cmp->path);
    }
    return SHMRPC_E_CONTRACT;
}

/* A path that is too long is cut at its end, so that the length stays within
 * the buffer. */
size_t shmrpci_contract_push(comparison *cmp, const char *before,
                             shmrpc_str name)
{
    size_t old = cmp->path_len;
    int len = snprintf(cmp->path + old, sizeof cmp->path - old, "%s%.*s",
                       old > 0 ? before : "", NAME(name));
    size_t left = sizeof cmp->path - 1 - old;
    cmp->path_len = old + ((size_t)len < left ? (size_t)len : left);
    return old;
}

void shmrpci_contract_pop(comparison *cmp, size_t old)
{
    cmp->path_len = old;
    cmp->path[old] = '\0';
}

/* Finds the slot of `key`, or the free slot where it belongs. There is always a
 * free slot, because the set is at most half full. */
static bool has_pair(const pair_set *set, uint64_t key, size_t *at)
{
    *at = (size_t)((key * UINT64_C(0x9E3779B97F4A7C15)) >> 32) &
          (set->slot_count - 1);
    while (set->slots[*at] != 0) {
        if (set->slots[*at] == key) {
            return true;
        }
        *at = (*at + 1) & (set->slot_count - 1);
    }
    return false;
}

static bool grow_pairs(pair_set *set)
{
    pair_set larger = {.slot_count =
                           set->slot_count == 0 ? 256 : set->slot_count * 2};
    larger.slots = calloc(larger.slot_count, sizeof *larger.slots);
    if (larger.slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < set->slot_count; i++) {
        size_t at;
        if (set->slots[i] != 0 && !has_pair(&larger, set->slots[i], &at)) {
            larger.slots[at] = set->slots[i];
        }
    }
    larger.used = set->used;
    free(set->slots);
    *set = larger;
    return true;
}

/* Adds the pair for the current direction and encoding; `*is_new` is false if
 * it was added before. It is added before it is compared, so that the
 * comparison of a type that contains itself ends. */
static int note_pair(comparison *cmp, uint32_t client, uint32_t server,
                     bool *is_new)
{
    pair_set *set = &cmp->seen;
    if (set->used >= MAX_PAIRS) {
        return shmrpci_contract_differ(cmp, SHMRPCI_DIFFERENCE_LIMIT,
                                       "is too complex to compare");
    }
    if (set->used * 2 >= set->slot_count && !grow_pairs(set)) {
        return shmrpc_error_set(cmp->error, SHMRPC_E_NO_MEMORY,
                                "out of memory");
    }
    uint64_t rules = (cmp->client_writes ? 8u : 0u) + (cmp->encoding & 7u);
    /* The indices take 34 + 30 bits: they stay far below 2^30, because a
     * contract has at most 4 MiB. The key is never 0, which marks a free slot,
     * because every encoding is above 0. */
    uint64_t key = (uint64_t)client << 34 | (uint64_t)server << 4 | rules;
    size_t at;
    *is_new = !has_pair(set, key, &at);
    if (*is_new) {
        set->slots[at] = key;
        set->used++;
    }
    return SHMRPC_OK;
}

/* Writes the type as a `.svc` does: "list<u32>", "u16[3]", "struct acme.Query";
 * "..." below `levels`, because types may be recursive. */
static void describe(const shmrpci_contract *contract, uint32_t index,
                     unsigned levels, char *out, size_t size)
{
    const type_form *type = &contract->types.ptr[index];
    char element[64] = "...";
    char key[32] = "...";
    if (levels > 0 && type->has_element) {
        describe(contract, type->element, levels - 1, element, sizeof element);
    }
    if (levels > 0 && type->has_key) {
        describe(contract, type->key, levels - 1, key, sizeof key);
    }
    if (type->kind == SHMRPC_KIND_LIST) {
        (void)snprintf(out, size, "list<%s>", element);
    } else if (type->kind == SHMRPC_KIND_MAP) {
        (void)snprintf(out, size, "map<%s, %s>", key, element);
    } else if (type->kind == SHMRPC_KIND_ARRAY) {
        (void)snprintf(out, size, "%s[%" PRIu32 "]", element, type->count);
    } else if (type->name.len > 0) {
        (void)snprintf(out, size, "%s %.*s",
                       shmrpci_kind_text((shmrpc_kind)type->kind),
                       NAME(type->name));
    } else {
        (void)snprintf(out, size, "%s",
                       shmrpci_kind_text((shmrpc_kind)type->kind));
    }
}

static int differ_types(comparison *cmp, uint32_t client, uint32_t server)
{
    char here[64];
    char there[64];
    describe(cmp->client, client, 3, here, sizeof here);
    describe(cmp->server, server, 3, there, sizeof there);
    return shmrpci_contract_differ(cmp, SHMRPCI_DIFFERENCE_TYPE,
                                   "is %s here and %s at the server", here,
                                   there);
}

/* How to compare the 64 bits of bounds. */
typedef enum range_kind {
    RANGE_SIGNED,
    RANGE_UNSIGNED,
    RANGE_FLOAT
} range_kind;

/* Lengths are unsigned. */
static range_kind range_of(const type_form *type)
{
    if (type->kind >= SHMRPC_KIND_I8 && type->kind <= SHMRPC_KIND_I64) {
        return RANGE_SIGNED;
    }
    return type->kind == SHMRPC_KIND_F32 || type->kind == SHMRPC_KIND_F64
               ? RANGE_FLOAT
               : RANGE_UNSIGNED;
}

/* Whether a <= b, both given as bits. */
static bool at_most(range_kind kind, uint64_t a, uint64_t b)
{
    if (kind == RANGE_FLOAT) {
        double left;
        double right;
        memcpy(&left, &a, sizeof left);
        memcpy(&right, &b, sizeof right);
        return left <= right;
    }
    uint64_t flip = kind == RANGE_SIGNED ? UINT64_C(1) << 63 : 0;
    return (a ^ flip) <= (b ^ flip);
}

/* Writes the range as text, for messages. */
static void describe_range(const type_form *type, char *out, size_t size)
{
    double min;
    double max;
    memcpy(&min, &type->min, sizeof min);
    memcpy(&max, &type->max, sizeof max);
    if (!type->has_bounds) {
        (void)snprintf(out, size, "anything");
    } else if (range_of(type) == RANGE_FLOAT) {
        (void)snprintf(out, size, "%g..%g", min, max);
    } else if (range_of(type) == RANGE_SIGNED) {
        (void)snprintf(out, size, "%" PRId64 "..%" PRId64, (int64_t)type->min,
                       (int64_t)type->max);
    } else {
        (void)snprintf(out, size, "%" PRIu64 "..%" PRIu64, type->min,
                       type->max);
    }
}

/* Returns the number of bits of an integer kind, or 64. */
static unsigned bits_of(uint8_t kind)
{
    return kind == SHMRPC_KIND_I8 || kind == SHMRPC_KIND_U8     ? 8
           : kind == SHMRPC_KIND_I16 || kind == SHMRPC_KIND_U16 ? 16
           : kind == SHMRPC_KIND_I32 || kind == SHMRPC_KIND_U32 ? 32
                                                                : 64;
}

typedef struct range {
    uint64_t min;
    uint64_t max;
} range;

/* Returns the range that the bounds allow within the range of the kind; for
 * strings, bytes, lists and maps the range of lengths, which are u32. */
static range effective_range(const type_form *type)
{
    range_kind kind = range_of(type);
    unsigned spare = 64 - bits_of(type->kind);
    bool is_length = type->kind >= SHMRPC_KIND_STRING;
    /* Bounds may be wider than the kind, as those of an enum's base or of a
     * length without an upper bound can be. The result is then the range of the
     * kind. */
    range all = {0, is_length ? UINT32_MAX : UINT64_MAX >> spare};
    if (kind == RANGE_SIGNED) {
        all = (range){(uint64_t)(INT64_MIN >> spare),
                      (uint64_t)(INT64_MAX >> spare)};
    }
    if (!type->has_bounds) {
        return all;
    }
    return (range){at_most(kind, type->min, all.min) ? all.min : type->min,
                   at_most(kind, all.max, type->max) ? all.max : type->max};
}

/* Any bounds of a float exclude NaN. */
static bool covers_floats(const type_form *reader, const type_form *writer)
{
    return !reader->has_bounds ||
           (writer->has_bounds &&
            at_most(RANGE_FLOAT, reader->min, writer->min) &&
            at_most(RANGE_FLOAT, writer->max, reader->max));
}

/* Whether the reader accepts everything that the writer may write. Both types
 * have the same kind. */
static bool covers(const type_form *reader, const type_form *writer)
{
    range_kind kind = range_of(reader);
    if (kind == RANGE_FLOAT) {
        return covers_floats(reader, writer);
    }
    range accepted = effective_range(reader);
    range written = effective_range(writer);
    return at_most(kind, accepted.min, written.min) &&
           at_most(kind, written.max, accepted.max);
}

static bool is_integer(const type_form *type)
{
    return type->kind >= SHMRPC_KIND_I8 && type->kind <= SHMRPC_KIND_U64;
}

/* Integers of different width are the same in json and msgpack if their bounds
 * allow the same numbers. */
static bool same_numbers(const comparison *cmp, const type_form *client,
                         const type_form *server)
{
    if (cmp->encoding == SHMRPC_ENCODING_NATIVE || !is_integer(client) ||
        !is_integer(server)) {
        return false;
    }
    range here = effective_range(client);
    range there = effective_range(server);
    /* Bits above INT64_MAX are different numbers as signed and as unsigned. */
    bool same_meaning =
        range_of(client) == range_of(server) ||
        ((here.min | here.max | there.min | there.max) >> 63) == 0;
    return same_meaning && here.min == there.min && here.max == there.max;
}

/* Checks that the reader accepts what the writer may write. */
static int compare_bounds(comparison *cmp, const type_form *client,
                          const type_form *server)
{
    if (cmp->client_writes ? covers(server, client) : covers(client, server)) {
        return SHMRPC_OK;
    }
    char here[64];
    char there[64];
    describe_range(client, here, sizeof here);
    describe_range(server, there, sizeof there);
    return shmrpci_contract_differ(cmp, SHMRPCI_DIFFERENCE_BOUNDS,
                                   "allows %s here and %s at the server", here,
                                   there);
}

/* Compares elements or keys; `label` is their step in the path. */
static int compare_inner(comparison *cmp, const char *label, uint32_t client,
                         uint32_t server)
{
    size_t old = shmrpci_contract_push(cmp, "", shmrpc_str_of(label));
    int status = shmrpci_contract_compare_types(cmp, client, server);
    shmrpci_contract_pop(cmp, old);
    return status;
}

static int compare_maps(comparison *cmp, const type_form *client,
                        const type_form *server)
{
    int status = compare_bounds(cmp, client, server);
    if (status == SHMRPC_OK) {
        status = compare_inner(cmp, "[key]", client->key, server->key);
    }
    return status == SHMRPC_OK
               ? compare_inner(cmp, "[]", client->element, server->element)
               : status;
}

/* Compares the bounds of a list or map before its keys and elements, so that
 * the outer difference is reported before the inner one. */
static int compare_same_kind(comparison *cmp, uint32_t client_index,
                             uint32_t server_index)
{
    const type_form *client = &cmp->client->types.ptr[client_index];
    const type_form *server = &cmp->server->types.ptr[server_index];
    int status;
    switch (client->kind) {
    case SHMRPC_KIND_LIST:
        status = compare_bounds(cmp, client, server);
        return status == SHMRPC_OK
                   ? compare_inner(cmp, "[]", client->element, server->element)
                   : status;
    case SHMRPC_KIND_MAP:
        return compare_maps(cmp, client, server);
    case SHMRPC_KIND_ARRAY:
        return client->count == server->count
                   ? compare_inner(cmp, "[]", client->element, server->element)
                   : differ_types(cmp, client_index, server_index);
    case SHMRPC_KIND_ENUM:
        return shmrpci_contract_compare_enums(cmp, client, server);
    case SHMRPC_KIND_STRUCT:
    case SHMRPC_KIND_UNION:
        return shmrpci_contract_compare_records(cmp, client, server);
    default:
        return compare_bounds(cmp, client, server);
    }
}

int shmrpci_contract_compare_types(comparison *cmp, uint32_t client,
                                   uint32_t server)
{
    const type_form *mine = &cmp->client->types.ptr[client];
    const type_form *theirs = &cmp->server->types.ptr[server];
    if (mine->kind != theirs->kind) {
        return same_numbers(cmp, mine, theirs)
                   ? SHMRPC_OK
                   : differ_types(cmp, client, server);
    }
    bool is_new = false;
    int status = note_pair(cmp, client, server, &is_new);
    /* A pair that was compared before is equal, or its difference has been
     * reported. */
    if (status != SHMRPC_OK || !is_new) {
        return status;
    }
    if (cmp->nesting == MAX_NESTING) {
        return shmrpci_contract_differ(cmp, SHMRPCI_DIFFERENCE_LIMIT,
                                       "is nested too deep to compare");
    }
    cmp->nesting++;
    status = compare_same_kind(cmp, client, server);
    cmp->nesting--;
    return status;
}

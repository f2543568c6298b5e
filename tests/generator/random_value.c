/* Generates and compares random values, guided by type tables. */
#include "random_value.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "../runtime/codec/random.h"
#include "codec/value.h"

#define MAX_NESTING 8
#define MAX_LENGTH  16
#define NO_END      100 /* depth of a record that contains itself endlessly */

typedef struct maker {
    uint64_t *seed;
    shmrpci_arena *arena;
    unsigned nesting;
    bool failed;
} maker;

static void make(maker *m, const shmrpc_type *type, void *value);

static unsigned below(maker *m, unsigned limit)
{
    return random_below(m->seed, limit);
}

static void *alloc(maker *m, size_t count, size_t size)
{
    void *memory = shmrpci_arena_calloc(m->arena, count, size, 16);
    m->failed = m->failed || memory == NULL;
    return memory;
}

/* ---- numbers ---- */

static void make_integer(maker *m, const shmrpc_type *type, void *value)
{
    unsigned spare = 64 - 8 * type->size;
    bool is_signed = shmrpci_is_signed(type);
    uint64_t min = is_signed ? (uint64_t)(INT64_MIN >> spare) : 0;
    uint64_t max =
        is_signed ? (uint64_t)(INT64_MAX >> spare) : UINT64_MAX >> spare;
    if ((type->flags & SHMRPC_TYPE_BOUNDED) != 0) {
        uint64_t flip = is_signed ? UINT64_C(1) << 63 : 0;
        min = (type->min ^ flip) > (min ^ flip) ? type->min : min;
        max = (type->max ^ flip) < (max ^ flip) ? type->max : max;
    }
    uint64_t width = max - min;
    uint64_t bits = min;
    switch (below(m, 5)) {
    case 0:
        break;
    case 1:
        bits = max;
        break;
    case 2:
        bits = min + (width < 16 ? below(m, (unsigned)width + 1)
                                 : width / 2 + below(m, 5));
        break;
    default:
        bits = min + (width == UINT64_MAX ? random_bits(m->seed)
                                          : random_bits(m->seed) % (width + 1));
        break;
    }
    shmrpci_store_bits(type, value, bits);
}

static double some_float(maker *m)
{
    switch (below(m, 6)) {
    case 0:
        return (double)NAN;
    case 1:
        return (double)-INFINITY;
    case 2:
        return 1e300;
    case 3:
        return 0.1;
    default:
        return (double)below(m, 4000) / 7 - 200;
    }
}

static void make_float(maker *m, const shmrpc_type *type, void *value)
{
    double number = some_float(m);
    if ((type->flags & SHMRPC_TYPE_BOUNDED) != 0) {
        double min;
        double max;
        memcpy(&min, &type->min, sizeof min);
        memcpy(&max, &type->max, sizeof max);
        unsigned part = below(m, 5);
        number = part == 0   ? min
                 : part == 1 ? max
                             : min + (max - min) * part / 8;
    }
    if (type->kind == SHMRPC_KIND_F32) {
        float single = number > (double)FLT_MAX ? INFINITY : (float)number;
        memcpy(value, &single, sizeof single);
    } else {
        memcpy(value, &number, sizeof number);
    }
}

static void make_enum(maker *m, const shmrpc_type *type, void *value)
{
    if (below(m, 8) == 0) {
        make_integer(m, type->element, value);
        return;
    }
    const shmrpc_enumerator *item = &type->enumerators[below(m, type->count)];
    shmrpci_store_bits(type->element, value, (uint64_t)item->value);
}

/* ---- values with a length ---- */

static size_t make_length(maker *m, const shmrpc_type *type, unsigned usual)
{
    uint64_t min = 0;
    uint64_t max = usual;
    if ((type->flags & SHMRPC_TYPE_BOUNDED) != 0) {
        min = type->min;
        max = type->max < MAX_LENGTH ? type->max : MAX_LENGTH;
    }
    if (m->nesting > MAX_NESTING || max <= min) {
        return (size_t)min;
    }
    unsigned sort = below(m, 4);
    return (size_t)(sort == 0   ? min
                    : sort == 1 ? max
                                : min + below(m, (unsigned)(max - min) + 1));
}

static void make_text(maker *m, const shmrpc_type *type, void *value)
{
    size_t len = make_length(m, type, MAX_LENGTH);
    char *text = alloc(m, len + 1, 1);
    for (size_t i = 0; text != NULL && i < len; i++) {
        text[i] = (char)(type->kind == SHMRPC_KIND_BYTES ? below(m, 256)
                                                         : 'a' + below(m, 26));
    }
    shmrpci_store_span(value, text, len);
}

static void make_list(maker *m, const shmrpc_type *type, void *value)
{
    size_t len = make_length(m, type, 5);
    uint8_t *items = alloc(m, len, type->item_size);
    for (size_t i = 0; !m->failed && i < len; i++) {
        make(m, type->element, items + i * type->item_size);
    }
    shmrpci_store_span(value, items, len);
}

static bool same_key(const shmrpc_type *type, const uint8_t *a,
                     const uint8_t *b)
{
    if (type->kind == SHMRPC_KIND_STRING) {
        shmrpci_span left = shmrpci_load_span(a);
        shmrpci_span right = shmrpci_load_span(b);
        return left.len == right.len &&
               (left.len == 0 || memcmp(left.ptr, right.ptr, left.len) == 0);
    }
    return memcmp(a, b, type->size) == 0;
}

/* Makes entries, and drops those whose key exists already. */
static void make_map(maker *m, const shmrpc_type *type, void *value)
{
    size_t wanted = make_length(m, type, 4);
    uint8_t *entries = alloc(m, wanted, type->item_size);
    size_t len = 0;
    for (size_t i = 0; !m->failed && i < wanted; i++) {
        uint8_t *entry = entries + len * type->item_size;
        memset(entry, 0, type->item_size);
        make(m, type->key, entry);
        bool is_new = true;
        for (size_t k = 0; k < len; k++) {
            is_new = is_new &&
                     !same_key(type->key, entry, entries + k * type->item_size);
        }
        if (is_new) {
            make(m, type->element, entry + type->value_offset);
            len++;
        }
    }
    shmrpci_store_span(value, entries, len);
}

static void make_any(maker *m, void *value)
{
    shmrpc_any any = shmrpc_any_null();
    switch (below(m, 6)) {
    case 0:
        any = shmrpc_any_bool(below(m, 2) == 0);
        break;
    case 1:
        any = shmrpc_any_i64(-1 - (int64_t)below(m, 1000));
        break;
    case 2:
        any = shmrpc_any_u64(random_bits(m->seed));
        break;
    case 3:
        any = shmrpc_any_f64((double)below(m, 100) + 0.5);
        break;
    case 4:
        any = shmrpc_any_str("text");
        break;
    default:
        break;
    }
    memcpy(value, &any, sizeof any);
}

/* ---- records ---- */

static void make_struct(maker *m, const shmrpc_type *type, void *value)
{
    memset(value, 0, type->size);
    for (uint32_t i = 0; !m->failed && i < type->count; i++) {
        const shmrpc_field *field = &type->fields[i];
        bool is_optional = (field->flags & SHMRPC_FIELD_OPTIONAL) != 0;
        if (is_optional && (m->nesting > MAX_NESTING || below(m, 3) == 0)) {
            continue;
        }
        void *target = shmrpci_field_target(field, value, m->arena);
        m->failed = m->failed || target == NULL;
        if (!m->failed) {
            make(m, field->type, target);
        }
    }
}

static void make_union(maker *m, const shmrpc_type *type, void *value)
{
    const shmrpc_field *field = &type->fields[below(m, type->count)];
    memset(value, 0, type->size);
    memcpy(value, &field->tag, sizeof field->tag);
    make(m, field->type, (uint8_t *)value + type->value_offset);
}

static void make_array(maker *m, const shmrpc_type *type, void *value)
{
    for (uint32_t i = 0; !m->failed && i < type->count; i++) {
        make(m, type->element, (uint8_t *)value + i * type->item_size);
    }
}

static void make_nested(maker *m, const shmrpc_type *type, void *value)
{
    m->failed = m->failed || m->nesting == NO_END;
    if (m->failed) {
        return;
    }
    m->nesting++;
    switch (type->kind) {
    case SHMRPC_KIND_LIST:
        make_list(m, type, value);
        break;
    case SHMRPC_KIND_MAP:
        make_map(m, type, value);
        break;
    case SHMRPC_KIND_ARRAY:
        make_array(m, type, value);
        break;
    case SHMRPC_KIND_STRUCT:
        make_struct(m, type, value);
        break;
    default:
        make_union(m, type, value);
        break;
    }
    m->nesting--;
}

static void make(maker *m, const shmrpc_type *type, void *value)
{
    bool flag;
    switch (type->kind) {
    case SHMRPC_KIND_BOOL:
        flag = below(m, 2) == 0;
        memcpy(value, &flag, sizeof flag);
        break;
    case SHMRPC_KIND_F32:
    case SHMRPC_KIND_F64:
        make_float(m, type, value);
        break;
    case SHMRPC_KIND_STRING:
    case SHMRPC_KIND_BYTES:
        make_text(m, type, value);
        break;
    case SHMRPC_KIND_ANY:
        make_any(m, value);
        break;
    case SHMRPC_KIND_ENUM:
        make_enum(m, type, value);
        break;
    case SHMRPC_KIND_LIST:
    case SHMRPC_KIND_MAP:
    case SHMRPC_KIND_ARRAY:
    case SHMRPC_KIND_STRUCT:
    case SHMRPC_KIND_UNION:
        make_nested(m, type, value);
        break;
    default:
        make_integer(m, type, value);
        break;
    }
}

bool random_value(const shmrpc_type *type, void *value, uint64_t *seed,
                  shmrpci_arena *arena)
{
    maker m = {.seed = seed, .arena = arena};
    make(&m, type, value);
    return !m.failed;
}

/* ---- received values ---- */

static bool is_float(const shmrpc_type *type)
{
    return type->kind == SHMRPC_KIND_F32 || type->kind == SHMRPC_KIND_F64;
}

static double load_float(const shmrpc_type *type, const void *value)
{
    float single;
    double number;
    if (type->kind == SHMRPC_KIND_F32) {
        memcpy(&single, value, sizeof single);
        return (double)single;
    }
    memcpy(&number, value, sizeof number);
    return number;
}

static double to_float(const shmrpc_type *type, const void *value)
{
    if (is_float(type)) {
        return load_float(type, value);
    }
    shmrpci_int number = shmrpci_load_int(type, value);
    return number.negative ? -(double)number.magnitude
                           : (double)number.magnitude;
}

static bool same_number(const shmrpc_type *writer, const void *written,
                        const shmrpc_type *reader, const void *got)
{
    if (is_float(writer) || is_float(reader)) {
        double a = to_float(writer, written);
        double b = to_float(reader, got);
        return isnan(a) ? isnan(b) : a >= b && a <= b;
    }
    shmrpci_int a = shmrpci_load_int(writer, written);
    shmrpci_int b = shmrpci_load_int(reader, got);
    return a.negative == b.negative && a.magnitude == b.magnitude;
}

static bool same_enum(const shmrpc_type *writer, const void *written,
                      const shmrpc_type *reader, const void *got)
{
    uint64_t a = shmrpci_load_bits(writer->element, written);
    uint64_t b = shmrpci_load_bits(reader->element, got);
    const char *here = shmrpci_enum_name(writer, a);
    const char *there = shmrpci_enum_name(reader, b);
    uint64_t other;
    bool moved = here != NULL &&
                 shmrpci_enum_value(reader, here, strlen(here), &other) &&
                 other != b;
    return same_number(writer->element, written, reader->element, got) &&
           !moved &&
           (here == NULL || there == NULL || strcmp(here, there) == 0);
}

static bool same_items(const shmrpc_type *writer, shmrpci_span written,
                       const shmrpc_type *reader, shmrpci_span got)
{
    bool same = written.len == got.len;
    for (size_t i = 0; same && i < written.len; i++) {
        same = random_value_arrived(
            writer->element,
            (const uint8_t *)written.ptr + i * writer->item_size,
            reader->element, (const uint8_t *)got.ptr + i * reader->item_size);
    }
    return same;
}

static bool same_maps(const shmrpc_type *writer, shmrpci_span written,
                      const shmrpc_type *reader, shmrpci_span got)
{
    bool same = written.len == got.len;
    for (size_t i = 0; same && i < written.len; i++) {
        const uint8_t *a = (const uint8_t *)written.ptr + i * writer->item_size;
        const uint8_t *b = (const uint8_t *)got.ptr + i * reader->item_size;
        same = random_value_arrived(writer->key, a, reader->key, b) &&
               random_value_arrived(writer->element, a + writer->value_offset,
                                    reader->element, b + reader->value_offset);
    }
    return same;
}

/* Finds the field by name or number; `*same` is set if both agree. */
static const shmrpc_field *counterpart(const shmrpc_type *type,
                                       const shmrpc_field *field, bool *same)
{
    const shmrpc_field *found = NULL;
    for (uint32_t i = 0; i < type->count; i++) {
        const shmrpc_field *other = &type->fields[i];
        bool name = strcmp(other->name, field->name) == 0;
        if (name || other->tag == field->tag) {
            *same = name && other->tag == field->tag;
            found = other;
        }
    }
    return found;
}

static bool is_default(const shmrpc_field *field, const void *value)
{
    if (value == NULL) {
        return true;
    }
    return field->default_value != NULL &&
           random_value_arrived(field->type, field->default_value, field->type,
                                value);
}

/* An absent value reads as null, so null and absence are equal. */
static bool is_null(const shmrpc_type *type, const void *value)
{
    shmrpc_any any;
    if (type->kind != SHMRPC_KIND_ANY || value == NULL) {
        return false;
    }
    memcpy(&any, value, sizeof any);
    return any.kind == SHMRPC_ANY_NULL;
}

static bool same_structs(const shmrpc_type *writer, const void *written,
                         const shmrpc_type *reader, const void *got)
{
    bool same = false;
    for (uint32_t i = 0; i < writer->count; i++) {
        const shmrpc_field *field = &writer->fields[i];
        const void *value = shmrpci_field_get(field, written);
        const shmrpc_field *other = counterpart(reader, field, &same);
        if (other == NULL) {
            continue;
        }
        value = is_null(field->type, value) ? NULL : value;
        const void *there = shmrpci_field_get(other, got);
        there = is_null(other->type, there) ? NULL : there;
        if (value == NULL ? !is_default(other, there)
                          : !same || there == NULL ||
                                !random_value_arrived(field->type, value,
                                                      other->type, there)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < reader->count; i++) {
        const shmrpc_field *field = &reader->fields[i];
        if (counterpart(writer, field, &same) == NULL &&
            !is_default(field, shmrpci_field_get(field, got))) {
            return false;
        }
    }
    return true;
}

static bool same_unions(const shmrpc_type *writer, const void *written,
                        const shmrpc_type *reader, const void *got)
{
    uint32_t tag;
    uint32_t other_tag;
    memcpy(&tag, written, sizeof tag);
    memcpy(&other_tag, got, sizeof other_tag);
    size_t at = shmrpci_field_by_tag(writer, tag);
    size_t other = shmrpci_field_by_tag(reader, other_tag);
    return tag == other_tag && other != SIZE_MAX &&
           strcmp(writer->fields[at].name, reader->fields[other].name) == 0 &&
           random_value_arrived(writer->fields[at].type,
                                (const uint8_t *)written + writer->value_offset,
                                reader->fields[other].type,
                                (const uint8_t *)got + reader->value_offset);
}

static bool same_texts(shmrpci_span a, shmrpci_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Returns the items of a list or an array; a list and an array with the same
 * items are equal. */
static shmrpci_span items_of(const shmrpc_type *type, const void *value)
{
    return type->kind == SHMRPC_KIND_ARRAY ? (shmrpci_span){value, type->count}
                                           : shmrpci_load_span(value);
}

static bool is_number(const shmrpc_type *type)
{
    return type->kind >= SHMRPC_KIND_I8 && type->kind <= SHMRPC_KIND_F64;
}

static bool is_text(const shmrpc_type *type)
{
    return type->kind == SHMRPC_KIND_STRING || type->kind == SHMRPC_KIND_BYTES;
}

static bool is_sequence(const shmrpc_type *type)
{
    return type->kind == SHMRPC_KIND_LIST || type->kind == SHMRPC_KIND_ARRAY;
}

/* Compares values of the same kind. */
static bool same_values(const shmrpc_type *writer, const void *written,
                        const shmrpc_type *reader, const void *got)
{
    shmrpc_any a;
    shmrpc_any b;
    switch (writer->kind) {
    case SHMRPC_KIND_BOOL:
        return memcmp(written, got, sizeof(bool)) == 0;
    case SHMRPC_KIND_ANY:
        memcpy(&a, written, sizeof a);
        memcpy(&b, got, sizeof b);
        return shmrpc_any_equal(&a, &b);
    case SHMRPC_KIND_MAP:
        return same_maps(writer, shmrpci_load_span(written), reader,
                         shmrpci_load_span(got));
    case SHMRPC_KIND_ENUM:
        return same_enum(writer, written, reader, got);
    case SHMRPC_KIND_STRUCT:
        return same_structs(writer, written, reader, got);
    default:
        return same_unions(writer, written, reader, got);
    }
}

bool random_value_arrived(const shmrpc_type *writer, const void *written,
                          const shmrpc_type *reader, const void *got)
{
    if (is_number(writer) && is_number(reader)) {
        return same_number(writer, written, reader, got);
    }
    if (is_text(writer) && is_text(reader)) {
        return same_texts(shmrpci_load_span(written), shmrpci_load_span(got));
    }
    if (is_sequence(writer) && is_sequence(reader)) {
        return same_items(writer, items_of(writer, written), reader,
                          items_of(reader, got));
    }
    return writer->kind == reader->kind &&
           same_values(writer, written, reader, got);
}

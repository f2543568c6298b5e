/* Random types and values. */
#include "random_type.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/keys.h"
#include "codec/layout.h"
#include "codec/value.h"
#include "random.h"

enum { MAX_DEPTH = 4, MAX_FIELDS = 12, MAX_ITEMS = 5 };

typedef struct maker {
    shmrpci_arena *arena;
    uint64_t *seed;
    bool with_any;
} maker;

static const shmrpc_type *make_type(maker *m, int depth);

static void *take(const maker *m, size_t count, size_t size)
{
    void *memory = shmrpci_arena_calloc(m->arena, count, size, 16);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static bool one_in(const maker *m, unsigned count)
{
    return random_below(m->seed, count) == 0;
}

static uint32_t max_of(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static shmrpci_layout layout_of(const shmrpc_type *type)
{
    return (shmrpci_layout){type->native_size, type->native_align};
}

/* ---- types --------------------------------------------------------------- */

static const shmrpc_type *const scalars[] = {
    &shmrpc_type_bool, &shmrpc_type_i8,  &shmrpc_type_i16, &shmrpc_type_i32,
    &shmrpc_type_i64,  &shmrpc_type_u8,  &shmrpc_type_u16, &shmrpc_type_u32,
    &shmrpc_type_u64,  &shmrpc_type_f32, &shmrpc_type_f64,
};

static const shmrpc_type *any_scalar(const maker *m)
{
    return scalars[random_below(m->seed, SHMRPC_COUNT(scalars))];
}

static const shmrpc_type *any_integer(const maker *m)
{
    return scalars[1 + random_below(m->seed, 8)];
}

static const char *make_name(const maker *m, char letter, unsigned number)
{
    char *name = take(m, 1, 24);
    unsigned extra = random_below(m->seed, 12);
    snprintf(name, 24, "%c%u%.*s", letter, number, (int)extra, "_abcdefghijk");
    return name;
}

/* Makes a number type with bounds, sometimes at the ends of its range. */
static const shmrpc_type *make_bounded(const maker *m)
{
    shmrpc_type *type = take(m, 1, sizeof *type);
    *type = *any_integer(m);
    bool is_signed = shmrpci_is_signed(type);
    unsigned bits = type->size * 8;
    uint64_t all = UINT64_MAX >> (64 - bits);
    uint64_t flip = is_signed ? UINT64_C(1) << (bits - 1) : 0;
    uint64_t a = random_bits(m->seed) & all;
    uint64_t b = one_in(m, 3) ? all : random_bits(m->seed) & all;
    type->min = (a < b ? a : b) - flip;
    type->max = (a < b ? b : a) - flip;
    type->flags =
        (type->flags & ~(uint32_t)SHMRPC_TYPE_FLAT) | SHMRPC_TYPE_BOUNDED;
    return type;
}

static void bound_length(const maker *m, shmrpc_type *type, unsigned least)
{
    if (one_in(m, 4)) {
        type->flags |= SHMRPC_TYPE_BOUNDED;
        type->min = random_below(m->seed, least + 1);
        type->max = type->min + random_below(m->seed, 100);
    }
}

static const shmrpc_type *make_text(const maker *m)
{
    shmrpc_type *type = take(m, 1, sizeof *type);
    *type = one_in(m, 3) ? shmrpc_type_bytes : shmrpc_type_string;
    bound_length(m, type, 3);
    return type;
}

static const shmrpc_type *make_enum(const maker *m)
{
    unsigned count = 1 + random_below(m->seed, 5);
    shmrpc_enumerator *names = take(m, count, sizeof *names);
    shmrpc_type *type = take(m, 1, sizeof *type);
    const shmrpc_type *base = any_integer(m);
    for (unsigned i = 0; i < count; i++) {
        names[i].name = make_name(m, 'E', i);
        names[i].value = (int64_t)i * 7;
    }
    *type = *base;
    type->kind = SHMRPC_KIND_ENUM;
    type->flags = SHMRPC_TYPE_FIXED;
    type->name = "random.Enum";
    type->element = base;
    type->enumerators = names;
    type->count = count;
    return type;
}

static const shmrpc_type *make_list(maker *m, int depth)
{
    shmrpc_type *type = take(m, 1, sizeof *type);
    *type = shmrpc_type_string;
    type->kind = SHMRPC_KIND_LIST;
    type->element = make_type(m, depth - 1);
    type->item_size = type->element->size;
    bound_length(m, type, 3);
    return type;
}

static const shmrpc_type *make_array(maker *m, int depth)
{
    shmrpc_type *type = take(m, 1, sizeof *type);
    const shmrpc_type *element = make_type(m, depth - 1);
    type->kind = SHMRPC_KIND_ARRAY;
    type->count = 1 + random_below(m->seed, 4);
    type->element = element;
    type->item_size = element->size;
    type->size = element->size * type->count;
    type->align = element->align;
    shmrpci_layout layout =
        shmrpci_layout_array(layout_of(element), type->count);
    type->native_size = layout.size;
    type->native_align = layout.align;
    type->flags = element->flags & SHMRPC_TYPE_FLAT;
    return type;
}

static const shmrpc_type *make_key(const maker *m)
{
    switch (random_below(m->seed, 4)) {
    case 0:
        return any_integer(m);
    case 1:
        return make_enum(m);
    case 2:
        return one_in(m, 4) ? &shmrpc_type_bool : &shmrpc_type_bytes;
    default:
        return &shmrpc_type_string;
    }
}

static const shmrpc_type *make_map(maker *m, int depth)
{
    shmrpc_type *type = take(m, 1, sizeof *type);
    *type = shmrpc_type_string;
    type->kind = SHMRPC_KIND_MAP;
    type->key = make_key(m);
    type->element = make_type(m, depth - 1);
    type->value_offset =
        shmrpci_layout_align(type->key->size, type->element->align);
    type->item_size =
        shmrpci_layout_align(type->value_offset + type->element->size,
                             max_of(type->key->align, type->element->align));
    bound_length(m, type, 0);
    return type;
}

static bool is_composite(const shmrpc_type *type)
{
    return type->kind == SHMRPC_KIND_STRUCT || type->kind == SHMRPC_KIND_UNION;
}

/* Chooses whether the field may be absent, is behind a pointer, or has a
 * default. */
static void choose_presence(maker *m, shmrpc_field *field, bool is_param)
{
    bool is_pointer = is_composite(field->type) ||
                      (is_param && field->type->kind == SHMRPC_KIND_ANY);
    if (one_in(m, 3)) {
        field->flags = SHMRPC_FIELD_OPTIONAL;
        field->flags |= is_composite(field->type) ? SHMRPC_FIELD_POINTER : 0u;
    } else if (is_param && is_pointer) {
        field->flags = SHMRPC_FIELD_POINTER;
    } else if (field->type->kind <= SHMRPC_KIND_BYTES && one_in(m, 3)) {
        field->default_value = random_value(m->arena, m->seed, field->type);
    }
}

/* Gives the field its place in the C struct; returns where the next begins. */
static uint32_t place_field(shmrpc_field *field, uint32_t at, uint32_t *align)
{
    bool is_pointer = (field->flags & SHMRPC_FIELD_POINTER) != 0;
    uint32_t size = is_pointer ? sizeof(void *) : field->type->size;
    uint32_t own = is_pointer ? sizeof(void *) : field->type->align;
    field->has_offset = SHMRPC_NO_OFFSET;
    if ((field->flags & SHMRPC_FIELD_OPTIONAL) != 0 && !is_pointer) {
        field->has_offset = at++;
    }
    field->offset = shmrpci_layout_align(at, own);
    *align = max_of(*align, own);
    return field->offset + size;
}

/* A struct is flat if it has only flat fields, without gaps. */
static bool is_flat(const shmrpc_type *type)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < type->count; i++) {
        const shmrpc_field *field = &type->fields[i];
        if (field->flags != 0 || field->offset != at ||
            (field->type->flags & SHMRPC_TYPE_FLAT) == 0) {
            return false;
        }
        at += field->type->size;
    }
    return at == type->size && type->count > 0;
}

static shmrpc_type *make_struct(maker *m, int depth, unsigned most,
                                bool is_params)
{
    shmrpc_type *type = take(m, 1, sizeof *type);
    unsigned count = random_below(m->seed, most + 1);
    shmrpc_field *fields = take(m, count + 1, sizeof *fields);
    shmrpci_layout layout = SHMRPCI_LAYOUT_EMPTY;
    uint32_t size = 0;
    uint32_t tag = 0;
    uint32_t presence;
    type->align = 1;
    for (unsigned i = 0; i < count; i++) {
        tag += 1 + (one_in(m, 5) ? random_below(m->seed, 3) : 0);
        fields[i].name = make_name(m, 'f', i);
        fields[i].tag = tag;
        fields[i].type = make_type(m, depth - 1);
        choose_presence(m, &fields[i], is_params);
        size = place_field(&fields[i], size, &type->align);
        (void)shmrpci_layout_add_field(&layout, layout_of(fields[i].type),
                                       fields[i].flags, &presence);
    }
    layout = shmrpci_layout_end(layout);
    type->kind = SHMRPC_KIND_STRUCT;
    type->name = "random.Struct";
    type->count = count;
    type->fields = fields;
    type->size = shmrpci_layout_align(size == 0 ? 1 : size, type->align);
    type->native_size = layout.size;
    type->native_align = layout.align;
    type->flags = is_flat(type) ? SHMRPC_TYPE_FLAT : 0u;
    type->flags |= is_params ? SHMRPC_TYPE_PARAMS : 0u;
    type->flags |= !is_params && one_in(m, 4) ? SHMRPC_TYPE_COMPACT : 0u;
    return type;
}

static const shmrpc_type *make_union(maker *m, int depth)
{
    shmrpc_type *type = take(m, 1, sizeof *type);
    unsigned count = 1 + random_below(m->seed, 4);
    shmrpc_field *fields = take(m, count, sizeof *fields);
    shmrpci_layout members = SHMRPCI_LAYOUT_EMPTY;
    uint32_t size = 0;
    uint32_t align = 4;
    for (unsigned i = 0; i < count; i++) {
        fields[i].name = make_name(m, 'm', i);
        fields[i].tag = 1 + i * 2;
        fields[i].type = make_type(m, depth - 1);
        fields[i].has_offset = SHMRPC_NO_OFFSET;
        align = max_of(align, fields[i].type->align);
        size = max_of(size, fields[i].type->size);
        shmrpci_layout_add_member(&members, layout_of(fields[i].type));
    }
    for (unsigned i = 0; i < count; i++) {
        fields[i].offset = align;
    }
    members = shmrpci_layout_union_end(members);
    type->kind = SHMRPC_KIND_UNION;
    type->name = "random.Union";
    type->count = count;
    type->fields = fields;
    type->align = align;
    type->value_offset = align;
    type->size = shmrpci_layout_align(align + size, align);
    type->native_size = members.size;
    type->native_align = members.align;
    return type;
}

static const shmrpc_type *make_type(maker *m, int depth)
{
    switch (random_below(m->seed, depth > 0 ? 13 : 8)) {
    case 0:
    case 1:
    case 2:
        return any_scalar(m);
    case 3:
        return make_bounded(m);
    case 4:
    case 5:
        return make_text(m);
    case 6:
        return make_enum(m);
    case 7:
        return m->with_any ? &shmrpc_type_any : &shmrpc_type_string;
    case 8:
        return make_list(m, depth);
    case 9:
        return make_array(m, depth);
    case 10:
        return make_map(m, depth);
    case 11:
        return make_union(m, depth);
    default:
        return make_struct(m, depth, 5, false);
    }
}

const shmrpc_type *random_type(shmrpci_arena *arena, uint64_t *seed,
                               unsigned flags)
{
    maker m = {arena, seed, (flags & RANDOM_WITH_ANY) != 0};
    return make_struct(&m, MAX_DEPTH, MAX_FIELDS, (flags & RANDOM_PARAMS) != 0);
}

/* ---- values -------------------------------------------------------------- */

static void fill(const maker *m, const shmrpc_type *type, uint8_t *out);

/* Chooses a random length within the bounds. */
static size_t choose_length(const maker *m, const shmrpc_type *type,
                            unsigned most)
{
    if ((type->flags & SHMRPC_TYPE_BOUNDED) == 0) {
        return random_below(m->seed, most + 1);
    }
    uint64_t width = type->max - type->min;
    return (size_t)type->min +
           random_below(m->seed, (unsigned)(width < most ? width : most) + 1);
}

/* Fills in UTF-8 of exactly `len` bytes: letters, escapes, NULs, longer
 * characters. */
static void fill_text(const maker *m, char *out, size_t len)
{
    static const char *const pieces[] = {"a",
                                         "Z",
                                         "7",
                                         " ",
                                         "\"",
                                         "\\",
                                         "\n",
                                         "\x01",
                                         "\x7f",
                                         "/",
                                         "\xc3\xa9",
                                         "\xdf\xbf",
                                         "\xe2\x82\xac",
                                         "\xef\xbf\xbf",
                                         "\xf0\x9f\x98\x80",
                                         "\xf4\x8f\xbf\xbf"};
    size_t at = 0;
    while (at < len) {
        const char *piece = pieces[random_below(m->seed, SHMRPC_COUNT(pieces))];
        size_t size = strlen(piece);
        if (one_in(m, 3)) {
            piece = "plain words of ASCII";
            size = 20;
        }
        if (size > len - at || one_in(m, 30)) {
            piece = one_in(m, 2) ? "\0" : "x";
            size = 1;
        }
        memcpy(out + at, piece, size);
        at += size;
    }
}

static shmrpc_str make_str(const maker *m, size_t len)
{
    char *text = take(m, len + 1, 1);
    fill_text(m, text, len);
    return (shmrpc_str){text, len};
}

static void fill_bytes(const maker *m, const shmrpc_type *type, uint8_t *out)
{
    size_t len = choose_length(m, type, one_in(m, 5) ? 300 : 20);
    if (type->kind == SHMRPC_KIND_STRING) {
        shmrpc_str text = make_str(m, len);
        shmrpci_store_span(out, text.ptr, len);
        return;
    }
    uint8_t *bytes = take(m, len + 1, 1);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)random_bits(m->seed);
    }
    shmrpci_store_span(out, bytes, len);
}

/* Fills in any bits, a small number, or an end of the range, within the
 * bounds. */
static void fill_integer(const maker *m, const shmrpc_type *type, uint8_t *out)
{
    uint64_t bits = random_bits(m->seed);
    unsigned choice = random_below(m->seed, 4);
    if (choice == 0) {
        bits >>= random_below(m->seed, 64);
    } else if (choice == 1) {
        bits = 0 - (bits >> random_below(m->seed, 64));
    }
    if ((type->flags & SHMRPC_TYPE_BOUNDED) != 0) {
        uint64_t width = type->max - type->min;
        bits = choice == 2           ? type->min
               : choice == 3         ? type->max
               : width == UINT64_MAX ? bits
                                     : type->min + bits % (width + 1);
    }
    shmrpci_store_bits(type, out, bits);
}

static double make_double(const maker *m)
{
    static const double specials[] = {0.0, -0.0,  1.0,    -1.5,
                                      0.1, 1e300, 5e-324, 123456789012345678.0};
    double number;
    uint64_t bits = random_bits(m->seed);
    memcpy(&number, &bits, sizeof number);
    if (!isfinite(number) || one_in(m, 3)) {
        number = specials[random_below(m->seed, SHMRPC_COUNT(specials))];
    }
    return number;
}

static void fill_float(const maker *m, const shmrpc_type *type, uint8_t *out)
{
    static const double specials[] = {(double)NAN, (double)INFINITY,
                                      -(double)INFINITY};
    double number = make_double(m);
    if (one_in(m, 10)) {
        number = specials[random_below(m->seed, SHMRPC_COUNT(specials))];
    }
    if (type->kind == SHMRPC_KIND_F32) {
        float single = (float)number;
        memcpy(out, &single, sizeof single);
    } else {
        memcpy(out, &number, sizeof number);
    }
}

static void fill_list(const maker *m, const shmrpc_type *type, uint8_t *out)
{
    size_t len = choose_length(m, type, MAX_ITEMS);
    uint8_t *items = take(m, len + 1, type->item_size);
    for (size_t i = 0; i < len; i++) {
        fill(m, type->element, items + i * type->item_size);
    }
    shmrpci_store_span(out, items, len);
}

/* Fills in entries whose keys differ. */
static void fill_map(const maker *m, const shmrpc_type *type, uint8_t *out)
{
    size_t most = choose_length(m, type, MAX_ITEMS);
    uint8_t *entries = take(m, most + 1, type->item_size);
    size_t len = 0;
    for (size_t i = 0; i < most; i++) {
        uint8_t *entry = entries + len * type->item_size;
        bool is_new = true;
        fill(m, type->key, entry);
        for (size_t j = 0; is_new && j < len; j++) {
            is_new = shmrpci_key_compare(type->key, entry,
                                         entries + j * type->item_size) != 0;
        }
        if (is_new) {
            fill(m, type->element, entry + type->value_offset);
            len++;
        }
    }
    shmrpci_store_span(out, entries, len);
}

/* Makes a value that both JSON and msgpack can represent. */
static shmrpc_any make_any(const maker *m, int depth)
{
    switch (random_below(m->seed, depth > 0 ? 8 : 6)) {
    case 0:
        return shmrpc_any_bool(one_in(m, 2));
    case 1:
        return shmrpc_any_i64((int64_t)random_bits(m->seed));
    case 2:
        return shmrpc_any_u64(random_bits(m->seed) | UINT64_C(1) << 63);
    case 3:
        return shmrpc_any_f64(make_double(m));
    case 4:
    case 5: {
        shmrpc_any text = shmrpc_any_null();
        text.kind = SHMRPC_ANY_STR;
        text.u.str = make_str(m, random_below(m->seed, 40));
        return text;
    }
    case 6: {
        size_t len = random_below(m->seed, MAX_ITEMS);
        shmrpc_any *items = take(m, len + 1, sizeof *items);
        for (size_t i = 0; i < len; i++) {
            items[i] =
                one_in(m, 9) ? shmrpc_any_null() : make_any(m, depth - 1);
        }
        return shmrpc_any_list_of(items, len);
    }
    default: {
        size_t len = random_below(m->seed, MAX_ITEMS);
        shmrpc_any_entry *entries = take(m, len + 1, sizeof *entries);
        for (size_t i = 0; i < len; i++) {
            entries[i].key = shmrpc_any_null();
            entries[i].key.kind = SHMRPC_ANY_STR;
            entries[i].key.u.str = make_str(m, i);
            entries[i].value = make_any(m, depth - 1);
        }
        return shmrpc_any_map_of(entries, len);
    }
    }
}

static void fill_field(const maker *m, const shmrpc_field *field, uint8_t *out)
{
    if ((field->flags & SHMRPC_FIELD_OPTIONAL) != 0 && one_in(m, 2)) {
        return;
    }
    uint8_t *at = out + field->offset;
    if (field->has_offset != SHMRPC_NO_OFFSET) {
        out[field->has_offset] = 1;
    }
    if ((field->flags & SHMRPC_FIELD_POINTER) != 0) {
        uint8_t *target = take(m, 1, field->type->size);
        memcpy(at, &target, sizeof target);
        at = target;
    }
    fill(m, field->type, at);
}

static void fill_union(const maker *m, const shmrpc_type *type, uint8_t *out)
{
    const shmrpc_field *field =
        &type->fields[random_below(m->seed, type->count)];
    memcpy(out, &field->tag, sizeof field->tag);
    fill_field(m, field, out);
}

static void fill_enum(const maker *m, const shmrpc_type *type, uint8_t *out)
{
    if (one_in(m, 4)) {
        fill_integer(m, type->element, out);
        return;
    }
    unsigned index = random_below(m->seed, type->count);
    shmrpci_store_bits(type->element, out,
                       (uint64_t)type->enumerators[index].value);
}

static void fill(const maker *m, const shmrpc_type *type, uint8_t *out)
{
    shmrpc_any any;
    switch (type->kind) {
    case SHMRPC_KIND_BOOL:
        *out = one_in(m, 2);
        return;
    case SHMRPC_KIND_F32:
    case SHMRPC_KIND_F64:
        fill_float(m, type, out);
        return;
    case SHMRPC_KIND_STRING:
    case SHMRPC_KIND_BYTES:
        fill_bytes(m, type, out);
        return;
    case SHMRPC_KIND_ANY:
        any = make_any(m, 3);
        memcpy(out, &any, sizeof any);
        return;
    case SHMRPC_KIND_LIST:
        fill_list(m, type, out);
        return;
    case SHMRPC_KIND_MAP:
        fill_map(m, type, out);
        return;
    case SHMRPC_KIND_ARRAY:
        for (uint32_t i = 0; i < type->count; i++) {
            fill(m, type->element, out + i * type->item_size);
        }
        return;
    case SHMRPC_KIND_ENUM:
        fill_enum(m, type, out);
        return;
    case SHMRPC_KIND_STRUCT:
        for (uint32_t i = 0; i < type->count; i++) {
            fill_field(m, &type->fields[i], out);
        }
        return;
    case SHMRPC_KIND_UNION:
        fill_union(m, type, out);
        return;
    default:
        fill_integer(m, type, out);
    }
}

const void *random_value(shmrpci_arena *arena, uint64_t *seed,
                         const shmrpc_type *type)
{
    const maker m = {arena, seed, false};
    uint8_t *value = take(&m, 1, type->size);
    fill(&m, type, value);
    return value;
}

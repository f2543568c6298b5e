/* JSON text to values of a described type. */
#include <math.h>

#include "codec/base64.h"
#include "codec/engines.h"
#include "codec/json_number.h"
#include "codec/json_reader.h"
#include "codec/keys.h"
#include "codec/value.h"

typedef shmrpci_json_reader reader;

static int read_value(reader *in, const shmrpc_type *type, void *out);

static const char *text_at(const reader *in)
{
    return (const char *)in->lexer.data + in->lexer.text_at;
}

static int no_memory(const reader *in)
{
    return shmrpci_walk_status(&in->walk, SHMRPC_E_NO_MEMORY);
}

static int not_a(const reader *in, const shmrpc_type *type)
{
    return shmrpci_json_expected(in, shmrpci_type_text(type));
}

static int read_bool(reader *in, const shmrpc_type *type, void *out)
{
    if (in->lexer.token != SHMRPCI_JSON_TRUE &&
        in->lexer.token != SHMRPCI_JSON_FALSE) {
        return not_a(in, type);
    }
    *(bool *)out = in->lexer.token == SHMRPCI_JSON_TRUE;
    return SHMRPC_OK;
}

static int not_integer(const reader *in, const shmrpc_type *type)
{
    return shmrpci_walk_fail(
        &in->walk, "expected %s, found %.*s (at byte %zu)",
        shmrpci_kind_text(type->kind),
        (int)(in->lexer.text_len < 40 ? in->lexer.text_len : 40), text_at(in),
        in->lexer.at);
}

/* 64-bit numbers may come as strings, for the sake of JavaScript. */
static bool is_quoted_int(const reader *in, const shmrpc_type *type)
{
    return in->lexer.token == SHMRPCI_JSON_STRING && type->size == 8 &&
           shmrpci_text_is_int(text_at(in), in->lexer.text_len);
}

static int read_integer(reader *in, const shmrpc_type *type, void *out)
{
    bool quoted = is_quoted_int(in, type);
    if (!quoted && in->lexer.token != SHMRPCI_JSON_INTEGER &&
        in->lexer.token != SHMRPCI_JSON_REAL) {
        return not_a(in, type);
    }
    int status = shmrpci_json_check_number(in);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_int number;
    bool is_real = in->lexer.token == SHMRPCI_JSON_REAL;
    bool ok =
        is_real ? shmrpci_text_to_int_from_real(text_at(in), in->lexer.text_len,
                                                &number)
                : shmrpci_text_to_int(text_at(in), in->lexer.text_len, &number);
    if (!ok) {
        return not_integer(in, type);
    }
    return shmrpci_store_int(&in->walk, type, number, out);
}

static bool special_float(const reader *in, double *out)
{
    static const struct {
        const char *text;
        double value;
    } specials[] = {{"NaN", (double)NAN},
                    {"Infinity", (double)INFINITY},
                    {"-Infinity", -(double)INFINITY}};
    for (size_t i = 0; i < SHMRPC_COUNT(specials); i++) {
        size_t len = strlen(specials[i].text);
        if (in->lexer.text_len == len &&
            memcmp(text_at(in), specials[i].text, len) == 0) {
            *out = specials[i].value;
            return true;
        }
    }
    return false;
}

static int read_float(reader *in, const shmrpc_type *type, void *out)
{
    double number;
    if (in->lexer.token == SHMRPCI_JSON_STRING && special_float(in, &number)) {
        return shmrpci_store_float(&in->walk, type, number, out);
    }
    if (in->lexer.token != SHMRPCI_JSON_INTEGER &&
        in->lexer.token != SHMRPCI_JSON_REAL) {
        return not_a(in, type);
    }
    int status = shmrpci_json_check_number(in);
    if (status != SHMRPC_OK) {
        return status;
    }
    /* Rounding to double and then to float would round twice. */
    number = type->kind == SHMRPC_KIND_F32
                 ? (double)shmrpci_text_to_f32(text_at(in), in->lexer.text_len)
                 : shmrpci_text_to_f64(text_at(in), in->lexer.text_len);
    if (isinf(number)) {
        return shmrpci_walk_fail(&in->walk, "number out of range (at byte %zu)",
                                 in->lexer.at);
    }
    return shmrpci_store_float(&in->walk, type, number, out);
}

static int read_string(reader *in, const shmrpc_type *type, void *out)
{
    if (in->lexer.token != SHMRPCI_JSON_STRING) {
        return not_a(in, type);
    }
    shmrpc_str text;
    int status = shmrpci_json_copy_string(in, &text);
    if (status == SHMRPC_OK) {
        status = shmrpci_walk_length(&in->walk, type, text.len);
        shmrpci_store_span(out, text.ptr, text.len);
    }
    return status;
}

static int decode_bytes(reader *in, const shmrpc_type *type, shmrpc_str text,
                        void *out)
{
    uint8_t *bytes = shmrpci_arena_alloc(in->arena, text.len / 4 * 3, 1);
    if (bytes == NULL) {
        return no_memory(in);
    }
    size_t len;
    if (!shmrpci_base64_decode(text.ptr, text.len, bytes, &len)) {
        return shmrpci_walk_fail(&in->walk, "not base64 (at byte %zu)",
                                 in->lexer.at);
    }
    shmrpci_store_span(out, bytes, len);
    return shmrpci_walk_length(&in->walk, type, len);
}

static int read_bytes(reader *in, const shmrpc_type *type, void *out)
{
    if (in->lexer.token != SHMRPCI_JSON_STRING) {
        return not_a(in, type);
    }
    shmrpc_str text;
    int status = shmrpci_json_view_string(in, &text);
    return status == SHMRPC_OK ? decode_bytes(in, type, text, out) : status;
}

static int enum_by_name(reader *in, const shmrpc_type *type, shmrpc_str name,
                        void *out)
{
    uint64_t bits;
    if (!shmrpci_enum_value(type, name.ptr, name.len, &bits)) {
        return shmrpci_walk_fail(&in->walk,
                                 "`%.*s` is no name of %s (at byte %zu)",
                                 (int)(name.len < 40 ? name.len : 40), name.ptr,
                                 shmrpci_type_text(type), in->lexer.at);
    }
    shmrpci_store_bits(type->element, out, bits);
    return SHMRPC_OK;
}

static int read_enum(reader *in, const shmrpc_type *type, void *out)
{
    if (in->lexer.token == SHMRPCI_JSON_STRING) {
        shmrpc_str name;
        int status = shmrpci_json_view_string(in, &name);
        return status == SHMRPC_OK ? enum_by_name(in, type, name, out) : status;
    }
    if (in->lexer.token != SHMRPCI_JSON_INTEGER) {
        return not_a(in, type);
    }
    return read_integer(in, type->element, out);
}

/* A list that is bounded stops at its bound, not at the end of the input. */
static int check_room(const reader *in, const shmrpc_type *type, size_t len)
{
    if ((type->flags & SHMRPC_TYPE_BOUNDED) == 0 || len < type->max) {
        return SHMRPC_OK;
    }
    return shmrpci_walk_length(&in->walk, type, (uint64_t)len + 1);
}

static int read_items(reader *in, const shmrpc_type *type, shmrpci_step *step,
                      shmrpci_items *items)
{
    bool more = false;
    int status = shmrpci_json_open(in, SHMRPCI_JSON_ARRAY_CLOSE, &more);
    while (status == SHMRPC_OK && more) {
        step->kind = SHMRPCI_STEP_NONE;
        status = check_room(in, type, items->len);
        if (status != SHMRPC_OK) {
            break;
        }
        shmrpci_step_index(step, items->len);
        /* The item moves when the array grows: nothing keeps its address. */
        void *item = shmrpci_items_add(items, type->item_size,
                                       type->element->align, in->arena);
        if (item == NULL) {
            return no_memory(in);
        }
        status = read_value(in, type->element, item);
        step->kind = SHMRPCI_STEP_NONE;
        if (status == SHMRPC_OK) {
            status = shmrpci_json_next_item(in, SHMRPCI_JSON_ARRAY_CLOSE,
                                            "`,` or `]`", &more);
        }
    }
    return status;
}

static int read_list(reader *in, const shmrpc_type *type, void *out)
{
    if (in->lexer.token != SHMRPCI_JSON_ARRAY_OPEN) {
        return not_a(in, type);
    }
    shmrpci_step step;
    int status = shmrpci_walk_enter(&in->walk, &step);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_items items = {.len = 0};
    status = read_items(in, type, &step, &items);
    shmrpci_walk_leave(&in->walk, &step);
    shmrpci_store_span(out, items.ptr, items.len);
    return status == SHMRPC_OK ? shmrpci_walk_length(&in->walk, type, items.len)
                               : status;
}

static int read_array(reader *in, const shmrpc_type *type, void *out)
{
    if (in->lexer.token != SHMRPCI_JSON_ARRAY_OPEN) {
        return not_a(in, type);
    }
    shmrpci_step step;
    int status = shmrpci_walk_enter(&in->walk, &step);
    if (status != SHMRPC_OK) {
        return status;
    }
    size_t count = 0;
    bool more = false;
    status = shmrpci_json_open(in, SHMRPCI_JSON_ARRAY_CLOSE, &more);
    while (status == SHMRPC_OK && more && count < type->count) {
        shmrpci_step_index(&step, count);
        status = read_value(in, type->element,
                            (uint8_t *)out + count * type->item_size);
        count++;
        step.kind = SHMRPCI_STEP_NONE;
        if (status == SHMRPC_OK) {
            status = shmrpci_json_next_item(in, SHMRPCI_JSON_ARRAY_CLOSE,
                                            "`,` or `]`", &more);
        }
    }
    shmrpci_walk_leave(&in->walk, &step);
    if (status == SHMRPC_OK && (more || count != type->count)) {
        return shmrpci_walk_fail(&in->walk, "%s than %u elements",
                                 more ? "more" : "fewer",
                                 (unsigned)type->count);
    }
    return status;
}

static int key_from_text(reader *in, const shmrpc_type *type, shmrpc_str text,
                         void *out)
{
    const shmrpc_type *base = shmrpci_base_type(type);
    shmrpci_int number;
    if (shmrpci_is_integer(base) && shmrpci_text_is_int(text.ptr, text.len) &&
        shmrpci_text_to_int(text.ptr, text.len, &number)) {
        return shmrpci_store_int(&in->walk, base, number, out);
    }
    if (type->kind == SHMRPC_KIND_ENUM) {
        return enum_by_name(in, type, text, out);
    }
    if (type->kind == SHMRPC_KIND_BOOL) {
        bool is_true = shmrpc_str_equal(text, shmrpc_str_of("true"));
        *(bool *)out = is_true;
        if (is_true || shmrpc_str_equal(text, shmrpc_str_of("false"))) {
            return SHMRPC_OK;
        }
    }
    if (type->kind == SHMRPC_KIND_BYTES) {
        return decode_bytes(in, type, text, out);
    }
    return shmrpci_walk_fail(&in->walk,
                             "the key is no %s in quotes (at byte %zu)",
                             shmrpci_type_text(type), in->lexer.at);
}

/* Reads a key and the colon behind it. */
static int read_map_key(reader *in, const shmrpc_type *type, void *out)
{
    if (in->lexer.token != SHMRPCI_JSON_STRING) {
        return shmrpci_json_expected(in, "a key");
    }
    int status;
    shmrpc_str text;
    if (type->kind == SHMRPC_KIND_STRING) {
        status = read_string(in, type, out);
    } else if (type->kind == SHMRPC_KIND_ANY) {
        shmrpc_any *key = out;
        *key = shmrpc_any_null();
        key->kind = SHMRPC_ANY_STR;
        status = shmrpci_json_copy_string(in, &key->u.str);
    } else {
        status = shmrpci_json_view_string(in, &text);
        if (status == SHMRPC_OK) {
            status = key_from_text(in, type, text, out);
        }
    }
    return status == SHMRPC_OK ? shmrpci_json_finish_key(in) : status;
}

static int read_entries(reader *in, const shmrpc_type *type, shmrpci_step *step,
                        shmrpci_items *entries)
{
    bool more = false;
    size_t align = type->element->align > type->key->align
                       ? type->element->align
                       : type->key->align;
    int status = shmrpci_json_open(in, SHMRPCI_JSON_OBJECT_CLOSE, &more);
    while (status == SHMRPC_OK && more) {
        step->kind = SHMRPCI_STEP_NONE;
        status = check_room(in, type, entries->len);
        if (status != SHMRPC_OK) {
            break;
        }
        uint8_t *entry =
            shmrpci_items_add(entries, type->item_size, align, in->arena);
        if (entry == NULL) {
            return no_memory(in);
        }
        status = read_map_key(in, type->key, entry);
        if (status == SHMRPC_OK) {
            shmrpci_step_key(step, type->key, entry);
            status = read_value(in, type->element, entry + type->value_offset);
        }
        if (status == SHMRPC_OK) {
            status = shmrpci_json_next_item(in, SHMRPCI_JSON_OBJECT_CLOSE,
                                            "`,` or `}`", &more);
        }
    }
    step->kind = SHMRPCI_STEP_NONE;
    return status;
}

static int read_map(reader *in, const shmrpc_type *type, void *out)
{
    if (in->lexer.token != SHMRPCI_JSON_OBJECT_OPEN) {
        return not_a(in, type);
    }
    shmrpci_step step;
    int status = shmrpci_walk_enter(&in->walk, &step);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_items entries = {.len = 0};
    status = read_entries(in, type, &step, &entries);
    shmrpci_walk_leave(&in->walk, &step);
    if (status == SHMRPC_OK) {
        status = shmrpci_json_check_keys(in, type->key, entries.ptr,
                                         entries.len, type->item_size);
    }
    shmrpci_store_span(out, entries.ptr, entries.len);
    return status == SHMRPC_OK
               ? shmrpci_walk_length(&in->walk, type, entries.len)
               : status;
}

/* null stands for absence where a value may be absent. An `any` takes it as
 * its value, except among positional parameters, where it fills a hole. */
static bool is_absent(const reader *in, const shmrpc_field *field,
                      bool is_position)
{
    return in->lexer.token == SHMRPCI_JSON_NULL &&
           (is_position || field->type->kind != SHMRPC_KIND_ANY) &&
           ((field->flags & SHMRPC_FIELD_OPTIONAL) != 0 ||
            field->default_value != NULL);
}

static int read_field(reader *in, const shmrpc_field *field, bool is_position,
                      void *value)
{
    if (is_absent(in, field, is_position)) {
        int status = shmrpci_field_missing(&in->walk, field, value);
        return status == SHMRPC_OK ? shmrpci_json_advance(in) : status;
    }
    void *target = shmrpci_field_target(field, value, in->arena);
    return target != NULL ? read_value(in, field->type, target) : no_memory(in);
}

/* Unknown keys are for newer readers; their values must still be JSON, and the
 * keys differ. */
static int skip_member(reader *in, shmrpci_items *unknown, shmrpc_str key)
{
    shmrpc_str *slot = shmrpci_items_add(unknown, sizeof *slot,
                                         _Alignof(shmrpc_str), in->arena);
    if (slot == NULL) {
        return no_memory(in);
    }
    *slot = key;
    shmrpc_any ignored;
    return shmrpci_json_read_any(in, &ignored);
}

static int read_member(reader *in, const shmrpc_type *type, shmrpci_step *step,
                       size_t index, shmrpci_seen *seen, void *out)
{
    const shmrpc_field *field = &type->fields[index];
    shmrpci_step_field(step, field->name);
    if (shmrpci_seen_has(seen, index)) {
        return shmrpci_walk_fail(&in->walk, "duplicate key");
    }
    shmrpci_seen_add(seen, index);
    return read_field(in, field, false, out);
}

static int read_members(reader *in, const shmrpc_type *type, shmrpci_step *step,
                        shmrpci_seen *seen, void *out)
{
    shmrpci_items unknown = {.len = 0};
    size_t hint = 0;
    bool more = false;
    int status = shmrpci_json_open(in, SHMRPCI_JSON_OBJECT_CLOSE, &more);
    while (status == SHMRPC_OK && more) {
        shmrpc_str key;
        step->kind = SHMRPCI_STEP_NONE;
        status = shmrpci_json_read_key(in, &key);
        if (status != SHMRPC_OK) {
            return status;
        }
        size_t index = shmrpci_field_by_name(type, hint, key.ptr, key.len);
        if (index != SIZE_MAX) {
            status = read_member(in, type, step, index, seen, out);
            hint = index + 1;
        } else {
            shmrpci_step_key(step, &shmrpc_type_string, &key);
            status = skip_member(in, &unknown, key);
        }
        step->kind = SHMRPCI_STEP_NONE;
        if (status == SHMRPC_OK) {
            status = shmrpci_json_next_item(in, SHMRPCI_JSON_OBJECT_CLOSE,
                                            "`,` or `}`", &more);
        }
    }
    return status == SHMRPC_OK
               ? shmrpci_json_check_keys(in, &shmrpc_type_string, unknown.ptr,
                                         unknown.len, sizeof(shmrpc_str))
               : status;
}

/* Parameters in an array: position = tag - 1. Positions that are not known are
 * skipped, as unknown keys are. */
static int read_positions(reader *in, const shmrpc_type *type,
                          shmrpci_step *step, shmrpci_seen *seen, void *out)
{
    uint64_t tag = 1;
    bool more = false;
    int status = shmrpci_json_open(in, SHMRPCI_JSON_ARRAY_CLOSE, &more);
    while (status == SHMRPC_OK && more) {
        size_t index = shmrpci_field_by_tag(type, tag);
        if (index != SIZE_MAX) {
            shmrpci_step_field(step, type->fields[index].name);
            shmrpci_seen_add(seen, index);
            status = read_field(in, &type->fields[index], true, out);
        } else {
            shmrpc_any ignored;
            shmrpci_step_index(step, (size_t)tag - 1);
            status = shmrpci_json_read_any(in, &ignored);
        }
        tag++;
        if (status == SHMRPC_OK) {
            step->kind = SHMRPCI_STEP_NONE;
            status = shmrpci_json_next_item(in, SHMRPCI_JSON_ARRAY_CLOSE,
                                            "`,` or `]`", &more);
        }
    }
    return status;
}

static int fill_missing(reader *in, const shmrpc_type *type, shmrpci_step *step,
                        const shmrpci_seen *seen, void *out)
{
    int status = SHMRPC_OK;
    for (size_t i = 0; status == SHMRPC_OK && i < type->count; i++) {
        if (!shmrpci_seen_has(seen, i)) {
            shmrpci_step_field(step, type->fields[i].name);
            status = shmrpci_field_missing(&in->walk, &type->fields[i], out);
        }
    }
    return status;
}

static int read_struct(reader *in, const shmrpc_type *type, void *out)
{
    bool is_array = (type->flags & SHMRPC_TYPE_PARAMS) != 0 &&
                    in->lexer.token == SHMRPCI_JSON_ARRAY_OPEN;
    if (!is_array && in->lexer.token != SHMRPCI_JSON_OBJECT_OPEN) {
        return not_a(in, type);
    }
    shmrpci_seen seen;
    if (shmrpci_seen_init(&seen, type, in->arena) != SHMRPC_OK) {
        return no_memory(in);
    }
    shmrpci_step step;
    int status = shmrpci_walk_enter(&in->walk, &step);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (type->size > 0) {
        memset(out, 0, type->size);
    }
    status = is_array ? read_positions(in, type, &step, &seen, out)
                      : read_members(in, type, &step, &seen, out);
    if (status == SHMRPC_OK) {
        status = fill_missing(in, type, &step, &seen, out);
    }
    shmrpci_walk_leave(&in->walk, &step);
    return status;
}

static int read_union_member(reader *in, const shmrpc_type *type,
                             shmrpci_step *step, void *out)
{
    shmrpc_str key;
    int status = shmrpci_json_read_key(in, &key);
    if (status != SHMRPC_OK) {
        return status;
    }
    size_t index = shmrpci_field_by_name(type, 0, key.ptr, key.len);
    if (index == SIZE_MAX) {
        return shmrpci_walk_fail(&in->walk, "`%.*s` is no member of %s",
                                 (int)(key.len < 40 ? key.len : 40), key.ptr,
                                 shmrpci_type_text(type));
    }
    const shmrpc_field *field = &type->fields[index];
    memcpy(out, &field->tag, sizeof field->tag);
    shmrpci_step_field(step, field->name);
    return read_field(in, field, false, out);
}

static int read_union(reader *in, const shmrpc_type *type, void *out)
{
    if (in->lexer.token != SHMRPCI_JSON_OBJECT_OPEN) {
        return not_a(in, type);
    }
    shmrpci_step step;
    int status = shmrpci_walk_enter(&in->walk, &step);
    if (status != SHMRPC_OK) {
        return status;
    }
    memset(out, 0, type->size);
    bool more = false;
    status = shmrpci_json_open(in, SHMRPCI_JSON_OBJECT_CLOSE, &more);
    if (status == SHMRPC_OK && more) {
        status = read_union_member(in, type, &step, out);
        step.kind = SHMRPCI_STEP_NONE;
        if (status == SHMRPC_OK && in->lexer.token == SHMRPCI_JSON_COMMA) {
            status = shmrpci_walk_fail(&in->walk, "more than one member");
        }
        if (status == SHMRPC_OK) {
            status = shmrpci_json_next_item(in, SHMRPCI_JSON_OBJECT_CLOSE,
                                            "`}`", &more);
        }
    } else if (status == SHMRPC_OK) {
        status = shmrpci_walk_fail(&in->walk, "no member of %s",
                                   shmrpci_type_text(type));
    }
    shmrpci_walk_leave(&in->walk, &step);
    return status;
}

/* The kinds that are one word; `*done` is false for the others. */
static int read_word(reader *in, const shmrpc_type *type, void *out, bool *done)
{
    *done = true;
    switch (type->kind) {
    case SHMRPC_KIND_BOOL:
        return read_bool(in, type, out);
    case SHMRPC_KIND_I8:
    case SHMRPC_KIND_I16:
    case SHMRPC_KIND_I32:
    case SHMRPC_KIND_I64:
    case SHMRPC_KIND_U8:
    case SHMRPC_KIND_U16:
    case SHMRPC_KIND_U32:
    case SHMRPC_KIND_U64:
        return read_integer(in, type, out);
    case SHMRPC_KIND_F32:
    case SHMRPC_KIND_F64:
        return read_float(in, type, out);
    case SHMRPC_KIND_STRING:
        return read_string(in, type, out);
    case SHMRPC_KIND_BYTES:
        return read_bytes(in, type, out);
    case SHMRPC_KIND_ENUM:
        return read_enum(in, type, out);
    case SHMRPC_KIND_ANY:
    case SHMRPC_KIND_LIST:
    case SHMRPC_KIND_MAP:
    case SHMRPC_KIND_ARRAY:
    case SHMRPC_KIND_STRUCT:
    case SHMRPC_KIND_UNION:
        break;
    }
    *done = false;
    return SHMRPC_OK;
}

static int read_container(reader *in, const shmrpc_type *type, void *out)
{
    switch (type->kind) {
    case SHMRPC_KIND_ANY:
        return shmrpci_json_read_any(in, out);
    case SHMRPC_KIND_LIST:
        return read_list(in, type, out);
    case SHMRPC_KIND_MAP:
        return read_map(in, type, out);
    case SHMRPC_KIND_ARRAY:
        return read_array(in, type, out);
    case SHMRPC_KIND_STRUCT:
        return read_struct(in, type, out);
    case SHMRPC_KIND_UNION:
        return read_union(in, type, out);
    default:
        return shmrpci_walk_fail(&in->walk, "unknown kind");
    }
}

static int read_value(reader *in, const shmrpc_type *type, void *out)
{
    bool is_word;
    int status = read_word(in, type, out, &is_word);
    if (!is_word) {
        return read_container(in, type, out);
    }
    return status == SHMRPC_OK ? shmrpci_json_advance(in) : status;
}

int shmrpci_json_decode(const shmrpc_type *type, const uint8_t *data,
                        size_t len, const char *name, shmrpci_arena *arena,
                        void *value, shmrpc_error *error)
{
    reader in = {.walk = {.root = name, .error = error}, .arena = arena};
    shmrpci_json_lexer_init(&in.lexer, data, len);
    void *result = shmrpci_arena_alloc(arena, type->size, 16);
    if (result == NULL) {
        return no_memory(&in);
    }
    int status = shmrpci_json_advance(&in);
    if (status == SHMRPC_OK) {
        status = read_value(&in, type, result);
    }
    if (status == SHMRPC_OK && in.lexer.token != SHMRPCI_JSON_END) {
        status = shmrpci_json_expected(&in, "the end");
    }
    if (status == SHMRPC_OK && type->size > 0) {
        memcpy(value, result, type->size);
    }
    return status;
}

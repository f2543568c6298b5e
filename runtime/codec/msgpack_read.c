/* msgpack to values of a described type. */
#include "codec/engines.h"
#include "codec/msgpack_reader.h"

typedef shmrpci_msgpack_token token;

typedef shmrpci_msgpack_reader reader;

static int read_value(reader *in, const shmrpc_type *type, void *out);

static int not_a(const reader *in, const shmrpc_type *type, const token *word)
{
    return shmrpci_walk_fail(&in->walk, "expected %s, found %s (at byte %zu)",
                             shmrpci_type_text(type),
                             shmrpci_msgpack_kind_text(word->kind), word->at);
}

static int read_bytes(reader *in, const shmrpc_type *type, const token *word,
                      void *out)
{
    bool is_text = type->kind == SHMRPC_KIND_STRING;
    if (word->kind != (is_text ? SHMRPCI_MSGPACK_STR : SHMRPCI_MSGPACK_BIN)) {
        return not_a(in, type, word);
    }
    int status = shmrpci_walk_length(&in->walk, type, word->len);
    if (status == SHMRPC_OK && is_text) {
        status = shmrpci_msgpack_check_utf8(in, word);
    }
    return status == SHMRPC_OK ? shmrpci_msgpack_copy(in, word, out) : status;
}

static int read_float(reader *in, const shmrpc_type *type, const token *word,
                      void *out)
{
    double number = word->real;
    if (word->kind == SHMRPCI_MSGPACK_INT) {
        /* Languages with one kind of number write 1.0 as an integer. */
        const uint64_t exact = UINT64_C(1)
                               << (type->kind == SHMRPC_KIND_F32 ? 24 : 53);
        if (word->number.magnitude > exact) {
            return shmrpci_walk_fail(&in->walk,
                                     "integer has no exact %s (at byte %zu)",
                                     shmrpci_kind_text(type->kind), word->at);
        }
        number = (double)word->number.magnitude;
        number = word->number.negative ? -number : number;
    } else if (word->kind != SHMRPCI_MSGPACK_FLOAT) {
        return not_a(in, type, word);
    }
    return shmrpci_store_float(&in->walk, type, number, out);
}

static int read_elements(reader *in, const shmrpc_type *type, uint8_t *items,
                         size_t count)
{
    shmrpci_step step;
    int status = shmrpci_walk_enter(&in->walk, &step);
    if (status != SHMRPC_OK) {
        return status;
    }
    for (size_t i = 0; status == SHMRPC_OK && i < count; i++) {
        shmrpci_step_index(&step, i);
        status = read_value(in, type->element, items + i * type->item_size);
    }
    shmrpci_walk_leave(&in->walk, &step);
    return status;
}

static int read_list(reader *in, const shmrpc_type *type, const token *word,
                     void *out)
{
    if (word->kind != SHMRPCI_MSGPACK_ARRAY) {
        return not_a(in, type, word);
    }
    int status = shmrpci_walk_length(&in->walk, type, word->len);
    if (status != SHMRPC_OK) {
        return status;
    }
    void *items = shmrpci_msgpack_alloc(in, word->len, type->item_size,
                                        type->element->align);
    if (items == NULL) {
        return shmrpci_msgpack_no_memory(in);
    }
    shmrpci_store_span(out, items, word->len);
    return read_elements(in, type, items, word->len);
}

static int read_array(reader *in, const shmrpc_type *type, const token *word,
                      void *out)
{
    if (word->kind != SHMRPCI_MSGPACK_ARRAY) {
        return not_a(in, type, word);
    }
    if (word->len != type->count) {
        return shmrpci_walk_fail(&in->walk, "%s than %u elements",
                                 word->len > type->count ? "more" : "fewer",
                                 (unsigned)type->count);
    }
    return read_elements(in, type, out, word->len);
}

static int read_entries(reader *in, const shmrpc_type *type, uint8_t *entries,
                        size_t count)
{
    shmrpci_step step;
    int status = shmrpci_walk_enter(&in->walk, &step);
    if (status != SHMRPC_OK) {
        return status;
    }
    for (size_t i = 0; status == SHMRPC_OK && i < count; i++) {
        uint8_t *entry = entries + i * type->item_size;
        step.kind = SHMRPCI_STEP_NONE;
        status = read_value(in, type->key, entry);
        if (status == SHMRPC_OK) {
            shmrpci_step_key(&step, type->key, entry);
            status = read_value(in, type->element, entry + type->value_offset);
        }
    }
    shmrpci_walk_leave(&in->walk, &step);
    return status;
}

static int read_map(reader *in, const shmrpc_type *type, const token *word,
                    void *out)
{
    if (word->kind != SHMRPCI_MSGPACK_MAP) {
        return not_a(in, type, word);
    }
    int status = shmrpci_walk_length(&in->walk, type, word->len);
    if (status != SHMRPC_OK) {
        return status;
    }
    void *entries =
        shmrpci_msgpack_alloc(in, word->len, type->item_size, sizeof(uint64_t));
    if (entries == NULL) {
        return shmrpci_msgpack_no_memory(in);
    }
    shmrpci_store_span(out, entries, word->len);
    status = read_entries(in, type, entries, word->len);
    return status == SHMRPC_OK
               ? shmrpci_msgpack_check_keys(in, type->key, entries, word->len,
                                            type->item_size)
               : status;
}

/* nil stands for absence where a value may be absent. An `any` takes it as its
 * value, except among positional parameters, where it fills a hole. */
static bool is_absent(const reader *in, const shmrpc_field *field,
                      bool is_position)
{
    return shmrpci_msgpack_at_nil(&in->input) &&
           (is_position || field->type->kind != SHMRPC_KIND_ANY) &&
           ((field->flags & SHMRPC_FIELD_OPTIONAL) != 0 ||
            field->default_value != NULL);
}

static int read_field(reader *in, const shmrpc_field *field, bool is_position,
                      void *value)
{
    if (is_absent(in, field, is_position)) {
        token nil;
        int status = shmrpci_msgpack_word(in, &nil);
        return status == SHMRPC_OK
                   ? shmrpci_field_missing(&in->walk, field, value)
                   : status;
    }
    void *target = shmrpci_field_target(field, value, in->arena);
    return target != NULL ? read_value(in, field->type, target)
                          : shmrpci_msgpack_no_memory(in);
}

/* Steps over the key of the field `hint`, if it is next and written in the
 * shortest way: most writers keep the order of the fields. */
static bool take_expected_key(shmrpci_msgpack_input *input,
                              const shmrpc_type *type, size_t hint)
{
    if (hint >= type->count || input->at >= input->len) {
        return false;
    }
    const shmrpc_field *field = &type->fields[hint];
    uint8_t head = input->data[input->at];
    size_t len = 0;
    if (head != field->tag || head >= 0x80) {
        len = head & 0x1F;
        if ((head & 0xE0) != 0xA0 || len >= input->len - input->at ||
            !shmrpci_is_name(field->name,
                             (const char *)input->data + input->at + 1, len)) {
            return false;
        }
    }
    input->at += 1 + len;
    input->owed--;
    return true;
}

/* Reads a key and looks for its field, by name or by tag; SIZE_MAX in `*index`
 * for none: then it is in `*key`. */
static int read_field_key(reader *in, const shmrpc_type *type, size_t hint,
                          shmrpc_any *key, size_t *index)
{
    if (take_expected_key(&in->input, type, hint)) {
        *index = hint;
        return SHMRPC_OK;
    }
    *index = SIZE_MAX;
    int status = shmrpci_msgpack_read_any(in, key);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (key->kind == SHMRPC_ANY_STR) {
        *index =
            shmrpci_field_by_name(type, hint, key->u.str.ptr, key->u.str.len);
    } else if (key->kind == SHMRPC_ANY_I64 && key->u.i64 > 0) {
        *index = shmrpci_field_by_tag(type, key->u.u64);
    }
    return SHMRPC_OK;
}

static int skip_member(reader *in, shmrpci_items *unknown,
                       const shmrpc_any *key)
{
    shmrpc_any *slot = shmrpci_items_add(unknown, sizeof *slot,
                                         _Alignof(shmrpc_any), in->arena);
    if (slot == NULL) {
        return shmrpci_msgpack_no_memory(in);
    }
    *slot = *key;
    shmrpc_any ignored;
    return shmrpci_msgpack_read_any(in, &ignored);
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

static int read_members(reader *in, const shmrpc_type *type, size_t count,
                        shmrpci_step *step, shmrpci_seen *seen, void *out)
{
    shmrpci_items unknown = {.len = 0};
    size_t hint = 0;
    int status = SHMRPC_OK;
    for (size_t i = 0; status == SHMRPC_OK && i < count; i++) {
        shmrpc_any key;
        size_t index;
        step->kind = SHMRPCI_STEP_NONE;
        status = read_field_key(in, type, hint, &key, &index);
        if (status != SHMRPC_OK) {
            break;
        }
        if (index != SIZE_MAX) {
            status = read_member(in, type, step, index, seen, out);
            hint = index + 1;
        } else {
            shmrpci_step_key(step, &shmrpc_type_any, &key);
            status = skip_member(in, &unknown, &key);
        }
    }
    step->kind = status == SHMRPC_OK ? SHMRPCI_STEP_NONE : step->kind;
    return status == SHMRPC_OK
               ? shmrpci_msgpack_check_keys(in, &shmrpc_type_any, unknown.ptr,
                                            unknown.len, sizeof(shmrpc_any))
               : status;
}

/* Parameters in an array: position = tag - 1. Unknown positions are skipped. */
static int read_positions(reader *in, const shmrpc_type *type, size_t count,
                          shmrpci_step *step, shmrpci_seen *seen, void *out)
{
    int status = SHMRPC_OK;
    for (size_t i = 0; status == SHMRPC_OK && i < count; i++) {
        size_t index = shmrpci_field_by_tag(type, (uint64_t)i + 1);
        if (index != SIZE_MAX) {
            shmrpci_step_field(step, type->fields[index].name);
            shmrpci_seen_add(seen, index);
            status = read_field(in, &type->fields[index], true, out);
        } else {
            shmrpc_any ignored;
            shmrpci_step_index(step, i);
            status = shmrpci_msgpack_read_any(in, &ignored);
        }
    }
    return status;
}

static int fill_missing(reader *in, const shmrpc_type *type, shmrpci_step *step,
                        const shmrpci_seen *seen, void *out)
{
    int status = SHMRPC_OK;
    if (shmrpci_seen_all(seen, type)) {
        return status;
    }
    for (size_t i = 0; status == SHMRPC_OK && i < type->count; i++) {
        if (!shmrpci_seen_has(seen, i)) {
            shmrpci_step_field(step, type->fields[i].name);
            status = shmrpci_field_missing(&in->walk, &type->fields[i], out);
        }
    }
    return status;
}

static int read_struct(reader *in, const shmrpc_type *type, const token *word,
                       void *out)
{
    bool is_array = (type->flags & SHMRPC_TYPE_PARAMS) != 0 &&
                    word->kind == SHMRPCI_MSGPACK_ARRAY;
    if (!is_array && word->kind != SHMRPCI_MSGPACK_MAP) {
        return not_a(in, type, word);
    }
    shmrpci_seen seen;
    if (shmrpci_seen_init(&seen, type, in->arena) != SHMRPC_OK) {
        return shmrpci_msgpack_no_memory(in);
    }
    shmrpci_step step;
    int status = shmrpci_walk_enter(&in->walk, &step);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (type->size > 0) {
        memset(out, 0, type->size);
    }
    status = is_array ? read_positions(in, type, word->len, &step, &seen, out)
                      : read_members(in, type, word->len, &step, &seen, out);
    if (status == SHMRPC_OK) {
        status = fill_missing(in, type, &step, &seen, out);
    }
    shmrpci_walk_leave(&in->walk, &step);
    return status;
}

static int read_union_member(reader *in, const shmrpc_type *type,
                             shmrpci_step *step, void *out)
{
    shmrpc_any key;
    size_t index;
    int status = read_field_key(in, type, 0, &key, &index);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (index == SIZE_MAX) {
        shmrpci_step_key(step, &shmrpc_type_any, &key);
        return shmrpci_walk_fail(&in->walk, "no member of %s",
                                 shmrpci_type_text(type));
    }
    const shmrpc_field *field = &type->fields[index];
    memcpy(out, &field->tag, sizeof field->tag);
    shmrpci_step_field(step, field->name);
    return read_field(in, field, false, out);
}

static int read_union(reader *in, const shmrpc_type *type, const token *word,
                      void *out)
{
    if (word->kind != SHMRPCI_MSGPACK_MAP) {
        return not_a(in, type, word);
    }
    if (word->len != 1) {
        return shmrpci_walk_fail(&in->walk,
                                 "%zu members of %s, expected 1 (at byte %zu)",
                                 word->len, shmrpci_type_text(type), word->at);
    }
    shmrpci_step step;
    int status = shmrpci_walk_enter(&in->walk, &step);
    if (status != SHMRPC_OK) {
        return status;
    }
    memset(out, 0, type->size);
    status = read_union_member(in, type, &step, out);
    shmrpci_walk_leave(&in->walk, &step);
    return status;
}

static int read_scalar(reader *in, const shmrpc_type *type, const token *word,
                       void *out)
{
    if (type->kind == SHMRPC_KIND_BOOL) {
        if (word->kind != SHMRPCI_MSGPACK_BOOL) {
            return not_a(in, type, word);
        }
        *(bool *)out = word->truth;
        return SHMRPC_OK;
    }
    if (word->kind != SHMRPCI_MSGPACK_INT) {
        return not_a(in, type, word);
    }
    return shmrpci_store_int(&in->walk, shmrpci_base_type(type), word->number,
                             out);
}

/* Integers from 0 to 127 are one byte, and fit every type. */
static bool take_small_integer(shmrpci_msgpack_input *input,
                               const shmrpc_type *type, void *out)
{
    if (input->at >= input->len || input->data[input->at] >= 0x80) {
        return false;
    }
    shmrpci_store_bits(type, out, input->data[input->at++]);
    input->owed--;
    return true;
}

static int read_value(reader *in, const shmrpc_type *type, void *out)
{
    if (type->kind == SHMRPC_KIND_ANY) {
        return shmrpci_msgpack_read_any(in, out);
    }
    if (shmrpci_is_integer(type) && take_small_integer(&in->input, type, out)) {
        return shmrpci_walk_bounds(&in->walk, type, out);
    }
    token word;
    int status = shmrpci_msgpack_word(in, &word);
    if (status != SHMRPC_OK) {
        return status;
    }
    switch (type->kind) {
    case SHMRPC_KIND_BOOL:
    case SHMRPC_KIND_I8:
    case SHMRPC_KIND_I16:
    case SHMRPC_KIND_I32:
    case SHMRPC_KIND_I64:
    case SHMRPC_KIND_U8:
    case SHMRPC_KIND_U16:
    case SHMRPC_KIND_U32:
    case SHMRPC_KIND_U64:
    case SHMRPC_KIND_ENUM:
        return read_scalar(in, type, &word, out);
    case SHMRPC_KIND_F32:
    case SHMRPC_KIND_F64:
        return read_float(in, type, &word, out);
    case SHMRPC_KIND_STRING:
    case SHMRPC_KIND_BYTES:
        return read_bytes(in, type, &word, out);
    case SHMRPC_KIND_LIST:
        return read_list(in, type, &word, out);
    case SHMRPC_KIND_MAP:
        return read_map(in, type, &word, out);
    case SHMRPC_KIND_ARRAY:
        return read_array(in, type, &word, out);
    case SHMRPC_KIND_STRUCT:
        return read_struct(in, type, &word, out);
    case SHMRPC_KIND_UNION:
        return read_union(in, type, &word, out);
    case SHMRPC_KIND_ANY:
        break;
    }
    return shmrpci_walk_fail(&in->walk, "unknown kind");
}

int shmrpci_msgpack_decode(const shmrpc_type *type, const uint8_t *data,
                           size_t len, const char *name, shmrpci_arena *arena,
                           void *value, shmrpc_error *error)
{
    reader in = {.walk = {.root = name, .error = error}, .arena = arena};
    shmrpci_msgpack_init(&in.input, data, len);
    void *result = shmrpci_arena_alloc(arena, type->size, 16);
    if (result == NULL) {
        return shmrpci_msgpack_no_memory(&in);
    }
    int status = read_value(&in, type, result);
    if (status == SHMRPC_OK && in.input.at != len) {
        status = shmrpci_walk_fail(&in.walk, "expected the end (at byte %zu)",
                                   in.input.at);
    }
    if (status == SHMRPC_OK && type->size > 0) {
        memcpy(value, result, type->size);
    }
    return status;
}

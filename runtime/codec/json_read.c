/* JSON text to values of a described type: the containers. */
#include "codec/engines.h"
#include "codec/json_reader.h"
#include "codec/value.h"

typedef shmrpci_json_reader reader;

static int read_value(reader *in, const shmrpc_type *type, void *out);

static int no_memory(const reader *in)
{
    return shmrpci_walk_status(&in->walk, SHMRPC_E_NO_MEMORY);
}

static int not_a(const reader *in, const shmrpc_type *type)
{
    return shmrpci_json_expected(in, shmrpci_type_text(type));
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
        status = shmrpci_json_read_map_key(in, type->key, entry);
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

/* Behind `{` or a comma: steps over the key of the field `hint` and its colon,
 * if they are next and without white space, and returns the hint; else
 * SIZE_MAX. Most writers keep the order of the fields. */
static size_t take_expected_key(reader *in, const shmrpc_type *type,
                                size_t hint)
{
    const uint8_t *text = in->lexer.data + in->lexer.next;
    size_t left = in->lexer.len - in->lexer.next;
    if (hint >= type->count || left == 0 || text[0] != '"') {
        return SIZE_MAX;
    }
    const char *name = type->fields[hint].name;
    size_t at = 1;
    while (at < left && name[at - 1] != '\0' &&
           text[at] == (uint8_t)name[at - 1]) {
        at++;
    }
    if (left - at < 2 || name[at - 1] != '\0' || text[at] != '"' ||
        text[at + 1] != ':') {
        return SIZE_MAX;
    }
    in->lexer.next += at + 2;
    return hint;
}

/* The next field's index, or SIZE_MAX with its key. */
static int read_any_key(reader *in, const shmrpc_type *type, size_t hint,
                        shmrpc_str *key, size_t *index)
{
    int status = shmrpci_json_read_key(in, key);
    if (status == SHMRPC_OK) {
        *index = shmrpci_field_by_name(type, hint, key->ptr, key->len);
    }
    return status;
}

static int read_members(reader *in, const shmrpc_type *type, shmrpci_step *step,
                        shmrpci_seen *seen, void *out)
{
    shmrpci_items unknown = {.len = 0};
    size_t hint = 0;
    size_t index = take_expected_key(in, type, hint);
    bool more = index != SIZE_MAX;
    int status = more ? shmrpci_json_advance(in)
                      : shmrpci_json_open(in, SHMRPCI_JSON_OBJECT_CLOSE, &more);
    while (status == SHMRPC_OK && more) {
        shmrpc_str key = {NULL, 0};
        if (index == SIZE_MAX) {
            status = read_any_key(in, type, hint, &key, &index);
        }
        if (status != SHMRPC_OK) {
            return status;
        }
        if (index != SIZE_MAX) {
            status = read_member(in, type, step, index, seen, out);
            hint = index + 1;
        } else {
            shmrpci_step_key(step, &shmrpc_type_string, &key);
            status = skip_member(in, &unknown, key);
        }
        step->kind = SHMRPCI_STEP_NONE;
        if (status == SHMRPC_OK) {
            index = in->lexer.token == SHMRPCI_JSON_COMMA
                        ? take_expected_key(in, type, hint)
                        : SIZE_MAX;
            status = index != SIZE_MAX
                         ? shmrpci_json_advance(in)
                         : shmrpci_json_next_item(in, SHMRPCI_JSON_OBJECT_CLOSE,
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
    int status = shmrpci_json_read_word(in, type, out, &is_word);
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

/* JSON values: construction, look-up and printing. */
#include "generator/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Stands in for every value after memory ran out; never written. */
static gen_value nothing = {.kind = GEN_KIND_NULL};

void gen_tree_init(gen_tree *tree)
{
    shmrpci_arena_init(&tree->arena, 0);
    tree->out_of_memory = false;
}

void gen_tree_fini(gen_tree *tree)
{
    shmrpci_arena_fini(&tree->arena);
}

shmrpc_status gen_tree_status(const gen_tree *tree)
{
    return tree->out_of_memory ? SHMRPC_E_NO_MEMORY : SHMRPC_OK;
}

static gen_value *make(gen_tree *tree, gen_kind kind)
{
    gen_value *value = shmrpci_arena_calloc(&tree->arena, 1, sizeof *value,
                                            _Alignof(gen_value));
    if (value == NULL) {
        tree->out_of_memory = true;
        return &nothing;
    }
    value->kind = kind;
    return value;
}

static gen_value *make_text(gen_tree *tree, gen_kind kind, const char *text,
                            size_t len)
{
    gen_value *value = make(tree, kind);
    char *copy = len <= UINT32_MAX
                     ? shmrpci_arena_strndup(&tree->arena, text, len)
                     : NULL;
    if (copy == NULL) {
        tree->out_of_memory = true;
    }
    if (copy == NULL || value == &nothing) {
        return &nothing;
    }
    value->text = copy;
    value->len = (uint32_t)len;
    return value;
}

gen_value *gen_null(gen_tree *tree)
{
    return make(tree, GEN_KIND_NULL);
}

gen_value *gen_bool(gen_tree *tree, bool truth)
{
    gen_value *value = make(tree, GEN_KIND_BOOL);
    if (value != &nothing) {
        value->truth = truth;
    }
    return value;
}

gen_value *gen_number(gen_tree *tree, const char *text)
{
    return make_text(tree, GEN_KIND_NUMBER, text, strlen(text));
}

gen_value *gen_int(gen_tree *tree, int64_t number)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, number);
    return gen_number(tree, text);
}

gen_value *gen_uint(gen_tree *tree, uint64_t number)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, number);
    return gen_number(tree, text);
}

gen_value *gen_string(gen_tree *tree, const char *text)
{
    return gen_string_n(tree, text, strlen(text));
}

gen_value *gen_string_n(gen_tree *tree, const char *text, size_t len)
{
    return make_text(tree, GEN_KIND_STRING, text, len);
}

gen_value *gen_format_args(gen_tree *tree, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    gen_value *value = &nothing;
    char *text =
        len >= 0 ? shmrpci_arena_alloc(&tree->arena, (size_t)len + 1, 1) : NULL;
    if (text != NULL) {
        vsnprintf(text, (size_t)len + 1, format, again);
        value = make(tree, GEN_KIND_STRING);
    } else {
        tree->out_of_memory = true;
    }
    va_end(again);
    if (value != &nothing) {
        value->text = text;
        value->len = (uint32_t)len;
    }
    return value;
}

gen_value *gen_format(gen_tree *tree, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    gen_value *value = gen_format_args(tree, format, args);
    va_end(args);
    return value;
}

gen_value *gen_array(gen_tree *tree)
{
    return make(tree, GEN_KIND_ARRAY);
}

gen_value *gen_object(gen_tree *tree)
{
    return make(tree, GEN_KIND_OBJECT);
}

gen_value *gen_push(gen_value *array, gen_value *item)
{
    if (array == &nothing || item == &nothing) {
        return item;
    }
    if (array->last == NULL) {
        array->first = item;
    } else {
        array->last->next = item;
    }
    array->last = item;
    array->len++;
    return item;
}

gen_value *gen_set(gen_value *object, const char *key, gen_value *item)
{
    if (item != &nothing) {
        item->key = key;
    }
    return gen_push(object, item);
}

const gen_value *gen_get(const gen_value *object, const char *key, size_t len)
{
    if (object == NULL || object->kind != GEN_KIND_OBJECT) {
        return NULL;
    }
    for (const gen_value *at = object->first; at != NULL; at = at->next) {
        if (at->key[0] == key[0] && strncmp(at->key, key, len) == 0 &&
            at->key[len] == '\0') {
            return at;
        }
    }
    return NULL;
}

const char *gen_text(const gen_value *object, const char *key)
{
    const gen_value *value = gen_get(object, key, strlen(key));
    return value != NULL && value->kind == GEN_KIND_STRING ? value->text : "";
}

bool gen_is_true(const gen_value *value)
{
    if (value == NULL) {
        return false;
    }
    switch (value->kind) {
    case GEN_KIND_NULL:
        return false;
    case GEN_KIND_BOOL:
        return value->truth;
    case GEN_KIND_STRING:
    case GEN_KIND_ARRAY:
        return value->len > 0;
    case GEN_KIND_NUMBER:
    case GEN_KIND_OBJECT:
        return true;
    }
    return false;
}

static void print_string(const char *text, size_t len, shmrpci_buf *out)
{
    shmrpci_buf_append_char(out, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\') {
            shmrpci_buf_append_char(out, '\\');
            shmrpci_buf_append_char(out, (char)c);
        } else if (c == '\n') {
            shmrpci_buf_append_text(out, "\\n");
        } else if (c < 0x20) {
            shmrpci_buf_printf(out, "\\u%04x", c);
        } else {
            shmrpci_buf_append_char(out, (char)c);
        }
    }
    shmrpci_buf_append_char(out, '"');
}

static void print_value(const gen_value *value, int depth, shmrpci_buf *out);

static void print_children(const gen_value *value, int depth, shmrpci_buf *out)
{
    bool is_object = value->kind == GEN_KIND_OBJECT;
    if (value->first == NULL) {
        shmrpci_buf_append_text(out, is_object ? "{}" : "[]");
        return;
    }
    shmrpci_buf_append_char(out, is_object ? '{' : '[');
    for (const gen_value *at = value->first; at != NULL; at = at->next) {
        shmrpci_buf_printf(out, "%s\n%*s", at == value->first ? "" : ",",
                           2 * (depth + 1), "");
        if (is_object) {
            print_string(at->key, strlen(at->key), out);
            shmrpci_buf_append_text(out, ": ");
        }
        print_value(at, depth + 1, out);
    }
    shmrpci_buf_printf(out, "\n%*s%c", 2 * depth, "", is_object ? '}' : ']');
}

static void print_value(const gen_value *value, int depth, shmrpci_buf *out)
{
    switch (value->kind) {
    case GEN_KIND_NULL:
        shmrpci_buf_append_text(out, "null");
        break;
    case GEN_KIND_BOOL:
        shmrpci_buf_append_text(out, value->truth ? "true" : "false");
        break;
    case GEN_KIND_NUMBER:
        shmrpci_buf_append(out, value->text, value->len);
        break;
    case GEN_KIND_STRING:
        print_string(value->text, value->len, out);
        break;
    case GEN_KIND_ARRAY:
    case GEN_KIND_OBJECT:
        print_children(value, depth, out);
        break;
    }
}

void gen_print_json(const gen_value *value, shmrpci_buf *out)
{
    print_value(value, 0, out);
    shmrpci_buf_append_char(out, '\n');
}

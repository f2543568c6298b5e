/* JSON values: construction, lookup and printing. */
#include "generator/value.h"

#include <inttypes.h>
#include <string.h>

#include "base/json_text.h"

/* Replaces every value after memory ran out; never modified. */
static gen_value nothing = {.kind = GEN_KIND_NULL};

struct gen_later {
    gen_tree *tree;
    gen_fill *fill;
    const void *source;
};

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
    value->kind = (uint8_t)kind;
    return value;
}

/* A value that points to a text without copying it. */
static gen_value *make_ref(gen_tree *tree, gen_kind kind, const char *text,
                           size_t len)
{
    gen_value *value = make(tree, kind);
    if (text == NULL || len > UINT32_MAX) {
        tree->out_of_memory = true;
        return &nothing;
    }
    if (value != &nothing) {
        value->text = text;
        value->len = (uint32_t)len;
    }
    return value;
}

static gen_value *make_text(gen_tree *tree, gen_kind kind, const char *text,
                            size_t len)
{
    return make_ref(tree, kind, shmrpci_arena_strndup(&tree->arena, text, len),
                    len);
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
    if (number >= 0) {
        return gen_uint(tree, (uint64_t)number);
    }
    const char *text = gen_print(tree, "%" PRId64, number);
    return make_ref(tree, GEN_KIND_NUMBER, text, strlen(text));
}

gen_value *gen_uint(gen_tree *tree, uint64_t number)
{
    static const char digits[][2] = {"0", "1", "2", "3", "4",
                                     "5", "6", "7", "8", "9"};
    if (number < sizeof digits / sizeof digits[0]) {
        return make_ref(tree, GEN_KIND_NUMBER, digits[number], 1);
    }
    const char *text = number <= UINT32_MAX
                           ? gen_print(tree, "%u", (unsigned)number)
                           : gen_print(tree, "%" PRIu64, number);
    return make_ref(tree, GEN_KIND_NUMBER, text, strlen(text));
}

gen_value *gen_string(gen_tree *tree, const char *text)
{
    return gen_string_n(tree, text, strlen(text));
}

gen_value *gen_string_n(gen_tree *tree, const char *text, size_t len)
{
    return make_text(tree, GEN_KIND_STRING, text, len);
}

gen_value *gen_ref(gen_tree *tree, const char *text)
{
    return make_ref(tree, GEN_KIND_STRING, text, strlen(text));
}

gen_value *gen_format(gen_tree *tree, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = gen_print_args(tree, format, args);
    va_end(args);
    return gen_ref(tree, text);
}

/* ---- texts ---- */

static shmrpc_status grow_in_tree(shmrpci_buf *buf, size_t cap)
{
    gen_tree *tree = buf->owner;
    if (!shmrpci_arena_resize(&tree->arena, buf->data, buf->cap, cap)) {
        uint8_t *data = shmrpci_arena_alloc(&tree->arena, cap, 1);
        if (data == NULL) {
            return SHMRPC_E_NO_MEMORY;
        }
        if (buf->len > 0) {
            memcpy(data, buf->data, buf->len);
        }
        buf->data = data;
    }
    buf->cap = cap;
    return SHMRPC_OK;
}

void gen_buf_init(gen_tree *tree, shmrpci_buf *buf)
{
    *buf = (shmrpci_buf){.grow = grow_in_tree, .owner = tree};
}

const char *gen_buf_take(gen_tree *tree, shmrpci_buf *buf)
{
    const char *text = shmrpci_buf_text(buf);
    if (text == NULL) {
        tree->out_of_memory = true;
        return "";
    }
    /* Returns unused memory to the arena, unless something was allocated
     * meanwhile. */
    (void)shmrpci_arena_resize(&tree->arena, text, buf->cap, buf->len + 1);
    return text;
}

const char *gen_print_args(gen_tree *tree, const char *format, va_list args)
{
    shmrpci_buf buf;
    gen_buf_init(tree, &buf);
    shmrpci_buf_vprintf(&buf, format, args);
    return gen_buf_take(tree, &buf);
}

const char *gen_print(gen_tree *tree, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = gen_print_args(tree, format, args);
    va_end(args);
    return text;
}

/* ---- arrays and objects ---- */

gen_value *gen_array(gen_tree *tree)
{
    return make(tree, GEN_KIND_ARRAY);
}

gen_value *gen_object(gen_tree *tree)
{
    return make(tree, GEN_KIND_OBJECT);
}

void gen_set_later(gen_tree *tree, gen_value *object, gen_fill *fill,
                   const void *source)
{
    gen_later *later =
        shmrpci_arena_alloc(&tree->arena, sizeof *later, _Alignof(gen_later));
    gen_value *value = make(tree, GEN_KIND_LATER);
    if (later == NULL || value == &nothing) {
        tree->out_of_memory = true;
        return;
    }
    *later = (gen_later){tree, fill, source};
    value->later = later;
    gen_set(object, "", value);
}

/* Replaces `child`, a placeholder, by the members that it stands for. The first
 * member reuses the placeholder's memory. The casts drop `const`: readers can't
 * notice the change, because they never see a placeholder. */
static void expand(const gen_value *parent, const gen_value *child)
{
    gen_value *object = (gen_value *)(uintptr_t)parent;
    gen_value *at = (gen_value *)(uintptr_t)child;
    gen_later later = *at->later;
    gen_value made = {.kind = GEN_KIND_OBJECT};
    later.fill(later.tree, &made, later.source);
    gen_value *next = at->next;
    if (made.last == NULL) { /* out of memory */
        *at = (gen_value){.key = "", .next = next, .kind = GEN_KIND_NULL};
        return;
    }
    gen_value *last = made.len > 1 ? made.last : at;
    *at = *made.last->next;
    last->next = next;
    object->last = object->last == child ? last : object->last;
    object->len += made.len - 1;
}

gen_value *gen_push(gen_value *array, gen_value *item)
{
    if (array == &nothing || item == &nothing) {
        return item;
    }
    if (array->last == NULL) {
        item->next = item;
    } else {
        item->next = array->last->next;
        array->last->next = item;
    }
    array->last = item;
    array->len++;
    return item;
}

static const gen_value *seen(const gen_value *parent, const gen_value *child)
{
    if (child->kind == GEN_KIND_LATER) {
        expand(parent, child);
    }
    return child;
}

const gen_value *gen_first(const gen_value *parent)
{
    return parent->last != NULL ? seen(parent, parent->last->next) : NULL;
}

const gen_value *gen_next(const gen_value *parent, const gen_value *child)
{
    return child != parent->last ? seen(parent, child->next) : NULL;
}

gen_value *gen_set(gen_value *object, const char *key, gen_value *item)
{
    if (item != &nothing) {
        item->key = key;
    }
    return gen_push(object, item);
}

static bool is_key(const char *key, const char *wanted, size_t len)
{
    size_t same = 0;
    while (same < len && key[same] == wanted[same]) {
        same++;
    }
    return same == len && key[len] == '\0';
}

const gen_value *gen_get(const gen_value *object, const char *key, size_t len)
{
    if (object == NULL || object->kind != GEN_KIND_OBJECT) {
        return NULL;
    }
    const gen_value *later = NULL;
    const gen_value *at = object->last;
    for (uint32_t left = object->len; left > 0; left--) {
        at = at->next;
        if (is_key(at->key, key, len)) {
            return at;
        }
        later = at->kind == GEN_KIND_LATER ? at : later;
    }
    if (later == NULL) {
        return NULL;
    }
    expand(object, later);
    return gen_get(object, key, len);
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
    switch ((gen_kind)value->kind) {
    case GEN_KIND_NULL:
        return false;
    case GEN_KIND_BOOL:
        return value->truth;
    case GEN_KIND_STRING:
    case GEN_KIND_ARRAY:
        return value->len > 0;
    case GEN_KIND_NUMBER:
    case GEN_KIND_OBJECT:
    case GEN_KIND_LATER:
        return true;
    }
    return false;
}

static void print_value(const gen_value *value, int depth, shmrpci_buf *out);

static void print_children(const gen_value *value, int depth, shmrpci_buf *out)
{
    bool is_object = value->kind == GEN_KIND_OBJECT;
    if (value->len == 0) {
        shmrpci_buf_append_text(out, is_object ? "{}" : "[]");
        return;
    }
    shmrpci_buf_append_char(out, is_object ? '{' : '[');
    const char *glue = "";
    GEN_EACH(at, value)
    {
        shmrpci_buf_printf(out, "%s\n%*s", glue, 2 * (depth + 1), "");
        glue = ",";
        if (is_object) {
            shmrpci_json_string(out, at->key, strlen(at->key));
            shmrpci_buf_append_text(out, ": ");
        }
        print_value(at, depth + 1, out);
    }
    shmrpci_buf_printf(out, "\n%*s%c", 2 * depth, "", is_object ? '}' : ']');
}

static void print_value(const gen_value *value, int depth, shmrpci_buf *out)
{
    switch ((gen_kind)value->kind) {
    case GEN_KIND_NULL:
    case GEN_KIND_LATER: /* gen_first and gen_next never return this kind */
        shmrpci_buf_append_text(out, "null");
        break;
    case GEN_KIND_BOOL:
        shmrpci_buf_append_text(out, value->truth ? "true" : "false");
        break;
    case GEN_KIND_NUMBER:
        shmrpci_buf_append(out, value->text, value->len);
        break;
    case GEN_KIND_STRING:
        shmrpci_json_string(out, value->text, value->len);
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

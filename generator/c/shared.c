/*
 * The language C: shared objects.
 *
 * Each object gets its own handle type and functions that wrap those of the
 * library, so that the compiler checks the types of items and keys. This file
 * decides the names, the form of keys, and the row that describes the object to
 * the library.
 */
#include <inttypes.h>
#include <string.h>

#include "generator/c/lang_c.h"
#include "idl/canonical.h"
#include "idl/largest.h"
#include "idl/option.h"

/* ---- names ---- */

/* The names generated for an object, as suffixes of its name: the handle first,
 * then other types, then functions. `type_count` is the number of types. */
typedef struct kind_names {
    const char *kind;            /* SHMRPC_SHARED_... */
    const char *const *suffixes; /* end with NULL */
    size_t type_count;
} kind_names;

/* Must match the names that templates/c generates: a clash of a name missing
 * here would not be found (tests/generator/clashes_test.py). */
static const char *const queue_suffixes[] = {
    "_queue",    "_open",    "_close",          "_push", "_push_many", "_pop",
    "_pop_many", "_peek",    "_release",        "_ack",  "_end",       "_stat",
    "_fd",       "_destroy", "_is_redelivered", NULL};
static const char *const topic_suffixes[] = {
    "_topic", "_sub", "_open", "_close", "_publish",     "_subscribe", "_next",
    "_lost",  "_fd",  "_end",  "_stat",  "_unsubscribe", "_destroy",   NULL};
static const char *const pipe_suffixes[] = {
    "_pipe", "_open", "_close", "_write",   "_read",
    "_end",  "_stat", "_fd",    "_destroy", NULL};
static const char *const dict_suffixes[] = {
    "_dict",        "_view",       "_watch",
    "_entry",       "_event",      "_change",
    "_open",        "_close",      "_get",
    "_release",     "_contains",   "_len",
    "_put",         "_put_new",    "_del",
    "_update",      "_merge",      "_clear",
    "_view_open",   "_view_get",   "_view_next",
    "_view_close",  "_watch_open", "_watch_next",
    "_watch_close", "_stat",       "_destroy",
    "_snapshot",    "_load",       "_lock",
    "_try_lock",    "_unlock",     "_lock_consistent",
    "_watch_fd",    NULL};
static const char *const value_suffixes[] = {
    "_value",       "_watch",      "_event",
    "_change",      "_open",       "_close",
    "_get",         "_release",    "_put",
    "_update",      "_watch_open", "_watch_next",
    "_watch_close", "_stat",       "_destroy",
    "_snapshot",    "_load",       "_lock",
    "_try_lock",    "_unlock",     "_lock_consistent",
    "_watch_fd",    NULL};
static const char *const list_suffixes[] = {
    "_value",       "_watch",      "_event",      "_change",
    "_open",        "_close",      "_get",        "_release",
    "_put",         "_update",     "_append",     "_insert",
    "_set",         "_pop",        "_at",         "_len",
    "_release_one", "_watch_open", "_watch_next", "_watch_close",
    "_stat",        "_destroy",    "_snapshot",   "_load",
    "_lock",        "_try_lock",   "_unlock",     "_lock_consistent",
    "_watch_fd",    NULL};

/* By kind. A value that is a list has other names: see names_of. */
static const kind_names kinds[] = {
    [IDL_SHARED_QUEUE] = {"QUEUE", queue_suffixes, 1},
    [IDL_SHARED_TOPIC] = {"TOPIC", topic_suffixes, 2},
    [IDL_SHARED_PIPE] = {"PIPE", pipe_suffixes, 1},
    [IDL_SHARED_DICT] = {"DICT", dict_suffixes, 6},
    [IDL_SHARED_VALUE] = {"VALUE", value_suffixes, 4},
};

/* Whether the object is a value that is changed item by item: a msgpack list
 * whose item type has a single name in C. */
static bool is_list(const idl_shared *shared)
{
    if (shared->kind != IDL_SHARED_VALUE || shared->element->kind != IDL_LIST ||
        shared->options[IDL_OPTION_ENCODING] != IDL_ENCODING_MSGPACK) {
        return false;
    }
    int kind = (int)shared->element->element->kind;
    return kind != IDL_LIST && kind != IDL_MAP && kind != IDL_ARRAY;
}

static const kind_names *names_of(const idl_shared *shared)
{
    static const kind_names list = {"VALUE", list_suffixes, 4};
    return is_list(shared) ? &list : &kinds[shared->kind];
}

static const char *name_of(gen_model *m, const idl_shared *shared,
                           const char *suffix)
{
    return gen_c_text(m, "%s%s", gen_c_name(m, &shared->decl), suffix);
}

/* Called before any entity is made, like the functions that reserve names of
 * services. */
void gen_c_reserve_shared(gen_model *m, const idl_shared *shared)
{
    const kind_names *names = names_of(shared);
    for (size_t i = 0; names->suffixes[i] != NULL; i++) {
        const char *name = name_of(m, shared, names->suffixes[i]);
        (void)gen_c_unique(m, name);
        if (i < names->type_count) {
            (void)gen_c_enter(m, &gen_c_state_of(m)->types, name, name);
        }
    }
}

static void claim_names(gen_model *m, const idl_shared *shared)
{
    const kind_names *names = names_of(shared);
    for (size_t i = 0; names->suffixes[i] != NULL; i++) {
        const char *suffix = names->suffixes[i];
        gen_c_claim(
            m, name_of(m, shared, suffix),
            gen_c_text(m, "`%s` with `%s`", shared->decl.full_name, suffix),
            shared->decl.span);
    }
    gen_c_claim(
        m,
        gen_c_text(m, "%s_descriptor", name_of(m, shared, names->suffixes[0])),
        gen_c_text(m, "the table of `%s`", shared->decl.full_name),
        shared->decl.span);
}

/* ---- the row ---- */

/* The `overflow` option as text. Only queues and topics have it. */
static const char *overflow_text(const idl_shared *shared)
{
    static const char *const texts[] = {
        [IDL_OVERFLOW_BLOCK] = "BLOCK",
        [IDL_OVERFLOW_FAIL] = "FAIL",
        [IDL_OVERFLOW_DROP_OLDEST] = "DROP_OLDEST",
        [IDL_OVERFLOW_DROP_NEWEST] = "DROP_NEWEST",
        [IDL_OVERFLOW_OVERWRITE] = "OVERWRITE",
    };
    bool overflows =
        shared->kind == IDL_SHARED_QUEUE || shared->kind == IDL_SHARED_TOPIC;
    return overflows ? texts[shared->options[IDL_OPTION_OVERFLOW]] : "DEFAULT";
}

/* The `lifetime` option as text; these are all its values. */
static const char *lifetime_text(const idl_shared *shared)
{
    static const char *const texts[] = {
        [IDL_LIFETIME_FILE] = "FILE",
        [IDL_LIFETIME_LAST_CLOSE] = "LAST_CLOSE",
        [IDL_LIFETIME_CREATOR] = "CREATOR",
    };
    return texts[shared->options[IDL_OPTION_LIFETIME]];
}

/* The flags joined by " | "; the code below skips the first separator. */
static const char *flags_text(gen_model *m, const idl_shared *shared)
{
    const int64_t *options = shared->options;
    const char *text = gen_c_text(
        m, "%s%s%s",
        options[IDL_OPTION_ORDER] == IDL_ORDER_TOTAL
            ? " | SHMRPC_SHARED_TOTAL_ORDER"
            : "",
        options[IDL_OPTION_DELIVERY] == IDL_DELIVERY_ACKED
            ? " | SHMRPC_SHARED_ACKED"
            : "",
        idl_only_server_writes(shared) ? " | SHMRPC_SHARED_SERVER_WRITES" : "");
    return *text == '\0' ? "0" : text + 3;
}

/* Sets an option as a 64-bit number; what it means depends on the kind. */
static void set_number(gen_model *m, gen_value *c, const char *key,
                       const idl_shared *shared, idl_option option)
{
    gen_set(c, key, gen_int(m->tree, shared->options[option]));
}

/* The .svc of the object alone. It is written into the object's file, for tools
 * that have no other description. */
static void fill_text_rows(gen_tree *tree, gen_value *c, const void *shared)
{
    gen_model m = {.tree = tree};
    shmrpci_arena scratch;
    shmrpci_arena_init(&scratch, 0);
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    if (idl_shared_text(shared, IDL_CANONICAL_DOCS, &scratch, &text) !=
        SHMRPC_OK) {
        tree->out_of_memory = true;
    }
    gen_set(c, "text_rows", gen_c_lines(&m, (const char *)text.data, text.len));
    shmrpci_buf_fini(&text);
    shmrpci_arena_fini(&scratch);
}

/* Sets every option: the written value, or the default. */
static void set_row(gen_model *m, gen_value *c, const idl_shared *shared,
                    const char *place)
{
    const idl_type *key = shared->key;
    const idl_type *element = shared->element;
    /* A pipe holds bytes, which have no encoding. */
    idl_encoding encoding =
        shared->kind == IDL_SHARED_PIPE
            ? IDL_ENCODING_RAW
            : (idl_encoding)shared->options[IDL_OPTION_ENCODING];
    gen_c_set_text(m, c, "kind", kinds[shared->kind].kind);
    gen_c_set_text(m, c, "row_name",
                   shared->service != NULL ? shared->decl.name
                                           : shared->decl.full_name);
    gen_c_set_text(m, c, "encoding",
                   gen_c_upper(m, idl_encoding_name(encoding)));
    gen_c_set_text(m, c, "flags_text", flags_text(m, shared));
    gen_c_set_text(m, c, "key_ref",
                   key != NULL
                       ? gen_c_table(m, key, gen_c_text(m, "%s_key", place))
                       : "NULL");
    gen_c_set_text(
        m, c, "element_ref",
        element != NULL
            ? gen_c_table(m, element, gen_c_text(m, "%s_item", place))
            : "NULL");
    /* NULL in a schema that was made only to check names */
    const char *signature = shared->signature;
    gen_c_set_text(m, c, "signature",
                   signature != NULL
                       ? gen_c_literals(m, signature, strlen(signature))
                       : NULL);
    /* The hash of the types. Programs of different builds use it to check that
     * they mean the same object. */
    gen_set(c, "hash", gen_format(m->tree, "%016" PRIx64, shared->hash));
    set_number(m, c, "capacity", shared, IDL_OPTION_CAPACITY);
    set_number(m, c, "max_bytes", shared, IDL_OPTION_MAX_BYTES);
    gen_set(c, "max_item_bytes",
            gen_uint(m->tree, idl_shared_max_item_bytes(shared)));
    set_number(m, c, "history", shared, IDL_OPTION_HISTORY);
    set_number(m, c, "log", shared, IDL_OPTION_LOG);
    set_number(m, c, "max_stall_ns", shared, IDL_OPTION_MAX_STALL);
    set_number(m, c, "snapshot_ns", shared, IDL_OPTION_SNAPSHOT);
    gen_c_set_text(m, c, "overflow", overflow_text(shared));
    gen_c_set_text(m, c, "lifetime", lifetime_text(shared));
    gen_c_set_text(
        m, c, "permissions",
        gen_c_text(m, "0%o", (unsigned)shared->options[IDL_OPTION_MODE]));
    gen_c_set_text(m, c, "text_name",
                   gen_c_unique(m, gen_c_text(m, "%s_text", place)));
    gen_set_later(m->tree, c, fill_text_rows, shared);
}

/* ---- objects of a service ------------------------------------------------ */

/* Objects of a service are rows of one array. In the template the first object
 * opens the array and the last one closes it. */
static void set_service(gen_model *m, gen_value *c, const idl_shared *shared)
{
    const idl_service *service = shared->service;
    if (service == NULL) {
        gen_c_set_text(m, c, "client", NULL);
        gen_c_set_flag(m, c, "is_first", false);
        return;
    }
    /* The index of the object's row in the service's array. */
    size_t index = 0;
    while (service->shared[index] != shared) {
        index++;
    }
    const char *place = gen_c_short(m, &service->decl);
    gen_c_set_text(m, c, "client", gen_c_name(m, &service->decl));
    gen_c_set_text(m, c, "rows_name", gen_c_text(m, "%s_shared", place));
    gen_c_set_text(m, c, "objects_name", gen_c_text(m, "%s_objects", place));
    gen_c_set_flag(m, c, "is_first", index == 0);
    gen_c_set_flag(m, c, "is_last", index + 1 == service->shared_count);
    gen_set(c, "index", gen_uint(m->tree, index));
    gen_set(c, "count", gen_uint(m->tree, service->shared_count));
}

/* ---- the object ---- */

/* Sets how the key is passed: scalars and texts by value, structs and `any` by
 * pointer. */
static void set_key(gen_model *m, gen_value *c, const idl_shared *shared,
                    const char *place)
{
    const idl_type *key = shared->key;
    if (key == NULL) {
        gen_c_set_text(m, c, "key_type", NULL);
        return;
    }
    bool by_pointer = key->kind == IDL_STRUCT || key->kind == IDL_ANY;
    const char *type = gen_c_element(m, key, gen_c_text(m, "%s_key", place));
    gen_c_set_text(m, c, "key_type", type);
    gen_c_set_text(m, c, "key_decl",
                   by_pointer ? gen_c_pointed(m, type, "key")
                              : gen_c_text(m, "%s key", type));
    gen_c_set_text(m, c, "key_arg", by_pointer ? "key" : "&key");
}

void gen_c_add_shared(gen_model *m, gen_value *object, const idl_shared *shared)
{
    gen_value *c = gen_set(object, "c", gen_object(m->tree));
    const char *place = gen_c_short(m, &shared->decl);
    claim_names(m, shared);
    gen_c_set_text(m, c, "name", gen_c_name(m, &shared->decl));
    gen_c_set_text(m, c, "handle",
                   name_of(m, shared, kinds[shared->kind].suffixes[0]));
    for (int kind = 0; kind <= IDL_SHARED_VALUE; kind++) {
        const char *word = idl_shared_kind_name((idl_shared_kind)kind);
        gen_c_set_flag(m, c, gen_c_text(m, "is_%s", word),
                       (int)shared->kind == kind);
    }
    const char *item = gen_c_text(m, "%s_item", place);
    gen_c_set_text(m, c, "item",
                   shared->element != NULL
                       ? gen_c_element(m, shared->element, item)
                       : NULL);
    bool has_items = is_list(shared);
    gen_c_set_flag(m, c, "is_list", has_items);
    gen_c_set_text(m, c, "one",
                   has_items ? gen_c_element(m, shared->element->element, item)
                             : NULL);
    gen_c_set_text(m, c, "trampoline",
                   gen_c_unique(m, gen_c_text(m, "change_%s", place)));
    gen_c_set_flag(m, c, "is_fixed",
                   shared->element != NULL && idl_is_fixed(shared->element));
    set_key(m, c, shared, place);
    set_row(m, c, shared, place);
    set_service(m, c, shared);
    gen_set(c, "doc", gen_c_doc(m, &shared->decl.meta));
    gen_c_set_text(m, c, "doc_text",
                   gen_c_doc_text(m, &shared->decl.meta.docs));
}

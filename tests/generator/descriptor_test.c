/* Descriptors made at run time must equal those compiled from the generated C,
 * field by field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "calls.h"
#include "echo.h"
#include "flows.h"
#include "idl/descriptor.h"
#include "idl/idl.h"
#include "jobs.h"
#include "kinds.h"
#include "types.h"

#define MAX_PAIRS 4096

/* State of a comparison: the path to the current place, and the pairs of types
 * already compared, since types are recursive. */
typedef struct walk {
    char path[512];
    size_t len;
    const shmrpc_type *mine[MAX_PAIRS];
    const shmrpc_type *theirs[MAX_PAIRS];
    size_t pairs;
} walk;

static walk at;

static size_t enter(const char *name)
{
    size_t old = at.len;
    int len = snprintf(at.path + old, sizeof at.path - old, "/%s", name);
    at.len += (size_t)len;
    assert_true(at.len < sizeof at.path);
    return old;
}

static void leave(size_t old)
{
    at.len = old;
    at.path[old] = '\0';
}

#define SAME_NUMBER(what, got, wanted)                                        \
    do {                                                                      \
        unsigned long long got_ = (unsigned long long)(got);                  \
        unsigned long long wanted_ = (unsigned long long)(wanted);            \
        if (got_ != wanted_) {                                                \
            fail_msg("%s: %s is %llu, the compiler's is %llu", at.path, what, \
                     got_, wanted_);                                          \
        }                                                                     \
    } while (0)

static void same_text(const char *what, const char *got, const char *wanted)
{
    if (got == NULL || wanted == NULL ? got != wanted
                                      : strcmp(got, wanted) != 0) {
        fail_msg("%s: %s is `%s`, the compiler's is `%s`", at.path, what,
                 got != NULL ? got : "NULL", wanted != NULL ? wanted : "NULL");
    }
}

static void same_type(const char *name, const shmrpc_type *got,
                      const shmrpc_type *wanted);

static void same_default(const shmrpc_field *got, const shmrpc_field *wanted)
{
    SAME_NUMBER("default", got->default_value != NULL,
                wanted->default_value != NULL);
    if (got->default_value == NULL) {
        return;
    }
    shmrpc_kind kind = got->type->kind;
    if (kind == SHMRPC_KIND_STRING || kind == SHMRPC_KIND_BYTES) {
        shmrpc_str a;
        shmrpc_str b;
        memcpy(&a, got->default_value, sizeof a);
        memcpy(&b, wanted->default_value, sizeof b);
        SAME_NUMBER("length of default", a.len, b.len);
        SAME_NUMBER("default", memcmp(a.ptr, b.ptr, a.len), 0);
    } else {
        SAME_NUMBER("default",
                    memcmp(got->default_value, wanted->default_value,
                           wanted->type->size),
                    0);
    }
}

static void same_field(const shmrpc_field *got, const shmrpc_field *wanted)
{
    size_t old = enter(wanted->name);
    same_text("name", got->name, wanted->name);
    SAME_NUMBER("tag", got->tag, wanted->tag);
    SAME_NUMBER("flags", got->flags, wanted->flags);
    SAME_NUMBER("offset", got->offset, wanted->offset);
    SAME_NUMBER("has_offset", got->has_offset, wanted->has_offset);
    same_text("doc", got->doc, wanted->doc);
    same_type("type", got->type, wanted->type);
    same_default(got, wanted);
    leave(old);
}

static bool is_known(const shmrpc_type *got, const shmrpc_type *wanted)
{
    for (size_t i = 0; i < at.pairs; i++) {
        if (at.mine[i] == got && at.theirs[i] == wanted) {
            return true;
        }
    }
    assert_true(at.pairs < MAX_PAIRS);
    at.mine[at.pairs] = got;
    at.theirs[at.pairs++] = wanted;
    return false;
}

static void same_head(const shmrpc_type *got, const shmrpc_type *wanted)
{
    SAME_NUMBER("kind", got->kind, wanted->kind);
    SAME_NUMBER("flags", got->flags, wanted->flags);
    SAME_NUMBER("size", got->size, wanted->size);
    SAME_NUMBER("align", got->align, wanted->align);
    SAME_NUMBER("native_size", got->native_size, wanted->native_size);
    SAME_NUMBER("native_align", got->native_align, wanted->native_align);
    SAME_NUMBER("item_size", got->item_size, wanted->item_size);
    SAME_NUMBER("value_offset", got->value_offset, wanted->value_offset);
    SAME_NUMBER("count", got->count, wanted->count);
    SAME_NUMBER("min", got->min, wanted->min);
    SAME_NUMBER("max", got->max, wanted->max);
    same_text("name", got->name, wanted->name);
    same_text("doc", got->doc, wanted->doc);
    SAME_NUMBER("element", got->element != NULL, wanted->element != NULL);
    SAME_NUMBER("key", got->key != NULL, wanted->key != NULL);
    SAME_NUMBER("fields", got->fields != NULL, wanted->fields != NULL);
    SAME_NUMBER("enumerators", got->enumerators != NULL,
                wanted->enumerators != NULL);
}

static void same_type(const char *name, const shmrpc_type *got,
                      const shmrpc_type *wanted)
{
    if (is_known(got, wanted)) {
        return;
    }
    size_t old = enter(name);
    same_head(got, wanted);
    if (got->element != NULL) {
        same_type("element", got->element, wanted->element);
    }
    if (got->key != NULL) {
        same_type("key", got->key, wanted->key);
    }
    for (uint32_t i = 0; got->fields != NULL && i < got->count; i++) {
        same_field(&got->fields[i], &wanted->fields[i]);
    }
    for (uint32_t i = 0; got->enumerators != NULL && i < got->count; i++) {
        same_text("enumerator", got->enumerators[i].name,
                  wanted->enumerators[i].name);
        SAME_NUMBER("value", got->enumerators[i].value,
                    wanted->enumerators[i].value);
        same_text("doc", got->enumerators[i].doc, wanted->enumerators[i].doc);
    }
    leave(old);
}

static void same_error(const shmrpc_error_type *got,
                       const shmrpc_error_type *wanted)
{
    size_t old = enter(wanted->name);
    same_text("name", got->name, wanted->name);
    SAME_NUMBER("number", got->number, wanted->number);
    same_text("doc", got->doc, wanted->doc);
    SAME_NUMBER("payload", got->payload != NULL, wanted->payload != NULL);
    if (got->payload != NULL) {
        same_type("payload", got->payload, wanted->payload);
    }
    leave(old);
}

static void same_method(const shmrpc_method *got, const shmrpc_method *wanted)
{
    size_t old = enter(wanted->name);
    same_text("name", got->name, wanted->name);
    SAME_NUMBER("encoding", got->encoding, wanted->encoding);
    SAME_NUMBER("flags", got->flags, wanted->flags);
    SAME_NUMBER("hash", got->hash, wanted->hash);
    SAME_NUMBER("timeout", got->timeout_ns, wanted->timeout_ns);
    same_text("signature", got->signature, wanted->signature);
    same_text("doc", got->doc, wanted->doc);
    same_type("params", got->params, wanted->params);
    SAME_NUMBER("result", got->result != NULL, wanted->result != NULL);
    if (got->result != NULL) {
        same_type("result", got->result, wanted->result);
    }
    SAME_NUMBER("throws", got->throws_count, wanted->throws_count);
    for (uint32_t i = 0; i < got->throws_count; i++) {
        same_error(got->throws[i], wanted->throws[i]);
    }
    SAME_NUMBER("window_in", got->window_in, wanted->window_in);
    SAME_NUMBER("window_out", got->window_out, wanted->window_out);
    SAME_NUMBER("idle", got->idle_ns, wanted->idle_ns);
    SAME_NUMBER("items in", got->items_in != NULL, wanted->items_in != NULL);
    if (got->items_in != NULL) {
        same_type("items in", got->items_in, wanted->items_in);
    }
    SAME_NUMBER("items out", got->items_out != NULL, wanted->items_out != NULL);
    if (got->items_out != NULL) {
        same_type("items out", got->items_out, wanted->items_out);
    }
    leave(old);
}

/* Compares texts as a whole: the pieces may be cut at other places. */
static void same_pieces(const char *const *got, const char *const *wanted)
{
    shmrpci_buf all[2];
    const char *const *pieces[2] = {got, wanted};
    for (size_t i = 0; i < 2; i++) {
        shmrpci_buf_init_heap(&all[i]);
        for (const char *const *piece = pieces[i]; *piece != NULL; piece++) {
            shmrpci_buf_append_text(&all[i], *piece);
        }
    }
    same_text("text", shmrpci_buf_text(&all[0]), shmrpci_buf_text(&all[1]));
    shmrpci_buf_fini(&all[0]);
    shmrpci_buf_fini(&all[1]);
}

static void same_service(const shmrpc_service *got,
                         const shmrpc_service *wanted)
{
    at.len = 0;
    at.pairs = 0;
    size_t old = enter(wanted->id);
    same_text("name", got->name, wanted->name);
    same_text("id", got->id, wanted->id);
    SAME_NUMBER("port", got->port, wanted->port);
    SAME_NUMBER("version", got->version, wanted->version);
    SAME_NUMBER("hash", got->hash, wanted->hash);
    same_pieces(got->text, wanted->text);
    same_text("doc", got->doc, wanted->doc);
    SAME_NUMBER("methods", got->method_count, wanted->method_count);
    for (uint32_t i = 0; i < got->method_count; i++) {
        same_method(&got->methods[i], &wanted->methods[i]);
    }
    leave(old);
}

static void same_row(const shmrpc_shared *got, const shmrpc_shared *wanted)
{
    at.len = 0;
    at.pairs = 0;
    size_t old = enter(wanted->name);
    same_text("name", got->name, wanted->name);
    same_text("signature", got->signature, wanted->signature);
    same_text("doc", got->doc, wanted->doc);
    same_pieces(got->text, wanted->text);
    assert_true((got->key != NULL) == (wanted->key != NULL));
    if (wanted->key != NULL) {
        same_type("key", got->key, wanted->key);
    }
    if (wanted->element != NULL) {
        same_type("element", got->element, wanted->element);
    }
    /* All other members are numbers without padding, so memcmp compares
     * them. */
    shmrpc_shared rest = *got;
    rest.name = wanted->name;
    rest.key = wanted->key;
    rest.element = wanted->element;
    rest.signature = wanted->signature;
    rest.text = wanted->text;
    rest.doc = wanted->doc;
    assert_memory_equal(&rest, wanted, sizeof rest);
    leave(old);
}

/* Checks all shared objects of the file, in order. */
static void shared_objects(void **state)
{
    (void)state;
    static const shmrpc_shared *const wanted[] = {
        &jobs_v1_flat_queue_descriptor,        &jobs_v1_work_queue_descriptor,
        &jobs_v1_points_queue_descriptor,      &jobs_v1_things_queue_descriptor,
        &jobs_v1_quads_queue_descriptor,       &jobs_v1_lines_queue_descriptor,
        &jobs_v1_batches_queue_descriptor,     &jobs_v1_maps_queue_descriptor,
        &jobs_v1_blobs_queue_descriptor,       &jobs_v1_levels_queue_descriptor,
        &jobs_v1_documents_queue_descriptor,   &jobs_v1_jobs_dict_descriptor,
        &jobs_v1_fixed_dict_descriptor,        &jobs_v1_deep_dict_descriptor,
        &jobs_v1_wild_dict_descriptor,         &jobs_v1_arrays_dict_descriptor,
        &jobs_v1_counts_dict_descriptor,       &jobs_v1_news_topic_descriptor,
        &jobs_v1_levels_seen_topic_descriptor, &jobs_v1_talk_topic_descriptor,
        &jobs_v1_sound_pipe_descriptor,        &jobs_v1_config_value_descriptor,
        &jobs_v1_current_value_descriptor,     &jobs_v1_state_value_descriptor,
        &jobs_v1_recent_value_descriptor,      &jobs_v1_past_value_descriptor,
        &jobs_v1_marks_value_descriptor,
    };
    shmrpci_arena arena;
    shmrpci_arena_init(&arena, 0);
    idl_diags diags;
    idl_diags_init(&diags);
    const idl_schema *schema = NULL;
    assert_int_equal(
        idl_load(NULL, TEST_FOLDER "/golden/jobs.svc", &arena, &diags, &schema),
        SHMRPC_OK);
    assert_int_equal(schema->shared_count, sizeof wanted / sizeof wanted[0]);
    for (size_t i = 0; i < schema->shared_count; i++) {
        const shmrpc_shared *got = NULL;
        assert_int_equal(
            idl_shared_descriptor(schema, schema->shared[i], &arena, &got),
            SHMRPC_OK);
        same_row(got, wanted[i]);
    }
    shmrpci_arena_fini(&arena);
}

/* Loads a file and compares its service that has the name of the compiled
 * one. */
static void check(const char *path, const shmrpc_service *wanted)
{
    shmrpci_arena arena;
    shmrpci_arena tables;
    shmrpci_arena_init(&arena, 0);
    shmrpci_arena_init(&tables, 0);
    idl_diags diags;
    idl_diags_init(&diags);
    const idl_schema *schema = NULL;
    assert_int_equal(idl_load(NULL, path, &arena, &diags, &schema), SHMRPC_OK);
    bool found = false;
    for (size_t i = 0; i < schema->service_count; i++) {
        const idl_service *service = schema->services[i];
        if (strcmp(service->decl.full_name, wanted->id) == 0) {
            const shmrpc_service *got = NULL;
            assert_int_equal(idl_descriptor(schema, service, &tables, &got),
                             SHMRPC_OK);
            same_service(got, wanted);
            found = true;
        }
    }
    assert_true(found);
    shmrpci_arena_fini(&tables);
    shmrpci_arena_fini(&arena);
}

static void small_service(void **state)
{
    (void)state;
    check(TEST_FOLDER "/golden/echo.svc", &demo_echo_descriptor);
}

static void every_type(void **state)
{
    (void)state;
    check(TEST_FOLDER "/golden/types.svc", &types_v2_everything_descriptor);
    check(TEST_FOLDER "/golden/types.svc", &types_v2_other_descriptor);
}

static void every_encoding(void **state)
{
    (void)state;
    check(TEST_FOLDER "/../integration/kinds.svc", &kinds_kinds_descriptor);
}

static void flows(void **state)
{
    (void)state;
    check(TEST_FOLDER "/golden/flows.svc", &flows_flows_descriptor);
}

static void calls(void **state)
{
    (void)state;
    check(TEST_FOLDER "/calls.svc", &calls_calls_descriptor);
}

/* Checks the streams of a method of the service below; a window of 0 means no
 * stream in that direction. */
static void streams(const shmrpc_method *method, const char *name,
                    uint32_t window_in, uint32_t window_out, int64_t idle_ns)
{
    const uint32_t mask = SHMRPC_METHOD_STREAMS_IN | SHMRPC_METHOD_STREAMS_OUT;
    at.len = 0;
    (void)enter(name);
    same_text("name", method->name, name);
    SAME_NUMBER(
        "flags", method->flags & mask,
        (window_in != 0 ? (uint32_t)SHMRPC_METHOD_STREAMS_IN : 0u) |
            (window_out != 0 ? (uint32_t)SHMRPC_METHOD_STREAMS_OUT : 0u));
    SAME_NUMBER("window_in", method->window_in, window_in);
    SAME_NUMBER("window_out", method->window_out, window_out);
    SAME_NUMBER("idle", method->idle_ns, idle_ns);
    SAME_NUMBER("items in", method->items_in != NULL, window_in != 0);
    SAME_NUMBER("items out", method->items_out != NULL, window_out != 0);
    assert_true(method->result == NULL || window_out == 0);
}

static void streams_of_methods(void **state)
{
    (void)state;
    static const char text[] =
        "package p;\n"
        "struct Small { 1: u32 a; }\n"
        "struct Page { 1: bytes(..65000) a; }\n"
        "service S { port 1;\n"
        "  msgpack down(u32 n) -> stream Small;\n"
        "  msgpack up(u32 n, stream Page page) -> Small;\n"
        "  @window(6K) @idle(30s)\n"
        "  native both(stream u8 a) -> stream Small;\n"
        "  raw cat(bytes path) -> stream bytes;\n"
        "  raw put(stream bytes(..1M) data);\n"
        "  json none(u32 n) -> Small;\n"
        "}\n";
    const uint32_t small = 64 << 10;
    shmrpci_arena arena;
    shmrpci_arena_init(&arena, 0);
    idl_diags diags;
    idl_diags_init(&diags);
    const idl_schema *schema = NULL;
    const shmrpc_service *got = NULL;
    assert_int_equal(idl_load_text(NULL, "p.svc", text, strlen(text), &arena,
                                   &diags, &schema),
                     SHMRPC_OK);
    assert_int_equal(idl_descriptor(schema, schema->services[0], &arena, &got),
                     SHMRPC_OK);
    streams(&got->methods[0], "down", 0, small, 0);
    assert_string_equal(got->methods[0].items_out->name, "p.Small");
    /* The window holds 16 of the largest items, as msgpack encodes them. */
    uint32_t pages = got->methods[1].window_in;
    assert_true(pages > 16 * 65000 && pages < 16 * 66000);
    streams(&got->methods[1], "up", pages, 0, 0);
    assert_string_equal(got->methods[1].result->name, "p.Small");
    streams(&got->methods[2], "both", 6 << 10, 6 << 10, INT64_C(30000000000));
    assert_ptr_equal(got->methods[2].items_in, &shmrpc_type_u8);
    streams(&got->methods[3], "cat", 0, small, 0);
    assert_ptr_equal(got->methods[3].items_out, &shmrpc_type_bytes);
    streams(&got->methods[4], "put", 4 << 20, 0, 0);
    streams(&got->methods[5], "none", 0, 0, 0);
    shmrpci_arena_fini(&arena);
}

/* With any arena limit the result is a table or NO_MEMORY, never a crash. */
static void out_of_memory(void **state)
{
    (void)state;
    shmrpci_arena arena;
    shmrpci_arena_init(&arena, 0);
    idl_diags diags;
    idl_diags_init(&diags);
    const idl_schema *schema = NULL;
    assert_int_equal(idl_load(NULL, TEST_FOLDER "/golden/types.svc", &arena,
                              &diags, &schema),
                     SHMRPC_OK);
    shmrpc_status status = SHMRPC_E_NO_MEMORY;
    for (size_t limit = 1; status != SHMRPC_OK; limit *= 2) {
        shmrpci_arena tables;
        shmrpci_arena_init(&tables, limit);
        const shmrpc_service *got = NULL;
        status = idl_descriptor(schema, schema->services[0], &tables, &got);
        assert_true(status == SHMRPC_OK || status == SHMRPC_E_NO_MEMORY);
        assert_int_equal(status == SHMRPC_OK, got != NULL);
        shmrpci_arena_fini(&tables);
    }
    shmrpci_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_service),
        cmocka_unit_test(every_type),
        cmocka_unit_test(every_encoding),
        cmocka_unit_test(calls),
        cmocka_unit_test(flows),
        cmocka_unit_test(shared_objects),
        cmocka_unit_test(streams_of_methods),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

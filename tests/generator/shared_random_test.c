/*
 * Random shared objects over random types. The text of each single object,
 * which is stored beside it in shared memory, has the same meaning as the file.
 * Formatting doesn't change the meaning. The row made at run time agrees with
 * the schema. For a pair of versions, `check` reports exactly the objects whose
 * hash or options differ. No value exceeds the size computed from its type's
 * bounds.
 *
 * SHMRPC_TEST_LONG=1 runs a hundred times as many; SHMRPC_TEST_SEED=n runs the
 * pair of this seed alone.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../runtime/codec/random.h"
#include "codec/codec.h"
#include "generator/check/check.h"
#include "idl/canonical.h"
#include "idl/descriptor.h"
#include "idl/idl.h"
#include "idl/largest.h"
#include "idl/option.h"
#include "idl/syntax/format.h"
#include "random_svc.h"
#include "random_value.h"

#define PAIRS   300
#define OBJECTS 6

/* An object as text, in parts that can be changed separately. */
typedef struct random_object {
    idl_shared_kind kind;
    uint64_t type_seed;
    uint64_t option_seed;
    unsigned name;
} random_object;

typedef struct version {
    shmrpci_arena arena;
    shmrpci_buf text;
    idl_diags diags;
    const idl_schema *schema;
} version;

/* ---- making text ---- */

static void print_type(const random_svc *svc, uint64_t *seed, shmrpci_buf *out)
{
    static const char *const scalars[] = {
        "u8", "i64", "f32", "bool", "string", "bytes(..64K)", "any", "u16[3]"};
    unsigned at = random_below(seed, svc->record_count + 4);
    bool is_list = random_below(seed, 4) == 0;
    shmrpci_buf_append_text(out, is_list ? "list<" : "");
    if (at < svc->record_count && svc->records[at].kind != IDL_RECORD_ERROR) {
        shmrpci_buf_printf(out, "R%u", svc->records[at].name);
    } else {
        shmrpci_buf_append_text(out, scalars[random_below(seed, 8)]);
    }
    shmrpci_buf_append_text(out, is_list ? ">" : "");
}

static void print_option(const idl_option_row *row, uint64_t *seed,
                         shmrpci_buf *out)
{
    int64_t value = row->min + (int64_t)random_below(seed, 3);
    if (row->form == IDL_OPTION_IS_WORD) {
        size_t count = 0;
        while (row->words[count].word != NULL) {
            count++;
        }
        value = row->words[random_below(seed, (unsigned)count)].value;
    }
    bool is_wrong = /* an option that these types, or this place, do not
                     * allow */
        (row->option == IDL_OPTION_ENCODING &&
         (value == IDL_ENCODING_RAW || value == IDL_ENCODING_NATIVE)) ||
        (row->option == IDL_OPTION_WRITERS && value == IDL_WRITERS_SERVER) ||
        row->option == IDL_OPTION_MAX_STALL;
    if (!is_wrong) {
        shmrpci_buf_printf(out, " %s ", row->name);
        idl_option_append(row, value, out);
        shmrpci_buf_append_text(out, ";");
    }
}

static void print_object(const random_svc *svc, const random_object *object,
                         shmrpci_buf *out)
{
    static const char *const keys[] = {"string", "u64", "bytes", "bool", "any"};
    uint64_t seed = object->type_seed;
    shmrpci_buf_append_text(out, idl_shared_kind_name(object->kind));
    if (object->kind == IDL_SHARED_DICT) {
        shmrpci_buf_printf(out, "<%s, ", keys[random_below(&seed, 5)]);
        print_type(svc, &seed, out);
        shmrpci_buf_append_text(out, ">");
    } else if (object->kind != IDL_SHARED_PIPE) {
        shmrpci_buf_append_text(out, " ");
        print_type(svc, &seed, out);
    }
    shmrpci_buf_printf(out, " o%u {", object->name);
    seed = object->option_seed;
    for (size_t i = 0; i < IDL_OPTION_COUNT; i++) {
        const idl_option_row *row = idl_option_of(object->kind, (idl_option)i);
        if (row != NULL && random_below(&seed, 3) == 0) {
            print_option(row, &seed, out);
        }
    }
    shmrpci_buf_append_text(out, " }\n");
}

/* ---- versions ---- */

static bool load_text(version *v, const char *text)
{
    shmrpci_arena_init(&v->arena, 0);
    idl_diags_init(&v->diags);
    v->schema = NULL;
    return idl_load_text(NULL, "random.svc", text, strlen(text), &v->arena,
                         &v->diags, &v->schema) == SHMRPC_OK;
}

static bool load(version *v, const random_svc *svc,
                 const random_object *objects)
{
    shmrpci_buf_init_heap(&v->text);
    random_svc_print(svc, &v->text);
    for (size_t i = 0; i < OBJECTS; i++) {
        print_object(svc, &objects[i], &v->text);
    }
    const char *text = shmrpci_buf_text(&v->text);
    assert_non_null(text);
    return load_text(v, text);
}

static void unload(version *v)
{
    shmrpci_buf_fini(&v->text);
    shmrpci_arena_fini(&v->arena);
}

static const idl_shared *find(const idl_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->shared_count; i++) {
        if (strcmp(schema->shared[i]->decl.name, name) == 0) {
            return schema->shared[i];
        }
    }
    return NULL;
}

static bool same_options(const idl_shared *a, const idl_shared *b)
{
    for (size_t i = 0; i < IDL_OPTION_COUNT; i++) {
        if (i != IDL_OPTION_ENCODING && a->options[i] != b->options[i]) {
            return false;
        }
    }
    return true;
}

static void assert_same(const idl_schema *got, const idl_shared *wanted)
{
    const idl_shared *shared = find(got, wanted->decl.name);
    assert_non_null(shared);
    assert_string_equal(shared->signature, wanted->signature);
    assert_true(shared->hash == wanted->hash);
    assert_memory_equal(shared->options, wanted->options,
                        sizeof wanted->options);
}

/* ---- properties of one version ---- */

static void text_alone_says_the_same(const idl_shared *shared)
{
    version alone;
    shmrpci_arena scratch;
    shmrpci_arena_init(&scratch, 0);
    shmrpci_buf_init_heap(&alone.text);
    assert_int_equal(idl_shared_text(shared, 0, &scratch, &alone.text),
                     SHMRPC_OK);
    assert_true(load_text(&alone, shmrpci_buf_text(&alone.text)));
    assert_int_equal(alone.schema->shared_count, 1);
    assert_same(alone.schema, shared);
    unload(&alone);
    shmrpci_arena_fini(&scratch);
}

static void row_says_the_same(version *v, const idl_shared *shared)
{
    const shmrpc_shared *row = NULL;
    assert_int_equal(idl_shared_descriptor(v->schema, shared, &v->arena, &row),
                     SHMRPC_OK);
    const int64_t *options = shared->options;
    assert_string_equal(row->name, shared->decl.full_name);
    assert_true(row->hash == shared->hash);
    assert_int_equal((int)row->kind, (int)shared->kind + 1);
    assert_true((row->key != NULL) == (shared->key != NULL));
    assert_true((row->element != NULL) == (shared->element != NULL));
    assert_true(row->capacity == (uint64_t)options[IDL_OPTION_CAPACITY]);
    assert_true(row->max_bytes == (uint64_t)options[IDL_OPTION_MAX_BYTES]);
    assert_int_equal(row->permissions, options[IDL_OPTION_MODE]);
    assert_true(((row->flags & SHMRPC_SHARED_ACKED) != 0) ==
                (options[IDL_OPTION_DELIVERY] == IDL_DELIVERY_ACKED));
}

static void formatting_changes_nothing(const version *v)
{
    version formatted;
    shmrpci_arena arena;
    idl_diags diags;
    shmrpci_arena_init(&arena, 0);
    idl_diags_init(&diags);
    shmrpci_buf_init_heap(&formatted.text);
    const char *text = (const char *)v->text.data;
    assert_int_equal(idl_format("random.svc", text, strlen(text), &arena,
                                &diags, &formatted.text),
                     SHMRPC_OK);
    assert_true(load_text(&formatted, shmrpci_buf_text(&formatted.text)));
    for (size_t i = 0; i < v->schema->shared_count; i++) {
        assert_same(formatted.schema, v->schema->shared[i]);
    }
    unload(&formatted);
    shmrpci_arena_fini(&arena);
}

/* ---- sizes ---- */

static size_t bounded_values; /* how many were measured in all tests */

static void encode_and_measure(const shmrpc_type *type, idl_encoding encoding,
                               uint64_t most, uint64_t *seed)
{
    shmrpc_error error = {.code = 0};
    shmrpci_arena arena;
    shmrpci_buf bytes;
    shmrpci_arena_init(&arena, 0);
    shmrpci_buf_init_heap(&bytes);
    void *value = shmrpci_arena_calloc(&arena, 1, type->size + 1, 16);
    assert_true(random_value(type, value, seed, &arena));
    shmrpc_encoding number = (shmrpc_encoding)((int)encoding + 1);
    if (shmrpci_codec_of(number)->encode(type, value, "", &bytes, &error) ==
        SHMRPC_OK) {
        assert_in_range(bytes.len, 0, most);
        bounded_values++;
    }
    shmrpci_buf_fini(&bytes);
    shmrpci_arena_fini(&arena);
}

/* Queues reserve as much room as idl_largest says, so no value may take
 * more. */
static void no_value_is_larger_than_its_bounds(version *v, uint64_t *seed)
{
    const idl_tables *tables = NULL;
    assert_int_equal(gen_tables_build(v->schema, &v->arena, &tables),
                     SHMRPC_OK);
    for (size_t i = 0; i < v->schema->by_value_count; i++) {
        const idl_record *record = v->schema->by_value[i];
        idl_type type = {.kind = record->kind == IDL_RECORD_UNION ? IDL_UNION
                                                                  : IDL_STRUCT,
                         .record = record};
        for (int e = IDL_ENCODING_JSON; e <= IDL_ENCODING_NATIVE; e++) {
            idl_encoding encoding = (idl_encoding)e;
            uint64_t most = idl_largest(&type, encoding);
            bool has_any = record->has_any && encoding == IDL_ENCODING_NATIVE;
            if (most != IDL_LARGEST_UNKNOWN && !has_any) {
                encode_and_measure(
                    gen_tables_find(tables, record->decl.full_name), encoding,
                    most, seed);
            }
        }
    }
}

/* ---- pairs ---- */

static size_t count_code(const idl_diags *diags, gen_check_code code)
{
    size_t count = 0;
    for (const idl_diag *at = diags->first; at != NULL; at = at->next) {
        count += (int)at->code == (int)code;
    }
    return count;
}

static void check_tells_what_differs(const version *was, version *now)
{
    size_t changed = 0;
    size_t other_options = 0;
    for (size_t i = 0; i < was->schema->shared_count; i++) {
        const idl_shared *old_one = was->schema->shared[i];
        const idl_shared *new_one = find(now->schema, old_one->decl.name);
        changed += new_one == NULL || new_one->hash != old_one->hash;
        other_options += new_one != NULL && new_one->kind == old_one->kind &&
                         !same_options(old_one, new_one);
    }
    idl_memory memory = {.arena = &now->arena};
    idl_diags diags;
    gen_check_result result;
    idl_diags_init(&diags);
    diags.memory = &memory;
    assert_int_equal(
        gen_check(was->schema, now->schema, NULL, 0, &diags, &result),
        SHMRPC_OK);
    assert_int_equal(count_code(&diags, GEN_CHECK_SHARED), changed);
    assert_int_equal(count_code(&diags, GEN_CHECK_SHARED_OPTION),
                     other_options);
}

static void change_object(random_object *object, uint64_t *seed)
{
    switch (random_below(seed, 4)) {
    case 0:
        object->type_seed += 1;
        break;
    case 1:
        object->option_seed += 1;
        break;
    case 2:
        object->name += OBJECTS;
        break;
    default:
        object->kind = (idl_shared_kind)random_below(seed, 5);
        break;
    }
}

static void run_pair(uint64_t seed)
{
    random_svc svc;
    random_object objects[OBJECTS];
    version was;
    version now;
    random_svc_make(&svc, &seed);
    for (unsigned i = 0; i < OBJECTS; i++) {
        objects[i] = (random_object){
            .kind = (idl_shared_kind)random_below(&seed, 5),
            .type_seed = seed + i,
            .option_seed = seed - i,
            .name = i,
        };
    }
    if (!load(&was, &svc, objects)) {
        fail_msg("does not load:\n%s", shmrpci_buf_text(&was.text));
    }
    formatting_changes_nothing(&was);
    for (size_t i = 0; i < was.schema->shared_count; i++) {
        text_alone_says_the_same(was.schema->shared[i]);
        row_says_the_same(&was, was.schema->shared[i]);
    }
    no_value_is_larger_than_its_bounds(&was, &seed);
    if (random_below(&seed, 2) == 0) {
        change_object(&objects[random_below(&seed, OBJECTS)], &seed);
    } else {
        random_svc_change(&svc, &seed);
    }
    if (load(&now, &svc, objects)) { /* only a few changes make the .svc
                                      * invalid */
        check_tells_what_differs(&was, &now);
    }
    unload(&now);
    unload(&was);
}

static uint64_t running; /* seed of the running pair; 0: no failure */

static void random_pairs(void **state)
{
    (void)state;
    const char *wanted = getenv("SHMRPC_TEST_SEED");
    if (wanted != NULL) {
        run_pair(strtoull(wanted, NULL, 10));
        return;
    }
    uint64_t count = getenv("SHMRPC_TEST_LONG") != NULL ? 100 * PAIRS : PAIRS;
    for (uint64_t seed = 1; seed <= count; seed++) {
        running = seed * UINT64_C(0x9E3779B97F4A7C15);
        run_pair(running);
    }
    running = 0;
    assert_true(bounded_values > count);
}

/* Prints the seed after a failure, which leaves the test in the middle of a
 * pair. */
static int tell_seed(void **state)
{
    (void)state;
    if (running != 0) {
        print_message("alone: SHMRPC_TEST_SEED=%" PRIu64 "\n", running);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(random_pairs, tell_seed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

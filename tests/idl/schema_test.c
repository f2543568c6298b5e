/* Checks that the schema describes what the file declares. */
#include "load.h"

static const char source[] =
    "package acme.fts;\n"
    "const u32 MAX = 9;\n"
    "type Short = string(2..MAX);\n"
    "enum Order : u8 { NONE = 0; DATE = 5; }\n"
    "/// A query.\n"
    "///\n"
    "/// Twice.\n"
    "@since(1) @deprecated(\"old\") struct Query {\n"
    "  1: Short text = \"ab\";\n"
    "  3: optional Order order;\n"
    "  4: i16(-5..)[2][3] grid;\n"
    "  5: map<Short, list<any>(..4)> more;\n"
    "}\n"
    "error Bad = 100 { 1: u8 at; }\n"
    "@timeout(30s) service Search {\n"
    "  port 5560; version 2;\n"
    "  @idempotent @timeout(2s) @rest(GET, \"/{q}\")\n"
    "  json find(Query q) -> stream Query throws Bad;\n"
    "  msgpack put(u8 n, stream bytes data);\n"
    "  topic u8 news { history 3; }\n"
    "}\n"
    "struct Holder { 1: Inner inner; 2: optional Holder next; }\n"
    "struct Inner { 1: u8 x; }\n";

static void types_are_resolved(void **state)
{
    (void)state;
    test_load l;
    test_load_good(&l, source);
    const idl_record *query = l.schema->structs[0];
    const idl_field *text = &query->fields[0];
    assert_int_equal(text->type->kind, IDL_STRING);
    assert_string_equal(text->type->alias, "acme.fts.Short");
    assert_true(text->type->has_min && text->type->has_max);
    assert_int_equal(text->type->min.u, 2);
    assert_int_equal(text->type->max.u, 9);
    assert_int_equal(text->default_value.kind, IDL_VALUE_TEXT);
    assert_string_equal(text->default_value.u.text.ptr, "ab");
    assert_true(query->fields[1].optional);
    assert_int_equal(query->fields[1].tag, 3);
    assert_ptr_equal(query->fields[1].type->enumeration, l.schema->enums[0]);
    const idl_type *grid = query->fields[2].type;
    assert_int_equal(grid->kind, IDL_ARRAY);
    assert_int_equal(grid->length, 2);
    assert_int_equal(grid->element->length, 3);
    assert_int_equal(grid->element->element->kind, IDL_I16);
    assert_int_equal(grid->element->element->min.i, -5);
    assert_false(grid->element->element->has_max);
    assert_true(query->has_any);
    test_load_fini(&l);
}

static void heads_are_filled(void **state)
{
    (void)state;
    test_load l;
    test_load_good(&l, source);
    const idl_decl *decl = &l.schema->structs[0]->decl;
    assert_string_equal(decl->name, "Query");
    assert_string_equal(decl->full_name, "acme.fts.Query");
    assert_string_equal(decl->package->name, "acme.fts");
    assert_false(decl->imported);
    assert_int_equal(decl->meta.docs.count, 3);
    assert_string_equal(decl->meta.docs.lines[0], "A query.");
    assert_string_equal(decl->meta.docs.lines[1], "");
    assert_int_equal(decl->meta.since, 1);
    assert_true(decl->meta.deprecated);
    assert_string_equal(decl->meta.deprecation, "old");
    assert_int_equal(decl->meta.annotation_count, 2);
    assert_int_equal(idl_source_place(decl->span.source, decl->span.begin).line,
                     8);
    test_load_fini(&l);
}

static void service_is_resolved(void **state)
{
    (void)state;
    test_load l;
    test_load_good(&l, source);
    const idl_service *service = l.schema->services[0];
    assert_int_equal(service->port, 5560);
    assert_string_equal(service->name, "search");
    assert_int_equal(service->version, 2);
    assert_int_equal(service->method_count, 2);
    const idl_method *find = &service->methods[0];
    assert_int_equal(find->index, 1);
    assert_int_equal(find->encoding, IDL_ENCODING_JSON);
    assert_true(find->idempotent);
    assert_true(find->timeout_ns == INT64_C(2000000000));
    assert_string_equal(find->rest.verb, "GET");
    assert_string_equal(find->rest.path, "/{q}");
    assert_true(find->result_is_stream);
    assert_ptr_equal(find->result->record, l.schema->structs[0]);
    assert_int_equal(find->throw_count, 1);
    assert_int_equal(find->throws[0]->number, 100);
    assert_string_equal(find->signature,
                        "json find(1: acme.fts.Query q) -> stream "
                        "acme.fts.Query throws acme.fts.Bad;");
    const idl_method *put = &service->methods[1];
    assert_true(put->timeout_ns == INT64_C(30000000000));
    assert_int_equal(put->param_count, 1);
    assert_string_equal(put->stream_param->name, "data");
    assert_null(put->result);
    assert_int_equal(service->shared_count, 1);
    assert_int_equal(service->shared[0]->options[IDL_OPTION_HISTORY], 3);
    test_load_fini(&l);
}

static void options_have_defaults(void **state)
{
    (void)state;
    test_load l;
    test_load_good(&l,
                   "package p; struct A { 1: list<B> b; }"
                   "struct B { 1: any x; }"
                   "queue A q { capacity 2K; }"
                   "service S { port 1; value u8 v { snapshot 2m; }"
                   "  topic u8 t { overflow block; } pipe p; }");
    const idl_shared *q = l.schema->shared[0];
    assert_int_equal(q->options[IDL_OPTION_CAPACITY], 2048);
    assert_int_equal(q->options[IDL_OPTION_ENCODING], IDL_ENCODING_MSGPACK);
    assert_int_equal(q->options[IDL_OPTION_OVERFLOW], IDL_OVERFLOW_BLOCK);
    assert_int_equal(q->options[IDL_OPTION_MODE], 0600);
    assert_int_equal(q->given, 1u << IDL_OPTION_CAPACITY);
    assert_string_equal(q->signature, "queue p.A");
    const idl_shared *const *shared = l.schema->services[0]->shared;
    const int64_t *value = shared[0]->options;
    assert_int_equal(value[IDL_OPTION_LOG], 1024);
    assert_int_equal(value[IDL_OPTION_MAX_BYTES], 1 << 30);
    assert_int_equal(value[IDL_OPTION_ENCODING], IDL_ENCODING_NATIVE);
    assert_int_equal(value[IDL_OPTION_WRITERS], IDL_WRITERS_SERVER);
    assert_true(value[IDL_OPTION_SNAPSHOT] == INT64_C(120000000000));
    assert_int_equal(shared[1]->options[IDL_OPTION_MAX_STALL], 100000000);
    assert_int_equal(shared[2]->options[IDL_OPTION_CAPACITY], 65536);
    assert_null(shared[2]->element);
    test_load_fini(&l);
}

/* The hash covers what two programs must agree on: kind, type and encoding, but
 * neither the name nor the capacity. */
static void shared_hashes_are_of_types_and_encodings(void **state)
{
    (void)state;
    test_load l;
    test_load_good(&l,
                   "package p; struct A { 1: B b; } struct B { 1: u8 x; }"
                   "queue A a; queue A b { capacity 9; order total; }"
                   "topic A c; queue A d { encoding json; } queue B e;"
                   "pipe f; pipe g;");
    const idl_shared *const *s = l.schema->shared;
    assert_true(s[0]->hash == s[1]->hash && s[5]->hash == s[6]->hash);
    assert_true(s[0]->hash != s[2]->hash && s[0]->hash != s[3]->hash);
    assert_true(s[0]->hash != s[4]->hash);
    test_load other;
    test_load_good(&other,
                   "package p; struct A { 1: B b; }"
                   "struct B { 1: u16 x; } queue A a;");
    assert_true(s[0]->hash != other.schema->shared[0]->hash);
    test_load_fini(&other);
    test_load_fini(&l);
}

static void records_come_after_what_they_hold(void **state)
{
    (void)state;
    test_load l;
    test_load_good(&l, source);
    const idl_schema *s = l.schema;
    assert_int_equal(s->by_value_count, s->struct_count + s->error_count);
    size_t inner = 0;
    size_t holder = 0;
    for (size_t i = 0; i < s->by_value_count; i++) {
        const char *name = s->by_value[i]->decl.name;
        inner = strcmp(name, "Inner") == 0 ? i : inner;
        holder = strcmp(name, "Holder") == 0 ? i : holder;
    }
    assert_true(inner < holder);
    test_load_fini(&l);
}

static void tags_skip_what_is_reserved(void **state)
{
    (void)state;
    test_load l;
    test_load_good(&l, "package p; struct A { u8 a; u8 b; reserved 2..4; }");
    assert_int_equal(l.schema->structs[0]->fields[0].tag, 1);
    assert_int_equal(l.schema->structs[0]->fields[1].tag, 5);
    test_load_fini(&l);
}

/* Serves two files from memory, as an editor does. */
static shmrpc_status read_memory(shmrpci_arena *arena, const char *path,
                                 const idl_source **out, size_t *bad_offset,
                                 void *user)
{
    (void)user;
    const char *text =
        strcmp(path, "dir/main.svc") == 0
            ? "package m; import \"sub/a.svc\"; struct B { 1: a.A a; }"
        : strcmp(path, "dir/sub/a.svc") == 0 ? "package a; struct A { u8 x; }"
                                             : NULL;
    return text != NULL ? idl_source_from_text(arena, path, text, strlen(text),
                                               out, bad_offset)
                        : SHMRPC_E_NOT_FOUND;
}

static void imports_come_first_and_are_marked(void **state)
{
    (void)state;
    idl_options options = {.read = read_memory};
    test_load l;
    test_load_init(&l, 0);
    assert_int_equal(
        idl_load(&options, "dir/main.svc", &l.arena, &l.diags, &l.schema),
        SHMRPC_OK);
    const idl_schema *s = l.schema;
    assert_int_equal(s->file_count, 2);
    assert_ptr_equal(s->main, s->files[1]);
    assert_string_equal(s->files[0]->source->path, "dir/sub/a.svc");
    assert_true(s->files[0]->imported);
    assert_int_equal(s->main->import_count, 1);
    assert_ptr_equal(s->main->imports[0].file, s->files[0]);
    assert_string_equal(s->structs[0]->decl.full_name, "a.A");
    assert_true(s->structs[0]->decl.imported);
    assert_string_equal(s->structs[1]->decl.full_name, "m.B");
    assert_false(s->structs[1]->decl.imported);
    test_load_fini(&l);
}

static void missing_main_file(void **state)
{
    (void)state;
    test_load l;
    test_load_init(&l, 0);
    assert_int_equal(
        idl_load(NULL, "no/such.svc", &l.arena, &l.diags, &l.schema),
        SHMRPC_E_INVALID);
    idl_diags_render(&l.diags, &l.rendered);
    assert_string_equal(shmrpci_buf_text(&l.rendered),
                        "error[S0001]: can't open no/such.svc\n");
    test_load_fini(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_resolved),
        cmocka_unit_test(heads_are_filled),
        cmocka_unit_test(service_is_resolved),
        cmocka_unit_test(options_have_defaults),
        cmocka_unit_test(shared_hashes_are_of_types_and_encodings),
        cmocka_unit_test(records_come_after_what_they_hold),
        cmocka_unit_test(tags_skip_what_is_reserved),
        cmocka_unit_test(imports_come_first_and_are_marked),
        cmocka_unit_test(missing_main_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

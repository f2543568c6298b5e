/* Names in C: the examples of cname.h, and special cases. */
#include "idl/cname.h"
#include "load.h"

static void assert_word(void (*rule)(const char *name, shmrpci_buf *out),
                        const char *name, const char *expected)
{
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    rule(name, &out);
    assert_string_equal(shmrpci_buf_text(&out), expected);
    shmrpci_buf_fini(&out);
}

static void words_are_split(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"DocKey", "doc_key"},
        {"HTTPServer", "http_server"},
        {"getHTTP", "get_http"},
        {"fts2Query", "fts2_query"},
        {"VoiceID", "voice_id"},
        {"snake_case", "snake_case"},
        {"Already_Split", "already_split"},
        {"X", "x"},
        {"ABC", "abc"},
        {"aB", "a_b"},
        {"U8", "u8"},
        {"MAX_HITS", "max_hits"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        assert_word(idl_cname_snake, pairs[i][0], pairs[i][1]);
    }
    assert_word(idl_cname_upper, "DocKey", "DOC_KEY");
    assert_word(idl_cname_upper, "RELEVANCE", "RELEVANCE");
}

static void assert_prefix(const char *package, const char *override,
                          const char *expected)
{
    idl_package p = {.name = package, .c_prefix = override};
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    idl_cname_prefix(&p, &out);
    assert_string_equal(shmrpci_buf_text(&out), expected);
    shmrpci_buf_fini(&out);
}

static void prefix_is_the_last_part(void **state)
{
    (void)state;
    assert_prefix("demo", NULL, "demo");
    assert_prefix("acme.fts", NULL, "fts");
    assert_prefix("acme.fts.v1", NULL, "fts_v1");
    assert_prefix("acme.fts.v10", NULL, "fts_v10");
    assert_prefix("acme.fts.vx", NULL, "vx");
    assert_prefix("acme.v", NULL, "v");
    assert_prefix("v2", NULL, "v2");
    assert_prefix("acme.FullText", NULL, "full_text");
    assert_prefix("acme.fts.v1", "search", "search");
}

/* A file that declares one name of each kind. */
static const char source[] =
    "package acme.fts;\n"
    "const u8 MaxHits = 1;\n"
    "enum Order { NONE = 0; @c_name(\"newest\") date = 1; }\n"
    "struct DocKey { 1: u8 class; 2: u8 sampleRate; 3: u8 errno; }\n"
    "@c_name(\"Renamed\") struct Original { 1: u8 x; }\n"
    "error BadQuery = 100;\n"
    "service Search { port 1; json find(); json close(); json connect();\n"
    "  json int(); @c_name(\"other\") json same(); }\n"
    "queue u8 jobs;\n";

static void assert_text(shmrpci_buf *out, const char *expected)
{
    assert_string_equal(shmrpci_buf_text(out), expected);
    shmrpci_buf_reset(out);
}

static void every_kind_of_name(void **state)
{
    (void)state;
    test_load l;
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    test_load_good(&l, source);
    const idl_schema *s = l.schema;
    idl_cname_decl_upper(&s->consts[0]->decl, &out);
    assert_text(&out, "FTS_MAX_HITS");
    idl_cname_decl(&s->enums[0]->decl, &out);
    assert_text(&out, "fts_order");
    idl_cname_item(&s->enums[0]->items[0], &out);
    assert_text(&out, "FTS_ORDER_NONE");
    idl_cname_item(&s->enums[0]->items[1], &out);
    assert_text(&out, "FTS_ORDER_NEWEST");
    idl_cname_decl(&s->structs[0]->decl, &out);
    assert_text(&out, "fts_doc_key");
    idl_cname_decl(&s->structs[1]->decl, &out);
    assert_text(&out, "fts_renamed");
    idl_cname_error(&s->errors[0]->decl, &out);
    assert_text(&out, "FTS_ERR_BAD_QUERY");
    idl_cname_decl(&s->shared[0]->decl, &out);
    assert_text(&out, "fts_jobs");
    test_load_fini(&l);
    shmrpci_buf_fini(&out);
}

static void fields_avoid_c(void **state)
{
    (void)state;
    test_load l;
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    test_load_good(&l, source);
    const idl_record *record = l.schema->structs[0];
    idl_cname_field(&record->fields[0], &out);
    assert_text(&out, "class_");
    idl_cname_field(&record->fields[1], &out);
    assert_text(&out, "sample_rate");
    idl_cname_field(&record->fields[2], &out);
    assert_text(&out, "errno_");
    test_load_fini(&l);
    shmrpci_buf_fini(&out);
}

static void methods_avoid_generated_functions(void **state)
{
    (void)state;
    static const char *const parts[] = {"find", "close_", "connect_", "int_",
                                        "other"};
    test_load l;
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    test_load_good(&l, source);
    const idl_service *service = l.schema->services[0];
    for (size_t i = 0; i < service->method_count; i++) {
        idl_cname_method_part(&service->methods[i], &out);
        assert_text(&out, parts[i]);
    }
    idl_cname_method(&service->methods[1], &out);
    assert_text(&out, "fts_search_close_");
    test_load_fini(&l);
    shmrpci_buf_fini(&out);
}

static void words_of_c_are_known(void **state)
{
    (void)state;
    /* The first, the last and some between: bsearch requires the list to be
     * sorted. */
    static const char *const taken[] = {"EOF",   "NULL",  "alignas",   "bool",
                                        "class", "errno", "namespace", "stdin",
                                        "union", "xor_eq"};
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        assert_true(idl_cname_is_taken(taken[i]));
    }
    assert_false(idl_cname_is_taken("query"));
    assert_true(idl_cname_is_valid("query_2"));
    assert_false(idl_cname_is_valid("_query"));
    assert_false(idl_cname_is_valid("query_"));
    assert_false(idl_cname_is_valid("que__ry"));
    assert_false(idl_cname_is_valid("2query"));
    assert_false(idl_cname_is_valid(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_split),
        cmocka_unit_test(prefix_is_the_last_part),
        cmocka_unit_test(every_kind_of_name),
        cmocka_unit_test(fields_avoid_c),
        cmocka_unit_test(methods_avoid_generated_functions),
        cmocka_unit_test(words_of_c_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

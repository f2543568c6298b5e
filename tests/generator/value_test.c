/* JSON values: order, exact numbers, truth, printing and strict reading. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "generator/value.h"

static void expect_json(const gen_value *value, const char *expected)
{
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    gen_print_json(value, &out);
    assert_string_equal(shmrpci_buf_text(&out), expected);
    shmrpci_buf_fini(&out);
}

static void prints_in_order_with_exact_numbers(void **state)
{
    (void)state;
    gen_tree tree;
    gen_tree_init(&tree);
    gen_value *root = gen_object(&tree);
    gen_set(root, "z", gen_uint(&tree, UINT64_MAX));
    gen_set(root, "a", gen_int(&tree, INT64_MIN));
    gen_value *list = gen_set(root, "list", gen_array(&tree));
    gen_push(list, gen_bool(&tree, true));
    gen_push(list, gen_null(&tree));
    gen_push(list, gen_format(&tree, "%s\n\"\\\x01", "text"));
    gen_set(root, "none", gen_array(&tree));
    gen_set(root, "empty", gen_object(&tree));
    assert_int_equal(gen_tree_status(&tree), SHMRPC_OK);
    expect_json(root,
                "{\n"
                "  \"z\": 18446744073709551615,\n"
                "  \"a\": -9223372036854775808,\n"
                "  \"list\": [\n"
                "    true,\n"
                "    null,\n"
                "    \"text\\n\\\"\\\\\\u0001\"\n"
                "  ],\n"
                "  \"none\": [],\n"
                "  \"empty\": {}\n"
                "}\n");
    gen_tree_fini(&tree);
}

static unsigned fills;

static void fill_two(gen_tree *tree, gen_value *object, const void *source)
{
    fills++;
    gen_set(object, "b", gen_ref(tree, source));
    gen_set(object, "c", gen_array(tree));
}

/* Members added on request: before, between and after other members, and
 * alone. */
static void makes_members_when_asked(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "{\n  \"b\": \"x\",\n  \"c\": [],\n  \"d\": 1\n}\n",
        "{\n  \"a\": 0,\n  \"b\": \"x\",\n  \"c\": [],\n  \"d\": 1\n}\n",
        "{\n  \"a\": 0,\n  \"b\": \"x\",\n  \"c\": []\n}\n",
        "{\n  \"b\": \"x\",\n  \"c\": []\n}\n",
    };
    for (size_t i = 0; i < 8; i++) {
        bool before = i % 4 == 1 || i % 4 == 2;
        bool behind = i % 4 < 2;
        gen_tree tree;
        gen_tree_init(&tree);
        gen_value *root = gen_object(&tree);
        if (before) {
            gen_set(root, "a", gen_uint(&tree, 0));
        }
        fills = 0;
        gen_set_later(&tree, root, fill_two, "x");
        if (behind) {
            gen_set(root, "d", gen_uint(&tree, 1));
        }
        assert_true(!before || gen_get(root, "a", 1) != NULL);
        assert_int_equal(fills, 0);
        if (i < 4) { /* the first four are looked up before they are
                      * printed */
            assert_string_equal(gen_text(root, "b"), "x");
            assert_null(gen_get(root, "e", 1));
        }
        expect_json(root, expected[i % 4]);
        assert_int_equal(fills, 1);
        assert_int_equal(root->len, 2 + before + behind);
        gen_tree_fini(&tree);
    }
}

static void formats_long_texts(void **state)
{
    (void)state;
    gen_tree tree;
    gen_tree_init(&tree);
    const gen_value *text = gen_format(&tree, "%0600d|", 7);
    assert_int_equal(text->len, 601);
    assert_int_equal(text->text[600], '|');
    gen_tree_fini(&tree);
}

static void finds_whole_keys_only(void **state)
{
    (void)state;
    gen_tree tree;
    gen_tree_init(&tree);
    gen_value *root = gen_object(&tree);
    gen_set(root, "name", gen_string(&tree, "long"));
    gen_set(root, "na", gen_string(&tree, "short"));
    assert_string_equal(gen_get(root, "na", 2)->text, "short");
    assert_null(gen_get(root, "nam", 3));
    assert_null(gen_get(gen_get(root, "na", 2), "x", 1));
    assert_string_equal(gen_text(root, "absent"), "");
    gen_tree_fini(&tree);
}

static void tells_truth(void **state)
{
    (void)state;
    gen_tree tree;
    gen_tree_init(&tree);
    gen_value *list = gen_array(&tree);
    assert_false(gen_is_true(NULL));
    assert_false(gen_is_true(gen_null(&tree)));
    assert_false(gen_is_true(gen_bool(&tree, false)));
    assert_false(gen_is_true(gen_string(&tree, "")));
    assert_false(gen_is_true(list));
    gen_push(list, gen_null(&tree));
    assert_true(gen_is_true(list));
    assert_true(gen_is_true(gen_int(&tree, 0)));
    assert_true(gen_is_true(gen_object(&tree)));
    gen_tree_fini(&tree);
}

static void running_out_of_memory_is_sticky(void **state)
{
    (void)state;
    gen_tree tree;
    gen_tree_init(&tree);
    shmrpci_arena_fini(&tree.arena);
    shmrpci_arena_init(&tree.arena, 512);
    gen_value *root = gen_object(&tree);
    for (int i = 0; i < 100; i++) {
        gen_push(gen_set(root, "key", gen_array(&tree)),
                 gen_string(&tree, "text"));
    }
    assert_int_equal(gen_tree_status(&tree), SHMRPC_E_NO_MEMORY);
    gen_tree_fini(&tree);
}

static void reads_what_it_prints(void **state)
{
    (void)state;
    static const char text[] =
        " {\"a\": [1.50, -0, 1e-9, true, false, null], \"\\u00e9\\ud83d\\ude00"
        "\\n\": \"\\b\\\"\\/\", \"o\": {}}";
    gen_tree tree;
    gen_tree_init(&tree);
    gen_value *root = NULL;
    size_t at = 0;
    assert_int_equal(gen_read_json(&tree, text, sizeof text - 1, &root, &at),
                     SHMRPC_OK);
    expect_json(root,
                "{\n"
                "  \"a\": [\n"
                "    1.50,\n"
                "    -0,\n"
                "    1e-9,\n"
                "    true,\n"
                "    false,\n"
                "    null\n"
                "  ],\n"
                "  \"\xc3\xa9\xf0\x9f\x98\x80\\n\": \"\\b\\\"/\",\n"
                "  \"o\": {}\n"
                "}\n");
    gen_tree_fini(&tree);
}

static void refuses_malformed_json(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t error_offset;
    } cases[] = {
        {"", 0},         {"[1,]", 3},
        {"[1 2]", 3},    {"{\"a\" 1}", 5},
        {"01", 1},       {"1.", 2},
        {"-", 1},        {"tru", 0},
        {"\"\\x\"", 2},  {"\"\\ud800\"", 7},
        {"\"a", 2},      {"\"\t\"", 1},
        {"\"\xff\"", 3}, {"{\"a\":1,\"a\":2}", 11},
        {"1 1", 2},      {"+1", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gen_tree tree;
        gen_tree_init(&tree);
        gen_value *root = NULL;
        size_t at = 99;
        print_message("case %zu: %s\n", i, cases[i].text);
        assert_int_equal(gen_read_json(&tree, cases[i].text,
                                       strlen(cases[i].text), &root, &at),
                         SHMRPC_E_INVALID);
        assert_int_equal(at, cases[i].error_offset);
        gen_tree_fini(&tree);
    }
}

static void refuses_deep_json(void **state)
{
    (void)state;
    char text[200];
    memset(text, '[', sizeof text);
    gen_tree tree;
    gen_tree_init(&tree);
    gen_value *root = NULL;
    size_t at = 0;
    assert_int_equal(gen_read_json(&tree, text, sizeof text, &root, &at),
                     SHMRPC_E_INVALID);
    assert_int_equal(at, 64);
    gen_tree_fini(&tree);
}

/* Reads `count` copies of `item`, separated by commas, between `open` and
 * `close`. */
static shmrpc_status read_many(const char *open, const char *item, size_t count,
                               const char *close)
{
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    shmrpci_buf_append_text(&text, open);
    for (size_t i = 0; i < count; i++) {
        shmrpci_buf_append_text(&text, i > 0 ? "," : "");
        shmrpci_buf_printf(&text, item, i);
    }
    shmrpci_buf_append_text(&text, close);
    gen_tree tree;
    gen_tree_init(&tree);
    gen_value *root = NULL;
    size_t at = 0;
    shmrpc_status status =
        gen_read_json(&tree, (const char *)text.data, text.len, &root, &at);
    gen_tree_fini(&tree);
    shmrpci_buf_fini(&text);
    return status;
}

static void refuses_too_much_json(void **state)
{
    (void)state;
    size_t members = GEN_JSON_MAX_MEMBERS;
    size_t values = GEN_JSON_MAX_VALUES;
    assert_int_equal(read_many("{", "\"%zu\":0", members, "}"), SHMRPC_OK);
    assert_int_equal(read_many("{", "\"%zu\":0", members + 1, "}"),
                     SHMRPC_E_INVALID);
    /* The array itself counts as a value. */
    assert_int_equal(read_many("[", "%zu", values - 1, "]"), SHMRPC_OK);
    assert_int_equal(read_many("[", "%zu", values, "]"), SHMRPC_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_in_order_with_exact_numbers),
        cmocka_unit_test(makes_members_when_asked),
        cmocka_unit_test(formats_long_texts),
        cmocka_unit_test(finds_whole_keys_only),
        cmocka_unit_test(tells_truth),
        cmocka_unit_test(running_out_of_memory_is_sticky),
        cmocka_unit_test(reads_what_it_prints),
        cmocka_unit_test(refuses_malformed_json),
        cmocka_unit_test(refuses_deep_json),
        cmocka_unit_test(refuses_too_much_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

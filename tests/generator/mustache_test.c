/* Mustache: our own cases for each rule of the specification, and for what it
 * leaves undefined: strictness, limits and the places of errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "generator/mustache.h"

/* The model that all cases use. */
static const char model_json[] =
    "{\"name\": \"add\", \"html\": \"<a href=\\\"x\\\">&</a>\", \"n\": 0,"
    " \"yes\": true, \"no\": false, \"null\": null, \"none\": [],"
    " \"empty\": \"\", \"ratio\": 1.50,"
    " \"outer\": {\"inner\": {\"leaf\": \"deep\"}, \"name\": \"shadow\"},"
    " \"items\": [{\"k\": \"a\"}, {\"k\": \"b\", \"name\": \"own\"}],"
    " \"words\": [\"x\", \"y\"], \"lists\": [[1, 2], [3]],"
    " \"lines\": \"one\\ntwo\"}";

static const struct {
    const char *name;
    const char *text;
} partials[] = {
    {"line", "<{{name}}>\n"},
    {"block", "{\n  {{> line}}\n\n}\n"},
    {"inline", "[{{name}}]"},
    {"items", "{{#items}}{{k}};{{/items}}"},
    {"delims", "{{=| |=}}|name| {{name}}"},
    {"self", "{{> self}}"},
    {"raw", "{{{lines}}}\n"},
    {"broken", "ok\n  {{#open}}\n"},
};

static bool find_partial(void *user, const char *name, const char **text,
                         size_t *len)
{
    (void)user;
    for (size_t i = 0; i < sizeof partials / sizeof partials[0]; i++) {
        if (strcmp(partials[i].name, name) == 0) {
            *text = partials[i].text;
            *len = strlen(*text);
            return true;
        }
    }
    return false;
}

static shmrpc_status render(const gen_mustache_opts *opts, const char *text,
                            shmrpci_buf *out, gen_mustache_error *error)
{
    gen_tree tree;
    gen_tree_init(&tree);
    gen_value *model = NULL;
    size_t at = 0;
    assert_int_equal(
        gen_read_json(&tree, model_json, strlen(model_json), &model, &at),
        SHMRPC_OK);
    shmrpc_status status =
        gen_mustache_render(opts, "t", text, strlen(text), model, out, error);
    gen_tree_fini(&tree);
    return status;
}

static void expect(const char *text, const char *expected)
{
    gen_mustache_opts opts = {.lookup = find_partial};
    gen_mustache_error error = {.message = ""};
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    shmrpc_status status = render(&opts, text, &out, &error);
    assert_string_equal(error.message, "");
    assert_int_equal(status, SHMRPC_OK);
    assert_string_equal(shmrpci_buf_text(&out), expected);
    shmrpci_buf_fini(&out);
}

static void expect_error(gen_missing missing, const char *text,
                         const char *expected)
{
    gen_mustache_opts opts = {.lookup = find_partial, .missing = missing};
    gen_mustache_error error = {.line = 0};
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    assert_int_equal(render(&opts, text, &out, &error), SHMRPC_E_INVALID);
    char got[300];
    snprintf(got, sizeof got, "%s:%u:%u: %s", error.name, error.line,
             error.column, error.message);
    assert_string_equal(got, expected);
    shmrpci_buf_fini(&out);
}

static void interpolates(void **state)
{
    (void)state;
    expect("no tags", "no tags");
    expect("a {{name}} b {{ name }}.", "a add b add.");
    expect("{{html}}", "&lt;a href=&quot;x&quot;&gt;&amp;&lt;/a&gt;");
    expect("{{{html}}} {{& html }}", "<a href=\"x\">&</a> <a href=\"x\">&</a>");
    expect("{{n}} {{ratio}} {{yes}} {{null}}|{{absent}}|", "0 1.50 true ||");
    expect("{{outer.inner.leaf}} {{outer.absent.leaf}}|", "deep |");
    expect("  {{name}}\n", "  add\n");
}

static void escapes_nothing_in_source_code(void **state)
{
    (void)state;
    gen_mustache_opts opts = {.escape = GEN_ESCAPE_NONE};
    gen_mustache_error error;
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    assert_int_equal(render(&opts, "{{html}}", &out, &error), SHMRPC_OK);
    assert_string_equal(shmrpci_buf_text(&out), "<a href=\"x\">&</a>");
    shmrpci_buf_fini(&out);
}

static void sections_test_and_repeat(void **state)
{
    (void)state;
    expect("{{#yes}}A{{/yes}}{{#no}}B{{/no}}{{#absent}}C{{/absent}}", "A");
    expect("{{#null}}A{{/null}}{{#none}}B{{/none}}{{#empty}}C{{/empty}}", "");
    expect("{{#n}}zero is a value{{/n}}", "zero is a value");
    expect("{{#items}}{{k}}:{{name}} {{/items}}", "a:add b:own ");
    expect("{{#words}}{{.}},{{/words}}", "x,y,");
    expect("{{#lists}}({{#.}}{{.}}{{/.}}){{/lists}}", "(12)(3)");
    expect("{{#outer}}{{name}} {{#inner}}{{leaf}} {{name}}{{/inner}}{{/outer}}",
           "shadow deep shadow");
    expect("{{#outer.inner}}{{leaf}}{{/outer.inner}}", "deep");
}

static void inverted_sections(void **state)
{
    (void)state;
    expect("{{^yes}}A{{/yes}}{{^no}}B{{/no}}{{^none}}C{{/none}}", "BC");
    expect("{{^absent}}D{{/absent}}{{^null}}E{{/null}}{{^items}}F{{/items}}",
           "DE");
}

static void lines_of_lone_tags_vanish(void **state)
{
    (void)state;
    expect("a\n{{#yes}}\nb\n{{/yes}}\nc\n", "a\nb\nc\n");
    expect("a\r\n  {{! note }}\t\r\nb", "a\r\nb");
    expect("a\n{{! two\nlines }}\nb", "a\nb");
    expect("{{#yes}}\n{{/yes}}", "");
    expect("a {{! note }} b\n", "a  b\n");
    expect("{{#yes}} {{/yes}}\n", " \n");
    expect("  {{#yes}}x{{/yes}}\n", "  x\n");
}

static void delimiters_change(void **state)
{
    (void)state;
    expect("{{=<% %>=}}<%name%> {{name}} <%={{ }}=%>{{name}}",
           "add {{name}} add");
    expect("a\n{{= | | =}}\n|name|\n", "a\nadd\n");
    expect("{{#yes}}{{=| |=}}|name||/yes|", "add");
    expect("{{> delims}} {{name}}", "add {{name}} add");
}

static void partials_are_included_and_indented(void **state)
{
    (void)state;
    expect("a {{> inline}} b", "a [add] b");
    expect("  {{> line}}\nrest", "  <add>\nrest");
    expect("\t{{> block}}\n", "\t{\n\t  <add>\n\n\t}\n");
    expect("{{> line}}\n  {{> line}}\n \t{{> line}}\n{{> line}}\n",
           "<add>\n  <add>\n \t<add>\n<add>\n");
    expect("  {{> raw}}\n", "  one\ntwo\n");
    expect("{{#outer}}{{> inline}}{{/outer}}{{> items}}", "[shadow]a;b;");
    expect("a {{> absent}} b", "a  b");
}

static void malformed_templates_are_located(void **state)
{
    (void)state;
    const gen_missing lax = GEN_MISSING_EMPTY;
    expect_error(lax, "a\n {{name", "t:2:2: tag is not closed (expected `}}`)");
    expect_error(lax, "{{{name}}", "t:1:1: tag is not closed (expected `}}}`)");
    expect_error(lax, "{{ }}", "t:1:1: tag without a name");
    expect_error(lax, "x{{/a}}",
                 "t:1:2: end of section `a`, which is not open");
    expect_error(lax, "{{#a}}\n{{#b}}{{/a}}{{/b}}",
                 "t:2:7: end of section `a` (expected the end of `b`)");
    expect_error(lax, "{{#a}}{{^b}}", "t:1:7: section `b` is not closed");
    expect_error(lax, "{{=a=}}",
                 "t:1:1: malformed delimiters (expected for "
                 "example `=<% %>=`)");
    expect_error(lax, "{{items}}",
                 "t:1:1: `items` is a list or an object, not a text");
    expect_error(lax, "\n    {{> broken}}\n",
                 "broken:2:3: section `open` is not closed");
}

static void strict_rendering_misses_names(void **state)
{
    (void)state;
    const gen_missing strict = GEN_MISSING_ERROR;
    expect_error(strict, "{{nam}}", "t:1:1: the model has no `nam` here");
    expect_error(strict, "\n{{#item}}{{/item}}",
                 "t:2:1: the model has no `item` here");
    expect_error(strict, "{{^outer.x}}{{/outer.x}}",
                 "t:1:1: the model has no `outer.x` here");
    expect_error(strict, " {{> absent}}",
                 "t:1:2: there is no partial `absent`");
}

static void nesting_is_limited(void **state)
{
    (void)state;
    expect_error(GEN_MISSING_EMPTY, "{{> self}}",
                 "self:1:1: more than 64 partials inside each other");
    char deep[65 * 6 + 1] = "";
    for (size_t i = 0; i < 65; i++) {
        memcpy(deep + i * 6, "{{#a}}", 6);
    }
    expect_error(GEN_MISSING_EMPTY, deep,
                 "t:1:385: more than 64 sections inside each other");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interpolates),
        cmocka_unit_test(escapes_nothing_in_source_code),
        cmocka_unit_test(sections_test_and_repeat),
        cmocka_unit_test(inverted_sections),
        cmocka_unit_test(lines_of_lone_tags_vanish),
        cmocka_unit_test(delimiters_change),
        cmocka_unit_test(partials_are_included_and_indented),
        cmocka_unit_test(malformed_templates_are_located),
        cmocka_unit_test(strict_rendering_misses_names),
        cmocka_unit_test(nesting_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

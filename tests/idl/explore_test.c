/* Exploring: finds declarations in files with errors, and the words that could
 * follow a text. */
#include "idl/explore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *main_text;

static shmrpc_status read_it(shmrpci_arena *arena, const char *path,
                             const idl_source **out, size_t *bad_offset,
                             void *user)
{
    (void)user;
    const char *text = strcmp(path, "main.svc") == 0 ? main_text : NULL;
    return text == NULL ? SHMRPC_E_NOT_FOUND
                        : idl_source_from_text(arena, path, text, strlen(text),
                                               out, bad_offset);
}

static void test_finds_symbols_beside_an_error(void **state)
{
    (void)state;
    main_text =
        "package p;\nstruct A { B b; }\nstruct B { u32 x = ; }\n"
        "struct C { A a; }\n";
    shmrpci_arena arena;
    shmrpci_arena_init(&arena, 0);
    idl_diags diags;
    idl_diags_init(&diags);
    idl_exploration found;
    idl_options options = {.read = read_it};
    assert_int_equal(idl_explore(&options, "main.svc", &arena, &diags, &found),
                     SHMRPC_OK);
    assert_true(diags.error_count > 0);
    assert_false(found.complete);
    assert_int_equal(found.resolved.symbol_count, 3);
    idl_symbol *c = found.resolved.symbols[2];
    idl_site site = {.unit = c->unit, .scope = c->scope};
    idl_symbol *a = idl_find_quietly(&found.resolved.scopes, site, "A");
    assert_ptr_equal(a, found.resolved.symbols[0]);
    shmrpci_arena_fini(&arena);
}

static void test_survives_a_missing_file(void **state)
{
    (void)state;
    main_text = NULL;
    shmrpci_arena arena;
    shmrpci_arena_init(&arena, 0);
    idl_diags diags;
    idl_diags_init(&diags);
    idl_exploration found;
    idl_options options = {.read = read_it};
    assert_int_equal(idl_explore(&options, "main.svc", &arena, &diags, &found),
                     SHMRPC_OK);
    assert_null(found.source);
    assert_false(found.complete);
    shmrpci_arena_fini(&arena);
}

/* The words that could follow `text`, separated by spaces. */
static idl_next next_after(shmrpci_arena *arena, const char *text)
{
    idl_next next;
    assert_int_equal(idl_explore_next(text, strlen(text), arena, &next),
                     SHMRPC_OK);
    return next;
}

static bool has_word(const idl_next *next, const char *word)
{
    for (size_t i = 0; i < next->word_count; i++) {
        if (strcmp(next->words[i], word) == 0) {
            return true;
        }
    }
    return false;
}

static void test_knows_what_follows(void **state)
{
    (void)state;
    shmrpci_arena arena;
    shmrpci_arena_init(&arena, 0);
    idl_next next = next_after(&arena, "package p;\n");
    assert_true(has_word(&next, "struct"));
    assert_false(has_word(&next, "port"));
    assert_false(next.type);
    next = next_after(&arena, "package p; struct A { broken!! ; ");
    assert_true(has_word(&next, "optional"));
    assert_true(next.type);
    next = next_after(&arena, "package p; const u32 N = ");
    assert_true(next.value);
    next = next_after(&arena, "package p; service S { json f(u8 x) ");
    assert_true(has_word(&next, "throws"));
    next = next_after(&arena, "package p; service S { json f(u8 x) -> ");
    assert_true(next.type);
    assert_true(has_word(&next, "stream"));
    shmrpci_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_symbols_beside_an_error),
        cmocka_unit_test(test_survives_a_missing_file),
        cmocka_unit_test(test_knows_what_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Functions by which handlers make text results in the memory of their call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rpc/ctx.h"

static shmrpci_arena arena;
static shmrpc_ctx ctx = {.arena = &arena};

static int set_up(void **state)
{
    (void)state;
    shmrpci_arena_init(&arena, (size_t)1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    shmrpci_arena_fini(&arena);
    return 0;
}

static void expect(shmrpc_str got, const char *text, size_t len)
{
    assert_int_equal(got.len, len);
    assert_memory_equal(got.ptr, text, len);
    assert_int_equal(got.ptr[len], '\0');
}

static void c_strings_are_copied(void **state)
{
    (void)state;
    char text[] = "page";
    shmrpc_str ret;
    assert_int_equal(shmrpc_ctx_str(&ctx, &ret, text), SHMRPC_OK);
    text[0] = 'r';
    expect(ret, "page", 4);
    assert_int_equal(shmrpc_ctx_str(&ctx, &ret, NULL), SHMRPC_OK);
    expect(ret, "", 0);
}

static void any_bytes_are_copied(void **state)
{
    (void)state;
    shmrpc_str ret;
    assert_int_equal(shmrpc_ctx_copy(&ctx, &ret, "a\0b", 3), SHMRPC_OK);
    expect(ret, "a\0b", 3);
    assert_int_equal(shmrpc_ctx_copy(&ctx, &ret, NULL, 0), SHMRPC_OK);
    expect(ret, "", 0);
}

static void text_of_any_length_is_formatted(void **state)
{
    (void)state;
    static char long_text[100001];
    shmrpc_str ret;
    assert_int_equal(shmrpc_ctx_printf(&ctx, &ret, "%d of %s", 3, "hits"),
                     SHMRPC_OK);
    expect(ret, "3 of hits", 9);
    memset(long_text, 'x', sizeof long_text - 1);
    assert_int_equal(shmrpc_ctx_printf(&ctx, &ret, "%s", long_text), SHMRPC_OK);
    expect(ret, long_text, sizeof long_text - 1);
}

static void without_memory_the_result_stays(void **state)
{
    (void)state;
    static char large[(size_t)2 << 20];
    shmrpc_str ret = {"before", 6};
    memset(large, 'x', sizeof large - 1);
    assert_int_equal(shmrpc_ctx_str(&ctx, &ret, large), SHMRPC_E_NO_MEMORY);
    assert_int_equal(shmrpc_ctx_copy(&ctx, &ret, large, sizeof large),
                     SHMRPC_E_NO_MEMORY);
    assert_int_equal(shmrpc_ctx_printf(&ctx, &ret, "%s", large),
                     SHMRPC_E_NO_MEMORY);
    expect(ret, "before", 6);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(c_strings_are_copied),
        CASE(any_bytes_are_copied),
        CASE(text_of_any_length_is_formatted),
        CASE(without_memory_the_result_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

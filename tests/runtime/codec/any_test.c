/* Reading trees of any shape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "shmrpc/types.h"

static void maps_are_searched_by_text(void **state)
{
    (void)state;
    const shmrpc_any_entry entries[] = {
        {shmrpc_any_i64(7), shmrpc_any_i64(1)},
        {shmrpc_any_bytes("seven", 5), shmrpc_any_i64(2)},
        {shmrpc_any_str("seven"), shmrpc_any_i64(3)},
        {shmrpc_any_str(""), shmrpc_any_i64(4)},
        {shmrpc_any_str("seven"), shmrpc_any_i64(5)},
    };
    const shmrpc_any map = shmrpc_any_map_of(entries, 5);
    assert_ptr_equal(shmrpc_any_find(&map, "seven"), &entries[2].value);
    assert_ptr_equal(shmrpc_any_find(&map, ""), &entries[3].value);
    assert_null(shmrpc_any_find(&map, "seve"));
    assert_null(shmrpc_any_find(&map, "seventh"));
}

static void what_is_no_map_has_no_keys(void **state)
{
    (void)state;
    const shmrpc_any nothing = shmrpc_any_map_of(NULL, 0);
    const shmrpc_any text = shmrpc_any_str("seven");
    assert_null(shmrpc_any_find(&nothing, "seven"));
    assert_null(shmrpc_any_find(&text, "seven"));
    assert_null(shmrpc_any_find(NULL, "seven"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_are_searched_by_text),
        cmocka_unit_test(what_is_no_map_has_no_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

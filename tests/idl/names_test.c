/* The map, and the nearest name. */
#include "idl/names.h"
#include "load.h"

static const char *nearest(const char *wanted)
{
    static const char *const names[] = {"string",   "list",  "u8",
                                        "optional", "Color", "X"};
    return idl_nearest_of(wanted, names, sizeof names / sizeof names[0]);
}

static void near_names_are_found(void **state)
{
    (void)state;
    assert_string_equal(nearest("strng"), "string");
    assert_string_equal(nearest("sting"), "string");
    assert_string_equal(nearest("srting"), "string");
    assert_string_equal(nearest("strings"), "string");
    assert_string_equal(nearest("String"), "string");
    assert_string_equal(nearest("Colour"), "Color");
    assert_string_equal(nearest("COLOR"), "Color");
    assert_string_equal(nearest("lst"), "list");
    assert_string_equal(nearest("x"), "X");
}

static void far_names_are_not(void **state)
{
    (void)state;
    assert_null(nearest("strangely"));
    assert_null(nearest("u9"));
    assert_null(nearest("opt"));
    assert_null(nearest(""));
    assert_null(nearest("string")); /* no suggestion for itself */
}

static void map_keeps_the_first(void **state)
{
    (void)state;
    shmrpci_arena arena;
    shmrpci_arena_init(&arena, 0);
    idl_memory memory = {.arena = &arena};
    idl_map map = {.count = 0};
    int values[1000];
    assert_null(idl_map_get(&map, "absent"));
    for (int i = 0; i < 1000; i++) {
        values[i] = i;
        assert_null(idl_map_put(&map, &memory, idl_printf(&memory, "n%d", i),
                                &values[i]));
    }
    assert_ptr_equal(idl_map_put(&map, &memory, "n7", &values[0]), &values[7]);
    for (int i = 0; i < 1000; i++) {
        assert_ptr_equal(idl_map_get(&map, idl_printf(&memory, "n%d", i)),
                         &values[i]);
    }
    assert_null(idl_map_get(&map, "n1000"));
    shmrpci_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near_names_are_found),
        cmocka_unit_test(far_names_are_not),
        cmocka_unit_test(map_keeps_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

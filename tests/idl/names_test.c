/* Tests the map from names to objects. */
#include "idl/names.h"
#include "load.h"

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
        cmocka_unit_test(map_keeps_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

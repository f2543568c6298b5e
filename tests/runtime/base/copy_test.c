/* Short copies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/copy.h"

enum { MOST = 80, FENCE = 0xEE };

/* Uses memory of exactly the copied size, so that a sanitizer notices an
 * overrun. */
static void copies_every_length_and_no_more(void **state)
{
    (void)state;
    for (size_t len = 0; len <= MOST; len++) {
        uint8_t *from = malloc(len + 1);
        uint8_t *to = malloc(len + 1);
        assert_true(from != NULL && to != NULL);
        for (size_t i = 0; i < len; i++) {
            from[i + 1] = (uint8_t)(i + len);
        }
        to[0] = FENCE;
        shmrpci_copy_short(to + 1, from + 1, len);
        assert_int_equal(to[0], FENCE);
        for (size_t i = 0; i < len; i++) {
            assert_int_equal(to[i + 1], (uint8_t)(i + len));
        }
        free(from);
        free(to);
    }
}

static void leaves_what_lies_behind(void **state)
{
    (void)state;
    for (size_t len = 0; len <= MOST; len++) {
        uint8_t from[MOST] = {0};
        uint8_t to[MOST + 1];
        memset(to, FENCE, sizeof to);
        shmrpci_copy_short(to, from, len);
        for (size_t i = 0; i < sizeof to; i++) {
            assert_int_equal(to[i], i < len ? 0 : FENCE);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_every_length_and_no_more),
        cmocka_unit_test(leaves_what_lies_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The newest lines in a ring, compared with a plain list of all lines. */
#include "tools/shmrpcd/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char text[MGR_LINE_BYTES];

/* Returns the length of line `number`. */
static size_t len_of(uint64_t number, size_t most)
{
    return (size_t)((number * 2654435761u) % (most + 1));
}

static void add(mgr_ring *ring, uint64_t number, size_t most)
{
    size_t len = len_of(number, most);
    memset(text, 'a' + (int)(number % 26), len);
    const mgr_line line = {.unix_ms = (int64_t)number,
                           .level = (mgr_level)(number % 6),
                           .origin = (mgr_origin)(number % 3),
                           .truncated = number % 7 == 0,
                           .thread = (int32_t)(number % 5),
                           .call = number * 3,
                           .service = number % 2 == 0 ? "Echo" : NULL,
                           .text = text,
                           .len = len};
    mgr_ring_add(ring, &line);
}

static void check(const mgr_ring *ring, uint64_t next, size_t most)
{
    mgr_line line;
    mgr_ring_at at = mgr_ring_first(ring);
    uint64_t number = at.number;
    size_t bytes = 0;
    while (mgr_ring_next(ring, &at, &line)) {
        assert_int_equal(line.unix_ms, number);
        assert_int_equal(line.level, number % 6);
        assert_int_equal(line.origin, number % 3);
        assert_int_equal(line.truncated, number % 7 == 0);
        assert_int_equal(line.thread, number % 5);
        assert_true(line.call == number * 3);
        assert_int_equal(line.service != NULL, number % 2 == 0);
        assert_true(line.service == NULL || strcmp(line.service, "Echo") == 0);
        assert_int_equal(line.len, len_of(number, most));
        for (size_t i = 0; i < line.len; i += 97) {
            assert_int_equal(line.text[i], 'a' + (int)(number % 26));
        }
        bytes += line.len;
        number++;
        assert_int_equal(at.number, number);
    }
    assert_int_equal(number, next);
    assert_true(bytes <= MGR_RING_BYTES);
}

static void newest_lines_are_kept(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 8, 100, 5000, MGR_LINE_BYTES};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        mgr_ring ring = {.bytes = NULL};
        uint64_t count = sizes[i] < 100 ? 150000 : 20000;
        check(&ring, 0, sizes[i]);
        for (uint64_t number = 0; number < count; number++) {
            add(&ring, number, sizes[i]);
            if (number < 3 || number % 9973 == 0) {
                check(&ring, number + 1, sizes[i]);
            }
        }
        check(&ring, count, sizes[i]);
        /* The lines in the ring fill more than half of its room. */
        assert_true((ring.next - ring.first) * (sizes[i] / 2 + 40) >
                    MGR_RING_BYTES / 2);
        mgr_ring_fini(&ring);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(newest_lines_are_kept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

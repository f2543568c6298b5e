/* A ring of records: order, wrapping at the end, full rings, invalid
 * records. */
#include "stage.h"

#include <stdlib.h>
#include <string.h>

#include "ring/lane.h"

#define RING 4096u

typedef struct scene {
    void *memory;
    shmrpci_lane lane;
    shmrpci_lane_writer writer;
    shmrpci_buf buf;
    shmrpci_atomic_u64 known;
} scene;

static int begin(void **state)
{
    static const shmrpci_lane_shape shape = {.ring_bytes = RING};
    scene *of = calloc(1, sizeof *of);
    size_t bytes = shmrpci_lane_bytes(&shape);
    of->memory = aligned_alloc(128, bytes);
    memset(of->memory, 0, bytes);
    of->lane = shmrpci_lane_at(of->memory, &shape);
    assert_int_equal(shmrpci_lane_adopt(&of->writer, &of->lane, 100),
                     SHMRPC_OK);
    shmrpci_buf_init_heap(&of->buf);
    *state = of;
    return 0;
}

static int end(void **state)
{
    scene *of = *state;
    shmrpci_buf_fini(&of->buf);
    free(of->memory);
    free(of);
    return 0;
}

static bool push(scene *of, uint64_t number, uint32_t len)
{
    void *at = shmrpci_lane_reserve(&of->writer, len);
    if (at == NULL) {
        return false;
    }
    stage_fill(at, len, number);
    shmrpci_lane_publish(&of->writer, len, 0);
    return true;
}

static shmrpc_status look(scene *of, uint32_t max, shmrpci_item *items,
                          shmrpci_lane_look *out)
{
    shmrpci_buf_reset(&of->buf);
    return shmrpci_lane_look_at(&of->lane, &of->known, max, &of->buf, items,
                                out);
}

static void pop(scene *of, uint64_t number, uint32_t len)
{
    shmrpci_item item;
    shmrpci_lane_look seen;
    uint64_t is;
    assert_int_equal(look(of, 1, &item, &seen), SHMRPC_OK);
    assert_int_equal(item.len, len);
    assert_true(stage_is_whole(of->buf.data + item.at, item.len, &is));
    assert_int_equal(is, number);
    assert_true(shmrpci_lane_take(&of->lane, &seen, 0));
}

static void records_come_out_as_they_went_in(void **state)
{
    scene *of = *state;
    uint64_t pushed = 0;
    uint64_t popped = 0;
    while (popped < 20000) {
        uint32_t len = stage_length(pushed, RING / 2 - 8);
        if (push(of, pushed, len)) {
            pushed++;
        } else {
            pop(of, popped, stage_length(popped, RING / 2 - 8));
            popped++;
        }
    }
}

static void the_longest_record_fits_wherever_it_begins(void **state)
{
    scene *of = *state;
    uint32_t longest = (uint32_t)shmrpci_lane_max_len(RING);
    for (uint64_t i = 0; i < RING / 8; i++) {
        assert_true(push(of, 2 * i, 8));
        pop(of, 2 * i, 8);
        assert_true(push(of, 2 * i + 1, longest));
        pop(of, 2 * i + 1, longest);
    }
}

static void no_more_than_the_limit_lie_in_it(void **state)
{
    scene *of = *state;
    assert_int_equal(shmrpci_lane_adopt(&of->writer, &of->lane, 3), SHMRPC_OK);
    for (uint64_t i = 0; i < 1000; i++) {
        assert_int_equal(push(of, i, 8), i < 3);
        if (i >= 3) {
            pop(of, i - 3, 8);
            assert_true(push(of, i, 8));
            assert_false(push(of, i, 8));
        }
    }
}

static void several_are_taken_at_once(void **state)
{
    scene *of = *state;
    shmrpci_item items[8];
    shmrpci_lane_look seen;
    uint64_t number;
    for (uint64_t i = 0; i < 1000; i++) {
        assert_true(push(of, 3 * i, 700));
        assert_true(push(of, 3 * i + 1, 8));
        assert_true(push(of, 3 * i + 2, 300));
        assert_int_equal(look(of, 8, items, &seen), SHMRPC_OK);
        assert_int_equal(seen.count, 3);
        for (uint32_t j = 0; j < 3; j++) {
            assert_int_equal(items[j].at % 16, 0);
            assert_true(stage_is_whole(of->buf.data + items[j].at, items[j].len,
                                       &number));
            assert_int_equal(number, 3 * i + j);
        }
        assert_true(shmrpci_lane_take(&of->lane, &seen, 0));
    }
    assert_int_equal(look(of, 8, items, &seen), SHMRPC_E_NOT_FOUND);
}

static void who_comes_second_gets_nothing(void **state)
{
    scene *of = *state;
    shmrpci_item items[2];
    shmrpci_lane_look first;
    shmrpci_lane_look second;
    assert_true(push(of, 1, 8));
    assert_true(push(of, 2, 8));
    assert_int_equal(look(of, 1, items, &first), SHMRPC_OK);
    assert_int_equal(look(of, 2, items, &second), SHMRPC_OK);
    assert_true(shmrpci_lane_take(&of->lane, &first, 7));
    assert_false(shmrpci_lane_take(&of->lane, &second, 8));
    assert_int_equal(shmrpci_head_taker(of->lane.words->head), 7);
    assert_true(shmrpci_lane_find_oldest(&of->lane, &second));
    assert_true(shmrpci_lane_take(&of->lane, &second, 0));
    assert_false(shmrpci_lane_find_oldest(&of->lane, &second));
}

static void a_new_producer_goes_on_where_the_last_one_ended(void **state)
{
    scene *of = *state;
    for (uint64_t i = 0; i < 500; i++) {
        of->writer.limit = 3;
        assert_true(push(of, 2 * i, stage_length(i, 900)));
        assert_true(push(of, 2 * i + 1, 8));
        /* The producer died before it published, so what it wrote has no
         * effect. */
        void *at = shmrpci_lane_reserve(&of->writer, 500);
        memset(at, 0xFF, 500);
        if (i % 2 == 0) {
            of->lane.words->count++;
        }
        assert_int_equal(shmrpci_lane_adopt(&of->writer, &of->lane, 2),
                         SHMRPC_OK);
        assert_int_equal(of->writer.count, 2 * i + 2);
        assert_false(push(of, 0, 8));
        pop(of, 2 * i, stage_length(i, 900));
        pop(of, 2 * i + 1, 8);
    }
}

static void depth_counts_what_is_there(void **state)
{
    scene *of = *state;
    uint64_t records;
    uint64_t bytes;
    for (uint64_t i = 0; i < 10; i++) {
        shmrpci_lane_depth(&of->lane, &records, &bytes);
        assert_int_equal(records, i);
        assert_int_equal(bytes, i * 24);
        assert_true(push(of, i, 12));
    }
}

/* ---- invalid records ----------------------------------------------------- */

static shmrpc_status with_word(scene *of, uint64_t word)
{
    shmrpci_item item;
    shmrpci_lane_look seen;
    uint64_t head = of->lane.words->head * 8;
    atomic_store(shmrpci_lane_record(&of->lane, head), word);
    return look(of, 1, &item, &seen);
}

static void what_is_no_record_is_data_loss(void **state)
{
    scene *of = *state;
    const uint32_t data = SHMRPCI_RECORD_DATA;
    const uint32_t pad = SHMRPCI_RECORD_PAD;
    assert_true(push(of, 1, 100));
    uint64_t good = shmrpci_record_word(100, data, 0, 0);
    assert_int_equal(with_word(of, good), SHMRPC_OK);
    assert_int_equal(with_word(of, 0), SHMRPC_E_DATA_LOSS);
    assert_int_equal(with_word(of, shmrpci_record_word(105, data, 0, 0)),
                     SHMRPC_E_DATA_LOSS);
    assert_int_equal(with_word(of, shmrpci_record_word(UINT32_MAX, data, 0, 0)),
                     SHMRPC_E_DATA_LOSS);
    assert_int_equal(with_word(of, shmrpci_record_word(100, 7, 0, 0)),
                     SHMRPC_E_DATA_LOSS);
    assert_int_equal(with_word(of, shmrpci_record_word(100, pad, 0, 0)),
                     SHMRPC_E_DATA_LOSS);
    assert_int_equal(with_word(of, shmrpci_record_word(40, pad, 0, 0)),
                     SHMRPC_E_DATA_LOSS);
    assert_int_equal(with_word(of, good), SHMRPC_OK);
}

static void ends_that_contradict_each_other_are_data_loss(void **state)
{
    scene *of = *state;
    shmrpci_item item;
    shmrpci_lane_look seen;
    assert_true(push(of, 1, 100));
    of->lane.words->tail += RING;
    assert_int_equal(look(of, 1, &item, &seen), SHMRPC_E_DATA_LOSS);
    assert_int_equal(shmrpci_lane_adopt(&of->writer, &of->lane, 1),
                     SHMRPC_E_DATA_LOSS);
    of->lane.words->tail -= RING - 4;
    assert_int_equal(look(of, 1, &item, &seen), SHMRPC_E_DATA_LOSS);
    of->lane.words->tail -= 4;
    of->lane.words->head = 1000;
    assert_int_equal(look(of, 1, &item, &seen), SHMRPC_E_DATA_LOSS);
    of->lane.words->head = 0;
    assert_int_equal(look(of, 1, &item, &seen), SHMRPC_OK);
}

static void a_buffer_that_is_full_takes_nothing(void **state)
{
    scene *of = *state;
    uint8_t room[150];
    shmrpci_buf small;
    shmrpci_item items[2];
    shmrpci_lane_look seen;
    shmrpci_buf_init_fixed(&small, room, sizeof room);
    assert_true(push(of, 1, 100));
    assert_true(push(of, 2, 100));
    assert_int_equal(
        shmrpci_lane_look_at(&of->lane, &of->known, 2, &small, items, &seen),
        SHMRPC_OK);
    assert_int_equal(seen.count, 1);
    assert_int_equal(
        shmrpci_lane_look_at(&of->lane, &of->known, 2, &small, items, &seen),
        SHMRPC_E_TOO_LARGE);
    assert_int_equal(small.len, 100);
    assert_int_equal(small.status, SHMRPC_OK);
}

int main(void)
{
#define LANE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        LANE_TEST(records_come_out_as_they_went_in),
        LANE_TEST(the_longest_record_fits_wherever_it_begins),
        LANE_TEST(no_more_than_the_limit_lie_in_it),
        LANE_TEST(several_are_taken_at_once),
        LANE_TEST(who_comes_second_gets_nothing),
        LANE_TEST(a_new_producer_goes_on_where_the_last_one_ended),
        LANE_TEST(depth_counts_what_is_there),
        LANE_TEST(what_is_no_record_is_data_loss),
        LANE_TEST(ends_that_contradict_each_other_are_data_loss),
        LANE_TEST(a_buffer_that_is_full_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

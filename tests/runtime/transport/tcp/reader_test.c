/* Reads frames from bytes that arrive in pieces of any size. */
#include "transport/tcp/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "transport/tcp/limits.h"

/* Appends each frame's type, length and body checksum to a buffer. */
static tcp_end note_frame(void *user, const tcp_head *head, tcp_body *body)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < body->len; i++) {
        sum = sum * 31 + body->data[i];
    }
    shmrpci_buf_printf(user, "%u %zu %u;", head->type, body->len, sum);
    return TCP_END_NONE;
}

static void append_frame(shmrpci_buf *out, size_t len, uint8_t seed)
{
    tcp_head head = {
        .type = TCP_REQUEST, .method = 1, .call = seed, .len = (uint32_t)len};
    tcp_head_put(&head, shmrpci_buf_extend(out, TCP_HEAD_BYTES));
    for (size_t i = 0; i < len; i++) {
        shmrpci_buf_append_char(out, (char)(uint8_t)(i * 7 + seed));
    }
}

/* Reads the stream in steps, with `spare_bytes` of memory kept from earlier
 * bodies. */
static void read_in_steps(const shmrpci_buf *stream, size_t step,
                          size_t spare_bytes, shmrpci_buf *notes)
{
    tcp_reader reader;
    tcp_spare spare = {.data = NULL};
    tcp_reader_init(&reader, TCP_FROM_CLIENT, (uint32_t)1 << 20);
    tcp_spare_keep(&spare, malloc(spare_bytes + 1), spare_bytes);
    tcp_reader_lend(&reader, &spare);
    assert_null(spare.data);
    for (size_t at = 0; at < stream->len;) {
        size_t left = stream->len - at;
        size_t room = 0;
        size_t len = step < left ? step : left;
        uint8_t *space = tcp_reader_space(&reader, len, &room);
        tcp_end end;
        if (space != NULL) {
            len = len < room ? len : room;
            memcpy(space, stream->data + at, len);
            end = tcp_reader_filled(&reader, len, note_frame, notes);
        } else {
            end = tcp_reader_feed(&reader, stream->data + at, len, note_frame,
                                  notes);
        }
        assert_int_equal(end, TCP_END_NONE);
        at += len;
    }
    assert_false(tcp_reader_is_midway(&reader));
    tcp_reader_fini(&reader);
}

static void frames_are_the_same_however_they_arrive(void **state)
{
    (void)state;
    static const size_t lens[] = {0,      1, 23, 24,     25, 5000, 0, 0,
                                  200000, 3, 0,  300000, 7,  0,    9};
    static const size_t steps[] = {SIZE_MAX, 1,    2,     7,     24,
                                   25,       1000, 40000, 120000};
    shmrpci_buf stream;
    shmrpci_buf expected;
    shmrpci_buf_init_heap(&stream);
    shmrpci_buf_init_heap(&expected);
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        append_frame(&stream, lens[i], (uint8_t)i);
    }
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        shmrpci_buf notes;
        shmrpci_buf_init_heap(&notes);
        read_in_steps(&stream, steps[i], i > 2 ? (size_t)1 << 20 : 0, &notes);
        if (i == 0) {
            shmrpci_buf_append(&expected, notes.data, notes.len);
        }
        assert_string_equal(shmrpci_buf_text(&notes),
                            shmrpci_buf_text(&expected));
        shmrpci_buf_fini(&notes);
    }
    shmrpci_buf_fini(&expected);
    shmrpci_buf_fini(&stream);
}

static void memory_grows_with_what_arrives(void **state)
{
    (void)state;
    uint8_t bytes[TCP_HEAD_BYTES + 1000] = {0};
    tcp_head head = {.type = TCP_REQUEST, .len = 1u << 30};
    tcp_reader reader;
    tcp_reader_init(&reader, TCP_FROM_CLIENT, 1u << 30);
    tcp_head_put(&head, bytes);
    assert_int_equal(
        tcp_reader_feed(&reader, bytes, sizeof bytes, note_frame, NULL),
        TCP_END_NONE);
    assert_true(reader.body_cap <= TCP_BODY_FIRST_BYTES);
    assert_true(tcp_reader_is_midway(&reader));
    tcp_reader_fini(&reader);
}

static void spare_memory_is_the_largest_within_bounds(void **state)
{
    (void)state;
    tcp_spare spare = {.data = NULL};
    uint8_t *large = malloc(2000);
    tcp_spare_keep(&spare, malloc(1000), 1000);
    tcp_spare_keep(&spare, large, 2000);
    tcp_spare_keep(&spare, malloc(500), 500);
    tcp_spare_keep(&spare, malloc(TCP_SPARE_BYTES + 1), TCP_SPARE_BYTES + 1);
    assert_ptr_equal(spare.data, large);
    assert_int_equal(spare.cap, 2000);
    free(spare.data);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_the_same_however_they_arrive),
        cmocka_unit_test(memory_grows_with_what_arrives),
        cmocka_unit_test(spare_memory_is_the_largest_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

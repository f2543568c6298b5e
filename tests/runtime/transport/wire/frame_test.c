/* Tests the layouts of docs/protocol.md: its test vectors, and which bytes are
 * refused. */
#include "transport/wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "transport/transport.h"

/* ---- the specification ------------------------------------------------ */

typedef struct vector {
    uint8_t bytes[512];
    size_t len;
} vector;

static void read_hex(FILE *file, vector *out)
{
    char line[256];
    while (fgets(line, sizeof line, file) != NULL && line[0] != '`') {
        char *at = line;
        for (char *end = at;; at = end) {
            unsigned long byte = strtoul(at, &end, 16);
            if (end == at) {
                break;
            }
            assert_true(byte <= 0xff && out->len < sizeof out->bytes);
            out->bytes[out->len++] = (uint8_t)byte;
        }
    }
}

static vector vector_of(const char *name)
{
    char wanted[64];
    char line[256];
    vector out = {.len = 0};
    FILE *file = fopen(PROTOCOL_MD, "r");
    assert_non_null(file);
    (void)snprintf(wanted, sizeof wanted, "```vector %s\n", name);
    while (out.len == 0 && fgets(line, sizeof line, file) != NULL) {
        if (strcmp(line, wanted) == 0) {
            read_hex(file, &out);
        }
    }
    (void)fclose(file);
    if (out.len == 0) {
        fail_msg("docs/protocol.md has no vector %s", name);
    }
    return out;
}

static void expect_vector(const char *name, const uint8_t *bytes, size_t len)
{
    vector spec = vector_of(name);
    assert_int_equal(len, spec.len);
    assert_memory_equal(bytes, spec.bytes, len);
}

/* Writes a frame, compares it with the vector, and reads the vector. */
static void expect_frame(const char *name, tcp_side from, tcp_head head,
                         const void *body, size_t len)
{
    uint8_t bytes[512];
    tcp_head read;
    head.len = (uint32_t)len;
    tcp_head_put(&head, bytes);
    if (len > 0) {
        memcpy(bytes + TCP_HEAD_BYTES, body, len);
    }
    expect_vector(name, bytes, TCP_HEAD_BYTES + len);
    tcp_head_get(vector_of(name).bytes, &read);
    assert_int_equal(tcp_head_check(&read, from, 4096, TCP_FEATURES),
                     TCP_END_NONE);
    assert_int_equal(read.type, head.type);
    assert_int_equal(read.flags, head.flags);
    assert_int_equal(read.method, head.method);
    assert_int_equal(read.call, head.call);
    assert_int_equal(read.status, head.status);
    assert_int_equal(read.value, head.value);
}

static void openings_are_as_specified(void **state)
{
    (void)state;
    uint8_t bytes[TCP_OPENING_BYTES];
    tcp_opening opening = {.major = TCP_MAJOR, .minor = TCP_MINOR};
    tcp_opening read = {.major = 9};
    tcp_opening_put(&opening, bytes);
    expect_vector("opening", bytes, sizeof bytes);
    assert_int_equal(tcp_opening_get(bytes, sizeof bytes, &read), TCP_END_NONE);
    assert_int_equal(read.major, 1);
    assert_int_equal(read.minor, TCP_MINOR);
}

static void hello_and_welcome_are_as_specified(void **state)
{
    (void)state;
    /* "rpc1", 1.0, the hash, and the name of the client's service */
    static const uint8_t rpc[] = "rpc1\1\0\0\0\10\7\6\5\4\3\2\1\11demo.Echo";
    uint8_t body[64];
    tcp_terms read;
    tcp_terms asked = {.max_message = 65536};
    tcp_terms given = {.max_message = 4096, .credits = 64};
    tcp_terms_put(&asked, body);
    memcpy(body + TCP_HELLO_BYTES, rpc, 26);
    expect_frame("hello", TCP_FROM_CLIENT, (tcp_head){.type = TCP_HELLO}, body,
                 TCP_HELLO_BYTES + 26);
    assert_int_equal(tcp_terms_get(body, 42, TCP_FROM_CLIENT, &read),
                     TCP_END_NONE);
    assert_int_equal(read.max_message, 65536);
    tcp_terms_put(&given, body);
    memcpy(body + TCP_WELCOME_BYTES, rpc, 16);
    expect_frame("welcome", TCP_FROM_SERVER, (tcp_head){.type = TCP_WELCOME},
                 body, TCP_WELCOME_BYTES + 16);
    assert_int_equal(tcp_terms_get(body, 32, TCP_FROM_SERVER, &read),
                     TCP_END_NONE);
    assert_int_equal(read.max_message, 4096);
    assert_int_equal(read.credits, 64);
}

static void frames_are_as_specified(void **state)
{
    (void)state;
    expect_frame("request", TCP_FROM_CLIENT,
                 (tcp_head){.type = TCP_REQUEST,
                            .method = 2,
                            .call = 7,
                            .value = UINT64_C(1500000000)},
                 "hi", 2);
    expect_frame("reply", TCP_FROM_SERVER,
                 (tcp_head){.type = TCP_REPLY, .call = 7}, "hi", 2);
    expect_frame("cancel", TCP_FROM_CLIENT,
                 (tcp_head){.type = TCP_CANCEL, .call = 7}, NULL, 0);
    expect_frame("told", TCP_FROM_SERVER,
                 (tcp_head){.type = TCP_TOLD, .call = 7}, NULL, 0);
    expect_frame("ended", TCP_FROM_SERVER,
                 (tcp_head){.type = TCP_ENDED,
                            .flags = TCP_FLAG_NOT_RUN,
                            .call = 7,
                            .status = SHMRPC_E_CANCELLED},
                 NULL, 0);
    expect_frame("credit", TCP_FROM_SERVER,
                 (tcp_head){.type = TCP_CREDIT, .status = 16}, NULL, 0);
    expect_frame("ping", TCP_FROM_CLIENT,
                 (tcp_head){.type = TCP_PING, .value = 1}, NULL, 0);
    expect_frame("goaway", TCP_FROM_SERVER, (tcp_head){.type = TCP_GOAWAY},
                 NULL, 0);
}

static void frames_of_streams_are_as_specified(void **state)
{
    (void)state;
    uint8_t body[TCP_WINDOWS_BYTES + 2];
    const tcp_windows windows = {.in = 65536, .out = 4096};
    tcp_windows read;
    tcp_windows_put(&windows, body);
    memcpy(body + TCP_WINDOWS_BYTES, "hi", 2);
    expect_frame("request-streams", TCP_FROM_CLIENT,
                 (tcp_head){.type = TCP_REQUEST,
                            .flags = TCP_FLAG_STREAMS,
                            .method = 2,
                            .call = 7,
                            .value = UINT64_C(1500000000)},
                 body, sizeof body);
    assert_int_equal(tcp_windows_get(body, sizeof body, &read), TCP_END_NONE);
    assert_int_equal(read.in, windows.in);
    assert_int_equal(read.out, windows.out);
    expect_frame("item", TCP_FROM_SERVER,
                 (tcp_head){.type = TCP_ITEM, .call = 7, .value = 2}, "hi", 2);
    expect_frame(
        "piece", TCP_FROM_CLIENT,
        (tcp_head){
            .type = TCP_ITEM, .flags = TCP_FLAG_MORE, .call = 7, .value = 3},
        "hi", 2);
    expect_frame("end", TCP_FROM_SERVER,
                 (tcp_head){.type = TCP_STREAM_END, .call = 7}, NULL, 0);
    expect_frame("close", TCP_FROM_CLIENT,
                 (tcp_head){.type = TCP_STREAM_END,
                            .call = 7,
                            .status = SHMRPC_E_CANCELLED,
                            .value = TCP_END_CLOSES},
                 NULL, 0);
    expect_frame("window", TCP_FROM_CLIENT,
                 (tcp_head){.type = TCP_WINDOW, .call = 7, .value = 32768},
                 NULL, 0);
    expect_frame("waits", TCP_FROM_SERVER,
                 (tcp_head){.type = TCP_WINDOW,
                            .flags = TCP_FLAG_WAITS,
                            .call = 7,
                            .value = 65536},
                 NULL, 0);
}

/* Frames of features that are not in use are refused, as a 1.0 peer would do.
 */
static void features_are_only_for_those_that_have_them(void **state)
{
    (void)state;
    static const tcp_head heads[] = {
        {.type = TCP_REQUEST, .flags = TCP_FLAG_STREAMS},
        {.type = TCP_REQUEST, .flags = TCP_FLAG_METADATA},
        {.type = TCP_ITEM, .call = 1},
        {.type = TCP_STREAM_END, .call = 1},
        {.type = TCP_WINDOW, .value = 1},
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        uint32_t needed = heads[i].flags == TCP_FLAG_METADATA
                              ? TCP_FEATURE_METADATA
                              : TCP_FEATURE_STREAMS;
        assert_int_equal(
            tcp_head_check(&heads[i], TCP_FROM_CLIENT, 4096, needed),
            TCP_END_NONE);
        assert_int_equal(tcp_head_check(&heads[i], TCP_FROM_CLIENT, 4096,
                                        TCP_FEATURES & ~needed),
                         i < 2 ? TCP_END_FIELD : TCP_END_TYPE);
    }
}

/* ---- refusals ---------------------------------------------------------- */

static void other_protocols_are_known_by_their_first_byte(void **state)
{
    (void)state;
    static const char *const texts[] = {"GET / HTTP/1.1\r\n", "POST", "H",
                                        "\x16\x03\x01", "SSH-2.0"};
    tcp_opening opening;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(
            tcp_opening_get((const uint8_t *)texts[i], 1, &opening),
            TCP_END_MAGIC);
    }
    assert_int_equal(tcp_opening_get((const uint8_t *)"\xf3rpx", 4, &opening),
                     TCP_END_MAGIC);
}

static void each_byte_of_an_opening_counts(void **state)
{
    (void)state;
    vector good = vector_of("opening");
    for (size_t i = 0; i < TCP_OPENING_BYTES; i++) {
        tcp_opening opening;
        vector bad = good;
        bad.bytes[i] ^= 0x40;
        tcp_end end = tcp_opening_get(bad.bytes, TCP_OPENING_BYTES, &opening);
        tcp_end expected = i < 4    ? TCP_END_MAGIC
                           : i < 6  ? TCP_END_VERSION
                           : i < 8  ? TCP_END_NONE /* the minor version */
                           : i == 8 ? TCP_END_AUTH
                                    : TCP_END_OPENING;
        assert_int_equal(end, expected);
    }
}

static void fields_a_frame_has_not_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"hello",  "welcome", "request",
                                        "reply",  "cancel",  "told",
                                        "credit", "ping",    "goaway"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        tcp_head head;
        tcp_head_get(vector_of(names[i]).bytes, &head);
        bool is_client = head.type == TCP_HELLO || head.type == TCP_REQUEST ||
                         head.type == TCP_CANCEL || head.type == TCP_PING;
        tcp_side from = is_client ? TCP_FROM_CLIENT : TCP_FROM_SERVER;
        tcp_side other = is_client ? TCP_FROM_SERVER : TCP_FROM_CLIENT;
        assert_int_equal(tcp_head_check(&head, from, 4096, TCP_FEATURES),
                         TCP_END_NONE);
        assert_int_equal(tcp_head_check(&head, other, 4096, TCP_FEATURES),
                         head.type == TCP_PING ? TCP_END_NONE : TCP_END_TYPE);
        tcp_head bad = head;
        bad.flags |= head.type == TCP_REQUEST ? 2 : 0x80;
        assert_int_equal(tcp_head_check(&bad, from, 4096, TCP_FEATURES),
                         TCP_END_FIELD);
        bad = head;
        bad.len = UINT32_MAX;
        assert_int_equal(tcp_head_check(&bad, from, 4096, TCP_FEATURES),
                         TCP_END_LENGTH);
        if (head.type != TCP_REQUEST) {
            bad = head;
            bad.method = 1;
            assert_int_equal(tcp_head_check(&bad, from, 4096, TCP_FEATURES),
                             TCP_END_FIELD);
        }
    }
    tcp_head credit = {.type = TCP_CREDIT, .status = -1};
    assert_int_equal(tcp_head_check(&credit, TCP_FROM_SERVER, 1, TCP_FEATURES),
                     TCP_END_FIELD);
    tcp_head unknown = {.type = TCP_TYPE_COUNT};
    assert_int_equal(tcp_head_check(&unknown, TCP_FROM_SERVER, 1, TCP_FEATURES),
                     TCP_END_TYPE);
    unknown.type = 0;
    assert_int_equal(tcp_head_check(&unknown, TCP_FROM_CLIENT, 1, TCP_FEATURES),
                     TCP_END_TYPE);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(openings_are_as_specified),
        cmocka_unit_test(hello_and_welcome_are_as_specified),
        cmocka_unit_test(frames_are_as_specified),
        cmocka_unit_test(frames_of_streams_are_as_specified),
        cmocka_unit_test(features_are_only_for_those_that_have_them),
        cmocka_unit_test(other_protocols_are_known_by_their_first_byte),
        cmocka_unit_test(each_byte_of_an_opening_counts),
        cmocka_unit_test(fields_a_frame_has_not_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

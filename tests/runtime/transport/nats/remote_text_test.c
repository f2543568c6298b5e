/* The text that shared objects over NATS read and write: addresses, names,
 * JSON, the subjects of acknowledgements. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "transport/nats/remote_json.h"
#include "transport/nats/remote_place.h"
#include "transport/nats/remote_stream.h"

static nats_json json(const char *text)
{
    return (nats_json){text, strlen(text)};
}

static void an_address_has_servers_a_name_and_options(void **state)
{
    (void)state;
    nats_place place;
    shmrpc_error error;
    assert_int_equal(
        nats_place_parse("nats://a,nats://[::1]:77/acme.jobs?replicas=3&"
                         "creds=/x/y&storage=memory&ack_wait=5",
                         "other", true, &place, &error),
        SHMRPC_OK);
    assert_string_equal(place.servers, "a:4222,[::1]:77");
    assert_string_equal(place.name, "acme.jobs");
    assert_string_equal(place.creds_file, "/x/y");
    assert_int_equal(place.replicas, 3);
    assert_int_equal(place.ack_wait_s, 5);
    assert_false(place.is_in_file);
    /* If the address has no name, the declared name is used. */
    assert_int_equal(
        nats_place_parse("nats://a:1", "acme.tts.jobs", true, &place, &error),
        SHMRPC_OK);
    assert_string_equal(place.name, "acme.tts.jobs");
    assert_true(place.is_in_file);
}

static void a_bad_address_says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        const char *text;
    } bad[] = {
        {"nats://a", "name is missing"},
        {"nats://a,b/x", "nats://"},
        {"nats://a/x?replicas=6", "replicas"},
        {"nats://a/x?replicas=", "replicas"},
        {"nats://a/x?storage=tape", "storage"},
        {"nats://a/x?creds=a&creds=b", "each once"},
        {"nats://a/x?zone=b", "expected"},
    };
    nats_place place;
    shmrpc_error error;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(
            nats_place_parse(bad[i].address, NULL, true, &place, &error),
            SHMRPC_E_INVALID);
        assert_non_null(strstr(error.message, bad[i].text));
    }
}

static void names_stay_different(void **state)
{
    (void)state;
    static const char *const names[] = {"a.b", "a-b", "a=2Eb", "a..b", "a b",
                                        ".a",  "a.",  "a*",    "a>",   "a_b"};
    char subjects[10][NATS_PLACE_SUBJECT_BYTES];
    char streams[10][NATS_PLACE_SUBJECT_BYTES];
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(nats_place_subject(names[i], 't', subjects[i], NULL),
                         SHMRPC_OK);
        assert_int_equal(nats_place_stream(names[i], 't', streams[i], NULL),
                         SHMRPC_OK);
        assert_null(strpbrk(subjects[i], " *>"));
        assert_null(strpbrk(streams[i], " *>."));
        assert_null(strstr(subjects[i], ".."));
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(subjects[i], subjects[k]);
            assert_string_not_equal(streams[i], streams[k]);
        }
    }
    assert_string_equal(subjects[0], "shmrpc.t.a.b");
    assert_string_equal(streams[0], "shmrpc-t-a-b");
}

static void a_long_name_is_refused(void **state)
{
    (void)state;
    char name[256];
    char out[NATS_PLACE_SUBJECT_BYTES];
    memset(name, ' ', sizeof name - 1);
    name[255] = '\0';
    assert_int_equal(nats_place_subject(name, 'q', out, NULL),
                     SHMRPC_E_INVALID);
}

static void members_are_found_by_their_path(void **state)
{
    (void)state;
    char text[32];
    nats_json in = json(
        " {\"a\":[1,{\"b\":2}],\"state\":{\"x\":{},\"b\":17},"
        "\"t\":\"q\\u003cany\\u003e\\\"\"}");
    assert_int_equal(nats_json_uint(in, "state.b", 0), 17);
    assert_int_equal(nats_json_uint(in, "b", 5), 5);
    assert_int_equal(nats_json_uint(in, "t", 5), 5);
    assert_true(nats_json_text(in, "t", text, sizeof text));
    assert_string_equal(text, "q<any>\"");
    assert_false(nats_json_text(in, "t", text, 4));
    assert_false(nats_json_text(in, "state.b", text, sizeof text));
}

/* Parses every prefix of a text, each in memory of exactly its length. */
static void broken_json_has_no_members(void **state)
{
    (void)state;
    static const char whole[] = "{\"a\":{\"b\":\"\\u00",
                      deep[] =
                          "{\"a\":[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]"
                          "]]],\"b\":1}",
                      large[] = "{\"b\":18446744073709551616}";
    char out[8];
    for (size_t len = 0; len < sizeof whole; len++) {
        char *copy = test_malloc(len + 1);
        memcpy(copy, whole, len);
        assert_false(
            nats_json_text((nats_json){copy, len}, "a.b", out, sizeof out));
        test_free(copy);
    }
    assert_int_equal(nats_json_uint(json(deep), "b", 9), 9);
    assert_int_equal(nats_json_uint(json(large), "b", 9), 9);
}

static void an_acknowledgement_says_what_was_delivered(void **state)
{
    (void)state;
    nats_delivery got;
    assert_true(nats_delivery_of("$JS.ACK.s.c.2.30.4.1795552213.0", &got));
    assert_true(got.times == 2 && got.number == 30 && got.order == 4);
    assert_true(nats_delivery_of("$JS.ACK.d.h.s.c.2.30.4.1795552213.0", &got));
    assert_true(nats_delivery_of("$JS.ACK.d.h.s.c.2.30.4.1795.0.r", &got));
    assert_true(got.times == 2 && got.number == 30 && got.order == 4);
    /* Nobody can make us publish elsewhere. */
    assert_false(nats_delivery_of("victim.s.c.2.30.4.1795552213.0.x", &got));
    assert_false(nats_delivery_of("$JS.ACK.s.c.-2.30.4.1795552213.0", &got));
    assert_false(nats_delivery_of("$JS.ACK.s.c.2.30.4.0", &got));
    assert_false(nats_delivery_of(NULL, &got));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_has_servers_a_name_and_options),
        cmocka_unit_test(a_bad_address_says_what_is_wrong),
        cmocka_unit_test(names_stay_different),
        cmocka_unit_test(a_long_name_is_refused),
        cmocka_unit_test(members_are_found_by_their_path),
        cmocka_unit_test(broken_json_has_no_members),
        cmocka_unit_test(an_acknowledgement_says_what_was_delivered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Address lists: which lists are accepted and which are refused, and the error
 * messages. */
#include "rpc/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const shmrpc_service service = {
    .name = "echo_serv", .id = "demo.Echo", .port = 5555};

static shmrpci_place_list list;
static shmrpc_error error;

static const shmrpci_address *parse_one(const char *text)
{
    assert_int_equal(shmrpci_places_parse(text, &service, &list, &error), 0);
    assert_int_equal(list.count, 1);
    return &list.items[0].address;
}

static void expect_refused(const char *text, const char *what)
{
    if (shmrpci_places_parse(text, &service, &list, &error) !=
        SHMRPC_E_INVALID) {
        fail_msg("\"%s\" was accepted", text);
    }
    if (strstr(error.message, what) == NULL) {
        fail_msg("\"%s\": \"%s\" says nothing of \"%s\"", text, error.message,
                 what);
    }
}

static void nothing_means_the_service_by_shm(void **state)
{
    (void)state;
    static const char *const texts[] = {NULL, "", "  ", "shm://"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(shmrpci_places_parse(texts[i], &service, &list, NULL),
                         0);
        assert_int_equal(list.count, 1);
        assert_string_equal(list.items[0].text, "shm://");
        assert_string_equal(list.items[0].address.name, "echo_serv");
        assert_string_equal(list.items[0].address.instance, "");
        assert_int_equal(list.items[0].address.port, 5555);
    }
}

static void name_and_instance_are_read(void **state)
{
    (void)state;
    const shmrpci_address *a = parse_one("inproc://other.name_1@two-b");
    assert_ptr_equal(a->transport, shmrpci_transport_of("inproc", 6));
    assert_string_equal(a->name, "other.name_1");
    assert_string_equal(a->instance, "two-b");
    a = parse_one("inproc://@two");
    assert_string_equal(a->name, "echo_serv");
    assert_string_equal(a->instance, "two");
}

static void names_of_63_bytes_fit(void **state)
{
    (void)state;
    char text[80] = "inproc://";
    memset(text + 9, 'n', 63);
    assert_int_equal(strlen(parse_one(text)->name), 63);
    text[9 + 63] = 'n';
    expect_refused(text, "too long (64 bytes, allowed 63)");
}

static void lists_keep_their_order(void **state)
{
    (void)state;
    assert_int_equal(shmrpci_places_parse(" inproc://a , shm://b,inproc://@c",
                                          &service, &list, NULL),
                     0);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.items[0].text, "inproc://a");
    assert_string_equal(list.items[1].address.name, "b");
    assert_string_equal(list.items[2].address.instance, "c");
    expect_refused(
        "shm://,shm://,shm://,shm://,shm://,shm://,shm://,shm://,"
        "shm://",
        "more than 8");
}

static void hosts_ports_and_paths_are_read(void **state)
{
    (void)state;
    const shmrpci_address *a = parse_one("tcp://example.org:7000");
    assert_ptr_equal(a->transport, shmrpci_transport_of("tcp", 3));
    assert_string_equal(a->host, "example.org");
    assert_int_equal(a->port, 7000);
    assert_int_equal(parse_one("tcp://example.org")->port, 5555);
    assert_string_equal(parse_one("tcp://[::1]:80")->host, "::1");
    assert_int_equal(parse_one("tcp://[::1]:80")->port, 80);
    assert_string_equal(parse_one("tcp://")->host, "");
    assert_int_equal(parse_one("tcp://")->port, 5555);
    assert_int_equal(parse_one("tcp://:0")->port, 0);
    assert_string_equal(parse_one("tcp://h:1?key=/a=b?")->key_file, "/a=b?");
    assert_int_equal(parse_one("tcp://h:1?key=k")->port, 1);
    assert_string_equal(parse_one("tcp://?key=k")->host, "");
    const shmrpci_address *tls = parse_one("tls://h:2?ca=/a&cert=/b&key=/c");
    assert_ptr_equal(tls->transport, &shmrpci_transport_tls);
    assert_int_equal(tls->port, 2);
    assert_string_equal(tls->ca_file, "/a");
    assert_string_equal(tls->cert_file, "/b");
    assert_string_equal(tls->key_file, "/c");
    assert_string_equal(parse_one("tcp://h")->key_file, "");
    assert_string_equal(parse_one("unix:///run/x.sock")->host, "/run/x.sock");
    assert_string_equal(parse_one("unix:///x?token=/t")->host, "/x");
    assert_string_equal(parse_one("unix:///x?token=/t")->token_file, "/t");
    assert_string_equal(parse_one("tcp://h?key=/k&token=/t")->token_file, "/t");
    assert_string_equal(parse_one("shm://a@b?token=/t")->token_file, "/t");
    assert_string_equal(parse_one("shm://a@b?token=/t")->instance, "b");
}

static void mistakes_are_told_with_what_was_expected(void **state)
{
    (void)state;
    expect_refused("echo", "\"echo\": expected shm://");
    expect_refused("shm:/echo", "expected shm://");
    expect_refused("http://x", "no transport is called \"http\"");
    expect_refused("SHM://x", "\"SHM\"");
    expect_refused("shm://,", "empty");
    expect_refused(",shm://", "empty");
    expect_refused("shm://a b", "\"a b\" is not a valid service name");
    expect_refused("shm://a/b", "\"a/b\" is not a valid service name");
    expect_refused("shm://..", "\"..\" is not a valid service name");
    expect_refused("shm://a@", "\"\" is not a valid instance");
    expect_refused("shm://a@b@c", "\"b@c\" is not a valid instance");
    expect_refused("tcp://h:", "\"\" is not a port");
    expect_refused("tcp://h:65536", "\"65536\" is not a port");
    expect_refused("tcp://h:1x", "\"1x\" is not a port");
    expect_refused("tcp://[::1", "expected [address]:port");
    expect_refused("tcp://[::1]x", "expected [address]:port");
    expect_refused("tcp://h?", "expected key=FILE");
    expect_refused("tcp://h?key", "expected key=FILE");
    expect_refused("tcp://h?cert=f", "expected key=FILE");
    expect_refused("tls://h?ca=f&", "cert=FILE, ca=FILE or token=FILE");
    expect_refused("tls://h?ca=f&ca=g", "the ca's path is there twice");
    expect_refused("tcp://h?key=", "expected key=FILE");
    expect_refused("tcp://h?kex=f", "expected key=FILE");
    expect_refused("shm://?key=f", "expected token=FILE");
    expect_refused("unix:///x?token=", "expected token=FILE");
    expect_refused("inproc://a?token=f&token=g", "token's path is there twice");
    expect_refused("unix://x", "a path from the root");
    expect_refused("unix://", "path is missing");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_means_the_service_by_shm),
        cmocka_unit_test(name_and_instance_are_read),
        cmocka_unit_test(names_of_63_bytes_fit),
        cmocka_unit_test(lists_keep_their_order),
        cmocka_unit_test(hosts_ports_and_paths_are_read),
        cmocka_unit_test(mistakes_are_told_with_what_was_expected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

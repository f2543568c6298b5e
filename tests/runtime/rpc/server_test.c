/* The life of a server, and its answers to clients that are not stubs. */
#include "sample.h"

#include <unistd.h>

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "rpc/address.h"
#include "rpc/envelope.h"
#include "rpc/server.h"
#include "transport/transport.h"

static int serve(shmrpc_server *server, const shmrpc_service *service,
                 shmrpc_error *error)
{
    return shmrpc_stub_serve(server, service, sample_handlers,
                             &sample_implementation,
                             sizeof sample_implementation, NULL, error);
}

static void options_out_of_range_are_INVALID(void **state)
{
    (void)state;
    shmrpc_server *server = NULL;
    shmrpc_error error;
    shmrpc_server_opts opts = {.workers = 65};
    assert_int_equal(shmrpc_server_create(&opts, &server, &error),
                     SHMRPC_E_INVALID);
    assert_non_null(strstr(error.message, "65"));
    opts = (shmrpc_server_opts){.profile = (shmrpc_profile)7};
    assert_int_equal(shmrpc_server_create(&opts, &server, &error),
                     SHMRPC_E_INVALID);
    opts = (shmrpc_server_opts){.allowed_uid_count = 1};
    assert_int_equal(shmrpc_server_create(&opts, &server, &error),
                     SHMRPC_E_INVALID);
    assert_null(server);
}

static void nobody_is_not_to_be_allowed(void **state)
{
    (void)state;
    static const uint32_t uids[] = {1, 65534};
    const shmrpc_method_access access = {
        .method = "add", .uids = uids, .uid_count = 2};
    const shmrpc_server_opts opts[] = {
        {.allowed_uids = uids, .allowed_uid_count = 2},
        {.method_access = &access, .method_access_count = 1},
    };
    if (getuid() == 65534) {
        skip();
    }
    for (size_t i = 0; i < sizeof opts / sizeof *opts; i++) {
        shmrpc_server *server = NULL;
        shmrpc_error error;
        assert_int_equal(shmrpc_server_create(&opts[i], &server, &error),
                         SHMRPC_E_INVALID);
        assert_non_null(strstr(error.message, "65534 (nobody)"));
    }
}

/* Runs in a child process: serves as another user. Returns its exit status. */
static int serve_as_nobody(void)
{
    static const char *const forms[] = {"shm://nobody@test",
                                        "unix://%s/nobody.sock"};
    if (setgid(65534) != 0 || setuid(65534) != 0) {
        return 1;
    }
    sample_folder_make();
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char where[128];
        sample_server s;
        (void)snprintf(where, sizeof where, forms[i], getenv("SHMRPC_DIR"));
        sample_start_at(&s, where, &sample_service, 1);
        shmrpc_client *client = sample_connect(&s);
        sample_add(client, 1, 2);
        shmrpc_stub_close(client);
        sample_stop(&s);
    }
    sample_folder_remove();
    return 0;
}

static void server_that_is_nobody_accepts_itself(void **state)
{
    (void)state;
    int status = -1;
    if (getuid() != 0) {
        print_message("only root can become another user\n");
        skip();
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)setenv("CMOCKA_TEST_ABORT", "1", 1);
        _exit(serve_as_nobody());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void run_of_nothing_is_PRECONDITION(void **state)
{
    (void)state;
    shmrpc_server *server = NULL;
    assert_int_equal(shmrpc_server_create(NULL, &server, NULL), 0);
    assert_int_equal(shmrpc_server_run(server, NULL), SHMRPC_E_PRECONDITION);
    shmrpc_server_destroy(server);
    shmrpc_server_destroy(NULL);
}

static void stop_before_run_ends_it_at_once(void **state)
{
    (void)state;
    char where[128];
    sample_address("inproc", where);
    for (int before_serve = 0; before_serve < 2; before_serve++) {
        shmrpc_server *server = NULL;
        shmrpc_server_opts opts = {.listen = where, .workers = 2};
        assert_int_equal(shmrpc_server_create(&opts, &server, NULL), 0);
        if (before_serve) {
            shmrpc_server_stop(server);
        }
        assert_int_equal(serve(server, &sample_service, NULL), 0);
        shmrpc_server_stop(server);
        assert_int_equal(shmrpc_server_run(server, NULL), 0);
        shmrpc_server_destroy(server);
    }
}

static shmrpc_server *signalled;

static void on_signal(int number)
{
    (void)number;
    shmrpc_server_stop(signalled);
}

static void run_signalled(void *user)
{
    *(int *)user = shmrpc_server_run(signalled, NULL);
}

static void signal_handler_may_stop_it(void **state)
{
    (void)state;
    char where[128];
    int status = -1;
    shmrpci_thread thread;
    sample_address("inproc", where);
    shmrpc_server_opts opts = {.listen = where, .workers = 1};
    assert_int_equal(shmrpc_server_create(&opts, &signalled, NULL), 0);
    assert_int_equal(serve(signalled, &sample_service, NULL), 0);
    assert_int_equal(
        shmrpci_thread_create(&thread, "server", run_signalled, &status), 0);
    void (*before)(int) = signal(SIGUSR1, on_signal);
    (void)raise(SIGUSR1);
    shmrpci_thread_join(&thread);
    assert_int_equal(status, 0);
    (void)signal(SIGUSR1, before);
    shmrpc_server_destroy(signalled);
}

static void second_server_at_an_address_is_EXISTS(void **state)
{
    (void)state;
    sample_server first;
    shmrpc_server *second = NULL;
    shmrpc_error error;
    sample_start(&first, "inproc", &sample_service, 1);
    shmrpc_server_opts opts = {.listen = first.where};
    assert_int_equal(shmrpc_server_create(&opts, &second, NULL), 0);
    assert_int_equal(serve(second, &sample_service, &error), SHMRPC_E_EXISTS);
    assert_non_null(strstr(error.message, "sample-"));
    assert_int_equal(shmrpc_server_run(second, NULL), SHMRPC_E_PRECONDITION);
    shmrpc_server_destroy(second);
    sample_stop(&first);
}

/* If one of several addresses is bad, nothing is left behind. */
static void failed_serve_listens_nowhere(void **state)
{
    (void)state;
    char where[300];
    char good[128];
    shmrpc_server *server = NULL;
    shmrpc_server *other = NULL;
    shmrpc_error error;
    sample_address("inproc", good);
    (void)snprintf(where, sizeof where, "%s,unix:///no/folder/x", good);
    shmrpc_server_opts opts = {.listen = where};
    assert_int_equal(shmrpc_server_create(&opts, &server, NULL), 0);
    assert_int_equal(serve(server, &sample_service, &error),
                     SHMRPC_E_NOT_FOUND);
    assert_non_null(strstr(error.message, "/no/folder"));
    opts.listen = good;
    assert_int_equal(shmrpc_server_create(&opts, &other, NULL), 0);
    assert_int_equal(serve(other, &sample_service, NULL), 0);
    shmrpc_server_destroy(other);
    shmrpc_server_destroy(server);
}

static void run_server(void *user)
{
    (void)shmrpc_server_run(user, NULL);
}

static void native_methods_need_force_at_tcp(void **state)
{
    (void)state;
    shmrpc_server *server = NULL;
    shmrpc_error error;
    shmrpc_server_opts opts = {.listen = "tcp://:0"};
    assert_int_equal(shmrpc_server_create(&opts, &server, NULL), 0);
    assert_int_equal(serve(server, &sample_service, &error),
                     SHMRPC_E_PRECONDITION);
    assert_non_null(strstr(error.message, "method add"));
    assert_non_null(strstr(error.message, "force_insecure_serialisation"));
    shmrpc_server_destroy(server);
    opts.force_insecure_serialisation = true;
    assert_int_equal(shmrpc_server_create(&opts, &server, NULL), 0);
    assert_int_equal(serve(server, &sample_service, &error), 0);
    assert_non_null(
        strstr(shmrpci_server_describe(server, 0), "tcp://127.0.0.1:"));
    shmrpc_server_destroy(server);
}

static void server_has_several_services_and_addresses(void **state)
{
    (void)state;
    char first[128];
    char second[128];
    char both[300];
    shmrpc_service other = sample_service;
    shmrpc_server *server = NULL;
    shmrpci_thread thread;
    other.port = 5998; /* another service at the same names */
    sample_address("inproc", first);
    sample_address("inproc", second);
    (void)snprintf(both, sizeof both, "%s,%s", first, second);
    shmrpc_server_opts opts = {.listen = both, .workers = 2};
    assert_int_equal(shmrpc_server_create(&opts, &server, NULL), 0);
    assert_int_equal(serve(server, &sample_service, NULL), 0);
    assert_int_equal(serve(server, &other, NULL), 0);
    assert_int_equal(
        shmrpci_thread_create(&thread, "server", run_server, server), 0);
    for (int i = 0; i < 4; i++) {
        shmrpc_client *client = NULL;
        assert_int_equal(shmrpc_stub_connect(
                             i % 2 == 0 ? &sample_service : &other,
                             i / 2 == 0 ? first : second, NULL, &client, NULL),
                         0);
        sample_add(client, i, 100);
        shmrpc_stub_close(client);
    }
    shmrpc_server_stop(server);
    shmrpci_thread_join(&thread);
    shmrpc_server_destroy(server);
}

/* ---- a client without a stub --------------------------------------------- */

typedef struct bare {
    sample_server server;
    const shmrpci_transport *transport;
    shmrpci_conn *conn;
} bare;

static int bare_connect(bare *b, const uint8_t *hello, size_t len,
                        shmrpci_buf *welcome, shmrpc_error *error)
{
    shmrpci_place_list places;
    assert_int_equal(
        shmrpci_places_parse(b->server.where, &sample_service, &places, NULL),
        0);
    shmrpci_connect_opts opts = {
        .deadline_ns = shmrpci_deadline_after(PATIENCE_NS),
        .max_message_bytes = (size_t)1 << 20,
        .hello = hello,
        .hello_len = len,
    };
    b->transport = places.items[0].address.transport;
    return b->transport->client->connect(&places.items[0].address, &opts,
                                         &b->conn, welcome, error);
}

static void bare_start(bare *b)
{
    uint8_t hello[300];
    shmrpci_buf out;
    shmrpci_buf welcome;
    *b = (bare){.conn = NULL};
    sample_start(&b->server, "inproc", &sample_service, 1);
    shmrpci_buf_init_fixed(&out, hello, sizeof hello);
    shmrpci_hello_write(sample_service.hash, "x", &out);
    shmrpci_buf_init_heap(&welcome);
    assert_int_equal(bare_connect(b, out.data, out.len, &welcome, NULL), 0);
    shmrpci_buf_fini(&welcome);
}

static void bare_stop(bare *b)
{
    b->transport->client->disconnect(b->conn);
    sample_stop(&b->server);
}

/* Makes a call. Returns its status, and its reply as text in `out`. */
static int bare_call(bare *b, uint32_t method, const char *body,
                     int64_t timeout_ns, char out[1000])
{
    shmrpci_call call = {0};
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    assert_int_equal(b->transport->client->reserve(b->conn, &call, 100, 100,
                                                   deadline_ns, NULL),
                     0);
    call.head = (shmrpci_head){.method = method, .timeout_ns = timeout_ns};
    shmrpci_buf_append_text(&call.out, body);
    assert_int_equal(b->transport->client->commit(&call), 0);
    assert_int_equal(b->transport->client->receive(&call, deadline_ns), 0);
    assert_true(call.in_len < 1000);
    memset(out, 0, 1000);
    if (call.in_len > 0) {
        memcpy(out, call.in, call.in_len);
    }
    int status = call.head.status;
    b->transport->client->release(&call);
    return status;
}

static void method_0_is_the_canonical_text(void **state)
{
    (void)state;
    bare b;
    char reply[1000];
    bare_start(&b);
    assert_int_equal(bare_call(&b, 0, "", PATIENCE_NS, reply), 0);
    const char *rest = reply;
    for (const char *const *at = sample_service.text; *at != NULL; at++) {
        assert_memory_equal(rest, *at, strlen(*at));
        rest += strlen(*at);
    }
    assert_string_equal(rest, "");
    bare_stop(&b);
}

static void method_behind_the_last_is_UNIMPLEMENTED(void **state)
{
    (void)state;
    bare b;
    char reply[1000];
    bare_start(&b);
    assert_int_equal(bare_call(&b, SAMPLE_METHODS + 1, "", PATIENCE_NS, reply),
                     SHMRPC_E_UNIMPLEMENTED);
    shmrpc_error error;
    assert_true(
        shmrpci_detail_read((const uint8_t *)reply, sizeof reply, &error) > 0);
    assert_non_null(strstr(error.message, "no method"));
    assert_int_equal(error.pid, getpid());
    assert_int_equal(
        bare_call(&b, SHMRPCI_METHOD_MAX - 1, "", PATIENCE_NS, reply),
        SHMRPC_E_UNIMPLEMENTED);
    bare_stop(&b);
}

static void malformed_request_is_INVALID_with_a_detail(void **state)
{
    (void)state;
    bare b;
    char reply[1000];
    shmrpc_error error;
    bare_start(&b);
    assert_int_equal(bare_call(&b, ECHO_JSON + 1, "[12]", PATIENCE_NS, reply),
                     SHMRPC_E_INVALID);
    assert_true(
        shmrpci_detail_read((const uint8_t *)reply, sizeof reply, &error) > 0);
    assert_string_equal(error.path, "text");
    assert_int_equal(
        bare_call(&b, ECHO_JSON + 1, "[\"ok\"]", PATIENCE_NS, reply), 0);
    assert_string_equal(reply, "\"ok\"");
    bare_stop(&b);
}

static void request_whose_time_is_up_does_not_run(void **state)
{
    (void)state;
    bare b;
    char reply[1000];
    bare_start(&b);
    assert_int_equal(bare_call(&b, NOTE + 1, "", 0, reply), SHMRPC_E_DEADLINE);
    assert_int_equal(b.server.state.noted, 0);
    bare_stop(&b);
}

static void hello_that_is_none_is_refused(void **state)
{
    (void)state;
    bare b = {.conn = NULL};
    shmrpci_buf welcome;
    shmrpc_error error;
    static const uint8_t http[] = "GET / HTTP/1.1\r\n\r\n";
    sample_start(&b.server, "inproc", &sample_service, 1);
    shmrpci_buf_init_heap(&welcome);
    assert_int_equal(bare_connect(&b, http, sizeof http, &welcome, &error),
                     SHMRPC_E_INVALID);
    assert_non_null(strstr(error.message, "protocol"));
    shmrpci_buf_fini(&welcome);
    sample_stop(&b.server);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_out_of_range_are_INVALID),
        cmocka_unit_test(nobody_is_not_to_be_allowed),
        cmocka_unit_test(server_that_is_nobody_accepts_itself),
        cmocka_unit_test(run_of_nothing_is_PRECONDITION),
        cmocka_unit_test(stop_before_run_ends_it_at_once),
        cmocka_unit_test(signal_handler_may_stop_it),
        cmocka_unit_test(second_server_at_an_address_is_EXISTS),
        cmocka_unit_test(failed_serve_listens_nowhere),
        cmocka_unit_test(native_methods_need_force_at_tcp),
        cmocka_unit_test(server_has_several_services_and_addresses),
        cmocka_unit_test(method_0_is_the_canonical_text),
        cmocka_unit_test(method_behind_the_last_is_UNIMPLEMENTED),
        cmocka_unit_test(malformed_request_is_INVALID_with_a_detail),
        cmocka_unit_test(request_whose_time_is_up_does_not_run),
        cmocka_unit_test(hello_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Cases for names, the handshake, and refused clients. */
#include "suite.h"

#include "../reaction.h"
#include "os/memory.h"
#include "os/poll.h"

static int64_t connect_to_nobody(void *user)
{
    fixture *f = user;
    shmrpci_address absent = suite_new_address();
    shmrpci_conn *conn = NULL;
    shmrpc_error error = {0};
    shmrpci_buf welcome;
    shmrpci_buf_init_heap(&welcome);
    int64_t began_ns = shmrpci_now_ns();
    int status = client_try_connect(f, &absent, "hi", PATIENCE_NS, &conn,
                                    &welcome, &error);
    int64_t took_ns = shmrpci_now_ns() - began_ns;
    assert_int_equal(status, SHMRPC_E_UNAVAILABLE);
    assert_int_equal(error.code, SHMRPC_E_UNAVAILABLE);
    assert_non_null(strstr(error.message, suite_name_of(&absent)));
    shmrpci_buf_fini(&welcome);
    return took_ns;
}

static void absent_service_is_named_within_100_ms(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 0);
    expect_reaction(connect_to_nobody, &f, 0, 100 * SHMRPCI_NS_PER_MS);
    fixture_stop(&f);
}

static void welcome_carries_what_on_hello_appended(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 0);
    shmrpci_conn *conn = NULL;
    shmrpci_buf welcome;
    shmrpci_buf_init_heap(&welcome);
    assert_int_equal(client_try_connect(&f, &f.address, "you", PATIENCE_NS,
                                        &conn, &welcome, NULL),
                     SHMRPC_OK);
    assert_string_equal(shmrpci_buf_text(&welcome), "hello you");
    shmrpci_buf_fini(&welcome);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void large_welcome_arrives_whole(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 0);
    shmrpci_conn *conn = NULL;
    shmrpci_buf welcome;
    shmrpci_buf_init_heap(&welcome);
    assert_int_equal(client_try_connect(&f, &f.address, "large", PATIENCE_NS,
                                        &conn, &welcome, NULL),
                     SHMRPC_OK);
    assert_int_equal(welcome.len, (size_t)1 << 20);
    assert_true(pattern_is(welcome.data, welcome.len, 9));
    shmrpci_buf_fini(&welcome);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void largest_hello_arrives(void **state)
{
    (void)state;
    fixture f;
    char hello[SHMRPCI_HELLO_MAX_BYTES + 1];
    fixture_start(&f, 0);
    memset(hello, 'x', SHMRPCI_HELLO_MAX_BYTES);
    hello[SHMRPCI_HELLO_MAX_BYTES] = '\0';
    shmrpci_conn *conn = NULL;
    shmrpci_buf welcome;
    shmrpci_buf_init_heap(&welcome);
    assert_int_equal(client_try_connect(&f, &f.address, hello, PATIENCE_NS,
                                        &conn, &welcome, NULL),
                     SHMRPC_OK);
    assert_int_equal(welcome.len, 6 + SHMRPCI_HELLO_MAX_BYTES);
    shmrpci_buf_fini(&welcome);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void refusal_arrives_with_status_and_text(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 1);
    shmrpci_conn *conn = NULL;
    shmrpc_error error = {0};
    shmrpci_buf welcome;
    shmrpci_buf_init_heap(&welcome);
    assert_int_equal(client_try_connect(&f, &f.address, "refuse", PATIENCE_NS,
                                        &conn, &welcome, &error),
                     SHMRPC_E_CONTRACT);
    assert_int_equal(error.code, SHMRPC_E_CONTRACT);
    assert_string_equal(error.name, "CONTRACT");
    assert_non_null(strstr(error.message, "method \xc3\xa4 differs"));
    shmrpci_buf_fini(&welcome);
    /* A refusal leaves the listener as it was. */
    conn = client_connect(&f, "again");
    assert_int_equal(client_echo(conn, 10, 1), SHMRPC_OK);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void name_clash_is_EXISTS_and_ends_with_close(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 0);
    shmrpci_listen_opts opts = suite_listen_opts(&f);
    shmrpci_listener *second = NULL;
    shmrpc_error error = {0};
    assert_int_equal(
        f.transport->listener->listen(&f.address, &opts, &second, &error),
        SHMRPC_E_EXISTS);
    assert_non_null(strstr(error.message, suite_name_of(&f.address)));
    assert_null(second);
    shmrpci_address address = f.address;
    fixture_stop(&f);
    assert_int_equal(
        f.transport->listener->listen(&address, &opts, &second, NULL),
        SHMRPC_OK);
    f.transport->listener->close(second);
}

static void copies_of_a_service_are_apart(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 0);
    shmrpci_address other = suite_other_copy(&f.address);
    shmrpci_conn *conn = NULL;
    shmrpci_buf welcome;
    shmrpci_buf_init_heap(&welcome);
    assert_int_equal(client_try_connect(&f, &other, "hi", PATIENCE_NS, &conn,
                                        &welcome, NULL),
                     SHMRPC_E_UNAVAILABLE);
    shmrpci_listen_opts opts = suite_listen_opts(&f);
    shmrpci_listener *second = NULL;
    assert_int_equal(
        f.transport->listener->listen(&other, &opts, &second, NULL), SHMRPC_OK);
    f.transport->listener->close(second);
    shmrpci_buf_fini(&welcome);
    fixture_stop(&f);
}

static void description_names_the_service(void **state)
{
    (void)state;
    fixture f;
    fixture_init(&f, NULL);
    assert_non_null(strstr(f.transport->listener->describe(f.listener),
                           suite_name_of(&f.address)));
    fixture_stop(&f);
}

static void assert_complete(const void *ops, size_t bytes)
{
    for (size_t at = 0; ops != NULL && at < bytes;
         at += sizeof(void (*)(void))) {
        void (*slot)(void);
        memcpy(&slot, (const char *)ops + at, sizeof slot);
        assert_true(slot != NULL);
    }
}

static void tables_that_are_there_are_complete(void **state)
{
    (void)state;
    fixture f;
    fixture_init(&f, NULL);
    const shmrpci_transport *t = f.transport;
    assert_non_null(t->client);
    assert_non_null(t->listener);
    assert_non_null(t->worker);
    assert_complete(t->client, sizeof *t->client);
    assert_complete(t->listener, sizeof *t->listener);
    assert_complete(t->worker, sizeof *t->worker);
    assert_complete(t->shared, sizeof *t->shared);
    assert_complete(t->discovery, sizeof *t->discovery);
    assert_complete(t->relay, sizeof *t->relay);
    assert_complete(t->processes, sizeof *t->processes);
    assert_complete(t->takeover, sizeof *t->takeover);
    fixture_stop(&f);
}

typedef struct sought {
    const shmrpci_address *address;
    unsigned count;
} sought;

static void count_if_same(void *user, const shmrpci_address *address,
                          const char *where)
{
    sought *s = user;
    assert_true(where[0] != '\0');
    s->count += strcmp(address->name, s->address->name) == 0 &&
                strcmp(address->instance, s->address->instance) == 0 &&
                address->port == s->address->port;
}

static void who_listens_is_listed(void **state)
{
    (void)state;
    fixture f;
    fixture_init(&f, NULL);
    const shmrpci_transport *t = f.transport;
    shmrpci_address address = f.address;
    sought s = {.address = &address};
    if (t->discovery != NULL) {
        assert_int_equal(t->discovery->find(count_if_same, &s, NULL),
                         SHMRPC_OK);
        assert_int_equal(s.count, 1);
    }
    fixture_stop(&f);
    if (t->discovery != NULL) {
        assert_int_equal(t->discovery->find(count_if_same, &s, NULL),
                         SHMRPC_OK);
        assert_int_equal(s.count, 1);
    }
}

static int ask_as(const fixture *f, bool as_server, const char *name,
                  int *out_fd, shmrpc_error *error)
{
    int watch_fd = -1;
    int status = f->transport->discovery->open_object(
        &f->address, name, as_server, shmrpci_deadline_after(PATIENCE_NS),
        out_fd, &watch_fd, error);
    shmrpci_fd_close(&watch_fd);
    return status;
}

static int ask_for(const fixture *f, const char *name, int *out_fd,
                   shmrpc_error *error)
{
    return ask_as(f, false, name, out_fd, error);
}

static void objects_are_handed_out_by_their_names(void **state)
{
    (void)state;
    fixture f;
    char text[4];
    char long_name[SHMRPCI_SHARED_NAME_MAX + 2];
    int fd = -1;
    shmrpc_error error = {0};
    fixture_start(&f, 0);
    if (f.transport->discovery == NULL) {
        fixture_stop(&f);
        return;
    }
    assert_int_equal(ask_for(&f, "news", &fd, &error), SHMRPC_OK);
    assert_int_equal(shmrpci_memory_read(fd, text, sizeof text), SHMRPC_OK);
    assert_memory_equal(text, "news", sizeof text);
    shmrpci_fd_close(&fd);
    assert_int_equal(ask_for(&f, "secret", &fd, &error), SHMRPC_E_DENIED);
    assert_non_null(strstr(error.message, "not for user"));
    assert_int_equal(ask_as(&f, true, "secret", &fd, &error), SHMRPC_OK);
    shmrpci_fd_close(&fd);
    assert_int_equal(ask_for(&f, "", &fd, &error), SHMRPC_E_NOT_FOUND);
    memset(long_name, 'x', sizeof long_name);
    long_name[SHMRPCI_SHARED_NAME_MAX] = '\0';
    assert_int_equal(ask_for(&f, long_name, &fd, &error), SHMRPC_E_NOT_FOUND);
    long_name[SHMRPCI_SHARED_NAME_MAX] = 'x';
    long_name[SHMRPCI_SHARED_NAME_MAX + 1] = '\0';
    assert_int_equal(ask_for(&f, long_name, &fd, &error), SHMRPC_E_NOT_FOUND);
    assert_int_equal(fd, -1);
    fixture_stop(&f);
}

/* A client that has opened an object learns when the service ends. */
static void who_has_an_object_sees_the_services_end(void **state)
{
    (void)state;
    fixture f;
    int fd = -1;
    int watch_fd = -1;
    fixture_start(&f, 0);
    if (f.transport->discovery != NULL) {
        assert_int_equal(f.transport->discovery->open_object(
                             &f.address, "news", false,
                             shmrpci_deadline_after(PATIENCE_NS), &fd,
                             &watch_fd, NULL),
                         SHMRPC_OK);
        shmrpci_fd_close(&fd);
    }
    assert_false(watch_fd >= 0 && shmrpci_poll_is_hung_up(watch_fd));
    fixture_stop(&f);
    assert_true(watch_fd < 0 || shmrpci_poll_is_hung_up(watch_fd));
    shmrpci_fd_close(&watch_fd);
}

static void connect_before_run_keeps_its_deadline(void **state)
{
    (void)state;
    fixture f;
    fixture_init(&f, NULL);
    shmrpci_conn *conn = NULL;
    shmrpci_buf welcome;
    shmrpci_buf_init_heap(&welcome);
    assert_int_equal(client_try_connect(&f, &f.address, "hi",
                                        30 * SHMRPCI_NS_PER_MS, &conn, &welcome,
                                        NULL),
                     SHMRPC_E_DEADLINE);
    /* A client that has given up does not disturb later ones. */
    fixture_run(&f);
    fixture_start_workers(&f, 1);
    conn = client_connect(&f, "later");
    assert_int_equal(client_echo(conn, 10, 1), SHMRPC_OK);
    f.transport->client->disconnect(conn);
    shmrpci_buf_fini(&welcome);
    fixture_stop(&f);
}

static void quota_of_connections_is_kept_and_given_back(void **state)
{
    (void)state;
    fixture f;
    shmrpci_listen_opts opts = suite_listen_opts(&f);
    opts.max_connections_per_uid = 2;
    fixture_init(&f, &opts);
    fixture_run(&f);
    fixture_start_workers(&f, 1);
    shmrpci_conn *a = client_connect(&f, "a");
    shmrpci_conn *b = client_connect(&f, "b");
    shmrpci_conn *c = NULL;
    shmrpci_buf welcome;
    shmrpc_error error = {0};
    shmrpci_buf_init_heap(&welcome);
    assert_int_equal(client_try_connect(&f, &f.address, "c", PATIENCE_NS, &c,
                                        &welcome, &error),
                     SHMRPC_E_EXHAUSTED);
    assert_true(error.message[0] != '\0');
    f.transport->client->disconnect(b);
    /* The server may notice a little later that `b` has disconnected. */
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    int status;
    do {
        status = client_try_connect(&f, &f.address, "c", PATIENCE_NS, &c,
                                    &welcome, NULL);
    } while (status == SHMRPC_E_EXHAUSTED && shmrpci_now_ns() < deadline_ns);
    assert_int_equal(status, SHMRPC_OK);
    assert_int_equal(client_echo(a, 10, 1), SHMRPC_OK);
    assert_int_equal(client_echo(c, 10, 2), SHMRPC_OK);
    shmrpci_buf_fini(&welcome);
    f.transport->client->disconnect(a);
    f.transport->client->disconnect(c);
    fixture_stop(&f);
}

static void connect_to_a_stopped_listener_is_UNAVAILABLE(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 0);
    shmrpci_address address = f.address;
    fixture_stop(&f);
    shmrpci_conn *conn = NULL;
    shmrpci_buf welcome;
    shmrpci_buf_init_heap(&welcome);
    assert_int_equal(client_try_connect(&f, &address, "hi", PATIENCE_NS, &conn,
                                        &welcome, NULL),
                     SHMRPC_E_UNAVAILABLE);
    shmrpci_buf_fini(&welcome);
}

const struct CMUnitTest suite_connect_cases[] = {
    cmocka_unit_test(absent_service_is_named_within_100_ms),
    cmocka_unit_test(welcome_carries_what_on_hello_appended),
    cmocka_unit_test(large_welcome_arrives_whole),
    cmocka_unit_test(largest_hello_arrives),
    cmocka_unit_test(objects_are_handed_out_by_their_names),
    cmocka_unit_test(who_has_an_object_sees_the_services_end),
    cmocka_unit_test(refusal_arrives_with_status_and_text),
    cmocka_unit_test(name_clash_is_EXISTS_and_ends_with_close),
    cmocka_unit_test(copies_of_a_service_are_apart),
    cmocka_unit_test(description_names_the_service),
    cmocka_unit_test(tables_that_are_there_are_complete),
    cmocka_unit_test(who_listens_is_listed),
    cmocka_unit_test(connect_before_run_keeps_its_deadline),
    cmocka_unit_test(quota_of_connections_is_kept_and_given_back),
    cmocka_unit_test(connect_to_a_stopped_listener_is_UNAVAILABLE),
};
const size_t suite_connect_case_count =
    sizeof suite_connect_cases / sizeof *suite_connect_cases;

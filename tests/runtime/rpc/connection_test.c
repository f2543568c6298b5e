/* A server's knowledge of a connection: the token in its hello, and its end. */
#include "sample.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shmrpc/async.h"
#include "shmrpc/beside.h"
#include "shmrpc/client.h"

static sample_server server;

/* Observations of the hooks. */
static struct {
    shmrpci_mutex lock;
    shmrpci_cond changed;
    uint64_t ended[8];
    unsigned count;
    void *user;
    bool is_in; /* a handler of the ended connection is running */
    bool was_early;
    char token[600]; /* "-": none */
} heard;

static void forget(void)
{
    heard.count = 0;
    heard.user = NULL;
    heard.is_in = heard.was_early = false;
}

static void disconnected(void *user, uint64_t connection)
{
    shmrpci_mutex_lock(&heard.lock);
    heard.was_early = heard.was_early || heard.is_in;
    heard.user = user;
    heard.ended[heard.count++ % 8] = connection;
    shmrpci_cond_broadcast(&heard.changed);
    shmrpci_mutex_unlock(&heard.lock);
}

static void await_ends(unsigned count)
{
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    shmrpci_mutex_lock(&heard.lock);
    while (heard.count < count &&
           shmrpci_cond_wait_until(&heard.changed, &heard.lock, deadline_ns)) {
    }
    assert_int_equal(heard.count, count);
    shmrpci_mutex_unlock(&heard.lock);
}

/* The number of reported ends so far, while a server runs. */
static unsigned ends(void)
{
    shmrpci_mutex_lock(&heard.lock);
    unsigned count = heard.count;
    shmrpci_mutex_unlock(&heard.lock);
    return count;
}

static void expect_end(unsigned i, uint64_t connection)
{
    shmrpci_mutex_lock(&heard.lock);
    assert_true(heard.ended[i] == connection);
    assert_ptr_equal(heard.user, &server.state);
    shmrpci_mutex_unlock(&heard.lock);
}

static void expect_token(const char *token)
{
    shmrpci_mutex_lock(&heard.lock);
    assert_string_equal(heard.token, token);
    shmrpci_mutex_unlock(&heard.lock);
}

/* ---- handlers ------------------------------------------------------------ */

static int tell_connection(shmrpc_ctx *ctx, const void *impl, void *user,
                           const void *params, void *result)
{
    (void)impl;
    (void)user;
    (void)params;
    *(int64_t *)result = (int64_t)shmrpc_ctx_connection(ctx);
    return SHMRPC_OK;
}

/* Continues for a while after its caller has gone. */
static int linger(shmrpc_ctx *ctx, const void *impl, void *user,
                  const void *params, void *result)
{
    shmrpci_mutex_lock(&heard.lock);
    heard.is_in = true;
    shmrpci_mutex_unlock(&heard.lock);
    int status = sample_handlers[WATCH](ctx, impl, user, params, result);
    shmrpci_sleep_until(shmrpci_deadline_after(20 * SHMRPCI_NS_PER_MS));
    shmrpci_mutex_lock(&heard.lock);
    heard.is_in = false;
    shmrpci_mutex_unlock(&heard.lock);
    return status;
}

static int authorize(void *user, shmrpc_ctx *ctx, const char *method,
                     const char *token, shmrpc_error *error)
{
    (void)user;
    (void)ctx;
    (void)method;
    shmrpci_mutex_lock(&heard.lock);
    (void)snprintf(heard.token, sizeof heard.token, "%s",
                   token != NULL ? token : "-");
    shmrpci_mutex_unlock(&heard.lock);
    return token != NULL && strcmp(token, "the wrong one, alas") == 0
               ? shmrpc_error_set(error, SHMRPC_E_DENIED, "not with that")
               : (int)SHMRPC_OK;
}

/* ---- a server ------------------------------------------------------------ */

static void start(void **state, uint32_t workers)
{
    static shmrpc_handler handlers[SAMPLE_METHODS];
    char where[128];
    const shmrpc_server_opts opts = {.workers = workers,
                                     .disconnected = disconnected,
                                     .authorize = authorize};
    memcpy(handlers, sample_handlers, sizeof handlers);
    handlers[PEER] = tell_connection;
    handlers[WATCH] = linger;
    forget();
    sample_address(*state, where);
    sample_start_serving(&server, where, &sample_service, handlers, &opts);
}

static uint64_t number_of(shmrpc_client *client)
{
    int64_t number = 0;
    shmrpc_error error = {.name = ""};
    if (shmrpc_stub_call(client, PEER, NULL, NULL, &number, &error) != 0) {
        fail_msg("peer: %s", error.message);
    }
    assert_true(number != 0);
    return (uint64_t)number;
}

/* ---- ends ---------------------------------------------------------------- */

static void an_end_is_told_once(void **state)
{
    start(state, 2);
    for (unsigned i = 1; i <= 3; i++) {
        shmrpc_client *client = sample_connect(&server);
        uint64_t number = number_of(client);
        sample_add(client, 1, i);
        assert_int_equal(ends(), i - 1);
        shmrpc_stub_close(client);
        await_ends(i);
        expect_end(i - 1, number);
    }
    /* The server still serves. */
    shmrpc_client *client = sample_connect(&server);
    sample_add(client, 1, 2);
    shmrpc_stub_close(client);
    await_ends(4);
    sample_stop(&server);
    assert_int_equal(heard.count, 4);
}

static void who_never_called_is_not_missed(void **state)
{
    start(state, 1);
    shmrpc_stub_close(sample_connect(&server));
    shmrpc_client *client = sample_connect(&server);
    uint64_t number = number_of(client);
    shmrpc_stub_close(client);
    await_ends(1);
    expect_end(0, number);
    sample_stop(&server);
    assert_int_equal(heard.count, 1);
}

static void its_handlers_have_ended_before(void **state)
{
    shmrpc_call *call = NULL;
    start(state, 2);
    shmrpc_client *client = sample_connect(&server);
    assert_int_equal(shmrpc_stub_start(client, WATCH, NULL, NULL, &call, NULL),
                     SHMRPC_OK);
    sample_await(&server.state, &server.state.entered, 1);
    shmrpc_stub_close(client);
    await_ends(1);
    assert_false(heard.was_early);
    sample_stop(&server);
}

static void the_end_of_the_server_is_no_end_of_connections(void **state)
{
    start(state, 1);
    shmrpc_client *client = sample_connect(&server);
    sample_add(client, 1, 2);
    sample_stop(&server);
    assert_int_equal(heard.count, 0);
    shmrpc_stub_close(client);
}

/* ---- tokens -------------------------------------------------------------- */

static void make_file(const char *name, const char *text, mode_t mode,
                      char out[128])
{
    (void)snprintf(out, 128, "%s/%s", getenv("SHMRPC_DIR"), name);
    (void)unlink(out);
    int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
}

static int connect_with(const char *file, shmrpc_client **out,
                        shmrpc_error *error)
{
    char where[512];
    place_with(server.where, "token", file, where, sizeof where);
    *error = (shmrpc_error){.message = ""};
    return shmrpc_stub_connect(&sample_service, where, NULL, out, error);
}

static shmrpc_client *connected_with(const char *file)
{
    shmrpc_error error;
    shmrpc_client *client = NULL;
    if (connect_with(file, &client, &error) != SHMRPC_OK) {
        fail_msg("connect: %s", error.message);
    }
    return client;
}

static void a_token_is_shown_once_for_all_calls(void **state)
{
    char first[128];
    char second[128];
    start(state, 1);
    make_file("first", "the first of the tokens\n", 0600, first);
    make_file("second", "the second of the tokens", 0400, second);
    shmrpc_client *one = connected_with(first);
    shmrpc_client *two = connected_with(second);
    shmrpc_client *none = sample_connect(&server);
    for (unsigned i = 0; i < 3; i++) {
        sample_add(one, 1, 2);
        expect_token("the first of the tokens");
        sample_add(two, 1, 2);
        expect_token("the second of the tokens");
        sample_add(none, 1, 2);
        expect_token("-");
    }
    /* A token in a call's metadata takes precedence over the connection's. */
    const shmrpc_metadata with[] = {{"authorization", "for this one"},
                                    {NULL, NULL}};
    const shmrpc_opts opts = {.metadata = with};
    int64_t value;
    assert_int_equal(shmrpc_stub_call(one, PEER, NULL, &opts, &value, NULL),
                     SHMRPC_OK);
    expect_token("for this one");
    sample_add(one, 1, 2);
    expect_token("the first of the tokens");
    shmrpc_stub_close(none);
    shmrpc_stub_close(two);
    shmrpc_stub_close(one);
    sample_stop(&server);
}

static void who_shows_the_wrong_one_is_refused(void **state)
{
    char file[128];
    shmrpc_error error = {.message = ""};
    int64_t value;
    start(state, 1);
    make_file("wrong", "the wrong one, alas", 0600, file);
    shmrpc_client *client = connected_with(file);
    assert_int_equal(shmrpc_stub_call(client, PEER, NULL, NULL, &value, &error),
                     SHMRPC_E_DENIED);
    assert_string_equal(error.message, "not with that");
    shmrpc_stub_close(client);
    sample_stop(&server);
}

static void longest_token_goes_through(void **state)
{
    char file[128];
    char text[514];
    start(state, 1);
    memset(text, 'x', sizeof text);
    text[512] = '\0';
    make_file("long", text, 0600, file);
    shmrpc_client *client = connected_with(file);
    sample_add(client, 1, 2);
    expect_token(text);
    shmrpc_stub_close(client);
    sample_stop(&server);
}

/* No server is at the address, so an error about the file shows that the file
 * is read first. */
static void bad_files_are_named_before_anything_is_sent(void **state)
{
    static const struct {
        const char *name;
        const char *text;
        mode_t mode;
        int status;
        const char *why;
    } bad[] = {
        {"open", "sixteen or more bytes", 0644, SHMRPC_E_DENIED, "chmod 600"},
        {"short", "fifteen bytes..", 0600, SHMRPC_E_INVALID, "16 to 512 bytes"},
        {"lines", "sixteen or more\nbytes, two lines", 0600, SHMRPC_E_INVALID,
         "16 to 512 bytes"},
        {"bytes", "sixteen or more\xff", 0600, SHMRPC_E_INVALID, "text"},
    };
    char file[128];
    char long_text[514];
    shmrpc_error error;
    shmrpc_client *client = NULL;
    sample_address(*state, server.where);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        make_file(bad[i].name, bad[i].text, bad[i].mode, file);
        assert_int_equal(connect_with(file, &client, &error), bad[i].status);
        assert_non_null(strstr(error.message, file));
        assert_non_null(strstr(error.message, bad[i].why));
        assert_null(strstr(error.message, "sixteen"));
    }
    memset(long_text, 'x', sizeof long_text);
    long_text[513] = '\0';
    make_file("long", long_text, 0600, file);
    assert_int_equal(connect_with(file, &client, &error), SHMRPC_E_INVALID);
    assert_int_equal(connect_with("/nowhere/at/all", &client, &error),
                     SHMRPC_E_NOT_FOUND);
    assert_non_null(
        strstr(error.message, "the token /nowhere/at/all does not"));
    make_file("good", "sixteen or more bytes", 0600, file);
    assert_int_equal(connect_with(file, &client, &error), SHMRPC_E_UNAVAILABLE);
    assert_null(client);
}

static void a_server_shows_none(void **state)
{
    (void)state;
    shmrpc_server *it = NULL;
    shmrpc_error error = {.message = ""};
    const shmrpc_server_opts opts = {.listen = "inproc://x?token=/some/file"};
    assert_int_equal(shmrpc_server_create(&opts, &it, &error), SHMRPC_OK);
    assert_int_equal(shmrpc_stub_serve(it, &sample_service, sample_handlers,
                                       &sample_implementation,
                                       sizeof sample_implementation, NULL,
                                       &error),
                     SHMRPC_E_INVALID);
    assert_non_null(strstr(error.message, "is for clients"));
    shmrpc_server_destroy(it);
}

static int set_up(void **state)
{
    shmrpci_mutex_init(&heard.lock);
    shmrpci_cond_init(&heard.changed);
    return sample_set_up(state);
}

static int tear_down(void **state)
{
    shmrpci_cond_fini(&heard.changed);
    shmrpci_mutex_fini(&heard.lock);
    return sample_tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_OVER_ALL(an_end_is_told_once),
        SAMPLE_OVER_ALL(who_never_called_is_not_missed),
        SAMPLE_OVER_ALL(its_handlers_have_ended_before),
        SAMPLE_OVER_ALL(the_end_of_the_server_is_no_end_of_connections),
        SAMPLE_OVER_ALL(a_token_is_shown_once_for_all_calls),
        SAMPLE_OVER_ALL(who_shows_the_wrong_one_is_refused),
        SAMPLE_OVER_ALL(longest_token_goes_through),
        SAMPLE_OVER_BOTH(bad_files_are_named_before_anything_is_sent),
        cmocka_unit_test(a_server_shows_none),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

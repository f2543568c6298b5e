/* Interceptors and the authorize hook: begun in order, ended in reverse, each
 * ended once. */
#include "sample.h"

#include <stdio.h>

#include "shmrpc/async.h"
#include "shmrpc/beside.h"

/* The events so far, one word for each. */
static struct {
    shmrpci_mutex lock;
    shmrpci_cond changed;
    char text[512];
    unsigned ends;
    int status;
} heard;

static void note(const char *who, const char *what)
{
    shmrpci_mutex_lock(&heard.lock);
    size_t len = strlen(heard.text);
    (void)snprintf(heard.text + len, sizeof heard.text - len, "%s%s ", who,
                   what);
    shmrpci_mutex_unlock(&heard.lock);
}

static int begin(void *user, shmrpc_intercepted *call, shmrpc_error *error)
{
    (void)error;
    assert_string_equal(call->service, "test.Sample");
    note(user, "+");
    call->state = user;
    return SHMRPC_OK;
}

static int refuse(void *user, shmrpc_intercepted *call, shmrpc_error *error)
{
    (void)call;
    note(user, "!");
    return shmrpc_error_set(error, SHMRPC_E_EXHAUSTED, "%s is full",
                            (const char *)user);
}

static void end(void *user, shmrpc_intercepted *call, int status,
                const shmrpc_error *error)
{
    assert_true(call->state == user);
    assert_true(status == SHMRPC_OK || error == NULL || error->code == status);
    note(user, "-");
    shmrpci_mutex_lock(&heard.lock);
    heard.ends++;
    heard.status = status;
    shmrpci_cond_broadcast(&heard.changed);
    shmrpci_mutex_unlock(&heard.lock);
}

static char a[] = "a";
static char b[] = "b";
static char c[] = "c";

static const shmrpc_interceptor first = {
    .size = sizeof first, .begin = begin, .end = end, .user = a};
static const shmrpc_interceptor second = {
    .size = sizeof second, .begin = begin, .end = end, .user = b};
static const shmrpc_interceptor refusing = {
    .size = sizeof refusing, .begin = refuse, .end = end, .user = c};

static const shmrpc_interceptor *const two[] = {&first, &second, NULL};
static const shmrpc_interceptor *const three[] = {&first, &second, &refusing,
                                                  NULL};

/* Waits for `ends` ends, because a worker that has replied may still be calling
 * interceptors. Then checks the events. */
static void expect_heard(const char *text, unsigned ends, int status)
{
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    shmrpci_mutex_lock(&heard.lock);
    while (heard.ends < ends &&
           shmrpci_cond_wait_until(&heard.changed, &heard.lock, deadline_ns)) {
    }
    assert_string_equal(heard.text, text);
    assert_int_equal(heard.ends, ends);
    assert_int_equal(heard.status, status);
    heard.text[0] = '\0';
    heard.ends = 0;
    shmrpci_mutex_unlock(&heard.lock);
}

static shmrpc_client *connect_with(const sample_server *s,
                                   const shmrpc_interceptor *const *list)
{
    shmrpc_client *client = NULL;
    shmrpc_error error = {.name = ""};
    const shmrpc_opts opts = {.interceptors = list};
    if (shmrpc_stub_connect(&sample_service, s->where, &opts, &client,
                            &error) != SHMRPC_OK) {
        fail_msg("connect: %s", error.message);
    }
    return client;
}

static const char *scheme_of(void **state)
{
    return *state;
}

/* ---- clients ------------------------------------------------------------- */

static void clients_calls_begin_in_order_and_end_in_reverse(void **state)
{
    sample_server s;
    sample_start(&s, scheme_of(state), &sample_service, 1);
    shmrpc_client *client = connect_with(&s, two);
    sample_add(client, 1, 2);
    expect_heard("a+ b+ b- a- ", 2, SHMRPC_OK);
    fail_params params = {SHMRPC_E_NOT_FOUND, shmrpc_str_of("no")};
    assert_int_equal(shmrpc_stub_call(client, FAIL, &params, NULL, NULL, NULL),
                     SHMRPC_E_NOT_FOUND);
    expect_heard("a+ b+ b- a- ", 2, SHMRPC_E_NOT_FOUND);
    const void *reply = NULL;
    assert_int_equal(
        shmrpc_stub_call_reply(client, THROW, NULL, NULL, &reply, NULL),
        DETAILED_ERROR);
    shmrpc_stub_release(reply);
    expect_heard("a+ b+ b- a- ", 2, DETAILED_ERROR);
    pair_params pair = {1, 2};
    assert_int_equal(shmrpc_stub_call(client, NOTE, &pair, NULL, NULL, NULL),
                     SHMRPC_OK);
    expect_heard("a+ b+ b- a- ", 2, SHMRPC_OK);
    shmrpc_opts late = {.timeout_ns = 20 * SHMRPCI_NS_PER_MS};
    assert_int_equal(shmrpc_stub_call(client, WATCH, NULL, &late, NULL, NULL),
                     SHMRPC_E_DEADLINE);
    expect_heard("a+ b+ b- a- ", 2, SHMRPC_E_DEADLINE);
    shmrpc_stub_close(client);
    sample_stop(&s);
}

static void who_refuses_has_no_end(void **state)
{
    sample_server s;
    shmrpc_error error;
    pair_params pair = {1, 2};
    int64_t sum;
    sample_start(&s, scheme_of(state), &sample_service, 1);
    shmrpc_client *client = connect_with(&s, three);
    assert_int_equal(shmrpc_stub_call(client, ADD, &pair, NULL, &sum, &error),
                     SHMRPC_E_EXHAUSTED);
    assert_false(error.may_have_run);
    assert_string_equal(error.message, "c is full");
    expect_heard("a+ b+ c! b- a- ", 2, SHMRPC_E_EXHAUSTED);
    shmrpc_call *call = NULL;
    assert_int_equal(shmrpc_stub_start(client, ADD, &pair, NULL, &call, &error),
                     SHMRPC_E_EXHAUSTED);
    expect_heard("a+ b+ c! b- a- ", 2, SHMRPC_E_EXHAUSTED);
    shmrpc_stub_close(client);
    sample_stop(&s);
}

static void asynchronous_calls_end_once(void **state)
{
    sample_server s;
    pair_params pair = {1, 2};
    int64_t sum;
    shmrpc_call *call = NULL;
    sample_start(&s, scheme_of(state), &sample_service, 2);
    shmrpc_client *client = connect_with(&s, two);
    assert_int_equal(shmrpc_stub_start(client, ADD, &pair, NULL, &call, NULL),
                     SHMRPC_OK);
    assert_int_equal(shmrpc_stub_finish(call, &sample_service, ADD, &sum, NULL),
                     SHMRPC_OK);
    expect_heard("a+ b+ b- a- ", 2, SHMRPC_OK);
    assert_int_equal(shmrpc_stub_start(client, WATCH, NULL, NULL, &call, NULL),
                     SHMRPC_OK);
    sample_await(&s.state, &s.state.entered, 1);
    (void)shmrpc_call_cancel(call);
    expect_heard("a+ b+ b- a- ", 2, SHMRPC_E_CANCELLED);
    shmrpc_call_release(call);
    assert_int_equal(shmrpc_stub_start(client, WATCH, NULL, NULL, &call, NULL),
                     SHMRPC_OK);
    shmrpc_call_release(call);
    expect_heard("a+ b+ b- a- ", 2, SHMRPC_E_CANCELLED);
    uint8_t *at;
    assert_int_equal(
        shmrpc_stub_loan(client, ECHO_RAW, 5, NULL, &at, &call, NULL),
        SHMRPC_OK);
    shmrpc_call_release(call);
    expect_heard("a+ b+ b- a- ", 2, SHMRPC_E_CANCELLED);
    shmrpc_stub_close(client);
    sample_stop(&s);
}

/* An interceptor that adds metadata at the beginning of a call, and tries to
 * add some at its end, which is too late. */
static int add_tenant(void *user, shmrpc_intercepted *call, shmrpc_error *error)
{
    (void)user;
    call->state = call;
    return shmrpc_intercepted_add_metadata(call, "tenant", "red", error);
}

static void add_late(void *user, shmrpc_intercepted *call, int status,
                     const shmrpc_error *error)
{
    (void)user;
    (void)status;
    (void)error;
    assert_int_equal(shmrpc_intercepted_add_metadata(call, "x", "y", NULL),
                     SHMRPC_E_PRECONDITION);
}

static int ask_tenant(void *user, shmrpc_ctx *ctx, const char *method,
                      const char *token, shmrpc_error *error)
{
    (void)user;
    (void)token;
    const char *tenant = shmrpc_ctx_metadata(ctx, "tenant");
    return tenant != NULL && strcmp(tenant, "red") == 0
               ? SHMRPC_OK
               : shmrpc_error_set(error, SHMRPC_E_DENIED, "%s: not yours",
                                  method);
}

static void interceptors_of_clients_add_metadata(void **state)
{
    static const shmrpc_interceptor adding = {
        .size = sizeof adding, .begin = add_tenant, .end = add_late};
    static const shmrpc_interceptor *const list[] = {&adding, NULL};
    sample_server s;
    shmrpc_error error;
    int64_t sum;
    pair_params pair = {1, 2};
    const shmrpc_server_opts opts = {.workers = 1, .authorize = ask_tenant};
    sample_start_with(&s, scheme_of(state), sample_handlers, &opts);
    shmrpc_client *client = connect_with(&s, list);
    sample_add(client, 4, 5);
    shmrpc_stub_close(client);
    client = sample_connect(&s);
    assert_int_equal(shmrpc_stub_call(client, ADD, &pair, NULL, &sum, &error),
                     SHMRPC_E_DENIED);
    assert_string_equal(error.name, "DENIED");
    assert_false(error.may_have_run);
    shmrpc_stub_close(client);
    sample_stop(&s);
}

/* ---- servers ------------------------------------------------------------- */

static void servers_calls_begin_in_order_and_end_in_reverse(void **state)
{
    sample_server s;
    const shmrpc_server_opts opts = {.workers = 1, .interceptors = two};
    sample_start_with(&s, scheme_of(state), sample_handlers, &opts);
    shmrpc_client *client = sample_connect(&s);
    sample_add(client, 1, 2);
    expect_heard("a+ b+ b- a- ", 2, SHMRPC_OK);
    fail_params params = {SHMRPC_E_NOT_FOUND, shmrpc_str_of("no")};
    assert_int_equal(shmrpc_stub_call(client, FAIL, &params, NULL, NULL, NULL),
                     SHMRPC_E_NOT_FOUND);
    expect_heard("a+ b+ b- a- ", 2, SHMRPC_E_NOT_FOUND);
    pair_params pair = {1, 2};
    assert_int_equal(shmrpc_stub_call(client, NOTE, &pair, NULL, NULL, NULL),
                     SHMRPC_OK);
    expect_heard("a+ b+ b- a- ", 2, SHMRPC_OK);
    shmrpc_stub_close(client);
    sample_stop(&s);
}

static void servers_may_refuse(void **state)
{
    sample_server s;
    shmrpc_error error;
    const shmrpc_server_opts opts = {.workers = 1, .interceptors = three};
    sample_start_with(&s, scheme_of(state), sample_handlers, &opts);
    shmrpc_client *client = sample_connect(&s);
    pair_params pair = {1, 2};
    int64_t sum;
    assert_int_equal(shmrpc_stub_call(client, ADD, &pair, NULL, &sum, &error),
                     SHMRPC_E_EXHAUSTED);
    assert_false(error.may_have_run);
    expect_heard("a+ b+ c! b- a- ", 2, SHMRPC_E_EXHAUSTED);
    shmrpc_stub_close(client);
    sample_stop(&s);
}

static int ask_token(void *user, shmrpc_ctx *ctx, const char *method,
                     const char *token, shmrpc_error *error)
{
    assert_true(user == a);
    assert_non_null(shmrpc_ctx_peer(ctx));
    return token != NULL && strcmp(token, "open sesame") == 0
               ? SHMRPC_OK
               : shmrpc_error_set(error, SHMRPC_E_DENIED,
                                  "%s needs the right words", method);
}

static void authorize_judges_each_call(void **state)
{
    static const shmrpc_metadata right[] = {{"authorization", "open sesame"},
                                            {NULL, NULL}};
    static const shmrpc_metadata wrong[] = {{"authorization", "open barley"},
                                            {NULL, NULL}};
    sample_server s;
    shmrpc_error error;
    const shmrpc_server_opts opts = {
        .workers = 1, .authorize = ask_token, .authorize_user = a};
    sample_start_with(&s, scheme_of(state), sample_handlers, &opts);
    shmrpc_client *client = sample_connect(&s);
    pair_params pair = {1, 2};
    int64_t sum;
    shmrpc_opts with = {.metadata = right};
    assert_int_equal(shmrpc_stub_call(client, ADD, &pair, &with, &sum, &error),
                     SHMRPC_OK);
    with.metadata = wrong;
    assert_int_equal(shmrpc_stub_call(client, ADD, &pair, &with, &sum, &error),
                     SHMRPC_E_DENIED);
    assert_string_equal(error.message, "add needs the right words");
    assert_int_equal(shmrpc_stub_call(client, ADD, &pair, NULL, &sum, &error),
                     SHMRPC_E_DENIED);
    shmrpc_stub_close(client);
    sample_stop(&s);
}

static void lists_are_checked(void **state)
{
    (void)state;
    static const shmrpc_interceptor *const nine[] = {
        &first, &first, &first, &first, &first,
        &first, &first, &first, &first, NULL};
    static const shmrpc_interceptor unsized = {.begin = begin};
    static const shmrpc_interceptor *const bad[] = {&unsized, NULL};
    shmrpc_client *client;
    shmrpc_error error;
    shmrpc_opts opts = {.interceptors = nine};
    assert_int_equal(shmrpc_stub_connect(&sample_service, "inproc://", &opts,
                                         &client, &error),
                     SHMRPC_E_INVALID);
    opts.interceptors = bad;
    assert_int_equal(shmrpc_stub_connect(&sample_service, "inproc://", &opts,
                                         &client, &error),
                     SHMRPC_E_INVALID);
}

static int set_up(void **state)
{
    shmrpci_mutex_init(&heard.lock);
    shmrpci_cond_init(&heard.changed);
    return sample_set_up(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_OVER_ALL(clients_calls_begin_in_order_and_end_in_reverse),
        SAMPLE_OVER_ALL(who_refuses_has_no_end),
        SAMPLE_OVER_ALL(asynchronous_calls_end_once),
        SAMPLE_OVER_ALL(interceptors_of_clients_add_metadata),
        SAMPLE_OVER_ALL(servers_calls_begin_in_order_and_end_in_reverse),
        SAMPLE_OVER_ALL(servers_may_refuse),
        SAMPLE_OVER_ALL(authorize_judges_each_call),
        cmocka_unit_test(lists_are_checked),
    };
    return cmocka_run_group_tests(tests, set_up, sample_tear_down);
}

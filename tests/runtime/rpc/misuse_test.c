/* Using objects after their release: checked programs end with a message,
 * others get an error, and no other reply or call is affected. */
#include "async_sample.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static both *begin(void)
{
    void *state = NULL;
    assert_int_equal(async_set_up(&state), 0);
    return state;
}

static void end(both *b)
{
    void *state = b;
    assert_int_equal(async_tear_down(&state), 0);
}

static const shmrpc_str *fill(const both *b, char letter)
{
    pair_params params = {100, letter};
    const void *reply = NULL;
    assert_int_equal(shmrpc_stub_call_reply(b->client, FILL, &params,
                                            &async_patient, &reply, NULL),
                     0);
    return reply;
}

static void expect_misuse(int status, const shmrpc_error *error)
{
    assert_int_equal(status, SHMRPC_E_INVALID);
    assert_int_equal(error->code, SHMRPC_E_INVALID);
    assert_non_null(strstr(error->message, "method add"));
    assert_false(error->may_have_run);
}

static int add(shmrpc_client *client, shmrpc_error *error)
{
    pair_params params = {1, 2};
    int64_t sum = 0;
    return shmrpc_stub_call(client, ADD, &params, &async_patient, &sum, error);
}

/* ---- misuses: with SHMRPC_CHECK=0 the program continues ------------------ */

static void release_twice(both *b)
{
    const void *first = fill(b, 'a');
    shmrpc_stub_release(first);
    shmrpc_stub_release(first);
    const shmrpc_str *one = fill(b, 'b');
    const shmrpc_str *other = fill(b, 'c');
    assert_ptr_not_equal(one, other);
    assert_int_equal(one->ptr[0], 'b');
    assert_int_equal(other->ptr[0], 'c');
    shmrpc_stub_release(one);
    shmrpc_stub_release(other);
}

static void look_into_what_was_released(both *b)
{
    const void *reply = NULL;
    assert_int_equal(shmrpc_stub_call_reply(b->client, THROW, NULL,
                                            &async_patient, &reply, NULL),
                     DETAILED_ERROR);
    assert_non_null(shmrpc_stub_payload(reply, &detailed_error));
    shmrpc_stub_release(reply);
    assert_null(shmrpc_stub_payload(reply, &detailed_error));
}

static void finish_twice(both *b)
{
    shmrpc_error error;
    int64_t sum = 0;
    shmrpc_call *first = async_start_add(b, 1, 2);
    async_expect_sum(first, 3);
    expect_misuse(async_finish(first, ADD, &sum, &error), &error);
    /* The stale handle does not finish the next call either, which uses the
     * same object. */
    shmrpc_call *next = async_start_add(b, 3, 4);
    expect_misuse(async_finish(first, ADD, &sum, &error), &error);
    assert_true(shmrpc_call_is_over(first));
    assert_false(shmrpc_call_cancel(first));
    shmrpc_call_release(first);
    async_expect_sum(next, 7);
}

static void send_what_was_finished(both *b)
{
    shmrpc_error error;
    shmrpc_call *call = async_start_add(b, 1, 2);
    async_expect_sum(call, 3);
    expect_misuse(shmrpc_stub_send(call, &error), &error);
}

static void finish_after_close(both *b)
{
    shmrpc_error error;
    int64_t sum = 0;
    shmrpc_client *client = sample_connect(&b->server);
    both other = {.client = client};
    shmrpc_call *one = async_start_add(&other, 1, 2);
    shmrpc_call *two = async_start_add(&other, 1, 2);
    shmrpc_stub_close(client);
    expect_misuse(async_finish(one, ADD, &sum, &error), &error);
    shmrpc_call_release(two);
}

static void call_after_close(both *b)
{
    shmrpc_error error;
    shmrpc_call *call = NULL;
    pair_params params = {1, 2};
    shmrpc_client *client = sample_connect(&b->server);
    assert_int_equal(add(client, NULL), 0);
    shmrpc_stub_close(client);
    expect_misuse(add(client, &error), &error);
    expect_misuse(
        shmrpc_stub_start(client, ADD, &params, &async_patient, &call, &error),
        &error);
}

static void dispatch_after_close(both *b)
{
    shmrpc_client *client = sample_connect(&b->server);
    assert_true(shmrpc_stub_fd(client) >= 0);
    shmrpc_stub_close(client);
    assert_int_equal(shmrpc_stub_dispatch(client), 0);
    assert_int_equal(shmrpc_stub_fd(client), SHMRPC_E_INVALID);
}

static void close_twice(both *b)
{
    shmrpc_client *client = sample_connect(&b->server);
    shmrpc_stub_close(client);
    shmrpc_stub_close(client);
}

typedef struct misuse {
    void (*make)(both *b);
    const char *words; /* part of the message */
} misuse;

static const misuse all[] = {
    {release_twice, "a reply of method fill was released twice"},
    {look_into_what_was_released, "a reply of method throw was used after"},
    {finish_twice, "a call of method add was finished twice"},
    {send_what_was_finished, "a call of method add was used after"},
    {finish_after_close, "a call of method add was finished twice, or after"},
    {call_after_close, "method add of sample was called on a client that was"},
    {dispatch_after_close, "a client of sample was used after it was closed"},
    {close_twice, "a client of sample was closed twice"},
};

#define COUNT (sizeof all / sizeof *all)

/* ---- checked programs, in child processes -------------------------------- */

/* Runs a process that does the misuse. Returns its exit status, and its output
 * in `said`. */
static int run(const misuse *m, const char *check, char *said, size_t size)
{
    int ends[2];
    int status = -1;
    size_t len = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)setenv("CMOCKA_TEST_ABORT", "1", 1);
        (void)setenv("SHMRPC_CHECK", check, 1);
        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        both *b = begin();
        m->make(b);
        end(b);
        _exit(0);
    }
    (void)close(ends[1]);
    for (;;) {
        ssize_t got = read(ends[0], said + len, size - 1 - len);
        if (got <= 0) {
            break;
        }
        len += (size_t)got;
    }
    said[len] = '\0';
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void checked_program_ends_with_a_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        char said[8192];
        int status = run(&all[i], "1", said, sizeof said);
        if (strstr(said, all[i].words) == NULL || !WIFSIGNALED(status) ||
            WTERMSIG(status) != SIGABRT) {
            fail_msg("%zu: status %d, \"%s\"", i, status, said);
        }
    }
}

static void other_program_is_told_and_goes_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        char said[8192];
        int status = run(&all[i], "0", said, sizeof said);
        if (strstr(said, all[i].words) == NULL || status != 0) {
            fail_msg("%zu: status %d, \"%s\"", i, status, said);
        }
    }
}

/* Uses the call object again as many times as its handles can be told apart. */
static void handle_of_any_age_is_told_from_the_next(void **state)
{
    (void)state;
    (void)setenv("SHMRPC_CHECK", "0", 1);
    both *b = begin();
    shmrpc_call *old = async_start_add(b, 1, 2);
    async_expect_sum(old, 3);
    for (int i = 0; i < 63; i++) {
        shmrpc_call *call = async_start_add(b, 1, i);
        assert_ptr_not_equal(call, old);
        async_expect_sum(call, 1 + i);
    }
    end(b);
}

/* The memory of a released reply is filled with bytes that are not text. */
static void released_reply_of_a_checked_program_is_spoiled(void **state)
{
    (void)state;
    (void)setenv("SHMRPC_CHECK", "1", 1);
    both *b = begin();
    const shmrpc_str *reply = fill(b, 'a');
    shmrpc_stub_release(reply);
    assert_int_equal(reply->len, UINT64_C(0xDBDBDBDBDBDBDBDB));
    for (int i = 0; i < 30; i++) {
        const shmrpc_str *next = fill(b, 'b');
        assert_ptr_not_equal(next, reply);
        shmrpc_stub_release(next);
    }
    end(b);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(checked_program_ends_with_a_sentence),
        cmocka_unit_test(other_program_is_told_and_goes_on),
        cmocka_unit_test(handle_of_any_age_is_told_from_the_next),
        cmocka_unit_test(released_reply_of_a_checked_program_is_spoiled),
    };
    return async_main(tests, sizeof tests / sizeof *tests);
}

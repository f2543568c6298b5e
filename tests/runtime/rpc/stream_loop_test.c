/* Non-blocking streams, which are read and sent in dispatch. */
#include "stream_sample.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/poll.h"

/* The progress of one stream, in both directions. */
typedef struct trip {
    shmrpc_stream *stream;
    int64_t wanted; /* number of items to send; then the end */
    int64_t sent;
    int64_t got;
    int64_t stop_after; /* number of items, after which it is closed; 0:
                         * never */
    bool is_paused;     /* pauses after each item */
    unsigned calls;     /* calls of ready */
    shmrpc_str word;    /* item being sent, of UP */
    bool has_pushed;    /* push has accepted `word` */
    bool has_ended;     /* all items were sent */
    int status;         /* BUSY: continue later */
    int64_t result;
    shmrpc_error error;
} trip;

static void finish(trip *t, int status)
{
    t->status = status;
    t->calls = 0;
}

/* Reads all available items. */
static void receive(trip *t)
{
    const void *item;
    int status;
    while ((status = shmrpc_stub_stream_try_next(t->stream, &item,
                                                 &t->error)) == SHMRPC_MORE) {
        t->got++;
        if (t->got == t->stop_after) {
            shmrpc_stub_stream_close(t->stream);
            t->stream = NULL;
            finish(t, SHMRPC_OK);
            return;
        }
        if (t->is_paused) {
            return;
        }
    }
    if (status != SHMRPC_E_BUSY) {
        finish(t, status);
    }
}

/* Sends as many items as there is room for. Returns OK when all are sent. */
static int transmit(trip *t, bool is_number)
{
    int status = SHMRPC_OK;
    while (t->sent < t->wanted && status == SHMRPC_OK) {
        const void *item = is_number ? (const void *)&t->sent : &t->word;
        status = shmrpc_stub_stream_push(t->stream, t->has_pushed ? NULL : item,
                                         &t->error);
        t->has_pushed = status == SHMRPC_E_BUSY;
        t->sent += status == SHMRPC_OK ? 1 : 0;
    }
    return status;
}

static void ready_down(void *user)
{
    trip *t = user;
    t->calls++;
    receive(t);
}

static void ready_up(void *user)
{
    trip *t = user;
    t->calls++;
    int status = transmit(t, false);
    if (status == SHMRPC_OK) {
        const void *reply = NULL;
        status = shmrpc_stub_stream_try_finish(t->stream, &reply, &t->error);
        t->result = status == SHMRPC_OK ? *(const int64_t *)reply : 0;
    }
    if (status != SHMRPC_E_BUSY) {
        finish(t, status);
    }
}

static void ready_both(void *user)
{
    trip *t = user;
    t->calls++;
    int status = t->has_ended ? SHMRPC_OK : transmit(t, true);
    if (status == SHMRPC_OK && !t->has_ended) {
        t->has_ended = true;
        assert_int_equal(shmrpc_stub_stream_end(t->stream, &t->error),
                         SHMRPC_OK);
    }
    receive(t);
}

static void start(trip *t, uint32_t method, const void *params,
                  const shmrpc_opts *opts, shmrpc_stream_ready ready)
{
    t->stream = open_with(method, params, opts);
    t->status = SHMRPC_E_BUSY;
    assert_int_equal(shmrpc_stub_stream_on_ready(t->stream, ready, t, &error),
                     SHMRPC_OK);
    ready(t);
}

/* Sleeps on the client's descriptor until the streams are over. Fails when no
 * item has moved for too long: on a busy machine each of hundreds of credits
 * may take a tenth of a second. */
static void run(trip *const *trips, size_t count)
{
    int64_t moved = -1;
    int64_t late_ns = 0;
    int fd = shmrpc_stub_fd(client);
    assert_true(fd >= 0);
    for (;;) {
        size_t left = 0;
        int64_t items = 0;
        for (size_t i = 0; i < count; i++) {
            left += trips[i]->status == SHMRPC_E_BUSY;
            items += trips[i]->sent + trips[i]->got;
        }
        if (left == 0) {
            return;
        }
        if (items != moved) {
            moved = items;
            late_ns = shmrpci_deadline_after(PATIENCE_NS);
        }
        if (!shmrpci_poll_readable(fd, late_ns)) {
            fail_msg("%zu streams stand still after %lld items", left,
                     (long long)items);
        }
        (void)shmrpc_stub_dispatch(client);
    }
}

static void run_one(trip *t)
{
    trip *const trips[] = {t};
    run(trips, 1);
    if (t->stream != NULL) {
        shmrpc_stub_stream_close(t->stream);
    }
}

/* ---- cases --------------------------------------------------------------- */

static void items_come_by_dispatch(void **state)
{
    (void)state;
    const pair_params params = {20000, 0};
    trip t = {.sent = 0};
    start(&t, DOWN, &params, NULL, ready_down);
    run_one(&t);
    assert_int_equal(t.status, SHMRPC_OK);
    assert_int_equal(t.got, 20000);
}

static void all_items_come_before_the_error(void **state)
{
    (void)state;
    const pair_params params = {3000, DETAILED_ERROR};
    trip t = {.sent = 0};
    start(&t, DOWN, &params, NULL, ready_down);
    trip *const trips[] = {&t};
    run(trips, 1);
    assert_int_equal(t.status, DETAILED_ERROR);
    assert_int_equal(t.got, 3000);
    const detail *why = shmrpc_stub_stream_payload(t.stream, &detailed_error);
    assert_non_null(why);
    assert_string_equal(why->text.ptr, "four");
    shmrpc_stub_stream_close(t.stream);
}

/* One word is larger than the window. */
static void uploads_go_in_pieces(void **state)
{
    (void)state;
    static char letters[50000];
    memset(letters, 'x', sizeof letters);
    trip t = {.wanted = 40, .word = {letters, sizeof letters}};
    start(&t, UP, NULL, NULL, ready_up);
    run_one(&t);
    assert_int_equal(t.status, SHMRPC_OK);
    assert_int_equal(t.result, 40 * 50000);
}

static void both_ways_at_once(void **state)
{
    (void)state;
    /* Fewer items behind a gateway, because five threads take part in each
     * credit. */
    trip t = {.wanted = strncmp(place, "relay", 5) == 0 ? 5000 : 20000};
    start(&t, BOTH, NULL, NULL, ready_both);
    run_one(&t);
    assert_int_equal(t.status, SHMRPC_OK);
    assert_int_equal(t.sent, t.wanted);
    assert_int_equal(t.got, t.wanted);
}

static void two_streams_and_a_call(void **state)
{
    (void)state;
    const pair_params params = {5000, 0};
    trip one = {.sent = 0};
    trip two = {.sent = 0};
    trip *const trips[] = {&one, &two};
    start(&one, DOWN, &params, NULL, ready_down);
    start(&two, DOWN, &params, NULL, ready_down);
    run(trips, 2);
    assert_int_equal(one.got + two.got, 10000);
    shmrpc_stub_stream_close(one.stream);
    shmrpc_stub_stream_close(two.stream);
}

/* Nobody reads, so the handler waits, and dispatch does not report the stream.
 */
static void a_pause_lasts(void **state)
{
    (void)state;
    const pair_params params = {20000, 0};
    trip t = {.is_paused = true};
    int fd = shmrpc_stub_fd(client);
    start(&t, DOWN, &params, NULL, ready_down);
    while (t.got == 0) {
        assert_true(
            shmrpci_poll_readable(fd, shmrpci_deadline_after(PATIENCE_NS)));
        (void)shmrpc_stub_dispatch(client);
    }
    unsigned calls = t.calls;
    assert_int_equal(shmrpc_stub_dispatch(client), 0);
    assert_int_equal(t.calls, calls);
    t.is_paused = false;
    receive(&t);
    run_one(&t);
    assert_int_equal(t.status, SHMRPC_OK);
    assert_int_equal(t.got, 20000);
}

static void who_is_told_may_close(void **state)
{
    (void)state;
    const pair_params params = {1000000000, 0};
    trip t = {.stop_after = 1000};
    start(&t, DOWN, &params, NULL, ready_down);
    run_one(&t);
    assert_int_equal(t.got, 1000);
    assert_int_equal(returned(1), SHMRPC_E_CANCELLED);
}

static void a_handler_that_wants_no_more(void **state)
{
    (void)state;
    trip t = {.wanted = 1000000, .word = shmrpc_str_of("stop")};
    start(&t, UP, NULL, NULL, ready_up);
    run_one(&t);
    assert_int_equal(t.status, SHMRPC_E_CANCELLED);
    assert_true(t.sent < t.wanted);
    trip u = {.wanted = 1000000, .word = shmrpc_str_of("fail")};
    start(&u, UP, NULL, NULL, ready_up);
    run_one(&u);
    assert_int_equal(u.status, SHMRPC_E_NOT_FOUND);
}

static void time_passes(void **state)
{
    (void)state;
    trip idle = {.sent = 0};
    start(&idle, IDLE, NULL, NULL, ready_down);
    run_one(&idle);
    assert_int_equal(idle.status, SHMRPC_E_DEADLINE);
    assert_true(idle.got <=
                1); /* on a busy machine even this item may be late */
    const shmrpc_opts soon = {.timeout_ns = 50 * SHMRPCI_NS_PER_MS};
    trip late = {.sent = 0};
    start(&late, BOTH, NULL, &soon, ready_down);
    run_one(&late);
    assert_int_equal(late.status, SHMRPC_E_DEADLINE);
}

static void wrong_use(void **state)
{
    (void)state;
    static char letters[50000];
    memset(letters, 'x', sizeof letters);
    const shmrpc_str word = {letters, sizeof letters};
    const shmrpc_str wrong = {"\xff", 1};
    shmrpc_stream *stream = open_with(UP, NULL, NULL);
    assert_int_equal(shmrpc_stub_stream_push(stream, &wrong, &error),
                     SHMRPC_E_INVALID);
    int status = SHMRPC_OK;
    for (int i = 0; i < 1000 && status == SHMRPC_OK; i++) {
        status = shmrpc_stub_stream_push(stream, &word, &error);
    }
    if (status == SHMRPC_E_BUSY) {
        assert_int_equal(shmrpc_stub_stream_push(stream, &word, &error),
                         SHMRPC_E_PRECONDITION);
    }
    shmrpc_stub_stream_close(stream);
}

/* ---- misuse -------------------------------------------------------------- */

/* The streams of all cases, so that leftovers can be found. */
static trip open_trips[40]; /* at all places */
static size_t open_count;

static trip *leave_open(void)
{
    assert_true(open_count < SHMRPC_COUNT(open_trips));
    trip *t = &open_trips[open_count++];
    *t = (trip){.status = SHMRPC_E_BUSY};
    start(t, BOTH, NULL, NULL, ready_down);
    assert_int_equal(t->status, SHMRPC_E_BUSY);
    return t;
}

/* Leaves a stream open whose handler is running and has sent an item. (If the
 * client left earlier, the call would end without calling a handler.) */
static trip *leave_running(void)
{
    const int64_t number = 1;
    trip *t = leave_open();
    assert_int_equal(shmrpc_stub_stream_push(t->stream, &number, &error),
                     SHMRPC_OK);
    int64_t late_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (t->got == 0) {
        if (!shmrpci_poll_readable(shmrpc_stub_fd(client), late_ns)) {
            fail_msg("no handler runs");
        }
        (void)shmrpc_stub_dispatch(client);
    }
    return t;
}

/* Closing the client before its stream harms neither the program nor the
 * server. */
static void client_is_closed_before_its_stream(void **state)
{
    (void)state;
    (void)leave_running();
    shmrpc_stub_close(client);
    client = NULL;
    assert_int_equal(returned(1), SHMRPC_E_CANCELLED);
}

/* Both workers are busy, so nobody takes the third call. */
static void client_is_closed_before_its_call_is_taken(void **state)
{
    (void)state;
    (void)leave_running();
    (void)leave_running();
    (void)leave_open();
    shmrpc_stub_close(client);
    client = NULL;
    assert_int_equal(shmrpc_stub_connect(&stream_sample, client_place, NULL,
                                         &client, &error),
                     SHMRPC_OK);
    assert_int_equal(returned(2), SHMRPC_E_CANCELLED);
    shmrpc_stub_stream_close(leave_running()->stream);
}

/* Runs a process that closes its stream after its client. Returns its exit
 * status. */
static int close_late(const char *check)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        trip t = {.status = SHMRPC_E_BUSY};
        (void)setenv("CMOCKA_TEST_ABORT", "1", 1);
        (void)setenv("SHMRPC_CHECK", check, 1);
        (void)begin(NULL);
        start(&t, BOTH, NULL, NULL, ready_down);
        shmrpc_stub_close(client);
        client = NULL;
        int64_t number = 1;
        int sent = shmrpc_stub_stream_send(t.stream, &number, 0, &error);
        shmrpc_stub_stream_close(t.stream);
        _exit(sent == SHMRPC_E_INVALID ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void stream_is_used_after_its_client(void **state)
{
    (void)state;
    int status = close_late("0");
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    status = close_late("1");
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(items_come_by_dispatch, begin, end),
        cmocka_unit_test_setup_teardown(all_items_come_before_the_error, begin,
                                        end),
        cmocka_unit_test_setup_teardown(uploads_go_in_pieces, begin, end),
        cmocka_unit_test_setup_teardown(both_ways_at_once, begin, end),
        cmocka_unit_test_setup_teardown(two_streams_and_a_call, begin, end),
        cmocka_unit_test_setup_teardown(a_pause_lasts, begin, end),
        cmocka_unit_test_setup_teardown(who_is_told_may_close, begin, end),
        cmocka_unit_test_setup_teardown(a_handler_that_wants_no_more, begin,
                                        end),
        cmocka_unit_test_setup_teardown(time_passes, begin, end),
        cmocka_unit_test_setup_teardown(wrong_use, begin, end),
        cmocka_unit_test_setup_teardown(client_is_closed_before_its_stream,
                                        begin, end),
        cmocka_unit_test_setup_teardown(
            client_is_closed_before_its_call_is_taken, begin, end),
        cmocka_unit_test(stream_is_used_after_its_client),
    };
    return over_all(tests, sizeof tests / sizeof *tests, false);
}

/* Streams of calls, for transports that have them. */
#include "suite.h"

#include "../reaction.h"

#define WINDOW   ((uint32_t)8 << 10)
#define LARGEST  ((size_t)100 << 10)
#define THREADED 2000u

#define BULK_WINDOW ((uint32_t)256 << 10)

/* Time limits for reporting a deadlock, and for refusing a stream beyond the
 * limit. */
#define DEADLOCK_NS (100 * SHMRPCI_NS_PER_MS)
#define REFUSED_NS  (1 * SHMRPCI_NS_PER_MS)

/* A call with streams; the case controls both ends. */
typedef struct pair {
    fixture f;
    const shmrpci_stream_ops *ops;
    shmrpci_conn *conn;
    shmrpci_call call;
    shmrpci_participant *worker;
    shmrpci_request request;
    shmrpci_stream *here;  /* the client's end */
    shmrpci_stream *there; /* the worker's end */
} pair;

static int64_t soon(void)
{
    return shmrpci_deadline_after(PATIENCE_NS);
}

/* Opens a call with streams on the connection; `in` and `out` are the sizes of
 * their windows. */
static int try_open(pair *p, shmrpci_call *call, uint32_t in, uint32_t out,
                    shmrpci_stream **stream, shmrpc_error *error)
{
    const shmrpci_client_ops *client = p->f.transport->client;
    const shmrpci_stream_opts opts = {
        .in_bytes = in, .out_bytes = out, .max_item_bytes = LARGEST};
    assert_int_equal(client->reserve(p->conn, call, 4, 4, soon(), error),
                     SHMRPC_OK);
    shmrpci_buf_append_text(&call->out, "what");
    call->head =
        (shmrpci_head){.method = METHOD_ECHO, .timeout_ns = 10 * PATIENCE_NS};
    return p->ops->open(call, &opts, stream, error);
}

static void begin(pair *p, uint32_t in, uint32_t out)
{
    *p = (pair){.conn = NULL};
    fixture_start(&p->f, 0);
    p->ops = p->f.transport->streams;
    p->conn = client_connect(&p->f, "hi");
    shmrpc_error error = {0};
    assert_int_equal(try_open(p, &p->call, in, out, &p->here, &error),
                     SHMRPC_OK);
    p->worker = worker_open(&p->f, 0);
    worker_next(p->worker, &p->request);
    assert_true((p->request.head.flags & SHMRPCI_HEAD_STREAMS) != 0);
    assert_int_equal(p->request.in_len, 4);
    assert_memory_equal(p->request.in, "what", 4);
    assert_int_equal(p->ops->accept(&p->request, 0, &p->there, &error),
                     SHMRPC_OK);
}

/* Closes both ends, except those that are NULL because the case has closed
 * them, and stops the fixture. */
static void end(pair *p)
{
    if (p->there != NULL) {
        p->ops->close(p->there);
        worker_reply(&p->request, "done", 4);
    }
    if (p->here != NULL) {
        p->ops->close(p->here);
        expect_reply(&p->call, "done", 4);
    }
    p->f.transport->worker->participant_close(p->worker);
    p->f.transport->client->disconnect(p->conn);
    fixture_stop(&p->f);
}

static int put(const pair *p, shmrpci_stream *from, size_t len, uint8_t seed,
               int64_t deadline_ns)
{
    uint8_t *bytes = malloc(len + 1);
    assert_non_null(bytes);
    pattern_fill(bytes, len, seed);
    int status = p->ops->send(from, bytes, len, deadline_ns, false);
    free(bytes);
    return status;
}

static void expect(const pair *p, shmrpci_stream *at, size_t len, uint8_t seed)
{
    shmrpci_stream_item item;
    assert_int_equal(p->ops->next(at, soon(), &item), SHMRPC_MORE);
    assert_int_equal(item.len, len);
    assert_true(pattern_is(item.data, item.len, seed));
}

static void expect_end(const pair *p, shmrpci_stream *at, int status)
{
    shmrpci_stream_item item;
    assert_int_equal(p->ops->next(at, soon(), &item), status);
}

/* ---- items ----------------------------------------------------------------
 */

static void items_come_in_order_then_the_end_then_the_reply(void **state)
{
    (void)state;
    pair p;
    begin(&p, 0, WINDOW);
    for (unsigned i = 0; i < 300; i++) {
        size_t len = i % 100 * 7;
        assert_int_equal(put(&p, p.there, len, (uint8_t)i, soon()), SHMRPC_OK);
        expect(&p, p.here, len, (uint8_t)i);
    }
    assert_int_equal(put(&p, p.there, 10, 1, soon()), SHMRPC_OK);
    assert_int_equal(put(&p, p.there, 20, 2, soon()), SHMRPC_OK);
    p.ops->close(p.there);
    p.there = NULL;
    worker_reply(&p.request, "done", 4);
    expect(&p, p.here, 10, 1);
    expect(&p, p.here, 20, 2);
    expect_end(&p, p.here, SHMRPC_OK);
    end(&p);
}

static void client_sends_and_ends(void **state)
{
    (void)state;
    pair p;
    begin(&p, WINDOW, 0);
    assert_int_equal(put(&p, p.here, 100, 5, soon()), SHMRPC_OK);
    assert_int_equal(put(&p, p.here, 0, 6, soon()), SHMRPC_OK);
    p.ops->finish(p.here);
    assert_int_equal(put(&p, p.here, 1, 7, soon()), SHMRPC_E_PRECONDITION);
    expect(&p, p.there, 100, 5);
    expect(&p, p.there, 0, 6);
    expect_end(&p, p.there, SHMRPC_OK);
    end(&p);
}

static void both_ways_at_once(void **state)
{
    (void)state;
    pair p;
    begin(&p, WINDOW, WINDOW);
    for (uint8_t i = 0; i < 200; i++) {
        assert_int_equal(put(&p, p.here, i, i, soon()), SHMRPC_OK);
        expect(&p, p.there, i, i);
        assert_int_equal(put(&p, p.there, 255u - i, i, soon()), SHMRPC_OK);
        expect(&p, p.here, 255u - i, i);
    }
    p.ops->finish(p.here);
    expect_end(&p, p.there, SHMRPC_OK);
    assert_int_equal(put(&p, p.there, 9, 9, soon()), SHMRPC_OK);
    expect(&p, p.here, 9, 9);
    p.ops->finish(p.there);
    expect_end(&p, p.here, SHMRPC_OK);
    end(&p);
}

/* Sends an item written in place, if the transport can lend memory. */
static int put_lent(const pair *p, shmrpci_stream *from, size_t len,
                    uint8_t seed)
{
    const shmrpci_lend_ops *lends = p->f.transport->lends;
    uint8_t *at;
    if (lends == NULL) {
        return put(p, from, len, seed, soon());
    }
    int status = lends->lend(from, len, soon(), false, &at);
    if (status == SHMRPC_OK) {
        pattern_fill(at, len, seed);
        status = lends->commit(from, len);
    }
    return status;
}

static void lent_items_come_as_others(void **state)
{
    (void)state;
    pair p;
    begin(&p, WINDOW, WINDOW);
    const shmrpci_lend_ops *lends = p.f.transport->lends;
    for (unsigned i = 0; i < 300; i++) {
        size_t len = i * 7 % 1800;
        assert_int_equal(put_lent(&p, p.there, len, (uint8_t)i), SHMRPC_OK);
        expect(&p, p.here, len, (uint8_t)i);
        assert_int_equal(put_lent(&p, p.here, len, (uint8_t)i), SHMRPC_OK);
        expect(&p, p.there, len, (uint8_t)i);
    }
    if (lends != NULL) {
        uint8_t *at;
        assert_int_equal(lends->lend(p.here, WINDOW, soon(), false, &at),
                         SHMRPC_E_TOO_LARGE);
        assert_int_equal(lends->lend(p.here, 10, soon(), false, &at),
                         SHMRPC_OK);
        assert_int_equal(put(&p, p.here, 1, 1, 0), SHMRPC_E_PRECONDITION);
        lends->abort(p.here);
        assert_int_equal(put(&p, p.here, 1, 1, 0), SHMRPC_OK);
        expect(&p, p.there, 1, 1);
        assert_int_equal(lends->lend(p.here, 10, soon(), false, &at),
                         SHMRPC_OK);
    }
    p.ops->finish(p.here);
    expect_end(&p, p.there, SHMRPC_OK);
    end(&p);
}

/* Waits until `delivered` reports exactly `count` items as read. */
static void expect_delivered(const pair *p, shmrpci_stream *from,
                             uint64_t count)
{
    int64_t late_ns = soon();
    while (p->ops->delivered(from) < count && shmrpci_now_ns() < late_ns) {
        shmrpci_thread_yield();
    }
    assert_int_equal(p->ops->delivered(from), count);
}

static void delivered_is_what_the_reader_let_go_of(void **state)
{
    (void)state;
    pair p;
    bool is_direct = suite_windows == 1;
    begin(&p, WINDOW, 0);
    for (uint8_t i = 0; i < 20; i++) {
        assert_int_equal(put(&p, p.here, i, i, soon()), SHMRPC_OK);
    }
    assert_true(!is_direct || p.ops->delivered(p.here) == 0);
    for (uint8_t i = 0; i < 20; i++) {
        expect(&p, p.there, i, i);
        assert_true(!is_direct || p.ops->delivered(p.here) <= i);
    }
    p.ops->finish(p.here);
    expect_end(&p, p.there, SHMRPC_OK);
    p.ops->close(p.there);
    p.there = NULL;
    worker_reply(&p.request, "done", 4);
    expect_delivered(&p, p.here, 20);
    end(&p);
}

typedef struct sender {
    const pair *p;
    shmrpci_stream *from;
    int status;
    /* When the last send began, when the send before it began, and when the
     * last send failed. */
    int64_t since_ns;
    int64_t before_ns;
    int64_t told_ns;
} sender;

static size_t length_of(unsigned i)
{
    return i % 50 == 49 ? LARGEST - i % 7 : i * 37u % 3000u;
}

static void send_all(void *user)
{
    sender *s = user;
    uint8_t *bytes = malloc(LARGEST);
    s->status = bytes != NULL ? SHMRPC_OK : SHMRPC_E_NO_MEMORY;
    for (unsigned i = 0; s->status == SHMRPC_OK && i < THREADED; i++) {
        pattern_fill(bytes, length_of(i), (uint8_t)i);
        s->status =
            s->p->ops->send(s->from, bytes, length_of(i), soon(), false);
    }
    if (s->status == SHMRPC_OK) {
        s->p->ops->finish(s->from);
    }
    free(bytes);
}

static shmrpci_thread in_a_thread(void (*run)(void *), sender *s)
{
    shmrpci_thread thread;
    assert_int_equal(shmrpci_thread_create(&thread, "other end", run, s),
                     SHMRPC_OK);
    return thread;
}

static void items_larger_than_the_window_come_whole(void **state)
{
    (void)state;
    pair p;
    begin(&p, WINDOW, WINDOW);
    sender down = {.p = &p, .from = p.there};
    shmrpci_thread thread = in_a_thread(send_all, &down);
    for (unsigned i = 0; i < THREADED; i++) {
        expect(&p, p.here, length_of(i), (uint8_t)i);
    }
    expect_end(&p, p.here, SHMRPC_OK);
    shmrpci_thread_join(&thread);
    assert_int_equal(down.status, SHMRPC_OK);
    assert_int_equal(put(&p, p.here, LARGEST + 1, 1, soon()),
                     SHMRPC_E_TOO_LARGE);
    end(&p);
}

/* Items of equal length that begin with their number. */
typedef struct bulk {
    pair p;
    uint64_t count;
    size_t len;
    int status;
} bulk;

static void send_bulk(void *user)
{
    bulk *b = user;
    uint8_t *bytes = malloc(b->len);
    b->status = bytes != NULL ? SHMRPC_OK : SHMRPC_E_NO_MEMORY;
    if (bytes != NULL) {
        pattern_fill(bytes, b->len, 1);
    }
    for (uint64_t i = 0; b->status == SHMRPC_OK && i < b->count; i++) {
        memcpy(bytes, &i, sizeof i);
        b->status = b->p.ops->send(b->p.there, bytes, b->len, soon(), false);
    }
    if (b->status == SHMRPC_OK) {
        b->p.ops->finish(b->p.there);
    }
    free(bytes);
}

/* Compares the number in each item, and all bytes of every 64th item. */
static void expect_bulk(const bulk *b)
{
    uint8_t *bytes = malloc(b->len);
    assert_non_null(bytes);
    pattern_fill(bytes, b->len, 1);
    for (uint64_t i = 0; i < b->count; i++) {
        shmrpci_stream_item item;
        assert_int_equal(b->p.ops->next(b->p.here, soon(), &item), SHMRPC_MORE);
        assert_int_equal(item.len, b->len);
        memcpy(bytes, &i, sizeof i);
        assert_memory_equal(item.data, bytes, i % 64 == 0 ? b->len : sizeof i);
    }
    free(bytes);
    expect_end(&b->p, b->p.here, SHMRPC_OK);
}

static void comes_in_bulk(uint64_t count, size_t len)
{
    bulk b = {.count = count, .len = len};
    shmrpci_thread thread;
    begin(&b.p, 0, BULK_WINDOW);
    assert_int_equal(shmrpci_thread_create(&thread, "other end", send_bulk, &b),
                     SHMRPC_OK);
    expect_bulk(&b);
    shmrpci_thread_join(&thread);
    assert_int_equal(b.status, SHMRPC_OK);
    end(&b.p);
}

static void a_million_items_come_in_order(void **state)
{
    (void)state;
    comes_in_bulk(suite_is_long() ? 1000000 : 2000, 64);
}

static void a_gibibyte_comes_whole(void **state)
{
    (void)state;
    comes_in_bulk(suite_is_long() ? 16384 : 64, (size_t)64 << 10);
}

/* ---- room and time --------------------------------------------------------
 */

static void without_room_it_is_BUSY_or_late(void **state)
{
    (void)state;
    pair p;
    begin(&p, WINDOW, WINDOW);
    unsigned count = 0;
    int status;
    while ((status = put(&p, p.there, 100, (uint8_t)count, 0)) == SHMRPC_OK) {
        assert_true(++count < suite_windows * WINDOW / 100);
    }
    assert_int_equal(status, SHMRPC_E_BUSY);
    while ((status = put(&p, p.there, 100, (uint8_t)count,
                         shmrpci_now_ns() + SHMRPCI_NS_PER_MS)) == SHMRPC_OK) {
        assert_true(++count < suite_windows * WINDOW / 100);
    }
    assert_int_equal(status, SHMRPC_E_DEADLINE);
    /* The other direction has its own room. */
    assert_int_equal(put(&p, p.here, 1000, 1, 0), SHMRPC_OK);
    for (unsigned i = 0; i < count; i++) {
        expect(&p, p.here, 100, (uint8_t)i);
    }
    shmrpci_stream_item item;
    assert_int_equal(p.ops->next(p.here, 0, &item), SHMRPC_E_BUSY);
    assert_int_equal(
        p.ops->next(p.here, shmrpci_now_ns() + SHMRPCI_NS_PER_MS, &item),
        SHMRPC_E_DEADLINE);
    assert_int_equal(put(&p, p.there, 100, 1, soon()), SHMRPC_OK);
    expect(&p, p.here, 100, 1);
    end(&p);
}

static void flood(void *user)
{
    sender *s = user;
    uint8_t bytes[500] = {0};
    do {
        s->before_ns = s->since_ns;
        s->since_ns = shmrpci_now_ns();
        s->status = s->p->ops->send(s->from, bytes, sizeof bytes, soon(), true);
    } while (s->status == SHMRPC_OK);
    s->told_ns = shmrpci_now_ns();
    if (s->status == SHMRPC_E_ABORTED) {
        /* Closes its end like a handler that returns the status. */
        s->p->ops->close(s->from);
    }
}

/* `s` was waiting in a send at `told_ns`; returns when that send began. Usually
 * it was the last send. If the last send began after `told_ns`, because the
 * other side's close had made room, it was the send before. */
static int64_t waited_since(const sender *s, int64_t told_ns)
{
    return s->since_ns <= told_ns ? s->since_ns : s->before_ns;
}

/* Returns the time from the moment at which both sides waited to the moment at
 * which the first of them got ABORTED. */
static int64_t told_after(const sender *a, const sender *b)
{
    int64_t told_ns = INT64_MAX;
    if (a->status == SHMRPC_E_ABORTED) {
        told_ns = a->told_ns;
    }
    if (b->status == SHMRPC_E_ABORTED && b->told_ns < told_ns) {
        told_ns = b->told_ns;
    }
    int64_t since_a_ns = waited_since(a, told_ns);
    int64_t since_b_ns = waited_since(b, told_ns);
    return told_ns - (since_a_ns > since_b_ns ? since_a_ns : since_b_ns);
}

static int64_t send_both_ways(void *user)
{
    (void)user;
    pair p;
    begin(&p, WINDOW, WINDOW);
    sender down = {.p = &p, .from = p.there};
    sender up = {.p = &p, .from = p.here};
    shmrpci_thread thread = in_a_thread(flood, &down);
    flood(&up);
    p.here = up.status == SHMRPC_E_ABORTED ? NULL : p.here;
    shmrpci_thread_join(&thread);
    p.there = down.status == SHMRPC_E_ABORTED ? NULL : p.there;
    assert_true(up.status == SHMRPC_E_ABORTED ||
                down.status == SHMRPC_E_ABORTED);
    assert_true(up.status == SHMRPC_E_ABORTED ||
                up.status == SHMRPC_E_CANCELLED);
    assert_true(down.status == SHMRPC_E_ABORTED ||
                down.status == SHMRPC_E_CANCELLED);
    if (p.there != NULL) {
        p.ops->close(p.there);
        p.there = NULL;
    }
    worker_reply(&p.request, "done", 4);
    if (p.here == NULL) {
        expect_reply(&p.call, "done", 4);
    }
    end(&p);
    return told_after(&up, &down);
}

static void two_that_only_send_are_ABORTED(void **state)
{
    (void)state;
    /* Each end waits twice and notifies the other one through the reading
     * thread; so does each relay. */
    expect_reaction_of(8 * (int64_t)suite_windows, send_both_ways, NULL, 0,
                       DEADLOCK_NS);
}

/* Opens one stream more than allowed; returns how long the refusal took. */
static int64_t be_refused(void *user)
{
    pair *p = user;
    shmrpci_call call;
    shmrpci_stream *stream;
    shmrpc_error error = {0};
    int64_t began_ns = shmrpci_now_ns();
    int status = try_open(p, &call, WINDOW, 0, &stream, &error);
    int64_t took_ns = shmrpci_now_ns() - began_ns;
    assert_int_equal(status, SHMRPC_E_EXHAUSTED);
    return took_ns;
}

static void streams_leave_slots_to_calls(void **state)
{
    (void)state;
    pair p;
    shmrpci_call calls[SHMRPCI_STREAMS_MAX];
    shmrpci_stream *streams[SHMRPCI_STREAMS_MAX] = {NULL};
    shmrpc_error error = {0};
    begin(&p, 0, WINDOW);
    unsigned count = 0;
    int status;
    while ((status = try_open(&p, &calls[count], WINDOW, 0, &streams[count],
                              &error)) == SHMRPC_OK) {
        assert_true(++count < SHMRPCI_STREAMS_MAX);
    }
    assert_int_equal(status, SHMRPC_E_EXHAUSTED);
    assert_non_null(strstr(error.message, "48 of 48 streams"));
    assert_int_equal(count, SHMRPCI_STREAMS_MAX - 1);
    expect_reaction(be_refused, &p, 0, REFUSED_NS);
    for (unsigned i = 0; i < count; i++) {
        p.ops->close(streams[i]);
        assert_true(p.f.transport->client->cancel(&calls[i]));
    }
    fixture_start_workers(&p.f, 2);
    assert_int_equal(client_echo(p.conn, 10, 1), SHMRPC_OK);
    end(&p);
}

/* One of two workers stays free for calls. */
static void streams_leave_places_to_calls(void **state)
{
    (void)state;
    pair p;
    shmrpci_call call;
    shmrpci_stream *stream;
    shmrpci_stream *there = NULL;
    shmrpci_request request = {0};
    shmrpc_error error = {0};
    begin(&p, 0, WINDOW);
    shmrpci_participant *worker = worker_open(&p.f, 1);
    assert_int_equal(try_open(&p, &call, 0, WINDOW, &stream, &error),
                     SHMRPC_OK);
    worker_next(worker, &request);
    assert_int_equal(p.ops->accept(&request, 0, &there, &error),
                     SHMRPC_E_EXHAUSTED);
    assert_string_equal(error.message, "1 of 1 stream places taken");
    /* The stream is accepted if 2 places are allowed. */
    assert_int_equal(p.ops->accept(&request, 2, &there, &error), SHMRPC_OK);
    p.ops->close(there);
    worker_reply(&request, "two", 3);
    p.ops->close(stream);
    expect_reply(&call, "two", 3);
    /* The place is free again. */
    assert_int_equal(try_open(&p, &call, 0, WINDOW, &stream, &error),
                     SHMRPC_OK);
    worker_next(worker, &request);
    assert_int_equal(p.ops->accept(&request, 2, &there, &error), SHMRPC_OK);
    p.ops->close(there);
    worker_reply(&request, "two", 3);
    p.ops->close(stream);
    expect_reply(&call, "two", 3);
    p.f.transport->worker->participant_close(worker);
    end(&p);
}

/* ---- ends -----------------------------------------------------------------
 */

static void client_that_closes_cancels(void **state)
{
    (void)state;
    pair p;
    begin(&p, WINDOW, WINDOW);
    assert_int_equal(put(&p, p.here, 10, 1, soon()), SHMRPC_OK);
    p.ops->close(p.here);
    p.here = NULL;
    (void)p.f.transport->client->cancel(&p.call);
    assert_true(p.f.transport->worker->is_cancelled(&p.request));
    expect(&p, p.there, 10, 1);
    expect_end(&p, p.there, SHMRPC_E_CANCELLED);
    assert_int_equal(put(&p, p.there, 1, 1, soon()), SHMRPC_E_CANCELLED);
    end(&p);
}

static void client_that_goes_wakes_a_worker_that_sends(void **state)
{
    (void)state;
    pair p;
    begin(&p, 0, WINDOW);
    sender down = {.p = &p, .from = p.there};
    shmrpci_thread thread = in_a_thread(send_all, &down);
    expect(&p, p.here, length_of(0), 0);
    p.ops->close(p.here);
    p.here = NULL;
    (void)p.f.transport->client->cancel(&p.call);
    shmrpci_thread_join(&thread);
    assert_int_equal(down.status, SHMRPC_E_CANCELLED);
    end(&p);
}

static void worker_that_returns_early_ends_the_clients_send(void **state)
{
    (void)state;
    pair p;
    begin(&p, WINDOW, 0);
    sender up = {.p = &p, .from = p.here};
    shmrpci_thread thread = in_a_thread(send_all, &up);
    expect(&p, p.there, length_of(0), 0);
    p.ops->close(p.there);
    p.there = NULL;
    worker_reply(&p.request, "done", 4);
    shmrpci_thread_join(&thread);
    assert_int_equal(up.status, SHMRPC_E_CANCELLED);
    end(&p);
}

/* If a request is refused, no handler runs that would end its streams. */
static void reply_ends_streams_that_nobody_took(void **state)
{
    (void)state;
    pair p;
    begin(&p, WINDOW, WINDOW);
    shmrpci_call call;
    shmrpci_stream *stream;
    shmrpci_request request = {0};
    shmrpc_error error;
    assert_int_equal(try_open(&p, &call, WINDOW, WINDOW, &stream, &error),
                     SHMRPC_OK);
    shmrpci_participant *worker = worker_open(&p.f, 1);
    worker_next(worker, &request);
    worker_reply(&request, "no", 2);
    expect_end(&p, stream, SHMRPC_E_CANCELLED);
    assert_int_equal(put(&p, stream, 1, 1, soon()), SHMRPC_E_CANCELLED);
    p.ops->close(stream);
    expect_reply(&call, "no", 2);
    p.f.transport->worker->participant_close(worker);
    end(&p);
}

/* All items that the worker sent before it died arrive before the error. */
static void dead_worker_ends_the_stream(void **state)
{
    (void)state;
    pair p;
    begin(&p, WINDOW, WINDOW);
    assert_int_equal(put(&p, p.there, 10, 1, soon()), SHMRPC_OK);
    p.f.transport->listener->recover(p.f.listener, 0);
    expect(&p, p.here, 10, 1);
    expect_end(&p, p.here, SHMRPC_E_CANCELLED);
    assert_int_equal(put(&p, p.here, 1, 1, soon()), SHMRPC_E_CANCELLED);
    assert_int_equal(p.f.transport->client->receive(&p.call, soon()),
                     SHMRPC_E_WORKER_DIED);
    p.ops->close(p.here);
    p.here = NULL;
    p.ops->close(p.there);
    p.there = NULL;
    end(&p);
}

static void server_that_ends_wakes_a_client_that_reads(void **state)
{
    (void)state;
    pair p;
    begin(&p, 0, WINDOW);
    assert_int_equal(put(&p, p.there, 33, 1, soon()), SHMRPC_OK);
    p.ops->close(p.there);
    p.f.transport->worker->participant_close(p.worker);
    fixture_stop(&p.f);
    expect(&p, p.here, 33, 1);
    shmrpci_stream_item item;
    (void)p.ops->next(p.here, soon(), &item);
    int status = p.f.transport->client->receive(&p.call, soon());
    assert_true(status == SHMRPC_E_SERVER_LOST ||
                status == SHMRPC_E_WORKER_DIED);
    p.ops->close(p.here);
    p.f.transport->client->disconnect(p.conn);
}

const struct CMUnitTest suite_stream_cases[] = {
    cmocka_unit_test(items_come_in_order_then_the_end_then_the_reply),
    cmocka_unit_test(client_sends_and_ends),
    cmocka_unit_test(both_ways_at_once),
    cmocka_unit_test(lent_items_come_as_others),
    cmocka_unit_test(delivered_is_what_the_reader_let_go_of),
    cmocka_unit_test(items_larger_than_the_window_come_whole),
    cmocka_unit_test(a_million_items_come_in_order),
    cmocka_unit_test(a_gibibyte_comes_whole),
    cmocka_unit_test(without_room_it_is_BUSY_or_late),
    cmocka_unit_test(two_that_only_send_are_ABORTED),
    cmocka_unit_test(streams_leave_slots_to_calls),
    cmocka_unit_test(streams_leave_places_to_calls),
    cmocka_unit_test(client_that_closes_cancels),
    cmocka_unit_test(client_that_goes_wakes_a_worker_that_sends),
    cmocka_unit_test(worker_that_returns_early_ends_the_clients_send),
    cmocka_unit_test(reply_ends_streams_that_nobody_took),
    cmocka_unit_test(dead_worker_ends_the_stream),
    cmocka_unit_test(server_that_ends_wakes_a_client_that_reads),
};
const size_t suite_stream_case_count =
    sizeof suite_stream_cases / sizeof suite_stream_cases[0];

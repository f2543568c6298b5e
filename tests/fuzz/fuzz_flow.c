/*
 * Stream messages from a malicious peer, at either end, while the users of the
 * streams send, read and close. The first byte chooses the end; after that each
 * step is a byte and its arguments. Buffered data must stay within the credit
 * given, items must arrive in order, and nothing may be lost unless the peer
 * lied.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/tcp/flow.h"

#define STREAMS  4u
#define WINDOW   TCP_WINDOW_MIN_BYTES
#define MAX_ITEM ((size_t)200000)

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    abort();
}

/* ---- a connection without a socket --------------------------------------- */

static bool wait_for(tcp_flow *flow, shmrpci_cond *cond, int64_t deadline_ns)
{
    (void)flow, (void)cond, (void)deadline_ns;
    return false;
}

static void do_nothing(tcp_flow *flow)
{
    (void)flow;
}

static int64_t kept;

static bool keep(tcp_flow *flow, int64_t bytes)
{
    (void)flow;
    if (kept + bytes > 512 * 1024) {
        return false;
    }
    kept += bytes;
    return true;
}

static const tcp_flow_ops ops = {.wait = wait_for,
                                 .leave = do_nothing,
                                 .flush = do_nothing,
                                 .hold = do_nothing,
                                 .keep = keep};

/* ---- operations ---------------------------------------------------------- */

typedef struct user {
    shmrpci_stream *stream; /* NULL: closed */
    bool has_call;          /* the call is in the flow */
    uint64_t sum;           /* checksum of the items that were read */
} user;

typedef struct scene {
    shmrpci_mutex lock;
    tcp_outbox outbox;
    tcp_flow flow;
    user users[STREAMS];
    const uint8_t *data;
    size_t len;
} scene;

static uint8_t get(scene *s)
{
    if (s->len == 0) {
        return 0;
    }
    s->len--;
    return *s->data++;
}

static void open_all(scene *s)
{
    for (uint32_t i = 0; i < STREAMS; i++) {
        const tcp_windows windows = {.in = i != 2 ? WINDOW : 0,
                                     .out = i != 1 ? WINDOW : 0};
        user *u = &s->users[i];
        u->stream = tcp_flow_open(&s->flow, i + 1, &windows, MAX_ITEM);
        if (u->stream == NULL) {
            fail("out of memory");
        }
        tcp_stream_ref(u->stream);
        u->has_call = true;
    }
}

/* Passes on a frame as the reader does. */
static void receive(scene *s)
{
    static const uint8_t types[] = {TCP_ITEM, TCP_ITEM, TCP_STREAM_END,
                                    TCP_WINDOW};
    tcp_head head = {.type = types[get(s) & 3], .flags = get(s)};
    head.call = get(s) % (STREAMS + 2);
    head.status = (int8_t)get(s);
    uint8_t how = get(s);
    head.value = how < 200 ? how : UINT64_MAX >> (how & 63);
    if (head.type == TCP_ITEM) {
        size_t wanted = (size_t)get(s) << (get(s) & 15);
        head.status = 0;
        head.len = (uint32_t)(wanted < s->len ? wanted : s->len);
        if (how == 255 && head.call >= 1 && head.call <= STREAMS &&
            s->users[head.call - 1].stream != NULL) {
            /* The number that an honest peer would send. */
            head.value = s->users[head.call - 1].stream->next_number;
        }
    }
    tcp_body body = {.data = s->data, .len = head.len};
    if (tcp_head_check(&head,
                       s->flow.is_server ? TCP_FROM_CLIENT : TCP_FROM_SERVER,
                       MAX_ITEM, TCP_FEATURES) == TCP_END_NONE) {
        (void)tcp_flow_frame(&s->flow, &head, &body);
        s->data += head.len;
        s->len -= head.len;
    }
}

static void read_item(user *u)
{
    shmrpci_stream_item item;
    if (u->stream != NULL &&
        tcp_stream_next(u->stream, 0, &item) == SHMRPC_MORE) {
        if (item.len > MAX_ITEM) {
            fail("an item larger than agreed");
        }
        for (size_t i = 0; i < item.len; i++) {
            u->sum += item.data[i];
        }
    }
}

static void write_item(scene *s, user *u)
{
    static const uint8_t bytes[MAX_ITEM];
    size_t len = (size_t)get(s) << (get(s) & 15);
    if (u->stream != NULL) {
        (void)tcp_stream_send(u->stream, bytes, len % MAX_ITEM, 0, true);
    }
}

static void end_call(scene *s, user *u)
{
    if (u->has_call) {
        shmrpci_mutex_lock(&s->lock);
        tcp_stream_leave(u->stream);
        shmrpci_mutex_unlock(&s->lock);
        u->has_call = false;
    }
}

/* Ends the call first, because end_call needs the stream, which close frees. */
static void close_user(scene *s, user *u)
{
    if (u->stream != NULL) {
        end_call(s, u);
        tcp_stream_close(u->stream);
        u->stream = NULL;
    }
}

static void step(scene *s)
{
    uint8_t what = get(s);
    user *u = &s->users[what >> 4 & 3];
    switch (what & 15) {
    case 0:
        close_user(s, u);
        break;
    case 1:
        end_call(s, u);
        break;
    case 2:
        if (u->stream != NULL) {
            tcp_stream_finish(u->stream);
        }
        break;
    case 3:
        write_item(s, u);
        break;
    case 4:
    case 5:
    case 6:
    case 7:
        read_item(u);
        break;
    default:
        receive(s);
        break;
    }
}

/* Checks that no more is buffered than the credit allows, plus one item. */
static void check(const scene *s)
{
    int64_t all = 0;
    for (uint32_t i = 0; i < STREAMS; i++) {
        const shmrpci_stream *stream = s->users[i].stream;
        if (stream == NULL) {
            continue;
        }
        all += stream->held;
        if (stream->held < 0 || stream->lent > stream->held ||
            stream->held > (int64_t)(WINDOW + 2 * MAX_ITEM)) {
            fail("a stream keeps more than its credit");
        }
        if (stream->credit > (int64_t)WINDOW) {
            fail("more credit than a window");
        }
    }
    if (all != s->flow.held || s->flow.credit > (int64_t)TCP_FLOW_BYTES) {
        fail("streams and connection count differently");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    scene s = {.data = data, .len = len};
    kept = 0;
    uint8_t how = get(&s);
    shmrpci_mutex_init(&s.lock);
    tcp_outbox_init(&s.outbox, -1);
    tcp_outbox_fail(&s.outbox); /* nothing is really sent */
    tcp_flow_init(&s.flow, &ops, &s.lock, &s.outbox);
    s.flow.is_server = (how & 1) != 0;
    s.flow.compression = (how & 2) != 0   ? SHMRPC_COMPRESSION_ZLIB
                         : (how & 4) != 0 ? SHMRPC_COMPRESSION_SNAPPY
                                          : SHMRPC_COMPRESSION_NONE;
    open_all(&s);
    while (s.len > 0) {
        step(&s);
        check(&s);
    }
    for (uint32_t i = 0; i < STREAMS; i++) {
        close_user(&s, &s.users[i]);
    }
    if (s.flow.held != 0 || s.flow.streams != NULL) {
        fail("closed streams left something behind");
    }
    tcp_flow_fini(&s.flow);
    tcp_outbox_fini(&s.outbox);
    shmrpci_mutex_fini(&s.lock);
    return 0;
}

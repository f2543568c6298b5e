/* ZeroMQ: REQ and REP over a unix socket; the server sends back the message
 * that it received. */
#include <string.h>
#include <zmq.h>

#include "peer.h"

static void must(int result, const char *what)
{
    if (result < 0) {
        bench_fail("%s: %s", what, zmq_strerror(zmq_errno()));
    }
}

static void *open_socket(int type)
{
    void *const s = zmq_socket(zmq_ctx_new(), type);
    must(s != NULL ? 0 : -1, "zmq_socket");
    return s;
}

static void serve(const char *address)
{
    void *const s = open_socket(ZMQ_REP);
    must(zmq_bind(s, address), "zmq_bind");
    bench_ready();
    for (;;) {
        zmq_msg_t message;
        must(zmq_msg_init(&message), "zmq_msg_init");
        must(zmq_msg_recv(&message, s, 0), "zmq_msg_recv");
        must(zmq_msg_send(&message, s, 0), "zmq_msg_send");
    }
}

static void *dial(const char *address)
{
    void *const s = open_socket(ZMQ_REQ);
    must(zmq_connect(s, address), "zmq_connect");
    return s;
}

static void call(void *s, const peer_message *m)
{
    zmq_msg_t reply;
    must(zmq_send(s, m->request, m->size, 0), "zmq_send");
    must(zmq_msg_init(&reply), "zmq_msg_init");
    must(zmq_msg_recv(&reply, s, 0), "zmq_msg_recv");
    peer_check(m, zmq_msg_data(&reply), zmq_msg_size(&reply));
    zmq_msg_close(&reply);
}

/* ---- many in flight: DEALER and ROUTER ----------------------------------- */

static void serve_router(const char *address)
{
    void *const s = open_socket(ZMQ_ROUTER);
    must(zmq_bind(s, address), "zmq_bind");
    bench_ready();
    for (;;) {
        zmq_msg_t part;
        int more = 1;
        while (more) { /* the sender's identity, then the message */
            must(zmq_msg_init(&part), "zmq_msg_init");
            must(zmq_msg_recv(&part, s, 0), "zmq_msg_recv");
            more = zmq_msg_more(&part);
            must(zmq_msg_send(&part, s, more ? ZMQ_SNDMORE : 0),
                 "zmq_msg_send");
        }
    }
}

static void *dial_dealer(const char *address)
{
    void *const s = open_socket(ZMQ_DEALER);
    must(zmq_connect(s, address), "zmq_connect");
    return s;
}

static void start(void *s, const peer_message *m)
{
    must(zmq_send(s, m->request, m->size, 0), "zmq_send");
}

static void finish(void *s, const peer_message *m)
{
    zmq_msg_t reply;
    must(zmq_msg_init(&reply), "zmq_msg_init");
    must(zmq_msg_recv(&reply, s, 0), "zmq_msg_recv");
    peer_check(m, zmq_msg_data(&reply), zmq_msg_size(&reply));
    zmq_msg_close(&reply);
}

static const peer who = {"ipc://", serve, dial, call, NULL};
static const peer who_tcp = {"tcp://127.0.0.1:", serve, dial, call, NULL};
static const peer who_pipelined = {
    "tcp://127.0.0.1:", serve_router, dial_dealer, NULL, NULL, start, finish};

static const bench_case cases[] = {
    PEER_CASES("zeromq", "ZeroMQ, REQ and REP over a unix socket", who),
    PEER_TCP_CASES("zeromq", "ZeroMQ, REQ and REP over TCP", who_tcp),
    PEER_TCP_PIPELINE("zeromq", "ZeroMQ, DEALER and ROUTER", who_pipelined)};

const bench_suite zeromq = {cases, sizeof cases / sizeof *cases};

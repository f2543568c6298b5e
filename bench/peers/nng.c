/* nng: REQ and REP over a unix socket; the server sends back the message that
 * it received. */
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <string.h>

#include "peer.h"

static void must(int error, const char *what)
{
    if (error != 0) {
        bench_fail("%s: %s", what, nng_strerror(error));
    }
}

static void serve(const char *address)
{
    nng_socket s;
    nng_msg *message;
    must(nng_rep0_open(&s), "nng_rep0_open");
    must(nng_socket_set_size(s, NNG_OPT_RECVMAXSZ, 0), "nng_socket_set_size");
    must(nng_listen(s, address, NULL, 0), "nng_listen");
    bench_ready();
    for (;;) {
        must(nng_recvmsg(s, &message, 0), "nng_recvmsg");
        must(nng_sendmsg(s, message, 0), "nng_sendmsg");
    }
}

static void *dial(const char *address)
{
    nng_socket *const s = bench_alloc(sizeof *s);
    must(nng_req0_open(s), "nng_req0_open");
    must(nng_socket_set_size(*s, NNG_OPT_RECVMAXSZ, 0), "nng_socket_set_size");
    must(nng_dial(*s, address, NULL, 0), "nng_dial");
    return s;
}

static void call(void *connection, const peer_message *m)
{
    const nng_socket s = *(const nng_socket *)connection;
    nng_msg *message;
    must(nng_msg_alloc(&message, m->size), "nng_msg_alloc");
    memcpy(nng_msg_body(message), m->request, m->size);
    must(nng_sendmsg(s, message, 0), "nng_sendmsg");
    must(nng_recvmsg(s, &message, 0), "nng_recvmsg");
    peer_check(m, nng_msg_body(message), nng_msg_len(message));
    nng_msg_free(message);
}

/* ---- many in flight: raw sockets, where the caller numbers requests ------ */

enum { QUEUE = 2 * PEER_DEPTH };

static void deepen(nng_socket s)
{
    must(nng_socket_set_int(s, NNG_OPT_SENDBUF, QUEUE), "NNG_OPT_SENDBUF");
    must(nng_socket_set_int(s, NNG_OPT_RECVBUF, QUEUE), "NNG_OPT_RECVBUF");
}

static void serve_raw(const char *address)
{
    nng_socket s;
    nng_msg *message;
    must(nng_rep0_open_raw(&s), "nng_rep0_open_raw");
    deepen(s);
    must(nng_listen(s, address, NULL, 0), "nng_listen");
    bench_ready();
    for (;;) { /* the message's header says where the reply goes */
        must(nng_recvmsg(s, &message, 0), "nng_recvmsg");
        must(nng_sendmsg(s, message, 0), "nng_sendmsg");
    }
}

static void *dial_raw(const char *address)
{
    nng_socket *const s = bench_alloc(sizeof *s);
    must(nng_req0_open_raw(s), "nng_req0_open_raw");
    deepen(*s);
    must(nng_dial(*s, address, NULL, 0), "nng_dial");
    return s;
}

static void start(void *connection, const peer_message *m)
{
    enum { LAST = 0x80000000u }; /* marks the end of the reply's route */
    nng_msg *message;
    must(nng_msg_alloc(&message, m->size), "nng_msg_alloc");
    memcpy(nng_msg_body(message), m->request, m->size);
    must(nng_msg_header_append_u32(message, LAST | (uint32_t)m->sequence),
         "nng_msg_header_append_u32");
    must(nng_sendmsg(*(const nng_socket *)connection, message, 0),
         "nng_sendmsg");
}

static void finish(void *connection, const peer_message *m)
{
    nng_msg *message;
    must(nng_recvmsg(*(const nng_socket *)connection, &message, 0),
         "nng_recvmsg");
    peer_check(m, nng_msg_body(message), nng_msg_len(message));
    nng_msg_free(message);
}

static const peer who = {"ipc://", serve, dial, call, NULL};
static const peer who_tcp = {"tcp://127.0.0.1:", serve, dial, call, NULL};
static const peer who_pipelined = {
    "tcp://127.0.0.1:", serve_raw, dial_raw, NULL, NULL, start, finish};

static const bench_case cases[] = {
    PEER_CASES("nng", "nng, REQ and REP over a unix socket", who),
    PEER_TCP_CASES("nng", "nng, REQ and REP over TCP", who_tcp),
    PEER_TCP_PIPELINE("nng", "nng, raw REQ and REP", who_pipelined)};

const bench_suite nng = {cases, sizeof cases / sizeof *cases};

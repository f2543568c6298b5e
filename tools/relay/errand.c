/* Errands: each sends one call to the service, answers it, or withdraws it. */
#include "os/clock.h"
#include "tools/relay/beside.h"
#include "tools/relay/state.h"

/* How long a request that has to wait for a place waits on one link before it
 * tries another. */
#define PLACE_NS (10 * SHMRPCI_NS_PER_MS)

/* How much later than the call's deadline the relay itself gives up: the
 * service should report the deadline if it can. */
#define PATIENCE_NS (100 * SHMRPCI_NS_PER_MS)

/* ---- taking and giving back ------------------------------------------ */

/* Called with the lock held. Takes a free errand. */
static errand *take(relay *r)
{
    errand *e = r->free_errands;
    if (e != NULL) {
        r->free_errands = e->next;
        r->errand_count++;
        e->streams = NULL;
        e->broken = SHMRPC_OK;
    }
    return e;
}

/* Called with the lock held. Frees an errand and its place on its link. */
static void give_back(relay *r, errand *e)
{
    if (e->link != NULL) {
        e->link->users--;
        e->link = NULL;
    }
    e->next = r->free_errands;
    r->free_errands = e;
    r->errand_count--;
}

errand *errand_await(relay *r)
{
    errand *e = NULL;
    shmrpci_mutex_lock(&r->lock);
    while (!r->is_ending && (e = take(r)) == NULL) {
        shmrpci_cond_wait(&r->changed, &r->lock);
    }
    shmrpci_mutex_unlock(&r->lock);
    return e;
}

/* Takes the lock only once for the whole batch. */
size_t errand_take_more(relay *r, errand *first, errand **out, size_t count)
{
    size_t got = 0;
    shmrpci_mutex_lock(&r->lock);
    link *l = link_choose(r, first->request.epoch, first->link);
    if (l != NULL && first->link == NULL) {
        first->link = l;
        l->users++;
    }
    while (got < count && l != NULL && l->users < LINK_CALLS &&
           (out[got] = take(r)) != NULL) {
        out[got++]->link = l;
        l->users++;
    }
    shmrpci_mutex_unlock(&r->lock);
    return got;
}

/* Wakes all waiting threads, because some wait for an errand and others for a
 * place on a link. */
void errand_end_all(relay *r, errand *const *errands, size_t count)
{
    if (count == 0) {
        return;
    }
    shmrpci_mutex_lock(&r->lock);
    for (size_t i = 0; i < count; i++) {
        give_back(r, errands[i]);
    }
    shmrpci_cond_broadcast(&r->changed);
    shmrpci_mutex_unlock(&r->lock);
}

void errand_end(relay *r, errand *e)
{
    errand_end_all(r, &e, 1);
}

/* ---- answers --------------------------------------------------------- */

static bool is_oneway(const errand *e)
{
    return (e->request.head.flags & SHMRPCI_HEAD_ONEWAY) != 0;
}

/* Prepares a reply without a body. */
static void fill_answer(relay *r, errand *e, int status, uint32_t flags)
{
    r->front->worker->reply_reserve(&e->request, 0);
    e->request.head.status = status;
    e->request.head.flags = flags;
}

/* Sends a reply without a body and frees the errand. */
static void answer(relay *r, errand *e, int status, uint32_t flags)
{
    if (is_oneway(e)) {
        r->front->worker->drop(&e->request);
    } else {
        fill_answer(r, e, status, flags);
        r->front->worker->reply_commit(&e->request);
    }
    errand_end(r, e);
}

/* Answers a request that never reached the service. With UNAVAILABLE,
 * HEAD_ENDED tells the client that the call has certainly not run, so that it
 * may send it again. */
static int refuse(relay *r, errand *e, int status)
{
    bool is_absent = status == SHMRPC_E_UNAVAILABLE;
    answer(r, e, status, is_absent ? (uint32_t)SHMRPCI_HEAD_ENDED : 0);
    return status;
}

/* The hint says how much memory to reserve for a reply. Methods with the same
 * index modulo 256 share a hint. */
static shmrpci_atomic_u32 *hint_of(relay *r, const errand *e)
{
    return &r->reply_hints[e->request.data.words[1] % 256];
}

/* Copies the service's reply to the reply of the errand, without sending it. */
static void fill_reply(relay *r, errand *e)
{
    shmrpci_atomic_u32 *hint = hint_of(r, e);
    size_t len = e->call.in_len;
    /* Relaxed: only a hint. */
    if (len > shmrpci_load_relaxed(hint)) {
        shmrpci_store_relaxed(hint,
                              len < UINT32_MAX ? (uint32_t)len : UINT32_MAX);
    }
    r->front->worker->reply_reserve(&e->request, len);
    e->request.head.status = e->call.head.status;
    e->request.head.flags = e->call.head.flags;
    shmrpci_buf_append(&e->request.out, e->call.in, len);
    r->back->client->release(&e->call);
}

/* Fills in the client's reply according to how the call has ended at the
 * service. HEAD_ENDED tells the client that the call ended without a reply, for
 * the reason in the status. */
static void fill(relay *r, errand *e, int status)
{
    switch (status) {
    case SHMRPC_OK:
        fill_reply(r, e);
        return;
    case SHMRPC_E_UNAVAILABLE:
    case SHMRPC_E_SERVER_LOST:
        link_lose(r, e->link);
        fill_answer(r, e, status, SHMRPCI_HEAD_ENDED);
        return;
    case SHMRPC_E_WORKER_DIED:
        fill_answer(r, e, status, SHMRPCI_HEAD_ENDED);
        return;
    default: /* the call has run, but its reply can't be read */
        fill_answer(r, e, status, 0);
        return;
    }
}

/* A large reply completes the train, which is then sent at once. Otherwise
 * replies that are added behind the large one would wait for it. */
void errand_finish(relay *r, errand_train *train, errand *e, int status)
{
    fill(r, e, status);
    train->errands[train->count] = e;
    train->requests[train->count++] = &e->request;
    if (train->count == TRAIN_MAX || e->request.out.len > TRAIN_BYTES) {
        errand_finish_all(r, train);
    }
}

void errand_finish_all(relay *r, errand_train *train)
{
    if (train->count > 0) {
        r->front->relay->reply_commit_all(train->requests, train->count);
        errand_end_all(r, train->errands, train->count);
        train->count = 0;
    }
}

void errand_finish_stream(relay *r, errand *e, int status)
{
    fill(r, e, status);
    r->front->worker->reply_commit(&e->request);
    errand_end(r, e);
}

/* A call past its deadline ends as DEADLINE, whether or not it has run. */
void errand_withdraw(relay *r, errand *e)
{
    bool not_run = r->back->client->cancel(&e->call);
    if (e->broken != SHMRPC_OK) {
        answer(r, e, e->broken, 0);
    } else if (r->front->worker->is_cancelled(&e->request)) {
        /* UNAVAILABLE without HEAD_ENDED means that the call was cancelled and
         * may have run. */
        answer(r, e, SHMRPC_E_UNAVAILABLE,
               not_run ? (uint32_t)SHMRPCI_HEAD_ENDED : 0);
    } else {
        answer(r, e, SHMRPC_E_DEADLINE, 0);
    }
}

/* ---- sending --------------------------------------------------------- */

/* Copies the request to the service's connection and sends it, if it gets a
 * slot before `until_ns` (0: a slot must be free now). Returns BUSY if it got
 * none. That can happen although the link counted a free place, because oneway
 * and cancelled calls keep their slots until they have run. */
static int send_on(relay *r, errand *e, int64_t now_ns, int64_t until_ns,
                   uint32_t flags)
{
    const shmrpci_request *request = &e->request;
    shmrpci_metadata block;
    size_t old = 0;
    size_t more = 0;
    if (e->link->hears_left) {
        /* If memory is exhausted, the service is not told when the peer
         * leaves. */
        (void)r->front->worker->watch(request, NULL);
    }
    int status = e->link->has_peers
                     ? beside_make(r->front->worker, request, r->number, &block,
                                   &old, &more)
                     : (int)SHMRPC_OK;
    if (status != SHMRPC_OK) {
        return status;
    }
    status = r->back->client->reserve(
        e->link->conn, &e->call, request->in_len - old + more,
        shmrpci_load_relaxed(hint_of(r, e)), until_ns, NULL);
    if (status != SHMRPC_OK) {
        return status == SHMRPC_E_DEADLINE ? SHMRPC_E_BUSY : status;
    }
    if (e->call.waited) {
        now_ns = shmrpci_now_ns();
    }
    e->call.head = (shmrpci_head){
        .method = request->head.method,
        .flags = request->head.flags | (uint32_t)SHMRPCI_HEAD_TOLD | flags |
                 (more > 0 ? (uint32_t)SHMRPCI_HEAD_METADATA : 0u),
        .timeout_ns =
            request->deadline_ns > now_ns ? request->deadline_ns - now_ns : 1,
    };
    if (more > 0) {
        shmrpci_buf_append(&e->call.out, block.bytes, more);
    }
    if (request->in_len > old) {
        shmrpci_buf_append(&e->call.out, request->in + old,
                           request->in_len - old);
    }
    return (request->head.flags & SHMRPCI_HEAD_STREAMS) != 0
               ? streams_open(r, e)
               : r->back->client->commit(&e->call);
}

/* Tries once to send the request on the errand's link. On failure the errand
 * gives up its place there. */
static int try_send(relay *r, errand *e, int64_t now_ns, int64_t until_ns,
                    uint32_t flags)
{
    int status = SHMRPC_E_DEADLINE;
    if (now_ns < e->request.deadline_ns) {
        status = send_on(r, e, now_ns, until_ns, flags);
    }
    if (status == SHMRPC_E_SERVER_LOST) {
        link_lose(r, e->link);
        status = SHMRPC_E_UNAVAILABLE;
    }
    if (status != SHMRPC_OK) {
        link_unuse(r, e->link);
        e->link = NULL;
    }
    return status;
}

/* Called after the request was sent. A oneway call is over for us; the streams
 * of other calls begin to move. */
static int follow(relay *r, errand *e)
{
    int64_t deadline_ns = e->request.deadline_ns;
    e->give_up_ns = deadline_ns < SHMRPCI_NEVER_NS - PATIENCE_NS
                        ? deadline_ns + PATIENCE_NS
                        : SHMRPCI_NEVER_NS;
    if (is_oneway(e)) {
        answer(r, e, SHMRPC_OK, 0);
        return SHMRPC_E_CANCELLED;
    }
    if (e->streams != NULL && !streams_begin(r, e)) {
        streams_drop(r, e);
        (void)r->back->client->cancel(&e->call);
        answer(r, e, SHMRPC_E_EXHAUSTED, 0);
        return SHMRPC_E_EXHAUSTED;
    }
    return SHMRPC_OK;
}

int errand_send(relay *r, errand *e, uint32_t flags)
{
    e->request.data.words[1] = e->request.head.method;
    if (e->link == NULL) {
        return SHMRPC_E_BUSY;
    }
    /* The request was just received. */
    int status = try_send(r, e, e->request.received_ns, 0, flags);
    if (status == SHMRPC_OK) {
        return follow(r, e);
    }
    return status == SHMRPC_E_BUSY ? status : refuse(r, e, status);
}

/* Tries one link after another until the deadline of the request. */
int errand_send_late(relay *r, errand *e)
{
    int status = SHMRPC_E_BUSY;
    while (status == SHMRPC_E_BUSY) {
        status =
            link_use(r, e->request.epoch, e->request.deadline_ns, &e->link);
        if (status == SHMRPC_OK) {
            int64_t now_ns = shmrpci_now_ns();
            int64_t until_ns = now_ns + PLACE_NS < e->request.deadline_ns
                                   ? now_ns + PLACE_NS
                                   : e->request.deadline_ns;
            status = try_send(r, e, now_ns, until_ns, 0);
        }
    }
    return status == SHMRPC_OK ? follow(r, e) : refuse(r, e, status);
}

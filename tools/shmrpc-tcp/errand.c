/* One call: sent, answered, taken back. */
#include "os/clock.h"
#include "tools/shmrpc-tcp/state.h"

/* The service says itself that a deadline has passed, if it can. */
#define PATIENCE_NS (100 * SHMRPCI_NS_PER_MS)

errand *errand_take(relay *r)
{
    errand *e = r->free_errands;
    if (e != NULL) {
        r->free_errands = e->next;
        r->errand_count++;
    }
    return e;
}

void errand_end(relay *r, errand *e)
{
    shmrpci_mutex_lock(&r->lock);
    if (e->link != NULL) {
        e->link->users--;
        e->link = NULL;
    }
    e->next = r->free_errands;
    r->free_errands = e;
    r->errand_count--;
    shmrpci_cond_broadcast(&r->changed);
    shmrpci_mutex_unlock(&r->lock);
}

/* ---- answers --------------------------------------------------------- */

static bool is_oneway(const errand *e)
{
    return (e->request.head.flags & SHMRPCI_HEAD_ONEWAY) != 0;
}

/* Without a body. */
static void answer(relay *r, errand *e, int status, uint32_t flags)
{
    if (is_oneway(e)) {
        r->front->drop(&e->request);
    } else {
        r->front->reply_reserve(&e->request, 0);
        e->request.head.status = status;
        e->request.head.flags = flags;
        r->front->reply_commit(&e->request);
    }
    errand_end(r, e);
}

/* What failed before the service had anything of it. */
static int refuse(relay *r, errand *e, int status)
{
    bool is_absent = status == SHMRPC_E_UNAVAILABLE;
    answer(r, e, status, is_absent ? (uint32_t)SHMRPCI_HEAD_ENDED : 0);
    return status;
}

static shmrpci_atomic_u32 *hint_of(relay *r, const errand *e)
{
    return &r->reply_hints[e->request.data.words[1] % 256];
}

static void answer_reply(relay *r, errand *e, uint32_t flags)
{
    shmrpci_atomic_u32 *hint = hint_of(r, e);
    size_t len = e->call.in_len;
    /* Relaxed: a hint. */
    if (len > shmrpci_load_relaxed(hint)) {
        shmrpci_store_relaxed(hint,
                              len < UINT32_MAX ? (uint32_t)len : UINT32_MAX);
    }
    r->front->reply_reserve(&e->request, len);
    e->request.head.status = e->call.head.status;
    e->request.head.flags = e->call.head.flags | flags;
    shmrpci_buf_append(&e->request.out, e->call.in, len);
    r->back->release(&e->call);
    r->front->reply_commit(&e->request);
    errand_end(r, e);
}

static void finish(relay *r, errand *e, int status, uint32_t flags)
{
    switch (status) {
    case SHMRPC_OK:
        answer_reply(r, e, flags);
        return;
    case SHMRPC_E_UNAVAILABLE:
    case SHMRPC_E_SERVER_LOST:
        link_lose(r, e->link);
        answer(r, e, status, flags | (uint32_t)SHMRPCI_HEAD_ENDED);
        return;
    case SHMRPC_E_WORKER_DIED:
        answer(r, e, status, flags | (uint32_t)SHMRPCI_HEAD_ENDED);
        return;
    default: /* it has run, its reply can't be had */
        answer(r, e, status, flags);
        return;
    }
}

void errand_finish(relay *r, errand_train *train, errand *e, int status)
{
    if (train->last != NULL) {
        finish(r, train->last, train->status, SHMRPCI_HEAD_MORE);
    }
    *train = (errand_train){.last = e, .status = status};
}

void errand_finish_last(relay *r, errand_train *train)
{
    if (train->last != NULL) {
        finish(r, train->last, train->status, 0);
    }
    train->last = NULL;
}

void errand_withdraw(relay *r, errand *e)
{
    bool not_run = r->back->cancel(&e->call);
    if (r->front->is_cancelled(&e->request)) {
        /* Without a flag it says that it was cancelled, and may have run. */
        answer(r, e, SHMRPC_E_UNAVAILABLE,
               not_run ? (uint32_t)SHMRPCI_HEAD_ENDED : 0);
    } else {
        answer(r, e, SHMRPC_E_DEADLINE, 0);
    }
}

/* ---- sending --------------------------------------------------------- */

/* Copies the request to the service's side and sends it. BUSY: the link has no
 * place, though we thought so: calls that were cancelled keep theirs. */
static int send_on(relay *r, link *l, errand *e, uint32_t flags)
{
    const shmrpci_request *request = &e->request;
    int status = r->back->reserve(l->conn, &e->call, request->in_len,
                                  shmrpci_load_relaxed(hint_of(r, e)), 0, NULL);
    if (status != SHMRPC_OK) {
        return status;
    }
    int64_t left_ns = shmrpci_remaining_ns(request->deadline_ns);
    e->call.head = (shmrpci_head){
        .method = request->head.method,
        .flags = request->head.flags | (uint32_t)SHMRPCI_HEAD_TOLD | flags,
        .timeout_ns = left_ns,
    };
    shmrpci_buf_append(&e->call.out, request->in, request->in_len);
    return r->back->commit(&e->call);
}

/* One try on one link. */
static int try_send(relay *r, errand *e, link *wish, uint32_t flags,
                    int64_t deadline_ns)
{
    link *l = NULL;
    int status = link_use(r, e->request.epoch, wish, deadline_ns, &l);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = send_on(r, l, e, flags);
    if (status == SHMRPC_OK) {
        e->link = l;
        return SHMRPC_OK;
    }
    if (status == SHMRPC_E_SERVER_LOST) {
        link_lose(r, l);
        status = SHMRPC_E_UNAVAILABLE;
    }
    link_unuse(r, l);
    return status;
}

int errand_send(relay *r, errand *e, const errand *before, uint32_t flags,
                int64_t until_ns)
{
    link *wish = before != NULL ? before->link : NULL;
    int64_t deadline_ns = e->request.deadline_ns;
    int status = SHMRPC_E_BUSY;
    until_ns = until_ns < deadline_ns ? until_ns : deadline_ns;
    e->request.data.words[1] = e->request.head.method;
    if (shmrpci_remaining_ns(deadline_ns) == 0) {
        return refuse(r, e, SHMRPC_E_DEADLINE);
    }
    while (status == SHMRPC_E_BUSY) {
        status = try_send(r, e, wish, flags, until_ns);
        if (until_ns == 0 &&
            (status == SHMRPC_E_BUSY || status == SHMRPC_E_DEADLINE)) {
            return SHMRPC_E_BUSY;
        }
    }
    if (status != SHMRPC_OK) {
        return refuse(r, e, status);
    }
    e->give_up_ns = deadline_ns < SHMRPCI_NEVER_NS - PATIENCE_NS
                        ? deadline_ns + PATIENCE_NS
                        : SHMRPCI_NEVER_NS;
    if (is_oneway(e)) {
        answer(r, e, SHMRPC_OK, 0);
        return SHMRPC_E_CANCELLED;
    }
    return SHMRPC_OK;
}

/* Conversations whose sides are killed, with checks of what each side receives.
 */
#include "farm_stream.h"

#include <stdlib.h>
#include <string.h>

#include "farm_later.h"
#include "os/clock.h"

#define shm     (&shmrpci_transport_shm)
#define streams (shm->streams)
#define pump    (shm->pump)

#define LARGEST 20000u
#define ITEMS   200u
#define LATE_OF 3u /* one conversation in this many is detached */

/* The properties of a conversation, derived from its number. */
static uint32_t items_of(uint64_t number, bool is_clients)
{
    uint64_t x = number * UINT64_C(0x9E3779B97F4A7C15);
    uint32_t count = (uint32_t)(is_clients ? x >> 20 : x >> 40) % ITEMS;
    return (x >> 60) % 4 == (is_clients ? 1u : 2u) ? 0 : count;
}

static uint64_t item_number(uint64_t number, bool is_clients, uint32_t index)
{
    return number * 1000003u + index * 2u + (is_clients ? 1u : 0u);
}

static size_t length_of(uint64_t item)
{
    uint64_t x = item * UINT64_C(0x9E3779B97F4A7C15) >> 32;
    return x % 64 == 0 ? x % LARGEST : x % 300;
}

/* One side of a conversation. */
typedef struct side {
    shmrpci_stream *end;
    uint64_t number;
    bool is_client;
    bool is_wrong;
    bool is_over; /* nothing more will arrive */
    uint32_t sent;
    uint32_t came;
    int status; /* status of the first operation that failed */
} side;

/* Sends the next item. Returns BUSY if there was no room. */
static int send_next(side *s, int64_t deadline_ns)
{
    static uint8_t bytes[LARGEST];
    uint64_t item = item_number(s->number, s->is_client, s->sent);
    size_t len = length_of(item);
    farm_fill(bytes, len, item);
    int status = streams->send(s->end, bytes, len, deadline_ns, true);
    s->sent += status == SHMRPC_OK ? 1u : 0u;
    return status;
}

/* Receives and checks the next item. Returns MORE if one has arrived. */
static int take_next(side *s, int64_t deadline_ns)
{
    static uint8_t expected[LARGEST];
    shmrpci_stream_item it;
    int status = streams->next(s->end, deadline_ns, &it);
    if (status == SHMRPC_MORE) {
        uint64_t item = item_number(s->number, !s->is_client, s->came++);
        size_t len = length_of(item);
        farm_fill(expected, len, item);
        s->is_wrong =
            s->is_wrong || it.len != len || memcmp(it.data, expected, len) != 0;
    }
    s->is_over = status == SHMRPC_OK || status == SHMRPC_E_CANCELLED;
    return status;
}

static int64_t soon(void)
{
    return shmrpci_deadline_after(FARM_HANG_NS);
}

/* Sends all items of this side, and reads the other side's items meanwhile. */
static int send_all(side *s, bool reads)
{
    uint32_t count = items_of(s->number, s->is_client);
    int status = SHMRPC_OK;
    while (s->sent < count && status == SHMRPC_OK) {
        while (reads && !s->is_over && take_next(s, 0) == SHMRPC_MORE) {
        }
        status = send_next(s, soon());
    }
    if (status == SHMRPC_OK) {
        streams->finish(s->end);
    }
    return status;
}

/* Reads the rest of the items. Returns OK at their end. */
static int take_all(side *s)
{
    int status = SHMRPC_MORE;
    while (!s->is_over && status == SHMRPC_MORE) {
        status = take_next(s, soon());
    }
    return status == SHMRPC_MORE ? SHMRPC_OK : status;
}

/* ---- the worker ---------------------------------------------------------- */

static void answer(shmrpci_request *request, uint64_t sent, int status)
{
    /* ABORTED means that both ends only sent, which is no error here. Nor is it
     * an error if the client has left: then nobody gets the status. */
    request->head.status = status == SHMRPC_E_ABORTED ? SHMRPC_OK : status;
    request->head.flags = 0;
    shm->worker->reply_reserve(request, sizeof sent);
    shmrpci_buf_append(&request->out, &sent, sizeof sent);
    shm->worker->reply_commit(request);
}

bool farm_stream_serve(shmrpci_request *request, uint64_t number)
{
    side s = {.number = number};
    bool reads = items_of(number, true) != 0;
    bool writes = items_of(number, false) != 0;
    int status = streams->accept(request, 64, &s.end, NULL);
    if (status == SHMRPC_OK && number % LATE_OF == 1 &&
        farm_later_talk(request, s.end, number)) {
        return true;
    }
    if (status == SHMRPC_OK) {
        status = writes ? send_all(&s, reads) : SHMRPC_OK;
        if (status == SHMRPC_OK && reads) {
            status = take_all(&s);
        }
        streams->close(s.end);
    }
    answer(request, s.sent, status);
    return !s.is_wrong;
}

/* ---- the worker, for a detached conversation ----------------------------- */

struct farm_late_talk {
    shmrpci_request request;
    side s;
    bool reads;
    bool writes;
    size_t put; /* bytes sent of the present item */
    size_t got; /* bytes received of the present item */
    bool is_over;
    int status;
};

farm_late_talk *farm_late_talk_begin(shmrpci_request *request,
                                     shmrpci_stream *stream, uint64_t number)
{
    farm_late_talk *t = calloc(1, sizeof *t);
    if (t == NULL || shm->worker->detach(request, &t->request) != SHMRPC_OK) {
        free(t);
        return NULL;
    }
    t->s = (side){.end = stream, .number = number};
    t->reads = items_of(number, true) != 0;
    t->writes = items_of(number, false) != 0;
    return t;
}

/* Sends a part of an item. Returns OK if there was room for a part. */
static int put_part(farm_late_talk *t)
{
    static uint8_t bytes[LARGEST];
    side *s = &t->s;
    uint64_t item = item_number(s->number, false, s->sent);
    size_t len = length_of(item);
    size_t sent = 0;
    farm_fill(bytes, len, item);
    int status = pump->put(s->end, bytes + t->put, len - t->put, true, &sent);
    t->put += sent;
    if (status == SHMRPC_OK && t->put == len) {
        t->put = 0;
        s->sent++;
    }
    return status;
}

/* Receives and checks a part of an item. Returns MORE if there was one. */
static int take_part(farm_late_talk *t)
{
    static uint8_t expected[LARGEST];
    side *s = &t->s;
    shmrpci_stream_item it;
    bool is_last;
    int status = pump->take(s->end, &it, &is_last);
    if (status != SHMRPC_MORE) {
        s->is_over = status == SHMRPC_OK || status == SHMRPC_E_CANCELLED;
        return status;
    }
    uint64_t item = item_number(s->number, true, s->came);
    size_t len = length_of(item);
    farm_fill(expected, len, item);
    bool fits = it.len <= len - t->got;
    s->is_wrong = s->is_wrong || !fits ||
                  memcmp(it.data, expected + t->got, it.len) != 0 ||
                  is_last != (t->got + it.len == len);
    t->got = is_last || !fits ? 0 : t->got + it.len;
    s->came += is_last ? 1u : 0u;
    return status;
}

static bool has_sent(const farm_late_talk *t)
{
    return !t->writes || t->s.sent == items_of(t->s.number, false);
}

static void end_in(farm_late_talk *t, int status)
{
    t->is_over = true;
    t->status = status;
}

/* Sends as much as there is room for. */
static bool put_all(farm_late_talk *t)
{
    bool has_moved = false;
    int status = SHMRPC_OK;
    while (!has_sent(t) && (status = put_part(t)) == SHMRPC_OK) {
        has_moved = true;
        if (has_sent(t)) {
            streams->finish(t->s.end);
        }
    }
    if (status != SHMRPC_OK && status != SHMRPC_E_BUSY) {
        end_in(t, status);
    }
    return has_moved;
}

static bool take_all_there_is(farm_late_talk *t)
{
    bool has_moved = false;
    int status = SHMRPC_MORE;
    while (t->reads && !t->s.is_over && status == SHMRPC_MORE) {
        status = take_part(t);
        has_moved = has_moved || status != SHMRPC_E_BUSY;
    }
    if (t->reads && !t->s.is_over && status != SHMRPC_E_BUSY) {
        end_in(t, status);
    }
    return has_moved;
}

bool farm_late_talk_step(farm_late_talk *t)
{
    if (shm->worker->is_cancelled(&t->request)) {
        end_in(t, SHMRPC_E_CANCELLED);
        return true;
    }
    bool has_moved = put_all(t);
    has_moved = (!t->is_over && take_all_there_is(t)) || has_moved;
    if (!t->is_over && has_sent(t) && (!t->reads || t->s.is_over)) {
        end_in(t, SHMRPC_OK);
    }
    return has_moved || t->is_over;
}

bool farm_late_talk_is_over(const farm_late_talk *t)
{
    return t->is_over;
}

bool farm_late_talk_arm(farm_late_talk *t, shmrpci_atomic_u32 *bell,
                        shmrpci_futex_on *on, size_t *count)
{
    size_t more = 0;
    bool wants_room = !has_sent(t);
    bool sleeps = pump->arm(t->s.end, bell, t->reads && !t->s.is_over,
                            wants_room, on + *count, &more);
    *count += more;
    if (sleeps && !wants_room) {
        sleeps = pump->arm_close(t->s.end, on + *count, &more);
        *count += more;
    }
    return sleeps;
}

void farm_late_talk_disarm(farm_late_talk *t)
{
    pump->disarm(t->s.end);
}

shmrpci_atomic_u32 *farm_late_talk_alarm(farm_late_talk *t)
{
    return pump->alarm(t->s.end);
}

bool farm_late_talk_end(farm_late_talk *t)
{
    bool is_right = !t->s.is_wrong;
    streams->close(t->s.end);
    answer(&t->request, t->s.sent, t->status);
    shm->worker->detached_end(&t->request);
    free(t);
    return is_right;
}

/* ---- the client ---------------------------------------------------------- */

/* Receives the reply of a call after its streams have ended. The reply contains
 * the number of items that the server has sent. */
static int receive(farm_talk *talk, shmrpci_call *call, const side *s,
                   bool has_all)
{
    int status = shm->client->receive(call, soon());
    if (status != SHMRPC_OK) {
        return status;
    }
    uint64_t sent = 0;
    status = call->head.status;
    if (call->in_len == sizeof sent) {
        memcpy(&sent, call->in, sizeof sent);
    }
    /* After an orderly end the server must have sent as many items as this side
     * has received. */
    if (status == SHMRPC_OK && has_all && sent != s->came) {
        talk->is_wrong = true;
    }
    shm->client->release(call);
    return status;
}

static int give_up(farm_talk *talk, shmrpci_call *call)
{
    talk->is_withdrawn = shm->client->cancel(call);
    return SHMRPC_E_CANCELLED;
}

/* Opens a conversation. Returns OK if it is open. */
static int open_one(farm_talk *talk, shmrpci_call *call, side *s)
{
    const shmrpci_stream_opts opts = {
        .in_bytes = items_of(talk->number, true) != 0 ? 4096 : 0,
        .out_bytes =
            items_of(talk->number, false) != 0 ? 4096u << talk->random % 6 : 0,
        .max_item_bytes = LARGEST};
    int status = shm->client->reserve(talk->conn, call, talk->order_len, 0,
                                      soon(), NULL);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_buf_append(&call->out, talk->order, talk->order_len);
    call->head =
        (shmrpci_head){.method = talk->method, .timeout_ns = FARM_HANG_NS};
    return streams->open(call, &opts, &s->end, NULL);
}

int farm_stream_talk(farm_talk *talk)
{
    shmrpci_call call = {0};
    side s = {.number = talk->number, .is_client = true};
    bool reads = items_of(talk->number, false) != 0;
    bool writes = items_of(talk->number, true) != 0;
    talk->is_withdrawn = true;
    if (!reads && !writes) {
        return SHMRPC_E_CANCELLED;
    }
    int status = open_one(talk, &call, &s);
    if (status != SHMRPC_OK) {
        return status;
    }
    talk->is_withdrawn = false;
    if (writes) {
        status = send_all(&s, reads);
    }
    bool leaves = (talk->random >> 8) % 8 == 0;
    if (status == SHMRPC_OK && reads && !leaves) {
        status = take_all(&s);
    }
    bool has_all = reads && s.is_over && status == SHMRPC_OK;
    bool is_early = leaves || status == SHMRPC_E_ABORTED;
    if ((talk->random >> 16) % 2 == 0) {
        streams->close(s.end);
        s.end = NULL;
    }
    status = status == SHMRPC_E_DEADLINE ? (give_up(talk, &call), status)
             : is_early                  ? give_up(talk, &call)
                                         : receive(talk, &call, &s, has_all);
    streams->close(s.end);
    talk->is_wrong = talk->is_wrong || s.is_wrong;
    return status;
}

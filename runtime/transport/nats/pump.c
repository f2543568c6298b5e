/* The thread of a connection to NATS, and its rounds. */
#include "transport/nats/pump.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/fork.h"
#include "os/memory.h"
#include "os/poll.h"
#include "os/stream.h"
#include "os/thread.h"
#include "os/tls_secret.h"
#include "sync/atomic.h"
#include "transport/nats/link.h"
#include "transport/nats/load.h"

/* The most that a link sends in a round, before others have their turn. */
#define TURN_PIECES 4

/* How long the thread goes on at the end, to send what is left. */
#define LINGER_NS SHMRPCI_NS_PER_S

/* Tags in the set; links follow. */
enum { TAG_BELL, TAG_NATS, TAG_LINKS };

/* The number of a gateway's link has its place in these bits. */
#define PLACE_BITS 16u

struct nats_pump {
    nats_pump_opts opts;
    const nats_carrier_ops *ops;
    nats_carrier *carrier;
    uint32_t generation; /* of the process that opened it */
    int set;
    int bell_fd;
    int fd; /* NATS's, in the set; -1: not connected */
    shmrpci_fork_fd fd_place;
    uint32_t connects; /* number of that connection */
    bool can_read;     /* it may have input */
    bool is_full;      /* it had no room */
    bool has_more;     /* a link has more to send than its turn allows */
    bool has_told;     /* the owner got a callback in this round */
    bool is_woken;
    size_t piece;     /* the most data in a message */
    uint8_t *scratch; /* a head, and a piece */
    nats_inbox *inboxes[NATS_INBOXES_MAX];
    bool is_queue[NATS_INBOXES_MAX];
    uint32_t inbox_count;
    nats_link *links[NATS_LINKS_MAX];
    uint32_t link_count;
    uint32_t link_top; /* first place that was never used */
    int64_t second_ns;
    shmrpci_thread thread;
    bool has_thread;
    shmrpci_atomic_u32 stopping;
    shmrpci_atomic_u32 thread_number; /* the thread that needs no bell */
    shmrpci_atomic_u64 counts[sizeof(nats_counts) / sizeof(uint64_t)];
};

static void count(nats_pump *pump, size_t offset)
{
    /* Relaxed: a statistic. */
    (void)shmrpci_add_relaxed(&pump->counts[offset / sizeof(uint64_t)],
                              UINT64_C(1));
}

#define COUNT(pump, field) count((pump), offsetof(nats_counts, field))

/* ---- sending ----------------------------------------------------------- */

static nats_result publish(nats_pump *pump, const char *subject,
                           const char *reply, const void *data, size_t len)
{
    COUNT(pump, messages_out);
    return pump->ops->publish(pump->carrier, subject, reply, data, len);
}

nats_result nats_pump_publish(nats_pump *pump, const char *subject,
                              const void *data, size_t len)
{
    return publish(pump, subject, NULL, data, len);
}

nats_result nats_pump_ask(nats_pump *pump, const char *subject,
                          const char *reply)
{
    return publish(pump, subject, reply, "", 0);
}

nats_result nats_pump_answer(nats_pump *pump, const char *subject,
                             const nats_header *headers, size_t head_count,
                             const void *data, size_t len)
{
    nats_view view;
    pump->ops->view(pump->carrier, &view);
    if (view.fd < 0) {
        return NATS_AWAY;
    }
    COUNT(pump, messages_out);
    return pump->ops->publish_with(pump->carrier, subject, NULL, headers,
                                   head_count, data, len);
}

bool nats_pump_headers(nats_pump *pump, const nats_message *message,
                       void (*each)(void *user, const nats_header *header),
                       void *user)
{
    return pump->ops->headers(message, each, user);
}

/* Uses the scratch, which already has the data of DATA. */
nats_result nats_pump_send(nats_pump *pump, const char *subject,
                           const char *reply, const nats_parcel *parcel)
{
    SHMRPCI_ASSERT(parcel->len <= NATS_PIECE_BYTES,
                   "a piece is within the limit");
    nats_parcel_put(parcel, pump->scratch);
    if (parcel->len > 0 && parcel->data != pump->scratch + NATS_PARCEL_HEAD) {
        memcpy(pump->scratch + NATS_PARCEL_HEAD, parcel->data, parcel->len);
    }
    return publish(pump, subject, reply, pump->scratch,
                   NATS_PARCEL_HEAD + parcel->len);
}

/* Sends a message of a link. */
static nats_result send_of(nats_pump *pump, nats_link *link,
                           nats_parcel *parcel)
{
    bool has_load = parcel->kind == NATS_DATA || parcel->kind == NATS_ALIVE;
    if (has_load && pump->opts.load != NULL) {
        parcel->value = (int32_t)pump->opts.load(pump->opts.user);
    }
    nats_link_sent(link);
    return nats_pump_send(pump, link->subject,
                          link->reply[0] != '\0' ? link->reply : NULL, parcel);
}

static nats_result say(nats_pump *pump, nats_link *link, nats_kind kind)
{
    nats_parcel parcel = nats_link_parcel(link, kind);
    return send_of(pump, link, &parcel);
}

/* ---- links ------------------------------------------------------------- */

static void free_link(nats_pump *pump, uint32_t place)
{
    nats_link *link = pump->links[place];
    if (link->inbox != NULL && pump->generation == shmrpci_fork_generation()) {
        pump->ops->unsubscribe(link->inbox);
    }
    nats_link_fini(link);
    free(link);
    pump->links[place] = NULL;
    pump->link_count--;
}

/* Its owner learns it before the socket is closed. */
static void end_of(nats_pump *pump, uint32_t place, nats_cut why)
{
    nats_link *link = pump->links[place];
    if (link->owner != NULL) {
        pump->opts.on_cut(pump->opts.user, link->owner, why,
                          why == NATS_CUT_NOBODY ? nats_link_lost_at(link)
                                                 : link->sent_at);
    }
    free_link(pump, place);
}

/* Tells the peer, unless it sent CLOSE itself. */
static void cut_link(nats_pump *pump, uint32_t place, nats_cut why)
{
    nats_link *link = pump->links[place];
    switch (why) {
    case NATS_CUT_GAP:
        COUNT(pump, gaps);
        break;
    case NATS_CUT_LIE:
        COUNT(pump, refused);
        break;
    case NATS_CUT_NOBODY:
        COUNT(pump, nobody);
        break;
    case NATS_CUT_SILENT:
        COUNT(pump, silent);
        break;
    case NATS_CUT_NONE:
    case NATS_CUT_PEER:
    case NATS_CUT_REFUSED:
    case NATS_CUT_MEMORY:
        break;
    }
    if (why != NATS_CUT_PEER && why != NATS_CUT_NOBODY && link->number != 0) {
        nats_parcel close = nats_link_parcel(link, NATS_CLOSE);
        (void)nats_pump_send(pump, link->subject, NULL, &close);
    }
    end_of(pump, place, why);
}

static uint32_t free_place(const nats_pump *pump)
{
    uint32_t place = 0;
    while (place < NATS_LINKS_MAX && pump->links[place] != NULL) {
        place++;
    }
    return place;
}

/* Unguessable, as other clients of the same servers could use it. */
static uint64_t new_number(uint32_t place)
{
    uint64_t number = 0;
    if (shmrpci_random_fill((uint8_t *)&number, sizeof number) != SHMRPC_OK) {
        number = shmrpci_ticks() * UINT64_C(0x9E3779B97F4A7C15);
    }
    return (number << PLACE_BITS) | place;
}

static int add_link(nats_pump *pump, uint32_t place, nats_link *link)
{
    shmrpc_status status = shmrpci_poll_add(
        pump->set, link->fd, SHMRPCI_POLL_EDGE, (uint64_t)TAG_LINKS + place);
    if (status == SHMRPC_OK) {
        status = shmrpci_fork_close_fd(&link->fd_place, &link->fd);
    }
    if (status == SHMRPC_OK) {
        pump->links[place] = link;
        pump->link_count++;
        pump->link_top =
            place + 1 > pump->link_top ? place + 1 : pump->link_top;
        pump->has_more = true;
        COUNT(pump, links);
    }
    return (int)status;
}

/* Takes `fd` over. NULL: memory or places ran out. */
static nats_link *new_link(nats_pump *pump, int fd, const char *subject,
                           const char *reply, uint32_t *out_place)
{
    *out_place = free_place(pump);
    nats_link *link = *out_place < NATS_LINKS_MAX ? calloc(1, sizeof *link)
                                                  : (nats_link *)NULL;
    if (link == NULL) {
        shmrpci_fd_close(&fd);
        return NULL;
    }
    nats_link_init(link, fd, 0, subject, reply);
    if (add_link(pump, *out_place, link) != SHMRPC_OK) {
        nats_link_fini(link);
        free(link);
        return NULL;
    }
    return link;
}

int nats_pump_link(nats_pump *pump, int fd, const char *subject,
                   uint64_t *out_number)
{
    uint32_t place;
    nats_link *link = new_link(pump, fd, subject, NULL, &place);
    if (link == NULL) {
        return SHMRPC_E_EXHAUSTED;
    }
    link->number = *out_number = new_number(place);
    return SHMRPC_OK;
}

int nats_pump_open(nats_pump *pump, int fd, const char *subject, void *owner)
{
    char reply[NATS_SUBJECT_BYTES];
    uint32_t place;
    if (pump->ops->new_subject(reply, sizeof reply) != NATS_DONE) {
        shmrpci_fd_close(&fd);
        return SHMRPC_E_EXHAUSTED;
    }
    nats_link *link = new_link(pump, fd, subject, reply, &place);
    if (link == NULL) {
        return SHMRPC_E_EXHAUSTED;
    }
    if (pump->ops->subscribe(pump->carrier, reply, NULL, &link->inbox) !=
        NATS_DONE) {
        free_link(pump, place);
        return SHMRPC_E_EXHAUSTED;
    }
    link->owner = owner;
    return SHMRPC_OK;
}

void nats_pump_cut(nats_pump *pump, const void *owner)
{
    for (uint32_t i = 0; i < pump->link_top; i++) {
        if (pump->links[i] != NULL && pump->links[i]->owner == owner) {
            cut_link(pump, i, NATS_CUT_SILENT);
        }
    }
}

uint32_t nats_pump_links(const nats_pump *pump)
{
    return pump->link_count;
}

/* The link of a gateway: its number contains the place. */
static uint32_t place_of(const nats_pump *pump, uint64_t number)
{
    uint32_t place = (uint32_t)(number & ((1u << PLACE_BITS) - 1));
    bool is_there = pump->opts.is_gateway && place < NATS_LINKS_MAX &&
                    pump->links[place] != NULL &&
                    pump->links[place]->number == number;
    return is_there ? place : NATS_LINKS_MAX;
}

/* ---- what comes -------------------------------------------------------- */

/* Tells a peer that its link does not exist, or no longer. */
static void refuse(nats_pump *pump, const nats_message *message,
                   const nats_parcel *parcel)
{
    COUNT(pump, refused);
    if (nats_is_inbox(message->reply) && parcel->kind != NATS_CLOSE) {
        nats_parcel close = {.kind = NATS_CLOSE, .link = parcel->link};
        (void)nats_pump_send(pump, message->reply, NULL, &close);
    }
}

static void take_parcel(nats_pump *pump, uint32_t place,
                        const nats_parcel *parcel)
{
    nats_link *link = pump->links[place];
    nats_cut cut = nats_link_take(link, parcel);
    if (cut != NATS_CUT_NONE) {
        cut_link(pump, place, cut);
    } else if (parcel->kind == NATS_PROBE) {
        (void)say(pump, link, NATS_ALIVE);
    } else if (nats_link_owes_ack(link)) {
        (void)say(pump, link, NATS_ACK);
    }
}

static void tell_owner(nats_pump *pump, uint32_t inbox, nats_result result,
                       const nats_message *message, const nats_parcel *parcel)
{
    pump->has_told = true;
    pump->opts.on_message(pump->opts.user, inbox, result, message, parcel);
}

static void take_message(nats_pump *pump, uint32_t inbox,
                         const nats_message *message)
{
    nats_parcel parcel;
    COUNT(pump, messages_in);
    if (pump->is_queue[inbox] ||
        !nats_parcel_get(message->data, message->len, &parcel)) {
        tell_owner(pump, inbox, NATS_DONE, message, NULL);
    } else if (parcel.kind <= NATS_OPENED) {
        tell_owner(pump, inbox, NATS_DONE, message, &parcel);
    } else {
        uint32_t place = place_of(pump, parcel.link);
        if (place == NATS_LINKS_MAX) {
            refuse(pump, message, &parcel);
            if (!pump->opts.is_gateway) { /* a service that does not run */
                tell_owner(pump, inbox, NATS_DONE, message, &parcel);
            }
        } else {
            take_parcel(pump, place, &parcel);
        }
    }
}

/* The messages of one subscription. Those that we lost end their links when the
 * next one comes. */
static void take_all(nats_pump *pump, uint32_t inbox)
{
    nats_message message;
    nats_result result;
    while ((result = pump->ops->take(pump->inboxes[inbox], &message)) !=
           NATS_NOTHING) {
        if (result == NATS_DONE) {
            take_message(pump, inbox, &message);
            pump->ops->drop(&message);
        } else {
            tell_owner(pump, inbox, result, NULL, NULL);
        }
    }
}

/* The answer to OPEN. */
static nats_cut take_answer(nats_link *link, const nats_parcel *parcel)
{
    if (parcel->kind == NATS_OPENED && parcel->link != 0) {
        link->number = parcel->link;
        link->heard_ns = shmrpci_now_ns();
        return NATS_CUT_NONE;
    }
    return parcel->kind == NATS_CLOSE ? NATS_CUT_REFUSED : NATS_CUT_LIE;
}

/* What came for a client's link. Messages of others are dropped. */
static void take_for_link(nats_pump *pump, uint32_t place,
                          const nats_message *message)
{
    nats_parcel parcel;
    nats_link *link = pump->links[place];
    COUNT(pump, messages_in);
    if (!nats_parcel_get(message->data, message->len, &parcel) ||
        (link->number != 0 && parcel.link != link->number)) {
        COUNT(pump, refused);
        return;
    }
    if (link->number == 0) {
        nats_cut cut = take_answer(link, &parcel);
        if (cut != NATS_CUT_NONE) {
            cut_link(pump, place, cut);
        }
        return;
    }
    if (parcel.kind == NATS_DATA || parcel.kind == NATS_ALIVE) {
        pump->opts.on_load(pump->opts.user, link->owner,
                           parcel.value > 0 ? (uint32_t)parcel.value : 0);
    }
    take_parcel(pump, place, &parcel);
}

/* The same for the subscription of a client's link; NOBODY means its peer. */
static void take_all_for_link(nats_pump *pump, uint32_t place)
{
    nats_message message;
    nats_result result;
    while (pump->links[place] != NULL &&
           (result = pump->ops->take(pump->links[place]->inbox, &message)) !=
               NATS_NOTHING) {
        if (result == NATS_DONE) {
            take_for_link(pump, place, &message);
            pump->ops->drop(&message);
        } else if (result == NATS_NOBODY &&
                   (pump->links[place]->number == 0 ||
                    nats_link_refuse(pump->links[place], shmrpci_now_ns()))) {
            cut_link(pump, place, NATS_CUT_NOBODY);
        }
    }
}

/* ---- moving ------------------------------------------------------------ */

/* Our side closes, or has closed: it sends nothing more. */
static void end_link(nats_pump *pump, nats_link *link)
{
    link->can_read = false;
    link->has_ended = true;
    (void)say(pump, link, NATS_END);
}

/* False: the link is to be cut. */
static bool send_piece(nats_pump *pump, nats_link *link, size_t len)
{
    nats_parcel parcel = nats_link_parcel(link, NATS_DATA);
    parcel.data = pump->scratch + NATS_PARCEL_HEAD;
    parcel.len = len;
    link->sent_at += len;
    return send_of(pump, link, &parcel) == NATS_DONE;
}

/* Sends what the socket brings, within the window. False: the link is to be
 * cut. */
static bool move_out(nats_pump *pump, nats_link *link)
{
    for (int i = 0; link->can_read && !link->has_ended; i++) {
        size_t len = 0;
        size_t room = nats_link_room(link, pump->piece);
        if (room == 0 || i == TURN_PIECES) {
            pump->has_more = pump->has_more || room > 0;
            return true;
        }
        shmrpc_status status = shmrpci_stream_receive(
            link->fd, pump->scratch + NATS_PARCEL_HEAD, room, &len);
        if (len > 0 && !send_piece(pump, link, len)) {
            return false;
        }
        if (status == SHMRPC_E_BUSY) {
            link->can_read = false;
        } else if (status != SHMRPC_OK) {
            end_link(pump, link);
        }
    }
    return true;
}

/* Asks for a client's link, once, as soon as there is a connection. */
static nats_cut ask_for(nats_pump *pump, nats_link *link, int64_t now_ns,
                        int64_t *wake_ns)
{
    nats_parcel open = {.kind = NATS_OPEN};
    int64_t until_ns = link->heard_ns + NATS_OPEN_NS;
    if (!link->has_asked && pump->fd >= 0) {
        link->has_asked = true;
        if (nats_pump_send(pump, link->subject, link->reply, &open) !=
            NATS_DONE) {
            return NATS_CUT_SILENT;
        }
    }
    *wake_ns = until_ns < *wake_ns ? until_ns : *wake_ns;
    return now_ns >= until_ns ? NATS_CUT_SILENT : NATS_CUT_NONE;
}

/* A gateway drops clients that send nothing, not even ALIVE. */
static nats_cut watch(nats_pump *pump, nats_link *link, int64_t now_ns,
                      int64_t *wake_ns)
{
    bool asks = false;
    int64_t at_ns = link->heard_ns + NATS_FORGET_NS;
    nats_cut cut = NATS_CUT_NONE;
    if (pump->opts.is_gateway) {
        cut = now_ns >= at_ns ? NATS_CUT_SILENT : NATS_CUT_NONE;
    } else {
        uint32_t calls = pump->opts.calls(pump->opts.user, link->owner);
        cut = nats_link_watch(link, calls, now_ns, &asks, &at_ns);
    }
    if (asks) {
        COUNT(pump, probes);
        (void)say(pump, link, NATS_PROBE);
    }
    *wake_ns = at_ns < *wake_ns ? at_ns : *wake_ns;
    return cut;
}

/* Moves the bytes of a link that has begun. */
static nats_cut tend(nats_pump *pump, nats_link *link, int64_t now_ns,
                     int64_t *wake_ns)
{
    if (link->can_write) {
        nats_link_give(link);
    }
    if (link->verdict_ns != 0) {
        *wake_ns = link->verdict_ns < *wake_ns ? link->verdict_ns : *wake_ns;
        return now_ns >= link->verdict_ns ? NATS_CUT_NOBODY : NATS_CUT_NONE;
    }
    bool is_open = pump->fd < 0 || pump->is_full || move_out(pump, link);
    if (nats_link_owes_ack(link)) {
        (void)say(pump, link, NATS_ACK);
    }
    return is_open ? watch(pump, link, now_ns, wake_ns) : NATS_CUT_NOBODY;
}

/* Returns when to look again. */
static int64_t tend_links(nats_pump *pump)
{
    int64_t now_ns = shmrpci_now_ns();
    int64_t wake_ns = SHMRPCI_NEVER_NS;
    for (uint32_t i = 0; i < pump->link_top; i++) {
        nats_link *link = pump->links[i];
        if (link == NULL) {
            continue;
        }
        nats_cut cut = link->number == 0 ? ask_for(pump, link, now_ns, &wake_ns)
                                         : tend(pump, link, now_ns, &wake_ns);
        if (cut != NATS_CUT_NONE) {
            cut_link(pump, i, cut);
        } else if (nats_link_is_over(link)) {
            end_of(pump, i, NATS_CUT_NONE);
        }
    }
    return wake_ns;
}

/* ---- rounds ------------------------------------------------------------ */

/* After a reconnection: messages may be lost, so all links that wait probe at
 * once. */
static void ask_all(nats_pump *pump)
{
    for (uint32_t i = 0; i < pump->link_top; i++) {
        if (pump->links[i] != NULL) {
            pump->links[i]->probe_ns = 0;
        }
    }
}

/* The descriptor of a lost connection is closed, and so no longer in the
 * set. */
static void note_connection(nats_pump *pump)
{
    nats_view view;
    pump->ops->view(pump->carrier, &view);
    if (view.max_payload > NATS_PARCEL_HEAD) {
        size_t most = view.max_payload - NATS_PARCEL_HEAD;
        pump->piece = most < NATS_PIECE_BYTES ? most : NATS_PIECE_BYTES;
    }
    if (view.fd < 0) {
        pump->fd = -1;
        return;
    }
    if (pump->fd == view.fd && pump->connects == view.connects) {
        return;
    }
    if (shmrpci_poll_add(pump->set, view.fd, SHMRPCI_POLL_LEVEL, TAG_NATS) ==
        SHMRPC_OK) {
        pump->fd = view.fd;
        pump->connects = view.connects;
        pump->can_read = true;
        pump->is_full = false;
        ask_all(pump);
        if (pump->opts.on_connect != NULL) {
            pump->opts.on_connect(pump->opts.user);
        }
    }
}

static void read_some(nats_pump *pump)
{
    if (pump->can_read && pump->fd >= 0) {
        pump->can_read = false;
        pump->ops->read(pump->carrier);
    }
    for (uint32_t i = 0; i < pump->inbox_count; i++) {
        take_all(pump, i);
    }
    for (uint32_t i = 0; i < pump->link_top && !pump->opts.is_gateway; i++) {
        take_all_for_link(pump, i);
    }
}

/* LEVEL: input; EDGE: input, or room for output. */
static void watch_nats(nats_pump *pump, shmrpci_poll_mode mode)
{
    shmrpci_poll_remove(pump->set, pump->fd);
    if (shmrpci_poll_add(pump->set, pump->fd, mode, TAG_NATS) != SHMRPC_OK) {
        pump->fd = -1; /* the next round adds it */
    }
}

static void write_some(nats_pump *pump)
{
    nats_view view;
    pump->ops->view(pump->carrier, &view);
    if (view.wants_write && view.fd >= 0 && !pump->is_full) {
        pump->ops->write(pump->carrier);
        pump->ops->view(pump->carrier, &view);
        if (view.wants_write && view.fd == pump->fd) {
            pump->is_full = true;
            watch_nats(pump, SHMRPCI_POLL_EDGE);
        }
    }
}

static void note_event(nats_pump *pump, uint64_t tag)
{
    if (tag == TAG_BELL) {
        shmrpci_event_clear(pump->bell_fd);
        pump->is_woken = true;
    } else if (tag == TAG_NATS) {
        pump->can_read = true;
        if (pump->is_full && pump->fd >= 0) {
            pump->is_full = false;
            watch_nats(pump, SHMRPCI_POLL_LEVEL);
        }
    } else {
        nats_link *link = pump->links[tag - TAG_LINKS];
        if (link != NULL) {
            link->can_read = link->can_write = true;
        }
    }
}

static void wait_for_events(nats_pump *pump, int64_t deadline_ns)
{
    uint64_t tags[64];
    size_t found = shmrpci_poll_wait(pump->set, tags,
                                     sizeof tags / sizeof *tags, deadline_ns);
    for (size_t i = 0; i < found; i++) {
        note_event(pump, tags[i]);
    }
}

static int64_t tick(nats_pump *pump)
{
    if (pump->opts.on_second == NULL) {
        return SHMRPCI_NEVER_NS;
    }
    int64_t now_ns = shmrpci_now_ns();
    if (now_ns >= pump->second_ns) {
        pump->second_ns = now_ns + SHMRPCI_NS_PER_S;
        pump->opts.on_second(pump->opts.user);
    }
    return pump->second_ns;
}

void nats_pump_round(nats_pump *pump, int64_t deadline_ns)
{
    pump->has_more = pump->has_told = false;
    note_connection(pump);
    if (pump->is_woken && pump->opts.on_wake != NULL) {
        pump->opts.on_wake(pump->opts.user);
    }
    pump->is_woken = false;
    read_some(pump);
    int64_t wake_ns = tend_links(pump);
    int64_t tick_ns = tick(pump);
    write_some(pump);
    wake_ns = tick_ns < wake_ns ? tick_ns : wake_ns;
    wake_ns = deadline_ns < wake_ns ? deadline_ns : wake_ns;
    wait_for_events(pump, pump->has_more || pump->has_told ? 0 : wake_ns);
}

/* ---- the thread -------------------------------------------------------- */

/* All bytes of our side have been sent. */
static bool is_quiet(nats_pump *pump)
{
    nats_view view;
    for (uint32_t i = 0; i < pump->link_top; i++) {
        if (pump->links[i] != NULL && pump->links[i]->number != 0 &&
            !pump->links[i]->has_ended) {
            return false;
        }
    }
    pump->ops->view(pump->carrier, &view);
    return !view.wants_write;
}

static void run(void *user)
{
    nats_pump *pump = user;
    int64_t until_ns = SHMRPCI_NEVER_NS;
    /* Relaxed: only compared with this thread's number. */
    shmrpci_store_relaxed(&pump->thread_number, shmrpci_thread_number());
    for (;;) {
        bool stops = shmrpci_load_acquire(&pump->stopping) != 0;
        if (stops && until_ns == SHMRPCI_NEVER_NS) {
            until_ns = shmrpci_deadline_after(LINGER_NS);
        }
        nats_pump_round(pump, stops ? 0 : SHMRPCI_NEVER_NS);
        if (stops && (is_quiet(pump) || shmrpci_now_ns() >= until_ns)) {
            return;
        }
        if (stops) {
            wait_for_events(pump, shmrpci_deadline_after(SHMRPCI_NS_PER_MS));
        }
    }
}

int nats_pump_start(nats_pump *pump, shmrpc_error *error)
{
    shmrpc_status status =
        shmrpci_thread_create(&pump->thread, "nats", run, pump);
    pump->has_thread = status == SHMRPC_OK;
    return status == SHMRPC_OK
               ? SHMRPC_OK
               : shmrpc_error_set(error, status, "can't start a thread");
}

void nats_pump_wake(nats_pump *pump)
{
    shmrpci_event_set(pump->bell_fd);
}

bool nats_pump_is_connected(const nats_pump *pump)
{
    return pump->fd >= 0;
}

void nats_pump_stop(nats_pump *pump)
{
    if (pump->has_thread) {
        /* Release pairs with the thread's acquire. */
        shmrpci_store_release(&pump->stopping, 1u);
        shmrpci_event_set(pump->bell_fd);
        shmrpci_thread_join(&pump->thread);
        pump->has_thread = false;
    }
}

/* ---- opening and closing ----------------------------------------------- */

/* Called by any thread, also of libnats. */
static void on_change(void *user)
{
    nats_pump *pump = user;
    if (shmrpci_load_relaxed(&pump->thread_number) != shmrpci_thread_number()) {
        shmrpci_event_set(pump->bell_fd);
    }
}

static int make(nats_pump *pump, shmrpc_error *error)
{
    shmrpc_status status = shmrpci_poll_create(&pump->set);
    if (status == SHMRPC_OK) {
        status = shmrpci_event_create(&pump->bell_fd);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_poll_add(pump->set, pump->bell_fd, SHMRPCI_POLL_LEVEL,
                                  TAG_BELL);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_fork_close_fd(&pump->fd_place, &pump->fd);
    }
    pump->scratch = malloc(NATS_PARCEL_HEAD + NATS_PIECE_BYTES);
    if (status == SHMRPC_OK && pump->scratch == NULL) {
        status = SHMRPC_E_NO_MEMORY;
    }
    return status == SHMRPC_OK
               ? SHMRPC_OK
               : shmrpc_error_set(error, status,
                                  "memory or descriptors ran out");
}

int nats_pump_create(const nats_pump_opts *opts, nats_pump **out,
                     shmrpc_error *error)
{
    const nats_carrier_ops *ops;
    int status = nats_load(&ops, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    nats_pump *pump = calloc(1, sizeof *pump);
    if (pump == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    pump->opts = *opts;
    pump->opts.carrier.on_change = on_change;
    pump->opts.carrier.user = pump;
    pump->ops = ops;
    pump->generation = shmrpci_fork_generation();
    pump->set = pump->bell_fd = pump->fd = -1;
    pump->piece = NATS_PIECE_BYTES / 8; /* until the servers report their
                                         * limit */
    status = make(pump, error);
    if (status == SHMRPC_OK) {
        status = nats_open(ops, &pump->opts.carrier, &pump->carrier, error);
    }
    if (status != SHMRPC_OK) {
        nats_pump_destroy(pump);
        return status;
    }
    *out = pump;
    return SHMRPC_OK;
}

int nats_pump_subscribe(nats_pump *pump, const char *subject, const char *queue,
                        shmrpc_error *error)
{
    SHMRPCI_ASSERT(pump->inbox_count < NATS_INBOXES_MAX,
                   "the number of subscriptions is limited");
    nats_result result = pump->ops->subscribe(
        pump->carrier, subject, queue, &pump->inboxes[pump->inbox_count]);
    if (result != NATS_DONE) {
        return nats_failed(result, &pump->opts.carrier, "can't subscribe",
                           error);
    }
    pump->is_queue[pump->inbox_count++] = queue != NULL;
    return SHMRPC_OK;
}

int nats_pump_new_subject(nats_pump *pump, char out[NATS_SUBJECT_BYTES],
                          shmrpc_error *error)
{
    return pump->ops->new_subject(out, NATS_SUBJECT_BYTES) == NATS_DONE
               ? SHMRPC_OK
               : shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
}

/* Whether `fd` is still that of the connection, after what is left was sent. */
static bool is_sent(nats_pump *pump, int fd)
{
    nats_view view;
    pump->ops->view(pump->carrier, &view);
    return view.fd >= 0 && view.fd == fd && !view.wants_write;
}

/* Ends our side, and waits until the server has read all of it, and so closes
 * too. Closing with unread input would reset the connection, and the server
 * would discard what it has not read by then: the last answers of a gateway, or
 * the last oneway calls of a client. */
static void see_off(nats_pump *pump)
{
    int64_t deadline_ns = shmrpci_deadline_after(LINGER_NS);
    shmrpc_status status = SHMRPC_E_BUSY;
    size_t got;
    nats_view view;
    pump->ops->view(pump->carrier, &view);
    if (view.wants_write && view.fd >= 0) {
        pump->ops->write(pump->carrier);
    }
    if (!is_sent(pump, view.fd)) {
        return;
    }
    shmrpci_stream_end(view.fd);
    while ((status == SHMRPC_OK || status == SHMRPC_E_BUSY) &&
           shmrpci_remaining_ns(deadline_ns) > 0) {
        shmrpci_poll_entry entry = {.fd = view.fd, .read = true};
        if (shmrpci_poll_entries(&entry, 1, deadline_ns)) {
            status = is_sent(pump, view.fd)
                         ? shmrpci_stream_receive(view.fd, pump->scratch,
                                                  NATS_PIECE_BYTES, &got)
                         : SHMRPC_E_UNAVAILABLE;
        }
    }
}

void nats_pump_destroy(nats_pump *pump)
{
    if (pump == NULL) {
        return;
    }
    bool is_ours = pump->generation == shmrpci_fork_generation();
    for (uint32_t i = 0; i < pump->link_top; i++) {
        if (pump->links[i] != NULL) {
            free_link(pump, i);
        }
    }
    for (uint32_t i = 0; i < pump->inbox_count && is_ours; i++) {
        pump->ops->unsubscribe(pump->inboxes[i]);
    }
    if (pump->carrier != NULL && is_ours) {
        see_off(pump);
        pump->ops->close(pump->carrier);
    }
    shmrpci_fork_keep_fd(&pump->fd_place);
    shmrpci_fd_close(&pump->bell_fd);
    shmrpci_fd_close(&pump->set);
    free(pump->scratch);
    free(pump);
}

void nats_pump_count(const nats_pump *pump, nats_counts *out)
{
    uint64_t values[sizeof *out / sizeof(uint64_t)];
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        values[i] = shmrpci_load_relaxed(&pump->counts[i]);
    }
    memcpy(out, values, sizeof values);
}

bool nats_pump_is_closed(nats_pump *pump)
{
    nats_view view;
    pump->ops->view(pump->carrier, &view);
    return view.is_closed;
}

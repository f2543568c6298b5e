/* The links of a pump: how they begin and end, and what they send. */
#include <stdlib.h>

#include "os/memory.h"
#include "os/poll.h"
#include "os/stream.h"
#include "os/tls_secret.h"
#include "transport/nats/pump_inside.h"

/* Maximum number of pieces that one link sends in a round, before the other
 * links have their turn. */
#define TURN_PIECES 4

/* Number of low bits of a gateway's link number that hold the link's place. */
#define PLACE_BITS 16u

/* ---- beginning and end --------------------------------------------------- */

void nats_pump_free_link(nats_pump *pump, uint32_t place)
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

/* Tells the owner before the socket is closed. */
static void end_of(nats_pump *pump, uint32_t place, nats_cut why)
{
    nats_link *link = pump->links[place];
    if (link->owner != NULL) {
        pump->opts.on_cut(pump->opts.user, link->owner, why,
                          why == NATS_CUT_NOBODY ? nats_link_lost_at(link)
                                                 : link->sent_at);
    }
    nats_pump_free_link(pump, place);
}

/* Tells the peer that the link has ended, unless the peer itself has sent
 * CLOSE. */
void nats_pump_cut_link(nats_pump *pump, uint32_t place, nats_cut why)
{
    nats_link *link = pump->links[place];
    switch (why) {
    case NATS_CUT_GAP:
        NATS_COUNT(pump, gaps);
        break;
    case NATS_CUT_LIE:
        NATS_COUNT(pump, refused);
        break;
    case NATS_CUT_NOBODY:
        NATS_COUNT(pump, nobody);
        break;
    case NATS_CUT_SILENT:
        NATS_COUNT(pump, silent);
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

/* The number must be unguessable, since otherwise another client of the same
 * servers could send into the link. */
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
    shmrpc_status status =
        shmrpci_poll_add(pump->set, link->fd, SHMRPCI_POLL_EDGE,
                         (uint64_t)NATS_TAG_LINKS + place);
    if (status == SHMRPC_OK) {
        status = shmrpci_fork_close_fd(&link->fd_place, &link->fd);
    }
    if (status == SHMRPC_OK) {
        pump->links[place] = link;
        pump->link_count++;
        pump->link_top =
            place + 1 > pump->link_top ? place + 1 : pump->link_top;
        pump->has_more = true;
        NATS_COUNT(pump, links);
    }
    return (int)status;
}

/* Takes `fd` over. Returns NULL if memory or places are exhausted. */
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
        nats_pump_free_link(pump, place);
        return SHMRPC_E_EXHAUSTED;
    }
    link->owner = owner;
    return SHMRPC_OK;
}

void nats_pump_cut(nats_pump *pump, const void *owner)
{
    for (uint32_t i = 0; i < pump->link_top; i++) {
        if (pump->links[i] != NULL && pump->links[i]->owner == owner) {
            nats_pump_cut_link(pump, i, NATS_CUT_SILENT);
        }
    }
}

uint32_t nats_pump_links(const nats_pump *pump)
{
    return pump->link_count;
}

/* The number of a gateway's link contains its place. */
uint32_t nats_pump_place_of(const nats_pump *pump, uint64_t number)
{
    uint32_t place = (uint32_t)(number & ((1u << PLACE_BITS) - 1));
    bool is_there = pump->opts.is_gateway && place < NATS_LINKS_MAX &&
                    pump->links[place] != NULL &&
                    pump->links[place]->number == number;
    return is_there ? place : NATS_LINKS_MAX;
}
/* ---- moving bytes -------------------------------------------------------- */

/* Sends END: our side is closing, or has closed, its socket. */
static void end_link(nats_pump *pump, nats_link *link)
{
    link->can_read = false;
    link->has_ended = true;
    (void)nats_pump_say(pump, link, NATS_END);
}

/* Returns false if the link must end. */
static bool send_piece(nats_pump *pump, nats_link *link, size_t len)
{
    nats_parcel parcel = nats_link_parcel(link, NATS_DATA);
    parcel.data = pump->scratch + NATS_PARCEL_HEAD;
    parcel.len = len;
    link->sent_at += len;
    return nats_pump_send_of(pump, link, &parcel) == NATS_DONE;
}

/* Sends what the socket has, up to the window. Returns false if the link must
 * end. */
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

/* Sends OPEN for a client's link, once, when there is a connection. */
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

/* A client sends ALIVE when it has nothing else to send; a gateway ends the
 * link of a client that sends nothing at all. */
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
        NATS_COUNT(pump, probes);
        (void)nats_pump_say(pump, link, NATS_PROBE);
    }
    *wake_ns = at_ns < *wake_ns ? at_ns : *wake_ns;
    return cut;
}

/* Moves the bytes of a link that has started. */
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
        (void)nats_pump_say(pump, link, NATS_ACK);
    }
    return is_open ? watch(pump, link, now_ns, wake_ns) : NATS_CUT_NOBODY;
}

/* Returns when to look again. */
int64_t nats_pump_tend_links(nats_pump *pump)
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
            nats_pump_cut_link(pump, i, cut);
        } else if (nats_link_is_over(link)) {
            end_of(pump, i, NATS_CUT_NONE);
        }
    }
    return wake_ns;
}

/* The messages of a pump: sending messages, and handling received ones. */
#include <string.h>

#include "base/assert.h"
#include "transport/nats/pump_inside.h"

void nats_pump_add_count(nats_pump *pump, size_t offset)
{
    /* Relaxed: only a statistic. */
    (void)shmrpci_add_relaxed(&pump->counts[offset / sizeof(uint64_t)],
                              UINT64_C(1));
}

/* ---- sending ----------------------------------------------------------- */

static nats_result publish(nats_pump *pump, const char *subject,
                           const char *reply, const void *data, size_t len)
{
    NATS_COUNT(pump, messages_out);
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
    NATS_COUNT(pump, messages_out);
    return pump->ops->publish_with(pump->carrier, subject, NULL, headers,
                                   head_count, data, len);
}

bool nats_pump_headers(nats_pump *pump, const nats_message *message,
                       void (*each)(void *user, const nats_header *header),
                       void *user)
{
    return pump->ops->headers(message, each, user);
}

/* Uses the scratch buffer. The data of a DATA message already lies there. */
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

/* Sends a message of a link; DATA and ALIVE of a gateway report its load. */
nats_result nats_pump_send_of(nats_pump *pump, nats_link *link,
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

nats_result nats_pump_say(nats_pump *pump, nats_link *link, nats_kind kind)
{
    nats_parcel parcel = nats_link_parcel(link, kind);
    return nats_pump_send_of(pump, link, &parcel);
}
/* ---- receiving -------------------------------------------------------- */

/* Tells a peer that its link does not exist. */
static void refuse(nats_pump *pump, const nats_message *message,
                   const nats_parcel *parcel)
{
    NATS_COUNT(pump, refused);
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
        nats_pump_cut_link(pump, place, cut);
    } else if (parcel->kind == NATS_PROBE) {
        (void)nats_pump_say(pump, link, NATS_ALIVE);
    } else if (nats_link_owes_ack(link)) {
        (void)nats_pump_say(pump, link, NATS_ACK);
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
    NATS_COUNT(pump, messages_in);
    if (pump->is_queue[inbox] ||
        !nats_parcel_get(message->data, message->len, &parcel)) {
        tell_owner(pump, inbox, NATS_DONE, message, NULL);
    } else if (parcel.kind <= NATS_OPENED) {
        tell_owner(pump, inbox, NATS_DONE, message, &parcel);
    } else {
        uint32_t place = nats_pump_place_of(pump, parcel.link);
        if (place == NATS_LINKS_MAX) {
            refuse(pump, message, &parcel);
            if (!pump->opts.is_gateway) { /* the gateway's service is not
                                           * running */
                tell_owner(pump, inbox, NATS_DONE, message, &parcel);
            }
        } else {
            take_parcel(pump, place, &parcel);
        }
    }
}

/* Handles the messages of one subscription. If messages were lost, the next
 * message on each link shows it and ends the link. */
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

/* Handles the answer to OPEN. */
static nats_cut take_answer(nats_link *link, const nats_parcel *parcel)
{
    if (parcel->kind == NATS_OPENED && parcel->link != 0) {
        link->number = parcel->link;
        link->heard_ns = shmrpci_now_ns();
        return NATS_CUT_NONE;
    }
    return parcel->kind == NATS_CLOSE ? NATS_CUT_REFUSED : NATS_CUT_LIE;
}

/* Handles a message for a client's link. Messages from other peers are
 * dropped. */
static void take_for_link(nats_pump *pump, uint32_t place,
                          const nats_message *message)
{
    nats_parcel parcel;
    nats_link *link = pump->links[place];
    NATS_COUNT(pump, messages_in);
    if (!nats_parcel_get(message->data, message->len, &parcel) ||
        (link->number != 0 && parcel.link != link->number)) {
        NATS_COUNT(pump, refused);
        return;
    }
    if (link->number == 0) {
        nats_cut cut = take_answer(link, &parcel);
        if (cut != NATS_CUT_NONE) {
            nats_pump_cut_link(pump, place, cut);
        }
        return;
    }
    if (parcel.kind == NATS_DATA || parcel.kind == NATS_ALIVE) {
        pump->opts.on_load(pump->opts.user, link->owner,
                           parcel.value > 0 ? (uint32_t)parcel.value : 0);
    }
    take_parcel(pump, place, &parcel);
}

/* Handles all messages that arrived for a client's link. NOBODY means that its
 * peer is gone. */
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
            nats_pump_cut_link(pump, place, NATS_CUT_NOBODY);
        }
    }
}

void nats_pump_take_all(nats_pump *pump)
{
    for (uint32_t i = 0; i < pump->inbox_count; i++) {
        take_all(pump, i);
    }
    for (uint32_t i = 0; i < pump->link_top && !pump->opts.is_gateway; i++) {
        take_all_for_link(pump, i);
    }
}

/* Moves the bytes of one link, and checks that its peer is alive. */
#include "transport/nats/link.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "os/memory.h"
#include "os/stream.h"

/* We acknowledge once we have taken this many bytes from the peer. */
#define ACK_BYTES (NATS_WINDOW_BYTES / 4)

/* The delay before the first probe, and the longest delay between two
 * probes. */
#define FIRST_PROBE_NS (50 * SHMRPCI_NS_PER_MS)
#define PROBE_NS       SHMRPCI_NS_PER_S

/* How long to wait for more refusals (503) after the first one. Refusals of
 * messages that were sent together also arrive together. */
#define VERDICT_NS (50 * SHMRPCI_NS_PER_MS)

void nats_link_init(nats_link *link, int fd, uint64_t number,
                    const char *subject, const char *reply)
{
    *link = (nats_link){.number = number,
                        .fd = fd,
                        .can_read = true,
                        .can_write = true,
                        .heard_ns = shmrpci_now_ns()};
    link->probe_ns = link->heard_ns + NATS_IDLE_NS;
    (void)snprintf(link->subject, sizeof link->subject, "%s", subject);
    (void)snprintf(link->reply, sizeof link->reply, "%s",
                   reply != NULL ? reply : "");
    shmrpci_buf_init_heap(&link->waiting);
}

void nats_link_fini(nats_link *link)
{
    shmrpci_fork_keep_fd(&link->fd_place);
    shmrpci_fd_close(&link->fd);
    shmrpci_buf_fini(&link->waiting);
}

size_t nats_link_room(const nats_link *link, size_t piece)
{
    SHMRPCI_ASSERT(link->sent_at - link->acked_at <= NATS_WINDOW_BYTES,
                   "no more is in flight than the window allows");
    uint64_t room = NATS_WINDOW_BYTES - (link->sent_at - link->acked_at);
    return room < piece ? (size_t)room : piece;
}

nats_parcel nats_link_parcel(nats_link *link, nats_kind kind)
{
    link->said_at = link->given_at;
    return (nats_parcel){.kind = kind,
                         .link = link->number,
                         .at = link->sent_at,
                         .acked = link->given_at};
}

void nats_link_sent(nats_link *link)
{
    link->unacked = link->sent_at > link->acked_at ? link->unacked + 1 : 0;
}

/* NATS does not say which message it refused, but it refuses all later ones
 * too. So once there are as many refusals as unacknowledged messages, all of
 * these were refused. */
static bool has_refused_all(const nats_link *link)
{
    return link->unacked > 0 && link->refusals >= link->unacked;
}

bool nats_link_refuse(nats_link *link, int64_t now_ns)
{
    link->refusals++;
    if (link->verdict_ns == 0) {
        link->verdict_ns = now_ns + VERDICT_NS;
    }
    return link->unacked == 0 || has_refused_all(link);
}

uint64_t nats_link_lost_at(const nats_link *link)
{
    return has_refused_all(link) ? link->acked_at : link->sent_at;
}

bool nats_link_owes_ack(const nats_link *link)
{
    return link->given_at - link->said_at >= ACK_BYTES;
}

bool nats_link_is_over(const nats_link *link)
{
    return link->has_ended && link->is_shut;
}

/* ---- receiving -------------------------------------------------------- */

/* Writes to the socket and returns how many bytes it took. Once nobody reads
 * the socket any more, all bytes count as taken. */
static size_t give(nats_link *link, const uint8_t *data, size_t len)
{
    size_t given = 0;
    while (link->can_write && !link->is_deaf && given < len) {
        size_t sent = 0;
        shmrpci_part part = {data + given, len - given};
        shmrpc_status status = shmrpci_stream_send(link->fd, &part, 1, &sent);
        link->can_write = status != SHMRPC_E_BUSY;
        link->is_deaf = link->can_write && status != SHMRPC_OK;
        given += sent;
    }
    given = link->is_deaf ? len : given;
    link->given_at += given;
    return given;
}

void nats_link_give(nats_link *link)
{
    size_t len = link->waiting.len - link->waiting_from;
    if (len > 0) {
        link->waiting_from +=
            give(link, link->waiting.data + link->waiting_from, len);
    }
    if (link->waiting_from == link->waiting.len) {
        link->waiting_from = 0;
        shmrpci_buf_reset(&link->waiting);
        if (link->peer_ended && !link->is_shut) {
            shmrpci_stream_end(link->fd);
            link->is_shut = true;
        }
    }
}

/* Writes most bytes straight to the socket and copies only the rest. Delivered
 * bytes are removed from the copy before more are appended, so the copy takes
 * at most two windows. */
static nats_cut take_data(nats_link *link, const nats_parcel *parcel)
{
    size_t given = 0;
    nats_cut cut = NATS_CUT_NONE;
    if (parcel->at != link->got_at) {
        return NATS_CUT_GAP;
    }
    if (link->peer_ended ||
        link->got_at + parcel->len - link->said_at > NATS_WINDOW_BYTES) {
        return NATS_CUT_LIE;
    }
    link->got_at += parcel->len;
    if (link->waiting.len == 0) {
        given = give(link, parcel->data, parcel->len);
    } else if (link->waiting_from > NATS_WINDOW_BYTES) {
        memmove(link->waiting.data, link->waiting.data + link->waiting_from,
                link->waiting.len - link->waiting_from);
        link->waiting.len -= link->waiting_from;
        link->waiting_from = 0;
    }
    if (given < parcel->len) {
        shmrpci_buf_append(&link->waiting, parcel->data + given,
                           parcel->len - given);
        cut =
            link->waiting.status == SHMRPC_OK ? NATS_CUT_NONE : NATS_CUT_MEMORY;
    }
    SHMRPCI_ASSERT(cut != NATS_CUT_NONE ||
                       link->got_at - link->given_at ==
                           link->waiting.len - link->waiting_from,
                   "undelivered bytes wait");
    return cut;
}

/* Checks that we have received all bytes that the peer had sent before this
 * PROBE, ALIVE or END. Missing bytes are lost. */
static nats_cut check_all_came(const nats_link *link, const nats_parcel *parcel)
{
    return parcel->at == link->got_at  ? NATS_CUT_NONE
           : parcel->at > link->got_at ? NATS_CUT_GAP
                                       : NATS_CUT_LIE;
}

/* Resets the probes: none is needed while bytes arrive. */
static void ask_anew(nats_link *link, int64_t now_ns)
{
    link->probes = 0;
    link->probe_ns = now_ns + FIRST_PROBE_NS;
}

nats_cut nats_link_take(nats_link *link, const nats_parcel *parcel)
{
    nats_cut cut = NATS_CUT_NONE;
    if (parcel->acked < link->acked_at || parcel->acked > link->sent_at) {
        return NATS_CUT_LIE;
    }
    link->acked_at = parcel->acked;
    link->unacked = link->acked_at == link->sent_at ? 0 : link->unacked;
    link->heard_ns = shmrpci_now_ns();
    switch (parcel->kind) {
    case NATS_DATA:
        ask_anew(link, link->heard_ns);
        return take_data(link, parcel);
    case NATS_PROBE:
    case NATS_ALIVE:
        return check_all_came(link, parcel);
    case NATS_END:
        cut = check_all_came(link, parcel);
        link->peer_ended = true;
        nats_link_give(link);
        return cut;
    case NATS_CLOSE:
        return NATS_CUT_PEER;
    case NATS_ACK:
        return NATS_CUT_NONE;
    case NATS_FIND:
    case NATS_FOUND:
    case NATS_OPEN:
    case NATS_OPENED:
    case NATS_KIND_COUNT:
        break;
    }
    return NATS_CUT_LIE;
}

/* ---- checking that the peer is alive ------------------------------------- */

/* While the peer owes an answer, it is probed after 50, 100, 200 ms and so on,
 * but at least once a second. Otherwise probes only keep a gateway from
 * dropping us. */
nats_cut nats_link_watch(nats_link *link, uint32_t calls, int64_t now_ns,
                         bool *out_asks, int64_t *out_wake_ns)
{
    *out_asks = false;
    if (calls == 0 && link->asked_ns != 0) {
        link->asked_ns = 0;
        link->probe_ns = now_ns + NATS_IDLE_NS;
    } else if (calls > 0 && link->asked_ns == 0) {
        link->asked_ns = now_ns;
        ask_anew(link, now_ns);
    }
    int64_t since_ns =
        link->heard_ns > link->asked_ns ? link->heard_ns : link->asked_ns;
    if (calls > 0 && now_ns - since_ns >= NATS_SILENCE_NS) {
        return NATS_CUT_SILENT;
    }
    if (now_ns >= link->probe_ns) {
        int64_t pause_ns =
            link->probes < 5 ? FIRST_PROBE_NS << (link->probes + 1) : PROBE_NS;
        *out_asks = true;
        link->probes++;
        link->probe_ns = now_ns + (calls == 0            ? NATS_IDLE_NS
                                   : pause_ns < PROBE_NS ? pause_ns
                                                         : PROBE_NS);
    }
    *out_wake_ns = link->probe_ns;
    return NATS_CUT_NONE;
}

/*
 * Anything that a peer may send over a NATS link, while the socket behind the
 * link is read now and then. Each step is a byte and its arguments. The socket
 * must deliver the accepted data, in order and complete; at most one window of
 * data may wait; and a link that can't deliver must end rather than lose data.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/memory.h"
#include "os/stream.h"
#include "transport/nats/link.h"

/* Max bytes that a run accepts, so that it is short. */
#define ALL_BYTES ((size_t)4 << 20)

typedef struct scene {
    nats_link link;
    int fd;            /* the other end of the link's socket; -1: closed */
    shmrpci_buf all;   /* all bytes accepted so far */
    size_t read;       /* how many of these were read from the socket */
    uint64_t given_at; /* the link's given_at at the last check */
    const uint8_t *data;
    size_t len;
} scene;

static void fail(const char *what)
{
    (void)fprintf(stderr, "%s\n", what);
    abort();
}

static uint8_t get(scene *s)
{
    if (s->len == 0) {
        return 0;
    }
    s->len--;
    return *s->data++;
}

/* Chooses a length; most are short, so that a run is short. */
static size_t get_len(scene *s)
{
    size_t len = get(s);
    return len < 200 ? len + 1 : (len - 199) * 4681;
}

/* ---- operations ---------------------------------------------------------- */

/* Returns false if the link has ended. */
static bool take(scene *s, const nats_parcel *parcel)
{
    nats_cut cut = nats_link_take(&s->link, parcel);
    if (cut == NATS_CUT_NONE && parcel->kind == NATS_DATA) {
        if (parcel->at != s->all.len) {
            fail("accepted bytes after a gap");
        }
        shmrpci_buf_append(&s->all, parcel->data, parcel->len);
    }
    return cut == NATS_CUT_NONE;
}

/* Takes the next message that an honest peer would send. */
static bool take_next(scene *s)
{
    static uint8_t bytes[NATS_PIECE_BYTES];
    nats_parcel parcel = {.kind = NATS_DATA,
                          .at = s->link.got_at,
                          .acked = s->link.acked_at,
                          .data = bytes,
                          .len = get_len(s)};
    if (s->all.len + parcel.len > ALL_BYTES) {
        return false;
    }
    memset(bytes, (int)s->len, parcel.len);
    return take(s, &parcel);
}

/* Returns a number near the right one, or a random one. */
static uint64_t near(scene *s, uint64_t right)
{
    uint8_t how = get(s);
    return how < 128   ? right + how
           : how < 160 ? right - (how & 31u)
                       : UINT64_MAX / (how - 159u);
}

static bool take_other(scene *s)
{
    uint8_t kind = get(s);
    nats_parcel parcel = {.kind = NATS_DATA + kind % (NATS_CLOSE - NATS_DATA)};
    parcel.at = near(s, s->link.got_at);
    parcel.acked = near(s, s->link.acked_at);
    if (parcel.kind == NATS_DATA) {
        size_t len = get(s);
        parcel.data = s->data;
        parcel.len = len < s->len ? len : s->len;
        s->data += parcel.len;
        s->len -= parcel.len;
        if (parcel.len == 0) {
            return true; /* an earlier check refuses empty data */
        }
    }
    return take(s, &parcel);
}

/* Reads from the socket; returns whether data came. */
static bool read_socket(scene *s, size_t most)
{
    static uint8_t bytes[NATS_PIECE_BYTES];
    size_t len = 0;
    if (s->fd < 0) {
        return false;
    }
    shmrpc_status status = shmrpci_stream_receive(s->fd, bytes, most, &len);
    if (len > s->all.len - s->read ||
        (len > 0 && memcmp(bytes, s->all.data + s->read, len) != 0)) {
        fail("the socket gave bytes that differ from those accepted");
    }
    s->read += len;
    if (status == SHMRPC_E_UNAVAILABLE &&
        (!s->link.is_shut || s->read < s->all.len)) {
        fail("the end came before the last byte");
    }
    return len > 0;
}

static void send_some(scene *s)
{
    s->link.sent_at += nats_link_room(&s->link, get_len(s));
    (void)nats_link_parcel(&s->link, NATS_DATA);
}

static void give(scene *s)
{
    s->link.can_write = true;
    nats_link_give(&s->link);
}

static bool watch(scene *s)
{
    bool asks;
    int64_t wake_ns;
    int64_t now_ns = s->link.heard_ns + (int64_t)get(s) * SHMRPCI_NS_PER_S / 8;
    return nats_link_watch(&s->link, get(s) & 1u, now_ns, &asks, &wake_ns) ==
           NATS_CUT_NONE;
}

/* Returns false if the link has ended. */
static bool step(scene *s)
{
    switch (get(s) % 9) {
    case 0:
    case 1:
        return take_next(s);
    case 2:
        return take_other(s);
    case 3:
        (void)read_socket(s, get_len(s));
        return true;
    case 4:
        give(s);
        return true;
    case 5:
        send_some(s);
        return true;
    case 6:
        return watch(s);
    case 7:
        (void)nats_link_parcel(&s->link, NATS_ACK);
        return true;
    default:
        if (get(s) == 0) {
            shmrpci_fd_close(&s->fd);
        }
        return true;
    }
}

static void check(scene *s)
{
    const nats_link *link = &s->link;
    size_t waits = link->waiting.len - link->waiting_from;
    if (link->got_at != s->all.len || link->given_at + waits != link->got_at) {
        fail("accepted bytes are neither delivered nor waiting");
    }
    if (waits > NATS_WINDOW_BYTES ||
        link->waiting.len > 2 * NATS_WINDOW_BYTES + waits) {
        fail("more bytes wait than the window allows");
    }
    if (link->given_at < s->given_at || link->said_at > link->given_at ||
        link->acked_at > link->sent_at ||
        link->sent_at - link->acked_at > NATS_WINDOW_BYTES) {
        fail("impossible numbers");
    }
    s->given_at = link->given_at;
}

/* Reads what is left: accepted data is never lost, whatever ended the link. */
static void read_rest(scene *s)
{
    do {
        give(s);
    } while (read_socket(s, NATS_PIECE_BYTES));
    if (s->fd >= 0 && s->read != s->all.len) {
        fail("accepted bytes were not delivered");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    int fds[2];
    scene s = {.data = data, .len = len};
    if (shmrpci_stream_pair(fds) != SHMRPC_OK) {
        fail("no descriptors");
    }
    nats_link_init(&s.link, fds[0], 7, "there", "here");
    s.fd = fds[1];
    shmrpci_buf_init_heap(&s.all);
    while (s.len > 0 && step(&s)) {
        check(&s);
    }
    read_rest(&s);
    nats_link_fini(&s.link);
    shmrpci_fd_close(&s.fd);
    shmrpci_buf_fini(&s.all);
    return 0;
}

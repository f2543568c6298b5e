/* The connection of a pump to NATS, and the pump's rounds. */
#include "transport/nats/pump.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/memory.h"
#include "os/poll.h"
#include "os/stream.h"
#include "transport/nats/load.h"
#include "transport/nats/pump_inside.h"

/* How long closing waits for the server to read what was sent. */
#define SEE_OFF_NS SHMRPCI_NS_PER_S

/* ---- rounds ------------------------------------------------------------ */

/* Messages may have been lost when the connection was replaced, so every link
 * that waits for an answer probes at once. */
static void ask_all(nats_pump *pump)
{
    for (uint32_t i = 0; i < pump->link_top; i++) {
        if (pump->links[i] != NULL) {
            pump->links[i]->probe_ns = 0;
        }
    }
}

/* Notes a new connection. The descriptor of the lost one is closed and
 * therefore no longer in the set. */
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
    if (shmrpci_poll_add(pump->set, view.fd, SHMRPCI_POLL_LEVEL,
                         NATS_TAG_NATS) == SHMRPC_OK) {
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
    nats_pump_take_all(pump);
}

/* Polls the descriptor of NATS: LEVEL for input only, EDGE for input and for
 * room for output. */
static void watch_nats(nats_pump *pump, shmrpci_poll_mode mode)
{
    shmrpci_poll_remove(pump->set, pump->fd);
    if (shmrpci_poll_add(pump->set, pump->fd, mode, NATS_TAG_NATS) !=
        SHMRPC_OK) {
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
    if (tag == NATS_TAG_BELL) {
        shmrpci_event_clear(pump->bell_fd);
        pump->is_woken = true;
    } else if (tag == NATS_TAG_NATS) {
        pump->can_read = true;
        if (pump->is_full && pump->fd >= 0) {
            pump->is_full = false;
            watch_nats(pump, SHMRPCI_POLL_LEVEL);
        }
    } else {
        nats_link *link = pump->links[tag - NATS_TAG_LINKS];
        if (link != NULL) {
            link->can_read = link->can_write = true;
        }
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

int64_t nats_pump_step(nats_pump *pump, const uint64_t *tags, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        note_event(pump, tags[i]);
    }
    pump->has_more = pump->has_told = false;
    note_connection(pump);
    if (pump->is_woken && pump->opts.on_wake != NULL) {
        pump->opts.on_wake(pump->opts.user);
    }
    pump->is_woken = false;
    read_some(pump);
    int64_t wake_ns = nats_pump_tend_links(pump);
    int64_t tick_ns = tick(pump);
    write_some(pump);
    wake_ns = tick_ns < wake_ns ? tick_ns : wake_ns;
    return pump->has_more || pump->has_told ? 0 : wake_ns;
}

size_t nats_pump_await(nats_pump *pump, uint64_t tags[NATS_EVENTS_MAX],
                       int64_t deadline_ns)
{
    return shmrpci_poll_wait(pump->set, tags, NATS_EVENTS_MAX, deadline_ns);
}

void nats_pump_round(nats_pump *pump, int64_t deadline_ns)
{
    uint64_t tags[NATS_EVENTS_MAX];
    int64_t wake_ns = nats_pump_step(pump, NULL, 0);
    wake_ns = deadline_ns < wake_ns ? deadline_ns : wake_ns;
    size_t count = nats_pump_await(pump, tags, wake_ns);
    for (size_t i = 0; i < count; i++) {
        note_event(pump, tags[i]);
    }
}

bool nats_pump_is_connected(const nats_pump *pump)
{
    return pump->fd >= 0;
}

/* ---- opening and closing ----------------------------------------------- */

/* Called by any thread, including libnats's. */
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
                                  NATS_TAG_BELL);
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
    shmrpci_mutex_init(&pump->turn);
    shmrpci_mutex_init(&pump->parking);
    shmrpci_cond_init(&pump->changed);
    pump->set = pump->bell_fd = pump->fd = -1;
    /* Pieces are small until the servers have reported their limit. */
    pump->piece = NATS_PIECE_BYTES / 8;
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

/* Whether everything was sent, and `fd` is still the descriptor of the
 * connection. */
static bool is_sent(nats_pump *pump, int fd)
{
    nats_view view;
    pump->ops->view(pump->carrier, &view);
    return view.fd >= 0 && view.fd == fd && !view.wants_write;
}

/* Closes our direction, then waits until the server has read everything and
 * closes its own. Closing a socket with unread input would reset the
 * connection, and the server would discard what it has not read yet: the last
 * answers of a gateway, or the last oneway calls of a client. */
static void see_off(nats_pump *pump)
{
    int64_t deadline_ns = shmrpci_deadline_after(SEE_OFF_NS);
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
            nats_pump_free_link(pump, i);
        }
    }
    for (uint32_t i = 0; i < pump->inbox_count && is_ours; i++) {
        pump->ops->unsubscribe(pump->inboxes[i]);
    }
    if (pump->carrier != NULL && is_ours) {
        see_off(pump);
        pump->ops->close(pump->carrier);
    }
    if (is_ours) {
        shmrpci_cond_fini(&pump->changed);
        shmrpci_mutex_fini(&pump->parking);
        shmrpci_mutex_fini(&pump->turn);
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

/*
 * Queues over NATS: a work-queue stream, and one consumer that all readers
 * share.
 *
 * A thread that pops asks the server for an item (a pull), and the server
 * answers when there is one. Nothing is fetched ahead, so that no item waits
 * behind a busy reader. An item that arrives when no thread waits any more is
 * given back at once.
 *
 * The server delivers an item again if it is not acknowledged within
 * `ack_wait`. Every third of that time we tell the server which items are still
 * in work, so that only the items of a reader that has died or is cut off are
 * delivered again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/nats/remote_inside.h"

/* How long a pull waits at the server. Then it is repeated; this bounds the
 * delay after a lost pull, and how late the end of the queue is noticed. */
#define PULL_NS SHMRPCI_NS_PER_S
/* How much longer than the pull itself its answer may take. */
#define PULL_SLACK_NS (2 * SHMRPCI_NS_PER_S)

/* The pause between two checks while a push waits for room, at first and at
 * most. A pull is repeated after the longer one if the servers may be electing
 * a leader. */
#define FIRST_LOOK_NS (5 * SHMRPCI_NS_PER_MS)
#define LAST_LOOK_NS  (100 * SHMRPCI_NS_PER_MS)

/* How many item numbers are checked at a time when the server seems to wait for
 * items that no longer exist. */
#define DROPPED_SHARE 4096u

/* ---- acknowledging ------------------------------------------------------- */

static int say(shmrpci_remote *remote, const char *reply, const char *what)
{
    return nats_line_post(
        remote->line,
        &(nats_post){.subject = reply, .data = what, .len = strlen(what)});
}

/* Gives items that no thread waits for back to the server, for other
 * readers. */
static void give_back_all(shmrpci_remote *remote)
{
    nats_got *got;
    while ((got = nats_gots_take(&remote->ready)) != NULL) {
        (void)say(remote, got->reply, "-NAK");
        free(got);
    }
}

static int hold(shmrpci_remote *remote, const nats_got *got,
                uint64_t *out_ticket)
{
    nats_hold *held = calloc(1, sizeof *held);
    if (held == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    memcpy(held->reply, got->reply, sizeof held->reply);
    held->ticket = ++remote->tickets;
    held->told_ns = shmrpci_now_ns();
    held->next = remote->holds;
    remote->holds = held;
    *out_ticket = held->ticket;
    return SHMRPC_OK;
}

/* Each held item is reported every third of ack_wait, so that a single lost
 * report does no harm. */
void nats_queue_tick(shmrpci_remote *remote)
{
    int64_t now_ns = shmrpci_now_ns();
    int64_t every_ns = (int64_t)remote->place.ack_wait_s * SHMRPCI_NS_PER_S / 3;
    for (nats_hold *held = remote->holds; held != NULL; held = held->next) {
        if (now_ns - held->told_ns >= every_ns &&
            say(remote, held->reply, "+WPI") == SHMRPC_OK) {
            held->told_ns = now_ns;
        }
    }
}

/* Forgets all pulls in flight, so that they are repeated. */
void nats_queue_reconnect(shmrpci_remote *remote)
{
    for (nats_popper *one = remote->poppers; one != NULL; one = one->next) {
        one->number = 0;
    }
}

shmrpc_status nats_queue_settle(shmrpci_remote *remote, uint64_t ticket,
                                shmrpci_settle how)
{
    int status = nats_remote_enter(remote, NULL);
    if (status != SHMRPC_OK) {
        return (shmrpc_status)status;
    }
    status = SHMRPC_E_PRECONDITION;
    for (nats_hold **at = &remote->holds; *at != NULL; at = &(*at)->next) {
        nats_hold *held = *at;
        if (held->ticket == ticket) {
            *at = held->next;
            status = say(remote, held->reply,
                         how == SHMRPCI_SETTLE_DONE ? "+ACK" : "-NAK");
            free(held);
            break;
        }
    }
    nats_remote_leave(remote);
    return (shmrpc_status)status;
}

/* ---- receiving ---------------------------------------------------------- */

/* Handles a status, which ends a pull: no items (404, 408), or the consumer is
 * gone (409). */
static void end_pull(shmrpci_remote *remote, const char *subject)
{
    const char *dot = strrchr(subject, '.');
    uint64_t number = dot != NULL ? strtoull(dot + 1, NULL, 10) : 0;
    for (nats_popper *one = remote->poppers; one != NULL; one = one->next) {
        one->number = one->number == number ? 0 : one->number;
    }
}

/* Counts an item for our oldest pull, since servers serve pulls in order. Any
 * of our threads may then take the item. */
static void note_served(shmrpci_remote *remote)
{
    nats_popper *oldest = NULL;
    for (nats_popper *one = remote->poppers; one != NULL; one = one->next) {
        if (one->number != 0 &&
            (oldest == NULL || one->number < oldest->number)) {
            oldest = one;
        }
    }
    if (oldest != NULL && --oldest->missing == 0) {
        oldest->number = 0;
        oldest->is_served = true;
    }
}

static void on_item(void *user, nats_result result, const nats_message *message)
{
    shmrpci_remote *remote = user;
    nats_delivery delivery;
    if (message == NULL) {
        /* NOBODY: the servers have no such consumer. Otherwise items were
         * dropped here; the server will deliver these again. */
        if (result == NATS_NOBODY) {
            nats_queue_reconnect(remote);
        }
        return;
    }
    int code = nats_line_status(remote->line, message);
    if (code != 0) {
        if (code >= 400) {
            end_pull(remote, message->subject);
        }
        return;
    }
    if (!nats_delivery_of(message->reply, &delivery)) {
        return;
    }
    nats_got *got = nats_got_make(message);
    if (got == NULL || remote->poppers == NULL) {
        (void)say(remote, message->reply, "-NAK");
        free(got);
        return;
    }
    got->came_before = delivery.times > 1;
    nats_gots_put(&remote->ready, got);
    note_served(remote);
}

/* ---- opening and closing ------------------------------------------------- */

/* Reads the state of the consumer; creates it if there is none. */
static int look_at_readers(shmrpci_remote *remote, int64_t deadline_ns,
                           nats_consumer_info *out, shmrpc_error *error)
{
    int status = nats_consumer_look(remote->line, &remote->stream, NATS_READERS,
                                    deadline_ns, out, error);
    if (status == SHMRPC_E_NOT_FOUND) {
        int made =
            nats_consumer_share(remote->line, &remote->stream, NATS_READERS,
                                &remote->place, deadline_ns, error);
        status = nats_consumer_look(remote->line, &remote->stream, NATS_READERS,
                                    deadline_ns, out, NULL);
        status = status == SHMRPC_OK || made == SHMRPC_OK ? status : made;
    }
    return status;
}

/* Takes ack_wait from the consumer, which another process may have created with
 * another value. */
int nats_queue_open(shmrpci_remote *remote, int64_t deadline_ns,
                    shmrpc_error *error)
{
    nats_consumer_info info;
    int status = look_at_readers(remote, deadline_ns, &info, error);
    if (status == SHMRPC_OK) {
        remote->place.ack_wait_s = info.ack_wait_s;
        status = nats_line_listen(remote->line, NULL, on_item, remote,
                                  &remote->pull_ear);
    }
    return status == SHMRPC_OK
               ? nats_line_settle(remote->line, deadline_ns, error)
               : status;
}

/* Gives back items that the user still holds, so that they are delivered
 * again. */
void nats_queue_close(shmrpci_remote *remote)
{
    nats_hold *held;
    give_back_all(remote);
    while ((held = remote->holds) != NULL) {
        remote->holds = held->next;
        (void)say(remote, held->reply, "-NAK");
        free(held);
    }
}

/* ---- pushing ------------------------------------------------------------- */

static shmrpc_status full(shmrpci_remote *remote, bool waits,
                          shmrpc_error *error)
{
    if (remote->about.overflow == (uint32_t)SHMRPC_OVERFLOW_DROP_NEWEST) {
        remote->dropped++;
        return SHMRPC_OK;
    }
    shmrpc_status status = waits ? SHMRPC_E_DEADLINE : SHMRPC_E_BUSY;
    (void)shmrpc_error_set(error, status, "it has %llu items, and is full",
                           (unsigned long long)remote->about.capacity);
    return status;
}

/* NATS doesn't report when there is room again, so with BLOCK we check at
 * growing intervals. */
static shmrpc_status push(shmrpci_remote *remote, const void *data, size_t len,
                          int64_t deadline_ns, shmrpc_error *error)
{
    bool waits = deadline_ns != 0 &&
                 (remote->about.overflow == SHMRPC_OVERFLOW_DEFAULT ||
                  remote->about.overflow == SHMRPC_OVERFLOW_BLOCK);
    int64_t pause_ns = FIRST_LOOK_NS;
    for (;;) {
        shmrpc_status status =
            nats_remote_send(remote, data, len, true, deadline_ns, error);
        if (status != SHMRPC_E_BUSY) {
            return status;
        }
        int64_t next_ns = shmrpci_deadline_after(pause_ns);
        if (!waits || next_ns >= deadline_ns) {
            return full(remote, waits, error);
        }
        while (nats_line_wait(remote->line, next_ns)) {
        }
        pause_ns = pause_ns < LAST_LOOK_NS ? pause_ns * 2 : LAST_LOOK_NS;
    }
}

shmrpc_status nats_queue_push(shmrpci_remote *remote, const void *data,
                              size_t len, int64_t deadline_ns,
                              shmrpc_error *error)
{
    shmrpc_status status = nats_remote_enter(remote, error);
    if (status == SHMRPC_OK) {
        status = push(remote, data, len, deadline_ns, error);
        nats_remote_leave(remote);
    }
    return status;
}

/* ---- popping ------------------------------------------------------------- */

/* Hands the items that have arrived to the user. */
static shmrpc_status take_ready(shmrpci_remote *remote, uint32_t max,
                                shmrpci_buf *buf, shmrpci_remote_item *items,
                                uint32_t *out_count)
{
    uint32_t count = 0;
    shmrpc_status status = SHMRPC_OK;
    while (count < max && remote->ready.first != NULL) {
        nats_got *got = nats_gots_take(&remote->ready);
        uint64_t ticket = 0;
        status = nats_got_give(got, buf, &items[count]);
        if (status == SHMRPC_OK) {
            status = (shmrpc_status)hold(remote, got, &ticket);
        }
        if (status != SHMRPC_OK) {
            (void)say(remote, got->reply, "-NAK");
            free(got);
            break;
        }
        items[count++].ticket = ticket;
        free(got);
    }
    *out_count = count;
    return count > 0 ? SHMRPC_OK : status;
}

/* A server that was killed may have forgotten the numbers of an empty stream
 * and then counts from 1 again (seen with 2.9.10). The old consumer would take
 * new items for delivered ones, so it is replaced. Streams with replicas keep
 * the numbers. */
static int renew_readers(shmrpci_remote *remote, int64_t deadline_ns,
                         shmrpc_error *error)
{
    nats_consumer_info readers;
    int status =
        nats_consumer_delete(remote->line, &remote->stream, NATS_READERS);
    return status == SHMRPC_OK
               ? look_at_readers(remote, deadline_ns, &readers, error)
               : status;
}

/* Acknowledges the numbers from `*at` up to, but not including, the next number
 * that the stream still has, or `end`. Moves `*at` behind the acknowledged
 * numbers and behind that next number. */
static int ack_dropped(shmrpci_remote *remote, uint64_t *at, uint64_t end,
                       int64_t deadline_ns, shmrpc_error *error)
{
    uint64_t kept = end;
    int status = nats_stream_next(remote->line, &remote->stream, *at,
                                  deadline_ns, &kept, error);
    if (status != SHMRPC_OK && status != SHMRPC_E_NOT_FOUND) {
        return status;
    }
    status = SHMRPC_OK;
    for (; *at < end && *at < kept && status == SHMRPC_OK; (*at)++) {
        status =
            nats_consumer_ack(remote->line, &remote->stream, NATS_READERS, *at);
    }
    *at += status == SHMRPC_OK && *at < end ? 1 : 0;
    return status;
}

/* A server that was killed may also wait for acknowledgements of items that the
 * stream has dropped since, and try for ever to deliver them. It does not say
 * which items these are. So all items that it has delivered and that the stream
 * no longer has are acknowledged again, DROPPED_SHARE of them at each check. */
static int forget_dropped(shmrpci_remote *remote,
                          const nats_consumer_info *readers,
                          int64_t deadline_ns, shmrpc_error *error)
{
    uint64_t at = readers->acked_to + 1;
    uint64_t end = readers->given_to + 1;
    int status = SHMRPC_OK;
    at = at > remote->looked_to ? at : remote->looked_to;
    end = end < at + DROPPED_SHARE ? end : at + DROPPED_SHARE;
    while (at < end && status == SHMRPC_OK) {
        status = ack_dropped(remote, &at, end, deadline_ns, error);
    }
    remote->looked_to = at > readers->given_to ? 0 : at;
    return status;
}

/* Returns CANCELLED once no item is left. An item that another reader holds
 * counts as left, because it may be delivered again. The stream's own count is
 * not used: after its server was killed it may include items whose
 * acknowledgement only the consumer knows. */
static int look_for_rest(shmrpci_remote *remote, int64_t deadline_ns,
                         shmrpc_error *error)
{
    nats_consumer_info readers;
    int status = look_at_readers(remote, deadline_ns, &readers, error);
    if (status != SHMRPC_OK || readers.waiting_count > 0) {
        return status;
    }
    if (readers.unacked_count == 0) {
        return shmrpc_error_set(error, SHMRPC_E_CANCELLED,
                                "it was ended, and is empty");
    }
    /* Items that the server can't deliver count as redelivered. */
    return readers.again_count > 0
               ? forget_dropped(remote, &readers, deadline_ns, error)
               : status;
}

/* Reads the consumer before the stream: the numbers of a stream only grow, so a
 * consumer that is ahead of the stream shows that the server has forgotten the
 * stream's numbers. If the stream is ended, reads the consumer again, because
 * items may have been pushed between the first reading and the end. */
static int look_at_both(shmrpci_remote *remote, int64_t deadline_ns,
                        shmrpc_error *error)
{
    nats_stream_info info;
    nats_consumer_info readers = {.given_to = 0};
    int looked = look_at_readers(remote, deadline_ns, &readers, error);
    int status = nats_stream_check(remote->line, &remote->stream, deadline_ns,
                                   &info, error);
    status = status == SHMRPC_OK ? looked : status;
    if (status == SHMRPC_OK && info.replicas == 1 &&
        readers.given_to > info.last_number) {
        return renew_readers(remote, deadline_ns, error);
    }
    return status == SHMRPC_OK && info.about.is_ended
               ? look_for_rest(remote, deadline_ns, error)
               : status;
}

/* Called after a pull that brought nothing. Returns an error if the queue is
 * gone, or is ended and empty. If the servers don't answer, returns OK. */
static int look_at_end(shmrpci_remote *remote, shmrpc_error *error)
{
    int64_t deadline_ns = shmrpci_deadline_after(NATS_LINE_LOOK_NS);
    int status = look_at_both(remote, deadline_ns, error);
    return status == SHMRPC_E_DEADLINE || status == SHMRPC_E_UNAVAILABLE
               ? (int)SHMRPC_OK
               : status;
}

/* Asks for items. `until_ns` 0: only for items that exist now. */
static int pull(shmrpci_remote *remote, nats_popper *mine, uint32_t count,
                int64_t until_ns)
{
    int64_t now_ns = shmrpci_now_ns();
    int64_t wait_ns = until_ns != 0 ? until_ns - now_ns : 0;
    wait_ns = wait_ns < PULL_NS ? wait_ns : PULL_NS;
    mine->number = ++remote->pulls;
    mine->missing = count;
    mine->is_served = false;
    mine->until_ns = now_ns + wait_ns + PULL_SLACK_NS;
    return nats_consumer_pull(remote->line, &remote->stream, NATS_READERS,
                              remote->pull_ear, mine->number, count, wait_ns);
}

/* Waits while the pull is in progress and fewer than `count` items have
 * arrived. */
static void await_items(shmrpci_remote *remote, nats_popper *mine,
                        uint32_t count, int64_t until_ns)
{
    int64_t at_ns = mine->until_ns < until_ns ? mine->until_ns : until_ns;
    while (mine->number != 0 && remote->ready.count < count) {
        if (!nats_line_wait(remote->line, at_ns)) {
            mine->number = 0;
        }
    }
}

static shmrpc_status empty(int64_t deadline_ns, shmrpc_error *error)
{
    shmrpc_status status = deadline_ns == 0 ? SHMRPC_E_BUSY : SHMRPC_E_DEADLINE;
    (void)shmrpc_error_set(error, status, "it is empty");
    return status;
}

/* The servers may be electing a leader: waits before the pull is repeated. */
static void rest(shmrpci_remote *remote, int64_t until_ns)
{
    int64_t next_ns = shmrpci_deadline_after(LAST_LOOK_NS);
    next_ns = next_ns < until_ns ? next_ns : until_ns;
    while (remote->ready.first == NULL &&
           nats_line_wait(remote->line, next_ns)) {
    }
}

/* Does one pull, and checks the queue if the pull brought nothing. A blocking
 * reader asks for one item only, because further items might arrive after it
 * has gone on with the first. */
static int pop_once(shmrpci_remote *remote, nats_popper *mine, uint32_t max,
                    bool waits, int64_t until_ns, shmrpc_error *error)
{
    uint32_t count = waits ? 1 : max;
    int status = nats_line_await(remote->line, until_ns, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (pull(remote, mine, count, waits ? until_ns : 0) == SHMRPC_OK) {
        await_items(remote, mine, count, until_ns);
    }
    if (remote->ready.first != NULL || mine->is_served) {
        return SHMRPC_OK; /* is_served: another thread took the item */
    }
    bool is_early = shmrpci_now_ns() + PULL_SLACK_NS < mine->until_ns;
    status = look_at_end(remote, error);
    if (status == SHMRPC_OK && waits && is_early) {
        rest(remote, until_ns);
    }
    return status;
}

static shmrpc_status pop(shmrpci_remote *remote, nats_popper *mine,
                         uint32_t max, int64_t deadline_ns, shmrpci_buf *buf,
                         shmrpci_remote_item *items, uint32_t *out_count,
                         shmrpc_error *error)
{
    bool waits = max == 1 && deadline_ns != 0;
    int64_t until_ns = deadline_ns != 0
                           ? deadline_ns
                           : shmrpci_deadline_after(NATS_LINE_LOOK_NS);
    while (remote->ready.first == NULL) {
        int status = pop_once(remote, mine, max, waits, until_ns, error);
        if (status != SHMRPC_OK) {
            return (shmrpc_status)status;
        }
        if (remote->ready.first == NULL && !mine->is_served &&
            (deadline_ns == 0 || shmrpci_now_ns() >= until_ns)) {
            return empty(deadline_ns, error);
        }
        waits = true;
    }
    return take_ready(remote, max, buf, items, out_count);
}

/* The calling thread may have taken the item that arrived for another thread's
 * pull. Then it hands its own pull to that thread. */
static void leave(shmrpci_remote *remote, nats_popper *mine)
{
    nats_popper **at = &remote->poppers;
    while (*at != mine) {
        at = &(*at)->next;
    }
    *at = mine->next;
    for (nats_popper *one = remote->poppers; one != NULL; one = one->next) {
        if (one->is_served && mine->number != 0) {
            one->number = mine->number;
            one->missing = mine->missing;
            one->until_ns = mine->until_ns;
            one->is_served = false;
            mine->number = 0;
        }
    }
    if (remote->poppers == NULL) {
        give_back_all(remote);
    }
}

shmrpc_status nats_queue_pop(shmrpci_remote *remote, uint32_t max,
                             int64_t deadline_ns, shmrpci_buf *buf,
                             shmrpci_remote_item *items, uint32_t *out_count,
                             shmrpc_error *error)
{
    shmrpc_status status = nats_remote_enter(remote, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    nats_popper mine = {.next = remote->poppers};
    remote->poppers = &mine;
    status = pop(remote, &mine, max, deadline_ns, buf, items, out_count, error);
    leave(remote, &mine);
    nats_remote_leave(remote);
    return status;
}

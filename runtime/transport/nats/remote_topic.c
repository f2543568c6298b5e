/*
 * Topics over NATS.
 *
 * Without history a topic is a subject of core NATS: a message reaches the
 * present subscribers, at most once. Each message carries its publisher and a
 * sequence number, so that a subscriber can count what it has missed.
 *
 * With history a stream keeps the last messages, and each subscription has a
 * consumer of its own, from which it pulls several messages at a time: the
 * server sends no faster than the subscriber reads. Sequence numbers are the
 * stream's; a message that the stream dropped before the subscriber read it
 * counts as lost.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/nats/remote_inside.h"

/* Without history: how many messages and bytes may wait for the user. Beyond
 * that the oldest are dropped. */
#define WAITING_MAX       1024u
#define WAITING_MAX_BYTES ((size_t)8 << 20)

/* How many publishers a subscription keeps track of. Beyond that, the publisher
 * that was noted first is forgotten. */
#define PUBLISHERS_MAX 64u

/* With history: how many messages a pull asks for, and how long the server
 * waits for them. */
#define BATCH   256u
#define PULL_NS (5 * SHMRPCI_NS_PER_S)
/* How much longer than the pull itself its answer may take. */
#define PULL_SLACK_NS (2 * SHMRPCI_NS_PER_S)

/* Timeout of subscribing. */
#define SUBSCRIBE_NS (10 * SHMRPCI_NS_PER_S)

typedef struct publisher {
    uint64_t id;
    uint64_t next; /* number expected of its next message; 0: unused */
} publisher;

struct shmrpci_remote_sub {
    shmrpci_remote_sub *next;
    shmrpci_remote *remote;
    nats_ear *ear;
    nats_gots waiting;
    bool has_alien; /* a message of another type has come */
    /* Fields for topics without history. */
    publisher publishers[PUBLISHERS_MAX];
    uint32_t publisher_turn;
    /* Fields for topics with history. */
    char consumer[64]; /* "": none yet; the next one will start at `number` */
    uint64_t number;   /* number in the stream of the next message that we
                        * expect */
    uint64_t order;    /* number of the last delivery of this consumer */
    uint64_t pull;     /* number of the pull in progress; 0: none */
    uint32_t asked;    /* how many messages the pull may still bring */
    int64_t until_ns;  /* after that the pull counts as lost */
};

/* ---- publishing ---------------------------------------------------------- */

shmrpc_status nats_topic_publish(shmrpci_remote *remote, const void *data,
                                 size_t len, int64_t deadline_ns,
                                 shmrpc_error *error)
{
    shmrpc_status status = nats_remote_enter(remote, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    bool has_history = remote->stream.name[0] != '\0';
    if (!has_history) {
        int64_t until_ns = deadline_ns != 0
                               ? deadline_ns
                               : shmrpci_deadline_after(NATS_LINE_LOOK_NS);
        status = (shmrpc_status)nats_line_await(remote->line, until_ns, error);
    }
    if (status == SHMRPC_OK) {
        status = nats_remote_send(remote, data, len, has_history, deadline_ns,
                                  error);
    }
    nats_remote_leave(remote);
    return status;
}

/* ---- receiving without history ----------------------------------------- */

static publisher *publisher_of(shmrpci_remote_sub *sub, uint64_t id)
{
    for (uint32_t i = 0; i < PUBLISHERS_MAX; i++) {
        if (sub->publishers[i].next != 0 && sub->publishers[i].id == id) {
            return &sub->publishers[i];
        }
    }
    publisher *one = &sub->publishers[sub->publisher_turn++ % PUBLISHERS_MAX];
    *one = (publisher){.id = id};
    return one;
}

/* Returns how many messages of the publisher are missing before this one. */
static uint64_t count_lost(shmrpci_remote_sub *sub, uint64_t id,
                           uint64_t number)
{
    publisher *one = publisher_of(sub, id);
    uint64_t lost =
        one->next != 0 && number > one->next ? number - one->next : 0;
    one->next = number + 1;
    return lost;
}

/* Reads our header. A message without it comes from a foreign publisher and is
 * not counted. Returns false if the message is of another type or encoding. */
static bool read_from(shmrpci_remote_sub *sub, const nats_message *message,
                      uint64_t *out_lost)
{
    char from[NATS_FROM_BYTES];
    const shmrpci_remote *remote = sub->remote;
    uint64_t id;
    uint64_t number;
    uint64_t hash;
    unsigned encoding;
    *out_lost = 0;
    if (!nats_line_header(remote->line, message, NATS_FROM_HEADER, from,
                          sizeof from)) {
        return true;
    }
    if (sscanf(from, "%16" SCNx64 " %20" SCNu64 " %u %16" SCNx64, &id, &number,
               &encoding, &hash) != 4 ||
        number == 0 || number == UINT64_MAX ||
        encoding != remote->about.encoding || hash != remote->about.type_hash) {
        return false;
    }
    *out_lost = count_lost(sub, id, number);
    return true;
}

/* Drops the oldest waiting message. The next one reports it as lost, together
 * with the losses before it. */
static void drop_oldest(shmrpci_remote_sub *sub)
{
    nats_got *oldest = nats_gots_take(&sub->waiting);
    if (sub->waiting.first != NULL) {
        sub->waiting.first->lost += oldest->lost + 1;
    }
    free(oldest);
}

/* If memory is exhausted, the message is dropped; the gap in the publisher's
 * numbers shows the loss later. */
static void on_news(void *user, nats_result result, const nats_message *message)
{
    shmrpci_remote_sub *sub = user;
    uint64_t lost;
    (void)result;
    if (message == NULL) {
        return;
    }
    if (!read_from(sub, message, &lost)) {
        sub->has_alien = true;
        return;
    }
    nats_got *got = nats_got_make(message);
    if (got == NULL) {
        return;
    }
    got->lost = lost;
    nats_gots_put(&sub->waiting, got);
    while (sub->waiting.count > WAITING_MAX ||
           (sub->waiting.bytes > WAITING_MAX_BYTES && sub->waiting.count > 1)) {
        drop_oldest(sub);
    }
}

/* ---- receiving with history -------------------------------------------- */

/* Drops the consumer. The next one continues with the first message that has
 * not arrived. */
static void start_over(shmrpci_remote_sub *sub)
{
    if (sub->consumer[0] != '\0') {
        (void)nats_consumer_delete(sub->remote->line, &sub->remote->stream,
                                   sub->consumer);
    }
    sub->consumer[0] = '\0';
    sub->pull = 0;
}

/* Handles a message of the present consumer; messages of former consumers are
 * ignored. */
static void take_stored(shmrpci_remote_sub *sub, const nats_message *message)
{
    nats_delivery delivery;
    if (sub->consumer[0] == '\0' ||
        !nats_delivery_of(message->reply, &delivery) ||
        strstr(message->reply, sub->consumer) == NULL) {
        return;
    }
    nats_got *got =
        delivery.order == sub->order + 1 && delivery.number >= sub->number
            ? nats_got_make(message)
            : NULL;
    if (got == NULL) {
        /* A message was lost between the server and us; the server still has
         * it. */
        start_over(sub);
        return;
    }
    got->lost = delivery.number - sub->number;
    sub->number = delivery.number + 1;
    sub->order = delivery.order;
    sub->asked -= sub->asked > 0 ? 1 : 0;
    sub->pull = sub->asked > 0 ? sub->pull : 0;
    nats_gots_put(&sub->waiting, got);
}

static void on_stored(void *user, nats_result result,
                      const nats_message *message)
{
    shmrpci_remote_sub *sub = user;
    if (message == NULL) {
        if (result == NATS_NOBODY) {
            start_over(sub);
        }
        return;
    }
    int code = nats_line_status(sub->remote->line, message);
    const char *dot = strrchr(message->subject, '.');
    if (code == 0) {
        take_stored(sub, message);
    } else if (code >= 400 && dot != NULL &&
               strtoull(dot + 1, NULL, 10) == sub->pull) {
        sub->pull = 0;
        if (code == 409) {
            /* The consumer was deleted, perhaps together with its stream. */
            start_over(sub);
        }
    }
}

/* Forgets pulls in flight, so that they are repeated. */
void nats_topic_reconnect(shmrpci_remote *remote)
{
    for (shmrpci_remote_sub *sub = remote->subs; sub != NULL; sub = sub->next) {
        sub->pull = 0;
    }
}

/* ---- subscribing --------------------------------------------------------- */

static void free_sub(shmrpci_remote_sub *sub)
{
    nats_got *got;
    if (sub->consumer[0] != '\0') {
        (void)nats_consumer_delete(sub->remote->line, &sub->remote->stream,
                                   sub->consumer);
    }
    nats_line_deafen(sub->remote->line, sub->ear);
    while ((got = nats_gots_take(&sub->waiting)) != NULL) {
        free(got);
    }
    free(sub);
}

/* Checks that the topic still exists, and makes a consumer. */
static int make_consumer(shmrpci_remote_sub *sub, int64_t deadline_ns,
                         shmrpc_error *error)
{
    nats_stream_info info;
    char name[sizeof sub->consumer];
    shmrpci_remote *remote = sub->remote;
    int status = nats_stream_check(remote->line, &remote->stream, deadline_ns,
                                   &info, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (sub->number == 0) {
        uint64_t history = remote->about.history;
        sub->number =
            info.last_number > history ? info.last_number - history + 1 : 1;
    }
    (void)snprintf(name, sizeof name, "%s_%" PRIu64 "_", remote->publisher,
                   ++remote->pulls);
    status = nats_consumer_make(remote->line, &remote->stream, name,
                                sub->number, deadline_ns, error);
    if (status == SHMRPC_OK) {
        memcpy(sub->consumer, name, sizeof name);
        sub->order = 0;
        sub->pull = 0;
    }
    return status;
}

static int begin(shmrpci_remote_sub *sub, shmrpc_error *error)
{
    shmrpci_remote *remote = sub->remote;
    int64_t deadline_ns = shmrpci_deadline_after(SUBSCRIBE_NS);
    bool has_history = remote->stream.name[0] != '\0';
    int status = nats_line_await(remote->line, deadline_ns, error);
    if (status == SHMRPC_OK) {
        status = nats_line_listen(
            remote->line, has_history ? NULL : remote->stream.subject,
            has_history ? on_stored : on_news, sub, &sub->ear);
    }
    if (status == SHMRPC_OK) {
        status = nats_line_settle(remote->line, deadline_ns, error);
    }
    if (status == SHMRPC_OK && has_history) {
        status = make_consumer(sub, deadline_ns, error);
    }
    return status;
}

shmrpc_status nats_topic_subscribe(shmrpci_remote *remote,
                                   shmrpci_remote_sub **out,
                                   shmrpc_error *error)
{
    int status = nats_remote_enter(remote, error);
    if (status != SHMRPC_OK) {
        return (shmrpc_status)status;
    }
    shmrpci_remote_sub *sub = calloc(1, sizeof *sub);
    if (sub != NULL) {
        sub->remote = remote;
        status = begin(sub, error);
    } else {
        status = shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    if (status == SHMRPC_OK) {
        sub->next = remote->subs;
        remote->subs = sub;
        *out = sub;
    } else if (sub != NULL) {
        free_sub(sub);
    }
    nats_remote_leave(remote);
    return (shmrpc_status)status;
}

void nats_topic_unsubscribe(shmrpci_remote_sub *sub)
{
    shmrpci_remote *remote = sub->remote;
    if (nats_remote_enter(remote, NULL) != SHMRPC_OK) {
        return;
    }
    shmrpci_remote_sub **at = &remote->subs;
    while (*at != sub) {
        at = &(*at)->next;
    }
    *at = sub->next;
    free_sub(sub);
    nats_remote_leave(remote);
}

void nats_topic_close(shmrpci_remote *remote)
{
    shmrpci_remote_sub *sub;
    while ((sub = remote->subs) != NULL) {
        remote->subs = sub->next;
        free_sub(sub);
    }
}

/* ---- reading ------------------------------------------------------------- */

/* Starts a pull, unless one is in progress. With `looks` it asks only for
 * messages that exist now. */
static int fetch(shmrpci_remote_sub *sub, bool looks, int64_t until_ns,
                 shmrpc_error *error)
{
    shmrpci_remote *remote = sub->remote;
    int status = nats_line_await(remote->line, until_ns, error);
    if (status == SHMRPC_OK && sub->consumer[0] == '\0') {
        status = make_consumer(sub, until_ns, error);
    }
    if (status != SHMRPC_OK || sub->pull != 0) {
        return status;
    }
    sub->pull = ++remote->pulls;
    sub->asked = BATCH;
    sub->until_ns = shmrpci_now_ns() + (looks ? 0 : PULL_NS) + PULL_SLACK_NS;
    (void)nats_consumer_pull(remote->line, &remote->stream, sub->consumer,
                             sub->ear, sub->pull, BATCH, looks ? 0 : PULL_NS);
    return SHMRPC_OK;
}

/* Waits until a message has arrived or the pull has ended. */
static void await_stored(shmrpci_remote_sub *sub, int64_t until_ns)
{
    int64_t at_ns = sub->until_ns < until_ns ? sub->until_ns : until_ns;
    while (sub->pull != 0 && sub->waiting.first == NULL) {
        if (!nats_line_wait(sub->remote->line, at_ns)) {
            /* Messages that arrive for this pull later are still accepted. */
            sub->pull = shmrpci_now_ns() >= sub->until_ns ? 0 : sub->pull;
            return;
        }
    }
}

static shmrpc_status none(int64_t deadline_ns, shmrpc_error *error)
{
    shmrpc_status status = deadline_ns == 0 ? SHMRPC_E_BUSY : SHMRPC_E_DEADLINE;
    (void)shmrpc_error_set(error, status, "no message has come");
    return status;
}

/* Waits for a message, or until there is a loss to report. */
static shmrpc_status await_any(shmrpci_remote_sub *sub, int64_t deadline_ns,
                               shmrpc_error *error)
{
    bool has_history = sub->remote->stream.name[0] != '\0';
    bool looks = deadline_ns == 0;
    int64_t until_ns = looks && has_history
                           ? shmrpci_deadline_after(NATS_LINE_LOOK_NS)
                           : deadline_ns;
    while (sub->waiting.first == NULL && !sub->has_alien) {
        int status = SHMRPC_OK;
        if (looks && sub->pull != 0) {
            /* A pull is in progress, and messages that exist would have arrived
             * for it by now. */
            return none(deadline_ns, error);
        }
        if (has_history) {
            status = fetch(sub, looks, until_ns, error);
            if (status == SHMRPC_OK) {
                await_stored(sub, until_ns);
            }
        } else if (looks || !nats_line_wait(sub->remote->line, until_ns)) {
            looks = true;
        }
        if (status != SHMRPC_OK) {
            return (shmrpc_status)status;
        }
        if (sub->waiting.first == NULL && !sub->has_alien &&
            (looks || shmrpci_now_ns() >= until_ns)) {
            return none(deadline_ns, error);
        }
    }
    return SHMRPC_OK;
}

static shmrpc_status next(shmrpci_remote_sub *sub, int64_t deadline_ns,
                          shmrpci_buf *buf, shmrpci_remote_item *item,
                          uint64_t *out_lost, shmrpc_error *error)
{
    shmrpc_status status = await_any(sub, deadline_ns, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    nats_got *first = sub->waiting.first;
    if (first == NULL) {
        sub->has_alien = false;
        return (shmrpc_status)shmrpc_error_set(
            error, SHMRPC_E_CONTRACT,
            "a publisher sends messages of another type or encoding");
    }
    if (first->lost > 0) {
        *out_lost = first->lost;
        first->lost = 0;
        return SHMRPC_E_LOST;
    }
    status = nats_got_give(first, buf, item);
    free(nats_gots_take(&sub->waiting));
    return status;
}

shmrpc_status nats_topic_next(shmrpci_remote_sub *sub, int64_t deadline_ns,
                              shmrpci_buf *buf, shmrpci_remote_item *item,
                              uint64_t *out_lost, shmrpc_error *error)
{
    shmrpc_status status = nats_remote_enter(sub->remote, error);
    if (status == SHMRPC_OK) {
        status = next(sub, deadline_ns, buf, item, out_lost, error);
        nats_remote_leave(sub->remote);
    }
    return status;
}

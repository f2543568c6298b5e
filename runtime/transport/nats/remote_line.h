/*
 * A connection to NATS for one shared object: a thread that reads and writes,
 * subscriptions with their handlers, and requests that wait for their answers.
 *
 * The functions declared between lock and unlock are called with the line's
 * lock held; handlers run on the line's thread with the lock held, and must not
 * wait. So an object needs no lock of its own.
 *
 * libnats reconnects by itself, for ever, and renews subscriptions. Messages in
 * flight at that time may be lost: requests are repeated, so each must be
 * idempotent.
 *
 * Threading: any thread.  A forked child may only close.
 */
#ifndef SHMRPCI_TRANSPORT_NATS_REMOTE_LINE_H
#define SHMRPCI_TRANSPORT_NATS_REMOTE_LINE_H

#include "base/buf.h"
#include "shmrpc/error.h"
#include "transport/nats/carrier.h"
#include "transport/nats/remote_place.h"

typedef struct nats_line nats_line;
typedef struct nats_ear nats_ear; /* a subscription */

/* How long a call with a deadline of 0 may wait for NATS's answer. */
#define NATS_LINE_LOOK_NS (2 * INT64_C(1000000000))

/* A message, or (NULL) NOBODY: a request found no subscriber, DROPPED: messages
 * were lost here. */
typedef void nats_heard(void *user, nats_result result,
                        const nats_message *message);

typedef struct nats_line_opts {
    const nats_place *place;
    void (*on_second)(void *user);  /* about every second */
    void (*on_connect)(void *user); /* connected again: messages in flight may
                                     * be lost */
    void *user;
} nats_line_opts;

/* Connects, and starts the thread. UNAVAILABLE, UNAUTHENTICATED, INVALID,
 * UNIMPLEMENTED: no libshmrpc-nats; NO_MEMORY. */
int nats_line_open(const nats_line_opts *opts, nats_line **out,
                   shmrpc_error *error);
/* Sends what was published earlier, and closes the line; NULL is allowed. */
void nats_line_close(nats_line *line);
/* Whether this process opened it, not its parent. */
bool nats_line_is_ours(const nats_line *line);

void nats_line_lock(nats_line *line);
void nats_line_unlock(nats_line *line);
/* Waits for anything to happen, with the lock released meanwhile; false at the
 * deadline. */
bool nats_line_wait(nats_line *line, int64_t deadline_ns);
/* Waits until it is connected. UNAVAILABLE: not in time. */
int nats_line_await(nats_line *line, int64_t deadline_ns, shmrpc_error *error);

/* Subscribes to a subject; NULL: to a new one of its own. NO_MEMORY,
 * INVALID. */
int nats_line_listen(nats_line *line, const char *subject, nats_heard *heard,
                     void *user, nats_ear **out);
/* NULL is allowed. */
void nats_line_deafen(nats_line *line, nats_ear *ear);
const char *nats_ear_subject(const nats_ear *ear);
/* Waits until the servers know all our subscriptions. DEADLINE, UNAVAILABLE. */
int nats_line_settle(nats_line *line, int64_t deadline_ns, shmrpc_error *error);

typedef struct nats_post {
    const char *subject;
    const char *reply; /* NULL: none */
    const nats_header *headers;
    size_t header_count;
    const void *data;
    size_t len;
} nats_post;

/* UNAVAILABLE: not connected; TOO_LARGE: larger than the servers accept;
 * NO_MEMORY. */
int nats_line_post(nats_line *line, const nats_post *post);

/* Sends a request, repeats it if no answer comes, and waits. *out_nobody:
 * nobody is subscribed; otherwise `answer`, a heap buffer, holds the answer.
 * DEADLINE, and the statuses of post. */
int nats_line_ask(nats_line *line, const nats_post *post, int64_t deadline_ns,
                  shmrpci_buf *answer, bool *out_nobody, shmrpc_error *error);

/* JetStream's status in a message, 0 for none; and a header of it. */
int nats_line_status(const nats_line *line, const nats_message *message);
bool nats_line_header(const nats_line *line, const nats_message *message,
                      const char *name, char *out, size_t size);

#endif

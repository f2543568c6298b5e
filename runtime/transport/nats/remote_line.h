/*
 * A connection to NATS for one shared object: a thread that reads and writes,
 * subscriptions with their handlers, and requests that wait for their answers.
 *
 * The functions declared between lock and unlock are called with the line's
 * lock held. Handlers run on the line's thread with the lock held and must not
 * wait. So an object needs no lock of its own.
 *
 * libnats reconnects by itself, without limit, and renews subscriptions.
 * Messages that are in flight at that time may be lost. Requests are then
 * repeated, so each must be idempotent.
 *
 * Threading: any thread. A forked child may only close the line.
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

/* Handles a message. If `message` is NULL, `result` is NOBODY (a request found
 * no subscriber) or DROPPED (messages were lost here). */
typedef void nats_heard(void *user, nats_result result,
                        const nats_message *message);

typedef struct nats_line_opts {
    const nats_place *place;
    void (*on_second)(void *user);  /* called about once a second */
    void (*on_connect)(void *user); /* called after a reconnection: messages in
                                     * flight may be lost */
    void *user;
} nats_line_opts;

/* Connects and starts the thread. Returns UNAVAILABLE, UNAUTHENTICATED,
 * INVALID, NO_MEMORY, or UNIMPLEMENTED if libshmrpc-nats is missing. */
int nats_line_open(const nats_line_opts *opts, nats_line **out,
                   shmrpc_error *error);
/* Sends what was published earlier, and closes the line; NULL is allowed. */
void nats_line_close(nats_line *line);
/* Whether this process, and not its parent, opened the line. */
bool nats_line_is_ours(const nats_line *line);

void nats_line_lock(nats_line *line);
void nats_line_unlock(nats_line *line);
/* Releases the lock and waits until something changes. Returns false at the
 * deadline. */
bool nats_line_wait(nats_line *line, int64_t deadline_ns);
/* Waits until the line is connected. Returns UNAVAILABLE at the deadline. */
int nats_line_await(nats_line *line, int64_t deadline_ns, shmrpc_error *error);

/* Subscribes to a subject; NULL: to a new, unique subject. Returns NO_MEMORY or
 * INVALID on failure. */
int nats_line_listen(nats_line *line, const char *subject, nats_heard *heard,
                     void *user, nats_ear **out);
/* Ends a subscription; NULL is allowed. */
void nats_line_deafen(nats_line *line, nats_ear *ear);
const char *nats_ear_subject(const nats_ear *ear);
/* Waits until the servers know all our subscriptions. Returns DEADLINE or
 * UNAVAILABLE on failure. */
int nats_line_settle(nats_line *line, int64_t deadline_ns, shmrpc_error *error);

typedef struct nats_post {
    const char *subject;
    const char *reply; /* reply subject; NULL: none */
    const nats_header *headers;
    size_t header_count;
    const void *data;
    size_t len;
} nats_post;

/* Publishes a message. Returns UNAVAILABLE if not connected, TOO_LARGE if the
 * message is larger than the servers accept, or NO_MEMORY. */
int nats_line_post(nats_line *line, const nats_post *post);

/* Sends a request, repeats it if no answer comes, and waits. Sets *out_nobody
 * if nobody is subscribed; otherwise `answer`, a heap buffer, holds the answer.
 * Returns DEADLINE, or a status of nats_line_post. */
int nats_line_ask(nats_line *line, const nats_post *post, int64_t deadline_ns,
                  shmrpci_buf *answer, bool *out_nobody, shmrpc_error *error);

/* Returns the JetStream status of a message (0: none), or copies one of its
 * headers. */
int nats_line_status(const nats_line *line, const nats_message *message);
bool nats_line_header(const nats_line *line, const nats_message *message,
                      const char *name, char *out, size_t size);

#endif

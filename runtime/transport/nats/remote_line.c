/* The connection of a shared object to NATS, and its thread. */
#include "transport/nats/remote_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "os/clock.h"
#include "os/fork.h"
#include "os/memory.h"
#include "os/poll.h"
#include "os/thread.h"
#include "os/waiting.h"
#include "sync/atomic.h"
#include "transport/nats/load.h"

/* Timeout of the attempt to connect to one server of the list. */
#define CONNECT_MS 2000

/* How long to wait for an answer before the request is repeated. */
#define ANSWER_NS (5 * SHMRPCI_NS_PER_S)

/* How long the thread continues after stop, to send what is left. */
#define LINGER_NS SHMRPCI_NS_PER_S

/* The pause before a request that could not be sent is repeated. */
#define RETRY_NS (10 * SHMRPCI_NS_PER_MS)

#define SUBJECT_BYTES 128u

struct nats_ear {
    nats_ear *next;
    nats_inbox *inbox;
    nats_heard *heard;
    void *user;
    char subject[NATS_PLACE_SUBJECT_BYTES];
};

/* A request in flight; it lies on the stack of the thread that waits for it. */
typedef struct waiting {
    struct waiting *next;
    uint64_t number;
    shmrpci_buf *answer;
    bool is_done;
    bool is_nobody;
} waiting;

struct nats_line {
    const nats_carrier_ops *ops;
    nats_line_opts opts; /* its pointers belong to the caller and are used only
                          * during open */
    nats_carrier *carrier;
    uint32_t generation; /* identifies the process that opened it */
    shmrpci_mutex lock;
    shmrpci_cond cond;
    nats_ear *ears;    /* guarded by lock */
    nats_ear *answers; /* subscription "INBOX.*" for the answers to requests */
    waiting *waitings; /* guarded by lock */
    uint64_t numbers;  /* guarded by lock: number of requests so far */
    uint32_t connects; /* guarded by lock: number of the present connection */
    bool is_up;        /* guarded by lock */
    bool is_closed;    /* guarded by lock: the server has refused us, libnats
                        * will not reconnect */
    int64_t second_ns; /* used only by the thread: when on_second is due */
    int bell_fd;
    int fd; /* used only by the thread; closed in forked children */
    shmrpci_fork_fd fd_place;
    shmrpci_thread thread;
    bool has_thread;
    shmrpci_atomic_u32 stopping;
};

/* ---- locking and waiting ------------------------------------------------- */

void nats_line_lock(nats_line *line)
{
    shmrpci_mutex_lock(&line->lock);
}

void nats_line_unlock(nats_line *line)
{
    shmrpci_mutex_unlock(&line->lock);
}

bool nats_line_wait(nats_line *line, int64_t deadline_ns)
{
    return shmrpci_cond_wait_until(&line->cond, &line->lock, deadline_ns);
}

bool nats_line_is_ours(const nats_line *line)
{
    return line->generation == shmrpci_fork_generation();
}

int nats_line_await(nats_line *line, int64_t deadline_ns, shmrpc_error *error)
{
    while (!line->is_up && !line->is_closed) {
        if (!nats_line_wait(line, deadline_ns)) {
            return shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE,
                                    "the connection to NATS was lost, and no "
                                    "server answers");
        }
    }
    return line->is_up ? SHMRPC_OK
                       : shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE,
                                          "NATS has refused the connection");
}

/* ---- subscriptions ------------------------------------------------------- */

/* The server gets the subscription before any message that is published
 * later. */
int nats_line_listen(nats_line *line, const char *subject, nats_heard *heard,
                     void *user, nats_ear **out)
{
    nats_ear *ear = calloc(1, sizeof *ear);
    nats_result result = NATS_OUT_OF_MEMORY;
    if (ear != NULL && subject != NULL) {
        (void)snprintf(ear->subject, sizeof ear->subject, "%s", subject);
        result = NATS_DONE;
    } else if (ear != NULL) {
        result = line->ops->new_subject(ear->subject, SUBJECT_BYTES);
        /* Requests and pulls replace the * by a number of their own. */
        memcpy(ear->subject + strlen(ear->subject), ".*", sizeof ".*");
    }
    if (result == NATS_DONE) {
        result = line->ops->subscribe(line->carrier, ear->subject, NULL,
                                      &ear->inbox);
    }
    if (result != NATS_DONE) {
        free(ear);
        return result == NATS_OUT_OF_MEMORY ? SHMRPC_E_NO_MEMORY
               : result == NATS_WRONG       ? SHMRPC_E_INVALID
                                            : SHMRPC_E_UNAVAILABLE;
    }
    ear->heard = heard;
    ear->user = user;
    ear->next = line->ears;
    line->ears = ear;
    *out = ear;
    return SHMRPC_OK;
}

void nats_line_deafen(nats_line *line, nats_ear *ear)
{
    for (nats_ear **at = &line->ears; ear != NULL && *at != NULL;
         at = &(*at)->next) {
        if (*at == ear) {
            *at = ear->next;
            line->ops->unsubscribe(ear->inbox);
            free(ear);
            return;
        }
    }
}

const char *nats_ear_subject(const nats_ear *ear)
{
    return ear->subject;
}

/* ---- requests ------------------------------------------------------------ */

int nats_line_post(nats_line *line, const nats_post *post)
{
    if (!line->is_up) {
        return SHMRPC_E_UNAVAILABLE;
    }
    nats_result result = line->ops->publish_with(
        line->carrier, post->subject, post->reply, post->headers,
        post->header_count, post->data, post->len);
    return result == NATS_DONE            ? SHMRPC_OK
           : result == NATS_TOO_LONG      ? SHMRPC_E_TOO_LARGE
           : result == NATS_OUT_OF_MEMORY ? SHMRPC_E_NO_MEMORY
                                          : SHMRPC_E_UNAVAILABLE;
}

/* libnats doesn't say which request found no responder, so all waiting requests
 * end with `is_nobody`. Their callers repeat them, or check whether the object
 * exists. */
static void nobody_answers(nats_line *line)
{
    for (waiting *one = line->waitings; one != NULL; one = one->next) {
        one->is_done = one->is_nobody = true;
    }
}

/* Drops answers to requests for which nobody waits any more. */
static void on_answer(void *user, nats_result result,
                      const nats_message *message)
{
    nats_line *line = user;
    uint64_t number;
    if (result == NATS_NOBODY) {
        nobody_answers(line);
    }
    if (message == NULL) {
        return;
    }
    const char *dot = strrchr(message->subject, '.');
    if (dot == NULL || !shmrpci_number_read(dot + 1, 1, UINT64_MAX, &number)) {
        return;
    }
    for (waiting *one = line->waitings; one != NULL; one = one->next) {
        if (one->number == number && !one->is_done) {
            shmrpci_buf_append(one->answer, message->data, message->len);
            one->is_done = true;
        }
    }
}

static void forget(nats_line *line, const waiting *mine)
{
    waiting **at = &line->waitings;
    while (*at != mine) {
        at = &(*at)->next;
    }
    *at = mine->next;
}

/* Sends the request once and waits for a while. Sets mine->is_done if it was
 * answered or found no responder. */
static int ask_once(nats_line *line, const nats_post *post, waiting *mine,
                    int64_t deadline_ns)
{
    char reply[NATS_PLACE_SUBJECT_BYTES + 24];
    nats_post with_reply = *post;
    const char *inbox = line->answers->subject;
    uint32_t connects = line->connects;
    int64_t until_ns = shmrpci_deadline_after(ANSWER_NS);
    until_ns = until_ns < deadline_ns ? until_ns : deadline_ns;
    mine->number = ++line->numbers;
    (void)snprintf(reply, sizeof reply, "%.*s%llu", (int)strlen(inbox) - 1,
                   inbox, (unsigned long long)mine->number);
    with_reply.reply = reply;
    if (with_reply.subject == NULL) {
        with_reply.subject = reply;
        with_reply.reply = NULL;
    }
    mine->next = line->waitings;
    line->waitings = mine;
    int status = nats_line_post(line, &with_reply);
    while (status == SHMRPC_OK && !mine->is_done &&
           line->connects == connects && nats_line_wait(line, until_ns)) {
    }
    forget(line, mine);
    return status;
}

int nats_line_ask(nats_line *line, const nats_post *post, int64_t deadline_ns,
                  shmrpci_buf *answer, bool *out_nobody, shmrpc_error *error)
{
    int64_t until_ns = deadline_ns != 0
                           ? deadline_ns
                           : shmrpci_deadline_after(NATS_LINE_LOOK_NS);
    waiting mine = {.answer = answer};
    int status = SHMRPC_OK;
    while (status == SHMRPC_OK && !mine.is_done) {
        status = nats_line_await(line, until_ns, error);
        if (status == SHMRPC_OK) {
            status = ask_once(line, post, &mine, until_ns);
            if (status == SHMRPC_E_UNAVAILABLE) {
                /* The connection was lost at this moment; the thread will
                 * notice. */
                (void)nats_line_wait(line, shmrpci_deadline_after(RETRY_NS));
                status = SHMRPC_OK;
            }
        }
        until_ns = shmrpci_waiting_deadline(until_ns);
        if (status == SHMRPC_OK && !mine.is_done &&
            shmrpci_now_ns() >= until_ns) {
            return shmrpc_error_set(error, SHMRPC_E_DEADLINE,
                                    "NATS did not answer in time");
        }
    }
    if (status == SHMRPC_OK && answer->status != SHMRPC_OK) {
        status = SHMRPC_E_NO_MEMORY;
    }
    *out_nobody = mine.is_nobody;
    return status;
}

/* Sends a message to ourselves, which arrives after everything that was sent
 * before it has been processed. */
int nats_line_settle(nats_line *line, int64_t deadline_ns, shmrpc_error *error)
{
    shmrpci_buf nothing;
    bool is_nobody;
    nats_post post = {.subject = NULL};
    shmrpci_buf_init_heap(&nothing);
    int status =
        nats_line_ask(line, &post, deadline_ns, &nothing, &is_nobody, error);
    shmrpci_buf_fini(&nothing);
    return status;
}

int nats_line_status(const nats_line *line, const nats_message *message)
{
    return line->ops->status(message);
}

bool nats_line_header(const nats_line *line, const nats_message *message,
                      const char *name, char *out, size_t size)
{
    return line->ops->header(message, name, out, size);
}

/* ---- the connection's thread --------------------------------------------- */

static bool take_all(nats_line *line, nats_ear *ear)
{
    nats_message message;
    nats_result result;
    bool has_any = false;
    while ((result = line->ops->take(ear->inbox, &message)) != NATS_NOTHING) {
        has_any = true;
        if (result == NATS_DONE) {
            ear->heard(ear->user, NATS_DONE, &message);
            line->ops->drop(&message);
        } else {
            ear->heard(ear->user, result, NULL);
        }
    }
    return has_any;
}

/* Updates the state of the connection and wakes waiting threads after each
 * change, so that they check again. */
static bool note_connection(nats_line *line, const nats_view *view)
{
    bool was_up = line->is_up;
    bool is_new = view->fd >= 0 && view->connects != line->connects;
    line->is_up = view->fd >= 0;
    line->is_closed = view->is_closed;
    line->connects = view->fd >= 0 ? view->connects : line->connects;
    if (is_new && line->opts.on_connect != NULL) {
        line->opts.on_connect(line->opts.user);
    }
    return is_new || was_up != line->is_up || line->is_closed;
}

static void tick(nats_line *line)
{
    int64_t now_ns = shmrpci_now_ns();
    if (now_ns >= line->second_ns) {
        line->second_ns = now_ns + SHMRPCI_NS_PER_S;
        if (line->opts.on_second != NULL) {
            line->opts.on_second(line->opts.user);
        }
    }
}

static void hear(nats_line *line, const nats_view *view)
{
    shmrpci_mutex_lock(&line->lock);
    bool has_any = note_connection(line, view);
    for (nats_ear *ear = line->ears; ear != NULL; ear = ear->next) {
        has_any = take_all(line, ear) || has_any;
    }
    tick(line);
    shmrpci_mutex_unlock(&line->lock);
    if (has_any) {
        shmrpci_cond_broadcast(&line->cond);
    }
}

/* Returns false if something is left to send. */
static bool write_some(nats_line *line, nats_view *view)
{
    line->ops->view(line->carrier, view);
    if (view->wants_write && view->fd >= 0) {
        line->ops->write(line->carrier);
        line->ops->view(line->carrier, view);
    }
    return !view->wants_write;
}

static void run(void *user)
{
    nats_line *line = user;
    nats_view view;
    bool can_read = true;
    int64_t until_ns = SHMRPCI_NEVER_NS;
    for (;;) {
        line->ops->view(line->carrier, &view);
        if (view.fd >= 0 && (can_read || view.fd != line->fd)) {
            line->ops->read(line->carrier);
        }
        line->fd = view.fd;
        hear(line, &view);
        bool is_quiet = write_some(line, &view);
        if (shmrpci_load_acquire(&line->stopping) != 0) {
            until_ns = until_ns != SHMRPCI_NEVER_NS
                           ? until_ns
                           : shmrpci_deadline_after(LINGER_NS);
            if (is_quiet || view.fd < 0 || shmrpci_now_ns() >= until_ns) {
                return;
            }
        }
        shmrpci_poll_entry entries[] = {
            {.fd = line->bell_fd, .read = true},
            {.fd = view.fd, .read = true, .write = view.wants_write}};
        (void)shmrpci_poll_entries(
            entries, view.fd >= 0 ? 2 : 1,
            until_ns < line->second_ns ? until_ns : line->second_ns);
        if (entries[0].is_ready) {
            shmrpci_event_clear(line->bell_fd);
        }
        can_read = view.fd >= 0 && entries[1].is_ready;
    }
}

/* Called by any thread, including libnats's. */
static void on_change(void *user)
{
    shmrpci_event_set(((nats_line *)user)->bell_fd);
}

/* ---- opening and closing ------------------------------------------------- */

static int connect_it(nats_line *line, const nats_place *place,
                      shmrpc_error *error)
{
    nats_opts opts = {.servers = place->servers,
                      .name = "shmrpc shared object",
                      .creds_file = place->creds_file,
                      .nkey_file = place->nkey_file,
                      .ca_file = place->ca_file,
                      .cert_file = place->cert_file,
                      .timeout_ms = CONNECT_MS,
                      .on_change = on_change,
                      .user = line};
    int status = nats_open(line->ops, &opts, &line->carrier, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    nats_view view;
    line->ops->view(line->carrier, &view);
    line->is_up = view.fd >= 0;
    line->connects = view.connects;
    status = nats_line_listen(line, NULL, on_answer, line, &line->answers);
    return status == SHMRPC_OK
               ? SHMRPC_OK
               : shmrpc_error_set(error, status, "can't subscribe");
}

/* Adds the descriptor of NATS, which open has just created, to the descriptors
 * that a forked child closes. Starts the thread. */
static int start(nats_line *line, shmrpc_error *error)
{
    shmrpc_status status = shmrpci_fork_close_fd(&line->fd_place, &line->fd);
    if (status == SHMRPC_OK) {
        status = shmrpci_thread_create(&line->thread, "nats object", run, line);
        line->has_thread = status == SHMRPC_OK;
    }
    return status == SHMRPC_OK
               ? SHMRPC_OK
               : shmrpc_error_set(error, status, "can't start a thread");
}

int nats_line_open(const nats_line_opts *opts, nats_line **out,
                   shmrpc_error *error)
{
    const nats_carrier_ops *ops;
    int status = nats_load(&ops, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    nats_line *line = calloc(1, sizeof *line);
    if (line == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    line->ops = ops;
    line->opts = *opts;
    line->generation = shmrpci_fork_generation();
    line->fd = -1;
    line->bell_fd = -1;
    shmrpci_mutex_init(&line->lock);
    shmrpci_cond_init(&line->cond);
    status = (int)shmrpci_event_create(&line->bell_fd);
    status = status == SHMRPC_OK
                 ? connect_it(line, opts->place, error)
                 : shmrpc_error_set(error, status, "descriptors ran out");
    line->second_ns = shmrpci_deadline_after(SHMRPCI_NS_PER_S);
    /* Set before the thread can call a callback, which may use it. */
    *out = line;
    if (status == SHMRPC_OK) {
        status = start(line, error);
    }
    if (status != SHMRPC_OK) {
        nats_line_close(line);
        *out = NULL;
    }
    return status;
}

/* Closes the connection of this process. A forked child does not do this: in
 * the child, locks of libnats may be held for ever, so its memory is leaked. */
static void end_ours(nats_line *line)
{
    if (line->has_thread) {
        /* Release: pairs with the acquire in the thread. */
        shmrpci_store_release(&line->stopping, 1u);
        shmrpci_event_set(line->bell_fd);
        shmrpci_thread_join(&line->thread);
    }
    while (line->ears != NULL) {
        nats_line_deafen(line, line->ears);
    }
    if (line->carrier != NULL) {
        line->ops->close(line->carrier);
    }
    shmrpci_cond_fini(&line->cond);
    shmrpci_mutex_fini(&line->lock);
}

void nats_line_close(nats_line *line)
{
    if (line == NULL) {
        return;
    }
    if (nats_line_is_ours(line)) {
        end_ours(line);
    }
    shmrpci_fork_keep_fd(&line->fd_place);
    shmrpci_fd_close(&line->bell_fd);
    free(line);
}

/*
 * The thread that calls the service for clients without shmrpc.
 *
 * The pump's thread copies requests into the queue and rings the bell. This
 * thread does everything else: it asks the service for its description,
 * connects, and calls. The callbacks of the calls publish the answers.
 */
#include "tools/shmrpc-nats/foreign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "os/clock.h"
#include "os/memory.h"
#include "os/poll.h"
#include "os/thread.h"
#include "shmrpc/discover.h"
#include "shmrpc/interface.h"
#include "sync/atomic.h"
#include "tools/shmrpc-nats/request.h"

/* Number of call slots of one connection. */
#define CALLS_MAX 64u

/* How long the service may take to describe itself, and to accept us. Requests
 * wait meanwhile. */
#define CONNECT_NS (2 * SHMRPCI_NS_PER_S)
/* After a failure to connect, requests are answered with the error of that
 * attempt for this long, without another attempt. */
#define PAUSE_NS (SHMRPCI_NS_PER_S / 2)

/* The retry-after that a client gets if its request was refused because the
 * queue is full. */
#define RETRY_NS (SHMRPCI_NS_PER_S / 10)

/* How long to wait for a call if no other one is in flight: a quick call then
 * needs no further round of the loop. */
#define SOON_NS (50 * SHMRPCI_NS_PER_US)

enum { TAG_BELL, TAG_CLIENT };

typedef struct queue {
    request *first;
    request **end;
} queue;

struct foreign {
    foreign_opts opts;
    char where[160];
    int set;
    int bell_fd;
    shmrpci_thread thread;
    bool has_thread;
    shmrpci_atomic_u32 is_stopping;
    shmrpci_atomic_u32 is_stale; /* the service has another contract */
    int64_t stop_ns;             /* written before is_stopping is set */
    shmrpci_mutex lock;
    queue waiting; /* guarded by lock, as the next four */
    size_t count;
    size_t bytes;
    foreign_counts *counts;      /* one for each method of `interface` */
    shmrpc_interface *interface; /* the thread, which sets it, reads it without
                                  * the lock */
    /* Used by the thread only: */
    shmrpc_service here; /* the service of the interface, at the port where it
                          * runs */
    shmrpc_client *client;
    uint32_t in_flight;
    bool is_full;     /* the connection has no free slot, until a call has
                       * ended */
    int64_t retry_ns; /* no attempt to connect before this time */
    shmrpc_error why; /* error of the last attempt */
};

/* ---- waiting requests -------------------------------------------------- */

/* Called with the lock held. Appends to the waiting requests. */
static void put(foreign *f, request *r)
{
    *f->waiting.end = r;
    f->waiting.end = &r->next;
    f->count++;
    f->bytes += r->len;
}

/* A request that could not be started yet becomes the first one again. */
static void put_back(foreign *f, request *r)
{
    shmrpci_mutex_lock(&f->lock);
    r->next = f->waiting.first;
    f->waiting.first = r;
    if (r->next == NULL) {
        f->waiting.end = &r->next;
    }
    f->count++;
    f->bytes += r->len;
    shmrpci_mutex_unlock(&f->lock);
}

/* Takes the first waiting request; NULL: none waits. */
static request *get(foreign *f)
{
    shmrpci_mutex_lock(&f->lock);
    request *r = f->waiting.first;
    if (r != NULL) {
        f->waiting.first = r->next;
        if (r->next == NULL) {
            f->waiting.end = &f->waiting.first;
        }
        f->count--;
        f->bytes -= r->len;
    }
    shmrpci_mutex_unlock(&f->lock);
    return r;
}

/* Returns false if the queue is full. A single large request always finds
 * room. */
static bool try_put(foreign *f, request *r)
{
    shmrpci_mutex_lock(&f->lock);
    bool has_room =
        f->count == 0 || (f->count < FOREIGN_WAITING_MAX &&
                          f->bytes + r->len <= FOREIGN_WAITING_BYTES);
    if (has_room) {
        put(f, r);
    }
    shmrpci_mutex_unlock(&f->lock);
    return has_room;
}

/* Answers a request that was not run, and frees it. */
static void refuse(request *r, int status, const char *why, int64_t retry_ns)
{
    shmrpc_error error;
    (void)shmrpc_error_set(&error, status, "%s", why);
    error.may_have_run = false;
    error.retry_after_ns = retry_ns;
    request_fail(r, NULL, NULL, &error);
    request_free(r);
}

/* An error in a request is reported before the request takes a place in the
 * queue. */
void foreign_take(foreign *f, const nats_message *message, bool is_leaving)
{
    request *r = request_read(f->opts.pump, message);
    if (r == NULL) {
        return; /* no memory is left, not even for an answer */
    }
    r->owner = f;
    /* Relaxed: if the flag is set just after this check, the request is put in
     * the queue, and later freed without an answer. */
    if (is_leaving || shmrpci_load_relaxed(&f->is_stopping) != 0) {
        refuse(r, SHMRPC_E_UNAVAILABLE, "the gateway is being stopped", 0);
    } else if (r->error.code != SHMRPC_OK) {
        refuse(r, r->error.code, r->error.message, 0);
    } else if (r->len > f->opts.max_message_bytes) {
        refuse(r, SHMRPC_E_TOO_LARGE,
               "the request is larger than the gateway's --max-message", 0);
    } else if (!try_put(f, r)) {
        refuse(r, SHMRPC_E_EXHAUSTED, "too many requests wait at this gateway",
               RETRY_NS);
    } else {
        shmrpci_event_set(f->bell_fd);
    }
}

/* ---- the service ------------------------------------------------------- */

/* The counts of methods are freed together with their interface. */
static void set_interface(foreign *f, shmrpc_interface *interface,
                          foreign_counts *counts)
{
    shmrpci_mutex_lock(&f->lock);
    shmrpc_interface *old = f->interface;
    foreign_counts *old_counts = f->counts;
    f->interface = interface;
    f->counts = counts;
    shmrpci_mutex_unlock(&f->lock);
    shmrpc_interface_release(old);
    free(old_counts);
}

/* Calls in progress end as CANCELLED. */
static void disconnect(foreign *f)
{
    if (f->client != NULL) {
        int fd = shmrpc_stub_fd(f->client);
        if (fd >= 0) {
            shmrpci_poll_remove(f->set, fd);
        }
        shmrpc_stub_close(f->client);
        f->client = NULL;
    }
}

/* Asks the service for its description. The text is not trusted. */
static int learn(foreign *f, const shmrpc_opts *opts, shmrpc_error *error)
{
    char *text;
    size_t len;
    shmrpc_interface *interface;
    int status =
        shmrpc_describe(f->where, f->opts.port, opts, &text, &len, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = shmrpc_interface_read(text, len, &interface, error);
    free(text);
    if (status != SHMRPC_OK) {
        return status;
    }
    uint32_t count = shmrpc_interface_service(interface)->method_count;
    foreign_counts *counts = calloc(count + 1u, sizeof *counts);
    if (counts == NULL) {
        shmrpc_interface_release(interface);
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    set_interface(f, interface, counts);
    return SHMRPC_OK;
}

/* The description has the port that its author chose; the service may run at
 * another port. */
static int enter(foreign *f, const shmrpc_opts *opts, shmrpc_error *error)
{
    f->here = *shmrpc_interface_service(f->interface);
    f->here.port = f->opts.port;
    int status =
        shmrpc_stub_connect(&f->here, f->where, opts, &f->client, error);
    int fd = status == SHMRPC_OK ? shmrpc_stub_fd(f->client) : 0;
    if (fd < 0 ||
        (status == SHMRPC_OK && shmrpci_poll_add(f->set, fd, SHMRPCI_POLL_LEVEL,
                                                 TAG_CLIENT) != SHMRPC_OK)) {
        status = shmrpc_error_set(error, SHMRPC_E_EXHAUSTED,
                                  "the gateway has no descriptor left");
        disconnect(f);
    }
    return status;
}

/* Blocks for CONNECT_NS at most. On failure `why` has the error. */
static bool connect_anew(foreign *f)
{
    const shmrpc_opts opts = {.timeout_ns = CONNECT_NS,
                              .max_message_bytes = f->opts.max_message_bytes};
    if (shmrpci_now_ns() < f->retry_ns) {
        return false;
    }
    disconnect(f);
    /* Relaxed: if the contract changes after this line, the flag is set again,
     * and the next call reads the new contract. */
    shmrpci_store_relaxed(&f->is_stale, 0u);
    int status = learn(f, &opts, &f->why);
    if (status == SHMRPC_OK) {
        status = enter(f, &opts, &f->why);
    }
    if (status != SHMRPC_OK) {
        f->why.may_have_run = false;
        f->retry_ns = shmrpci_deadline_after(PAUSE_NS);
    }
    return status == SHMRPC_OK;
}

/* ---- calls ------------------------------------------------------------- */

/* Returns the method of a request whose index is known. */
static const shmrpc_method *method_of(const foreign *f, const request *r)
{
    return &shmrpc_interface_service(f->interface)->methods[r->index];
}

/* Counts an answered request. `error` is the name of its error; NULL:
 * success. */
static void note(foreign *f, const request *r, const char *error)
{
    shmrpci_mutex_lock(&f->lock);
    foreign_counts *counts = &f->counts[r->index];
    counts->requests++;
    counts->total_ns += (uint64_t)(shmrpci_now_ns() - r->arrived_ns);
    if (error != NULL) {
        counts->errors++;
        (void)snprintf(counts->last_error, sizeof counts->last_error, "%.*s",
                       (int)sizeof counts->last_error - 1, error);
    }
    shmrpci_mutex_unlock(&f->lock);
}

/* A result that could not be sent counts as an error, like any other
 * failure. */
static void finish(request *r, int status, const void *reply,
                   const shmrpc_error *error)
{
    foreign *f = r->owner;
    const char *what = NULL;
    if (status == SHMRPC_OK) {
        status = request_answer(r, method_of(f, r), reply);
        what = status != SHMRPC_OK ? shmrpc_status_name(status) : NULL;
    } else {
        request_fail(r, method_of(f, r), reply, error);
        what = error->name;
    }
    note(f, r, what);
    request_free(r);
}

/* The end of a call. Called by dispatch, by close, or while a quick call is
 * started. */
static void on_end(shmrpc_function done, void *user, int status, void *reply,
                   const shmrpc_error *error)
{
    request *r = user;
    foreign *f = r->owner;
    (void)done;
    f->in_flight--;
    finish(r, status, reply, error);
    shmrpc_stub_release(reply);
}

/* The library requires a user's callback in addition to the one that ends a
 * call; this one is not used. */
static void do_nothing(void)
{
}

/* NOT_FOUND names the method that was probably meant. */
static int find_method(const foreign *f, request *r, shmrpc_error *error)
{
    const shmrpc_service *tables = shmrpc_interface_service(f->interface);
    shmrpci_nearest search = {.wanted = r->method};
    for (r->index = 0; r->index < tables->method_count; r->index++) {
        if (strcmp(tables->methods[r->index].name, r->method) == 0) {
            return SHMRPC_OK;
        }
        shmrpci_nearest_offer(&search, tables->methods[r->index].name);
    }
    return shmrpc_error_set(
        error, SHMRPC_E_NOT_FOUND, "%.60s has no method `%.40s`%s%.40s%s",
        tables->name, r->method, search.best != NULL ? "; did you mean `" : "",
        search.best != NULL ? search.best : "",
        search.best != NULL ? "`?" : "");
}

/* Only clients with shmrpc can have streams. A call whose answer can't be sent
 * would run for nobody, unless it is oneway. */
static int check_kind(const request *r, const shmrpc_method *method,
                      shmrpc_error *error)
{
    if (method->items_in != NULL || method->items_out != NULL) {
        return shmrpc_error_set(error, SHMRPC_E_UNIMPLEMENTED,
                                "`%.60s` has streams; over NATS only shmrpc's "
                                "own clients can call it",
                                method->name);
    }
    if (r->reply[0] == '\0' && (method->flags & SHMRPC_METHOD_ONEWAY) == 0) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "a request needs a reply subject in _INBOX.");
    }
    return SHMRPC_OK;
}

/* NONBLOCK, because a call that has to wait would hold up all others. If this
 * returns OK, the request belongs to the call. */
static int send(foreign *f, request *r, const void *params, shmrpc_error *error)
{
    shmrpc_opts opts = {.flags = SHMRPC_OPT_NONBLOCK | SHMRPC_OPT_FAULTS,
                        .timeout_ns = request_left_ns(r, method_of(f, r))};
    if (opts.timeout_ns <= 0) {
        return shmrpc_error_set(
            error, SHMRPC_E_DEADLINE,
            "its deadline passed before it was sent to the service");
    }
    if (r->with_count > 0) {
        opts.metadata = r->with;
        opts.reply_metadata = &r->back;
    }
    if ((method_of(f, r)->flags & SHMRPC_METHOD_ONEWAY) != 0) {
        int status =
            shmrpc_stub_call(f->client, r->index, params, &opts, NULL, error);
        if (status == SHMRPC_OK) {
            finish(r, SHMRPC_OK, NULL, NULL);
        }
        return status;
    }
    int64_t patience_ns = f->in_flight == 0 ? SOON_NS : 0;
    f->in_flight++;
    int status =
        shmrpc_stub_async_soon(f->client, r->index, params, &opts, patience_ns,
                               NULL, error, on_end, do_nothing, r);
    f->in_flight -= status != SHMRPC_OK;
    return status;
}

/* Starts the call of a request. If that fails, the error is reported as "has
 * not run", because no handler has been reached yet. */
static void start(foreign *f, request *r)
{
    const void *params;
    shmrpc_error error;
    int status = find_method(f, r, &error);
    if (status != SHMRPC_OK) {
        refuse(r, status, error.message, 0);
        return;
    }
    status = check_kind(r, method_of(f, r), &error);
    if (status == SHMRPC_OK) {
        status = request_params(r, method_of(f, r), &params, &error);
    }
    if (status == SHMRPC_OK) {
        status = send(f, r, params, &error);
        if (status == SHMRPC_E_CONTRACT && !r->is_again) {
            r->is_again = true;
            shmrpci_store_relaxed(&f->is_stale, 1u);
            put_back(f, r);
            return;
        }
        if (status == SHMRPC_E_BUSY && f->in_flight > 0) {
            f->is_full = true;
            put_back(f, r);
            return;
        }
    }
    if (status != SHMRPC_OK) {
        error.may_have_run = false;
        finish(r, status, NULL, &error);
    }
}

/* Calls of the previous contract must end before the next contract is read,
 * because those calls use the method numbers of the previous one. */
static bool is_ready(foreign *f)
{
    bool is_stale = shmrpci_load_relaxed(&f->is_stale) != 0;
    if (f->client != NULL && !is_stale) {
        return true;
    }
    return f->in_flight == 0 && connect_anew(f);
}

/* Starts as many requests as there is room for. While the service does not run,
 * all of them are refused. */
static void start_all(foreign *f)
{
    request *r = NULL;
    f->is_full = false;
    while (f->in_flight < CALLS_MAX && !f->is_full && (r = get(f)) != NULL) {
        if (is_ready(f)) {
            start(f, r);
        } else if (f->in_flight > 0) {
            put_back(f, r);
            return;
        } else {
            refuse(r, f->why.code, f->why.message, PAUSE_NS);
        }
    }
}

/* ---- the thread -------------------------------------------------------- */

/* Called at the end, when no more calls are started. */
static void refuse_all(foreign *f)
{
    request *r;
    while ((r = get(f)) != NULL) {
        refuse(r, SHMRPC_E_UNAVAILABLE, "the gateway is being stopped", 0);
    }
}

/* Clears only the bell; shmrpc_stub_dispatch clears the client's descriptor. */
static void wait_for_events(foreign *f, int64_t deadline_ns)
{
    uint64_t tags[4];
    size_t found = shmrpci_poll_wait(f->set, tags, sizeof tags / sizeof *tags,
                                     deadline_ns);
    for (size_t i = 0; i < found; i++) {
        if (tags[i] == TAG_BELL) {
            shmrpci_event_clear(f->bell_fd);
        }
    }
}

/* Dispatches before it starts requests, because calls that end during dispatch
 * make room for waiting requests. */
static void run(void *user)
{
    foreign *f = user;
    for (;;) {
        /* Acquire: pairs with the release in foreign_end; stop_ns is valid
         * then. */
        bool stops = shmrpci_load_acquire(&f->is_stopping) != 0;
        if (f->client != NULL) {
            (void)shmrpc_stub_dispatch(f->client);
        }
        if (stops) {
            refuse_all(f);
        } else {
            start_all(f);
        }
        if (stops && (f->in_flight == 0 || shmrpci_now_ns() >= f->stop_ns)) {
            break;
        }
        wait_for_events(f, stops ? f->stop_ns : SHMRPCI_NEVER_NS);
    }
    disconnect(f);
}

/* ---- creating and ending ------------------------------------------------- */

int foreign_create(const foreign_opts *opts, foreign **out, shmrpc_error *error)
{
    foreign *f = calloc(1, sizeof *f);
    if (f == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    f->opts = *opts;
    f->set = f->bell_fd = -1;
    f->waiting.end = &f->waiting.first;
    (void)snprintf(f->where, sizeof f->where, "shm://%s", opts->service);
    shmrpci_mutex_init(&f->lock);
    shmrpc_status status = shmrpci_poll_create(&f->set);
    if (status == SHMRPC_OK) {
        status = shmrpci_event_create(&f->bell_fd);
    }
    if (status == SHMRPC_OK) {
        status =
            shmrpci_poll_add(f->set, f->bell_fd, SHMRPCI_POLL_LEVEL, TAG_BELL);
    }
    if (status != SHMRPC_OK) {
        foreign_destroy(f);
        return shmrpc_error_set(error, status, "descriptors ran out");
    }
    *out = f;
    return SHMRPC_OK;
}

/* Must be called in the sandbox, so that the thread is in it as well. */
int foreign_start(foreign *f, shmrpc_error *error)
{
    shmrpc_status status = shmrpci_thread_create(&f->thread, "foreign", run, f);
    f->has_thread = status == SHMRPC_OK;
    return f->has_thread
               ? SHMRPC_OK
               : shmrpc_error_set(error, status, "can't start a thread");
}

void foreign_renew(foreign *f)
{
    /* Relaxed: it orders no other data. */
    shmrpci_store_relaxed(&f->is_stale, 1u);
}

/* The pump still runs, so that answers are sent. */
void foreign_end(foreign *f, int64_t deadline_ns)
{
    if (f != NULL && f->has_thread) {
        f->stop_ns = deadline_ns;
        /* Release: pairs with the acquire in the thread. */
        shmrpci_store_release(&f->is_stopping, 1u);
        shmrpci_event_set(f->bell_fd);
        shmrpci_thread_join(&f->thread);
        f->has_thread = false;
    }
}

/* The pump has ended, so waiting requests get no answer. */
void foreign_destroy(foreign *f)
{
    request *r;
    if (f == NULL) {
        return;
    }
    while ((r = get(f)) != NULL) {
        request_free(r);
    }
    set_interface(f, NULL, NULL);
    shmrpci_fd_close(&f->bell_fd);
    shmrpci_fd_close(&f->set);
    shmrpci_mutex_fini(&f->lock);
    free(f);
}

/* There are few methods, so a linear search is fast enough. */
void foreign_count(foreign *f, const char *method, size_t len,
                   foreign_counts *out)
{
    *out = (foreign_counts){.requests = 0};
    shmrpci_mutex_lock(&f->lock);
    const shmrpc_service *tables =
        f->interface != NULL ? shmrpc_interface_service(f->interface) : NULL;
    for (uint32_t i = 0; tables != NULL && i < tables->method_count; i++) {
        const char *name = tables->methods[i].name;
        if (strlen(name) == len && memcmp(name, method, len) == 0) {
            *out = f->counts[i];
        }
    }
    shmrpci_mutex_unlock(&f->lock);
}

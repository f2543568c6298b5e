/* Interfaces. A description is read like a .svc file of the user, but it must
 * not refer to other files, since it may come from a server. */
#include "svc/interface.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "idl/descriptor.h"
#include "idl/idl.h"
#include "shmrpc/discover.h"
#include "shmrpc/wait.h"

/* Maximum memory for reading a description. */
#define MAX_ARENA_BYTES ((size_t)256 << 20)

#define NS_PER_S INT64_C(1000000000)

/* Default timeout of a request for the description, and the interval between
 * searches for a service that has not started yet. */
#define ASK_TIMEOUT_NS (5 * NS_PER_S)
#define LOOK_AGAIN_NS  SHMRPC_WAIT_SLICE_NS

/* ---- reading ---- */

/* Finds no import, because a text from a server must not make us open files. */
static shmrpc_status read_nothing(shmrpci_arena *arena, const char *path,
                                  const idl_source **out, size_t *bad_offset,
                                  void *user)
{
    (void)arena, (void)path, (void)out, (void)bad_offset, (void)user;
    return SHMRPC_E_NOT_FOUND;
}

/* Sets the first error with its place: "12:3" and "unknown type `Hut`". */
static void set_first(const idl_diags *diags, shmrpc_error *error)
{
    const idl_diag *at = diags->first;
    while (at != NULL && at->severity != IDL_ERROR) {
        at = at->next;
    }
    if (at == NULL) {
        (void)shmrpc_error_set(error, SHMRPC_E_INVALID, "it is not a .svc");
        return;
    }
    const char *expected = at->expected;
    (void)shmrpc_error_set(error, SHMRPC_E_INVALID, "%s%s%s%s", at->message,
                           expected != NULL ? " (expected " : "",
                           expected != NULL ? expected : "",
                           expected != NULL ? ")" : "");
    if (error != NULL && at->span.source != NULL) {
        idl_place place = idl_source_place(at->span.source, at->span.begin);
        (void)snprintf(error->path, sizeof error->path, "%u:%u", place.line,
                       place.column);
    }
}

static shmrpc_status load(shmrpc_interface *interface, const char *name,
                          const char *text, size_t len, idl_diags *diags)
{
    const idl_options options = {.flags = IDL_ANY_C_NAMES,
                                 .read = read_nothing};
    const idl_schema *schema = NULL;
    const shmrpc_service *tables = NULL;
    shmrpc_status status = idl_load_text(&options, name, text, len,
                                         &interface->arena, diags, &schema);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (schema->service_count != 1) {
        return SHMRPC_E_PRECONDITION;
    }
    status =
        idl_descriptor(schema, schema->services[0], &interface->arena, &tables);
    if (status == SHMRPC_OK) {
        interface->service = *tables;
    }
    return status;
}

/* Sets the message and `error` of a failed load, for both callers. */
static shmrpc_status report(shmrpc_status status, const idl_diags *diags,
                            shmrpci_buf *message, shmrpc_error *error)
{
    switch ((int)status) {
    case SHMRPC_E_INVALID:
        set_first(diags, error);
        if (message != NULL) {
            idl_diags_render(diags, message);
        }
        return status;
    case SHMRPC_E_PRECONDITION:
        return (shmrpc_status)shmrpc_error_set(error, SHMRPC_E_INVALID,
                                               "expected one service");
    default:
        return (shmrpc_status)shmrpc_error_set(error, status, "%s",
                                               shmrpc_status_text(status));
    }
}

shmrpc_status svc_interface_read(const char *name, const char *text, size_t len,
                                 shmrpc_interface **out, shmrpci_buf *message,
                                 shmrpc_error *error)
{
    idl_diags diags;
    if (len > SHMRPC_INTERFACE_MAX_TEXT_BYTES) {
        return (shmrpc_status)shmrpc_error_set(
            error, SHMRPC_E_TOO_LARGE,
            "a .svc of %zu bytes (at most %zu are allowed)", len,
            SHMRPC_INTERFACE_MAX_TEXT_BYTES);
    }
    shmrpc_interface *interface = calloc(1, sizeof *interface);
    if (interface == NULL) {
        return (shmrpc_status)shmrpc_error_set(error, SHMRPC_E_NO_MEMORY,
                                               "out of memory");
    }
    shmrpci_arena_init(&interface->arena, MAX_ARENA_BYTES);
    idl_diags_init(&diags);
    shmrpc_status status = load(interface, name, text, len, &diags);
    if (status != SHMRPC_OK) {
        status = report(status, &diags, message, error);
        shmrpc_interface_release(interface);
        return status;
    }
    *out = interface;
    return SHMRPC_OK;
}

shmrpc_status shmrpc_interface_read(const char *text, size_t len,
                                    shmrpc_interface **out, shmrpc_error *error)
{
    return svc_interface_read("interface", text, len, out, NULL, error);
}

/* ---- requesting a description -------------------------------------------- */

shmrpc_status svc_interface_set_target(shmrpc_interface *interface,
                                       const svc_target *target)
{
    char *where = shmrpci_arena_strndup(&interface->arena, target->where,
                                        strlen(target->where));
    if (where == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    interface->target = (svc_target){where, target->port};
    if (target->port != 0) {
        interface->service.port = target->port;
    }
    return SHMRPC_OK;
}

static int ask(const svc_target *target, const shmrpc_opts *opts,
               shmrpc_interface **out, shmrpc_error *error)
{
    char *text = NULL;
    size_t len = 0;
    shmrpc_interface *interface = NULL;
    int status =
        shmrpc_describe(target->where, target->port, opts, &text, &len, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status =
        svc_interface_read(target->where, text, len, &interface, NULL, error);
    free(text);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (svc_interface_set_target(interface, target) != SHMRPC_OK) {
        shmrpc_interface_release(interface);
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    *out = interface;
    return SHMRPC_OK;
}

/* Searches and asks once. */
static int find_and_ask(const char *name, const shmrpc_opts *opts,
                        shmrpc_interface **out, shmrpc_error *error)
{
    svc_target target;
    shmrpci_arena arena;
    shmrpci_buf message;
    shmrpci_arena_init(&arena, MAX_ARENA_BYTES);
    shmrpci_buf_init_heap(&message);
    int status = svc_find(&arena, name, NULL, NULL, &target, &message);
    if (status == SHMRPC_OK) {
        status = ask(&target, opts, out, error);
    } else {
        const char *text = shmrpci_buf_text(&message);
        (void)shmrpc_error_set(error, status, "%s",
                               text != NULL && text[0] != '\0'
                                   ? text
                                   : shmrpc_status_text(status));
    }
    shmrpci_buf_fini(&message);
    shmrpci_arena_fini(&arena);
    return status;
}

/* Does not use os/clock, because that keeps state, which belongs to
 * libshmrpc. */
static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* Sleeps, and calls the thread's wait hooks. Code outside of libshmrpc can read
 * the hooks only by replacing them and then restoring them. Returns false if a
 * hook says that the wait was interrupted. */
static bool pause_for(int64_t ns)
{
    const struct timespec rest = {.tv_nsec = (long)ns};
    const shmrpc_wait_hooks *hooks = shmrpc_wait_set_hooks(NULL);
    (void)shmrpc_wait_set_hooks(hooks);
    bool goes_on = true;
    int saved = errno;
    if (hooks != NULL) {
        hooks->block(hooks->user);
    }
    (void)nanosleep(&rest, NULL);
    if (hooks != NULL) {
        goes_on =
            hooks->interrupted == NULL || hooks->interrupted(hooks->user) == 0;
        hooks->unblock(hooks->user);
    }
    errno = saved;
    return goes_on;
}

/* Errors that end when the service starts: it is not there, it does not listen
 * yet, or it is being replaced. */
static bool may_come_yet(int status)
{
    return status == SHMRPC_E_NOT_FOUND || status == SHMRPC_E_UNAVAILABLE ||
           status == SHMRPC_E_SERVER_LOST;
}

/* Searches until the service is there; at the deadline, returns the result of
 * the last search. */
static int wait_and_ask(const char *name, const shmrpc_opts *opts,
                        shmrpc_interface **out, shmrpc_error *error)
{
    shmrpc_opts left = *opts;
    left.timeout_ns = opts->timeout_ns != 0 ? opts->timeout_ns : ASK_TIMEOUT_NS;
    int64_t began_ns = now_ns();
    int64_t most_ns = left.timeout_ns;
    int status;
    do {
        status = find_and_ask(name, &left, out, error);
        left.timeout_ns = most_ns - (now_ns() - began_ns);
        if (!may_come_yet(status) || left.timeout_ns <= LOOK_AGAIN_NS) {
            return status;
        }
        if (!pause_for(LOOK_AGAIN_NS)) {
            return shmrpc_error_set(error, SHMRPC_E_CANCELLED,
                                    "waiting for the service was interrupted");
        }
        left.timeout_ns = most_ns - (now_ns() - began_ns);
    } while (left.timeout_ns > 0);
    return status;
}

shmrpc_status shmrpc_interface_ask(const char *name, const shmrpc_opts *opts,
                                   shmrpc_interface **out, shmrpc_error *error)
{
    bool waits = opts != NULL && opts->timeout_ns >= 0 &&
                 (opts->flags & SHMRPC_OPT_WAIT_FOR_READY) != 0;
    return (shmrpc_status)(waits ? wait_and_ask(name, opts, out, error)
                                 : find_and_ask(name, opts, out, error));
}

/* ---- listing services ---------------------------------------------------- */

const shmrpc_service *
shmrpc_interface_service(const shmrpc_interface *interface)
{
    return &interface->service;
}

const char *shmrpc_interface_where(const shmrpc_interface *interface)
{
    return interface->target.where;
}

void shmrpc_interface_release(shmrpc_interface *interface)
{
    if (interface != NULL) {
        shmrpci_arena_fini(&interface->arena);
        free(interface);
    }
}

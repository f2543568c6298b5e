/*
 * Authorization, interceptors, and the end of connections: run it with
 * --workers=0, so that its workers are threads of one process.
 */
#include <inttypes.h>
#include <pthread.h>
#include <shmrpc/beside.h>
#include <stdio.h>
#include <string.h>
#include <threads.h>

#include "gate_server.h"

/* ---- access -------------------------------------------------------------- */

/* Called before each handler. The token comes from the connection or from the
 * call. */
static int authorize(void *user, shmrpc_ctx *ctx, const char *method,
                     const char *token, shmrpc_error *error)
{
    (void)user;
    (void)ctx; /* shmrpc_ctx_peer(ctx) and metadata are available here, too */
    if (strcmp(method, "enter") != 0 ||
        (token != NULL && strcmp(token, "open-sesame-1001") == 0)) {
        return SHMRPC_OK;
    }
    (void)snprintf(error->message, sizeof error->message,
                   token == NULL ? "it needs a token" : "the token is wrong");
    return SHMRPC_E_DENIED;
}

/* ---- interceptors -------------------------------------------------------- */

static int begin(void *user, shmrpc_intercepted *call, shmrpc_error *error)
{
    (void)user;
    (void)error;
    call->state = (void *)(uintptr_t)shmrpc_ctx_is_retry(call->ctx);
    return SHMRPC_OK; /* any other status would refuse the call */
}

/* Called once for each `begin`, after the reply was sent. */
static void end(void *user, shmrpc_intercepted *call, int status,
                const shmrpc_error *error)
{
    (void)user;
    (void)error;
    (void)fprintf(stderr, "%s%s: %s\n", call->method,
                  call->state != NULL ? " once more" : "",
                  shmrpc_status_name(status));
}

static const shmrpc_interceptor journal = {
    .size = sizeof journal, .begin = begin, .end = end};
static const shmrpc_interceptor *const interceptors[] = {&journal, NULL};

/* ---- state of connections ------------------------------------------------ */

#define SESSIONS_MAX 64

typedef struct session {
    uint64_t connection; /* 0 if the slot is free */
    uint32_t entered;
} session;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static session sessions[SESSIONS_MAX]; /* protected by the lock */
static uint32_t gone_count;            /* protected by the lock */

/* Returns the slot of a connection, or a free one. The caller holds the
 * lock. */
static session *find_session(uint64_t connection)
{
    session *found = NULL;
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        if (sessions[i].connection == connection) {
            return &sessions[i];
        }
        if (found == NULL && sessions[i].connection == 0) {
            found = &sessions[i];
        }
    }
    return found;
}

/* Called when a connection has ended, for any reason. */
static void disconnected(void *user, uint64_t connection)
{
    (void)user;
    pthread_mutex_lock(&lock);
    session *s = find_session(connection);
    if (s != NULL && s->connection == connection) {
        *s = (session){.connection = 0};
        gone_count++;
    }
    pthread_mutex_unlock(&lock);
}

/* ---- handlers ------------------------------------------------------------ */

/* The first call is slow, as if its worker were busy with something else. With
 * @hedge the client then sends the call once more, and takes the reply that
 * comes first. The handler of the slower call is cancelled. */
static int look(shmrpc_ctx *ctx, void *user, shmrpc_str door, shmrpc_str *ret)
{
    const struct timespec slice = {.tv_nsec = 5000000};
    (void)user;
    for (int i = 0;
         i < 1000 && !shmrpc_ctx_is_retry(ctx) && !shmrpc_ctx_cancelled(ctx);
         i++) {
        (void)thrd_sleep(&slice, NULL);
    }
    return shmrpc_ctx_printf(ctx, ret, "through the %s: stars", door.ptr);
}

static int enter(shmrpc_ctx *ctx, void *user, shmrpc_str door, uint32_t *ret)
{
    uint64_t connection = shmrpc_ctx_connection(ctx);
    (void)user;
    (void)door;
    pthread_mutex_lock(&lock);
    session *s = find_session(connection);
    if (s != NULL) {
        s->connection = connection;
        *ret = ++s->entered;
    }
    pthread_mutex_unlock(&lock);
    return s != NULL ? SHMRPC_OK
                     : shmrpc_ctx_refuse(ctx, 1000000000, "too many guests");
}

static int gone(shmrpc_ctx *ctx, void *user, uint32_t *ret)
{
    (void)ctx;
    (void)user;
    pthread_mutex_lock(&lock);
    *ret = gone_count;
    pthread_mutex_unlock(&lock);
    return SHMRPC_OK;
}

int main(int argc, char **argv)
{
    shmrpc_hooks hooks = SHMRPC_HOOKS_INIT;
    gate_impl impl = GATE_IMPL_INIT;
    hooks.authorize = authorize;
    hooks.interceptors = interceptors;
    hooks.disconnected = disconnected;
    shmrpc_main_set_hooks(&hooks);
    impl.look = look;
    impl.enter = enter;
    impl.gone = gone;
    return gate_main(argc, argv, &impl, NULL);
}

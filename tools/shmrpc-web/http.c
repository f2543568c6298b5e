/*
 * Connections and requests on libmicrohttpd, whose event loop runs inside ours.
 *
 * The library calls on_request several times for each request: with the head,
 * with each piece of the body, and without data at the end. A connection is
 * suspended while it waits for us, because the library would otherwise call
 * again and again.
 */
#include "tools/shmrpc-web/http.h"

#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/memory.h"
#include "os/poll.h"
#include "os/socket.h"
#include "tools/shmrpc-web/address.h"
#include "tools/shmrpc-web/http_inside.h"

/* How often slow clients are searched for; a time limit may be exceeded by this
 * much. */
#define SWEEP_NS (SHMRPCI_NS_PER_S / 4)

/* How many times the library runs before other events have their turn. */
#define RUNS_MAX 4

/* The memory in which the library keeps a request's head and its reply. */
#define CONNECTION_BYTES ((size_t)32 << 10)
/* The most memory that decoding a request and encoding its reply may take. */
#define REQUEST_ARENA_BYTES ((size_t)256 << 20)

/* ---- connections ---- */

void web_connection_enter(web_connection *c, web_phase next)
{
    c->phase = next;
    c->since_ns = shmrpci_now_ns();
}

static void shut(web_connection *c)
{
    /* Don't close the descriptor: the library owns it, notices that the
     * connection has ended, and frees it. Until then the number can't be
     * reused. */
    shmrpci_socket_shut(c->fd);
    c->since_ns = shmrpci_now_ns();
    c->is_shut = true;
}

/* Whether `a` should be dropped before `b` (NULL: there is none). Both wait for
 * their clients. */
static bool goes_before(const web_connection *a, const web_connection *b)
{
    return b == NULL ||
           (a->is_known != b->is_known ? !a->is_known
                                       : a->since_ns < b->since_ns);
}

/* Drops one connection if there are too many. A request in progress of an
 * authenticated client is never dropped, so strangers who hold connections open
 * can't displace it. */
static void make_room(web_http *http)
{
    web_connection *found = NULL;
    for (size_t i = 0; i < WEB_ALL_CONNECTIONS; i++) {
        web_connection *c = &http->connections[i];
        bool keeps_waiting = c->phase == PHASE_HEAD ||
                             (!c->is_known && (c->phase == PHASE_BODY ||
                                               c->phase == PHASE_REPLY));
        if (c->native != NULL && !c->is_shut && keeps_waiting &&
            goes_before(c, found)) {
            found = c;
        }
    }
    if (found != NULL) {
        shut(found);
        http->stats.crowded++;
    }
}

/* Called when the library has accepted or closed a connection. The library
 * accepts no more than WEB_ALL_CONNECTIONS, so there should always be a free
 * entry. If there is none nevertheless, connection_of returns NULL and the
 * request is refused. */
static void on_connection(void *user, struct MHD_Connection *native,
                          void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    web_http *http = user;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        web_connection *c = *context;
        if (c != NULL) {
            c->native = NULL;
            http->stats.connections--;
        }
        return;
    }
    if (http->stats.connections >= WEB_MAX_CONNECTIONS) {
        make_room(http);
    }
    for (size_t i = 0; i < WEB_ALL_CONNECTIONS; i++) {
        web_connection *c = &http->connections[i];
        if (c->native == NULL) {
            const union MHD_ConnectionInfo *info = MHD_get_connection_info(
                native, MHD_CONNECTION_INFO_CONNECTION_FD);
            memset(c, 0, sizeof *c);
            c->http = http;
            c->native = native;
            c->fd = info->connect_fd;
            web_connection_enter(c, PHASE_HEAD);
            *context = c;
            http->stats.connections++;
            return;
        }
    }
}

static web_connection *connection_of(struct MHD_Connection *native)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(native, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

void web_connection_suspend(web_connection *c)
{
    MHD_suspend_connection(c->native);
    c->is_suspended = true;
}

/* Begins to watch a suspended connection for the client's hang-up. Only the
 * sweep calls this: most calls have ended by then, which saves two system
 * calls. */
static void watch(web_connection *c)
{
    if (c->is_suspended && !c->is_watched) {
        c->is_watched = shmrpci_poll_add(c->http->set, c->fd, SHMRPCI_POLL_EDGE,
                                         (uint64_t)(c - c->http->connections) +
                                             1) == SHMRPC_OK;
        c->http->watched += c->is_watched;
    }
}

void web_connection_resume(web_connection *c)
{
    if (!c->is_suspended) {
        return;
    }
    if (c->is_watched) {
        shmrpci_poll_remove(c->http->set, c->fd);
        c->http->watched--;
    }
    c->is_suspended = false;
    c->is_watched = false;
    c->http->has_resumed = true;
    MHD_resume_connection(c->native);
}

/* Called when a client that waits for an answer has gone. */
static void on_hang_up(web_connection *c)
{
    if (c->native == NULL || !c->is_suspended) {
        return;
    }
    c->has_hung_up = true;
    if (c->phase == PHASE_STREAM || c->phase == PHASE_UPLOAD) {
        web_connection_resume(c);
    } else if (c->phase == PHASE_CALL) {
        c->http->opts.hung_up(&c->request, c->http->opts.user);
    }
}

/* ---- requests ---- */

/* Returns the request's target as it was received. The library resolves escapes
 * in the path that it passes later, and head.c must see them unresolved. */
static void *on_target(void *user, const char *target,
                       struct MHD_Connection *native)
{
    web_connection *c = connection_of(native);
    (void)user;
    if (c != NULL) {
        size_t len = strlen(target);
        c->target_is_long = len > WEB_MAX_TARGET;
        memcpy(c->target, target, c->target_is_long ? 0 : len + 1);
    }
    return NULL;
}

/* Fields beyond the limit are only counted; the count makes head.c refuse the
 * request. */
static enum MHD_Result add_field(void *user, enum MHD_ValueKind kind,
                                 const char *name, size_t name_len,
                                 const char *value, size_t value_len)
{
    web_connection *c = user;
    size_t at = c->request.head.field_count++;
    (void)kind;
    if (at < WEB_MAX_FIELDS) {
        c->fields[at] = (web_field){.name = name,
                                    .name_len = name_len,
                                    .value = value != NULL ? value : "",
                                    .value_len = value_len};
    }
    return MHD_YES;
}

/* A connection serves one request after another. Each starts without any state
 * of the previous one: unauthenticated, and with an arena of its own. */
static void begin_request(web_connection *c, const char *path, const char *verb,
                          const char *version)
{
    web_request *request = &c->request;
    memset(request, 0, sizeof *request);
    request->connection = c;
    request->head = (web_head){.verb = verb,
                               .version = version,
                               .target = c->target_is_long ? NULL : c->target,
                               .fields = c->fields};
    request->actor = WEB_ACTOR_STRANGER;
    request->actor_name = "";
    request->since_ns = shmrpci_now_ns();
    MHD_get_connection_values_n(c->native, MHD_HEADER_KIND, add_field, c);
    shmrpci_arena_init(&request->arena, REQUEST_ARENA_BYTES);
    shmrpci_buf_init_heap(&request->body);
    const char *query = strchr(c->target, '?');
    request->query = query != NULL ? query + 1 : "";
    request->path = shmrpci_arena_strndup(&request->arena, path, strlen(path));
    c->has_request = true;
    c->has_hung_up = false;
    c->reply = NULL;
    c->http->stats.requests++;
}

/* The request has ended, answered or not. Everything that belongs to it is
 * freed here, and nowhere else. */
static void on_completed(void *user, struct MHD_Connection *native,
                         void **context, enum MHD_RequestTerminationCode code)
{
    web_connection *c = connection_of(native);
    (void)user;
    (void)code;
    *context = NULL;
    if (c == NULL || !c->has_request) {
        return;
    }
    if (c->stream.end != NULL) {
        c->stream.end(c->stream.user);
        shmrpci_buf_fini(&c->stream.waiting);
        c->stream = (web_stream){.next = NULL};
    }
    if (c->reply != NULL) {
        MHD_destroy_response(c->reply); /* no client was left to read it */
        c->reply = NULL;
    }
    if (c->request.upload != NULL) {
        c->http->opts.ended(&c->request, c->http->opts.user);
    }
    shmrpci_buf_fini(&c->request.body);
    shmrpci_arena_fini(&c->request.arena);
    c->has_request = false;
    web_connection_enter(c, PHASE_HEAD);
}

void web_peer_text(const web_request *request, char out[WEB_PEER_BYTES])
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        request->connection->native, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    web_address_text(info != NULL ? info->client_addr : NULL, out,
                     WEB_PEER_BYTES);
}

/* ---- refusals ---- */

/* A refused head may contain anything, so the reply repeats nothing of it. */
static void reply_refusal(web_request *request, const web_refusal *refusal)
{
    char text[160];
    shmrpci_buf body;
    shmrpci_buf_init_fixed(&body, text, sizeof text);
    shmrpci_buf_printf(&body,
                       "{\"code\":\"invalid_argument\",\"message\":\"%s\"}",
                       refusal->why);
    const web_reply_head head = {
        .status = refusal->status,
        .type = "application/json",
        .allow = refusal->status == 405 ? "GET, HEAD, POST" : NULL};
    web_reply(request, &head, body.data, body.len);
}

/* A body above the limit is allowed if it is taken in pieces. If `admit` has
 * prepared a reply to a stranger, that reply is dropped, because the caller
 * answers 413. */
static bool check_large(web_connection *c, web_refusal *refusal)
{
    const web_http_opts *opts = &c->http->opts;
    web_request *request = &c->request;
    if (refusal->status != 413 ||
        !web_head_check(&request->head, &opts->hosts, SIZE_MAX, refusal)) {
        return false;
    }
    bool takes =
        opts->admit(request, opts->user) && opts->uploads(request, opts->user);
    if (!takes && c->reply != NULL) {
        MHD_destroy_response(c->reply);
        c->reply = NULL;
    }
    return takes || web_head_check(&request->head, &opts->hosts,
                                   opts->max_body_bytes, refusal);
}

static bool check_head(web_connection *c, web_refusal *refusal)
{
    const web_http_opts *opts = &c->http->opts;
    return web_head_check(&c->request.head, &opts->hosts, opts->max_body_bytes,
                          refusal) ||
           check_large(c, refusal);
}

/* Asks who sends the request. The body of a stranger, who may log in, has a
 * lower limit. */
static bool check_sender(web_connection *c, web_refusal *refusal)
{
    const web_http_opts *opts = &c->http->opts;
    c->request.trace = web_trace_read(&c->request.head);
    c->is_known = opts->admit(&c->request, opts->user);
    if (c->is_known || c->reply != NULL ||
        web_head_check(&c->request.head, &opts->hosts, WEB_MAX_LOGIN_BYTES,
                       refusal)) {
        return true;
    }
    refusal->why = "the body of a login is too long";
    return false;
}

/* Called when the head has arrived. The body, if there is one, is still to
 * come. */
static enum MHD_Result take_head(web_connection *c, const char *path,
                                 const char *verb, const char *version)
{
    const web_http_opts *opts = &c->http->opts;
    web_refusal refusal;
    begin_request(c, path, verb, version);
    if (c->request.path != NULL && check_head(c, &refusal) &&
        check_sender(c, &refusal)) {
        web_connection_enter(c, c->is_known && c->reply == NULL &&
                                        opts->uploads(&c->request, opts->user)
                                    ? PHASE_UPLOAD
                                    : PHASE_BODY);
        return c->reply != NULL ? web_connection_reply(c) : MHD_YES;
    }
    if (c->request.path == NULL) {
        refusal = (web_refusal){.status = 503, .why = "out of memory"};
    }
    c->http->stats.refused++;
    reply_refusal(&c->request, &refusal);
    return web_connection_reply(c);
}

/* Content-Length was checked with the head, but the size of a chunked body is
 * known only as it arrives. MHD_NO closes the connection, because the library
 * accepts no reply in the middle of a body. */
static enum MHD_Result take_body(web_connection *c, const char *data,
                                 size_t len)
{
    size_t most =
        c->is_known ? c->http->opts.max_body_bytes : WEB_MAX_LOGIN_BYTES;
    if (c->request.body.len + len > most) {
        return MHD_NO; /* a chunked body */
    }
    shmrpci_buf_append(&c->request.body, data, len);
    return c->request.body.status == SHMRPC_OK ? MHD_YES : MHD_NO;
}

/* Handles a piece of the body, or the rest of one. */
static enum MHD_Result take_piece(web_connection *c, const char *data,
                                  size_t *len)
{
    web_http *http = c->http;
    bool was_drained = c->request.is_drained;
    if (c->has_hung_up) {
        return MHD_NO;
    }
    if (c->reply != NULL) { /* refused: wait for the end of the body */
        c->request.is_drained = true;
        *len = 0;
        return MHD_YES;
    }
    *len -= http->opts.take(&c->request, data, *len, http->opts.user);
    if (*len > 0) {
        web_connection_suspend(c);
    }
    if (!was_drained) {
        web_connection_enter(c, PHASE_UPLOAD);
    }
    return MHD_YES;
}

/* `*context` is NULL in the first call for a request, and `*len` is 0 in the
 * last one. After that there is a reply, or the connection is suspended until
 * web_reply resumes it. */
static enum MHD_Result on_request(void *user, struct MHD_Connection *native,
                                  const char *path, const char *verb,
                                  const char *version, const char *data,
                                  size_t *len, void **context)
{
    web_http *http = user;
    web_connection *c = connection_of(native);
    if (c == NULL) {
        return MHD_NO;
    }
    if (*context == NULL) {
        *context = c;
        return take_head(c, path, verb, version);
    }
    if (*len > 0 && c->phase == PHASE_UPLOAD) {
        return take_piece(c, data, len);
    }
    if (*len > 0) {
        size_t count = *len;
        *len = 0;
        return take_body(c, data, count);
    }
    if (c->phase == PHASE_BODY || c->phase == PHASE_UPLOAD) {
        web_connection_enter(c, PHASE_CALL);
        if (c->reply == NULL) {
            http->opts.handle(&c->request, http->opts.user);
        }
        if (c->reply == NULL) {
            web_connection_suspend(c);
            return MHD_YES;
        }
    }
    return web_connection_reply(c);
}

/* ---- slow clients --- */

/* A head, a body and a reply are timed from their beginning, not from the last
 * byte: a client that sends single bytes now and then (slow loris) is as late
 * as one that sends nothing. Streams and uploads, which may be endless, are
 * timed from their last piece. A suspended connection waits for the service,
 * not for the client. */
static bool is_late(const web_connection *c, int64_t now_ns)
{
    const web_times *times = &c->http->opts.times;
    int64_t age_ns = now_ns - c->since_ns;
    switch (c->phase) {
    case PHASE_HEAD:
        return age_ns > times->head_ns;
    case PHASE_BODY:
        return age_ns > times->body_ns;
    case PHASE_REPLY:
        return age_ns > times->reply_ns;
    case PHASE_STREAM:
        /* A suspended connection waits for the service. It is not suspended
         * while it waits for the client to read. */
        return !c->is_suspended && age_ns > c->stream.stall_ns;
    case PHASE_UPLOAD:
        return !c->is_suspended &&
               age_ns >
                   (c->request.is_drained ? times->drain_ns : times->pause_ns);
    case PHASE_CALL:
        break; /* the call has a deadline of its own */
    }
    return false;
}

static void sweep(web_http *http)
{
    int64_t now_ns = shmrpci_now_ns();
    if (now_ns < http->sweep_ns) {
        return;
    }
    http->sweep_ns = now_ns + SWEEP_NS;
    for (size_t i = 0; i < WEB_ALL_CONNECTIONS; i++) {
        web_connection *c = &http->connections[i];
        if (c->native == NULL) {
            continue;
        }
        watch(c);
        if (!c->is_shut && is_late(c, now_ns)) {
            shut(c);
            http->stats.slow++;
        }
    }
}

/* ---- starting and ending ------------------------------------------------- */

/* Certificate and key belong to the caller. MHD_OPTION_STRICT_FOR_CLIENT makes
 * the library refuse some of the requests that RFC 9112 calls malformed; head.c
 * refuses the rest. Versions of TLS before 1.2 are disabled (RFC 8996). */
static int start(web_http *http, shmrpc_error *error)
{
    web_address address;
    const web_http_opts *o = &http->opts;
    if (!web_address_read(o->address, o->port, &address)) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "`%s` is not a numeric address", o->address);
    }
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
    flags |= address.is_v6 ? MHD_USE_IPv6 : 0;
    flags |= o->certificate != NULL ? MHD_USE_TLS : 0;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)o->certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)o->key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0,
         (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_END, 0, NULL}};
    http->daemon = MHD_start_daemon(
        flags, o->port, NULL, NULL, on_request, http, MHD_OPTION_SOCK_ADDR,
        address.native, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)WEB_ALL_CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        CONNECTION_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_URI_LOG_CALLBACK, on_target, http,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, http,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, http, MHD_OPTION_ARRAY,
        o->certificate != NULL ? tls : tls + 3, MHD_OPTION_END);
    return http->daemon != NULL
               ? SHMRPC_OK
               : shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE,
                                  "can't listen at %s port %u: is it in use%s?",
                                  o->address, o->port,
                                  o->certificate != NULL
                                      ? ", or do --tls-cert and --tls-key not "
                                        "belong together"
                                      : "");
}

/* Adds the names by which a browser on this machine may address this server.
 * Any other Host is refused, because a page whose name an attacker resolves to
 * 127.0.0.1 (DNS rebinding) sends that name. */
static bool add_hosts(web_http *http)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
    _Static_assert(WEB_MAX_GIVEN_HOSTS + sizeof names / sizeof names[0] <=
                       WEB_MAX_HOSTS,
                   "room for our own names behind those of --host");
    char text[32];
    bool good = true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        shmrpci_buf name;
        shmrpci_buf_init_fixed(&name, text, sizeof text);
        shmrpci_buf_printf(&name, "%s:%u", names[i], http->port);
        const char *host = shmrpci_buf_text(&name);
        good = good && host != NULL && web_hosts_add(&http->opts.hosts, host);
    }
    return good;
}

/* The library's epoll descriptor becomes a member of our own set, beside the
 * sockets that the library ignores while they are suspended. */
static int open_set(web_http *http)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    int fd = info->epoll_fd;
    info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);
    http->port = info->port;
    int status = shmrpci_poll_create(&http->set);
    return status == SHMRPC_OK
               ? (int)shmrpci_poll_add(http->set, fd, SHMRPCI_POLL_LEVEL, 0)
               : status;
}

int web_http_open(const web_http_opts *opts, web_http **out,
                  shmrpc_error *error)
{
    web_http *http = calloc(1, sizeof *http);
    if (http == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    http->opts = *opts;
    http->set = -1;
    int status = start(http, error);
    if (status == SHMRPC_OK &&
        (open_set(http) != SHMRPC_OK || !add_hosts(http))) {
        status = shmrpc_error_set(error, SHMRPC_E_EXHAUSTED,
                                  "no descriptor left, or too many --host");
    }
    if (status != SHMRPC_OK) {
        web_http_close(http);
        return status;
    }
    *out = http;
    return SHMRPC_OK;
}

/* The library must not be stopped while a connection is suspended. So all
 * clients are treated as gone: calls are cancelled and answered, and all
 * connections are resumed. */
void web_http_close(web_http *http)
{
    if (http == NULL) {
        return;
    }
    for (size_t i = 0; i < WEB_ALL_CONNECTIONS; i++) {
        web_connection *c = &http->connections[i];
        if (c->native != NULL) {
            on_hang_up(c);
            web_connection_resume(c);
        }
    }
    if (http->daemon != NULL) {
        (void)MHD_run(http->daemon); /* send the last answers */
        MHD_stop_daemon(http->daemon);
    }
    shmrpci_fd_close(&http->set);
    free(http);
}

/* ---- running ---- */

uint16_t web_http_port(const web_http *http)
{
    return http->port;
}

int web_http_fd(const web_http *http)
{
    return http->set;
}

/* Whether the library has work to do at once. */
static bool is_busy(const web_http *http)
{
    MHD_UNSIGNED_LONG_LONG ms;
    return http->has_resumed ||
           (MHD_get_timeout(http->daemon, &ms) == MHD_YES && ms == 0);
}

int64_t web_http_deadline_ns(web_http *http)
{
    return is_busy(http) ? 0 : http->sweep_ns;
}

/* Tag 0 is the library's set; a connection's tag is its index plus 1. Events
 * are edge-triggered, since a closed socket stays ready and would wake the loop
 * for as long as the call takes. */
static void look_for_hang_ups(web_http *http)
{
    uint64_t tags[WEB_ALL_CONNECTIONS];
    size_t count =
        shmrpci_poll_wait_edges(http->set, tags, WEB_ALL_CONNECTIONS, 0);
    for (size_t i = 0; i < count; i++) {
        uint64_t number = tags[i] & ~SHMRPCI_POLL_HUNG_UP;
        if (number > 0 && number <= WEB_ALL_CONNECTIONS &&
            (tags[i] & SHMRPCI_POLL_HUNG_UP) != 0) {
            on_hang_up(&http->connections[number - 1]);
        }
    }
}

void web_http_run(web_http *http, bool is_ready)
{
    if (is_ready && http->watched > 0) {
        look_for_hang_ups(http);
    }
    /* Several runs are needed until the library finds nothing more to do. */
    for (int i = 0; i < RUNS_MAX && (is_ready || is_busy(http)); i++) {
        is_ready = http->has_resumed = false;
        (void)MHD_run(http->daemon);
    }
    sweep(http);
}

void web_http_read_stats(const web_http *http, web_http_stats *out)
{
    *out = http->stats;
}

/*
 * Replies: heads, bodies and streams.
 *
 * Every reply passes through set_reply, so that none can lack the fields that
 * protect a browser from other sites.
 */
#include <stdio.h>
#include <string.h>

#include "shmrpc/beside.h"
#include "tools/shmrpc-web/http_inside.h"

/* The most data that libmicrohttpd asks for at once, for a streamed reply. */
#define STREAM_BLOCK ((size_t)16 << 10)

/* Scripts and styles may only come from our own files. If HTML is injected into
 * the page, for example by a service's name, its scripts don't run and it can't
 * send anything elsewhere. The page can't be framed, so no other site can lay
 * its own content over it (clickjacking). */
#define CONTENT_POLICY                                                  \
    "default-src 'none'; script-src 'self'; style-src 'self'; "         \
    "connect-src 'self'; img-src 'self'; base-uri 'none'; form-action " \
    "'none'; frame-ancestors 'none'"

static void set_header(struct MHD_Response *reply, const char *name,
                       const char *value)
{
    if (value != NULL) {
        (void)MHD_add_response_header(reply, name, value);
    }
}

/* Adds metadata as `Shmrpc-Meta-KEY: VALUE`. */
static void set_metadata(const shmrpc_reply_metadata *metadata,
                         struct MHD_Response *reply)
{
    shmrpc_metadata entry;
    for (uint32_t i = 0; shmrpc_reply_metadata_at(metadata, i, &entry); i++) {
        char name[128];
        (void)snprintf(name, sizeof name, "Shmrpc-Meta-%s", entry.key);
        set_header(reply, name, entry.value);
    }
}

/* 401 must name a scheme (RFC 9110, 15.5.2). With `Bearer` browsers show no
 * login dialog. */
static void set_rare(web_request *request, const web_reply_head *head,
                     struct MHD_Response *reply)
{
    char text[16];
    if (head->status == 401) {
        set_header(reply, "WWW-Authenticate", "Bearer");
    }
    if (head->metadata != NULL) {
        set_metadata(head->metadata, reply);
    }
    if (head->retry_s > 0) {
        (void)snprintf(text, sizeof text, "%u", head->retry_s);
        set_header(reply, "Retry-After", text);
    }
    set_header(reply, "traceresponse", web_trace_own(&request->trace));
}

/*
 * Browsers must not guess types (nosniff). Pages of other origins may neither
 * embed the replies nor hold a handle of the window, and a browser that follows
 * a link to another site doesn't tell that site which page the link was on.
 * Figures and results must not be stored, because they are somebody's data.
 *
 * If memory ran out `reply` is NULL, and web_connection_reply hangs up.
 */
static void set_reply(web_request *request, const web_reply_head *head,
                      struct MHD_Response *reply)
{
    web_connection *c = request->connection;
    if (reply != NULL) {
        set_rare(request, head, reply);
        set_header(reply, "Content-Type", head->type);
        set_header(reply, "Set-Cookie", head->cookie);
        set_header(reply, "Allow", head->allow);
        set_header(reply, "Location", head->location);
        set_header(reply, "Cache-Control",
                   head->cache ? "private, max-age=3600" : "no-store");
        set_header(reply, "Content-Security-Policy", CONTENT_POLICY);
        set_header(reply, "X-Content-Type-Options", "nosniff");
        set_header(reply, "Referrer-Policy", "no-referrer");
        set_header(reply, "Cross-Origin-Resource-Policy", "same-origin");
        set_header(reply, "Cross-Origin-Opener-Policy", "same-origin");
    }
    c->reply = reply;
    c->status = head->status;
    web_connection_resume(c);
}

void web_reply(web_request *request, const web_reply_head *head,
               const void *body, size_t len)
{
    set_reply(request, head,
              MHD_create_response_from_buffer(len, (void *)(uintptr_t)body,
                                              MHD_RESPMEM_MUST_COPY));
}

void web_reply_constant(web_request *request, const web_reply_head *head,
                        const void *body, size_t len)
{
    set_reply(request, head,
              MHD_create_response_from_buffer(len, (void *)(uintptr_t)body,
                                              MHD_RESPMEM_PERSISTENT));
}

/* The library asks for up to `max` bytes when the socket has room. Data of
 * `next` is kept until all of it is sent, and only then is `next` asked for
 * more, so a slow reader stalls its own stream. Returning 0 without suspending
 * would make the library call again at once. */
static ssize_t read_stream(void *user, uint64_t pos, char *to, size_t max)
{
    web_connection *c = user;
    web_stream *s = &c->stream;
    (void)pos;
    if (c->has_hung_up) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (s->sent == s->waiting.len && s->state == WEB_STREAM_GOES_ON) {
        shmrpci_buf_reset(&s->waiting);
        s->sent = 0;
        s->state = s->next(s->user, &s->waiting);
        if (s->waiting.status != SHMRPC_OK) {
            s->state = WEB_STREAM_BROKEN; /* out of memory */
            s->waiting.len = 0;
        }
    }
    size_t len = s->waiting.len - s->sent;
    if (len == 0 && s->state != WEB_STREAM_GOES_ON) {
        return s->state == WEB_STREAM_OVER ? MHD_CONTENT_READER_END_OF_STREAM
                                           : MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (len == 0) {
        web_connection_suspend(c);
        return 0;
    }
    len = len < max ? len : max;
    memcpy(to, s->waiting.data + s->sent, len);
    s->sent += len;
    web_connection_enter(c, PHASE_STREAM);
    return (ssize_t)len;
}

void web_reply_stream(web_request *request, const web_reply_head *head,
                      int64_t stall_ns, web_stream_fn *next,
                      void (*end)(void *user), void *user)
{
    web_connection *c = request->connection;
    c->stream = (web_stream){
        .next = next, .end = end, .user = user, .stall_ns = stall_ns};
    shmrpci_buf_init_heap(&c->stream.waiting);
    set_reply(request, head,
              MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK,
                                                read_stream, c, NULL));
}

/* If the stream has ended, its connection is in another phase, and may serve
 * the next request already. */
void web_stream_wake(web_connection *connection)
{
    if (connection->phase == PHASE_STREAM) {
        web_connection_resume(connection);
    }
}

void web_upload_wake(web_connection *connection)
{
    if (connection->phase == PHASE_UPLOAD) {
        web_connection_resume(connection);
    }
}

/* The library keeps a reference of its own to a queued response. MHD_NO closes
 * the connection. */
enum MHD_Result web_connection_reply(web_connection *c)
{
    if (c->reply == NULL) {
        return MHD_NO;
    }
    enum MHD_Result result = MHD_queue_response(c->native, c->status, c->reply);
    MHD_destroy_response(c->reply);
    c->reply = NULL;
    c->http->opts.answered(&c->request, c->status, c->http->opts.user);
    web_connection_enter(c,
                         c->stream.next != NULL ? PHASE_STREAM : PHASE_REPLY);
    return result;
}

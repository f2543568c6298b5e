/* Writes lines about changes and logins. */
#include "tools/shmrpc-web/audit.h"

#include <inttypes.h>
#include <stdio.h>

#include "os/clock.h"

/* The most bytes of a target or a body that are logged. */
#define MOST_BYTES 200

/* A client's text must not imitate or split a line of the log, or send escape
 * sequences to its reader's terminal. */
static void append_inert(shmrpci_buf *line, const void *data, size_t len)
{
    const unsigned char *at = data;
    for (size_t i = 0; i < len && i < MOST_BYTES; i++) {
        bool is_plain = at[i] >= ' ' && at[i] < 0x7f && at[i] != '\\';
        shmrpci_buf_printf(line, is_plain ? "%c" : "\\x%02x", at[i]);
    }
    if (len > MOST_BYTES) {
        shmrpci_buf_append_text(line, "...");
    }
}

static void append_target(shmrpci_buf *line, const web_request *request)
{
    const web_head *head = &request->head;
    size_t len = 0;
    while (head->target[len] != '\0') {
        len++;
    }
    shmrpci_buf_printf(line, " %s ", head->verb);
    append_inert(line, head->target, len);
}

static void append_who(shmrpci_buf *line, const web_request *request)
{
    char address[WEB_PEER_BYTES];
    web_peer_text(request, address);
    shmrpci_buf_printf(line, "shmrpc-web: audit: %s ", address);
    if (request->actor == WEB_ACTOR_STRANGER) {
        shmrpci_buf_append_text(line, "stranger");
    } else if (request->actor >= WEB_ACTOR_TOKEN) {
        shmrpci_buf_append_text(line, "token");
    } else {
        shmrpci_buf_printf(line, "session %u", request->actor);
    }
    if (request->actor_name[0] != '\0') {
        shmrpci_buf_printf(line, " of %s", request->actor_name);
    }
}

/* Writes each line by one call, so that lines don't mix. If memory runs out the
 * line is lost: the change has happened already, so it can't be refused any
 * more. */
static void write_line(shmrpci_buf *line)
{
    const char *text = shmrpci_buf_text(line);
    if (text != NULL) {
        fprintf(stderr, "%s\n", text);
    }
    shmrpci_buf_fini(line);
}

/* The body of a login is the token, so it is not logged. */
static void say_change(const web_request *request, unsigned status)
{
    shmrpci_buf line;
    shmrpci_buf_init_heap(&line);
    append_who(&line, request);
    append_target(&line, request);
    if (request->change == WEB_CHANGE_CALL && request->body.len > 0) {
        shmrpci_buf_append_char(&line, ' ');
        append_inert(&line, request->body.data, request->body.len);
    }
    shmrpci_buf_printf(&line, ": %u", status);
    if (request->trace.id[0] != '\0') {
        shmrpci_buf_printf(&line, " trace %s", request->trace.id);
    }
    write_line(&line);
}

static void say_trace(const web_request *request, unsigned status)
{
    shmrpci_buf line;
    shmrpci_buf_init_heap(&line);
    shmrpci_buf_printf(&line, "shmrpc-web: trace: %s", request->trace.id);
    append_target(&line, request);
    shmrpci_buf_printf(&line, ": %u in %" PRId64 " us", status,
                       (shmrpci_now_ns() - request->since_ns) /
                           SHMRPCI_NS_PER_US);
    write_line(&line);
}

void web_audit(const web_request *request, unsigned status)
{
    if (request->change != WEB_CHANGE_NONE) {
        say_change(request, status);
    } else if (request->trace.is_sampled &&
               request->actor != WEB_ACTOR_STRANGER) {
        say_trace(request, status);
    }
}

/* Calls the desk, and prints whether the spans of the client, the desk and the
 * stock form one trace. The metadata of the reply has the spans of the
 * services. */
#include <shmrpc/beside.h>
#include <stdio.h>
#include <string.h>

#include "desk_client.h"

/* Whether the id before the ">" in `span` ("parent>own") is `parent`. */
static int is_child(const char *span, const char *parent)
{
    return span != NULL && strncmp(span, parent, 16) == 0;
}

static void print_trail(const char *trace, const shmrpc_reply_metadata *back)
{
    /* The trace is "00-", the 32 digits of the trace id, "-", and the 16 digits
     * of our own span. */
    const char *own = trace + 3 + 32 + 1;
    const char *desk_span = shmrpc_reply_metadata_get(back, "desk");
    const char *stock_span = shmrpc_reply_metadata_get(back, "stock");
    int is_whole =
        is_child(desk_span, own) && is_child(stock_span, desk_span + 17);
    printf("%s\n", is_whole ? "one trace: client, desk, stock"
                            : "the spans do not form one trace");
}

int main(int argc, char **argv)
{
    desk *client;
    uint32_t left;
    shmrpc_error why;
    char text[SHMRPC_ERROR_TEXT_BYTES];
    char trace[SHMRPC_TRACEPARENT_BYTES];
    shmrpc_reply_metadata back;
    const char *thing = argc > 1 ? argv[1] : "lamp";
    const char *tenant = argc > 2 ? argv[2] : "nobody";
    const shmrpc_metadata with[] = {
        {"traceparent", trace}, {"tenant", tenant}, {NULL, NULL}};
    const shmrpc_opts opts = {.metadata = with, .reply_metadata = &back};
    shmrpc_trace_begin(trace);
    if (desk_connect(NULL, NULL, &client, &why) != 0 ||
        desk_order(client, shmrpc_str_of(thing), &opts, &left, &why) != 0) {
        fprintf(stderr, "%s\n", shmrpc_error_text(&why, text, sizeof text));
        return 1;
    }
    printf("%s: %u left for %s\n", thing, left, tenant);
    print_trail(trace, &back);
    desk_close(client);
    return 0;
}

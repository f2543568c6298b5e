/*
 * Rpc messages from a malicious peer. The first byte chooses: a hello, a
 * welcome, an error detail, an address list, or a request, which goes through
 * dispatch with the method that the second byte names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/address.h"
#include "rpc/envelope.h"
#include "rpc/limits.h"
#include "rpc/server.h"
#include "sample.h"

static const shmrpc_method methods[] = {
    {"json", SHMRPC_ENCODING_JSON, 0, 1, 0, "", NULL, &sample_params_type, NULL,
     NULL, 0, SHMRPC_NO_STREAMS},
    {"msgpack", SHMRPC_ENCODING_MSGPACK, 0, 2, 0, "", NULL, &sample_params_type,
     NULL, NULL, 0, SHMRPC_NO_STREAMS},
    {"native", SHMRPC_ENCODING_NATIVE, 0, 3, 0, "", NULL, &sample_sum_type,
     NULL, NULL, 0, SHMRPC_NO_STREAMS},
    {"oneway", SHMRPC_ENCODING_JSON, SHMRPC_METHOD_ONEWAY, 4, 0, "", NULL,
     &sample_params_type, NULL, NULL, 0, SHMRPC_NO_STREAMS},
};
enum { METHODS = sizeof methods / sizeof *methods };
static const char *const canonical[] = {"text", NULL};
static const shmrpc_service service = {
    SHMRPC_ROWS_INIT, "sample", "sample.Sample", 1,       1,   4,
    canonical,        NULL,     methods,         METHODS, NULL};

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    abort();
}

/* ---- a transport with one request ---------------------------------------- */

static struct {
    const uint8_t *body;
    size_t len;
    uint32_t method;
    bool is_oneway;
    bool is_shared;
    int taken;
    int ended;
} request_now;

static const shmrpc_peer peer = {
    .uid = 12345, .gid = 12345, .pid = 1, .transport = "fuzz", .address = ""};
static uint8_t reply[1 << 16];

static int next(shmrpci_participant *participant, shmrpci_request *request)
{
    if (request_now.taken++ > 0) {
        return SHMRPC_E_CANCELLED;
    }
    *request = (shmrpci_request){
        .participant = participant,
        .head = {.method = request_now.method,
                 .flags = request_now.is_oneway ? SHMRPCI_HEAD_ONEWAY : 0},
        .in = request_now.body,
        .in_len = request_now.len,
        .in_shared = request_now.is_shared,
        .deadline_ns = INT64_MAX,
        .peer = &peer,
    };
    return SHMRPC_OK;
}

static void reply_reserve(shmrpci_request *request, size_t size_hint)
{
    (void)size_hint;
    shmrpci_buf_init_fixed(&request->out, reply, sizeof reply);
}

static void reply_commit(shmrpci_request *request)
{
    shmrpc_error error;
    request_now.ended++;
    if ((request->head.flags & SHMRPCI_HEAD_DETAIL) != 0 &&
        !shmrpci_detail_read(request->out.data, request->out.len, &error)) {
        fail("our own error detail can't be read");
    }
}

static void answer(shmrpci_request *request, const void *body, size_t len)
{
    (void)request;
    (void)body;
    request_now.ended++;
    if (len != 0) {
        fail("an answer to a method that returns nothing");
    }
}

static void drop(shmrpci_request *request)
{
    (void)request;
    request_now.ended++;
}

static bool is_cancelled(const shmrpci_request *request)
{
    (void)request;
    return false;
}

static uint64_t connection_of(const shmrpci_request *request)
{
    (void)request;
    return 1;
}

/* The functions that dispatch uses. */
static const shmrpci_worker_ops worker_ops = {
    .next = next,
    .reply_reserve = reply_reserve,
    .reply_commit = reply_commit,
    .drop = drop,
    .is_cancelled = is_cancelled,
    .connection = connection_of,
};

static const shmrpci_shared_ops shared_ops = {.answer = answer};

static const shmrpci_transport transport = {
    .scheme = "fuzz",
    .worker = &worker_ops,
    .shared = &shared_ops,
};

static int handle(shmrpc_ctx *ctx, const void *impl, void *user,
                  const void *params, void *result)
{
    (void)impl;
    (void)user;
    (void)params;
    (void)result;
    if (request_now.len % 2 == 0) {
        return SHMRPC_OK;
    }
    return shmrpc_ctx_fail(ctx, SHMRPC_E_NOT_FOUND, "decoded");
}

static void dispatch(const uint8_t *data, size_t len)
{
    static const shmrpc_handler handlers[METHODS] = {handle, handle, handle,
                                                     handle};
    shmrpci_served_method served_methods[METHODS];
    if (len < 1) {
        return;
    }
    for (uint32_t i = 0; i < METHODS; i++) {
        served_methods[i] = shmrpci_served_method_of(&methods[i]);
    }
    shmrpci_served served = {
        .service = &service,
        .handlers = handlers,
        .methods = served_methods,
        .decode_limit = SHMRPCI_DECODE_LIMIT((size_t)1 << 20),
    };
    shmrpci_participant participant = {.transport = &transport};
    memset(&request_now, 0, sizeof request_now);
    request_now.method = data[0] & 0x3f;
    request_now.is_shared = (data[0] & 0x40) == 0;
    request_now.is_oneway = (data[0] & 0x80) != 0;
    request_now.body = data + 1;
    request_now.len = len - 1;
    shmrpci_dispatch_run(&served, &participant, 0);
    if (request_now.ended != 1) {
        fail("a request did not end exactly once");
    }
}

static void parse_places(const uint8_t *data, size_t len)
{
    static shmrpci_place_list list;
    shmrpc_error error;
    char *text = malloc(len + 1);
    if (text == NULL) {
        return;
    }
    memcpy(text, data, len);
    text[len] = '\0';
    if (shmrpci_places_parse(text, &service, &list, &error) == SHMRPC_OK) {
        for (size_t i = 0; i < list.count; i++) {
            if (strchr(list.items[i].address.name, '/') != NULL) {
                fail("a name with a separator");
            }
        }
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    shmrpc_error error;
    shmrpci_hello hello;
    shmrpci_welcome welcome;
    static bool is_ready;
    if (!is_ready) {
        sample_init();
        is_ready = true;
    }
    if (len < 1) {
        return 0;
    }
    switch (data[0] % 5) {
    case 0:
        (void)shmrpci_hello_read(data + 1, len - 1, &hello, &error);
        break;
    case 1:
        (void)shmrpci_welcome_read(data + 1, len - 1, &welcome, &error);
        break;
    case 2:
        (void)shmrpci_detail_read(data + 1, len - 1, &error);
        break;
    case 3:
        parse_places(data + 1, len - 1);
        break;
    default:
        dispatch(data + 1, len - 1);
        break;
    }
    return 0;
}

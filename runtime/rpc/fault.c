/* Encodes faults, and shortens those that are too long. */
#include "rpc/fault.h"

#include "base/utf8.h"
#include "codec/codec.h"
#include "os/process.h"
#include "rpc/ctx.h"
#include "rpc/reply.h"
#include "shmrpc/stub.h"

/* A fault whose parts have these limits, and that has no arguments, fits into
 * SHMRPC_FAULT_MAX_BYTES. */
#define TYPE_BYTES    256u
#define MESSAGE_BYTES 16384u
#define TRACE_BYTES   32768u
#define OTHER_BYTES   256u

_Static_assert(TYPE_BYTES + MESSAGE_BYTES + TRACE_BYTES + OTHER_BYTES <=
                   SHMRPC_FAULT_MAX_BYTES,
               "a fault without arguments can always be sent");

static const shmrpc_str no_text = {"", 0};
static const shmrpc_any no_value = {.kind = SHMRPC_ANY_NULL};

static const shmrpc_field fields[] = {
    SHMRPC_FIELD_INIT(1, "type", &shmrpc_type_string, shmrpc_fault, type, 0,
                      &no_text, NULL),
    SHMRPC_FIELD_INIT(2, "message", &shmrpc_type_string, shmrpc_fault, message,
                      0, &no_text, NULL),
    SHMRPC_FIELD_INIT(3, "args", &shmrpc_type_any, shmrpc_fault, args, 0,
                      &no_value, NULL),
    SHMRPC_FIELD_INIT(4, "trace", &shmrpc_type_string, shmrpc_fault, trace, 0,
                      &no_text, NULL),
};

const shmrpc_type shmrpc_type_fault = SHMRPC_TYPE_STRUCT_INIT(
    shmrpc_fault, 0, 32, 4, "shmrpc.Fault", NULL, fields);

const shmrpc_error_type shmrpci_fault_error = {"UNKNOWN", SHMRPC_E_UNKNOWN,
                                               &shmrpc_type_fault, NULL};

/* ---- sending ------------------------------------------------------------- */

/* Returns the beginning of a text, up to `limit` bytes or the first byte that
 * is not UTF-8. */
static shmrpc_str head_of(shmrpc_str text, size_t limit)
{
    const char *at = text.ptr != NULL ? text.ptr : "";
    size_t len = shmrpci_utf8_valid_prefix(at, text.len);
    return (shmrpc_str){at, shmrpci_utf8_cut(at, len, limit)};
}

/* Returns the last `limit` bytes of a text. The end is the important part of a
 * trace. */
static shmrpc_str tail_of(shmrpc_str text, size_t limit)
{
    size_t skip = text.len > limit ? text.len - limit : 0;
    /* Don't begin inside a character. */
    while (skip < text.len && ((uint8_t)text.ptr[skip] & 0xC0) == 0x80) {
        skip++;
    }
    return text.len > skip
               ? head_of((shmrpc_str){text.ptr + skip, text.len - skip}, limit)
               : no_text;
}

void shmrpci_fault_write(const shmrpc_fault *fault, bool with_trace,
                         shmrpci_arena *arena, shmrpci_buf *out)
{
    const shmrpci_codec *codec = shmrpci_codec_of(SHMRPC_ENCODING_MSGPACK);
    shmrpc_fault own = {.type = head_of(fault->type, TYPE_BYTES),
                        .message = head_of(fault->message, MESSAGE_BYTES),
                        .trace = with_trace ? tail_of(fault->trace, TRACE_BYTES)
                                            : no_text,
                        .args = fault->args};
    shmrpci_buf sent;
    uint8_t *room = shmrpci_arena_alloc(arena, SHMRPC_FAULT_MAX_BYTES, 1);
    if (room == NULL) {
        return;
    }
    shmrpci_buf_init_fixed(&sent, room, SHMRPC_FAULT_MAX_BYTES);
    int status = codec->encode(&shmrpc_type_fault, &own, "", &sent, NULL);
    if (status != SHMRPC_OK) {
        shmrpci_buf_reset(&sent);
        own.args = no_value;
        status = codec->encode(&shmrpc_type_fault, &own, "", &sent, NULL);
    }
    if (status == SHMRPC_OK) {
        shmrpci_buf_append(out, sent.data, sent.len);
    }
}

/* A process of our own user may see the trace, because it could read our memory
 * anyway. */
static bool may_see_trace(const shmrpc_ctx *ctx, const shmrpc_fault *fault)
{
    if ((fault->flags & SHMRPC_FAULT_TRACE_TO_ALL) != 0) {
        return true;
    }
    return ctx->request->peer->uid == ctx->uid &&
           ctx->uid != SHMRPCI_UNMAPPED_UID;
}

int shmrpc_ctx_fault(shmrpc_ctx *ctx, const shmrpc_fault *fault)
{
    shmrpc_str type = head_of(fault->type, TYPE_BYTES);
    shmrpc_str message = head_of(fault->message, SHMRPC_ERROR_MESSAGE_BYTES);
    (void)shmrpc_ctx_fail(ctx, SHMRPC_E_UNKNOWN, "%.*s%s%.*s", (int)type.len,
                          type.ptr, message.len > 0 ? ": " : "",
                          (int)message.len, message.ptr);
    ctx->raised = SHMRPC_E_UNKNOWN;
    shmrpci_buf_reset(&ctx->payload);
    shmrpci_fault_write(fault, may_see_trace(ctx, fault), ctx->arena,
                        &ctx->payload);
    return SHMRPC_E_UNKNOWN;
}

/* ---- receiving ----------------------------------------------------------- */

const shmrpc_fault *shmrpc_stub_fault(const void *reply)
{
    return shmrpc_stub_payload(reply, &shmrpci_fault_error);
}

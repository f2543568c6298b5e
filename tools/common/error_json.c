/* The error of a call as JSON. */
#include "tools/common/error_json.h"

#include "base/json_text.h"
#include "codec/codec.h"

void tool_error_append(const shmrpc_error *error, shmrpci_buf *out)
{
    shmrpci_json_set_text(out, "code", shmrpc_status_connect_code(error->code));
    shmrpci_json_set_text(out, "name", error->name);
    shmrpci_json_set_int(out, "number", error->code);
    shmrpci_json_set_text(out, "message", error->message);
    if (error->path[0] != '\0') {
        shmrpci_json_set_text(out, "path", error->path);
    }
    if (error->pid != 0) {
        shmrpci_json_set_int(out, "pid", error->pid);
    }
    shmrpci_json_set_bool(out, "may_have_run", error->may_have_run);
    if (error->retry_after_ns > 0) {
        shmrpci_json_set_int(out, "retry_after_ns", error->retry_after_ns);
    }
}

/* Leaves `out` empty if JSON can't express the value. */
static bool put(const shmrpc_type *type, const void *value, shmrpci_buf *out)
{
    int status = shmrpci_codec_of(SHMRPC_ENCODING_JSON)
                     ->encode(type, value, "", out, NULL);
    if (status != SHMRPC_OK) {
        shmrpci_buf_reset(out);
    }
    return status == SHMRPC_OK;
}

/* Arguments may have no form in JSON, such as bytes: then the fault is written
 * without them. */
static void append_fault(const shmrpc_fault *fault, shmrpci_buf *out)
{
    shmrpc_fault own = *fault;
    own.trace = (shmrpc_str){"", 0};
    if (!put(&shmrpc_type_fault, &own, out)) {
        own.args = shmrpc_any_null();
        (void)put(&shmrpc_type_fault, &own, out);
    }
}

void tool_details_append(const shmrpc_method *method, const void *reply,
                         const shmrpc_stream *stream, const shmrpc_error *error,
                         shmrpci_buf *out)
{
    for (uint32_t i = 0; i < method->throws_count; i++) {
        const shmrpc_error_type *type = method->throws[i];
        const void *payload = type->number != error->code ? NULL
                              : stream != NULL
                                  ? shmrpc_stub_stream_payload(stream, type)
                                  : shmrpc_stub_payload(reply, type);
        if (payload != NULL) {
            (void)put(type->payload, payload, out);
        }
    }
    if (shmrpc_stub_fault(reply) != NULL) {
        append_fault(shmrpc_stub_fault(reply), out);
    }
}

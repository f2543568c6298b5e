/* Prints results and errors of calls. */
#include "tools/shmrpc/outcome.h"

#include <stdio.h>
#include <string.h>

#include "codec/codec.h"
#include "tools/shmrpc/pretty.h"

/* ---- results ---- */

int cli_outcome_value(const shmrpc_type *type, const void *value,
                      const char *name, shmrpci_buf *out, shmrpc_error *error)
{
    int status = shmrpci_codec_of(SHMRPC_ENCODING_JSON)
                     ->encode(type, value, name, out, error);
    if (status != SHMRPC_OK && status != SHMRPC_E_INVALID) {
        return shmrpc_error_set(error, status, "%s",
                                shmrpc_status_text(status));
    }
    return status;
}

bool cli_outcome_print_raw(const shmrpc_type *type, const void *value)
{
    if (type != NULL && type->kind == SHMRPC_KIND_STRING) {
        const shmrpc_str *text = value;
        (void)fwrite(text->ptr, 1, text->len, stdout);
    } else if (type != NULL && type->kind == SHMRPC_KIND_BYTES) {
        const shmrpc_bytes *bytes = value;
        (void)fwrite(bytes->ptr, 1, bytes->len, stdout);
    } else {
        return false;
    }
    return true;
}

static void append_time_member(shmrpci_buf *out, const int64_t *ns)
{
    if (ns != NULL) {
        shmrpci_json_key(out, "time_ns");
        shmrpci_buf_printf(out, "%lld", (long long)*ns);
    }
}

static void print_json(const shmrpci_buf *value)
{
    shmrpci_buf pretty;
    shmrpci_buf_init_heap(&pretty);
    if (cli_out_is_terminal()) {
        cli_pretty(value, &pretty);
    }
    cli_print_line(pretty.len > 0 ? &pretty : value);
    shmrpci_buf_fini(&pretty);
}

/* A result that has no form in JSON, such as bytes in an `any`, can't be
 * shown. */
cli_exit cli_outcome_result(const cli_outcome *outcome, const void *reply)
{
    const shmrpc_type *type = outcome->in->method->result;
    shmrpc_error error;
    shmrpci_buf value;
    if (outcome->raw && !outcome->json && reply != NULL &&
        cli_outcome_print_raw(type, reply)) {
        return CLI_OK;
    }
    shmrpci_buf_init_heap(&value);
    if (outcome->json) {
        shmrpci_buf_append_text(&value, "{\"result\":");
    }
    int status = SHMRPC_OK;
    if (type != NULL && reply != NULL) {
        status = cli_outcome_value(type, reply, "result", &value, &error);
    } else if (outcome->json) {
        shmrpci_buf_append_text(&value, "null");
    }
    if (outcome->json) {
        append_time_member(&value, outcome->ns);
        shmrpci_buf_append_char(&value, '}');
    }
    if (status != SHMRPC_OK) {
        (void)cli_fail_error(CLI_TROUBLE, "the result has no form in JSON",
                             &error);
    } else if (outcome->json) {
        cli_print_line(&value);
    } else if (value.len > 0) {
        print_json(&value);
    }
    shmrpci_buf_fini(&value);
    return status == SHMRPC_OK ? CLI_OK : CLI_TROUBLE;
}

/* ---- errors ---- */

const shmrpc_error_type *cli_outcome_thrown(const cli_outcome *outcome,
                                            const shmrpc_error *error)
{
    const shmrpc_method *method = outcome->in->method;
    for (uint32_t i = 0; i < method->throws_count; i++) {
        if (method->throws[i]->number == error->code &&
            method->throws[i]->payload != NULL) {
            return method->throws[i];
        }
    }
    return NULL;
}

/* Appends type, text, arguments and trace of a fault as JSON. Arguments that
 * have no form in JSON, such as bytes, are left out. */
static bool append_fault(const shmrpc_fault *fault, shmrpci_buf *out)
{
    shmrpc_fault without = *fault;
    if (cli_outcome_value(&shmrpc_type_fault, fault, "", out, NULL) ==
        SHMRPC_OK) {
        return true;
    }
    shmrpci_buf_reset(out);
    without.args = shmrpc_any_null();
    return cli_outcome_value(&shmrpc_type_fault, &without, "", out, NULL) ==
           SHMRPC_OK;
}

/* Prints a trace as the server's own log has it, except for control characters,
 * which could move the cursor. */
static void print_trace(const shmrpc_str *trace)
{
    bool is_new = true;
    for (size_t i = 0; i < trace->len; i++) {
        unsigned char c = (unsigned char)trace->ptr[i];
        fprintf(stderr, "%s%c", is_new ? "  " : "",
                c == '\n' || (c >= 0x20 && c != 0x7f) ? c : ' ');
        is_new = c == '\n';
    }
    if (!is_new) {
        fputc('\n', stderr);
    }
}

/* Appends the details of a declared error or a fault as JSON; false if there
 * are none. */
static bool append_payload(const cli_outcome *outcome,
                           const shmrpc_error *error, const void *payload,
                           shmrpci_buf *out)
{
    const shmrpc_error_type *type = cli_outcome_thrown(outcome, error);
    if (error->code == SHMRPC_E_UNKNOWN && payload != NULL) {
        return append_fault(payload, out);
    }
    return type != NULL && payload != NULL &&
           cli_outcome_value(type->payload, payload, "", out, NULL) ==
               SHMRPC_OK;
}

static void append_member(shmrpci_buf *out, const char *key, const char *text)
{
    shmrpci_json_key(out, key);
    shmrpci_json_string(out, text, strlen(text));
}

static void append_items(shmrpci_buf *out, const uint64_t *items)
{
    if (items != NULL) {
        shmrpci_json_key(out, "items");
        shmrpci_buf_printf(out, "%llu", (unsigned long long)*items);
    }
}

static void print_error_json(const cli_outcome *outcome,
                             const shmrpc_error *error, const void *payload)
{
    shmrpci_buf out;
    shmrpci_buf details;
    shmrpci_buf_init_heap(&out);
    shmrpci_buf_init_heap(&details);
    shmrpci_buf_printf(&out, "{\"error\":{\"code\":%d", (int)error->code);
    append_member(&out, "name", error->name);
    append_member(&out, "message", error->message);
    if (error->path[0] != '\0') {
        append_member(&out, "path", error->path);
    }
    append_items(&out, outcome->items);
    shmrpci_json_set_bool(&out, "may_have_run", error->may_have_run);
    if (error->pid != 0) {
        shmrpci_json_key(&out, "pid");
        shmrpci_buf_printf(&out, "%d", (int)error->pid);
    }
    if (append_payload(outcome, error, payload, &details)) {
        shmrpci_json_key(&out, "details");
        shmrpci_buf_append(&out, details.data, details.len);
    }
    shmrpci_buf_append_char(&out, '}');
    append_time_member(&out, outcome->ns);
    shmrpci_buf_append_char(&out, '}');
    cli_print_line(&out);
    shmrpci_buf_fini(&details);
    shmrpci_buf_fini(&out);
}

static void print_error_text(const cli_outcome *outcome,
                             const shmrpc_error *error, const void *payload)
{
    char what[256];
    char after[48] = "";
    shmrpci_buf details;
    shmrpci_buf_init_heap(&details);
    if (outcome->items != NULL) {
        (void)snprintf(after, sizeof after, ": after %llu item%s",
                       (unsigned long long)*outcome->items,
                       *outcome->items == 1 ? "" : "s");
    }
    (void)snprintf(what, sizeof what, "%.63s.%.128s%s",
                   outcome->in->service.tables->name, outcome->in->method->name,
                   after);
    (void)cli_fail_error(CLI_REFUSED, what, error);
    if (error->code == SHMRPC_E_UNKNOWN && payload != NULL) {
        print_trace(&((const shmrpc_fault *)payload)->trace);
    } else if (append_payload(outcome, error, payload, &details)) {
        fprintf(stderr, "  %.*s\n", (int)details.len,
                (const char *)details.data);
    }
    shmrpci_buf_fini(&details);
}

cli_exit cli_outcome_error(const cli_outcome *outcome,
                           const shmrpc_error *error, const void *payload)
{
    if (outcome->json) {
        print_error_json(outcome, error, payload);
    } else {
        print_error_text(outcome, error, payload);
    }
    return cli_exit_of_call(error->code);
}

/* ---- metadata ---- */

void cli_outcome_metadata(const cli_invocation *in)
{
    shmrpc_metadata entry;
    for (uint32_t i = 0; shmrpc_reply_metadata_at(&in->back, i, &entry); i++) {
        fprintf(stderr, "%s: %s\n", entry.key, entry.value);
    }
}

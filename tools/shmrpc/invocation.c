/*
 * Prepares a call: from the words of a command line to parameters and a
 * connection.
 *
 * Nothing is sent to the service until the method is known to exist and all
 * arguments are known to be valid.
 */
#include "tools/shmrpc/invocation.h"

#include <stdio.h>
#include <string.h>

#include "tools/shmrpc/arguments.h"

bool cli_invocation_has_streams(const cli_invocation *in)
{
    return (in->method->flags &
            (SHMRPC_METHOD_STREAMS_IN | SHMRPC_METHOD_STREAMS_OUT)) != 0;
}

/* How many words are parameters. For a stream, the word after them names the
 * source of its items. */
static cli_exit count_words(const cli_invocation *in,
                            const cli_invocation_opts *opts, size_t *out,
                            shmrpci_buf *message)
{
    *out = opts->word_count;
    if (cli_invocation_has_streams(in) && !opts->takes_streams) {
        shmrpci_buf_append_text(message, "has a stream");
        return CLI_USAGE;
    }
    if (in->method->items_in == NULL) {
        return CLI_OK;
    }
    if (*out == 0 || strcmp(opts->words[*out - 1], "-") != 0) {
        shmrpci_buf_append_text(
            message,
            "takes a stream: a last argument `-` reads it from standard input");
        return CLI_USAGE;
    }
    --*out;
    return CLI_OK;
}

/* The JSON is only an intermediate form; the parameters made from it live in
 * the service's arena. */
static cli_exit read_arguments(cli_invocation *in,
                               const cli_invocation_opts *opts,
                               shmrpci_buf *message)
{
    const shmrpc_type *type = in->method->params;
    shmrpci_arena *arena = &in->service.arena;
    shmrpci_buf json;
    size_t count;
    cli_exit result = count_words(in, opts, &count, message);
    if (result != CLI_OK) {
        return result;
    }
    shmrpci_buf_init_heap(&json);
    int status =
        cli_arguments_json(type, opts->words, count, arena, &json, message);
    if (status == SHMRPC_OK) {
        status = cli_arguments_read(type, &json, arena, &in->params, message);
    }
    shmrpci_buf_fini(&json);
    return status == SHMRPC_OK          ? CLI_OK
           : status == SHMRPC_E_INVALID ? CLI_USAGE
                                        : CLI_TROUBLE;
}

/* Prints the method's signature below the error, since the user needs it
 * next. */
static cli_exit prepare(cli_invocation *in, const cli_invocation_opts *opts)
{
    shmrpci_buf message;
    shmrpci_buf_init_heap(&message);
    cli_exit result = read_arguments(in, opts, &message);
    if (result != CLI_OK) {
        const char *text = shmrpci_buf_text(&message);
        fprintf(stderr, "shmrpc: %s.%s: %s\n  %s\n", in->service.tables->name,
                in->method->name, text != NULL ? text : "out of memory",
                in->method->signature);
    }
    shmrpci_buf_fini(&message);
    return result;
}

/* Only splits the operands; their meaning depends on the service. */
cli_exit cli_invocation_read(const cli_line *line, cli_invocation_opts *out,
                             shmrpci_buf *message)
{
    if (line->count < 2) {
        shmrpci_buf_printf(message, "%s is missing (`shmrpc %s --help`)",
                           line->count == 0 ? "a SERVICE" : "a METHOD",
                           line->argv[0]);
        return CLI_USAGE;
    }
    out->service = line->argv[1];
    out->method = line->argv[2];
    out->words = line->argv + 3;
    out->word_count = (size_t)line->count - 2;
    return CLI_OK;
}

/* Splits KEY=VALUE in place. The library checks which keys and values are
 * allowed. */
cli_exit cli_invocation_meta(cli_invocation_opts *out, char *text,
                             shmrpci_buf *message)
{
    char *equals = strchr(text, '=');
    if (equals == NULL || equals == text) {
        shmrpci_buf_printf(message, "`%s` for --meta (expected KEY=VALUE)",
                           text);
        return CLI_USAGE;
    }
    if (out->meta_count == SHMRPC_METADATA_MAX_ENTRIES) {
        shmrpci_buf_printf(message, "--meta can be given at most %u times",
                           SHMRPC_METADATA_MAX_ENTRIES);
        return CLI_USAGE;
    }
    *equals = '\0';
    out->meta[out->meta_count++] = (shmrpc_metadata){text, equals + 1};
    return CLI_OK;
}

/* Opens the connection for calls only after all arguments were read without an
 * error. Without --meta the metadata stays NULL, so that servers
 * that don't support it can be called, too. */
cli_exit cli_invocation_open(cli_invocation *in,
                             const cli_invocation_opts *opts)
{
    *in = (cli_invocation){
        .opts = {.timeout_ns = opts->timeout_ns, .flags = SHMRPC_OPT_FAULTS}};
    if (opts->meta_count > 0) {
        in->opts.metadata = opts->meta;
        in->opts.reply_metadata = &in->back;
    }
    cli_exit result = cli_service_open(&in->service, opts->service, opts->at);
    if (result == CLI_OK) {
        result = cli_service_method(&in->service, opts->method, &in->index);
    }
    if (result != CLI_OK) {
        return result;
    }
    in->method = &in->service.tables->methods[in->index];
    result = prepare(in, opts);
    return result == CLI_OK ? cli_service_connect(&in->service) : result;
}

/* A oneway method has no reply. */
int cli_invocation_call(cli_invocation *in, const void **reply,
                        shmrpc_error *error)
{
    shmrpc_client *client = in->service.client;
    *reply = NULL;
    if ((in->method->flags & SHMRPC_METHOD_ONEWAY) != 0) {
        return shmrpc_stub_call(client, in->index, in->params, &in->opts, NULL,
                                error);
    }
    return shmrpc_stub_call_reply(client, in->index, in->params, &in->opts,
                                  reply, error);
}

/* Parameters live in the service's arena, reply metadata in `in`. */
void cli_invocation_close(cli_invocation *in)
{
    cli_service_close(&in->service);
}

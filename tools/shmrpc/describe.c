/*
 * The command describe: the interface of a service.
 *
 * The text is the canonical .svc that the service was built from, with its
 * documentation: it needs no imports, and shmrpcgen can generate a client from
 * it.
 */
#include <stdio.h>
#include <string.h>

#include "tools/shmrpc/command.h"
#include "tools/shmrpc/machines.h"
#include "tools/shmrpc/service.h"

const struct option cli_describe_options[] = {
    {"at", required_argument, NULL, 'a'}, CLI_NATS_OPTION,
    {"json", no_argument, NULL, 'j'},     {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},  {NULL, 0, NULL, 0},
};

/* The command prints only the .svc to standard output, which is meant to be
 * redirected to a file. */
static void print_help(void *user)
{
    (void)user;
    fputs(
        "usage: shmrpc describe [OPTION...] SERVICE\n"
        "\n"
        "Prints the interface of a service: its .svc with documentation and\n"
        "all types that it needs, as shmrpcgen reads it.\n"
        "\n"
        "  -a, --at=ADDRESSES   where the service is, as in "
        "shm://@two\n" CLI_NATS_HELP
        "  -j, --json           print its methods as JSON\n"
        "  -h, --help           print this\n"
        "      --version        print the version\n",
        stdout);
}

/* Appends a member, unless the text is absent. */
static void append_text(shmrpci_buf *out, const char *key, const char *text)
{
    if (text != NULL) {
        shmrpci_json_key(out, key);
        shmrpci_json_string(out, text, strlen(text));
    }
}

/* Appends the names of the parameters, by position. */
static void append_names(shmrpci_buf *out, const shmrpc_method *method)
{
    shmrpci_json_key(out, "params");
    for (uint32_t i = 0; i < method->params->count; i++) {
        const char *name = method->params->fields[i].name;
        shmrpci_buf_append_char(out, i == 0 ? '[' : ',');
        shmrpci_json_string(out, name, strlen(name));
    }
    shmrpci_buf_append_text(out, method->params->count == 0 ? "[]" : "]");
}

static const char *stream_of(const shmrpc_method *method)
{
    bool in = (method->flags & SHMRPC_METHOD_STREAMS_IN) != 0;
    bool out = (method->flags & SHMRPC_METHOD_STREAMS_OUT) != 0;
    return in && out ? "both" : in ? "in" : out ? "out" : "none";
}

/* The data that a script needs to choose a method. The .svc is included for the
 * types, which have no other form in JSON. */
static cli_exit print_json(const cli_service *s)
{
    const shmrpc_service *tables = s->tables;
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    shmrpci_buf_append_char(&out, '{');
    append_text(&out, "name", tables->name);
    append_text(&out, "id", tables->id);
    shmrpci_buf_printf(&out, ",\"port\":%u,\"version\":%u,\"hash\":\"%016llx\"",
                       tables->port, tables->version,
                       (unsigned long long)tables->hash);
    append_text(&out, "doc", tables->doc);
    shmrpci_json_key(&out, "methods");
    shmrpci_buf_append_char(&out, '[');
    for (uint32_t i = 0; i < tables->method_count; i++) {
        const shmrpc_method *method = &tables->methods[i];
        shmrpci_buf_append_text(&out, i == 0 ? "{" : ",{");
        append_text(&out, "name", method->name);
        append_text(&out, "signature", method->signature);
        append_text(&out, "doc", method->doc);
        append_names(&out, method);
        append_text(&out, "stream", stream_of(method));
        shmrpci_buf_append_char(&out, '}');
    }
    shmrpci_buf_append_char(&out, ']');
    append_text(&out, "svc", s->text);
    shmrpci_buf_append_char(&out, '}');
    cli_print_line(&out);
    shmrpci_buf_fini(&out);
    return CLI_OK;
}

/* Prints the text as the service sent it, so that it can be saved as a .svc. It
 * was parsed before, so nothing malformed reaches a terminal. */
static cli_exit describe(const char *service, const cli_look *look)
{
    cli_service s;
    shmrpci_buf at;
    shmrpci_buf_init_heap(&at);
    cli_exit result = cli_service_open(
        &s, service, cli_machines_at(&look->nats, service, look->at, &at));
    if (result == CLI_OK && look->json) {
        result = print_json(&s);
    } else if (result == CLI_OK) {
        fwrite(s.text, 1, s.text_len, stdout);
    }
    cli_service_close(&s);
    shmrpci_buf_fini(&at);
    return result;
}

/* Takes only one service: two .svc texts in a row are not a .svc. */
static cli_exit run(void *user, const cli_line *line, shmrpci_buf *message)
{
    return line->count == 1 ? describe(line->argv[1], user)
                            : cli_look_wants_one(line, message);
}

cli_exit cli_describe(int argc, char **argv)
{
    cli_look look = {.at = NULL};
    const cli_syntax syntax = {cli_describe_options, false, print_help,
                               cli_look_take, run};
    return cli_run(argc, argv, &syntax, &look);
}

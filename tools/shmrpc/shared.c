/*
 * The common part of the commands on shared objects: finds an existing object
 * with its type from the command line, and runs a verb on it.
 *
 * Types come from the objects themselves.  Other processes can write their
 * memory, so it is parsed with the same limits as a service's text.
 */
#include "tools/shmrpc/shared.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "codec/codec.h"
#include "codec/python_text.h"
#include "idl/descriptor.h"
#include "idl/idl.h"
#include "objects/handle.h"
#include "objects/snapshot_place.h"
#include "os/memory.h"
#include "tools/shmrpc/pretty.h"

/* The most memory that a type, and the values read with it, may take. */
#define TYPE_ARENA_BYTES ((size_t)256 << 20)

/* ---- failures ------------------------------------------------------------ */

/* DENIED counts as absent, because this user can't open the object. */
cli_exit cli_shared_fail(int status, const shmrpc_error *error)
{
    switch (status) {
    case SHMRPC_E_INVALID:
        return cli_fail_error(CLI_USAGE, NULL, error);
    case SHMRPC_E_NOT_FOUND:
    case SHMRPC_E_DENIED:
    case SHMRPC_E_DESTROYED:
    case SHMRPC_E_UNAVAILABLE: /* no NATS server answers */
        return cli_fail_error(CLI_ABSENT, NULL, error);
    case SHMRPC_E_DEADLINE:
        return cli_fail_error(CLI_DEADLINE, NULL, error);
    case SHMRPC_E_NO_MEMORY:
        return cli_fail_error(CLI_TROUBLE, NULL, error);
    default:
        return cli_fail_error(CLI_REFUSED, NULL, error);
    }
}

/* ---- the type ------------------------------------------------------------ */

/* The text in an object's memory declares exactly one object: itself. */
static const idl_shared *find_declared(const idl_schema *schema)
{
    return schema->shared_count == 1 ? schema->shared[0] : NULL;
}

/* The text comes from memory that others can write: it is parsed as untrusted
 * input, and errors in it aren't shown in detail. */
cli_exit cli_shared_read_type(cli_shared *shared, const char *text)
{
    const idl_options options = {.flags = IDL_ANY_C_NAMES};
    const idl_schema *schema = NULL;
    const shmrpc_shared *row = NULL;
    shmrpci_buf message;
    idl_diags diags;
    idl_diags_init(&diags);
    shmrpc_status status =
        idl_load_text(&options, shared->name, text, strlen(text),
                      &shared->arena, &diags, &schema);
    const idl_shared *declared =
        status == SHMRPC_OK ? find_declared(schema) : NULL;
    if (declared != NULL) {
        status = idl_shared_descriptor(schema, declared, &shared->arena, &row);
    }
    if (status == SHMRPC_OK && row != NULL) {
        shared->row = *row;
        return CLI_OK;
    }
    shmrpci_buf_init_heap(&message);
    shmrpci_buf_printf(
        &message,
        "%s does not describe its type in a way that this version "
        "understands",
        shared->name);
    cli_exit result = cli_fail(CLI_ABSENT, &message);
    shmrpci_buf_fini(&message);
    return result;
}

/* An object of any shape has no text, only the encoding to open it with. */
static void take_encoding(cli_shared *shared, const shmrpci_glance *glance)
{
    shared->row.encoding = (shmrpc_encoding)glance->facts.encoding;
}

/* If there is a snapshot, adds to the error that it could replace the object.
 * Only dicts and values have snapshots. */
static void hint(const cli_shared *shared, shmrpc_status status,
                 shmrpc_error *error)
{
    if (shared->row.kind == SHMRPC_SHARED_DICT ||
        shared->row.kind == SHMRPC_SHARED_VALUE) {
        const shmrpci_snapshot_of what = {.kind = shared->kind,
                                          .scope = shared->opts->all_users
                                                       ? SHMRPC_SCOPE_ALL_USERS
                                                       : SHMRPC_SCOPE_USER,
                                          .name = shared->name};
        (void)shmrpci_snapshot_hint(&what, status, error);
    }
}

/* Reads type and encoding from the object's memory without a handle, because
 * the type must be known to open one. */
static cli_exit look(cli_shared *shared, int fd)
{
    shmrpci_glance glance;
    shmrpc_error error;
    char *text = NULL;
    shmrpc_status status = shmrpci_label_look(fd, &glance, &error);
    if (status == SHMRPC_OK) {
        status = shmrpci_label_text(fd, &text, &error);
    }
    if (status != SHMRPC_OK) {
        hint(shared, status, &error);
        return cli_fail_error(status == SHMRPC_E_DESTROYED ? CLI_ABSENT
                                                           : CLI_REFUSED,
                              shared->name, &error);
    }
    const char *copy =
        shmrpci_arena_strndup(&shared->arena, text, strlen(text));
    free(text);
    if (copy == NULL) {
        return CLI_TROUBLE;
    }
    take_encoding(shared, &glance);
    return copy[0] == '\0' ? CLI_OK : cli_shared_read_type(shared, copy);
}

/* Opens the file of the object. Returns NOT_FOUND if the folder has no file of
 * that name and kind. */
static shmrpc_status open_file(const cli_shared *shared, int *out_fd,
                               shmrpc_error *error)
{
    return shmrpci_kind_open_file(
        shared->kind,
        shared->opts->all_users ? SHMRPC_SCOPE_ALL_USERS : SHMRPC_SCOPE_USER,
        shared->name, out_fd, error);
}

/* Whether the object is of the command's kind, by its type text, such as
 * "queue<any>", "queue acme.Job" or "pipe". Names of a service's objects don't
 * contain the kind. */
static bool is_of_kind(const cli_shared *shared, int fd)
{
    shmrpci_glance glance;
    size_t len = strlen(shared->kind->name);
    return shmrpci_label_look(fd, &glance, NULL) == SHMRPC_OK &&
           strncmp(glance.signature, shared->kind->name, len) == 0 &&
           strchr("< ", glance.signature[len]) != NULL;
}

/* The descriptor is only needed to inspect the object, so the watch on the
 * server is closed at once. */
static shmrpc_status open_of_service(const cli_shared *shared, int *out_fd,
                                     shmrpc_error *error)
{
    int watch_fd = -1;
    int status =
        shmrpc_stub_shared(shared->service->client, shared->service->tables,
                           shared->name, 0, out_fd, &watch_fd, error);
    shmrpci_fd_close(&watch_fd);
    if (status == SHMRPC_OK && !is_of_kind(shared, *out_fd)) {
        shmrpci_fd_close(out_fd);
        return shmrpc_error_set(error, SHMRPC_E_NOT_FOUND,
                                "the service's \"%s\" is not a %s",
                                shared->name, shared->kind->name);
    }
    return (shmrpc_status)status;
}

/* Opens the object where `find` found it: in a service, or in the folder. */
static shmrpc_status open_object(const cli_shared *shared, int *out_fd,
                                 shmrpc_error *error)
{
    return shared->service != NULL ? open_of_service(shared, out_fd, error)
                                   : open_file(shared, out_fd, error);
}

/* For a name like `tts/jobs`: connects to the service tts, if there is one, and
 * takes the rest as the name of its object. If there is no such service the
 * name is left unchanged, since a file may have it. */
static cli_exit find_service(cli_shared *shared)
{
    const char *slash = strrchr(shared->name, '/');
    if (slash == NULL) {
        return CLI_OK;
    }
    const char *of = shmrpci_arena_strndup(&shared->arena, shared->name,
                                           (size_t)(slash - shared->name));
    cli_service *service =
        shmrpci_arena_calloc(&shared->arena, 1, sizeof *service, 16);
    if (of == NULL || service == NULL) {
        return CLI_TROUBLE;
    }
    if (!cli_service_peek(service, of, NULL)) {
        cli_service_close(service);
        return CLI_OK;
    }
    shared->service = service;
    shared->name = slash + 1;
    cli_exit result = cli_service_connect(service);
    shared->open.service = service->tables;
    shared->open.client = service->client;
    return result;
}

/* The message names the kind, since an object of another kind may have that
 * name. */
static void explain_absence(const cli_shared *shared, const cli_verb *verb,
                            shmrpc_error *error)
{
    char name[SHMRPCI_SHORT_NAME_BYTES];
    (void)shmrpc_error_set(error, SHMRPC_E_NOT_FOUND,
                           "there is no %s \"%s\" (`shmrpc ls` lists what "
                           "there is%s)",
                           shared->kind->name,
                           shmrpci_short_name(shared->name, name),
                           verb->creates ? ", --create makes it" : "");
}

/* An object of many machines has no file to read its type from, so it is opened
 * as one of any shape. If it has a declared type, opening it fails with an
 * error that names the type. */
static cli_exit find_remote(const cli_verb *verb)
{
    shmrpc_error error;
    if (strcmp(verb->name, "check") != 0) {
        return CLI_OK;
    }
    return cli_shared_fail(
        shmrpc_error_set(&error, SHMRPC_E_UNIMPLEMENTED,
                         "objects in NATS are checked by its servers"),
        &error);
}

/* A file takes precedence, because names may contain slashes. A name can be
 * SERVICE/OBJECT only if no file has it and --create does not make it. */
static cli_exit find(cli_shared *shared, const cli_verb *verb)
{
    shmrpc_error error;
    int fd;
    bool makes = verb->creates && shared->opts->create;
    if (shmrpci_remote_is(shared->name)) {
        return find_remote(verb);
    }
    shmrpc_status status = open_file(shared, &fd, &error);
    if (status == SHMRPC_E_NOT_FOUND && !makes) {
        cli_exit result = find_service(shared);
        if (result != CLI_OK) {
            return result;
        }
        if (shared->service != NULL) {
            status = open_of_service(shared, &fd, &error);
        } else {
            explain_absence(shared, verb, &error);
        }
    }
    if (status == SHMRPC_E_NOT_FOUND && makes) {
        return CLI_OK;
    }
    if (status != SHMRPC_OK) {
        return cli_shared_fail(status, &error);
    }
    /* A salvage reads a damaged object, which this check would refuse. */
    cli_exit result = shared->opts->salvages ? CLI_OK : look(shared, fd);
    shared->is_there = true;
    shmrpci_fd_close(&fd);
    return result;
}

/* ---- values -------------------------------------------------------------- */

cli_exit cli_shared_append(const shmrpc_type *type, const void *value,
                           shmrpci_buf *out)
{
    shmrpc_error error;
    int status = shmrpci_codec_of(SHMRPC_ENCODING_JSON)
                     ->encode(type, value, "value", out, &error);
    return status == SHMRPC_OK ? CLI_OK : cli_shared_fail(status, &error);
}

/* Values of declared types are JSON even with --python. */
static bool is_python(const cli_shared *shared, const shmrpc_type *type)
{
    return shared->opts->python && type->kind == SHMRPC_KIND_ANY;
}

/* A tuple or a datetime of Python has no form in JSON: without --python this
 * fails for them, with an error that names the kind of the value. */
cli_exit cli_shared_append_as(const cli_shared *shared, const shmrpc_type *type,
                              const void *value, shmrpci_buf *out)
{
    shmrpc_error error;
    if (!is_python(shared, type)) {
        return cli_shared_append(type, value, out);
    }
    shmrpc_status status = shmrpci_python_write(value, out, &error);
    return status == SHMRPC_OK ? CLI_OK : cli_shared_fail(status, &error);
}

/* Prints one value on one line, unless standard output is a terminal. */
cli_exit cli_shared_print(const cli_shared *shared, const shmrpc_type *type,
                          const void *value)
{
    shmrpci_buf text;
    shmrpci_buf pretty;
    shmrpci_buf_init_heap(&text);
    shmrpci_buf_init_heap(&pretty);
    cli_exit result = cli_shared_append_as(shared, type, value, &text);
    if (result == CLI_OK) {
        bool is_laid_out = !shared->opts->json && !is_python(shared, type) &&
                           cli_out_is_terminal();
        if (is_laid_out) {
            cli_pretty(&text, &pretty);
        }
        cli_print_line(is_laid_out ? &pretty : &text);
    }
    shmrpci_buf_fini(&pretty);
    shmrpci_buf_fini(&text);
    return result;
}

/* Reads a Python literal. Any other word is text, except one that begins like a
 * literal: that is taken for a mistake. */
static cli_exit read_python(cli_shared *shared, const char *text,
                            shmrpc_any *out)
{
    shmrpc_error error;
    shmrpc_status status =
        shmrpci_python_read(text, strlen(text), &shared->arena, out, &error);
    if (status == SHMRPC_OK) {
        return CLI_OK;
    }
    if (text[0] != '\0' && strchr("{[(\"'", text[0]) != NULL) {
        return cli_shared_fail(status, &error);
    }
    *out = shmrpc_any_str(text);
    return CLI_OK;
}

/* Tries the word as JSON first, then as a JSON string, so that strings and
 * names of enumerators need no quotes. If both fail the first error is printed,
 * since it is about what was typed. */
cli_exit cli_shared_read(cli_shared *shared, const shmrpc_type *type,
                         const char *word, const void **out)
{
    const shmrpci_codec *json = shmrpci_codec_of(SHMRPC_ENCODING_JSON);
    shmrpc_error error;
    shmrpci_buf quoted;
    void *value = shmrpci_arena_calloc(&shared->arena, 1, type->size, 16);
    const char *text =
        shmrpci_arena_strndup(&shared->arena, word, strlen(word));
    if (value == NULL || text == NULL) {
        return CLI_TROUBLE;
    }
    *out = value;
    if (is_python(shared, type)) {
        return read_python(shared, text, value);
    }
    int status = json->decode(type, (const uint8_t *)text, strlen(text),
                              "value", &shared->arena, value, &error);
    if (status == SHMRPC_OK) {
        return CLI_OK;
    }
    if (type->kind == SHMRPC_KIND_ANY && strchr("{[\"", word[0]) != NULL &&
        word[0] != '\0') {
        return cli_shared_fail(status, &error); /* it looks like a typing error
                                                 * rather than text */
    }
    shmrpci_buf_init_heap(&quoted);
    shmrpci_json_string(&quoted, word, strlen(word));
    bool is_text = quoted.status == SHMRPC_OK &&
                   json->decode(type, quoted.data, quoted.len, "value",
                                &shared->arena, value, NULL) == SHMRPC_OK;
    shmrpci_buf_fini(&quoted);
    return is_text ? CLI_OK : cli_shared_fail(status, &error);
}

/* Without --deadline it does not wait: a command that hangs is worse than one
 * that reports BUSY. */
shmrpc_opts cli_shared_wait(const cli_shared *shared)
{
    return shared->opts->has_deadline
               ? (shmrpc_opts){.timeout_ns = shared->opts->deadline_ns}
               : (shmrpc_opts){.flags = SHMRPC_OPT_NONBLOCK};
}

/* The keys are the members of the public stat structs. */
void cli_shared_print_figures(const cli_shared *shared,
                              const cli_figure *figures, size_t count)
{
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    for (size_t i = 0; i < count; i++) {
        const cli_figure *at = &figures[i];
        if (shared->opts->json) {
            shmrpci_buf_append_text(&out, i == 0 ? "{" : "");
            shmrpci_json_key(&out, at->key);
            shmrpci_buf_printf(&out, "%llu", (unsigned long long)at->value);
        } else {
            shmrpci_buf_printf(&out, "%s%-20s %llu", i == 0 ? "" : "\n",
                               at->label, (unsigned long long)at->value);
        }
    }
    shmrpci_buf_append_text(&out, shared->opts->json ? "}" : "");
    cli_print_line(&out);
    shmrpci_buf_fini(&out);
}

/* ---- damage -------------------------------------------------------------- */

/* Prints to standard output, because the findings are the result. */
static void print_finding(void *user, uint64_t offset, const char *what)
{
    (void)user;
    printf("at %llu: %s\n", (unsigned long long)offset, what);
}

/* Returns REFUSED if there are findings, so that a script need not read the
 * output. */
cli_exit cli_shared_check(cli_shared *shared)
{
    shmrpc_error error;
    int fd;
    shmrpc_status status = open_object(shared, &fd, &error);
    if (status != SHMRPC_OK) {
        return cli_shared_fail(status, &error);
    }
    uint64_t count = shared->kind->check(fd, print_finding, NULL);
    shmrpci_fd_close(&fd);
    if (count == 0) {
        puts("sound");
    }
    return count == 0 ? CLI_OK : CLI_REFUSED;
}

/* ---- the command line ---------------------------------------------------- */

/* The state of reading the command line. */
typedef struct run_state {
    const cli_shared_command *command;
    const char *verb; /* the verb if it came before the options; else NULL */
    cli_shared_opts opts;
} run_state;

/* Prints the kind's own help, then what all kinds share. */
static void print_help(void *user)
{
    const run_state *state = user;
    fputs(state->command->help, stdout);
    fputs(CLI_SHARED_HELP, stdout);
}

/* All kinds accept all options, even if a verb ignores some. */
static cli_exit take(void *user, int option, shmrpci_buf *message)
{
    cli_shared_opts *opts = &((run_state *)user)->opts;
    switch (option) {
    case 'u':
        opts->all_users = true;
        return CLI_OK;
    case 'c':
        opts->create = true;
        return CLI_OK;
    case 'j':
        opts->json = true;
        return CLI_OK;
    case 'p':
        opts->python = true;
        return CLI_OK;
    case 's':
        opts->salvages = true;
        return CLI_OK;
    case 'd':
        opts->has_deadline = true;
        return cli_read_duration(optarg, &opts->deadline_ns)
                   ? CLI_OK
                   : cli_bad_value(message, "deadline", "a time, as in 250ms");
    default:
        return cli_read_count(optarg, UINT32_MAX, &opts->count)
                   ? CLI_OK
                   : cli_bad_value(message, "count", "a number from 1 on");
    }
}

/* Room for 32 verbs; the largest table has ten. */
static const cli_verb *find_verb(const cli_shared_command *command,
                                 const char *word, shmrpci_buf *message)
{
    const char *names[32];
    size_t count = 0;
    for (const cli_verb *at = command->verbs; at->name != NULL; at++) {
        if (strcmp(at->name, word) == 0) {
            return at;
        }
        names[count++] = at->name;
    }
    shmrpci_buf_printf(message, "there is no verb `%s` for a %s", word,
                       command->kind->name);
    shmrpci_nearest_suggest(message, word, names, count, "");
    return NULL;
}

/* Without --create no object is ever created, because a mistyped name would
 * leave one behind. */
static cli_exit run_verb(const cli_shared_command *command,
                         const cli_shared_opts *opts, const cli_verb *verb,
                         char **words, int count)
{
    cli_shared shared = {
        .kind = command->kind,
        .opts = opts,
        .name = words[0],
        .operands = words + 1,
        .operand_count = count,
        .row = command->row,
        .open = {.mode = opts->create && verb->creates
                             ? SHMRPC_SHARED_OPEN_OR_CREATE
                             : SHMRPC_SHARED_OPEN_EXISTING,
                 .flags = opts->all_users ? SHMRPC_SHARED_ALL_USERS : 0},
    };
    shmrpci_arena_init(&shared.arena, TYPE_ARENA_BYTES);
    cli_exit result = find(&shared, verb);
    if (result == CLI_OK) {
        result = verb->run(&shared);
    }
    if (shared.service != NULL) {
        cli_service_close(shared.service);
    }
    shmrpci_arena_fini(&shared.arena);
    return result;
}

/* Takes the verb from the operands if it came after options, then checks the
 * number of operands before anything is opened. */
static cli_exit run(void *user, const cli_line *line, shmrpci_buf *message)
{
    const run_state *state = user;
    const char *kind = state->command->kind->name;
    const char *word = state->verb;
    char **words = line->argv + 1;
    int count = line->count;
    if (word == NULL && count > 0) {
        word = *words++;
        count--;
    }
    if (word == NULL) {
        shmrpci_buf_printf(message, "a verb is missing (`shmrpc %s --help`)",
                           kind);
        return CLI_USAGE;
    }
    const cli_verb *verb = find_verb(state->command, word, message);
    if (verb == NULL) {
        return CLI_USAGE;
    }
    if (state->opts.salvages && strcmp(verb->name, "dump") != 0) {
        shmrpci_buf_append_text(
            message, "--salvage is only for dump of a dict or value");
        return CLI_USAGE;
    }
    count--; /* the name */
    if (count < verb->least || (verb->most >= 0 && count > verb->most)) {
        shmrpci_buf_printf(message, "expected shmrpc %s %s NAME%s%s", kind,
                           verb->name, verb->operands[0] != '\0' ? " " : "",
                           verb->operands);
        return CLI_USAGE;
    }
    return run_verb(state->command, &state->opts, verb, words, count);
}

cli_exit cli_shared_run(int argc, char **argv,
                        const cli_shared_command *command)
{
    run_state state = {.command = command};
    /* Options may come before or after the verb, but not after the name: a word
     * there may be a value such as -1. */
    if (argc > 1 && argv[1][0] != '-') {
        state.verb = argv[1];
        argc--;
        argv++;
    }
    const cli_syntax syntax = {command->options, true, print_help, take, run};
    return cli_run(argc, argv, &syntax, &state);
}

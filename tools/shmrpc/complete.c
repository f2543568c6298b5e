/*
 * Completion: prints what the last word of an unfinished command line could be,
 * one candidate a line.
 *
 * Prints no errors: they would appear in the middle of what the user types.
 */
#include <stdio.h>
#include <string.h>

#include "manager_client.h" /* generated */
#include "objects/kind.h"
#include "os/clock.h"
#include "tools/common/cluster.h"
#include "tools/shmrpc/command.h"
#include "tools/shmrpc/machines.h"
#include "tools/shmrpc/names.h"
#include "tools/shmrpc/service.h"

/* Prints `before`, `name` and `behind` if they begin with the unfinished
 * word. */
static void offer(const char *word, const char *before, const char *name,
                  const char *behind)
{
    char text[512];
    int len = snprintf(text, sizeof text, "%s%s%s", before, name, behind);
    if (len > 0 && (size_t)len < sizeof text &&
        strncmp(text, word, strlen(word)) == 0) {
        puts(text);
    }
}

/* Offers options of the program itself only if the word begins with a dash:
 * otherwise users look for commands. */
static void offer_commands(const char *word)
{
    for (const cli_command *at = cli_commands; at->name != NULL; at++) {
        offer(word, "", at->name, "");
    }
    if (word[0] == '-') {
        offer(word, "", "--help", "");
        offer(word, "", "--version", "");
    }
}

/* Options with a value end in `=`, behind which the shell puts no blank. */
static void offer_options(const cli_command *command, const char *word)
{
    for (const struct option *at = command->options; at->name != NULL; at++) {
        offer(word, "--", at->name, at->has_arg != no_argument ? "=" : "");
    }
}

/* Only lists the folders of sockets, and calls no service. */
static void offer_services(const char *word)
{
    shmrpci_arena arena;
    svc_places places;
    shmrpci_arena_init(&arena, 0);
    if (svc_places_find(&arena, &places, NULL) == SHMRPC_OK) {
        for (size_t i = 0; i < places.count; i++) {
            if (!places.items[i].hidden) {
                offer(word, "", places.items[i].address + strlen("shm://"), "");
            }
        }
    }
    shmrpci_arena_fini(&arena);
}

/* The name by which people call the service of a section of the manager's
 * service.ini; "" if the section serves none. */
static const char *served_by(const manager_service *s)
{
    static const char shm[] = "shm://";
    const char *address = s->addresses.len > 0 ? s->addresses.ptr[0].ptr : "";
    return strncmp(address, shm, sizeof shm - 1) == 0 ? address + sizeof shm - 1
                                                      : "";
}

/* Offers services of the manager. With `to_call`, offers only the sections that
 * serve a service, by the section's name. Otherwise offers all sections, and
 * also the names of the services that they serve. The manager has only a second
 * to answer, since the user is waiting. */
static void offer_managed(const char *word, bool to_call)
{
    manager_control *client;
    const manager_control_list_reply *reply;
    const shmrpc_opts opts = {.timeout_ns = SHMRPCI_NS_PER_S};
    if (manager_control_connect(NULL, &opts, &client, NULL) != SHMRPC_OK) {
        return;
    }
    if (manager_control_list(client, &opts, &reply, NULL) == SHMRPC_OK) {
        for (size_t i = 0; i < reply->value.len; i++) {
            const manager_service *s = &reply->value.ptr[i];
            const char *served = served_by(s);
            if (!to_call || served[0] != '\0') {
                offer(word, "", s->name.ptr, "");
            }
            if (!to_call && served[0] != '\0') {
                offer(word, "", served, "");
            }
        }
        manager_control_list_release(reply);
    }
    manager_control_close(client);
}

/* State for comparing visited objects with the word. */
typedef struct offered {
    const shmrpci_object_kind *kind; /* NULL: any kind */
    const char *word;
} offered;

static bool offer_object(void *user, const shmrpc_object_info *info)
{
    const offered *of = user;
    if (of->kind == NULL || strcmp(of->kind->name, info->kind) == 0) {
        offer(of->word, "", info->name, "");
    }
    return true;
}

/* For a command that is named after a kind of object, offers its verbs as the
 * first operand, and the objects of that kind as the second. The verbs come
 * from the command's `operands`. For other commands, offers all objects. */
static void offer_objects(const cli_command *command, int count,
                          const char *word)
{
    offered of = {shmrpci_kind_of(command->name), word};
    if (of.kind != NULL && count == 0) {
        char verbs[128];
        (void)snprintf(verbs, sizeof verbs, "%.*s",
                       (int)strcspn(command->operands, " "), command->operands);
        for (char *at = strtok(verbs, "|"); at != NULL;
             at = strtok(NULL, "|")) {
            offer(word, "", at, "");
        }
    } else if (of.kind == NULL || count == 1) {
        (void)shmrpc_objects_visit(SHMRPC_SCOPE_USER, offer_object, &of);
    }
}

/* Types whose fields a path can name. */
static bool is_record(const shmrpc_type *type)
{
    return type->kind == SHMRPC_KIND_STRUCT || type->kind == SHMRPC_KIND_UNION;
}

/* Offers the values of types that have only a few. */
static void offer_values(const shmrpc_type *type, const char *before,
                         const char *word)
{
    if (type->kind == SHMRPC_KIND_BOOL) {
        offer(word, before, "true", "");
        offer(word, before, "false", "");
    }
    for (uint32_t i = 0; type->kind == SHMRPC_KIND_ENUM && i < type->count;
         i++) {
        offer(word, before, type->enumerators[i].name, "");
    }
}

/* For an unfinished path such as `query.la`, offers the fields that match it,
 * and after its `=` the values of the field. `before` is the finished part,
 * which each candidate repeats. */
static void offer_fields(const shmrpc_type *type, const char *word)
{
    char before[512] = "";
    size_t begin = 0;
    size_t end;
    while (word[end = begin + strcspn(word + begin, ".=")] != '\0' &&
           end + 1 < sizeof before) {
        const shmrpc_field *field =
            cli_field_find(type, word + begin, end - begin);
        if (field == NULL) {
            return;
        }
        begin = end + 1;
        memcpy(before, word, begin);
        before[begin] = '\0';
        if (word[end] == '=') {
            offer_values(field->type, before, word);
            return;
        }
        type = field->type;
    }
    for (uint32_t i = 0; is_record(type) && i < type->count; i++) {
        const shmrpc_field *field = &type->fields[i];
        offer(word, before, field->name, is_record(field->type) ? "." : "=");
    }
}

/* Offers the services of a cluster, which its gateways report. */
static void offer_gateways(const cli_nats *nats, const char *word)
{
    tool_gateways all;
    const char *before = "";
    if (tool_cluster_ask(nats->servers, &all, NULL) != SHMRPC_OK) {
        return;
    }
    for (size_t i = 0; i < all.count; i++) {
        if (strcmp(all.items[i].service, before) != 0) {
            before = all.items[i].service;
            offer(word, "", before, "");
        }
    }
    tool_cluster_free(&all);
}

/* Offers operands: a service, then a method of it, then parameters. For a
 * method and its parameters the service is asked for its interface. */
static void offer_operands(const cli_command *command, char *const *words,
                           int count, const char *at, const cli_nats *nats,
                           const char *word)
{
    cli_service s;
    if (count == 0 && nats->is_on) {
        offer_gateways(nats, word);
        return;
    }
    if (count == 0) {
        offer_services(word);
        offer_managed(word, true);
        return;
    }
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    bool known = command->completed > 1 &&
                 cli_service_peek(&s, words[0],
                                  cli_machines_at(nats, words[0], at, &text));
    shmrpci_buf_fini(&text);
    for (uint32_t i = 0; known && i < s.tables->method_count; i++) {
        const shmrpc_method *method = &s.tables->methods[i];
        if (count == 1) {
            offer(word, "", method->name, "");
        } else if (strcmp(method->name, words[1]) == 0) {
            offer_fields(method->params, word);
        }
    }
    if (command->completed > 1) {
        cli_service_close(&s);
    }
}

/* Splits the words into options and operands, as the command itself would. Of
 * the options only --at and --nats matter, since they say which service to ask.
 * The last word is unfinished and belongs to neither group. */
static void complete(const cli_command *command, int argc, char **argv)
{
    shmrpci_buf message;
    const char *at = NULL;
    cli_nats nats = {.is_on = false};
    const char *word = argv[argc - 1];
    char *none[1];
    cli_line line = {
        .argc = argc - 1, .argv = argv, .has_values = command->completed > 1};
    int option;
    shmrpci_buf_init_heap(&message);
    while ((option = cli_next(&line, command->options, &message)) !=
           SHMRPCI_OPTIONS_END) {
        at = option == 'a' ? optarg : at;
        if (option == 'N') {
            cli_nats_take(&nats);
        }
    }
    shmrpci_buf_fini(&message);
    if (word[0] == '-') {
        offer_options(command, word);
    } else if (command->completed == CLI_MANAGED) {
        offer_managed(word, false);
    } else if (command->completed == CLI_OBJECTS) {
        offer_objects(command, line.count, word);
    } else if (command->completed > 0) {
        offer_operands(command, line.count > 0 ? argv + 1 : none, line.count,
                       at, &nats, word);
    } else if (strcmp(command->name, "completion") == 0) {
        offer(word, "", "bash", "");
        offer(word, "", "zsh", "");
        offer(word, "", "fish", "");
    }
}

/* Always returns OK: the shell would report a failure. */
cli_exit cli_complete(int argc, char **argv)
{
    if (argc <= 2) {
        offer_commands(argc == 2 ? argv[1] : "");
        return CLI_OK;
    }
    const cli_command *command = cli_command_find(argv[1]);
    if (command != NULL) {
        complete(command, argc - 1, argv + 1);
    }
    return CLI_OK;
}

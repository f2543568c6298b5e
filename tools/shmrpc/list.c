/*
 * The command list: the services on this machine.
 *
 * A socket in a folder does not prove that a service runs, so each is connected
 * to and asked. The question goes to a worker but not to the user's code: a
 * service whose handlers hang is shown as alive as long as a worker is free.
 */
#include <stdio.h>
#include <string.h>

#include "tools/shmrpc/command.h"
#include "tools/shmrpc/machines.h"
#include "tools/shmrpc/service.h"

const struct option cli_list_options[] = {
    {"all", no_argument, NULL, 'A'},     CLI_NATS_OPTION,
    {"json", no_argument, NULL, 'j'},    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'}, {NULL, 0, NULL, 0},
};

/* A service is "alive" only after one of its workers has answered. */
static void print_help(void *user)
{
    (void)user;
    fputs(
        "usage: shmrpc list [OPTION...]\n"
        "\n"
        "Lists the services whose sockets are in the folders where clients\n"
        "look, and asks each for its interface: AFTER says how long a worker\n"
        "took to answer. A dead one was killed; its next start takes over\n"
        "the socket.\n"
        "\n"
        "  -A, --all            list dead ones too\n" CLI_NATS_HELP
        "  -j, --json           print a JSON array\n"
        "  -h, --help           print this\n"
        "      --version        print the version\n",
        stdout);
}

/* The answer of a service. */
typedef struct answer {
    const char *state; /* one of "alive", "dead", "silent", "denied", "hidden",
                        * "broken" */
    char id[256];      /* "demo.Echo"; "" without an answer */
    uint32_t version;  /* version of the .svc */
    uint32_t methods;  /* number of methods */
    int64_t ns;        /* time until a worker had answered */
} answer;

/* "dead" means that nobody listens at the socket, "silent" that the listener
 * doesn't answer, "broken" that its answer is malformed. */
static const char *state_of(int status)
{
    switch (status) {
    case SHMRPC_OK:
        return "alive";
    case SHMRPC_E_UNAVAILABLE:
        return "dead";
    case SHMRPC_E_DEADLINE:
        return "silent";
    case SHMRPC_E_DENIED:
        return "denied";
    default:
        return "broken";
    }
}

/* Hidden places are not asked, because their address leads to another
 * service. */
static void ask(const svc_place *place, answer *out)
{
    *out = (answer){.state = "hidden"};
    if (place->hidden) {
        return;
    }
    cli_service s;
    int status = cli_service_probe(&s, place);
    out->state = state_of(status);
    if (status == SHMRPC_OK) {
        (void)snprintf(out->id, sizeof out->id, "%s", s.tables->id);
        out->version = s.tables->version;
        out->methods = s.tables->method_count;
        out->ns = s.answer_ns;
    }
    cli_service_close(&s);
}

/* Name and instance are both escaped: they are part of a file name, which
 * anybody with access to the folder may have chosen. */
static void append_member(shmrpci_buf *out, const char *key, const char *text)
{
    shmrpci_json_key(out, key);
    shmrpci_json_string(out, text, strlen(text));
}

/* If there was no answer, leaves out the members that only an answer has. */
static void append_json(const svc_place *place, const answer *a,
                        shmrpci_buf *out)
{
    shmrpci_buf_append_text(out, out->len > 1 ? ",{" : "{");
    append_member(out, "name", place->name);
    if (place->instance[0] != '\0') {
        append_member(out, "instance", place->instance);
    }
    shmrpci_json_key(out, "port");
    shmrpci_buf_printf(out, "%u", place->port);
    append_member(out, "state", a->state);
    append_member(out, "socket", place->where);
    if (a->id[0] != '\0') {
        append_member(out, "id", a->id);
        shmrpci_buf_printf(out,
                           ",\"version\":%u,\"methods\":%u,\"answer_ns\":%lld",
                           a->version, a->methods, (long long)a->ns);
    }
    shmrpci_buf_append_char(out, '}');
}

/* If the service has not told its id, prints the socket's path instead: that is
 * where the user must look. */
static void print_row(const svc_place *place, const answer *a, int width)
{
    char methods[24] = "";
    char answered[24] = "";
    if (a->id[0] != '\0') {
        shmrpci_buf time;
        (void)snprintf(methods, sizeof methods, "%u method%s", a->methods,
                       a->methods == 1 ? "" : "s");
        shmrpci_buf_init_fixed(&time, answered, sizeof answered - 1);
        cli_append_time(&time, (double)a->ns);
        answered[time.len] = '\0';
    }
    printf("%-*s  %5u  %-6s  %8s  %-11s  %s\n", width,
           place->address + strlen("shm://"), place->port, a->state, answered,
           methods, a->id[0] != '\0' ? a->id : place->where);
}

/* Rows are printed as answers arrive, before later ones are known. So the width
 * is that of all places, including those that turn out not to be shown. */
static int width_of(const svc_places *places)
{
    size_t width = strlen("SERVICE");
    for (size_t i = 0; i < places->count; i++) {
        size_t len = strlen(places->items[i].address) - strlen("shm://");
        width = len > width ? len : width;
    }
    return (int)width;
}

/* A killed server leaves a dead socket, which the next server replaces: usually
 * it is of no interest. */
static bool is_shown(const answer *a, bool all)
{
    return all || strcmp(a->state, "dead") != 0;
}

/* Prints to standard error, where a script that reads the table doesn't see
 * it. */
static void print_counts(const svc_places *places, size_t shown)
{
    size_t hidden = places->count - shown;
    if (shown == 0) {
        fputs(
            "No service runs in the folders where this user's clients "
            "look.\n",
            stderr);
    }
    if (hidden > 0) {
        fprintf(stderr, "%zu dead socket%s not shown (--all)\n", hidden,
                hidden == 1 ? " is" : "s are");
    }
}

/* Asks the places one by one, and shows each at once. A silent one delays the
 * rest by its timeout of 5 s. */
static void print_table(const svc_places *places, bool all)
{
    int width = width_of(places);
    size_t shown = 0;
    for (size_t i = 0; i < places->count; i++) {
        answer a;
        ask(&places->items[i], &a);
        if (!is_shown(&a, all)) {
            continue;
        }
        if (shown++ == 0) {
            printf("%-*s  %5s  %-6s  %8s  %-11s  %s\n", width, "SERVICE",
                   "PORT", "STATE", "AFTER", "", "IS");
        }
        print_row(&places->items[i], &a, width);
        (void)fflush(stdout); /* the next place may take long */
    }
    print_counts(places, shown);
}

/* Collects everything first, so that the array is complete. */
static void print_json(const svc_places *places, bool all)
{
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    shmrpci_buf_append_char(&out, '[');
    for (size_t i = 0; i < places->count; i++) {
        answer a;
        ask(&places->items[i], &a);
        if (is_shown(&a, all)) {
            append_json(&places->items[i], &a, &out);
        }
    }
    shmrpci_buf_append_char(&out, ']');
    cli_print_line(&out);
    shmrpci_buf_fini(&out);
}

/* A folder that can't be read is a failure; one that doesn't exist has no
 * services. */
static cli_exit list(bool json, bool all)
{
    shmrpci_arena arena;
    svc_places places;
    shmrpc_error error;
    cli_exit result = CLI_OK;
    shmrpci_arena_init(&arena, 0);
    int status = svc_places_find(&arena, &places, &error);
    if (status != SHMRPC_OK) {
        result = cli_fail_error(status == SHMRPC_E_NO_MEMORY ? CLI_TROUBLE
                                                             : CLI_ABSENT,
                                NULL, &error);
    } else if (json) {
        print_json(&places, all);
    } else {
        print_table(&places, all);
    }
    shmrpci_arena_fini(&arena);
    return result;
}

typedef struct list_opts {
    bool json;
    bool all;
    cli_nats nats;
} list_opts;

static cli_exit take(void *user, int option, shmrpci_buf *message)
{
    list_opts *opts = user;
    (void)message;
    if (option == 'N') {
        cli_nats_take(&opts->nats);
    } else {
        *(option == 'A' ? &opts->all : &opts->json) = true;
    }
    return CLI_OK;
}

static cli_exit run(void *user, const cli_line *line, shmrpci_buf *message)
{
    const list_opts *opts = user;
    if (line->count > 0) {
        shmrpci_buf_printf(message, "list takes no operand like `%s`",
                           line->argv[1]);
        return CLI_USAGE;
    }
    return opts->nats.is_on ? cli_machines_list(&opts->nats, opts->json)
                            : list(opts->json, opts->all);
}

cli_exit cli_list(int argc, char **argv)
{
    list_opts opts = {.json = false};
    const cli_syntax syntax = {cli_list_options, false, print_help, take, run};
    return cli_run(argc, argv, &syntax, &opts);
}

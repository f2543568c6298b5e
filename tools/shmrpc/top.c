/* The command top: what services do now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/memory.h"
#include "os/poll.h"
#include "tools/shmrpc/command.h"
#include "tools/shmrpc/figures.h"
#include "tools/shmrpc/target.h"

/* A service that does not answer holds up all others for so long. */
#define OPEN_NS (300 * SHMRPCI_NS_PER_MS)

const struct option cli_top_options[] = {
    {"interval", required_argument, NULL, 'i'},
    {"count", required_argument, NULL, 'n'},
    {"once", no_argument, NULL, '1'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static void print_help(void *user)
{
    (void)user;
    fputs(
        "usage: shmrpc top [OPTION...] [SERVICE...]\n"
        "\n"
        "Shows again and again what services do: calls and errors a second,\n"
        "how long calls take and wait, how busy the workers are. Without\n"
        "SERVICE all that are found; of a single one its methods and workers.\n"
        "\n"
        "  -i, --interval=TIME  between two looks: 1s (the default), 250ms\n"
        "  -n, --count=COUNT    end after so many\n"
        "  -1, --once           the same as --count=1\n"
        "  -j, --json           print a JSON object a line for each service\n"
        "                       and look\n"
        "  -h, --help           print this\n"
        "      --version        print the version\n",
        stdout);
}

typedef struct service {
    cli_watched watched;
    shmrpc_error trouble; /* why it isn't open */
} service;

typedef struct top {
    int64_t interval_ns;
    uint64_t count; /* 0: for ever */
    bool json;
    bool is_all;         /* whatever is found */
    shmrpci_arena arena; /* of their names */
    service *items;
    size_t item_count;
    size_t item_cap;
    int poll_set; /* empty: to sleep by */
} top;

/* ---- services -------------------------------------------------------- */

static bool is_known(const top *t, const char *where, uint16_t port)
{
    for (size_t i = 0; i < t->item_count; i++) {
        if (t->items[i].watched.port == port &&
            strcmp(t->items[i].watched.where, where) == 0) {
            return true;
        }
    }
    return false;
}

static bool grow(top *t)
{
    size_t cap = t->item_cap == 0 ? 16 : t->item_cap * 2;
    service *items = realloc(t->items, cap * sizeof *items);
    if (items == NULL) {
        return false;
    }
    t->items = items;
    t->item_cap = cap;
    return true;
}

/* However many: most may be the sockets of servers that were killed. */
static bool add(top *t, const char *name, const char *where, uint16_t port)
{
    if (is_known(t, where, port)) {
        return true;
    }
    if (t->item_count == t->item_cap && !grow(t)) {
        return false;
    }
    service *it = &t->items[t->item_count];
    *it = (service){
        .watched = {
            .name = shmrpci_arena_strndup(&t->arena, name, strlen(name)),
            .where = shmrpci_arena_strndup(&t->arena, where, strlen(where)),
            .port = port}};
    if (it->watched.name == NULL || it->watched.where == NULL) {
        return false;
    }
    t->item_count++;
    return true;
}

/* Those that have come since. False after printing. */
static cli_exit find_all(top *t)
{
    shmrpci_arena arena;
    cli_places places;
    shmrpc_error error;
    shmrpci_arena_init(&arena, 0);
    int status = cli_places_find(&arena, &places, &error);
    for (size_t i = 0; status == SHMRPC_OK && i < places.count; i++) {
        const cli_place *place = &places.items[i];
        if (!place->hidden && !add(t, place->address + strlen("shm://"),
                                   place->address, place->port)) {
            status =
                shmrpc_error_set(&error, SHMRPC_E_NO_MEMORY, "out of memory");
        }
    }
    shmrpci_arena_fini(&arena);
    return status == SHMRPC_OK
               ? CLI_OK
               : cli_fail_error(cli_exit_of_open(status), NULL, &error);
}

static cli_exit find_named(top *t, char *const *names, int count,
                           shmrpci_buf *message)
{
    shmrpci_arena arena;
    cli_target target;
    cli_exit result = CLI_OK;
    shmrpci_arena_init(&arena, 0);
    for (int i = 0; i < count && result == CLI_OK; i++) {
        int status = cli_target_find(&arena, names[i], NULL, &target, message);
        if (status == SHMRPC_OK &&
            !add(t, names[i], target.where, target.port)) {
            status = SHMRPC_E_NO_MEMORY;
            shmrpci_buf_append_text(message, "out of memory");
        }
        if (status != SHMRPC_OK) {
            result = cli_exit_of_open(status);
        }
    }
    shmrpci_arena_fini(&arena);
    return result;
}

static void look(service *it)
{
    int status = SHMRPC_OK;
    if (it->watched.stats == NULL) {
        status = cli_watched_open(&it->watched, OPEN_NS, &it->trouble);
    }
    if (status == SHMRPC_OK) {
        status = cli_watched_look(&it->watched, &it->trouble);
    }
    if (status != SHMRPC_OK) {
        cli_watched_close(&it->watched);
    }
}

static size_t look_at_all(top *t)
{
    size_t open = 0;
    for (size_t i = 0; i < t->item_count; i++) {
        look(&t->items[i]);
        open += t->items[i].watched.stats != NULL;
    }
    return open;
}

/* ---- printing -------------------------------------------------------- */

static void print_json(const top *t)
{
    for (size_t i = 0; i < t->item_count; i++) {
        const service *it = &t->items[i];
        shmrpci_buf out;
        shmrpci_buf_init_heap(&out);
        if (it->watched.now != NULL) {
            cli_figures_json(&it->watched, true, &out);
            cli_print_line(&out);
        } else if (!t->is_all) {
            shmrpci_buf_append_char(&out, '{');
            cli_append_json_key(&out, "address");
            cli_append_json_text(&out, it->watched.where,
                                 strlen(it->watched.where));
            cli_append_json_key(&out, "trouble");
            cli_append_json_text(&out, it->trouble.message,
                                 strlen(it->trouble.message));
            shmrpci_buf_append_char(&out, '}');
            cli_print_line(&out);
        }
        shmrpci_buf_fini(&out);
    }
}

static int width_of(const top *t)
{
    size_t width = strlen("SERVICE");
    for (size_t i = 0; i < t->item_count; i++) {
        size_t len = strlen(t->items[i].watched.name);
        width = len > width ? len : width;
    }
    return (int)width;
}

/* Sockets that nobody listens at are of no interest, unless asked for. */
static void append_rows(const top *t, shmrpci_buf *out)
{
    int width = width_of(t);
    cli_figures_row_head(width, out);
    for (size_t i = 0; i < t->item_count; i++) {
        const service *it = &t->items[i];
        if (it->watched.now != NULL) {
            cli_figures_row(&it->watched, width, out);
        } else if (!t->is_all) {
            shmrpci_buf_printf(out, "%-*s  %s\n", width, it->watched.name,
                               it->trouble.message);
        }
    }
}

/* On a terminal over what was there; lines that are too long are cut. */
static void print_text(const top *t)
{
    bool is_live = cli_out_is_terminal() && t->count != 1;
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    if (is_live) {
        shmrpci_buf_append_text(&out, "\033[?7l\033[H\033[J");
    }
    append_rows(t, &out);
    if (t->item_count == 1 && t->items[0].watched.now != NULL) {
        shmrpci_buf_append_char(&out, '\n');
        cli_figures_text(&t->items[0].watched, true, true, &out);
    }
    shmrpci_buf_append_text(&out, is_live ? "\033[?7h" : "\n");
    fwrite(out.data, 1, out.len, stdout);
    shmrpci_buf_fini(&out);
}

/* ---- the loop -------------------------------------------------------- */

static void rest(const top *t)
{
    uint64_t tag;
    (void)shmrpci_poll_wait(t->poll_set, &tag, 1,
                            shmrpci_deadline_after(t->interval_ns));
}

static cli_exit watch(top *t)
{
    size_t open = look_at_all(t);
    if (!t->is_all && open == 0) {
        return cli_fail_error(CLI_ABSENT, t->items[0].watched.name,
                              &t->items[0].trouble);
    }
    for (uint64_t round = 0; t->count == 0 || round < t->count; round++) {
        rest(t);
        cli_exit result = t->is_all ? find_all(t) : CLI_OK;
        if (result != CLI_OK) {
            return result;
        }
        (void)look_at_all(t);
        if (t->json) {
            print_json(t);
        } else {
            print_text(t);
        }
        if (fflush(stdout) != 0) {
            return CLI_TROUBLE; /* nobody reads it any more */
        }
    }
    return CLI_OK;
}

static cli_exit run(void *user, const cli_line *line, shmrpci_buf *message)
{
    top *t = user;
    t->poll_set = -1;
    shmrpci_arena_init(&t->arena, 0);
    t->is_all = line->count == 0;
    cli_exit result = CLI_TROUBLE;
    if (shmrpci_poll_create(&t->poll_set) == SHMRPC_OK) {
        result = t->is_all
                     ? find_all(t)
                     : find_named(t, line->argv + 1, line->count, message);
        if (result == CLI_OK) {
            result = watch(t);
        }
    }
    for (size_t i = 0; i < t->item_count; i++) {
        cli_watched_close(&t->items[i].watched);
    }
    free(t->items);
    shmrpci_arena_fini(&t->arena);
    shmrpci_fd_close(&t->poll_set);
    return result;
}

static cli_exit take(void *user, int option, shmrpci_buf *message)
{
    top *t = user;
    switch (option) {
    case 'i':
        return cli_read_duration(optarg, &t->interval_ns) &&
                       t->interval_ns >= 10 * SHMRPCI_NS_PER_MS
                   ? CLI_OK
                   : cli_bad_value(message, "interval",
                                   "10ms or more, as in 2s or 500ms");
    case 'n':
        return cli_read_count(optarg, UINT32_MAX, &t->count)
                   ? CLI_OK
                   : cli_bad_value(message, "count", "1 or more");
    case '1':
        t->count = 1;
        return CLI_OK;
    case 'j':
        t->json = true;
        return CLI_OK;
    default:
        return CLI_USAGE;
    }
}

cli_exit cli_top(int argc, char **argv)
{
    top t = {.interval_ns = SHMRPCI_NS_PER_S};
    const cli_syntax syntax = {cli_top_options, false, print_help, take, run};
    return cli_run(argc, argv, &syntax, &t);
}

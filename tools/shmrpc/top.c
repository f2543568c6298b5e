/*
 * The command top: current figures of services.
 *
 * A loop waits for an interval, samples all services, and prints. Sampling
 * costs the services nothing. On a terminal it redraws the screen and takes
 * keys; in a pipe it prints one table, or a line of JSON for each service, per
 * sample.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/nearest.h"
#include "os/clock.h"
#include "os/memory.h"
#include "os/poll.h"
#include "os/signals.h"
#include "tools/shmrpc/command.h"
#include "tools/shmrpc/figures.h"
#include "tools/shmrpc/machines.h"
#include "tools/shmrpc/managed.h"
#include "tools/shmrpc/terminal.h"

/* How long a service that does not answer may delay all others. */
#define OPEN_NS (300 * SHMRPCI_NS_PER_MS)
/* The same limit for the first sample of the services that the command line
 * names: nothing can be shown before it. */
#define FIRST_OPEN_NS (5 * SHMRPCI_NS_PER_S)

const struct option cli_top_options[] = {
    {"interval", required_argument, NULL, 'i'},
    {"count", required_argument, NULL, 'n'},
    {"once", no_argument, NULL, '1'},
    {"sort", required_argument, NULL, 's'},
    {"reverse", no_argument, NULL, 'r'},
    CLI_NATS_OPTION,
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
        "Shows continuously what services do: calls and errors a second,\n"
        "how long calls take and wait, how busy the workers are. Without\n"
        "SERVICE it shows all that it finds; for a single one also methods "
        "and\n"
        "workers. On a terminal, columns that don't fit are left out, and "
        "these\n"
        "keys work: q quits, r reverses the order, and n, c, e, p, b, u and m\n"
        "sort by name, calls, errors, p99, busy, cpu and memory.\n"
        "\n"
        "  -i, --interval=TIME  time between updates: 1s (the default), 250ms\n"
        "  -n, --count=COUNT    end after this many updates\n"
        "  -1, --once           the same as --count=1\n"
        "  -s, --sort=COLUMN    by name (the default), calls, errors, p99,\n"
        "                       busy, cpu or memory\n"
        "  -r, --reverse        reverse the order\n" CLI_NATS_HELP
        "  -j, --json           print one JSON object per line for each\n"
        "                       service and update\n"
        "  -h, --help           print this\n"
        "      --version        print the version\n",
        stdout);
}

/* A service in the list. It stays there after its server ends: `trouble` says
 * why, and the next server's figures appear in the same row. */
typedef struct service {
    cli_watched watched;
    shmrpc_error trouble; /* why it isn't open */
} service;

/* The state of the display, and its options. */
typedef struct top {
    int64_t interval_ns; /* time between two samples */
    uint64_t count;      /* number of samples; 0: no limit */
    bool json;           /* print JSON instead of tables */
    cli_nats nats;       /* show gateways of a cluster instead */
    bool is_all;         /* show every service that is found */
    bool is_live;        /* redraws the screen */
    cli_layout layout;   /* layout of the tables; keys change it */
    cli_keys keys;       /* on a terminal only */
    int signal_fd;       /* open while keys are read: reports signals that end
                          * the program; else -1 */
    shmrpci_arena arena; /* holds the services' names */
    service *items;      /* services, including those that have ended */
    size_t item_count;
    size_t item_cap; /* room in `items` */
    int poll_set;    /* waits for keys and signals */
} top;

/* ---- services -------------------------------------------------------- */

/* Compared by address and port: two names may stand for one service. */
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

/* Entries may move, so keep no pointer to one beyond a sample. */
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

/* Adds a service that isn't in the list yet. There is no limit on their number,
 * since most may be dead sockets of killed servers. */
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

/* Adds services that have started since the last call. Ended ones stay, because
 * they may come back. Prints errors. */
static cli_exit find_all(top *t)
{
    shmrpci_arena arena;
    svc_places places;
    shmrpc_error error;
    shmrpci_arena_init(&arena, 0);
    int status = svc_places_find(&arena, &places, &error);
    for (size_t i = 0; status == SHMRPC_OK && i < places.count; i++) {
        const svc_place *place = &places.items[i];
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

/* A wrong name ends the command: without that service the display would seem to
 * show that all is well. */
static cli_exit find_named(top *t, char *const *names, int count,
                           shmrpci_buf *message)
{
    shmrpci_arena arena;
    svc_target target;
    cli_exit result = CLI_OK;
    shmrpci_arena_init(&arena, 0);
    for (int i = 0; i < count && result == CLI_OK; i++) {
        int status = cli_find(&arena, names[i], NULL, &target, message);
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

/* A service that was lost is opened again at the next sample, since a new
 * server may run by then. */
static void look(service *it, int64_t open_ns)
{
    int status = SHMRPC_OK;
    if (it->watched.stats == NULL) {
        status = cli_watched_open(&it->watched, open_ns, &it->trouble);
    }
    if (status == SHMRPC_OK) {
        status = cli_watched_look(&it->watched, &it->trouble);
    }
    if (status != SHMRPC_OK) {
        cli_watched_close(&it->watched);
    }
}

/* Returns how many services could be sampled. */
static size_t look_at_all(top *t, int64_t open_ns)
{
    size_t open = 0;
    for (size_t i = 0; i < t->item_count; i++) {
        look(&t->items[i], open_ns);
        open += t->items[i].watched.stats != NULL;
    }
    return open;
}

/* ---- printing -------------------------------------------------------- */

/* Prints one object for each service and sample. A named service that can't be
 * sampled has an object too, with the reason. */
static void print_json(top *t)
{
    for (size_t i = 0; i < t->item_count; i++) {
        service *it = &t->items[i];
        shmrpci_buf out;
        shmrpci_buf_init_heap(&out);
        if (it->watched.now != NULL) {
            cli_figures_json(&it->watched, true, &out);
            cli_print_line(&out);
        } else if (!t->is_all) {
            shmrpci_buf_append_char(&out, '{');
            shmrpci_json_key(&out, "address");
            shmrpci_json_string(&out, it->watched.where,
                                strlen(it->watched.where));
            shmrpci_json_key(&out, "trouble");
            shmrpci_json_string(&out, it->trouble.message,
                                strlen(it->trouble.message));
            shmrpci_buf_append_char(&out, '}');
            cli_print_line(&out);
        }
        shmrpci_buf_fini(&out);
    }
}

/* A column that rows can be sorted by, and its key. */
typedef struct sorting {
    const char *name; /* name of the column */
    char key;         /* the key that selects it */
    cli_sort sort;
} sorting;

static const sorting sortings[] = {
    {"name", 'n', CLI_SORT_NAME},     {"calls", 'c', CLI_SORT_CALLS},
    {"errors", 'e', CLI_SORT_ERRORS}, {"p99", 'p', CLI_SORT_P99},
    {"busy", 'b', CLI_SORT_BUSY},     {"cpu", 'u', CLI_SORT_CPU},
    {"memory", 'm', CLI_SORT_MEMORY},
};

enum { SORTINGS = sizeof sortings / sizeof *sortings };

/* The width of the first column: the longest name, but no more than half of the
 * screen. */
static size_t width_of(const top *t)
{
    size_t width = strlen("SERVICE");
    for (size_t i = 0; i < t->item_count; i++) {
        const char *name = t->items[i].watched.name;
        size_t its = cli_columns_of(name, strlen(name));
        width = its > width ? its : width;
    }
    return t->layout.columns > 0 && width > t->layout.columns / 2
               ? t->layout.columns / 2
               : width;
}

/* Sockets without a listener are not shown, unless requested. */
static void append_rows(const top *t, shmrpci_buf *out)
{
    cli_rank *ranks = calloc(t->item_count + 1, sizeof *ranks);
    if (ranks == NULL) {
        shmrpci_buf_fail(out, SHMRPC_E_NO_MEMORY);
        return;
    }
    for (size_t i = 0; i < t->item_count; i++) {
        const cli_watched *w = &t->items[i].watched;
        ranks[i] = (cli_rank){w->name, cli_figures_rank(w, t->layout.sort), i};
    }
    cli_ranks_sort(ranks, t->item_count, &t->layout);
    cli_figures_row_head(&t->layout, out);
    for (size_t i = 0; i < t->item_count; i++) {
        const service *it = &t->items[ranks[i].index];
        if (it->watched.now != NULL) {
            cli_figures_row(&it->watched, &t->layout, out);
        } else if (!t->is_all) {
            cli_columns_pad(out, it->watched.name, t->layout.names);
            shmrpci_buf_printf(out, "  %s\n", it->trouble.message);
        }
    }
    free(ranks);
}

/* Appends the time of the sample, the interval, the sort order, and the
 * keys. */
static void append_head(const top *t, shmrpci_buf *out)
{
    char clock[32] = "?";
    time_t now = time(NULL);
    const struct tm *local = localtime(&now);
    if (local != NULL) {
        (void)strftime(clock, sizeof clock, "%H:%M:%S", local);
    }
    shmrpci_buf_printf(out, "%s  every ", clock);
    cli_append_time(out, (double)t->interval_ns);
    for (size_t i = 0; i < SORTINGS; i++) {
        if (sortings[i].sort == t->layout.sort) {
            shmrpci_buf_printf(out, "  by %s%s", sortings[i].name,
                               t->layout.is_reversed ? ", reversed" : "");
        }
    }
    if (t->keys.is_on) {
        shmrpci_buf_append_text(out, "\nq quit, r reverse, by");
        for (size_t i = 0; i < SORTINGS; i++) {
            shmrpci_buf_printf(out, " %c %s%s", sortings[i].key,
                               sortings[i].name, i + 1 < SORTINGS ? "," : "");
        }
    }
    shmrpci_buf_append_text(out, "\n\n");
}

/* A single service has room for its methods and workers. */
static void append_screen(top *t, shmrpci_buf *out)
{
    t->layout.names = width_of(t);
    append_head(t, out);
    append_rows(t, out);
    if (t->item_count == 1 && t->items[0].watched.now != NULL) {
        shmrpci_buf_append_char(out, '\n');
        cli_figures_text(&t->items[0].watched, true, true, &t->layout, out);
    }
}

/* On a terminal each sample replaces the previous one; in a file they follow
 * one another. */
static void print_text(top *t)
{
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    if (t->is_live) {
        size_t rows;
        shmrpci_buf screen;
        shmrpci_buf_init_heap(&screen);
        cli_screen_size(&rows, &t->layout.columns);
        append_screen(t, &text);
        cli_screen_fill(&screen, &text, rows, t->layout.columns);
        fwrite(screen.data, 1, screen.len, stdout);
        shmrpci_buf_fini(&screen);
    } else {
        append_screen(t, &text);
        shmrpci_buf_append_char(&text, '\n');
        fwrite(text.data, 1, text.len, stdout);
    }
    shmrpci_buf_fini(&text);
}

/* Flushes, so that the reader of a pipe gets each sample when it is taken.
 * Returns false if nobody reads the output any more. */
static bool print(top *t)
{
    if (t->json) {
        print_json(t);
    } else {
        print_text(t);
    }
    return fflush(stdout) == 0;
}

/* ---- keys ------------------------------------------------------------ */

/* Tags of the events that interrupt the wait between two samples. */
enum { TAG_KEYS = 1, TAG_SIGNAL = 2 };

/* Reads keys only on a live display whose input is a terminal. Then it also
 * waits for signals, since the terminal must be reset before the program
 * ends. */
static void listen_to_keys(top *t)
{
    if (!t->is_live || !cli_keys_enter(&t->keys)) {
        return;
    }
    if (shmrpci_signals_open(&t->signal_fd) != SHMRPC_OK ||
        shmrpci_poll_add(t->poll_set, t->signal_fd, SHMRPCI_POLL_LEVEL,
                         TAG_SIGNAL) != SHMRPC_OK ||
        shmrpci_poll_add(t->poll_set, 0, SHMRPCI_POLL_LEVEL, TAG_KEYS) !=
            SHMRPC_OK) {
        cli_keys_leave(&t->keys);
    }
}

/* Handles all pressed keys, and ignores unknown ones. Returns false if the
 * program must end, because of `q` or because the terminal is gone. */
static bool take_keys(top *t)
{
    int key;
    while ((key = cli_keys_next()) > 0) {
        if (key == 'q' || key == 'Q') {
            return false;
        }
        t->layout.is_reversed ^= key == 'r';
        for (size_t i = 0; i < SORTINGS; i++) {
            if (key == sortings[i].key) {
                t->layout.sort = sortings[i].sort;
            }
        }
    }
    return key == 0;
}

/* Waits until the next sample is due, and handles keys at once. Returns false
 * if the program must end. Key mode is entered again each time, because the
 * shell may have reset the terminal after a stop. */
static bool rest(top *t, bool has_looked)
{
    int64_t deadline_ns = shmrpci_deadline_after(t->interval_ns);
    uint64_t tag;
    if (t->keys.is_on) {
        (void)cli_keys_enter(&t->keys);
    }
    while (shmrpci_remaining_ns(deadline_ns) > 0) {
        size_t count = shmrpci_poll_wait(t->poll_set, &tag, 1, deadline_ns);
        shmrpci_signal signal;
        if (count > 0 && tag == TAG_SIGNAL) {
            while (shmrpci_signals_next(t->signal_fd, &signal)) {
                if (signal != SHMRPCI_SIGNAL_CHILD) {
                    return false;
                }
            }
        } else if (count > 0 && (!take_keys(t) || (has_looked && !print(t)))) {
            return false;
        }
    }
    return true;
}

/* ---- the loop -------------------------------------------------------- */

/* The first sample only begins the first interval: rates need two samples. */
static cli_exit watch(top *t)
{
    size_t open = look_at_all(t, t->is_all ? OPEN_NS : FIRST_OPEN_NS);
    if (!t->is_all && open == 0) {
        return cli_fail_error(CLI_ABSENT, t->items[0].watched.name,
                              &t->items[0].trouble);
    }
    listen_to_keys(t);
    for (uint64_t round = 0; t->count == 0 || round < t->count; round++) {
        if (!rest(t, round > 0)) {
            return CLI_OK;
        }
        cli_exit result = t->is_all ? find_all(t) : CLI_OK;
        if (result != CLI_OK) {
            return result;
        }
        (void)look_at_all(t, OPEN_NS);
        if (!print(t)) {
            return CLI_TROUBLE; /* standard output has no reader any more */
        }
    }
    return CLI_OK;
}

/* Resets the terminal, however the command ends. */
static cli_exit run(void *user, const cli_line *line, shmrpci_buf *message)
{
    top *t = user;
    if (t->nats.is_on) {
        if (line->count > 0) {
            shmrpci_buf_append_text(message,
                                    "--nats takes no SERVICE: it shows all "
                                    "services of the cluster");
            return CLI_USAGE;
        }
        return cli_machines_top(&t->nats, t->json, t->interval_ns, t->count);
    }
    t->poll_set = t->signal_fd = -1;
    shmrpci_arena_init(&t->arena, 0);
    t->is_all = line->count == 0;
    t->is_live = cli_out_is_terminal() && t->count != 1 && !t->json;
    cli_exit result = CLI_TROUBLE;
    if (shmrpci_poll_create(&t->poll_set) == SHMRPC_OK) {
        result = t->is_all
                     ? find_all(t)
                     : find_named(t, line->argv + 1, line->count, message);
        if (result == CLI_OK) {
            result = watch(t);
        }
    }
    cli_keys_leave(&t->keys);
    if (t->is_live && result == CLI_OK) {
        putchar('\n');
    }
    for (size_t i = 0; i < t->item_count; i++) {
        cli_watched_close(&t->items[i].watched);
    }
    free(t->items);
    shmrpci_arena_fini(&t->arena);
    shmrpci_fd_close(&t->signal_fd);
    shmrpci_fd_close(&t->poll_set);
    return result;
}

/* A wrong word gets a suggestion, as everywhere in this program. */
static cli_exit take_sort(top *t, shmrpci_buf *message)
{
    const char *names[SORTINGS];
    for (size_t i = 0; i < SORTINGS; i++) {
        names[i] = sortings[i].name;
        if (strcmp(optarg, names[i]) == 0) {
            t->layout.sort = sortings[i].sort;
            return CLI_OK;
        }
    }
    shmrpci_buf_printf(message, "there is no column `%.64s` to sort by",
                       optarg);
    shmrpci_nearest_suggest(message, optarg, names, SORTINGS, "");
    return CLI_USAGE;
}

/* The minimum interval keeps a typing error from wasting a CPU. */
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
    case 's':
        return take_sort(t, message);
    case 'r':
        t->layout.is_reversed = true;
        return CLI_OK;
    case 'N':
        cli_nats_take(&t->nats);
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
    top t = {.interval_ns = SHMRPCI_NS_PER_S, .layout.sort = CLI_SORT_NAME};
    const cli_syntax syntax = {cli_top_options, false, print_help, take, run};
    return cli_run(argc, argv, &syntax, &t);
}

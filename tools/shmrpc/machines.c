/*
 * Tables of a cluster's gateways.
 *
 * A `!` marks a contract that differs between gateways of one service, and a
 * line on standard error says so: a client built for one contract is refused,
 * or lacks a method, if it reaches a gateway with another one.
 */
#include "tools/shmrpc/machines.h"

#include <stdio.h>
#include <string.h>

#include "os/clock.h"
#include "tools/common/cluster.h"
#include "tools/shmrpc/terminal.h"

/* ---- addresses --------------------------------------------------------- */

const char *cli_machines_at(const cli_nats *nats, const char *service,
                            const char *at, shmrpci_buf *text)
{
    if (!nats->is_on) {
        return at;
    }
    tool_cluster_at(nats->servers, service, text);
    return shmrpci_buf_text(text);
}

/* ---- columns ----------------------------------------------------------- */

/* Column widths, large enough for the longest text. */
typedef struct widths {
    int service;
    int host;
    int zone;
} widths;

static void widen(int *width, const char *text)
{
    int len = (int)strlen(text);
    *width = len > *width ? len : *width;
}

static widths widths_of(const tool_gateways *all)
{
    widths w = {(int)strlen("SERVICE"), (int)strlen("HOST"),
                (int)strlen("ZONE")};
    for (size_t i = 0; i < all->count; i++) {
        widen(&w.service, all->items[i].service);
        widen(&w.host, all->items[i].host);
        widen(&w.zone, all->items[i].zone);
    }
    return w;
}

/* " !" if another gateway of the service has a different contract. */
static const char *mark_of(const tool_gateways *all, const tool_gateway *one)
{
    return tool_cluster_differs(all, one) ? " !" : "";
}

static bool is_same_service(const tool_gateway *a, const tool_gateway *b)
{
    return strcmp(a->service, b->service) == 0;
}

/* Warns once for each service with several contracts. Gateways are sorted by
 * service. */
static void warn(const tool_gateways *all)
{
    for (size_t i = 0; i < all->count; i++) {
        const tool_gateway *one = &all->items[i];
        bool is_first = i == 0 || !is_same_service(&all->items[i - 1], one);
        if (is_first && tool_cluster_differs(all, one)) {
            fprintf(stderr,
                    "shmrpc: the gateways of `%s` have different contracts "
                    "(!): what a client may call depends on its gateway\n",
                    one->service);
        }
    }
}

static void say_none(const cli_nats *nats)
{
    fprintf(stderr, "No gateway of shmrpc answers at %s.\n",
            nats->servers != NULL ? nats->servers : tool_cluster_usual());
}

/* ---- list -------------------------------------------------------------- */

/* The gateways of one service that have the same contract. */
typedef struct group {
    const tool_gateway *first;
    size_t gateways;
    size_t hosts;
    uint64_t calls;
} group;

static bool is_same(const tool_gateway *a, const tool_gateway *b)
{
    return is_same_service(a, b) && strcmp(a->hash, b->hash) == 0;
}

/* Gathers the group of gateway `first`. Returns false if the group was shown
 * already, because an earlier gateway belongs to it, too. */
static bool gather(const tool_gateways *all, size_t first, group *out)
{
    const char *host = NULL;
    *out = (group){.first = &all->items[first]};
    for (size_t i = 0; i < all->count; i++) {
        const tool_gateway *one = &all->items[i];
        if (!is_same(one, out->first)) {
            continue;
        }
        if (i < first) {
            return false;
        }
        out->gateways++;
        out->calls += one->calls;
        out->hosts += host == NULL || strcmp(host, one->host) != 0;
        host = one->host; /* gateways are sorted by host */
    }
    return true;
}

static void append_group(const tool_gateways *all, const group *g,
                         shmrpci_buf *out)
{
    shmrpci_buf_append_char(out, '{');
    shmrpci_json_set_text(out, "service", g->first->service);
    shmrpci_json_set_text(out, "version", g->first->version);
    shmrpci_json_set_text(out, "hash", g->first->hash);
    shmrpci_json_set_bool(out, "differs", tool_cluster_differs(all, g->first));
    shmrpci_json_set_uint(out, "gateways", g->gateways);
    shmrpci_json_set_uint(out, "hosts", g->hosts);
    shmrpci_json_set_uint(out, "calls", g->calls);
    shmrpci_buf_append_char(out, '}');
}

static void append_groups(const tool_gateways *all, bool json, shmrpci_buf *out)
{
    widths w = widths_of(all);
    group g;
    if (!json) {
        shmrpci_buf_printf(out, "%-*s  %8s  %5s  %6s  %7s  %s\n", w.service,
                           "SERVICE", "GATEWAYS", "HOSTS", "CALLS", "VERSION",
                           "CONTRACT");
    }
    for (size_t i = 0; i < all->count; i++) {
        if (!gather(all, i, &g)) {
            continue;
        }
        if (json) {
            shmrpci_json_comma(out);
            append_group(all, &g, out);
        } else {
            shmrpci_buf_printf(out, "%-*s  %8zu  %5zu  %6llu  %7s  %s%s\n",
                               w.service, g.first->service, g.gateways, g.hosts,
                               (unsigned long long)g.calls, g.first->version,
                               g.first->hash, mark_of(all, g.first));
        }
    }
}

/* ---- ps ---------------------------------------------------------------- */

static void append_gateways(const tool_gateways *all, bool json,
                            shmrpci_buf *out)
{
    widths w = widths_of(all);
    if (!json) {
        shmrpci_buf_printf(out, "%-*s  %-*s  %-*s  %-22s  %5s  %5s  %7s  %s\n",
                           w.host, "HOST", w.zone, "ZONE", w.service, "SERVICE",
                           "INSTANCE", "CALLS", "LINKS", "VERSION", "CONTRACT");
    }
    for (size_t i = 0; i < all->count; i++) {
        const tool_gateway *one = &all->items[i];
        if (json) {
            shmrpci_json_comma(out);
            tool_gateway_append(all, one, out);
        } else {
            shmrpci_buf_printf(
                out, "%-*s  %-*s  %-*s  %-22s  %5llu  %5llu  %7s  %s%s\n",
                w.host, one->host, w.zone, one->zone, w.service, one->service,
                one->id, (unsigned long long)one->calls,
                (unsigned long long)one->links, one->version, one->hash,
                mark_of(all, one));
        }
    }
}

/* ---- list, ps and top -------------------------------------------------- */

typedef void append_table(const tool_gateways *all, bool json,
                          shmrpci_buf *out);

/* With --json an empty list is printed as an empty array. */
static void print(const cli_nats *nats, const tool_gateways *all,
                  append_table *append, bool json)
{
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    if (json) {
        shmrpci_buf_append_char(&out, '[');
        append(all, true, &out);
        shmrpci_buf_append_text(&out, "]\n");
    } else if (all->count > 0) {
        append(all, false, &out);
    }
    if (out.len > 0) {
        (void)fwrite(out.data, 1, out.len, stdout);
    }
    shmrpci_buf_fini(&out);
    if (all->count == 0) {
        say_none(nats);
    }
    warn(all);
}

static cli_exit show(const cli_nats *nats, append_table *append, bool json)
{
    tool_gateways all;
    shmrpc_error error;
    int status = tool_cluster_ask(nats->servers, &all, &error);
    if (status != SHMRPC_OK) {
        return cli_fail_error(cli_exit_of_open(status), NULL, &error);
    }
    print(nats, &all, append, json);
    tool_cluster_free(&all);
    return CLI_OK;
}

cli_exit cli_machines_list(const cli_nats *nats, bool json)
{
    return show(nats, append_groups, json);
}

cli_exit cli_machines_ps(const cli_nats *nats, bool json)
{
    return show(nats, append_gateways, json);
}

/* Overwrites the screen, and needs no cleanup: Ctrl-C may end it at any
 * time. */
static void print_over(const tool_gateways *all)
{
    size_t rows;
    size_t columns;
    shmrpci_buf table;
    shmrpci_buf screen;
    shmrpci_buf_init_heap(&table);
    shmrpci_buf_init_heap(&screen);
    cli_screen_size(&rows, &columns);
    append_gateways(all, false, &table);
    cli_screen_fill(&screen, &table, rows, columns);
    (void)fwrite(screen.data, 1, screen.len, stdout);
    shmrpci_buf_fini(&table);
    shmrpci_buf_fini(&screen);
}

cli_exit cli_machines_top(const cli_nats *nats, bool json, int64_t interval_ns,
                          uint64_t count)
{
    bool is_live = cli_out_is_terminal() && !json && count != 1;
    for (uint64_t round = 0; count == 0 || round < count; round++) {
        int64_t next_ns = shmrpci_deadline_after(interval_ns);
        tool_gateways all;
        shmrpc_error error;
        int status = tool_cluster_ask(nats->servers, &all, &error);
        if (status != SHMRPC_OK) {
            return cli_fail_error(cli_exit_of_open(status), NULL, &error);
        }
        if (is_live) {
            print_over(&all);
        } else {
            print(nats, &all, append_gateways, json);
        }
        tool_cluster_free(&all);
        if (fflush(stdout) != 0) {
            return CLI_TROUBLE;
        }
        if (count == 0 || round + 1 < count) {
            shmrpci_sleep_until(next_ns);
        }
    }
    return CLI_OK;
}

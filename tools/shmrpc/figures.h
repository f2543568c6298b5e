/*
 * Statistics of a service as people and programs read them: what stats and top
 * print.
 *
 * Threading: main thread.
 */
#ifndef SHMRPC_TOOLS_FIGURES_H
#define SHMRPC_TOOLS_FIGURES_H

#include "base/arena.h"
#include "base/buf.h"
#include "shmrpc/observe.h"
#include "tools/shmrpc/cli.h"

/* What a worker's process costs; all -1: not to be seen. */
typedef struct cli_usage {
    double cpu; /* CPUs, in use since the usage before, or since it began */
    int64_t pss_bytes;
    int64_t threads;
    int64_t descriptors;
} cli_usage;

/* A service that is looked at, and the look before. */
typedef struct cli_watched {
    const char *name; /* as it was asked for */
    const char *where;
    uint16_t port;
    shmrpc_stats *stats;     /* NULL: not open */
    shmrpc_snapshot *before; /* NULL: this was the first look */
    shmrpc_snapshot *now;
    shmrpc_snapshot *between;      /* what happened since `before`; or NULL */
    struct cli_process *processes; /* of the workers, as seen before */
    uint32_t process_count;
    cli_usage *usages; /* of the workers in `now` */
} cli_watched;

/* Opens it, within `timeout_ns`; prints nothing. Statuses of
 * shmrpc_stats_open. */
int cli_watched_open(cli_watched *w, int64_t timeout_ns, shmrpc_error *error);

/* Takes a look: `now`, `between` and `usages` are of this one then. Statuses of
 * shmrpc_stats_read; UNAVAILABLE: the server has ended. */
int cli_watched_look(cli_watched *w, shmrpc_error *error);

void cli_watched_close(cli_watched *w);

/* One JSON object: of `between` if `is_rate`, else of `now`. */
void cli_figures_json(const cli_watched *w, bool is_rate, shmrpci_buf *out);

/* A head line, and tables of the methods that were called, of errors, and,
 * `with_workers`, of workers. With `is_rate` counts are per second. */
void cli_figures_text(const cli_watched *w, bool is_rate, bool with_workers,
                      shmrpci_buf *out);

/* One line of a table of services, and that table's head. */
void cli_figures_row(const cli_watched *w, int width, shmrpci_buf *out);
void cli_figures_row_head(int width, shmrpci_buf *out);

#endif

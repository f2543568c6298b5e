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
#include "tools/common/samples.h"
#include "tools/shmrpc/cli.h"

/* Resources of a worker's process; all are -1 if they are not visible. */
typedef struct cli_usage {
    double cpu; /* CPUs used since the previous sample, or since the process
                 * began */
    int64_t pss_bytes;   /* memory; a page that n processes share counts 1/n */
    int64_t threads;     /* all threads, idle ones too */
    int64_t descriptors; /* open descriptors */
} cli_usage;

/* A service that is sampled, with its previous sample. */
typedef struct cli_watched {
    const char *name;  /* the name that the user gave */
    const char *where; /* its address */
    uint16_t port;
    shmrpc_stats *stats;      /* NULL: not open */
    shmrpc_snapshot *before;  /* NULL: this was the first sample */
    shmrpc_snapshot *now;     /* the last sample; NULL: none */
    shmrpc_snapshot *between; /* the difference between `before` and `now`; may
                               * be NULL */
    tool_samples processes;   /* of the workers */
    cli_usage *usages;        /* of the workers in `now` */
} cli_watched;

/* Opens the statistics of a service, within `timeout_ns`. Prints nothing.
 * Returns the statuses of shmrpc_stats_open. */
int cli_watched_open(cli_watched *w, int64_t timeout_ns, shmrpc_error *error);

/* Takes a sample and sets `now`, `between` and `usages`. Returns the statuses
 * of shmrpc_stats_read; UNAVAILABLE means that the server has ended. */
int cli_watched_look(cli_watched *w, shmrpc_error *error);

void cli_watched_close(cli_watched *w);

/* Appends one JSON object, made from `between` if `is_rate`, else from
 * `now`. */
void cli_figures_json(cli_watched *w, bool is_rate, shmrpci_buf *out);

/* The sort order of rows: names ascending, everything else descending. */
typedef enum cli_sort {
    CLI_SORT_NONE, /* unsorted */
    CLI_SORT_NAME,
    CLI_SORT_CALLS,
    CLI_SORT_ERRORS,
    CLI_SORT_P99,
    CLI_SORT_BUSY,
    CLI_SORT_CPU,
    CLI_SORT_MEMORY
} cli_sort;

/* How tables are laid out. */
typedef struct cli_layout {
    size_t columns;   /* width of the screen, beyond which columns are left out;
                       * 0: no limit */
    size_t names;     /* width of the first cell in a table of services */
    cli_sort sort;    /* the column to sort by */
    bool is_reversed; /* in reverse order */
} cli_layout;

/* Appends a head line, and tables of the methods that were called, of errors
 * and, if `with_workers`, of workers. With `is_rate`, counts are per second. */
void cli_figures_text(const cli_watched *w, bool is_rate, bool with_workers,
                      const cli_layout *layout, shmrpci_buf *out);

/* Append one line of the table of services, or the table's head. */
void cli_figures_row(const cli_watched *w, const cli_layout *layout,
                     shmrpci_buf *out);
void cli_figures_row_head(const cli_layout *layout, shmrpci_buf *out);

/* An entry to sort: a service, a method or a worker. */
typedef struct cli_rank {
    const char *name;
    double value; /* the sort key */
    size_t index; /* position before sorting */
} cli_rank;

/* The sort key of a service; 0 if the service can't be read. */
double cli_figures_rank(const cli_watched *w, cli_sort sort);

/* Sorts entries; equal ones keep their order. */
void cli_ranks_sort(cli_rank *ranks, size_t count, const cli_layout *layout);

#endif

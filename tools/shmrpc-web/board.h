/*
 * The board: figures of all services, read each second on a thread of its own.
 *
 * It shows the counters of services (shmrpc/observe.h) and the figures of their
 * processes in /proc. Rates cover the last second, percentiles the last 1 to 5
 * seconds. The history is kept in memory (past.h).
 *
 * Threading: any thread.
 */
#ifndef SHMRPC_WEB_BOARD_H
#define SHMRPC_WEB_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "shmrpc/error.h"
#include "shmrpc/observe.h"
#include "tools/shmrpc-web/directory.h"
#include "tools/shmrpc-web/past.h"

typedef struct web_board web_board;

/* Figures of a span of time. */
typedef struct web_figures {
    float calls_per_s;
    float errors_per_s;
    float items_per_s; /* items of streams, in both directions */
    float stalled;     /* average number of handlers that were waiting for slow
                        * clients */
    float p50_us;      /* service time; 0 if nothing was called */
    float p99_us;
    float queue_p99_us;
    float cpu; /* number of CPUs in use */
    uint64_t memory_bytes;
    uint64_t io_bytes_per_s;
    int64_t cpu_ns; /* CPU time of all running processes, since each began */
} web_figures;

/* The figures of one service. Valid while the callback `see` runs. */
typedef struct web_row {
    const web_place *place;
    const shmrpc_snapshot *total; /* totals since the server's start; NULL:
                                   * none */
    web_figures now;
    uint32_t workers;
} web_row;

/* Starts the thread. `ticked_fd` is an event, which is set when there are new
 * figures. */
int web_board_open(web_directory *directory, int ticked_fd, web_board **out,
                   shmrpc_error *error);
void web_board_close(web_board *board);

/* Calls `see` for each place, sorted by name. A lock is held, so `see` must not
 * block. */
typedef void web_see(const web_row *row, void *user);
void web_board_see(web_board *board, web_see *see, void *user);

/* Appends the history as a JSON object with the members described in past.h.
 * Returns false if there is no such service. */
bool web_board_append_past(web_board *board, const char *name, web_span span,
                           shmrpci_buf *out);

#endif

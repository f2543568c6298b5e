/*
 * The common log of all services: the newest lines in memory, and a file of the
 * records that the services' own files have too.
 *
 * The file is MGR_CONSOLE_FILE, in the log_dir of the first service that has
 * one. It has the same limits of size and age as that service's own log.
 *
 * Threading: everything under the manager's lock.
 */
#ifndef SHMRPC_TOOLS_SHMRPCD_CONSOLE_H
#define SHMRPC_TOOLS_SHMRPCD_CONSOLE_H

#include "tools/common/log_file.h"
#include "tools/shmrpcd/plan.h"
#include "tools/shmrpcd/record.h"
#include "tools/shmrpcd/ring.h"

#define MGR_CONSOLE_FILE "shmrpcd.log"

typedef struct mgr_console {
    mgr_ring ring; /* each line has the name of its service */
    tool_log_file log;
    char folder[4096]; /* folder of the file; "": there is no file (yet) */
    tool_log_limits limits;
    shmrpci_buf pending; /* lines for the file */
    bool has_failed;     /* the failure to write was reported */
} mgr_console;

/* Returns NULL if memory ran out. */
mgr_console *mgr_console_create(void);
/* Writes the pending lines first. NULL is fine. */
void mgr_console_destroy(mgr_console *console);

/* Adds a line of a service. */
void mgr_console_add(mgr_console *console, const char *service,
                     const mgr_record *record);

/* Writes pending lines to the file. `first` is the plan whose log_dir the file
 * is in; NULL means that there is no file. */
void mgr_console_write(mgr_console *console, const mgr_plan *first);

#endif

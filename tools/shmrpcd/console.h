/*
 * The log of all services together: the newest lines in memory, and a file of
 * the records that the services' own files have too.
 *
 * The file is MGR_CONSOLE_FILE, in the log_dir of the first service that has
 * one, and as large and as old as that service's own.
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
    mgr_ring ring; /* its lines have the name of their service */
    tool_log_file log;
    char folder[4096]; /* "": there is no file (yet) */
    tool_log_limits limits;
    shmrpci_buf pending; /* lines for the file */
    bool has_failed;     /* the failure was reported */
} mgr_console;

/* NULL: out of memory. */
mgr_console *mgr_console_create(void);
/* Writes the last lines before. NULL is fine. */
void mgr_console_destroy(mgr_console *console);

/* Adds a line of a service. */
void mgr_console_add(mgr_console *console, const char *service,
                     const mgr_record *record);

/* Writes new lines to the file. `first` is the plan whose log_dir it is in, or
 * NULL: there is no file. */
void mgr_console_write(mgr_console *console, const mgr_plan *first);

#endif

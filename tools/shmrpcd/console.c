/* The common log of all services. */
#include "tools/shmrpcd/console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/folder.h"

mgr_console *mgr_console_create(void)
{
    mgr_console *c = calloc(1, sizeof *c);
    if (c != NULL) {
        c->log.dir_fd = c->log.fd = -1;
        shmrpci_buf_init_heap(&c->pending);
    }
    return c;
}

/* Reports once that lines can't be stored. Writing is tried again with every
 * line. */
static void note(mgr_console *c, shmrpc_status status)
{
    bool has_failed = status != SHMRPC_OK;
    if (has_failed != c->has_failed) {
        c->has_failed = has_failed;
        fprintf(stderr, "shmrpcd: %s/" MGR_CONSOLE_FILE " %s%s\n", c->folder,
                has_failed ? "can't be written: " : "is written again",
                has_failed ? shmrpci_folder_trouble(c->folder, status) : "");
    }
}

/* Drops lines that can't be written, as mgr_unit_write_log does. */
static void flush(mgr_console *c)
{
    if (c->pending.len > 0 && c->folder[0] != '\0') {
        shmrpc_status status = c->pending.status;
        if (status == SHMRPC_OK && c->log.dir_fd < 0) {
            status = tool_log_file_open(c->folder, MGR_CONSOLE_FILE, &c->log);
        }
        if (status == SHMRPC_OK) {
            status = tool_log_file_add(&c->log, c->pending.data, c->pending.len,
                                       &c->limits);
        }
        note(c, status);
    }
    shmrpci_buf_reset(&c->pending);
}

/* Writes small pieces: a piece is never split between two files, so a large one
 * would exceed the size limit of a file by much. */
void mgr_console_add(mgr_console *c, const char *service,
                     const mgr_record *record)
{
    mgr_line line = record->line;
    line.service = service;
    mgr_ring_add(&c->ring, &line);
    mgr_record_append(&c->pending, service, record);
    if (c->pending.len >= MGR_LINE_BYTES) {
        flush(c);
    }
}

/* The folder may have changed by a reload. */
void mgr_console_write(mgr_console *c, const mgr_plan *first)
{
    const char *folder = first != NULL ? first->log_dir : "";
    if (strcmp(c->folder, folder) != 0) {
        tool_log_file_close(&c->log);
        (void)snprintf(c->folder, sizeof c->folder, "%s", folder);
    }
    if (first != NULL) {
        c->limits = first->log_limits;
    }
    flush(c);
}

void mgr_console_destroy(mgr_console *c)
{
    if (c != NULL) {
        flush(c);
        tool_log_file_close(&c->log);
        shmrpci_buf_fini(&c->pending);
        mgr_ring_fini(&c->ring);
        free(c);
    }
}

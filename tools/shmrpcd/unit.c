/* Units: services under management, and their logs. */
#include "tools/shmrpcd/unit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "os/folder.h"

/* Set once, from the command line, before threads exist. */
static bool echoes;

void mgr_log_set_echo(void)
{
    echoes = true;
}

int64_t mgr_now_unix_ms(void)
{
    struct timespec now;
    (void)timespec_get(&now, TIME_UTC);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the log's file -------------------------------------------------- */

/* Reports once that lines can't be stored. Writing is tried again with every
 * line. */
static void note_log(mgr_unit *unit, shmrpc_status status)
{
    bool failed = status != SHMRPC_OK;
    if (failed != unit->log_failed) {
        unit->log_failed = failed;
        fprintf(stderr, "shmrpcd: %s: the log in %s %s%s\n", unit->plan->name,
                unit->plan->log_dir,
                failed ? "can't be written: " : "is written again",
                failed ? shmrpci_folder_trouble(unit->plan->log_dir, status)
                       : "");
    }
}

/* Opens the file for its first line, and again after a reload. Lines that can't
 * be written are dropped, because memory must not grow while a disk is full.
 * The newest lines are still in the ring. */
void mgr_unit_write_log(mgr_unit *unit)
{
    char name[80];
    shmrpc_status status = SHMRPC_OK;
    if (unit->pending.len == 0 || unit->plan->log_dir == NULL) {
        return;
    }
    if (unit->log.dir_fd < 0) {
        (void)snprintf(name, sizeof name, "%s.log", unit->plan->name);
        status = tool_log_file_open(unit->plan->log_dir, name, &unit->log);
    }
    if (status == SHMRPC_OK) {
        status = unit->pending.status;
    }
    if (status == SHMRPC_OK) {
        status = tool_log_file_add(&unit->log, unit->pending.data,
                                   unit->pending.len, &unit->plan->log_limits);
    }
    note_log(unit, status);
    shmrpci_buf_reset(&unit->pending);
}

/* ---- lines ----------------------------------------------------------- */

/* Lines are collected until the loop's turn is over or there are 16 KiB of
 * them, so that one write stores many. The manager's own messages are not
 * echoed, since they go to standard error in any case. */
void mgr_unit_log(mgr_unit *unit, const mgr_run *run, const mgr_line *line)
{
    const mgr_record record = {*line, run != NULL ? run->pid : 0};
    mgr_ring_add(&unit->ring, line);
    mgr_console_add(unit->console, unit->plan->name, &record);
    if (unit->plan->log_dir != NULL) {
        mgr_record_append(&unit->pending, unit->plan->name, &record);
        if (unit->pending.len >= MGR_LINE_BYTES) {
            mgr_unit_write_log(unit);
        }
    }
    if (echoes && line->origin != MGR_ORIGIN_MANAGER) {
        printf("%s: %.*s\n", unit->plan->name, (int)line->len, line->text);
    }
}

/* A message has two destinations: our own standard error, and the unit's
 * log. */
void mgr_unit_say(mgr_unit *unit, mgr_level level, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const mgr_line line = {.unix_ms = mgr_now_unix_ms(),
                           .level = level,
                           .origin = MGR_ORIGIN_MANAGER,
                           .text = text,
                           .len = strlen(text)};
    fprintf(stderr, "shmrpcd: %s: %s\n", unit->plan->name, text);
    mgr_unit_log(unit, unit->run, &line);
}

/* ---- units ----------------------------------------------------------- */

/* All members start at zero (STOPPED, not wanted), except these. */
mgr_unit *mgr_unit_create(mgr_plan *plan, mgr_console *console)
{
    mgr_unit *unit = calloc(1, sizeof *unit);
    if (unit != NULL) {
        unit->plan = plan;
        unit->console = console;
        unit->log.dir_fd = unit->log.fd = -1;
        unit->since_unix_ms = mgr_now_unix_ms();
        shmrpci_buf_init_heap(&unit->pending);
    }
    return unit;
}

/* Writes the last lines first; "has ended" is one of them. */
void mgr_unit_destroy(mgr_unit *unit)
{
    if (unit != NULL) {
        mgr_unit_write_log(unit);
        tool_log_file_close(&unit->log);
        shmrpci_buf_fini(&unit->pending);
        mgr_ring_fini(&unit->ring);
        mgr_plan_destroy(unit->plan);
        free(unit);
    }
}

/* Entering the state that the unit is already in does not change the time at
 * which it entered that state. */
void mgr_unit_enter(mgr_unit *unit, mgr_state state)
{
    if (unit->state != state) {
        unit->state = state;
        unit->since_unix_ms = mgr_now_unix_ms();
    }
}

/* Builds the answers of the handlers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "manager_server.h" /* generated */
#include "os/clock.h"
#include "tools/shmrpcd/handlers.h"

/* If a start takes longer than this, its reason is shown, because people want
 * to know what it waits for. */
#define SILENT_NS (2 * SHMRPCI_NS_PER_S)

_Static_assert((int)MANAGER_STATE_CRASHED == (int)MGR_CRASHED &&
                   (int)MANAGER_STATE_RUNNING == (int)MGR_RUNNING &&
                   (int)MANAGER_LEVEL_CRITICAL == (int)MGR_LEVEL_CRITICAL &&
                   (int)MANAGER_ORIGIN_MANAGER == (int)MGR_ORIGIN_MANAGER,
               "the same numbers");

/* Copies the text, because its unit may be destroyed when the lock is released,
 * which is before the reply is encoded. */
shmrpc_str mgr_answer_text_of(shmrpc_ctx *ctx, const char *text, size_t len)
{
    shmrpc_str kept;
    return shmrpc_ctx_copy(ctx, &kept, text, len) == SHMRPC_OK
               ? kept
               : shmrpc_str_of("");
}

shmrpc_str mgr_answer_text(shmrpc_ctx *ctx, const char *text)
{
    return mgr_answer_text_of(ctx, text, strlen(text));
}

/* A separator at the end of the text ends the last word; no empty word follows
 * it. */
shmrpc_str_list mgr_answer_words(shmrpc_ctx *ctx, const char *text,
                                 char separator)
{
    size_t room = 1;
    for (const char *at = text; *at != '\0'; at++) {
        room += *at == separator;
    }
    shmrpc_str *words =
        shmrpc_ctx_alloc(ctx, room * sizeof *words, _Alignof(shmrpc_str));
    size_t count = 0;
    while (words != NULL && *text != '\0') {
        const char *end = strchr(text, separator);
        size_t len = end != NULL ? (size_t)(end - text) : strlen(text);
        words[count++] = mgr_answer_text_of(ctx, text, len);
        text += len + (end != NULL);
    }
    return (shmrpc_str_list){words, count};
}

/* The most specific reason wins: a stopped process explains why nothing else
 * progresses. Each text ends with what the operator can do. */
static shmrpc_str trouble_of(shmrpc_ctx *ctx, const mgr_unit *unit)
{
    char text[256] = "";
    if (unit->run != NULL && unit->run->is_stopped) {
        (void)snprintf(text, sizeof text,
                       "stopped by a signal: `kill -CONT %d` resumes it, "
                       "`shmrpc restart %s` restarts it",
                       (int)unit->run->pid, unit->plan->name);
    } else if (unit->state == MGR_STARTING &&
               shmrpci_now_ns() - unit->started_ns > SILENT_NS) {
        (void)snprintf(text, sizeof text,
                       "it has not reported yet that it is ready (READY=1, "
                       "sd_notify(3)); `ready = started` in the file is for "
                       "programs that never do");
    } else if (shmrpci_backoff_is_degraded(&unit->backoff)) {
        (void)snprintf(text, sizeof text,
                       "it ends as soon as it is started: `shmrpc logs %s` "
                       "may say why",
                       unit->plan->name);
    }
    return mgr_answer_text(ctx, text);
}

/* Addresses are shown only while the service can be called, because a unit
 * keeps the addresses of its last run until the next start. Numbers set with
 * `shmrpc scale` take precedence over the plan's. */
void mgr_answer_service(shmrpc_ctx *ctx, const mgr_unit *unit,
                        manager_service *out)
{
    *out = (manager_service){
        .name = mgr_answer_text(ctx, unit->plan->name),
        .state = (manager_state)unit->state,
        .degraded = shmrpci_backoff_is_degraded(&unit->backoff),
        .command = mgr_answer_text(ctx, unit->plan->command),
        .pid = unit->run != NULL ? unit->run->pid : 0,
        .since_unix_ms = unit->since_unix_ms,
        .restarts = unit->deaths,
        .last_end = mgr_answer_text(ctx, unit->last_end),
        .addresses = mgr_answer_words(
            ctx, unit->state == MGR_RUNNING ? unit->addresses : "", ','),
        .min_workers = unit->least > 0 ? unit->least : unit->plan->least,
        .max_workers = unit->least > 0 ? unit->most : unit->plan->most,
        .trouble = trouble_of(ctx, unit)};
}

shmrpc_str mgr_answer_section(shmrpc_ctx *ctx, const mgr_manager *m,
                              shmrpc_str name)
{
    const mgr_unit *unit = mgr_find_called(m, name.ptr, name.len);
    return unit != NULL ? mgr_answer_text(ctx, unit->plan->name) : name;
}

/* Works even without memory for the list of names, which is only needed for the
 * suggestion. */
int mgr_answer_no_service(shmrpc_ctx *ctx, const mgr_manager *m,
                          shmrpc_str name)
{
    shmrpci_buf message;
    const char **names = calloc(m->unit_count + 1, sizeof *names);
    shmrpci_buf_init_heap(&message);
    shmrpci_buf_printf(&message, "there is no service `%.*s`", (int)name.len,
                       name.ptr);
    for (size_t i = 0; names != NULL && i < m->unit_count; i++) {
        names[i] = m->units[i]->plan->name;
    }
    if (names != NULL) {
        shmrpci_nearest_suggest(&message, name.ptr, names, m->unit_count, "");
    }
    const char *text = shmrpci_buf_text(&message);
    int status = shmrpc_ctx_fail(ctx, MANAGER_ERR_NO_SERVICE, "%s",
                                 text != NULL ? text : "no such service");
    shmrpci_buf_fini(&message);
    free(names);
    return status;
}

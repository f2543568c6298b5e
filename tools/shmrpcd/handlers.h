/*
 * The handlers of manager.svc, and functions that they share.
 *
 * Threading: handlers run on any thread, without the manager's lock;
 * mgr_answer_... must be called under the lock.
 */
#ifndef SHMRPC_TOOLS_SHMRPCD_HANDLERS_H
#define SHMRPC_TOOLS_SHMRPCD_HANDLERS_H

#include "os/thread.h"
#include "shmrpc/server.h"
#include "shmrpc/types.h"
#include "tools/shmrpcd/control.h"

/* From the generated header. */
struct manager_service;
struct manager_control_impl;

struct mgr_control {
    mgr_manager *m;
    mgr_figures *figures;
    shmrpc_server *server;
    shmrpci_thread thread;
    bool has_thread;
    uint32_t waiters; /* number of waiting handlers; under the manager's lock */
};

/* ---- answers.c ------------------------------------------------------- */

/* Copy the text into memory that lives as long as the call. If memory runs out,
 * the copy is empty. */
shmrpc_str mgr_answer_text_of(shmrpc_ctx *ctx, const char *text, size_t len);
shmrpc_str mgr_answer_text(shmrpc_ctx *ctx, const char *text);
/* Splits a text at a separator, which may also follow the last word. */
shmrpc_str_list mgr_answer_words(shmrpc_ctx *ctx, const char *text,
                                 char separator);
void mgr_answer_service(shmrpc_ctx *ctx, const mgr_unit *unit,
                        struct manager_service *out);
/* Finds the section that matches a name (mgr_find_called). If there is
 * none, returns the name itself. */
shmrpc_str mgr_answer_section(shmrpc_ctx *ctx, const mgr_manager *m,
                              shmrpc_str name);
/* Fails the call because there is no such service, and suggests a similar
 * name. */
int mgr_answer_no_service(shmrpc_ctx *ctx, const mgr_manager *m,
                          shmrpc_str name);

/* ---- asking.c -------------------------------------------------------- */

/* Sets the handlers that change nothing. */
void mgr_asking_fill(struct manager_control_impl *impl);

/* ---- search.c -------------------------------------------------------- */

/* Sets the handler that searches logs on disk. */
void mgr_search_fill(struct manager_control_impl *impl);

#endif

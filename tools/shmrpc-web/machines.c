/* Asks the gateways of a cluster on a thread of its own. The lock is held only
 * while the latest answer is replaced or shown. */
#include "tools/shmrpc-web/machines.h"

#include <stdlib.h>

#include "base/json_text.h"
#include "os/clock.h"
#include "os/thread.h"
#include "tools/common/cluster.h"

/* Time between two questions. */
#define LOOK_NS (5 * SHMRPCI_NS_PER_S)
/* How long the thread goes on asking after the page was last looked at. */
#define WANTED_NS (15 * SHMRPCI_NS_PER_S)

struct web_machines {
    const char *servers;
    shmrpci_thread thread;
    shmrpci_mutex mutex; /* protects all that follows */
    shmrpci_cond cond;
    tool_gateways latest;
    shmrpc_error error; /* error of the latest question; may be empty */
    bool has_failed;
    bool is_asked;
    int64_t wanted_ns; /* until when answers are wanted */
    bool is_closing;
};

/* ---- asking -------------------------------------------------------------- */

/* After a failed question the list of gateways is empty, because it is unknown
 * which of them are still there. */
static void ask(web_machines *m)
{
    tool_gateways all;
    shmrpc_error error = {.name = "OK"};
    int status = tool_cluster_ask(m->servers, &all, &error);
    shmrpci_mutex_lock(&m->mutex);
    tool_cluster_free(&m->latest);
    m->latest = all;
    m->has_failed = status != SHMRPC_OK;
    m->error = error;
    m->is_asked = true;
    shmrpci_mutex_unlock(&m->mutex);
}

static void run(void *user)
{
    web_machines *m = user;
    shmrpci_mutex_lock(&m->mutex);
    while (!m->is_closing) {
        if (shmrpci_remaining_ns(m->wanted_ns) == 0) {
            (void)shmrpci_cond_wait_until(&m->cond, &m->mutex,
                                          SHMRPCI_NEVER_NS);
            continue;
        }
        shmrpci_mutex_unlock(&m->mutex);
        int64_t next_ns = shmrpci_deadline_after(LOOK_NS);
        ask(m);
        shmrpci_mutex_lock(&m->mutex);
        while (!m->is_closing && shmrpci_remaining_ns(next_ns) > 0) {
            (void)shmrpci_cond_wait_until(&m->cond, &m->mutex, next_ns);
        }
    }
    shmrpci_mutex_unlock(&m->mutex);
}

/* ---- queries ------------------------------------------------------------- */

static void append_gateways(const web_machines *m, shmrpci_buf *out)
{
    for (size_t i = 0; m != NULL && i < m->latest.count; i++) {
        shmrpci_json_comma(out);
        tool_gateway_append(&m->latest, &m->latest.items[i], out);
    }
}

static void append_all(const web_machines *m, shmrpci_buf *out)
{
    shmrpci_buf_append_char(out, '{');
    shmrpci_json_set_bool(out, "cluster", m != NULL);
    shmrpci_json_set_bool(out, "asked", m != NULL && m->is_asked);
    shmrpci_json_set_text(out, "error",
                          m != NULL && m->has_failed ? m->error.message : NULL);
    shmrpci_json_key(out, "gateways");
    shmrpci_buf_append_char(out, '[');
    append_gateways(m, out);
    shmrpci_buf_append_text(out, "]}");
}

void web_machines_show(web_machines *m, shmrpci_buf *out)
{
    if (m == NULL) {
        append_all(m, out);
        return;
    }
    shmrpci_mutex_lock(&m->mutex);
    m->wanted_ns = shmrpci_deadline_after(WANTED_NS);
    shmrpci_cond_signal(&m->cond);
    append_all(m, out);
    shmrpci_mutex_unlock(&m->mutex);
}

/* ---- opening and closing ------------------------------------------------- */

int web_machines_open(const char *servers, web_machines **out,
                      shmrpc_error *error)
{
    web_machines *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    m->servers = servers;
    shmrpci_mutex_init(&m->mutex);
    shmrpci_cond_init(&m->cond);
    if (shmrpci_thread_create(&m->thread, "machines", run, m) != SHMRPC_OK) {
        shmrpci_cond_fini(&m->cond);
        shmrpci_mutex_fini(&m->mutex);
        free(m);
        return shmrpc_error_set(error, SHMRPC_E_EXHAUSTED, "no thread left");
    }
    *out = m;
    return SHMRPC_OK;
}

void web_machines_close(web_machines *m)
{
    if (m == NULL) {
        return;
    }
    shmrpci_mutex_lock(&m->mutex);
    m->is_closing = true;
    shmrpci_cond_signal(&m->cond);
    shmrpci_mutex_unlock(&m->mutex);
    shmrpci_thread_join(&m->thread);
    tool_cluster_free(&m->latest);
    shmrpci_cond_fini(&m->cond);
    shmrpci_mutex_fini(&m->mutex);
    free(m);
}

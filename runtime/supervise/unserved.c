/*
 * Refuses calls at once, with the reason, while no worker lives, rather than
 * letting them wait for their deadlines.
 */
#include "supervise/state.h"

#include "base/buf.h"
#include "base/error.h"
#include "os/clock.h"
#include "rpc/envelope.h"

/* Calls are not refused if the next worker is tried within SHORT_NS and the
 * last one ended at most SHORT_NS ago. LOOK_NS is the interval between two
 * checks for calls. */
#define SHORT_NS (100 * SHMRPCI_NS_PER_MS)
#define LOOK_NS  (10 * SHMRPCI_NS_PER_MS)

/* Returns when a worker is tried next, or SHMRPCI_NEVER_NS if a new zygote must
 * be ready first. */
static int64_t next_try_ns(const shmrpci_supervisor *s)
{
    return s->is_zygote_ready     ? shmrpci_workers_next_ns(s)
           : s->zygote_socket < 0 ? s->zygote_next_ns
                                  : SHMRPCI_NEVER_NS;
}

static void write_reason(const shmrpci_supervisor *s, int64_t wait_ns,
                         shmrpci_buf *out)
{
    shmrpc_error error = {.name = ""};
    shmrpci_buf text;
    shmrpci_buf_init_fixed(&text, (uint8_t *)error.message,
                           sizeof error.message - 1);
    shmrpci_buf_append_text(&text, "no worker lives: ");
    shmrpci_deaths_describe_last(s, &text);
    if (s->next_start_ns != 0) {
        shmrpci_buf_printf(&text, ", next try in %lld.%lld s",
                           (long long)(wait_ns / SHMRPCI_NS_PER_S),
                           (long long)(wait_ns % SHMRPCI_NS_PER_S /
                                       (100 * SHMRPCI_NS_PER_MS)));
    } else {
        shmrpci_buf_append_text(&text,
                                ", the zygote is loading what workers need");
    }
    shmrpci_detail_write(&error, out);
}

static void refuse_all(const shmrpci_supervisor *s, int64_t wait_ns)
{
    uint8_t memory[SHMRPCI_DETAIL_MAX_BYTES];
    shmrpci_buf detail;
    shmrpci_buf_init_fixed(&detail, memory, sizeof memory);
    write_reason(s, wait_ns, &detail);
    uint32_t number = shmrpci_workers_free_number(s);
    for (uint32_t i = 0; i < shmrpci_supervisor_outlets(s); i++) {
        shmrpci_outlet_view outlet = shmrpci_server_outlet(s->server, i);
        outlet.transport->processes->refuse_all(
            outlet.listener, shmrpci_worker_place(s, number),
            SHMRPC_E_UNAVAILABLE, memory, detail.len);
    }
}

/* Whether the reason is known completely. The zygote reports how a worker ended
 * only a moment after its end is seen. */
static bool is_explained(const shmrpci_supervisor *s, int64_t now_ns)
{
    return s->last_death.is_known || !s->is_zygote_ready ||
           now_ns - s->last_death.at_ns > SHORT_NS;
}

int64_t shmrpci_unserved_look(shmrpci_supervisor *s)
{
    int64_t now_ns = shmrpci_now_ns();
    if (!s->is_serving || s->target == 0 || shmrpci_workers_serve(s) ||
        shmrpci_workers_free_number(s) == SHMRPCI_WORKERS_MAX) {
        s->unserved_ns = s->next_start_ns = 0;
        return SHMRPCI_NEVER_NS;
    }
    int64_t next_ns = next_try_ns(s);
    s->next_start_ns = next_ns == SHMRPCI_NEVER_NS ? 0 : next_ns;
    s->unserved_ns = s->unserved_ns == 0 ? now_ns : s->unserved_ns;
    int64_t wait_ns = s->next_start_ns > now_ns ? s->next_start_ns - now_ns : 0;
    if ((wait_ns > SHORT_NS || now_ns - s->unserved_ns > SHORT_NS) &&
        is_explained(s, now_ns)) {
        refuse_all(s, wait_ns);
    }
    return now_ns + LOOK_NS;
}

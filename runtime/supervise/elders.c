/* Elders: the predecessor's workers, until they have left. */
#include "supervise/state.h"

#include "os/clock.h"
#include "os/memory.h"
#include "os/poll.h"

uint32_t shmrpci_elders_count(const shmrpci_supervisor *s)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        count += s->elders[i].count > 0;
    }
    return count;
}

bool shmrpci_elders_have(const shmrpci_supervisor *s, uint32_t first,
                         uint32_t count)
{
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        if (s->elders[i].count > 0 && i < first + count &&
            first < i + s->elders[i].count) {
            return true;
        }
    }
    return false;
}

shmrpc_status shmrpci_elder_add(shmrpci_supervisor *s, uint32_t first,
                                uint32_t count, int32_t pid, int watch_fd)
{
    shmrpc_status status = SHMRPC_E_INVALID;
    if (first < SHMRPCI_WORKERS_MAX && count > 0 &&
        count <= SHMRPCI_WORKERS_MAX - first &&
        !shmrpci_elders_have(s, first, count)) {
        status = shmrpci_poll_add(s->poll_set, watch_fd, SHMRPCI_POLL_LEVEL,
                                  SHMRPCI_TAG_ELDERS + first);
    }
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&watch_fd);
        return status;
    }
    s->elders[first] =
        (shmrpci_elder){.count = count, .pid = pid, .watch_fd = watch_fd};
    return SHMRPC_OK;
}

void shmrpci_elders_retire(shmrpci_supervisor *s)
{
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        if (s->elders[i].count == 0 || s->elders[i].is_told) {
            continue;
        }
        s->elders[i].is_told = true;
        s->elders[i].left_ns = shmrpci_now_ns();
        for (uint32_t k = 0; k < shmrpci_supervisor_outlets(s); k++) {
            shmrpci_outlet_view outlet = shmrpci_server_outlet(s->server, k);
            outlet.transport->processes->retire(outlet.listener, i);
        }
    }
}

void shmrpci_elders_kill(shmrpci_supervisor *s)
{
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        if (s->elders[i].count > 0) {
            shmrpci_child_signal(s->elders[i].watch_fd, SHMRPCI_CHILD_KILL);
        }
    }
}

void shmrpci_elders_forget(shmrpci_supervisor *s)
{
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        if (s->elders[i].count > 0) {
            shmrpci_fd_close(&s->elders[i].watch_fd);
            s->elders[i].count = 0;
        }
    }
}

void shmrpci_elder_bury(shmrpci_supervisor *s, uint32_t first)
{
    shmrpci_elder *dead = &s->elders[first];
    if (dead->count == 0) {
        return;
    }
    shmrpci_deaths_note_elder(s, first);
    for (uint32_t k = 0; k < shmrpci_supervisor_outlets(s); k++) {
        shmrpci_outlet_view outlet = shmrpci_server_outlet(s->server, k);
        outlet.transport->processes->dismiss(outlet.listener, first);
    }
    shmrpci_poll_remove(s->poll_set, dead->watch_fd);
    shmrpci_fd_close(&dead->watch_fd);
    dead->count = 0;
}

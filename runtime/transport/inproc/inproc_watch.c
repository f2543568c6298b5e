/* Telling clients that sleep elsewhere of the ends of their calls. */
#include "os/clock.h"
#include "os/memory.h"
#include "os/poll.h"
#include "transport/inproc/inproc.h"

shmrpc_status shmrpci_inproc_watch(shmrpci_conn *base, int poll_set,
                                   uint64_t tag)
{
    inproc_conn *conn = (inproc_conn *)base;
    int fd = -1;
    shmrpc_status status = shmrpci_event_create(&fd);
    if (status == SHMRPC_OK) {
        status = shmrpci_poll_add(poll_set, fd, SHMRPCI_POLL_LEVEL, tag);
    }
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&fd);
        return status;
    }
    shmrpci_mutex_lock(&conn->hub->lock);
    conn->told_fd = fd;
    if (conn->hub->closed) {
        shmrpci_event_set(fd);
    }
    shmrpci_mutex_unlock(&conn->hub->lock);
    return SHMRPC_OK;
}

void shmrpci_inproc_tell(inproc_conn *conn)
{
    bool is_due = conn->is_armed || conn->hub->closed;
    conn->is_armed = false;
    if (is_due && conn->told_fd >= 0) {
        shmrpci_event_set(conn->told_fd);
    }
}

int64_t shmrpci_inproc_arm(shmrpci_conn *base, shmrpci_call *const *calls,
                           size_t count)
{
    inproc_conn *conn = (inproc_conn *)base;
    shmrpci_mutex_lock(&conn->hub->lock);
    bool is_over = conn->hub->closed;
    for (size_t i = 0; i < count; i++) {
        const inproc_slot *slot = calls[i]->data.pointers[0];
        is_over |= slot->state == INPROC_DONE || slot->state == INPROC_ABORTED;
    }
    conn->is_armed = true;
    shmrpci_mutex_unlock(&conn->hub->lock);
    return is_over ? 0 : SHMRPCI_NEVER_NS;
}

void shmrpci_inproc_acknowledge(shmrpci_conn *base)
{
    inproc_conn *conn = (inproc_conn *)base;
    shmrpci_mutex_lock(&conn->hub->lock);
    conn->is_armed = false;
    if (conn->told_fd >= 0) {
        shmrpci_event_clear(conn->told_fd);
    }
    shmrpci_mutex_unlock(&conn->hub->lock);
}

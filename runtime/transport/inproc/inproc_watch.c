/*
 * Notifies clients that wait in an event loop when their calls end.
 *
 * Each watched connection has an event descriptor in the client's poll set.
 * Setting it at the end of every call would cost a system call each time, so
 * the client arms the connection before it sleeps, and the next call that ends
 * sets the event and disarms the connection. All of this happens under the
 * hub's lock: a call that ends is either seen by arm or sets the event, so no
 * wake-up is lost.
 */
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
    /* If the service has already closed, nothing will set the event later, so
     * it is set here. */
    if (conn->hub->closed) {
        shmrpci_event_set(fd);
    }
    shmrpci_mutex_unlock(&conn->hub->lock);
    return SHMRPC_OK;
}

/* Sets the event if the connection is armed, and disarms it. Once the service
 * has closed, sets the event even if the connection is not armed. */
void shmrpci_inproc_tell(inproc_conn *conn)
{
    bool is_due = conn->is_armed || conn->hub->closed;
    conn->is_armed = false;
    if (is_due && conn->told_fd >= 0) {
        shmrpci_event_set(conn->told_fd);
    }
}

/* Returns the time at which to check again: at once if one of the calls has
 * already ended or the service has closed, otherwise never, since both set the
 * event from now on. */
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

/* Called after the event has woken the client and before the client checks its
 * calls. A call that ends after this sets the event only after a new arm. */
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

/* How connections send: at once, or together with later replies. */
#include "os/poll.h"
#include "transport/tcp/server.h"

void tcp_conn_flush(tcp_conn *conn)
{
    switch (tcp_outbox_flush(&conn->outbox)) {
    case TCP_FLUSHED:
        break;
    case TCP_FLUSH_WAITS: /* an event reports when there is room */
        shmrpci_mutex_lock(&conn->listener->lock);
        tcp_listener_watch(conn->listener);
        shmrpci_mutex_unlock(&conn->listener->lock);
        break;
    case TCP_FLUSH_FAILED:
        tcp_conn_end(conn, TCP_END_CUT);
        break;
    }
}

/* Called with the lock held. Puts the connection into the list of those that
 * hold replies. Returns true if the listener's thread must be woken. */
static bool hold(tcp_conn *conn)
{
    tcp_listener *listener = conn->listener;
    bool wakes = !listener->is_quick;
    listener->is_quick = true;
    listener->holds++;
    if (!conn->is_held) {
        conn->is_held = true;
        conn->refs++;
        conn->next_held = listener->held;
        listener->held = conn;
    }
    return wakes;
}

bool tcp_conn_hold(tcp_conn *conn, size_t bytes, uint32_t waiting)
{
    tcp_listener *listener = conn->listener;
    bool wakes = false;
    if (waiting == 0 || waiting >= TCP_HOLD_FRAMES || bytes > TCP_HOLD_BYTES) {
        return false;
    }
    shmrpci_mutex_lock(&listener->lock);
    bool holds = conn->state == TCP_CONN_OPEN && listener->line_first != NULL;
    if (holds) {
        wakes = hold(conn);
    }
    shmrpci_mutex_unlock(&listener->lock);
    if (wakes) {
        shmrpci_event_set(listener->wake_fd);
    }
    return holds;
}

void tcp_conn_hold_for_others(tcp_conn *conn)
{
    tcp_listener *listener = conn->listener;
    shmrpci_mutex_lock(&listener->lock);
    bool wakes = conn->state == TCP_CONN_OPEN && hold(conn);
    shmrpci_mutex_unlock(&listener->lock);
    if (wakes) {
        shmrpci_event_set(listener->wake_fd);
    }
}

/* Called with the lock held. Takes a connection off the list of those that hold
 * replies; NULL: the list is empty. */
static tcp_conn *pop_held(tcp_listener *listener)
{
    tcp_conn *conn = listener->held;
    if (conn != NULL) {
        listener->held = conn->next_held;
        conn->is_held = false;
    }
    return conn;
}

void tcp_conn_release_held(tcp_listener *listener)
{
    tcp_conn *conn;
    shmrpci_mutex_lock(&listener->lock);
    while ((conn = pop_held(listener)) != NULL) {
        shmrpci_mutex_unlock(&listener->lock);
        tcp_conn_flush(conn);
        shmrpci_mutex_lock(&listener->lock);
        tcp_conn_unref_locked(conn);
    }
    shmrpci_mutex_unlock(&listener->lock);
}

void tcp_conn_note(tcp_conn *conn, const tcp_head *head)
{
    if (tcp_outbox_note(&conn->outbox, head)) {
        tcp_conn_flush(conn);
    } else {
        tcp_conn_end(conn, TCP_END_MEMORY);
    }
}

void tcp_conn_note_behind(tcp_conn *conn, const tcp_head *head,
                          shmrpci_stream *stream)
{
    if (stream == NULL) {
        tcp_conn_note(conn, head);
    } else if (tcp_lane_put(&conn->outbox, stream->lane, head, NULL, NULL)) {
        tcp_conn_flush(conn);
    } else {
        tcp_conn_end(conn, TCP_END_MEMORY);
    }
}

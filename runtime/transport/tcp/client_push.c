/*
 * Holds requests back for a moment, so that one system call sends several.
 *
 * A client with many calls in flight usually starts a new call as soon as
 * another has finished, and then waits: the requests up to that wait are sent
 * together. But the program may also do something else before it waits. So a
 * thread, the pusher, is started with the first held request. It sends requests
 * that have been held for TCP_HOLD_NS, and sleeps while none are held.
 */
#include "base/assert.h"
#include "os/clock.h"
#include "transport/tcp/client.h"

/* How often to check whether a full socket takes more. */
#define FULL_NS (5 * SHMRPCI_NS_PER_MS)

/* Called with the lock held, and releases it meanwhile. Sends requests that
 * were held long enough; what does not fit is sent in a later round. */
static void push(tcp_client *client)
{
    client->has_held = false;
    shmrpci_mutex_unlock(&client->lock);
    tcp_flushed flushed = tcp_outbox_flush(&client->outbox);
    if (flushed == TCP_FLUSH_FAILED) {
        tcp_client_lose(client, TCP_END_CUT);
    }
    shmrpci_mutex_lock(&client->lock);
    client->is_full = flushed == TCP_FLUSH_WAITS;
    client->holds += client->is_full ? 1u : 0u;
}

static void run(void *user)
{
    tcp_client *client = user;
    uint32_t seen = 0;
    shmrpci_mutex_lock(&client->lock);
    SHMRPCI_ASSERT(client->pusher_state != TCP_PUSHER_NONE,
                   "the thread was marked as started");
    while (client->pusher_state != TCP_PUSHER_LEAVES) {
        if (client->holds == seen) {
            client->pusher_state = TCP_PUSHER_SLEEPS;
            shmrpci_cond_wait(&client->push, &client->lock);
            continue;
        }
        seen = client->holds;
        int64_t look_ns =
            shmrpci_deadline_after(client->is_full ? FULL_NS : TCP_HOLD_NS);
        while (client->pusher_state != TCP_PUSHER_LEAVES &&
               shmrpci_cond_wait_until(&client->push, &client->lock, look_ns)) {
        }
        client->has_looked = false;
        if (!client->is_lost) {
            push(client);
        }
    }
    shmrpci_mutex_unlock(&client->lock);
}

/* Called with the lock held. Returns whether the pusher will run within
 * TCP_HOLD_NS. */
static bool wake_pusher(tcp_client *client)
{
    SHMRPCI_ASSERT(client->pusher_state != TCP_PUSHER_LEAVES,
                   "nobody sends while the connection is closed");
    client->holds++;
    if (client->pusher_state == TCP_PUSHER_NONE &&
        shmrpci_thread_create(&client->pusher, "shmrpc-push", run, client) !=
            SHMRPC_OK) {
        return false;
    }
    if (client->pusher_state != TCP_PUSHER_LOOKS) {
        client->pusher_state = TCP_PUSHER_LOOKS;
        shmrpci_cond_signal(&client->push);
    }
    return true;
}

/* Called with the lock held. Returns how many requests should be sent together:
 * at most half of the calls in flight, since the server would be idle without
 * the other half. A server on our own CPU has to wait for us anyway, and a
 * program that got several replies usually starts as many calls again. */
static uint32_t worth_sending(const tcp_client *client)
{
    /* Relaxed: only a hint. */
    if (shmrpci_load_relaxed(&client->peer_is_here) == 0) {
        return (client->in_flight + 1) / 2;
    }
    return client->in_flight > client->came ? client->in_flight : client->came;
}

bool tcp_client_hold(tcp_client *client, size_t bytes, uint32_t waiting)
{
    bool holds = false;
    if (waiting == 0 || waiting >= TCP_HOLD_FRAMES || bytes > TCP_HOLD_BYTES) {
        return false;
    }
    shmrpci_mutex_lock(&client->lock);
    if (waiting < worth_sending(client) && !client->is_lost) {
        holds = wake_pusher(client);
        client->has_held = holds;
    }
    shmrpci_mutex_unlock(&client->lock);
    return holds;
}

void tcp_client_push_later(tcp_client *client)
{
    shmrpci_mutex_lock(&client->lock);
    (void)wake_pusher(client);
    shmrpci_mutex_unlock(&client->lock);
}

tcp_flushed tcp_client_flush(tcp_client *client)
{
    tcp_flushed flushed = tcp_outbox_flush(&client->outbox);
    if (flushed == TCP_FLUSH_WAITS) {
        shmrpci_mutex_lock(&client->lock);
        if (client->pusher_state != TCP_PUSHER_NONE) {
            (void)wake_pusher(client);
        }
        shmrpci_mutex_unlock(&client->lock);
    }
    return flushed;
}

void tcp_client_push_no_more(tcp_client *client)
{
    shmrpci_mutex_lock(&client->lock);
    bool runs = client->pusher_state != TCP_PUSHER_NONE;
    client->pusher_state = runs ? TCP_PUSHER_LEAVES : TCP_PUSHER_NONE;
    shmrpci_cond_signal(&client->push);
    shmrpci_mutex_unlock(&client->lock);
    if (runs) {
        shmrpci_thread_join(&client->pusher);
    }
}

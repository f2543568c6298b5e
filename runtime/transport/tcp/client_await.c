/*
 * How the reader of a client waits for the socket: it spins for as long as that
 * pays, then sleeps.
 *
 * Waking a sleeping thread costs the peer CPU time. Across CPUs a wake-up takes
 * both sides longer than the rest of a short call over loopback. The spinner
 * soon learns that spinning does not pay, when replies take longer than the
 * longest spin or when the peer runs on the same CPU.
 */
#include "base/assert.h"
#include "os/clock.h"
#include "os/poll.h"
#include "os/process.h"
#include "os/stream.h"
#include "transport/tcp/client.h"

/* Returns the low bits of the number of the peer's CPU. */
static uint32_t peer_cpu_of(const tcp_client *client)
{
    uint32_t cpu = client->is_local ? shmrpci_stream_peer_cpu(client->fd)
                                    : SHMRPCI_CPU_UNKNOWN;
    return cpu != SHMRPCI_CPU_UNKNOWN ? cpu & SHMRPCI_CPU_MASK : cpu;
}

/* Returns true if the socket is ready. */
static bool spin(tcp_client *client, shmrpci_poll_entry *entries, size_t count)
{
    shmrpci_spinner *spinner = &client->spinner;
    uint64_t start = shmrpci_ticks();
    shmrpci_spinner_refresh(spinner, start);
    uint32_t peer_cpu = peer_cpu_of(client);
    bool is_here = peer_cpu == (shmrpci_current_cpu() & SHMRPCI_CPU_MASK);
    /* Relaxed: only a hint. */
    shmrpci_store_relaxed(&client->peer_is_here, is_here ? 1u : 0u);
    uint64_t budget = shmrpci_spinner_budget(spinner, peer_cpu);
    uint64_t step = start + shmrpci_spinner_step_ticks();
    uint64_t now = start;
    while (now - start < budget) {
        if (shmrpci_poll_entries(entries, count, 0)) {
            shmrpci_spinner_hit(spinner, now - start);
            return true;
        }
        now = shmrpci_ticks();
        if ((int64_t)(now - step) >= 0) {
            if (shmrpci_spinner_step_aside(spinner, now - step)) {
                break;
            }
            step = now + shmrpci_spinner_step_ticks();
        }
    }
    if (budget > 0) {
        shmrpci_spinner_miss(spinner);
    }
    return false;
}

bool tcp_client_await(tcp_client *client, bool reserves, int64_t deadline_ns)
{
    SHMRPCI_ASSERT(client->has_reader && (client->wake_fd >= 0 || !reserves),
                   "the thread that waits for the socket is the reader");
    shmrpci_poll_entry entries[] = {
        {.fd = client->fd,
         .read = true,
         .write = tcp_client_flush(client) == TCP_FLUSH_WAITS},
        {.fd = client->wake_fd, .read = true},
    };
    size_t count = reserves ? 2 : 1;
    if (!spin(client, entries, count) &&
        !shmrpci_poll_entries(entries, count, deadline_ns)) {
        return false;
    }
    if (entries[1].is_ready) {
        shmrpci_event_clear(client->wake_fd);
    }
    if (entries[0].write) {
        (void)tcp_client_flush(client);
    }
    return entries[0].is_ready;
}

/* Listening by a lock on one byte, which all listeners share. */
#include "region/listen.h"

#include "os/byte_lock.h"
#include "region/layout.h"

/* The longest tick of the coarse clock. */
#define TICK_NS (10 * SHMRPCI_NS_PER_MS)
/* The poll interval if the kernel grants no lock, so that nobody rings for
 * us. */
#define DEAF_NS (50 * SHMRPCI_NS_PER_MS)

bool shmrpci_listeners_ask(shmrpci_listeners *of, int fd, uint64_t now)
{
    /* `now` was read before the kernel is asked. So a listener that this answer
     * misses began to listen at `now` or later, and it polls until the clock is
     * past the time at which it began. */
    bool are_there = shmrpci_byte_lock_is_held(fd, SHMRPCI_REGION_LISTEN_BYTE);
    shmrpci_store_relaxed(&of->told, now | (are_there ? 1u : 0u));
    return are_there;
}

int64_t shmrpci_listen(shmrpci_listening *of, int fd, int64_t long_ns)
{
    if (!of->is_on) {
        if (shmrpci_byte_lock_share(fd, SHMRPCI_REGION_LISTEN_BYTE) !=
            SHMRPC_OK) {
            return DEAF_NS < long_ns ? DEAF_NS : long_ns;
        }
        of->is_on = true;
        of->since_ns = shmrpci_coarse_ns();
    }
    bool is_known = shmrpci_coarse_ns() > of->since_ns;
    /* The caller looks for changes after this fence, so it sees the changes of
     * writers that did not know of us. */
    shmrpci_fence_seq();
    return is_known || long_ns < TICK_NS ? long_ns : TICK_NS;
}

void shmrpci_listen_end(shmrpci_listening *of, int fd)
{
    if (of->is_on) {
        shmrpci_byte_lock_drop(fd, SHMRPCI_REGION_LISTEN_BYTE, 1);
        of->is_on = false;
    }
}

/* In a forked child, one thread attaches again and the others wait. */
#include "sync/descent.h"

#include <stdint.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/futex.h"

static bool begin(shmrpci_descent *descent, uint32_t generation)
{
    uint32_t seen = shmrpci_load_seq(&descent->attaching);
    if (seen != generation) {
        return shmrpci_cas_seq(&descent->attaching, &seen, generation);
    }
    (void)shmrpci_futex_wait(&descent->attaching, seen,
                             shmrpci_deadline_after(SHMRPCI_NS_PER_MS));
    return false;
}

shmrpc_status shmrpci_descent_ensure_slowly(shmrpci_descent *descent,
                                            shmrpc_status (*attach)(void *user),
                                            void *user)
{
    uint32_t generation = shmrpci_fork_generation();
    while (shmrpci_load_acquire(&descent->generation) != generation) {
        if (!begin(descent, generation)) {
            continue;
        }
        shmrpc_status status = SHMRPC_OK;
        if (shmrpci_load_acquire(&descent->generation) != generation) {
            SHMRPCI_ASSERT(shmrpci_load_relaxed(&descent->attaching) ==
                               generation,
                           "one thread of a child attaches again");
            status = attach(user);
            if (status == SHMRPC_OK) {
                shmrpci_store_release(&descent->generation, generation);
            }
        }
        shmrpci_store_seq(&descent->attaching, 0u);
        shmrpci_futex_wake(&descent->attaching, INT32_MAX);
        return status;
    }
    return SHMRPC_OK;
}

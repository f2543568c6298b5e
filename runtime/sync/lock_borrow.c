/* Locks inside an object of another kind. Its participants serve as those of
 * the lock: both kinds hold the same bytes of the file. */
#include "base/assert.h"
#include "sync/lock.h"

void shmrpci_lock_borrow(shmrpc_lock *lock, const shmrpci_lock_map *at,
                         shmrpci_atomic_u32 *word, uint32_t index, int fd,
                         uint32_t flags)
{
    SHMRPCI_ASSERT(index < at->slot_count,
                   "a participant has a slot of the object");
    *lock = (shmrpc_lock){.word = word,
                          .me = index + 1,
                          .flags = flags,
                          .at = *at,
                          .self = &at->file->slots[index],
                          .fd = fd};
    shmrpci_spinner_init(&lock->spinner, SHMRPC_PROFILE_BALANCED,
                         SHMRPCI_SIDE_CLIENT);
    shmrpci_descent_settle(&lock->descent);
}

int32_t shmrpci_lock_reader_pid(const shmrpci_lock_map *at)
{
    uint32_t high = shmrpci_load_seq(&at->file->high);
    for (uint32_t i = 0; i < high && i < at->slot_count; i++) {
        const shmrpci_lock_slot *slot = &at->file->slots[i];
        if ((shmrpci_load_relaxed(&slot->reads) & SHMRPCI_READS_COUNT) != 0) {
            return (int32_t)shmrpci_load_relaxed(&slot->pid);
        }
    }
    return 0;
}

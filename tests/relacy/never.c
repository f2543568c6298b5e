/* Functions that the source refers to, but that these cases never call: large
 * messages, workers in other processes, files, errors. They are defined without
 * their headers, since calls never get to them. */
#include "engine.h"

#define NEVER(name)                          \
    void name(void);                         \
    void name(void)                          \
    {                                        \
        engine_check(0, #name, __FILE__, 0); \
    }

NEVER(__tsan_atomic8_load)
NEVER(__tsan_atomic8_store)
NEVER(shm_account_close)
NEVER(shm_account_refund)
NEVER(shm_client_drain_control)
NEVER(shm_client_room)
NEVER(shm_client_streams_drop)
NEVER(shm_client_streams_leave)
NEVER(shm_extent_at)
NEVER(shm_extent_grant)
NEVER(shm_extent_note)
NEVER(shm_mirror_read)
NEVER(shm_mirror_reap)
NEVER(shm_mirror_refuse)
NEVER(shm_mirror_tell)
NEVER(shm_pool_alloc)
NEVER(shm_pool_at)
NEVER(shm_pool_drop_reply)
NEVER(shm_pool_free)
NEVER(shm_pool_refuse_reply)
NEVER(shm_pool_take_reply)
NEVER(shm_worker_end_streams)
NEVER(shm_worker_note_streams)
NEVER(shmrpc_error_set)
NEVER(shmrpc_status_text)
NEVER(shmrpci_byte_lock_until)
NEVER(shmrpci_memory_discard)
NEVER(shmrpci_memory_map)
NEVER(shmrpci_memory_read)
NEVER(shmrpci_object_draft)
NEVER(shmrpci_object_facts_of)
NEVER(shmrpci_object_is_named)
NEVER(shmrpci_object_unlink)

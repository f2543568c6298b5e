/* The file of a lock, and its participants. */
#include <string.h>

#include "base/assert.h"
#include "os/byte_lock.h"
#include "os/clock.h"
#include "os/futex.h"
#include "os/process.h"
#include "sync/lock.h"

/* How long attach tries again while all bytes are taken, since a process that
 * is removing the file may hold them. RESCAN_NS is the interval between two
 * tries. */
#define ATTACH_NS (100 * SHMRPCI_NS_PER_MS)
#define RESCAN_NS SHMRPCI_NS_PER_MS

#define HEADER_BYTES offsetof(shmrpci_lock_file, high)

static bool is_sound(const shmrpci_lock_file *header, uint64_t bytes)
{
    uint32_t kind = header->kind;
    bool known = (kind & ~SHMRPCI_LOCK_KIND) == 0 &&
                 (kind & (SHMRPC_LOCK_SEMAPHORE | SHMRPC_LOCK_SHARED)) !=
                     (SHMRPC_LOCK_SEMAPHORE | SHMRPC_LOCK_SHARED);
    return known && header->slot_count > 0 &&
           header->slot_count <= SHMRPC_LOCK_MAX_HANDLES &&
           bytes >= shmrpci_lock_file_bytes(header->slot_count);
}

shmrpc_status shmrpci_lock_map_open(int fd, shmrpci_lock_map *out)
{
    shmrpci_lock_file header; /* only its first 64 bytes are read */
    shmrpci_object_facts facts;
    shmrpc_status status = shmrpci_object_facts_of(fd, &facts);
    if (status == SHMRPC_OK) {
        status = shmrpci_memory_read(fd, &header, HEADER_BYTES);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    if (header.magic != SHMRPCI_LOCK_MAGIC) {
        return SHMRPC_E_DATA_LOSS;
    }
    if (header.version != SHMRPCI_LOCK_VERSION) {
        return SHMRPC_E_CONTRACT;
    }
    if (!is_sound(&header, facts.bytes)) {
        return SHMRPC_E_DATA_LOSS;
    }
    shmrpci_map map;
    status = shmrpci_memory_map(fd, shmrpci_lock_file_bytes(header.slot_count),
                                SHMRPCI_ACCESS_WRITE, true, &map);
    if (status == SHMRPC_OK) {
        SHMRPCI_ASSERT(map.bytes >= shmrpci_lock_file_bytes(header.slot_count),
                       "all slots are mapped");
        *out = (shmrpci_lock_map){.map = map,
                                  .file = map.at,
                                  .kind = header.kind,
                                  .slot_count = header.slot_count};
    }
    return status;
}

/* ---- participants -------------------------------------------------------- */

/* Finds a slot that is free, or whose participant is dead. */
static shmrpc_status claim_slot(int fd, uint32_t count, uint32_t *out)
{
    SHMRPCI_ASSERT(count > 0 && count <= SHMRPC_LOCK_MAX_HANDLES,
                   "the copied slot count was checked");
    for (uint32_t i = 0; i < count; i++) {
        shmrpc_status status = shmrpci_byte_lock_try(fd, i, 1);
        if (status != SHMRPC_E_BUSY) {
            *out = i;
            return status;
        }
    }
    return SHMRPC_E_EXHAUSTED;
}

static bool is_destroyed(const shmrpci_lock_map *at)
{
    return (shmrpci_load_seq(&at->file->word) & SHMRPCI_LOCK_DESTROYED) != 0;
}

/* Raises `high`; writers check all slots below it for readers. Sequentially
 * consistent, so that it comes before this participant first reads the word as
 * a reader. */
static void raise_high(const shmrpci_lock_map *at, uint32_t count)
{
    uint32_t seen = shmrpci_load_seq(&at->file->high);
    while (seen < count && !shmrpci_cas_seq(&at->file->high, &seen, count)) {
    }
}

void shmrpci_lock_introduce(const shmrpci_lock_map *at, uint32_t index)
{
    SHMRPCI_ASSERT(index < at->slot_count,
                   "a participant has a slot of the file");
    shmrpci_lock_slot *slot = &at->file->slots[index];
    /* Relaxed: hints, and shown to people. */
    shmrpci_store_relaxed(&slot->pid, (uint32_t)shmrpci_process_id());
    shmrpci_store_relaxed(&slot->cpu, shmrpci_current_cpu());
    raise_high(at, index + 1);
}

static void settle(shmrpc_lock *lock, uint32_t index)
{
    lock->me = index + 1;
    lock->word = &lock->at.file->word;
    lock->self = &lock->at.file->slots[index];
    shmrpci_lock_introduce(&lock->at, index);
}

shmrpc_status shmrpci_lock_attach(shmrpc_lock *lock)
{
    uint32_t index = 0;
    int64_t deadline_ns = shmrpci_deadline_after(ATTACH_NS);
    shmrpc_status status = claim_slot(lock->fd, lock->at.slot_count, &index);
    while (status == SHMRPC_E_EXHAUSTED && !is_destroyed(&lock->at) &&
           shmrpci_remaining_ns(deadline_ns) > 0) {
        /* All bytes are held: by participants, or by a process that is removing
         * the file. Wait for byte 0, and check the others now and then. */
        index = 0;
        status = shmrpci_byte_lock_until(lock->fd, 0, 1,
                                         shmrpci_deadline_after(RESCAN_NS));
        if (status != SHMRPC_OK) {
            status = claim_slot(lock->fd, lock->at.slot_count, &index);
        }
    }
    if (is_destroyed(&lock->at)) {
        return SHMRPC_E_DESTROYED;
    }
    if (status == SHMRPC_OK) {
        shmrpci_lock_bury(&lock->at, index);
        settle(lock, index);
        shmrpci_object_touch(lock->fd);
    }
    return status;
}

static uint32_t without_owner(uint32_t word)
{
    return word & ~SHMRPCI_LOCK_OWNER;
}

static void free_of(shmrpci_atomic_u32 *word, uint32_t index)
{
    uint32_t seen = shmrpci_load_seq(word);
    while ((seen & SHMRPCI_LOCK_OWNER) == index + 1) {
        if (shmrpci_cas_seq(word, &seen,
                            without_owner(seen) | SHMRPCI_LOCK_GONE)) {
            /* Wake all: a single waiter might have given up, and not take
             * it. */
            shmrpci_futex_wake(word, INT32_MAX);
            break;
        }
    }
}

void shmrpci_lock_bury(const shmrpci_lock_map *at, uint32_t index)
{
    SHMRPCI_ASSERT(index < at->slot_count, "only participants are buried");
    free_of(&at->file->word, index);
    /* Frees the first word last: it may be the lock under which processes take
     * the other words. */
    for (uint32_t i = at->word_count; i > 0; i--) {
        free_of(shmrpci_lock_word_at(at, i - 1), index);
    }
    shmrpci_atomic_u32 *reads = &at->file->slots[index].reads;
    uint32_t was = shmrpci_and_seq(reads, SHMRPCI_READS_CLOSED);
    if ((was & SHMRPCI_READS_WAITING) != 0) {
        shmrpci_futex_wake(reads, INT32_MAX);
    }
}

void shmrpci_lock_look_for_death(const shmrpci_lock_map *at, int fd,
                                 uint32_t index)
{
    if (shmrpci_byte_lock_try(fd, index, 1) == SHMRPC_OK) {
        shmrpci_lock_bury(at, index);
        shmrpci_byte_lock_drop(fd, index, 1);
    }
}

/* ---- beginning and end --------------------------------------------------- */

static uint32_t first_word(const shmrpc_lock_opts *opts)
{
    if ((opts->flags & SHMRPC_LOCK_HELD) == 0) {
        return 0;
    }
    return (opts->flags & SHMRPC_LOCK_SEMAPHORE) != 0 ? SHMRPCI_LOCK_GONE : 1;
}

/* No other process has the file yet. */
static shmrpc_status fill(shmrpc_lock *lock, const shmrpc_lock_opts *opts,
                          uint32_t slots)
{
    shmrpci_map map;
    shmrpc_status status =
        shmrpci_memory_map(lock->fd, shmrpci_lock_file_bytes(slots),
                           SHMRPCI_ACCESS_WRITE, true, &map);
    if (status != SHMRPC_OK) {
        return status;
    }
    SHMRPCI_ASSERT(slots > 0 && slots <= SHMRPC_LOCK_MAX_HANDLES,
                   "the options were checked");
    shmrpci_lock_file *file = map.at;
    file->magic = SHMRPCI_LOCK_MAGIC;
    file->version = SHMRPCI_LOCK_VERSION;
    file->kind = opts->flags & SHMRPCI_LOCK_KIND;
    file->slot_count = slots;
    shmrpci_store_seq(&file->word, first_word(opts));
    lock->at = (shmrpci_lock_map){
        .map = map, .file = file, .kind = file->kind, .slot_count = slots};
    status = shmrpci_byte_lock_try(lock->fd, 0, 1);
    if (status == SHMRPC_OK) {
        settle(lock, 0);
    }
    return status;
}

shmrpc_status shmrpci_lock_draft(shmrpc_lock *lock, int dir_fd,
                                 const shmrpc_lock_opts *opts, char *temporary)
{
    uint32_t slots = opts->max_handles != 0 ? opts->max_handles
                                            : SHMRPC_LOCK_DEFAULT_HANDLES;
    uint32_t mode = opts->permissions != 0 ? opts->permissions : 0600u;
    shmrpc_status status = shmrpci_object_draft(
        dir_fd, mode, shmrpci_lock_file_bytes(slots), 0, temporary, &lock->fd);
    return status != SHMRPC_OK ? status : fill(lock, opts, slots);
}

void shmrpci_lock_mark_destroyed(const shmrpci_lock_map *at)
{
    shmrpci_or_seq(&at->file->word, SHMRPCI_LOCK_DESTROYED);
    shmrpci_futex_wake(&at->file->word, INT32_MAX);
    for (uint32_t i = 0; i < at->word_count; i++) {
        shmrpci_or_seq(shmrpci_lock_word_at(at, i), SHMRPCI_LOCK_DESTROYED);
        shmrpci_futex_wake(shmrpci_lock_word_at(at, i), INT32_MAX);
    }
    if ((at->kind & SHMRPC_LOCK_SHARED) == 0) {
        return;
    }
    for (uint32_t i = 0; i < at->slot_count; i++) {
        shmrpci_atomic_u32 *reads = &at->file->slots[i].reads;
        uint32_t was = shmrpci_or_seq(reads, SHMRPCI_READS_CLOSED);
        if ((was & SHMRPCI_READS_WAITING) != 0) {
            shmrpci_futex_wake(reads, INT32_MAX);
        }
    }
}

bool shmrpci_lock_is_destroyed_file(int fd)
{
    shmrpci_lock_map at;
    if (shmrpci_lock_map_open(fd, &at) != SHMRPC_OK) {
        return false;
    }
    bool is_gone = is_destroyed(&at);
    shmrpci_memory_unmap(&at.map);
    return is_gone;
}

void shmrpci_lock_destroy_file(int fd)
{
    shmrpci_lock_map at;
    if (shmrpci_lock_map_open(fd, &at) == SHMRPC_OK) {
        shmrpci_lock_mark_destroyed(&at);
        shmrpci_memory_unmap(&at.map);
    }
}

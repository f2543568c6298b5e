/*
 * Extents on the server's side. They are made in power-of-two sizes, charged to
 * the user, and taken back when they have been idle for a while or when the
 * user's quota is short.
 *
 * The word of an extent in the block tells its use, and changes with every use.
 * The control loop checks the words once per idle time, and only while some
 * extents are idle; so no timer runs if there are no large messages, or only
 * rings of open streams. A client that makes an extent idle while the loop is
 * not checking sends a packet. When an extent is taken back the client need not
 * do anything: the server punches the memory out of its mapping.
 *
 * A worker notes in the ledger which extents its call uses, and then checks
 * that they still exist. The control loop takes an extent away, and then reads
 * the ledger. So the memory stays mapped here even if a client wrongly marks it
 * idle.
 */
#include "transport/shm/server.h"

#include <stdlib.h>

#include "base/assert.h"
#include "os/map_alias.h"
#include "os/memory.h"
#include "os/poll.h"
#include "transport/shm/worker_mirror.h"

#define DEFAULT_IDLE_NS (30 * SHMRPCI_NS_PER_S)

static size_t class_of(uint64_t bytes)
{
    size_t size = SHM_EXTENT_MIN_BYTES;
    while (size < bytes) {
        size *= 2;
    }
    return size;
}

/* ---- taking back ----------------------------------------------------- */

static bool is_used(const shm_conn *conn, uint32_t region)
{
    for (uint32_t i = 0; i < SHM_SLOTS; i++) {
        if ((shmrpci_load_seq(&conn->ledger->entries[i].uses) >> region & 1) !=
            0) {
            return true;
        }
    }
    return false;
}

shm_extent *shm_extent_of(const shm_conn *conn, uint32_t region)
{
    shm_extent *all = shmrpci_load_acquire(&conn->extents);
    SHMRPCI_ASSERT(region >= 1 && region <= SHM_EXTENTS,
                   "the number of an extent was checked");
    return all == NULL ? NULL : &all[region];
}

bool shm_extents_prepare(shm_conn *conn)
{
    if (shmrpci_load_acquire(&conn->extents) != NULL) {
        return true;
    }
    shm_extent *all = calloc(SHM_EXTENTS + 1, sizeof *all);
    if (all == NULL) {
        return false;
    }
    for (size_t i = 0; i <= SHM_EXTENTS; i++) {
        all[i].fd = -1;
    }
    shmrpci_store_release(&conn->extents, all);
    return true;
}

static void unmap(shm_extent *extent)
{
    shmrpci_store_release(&extent->mapped, 0u);
    shmrpci_memory_unmap(&extent->map);
    shmrpci_fd_close(&extent->fd);
}

/* Frees an extent that is no longer live. Its memory is freed even if
 * our client or workers in other processes still map it. Under grow_lock. */
static void destroy(shm_conn *conn, uint32_t region)
{
    shm_extent *extent = shm_extent_of(conn, region);
    SHMRPCI_ASSERT(extent != NULL && extent->map.at != NULL,
                   "an extent that ends exists");
    SHMRPCI_ASSERT(conn->listener->mirror == NULL,
                   "only the control loop's process ends extents");
    size_t bytes = extent->map.bytes;
    uint32_t incarnation = shmrpci_load_relaxed(&extent->mapped) - 1;
    shmrpci_memory_discard(&extent->map);
    unmap(extent);
    shmrpci_store_seq(&conn->block.extents[region],
                      shm_extent_word(incarnation, SHM_EXTENT_NONE, 0));
    shm_account_refund(conn->listener, conn->account, bytes);
}

/* Takes an extent back if nobody uses it. Under grow_lock. */
static bool retire(shm_conn *conn, uint32_t region, uint64_t word)
{
    shmrpci_atomic_u64 *at = &conn->block.extents[region];
    uint32_t live = shmrpci_load_relaxed(&conn->ledger->entries[region].live);
    if (shm_extent_state_of(word) != SHM_EXTENT_IDLE ||
        !shmrpci_cas_seq(at, &word,
                         shm_extent_moved(word, SHM_EXTENT_RETIRED, 0))) {
        return false;
    }
    /* Sequentially consistent, as are the worker's accesses: we clear `live`
     * and then read the notes; the worker notes its use and then reads `live`.
     * So one of the two sees the other. */
    shmrpci_store_seq(&conn->ledger->entries[region].live, 0u);
    if (is_used(conn, region)) {
        /* The client lied when it marked the extent idle: undo this. */
        shmrpci_store_seq(&conn->ledger->entries[region].live, live);
        uint64_t retired = shm_extent_moved(word, SHM_EXTENT_RETIRED, 0);
        (void)shmrpci_cas_seq(at, &retired, word);
        return false;
    }
    destroy(conn, region);
    return true;
}

/* Takes back the extents that a connection does not use. */
static bool shrink(shm_conn *conn)
{
    bool any = false;
    shmrpci_mutex_lock(&conn->grow_lock);
    for (uint32_t i = 1; i <= SHM_EXTENTS; i++) {
        /* Relaxed: only written under grow_lock, which we hold. */
        if (shmrpci_load_relaxed(&conn->ledger->entries[i].live) != 0) {
            any |= retire(conn, i, shmrpci_load_seq(&conn->block.extents[i]));
        }
    }
    shmrpci_mutex_unlock(&conn->grow_lock);
    return any;
}

/* Takes back the extents that no connection of a user uses. Returns true if
 * there were any. */
static bool shrink_user(shm_listener *listener, const shm_account *account)
{
    bool any = false;
    shmrpci_mutex_lock(&listener->table_lock);
    for (size_t i = 0; i < listener->table_count; i++) {
        if (listener->table[i]->account == account) {
            any |= shrink(listener->table[i]);
        }
    }
    shmrpci_mutex_unlock(&listener->table_lock);
    return any;
}

/* Takes the extent back if it has been idle for long. Returns when to check it
 * again. Under grow_lock. */
static int64_t sweep_extent(shm_conn *conn, uint32_t region, int64_t now_ns,
                            int64_t idle_ns)
{
    shm_extent *extent = shm_extent_of(conn, region);
    uint64_t word = shmrpci_load_seq(&conn->block.extents[region]);
    if (word != extent->seen || shm_extent_state_of(word) != SHM_EXTENT_IDLE) {
        extent->seen = word;
        extent->seen_ns = now_ns;
        if (shm_extent_state_of(word) != SHM_EXTENT_IDLE) {
            return SHMRPCI_NEVER_NS; /* its client says when the extent becomes
                                      * idle */
        }
    } else if (now_ns - extent->seen_ns >= idle_ns &&
               retire(conn, region, word)) {
        return SHMRPCI_NEVER_NS;
    }
    int64_t due_ns = extent->seen_ns + idle_ns;
    return due_ns > now_ns ? due_ns : now_ns + idle_ns;
}

static int64_t sweep_conn(shm_conn *conn, int64_t now_ns, int64_t idle_ns)
{
    int64_t next_ns = SHMRPCI_NEVER_NS;
    shmrpci_mutex_lock(&conn->grow_lock);
    for (uint32_t i = 1; i <= SHM_EXTENTS; i++) {
        if (shmrpci_load_relaxed(&conn->ledger->entries[i].live) != 0) {
            int64_t due_ns = sweep_extent(conn, i, now_ns, idle_ns);
            next_ns = due_ns < next_ns ? due_ns : next_ns;
        }
    }
    shmrpci_mutex_unlock(&conn->grow_lock);
    return next_ns;
}

static int64_t idle_ns_of(const shm_listener *listener)
{
    return listener->opts.extent_idle_ns > 0 ? listener->opts.extent_idle_ns
                                             : DEFAULT_IDLE_NS;
}

static void say_swept(shm_listener *listener, uint32_t is_swept)
{
    shmrpci_store_seq(&listener->is_swept, is_swept);
    shmrpci_store_seq(&listener->status->swept, is_swept);
}

void shm_extent_heed(shm_conn *conn)
{
    shm_listener *listener = conn->listener;
    if (shmrpci_load_seq(&conn->has_extents) == 0) {
        return;
    }
    /* Schedules a sweep even if nothing is idle now. Otherwise a client that
     * soon uses the extent again would send a packet after each call. */
    int64_t now_ns = shmrpci_now_ns();
    int64_t idle_ns = idle_ns_of(listener);
    (void)sweep_conn(conn, now_ns, idle_ns);
    if (now_ns + idle_ns / 2 < listener->sweep_ns) {
        listener->sweep_ns = now_ns + idle_ns / 2;
    }
    say_swept(listener, 1);
}

int64_t shm_extent_sweep(shm_listener *listener)
{
    int64_t now_ns = shmrpci_now_ns();
    if (now_ns < listener->sweep_ns) {
        return listener->sweep_ns;
    }
    int64_t idle_ns = idle_ns_of(listener);
    int64_t next_ns = SHMRPCI_NEVER_NS;
    /* Clear `swept` before the first check. From then on a thread that makes an
     * extent rings, and a client that makes one idle sends a packet, so we
     * learn of what the checks below miss. */
    say_swept(listener, 0);
    /* No lock is needed to read the table: only this thread changes it. */
    for (size_t i = 0; i < listener->table_count; i++) {
        shm_conn *conn = listener->table[i];
        if (shmrpci_load_seq(&conn->has_extents) != 0) {
            int64_t due_ns = sweep_conn(conn, now_ns, idle_ns);
            next_ns = due_ns < next_ns ? due_ns : next_ns;
        }
    }
    if (next_ns != SHMRPCI_NEVER_NS) {
        /* Bound the time until the next sweep. The lower bound avoids a timer
         * for each of a thousand connections. With the upper bound an extent
         * that became idle in between without a packet is taken back after at
         * most one and a half times idle_ns. */
        int64_t least_ns = now_ns + idle_ns / 8;
        int64_t most_ns = now_ns + idle_ns / 2;
        next_ns = next_ns < least_ns ? least_ns : next_ns;
        next_ns = next_ns < most_ns ? next_ns : most_ns;
        say_swept(listener, 1);
    }
    listener->sweep_ns = next_ns;
    return next_ns;
}

/* ---- making ---------------------------------------------------------- */

/* Returns an unused number, or 0 if there is none. Under grow_lock. */
static uint32_t free_number(const shm_conn *conn)
{
    for (uint32_t i = 1; i <= SHM_EXTENTS; i++) {
        if (shmrpci_load_relaxed(&conn->ledger->entries[i].live) == 0) {
            return i;
        }
    }
    return 0;
}

/* Allocates, charges and maps memory for a new extent. If that fails, `message`
 * says why. Under grow_lock. */
static shmrpc_status make_map(shm_conn *conn, size_t bytes, shmrpci_map *map,
                              int *out_fd, shm_message *message)
{
    uint64_t left;
    shmrpc_status status =
        shm_account_charge(conn->listener, conn->account, bytes, &left);
    if (status != SHMRPC_OK) {
        message->max_message = bytes;
        message->bytes = left;
        return status;
    }
    status = shmrpci_memory_create("shmrpc-extent", bytes, out_fd);
    if (status == SHMRPC_OK) {
        status = shmrpci_memory_map(*out_fd, bytes, SHMRPCI_ACCESS_WRITE, false,
                                    map);
        if (status != SHMRPC_OK) {
            shmrpci_fd_close(out_fd);
        }
    }
    if (status != SHMRPC_OK) {
        shm_account_refund(conn->listener, conn->account, bytes);
    }
    return status;
}

/* Makes the control loop check extents from now on. */
static void arm_sweep(shm_conn *conn)
{
    shmrpci_store_seq(&conn->has_extents, 1u);
    if (shmrpci_exchange_seq(&conn->listener->is_swept, 1u) == 0) {
        shmrpci_event_set(conn->listener->sweep_fd);
    }
}

/* Makes an extent in `state`. Workers can find it before the client is told of
 * it. Under grow_lock. */
static shmrpc_status create(shm_conn *conn, uint64_t bytes,
                            shm_extent_state state, uint32_t slot,
                            shm_message *message)
{
    int fd = -1;
    uint32_t region = free_number(conn);
    if (region == 0) {
        return SHMRPC_E_EXHAUSTED;
    }
    if (!shm_extents_prepare(conn)) {
        return SHMRPC_E_NO_MEMORY;
    }
    shm_extent *extent = shm_extent_of(conn, region);
    SHMRPCI_ASSERT(extent->map.at == NULL,
                   "a number that is free has no memory");
    shmrpc_status status =
        make_map(conn, class_of(bytes), &extent->map, &fd, message);
    if (status != SHMRPC_OK) {
        return status;
    }
    uint32_t incarnation = conn->incarnations++ & 0xFFFFu;
    message->region = region;
    message->incarnation = incarnation;
    message->bytes = extent->map.bytes;
    extent->fd = fd;
    shmrpci_store_release(&extent->mapped, incarnation + 1);
    /* Must be stored before the packet is sent: the client checks the word when
     * it has read the packet. */
    shmrpci_store_seq(&conn->block.extents[region],
                      shm_extent_word(incarnation, state, slot));
    shmrpci_store_seq(&conn->ledger->entries[region].live, incarnation + 1);
    status = shm_message_send(conn->fd, *message, NULL, &fd, 1);
    if (status != SHMRPC_OK) {
        shmrpci_store_seq(&conn->ledger->entries[region].live, 0u);
        destroy(conn, region);
        return SHMRPC_E_EXHAUSTED;
    }
    if (!conn->listener->opts.takes_processes) {
        shmrpci_fd_close(&extent->fd);
    }
    arm_sweep(conn);
    return SHMRPC_OK;
}

static shmrpc_status want(shm_conn *conn, uint64_t bytes, shm_message *message)
{
    message->max_message = 0;
    shmrpci_mutex_lock(&conn->grow_lock);
    shmrpc_status status = create(conn, bytes, SHM_EXTENT_CLIENT, 0, message);
    shmrpci_mutex_unlock(&conn->grow_lock);
    return status;
}

shmrpc_status shm_extent_want(shm_conn *conn, uint64_t bytes,
                              shm_message *message)
{
    /* An extent of the smallest size is always allowed, as it costs no more
     * than a smaller one and can hold the rings of streams. */
    if (bytes > conn->max_message && bytes > SHM_EXTENT_MIN_BYTES) {
        return SHMRPC_E_TOO_LARGE;
    }
    shmrpc_status status = want(conn, bytes, message);
    if (status == SHMRPC_E_EXHAUSTED &&
        shrink_user(conn->listener, conn->account)) {
        status = want(conn, bytes, message);
    }
    return status;
}

shmrpc_status shm_extent_adopt(shm_conn *conn, uint32_t region,
                               uint32_t incarnation, size_t bytes, int fd)
{
    if (region == 0 || region > SHM_EXTENTS || bytes > SHM_BLOCK_MAX) {
        return SHMRPC_E_INVALID;
    }
    if (!shm_extents_prepare(conn)) {
        return SHMRPC_E_NO_MEMORY;
    }
    shm_extent *extent = shm_extent_of(conn, region);
    shmrpc_status status = extent->map.at != NULL
                               ? SHMRPC_E_INVALID
                               : shm_memory_attach(fd, bytes, &extent->map);
    if (status != SHMRPC_OK) {
        return status;
    }
    extent->fd = fd;
    shmrpci_store_release(&extent->mapped, incarnation + 1);
    arm_sweep(conn);
    return SHMRPC_OK;
}

/* ---- using ----------------------------------------------------------- */

/* Takes the smallest idle extent that is large enough for a reply. Returns its
 * number, or 0 if there is none. Under grow_lock. */
static uint32_t take_idle(shm_conn *conn, uint64_t bytes, uint32_t slot)
{
    uint32_t best = 0;
    uint64_t best_word = 0;
    for (uint32_t i = 1; i <= SHM_EXTENTS; i++) {
        const shm_extent *extent = shm_extent_of(conn, i);
        if (shmrpci_load_relaxed(&conn->ledger->entries[i].live) == 0 ||
            extent->map.bytes < bytes ||
            (best != 0 &&
             extent->map.bytes >= shm_extent_of(conn, best)->map.bytes)) {
            continue;
        }
        uint64_t word = shmrpci_load_seq(&conn->block.extents[i]);
        if (shm_extent_state_of(word) == SHM_EXTENT_IDLE &&
            shm_extent_incarnation_of(word) + 1 ==
                shmrpci_load_relaxed(&extent->mapped)) {
            best = i;
            best_word = word;
        }
    }
    /* If the client takes the extent first, the caller makes a new one. */
    if (best != 0 &&
        !shmrpci_cas_seq(&conn->block.extents[best], &best_word,
                         shm_extent_moved(best_word, SHM_EXTENT_REPLY, slot))) {
        best = 0;
    }
    if (best != 0) {
        /* Another thread may have used the extent for a call that ended only
         * after ours began. That use ended before the client marked the extent
         * idle, so it came before ours. Tells ThreadSanitizer this order. */
        shmrpci_note_after(conn);
    }
    return best;
}

static shmrpc_status grant(shm_conn *conn, uint64_t bytes, uint32_t slot,
                           uint32_t *out_region)
{
    shmrpc_status status = SHMRPC_OK;
    shm_message message = {.kind = SHM_MESSAGE_EXTENT};
    shmrpci_mutex_lock(&conn->grow_lock);
    message.region = take_idle(conn, bytes, slot);
    if (message.region == 0) {
        status = create(conn, bytes, SHM_EXTENT_REPLY, slot, &message);
    }
    if (status == SHMRPC_OK) {
        /* Note the use under grow_lock. Otherwise a client that wrongly marks
         * the extent idle could make the control loop take it away before the
         * use is noted. */
        shm_extent_note(conn, slot, message.region);
        *out_region = message.region;
    }
    shmrpci_mutex_unlock(&conn->grow_lock);
    return status;
}

shmrpc_status shm_extent_grant(shm_conn *conn, uint64_t bytes, uint32_t slot,
                               uint32_t *out_region)
{
    if (bytes > conn->max_message) {
        return SHMRPC_E_TOO_LARGE;
    }
    if (conn->listener->mirror != NULL) {
        return shm_mirror_grant(conn, bytes, slot, out_region);
    }
    shmrpc_status status = grant(conn, bytes, slot, out_region);
    if (status == SHMRPC_E_EXHAUSTED &&
        shrink_user(conn->listener, conn->account)) {
        status = grant(conn, bytes, slot, out_region);
    }
    return status;
}

void shm_extent_note(shm_conn *conn, uint32_t slot, uint32_t region)
{
    if (region != 0 && region <= SHM_EXTENTS) {
        (void)shmrpci_or_seq(&conn->ledger->entries[slot].uses, UINT64_C(1)
                                                                    << region);
    }
}

static shmrpc_status part_of(uint8_t *at, uint64_t bytes, uint64_t offset,
                             uint64_t length, uint8_t **out)
{
    if (!shm_is_within(offset, length, bytes)) {
        return SHMRPC_E_INVALID;
    }
    *out = at + offset;
    return SHMRPC_OK;
}

shmrpc_status shm_extent_at(shm_conn *conn, uint32_t region, uint64_t offset,
                            uint64_t length, uint8_t **out)
{
    *out = NULL;
    if (region == 0) {
        return part_of(conn->block.arena.at, conn->block.arena.bytes, offset,
                       length, out);
    }
    if (region > SHM_EXTENTS) {
        return SHMRPC_E_INVALID;
    }
    const shm_extent *extent = shm_extent_of(conn, region);
    /* Sequentially consistent: pairs with retire. */
    uint32_t live = shmrpci_load_seq(&conn->ledger->entries[region].live);
    /* Acquire: pairs with the release store by the thread that mapped it. */
    if (live != 0 && conn->listener->mirror != NULL &&
        (extent == NULL || shmrpci_load_acquire(&extent->mapped) != live)) {
        extent = shm_mirror_map(conn, region, live);
        if (extent == NULL) {
            return SHMRPC_E_NO_MEMORY;
        }
    }
    if (live == 0 || extent == NULL) {
        return SHMRPC_E_INVALID;
    }
    return part_of(extent->map.at, extent->map.bytes, offset, length, out);
}

void shm_extent_recover(shm_conn *conn, uint32_t slot)
{
    bool any = false;
    for (uint32_t i = 1; i <= SHM_EXTENTS; i++) {
        uint64_t word = shmrpci_load_seq(&conn->block.extents[i]);
        if (shm_extent_state_of(word) == SHM_EXTENT_REPLY &&
            shm_extent_slot_of(word) == slot) {
            any |= shmrpci_cas_seq(&conn->block.extents[i], &word,
                                   shm_extent_used(word));
        }
    }
    if (any) {
        arm_sweep(conn);
    }
}

void shm_extent_destroy_all(shm_conn *conn)
{
    for (uint32_t i = 1; i <= SHM_EXTENTS; i++) {
        shm_extent *extent = shm_extent_of(conn, i);
        if (extent == NULL || extent->map.at == NULL) {
            continue;
        }
        /* A client that has not hung up may be reading a reply in it. It unmaps
         * the extent when it learns that we are gone. */
        if (conn->listener->mirror == NULL && !conn->listener->is_abandoned &&
            conn->state == SHM_CONN_CLOSED) {
            destroy(conn, i);
        } else {
            unmap(extent);
        }
    }
    free(shmrpci_load_acquire(&conn->extents));
}

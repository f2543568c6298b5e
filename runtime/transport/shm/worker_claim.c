/*
 * Scanning and claiming. Rule numbers are those of the protocol in README.md.
 */
#include "transport/shm/worker.h"

#include "base/assert.h"
#include "os/map_alias.h"

/* A client that changes a word as fast as we read it is skipped after this many
 * tries. */
#define MAX_TRIES 8

#define HOT_MASK ((UINT64_C(1) << SHM_HOT_SLOTS) - 1)

static bool is_submitted(const shm_conn *conn, uint32_t slot)
{
    return shm_word_state(shmrpci_load_seq(&conn->block.slots[slot].word)) ==
           SHM_SUBMITTED;
}

/* The slots in `mask` whose calls no worker has. */
static uint64_t waiting_among(const shm_conn *conn, uint64_t mask)
{
    uint64_t waiting = 0;
    for (uint64_t left = mask; left != 0; left &= left - 1) {
        uint32_t slot = (uint32_t)__builtin_ctzll(left);
        waiting |= (uint64_t)shm_conn_waits(conn, slot) << slot;
    }
    return waiting;
}

/* Clears hints that led to no request, unless the client has submitted
 * meanwhile (rule 3). Returns true if the caller should check again at once. */
static bool clear_stale_hints(shm_conn *conn, uint64_t hinted)
{
    uint64_t stale = hinted & ~waiting_among(conn, hinted);
    if (stale == 0) {
        return false;
    }
    (void)shmrpci_and_seq(conn->block.pending, ~stale);
    uint64_t again = waiting_among(conn, stale);
    if (again == 0) {
        return false;
    }
    (void)shmrpci_or_seq(conn->block.pending, again);
    return true;
}

/* Takes the entry and then reads the word again; a client that withdraws a call
 * changes the word and then reads the entry. All four accesses are sequentially
 * consistent, so at least one side sees the other side's change. */
static bool try_claim(shm_worker *worker, shm_conn *conn, uint32_t slot)
{
    shmrpci_atomic_u32 *at = &conn->block.slots[slot].word;
    shmrpci_atomic_u32 *held = &conn->ledger->entries[slot].held;
    SHMRPCI_ASSERT(slot < SHM_SLOTS, "a slot number is in range");
    SHMRPCI_ASSERT(!worker->is_offline, "a worker that claims is online");
    for (int i = 0; i < MAX_TRIES; i++) {
        uint32_t word = shmrpci_load_seq(at);
        if (shm_word_state(word) != SHM_SUBMITTED) {
            return false;
        }
        uint32_t gen = shm_word_gen(word);
        uint32_t nobody = 0;
        if (!shmrpci_cas_seq(held, &nobody,
                             shm_held(gen, worker->index, SHM_TRIES))) {
            return false; /* its holder checks the word again: rules 3 and 4 */
        }
        if (shmrpci_load_seq(at) == word) {
            /* Release: from here on the call counts as run and is not
             * repeated. */
            shmrpci_store_release(held,
                                  shm_held(gen, worker->index, SHM_HOLDS));
            /* A client reuses a call's memory when the previous call is over.
             * Tells ThreadSanitizer so. */
            shmrpci_note_after(conn);
            worker->conn = conn;
            worker->slot = slot;
            worker->gen = gen;
            return true;
        }
        /* The call was withdrawn. Free the entry first, then check again (rule
         * 3, also for hot slots). */
        (void)shmrpci_exchange_seq(held, 0u);
    }
    return false;
}

/* Notes where the next search begins, and measures in rounds of SHM_SLOTS
 * claims how many slots the client uses: clients take the lowest free slot. */
static void note_claimed(shm_view *view, uint32_t slot)
{
    SHMRPCI_ASSERT(view->claims < SHM_SLOTS, "claims are counted in rounds");
    view->next = (slot + 1) % SHM_SLOTS;
    view->top = slot > view->top ? slot : view->top;
    if (++view->claims == SHM_SLOTS) {
        view->depth = view->top + 1;
        view->top = 0;
        view->claims = 0;
    }
}

/* Tries the slots in `mask` in a circle, from `start` on. Returns the slot that
 * it claimed, or SHM_SLOTS. */
static uint32_t claim_among(shm_worker *worker, shm_conn *conn, uint32_t start,
                            uint64_t mask)
{
    SHMRPCI_ASSERT(start < SHM_SLOTS, "the next slot is in range");
    uint64_t turned = mask;
    if (start != 0) {
        turned = mask >> start | mask << (SHM_SLOTS - start);
    }
    while (turned != 0) {
        uint32_t turn = (uint32_t)__builtin_ctzll(turned);
        uint32_t slot = (turn + start) % SHM_SLOTS;
        turned &= turned - 1;
        if (try_claim(worker, conn, slot)) {
            return slot;
        }
    }
    return SHM_SLOTS;
}

/* Tries the likely slots. Pipelined calls use one slot after another, and a
 * client that makes one call at a time uses the same slot again: neither needs
 * a scan or a hint. */
static inline bool claim_likely(shm_worker *worker, shm_view *view,
                                uint64_t in_turn)
{
    shm_conn *conn = view->conn;
    uint32_t next = view->next;
    uint32_t last = (next + SHM_SLOTS - 1) % SHM_SLOTS;
    if ((in_turn >> next & 1) != 0 && shm_conn_waits(conn, next) &&
        try_claim(worker, conn, next)) {
        note_claimed(view, next);
        return true;
    }
    if (view->streak < SHM_MAX_STREAK && (in_turn >> last & 1) != 0 &&
        shm_conn_waits(conn, last) && try_claim(worker, conn, last)) {
        view->streak++;
        return true;
    }
    view->streak = 0;
    return false;
}

/* Whether hints may be cleared. While calls follow one another, a hint stays
 * set when its request is taken, so that client and worker share its cache line
 * without writing to it. */
static bool may_clear(shm_view *view, bool is_full)
{
    if (!is_full && ++view->stale < SHM_STALE_LOOKS) {
        return false;
    }
    view->stale = 0;
    return true;
}

/* Claims from a connection whose client is gone: only the calls that the client
 * left behind. */
static bool claim_residue(shm_worker *worker, shm_conn *conn)
{
    uint64_t mask =
        shmrpci_load_seq(&conn->ledger->entries[SHM_WHOLE].residual);
    for (uint32_t i = 0; mask != 0 && i < SHM_SLOTS; i++) {
        uint64_t bit = UINT64_C(1) << i;
        if ((mask & bit) == 0) {
            continue;
        }
        bool is_claimed = try_claim(worker, conn, i);
        /* Clear the bit if the call was claimed, or if its client has changed
         * the word: the call is then no reason to keep the connection. If
         * another worker has the entry, the word is still SUBMITTED, and the
         * bit stays. */
        if (is_claimed || !is_submitted(conn, i)) {
            (void)shmrpci_and_seq(&conn->ledger->entries[SHM_WHOLE].residual,
                                  ~bit);
        }
        if (is_claimed) {
            return true;
        }
    }
    return false;
}

/* ---- turns ----------------------------------------------------------- */

/*
 * Answering a client that sleeps means waking it, and that often costs the
 * worker its CPU. An awake client makes ten calls in that time. With more
 * clients than CPUs, all sleepers would be served between two calls of an awake
 * client, which would then sleep too.
 *
 * So awake clients go first, and get a moment after each reply to call again,
 * until the others have waited several times as long as serving them takes.
 * Then one call of each sleeper is served. Between two of these calls, one call
 * of an awake client is served, because that client would otherwise have fallen
 * asleep before all sleepers are served. If calls take as long as wake-ups,
 * there is little to gain, and all clients are answered in turn.
 * Threads that share a connection have turns as separate clients do.
 *
 * When a worker checks everything, before or after a sleep, awake clients go
 * first too, but nobody is passed over. So the protocol does not depend on
 * turns.
 */
static void note_waiting(shm_worker *worker)
{
    shm_turn *turn = &worker->turn;
    if (turn->owed == 0 &&
        worker->now - turn->since > turn->waiting * turn->passed_ticks) {
        turn->owed = turn->waiting;
    }
    if (turn->owed > 0 || turn->waiting == 0) {
        turn->since = worker->now;
    }
}

/* Whether the client that was answered last is likely to call again at once. */
static bool is_expected(const shm_worker *worker)
{
    /* idle_since is the end of that client's call, where the search began. */
    return shm_turn_is_awake(&worker->turn) &&
           worker->now - worker->idle_since < worker->turn.again_ticks;
}

/* The slots of a client that may be served now: all or none, or, if threads
 * share the client, the slots of the threads whose turn it is. */
static uint64_t slots_in_turn(shm_worker *worker, shm_view *view)
{
    shm_turn *turn = &worker->turn;
    if (turn->whose == SHM_TURN_OF_ALL) {
        return UINT64_MAX;
    }
    /* Relaxed: only a hint, since a client may lie. */
    uint64_t asleep = shmrpci_load_relaxed(view->conn->block.sleepers);
    uint32_t sleepers = (uint32_t)__builtin_popcountll(asleep);
    if (asleep != 0 && !shm_conn_has_threads(view->conn)) {
        /* The client's other calls wait too: a thread with many calls in flight
         * sleeps on the oldest. */
        asleep = UINT64_MAX;
        sleepers = 1;
    }
    if (asleep != 0 && turn->whose == SHM_TURN_OF_AWAKE) {
        view->active = worker->now; /* passed over, but not idle */
        turn->passed += sleepers;
    }
    return turn->whose == SHM_TURN_OF_ASLEEP ? asleep : ~asleep;
}

/* Claims one of the slots in `mask`, after the last one served. Sleeping
 * threads have a separate position, because awake ones would reset it each
 * time. */
static bool claim_next_of(shm_worker *worker, shm_view *view, bool is_other,
                          uint64_t mask)
{
    uint32_t start = is_other ? view->other : view->next;
    uint32_t slot = claim_among(worker, view->conn, start, mask);
    if (slot == SHM_SLOTS) {
        return false;
    }
    if (is_other) {
        view->other = (slot + 1) % SHM_SLOTS;
    } else {
        note_claimed(view, slot);
    }
    return true;
}

static bool claim_from(shm_worker *worker, shm_view *view, bool is_full)
{
    shm_conn *conn = view->conn;
    uint64_t in_turn = slots_in_turn(worker, view);
    if (in_turn == 0) {
        return false;
    }
    /* Sequentially consistent: pairs with take_back in listener_close.c. */
    if (shmrpci_load_seq(&conn->ledger->entries[SHM_WHOLE].closed) != 0) {
        return claim_residue(worker, conn);
    }
    bool is_other =
        worker->turn.whose != SHM_TURN_OF_AWAKE && shm_conn_has_threads(conn);
    if (!is_other && claim_likely(worker, view, in_turn)) {
        return true;
    }
    uint64_t hinted =
        shmrpci_load_seq(conn->block.pending) & ~HOT_MASK & in_turn;
    uint64_t mask = waiting_among(conn, HOT_MASK & in_turn) | hinted;
    if (mask == 0) {
        return false;
    }
    if (claim_next_of(worker, view, is_other, mask)) {
        return true;
    }
    return hinted != 0 && may_clear(view, is_full) &&
           clear_stale_hints(conn, hinted) &&
           claim_next_of(worker, view, is_other, hinted);
}

static bool may_skip(const shm_worker *worker, shm_view *view)
{
    if (worker->now - view->active <= worker->recent_ticks ||
        ++view->skips > SHM_MAX_SKIPS) {
        view->skips = 0;
        return false;
    }
    return true;
}

static bool scan_from(shm_worker *worker, size_t *start, bool is_full)
{
    size_t count = worker->view_count;
    size_t i = *start < count ? *start : 0;
    for (size_t left = count; left > 0; left--) {
        shm_view *view = &worker->views[i];
        i = i + 1 < count ? i + 1 : 0;
        if (!is_full && may_skip(worker, view)) {
            continue;
        }
        if (claim_from(worker, view, is_full)) {
            worker->turn.together = shm_conn_has_threads(view->conn)
                                        ? UINT64_C(1) << worker->slot
                                        : UINT64_MAX;
            view->active = worker->now;
            *start = i;
            return true;
        }
    }
    return false;
}

static bool scan_awake(shm_worker *worker)
{
    shm_turn *turn = &worker->turn;
    turn->passed = 0;
    turn->whose = SHM_TURN_OF_AWAKE;
    bool is_found = scan_from(worker, &turn->start, false);
    uint32_t passed =
        turn->passed < SHM_PASSED_MOST ? turn->passed : SHM_PASSED_MOST;
    /* A scan that finds a request stops before it has seen all clients, so it
     * can only raise the count. */
    if (!is_found || passed > turn->waiting) {
        turn->waiting = passed;
    }
    return is_found;
}

/* Scans the clients in `whose`: those that sleep, or all. A request that it
 * finds counts as one of those owed to clients that waited. If it finds none,
 * nothing is owed any more. */
static bool scan_others(shm_worker *worker, shm_turn_of whose, bool is_full)
{
    shm_turn *turn = &worker->turn;
    turn->whose = whose;
    bool is_found = scan_from(worker, &worker->start, is_full);
    turn->owed = is_found && turn->owed > 0 ? turn->owed - 1 : 0;
    return is_found;
}

bool shm_worker_scan(shm_worker *worker, bool is_full)
{
    shm_turn *turn = &worker->turn;
    /* With only one CPU, no client can spin while we run. */
    if (worker->is_single || turn->long_calls == SHM_LONG_CALLS ||
        shmrpci_spinner_is_confined(&worker->spinner)) {
        return scan_others(worker, SHM_TURN_OF_ALL, is_full);
    }
    note_waiting(worker);
    if (turn->owed > 0 && shm_turn_is_awake(&worker->turn) &&
        scan_others(worker, SHM_TURN_OF_ASLEEP, is_full)) {
        return true;
    }
    if (scan_awake(worker)) {
        return true;
    }
    /* If nobody was passed over, the scan has covered all clients. */
    bool is_over =
        turn->passed == 0 || (turn->owed == 0 && is_expected(worker));
    return (is_full || !is_over) &&
           scan_others(worker, SHM_TURN_OF_ALL, is_full);
}

bool shm_worker_claim_next(shm_worker *worker)
{
    shm_view *view = worker->views;
    SHMRPCI_ASSERT(worker->view_count == 1, "there is one client");
    /* As in claim_from. */
    if (shmrpci_load_seq(&view->conn->ledger->entries[SHM_WHOLE].closed) != 0 ||
        !claim_likely(worker, view, UINT64_MAX)) {
        return false;
    }
    view->active = worker->now;
    return true;
}

bool shm_worker_sees_work(const shm_worker *worker)
{
    for (size_t i = 0; i < worker->view_count; i++) {
        const shm_conn *conn = worker->views[i].conn;
        if (shmrpci_load_seq(&conn->ledger->entries[SHM_WHOLE].closed) != 0) {
            if (shmrpci_load_seq(&conn->ledger->entries[SHM_WHOLE].residual) !=
                0) {
                return true;
            }
        } else if (waiting_among(conn, shmrpci_load_seq(conn->block.pending) |
                                           HOT_MASK) != 0) {
            return true;
        }
    }
    return false;
}

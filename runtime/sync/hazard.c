/* The hazard pointers of the threads. */
#include "sync/hazard.h"

#include <stdlib.h>
#include <threads.h>

#include "base/assert.h"
#include "os/thread.h"

/* The list of all places. It only grows: its length is the highest number of
 * threads that were alive at the same time. */
static _Atomic(shmrpci_hazard *) places;

_Thread_local shmrpci_hazard *shmrpci_hazard_own
    __attribute__((tls_model("initial-exec")));

/* Its destructor runs at the end of a thread. */
static tss_t key;
static bool has_key;
static shmrpci_once once = SHMRPCI_ONCE_INIT;

static void give_back(void *user)
{
    shmrpci_hazard *place = user;
    SHMRPCI_ASSERT(shmrpci_load_relaxed(&place->taken) == 1u,
                   "a thread has its place until it ends");
    shmrpci_hazard_own = NULL;
    shmrpci_hazard_leave(&place->held);
    /* Release: pairs with the compare-and-swap of the next owner. */
    shmrpci_store_release(&place->taken, 0u);
}

static void create_key(void)
{
    has_key = tss_create(&key, give_back) == thrd_success;
}

/* If this library is unloaded, threads that end later must not call give_back,
 * which is the key's destructor. */
__attribute__((destructor)) static void delete_key(void)
{
    if (has_key) {
        tss_delete(key);
    }
}

static shmrpci_hazard *find_free(void)
{
    for (shmrpci_hazard *place = shmrpci_load_acquire(&places); place != NULL;
         place = place->next) {
        uint32_t expected = 0;
        if (shmrpci_load_relaxed(&place->taken) == 0 &&
            shmrpci_cas_seq(&place->taken, &expected, 1u)) {
            SHMRPCI_ASSERT(shmrpci_load_relaxed(&place->held) == NULL,
                           "a free place holds nothing");
            /* Release: another thread may read one of our later relaxed stores
             * here, and find that an object is not held. This store orders it
             * after the uses by the previous thread, too. */
            shmrpci_store_release(&place->held, NULL);
            return place;
        }
    }
    return NULL;
}

static shmrpci_hazard *create(void)
{
    shmrpci_hazard *place =
        aligned_alloc(_Alignof(shmrpci_hazard), sizeof *place);
    if (place == NULL) {
        return NULL;
    }
    atomic_init(&place->held, NULL);
    atomic_init(&place->taken, 1u);
    place->next = shmrpci_load_relaxed(&places);
    /* Sequentially consistent, so that the place is in the list before this
     * thread reads the current object. It also publishes `next` to the loads
     * above. */
    while (!shmrpci_cas_seq(&places, &place->next, place)) {
    }
    return place;
}

shmrpci_hazard *shmrpci_hazard_first(void)
{
    SHMRPCI_ASSERT(shmrpci_hazard_own == NULL, "a thread has one place");
    shmrpci_call_once(&once, create_key);
    shmrpci_hazard *place = has_key ? find_free() : NULL;
    if (place == NULL && has_key) {
        place = create();
    }
    if (place != NULL && tss_set(key, place) != thrd_success) {
        give_back(place);
        return NULL;
    }
    shmrpci_hazard_own = place;
    return place;
}

bool shmrpci_hazard_settle(void)
{
    return shmrpci_thread_barrier();
}

bool shmrpci_hazard_is_held(const void *object)
{
    SHMRPCI_ASSERT(object != NULL, "NULL means that a place holds nothing");
    for (shmrpci_hazard *place = shmrpci_load_acquire(&places); place != NULL;
         place = place->next) {
        /* Acquire: pairs with leave. */
        if (shmrpci_load_acquire(&place->held) == object) {
            return true;
        }
    }
    return false;
}

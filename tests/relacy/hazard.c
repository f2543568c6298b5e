/*
 * Hazard pointers. Includes sync/hazard.c as source, so that its state is reset
 * in each run.
 *
 * Two threads use an object that a third thread replaces and frees. They hold
 * the object in the threads' own places, or in places of another kind, as
 * asynchronous calls do (rpc/async.c). shmrpci_thread_barrier, by which the
 * kernel makes a barrier in all threads, is modelled as a fence in each thread.
 */
#include "sync/hazard.c"

#include "engine.h"
#include "kernel.h"

#define READERS 2u
#define TURNS   2u

typedef struct object {
    uint64_t value;
    uint64_t same;
} object;

static shmrpci_atomic_pointer current;
static bool has_own;
static shmrpci_atomic_pointer own[READERS];
static object *left[TURNS]; /* objects that were replaced, but not freed yet */
static size_t left_count;
static uint64_t last;

static object *make(uint64_t value)
{
    object *it = malloc(sizeof *it);
    ENGINE_CHECK(it != NULL);
    engine_watch(it, sizeof *it);
    *it = (object){value, value};
    return it;
}

static void begin(bool with_own)
{
    has_own = with_own;
    kernel_reset(0);
    atomic_init(&places, NULL);
    for (unsigned i = 0; i < READERS; i++) {
        atomic_init(&own[i], NULL);
    }
    left_count = 0;
    last = 1;
    shmrpci_store_release(&current, (void *)make(last));
}

static void read_object(shmrpci_atomic_pointer *held)
{
    const object *it = shmrpci_hazard_enter(held, &current);
    ENGINE_CHECK(it->value == it->same);
    engine_step();
    ENGINE_CHECK(it->value == it->same);
    shmrpci_hazard_leave(held);
}

static void before(void)
{
    begin(false);
}

static void before_own(void)
{
    begin(true);
}

static bool is_held_by_own(const object *it)
{
    for (unsigned i = 0; i < READERS; i++) {
        if (shmrpci_load_acquire(&own[i]) == it) {
            return true;
        }
    }
    return false;
}

/* Replaces the object. Objects that are held now are freed later. */
static void replace(void)
{
    object *was = shmrpci_exchange_seq(&current, (void *)make(++last));
    left[left_count++] = was;
    if (shmrpci_hazard_settle() && !shmrpci_hazard_is_held(was) &&
        !(has_own && is_held_by_own(was))) {
        left[--left_count] = NULL;
        was->value = 0; /* overwritten, as the memory's next user would do */
        free(was);
    }
}

static void thread(unsigned index)
{
    if (index == READERS) {
        for (unsigned i = 0; i < TURNS; i++) {
            replace();
        }
        return;
    }
    /* All fibers share this variable, which is thread-local, because they run
     * in one thread of the system. It is reset because this fiber has no place
     * yet. */
    shmrpci_hazard_own = NULL;
    shmrpci_hazard *place = shmrpci_hazard_mine();
    ENGINE_CHECK(place != NULL);
    for (unsigned i = 0; i < TURNS; i++) {
        read_object(has_own ? &own[index] : &place->held);
    }
    kernel_end_thread();
}

static void after(void)
{
    for (shmrpci_hazard *it = places, *next; it != NULL; it = next) {
        next = it->next;
        ENGINE_CHECK(it->held == NULL && it->taken == 0);
        free(it);
    }
    for (size_t i = 0; i < left_count; i++) {
        free(left[i]);
    }
    free((void *)current);
}

const engine_case engine_cases[] = {
    {"replace", 3, before, thread, after},
    {"own", 3, before_own, thread, after},
    {0},
};

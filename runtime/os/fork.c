/* The generation of a process, and descriptors that children close. */
#include "os/fork.h"

#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

/* Holds the generation until there is a page that the kernel wipes at fork. If
 * the kernel can't wipe pages (before 4.14), this word is always used; then
 * fork() resets the generation, but clone() does not. */
static _Atomic uint32_t plain_word;

_Atomic(_Atomic uint32_t *) shmrpci_fork_word = &plain_word;

/* The generation that this process or one of its ancestors chose last. */
static _Atomic uint32_t last;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int handlers_status;

/* The list of descriptors (fork.h), guarded by the lock. */
static shmrpci_fork_fd *first;

static void prepare(void)
{
    (void)pthread_mutex_lock(&lock);
}

static void in_parent(void)
{
    (void)pthread_mutex_unlock(&lock);
}

/* Does only what is allowed in the forked child of a multithreaded program. */
static void in_child(void)
{
    for (shmrpci_fork_fd *place = first; place != NULL; place = place->next) {
        if (*place->fd >= 0) {
            (void)close(*place->fd);
            *place->fd = -1;
        }
    }
    atomic_store_explicit(&plain_word, 0, memory_order_relaxed);
    (void)pthread_mutex_unlock(&lock);
}

static void set_up(void)
{
    handlers_status = pthread_atfork(prepare, in_parent, in_child);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *at = mmap(NULL, page, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) {
        return;
    }
    if (madvise(at, page, MADV_WIPEONFORK) != 0) {
        (void)munmap(at, page);
        return;
    }
    /* Never unmapped: it is read as long as the process lives. */
    atomic_store_explicit(&shmrpci_fork_word, (_Atomic uint32_t *)at,
                          memory_order_release);
}

uint32_t shmrpci_fork_renew(void)
{
    (void)pthread_once(&once, set_up);
    _Atomic uint32_t *word =
        atomic_load_explicit(&shmrpci_fork_word, memory_order_acquire);
    uint32_t mine = atomic_load(&last) + 1;
    uint32_t seen = 0;
    if (mine == 0) {
        mine = 1;
    }
    /* If several threads get here at once, the first one decides. */
    if (!atomic_compare_exchange_strong(word, &seen, mine)) {
        return seen;
    }
    atomic_store(&last, mine);
    return mine;
}

shmrpc_status shmrpci_fork_close_fd(shmrpci_fork_fd *place, int *fd)
{
    (void)pthread_once(&once, set_up);
    if (handlers_status != 0) {
        return SHMRPC_E_NO_MEMORY;
    }
    (void)pthread_mutex_lock(&lock);
    *place = (shmrpci_fork_fd){.next = first, .fd = fd};
    if (first != NULL) {
        first->before = place;
    }
    first = place;
    (void)pthread_mutex_unlock(&lock);
    return SHMRPC_OK;
}

void shmrpci_fork_keep_fd(shmrpci_fork_fd *place)
{
    (void)pthread_mutex_lock(&lock);
    if (place->fd != NULL) {
        if (place->next != NULL) {
            place->next->before = place->before;
        }
        if (place->before != NULL) {
            place->before->next = place->next;
        } else {
            first = place->next;
        }
        *place = (shmrpci_fork_fd){0};
    }
    (void)pthread_mutex_unlock(&lock);
}

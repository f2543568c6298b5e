/* Detached calls of a worker process. */
#include "farm_later.h"

#include "os/thread.h"

#define MOST 32u

static struct {
    shmrpci_mutex lock;
    shmrpci_cond changed;
    shmrpci_thread thread;
    shmrpci_request waiting[MOST];
    unsigned first;
    unsigned count; /* the one that is being answered included */
    void (*answer)(void *user, shmrpci_request *request);
    void *user;
} later = {.lock = SHMRPCI_MUTEX_INIT};

static void answer_all(void *user)
{
    (void)user;
    for (;;) {
        shmrpci_mutex_lock(&later.lock);
        while (later.count == 0) {
            shmrpci_cond_wait(&later.changed, &later.lock);
        }
        shmrpci_request *request = &later.waiting[later.first];
        shmrpci_mutex_unlock(&later.lock);
        const shmrpci_worker_ops *ops = request->participant->transport->worker;
        later.answer(later.user, request);
        ops->detached_end(request);
        shmrpci_mutex_lock(&later.lock);
        later.first = (later.first + 1) % MOST;
        later.count--;
        shmrpci_cond_broadcast(&later.changed);
        shmrpci_mutex_unlock(&later.lock);
    }
}

bool farm_later_begin(void (*answer)(void *user, shmrpci_request *request),
                      void *user)
{
    shmrpci_cond_init(&later.changed);
    later.answer = answer;
    later.user = user;
    return shmrpci_thread_create(&later.thread, "later", answer_all, NULL) ==
           SHMRPC_OK;
}

bool farm_later_take(shmrpci_request *request)
{
    shmrpci_mutex_lock(&later.lock);
    bool has_room = later.count < MOST;
    if (has_room) {
        shmrpci_request *at =
            &later.waiting[(later.first + later.count) % MOST];
        has_room = request->participant->transport->worker->detach(
                       request, at) == SHMRPC_OK;
        later.count += has_room ? 1u : 0u;
        shmrpci_cond_broadcast(&later.changed);
    }
    shmrpci_mutex_unlock(&later.lock);
    return has_room;
}

void farm_later_end(void)
{
    shmrpci_mutex_lock(&later.lock);
    while (later.count > 0) {
        shmrpci_cond_wait(&later.changed, &later.lock);
    }
    shmrpci_mutex_unlock(&later.lock);
}

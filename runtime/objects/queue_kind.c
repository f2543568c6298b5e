/* Queues (shmrpc/queue.h) as a kind of named objects. Destroying, checking and
 * burying join the queue for a moment, with an engine of their own. If no place
 * is left, the queue can still be marked as destroyed. */
#include "objects/region_kind.h"
#include "os/memory.h"
#include "ring/queue.h"

/* Joins the queue for a moment; returns NULL if that is impossible. The profile
 * is POWER, because no caller spins. */
static shmrpci_queue *enter(int fd)
{
    int own;
    shmrpci_queue *queue;
    return shmrpci_memory_reopen(fd, SHMRPCI_ACCESS_WRITE, &own) == SHMRPC_OK &&
                   shmrpci_queue_open(own, SHMRPC_PROFILE_POWER, &queue,
                                      NULL) == SHMRPC_OK
               ? queue
               : NULL;
}

/* Destroys it through the engine, which wakes all waiting threads. */
static void destroy(int fd)
{
    shmrpci_queue *queue = enter(fd);
    if (queue != NULL) {
        shmrpci_queue_destroy(queue);
        shmrpci_queue_close(queue);
    } else {
        shmrpci_region_kind_destroy(fd);
    }
}

/* enter() already checks the head; then the engine checks every item. */
static uint64_t check(int fd, shmrpci_kind_finding *finding, void *user)
{
    shmrpci_queue *queue = enter(fd);
    if (queue == NULL) {
        finding(user, 0, "it can't be opened");
        return 1;
    }
    uint64_t count = shmrpci_queue_check(queue, finding, user);
    shmrpci_queue_close(queue);
    return count;
}

/* Joins only if a participant has died, because joining takes a place and a
 * mapping. */
static void bury(int fd)
{
    shmrpci_queue *queue = shmrpci_region_kind_has_dead(fd) ? enter(fd) : NULL;
    if (queue != NULL) {
        shmrpci_region_kind_bury(shmrpci_queue_region(queue));
        shmrpci_queue_close(queue);
    }
}

/* Only reads, and takes no place, so that monitoring does not disturb users. */
static shmrpc_status figures(int fd, shmrpci_kind_figure *tell, void *user)
{
    int own;
    shmrpci_queue_stat stat;
    shmrpc_status status = shmrpci_memory_reopen(fd, SHMRPCI_ACCESS_READ, &own);
    if (status == SHMRPC_OK) {
        status = shmrpci_queue_look(own, &stat, NULL);
    }
    /* The figures of a destroyed object mean nothing. */
    if (status != SHMRPC_OK || stat.is_destroyed) {
        return status != SHMRPC_OK ? status : SHMRPC_E_DESTROYED;
    }
    tell(user, "item_count", stat.depth);
    tell(user, "byte_count", stat.depth_bytes);
    tell(user, "capacity", stat.capacity);
    tell(user, "pushed_count", stat.pushed);
    tell(user, "popped_count", stat.popped);
    tell(user, "dropped_count", stat.dropped);
    tell(user, "redelivered_count", stat.redelivered);
    tell(user, "unacked_count", stat.unacked);
    tell(user, "waiting_for_items", stat.waiting_for_items);
    tell(user, "waiting_for_room", stat.waiting_for_room);
    tell(user, "is_ended", stat.is_ended);
    return SHMRPC_OK;
}

const shmrpci_object_kind shmrpci_kind_queue = {
    .name = "queue",
    .suffix = ".queue",
    .plain_name_max = 200,
    .has_long_names = true,
    .describe = shmrpci_region_kind_describe,
    .read_name = shmrpci_region_kind_read_name,
    .destroy = destroy,
    .is_over = shmrpci_region_kind_is_over,
    .check = check,
    .bury = bury,
    .figures = figures,
};

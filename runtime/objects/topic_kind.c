/* Topics (shmrpc/topic.h) as a kind of named objects. Destroying, checking and
 * burying join the topic for a moment, with an engine of their own. If no place
 * is left, the topic can still be marked as destroyed. */
#include "objects/region_kind.h"
#include "os/memory.h"
#include "ring/topic.h"

/* Joins the topic for a moment; returns NULL if that is impossible. The profile
 * is POWER, because no caller spins. */
static shmrpci_topic *enter(int fd)
{
    int own;
    shmrpci_topic *topic;
    return shmrpci_memory_reopen(fd, SHMRPCI_ACCESS_WRITE, &own) == SHMRPC_OK &&
                   shmrpci_topic_open(own, -1, SHMRPCI_ACCESS_WRITE,
                                      SHMRPC_PROFILE_POWER, &topic,
                                      NULL) == SHMRPC_OK
               ? topic
               : NULL;
}

/* Destroys it through the engine, which wakes all waiting threads. */
static void destroy(int fd)
{
    shmrpci_topic *topic = enter(fd);
    if (topic != NULL) {
        shmrpci_topic_destroy(topic);
        shmrpci_topic_close(topic);
    } else {
        shmrpci_region_kind_destroy(fd);
    }
}

/* enter() already checks the head; then the engine checks every message. */
static uint64_t check(int fd, shmrpci_kind_finding *finding, void *user)
{
    shmrpci_topic *topic = enter(fd);
    if (topic == NULL) {
        finding(user, 0, "it can't be opened");
        return 1;
    }
    uint64_t count = shmrpci_topic_check(topic, finding, user);
    shmrpci_topic_close(topic);
    return count;
}

/* Joins only if a participant has died, because joining takes a place and a
 * mapping. */
static void bury(int fd)
{
    shmrpci_topic *topic = shmrpci_region_kind_has_dead(fd) ? enter(fd) : NULL;
    if (topic != NULL) {
        shmrpci_region_kind_bury(shmrpci_topic_region(topic));
        shmrpci_topic_close(topic);
    }
}

/* Only reads, and takes no place, so that monitoring does not disturb users. */
static shmrpc_status figures(int fd, shmrpci_kind_figure *tell, void *user)
{
    int own;
    shmrpci_topic_stat stat;
    shmrpc_status status = shmrpci_memory_reopen(fd, SHMRPCI_ACCESS_READ, &own);
    if (status == SHMRPC_OK) {
        status = shmrpci_topic_look(own, &stat, NULL);
    }
    /* The figures of a destroyed object mean nothing. */
    if (status != SHMRPC_OK || stat.is_destroyed) {
        return status != SHMRPC_OK ? status : SHMRPC_E_DESTROYED;
    }
    tell(user, "published_count", stat.published);
    tell(user, "dropped_count", stat.dropped);
    tell(user, "received_count", stat.received);
    tell(user, "lost_count", stat.lost);
    tell(user, "evicted_count", stat.evicted);
    tell(user, "history", stat.history);
    tell(user, "subscriber_count", stat.subscribers);
    tell(user, "is_ended", stat.is_ended);
    return SHMRPC_OK;
}

const shmrpci_object_kind shmrpci_kind_topic = {
    .name = "topic",
    .suffix = ".topic",
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

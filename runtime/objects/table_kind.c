/* Dicts and values (shmrpc/dict.h, value.h) as kinds of named objects: one
 * implementation, with two names and suffixes. Tables are joined by
 * shmrpci_dict_lock_attach(), as when they are opened, so that a participant
 * does not hold the locks of the dead one whose number it got. */
#include "objects/dict_lock.h"
#include "objects/region_kind.h"
#include "os/clock.h"
#include "os/memory.h"
#include "table/table.h"

/* Joins the object for a moment; returns false if that is impossible. */
static bool enter(int fd, shmrpci_table *out)
{
    int own;
    if (shmrpci_memory_reopen(fd, SHMRPCI_ACCESS_WRITE, &own) != SHMRPC_OK) {
        return false;
    }
    if (shmrpci_dict_lock_attach(own, SHMRPCI_ACCESS_WRITE, out, NULL) !=
        SHMRPC_OK) {
        shmrpci_fd_close(&own);
        return false;
    }
    return true;
}

/* If no place is left to join, it is only marked as destroyed. */
static void destroy(int fd)
{
    shmrpci_table table;
    if (enter(fd, &table)) {
        shmrpci_table_destroy(&table);
        shmrpci_dict_lock_destroy(&table.region);
        shmrpci_table_detach(&table);
    } else {
        shmrpci_region_kind_destroy(fd);
    }
}

/* The engine reports the findings: which block, at which offset. */
static uint64_t check(int fd, shmrpci_kind_finding *finding, void *user)
{
    shmrpci_table table;
    if (!enter(fd, &table)) {
        finding(user, 0, "it can't be opened");
        return 1;
    }
    uint64_t count = shmrpci_table_check(&table, finding, user);
    shmrpci_table_detach(&table);
    return count;
}

/* Joins only if a participant has died, because joining takes a place and a
 * mapping. */
static void bury(int fd)
{
    shmrpci_table table;
    if (shmrpci_region_kind_has_dead(fd) && enter(fd, &table)) {
        shmrpci_region_kind_bury(&table.region);
        shmrpci_table_detach(&table);
    }
}

/* Only reads, and takes no place, so that monitoring does not disturb users. */
static shmrpc_status figures(int fd, shmrpci_kind_figure *tell, void *user)
{
    int own;
    shmrpci_table table;
    shmrpci_table_stat stat;
    shmrpc_status status = shmrpci_memory_reopen(fd, SHMRPCI_ACCESS_READ, &own);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = shmrpci_dict_lock_attach(own, SHMRPCI_ACCESS_READ, &table, NULL);
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&own);
        return status;
    }
    shmrpci_table_stat_get(&table, &stat);
    uint32_t locked = shmrpci_dict_lock_held_count(&table.region);
    /* Read before detaching, as the word lies in the mapping. */
    bool is_destroyed = shmrpci_region_is_destroyed(&table.region);
    shmrpci_table_detach(&table);
    if (is_destroyed) {
        return SHMRPC_E_DESTROYED;
    }
    tell(user, "entry_count", stat.len);
    tell(user, "change_count", stat.changes);
    tell(user, "helped_count", stat.helped);
    tell(user, "max_bytes", stat.max_bytes);
    tell(user, "lock_count", locked);
    tell(user, "view_age", stat.changes - stat.oldest_pin);
    tell(user, "snapshot_failure_count", stat.snapshot_failures);
    /* By the wall clock, like the snapshot's time, which must stay meaningful
     * after a restart. */
    if (stat.snapshot_ns != 0) {
        int64_t age_ns = shmrpci_wall_ns() - stat.snapshot_ns;
        tell(user, "snapshot_age_s",
             age_ns > 0 ? (uint64_t)(age_ns / SHMRPCI_NS_PER_S) : 0);
    }
    return SHMRPC_OK;
}

const shmrpci_object_kind shmrpci_kind_dict = {
    .name = "dict",
    .suffix = ".dict",
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

/* A value and a dict of the same name are two objects, as their suffixes
 * differ. */
const shmrpci_object_kind shmrpci_kind_value = {
    .name = "value",
    .suffix = ".value",
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

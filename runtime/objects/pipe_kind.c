/* Pipes (shmrpc/pipe.h) as a kind of named objects. Destroying, checking and
 * burying join the pipe for a moment, with an engine of their own. If no place
 * is left, the pipe can still be marked as destroyed. */
#include "objects/region_kind.h"
#include "os/memory.h"
#include "ring/pipe.h"

/* Joins the pipe for a moment; returns NULL if that is impossible. The profile
 * is POWER, because no caller spins. */
static shmrpci_pipe *enter(int fd)
{
    int own;
    shmrpci_pipe *pipe;
    return shmrpci_memory_reopen(fd, SHMRPCI_ACCESS_WRITE, &own) == SHMRPC_OK &&
                   shmrpci_pipe_open(own, SHMRPC_PROFILE_POWER, &pipe, NULL) ==
                       SHMRPC_OK
               ? pipe
               : NULL;
}

/* Destroys it through the engine, which wakes all waiting threads. */
static void destroy(int fd)
{
    shmrpci_pipe *pipe = enter(fd);
    if (pipe != NULL) {
        shmrpci_pipe_destroy(pipe);
        shmrpci_pipe_close(pipe);
    } else {
        shmrpci_region_kind_destroy(fd);
    }
}

/* enter() already checks the head; then the engine checks its words. */
static uint64_t check(int fd, shmrpci_kind_finding *finding, void *user)
{
    shmrpci_pipe *pipe = enter(fd);
    if (pipe == NULL) {
        finding(user, 0, "it can't be opened");
        return 1;
    }
    uint64_t count = shmrpci_pipe_check(pipe, finding, user);
    shmrpci_pipe_close(pipe);
    return count;
}

/* Joins only if a participant has died, because joining takes a place and a
 * mapping. */
static void bury(int fd)
{
    shmrpci_pipe *pipe = shmrpci_region_kind_has_dead(fd) ? enter(fd) : NULL;
    if (pipe != NULL) {
        shmrpci_region_kind_bury(shmrpci_pipe_region(pipe));
        shmrpci_pipe_close(pipe);
    }
}

/* Only reads, and takes no place, so that monitoring does not disturb users. */
static shmrpc_status figures(int fd, shmrpci_kind_figure *tell, void *user)
{
    int own;
    shmrpci_pipe_stat stat;
    shmrpc_status status = shmrpci_memory_reopen(fd, SHMRPCI_ACCESS_READ, &own);
    if (status == SHMRPC_OK) {
        status = shmrpci_pipe_look(own, &stat, NULL);
    }
    /* The figures of a destroyed object mean nothing. */
    if (status != SHMRPC_OK || stat.is_destroyed) {
        return status != SHMRPC_OK ? status : SHMRPC_E_DESTROYED;
    }
    tell(user, "byte_count", stat.depth);
    tell(user, "capacity", stat.capacity);
    tell(user, "written_count", stat.written);
    tell(user, "read_count", stat.read);
    tell(user, "writer_pid", (uint64_t)stat.writer_pid);
    tell(user, "waiting_for_bytes", stat.waiting_for_bytes);
    tell(user, "waiting_for_room", stat.waiting_for_room);
    tell(user, "is_ended", stat.is_ended);
    return SHMRPC_OK;
}

const shmrpci_object_kind shmrpci_kind_pipe = {
    .name = "pipe",
    .suffix = ".pipe",
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

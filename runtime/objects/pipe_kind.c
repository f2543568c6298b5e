/* Pipes (shmrpc/pipe.h) as a kind of named objects. */
#include "objects/region_kind.h"
#include "os/memory.h"
#include "ring/pipe.h"

static void describe(int fd, shmrpc_object_info *info,
                     char texts[SHMRPCI_KIND_NAME_BYTES])
{
    shmrpci_region_kind_describe(fd, info, "pipe", texts);
}

/* Takes part in it, for a moment. */
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

const shmrpci_object_kind shmrpci_kind_pipe = {
    .name = "pipe",
    .suffix = ".pipe",
    .plain_name_max = 200,
    .has_long_names = true,
    .describe = describe,
    .read_name = shmrpci_region_kind_read_name,
    .destroy = destroy,
    .is_over = shmrpci_region_kind_is_over,
    .check = check,
};

/* A thread that waits until the peer of a socket hangs up. */
#include "os/hangup.h"

#include "os/clock.h"
#include "os/memory.h"
#include "os/poll.h"

static void wait_for_it(void *user)
{
    shmrpci_hangup *watch = user;
    /* Asks for neither input nor room for output, because poll always reports a
     * hang-up. */
    shmrpci_poll_entry entries[] = {{.fd = watch->fd},
                                    {.fd = watch->stop_fd, .read = true}};
    (void)shmrpci_poll_entries(entries, 2, SHMRPCI_NEVER_NS);
    if (!entries[1].is_ready) {
        watch->told(watch->user);
    }
}

shmrpc_status shmrpci_hangup_begin(shmrpci_hangup *watch, int fd,
                                   void (*told)(void *user), void *user)
{
    if (watch->is_begun) {
        return SHMRPC_OK;
    }
    *watch =
        (shmrpci_hangup){.fd = fd, .stop_fd = -1, .told = told, .user = user};
    shmrpc_status status = shmrpci_event_create(&watch->stop_fd);
    if (status == SHMRPC_OK) {
        status = shmrpci_thread_create(&watch->thread, "shmrpc-hangup",
                                       wait_for_it, watch);
    }
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&watch->stop_fd);
        return status;
    }
    watch->is_begun = true;
    return SHMRPC_OK;
}

void shmrpci_hangup_end(shmrpci_hangup *watch)
{
    if (watch->is_begun) {
        shmrpci_event_set(watch->stop_fd);
        shmrpci_thread_join(&watch->thread);
        shmrpci_fd_close(&watch->stop_fd);
        watch->is_begun = false;
    }
}

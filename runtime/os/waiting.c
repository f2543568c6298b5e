/* The hooks of a thread, and calling them. */
#include "os/waiting.h"

#include <errno.h>
#include <stddef.h>

#include "os/clock.h"

_Thread_local shmrpci_waiting shmrpci_my_waiting
    __attribute__((tls_model("initial-exec")));

const shmrpc_wait_hooks *shmrpc_wait_set_hooks(const shmrpc_wait_hooks *hooks)
{
    const shmrpc_wait_hooks *before = shmrpci_my_waiting.hooks;
    shmrpci_my_waiting = (shmrpci_waiting){.hooks = hooks};
    return before;
}

bool shmrpci_waiting_take_interrupt(void)
{
    bool was = shmrpci_my_waiting.is_interrupted;
    shmrpci_my_waiting.is_interrupted = false;
    return was;
}

int64_t shmrpci_waiting_begin(int64_t until_ns)
{
    const shmrpc_wait_hooks *hooks = shmrpci_my_waiting.hooks;
    int saved = errno;
    hooks->block(hooks->user);
    errno = saved;
    int64_t slice_ns = shmrpci_deadline_after(SHMRPC_WAIT_SLICE_NS);
    return until_ns != 0 && until_ns < slice_ns ? until_ns : slice_ns;
}

void shmrpci_waiting_end(int64_t slice_ns, bool by_signal)
{
    const shmrpc_wait_hooks *hooks = shmrpci_my_waiting.hooks;
    int saved = errno;
    if (hooks->interrupted != NULL &&
        (by_signal || shmrpci_now_ns() >= slice_ns) &&
        hooks->interrupted(hooks->user) != 0) {
        shmrpci_my_waiting.is_interrupted = true;
    }
    hooks->unblock(hooks->user);
    errno = saved;
}

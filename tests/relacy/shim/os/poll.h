/* Includes the real header, and wraps shmrpci_event_set, so that a mutation can
 * omit a call of it. */
#ifndef TESTS_RELACY_SHIM_OS_POLL_H
#define TESTS_RELACY_SHIM_OS_POLL_H

#include_next "os/poll.h"

#include "engine.h"

#define shmrpci_event_set(fd)                                   \
    (engine_at(__FILE__, __LINE__, __func__, "event_set", #fd), \
     engine_omits() ? (void)0 : shmrpci_event_set(fd))

#endif

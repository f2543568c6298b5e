/* Includes the real header, and wraps its wake-up, so that a mutation can omit
 * a wake-up. */
#ifndef TESTS_RELACY_SHIM_OS_FUTEX_H
#define TESTS_RELACY_SHIM_OS_FUTEX_H

#include_next "os/futex.h"

#include "engine.h"

#define shmrpci_futex_wake(word, count)                            \
    (engine_at(__FILE__, __LINE__, __func__, "futex_wake", #word), \
     engine_omits() ? 0 : shmrpci_futex_wake(word, count))

#endif

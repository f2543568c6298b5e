/* Functions that the source of the table refers to, but that its cases never
 * call: nests, lists. */
#include "engine.h"

#define NEVER(name)                          \
    void name(void);                         \
    void name(void)                          \
    {                                        \
        engine_check(0, #name, __FILE__, 0); \
    }

NEVER(shmrpci_assert_failed)
NEVER(shmrpci_listeners_ask)
NEVER(shmrpci_nest_copy)
NEVER(shmrpci_nest_each_below)
NEVER(shmrpci_nest_of)
NEVER(shmrpci_region_destroy)

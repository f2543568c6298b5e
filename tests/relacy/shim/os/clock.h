/* Includes the real header, with ticks of the simulated kernel (kernel.c), each
 * a nanosecond long. */
#ifndef TESTS_RELACY_SHIM_OS_CLOCK_H
#define TESTS_RELACY_SHIM_OS_CLOCK_H

#define shmrpci_ticks shmrpci_ticks_of_the_machine
#include_next "os/clock.h"
#undef shmrpci_ticks

uint64_t shmrpci_ticks(void);

#endif

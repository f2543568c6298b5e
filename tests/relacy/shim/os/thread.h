/* Includes the real header, and replaces its threads by the engine's. */
#ifndef TESTS_RELACY_SHIM_OS_THREAD_H
#define TESTS_RELACY_SHIM_OS_THREAD_H

#define shmrpci_thread_number shmrpci_thread_number_of_the_process
#include_next "os/thread.h"
#undef shmrpci_thread_number

uint32_t shmrpci_thread_number(void);

#endif

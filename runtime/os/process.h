/*
 * Facts about this process and its CPUs.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OS_PROCESS_H
#define SHMRPCI_OS_PROCESS_H

#include <stdint.h>

uint32_t shmrpci_process_uid(void);
int32_t shmrpci_process_id(void);

/* The CPU this thread runs on; free of system calls where the kernel keeps it
 * in the thread's memory. */
uint32_t shmrpci_current_cpu(void);

/* How many CPUs this thread can really use, in hundredths: those of its
 * affinity mask, or fewer by the quota of its control group. Costs some 20 us;
 * ask once a second at most. */
uint32_t shmrpci_usable_cpus_percent(void);

#endif

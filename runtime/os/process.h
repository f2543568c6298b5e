/*
 * Facts about this process and its CPUs.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OS_PROCESS_H
#define SHMRPCI_OS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `nobody`: the kernel shows this id for all users that our user namespace
 * doesn't know. */
#define SHMRPCI_UNMAPPED_UID 65534u

uint32_t shmrpci_process_uid(void);

/* Whether a user id identifies nobody, because it is that of `nobody`. False if
 * this process runs as that user itself. */
bool shmrpci_process_mistrusts(uint32_t uid);

uint32_t shmrpci_process_gid(void);
int32_t shmrpci_process_id(void);

/* Identifies this process's pid namespace: a process id means the same for all
 * processes with the same number here. 0: unknown. */
uint64_t shmrpci_process_namespace(void);

/* Identifies this boot of the machine: 16 bytes that differ for each; zeros if
 * unknown. */
void shmrpci_process_boot(uint8_t out[16]);

/* The name of a process, as ps(1) shows it, with question marks for bytes that
 * are not printable ASCII; "" if there is no such process. */
void shmrpci_process_name(int32_t pid, char out[32]);

/* The current folder; false: there is none, or its path is too long. */
bool shmrpci_working_directory(char *out, size_t size);

/* The CPU this thread runs on; without a system call if the kernel keeps it in
 * the thread's memory. */
uint32_t shmrpci_current_cpu(void);

/* How many CPUs this thread may run on. */
uint32_t shmrpci_allowed_cpus(void);

/* How much CPU time the process can get, in hundredths of a CPU: all online
 * CPUs, or the quota of its control group. Costs some 20 us; ask once a second
 * at most. */
uint32_t shmrpci_cpu_quota_percent(void);

#endif

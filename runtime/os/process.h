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

/* The id of `nobody`, which the kernel shows for all users that our user
 * namespace doesn't know. */
#define SHMRPCI_UNMAPPED_UID 65534u

uint32_t shmrpci_process_uid(void);

/* Whether a user id can't be trusted to identify a user, because it is the id
 * of `nobody`. False if this process itself runs as `nobody`. */
bool shmrpci_process_mistrusts(uint32_t uid);

uint32_t shmrpci_process_gid(void);
int32_t shmrpci_process_id(void);

/* Identifies this process's pid namespace: processes that get the same number
 * here agree on what a pid means. 0: unknown. */
uint64_t shmrpci_process_namespace(void);

/* Identifies the current boot of the machine: 16 bytes that differ for each
 * boot; zeros if unknown. */
void shmrpci_process_boot(uint8_t out[16]);

/* Gives the name of a process, as ps(1) shows it, with question marks for bytes
 * that are not printable ASCII; "" if there is no such process. */
void shmrpci_process_name(int32_t pid, char out[32]);

/* Gives the current folder; returns false if there is none, or its path is too
 * long. */
bool shmrpci_working_directory(char *out, size_t size);

/* Returns the CPU that this thread runs on; without a system call if the kernel
 * keeps the number in the thread's memory. */
uint32_t shmrpci_current_cpu(void);

/* Returns how many CPUs this thread may run on. */
uint32_t shmrpci_allowed_cpus(void);

/* Returns how much CPU time the process can get, in percent of a CPU: all
 * online CPUs, or the quota of its control group. Costs some 20 us; ask at most
 * once a second. */
uint32_t shmrpci_cpu_quota_percent(void);

#endif

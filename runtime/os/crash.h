/*
 * Points at which a test may kill a process.
 *
 * Each change of a word that processes share (sync/atomic.h), and each system
 * call that wakes or notifies another process, is such a point. Only test
 * builds have them (SHMRPCI_CRASHPOINTS, tests/stress); elsewhere they are
 * empty.
 */
#ifndef SHMRPCI_OS_CRASH_H
#define SHMRPCI_OS_CRASH_H

#ifdef SHMRPCI_CRASHPOINTS
/* The test's function, which returns or kills the process. */
void shmrpci_crashpoint(const char *file, int line);
#define SHMRPCI_CRASHPOINT shmrpci_crashpoint(__FILE__, __LINE__)
#else
#define SHMRPCI_CRASHPOINT ((void)0)
#endif

#endif

/*
 * Points at which a test may kill a process.
 *
 * Every change of a word that processes share (sync/atomic.h), and every system
 * call that wakes or tells another process, is one.  Only test builds have them
 * (SHMRPCI_CRASHPOINTS, tests/stress); elsewhere they are empty.
 */
#ifndef SHMRPCI_OS_CRASH_H
#define SHMRPCI_OS_CRASH_H

#ifdef SHMRPCI_CRASHPOINTS
/* The test's function: returns, or kills the process. */
void shmrpci_crashpoint(const char *file, int line);
#define SHMRPCI_CRASHPOINT shmrpci_crashpoint(__FILE__, __LINE__)
#else
#define SHMRPCI_CRASHPOINT ((void)0)
#endif

#endif

/*
 * Points at which a test may let a process die.
 *
 * Every change of a word that processes share (sync/atomic.h), and every
 * system call that wakes or tells another process, is one.  Only a build for
 * tests has them (SHMRPCI_CRASHPOINTS, tests/stress); elsewhere they are
 * nothing.
 */
#ifndef SHMRPCI_OS_CRASH_H
#define SHMRPCI_OS_CRASH_H

#ifdef SHMRPCI_CRASHPOINTS
/* The test's: comes back, or kills the process. */
void shmrpci_crashpoint(const char *file, int line);
#define SHMRPCI_CRASHPOINT shmrpci_crashpoint(__FILE__, __LINE__)
#else
#define SHMRPCI_CRASHPOINT ((void)0)
#endif

#endif

/*
 * The results of all calls, counted by both sides in a file that they map.
 * Processes may be killed at any moment, and the counts survive.
 */
#ifndef SHMRPC_TESTS_INTEGRATION_LEDGER_H
#define SHMRPC_TESTS_INTEGRATION_LEDGER_H

#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define LEDGER_CALLS 1000000

/* How a call has ended, as its caller saw it. */
enum { LEDGER_NONE, LEDGER_OK, LEDGER_NOT_RUN, LEDGER_MAYBE_RUN, LEDGER_WRONG };

typedef struct ledger {
    _Atomic uint32_t ended;                   /* number of calls that have
                                               * ended */
    _Atomic uint32_t is_over;                 /* clients must stop */
    _Atomic unsigned char runs[LEDGER_CALLS]; /* counted by the server */
    _Atomic unsigned char ends[LEDGER_CALLS]; /* noted by the client */
} ledger;

/* Maps the file that LIFE_LEDGER names, creating it if necessary; NULL on
 * failure. */
static inline ledger *ledger_open(void)
{
    const char *path = getenv("LIFE_LEDGER");
    int fd = path != NULL ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd < 0 || ftruncate(fd, sizeof(ledger)) != 0) {
        return NULL;
    }
    void *at =
        mmap(NULL, sizeof(ledger), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    return at != MAP_FAILED ? at : NULL;
}

#endif

/* The end of a program that is wrong about itself. */
#include "base/assert.h"

#ifdef SHMRPCI_ASSERTS

#include <stdio.h>
#include <stdlib.h>

void shmrpci_assert_failed(const char *file, int line, const char *condition,
                           const char *what)
{
    (void)fprintf(stderr,
                  "%s:%d: shmrpc is wrong about itself: %s (%s); this is a "
                  "defect of shmrpc, please report it\n",
                  file, line, what, condition);
    abort();
}

#else

/* C wants something in every file. */
typedef int shmrpci_no_asserts;

#endif

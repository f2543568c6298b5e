/* Prints a failed assertion and aborts. */
#include "base/assert.h"

#ifdef SHMRPCI_ASSERTS

#include <stdio.h>
#include <stdlib.h>

void shmrpci_assert_failed(const char *file, int line, const char *condition,
                           const char *what)
{
    (void)fprintf(stderr,
                  "%s:%d: internal error: %s (%s); this is a "
                  "defect of shmrpc, please report it\n",
                  file, line, what, condition);
    abort();
}

#else

/* ISO C allows no empty translation unit. */
typedef int shmrpci_no_asserts;

#endif

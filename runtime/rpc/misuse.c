/* Messages about programs that use objects they have already released. */
#include "rpc/misuse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "shmrpc/log.h"

/* Checked builds are those with assertions (base/assert.h). */
#ifdef SHMRPCI_ASSERTS
#define IS_CHECKED true
#else
#define IS_CHECKED false
#endif

bool shmrpci_is_checked(void)
{
    const char *wanted = getenv("SHMRPC_CHECK");
    return wanted != NULL && wanted[0] != '\0' ? wanted[0] != '0' : IS_CHECKED;
}

int shmrpci_misuse(shmrpc_error *error, const char *format, ...)
{
    char text[SHMRPC_ERROR_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (shmrpci_is_checked()) {
        shmrpc_log(SHMRPC_LOG_CRITICAL, "shmrpc: %s", text);
        abort();
    }
    shmrpc_log(SHMRPC_LOG_ERROR, "shmrpc: %s", text);
    return shmrpc_error_set(error, SHMRPC_E_INVALID, "%s", text);
}

void *shmrpci_bury(shmrpci_graveyard *yard, void *object)
{
    /* Relaxed: the counter only spreads the objects over the places. */
    uint32_t at = shmrpci_add_relaxed(&yard->next, 1u) % SHMRPCI_GRAVES;
    /* Sequentially consistent, which includes release and acquire: the thread
     * that frees the old object sees all writes to it. */
    return shmrpci_exchange_seq(&yard->graves[at], object);
}

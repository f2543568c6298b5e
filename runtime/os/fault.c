/* errno to status. */
#include "os/fault.h"

#include <errno.h>

shmrpc_status shmrpci_status_of_errno(int code)
{
    switch (code) {
    case 0:
        return SHMRPC_OK;
    case EMFILE:
    case ENFILE:
    case ENOSPC:
    case ENOBUFS:
    case EDQUOT:
    case ETOOMANYREFS:
    case EAGAIN:
        return SHMRPC_E_EXHAUSTED;
    case ENOMEM:
        return SHMRPC_E_NO_MEMORY;
    case EACCES:
    case EPERM:
    case ELOOP:
    case EROFS:
        return SHMRPC_E_DENIED;
    case ENOENT:
    case ENOTDIR:
        return SHMRPC_E_NOT_FOUND;
    case EEXIST:
    case EADDRINUSE:
        return SHMRPC_E_EXISTS;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case ENOTCONN:
        return SHMRPC_E_UNAVAILABLE;
    case ETIMEDOUT:
        return SHMRPC_E_DEADLINE;
    case EMSGSIZE:
        return SHMRPC_E_TOO_LARGE;
    default:
        return SHMRPC_E_INTERNAL;
    }
}

shmrpc_status shmrpci_status_of_last(void)
{
    return shmrpci_status_of_errno(errno);
}

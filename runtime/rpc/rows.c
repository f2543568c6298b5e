/* Checks the row sizes with which generated code was compiled. */
#include "rpc/rows.h"

#include <string.h>

int shmrpci_rows_check(const shmrpc_service *service, shmrpc_error *error)
{
    static const shmrpc_rows ours = SHMRPC_ROWS_INIT;
    if (memcmp(&service->rows, &ours, sizeof ours) == 0) {
        return SHMRPC_OK;
    }
    /* No other member of the table can be relied on, not even the service's
     * name. */
    return shmrpc_error_set(error, SHMRPC_E_CONTRACT,
                            "the generated code was compiled with the headers "
                            "of another version of libshmrpc: generate and "
                            "compile it again");
}

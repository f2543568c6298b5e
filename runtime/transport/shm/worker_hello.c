/* What handlers can learn about a connection: the client's hello and, if they
 * ask for it, when the connection ends. */
#include <string.h>

#include "transport/shm/worker.h"

static const shm_conn *conn_of(const shmrpci_request *request)
{
    return ((const shm_worker *)(const void *)request->participant)->conn;
}

/* Byte `at` of the stored hello, whose length comes first. */
static uint8_t *said(shm_ledger *ledger, size_t at)
{
    size_t each = sizeof ledger->entries[0].said;
    return &ledger->entries[at / each].said[at % each];
}

_Static_assert(sizeof((shm_ledger_entry *)0)->said *SHM_SLOTS >=
                   2 + SHMRPCI_HELLO_MAX_BYTES,
               "a ledger holds a hello");

void shm_ledger_note(shm_ledger *ledger, const uint8_t *bytes, size_t len)
{
    len = len <= SHMRPCI_HELLO_MAX_BYTES ? len : 0;
    *said(ledger, 0) = (uint8_t)len;
    *said(ledger, 1) = (uint8_t)(len >> 8);
    for (size_t i = 0; i < len; i++) {
        *said(ledger, 2 + i) = bytes[i];
    }
}

size_t shm_worker_hello(const shmrpci_request *request,
                        uint8_t out[SHMRPCI_HELLO_MAX_BYTES])
{
    shm_ledger *ledger = conn_of(request)->ledger;
    size_t len = *said(ledger, 0) | (size_t)*said(ledger, 1) << 8;
    len = len <= SHMRPCI_HELLO_MAX_BYTES ? len : 0;
    for (size_t i = 0; i < len; i++) {
        out[i] = *said(ledger, 2 + i);
    }
    return len;
}

int shm_worker_watch(const shmrpci_request *request, shmrpc_error *error)
{
    shm_conn *conn = ((shm_worker *)(void *)request->participant)->conn;
    shmrpci_farewell *have = shmrpci_load_acquire(&conn->farewell);
    if (have != NULL) {
        return SHMRPC_OK;
    }
    shmrpci_farewell *made = shmrpci_farewell_new(conn->serial, error);
    if (made == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    if (!shmrpci_cas_seq(&conn->farewell, &have, made)) {
        free(made); /* another worker of this process was faster */
    }
    return SHMRPC_OK;
}

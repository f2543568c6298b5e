/* Keeps the contract that the service has sent, and passes it on to clients. */
#include "tools/relay/greeting.h"

#include "codec/contract_form.h"
#include "rpc/envelope.h"

/* Maximum memory that a contract may take while it is checked. */
#define ARENA_BYTES (16 * SHMRPCI_CONTRACT_MAX_BYTES)

void greeting_init(greeting *g, bool allows_native)
{
    *g = (greeting){.allows_native = allows_native};
    shmrpci_mutex_init(&g->lock);
    shmrpci_buf_init_heap(&g->contract);
}

void greeting_fini(greeting *g)
{
    shmrpci_buf_fini(&g->contract);
    shmrpci_mutex_fini(&g->lock);
}

void greeting_hello(shmrpci_buf *out)
{
    shmrpci_hello_write(0, "", out);
}

/* Native bodies are memory layouts; using them between machines needs the
 * user's permission. */
static int check_encodings(const shmrpci_contract *contract,
                           shmrpc_error *error)
{
    for (size_t i = 0; i < contract->methods.len; i++) {
        const shmrpci_contract_method *method = &contract->methods.ptr[i];
        if (method->encoding == SHMRPC_ENCODING_NATIVE) {
            return shmrpc_error_set(
                error, SHMRPC_E_PRECONDITION,
                "method %.*s is native, which is not for networks; "
                "--force-insecure-serialisation allows it",
                (int)(method->name.len < 64 ? method->name.len : 64),
                method->name.ptr);
        }
    }
    return SHMRPC_OK;
}

/* Decodes the contract only to check it. Clients get its bytes unchanged. */
static int check(const greeting *g, const shmrpci_welcome *said,
                 shmrpc_error *error)
{
    shmrpci_arena arena;
    const shmrpci_contract *contract;
    shmrpci_arena_init(&arena, ARENA_BYTES);
    int status = shmrpci_contract_decode(said->contract, said->contract_len,
                                         &arena, &contract, error);
    if (status == SHMRPC_OK && !g->allows_native) {
        status = check_encodings(contract, error);
    }
    shmrpci_arena_fini(&arena);
    return status;
}

/* Checks the contract before storing it: if a service is refused, the previous
 * greeting stays. */
int greeting_take(greeting *g, const uint8_t *welcome, size_t len,
                  bool *has_changed, shmrpc_error *error)
{
    shmrpci_welcome said;
    int status = shmrpci_welcome_read(welcome, len, &said, error);
    if (status == SHMRPC_OK) {
        status = check(g, &said, error);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_mutex_lock(&g->lock);
    *has_changed = g->is_known && g->hash != said.hash;
    g->is_known = true;
    g->hash = said.hash;
    shmrpci_buf_reset(&g->contract);
    shmrpci_buf_append(&g->contract, said.contract, said.contract_len);
    status = (int)g->contract.status;
    shmrpci_mutex_unlock(&g->lock);
    return status == SHMRPC_OK
               ? SHMRPC_OK
               : shmrpc_error_set(error, status, "out of memory");
}

/* A client whose contract has the same hash already has our contract, so it
 * gets only the hash. */
int greeting_answer(greeting *g, const uint8_t *hello, size_t len,
                    shmrpci_buf *welcome, shmrpc_error *error)
{
    shmrpci_hello said;
    int status = shmrpci_hello_read(hello, len, &said, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_mutex_lock(&g->lock);
    bool equal = said.hash == g->hash;
    shmrpci_welcome_write(g->hash, g->contract.data,
                          equal ? 0 : g->contract.len, welcome);
    shmrpci_mutex_unlock(&g->lock);
    return SHMRPC_OK;
}

int greeting_contract(greeting *g, shmrpci_arena *arena,
                      const shmrpci_contract **out, uint64_t *out_hash)
{
    shmrpci_mutex_lock(&g->lock);
    int status =
        g->is_known ? shmrpci_contract_decode(g->contract.data, g->contract.len,
                                              arena, out, NULL)
                    : (int)SHMRPC_E_UNAVAILABLE;
    *out_hash = g->hash;
    shmrpci_mutex_unlock(&g->lock);
    return status;
}

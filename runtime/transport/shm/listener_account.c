/* Memory quotas of users. */
#include "os/group.h"
#include "transport/shm/server.h"

#include "base/assert.h"

/* Returns the account of a user, or an unused one. Under accounts_lock. */
static shm_account *find(shm_listener *listener, uint32_t uid)
{
    shm_account *unused = NULL;
    for (size_t i = 0; i < SHM_MAX_USERS; i++) {
        shm_account *account = &listener->accounts[i];
        if (account->connections == 0) {
            unused = unused == NULL ? account : unused;
        } else if (account->uid == uid) {
            return account;
        }
    }
    if (unused != NULL) {
        *unused = (shm_account){.uid = uid};
    }
    return unused;
}

shmrpc_status shm_account_open(shm_listener *listener, uint32_t uid,
                               shm_account **out)
{
    shmrpc_status status = SHMRPC_E_EXHAUSTED;
    shmrpci_mutex_lock(&listener->accounts_lock);
    shm_account *account = find(listener, uid);
    if (account != NULL &&
        account->connections < listener->opts.max_connections_per_uid) {
        account->connections++;
        *out = account;
        status = SHMRPC_OK;
    }
    shmrpci_mutex_unlock(&listener->accounts_lock);
    return status;
}

shmrpc_status shm_account_adopt(shm_listener *listener, uint32_t uid,
                                size_t bytes, shm_account **out)
{
    shmrpci_mutex_lock(&listener->accounts_lock);
    *out = find(listener, uid);
    if (*out != NULL) {
        (*out)->connections++;
        (*out)->bytes += bytes;
        listener->charged_bytes += bytes;
    }
    shmrpci_mutex_unlock(&listener->accounts_lock);
    return *out != NULL ? SHMRPC_OK : SHMRPC_E_EXHAUSTED;
}

void shm_account_close(shm_listener *listener, shm_account *account)
{
    shmrpci_mutex_lock(&listener->accounts_lock);
    SHMRPCI_ASSERT(account->connections > 0,
                   "a connection that leaves was counted");
    account->connections--;
    shmrpci_mutex_unlock(&listener->accounts_lock);
}

/* The bytes that a user may still be charged. The limit of a control group may
 * change at any time, and also counts memory that is reserved but not touched.
 * Under accounts_lock. */
static uint64_t left_of(const shm_listener *listener,
                        const shm_account *account)
{
    size_t quota = listener->opts.max_bytes_per_uid;
    uint64_t of_user = account->bytes < quota ? quota - account->bytes : 0;
    uint64_t of_group =
        shmrpci_group_memory_left(NULL, listener->charged_bytes);
    return of_user < of_group ? of_user : of_group;
}

shmrpc_status shm_account_charge(shm_listener *listener, shm_account *account,
                                 size_t bytes, uint64_t *out_left)
{
    shmrpci_mutex_lock(&listener->accounts_lock);
    uint64_t left = left_of(listener, account);
    if (bytes <= left) {
        account->bytes += bytes;
        listener->charged_bytes += bytes;
    }
    shmrpci_mutex_unlock(&listener->accounts_lock);
    if (bytes <= left) {
        return SHMRPC_OK;
    }
    *out_left = left;
    return SHMRPC_E_EXHAUSTED;
}

void shm_account_refund(shm_listener *listener, shm_account *account,
                        size_t bytes)
{
    shmrpci_mutex_lock(&listener->accounts_lock);
    SHMRPCI_ASSERT(account->bytes >= bytes,
                   "only charged bytes are credited back");
    account->bytes -= bytes;
    listener->charged_bytes -= bytes;
    shmrpci_mutex_unlock(&listener->accounts_lock);
}

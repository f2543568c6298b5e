/* Quotas of users. */
#include "transport/shm/server.h"

/* Under accounts_lock: the account of a user, or an unused one. */
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
    }
    shmrpci_mutex_unlock(&listener->accounts_lock);
    return *out != NULL ? SHMRPC_OK : SHMRPC_E_EXHAUSTED;
}

void shm_account_close(shm_listener *listener, shm_account *account)
{
    shmrpci_mutex_lock(&listener->accounts_lock);
    account->connections--;
    shmrpci_mutex_unlock(&listener->accounts_lock);
}

shmrpc_status shm_account_charge(shm_listener *listener, shm_account *account,
                                 size_t bytes)
{
    shmrpc_status status = SHMRPC_E_EXHAUSTED;
    size_t quota = listener->opts.max_bytes_per_uid;
    shmrpci_mutex_lock(&listener->accounts_lock);
    if (bytes <= quota && account->bytes <= quota - bytes) {
        account->bytes += bytes;
        status = SHMRPC_OK;
    }
    shmrpci_mutex_unlock(&listener->accounts_lock);
    return status;
}

void shm_account_refund(shm_listener *listener, shm_account *account,
                        size_t bytes)
{
    shmrpci_mutex_lock(&listener->accounts_lock);
    account->bytes -= bytes;
    shmrpci_mutex_unlock(&listener->accounts_lock);
}

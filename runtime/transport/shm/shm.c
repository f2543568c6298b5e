/* The shm transport's table of operations. */
#include "transport/shm/client.h"
#include "transport/shm/locate.h"
#include "transport/shm/mirror.h"
#include "transport/shm/server.h"

const shmrpci_transport shmrpci_transport_shm = {
    .scheme = "shm",
    .connect = shm_client_connect,
    .disconnect = shm_client_disconnect,
    .find = shm_place_find,
    .open_stats = shm_client_open_stats,
    .reserve = shm_client_reserve,
    .abort = shm_client_abort,
    .commit = shm_client_commit,
    .receive = shm_client_receive,
    .release = shm_client_release,
    .cancel = shm_client_cancel,
    .watch = shm_client_watch,
    .arm = shm_client_arm,
    .acknowledge = shm_client_acknowledge,
    .listen = shm_listener_open,
    .run = shm_listener_run,
    .stop = shm_listener_stop,
    .close = shm_listener_close,
    .describe = shm_listener_describe,
    .participant_open = shm_worker_open,
    .participant_close = shm_worker_close,
    .next = shm_worker_next,
    .reply_reserve = shm_worker_reply_reserve,
    .reply_commit = shm_worker_reply_commit,
    .drop = shm_worker_drop,
    .is_cancelled = shm_worker_is_cancelled,
    .recover = shm_recover,
    .poll_fd = shm_listener_poll_fd,
    .step = shm_listener_step,
    .enlist = shm_link_enlist,
    .retire = shm_link_retire,
    .dismiss = shm_link_dismiss,
    .observe = shm_observe_worker,
    .observe_load = shm_observe_load,
    .disown = shm_listener_disown,
    .attach = shm_mirror_attach,
};

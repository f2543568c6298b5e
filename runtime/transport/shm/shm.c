/* The shm transport's table of operations. */
#include "transport/shm/client.h"
#include "transport/shm/locate.h"
#include "transport/shm/server.h"
#include "transport/shm/stream.h"
#include "transport/shm/worker_mirror.h"

static const shmrpci_client_ops client = {
    .connect = shm_client_connect,
    .disconnect = shm_client_disconnect,
    .reserve = shm_client_reserve,
    .abort = shm_client_abort,
    .commit = shm_client_commit,
    .receive = shm_client_receive,
    .release = shm_client_release,
    .cancel = shm_client_cancel,
    .watch = shm_client_watch,
    .arm = shm_client_arm,
    .acknowledge = shm_client_acknowledge,
};

static const shmrpci_listener_ops listener = {
    .listen = shm_listener_open,
    .run = shm_listener_run,
    .linger = shm_listener_linger,
    .stop = shm_listener_stop,
    .close = shm_listener_close,
    .describe = shm_listener_describe,
    .recover = shm_recover,
};

static const shmrpci_worker_ops worker = {
    .participant_open = shm_worker_open,
    .participant_close = shm_worker_close,
    .next = shm_worker_next,
    .reply_reserve = shm_worker_reply_reserve,
    .reply_commit = shm_worker_reply_commit,
    .drop = shm_worker_drop,
    .is_cancelled = shm_worker_is_cancelled,
    .is_draining = shm_worker_is_draining,
    .connection = shm_worker_connection,
    .detach = shm_worker_detach,
    .detached_end = shm_worker_detached_end,
    .watch = shm_worker_watch,
    .hello = shm_worker_hello,
};

static const shmrpci_shared_ops shared = {
    .post = shm_client_post,
    .answer = shm_worker_answer,
    .keep = shm_client_keep,
    .let_go = shm_client_let_go,
};

static const shmrpci_discovery_ops discovery = {
    .find = shm_place_find,
    .open_stats = shm_client_open_stats,
    .open_object = shm_client_open_object,
};

static const shmrpci_process_ops processes = {
    .poll_fd = shm_listener_poll_fd,
    .step = shm_listener_step,
    .enlist = shm_worker_link_enlist,
    .attach = shm_mirror_attach,
    .retire = shm_worker_link_retire,
    .cut = shm_worker_link_cut,
    .dismiss = shm_worker_link_dismiss,
    .observe = shm_observe_worker,
    .observe_call = shm_observe_call,
    .observe_abandoned = shm_observe_abandoned,
    .observe_load = shm_observe_load,
    .refuse_all = shm_refuse_all,
    .disown = shm_listener_disown,
};

static const shmrpci_peer_ops peers = {
    .say_left = shm_client_say_left,
};

static const shmrpci_takeover_ops takeover = {
    .summon = shm_summon,
    .hand_over = shm_hand_over,
    .take_over = shm_take_over,
    .abandon = shm_abandon,
};

static const shmrpci_stream_ops streams = {
    .open = shm_client_open,
    .is_taken = shm_client_is_taken,
    .accept = shm_worker_accept,
    .send = shm_stream_send,
    .delivered = shm_stream_delivered,
    .finish = shm_stream_finish,
    .next = shm_stream_next,
    .close = shm_stream_close,
};

const shmrpci_transport shmrpci_transport_shm = {
    .scheme = "shm",
    .client = &client,
    .listener = &listener,
    .worker = &worker,
    .shared = &shared,
    .discovery = &discovery,
    .processes = &processes,
    .peers = &peers,
    .takeover = &takeover,
    .streams = &streams,
    .lends = &shm_stream_lend_ops,
    .pump = &shm_stream_pump_ops,
};

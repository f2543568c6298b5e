/* The operations tables of tcp, tls and unix. */
#include "transport/adopted.h"
#include "transport/tcp/client.h"
#include "transport/tcp/server.h"

static const shmrpci_client_ops client = {
    .connect = tcp_client_connect,
    .disconnect = tcp_client_disconnect,
    .reserve = tcp_client_reserve,
    .abort = tcp_client_abort,
    .commit = tcp_client_commit,
    .receive = tcp_client_receive,
    .release = tcp_client_release,
    .cancel = tcp_client_cancel,
    .watch = tcp_client_watch,
    .arm = tcp_client_arm,
    .acknowledge = tcp_client_acknowledge,
};

static const shmrpci_listener_ops listener = {
    .listen = tcp_listener_open,
    .run = tcp_listener_run,
    .linger = tcp_listener_linger,
    .stop = tcp_listener_stop,
    .close = tcp_listener_close,
    .describe = tcp_listener_describe,
    .recover = tcp_worker_recover,
};

static const shmrpci_worker_ops worker = {
    .participant_open = tcp_worker_open,
    .participant_close = tcp_worker_close,
    .next = tcp_worker_next,
    .reply_reserve = tcp_worker_reply_reserve,
    .reply_commit = tcp_worker_reply_commit,
    .drop = tcp_worker_drop,
    .is_cancelled = tcp_worker_is_cancelled,
    .is_draining = tcp_worker_is_draining,
    .connection = tcp_worker_connection,
    .detach = tcp_worker_detach,
    .detached_end = tcp_worker_detached_end,
    .watch = tcp_worker_watch,
    .hello = tcp_worker_hello,
};

static const shmrpci_relay_ops relay = {
    .renew = tcp_listener_renew,
    .next_more = tcp_worker_next_more,
    .reply_commit_all = tcp_worker_reply_commit_all,
};

const shmrpci_stream_ops shmrpci_adopted_streams = {
    .open = tcp_client_open_streams,
    .is_taken = tcp_client_is_taken,
    .accept = tcp_worker_accept,
    .send = tcp_stream_send,
    .delivered = tcp_stream_delivered,
    .finish = tcp_stream_finish,
    .next = tcp_stream_next,
    .close = tcp_stream_close,
};

#define TABLES                                                   \
    .client = &client, .listener = &listener, .worker = &worker, \
    .relay = &relay, .streams = &shmrpci_adopted_streams,        \
    .pump = &tcp_stream_pump_ops

const shmrpci_transport shmrpci_transport_tcp = {
    .scheme = "tcp", .is_network = true, TABLES};

const shmrpci_transport shmrpci_transport_tls = {
    .scheme = "tls", .is_network = true, TABLES};

const shmrpci_transport shmrpci_transport_unix = {.scheme = "unix", TABLES};

/* Not in the registry, so that no address can select it. */
const shmrpci_transport shmrpci_transport_adopted = {
    .scheme = "nats", .is_network = true, TABLES};

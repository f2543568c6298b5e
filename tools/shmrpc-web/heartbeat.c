/* Pings services. */
#include "tools/shmrpc-web/heartbeat.h"

#include <stdlib.h>

#include "os/clock.h"
#include "os/thread.h"
#include "shmrpc/discover.h"

/* Time between two rounds. */
#define ROUND_NS (5 * SHMRPCI_NS_PER_S)
/* A service that takes longer counts as not answering. */
#define ANSWER_NS (SHMRPCI_NS_PER_S / 2)

struct web_heartbeat {
    web_directory *directory;
    shmrpci_thread thread;
    web_place places[WEB_MAX_SERVICES]; /* used by the thread only */
    shmrpci_mutex mutex;                /* protects all that follows */
    shmrpci_cond cond;
    bool is_closing;
};

static bool is_closing(web_heartbeat *h)
{
    shmrpci_mutex_lock(&h->mutex);
    bool it_is = h->is_closing;
    shmrpci_mutex_unlock(&h->mutex);
    return it_is;
}

static int64_t ping(shmrpc_client *client)
{
    const shmrpc_opts opts = {.timeout_ns = ANSWER_NS};
    int64_t round_trip_ns;
    return shmrpc_ping(client, &opts, &round_trip_ns, NULL) == SHMRPC_OK
               ? round_trip_ns
               : WEB_NO_ANSWER;
}

static void ping_all(web_heartbeat *h)
{
    size_t count =
        web_directory_list(h->directory, true, h->places, WEB_MAX_SERVICES);
    for (size_t i = 0; i < count; i++) {
        const web_place *place = &h->places[i];
        if (place->service == NULL) {
            continue;
        }
        if (place->is_alive && !is_closing(h)) {
            web_directory_set_ping(h->directory, place->service,
                                   ping(place->service->client));
        }
        web_service_release(h->directory, place->service);
    }
}

static void run(void *user)
{
    web_heartbeat *h = user;
    while (!is_closing(h)) {
        ping_all(h);
        int64_t next_ns = shmrpci_deadline_after(ROUND_NS);
        shmrpci_mutex_lock(&h->mutex);
        while (!h->is_closing &&
               shmrpci_cond_wait_until(&h->cond, &h->mutex, next_ns)) {
        }
        shmrpci_mutex_unlock(&h->mutex);
    }
}

int web_heartbeat_open(web_directory *directory, web_heartbeat **out,
                       shmrpc_error *error)
{
    web_heartbeat *h = calloc(1, sizeof *h);
    if (h == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    h->directory = directory;
    shmrpci_mutex_init(&h->mutex);
    shmrpci_cond_init(&h->cond);
    if (shmrpci_thread_create(&h->thread, "heartbeat", run, h) != SHMRPC_OK) {
        free(h);
        return shmrpc_error_set(error, SHMRPC_E_EXHAUSTED, "no thread left");
    }
    *out = h;
    return SHMRPC_OK;
}

void web_heartbeat_close(web_heartbeat *h)
{
    if (h == NULL) {
        return;
    }
    shmrpci_mutex_lock(&h->mutex);
    h->is_closing = true;
    shmrpci_cond_signal(&h->cond);
    shmrpci_mutex_unlock(&h->mutex);
    shmrpci_thread_join(&h->thread);
    shmrpci_cond_fini(&h->cond);
    shmrpci_mutex_fini(&h->mutex);
    free(h);
}

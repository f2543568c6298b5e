/* Addresses of each kind, and the gateway that may be in front of a server. */
#include "place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/clock.h"
#include "os/thread.h"
#include "pki.h"
#include "rpc/address.h"
#include "rpc/server.h"
#include "tools/relay/greeting.h"
#include "tools/relay/relay.h"

#define RELAY "relay://"

struct place_gateway {
    greeting greeting;
    relay *relay;
    shmrpci_thread thread;
};

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Returns the path of a certificate, which the first test that needs it makes.
 */
static void cert_of(const char *name, char out[PLACE_BYTES])
{
    struct stat about;
    const char *folder = getenv("SHMRPC_DIR");
    (void)snprintf(out, PLACE_BYTES, "%s/%s.pem", folder, name);
    if (stat(out, &about) != 0) {
        pki_make(folder);
    }
}

void place_new(const char *name, char out[PLACE_BYTES])
{
    static unsigned number;
    char cert[PLACE_BYTES];
    number++;
    if (strcmp(name, "tcp") == 0) {
        (void)snprintf(out, PLACE_BYTES, "tcp://127.0.0.1:0");
    } else if (strcmp(name, "tls") == 0) {
        cert_of("server", cert);
        (void)snprintf(out, PLACE_BYTES, "tls://127.0.0.1:0?cert=%.90s", cert);
    } else if (strcmp(name, "unix") == 0) {
        (void)snprintf(out, PLACE_BYTES, "unix://%s/sample-%u.socket",
                       getenv("SHMRPC_DIR"), number);
    } else {
        (void)snprintf(out, PLACE_BYTES, "%s://sample-%d-%u@test", name,
                       (int)getpid(), number);
    }
}

void place_listen(const char *address, char out[PLACE_BYTES])
{
    bool is_relayed = begins_with(address, RELAY);
    (void)snprintf(out, PLACE_BYTES, "%s%s", is_relayed ? "shm://" : "",
                   address + (is_relayed ? strlen(RELAY) : 0));
}

bool place_is_local(const char *address)
{
    return begins_with(address, "inproc://") || begins_with(address, "shm://");
}

/* ---- the gateway, as shmrpc-tcp opens it --------------------------------- */

static int on_hello(void *user, const uint8_t *hello, size_t len,
                    const shmrpc_peer *peer, shmrpci_buf *welcome,
                    shmrpc_error *error)
{
    (void)peer;
    place_gateway *g = user;
    return greeting_answer(&g->greeting, hello, len, welcome, error);
}

static int on_welcome(void *user, const uint8_t *welcome, size_t len,
                      bool *has_changed, shmrpc_error *error)
{
    place_gateway *g = user;
    return greeting_take(&g->greeting, welcome, len, has_changed, error);
}

static shmrpci_address parse(const char *text, const shmrpc_service *service)
{
    shmrpc_error error;
    shmrpci_place_list places;
    if (shmrpci_places_parse(text, service, &places, &error) != SHMRPC_OK) {
        fail_msg("%s: %s", text, error.message);
    }
    return places.items[0].address;
}

static void run(void *user)
{
    place_gateway *g = user;
    (void)relay_run(g->relay, NULL);
}

static place_gateway *open_gateway(const char *back,
                                   const shmrpc_service *service)
{
    shmrpci_buf hello;
    shmrpc_error error;
    place_gateway *g = calloc(1, sizeof *g);
    assert_non_null(g);
    greeting_init(&g->greeting, true);
    shmrpci_buf_init_heap(&hello);
    greeting_hello(&hello);
    const relay_opts opts = {
        .front = parse("tcp://127.0.0.1:0", service),
        .back = parse(back, service),
        .listen = {.profile = SHMRPC_PROFILE_BALANCED,
                   .max_message_bytes = (size_t)64 << 20,
                   .max_connections_per_uid = 64,
                   .max_total_bytes = (size_t)256 << 20,
                   .on_hello = on_hello,
                   .user = g},
        .hello = hello.data,
        .hello_len = hello.len,
        .on_welcome = on_welcome,
        .drain_ns = SHMRPCI_NS_PER_S,
    };
    if (relay_open(&opts, &g->relay, &error) != SHMRPC_OK) {
        fail_msg("gateway: %s", error.message);
    }
    shmrpci_buf_fini(&hello);
    assert_int_equal(shmrpci_thread_create(&g->thread, "gateway", run, g),
                     SHMRPC_OK);
    return g;
}

place_gateway *place_open(const char *address, const shmrpc_server *server,
                          const shmrpc_service *service, char out[PLACE_BYTES])
{
    place_gateway *g = NULL;
    char cert[PLACE_BYTES];
    char listen[PLACE_BYTES];
    place_listen(address, listen);
    const char *where = shmrpci_server_describe(server, 0);
    if (begins_with(address, RELAY)) {
        g = open_gateway(listen, service);
        (void)snprintf(out, PLACE_BYTES, "%s", relay_describe(g->relay));
    } else if (begins_with(address, "tls://")) {
        cert_of("ca", cert);
        (void)snprintf(out, PLACE_BYTES, "%.40s?ca=%.80s", where, cert);
    } else if (begins_with(address, "tcp://")) {
        (void)snprintf(out, PLACE_BYTES, "%s", where);
    } else {
        (void)snprintf(out, PLACE_BYTES, "%s", listen);
    }
    return g;
}

void place_close(place_gateway *g)
{
    if (g != NULL) {
        relay_stop(g->relay);
        shmrpci_thread_join(&g->thread);
        relay_close(g->relay);
        greeting_fini(&g->greeting);
        free(g);
    }
}

void place_with(const char *address, const char *key, const char *value,
                char *out, size_t size)
{
    (void)snprintf(out, size, "%s%c%s=%s", address,
                   strchr(address, '?') != NULL ? '&' : '?', key, value);
}

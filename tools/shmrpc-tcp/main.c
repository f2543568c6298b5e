/*
 * shmrpc-tcp: the program.
 *
 * It opens everything first, each service in turn: addresses, the listening
 * socket, the connection to the service.  Then it gives up the right to open
 * anything (the sandbox), and only then takes connections.  What relays is in
 * tools/relay; here is what only this gateway has: addresses, and how it
 * starts and ends.
 *
 * Threading: one relay a service, each with a thread that runs it; the first
 * has the main thread.  A signal stops all of them.
 */
#include <stdio.h>
#include <string.h>

#include "os/notify.h"
#include "os/signals.h"
#include "os/thread.h"
#include "rpc/address.h"
#include "sync/atomic.h"
#include "tools/common/sandbox.h"
#include "tools/relay/greeting.h"
#include "tools/relay/port.h"
#include "tools/relay/relay.h"
#include "tools/shmrpc-tcp/options.h"

/* A service that is relayed. */
typedef struct gate {
    const option_service *service;
    uint16_t port; /* the service's */
    greeting greeting;
    relay *relay;
    shmrpci_thread thread;
    bool has_thread;
    int status; /* what its relay has returned */
} gate;

/* Static, so that the signal handler finds them. */
static gate gates[OPTIONS_SERVICES_MAX];

/* How many of them the signal handler stops. */
static shmrpci_atomic_u32 running;

/* A signal handler, so that it only does what relay_stop may do in one. */
static void on_signal(int number)
{
    (void)number;
    uint32_t count = shmrpci_load_acquire(&running);
    for (uint32_t i = 0; i < count; i++) {
        relay_stop(gates[i].relay);
    }
}

/* A service that fails is named: there may be several. */
static exit_code fail(const char *name, const shmrpc_error *error)
{
    char text[SHMRPC_ERROR_TEXT_BYTES];
    (void)fprintf(stderr, "shmrpc-tcp: %s: %s\n", name,
                  shmrpc_error_text(error, text, sizeof text));
    return EXIT_TROUBLE;
}

/* ---- which service --------------------------------------------------- */

/* The port of a service that is named without. */
static int find_port(gate *g, shmrpc_error *error)
{
    g->port = g->service->port;
    return g->port != 0 ? (int)SHMRPC_OK
                        : relay_port_of(g->service->name, &g->port, error);
}

/* Addresses without a port get the service's own, with which a client that
 * knows only the service will look. */
static int parse_one(const gate *g, const char *text, shmrpci_address *out,
                     shmrpc_error *error)
{
    shmrpci_place_list places;
    const shmrpc_service service = {
        .name = g->service->name, .id = "", .port = g->port};
    int status = shmrpci_places_parse(text, &service, &places, error);
    if (status == SHMRPC_OK && places.count != 1) {
        status = shmrpc_error_set(error, SHMRPC_E_INVALID,
                                  "\"%.100s\": one address is expected", text);
    }
    if (status == SHMRPC_OK && places.items[0].address.transport == NULL) {
        status = shmrpci_place_not_built(&places.items[0], error);
    }
    if (status == SHMRPC_OK) {
        *out = places.items[0].address;
    }
    return status;
}

/* Where the service is, and where its clients are to come; both before anything
 * is opened, so that a mistake costs nothing. */
static int find_addresses(gate *g, relay_opts *out, shmrpc_error *error)
{
    char back[160];
    int status = find_port(g, error);
    (void)snprintf(back, sizeof back, "shm://%s", g->service->name);
    if (status == SHMRPC_OK) {
        status = parse_one(g, back, &out->back, error);
    }
    if (status == SHMRPC_OK) {
        status = parse_one(g, g->service->where, &out->front, error);
    }
    if (status == SHMRPC_OK && out->front.transport->relay == NULL) {
        status =
            shmrpc_error_set(error, SHMRPC_E_INVALID,
                             "\"%.100s\": expected tcp://, tls:// or unix://",
                             g->service->where);
    }
    return status;
}

/* ---- relaying it ----------------------------------------------------- */

/* Peers are nobody: what they may see does not depend on who they are. */
static int on_hello(void *user, const uint8_t *hello, size_t len,
                    const shmrpc_peer *peer, shmrpci_buf *welcome,
                    shmrpc_error *error)
{
    (void)peer;
    gate *g = user;
    return greeting_answer(&g->greeting, hello, len, welcome, error);
}

/* Of the service, each time that it is reached: another build of it may have
 * other methods, and then all clients have to say hello anew. */
static int on_welcome(void *user, const uint8_t *welcome, size_t len,
                      bool *has_changed, shmrpc_error *error)
{
    gate *g = user;
    return greeting_take(&g->greeting, welcome, len, has_changed, error);
}

/* What the relay reports while it runs, as that its service has gone. */
static void say(void *user, const char *line)
{
    const gate *g = user;
    (void)fprintf(stderr, "shmrpc-tcp: %s: %s\n", g->service->name, line);
}

/* Whatever opens files is done here, before the sandbox forbids it. */
static exit_code open_gate(gate *g, const options *o, const shmrpci_buf *hello)
{
    shmrpc_error error = {.name = "UNKNOWN"};
    relay_opts opts = {
        .listen = {.profile = SHMRPC_PROFILE_BALANCED,
                   .max_message_bytes = o->max_message_bytes,
                   .max_connections_per_uid = o->max_connections,
                   .max_total_bytes = o->max_memory_bytes / o->service_count,
                   .compression = o->compression,
                   .on_hello = on_hello,
                   .user = g},
        .hello = hello->data,
        .hello_len = hello->len,
        .on_welcome = on_welcome,
        .say = say,
        .carriers = o->threads,
        .drain_ns = o->stop_ns,
    };
    greeting_init(&g->greeting, o->allows_native);
    int status = find_addresses(g, &opts, &error);
    if (status == SHMRPC_OK) {
        status = relay_open(&opts, &g->relay, &error);
    }
    if (status != SHMRPC_OK) {
        greeting_fini(&g->greeting);
        return fail(g->service->name, &error);
    }
    return EXIT_GO_ON;
}

/* Until it is stopped, or fails: a thread's whole life. */
static void run_gate(void *user)
{
    gate *g = user;
    shmrpc_error error = {.name = "UNKNOWN"};
    g->status = relay_run(g->relay, &error);
    if (g->status != SHMRPC_OK) {
        (void)fail(g->service->name, &error);
        on_signal(0); /* one that fails takes the others along */
    }
}

/* All at a time, the first on this thread. If a thread can't be started, those
 * that run are stopped: half of what was asked for would go unnoticed. */
static exit_code run_all(size_t count)
{
    for (size_t i = 1; i < count; i++) {
        gate *g = &gates[i];
        g->has_thread = shmrpci_thread_create(&g->thread, "relay", run_gate,
                                              g) == SHMRPC_OK;
        if (!g->has_thread) {
            (void)fprintf(stderr, "shmrpc-tcp: can't start a thread\n");
            g->status = SHMRPC_E_EXHAUSTED;
            on_signal(0);
        }
    }
    run_gate(&gates[0]);
    exit_code code = EXIT_DONE;
    for (size_t i = 0; i < count; i++) {
        if (gates[i].has_thread) {
            shmrpci_thread_join(&gates[i].thread);
        }
        code = gates[i].status == SHMRPC_OK ? code : EXIT_TROUBLE;
    }
    return code;
}

/* With the ports that the system has chosen: port 0 asks for any. */
static void print_places(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)printf("shmrpc-tcp: %s: serving at %s\n", gates[i].service->name,
                     relay_describe(gates[i].relay));
    }
    (void)fflush(stdout); /* whoever started us may wait for these lines */
}

/* Whoever manages us waits for that: READY=1 of sd_notify(3), and where clients
 * are to come, in the words of shmrpcd. */
static void tell(size_t count)
{
    shmrpci_buf lines;
    shmrpci_buf_init_heap(&lines);
    shmrpci_buf_append_text(&lines, "READY=1\nX_SHMRPC_ADDRESSES=");
    for (size_t i = 0; i < count; i++) {
        shmrpci_buf_printf(&lines, "%s%s", i > 0 ? "," : "",
                           relay_describe(gates[i].relay));
    }
    const char *text = shmrpci_buf_text(&lines);
    (void)shmrpci_notify_send(text != NULL ? text : "READY=1");
    shmrpci_buf_fini(&lines);
}

/* Without a filter it does not run, unless the user says so. */
static exit_code enter_sandbox(const options *o)
{
    if (o->no_sandbox || tool_sandbox_enter() == SHMRPC_OK) {
        return EXIT_GO_ON;
    }
    (void)fprintf(stderr,
                  "shmrpc-tcp: the kernel does not filter system calls; "
                  "--no-sandbox runs without that\n");
    return EXIT_TROUBLE;
}

/* First makes the signal handler forget them: it must not stop a freed
 * relay. */
static void close_all(size_t count)
{
    shmrpci_store_release(&running, 0u);
    for (size_t i = 0; i < count; i++) {
        relay_close(gates[i].relay);
        greeting_fini(&gates[i].greeting);
    }
}

/* The sandbox is entered before the relays' threads start, so that all of them
 * have it, and before any client is answered. */
static exit_code serve(const options *o)
{
    shmrpci_buf hello;
    exit_code code = EXIT_GO_ON;
    uint32_t count = 0;
    shmrpci_buf_init_heap(&hello);
    greeting_hello(&hello);
    while (code == EXIT_GO_ON && count < o->service_count) {
        gates[count].service = &o->services[count];
        code = open_gate(&gates[count], o, &hello);
        count += code == EXIT_GO_ON ? 1u : 0u;
    }
    shmrpci_store_release(&running, count);
    shmrpci_signals_catch_stop(on_signal);
    code = code == EXIT_GO_ON ? enter_sandbox(o) : code;
    if (code == EXIT_GO_ON) {
        print_places(count);
        tell(count);
        code = run_all(count);
    }
    close_all(count);
    shmrpci_buf_fini(&hello);
    return code;
}

/* EXIT_GO_ON: there is something to do; else help or a mistake was printed. */
int main(int argc, char **argv)
{
    options o;
    exit_code code = options_parse(argc, argv, &o);
    if (code == EXIT_GO_ON) {
        code = serve(&o);
    }
    return (int)code;
}

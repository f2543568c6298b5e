/*
 * shmrpc-tcp: the program.
 *
 * It opens everything first, each service in turn: addresses, the listening
 * socket, the connection to the service. Then it gives up the right to open
 * anything (the sandbox), and only then accepts connections. The relay itself
 * is in tools/relay; this file has only what this gateway needs: addresses,
 * starting and stopping.
 *
 * Threading: one relay for each service, each with a thread that runs it; the
 * first one runs on the main thread. A signal stops all of them.
 */
#include <stdio.h>
#include <string.h>

#include "os/notify.h"
#include "tools/relay/gateway.h"
#include "tools/relay/greeting.h"
#include "tools/relay/port.h"
#include "tools/relay/relay.h"
#include "tools/shmrpc-tcp/options.h"

/* A service that is relayed. */
typedef struct gate {
    const option_service *service;
    uint16_t port; /* port of the service */
    greeting greeting;
    relay *relay;
} gate;

/* Static, because they are large. */
static gate gates[GATEWAY_SERVICES_MAX];

/* ---- choosing the service -------------------------------------------- */

/* Finds the port of a service that was named without one. */
static int find_port(gate *g, shmrpc_error *error)
{
    g->port = g->service->port;
    return g->port != 0 ? (int)SHMRPC_OK
                        : relay_port_of(g->service->name, &g->port, error);
}

/* An address without a port gets the port of the service, because a client that
 * knows only the service connects there. */
static int parse_one(const gate *g, const char *text, shmrpci_address *out,
                     shmrpc_error *error)
{
    const shmrpc_service service = {
        .name = g->service->name, .id = "", .port = g->port};
    return gateway_address(text, &service, "one address is expected", out,
                           error);
}

/* Finds the address of the service and the address to which its clients
 * connect. Both are parsed before anything is opened, so that a mistake has no
 * effects. */
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

/* ---- relaying the service ------------------------------------------------ */

/* Peers have no user, so what they may see does not depend on who they are. */
static int on_hello(void *user, const uint8_t *hello, size_t len,
                    const shmrpc_peer *peer, shmrpci_buf *welcome,
                    shmrpc_error *error)
{
    (void)peer;
    gate *g = user;
    return greeting_answer(&g->greeting, hello, len, welcome, error);
}

/* Called each time the relay connects to the service. Another build may have
 * other methods; then all clients have to say hello again. */
static int on_welcome(void *user, const uint8_t *welcome, size_t len,
                      bool *has_changed, shmrpc_error *error)
{
    gate *g = user;
    return greeting_take(&g->greeting, welcome, len, has_changed, error);
}

/* Prints events that the relay reports while it runs, for example that its
 * service is gone. */
static void say(void *user, const char *line)
{
    const gate *g = user;
    (void)fprintf(stderr, "shmrpc-tcp: %s: %s\n", g->service->name, line);
}

static int run_gate(void *user, shmrpc_error *error)
{
    gate *g = user;
    return relay_run(g->relay, error);
}

static void stop_gate(void *user)
{
    gate *g = user;
    relay_stop(g->relay);
}

static gateway program = {
    .program = "shmrpc-tcp", .run = run_gate, .stop = stop_gate};

/* Opens all files before the sandbox forbids it. */
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
        return gateway_fail(&program, g->service->name, &error);
    }
    program.places[program.count++] =
        (gateway_place){.name = g->service->name, .user = g};
    return EXIT_GO_ON;
}

/* Prints the ports that the system has chosen, for addresses with port 0. */
static void print_places(void)
{
    for (size_t i = 0; i < program.count; i++) {
        (void)printf("shmrpc-tcp: %s: serving at %s\n", gates[i].service->name,
                     relay_describe(gates[i].relay));
    }
    (void)fflush(stdout); /* the process that started us may be waiting for
                           * these lines */
}

/* Sends READY=1 of sd_notify(3) to the service manager, with the clients'
 * addresses in the form that shmrpcd expects. */
static void tell(void)
{
    shmrpci_buf lines;
    shmrpci_buf_init_heap(&lines);
    shmrpci_buf_append_text(&lines, "READY=1\nX_SHMRPC_ADDRESSES=");
    for (size_t i = 0; i < program.count; i++) {
        shmrpci_buf_printf(&lines, "%s%s", i > 0 ? "," : "",
                           relay_describe(gates[i].relay));
    }
    const char *text = shmrpci_buf_text(&lines);
    (void)shmrpci_notify_send(text != NULL ? text : "READY=1");
    shmrpci_buf_fini(&lines);
}

/* First makes the signal handler forget the relays, because it must not stop a
 * freed one. */
static void close_all(void)
{
    gateway_end();
    for (size_t i = 0; i < program.count; i++) {
        relay_close(gates[i].relay);
        greeting_fini(&gates[i].greeting);
    }
}

/* Enters the sandbox before the relays' threads start, so that all of them are
 * in it, and before any client is answered. */
static exit_code serve(const options *o)
{
    shmrpci_buf hello;
    exit_code code = EXIT_GO_ON;
    shmrpci_buf_init_heap(&hello);
    greeting_hello(&hello);
    for (size_t i = 0; code == EXIT_GO_ON && i < o->service_count; i++) {
        gates[i].service = &o->services[i];
        code = open_gate(&gates[i], o, &hello);
    }
    gateway_begin(&program);
    code = code == EXIT_GO_ON ? gateway_sandbox(&program, o->no_sandbox) : code;
    if (code == EXIT_GO_ON) {
        print_places();
        tell();
        code = gateway_run(&program);
    }
    close_all();
    shmrpci_buf_fini(&hello);
    return code;
}

/* EXIT_GO_ON means that there is something to do; otherwise the help or an
 * error was printed. */
int main(int argc, char **argv)
{
    options o;
    exit_code code = options_parse(argc, argv, &o);
    if (code == EXIT_GO_ON) {
        code = serve(&o);
    }
    return (int)code;
}

/*
 * shmrpc-nats: the program.
 *
 * Like shmrpc-tcp, it opens everything first, then gives up the right to open
 * anything, and only then accepts clients.
 *
 * Threading: one gate for each service, each with a thread that runs it; the
 * first one runs on the main thread. A signal stops all of them.
 */
#include <stdio.h>
#include <string.h>

#include "os/notify.h"
#include "tools/relay/gateway.h"
#include "tools/relay/port.h"
#include "tools/shmrpc-nats/age.h"
#include "tools/shmrpc-nats/gate.h"
#include "tools/shmrpc-nats/options.h"
#include "transport/nats/load.h"

/* Defined in carrier.c, which is built in. */
extern const nats_carrier_ops shmrpc_nats_carrier;

/* Static, because they are large. */
static gate gates[GATEWAY_SERVICES_MAX];

/* ---- addresses --------------------------------------------------------- */

/* Finds two addresses: that of the NATS servers, whose list is parsed into one
 * address, and that of the service. Both are parsed before anything is opened,
 * so that a mistake has no effects. */
static int find_addresses(const options *o, const option_service *named,
                          shmrpci_address *at, shmrpci_address *back,
                          shmrpc_error *error)
{
    char text[160];
    shmrpc_service service = {
        .name = named->name, .id = "", .port = named->port};
    (void)snprintf(text, sizeof text, "shm://%s", named->name);
    int status = gateway_address(
        o->servers, &service,
        "expected servers of one cluster, all with the same options after `?`",
        at, error);
    if (status == SHMRPC_OK && strcmp(at->transport->scheme, "nats") != 0) {
        status =
            shmrpc_error_set(error, SHMRPC_E_INVALID,
                             "\"%.100s\": expected nats://HOST", o->servers);
    }
    if (status == SHMRPC_OK && service.port == 0) {
        status = relay_port_of(named->name, &service.port, error);
    }
    if (status == SHMRPC_OK) {
        status = gateway_address(text, &service, "one address is expected",
                                 back, error);
    }
    return status;
}

/* ---- running ----------------------------------------------------------- */

static int run_gate(void *user, shmrpc_error *error)
{
    return gate_run(user, error);
}

static void stop_gate(void *user)
{
    gate_stop(user);
}

static gateway program = {
    .program = "shmrpc-nats", .run = run_gate, .stop = stop_gate};

/* Users copy these lines, and tests read the instance from them. */
static void print_places(const options *o)
{
    for (size_t i = 0; i < program.count; i++) {
        (void)printf("shmrpc-nats: %s: serving at %s as %s\n", gates[i].service,
                     o->servers, gates[i].who.id);
    }
    (void)fflush(stdout); /* the process that started us may be waiting for
                           * these lines */
}

/* Sends READY=1 of sd_notify(3) to the service manager, with the servers but
 * without the files that hold our credentials. */
static void tell(const options *o)
{
    shmrpci_buf lines;
    shmrpci_buf_init_heap(&lines);
    shmrpci_buf_append_text(&lines, "READY=1\nX_SHMRPC_ADDRESSES=");
    for (const char *at = o->servers; *at != '\0';) {
        size_t len = strcspn(at, ",");
        shmrpci_buf_append(&lines, at, strcspn(at, "?,"));
        at += len;
        shmrpci_buf_append(&lines, at, *at == ',' ? 1 : 0);
        at += *at == ',';
    }
    const char *text = shmrpci_buf_text(&lines);
    (void)shmrpci_notify_send(text != NULL ? text : "READY=1");
    shmrpci_buf_fini(&lines);
}

/* Opens all files before the sandbox forbids it. */
static exit_code open_gate(gate *g, const options *o,
                           const option_service *named,
                           const shmrpci_buf *hello)
{
    shmrpc_error error = {.name = "UNKNOWN"};
    shmrpci_address at;
    shmrpci_address back;
    int status = find_addresses(o, named, &at, &back, &error);
    if (status == SHMRPC_OK && program.count == 0) {
        age_warn(&at);
    }
    if (status == SHMRPC_OK) {
        status = gate_open(g, named->name, &at, &back, o, hello, &error);
    }
    if (status != SHMRPC_OK) {
        return gateway_fail(&program, named->name, &error);
    }
    program.places[program.count++] =
        (gateway_place){.name = named->name, .user = g};
    return EXIT_GO_ON;
}

/* First makes the signal handler forget the gates, because it must not stop a
 * freed one. */
static void close_all(void)
{
    gateway_end();
    for (size_t i = 0; i < program.count; i++) {
        gate_close(&gates[i]);
    }
}

/* Enters the sandbox before our threads start, so that all of them are in it,
 * and before any client is answered. */
static exit_code serve(const options *o)
{
    shmrpci_buf hello;
    exit_code code = EXIT_GO_ON;
    shmrpci_buf_init_heap(&hello);
    greeting_hello(&hello);
    for (size_t i = 0; code == EXIT_GO_ON && i < o->service_count; i++) {
        code = open_gate(&gates[i], o, &o->services[i], &hello);
    }
    gateway_begin(&program);
    code = code == EXIT_GO_ON ? gateway_sandbox(&program, o->no_sandbox) : code;
    if (code == EXIT_GO_ON) {
        print_places(o);
        tell(o);
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
    nats_load_this(&shmrpc_nats_carrier);
    exit_code code = options_parse(argc, argv, &o);
    if (code == EXIT_GO_ON) {
        code = serve(&o);
    }
    return (int)code;
}

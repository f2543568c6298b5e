/*
 * shmrpc-nats: the program.
 *
 * As shmrpc-tcp, it opens everything first, then gives up the right to open
 * anything, and only then takes clients.
 *
 * Threading: a gate a service, each with a thread that runs it; the first has
 * the main thread.  A signal stops all of them.
 */
#include <stdio.h>
#include <string.h>

#include "os/notify.h"
#include "os/signals.h"
#include "os/thread.h"
#include "rpc/address.h"
#include "tools/common/sandbox.h"
#include "tools/relay/port.h"
#include "tools/shmrpc-nats/gate.h"
#include "tools/shmrpc-nats/options.h"
#include "transport/nats/load.h"

/* carrier.c, which is built in. */
extern const nats_carrier_ops shmrpc_nats_carrier;

/* A service, and the thread that has it. */
typedef struct place {
    gate gate;
    shmrpci_thread thread;
    bool has_thread;
    int status; /* what it has returned */
} place;

/* Static, so that the signal handler finds them. */
static place places[OPTIONS_SERVICES_MAX];

/* How many of them the signal handler stops. */
static shmrpci_atomic_u32 running;

/* A signal handler, so that it only does what gate_stop may do in one. */
static void on_signal(int number)
{
    (void)number;
    uint32_t count = shmrpci_load_acquire(&running);
    for (uint32_t i = 0; i < count; i++) {
        gate_stop(&places[i].gate);
    }
}

/* A service that fails is named: there may be several. */
static exit_code fail(const char *name, const shmrpc_error *error)
{
    char text[SHMRPC_ERROR_TEXT_BYTES];
    (void)fprintf(stderr, "shmrpc-nats: %s: %s\n", name,
                  shmrpc_error_text(error, text, sizeof text));
    return EXIT_TROUBLE;
}

/* ---- where ------------------------------------------------------------- */

/* Neighbouring servers of one cluster are one address by now. */
static int parse_one(const char *text, const shmrpc_service *service,
                     shmrpci_address *out, shmrpc_error *error)
{
    shmrpci_place_list list;
    int status = shmrpci_places_parse(text, service, &list, error);
    if (status == SHMRPC_OK && list.count != 1) {
        status = shmrpc_error_set(error, SHMRPC_E_INVALID,
                                  "\"%.100s\": servers of one cluster are "
                                  "expected, with the same files",
                                  text);
    }
    if (status == SHMRPC_OK && list.items[0].address.transport == NULL) {
        status = shmrpci_place_not_built(&list.items[0], error);
    }
    if (status == SHMRPC_OK) {
        *out = list.items[0].address;
    }
    return status;
}

/* The servers of NATS, and where the service is; both before anything is
 * opened, so that a mistake costs nothing. */
static int find_addresses(const options *o, const option_service *named,
                          shmrpci_address *at, shmrpci_address *back,
                          shmrpc_error *error)
{
    char text[160];
    shmrpc_service service = {
        .name = named->name, .id = "", .port = named->port};
    (void)snprintf(text, sizeof text, "shm://%s", named->name);
    int status = parse_one(o->servers, &service, at, error);
    if (status == SHMRPC_OK && strcmp(at->transport->scheme, "nats") != 0) {
        status =
            shmrpc_error_set(error, SHMRPC_E_INVALID,
                             "\"%.100s\": expected nats://HOST", o->servers);
    }
    if (status == SHMRPC_OK && service.port == 0) {
        status = relay_port_of(named->name, &service.port, error);
    }
    if (status == SHMRPC_OK) {
        status = parse_one(text, &service, back, error);
    }
    return status;
}

/* ---- running ----------------------------------------------------------- */

/* Until it is stopped, or fails: a thread's whole life. */
static void run_place(void *user)
{
    place *p = user;
    shmrpc_error error = {.name = "UNKNOWN"};
    p->status = gate_run(&p->gate, &error);
    if (p->status != SHMRPC_OK) {
        (void)fail(p->gate.name, &error);
        on_signal(0); /* one that fails takes the others along */
    }
}

/* All at a time, the first on this thread. If a thread can't be started, those
 * that run are stopped: half of what was asked for would go unnoticed. */
static exit_code run_all(size_t count)
{
    for (size_t i = 1; i < count; i++) {
        place *p = &places[i];
        p->has_thread = shmrpci_thread_create(&p->thread, "relay", run_place,
                                              p) == SHMRPC_OK;
        if (!p->has_thread) {
            (void)fprintf(stderr, "shmrpc-nats: can't start a thread\n");
            p->status = SHMRPC_E_EXHAUSTED;
            on_signal(0);
        }
    }
    run_place(&places[0]);
    exit_code code = EXIT_DONE;
    for (size_t i = 0; i < count; i++) {
        if (places[i].has_thread) {
            shmrpci_thread_join(&places[i].thread);
        }
        code = places[i].status == SHMRPC_OK ? code : EXIT_TROUBLE;
    }
    return code;
}

/* People copy these lines, and tests read the instance from them. */
static void print_places(const options *o, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)printf("shmrpc-nats: %s: serving at %s as %s\n",
                     places[i].gate.name, o->servers, places[i].gate.who.id);
    }
    (void)fflush(stdout); /* whoever started us may wait for these lines */
    (void)shmrpci_notify_send("READY=1");
}

/* Without a filter it does not run, unless the user says so. */
static exit_code enter_sandbox(const options *o)
{
    if (o->no_sandbox || tool_sandbox_enter() == SHMRPC_OK) {
        return EXIT_GO_ON;
    }
    (void)fprintf(stderr,
                  "shmrpc-nats: the kernel does not filter system calls; "
                  "--no-sandbox runs without that\n");
    return EXIT_TROUBLE;
}

/* Whatever opens files is done here, before the sandbox forbids it. */
static exit_code open_place(place *p, const options *o,
                            const option_service *named,
                            const shmrpci_buf *hello)
{
    shmrpc_error error = {.name = "UNKNOWN"};
    shmrpci_address at;
    shmrpci_address back;
    int status = find_addresses(o, named, &at, &back, &error);
    if (status == SHMRPC_OK) {
        status = gate_open(&p->gate, named->name, &at, &back, o, hello, &error);
    }
    return status == SHMRPC_OK ? EXIT_GO_ON : fail(named->name, &error);
}

/* First makes the signal handler forget them: it must not stop a freed one. */
static void close_all(size_t count)
{
    shmrpci_store_release(&running, 0u);
    for (size_t i = 0; i < count; i++) {
        gate_close(&places[i].gate);
    }
}

/* The sandbox is entered before threads of ours start, so that all of them have
 * it, and before any client is answered. */
static exit_code serve(const options *o)
{
    shmrpci_buf hello;
    exit_code code = EXIT_GO_ON;
    uint32_t count = 0;
    shmrpci_buf_init_heap(&hello);
    greeting_hello(&hello);
    while (code == EXIT_GO_ON && count < o->service_count) {
        code = open_place(&places[count], o, &o->services[count], &hello);
        count += code == EXIT_GO_ON ? 1u : 0u;
    }
    shmrpci_store_release(&running, count);
    shmrpci_signals_catch_stop(on_signal);
    code = code == EXIT_GO_ON ? enter_sandbox(o) : code;
    if (code == EXIT_GO_ON) {
        print_places(o, count);
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
    nats_load_this(&shmrpc_nats_carrier);
    exit_code code = options_parse(argc, argv, &o);
    if (code == EXIT_GO_ON) {
        code = serve(&o);
    }
    return (int)code;
}

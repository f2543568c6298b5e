/* Clients, servers and gateways over TCP whose system calls fail. */
#include <signal.h>

#include "restart.h"

enum { CLIENTS = 2, EACH = 48 };

/* Programs that are started from now on have these faults; NULL: none. */
static void inject(const char *faults)
{
    if (faults == NULL) {
        (void)unsetenv("LD_PRELOAD");
        (void)unsetenv("FAULTS");
        (void)unsetenv("ASAN_OPTIONS");
        return;
    }
    (void)setenv("LD_PRELOAD", FAULTS, 1);
    (void)setenv("FAULTS", faults, 1);
    /* Without this option the sanitizer refuses to run, because its library is
     * not the first one that is loaded. */
    (void)setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
}

/* Which programs get the faults. */
typedef struct trouble {
    const char *server;
    const char *gateway;
    const char *client;
} trouble;

static restart_sums call_amid(const trouble *t, bool has_gateway)
{
    char shm[96];
    char tcp[96];
    child clients[CLIENTS];
    child gateway = {.pid = 0};
    restart_sums s = {0, 0, 0};
    harness_address("life", shm);
    restart_clear_book();
    inject(t->server);
    child server =
        harness_serve(LIFE_SERVER, has_gateway ? shm : "tcp://:0", "2");
    (void)snprintf(tcp, sizeof tcp, "%s", server.place);
    if (has_gateway) {
        inject(t->gateway);
        gateway = harness_relay(shm, 5803, "tcp://:0");
        (void)snprintf(tcp, sizeof tcp, "%s", gateway.place);
    }
    inject(t->client);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        clients[i] = restart_start_client(tcp, "mixed", i * EACH, EACH);
    }
    inject(NULL);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        restart_await_client(&clients[i]);
    }
    if (has_gateway) {
        harness_signal(&gateway, SIGTERM);
    }
    harness_signal(&server, SIGTERM);
    for (unsigned n = 0; n < CLIENTS * EACH; n++) {
        restart_check_call(n, &s);
    }
    return s;
}

static void expect_unnoticed(const char *faults)
{
    const trouble all = {faults, faults, faults};
    for (int has_gateway = 0; has_gateway < 2; has_gateway++) {
        restart_sums s = call_amid(&all, has_gateway != 0);
        assert_int_equal(s.ok, CLIENTS * EACH);
        assert_int_equal(s.repeated, 0);
    }
}

void interrupted_and_short_calls_are_not_noticed(void **state)
{
    (void)state;
    expect_unnoticed("eintr,short");
}

void full_sockets_are_not_noticed(void **state)
{
    (void)state;
    expect_unnoticed("eintr,small");
}

void accept_that_fails_is_tried_again(void **state)
{
    (void)state;
    expect_unnoticed("accept");
}

void connections_that_are_reset_have_no_call_run_twice(void **state)
{
    (void)state;
    static const trouble troubles[] = {
        {.server = "reset"}, {.gateway = "reset"}, {.client = "reset"}};
    unsigned noticed = 0;
    for (size_t i = 0; i < sizeof troubles / sizeof *troubles; i++) {
        restart_sums s = call_amid(&troubles[i], troubles[i].server == NULL);
        noticed += s.maybe + s.repeated;
    }
    print_message("%u calls may have run or were repeated\n", noticed);
}

/* Wait hooks: they are called in pairs wherever a thread sleeps, and can end
 * calls, connecting and describing, over every transport of this machine. */
#include "sample.h"

#include <stdatomic.h>
#include <stdio.h>

#include "shmrpc/discover.h"
#include "shmrpc/wait.h"

static const char *const schemes[] = {"inproc", "shm", "unix"};
#define SCHEMES (sizeof schemes / sizeof *schemes)

/* Observations of the hooks of a thread. */
typedef struct seen {
    atomic_uint blocks;
    atomic_uint unblocks;
    atomic_uint asked;
    atomic_bool gives_up;
} seen;

static void on_block(void *user)
{
    seen *s = user;
    assert_int_equal(atomic_load(&s->blocks), atomic_load(&s->unblocks));
    atomic_fetch_add(&s->blocks, 1u);
}

static void on_unblock(void *user)
{
    seen *s = user;
    atomic_fetch_add(&s->unblocks, 1u);
    assert_int_equal(atomic_load(&s->blocks), atomic_load(&s->unblocks));
}

static int on_interrupted(void *user)
{
    seen *s = user;
    assert_int_equal(atomic_load(&s->blocks), atomic_load(&s->unblocks) + 1);
    atomic_fetch_add(&s->asked, 1u);
    return atomic_load(&s->gives_up) ? 1 : 0;
}

static shmrpc_wait_hooks hooks_of(seen *s)
{
    return (shmrpc_wait_hooks){.size = sizeof(shmrpc_wait_hooks),
                               .block = on_block,
                               .unblock = on_unblock,
                               .interrupted = on_interrupted,
                               .user = s};
}

static void start_over(sample_server *server, const char *scheme)
{
    static unsigned number;
    char where[128];
    if (strcmp(scheme, "unix") != 0) {
        sample_start(server, scheme, &sample_service, 1);
        return;
    }
    (void)snprintf(where, sizeof where, "unix://%s/%u.sock",
                   getenv("SHMRPC_DIR"), number++);
    sample_start_at(server, where, &sample_service, 1);
}

/* Opens the gate of HOLD when the caller sleeps and its hook has been called.
 */
typedef struct opener {
    sample_state *state;
    seen *s;
} opener;

static void open_when_asked(void *user)
{
    const opener *o = user;
    int64_t until_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (atomic_load(&o->s->asked) == 0 && shmrpci_now_ns() < until_ns) {
        shmrpci_thread_yield();
    }
    sample_open(o->state);
}

static void hold_over(const char *scheme)
{
    sample_server server;
    seen s = {0};
    start_over(&server, scheme);
    shmrpc_client *client = sample_connect(&server);
    const shmrpc_wait_hooks hooks = hooks_of(&s);
    opener o = {&server.state, &s};
    shmrpci_thread thread;
    assert_int_equal(
        shmrpci_thread_create(&thread, "opener", open_when_asked, &o), 0);
    assert_null(shmrpc_wait_set_hooks(&hooks));
    shmrpc_error error = {.message = ""};
    const shmrpc_opts opts = {.timeout_ns = PATIENCE_NS};
    int status = shmrpc_stub_call(client, HOLD, NULL, &opts, NULL, &error);
    assert_ptr_equal(shmrpc_wait_set_hooks(NULL), &hooks);
    shmrpci_thread_join(&thread);
    if (status != SHMRPC_OK) {
        fail_msg("%s: %d %s", scheme, status, error.message);
    }
    assert_true(atomic_load(&s.blocks) >= 1);
    assert_int_equal(atomic_load(&s.blocks), atomic_load(&s.unblocks));
    unsigned blocks = atomic_load(&s.blocks);
    sample_add(client, 1, 2);
    assert_int_equal(atomic_load(&s.blocks), blocks);
    shmrpc_stub_close(client);
    sample_stop(&server);
}

static void long_wait_is_between_its_hooks(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCHEMES; i++) {
        hold_over(schemes[i]);
    }
}

/* Makes the caller give up when the handler is running. */
static void give_up_when_entered(void *user)
{
    const opener *o = user;
    sample_await(o->state, &o->state->entered, 1);
    atomic_store(&o->s->gives_up, true);
}

/* Calls WATCH, which ends only when it is cancelled. */
static void give_up_over(const char *scheme)
{
    sample_server server;
    seen s = {0};
    shmrpc_error error = {.message = ""};
    start_over(&server, scheme);
    shmrpc_client *client = sample_connect(&server);
    const shmrpc_wait_hooks hooks = hooks_of(&s);
    opener o = {&server.state, &s};
    shmrpci_thread thread;
    assert_int_equal(
        shmrpci_thread_create(&thread, "giver", give_up_when_entered, &o), 0);
    (void)shmrpc_wait_set_hooks(&hooks);
    int status = shmrpc_stub_call(client, WATCH, NULL, NULL, NULL, &error);
    shmrpci_thread_join(&thread);
    atomic_store(&s.gives_up, false);
    sample_add(client, 20, 22); /* the interrupt does not affect later calls */
    (void)shmrpc_wait_set_hooks(NULL);
    if (status != SHMRPC_E_CANCELLED ||
        strstr(error.message, "interrupted") == NULL) {
        fail_msg("%s: %d %s", scheme, status, error.message);
    }
    sample_await(&server.state, &server.state.cancelled, 1);
    shmrpc_stub_close(client);
    sample_stop(&server);
}

static void interrupted_call_is_cancelled(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCHEMES; i++) {
        give_up_over(schemes[i]);
    }
}

static void interrupted_finish_is_cancelled(void **state)
{
    (void)state;
    sample_server server;
    seen s = {.gives_up = true};
    shmrpc_call *call = NULL;
    shmrpc_error error;
    sample_start(&server, "shm", &sample_service, 1);
    shmrpc_client *client = sample_connect(&server);
    const shmrpc_wait_hooks hooks = hooks_of(&s);
    (void)shmrpc_wait_set_hooks(&hooks);
    assert_int_equal(
        shmrpc_stub_start(client, WATCH, NULL, NULL, &call, &error), 0);
    int status = shmrpc_stub_finish(call, &sample_service, WATCH, NULL, &error);
    (void)shmrpc_wait_set_hooks(NULL);
    assert_int_equal(status, SHMRPC_E_CANCELLED);
    shmrpc_stub_close(client);
    sample_stop(&server);
}

/* All slots of the connection are in use, so nothing was sent. */
static void wait_for_room_is_interrupted(void **state)
{
    (void)state;
    enum { ROOM = 64 };
    sample_server server;
    seen s = {.gives_up = true};
    shmrpc_call *calls[ROOM];
    shmrpc_error error;
    sample_start(&server, "shm", &sample_service, 1);
    shmrpc_client *client = sample_connect(&server);
    for (int i = 0; i < ROOM; i++) {
        assert_int_equal(
            shmrpc_stub_start(client, HOLD, NULL, NULL, &calls[i], &error), 0);
    }
    const shmrpc_wait_hooks hooks = hooks_of(&s);
    const pair_params pair = {1, 2};
    int64_t sum;
    (void)shmrpc_wait_set_hooks(&hooks);
    int status = shmrpc_stub_call(client, ADD, &pair, NULL, &sum, &error);
    (void)shmrpc_wait_set_hooks(NULL);
    if (status != SHMRPC_E_CANCELLED || error.may_have_run) {
        fail_msg("%d %s", status, error.message);
    }
    sample_open(&server.state);
    for (int i = 0; i < ROOM; i++) {
        shmrpc_call_release(calls[i]);
    }
    shmrpc_stub_close(client);
    sample_stop(&server);
}

/* A client that waits for a server that does not answer is interrupted. */
static void connecting_and_asking_are_interrupted(void **state)
{
    (void)state;
    seen s = {.gives_up = true};
    char where[128];
    shmrpc_server *server = NULL;
    shmrpc_client *client = NULL;
    shmrpc_error error;
    char *text = NULL;
    size_t len;
    sample_address("shm", where);
    const shmrpc_server_opts opts = {.listen = where, .workers = 1};
    sample_state handled = {.open = true};
    assert_int_equal(shmrpc_server_create(&opts, &server, &error), 0);
    assert_int_equal(shmrpc_stub_serve(server, &sample_service, sample_handlers,
                                       &sample_implementation,
                                       sizeof sample_implementation, &handled,
                                       &error),
                     0);
    const shmrpc_wait_hooks hooks = hooks_of(&s);
    (void)shmrpc_wait_set_hooks(&hooks);
    int connected =
        shmrpc_stub_connect(&sample_service, where, NULL, &client, &error);
    int asked =
        shmrpc_describe(where, sample_service.port, NULL, &text, &len, NULL);
    (void)shmrpc_wait_set_hooks(NULL);
    assert_int_equal(connected, SHMRPC_E_CANCELLED);
    assert_non_null(strstr(error.message, "interrupted"));
    assert_int_equal(asked, SHMRPC_E_CANCELLED);
    assert_null(client);
    shmrpc_server_destroy(server);
}

static void wait_for_a_server_is_interrupted(void **state)
{
    (void)state;
    sample_server server;
    seen s = {.gives_up = true};
    shmrpc_error error;
    const pair_params pair = {1, 2};
    int64_t sum;
    sample_start(&server, "shm", &sample_service, 1);
    shmrpc_client *client = sample_connect(&server);
    sample_stop(&server);
    const shmrpc_wait_hooks hooks = hooks_of(&s);
    (void)shmrpc_wait_set_hooks(&hooks);
    int status = shmrpc_stub_call(client, ADD, &pair, NULL, &sum, &error);
    (void)shmrpc_wait_set_hooks(NULL);
    if (status != SHMRPC_E_CANCELLED || error.may_have_run) {
        fail_msg("%d %s", status, error.message);
    }
    shmrpc_stub_close(client);
}

/* ---- locks of the library ------------------------------------------------ */

typedef struct holder {
    shmrpci_mutex mutex;
    atomic_bool has_it;
    seen s;
} holder;

/* Holds the mutex until the waiting thread's hook is called. A thread of an
 * interpreter does so too: it holds a mutex of the library while it waits for
 * the interpreter's lock, which the waiting thread releases in its hook. */
static void hold_mutex(void *user)
{
    holder *h = user;
    int64_t until_ns = shmrpci_deadline_after(PATIENCE_NS);
    shmrpci_mutex_lock(&h->mutex);
    atomic_store(&h->has_it, true);
    while (atomic_load(&h->s.blocks) == 0 && shmrpci_now_ns() < until_ns) {
        shmrpci_thread_yield();
    }
    shmrpci_mutex_unlock(&h->mutex);
}

static void wait_for_a_mutex_is_between_the_hooks(void **state)
{
    (void)state;
    holder h = {.has_it = false};
    shmrpci_thread thread;
    shmrpci_mutex_init(&h.mutex);
    assert_int_equal(shmrpci_thread_create(&thread, "holder", hold_mutex, &h),
                     0);
    while (!atomic_load(&h.has_it)) {
        shmrpci_thread_yield();
    }
    const shmrpc_wait_hooks hooks = hooks_of(&h.s);
    (void)shmrpc_wait_set_hooks(&hooks);
    shmrpci_mutex_lock(&h.mutex);
    shmrpci_mutex_unlock(&h.mutex);
    (void)shmrpc_wait_set_hooks(NULL);
    assert_int_equal(atomic_load(&h.s.blocks), 1);
    assert_int_equal(atomic_load(&h.s.unblocks), 1);
    shmrpci_thread_join(&thread);
    shmrpci_mutex_fini(&h.mutex);
}

static int set_up(void **state)
{
    (void)state;
    sample_folder_make();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sample_folder_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_wait_is_between_its_hooks),
        cmocka_unit_test(interrupted_call_is_cancelled),
        cmocka_unit_test(interrupted_finish_is_cancelled),
        cmocka_unit_test(wait_for_room_is_interrupted),
        cmocka_unit_test(connecting_and_asking_are_interrupted),
        cmocka_unit_test(wait_for_a_server_is_interrupted),
        cmocka_unit_test(wait_for_a_mutex_is_between_the_hooks),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

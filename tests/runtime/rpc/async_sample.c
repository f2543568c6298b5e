/* A server and a client for asynchronous calls. */
#include "async_sample.h"

#include "transport/transport.h"

const char *async_scheme;

const shmrpc_opts async_patient = {.timeout_ns = PATIENCE_NS};
const shmrpc_opts async_hasty = {.timeout_ns = 20 * SHMRPCI_NS_PER_MS};

int async_set_up(void **state)
{
    both *b = calloc(1, sizeof *b);
    sample_start(&b->server, async_scheme, &sample_service, 2);
    b->client = sample_connect(&b->server);
    *state = b;
    return 0;
}

int async_tear_down(void **state)
{
    both *b = *state;
    shmrpc_stub_close(b->client);
    sample_stop(&b->server);
    free(b);
    return 0;
}

shmrpc_call *async_start(const both *b, uint32_t method, const void *params)
{
    shmrpc_call *call = NULL;
    shmrpc_error error = {.name = ""};
    if (shmrpc_stub_start(b->client, method, params, &async_patient, &call,
                          &error) != SHMRPC_OK) {
        fail_msg("start: %s", error.message);
    }
    return call;
}

shmrpc_call *async_start_add(const both *b, int64_t x, int64_t y)
{
    pair_params params = {x, y};
    return async_start(b, ADD, &params);
}

int async_finish(shmrpc_call *call, uint32_t method, void *result,
                 shmrpc_error *error)
{
    return shmrpc_stub_finish(call, &sample_service, method, result, error);
}

void async_expect_sum(shmrpc_call *call, int64_t sum)
{
    int64_t got = 0;
    shmrpc_error error = {.name = ""};
    if (async_finish(call, ADD, &got, &error) != SHMRPC_OK) {
        fail_msg("finish: %s", error.message);
    }
    assert_int_equal(got, sum);
}

void async_occupy(both *b, shmrpc_call *held[2])
{
    held[0] = async_start(b, HOLD, NULL);
    held[1] = async_start(b, HOLD, NULL);
    sample_await(&b->server.state, &b->server.state.entered, 2);
}

int async_main(const struct CMUnitTest *tests, size_t count)
{
    static const char *const schemes[] = {"inproc", "shm"};
    int failed = 0;
    sample_folder_make();
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        async_scheme = schemes[i];
        if (shmrpci_transport_of(schemes[i], strlen(schemes[i])) != NULL) {
            failed +=
                _cmocka_run_group_tests(schemes[i], tests, count, NULL, NULL);
        }
    }
    sample_folder_remove();
    return failed;
}

/* Contracts from a malicious peer. Each input is decoded, encoded, and decoded
 * again. It is compared with our contract in both directions, and with itself.
 * Each comparison runs twice: once up to the first difference, and once for all
 * differences. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/contract.h"
#include "sample.h"

static const shmrpc_error_type failure = {"sample.Failure", 100,
                                          &sample_point_type, NULL};
static const shmrpc_error_type *const throws[] = {&failure};

static const shmrpc_method methods[] = {
    {"all", SHMRPC_ENCODING_MSGPACK, 0, 1, 0, "", NULL, &sample_params_type,
     &sample_all_type, throws, 1, SHMRPC_NO_STREAMS},
    {"sum", SHMRPC_ENCODING_NATIVE, 0, 2, 0, "", NULL, &sample_sum_type,
     &sample_native_type, NULL, 0, SHMRPC_NO_STREAMS},
    {"get", SHMRPC_ENCODING_JSON, 0, 3, 0, "", NULL, &shmrpc_type_no_params,
     &sample_node_type, NULL, 0, SHMRPC_NO_STREAMS},
};
static const char *const text[] = {NULL};
static const shmrpc_service service = {SHMRPC_ROWS_INIT,
                                       "sample",
                                       "sample.Sample",
                                       1,
                                       1,
                                       4,
                                       text,
                                       NULL,
                                       methods,
                                       3,
                                       NULL};

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    abort();
}

/* Reads all data that it is given, so that a sanitizer checks it. */
static void on_difference(const shmrpci_difference *difference, void *user)
{
    size_t *bytes = user;
    *bytes += strlen(difference->message) + difference->method.len +
              difference->client.owner.len + difference->server.member.len;
}

/* The verdict must be the same whether the comparison stops at the first
 * difference or lists all of them. */
static void compare_both_ways(const shmrpci_contract *client,
                              const shmrpci_contract *server)
{
    static uint32_t ids[1 << 16];
    shmrpc_error error;
    size_t bytes = 0;
    int first = shmrpci_contract_compare(client, server, ids, &error);
    int all = shmrpci_contract_differences(client, server, ids, on_difference,
                                           &bytes);
    if (first != all || (all == SHMRPC_E_CONTRACT && bytes == 0)) {
        fail("two comparisons of one pair disagree");
    }
}

static void compare_all(const shmrpci_contract *ours,
                        const shmrpci_contract *theirs)
{
    compare_both_ways(ours, theirs);
    compare_both_ways(theirs, ours);
    compare_both_ways(theirs, theirs);
}

static void again(const shmrpci_contract *contract)
{
    shmrpci_arena arena;
    shmrpci_buf first;
    shmrpci_buf second;
    const shmrpci_contract *copy;
    shmrpci_arena_init(&arena, 0);
    shmrpci_buf_init_heap(&first);
    shmrpci_buf_init_heap(&second);
    if (shmrpci_contract_encode(contract, &first) != SHMRPC_OK ||
        shmrpci_contract_decode(first.data, first.len, &arena, &copy, NULL) !=
            SHMRPC_OK ||
        shmrpci_contract_encode(copy, &second) != SHMRPC_OK) {
        fail("accepted, but does not survive a round trip");
    }
    if (first.len != second.len ||
        memcmp(first.data, second.data, first.len) != 0) {
        fail("a different contract came back");
    }
    shmrpci_buf_fini(&first);
    shmrpci_buf_fini(&second);
    shmrpci_arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static shmrpci_arena own_arena;
    static const shmrpci_contract *own;
    if (own == NULL) {
        sample_init();
        shmrpci_arena_init(&own_arena, 0);
        if (shmrpci_contract_of(&service, &own_arena, &own) != SHMRPC_OK) {
            fail("no memory");
        }
    }
    shmrpci_arena arena;
    shmrpc_error error;
    const shmrpci_contract *contract;
    shmrpci_arena_init(&arena, ((size_t)64 << 10) + 256 * size);
    int status = shmrpci_contract_decode(data, size, &arena, &contract, &error);
    if (status == SHMRPC_E_NO_MEMORY) {
        fail("took too much memory");
    }
    if (status == SHMRPC_OK) {
        compare_all(own, contract);
        again(contract);
    }
    shmrpci_arena_fini(&arena);
    return 0;
}

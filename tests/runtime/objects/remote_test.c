/* Names that are addresses: operations that exist only for objects on one
 * machine report that, and leave nothing behind. */
#include "stage.h"

#include <string.h>

#include "shmrpc/dict.h"
#include "shmrpc/lock.h"
#include "shmrpc/pipe.h"
#include "shmrpc/value.h"

#define ADDRESS "nats://127.0.0.1:1/acme.it"

static void a_lock_says_why_there_is_none(void **state)
{
    (void)state;
    shmrpc_lock *lock = NULL;
    shmrpc_error error;
    EXPECT(shmrpc_lock_open(ADDRESS, SHMRPC_LOCK_OPEN_OR_CREATE, NULL, &lock,
                            &error),
           SHMRPC_E_UNIMPLEMENTED, &error);
    assert_null(lock);
    stage_expect_text(&error, "dead holder");
}

static void a_pipe_names_what_to_use_instead(void **state)
{
    (void)state;
    shmrpc_pipe *pipe = NULL;
    shmrpc_error error;
    EXPECT(shmrpc_pipe_open(ADDRESS, NULL, &pipe, &error),
           SHMRPC_E_UNIMPLEMENTED, &error);
    assert_null(pipe);
    stage_expect_text(&error, ADDRESS);
    stage_expect_text(&error, "stream");
}

static void what_files_have_is_no_option_there(void **state)
{
    (void)state;
    shmrpc_dict *dict = NULL;
    shmrpc_value *value = NULL;
    shmrpc_dict_opts counted = {.capacity = 7};
    shmrpc_value_opts loaded = {.shared = {.snapshot = "/x"}};
    shmrpc_object_info found;
    char kind[32];
    shmrpc_error error;
    EXPECT(shmrpc_dict_open(ADDRESS, &counted, &dict, &error), SHMRPC_E_INVALID,
           &error);
    stage_expect_text(&error, "max_bytes");
    EXPECT(shmrpc_value_open(ADDRESS, &loaded, &value, &error),
           SHMRPC_E_INVALID, &error);
    stage_expect_text(&error, "snapshot");
    assert_null(dict);
    assert_null(value);
    assert_int_equal(stage_find(ADDRESS, &found, kind), 0);
}

static void bad_options_are_found_before_the_network_is(void **state)
{
    (void)state;
    shmrpc_queue *queue = NULL;
    shmrpc_queue_opts opts = {.shared = {.flags = SHMRPC_SHARED_READ_ONLY}};
    shmrpc_error error;
    EXPECT(shmrpc_queue_open(ADDRESS, &opts, &queue, &error), SHMRPC_E_INVALID,
           &error);
    assert_null(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_lock_says_why_there_is_none),
        TEST(a_pipe_names_what_to_use_instead),
        TEST(what_files_have_is_no_option_there),
        TEST(bad_options_are_found_before_the_network_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

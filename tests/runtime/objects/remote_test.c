/* Names that are addresses: operations that exist only on one machine say so,
 * and leave nothing behind. */
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

static void a_value_is_no_file_with_such_a_name(void **state)
{
    (void)state;
    shmrpc_value *value = NULL;
    shmrpc_object_info found;
    char kind[32];
    shmrpc_error error;
    EXPECT(shmrpc_value_open(ADDRESS, NULL, &value, &error),
           SHMRPC_E_UNIMPLEMENTED, &error);
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
        TEST(a_value_is_no_file_with_such_a_name),
        TEST(bad_options_are_found_before_the_network_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

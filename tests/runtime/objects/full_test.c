/*
 * Memory that has run out: a full folder of 64 MiB, and a full address space.
 * Errors say how much is needed and available; no process gets a signal,
 * existing data stays, and everything continues when there is room again.
 */
#include "stage.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shmrpc/dict.h"
#include "shmrpc/pipe.h"
#include "shmrpc/topic.h"
#include "shmrpc/value.h"

static const shmrpc_opts at_once = {.flags = SHMRPC_OPT_NONBLOCK};
static char large[50000];

/* ---- one of each kind ---------------------------------------------------- */

typedef struct all {
    shmrpc_queue *queue;
    shmrpc_topic *topic;
    shmrpc_pipe *pipe;
    shmrpc_value *value;
    shmrpc_dict *dict;
} all;

/* The status of each call; OK if it succeeded. */
enum { PUSH, PUBLISH, WRITE, SET, PUT, CALLS };

static int call(const all *of, int which, shmrpc_error *error)
{
    size_t written;
    shmrpc_any key = shmrpc_any_str("k");
    shmrpc_any item = shmrpc_any_bytes(large, sizeof large);
    const shmrpc_path path = shmrpc_path_of(&key, 1);
    switch (which) {
    case PUSH:
        return shmrpc_queue_push(of->queue, &item, &at_once, error);
    case PUBLISH:
        return shmrpc_topic_publish(of->topic, &item, &at_once, error);
    case WRITE:
        return shmrpc_pipe_write(of->pipe, large, sizeof large, &at_once,
                                 &written, error);
    case SET:
        return shmrpc_value_put(of->value, NULL, &item, error);
    default:
        return shmrpc_dict_put(of->dict, &path, &item, error);
    }
}

static void open_all(all *out)
{
    shmrpc_error error;
    EXPECT_HERE(shmrpc_queue_open("q", NULL, &out->queue, &error), &error);
    EXPECT_HERE(shmrpc_topic_open("t", NULL, &out->topic, &error), &error);
    EXPECT_HERE(shmrpc_pipe_open("p", NULL, &out->pipe, &error), &error);
    EXPECT_HERE(shmrpc_value_open("v", NULL, &out->value, &error), &error);
    EXPECT_HERE(shmrpc_dict_open("d", NULL, &out->dict, &error), &error);
}

static void close_all(const all *of)
{
    shmrpc_queue_close(of->queue);
    shmrpc_topic_close(of->topic);
    shmrpc_pipe_close(of->pipe);
    shmrpc_value_close(of->value);
    shmrpc_dict_close(of->dict);
}

/* ---- a full folder ------------------------------------------------------- */

/* Enters a folder of its own. Returns false if this process may not make
 * one. */
static bool enter_small_folder(void)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/small", stage_folder());
    return unshare(CLONE_NEWNS) == 0 &&
           mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mkdir(path, 0700) == 0 &&
           mount("tmpfs", path, "tmpfs", 0, "size=64m") == 0 &&
           setenv("SHMRPC_DIR", path, 1) == 0;
}

static int put_numbered(shmrpc_dict *dict, int number, size_t len,
                        shmrpc_error *error)
{
    shmrpc_any key = shmrpc_any_i64(number);
    shmrpc_any value = shmrpc_any_bytes(large, len);
    const shmrpc_path path = shmrpc_path_of(&key, 1);
    return shmrpc_dict_put(dict, &path, &value, error);
}

/* Fills the folder with large values first, then with smaller and smaller ones.
 * Returns how many it put. */
static int fill(shmrpc_dict *dict)
{
    int count = 0;
    for (size_t len = sizeof large; len > 0; len /= 10) {
        shmrpc_error error = {.message = ""};
        int status = SHMRPC_OK;
        while (status == SHMRPC_OK) {
            status = put_numbered(dict, count, len, &error);
            count += status == SHMRPC_OK;
        }
        CHECK(status == SHMRPC_E_EXHAUSTED);
        CHECK(strstr(error.message, "are needed") != NULL);
        CHECK(strstr(error.message, "are free") != NULL);
    }
    return count;
}

static void expect_all_there(shmrpc_dict *dict, int count)
{
    for (int i = 0; i < count; i++) {
        shmrpc_any key = shmrpc_any_i64(i);
        const shmrpc_path path = shmrpc_path_of(&key, 1);
        CHECK(shmrpc_dict_contains(dict, &path, NULL) == SHMRPC_OK);
    }
}

/* Objects can't be made, and the errors say why. */
static void expect_none_can_be_made(void)
{
    shmrpc_queue *queue;
    shmrpc_value *value;
    shmrpc_error error;
    CHECK(shmrpc_queue_open("new", NULL, &queue, &error) == SHMRPC_E_EXHAUSTED);
    CHECK(shmrpc_value_open("new", NULL, &value, &error) == SHMRPC_E_EXHAUSTED);
}

static void fill_the_folder(int index, void *user)
{
    (void)index;
    (void)user;
    all of;
    shmrpc_dict *hog;
    shmrpc_error error = {.message = ""};
    if (!enter_small_folder()) {
        return;
    }
    open_all(&of);
    EXPECT_HERE(shmrpc_dict_open("hog", NULL, &hog, &error), &error);
    int count = fill(hog);
    for (int i = 0; i < CALLS; i++) {
        int status = call(&of, i, &error);
        CHECK(status == SHMRPC_E_EXHAUSTED);
        CHECK(error.message[0] != '\0');
    }
    expect_none_can_be_made();
    expect_all_there(hog, count);
    CHECK(shmrpc_dict_destroy(hog) == SHMRPC_OK);
    shmrpc_dict_close(hog);
    for (int i = 0; i < CALLS; i++) {
        EXPECT_HERE(call(&of, i, &error), &error);
    }
    close_all(&of);
}

static void a_full_folder_is_an_error(void **state)
{
    (void)state;
    stage_dismiss(stage_cast(fill_the_folder, 0, NULL), 0);
}

/* ---- a full address space ------------------------------------------------ */

static void run_out_of_addresses(int index, void *user)
{
    (void)index;
    (void)user;
    all of;
    shmrpc_dict *dict;
    shmrpc_error error = {.message = ""};
    struct rlimit old;
    struct rlimit small;
    open_all(&of);
    CHECK(getrlimit(RLIMIT_AS, &old) == 0);
    small = old;
    small.rlim_cur = (rlim_t)64 << 20;
    CHECK(setrlimit(RLIMIT_AS, &small) == 0);
    /* The dict needs a gigabyte of address space. */
    int status = shmrpc_dict_open("other", NULL, &dict, &error);
    CHECK(status == SHMRPC_E_NO_MEMORY || status == SHMRPC_E_EXHAUSTED);
    CHECK(error.message[0] != '\0');
    /* Objects that were open before still work, as they are mapped. */
    for (int i = 0; i < CALLS; i++) {
        status = call(&of, i, &error);
        CHECK(status == SHMRPC_OK || status == SHMRPC_E_NO_MEMORY);
    }
    CHECK(setrlimit(RLIMIT_AS, &old) == 0);
    EXPECT_HERE(shmrpc_dict_open("other", NULL, &dict, &error), &error);
    shmrpc_dict_close(dict);
    close_all(&of);
}

/* Skipped, as sanitizers reserve terabytes of address space. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TAKES_ADDRESSES true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TAKES_ADDRESSES true
#endif
#endif
#ifndef TAKES_ADDRESSES
#define TAKES_ADDRESSES false
#endif

static void a_full_address_space_is_an_error(void **state)
{
    (void)state;
    if (TAKES_ADDRESSES) {
        skip();
    }
    stage_dismiss(stage_cast(run_out_of_addresses, 0, NULL), 0);
}

/* ---- fork with open views ------------------------------------------------ */

static int count(shmrpc_view *view)
{
    const shmrpc_any *key;
    const shmrpc_any *value;
    int found = 0;
    while (shmrpc_view_next(view, &key, &value, NULL) == SHMRPC_OK) {
        found++;
    }
    return found;
}

static void read_in_child(int index, void *user)
{
    (void)index;
    shmrpc_dict *dict = user;
    shmrpc_view *view;
    shmrpc_error error;
    /* The child's handle attaches again, and views that it opens are valid. */
    EXPECT_HERE(put_numbered(dict, 2, 10, &error), &error);
    EXPECT_HERE(shmrpc_dict_view_open(dict, &view, &error), &error);
    CHECK(count(view) == 2);
    shmrpc_view_close(view);
}

static void forked_children_leave_views_alone(void **state)
{
    (void)state;
    shmrpc_dict *dict;
    shmrpc_view *view;
    shmrpc_error error;
    EXPECT(shmrpc_dict_open("d", NULL, &dict, &error), SHMRPC_OK, &error);
    EXPECT(put_numbered(dict, 1, 10, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_dict_view_open(dict, &view, &error), SHMRPC_OK, &error);
    stage_dismiss(stage_cast(read_in_child, 0, dict), 0);
    assert_int_equal(count(view), 1);
    shmrpc_view_close(view);
    shmrpc_dict_close(dict);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_full_folder_is_an_error),
        TEST(a_full_address_space_is_an_error),
        TEST(forked_children_leave_views_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

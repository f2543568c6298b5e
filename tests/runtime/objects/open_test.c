/* Names, modes, lifetimes and permissions of shared objects, and files that are
 * not objects. */
#include "stage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "objects/label.h"
#include "os/memory.h"
#include "region/layout.h"

static shmrpc_status open_as(const char *name, shmrpc_shared_opts shared,
                             shmrpc_queue **out, shmrpc_error *error)
{
    shmrpc_queue_opts opts = {.shared = shared};
    *out = NULL;
    return shmrpc_queue_open(name, &opts, out, error);
}

#define OPTS(...) ((shmrpc_shared_opts){__VA_ARGS__})

static shmrpc_queue *make(const char *name, shmrpc_shared_opts opts)
{
    shmrpc_queue *queue;
    shmrpc_error error;
    EXPECT(open_as(name, opts, &queue, &error), SHMRPC_OK, &error);
    return queue;
}

static void modes_do_what_they_say(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_queue *queue;
    shmrpc_queue *other;
    shmrpc_any item = shmrpc_any_null();
    EXPECT(
        open_as("q", OPTS(.mode = SHMRPC_SHARED_OPEN_EXISTING), &queue, &error),
        SHMRPC_E_NOT_FOUND, &error);
    stage_expect_text(&error, "queue \"q\": it does not exist in ");
    EXPECT(open_as("q",
                   OPTS(.mode = SHMRPC_SHARED_WAIT,
                        .timeout_ns = 5 * SHMRPCI_NS_PER_MS),
                   &queue, &error),
           SHMRPC_E_DEADLINE, &error);
    queue = make("q", OPTS(.mode = SHMRPC_SHARED_CREATE));
    EXPECT(open_as("q", OPTS(.mode = SHMRPC_SHARED_CREATE), &other, &error),
           SHMRPC_E_EXISTS, &error);
    other = make("q", OPTS(.mode = SHMRPC_SHARED_WAIT));
    shmrpc_queue_close(other);
    other = make("q", OPTS(.mode = SHMRPC_SHARED_OPEN_EXISTING));
    shmrpc_queue_close(other);
    other = make("q", OPTS(.mode = SHMRPC_SHARED_REPLACE));
    EXPECT(shmrpc_queue_push(queue, &item, NULL, &error), SHMRPC_E_DESTROYED,
           &error);
    EXPECT(shmrpc_queue_push(other, &item, NULL, &error), SHMRPC_OK, &error);
    shmrpc_queue_close(queue);
    shmrpc_queue_close(other);
    EXPECT(open_as("q", OPTS(.flags = SHMRPC_SHARED_READ_ONLY), &queue, &error),
           SHMRPC_E_INVALID, &error);
    EXPECT(open_as("q", OPTS(.flags = 1u << 20), &queue, &error),
           SHMRPC_E_INVALID, &error);
    EXPECT(open_as("q", OPTS(.reserved = {1}), &queue, &error),
           SHMRPC_E_INVALID, &error);
}

static void make_it_later(int index, void *user)
{
    (void)index;
    stage_await(0, 1);
    shmrpc_queue *queue;
    CHECK(open_as(user, OPTS(.flags = 0), &queue, NULL) == SHMRPC_OK);
    stage_await(1, 1);
}

static void who_waits_gets_what_others_make(void **state)
{
    (void)state;
    char name[] = "later";
    pid_t maker = stage_cast(make_it_later, 0, name);
    stage_advance(0);
    shmrpc_queue *queue = make("later", OPTS(.mode = SHMRPC_SHARED_WAIT));
    stage_advance(1);
    stage_dismiss(maker, 0);
    shmrpc_queue_close(queue);
}

/* ---- names --------------------------------------------------------------- */

static void names_of_any_bytes_are_harmless(void **state)
{
    (void)state;
    char longest[256];
    memset(longest, 'n', 255);
    longest[255] = '\0';
    const char *names[] = {
        "a/b", "../../etc/passwd", ".",       "..", ".hidden", "Größe", " ",
        "%",   "a\nb\033[1m",      "x.queue", "-",  longest};
    shmrpc_queue *queues[sizeof names / sizeof *names];
    size_t count = sizeof names / sizeof *names;
    shmrpc_object_info info;
    shmrpc_error error;
    char kind[32];
    for (size_t i = 0; i < count; i++) {
        queues[i] = make(names[i], OPTS(.mode = SHMRPC_SHARED_CREATE));
    }
    for (size_t i = 0; i < count; i++) {
        shmrpc_any item = shmrpc_any_i64((int64_t)i);
        const shmrpc_any *out;
        assert_int_equal(stage_find(names[i], &info, kind), count);
        assert_string_equal(kind, "queue");
        shmrpc_queue *again =
            make(names[i], OPTS(.mode = SHMRPC_SHARED_OPEN_EXISTING));
        EXPECT(shmrpc_queue_push(again, &item, NULL, &error), SHMRPC_OK,
               &error);
        EXPECT(shmrpc_queue_pop(queues[i], NULL, &out, &error), SHMRPC_OK,
               &error);
        assert_int_equal(out->u.i64, i);
        shmrpc_queue_release(queues[i], out);
        shmrpc_queue_close(again);
        shmrpc_queue_close(queues[i]);
    }
    for (size_t i = 0; i < count; i++) {
        EXPECT(shmrpc_object_remove(SHMRPC_SCOPE_USER, names[i], NULL, &error),
               SHMRPC_OK, &error);
    }
    assert_int_equal(stage_find("", &info, kind), 0);
    /* Nothing was created outside of the folder. */
    assert_int_equal(access(stage_path("../../etc"), F_OK), -1);
}

static void bad_names_are_refused(void **state)
{
    (void)state;
    static char too_long[257];
    memset(too_long, 'n', 256);
    const char *names[] = {"", too_long, "\xff", "\xed\xa0\x80", "a\xc0\x80"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        shmrpc_queue *queue;
        shmrpc_error error;
        EXPECT(open_as(names[i], OPTS(.flags = 0), &queue, &error),
               SHMRPC_E_INVALID, &error);
    }
}

static void kinds_have_names_of_their_own(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_queue *queue = make("both", OPTS(.flags = 0));
    shmrpc_lock *lock = stage_lock("both", 0);
    shmrpc_object_info info;
    char kind[32];
    assert_int_equal(stage_find("both", &info, kind), 2);
    EXPECT(shmrpc_object_remove(SHMRPC_SCOPE_USER, "both", NULL, &error),
           SHMRPC_E_PRECONDITION, &error);
    stage_expect_text(&error, "a lock and a queue");
    EXPECT(shmrpc_object_remove(SHMRPC_SCOPE_USER, "both", "queue", &error),
           SHMRPC_OK, &error);
    assert_false(shmrpc_lock_is_destroyed(lock));
    EXPECT(shmrpc_object_remove(SHMRPC_SCOPE_USER, "both", NULL, &error),
           SHMRPC_OK, &error);
    assert_true(shmrpc_lock_is_destroyed(lock));
    EXPECT(shmrpc_object_remove(SHMRPC_SCOPE_USER, "both", NULL, &error),
           SHMRPC_E_NOT_FOUND, &error);
    EXPECT(shmrpc_object_remove(SHMRPC_SCOPE_USER, "both", "quark", &error),
           SHMRPC_E_INVALID, &error);
    shmrpc_lock_close(lock);
    shmrpc_queue_close(queue);
}

static void objects_say_what_they_are(void **state)
{
    (void)state;
    shmrpc_object_info info;
    char kind[32];
    shmrpc_queue *queue = make("q", OPTS(.permissions = 0640));
    shmrpc_queue *other = make("q", OPTS(.flags = 0));
    assert_int_equal(stage_find("q", &info, kind), 1);
    assert_string_equal(kind, "queue");
    assert_int_equal(info.state, SHMRPC_OBJECT_IN_USE);
    assert_int_equal(info.open_count, 2);
    assert_int_equal(info.mode, 0640);
    assert_in_range(info.memory_bytes, 4096, 256u << 10);
    shmrpc_queue_close(queue);
    shmrpc_queue_close(other);
    assert_int_equal(stage_find("q", &info, kind), 1);
    assert_int_equal(info.state, SHMRPC_OBJECT_IDLE);
    assert_int_equal(info.open_count, 0);
}

/* ---- lifetimes ----------------------------------------------------------- */

static bool is_there(const char *file)
{
    return access(stage_path(file), F_OK) == 0;
}

static void hold(int index, void *user)
{
    shmrpc_queue *queue;
    CHECK(open_as("q", *(const shmrpc_shared_opts *)user, &queue, NULL) ==
          SHMRPC_OK);
    shmrpc_any item = shmrpc_any_i64(index);
    CHECK(shmrpc_queue_push(queue, &item, NULL, NULL) == SHMRPC_OK);
    stage_advance(0);
    stage_await(1, 1);
    shmrpc_queue_close(queue);
}

/* Kills a process that has the object open. */
static void kill_a_holder(shmrpc_shared_opts opts)
{
    memset(scene, 0, sizeof *scene);
    pid_t holder = stage_cast(hold, 0, &opts);
    stage_await(0, 1);
    stage_kill(holder);
}

static uint64_t count_items(shmrpc_queue *queue)
{
    shmrpc_queue_stat stat;
    assert_int_equal(shmrpc_queue_stat_read(queue, &stat), SHMRPC_OK);
    return stat.item_count;
}

static uint32_t collect(void)
{
    uint32_t removed = 99;
    assert_int_equal(shmrpc_objects_collect(SHMRPC_SCOPE_USER, 0, &removed),
                     SHMRPC_OK);
    return removed;
}

static void files_stay_until_they_are_removed(void **state)
{
    (void)state;
    kill_a_holder(OPTS(.flags = 0));
    assert_int_equal(collect(), 0);
    shmrpc_queue *queue = make("q", OPTS(.mode = SHMRPC_SHARED_OPEN_EXISTING));
    assert_int_equal(count_items(queue), 1);
    shmrpc_queue_close(queue);
    assert_true(is_there("q.queue"));
}

static void the_last_to_close_ends_its_life(void **state)
{
    (void)state;
    shmrpc_shared_opts opts = {.lifetime = SHMRPC_LIFETIME_LAST_CLOSE};
    shmrpc_object_info info;
    char kind[32];
    shmrpc_queue *queue = make("q", opts);
    shmrpc_queue *other = make("q", OPTS(.flags = 0));
    shmrpc_queue_close(queue);
    assert_true(is_there("q.queue"));
    assert_int_equal(collect(), 0);
    shmrpc_queue_close(other);
    assert_false(is_there("q.queue"));
    /* A user was killed: the next process ends the object. */
    kill_a_holder(opts);
    assert_int_equal(stage_find("q", &info, kind), 1);
    assert_int_equal(info.state, SHMRPC_OBJECT_OVER);
    queue = make("q", opts);
    assert_int_equal(count_items(queue), 0);
    shmrpc_queue_close(queue);
    kill_a_holder(opts);
    assert_int_equal(collect(), 1);
    assert_false(is_there("q.queue"));
    /* The creator was killed while another process had the object open. */
    queue = make("q", opts);
    kill_a_holder(opts);
    assert_int_equal(count_items(queue), 1);
    shmrpc_queue_close(queue);
    assert_false(is_there("q.queue"));
}

static void the_creator_ends_its_life(void **state)
{
    (void)state;
    shmrpc_shared_opts opts = {.lifetime = SHMRPC_LIFETIME_CREATOR};
    shmrpc_error error;
    shmrpc_any item = shmrpc_any_null();
    shmrpc_queue *queue = make("q", opts);
    shmrpc_queue *other = make("q", opts);
    shmrpc_queue_close(other);
    assert_true(is_there("q.queue"));
    other = make("q", opts);
    shmrpc_queue_close(queue);
    assert_false(is_there("q.queue"));
    EXPECT(shmrpc_queue_push(other, &item, NULL, &error), SHMRPC_E_DESTROYED,
           &error);
    shmrpc_queue_close(other);
    /* The creator was killed: the next process to open the object replaces
     * it. */
    kill_a_holder(opts);
    EXPECT(
        open_as("q", OPTS(.mode = SHMRPC_SHARED_OPEN_EXISTING), &queue, &error),
        SHMRPC_E_NOT_FOUND, &error);
    kill_a_holder(opts);
    queue = make("q", OPTS(.mode = SHMRPC_SHARED_CREATE,
                           .lifetime = SHMRPC_LIFETIME_CREATOR));
    assert_int_equal(count_items(queue), 0);
    assert_int_equal(collect(), 0);
    shmrpc_queue_close(queue);
    kill_a_holder(opts);
    assert_int_equal(collect(), 1);
}

static void race_for_it(int index, void *user)
{
    const shmrpc_shared_opts *opts = user;
    /* Nobody pops. There are so few rounds that the items of all four processes
     * fit into one lane, whichever process owns it. */
    int rounds = stage_is_long() ? 250 : 30;
    (void)index;
    for (int i = 0; i < rounds; i++) {
        shmrpc_queue *queue;
        shmrpc_error error;
        shmrpc_any item = shmrpc_any_null();
        EXPECT_HERE(open_as("q", *opts, &queue, &error), &error);
        shmrpc_status status = shmrpc_queue_push(queue, &item, NULL, &error);
        CHECK(status == SHMRPC_OK ||
              (status == SHMRPC_E_DESTROYED && opts->lifetime != 0));
        shmrpc_queue_close(queue);
    }
}

static void many_open_and_close_at_once(void **state)
{
    (void)state;
    static const shmrpc_lifetime lifetimes[] = {SHMRPC_LIFETIME_DEFAULT,
                                                SHMRPC_LIFETIME_LAST_CLOSE,
                                                SHMRPC_LIFETIME_CREATOR};
    for (size_t i = 0; i < 3; i++) {
        shmrpc_shared_opts opts = {.lifetime = lifetimes[i]};
        pid_t cast[4];
        for (int j = 0; j < 4; j++) {
            cast[j] = stage_cast(race_for_it, j, &opts);
        }
        for (int j = 0; j < 4; j++) {
            stage_dismiss(cast[j], 0);
        }
        assert_int_equal(is_there("q.queue"), i == 0);
        (void)unlink(stage_path("q.queue"));
    }
}

/* ---- limits and permissions ---------------------------------------------- */

static void make_with_small_files(int index, void *user)
{
    (void)index;
    (void)user;
    struct rlimit limit = {1u << 20, 1u << 20};
    shmrpc_queue *queue;
    shmrpc_error error;
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CHECK(open_as("q", OPTS(.max_bytes = 8u << 20), &queue, &error) ==
          SHMRPC_E_EXHAUSTED);
    CHECK(strstr(error.message, "max_bytes") != NULL);
    CHECK(open_as("q", OPTS(.max_bytes = 512u << 10), &queue, &error) ==
          SHMRPC_OK);
    shmrpc_queue_close(queue);
}

static void files_over_the_limit_are_no_signal(void **state)
{
    (void)state;
    stage_dismiss(stage_cast(make_with_small_files, 0, NULL), 0);
}

static void all_places_of_writers_may_be_taken(void **state)
{
    (void)state;
    shmrpc_queue *queues[2];
    shmrpc_queue *third;
    shmrpc_error error;
    int before = stage_descriptors();
    for (size_t i = 0; i < 2; i++) {
        queues[i] = make("q", OPTS(.max_writers = 2));
    }
    EXPECT(open_as("q", OPTS(.flags = 0), &third, &error), SHMRPC_E_EXHAUSTED,
           &error);
    stage_expect_text(&error, "all 2 places");
    shmrpc_queue_close(queues[0]);
    third = make("q", OPTS(.flags = 0));
    shmrpc_queue_close(third);
    shmrpc_queue_close(queues[1]);
    assert_int_equal(stage_descriptors(), before);
}

static void open_as_nobody(int index, void *user)
{
    (void)index;
    (void)user;
    shmrpc_queue *queue;
    shmrpc_error error;
    CHECK(setgid(65534) == 0 && setuid(65534) == 0);
    CHECK(open_as("closed", OPTS(.flags = SHMRPC_SHARED_ALL_USERS), &queue,
                  &error) == SHMRPC_E_DENIED);
    CHECK(strstr(error.message, "permissions") != NULL);
    CHECK(open_as("open", OPTS(.flags = SHMRPC_SHARED_ALL_USERS), &queue,
                  &error) == SHMRPC_OK);
    shmrpc_any item = shmrpc_any_null();
    CHECK(shmrpc_queue_push(queue, &item, NULL, &error) == SHMRPC_OK);
    /* The object is destroyed, although we may not remove its name. */
    CHECK(shmrpc_queue_destroy(queue) == SHMRPC_E_DENIED);
    shmrpc_queue_close(queue);
}

static void permissions_decide_who_may(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    shmrpc_queue *open = make(
        "open", OPTS(.flags = SHMRPC_SHARED_ALL_USERS, .permissions = 0666));
    shmrpc_queue *closed =
        make("closed", OPTS(.flags = SHMRPC_SHARED_ALL_USERS));
    assert_int_equal(chmod(stage_folder(), 0755), 0);
    stage_dismiss(stage_cast(open_as_nobody, 0, NULL), 0);
    shmrpc_queue_close(open);
    shmrpc_queue_close(closed);
}

/* ---- files that are not objects ------------------------------------------ */

static void write_at(const char *file, off_t at, const void *data, size_t len)
{
    int fd = open(stage_path(file), O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, data, len, at), len);
    assert_int_equal(close(fd), 0);
}

static void expect_damaged(const char *part)
{
    shmrpc_queue *queue;
    shmrpc_error error;
    shmrpc_object_info info;
    char kind[32];
    EXPECT(open_as("q", OPTS(.flags = 0), &queue, &error), SHMRPC_E_DATA_LOSS,
           &error);
    stage_expect_text(&error, part);
    assert_int_equal(stage_find("q", &info, kind), 1);
    assert_int_equal(info.state, SHMRPC_OBJECT_DAMAGED);
}

static void remove_it(void)
{
    shmrpc_error error;
    EXPECT(shmrpc_object_remove(SHMRPC_SCOPE_USER, "q", "queue", &error),
           SHMRPC_OK, &error);
}

static off_t size_of(const char *file)
{
    struct stat info;
    assert_int_equal(stat(stage_path(file), &info), 0);
    return info.st_size;
}

static void damaged_files_are_data_loss(void **state)
{
    (void)state;
    shmrpc_queue_close(make("q", OPTS(.flags = 0)));
    remove_it();
    write_at("q.queue", 0, "", 0);
    shmrpc_queue *queue;
    shmrpc_error error;
    EXPECT(open_as("q", OPTS(.flags = 0), &queue, &error), SHMRPC_E_DATA_LOSS,
           &error);
    remove_it();
    write_at("q.queue", 100000, "x", 1);
    EXPECT(open_as("q", OPTS(.flags = 0), &queue, &error), SHMRPC_E_DATA_LOSS,
           &error);
    /* The file can be replaced nevertheless. */
    shmrpc_queue_close(make("q", OPTS(.mode = SHMRPC_SHARED_REPLACE)));
    write_at("q.queue", 40, "x", 1);
    expect_damaged("checksum");
    remove_it();
    shmrpc_queue_close(make("q", OPTS(.flags = 0)));
    assert_int_equal(truncate(stage_path("q.queue"), size_of("q.queue") - 1),
                     0);
    expect_damaged("truncated");
    remove_it();
}

static void the_label_has_a_checksum(void **state)
{
    (void)state;
    shmrpci_region_head head;
    shmrpc_queue_close(make("q", OPTS(.flags = 0)));
    int fd = open(stage_path("q.queue"), O_RDONLY);
    assert_int_equal(shmrpci_memory_read(fd, &head, sizeof head), SHMRPC_OK);
    assert_int_equal(close(fd), 0);
    off_t end = (off_t)(head.roots_offset + head.roots_bytes);
    uint32_t lifetime = SHMRPC_LIFETIME_CREATOR;
    write_at("q.queue",
             end - (off_t)sizeof(shmrpci_label) +
                 (off_t)offsetof(shmrpci_label, lifetime),
             &lifetime, sizeof lifetime);
    expect_damaged("checksum");
    remove_it();
}

static void renamed_files_are_not_taken_for_others(void **state)
{
    (void)state;
    char from[512];
    shmrpc_queue *queue;
    shmrpc_error error;
    shmrpc_queue_close(make("a", OPTS(.flags = 0)));
    (void)snprintf(from, sizeof from, "%s", stage_path("a.queue"));
    assert_int_equal(rename(from, stage_path("b.queue")), 0);
    EXPECT(open_as("b", OPTS(.flags = 0), &queue, &error), SHMRPC_E_CONTRACT,
           &error);
    stage_expect_text(&error, "another name");
}

static void drafts_of_the_dead_are_collected(void **state)
{
    (void)state;
    int before = stage_descriptors();
    shmrpc_queue_close(make("q", OPTS(.flags = 0)));
    assert_int_equal(stage_descriptors(), before);
    write_at(".new-1-abc", 0, "x", 1);
    struct timespec old[2] = {{0}, {0}};
    assert_int_equal(utimensat(AT_FDCWD, stage_path(".new-1-abc"), old, 0), 0);
    assert_int_equal(collect(), 1);
    assert_false(is_there(".new-1-abc"));
}

static void hold_and_die(int index, void *user)
{
    (void)index;
    (void)user;
    shmrpc_queue *queue;
    const shmrpc_any *item;
    const shmrpc_queue_opts opts = {.flags = SHMRPC_SHARED_ACKED};
    CHECK(shmrpc_queue_open("held", &opts, &queue, NULL) == SHMRPC_OK);
    CHECK(shmrpc_queue_pop(queue, NULL, &item, NULL) == SHMRPC_OK);
    (void)kill(getpid(), SIGKILL);
}

/* No other process will open the queue and take over the dead one's items, so
 * collecting must do that. */
static void collecting_inherits_from_the_dead(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_queue *queue;
    shmrpc_queue_stat stat;
    shmrpc_any item = shmrpc_any_i64(1);
    const shmrpc_queue_opts opts = {.flags = SHMRPC_SHARED_ACKED};
    EXPECT(shmrpc_queue_open("held", &opts, &queue, &error), SHMRPC_OK, &error);
    EXPECT(shmrpc_queue_push(queue, &item, NULL, &error), SHMRPC_OK, &error);
    stage_dismiss(stage_cast(hold_and_die, 0, NULL), SIGKILL);
    assert_int_equal(shmrpc_queue_stat_read(queue, &stat), SHMRPC_OK);
    assert_int_equal(stat.item_count, 0);
    assert_int_equal(collect(), 0);
    assert_int_equal(shmrpc_queue_stat_read(queue, &stat), SHMRPC_OK);
    assert_int_equal(stat.item_count, 1);
    shmrpc_queue_close(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(modes_do_what_they_say),
        TEST(who_waits_gets_what_others_make),
        TEST(names_of_any_bytes_are_harmless),
        TEST(bad_names_are_refused),
        TEST(kinds_have_names_of_their_own),
        TEST(objects_say_what_they_are),
        TEST(files_stay_until_they_are_removed),
        TEST(the_last_to_close_ends_its_life),
        TEST(the_creator_ends_its_life),
        TEST(many_open_and_close_at_once),
        TEST(files_over_the_limit_are_no_signal),
        TEST(all_places_of_writers_may_be_taken),
        TEST(permissions_decide_who_may),
        TEST(damaged_files_are_data_loss),
        TEST(the_label_has_a_checksum),
        TEST(renamed_files_are_not_taken_for_others),
        TEST(drafts_of_the_dead_are_collected),
        TEST(collecting_inherits_from_the_dead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

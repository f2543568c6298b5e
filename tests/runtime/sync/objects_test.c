/* Files that are not locks, files whose bytes a process overwrites, and
 * tools. */
#include "lock_stage.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/byte_lock.h"
#include "os/object.h"
#include "shmrpc/objects.h"
#include "sync/lock_layout.h"

static const char *path_of(const char *name)
{
    static char path[512];
    (void)snprintf(path, sizeof path, "%s/objects/%s", stage_folder(), name);
    return path;
}

static void write_file(const char *name, const void *data, size_t bytes)
{
    int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, bytes), bytes);
    assert_int_equal(close(fd), 0);
}

static shmrpc_status open_lock(shmrpc_lock_mode mode, shmrpc_lock **out)
{
    return shmrpc_lock_open("test", mode, NULL, out, NULL);
}

static void expect_no_lock(shmrpc_status expected)
{
    shmrpc_lock *lock;
    assert_int_equal(open_lock(SHMRPC_LOCK_OPEN_EXISTING, &lock), expected);
    assert_int_equal(open_lock(SHMRPC_LOCK_OPEN_OR_CREATE, &lock), expected);
    assert_int_equal(open_lock(SHMRPC_LOCK_CREATE, &lock), SHMRPC_E_EXISTS);
}

static void what_is_no_lock_is_refused(void **state)
{
    (void)state;
    static _Alignas(128) unsigned char bytes[256 * 128];
    shmrpci_lock_file *wrong = (void *)bytes;
    shmrpc_lock *lock = stage_lock("other", 0);
    write_file("test.lock", "", 0);
    expect_no_lock(SHMRPC_E_DATA_LOSS);
    write_file("test.lock", bytes, sizeof bytes);
    expect_no_lock(SHMRPC_E_DATA_LOSS);
    wrong->magic = SHMRPCI_LOCK_MAGIC;
    wrong->version = SHMRPCI_LOCK_VERSION + 1;
    write_file("test.lock", bytes, sizeof bytes);
    expect_no_lock(SHMRPC_E_CONTRACT);
    wrong->version = SHMRPCI_LOCK_VERSION;
    static const uint32_t counts[] = {0, 1000, SHMRPC_LOCK_MAX_HANDLES + 1,
                                      UINT32_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        wrong->slot_count = counts[i];
        write_file("test.lock", bytes, sizeof bytes);
        expect_no_lock(SHMRPC_E_DATA_LOSS);
    }
    wrong->slot_count = 10;
    wrong->kind = ~0u;
    write_file("test.lock", bytes, sizeof bytes);
    expect_no_lock(SHMRPC_E_DATA_LOSS);
    /* The file can be replaced nevertheless. */
    shmrpc_lock_close(lock);
    assert_int_equal(open_lock(SHMRPC_LOCK_REPLACE, &lock), SHMRPC_OK);
    shmrpc_lock_close(lock);
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    shmrpc_lock *lock = stage_lock("other", 0);
    shmrpc_lock_close(lock);
    assert_int_equal(symlink("other.lock", path_of("test.lock")), 0);
    expect_no_lock(SHMRPC_E_DENIED);
    assert_int_equal(unlink(path_of("test.lock")), 0);
    assert_int_equal(mkdir(path_of("test.lock"), 0700), 0);
    expect_no_lock(SHMRPC_E_DENIED);
    assert_int_equal(rmdir(path_of("test.lock")), 0);
    assert_int_equal(mkfifo(path_of("test.lock"), 0600), 0);
    expect_no_lock(SHMRPC_E_DENIED);
}

static void folder_that_others_may_write_to_is_refused(void **state)
{
    (void)state;
    shmrpc_lock *lock = stage_lock("test", 0);
    shmrpc_lock_close(lock);
    assert_int_equal(chmod(path_of(""), 0777), 0);
    assert_int_equal(open_lock(SHMRPC_LOCK_OPEN_OR_CREATE, &lock),
                     SHMRPC_E_DENIED);
    assert_int_equal(chmod(path_of(""), 0700), 0);
    /* A folder for all users is refused unless it is sticky. */
    shmrpc_lock_opts opts = {.flags = SHMRPC_LOCK_ALL_USERS};
    char path[128];
    (void)snprintf(path, sizeof path, "%s/shared", stage_folder());
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chmod(path, 0777), 0);
    assert_int_equal(
        shmrpc_lock_open("x", SHMRPC_LOCK_OPEN_OR_CREATE, &opts, &lock, NULL),
        SHMRPC_E_DENIED);
}

/* ---- a process that overwrites the file ---------------------------------- */

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Overwrites bytes anywhere in the file. The process with index 1 overwrites
 * only the lock word and the counts. */
static void scribble(int index, void *user)
{
    size_t bytes = *(const size_t *)user;
    uint64_t seed = 88172645463325252u + (uint64_t)index;
    int fd = open(path_of("test.lock"), O_RDWR);
    CHECK(fd >= 0);
    volatile uint32_t *at =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(at != MAP_FAILED);
    stage_advance(0);
    while (stage_step(1) == 0) {
        size_t where = next_random(&seed) % (bytes / 4);
        if (index == 1) {
            where = next_random(&seed) % 2 == 0 ? 32 : 64 + 32 * (where % 8);
        }
        at[where] = next_random(&seed) % 2 == 0
                        ? (uint32_t)next_random(&seed)
                        : (uint32_t)next_random(&seed) & 0xF0007u;
    }
}

/* Makes a random call on the lock. The call may return any status, but must not
 * hang. */
static void use_at_random(shmrpc_lock *lock, uint64_t *seed)
{
    shmrpc_lock_wait wait = {.timeout_ns = 200000};
    switch (next_random(seed) % 10) {
    case 0:
    case 1:
        (void)!shmrpc_lock_acquire(lock, &wait);
        break;
    case 2:
        (void)!shmrpc_lock_try_acquire(lock);
        break;
    case 3:
        (void)!shmrpc_lock_acquire_shared(lock, &wait);
        break;
    case 4:
        (void)!shmrpc_lock_try_acquire_shared(lock);
        break;
    case 5:
        (void)shmrpc_lock_release_shared(lock);
        break;
    case 6:
        (void)shmrpc_lock_consistent(lock);
        break;
    case 7:
        (void)shmrpc_lock_owner_pid(lock);
        break;
    default:
        (void)shmrpc_lock_release(lock);
    }
}

static bool count_objects(void *user, const shmrpc_object_info *info)
{
    (void)info;
    ++*(int *)user;
    return true;
}

static void scribbled_locks_end_in_time(void **state)
{
    (void)state;
    static const uint32_t kinds[] = {0, SHMRPC_LOCK_SHARED,
                                     SHMRPC_LOCK_SEMAPHORE, SHMRPC_LOCK_FAIR};
    size_t bytes = shmrpci_lock_file_bytes(SHMRPC_LOCK_DEFAULT_HANDLES);
    int rounds = stage_is_long() ? 200000 : 3000;
    uint64_t seed = 42;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        memset(scene, 0, sizeof *scene);
        shmrpc_lock *lock = stage_lock("test", kinds[i]);
        shmrpc_lock *other = stage_lock("test", kinds[i]);
        pid_t wide = stage_cast(scribble, 0, &bytes);
        pid_t narrow = stage_cast(scribble, 1, &bytes);
        stage_await(0, 2);
        for (int j = 0; j < rounds; j++) {
            int found = 0;
            shmrpc_lock *third = NULL;
            int64_t began_ns = shmrpci_now_ns();
            use_at_random(j % 2 == 0 ? lock : other, &seed);
            if (j % 64 == 0) {
                assert_int_equal(shmrpc_objects_visit(SHMRPC_SCOPE_USER,
                                                      count_objects, &found),
                                 SHMRPC_OK);
                assert_in_range(found, 0, 1); /* 0 if the overwritten lock looks
                                               * destroyed */
                if (open_lock(SHMRPC_LOCK_OPEN_EXISTING, &third) == SHMRPC_OK) {
                    shmrpc_lock_close(third);
                }
            }
            assert_true(shmrpci_now_ns() - began_ns < PATIENCE_NS);
        }
        stage_advance(1);
        stage_dismiss(wide, 0);
        stage_dismiss(narrow, 0);
        shmrpc_lock_close(other);
        shmrpc_lock_close(lock);
        (void)unlink(path_of("test.lock"));
    }
}

/* ---- tools --------------------------------------------------------------- */

typedef struct {
    shmrpc_object_info info;
    char name[64];
    int count;
} found_one;

static bool find_test(void *user, const shmrpc_object_info *info)
{
    found_one *found = user;
    found->count++;
    if (strcmp(info->name, "test") == 0) {
        found->info = *info;
    }
    return true;
}

static found_one look_for_test(void)
{
    found_one found = {.info = {.kind = ""}};
    assert_int_equal(shmrpc_objects_visit(SHMRPC_SCOPE_USER, find_test, &found),
                     SHMRPC_OK);
    return found;
}

static void objects_are_listed(void **state)
{
    (void)state;
    assert_int_equal(look_for_test().count, 0);
    shmrpc_lock *lock = stage_lock("test", SHMRPC_LOCK_SHARED);
    shmrpc_lock *second = stage_lock("test", SHMRPC_LOCK_SHARED);
    shmrpc_lock *other = stage_lock("other", SHMRPC_LOCK_SEMAPHORE);
    write_file("not-an-object", "", 0);
    found_one found = look_for_test();
    assert_int_equal(found.count, 2);
    assert_string_equal(found.info.kind, "shared lock");
    assert_int_equal(found.info.state, SHMRPC_OBJECT_FREE);
    assert_int_equal(found.info.open_count, 2);
    assert_int_equal(found.info.uid, geteuid());
    assert_int_equal(found.info.mode, 0600);
    shmrpc_lock_close(second);
    assert_int_equal(shmrpc_lock_acquire(lock, NULL), SHMRPC_OK);
    found = look_for_test();
    assert_int_equal(found.info.state, SHMRPC_OBJECT_HELD);
    assert_int_equal(found.info.owner_pid, getpid());
    assert_int_equal(found.info.open_count, 1);
    shmrpc_lock_close(lock);
    found = look_for_test();
    assert_int_equal(found.info.state, SHMRPC_OBJECT_OWNER_DIED);
    assert_int_equal(found.info.open_count, 0);
    write_file("test.lock", "x", 1);
    assert_int_equal(look_for_test().info.state, SHMRPC_OBJECT_DAMAGED);
    shmrpc_lock_close(other);
}

static void objects_are_removed(void **state)
{
    (void)state;
    shmrpc_error error;
    shmrpc_lock *lock = stage_lock("test", 0);
    assert_int_equal(
        shmrpc_object_remove(SHMRPC_SCOPE_USER, "other", NULL, &error),
        SHMRPC_E_NOT_FOUND);
    assert_int_equal(
        shmrpc_object_remove(SHMRPC_SCOPE_USER, "../x", "lock", &error),
        SHMRPC_E_INVALID);
    assert_int_equal(
        shmrpc_object_remove(SHMRPC_SCOPE_USER, "test", "lock", &error),
        SHMRPC_OK);
    assert_true(shmrpc_lock_is_destroyed(lock));
    assert_int_equal(look_for_test().count, 0);
    shmrpc_lock_close(lock);
}

static void only_the_dead_are_collected(void **state)
{
    (void)state;
    uint32_t removed = 99;
    assert_int_equal(shmrpc_objects_collect(SHMRPC_SCOPE_USER, 0, &removed),
                     SHMRPC_OK);
    assert_int_equal(removed, 0);
    shmrpc_lock *alive = stage_lock("alive", 0);
    shmrpc_lock_close(stage_lock("test", 0));
    assert_int_equal(shmrpc_objects_collect(SHMRPC_SCOPE_USER,
                                            1000 * SHMRPCI_NS_PER_S, &removed),
                     SHMRPC_OK);
    assert_int_equal(removed, 0);
    assert_int_equal(shmrpc_objects_collect(SHMRPC_SCOPE_USER, 0, &removed),
                     SHMRPC_OK);
    assert_int_equal(removed, 1);
    assert_int_equal(look_for_test().count, 1);
    assert_int_equal(shmrpc_lock_acquire(alive, NULL), SHMRPC_OK);
    shmrpc_lock_close(alive);
}

/* ---- os/object.h --------------------------------------------------------- */

/* Tests what is done on a file system that can't make files without names. */
static void draft_with_a_name_is_published_and_collected(void **state)
{
    (void)state;
    char temporary[SHMRPCI_OBJECT_NAME_BYTES];
    uint32_t removed;
    int dir_fd;
    int fd;
    char folder[SHMRPCI_OBJECT_PATH_BYTES];
    assert_int_equal(shmrpci_object_folder(SHMRPCI_ROOM_USER, folder),
                     SHMRPC_OK);
    assert_int_equal(
        shmrpci_object_folder_open(SHMRPCI_ROOM_USER, folder, true, &dir_fd),
        SHMRPC_OK);
    assert_int_equal(shmrpci_object_draft(dir_fd, 0640, 4096,
                                          SHMRPCI_DRAFT_NAMED, temporary, &fd),
                     SHMRPC_OK);
    assert_true(shmrpci_object_is_temporary(temporary));
    assert_true(shmrpci_object_is_named(dir_fd, temporary, fd));
    /* The draft is young, so its creator may be alive. */
    assert_int_equal(shmrpc_objects_collect(SHMRPC_SCOPE_USER, 0, &removed),
                     SHMRPC_OK);
    assert_int_equal(removed, 0);
    struct timespec old[2] = {{0}, {0}};
    assert_int_equal(futimens(fd, old), 0);
    assert_int_equal(shmrpci_byte_lock_try(fd, 0, 1), SHMRPC_OK);
    assert_int_equal(shmrpc_objects_collect(SHMRPC_SCOPE_USER, 0, &removed),
                     SHMRPC_OK);
    assert_int_equal(removed, 0);
    assert_int_equal(shmrpci_object_publish(dir_fd, fd, temporary, "x.lock"),
                     SHMRPC_OK);
    assert_true(shmrpci_object_is_named(dir_fd, "x.lock", fd));
    assert_false(shmrpci_object_is_named(dir_fd, temporary, fd));
    assert_int_equal(close(fd), 0);
    assert_int_equal(shmrpci_object_draft(dir_fd, 0640, 4096,
                                          SHMRPCI_DRAFT_NAMED, temporary, &fd),
                     SHMRPC_OK);
    assert_int_equal(shmrpci_object_publish(dir_fd, fd, temporary, "x.lock"),
                     SHMRPC_E_EXISTS);
    assert_int_equal(close(fd), 0);
    assert_int_equal(shmrpci_object_draft(dir_fd, 0640, 4096,
                                          SHMRPCI_DRAFT_NAMED, temporary, &fd),
                     SHMRPC_OK);
    assert_int_equal(futimens(fd, old), 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(shmrpc_objects_collect(SHMRPC_SCOPE_USER, 0, &removed),
                     SHMRPC_OK);
    assert_int_equal(removed, 2); /* the old draft, and x.lock, whose contents
                                   * are not a lock */
    assert_int_equal(close(dir_fd), 0);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, stage_open, stage_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_lock_is_refused),
        TEST(what_is_no_file_is_refused),
        TEST(folder_that_others_may_write_to_is_refused),
        TEST(scribbled_locks_end_in_time),
        TEST(objects_are_listed),
        TEST(objects_are_removed),
        TEST(only_the_dead_are_collected),
        TEST(draft_with_a_name_is_published_and_collected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

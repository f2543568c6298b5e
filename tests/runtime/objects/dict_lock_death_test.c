/*
 * Death at every point of taking and releasing locks of a dict: a process is
 * killed before each change of a shared word. Afterwards the next process can
 * get each lock, even if it must claim an entry that another process was
 * claiming when it died.
 *
 * The locks are compiled again for this test, with points at which a process
 * can die (os/crash.h).
 */
#include "stage.h"

#include <string.h>

#include "dying/dying.h"
#include "objects/dict_lock.h"
#include "shmrpc/dict.h"

static shmrpc_dict *open_dict(void)
{
    shmrpc_dict *dict = NULL;
    shmrpc_error error;
    EXPECT(shmrpc_dict_open("d", NULL, &dict, &error), SHMRPC_OK, &error);
    return dict;
}

static bool is_taken(shmrpc_status status)
{
    return status == SHMRPC_OK || status == SHMRPC_E_OWNER_DIED;
}

static bool take_and_release(shmrpc_dict *dict, const shmrpc_any *key)
{
    shmrpc_status status = shmrpc_dict_lock(dict, key, &stage_patience, NULL);
    return is_taken(status) &&
           (status == SHMRPC_OK ||
            shmrpc_dict_lock_consistent(dict, key, NULL) == SHMRPC_OK) &&
           shmrpc_dict_unlock(dict, key, NULL) == SHMRPC_OK;
}

/* What the dying process uses: it locks the keys `first` and `first` + 1. */
typedef struct play {
    shmrpc_dict *dict;
    int64_t first;
} play;

/* What the dying process does: it locks two keys, the second while it holds the
 * first, then the whole dict, and then the first key again. */
static bool use_locks(void *user)
{
    const play *of = user;
    shmrpc_any one = shmrpc_any_i64(of->first);
    shmrpc_any two = shmrpc_any_i64(of->first + 1);
    return is_taken(shmrpc_dict_lock(of->dict, &one, NULL, NULL)) &&
           is_taken(shmrpc_dict_lock(of->dict, &two, NULL, NULL)) &&
           shmrpc_dict_unlock(of->dict, &two, NULL) == SHMRPC_OK &&
           shmrpc_dict_unlock(of->dict, &one, NULL) == SHMRPC_OK &&
           take_and_release(of->dict, NULL) && take_and_release(of->dict, &one);
}

/* Checks that each lock can be acquired, and only by one handle at a time. The
 * whole dict is locked first, because until it is repaired, locking a key
 * returns OWNER_DIED, too. */
static void check_locks(shmrpc_dict *dict, int64_t first)
{
    shmrpc_error error;
    shmrpc_dict *other = open_dict();
    for (int64_t i = -1; i < 2; i++) {
        shmrpc_any key = shmrpc_any_i64(first + i);
        const shmrpc_any *at = i >= 0 ? &key : NULL;
        shmrpc_status status =
            shmrpc_dict_lock(dict, at, &stage_patience, &error);
        if (status != SHMRPC_OK) {
            EXPECT(status, SHMRPC_E_OWNER_DIED, &error);
            assert_int_equal(shmrpc_dict_lock_consistent(dict, at, NULL),
                             SHMRPC_OK);
        }
        EXPECT(shmrpc_dict_try_lock(other, at, &error), SHMRPC_E_BUSY, &error);
        assert_int_equal(shmrpc_dict_unlock(dict, at, NULL), SHMRPC_OK);
        EXPECT(shmrpc_dict_try_lock(other, at, &error), SHMRPC_OK, &error);
        assert_int_equal(shmrpc_dict_unlock(other, at, NULL), SHMRPC_OK);
    }
    shmrpc_dict_close(other);
}

/* Fills all entries with keys, so that new keys take over entries of others. */
static void use_all_entries(shmrpc_dict *dict)
{
    for (int64_t i = 0; i < SHMRPCI_DICT_LOCK_COUNT; i++) {
        shmrpc_any key = shmrpc_any_i64(-1 - i);
        assert_true(take_and_release(dict, &key));
    }
}

static void die_at_every_point(int64_t step)
{
    shmrpc_dict *dict = open_dict();
    play of = {dict, 0};
    unsigned point = 1;
    while (dying_runs(use_locks, &of, point)) {
        check_locks(dict, of.first);
        of.first += step;
        point++;
    }
    assert_true(point > 20);
    shmrpc_dict_close(dict);
}

static void new_keys(void **state)
{
    (void)state;
    die_at_every_point(2);
}

static void known_keys(void **state)
{
    (void)state;
    shmrpc_dict *dict = open_dict();
    check_locks(dict, 0);
    die_at_every_point(0);
    shmrpc_dict_close(dict);
}

static void keys_that_take_over_entries(void **state)
{
    (void)state;
    shmrpc_dict *dict = open_dict();
    use_all_entries(dict);
    die_at_every_point(2);
    use_all_entries(dict);
    shmrpc_dict_close(dict);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(new_keys),
        TEST(known_keys),
        TEST(keys_that_take_over_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

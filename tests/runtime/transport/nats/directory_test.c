/* Tests which instance a call uses, and which instances get links. */
#include "transport/nats/directory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS SHMRPCI_NS_PER_MS
#define S  SHMRPCI_NS_PER_S

/* An arbitrary time, but not 0, which stands for "never" in the directory. */
#define NOW (1000 * S)

static uint64_t random_state = 88172645463325252u;

static uint64_t some_number(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static nats_who who_of(unsigned number, const char *zone, const char *host)
{
    nats_who who;
    (void)snprintf(who.id, sizeof who.id, "%022u", number);
    (void)snprintf(who.zone, sizeof who.zone, "%s", zone);
    (void)snprintf(who.host, sizeof who.host, "%s", host);
    return who;
}

/* Adds an instance, and returns its place. */
static uint32_t add(nats_directory *dir, unsigned number, const char *zone,
                    const char *host, uint32_t load)
{
    nats_who who = who_of(number, zone, host);
    nats_directory_add(dir, &who, load, NOW, some_number());
    for (uint32_t i = 0; i < NATS_INSTANCES_MAX; i++) {
        if (dir->instances[i].is_used &&
            strcmp(dir->instances[i].who.id, who.id) == 0) {
            return i;
        }
    }
    return NATS_NO_INSTANCE;
}

/* Adds an instance whose link is ready, and returns its place. */
static uint32_t add_linked(nats_directory *dir, unsigned number,
                           const char *zone, const char *host, uint32_t load)
{
    uint32_t place = add(dir, number, zone, host, load);
    assert_true(place < NATS_INSTANCES_MAX);
    dir->instances[place].links = dir->instances[place].ready = 1;
    return place;
}

/* Two instances with links: one in our zone, and one in another. */
static void init_two(nats_directory *dir, uint32_t *near, uint32_t *far)
{
    nats_directory_init(dir, "a");
    *near = add_linked(dir, 1, "a", "there", 0);
    *far = add_linked(dir, 2, "b", "there", 0);
}

/* Counts how many of 1,000 choices fall on each instance. */
static void count_choices(nats_directory *dir, int64_t now_ns,
                          unsigned counts[NATS_INSTANCES_MAX])
{
    memset(counts, 0, NATS_INSTANCES_MAX * sizeof *counts);
    for (int i = 0; i < 1000; i++) {
        uint32_t at = nats_directory_choose(dir, now_ns, some_number());
        assert_true(at < NATS_INSTANCES_MAX);
        counts[at]++;
    }
}

static void equal_ones_share_the_calls(void **state)
{
    (void)state;
    nats_directory dir;
    unsigned counts[NATS_INSTANCES_MAX];
    nats_directory_init(&dir, "");
    uint32_t at[4];
    for (unsigned i = 0; i < 4; i++) {
        at[i] = add_linked(&dir, i, "", "there", 0);
    }
    count_choices(&dir, NOW, counts);
    for (unsigned i = 0; i < 4; i++) {
        assert_in_range(counts[at[i]], 150, 350);
    }
}

/* Each call goes to the instance with fewer calls, so that none has many more
 * than another. */
static void calls_go_where_fewer_are(void **state)
{
    (void)state;
    nats_directory dir;
    nats_directory_init(&dir, "");
    for (unsigned i = 0; i < 8; i++) {
        (void)add_linked(&dir, i, "", "there", 0);
    }
    for (int i = 0; i < 800; i++) {
        uint32_t at = nats_directory_choose(&dir, NOW, some_number());
        dir.instances[at].calls++;
    }
    for (unsigned i = 0; i < NATS_INSTANCES_MAX; i++) {
        if (dir.instances[i].is_used) {
            assert_in_range(dir.instances[i].calls, 90, 110);
        }
    }
}

/* Calls of other clients count as long as the instance's report is recent. */
static void reports_of_others_count_for_a_second(void **state)
{
    (void)state;
    nats_directory dir;
    unsigned counts[NATS_INSTANCES_MAX];
    nats_directory_init(&dir, "");
    uint32_t busy = add_linked(&dir, 1, "", "there", 50);
    uint32_t idle = add_linked(&dir, 2, "", "there", 0);
    count_choices(&dir, NOW, counts);
    assert_in_range(counts[idle], 700, 800); /* 3 in 4: chosen whenever it is
                                              * drawn at least once in two
                                              * draws */
    count_choices(&dir, NOW + 1100 * MS, counts);
    assert_in_range(counts[busy], 400, 600);
    /* Our own calls, which the report includes, are not counted twice. */
    dir.instances[busy].calls = 50;
    nats_directory_report(&dir, busy, 50, NOW);
    assert_int_equal(dir.instances[busy].others, 0);
}

static void nearest_ones_are_taken(void **state)
{
    (void)state;
    nats_directory dir;
    unsigned counts[NATS_INSTANCES_MAX];
    nats_directory_init(&dir, "a");
    char here[64];
    memcpy(here, dir.host, sizeof here);
    uint32_t far = add_linked(&dir, 1, "b", "there", 0);
    count_choices(&dir, NOW, counts);
    assert_int_equal(counts[far], 1000);
    uint32_t zone = add_linked(&dir, 2, "a", "other", 0);
    count_choices(&dir, NOW, counts);
    assert_int_equal(counts[zone], 1000);
    uint32_t machine = add_linked(&dir, 3, "", here, 0);
    count_choices(&dir, NOW, counts);
    assert_int_equal(counts[machine], 1000);
}

/* When the near instance has more than twice the load, calls go to the far one.
 * They come back only when the near one has no more load than the far one. */
static void load_spills_over_and_comes_back(void **state)
{
    (void)state;
    nats_directory dir;
    uint32_t near;
    uint32_t far;
    init_two(&dir, &near, &far);
    dir.instances[far].calls = 10;
    dir.instances[near].calls = 27;
    assert_int_equal(nats_directory_choose(&dir, NOW, some_number()), near);
    dir.instances[near].calls = 28;
    assert_int_equal(nats_directory_choose(&dir, NOW, some_number()), far);
    dir.instances[near].calls = 11;
    assert_int_equal(nats_directory_choose(&dir, NOW, some_number()), far);
    dir.instances[near].calls = 10;
    assert_int_equal(nats_directory_choose(&dir, NOW, some_number()), near);
    dir.instances[near].calls = 20;
    assert_int_equal(nats_directory_choose(&dir, NOW, some_number()), near);
}

/* An instance that refuses a call is left out for a pause. Each further refusal
 * doubles the pause, and each call that is served halves it. */
static void refusals_leave_an_instance_out(void **state)
{
    (void)state;
    nats_directory dir;
    uint32_t near;
    uint32_t far;
    init_two(&dir, &near, &far);
    int64_t now_ns = NOW;
    nats_directory_refused(&dir, near, now_ns);
    nats_directory_refused(&dir, near, now_ns); /* in flight at the same time */
    assert_int_equal(nats_directory_choose(&dir, now_ns + 49 * MS, 0), far);
    now_ns += 50 * MS;
    assert_int_equal(nats_directory_choose(&dir, now_ns, 0), near);
    nats_directory_refused(&dir, near, now_ns);
    assert_int_equal(nats_directory_choose(&dir, now_ns + 99 * MS, 0), far);
    now_ns += 100 * MS;
    assert_int_equal(nats_directory_choose(&dir, now_ns, 0), near);
    for (int i = 0; i < 8; i++) {
        nats_directory_refused(&dir, near, now_ns);
        now_ns += S;
    }
    assert_int_equal(dir.instances[near].pause_ns, S);
    nats_directory_served(&dir, near);
    assert_int_equal(dir.instances[near].pause_ns, S / 2);
    /* If all instances refuse, one of them is still chosen. */
    nats_directory_refused(&dir, near, now_ns);
    nats_directory_refused(&dir, far, now_ns);
    assert_int_equal(nats_directory_choose(&dir, now_ns, 0), near);
}

static void links_are_added_at_half(void **state)
{
    (void)state;
    nats_directory dir;
    nats_directory_init(&dir, "");
    assert_int_equal(nats_directory_wanted(&dir, NOW, 0), NATS_NO_INSTANCE);
    assert_int_equal(nats_directory_choose(&dir, NOW, 0), NATS_NO_INSTANCE);
    uint32_t at = add(&dir, 1, "", "there", 0);
    nats_instance *it = &dir.instances[at];
    assert_int_equal(nats_directory_choose(&dir, NOW, 0), NATS_NO_INSTANCE);
    for (uint32_t links = 0; links < NATS_INSTANCE_LINKS_MAX; links++) {
        it->calls = links * NATS_LINK_CALLS;
        assert_int_equal(nats_directory_wanted(&dir, NOW, 0), at);
        it->links++;
        it->ready++;
        assert_int_equal(nats_directory_wanted(&dir, NOW, 0), NATS_NO_INSTANCE);
    }
    it->calls = 256;
    assert_int_equal(nats_directory_wanted(&dir, NOW, 0), NATS_NO_INSTANCE);
}

/* Far instances get a link when the near ones are half full or refuse. */
static void far_links_are_made_in_need(void **state)
{
    (void)state;
    nats_directory dir;
    nats_directory_init(&dir, "a");
    uint32_t near = add_linked(&dir, 1, "a", "there", 0);
    uint32_t far = add(&dir, 2, "b", "there", 0);
    assert_int_equal(nats_directory_wanted(&dir, NOW, 0), NATS_NO_INSTANCE);
    nats_directory_refused(&dir, near, NOW);
    assert_int_equal(nats_directory_wanted(&dir, NOW, 0), far);
    assert_int_equal(nats_directory_wanted(&dir, NOW + S, 0), NATS_NO_INSTANCE);
    dir.instances[near].links = NATS_INSTANCE_LINKS_MAX;
    dir.instances[near].calls = NATS_LINK_CALLS;
    assert_int_equal(nats_directory_wanted(&dir, NOW + S, 0), far);
    /* After a link could not be opened, none is tried for a second. */
    nats_directory_no_link(&dir, far, NOW + S);
    assert_int_equal(nats_directory_wanted(&dir, NOW + S, 0), NATS_NO_INSTANCE);
    assert_int_equal(nats_directory_next(&dir, NOW + S), NOW + 2 * S);
    assert_int_equal(nats_directory_wanted(&dir, NOW + 2 * S, 0), far);
}

static void silent_ones_are_left_out_until_they_are_heard(void **state)
{
    (void)state;
    nats_directory dir;
    nats_directory_init(&dir, "");
    uint32_t at = add(&dir, 1, "", "there", 0);
    nats_directory_silence(&dir, at);
    assert_int_equal(nats_directory_wanted(&dir, NOW, 0), NATS_NO_INSTANCE);
    assert_int_equal(add(&dir, 1, "", "there", 0), at);
    assert_int_equal(nats_directory_wanted(&dir, NOW, 0), at);
    nats_directory_drop(&dir, dir.instances[at].who.id);
    assert_false(dir.instances[at].is_used);
    /* An instance with a link stays until the link is lost. */
    at = add_linked(&dir, 2, "", "there", 0);
    nats_directory_drop(&dir, dir.instances[at].who.id);
    assert_true(dir.instances[at].is_used);
    assert_int_equal(nats_directory_choose(&dir, NOW, 0), at);
}

static unsigned count_used(const nats_directory *dir)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < NATS_INSTANCES_MAX; i++) {
        count += dir->instances[i].is_used ? 1u : 0u;
    }
    return count;
}

/* The directory keeps 16 of 1,000 instances. A near instance always finds a
 * place, and an instance with a link keeps its place. */
static void at_most_16_are_known(void **state)
{
    (void)state;
    nats_directory dir;
    nats_directory_init(&dir, "a");
    uint32_t linked = add_linked(&dir, 5000, "b", "there", 0);
    for (unsigned i = 0; i < 1000; i++) {
        (void)add(&dir, i, "b", "there", 0);
    }
    assert_int_equal(count_used(&dir), NATS_INSTANCES_MAX);
    unsigned late = 0;
    for (uint32_t i = 0; i < NATS_INSTANCES_MAX; i++) {
        late += atoi(dir.instances[i].who.id) >= 100 ? 1u : 0u;
    }
    assert_true(late >= 8); /* not the first 16 that answered */
    for (unsigned i = 0; i < 15; i++) {
        assert_true(add(&dir, 2000 + i, "a", "there", 0) < NATS_INSTANCES_MAX);
    }
    assert_int_equal(add(&dir, 3000, "b", "there", 0), NATS_NO_INSTANCE);
    assert_true(dir.instances[linked].is_used);
    /* Instances that no longer answer make room. */
    nats_directory_search(&dir);
    assert_int_equal(count_used(&dir), NATS_INSTANCES_MAX);
    nats_directory_search(&dir);
    assert_int_equal(count_used(&dir), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_ones_share_the_calls),
        cmocka_unit_test(calls_go_where_fewer_are),
        cmocka_unit_test(reports_of_others_count_for_a_second),
        cmocka_unit_test(nearest_ones_are_taken),
        cmocka_unit_test(load_spills_over_and_comes_back),
        cmocka_unit_test(refusals_leave_an_instance_out),
        cmocka_unit_test(links_are_added_at_half),
        cmocka_unit_test(far_links_are_made_in_need),
        cmocka_unit_test(silent_ones_are_left_out_until_they_are_heard),
        cmocka_unit_test(at_most_16_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* How much memory control groups leave, in group trees that the test makes. */
#include "os/group.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define MIB (UINT64_C(1) << 20)

static char folder[64];
static char list[128];
static char all[128];
static char old[128];
static const shmrpci_group_files files = {list, old, all};

static void put(const char *path, const char *name, const char *text)
{
    char whole[512];
    (void)snprintf(whole, sizeof whole, "%s/%s", path, name);
    FILE *out = fopen(whole, "we");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static void put_number(const char *path, const char *name, uint64_t number)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%llu\n", (unsigned long long)number);
    put(path, name, text);
}

/* Makes a group of version 2; its parent must exist. */
static void make(const char *group, uint64_t limit, uint64_t used,
                 const char *stat)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s%s", all, group);
    (void)mkdir(path, 0700);
    if (limit == UINT64_MAX) {
        put(path, "memory.max", "max\n");
    } else {
        put_number(path, "memory.max", limit);
    }
    put_number(path, "memory.current", used);
    put(path, "memory.stat", stat);
}

static void make_old(uint64_t limit, uint64_t used, const char *stat)
{
    (void)mkdir(old, 0700);
    put_number(old, "memory.limit_in_bytes", limit);
    put_number(old, "memory.usage_in_bytes", used);
    put(old, "memory.stat", stat);
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/shmrpc-test-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    (void)snprintf(list, sizeof list, "%s/cgroup", folder);
    (void)snprintf(all, sizeof all, "%s/all", folder);
    (void)snprintf(old, sizeof old, "%s/memory", folder);
    put(folder, "cgroup",
        "4:cpu,memory:/\n1:name=systemd:/x\n0::/outer/inner\n");
    return mkdir(all, 0700);
}

static int tear_down(void **state)
{
    (void)state;
    char command[96];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static void without_limits_all_is_left(void **state)
{
    (void)state;
    assert_int_equal(shmrpci_group_memory_left(&files, 0), UINT64_MAX);
    make("/outer", UINT64_MAX, 5 * MIB, "shmem 0\n");
    make("/outer/inner", UINT64_MAX, 5 * MIB, "shmem 0\n");
    make_old(UINT64_C(9223372036854771712), 5 * MIB, "total_shmem 0\n");
    assert_int_equal(shmrpci_group_memory_left(&files, 0), UINT64_MAX);
}

static void least_of_the_groups_counts(void **state)
{
    (void)state;
    make("/outer", 80 * MIB, 60 * MIB, "shmem 0\n");
    make("/outer/inner", UINT64_MAX, 5 * MIB, "shmem 0\n");
    assert_int_equal(shmrpci_group_memory_left(&files, 0), 10 * MIB);
    make("/outer/inner", 16 * MIB, 12 * MIB, "shmem 0\n");
    assert_int_equal(shmrpci_group_memory_left(&files, 0), 2 * MIB);
    make("/outer/inner", 16 * MIB, 15 * MIB, "shmem 0\n");
    assert_int_equal(shmrpci_group_memory_left(&files, 0), 0);
}

static void cache_of_files_is_free(void **state)
{
    (void)state;
    make("/outer", 80 * MIB, 70 * MIB,
         "anon 1\nactive_file 9\ninactive_file 20971520\nshmem 0\n");
    assert_int_equal(shmrpci_group_memory_left(&files, 0), 20 * MIB);
}

static void what_was_promised_is_not_promised_again(void **state)
{
    (void)state;
    /* 30 MiB of the 50 MiB have been touched. */
    make("/outer", 80 * MIB, 40 * MIB, "inactive_file 0\nshmem 31457280\n");
    assert_int_equal(shmrpci_group_memory_left(&files, 50 * MIB), 10 * MIB);
    assert_int_equal(shmrpci_group_memory_left(&files, 20 * MIB), 30 * MIB);
    assert_int_equal(shmrpci_group_memory_left(&files, 500 * MIB), 0);
}

static void version_1_is_looked_at_too(void **state)
{
    (void)state;
    make_old(80 * MIB, 70 * MIB,
             "inactive_file 7\ntotal_inactive_file 10485760\n"
             "total_shmem 10485760\n");
    assert_int_equal(shmrpci_group_memory_left(&files, 10 * MIB), 10 * MIB);
    /* Old kernels don't report shared memory. */
    make_old(80 * MIB, 60 * MIB, "total_cache 3\n");
    assert_int_equal(shmrpci_group_memory_left(&files, 500 * MIB), 10 * MIB);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(without_limits_all_is_left),
        CASE(least_of_the_groups_counts),
        CASE(cache_of_files_is_free),
        CASE(what_was_promised_is_not_promised_again),
        CASE(version_1_is_looked_at_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

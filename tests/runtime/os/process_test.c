/* Identity and CPUs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <unistd.h>

#include "os/process.h"

static void identity_is_that_of_the_process(void **state)
{
    (void)state;
    assert_int_equal(shmrpci_process_uid(), geteuid());
    assert_int_equal(shmrpci_process_id(), getpid());
}

static void mask_of_one_cpu_is_seen(void **state)
{
    (void)state;
    cpu_set_t before;
    cpu_set_t one;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    assert_int_equal(shmrpci_allowed_cpus(), CPU_COUNT(&before));
    size_t cpu = shmrpci_current_cpu();
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(shmrpci_allowed_cpus(), 1);
    assert_int_equal(shmrpci_current_cpu(), cpu);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

static void quota_is_no_more_than_the_machine(void **state)
{
    (void)state;
    assert_in_range(shmrpci_cpu_quota_percent(), 1,
                    (uint32_t)sysconf(_SC_NPROCESSORS_ONLN) * 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identity_is_that_of_the_process),
        cmocka_unit_test(mask_of_one_cpu_is_seen),
        cmocka_unit_test(quota_is_no_more_than_the_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

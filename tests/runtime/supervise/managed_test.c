/* Options from a manager precede those of the command line. */
#include "supervise/managed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void expect(const char *given, const char *const *wanted, int count)
{
    char *argv[] = {(char[]){"server"}, (char[]){"-w"}, (char[]){"2"}, NULL};
    int argc = 0;
    assert_int_equal(given != NULL ? setenv("SHMRPC_OPTIONS", given, 1)
                                   : unsetenv("SHMRPC_OPTIONS"),
                     0);
    char **all = shmrpci_managed_arguments(3, argv, &argc);
    assert_non_null(all);
    assert_int_equal(argc, count);
    for (int i = 0; i < count; i++) {
        assert_string_equal(all[i], wanted[i]);
    }
    assert_null(all[count]);
    assert_null(getenv("SHMRPC_OPTIONS"));
    if (argc > 3) {
        free(all[1]); /* the copy of the given options */
    }
    free(all);
}

static void options_come_first(void **state)
{
    (void)state;
    const char *const none[] = {"server", "-w", "2"};
    const char *const one[] = {"server", "--threads=4", "-w", "2"};
    const char *const two[] = {"server", "--listen=shm://a b,tcp://",
                               "--threads=4", "-w", "2"};
    expect(NULL, none, 3);
    expect("", none, 3);
    expect("--threads=4", one, 4);
    expect("--threads=4\n", one, 4);
    expect("--listen=shm://a b,tcp://\n--threads=4\n", two, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(options_come_first)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

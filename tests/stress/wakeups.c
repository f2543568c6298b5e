/* Counts wake-ups of processes that should sleep. */
#include "wakeups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static unsigned long switches_of_thread(pid_t pid, const char *thread)
{
    char path[300];
    char line[256];
    unsigned long count;
    unsigned long sum = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/task/%s/status", (int)pid,
                   thread);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "voluntary_ctxt_switches: %lu", &count) == 1 ||
            sscanf(line, "nonvoluntary_ctxt_switches: %lu", &count) == 1) {
            sum += count;
        }
    }
    (void)fclose(file);
    return sum;
}

unsigned long wakeups_switches(pid_t pid)
{
    char path[64];
    unsigned long sum = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] != '.') {
            sum += switches_of_thread(pid, entry->d_name);
        }
    }
    (void)closedir(dir);
    return sum;
}

unsigned long wakeups_least(unsigned long (*count)(void), unsigned seconds)
{
    unsigned long least = ULONG_MAX;
    for (int i = 0; i < 10 && least > 0; i++) {
        unsigned long before = count();
        (void)sleep(seconds);
        unsigned long came = count() - before;
        least = came < least ? came : least;
    }
    return least;
}

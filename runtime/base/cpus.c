/* Sets of CPUs. */
#include "base/cpus.h"

#include <stdlib.h>
#include <string.h>

/* Reads the number of a CPU, and moves `*at` past it. Returns false if there is
 * no number, or if it is too large for a set. */
static bool read_cpu(const char **at, uint32_t *out)
{
    char *end;
    if (**at < '0' || **at > '9') {
        return false;
    }
    unsigned long number = strtoul(*at, &end, 10);
    *at = end;
    *out = (uint32_t)number;
    return number < 64ul * SHMRPCI_CPUS_WORDS;
}

bool shmrpci_cpus_read(const char *text, shmrpci_cpus *out)
{
    uint32_t first;
    *out = (shmrpci_cpus){{0}};
    for (;; text++) {
        text += strspn(text, " \t");
        if (!read_cpu(&text, &first)) {
            return false;
        }
        uint32_t last = first;
        if (*text == '-' && (text++, !read_cpu(&text, &last))) {
            return false;
        }
        for (uint32_t cpu = first; cpu <= last; cpu++) {
            out->words[cpu / 64] |= UINT64_C(1) << cpu % 64;
        }
        text += strspn(text, " \t");
        if (last < first || (*text != ',' && *text != '\0')) {
            return false;
        }
        if (*text == '\0') {
            return true;
        }
    }
}

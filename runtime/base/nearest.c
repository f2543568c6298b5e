/* The edit distance. */
#include "base/nearest.h"

#include <stdbool.h>
#include <string.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_but_case(const char *a, const char *b)
{
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return *a == *b;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The Damerau-Levenshtein distance, in the form without overlapping swaps, for
 * which three rows are enough. Both names are at most SHMRPCI_NEAREST_MAX_BYTES
 * long. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][SHMRPCI_NEAREST_MAX_BYTES + 1];
    for (size_t j = 0; j <= b_len; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t cost = a[i - 1] != b[j - 1];
            row[j] =
                least(least(above[j], row[j - 1]) + 1, above[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
                a[i - 2] == b[j - 1]) {
                row[j] = least(row[j], rows[(i - 2) % 3][j - 2] + 1);
            }
        }
    }
    return rows[a_len % 3][b_len];
}

void shmrpci_nearest_offer(shmrpci_nearest *search, const char *name)
{
    size_t wanted_len = strlen(search->wanted);
    size_t name_len = strlen(name);
    if (wanted_len > SHMRPCI_NEAREST_MAX_BYTES ||
        name_len > SHMRPCI_NEAREST_MAX_BYTES ||
        strcmp(search->wanted, name) == 0) {
        return;
    }
    size_t longest = wanted_len > name_len ? wanted_len : name_len;
    size_t allowed = longest < 3 ? 0 : longest < 6 ? 1 : 2;
    size_t found = distance(search->wanted, wanted_len, name, name_len);
    if (same_but_case(search->wanted, name)) {
        allowed = found = 1;
    }
    if (found <= allowed &&
        (search->best == NULL || found < search->distance)) {
        search->best = name;
        search->distance = found;
    }
}

const char *shmrpci_nearest_of(const char *wanted, const char *const *names,
                               size_t count)
{
    shmrpci_nearest search = {.wanted = wanted};
    for (size_t i = 0; i < count; i++) {
        shmrpci_nearest_offer(&search, names[i]);
    }
    return search.best;
}

void shmrpci_nearest_suggest(shmrpci_buf *message, const char *wanted,
                             const char *const *names, size_t count,
                             const char *before)
{
    const char *best = shmrpci_nearest_of(wanted, names, count);
    if (best != NULL) {
        shmrpci_buf_printf(message, "; did you mean `%s%s`?", before, best);
        return;
    }
    for (size_t i = 0; i < count && *before == '\0'; i++) {
        const char *lead = i == 0           ? " (expected "
                           : i + 1 == count ? " or "
                                            : ", ";
        shmrpci_buf_printf(message, "%s%s", lead, names[i]);
    }
    shmrpci_buf_append_text(message, *before == '\0' ? ")" : "");
}

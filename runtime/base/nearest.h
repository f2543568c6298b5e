/*
 * Finds the nearest name to a misspelt one, for "did you mean `x`?".
 *
 * Threading: pure functions; a search belongs to one thread.
 */
#ifndef SHMRPCI_BASE_NEAREST_H
#define SHMRPCI_BASE_NEAREST_H

#include <stddef.h>

#include "base/buf.h"

/* Names longer than this are never suggested. */
#define SHMRPCI_NEAREST_MAX_BYTES 64

/* A search for the name nearest to `wanted`. Start with `wanted` set and the
 * rest zero; `best` stays NULL until a name is near enough. */
typedef struct shmrpci_nearest {
    const char *wanted;
    const char *best;
    size_t distance;
} shmrpci_nearest;

/* Makes `name` the best if it is near enough, and nearer than all names offered
 * before. Near enough is at most two edits (insert, delete, replace, swap
 * neighbours); at most one for names shorter than six bytes, and none for names
 * shorter than three. A difference in case alone counts as one edit and is
 * always near enough. `wanted` itself is never suggested. */
void shmrpci_nearest_offer(shmrpci_nearest *search, const char *name);

/* Returns the nearest of a list of static names, or NULL. */
const char *shmrpci_nearest_of(const char *wanted, const char *const *names,
                               size_t count);

/* Appends "; did you mean `--x`?" with the nearest of `names`, with `before`
 * written in front of it ("--" here). If no name is near and `before` is empty,
 * appends the list: " (expected a, b or c)". */
void shmrpci_nearest_suggest(shmrpci_buf *message, const char *wanted,
                             const char *const *names, size_t count,
                             const char *before);

#endif

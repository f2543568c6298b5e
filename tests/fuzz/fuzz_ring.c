/*
 * Queues, topics and pipes whose bytes change between operations: each
 * operation must return a status, and touch nothing outside the region.
 *
 *   0  1  kind of ring, and its options
 *   1  .. groups of three numbers of four bytes; an odd first number means
 *         that a word is changed, an even one that an operation is run
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "scribble.h"

/* Max number of steps in a run. */
enum { MAX_STEPS = 500 };

typedef struct input {
    const uint8_t *data;
    size_t len;
} input;

static bool next(void *user, uint32_t *out)
{
    input *of = user;
    if (of->len < sizeof *out) {
        return false;
    }
    memcpy(out, of->data, sizeof *out);
    of->data += sizeof *out;
    of->len -= sizeof *out;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    input of = {data + 1, size - 1};
    scribble_source from = {next, &of};
    scribble_ring *ring = scribble_open(data[0]);
    uint32_t which;
    bool goes_on = ring != NULL;
    for (int i = 0; goes_on && i < MAX_STEPS && next(&of, &which); i++) {
        goes_on = which % 2 != 0 ? scribble_on(ring, &from)
                                 : scribble_use(ring, &from);
    }
    scribble_close(ring);
    return 0;
}

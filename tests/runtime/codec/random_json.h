/*
 * Random JSON texts for the differential tests; the same seed gives the same
 * texts.
 */
#ifndef TESTS_RUNTIME_CODEC_RANDOM_JSON_H
#define TESTS_RUNTIME_CODEC_RANDOM_JSON_H

#include <stdint.h>

#include "base/buf.h"

/* Appends any value, with white space, at most `depth` levels deep. */
void random_json(shmrpci_buf *out, uint64_t *seed, int depth);

/* Replaces one or two bytes by others that have a meaning in JSON. */
void damage_json(shmrpci_buf *text, uint64_t *seed);

#endif

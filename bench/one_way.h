/*
 * Records one way: what the suites of the family shared.queue have in common.
 *
 * One process pushes as fast as it can, the other takes; a "call" is
 * ONE_WAY_RECORDS records taken.
 *
 * Threading: as case.h.
 */
#ifndef BENCH_ONE_WAY_H
#define BENCH_ONE_WAY_H

#include "case.h"

enum { ONE_WAY_RECORDS = 1024, ONE_WAY_MAX_BYTES = 4096 };

/* The members that all cases share. */
#define ONE_WAY_CASE(label, bytes, who)                                        \
    .name = "shared.queue." label "." who,                                     \
    .about = "records from one process to another: " label,                    \
    .payload = (bytes), .places = BENCH_IN_APART | BENCH_IN_FREE,              \
    .floor = BENCH_FLOOR_NONE, .contest = "one way " label, .contestant = who, \
    .calls = ONE_WAY_RECORDS, .spins = 1

#endif

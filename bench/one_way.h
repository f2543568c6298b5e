/*
 * Records in one direction: definitions shared by the shared.queue suites and
 * by those stream suites that use a queue as a stream.
 *
 * One process pushes as fast as it can, the other takes. A "call" is
 * ONE_WAY_RECORDS records taken, or as many items as the case says.
 *
 * Threading: as in case.h.
 */
#ifndef BENCH_ONE_WAY_H
#define BENCH_ONE_WAY_H

#include "case.h"

enum { ONE_WAY_RECORDS = 1024, ONE_WAY_MAX_BYTES = 4096 };

/* The size of a stream's items, and how many of them make a "call". */
enum {
    STREAM_SMALL = 64,
    STREAM_LARGE = 64 << 10,
    STREAM_SMALL_ITEMS = 1024,
    STREAM_LARGE_ITEMS = 16
};

/* The members that all cases share. */
#define ONE_WAY_CASE(label, bytes, who)                                        \
    .name = "shared.queue." label "." who,                                     \
    .about = "records from one process to another: " label,                    \
    .payload = (bytes), .places = BENCH_IN_APART | BENCH_IN_FREE,              \
    .floor = BENCH_FLOOR_NONE, .contest = "one way " label, .contestant = who, \
    .calls = ONE_WAY_RECORDS, .spins = 1

/* `way` is "" or "tcp."; `spaced` is "" or "tcp " accordingly. */
#define STREAM_CASE(way, spaced, label, bytes, items, where, who)           \
    .name = "stream." way label "." who,                                    \
    .about = "items of " label " from one process to another",              \
    .payload = (bytes), .places = (where), .floor = BENCH_FLOOR_NONE,       \
    .contest = "stream " spaced label, .contestant = who, .calls = (items), \
    .spins = 1

#endif

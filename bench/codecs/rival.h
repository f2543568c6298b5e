/*
 * A rival: one way to turn the records of records.svc into bytes and back, ours
 * or that of another library.
 *
 * The timed part ends where a user's work would begin. encode starts with the
 * value in the rival's own form and leaves the bytes in reused memory; decode
 * ends with a struct whose fields can be read, and includes freeing what it
 * allocated. Before anything is timed, the decoded value is encoded again and
 * must give the same bytes.
 *
 * Threading: one thread.
 */
#ifndef BENCH_CODECS_RIVAL_H
#define BENCH_CODECS_RIVAL_H

#include <stddef.h>
#include <stdint.h>

#include "case.h"
#include "codecs/records.h"

typedef enum rival_record {
    RIVAL_SMALL, /* rec_small */
    RIVAL_ONE,   /* rec_record */
    RIVAL_MANY   /* rec_records */
} rival_record;

enum { RIVAL_RECORD_COUNT = RIVAL_MANY + 1 };

enum {
    RIVAL_MANY_COUNT = 100,
    RIVAL_ROOM_BYTES = 1 << 20 /* size of a job's `bytes` and of its `room` */
};

/* The state of one case. */
typedef struct rival_job {
    rival_record record;
    uint8_t *bytes; /* the encoded message, in RIVAL_ROOM_BYTES of room */
    size_t len;
    uint8_t *room; /* memory for rival_take() */
    size_t taken;
    void *own; /* private data of the rival */
} rival_job;

typedef struct rival {
    const char *name;

    /* Converts `value`, a rec_small, rec_record or rec_records, to the rival's
     * own form, which lives as long as the process. */
    const void *(*form)(rival_job *job, const void *value);

    /* Writes `form` to the job's bytes and sets its `len`. */
    void (*encode)(rival_job *job, const void *form);

    /* Reads the job's bytes; the result lives until `drop` frees it. */
    const void *(*decode)(rival_job *job);
    void (*drop)(rival_job *job, const void *form);
} rival;

/* One case: the `with` of its bench_case. */
typedef struct rival_entry {
    const rival *who;
    rival_record record;
} rival_entry;

void *rival_setup(const bench_case *self);
void rival_dial(void *state);
void rival_encode(void *state);
void rival_decode(void *state);
void rival_teardown(void *state);

/* Lengths of the records as json, from which the MB/s of all rivals are
 * computed. Our json case fails if it writes other lengths. */
enum {
    RIVAL_SMALL_BYTES = 82,
    RIVAL_ONE_BYTES = 1020,
    RIVAL_MANY_BYTES = 101993
};

#define RIVAL_CASE(verb, size, ours_, name_, who_, record_, payload_)       \
    {                                                                       \
        .name = "codec." #verb "." size "." name_,                          \
        .about = #verb "s the record '" size "'", .payload = (payload_),    \
        .places = BENCH_IN_ALONE, .floor = BENCH_FLOOR_NONE,                \
        .contest = #verb " " size, .contestant = name_, .is_ours = (ours_), \
        .with = &(const rival_entry){&(who_), (record_)},                   \
        .setup = rival_setup, .dial = rival_dial, .call = rival_##verb,     \
        .teardown = rival_teardown                                          \
    }

/* Defines the six cases of a rival. */
#define RIVAL_CASES(ours, name, rival)                              \
    RIVAL_CASE(encode, "small", ours, name, rival, RIVAL_SMALL,     \
               RIVAL_SMALL_BYTES),                                  \
        RIVAL_CASE(decode, "small", ours, name, rival, RIVAL_SMALL, \
                   RIVAL_SMALL_BYTES),                              \
        RIVAL_CASE(encode, "record", ours, name, rival, RIVAL_ONE,  \
                   RIVAL_ONE_BYTES),                                \
        RIVAL_CASE(decode, "record", ours, name, rival, RIVAL_ONE,  \
                   RIVAL_ONE_BYTES),                                \
        RIVAL_CASE(encode, "list", ours, name, rival, RIVAL_MANY,   \
                   RIVAL_MANY_BYTES),                               \
        RIVAL_CASE(decode, "list", ours, name, rival, RIVAL_MANY,   \
                   RIVAL_MANY_BYTES)

/* Returns one of the three values that all rivals encode. */
const void *rival_value(rival_record record);

/* Allocates memory that lasts until the job's `taken` is set back to 0. */
void *rival_take(rival_job *job, size_t size);

/* Copies the text into the job's room, followed by a NUL. */
shmrpc_str rival_take_text(rival_job *job, const void *text, size_t len);

/* The form and drop functions of rivals whose form is the generated struct
 * itself. */
const void *rival_form_is_value(rival_job *job, const void *value);
void rival_drop_taken(rival_job *job, const void *form);

#endif

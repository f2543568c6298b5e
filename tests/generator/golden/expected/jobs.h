/*
 * Types and tables of jobs.svc, made by shmrpcgen: edit that file instead.
 *
 * Objects that processes share.
 *
 * Strings, bytes, lists and maps are views that own nothing; `ptr` may be NULL
 * when `len` is 0.  What you pass to a call is borrowed until it returns; what
 * comes back is read-only and lives in one reply.
 *
 * Functions of shared objects return 0 or a negative shmrpc_status; results are
 * written only on 0, and `error`, which may be NULL, only otherwise.
 * Threading: values and constant data.
 */
#ifndef JOBS_V1_JOBS_69192820_H
#define JOBS_V1_JOBS_69192820_H

#include <shmrpc/descriptor.h>
#include <shmrpc/error.h>
#include <shmrpc/options.h>
#include <shmrpc/queue.h>
#include <shmrpc/shared.h>
#include <shmrpc/types.h>

#include "acme/common.h"

SHMRPC_BEGIN_DECLS

typedef uint8_t jobs_v1_level; /* open: unknown values are passed on */

enum {
    JOBS_V1_LEVEL_LOW = 0,
    JOBS_V1_LEVEL_HIGH = 7,
};

typedef struct jobs_v1_job jobs_v1_job;
typedef struct jobs_v1_flat jobs_v1_flat;
typedef struct jobs_v1_maps_item_entry jobs_v1_maps_item_entry;
typedef struct jobs_v1_quads_item jobs_v1_quads_item;

typedef struct jobs_v1_level_list {
    const jobs_v1_level *ptr;
    size_t len;
} jobs_v1_level_list;

typedef struct jobs_v1_job_list {
    const jobs_v1_job *ptr;
    size_t len;
} jobs_v1_job_list;

typedef struct jobs_v1_maps_item {
    const jobs_v1_maps_item_entry *ptr;
    size_t len;
} jobs_v1_maps_item;

/* What is to be done. */
struct jobs_v1_job {
    uint64_t id;
    /* string(..1000) */
    shmrpc_str text;
    jobs_v1_level_list levels;
    /* default HIGH */
    jobs_v1_level level;
};

/* Initialises a jobs_v1_job: its defaults, and zeros for the rest. */
#define JOBS_V1_JOB_DEFAULTS \
    { \
        0, /* id */ \
        {NULL, 0}, /* text */ \
        {NULL, 0}, /* levels */ \
        JOBS_V1_LEVEL_HIGH, /* level */ \
    }

struct jobs_v1_flat {
    uint64_t a;
    uint64_t b;
};

/* An array where only a single value can stand. */
struct jobs_v1_quads_item {
    uint8_t items[4];
};

struct jobs_v1_maps_item_entry {
    shmrpc_str key;
    uint64_t value;
};

/* Descriptors: what codecs and tools know of these types. */
extern const shmrpc_type jobs_v1_level_descriptor;
extern const shmrpc_type jobs_v1_job_descriptor;
extern const shmrpc_type jobs_v1_flat_descriptor;
extern const shmrpc_shared jobs_v1_flat_queue_descriptor;
extern const shmrpc_shared jobs_v1_work_queue_descriptor;
extern const shmrpc_shared jobs_v1_points_queue_descriptor;
extern const shmrpc_shared jobs_v1_things_queue_descriptor;
extern const shmrpc_shared jobs_v1_quads_queue_descriptor;
extern const shmrpc_shared jobs_v1_lines_queue_descriptor;
extern const shmrpc_shared jobs_v1_batches_queue_descriptor;
extern const shmrpc_shared jobs_v1_maps_queue_descriptor;
extern const shmrpc_shared jobs_v1_blobs_queue_descriptor;
extern const shmrpc_shared jobs_v1_levels_queue_descriptor;
extern const shmrpc_shared jobs_v1_documents_queue_descriptor;

/*
 * Called like what it holds.
 *
 * The queue "acme.jobs.v1.flat".
 * Each item goes to exactly one that pops.  What the functions return, and what
 * becomes of items when processes die, is told in <shmrpc/queue.h>.
 * Threading: any thread may use a handle.
 */
typedef struct jobs_v1_flat_queue jobs_v1_flat_queue;

/* Opens the queue, or makes it.  `name`: NULL is "acme.jobs.v1.flat"; `opts`
 * may be NULL.  CONTRACT: the one there is has another type or encoding.  Close
 * it in the end. */
int jobs_v1_flat_open(const char *name, const shmrpc_shared_opts *opts,
                      jobs_v1_flat_queue **out, shmrpc_error *error);

/* Ends the use of the handle.  Items that were popped stay until they are
 * released.  NULL is fine. */
void jobs_v1_flat_close(jobs_v1_flat_queue *queue);

/* Appends a copy of `item`.  DEADLINE, BUSY: the queue is full; TOO_LARGE;
 * CANCELLED: it was ended; DESTROYED. */
int jobs_v1_flat_push(jobs_v1_flat_queue *queue, const jobs_v1_flat *item,
                      const shmrpc_opts *opts, shmrpc_error *error);

/* The same for `count` items.  `*out_pushed`, which may be NULL, is written in
 * any case: how many are in, from the first on. */
int jobs_v1_flat_push_many(jobs_v1_flat_queue *queue, const jobs_v1_flat *items,
                           size_t count, const shmrpc_opts *opts,
                           size_t *out_pushed, shmrpc_error *error);

/* Takes an item, which is read-only, and yours until you release it.  DEADLINE,
 * BUSY: the queue is empty; CANCELLED: it was ended and is empty; DESTROYED. */
int jobs_v1_flat_pop(jobs_v1_flat_queue *queue, const shmrpc_opts *opts,
                     const jobs_v1_flat **out, shmrpc_error *error);

/* Waits for one as pop does, then takes what is there, up to `max` items. */
int jobs_v1_flat_pop_many(jobs_v1_flat_queue *queue, const shmrpc_opts *opts,
                          const jobs_v1_flat **out, size_t max,
                          size_t *out_count, shmrpc_error *error);

/* A copy of an item that stays in the queue; release it too.  Does not wait:
 * BUSY. */
int jobs_v1_flat_peek(jobs_v1_flat_queue *queue, const jobs_v1_flat **out,
                      shmrpc_error *error);

/* Ends the life of an item.  With `delivery acked`, one that was not
 * acknowledged comes again.  NULL is fine. */
void jobs_v1_flat_release(jobs_v1_flat_queue *queue, const jobs_v1_flat *item);

/* Says that an item is done, and releases it.  PRECONDITION: the queue was not
 * made with `delivery acked`. */
int jobs_v1_flat_ack(jobs_v1_flat_queue *queue, const jobs_v1_flat *item);

/* Whether an item came before, to one that has not acknowledged it. */
bool jobs_v1_flat_is_redelivered(const jobs_v1_flat *item);

/* Says that nothing more will come: pushing is CANCELLED from now on, popping
 * when all is taken. */
int jobs_v1_flat_end(jobs_v1_flat_queue *queue);

/* Ends the queue for everyone, and frees its name. */
int jobs_v1_flat_destroy(jobs_v1_flat_queue *queue);

/* Figures as of now. */
int jobs_v1_flat_stat(jobs_v1_flat_queue *queue, shmrpc_queue_stat *out);

/*
 * Work to do.
 * Nothing of it gets lost.
 *
 * The queue "acme.jobs.v1.work".
 * Each item goes to exactly one that pops.  What the functions return, and what
 * becomes of items when processes die, is told in <shmrpc/queue.h>.
 * Threading: any thread may use a handle.
 */
typedef struct jobs_v1_work_queue jobs_v1_work_queue;

/* Opens the queue, or makes it.  `name`: NULL is "acme.jobs.v1.work"; `opts`
 * may be NULL.  CONTRACT: the one there is has another type or encoding.  Close
 * it in the end. */
int jobs_v1_work_open(const char *name, const shmrpc_shared_opts *opts,
                      jobs_v1_work_queue **out, shmrpc_error *error);

/* Ends the use of the handle.  Items that were popped stay until they are
 * released.  NULL is fine. */
void jobs_v1_work_close(jobs_v1_work_queue *queue);

/* Appends a copy of `item`.  DEADLINE, BUSY: the queue is full; TOO_LARGE;
 * CANCELLED: it was ended; DESTROYED. */
int jobs_v1_work_push(jobs_v1_work_queue *queue, const jobs_v1_job *item,
                      const shmrpc_opts *opts, shmrpc_error *error);

/* The same for `count` items.  `*out_pushed`, which may be NULL, is written in
 * any case: how many are in, from the first on. */
int jobs_v1_work_push_many(jobs_v1_work_queue *queue, const jobs_v1_job *items,
                           size_t count, const shmrpc_opts *opts,
                           size_t *out_pushed, shmrpc_error *error);

/* Takes an item, which is read-only, and yours until you release it.  DEADLINE,
 * BUSY: the queue is empty; CANCELLED: it was ended and is empty; DESTROYED. */
int jobs_v1_work_pop(jobs_v1_work_queue *queue, const shmrpc_opts *opts,
                     const jobs_v1_job **out, shmrpc_error *error);

/* Waits for one as pop does, then takes what is there, up to `max` items. */
int jobs_v1_work_pop_many(jobs_v1_work_queue *queue, const shmrpc_opts *opts,
                          const jobs_v1_job **out, size_t max,
                          size_t *out_count, shmrpc_error *error);

/* A copy of an item that stays in the queue; release it too.  Does not wait:
 * BUSY. */
int jobs_v1_work_peek(jobs_v1_work_queue *queue, const jobs_v1_job **out,
                      shmrpc_error *error);

/* Ends the life of an item.  With `delivery acked`, one that was not
 * acknowledged comes again.  NULL is fine. */
void jobs_v1_work_release(jobs_v1_work_queue *queue, const jobs_v1_job *item);

/* Says that an item is done, and releases it.  PRECONDITION: the queue was not
 * made with `delivery acked`. */
int jobs_v1_work_ack(jobs_v1_work_queue *queue, const jobs_v1_job *item);

/* Whether an item came before, to one that has not acknowledged it. */
bool jobs_v1_work_is_redelivered(const jobs_v1_job *item);

/* Says that nothing more will come: pushing is CANCELLED from now on, popping
 * when all is taken. */
int jobs_v1_work_end(jobs_v1_work_queue *queue);

/* Ends the queue for everyone, and frees its name. */
int jobs_v1_work_destroy(jobs_v1_work_queue *queue);

/* Figures as of now. */
int jobs_v1_work_stat(jobs_v1_work_queue *queue, shmrpc_queue_stat *out);

/*
 * The queue "acme.jobs.v1.points".
 * Each item goes to exactly one that pops.  What the functions return, and what
 * becomes of items when processes die, is told in <shmrpc/queue.h>.
 * Threading: any thread may use a handle.
 */
typedef struct jobs_v1_points_queue jobs_v1_points_queue;

/* Opens the queue, or makes it.  `name`: NULL is "acme.jobs.v1.points"; `opts`
 * may be NULL.  CONTRACT: the one there is has another type or encoding.  Close
 * it in the end. */
int jobs_v1_points_open(const char *name, const shmrpc_shared_opts *opts,
                        jobs_v1_points_queue **out, shmrpc_error *error);

/* Ends the use of the handle.  Items that were popped stay until they are
 * released.  NULL is fine. */
void jobs_v1_points_close(jobs_v1_points_queue *queue);

/* Appends a copy of `item`.  DEADLINE, BUSY: the queue is full; TOO_LARGE;
 * CANCELLED: it was ended; DESTROYED. */
int jobs_v1_points_push(jobs_v1_points_queue *queue, const jobs_v1_flat *item,
                        const shmrpc_opts *opts, shmrpc_error *error);

/* The same for `count` items.  `*out_pushed`, which may be NULL, is written in
 * any case: how many are in, from the first on. */
int jobs_v1_points_push_many(jobs_v1_points_queue *queue,
                             const jobs_v1_flat *items, size_t count,
                             const shmrpc_opts *opts, size_t *out_pushed,
                             shmrpc_error *error);

/* Takes an item, which is read-only, and yours until you release it.  DEADLINE,
 * BUSY: the queue is empty; CANCELLED: it was ended and is empty; DESTROYED. */
int jobs_v1_points_pop(jobs_v1_points_queue *queue, const shmrpc_opts *opts,
                       const jobs_v1_flat **out, shmrpc_error *error);

/* Waits for one as pop does, then takes what is there, up to `max` items. */
int jobs_v1_points_pop_many(jobs_v1_points_queue *queue,
                            const shmrpc_opts *opts, const jobs_v1_flat **out,
                            size_t max, size_t *out_count, shmrpc_error *error);

/* A copy of an item that stays in the queue; release it too.  Does not wait:
 * BUSY. */
int jobs_v1_points_peek(jobs_v1_points_queue *queue, const jobs_v1_flat **out,
                        shmrpc_error *error);

/* Ends the life of an item.  With `delivery acked`, one that was not
 * acknowledged comes again.  NULL is fine. */
void jobs_v1_points_release(jobs_v1_points_queue *queue,
                            const jobs_v1_flat *item);

/* Says that an item is done, and releases it.  PRECONDITION: the queue was not
 * made with `delivery acked`. */
int jobs_v1_points_ack(jobs_v1_points_queue *queue, const jobs_v1_flat *item);

/* Whether an item came before, to one that has not acknowledged it. */
bool jobs_v1_points_is_redelivered(const jobs_v1_flat *item);

/* Says that nothing more will come: pushing is CANCELLED from now on, popping
 * when all is taken. */
int jobs_v1_points_end(jobs_v1_points_queue *queue);

/* Ends the queue for everyone, and frees its name. */
int jobs_v1_points_destroy(jobs_v1_points_queue *queue);

/* Figures as of now. */
int jobs_v1_points_stat(jobs_v1_points_queue *queue, shmrpc_queue_stat *out);

/*
 * The queue "acme.jobs.v1.things".
 * Each item goes to exactly one that pops.  What the functions return, and what
 * becomes of items when processes die, is told in <shmrpc/queue.h>.
 * Threading: any thread may use a handle.
 */
typedef struct jobs_v1_things_queue jobs_v1_things_queue;

/* Opens the queue, or makes it.  `name`: NULL is "acme.jobs.v1.things"; `opts`
 * may be NULL.  CONTRACT: the one there is has another type or encoding.  Close
 * it in the end. */
int jobs_v1_things_open(const char *name, const shmrpc_shared_opts *opts,
                        jobs_v1_things_queue **out, shmrpc_error *error);

/* Ends the use of the handle.  Items that were popped stay until they are
 * released.  NULL is fine. */
void jobs_v1_things_close(jobs_v1_things_queue *queue);

/* Appends a copy of `item`.  DEADLINE, BUSY: the queue is full; TOO_LARGE;
 * CANCELLED: it was ended; DESTROYED. */
int jobs_v1_things_push(jobs_v1_things_queue *queue, const shmrpc_any *item,
                        const shmrpc_opts *opts, shmrpc_error *error);

/* The same for `count` items.  `*out_pushed`, which may be NULL, is written in
 * any case: how many are in, from the first on. */
int jobs_v1_things_push_many(jobs_v1_things_queue *queue,
                             const shmrpc_any *items, size_t count,
                             const shmrpc_opts *opts, size_t *out_pushed,
                             shmrpc_error *error);

/* Takes an item, which is read-only, and yours until you release it.  DEADLINE,
 * BUSY: the queue is empty; CANCELLED: it was ended and is empty; DESTROYED. */
int jobs_v1_things_pop(jobs_v1_things_queue *queue, const shmrpc_opts *opts,
                       const shmrpc_any **out, shmrpc_error *error);

/* Waits for one as pop does, then takes what is there, up to `max` items. */
int jobs_v1_things_pop_many(jobs_v1_things_queue *queue,
                            const shmrpc_opts *opts, const shmrpc_any **out,
                            size_t max, size_t *out_count, shmrpc_error *error);

/* A copy of an item that stays in the queue; release it too.  Does not wait:
 * BUSY. */
int jobs_v1_things_peek(jobs_v1_things_queue *queue, const shmrpc_any **out,
                        shmrpc_error *error);

/* Ends the life of an item.  With `delivery acked`, one that was not
 * acknowledged comes again.  NULL is fine. */
void jobs_v1_things_release(jobs_v1_things_queue *queue,
                            const shmrpc_any *item);

/* Says that an item is done, and releases it.  PRECONDITION: the queue was not
 * made with `delivery acked`. */
int jobs_v1_things_ack(jobs_v1_things_queue *queue, const shmrpc_any *item);

/* Whether an item came before, to one that has not acknowledged it. */
bool jobs_v1_things_is_redelivered(const shmrpc_any *item);

/* Says that nothing more will come: pushing is CANCELLED from now on, popping
 * when all is taken. */
int jobs_v1_things_end(jobs_v1_things_queue *queue);

/* Ends the queue for everyone, and frees its name. */
int jobs_v1_things_destroy(jobs_v1_things_queue *queue);

/* Figures as of now. */
int jobs_v1_things_stat(jobs_v1_things_queue *queue, shmrpc_queue_stat *out);

/*
 * The queue "acme.jobs.v1.quads".
 * Each item goes to exactly one that pops.  What the functions return, and what
 * becomes of items when processes die, is told in <shmrpc/queue.h>.
 * Threading: any thread may use a handle.
 */
typedef struct jobs_v1_quads_queue jobs_v1_quads_queue;

/* Opens the queue, or makes it.  `name`: NULL is "acme.jobs.v1.quads"; `opts`
 * may be NULL.  CONTRACT: the one there is has another type or encoding.  Close
 * it in the end. */
int jobs_v1_quads_open(const char *name, const shmrpc_shared_opts *opts,
                       jobs_v1_quads_queue **out, shmrpc_error *error);

/* Ends the use of the handle.  Items that were popped stay until they are
 * released.  NULL is fine. */
void jobs_v1_quads_close(jobs_v1_quads_queue *queue);

/* Appends a copy of `item`.  DEADLINE, BUSY: the queue is full; TOO_LARGE;
 * CANCELLED: it was ended; DESTROYED. */
int jobs_v1_quads_push(jobs_v1_quads_queue *queue,
                       const jobs_v1_quads_item *item, const shmrpc_opts *opts,
                       shmrpc_error *error);

/* The same for `count` items.  `*out_pushed`, which may be NULL, is written in
 * any case: how many are in, from the first on. */
int jobs_v1_quads_push_many(jobs_v1_quads_queue *queue,
                            const jobs_v1_quads_item *items, size_t count,
                            const shmrpc_opts *opts, size_t *out_pushed,
                            shmrpc_error *error);

/* Takes an item, which is read-only, and yours until you release it.  DEADLINE,
 * BUSY: the queue is empty; CANCELLED: it was ended and is empty; DESTROYED. */
int jobs_v1_quads_pop(jobs_v1_quads_queue *queue, const shmrpc_opts *opts,
                      const jobs_v1_quads_item **out, shmrpc_error *error);

/* Waits for one as pop does, then takes what is there, up to `max` items. */
int jobs_v1_quads_pop_many(jobs_v1_quads_queue *queue, const shmrpc_opts *opts,
                           const jobs_v1_quads_item **out, size_t max,
                           size_t *out_count, shmrpc_error *error);

/* A copy of an item that stays in the queue; release it too.  Does not wait:
 * BUSY. */
int jobs_v1_quads_peek(jobs_v1_quads_queue *queue,
                       const jobs_v1_quads_item **out, shmrpc_error *error);

/* Ends the life of an item.  With `delivery acked`, one that was not
 * acknowledged comes again.  NULL is fine. */
void jobs_v1_quads_release(jobs_v1_quads_queue *queue,
                           const jobs_v1_quads_item *item);

/* Says that an item is done, and releases it.  PRECONDITION: the queue was not
 * made with `delivery acked`. */
int jobs_v1_quads_ack(jobs_v1_quads_queue *queue,
                      const jobs_v1_quads_item *item);

/* Whether an item came before, to one that has not acknowledged it. */
bool jobs_v1_quads_is_redelivered(const jobs_v1_quads_item *item);

/* Says that nothing more will come: pushing is CANCELLED from now on, popping
 * when all is taken. */
int jobs_v1_quads_end(jobs_v1_quads_queue *queue);

/* Ends the queue for everyone, and frees its name. */
int jobs_v1_quads_destroy(jobs_v1_quads_queue *queue);

/* Figures as of now. */
int jobs_v1_quads_stat(jobs_v1_quads_queue *queue, shmrpc_queue_stat *out);

/*
 * The queue "acme.jobs.v1.lines".
 * Each item goes to exactly one that pops.  What the functions return, and what
 * becomes of items when processes die, is told in <shmrpc/queue.h>.
 * Threading: any thread may use a handle.
 */
typedef struct jobs_v1_lines_queue jobs_v1_lines_queue;

/* Opens the queue, or makes it.  `name`: NULL is "acme.jobs.v1.lines"; `opts`
 * may be NULL.  CONTRACT: the one there is has another type or encoding.  Close
 * it in the end. */
int jobs_v1_lines_open(const char *name, const shmrpc_shared_opts *opts,
                       jobs_v1_lines_queue **out, shmrpc_error *error);

/* Ends the use of the handle.  Items that were popped stay until they are
 * released.  NULL is fine. */
void jobs_v1_lines_close(jobs_v1_lines_queue *queue);

/* Appends a copy of `item`.  DEADLINE, BUSY: the queue is full; TOO_LARGE;
 * CANCELLED: it was ended; DESTROYED. */
int jobs_v1_lines_push(jobs_v1_lines_queue *queue, const shmrpc_str *item,
                       const shmrpc_opts *opts, shmrpc_error *error);

/* The same for `count` items.  `*out_pushed`, which may be NULL, is written in
 * any case: how many are in, from the first on. */
int jobs_v1_lines_push_many(jobs_v1_lines_queue *queue, const shmrpc_str *items,
                            size_t count, const shmrpc_opts *opts,
                            size_t *out_pushed, shmrpc_error *error);

/* Takes an item, which is read-only, and yours until you release it.  DEADLINE,
 * BUSY: the queue is empty; CANCELLED: it was ended and is empty; DESTROYED. */
int jobs_v1_lines_pop(jobs_v1_lines_queue *queue, const shmrpc_opts *opts,
                      const shmrpc_str **out, shmrpc_error *error);

/* Waits for one as pop does, then takes what is there, up to `max` items. */
int jobs_v1_lines_pop_many(jobs_v1_lines_queue *queue, const shmrpc_opts *opts,
                           const shmrpc_str **out, size_t max,
                           size_t *out_count, shmrpc_error *error);

/* A copy of an item that stays in the queue; release it too.  Does not wait:
 * BUSY. */
int jobs_v1_lines_peek(jobs_v1_lines_queue *queue, const shmrpc_str **out,
                       shmrpc_error *error);

/* Ends the life of an item.  With `delivery acked`, one that was not
 * acknowledged comes again.  NULL is fine. */
void jobs_v1_lines_release(jobs_v1_lines_queue *queue, const shmrpc_str *item);

/* Says that an item is done, and releases it.  PRECONDITION: the queue was not
 * made with `delivery acked`. */
int jobs_v1_lines_ack(jobs_v1_lines_queue *queue, const shmrpc_str *item);

/* Whether an item came before, to one that has not acknowledged it. */
bool jobs_v1_lines_is_redelivered(const shmrpc_str *item);

/* Says that nothing more will come: pushing is CANCELLED from now on, popping
 * when all is taken. */
int jobs_v1_lines_end(jobs_v1_lines_queue *queue);

/* Ends the queue for everyone, and frees its name. */
int jobs_v1_lines_destroy(jobs_v1_lines_queue *queue);

/* Figures as of now. */
int jobs_v1_lines_stat(jobs_v1_lines_queue *queue, shmrpc_queue_stat *out);

/*
 * The queue "acme.jobs.v1.batches".
 * Each item goes to exactly one that pops.  What the functions return, and what
 * becomes of items when processes die, is told in <shmrpc/queue.h>.
 * Threading: any thread may use a handle.
 */
typedef struct jobs_v1_batches_queue jobs_v1_batches_queue;

/* Opens the queue, or makes it.  `name`: NULL is "acme.jobs.v1.batches"; `opts`
 * may be NULL.  CONTRACT: the one there is has another type or encoding.  Close
 * it in the end. */
int jobs_v1_batches_open(const char *name, const shmrpc_shared_opts *opts,
                         jobs_v1_batches_queue **out, shmrpc_error *error);

/* Ends the use of the handle.  Items that were popped stay until they are
 * released.  NULL is fine. */
void jobs_v1_batches_close(jobs_v1_batches_queue *queue);

/* Appends a copy of `item`.  DEADLINE, BUSY: the queue is full; TOO_LARGE;
 * CANCELLED: it was ended; DESTROYED. */
int jobs_v1_batches_push(jobs_v1_batches_queue *queue,
                         const jobs_v1_job_list *item, const shmrpc_opts *opts,
                         shmrpc_error *error);

/* The same for `count` items.  `*out_pushed`, which may be NULL, is written in
 * any case: how many are in, from the first on. */
int jobs_v1_batches_push_many(jobs_v1_batches_queue *queue,
                              const jobs_v1_job_list *items, size_t count,
                              const shmrpc_opts *opts, size_t *out_pushed,
                              shmrpc_error *error);

/* Takes an item, which is read-only, and yours until you release it.  DEADLINE,
 * BUSY: the queue is empty; CANCELLED: it was ended and is empty; DESTROYED. */
int jobs_v1_batches_pop(jobs_v1_batches_queue *queue, const shmrpc_opts *opts,
                        const jobs_v1_job_list **out, shmrpc_error *error);

/* Waits for one as pop does, then takes what is there, up to `max` items. */
int jobs_v1_batches_pop_many(jobs_v1_batches_queue *queue,
                             const shmrpc_opts *opts,
                             const jobs_v1_job_list **out, size_t max,
                             size_t *out_count, shmrpc_error *error);

/* A copy of an item that stays in the queue; release it too.  Does not wait:
 * BUSY. */
int jobs_v1_batches_peek(jobs_v1_batches_queue *queue,
                         const jobs_v1_job_list **out, shmrpc_error *error);

/* Ends the life of an item.  With `delivery acked`, one that was not
 * acknowledged comes again.  NULL is fine. */
void jobs_v1_batches_release(jobs_v1_batches_queue *queue,
                             const jobs_v1_job_list *item);

/* Says that an item is done, and releases it.  PRECONDITION: the queue was not
 * made with `delivery acked`. */
int jobs_v1_batches_ack(jobs_v1_batches_queue *queue,
                        const jobs_v1_job_list *item);

/* Whether an item came before, to one that has not acknowledged it. */
bool jobs_v1_batches_is_redelivered(const jobs_v1_job_list *item);

/* Says that nothing more will come: pushing is CANCELLED from now on, popping
 * when all is taken. */
int jobs_v1_batches_end(jobs_v1_batches_queue *queue);

/* Ends the queue for everyone, and frees its name. */
int jobs_v1_batches_destroy(jobs_v1_batches_queue *queue);

/* Figures as of now. */
int jobs_v1_batches_stat(jobs_v1_batches_queue *queue, shmrpc_queue_stat *out);

/*
 * The queue "acme.jobs.v1.maps".
 * Each item goes to exactly one that pops.  What the functions return, and what
 * becomes of items when processes die, is told in <shmrpc/queue.h>.
 * Threading: any thread may use a handle.
 */
typedef struct jobs_v1_maps_queue jobs_v1_maps_queue;

/* Opens the queue, or makes it.  `name`: NULL is "acme.jobs.v1.maps"; `opts`
 * may be NULL.  CONTRACT: the one there is has another type or encoding.  Close
 * it in the end. */
int jobs_v1_maps_open(const char *name, const shmrpc_shared_opts *opts,
                      jobs_v1_maps_queue **out, shmrpc_error *error);

/* Ends the use of the handle.  Items that were popped stay until they are
 * released.  NULL is fine. */
void jobs_v1_maps_close(jobs_v1_maps_queue *queue);

/* Appends a copy of `item`.  DEADLINE, BUSY: the queue is full; TOO_LARGE;
 * CANCELLED: it was ended; DESTROYED. */
int jobs_v1_maps_push(jobs_v1_maps_queue *queue, const jobs_v1_maps_item *item,
                      const shmrpc_opts *opts, shmrpc_error *error);

/* The same for `count` items.  `*out_pushed`, which may be NULL, is written in
 * any case: how many are in, from the first on. */
int jobs_v1_maps_push_many(jobs_v1_maps_queue *queue,
                           const jobs_v1_maps_item *items, size_t count,
                           const shmrpc_opts *opts, size_t *out_pushed,
                           shmrpc_error *error);

/* Takes an item, which is read-only, and yours until you release it.  DEADLINE,
 * BUSY: the queue is empty; CANCELLED: it was ended and is empty; DESTROYED. */
int jobs_v1_maps_pop(jobs_v1_maps_queue *queue, const shmrpc_opts *opts,
                     const jobs_v1_maps_item **out, shmrpc_error *error);

/* Waits for one as pop does, then takes what is there, up to `max` items. */
int jobs_v1_maps_pop_many(jobs_v1_maps_queue *queue, const shmrpc_opts *opts,
                          const jobs_v1_maps_item **out, size_t max,
                          size_t *out_count, shmrpc_error *error);

/* A copy of an item that stays in the queue; release it too.  Does not wait:
 * BUSY. */
int jobs_v1_maps_peek(jobs_v1_maps_queue *queue, const jobs_v1_maps_item **out,
                      shmrpc_error *error);

/* Ends the life of an item.  With `delivery acked`, one that was not
 * acknowledged comes again.  NULL is fine. */
void jobs_v1_maps_release(jobs_v1_maps_queue *queue,
                          const jobs_v1_maps_item *item);

/* Says that an item is done, and releases it.  PRECONDITION: the queue was not
 * made with `delivery acked`. */
int jobs_v1_maps_ack(jobs_v1_maps_queue *queue, const jobs_v1_maps_item *item);

/* Whether an item came before, to one that has not acknowledged it. */
bool jobs_v1_maps_is_redelivered(const jobs_v1_maps_item *item);

/* Says that nothing more will come: pushing is CANCELLED from now on, popping
 * when all is taken. */
int jobs_v1_maps_end(jobs_v1_maps_queue *queue);

/* Ends the queue for everyone, and frees its name. */
int jobs_v1_maps_destroy(jobs_v1_maps_queue *queue);

/* Figures as of now. */
int jobs_v1_maps_stat(jobs_v1_maps_queue *queue, shmrpc_queue_stat *out);

/*
 * The queue "acme.jobs.v1.blobs".
 * Each item goes to exactly one that pops.  What the functions return, and what
 * becomes of items when processes die, is told in <shmrpc/queue.h>.
 * Threading: any thread may use a handle.
 */
typedef struct jobs_v1_blobs_queue jobs_v1_blobs_queue;

/* Opens the queue, or makes it.  `name`: NULL is "acme.jobs.v1.blobs"; `opts`
 * may be NULL.  CONTRACT: the one there is has another type or encoding.  Close
 * it in the end. */
int jobs_v1_blobs_open(const char *name, const shmrpc_shared_opts *opts,
                       jobs_v1_blobs_queue **out, shmrpc_error *error);

/* Ends the use of the handle.  Items that were popped stay until they are
 * released.  NULL is fine. */
void jobs_v1_blobs_close(jobs_v1_blobs_queue *queue);

/* Appends a copy of `item`.  DEADLINE, BUSY: the queue is full; TOO_LARGE;
 * CANCELLED: it was ended; DESTROYED. */
int jobs_v1_blobs_push(jobs_v1_blobs_queue *queue, const shmrpc_bytes *item,
                       const shmrpc_opts *opts, shmrpc_error *error);

/* The same for `count` items.  `*out_pushed`, which may be NULL, is written in
 * any case: how many are in, from the first on. */
int jobs_v1_blobs_push_many(jobs_v1_blobs_queue *queue,
                            const shmrpc_bytes *items, size_t count,
                            const shmrpc_opts *opts, size_t *out_pushed,
                            shmrpc_error *error);

/* Takes an item, which is read-only, and yours until you release it.  DEADLINE,
 * BUSY: the queue is empty; CANCELLED: it was ended and is empty; DESTROYED. */
int jobs_v1_blobs_pop(jobs_v1_blobs_queue *queue, const shmrpc_opts *opts,
                      const shmrpc_bytes **out, shmrpc_error *error);

/* Waits for one as pop does, then takes what is there, up to `max` items. */
int jobs_v1_blobs_pop_many(jobs_v1_blobs_queue *queue, const shmrpc_opts *opts,
                           const shmrpc_bytes **out, size_t max,
                           size_t *out_count, shmrpc_error *error);

/* A copy of an item that stays in the queue; release it too.  Does not wait:
 * BUSY. */
int jobs_v1_blobs_peek(jobs_v1_blobs_queue *queue, const shmrpc_bytes **out,
                       shmrpc_error *error);

/* Ends the life of an item.  With `delivery acked`, one that was not
 * acknowledged comes again.  NULL is fine. */
void jobs_v1_blobs_release(jobs_v1_blobs_queue *queue,
                           const shmrpc_bytes *item);

/* Says that an item is done, and releases it.  PRECONDITION: the queue was not
 * made with `delivery acked`. */
int jobs_v1_blobs_ack(jobs_v1_blobs_queue *queue, const shmrpc_bytes *item);

/* Whether an item came before, to one that has not acknowledged it. */
bool jobs_v1_blobs_is_redelivered(const shmrpc_bytes *item);

/* Says that nothing more will come: pushing is CANCELLED from now on, popping
 * when all is taken. */
int jobs_v1_blobs_end(jobs_v1_blobs_queue *queue);

/* Ends the queue for everyone, and frees its name. */
int jobs_v1_blobs_destroy(jobs_v1_blobs_queue *queue);

/* Figures as of now. */
int jobs_v1_blobs_stat(jobs_v1_blobs_queue *queue, shmrpc_queue_stat *out);

/*
 * The queue "acme.jobs.v1.levels".
 * Each item goes to exactly one that pops.  What the functions return, and what
 * becomes of items when processes die, is told in <shmrpc/queue.h>.
 * Threading: any thread may use a handle.
 */
typedef struct jobs_v1_levels_queue jobs_v1_levels_queue;

/* Opens the queue, or makes it.  `name`: NULL is "acme.jobs.v1.levels"; `opts`
 * may be NULL.  CONTRACT: the one there is has another type or encoding.  Close
 * it in the end. */
int jobs_v1_levels_open(const char *name, const shmrpc_shared_opts *opts,
                        jobs_v1_levels_queue **out, shmrpc_error *error);

/* Ends the use of the handle.  Items that were popped stay until they are
 * released.  NULL is fine. */
void jobs_v1_levels_close(jobs_v1_levels_queue *queue);

/* Appends a copy of `item`.  DEADLINE, BUSY: the queue is full; TOO_LARGE;
 * CANCELLED: it was ended; DESTROYED. */
int jobs_v1_levels_push(jobs_v1_levels_queue *queue, const jobs_v1_level *item,
                        const shmrpc_opts *opts, shmrpc_error *error);

/* The same for `count` items.  `*out_pushed`, which may be NULL, is written in
 * any case: how many are in, from the first on. */
int jobs_v1_levels_push_many(jobs_v1_levels_queue *queue,
                             const jobs_v1_level *items, size_t count,
                             const shmrpc_opts *opts, size_t *out_pushed,
                             shmrpc_error *error);

/* Takes an item, which is read-only, and yours until you release it.  DEADLINE,
 * BUSY: the queue is empty; CANCELLED: it was ended and is empty; DESTROYED. */
int jobs_v1_levels_pop(jobs_v1_levels_queue *queue, const shmrpc_opts *opts,
                       const jobs_v1_level **out, shmrpc_error *error);

/* Waits for one as pop does, then takes what is there, up to `max` items. */
int jobs_v1_levels_pop_many(jobs_v1_levels_queue *queue,
                            const shmrpc_opts *opts, const jobs_v1_level **out,
                            size_t max, size_t *out_count, shmrpc_error *error);

/* A copy of an item that stays in the queue; release it too.  Does not wait:
 * BUSY. */
int jobs_v1_levels_peek(jobs_v1_levels_queue *queue, const jobs_v1_level **out,
                        shmrpc_error *error);

/* Ends the life of an item.  With `delivery acked`, one that was not
 * acknowledged comes again.  NULL is fine. */
void jobs_v1_levels_release(jobs_v1_levels_queue *queue,
                            const jobs_v1_level *item);

/* Says that an item is done, and releases it.  PRECONDITION: the queue was not
 * made with `delivery acked`. */
int jobs_v1_levels_ack(jobs_v1_levels_queue *queue, const jobs_v1_level *item);

/* Whether an item came before, to one that has not acknowledged it. */
bool jobs_v1_levels_is_redelivered(const jobs_v1_level *item);

/* Says that nothing more will come: pushing is CANCELLED from now on, popping
 * when all is taken. */
int jobs_v1_levels_end(jobs_v1_levels_queue *queue);

/* Ends the queue for everyone, and frees its name. */
int jobs_v1_levels_destroy(jobs_v1_levels_queue *queue);

/* Figures as of now. */
int jobs_v1_levels_stat(jobs_v1_levels_queue *queue, shmrpc_queue_stat *out);

/*
 * The queue "acme.jobs.v1.documents".
 * Each item goes to exactly one that pops.  What the functions return, and what
 * becomes of items when processes die, is told in <shmrpc/queue.h>.
 * Threading: any thread may use a handle.
 */
typedef struct jobs_v1_documents_queue jobs_v1_documents_queue;

/* Opens the queue, or makes it.  `name`: NULL is "acme.jobs.v1.documents";
 * `opts` may be NULL.  CONTRACT: the one there is has another type or encoding.
 *  Close it in the end. */
int jobs_v1_documents_open(const char *name, const shmrpc_shared_opts *opts,
                           jobs_v1_documents_queue **out, shmrpc_error *error);

/* Ends the use of the handle.  Items that were popped stay until they are
 * released.  NULL is fine. */
void jobs_v1_documents_close(jobs_v1_documents_queue *queue);

/* Appends a copy of `item`.  DEADLINE, BUSY: the queue is full; TOO_LARGE;
 * CANCELLED: it was ended; DESTROYED. */
int jobs_v1_documents_push(jobs_v1_documents_queue *queue,
                           const common_document *item, const shmrpc_opts *opts,
                           shmrpc_error *error);

/* The same for `count` items.  `*out_pushed`, which may be NULL, is written in
 * any case: how many are in, from the first on. */
int jobs_v1_documents_push_many(jobs_v1_documents_queue *queue,
                                const common_document *items, size_t count,
                                const shmrpc_opts *opts, size_t *out_pushed,
                                shmrpc_error *error);

/* Takes an item, which is read-only, and yours until you release it.  DEADLINE,
 * BUSY: the queue is empty; CANCELLED: it was ended and is empty; DESTROYED. */
int jobs_v1_documents_pop(jobs_v1_documents_queue *queue,
                          const shmrpc_opts *opts, const common_document **out,
                          shmrpc_error *error);

/* Waits for one as pop does, then takes what is there, up to `max` items. */
int jobs_v1_documents_pop_many(jobs_v1_documents_queue *queue,
                               const shmrpc_opts *opts,
                               const common_document **out, size_t max,
                               size_t *out_count, shmrpc_error *error);

/* A copy of an item that stays in the queue; release it too.  Does not wait:
 * BUSY. */
int jobs_v1_documents_peek(jobs_v1_documents_queue *queue,
                           const common_document **out, shmrpc_error *error);

/* Ends the life of an item.  With `delivery acked`, one that was not
 * acknowledged comes again.  NULL is fine. */
void jobs_v1_documents_release(jobs_v1_documents_queue *queue,
                               const common_document *item);

/* Says that an item is done, and releases it.  PRECONDITION: the queue was not
 * made with `delivery acked`. */
int jobs_v1_documents_ack(jobs_v1_documents_queue *queue,
                          const common_document *item);

/* Whether an item came before, to one that has not acknowledged it. */
bool jobs_v1_documents_is_redelivered(const common_document *item);

/* Says that nothing more will come: pushing is CANCELLED from now on, popping
 * when all is taken. */
int jobs_v1_documents_end(jobs_v1_documents_queue *queue);

/* Ends the queue for everyone, and frees its name. */
int jobs_v1_documents_destroy(jobs_v1_documents_queue *queue);

/* Figures as of now. */
int jobs_v1_documents_stat(jobs_v1_documents_queue *queue,
                           shmrpc_queue_stat *out);

SHMRPC_END_DECLS

#endif

/*
 * Types and tables of jobs.svc, made by shmrpcgen: edit that file instead.
 *
 * Objects that processes share.
 *
 * Strings, bytes, lists and maps are views that own no memory; `ptr` may be
 * NULL if `len` is 0.  Arguments of a call are borrowed until it returns;
 * results are read-only and live in one reply.
 *
 * Functions of shared objects return 0 or a negative shmrpc_status. Results are
 * written only if they return 0; `error`, which may be NULL, only if they
 * don't.
 * Threading: values and constant data.
 */
#ifndef JOBS_V1_JOBS_69192820_H
#define JOBS_V1_JOBS_69192820_H

#include <shmrpc/descriptor.h>
#include <shmrpc/dict.h>
#include <shmrpc/error.h>
#include <shmrpc/options.h>
#include <shmrpc/pipe.h>
#include <shmrpc/queue.h>
#include <shmrpc/shared.h>
#include <shmrpc/topic.h>
#include <shmrpc/types.h>
#include <shmrpc/value.h>

#include "acme/common.h"

SHMRPC_BEGIN_DECLS

typedef uint8_t jobs_v1_level; /* open: may hold unknown values */

enum {
    JOBS_V1_LEVEL_LOW = 0,
    JOBS_V1_LEVEL_HIGH = 7,
};

typedef struct jobs_v1_job jobs_v1_job;
typedef struct jobs_v1_flat jobs_v1_flat;
typedef struct jobs_v1_key jobs_v1_key;
typedef struct jobs_v1_fixed jobs_v1_fixed;
typedef struct jobs_v1_maps_item_entry jobs_v1_maps_item_entry;
typedef struct jobs_v1_counts_item_entry jobs_v1_counts_item_entry;
typedef struct jobs_v1_quads_item jobs_v1_quads_item;
typedef struct jobs_v1_arrays_item jobs_v1_arrays_item;

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

typedef struct jobs_v1_counts_item {
    const jobs_v1_counts_item_entry *ptr;
    size_t len;
} jobs_v1_counts_item;

/* What is to be done. */
struct jobs_v1_job {
    uint64_t id;
    /* string(..1000) */
    shmrpc_str text;
    jobs_v1_level_list levels;
    /* default HIGH */
    jobs_v1_level level;
};

/* Initialises a jobs_v1_job: fields get their defaults, or zeros. */
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

struct jobs_v1_key {
    uint64_t id;
    uint32_t place[2];
};

struct jobs_v1_fixed {
    uint64_t id;
    bool set;
};

/* Wraps an array, for places where C needs a type with a single name. */
struct jobs_v1_quads_item {
    uint8_t items[4];
};

/* Wraps an array, for places where C needs a type with a single name. */
struct jobs_v1_arrays_item {
    uint8_t items[3];
};

struct jobs_v1_maps_item_entry {
    shmrpc_str key;
    uint64_t value;
};

struct jobs_v1_counts_item_entry {
    shmrpc_str key;
    uint64_t value;
};

/* Descriptors of these types, for codecs and tools. */
extern const shmrpc_type jobs_v1_level_descriptor;
extern const shmrpc_type jobs_v1_job_descriptor;
extern const shmrpc_type jobs_v1_flat_descriptor;
extern const shmrpc_type jobs_v1_key_descriptor;
extern const shmrpc_type jobs_v1_fixed_descriptor;
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
extern const shmrpc_shared jobs_v1_jobs_dict_descriptor;
extern const shmrpc_shared jobs_v1_fixed_dict_descriptor;
extern const shmrpc_shared jobs_v1_deep_dict_descriptor;
extern const shmrpc_shared jobs_v1_wild_dict_descriptor;
extern const shmrpc_shared jobs_v1_arrays_dict_descriptor;
extern const shmrpc_shared jobs_v1_counts_dict_descriptor;
extern const shmrpc_shared jobs_v1_news_topic_descriptor;
extern const shmrpc_shared jobs_v1_levels_seen_topic_descriptor;
extern const shmrpc_shared jobs_v1_talk_topic_descriptor;
extern const shmrpc_shared jobs_v1_sound_pipe_descriptor;
extern const shmrpc_shared jobs_v1_config_value_descriptor;
extern const shmrpc_shared jobs_v1_current_value_descriptor;
extern const shmrpc_shared jobs_v1_state_value_descriptor;
extern const shmrpc_shared jobs_v1_recent_value_descriptor;
extern const shmrpc_shared jobs_v1_past_value_descriptor;
extern const shmrpc_shared jobs_v1_marks_value_descriptor;

/*
 * Called like what it holds.
 *
 * The queue "acme.jobs.v1.flat".
 * Each item goes to exactly one process that pops. <shmrpc/queue.h> explains
 * the functions and their statuses, and what happens to items when processes
 * die.
 * Threading: any thread may use a handle.
 */
typedef struct jobs_v1_flat_queue jobs_v1_flat_queue;

/* Opens the queue, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.flat"; `opts` may be NULL. Returns CONTRACT if the existing
 * queue has another type or encoding. Close the queue when done. */
int jobs_v1_flat_open(const char *name, const shmrpc_shared_opts *opts,
                      jobs_v1_flat_queue **out, shmrpc_error *error);

/* Closes the handle; NULL is allowed. Popped items stay valid until they are
 * released. */
void jobs_v1_flat_close(jobs_v1_flat_queue *queue);

/* Appends a copy of `item`. Returns DEADLINE or BUSY if the queue is full,
 * TOO_LARGE if the item is too large, CANCELLED if the queue was ended, or
 * DESTROYED if it was destroyed. */
int jobs_v1_flat_push(jobs_v1_flat_queue *queue, const jobs_v1_flat *item,
                      const shmrpc_opts *opts, shmrpc_error *error);

/* Appends `count` items, with the same statuses. The number of items appended,
 * counted from the first, is stored in `*out_pushed` in any case, unless
 * `out_pushed` is NULL. */
int jobs_v1_flat_push_many(jobs_v1_flat_queue *queue, const jobs_v1_flat *items,
                           size_t count, const shmrpc_opts *opts,
                           size_t *out_pushed, shmrpc_error *error);

/* Takes an item, which is read-only and valid until you release it. Returns
 * DEADLINE or BUSY if the queue is empty, CANCELLED if it is empty and was
 * ended, or DESTROYED if it was destroyed. */
int jobs_v1_flat_pop(jobs_v1_flat_queue *queue, const shmrpc_opts *opts,
                     const jobs_v1_flat **out, shmrpc_error *error);

/* Waits for an item as pop does, then takes all available items, up to
 * `max`. */
int jobs_v1_flat_pop_many(jobs_v1_flat_queue *queue, const shmrpc_opts *opts,
                          const jobs_v1_flat **out, size_t max,
                          size_t *out_count, shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be an item to pop, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_flat_fd(jobs_v1_flat_queue *queue);

/* Copies an item, which stays in the queue; the copy must be released too. Does
 * not wait: returns BUSY if the queue is empty. */
int jobs_v1_flat_peek(jobs_v1_flat_queue *queue, const jobs_v1_flat **out,
                      shmrpc_error *error);

/* Frees an item; NULL is allowed. With `delivery acked`, an item that was not
 * acknowledged is delivered again. */
void jobs_v1_flat_release(jobs_v1_flat_queue *queue, const jobs_v1_flat *item);

/* Acknowledges an item, and releases it. Returns PRECONDITION if the queue was
 * not created with `delivery acked`. */
int jobs_v1_flat_ack(jobs_v1_flat_queue *queue, const jobs_v1_flat *item);

/* Whether the item was delivered before to a reader that did not acknowledge
 * it. */
bool jobs_v1_flat_is_redelivered(const jobs_v1_flat *item);

/* Ends the queue: push returns CANCELLED from now on, and so does pop once the
 * queue is empty. */
int jobs_v1_flat_end(jobs_v1_flat_queue *queue);

/* Destroys the queue for all processes, and frees its name. */
int jobs_v1_flat_destroy(jobs_v1_flat_queue *queue);

/* Reads the current statistics. */
int jobs_v1_flat_stat(jobs_v1_flat_queue *queue, shmrpc_queue_stat *out);

/*
 * Work to do.
 * Nothing of it gets lost.
 *
 * The queue "acme.jobs.v1.work".
 * Each item goes to exactly one process that pops. <shmrpc/queue.h> explains
 * the functions and their statuses, and what happens to items when processes
 * die.
 * Threading: any thread may use a handle.
 */
typedef struct jobs_v1_work_queue jobs_v1_work_queue;

/* Opens the queue, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.work"; `opts` may be NULL. Returns CONTRACT if the existing
 * queue has another type or encoding. Close the queue when done. */
int jobs_v1_work_open(const char *name, const shmrpc_shared_opts *opts,
                      jobs_v1_work_queue **out, shmrpc_error *error);

/* Closes the handle; NULL is allowed. Popped items stay valid until they are
 * released. */
void jobs_v1_work_close(jobs_v1_work_queue *queue);

/* Appends a copy of `item`. Returns DEADLINE or BUSY if the queue is full,
 * TOO_LARGE if the item is too large, CANCELLED if the queue was ended, or
 * DESTROYED if it was destroyed. */
int jobs_v1_work_push(jobs_v1_work_queue *queue, const jobs_v1_job *item,
                      const shmrpc_opts *opts, shmrpc_error *error);

/* Appends `count` items, with the same statuses. The number of items appended,
 * counted from the first, is stored in `*out_pushed` in any case, unless
 * `out_pushed` is NULL. */
int jobs_v1_work_push_many(jobs_v1_work_queue *queue, const jobs_v1_job *items,
                           size_t count, const shmrpc_opts *opts,
                           size_t *out_pushed, shmrpc_error *error);

/* Takes an item, which is read-only and valid until you release it. Returns
 * DEADLINE or BUSY if the queue is empty, CANCELLED if it is empty and was
 * ended, or DESTROYED if it was destroyed. */
int jobs_v1_work_pop(jobs_v1_work_queue *queue, const shmrpc_opts *opts,
                     const jobs_v1_job **out, shmrpc_error *error);

/* Waits for an item as pop does, then takes all available items, up to
 * `max`. */
int jobs_v1_work_pop_many(jobs_v1_work_queue *queue, const shmrpc_opts *opts,
                          const jobs_v1_job **out, size_t max,
                          size_t *out_count, shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be an item to pop, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_work_fd(jobs_v1_work_queue *queue);

/* Copies an item, which stays in the queue; the copy must be released too. Does
 * not wait: returns BUSY if the queue is empty. */
int jobs_v1_work_peek(jobs_v1_work_queue *queue, const jobs_v1_job **out,
                      shmrpc_error *error);

/* Frees an item; NULL is allowed. With `delivery acked`, an item that was not
 * acknowledged is delivered again. */
void jobs_v1_work_release(jobs_v1_work_queue *queue, const jobs_v1_job *item);

/* Acknowledges an item, and releases it. Returns PRECONDITION if the queue was
 * not created with `delivery acked`. */
int jobs_v1_work_ack(jobs_v1_work_queue *queue, const jobs_v1_job *item);

/* Whether the item was delivered before to a reader that did not acknowledge
 * it. */
bool jobs_v1_work_is_redelivered(const jobs_v1_job *item);

/* Ends the queue: push returns CANCELLED from now on, and so does pop once the
 * queue is empty. */
int jobs_v1_work_end(jobs_v1_work_queue *queue);

/* Destroys the queue for all processes, and frees its name. */
int jobs_v1_work_destroy(jobs_v1_work_queue *queue);

/* Reads the current statistics. */
int jobs_v1_work_stat(jobs_v1_work_queue *queue, shmrpc_queue_stat *out);

/*
 * The queue "acme.jobs.v1.points".
 * Each item goes to exactly one process that pops. <shmrpc/queue.h> explains
 * the functions and their statuses, and what happens to items when processes
 * die.
 * Threading: any thread may use a handle.
 */
typedef struct jobs_v1_points_queue jobs_v1_points_queue;

/* Opens the queue, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.points"; `opts` may be NULL. Returns CONTRACT if the existing
 * queue has another type or encoding. Close the queue when done. */
int jobs_v1_points_open(const char *name, const shmrpc_shared_opts *opts,
                        jobs_v1_points_queue **out, shmrpc_error *error);

/* Closes the handle; NULL is allowed. Popped items stay valid until they are
 * released. */
void jobs_v1_points_close(jobs_v1_points_queue *queue);

/* Appends a copy of `item`. Returns DEADLINE or BUSY if the queue is full,
 * TOO_LARGE if the item is too large, CANCELLED if the queue was ended, or
 * DESTROYED if it was destroyed. */
int jobs_v1_points_push(jobs_v1_points_queue *queue, const jobs_v1_flat *item,
                        const shmrpc_opts *opts, shmrpc_error *error);

/* Appends `count` items, with the same statuses. The number of items appended,
 * counted from the first, is stored in `*out_pushed` in any case, unless
 * `out_pushed` is NULL. */
int jobs_v1_points_push_many(jobs_v1_points_queue *queue,
                             const jobs_v1_flat *items, size_t count,
                             const shmrpc_opts *opts, size_t *out_pushed,
                             shmrpc_error *error);

/* Takes an item, which is read-only and valid until you release it. Returns
 * DEADLINE or BUSY if the queue is empty, CANCELLED if it is empty and was
 * ended, or DESTROYED if it was destroyed. */
int jobs_v1_points_pop(jobs_v1_points_queue *queue, const shmrpc_opts *opts,
                       const jobs_v1_flat **out, shmrpc_error *error);

/* Waits for an item as pop does, then takes all available items, up to
 * `max`. */
int jobs_v1_points_pop_many(jobs_v1_points_queue *queue,
                            const shmrpc_opts *opts, const jobs_v1_flat **out,
                            size_t max, size_t *out_count, shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be an item to pop, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_points_fd(jobs_v1_points_queue *queue);

/* Copies an item, which stays in the queue; the copy must be released too. Does
 * not wait: returns BUSY if the queue is empty. */
int jobs_v1_points_peek(jobs_v1_points_queue *queue, const jobs_v1_flat **out,
                        shmrpc_error *error);

/* Frees an item; NULL is allowed. With `delivery acked`, an item that was not
 * acknowledged is delivered again. */
void jobs_v1_points_release(jobs_v1_points_queue *queue,
                            const jobs_v1_flat *item);

/* Acknowledges an item, and releases it. Returns PRECONDITION if the queue was
 * not created with `delivery acked`. */
int jobs_v1_points_ack(jobs_v1_points_queue *queue, const jobs_v1_flat *item);

/* Whether the item was delivered before to a reader that did not acknowledge
 * it. */
bool jobs_v1_points_is_redelivered(const jobs_v1_flat *item);

/* Ends the queue: push returns CANCELLED from now on, and so does pop once the
 * queue is empty. */
int jobs_v1_points_end(jobs_v1_points_queue *queue);

/* Destroys the queue for all processes, and frees its name. */
int jobs_v1_points_destroy(jobs_v1_points_queue *queue);

/* Reads the current statistics. */
int jobs_v1_points_stat(jobs_v1_points_queue *queue, shmrpc_queue_stat *out);

/*
 * The queue "acme.jobs.v1.things".
 * Each item goes to exactly one process that pops. <shmrpc/queue.h> explains
 * the functions and their statuses, and what happens to items when processes
 * die.
 * Threading: any thread may use a handle.
 */
typedef struct jobs_v1_things_queue jobs_v1_things_queue;

/* Opens the queue, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.things"; `opts` may be NULL. Returns CONTRACT if the existing
 * queue has another type or encoding. Close the queue when done. */
int jobs_v1_things_open(const char *name, const shmrpc_shared_opts *opts,
                        jobs_v1_things_queue **out, shmrpc_error *error);

/* Closes the handle; NULL is allowed. Popped items stay valid until they are
 * released. */
void jobs_v1_things_close(jobs_v1_things_queue *queue);

/* Appends a copy of `item`. Returns DEADLINE or BUSY if the queue is full,
 * TOO_LARGE if the item is too large, CANCELLED if the queue was ended, or
 * DESTROYED if it was destroyed. */
int jobs_v1_things_push(jobs_v1_things_queue *queue, const shmrpc_any *item,
                        const shmrpc_opts *opts, shmrpc_error *error);

/* Appends `count` items, with the same statuses. The number of items appended,
 * counted from the first, is stored in `*out_pushed` in any case, unless
 * `out_pushed` is NULL. */
int jobs_v1_things_push_many(jobs_v1_things_queue *queue,
                             const shmrpc_any *items, size_t count,
                             const shmrpc_opts *opts, size_t *out_pushed,
                             shmrpc_error *error);

/* Takes an item, which is read-only and valid until you release it. Returns
 * DEADLINE or BUSY if the queue is empty, CANCELLED if it is empty and was
 * ended, or DESTROYED if it was destroyed. */
int jobs_v1_things_pop(jobs_v1_things_queue *queue, const shmrpc_opts *opts,
                       const shmrpc_any **out, shmrpc_error *error);

/* Waits for an item as pop does, then takes all available items, up to
 * `max`. */
int jobs_v1_things_pop_many(jobs_v1_things_queue *queue,
                            const shmrpc_opts *opts, const shmrpc_any **out,
                            size_t max, size_t *out_count, shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be an item to pop, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_things_fd(jobs_v1_things_queue *queue);

/* Copies an item, which stays in the queue; the copy must be released too. Does
 * not wait: returns BUSY if the queue is empty. */
int jobs_v1_things_peek(jobs_v1_things_queue *queue, const shmrpc_any **out,
                        shmrpc_error *error);

/* Frees an item; NULL is allowed. With `delivery acked`, an item that was not
 * acknowledged is delivered again. */
void jobs_v1_things_release(jobs_v1_things_queue *queue,
                            const shmrpc_any *item);

/* Acknowledges an item, and releases it. Returns PRECONDITION if the queue was
 * not created with `delivery acked`. */
int jobs_v1_things_ack(jobs_v1_things_queue *queue, const shmrpc_any *item);

/* Whether the item was delivered before to a reader that did not acknowledge
 * it. */
bool jobs_v1_things_is_redelivered(const shmrpc_any *item);

/* Ends the queue: push returns CANCELLED from now on, and so does pop once the
 * queue is empty. */
int jobs_v1_things_end(jobs_v1_things_queue *queue);

/* Destroys the queue for all processes, and frees its name. */
int jobs_v1_things_destroy(jobs_v1_things_queue *queue);

/* Reads the current statistics. */
int jobs_v1_things_stat(jobs_v1_things_queue *queue, shmrpc_queue_stat *out);

/*
 * The queue "acme.jobs.v1.quads".
 * Each item goes to exactly one process that pops. <shmrpc/queue.h> explains
 * the functions and their statuses, and what happens to items when processes
 * die.
 * Threading: any thread may use a handle.
 */
typedef struct jobs_v1_quads_queue jobs_v1_quads_queue;

/* Opens the queue, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.quads"; `opts` may be NULL. Returns CONTRACT if the existing
 * queue has another type or encoding. Close the queue when done. */
int jobs_v1_quads_open(const char *name, const shmrpc_shared_opts *opts,
                       jobs_v1_quads_queue **out, shmrpc_error *error);

/* Closes the handle; NULL is allowed. Popped items stay valid until they are
 * released. */
void jobs_v1_quads_close(jobs_v1_quads_queue *queue);

/* Appends a copy of `item`. Returns DEADLINE or BUSY if the queue is full,
 * TOO_LARGE if the item is too large, CANCELLED if the queue was ended, or
 * DESTROYED if it was destroyed. */
int jobs_v1_quads_push(jobs_v1_quads_queue *queue,
                       const jobs_v1_quads_item *item, const shmrpc_opts *opts,
                       shmrpc_error *error);

/* Appends `count` items, with the same statuses. The number of items appended,
 * counted from the first, is stored in `*out_pushed` in any case, unless
 * `out_pushed` is NULL. */
int jobs_v1_quads_push_many(jobs_v1_quads_queue *queue,
                            const jobs_v1_quads_item *items, size_t count,
                            const shmrpc_opts *opts, size_t *out_pushed,
                            shmrpc_error *error);

/* Takes an item, which is read-only and valid until you release it. Returns
 * DEADLINE or BUSY if the queue is empty, CANCELLED if it is empty and was
 * ended, or DESTROYED if it was destroyed. */
int jobs_v1_quads_pop(jobs_v1_quads_queue *queue, const shmrpc_opts *opts,
                      const jobs_v1_quads_item **out, shmrpc_error *error);

/* Waits for an item as pop does, then takes all available items, up to
 * `max`. */
int jobs_v1_quads_pop_many(jobs_v1_quads_queue *queue, const shmrpc_opts *opts,
                           const jobs_v1_quads_item **out, size_t max,
                           size_t *out_count, shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be an item to pop, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_quads_fd(jobs_v1_quads_queue *queue);

/* Copies an item, which stays in the queue; the copy must be released too. Does
 * not wait: returns BUSY if the queue is empty. */
int jobs_v1_quads_peek(jobs_v1_quads_queue *queue,
                       const jobs_v1_quads_item **out, shmrpc_error *error);

/* Frees an item; NULL is allowed. With `delivery acked`, an item that was not
 * acknowledged is delivered again. */
void jobs_v1_quads_release(jobs_v1_quads_queue *queue,
                           const jobs_v1_quads_item *item);

/* Acknowledges an item, and releases it. Returns PRECONDITION if the queue was
 * not created with `delivery acked`. */
int jobs_v1_quads_ack(jobs_v1_quads_queue *queue,
                      const jobs_v1_quads_item *item);

/* Whether the item was delivered before to a reader that did not acknowledge
 * it. */
bool jobs_v1_quads_is_redelivered(const jobs_v1_quads_item *item);

/* Ends the queue: push returns CANCELLED from now on, and so does pop once the
 * queue is empty. */
int jobs_v1_quads_end(jobs_v1_quads_queue *queue);

/* Destroys the queue for all processes, and frees its name. */
int jobs_v1_quads_destroy(jobs_v1_quads_queue *queue);

/* Reads the current statistics. */
int jobs_v1_quads_stat(jobs_v1_quads_queue *queue, shmrpc_queue_stat *out);

/*
 * The queue "acme.jobs.v1.lines".
 * Each item goes to exactly one process that pops. <shmrpc/queue.h> explains
 * the functions and their statuses, and what happens to items when processes
 * die.
 * Threading: any thread may use a handle.
 */
typedef struct jobs_v1_lines_queue jobs_v1_lines_queue;

/* Opens the queue, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.lines"; `opts` may be NULL. Returns CONTRACT if the existing
 * queue has another type or encoding. Close the queue when done. */
int jobs_v1_lines_open(const char *name, const shmrpc_shared_opts *opts,
                       jobs_v1_lines_queue **out, shmrpc_error *error);

/* Closes the handle; NULL is allowed. Popped items stay valid until they are
 * released. */
void jobs_v1_lines_close(jobs_v1_lines_queue *queue);

/* Appends a copy of `item`. Returns DEADLINE or BUSY if the queue is full,
 * TOO_LARGE if the item is too large, CANCELLED if the queue was ended, or
 * DESTROYED if it was destroyed. */
int jobs_v1_lines_push(jobs_v1_lines_queue *queue, const shmrpc_str *item,
                       const shmrpc_opts *opts, shmrpc_error *error);

/* Appends `count` items, with the same statuses. The number of items appended,
 * counted from the first, is stored in `*out_pushed` in any case, unless
 * `out_pushed` is NULL. */
int jobs_v1_lines_push_many(jobs_v1_lines_queue *queue, const shmrpc_str *items,
                            size_t count, const shmrpc_opts *opts,
                            size_t *out_pushed, shmrpc_error *error);

/* Takes an item, which is read-only and valid until you release it. Returns
 * DEADLINE or BUSY if the queue is empty, CANCELLED if it is empty and was
 * ended, or DESTROYED if it was destroyed. */
int jobs_v1_lines_pop(jobs_v1_lines_queue *queue, const shmrpc_opts *opts,
                      const shmrpc_str **out, shmrpc_error *error);

/* Waits for an item as pop does, then takes all available items, up to
 * `max`. */
int jobs_v1_lines_pop_many(jobs_v1_lines_queue *queue, const shmrpc_opts *opts,
                           const shmrpc_str **out, size_t max,
                           size_t *out_count, shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be an item to pop, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_lines_fd(jobs_v1_lines_queue *queue);

/* Copies an item, which stays in the queue; the copy must be released too. Does
 * not wait: returns BUSY if the queue is empty. */
int jobs_v1_lines_peek(jobs_v1_lines_queue *queue, const shmrpc_str **out,
                       shmrpc_error *error);

/* Frees an item; NULL is allowed. With `delivery acked`, an item that was not
 * acknowledged is delivered again. */
void jobs_v1_lines_release(jobs_v1_lines_queue *queue, const shmrpc_str *item);

/* Acknowledges an item, and releases it. Returns PRECONDITION if the queue was
 * not created with `delivery acked`. */
int jobs_v1_lines_ack(jobs_v1_lines_queue *queue, const shmrpc_str *item);

/* Whether the item was delivered before to a reader that did not acknowledge
 * it. */
bool jobs_v1_lines_is_redelivered(const shmrpc_str *item);

/* Ends the queue: push returns CANCELLED from now on, and so does pop once the
 * queue is empty. */
int jobs_v1_lines_end(jobs_v1_lines_queue *queue);

/* Destroys the queue for all processes, and frees its name. */
int jobs_v1_lines_destroy(jobs_v1_lines_queue *queue);

/* Reads the current statistics. */
int jobs_v1_lines_stat(jobs_v1_lines_queue *queue, shmrpc_queue_stat *out);

/*
 * The queue "acme.jobs.v1.batches".
 * Each item goes to exactly one process that pops. <shmrpc/queue.h> explains
 * the functions and their statuses, and what happens to items when processes
 * die.
 * Threading: any thread may use a handle.
 */
typedef struct jobs_v1_batches_queue jobs_v1_batches_queue;

/* Opens the queue, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.batches"; `opts` may be NULL. Returns CONTRACT if the existing
 * queue has another type or encoding. Close the queue when done. */
int jobs_v1_batches_open(const char *name, const shmrpc_shared_opts *opts,
                         jobs_v1_batches_queue **out, shmrpc_error *error);

/* Closes the handle; NULL is allowed. Popped items stay valid until they are
 * released. */
void jobs_v1_batches_close(jobs_v1_batches_queue *queue);

/* Appends a copy of `item`. Returns DEADLINE or BUSY if the queue is full,
 * TOO_LARGE if the item is too large, CANCELLED if the queue was ended, or
 * DESTROYED if it was destroyed. */
int jobs_v1_batches_push(jobs_v1_batches_queue *queue,
                         const jobs_v1_job_list *item, const shmrpc_opts *opts,
                         shmrpc_error *error);

/* Appends `count` items, with the same statuses. The number of items appended,
 * counted from the first, is stored in `*out_pushed` in any case, unless
 * `out_pushed` is NULL. */
int jobs_v1_batches_push_many(jobs_v1_batches_queue *queue,
                              const jobs_v1_job_list *items, size_t count,
                              const shmrpc_opts *opts, size_t *out_pushed,
                              shmrpc_error *error);

/* Takes an item, which is read-only and valid until you release it. Returns
 * DEADLINE or BUSY if the queue is empty, CANCELLED if it is empty and was
 * ended, or DESTROYED if it was destroyed. */
int jobs_v1_batches_pop(jobs_v1_batches_queue *queue, const shmrpc_opts *opts,
                        const jobs_v1_job_list **out, shmrpc_error *error);

/* Waits for an item as pop does, then takes all available items, up to
 * `max`. */
int jobs_v1_batches_pop_many(jobs_v1_batches_queue *queue,
                             const shmrpc_opts *opts,
                             const jobs_v1_job_list **out, size_t max,
                             size_t *out_count, shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be an item to pop, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_batches_fd(jobs_v1_batches_queue *queue);

/* Copies an item, which stays in the queue; the copy must be released too. Does
 * not wait: returns BUSY if the queue is empty. */
int jobs_v1_batches_peek(jobs_v1_batches_queue *queue,
                         const jobs_v1_job_list **out, shmrpc_error *error);

/* Frees an item; NULL is allowed. With `delivery acked`, an item that was not
 * acknowledged is delivered again. */
void jobs_v1_batches_release(jobs_v1_batches_queue *queue,
                             const jobs_v1_job_list *item);

/* Acknowledges an item, and releases it. Returns PRECONDITION if the queue was
 * not created with `delivery acked`. */
int jobs_v1_batches_ack(jobs_v1_batches_queue *queue,
                        const jobs_v1_job_list *item);

/* Whether the item was delivered before to a reader that did not acknowledge
 * it. */
bool jobs_v1_batches_is_redelivered(const jobs_v1_job_list *item);

/* Ends the queue: push returns CANCELLED from now on, and so does pop once the
 * queue is empty. */
int jobs_v1_batches_end(jobs_v1_batches_queue *queue);

/* Destroys the queue for all processes, and frees its name. */
int jobs_v1_batches_destroy(jobs_v1_batches_queue *queue);

/* Reads the current statistics. */
int jobs_v1_batches_stat(jobs_v1_batches_queue *queue, shmrpc_queue_stat *out);

/*
 * The queue "acme.jobs.v1.maps".
 * Each item goes to exactly one process that pops. <shmrpc/queue.h> explains
 * the functions and their statuses, and what happens to items when processes
 * die.
 * Threading: any thread may use a handle.
 */
typedef struct jobs_v1_maps_queue jobs_v1_maps_queue;

/* Opens the queue, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.maps"; `opts` may be NULL. Returns CONTRACT if the existing
 * queue has another type or encoding. Close the queue when done. */
int jobs_v1_maps_open(const char *name, const shmrpc_shared_opts *opts,
                      jobs_v1_maps_queue **out, shmrpc_error *error);

/* Closes the handle; NULL is allowed. Popped items stay valid until they are
 * released. */
void jobs_v1_maps_close(jobs_v1_maps_queue *queue);

/* Appends a copy of `item`. Returns DEADLINE or BUSY if the queue is full,
 * TOO_LARGE if the item is too large, CANCELLED if the queue was ended, or
 * DESTROYED if it was destroyed. */
int jobs_v1_maps_push(jobs_v1_maps_queue *queue, const jobs_v1_maps_item *item,
                      const shmrpc_opts *opts, shmrpc_error *error);

/* Appends `count` items, with the same statuses. The number of items appended,
 * counted from the first, is stored in `*out_pushed` in any case, unless
 * `out_pushed` is NULL. */
int jobs_v1_maps_push_many(jobs_v1_maps_queue *queue,
                           const jobs_v1_maps_item *items, size_t count,
                           const shmrpc_opts *opts, size_t *out_pushed,
                           shmrpc_error *error);

/* Takes an item, which is read-only and valid until you release it. Returns
 * DEADLINE or BUSY if the queue is empty, CANCELLED if it is empty and was
 * ended, or DESTROYED if it was destroyed. */
int jobs_v1_maps_pop(jobs_v1_maps_queue *queue, const shmrpc_opts *opts,
                     const jobs_v1_maps_item **out, shmrpc_error *error);

/* Waits for an item as pop does, then takes all available items, up to
 * `max`. */
int jobs_v1_maps_pop_many(jobs_v1_maps_queue *queue, const shmrpc_opts *opts,
                          const jobs_v1_maps_item **out, size_t max,
                          size_t *out_count, shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be an item to pop, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_maps_fd(jobs_v1_maps_queue *queue);

/* Copies an item, which stays in the queue; the copy must be released too. Does
 * not wait: returns BUSY if the queue is empty. */
int jobs_v1_maps_peek(jobs_v1_maps_queue *queue, const jobs_v1_maps_item **out,
                      shmrpc_error *error);

/* Frees an item; NULL is allowed. With `delivery acked`, an item that was not
 * acknowledged is delivered again. */
void jobs_v1_maps_release(jobs_v1_maps_queue *queue,
                          const jobs_v1_maps_item *item);

/* Acknowledges an item, and releases it. Returns PRECONDITION if the queue was
 * not created with `delivery acked`. */
int jobs_v1_maps_ack(jobs_v1_maps_queue *queue, const jobs_v1_maps_item *item);

/* Whether the item was delivered before to a reader that did not acknowledge
 * it. */
bool jobs_v1_maps_is_redelivered(const jobs_v1_maps_item *item);

/* Ends the queue: push returns CANCELLED from now on, and so does pop once the
 * queue is empty. */
int jobs_v1_maps_end(jobs_v1_maps_queue *queue);

/* Destroys the queue for all processes, and frees its name. */
int jobs_v1_maps_destroy(jobs_v1_maps_queue *queue);

/* Reads the current statistics. */
int jobs_v1_maps_stat(jobs_v1_maps_queue *queue, shmrpc_queue_stat *out);

/*
 * The queue "acme.jobs.v1.blobs".
 * Each item goes to exactly one process that pops. <shmrpc/queue.h> explains
 * the functions and their statuses, and what happens to items when processes
 * die.
 * Threading: any thread may use a handle.
 */
typedef struct jobs_v1_blobs_queue jobs_v1_blobs_queue;

/* Opens the queue, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.blobs"; `opts` may be NULL. Returns CONTRACT if the existing
 * queue has another type or encoding. Close the queue when done. */
int jobs_v1_blobs_open(const char *name, const shmrpc_shared_opts *opts,
                       jobs_v1_blobs_queue **out, shmrpc_error *error);

/* Closes the handle; NULL is allowed. Popped items stay valid until they are
 * released. */
void jobs_v1_blobs_close(jobs_v1_blobs_queue *queue);

/* Appends a copy of `item`. Returns DEADLINE or BUSY if the queue is full,
 * TOO_LARGE if the item is too large, CANCELLED if the queue was ended, or
 * DESTROYED if it was destroyed. */
int jobs_v1_blobs_push(jobs_v1_blobs_queue *queue, const shmrpc_bytes *item,
                       const shmrpc_opts *opts, shmrpc_error *error);

/* Appends `count` items, with the same statuses. The number of items appended,
 * counted from the first, is stored in `*out_pushed` in any case, unless
 * `out_pushed` is NULL. */
int jobs_v1_blobs_push_many(jobs_v1_blobs_queue *queue,
                            const shmrpc_bytes *items, size_t count,
                            const shmrpc_opts *opts, size_t *out_pushed,
                            shmrpc_error *error);

/* Takes an item, which is read-only and valid until you release it. Returns
 * DEADLINE or BUSY if the queue is empty, CANCELLED if it is empty and was
 * ended, or DESTROYED if it was destroyed. */
int jobs_v1_blobs_pop(jobs_v1_blobs_queue *queue, const shmrpc_opts *opts,
                      const shmrpc_bytes **out, shmrpc_error *error);

/* Waits for an item as pop does, then takes all available items, up to
 * `max`. */
int jobs_v1_blobs_pop_many(jobs_v1_blobs_queue *queue, const shmrpc_opts *opts,
                           const shmrpc_bytes **out, size_t max,
                           size_t *out_count, shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be an item to pop, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_blobs_fd(jobs_v1_blobs_queue *queue);

/* Copies an item, which stays in the queue; the copy must be released too. Does
 * not wait: returns BUSY if the queue is empty. */
int jobs_v1_blobs_peek(jobs_v1_blobs_queue *queue, const shmrpc_bytes **out,
                       shmrpc_error *error);

/* Frees an item; NULL is allowed. With `delivery acked`, an item that was not
 * acknowledged is delivered again. */
void jobs_v1_blobs_release(jobs_v1_blobs_queue *queue,
                           const shmrpc_bytes *item);

/* Acknowledges an item, and releases it. Returns PRECONDITION if the queue was
 * not created with `delivery acked`. */
int jobs_v1_blobs_ack(jobs_v1_blobs_queue *queue, const shmrpc_bytes *item);

/* Whether the item was delivered before to a reader that did not acknowledge
 * it. */
bool jobs_v1_blobs_is_redelivered(const shmrpc_bytes *item);

/* Ends the queue: push returns CANCELLED from now on, and so does pop once the
 * queue is empty. */
int jobs_v1_blobs_end(jobs_v1_blobs_queue *queue);

/* Destroys the queue for all processes, and frees its name. */
int jobs_v1_blobs_destroy(jobs_v1_blobs_queue *queue);

/* Reads the current statistics. */
int jobs_v1_blobs_stat(jobs_v1_blobs_queue *queue, shmrpc_queue_stat *out);

/*
 * The queue "acme.jobs.v1.levels".
 * Each item goes to exactly one process that pops. <shmrpc/queue.h> explains
 * the functions and their statuses, and what happens to items when processes
 * die.
 * Threading: any thread may use a handle.
 */
typedef struct jobs_v1_levels_queue jobs_v1_levels_queue;

/* Opens the queue, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.levels"; `opts` may be NULL. Returns CONTRACT if the existing
 * queue has another type or encoding. Close the queue when done. */
int jobs_v1_levels_open(const char *name, const shmrpc_shared_opts *opts,
                        jobs_v1_levels_queue **out, shmrpc_error *error);

/* Closes the handle; NULL is allowed. Popped items stay valid until they are
 * released. */
void jobs_v1_levels_close(jobs_v1_levels_queue *queue);

/* Appends a copy of `item`. Returns DEADLINE or BUSY if the queue is full,
 * TOO_LARGE if the item is too large, CANCELLED if the queue was ended, or
 * DESTROYED if it was destroyed. */
int jobs_v1_levels_push(jobs_v1_levels_queue *queue, const jobs_v1_level *item,
                        const shmrpc_opts *opts, shmrpc_error *error);

/* Appends `count` items, with the same statuses. The number of items appended,
 * counted from the first, is stored in `*out_pushed` in any case, unless
 * `out_pushed` is NULL. */
int jobs_v1_levels_push_many(jobs_v1_levels_queue *queue,
                             const jobs_v1_level *items, size_t count,
                             const shmrpc_opts *opts, size_t *out_pushed,
                             shmrpc_error *error);

/* Takes an item, which is read-only and valid until you release it. Returns
 * DEADLINE or BUSY if the queue is empty, CANCELLED if it is empty and was
 * ended, or DESTROYED if it was destroyed. */
int jobs_v1_levels_pop(jobs_v1_levels_queue *queue, const shmrpc_opts *opts,
                       const jobs_v1_level **out, shmrpc_error *error);

/* Waits for an item as pop does, then takes all available items, up to
 * `max`. */
int jobs_v1_levels_pop_many(jobs_v1_levels_queue *queue,
                            const shmrpc_opts *opts, const jobs_v1_level **out,
                            size_t max, size_t *out_count, shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be an item to pop, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_levels_fd(jobs_v1_levels_queue *queue);

/* Copies an item, which stays in the queue; the copy must be released too. Does
 * not wait: returns BUSY if the queue is empty. */
int jobs_v1_levels_peek(jobs_v1_levels_queue *queue, const jobs_v1_level **out,
                        shmrpc_error *error);

/* Frees an item; NULL is allowed. With `delivery acked`, an item that was not
 * acknowledged is delivered again. */
void jobs_v1_levels_release(jobs_v1_levels_queue *queue,
                            const jobs_v1_level *item);

/* Acknowledges an item, and releases it. Returns PRECONDITION if the queue was
 * not created with `delivery acked`. */
int jobs_v1_levels_ack(jobs_v1_levels_queue *queue, const jobs_v1_level *item);

/* Whether the item was delivered before to a reader that did not acknowledge
 * it. */
bool jobs_v1_levels_is_redelivered(const jobs_v1_level *item);

/* Ends the queue: push returns CANCELLED from now on, and so does pop once the
 * queue is empty. */
int jobs_v1_levels_end(jobs_v1_levels_queue *queue);

/* Destroys the queue for all processes, and frees its name. */
int jobs_v1_levels_destroy(jobs_v1_levels_queue *queue);

/* Reads the current statistics. */
int jobs_v1_levels_stat(jobs_v1_levels_queue *queue, shmrpc_queue_stat *out);

/*
 * The queue "acme.jobs.v1.documents".
 * Each item goes to exactly one process that pops. <shmrpc/queue.h> explains
 * the functions and their statuses, and what happens to items when processes
 * die.
 * Threading: any thread may use a handle.
 */
typedef struct jobs_v1_documents_queue jobs_v1_documents_queue;

/* Opens the queue, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.documents"; `opts` may be NULL. Returns CONTRACT if the
 * existing queue has another type or encoding. Close the queue when done. */
int jobs_v1_documents_open(const char *name, const shmrpc_shared_opts *opts,
                           jobs_v1_documents_queue **out, shmrpc_error *error);

/* Closes the handle; NULL is allowed. Popped items stay valid until they are
 * released. */
void jobs_v1_documents_close(jobs_v1_documents_queue *queue);

/* Appends a copy of `item`. Returns DEADLINE or BUSY if the queue is full,
 * TOO_LARGE if the item is too large, CANCELLED if the queue was ended, or
 * DESTROYED if it was destroyed. */
int jobs_v1_documents_push(jobs_v1_documents_queue *queue,
                           const common_document *item, const shmrpc_opts *opts,
                           shmrpc_error *error);

/* Appends `count` items, with the same statuses. The number of items appended,
 * counted from the first, is stored in `*out_pushed` in any case, unless
 * `out_pushed` is NULL. */
int jobs_v1_documents_push_many(jobs_v1_documents_queue *queue,
                                const common_document *items, size_t count,
                                const shmrpc_opts *opts, size_t *out_pushed,
                                shmrpc_error *error);

/* Takes an item, which is read-only and valid until you release it. Returns
 * DEADLINE or BUSY if the queue is empty, CANCELLED if it is empty and was
 * ended, or DESTROYED if it was destroyed. */
int jobs_v1_documents_pop(jobs_v1_documents_queue *queue,
                          const shmrpc_opts *opts, const common_document **out,
                          shmrpc_error *error);

/* Waits for an item as pop does, then takes all available items, up to
 * `max`. */
int jobs_v1_documents_pop_many(jobs_v1_documents_queue *queue,
                               const shmrpc_opts *opts,
                               const common_document **out, size_t max,
                               size_t *out_count, shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be an item to pop, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_documents_fd(jobs_v1_documents_queue *queue);

/* Copies an item, which stays in the queue; the copy must be released too. Does
 * not wait: returns BUSY if the queue is empty. */
int jobs_v1_documents_peek(jobs_v1_documents_queue *queue,
                           const common_document **out, shmrpc_error *error);

/* Frees an item; NULL is allowed. With `delivery acked`, an item that was not
 * acknowledged is delivered again. */
void jobs_v1_documents_release(jobs_v1_documents_queue *queue,
                               const common_document *item);

/* Acknowledges an item, and releases it. Returns PRECONDITION if the queue was
 * not created with `delivery acked`. */
int jobs_v1_documents_ack(jobs_v1_documents_queue *queue,
                          const common_document *item);

/* Whether the item was delivered before to a reader that did not acknowledge
 * it. */
bool jobs_v1_documents_is_redelivered(const common_document *item);

/* Ends the queue: push returns CANCELLED from now on, and so does pop once the
 * queue is empty. */
int jobs_v1_documents_end(jobs_v1_documents_queue *queue);

/* Destroys the queue for all processes, and frees its name. */
int jobs_v1_documents_destroy(jobs_v1_documents_queue *queue);

/* Reads the current statistics. */
int jobs_v1_documents_stat(jobs_v1_documents_queue *queue,
                           shmrpc_queue_stat *out);

/*
 * Jobs by name.
 *
 * The dict "acme.jobs.v1.jobs".
 * Reads take no lock and never wait; each change is atomic.
 * <shmrpc/dict.h> explains the functions and their statuses.
 * Threading: any thread may use a handle; a view or a watch is for one thread
 * at a time.
 */
typedef struct jobs_v1_jobs_dict jobs_v1_jobs_dict;
typedef struct jobs_v1_jobs_view jobs_v1_jobs_view;
typedef struct jobs_v1_jobs_watch jobs_v1_jobs_watch;

/* A key and its value. */
typedef struct jobs_v1_jobs_entry {
    shmrpc_str key;
    jobs_v1_job value;
} jobs_v1_jobs_entry;

/* A change that a watch reports. */
typedef struct jobs_v1_jobs_event {
    shmrpc_event_kind kind;
    uint32_t reserved32;
    uint64_t change; /* number of the change */
    const shmrpc_str *key; /* PUT and DEL, else NULL */
    const jobs_v1_job *value; /* PUT, else NULL */
} jobs_v1_jobs_event;

/* The callback that changes an entry. `was` is the current value, or NULL if
 * there is none; `*now` is a copy of it, or zeros.  Return SHMRPC_CHANGE_PUT,
 * _KEEP or _DELETE, or a status to fail.  It may be called more than once, and
 * must not use the dict. */
typedef int jobs_v1_jobs_change(void *user, const jobs_v1_job *was,
                                jobs_v1_job *now);

/* Opens the dict, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.jobs"; `opts` may be NULL. Returns CONTRACT if the existing
 * dict has another type or encoding. Close the dict when done. */
int jobs_v1_jobs_open(const char *name, const shmrpc_shared_opts *opts,
                      jobs_v1_jobs_dict **out, shmrpc_error *error);

/* Closes the handle; close its views first. NULL is allowed. */
void jobs_v1_jobs_close(jobs_v1_jobs_dict *dict);

/* Gets the value of a key, which is read-only and valid until you release it.
 * Returns NOT_FOUND if there is no such key. */
int jobs_v1_jobs_get(jobs_v1_jobs_dict *dict, shmrpc_str key,
                     const jobs_v1_job **out, shmrpc_error *error);

/* Frees a value; NULL is allowed. */
void jobs_v1_jobs_release(jobs_v1_jobs_dict *dict, const jobs_v1_job *value);

/* Returns 0 if there is such a key, else NOT_FOUND. */
int jobs_v1_jobs_contains(jobs_v1_jobs_dict *dict, shmrpc_str key,
                          shmrpc_error *error);

/* Counts the entries. */
int jobs_v1_jobs_len(jobs_v1_jobs_dict *dict, uint64_t *out,
                     shmrpc_error *error);

/* Sets the value of a key, new or not, to a copy of `value`. Returns EXHAUSTED
 * if the dict is full, TOO_LARGE if the value is too large, or DESTROYED if the
 * dict was destroyed. */
int jobs_v1_jobs_put(jobs_v1_jobs_dict *dict, shmrpc_str key,
                     const jobs_v1_job *value, shmrpc_error *error);

/* Like put, but returns EXISTS if the key exists already. */
int jobs_v1_jobs_put_new(jobs_v1_jobs_dict *dict, shmrpc_str key,
                         const jobs_v1_job *value, shmrpc_error *error);

/* Removes a key. Returns NOT_FOUND if there is no such key. */
int jobs_v1_jobs_del(jobs_v1_jobs_dict *dict, shmrpc_str key,
                     shmrpc_error *error);

/* Changes the value of a key by calling `change`. Calls it again if another
 * process changed the value meanwhile. */
int jobs_v1_jobs_update(jobs_v1_jobs_dict *dict, shmrpc_str key,
                        jobs_v1_jobs_change *change, void *user,
                        shmrpc_error *error);

/* Puts many keys in one atomic step. */
int jobs_v1_jobs_merge(jobs_v1_jobs_dict *dict,
                       const jobs_v1_jobs_entry *entries, size_t count,
                       shmrpc_error *error);

/* Removes all keys in one atomic step. */
int jobs_v1_jobs_clear(jobs_v1_jobs_dict *dict, shmrpc_error *error);

/* Waits for the advisory lock of a key, which need not have a value, or of the
 * whole dict (`key` NULL), which excludes the locks of all keys. `wait` may be
 * NULL. Returns OWNER_DIED if the caller now holds the lock, but its previous
 * owner died while holding it; DEADLINE if another process still holds it. The
 * error then names that process. See <shmrpc/dict.h>. */
int jobs_v1_jobs_lock(jobs_v1_jobs_dict *dict, const shmrpc_str *key,
                      const shmrpc_lock_wait *wait, shmrpc_error *error);

/* Like lock, but returns BUSY instead of waiting. */
int jobs_v1_jobs_try_lock(jobs_v1_jobs_dict *dict, const shmrpc_str *key,
                          shmrpc_error *error);

/* Releases the lock. Returns PRECONDITION if this thread does not hold it. */
int jobs_v1_jobs_unlock(jobs_v1_jobs_dict *dict, const shmrpc_str *key,
                        shmrpc_error *error);

/* After OWNER_DIED: declares that the data protected by the lock is consistent
 * again. */
int jobs_v1_jobs_lock_consistent(jobs_v1_jobs_dict *dict, const shmrpc_str *key,
                                 shmrpc_error *error);

/* Opens a view of the current contents of the dict; later changes don't affect
 * it. Close it soon, since it keeps memory from being reused. */
int jobs_v1_jobs_view_open(jobs_v1_jobs_dict *dict, jobs_v1_jobs_view **out,
                           shmrpc_error *error);

/* Gets the value of a key, valid until the next call with `view`. Returns
 * NOT_FOUND if there is no such key. */
int jobs_v1_jobs_view_get(jobs_v1_jobs_view *view, shmrpc_str key,
                          const jobs_v1_job **out, shmrpc_error *error);

/* Gets the next entry, in the order of insertion, valid until the next call
 * with `view`. Returns NOT_FOUND after the last entry; the next call then
 * starts over. */
int jobs_v1_jobs_view_next(jobs_v1_jobs_view *view, const shmrpc_str **out_key,
                           const jobs_v1_job **out_value, shmrpc_error *error);

/* Closes the view; NULL is allowed. */
void jobs_v1_jobs_view_close(jobs_v1_jobs_view *view);

/* Opens a watch, which reports changes from now on. `opts` may be NULL. */
int jobs_v1_jobs_watch_open(jobs_v1_jobs_dict *dict,
                            const shmrpc_watch_opts *opts,
                            jobs_v1_jobs_watch **out, shmrpc_error *error);

/* Gets the next change, valid until the next call with `watch`. After a RESYNC
 * event discard what you know, because all entries follow. Returns DEADLINE or
 * BUSY if there is no change, or DESTROYED if the dict was destroyed. */
int jobs_v1_jobs_watch_next(jobs_v1_jobs_watch *watch,
                            const jobs_v1_jobs_event **out,
                            const shmrpc_opts *opts, shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be a change to read, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_jobs_watch_fd(jobs_v1_jobs_watch *watch);

/* Closes the watch; NULL is allowed. */
void jobs_v1_jobs_watch_close(jobs_v1_jobs_watch *watch);

/* Writes a snapshot of all entries to a file, which replaces an older snapshot
 * once it is complete. If `path` is NULL, the file is in the default place;
 * `opts` may be NULL. Returns EXHAUSTED if the disk is full. */
int jobs_v1_jobs_snapshot(jobs_v1_jobs_dict *dict, const char *path,
                          const shmrpc_snapshot_opts *opts,
                          shmrpc_error *error);

/* Puts all entries of a snapshot into the dict in one atomic step. Returns
 * NOT_FOUND if there is no snapshot, DATA_LOSS if it is damaged, or CONTRACT if
 * it has another type. */
int jobs_v1_jobs_load(jobs_v1_jobs_dict *dict, const char *path,
                      shmrpc_error *error);

/* Destroys the dict for all processes, and frees its name. */
int jobs_v1_jobs_destroy(jobs_v1_jobs_dict *dict);

/* Reads the current statistics. */
int jobs_v1_jobs_stat(jobs_v1_jobs_dict *dict, shmrpc_dict_stat *out);

/*
 * The dict "acme.jobs.v1.fixed".
 * Reads take no lock and never wait; each change is atomic.
 * <shmrpc/dict.h> explains the functions and their statuses.
 * Threading: any thread may use a handle; a view or a watch is for one thread
 * at a time.
 */
typedef struct jobs_v1_fixed_dict jobs_v1_fixed_dict;
typedef struct jobs_v1_fixed_view jobs_v1_fixed_view;
typedef struct jobs_v1_fixed_watch jobs_v1_fixed_watch;

/* A key and its value. */
typedef struct jobs_v1_fixed_entry {
    uint64_t key;
    jobs_v1_fixed value;
} jobs_v1_fixed_entry;

/* A change that a watch reports. */
typedef struct jobs_v1_fixed_event {
    shmrpc_event_kind kind;
    uint32_t reserved32;
    uint64_t change; /* number of the change */
    const uint64_t *key; /* PUT and DEL, else NULL */
    const jobs_v1_fixed *value; /* PUT, else NULL */
} jobs_v1_fixed_event;

/* The callback that changes an entry. `was` is the current value, or NULL if
 * there is none; `*now` is a copy of it, or zeros.  Return SHMRPC_CHANGE_PUT,
 * _KEEP or _DELETE, or a status to fail.  It may be called more than once, and
 * must not use the dict. */
typedef int jobs_v1_fixed_change(void *user, const jobs_v1_fixed *was,
                                 jobs_v1_fixed *now);

/* Opens the dict, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.fixed"; `opts` may be NULL. Returns CONTRACT if the existing
 * dict has another type or encoding. Close the dict when done. */
int jobs_v1_fixed_open(const char *name, const shmrpc_shared_opts *opts,
                       jobs_v1_fixed_dict **out, shmrpc_error *error);

/* Closes the handle; close its views first. NULL is allowed. */
void jobs_v1_fixed_close(jobs_v1_fixed_dict *dict);

/* Copies the value of a key to `*out`. Returns NOT_FOUND if there is no such
 * key. */
int jobs_v1_fixed_get(jobs_v1_fixed_dict *dict, uint64_t key,
                      jobs_v1_fixed *out, shmrpc_error *error);

/* Returns 0 if there is such a key, else NOT_FOUND. */
int jobs_v1_fixed_contains(jobs_v1_fixed_dict *dict, uint64_t key,
                           shmrpc_error *error);

/* Counts the entries. */
int jobs_v1_fixed_len(jobs_v1_fixed_dict *dict, uint64_t *out,
                      shmrpc_error *error);

/* Sets the value of a key, new or not, to a copy of `value`. Returns EXHAUSTED
 * if the dict is full, TOO_LARGE if the value is too large, or DESTROYED if the
 * dict was destroyed. */
int jobs_v1_fixed_put(jobs_v1_fixed_dict *dict, uint64_t key,
                      const jobs_v1_fixed *value, shmrpc_error *error);

/* Like put, but returns EXISTS if the key exists already. */
int jobs_v1_fixed_put_new(jobs_v1_fixed_dict *dict, uint64_t key,
                          const jobs_v1_fixed *value, shmrpc_error *error);

/* Removes a key. Returns NOT_FOUND if there is no such key. */
int jobs_v1_fixed_del(jobs_v1_fixed_dict *dict, uint64_t key,
                      shmrpc_error *error);

/* Changes the value of a key by calling `change`. Calls it again if another
 * process changed the value meanwhile. */
int jobs_v1_fixed_update(jobs_v1_fixed_dict *dict, uint64_t key,
                         jobs_v1_fixed_change *change, void *user,
                         shmrpc_error *error);

/* Puts many keys in one atomic step. */
int jobs_v1_fixed_merge(jobs_v1_fixed_dict *dict,
                        const jobs_v1_fixed_entry *entries, size_t count,
                        shmrpc_error *error);

/* Removes all keys in one atomic step. */
int jobs_v1_fixed_clear(jobs_v1_fixed_dict *dict, shmrpc_error *error);

/* Waits for the advisory lock of a key, which need not have a value, or of the
 * whole dict (`key` NULL), which excludes the locks of all keys. `wait` may be
 * NULL. Returns OWNER_DIED if the caller now holds the lock, but its previous
 * owner died while holding it; DEADLINE if another process still holds it. The
 * error then names that process. See <shmrpc/dict.h>. */
int jobs_v1_fixed_lock(jobs_v1_fixed_dict *dict, const uint64_t *key,
                       const shmrpc_lock_wait *wait, shmrpc_error *error);

/* Like lock, but returns BUSY instead of waiting. */
int jobs_v1_fixed_try_lock(jobs_v1_fixed_dict *dict, const uint64_t *key,
                           shmrpc_error *error);

/* Releases the lock. Returns PRECONDITION if this thread does not hold it. */
int jobs_v1_fixed_unlock(jobs_v1_fixed_dict *dict, const uint64_t *key,
                         shmrpc_error *error);

/* After OWNER_DIED: declares that the data protected by the lock is consistent
 * again. */
int jobs_v1_fixed_lock_consistent(jobs_v1_fixed_dict *dict, const uint64_t *key,
                                  shmrpc_error *error);

/* Opens a view of the current contents of the dict; later changes don't affect
 * it. Close it soon, since it keeps memory from being reused. */
int jobs_v1_fixed_view_open(jobs_v1_fixed_dict *dict, jobs_v1_fixed_view **out,
                            shmrpc_error *error);

/* Gets the value of a key, valid until the next call with `view`. Returns
 * NOT_FOUND if there is no such key. */
int jobs_v1_fixed_view_get(jobs_v1_fixed_view *view, uint64_t key,
                           const jobs_v1_fixed **out, shmrpc_error *error);

/* Gets the next entry, in the order of insertion, valid until the next call
 * with `view`. Returns NOT_FOUND after the last entry; the next call then
 * starts over. */
int jobs_v1_fixed_view_next(jobs_v1_fixed_view *view, const uint64_t **out_key,
                            const jobs_v1_fixed **out_value,
                            shmrpc_error *error);

/* Closes the view; NULL is allowed. */
void jobs_v1_fixed_view_close(jobs_v1_fixed_view *view);

/* Opens a watch, which reports changes from now on. `opts` may be NULL. */
int jobs_v1_fixed_watch_open(jobs_v1_fixed_dict *dict,
                             const shmrpc_watch_opts *opts,
                             jobs_v1_fixed_watch **out, shmrpc_error *error);

/* Gets the next change, valid until the next call with `watch`. After a RESYNC
 * event discard what you know, because all entries follow. Returns DEADLINE or
 * BUSY if there is no change, or DESTROYED if the dict was destroyed. */
int jobs_v1_fixed_watch_next(jobs_v1_fixed_watch *watch,
                             const jobs_v1_fixed_event **out,
                             const shmrpc_opts *opts, shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be a change to read, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_fixed_watch_fd(jobs_v1_fixed_watch *watch);

/* Closes the watch; NULL is allowed. */
void jobs_v1_fixed_watch_close(jobs_v1_fixed_watch *watch);

/* Writes a snapshot of all entries to a file, which replaces an older snapshot
 * once it is complete. If `path` is NULL, the file is in the default place;
 * `opts` may be NULL. Returns EXHAUSTED if the disk is full. */
int jobs_v1_fixed_snapshot(jobs_v1_fixed_dict *dict, const char *path,
                           const shmrpc_snapshot_opts *opts,
                           shmrpc_error *error);

/* Puts all entries of a snapshot into the dict in one atomic step. Returns
 * NOT_FOUND if there is no snapshot, DATA_LOSS if it is damaged, or CONTRACT if
 * it has another type. */
int jobs_v1_fixed_load(jobs_v1_fixed_dict *dict, const char *path,
                       shmrpc_error *error);

/* Destroys the dict for all processes, and frees its name. */
int jobs_v1_fixed_destroy(jobs_v1_fixed_dict *dict);

/* Reads the current statistics. */
int jobs_v1_fixed_stat(jobs_v1_fixed_dict *dict, shmrpc_dict_stat *out);

/*
 * The dict "acme.jobs.v1.deep".
 * Reads take no lock and never wait; each change is atomic.
 * <shmrpc/dict.h> explains the functions and their statuses.
 * Threading: any thread may use a handle; a view or a watch is for one thread
 * at a time.
 */
typedef struct jobs_v1_deep_dict jobs_v1_deep_dict;
typedef struct jobs_v1_deep_view jobs_v1_deep_view;
typedef struct jobs_v1_deep_watch jobs_v1_deep_watch;

/* A key and its value. */
typedef struct jobs_v1_deep_entry {
    jobs_v1_key key;
    jobs_v1_job_list value;
} jobs_v1_deep_entry;

/* A change that a watch reports. */
typedef struct jobs_v1_deep_event {
    shmrpc_event_kind kind;
    uint32_t reserved32;
    uint64_t change; /* number of the change */
    const jobs_v1_key *key; /* PUT and DEL, else NULL */
    const jobs_v1_job_list *value; /* PUT, else NULL */
} jobs_v1_deep_event;

/* The callback that changes an entry. `was` is the current value, or NULL if
 * there is none; `*now` is a copy of it, or zeros.  Return SHMRPC_CHANGE_PUT,
 * _KEEP or _DELETE, or a status to fail.  It may be called more than once, and
 * must not use the dict. */
typedef int jobs_v1_deep_change(void *user, const jobs_v1_job_list *was,
                                jobs_v1_job_list *now);

/* Opens the dict, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.deep"; `opts` may be NULL. Returns CONTRACT if the existing
 * dict has another type or encoding. Close the dict when done. */
int jobs_v1_deep_open(const char *name, const shmrpc_shared_opts *opts,
                      jobs_v1_deep_dict **out, shmrpc_error *error);

/* Closes the handle; close its views first. NULL is allowed. */
void jobs_v1_deep_close(jobs_v1_deep_dict *dict);

/* Gets the value of a key, which is read-only and valid until you release it.
 * Returns NOT_FOUND if there is no such key. */
int jobs_v1_deep_get(jobs_v1_deep_dict *dict, const jobs_v1_key *key,
                     const jobs_v1_job_list **out, shmrpc_error *error);

/* Frees a value; NULL is allowed. */
void jobs_v1_deep_release(jobs_v1_deep_dict *dict,
                          const jobs_v1_job_list *value);

/* Returns 0 if there is such a key, else NOT_FOUND. */
int jobs_v1_deep_contains(jobs_v1_deep_dict *dict, const jobs_v1_key *key,
                          shmrpc_error *error);

/* Counts the entries. */
int jobs_v1_deep_len(jobs_v1_deep_dict *dict, uint64_t *out,
                     shmrpc_error *error);

/* Sets the value of a key, new or not, to a copy of `value`. Returns EXHAUSTED
 * if the dict is full, TOO_LARGE if the value is too large, or DESTROYED if the
 * dict was destroyed. */
int jobs_v1_deep_put(jobs_v1_deep_dict *dict, const jobs_v1_key *key,
                     const jobs_v1_job_list *value, shmrpc_error *error);

/* Like put, but returns EXISTS if the key exists already. */
int jobs_v1_deep_put_new(jobs_v1_deep_dict *dict, const jobs_v1_key *key,
                         const jobs_v1_job_list *value, shmrpc_error *error);

/* Removes a key. Returns NOT_FOUND if there is no such key. */
int jobs_v1_deep_del(jobs_v1_deep_dict *dict, const jobs_v1_key *key,
                     shmrpc_error *error);

/* Changes the value of a key by calling `change`. Calls it again if another
 * process changed the value meanwhile. */
int jobs_v1_deep_update(jobs_v1_deep_dict *dict, const jobs_v1_key *key,
                        jobs_v1_deep_change *change, void *user,
                        shmrpc_error *error);

/* Puts many keys in one atomic step. */
int jobs_v1_deep_merge(jobs_v1_deep_dict *dict,
                       const jobs_v1_deep_entry *entries, size_t count,
                       shmrpc_error *error);

/* Removes all keys in one atomic step. */
int jobs_v1_deep_clear(jobs_v1_deep_dict *dict, shmrpc_error *error);

/* Waits for the advisory lock of a key, which need not have a value, or of the
 * whole dict (`key` NULL), which excludes the locks of all keys. `wait` may be
 * NULL. Returns OWNER_DIED if the caller now holds the lock, but its previous
 * owner died while holding it; DEADLINE if another process still holds it. The
 * error then names that process. See <shmrpc/dict.h>. */
int jobs_v1_deep_lock(jobs_v1_deep_dict *dict, const jobs_v1_key *key,
                      const shmrpc_lock_wait *wait, shmrpc_error *error);

/* Like lock, but returns BUSY instead of waiting. */
int jobs_v1_deep_try_lock(jobs_v1_deep_dict *dict, const jobs_v1_key *key,
                          shmrpc_error *error);

/* Releases the lock. Returns PRECONDITION if this thread does not hold it. */
int jobs_v1_deep_unlock(jobs_v1_deep_dict *dict, const jobs_v1_key *key,
                        shmrpc_error *error);

/* After OWNER_DIED: declares that the data protected by the lock is consistent
 * again. */
int jobs_v1_deep_lock_consistent(jobs_v1_deep_dict *dict,
                                 const jobs_v1_key *key, shmrpc_error *error);

/* Opens a view of the current contents of the dict; later changes don't affect
 * it. Close it soon, since it keeps memory from being reused. */
int jobs_v1_deep_view_open(jobs_v1_deep_dict *dict, jobs_v1_deep_view **out,
                           shmrpc_error *error);

/* Gets the value of a key, valid until the next call with `view`. Returns
 * NOT_FOUND if there is no such key. */
int jobs_v1_deep_view_get(jobs_v1_deep_view *view, const jobs_v1_key *key,
                          const jobs_v1_job_list **out, shmrpc_error *error);

/* Gets the next entry, in the order of insertion, valid until the next call
 * with `view`. Returns NOT_FOUND after the last entry; the next call then
 * starts over. */
int jobs_v1_deep_view_next(jobs_v1_deep_view *view, const jobs_v1_key **out_key,
                           const jobs_v1_job_list **out_value,
                           shmrpc_error *error);

/* Closes the view; NULL is allowed. */
void jobs_v1_deep_view_close(jobs_v1_deep_view *view);

/* Opens a watch, which reports changes from now on. `opts` may be NULL. */
int jobs_v1_deep_watch_open(jobs_v1_deep_dict *dict,
                            const shmrpc_watch_opts *opts,
                            jobs_v1_deep_watch **out, shmrpc_error *error);

/* Gets the next change, valid until the next call with `watch`. After a RESYNC
 * event discard what you know, because all entries follow. Returns DEADLINE or
 * BUSY if there is no change, or DESTROYED if the dict was destroyed. */
int jobs_v1_deep_watch_next(jobs_v1_deep_watch *watch,
                            const jobs_v1_deep_event **out,
                            const shmrpc_opts *opts, shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be a change to read, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_deep_watch_fd(jobs_v1_deep_watch *watch);

/* Closes the watch; NULL is allowed. */
void jobs_v1_deep_watch_close(jobs_v1_deep_watch *watch);

/* Writes a snapshot of all entries to a file, which replaces an older snapshot
 * once it is complete. If `path` is NULL, the file is in the default place;
 * `opts` may be NULL. Returns EXHAUSTED if the disk is full. */
int jobs_v1_deep_snapshot(jobs_v1_deep_dict *dict, const char *path,
                          const shmrpc_snapshot_opts *opts,
                          shmrpc_error *error);

/* Puts all entries of a snapshot into the dict in one atomic step. Returns
 * NOT_FOUND if there is no snapshot, DATA_LOSS if it is damaged, or CONTRACT if
 * it has another type. */
int jobs_v1_deep_load(jobs_v1_deep_dict *dict, const char *path,
                      shmrpc_error *error);

/* Destroys the dict for all processes, and frees its name. */
int jobs_v1_deep_destroy(jobs_v1_deep_dict *dict);

/* Reads the current statistics. */
int jobs_v1_deep_stat(jobs_v1_deep_dict *dict, shmrpc_dict_stat *out);

/*
 * The dict "acme.jobs.v1.wild".
 * Reads take no lock and never wait; each change is atomic.
 * <shmrpc/dict.h> explains the functions and their statuses.
 * Threading: any thread may use a handle; a view or a watch is for one thread
 * at a time.
 */
typedef struct jobs_v1_wild_dict jobs_v1_wild_dict;
typedef struct jobs_v1_wild_view jobs_v1_wild_view;
typedef struct jobs_v1_wild_watch jobs_v1_wild_watch;

/* A key and its value. */
typedef struct jobs_v1_wild_entry {
    shmrpc_any key;
    shmrpc_any value;
} jobs_v1_wild_entry;

/* A change that a watch reports. */
typedef struct jobs_v1_wild_event {
    shmrpc_event_kind kind;
    uint32_t reserved32;
    uint64_t change; /* number of the change */
    const shmrpc_any *key; /* PUT and DEL, else NULL */
    const shmrpc_any *value; /* PUT, else NULL */
} jobs_v1_wild_event;

/* The callback that changes an entry. `was` is the current value, or NULL if
 * there is none; `*now` is a copy of it, or zeros.  Return SHMRPC_CHANGE_PUT,
 * _KEEP or _DELETE, or a status to fail.  It may be called more than once, and
 * must not use the dict. */
typedef int jobs_v1_wild_change(void *user, const shmrpc_any *was,
                                shmrpc_any *now);

/* Opens the dict, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.wild"; `opts` may be NULL. Returns CONTRACT if the existing
 * dict has another type or encoding. Close the dict when done. */
int jobs_v1_wild_open(const char *name, const shmrpc_shared_opts *opts,
                      jobs_v1_wild_dict **out, shmrpc_error *error);

/* Closes the handle; close its views first. NULL is allowed. */
void jobs_v1_wild_close(jobs_v1_wild_dict *dict);

/* Gets the value of a key, which is read-only and valid until you release it.
 * Returns NOT_FOUND if there is no such key. */
int jobs_v1_wild_get(jobs_v1_wild_dict *dict, const shmrpc_any *key,
                     const shmrpc_any **out, shmrpc_error *error);

/* Frees a value; NULL is allowed. */
void jobs_v1_wild_release(jobs_v1_wild_dict *dict, const shmrpc_any *value);

/* Returns 0 if there is such a key, else NOT_FOUND. */
int jobs_v1_wild_contains(jobs_v1_wild_dict *dict, const shmrpc_any *key,
                          shmrpc_error *error);

/* Counts the entries. */
int jobs_v1_wild_len(jobs_v1_wild_dict *dict, uint64_t *out,
                     shmrpc_error *error);

/* Sets the value of a key, new or not, to a copy of `value`. Returns EXHAUSTED
 * if the dict is full, TOO_LARGE if the value is too large, or DESTROYED if the
 * dict was destroyed. */
int jobs_v1_wild_put(jobs_v1_wild_dict *dict, const shmrpc_any *key,
                     const shmrpc_any *value, shmrpc_error *error);

/* Like put, but returns EXISTS if the key exists already. */
int jobs_v1_wild_put_new(jobs_v1_wild_dict *dict, const shmrpc_any *key,
                         const shmrpc_any *value, shmrpc_error *error);

/* Removes a key. Returns NOT_FOUND if there is no such key. */
int jobs_v1_wild_del(jobs_v1_wild_dict *dict, const shmrpc_any *key,
                     shmrpc_error *error);

/* Changes the value of a key by calling `change`. Calls it again if another
 * process changed the value meanwhile. */
int jobs_v1_wild_update(jobs_v1_wild_dict *dict, const shmrpc_any *key,
                        jobs_v1_wild_change *change, void *user,
                        shmrpc_error *error);

/* Puts many keys in one atomic step. */
int jobs_v1_wild_merge(jobs_v1_wild_dict *dict,
                       const jobs_v1_wild_entry *entries, size_t count,
                       shmrpc_error *error);

/* Removes all keys in one atomic step. */
int jobs_v1_wild_clear(jobs_v1_wild_dict *dict, shmrpc_error *error);

/* Waits for the advisory lock of a key, which need not have a value, or of the
 * whole dict (`key` NULL), which excludes the locks of all keys. `wait` may be
 * NULL. Returns OWNER_DIED if the caller now holds the lock, but its previous
 * owner died while holding it; DEADLINE if another process still holds it. The
 * error then names that process. See <shmrpc/dict.h>. */
int jobs_v1_wild_lock(jobs_v1_wild_dict *dict, const shmrpc_any *key,
                      const shmrpc_lock_wait *wait, shmrpc_error *error);

/* Like lock, but returns BUSY instead of waiting. */
int jobs_v1_wild_try_lock(jobs_v1_wild_dict *dict, const shmrpc_any *key,
                          shmrpc_error *error);

/* Releases the lock. Returns PRECONDITION if this thread does not hold it. */
int jobs_v1_wild_unlock(jobs_v1_wild_dict *dict, const shmrpc_any *key,
                        shmrpc_error *error);

/* After OWNER_DIED: declares that the data protected by the lock is consistent
 * again. */
int jobs_v1_wild_lock_consistent(jobs_v1_wild_dict *dict, const shmrpc_any *key,
                                 shmrpc_error *error);

/* Opens a view of the current contents of the dict; later changes don't affect
 * it. Close it soon, since it keeps memory from being reused. */
int jobs_v1_wild_view_open(jobs_v1_wild_dict *dict, jobs_v1_wild_view **out,
                           shmrpc_error *error);

/* Gets the value of a key, valid until the next call with `view`. Returns
 * NOT_FOUND if there is no such key. */
int jobs_v1_wild_view_get(jobs_v1_wild_view *view, const shmrpc_any *key,
                          const shmrpc_any **out, shmrpc_error *error);

/* Gets the next entry, in the order of insertion, valid until the next call
 * with `view`. Returns NOT_FOUND after the last entry; the next call then
 * starts over. */
int jobs_v1_wild_view_next(jobs_v1_wild_view *view, const shmrpc_any **out_key,
                           const shmrpc_any **out_value, shmrpc_error *error);

/* Closes the view; NULL is allowed. */
void jobs_v1_wild_view_close(jobs_v1_wild_view *view);

/* Opens a watch, which reports changes from now on. `opts` may be NULL. */
int jobs_v1_wild_watch_open(jobs_v1_wild_dict *dict,
                            const shmrpc_watch_opts *opts,
                            jobs_v1_wild_watch **out, shmrpc_error *error);

/* Gets the next change, valid until the next call with `watch`. After a RESYNC
 * event discard what you know, because all entries follow. Returns DEADLINE or
 * BUSY if there is no change, or DESTROYED if the dict was destroyed. */
int jobs_v1_wild_watch_next(jobs_v1_wild_watch *watch,
                            const jobs_v1_wild_event **out,
                            const shmrpc_opts *opts, shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be a change to read, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_wild_watch_fd(jobs_v1_wild_watch *watch);

/* Closes the watch; NULL is allowed. */
void jobs_v1_wild_watch_close(jobs_v1_wild_watch *watch);

/* Writes a snapshot of all entries to a file, which replaces an older snapshot
 * once it is complete. If `path` is NULL, the file is in the default place;
 * `opts` may be NULL. Returns EXHAUSTED if the disk is full. */
int jobs_v1_wild_snapshot(jobs_v1_wild_dict *dict, const char *path,
                          const shmrpc_snapshot_opts *opts,
                          shmrpc_error *error);

/* Puts all entries of a snapshot into the dict in one atomic step. Returns
 * NOT_FOUND if there is no snapshot, DATA_LOSS if it is damaged, or CONTRACT if
 * it has another type. */
int jobs_v1_wild_load(jobs_v1_wild_dict *dict, const char *path,
                      shmrpc_error *error);

/* Destroys the dict for all processes, and frees its name. */
int jobs_v1_wild_destroy(jobs_v1_wild_dict *dict);

/* Reads the current statistics. */
int jobs_v1_wild_stat(jobs_v1_wild_dict *dict, shmrpc_dict_stat *out);

/*
 * The dict "acme.jobs.v1.arrays".
 * Reads take no lock and never wait; each change is atomic.
 * <shmrpc/dict.h> explains the functions and their statuses.
 * Threading: any thread may use a handle; a view or a watch is for one thread
 * at a time.
 */
typedef struct jobs_v1_arrays_dict jobs_v1_arrays_dict;
typedef struct jobs_v1_arrays_view jobs_v1_arrays_view;
typedef struct jobs_v1_arrays_watch jobs_v1_arrays_watch;

/* A key and its value. */
typedef struct jobs_v1_arrays_entry {
    shmrpc_bytes key;
    jobs_v1_arrays_item value;
} jobs_v1_arrays_entry;

/* A change that a watch reports. */
typedef struct jobs_v1_arrays_event {
    shmrpc_event_kind kind;
    uint32_t reserved32;
    uint64_t change; /* number of the change */
    const shmrpc_bytes *key; /* PUT and DEL, else NULL */
    const jobs_v1_arrays_item *value; /* PUT, else NULL */
} jobs_v1_arrays_event;

/* The callback that changes an entry. `was` is the current value, or NULL if
 * there is none; `*now` is a copy of it, or zeros.  Return SHMRPC_CHANGE_PUT,
 * _KEEP or _DELETE, or a status to fail.  It may be called more than once, and
 * must not use the dict. */
typedef int jobs_v1_arrays_change(void *user, const jobs_v1_arrays_item *was,
                                  jobs_v1_arrays_item *now);

/* Opens the dict, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.arrays"; `opts` may be NULL. Returns CONTRACT if the existing
 * dict has another type or encoding. Close the dict when done. */
int jobs_v1_arrays_open(const char *name, const shmrpc_shared_opts *opts,
                        jobs_v1_arrays_dict **out, shmrpc_error *error);

/* Closes the handle; close its views first. NULL is allowed. */
void jobs_v1_arrays_close(jobs_v1_arrays_dict *dict);

/* Copies the value of a key to `*out`. Returns NOT_FOUND if there is no such
 * key. */
int jobs_v1_arrays_get(jobs_v1_arrays_dict *dict, shmrpc_bytes key,
                       jobs_v1_arrays_item *out, shmrpc_error *error);

/* Returns 0 if there is such a key, else NOT_FOUND. */
int jobs_v1_arrays_contains(jobs_v1_arrays_dict *dict, shmrpc_bytes key,
                            shmrpc_error *error);

/* Counts the entries. */
int jobs_v1_arrays_len(jobs_v1_arrays_dict *dict, uint64_t *out,
                       shmrpc_error *error);

/* Sets the value of a key, new or not, to a copy of `value`. Returns EXHAUSTED
 * if the dict is full, TOO_LARGE if the value is too large, or DESTROYED if the
 * dict was destroyed. */
int jobs_v1_arrays_put(jobs_v1_arrays_dict *dict, shmrpc_bytes key,
                       const jobs_v1_arrays_item *value, shmrpc_error *error);

/* Like put, but returns EXISTS if the key exists already. */
int jobs_v1_arrays_put_new(jobs_v1_arrays_dict *dict, shmrpc_bytes key,
                           const jobs_v1_arrays_item *value,
                           shmrpc_error *error);

/* Removes a key. Returns NOT_FOUND if there is no such key. */
int jobs_v1_arrays_del(jobs_v1_arrays_dict *dict, shmrpc_bytes key,
                       shmrpc_error *error);

/* Changes the value of a key by calling `change`. Calls it again if another
 * process changed the value meanwhile. */
int jobs_v1_arrays_update(jobs_v1_arrays_dict *dict, shmrpc_bytes key,
                          jobs_v1_arrays_change *change, void *user,
                          shmrpc_error *error);

/* Puts many keys in one atomic step. */
int jobs_v1_arrays_merge(jobs_v1_arrays_dict *dict,
                         const jobs_v1_arrays_entry *entries, size_t count,
                         shmrpc_error *error);

/* Removes all keys in one atomic step. */
int jobs_v1_arrays_clear(jobs_v1_arrays_dict *dict, shmrpc_error *error);

/* Waits for the advisory lock of a key, which need not have a value, or of the
 * whole dict (`key` NULL), which excludes the locks of all keys. `wait` may be
 * NULL. Returns OWNER_DIED if the caller now holds the lock, but its previous
 * owner died while holding it; DEADLINE if another process still holds it. The
 * error then names that process. See <shmrpc/dict.h>. */
int jobs_v1_arrays_lock(jobs_v1_arrays_dict *dict, const shmrpc_bytes *key,
                        const shmrpc_lock_wait *wait, shmrpc_error *error);

/* Like lock, but returns BUSY instead of waiting. */
int jobs_v1_arrays_try_lock(jobs_v1_arrays_dict *dict, const shmrpc_bytes *key,
                            shmrpc_error *error);

/* Releases the lock. Returns PRECONDITION if this thread does not hold it. */
int jobs_v1_arrays_unlock(jobs_v1_arrays_dict *dict, const shmrpc_bytes *key,
                          shmrpc_error *error);

/* After OWNER_DIED: declares that the data protected by the lock is consistent
 * again. */
int jobs_v1_arrays_lock_consistent(jobs_v1_arrays_dict *dict,
                                   const shmrpc_bytes *key,
                                   shmrpc_error *error);

/* Opens a view of the current contents of the dict; later changes don't affect
 * it. Close it soon, since it keeps memory from being reused. */
int jobs_v1_arrays_view_open(jobs_v1_arrays_dict *dict,
                             jobs_v1_arrays_view **out, shmrpc_error *error);

/* Gets the value of a key, valid until the next call with `view`. Returns
 * NOT_FOUND if there is no such key. */
int jobs_v1_arrays_view_get(jobs_v1_arrays_view *view, shmrpc_bytes key,
                            const jobs_v1_arrays_item **out,
                            shmrpc_error *error);

/* Gets the next entry, in the order of insertion, valid until the next call
 * with `view`. Returns NOT_FOUND after the last entry; the next call then
 * starts over. */
int jobs_v1_arrays_view_next(jobs_v1_arrays_view *view,
                             const shmrpc_bytes **out_key,
                             const jobs_v1_arrays_item **out_value,
                             shmrpc_error *error);

/* Closes the view; NULL is allowed. */
void jobs_v1_arrays_view_close(jobs_v1_arrays_view *view);

/* Opens a watch, which reports changes from now on. `opts` may be NULL. */
int jobs_v1_arrays_watch_open(jobs_v1_arrays_dict *dict,
                              const shmrpc_watch_opts *opts,
                              jobs_v1_arrays_watch **out, shmrpc_error *error);

/* Gets the next change, valid until the next call with `watch`. After a RESYNC
 * event discard what you know, because all entries follow. Returns DEADLINE or
 * BUSY if there is no change, or DESTROYED if the dict was destroyed. */
int jobs_v1_arrays_watch_next(jobs_v1_arrays_watch *watch,
                              const jobs_v1_arrays_event **out,
                              const shmrpc_opts *opts, shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be a change to read, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_arrays_watch_fd(jobs_v1_arrays_watch *watch);

/* Closes the watch; NULL is allowed. */
void jobs_v1_arrays_watch_close(jobs_v1_arrays_watch *watch);

/* Writes a snapshot of all entries to a file, which replaces an older snapshot
 * once it is complete. If `path` is NULL, the file is in the default place;
 * `opts` may be NULL. Returns EXHAUSTED if the disk is full. */
int jobs_v1_arrays_snapshot(jobs_v1_arrays_dict *dict, const char *path,
                            const shmrpc_snapshot_opts *opts,
                            shmrpc_error *error);

/* Puts all entries of a snapshot into the dict in one atomic step. Returns
 * NOT_FOUND if there is no snapshot, DATA_LOSS if it is damaged, or CONTRACT if
 * it has another type. */
int jobs_v1_arrays_load(jobs_v1_arrays_dict *dict, const char *path,
                        shmrpc_error *error);

/* Destroys the dict for all processes, and frees its name. */
int jobs_v1_arrays_destroy(jobs_v1_arrays_dict *dict);

/* Reads the current statistics. */
int jobs_v1_arrays_stat(jobs_v1_arrays_dict *dict, shmrpc_dict_stat *out);

/*
 * The dict "acme.jobs.v1.counts".
 * Reads take no lock and never wait; each change is atomic.
 * <shmrpc/dict.h> explains the functions and their statuses.
 * Threading: any thread may use a handle; a view or a watch is for one thread
 * at a time.
 */
typedef struct jobs_v1_counts_dict jobs_v1_counts_dict;
typedef struct jobs_v1_counts_view jobs_v1_counts_view;
typedef struct jobs_v1_counts_watch jobs_v1_counts_watch;

/* A key and its value. */
typedef struct jobs_v1_counts_entry {
    jobs_v1_level key;
    jobs_v1_counts_item value;
} jobs_v1_counts_entry;

/* A change that a watch reports. */
typedef struct jobs_v1_counts_event {
    shmrpc_event_kind kind;
    uint32_t reserved32;
    uint64_t change; /* number of the change */
    const jobs_v1_level *key; /* PUT and DEL, else NULL */
    const jobs_v1_counts_item *value; /* PUT, else NULL */
} jobs_v1_counts_event;

/* The callback that changes an entry. `was` is the current value, or NULL if
 * there is none; `*now` is a copy of it, or zeros.  Return SHMRPC_CHANGE_PUT,
 * _KEEP or _DELETE, or a status to fail.  It may be called more than once, and
 * must not use the dict. */
typedef int jobs_v1_counts_change(void *user, const jobs_v1_counts_item *was,
                                  jobs_v1_counts_item *now);

/* Opens the dict, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.counts"; `opts` may be NULL. Returns CONTRACT if the existing
 * dict has another type or encoding. Close the dict when done. */
int jobs_v1_counts_open(const char *name, const shmrpc_shared_opts *opts,
                        jobs_v1_counts_dict **out, shmrpc_error *error);

/* Closes the handle; close its views first. NULL is allowed. */
void jobs_v1_counts_close(jobs_v1_counts_dict *dict);

/* Gets the value of a key, which is read-only and valid until you release it.
 * Returns NOT_FOUND if there is no such key. */
int jobs_v1_counts_get(jobs_v1_counts_dict *dict, jobs_v1_level key,
                       const jobs_v1_counts_item **out, shmrpc_error *error);

/* Frees a value; NULL is allowed. */
void jobs_v1_counts_release(jobs_v1_counts_dict *dict,
                            const jobs_v1_counts_item *value);

/* Returns 0 if there is such a key, else NOT_FOUND. */
int jobs_v1_counts_contains(jobs_v1_counts_dict *dict, jobs_v1_level key,
                            shmrpc_error *error);

/* Counts the entries. */
int jobs_v1_counts_len(jobs_v1_counts_dict *dict, uint64_t *out,
                       shmrpc_error *error);

/* Sets the value of a key, new or not, to a copy of `value`. Returns EXHAUSTED
 * if the dict is full, TOO_LARGE if the value is too large, or DESTROYED if the
 * dict was destroyed. */
int jobs_v1_counts_put(jobs_v1_counts_dict *dict, jobs_v1_level key,
                       const jobs_v1_counts_item *value, shmrpc_error *error);

/* Like put, but returns EXISTS if the key exists already. */
int jobs_v1_counts_put_new(jobs_v1_counts_dict *dict, jobs_v1_level key,
                           const jobs_v1_counts_item *value,
                           shmrpc_error *error);

/* Removes a key. Returns NOT_FOUND if there is no such key. */
int jobs_v1_counts_del(jobs_v1_counts_dict *dict, jobs_v1_level key,
                       shmrpc_error *error);

/* Changes the value of a key by calling `change`. Calls it again if another
 * process changed the value meanwhile. */
int jobs_v1_counts_update(jobs_v1_counts_dict *dict, jobs_v1_level key,
                          jobs_v1_counts_change *change, void *user,
                          shmrpc_error *error);

/* Puts many keys in one atomic step. */
int jobs_v1_counts_merge(jobs_v1_counts_dict *dict,
                         const jobs_v1_counts_entry *entries, size_t count,
                         shmrpc_error *error);

/* Removes all keys in one atomic step. */
int jobs_v1_counts_clear(jobs_v1_counts_dict *dict, shmrpc_error *error);

/* Waits for the advisory lock of a key, which need not have a value, or of the
 * whole dict (`key` NULL), which excludes the locks of all keys. `wait` may be
 * NULL. Returns OWNER_DIED if the caller now holds the lock, but its previous
 * owner died while holding it; DEADLINE if another process still holds it. The
 * error then names that process. See <shmrpc/dict.h>. */
int jobs_v1_counts_lock(jobs_v1_counts_dict *dict, const jobs_v1_level *key,
                        const shmrpc_lock_wait *wait, shmrpc_error *error);

/* Like lock, but returns BUSY instead of waiting. */
int jobs_v1_counts_try_lock(jobs_v1_counts_dict *dict, const jobs_v1_level *key,
                            shmrpc_error *error);

/* Releases the lock. Returns PRECONDITION if this thread does not hold it. */
int jobs_v1_counts_unlock(jobs_v1_counts_dict *dict, const jobs_v1_level *key,
                          shmrpc_error *error);

/* After OWNER_DIED: declares that the data protected by the lock is consistent
 * again. */
int jobs_v1_counts_lock_consistent(jobs_v1_counts_dict *dict,
                                   const jobs_v1_level *key,
                                   shmrpc_error *error);

/* Opens a view of the current contents of the dict; later changes don't affect
 * it. Close it soon, since it keeps memory from being reused. */
int jobs_v1_counts_view_open(jobs_v1_counts_dict *dict,
                             jobs_v1_counts_view **out, shmrpc_error *error);

/* Gets the value of a key, valid until the next call with `view`. Returns
 * NOT_FOUND if there is no such key. */
int jobs_v1_counts_view_get(jobs_v1_counts_view *view, jobs_v1_level key,
                            const jobs_v1_counts_item **out,
                            shmrpc_error *error);

/* Gets the next entry, in the order of insertion, valid until the next call
 * with `view`. Returns NOT_FOUND after the last entry; the next call then
 * starts over. */
int jobs_v1_counts_view_next(jobs_v1_counts_view *view,
                             const jobs_v1_level **out_key,
                             const jobs_v1_counts_item **out_value,
                             shmrpc_error *error);

/* Closes the view; NULL is allowed. */
void jobs_v1_counts_view_close(jobs_v1_counts_view *view);

/* Opens a watch, which reports changes from now on. `opts` may be NULL. */
int jobs_v1_counts_watch_open(jobs_v1_counts_dict *dict,
                              const shmrpc_watch_opts *opts,
                              jobs_v1_counts_watch **out, shmrpc_error *error);

/* Gets the next change, valid until the next call with `watch`. After a RESYNC
 * event discard what you know, because all entries follow. Returns DEADLINE or
 * BUSY if there is no change, or DESTROYED if the dict was destroyed. */
int jobs_v1_counts_watch_next(jobs_v1_counts_watch *watch,
                              const jobs_v1_counts_event **out,
                              const shmrpc_opts *opts, shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be a change to read, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_counts_watch_fd(jobs_v1_counts_watch *watch);

/* Closes the watch; NULL is allowed. */
void jobs_v1_counts_watch_close(jobs_v1_counts_watch *watch);

/* Writes a snapshot of all entries to a file, which replaces an older snapshot
 * once it is complete. If `path` is NULL, the file is in the default place;
 * `opts` may be NULL. Returns EXHAUSTED if the disk is full. */
int jobs_v1_counts_snapshot(jobs_v1_counts_dict *dict, const char *path,
                            const shmrpc_snapshot_opts *opts,
                            shmrpc_error *error);

/* Puts all entries of a snapshot into the dict in one atomic step. Returns
 * NOT_FOUND if there is no snapshot, DATA_LOSS if it is damaged, or CONTRACT if
 * it has another type. */
int jobs_v1_counts_load(jobs_v1_counts_dict *dict, const char *path,
                        shmrpc_error *error);

/* Destroys the dict for all processes, and frees its name. */
int jobs_v1_counts_destroy(jobs_v1_counts_dict *dict);

/* Reads the current statistics. */
int jobs_v1_counts_stat(jobs_v1_counts_dict *dict, shmrpc_dict_stat *out);

/*
 * What has happened.
 *
 * The topic "acme.jobs.v1.news".
 * Every subscriber gets every message. <shmrpc/topic.h> explains the functions
 * and their statuses, and what happens to slow subscribers.
 * Threading: any thread may use a handle; a subscription is for one thread at
 * a time.
 */
typedef struct jobs_v1_news_topic jobs_v1_news_topic;
typedef struct jobs_v1_news_sub jobs_v1_news_sub;

/* Opens the topic, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.news"; `opts` may be NULL. Returns CONTRACT if the existing
 * topic has another type or encoding. Close the topic when done. */
int jobs_v1_news_open(const char *name, const shmrpc_shared_opts *opts,
                      jobs_v1_news_topic **out, shmrpc_error *error);

/* Closes the handle; unsubscribe first. NULL is allowed. */
void jobs_v1_news_close(jobs_v1_news_topic *topic);

/* Publishes a copy of `message`. Returns DEADLINE or BUSY if a subscriber for
 * which publishers wait is too slow, TOO_LARGE if the message is too large, or
 * DESTROYED if the topic was destroyed. */
int jobs_v1_news_publish(jobs_v1_news_topic *topic, const jobs_v1_job *message,
                         const shmrpc_opts *opts, shmrpc_error *error);

/* Subscribes to the topic. The subscription gets the messages in the history
 * first, then new ones. */
int jobs_v1_news_subscribe(jobs_v1_news_topic *topic, jobs_v1_news_sub **out,
                           shmrpc_error *error);

/* Gets the next message, valid until the next call with `sub`. Returns DEADLINE
 * or BUSY if there is none; LOST if messages were overwritten (the next call
 * continues after them); EVICTED if publishers waited too long for this
 * subscription (subscribe again); CANCELLED if the topic was ended; DESTROYED
 * if it was destroyed. */
int jobs_v1_news_next(jobs_v1_news_sub *sub, const jobs_v1_job **out,
                      const shmrpc_opts *opts, shmrpc_error *error);

/* The total number of messages that the subscription has lost. */
uint64_t jobs_v1_news_lost(const jobs_v1_news_sub *sub);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be a message, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_news_fd(jobs_v1_news_sub *sub);

/* Ends the subscription; NULL is allowed. */
void jobs_v1_news_unsubscribe(jobs_v1_news_sub *sub);

/* Ends the topic: publish returns CANCELLED from now on, and so does next after
 * the last message. */
int jobs_v1_news_end(jobs_v1_news_topic *topic);

/* Destroys the topic for all processes, and frees its name. */
int jobs_v1_news_destroy(jobs_v1_news_topic *topic);

/* Reads the current statistics. */
int jobs_v1_news_stat(jobs_v1_news_topic *topic, shmrpc_topic_stat *out);

/*
 * The topic "acme.jobs.v1.levels_seen".
 * Every subscriber gets every message. <shmrpc/topic.h> explains the functions
 * and their statuses, and what happens to slow subscribers.
 * Threading: any thread may use a handle; a subscription is for one thread at
 * a time.
 */
typedef struct jobs_v1_levels_seen_topic jobs_v1_levels_seen_topic;
typedef struct jobs_v1_levels_seen_sub jobs_v1_levels_seen_sub;

/* Opens the topic, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.levels_seen"; `opts` may be NULL. Returns CONTRACT if the
 * existing topic has another type or encoding. Close the topic when done. */
int jobs_v1_levels_seen_open(const char *name, const shmrpc_shared_opts *opts,
                             jobs_v1_levels_seen_topic **out,
                             shmrpc_error *error);

/* Closes the handle; unsubscribe first. NULL is allowed. */
void jobs_v1_levels_seen_close(jobs_v1_levels_seen_topic *topic);

/* Publishes a copy of `message`. Returns DEADLINE or BUSY if a subscriber for
 * which publishers wait is too slow, TOO_LARGE if the message is too large, or
 * DESTROYED if the topic was destroyed. */
int jobs_v1_levels_seen_publish(jobs_v1_levels_seen_topic *topic,
                                const jobs_v1_level *message,
                                const shmrpc_opts *opts, shmrpc_error *error);

/* Subscribes to the topic. The subscription gets the messages in the history
 * first, then new ones. */
int jobs_v1_levels_seen_subscribe(jobs_v1_levels_seen_topic *topic,
                                  jobs_v1_levels_seen_sub **out,
                                  shmrpc_error *error);

/* Gets the next message, valid until the next call with `sub`. Returns DEADLINE
 * or BUSY if there is none; LOST if messages were overwritten (the next call
 * continues after them); EVICTED if publishers waited too long for this
 * subscription (subscribe again); CANCELLED if the topic was ended; DESTROYED
 * if it was destroyed. */
int jobs_v1_levels_seen_next(jobs_v1_levels_seen_sub *sub,
                             const jobs_v1_level **out, const shmrpc_opts *opts,
                             shmrpc_error *error);

/* The total number of messages that the subscription has lost. */
uint64_t jobs_v1_levels_seen_lost(const jobs_v1_levels_seen_sub *sub);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be a message, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_levels_seen_fd(jobs_v1_levels_seen_sub *sub);

/* Ends the subscription; NULL is allowed. */
void jobs_v1_levels_seen_unsubscribe(jobs_v1_levels_seen_sub *sub);

/* Ends the topic: publish returns CANCELLED from now on, and so does next after
 * the last message. */
int jobs_v1_levels_seen_end(jobs_v1_levels_seen_topic *topic);

/* Destroys the topic for all processes, and frees its name. */
int jobs_v1_levels_seen_destroy(jobs_v1_levels_seen_topic *topic);

/* Reads the current statistics. */
int jobs_v1_levels_seen_stat(jobs_v1_levels_seen_topic *topic,
                             shmrpc_topic_stat *out);

/*
 * The topic "acme.jobs.v1.talk".
 * Every subscriber gets every message. <shmrpc/topic.h> explains the functions
 * and their statuses, and what happens to slow subscribers.
 * Threading: any thread may use a handle; a subscription is for one thread at
 * a time.
 */
typedef struct jobs_v1_talk_topic jobs_v1_talk_topic;
typedef struct jobs_v1_talk_sub jobs_v1_talk_sub;

/* Opens the topic, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.talk"; `opts` may be NULL. Returns CONTRACT if the existing
 * topic has another type or encoding. Close the topic when done. */
int jobs_v1_talk_open(const char *name, const shmrpc_shared_opts *opts,
                      jobs_v1_talk_topic **out, shmrpc_error *error);

/* Closes the handle; unsubscribe first. NULL is allowed. */
void jobs_v1_talk_close(jobs_v1_talk_topic *topic);

/* Publishes a copy of `message`. Returns DEADLINE or BUSY if a subscriber for
 * which publishers wait is too slow, TOO_LARGE if the message is too large, or
 * DESTROYED if the topic was destroyed. */
int jobs_v1_talk_publish(jobs_v1_talk_topic *topic, const shmrpc_any *message,
                         const shmrpc_opts *opts, shmrpc_error *error);

/* Subscribes to the topic. The subscription gets the messages in the history
 * first, then new ones. */
int jobs_v1_talk_subscribe(jobs_v1_talk_topic *topic, jobs_v1_talk_sub **out,
                           shmrpc_error *error);

/* Gets the next message, valid until the next call with `sub`. Returns DEADLINE
 * or BUSY if there is none; LOST if messages were overwritten (the next call
 * continues after them); EVICTED if publishers waited too long for this
 * subscription (subscribe again); CANCELLED if the topic was ended; DESTROYED
 * if it was destroyed. */
int jobs_v1_talk_next(jobs_v1_talk_sub *sub, const shmrpc_any **out,
                      const shmrpc_opts *opts, shmrpc_error *error);

/* The total number of messages that the subscription has lost. */
uint64_t jobs_v1_talk_lost(const jobs_v1_talk_sub *sub);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be a message, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_talk_fd(jobs_v1_talk_sub *sub);

/* Ends the subscription; NULL is allowed. */
void jobs_v1_talk_unsubscribe(jobs_v1_talk_sub *sub);

/* Ends the topic: publish returns CANCELLED from now on, and so does next after
 * the last message. */
int jobs_v1_talk_end(jobs_v1_talk_topic *topic);

/* Destroys the topic for all processes, and frees its name. */
int jobs_v1_talk_destroy(jobs_v1_talk_topic *topic);

/* Reads the current statistics. */
int jobs_v1_talk_stat(jobs_v1_talk_topic *topic, shmrpc_topic_stat *out);

/*
 * Sound, as it is.
 *
 * The pipe "acme.jobs.v1.sound".
 * A stream of bytes from one writer at a time. <shmrpc/pipe.h> explains the
 * functions and their statuses, and how the end of a stream differs from the
 * death of its writer.
 * Threading: any thread may use a handle.
 */
typedef struct jobs_v1_sound_pipe jobs_v1_sound_pipe;

/* Opens the pipe, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.sound"; `opts` may be NULL. Returns CONTRACT if the existing
 * pipe has another type or encoding. Close the pipe when done. */
int jobs_v1_sound_open(const char *name, const shmrpc_shared_opts *opts,
                       jobs_v1_sound_pipe **out, shmrpc_error *error);

/* Closes the handle, after which another one may become the writer. NULL is
 * allowed. */
void jobs_v1_sound_close(jobs_v1_sound_pipe *pipe);

/* Writes all `len` bytes. The number of bytes written is stored in
 * `*out_written` in any case, unless `out_written` is NULL. Returns DEADLINE if
 * the pipe is full, BUSY if another handle is the writer, CANCELLED if the
 * stream was ended, or DESTROYED if the pipe was destroyed. */
int jobs_v1_sound_write(jobs_v1_sound_pipe *pipe, const void *data, size_t len,
                        const shmrpc_opts *opts, size_t *out_written,
                        shmrpc_error *error);

/* Reads available bytes, up to `size`; 0 bytes mean the end of the stream.
 * Returns DEADLINE or BUSY if there are none, OWNER_DIED if the writer died, or
 * DESTROYED if the pipe was destroyed. */
int jobs_v1_sound_read(jobs_v1_sound_pipe *pipe, void *data, size_t size,
                       const shmrpc_opts *opts, size_t *out_read,
                       shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be bytes to read, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_sound_fd(jobs_v1_sound_pipe *pipe);

/* Ends the stream for good: readers get the remaining bytes, then the end. */
int jobs_v1_sound_end(jobs_v1_sound_pipe *pipe);

/* Destroys the pipe for all processes, and frees its name. */
int jobs_v1_sound_destroy(jobs_v1_sound_pipe *pipe);

/* Reads the current statistics. */
int jobs_v1_sound_stat(jobs_v1_sound_pipe *pipe, shmrpc_pipe_stat *out);

/*
 * The value "acme.jobs.v1.config".
 * Reads take no lock and never wait; each change is atomic.
 * <shmrpc/value.h> explains the functions and their statuses.
 * Threading: any thread may use a handle; a watch is for one thread at a time.
 */
typedef struct jobs_v1_config_value jobs_v1_config_value;
typedef struct jobs_v1_config_watch jobs_v1_config_watch;

/* A change that a watch reports. */
typedef struct jobs_v1_config_event {
    shmrpc_event_kind kind;
    uint32_t reserved32;
    uint64_t change; /* number of the change */
    const void *key; /* NULL */
    const shmrpc_any *value; /* PUT, else NULL */
} jobs_v1_config_event;

/* The callback that changes the value. `was` is the current value, or NULL if
 * there is none; `*now` is a copy of it, or zeros.  Return SHMRPC_CHANGE_PUT,
 * _KEEP or _DELETE, or a status to fail.  It may be called more than once, and
 * must not use the value. */
typedef int jobs_v1_config_change(void *user, const shmrpc_any *was,
                                  shmrpc_any *now);

/* Opens the value, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.config"; `opts` may be NULL. Returns CONTRACT if the existing
 * value has another type or encoding. Close the value when done. */
int jobs_v1_config_open(const char *name, const shmrpc_shared_opts *opts,
                        jobs_v1_config_value **out, shmrpc_error *error);

/* Closes the handle; NULL is allowed. */
void jobs_v1_config_close(jobs_v1_config_value *value);

/* Gets the value, which is read-only and valid until you release it. Returns
 * NOT_FOUND if it was never put. */
int jobs_v1_config_get(jobs_v1_config_value *value, const shmrpc_any **out,
                       shmrpc_error *error);

/* Frees a value that jobs_v1_config_get returned; NULL is allowed. */
void jobs_v1_config_release(jobs_v1_config_value *value,
                            const shmrpc_any *item);

/* Replaces the value by a copy of `item`. Returns EXHAUSTED if there is no
 * room, TOO_LARGE if the item is too large, or DESTROYED if the value was
 * destroyed. */
int jobs_v1_config_put(jobs_v1_config_value *value, const shmrpc_any *item,
                       shmrpc_error *error);

/* Changes the value by calling `change`. Calls it again if another process
 * changed the value meanwhile. */
int jobs_v1_config_update(jobs_v1_config_value *value,
                          jobs_v1_config_change *change, void *user,
                          shmrpc_error *error);

/* Waits for the value's advisory lock. `wait` may be NULL. Returns OWNER_DIED
 * if the lock is now held, but its previous owner died while holding it;
 * DEADLINE if another process still holds it, which the error names. See
 * <shmrpc/dict.h>. */
int jobs_v1_config_lock(jobs_v1_config_value *value,
                        const shmrpc_lock_wait *wait, shmrpc_error *error);

/* Like lock, but returns BUSY instead of waiting. */
int jobs_v1_config_try_lock(jobs_v1_config_value *value, shmrpc_error *error);

/* Releases the lock. Returns PRECONDITION if this thread does not hold it. */
int jobs_v1_config_unlock(jobs_v1_config_value *value, shmrpc_error *error);

/* After OWNER_DIED: declares that the data protected by the lock is consistent
 * again. */
int jobs_v1_config_lock_consistent(jobs_v1_config_value *value,
                                   shmrpc_error *error);

/* Opens a watch, which reports changes from now on; with SHMRPC_WATCH_SNAPSHOT
 * in `flags` it reports the current value first. */
int jobs_v1_config_watch_open(jobs_v1_config_value *value, uint32_t flags,
                              jobs_v1_config_watch **out, shmrpc_error *error);

/* Gets the next change, valid until the next call with `watch`. Returns
 * DEADLINE or BUSY if there is no change, or DESTROYED if the value was
 * destroyed. */
int jobs_v1_config_watch_next(jobs_v1_config_watch *watch,
                              const jobs_v1_config_event **out,
                              const shmrpc_opts *opts, shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be a change to read, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_config_watch_fd(jobs_v1_config_watch *watch);

/* Closes the watch; NULL is allowed. */
void jobs_v1_config_watch_close(jobs_v1_config_watch *watch);

/* Writes a snapshot of the value to a file, which replaces an older one when it
 * is complete. If `path` is NULL, the file is in the default place; `opts` may
 * be NULL. Returns EXHAUSTED if the disk is full. */
int jobs_v1_config_snapshot(jobs_v1_config_value *value, const char *path,
                            const shmrpc_snapshot_opts *opts,
                            shmrpc_error *error);

/* Replaces the value by the contents of a snapshot. Returns NOT_FOUND if there
 * is no snapshot, DATA_LOSS if it is damaged, or CONTRACT if it has another
 * type. */
int jobs_v1_config_load(jobs_v1_config_value *value, const char *path,
                        shmrpc_error *error);

/* Destroys the value for all processes, and frees its name. */
int jobs_v1_config_destroy(jobs_v1_config_value *value);

/* Reads the current statistics. */
int jobs_v1_config_stat(jobs_v1_config_value *value, shmrpc_dict_stat *out);

/*
 * The value "acme.jobs.v1.current".
 * Reads take no lock and never wait; each change is atomic.
 * <shmrpc/value.h> explains the functions and their statuses.
 * Threading: any thread may use a handle; a watch is for one thread at a time.
 */
typedef struct jobs_v1_current_value jobs_v1_current_value;
typedef struct jobs_v1_current_watch jobs_v1_current_watch;

/* A change that a watch reports. */
typedef struct jobs_v1_current_event {
    shmrpc_event_kind kind;
    uint32_t reserved32;
    uint64_t change; /* number of the change */
    const void *key; /* NULL */
    const jobs_v1_job *value; /* PUT, else NULL */
} jobs_v1_current_event;

/* The callback that changes the value. `was` is the current value, or NULL if
 * there is none; `*now` is a copy of it, or zeros.  Return SHMRPC_CHANGE_PUT,
 * _KEEP or _DELETE, or a status to fail.  It may be called more than once, and
 * must not use the value. */
typedef int jobs_v1_current_change(void *user, const jobs_v1_job *was,
                                   jobs_v1_job *now);

/* Opens the value, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.current"; `opts` may be NULL. Returns CONTRACT if the existing
 * value has another type or encoding. Close the value when done. */
int jobs_v1_current_open(const char *name, const shmrpc_shared_opts *opts,
                         jobs_v1_current_value **out, shmrpc_error *error);

/* Closes the handle; NULL is allowed. */
void jobs_v1_current_close(jobs_v1_current_value *value);

/* Gets the value, which is read-only and valid until you release it. Returns
 * NOT_FOUND if it was never put. */
int jobs_v1_current_get(jobs_v1_current_value *value, const jobs_v1_job **out,
                        shmrpc_error *error);

/* Frees a value that jobs_v1_current_get returned; NULL is allowed. */
void jobs_v1_current_release(jobs_v1_current_value *value,
                             const jobs_v1_job *item);

/* Replaces the value by a copy of `item`. Returns EXHAUSTED if there is no
 * room, TOO_LARGE if the item is too large, or DESTROYED if the value was
 * destroyed. */
int jobs_v1_current_put(jobs_v1_current_value *value, const jobs_v1_job *item,
                        shmrpc_error *error);

/* Changes the value by calling `change`. Calls it again if another process
 * changed the value meanwhile. */
int jobs_v1_current_update(jobs_v1_current_value *value,
                           jobs_v1_current_change *change, void *user,
                           shmrpc_error *error);

/* Waits for the value's advisory lock. `wait` may be NULL. Returns OWNER_DIED
 * if the lock is now held, but its previous owner died while holding it;
 * DEADLINE if another process still holds it, which the error names. See
 * <shmrpc/dict.h>. */
int jobs_v1_current_lock(jobs_v1_current_value *value,
                         const shmrpc_lock_wait *wait, shmrpc_error *error);

/* Like lock, but returns BUSY instead of waiting. */
int jobs_v1_current_try_lock(jobs_v1_current_value *value, shmrpc_error *error);

/* Releases the lock. Returns PRECONDITION if this thread does not hold it. */
int jobs_v1_current_unlock(jobs_v1_current_value *value, shmrpc_error *error);

/* After OWNER_DIED: declares that the data protected by the lock is consistent
 * again. */
int jobs_v1_current_lock_consistent(jobs_v1_current_value *value,
                                    shmrpc_error *error);

/* Opens a watch, which reports changes from now on; with SHMRPC_WATCH_SNAPSHOT
 * in `flags` it reports the current value first. */
int jobs_v1_current_watch_open(jobs_v1_current_value *value, uint32_t flags,
                               jobs_v1_current_watch **out,
                               shmrpc_error *error);

/* Gets the next change, valid until the next call with `watch`. Returns
 * DEADLINE or BUSY if there is no change, or DESTROYED if the value was
 * destroyed. */
int jobs_v1_current_watch_next(jobs_v1_current_watch *watch,
                               const jobs_v1_current_event **out,
                               const shmrpc_opts *opts, shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be a change to read, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_current_watch_fd(jobs_v1_current_watch *watch);

/* Closes the watch; NULL is allowed. */
void jobs_v1_current_watch_close(jobs_v1_current_watch *watch);

/* Writes a snapshot of the value to a file, which replaces an older one when it
 * is complete. If `path` is NULL, the file is in the default place; `opts` may
 * be NULL. Returns EXHAUSTED if the disk is full. */
int jobs_v1_current_snapshot(jobs_v1_current_value *value, const char *path,
                             const shmrpc_snapshot_opts *opts,
                             shmrpc_error *error);

/* Replaces the value by the contents of a snapshot. Returns NOT_FOUND if there
 * is no snapshot, DATA_LOSS if it is damaged, or CONTRACT if it has another
 * type. */
int jobs_v1_current_load(jobs_v1_current_value *value, const char *path,
                         shmrpc_error *error);

/* Destroys the value for all processes, and frees its name. */
int jobs_v1_current_destroy(jobs_v1_current_value *value);

/* Reads the current statistics. */
int jobs_v1_current_stat(jobs_v1_current_value *value, shmrpc_dict_stat *out);

/*
 * The value "acme.jobs.v1.state".
 * Reads take no lock and never wait; each change is atomic.
 * <shmrpc/value.h> explains the functions and their statuses.
 * Threading: any thread may use a handle; a watch is for one thread at a time.
 */
typedef struct jobs_v1_state_value jobs_v1_state_value;
typedef struct jobs_v1_state_watch jobs_v1_state_watch;

/* A change that a watch reports. */
typedef struct jobs_v1_state_event {
    shmrpc_event_kind kind;
    uint32_t reserved32;
    uint64_t change; /* number of the change */
    const void *key; /* NULL */
    const jobs_v1_fixed *value; /* PUT, else NULL */
} jobs_v1_state_event;

/* The callback that changes the value. `was` is the current value, or NULL if
 * there is none; `*now` is a copy of it, or zeros.  Return SHMRPC_CHANGE_PUT,
 * _KEEP or _DELETE, or a status to fail.  It may be called more than once, and
 * must not use the value. */
typedef int jobs_v1_state_change(void *user, const jobs_v1_fixed *was,
                                 jobs_v1_fixed *now);

/* Opens the value, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.state"; `opts` may be NULL. Returns CONTRACT if the existing
 * value has another type or encoding. Close the value when done. */
int jobs_v1_state_open(const char *name, const shmrpc_shared_opts *opts,
                       jobs_v1_state_value **out, shmrpc_error *error);

/* Closes the handle; NULL is allowed. */
void jobs_v1_state_close(jobs_v1_state_value *value);

/* Copies the value to `*out`. Returns NOT_FOUND if it was never put. */
int jobs_v1_state_get(jobs_v1_state_value *value, jobs_v1_fixed *out,
                      shmrpc_error *error);

/* Replaces the value by a copy of `item`. Returns EXHAUSTED if there is no
 * room, TOO_LARGE if the item is too large, or DESTROYED if the value was
 * destroyed. */
int jobs_v1_state_put(jobs_v1_state_value *value, const jobs_v1_fixed *item,
                      shmrpc_error *error);

/* Changes the value by calling `change`. Calls it again if another process
 * changed the value meanwhile. */
int jobs_v1_state_update(jobs_v1_state_value *value,
                         jobs_v1_state_change *change, void *user,
                         shmrpc_error *error);

/* Waits for the value's advisory lock. `wait` may be NULL. Returns OWNER_DIED
 * if the lock is now held, but its previous owner died while holding it;
 * DEADLINE if another process still holds it, which the error names. See
 * <shmrpc/dict.h>. */
int jobs_v1_state_lock(jobs_v1_state_value *value, const shmrpc_lock_wait *wait,
                       shmrpc_error *error);

/* Like lock, but returns BUSY instead of waiting. */
int jobs_v1_state_try_lock(jobs_v1_state_value *value, shmrpc_error *error);

/* Releases the lock. Returns PRECONDITION if this thread does not hold it. */
int jobs_v1_state_unlock(jobs_v1_state_value *value, shmrpc_error *error);

/* After OWNER_DIED: declares that the data protected by the lock is consistent
 * again. */
int jobs_v1_state_lock_consistent(jobs_v1_state_value *value,
                                  shmrpc_error *error);

/* Opens a watch, which reports changes from now on; with SHMRPC_WATCH_SNAPSHOT
 * in `flags` it reports the current value first. */
int jobs_v1_state_watch_open(jobs_v1_state_value *value, uint32_t flags,
                             jobs_v1_state_watch **out, shmrpc_error *error);

/* Gets the next change, valid until the next call with `watch`. Returns
 * DEADLINE or BUSY if there is no change, or DESTROYED if the value was
 * destroyed. */
int jobs_v1_state_watch_next(jobs_v1_state_watch *watch,
                             const jobs_v1_state_event **out,
                             const shmrpc_opts *opts, shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be a change to read, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_state_watch_fd(jobs_v1_state_watch *watch);

/* Closes the watch; NULL is allowed. */
void jobs_v1_state_watch_close(jobs_v1_state_watch *watch);

/* Writes a snapshot of the value to a file, which replaces an older one when it
 * is complete. If `path` is NULL, the file is in the default place; `opts` may
 * be NULL. Returns EXHAUSTED if the disk is full. */
int jobs_v1_state_snapshot(jobs_v1_state_value *value, const char *path,
                           const shmrpc_snapshot_opts *opts,
                           shmrpc_error *error);

/* Replaces the value by the contents of a snapshot. Returns NOT_FOUND if there
 * is no snapshot, DATA_LOSS if it is damaged, or CONTRACT if it has another
 * type. */
int jobs_v1_state_load(jobs_v1_state_value *value, const char *path,
                       shmrpc_error *error);

/* Destroys the value for all processes, and frees its name. */
int jobs_v1_state_destroy(jobs_v1_state_value *value);

/* Reads the current statistics. */
int jobs_v1_state_stat(jobs_v1_state_value *value, shmrpc_dict_stat *out);

/*
 * The value "acme.jobs.v1.recent".
 * Reads take no lock and never wait; each change is atomic.
 * <shmrpc/value.h> explains the functions and their statuses.
 * Threading: any thread may use a handle; a watch is for one thread at a time.
 */
typedef struct jobs_v1_recent_value jobs_v1_recent_value;
typedef struct jobs_v1_recent_watch jobs_v1_recent_watch;

/* A change that a watch reports. */
typedef struct jobs_v1_recent_event {
    shmrpc_event_kind kind;
    uint32_t reserved32;
    uint64_t change; /* number of the change */
    const void *key; /* NULL */
    const jobs_v1_job_list *value; /* PUT, else NULL */
} jobs_v1_recent_event;

/* The callback that changes the value. `was` is the current value, or NULL if
 * there is none; `*now` is a copy of it, or zeros.  Return SHMRPC_CHANGE_PUT,
 * _KEEP or _DELETE, or a status to fail.  It may be called more than once, and
 * must not use the value. */
typedef int jobs_v1_recent_change(void *user, const jobs_v1_job_list *was,
                                  jobs_v1_job_list *now);

/* Opens the value, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.recent"; `opts` may be NULL. Returns CONTRACT if the existing
 * value has another type or encoding. Close the value when done. */
int jobs_v1_recent_open(const char *name, const shmrpc_shared_opts *opts,
                        jobs_v1_recent_value **out, shmrpc_error *error);

/* Closes the handle; NULL is allowed. */
void jobs_v1_recent_close(jobs_v1_recent_value *value);

/* Gets the value, which is read-only and valid until you release it. Returns
 * NOT_FOUND if it was never put. */
int jobs_v1_recent_get(jobs_v1_recent_value *value,
                       const jobs_v1_job_list **out, shmrpc_error *error);

/* Frees a value that jobs_v1_recent_get returned; NULL is allowed. */
void jobs_v1_recent_release(jobs_v1_recent_value *value,
                            const jobs_v1_job_list *item);

/* Replaces the value by a copy of `item`. Returns EXHAUSTED if there is no
 * room, TOO_LARGE if the item is too large, or DESTROYED if the value was
 * destroyed. */
int jobs_v1_recent_put(jobs_v1_recent_value *value,
                       const jobs_v1_job_list *item, shmrpc_error *error);

/* Changes the value by calling `change`. Calls it again if another process
 * changed the value meanwhile. */
int jobs_v1_recent_update(jobs_v1_recent_value *value,
                          jobs_v1_recent_change *change, void *user,
                          shmrpc_error *error);

/* Waits for the value's advisory lock. `wait` may be NULL. Returns OWNER_DIED
 * if the lock is now held, but its previous owner died while holding it;
 * DEADLINE if another process still holds it, which the error names. See
 * <shmrpc/dict.h>. */
int jobs_v1_recent_lock(jobs_v1_recent_value *value,
                        const shmrpc_lock_wait *wait, shmrpc_error *error);

/* Like lock, but returns BUSY instead of waiting. */
int jobs_v1_recent_try_lock(jobs_v1_recent_value *value, shmrpc_error *error);

/* Releases the lock. Returns PRECONDITION if this thread does not hold it. */
int jobs_v1_recent_unlock(jobs_v1_recent_value *value, shmrpc_error *error);

/* After OWNER_DIED: declares that the data protected by the lock is consistent
 * again. */
int jobs_v1_recent_lock_consistent(jobs_v1_recent_value *value,
                                   shmrpc_error *error);

/* Opens a watch, which reports changes from now on; with SHMRPC_WATCH_SNAPSHOT
 * in `flags` it reports the current value first. */
int jobs_v1_recent_watch_open(jobs_v1_recent_value *value, uint32_t flags,
                              jobs_v1_recent_watch **out, shmrpc_error *error);

/* Gets the next change, valid until the next call with `watch`. Returns
 * DEADLINE or BUSY if there is no change, or DESTROYED if the value was
 * destroyed. */
int jobs_v1_recent_watch_next(jobs_v1_recent_watch *watch,
                              const jobs_v1_recent_event **out,
                              const shmrpc_opts *opts, shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be a change to read, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_recent_watch_fd(jobs_v1_recent_watch *watch);

/* Closes the watch; NULL is allowed. */
void jobs_v1_recent_watch_close(jobs_v1_recent_watch *watch);

/* Writes a snapshot of the value to a file, which replaces an older one when it
 * is complete. If `path` is NULL, the file is in the default place; `opts` may
 * be NULL. Returns EXHAUSTED if the disk is full. */
int jobs_v1_recent_snapshot(jobs_v1_recent_value *value, const char *path,
                            const shmrpc_snapshot_opts *opts,
                            shmrpc_error *error);

/* Replaces the value by the contents of a snapshot. Returns NOT_FOUND if there
 * is no snapshot, DATA_LOSS if it is damaged, or CONTRACT if it has another
 * type. */
int jobs_v1_recent_load(jobs_v1_recent_value *value, const char *path,
                        shmrpc_error *error);

/* Destroys the value for all processes, and frees its name. */
int jobs_v1_recent_destroy(jobs_v1_recent_value *value);

/* Reads the current statistics. */
int jobs_v1_recent_stat(jobs_v1_recent_value *value, shmrpc_dict_stat *out);

/*
 * The value "acme.jobs.v1.past".
 * Reads take no lock and never wait; each change is atomic.
 * <shmrpc/value.h> explains the functions and their statuses.
 * Threading: any thread may use a handle; a watch is for one thread at a time.
 */
typedef struct jobs_v1_past_value jobs_v1_past_value;
typedef struct jobs_v1_past_watch jobs_v1_past_watch;

/* A change that a watch reports. */
typedef struct jobs_v1_past_event {
    shmrpc_event_kind kind;
    uint32_t reserved32;
    uint64_t change; /* number of the change */
    const void *key; /* NULL */
    const jobs_v1_job_list *value; /* PUT, else NULL */
} jobs_v1_past_event;

/* The callback that changes the value. `was` is the current value, or NULL if
 * there is none; `*now` is a copy of it, or zeros.  Return SHMRPC_CHANGE_PUT,
 * _KEEP or _DELETE, or a status to fail.  It may be called more than once, and
 * must not use the value. */
typedef int jobs_v1_past_change(void *user, const jobs_v1_job_list *was,
                                jobs_v1_job_list *now);

/* Opens the value, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.past"; `opts` may be NULL. Returns CONTRACT if the existing
 * value has another type or encoding. Close the value when done. */
int jobs_v1_past_open(const char *name, const shmrpc_shared_opts *opts,
                      jobs_v1_past_value **out, shmrpc_error *error);

/* Closes the handle; NULL is allowed. */
void jobs_v1_past_close(jobs_v1_past_value *value);

/* Gets the value, which is read-only and valid until you release it. Returns
 * NOT_FOUND if it was never put. */
int jobs_v1_past_get(jobs_v1_past_value *value, const jobs_v1_job_list **out,
                     shmrpc_error *error);

/* Frees a value that jobs_v1_past_get returned; NULL is allowed. */
void jobs_v1_past_release(jobs_v1_past_value *value,
                          const jobs_v1_job_list *item);

/* Replaces the value by a copy of `item`. Returns EXHAUSTED if there is no
 * room, TOO_LARGE if the item is too large, or DESTROYED if the value was
 * destroyed. */
int jobs_v1_past_put(jobs_v1_past_value *value, const jobs_v1_job_list *item,
                     shmrpc_error *error);

/* Changes the value by calling `change`. Calls it again if another process
 * changed the value meanwhile. */
int jobs_v1_past_update(jobs_v1_past_value *value, jobs_v1_past_change *change,
                        void *user, shmrpc_error *error);

/* Waits for the value's advisory lock. `wait` may be NULL. Returns OWNER_DIED
 * if the lock is now held, but its previous owner died while holding it;
 * DEADLINE if another process still holds it, which the error names. See
 * <shmrpc/dict.h>. */
int jobs_v1_past_lock(jobs_v1_past_value *value, const shmrpc_lock_wait *wait,
                      shmrpc_error *error);

/* Like lock, but returns BUSY instead of waiting. */
int jobs_v1_past_try_lock(jobs_v1_past_value *value, shmrpc_error *error);

/* Releases the lock. Returns PRECONDITION if this thread does not hold it. */
int jobs_v1_past_unlock(jobs_v1_past_value *value, shmrpc_error *error);

/* After OWNER_DIED: declares that the data protected by the lock is consistent
 * again. */
int jobs_v1_past_lock_consistent(jobs_v1_past_value *value,
                                 shmrpc_error *error);

/* Appends an item. This and the following functions change or read single
 * items; their cost does not depend on the list's length. Positions below 0
 * count from the end; a list that was never put is empty. The functions return
 * OUT_OF_RANGE or NOT_FOUND if the list is too short for the position, or
 * INVALID if the list would have more or fewer items than its type allows. */
int jobs_v1_past_append(jobs_v1_past_value *value, const jobs_v1_job *item,
                        shmrpc_error *error);

/* Inserts an item before `position`, or at the end. */
int jobs_v1_past_insert(jobs_v1_past_value *value, int64_t position,
                        const jobs_v1_job *item, shmrpc_error *error);

int jobs_v1_past_set(jobs_v1_past_value *value, int64_t position,
                     const jobs_v1_job *item, shmrpc_error *error);

/* Removes an item. If `out` is not NULL, returns the item, which must be
 * released. */
int jobs_v1_past_pop(jobs_v1_past_value *value, int64_t position,
                     const jobs_v1_job **out, shmrpc_error *error);

/* Gets a copy of an item, which must be released. */
int jobs_v1_past_at(jobs_v1_past_value *value, int64_t position,
                    const jobs_v1_job **out, shmrpc_error *error);

/* Frees an item; NULL is allowed. */
void jobs_v1_past_release_one(jobs_v1_past_value *value,
                              const jobs_v1_job *item);

int jobs_v1_past_len(jobs_v1_past_value *value, uint64_t *out,
                     shmrpc_error *error);

/* Opens a watch, which reports changes from now on; with SHMRPC_WATCH_SNAPSHOT
 * in `flags` it reports the current value first. */
int jobs_v1_past_watch_open(jobs_v1_past_value *value, uint32_t flags,
                            jobs_v1_past_watch **out, shmrpc_error *error);

/* Gets the next change, valid until the next call with `watch`. Returns
 * DEADLINE or BUSY if there is no change, or DESTROYED if the value was
 * destroyed. */
int jobs_v1_past_watch_next(jobs_v1_past_watch *watch,
                            const jobs_v1_past_event **out,
                            const shmrpc_opts *opts, shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be a change to read, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_past_watch_fd(jobs_v1_past_watch *watch);

/* Closes the watch; NULL is allowed. */
void jobs_v1_past_watch_close(jobs_v1_past_watch *watch);

/* Writes a snapshot of the value to a file, which replaces an older one when it
 * is complete. If `path` is NULL, the file is in the default place; `opts` may
 * be NULL. Returns EXHAUSTED if the disk is full. */
int jobs_v1_past_snapshot(jobs_v1_past_value *value, const char *path,
                          const shmrpc_snapshot_opts *opts,
                          shmrpc_error *error);

/* Replaces the value by the contents of a snapshot. Returns NOT_FOUND if there
 * is no snapshot, DATA_LOSS if it is damaged, or CONTRACT if it has another
 * type. */
int jobs_v1_past_load(jobs_v1_past_value *value, const char *path,
                      shmrpc_error *error);

/* Destroys the value for all processes, and frees its name. */
int jobs_v1_past_destroy(jobs_v1_past_value *value);

/* Reads the current statistics. */
int jobs_v1_past_stat(jobs_v1_past_value *value, shmrpc_dict_stat *out);

/*
 * The value "acme.jobs.v1.marks".
 * Reads take no lock and never wait; each change is atomic.
 * <shmrpc/value.h> explains the functions and their statuses.
 * Threading: any thread may use a handle; a watch is for one thread at a time.
 */
typedef struct jobs_v1_marks_value jobs_v1_marks_value;
typedef struct jobs_v1_marks_watch jobs_v1_marks_watch;

/* A change that a watch reports. */
typedef struct jobs_v1_marks_event {
    shmrpc_event_kind kind;
    uint32_t reserved32;
    uint64_t change; /* number of the change */
    const void *key; /* NULL */
    const shmrpc_u32_list *value; /* PUT, else NULL */
} jobs_v1_marks_event;

/* The callback that changes the value. `was` is the current value, or NULL if
 * there is none; `*now` is a copy of it, or zeros.  Return SHMRPC_CHANGE_PUT,
 * _KEEP or _DELETE, or a status to fail.  It may be called more than once, and
 * must not use the value. */
typedef int jobs_v1_marks_change(void *user, const shmrpc_u32_list *was,
                                 shmrpc_u32_list *now);

/* Opens the value, or creates it. If `name` is NULL, the name is
 * "acme.jobs.v1.marks"; `opts` may be NULL. Returns CONTRACT if the existing
 * value has another type or encoding. Close the value when done. */
int jobs_v1_marks_open(const char *name, const shmrpc_shared_opts *opts,
                       jobs_v1_marks_value **out, shmrpc_error *error);

/* Closes the handle; NULL is allowed. */
void jobs_v1_marks_close(jobs_v1_marks_value *value);

/* Gets the value, which is read-only and valid until you release it. Returns
 * NOT_FOUND if it was never put. */
int jobs_v1_marks_get(jobs_v1_marks_value *value, const shmrpc_u32_list **out,
                      shmrpc_error *error);

/* Frees a value that jobs_v1_marks_get returned; NULL is allowed. */
void jobs_v1_marks_release(jobs_v1_marks_value *value,
                           const shmrpc_u32_list *item);

/* Replaces the value by a copy of `item`. Returns EXHAUSTED if there is no
 * room, TOO_LARGE if the item is too large, or DESTROYED if the value was
 * destroyed. */
int jobs_v1_marks_put(jobs_v1_marks_value *value, const shmrpc_u32_list *item,
                      shmrpc_error *error);

/* Changes the value by calling `change`. Calls it again if another process
 * changed the value meanwhile. */
int jobs_v1_marks_update(jobs_v1_marks_value *value,
                         jobs_v1_marks_change *change, void *user,
                         shmrpc_error *error);

/* Waits for the value's advisory lock. `wait` may be NULL. Returns OWNER_DIED
 * if the lock is now held, but its previous owner died while holding it;
 * DEADLINE if another process still holds it, which the error names. See
 * <shmrpc/dict.h>. */
int jobs_v1_marks_lock(jobs_v1_marks_value *value, const shmrpc_lock_wait *wait,
                       shmrpc_error *error);

/* Like lock, but returns BUSY instead of waiting. */
int jobs_v1_marks_try_lock(jobs_v1_marks_value *value, shmrpc_error *error);

/* Releases the lock. Returns PRECONDITION if this thread does not hold it. */
int jobs_v1_marks_unlock(jobs_v1_marks_value *value, shmrpc_error *error);

/* After OWNER_DIED: declares that the data protected by the lock is consistent
 * again. */
int jobs_v1_marks_lock_consistent(jobs_v1_marks_value *value,
                                  shmrpc_error *error);

/* Appends an item. This and the following functions change or read single
 * items; their cost does not depend on the list's length. Positions below 0
 * count from the end; a list that was never put is empty. The functions return
 * OUT_OF_RANGE or NOT_FOUND if the list is too short for the position, or
 * INVALID if the list would have more or fewer items than its type allows. */
int jobs_v1_marks_append(jobs_v1_marks_value *value, const uint32_t *item,
                         shmrpc_error *error);

/* Inserts an item before `position`, or at the end. */
int jobs_v1_marks_insert(jobs_v1_marks_value *value, int64_t position,
                         const uint32_t *item, shmrpc_error *error);

int jobs_v1_marks_set(jobs_v1_marks_value *value, int64_t position,
                      const uint32_t *item, shmrpc_error *error);

/* Removes an item. If `out` is not NULL, returns the item, which must be
 * released. */
int jobs_v1_marks_pop(jobs_v1_marks_value *value, int64_t position,
                      const uint32_t **out, shmrpc_error *error);

/* Gets a copy of an item, which must be released. */
int jobs_v1_marks_at(jobs_v1_marks_value *value, int64_t position,
                     const uint32_t **out, shmrpc_error *error);

/* Frees an item; NULL is allowed. */
void jobs_v1_marks_release_one(jobs_v1_marks_value *value,
                               const uint32_t *item);

int jobs_v1_marks_len(jobs_v1_marks_value *value, uint64_t *out,
                      shmrpc_error *error);

/* Opens a watch, which reports changes from now on; with SHMRPC_WATCH_SNAPSHOT
 * in `flags` it reports the current value first. */
int jobs_v1_marks_watch_open(jobs_v1_marks_value *value, uint32_t flags,
                             jobs_v1_marks_watch **out, shmrpc_error *error);

/* Gets the next change, valid until the next call with `watch`. Returns
 * DEADLINE or BUSY if there is no change, or DESTROYED if the value was
 * destroyed. */
int jobs_v1_marks_watch_next(jobs_v1_marks_watch *watch,
                             const jobs_v1_marks_event **out,
                             const shmrpc_opts *opts, shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be a change to read, or a negative status. See
 * shmrpc_queue_fd(). */
int jobs_v1_marks_watch_fd(jobs_v1_marks_watch *watch);

/* Closes the watch; NULL is allowed. */
void jobs_v1_marks_watch_close(jobs_v1_marks_watch *watch);

/* Writes a snapshot of the value to a file, which replaces an older one when it
 * is complete. If `path` is NULL, the file is in the default place; `opts` may
 * be NULL. Returns EXHAUSTED if the disk is full. */
int jobs_v1_marks_snapshot(jobs_v1_marks_value *value, const char *path,
                           const shmrpc_snapshot_opts *opts,
                           shmrpc_error *error);

/* Replaces the value by the contents of a snapshot. Returns NOT_FOUND if there
 * is no snapshot, DATA_LOSS if it is damaged, or CONTRACT if it has another
 * type. */
int jobs_v1_marks_load(jobs_v1_marks_value *value, const char *path,
                       shmrpc_error *error);

/* Destroys the value for all processes, and frees its name. */
int jobs_v1_marks_destroy(jobs_v1_marks_value *value);

/* Reads the current statistics. */
int jobs_v1_marks_stat(jobs_v1_marks_value *value, shmrpc_dict_stat *out);

SHMRPC_END_DECLS

#endif

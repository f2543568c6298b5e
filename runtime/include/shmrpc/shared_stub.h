/*
 * Functions that generated code calls for shared objects. Programs use the
 * functions in the generated headers, or those of shmrpc/queue.h and so on.
 *
 * A generated handle is a pointer to the public type (shmrpc_queue ...) under
 * another name. Where no item is involved, generated code calls the public
 * functions: _close, _end, _destroy, _stat_read. An item is a `const void *`
 * here: it points to a value of the type in the row with which the handle was
 * opened.
 *
 * Effects, statuses and threading are those of the public functions of the same
 * name.
 */
#ifndef SHMRPC_SHARED_STUB_H
#define SHMRPC_SHARED_STUB_H

#include <stddef.h>

#include "shmrpc/async.h"
#include "shmrpc/dict.h"
#include "shmrpc/pipe.h"
#include "shmrpc/queue.h"
#include "shmrpc/shared.h"
#include "shmrpc/stub.h"
#include "shmrpc/topic.h"
#include "shmrpc/value.h"

SHMRPC_BEGIN_DECLS

/* `name` NULL stands for the row's own name. `row` must live as long as the
 * handle. */
SHMRPC_API int shmrpc_stub_queue_open(const shmrpc_shared *row,
                                      const char *name,
                                      const shmrpc_shared_opts *opts,
                                      shmrpc_queue **out, shmrpc_error *error);
SHMRPC_API int shmrpc_stub_queue_push(shmrpc_queue *queue, const void *item,
                                      const shmrpc_opts *opts,
                                      shmrpc_error *error);
/* `items` is an array of values, not of pointers. */
SHMRPC_API int shmrpc_stub_queue_push_many(shmrpc_queue *queue,
                                           const void *items, size_t count,
                                           const shmrpc_opts *opts,
                                           size_t *out_pushed,
                                           shmrpc_error *error);
SHMRPC_API int shmrpc_stub_queue_pop(shmrpc_queue *queue,
                                     const shmrpc_opts *opts, const void **out,
                                     shmrpc_error *error);
/* `out` has room for `max` pointers. Generated code passes its arrays of typed
 * pointers without a copy: all pointers to objects have one representation. */
SHMRPC_API int shmrpc_stub_queue_pop_many(shmrpc_queue *queue,
                                          const shmrpc_opts *opts,
                                          const void **out, size_t max,
                                          size_t *out_count,
                                          shmrpc_error *error);
SHMRPC_API int shmrpc_stub_queue_peek(shmrpc_queue *queue, const void **out,
                                      shmrpc_error *error);
SHMRPC_API void shmrpc_stub_queue_release(shmrpc_queue *queue,
                                          const void *item);
SHMRPC_API int shmrpc_stub_queue_ack(shmrpc_queue *queue, const void *item);
SHMRPC_API bool shmrpc_stub_queue_is_redelivered(const void *item);

/* To subscribe, close, or count losses use the public functions. */
SHMRPC_API int shmrpc_stub_topic_open(const shmrpc_shared *row,
                                      const char *name,
                                      const shmrpc_shared_opts *opts,
                                      shmrpc_topic **out, shmrpc_error *error);
SHMRPC_API int shmrpc_stub_topic_publish(shmrpc_topic *topic,
                                         const void *message,
                                         const shmrpc_opts *opts,
                                         shmrpc_error *error);
SHMRPC_API int shmrpc_stub_sub_next(shmrpc_sub *sub, const void **out,
                                    const shmrpc_opts *opts,
                                    shmrpc_error *error);

/* For everything else on a pipe use the public functions. */
SHMRPC_API int shmrpc_stub_pipe_open(const shmrpc_shared *row, const char *name,
                                     const shmrpc_shared_opts *opts,
                                     shmrpc_pipe **out, shmrpc_error *error);

/* Keys and values are `const void *` to values of the row's types. */
SHMRPC_API int shmrpc_stub_dict_open(const shmrpc_shared *row, const char *name,
                                     const shmrpc_shared_opts *opts,
                                     shmrpc_dict **out, shmrpc_error *error);
/* Copies the value into `out`; only for values without pointers
 * (SHMRPC_TYPE_FIXED). */
SHMRPC_API int shmrpc_stub_dict_get(shmrpc_dict *dict, const void *key,
                                    void *out, shmrpc_error *error);
/* Gets a value of any type, which must be released. */
SHMRPC_API int shmrpc_stub_dict_get_item(shmrpc_dict *dict, const void *key,
                                         const void **out, shmrpc_error *error);
SHMRPC_API void shmrpc_stub_dict_release(shmrpc_dict *dict, const void *value);
SHMRPC_API int shmrpc_stub_dict_contains(shmrpc_dict *dict, const void *key,
                                         shmrpc_error *error);
SHMRPC_API int shmrpc_stub_dict_put(shmrpc_dict *dict, const void *key,
                                    const void *value, shmrpc_error *error);
SHMRPC_API int shmrpc_stub_dict_put_new(shmrpc_dict *dict, const void *key,
                                        const void *value, shmrpc_error *error);
SHMRPC_API int shmrpc_stub_dict_del(shmrpc_dict *dict, const void *key,
                                    shmrpc_error *error);
/* Calls the user's function `change` with its real type: `was` is NULL if there
 * is no value, `now` begins as a copy of the value, or as zeros. Returns
 * SHMRPC_CHANGE_... or a status. It may be called more than once. */
typedef int (*shmrpc_stub_change)(shmrpc_function change, void *user,
                                  const void *was, void *now);
SHMRPC_API int shmrpc_stub_dict_update(shmrpc_dict *dict, const void *key,
                                       shmrpc_stub_change call,
                                       shmrpc_function change, void *user,
                                       shmrpc_error *error);

/* `keys` and `values` point into an array of structs: the next key and value
 * are `step` bytes further. */
SHMRPC_API int shmrpc_stub_dict_merge(shmrpc_dict *dict, const void *keys,
                                      const void *values, size_t step,
                                      size_t count, shmrpc_error *error);

/* `key` NULL stands for the lock of the whole dict. */
SHMRPC_API int shmrpc_stub_dict_lock(shmrpc_dict *dict, const void *key,
                                     const shmrpc_lock_wait *wait,
                                     shmrpc_error *error);
SHMRPC_API int shmrpc_stub_dict_try_lock(shmrpc_dict *dict, const void *key,
                                         shmrpc_error *error);
SHMRPC_API int shmrpc_stub_dict_unlock(shmrpc_dict *dict, const void *key,
                                       shmrpc_error *error);
SHMRPC_API int shmrpc_stub_dict_lock_consistent(shmrpc_dict *dict,
                                                const void *key,
                                                shmrpc_error *error);

/* To open and close views and watches use the public functions. */
SHMRPC_API int shmrpc_stub_view_get(shmrpc_view *view, const void *key,
                                    const void **out, shmrpc_error *error);
SHMRPC_API int shmrpc_stub_view_next(shmrpc_view *view, const void **out_key,
                                     const void **out_value,
                                     shmrpc_error *error);

/* The layout of generated events, which have types of their own; the members
 * are those of shmrpc_event. */
typedef struct shmrpc_stub_event {
    shmrpc_event_kind kind;
    uint32_t reserved32;
    uint64_t change;
    const void *key;
    const void *value;
} shmrpc_stub_event;

/* `*out` is a shmrpc_stub_event. */
SHMRPC_API int shmrpc_stub_watch_next(shmrpc_watch *watch, const void **out,
                                      const shmrpc_opts *opts,
                                      shmrpc_error *error);

/* To watch a value, and for everything else, use the public functions. */
SHMRPC_API int shmrpc_stub_value_open(const shmrpc_shared *row,
                                      const char *name,
                                      const shmrpc_shared_opts *opts,
                                      shmrpc_value **out, shmrpc_error *error);
SHMRPC_API int shmrpc_stub_value_get(shmrpc_value *value, void *out,
                                     shmrpc_error *error);
SHMRPC_API int shmrpc_stub_value_get_item(shmrpc_value *value, const void **out,
                                          shmrpc_error *error);
SHMRPC_API void shmrpc_stub_value_release(shmrpc_value *value,
                                          const void *item);
SHMRPC_API int shmrpc_stub_value_put(shmrpc_value *value, const void *item,
                                     shmrpc_error *error);
SHMRPC_API int shmrpc_stub_value_update(shmrpc_value *value,
                                        shmrpc_stub_change call,
                                        shmrpc_function change, void *user,
                                        shmrpc_error *error);

/* ---- values that are lists, in msgpack ----------------------------------- */

/* Each of these is one change of the value; its cost does not depend on the
 * list's length. Positions below 0 count from the end; a value that nobody has
 * put is an empty list. They return OUT_OF_RANGE or NOT_FOUND if the list is
 * shorter; INVALID if the list would have more or fewer items than its type
 * allows; else statuses of shmrpc_value_put(). */
SHMRPC_API int shmrpc_stub_list_append(shmrpc_value *value, const void *item,
                                       shmrpc_error *error);
SHMRPC_API int shmrpc_stub_list_insert(shmrpc_value *value, int64_t position,
                                       const void *item, shmrpc_error *error);
SHMRPC_API int shmrpc_stub_list_set(shmrpc_value *value, int64_t position,
                                    const void *item, shmrpc_error *error);
/* Deletes an item and returns it, to be released; `out` NULL: not wanted. */
SHMRPC_API int shmrpc_stub_list_pop(shmrpc_value *value, int64_t position,
                                    const void **out, shmrpc_error *error);
/* Returns a copy of an item, to be released. */
SHMRPC_API int shmrpc_stub_list_at(shmrpc_value *value, int64_t position,
                                   const void **out, shmrpc_error *error);
SHMRPC_API int shmrpc_stub_list_len(shmrpc_value *value, uint64_t *out,
                                    shmrpc_error *error);

/* ---- objects of a service ------------------------------------------------ */

/* Like _open, for an object that a service owns. `client` is NULL in a process
 * that serves the object, or in one of its workers. Also returns the statuses
 * of shmrpc_stub_shared. */
SHMRPC_API int shmrpc_stub_queue_open_of(shmrpc_client *client,
                                         const shmrpc_service *service,
                                         const shmrpc_shared *row,
                                         const shmrpc_shared_opts *opts,
                                         shmrpc_queue **out,
                                         shmrpc_error *error);
SHMRPC_API int shmrpc_stub_topic_open_of(shmrpc_client *client,
                                         const shmrpc_service *service,
                                         const shmrpc_shared *row,
                                         const shmrpc_shared_opts *opts,
                                         shmrpc_topic **out,
                                         shmrpc_error *error);
SHMRPC_API int shmrpc_stub_pipe_open_of(shmrpc_client *client,
                                        const shmrpc_service *service,
                                        const shmrpc_shared *row,
                                        const shmrpc_shared_opts *opts,
                                        shmrpc_pipe **out, shmrpc_error *error);
SHMRPC_API int shmrpc_stub_dict_open_of(shmrpc_client *client,
                                        const shmrpc_service *service,
                                        const shmrpc_shared *row,
                                        const shmrpc_shared_opts *opts,
                                        shmrpc_dict **out, shmrpc_error *error);

SHMRPC_API int shmrpc_stub_value_open_of(shmrpc_client *client,
                                         const shmrpc_service *service,
                                         const shmrpc_shared *row,
                                         const shmrpc_shared_opts *opts,
                                         shmrpc_value **out,
                                         shmrpc_error *error);

/* The functions in a service's table of objects (shmrpc_objects). */
SHMRPC_API int shmrpc_stub_shared_make(const shmrpc_shared *row, int old_fd,
                                       int *out_fd, shmrpc_error *error);
SHMRPC_API void shmrpc_stub_shared_end(const shmrpc_shared *row, int fd);
SHMRPC_API int shmrpc_stub_shared_restore(const shmrpc_shared *row,
                                          const char *place, int fd,
                                          shmrpc_error *error);
SHMRPC_API int shmrpc_stub_shared_save(const shmrpc_shared *row,
                                       const char *place, int fd,
                                       uint64_t *change, shmrpc_error *error);

SHMRPC_END_DECLS

#endif

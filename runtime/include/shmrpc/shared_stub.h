/*
 * What generated code calls for shared objects.  Not for people: use the
 * functions in the generated headers, or shmrpc/queue.h and its like.
 *
 * A generated handle is a pointer to the public one (shmrpc_queue ...) under
 * another name, so that generated code calls the public functions where no
 * item is involved: _close, _end, _destroy, _stat_read.  Items are `const
 * void *` here: a value of the type of the row with which the handle was
 * opened.
 *
 * Contracts are those of the public functions of the same name.
 *
 * Threading: as there.
 */
#ifndef SHMRPC_SHARED_STUB_H
#define SHMRPC_SHARED_STUB_H

#include <stddef.h>

#include "shmrpc/queue.h"
#include "shmrpc/shared.h"

SHMRPC_BEGIN_DECLS

/* `name`: NULL is the row's own. `row` lives as long as the handle. */
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
/* `out` has room for `max` pointers. Where a generated array has pointers to
 * its own type, it is passed as it is: all are of one form. */
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

SHMRPC_END_DECLS

#endif

/*
 * Types and tables of served.svc, made by shmrpcgen: edit that file instead.
 *
 * Objects that services keep.
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
#ifndef SERVED_SERVED_H
#define SERVED_SERVED_H

#include <shmrpc/descriptor.h>
#include <shmrpc/dict.h>
#include <shmrpc/error.h>
#include <shmrpc/options.h>
#include <shmrpc/pipe.h>
#include <shmrpc/queue.h>
#include <shmrpc/shared.h>
#include <shmrpc/topic.h>
#include <shmrpc/types.h>

SHMRPC_BEGIN_DECLS

typedef struct served_job served_job;
typedef struct served_voice served_voice;

struct served_job {
    uint64_t id;
    /* string(..100) */
    shmrpc_str text;
};

struct served_voice {
    shmrpc_str label;
    /* default 22050 */
    uint32_t rate;
};

/* Initialises a served_voice: fields get their defaults, or zeros. */
#define SERVED_VOICE_DEFAULTS \
    { \
        {NULL, 0}, /* label */ \
        22050, /* rate */ \
    }

/* The methods of Tts: indices into served_tts_descriptor.methods. */
enum {
    SERVED_TTS_METHOD_VOICE_COUNT,
};

/* Descriptors of these types, for codecs and tools. */
extern const shmrpc_type served_job_descriptor;
extern const shmrpc_type served_voice_descriptor;
extern const shmrpc_service served_tts_descriptor;
extern const shmrpc_service served_board_descriptor;

/* A client of Tts, the service to which the following objects belong. */
typedef struct served_tts served_tts;

/*
 * What is to be said.
 *
 * The queue "jobs" of served_tts.
 * Each item goes to exactly one process that pops. <shmrpc/queue.h> explains
 * the functions and their statuses, and what happens to items when processes
 * die.
 * Threading: any thread may use a handle.
 */
typedef struct served_jobs_queue served_jobs_queue;

/* Opens the queue of the service that `client` is connected to, or of the
 * service in this process if `client` is NULL. `opts`, which may be NULL, may
 * ask for READ_ONLY. Returns UNIMPLEMENTED if the service is on another
 * machine, or CONTRACT if its queue has another type or encoding. Close the
 * queue when done. */
int served_jobs_open(served_tts *client, const shmrpc_shared_opts *opts,
                     served_jobs_queue **out, shmrpc_error *error);

/* Closes the handle; NULL is allowed. Popped items stay valid until they are
 * released. */
void served_jobs_close(served_jobs_queue *queue);

/* Appends a copy of `item`. Returns DEADLINE or BUSY if the queue is full,
 * TOO_LARGE if the item is too large, CANCELLED if the queue was ended, or
 * DESTROYED if it was destroyed. */
int served_jobs_push(served_jobs_queue *queue, const served_job *item,
                     const shmrpc_opts *opts, shmrpc_error *error);

/* Appends `count` items, with the same statuses. The number of items appended,
 * counted from the first, is stored in `*out_pushed` in any case, unless
 * `out_pushed` is NULL. */
int served_jobs_push_many(served_jobs_queue *queue, const served_job *items,
                          size_t count, const shmrpc_opts *opts,
                          size_t *out_pushed, shmrpc_error *error);

/* Takes an item, which is read-only and valid until you release it. Returns
 * DEADLINE or BUSY if the queue is empty, CANCELLED if it is empty and was
 * ended, or DESTROYED if it was destroyed. */
int served_jobs_pop(served_jobs_queue *queue, const shmrpc_opts *opts,
                    const served_job **out, shmrpc_error *error);

/* Waits for an item as pop does, then takes all available items, up to
 * `max`. */
int served_jobs_pop_many(served_jobs_queue *queue, const shmrpc_opts *opts,
                         const served_job **out, size_t max, size_t *out_count,
                         shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be an item to pop, or a negative status. See
 * shmrpc_queue_fd(). */
int served_jobs_fd(served_jobs_queue *queue);

/* Copies an item, which stays in the queue; the copy must be released too. Does
 * not wait: returns BUSY if the queue is empty. */
int served_jobs_peek(served_jobs_queue *queue, const served_job **out,
                     shmrpc_error *error);

/* Frees an item; NULL is allowed. With `delivery acked`, an item that was not
 * acknowledged is delivered again. */
void served_jobs_release(served_jobs_queue *queue, const served_job *item);

/* Acknowledges an item, and releases it. Returns PRECONDITION if the queue was
 * not created with `delivery acked`. */
int served_jobs_ack(served_jobs_queue *queue, const served_job *item);

/* Whether the item was delivered before to a reader that did not acknowledge
 * it. */
bool served_jobs_is_redelivered(const served_job *item);

/* Ends the queue: push returns CANCELLED from now on, and so does pop once the
 * queue is empty. */
int served_jobs_end(served_jobs_queue *queue);

/* Destroys the queue for all processes, and frees its name. */
int served_jobs_destroy(served_jobs_queue *queue);

/* Reads the current statistics. */
int served_jobs_stat(served_jobs_queue *queue, shmrpc_queue_stat *out);

/*
 * The topic "progress" of served_tts.
 * Every subscriber gets every message. <shmrpc/topic.h> explains the functions
 * and their statuses, and what happens to slow subscribers.
 * Threading: any thread may use a handle; a subscription is for one thread at
 * a time.
 */
typedef struct served_progress_topic served_progress_topic;
typedef struct served_progress_sub served_progress_sub;

/* Opens the topic of the service that `client` is connected to, or of the
 * service in this process if `client` is NULL. `opts`, which may be NULL, may
 * ask for READ_ONLY. Returns UNIMPLEMENTED if the service is on another
 * machine, or CONTRACT if its topic has another type or encoding. Close the
 * topic when done. */
int served_progress_open(served_tts *client, const shmrpc_shared_opts *opts,
                         served_progress_topic **out, shmrpc_error *error);

/* Closes the handle; unsubscribe first. NULL is allowed. */
void served_progress_close(served_progress_topic *topic);

/* Publishes a copy of `message`. Returns DEADLINE or BUSY if a subscriber for
 * which publishers wait is too slow, TOO_LARGE if the message is too large, or
 * DESTROYED if the topic was destroyed. */
int served_progress_publish(served_progress_topic *topic,
                            const served_job *message, const shmrpc_opts *opts,
                            shmrpc_error *error);

/* Subscribes to the topic. The subscription gets the messages in the history
 * first, then new ones. */
int served_progress_subscribe(served_progress_topic *topic,
                              served_progress_sub **out, shmrpc_error *error);

/* Gets the next message, valid until the next call with `sub`. Returns DEADLINE
 * or BUSY if there is none; LOST if messages were overwritten (the next call
 * continues after them); EVICTED if publishers waited too long for this
 * subscription (subscribe again); CANCELLED if the topic was ended; DESTROYED
 * if it was destroyed. */
int served_progress_next(served_progress_sub *sub, const served_job **out,
                         const shmrpc_opts *opts, shmrpc_error *error);

/* The total number of messages that the subscription has lost. */
uint64_t served_progress_lost(const served_progress_sub *sub);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be a message, or a negative status. See
 * shmrpc_queue_fd(). */
int served_progress_fd(served_progress_sub *sub);

/* Ends the subscription; NULL is allowed. */
void served_progress_unsubscribe(served_progress_sub *sub);

/* Ends the topic: publish returns CANCELLED from now on, and so does next after
 * the last message. */
int served_progress_end(served_progress_topic *topic);

/* Destroys the topic for all processes, and frees its name. */
int served_progress_destroy(served_progress_topic *topic);

/* Reads the current statistics. */
int served_progress_stat(served_progress_topic *topic, shmrpc_topic_stat *out);

/*
 * The dict "voices" of served_tts.
 * Reads take no lock and never wait; each change is atomic.
 * <shmrpc/dict.h> explains the functions and their statuses.
 * Threading: any thread may use a handle; a view or a watch is for one thread
 * at a time.
 */
typedef struct served_voices_dict served_voices_dict;
typedef struct served_voices_view served_voices_view;
typedef struct served_voices_watch served_voices_watch;

/* A key and its value. */
typedef struct served_voices_entry {
    shmrpc_str key;
    served_voice value;
} served_voices_entry;

/* A change that a watch reports. */
typedef struct served_voices_event {
    shmrpc_event_kind kind;
    uint32_t reserved32;
    uint64_t change; /* number of the change */
    const shmrpc_str *key; /* PUT and DEL, else NULL */
    const served_voice *value; /* PUT, else NULL */
} served_voices_event;

/* The callback that changes an entry. `was` is the current value, or NULL if
 * there is none; `*now` is a copy of it, or zeros.  Return SHMRPC_CHANGE_PUT,
 * _KEEP or _DELETE, or a status to fail.  It may be called more than once, and
 * must not use the dict. */
typedef int served_voices_change(void *user, const served_voice *was,
                                 served_voice *now);

/* Opens the dict of the service that `client` is connected to, or of the
 * service in this process if `client` is NULL. `opts`, which may be NULL, may
 * ask for READ_ONLY. Returns UNIMPLEMENTED if the service is on another
 * machine, or CONTRACT if its dict has another type or encoding. Close the dict
 * when done. */
int served_voices_open(served_tts *client, const shmrpc_shared_opts *opts,
                       served_voices_dict **out, shmrpc_error *error);

/* Closes the handle; close its views first. NULL is allowed. */
void served_voices_close(served_voices_dict *dict);

/* Gets the value of a key, which is read-only and valid until you release it.
 * Returns NOT_FOUND if there is no such key. */
int served_voices_get(served_voices_dict *dict, shmrpc_str key,
                      const served_voice **out, shmrpc_error *error);

/* Frees a value; NULL is allowed. */
void served_voices_release(served_voices_dict *dict, const served_voice *value);

/* Returns 0 if there is such a key, else NOT_FOUND. */
int served_voices_contains(served_voices_dict *dict, shmrpc_str key,
                           shmrpc_error *error);

/* Counts the entries. */
int served_voices_len(served_voices_dict *dict, uint64_t *out,
                      shmrpc_error *error);

/* Sets the value of a key, new or not, to a copy of `value`. Returns EXHAUSTED
 * if the dict is full, TOO_LARGE if the value is too large, or DESTROYED if the
 * dict was destroyed. */
int served_voices_put(served_voices_dict *dict, shmrpc_str key,
                      const served_voice *value, shmrpc_error *error);

/* Like put, but returns EXISTS if the key exists already. */
int served_voices_put_new(served_voices_dict *dict, shmrpc_str key,
                          const served_voice *value, shmrpc_error *error);

/* Removes a key. Returns NOT_FOUND if there is no such key. */
int served_voices_del(served_voices_dict *dict, shmrpc_str key,
                      shmrpc_error *error);

/* Changes the value of a key by calling `change`. Calls it again if another
 * process changed the value meanwhile. */
int served_voices_update(served_voices_dict *dict, shmrpc_str key,
                         served_voices_change *change, void *user,
                         shmrpc_error *error);

/* Puts many keys in one atomic step. */
int served_voices_merge(served_voices_dict *dict,
                        const served_voices_entry *entries, size_t count,
                        shmrpc_error *error);

/* Removes all keys in one atomic step. */
int served_voices_clear(served_voices_dict *dict, shmrpc_error *error);

/* Waits for the advisory lock of a key, which need not have a value, or of the
 * whole dict (`key` NULL), which excludes the locks of all keys. `wait` may be
 * NULL. Returns OWNER_DIED if the caller now holds the lock, but its previous
 * owner died while holding it; DEADLINE if another process still holds it. The
 * error then names that process. See <shmrpc/dict.h>. */
int served_voices_lock(served_voices_dict *dict, const shmrpc_str *key,
                       const shmrpc_lock_wait *wait, shmrpc_error *error);

/* Like lock, but returns BUSY instead of waiting. */
int served_voices_try_lock(served_voices_dict *dict, const shmrpc_str *key,
                           shmrpc_error *error);

/* Releases the lock. Returns PRECONDITION if this thread does not hold it. */
int served_voices_unlock(served_voices_dict *dict, const shmrpc_str *key,
                         shmrpc_error *error);

/* After OWNER_DIED: declares that the data protected by the lock is consistent
 * again. */
int served_voices_lock_consistent(served_voices_dict *dict,
                                  const shmrpc_str *key, shmrpc_error *error);

/* Opens a view of the current contents of the dict; later changes don't affect
 * it. Close it soon, since it keeps memory from being reused. */
int served_voices_view_open(served_voices_dict *dict, served_voices_view **out,
                            shmrpc_error *error);

/* Gets the value of a key, valid until the next call with `view`. Returns
 * NOT_FOUND if there is no such key. */
int served_voices_view_get(served_voices_view *view, shmrpc_str key,
                           const served_voice **out, shmrpc_error *error);

/* Gets the next entry, in the order of insertion, valid until the next call
 * with `view`. Returns NOT_FOUND after the last entry; the next call then
 * starts over. */
int served_voices_view_next(served_voices_view *view,
                            const shmrpc_str **out_key,
                            const served_voice **out_value,
                            shmrpc_error *error);

/* Closes the view; NULL is allowed. */
void served_voices_view_close(served_voices_view *view);

/* Opens a watch, which reports changes from now on. `opts` may be NULL. */
int served_voices_watch_open(served_voices_dict *dict,
                             const shmrpc_watch_opts *opts,
                             served_voices_watch **out, shmrpc_error *error);

/* Gets the next change, valid until the next call with `watch`. After a RESYNC
 * event discard what you know, because all entries follow. Returns DEADLINE or
 * BUSY if there is no change, or DESTROYED if the dict was destroyed. */
int served_voices_watch_next(served_voices_watch *watch,
                             const served_voices_event **out,
                             const shmrpc_opts *opts, shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be a change to read, or a negative status. See
 * shmrpc_queue_fd(). */
int served_voices_watch_fd(served_voices_watch *watch);

/* Closes the watch; NULL is allowed. */
void served_voices_watch_close(served_voices_watch *watch);

/* Writes a snapshot of all entries to a file, which replaces an older snapshot
 * once it is complete. If `path` is NULL, the file is in the default place;
 * `opts` may be NULL. Returns EXHAUSTED if the disk is full. */
int served_voices_snapshot(served_voices_dict *dict, const char *path,
                           const shmrpc_snapshot_opts *opts,
                           shmrpc_error *error);

/* Puts all entries of a snapshot into the dict in one atomic step. Returns
 * NOT_FOUND if there is no snapshot, DATA_LOSS if it is damaged, or CONTRACT if
 * it has another type. */
int served_voices_load(served_voices_dict *dict, const char *path,
                       shmrpc_error *error);

/* Destroys the dict for all processes, and frees its name. */
int served_voices_destroy(served_voices_dict *dict);

/* Reads the current statistics. */
int served_voices_stat(served_voices_dict *dict, shmrpc_dict_stat *out);

/*
 * The pipe "pcm" of served_tts.
 * A stream of bytes from one writer at a time. <shmrpc/pipe.h> explains the
 * functions and their statuses, and how the end of a stream differs from the
 * death of its writer.
 * Threading: any thread may use a handle.
 */
typedef struct served_pcm_pipe served_pcm_pipe;

/* Opens the pipe of the service that `client` is connected to, or of the
 * service in this process if `client` is NULL. `opts`, which may be NULL, may
 * ask for READ_ONLY. Returns UNIMPLEMENTED if the service is on another
 * machine, or CONTRACT if its pipe has another type or encoding. Close the pipe
 * when done. */
int served_pcm_open(served_tts *client, const shmrpc_shared_opts *opts,
                    served_pcm_pipe **out, shmrpc_error *error);

/* Closes the handle, after which another one may become the writer. NULL is
 * allowed. */
void served_pcm_close(served_pcm_pipe *pipe);

/* Writes all `len` bytes. The number of bytes written is stored in
 * `*out_written` in any case, unless `out_written` is NULL. Returns DEADLINE if
 * the pipe is full, BUSY if another handle is the writer, CANCELLED if the
 * stream was ended, or DESTROYED if the pipe was destroyed. */
int served_pcm_write(served_pcm_pipe *pipe, const void *data, size_t len,
                     const shmrpc_opts *opts, size_t *out_written,
                     shmrpc_error *error);

/* Reads available bytes, up to `size`; 0 bytes mean the end of the stream.
 * Returns DEADLINE or BUSY if there are none, OWNER_DIED if the writer died, or
 * DESTROYED if the pipe was destroyed. */
int served_pcm_read(served_pcm_pipe *pipe, void *data, size_t size,
                    const shmrpc_opts *opts, size_t *out_read,
                    shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be bytes to read, or a negative status. See
 * shmrpc_queue_fd(). */
int served_pcm_fd(served_pcm_pipe *pipe);

/* Ends the stream for good: readers get the remaining bytes, then the end. */
int served_pcm_end(served_pcm_pipe *pipe);

/* Destroys the pipe for all processes, and frees its name. */
int served_pcm_destroy(served_pcm_pipe *pipe);

/* Reads the current statistics. */
int served_pcm_stat(served_pcm_pipe *pipe, shmrpc_pipe_stat *out);

/* A client of Board, the service to which the following objects belong. */
typedef struct served_board served_board;

/*
 * The dict "scores" of served_board.
 * Reads take no lock and never wait; each change is atomic.
 * <shmrpc/dict.h> explains the functions and their statuses.
 * Threading: any thread may use a handle; a view or a watch is for one thread
 * at a time.
 */
typedef struct served_scores_dict served_scores_dict;
typedef struct served_scores_view served_scores_view;
typedef struct served_scores_watch served_scores_watch;

/* A key and its value. */
typedef struct served_scores_entry {
    uint32_t key;
    uint32_t value;
} served_scores_entry;

/* A change that a watch reports. */
typedef struct served_scores_event {
    shmrpc_event_kind kind;
    uint32_t reserved32;
    uint64_t change; /* number of the change */
    const uint32_t *key; /* PUT and DEL, else NULL */
    const uint32_t *value; /* PUT, else NULL */
} served_scores_event;

/* The callback that changes an entry. `was` is the current value, or NULL if
 * there is none; `*now` is a copy of it, or zeros.  Return SHMRPC_CHANGE_PUT,
 * _KEEP or _DELETE, or a status to fail.  It may be called more than once, and
 * must not use the dict. */
typedef int served_scores_change(void *user, const uint32_t *was,
                                 uint32_t *now);

/* Opens the dict of the service that `client` is connected to, or of the
 * service in this process if `client` is NULL. `opts`, which may be NULL, may
 * ask for READ_ONLY. Returns UNIMPLEMENTED if the service is on another
 * machine, or CONTRACT if its dict has another type or encoding. Close the dict
 * when done. */
int served_scores_open(served_board *client, const shmrpc_shared_opts *opts,
                       served_scores_dict **out, shmrpc_error *error);

/* Closes the handle; close its views first. NULL is allowed. */
void served_scores_close(served_scores_dict *dict);

/* Copies the value of a key to `*out`. Returns NOT_FOUND if there is no such
 * key. */
int served_scores_get(served_scores_dict *dict, uint32_t key, uint32_t *out,
                      shmrpc_error *error);

/* Returns 0 if there is such a key, else NOT_FOUND. */
int served_scores_contains(served_scores_dict *dict, uint32_t key,
                           shmrpc_error *error);

/* Counts the entries. */
int served_scores_len(served_scores_dict *dict, uint64_t *out,
                      shmrpc_error *error);

/* Sets the value of a key, new or not, to a copy of `value`. Returns EXHAUSTED
 * if the dict is full, TOO_LARGE if the value is too large, or DESTROYED if the
 * dict was destroyed. */
int served_scores_put(served_scores_dict *dict, uint32_t key,
                      const uint32_t *value, shmrpc_error *error);

/* Like put, but returns EXISTS if the key exists already. */
int served_scores_put_new(served_scores_dict *dict, uint32_t key,
                          const uint32_t *value, shmrpc_error *error);

/* Removes a key. Returns NOT_FOUND if there is no such key. */
int served_scores_del(served_scores_dict *dict, uint32_t key,
                      shmrpc_error *error);

/* Changes the value of a key by calling `change`. Calls it again if another
 * process changed the value meanwhile. */
int served_scores_update(served_scores_dict *dict, uint32_t key,
                         served_scores_change *change, void *user,
                         shmrpc_error *error);

/* Puts many keys in one atomic step. */
int served_scores_merge(served_scores_dict *dict,
                        const served_scores_entry *entries, size_t count,
                        shmrpc_error *error);

/* Removes all keys in one atomic step. */
int served_scores_clear(served_scores_dict *dict, shmrpc_error *error);

/* Waits for the advisory lock of a key, which need not have a value, or of the
 * whole dict (`key` NULL), which excludes the locks of all keys. `wait` may be
 * NULL. Returns OWNER_DIED if the caller now holds the lock, but its previous
 * owner died while holding it; DEADLINE if another process still holds it. The
 * error then names that process. See <shmrpc/dict.h>. */
int served_scores_lock(served_scores_dict *dict, const uint32_t *key,
                       const shmrpc_lock_wait *wait, shmrpc_error *error);

/* Like lock, but returns BUSY instead of waiting. */
int served_scores_try_lock(served_scores_dict *dict, const uint32_t *key,
                           shmrpc_error *error);

/* Releases the lock. Returns PRECONDITION if this thread does not hold it. */
int served_scores_unlock(served_scores_dict *dict, const uint32_t *key,
                         shmrpc_error *error);

/* After OWNER_DIED: declares that the data protected by the lock is consistent
 * again. */
int served_scores_lock_consistent(served_scores_dict *dict, const uint32_t *key,
                                  shmrpc_error *error);

/* Opens a view of the current contents of the dict; later changes don't affect
 * it. Close it soon, since it keeps memory from being reused. */
int served_scores_view_open(served_scores_dict *dict, served_scores_view **out,
                            shmrpc_error *error);

/* Gets the value of a key, valid until the next call with `view`. Returns
 * NOT_FOUND if there is no such key. */
int served_scores_view_get(served_scores_view *view, uint32_t key,
                           const uint32_t **out, shmrpc_error *error);

/* Gets the next entry, in the order of insertion, valid until the next call
 * with `view`. Returns NOT_FOUND after the last entry; the next call then
 * starts over. */
int served_scores_view_next(served_scores_view *view, const uint32_t **out_key,
                            const uint32_t **out_value, shmrpc_error *error);

/* Closes the view; NULL is allowed. */
void served_scores_view_close(served_scores_view *view);

/* Opens a watch, which reports changes from now on. `opts` may be NULL. */
int served_scores_watch_open(served_scores_dict *dict,
                             const shmrpc_watch_opts *opts,
                             served_scores_watch **out, shmrpc_error *error);

/* Gets the next change, valid until the next call with `watch`. After a RESYNC
 * event discard what you know, because all entries follow. Returns DEADLINE or
 * BUSY if there is no change, or DESTROYED if the dict was destroyed. */
int served_scores_watch_next(served_scores_watch *watch,
                             const served_scores_event **out,
                             const shmrpc_opts *opts, shmrpc_error *error);

/* Returns a file descriptor for event loops, which belongs to the handle and is
 * readable when there may be a change to read, or a negative status. See
 * shmrpc_queue_fd(). */
int served_scores_watch_fd(served_scores_watch *watch);

/* Closes the watch; NULL is allowed. */
void served_scores_watch_close(served_scores_watch *watch);

/* Writes a snapshot of all entries to a file, which replaces an older snapshot
 * once it is complete. If `path` is NULL, the file is in the default place;
 * `opts` may be NULL. Returns EXHAUSTED if the disk is full. */
int served_scores_snapshot(served_scores_dict *dict, const char *path,
                           const shmrpc_snapshot_opts *opts,
                           shmrpc_error *error);

/* Puts all entries of a snapshot into the dict in one atomic step. Returns
 * NOT_FOUND if there is no snapshot, DATA_LOSS if it is damaged, or CONTRACT if
 * it has another type. */
int served_scores_load(served_scores_dict *dict, const char *path,
                       shmrpc_error *error);

/* Destroys the dict for all processes, and frees its name. */
int served_scores_destroy(served_scores_dict *dict);

/* Reads the current statistics. */
int served_scores_stat(served_scores_dict *dict, shmrpc_dict_stat *out);

SHMRPC_END_DECLS

#endif

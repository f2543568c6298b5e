/*
 * Types and tables of served.svc, made by shmrpcgen: edit that file instead.
 *
 * Objects that services keep.
 *
 * Strings, bytes, lists and maps are views that own nothing; `ptr` may be NULL
 * when `len` is 0.  What you pass to a call is borrowed until it returns; what
 * comes back is read-only and lives in one reply.
 *
 * Functions of shared objects return 0 or a negative shmrpc_status; results are
 * written only on 0, and `error`, which may be NULL, only otherwise.
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

/* Initialises a served_voice: its defaults, and zeros for the rest. */
#define SERVED_VOICE_DEFAULTS \
    { \
        {NULL, 0}, /* label */ \
        22050, /* rate */ \
    }

/* The methods of Tts: their places in served_tts_descriptor.methods. */
enum {
    SERVED_TTS_METHOD_VOICE_COUNT,
};

/* Descriptors of these types, for codecs and tools. */
extern const shmrpc_type served_job_descriptor;
extern const shmrpc_type served_voice_descriptor;
extern const shmrpc_service served_tts_descriptor;
extern const shmrpc_service served_board_descriptor;

/* A client of Tts, which owns the following objects. */
typedef struct served_tts served_tts;

/*
 * What is to be said.
 *
 * The queue "jobs" of served_tts.
 * Each item goes to exactly one process that pops. <shmrpc/queue.h> says what
 * the functions return, and what happens to items when processes die.
 * Threading: any thread may use a handle.
 */
typedef struct served_jobs_queue served_jobs_queue;

/* Opens the queue of the service that `client` is connected to; NULL: of the
 * service in this process. `opts`, which may be NULL, may ask for READ_ONLY.
 * UNIMPLEMENTED: the service is on another machine; CONTRACT: its queue has
 * another type or encoding. Close it when done. */
int served_jobs_open(served_tts *client, const shmrpc_shared_opts *opts,
                     served_jobs_queue **out, shmrpc_error *error);

/* Closes the handle. Items that were popped stay valid until they are released.
 * NULL is fine. */
void served_jobs_close(served_jobs_queue *queue);

/* Appends a copy of `item`.  DEADLINE, BUSY: the queue is full; TOO_LARGE;
 * CANCELLED: it was ended; DESTROYED. */
int served_jobs_push(served_jobs_queue *queue, const served_job *item,
                     const shmrpc_opts *opts, shmrpc_error *error);

/* The same for `count` items. `*out_pushed`, which may be NULL, is written in
 * any case: how many of them are in the queue, counted from the first. */
int served_jobs_push_many(served_jobs_queue *queue, const served_job *items,
                          size_t count, const shmrpc_opts *opts,
                          size_t *out_pushed, shmrpc_error *error);

/* Takes an item, read-only, and yours until you release it. DEADLINE, BUSY: the
 * queue is empty; CANCELLED: it was ended and is empty; DESTROYED. */
int served_jobs_pop(served_jobs_queue *queue, const shmrpc_opts *opts,
                    const served_job **out, shmrpc_error *error);

/* Waits for an item as pop does, then takes the items that are there, up to
 * `max`. */
int served_jobs_pop_many(served_jobs_queue *queue, const shmrpc_opts *opts,
                         const served_job **out, size_t max, size_t *out_count,
                         shmrpc_error *error);

/* A descriptor for event loops, readable when there may be an item to pop;
 * belongs to the handle. A negative number is a status. See
 * shmrpc_queue_fd(). */
int served_jobs_fd(served_jobs_queue *queue);

/* Copies an item, which stays in the queue; release the copy too. Does not
 * wait. BUSY: the queue is empty. */
int served_jobs_peek(served_jobs_queue *queue, const served_job **out,
                     shmrpc_error *error);

/* Frees an item. With `delivery acked`, an item that was not acknowledged is
 * delivered again. NULL is fine. */
void served_jobs_release(served_jobs_queue *queue, const served_job *item);

/* Says that an item is done, and releases it.  PRECONDITION: the queue was not
 * made with `delivery acked`. */
int served_jobs_ack(served_jobs_queue *queue, const served_job *item);

/* Whether an item was delivered before, to a reader that did not acknowledge
 * it. */
bool served_jobs_is_redelivered(const served_job *item);

/* Ends the queue: from now on push returns CANCELLED, and so does pop when the
 * queue is empty. */
int served_jobs_end(served_jobs_queue *queue);

/* Destroys the queue for everyone, and frees its name. */
int served_jobs_destroy(served_jobs_queue *queue);

/* Figures as of now. */
int served_jobs_stat(served_jobs_queue *queue, shmrpc_queue_stat *out);

/*
 * The topic "progress" of served_tts.
 * Each subscriber gets each message. <shmrpc/topic.h> says what the functions
 * return, and what happens to slow subscribers.
 * Threading: any thread may use a handle; a subscription is for one thread at
 * a time.
 */
typedef struct served_progress_topic served_progress_topic;
typedef struct served_progress_sub served_progress_sub;

/* Opens the topic of the service that `client` is connected to; NULL: of the
 * service in this process. `opts`, which may be NULL, may ask for READ_ONLY.
 * UNIMPLEMENTED: the service is on another machine; CONTRACT: its topic has
 * another type or encoding. Close it when done. */
int served_progress_open(served_tts *client, const shmrpc_shared_opts *opts,
                         served_progress_topic **out, shmrpc_error *error);

/* Closes the handle; unsubscribe first. NULL is fine. */
void served_progress_close(served_progress_topic *topic);

/* Publishes a copy of `message`. DEADLINE, BUSY: a subscriber for which
 * publishers wait is behind; TOO_LARGE; DESTROYED. */
int served_progress_publish(served_progress_topic *topic,
                            const served_job *message, const shmrpc_opts *opts,
                            shmrpc_error *error);

/* Subscribes: first to the history, then to what is published from now on. */
int served_progress_subscribe(served_progress_topic *topic,
                              served_progress_sub **out, shmrpc_error *error);

/* The next message, valid until the next call with `sub`. DEADLINE, BUSY: there
 * is none; LOST: messages were overwritten, and the next call continues after
 * them; EVICTED: publishers had to wait too long, subscribe again; CANCELLED:
 * the topic was ended; DESTROYED. */
int served_progress_next(served_progress_sub *sub, const served_job **out,
                         const shmrpc_opts *opts, shmrpc_error *error);

/* How many messages the subscription has lost, ever. */
uint64_t served_progress_lost(const served_progress_sub *sub);

/* A descriptor for event loops, readable when there may be a message; belongs
 * to the handle.  A negative number is a status.  See shmrpc_queue_fd(). */
int served_progress_fd(served_progress_sub *sub);

/* Ends the subscription. NULL is fine. */
void served_progress_unsubscribe(served_progress_sub *sub);

/* Ends the topic: from now on publish returns CANCELLED, and so does next when
 * everything is read. */
int served_progress_end(served_progress_topic *topic);

/* Destroys the topic for everyone, and frees its name. */
int served_progress_destroy(served_progress_topic *topic);

/* Figures as of now. */
int served_progress_stat(served_progress_topic *topic, shmrpc_topic_stat *out);

/*
 * The dict "voices" of served_tts.
 * Reads take no lock and never wait; a change is one step, which others see
 * whole or not at all. <shmrpc/dict.h> says what the functions return.
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
    uint64_t change; /* its number */
    const shmrpc_str *key; /* of PUT and DEL, else NULL */
    const served_voice *value; /* of PUT, else NULL */
} served_voices_event;

/* Changes an entry: `was` is NULL where there is none, `*now` begins as what is
 * there, or as zeros.  Returns SHMRPC_CHANGE_PUT, _KEEP or _DELETE, or a
 * status.  It may be called more than once, and must not use the dict. */
typedef int served_voices_change(void *user, const served_voice *was,
                                 served_voice *now);

/* Opens the dict of the service that `client` is connected to; NULL: of the
 * service in this process. `opts`, which may be NULL, may ask for READ_ONLY.
 * UNIMPLEMENTED: the service is on another machine; CONTRACT: its dict has
 * another type or encoding. Close it when done. */
int served_voices_open(served_tts *client, const shmrpc_shared_opts *opts,
                       served_voices_dict **out, shmrpc_error *error);

/* Closes the handle; close its views first. NULL is fine. */
void served_voices_close(served_voices_dict *dict);

/* The value of a key, read-only, and yours until you release it. NOT_FOUND. */
int served_voices_get(served_voices_dict *dict, shmrpc_str key,
                      const served_voice **out, shmrpc_error *error);

/* Frees a value. NULL is fine. */
void served_voices_release(served_voices_dict *dict, const served_voice *value);

/* Whether there is such a key: 0, or NOT_FOUND. */
int served_voices_contains(served_voices_dict *dict, shmrpc_str key,
                           shmrpc_error *error);

/* How many entries there are. */
int served_voices_len(served_voices_dict *dict, uint64_t *out,
                      shmrpc_error *error);

/* Sets the value of a key, new or not, to a copy of `value`. EXHAUSTED: the
 * dict is full; TOO_LARGE; DESTROYED. */
int served_voices_put(served_voices_dict *dict, shmrpc_str key,
                      const served_voice *value, shmrpc_error *error);

/* The same for a new key only. EXISTS: the key is there already. */
int served_voices_put_new(served_voices_dict *dict, shmrpc_str key,
                          const served_voice *value, shmrpc_error *error);

/* Removes a key.  NOT_FOUND. */
int served_voices_del(served_voices_dict *dict, shmrpc_str key,
                      shmrpc_error *error);

/* Changes the value of a key by calling `change`, again if another process
 * changed it meanwhile. */
int served_voices_update(served_voices_dict *dict, shmrpc_str key,
                         served_voices_change *change, void *user,
                         shmrpc_error *error);

/* Puts many keys in one step. */
int served_voices_merge(served_voices_dict *dict,
                        const served_voices_entry *entries, size_t count,
                        shmrpc_error *error);

/* Removes all keys, in one step. */
int served_voices_clear(served_voices_dict *dict, shmrpc_error *error);

/* Waits for the advisory lock of a key, whether or not it has a value, or of
 * the whole dict (`key` NULL), which excludes all keys; `wait` may be NULL.
 * OWNER_DIED: held, but its previous owner died while holding it; DEADLINE: the
 * error says which process holds it. See <shmrpc/dict.h>. */
int served_voices_lock(served_voices_dict *dict, const shmrpc_str *key,
                       const shmrpc_lock_wait *wait, shmrpc_error *error);

/* The same without waiting.  BUSY. */
int served_voices_try_lock(served_voices_dict *dict, const shmrpc_str *key,
                           shmrpc_error *error);

/* Releases the lock. PRECONDITION: this thread does not hold it. */
int served_voices_unlock(served_voices_dict *dict, const shmrpc_str *key,
                         shmrpc_error *error);

/* After OWNER_DIED: says that what the lock protects has been repaired. */
int served_voices_lock_consistent(served_voices_dict *dict,
                                  const shmrpc_str *key, shmrpc_error *error);

/* Opens a view of the dict as it is now; later changes don't affect it. Close
 * it soon, since it keeps the memory that it shows. */
int served_voices_view_open(served_voices_dict *dict, served_voices_view **out,
                            shmrpc_error *error);

/* The value of a key, valid until the next call with `view`.  NOT_FOUND. */
int served_voices_view_get(served_voices_view *view, shmrpc_str key,
                           const served_voice **out, shmrpc_error *error);

/* The next entry, in the order of insertion, valid until the next call with
 * `view`. NOT_FOUND: there are no more, and the next call starts over. */
int served_voices_view_next(served_voices_view *view,
                            const shmrpc_str **out_key,
                            const served_voice **out_value,
                            shmrpc_error *error);

/* NULL is fine. */
void served_voices_view_close(served_voices_view *view);

/* Opens a watch, which reports changes from now on; `opts` may be NULL. */
int served_voices_watch_open(served_voices_dict *dict,
                             const shmrpc_watch_opts *opts,
                             served_voices_watch **out, shmrpc_error *error);

/* The next change, valid until the next call with `watch`. RESYNC: discard what
 * you know, all entries follow. DEADLINE, BUSY: there is none; DESTROYED. */
int served_voices_watch_next(served_voices_watch *watch,
                             const served_voices_event **out,
                             const shmrpc_opts *opts, shmrpc_error *error);

/* A descriptor for event loops, readable when there may be a change to read;
 * belongs to the handle. A negative number is a status. See
 * shmrpc_queue_fd(). */
int served_voices_watch_fd(served_voices_watch *watch);

/* NULL is fine. */
void served_voices_watch_close(served_voices_watch *watch);

/* Writes all entries, as they are now, to a file that replaces an older one
 * when it is complete. `path` NULL: the default place; `opts` may be NULL.
 * EXHAUSTED: no room on the disk. */
int served_voices_snapshot(served_voices_dict *dict, const char *path,
                           const shmrpc_snapshot_opts *opts,
                           shmrpc_error *error);

/* Puts all entries of a snapshot into the dict, in one step.  NOT_FOUND;
 * DATA_LOSS: it is damaged; CONTRACT: it is of another type. */
int served_voices_load(served_voices_dict *dict, const char *path,
                       shmrpc_error *error);

/* Destroys the dict for everyone, and frees its name. */
int served_voices_destroy(served_voices_dict *dict);

/* Figures as of now. */
int served_voices_stat(served_voices_dict *dict, shmrpc_dict_stat *out);

/*
 * The pipe "pcm" of served_tts.
 * A stream of bytes, of one writer at a time. <shmrpc/pipe.h> says what the
 * functions return, and how the end of a stream differs from the death of its
 * writer.
 * Threading: any thread may use a handle.
 */
typedef struct served_pcm_pipe served_pcm_pipe;

/* Opens the pipe of the service that `client` is connected to; NULL: of the
 * service in this process. `opts`, which may be NULL, may ask for READ_ONLY.
 * UNIMPLEMENTED: the service is on another machine; CONTRACT: its pipe has
 * another type or encoding. Close it when done. */
int served_pcm_open(served_tts *client, const shmrpc_shared_opts *opts,
                    served_pcm_pipe **out, shmrpc_error *error);

/* Closes the handle; another one may become the writer then. NULL is fine. */
void served_pcm_close(served_pcm_pipe *pipe);

/* Writes all of `len` bytes. `*out_written`, which may be NULL, is written in
 * any case. DEADLINE: the pipe is full; BUSY: another handle is the writer;
 * CANCELLED: the stream was ended; DESTROYED. */
int served_pcm_write(served_pcm_pipe *pipe, const void *data, size_t len,
                     const shmrpc_opts *opts, size_t *out_written,
                     shmrpc_error *error);

/* Reads what is there, up to `size` bytes; 0 bytes are the end of the stream.
 * DEADLINE, BUSY: nothing is there; OWNER_DIED: the writer died; DESTROYED. */
int served_pcm_read(served_pcm_pipe *pipe, void *data, size_t size,
                    const shmrpc_opts *opts, size_t *out_read,
                    shmrpc_error *error);

/* A descriptor for event loops, readable when there may be bytes to read;
 * belongs to the handle.  A negative number is a status.  See
 * shmrpc_queue_fd(). */
int served_pcm_fd(served_pcm_pipe *pipe);

/* Ends the stream for good: readers get what is left in it, then the end. */
int served_pcm_end(served_pcm_pipe *pipe);

/* Destroys the pipe for everyone, and frees its name. */
int served_pcm_destroy(served_pcm_pipe *pipe);

/* Figures as of now. */
int served_pcm_stat(served_pcm_pipe *pipe, shmrpc_pipe_stat *out);

/* A client of Board, which owns the following objects. */
typedef struct served_board served_board;

/*
 * The dict "scores" of served_board.
 * Reads take no lock and never wait; a change is one step, which others see
 * whole or not at all. <shmrpc/dict.h> says what the functions return.
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
    uint64_t change; /* its number */
    const uint32_t *key; /* of PUT and DEL, else NULL */
    const uint32_t *value; /* of PUT, else NULL */
} served_scores_event;

/* Changes an entry: `was` is NULL where there is none, `*now` begins as what is
 * there, or as zeros.  Returns SHMRPC_CHANGE_PUT, _KEEP or _DELETE, or a
 * status.  It may be called more than once, and must not use the dict. */
typedef int served_scores_change(void *user, const uint32_t *was,
                                 uint32_t *now);

/* Opens the dict of the service that `client` is connected to; NULL: of the
 * service in this process. `opts`, which may be NULL, may ask for READ_ONLY.
 * UNIMPLEMENTED: the service is on another machine; CONTRACT: its dict has
 * another type or encoding. Close it when done. */
int served_scores_open(served_board *client, const shmrpc_shared_opts *opts,
                       served_scores_dict **out, shmrpc_error *error);

/* Closes the handle; close its views first. NULL is fine. */
void served_scores_close(served_scores_dict *dict);

/* The value of a key.  NOT_FOUND. */
int served_scores_get(served_scores_dict *dict, uint32_t key, uint32_t *out,
                      shmrpc_error *error);

/* Whether there is such a key: 0, or NOT_FOUND. */
int served_scores_contains(served_scores_dict *dict, uint32_t key,
                           shmrpc_error *error);

/* How many entries there are. */
int served_scores_len(served_scores_dict *dict, uint64_t *out,
                      shmrpc_error *error);

/* Sets the value of a key, new or not, to a copy of `value`. EXHAUSTED: the
 * dict is full; TOO_LARGE; DESTROYED. */
int served_scores_put(served_scores_dict *dict, uint32_t key,
                      const uint32_t *value, shmrpc_error *error);

/* The same for a new key only. EXISTS: the key is there already. */
int served_scores_put_new(served_scores_dict *dict, uint32_t key,
                          const uint32_t *value, shmrpc_error *error);

/* Removes a key.  NOT_FOUND. */
int served_scores_del(served_scores_dict *dict, uint32_t key,
                      shmrpc_error *error);

/* Changes the value of a key by calling `change`, again if another process
 * changed it meanwhile. */
int served_scores_update(served_scores_dict *dict, uint32_t key,
                         served_scores_change *change, void *user,
                         shmrpc_error *error);

/* Puts many keys in one step. */
int served_scores_merge(served_scores_dict *dict,
                        const served_scores_entry *entries, size_t count,
                        shmrpc_error *error);

/* Removes all keys, in one step. */
int served_scores_clear(served_scores_dict *dict, shmrpc_error *error);

/* Waits for the advisory lock of a key, whether or not it has a value, or of
 * the whole dict (`key` NULL), which excludes all keys; `wait` may be NULL.
 * OWNER_DIED: held, but its previous owner died while holding it; DEADLINE: the
 * error says which process holds it. See <shmrpc/dict.h>. */
int served_scores_lock(served_scores_dict *dict, const uint32_t *key,
                       const shmrpc_lock_wait *wait, shmrpc_error *error);

/* The same without waiting.  BUSY. */
int served_scores_try_lock(served_scores_dict *dict, const uint32_t *key,
                           shmrpc_error *error);

/* Releases the lock. PRECONDITION: this thread does not hold it. */
int served_scores_unlock(served_scores_dict *dict, const uint32_t *key,
                         shmrpc_error *error);

/* After OWNER_DIED: says that what the lock protects has been repaired. */
int served_scores_lock_consistent(served_scores_dict *dict, const uint32_t *key,
                                  shmrpc_error *error);

/* Opens a view of the dict as it is now; later changes don't affect it. Close
 * it soon, since it keeps the memory that it shows. */
int served_scores_view_open(served_scores_dict *dict, served_scores_view **out,
                            shmrpc_error *error);

/* The value of a key, valid until the next call with `view`.  NOT_FOUND. */
int served_scores_view_get(served_scores_view *view, uint32_t key,
                           const uint32_t **out, shmrpc_error *error);

/* The next entry, in the order of insertion, valid until the next call with
 * `view`. NOT_FOUND: there are no more, and the next call starts over. */
int served_scores_view_next(served_scores_view *view, const uint32_t **out_key,
                            const uint32_t **out_value, shmrpc_error *error);

/* NULL is fine. */
void served_scores_view_close(served_scores_view *view);

/* Opens a watch, which reports changes from now on; `opts` may be NULL. */
int served_scores_watch_open(served_scores_dict *dict,
                             const shmrpc_watch_opts *opts,
                             served_scores_watch **out, shmrpc_error *error);

/* The next change, valid until the next call with `watch`. RESYNC: discard what
 * you know, all entries follow. DEADLINE, BUSY: there is none; DESTROYED. */
int served_scores_watch_next(served_scores_watch *watch,
                             const served_scores_event **out,
                             const shmrpc_opts *opts, shmrpc_error *error);

/* A descriptor for event loops, readable when there may be a change to read;
 * belongs to the handle. A negative number is a status. See
 * shmrpc_queue_fd(). */
int served_scores_watch_fd(served_scores_watch *watch);

/* NULL is fine. */
void served_scores_watch_close(served_scores_watch *watch);

/* Writes all entries, as they are now, to a file that replaces an older one
 * when it is complete. `path` NULL: the default place; `opts` may be NULL.
 * EXHAUSTED: no room on the disk. */
int served_scores_snapshot(served_scores_dict *dict, const char *path,
                           const shmrpc_snapshot_opts *opts,
                           shmrpc_error *error);

/* Puts all entries of a snapshot into the dict, in one step.  NOT_FOUND;
 * DATA_LOSS: it is damaged; CONTRACT: it is of another type. */
int served_scores_load(served_scores_dict *dict, const char *path,
                       shmrpc_error *error);

/* Destroys the dict for everyone, and frees its name. */
int served_scores_destroy(served_scores_dict *dict);

/* Figures as of now. */
int served_scores_stat(served_scores_dict *dict, shmrpc_dict_stat *out);

SHMRPC_END_DECLS

#endif

/*
 * Clients of served.svc, made by shmrpcgen: edit that file instead.
 *
 * Functions return 0, a negative shmrpc_status, or the number (100 or more) of
 * an error that the service declares.  A function that returns 0 writes its
 * results.  A function that returns anything else writes `error`, unless that
 * is NULL.  If errors of a method have details, a reply is also returned with
 * each declared error.
 * Arguments are borrowed until the call returns; no function here frees memory
 * of the caller.  Calls block until they end or their deadline passes; `opts`
 * may be NULL.
 * <shmrpc/async.h> explains the functions that do not block, ..._start and
 * ..._async.
 * Threading: any thread may use a client.
 */
#ifndef SERVED_SERVED_CLIENT_H
#define SERVED_SERVED_CLIENT_H

#include <shmrpc/async.h>
#include <shmrpc/client.h>
#include <shmrpc/error.h>
#include <shmrpc/options.h>

#include "served.h"

SHMRPC_BEGIN_DECLS

/*
 * A connection to the service "tts_golden".
 */
typedef struct served_tts served_tts;

/* Connects to `where`, one or more addresses separated by commas; NULL means
 * this machine. `defaults`, which may be NULL, also applies to the calls.
 * Blocks for at most 5 s. Returns UNAVAILABLE if no server listens there, or
 * CONTRACT if the server's interface is incompatible. Close the client when
 * done. */
int served_tts_connect(const char *where, const shmrpc_opts *defaults,
                       served_tts **out, shmrpc_error *error);

/* Ends the connection; no call may be running. Pending callbacks are called
 * first, with SHMRPC_E_CANCELLED. Replies stay valid. NULL is allowed. */
void served_tts_close(served_tts *client);

/* Reads the client's counters: how often it has reconnected, and how often it
 * has resent calls. */
void served_tts_read_stats(const served_tts *client, shmrpc_client_stats *out);

/* Returns a file descriptor for poll, epoll and event loops, which is readable
 * when served_tts_dispatch has something to do. It belongs to the client and
 * stays the same until close. On failure returns a negative shmrpc_status. */
int served_tts_fd(served_tts *client);

/* Calls the callbacks of finished calls on this thread, and returns their
 * number.  Does not block. */
int served_tts_dispatch(served_tts *client);

/* Deadline: the connection's, or that of `opts`. */
int served_tts_voice_count(served_tts *client, const shmrpc_opts *opts,
                           uint32_t *out, shmrpc_error *error);

/* Starts a call of voice_count and returns it in `*out`; end it with
 * served_tts_voice_count_finish. */
int served_tts_voice_count_start(served_tts *client, const shmrpc_opts *opts,
                                 shmrpc_call **out, shmrpc_error *error);

/* Waits for the result of a call that served_tts_voice_count_start returned,
 * and ends the call. Returns what served_tts_voice_count would. */
int served_tts_voice_count_finish(shmrpc_call *call, uint32_t *out,
                                  shmrpc_error *error);

/* The callback at the end of a call of voice_count; `status` is what
 * served_tts_voice_count would return.  `value` is valid until the callback
 * returns, and NULL unless `status` is 0; `error` is filled unless `status` is
 * 0. */
typedef void (*served_tts_voice_count_fn)(void *user, int status,
                                          const uint32_t *value,
                                          const shmrpc_error *error);

/* Starts a call of voice_count; served_tts_dispatch calls `done` when it is
 * over.  `*out` is for cancelling the call; `out` may be NULL. */
int served_tts_voice_count_async(served_tts *client, const shmrpc_opts *opts,
                                 shmrpc_call **out, shmrpc_error *error,
                                 served_tts_voice_count_fn done, void *user);

/*
 * Without methods.
 *
 * A connection to the service "board".
 */
typedef struct served_board served_board;

/* Connects to `where`, one or more addresses separated by commas; NULL means
 * this machine. `defaults`, which may be NULL, also applies to the calls.
 * Blocks for at most 5 s. Returns UNAVAILABLE if no server listens there, or
 * CONTRACT if the server's interface is incompatible. Close the client when
 * done. */
int served_board_connect(const char *where, const shmrpc_opts *defaults,
                         served_board **out, shmrpc_error *error);

/* Ends the connection; no call may be running. Replies stay valid. NULL is
 * allowed. */
void served_board_close(served_board *client);

/* Reads the client's counters: how often it has reconnected, and how often it
 * has resent calls. */
void served_board_read_stats(const served_board *client,
                             shmrpc_client_stats *out);

SHMRPC_END_DECLS

#endif

/*
 * Clients of served.svc, made by shmrpcgen: edit that file instead.
 *
 * Functions return 0, a negative shmrpc_status, or 100 and up, an error that
 * the service declares; results are written only on 0, and `error`, which may
 * be NULL, only otherwise.  Where errors carry details, a reply comes with each
 * declared error too.
 * What you pass in is borrowed until the call returns; nothing here frees a
 * pointer that you made.  Calls block until they end or their deadline passes;
 * `opts` may be NULL.
 * Forms that do not block, ..._start and ..._async, are explained in
 * <shmrpc/async.h>.
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

/* Connects to `where`, one or more addresses separated by commas; NULL is this
 * machine. `defaults`, which may be NULL, also applies to the calls. Blocks for
 * 5 s at most. UNAVAILABLE: nobody serves there; CONTRACT: the server's
 * interface differs. Close the client when done. */
int served_tts_connect(const char *where, const shmrpc_opts *defaults,
                       served_tts **out, shmrpc_error *error);

/* Ends the connection; no call may be running. Pending callbacks are called
 * first, with SHMRPC_E_CANCELLED. Replies stay valid. NULL is fine. */
void served_tts_close(served_tts *client);

/* Reads the client's counters: how often it has reconnected, and sent calls
 * again. */
void served_tts_read_stats(const served_tts *client, shmrpc_client_stats *out);

/* A descriptor that is readable when served_tts_dispatch has something to do:
 * for poll, epoll and event loops. It belongs to the client and stays the same
 * until close. Negative: a shmrpc_status. */
int served_tts_fd(served_tts *client);

/* Calls, on this thread, the callbacks of the calls that are over; returns how
 * many.  Does not block. */
int served_tts_dispatch(served_tts *client);

/* Deadline: the connection's, or that of `opts`. */
int served_tts_voice_count(served_tts *client, const shmrpc_opts *opts,
                           uint32_t *out, shmrpc_error *error);

/* Starts voice_count and returns `*out`, which served_tts_voice_count_finish
 * ends. */
int served_tts_voice_count_start(served_tts *client, const shmrpc_opts *opts,
                                 shmrpc_call **out, shmrpc_error *error);

/* Waits for a call that served_tts_voice_count_start returned, and ends it: as
 * served_tts_voice_count does. */
int served_tts_voice_count_finish(shmrpc_call *call, uint32_t *out,
                                  shmrpc_error *error);

/* How a call of voice_count has ended.  `value` lives until it returns, and is
 * NULL unless `status` is 0; `error` is filled unless `status` is 0. */
typedef void (*served_tts_voice_count_fn)(void *user, int status,
                                          const uint32_t *value,
                                          const shmrpc_error *error);

/* Starts voice_count; served_tts_dispatch calls `done` when it is over.  `out`,
 * which may be NULL, is for cancelling. */
int served_tts_voice_count_async(served_tts *client, const shmrpc_opts *opts,
                                 shmrpc_call **out, shmrpc_error *error,
                                 served_tts_voice_count_fn done, void *user);

/*
 * Without methods.
 *
 * A connection to the service "board".
 */
typedef struct served_board served_board;

/* Connects to `where`, one or more addresses separated by commas; NULL is this
 * machine. `defaults`, which may be NULL, also applies to the calls. Blocks for
 * 5 s at most. UNAVAILABLE: nobody serves there; CONTRACT: the server's
 * interface differs. Close the client when done. */
int served_board_connect(const char *where, const shmrpc_opts *defaults,
                         served_board **out, shmrpc_error *error);

/* Ends the connection; no call may be running. Replies stay valid. NULL is
 * fine. */
void served_board_close(served_board *client);

/* Reads the client's counters: how often it has reconnected, and sent calls
 * again. */
void served_board_read_stats(const served_board *client,
                             shmrpc_client_stats *out);

SHMRPC_END_DECLS

#endif

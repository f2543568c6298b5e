/* The catalogue: one handler for all three encodings. */
#include "library_server.h"

#include <signal.h>
#include <stdio.h>

static shmrpc_server *server;

static void stop(int signal)
{
    (void)signal;
    shmrpc_server_stop(server);
}

static int move(shmrpc_ctx *ctx, void *user, const library_book *book,
                library_shelf to, library_book *ret)
{
    (void)user;
    if (to == LIBRARY_SHELF_HISTORY) {
        return shmrpc_ctx_fail(ctx, LIBRARY_ERR_NO_SUCH_SHELF,
                               "history is being painted");
    }
    *ret = *book;
    ret->shelf = to;
    ret->shift = -1;
    return SHMRPC_OK;
}

static int note(shmrpc_ctx *ctx, void *user, const shmrpc_any *text,
                shmrpc_any *ret)
{
    (void)ctx;
    (void)user;
    *ret = *text;
    return SHMRPC_OK;
}

int main(void)
{
    library_catalogue_impl impl = LIBRARY_CATALOGUE_IMPL_INIT;
    impl.move_json = move;
    impl.move_msgpack = move;
    impl.move_native = move;
    impl.note_json = note;
    impl.note_msgpack = note;
    shmrpc_error error = {0};
    if (shmrpc_server_create(NULL, &server, &error) != SHMRPC_OK ||
        library_catalogue_serve(server, &impl, NULL, &error) != SHMRPC_OK) {
        fprintf(stderr, "server: %s: %s\n", error.name, error.message);
        return 1;
    }
    signal(SIGTERM, stop);
    puts("ready");
    fflush(stdout);
    int status = shmrpc_server_run(server, &error);
    shmrpc_server_destroy(server);
    return status == SHMRPC_OK ? 0 : 1;
}

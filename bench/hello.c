/*
 * shmrpc-hello: the minimum cost of a request with libmicrohttpd: a page of two
 * bytes. Prints the port and serves until it is killed.
 *
 * bench/rest.py compares shmrpc-web with it.
 */
#include <microhttpd.h>
#include <stdio.h>
#include <unistd.h>

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection,
                                  const char *path, const char *verb,
                                  const char *version, const char *data,
                                  size_t *len, void **context)
{
    static int seen;
    static const char page[] = "hi";
    (void)user, (void)path, (void)verb, (void)version, (void)data;
    if (*context == NULL || *len > 0) {
        *context = &seen; /* only the head or a part of the body has come */
        *len = 0;
        return MHD_YES;
    }
    struct MHD_Response *reply = MHD_create_response_from_buffer(
        sizeof page - 1, (void *)(size_t)page, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result = MHD_queue_response(connection, 200, reply);
    MHD_destroy_response(reply);
    return result;
}

int main(void)
{
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL,
                         on_request, NULL, MHD_OPTION_END);
    if (daemon == NULL) {
        fputs("shmrpc-hello: can't listen\n", stderr);
        return 1;
    }
    printf(
        "%u\n",
        (unsigned)MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    (void)fflush(stdout);
    for (;;) {
        (void)pause();
    }
}

/* ONC RPC with libtirpc and stubs from rpcgen, over a unix socket and TCP,
 * without rpcbind. A connection can have only one call in flight. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <rpc/rpc.h>
#include <rpc/svc_soc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "peer.h"

#include "onc_echo.h"

enum { BUFFER_BYTES = 65536, PATIENCE_S = 25 };

/* The dispatcher that rpcgen generates; it frees the request after the
 * reply. */
void echo_program_1(struct svc_req *request, SVCXPRT *transport);

blob *echo_call_1_svc(blob *request, struct svc_req *about)
{
    (void)about;
    return request;
}

static void serve_by(SVCXPRT *transport, const char *address)
{
    if (transport == NULL || !svc_register(transport, ECHO_PROGRAM,
                                           ECHO_VERSION, echo_program_1, 0)) {
        bench_fail("cannot serve at %s", address);
    }
    bench_ready();
    svc_run();
}

static void serve(const char *path)
{
    char name[sizeof((struct sockaddr_un *)0)->sun_path];
    snprintf(name, sizeof name, "%s", path);
    serve_by(svcunix_create(RPC_ANYSOCK, BUFFER_BYTES, BUFFER_BYTES, name),
             path);
}

static struct sockaddr_in endpoint_of(const char *address)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void serve_tcp(const char *address)
{
    const struct sockaddr_in at = endpoint_of(address);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) != 0 ||
        listen(fd, 1) != 0) {
        bench_fail("cannot listen at %s", address);
    }
    serve_by(svctcp_create(fd, BUFFER_BYTES, BUFFER_BYTES), address);
}

static void *dial(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = RPC_ANYSOCK;
    strncpy(at.sun_path, path, sizeof at.sun_path - 1);
    CLIENT *const client = clntunix_create(&at, ECHO_PROGRAM, ECHO_VERSION, &fd,
                                           BUFFER_BYTES, BUFFER_BYTES);
    if (client == NULL) {
        bench_fail("%s", clnt_spcreateerror("clntunix_create"));
    }
    return client;
}

static void *dial_tcp(const char *address)
{
    struct sockaddr_in at = endpoint_of(address);
    int fd = RPC_ANYSOCK;
    CLIENT *const client = clnttcp_create(&at, ECHO_PROGRAM, ECHO_VERSION, &fd,
                                          BUFFER_BYTES, BUFFER_BYTES);
    if (client == NULL) {
        bench_fail("%s", clnt_spcreateerror("clnttcp_create"));
    }
    return client;
}

static void call(void *connection, const peer_message *m)
{
    blob request = {.blob_len = (u_int)m->size, .blob_val = (char *)m->request};
    blob reply = {0};
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    CLIENT *const client = connection;
    if (clnt_call(client, ECHO_CALL, (xdrproc_t)xdr_blob, (caddr_t)&request,
                  (xdrproc_t)xdr_blob, (caddr_t)&reply,
                  patience) != RPC_SUCCESS) {
        bench_fail("%s", clnt_sperror(client, "clnt_call"));
    }
    peer_check(m, reply.blob_val, reply.blob_len);
    xdr_free((xdrproc_t)xdr_blob, &reply);
}

static const peer who = {"", serve, dial, call, NULL};
static const peer who_tcp = {"127.0.0.1:", serve_tcp, dial_tcp, call, NULL};

static const bench_case cases[] = {
    PEER_CASES("onc-rpc", "ONC RPC by libtirpc, stubs of rpcgen, a unix socket",
               who),
    PEER_TCP_CASES("onc-rpc", "ONC RPC by libtirpc, stubs of rpcgen, over TCP",
                   who_tcp)};

const bench_suite onc_rpc = {cases, sizeof cases / sizeof *cases};

// gRPC C++: unary calls with the synchronous stub and server, over a unix
// socket.
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "echo.grpc.pb.h"
#include "peer.h"

namespace
{

enum { MAX_MESSAGE = 16 << 20 };

struct service final : bench_peer::Echo::Service {
    grpc::Status Call(grpc::ServerContext *, const bench_peer::Blob *request,
                      bench_peer::Blob *reply) override
    {
        reply->set_data(request->data());
        return grpc::Status::OK;
    }
};

void serve(const char *address)
{
    service echo;
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(MAX_MESSAGE);
    builder.AddListeningPort(address, grpc::InsecureServerCredentials());
    builder.RegisterService(&echo);
    const auto server = builder.BuildAndStart();
    if (server == nullptr) {
        bench_fail("cannot serve at %s", address);
    }
    bench_ready();
    server->Wait();
}

using stub = bench_peer::Echo::Stub;

void *dial(const char *address)
{
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(MAX_MESSAGE);
    return bench_peer::Echo::NewStub(
               grpc::CreateCustomChannel(
                   address, grpc::InsecureChannelCredentials(), arguments))
        .release();
}

void call(void *connection, const peer_message *m)
{
    grpc::ClientContext context;
    bench_peer::Blob request;
    bench_peer::Blob reply;
    request.set_data(m->request, m->size);
    const auto status =
        static_cast<stub *>(connection)->Call(&context, request, &reply);
    if (!status.ok()) {
        bench_fail("%s", status.error_message().c_str());
    }
    peer_check(m, reply.data().data(), reply.data().size());
}

const peer who = {"unix:", serve, dial, call, nullptr};
const peer who_tcp = {"127.0.0.1:", serve, dial, call, nullptr};

const bench_case cases[] = {
    PEER_CASES("grpc", "gRPC C++, unary, synchronous, a unix socket", who),
    PEER_TCP_CASES("grpc", "gRPC C++, unary, synchronous over TCP", who_tcp)};

} // namespace

extern "C" const bench_suite grpc_cc;
const bench_suite grpc_cc = {cases, sizeof cases / sizeof *cases};

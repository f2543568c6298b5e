// gRPC C++: unary calls and server streams with the synchronous stub and
// server, over a unix socket.
#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <cstring>
#include <deque>
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

    grpc::Status Pour(grpc::ServerContext *, const bench_peer::Blob *like,
                      grpc::ServerWriter<bench_peer::Blob> *out) override
    {
        bench_peer::Blob item;
        item.set_data(like->data());
        std::uint64_t number = 0;
        do {
            std::memcpy(&(*item.mutable_data())[0], &number, sizeof number);
            number++;
        } while (out->Write(item));
        return grpc::Status::OK;
    }
};

void serve_by(const char *address, grpc::Service *echo)
{
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(MAX_MESSAGE);
    builder.AddListeningPort(address, grpc::InsecureServerCredentials());
    builder.RegisterService(echo);
    const auto server = builder.BuildAndStart();
    if (server == nullptr) {
        bench_fail("cannot serve at %s", address);
    }
    bench_ready();
    server->Wait();
}

void serve(const char *address)
{
    service echo;
    serve_by(address, &echo);
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

// ---- a server stream ----

struct pouring {
    std::unique_ptr<stub> echo;
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<bench_peer::Blob>> reader;
    bench_peer::Blob item;
};

void *dial_pouring(const char *address)
{
    auto *const p = new pouring;
    p->echo.reset(static_cast<stub *>(dial(address)));
    return p;
}

void take(void *connection, peer_message *m, unsigned count)
{
    auto *const p = static_cast<pouring *>(connection);
    if (p->reader == nullptr) {
        bench_peer::Blob like;
        like.set_data(m->request, m->size);
        p->reader = p->echo->Pour(&p->context, like);
    }
    for (unsigned i = 0; i < count; i++) {
        if (!p->reader->Read(&p->item)) {
            bench_fail("the stream has ended");
        }
        peer_item(m, p->item.data().data(), p->item.data().size());
    }
}

// ---- many in flight: callbacks at the server, a completion queue here ----

struct reacting final : bench_peer::Echo::CallbackService {
    grpc::ServerUnaryReactor *Call(grpc::CallbackServerContext *context,
                                   const bench_peer::Blob *request,
                                   bench_peer::Blob *reply) override
    {
        reply->set_data(request->data());
        grpc::ServerUnaryReactor *const reactor = context->DefaultReactor();
        reactor->Finish(grpc::Status::OK);
        return reactor;
    }
};

void serve_reacting(const char *address)
{
    reacting echo;
    serve_by(address, &echo);
}

struct flight {
    grpc::ClientContext context;
    bench_peer::Blob reply;
    grpc::Status status;
    std::unique_ptr<grpc::ClientAsyncResponseReader<bench_peer::Blob>> reader;
    bool is_over = false;
};

struct pipeline {
    std::unique_ptr<stub> echo;
    grpc::CompletionQueue queue;
    std::deque<std::unique_ptr<flight>> flights;
};

void *dial_pipeline(const char *address)
{
    auto *const p = new pipeline;
    p->echo.reset(static_cast<stub *>(dial(address)));
    return p;
}

void start(void *connection, const peer_message *m)
{
    auto *const p = static_cast<pipeline *>(connection);
    bench_peer::Blob request;
    request.set_data(m->request, m->size);
    auto one = std::make_unique<flight>();
    one->reader = p->echo->AsyncCall(&one->context, request, &p->queue);
    one->reader->Finish(&one->reply, &one->status, one.get());
    p->flights.push_back(std::move(one));
}

void finish(void *connection, const peer_message *m)
{
    auto *const p = static_cast<pipeline *>(connection);
    const auto oldest = std::move(p->flights.front());
    p->flights.pop_front();
    while (!oldest->is_over) {
        void *tag;
        bool ok;
        if (!p->queue.Next(&tag, &ok) || !ok) {
            bench_fail("the completion queue has ended");
        }
        static_cast<flight *>(tag)->is_over = true;
    }
    if (!oldest->status.ok()) {
        bench_fail("%s", oldest->status.error_message().c_str());
    }
    peer_check(m, oldest->reply.data().data(), oldest->reply.data().size());
}

const peer who_pipelined = {"127.0.0.1:", serve_reacting, dial_pipeline,
                            nullptr,      nullptr,        start,
                            finish};
const peer who = {"unix:", serve, dial, call, nullptr};
const peer who_tcp = {"127.0.0.1:", serve, dial, call, nullptr};

const peer who_pours = {"unix:", serve,   dial_pouring, nullptr,
                        nullptr, nullptr, nullptr,      take};
const peer who_pours_tcp = {"127.0.0.1:", serve,   dial_pouring, nullptr,
                            nullptr,      nullptr, nullptr,      take};

const bench_case cases[] = {
    PEER_STREAMS("", "", "grpc", "gRPC C++, a server stream, a unix socket",
                 who_pours),
    PEER_STREAMS("tcp.", "tcp ", "grpc", "gRPC C++, a server stream over TCP",
                 who_pours_tcp),
    PEER_CASES("grpc", "gRPC C++, unary, synchronous, a unix socket", who),
    PEER_TCP_CASES("grpc", "gRPC C++, unary, synchronous over TCP", who_tcp),
    PEER_NATS_CASE("grpc", "gRPC over TCP, in the same rounds", who_tcp),
    PEER_TCP_PIPELINE("grpc", "gRPC C++, a completion queue, callbacks",
                      who_pipelined)};

} // namespace

extern "C" const bench_suite grpc_cc;
const bench_suite grpc_cc = {cases, sizeof cases / sizeof *cases};

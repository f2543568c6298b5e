// Apache Thrift C++ with the binary protocol, buffered, over a unix socket and
// TCP. To have many calls in flight, it uses the generated send_ and recv_
// functions of a call; each send flushes.
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/server/TSimpleServer.h>
#include <thrift/transport/TBufferTransports.h>
#include <thrift/transport/TServerSocket.h>
#include <thrift/transport/TSocket.h>

#include <cstring>
#include <memory>
#include <string>

#include "Echo.h"
#include "peer.h"

namespace
{

using namespace apache::thrift;
using namespace apache::thrift::protocol;
using namespace apache::thrift::transport;

struct service final : bench_peer::EchoIf {
    void call(std::string &reply, const std::string &data) override
    {
        reply = data;
    }
};

struct on_serve final : server::TServerEventHandler {
    void preServe() override
    {
        bench_ready();
    }
};

void serve_at(const std::shared_ptr<TServerTransport> &place)
{
    server::TSimpleServer server(std::make_shared<bench_peer::EchoProcessor>(
                                     std::make_shared<service>()),
                                 place,
                                 std::make_shared<TBufferedTransportFactory>(),
                                 std::make_shared<TBinaryProtocolFactory>());
    server.setServerEventHandler(std::make_shared<on_serve>());
    server.serve();
}

void serve(const char *path)
{
    serve_at(std::make_shared<TServerSocket>(std::string(path)));
}

int port_of(const char *address)
{
    return std::stoi(std::strrchr(address, ':') + 1);
}

void serve_tcp(const char *address)
{
    serve_at(std::make_shared<TServerSocket>("127.0.0.1", port_of(address)));
}

void *dial_by(const std::shared_ptr<TSocket> &socket)
{
    const auto transport = std::make_shared<TBufferedTransport>(socket);
    transport->open();
    return new bench_peer::EchoClient(
        std::make_shared<TBinaryProtocol>(transport));
}

void *dial(const char *path)
{
    return dial_by(std::make_shared<TSocket>(std::string(path)));
}

void *dial_tcp(const char *address)
{
    return dial_by(std::make_shared<TSocket>("127.0.0.1", port_of(address)));
}

void call(void *connection, const peer_message *m)
{
    const std::string request(reinterpret_cast<char *>(m->request), m->size);
    std::string reply;
    static_cast<bench_peer::EchoClient *>(connection)->call(reply, request);
    peer_check(m, reply.data(), reply.size());
}

void start(void *connection, const peer_message *m)
{
    static_cast<bench_peer::EchoClient *>(connection)
        ->send_call(std::string(reinterpret_cast<char *>(m->request), m->size));
}

void finish(void *connection, const peer_message *m)
{
    std::string reply;
    static_cast<bench_peer::EchoClient *>(connection)->recv_call(reply);
    peer_check(m, reply.data(), reply.size());
}

const peer who = {"", serve, dial, call, nullptr};
const peer who_tcp = {"127.0.0.1:", serve_tcp, dial_tcp, call, nullptr};
const peer who_pipelined = {"127.0.0.1:", serve_tcp, dial_tcp, nullptr,
                            nullptr,      start,     finish};

const bench_case cases[] = {
    PEER_CASES("thrift", "Apache Thrift C++, buffered, a unix socket", who),
    PEER_TCP_CASES("thrift", "Apache Thrift C++, buffered, over TCP", who_tcp),
    PEER_TCP_PIPELINE("thrift", "Apache Thrift C++, send_ and recv_",
                      who_pipelined)};

} // namespace

extern "C" const bench_suite thrift_cc;
const bench_suite thrift_cc = {cases, sizeof cases / sizeof *cases};

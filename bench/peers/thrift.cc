// Apache Thrift C++, the binary protocol, buffered, over a unix socket.
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/server/TSimpleServer.h>
#include <thrift/transport/TBufferTransports.h>
#include <thrift/transport/TServerSocket.h>
#include <thrift/transport/TSocket.h>

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

void serve(const char *path)
{
    server::TSimpleServer server(
        std::make_shared<bench_peer::EchoProcessor>(
            std::make_shared<service>()),
        std::make_shared<TServerSocket>(std::string(path)),
        std::make_shared<TBufferedTransportFactory>(),
        std::make_shared<TBinaryProtocolFactory>());
    server.setServerEventHandler(std::make_shared<on_serve>());
    server.serve();
}

void *dial(const char *path)
{
    const auto transport = std::make_shared<TBufferedTransport>(
        std::make_shared<TSocket>(std::string(path)));
    transport->open();
    return new bench_peer::EchoClient(
        std::make_shared<TBinaryProtocol>(transport));
}

void call(void *connection, const peer_message *m)
{
    const std::string request(reinterpret_cast<char *>(m->request), m->size);
    std::string reply;
    static_cast<bench_peer::EchoClient *>(connection)->call(reply, request);
    peer_check(m, reply.data(), reply.size());
}

const peer who = {"", serve, dial, call, nullptr};

const bench_case cases[] = {
    PEER_CASES("thrift", "Apache Thrift C++, buffered, a unix socket", who)};

} // namespace

extern "C" const bench_suite thrift_cc;
const bench_suite thrift_cc = {cases, sizeof cases / sizeof *cases};

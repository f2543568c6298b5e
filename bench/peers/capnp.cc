// Cap'n Proto RPC by EzRpc, over a unix socket.
#include <capnp/ez-rpc.h>
#include <capnp/message.h>

#include <deque>

#include "echo.capnp.h"
#include "peer.h"

namespace
{

struct service final : Echo::Server {
    kj::Promise<void> call(CallContext context) override
    {
        context.getResults().setData(context.getParams().getData());
        return kj::READY_NOW;
    }
};

capnp::ReaderOptions options()
{
    capnp::ReaderOptions o;
    o.traversalLimitInWords = 64 << 20;
    return o;
}

void serve(const char *address)
{
    capnp::EzRpcServer server(kj::heap<service>(), address, 0, options());
    server.getPort().wait(server.getWaitScope());
    bench_ready();
    kj::NEVER_DONE.wait(server.getWaitScope());
}

struct line {
    capnp::EzRpcClient client;
    Echo::Client echo;
    std::deque<capnp::RemotePromise<Echo::CallResults>> flights;
    explicit line(const char *address)
        : client(address, 0, options()), echo(client.getMain<Echo>())
    {
    }
};

void *dial(const char *address)
{
    return new line(address);
}

void call(void *connection, const peer_message *m)
{
    line *const l = static_cast<line *>(connection);
    auto request = l->echo.callRequest(capnp::MessageSize{m->size / 8 + 16, 0});
    request.setData(kj::ArrayPtr<const kj::byte>(m->request, m->size));
    auto reply = request.send().wait(l->client.getWaitScope());
    const auto data = reply.getData();
    peer_check(m, data.begin(), data.size());
}

void start(void *connection, const peer_message *m)
{
    line *const l = static_cast<line *>(connection);
    auto request = l->echo.callRequest(capnp::MessageSize{m->size / 8 + 16, 0});
    request.setData(kj::ArrayPtr<const kj::byte>(m->request, m->size));
    l->flights.push_back(request.send());
}

void finish(void *connection, const peer_message *m)
{
    line *const l = static_cast<line *>(connection);
    auto reply = l->flights.front().wait(l->client.getWaitScope());
    const auto data = reply.getData();
    peer_check(m, data.begin(), data.size());
    l->flights.pop_front();
}

const peer who_pipelined = {"127.0.0.1:", serve, dial,  nullptr,
                            nullptr,      start, finish};
const peer who = {"unix:", serve, dial, call, nullptr};
const peer who_tcp = {"127.0.0.1:", serve, dial, call, nullptr};

const bench_case cases[] = {
    PEER_CASES("capnp", "Cap'n Proto RPC, EzRpc, a unix socket", who),
    PEER_TCP_CASES("capnp", "Cap'n Proto RPC, EzRpc over TCP", who_tcp),
    PEER_TCP_PIPELINE("capnp", "Cap'n Proto, many promises", who_pipelined)};

} // namespace

extern "C" const bench_suite capnp_rpc;
const bench_suite capnp_rpc = {cases, sizeof cases / sizeof *cases};

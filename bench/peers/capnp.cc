// Cap'n Proto RPC with EzRpc, over a unix socket; items with `-> stream`.
#include <capnp/ez-rpc.h>
#include <capnp/message.h>

#include <cstdint>
#include <cstring>
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

    kj::Promise<void> pour(PourContext context) override
    {
        const auto like = context.getParams().getLike();
        return go_on(context.getParams().getSink(),
                     kj::heapArray<kj::byte>(like.begin(), like.size()), 0);
    }

  private:
    // Sends items without end; waits only when the stream's flow control
    // requires it.
    static kj::Promise<void> go_on(Sink::Client sink, kj::Array<kj::byte> item,
                                   std::uint64_t number)
    {
        std::memcpy(item.begin(), &number, sizeof number);
        auto request =
            sink.pushRequest(capnp::MessageSize{item.size() / 8 + 16, 0});
        request.setData(item);
        return request.send().then(
            [sink = kj::mv(sink), item = kj::mv(item), number]() mutable {
                return go_on(kj::mv(sink), kj::mv(item), number + 1);
            });
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

// ---- items that the server pushes into our sink ----

struct taking {
    peer_message *message = nullptr;
    std::uint64_t came = 0;
    std::uint64_t wanted = 0;
    kj::Own<kj::PromiseFulfiller<void>> enough;
};

struct sink final : Sink::Server {
    taking &to;
    explicit sink(taking &t) : to(t)
    {
    }
    kj::Promise<void> push(PushContext context) override
    {
        const auto data = context.getParams().getData();
        peer_item(to.message, data.begin(), data.size());
        if (++to.came == to.wanted) {
            to.enough->fulfill();
        }
        return kj::READY_NOW;
    }
};

struct pouring {
    line l;
    taking so_far;
    kj::Maybe<capnp::RemotePromise<Echo::PourResults>> call;
    explicit pouring(const char *address) : l(address)
    {
    }
};

void *dial_pouring(const char *address)
{
    return new pouring(address);
}

void take(void *connection, peer_message *m, unsigned count)
{
    auto *const p = static_cast<pouring *>(connection);
    if (p->so_far.message == nullptr) {
        p->so_far.message = m;
        auto request = p->l.echo.pourRequest();
        request.setLike(kj::ArrayPtr<const kj::byte>(m->request, m->size));
        request.setSink(kj::heap<sink>(p->so_far));
        p->call = request.send();
    }
    p->so_far.wanted += count;
    if (p->so_far.came < p->so_far.wanted) {
        auto paf = kj::newPromiseAndFulfiller<void>();
        p->so_far.enough = kj::mv(paf.fulfiller);
        paf.promise.wait(p->l.client.getWaitScope());
    }
}

const peer who_pipelined = {"127.0.0.1:", serve, dial,  nullptr,
                            nullptr,      start, finish};
const peer who = {"unix:", serve, dial, call, nullptr};
const peer who_tcp = {"127.0.0.1:", serve, dial, call, nullptr};

const peer who_pours = {"unix:", serve,   dial_pouring, nullptr,
                        nullptr, nullptr, nullptr,      take};
const peer who_pours_tcp = {"127.0.0.1:", serve,   dial_pouring, nullptr,
                            nullptr,      nullptr, nullptr,      take};

const bench_case cases[] = {
    PEER_STREAMS("", "", "capnp", "Cap'n Proto, -> stream, a unix socket",
                 who_pours),
    PEER_STREAMS("tcp.", "tcp ", "capnp", "Cap'n Proto, -> stream over TCP",
                 who_pours_tcp),
    PEER_CASES("capnp", "Cap'n Proto RPC, EzRpc, a unix socket", who),
    PEER_TCP_CASES("capnp", "Cap'n Proto RPC, EzRpc over TCP", who_tcp),
    PEER_TCP_PIPELINE("capnp", "Cap'n Proto, many promises", who_pipelined)};

} // namespace

extern "C" const bench_suite capnp_rpc;
const bench_suite capnp_rpc = {cases, sizeof cases / sizeof *cases};

// Boost.Interprocess: two message_queues in shared memory, which wait on a
// mutex and a condition shared by the processes.
#include <boost/interprocess/ipc/message_queue.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include "peer.h"

namespace
{

namespace bi = boost::interprocess;

enum { MESSAGE_BYTES = 1 << 20 };

// Returns a queue's name, which must not contain slashes.
std::string name_of(const char *path, const char *which)
{
    std::string name = std::string(path) + which;
    std::replace(name.begin(), name.end(), '/', '-');
    return name;
}

struct queues {
    bi::message_queue request;
    bi::message_queue reply;
    std::vector<char> message;
    explicit queues(const char *path)
        : request(bi::open_or_create, name_of(path, "request").c_str(), 2,
                  MESSAGE_BYTES),
          reply(bi::open_or_create, name_of(path, "reply").c_str(), 2,
                MESSAGE_BYTES),
          message(MESSAGE_BYTES)
    {
    }
};

void serve(const char *path)
{
    queues q(path);
    bench_ready();
    for (;;) {
        size_t size;
        unsigned priority;
        q.request.receive(q.message.data(), MESSAGE_BYTES, size, priority);
        q.reply.send(q.message.data(), size, 0);
    }
}

// Both sides have opened the queues, so their names can be removed.
void *dial(const char *path)
{
    queues *const q = new queues(path);
    bi::message_queue::remove(name_of(path, "request").c_str());
    bi::message_queue::remove(name_of(path, "reply").c_str());
    return q;
}

void call(void *connection, const peer_message *m)
{
    queues *const q = static_cast<queues *>(connection);
    size_t size;
    unsigned priority;
    q->request.send(m->request, m->size, 0);
    q->reply.receive(q->message.data(), MESSAGE_BYTES, size, priority);
    peer_check(m, q->message.data(), size);
}

const peer who = {"", serve, dial, call, nullptr};

const bench_case cases[] = {
    PEER_CASES("boost-mq", "two message_queues of Boost.Interprocess", who)};

} // namespace

extern "C" const bench_suite boost_mq;
const bench_suite boost_mq = {cases, sizeof cases / sizeof *cases};

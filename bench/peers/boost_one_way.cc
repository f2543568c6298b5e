// Boost.Interprocess: a message_queue in shared memory, records one way.
#include <boost/interprocess/ipc/message_queue.hpp>

#include <string>
#include <unistd.h>

#include "one_way.h"

namespace
{

namespace bi = boost::interprocess;

struct way {
    size_t bytes;
    std::string name;
    bi::message_queue queue;
    explicit way(size_t size)
        : bytes(size), name("shmrpc-bench-" + std::to_string(getpid())),
          queue(bi::create_only, name.c_str(), (128 << 10) / size, size)
    {
        // Both processes are forked from this one and inherit the mapping, so
        // the name can be removed.
        bi::message_queue::remove(name.c_str());
    }
};

void *setup(const bench_case *self)
{
    return new way(self->payload);
}

void serve(void *state)
{
    way *const w = static_cast<way *>(state);
    static const char data[ONE_WAY_MAX_BYTES] = {};
    bench_ready();
    for (;;) {
        w->queue.send(data, w->bytes, 0);
    }
}

void call(void *state)
{
    way *const w = static_cast<way *>(state);
    for (int i = 0; i < ONE_WAY_RECORDS; i++) {
        char data[ONE_WAY_MAX_BYTES];
        size_t size;
        unsigned priority;
        w->queue.receive(data, sizeof data, size, priority);
        if (size != w->bytes) {
            bench_fail("a record of %zu bytes", size);
        }
    }
}

void teardown(void *state)
{
    delete static_cast<way *>(state);
}

bench_case make(const char *name, const char *contest, size_t bytes)
{
    bench_case it = {};
    it.name = name;
    it.about = "records from one process to another";
    it.payload = bytes;
    it.places = BENCH_IN_APART | BENCH_IN_FREE;
    it.floor = BENCH_FLOOR_NONE;
    it.contest = contest;
    it.contestant = "boost-mq";
    it.calls = ONE_WAY_RECORDS;
    it.setup = setup;
    it.serve = serve;
    it.call = call;
    it.teardown = teardown;
    it.spins = 1;
    return it;
}

const bench_case cases[] = {
    make("shared.queue.64B.boost-mq", "one way 64B", 64),
    make("shared.queue.4K.boost-mq", "one way 4K", 4096)};

} // namespace

extern "C" const bench_suite boost_one_way;
const bench_suite boost_one_way = {cases, sizeof cases / sizeof *cases};

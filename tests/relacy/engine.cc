/* Relacy as the runtime of code that is instrumented for ThreadSanitizer. */
#include "relacy_corrected.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <streambuf>

#include "engine.h"
#include "mutation.h"

namespace
{

/* ---- the current run ----------------------------------------------------- */

const site nowhere = {"", "", "plain", "", 0};
site here = nowhere;

const engine_case *current;

/* The machine models: c11 is what C11 promises. In aarch64 both compilers use
 * the same instruction (STLR, STLXR) for release and for sequentially
 * consistent stores. In x86 a locked instruction is a full fence. */
enum { c11, aarch64, x86 } machine = aarch64;

rl::debug_info info()
{
    return rl::debug_info(here.function, here.file, (unsigned)here.line);
}

/* ---- places in the source ------------------------------------------------ */

struct range {
    uintptr_t begin, end;
};

range watched[16], ignored[16], forbidden[16], shared[4];
size_t watched_count, ignored_count, forbidden_count, shared_count;
void *freed[16];
size_t freed_count;

bool is_among(const range *ranges, size_t count, uintptr_t at)
{
    for (size_t i = 0; i < count; i++) {
        if (at >= ranges[i].begin && at < ranges[i].end) {
            return true;
        }
    }
    return false;
}

/* A value that starts as the contents of memory when it is first accessed. */
template <typename T> struct cell {
    static T initial;
    T v;
    cell() : v(initial)
    {
    }
    cell(T value) : v(value)
    {
    }
    bool operator==(const cell &other) const
    {
        return v == other.v;
    }
    cell operator+(cell other) const
    {
        return cell((T)(v + other.v));
    }
    cell operator-(cell other) const
    {
        return cell((T)(v - other.v));
    }
    cell operator&(cell other) const
    {
        return cell((T)(v & other.v));
    }
    cell operator|(cell other) const
    {
        return cell((T)(v | other.v));
    }
    cell operator^(cell other) const
    {
        return cell((T)(v ^ other.v));
    }
};
template <typename T> T cell<T>::initial;

template <typename T>
std::ostream &operator<<(std::ostream &out, const cell<T> &it)
{
    return out << "0x" << std::hex << (uint64_t)it.v << std::dec;
}

template <typename T> struct word : rl::generic_atomic<cell<T>, true> {
};

/* Everything that was accessed in this run, by its address: atomics and, at
 * their first byte, the groups of eight bytes that are checked for races. */
struct object {
    uintptr_t at; /* 0: this entry is free */
    unsigned bytes;
    rl::var_data *plain;
    alignas(16) unsigned char place[sizeof(word<uint64_t>)];
};

const size_t object_max = 4096; /* a power of two */
object objects[object_max];
size_t used[object_max];
size_t used_count;

object *lookup(uintptr_t at)
{
    size_t i = (at >> 1) * 0x9E3779B97F4A7C15u >> 40 & (object_max - 1);
    while (objects[i].at != 0 && objects[i].at != at) {
        i = (i + 1) & (object_max - 1);
    }
    return &objects[i];
}

void fail(const char *why)
{
    rl::ctx().fail_test(why, rl::test_result_user_assert_failed, info());
}

void claim(object *it, uintptr_t at, unsigned bytes)
{
    if (used_count > object_max / 2) {
        fail("engine: too many objects");
    }
    it->at = at;
    it->bytes = bytes;
    it->plain = NULL;
    used[used_count++] = (size_t)(it - objects);
}

/* Relacy can't model neighbours of different sizes. */
void check_neighbours(uintptr_t at, unsigned bytes)
{
    for (uintptr_t other = at - 7; other < at + bytes; other++) {
        const object *it = lookup(other);
        if (other != at && it->at == other && it->plain == NULL &&
            other + it->bytes > at) {
            fail("engine: atomics of several sizes in one place");
        }
    }
}

template <typename T> word<T> &atomic_at(const volatile void *address)
{
    uintptr_t at = (uintptr_t)address;
    object *it = lookup(at);
    if (it->at == 0) {
        check_neighbours(at, sizeof(T));
        claim(it, at, sizeof(T));
        cell<T>::initial = *(const volatile T *)address;
        ::new (it->place) word<T>();
    } else if (it->bytes != sizeof(T) || it->plain != NULL) {
        fail("engine: an atomic that was something else before");
    }
    return *(word<T> *)(void *)it->place;
}

template <typename T> void drop(object *it)
{
    ((word<T> *)(void *)it->place)->~word<T>();
}

void drop_objects()
{
    for (size_t i = 0; i < used_count; i++) {
        object *it = &objects[used[i]];
        if (it->plain != NULL) {
            rl::ctx().var_dtor(it->plain);
        } else if (it->bytes == 2) {
            drop<uint16_t>(it);
        } else if (it->bytes == 4) {
            drop<uint32_t>(it);
        } else {
            drop<uint64_t>(it);
        }
    }
}

void forget_objects()
{
    for (size_t i = 0; i < used_count; i++) {
        objects[used[i]].at = 0;
    }
    for (size_t i = 0; i < freed_count; i++) {
        free(freed[i]);
    }
    used_count = watched_count = ignored_count = 0;
    forbidden_count = freed_count = shared_count = 0;
    here = nowhere;
}

/* ---- plain accesses ----------------------------------------------------- */

struct plain_event {
    const void *at;
    size_t bytes;
    bool is_write;

    void output(std::ostream &out) const
    {
        out << "<" << at << "> plain " << (is_write ? "write" : "read")
            << " of " << bytes << " bytes";
    }
};

void check_allowed(uintptr_t at)
{
    if (forbidden_count != 0 && is_among(forbidden, forbidden_count, at)) {
        fail("touched after it was given back");
    }
}

void plain_access(uintptr_t at, size_t bytes, bool is_write)
{
    check_allowed(at);
    if (watched_count == 0 || !is_among(watched, watched_count, at)) {
        return;
    }
    rl::context &c = rl::ctx();
    rl::debug_info info = ::info();
    RL_HIST(plain_event){(const void *)at, bytes, is_write} RL_HIST_END();
    for (uintptr_t place = at & ~(uintptr_t)7; place < at + bytes; place += 8) {
        /* Looks one byte further than an atomic that may be there. */
        object *it = lookup(place + 1);
        if (it->at == 0) {
            claim(it, place + 1, 8);
            it->plain = c.var_ctor();
        }
        if (!(is_write ? it->plain->store(*c.threadx_)
                       : it->plain->load(*c.threadx_))) {
            c.fail_test("", rl::test_result_data_race, info);
        }
    }
}

/* ---- atomic accesses ---------------------------------------------------- */

jmp_buf *death[8];
unsigned death_steps[8];
bool is_spared[8];

unsigned stop_steps[8];
bool is_stopped[8];

void may_stop(unsigned me)
{
    if (stop_steps[me] != 0 && --stop_steps[me] == 0) {
        const site place = here;
        is_stopped[me] = true;
        rl::ctx().park_current_thread(false, false, false, info());
        here = place;
    }
}

void may_die()
{
    unsigned me = rl::ctx().current_thread();
    may_stop(me);
    if (death_steps[me] != 0 && !is_spared[me] && --death_steps[me] == 0) {
        here = nowhere;
        _longjmp(*death[me], 1);
    }
}

bool is_direct(const volatile void *at)
{
    check_allowed((uintptr_t)at);
    return !rl::is_ctx() || is_among(ignored, ignored_count, (uintptr_t)at);
}

/* The order of this access, or omitted. */
int order_of(int given, bool is_store)
{
    note_site(here);
    may_die();
    int order = mutated(here);
    if (order == as_it_is) {
        order = given;
    }
    if (is_store && machine == aarch64 && (order == 3 || order == 4)) {
        order = 5;
    }
    return order;
}

/* Adds fences around accesses that are locked instructions on x86. */
void fence_if_locked(bool is_locked, const rl::debug_info &where)
{
    if (is_locked && machine == x86) {
        rl::atomic_thread_fence(rl::mo_seq_cst, where);
    }
}

/* The source position of this access; the next access has another. It must be
 * read before threads may be switched. */
rl::debug_info leave_site()
{
    rl::debug_info where = info();
    here = nowhere;
    return where;
}

template <typename T> T load(const volatile void *at, int given)
{
    if (is_direct(at)) {
        here = nowhere;
        return *(const volatile T *)at;
    }
    int order = order_of(given, false);
    order = order == omitted ? rl::mo_relaxed : order;
    rl::debug_info where = leave_site();
    return atomic_at<T>(at).load((rl::memory_order)order, where).v;
}

template <typename T> void store(volatile void *at, T value, int given)
{
    bool is_plain = is_direct(at);
    int order = is_plain ? omitted : order_of(given, true);
    rl::debug_info where = leave_site();
    if (order != omitted) {
        atomic_at<T>(at).store(cell<T>(value), (rl::memory_order)order, where);
        fence_if_locked(order == 5, where);
    }
    if (order != omitted || is_plain) {
        *(volatile T *)at = value;
    }
}

template <rl::rmw_type_e type, typename T>
T modify(volatile void *at, T value, int given)
{
    rl::rmw_type_t<type> kind;
    cell<T> operand(value);
    if (is_direct(at)) {
        here = nowhere;
        cell<T> before(*(volatile T *)at);
        *(volatile T *)at = rl::perform_rmw(kind, before, operand).v;
        return before.v;
    }
    int order = order_of(given, true);
    rl::debug_info where = leave_site();
    word<T> &it = atomic_at<T>(at);
    if (order == omitted) {
        return it.load(rl::mo_relaxed, where).v;
    }
    fence_if_locked(true, where);
    cell<T> before = it.rmw(kind, operand, (rl::memory_order)order, where);
    *(volatile T *)at = it.debug_value().v;
    fence_if_locked(true, where);
    return before.v;
}

template <typename T>
int exchange_if(volatile void *at, void *expected, T desired, int given)
{
    T *was = (T *)expected;
    if (is_direct(at)) {
        here = nowhere;
        T before = *(volatile T *)at;
        bool is_same = before == *was;
        *(is_same ? (volatile T *)at : was) = is_same ? desired : before;
        return is_same;
    }
    int order = order_of(given, true);
    rl::debug_info where = leave_site();
    word<T> &it = atomic_at<T>(at);
    cell<T> compare(*was);
    if (order == omitted) {
        T before = it.load(rl::mo_relaxed, where).v;
        bool is_same = before == *was;
        *was = before;
        return is_same;
    }
    fence_if_locked(true, where);
    bool is_done =
        it.compare_exchange(rl::bool_t<false>(), compare, cell<T>(desired),
                            (rl::memory_order)order, where);
    *was = compare.v;
    *(volatile T *)at = it.debug_value().v;
    fence_if_locked(true, where);
    return is_done;
}

/* ---- exploring ---------------------------------------------------------- */

rl::thread_info_base *all[8];
unsigned all_count;
void (*fence_all)();

template <unsigned n> void fence_each();

template <unsigned n> struct suite : rl::test_suite<suite<n>, n> {
    void before()
    {
        fence_all = fence_each<n>;
        all_count = 0;
        forget_objects();
        memset(death_steps, 0, sizeof death_steps);
        memset(is_spared, 0, sizeof is_spared);
        memset(rl::fenced, 0, sizeof rl::fenced);
        current->before();
    }
    void thread(unsigned index)
    {
        all[all_count++] = rl::ctx().threadx_;
        current->thread(index);
    }
    void after()
    {
        current->after();
        drop_objects();
    }
};

/* Keeps the beginning of the output. Its size is fixed because relacy replaces
 * `new` and `delete`, and counts such memory as its own while it runs. */
struct beginning : std::streambuf {
    char text[512];
    beginning()
    {
        clear();
    }
    void clear()
    {
        memset(text, 0, sizeof text);
        setp(text, text + sizeof text - 1);
    }
    int overflow(int c)
    {
        return c;
    }
};

/* Like rl::simulate, but with this scheduler. A failed run is repeated, with
 * its history. */
template <unsigned n> bool simulate(rl::test_params &params)
{
    typedef rl::random_scheduler<n> scheduler;
    rl::ostringstream state, ignored_state;
    rl::test_result_e result =
        rl::run_test<suite<n>, scheduler>(params, state, false);
    if (result != rl::test_result_success) {
        params.initial_state = state.str();
        params.collect_history = true;
        (void)rl::run_test<suite<n>, scheduler>(params, ignored_state, true);
    }
    return result == rl::test_result_success;
}

bool run(unsigned long count, std::ostream &out)
{
    static beginning progress;
    static std::ostream none(&progress);
    rl::test_params params;
    params.iteration_count = count;
    params.execution_depth_limit = 20000;
    params.output_stream = &out;
    params.progress_stream = &none;
    was_reached = false;
    bool is_good =
        current->threads == 3 ? simulate<3>(params) : simulate<4>(params);
    if (is_good) {
        out << params.stop_iteration << " runs, nothing found" << std::endl;
    }
    return is_good;
}

/* Weakens every place in every way, and prints whether the case noticed. */
void survey(unsigned long count)
{
    static beginning text;
    static std::ostream out(&text);
    is_survey = true;
    run(count / 10 + 1, out);
    is_survey = false;
    for (size_t i = 0; i < seen_count; i++) {
        const site &it = seen[i];
        bool is_load = strncmp(it.operation, "load", 4) == 0;
        bool is_call = strncmp(it.operation, "fence", 5) == 0 ||
                       strncmp(it.operation, "futex", 5) == 0 ||
                       strncmp(it.operation, "event", 5) == 0 ||
                       strncmp(it.operation, "barrier", 7) == 0;
        for (int order = omitted; order < 5; order++) {
            bool is_store = strncmp(it.operation, "store", 5) == 0;
            bool fits = order == omitted ? !is_load
                        : order == 0     ? !is_call
                        : order == 2     ? is_load
                        : order == 3     ? is_store
                        : order == 4     ? !is_load && !is_store && !is_call
                                         : false;
            if (!fits || (order == 0 && strstr(it.operation, "relaxed"))) {
                continue;
            }
            mutant = {it.function, it.operation, it.what, order, true};
            text.clear();
            bool is_good = run(count, out);
            const char *why = text.text;
            printf("%-6s %s/%s/%s=%s %.*s\n", is_good ? "-" : "CAUGHT",
                   it.function, it.operation, it.what,
                   order == omitted ? "omit" : order_names[order],
                   is_good ? 0 : (int)strcspn(why, "\n"), why);
            fflush(stdout);
        }
    }
}

} // namespace

namespace
{

/* Done twice, so that each fence is before and after all others. Threads that
 * have not begun start after it. */
template <unsigned n> void fence_each()
{
    rl::timestamp_t *before = rl::ctx().seq_cst_fence_order_;
    for (unsigned i = 0; i < 2 * all_count; i++) {
        rl::thread_info_base *it = all[i % all_count];
        rl::fence<n>(*static_cast<rl::thread_info<n> *>(it), before);
    }
    for (unsigned i = 0; i < n; i++) {
        memcpy(rl::fenced[i], before, n * sizeof *before);
    }
}

} // namespace

/* ---- functions for the cases --------------------------------------------- */

extern "C" {

void engine_at(const char *file, int line, const char *function,
               const char *operation, const char *what)
{
    const char *name = strrchr(file, '/');
    here = {name != NULL ? name + 1 : file, function, operation, what, line};
}

bool engine_omits(void)
{
    note_site(here);
    may_die();
    bool is_omitted = mutated(here) == omitted;
    here = nowhere;
    return is_omitted;
}

void engine_watch(const void *at, size_t bytes)
{
    watched[watched_count++] = {(uintptr_t)at, (uintptr_t)at + bytes};
}

void engine_ignore(const void *at, size_t bytes)
{
    ignored[ignored_count++] = {(uintptr_t)at, (uintptr_t)at + bytes};
}

void engine_forbid(const void *at, size_t bytes)
{
    forbidden[forbidden_count++] = {(uintptr_t)at, (uintptr_t)at + bytes};
}

void engine_free(void *at)
{
    if (at != NULL) {
        engine_forbid(at, malloc_usable_size(at));
        freed[freed_count++] = at;
    }
}

void engine_access(const void *at, size_t bytes, bool is_write)
{
    if (bytes != 0) {
        plain_access((uintptr_t)at, bytes, is_write);
    }
}

void engine_check(bool is_true, const char *what, const char *file, int line)
{
    if (!is_true) {
        engine_at(file, line, "", "check", what);
        rl::ctx().fail_test(what, rl::test_result_user_assert_failed, info());
    }
}

unsigned engine_random(unsigned count)
{
    return rl::ctx().rand(count, rl::sched_type_user);
}

unsigned engine_thread(void)
{
    return rl::ctx().current_thread();
}

void engine_step(void)
{
    rl::ctx().sched();
}

bool engine_park(bool is_timed)
{
    return rl::ctx().park_current_thread(is_timed, false, false, info()) ==
           rl::unpark_reason_timeout;
}

void engine_unpark(unsigned thread)
{
    rl::ctx().unpark_thread(thread, false, info());
}

uint32_t engine_kernel_load(const void *at)
{
    word<uint32_t> &it = atomic_at<uint32_t>(at);
    engine_step();
    rl::context &c = rl::ctx();
    c.disable_preemption();
    rl::is_kernel_load = true;
    uint32_t value = it.load(rl::mo_relaxed, info()).v;
    rl::is_kernel_load = false;
    c.enable_preemption();
    return value;
}

void engine_barrier(void)
{
    bool is_omitted = engine_omits();
    engine_step();
    if (!is_omitted) {
        fence_all();
    }
}

#include "engine_bytes.h"

/* ---- functions that the compiler calls ----------------------------------- */

void __tsan_init(void)
{
}
void __tsan_func_entry(void *)
{
}
void __tsan_func_exit(void)
{
}

#define PLAIN(bytes)                               \
    void __tsan_read##bytes(void *at)              \
    {                                              \
        plain_access((uintptr_t)at, bytes, false); \
    }                                              \
    void __tsan_write##bytes(void *at)             \
    {                                              \
        plain_access((uintptr_t)at, bytes, true);  \
    }                                              \
    void __tsan_unaligned_read##bytes(void *at)    \
    {                                              \
        plain_access((uintptr_t)at, bytes, false); \
    }                                              \
    void __tsan_unaligned_write##bytes(void *at)   \
    {                                              \
        plain_access((uintptr_t)at, bytes, true);  \
    }
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void __tsan_read_range(void *at, size_t bytes)
{
    engine_access(at, bytes, false);
}

void __tsan_write_range(void *at, size_t bytes)
{
    engine_access(at, bytes, true);
}

#define ATOMIC(bits)                                                      \
    uint##bits##_t __tsan_atomic##bits##_load(                            \
        const volatile uint##bits##_t *at, int order)                     \
    {                                                                     \
        return load<uint##bits##_t>(at, order);                           \
    }                                                                     \
    void __tsan_atomic##bits##_store(volatile uint##bits##_t *at,         \
                                     uint##bits##_t value, int order)     \
    {                                                                     \
        store<uint##bits##_t>(at, value, order);                          \
    }                                                                     \
    int __tsan_atomic##bits##_compare_exchange_strong(                    \
        volatile uint##bits##_t *at, uint##bits##_t *expected,            \
        uint##bits##_t desired, int order, int)                           \
    {                                                                     \
        return exchange_if<uint##bits##_t>(at, expected, desired, order); \
    }                                                                     \
    MODIFY(bits, exchange, swap)                                          \
    MODIFY(bits, fetch_add, add)                                          \
    MODIFY(bits, fetch_sub, sub)                                          \
    MODIFY(bits, fetch_and, and)                                          \
    MODIFY(bits, fetch_or, or)
#define MODIFY(bits, name, type)                                              \
    uint##bits##_t __tsan_atomic##bits##_##name(                              \
        volatile uint##bits##_t *at, uint##bits##_t value, int order)         \
    {                                                                         \
        return modify<rl::rmw_type_##type, uint##bits##_t>(at, value, order); \
    }
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)

void __tsan_atomic_thread_fence(int order)
{
    rl::debug_info where = info();
    if (!engine_omits()) {
        rl::atomic_thread_fence((rl::memory_order)order, where);
    }
}

void __tsan_atomic_signal_fence(int)
{
}

} // extern "C"

/* ---- the program -------------------------------------------------------- */

static int usage(const char *name)
{
    fprintf(stderr,
            "usage: %s CASE [RUNS] [--c11|--x86] [--mutate "
            "FUNCTION/OPERATION/WHAT=ORDER|omit] [--survey]\n",
            name);
    return 2;
}

/* Whether the case notices the mutation. */
static int try_mutant(unsigned long count)
{
    static beginning text;
    static std::ostream out(&text);
    bool is_good = run(count, out);
    if (!was_reached) {
        printf("the mutated place was never reached\n");
        return 1;
    }
    printf("%s\n", text.text);
    return is_good ? 1 : 0;
}

int main(int count, char **arguments)
{
    unsigned long runs = 1000;
    bool is_surveying = false;
    for (const engine_case *it = engine_cases; it->name != NULL; it++) {
        if (count > 1 && strcmp(it->name, arguments[1]) == 0) {
            current = it;
        }
    }
    if (current == NULL) {
        return usage(arguments[0]);
    }
    for (int i = 2; i < count; i++) {
        if (strcmp(arguments[i], "--c11") == 0) {
            machine = c11;
        } else if (strcmp(arguments[i], "--x86") == 0) {
            machine = x86;
        } else if (strcmp(arguments[i], "--survey") == 0) {
            is_surveying = true;
        } else if (strcmp(arguments[i], "--mutate") == 0) {
            if (i + 1 == count || !parse_mutation(arguments[++i])) {
                return usage(arguments[0]);
            }
        } else {
            runs = strtoul(arguments[i], NULL, 10);
        }
    }
    const char *is_long = getenv("SHMRPC_TEST_LONG");
    runs *= is_long != NULL && strcmp(is_long, "1") == 0 ? 100 : 1;
    if (is_surveying) {
        survey(runs);
        return 0;
    }
    if (mutant.is_on) {
        return try_mutant(runs);
    }
    return run(runs, std::cout) ? 0 : 1;
}

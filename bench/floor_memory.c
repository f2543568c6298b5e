/*
 * The floor of memory. Two processes pass a cache line back and forth, either
 * spinning or, if they share a CPU, waiting with a futex. The floor of a copy
 * is one memcpy.
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "case.h"

/* Each member has a pair of cache lines, so that the adjacent-line prefetcher
 * does not fetch another member. */
typedef struct ball {
    _Alignas(128) _Atomic uint32_t turn; /* odd: it is the server's turn */
    _Alignas(
        128) _Atomic uint32_t back; /* the server's answers in lines_serve() */
    _Alignas(128) uint32_t last;    /* only the client uses it */
} ball;

static void *ball_setup(const bench_case *self)
{
    (void)self;
    return bench_shared(sizeof(ball));
}

static void ball_teardown(void *state)
{
    bench_unshare(state, sizeof(ball));
}

static void await(_Atomic uint32_t *line, uint32_t turn)
{
    while (atomic_load_explicit(line, memory_order_acquire) != turn) {
    }
}

static void line_serve(void *state)
{
    ball *const b = state;
    bench_ready();
    for (uint32_t turn = 1;; turn += 2) {
        await(&b->turn, turn);
        atomic_store_explicit(&b->turn, turn + 1, memory_order_release);
    }
}

static void line_call(void *state)
{
    ball *const b = state;
    atomic_store_explicit(&b->turn, b->last + 1, memory_order_release);
    b->last += 2;
    await(&b->turn, b->last);
}

/* ---- a line each way ----------------------------------------------------- */

static void lines_serve(void *state)
{
    ball *const b = state;
    bench_ready();
    for (uint32_t turn = 1;; turn++) {
        await(&b->turn, turn);
        atomic_store_explicit(&b->back, turn, memory_order_release);
    }
}

static void lines_call(void *state)
{
    ball *const b = state;
    b->last++;
    atomic_store_explicit(&b->turn, b->last, memory_order_release);
    await(&b->back, b->last);
}

/* ---- a line that carries work -------------------------------------------- */

/* The work that no call can avoid: 32 bytes in the same line as the turn,
 * copied out and in on each side, and a computation that depends on them. */
typedef struct parcel {
    _Alignas(128) _Atomic uint32_t turn; /* odd: it is the server's turn */
    uint64_t body[4];
    _Alignas(128) uint32_t last; /* only the client uses it */
    uint64_t sum;
} parcel;

/* The number of multiplications. Each takes three cycles and depends on the
 * previous one, so together they take about 20 ns: the time of sixty
 * instructions of one cycle each. */
#define WORK_STEPS 20

static void work(uint64_t body[4])
{
    for (int i = 0; i < WORK_STEPS; i++) {
        body[0] *= UINT64_C(0x9E3779B97F4A7C15);
        /* Makes each step wait for the previous one. */
        __asm__ volatile("" : "+r"(body[0]));
    }
}

static void *parcel_setup(const bench_case *self)
{
    (void)self;
    parcel *const p = bench_shared(sizeof *p);
    p->body[0] = 1;
    p->sum = 1;
    return p;
}

static void parcel_teardown(void *state)
{
    bench_unshare(state, sizeof(parcel));
}

static void open_parcel(parcel *p, uint32_t turn, uint64_t body[4])
{
    while (atomic_load_explicit(&p->turn, memory_order_acquire) != turn) {
    }
    memcpy(body, p->body, sizeof p->body);
}

static void send_parcel(parcel *p, uint32_t turn, const uint64_t body[4])
{
    memcpy(p->body, body, sizeof p->body);
    atomic_store_explicit(&p->turn, turn, memory_order_release);
}

static void parcel_serve(void *state)
{
    parcel *const p = state;
    uint64_t body[4];
    bench_ready();
    for (uint32_t turn = 1;; turn += 2) {
        open_parcel(p, turn, body);
        work(body);
        send_parcel(p, turn + 1, body);
    }
}

static void parcel_call(void *state)
{
    parcel *const p = state;
    uint64_t body[4] = {p->sum, 2, 3, 4};
    work(body);
    send_parcel(p, p->last + 1, body);
    p->last += 2;
    open_parcel(p, p->last, body);
    p->sum = body[0];
    if (body[1] != 2 || body[2] != 3 || body[3] != 4) {
        bench_fail("a parcel was changed");
    }
}

/* ---- an echo with three copies ------------------------------------------- */

#define ECHO_BYTES (1 << 20)

/* The copies that an echo can't avoid: to the server, from request to reply,
 * and back. */
typedef struct echo {
    ball ball;
    unsigned char *from; /* only the client uses it */
    unsigned char *to;   /* only the client uses it */
    unsigned char request[ECHO_BYTES];
    unsigned char reply[ECHO_BYTES];
} echo;

static void *echo_setup(const bench_case *self)
{
    (void)self;
    echo *const e = bench_shared(sizeof *e);
    e->from = bench_alloc(ECHO_BYTES);
    e->to = bench_alloc(ECHO_BYTES);
    memset(e->from, 1, ECHO_BYTES);
    memset(e->to, 2, ECHO_BYTES);
    return e;
}

static void echo_teardown(void *state)
{
    echo *const e = state;
    free(e->from);
    free(e->to);
    bench_unshare(state, sizeof(echo));
}

static void echo_serve(void *state)
{
    echo *const e = state;
    bench_ready();
    for (uint32_t turn = 1;; turn++) {
        await(&e->ball.turn, turn);
        memcpy(e->reply, e->request, ECHO_BYTES);
        atomic_store_explicit(&e->ball.back, turn, memory_order_release);
    }
}

static void echo_call(void *state)
{
    echo *const e = state;
    e->from[0]++;
    e->from[ECHO_BYTES - 1]++;
    memcpy(e->request, e->from, ECHO_BYTES);
    lines_call(&e->ball);
    memcpy(e->to, e->reply, ECHO_BYTES);
    if (e->to[0] != e->from[0] ||
        e->to[ECHO_BYTES - 1] != e->from[ECHO_BYTES - 1]) {
        bench_fail("an echo was changed");
    }
}

/* ---- waiting in the kernel ----------------------------------------------- */

/* The kernel can use the atomic as a plain word: both have the same layout. */
static void futex(_Atomic uint32_t *word, int operation, uint32_t value)
{
    if (syscall(SYS_futex, word, operation, value, NULL, NULL, 0) < 0 &&
        errno != EAGAIN && errno != EINTR) {
        bench_fail("futex: %s", strerror(errno));
    }
}

static void sleep_until(ball *b, uint32_t turn)
{
    uint32_t seen;
    while ((seen = atomic_load_explicit(&b->turn, memory_order_acquire)) !=
           turn) {
        futex(&b->turn, FUTEX_WAIT, seen);
    }
}

static void pass(ball *b, uint32_t turn)
{
    atomic_store_explicit(&b->turn, turn, memory_order_release);
    futex(&b->turn, FUTEX_WAKE, 1);
}

static void futex_serve(void *state)
{
    ball *const b = state;
    bench_ready();
    for (uint32_t turn = 1;; turn += 2) {
        sleep_until(b, turn);
        pass(b, turn + 1);
    }
}

static void futex_call(void *state)
{
    ball *const b = state;
    pass(b, b->last + 1);
    b->last += 2;
    sleep_until(b, b->last);
}

typedef struct copy {
    unsigned char *from;
    unsigned char *to;
    size_t size;
} copy;

static void *copy_setup(const bench_case *self)
{
    copy *const c = bench_alloc(sizeof *c);
    c->size = self->payload;
    c->from = bench_alloc(c->size);
    c->to = bench_alloc(c->size);
    memset(c->from, 1, c->size);
    memset(c->to, 2, c->size);
    return c;
}

static void copy_teardown(void *state)
{
    copy *const c = state;
    free(c->from);
    free(c->to);
    free(c);
}

/* The copied bytes are checked once, in copy_dial(). Writing a new stamp before
 * each copy would delay a copy of 64 bytes too much. */
static void copy_call(void *state)
{
    copy *const c = state;
    memcpy(c->to, c->from, c->size);
    /* The compiler may neither drop the copy nor know its contents. */
    __asm__ volatile("" : : "r"(c->to), "r"(c->from) : "memory");
}

static void copy_dial(void *state)
{
    copy *const c = state;
    copy_call(c);
    if (memcmp(c->from, c->to, c->size) != 0) {
        bench_fail("memcpy differs");
    }
}

#define COPY(bytes)                                                         \
    {                                                                       \
        .name = "floor.memcpy", .about = "memcpy from warm to warm memory", \
        .payload = (bytes), .places = BENCH_IN_ALONE,                       \
        .floor = BENCH_FLOOR_SELF, .setup = copy_setup, .dial = copy_dial,  \
        .call = copy_call, .teardown = copy_teardown                        \
    }

static const bench_case cases[] = {
    {.name = "floor.line",
     .about = "one cache line passed back and forth by two spinning processes",
     .payload = 4,
     /* Not together: on one CPU, each would spin until the scheduler's tick. */
     .places = BENCH_IN_APART,
     .floor = BENCH_FLOOR_SELF,
     .setup = ball_setup,
     .serve = line_serve,
     .call = line_call,
     .teardown = ball_teardown},
    {.name = "floor.lines",
     .about = "two cache lines, one for each direction",
     .payload = 4,
     .places = BENCH_IN_APART,
     .floor = BENCH_FLOOR_SIGNAL,
     .setup = ball_setup,
     .serve = lines_serve,
     .call = lines_call,
     .teardown = ball_teardown},
    {.name = "floor.work",
     .about =
         "one cache line, with 32 bytes and some 20 ns of work on each side",
     .payload = 32,
     .places = BENCH_IN_APART,
     .floor = BENCH_FLOOR_SIGNAL,
     .setup = parcel_setup,
     .serve = parcel_serve,
     .call = parcel_call,
     .teardown = parcel_teardown},
    {.name = "floor.echo",
     .about = "a request copied in, to the reply, and out, by memcpy alone",
     .payload = ECHO_BYTES,
     .places = BENCH_IN_APART,
     .floor = BENCH_FLOOR_COPY,
     .setup = echo_setup,
     .serve = echo_serve,
     .call = echo_call,
     .teardown = echo_teardown},
    {.name = "floor.futex",
     .about = "one cache line, but both sides sleep and wake each other",
     .payload = 4,
     .places = BENCH_IN_ALL,
     .floor = BENCH_FLOOR_SIGNAL,
     .setup = ball_setup,
     .serve = futex_serve,
     .call = futex_call,
     .teardown = ball_teardown},
    COPY(64),
    COPY(4096),
    COPY(65536),
    COPY(1 << 20),
};

const bench_suite floor_memory = {cases, sizeof cases / sizeof *cases};

/* Workers and clients that are processes and are killed and stopped, with an
 * account of every call. */
#include "farm.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "farm_later.h"
#include "farm_stream.h"
#include "os/poll.h"
#include "os/socket.h"
#include "transport/shm/client.h"
#include "transport/shm/server.h"

#define shm           (&shmrpci_transport_shm)
#define HANG_NS       FARM_HANG_NS
#define LARGEST_BYTES 400000u
#define LATER_OF      8u /* one call in this many is detached */

enum { METHOD_RUN = 7, METHOD_TALK = 8 };

/* The head of a call's parameters, before their filling. */
typedef struct order {
    uint64_t number; /* client, then sequence */
    uint32_t reply_bytes;
    uint32_t work_us;
} order;

enum { NEVER, ISSUED, RAN, ANSWERED };

static const char *const fault_names[FARM_FAULTS] = {
    "ran twice",
    "ran after it was withdrawn",
    "ran and was never sent",
    "answered and did not run",
    "wrong reply",
    "hung",
    "unexpected status",
};

static void fault(farm_account *account, farm_fault kind)
{
    atomic_fetch_add(&account->faults[kind], 1);
}

/* ---- the account --------------------------------------------------------- */

#define SEQUENCE_BITS 48

static atomic_ullong *entry_of(farm_account *account, uint64_t number)
{
    uint64_t sequence = number & ((UINT64_C(1) << SEQUENCE_BITS) - 1);
    return &account->clients[number >> SEQUENCE_BITS]
                .entries[sequence % FARM_ENTRIES];
}

/* Moves a call to its next state; otherwise reports what is wrong. */
static void account_move(farm_account *account, uint64_t number, unsigned from,
                         unsigned to, farm_fault else_fault)
{
    unsigned long long was = number << 2 | from;
    if (atomic_compare_exchange_strong(entry_of(account, number), &was,
                                       number << 2 | to)) {
        return;
    }
    if (to != RAN || was >> 2 != number) {
        fault(account, else_fault);
    } else if ((was & 3) == NEVER) {
        fault(account, FARM_RAN_WITHDRAWN);
    } else {
        fault(account, FARM_RAN_TWICE);
    }
}

/* The contents of a call's reply, derived from its number. */
void farm_fill(uint8_t *at, size_t len, uint64_t number)
{
    uint64_t x = number * UINT64_C(0x9E3779B97F4A7C15) + 1;
    for (size_t i = 0; i < len; i += sizeof x) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        memcpy(at + i, &x, len - i < sizeof x ? len - i : sizeof x);
    }
}

/* ---- a worker ------------------------------------------------------------ */

static void work(int64_t us)
{
    int64_t end_ns = shmrpci_deadline_after(us * SHMRPCI_NS_PER_US);
    if (us >= 1000) {
        (void)usleep((useconds_t)us);
        return;
    }
    while (shmrpci_now_ns() < end_ns) {
    }
}

/* Runs in the worker's thread, or in the thread that answers detached calls. */
static void answer(const order *asked, shmrpci_request *request)
{
    static _Thread_local uint8_t body[LARGEST_BYTES];
    work(asked->work_us);
    uint32_t len =
        asked->reply_bytes < LARGEST_BYTES ? asked->reply_bytes : LARGEST_BYTES;
    farm_fill(body, len, asked->number);
    request->head.status = SHMRPC_OK;
    request->head.flags = 0;
    if (len <= SHMRPCI_POST_MAX_BYTES && asked->number % 2 == 0) {
        shm->shared->answer(request, body, len);
        return;
    }
    shm->worker->reply_reserve(request, len);
    shmrpci_buf_append(&request->out, body, len);
    shm->worker->reply_commit(request);
}

/* Answers a detached call, whose request must still be unchanged. */
static void answer_later(void *user, shmrpci_request *request)
{
    order asked;
    (void)user; /* the account, to which nothing is added here */
    memcpy(&asked, request->in, sizeof asked);
    answer(&asked, request);
}

static void wrong_item(void *account)
{
    fault(account, FARM_WRONG_REPLY);
}

static void serve(farm_account *account, shmrpci_request *request)
{
    order asked = {0};
    if (request->in_len < sizeof asked) {
        fault(account, FARM_WRONG_REPLY);
        shm->worker->drop(request);
        return;
    }
    memcpy(&asked, request->in, sizeof asked);
    account_move(account, asked.number, ISSUED, RAN, FARM_RAN_UNKNOWN);
    if ((request->head.flags & SHMRPCI_HEAD_STREAMS) != 0) {
        if (!farm_stream_serve(request, asked.number)) {
            fault(account, FARM_WRONG_REPLY);
        }
        return;
    }
    if ((request->head.flags & SHMRPCI_HEAD_ONEWAY) != 0) {
        work(asked.work_us);
        shm->worker->drop(request);
    } else if (asked.number % LATER_OF != 1 || !farm_later_take(request)) {
        answer(&asked, request);
    }
}

static void be_worker(farm *f, int link_fd, uint32_t index)
{
    shmrpci_listener *mirror;
    shmrpci_participant *me;
    shmrpci_request request = {0};
    const farm_later_ops later = {
        .answer = answer_later, .wrong = wrong_item, .user = f->account};
    shm->processes->disown(f->listener);
    if (shm->processes->attach(link_fd, &mirror, NULL) != SHMRPC_OK ||
        shm->worker->participant_open(mirror, index, &me, NULL) != SHMRPC_OK ||
        !farm_later_begin(&later)) {
        _exit(3);
    }
    while (shm->worker->next(me, &request) == SHMRPC_OK) {
        serve(f->account, &request);
    }
    farm_later_end();
    _exit(0);
}

/* ---- a client ------------------------------------------------------------ */

typedef struct pending {
    bool is_sent;
    order sent;
    shmrpci_call call;
} pending;

typedef struct client {
    farm_account *account;
    farm_client_account *mine;
    shmrpci_conn *conn;
    uint64_t index;
    uint64_t random;
    pending calls[FARM_CALLS];
} client;

static uint64_t next_random(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

static void unexpected(farm_account *account, int status)
{
    atomic_store(&account->status, status);
    fault(account, FARM_UNEXPECTED);
}

/* Returns a size that is mostly small, sometimes larger than a slot, and
 * sometimes larger than the arena. */
static uint32_t some_size(uint64_t random)
{
    switch (random % 32) {
    case 0:
        return (uint32_t)(random >> 8) % LARGEST_BYTES;
    case 1:
    case 2:
    case 3:
        return (uint32_t)(random >> 8) % 8192;
    default:
        return (uint32_t)(random >> 8) % 200;
    }
}

static order new_order(client *c)
{
    uint64_t random = next_random(&c->random);
    uint64_t sequence = atomic_fetch_add(&c->mine->issued, 1);
    order made = {.number = c->index << SEQUENCE_BITS | sequence,
                  .reply_bytes = some_size(random >> 16),
                  .work_us = 0};
    if (random % 16 == 0) {
        made.work_us = (uint32_t)(random >> 40) % 100;
    } else if (random % 256 == 1) {
        made.work_us = 2000;
    }
    atomic_store(entry_of(c->account, made.number), made.number << 2 | ISSUED);
    return made;
}

static void withdraw(client *c, uint64_t number)
{
    account_move(c->account, number, ISSUED, NEVER, FARM_RAN_WITHDRAWN);
    atomic_fetch_add(&c->mine->withdrawn, 1);
}

static void send_one(client *c, pending *p)
{
    static uint8_t body[LARGEST_BYTES];
    uint64_t random = next_random(&c->random);
    size_t len = some_size(random) + sizeof p->sent;
    bool is_oneway = random % 61 == 0;
    p->sent = new_order(c);
    len = len < sizeof body ? len : sizeof body;
    memcpy(body, &p->sent, sizeof p->sent);
    p->call.head = (shmrpci_head){.method = METHOD_RUN,
                                  .flags = is_oneway ? SHMRPCI_HEAD_ONEWAY : 0u,
                                  .timeout_ns = HANG_NS};
    uint64_t prefix;
    memcpy(&prefix, body, sizeof prefix);
    if (!is_oneway && len <= SHMRPCI_POST_MAX_BYTES &&
        (random >> 33) % 2 == 0 &&
        shm->shared->post(c->conn, &p->call, prefix, sizeof prefix,
                          body + sizeof prefix, len - sizeof prefix)) {
        p->is_sent = true;
        return;
    }
    int status =
        shm->client->reserve(c->conn, &p->call, len,
                             (random >> 32) % 2 == 0 ? 0 : p->sent.reply_bytes,
                             shmrpci_deadline_after(HANG_NS), NULL);
    if (status == SHMRPC_OK) {
        shmrpci_buf_append(&p->call.out, body, len);
        status = shm->client->commit(&p->call);
    }
    if (status == SHMRPC_E_DEADLINE) {
        fault(c->account, FARM_HUNG);
    } else if (status != SHMRPC_OK) {
        unexpected(c->account, status);
    }
    if (status != SHMRPC_OK) {
        withdraw(c, p->sent.number);
    } else if (is_oneway) {
        atomic_fetch_add(&c->mine->given_up, 1);
    } else {
        p->is_sent = true;
    }
}

static void take_reply(client *c, pending *p)
{
    static uint8_t expected[LARGEST_BYTES];
    size_t len = p->sent.reply_bytes;
    farm_fill(expected, len, p->sent.number);
    if (p->call.head.status != SHMRPC_OK) {
        unexpected(c->account, p->call.head.status);
    } else if (p->call.in_len != len ||
               memcmp(p->call.in, expected, len) != 0) {
        fault(c->account, FARM_WRONG_REPLY);
    }
    shm->client->release(&p->call);
    account_move(c->account, p->sent.number, RAN, ANSWERED,
                 FARM_ANSWERED_UNRUN);
    atomic_fetch_add(&c->mine->answered, 1);
}

static void receive_one(client *c, pending *p)
{
    int status =
        shm->client->receive(&p->call, shmrpci_deadline_after(HANG_NS));
    p->is_sent = false;
    switch (status) {
    case SHMRPC_OK:
        take_reply(c, p);
        break;
    case SHMRPC_E_WORKER_DIED:
        atomic_fetch_add(&c->mine->died, 1);
        break;
    case SHMRPC_E_DEADLINE:
        fault(c->account, FARM_HUNG);
        (void)shm->client->cancel(&p->call);
        atomic_fetch_add(&c->mine->given_up, 1);
        break;
    default:
        unexpected(c->account, status);
        atomic_fetch_add(&c->mine->given_up, 1);
        break;
    }
}

static void cancel_one(client *c, pending *p)
{
    p->is_sent = false;
    if (shm->client->cancel(&p->call)) {
        withdraw(c, p->sent.number);
    } else {
        atomic_fetch_add(&c->mine->given_up, 1);
    }
}

/* Makes a call with streams, from its beginning to its end. */
static void talk(client *c, uint64_t random)
{
    order made = new_order(c);
    farm_talk t = {.conn = c->conn,
                   .order = &made,
                   .order_len = sizeof made,
                   .method = METHOD_TALK,
                   .number = made.number,
                   .random = random};
    int status = farm_stream_talk(&t);
    if (t.is_wrong) {
        fault(c->account, FARM_WRONG_REPLY);
    }
    if (t.is_withdrawn) {
        withdraw(c, made.number);
    } else if (status == SHMRPC_OK) {
        account_move(c->account, made.number, RAN, ANSWERED,
                     FARM_ANSWERED_UNRUN);
        atomic_fetch_add(&c->mine->answered, 1);
    } else if (status == SHMRPC_E_WORKER_DIED) {
        atomic_fetch_add(&c->mine->died, 1);
    } else {
        atomic_fetch_add(&c->mine->given_up, 1);
    }
    if (status == SHMRPC_E_DEADLINE) {
        fault(c->account, FARM_HUNG);
    } else if (status != SHMRPC_OK && status != SHMRPC_E_WORKER_DIED &&
               status != SHMRPC_E_CANCELLED) {
        unexpected(c->account, status);
    }
}

static void be_client(farm *f, uint32_t index, uint64_t seed)
{
    static client c;
    shm->processes->disown(f->listener);
    c = (client){.account = f->account,
                 .mine = &f->account->clients[index],
                 .conn = client_open(&f->address),
                 .index = index,
                 .random = seed | 1};
    for (;;) {
        uint64_t random = next_random(&c.random);
        pending *p = &c.calls[random % FARM_CALLS];
        if (f->talks || (random >> 40) % 32 == 0) {
            talk(&c, random >> 46);
        } else if (!p->is_sent) {
            send_one(&c, p);
        } else if (random >> 32 & 15) {
            receive_one(&c, p);
        } else {
            cancel_one(&c, p);
        }
    }
}

/* ---- the supervisor ------------------------------------------------------ */

uint64_t farm_seed(void)
{
    const char *text = getenv("SHMRPC_TEST_SEED");
    uint64_t seed = text != NULL ? strtoull(text, NULL, 0)
                                 : (uint64_t)shmrpci_now_ns() * 2654435761u;
    print_message("SHMRPC_TEST_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

uint64_t farm_random(farm *f)
{
    return next_random(&f->random);
}

int64_t farm_some_time(farm *f, int64_t most_ns)
{
    uint64_t most = (uint64_t)most_ns / (farm_random(f) % 8 == 0 ? 1 : 3);
    return (int64_t)(farm_random(f) % most);
}

static int say_welcome(void *user, const uint8_t *hello, size_t len,
                       const shmrpc_peer *peer, shmrpci_buf *welcome,
                       shmrpc_error *error)
{
    (void)user;
    (void)hello;
    (void)len;
    (void)peer;
    (void)welcome;
    (void)error;
    return SHMRPC_OK;
}

static void be_born(const farm *f, const farm_process *self)
{
    if (f->born != NULL) {
        f->born(f, self);
    }
}

static void start_worker(farm *f, farm_process *p)
{
    int fds[2];
    shmrpc_error error = {.message = ""};
    assert_int_equal(shmrpci_socket_pair(fds), SHMRPC_OK);
    if (shm->processes->enlist(f->listener, p->index, 1, fds[0], &error) !=
        SHMRPC_OK) {
        fail_msg("enlist: %s", error.message);
    }
    p->pid = service_fork();
    assert_true(p->pid >= 0);
    if (p->pid == 0) {
        (void)close(fds[0]);
        be_born(f, p);
        be_worker(f, fds[1], p->index);
    }
    (void)close(fds[1]);
}

static void start_client(farm *f, farm_process *p)
{
    uint64_t seed = farm_random(f);
    p->pid = service_fork();
    assert_true(p->pid >= 0);
    if (p->pid == 0) {
        be_born(f, p);
        be_client(f, p->index, seed);
    }
}

static void start_process(farm *f, farm_process *p)
{
    p->resume_ns = 0;
    if (p->role == FARM_WORKER) {
        start_worker(f, p);
    } else {
        start_client(f, p);
    }
}

void farm_start(farm *f, uint64_t seed)
{
    shmrpc_error error = {.message = ""};
    shmrpci_listen_opts opts = {.max_workers = f->workers,
                                .max_message_bytes = (size_t)16 << 20,
                                .max_connections_per_uid = 1000,
                                .max_bytes_per_uid = (size_t)1 << 30,
                                .extent_idle_ns = 20 * SHMRPCI_NS_PER_MS,
                                .takes_processes = true,
                                .gauges = &f->gauges,
                                .on_hello = say_welcome};
    f->address = new_address();
    f->random = seed | 1;
    f->account = mmap(NULL, sizeof *f->account, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(f->account != MAP_FAILED);
    if (shm->listener->listen(&f->address, &opts, &f->listener, &error) !=
        SHMRPC_OK) {
        fail_msg("listen: %s", error.message);
    }
    for (uint32_t i = 0; i < f->workers + f->clients; i++) {
        f->processes[i] =
            (farm_process){.role = i < f->workers ? FARM_WORKER : FARM_CLIENT,
                           .index = i < f->workers ? i : i - f->workers};
        start_process(f, &f->processes[i]);
    }
}

static void resume(farm_process *p)
{
    if (p->resume_ns != 0) {
        assert_int_equal(kill(p->pid, SIGCONT), 0);
        p->resume_ns = 0;
    }
}

void farm_run(farm *f, int64_t until_ns)
{
    int64_t now_ns = shmrpci_now_ns();
    do {
        int64_t wake_ns = until_ns;
        for (size_t i = 0; i < f->workers + f->clients; i++) {
            farm_process *p = &f->processes[i];
            if (p->resume_ns != 0 && p->resume_ns <= now_ns) {
                resume(p);
            } else if (p->resume_ns != 0 && p->resume_ns < wake_ns) {
                wake_ns = p->resume_ns;
            }
        }
        int64_t step_ns = shm->processes->step(f->listener);
        wake_ns = step_ns < wake_ns ? step_ns : wake_ns;
        (void)shmrpci_poll_readable(shm->processes->poll_fd(f->listener),
                                    wake_ns);
        now_ns = shmrpci_now_ns();
    } while (now_ns < until_ns);
}

void farm_run_a_while(farm *f)
{
    int64_t ns = farm_some_time(f, 10 * SHMRPCI_NS_PER_MS);
    farm_run(f, shmrpci_deadline_after(ns));
}

/* Reaps a killed process. Fails the test if it has ended by itself. */
static void reap(const farm_process *p)
{
    int status = 0;
    assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
        fail_msg("%s %u ended by itself, with status %#x",
                 p->role == FARM_WORKER ? "worker" : "client", p->index,
                 (unsigned)status);
    }
}

/* Returns the number of rescues that clients have reported. */
static uint64_t told(const farm *f)
{
    return shmrpci_load_relaxed(&f->gauges.rescued);
}

/* Does what the control loop does when it learns of a death. `before` is the
 * number of rescues before the death. On a busy machine this function may run
 * long after the death. Rescues since then are excused: those calls waited for
 * the recovery, and their wake-ups were not lost. */
static void bury(farm *f, const farm_process *p, uint64_t before)
{
    if (p->role == FARM_WORKER) {
        shm->processes->dismiss(f->listener, p->index);
        (void)shm->processes->step(f->listener);
        f->excused += told(f) - before;
    } else {
        atomic_fetch_add(&f->account->killed_clients, 1);
    }
}

static void end_process(farm *f, const farm_process *p)
{
    uint64_t before = told(f);
    assert_int_equal(kill(p->pid, SIGKILL), 0);
    reap(p);
    bury(f, p, before);
}

farm_process *farm_process_of(farm *f, farm_role role, uint32_t index)
{
    return &f->processes[role == FARM_WORKER ? index : f->workers + index];
}

void farm_replace(farm *f, farm_process *p)
{
    end_process(f, p);
    start_process(f, p);
}

void farm_kill(farm *f)
{
    farm_replace(f, &f->processes[farm_random(f) % (f->workers + f->clients)]);
}

void farm_start_again(farm *f, farm_process *p)
{
    start_process(f, p);
}

bool farm_await_death(farm *f, farm_process *p, int64_t until_ns)
{
    siginfo_t info;
    uint64_t before = told(f);
    for (;;) {
        info.si_pid = 0;
        assert_int_equal(
            waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
        if (info.si_pid != 0) {
            reap(p);
            bury(f, p, before);
            return true;
        }
        before = told(f);
        if (shmrpci_now_ns() >= until_ns) {
            return false;
        }
        farm_run(f, shmrpci_deadline_after(SHMRPCI_NS_PER_MS / 2));
    }
}

void farm_pause(farm *f, int64_t resume_ns)
{
    farm_process *p = &f->processes[farm_random(f) % (f->workers + f->clients)];
    if (p->resume_ns == 0) {
        assert_int_equal(kill(p->pid, SIGSTOP), 0);
        p->resume_ns = resume_ns;
    }
}

static uint64_t answered(const farm *f, uint32_t index)
{
    return atomic_load(&f->account->clients[index].answered);
}

/* Whether each client except `dead` has had calls answered since `before`. */
static bool has_settled(farm *f, const farm_process *dead,
                        const uint64_t *before)
{
    for (uint32_t i = 0; i < f->clients; i++) {
        if (farm_process_of(f, FARM_CLIENT, i) != dead &&
            answered(f, i) < before[i] + 2 * FARM_CALLS) {
            return false;
        }
    }
    return true;
}

void farm_settle_without(farm *f, const farm_process *dead)
{
    uint64_t before[FARM_CLIENTS];
    for (size_t i = 0; i < f->workers + f->clients; i++) {
        resume(&f->processes[i]);
    }
    for (uint32_t i = 0; i < f->clients; i++) {
        before[i] = answered(f, i);
    }
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (!has_settled(f, dead, before)) {
        if (shmrpci_now_ns() > deadline_ns) {
            fault(f->account, FARM_HUNG);
            return;
        }
        farm_run(f, shmrpci_deadline_after(SHMRPCI_NS_PER_MS));
    }
}

void farm_settle(farm *f)
{
    farm_settle_without(f, NULL);
}

static void tell_account(const farm *f)
{
    for (uint32_t i = 0; i < f->clients; i++) {
        farm_client_account *c = &f->account->clients[i];
        print_message(
            "client %u: %llu issued, %llu answered, %llu withdrawn, "
            "%llu died, %llu given up\n",
            i, atomic_load(&c->issued), atomic_load(&c->answered),
            atomic_load(&c->withdrawn), atomic_load(&c->died),
            atomic_load(&c->given_up));
    }
    for (size_t i = 0; i < FARM_FAULTS; i++) {
        print_message("%s: %llu\n", fault_names[i],
                      atomic_load(&f->account->faults[i]));
    }
    print_message("last unexpected status: %s\n",
                  shmrpc_status_text(atomic_load(&f->account->status)));
}

/* Checks that no extent is kept for a reply that will never come. Workers take
 * extents for replies while they have the call. Recovery frees them before the
 * call is ABORTED, and clients free them before they call again. */
static void check_extents(const shm_conn *conn)
{
    for (uint32_t i = 1; i <= SHM_EXTENTS; i++) {
        uint64_t word = shmrpci_load_seq(&conn->block.extents[i]);
        if (shm_extent_state_of(word) != SHM_EXTENT_REPLY) {
            continue;
        }
        uint32_t slot = shm_extent_slot_of(word);
        uint32_t call = shmrpci_load_seq(&conn->block.slots[slot].word);
        uint32_t held = shmrpci_load_seq(&conn->ledger->entries[slot].held);
        uint32_t state =
            shm_word_state(shmrpci_load_seq(&conn->block.slots[slot].word));
        if (!shm_held_for(held, call) && state != SHM_DONE &&
            shmrpci_load_seq(&conn->block.extents[i]) == word) {
            fail_msg("extent %u is kept for slot %u, whose state is %u", i,
                     slot, state);
        }
    }
}

void farm_check(farm *f)
{
    unsigned long long faults = 0;
    const shm_listener *listener =
        (const shm_listener *)(const void *)f->listener;
    for (size_t i = 0; i < listener->table_count; i++) {
        check_extents(listener->table[i]);
    }
    for (size_t i = 0; i < FARM_FAULTS; i++) {
        faults += atomic_load(&f->account->faults[i]);
    }
    if (faults > 0) {
        tell_account(f);
        fail_msg("%llu calls went wrong", faults);
    }
}

uint64_t farm_answered(const farm *f)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < f->clients; i++) {
        sum += answered(f, i);
    }
    return sum;
}

uint64_t farm_rescued(const farm *f)
{
    return told(f) - f->excused;
}

size_t farm_open_fds(void)
{
    size_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    (void)closedir(dir);
    return count;
}

/* Checks that the end of every call was counted. Only the calls that were in
 * progress when a client was killed may be missing. */
static void check_sums(const farm *f, unsigned long long killed_clients)
{
    unsigned long long open = 0;
    for (uint32_t i = 0; i < f->clients; i++) {
        farm_client_account *c = &f->account->clients[i];
        unsigned long long ended =
            atomic_load(&c->answered) + atomic_load(&c->withdrawn) +
            atomic_load(&c->died) + atomic_load(&c->given_up);
        assert_true(ended <= atomic_load(&c->issued));
        open += atomic_load(&c->issued) - ended;
    }
    assert_in_range(open, 0, killed_clients * (FARM_CALLS + 1));
}

static void end_clients(farm *f)
{
    for (size_t i = f->workers; i < f->workers + f->clients; i++) {
        resume(&f->processes[i]);
        end_process(f, &f->processes[i]);
    }
}

void farm_start_clients(farm *f)
{
    for (size_t i = f->workers; i < f->workers + f->clients; i++) {
        start_process(f, &f->processes[i]);
    }
}

static bool is_empty(const farm *f)
{
    const shm_listener *listener =
        (const shm_listener *)(const void *)f->listener;
    uint64_t bytes = 0;
    for (size_t i = 0; i < SHM_MAX_USERS; i++) {
        bytes += listener->accounts[i].bytes;
    }
    return listener->table_count == 0 && listener->closed == NULL && bytes == 0;
}

/* Workers first finish oneway calls, then everything is freed. */
int64_t farm_empty(farm *f)
{
    int64_t began_ns = shmrpci_now_ns();
    end_clients(f);
    while (!is_empty(f)) {
        if (shmrpci_now_ns() > began_ns + PATIENCE_NS) {
            fail_msg("connections of the dead, or their memory, are left");
        }
        farm_run(f, shmrpci_deadline_after(SHMRPCI_NS_PER_MS));
    }
    return shmrpci_now_ns() - began_ns;
}

void farm_stop(farm *f)
{
    size_t before = farm_open_fds();
    (void)farm_empty(f);
    assert_true(farm_open_fds() < before);
    for (size_t i = 0; i < f->workers; i++) {
        resume(&f->processes[i]);
        end_process(f, &f->processes[i]);
    }
    farm_check(f);
    shm->listener->close(f->listener);
    check_sums(f, atomic_load(&f->account->killed_clients));
    assert_int_equal(munmap(f->account, sizeof *f->account), 0);
}

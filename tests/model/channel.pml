/*
 * The shared-memory channel with a bounded number of calls: submit, claim,
 * complete, sleep, wake, withdraw; every side may die or stop between any two
 * steps, and the control thread recovers what a dead process held.
 *
 * How it finds a lost wake-up: clients make a few calls and then end. Waits
 * block and nothing polls, so every run is finite and needs no fairness
 * assumption. When no process can take a step any more, `judge` checks the
 * final state. Its assertions fail for a call that is still SUBMITTED although
 * a worker could take it, for a caller asleep on a finished call, and for a
 * ledger entry without owner. A deadline may pass but need not, so deadlines
 * hide no lost wake-up.
 *
 * One step is one access to shared memory (or one atomic operation on it).
 * Memory is sequentially consistent, except for a client's reads of a lease and
 * of its hint when it submits. README.md lists what is not modelled.
 *
 * Sizes (macro, default): NC clients 2, NT threads a client 1, NS slots a
 * client 1, HOT slots without hint 1, NW workers 2 (at most), CALLS a thread 2.
 * Events (macro, default 0): KILLW, STOPW, KILLC, STOPC: how many workers and
 * clients die or stop, at any moment; HANGUP: the server hangs up on client 0,
 * which lives; WITHDRAW deadlines that may pass early; ONEWAY any call may be
 * one that nobody waits for; LONG client 0's handler never returns; SCRIBBLE
 * with KILLC: client 0 has not died, it has only hung up, and calls once more.
 * SPIN 0: nobody spins, so there are no leases. DETACH: a worker may leave a
 * call to a thread of its own, and serve others. NO_...: each macro removes a
 * rule; checks.txt lists them, and which check must fail without the rule.
 */
#ifndef NC
#define NC 2
#endif
#ifndef NT
#define NT 1
#endif
#ifndef NS
#define NS 1
#endif
#ifndef HOT
#define HOT 1
#endif
#ifndef NW
#define NW 2
#endif
#ifndef CALLS
#define CALLS 2
#endif
#ifndef KILLW
#define KILLW 0
#endif
#ifndef STOPW
#define STOPW 0
#endif
#ifndef KILLC
#define KILLC 0
#endif
#ifndef STOPC
#define STOPC 0
#endif
#ifndef WITHDRAW
#define WITHDRAW 0
#endif
#ifndef SPIN
#define SPIN 1
#endif
#ifndef HANGUP
#define HANGUP 0
#endif

#define N (NC * NS)                     /* all slots, client after client */
#define CLIENT(i) ((i) / NS)
#define IS_HOT(i) ((i) % NS < HOT)
#define FIRST ((me / NT) * NS)          /* first slot of the thread's client */
#define LAST (FIRST + NS - 1)

/* A process that was killed or stopped leaves its code at once, wherever it
 * is. */
#if KILLW + STOPW
#define WORKER_MAY_DIE unless { wfate[me] != ALIVE }
#else
#define WORKER_MAY_DIE
#endif
#if KILLC + STOPC
#define CLIENT_MAY_DIE unless { cfate[me / NT] != ALIVE }
#else
#define CLIENT_MAY_DIE
#endif

/* The slot word: gen << 2 | state. */
#define FREE 0
#define SUBMITTED 1
#define DONE 2
#define ABORTED 3
#define STATE(w) ((w) & 3)
#define GEN(w) ((w) >> 2)
#define WORD(g, s) (((g) << 2) | (s))
#define OVER(w) (STATE(w) >= DONE)
#define REPLY(g) ((g) | 128)            /* value of `data`: the reply of
                                         * generation g */

/* A ledger entry: gen << 4 | 8 if it holds the call, 0 while the worker tries |
 * 4 if the call is detached | owner + 1. 0 if it belongs to nobody. */
#define TRIES(g, k) (((g) << 4) | ((k) + 1))
#define HOLDS(g, k) (((g) << 4) | 8 | ((k) + 1))
#define KEEPS(g, k) (HOLDS(g, k) | 4)
#ifdef NO_KEEPS_CLAIMED
#define IS_HELD(e) (((e) & 12) == 8)
#else
#define IS_HELD(e) ((e) & 8)
#endif
#define OWNER(e) (((e) & 3) - 1)
#define EGEN(e) ((e) >> 4)
/* Whether somebody has slot i's entry for generation g. */
#define TAKEN(i, g) (ledger[i] != 0 && EGEN(ledger[i]) == (g))

/* Client's block: written by its client and by workers. */
byte word[N];
byte data[N];                           /* generation of the request, then of
                                         * the reply */
bool hint[N];                           /* pending bitmap */
bool sleepers[N];                       /* bitmap of threads that sleep, or are
                                         * about to */
/* Client's private memory. */
byte gen[N];
byte used[N];                           /* see client.pml */
/* Server: status page, ledger, doorbell. */
byte ledger[N];
bool idle[NW];                          /* the idle mask, each feature has the same bit in both
                                         * worker */
bool lease;
/* The kernel. */
bool asleep[NW];                        /* in epoll_wait on the doorbells */
bool rung[NW];                          /* its epoll_wait will return */
bool dozing[N];                         /* in FUTEX_WAIT on a slot word */
/* States of processes. */
#define ALIVE 0
#define KILLED 1
#define STOPPED 2
#define DEAD 3                          /* dead, not recovered */
#define BURIED 4                        /* recovered, but not replaced */
byte wfate[NW];
byte cfate[NC];
/* What the checks need. */
byte ran[N];                            /* bit g: call of gen g was executed */
byte gone[N];                           /* bit g: call of gen g was withdrawn,
                                         * and must never run */
byte finished;                          /* number of threads that made all their
                                         * calls */
bool endless[NW];                       /* in the handler that never returns */
bool slice[NC * NT];                    /* 40 ms have passed: look and ring */

#ifdef DETACH
#define DYING 255
byte job[N];                            /* worker that detached the call there,
                                         * + 1 */
byte jobs_gen[N];                       /* generation of that call */
byte pins[NW * NC];                     /* pins of a worker on a connection */
#define PINS(k, i) pins[(k) * NC + CLIENT(i)]
#endif

#if KILLC + HANGUP
/* Connections: when the block of a client that is gone may be unmapped. */
#define OFFLINE 255
byte version;                           /* version of the table of
                                         * connections */
bool removed[NC];                       /* no longer in the table */
bool hung[NC];                          /* the server has hung up on it */
bool closed[NC];                        /* workers take the residue only */
bool residue[N];                        /* oneway calls of a dead client */
bool dropped[NC];                       /* unmapped: never to be touched */
byte seen[NW];                          /* version that a worker has announced,
                                         * or OFFLINE */
#define KNOWN(i) (!unknown[CLIENT(i)])  /* whether this worker's copy of the
                                         * table has it */
#define CLOSED(i) closed[CLIENT(i)]
#define RESIDUE(i) residue[i]
#define TOUCH(i) assert(!dropped[CLIENT(i)])
#define HUNG_UP(i) hung[CLIENT(i)]
#else
#define HUNG_UP(i) false
#define KNOWN(i) true
#define CLOSED(i) false
#define RESIDUE(i) false
#define TOUCH(i) skip
#endif

#if NW == 1
#define SOMEONE_IDLE idle[0]
#else
#define SOMEONE_IDLE (idle[0] || idle[1])
#endif

/*
 * write(eventfd), edge-triggered and EPOLLEXCLUSIVE, never read: one sleeper is
 * woken, any of them. If nobody is asleep, the next epoll_wait of every worker
 * returns at once.
 */
inline ring() {
  atomic {
    if
    :: asleep[0] -> asleep[0] = false; rung[0] = true
#if NW > 1
    :: asleep[1] -> asleep[1] = false; rung[1] = true
#endif
    :: else ->
       rung[0] = true;
       rung[NW - 1] = true
    fi
  }
}

/* A lease may end at any moment. */
proctype clock() {
end:
  do :: lease -> lease = false od
}

#include "client.pml"
#include "worker.pml"
#ifdef DETACH
#include "detach.pml"
#endif
#include "control.pml"

/* Kills and stops; a stopped process leaves the kernel's queues (EINTR). */
proctype fate() {
  byte kw = KILLW, sw = STOPW, kc = KILLC, sc = STOPC, k;
  do
  :: atomic {
       kw > 0 -> kw--;
       if :: k = 0 :: k = NW - 1 fi;
       if :: wfate[k] == ALIVE -> wfate[k] = KILLED; asleep[k] = false
          :: else
       fi
     }
  :: atomic {
       sw > 0 -> sw--;
       if :: k = 0 :: k = NW - 1 fi;
       if :: wfate[k] == ALIVE -> wfate[k] = STOPPED; asleep[k] = false
          :: else
       fi
     }
  :: atomic { kc > 0 -> kc--; if :: cfate[0] = KILLED :: cfate[NC - 1] = KILLED fi }
#if HANGUP
  :: atomic { !hung[0] -> hung[0] = true }
#endif
  :: atomic { sc > 0 -> sc--; if :: cfate[0] = STOPPED :: cfate[NC - 1] = STOPPED fi }
  :: break
  od
}

/* Whether the worker could serve a call. */
#define USABLE(k) (wfate[k] == ALIVE && !endless[k])
#if NW == 1
#define SOMEONE_USABLE USABLE(0)
#else
#define SOMEONE_USABLE (USABLE(0) || USABLE(1))
#endif
#if NW == 1
#define ALL_USABLE (STOPW == 0 && !endless[0])
#else
#define ALL_USABLE (STOPW == 0 && !endless[0] && !endless[1])
#endif
#define IS_STUCK(k) (wfate[k] == STOPPED || (wfate[k] == ALIVE && endless[k]))

/*
 * Checks the final state, when no process can take a step any more. If a worker
 * is stopped, the clients' slices of 40 ms may end first: clients may look and
 * ring several times before this check.
 */
proctype judge() {
  byte i, live;
#if STOPW && !defined(NO_SLICE)
  byte slices;
#endif
end:
  timeout;
#if STOPW && !defined(NO_SLICE)
  do
  :: slices < 3 ->
     atomic {
       slices++;
       i = 0;
       do :: i < NC * NT -> slice[i] = true; i++ :: else -> break od;
       i = 0
     };
     timeout
  :: else -> break
  od;
#endif
  atomic {
    i = 0;
    do
    :: i < N ->
       if
       :: ledger[i] != 0 -> assert(IS_STUCK(OWNER(ledger[i])))
       :: else
       fi;
       if
       :: cfate[CLIENT(i)] == KILLED
       :: cfate[CLIENT(i)] == STOPPED && STATE(word[i]) == SUBMITTED
          /* a stopped client's own call: the client rings when it goes on */
       :: cfate[CLIENT(i)] == ALIVE && STATE(word[i]) == SUBMITTED ->
          /* the call is lost, unless no worker can serve, or a stopped one
           * holds the entry */
          assert(!SOMEONE_USABLE || ledger[i] != 0 || HUNG_UP(i))
       :: cfate[CLIENT(i)] == ALIVE && OVER(word[i]) ->
          assert(!dozing[i])            /* no thread may sleep on a finished
                                         * call */
       :: else
       fi;
       i++
    :: else -> break
    od;
    /* The idle mask is exact: workers that live and are not in a handler are
     * asleep, with their bit set. */
    i = 0;
    do
    :: i < NW ->
       if
       :: wfate[i] == BURIED -> assert(!idle[i])
       :: wfate[i] == ALIVE -> assert(idle[i] == asleep[i]); assert(idle[i] == !endless[i])
       :: else
       fi;
       i++
    :: else -> break
    od;
#if KILLC + HANGUP
    i = 0;
    do
    :: i < NC ->
       /* an endless handler or a stopped worker keeps the block mapped */
       assert(!(cfate[i] == KILLED || hung[i]) || dropped[i] || !ALL_USABLE);
       i++
    :: else -> break
    od;
#endif
#ifdef DETACH
    i = 0;
    do
    :: i < NW * NC -> assert(pins[i] == 0); i++
    :: else -> break
    od;
#endif
#if !STOPW && !STOPC && !KILLC && !defined(LONG)
    assert(finished == NC * NT);
#endif
    i = 0
  }
}

init {
  byte i;
  atomic {
    i = 0; do :: i < NC * NT -> run caller(i); i++ :: else -> break od;
    i = 0; do :: i < NW -> run worker(i); i++ :: else -> break od;
#ifdef DETACH
    i = 0; do :: i < N -> run later(i); i++ :: else -> break od;
#endif
    run clock();
#if KILLW + KILLC + HANGUP
    run control();
#endif
#if KILLC + HANGUP
    i = 0; do :: i < NC -> run reaper(i); i++ :: else -> break od;
#endif
#ifdef SCRIBBLE
    run scribbler();
#endif
#if KILLW + KILLC + STOPW + STOPC + HANGUP
    run fate();
#endif
    run judge();
    i = 0
  }
}

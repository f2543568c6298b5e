/*
 * The shared-memory channel with a bounded number of calls: submit, claim,
 * complete, sleep, wake, withdraw; every side may die or stop between any two
 * steps, and the control thread recovers what a dead one held.
 *
 * How it finds a lost wake-up.  Clients make a few calls and then end, waits
 * block and nothing polls, so every run is finite and needs no fairness: when
 * nothing can move any more, `judge` looks at what is left.  A call that is
 * still SUBMITTED although a worker could take it, a caller asleep on a
 * finished call, a ledger entry without owner: each is an assertion.  A
 * deadline is a choice, never a certainty, so it hides no lost wake-up.
 *
 * One step is one access to shared memory (or one atomic operation on it).
 * Memory is sequentially consistent, but for what a client sees of a lease and of
 * its hint when it submits: see README.md for what that leaves out.
 *
 * Sizes (macro, default): NC clients 2, NT threads a client 1, NS slots a
 * client 1, HOT slots without hint 1, NW workers 2 (at most), CALLS a thread 2.
 * Events (macro, default 0): KILLW, STOPW, KILLC, STOPC how many workers and
 * clients die or stop, at any moment; HANGUP: the server hangs up on client 0,
 * which lives; WITHDRAW deadlines that may pass early;
 * ONEWAY any call may be one that nobody waits for; LONG client 0's handler
 * never returns; SCRIBBLE with KILLC: client 0 has not died, it has only hung
 * up, and calls once more.  SPIN 0: nobody spins, so there are no leases.
 * DETACH: a worker may leave a call to a thread of its own, and serve others.
 * NO_...: each of the rules can be taken away; see checks.txt for the list, and
 * for which of them is expected to fail where.
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
#define FIRST ((me / NT) * NS)          /* a thread's client's slots */
#define LAST (FIRST + NS - 1)

/* A process whose fate is sealed leaves its text at once, wherever it is. */
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
#define REPLY(g) ((g) | 128)            /* what data holds: whose reply */

/* A ledger entry: gen << 4 | 8 when it holds, 0 while it tries | 4 when it has
 * detached the call | owner + 1; 0 is nobody's. */
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
/* Whether slot i's entry is somebody's for generation g. */
#define TAKEN(i, g) (ledger[i] != 0 && EGEN(ledger[i]) == (g))

/* Client's block: written by its client and by workers. */
byte word[N];
byte data[N];                           /* request, then reply, of which gen */
bool hint[N];                           /* pending bitmap */
bool sleepers[N];                       /* bitmap: who sleeps, or is about to */
/* Client's private memory. */
byte gen[N];
byte used[N];                           /* see client.pml */
/* Server: status page, ledger, doorbell. */
byte ledger[N];
bool idle[NW];                          /* the idle mask, a bit a worker */
bool lease;
/* The kernel. */
bool asleep[NW];                        /* in epoll_wait on the doorbells */
bool rung[NW];                          /* its epoll_wait will return */
bool dozing[N];                         /* in FUTEX_WAIT on a slot word */
/* Who is alive. */
#define ALIVE 0
#define KILLED 1
#define STOPPED 2
#define DEAD 3                          /* a worker that waits for recovery */
#define BURIED 4                        /* recovered, and not replaced */
byte wfate[NW];
byte cfate[NC];
/* What the checks remember. */
byte ran[N];                            /* bit g: call of gen g was executed */
byte gone[N];                           /* bit g: withdrawn, never to run */
byte finished;                          /* threads that made all their calls */
bool endless[NW];                       /* in the handler that never returns */
bool slice[NC * NT];                    /* 40 ms are over: look and ring */

#ifdef DETACH
#define DYING 255
byte job[N];                            /* who has detached the call there, + 1 */
byte jobs_gen[N];                       /* and of which generation it is */
byte pins[NW * NC];                     /* a worker's, of a connection */
#define PINS(k, i) pins[(k) * NC + CLIENT(i)]
#endif

#if KILLC + HANGUP
/* Connections: when may the block of a client that is gone be unmapped? */
#define OFFLINE 255
byte version;                           /* of the table of connections */
bool removed[NC];                       /* no longer in the table */
bool hung[NC];                          /* the server has hung up on it */
bool closed[NC];                        /* workers take the residue only */
bool residue[N];                        /* oneway calls of a dead client */
bool dropped[NC];                       /* unmapped: never to be touched */
byte seen[NW];                          /* a worker's version, or OFFLINE */
#define KNOWN(i) (!unknown[CLIENT(i)])  /* in this worker's copy of it */
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
 * write(eventfd), edge-triggered and EPOLLEXCLUSIVE, never read: one sleeper
 * is woken, any of them; with nobody asleep, everyone's next epoll_wait
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

/* A lease runs out by itself, at any moment. */
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

/* A worker that could serve. */
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
 * Nothing can move any more: what is left?  With a stopped worker the clients'
 * slices of 40 ms count as time that passes: they may look and ring, several
 * times, before judgement.
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
          /* its own: it rings when it goes on */
       :: cfate[CLIENT(i)] == ALIVE && STATE(word[i]) == SUBMITTED ->
          /* lost, unless nobody can, or a stopped one sits on the entry */
          assert(!SOMEONE_USABLE || ledger[i] != 0 || HUNG_UP(i))
       :: cfate[CLIENT(i)] == ALIVE && OVER(word[i]) ->
          assert(!dozing[i])            /* nobody sleeps on a finished call */
       :: else
       fi;
       i++
    :: else -> break
    od;
    /* Idle is exact: who is alive and not in a handler sleeps, marked. */
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
       /* an endless handler or a stopped worker keeps the block alive */
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

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
 * One step is one access to shared memory (or one atomic operation on it); a
 * compare-and-swap loop that retries when only flags have changed is one step.
 * Memory is sequentially consistent: see README.md for what that leaves out.
 *
 * Sizes (macro, default): NC clients 2, NT threads a client 1, NS slots a
 * client 1, HOT slots without hint 1, NW workers 2 (at most), CALLS a thread 2.
 * Events (macro, default 0): KILLW, STOPW, KILLC, STOPC how many workers and
 * clients die or stop, at any moment; WITHDRAW deadlines that may pass early;
 * ONEWAY any call may be one that nobody waits for; LONG client 0's handler
 * never returns; SCRIBBLE with KILLC: client 0 has not died, it has only hung
 * up, and calls once more.
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

/* The slot word: gen << 5 | flags | state. */
#define FREE 0
#define SUBMITTED 1
#define CLAIMED 2
#define DONE 3
#define ABORTED 4
#define WAITING 8
#define CANCEL 16
#define STATE(w) ((w) & 7)
#define FLAGS(w) ((w) & 24)
#define GEN(w) ((w) >> 5)
#define WORD(g, f, s) (((g) << 5) | (f) | (s))
#define OVER(w) (STATE(w) >= DONE)
#define REPLY(g) ((g) | 128)            /* what data holds: whose reply */

/* A ledger entry: gen << 3 | owner + 1, or 0. */
#define HELD(g, k) (((g) << 3) | ((k) + 1))
#define OWNER(e) (((e) & 7) - 1)
#define EGEN(e) ((e) >> 3)

/* Client's block: written by its client and by workers. */
byte word[N];
byte data[N];                           /* request, then reply, of which gen */
bool hint[N];                           /* pending bitmap */
/* Client's private memory. */
byte gen[N];
byte used[N];                           /* 0 free, 1 in use, 2 quarantined */
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

#if KILLC
/* Connections: when may a dead client's block be unmapped? */
#define OFFLINE 255
byte version;                           /* of the table of connections */
bool removed[NC];                       /* no longer in the table */
bool closed[NC];                        /* workers take the residue only */
bool residue[N];                        /* oneway calls of a dead client */
bool dropped[NC];                       /* unmapped: never to be touched */
byte seen[NW];                          /* a worker's version, or OFFLINE */
#define KNOWN(i) (!unknown[CLIENT(i)])  /* in this worker's copy of it */
#define CLOSED(i) closed[CLIENT(i)]
#define RESIDUE(i) residue[i]
#define TOUCH(i) assert(!dropped[CLIENT(i)])
#else
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
#define HOLDER_USABLE(i) USABLE(OWNER(ledger[i]))

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
       :: ledger[i] != 0 -> assert(!HOLDER_USABLE(i))
       :: else
       fi;
       if
       :: cfate[CLIENT(i)] == KILLED
       :: cfate[CLIENT(i)] == STOPPED && STATE(word[i]) == SUBMITTED
          /* its own: it rings when it goes on */
       :: cfate[CLIENT(i)] == ALIVE && STATE(word[i]) == SUBMITTED ->
          /* lost, unless nobody can, or a stopped one sits on the entry */
          assert(!SOMEONE_USABLE || (ledger[i] != 0 && !HOLDER_USABLE(i)))
       :: cfate[CLIENT(i)] != KILLED && STATE(word[i]) == CLAIMED ->
          assert(ledger[i] != 0)
       :: cfate[CLIENT(i)] != KILLED && OVER(word[i]) ->
          /* nobody sleeps on a finished call */
          assert(!dozing[i] || cfate[CLIENT(i)] != ALIVE
                 || (ledger[i] != 0 && !HOLDER_USABLE(i)))
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
#if KILLC
    i = 0;
    do
    :: i < NC ->
       /* an endless handler or a stopped worker keeps the block alive */
       assert(cfate[i] != KILLED || dropped[i] || !ALL_USABLE);
       i++
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
    run clock();
#if KILLW + KILLC
    run control();
#endif
#if KILLC
    i = 0; do :: i < NC -> run reaper(i); i++ :: else -> break od;
#endif
#ifdef SCRIBBLE
    run scribbler();
#endif
#if KILLW + KILLC + STOPW + STOPC
    run fate();
#endif
    run judge();
    i = 0
  }
}

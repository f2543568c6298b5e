/*
 * The hybrid lock: take, sleep, release, death, attach, destroy.
 *
 * One word: owner | WAITERS | RESERVED | BROKEN | DESTROYED. A participant (an
 * open handle) holds the kernel's lock on its byte as long as it lives. A
 * thread that takes the ownership from a dead participant holds the dead one's
 * byte meanwhile, so that no newcomer can get the same number.
 *
 * As in channel.pml threads make a few rounds and then end, waits block, and
 * when no thread can take a step any more `judge` checks the final state.
 * Sleeps time out (slices) only if somebody may die or stop; otherwise no
 * sleeper may depend on slices. With EARLY slices may end at any moment.
 *
 * Sizes (macro, default): NT threads 3, each a participant; ROUNDS each 2.
 * Events (macro, default 0): KILL, STOP how many die or stop at any moment;
 * REBIRTH: the first killed one is replaced by a newcomer, which takes the
 * lowest free number; DEADLINES how many waits may be given up; EARLY slices;
 * FAIR: any waiter may find that it has waited too long; DESTROY: somebody
 * destroys it; SHARED_WAKE: release wakes all sleepers, as if readers waited
 * too. NO_...: each macro removes a rule, see checks.txt.
 */
#ifndef NT
#define NT 3
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef KILL
#define KILL 0
#endif
#ifndef STOP
#define STOP 0
#endif
#ifndef DEADLINES
#define DEADLINES 0
#endif
#ifndef EARLY
#define EARLY 0
#endif

#ifdef REBIRTH
#define ALL (NT + 1)                    /* all threads, including the
                                         * newcomer */
#else
#define ALL NT
#endif

#define OWNER(w) ((w) & 15)
#define GONE 15                         /* the owner died, and was buried */
#define WAITERS 16
#define RESERVED 32
#define BROKEN 64
#define DESTROYED 128
#define HAS(w, bit) (((w) & (bit)) != 0)

#define NOBODY 0
#define ALIVE 0
#define KILLED 1
#define STOPPED 2

byte word;                              /* the lock's word */
byte held_byte[NT];                     /* kernel: thread that holds byte p, +
                                         * 1 */
bool dozing[ALL];                       /* kernel: thread is in FUTEX_WAIT */
bool sliced[ALL];                       /* its slice is over */
byte fate[ALL];
byte deadlines = DEADLINES;
/* What the checks remember. */
byte inside;                            /* thread that holds the lock, + 1 */
bool torn;                              /* a thread died while it held the
                                         * lock */
bool finished[ALL];

#if KILL + STOP
#define MAY_DIE unless { fate[me] != ALIVE }
#else
#define MAY_DIE
#endif

/* FUTEX_WAKE of one sleeper, any of them. `n` is set to the number of woken
 * threads. */
inline wake_one(n) {
  atomic {
    if
    :: dozing[0] -> dozing[0] = false; n = 1
    :: dozing[1] -> dozing[1] = false; n = 1
#if ALL > 2
    :: dozing[2] -> dozing[2] = false; n = 1
#endif
#if ALL > 3
    :: dozing[3] -> dozing[3] = false; n = 1
#endif
    :: else -> n = 0
    fi
  }
}

inline wake_all() {
  d_step {
    n = 0;
    do :: n < ALL -> dozing[n] = false; n++ :: else -> break od
  }
}

#ifdef SHARED_WAKE
#define WAKE(n) wake_all()
#else
#define WAKE(n) wake_one(n)
#endif

/* The word's owner becomes GONE if it is still `p`. The caller holds byte p. */
inline bury(p) {
  seen = word;
  do
  :: OWNER(seen) != p + 1 -> break
  :: else ->
     atomic {
       if
       :: word == seen ->
          word = (seen - OWNER(seen)) + GONE;
          seen = word | DESTROYED        /* marks that this thread destroyed the
                                          * lock */
       :: else -> seen = word
       fi
     }
  od;
  if
  :: OWNER(seen) == GONE && HAS(seen, WAITERS) -> WAKE(n)
  :: else
  fi
}

/* After a slice, checks whether the owner `p` is dead. */
inline look_for_death(p) {
  if
  :: p < NT && p != index ->
#ifdef NO_BYTE
     if
     :: held_byte[p] == NOBODY ->
        bury(p)
     :: else
     fi
#else
     atomic {
       if
       :: held_byte[p] == NOBODY -> held_byte[p] = me + 1; mine = true
       :: else -> mine = false
       fi
     };
     if
     :: mine -> bury(p); held_byte[p] = NOBODY
     :: else
     fi
#endif
  :: else
  fi
}

#define FREE_TO_TAKE(w) (OWNER(w) == 0 || OWNER(w) == GONE)

inline take() {
  slept = false;
  late = false;
  taken = false;
  seen = word;
  do
  :: HAS(seen, DESTROYED) -> break
  :: !HAS(seen, DESTROYED) && FREE_TO_TAKE(seen) &&
     (!HAS(seen, RESERVED) || slept) ->
     want = (seen - OWNER(seen)) + index + 1;
     if :: OWNER(seen) == GONE -> want = want | BROKEN :: else fi;
#ifndef NO_STILL_WAITERS
     if :: slept -> want = want | WAITERS :: else fi;
#endif
#ifdef FAIR
     /* not set by a waiter that has not waited for long */
     if :: want = want & (255 - RESERVED) :: true fi;
#endif
     atomic {
       if
       :: word == seen ->
          word = want;
          assert(inside == NOBODY);
          assert(!torn || HAS(want, BROKEN));
          inside = me + 1;
          taken = true;
          break
       :: else -> seen = word
       fi
     }
  :: else ->
     /* sleep, or give up */
     if
     :: atomic { deadlines > 0 -> deadlines--; late = true }
     :: true
     fi;
     if
     :: late ->
#ifndef NO_PASS_ON
        /* other threads may need the wake-up that this thread received */
        do
        :: !slept || HAS(seen, WAITERS) || HAS(seen, DESTROYED) -> break
        :: slept && !HAS(seen, WAITERS) && !HAS(seen, DESTROYED) ->
           if
           :: FREE_TO_TAKE(seen) -> break
           :: else ->
              atomic {
                if
                :: word == seen -> word = seen | WAITERS; break
                :: else -> seen = word
                fi
              }
           fi
        od;
        if
        :: slept && FREE_TO_TAKE(seen) && !HAS(seen, DESTROYED) -> late = false
        :: else -> break
        fi
#else
        break
#endif
     :: else ->
        want = seen | WAITERS;
#ifdef FAIR
        if :: slept -> want = want | RESERVED :: true fi;
#endif
        atomic {
          if
          :: word == seen -> word = want; seen = want; n = 1
          :: else -> seen = word; n = 0
          fi
        };
        if
        :: n == 1 ->
           atomic {
#ifndef NO_FUTEX_COMPARE
             if
             :: word == seen -> dozing[me] = true; slept = true
             :: else
             fi
#else
             dozing[me] = true; slept = true
#endif
           };
           if
           :: atomic { !dozing[me] -> sliced[me] = false }
           :: atomic { sliced[me] -> sliced[me] = false; dozing[me] = false };
              p = OWNER(seen) - 1;
              look_for_death(p)
           fi;
           seen = word
        :: else
        fi
     fi
  od
}

inline release() {
  seen = word;
  do
  :: HAS(seen, DESTROYED) -> atomic { inside = NOBODY; break }
  :: else ->
     assert(OWNER(seen) == index + 1);
     want = seen & BROKEN;
#ifdef FAIR
     if :: HAS(seen, RESERVED) -> want = want | RESERVED | WAITERS :: else fi;
#endif
     atomic {
       if
       :: word == seen -> word = want; inside = NOBODY; n = 1
       :: else -> seen = word; n = 0
       fi
     };
     if
     :: n == 0
     :: else ->
        if
        :: HAS(seen, WAITERS) -> WAKE(n)
        :: else
        fi;
#if defined(FAIR) && !defined(NO_UNRESERVE)
        if
        :: HAS(want, RESERVED) && n == 0 ->
           atomic {
             if
             :: word == want -> word = want & BROKEN; n = 1
             :: else -> n = 0
             fi
           };
#ifndef NO_SECOND_WAKE
           if :: n == 1 -> WAKE(n) :: else fi
#else
           skip
#endif
        :: else
        fi;
#endif
        break
     fi
  od
}

/* Makes the protected data whole again. */
inline repair() {
  torn = false;
  seen = word;
  do
  :: atomic {
       if
       :: word == seen -> word = seen & (255 - BROKEN); break
       :: else -> seen = word
       fi
     }
  od
}

proctype thread(byte me; bool newborn) {
  byte index = me, seen, want, n, p, round;
  bool slept, late, taken, mine;
  {
    if
    :: newborn ->
       atomic {
         /* a thread that buries the byte's dead holder holds it for a moment:
          * try again */
         held_byte[0] == NOBODY || held_byte[1] == NOBODY;
         index = 0;
         do
         :: index < NT && held_byte[index] != NOBODY -> index++
         :: else -> break
         od;
         assert(index < NT);
         held_byte[index] = me + 1
       };
#ifndef NO_ATTACH_BURIES
       bury(index)
#endif
    :: else
    fi;
    do
    :: round < ROUNDS ->
       take();
       if
       :: taken ->
          if :: HAS(word, BROKEN) -> repair() :: else fi;
          release()
       :: else
       fi;
       round++
    :: else -> break
    od;
    finished[me] = true
  } MAY_DIE
}

#ifdef DESTROY
proctype destroyer() {
  word = word | DESTROYED;
#ifndef NO_DESTROY_WAKE
  byte n;
  wake_all()
#endif
}
#endif

/* The kernel drops a dead process's bytes at once. */
inline kill(k) {
  d_step {
    if
    :: fate[k] == ALIVE && !finished[k] ->
       fate[k] = KILLED;
       dozing[k] = false;
       p = 0;
       do
       :: p < NT -> if :: held_byte[p] == k + 1 -> held_byte[p] = NOBODY :: else fi; p++
       :: else -> break
       od;
       if :: inside == k + 1 -> inside = NOBODY; torn = true :: else fi
    :: else
    fi
  }
}

proctype fates() {
  byte kills = KILL, stops = STOP, early = EARLY, k, p;
#ifdef REBIRTH
  bool reborn;
#endif
  do
  :: atomic {
       kills > 0 -> kills--;
       if :: k = 0 :: k = 1 fi;
       kill(k)
     };
#ifdef REBIRTH
     if
     :: fate[k] == KILLED && !reborn -> reborn = true; run thread(NT, true)
     :: else
     fi
#endif
  :: atomic {
       stops > 0 -> stops--;
       if :: k = 0 :: k = 1 fi;
       if :: fate[k] == ALIVE -> fate[k] = STOPPED; dozing[k] = false :: else fi
     }
  :: atomic {
       early > 0 -> early--;
       if :: k = 0 :: k = 1 fi;
       if :: dozing[k] -> sliced[k] = true :: else fi
     }
  :: break
  od
}

/* A stopped thread holds the lock, or the byte of a dead thread that holds the
 * lock. */
#define STUCK_ON(k) (fate[k] == STOPPED && (inside == k + 1 || \
    held_byte[0] == k + 1 || held_byte[1] == k + 1))

proctype judge() {
  byte i, slices;
end:
  timeout;
#if KILL + STOP
  do
  :: slices < 4 ->
     d_step {
       slices++;
       i = 0;
       do
       :: i < ALL -> if :: dozing[i] -> sliced[i] = true :: else fi; i++
       :: else -> break
       od;
       i = 0
     };
     timeout
  :: else -> break
  od;
#endif
  i = 0;
  do
  :: i < ALL ->
#ifdef REBIRTH
     if :: i == NT && held_byte[0] != NT + 1 && held_byte[1] != NT + 1 -> break :: else fi;
#endif
#if STOP
     assert(fate[i] != ALIVE || finished[i] || STUCK_ON(0) || STUCK_ON(1));
#else
     assert(fate[i] != ALIVE || finished[i]);
#endif
     i++
  :: else -> break
  od
}

init {
  byte i;
  atomic {
    do :: i < NT -> held_byte[i] = i + 1; run thread(i, false); i++ :: else -> break od;
#ifdef DESTROY
    run destroyer();
#endif
    run fates();
    run judge()
  }
}

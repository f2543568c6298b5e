/*
 * The bell, on which threads sleep until something is published
 * (runtime/ring/bell.c).
 *
 * The bell is a count, and the bit SLEEPERS. As in lock.pml, threads make a few
 * rounds, and sleeps time out (slices) only if somebody may die. When no thread
 * can take a step any more, nobody may be asleep while there is something to
 * take.
 *
 * Sizes (macro, default): NP publishers 2, PUSHES of each 2, NC sleepers 2.
 * KILL: one publisher or sleeper may die at any moment. NO_...: each macro
 * removes a rule.
 */
#ifndef NP
#define NP 2
#endif
#ifndef PUSHES
#define PUSHES 2
#endif
#ifndef NC
#define NC 2
#endif

byte there;                             /* published and not taken yet */
byte count;                             /* the bell's count */
bool sleepers;                          /* the bell's bit */
bool dozing[NC], sliced[NC], dead[NC], over[NC];
bool producer_dead;

#ifdef KILL
#define CONSUMER_MAY_DIE unless { dead[me] }
#define PRODUCER_MAY_DIE unless { producer_dead && me == 0 }
#else
#define CONSUMER_MAY_DIE
#define PRODUCER_MAY_DIE
#endif

inline wake_one(n) {
  atomic {
    if
    :: dozing[0] -> dozing[0] = false; n = 1
#if NC > 1
    :: dozing[1] -> dozing[1] = false; n = 1
#endif
#if NC > 2
    :: dozing[2] -> dozing[2] = false; n = 1
#endif
    :: else -> n = 0
    fi
  }
}

inline wake_all() {
  d_step {
    n = 0;
    do :: n < NC -> dozing[n] = false; n++ :: else -> break od
  }
}

inline ring() {
  if
  :: sleepers ->
     atomic { count++; rung = count };
     wake_one(n);
     if
     :: n == 0 ->
#ifdef NO_COUNT_OFF
        /* nobody sleeps: clears the bit, and does nothing else */
        atomic { if :: count == rung && sleepers -> sleepers = false :: else fi }
#else
        atomic {
          if
          :: count == rung && sleepers -> count++; sleepers = false; n = 1
          :: else
          fi
        };
#ifndef NO_WAKE_ALL
        if :: n == 1 -> wake_all() :: else fi
#endif
#endif
     :: else
     fi
  :: else
  fi
}

proctype producer(byte me) {
  byte i, n, rung;
  {
    do
    :: i < PUSHES ->
#ifdef NO_PUBLISH_FIRST
       /* an event: looks at the bell, then publishes */
       if
       :: sleepers -> there++; ring()
       :: else -> there++
       fi;
#else
       there++;
       ring();
#endif
       i++
    :: else -> break
    od
  } PRODUCER_MAY_DIE
}

inline try_take() {
  atomic {
    if
    :: there > 0 -> there--; got = true
    :: else -> got = false
    fi
  }
}

proctype consumer(byte me) {
  byte seen;
  bool got;
  {
    do
    :: try_take();
       if
       :: got
       :: else ->
          atomic { sleepers = true; seen = count };
#ifndef NO_LOOK_AGAIN
          try_take();
#endif
          if
          :: got
          :: else ->
             /* FUTEX_WAIT: sleeps only if the bell has not changed */
             atomic {
#ifdef NO_COMPARE
               dozing[me] = true
#else
               if
               :: count == seen && sleepers -> dozing[me] = true
               :: else
               fi
#endif
             };
end:
             if
             :: !dozing[me] -> sliced[me] = false
             :: atomic { sliced[me] -> sliced[me] = false; dozing[me] = false }
             fi
          fi
       fi
    od
  } CONSUMER_MAY_DIE
}

proctype fates() {
#ifdef KILL
  if
  :: producer_dead = true
  :: atomic { dead[0] = true; dozing[0] = false }
  :: true
  fi
#endif
  skip
}

proctype judge() {
  byte i, slices;
end:
  timeout;
#ifdef KILL
  do
  :: slices < 3 ->
     d_step {
       slices++;
       i = 0;
       do :: i < NC -> if :: dozing[i] -> sliced[i] = true :: else fi; i++ :: else -> break od
     };
     timeout
  :: else -> break
  od;
#endif
  assert(there == 0)
}

init {
  byte i;
  atomic {
    do :: i < NP -> run producer(i); i++ :: else -> break od;
    i = 0;
    do :: i < NC -> run consumer(i); i++ :: else -> break od;
    run fates();
    run judge()
  }
}

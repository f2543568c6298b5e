/*
 * Recovery of a dead worker by the control thread, in this order. Every step is
 * idempotent. The ring comes last, whether or not any worker seems to be idle.
 */
#if KILLC + HANGUP
#define GONE_FOR_US(i) dropped[CLIENT(i)]
#else
#define GONE_FOR_US(i) false
#endif
inline recover() {
#ifndef NO_RECOVER_IDLE
  idle[k] = false;
#endif
  lease = false;
#ifdef NO_RING_LAST
  ring();
#endif
#ifndef NO_RECOVER_LEDGER
  i = 0;
  do
  :: i < N ->
     if
#ifdef NO_RECOVER_KEEPS
     :: ledger[i] != 0 && OWNER(ledger[i]) == k && !(ledger[i] & 4) ->
#else
     :: ledger[i] != 0 && OWNER(ledger[i]) == k ->
#endif
        g = EGEN(ledger[i]);
        atomic {
#ifndef NO_RECOVER_ABORT
          if
          :: IS_HELD(ledger[i]) && GEN(word[i]) == g &&
             (STATE(word[i]) == SUBMITTED || STATE(word[i]) == FREE) ->
             word[i] = WORD(g, ABORTED)
          :: else
          fi;
#endif
          w = word[i]
        };
#ifdef NO_RECOVER_WAKE_ALL
        if
        :: OVER(w) && sleepers[i] -> dozing[i] = false
        :: else
        fi;
#endif
        ledger[i] = 0
     :: else
     fi;
     i++
  :: else -> break
  od;
#endif
  i = 0;
  do
  :: i < N && GONE_FOR_US(i) -> i++
  :: i < N && !GONE_FOR_US(i) ->
#ifndef NO_RECOVER_WAKE_ALL
     /* The worker may have died between freeing its entry and the wake-up. */
     if
     :: atomic { sleepers[i] && OVER(word[i]) -> dozing[i] = false }
     :: else
     fi;
#endif
#ifndef NO_RECOVER_HINT
     if
     :: !IS_HOT(i) && STATE(word[i]) == SUBMITTED -> hint[i] = true
     :: else
     fi;
#endif
     i++
  :: else -> break
  od;
#if !defined(NO_RECOVER_RING) && !defined(NO_RING_LAST)
  ring();
#endif
#if KILLC + HANGUP
  seen[k] = OFFLINE;
#endif
  atomic {
#ifdef REBIRTH
    wfate[k] = ALIVE;
#else
    wfate[k] = BURIED;
#endif
    i = 0; g = 0; w = 0; k = 0 }
}

#if KILLC + HANGUP
/*
 * Closes the connection of a dead client. Takes back the calls that it has
 * submitted, except oneway calls, which still run. It must not wait here,
 * because the control thread may be needed to free what a worker held.
 */
inline close() {
  i = k * NS;
  do
  :: i < (k + 1) * NS ->
     atomic {
       if
#ifdef ONEWAY
       :: STATE(word[i]) == SUBMITTED && used[i] == 2 -> residue[i] = true
       :: STATE(word[i]) == SUBMITTED && used[i] != 2 ->
#else
       :: STATE(word[i]) == SUBMITTED ->
#endif
          word[i] = WORD(GEN(word[i]), FREE)
       :: else
       fi
     };
     i++
  :: else -> break
  od;
  closed[k] = true;
#ifndef NO_RING_RESIDUE
  ring();
#endif
  atomic { i = 0; k = 0 }
}

/*
 * Frees closed connection c after these checks. Every worker has forgotten it,
 * so nobody takes another call. No entry is held, so nobody serves a call.
 * Every worker has forgotten it again, so a worker that had just ended a call
 * no longer looks at its word. Nobody pins it, so the threads of detached calls
 * don't look at it either. Each check is a step; if one fails, all start again.
 */
#define FORGOTTEN(w) (seen[w] >= version)
#define HELD_BY_ANY (ledger[c * NS] != 0 || ledger[c * NS + NS - 1] != 0)
#define LEFT (residue[c * NS] || residue[c * NS + NS - 1])
#ifdef NO_FORGOTTEN
#define LOOK(x) skip
#else
#define LOOK(x) if :: x -> skip :: else -> goto again fi
#endif
#ifdef NO_FORGOTTEN_AGAIN
#define LOOK_AGAIN(x) skip
#else
#define LOOK_AGAIN(x) LOOK(x)
#endif
#ifdef NO_HELD
#define LOOK_AT_LEDGER skip
#else
#define LOOK_AT_LEDGER if :: !HELD_BY_ANY -> skip :: else -> goto again fi
#endif

#ifdef DETACH
#define PINNED (pins[c] || pins[(NW - 1) * NC + c])
#else
#define PINNED false
#endif
#ifdef NO_PINS_LOOK
#define LOOK_AT_PINS skip
#else
#define LOOK_AT_PINS if :: !PINNED -> skip :: else -> goto again fi
#endif

proctype reaper(byte c) {
end:
  closed[c] && !LEFT;
  !HELD_BY_ANY;
  atomic { removed[c] = true; version++ };
  goto first;
again:
#if !defined(NO_FORGOTTEN) && !defined(NO_HELD)
  FORGOTTEN(0) && FORGOTTEN(NW - 1) && !HELD_BY_ANY && !PINNED; /* otherwise
                                                                 * later */
#endif
first:
  LOOK(FORGOTTEN(0));
  LOOK(FORGOTTEN(NW - 1));
#ifdef DISCARD
  atomic { word[c * NS] = 0; data[c * NS] = 0 };
#endif
  LOOK_AT_LEDGER;
  LOOK_AGAIN(FORGOTTEN(0));
  LOOK_AGAIN(FORGOTTEN(NW - 1));
#ifdef DETACH
  LOOK_AT_PINS;
#endif
  dropped[c] = true
}
#endif

/* The control thread: recovery, and the end of connections. */
proctype control() {
  byte k, i, g, w;
end:
  do
#if KILLW
  :: atomic { wfate[0] == DEAD -> k = 0 }; recover()
#if NW > 1
  :: atomic { wfate[1] == DEAD -> k = 1 }; recover()
#endif
#endif
#if KILLC + HANGUP
  :: atomic { (cfate[0] == KILLED || hung[0]) && !closed[0] -> k = 0 }; close()
#if NC > 1
  :: atomic { (cfate[1] == KILLED || hung[1]) && !closed[1] -> k = 1 }; close()
#endif
#endif
  :: false
  od
}


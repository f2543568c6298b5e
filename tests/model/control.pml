/*
 * What control does for a dead worker, in this order; every step may be done
 * twice.  The ring comes last, and whether or not somebody seems to be idle.
 */
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
     :: ledger[i] != 0 && OWNER(ledger[i]) == k ->
        g = EGEN(ledger[i]);
        atomic {
#ifndef NO_RECOVER_ABORT
          if
          :: STATE(word[i]) == CLAIMED && GEN(word[i]) == g ->
             word[i] = WORD(g, FLAGS(word[i]), ABORTED)
          :: else
          fi;
#endif
          w = word[i]
        };
#ifdef NO_RECOVER_WAKE_DONE
        if
        :: STATE(w) == ABORTED && (w & WAITING) -> dozing[i] = false
        :: else
        fi;
#else
        if
        :: OVER(w) && (w & WAITING) -> dozing[i] = false
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
#ifndef NO_RECOVER_HINT
  i = 0;
  do
  :: i < N ->
#if KILLC
     if
     :: !dropped[CLIENT(i)] && !IS_HOT(i) && STATE(word[i]) == SUBMITTED ->
        hint[i] = true
     :: else
     fi;
#else
     if
     :: !IS_HOT(i) && STATE(word[i]) == SUBMITTED -> hint[i] = true
     :: else
     fi;
#endif
     i++
  :: else -> break
  od;
#endif
#if !defined(NO_RECOVER_RING) && !defined(NO_RING_LAST)
  ring();
#endif
#if KILLC
  at[k] = OFFLINE;
#endif
  atomic {
#ifdef REBIRTH
    wfate[k] = ALIVE;
#else
    wfate[k] = BURIED;
#endif
    i = 0; g = 0; w = 0; k = 0 }
}

#if KILLC
/* A client is dead.  Withdraws its calls; the block is dropped later, since
 * control must not wait here: it may be needed to free what a worker holds. */
inline close() {
#ifdef NO_CLOSED_FIRST
  version++;
  closed[k] = true;
#else
  closed[k] = true;
  version++;
#endif
  i = k * NS;
  do
  :: i < (k + 1) * NS ->
     atomic {
       if
       :: STATE(word[i]) == SUBMITTED -> word[i] = WORD(GEN(word[i]), 0, FREE)
       :: else
       fi
     };
     i++
  :: else -> break
  od;
  atomic { i = 0; k = 0 }
}

#define QUIET(w, c) (at[w] == OFFLINE || (at[w] >= CALL(0) && at[w] != CALL(c)) \
                     || (at[w] < CALL(0) && at[w] >= SCAN(1)))
#ifdef NO_QUIESCENCE
#define UNUSED(c) (ledger[(c) * NS] == 0 && ledger[(c) * NS + NS - 1] == 0)
#elif NW == 1
#define UNUSED(c) QUIET(0, c)
#else
#define UNUSED(c) (QUIET(0, c) && QUIET(1, c))
#endif
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
#if KILLC
  :: atomic { cfate[0] == KILLED && !closed[0] -> k = 0 }; close()
  :: atomic { closed[0] && !dropped[0] && UNUSED(0) -> dropped[0] = true }
#if NC > 1
  :: atomic { cfate[1] == KILLED && !closed[1] -> k = 1 }; close()
  :: atomic { closed[1] && !dropped[1] && UNUSED(1) -> dropped[1] = true }
#endif
#endif
  :: false
  od
}


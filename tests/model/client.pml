/*
 * One thread of a client: submit, wait, withdraw, take.  Included by
 * channel.pml.  It writes its own block and rings the doorbell, nothing else.
 */

/* Slot x can take a new call: free, or the call abandoned in it is over. */
#ifdef NO_QUARANTINE
#define REUSABLE(x) (used[x] != 1)
#else
#define REUSABLE(x) (used[x] == 0 || (used[x] == 2 && OVER(word[x])))
#endif

/* Whether the hint is there, when that is looked at after the word was set. */
#ifdef NO_HINT_LAST
#define HINTED(x) hinted
#else
#define HINTED(x) hint[x]
#endif

proctype caller(byte me) {
  byte s, g, w, calls, early;
  bool relied, oneway;
#ifdef NO_HINT_LAST
  bool hinted;
#endif
  {
    do
    :: atomic {
         calls == CALLS -> finished++; break
       }
    :: atomic {                         /* the payload, then the word */
         calls < CALLS && (REUSABLE(FIRST) || REUSABLE(LAST)) ->
         if
         :: REUSABLE(FIRST) -> s = FIRST
#if NS > 1
         :: REUSABLE(LAST) -> s = LAST
#endif
         fi;
         calls++;
         used[s] = 1;
         gen[s]++;
         g = gen[s];
         data[s] = g;
         word[s] = WORD(g, 0, SUBMITTED);
#ifdef ONEWAY
         if
         :: oneway = true; used[s] = 2  /* nobody will take the reply */
         :: oneway = false
         fi;
#endif
       };
       if
       :: atomic { !IS_HOT(s) && !HINTED(s) -> skip }; hint[s] = true
       :: atomic { IS_HOT(s) || HINTED(s) -> skip }     /* still there */
       fi;
#ifdef NO_ONEWAY_RING
       relied = lease;
#else
       relied = lease && !oneway;
#endif
       if
       :: atomic { relied -> skip }
       :: atomic { !relied && SOMEONE_IDLE -> skip }; ring()
       :: atomic { !relied && !SOMEONE_IDLE -> skip }
       fi;
       if
       :: atomic { oneway -> goto next }
       :: atomic { !oneway -> skip }
       fi;
wait:
       if
       :: atomic { OVER(word[s]) -> goto take }
       :: atomic { relied && !lease -> relied = false };
#ifndef NO_LEASE_END
          if
          :: atomic { STATE(word[s]) != SUBMITTED -> goto wait }
          :: atomic { STATE(word[s]) == SUBMITTED -> skip }
          fi;
          if
          :: atomic { SOMEONE_IDLE -> skip }; ring()
          :: atomic { !SOMEONE_IDLE -> skip }
          fi;
#endif
          goto wait
#if STOPW
       :: atomic { slice[me] -> slice[me] = false };
          if
          :: atomic { STATE(word[s]) != SUBMITTED -> goto wait }
          :: atomic { STATE(word[s]) == SUBMITTED -> hint[s] = !IS_HOT(s) }
          fi;
          ring();
          goto wait
#endif
#if WITHDRAW
       :: atomic { early < WITHDRAW -> early++; goto withdraw }
#endif
#ifdef NO_WAITING_CAS
       :: atomic { !OVER(word[s]) -> w = word[s] | WAITING }; word[s] = w
#else
       :: atomic { !OVER(word[s]) -> w = word[s] | WAITING; word[s] = w }
#endif
       fi;
       /* FUTEX_WAIT sleeps only if the word is still what was seen. */
       atomic {
         if
#ifdef NO_FUTEX_COMPARE
         :: dozing[s] = true
#else
         :: word[s] == w -> dozing[s] = true
         :: else -> w = 0; goto wait
#endif
         fi;
         w = 0
       };
       atomic {                         /* woken, or a time is over */
         if
         :: !dozing[s]
         :: relied && !lease
         :: slice[me]
         :: early < WITHDRAW
         fi;
         dozing[s] = false;
         goto wait
       };
withdraw:
       atomic {
         if
         :: STATE(word[s]) == SUBMITTED ->
            word[s] = WORD(g, 0, FREE);
            gone[s] = gone[s] | (1 << g);
            used[s] = 0
         :: STATE(word[s]) == CLAIMED ->
            word[s] = word[s] | CANCEL;
            used[s] = 2
         :: else -> goto take
         fi;
         goto next
       };
take:
       atomic {
         assert(GEN(word[s]) == g);
         assert(STATE(word[s]) == ABORTED || data[s] == REPLY(g));
         assert(STATE(word[s]) == DONE || KILLW > 0);
         used[s] = 0
       };
next:
#ifdef NO_HINT_LAST
       hinted = hint[FIRST];            /* for the next call; NS is 1 */
#endif
       atomic { s = 0; g = 0; relied = false; oneway = false }
    od
  } CLIENT_MAY_DIE
}

#ifdef SCRIBBLE
/* A client that has hung up, and goes on calling all the same. */
proctype scribbler() {
end:
  atomic {
    cfate[0] == KILLED && (STATE(word[0]) == FREE || OVER(word[0])) ->
    gen[0]++;
    data[0] = gen[0];
    word[0] = WORD(gen[0], 0, SUBMITTED)
  }
}
#endif

/*
 * One thread of a client: submit, wait, withdraw, take. Included by
 * channel.pml. It only writes its own block and rings the doorbell.
 */

/*
 * used: 0 free, 1 in use, 2 quarantined, 3 about to leave quarantine. Slot x
 * can take a new call if it is free, or if the call abandoned in it is over.
 */
#ifdef NO_QUARANTINE
#define REUSABLE(x) (used[x] != 1)
#else
#define REUSABLE(x) (used[x] == 0 || (used[x] == 2 && OVER(word[x])))
#endif
#define MAY_BE_BACK(x) (used[x] == 2 && STATE(word[x]) == FREE)

/* Whether the hint is set, read after the word was set. */
#ifdef NO_HINT_LAST
#define HINTED(x) hinted
#else
#define HINTED(x) hint[x]
#endif

#define RAISE_HINT \
       if \
       :: atomic { !IS_HOT(s) && !HINTED(s) -> skip }; hint[s] = true \
       :: atomic { IS_HOT(s) || HINTED(s) -> skip }     /* the hint is still
                                                         * set */ \
       fi

/* Reads the hint again, if the client relied on it. */
#ifdef NO_HINT_AGAIN
#define RAISE_HINT_AGAIN skip
#else
#define RAISE_HINT_AGAIN RAISE_HINT
#endif

proctype caller(byte me) {
  byte s, g, calls, early;
  bool relied, oneway;
#ifdef NO_HINT_LAST
  bool hinted;
#endif
#ifdef NO_CAS_FIRST
  bool taken;
#endif
#if HANGUP
  bool lost;
#endif
  {
    do
    :: atomic {
         calls == CALLS -> finished++; break
       }
#if HANGUP
    :: atomic {
         calls < CALLS && lost -> finished++; break
       }
#endif
    :: atomic {                         /* is it withdrawn, with nobody holding
                                         * the entry? */
         calls < CALLS && (MAY_BE_BACK(FIRST) || MAY_BE_BACK(LAST)) ->
         if
         :: MAY_BE_BACK(FIRST) -> s = FIRST
#if NS > 1
         :: MAY_BE_BACK(LAST) -> s = LAST
#endif
         fi;
         used[s] = 3
       };
       !TAKEN(s, gen[s]);
       atomic {                         /* reads the word after the entry */
#ifndef NO_WORD_AGAIN
         if
         :: STATE(word[s]) == FREE ->
#endif
         assert(!(ran[s] & (1 << gen[s])));
#ifndef NO_WORD_AGAIN
         :: else                        /* there is a reply to be discarded */
         fi;
#endif
         used[s] = 0;
         s = 0
       }
    :: atomic {                         /* writes the payload, then the word */
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
         word[s] = WORD(g, SUBMITTED);
#ifdef ONEWAY
         if
         :: oneway = true; used[s] = 2  /* nobody will take the reply */
         :: oneway = false
         fi;
#endif
       };
#if SPIN && !defined(NO_ONEWAY_RING)
       /* It read the hint and a lease before others could see its word, and
        * relies on both. */
       if
       :: atomic { !oneway -> relied = true; goto sent }
       :: skip
       fi;
#endif
       RAISE_HINT;
#if SPIN
       /* It relies on a lease that it read before others could see its word, or
        * on the ring of its next call. */
       if
#ifdef NO_ONEWAY_RING
       :: atomic { relied = true; goto sent }
#else
       :: atomic { !oneway -> relied = true; goto sent }
#endif
       :: skip
       fi;
#endif
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
sent:
       if
       :: atomic { oneway -> goto next }
       :: atomic { !oneway -> skip }
       fi;
wait:
       if
       :: atomic { OVER(word[s]) -> goto take }
#if HANGUP
       :: atomic { STATE(word[s]) == FREE -> lost = true; goto withdraw }
       :: atomic { hung[me / NT] -> lost = true; goto withdraw }
#endif
       /* If nobody sleeps no lease is needed. */
#ifdef NO_IDLE_LOOK
       :: atomic { relied -> relied = false; goto wait }
#else
       :: atomic { relied -> skip };
          if
          :: atomic { TAKEN(s, g) -> relied = false; goto wait }
          :: atomic { !TAKEN(s, g) -> skip }
          fi;
          RAISE_HINT_AGAIN;
          if
          :: atomic { !SOMEONE_IDLE -> relied = false; goto wait }
          :: atomic { SOMEONE_IDLE -> goto wait }
          fi
#endif
       /* The lease has ended, or seems to have ended. */
#ifdef NO_LEASE_END
       :: atomic { relied && !lease -> relied = false; goto wait }
#else
       :: atomic { relied -> skip };
          if
          :: atomic { TAKEN(s, g) -> relied = false; goto wait }
          :: atomic { !TAKEN(s, g) -> skip }
          fi;
          RAISE_HINT_AGAIN;
          if
          :: atomic { lease -> goto wait }      /* relies on a new lease */
          :: atomic { !lease -> relied = false }
          fi;
          if
          :: atomic { SOMEONE_IDLE -> skip }; ring()
          :: atomic { !SOMEONE_IDLE -> skip }
          fi;
          goto wait
#endif
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
       :: atomic { early < WITHDRAW -> early++; sleepers[s] = false; goto withdraw }
#endif
       :: atomic { STATE(word[s]) == SUBMITTED -> skip }; sleepers[s] = true
       fi;
       /* FUTEX_WAIT sleeps only if the word is still as it was read. */
       atomic {
         if
#ifdef NO_FUTEX_COMPARE
         :: dozing[s] = true
#else
         :: word[s] == WORD(g, SUBMITTED) -> dozing[s] = true
         :: else -> goto wait
#endif
         fi
       };
       atomic {                         /* woken, or a sleep timed out */
         if
         :: !dozing[s]
         :: relied
         :: slice[me]
         :: early < WITHDRAW
#if HANGUP
         :: hung[me / NT]
#endif
         fi;
         dozing[s] = false;
         goto wait
       };
withdraw:
#ifdef NO_CAS_FIRST
       taken = TAKEN(s, g);
#endif
       if
       :: atomic { word[s] == WORD(g, SUBMITTED) -> word[s] = WORD(g, FREE) }
       :: atomic { OVER(word[s]) -> goto take }
#if HANGUP
       :: atomic { STATE(word[s]) == FREE -> skip }     /* the call was taken
                                                         * back */
#endif
       fi;
#ifdef NO_CAS_FIRST
       if
       :: atomic { taken -> taken = false; used[s] = 2; goto next }
       :: atomic { !taken -> skip }
       fi;
#elif !defined(NO_LEDGER_LOOK)
       if
       :: atomic { TAKEN(s, g) -> used[s] = 2; goto next }
       :: atomic { !TAKEN(s, g) -> skip }
       fi;
#endif
       if
#ifndef NO_WORD_AGAIN
       :: atomic { OVER(word[s]) -> goto take }
       :: atomic { STATE(word[s]) == FREE -> skip }
#else
       :: skip
#endif
       fi;
       atomic {
         assert(!(ran[s] & (1 << g)));
         gone[s] = gone[s] | (1 << g);
         used[s] = 0;
         goto next
       };
take:
       atomic {
         assert(GEN(word[s]) == g);
         assert(STATE(word[s]) == ABORTED || data[s] == REPLY(g));
         assert(STATE(word[s]) == DONE || KILLW > 0);
         sleepers[s] = false;
         used[s] = 0
       };
next:
#ifdef NO_HINT_LAST
       hinted = hint[FIRST];            /* read for the next call; NS is 1 */
#endif
       atomic { s = 0; g = 0; relied = false; oneway = false }
    od
  } CLIENT_MAY_DIE
}

#ifdef SCRIBBLE
/* A client that has hung up, but goes on making calls. */
proctype scribbler() {
end:
  atomic {
    cfate[0] == KILLED &&
    (OVER(word[0]) || (STATE(word[0]) == FREE && !TAKEN(0, GEN(word[0])))) ->
    gen[0]++;
    data[0] = gen[0];
    word[0] = WORD(gen[0], SUBMITTED)
  }
}
#endif

/*
 * A worker: scan, claim, serve, sleep, wake. Included by channel.pml.
 *
 * slept: the current scan is the second one, between setting the idle bit and
 * sleeping. cold: follow rule 1 before the next handler. A hot worker skips it,
 * even before a handler that never returns, because its lease ends by itself.
 */
#define START (me % N)                  /* workers begin to scan at different
                                         * slots */
/* A call waits if its word is SUBMITTED and the entry belongs to nobody for the
 * call's generation. */
#ifdef NO_WAITS_GEN
#define WAITS(x, v) (ledger[x] == 0)
#else
#define WAITS(x, v) (!TAKEN(x, v))
#endif
#define SHOWS(x) (CLOSED(x) -> RESIDUE(x) : \
                  (IS_HOT(x) || hint[x]) && STATE(word[x]) == SUBMITTED)

#if KILLC + HANGUP
/* Copies the table of connections under its lock, and announces the version of
 * the copy. */
#define REFRESH atomic { \
                  unknown[0] = removed[0]; \
                  unknown[NC - 1] = removed[NC - 1]; \
                  mine = version; \
                  seen[me] = mine \
                }
#ifdef NO_ONLINE
#define GO_ONLINE skip
#else
#define GO_ONLINE seen[me] = mine       /* the old version: nothing was read
                                         * yet */
#endif
#define GO_OFFLINE seen[me] = OFFLINE
#endif

proctype worker(byte me) {
  byte i, g, w, v;
  bool slept, cold;
#if KILLC + HANGUP
  byte mine;                            /* version of its copy of the table */
  bool unknown[NC];                     /* connections that are missing in the
                                         * copy */
#endif
born:
  {
    skip;
round:
#if KILLC + HANGUP
    REFRESH;
#endif
    if
#if SPIN
    :: atomic { lease = true; i = START }
#endif
    :: atomic { skip; i = START }       /* spinning is not allowed now */
    fi;

look:                                   /* rule 3 returns to here */
#if KILLC + HANGUP
    if
    :: atomic { !KNOWN(i) -> goto pass }
    :: atomic { KNOWN(i) && CLOSED(i) && !residue[i] -> goto pass }
    :: atomic { KNOWN(i) && CLOSED(i) && residue[i] -> skip };
       if
       :: atomic { STATE(word[i]) == SUBMITTED ->
                   TOUCH(i); g = GEN(word[i]); goto claim }
       :: atomic { else -> TOUCH(i) }
       fi;
       atomic { residue[i] = false; goto pass }
    :: atomic { KNOWN(i) && !CLOSED(i) -> skip }
    fi;
#endif
    if                                  /* finds a slot without a hint, by
                                         * luck */
    :: atomic { STATE(word[i]) == SUBMITTED ->
                TOUCH(i); g = GEN(word[i]); goto claim }
    :: atomic { !IS_HOT(i) && hint[i] -> TOUCH(i) }
    :: atomic { !IS_HOT(i) && !hint[i] -> TOUCH(i); goto pass }
    :: atomic { IS_HOT(i) && STATE(word[i]) != SUBMITTED ->
                TOUCH(i); goto pass }
    fi;
    if
    :: atomic { STATE(word[i]) == SUBMITTED ->
                TOUCH(i); g = GEN(word[i]); goto claim }
    :: atomic { STATE(word[i]) != SUBMITTED -> TOUCH(i) }   /* stale */
    :: atomic { STATE(word[i]) != SUBMITTED && !slept -> TOUCH(i); goto pass }
    fi;
clear:
    atomic { TOUCH(i); g = 0; hint[i] = false };
#ifdef NO_RULE3
    goto pass;
#endif
    if
    :: atomic { STATE(word[i]) == SUBMITTED -> TOUCH(i); g = GEN(word[i]) }
    :: atomic { else -> TOUCH(i); goto pass }
    fi;
    if
    :: atomic { WAITS(i, g) -> g = 0 };
       atomic { TOUCH(i); hint[i] = true; goto look }
    :: atomic { !WAITS(i, g) -> g = 0; goto pass }
    fi;

claim:
    if
    :: atomic { ledger[i] != 0 -> g = 0; goto pass }
    :: atomic { ledger[i] != 0 && !IS_HOT(i) -> goto held }
    :: atomic { ledger[i] == 0 -> ledger[i] = TRIES(g, me) }
    fi;
    atomic {                            /* is the word still the same? */
      TOUCH(i);
      if
#ifdef NO_LOOK_AGAIN
      :: true ->
#elif defined(NO_CLAIM_GEN)
      :: STATE(word[i]) == SUBMITTED ->
#else
      :: word[i] == WORD(g, SUBMITTED) ->
#endif
         goto hold
      :: else -> g = 0
      fi
    };
#ifdef NO_RULE3
    atomic { ledger[i] = 0; goto pass };
#else
#ifdef NO_FREE_FIRST
    if
    :: atomic { STATE(word[i]) == SUBMITTED -> TOUCH(i); g = GEN(word[i]) }
    :: atomic { else -> TOUCH(i) }
    fi;
    ledger[i] = 0;
    if
    :: g != 0 -> goto claim
    :: g == 0 -> goto pass
    fi;
#else
    ledger[i] = 0;
    if
    :: atomic { STATE(word[i]) == SUBMITTED ->
                TOUCH(i); g = GEN(word[i]); goto claim }
    :: atomic { else -> TOUCH(i); goto pass }
    fi;
#endif
#endif

held:                                   /* is the call's hint stale? */
    if
    :: atomic { STATE(word[i]) == SUBMITTED -> TOUCH(i); g = GEN(word[i]) }
    :: atomic { else -> TOUCH(i); goto clear }
    fi;
    if
    :: atomic { WAITS(i, g) -> g = 0; goto pass }
    :: atomic { !WAITS(i, g) -> goto clear }
    fi;

pass:
    atomic {
      i = (i + 1) % N;
      if
      :: i != START -> goto look
      :: else -> i = 0
      fi
    };
    if
    :: slept -> goto sleep
    :: else
    fi;
    lease = false;
#ifdef NO_SECOND_LOOK
    idle[me] = true;
    goto sleep;
#else
    atomic { idle[me] = true; slept = true; cold = false; i = START };
#if KILLC + HANGUP
    REFRESH;
#endif
    goto look;
#endif

sleep:
    slept = false;
#if KILLC + HANGUP
    GO_OFFLINE;
#endif
    if
    :: atomic { rung[me] -> rung[me] = false }
    :: atomic { !rung[me] -> asleep[me] = true };
       atomic { !asleep[me] -> rung[me] = false }
    fi;
#if KILLC + HANGUP
    GO_ONLINE;
#endif
    atomic { idle[me] = false; cold = true; goto round };   /* RULE 2 */

hold:
#ifndef NO_HOLDS
    ledger[i] = HOLDS(g, me);
#endif
#if KILLC + HANGUP
    if
    :: residue[i] -> residue[i] = false
    :: skip                             /* the connection was not closed when we
                                         * looked */
    fi;
#endif
    if
    :: atomic { slept -> slept = false; idle[me] = false; cold = true }
    :: atomic { !slept -> skip }
    fi;
#ifdef NO_RULE1
    cold = false;
#else
    if
    :: atomic { !cold -> goto serve }
    :: atomic { cold -> cold = false; lease = false }
    fi;
    do                                  /* RULE 1: w is the slot that was looked
                                         * at */
    :: atomic { w < N && KNOWN(w) && SHOWS(w) ->
                TOUCH(w); v = GEN(word[w]) };
       if
       :: atomic { !CLOSED(w) && !WAITS(w, v) -> v = 0; w++ }
       :: atomic { CLOSED(w) || WAITS(w, v) -> w = 0; v = 0 };
          if
          :: atomic { SOMEONE_IDLE -> skip }; ring()
          :: atomic { !SOMEONE_IDLE -> skip }
          fi;
          break
       fi
    :: atomic { w < N && KNOWN(w) && !SHOWS(w) -> TOUCH(w); w++ }
    :: atomic { w < N && !KNOWN(w) -> w++ }
    :: atomic { w == N -> w = 0; break }
    od;
#endif

serve:
#if KILLC + HANGUP
    if
    :: GO_OFFLINE                       /* because the handler may take long */
    :: skip
    fi;
#endif
    atomic {                            /* copy the request, run the handler */
      TOUCH(i);
      assert(data[i] == g);
      assert(!(ran[i] & (1 << g)));
      assert(!(gone[i] & (1 << g)));
      ran[i] = ran[i] | (1 << g);
#ifdef LONG
      if
      :: CLIENT(i) == 0 -> endless[me] = true; false
      :: else
      fi
#endif
    };
#ifdef DETACH
    if
    :: atomic { job[i] == 0 -> skip };
#ifndef NO_PIN
       PINS(me, i)++;
#endif
#ifdef NO_KEEPS
       ledger[i] = 0;                   /* other workers see a waiting call */
#else
       ledger[i] = KEEPS(g, me);
#endif
       atomic { job[i] = me + 1; jobs_gen[i] = g; g = 0; i = 0; goto round }
    :: atomic { job[i] == 0 -> skip }
    :: atomic { job[i] != 0 -> skip }   /* (one thread for each slot is
                                         * enough) */
    fi;
#endif
    atomic { TOUCH(i); data[i] = REPLY(g) };
#ifdef NO_LEDGER_LAST
    ledger[i] = 0;
#endif
#ifdef NO_DONE_FIRST
    atomic { TOUCH(i); w = sleepers[i] };
#endif
    atomic {
      TOUCH(i);
#ifndef SCRIBBLE
      assert(word[i] == WORD(g, SUBMITTED) || word[i] == WORD(g, FREE));
#endif
      word[i] = WORD(g, DONE)
    };
#if KILLC + HANGUP
    GO_ONLINE;
#endif
#ifdef NO_FREE_FIRST
    atomic { TOUCH(i); cold = STATE(word[i]) == SUBMITTED };
#endif
#ifndef NO_LEDGER_LAST
    atomic { assert(OWNER(ledger[i]) == me); ledger[i] = 0 };
#endif
    if
#ifdef NO_DONE_FIRST
    :: atomic { w -> dozing[i] = false; w = 0 }
    :: atomic { !w -> skip }
#else
    :: atomic { sleepers[i] -> TOUCH(i); dozing[i] = false }
    :: atomic { !sleepers[i] -> TOUCH(i) }
#endif
    fi;
    atomic {
      TOUCH(i);
#if !defined(NO_RULE4) && !defined(NO_FREE_FIRST)
      cold = STATE(word[i]) == SUBMITTED;
#endif
      i = 0;
      g = 0;
      goto round
    }
  } WORKER_MAY_DIE;

#if KILLW + STOPW
  atomic {
    if
    :: wfate[me] == KILLED ->           /* the kernel reports the death only
                                         * now */
       w = 0; v = 0; slept = false; cold = false; rung[me] = false;
#ifdef DETACH
       /* Its threads die with it, and so do its process's pins. */
       i = 0;
       do
       :: i < N && job[i] == me + 1 -> job[i] = DYING; i++
       :: i < N && job[i] != me + 1 -> i++
       :: else -> break
       od;
       i = 0;
       do
       :: i < NC -> pins[me * NC + i] = 0; i++
       :: else -> break
       od;
#endif
       i = 0; g = 0;
#if KILLC + HANGUP
       mine = 0; unknown[0] = false; unknown[NC - 1] = false;
#endif
       wfate[me] = DEAD
    fi
  };
#ifdef REBIRTH
  wfate[me] == ALIVE;                   /* recovered: the next worker with this
                                         * index starts */
  goto born
#endif
#endif
}

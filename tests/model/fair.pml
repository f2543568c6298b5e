/*
 * Submit, claim, sleep and wake for ever, with a lease: is every call served?
 *
 * channel.pml makes a few calls and checks the final state. Here clients make
 * calls without end, to find starvation: a call that workers skip again and
 * again while they serve others. Steps are coarser, each client has one slot,
 * and nobody sleeps on the reply. Spin's weak fairness (-f) stands for "every
 * process that can move, moves at last".
 *
 * Client 0's handler never returns (LONG, default 1), so one worker is lost to
 * it; the others must be served. HOT 1: workers poll the word, no hints. DIE 1:
 * one worker dies at any moment, is recovered and not replaced. WITHDRAW 1:
 * client 1's deadline may pass early, as often as it likes. NO_...: each macro
 * removes a rule, see checks.txt.
 */
#ifndef NC
#define NC 2                            /* clients, one slot each */
#endif
#ifndef NW
#define NW 2                            /* workers */
#endif
#ifndef HOT
#define HOT 0
#endif
#ifndef LONG
#define LONG 1
#endif

mtype = { FREE, SUBMITTED, CLAIMED, DONE, ABORTED };

mtype word[NC] = FREE;                  /* slot words: client's block */
bool hint[NC];                          /* pending bitmap: client's block */
byte ledger[NC];                        /* server: 0, else worker + 1 */
bool idle[NW];                          /* status page: the idle mask */
bool lease;                             /* status page: a worker will look
                                         * soon */
bool bell;                              /* a ring that some sleeper will hear */
bool dying[NW], dead[NW];

#define SOMEONE_IDLE (idle[0] || idle[NW - 1])
#if HOT
#define WANTS_A_LOOK(c) (word[c] == SUBMITTED)
#else
#define WANTS_A_LOOK(c) hint[c]
#endif
#define UNCLAIMED(c) (WANTS_A_LOOK(c) && word[c] == SUBMITTED)

/* A lease may end at any moment. */
active proctype clock() {
end:
  do :: lease -> lease = false od
}

proctype client(byte me) {
  do
  :: word[me] = SUBMITTED;
#if !HOT
     if
     :: atomic { !hint[me] -> skip }; hint[me] = true
     :: hint[me]                        /* the hint is still set */
     fi;
#endif
     do
     :: word[me] != SUBMITTED -> break
     :: atomic { word[me] == SUBMITTED && !lease && SOMEONE_IDLE -> skip };
        bell = true;
        break                           /* the client has rung, and sleeps */
     :: atomic { word[me] == SUBMITTED && !lease && !SOMEONE_IDLE -> break }
     od;
#ifdef WITHDRAW
     if
     :: word[me] == DONE || word[me] == ABORTED
     :: atomic { me == 1 && word[me] == SUBMITTED -> word[me] = DONE }
     fi;
#else
     word[me] == DONE || word[me] == ABORTED;
#endif
     word[me] = FREE
  od
}

proctype worker(byte me) {
  byte c, n, start;
  bool slept, cold;
  {
    skip;
round:
    if
    :: atomic { lease = true; n = 0 }
    :: atomic { skip; n = 0 }           /* spinning is not allowed now */
    fi;
next:
    atomic {
      if
      :: n == NC -> c = 0; goto none
      :: else -> c = (start + n) % NC; n++
      fi
    };
again:
    if
    :: atomic { !WANTS_A_LOOK(c) -> goto next }
    :: atomic { WANTS_A_LOOK(c) -> skip }
    fi;
#if !HOT
    if
    :: atomic { word[c] != SUBMITTED && !slept -> goto next }
    :: word[c] != SUBMITTED ->
       hint[c] = false;
#ifdef NO_RULE3
       goto next;
#endif
       if
       :: atomic { word[c] == SUBMITTED -> skip }; hint[c] = true; goto again
       :: atomic { word[c] != SUBMITTED -> goto next }
       fi
    :: atomic { word[c] == SUBMITTED -> skip }
    fi;
#endif
    if
    :: atomic { ledger[c] != 0 -> goto next }
    :: atomic { ledger[c] == 0 -> ledger[c] = me + 1 }
    fi;
    if
    :: atomic { word[c] == SUBMITTED -> word[c] = CLAIMED }
    :: atomic { word[c] != SUBMITTED -> skip };
       ledger[c] = 0;
#ifdef NO_RULE3
       goto next;
#endif
       goto again
    fi;
#ifdef NO_ROTATE
    n = 0;
#else
    atomic { start = (c + 1) % NC; n = 0 };
#endif
    if
    :: atomic { slept -> idle[me] = false; slept = false; cold = true }
    :: atomic { !slept -> skip }
    fi;
#ifdef NO_RULE1
    cold = false;
#else
    if
    :: atomic { !cold -> skip }
    :: atomic { cold -> cold = false; lease = false };
       if                               /* rule 1 */
       :: atomic { UNCLAIMED(0) || UNCLAIMED(NC - 1) -> skip };
          if
          :: atomic { SOMEONE_IDLE -> skip }; bell = true
          :: atomic { !SOMEONE_IDLE -> skip }
          fi
       :: atomic { !(UNCLAIMED(0) || UNCLAIMED(NC - 1)) -> skip }
       fi
    fi;
#endif
#if LONG
    if
    :: c == 0 ->
stuck: false                            /* this handler never returns */
    :: else
    fi;
#endif
    word[c] = DONE;
    ledger[c] = 0;
#ifndef NO_RULE4
    cold = (word[c] == SUBMITTED);
#endif
    goto round;
none:
    if
    :: atomic { !slept -> slept = true; cold = false; n = 0 };
       lease = false;
#ifdef NO_SECOND_LOOK
       idle[me] = true
#else
       idle[me] = true;
       goto next
#endif
    :: atomic { slept -> skip }
    fi;
    atomic { bell -> bell = false; idle[me] = false; slept = false; cold = true };
    goto round
#ifdef DIE
  } unless { atomic { dying[me] -> dead[me] = true } }
#else
  }
#endif
}

#ifdef DIE
/* One worker dies. The control thread executes recovery step by step. */
active proctype control() {
  byte k, c;
  if
  :: k = 0; dying[0] = true
  :: k = NW - 1; dying[NW - 1] = true
  fi;
  dead[k];
  idle[k] = false;
  lease = false;
  c = 0;
  do
  :: c < NC ->
     if
     :: ledger[c] == k + 1 ->
        atomic { if :: word[c] == CLAIMED -> word[c] = ABORTED :: else fi };
        ledger[c] = 0
     :: else
     fi;
     c++
  :: else -> break
  od;
#if !HOT
  c = 0;
  do
  :: c < NC -> if :: word[c] == SUBMITTED -> hint[c] = true :: else fi; c++
  :: else -> break
  od;
#endif
#ifndef NO_RECOVER_RING
  bell = true
#endif
}
#endif

init {
  byte i;
  atomic {
    i = 0; do :: i < NC -> run client(i); i++ :: else -> break od;
    i = 0; do :: i < NW -> run worker(i); i++ :: else -> break od
  }
}

ltl served { [] ((word[1] == SUBMITTED) -> <> (word[1] != SUBMITTED)) }

/*
 * Detached calls: a thread of the worker answers such a call, while the worker
 * serves others (worker_detach.c). Included by channel.pml.
 *
 * The entry of the ledger stays the worker's (KEEPS), so that its death ends
 * the call like any other. A worker that has ended a call looks at the slot
 * again in its next round, but this thread has no rounds. So it pins the
 * connection while it looks at the slot, and rings if it finds a new call.
 *
 * One such thread for each slot exists from the start, and waits.
 */
proctype later(byte i) {
  byte me, g;
  bool missed;
end:
again:
  atomic {
    job[i] != 0 && job[i] != DYING ->
    me = job[i] - 1;
    g = jobs_gen[i]
  };
  {
    atomic { TOUCH(i); data[i] = REPLY(g) };
    atomic {
      TOUCH(i);
#ifndef SCRIBBLE
      assert(word[i] == WORD(g, SUBMITTED) || word[i] == WORD(g, FREE));
#endif
      word[i] = WORD(g, DONE)
    };
#ifdef NO_UNPIN_LAST
    PINS(me, i)--;
#endif
    atomic { assert(OWNER(ledger[i]) == me); ledger[i] = 0 };
    if
    :: atomic { sleepers[i] -> TOUCH(i); dozing[i] = false }
    :: atomic { !sleepers[i] -> TOUCH(i) }
    fi;
    /* Rule 4: other workers may have skipped a call that was made meanwhile. */
    atomic { TOUCH(i); missed = STATE(word[i]) == SUBMITTED };
    if
    :: missed ->
       atomic { TOUCH(i); hint[i] = true };
#ifndef NO_LATE_RING
       if
       :: atomic { SOMEONE_IDLE -> skip }; ring()
       :: atomic { !SOMEONE_IDLE -> skip }
       fi
#endif
    :: !missed
    fi;
    atomic {
#if !defined(NO_UNPIN_LAST) && !defined(NO_PIN)
      PINS(me, i)--;
#endif
      job[i] = 0; me = 0; g = 0; missed = false; goto again
    }
  } unless { job[i] == DYING };
  atomic { job[i] = 0; me = 0; g = 0; missed = false; goto again }
}

/*
 * Two ends that write to each other and wait: deadlock detection
 * (runtime/stream/ring_write.c).
 *
 * Each end is one thread that sends ITEMS. Before each item it may read what
 * has arrived. A ring has room for ROOM items. An end that waits for room, and
 * sees that the peer waits too, sleeps for a while; this sleep may time out at
 * any moment. The end then asks the peer to look again. If the peer reports
 * once more that it waits, the result is ABORTED. ABORTED must be true: neither
 * end could ever have continued. And a deadlock must be detected: when no end
 * can take a step any more, nobody is asleep.
 *
 * Sizes: ITEMS 3, ROOM 1. NO_...: each macro removes a rule.
 */
#ifndef ITEMS
#define ITEMS 3
#endif
#ifndef ROOM
#define ROOM 1
#endif

byte tail[2], head[2];                  /* positions in the ring that this end
                                         * writes */
bool waits[2];
bool dozing[2], over[2], aborted[2];
bool sends[2];                          /* true: the end does not read until it
                                         * has sent */

#define IS_FULL(me) (tail[me] - head[me] == ROOM)

inline wake(who) {
  atomic { dozing[who] = false }
}

/* Reads an item and gives its credit back. */
inline read_one() {
  head[it] = head[it] + 1;
  if
  :: waits[it] ->
     atomic { was = waits[it]; waits[it] = false };
     if
     :: was -> wake(it)
     :: else
     fi
  :: else
  fi
}

/* The peer is gone, or was told of the deadlock. */
inline leave() {
  over[me] = true;
  wake(it)
}

inline confirm() {
  if
#ifndef NO_ASK
  :: !asked ->
     asked = true;
     atomic { was = waits[it]; waits[it] = false };
     if
     :: was -> wake(it)
     :: else
     fi
#endif
  :: else -> sure = true
  fi
}

inline await_room() {
  asked = false;
  sure = false;
  do
  :: aborted[me] || over[it] || !IS_FULL(me) -> break
  :: else ->
#ifdef NO_SAY_FIRST
     suspect = waits[it];
     waits[me] = true;
#else
     waits[me] = true;
#endif
     if
     :: !IS_FULL(me) || over[it]
     :: else ->
#ifndef NO_SAY_FIRST
        suspect = waits[it];
#endif
        late = false;
        atomic {
          if
          :: waits[me] && !over[it] -> dozing[me] = true
          :: else
          fi
        };
        if
        :: !dozing[me]
        :: atomic { dozing[me] && suspect -> dozing[me] = false; late = true }
        fi;
        if
        :: late && waits[it] -> confirm()
        :: else
        fi;
        if
        :: sure && IS_FULL(me) && !over[it] ->
           /* The result is true: neither end has room, or is about to read. */
           assert(IS_FULL(me));
           assert(aborted[it] || (sends[it] && IS_FULL(it)));
           aborted[me] = true
        :: else
        fi
     fi;
     waits[me] = false
  od
}

proctype end_of_stream(byte me) {
  byte n, it;
  bool was, asked, suspect, late, sure;
  it = 1 - me;
  do
  :: n == ITEMS || aborted[me] || over[it] -> break
  :: n < ITEMS && !aborted[me] && tail[it] != head[it] -> read_one()
  :: n < ITEMS && !aborted[me] ->
     sends[me] = true;
     await_room();
     sends[me] = false;
     if
     :: aborted[me] || over[it]
     :: else -> tail[me] = tail[me] + 1; n++
     fi
  od;
  leave()
}

proctype judge() {
end:
  timeout;
  assert(over[0] && over[1])
}

init {
  atomic {
    run end_of_stream(0);
    run end_of_stream(1);
    run judge()
  }
}

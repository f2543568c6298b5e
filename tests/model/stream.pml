/*
 * A stream over shared memory: one ring, its call, and the cleanup after a
 * death (runtime/stream, runtime/transport/shm: stream.c, client_stream.c,
 * worker_stream.c, listener_recover.c, listener_close.c).
 *
 * A cell of the ring has room for one frame: a header, which is the flag, and
 * the number of its item, which is plain memory. Each third item comes in two
 * frames. The writer needs a cell for the frame and one for the zero header
 * behind it. Either end may leave early. A sleep ends only if somebody wakes
 * the sleeper. So when no process can take a step any more, no living process
 * may be asleep.
 *
 * Sizes (macro, default): ITEMS 4, SIZE 4 cells, CREDIT 2: number of cells that
 * the reader releases at once. UPLOAD: the client writes, otherwise the worker.
 * KILLS: how many of client, worker and supervisor die, each at any moment.
 * NO_...: each macro removes a rule, see checks.txt.
 */
#ifndef ITEMS
#define ITEMS 4
#endif
#ifndef SIZE
#define SIZE 4
#endif
#ifndef CREDIT
#define CREDIT 2
#endif
#ifndef KILLS
#define KILLS 0
#endif

#define CLIENT 0
#define WORKER 1
#define SERVER 2                        /* control loop, recovery */
#ifdef UPLOAD
#define WRITER CLIENT
#define READER WORKER
#else
#define WRITER WORKER
#define READER CLIENT
#endif

/* headers */
#define NONE 0
#define ITEM 1
#define PART 2
#define FINISHED 3
#define ABANDONED 4
#define WAITING 5
/* states of the slot's word */
#define SUBMITTED 0
#define DONE 1
#define ABORTED 2
/* how an end was closed */
#define NOT_YET 0
#define COMPLETE 1
#define GIVEN_UP 2                      /* by the writer, as it wrote in the
                                         * ring */
#define LOST 3                          /* the peer is gone */
#define LEFT 4                          /* closed by this end itself */

/* the ring */
byte cell[SIZE], num[SIZE];
byte head;                              /* number of cells released, modulo
                                         * 64 */
bool waits, ended, cancelled;
/* the slot, its ledger entry, the connection */
byte word;
bool holds, noted, answered, closed;
bool freed;                             /* the span of the ring */
/* what a process sleeps on: WAITS, or a cell */
#define WAITS SIZE
bool dozing[2];
byte dozes_at[2], alarm[2];
bool lost[2];                           /* this process's server is dead, and
                                         * the process was notified */
bool dead[3];
/* what really happened, for the assertions */
byte published, came;                   /* whole items */
byte over[2];

#define IN_TWO(n) ((n) % 3 == 2)
#define USED(to, from) (((to) + 64 - (from)) % 64)
#define IS_GONE(me) ((me == CLIENT && (word != SUBMITTED || lost[CLIENT])) || \
                     (me == WORKER && (closed || lost[WORKER])))

inline wake(who, at) {
  atomic {
    if
    :: dozing[who] && dozes_at[who] == at -> dozing[who] = false
    :: else
    fi
  }
}

inline raise(who) {
  alarm[who]++;
  atomic { dozing[who] = false }        /* because it sleeps on the alarm,
                                         * too */
}

/* futex_waitv on a word and the alarm: the kernel compares both. */
inline sleep_on(me, at, same) {
#ifdef NO_ALARM_FIRST
  if
  :: IS_GONE(me) -> gone = true
  :: else ->
     seen = alarm[me];
#else
  seen = alarm[me];
  if
  :: IS_GONE(me) -> gone = true
  :: else ->
#endif
     atomic {
       if
#ifdef NO_COMPARE
       :: true -> dozing[me] = true; dozes_at[me] = at
#else
       :: same && alarm[me] == seen -> dozing[me] = true; dozes_at[me] = at
#endif
       :: else
       fi
     };
     !dozing[me]
  fi
}

/* ---- cleanup after a death ----------------------------------------------- */

inline end_for() {
  ended = true;
  h = head % SIZE;
  atomic {
    assert(!freed);
    if
    :: cell[h] == WAITING -> cell[h] = NONE; woke = true
    :: else -> woke = false
    fi
  };
  if
  :: woke -> wake(READER, h)
  :: else
  fi
}

inline cancel() {
  assert(!freed);
  cancelled = true;
  atomic { woke = waits; waits = false };
  if
  :: woke -> wake(WRITER, WAITS)
  :: else
  fi
}

/* Closes the ring for the worker, or in recovery: both directions. */
inline lose() {
#ifdef UPLOAD
  cancel()
#else
  end_for()
#endif
}

/* Wakes a sleeper. Recovery does so too, because the worker may have died
 * between clearing the sleeper's mark and the wake-up. */
inline rouse() {
#ifdef NO_ROUSE
  skip
#elif defined(UPLOAD)
  wake(WRITER, WAITS)
#else
  h = head % SIZE;
  wake(READER, h)
#endif
}

/* ---- the two ends -------------------------------------------------------- */

/* The worker answers: the rings are closed before the slot stops naming
 * them. */
inline answer() {
  lose();
#ifndef NO_NOTE
  noted = true;
#endif
  answered = true;                      /* the reply has overwritten the payload
                                         * that named the rings */
  word = DONE;                          /* the wake-up of its sleeper is checked
                                         * in channel.pml */
  holds = false
}

/* The client waits for the reply, and then frees the span. */
inline settle() {
#ifndef NO_SLOT_REF
  (word != SUBMITTED || lost[CLIENT]);
#endif
  if
  :: lost[CLIENT]                       /* the connection's memory is freed as a
                                         * whole */
  :: else -> freed = true
  fi
}

inline publish(header) {
  assert(!freed);
#ifdef NO_EXCHANGE
  old = cell[off];
  atomic {
#else
  atomic { old = cell[off];
#endif
    cell[off] = header;
    if :: header == ITEM -> published++ :: else fi
  };
  if
  :: old == WAITING -> wake(READER, off)
  :: else
  fi;
  old = NONE
}

inline look_for_room() {
  if
  :: cancelled -> room = LEFT
  :: else ->
     if
     :: SIZE - USED(tail, known) < 2 -> known = head
     :: else
     fi;
     assert(USED(tail, known) <= SIZE);
     room = (SIZE - USED(tail, known) >= 2 -> COMPLETE : NOT_YET)
  fi
}

inline await_room() {
  look_for_room();
  do
  :: room == NOT_YET ->
     waits = true;
#ifndef NO_SECOND_LOOK
     look_for_room();
#endif
     if
     :: room == NOT_YET ->
        sleep_on(WRITER, WAITS, waits);
        look_for_room();
        if
        :: room == NOT_YET && gone -> room = LOST
        :: else
        fi
     :: else
     fi;
     waits = false
  :: else -> break
  od
}

inline put(header) {
  await_room();
  if
  :: room == COMPLETE ->
#ifndef NO_ZERO_FIRST
     cell[(off + 1) % SIZE] = NONE;
#endif
     num[off] = n;
     publish(header);
#ifdef NO_ZERO_FIRST
     cell[(off + 1) % SIZE] = NONE;
#endif
     off = (off + 1) % SIZE;
     tail = (tail + 1) % 64
  :: else
  fi
}

proctype writer() {
  byte off, n, tail, known, room, old, seen, h;
  bool gone, woke, midway;
  {
    do
    :: n == ITEMS ->
       num[off] = n;
       publish(FINISHED);
       over[WRITER] = COMPLETE;
       break
#ifdef LEAVES
    :: n < ITEMS ->
       num[off] = n;
       publish((WRITER == CLIENT || midway -> ABANDONED : FINISHED));
       over[WRITER] = LEFT;
       break
#endif
    :: n < ITEMS ->
       if
       :: IN_TWO(n) && !midway -> put(PART); midway = true
       :: else -> put(ITEM); midway = false; n++
       fi;
       if
       :: room == COMPLETE
       :: else -> over[WRITER] = LOST; break
       fi
    od;
#ifdef UPLOAD
    settle()
#else
    answer()
#endif
  } unless { dead[WRITER] }
}

inline give_credit() {
  if
  :: credited != at ->
     assert(!freed);
     credited = at;
     head = at;
#ifndef NO_WAITS_LOOK
     if
     :: waits ->
        atomic { woke = waits; waits = false };
        if
        :: woke -> wake(WRITER, WAITS)
        :: else
        fi
     :: else
     fi
#endif
  :: else
  fi
}

inline look() {
  if
  :: held ->
     off = (off + 1) % SIZE;
     at = (at + 1) % 64;
     held = false;
     if
     :: USED(at, credited) >= CREDIT -> give_credit()
     :: else
     fi
  :: else
  fi;
  assert(!freed);
  header = cell[off];
  if
  :: header == NONE || header == WAITING ->
     if
     :: !ended -> header = NONE
     :: else ->
#ifndef NO_ENDED_SECOND
        header = cell[off];
        if
        :: header == NONE || header == WAITING -> over[READER] = LOST
        :: else -> header = NONE
        fi
#else
        over[READER] = LOST
#endif
     fi
  :: else
  fi
}

inline await() {
#ifndef NO_CREDIT_FIRST
  give_credit();
#endif
  atomic {
    if
    :: cell[off] == NONE -> cell[off] = WAITING; header = WAITING
    :: else -> header = cell[off]
    fi
  };
  if
  :: header != WAITING
#ifndef NO_ENDED_LOOK
  :: header == WAITING && ended
#endif
  :: else ->
     sleep_on(READER, off, cell[off] == WAITING);
     atomic {
       if
       :: cell[off] == WAITING -> cell[off] = NONE
       :: else -> gone = false          /* a frame has arrived */
       fi
     };
     is_last = gone
  fi
}

/* Takes a frame, and checks that it is the expected one by counting along. */
inline take() {
  assert(num[off] == n);
  if
  :: header == ITEM -> assert(n < published); n++; came = n; held = true
  :: header == PART -> assert(IN_TWO(n)); held = true
  :: header == FINISHED -> over[READER] = COMPLETE; give_credit()
  :: header == ABANDONED -> over[READER] = GIVEN_UP; give_credit()
  :: else -> assert(false)
  fi
}

proctype reader() {
  byte off, n, at, credited, header, seen, h;
  bool gone, woke, held, is_last;
  {
    do
    :: over[READER] != NOT_YET -> break
#ifdef LEAVES
    :: over[READER] == NOT_YET -> over[READER] = LEFT; cancel(); break
#endif
    :: over[READER] == NOT_YET ->
       look();
       if
       :: over[READER] != NOT_YET
       :: else ->
          if
          :: header != NONE -> take()
          :: header == NONE && is_last -> over[READER] = LOST
          :: else ->
             await()
          fi
       fi
    od;
#ifdef UPLOAD
    answer()
#else
    settle()
#endif
  } unless { dead[READER] }
}

/* ---- the server ---------------------------------------------------------- */

inline abort() {
  atomic { if :: word == SUBMITTED -> word = ABORTED :: else fi }
}

inline recover() {
  if
  :: holds ->
     unfinished = word == SUBMITTED;
#ifdef NO_LOSE_FIRST
     abort();
#endif
     if
     :: unfinished && !noted -> assert(!answered); lose(); rouse()
     :: else
     fi;
     abort();
     holds = false
  :: else
  fi
}

proctype server() {
  byte h;
  bool woke, unfinished, recovered, left;
  {
end:
    do
    :: dead[WORKER] && !recovered -> recover(); recovered = true
    :: dead[CLIENT] && !left ->
       left = true;
       closed = true;
       if
       :: holds ->
#ifndef NO_ALARM
          raise(WORKER)
#else
          skip
#endif
       :: else
       fi
    :: left && !holds && !freed -> freed = true
    od
  } unless { dead[SERVER] }
}

/* The threads of both sides that watch sockets. They are notified of the end of
 * a server. */
proctype watcher(byte me) {
end:
  dead[SERVER] && !dead[me];
  lost[me] = true;
  raise(me)
}

proctype fates() {
  byte i;
  do
  :: i < KILLS ->
     if
     :: atomic { !dead[CLIENT] -> dead[CLIENT] = true; dozing[CLIENT] = false }
     :: atomic { !dead[WORKER] -> dead[WORKER] = true; dozing[WORKER] = false }
     :: dead[SERVER] = true
     :: true
     fi;
     i++
  :: else -> break
  od
}

/* Runs when no process can take a step any more. */
proctype judge() {
end:
  timeout;
  if
  :: dead[READER]
  :: else ->
     assert(over[READER] != NOT_YET);
     assert(over[READER] != COMPLETE || came == ITEMS || over[WRITER] == LEFT);
     /* every published item arrived before the end was reported */
     assert(over[READER] == LEFT || dead[SERVER] || came == published);
     assert(over[READER] != LOST || KILLS > 0)
  fi;
  if
  :: dead[WRITER]
  :: else ->
     assert(over[WRITER] != NOT_YET);
     assert(over[WRITER] != LOST || KILLS > 0 || over[READER] == LEFT)
  fi;
  if
  :: dead[SERVER]
  :: else ->
     assert(!holds && freed);
     assert(dead[CLIENT] || word != SUBMITTED)
  fi
}

init {
  atomic {
    holds = true;
    run writer();
    run reader();
    run server();
    run watcher(CLIENT);
    run watcher(WORKER);
    run fates();
    run judge()
  }
}

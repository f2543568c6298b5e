/*
 * Extents: when a process may use one, and when the server may take it back.
 *
 * A client makes a few calls with two slots; requests and replies may lie in
 * extents. A deadline may pass at any moment; the call is then withdrawn, or
 * given up if a worker has it. The control loop takes idle extents back at any
 * moment, and creates new ones with the same number. Workers may die.
 *
 * The word of an extent is state, slot and incarnation; one step is one access
 * to shared memory, or one compare-and-swap. grow is the server's lock, under
 * which extents are made, granted and taken away. Descriptors of new extents go
 * through `packets`, which the client reads when it needs to.
 *
 * During the run: nobody touches memory that the server has unmapped, a worker
 * reads the request that the client wrote, and the client the worker's reply.
 * At the end (judge): every extent is idle or gone, every entry of the ledger
 * is free, and every slot too.
 *
 * Macros: CALLS 2, NE extents 2, NW workers 1, KILLW 0 how many of them die;
 * LIES: the client says that its extents are idle while a worker uses them;
 * KEEP: it may go on reading a reply after the call is over; NO_...: each macro
 * removes a rule.
 */
#ifndef CALLS
#define CALLS 2
#endif
#ifndef NE
#define NE 2
#endif
#ifndef NW
#define NW 1
#endif
#ifndef KILLW
#define KILLW 0
#endif
#define NS 2
#define NONE_ 255

/* States of slots. */
#define FREE 0
#define SUBMITTED 1
#define CLAIMED 2
#define DONE 3
#define ABORTED 4
/* States of extents. */
#define GONE 0
#define IDLE 1
#define CLIENT 2
#define REPLY 3
#define RETIRED 4

#define REQUEST_OF(c) (1 + (c))
#define REPLY_OF(s) (64 + (s))

/* The client's block. */
byte word[NS];
byte request_at[NS];                    /* number of an extent, or NONE_ */
byte reply_at[NS];
byte x[NE];                             /* words of extents: state, slot */
byte xslot[NE];
byte xinc[NE];                          /* incarnation */
/* The contents of an extent, the same for all processes that map it. */
byte data[NE];
/* The server's private memory. */
bool live[NE];
bool mapped[NE];
byte uses[NS];                          /* ledger: bitmap of used extents */
byte held[NS];                          /* ledger: worker + 1 */
bool grow;
byte made;                              /* incarnations */
/* The client's private memory. */
byte known[NE];                         /* mapped incarnation, or 0 */
bool in_use[NS];
bool given_up[NS];
bool ended;
/* The control socket. */
chan packets = [6] of { byte, byte, bool };
bool wanted;
/* Which workers were killed. */
bool killed[NW];
bool buried[NW];

#define BIT(e) (1 << (e))
#define USED(e) ((uses[0] | uses[1]) & BIT(e))

/* ---- the client ------------------------------------------------------- */

/* Reads packets. An extent that was asked for stays marked as ours until it
 * arrives. */
inline receive() {
  packets ? e, inc, asked;
  known[e] = inc;
  if
  :: asked && x[e] == CLIENT && xinc[e] == inc -> x[e] = IDLE
  :: else -> skip
  fi
}

inline drain() {
  do
  :: atomic { packets ? [e, inc, asked] -> receive() }
  :: atomic { empty(packets) -> break }
  od
}

/* The call on s is over for everybody: releases the extent of its request. */
inline let_go() {
  if
  :: request_at[s] != NONE_ ->
     atomic {
       if
       :: x[request_at[s]] == CLIENT -> x[request_at[s]] = IDLE
       :: else -> skip
       fi
     }
  :: else -> skip
  fi;
  atomic { request_at[s] = NONE_; in_use[s] = false; given_up[s] = false }
}

/* Rejects the reply on s, which nobody will read. */
inline refuse() {
#ifndef NO_REFUSE
  if
  :: word[s] == DONE && reply_at[s] != NONE_ ->
     atomic {
       if
       :: x[reply_at[s]] == REPLY && xslot[reply_at[s]] == s ->
          x[reply_at[s]] = IDLE
       :: else -> skip
       fi
     }
  :: else -> skip
  fi;
#endif
  let_go()
}

inline read_reply() {
  if
  :: word[s] == DONE && reply_at[s] != NONE_ ->
     drain();
     e = reply_at[s];
#ifndef LIES
     assert(x[e] == REPLY && xslot[e] == s && known[e] == xinc[e]);
     assert(data[e] == REPLY_OF(s));
#endif
     if
#ifdef KEEP
     :: kept == NONE_ ->
        atomic {
#ifndef NO_KEEP
          x[e] = CLIENT;
#endif
          kept = e; kept_of = s
        }
#endif
     :: atomic {
          if
          :: x[e] == REPLY && xslot[e] == s -> x[e] = IDLE
          :: else -> skip
          fi
        }
     fi
  :: else -> skip
  fi;
  let_go()
}

/* The client has finished reading the reply that it kept. */
inline end_kept() {
  atomic {
    assert(data[kept] == REPLY_OF(kept_of));
    if
    :: x[kept] == CLIENT || x[kept] == REPLY -> x[kept] = IDLE
    :: else -> skip
    fi;
    kept = NONE_
  }
}

/* Takes extent e for the request, if e is idle and its incarnation is the
 * mapped one. */
inline take(number) {
  atomic {
    if
#ifdef NO_INCARNATION
    :: x[number] == IDLE && known[number] != 0 ->
#else
    :: x[number] == IDLE && known[number] == xinc[number] ->
#endif
       x[number] = CLIENT;
       request_at[s] = number;
       assert(known[number] == xinc[number]);
       data[number] = REQUEST_OF(c)
    :: else -> skip
    fi
  }
}

proctype client() {
  byte c, s, e, inc, kept_of;
  byte kept = NONE_;
  bool asked;
  do
  :: kept != NONE_ -> end_kept()
  :: c < CALLS ->
     if
     :: !in_use[0] -> s = 0
     :: !in_use[1] -> s = 1
     :: given_up[0] && word[0] >= DONE -> s = 0; refuse(); goto again
     :: given_up[1] && word[1] >= DONE -> s = 1; refuse(); goto again
     fi;
     atomic { in_use[s] = true; request_at[s] = NONE_; reply_at[s] = NONE_ };
     if
     :: skip
     :: skip -> take(0)
     :: skip -> take(NE - 1)
     :: wanted = true;                  /* asks for an extent, and waits */
        !wanted;
        drain();
        if
        :: skip -> take(0)
        :: skip -> take(NE - 1)
        fi
     fi;
     word[s] = SUBMITTED;
     if
     :: word[s] >= DONE -> read_reply()
     :: atomic { word[s] == SUBMITTED -> word[s] = FREE }; let_go()
     :: atomic { word[s] == CLAIMED -> given_up[s] = true }
     fi;
     c++;
again:
     skip
  :: c == CALLS && kept == NONE_ -> break
  od;
  /* Slots of calls that were given up become free again. */
  s = 0;
  do
  :: s < NS && given_up[s] -> word[s] >= DONE; refuse(); s++
  :: s < NS && !given_up[s] -> s++
  :: else -> break
  od;
  drain();
  ended = true
}

/* Lies: marks an extent that holds a request as idle. */
proctype liar() {
#ifdef LIES
  byte n;
  do
  :: n < 2 ->
     atomic { x[0] == CLIENT || x[0] == REPLY -> x[0] = IDLE; n++ }
  :: break
  od
#endif
end:
  skip
}

/* ---- workers ---------------------------------------------------------- */

/* Called under `grow`: makes a new extent in the given state. Workers know it
 * before it is sent. */
inline make(number, state, slot) {
  made++;
  mapped[number] = true;
  x[number] = state;
  xslot[number] = slot;
  xinc[number] = made;
  live[number] = true;
  packets ! number, made, (state == CLIENT)
}

inline grant(number) {
  atomic {
    if
    :: !grow && live[number] && x[number] == IDLE ->
       x[number] = REPLY; xslot[number] = s; e = number;
       uses[s] = uses[s] | BIT(number)
    :: !grow && !live[number] && made < 4 ->
       make(number, REPLY, s); e = number;
       uses[s] = uses[s] | BIT(number)
    :: else -> skip
    fi
  }
}

proctype worker(byte me) {
  byte s, e;
  {
end:
  do
  :: atomic { word[0] == SUBMITTED && held[0] == 0 -> held[0] = me + 1; s = 0 };
     goto claim
  :: atomic { word[1] == SUBMITTED && held[1] == 0 -> held[1] = me + 1; s = 1 };
     goto claim
  od;
claim:
  if
  :: atomic { word[s] == SUBMITTED -> word[s] = CLAIMED }
  :: atomic { else -> held[s] = 0; goto end }
  fi;
  e = request_at[s];
  if
  :: e != NONE_ ->
#ifndef NO_NOTE
     uses[s] = uses[s] | BIT(e);
#endif
     if
     :: live[e] ->
        assert(mapped[e]);
#ifndef LIES
        assert(data[e] >= REQUEST_OF(0) && data[e] < REPLY_OF(0));
#endif
        assert(mapped[e])               /* the handler is still reading */
     :: else ->
#ifndef LIES
        assert(false);
#endif
        skip
     fi
  :: else -> skip
  fi;
  e = NONE_;
  if
  :: skip
  :: skip -> grant(0)
  :: skip -> grant(NE - 1)
  fi;
  if
  :: e != NONE_ ->
     atomic { assert(mapped[e]); data[e] = REPLY_OF(s) };
     assert(mapped[e]);
     reply_at[s] = e
  :: else -> skip
  fi;
  uses[s] = 0;
  word[s] = DONE;
  held[s] = 0;
  goto end
  } unless { killed[me] }
}

proctype fate() {
#if KILLW
  byte k = KILLW;
  do
  :: k > 0 -> k--; if :: killed[0] = true :: killed[NW - 1] = true fi
  :: break
  od
#endif
end:
  skip
}

/* ---- the server ------------------------------------------------------- */

/* Takes idle extents away, and makes extents that are wanted. */
proctype control() {
  byte e;
end:
  do
  :: atomic { wanted -> skip };
     if
     :: atomic { !grow && !live[0] && made < 4 -> make(0, CLIENT, 0) }
     :: atomic { !grow && !live[NE - 1] && made < 4 -> make(NE - 1, CLIENT, 0) }
     :: skip                            /* the request was refused */
     fi;
     wanted = false
  :: e = 0; goto retire
  :: e = NE - 1; goto retire
  :: ended -> break
  od;
  goto done;
retire:
  atomic { !grow -> grow = true };
  if
#ifdef NO_RETIRE_CAS
  :: live[e] && x[e] == IDLE -> x[e] = RETIRED
#else
  :: atomic { live[e] && x[e] == IDLE -> x[e] = RETIRED }
#endif
  :: else -> grow = false; goto end
  fi;
  live[e] = false;
#ifndef NO_LOOK
  if
  :: USED(e) ->
     live[e] = true;
     atomic { if :: x[e] == RETIRED -> x[e] = IDLE :: else -> skip fi };
     grow = false;
     goto end
  :: else -> skip
  fi;
#endif
  mapped[e] = false;
  data[e] = 0;
  x[e] = GONE;
  grow = false;
  goto end;
done:
  skip
}

/* Cleans up what a dead worker held. */
proctype recovery() {
#if KILLW
  byte s, e, k;
end:
  do
  :: atomic { killed[0] && !buried[0] -> k = 0 }; goto repair
#if NW > 1
  :: atomic { killed[1] && !buried[1] -> k = 1 }; goto repair
#endif
  od;
repair:
  s = 0;
  do
  :: s < NS && held[s] == k + 1 ->
#ifndef NO_RECOVER_EXTENTS
     e = 0;
     do
#ifdef NO_RECOVER_CLAIMED
     :: e < NE ->
#else
     :: e < NE && word[s] == CLAIMED ->
#endif
        atomic {
          if
          :: x[e] == REPLY && xslot[e] == s -> x[e] = IDLE
          :: else -> skip
          fi
        };
        e++
     :: else -> break
     od;
#endif
     uses[s] = 0;
     atomic { if :: word[s] == CLAIMED -> word[s] = ABORTED :: else -> skip fi };
     held[s] = 0;
     s++
  :: s < NS && held[s] != k + 1 -> s++
  :: else -> break
  od;
  buried[k] = true;
  goto end
#else
  skip
#endif
}

proctype judge() {
  byte i;
end:
  timeout;
  atomic {
    i = 0;
    do
    :: i < NE ->
       assert(!ended || x[i] == GONE || x[i] == IDLE);
       i++
    :: else -> break
    od;
    i = 0;
    do
    :: i < NS ->
       assert(!ended || (held[i] == 0 && uses[i] == 0 && !in_use[i]) );
       i++
    :: else -> break
    od;
    /* Only if no worker is alive nobody can answer. */
    assert(ended || KILLW > 0);
    i = 0
  }
}

init {
  byte i;
  atomic {
    request_at[0] = NONE_; request_at[1] = NONE_;
    reply_at[0] = NONE_; reply_at[1] = NONE_;
    run client();
    i = 0; do :: i < NW -> run worker(i); i++ :: else -> break od;
    run control();
    run recovery();
    run fate();
    run liar();
    run judge();
    i = 0
  }
}

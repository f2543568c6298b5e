/*
 * Blocks of a region: two arenas, the depot between them, and how an heir
 * repairs them after a death (runtime/region/arena.c, depot.c, regain.c).
 *
 * One class, and one span, which is cut into BLOCKS. Participants take blocks,
 * free them, hand lists over, and give the span back when all its blocks are
 * theirs; participant 0 may die at any moment, and its heir too, which another
 * heir then replaces. In the end each block is in exactly one place, or the
 * span is free and nobody has any of its blocks. A block never has two holders.
 *
 * Sizes: BLOCKS, OPS of each participant. SPREAD: a block is in the depot at
 * the start. Events: KILL: participant 0 dies; KILLH: its heir too. NO_...:
 * each macro removes a rule.
 */
#ifndef BLOCKS
#define BLOCKS 2
#endif
#ifndef OPS
#define OPS 3
#endif

/* An arena; blocks are 1 to BLOCKS, 0 is none. */
byte list[2], spare[2], rest[2], held[2], moving[2];
mtype = { NOTHING, TAKES, GIVES, FREES };
mtype journal[2] = NOTHING;     /* what the participant is doing with the
                                 * span */
byte link[BLOCKS + 1];

/* A place of the depot; the following are one word. */
mtype = { EMPTY, PUSHING, READY, TAKEN };
mtype depot = EMPTY;
byte depot_owner, depot_chain;

/* The span's entry in the table; the following are one word. */
mtype = { FREE, CLAIMED, HEAD };
mtype span = HEAD;
byte span_owner;

bool dead, heir_dead, over;

#ifdef KILL
#define MAY_DIE unless { dead && me == 0 }
#else
#define MAY_DIE
#endif
#ifdef KILLH
#define HEIR_MAY_DIE unless { heir_dead && !second }
#else
#define HEIR_MAY_DIE
#endif

/* Moves the block in `moving` into the list. */
inline set_free(me) {
  link[moving[me]] = list[me];
  list[me] = moving[me];
  moving[me] = 0
}

inline give_back(me) {
#ifndef NO_MOVING
  moving[me] = held[me];
  held[me] = 0;
  set_free(me)
#else
  b = held[me];
  held[me] = 0;
  link[b] = list[me];
  list[me] = b
#endif
}

/* Puts the chain of the depot before the list, unless that was already done. */
inline prepend(me) {
#ifndef NO_PREPEND
  d_step {
    last = 0;
    b = (list[me] != 0 -> depot_chain : 0);
    do
    :: b != 0 && b != list[me] -> last = b; b = link[b]
    :: else -> break
    od
  };
  if
  :: b == 0 && last != 0 -> link[last] = list[me]
  :: else
  fi;
#endif
  list[me] = depot_chain
}

inline take_depot(me) {
  atomic {
    if
    :: depot == READY -> depot_owner = me; mine = true;
#ifndef NO_TAKEN
       depot = TAKEN
#else
       depot = EMPTY
#endif
    :: else -> mine = false
    fi
  };
  if
  :: mine -> prepend(me);
#ifndef NO_TAKEN
             depot = EMPTY
#endif
  :: else
  fi
}

/* Finds the last block of the spare list before `end_`, or 0 if the list does
 * not lead there. */
inline last_before(me, end_) {
  d_step {
    last = 0;
    b = spare[me];
    do
    :: b != 0 && b != end_ -> last = b; b = link[b]
    :: else -> break
    od;
    last = (b == end_ -> last : 0)
  }
}

inline put_spare(me) {
#ifndef NO_MERGE_PUSHING
  atomic { depot = PUSHING; depot_chain = spare[me] };
#else
  atomic { depot = READY; depot_chain = spare[me] };
#endif
  spare[me] = 0;
  depot = READY
}

/* Puts the spare list before the chain that is already in the depot. */
inline merge(me) {
  last_before(me, 0);
  atomic {
    if
    :: depot == READY && last != 0 ->
       depot = TAKEN; depot_owner = me; mine = true
    :: else -> mine = false
    fi
  };
  if
  :: mine -> link[last] = depot_chain; put_spare(me)
  :: else
  fi
}

inline push_spare(me) {
  atomic {
    if
    :: depot == EMPTY -> depot_owner = me; depot_chain = spare[me]; mine = true;
#ifndef NO_PUSHING
       depot = PUSHING
#else
       depot = READY
#endif
    :: else -> mine = false
    fi
  };
  if
  :: mine -> spare[me] = 0;
#ifndef NO_PUSHING
             depot = READY
#endif
  :: else -> merge(me)
  fi
}

inline cut_up(me) {
  do
  :: rest[me] != 0 ->
     moving[me] = rest[me];
     rest[me] = (rest[me] == BLOCKS -> 0 : rest[me] + 1);
     set_free(me)
  :: else -> break
  od
}

inline new_span(me) {
  journal[me] = TAKES;
  atomic {
    if
    :: span == FREE -> span = HEAD; span_owner = me; mine = true
    :: else -> mine = false
    fi
  };
  if
  :: mine -> rest[me] = 1
  :: else
  fi;
  journal[me] = NOTHING;
  cut_up(me)
}

inline take(me) {
  if
  :: list[me] != 0
  :: list[me] == 0 && spare[me] != 0 -> list[me] = spare[me]; spare[me] = 0
  :: list[me] == 0 && spare[me] == 0 ->
     if
     :: depot == READY -> take_depot(me)
     :: else -> new_span(me)
     fi
  fi;
  if
  :: list[me] != 0 ->
#ifndef NO_MOVING
     moving[me] = list[me];
     list[me] = link[moving[me]];
     held[me] = moving[me];
     moving[me] = 0;
#else
     b = list[me];
     list[me] = link[b];
     held[me] = b;
#endif
     assert(held[me] != held[1 - me])
  :: else
  fi
}

inline trim(me) {
  if
  :: spare[me] != 0 -> push_spare(me)
  :: else
  fi;
  if
  :: spare[me] == 0 && list[me] != 0 -> spare[me] = list[me]; list[me] = 0
  :: else
  fi
}

/* Counts the blocks in the lists. */
inline count_mine(me) {
  d_step {
    n = 0;
    b = list[me];
    do :: b != 0 && n <= BLOCKS -> n++; b = link[b] :: else -> break od;
    b = spare[me];
    do :: b != 0 && n <= BLOCKS -> n++; b = link[b] :: else -> break od
  }
}

/* Removes the blocks of the span, which are all blocks of the model, one by one
 * from a chain. */
inline forget(me) {
  do
  :: list[me] != 0 -> list[me] = link[list[me]]
  :: else -> break
  od;
  do
  :: spare[me] != 0 -> spare[me] = link[spare[me]]
  :: else -> break
  od
}

inline settle(me) {
  if
  :: journal[me] == GIVES ->
#ifndef NO_FORGET
     forget(me);
#endif
     span_owner = me; span = CLAIMED;
     journal[me] = FREES
  :: journal[me] == TAKES && (rest[me] == 1 && span == HEAD && span_owner == me)
  :: else
  fi;
  if
  :: journal[me] == FREES || (journal[me] == TAKES && rest[me] != 1) ->
     atomic {
       if
       :: span != FREE && span_owner == me -> span = FREE
       :: else
       fi
     }
  :: else
  fi;
  journal[me] = NOTHING
}

inline regain(me) {
  take_depot(me);
  count_mine(me);
  if
  :: n == BLOCKS ->
#ifndef NO_GIVES
     journal[me] = GIVES;
     settle(me)
#else
     forget(me);
     span_owner = me; span = FREE
#endif
  :: else
  fi
}

proctype participant(byte me) {
  byte i, b, last, n;
  bool mine;
  {
    do
    :: i == OPS -> break
    :: i < OPS ->
       i++;
       if
       :: held[me] == 0 -> take(me)
       :: held[me] != 0 -> give_back(me)
       :: list[me] != 0 -> trim(me)
       :: true -> regain(me)
       fi
    od;
    over = over || me == 0
  } MAY_DIE
}

inline mend(me) {
#ifndef NO_SAME
  if
  :: list[me] != 0 && spare[me] == list[me] -> spare[me] = 0
  :: else
  fi;
#endif
  if
  :: depot == PUSHING && depot_owner == me ->
     if
     :: spare[me] == depot_chain -> spare[me] = 0
     :: else
     fi;
     depot = READY
  :: depot == TAKEN && depot_owner == me ->
     last_before(me, depot_chain);
#ifdef NO_HEIR_MERGES
     last = 0;
#endif
     if
     :: last != 0 -> put_spare(me)
     :: else ->
#ifndef NO_HEIR_PREPENDS
        prepend(me);
#else
        list[me] = depot_chain;
#endif
        depot = EMPTY
     fi
  :: else
  fi;
  if
  :: moving[me] != 0 && moving[me] != held[me] && moving[me] != list[me] &&
     moving[me] != rest[me] -> set_free(me)
  :: else -> moving[me] = 0
  fi
}

proctype heir(bool second) {
  byte b, last;
  {
    mend(0);
    settle(0);
    if
    :: held[0] != 0 -> moving[0] = held[0]; held[0] = 0; set_free(0)
    :: else
    fi;
    cut_up(0)
  } HEIR_MAY_DIE
}

proctype fates() {
#ifdef KILL
  if
  :: atomic { dead = true }; run heir(false);
#ifdef KILLH
     if
     :: atomic { heir_dead = true }; run heir(true)
     :: true
     fi
#endif
  :: over
  fi
#endif
  skip
}

inline visit(first) {
  b = first;
  do
  :: b != 0 -> seen[b]++; assert(seen[b] == 1); b = link[b]
  :: else -> break
  od
}

proctype judge() {
  byte b, p;
  byte seen[BLOCKS + 1];
end:
  timeout;
  d_step {
    do
    :: p < 2 ->
       assert(moving[p] == 0 && journal[p] == NOTHING && rest[p] == 0);
       visit(list[p]);
       visit(spare[p]);
       if
       :: held[p] != 0 -> seen[held[p]]++; assert(seen[held[p]] == 1)
       :: else
       fi;
       p++
    :: else -> break
    od;
    assert(depot == EMPTY || depot == READY);
    if
    :: depot == READY -> visit(depot_chain)
    :: else
    fi;
    assert(span != CLAIMED);
    b = 1;
    do
    :: b <= BLOCKS -> assert(seen[b] == (span == HEAD)); b++
    :: else -> break
    od
  }
}

init {
  byte b;
  d_step {
    b = 1;
    do
    :: b < BLOCKS -> link[b] = b + 1; b++
    :: else -> break
    od;
#ifdef SPREAD
    /* The last block is in the depot. If there are three, one is in the spare
     * list. */
    link[BLOCKS - 1] = 0;
#if BLOCKS > 2
    link[BLOCKS - 2] = 0;
    spare[0] = BLOCKS - 1;
#endif
    depot = READY;
    depot_chain = BLOCKS;
#endif
    list[0] = 1
  };
  atomic { run participant(0); run participant(1); run fates(); run judge() }
}

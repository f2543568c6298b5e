/*
 * A table's turn: commit, help, heirs, and the reuse of records
 * (runtime/table/change.c).
 *
 * Writers replace the value of one key. A change is committed by the turn,
 * applied by its maker or by the next writer. The record that it replaced goes
 * to the limbo of the change's maker, and is reused when no descriptor and no
 * hazard pointer names it. The free list is one set for all writers, because
 * only its owner ever looks into a limbo. A record that is in no place at the
 * end is lost.
 *
 * Sizes (macro, default): NW writers 2; CHANGES of the first 2, and MORE of
 * each other 2; RECORDS 4. Events: KILL how many die at any moment; each has an
 * heir. NO_...: each macro removes a rule, see checks.txt.
 */
#ifndef NW
#define NW 2
#endif
#ifndef CHANGES
#define CHANGES 2
#endif
#ifndef MORE
#define MORE 2
#endif
#ifndef RECORDS
#define RECORDS 4
#endif
#ifndef KILL
#define KILL 0
#endif

#define NONE 0
#define FREE 0
#define HELD 1
#define LIVE 2
#define LIMBO 3

/* The turn; the following are one word. */
byte turn_seq;
byte turn_owner;
bool turn_busy;

byte slot;                              /* the record of the key */
byte place[RECORDS + 1];
byte limbo_of[RECORDS + 1];             /* owner of the limbo it is in */
bool committed[RECORDS + 1];
byte lives[RECORDS + 1];                /* how often it was taken, for the
                                         * assertions */

byte d_seq[NW];                         /* descriptors */
byte d_old[NW];
byte d_now[NW];
byte h_old[NW];                         /* hazards */
byte h_now[NW];
byte held[NW];
byte last[NW];                          /* the last record of the limbo */
byte begun[NW];
byte done[NW];
bool dead[NW];
byte kills = KILL;

#define IS_TURN(s, p) (turn_busy && turn_seq == (s) && turn_owner == (p))

/* Applies a change. Another writer may already have done any of the steps. */
inline apply(s, p, old, now, life) {
  atomic {
    if
    :: slot == old ->
       assert(IS_TURN(s, p));           /* fails if a late step succeeds
                                         * nevertheless */
       slot = now;
       assert(place[now] == HELD);
       place[now] = LIVE
    :: else
    fi
  }
#ifndef NO_COMMITTED
  atomic {
    assert(lives[now] == life);         /* fails if the record was reused
                                         * meanwhile */
    committed[now] = true
  }
#endif
  atomic {
    if
    :: IS_TURN(s, p) -> assert(slot == now); turn_busy = false
    :: else
    fi
  }
}

inline help(me) {
  atomic { p = turn_owner; s = turn_seq; on = turn_busy }
  if
  :: on ->
     is_it = (d_seq[p] == s);
     old = d_old[p];
     atomic { now = d_now[p]; life = lives[now] }
     if
     :: is_it && d_seq[p] == s ->
#ifndef NO_HAZARDS
        h_old[me] = old;
        h_now[me] = now;
#endif
#ifdef NO_SECOND_LOOK
        apply(s, p, old, now, life);
#else
        if
        :: IS_TURN(s, p) -> apply(s, p, old, now, life)
        :: else
        fi;
#endif
        h_old[me] = NONE;
        h_now[me] = NONE
     :: else
     fi
  :: else
  fi
}

/* Takes a record: a free one, or one of the own limbo that nobody names. */
inline take(me) {
  do
  :: atomic {
       r = 1;
       do
       :: r <= RECORDS && place[r] != FREE -> r++
       :: else -> break
       od;
       if
       :: r <= RECORDS ->
          place[r] = HELD; lives[r]++; committed[r] = false; held[me] = r;
          break
       :: else -> r = 1
       fi
     }
  :: atomic {                           /* any record of the own limbo may be
                                         * checked */
       r = 1;
       do
       :: r <= RECORDS && !(place[r] == LIMBO && limbo_of[r] == me) -> r++
       :: r <= RECORDS && place[r] == LIMBO && limbo_of[r] == me -> r++
       :: r <= RECORDS && place[r] == LIMBO && limbo_of[r] == me -> break
       :: r > RECORDS -> r = NONE; break
       od
     }
     if
     :: r != NONE ->
        used = false; i = 0;
        do
        :: i < NW ->
#ifndef NO_DESCRIPTORS
           atomic { used = used || (d_seq[i] != 0 &&
                                    (d_old[i] == r || d_now[i] == r)) }
#endif
           atomic { used = used || h_old[i] == r || h_now[i] == r };
           i++
        :: else -> break
        od;
        atomic {
          if
          :: !used && place[r] == LIMBO ->
             place[r] = FREE;
             if
             :: last[me] == r -> last[me] = NONE
             :: else
             fi
          :: else
          fi
        }
     :: else -> help(me)                /* other participants reclaim their own
                                         * limbos */
     fi
  od
}

inline retire(me, was) {
  if
  :: was != NONE ->
     atomic {
       assert(place[was] == LIVE);
       place[was] = LIMBO; limbo_of[was] = me; last[me] = was
     }
  :: else
  fi
}

inline change(me) {
  take(me);
  atomic { r = held[me]; mine = lives[r] }
  do
  :: atomic { c = turn_seq; on = turn_busy }
     if
     :: on -> help(me)
     :: else ->
        w = slot;
        d_old[me] = w;
        d_now[me] = r;
        d_seq[me] = c + 1;
        atomic {
          if
          :: !turn_busy && turn_seq == c ->
             turn_seq = c + 1; turn_owner = me; turn_busy = true;
             begun[me]++; on = true
          :: else -> on = false
          fi
        }
        if
        :: on -> break
        :: else -> d_seq[me] = 0
        fi
     fi
  od;
  apply(c + 1, me, w, r, mine);
#ifdef NO_DESCRIPTOR_LAST
  d_seq[me] = 0;
  held[me] = NONE;
  retire(me, w)
#else
  held[me] = NONE;
  retire(me, w);
  d_seq[me] = 0
#endif
}

proctype writer(byte me)
{
  byte c, w, r, i, n, p, s, old, now, life, mine;
  bool on, used, is_it;
  {
    do
    :: n < (me == 0 -> CHANGES : MORE) -> change(me); n++; done[me]++
    :: else -> break
    od
  } unless { dead[me] }
  if
  :: dead[me] ->
     /* The heir continues as participant `me`. */
     s = d_seq[me]; old = d_old[me]; now = d_now[me];
     is_it = false;
     if
     :: s != 0 ->
        if
        :: IS_TURN(s, me) -> apply(s, me, old, now, lives[now])
        :: else
        fi;
#ifdef NO_COMMITTED
        is_it = (turn_seq >= s)
#else
        is_it = committed[now]
#endif
     :: else
     fi;
     if
     :: is_it ->
        if
        :: old != NONE && last[me] != old -> retire(me, old)
        :: else
        fi;
        held[me] = NONE
     :: else
     fi;
     d_seq[me] = 0;
     r = held[me];
     atomic {
       if
       :: r != NONE && !committed[r] -> assert(place[r] == HELD); place[r] = FREE
       :: else
       fi;
       held[me] = NONE
     }
     h_old[me] = NONE;
     h_now[me] = NONE
  :: else
  fi
}

active proctype killer()
{
  byte victim;
  do
  :: kills > 0 -> 
     atomic {
       select(victim : 0 .. NW - 1);
       if
       :: !dead[victim] -> dead[victim] = true
       :: else
       fi;
       kills--
     }
  :: break
  od
}

init
{
  byte r, live;
  atomic {
    slot = 1; place[1] = LIVE; committed[1] = true;
    r = 0;
    do
    :: r < NW -> run writer(r); r++
    :: else -> break
    od
  }
  /* The final check, when all have ended. */
  (_nr_pr == 1);
  assert(!turn_busy);
  live = 0;
  r = 1;
  do
  :: r <= RECORDS ->
     assert(place[r] != HELD);
     assert((place[r] == LIVE) == (slot == r));
     r++
  :: else -> break
  od;
  assert(turn_seq == begun[0] + begun[1]);
  assert(begun[0] >= done[0] && begun[1] >= done[1])
}

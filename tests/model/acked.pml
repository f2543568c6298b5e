/*
 * Records that must be acknowledged: records held by a dead reader are
 * delivered again, once (runtime/ring/hold.c).
 *
 * Reader 0 may die at any moment. So may its heir, which another heir then
 * replaces. Reader 1 lives, and follows on the same lane. Record n ends at n +
 * 1. In the end each record that was taken was either acknowledged or delivered
 * again, exactly once.
 *
 * Sizes: ITEMS 3. Events: KILL: reader 0 dies; KILLH: its heir too. NO_...:
 * each macro removes a rule.
 */
#ifndef ITEMS
#define ITEMS 3
#endif
#define NOBODY 2
#define NONE 255


byte head_end, head_taker = NOBODY;     /* one word */
byte taking[2] = NONE;                  /* end of the record that a reader is
                                         * taking */
bool won[2];                            /* a bit in the word of `taking` */
byte pending[2] = NONE;                 /* end of the hold that is not yet
                                         * counted */
byte counted[2];                        /* end of the last hold that is
                                         * counted */
bool held[2 * ITEMS];                   /* by reader, by record */
bool moving[ITEMS];                     /* whether an heir is pushing it
                                         * again... */
byte came_again[ITEMS];                 /* ...to the lane of reader 0 */
byte at_moving[ITEMS];                  /* the value that came_again gets
                                         * then */
byte acked[ITEMS];
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

#define HELD(p, n) held[(p) * ITEMS + (n)]

proctype reader(byte me) {
  byte end_, taker;
  bool mine;
  {
    do
    :: atomic { head_end == ITEMS -> break }
    :: atomic { head_end < ITEMS -> end_ = head_end; taker = head_taker };
       pending[me] = end_ + 1;
       atomic { taking[me] = end_ + 1; won[me] = false };
#ifndef NO_CONFIRM
       if
       :: taker != NOBODY && taker != me ->
          atomic { if :: taking[taker] == end_ -> won[taker] = true :: else fi }
       :: else
       fi;
#endif
       atomic {
         if
         :: head_end == end_ && head_taker == taker ->
            head_end = end_ + 1; head_taker = me; mine = true
         :: else -> mine = false
         fi
       };
       if
       :: mine ->
          atomic { counted[me] = end_ + 1; HELD(me, end_) = true };
          if
          :: atomic { true -> HELD(me, end_) = false; acked[end_]++ }
#ifdef KILL
          :: me == 0 && !over -> skip   /* the reader keeps the record until it
                                         * dies */
#endif
          fi
       :: else
       fi
    od;
    over = over || me == 0
  } MAY_DIE
}

/* Decides whether the record that reader 0 was taking is its own. */
inline decide() {
  atomic { t = taking[0]; is_won = won[0] };
  if
  :: t != NONE && pending[0] == t && counted[0] != t ->
     if
     :: is_won
     :: else ->
        atomic { is_won = (head_end == t && head_taker == 0) };
#ifndef NO_SECOND_LOOK
        if :: !is_won -> atomic { is_won = won[0] && taking[0] == t } :: else fi
#endif
     fi;
     if
     :: is_won -> atomic { counted[0] = t; HELD(0, t - 1) = true }
     :: else
     fi
  :: else
  fi
}

proctype heir(bool second) {
  byte t, n;
  bool is_won;
  {
#ifndef NO_DECIDE
    decide();
#endif
    n = 0;
    do
    :: n == ITEMS -> break
    :: n < ITEMS ->
       if
       :: HELD(0, n) ->
#ifndef NO_MOVING
          if
          :: moving[n] && came_again[n] == at_moving[n] -> skip
          :: else ->
             atomic { moving[n] = true; at_moving[n] = came_again[n] + 1 };
             came_again[n]++
          fi;
#else
          came_again[n]++;
#endif
          HELD(0, n) = false
       :: else
       fi;
       n++
    od
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

proctype judge() {
  byte n;
end:
  timeout;
  assert(head_end == ITEMS);
  do
  :: n < ITEMS ->
     /* or the record is still held, because its reader lives */
     assert(acked[n] + came_again[n] + (!dead && HELD(0, n)) == 1);
     n++
  :: else -> break
  od
}

init {
  atomic { run reader(0); run reader(1); run fates(); run judge() }
}

/*
 * Pins against reclaiming (runtime/region/pin.c): a reader locks the byte of a
 * change and then looks at the limit; a writer raises the limit and then looks
 * at the locks. A version that a pinned reader sees is never freed.
 *
 * Change s replaces version s - 1, which is retired at s. In this model a freed
 * version is never reused.
 *
 * Sizes: CHANGES 4; readers 2. NO_...: each macro removes a rule, see
 * checks.txt.
 */
#ifndef CHANGES
#define CHANGES 4
#endif
#define READERS 2

byte turn;                              /* the last finished change */
byte limit;
byte locks[CHANGES + 1];                /* kernel: number of shared locks on the
                                         * byte */
bool freed[CHANGES + 1];                /* version s: made by change s */

proctype reader()
{
  byte e;
again:
  e = turn;
  locks[e]++;
#ifndef NO_LOOK
  if
  :: limit > e -> locks[e]--; goto again
  :: else
  fi;
#endif
  /* The reader is pinned: version e exists as long as the lock is held. */
  assert(!freed[e]);
  assert(!freed[e]);
  locks[e]--
}

active proctype writer()
{
  byte end, m, at;
  do
  :: turn < CHANGES ->
     turn++;
     if
     :: skip ->
        /* reclaims versions that were retired up to `end` */
        end = turn;
#ifdef NO_RAISE_FIRST
#else
#ifndef NO_RAISE
        limit = end;
#endif
#endif
        /* The kernel reports the lowest conflicting lock. */
        atomic {
          m = 0;
          do
          :: m < end && locks[m] == 0 -> m++
          :: else -> break
          od
        }
#ifdef NO_RAISE_FIRST
        limit = end;
#endif
        at = 0;
        do
#ifdef ONE_TOO_MANY
        :: at <= m && at < end -> freed[at] = true; at++
#else
        :: at < m -> freed[at] = true; at++     /* version `at` was retired at
                                                 * change at + 1, which is <=
                                                 * m */
#endif
        :: else -> break
        od
     :: skip
     fi
  :: else -> break
  od
}

init
{
  byte i;
  atomic {
    do
    :: i < READERS -> run reader(); i++
    :: else -> break
    od
  }
}

/*
 * A topic: a publisher that overwrites messages while a subscriber reads them,
 * or waits for the subscriber (runtime/ring/topic_publish.c, topic_read.c).
 *
 * Message n is the number n, in two halves, in slot n % SIZE. A message that a
 * subscriber accepts must be whole. With BLOCK the subscriber takes a seat at
 * any moment, and loses no message that is published while it has the seat.
 *
 * Sizes: ITEMS 5, SIZE 2. BLOCK: publishers wait for subscribers with a seat.
 * NO_...: each macro removes a rule.
 */
#ifndef ITEMS
#define ITEMS 5
#endif
#ifndef SIZE
#define SIZE 2
#endif

byte tail, intent;
byte first[SIZE], second[SIZE];         /* halves of a message, + 1 */
bool seated;
byte cursor;                            /* the cursor as stored in the desk */

proctype publisher() {
  byte t, guard;                        /* `guard`: everything before it was
                                         * read when the publisher last
                                         * looked */
  do
  :: t == ITEMS -> break
  :: t < ITEMS ->
#ifdef BLOCK
     do
     :: t + 1 - guard <= SIZE -> break
     :: else ->
        /* looks at the seat again and, if necessary, waits until the subscriber
         * has read on */
        if
        :: atomic { !seated -> guard = t }
        :: atomic { seated && cursor > guard -> guard = cursor }
        fi
     od;
#endif
#ifndef NO_INTENT_FIRST
     intent = t + 1;
#endif
     first[t % SIZE] = t + 1;
     second[t % SIZE] = t + 1;
#ifdef NO_INTENT_FIRST
     intent = t + 1;
#endif
     tail = t + 1;
     t++
  od
}

proctype subscriber() {
  byte c, t, a, b, i, start;
#ifdef BLOCK
  c = tail;
  cursor = c;
#ifdef NO_SEAT_FIRST
  start = tail;
  seated = true;
#else
  seated = true;
  start = tail;
#endif
#endif
  do
  :: c == ITEMS -> break
  :: else ->
     tail != c;
     t = tail;
     if
     :: t - c > SIZE -> i = t
     :: else ->
        a = first[c % SIZE];
        b = second[c % SIZE];
        i = intent;
#ifdef NO_LOOK
        i = c;
#endif
     fi;
     if
     :: i > c && i - c > SIZE ->
        /* the subscriber was lapped */
#ifdef BLOCK
        assert(c < start);
#endif
        if
        :: c < start -> c = start
        :: else -> c = tail
        fi
     :: else ->
        assert(a == c + 1 && b == c + 1);
        c++
     fi;
     cursor = c
  od
}

proctype judge() {
end:
  timeout;
  assert(tail == ITEMS)
}

init {
  atomic { run publisher(); run subscriber(); run judge() }
}

/*
 * Reading a nest without a lock (runtime/table/lookup.c, nest.c): a record and
 * the blocks below it, which a writer replaces and reuses meanwhile.
 *
 * A nest has two parts, each in a block of its own. A change makes a new block
 * for one part, and a new record that leads to both parts; the other part is
 * shared with the previous record. The replaced record and block may be reused
 * at once. The slot of the key may move to another table, once. A reader reads
 * the record and both parts, and then decides whether they were the nest at one
 * moment.
 *
 * Sizes (macro, default): CHANGES 4; RECORDS 2; BLOCKS 3. NO_...: each macro
 * removes a rule, see checks.txt.
 */
#ifndef CHANGES
#define CHANGES 4
#endif
#ifndef RECORDS
#define RECORDS 2
#endif
#ifndef BLOCKS
#define BLOCKS 3
#endif

byte root;                              /* the table, 0 or 1 */
byte slot[2];                           /* the record of the key, from 1 */
byte id[RECORDS + 1];                   /* odd while the record is written */
byte version[RECORDS + 1];              /* for the assertions */
byte left[RECORDS + 1];                 /* the blocks it leads to */
byte right[RECORDS + 1];
bool record_used[RECORDS + 1];
byte value[BLOCKS + 1];
bool block_used[BLOCKS + 1];

byte lefts[CHANGES + 1];                /* the blocks of each version, for the
                                         * assertions */
byte rights[CHANGES + 1];
byte ids = 2;

/* Takes any free record. */
inline take_record(r) {
  if
  :: !record_used[1] -> r = 1
#if RECORDS > 1
  :: !record_used[2] -> r = 2
#endif
  fi;
  record_used[r] = true
}

inline take_block(b) {
  if
  :: !block_used[1] -> b = 1
  :: !block_used[2] -> b = 2
#if BLOCKS > 2
  :: !block_used[3] -> b = 3
#endif
  fi;
  block_used[b] = true
}

proctype writer()
{
  byte n = 1, old, now, block, gone;
  do
  :: n <= CHANGES ->
     /* Moves to a larger table, once. The contents of the old table stay as
      * they are. */
     if
     :: root == 0 -> slot[1] = slot[0]; root = 1
     :: skip
     fi;
     old = slot[root];
     atomic { take_block(block) }
     value[block] = n;
     atomic { take_record(now); ids = ids + 2; id[now] = ids + 1 }
     if
     :: left[now] = block; right[now] = right[old]; gone = left[old];
        atomic { lefts[n] = n; rights[n] = value[right[old]] }
     :: right[now] = block; left[now] = left[old]; gone = right[old];
        atomic { rights[n] = n; lefts[n] = value[left[old]] }
     fi;
     version[now] = n;
     id[now] = ids;
     slot[root] = now;
     /* Frees both separately, in any order, because different participants may
      * have made them. */
     if
     :: record_used[old] = false; block_used[gone] = false
     :: block_used[gone] = false; record_used[old] = false
     fi;
     n++
  :: else -> break
  od
}

proctype reader()
{
  byte t, r, i, v, l, k, x, y;
  bool same_slot, same_root, same_id;
  do
  :: t = root;
     r = slot[t];
     i = id[r];
     if
     :: i % 2 == 1 -> skip
     :: else ->
        atomic { v = version[r]; l = left[r]; k = right[r] }
        x = value[l];
        y = value[k];
        same_slot = true;
        same_root = true;
        same_id = true;
#ifdef NO_ORDER
        same_id = (id[r] == i);
        same_slot = (slot[t] == r);
        same_root = (root == t);
#else
#ifndef NO_SLOT
        same_slot = (slot[t] == r);
#endif
#ifndef NO_ROOT
        same_root = (root == t);
#endif
#ifndef NO_ID
        same_id = (id[r] == i);
#endif
#endif
        if
        :: same_slot && same_root && same_id ->
           assert(x == lefts[v] && y == rights[v]);
           break
        :: else
        fi
     fi
  od
}

init
{
  atomic {
    slot[0] = 1; id[1] = 2; left[1] = 1; right[1] = 2;
    record_used[1] = true; block_used[1] = true; block_used[2] = true;
    run writer();
    run reader()
  }
}

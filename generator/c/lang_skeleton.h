/*
 * The skeleton: a server and a client to start from, written once.
 *
 * It is the language C with other files: its templates see the same objects as
 * those of C, and also an object `start` (templates/README.md).
 * Threading: one thread at a time.
 */
#ifndef SHMRPC_GENERATOR_LANG_SKELETON_H
#define SHMRPC_GENERATOR_LANG_SKELETON_H

#include "generator/lang.h"

void gen_lang_make_skeleton(gen_lang *out);

#endif

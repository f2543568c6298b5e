/* Includes the real header, and replaces free(), so that accesses to freed
 * memory are detected. */
#ifndef TESTS_RELACY_SHIM_STDLIB_H
#define TESTS_RELACY_SHIM_STDLIB_H

#include_next <stdlib.h>

#include "engine.h"

#define free(at) engine_free(at)

#endif

/* The real one; what is freed is not touched any more. */
#ifndef TESTS_RELACY_SHIM_STDLIB_H
#define TESTS_RELACY_SHIM_STDLIB_H

#include_next <stdlib.h>

#include "engine.h"

#define free(at) engine_free(at)

#endif

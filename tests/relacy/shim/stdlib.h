/* The real header; freed memory must not be accessed any more. */
#ifndef TESTS_RELACY_SHIM_STDLIB_H
#define TESTS_RELACY_SHIM_STDLIB_H

#include_next <stdlib.h>

#include "engine.h"

#define free(at) engine_free(at)

#endif

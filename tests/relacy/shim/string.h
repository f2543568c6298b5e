/* Includes the real header, and replaces memcpy and the like, because the
 * compiler does not report their accesses. */
#ifndef TESTS_RELACY_SHIM_STRING_H
#define TESTS_RELACY_SHIM_STRING_H

#include_next <string.h>

#include "engine.h"

static inline void *engine_memcpy(void *to, const void *from, size_t bytes)
{
    engine_access(from, bytes, false);
    engine_access(to, bytes, true);
    return __builtin_memcpy(to, from, bytes);
}
#ifdef ENGINE_SHARES_BYTES
#define memcpy(to, from, bytes)                              \
    (engine_at(__FILE__, __LINE__, __func__, "memcpy", #to), \
     engine_copy(to, from, bytes))
#define memset(to, byte, bytes)                              \
    (engine_at(__FILE__, __LINE__, __func__, "memset", #to), \
     engine_fill(to, byte, bytes))
#else
#define memcpy(to, from, bytes)                              \
    (engine_at(__FILE__, __LINE__, __func__, "memcpy", #to), \
     engine_memcpy(to, from, bytes))
#endif

#endif

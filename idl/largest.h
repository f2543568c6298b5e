/*
 * The largest encoded size of a value, by the bounds of its type. Used by
 * objects in shared memory and by streams, which reserve room for their largest
 * item.
 *
 * Threading: pure functions.
 */
#ifndef IDL_LARGEST_H
#define IDL_LARGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "idl/schema.h"

/* Result for types without bounds, recursive types, and types that take more
 * than IDL_LARGEST_MAX. */
#define IDL_LARGEST_UNKNOWN UINT64_MAX
#define IDL_LARGEST_MAX     (UINT64_C(1) << 40)

/* No value of the type takes more bytes; most values take fewer. */
uint64_t idl_largest(const idl_type *type, idl_encoding encoding);

/*
 * The maximum item size of a queue or topic in bytes; 0 for other kinds. It is
 * the largest size of the type, but at most an eighth of `max_bytes` for a
 * queue and a sixteenth for a topic. Reason: a producer's memory takes two
 * items of this size, a publisher's takes four, and there must be room for
 * several producers or publishers. Without `max_bytes` the maximum is 16 MiB,
 * or 256 KiB if the type has no bounds.
 */
uint64_t idl_shared_max_item_bytes(const idl_shared *shared);

/* The type of the items sent to the server (`to_server`) or by it; NULL if
 * there is no stream in that direction. */
const idl_type *idl_stream_items(const idl_method *method, bool to_server);

/*
 * The number of bytes of that stream that may be in flight; 0 if there is no
 * such stream. It is the method's @window. Without @window it is 16 times the
 * largest item, but at least 64 KiB and at most 4 MiB. If the type has no
 * bounds it is 64 KiB, because the size of items is unknown and there may be
 * many idle streams.
 */
uint32_t idl_stream_window(const idl_method *method, bool to_server);

#endif

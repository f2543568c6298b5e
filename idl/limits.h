/*
 * All limits of the language. Exceeding one is refused with a diagnostic that
 * names the limit.
 */
#ifndef IDL_LIMITS_H
#define IDL_LIMITS_H

#include <stdint.h>

#define IDL_MAX_FILE_BYTES      (4u << 20)
#define IDL_MAX_FILES           256 /* of one schema, with all imports */
#define IDL_MAX_NAME_BYTES      128 /* of one identifier */
#define IDL_MAX_FULL_NAME_BYTES 255 /* with the package; sent with errors */
#define IDL_MAX_PATH_BYTES      512 /* of a dotted name as written */

/* The name under which a service is known on its machine: part of paths and
 * addresses, whose length the transports limit. */
#define IDL_MAX_SERVICE_NAME_BYTES 63

/* Entries on the parser's stack; each nested type takes two. */
#define IDL_PARSER_STACK 128

/* Number of errors that one list keeps; one more diagnostic says that there are
 * more. */
#define IDL_MAX_ERRORS 100

/* Maximum depth of chains of aliases, of constants, and of records held by
 * value. It also bounds the recursion of the passes. */
#define IDL_MAX_DEPTH 64

/* Fields of a record, items of an enum, reserved entries: such lists are
 * checked by comparing each entry with every other. */
#define IDL_MAX_MEMBERS 4096

/* Methods of a service: ids 1 to 65534, since two ids are built in. */
#define IDL_MAX_METHODS 65534

#define IDL_MAX_TAG          65535 /* of a field */
#define IDL_MAX_PARAM_TAG    255   /* of a parameter: JSON's array index + 1 */
#define IDL_MAX_ARRAY_LENGTH 65536

/* Scalars that a record or an array may hold by value, over all levels. */
#define IDL_MAX_FLAT_SCALARS (1u << 20)

/* Lengths of strings, bytes, lists and maps. */
#define IDL_MAX_LENGTH UINT32_MAX

/* Limits of the runtime for the memory of a shared object, the messages that a
 * topic keeps for late subscribers, and the changes that a dict keeps for
 * watchers. */
#define IDL_MIN_SHARED_BYTES (INT64_C(64) << 10)
#define IDL_MAX_SHARED_BYTES (INT64_C(1) << 40)
#define IDL_MAX_HISTORY      (INT64_C(1) << 20)
#define IDL_MAX_LOG          (INT64_C(1) << 24)

#define IDL_MIN_ERROR_NUMBER 100
#define IDL_MANAGER_PORT     5155 /* taken by the management page */
#define IDL_MAX_ATTEMPTS     10
/* @limit: the number of workers that one address can have. */
#define IDL_MAX_AT_ONCE    64
#define IDL_MAX_TIMEOUT_NS (INT64_C(24) * 3600 * 1000000000)

/* @window: bytes of a stream in flight in each direction. */
#define IDL_MIN_WINDOW_BYTES (UINT64_C(4) << 10)
#define IDL_MAX_WINDOW_BYTES (UINT64_C(64) << 20)

/* @http: the range of HTTP statuses with which an error may be answered. */
#define IDL_MIN_HTTP_ERROR 400u
#define IDL_MAX_HTTP_ERROR 599u

#endif

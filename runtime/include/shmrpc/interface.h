/*
 * Interfaces at run time: the tables of a service, read from its .svc text
 * without the generator and a C compiler.  For bindings of other languages,
 * gateways and tools; C programs that know their service use generated code
 * instead.
 *
 *     shmrpc_interface *echo;
 *     status = shmrpc_interface_ask("echo_serv", NULL, &echo, &error);
 *     const shmrpc_service *tables = shmrpc_interface_service(echo);
 *     status = shmrpc_stub_connect(tables, shmrpc_interface_where(echo), NULL,
 *                                  &client, &error);
 *     ...                                // shmrpc/stub.h, shmrpc/descriptor.h
 *     shmrpc_stub_close(client);
 *     shmrpc_interface_release(echo);
 *
 * These functions are in the library libshmrpc-svc (pkg-config shmrpc-svc,
 * CMake shmrpc::svc), which uses libshmrpc.
 *
 * What a server says of itself is untrusted input: a text of up to 16 MiB is
 * read with at most 256 MiB of memory, imports nothing and opens no file; an
 * error in it is INVALID.  Offsets and sizes in the tables are those of the
 * structs that generated C would have, so that a value can be built and read
 * field by field.
 *
 * Threading: read and ask: any thread, unless another one changes the locale
 * or, for ask, the environment; an interface is constant data.
 */
#ifndef SHMRPC_INTERFACE_H
#define SHMRPC_INTERFACE_H

#include <stddef.h>

#include "shmrpc/descriptor.h"
#include "shmrpc/error.h"
#include "shmrpc/options.h"
#include "shmrpc/platform.h"
#include "shmrpc/status.h"

SHMRPC_BEGIN_DECLS

/* A service as its .svc describes it. */
typedef struct shmrpc_interface shmrpc_interface;

/* The longest text of a .svc that is read, in bytes. */
#define SHMRPC_INTERFACE_MAX_TEXT_BYTES ((size_t)16 << 20)

/*
 * Reads a .svc: `len` bytes at `text`, which may be freed afterwards. Like the
 * canonical text of a service, it must hold one service and every type that
 * this uses: an import is an error. `*out` is the caller's, to be released.
 * INVALID: the error's path is "line:column", and its message says what is
 * wrong there first; TOO_LARGE: the text, or a type of more than 16 MiB;
 * NO_MEMORY.
 */
SHMRPC_API shmrpc_status
shmrpc_interface_read(const char *text, size_t len, shmrpc_interface **out,
                      shmrpc_error *error) SHMRPC_WARN_UNUSED;

/*
 * Finds a service, asks it for its .svc, and reads that. `name` is what `shmrpc
 * call` takes, except for sections of a manager: "echo_serv", "echo_serv@two",
 * "echo_serv:5555" when services of one name have several ports, or addresses:
 * "shm://echo_serv@two,tcp://host:5555". Ports of places in shared memory are
 * found by discovery. Blocks until the deadline in `opts` (NULL: 5 s); with
 * SHMRPC_OPT_WAIT_FOR_READY it waits for a service that isn't running yet, and
 * looks for it every 50 ms. `*out` is the caller's, to be released. NOT_FOUND:
 * there is no such service, the message may suggest another; INVALID: the name
 * is malformed or ambiguous, or the service's .svc has an error; statuses of
 * shmrpc_discover() and shmrpc_describe().
 */
SHMRPC_API shmrpc_status shmrpc_interface_ask(
    const char *name, const shmrpc_opts *opts, shmrpc_interface **out,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* The service's tables. They live as long as the interface. After ask, the port
 * is the one where the service was found. */
SHMRPC_API const shmrpc_service *
shmrpc_interface_service(const shmrpc_interface *interface);

/* The addresses of the service, for shmrpc_stub_connect(), after ask; after
 * read NULL. Lives as long as the interface. */
SHMRPC_API const char *
shmrpc_interface_where(const shmrpc_interface *interface);

/* Frees the interface and its tables; no client, server, call or reply may use
 * them any more. NULL is fine. */
SHMRPC_API void shmrpc_interface_release(shmrpc_interface *interface);

SHMRPC_END_DECLS

#endif

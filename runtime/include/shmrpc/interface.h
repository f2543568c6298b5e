/*
 * Interfaces at run time: the tables of a service, read from its .svc text
 * without the generator and a C compiler. For bindings of other languages,
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
 * The text that a server sends is untrusted input: reading a text of up to 16
 * MiB takes at most 256 MiB of memory, follows no import and opens no file; a
 * text with an error is INVALID. Offsets and sizes in the tables are those of
 * the structs that generated C would have, so that a value can be built and
 * read field by field.
 *
 * Threading: read and ask may be called from any thread, as long as no other
 * thread changes the locale or, for ask, the environment. An interface is
 * constant data.
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

/* The longest .svc text that is read, in bytes. */
#define SHMRPC_INTERFACE_MAX_TEXT_BYTES ((size_t)16 << 20)

/*
 * Reads the text of a .svc: `len` bytes at `text`, which may be freed
 * afterwards. Like the canonical text of a service, it must hold one service
 * and every type that the service uses: an import is an error. The caller
 * releases `*out`. Returns INVALID if the text has errors (the error's path is
 * "line:column" of the first one, its message says what is wrong), TOO_LARGE if
 * the text or one of its types has more than 16 MiB, or NO_MEMORY.
 */
SHMRPC_API shmrpc_status
shmrpc_interface_read(const char *text, size_t len, shmrpc_interface **out,
                      shmrpc_error *error) SHMRPC_WARN_UNUSED;

/*
 * Finds a service, asks it for its .svc, and reads that. `name` is what `shmrpc
 * call` takes, except for sections of a manager: "echo_serv", "echo_serv@two",
 * "echo_serv:5555" (needed if services of one name have several ports), or
 * addresses, "shm://echo_serv@two,tcp://host:5555". Ports of services in shared
 * memory are found by discovery. Blocks until the deadline in `opts` (NULL: 5
 * s); with SHMRPC_OPT_WAIT_FOR_READY it waits for a service that isn't running
 * yet, and looks for it every 50 ms. The caller releases `*out`. Returns
 * NOT_FOUND if there is no such service (the message may suggest another),
 * INVALID if the name is malformed or ambiguous, or if the service's .svc has
 * an error, else a status of shmrpc_discover() or shmrpc_describe().
 */
SHMRPC_API shmrpc_status shmrpc_interface_ask(
    const char *name, const shmrpc_opts *opts, shmrpc_interface **out,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Returns the service's tables, which live as long as the interface. After ask,
 * the port in them is the one where the service was found. */
SHMRPC_API const shmrpc_service *
shmrpc_interface_service(const shmrpc_interface *interface);

/* Returns the addresses of the service, for shmrpc_stub_connect(), after ask;
 * NULL after read. They live as long as the interface. */
SHMRPC_API const char *
shmrpc_interface_where(const shmrpc_interface *interface);

/* Frees the interface and its tables; no client, server, call or reply may use
 * them any more. NULL is fine. */
SHMRPC_API void shmrpc_interface_release(shmrpc_interface *interface);

SHMRPC_END_DECLS

#endif

/* Gets the interface of a service at run time. The service's answer is
 * untrusted input, and is checked like text that a user wrote. */
#include "tools/shmrpc/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "os/clock.h"
#include "shmrpc/discover.h"
#include "svc/interface.h"
#include "tools/shmrpc/managed.h"

/* The most memory that a service's text and its tables may take. */
#define SERVICE_ARENA_BYTES ((size_t)256 << 20)

/* Timeout for completion, where the user waits. */
#define PEEK_TIMEOUT_NS INT64_C(3000000000)

/* Prints a message that is a complete sentence already. */
static cli_exit fail_text(cli_exit status, const char *text)
{
    fprintf(stderr, "shmrpc: %s\n", text);
    return status;
}

/* The name may also be a section of a manager (managed.h). */
static cli_exit find(cli_service *s, const char *service, const char *at,
                     shmrpci_buf *message)
{
    return cli_exit_of_open(
        cli_find(&s->arena, service, at, &s->target, message));
}

/* Asks the service for its .svc, and copies the answer into the arena, which
 * frees everything of the service at once. */
static int ask(cli_service *s, int64_t timeout_ns, shmrpc_error *error)
{
    const shmrpc_opts opts = {.timeout_ns = timeout_ns};
    char *text;
    size_t len;
    int64_t begin_ns = shmrpci_now_ns();
    int status = shmrpc_describe(s->target.where, s->target.port, &opts, &text,
                                 &len, error);
    s->answer_ns = shmrpci_now_ns() - begin_ns;
    if (status != SHMRPC_OK) {
        return status;
    }
    s->text = shmrpci_arena_strndup(&s->arena, text, len);
    s->text_len = len;
    free(text);
    return s->text != NULL
               ? SHMRPC_OK
               : shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
}

/* Parses the description; errors in it go to `message`, with the compiler's own
 * messages and their positions, which help the author of the service's .svc. */
static cli_exit read_text(cli_service *s, shmrpci_buf *message)
{
    shmrpc_error error;
    int status = svc_interface_read(s->target.where, s->text, s->text_len,
                                    &s->interface, message, &error);
    if (status == SHMRPC_OK) {
        status = svc_interface_set_target(s->interface, &s->target);
    }
    if (status == SHMRPC_OK) {
        s->tables = shmrpc_interface_service(s->interface);
        return CLI_OK;
    }
    bool is_shown = message->len > 0;
    shmrpci_buf_printf(message,
                       "the interface of %s can't be read by this version of "
                       "shmrpc%s%s",
                       s->target.where, is_shown ? "" : ": ",
                       is_shown ? "" : error.message);
    return status == SHMRPC_E_NO_MEMORY ? CLI_TROUBLE : CLI_ABSENT;
}

/* Sets `s` first, so that close works after any failure. */
static cli_exit open_service(cli_service *s, const char *service,
                             const char *at, int64_t timeout_ns,
                             shmrpci_buf *message)
{
    shmrpc_error error;
    *s = (cli_service){.client = NULL};
    shmrpci_arena_init(&s->arena, SERVICE_ARENA_BYTES);
    cli_exit result = find(s, service, at, message);
    if (result != CLI_OK) {
        return result;
    }
    int status = ask(s, timeout_ns, &error);
    if (status != SHMRPC_OK) {
        shmrpci_buf_printf(message, "%s", error.message);
        return cli_exit_of_open(status);
    }
    return read_text(s, message);
}

/* A timeout of 0 means the library's default. */
cli_exit cli_service_open(cli_service *s, const char *service, const char *at)
{
    shmrpci_buf message;
    shmrpci_buf_init_heap(&message);
    cli_exit result = open_service(s, service, at, 0, &message);
    if (result != CLI_OK) {
        (void)cli_fail(result, &message);
    }
    shmrpci_buf_fini(&message);
    return result;
}

/* Drops the message: completion prints nothing. */
bool cli_service_peek(cli_service *s, const char *service, const char *at)
{
    shmrpci_buf message;
    shmrpci_buf_init_heap(&message);
    cli_exit result = open_service(s, service, at, PEEK_TIMEOUT_NS, &message);
    shmrpci_buf_fini(&message);
    return result == CLI_OK;
}

/* No name is looked up, since the place is known. */
int cli_service_probe(cli_service *s, const svc_place *place)
{
    shmrpci_buf message;
    shmrpc_error error;
    *s = (cli_service){.target = {place->address, place->port}};
    shmrpci_arena_init(&s->arena, SERVICE_ARENA_BYTES);
    int status = ask(s, 0, &error);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_buf_init_heap(&message);
    bool good = read_text(s, &message) == CLI_OK;
    shmrpci_buf_fini(&message);
    return good ? SHMRPC_OK : SHMRPC_E_INVALID;
}

/* Connects with the tables that were just read. If the contract differs now,
 * the service was replaced meanwhile. */
cli_exit cli_service_connect(cli_service *s)
{
    shmrpc_error error;
    int status = shmrpc_stub_connect(s->tables, s->target.where, NULL,
                                     &s->client, &error);
    return status == SHMRPC_OK
               ? CLI_OK
               : fail_text(status == SHMRPC_E_NO_MEMORY ? CLI_TROUBLE
                                                        : CLI_ABSENT,
                           error.message);
}

/* If no name is similar, the message says how to list all of them. */
static cli_exit unknown_method(const cli_service *s, const char *name)
{
    shmrpci_buf message;
    shmrpci_buf_init_heap(&message);
    shmrpci_nearest search = {.wanted = name};
    for (uint32_t i = 0; i < s->tables->method_count; i++) {
        shmrpci_nearest_offer(&search, s->tables->methods[i].name);
    }
    shmrpci_buf_printf(&message, "%s has no method `%s`", s->tables->name,
                       name);
    if (search.best != NULL) {
        shmrpci_buf_printf(&message, "; did you mean `%s`?", search.best);
    } else {
        shmrpci_buf_printf(&message,
                           " (`shmrpc describe %s` lists its methods)",
                           s->tables->name);
    }
    (void)cli_fail(CLI_USAGE, &message);
    shmrpci_buf_fini(&message);
    return CLI_USAGE;
}

/* The index refers to this service's own table, which the connection uses. */
cli_exit cli_service_method(const cli_service *s, const char *name,
                            uint32_t *out)
{
    for (uint32_t i = 0; i < s->tables->method_count; i++) {
        if (strcmp(s->tables->methods[i].name, name) == 0) {
            *out = i;
            return CLI_OK;
        }
    }
    return unknown_method(s, name);
}

/* Closes the client first, because its calls use the tables. */
void cli_service_close(cli_service *s)
{
    shmrpc_stub_close(s->client);
    shmrpc_interface_release(s->interface);
    shmrpci_arena_fini(&s->arena);
}

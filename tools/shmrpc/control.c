/* The manager, as a client sees it. */
#include "tools/shmrpc/control.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "codec/codec.h"
#include "manager_client.h" /* generated */
#include "os/clock.h"

/* Takes the options that the commands for the manager share. A command checks
 * for its own options before it calls this. */
cli_exit cli_control_take(cli_control *control, int option)
{
    switch (option) {
    case 'i':
        control->instance = optarg;
        return CLI_OK;
    case 'j':
        control->json = true;
        return CLI_OK;
    default:
        return CLI_USAGE;
    }
}

/* UNAVAILABLE has its own message, because users without a manager may not know
 * that they need one. */
cli_exit cli_control_open(const cli_control *line, manager_control **out)
{
    char where[128] = "shm://";
    shmrpc_error error;
    const shmrpc_opts opts = {.timeout_ns = 5 * SHMRPCI_NS_PER_S};
    if (line->instance != NULL) {
        (void)snprintf(where, sizeof where, "shm://@%.100s", line->instance);
    }
    int status = manager_control_connect(where, &opts, out, &error);
    if (status == SHMRPC_E_UNAVAILABLE) {
        fprintf(
            stderr,
            "shmrpc: no manager runs here (`shmrpcd FILE` starts one): %s\n",
            error.message);
        return CLI_ABSENT;
    }
    return status == SHMRPC_OK
               ? CLI_OK
               : cli_fail_error(cli_exit_of_call(status), NULL, &error);
}

/* Declared errors have messages for people; their names would add nothing. */
cli_exit cli_control_failed(int status, const shmrpc_error *error)
{
    if (status == MANAGER_ERR_NO_SERVICE || status == MANAGER_ERR_NOT_READY ||
        status == MANAGER_ERR_NOT_SCALABLE) {
        fprintf(stderr, "shmrpc: %s\n", error->message);
        return status == MANAGER_ERR_NO_SERVICE ? CLI_ABSENT : CLI_REFUSED;
    }
    return cli_fail_error(cli_exit_of_call(status), NULL, error);
}

/* A failure is recorded in the buffer, which the caller checks once, at the
 * end. */
void cli_control_append(shmrpci_buf *out, const shmrpc_type *type,
                        const void *value)
{
    shmrpc_error error;
    int status = shmrpci_codec_of(SHMRPC_ENCODING_JSON)
                     ->encode(type, value, "", out, &error);
    if (status != SHMRPC_OK) {
        shmrpci_buf_fail(out, (shmrpc_status)status);
    }
}

/* A newer manager may have states that we don't know: "?". */
const char *cli_state_name(unsigned state)
{
    static const char *const names[] = {"stopped",  "waiting",  "starting",
                                        "running",  "stopping", "backoff",
                                        "draining", "crashed"};
    return state < sizeof names / sizeof *names ? names[state] : "?";
}

/* Prints one unit only, and changes to the next larger one at twice its size:
 * "119 s", then "2 min". */
void cli_age(int64_t since_unix_ms, char out[32])
{
    struct timespec now;
    (void)timespec_get(&now, TIME_UTC);
    long long seconds = (long long)now.tv_sec - since_unix_ms / 1000;
    if (seconds < 0) {
        seconds = 0; /* somebody has set the clock back */
    }
    if (seconds < 120) {
        (void)snprintf(out, 32, "%lld s", seconds);
    } else if (seconds < 7200) {
        (void)snprintf(out, 32, "%lld min", seconds / 60);
    } else if (seconds < 172800) {
        (void)snprintf(out, 32, "%lld h", seconds / 3600);
    } else {
        (void)snprintf(out, 32, "%lld d", seconds / 86400);
    }
}

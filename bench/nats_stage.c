/* Starting a nats-server and gateways. */
#include "nats_stage.h"

#include <stdio.h>
#include <unistd.h>

void nats_stage_begin(nats_stage *stage, bool stores)
{
    if (!(stores ? nats_server_start_storing(&stage->server)
                 : nats_server_start(&stage->server, 0))) {
        bench_fail(BENCH_NOT_INSTALLED "nats-server");
    }
    snprintf(stage->address, sizeof stage->address, "nats://127.0.0.1:%u",
             (unsigned)stage->server.port);
}

void nats_stage_end(nats_stage *stage)
{
    nats_server_end(&stage->server);
}

/* The gateway's output is dropped: Debian's old nats-server would make it log a
 * warning in each round. */
pid_t nats_stage_gateway(const nats_stage *stage, const char *service)
{
    const pid_t pid = bench_fork();
    if (pid == 0) {
        if (freopen("/dev/null", "w", stdout) != NULL &&
            freopen("/dev/null", "w", stderr) != NULL) {
            execl(BENCH_NATS, BENCH_NATS, "--force-insecure-serialisation",
                  "--servers", stage->address, service, (char *)NULL);
        }
        _exit(127);
    }
    return pid;
}

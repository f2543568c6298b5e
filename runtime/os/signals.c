/* signalfd. */
#include "os/signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "os/fault.h"

shmrpc_status shmrpci_signals_open(int *out_fd)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    sigset_t set;
    (void)sigemptyset(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        (void)sigaddset(&set, numbers[i]);
    }
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        return shmrpci_status_of_last();
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    *out_fd = fd;
    return SHMRPC_OK;
}

bool shmrpci_signals_next(int fd, shmrpci_signal *out)
{
    struct signalfd_siginfo info;
    ssize_t got;
    do {
        got = read(fd, &info, sizeof info);
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof info) {
        return false;
    }
    *out = info.ssi_signo == SIGCHLD  ? SHMRPCI_SIGNAL_CHILD
           : info.ssi_signo == SIGHUP ? SHMRPCI_SIGNAL_RELOAD
                                      : SHMRPCI_SIGNAL_STOP;
    return true;
}

void shmrpci_signals_catch_stop(void (*handler)(int number))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

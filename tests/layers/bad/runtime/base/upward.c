#include "base/upward.h"

#include <errno.h>
#include <unistd.h>

#include "os/clock.h"
#include "shmrpc/error.h"
#include "shmrpc/server.h"

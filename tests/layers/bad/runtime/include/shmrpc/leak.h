#ifndef SHMRPC_LEAK_H
#define SHMRPC_LEAK_H

#include "base/buf.h"
#include "shmrpc/status.h"

#endif

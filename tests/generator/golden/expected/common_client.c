/* Clients of common.svc, made by shmrpcgen: edit that file instead. */
#include "common_client.h"

#include <shmrpc/stub.h>
#include <string.h>

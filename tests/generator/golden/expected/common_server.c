/* Servers of common.svc, made by shmrpcgen: edit that file instead. */
#include "common_server.h"

#include <shmrpc/stub.h>
#include <stdio.h>
#include <string.h>

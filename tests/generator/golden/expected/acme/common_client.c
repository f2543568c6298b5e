/* Clients of acme/common.svc, made by shmrpcgen: edit that file instead. */
#include "common_client.h"

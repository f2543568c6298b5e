/* Clients of jobs.svc, made by shmrpcgen: edit that file instead. */
#include "jobs_client.h"

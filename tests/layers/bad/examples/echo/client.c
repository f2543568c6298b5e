#include <shmrpc/error.h>
#include <stdio.h>
#include <sys/wait.h>

#include "echo_client.h"
#include "idl/schema.h"
#include <sqlite3.h>

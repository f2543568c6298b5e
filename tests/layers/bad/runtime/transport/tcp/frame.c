#include "transport/tcp/frame.h"
#include "os/socket.h"
#include "transport/shm/slot.h"
#include "transport/transport.h"

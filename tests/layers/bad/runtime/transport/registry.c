#include "codec/codec.h"
#include "transport/shm/shm.h"
#include "transport/transport.h"

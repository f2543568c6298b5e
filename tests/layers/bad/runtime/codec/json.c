#include "codec/codec.h"
#include "os/clock.h"
#include "shmrpc/types.h"
#include <msgpack.h>

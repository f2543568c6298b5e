#include <openssl/ssl.h>
#include <sys/socket.h>

#include "base/buf.h"

#include "../base/buf.h"
#include <openssl/ssl.h>
#include <sys/socket.h>

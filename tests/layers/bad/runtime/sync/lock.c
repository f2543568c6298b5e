#include <linux/futex.h>

#include "observe/counter.h"
#include "os/futex.h"

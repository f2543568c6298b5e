%include {
#include "os/clock.h"
#include "grammar.h"
}

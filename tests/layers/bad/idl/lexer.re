#include "base/buf.h"
#include "generator/model.h"
#include "idl/source.h"

/*
 * Seal: the last pass, which computes canonical texts and hashes of a valid
 * schema. Threading: one thread at a time.
 */
#ifndef IDL_SEAL_H
#define IDL_SEAL_H

#include "idl/resolve.h"

/* Fills in signature, text and hash of every method and service. */
void idl_seal(const idl_resolved *resolved, idl_memory *memory);

#endif

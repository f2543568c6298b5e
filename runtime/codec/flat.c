/* Which types have that form. */
#include "codec/flat.h"

#include "codec/engines.h"
#include "codec/native.h"

static shmrpci_flat form_of(const shmrpc_type *type, bool is_pointed)
{
    uint64_t bytes = (uint64_t)shmrpci_native_start(type) + type->native_size;
    if (bytes > SHMRPCI_FLAT_MAX_BYTES) {
        return (shmrpci_flat){.bytes = 0};
    }
    return (shmrpci_flat){.bytes = (uint32_t)bytes,
                          .start = (uint16_t)shmrpci_native_start(type),
                          .is_pointed = is_pointed};
}

shmrpci_flat shmrpci_flat_of(const shmrpci_codec *codec,
                             const shmrpc_type *type)
{
    if (type != NULL && codec == &shmrpci_codec_native) {
        const shmrpc_field *only = shmrpci_native_flat_param(type);
        if (only != NULL && only->offset == 0) {
            return form_of(only->type, true);
        }
        if (shmrpci_native_is_flat(type)) {
            return form_of(type, false);
        }
    }
    return (shmrpci_flat){.bytes = 0};
}

/* Decides which types have the form of flat.h: native types that are one block
 * of plain numbers. The answer is stored with each method and each shared
 * object, so that a call need not look at the type's tables. */
#include "codec/flat.h"

#include "codec/engines.h"
#include "codec/native.h"

/* Returns the form of `type`, or none if it has more than `most` bytes. Larger
 * values are left to the codec: copying one takes so long that walking the
 * type's table adds little. */
static shmrpci_flat form_of(const shmrpc_type *type, bool is_pointed,
                            uint64_t most)
{
    uint64_t bytes = (uint64_t)shmrpci_native_start(type) + type->native_size;
    if (bytes > most) {
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
        /* flat_value expects the pointer at the start of the parameters. */
        if (only != NULL && only->offset == 0) {
            return form_of(only->type, true, SHMRPCI_FLAT_MAX_BYTES);
        }
        if (shmrpci_native_is_flat(type)) {
            return form_of(type, false, SHMRPCI_FLAT_MAX_BYTES);
        }
    }
    return (shmrpci_flat){.bytes = 0};
}

shmrpci_flat shmrpci_flat_item(const shmrpci_codec *codec,
                               const shmrpc_type *type)
{
    bool is_flat = type != NULL && codec == &shmrpci_codec_native &&
                   (type->flags & SHMRPC_TYPE_FLAT) != 0;
    return is_flat ? form_of(type, false, UINT32_MAX)
                   : (shmrpci_flat){.bytes = 0};
}

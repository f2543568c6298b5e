/* The registry of codecs: a switch, because the encodings are a closed set
 * whose numbers are part of the protocol. Numbers come from descriptors and
 * from peers, so an unknown number is not a bug: it returns NULL. */
#include "codec/codec.h"

#include "codec/engines.h"

const shmrpci_codec *shmrpci_codec_of(uint32_t encoding)
{
    switch (encoding) {
    case SHMRPC_ENCODING_RAW:
        return &shmrpci_codec_raw;
    case SHMRPC_ENCODING_JSON:
        return &shmrpci_codec_json;
    case SHMRPC_ENCODING_MSGPACK:
        return &shmrpci_codec_msgpack;
    case SHMRPC_ENCODING_NATIVE:
        return &shmrpci_codec_native;
    default:
        return NULL;
    }
}

const shmrpci_codec *shmrpci_codec_numbered(const shmrpci_codec *codec)
{
    return codec == &shmrpci_codec_json ? &shmrpci_codec_json_numbered : codec;
}

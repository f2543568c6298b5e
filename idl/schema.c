/* Names of the schema's enumerations. */
#include "idl/schema.h"

const char *idl_kind_name(idl_kind kind)
{
    static const char *const names[] = {
#define IDL_X(name, word) [IDL_##name] = word,
        IDL_KIND_LIST(IDL_X)
#undef IDL_X
    };
    return names[kind];
}

const char *idl_shared_kind_name(idl_shared_kind kind)
{
    static const char *const words[] = {
#define IDL_X(name, word) word,
        IDL_SHARED_LIST(IDL_X)
#undef IDL_X
    };
    return words[kind];
}

const char *idl_encoding_name(idl_encoding encoding)
{
    static const char *const names[] = {
#define IDL_X(name, word) [IDL_ENCODING_##name] = word,
        IDL_ENCODING_LIST(IDL_X)
#undef IDL_X
    };
    return names[encoding];
}

/* Prints a value of type `any` by walking its tree. */
#include "print.h"

#include <inttypes.h>
#include <stdio.h>

static void print_list(shmrpc_any_list list)
{
    putchar('[');
    for (size_t i = 0; i < list.len; i++) {
        printf("%s", i > 0 ? ", " : "");
        print_any(&list.ptr[i]);
    }
    putchar(']');
}

static void print_map(shmrpc_any_map map)
{
    putchar('{');
    for (size_t i = 0; i < map.len; i++) {
        printf("%s", i > 0 ? ", " : "");
        print_any(&map.ptr[i].key);
        printf(": ");
        print_any(&map.ptr[i].value);
    }
    putchar('}');
}

static void print_bytes(shmrpc_bytes bytes)
{
    printf("<%zu bytes:", bytes.len);
    for (size_t i = 0; i < bytes.len; i++) {
        printf(" %02x", bytes.ptr[i]);
    }
    putchar('>');
}

void print_any(const shmrpc_any *value)
{
    switch (value->kind) {
    case SHMRPC_ANY_NULL:
        printf("null");
        break;
    case SHMRPC_ANY_BOOL:
        printf("%s", value->u.b ? "true" : "false");
        break;
    case SHMRPC_ANY_I64:
        printf("%" PRId64, value->u.i64);
        break;
    case SHMRPC_ANY_U64:
        printf("%" PRIu64, value->u.u64);
        break;
    case SHMRPC_ANY_F64:
        printf("%g", value->u.f64);
        break;
    case SHMRPC_ANY_F32:
        printf("%g", (double)value->u.f32);
        break;
    case SHMRPC_ANY_STR:
        printf("\"%.*s\"", (int)value->u.str.len, value->u.str.ptr);
        break;
    case SHMRPC_ANY_BYTES:
    case SHMRPC_ANY_EXT:
        print_bytes(value->u.bytes);
        break;
    case SHMRPC_ANY_LIST:
        print_list(value->u.list);
        break;
    case SHMRPC_ANY_MAP:
        print_map(value->u.map);
        break;
    }
}

/*
 * Compiler details that the public headers share: linkage, visibility, and the
 * attributes that make misuse a warning. Programs don't use these macros
 * themselves.
 */
#ifndef SHMRPC_PLATFORM_H
#define SHMRPC_PLATFORM_H

#ifdef __cplusplus
#define SHMRPC_BEGIN_DECLS extern "C" {
#define SHMRPC_END_DECLS   }
#else
#define SHMRPC_BEGIN_DECLS
#define SHMRPC_END_DECLS
#endif

#if defined(__GNUC__)
#define SHMRPC_API               __attribute__((visibility("default")))
#define SHMRPC_WARN_UNUSED       __attribute__((warn_unused_result))
#define SHMRPC_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define SHMRPC_API
#define SHMRPC_WARN_UNUSED
#define SHMRPC_PRINTF(fmt, args)
#endif

#endif

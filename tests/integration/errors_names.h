/*
 * The errors of errors.svc that are named like Python's exceptions, in the
 * order of the .svc: X(C name, name). Their numbers begin at 1001.
 */
#ifndef SHMRPC_TESTS_INTEGRATION_ERRORS_NAMES_H
#define SHMRPC_TESTS_INTEGRATION_ERRORS_NAMES_H

#define ERRORS_NAMES(X)                                         \
    X(arithmetic_error, "ArithmeticError")                      \
    X(assertion_error, "AssertionError")                        \
    X(attribute_error, "AttributeError")                        \
    X(blocking_io_error, "BlockingIOError")                     \
    X(broken_pipe_error, "BrokenPipeError")                     \
    X(buffer_error, "BufferError")                              \
    X(bytes_warning, "BytesWarning")                            \
    X(child_process_error, "ChildProcessError")                 \
    X(connection_aborted_error, "ConnectionAbortedError")       \
    X(connection_error, "ConnectionError")                      \
    X(connection_refused_error, "ConnectionRefusedError")       \
    X(connection_reset_error, "ConnectionResetError")           \
    X(deprecation_warning, "DeprecationWarning")                \
    X(eof_error, "EOFError")                                    \
    X(exception, "Exception")                                   \
    X(file_exists_error, "FileExistsError")                     \
    X(file_not_found_error, "FileNotFoundError")                \
    X(floating_point_error, "FloatingPointError")               \
    X(future_warning, "FutureWarning")                          \
    X(generator_exit, "GeneratorExit")                          \
    X(import_error, "ImportError")                              \
    X(import_warning, "ImportWarning")                          \
    X(indentation_error, "IndentationError")                    \
    X(index_error, "IndexError")                                \
    X(interrupted_error, "InterruptedError")                    \
    X(is_a_directory_error, "IsADirectoryError")                \
    X(key_error, "KeyError")                                    \
    X(keyboard_interrupt, "KeyboardInterrupt")                  \
    X(lookup_error, "LookupError")                              \
    X(memory_error, "MemoryError")                              \
    X(module_not_found_error, "ModuleNotFoundError")            \
    X(name_error, "NameError")                                  \
    X(not_a_directory_error, "NotADirectoryError")              \
    X(not_implemented_error, "NotImplementedError")             \
    X(os_error, "OSError")                                      \
    X(overflow_error, "OverflowError")                          \
    X(pending_deprecation_warning, "PendingDeprecationWarning") \
    X(permission_error, "PermissionError")                      \
    X(process_lookup_error, "ProcessLookupError")               \
    X(recursion_error, "RecursionError")                        \
    X(reference_error, "ReferenceError")                        \
    X(resource_warning, "ResourceWarning")                      \
    X(runtime_error, "RuntimeError")                            \
    X(runtime_warning, "RuntimeWarning")                        \
    X(stop_async_iteration, "StopAsyncIteration")               \
    X(stop_iteration, "StopIteration")                          \
    X(syntax_error, "SyntaxError")                              \
    X(syntax_warning, "SyntaxWarning")                          \
    X(system_error, "SystemError")                              \
    X(system_exit, "SystemExit")                                \
    X(tab_error, "TabError")                                    \
    X(timeout_error, "TimeoutError")                            \
    X(type_error, "TypeError")                                  \
    X(unbound_local_error, "UnboundLocalError")                 \
    X(unicode_decode_error, "UnicodeDecodeError")               \
    X(unicode_encode_error, "UnicodeEncodeError")               \
    X(unicode_error, "UnicodeError")                            \
    X(unicode_translate_error, "UnicodeTranslateError")         \
    X(unicode_warning, "UnicodeWarning")                        \
    X(user_warning, "UserWarning")                              \
    X(value_error, "ValueError")                                \
    X(warning, "Warning")                                       \
    X(zero_division_error, "ZeroDivisionError")

#define ERRORS_NAMES_FIRST 1001

#endif

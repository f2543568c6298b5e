/* Installs a filter of system calls (seccomp) that refuses the calls of a
 * list. */
#include "tools/common/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
/* System calls from this number on belong to the x32 ABI, which has other
 * numbers for the same calls. All of them are refused. */
#define FOREIGN_NUMBERS 0x40000000u
#elif defined(__aarch64__)
#define ARCHITECTURE    AUDIT_ARCH_AARCH64
#define FOREIGN_NUMBERS UINT32_MAX
#endif

/* The list says what is refused, not what is allowed, because the C library's
 * own calls differ between its versions. */
static const uint16_t refused[] = {
#if defined(__x86_64__)
    SYS_open,
    SYS_creat,
    SYS_rename,
    SYS_link,
    SYS_symlink,
    SYS_mkdir,
    SYS_rmdir,
    SYS_mknod,
    SYS_chmod,
    SYS_chown,
    SYS_lchown,
    SYS_renameat,
#endif
    SYS_execve,
    SYS_execveat,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_openat2,
    SYS_open_by_handle_at,
    SYS_renameat2,
    SYS_linkat,
    SYS_symlinkat,
    SYS_mkdirat,
    SYS_mknodat,
    SYS_fchmodat,
    SYS_fchownat,
    SYS_fchown,
    SYS_truncate,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_unshare,
    SYS_setns,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_reboot,
    SYS_swapon,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_io_uring_setup,
    SYS_setuid,
    SYS_setgid,
    SYS_setreuid,
    SYS_setregid,
    SYS_setresuid,
    SYS_setresgid,
    SYS_setgroups,
};

enum { REFUSED = sizeof refused / sizeof *refused };

#define LOAD(field)                    \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, \
             (uint32_t)offsetof(struct seccomp_data, field))
#define RETURN(what)   BPF_STMT(BPF_RET | BPF_K, (what))
#define REFUSE         RETURN(SECCOMP_RET_ERRNO | (uint32_t)EPERM)
#define FLAGS_ARGUMENT 2 /* index of the flags among openat's arguments */

/* The program of the filter:
 *     wrong architecture           end the process
 *     foreign number               refuse
 *     openat without O_DIRECTORY   refuse
 *     a call of the list           refuse
 *     any other call               allow */
static size_t write_filter(struct sock_filter *out)
{
    const struct sock_filter head[] = {
        LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
        RETURN(SECCOMP_RET_KILL_PROCESS),
        LOAD(nr),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FOREIGN_NUMBERS, 0, 1),
        REFUSE,
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 4),
        LOAD(args[FLAGS_ARGUMENT]),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_DIRECTORY, 1, 0),
        REFUSE,
        RETURN(SECCOMP_RET_ALLOW),
    };
    size_t count = 0;
    for (size_t i = 0; i < sizeof head / sizeof *head; i++) {
        out[count++] = head[i];
    }
    for (size_t i = 0; i < REFUSED; i++) {
        /* Jumps to REFUSE at the end, over the remaining comparisons and
         * ALLOW. */
        out[count++] = (struct sock_filter)BPF_JUMP(
            BPF_JMP | BPF_JEQ | BPF_K, refused[i], (uint8_t)(REFUSED - i), 0);
    }
    out[count++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
    out[count++] = (struct sock_filter)REFUSE;
    return count;
}

/* NO_NEW_PRIVS comes first, because the kernel accepts filters from ordinary
 * users only with it. TSYNC applies the filter to all threads, including those
 * that libraries have made. */
shmrpc_status tool_sandbox_enter(void)
{
    struct sock_filter filter[REFUSED + 16];
    struct sock_fprog program = {.filter = filter};
    program.len = (unsigned short)write_filter(filter);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC,
                &program) != 0) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return SHMRPC_OK;
}

"""What the sandbox may ask of the kernel: a filter of system calls, as a BPF program.

Namespaces hide what lies outside; some calls reach past them. Keys, leases, locks and notices of
files act on the same file in every sandbox; vsock ignores network namespaces; io_uring, bpf,
userfaultfd and kin are where holes of the kernel are found. Scientific Python needs none of them.

Three answers are given besides "go on":

- *not permitted*, or *no such call* where a program then takes another road (`clone3`, whose flags
  a filter cannot read, becomes `clone`; io_uring becomes poll). A call newer than this list does
  not exist either;
- *granted*, and nothing is done, to locks of files, and to setting their times: all files bound
  read-only, and `/dev/null`, are the same for every sandbox, and a lock on one, or the time at
  which a device was touched, would be seen in the next. Nobody else writes what a sandbox writes,
  so that little is lost: the exclusion of its own processes, and the times of copied files.

Where the sandbox has no namespaces of its own (`second_wall`), more is refused or only granted:
what Landlock does not look at, and what would act on other processes and files of the same user.
Sockets are pairs there, joined from the start, which lead nowhere else.

The filter is a list of what is refused, not of what is allowed: what libraries need changes with
every version, what is dangerous changes slowly.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Iterable

#: names and numbers on x86-64 and on 64-bit ARM; "-" where there is none
NOT_PERMITTED = """
add_key 248 217
request_key 249 218
keyctl 250 219
userfaultfd 323 282
fanotify_init 300 262
fanotify_mark 301 263
inotify_init 253 -
inotify_init1 294 26
inotify_add_watch 254 27
perf_event_open 298 241
bpf 321 280
ptrace 101 117
process_vm_readv 310 270
process_vm_writev 311 271
process_madvise 440 440
pidfd_getfd 438 438
kcmp 312 272
mount 165 40
umount2 166 39
pivot_root 155 41
chroot 161 51
open_tree 428 428
move_mount 429 429
fsopen 430 430
fsconfig 431 431
fsmount 432 432
fspick 433 433
mount_setattr 442 442
statmount 457 457
listmount 458 458
name_to_handle_at 303 264
open_by_handle_at 304 265
setns 308 268
kexec_load 246 104
kexec_file_load 320 294
init_module 175 105
finit_module 313 273
delete_module 176 106
create_module 174 -
get_kernel_syms 177 -
query_module 178 -
reboot 169 142
swapon 167 224
swapoff 168 225
acct 163 89
syslog 103 116
quotactl 179 60
quotactl_fd 443 443
settimeofday 164 170
clock_settime 227 112
clock_adjtime 305 266
adjtimex 159 171
sethostname 170 161
setdomainname 171 162
iopl 172 -
ioperm 173 -
modify_ldt 154 -
uselib 134 -
_sysctl 156 -
lookup_dcookie 212 18
nfsservctl 180 42
vhangup 153 58
migrate_pages 256 238
move_pages 279 239
memfd_secret 447 447
"""
NO_SUCH_CALL = """
clone3 435 435
io_uring_setup 425 425
io_uring_enter 426 426
io_uring_register 427 427
cachestat 451 451
"""
GRANTED = """
flock 73 32
sync 162 81
syncfs 306 267
utime 132 -
utimes 235 -
futimesat 261 -
utimensat 280 88
"""
#: memory that no process need have mapped, and that only a control group counts
UNCOUNTED = """
memfd_create 319 279
shmget 29 194
"""
#: without namespaces: rights, owners and priorities are the machine's, so that these do nothing
GRANTED_OUTSIDE = """
chmod 90 -
fchmod 91 52
fchmodat 268 53
fchmodat2 452 452
chown 92 -
fchown 93 55
lchown 94 -
fchownat 260 54
setpriority 141 140
ioprio_set 251 30
sched_setaffinity 203 122
sched_setattr 314 274
sched_setparam 142 118
sched_setscheduler 144 119
"""
#: without namespaces: names that all processes of the machine, or of its network, have in common
COMMON_NAMES = """
shmget 29 194
shmat 30 196
shmctl 31 195
semget 64 190
semop 65 193
semctl 66 191
semtimedop 220 192
msgget 68 186
msgsnd 69 189
msgrcv 70 188
msgctl 71 187
mq_open 240 180
mq_unlink 241 181
bind 49 200
connect 42 203
listen 50 201
"""
#: without namespaces: notes on files, which programs that copy can do without
ATTRIBUTES = """
setxattr 188 5
lsetxattr 189 6
fsetxattr 190 7
setxattrat 463 463
removexattr 197 14
lremovexattr 198 15
fremovexattr 199 16
removexattrat 466 466
"""
#: calls of which some arguments are refused
BY_ARGUMENT = """
clone 56 220
unshare 272 97
personality 135 92
fcntl 72 25
ioctl 16 29
socket 41 198
socketpair 53 199
prlimit64 302 261
"""
#: the last call that was looked at (removexattrat of Linux 6.13)
NEWEST = 466

#: AUDIT_ARCH_X86_64 and AUDIT_ARCH_AARCH64, and the column of numbers
MACHINES = {"x86_64": (0xC000003E, 1), "aarch64": (0xC00000B7, 2), "arm64": (0xC00000B7, 2)}

#: CLONE_NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET; for unshare _NEWTIME too
NEW_NAMESPACES = 0x7E020000
NEW_TIME = 0x80
#: F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW
SET_LOCK = (6, 7, 37, 38)
#: F_GETLK and F_OFD_GETLK; F_SETLEASE, F_GETLEASE, F_NOTIFY
ASK_LOCK, LEASES = (5, 36), (1024, 1025, 1026)
#: TIOCSTI, TIOCLINUX
TERMINAL_INPUT = (0x5412, 0x541C)
AF_UNIX = 1
#: with AF_INET, AF_INET6, AF_NETLINK: those that belong to a network namespace
FAMILIES = (AF_UNIX, 2, 10, 16)
#: a bit that SOCK_DGRAM and SOCK_RAW have, SOCK_STREAM and SOCK_SEQPACKET do not: what is sent
#: through one end of a pair of these may be sent elsewhere
TO_ANYBODY = 2
#: the kind of a request by ioctl, and that of terminals, which open files and pipes share; others
#: change flags of files that are open for reading
KIND, OF_TERMINALS = 0xFF00, 0x5400

_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NUMBER, _MACHINE, _ARGUMENTS = 0, 4, 16
_LOAD, _RETURN, _EQUAL, _AT_LEAST, _ANY_BIT, _MASK = 0x20, 0x06, 0x15, 0x35, 0x45, 0x54


def numbers(listed: str, machine: str) -> dict[str, int]:
    """Return the numbers of one of the lists above on a kind of processor.

    Parameters
    ----------
    listed : str
    machine : str
        As `platform.machine` calls it.

    Returns
    -------
    dict of str to int
        Calls that do not exist there are left out.
    """
    column = MACHINES[machine][1]
    rows = (line.split() for line in listed.split("\n") if line)
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}


def program(machine: str = "", *, counted: bool = True, namespaces: bool = True) -> bytes | None:
    """Return the filter as the kernel takes it, an array of `struct sock_filter`.

    Parameters
    ----------
    machine : str
        The kind of processor; this machine's by default.
    counted : bool
        Whether a control group counts memory that no process has mapped; if not, there is none.
    namespaces : bool
        Whether the sandbox has namespaces of its own.

    Returns
    -------
    bytes or None
        None on other processors than those of `MACHINES`.
    """
    machine = machine or platform.machine()
    if machine not in MACHINES:
        return None
    missing = _answer(errno.ENOSYS)
    code = [
        _do(_LOAD, _MACHINE),
        # the 32-bit calls of the same processor are others, with other numbers
        *_if(_EQUAL, MACHINES[machine][0], then=[], otherwise=missing),
        _do(_LOAD, _NUMBER),
        *_if(_AT_LEAST, NEWEST + 1, then=missing),  # those of x32 have a high bit set
    ]
    answers = {NOT_PERMITTED: errno.EPERM, NO_SUCH_CALL: errno.ENOSYS, GRANTED: 0}
    if not counted:
        answers[UNCOUNTED] = errno.ENOSYS
    if not namespaces:
        answers |= {GRANTED_OUTSIDE: 0, COMMON_NAMES: errno.EPERM, ATTRIBUTES: errno.ENOTSUP}
    for listed, number in answers.items():
        for call in numbers(listed, machine).values():
            code += _if(_EQUAL, call, then=_answer(number))
    refused = _answer(errno.EPERM)
    arguments = {
        "clone": [_argument(0), *_if(_ANY_BIT, NEW_NAMESPACES, then=refused)],
        "unshare": [_argument(0), *_if(_ANY_BIT, NEW_NAMESPACES | NEW_TIME, then=refused)],
        # asked for (all bits set) or set to the usual one, as shells do
        "personality": [_argument(0), *_only((0, 0xFFFFFFFF), refused)],
        "fcntl": [
            _argument(1),
            *_any(SET_LOCK, _answer(0)),
            *_any(ASK_LOCK, _answer(errno.ENOLCK)),
            *_any(LEASES, refused),
        ],
        "ioctl": [_argument(1), *_any(TERMINAL_INPUT, refused)],
        "socket": [_argument(0), *_only(FAMILIES, _answer(errno.EAFNOSUPPORT))],
        "socketpair": [],
        "prlimit64": [],
    }
    if not namespaces:
        of_terminals = [_do(_MASK, KIND), *_only([OF_TERMINALS], _answer(errno.ENOTTY))]
        arguments["ioctl"] += of_terminals
        no_family = _answer(errno.EAFNOSUPPORT)
        arguments["socket"] = no_family
        arguments["socketpair"] = [
            _argument(0),
            *_if(_EQUAL, AF_UNIX, then=[], otherwise=no_family),
            _argument(1),
            *_if(_ANY_BIT, TO_ANYBODY, then=refused),
        ]
        arguments["prlimit64"] = [_argument(0), *_only([0], refused)]
    for name, call in numbers(BY_ARGUMENT, machine).items():
        code += _if(_EQUAL, call, then=[*arguments[name], _do(_RETURN, _ALLOW)])
    return b"".join([*code, _do(_RETURN, _ALLOW)])


def _do(operation: int, value: int, jump: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", operation, jump, otherwise, value)


def _answer(number: int) -> list[bytes]:
    return [_do(_RETURN, _ERRNO | number)]


def _argument(position: int) -> bytes:
    """Load the lower half of an argument; the kernel looks at no more of these."""
    return _do(_LOAD, _ARGUMENTS + 8 * position)


def _if(
    test: int, value: int, then: list[bytes], otherwise: list[bytes] | None = None
) -> list[bytes]:
    """Compare what is loaded; `then` has to end with an answer, or be empty."""
    if otherwise:
        return [_do(test, value, len(otherwise)), *otherwise, *then]
    return [_do(test, value, 0, len(then)), *then]


def _any(values: Iterable[int], answer: list[bytes]) -> list[bytes]:
    return [step for value in values for step in _if(_EQUAL, value, then=answer)]


def _only(values: Iterable[int], answer: list[bytes]) -> list[bytes]:
    return [*_any(values, [_do(_RETURN, _ALLOW)]), *answer]

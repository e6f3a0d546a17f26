"""The walls of the sandbox, each tried from within by code that wants through.

Every case runs in a sandbox like those of `labkit grade`, as whoever runs the tests; `python -m
tests.grading.test_walls` runs them without pytest, which is how `test_other_user` repeats them as
another user.
"""

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from labkit.sandbox import (
    Budget,
    Limits,
    Shell,
    Stopped,
    groups,
    landlock,
    missing_limits,
    scratch,
    seccomp,
)
from labkit.sandbox import fence as fences
from labkit.sandbox import limits as bounds

#: what the cases may use: little, so that they are quick
MEMORY = 500_000_000
#: calls the kernel itself; says which error it answers with
CALL = """
import ctypes, errno, os
_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
def call(number, *arguments):
    ctypes.set_errno(0)
    answer = _libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments))
    return "done" if answer >= 0 else errno.errorcode[ctypes.get_errno()]
"""
LISTS = (
    seccomp.NOT_PERMITTED,
    seccomp.NO_SUCH_CALL,
    seccomp.GRANTED,
    seccomp.GRANTED_OUTSIDE,
    seccomp.COMMON_NAMES,
    seccomp.ATTRIBUTES,
    seccomp.UNCOUNTED,
    seccomp.BY_ARGUMENT,
)
CALLS = {
    name: number
    for machine in [os.uname().machine]
    if machine in seccomp.MACHINES
    for listed in LISTS
    for name, number in seccomp.numbers(listed, machine).items()
}


@dataclass(frozen=True)
class Case:
    """Code that is run as a cell, and what it must print (a regular expression, for all of it)."""

    name: str
    code: str
    prints: str


def _write(path):
    return (
        f"try:\n    open({path!r}, 'w').write('1')\n    print('written')\n"
        "except OSError as error:\n    print(type(error).__name__, error.errno)"
    )


def _refused(name, *arguments):
    return f"print(call({CALLS.get(name, -1)}, {', '.join(map(str, arguments))}))"


CASES = [
    # --- the host's settings, and the host's user -----------------------------------------------
    Case("cannot_write_proc_sys", _write("/proc/sys/vm/swappiness"), "OSError 30"),
    Case("cannot_write_sysrq", _write("/proc/sysrq-trigger"), r"OSError 30|FileNotFoundError 2"),
    Case("cannot_write_its_own_oom_score", _write("/proc/self/oom_score_adj"), "OSError 30"),
    Case("is_the_first_to_go_when_memory_is_short", "print(open('/proc/self/oom_score_adj').read())", "900"),
    Case("uid_map_does_not_name_root", "print(open('/proc/self/uid_map').read().split())", r"\['\d+', '(?!0')\d+', '\d+'\]"),
    Case("has_no_capability", "print(*[l.split()[1] for l in open('/proc/self/status') if l[:3] == 'Cap'])", "0{16}( 0{16}){4}"),
    Case("cannot_become_root", "import os\nfor change in (os.setuid, os.setgid):\n    try: change(0); print('became')\n    except OSError: print('no')", "no\nno"),
    Case("kernel_addresses_and_pages_are_closed", "for n in ('kpagecount', 'kpageflags', 'slabinfo', 'kcore', 'kmsg', 'vmallocinfo'):\n    try: open('/proc/' + n, 'rb').read(9); print('read', n)\n    except OSError: pass\nprint('closed')", "closed"),
    Case("other_command_lines_are_not_there", "import os\nprint(sorted(int(p) for p in os.listdir('/proc') if p.isdigit()) == [1, os.getpid()], b'/labkit-run' in open('/proc/1/cmdline', 'rb').read())", "True False"),
    # --- namespaces -----------------------------------------------------------------------------
    Case("no_nested_user_namespace", CALL + _refused("unshare", 0x10000000), "EPERM"),
    Case("no_mount_namespace", CALL + _refused("unshare", 0x00020000), "EPERM"),
    Case("no_namespace_by_clone", CALL + _refused("clone", 0x10000000 | 17, 0, 0, 0, 0), "EPERM"),
    Case("no_clone3", CALL + _refused("clone3", 0, 0), "ENOSYS"),
    Case("no_namespace_by_a_program", "!unshare --user --map-root-user true && echo made", "unshare: .*"),
    Case("no_setns", CALL + "f = os.open('/proc/self/ns/net', os.O_RDONLY)\n" + _refused("setns", "f", 0) + "\nos.close(f)", "EPERM"),
    Case("no_mount", CALL + _refused("mount", 0, 0, 0, 0, 0), "EPERM"),
    Case("no_new_mount_interface", CALL + _refused("fsopen", 0, 0), "EPERM"),
    # --- keys -----------------------------------------------------------------------------------
    Case("no_keyring", CALL + "\n".join(_refused(n, 0, -3, 0, 0) for n in ("keyctl", "add_key", "request_key")), "EPERM\nEPERM\nEPERM"),
    # --- corners of the kernel --------------------------------------------------------------------
    Case("no_io_uring", CALL + _refused("io_uring_setup", 1, 0), "ENOSYS"),
    Case("no_userfaultfd", CALL + _refused("userfaultfd", 0), "EPERM"),
    Case("no_bpf", CALL + _refused("bpf", 0, 0, 0), "EPERM"),
    Case("no_perf", CALL + _refused("perf_event_open", 0, 0, -1, -1, 0), "EPERM"),
    Case("no_ptrace", CALL + _refused("ptrace", 0, 0, 0, 0), "EPERM"),
    Case("no_reading_of_other_processes", CALL + _refused("process_vm_readv", 1, 0, 0, 0, 0, 0), "EPERM"),
    Case("no_personality", CALL + _refused("personality", 0x0040000) + "\n" + _refused("personality", 0xFFFFFFFF), "EPERM\ndone"),
    Case("no_call_newer_than_the_list", CALL + f"print(call({seccomp.NEWEST + 1}))", "ENOSYS"),
    Case("no_x32_calls", CALL + "print(call(0x40000000 | 39))", "ENOSYS"),
    Case("no_typing_into_a_terminal", CALL + _refused("ioctl", 0, 0x5412, 0), "EPERM"),
    Case("no_sockets_past_the_network_namespace", "import socket\nfor family in (40, 38, 17, 31, 2, 10, 1):\n    try: socket.socket(family, socket.SOCK_DGRAM); print(family)\n    except OSError as error: pass", "2\n10\n1"),
    # --- what one sandbox could tell another ------------------------------------------------------
    Case("no_file_lease", "import fcntl, sys\nf = open(sys.executable)\nfor c in (fcntl.F_SETLEASE, fcntl.F_GETLEASE, fcntl.F_NOTIFY):\n    try: fcntl.fcntl(f, c, fcntl.F_RDLCK); print('set')\n    except PermissionError: print('no')", "no\nno\nno"),
    Case("no_notice_of_files", CALL + "\n".join(_refused(n, 0, 0) for n in ("inotify_init1", "fanotify_init")), "EPERM\nEPERM"),
    Case("no_message_in_the_times_of_a_device", "import os, pathlib\nfor place in ('/dev/null', '/dev/urandom', 0, 1, 2):\n    before = os.stat(place)\n    for times in (None, (5, 5)): os.utime(place, times)\n    print(os.stat(place) == before)\npathlib.Path('/tmp/touched').touch()", "True\nTrue\nTrue\nTrue\nTrue"),
    Case("no_way_to_the_machine_by_open_files", "import os\ndef ends(p):\n    try: files = os.listdir(f'/proc/{p}/fd')\n    except PermissionError: return\n    for f in files:\n        try: yield os.readlink(f'/proc/{p}/fd/{f}')\n        except OSError: pass\nfor to in {*ends(1), *ends(os.getpid())}:\n    if not to.startswith(('pipe:', 'anon_inode:', '/proc', '/memfd:', '/dev/null')): print(to)", ""),
    Case("what_bubblewrap_may_say_cannot_grow", "import os\ntry:\n    with open('/proc/1/fd/1', 'r+b') as f:\n        for _ in range(99): f.write(bytes(10**6)); f.flush()\n    print('grew')\nexcept OSError: print('no')", "no"),
    # --- what honest work needs -------------------------------------------------------------------
    Case("pool_without_argument_works", "import multiprocessing\nwith multiprocessing.Pool() as pool: print(sum(pool.map(abs, range(-9, 0))))", "45"),
    Case("pool_of_64_works", "import multiprocessing\nwith multiprocessing.Pool(64) as pool: print(sum(pool.map(abs, range(-99, 0))))", "4950"),
    Case("the_processor_has_few_cores", "import os, psutil\nprint(os.cpu_count(), psutil.cpu_count())", f"{Limits.cores} {Limits.cores}"),
    Case("threads_work", "import concurrent.futures as c\nwith c.ThreadPoolExecutor(9) as pool: print(sum(pool.map(abs, range(-9, 0))))", "45"),
    Case("getuser_works", "import getpass, os, pwd\nprint(getpass.getuser(), os.path.expanduser('~'))\ndel os.environ['HOME']\nprint(os.path.expanduser('~'), os.path.expanduser('~student'))", "student /home/student\n/home/student /home/student"),
    Case("localhost_resolves", "import socket\nserver = socket.create_server(('localhost', 0))\nclient = socket.create_connection(('localhost', server.getsockname()[1]))\nprint(client.getpeername()[0])", r"127\.0\.0\.1"),
    Case("file_locks_are_granted", "import fcntl\nwith open('/tmp/x', 'w') as f:\n    fcntl.flock(f, fcntl.LOCK_EX); fcntl.lockf(f, fcntl.LOCK_EX); print('locked')", "locked"),
    Case("sqlite_works", "import sqlite3\nc = sqlite3.connect('/tmp/a.db')\nwith c: c.execute('create table t (x)'); c.execute('insert into t values (3)')\nprint(sqlite3.connect('/tmp/a.db').execute('select x from t').fetchone())", r"\(3,\)"),
    Case("commands_of_the_system_work", "n = 1\n!echo {n} $n one; echo two >&2\nthree = !echo three\nprint(three)\n!exit 3\nprint(_exit_code)", r"1 1 one\ntwo\n\['three'\]\n3"),
    Case("a_c_compiler_works", "import subprocess, shutil\nopen('/tmp/a.c', 'w').write('int main(void){return 7;}')\nif shutil.which('cc'):\n    subprocess.run(['cc', '/tmp/a.c', '-o', '/tmp/a'], check=True)\n    print(subprocess.run(['/tmp/a']).returncode)\nelse: print(7)", "7"),
    Case("subprocesses_and_shared_memory_work", "from multiprocessing import shared_memory, Process, Value\nv = Value('i', 0)\ndef add():\n    v.value = 5\np = Process(target=add); p.start(); p.join()\ns = shared_memory.SharedMemory(create=True, size=10); s.close(); s.unlink()\nprint(v.value)", "5"),
]  # fmt: skip

#: memory that is the work's, whatever it is called
HOARDS = {
    "private_memory_is_counted": "keep = bytearray(b'x' * 700_000_000)",
    "shared_memory_is_counted": (
        "import mmap\nm = mmap.mmap(-1, 700_000_000)\nfor i in range(0, len(m), 4096): m[i] = 1"
    ),
    "shared_memory_of_processes_that_ended_is_counted": (
        "import mmap, os\nm = mmap.mmap(-1, 700_000_000)\nfor part in range(7):\n"
        "    if os.fork() == 0:\n        for i in range(part * 10**8, (part + 1) * 10**8, 4096): m[i] = 1\n"
        "        os._exit(0)\n    os.wait()"
    ),
    "memfd_is_counted": (
        "import os\nf = os.memfd_create('x')\nfor _ in range(70): os.write(f, bytes(10_000_000))"
    ),
    "tmpfs_is_counted": (
        "for place in ('/tmp/x', '/home/student/x', '/dev/shm/x'):\n    with open(place, 'wb') as f:\n"
        "        for _ in range(40): f.write(bytes(10_000_000))"
    ),
    "sysv_memory_is_counted": (
        "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.shmat.restype = ctypes.c_void_p\n"
        "for _ in range(7):\n    k = libc.shmget(0, ctypes.c_size_t(10**8), 0o1600)\n"
        "    if k < 0: raise OSError('Function not implemented')\n    p = libc.shmat(k, None, 0)\n    ctypes.memset(p, 1, 10**8)\n    libc.shmdt(ctypes.c_void_p(p))"
    ),
    "memory_of_many_processes_is_counted": (
        "import os, time\nfor _ in range(14):\n    if os.fork() == 0:\n"
        "        b = bytearray(b'x' * 50_000_000); time.sleep(60)\ntime.sleep(60)"
    ),
}


def run(shell, code):
    """Run a cell in a new notebook; return what it printed, and its error if there was one."""
    shell.ask({"do": "renew", "seed": 0}, Budget(60, 120, MEMORY), "the notebook")
    answer = shell.ask({"do": "run", "source": code}, Budget(60, 120, MEMORY), "the cell")
    return "\n".join(filter(None, (answer["printed"].strip(), answer["error"])))


@pytest.fixture(scope="module")
def shell():
    with scratch() as folder, Shell(folder, Limits()) as shell:
        yield shell


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_this_wall_stands(case, shell):
    printed = run(shell, case.code)
    assert re.fullmatch(case.prints, printed), printed


@pytest.mark.parametrize("code", HOARDS.values(), ids=HOARDS)
def test_memory_of_every_kind_is_bounded(code):
    assert "used more than 0.5 GB" in _hoarded(code)


def _hoarded(code):
    with scratch() as folder, Shell(folder, Limits()) as shell:
        if shell._group.counts_memory:
            with pytest.raises(Stopped) as stopped:
                run(shell, code)
            assert 0.9 * MEMORY < shell.peak < 1.1 * MEMORY
            return str(stopped.value)
    return ""


# --- seen from outside --------------------------------------------------------------------------


def test_uid_is_not_root_outside(shell):
    run(shell, "open('/tmp/made', 'w').close()")
    (inside,) = [p for p in shell._group.members() if _in_sandbox(p) and _python(p)]
    status = Path(f"/proc/{inside}/status").read_text()
    owners = re.search(r"^Uid:\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)$", status, re.MULTILINE).groups()
    groups_ = re.search(r"^Gid:\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)$", status, re.MULTILINE).groups()
    assert "0" not in {*owners, *groups_}
    made = Path(f"/proc/{inside}/root/tmp/made").stat()
    assert (made.st_uid, made.st_gid) == (int(owners[0]), int(groups_[0]))
    if os.getuid():
        assert made.st_uid == os.getuid()


def _python(pid):
    return "student.py" in " ".join(psutil.Process(pid).cmdline()[:4])


def _in_sandbox(pid):
    return os.path.isdir(f"/proc/{pid}/root/labkit/shell")


KEYRING = """
import ctypes, subprocess, sys
libc = ctypes.CDLL(None)
libc.syscall(250, 1, None)
assert libc.syscall(248, b"user", b"of-the-instructor", b"secret", 6, -3) > 0
print("planted" if "of-the-instructor" in open("/proc/keys").read() else "hidden")
from labkit.sandbox import Budget, Limits, Shell, scratch
with scratch() as folder, Shell(folder, Limits()) as shell:
    ask = {"do": "run", "source": "print(open('/proc/keys').read() or 'nothing')"}
    print(shell.ask(ask, Budget(9, 9, 10**9), "it")["printed"])
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers below are x86-64's")
def test_session_keyring_is_fresh():
    """What the instructor's session holds is not possessed by what a sandbox runs."""
    line = [sys.executable, "-c", KEYRING]
    said = subprocess.run(line, capture_output=True, text=True)
    if "planted" not in said.stdout:
        pytest.skip(f"no keys to be had here: {said.stderr[-200:]}")
    assert "of-the-instructor" not in said.stdout, said.stdout
    # joined before the sandbox is there, so that nothing in it can be the instructor's
    line = [sys.executable, "-I", "-S", str(fences.ENTER), "PARENT", "--", "/bin/cat", "/proc/keys"]
    code = (
        KEYRING.partition("from labkit")[0]
        + f"import os; line = {line!r}; line[4] = str(os.getpid()); subprocess.run(line)"
    )
    joined = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert joined.startswith("planted")
    if os.getuid():
        return  # one's own keys are seen, joined or not
    assert "_ses" in joined


def test_two_sandboxes_cannot_tell_each_other_anything_by_a_lock():
    holds = (
        "import fcntl, os\nkept = []\nfor path in PATHS:\n    for how in (fcntl.flock, fcntl.lockf):\n"
        "        for mode in (os.O_RDONLY, os.O_RDWR):\n            for lock in LOCKS:\n"
        "                try:\n                    f = os.open(path, mode); kept.append(f)\n"
        "                    how(f, lock | fcntl.LOCK_NB)\n"
        "                except OSError as error:\n                    print(path, mode, lock, error.errno)\n"
    )
    paths = f"PATHS = ['/dev/null', {sys.executable!r}, '/labkit/helpers/checks.py']\n"
    with scratch() as folder, Shell(folder, Limits()) as one, Shell(folder, Limits()) as two:
        before = run(two, paths + "LOCKS = [1, 2]\n" + holds)
        run(one, paths + "LOCKS = [2]\n" + holds)
        assert run(two, paths + "LOCKS = [1, 2]\n" + holds) == before
        ask = (
            "import fcntl, struct\nf = open('/dev/null', 'r+b')\n"
            "wish = struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 0, 0)\n"
            "try: print(fcntl.fcntl(f, fcntl.F_GETLK, wish) != wish)\nexcept OSError: print('no')"
        )
        assert run(two, ask) == "no"


GRADER = """
import os, sys, time
from labkit.sandbox import Limits, Shell, scratch
with scratch() as folder:
    shell = Shell(folder, Limits())
    print(*shell._group.members(), flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("moment", [None, 0.03, 0.1, 0.2])
def test_a_sandbox_ends_with_its_grader(moment):
    """Killed while it waits, and at moments of the sandbox's start."""
    with subprocess.Popen([sys.executable, "-c", GRADER], stdout=subprocess.PIPE, text=True) as run:
        first = psutil.Process(run.pid)
        if moment is None:
            run.stdout.readline()
        else:
            while not first.children():
                time.sleep(0.005)
            time.sleep(moment)
        started = first.children(recursive=True)
        run.kill()
    _, alive = psutil.wait_procs(started, timeout=10)
    assert alive == []


def test_the_filter_names_the_right_calls():
    """The numbers are those of the kernel's own headers, where these are installed."""
    seen = 0
    for machine, header in (
        ("x86_64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
        ("aarch64", "/usr/include/asm-generic/unistd.h"),
    ):
        if not Path(header).is_file():
            continue
        pattern = r"#define __NR(?:3264)?_(\w+)\s+(\d+)\b"
        known = {
            name: int(number) for name, number in re.findall(pattern, Path(header).read_text())
        }
        for listed in LISTS:
            for name, number in seccomp.numbers(listed, machine).items():
                if name in known:  # a header may be older than a call
                    assert known[name] == number, (machine, name)
                    seen += 1
    if not seen:
        pytest.skip("no headers of the kernel here")


def test_without_a_group_uncounted_memory_cannot_be_made(monkeypatch):
    monkeypatch.setattr(groups, "places", dict)
    assert "does not bound memory, " in missing_limits()
    with scratch() as folder, Shell(folder, Limits()) as shell:
        assert shell._group.doors == []
        number = CALLS["memfd_create"], CALLS["shmget"]
        assert run(
            shell, CALL + f"print(call({number[0]}, 0, 0), call({number[1]}, 0, 9, 512))"
        ) == ("ENOSYS ENOSYS")
        with pytest.raises(Stopped, match=r"used more than 0\.5 GB"):
            run(shell, HOARDS["shared_memory_is_counted"] + "\nimport time; time.sleep(9)")
    for name in ("tmpfs_is_counted", "memory_of_many_processes_is_counted"):
        with (
            scratch() as folder,
            Shell(folder, Limits()) as shell,
            pytest.raises(Stopped, match=r"used more than 0\.5 GB"),
        ):
            run(shell, HOARDS[name] + "\nimport time; time.sleep(9)")


def test_without_lists_of_children_processes_are_found(monkeypatch):
    """Some kernels have no /proc/*/task/*/children."""
    with subprocess.Popen(["sh", "-c", "sleep 60 & sleep 60 & wait"]) as process:
        time.sleep(0.3)
        listed = sorted(bounds.family(process.pid, 50))
        plain = open

        def without(path, *more, **options):
            if str(path).endswith("/children"):
                raise FileNotFoundError(path)
            return plain(path, *more, **options)

        monkeypatch.setattr("builtins.open", without)
        assert sorted(bounds.family(process.pid, 50)) == listed
        monkeypatch.undo()
        assert len(listed) == 3
        bounds.kill(process.pid)


def test_groups_of_the_second_generation(tmp_path, monkeypatch):
    """A tree like that of a container with cgroup v2, made of plain files."""
    proc, top = tmp_path / "proc", tmp_path / "cgroup"
    own = top / "user.slice" / "run-1.scope"
    own.mkdir(parents=True)
    proc.mkdir()
    (proc / "mountinfo").write_text(f"30 24 0:26 / {top} rw,nosuid - cgroup2 cgroup2 rw\n")
    (proc / "cgroup").write_text("0::/user.slice/run-1.scope\n")
    for folder, enabled in ((own, ""), (own.parent, "memory pids"), (top, "cpu memory pids")):
        (folder / "cgroup.procs").write_text("")
        (folder / "cgroup.controllers").write_text("memory pids")
        (folder / "cgroup.subtree_control").write_text(enabled)

    def as_it_is(folder, wanted):  # a plain file takes any word
        return wanted & set((folder / "cgroup.subtree_control").read_text().split())

    monkeypatch.setattr(groups, "_enable", as_it_is)
    assert groups.places(proc) == {
        kind: groups.Place(own.parent, second=True) for kind in ("memory", "pids")
    }
    # the kernel would put these there
    made = next(own.parent.glob("labkit-*"), None)
    assert made is None
    monkeypatch.setattr(groups, "places", lambda found=groups.places(proc): found)
    group = groups.Group(500, 7, 2)
    (made,) = own.parent.glob("labkit-*")
    assert [(made / f"{name}.max").read_text() for name in ("memory", "pids")] == ["500", "7"]
    assert group.missing == [groups.CONTROLLERS["cpu"]]
    (made / "memory.stat").write_text("anon 100\nfile 5000\nkernel 7\nshmem 30\nfile_mapped 9\n")
    (made / "memory.events").write_text("low 0\noom 3\noom_kill 0\noom_group_kill 0\n")
    assert (group.memory(), group.killed()) == (130, False)
    (made / "memory.events").write_text("low 0\noom 3\noom_kill 2\n")
    assert group.killed()
    (made / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 1\n")
    assert group.cpu() == 2.5
    assert group.doors == [str(made / "cgroup.procs")]


@pytest.mark.parametrize("twice", [True, False])
def test_each_way_to_start_holds(twice):
    """As root there are two ways to start a sandbox; the second is for where the first fails."""
    if os.getuid():
        pytest.skip("one way only, which all other tests take")
    way = fences.Fence(fences.unused_id(), twice=twice, nested=twice)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fences, "fence", lambda: way)
        with scratch() as folder, Shell(folder, Limits()) as shell:
            printed = {case.name: run(shell, case.code) for case in CASES}
            if not twice:  # no user namespace of its own, so that all numbers are there
                del printed["uid_map_does_not_name_root"]
            told = {case.name: case.prints for case in CASES}
            wrong = {n: said for n, said in printed.items() if not re.fullmatch(told[n], said)}
            assert wrong == {}
            test_uid_is_not_root_outside(shell)


def test_a_machine_that_forbids_namespaces_is_told_which_setting_does(tmp_path):
    setting = tmp_path / "proc" / "sys" / "kernel" / "apparmor_restrict_unprivileged_userns"
    setting.parent.mkdir(parents=True)
    setting.write_text("1\n")
    (tmp_path / "proc" / "self").mkdir()
    (tmp_path / "proc" / "self" / "status").write_text("Name:\tpython\nSeccomp:\t2\n")
    said = " ".join(fences._reasons(-1, tmp_path))
    assert "kernel.apparmor_restrict_unprivileged_userns=0" in said
    assert "seccomp=unconfined" in said


STARTS = """
from labkit.errors import GradingError
from labkit.sandbox import Budget, Limits, Shell, missing_limits, scratch
try:
    print("missing:", missing_limits())
    with scratch() as folder, Shell(folder, Limits()) as shell:
        ask = {"do": "run", "source": "import os; print(os.getuid(), os.listdir('/home'))"}
        print(shell.ask(ask, Budget(9, 99, 10**9), "it")["printed"])
except GradingError as error:
    print("refused:", error)
"""


def on_a_machine_that_forbids(calls, namespaces, monkeypatch, code=STARTS):
    """Start a sandbox under a filter like a container's; return what was said."""
    monkeypatch.setattr(seccomp, "NOT_PERMITTED", calls)
    monkeypatch.setattr(seccomp, "NEW_NAMESPACES", namespaces)
    with fences.open_files() as files:
        line = ["bwrap", "--dev-bind", "/", "/", "--seccomp", files.hold(seccomp.program())]
        run = subprocess.run(
            [*line, sys.executable, "-c", code],
            pass_fds=files.numbers,
            capture_output=True,
            text=True,
        )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_where_other_users_may_make_no_namespaces_root_does(monkeypatch):
    """As under Ubuntu 24.04's AppArmor."""
    if os.getuid():
        pytest.skip("only root may, there")
    said = on_a_machine_that_forbids("", 0x10000000, monkeypatch)
    assert "Only root may make user namespaces here" in said
    assert re.search(r"^[1-9]\d{4,} \['student'\]$", said, re.MULTILINE)


def test_where_nobody_may_make_namespaces_a_sandbox_is_refused(monkeypatch):
    """As in a default container: nothing less is taken, the reason is given, and what to choose."""
    said = on_a_machine_that_forbids("mount 165 40\n", 0x7E020000, monkeypatch)
    assert said.startswith("refused: the sandbox does not start: ")
    assert "runs under a filter of system calls, as in a container" in said
    assert bool(landlock.lacking()) != ("`--wall landlock`" in said)


def test_a_container_with_few_users_still_has_one_to_spare(tmp_path):
    for name in ("uid_map", "gid_map"):
        (tmp_path / name).write_text("         0     100000      65536\n")
    assert 60_000 <= fences.unused_id(tmp_path) < 65_536


if __name__ == "__main__":  # as another user, see test_other_user
    outcome, uncounted = {}, {}
    with scratch() as place, Shell(place, Limits()) as opened:
        for each in CASES:
            printed = run(opened, each.code)
            outcome[each.name] = "" if re.fullmatch(each.prints, printed) else printed
        owner = os.stat(f"/proc/{opened._process.pid}").st_uid
        outcome["is_the_user_outside"] = "" if owner == os.getuid() else str(owner)
    for name, code in HOARDS.items():
        with scratch() as place, Shell(place, Limits()) as opened:
            try:
                printed = run(opened, code + "\nimport time; time.sleep(3)")
                if "Function not implemented" in printed:
                    outcome[name] = ""  # where it is not counted it cannot be made
                else:
                    uncounted[name] = printed
            except Stopped as stopped:
                outcome[name] = "" if "used more than" in str(stopped) else str(stopped)
    print(json.dumps({"cases": outcome, "not counted": uncounted, "missing": missing_limits()}))

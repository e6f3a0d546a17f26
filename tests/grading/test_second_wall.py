"""The second wall, Landlock and the filter of calls: tried from within, as `test_walls` tries the first.

`python -m tests.grading.test_second_wall` runs the cases without pytest, which is how
`test_other_user` repeats them as other users.
"""

import contextlib
import dataclasses
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import helpers
from labkit import ROOT, cli, doctor
from labkit.errors import GradingError
from labkit.grading import batch
from labkit.sandbox import (
    LANDLOCK,
    Limits,
    Shell,
    Stopped,
    groups,
    landlock,
    missing_limits,
    scratch,
    second_wall,
    view,
)
from labkit.sandbox import limits as bounds
from surveys.folders import data_folder

from .test_safe_labs import _examine, _notebook
from .test_walls import (
    CALL,
    CALLS,
    CASES,
    HOARDS,
    STARTS,
    Case,
    on_a_machine_that_forbids,
    run,
)
from .toy import LAB, hand_in, make_course

pytestmark = pytest.mark.skipif(
    bool(landlock.lacking()), reason=f"no second wall here: {landlock.lacking()}"
)

#: of the first wall's cases, what is the same here in another way
OTHERWISE = {
    "cannot_write_proc_sys": "PermissionError 13",
    "cannot_write_sysrq": "PermissionError 13|FileNotFoundError 2",
    "cannot_write_its_own_oom_score": "PermissionError 13",
    "no_sockets_past_the_network_namespace": "",
}
#: and what there is not, or not like that
LEFT_OUT = {
    "is_the_first_to_go_when_memory_is_short": "a process reads nothing of itself in /proc",
    "uid_map_does_not_name_root": "no namespace of users",
    "has_no_capability": "a process reads nothing of itself in /proc; see below",
    "cannot_become_root": "who can make no other user of root stays root, without rights",
    "other_command_lines_are_not_there": "they are there and closed; see below",
    "no_setns": "there is no namespace to open; see below",
    "getuser_works": "the home folder has another name; users are not listed",
    "a_c_compiler_works": "a linker's chmod is granted, and does nothing",
    "subprocesses_and_shared_memory_work": "/dev/shm is the whole machine's, and closed",
}
TRIED = """
def tried(what, *arguments):
    try:
        print("DONE", what, what(*arguments))
    except (OSError, OverflowError) as error:
        print("no", type(error).__name__)
"""
OWN_CASES = [
    Case("nothing_of_processes_can_be_listed", TRIED + "import os\nfor p in ('/proc', '/proc/1', '/proc/self', '/proc/self/fd', '/proc/net', '/proc/1/task'): tried(os.listdir, p)\nfor p in ('/proc/1/cmdline', '/proc/self/mountinfo', '/proc/net/tcp', '/proc/net/unix', '/proc/keys', '/proc/self/environ'): tried(open, p)", "(no \\w+\n?)+"),
    Case("no_right_of_root_is_left", "import ctypes\nlibc = ctypes.CDLL(None)\nhead, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()\nprint(libc.capget(head, data), sum(data), sum(libc.prctl(47, 1, n, 0, 0) for n in range(40)))", "0 0 0"),
    Case("cannot_become_another_user", TRIED + "import os\ntried(os.setuid, 4322); tried(os.setgid, 4322); tried(os.setgroups, [4322])", "(no PermissionError\n?){3}"),
    Case("no_socket_of_any_kind_by_the_kernel", CALL + f"for f in range(46):\n    for k in (1, 2, 3, 5): print(call({CALLS.get('socket', -1)}, f, k, 0), end=' ')", "(EAFNOSUPPORT ?)+"),
    Case("no_pair_that_sends_to_others", CALL + f"import ctypes\nends = (ctypes.c_int * 2)()\nfor f, k in ((1, 1), (1, 2), (1, 3), (1, 5), (1, 2 | 0o4000), (16, 1)): print(call({CALLS.get('socketpair', -1)}, f, k, 0, ctypes.addressof(ends)), end=' ')", "done EPERM EPERM done EPERM EAFNOSUPPORT"),
    Case("no_name_for_a_socket", CALL + "\n".join(f"print(call({CALLS.get(n, -1)}, 0, 0, 0))" for n in ("bind", "connect", "listen")), "EPERM\nEPERM\nEPERM"),
    Case("no_names_that_all_processes_share", CALL + "\n".join(f"print(call({CALLS.get(n, -1)}, 0, 1, 0o1600))" for n in ("shmget", "shmat", "semget", "msgget", "msgctl", "mq_open")), "((EPERM|ENOSYS)\n?)+"),
    Case("no_flags_of_files_that_are_read", TRIED + "import fcntl, struct, sys\nwith open(sys.executable) as f:\n    for r in (0x40086602, 0x40806685, 0x401c5820, 0x40087602, 0x80086601): tried(fcntl.ioctl, f, r, bytes(200))", "(no OSError\n?)+"),
    Case("a_terminal_is_asked_for_in_vain", "import os, sys\nprint(os.isatty(0))\ntry: os.get_terminal_size(0)\nexcept OSError: print('none')", "False\nnone"),
    Case("copies_and_temporary_files_work", "import os, shutil, sys, tempfile\nwith tempfile.TemporaryDirectory() as d:\n    shutil.copy2(sys.executable, d); shutil.copytree(os.path.dirname(__import__('json').__file__), d + '/json')\n    os.rename(d + '/json', d + '/new'); os.link(d + '/new/__init__.py', d + '/l'); os.symlink('/etc', d + '/s'); os.chmod(d, 0)\n    print(len(os.listdir(d + '/new')) > 3)", "True"),
    Case("a_server_and_its_client_meet", "import http.server, threading, urllib.request, requests\nclass H(http.server.BaseHTTPRequestHandler):\n    def do_GET(self):\n        self.send_response(200); self.send_header('Content-Length', '3'); self.end_headers(); self.wfile.write(b'yes')\n    def log_message(self, *a): pass\ns = http.server.ThreadingHTTPServer(('127.0.0.1', 0), H)\nthreading.Thread(target=s.serve_forever, daemon=True).start()\nu = f'http://127.0.0.1:{s.server_port}/'\nwith urllib.request.urlopen(u) as a: print(a.read())\nprint(requests.get(u.replace('127.0.0.1', 'localhost')).text)\ns.shutdown(); s.server_close()\ntry: urllib.request.urlopen(u)\nexcept OSError as e: print(e)", r"b'yes'\nyes\n<urlopen error \[Errno 111\] Connection refused>"),
    Case("a_server_that_waits_in_vain_gives_up", "import socket\ns = socket.create_server(('127.0.0.1', 0))\ns.settimeout(0.1)\ntry: s.accept()\nexcept TimeoutError: print('late')\nc = socket.create_connection(s.getsockname(), 5); a, who = s.accept()\nc.sendall(b'x'); print(a.recv(9), who[0], c.getpeername() == s.getsockname()); c.close(); print(a.recv(9))", r"late\nb'x' 127\.0\.0\.1 True\nb''"),
    Case("more_processes_and_locks_work", "import concurrent.futures as c, multiprocessing as m\nwith c.ProcessPoolExecutor(3) as pool: print(list(pool.map(abs, [-1, -2])))\nv, q, lock = m.Value('i', 0), m.JoinableQueue(), m.RLock()\ndef add():\n    with lock, lock, v.get_lock(): v.value += 5\n    q.put(3)\np = [m.Process(target=add) for _ in range(3)]\nfor each in p: each.start()\nprint(q.get() + q.get() + q.get())\nfor each in p: each.join()\nprint(v.value, lock.acquire(timeout=1), m.Semaphore(0).acquire(timeout=0.01), m.Semaphore(2).get_value())\ntry: m.BoundedSemaphore(1).release()\nexcept ValueError: print('bounded')", r"\[1, 2\]\n9\n15 True False 2\nbounded"),
    Case("what_the_labs_import_computes", "import astropy.units as u, matplotlib.pyplot as plt, numpy as np, scipy.optimize as so, torch\nplt.plot([1, 2]); plt.savefig('a.png')\nprint(torch.linalg.det(2 * torch.eye(3)).item(), (1 * u.km).to('m').value, round(so.brentq(np.cos, 0, 3), 3))", "8.0 1000.0 1.571"),
]  # fmt: skip


def _cases():
    """The first wall's cases as they are here, and those of this wall."""
    for case in CASES:
        if case.name not in LEFT_OUT:
            code = case.code.replace("'/tmp/", "__import__('os').environ['TMPDIR'] + '/")
            prints = OTHERWISE.get(case.name, case.prints)
            yield dataclasses.replace(case, code=code, prints=prints)
    yield from OWN_CASES


@pytest.fixture(scope="module")
def shell():
    with scratch() as folder, Shell(folder, Limits(), wall=LANDLOCK) as shell:
        yield shell


@pytest.mark.parametrize("case", [*_cases()], ids=lambda case: case.name)
def test_the_second_wall_stands(case, shell):
    printed = run(shell, case.code)
    assert re.fullmatch(case.prints, printed), printed


def test_cases_that_are_left_out_are_cases_of_the_first_wall():
    assert LEFT_OUT.keys() | OTHERWISE.keys() <= {case.name for case in CASES}


# --- what lies outside ----------------------------------------------------------------------------


def test_nothing_of_the_course_can_be_read(shell, tmp_path):
    """Neither hidden tests, nor other submissions, nor the truth, nor the checkout, nor a home."""
    course = make_course(tmp_path)
    other = hand_in(course, "ada", "def double(x): return 2 * x")
    (tmp_path / "gradebook.db").write_text("marks")
    home = tmp_path / "home.txt"
    home.write_text("secret")
    files = [
        course / "solutions" / LAB / f"{LAB}.ipynb",
        course / "labs" / LAB / f"{LAB}.ipynb",
        other,
        course / "gradebook.db",
        home,
        ROOT / "SECURITY.md",
        ROOT / "src" / "labkit" / "cli.py",
        ROOT / "tests" / "grading" / "toy.py",
        *(data_folder() / "truth").glob("*"),
        Path("/etc/passwd"),
        Path("/etc/hostname"),
    ]
    folders = [
        course,
        ROOT,
        ROOT / "src",
        data_folder() / "truth",
        Path.home(),
        Path("/"),
        tmp_path,
    ]
    code = (
        f"import os, shutil\nhome = os.getcwd()\nopen('mine', 'w').close()\n"
        f"for p in {[*map(str, files)]}:\n"
        "    for way in (open, lambda p: os.open(p, os.O_WRONLY), lambda p: os.link(p, 'x'),\n"
        "                lambda p: os.rename(p, 'x'), os.unlink, lambda p: os.truncate(p, 0),\n"
        "                lambda p: os.execv(p, ['x']), shutil.copy,\n"
        "                lambda p: open(os.path.join('/proc/self/root', p[1:]))):\n"
        "        try: print('REACHED', p, way(p))\n        except (OSError, TypeError): pass\n"
        f"for p in {[*map(str, folders)]}:\n"
        "    for way in (os.listdir, lambda p: open(p + '/x', 'w'), lambda p: os.mkdir(p + '/x'),\n"
        "                lambda p: os.symlink('a', p + '/x'), lambda p: os.mkfifo(p + '/x'),\n"
        "                lambda p: os.rename('mine', p + '/x'), lambda p: os.link('mine', p + '/x'),\n"
        "                lambda p: os.open('.', 0, dir_fd=os.open(p, os.O_PATH)), os.rmdir,\n"
        "                lambda p: os.chdir(p) or os.listdir('.')):\n"
        "        try: print('REACHED', p, way(p))\n        except OSError: pass\n"
        "        os.chdir(home)\nprint('done')"
    )
    assert run(shell, code) == "done"
    assert all(path.exists() for path in files if path.name != "hostname")


def test_a_kit_and_a_course_where_python_is_are_no_part_of_what_is_read(tmp_path, monkeypatch):
    """As in a container: there is a rule for each neighbour, and none for the folder around."""
    python = tmp_path / "python"
    packages = python / "lib" / "python3.12" / "site-packages"
    course = python / "share" / "course"
    for folder in (
        packages / "labkit",
        packages / "numpy",
        course / "data",
        python / "share" / "x",
    ):
        folder.mkdir(parents=True)
    (packages / "linked").symlink_to(course)
    monkeypatch.setattr(view.sys, "base_prefix", str(python))
    monkeypatch.setattr(view.sysconfig, "get_path", lambda _: str(packages))
    monkeypatch.setattr(view, "ROOT", course)
    granted = {}
    for path, rights in second_wall.readable(view.walls(tmp_path / "shared", Limits())):
        granted[path] = granted.get(path, 0) | rights
    assert granted[packages / "numpy"] == granted[python / "share" / "x"] == landlock.READ
    assert granted[packages] == granted[python / "lib"] == landlock.READ_DIR
    closed = {packages / "labkit", packages / "linked", course, course.parent, python, tmp_path}
    assert closed & granted.keys() == set()


def test_another_sandbox_cannot_be_read_or_reached(shell):
    with scratch() as folder, Shell(folder, Limits(), wall=LANDLOCK) as two:
        run(two, "open('mine.txt', 'w').write('answer')")
        place = run(two, "import os; print(os.getcwd(), os.getpid(), os.getppid())").split()
        code = (
            f"import os\nfor way in (lambda: open({place[0]!r} + '/mine.txt'), lambda: os.listdir("
            f"{place[0]!r}), lambda: os.kill({place[1]}, 0), lambda: os.kill({place[2]}, 9),\n"
            "            lambda: os.kill(-1, 0), lambda: os.kill(os.getppid(), 9)):\n"
            "    try: print('REACHED', way())\n    except (PermissionError, ProcessLookupError): pass"
        )
        assert run(shell, code) in ("", "REACHED None")  # its own children, by -1
        assert run(two, "print(open('mine.txt').read())") == "answer"


def test_what_is_shared_is_read_and_not_written():
    with scratch() as folder:
        (folder / "given.txt").write_text("flux")
        with Shell(folder, Limits(), wall=LANDLOCK) as shell:
            place = str(folder / "given.txt")
            assert run(shell, f"print(open({place!r}).read())") == "flux"
            said = run(shell, f"open({place!r}, 'a')")
            assert said.endswith(f"PermissionError: [Errno 13] Permission denied: {place!r}")


def test_no_connection_leaves_the_sandbox(shell, tmp_path):
    """Listening outside: TCP, UDP, a Unix socket of each kind with a path, one without."""
    with contextlib.ExitStack() as stack:

        def opened(*kind, at):
            server = stack.enter_context(socket.socket(*kind))
            server.bind(at)
            if kind[1] != socket.SOCK_DGRAM:
                server.listen()
            return server

        tcp = opened(socket.AF_INET, socket.SOCK_STREAM, at=("127.0.0.1", 0))
        udp = opened(socket.AF_INET, socket.SOCK_DGRAM, at=("127.0.0.1", 0))
        path = opened(socket.AF_UNIX, socket.SOCK_STREAM, at=str(tmp_path / "s"))
        letters = opened(socket.AF_UNIX, socket.SOCK_DGRAM, at=str(tmp_path / "d"))
        abstract = opened(socket.AF_UNIX, socket.SOCK_STREAM, at=f"\0labkit-{os.getpid()}")
        places = [tcp.getsockname(), path.getsockname(), abstract.getsockname()]
        code = (
            f"import socket, _socket\nfor place in {places!r}:\n"
            "    for make in (socket.socket, _socket.socket):\n"
            "        for family in (1, 2, 10):\n"
            "            for kind in (1, 2, 5):\n"
            "                try: make(family, kind).connect(place); print('REACHED', place)\n"
            "                except (OSError, TypeError): pass\n"
            "    for pair in (socket.socketpair(), socket.socketpair(1, 5)):\n"
            "        try: pair[0].connect(place); print('REACHED', place)\n"
            "        except (OSError, TypeError): pass\n"
            f"for place in {[udp.getsockname(), letters.getsockname()]!r}:\n"
            "    for end in (*socket.socketpair(), *socket.socketpair(1, 5)):\n"
            "        try: end.sendto(b'out', place)\n"
            "        except (OSError, TypeError): pass\n"
            "try: socket.create_connection(('192.0.2.1', 80), 1)\nexcept OSError as e: print(e)\n"
            "try: socket.getaddrinfo('example.org', 80)\nexcept OSError: print('no name')"
        )
        said = run(shell, code)
        assert said == "[Errno 101] Network is unreachable\nno name"
        for server in (tcp, path, abstract, udp, letters):
            server.settimeout(0.05)
            with pytest.raises(TimeoutError):
                (server.recv if server in (udp, letters) else lambda _, s=server: s.accept())(9)


def test_the_grader_cannot_be_signalled(shell):
    code = CALL + (
        f"import signal\npid, own = {os.getpid()}, os.getpid()\n"
        "for what in (0, signal.SIGUSR1, signal.SIGKILL):\n"
        "    print(call(62, pid, what), call(200, pid, what), call(234, pid, pid, what),\n"
        "          call(129, pid, what, 0), call(424, call_open(pid), what, 0, 0))"
    ).replace("call_open(pid)", "_libc.syscall(434, pid, 0)")
    if os.uname().machine != "x86_64":
        pytest.skip("the numbers above are x86-64's")
    said = set(run(shell, code).split())
    assert said <= {"EPERM", "EFAULT", "EINVAL"}
    assert "EPERM" in said


def test_rights_limits_and_priorities_outside_stay(shell):
    """What is granted does nothing, and what cannot be is refused."""
    checks = Path(helpers.__path__[0], "checks.py").resolve()
    before = checks.stat(), os.getpriority(os.PRIO_PROCESS, 0), psutil.Process().rlimit(7)
    code = (
        f"import os, resource\np, pid = {str(checks)!r}, {os.getpid()}\nf = os.open(p, os.O_RDONLY)\n"
        "for way in (lambda: os.chmod(p, 0), lambda: os.fchmod(f, 0), lambda: os.chown(p, 7, 7),\n"
        "            lambda: os.utime(p, (1, 1)), lambda: os.setxattr(p, 'user.a', b'x'),\n"
        "            lambda: os.setpriority(os.PRIO_PROCESS, pid, 19),\n"
        "            lambda: os.sched_setaffinity(pid, {0}),\n"
        "            lambda: os.sched_setaffinity(0, {*range(64)})):\n"
        "    try: way()\n    except OSError: pass\n"
        "try: resource.prlimit(pid, resource.RLIMIT_NOFILE, (9, 9))\n"
        "except PermissionError: print('no', len(os.sched_getaffinity(0)))"
    )
    cores = min(Limits.cores, len(os.sched_getaffinity(0)))
    assert run(shell, code) == f"no {cores}"
    after = checks.stat(), os.getpriority(os.PRIO_PROCESS, 0), psutil.Process().rlimit(7)
    assert before == after


def test_nothing_of_outside_is_left_open():
    with scratch() as folder, Shell(folder, Limits(), wall=LANDLOCK) as shell:
        inside = Path("/proc", run(shell, "import os; print(os.getpid())"))
        opened = {os.readlink(link) for link in (inside / "fd").iterdir()}
        status = (inside / "status").read_text()
    assert {name.partition(":")[0] for name in opened} == {"/dev/null", "pipe"}
    assert len(opened) == 3
    assert len(re.findall(r"^Cap\w+:\t0+$", status, re.MULTILINE)) == 5
    assert re.search(r"^NoNewPrivs:\t1$", status, re.MULTILINE)
    assert re.search(r"^Seccomp:\t2$", status, re.MULTILINE)


# --- its end ----------------------------------------------------------------------------------------

STAYS = """
import os, time
out, back = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.write(back, str(os.getpid()).encode())
        time.sleep(600)
    os._exit(0)
print(os.read(out, 99).decode())
"""


def _gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_what_outlives_its_parents_ends_with_the_sandbox():
    with scratch() as folder, Shell(folder, Limits(), wall=LANDLOCK) as shell:
        left = int(run(shell, STAYS))
        assert left in bounds.family(shell._process.pid, 50)  # and is counted
        assert not _gone(left)
    assert _gone(left)


KILLED = """
import sys, time
from labkit.sandbox import LANDLOCK, Limits, Shell, scratch
from tests.grading.test_walls import run
with scratch() as folder:
    shell = Shell(folder, Limits(), wall=LANDLOCK)
    print(run(shell, sys.argv[1]), flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(
    "ends", [lambda p: p.kill(), lambda p: bounds.kill(p.pid)], ids=["alone", "with its processes"]
)
def test_what_outlives_its_parents_ends_with_the_grader(ends):
    line = [sys.executable, "-c", KILLED, STAYS]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as grader:
        left = int(grader.stdout.readline())
        ends(grader)
    for _ in range(100):
        if _gone(left):
            break
        time.sleep(0.05)
    assert _gone(left)


def test_a_fork_bomb_is_stopped_at_once():
    bomb = "import os\nwhile True:\n    os.fork()"
    with scratch() as folder, Shell(folder, Limits(processes=20), wall=LANDLOCK) as shell:
        keeper = psutil.Process(shell._process.pid)
        with pytest.raises(Stopped):
            run(shell, bomb)
        assert not keeper.is_running()


def test_scratch_is_removed_whatever_is_in_it():
    """However deep, and closed to its owner."""
    deep = (
        "import os\nos.mkdir('closed')\nopen('closed/file', 'w').close()\nos.mkdir('x', 0o300)\n"
        "os.chdir('x')\nfor _ in range(2000):\n    os.mkdir('d')\n    os.chdir('d')\nprint('made')"
    )
    with scratch() as folder, Shell(folder, Limits(), wall=LANDLOCK) as shell:
        place = Path(run(shell, "import os; print(os.getcwd())"))
        assert place.is_dir()
        assert run(shell, deep) == "made"
    assert not place.parent.parent.exists()


def test_files_on_disk_are_bounded():
    writes = (
        "import time\nfor n in range(9):\n    open(f'{n}', 'wb').write(bytes(9_000_000))\n"
        "time.sleep(5)"
    )
    with (
        scratch() as folder,
        Shell(folder, Limits(scratch=50_000_000), wall=LANDLOCK) as shell,
        pytest.raises(Stopped, match=r"wrote more than 0\.1 GB of files"),
    ):
        run(shell, writes)


@pytest.mark.parametrize("grouped", [True, False])
def test_memory_is_bounded_with_and_without_a_group(grouped, monkeypatch):
    if not grouped:  # as in a hub's pod
        monkeypatch.setattr(groups, "places", dict)
    with (
        scratch() as folder,
        Shell(folder, Limits(), wall=LANDLOCK) as shell,
        pytest.raises(Stopped, match=r"used more than 0\.5 GB"),
    ):
        run(shell, HOARDS["memory_of_many_processes_is_counted"])


# --- grading ----------------------------------------------------------------------------------------


@pytest.fixture
def lent(monkeypatch):
    """Grade where root's Python is closed to others, and so nobody can be lent, all the same."""
    monkeypatch.setattr(second_wall, "require", second_wall.user)


@pytest.mark.usefixtures("lent")
def test_marks_are_those_of_the_first_wall(tmp_path):
    course = make_course(tmp_path)
    hand_in(course, "ada", "def double(x):\n    return x + x")
    hand_in(course, "bob", "def double(x):\n    return abs(x) + abs(x)")
    hand_in(course, "forks", "import os\ndef double(x):\n    while True:\n        os.fork()")
    hand_in(course, "ends", "import os\ndef double(x): os._exit(0)")
    hand_in(course, "blank", None)
    told = []
    for wall in ("bubblewrap", LANDLOCK):
        if wall == "bubblewrap" and not _bubblewrap_starts():
            continue
        report = batch.grade(batch.Settings(course, LAB, wall=wall), force=True)
        told.append([(line.student, line.points, line.lost) for line in report])
    assert told[0] == told[-1]
    points = {student: points for student, points, _ in told[-1]}
    assert points == {"ada": 3, "bob": 1, "forks": 0, "ends": 0, "blank": 0}


def _bubblewrap_starts():
    try:
        missing_limits()
    except GradingError:
        return False
    return True


def test_the_model_of_lab_1_keeps_everything():
    """With its archive, which is a server in the notebook's own process."""
    slug = "01_apogee"
    _, verdict = _examine(slug, _notebook(slug, "solutions"), wall=LANDLOCK)
    assert [outcome.told for outcome in verdict.outcomes if outcome.told] == []
    assert all(outcome.points == outcome.points_max > 0 for outcome in verdict.outcomes)
    assert verdict.stopped == []


@pytest.mark.usefixtures("lent")
def test_it_is_never_taken_silently(tmp_path, capsys):
    course = make_course(tmp_path)
    hand_in(course, "ada", "def double(x):\n    return x + x")
    assert cli.main(["grade", LAB, "--course", str(course), "--wall", "landlock"]) == 0
    said = capsys.readouterr()
    assert "3 of 3" in said.out
    assert said.err.count("You have chosen the second wall.") == 1
    assert "SECURITY.md" in said.err
    assert batch.Settings(course, LAB).wall == "bubblewrap"


def test_a_machine_that_forbids_namespaces_can_grade(monkeypatch):
    """As in a default container; bubblewrap's error there names this wall."""
    code = (
        STARTS.replace("Shell(folder, Limits())", "Shell(folder, Limits(), wall='landlock')")
        .replace("missing_limits()", "missing_limits(wall='landlock')")
        .replace("os.listdir('/home')", "os.listdir('.')")
    )
    said = on_a_machine_that_forbids("mount 165 40\n", 0x7E020000, monkeypatch, code)
    assert said.startswith("missing: You have chosen the second wall.")
    assert re.search(r"^\d+ \[.*\]$", said, re.MULTILINE), said


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (5, "Landlock is of version 5 in this kernel"),
        (OSError(38, ""), "this kernel has no Landlock"),
        (OSError(95, ""), "left out when this machine started"),
        (OSError(1, ""), "filter of system calls forbids"),
    ],
)
def test_an_older_kernel_is_refused_with_the_reason(answer, why, monkeypatch, tmp_path, capsys):
    def call(*_):
        if isinstance(answer, OSError):
            raise answer
        return answer

    second_wall._lent.cache_clear()
    try:
        monkeypatch.setattr(landlock, "_call", call)
        assert cli.main(["grade", LAB, "--course", str(tmp_path), "--wall", "landlock"]) == 1
        said = capsys.readouterr().err
        assert said.startswith("labkit grade: the second wall does not stand on this machine: ")
        assert why in said
        assert "Linux 6.12 or newer" in said
        (finding,) = [f for f in doctor._programs() if "second wall" in f.what]
        assert why in finding.advice
    finally:
        second_wall._lent.cache_clear()


def test_root_who_can_lend_no_user_is_refused(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(second_wall, "_lent", lambda: (-1, "/root/python cannot be read"))
    monkeypatch.setattr("os.getuid", lambda: 0)
    assert cli.main(["grade", LAB, "--course", str(tmp_path), "--wall", "landlock"]) == 1
    said = capsys.readouterr().err
    assert "students' code would run as root" in said
    assert "/root/python cannot be read" in said
    assert "chmod -R go+rX" in said


@pytest.mark.usefixtures("lent")
def test_doctor_says_that_it_would_stand():
    (finding,) = [f for f in doctor._programs() if "second wall" in f.what]
    assert finding.found.startswith("would stand")


if __name__ == "__main__":  # as another user, see test_other_user
    outcome = {}
    with scratch() as place, Shell(place, Limits(), wall=LANDLOCK) as opened:
        for each in _cases():
            printed = run(opened, each.code)
            outcome[each.name] = "" if re.fullmatch(each.prints, printed) else printed
        inside = int(run(opened, "import os; print(os.getuid())"))
    print(json.dumps({"cases": outcome, "uid": inside, "missing": missing_limits(wall=LANDLOCK)}))

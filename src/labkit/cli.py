"""The `labkit` command. Exit codes: 0 done, 1 something failed (said on stderr), 2 wrong usage."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from labkit import ROOT
from surveys.errors import KitError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the `labkit` command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the command line by default.

    Returns
    -------
    int
        The exit code.
    """
    chosen = _parser().parse_args(arguments)
    try:
        return int(chosen.run(chosen))
    except KeyboardInterrupt:
        print("labkit: stopped", file=sys.stderr)
        return 1
    except (KitError, OSError) as error:
        print(f"labkit {chosen.command}: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        if str(error.name).startswith(("helpers", "labkit", "skysim", "surveys")):
            raise
        extra = "service" if chosen.command == "serve" else "course"
        print(
            f"labkit {chosen.command}: the package {error.name} is not installed. Install the kit "
            f"again with its extra `{extra}`, which brings all that this needs.",
            file=sys.stderr,
        )
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="labkit",
        description="Make, run and grade the stellar spectroscopy labs.",
        epilog="New here? `labkit doctor` says whether this machine is ready. "
        "Every command has its own --help.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")

    _add_making(commands)
    _add_grading(commands)
    _add_serving(commands)
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    about: str,
    more: str = "",
) -> argparse.ArgumentParser:
    """Add a command: what it does in a phrase, more of it for its own --help."""
    sub = commands.add_parser(
        name, help=about, description=f"{about[0].upper()}{about[1:]}. {more}"
    )
    sub.set_defaults(run=run)
    return sub


def _add_making(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add what makes the survey, the notebooks and the book."""
    data = _command(
        commands,
        "data",
        _data,
        "build or check the simulated survey",
        "Writes data/build once (some minutes) and says what each part took; does nothing when it "
        "is there and current.",
    )
    data.add_argument("--rebuild", action="store_true", help="build again even if it is current")
    data.add_argument("--check", action="store_true", help="only look; exit 1 if not in order")
    data.add_argument(
        "--secret",
        action="store_true",
        help="draw another sky for this course; its secret is kept in data/secret, and used from "
        "then on (LABKIT_SECRET sets another)",
    )
    data.add_argument(
        "--own-stars",
        action="store_true",
        help="with a secret: a mystery star for each student, found by the user name; kept in "
        "data/own_stars, and used from then on",
    )
    data.add_argument(
        "--prune",
        action="store_true",
        help="only remove from LABKIT_CACHE what labs fetched from surveys replaced since",
    )

    listed = _command(
        commands, "labs", _labs, "list the labs of a course folder, with exercises and points"
    )
    listed.add_argument("--course", type=Path, default=ROOT, help="the course folder")

    made = _command(
        commands,
        "notebooks",
        _notebooks,
        "derive the solved and the student notebooks from the scripts",
        "Edit solutions/NN_slug/NN_slug.py, then run this; never edit the notebooks.",
    )
    made.add_argument(
        "labs", nargs="*", metavar="LAB", help="for example 01_apogee; all by default"
    )
    made.add_argument("--check", action="store_true", help="only say which differ; exit 1 if any")

    walk = _command(
        commands,
        "walkthrough",
        _walkthrough,
        "run every solved lab, grade it, write the illustrated book",
        "Writes build/walkthrough/index.html and summary.json; redoes only what changed.",
    )
    walk.add_argument(
        "labs", nargs="*", metavar="LAB", help="for example 01_apogee; all by default"
    )
    walk.add_argument("--workers", type=int, help="labs run at a time (as cores and memory allow)")
    walk.add_argument(
        "--record", action="store_true", help="keep the times in docs/walkthrough.json"
    )

    _command(
        commands,
        "reference",
        _reference,
        "keep the product of lab 3 as the reference for later labs",
        "Run it after a walkthrough when lab 3, or the sky, has changed; then rebuild the survey.",
    )

    _command(commands, "doctor", _doctor, "say what this machine lacks and what to do about it")


def _add_grading(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add what proves the tests, and grades."""
    rivals = _command(
        commands,
        "rivals",
        _rivals,
        "try every rival answer on the tests, in the sandbox; print who was caught",
        "Rivals stand in tests/grading/<lab>/<exercise>.py. Exits with 1 if a right answer fails, "
        "fewer than 97 % of the wrong ones do, or one loses other tests than it names.",
    )
    rivals.add_argument(
        "labs", nargs="*", metavar="LAB", help="for example 01_apogee; all by default"
    )
    rivals.add_argument("--unsafe", action="store_true", help="without a sandbox")

    mutants = _command(
        commands,
        "mutants",
        _mutants,
        "make small slips in the model answers by machine; print which no test notices",
        "Those that no test should notice stand, with the reason, in tests/grading/<lab>/"
        "equivalent.toml. Exits with 1 if fewer than 95 % of a lab's others lose a test. Results "
        "are kept in build/mutants; only what changed since is tried again.",
    )
    mutants.add_argument(
        "labs", nargs="*", metavar="LAB", help="for example 01_apogee; all by default"
    )
    mutants.add_argument("--exercise", help="only those of this one")
    mutants.add_argument("--sample", type=int, metavar="N", help="at most so many of each exercise")
    mutants.add_argument(
        "--long",
        type=int,
        metavar="N",
        default=10,
        help="at most so many of an exercise that trains or samples for minutes (10)",
    )
    mutants.add_argument("--seed", type=int, default=0, help="draw another sample")
    mutants.add_argument(
        "--survivors", action="store_true", help="print the survivors only, without the table"
    )
    mutants.add_argument("--workers", type=int, default=1, help="how many at a time (1)")
    mutants.add_argument("--unsafe", action="store_true", help="without a sandbox")

    grade = _command(
        commands,
        "grade",
        _grade,
        "grade the submissions of one lab, each in a sandbox",
        "Reads submitted/<student>/<lab>/<lab>.ipynb in the course folder; writes the marks to "
        "gradebook.db, feedback/<student>/<lab>/<lab>.html for the student and autograded/ for the "
        "formgrader. Stopped at any time, it goes on where it was when started again.",
    )
    _add_lab(grade)
    grade.add_argument("--student", action="append", help="only this one (may be repeated)")
    grade.add_argument("--workers", type=int, default=2, help="how many at a time (2)")
    grade.add_argument(
        "--dask",
        default="",
        metavar="ADDRESS",
        help="on the cluster of this Dask scheduler instead",
    )
    grade.add_argument(
        "--seed",
        type=int,
        default=0,
        help="draw other inputs in the tests (0 is the seed of record)",
    )
    grade.add_argument(
        "--force", action="store_true", help="also those that are graded and have not changed"
    )
    how = grade.add_mutually_exclusive_group()
    how.add_argument(
        "--wall",
        choices=("bubblewrap", "landlock"),
        default="bubblewrap",
        help="what stands around students' code (bubblewrap); landlock is for machines that forbid "
        "bubblewrap's namespaces, and holds less: see SECURITY.md",
    )
    how.add_argument(
        "--unsafe",
        action="store_true",
        help="without a sandbox: students' code can read your files and the hidden tests",
    )

    drawn = _command(
        commands,
        "comments",
        _comments,
        "write a first file of reusable comments for what is graded by hand",
        "Draws comments/<lab>.toml in the course folder from the rubrics of the solved notebook. "
        "Type #key into the formgrader's comment box; the next `labkit grade` writes the text in "
        "its place, and enters its points where you gave none.",
    )
    _add_lab(drawn)

    report = _command(
        commands,
        "report",
        _report,
        "write the class report of one lab",
        "Writes reports/<lab>.html in the course folder, from the gradebook and the graded "
        "notebooks: how each exercise and test went, what is still to be graded, a row for each "
        "student. Nothing is graded or changed.",
    )
    _add_lab(report)


def _add_serving(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add what other programs ask."""
    from labkit.service import limits

    serve = _command(
        commands,
        "serve",
        _serve,
        "answer other programs over the web with what a lab has trained",
        "corona: temperature and density of a corona from its spectrum, by lab 9's network and "
        "model, which `labkit walkthrough 09_corona` makes. Other programs find what to send at "
        f"/docs and /openapi.json. Limits: a request has at most {limits.BATCH} spectra and "
        f"{limits.BODY_BYTES} bytes. There is no password: anyone who reaches the address may ask.",
    )
    serve.add_argument("what", choices=("corona",), help="which lab's product")
    serve.add_argument(
        "--host", default="127.0.0.1", help="address to listen at (127.0.0.1: this machine only)"
    )
    serve.add_argument("--port", type=int, default=8009, help="port (8009)")
    serve.add_argument(
        "--threads",
        type=int,
        default=limits.THREADS,
        help=f"spectra measured at a time ({limits.THREADS})",
    )
    serve.add_argument(
        "--waiting",
        type=int,
        default=limits.WAITING,
        help="spectra that are measured or wait, of all requests together; more are refused with "
        f"503 and the header Retry-After ({limits.WAITING})",
    )
    serve.add_argument(
        "--product", type=Path, help="lab 9's product (what the walkthrough made by default)"
    )


def _add_lab(command: argparse.ArgumentParser) -> None:
    """Let a command ask for one lab of a course."""
    command.add_argument("lab", help="for example 01_apogee")
    command.add_argument("--course", type=Path, default=ROOT, help="the course folder")


def _chosen_labs(names: Sequence[str]) -> list[str]:
    from labkit import lab_source

    for name in names:
        lab_source.script(name)
    return list(names) or lab_source.labs()


def _labs(chosen: argparse.Namespace) -> int:
    from labkit import lab_source
    from labkit.errors import CourseError

    course = chosen.course.resolve()
    slugs = lab_source.labs(course)
    if not slugs:
        raise CourseError(
            f"no labs in {course}: there is no solutions/NN_slug/NN_slug.py.",
            "Name the course folder with --course, or set LABKIT_COURSE.",
        )
    print(table([vars(lab_source.outline(slug, course)) for slug in slugs]))
    return 0


def _data(chosen: argparse.Namespace) -> int:
    from labkit import secret
    from skysim.survey import build, check, mystery_stars
    from surveys.folders import survey_folder

    folder = survey_folder()
    if chosen.prune:
        return _prune()
    if chosen.check:
        try:
            found = check.check(folder)
        except ValueError as problem:
            print(f"labkit data: {problem}", file=sys.stderr)
            return 1
        print(f"{folder}: in order ({', '.join(f'{n} {what}' for what, n in found.items())})")
        return 0
    seed = build.seed_of(secret.draw_secret() if chosen.secret else secret.course_secret())
    if chosen.own_stars:
        secret.keep_own_stars()
    if build.is_current(folder, seed) and not chosen.rebuild:
        print(f"{folder}: there and current (simulated; --rebuild makes it anew)")
    else:
        _build(folder, seed)
    if secret.own_stars_file().is_file() and not mystery_stars.is_current(folder, seed):
        stars = mystery_stars.add(folder, seed)
        print(f"{stars} mystery stars: a student's name decides which is theirs")
    return 0


def _build(folder: Path, seed: int) -> None:
    """Make the survey, and print what each part took."""
    from skysim.survey import build

    made = build.build(folder, seed, progress=sys.stderr.isatty())
    print(
        f"{folder}: {made['stars']} simulated stars in {made['rows']} rows, "
        f"{made['bytes'] / 1e6:.0f} MB, {made['seconds']:.0f} s"
    )
    rows = [
        {
            "part": name,
            "seconds": f"{part['seconds']:.0f}",
            "MB": f"{part['bytes'] / 1e6:.0f}",
            "made": ", ".join(f"{count} {what}" for what, count in part["counts"].items()),
        }
        for name, part in made["parts"].items()
    ]
    print(table(rows))
    print(
        f"memory: {made['peak_memory_bytes'] / 1e9:.2f} GB at most (largest resident set of the "
        f"main process plus {made['workers']} times that of the largest worker, getrusage)"
    )


def _prune() -> int:
    from surveys.archives import old_caches
    from surveys.folders import cache_folder

    old = old_caches()
    for folder in old:
        size = sum(p.lstat().st_size for p in folder.rglob("*") if not p.is_dir())
        shutil.rmtree(folder)
        print(f"removed {folder}: {size / 1e6:.0f} MB")
    if not old:
        print(f"{cache_folder()}: nothing of an earlier survey in it")
    return 0


def _notebooks(chosen: argparse.Namespace) -> int:
    from labkit import notebooks

    slugs = _chosen_labs(chosen.labs)
    if chosen.check:
        stale = notebooks.stale(slugs)
        for path in stale:
            print(f"differs from its source: {path.relative_to(ROOT)}")
        return 1 if stale else 0
    changed = notebooks.derive(slugs)
    for path in changed:
        print(f"written: {path.relative_to(ROOT)}")
    if not changed:
        print("all notebooks follow their sources")
    return 0


def _walkthrough(chosen: argparse.Namespace) -> int:
    from labkit.book import walkthrough

    started = time.perf_counter()

    def report(said: str) -> None:
        minutes, seconds = divmod(int(time.perf_counter() - started), 60)
        print(f"{minutes:3d}:{seconds:02d}  {said}", flush=True)

    rows = walkthrough.walkthrough(_chosen_labs(chosen.labs), report=report, workers=chosen.workers)
    if chosen.record:
        kept = ROOT / walkthrough.RECORDED
        kept.write_text((ROOT / "build" / "walkthrough" / "summary.json").read_text())
    print()
    print(table([{**vars(row)} for row in rows]))
    print(f"processor time of the labs: {sum(row.cpu_seconds for row in rows):.0f} s")
    print(f"\nopen {ROOT / 'build' / 'walkthrough' / 'index.html'}")
    wrong = [r for r in rows if r.points_model != r.points_max or r.points_blank != 0]
    for row in wrong:
        print(f"labkit: {row.lab}: model {row.points_model} of {row.points_max}, ", file=sys.stderr)
        print(f"blank {row.points_blank} of 0", file=sys.stderr)
    return 1 if wrong else 0


def _reference(chosen: argparse.Namespace) -> int:
    from labkit import reference

    path = reference.write()
    print(f"written: {path.relative_to(ROOT)}; now `labkit data`, and commit it")
    return 0


def _doctor(chosen: argparse.Namespace) -> int:
    from labkit import doctor

    findings = list(doctor.examine())
    for finding in findings:
        sign = "ok  " if not finding.advice else ("FAIL" if finding.needed else "note")
        print(f"{sign}  {finding.what}: {finding.found}")
        if finding.advice:
            print(f"      -> {finding.advice}")
    return 1 if any(finding.advice and finding.needed for finding in findings) else 0


def _require_sandbox(chosen: argparse.Namespace) -> None:
    from labkit import sandbox

    sandbox.require_linux(without_sandbox=chosen.unsafe)
    if not chosen.unsafe:
        sandbox.require_bubblewrap()


def _mutants(chosen: argparse.Namespace) -> int:
    from tqdm.auto import tqdm

    from labkit.grading import mutants, trial

    _require_sandbox(chosen)
    good = True
    for slug in _chosen_labs(chosen.labs):
        made = mutants.of_lab(slug, only=chosen.exercise)
        drawn = mutants.sample(made, mutants.most(slug, chosen.sample, chosen.long), chosen.seed)
        equivalent = mutants.equivalents(slug)
        tried = [mutant for mutant in drawn if mutant.key not in equivalent]
        killers = trial.killers(
            slug,
            tried,
            workers=chosen.workers,
            unsafe=chosen.unsafe,
            kept=ROOT / "build" / "mutants" / f"{slug}.jsonl",
        )
        shown = tqdm(
            killers, slug, len(tried), unit="mutant", disable=not sys.stderr.isatty(), leave=False
        )
        result = mutants.Result.of(made, drawn, equivalent, dict(shown))
        good = good and result.share >= mutants.KILL_SHARE
        if not chosen.survivors:
            print(table(result.table()))
            print(f"{slug}: {result}")
        for mutant in result.survivors:
            print(mutant)
    return 0 if good else 1


def _rivals(chosen: argparse.Namespace) -> int:
    from tqdm.auto import tqdm

    from labkit.grading import rivals

    _require_sandbox(chosen)
    lost = {}
    for slug in _chosen_labs(chosen.labs):
        with rivals.Lab(slug, unsafe=chosen.unsafe) as lab:
            listed = rivals.read(slug)
            for rival in tqdm(listed, desc=slug, unit="rival", disable=not sys.stderr.isatty()):
                lost[rival] = lab.lost(rival.code)
                if lost[rival] != rival.loses:
                    names = ", ".join(sorted(lost[rival])) or "nothing"
                    print(f"{rival}: loses {names}", file=sys.stderr)
    rows = rivals.table(lost)
    said, good = rivals.verdict(rows)
    print(table(rows))
    print(said)
    return 0 if good else 1


def _grade(chosen: argparse.Namespace) -> int:
    from labkit import sandbox
    from labkit.grading import batch, feedback

    settings = batch.Settings(
        chosen.course.resolve(),
        chosen.lab,
        unsafe=chosen.unsafe,
        wall=chosen.wall,
        seed=chosen.seed,
    )
    if not (chosen.unsafe or chosen.dask):
        sandbox.require(chosen.wall)
        if missing := sandbox.missing_limits(wall=chosen.wall):
            print(f"labkit: {missing}", file=sys.stderr)
    report = batch.grade(
        settings,
        chosen.student,
        count=chosen.workers,
        dask=chosen.dask,
        force=chosen.force,
        progress=sys.stderr.isatty(),
    )
    rows = [
        {
            "student": feedback.printable(line.student, 40),
            "points": f"{line.points:g} of {line.points_max:g}",
            **({"given": f"{line.given:g}"} if any(each.given for each in report) else {}),
            "by hand": f"{line.by_hand:g}",
            **({"late": f"-{line.late:g}"} if any(each.late for each in report) else {}),
            "seconds": f"{line.seconds:.1f}",
            "peak MB": f"{line.peak_mb:.0f}",
            "repairs": len(line.repairs),
            "lost": ", ".join(line.lost) or ("" if line.again else "unchanged, not graded again"),
        }
        for line in report
        if not line.error
    ]
    if rows:
        print(table(rows))
    for line in report:
        for said in (*line.repairs, *line.stopped, *line.unknown):
            print(f"{feedback.printable(line.student, 40)}: {said}")
    failed = [line for line in report if line.error]
    for line in failed:
        said = feedback.printable(line.error)
        print(f"{feedback.printable(line.student, 40)} not graded: {said}", file=sys.stderr)
    return 1 if failed else 0


def _comments(chosen: argparse.Namespace) -> int:
    from labkit.grading import rubrics

    print(f"written: {rubrics.write(chosen.course.resolve(), chosen.lab)}")
    return 0


def _report(chosen: argparse.Namespace) -> int:
    from functools import partial

    from tqdm.auto import tqdm

    from labkit.grading import report

    bar = partial(
        tqdm, desc=chosen.lab, unit="notebook", disable=not sys.stderr.isatty(), leave=False
    )
    print(f"written: {report.write(chosen.course.resolve(), chosen.lab, bar)}")
    return 0


def _serve(chosen: argparse.Namespace) -> int:
    from labkit.service import product
    from labkit.service.app import create_app, serve

    read = product.read(chosen.product or product.DEFAULT)
    app = create_app(read, chosen.threads, chosen.waiting)

    def say(address: str) -> None:
        print(f"corona: {address}, described at {address}/docs; stop with Ctrl-C", flush=True)

    # Ctrl-C is how it ends
    with contextlib.suppress(KeyboardInterrupt):
        serve(app, chosen.host, chosen.port, say)
    return 0


def table(rows: list[dict[str, object]]) -> str:
    """Return rows of one form as lines of text."""
    if not rows:
        return "no labs"
    lines = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


if __name__ == "__main__":
    sys.exit(main())

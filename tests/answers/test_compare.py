from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from elm_app.answers import compare
from elm_app.answers.compare import Comparer, comparer
from elm_app.core.errors import ElmError

ROOT = Path(__file__).resolve().parents[2]
TOWER = "9^{9^{9^{9^9}}}"

# After math-verify's own tests and the forms its README names.
EQUIVALENT = [
    ("1/2", "0.5"),
    (r"\frac{1}{3}", "0.333333"),
    (r"\sqrt{8}", r"2\sqrt{2}"),
    (r"\frac{1}{\sqrt2}", r"\frac{\sqrt{2}}{2}"),
    (r"\frac{\sqrt{3}}{3}", r"\frac{1}{\sqrt 3}"),
    ("(a+5)(b+2)", "ab + 2a + 5b + 10"),
    ("x^2 + 2x + 1", "(x+1)^2"),
    ("10^5", "100000"),
    (r"6.72\times10^{-5}", ".0000672"),
    ("3!", "6"),
    (r"\binom{5}{2}", "10"),
    (r"\sin^2 x + \cos^2 x", "1"),
    ("6 - 5i", "-5i + 6"),
    (r"1 \pm \sqrt{19}", r"1+\sqrt{19}, 1-\sqrt{19}"),
    (r"\{1\pm\sqrt{5},-2\}", r"\{-2, 1-\sqrt5, 1+\sqrt5\}"),
    ("1,-2", "-2,1"),
    (r"\{1,2\}", r"2, 1"),
    (r"2 \text{ or } 3", "2, 3"),
    (r"-3 \text{ and } 5", "-3,5"),
    (r"\emptyset", r"\{\}"),
    ("(3,4]", r"\left( 3, \frac{8}{2} \right]"),
    (r"(-\infty, 2) \cup (3, \infty)", r"(3,\infty) \cup (-\infty,2)"),
    (r"x \in [-2,7]", "[-2, 7.0]"),
    ("(6,31,-1)", r"(6, \frac{62}{2}, -1)"),
    (r"\left( 3, \frac{\pi}{2} \right)", r"(3, \pi/2)"),
    (r"\begin{pmatrix} 1/5 \\ -18/5 \end{pmatrix}", r"\begin{bmatrix} 0.2 \\ -3.6 \end{bmatrix}"),
    (r"\begin{pmatrix} -1 & 0 \\ 0 & -1 \end{pmatrix}", r"-\begin{pmatrix} 1 & 0 \\ 0 & 1 \end{pmatrix}"),
    ("50%", "0.5"),
    (r"50\%", "50"),
    (r"12\pi \text{ cm}^2", r"12 \pi"),
    (r"864 \mbox{ inches}^2", "864"),
    (r"90^\circ", r"90 \text{ degrees}"),
    (r"137 \frac{1}{2}", r"\frac{275}{2}"),
    ("x = 5", "5"),
    ("2x + 2y = 2", "x + y = 1"),
    ("x > 3", "3 < x"),
    ("y = -2x", "-2x"),
    (r"\text{(C)}", "C"),
    (r"\text{east}", "East"),
    (r"\frac{11+9a}{20}", "0.55 + 0.45a"),
]
DIFFERENT = [
    ("5", "6"),
    ("5", "-5"),
    (r"\frac{1}{2}", "2"),
    ("0.33", r"\frac13"),
    (".0000672", ".0000671"),  # math-verify alone rounds both to 0.000067
    ("(1,2)", "(2,1)"),
    ("(1,2)", "(1,2]"),
    ("(1,2)", "[1,2]"),
    ("(1,2,3)", "(1,2,4)"),
    (r"\{1,2\}", r"\{1,3\}"),
    ("1,234", "1, 234"),
    (r"\sqrt{2}", "1.414"),
    (r"\pi", "3.14"),
    (r"\infty", r"-\infty"),
    (r"90^\circ", r"\frac{\pi}{2}"),
    ("x + 1", "x - 1"),
    ("x > 3", "x < 3"),
    ("x > 3", r"x \ge 3"),
    ("1 + 2i", "1 - 2i"),
    (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{pmatrix} 2 \\ 1 \end{pmatrix}"),
    ("0", r"\emptyset"),
    ("52_8", "52_9"),  # math-verify ignores the base
    ("east", "seat"),  # and multiplies letters
    ("yes", "no"),
    ("A", "B"),
    ("5 million", "5"),
    (r"\text{cannot be determined}", "5"),
    (r"\unknown{5}", "5"),  # an answer is read as a whole or not at all
    (r"\frac{1}{2} {", r"\frac12"),
]


def both_ways(asker: Comparer, a: str, b: str) -> bool:
    result = asker.equivalent(a, b)
    assert asker.equivalent(b, a) is result
    return result


@pytest.mark.parametrize(("a", "b"), EQUIVALENT)
def test_equivalent(asker: Comparer, a: str, b: str) -> None:
    assert both_ways(asker, a, b)
    assert asker.timeouts == 0


@pytest.mark.parametrize(("a", "b"), DIFFERENT)
def test_different(asker: Comparer, a: str, b: str) -> None:
    assert not both_ways(asker, a, b)
    assert asker.timeouts == 0


@pytest.mark.parametrize(
    ("interval", "inequality"), [("(1,2)", "1 < x < 2"), (r"(3,\infty)", "x > 3"), ("[-2,7]", r"-2 \le x \le 7")]
)
def test_an_interval_is_the_inequality_that_says_the_same(asker: Comparer, interval: str, inequality: str) -> None:
    from math_verify import parse, verify

    first, second = parse(f"${interval}$"), parse(f"${inequality}$")
    assert verify(first, second) != verify(second, first)  # the trap is still there
    assert both_ways(asker, interval, inequality)


def test_every_answer_equals_itself(asker: Comparer) -> None:
    for pair in EQUIVALENT + DIFFERENT:
        assert all(asker.equivalent(answer, answer) for answer in pair)


@pytest.mark.parametrize("blank", ["", " ", "$$", "\n"])
def test_blank_equals_nothing(asker: Comparer, blank: str) -> None:
    assert not asker.equivalent(blank, blank)
    assert not both_ways(asker, blank, "5")


@pytest.mark.parametrize(
    "odd",
    [
        "\x00",
        "\ud800",
        "}",
        "{",
        "\\",
        "\\boxed{5}",
        "%",
        "_",
        "^",
        "&",
        "#",
        "\u2028",
        "'",
        '"',
        "\\\\",
        "{" * 300,
        "((" * 200,
        "x" * 5000,
        "😀",
    ],
)
def test_odd_answers(asker: Comparer, odd: str) -> None:
    both_ways(asker, odd, "6")
    both_ways(asker, odd, "x + 1")
    assert asker.equivalent("(x+1)^2", "x^2+2x+1")


def test_numbers_and_equal_keys_need_no_worker() -> None:
    with Comparer() as fresh:
        assert fresh.equivalent("1/2", r"\frac12")
        assert not fresh.equivalent("5", "6")
        assert not fresh.equivalent(r"\text{east}", "west")
        assert fresh._worker is None
        assert fresh.asked == 0


def test_answers_are_remembered() -> None:
    with Comparer(timeout=30) as fresh:
        for _ in range(3):
            assert both_ways(fresh, r"\sqrt{8}", r"2\sqrt{2}")
        assert fresh.asked == 1


@pytest.mark.parametrize("endless", [TOWER, "((((9!)!)!)!)!"])
def test_a_comparison_that_hangs_is_cut_off(endless: str) -> None:
    with Comparer(timeout=1) as fresh:
        fresh.start()
        begun = time.monotonic()
        assert not fresh.equivalent(endless, r"\sqrt{8}")
        assert fresh.timeouts == 1
        assert time.monotonic() - begun < 30
        assert not fresh.equivalent(endless, r"\sqrt{7}")  # the culprit is known and costs nothing more
        assert not fresh.equivalent(endless, r"\sqrt{8}")
        assert fresh.asked == 1
        assert fresh.timeouts == 1
        assert fresh.equivalent(endless, f" ${endless}$ ")  # its own spelling needs no algebra


def test_the_next_comparison_works() -> None:
    with Comparer(timeout=3) as fresh:
        assert not fresh.equivalent(TOWER, r"\sqrt{8}")
        assert fresh.equivalent(r"\sqrt{8}", r"2\sqrt{2}")  # not held against the innocent one
        assert fresh.timeouts == 1


def test_a_worker_killed_from_outside_is_replaced() -> None:
    with Comparer(timeout=30) as fresh:
        assert fresh.equivalent(r"\sqrt{8}", r"2\sqrt{2}")
        assert fresh._worker
        os.kill(fresh._worker.pid, signal.SIGKILL)
        fresh._worker._process.wait()
        assert fresh.equivalent(r"\sqrt{12}", r"2\sqrt{3}")
        assert fresh.timeouts == 0


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit address space")
def test_memory_is_bounded() -> None:
    take = f"""
import runpy
names = runpy.run_path({str(compare._SCRIPT)!r})
names["_guard"]()
try:
    bytearray(names["MEMORY"])
except MemoryError:
    print(names["same"]("x + 1", "1 + x"))
"""
    assert (
        subprocess.run([sys.executable, "-P", "-c", take], capture_output=True, text=True, check=True).stdout
        == "True\n"
    )


def test_threads(asker: Comparer) -> None:
    pairs = [(rf"\sqrt{{{4 * n}}}", rf"2\sqrt{{{n + wrong}}}", not wrong) for n in range(5, 25) for wrong in (0, 1)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda pair: asker.equivalent(pair[0], pair[1]), pairs * 3))
    assert results == [expected for _, _, expected in pairs] * 3


def test_close_is_harmless() -> None:
    fresh = Comparer(timeout=30)
    fresh.close()
    fresh.start()
    assert fresh._worker
    process = fresh._worker._process
    fresh.close()
    fresh.close()
    assert process.returncode is not None
    assert fresh.equivalent(r"\sqrt{8}", r"2\sqrt{2}")
    fresh.close()


def test_starting_takes_no_time_and_happens_once() -> None:
    with Comparer(timeout=30) as fresh:
        fresh.start()
        first = fresh._worker
        assert first
        assert not first._ready
        fresh.start()
        assert fresh._worker is first
        assert fresh.equivalent(r"\sqrt{8}", r"2\sqrt{2}")
        assert fresh._worker is first


def test_a_worker_that_cannot_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "worker.py"
    broken.write_text("raise SystemExit(3)")
    monkeypatch.setattr(compare, "_SCRIPT", broken)
    with Comparer() as fresh:
        for _ in range(2):
            with pytest.raises(ElmError, match="did not start"):
                fresh.equivalent("x + 1", "1 + x")
    broken.write_text("import time; time.sleep(60)")
    with Comparer(start_timeout=0.5) as fresh, pytest.raises(ElmError, match="did not start"):
        fresh.equivalent("x + 1", "1 + x")


def test_an_interrupt_leaves_no_stale_reply() -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with Comparer(timeout=60) as fresh:
        assert fresh.equivalent(r"\sqrt{8}", r"2\sqrt{2}")
        before = signal.signal(signal.SIGALRM, interrupt)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            with pytest.raises(KeyboardInterrupt):
                fresh.equivalent(TOWER, "x + 1")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert not fresh.equivalent("x + 1", "x + 2")
        assert fresh.equivalent("x + 1", "1 + x")
        assert fresh.timeouts == 0  # neither had to wait for the interrupted one


def test_shared() -> None:
    assert comparer() is comparer()
    found: list[Comparer] = []
    threads = [threading.Thread(target=lambda: found.append(comparer())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {comparer()}


USES = r"""
from elm_app.answers.compare import comparer
print("main")
comparer().start()
print(comparer().equivalent(r"\sqrt{8}", r"2\sqrt{2}"), comparer().equivalent(r"\sqrt{8}", r"3\sqrt{2}"))
import sys
print(sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "numpy", "sympy", "math_verify", "gradio"}))
"""


@pytest.mark.parametrize("how", ["-c", "stdin", "script", "module"])
def test_any_main_module(how: str, tmp_path: Path) -> None:
    """A main module without a guard, as from any place: it must run once, and load nothing heavy."""
    (tmp_path / "torch.py").write_text("raise SystemExit('torch was imported')")
    (tmp_path / "unguarded.py").write_text(USES)
    arguments = {"-c": ["-c", USES], "stdin": ["-"], "script": ["unguarded.py"], "module": ["-m", "unguarded"]}[how]
    done = subprocess.run(
        [sys.executable, *arguments],
        input=USES if how == "stdin" else "",
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=120,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["main", "True False", "[]"]


def test_the_worker_imports_neither_torch_nor_this_package() -> None:
    look = f"""
import runpy, sys
runpy.run_path({str(compare._SCRIPT)!r})["same"]("x", "y")
print(sorted({{name.partition(".")[0] for name in sys.modules}} & {{"torch", "transformers", "gradio", "elm_app"}}))
"""
    assert (
        subprocess.run([sys.executable, "-P", "-c", look], capture_output=True, text=True, check=True).stdout == "[]\n"
    )


def running(pid: int) -> bool:
    """Whether a process runs; one that waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_no_orphan_after_the_parent_is_killed(busy: bool) -> None:
    script = f"""
import time
from elm_app.answers.compare import Comparer
comparer = Comparer(timeout=3)
assert comparer.equivalent("x + 1", "1 + x")
print(comparer._worker.pid, flush=True)
{f"comparer.equivalent({TOWER!r}, 'x + 1')" if busy else ""}
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert parent.stdout
    with parent.stdout:
        pid = int(parent.stdout.readline())
        time.sleep(1 if busy else 0)
        assert running(pid)
        parent.kill()
        parent.wait()
    end = time.monotonic() + 20
    while running(pid) and time.monotonic() < end:
        time.sleep(0.05)
    survived = running(pid)
    if survived:
        os.kill(pid, signal.SIGKILL)
    assert not survived

"""Feed the targets what no test thought of, led by coverage; `make fuzz`.

    python -m tests.fuzz [SECONDS]          fuzz every target, SECONDS in all (60)
    python -m tests.fuzz replay TARGET HEX  feed one input again, without a fuzzer

Exit status 1 when an input broke a promise; it is printed, with how to replay it.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

# In the order in which they run.
NAMES = ("wire", "values", "authority", "handshake")

# One input may take this long, and the process this much memory: what takes more is a find.
SECONDS_PER_INPUT = 10
MEMORY_MIB = 2048

INPUT_LIMIT = 8192


def main(argv: list[str]) -> int:
    """Do what the command line says."""
    if argv[:1] == ["replay"]:
        return replay(argv[1], bytes.fromhex(argv[2]))
    if argv[:1] == ["--one"]:
        return fuzz(argv[1], argv[2], argv[3])
    return fuzz_all(float(argv[0]) if argv else 60.0)


def fuzz_all(seconds: float) -> int:
    """Fuzz one target after the other, each in a process of its own."""
    share = max(1, round(seconds / len(NAMES)))
    return max([fuzz_in_process(name, share) for name in NAMES])


def fuzz_in_process(name: str, seconds: int) -> int:
    """Fuzz a target; show how far it came, or what it found."""
    from tests.fuzz.seeds import seeds

    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        for number, seed in enumerate(seeds(name)):
            (corpus / f"seed-{number}").write_bytes(seed)
        done = subprocess.run(
            [sys.executable, "-m", "tests.fuzz", "--one", name, folder, str(seconds)],
            capture_output=True,
            text=True,
            errors="backslashreplace",
            check=False,
        )
        if done.returncode == 0:
            print(f"{name}: {_last_words(done.stderr)}", flush=True)
            return 0
        print(done.stdout + done.stderr)
        for found in sorted(Path(folder).glob("found-*")):
            print(f"{name}: this input broke a promise. To feed it again:")
            print(f"    python -m tests.fuzz replay {name} {found.read_bytes().hex()}", flush=True)
        return 1


def _last_words(text: str) -> str:
    lines = [line for line in text.splitlines() if line.startswith(("Done", "#"))]
    return lines[-1] if lines else "no word from the fuzzer"


def fuzz(name: str, folder: str, seconds: str) -> int:
    """Fuzz a target in this process until the time is up, or an input breaks a promise."""
    import atheris

    with atheris.instrument_imports(include=["remotesvc"]):
        from tests.fuzz.targets import TARGETS
    options = [
        f"-max_total_time={seconds}",
        f"-timeout={SECONDS_PER_INPUT}",
        f"-rss_limit_mb={MEMORY_MIB}",
        f"-max_len={INPUT_LIMIT}",
        f"-artifact_prefix={folder}/found-",
        f"{folder}/corpus",
    ]
    atheris.Setup([sys.argv[0], *options], TARGETS[name])
    atheris.Fuzz()
    return 0


def replay(name: str, data: bytes) -> int:
    """Feed one input; what is wrong shows as a traceback."""
    from tests.fuzz.targets import TARGETS

    TARGETS[name](data)
    print(f"{name}: this input keeps all promises")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

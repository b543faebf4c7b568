"""Serve this machine's binaries as their publishers would, to rehearse a first start.

``python -m tests.releases`` takes what KUBEBUILDER_ASSETS or the cache holds, lays it out in a
temporary folder and serves it on loopback until Ctrl-C. It prints what to type beside it.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from pathlib import Path

from onemachine.binaries import COMPONENTS, find
from onemachine.binaries.mirror import MIRROR_VARIABLE
from tests.releases.server import ReleaseServer
from tests.releases.tree import lay_out


def main() -> None:
    """Lay out and serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.releases", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0: any free one")
    port = parser.parse_args().port
    with tempfile.TemporaryDirectory(prefix="releases-") as folder:
        root = Path(folder)
        for component in COMPONENTS.values():
            for path in lay_out(root, component, find(component.name)):
                print(f"{path.stat().st_size / 1e6:6.0f} MB  {path.relative_to(root)}", flush=True)
        server = ReleaseServer(root, port)
        print(
            "\nserving. In another shell, for a first start from an empty cache:\n"
            f"  {MIRROR_VARIABLE}={server.url} SRECTL_CACHE_DIR=$(mktemp -d) make demo",
            flush=True,
        )
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
        server.server_close()


if __name__ == "__main__":
    main()

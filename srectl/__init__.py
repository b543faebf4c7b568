"""srectl: the operator's tool of the SRE platform."""

import sys
from pathlib import Path

#: What is slow to import and hardly ever needed; each module in it says why.
LAZILY = Path(__file__).with_name("lazily")

if str(LAZILY) not in sys.path:
    sys.path.insert(0, str(LAZILY))

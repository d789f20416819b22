"""``python -m zkinfer._bench._child ...``: the command line, then its peak memory in MB.

The process measures itself: what the kernel tells a parent (ru_maxrss) starts from the memory of
the parent.
"""

import sys

from zkinfer._cli import main
from zkinfer._ezkl._worker import peak_mb

status = main()
print(f"\n{peak_mb()}")
sys.exit(status)

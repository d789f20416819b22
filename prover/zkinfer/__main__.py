"""``python -m zkinfer``: the command line."""

import sys

from zkinfer._cli import main

sys.exit(main())

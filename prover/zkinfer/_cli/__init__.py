"""The command line: the Python functions with the same names and the same defaults."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from zkinfer._cli._parser import build_parser
from zkinfer._cli._screen import Screen
from zkinfer._errors import error_classes
from zkinfer_circuits import ZkinferError

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130

__all__ = ["error_classes", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status.

    0 done, 1 a proof that does not verify, 2 the user's input was wrong, 3 the environment is
    wrong, 130 interrupted.
    """
    options = build_parser().parse_args(arguments)
    screen = Screen(json_wanted=options.json)
    try:
        return int(options.run(options, screen))
    except ZkinferError as error:
        screen.failure(error)
        return error.exit_status
    except KeyboardInterrupt:
        screen.note("interrupted; nothing half-written was left")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())

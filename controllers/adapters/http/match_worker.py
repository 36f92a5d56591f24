"""The process that searches: `[pattern, text]` as one line of JSON in, `true` or `false` as one line out.

Run as a file, with nothing but the standard library, so that it starts within milliseconds.
"""

import json
import re
import signal
import sys

# The controller kills a slow search long before; this is for a controller that was killed itself.
_GIVE_UP_SECONDS = 10


def main() -> None:
    """Answer until the input ends."""
    for line in sys.stdin.buffer:
        pattern, text = json.loads(line)
        signal.alarm(_GIVE_UP_SECONDS)
        sys.stdout.write("true\n" if re.search(pattern, text) else "false\n")
        signal.alarm(0)
        sys.stdout.flush()


if __name__ == "__main__":
    main()

"""One worker process of a benchmark: delivers until it is told that all is planned and nothing
is ready any more, and then tells what it took."""

import json
import resource
import select
import sys
import time

import django


def main() -> None:
    django.setup()
    # Django has to be set up first.
    from digest.delivery.run import deliver  # noqa: PLC0415
    from digest.delivery.sender import Tally  # noqa: PLC0415

    print("ready", flush=True)
    start, tally, is_all_planned = time.process_time(), Tally(), False
    while not is_all_planned:
        is_all_planned = bool(select.select([sys.stdin], [], [], 0.02)[0])
        tally.add(deliver(seconds=3600))
    json.dump(
        {
            "sent": tally.states["sent"],
            "cpu": time.process_time() - start,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()

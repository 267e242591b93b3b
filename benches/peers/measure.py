"""Shared by all peers: a registry of workloads, and the clock.

    PYTHON SCRIPT.py [WORKLOAD ...] [--warm N] [--repeats N]

prints a JSON line for each workload: its name, the library, and the median and the minimum of its runs in
milliseconds. With --serve a script reads requests, one JSON object per line, and answers each with such a line plus
the time of every run. This is how `compare` takes turns with it.
"""

import argparse
import gc
import json
import statistics
import sys
import time

_prepare = {}


def workload(name, lib, warm, repeats):
    """Registers a function that makes the inputs and returns the step to be timed."""

    def register(prepare):
        _prepare[name, lib] = (prepare, warm, repeats)
        return prepare

    return register


def _times(step, warm, repeats):
    for _ in range(warm):
        step()
    gc.collect()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        step()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def _report(name, lib, times):
    median = statistics.median_high(times)
    return {"workload": name, "lib": lib, "ms": round(median, 4), "min_ms": round(min(times), 4)}


def _serve():
    ready = {}  # prepared steps, kept between requests
    for line in sys.stdin:
        request = json.loads(line)
        key = name, lib = request["workload"], request["lib"]
        try:
            if key not in ready:
                ready[key] = _prepare[key][0]()
            times = _times(ready[key], request["warm"], request["repeats"])
            answer = _report(name, lib, times) | {"times_ms": times}
        except Exception as error:  # the other workloads may still be measured
            answer = {"workload": name, "lib": lib, "error": f"{type(error).__name__}: {error}"}
        if request["last"]:
            ready.pop(key, None)
        print(json.dumps(answer), flush=True)


def _resident(field):
    """A line of this process's status as Linux reports it, in MiB."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith(field))


def _memory(name):
    before = _resident("VmRSS")
    step = next(prepare for (known, _), (prepare, _, _) in _prepare.items() if known == name)()
    step()
    step()
    print(before, _resident("VmHWM"))


def main():
    names = sorted({name for name, _ in _prepare})
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"any of: {', '.join(names)} (default: all)")
    parser.add_argument("--warm", type=int, metavar="N", help="runs before the clock starts")
    parser.add_argument("--repeats", type=int, metavar="N", help="runs that are timed")
    parser.add_argument("--serve", action="store_true", help="answer requests, one per line")
    parser.add_argument("--memory", metavar="WORKLOAD", help="print MiB resident before the work, and the peak after two runs")
    args = parser.parse_args()
    for name in args.workloads:
        if name not in names:
            parser.error(f"there is no workload {name} here")
    if args.memory:
        _memory(args.memory)
        return
    if args.serve:
        _serve()
        return
    for (name, lib), (prepare, warm, repeats) in _prepare.items():
        if not args.workloads or name in args.workloads:
            warm = warm if args.warm is None else args.warm
            times = _times(prepare(), warm, args.repeats or repeats)
            print(json.dumps(_report(name, lib, times)), flush=True)

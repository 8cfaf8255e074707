#!/usr/bin/env python3
"""run.py -- starts the release server on a free port, runs every workload of base_load against it, prints one table.

    run.py --server build/signalbox --load build/base_load [--seconds 5] [--connections 64] [--threads 2] [--fronts 1]
SPDX-License-Identifier: Apache-2.0
"""
import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# What it is, and the name the load generator knows it by. The reads come last: they find what the others left.
WORKLOADS = [("tracker, 1 event a POST", "tp2x1"), ("tracker, 10 events a POST", "tp2x10"),
             ("msgpack, 100 events a POST", "msgpackx100"), ("read a service of 19 attributes", "read")]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_ready(server, port):
    for _ in range(500):
        if server.poll() is not None:
            sys.exit("the server ended; see above")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.02)
    sys.exit("the server does not answer")


def resident_mib(pid):
    with open(f"/proc/{pid}/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--server", default=os.path.join(TOP, "build", "signalbox"))
    options.add_argument("--load", default=os.path.join(TOP, "build", "base_load"))
    options.add_argument("--rules", default=os.path.join(TOP, "rules"))
    options.add_argument("--seconds", type=float, default=5)
    options.add_argument("--connections", type=int, default=64)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--fronts", type=int, default=1)
    options.add_argument("--sync", help="journal.sync; without it the server's default")
    options.add_argument("--disk", help="a folder on the disk that the journal is to be on")
    o = options.parse_args()
    port = free_port()
    with tempfile.TemporaryDirectory(dir=o.disk) as folder:
        server = subprocess.Popen([os.path.abspath(o.server), "serve", "--rules", os.path.abspath(o.rules),
                                   "--listen", f"127.0.0.1:{port}", "--fronts", str(o.fronts), "--log.level", "error",
                                   *(["--journal.sync", o.sync] if o.sync else [])], cwd=folder)
        try:
            wait_ready(server, port)
            print(f"{o.connections} keep-alive connections, {o.threads} load threads, {o.fronts} front(s), {o.seconds:g} s each, "
                  f"{os.cpu_count()} CPUs\n")
            print(f"{'workload':<32}{'requests/s':>11}{'events/s':>11}{'p50 us':>9}{'p99 us':>9}{'p99.9 us':>10}"
                  f"{'CPU us/request':>16}{'CPU us/event':>14}{'RSS MiB':>9}")
            failed = False
            for title, name in WORKLOADS:
                done = subprocess.run([o.load, str(port), str(server.pid), name, str(o.seconds), str(o.connections),
                                       str(o.threads)], capture_output=True, text=True, check=False)
                if done.returncode or not done.stdout:
                    sys.exit(f"{name}: {done.stderr}")
                r = json.loads(done.stdout)
                n = max(r["requests"], 1)
                events = f"{r['events'] / r['seconds']:,.0f}" if r["events"] else "-"
                per_event = f"{r['server_cpu_us'] / r['events']:.2f}" if r["events"] else "-"
                print(f"{title:<32}{n / r['seconds']:>11,.0f}{events:>11}{r['p50_us']:>9,}{r['p99_us']:>9,}{r['p999_us']:>10,}"
                      f"{r['server_cpu_us'] / n:>16.2f}{per_event:>14}{resident_mib(server.pid):>9.0f}", flush=True)
                if r["errors"]:
                    failed = True
                    print(f"  {r['errors']} errors: {done.stderr.strip()}")
        finally:
            server.terminate()
            server.wait()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""Moves an address with a lock in ZooKeeper, as a failover controller does: whoever holds the lock has the address.

Arguments: servers, session timeout in seconds, the address with its prefix length, its interface, and the number of a
process that serves: it is looked at once a second, as HDFS's controller looks (ha.health-monitor.check-interval.ms).
Says what it does on standard output, a line each: "waits", "holds". SIGUSR1 hands the lock on.
"""

import ipaddress
import os
import signal
import socket
import subprocess
import sys
import threading

from kazoo.client import KazooClient, KazooState

CHECK_INTERVAL = 1.0


def say(what):
    print(what, flush=True)


def address_is(what, address, interface):
    subprocess.run(["ip", "address", what, address, "dev", interface], check=False)


def announce(address, interface):
    """Gratuitous ARP, three times, as keepalived and the like do."""
    own = ipaddress.ip_interface(address).ip.packed
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind((interface, 0))
        mac = raw.getsockname()[4]
        frame = b"\xff" * 6 + mac + b"\x08\x06" + b"\x00\x01\x08\x00\x06\x04\x00\x01" + mac + own + b"\x00" * 6 + own
        for _ in range(3):
            raw.send(frame)


def serves(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def main():
    servers, timeout, address, interface, process = sys.argv[1:]
    process = int(process)
    lost, wake = threading.Event(), threading.Event()

    def changed(state):
        if state != KazooState.CONNECTED:
            lost.set()
            wake.set()

    client = KazooClient(
        hosts=servers,
        timeout=float(timeout),
        connection_retry={"max_tries": -1, "delay": 0.1, "max_delay": 1.0},
    )
    client.add_listener(changed)
    signal.signal(signal.SIGUSR1, lambda *_: wake.set())
    client.start(timeout=60)
    while True:
        lost.clear()
        wake.clear()
        say("waits")
        lock = client.Lock("/heartbeat-lab/master", interface)
        try:
            while not serves(process):
                wake.wait(CHECK_INTERVAL)
            lock.acquire()
            if lost.is_set():
                raise ConnectionError
            address_is("add", address, interface)
            announce(address, interface)
            say("holds")
            while not wake.wait(CHECK_INTERVAL) and serves(process):
                pass
        except Exception as error:  # whatever it was, the lock is not held any more: it waits again
            print(error, file=sys.stderr, flush=True)
        address_is("del", address, interface)
        try:
            lock.release()
        except Exception:  # lost with the session
            pass
        lost.wait(0.5)


main()

"""Several hosts on one machine: network namespaces with links of their own, and faults on them.

All addresses are private and live only in namespaces that are made here and removed again.
"""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

HUB = "10.231.0.1"
STORE = "10.231.0.4"


def missing() -> str | None:
    """Say what this machine lacks to make namespaces; None where it has all."""
    for tool in ("ip", "tc", "iptables"):
        if shutil.which(tool) is None:
            return f"needs {tool}"
    if os.geteuid() != 0:
        return "needs root"
    name = f"soilft-{secrets.token_hex(3)}"
    tried = subprocess.run(
        ["ip", "netns", "add", name], capture_output=True, text=True, check=False
    )
    if tried.returncode:
        return f"may not make network namespaces: {tried.stderr.strip()}"
    run("ip", "netns", "delete", name)
    return None


def run(*command: str) -> str:
    """Run a command that must succeed; give what it wrote."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


class Network:
    """A hub, where scheduler and store have an address each, and hosts on links of their own."""

    def __init__(self, hosts: int) -> None:
        mark = secrets.token_hex(3)
        self.hub = f"soilft-{mark}-hub"
        self.hosts = [f"soilft-{mark}-{number}" for number in range(1, hosts + 1)]

    def address(self, host: str) -> str:
        """Give the address of a host."""
        return f"10.231.{1 + self.hosts.index(host)}.2"

    def make(self) -> None:
        """Make namespaces, links and routes; the hub forwards between the hosts."""
        for name in (self.hub, *self.hosts):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run(*self.inside(self.hub), "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        for own in (HUB, STORE):
            run("ip", "-n", self.hub, "address", "add", f"{own}/32", "dev", "lo")
        for number, host in enumerate(self.hosts, 1):
            port, near = f"to{number}", f"10.231.{number}.1"
            peer = ("peer", "name", "eth0", "netns", host)
            run("ip", "-n", self.hub, "link", "add", port, "type", "veth", *peer)
            run("ip", "-n", self.hub, "address", "add", f"{near}/30", "dev", port)
            run("ip", "-n", self.hub, "link", "set", port, "up")
            run("ip", "-n", host, "address", "add", f"{self.address(host)}/30", "dev", "eth0")
            run("ip", "-n", host, "link", "set", "eth0", "up")
            run("ip", "-n", host, "route", "add", "default", "via", near)

    def remove(self) -> None:
        """End what runs in the namespaces, and remove them."""
        for name in (self.hub, *self.hosts):
            found = subprocess.run(
                ["ip", "netns", "pids", name], capture_output=True, text=True, check=False
            )
            for pid in found.stdout.split():
                subprocess.run(["kill", "-9", pid], check=False, capture_output=True)
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)

    def inside(self, name: str) -> tuple[str, ...]:
        """Give the start of a command that runs on a host."""
        return ("ip", "netns", "exec", name)

    def drop(self, host: str, share: float) -> None:
        """Lose a random share of the packets that come to a host and leave it."""
        for chain, way in (("INPUT", "-i"), ("OUTPUT", "-o")):
            rule = ("-m", "statistic", "--mode", "random", "--probability", str(share))
            command = ("iptables", "-A", chain, way, "eth0", *rule, "-j", "DROP")
            run(*self.inside(host), *command)

    def limit(self, host: str, rate: str) -> None:
        """Limit what a host sends to a rate such as ``20mbit``."""
        tbf = ("tbf", "rate", rate, "burst", "64kb", "latency", "400ms")
        run("tc", "-n", host, "qdisc", "add", "dev", "eth0", "root", *tbf)

    def cut(self, host: str) -> None:
        """Take a host off the network, without a word to anybody."""
        run("ip", "-n", host, "link", "set", "eth0", "down")


@contextmanager
def network(hosts: int) -> Iterator[Network]:
    """Give a network for the length of a block."""
    made = Network(hosts)
    try:
        made.make()
        yield made
    finally:
        made.remove()

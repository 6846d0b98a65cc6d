"""ZeroMQ sockets to programs outside: on this machine unless told otherwise, or encrypted for those who hold a key."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zmq
import zmq.auth
from zmq.auth.thread import ThreadAuthenticator

from blocks.runtime.peers import Peers

POLL_MS = 50


class OutsideSocket:
    """A socket in a context of its own, bound or connected to a tcp:// or ipc:// endpoint.

    curve: a folder made by `make_keys`. The side that binds is the server and lets in the keys in its clients/ alone; the side
    that connects needs client.key_secret and server.key. waiting: what is said where nobody is at the other end, see Peers. options:
    socket options, e.g. sndhwm=10.
    Raises ValueError for an endpoint that `check_endpoint` refuses, missing keys, and an endpoint that cannot be bound or connected.
    """

    def __init__(
        self,
        kind: int,
        endpoint: str,
        bind: bool,
        insecure: bool = False,
        curve: str | Path | None = None,
        waiting: str = "",
        **options: Any,
    ):
        check_endpoint(endpoint, bind, insecure or curve is not None)
        self._context = zmq.Context()
        self._guard: ThreadAuthenticator | None = None
        self.socket = self._context.socket(kind)
        self.peers = Peers(self.socket, f"{waiting} at {endpoint}")
        try:
            if curve is not None:
                self._use_keys(Path(curve), bind)
            self.socket.rcvtimeo = self.socket.sndtimeo = POLL_MS  # waiting here costs less than a poll, and a peer may be gone after one
            for name, value in options.items():
                self.socket.setsockopt(getattr(zmq, name.upper()), value)
            (self.socket.bind if bind else self.socket.connect)(endpoint)
        except zmq.ZMQError as error:
            self.close(0)
            raise ValueError(f"cannot {'bind' if bind else 'connect'} {endpoint!r}: {error}") from None
        except BaseException:
            self.close(0)
            raise

    def send(self, parts: list[Any], interrupted: Callable[[], bool], copy: bool = False) -> bool:
        """Send a message, waiting while nobody takes it; False where `interrupted()` was true before."""
        while True:
            try:
                self.socket.send_multipart(parts, copy=copy)
                return True
            except zmq.Again:
                self.peers.look()
                if interrupted():
                    return False

    def met(self, interrupted: Callable[[], bool]) -> bool:
        """Wait until a first peer has come: a socket that connects takes messages before. False where `interrupted()` was true before."""
        while not self.peers.came:
            if interrupted():
                return False
            self.peers.wait(POLL_MS)
            self.peers.look()
        return True

    def receive(self, wait: bool = True) -> list[zmq.Frame] | None:
        """The parts of the next message, or None where none came: within POLL_MS, or at once."""
        try:
            parts = [self.socket.recv(0 if wait else zmq.NOBLOCK, copy=False)]
            while parts[-1].more:
                parts.append(self.socket.recv(copy=False))
            return parts
        except zmq.Again:
            self.peers.look()
            return None

    def close(self, linger_ms: int = 0) -> None:
        """Close the socket; what is not sent yet has `linger_ms` to leave."""
        self.peers.close()
        self.socket.close(linger_ms)
        if self._guard is not None:
            self._guard.stop()
        self._context.term()

    def _use_keys(self, folder: Path, bind: bool) -> None:
        public, secret = _keys(folder / ("server" if bind else "client"))
        self.socket.curve_publickey, self.socket.curve_secretkey = public, secret
        if not bind:
            self.socket.curve_serverkey = _certificate(folder / "server.key")[0]
            return
        if not (folder / "clients").is_dir():
            raise ValueError(f"{folder}/clients is not a folder; put the .key files of those who may connect there")
        self.socket.curve_server = True
        self._guard = ThreadAuthenticator(self._context)
        self._guard.start()
        self._guard.configure_curve(domain="*", location=str(folder / "clients"))


def check_endpoint(endpoint: str, bind: bool, secured: bool) -> None:
    """Raise ValueError for an endpoint that is neither tcp:// nor ipc://, or that binds where other machines reach it, unless `secured`."""
    match = re.fullmatch(r"(?:ipc://.+|tcp://(?P<host>\[[^]]+\]|[^:]+):(?P<port>\d+|\*))", endpoint)
    if match is None:
        raise ValueError(f"endpoint {endpoint!r} is neither tcp://HOST:PORT nor ipc://PATH")
    if bind and not secured and match["host"] is not None and not _loopback(match["host"]):
        raise ValueError(
            f"{endpoint!r} would listen where other machines reach it, and anybody there could send and read: bind "
            "tcp://127.0.0.1:PORT, give a folder of keys (curve=), or say insecure=True where the network is trusted"
        )


def make_keys(folder: Path) -> None:
    """Write key pairs "server" and "client" to a new folder, and the client's public key to its clients/.

    The machine that connects needs client.key_secret and server.key; secrets are readable by their owner alone. Raises ValueError
    where the folder holds keys already.
    """
    if any((folder / f"{name}.key").exists() for name in ("server", "client")):
        raise ValueError(f"{folder} holds keys already; give a new folder, or delete that one to replace its keys")
    (folder / "clients").mkdir(parents=True, exist_ok=True)
    for name in ("server", "client"):
        zmq.auth.create_certificates(folder, name)
        (folder / f"{name}.key_secret").chmod(0o600)
    (folder / "clients" / "client.key").write_bytes((folder / "client.key").read_bytes())


def _keys(stem: Path) -> tuple[bytes, bytes]:
    public, secret = _certificate(stem.with_suffix(".key_secret"))
    if secret is None:
        raise ValueError(f"{stem}.key_secret holds no secret key")
    return public, secret


def _certificate(file: Path) -> tuple[bytes, bytes | None]:
    try:
        return zmq.auth.load_certificate(file)
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read the key {file}: {error}; make keys with `calibeam keygen {file.parent}`") from None


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False  # a name, or an interface such as eth0 or *

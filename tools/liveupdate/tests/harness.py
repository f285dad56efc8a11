# SPDX-License-Identifier: GPL-2.0
"""What the tests of luod and of its clients share: luod on a fake device, clients, a fake
systemd, and the runner.

fake_device.c describes the files that take the place of sessions.
"""

import array
import errno
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import tempfile
import time
import traceback

# No test depends on how fast the machine is: this is only to end one that hangs.
LIMIT = 120

# nohup ignores this signal, and a shell can't trap one that was ignored when it started.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Failure(Exception):
    """A test has failed."""


def check(condition, text):
    """Fail unless the condition holds."""
    if not condition:
        raise Failure(text)


def equal(got, expected, text=""):
    """Fail unless both are equal."""
    check(got == expected, f"{text}: expected {expected!r}, got {got!r}")


def wait_for(condition, text):
    """Wait until a function returns true."""
    end = time.monotonic() + LIMIT
    while not condition():
        check(time.monotonic() < end, f"{text}: it never happened")
        time.sleep(0.005)


def is_locked(path):
    """Return whether a process has locked the file, which it has open. It is locked during
    this, so luod must not use it at the same time."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(file)


class Systemd:
    """Receives what luod notifies, and keeps its descriptors."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.fds = []
        self.ready = 0

    def handle(self):
        """Handle what was received by now."""
        while select.select([self.socket], [], [], 0)[0]:
            data, fds, _, _ = socket.recv_fds(self.socket, 4096, 253)
            lines = data.decode().split("\n")
            if "READY=1" in lines:
                self.ready += 1
            elif "FDSTORE=1" in lines:
                self.fds += fds
            elif "FDSTOREREMOVE=1" in lines:
                self.drop()
            else:
                raise Failure(f"systemd does not know {data}")

    def drop(self):
        """Close all descriptors."""
        for file in self.fds:
            os.close(file)
        self.fds = []

    def close(self):
        """End it."""
        self.drop()
        self.socket.close()


class Luod:
    """luod with a fake device, and the directory of both."""

    def __init__(self, program, under_systemd=False, limit=None):
        self.program = program
        self.limit = limit
        self.dir = tempfile.mkdtemp(prefix="luod-test-")
        for name in "out", "in", "run":
            os.mkdir(os.path.join(self.dir, name))
        self.socket = os.path.join(self.dir, "run", "luod.sock")
        self.log = os.path.join(self.dir, "log")
        self.systemd = Systemd(os.path.join(self.dir, "notify")) if under_systemd else None
        self.clients = []
        self.pid = None
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for client in self.clients:
            client.close()
        try:
            if self.pid:
                self.stop()
        finally:
            if self.systemd:
                self.systemd.close()
            shutil.rmtree(self.dir)

    def exec(self, fds):
        """Become luod, with these descriptors from number 3 on."""
        os.environ["LUOD_FAKE_DIR"] = self.dir
        if self.systemd:
            os.environ["NOTIFY_SOCKET"] = self.systemd.path
        os.environ["LISTEN_PID"] = str(os.getpid())
        os.environ["LISTEN_FDS"] = str(len(fds))
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 2)
        if self.limit:
            import resource
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.limit, self.limit))
        # Out of the way first
        high = [fcntl.fcntl(file, fcntl.F_DUPFD, 3 + len(fds) + 64) for file in fds]
        for number, file in enumerate(high, 3):
            os.dup2(file, number)
        os.closerange(3 + len(fds), 65536)
        os.execv(self.program, [self.program, "--socket", self.socket])

    def start(self):
        """Start luod, with the descriptors that systemd has."""
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        fds = self.systemd.fds if self.systemd else []
        self.pid = os.fork()
        if not self.pid:
            try:
                self.exec(fds)
            finally:
                os._exit(127)
        wait_for(self.is_listening, "luod listens")

    def is_listening(self):
        """Return whether luod accepts connections. Fail if it has ended."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            self.pid = None
            raise Failure(f"luod has ended with status {status}: {self.read_log()}")
        try:
            probe = socket.socket(socket.AF_UNIX)
            probe.connect(self.socket)
            return True
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        finally:
            probe.close()

    def read_log(self):
        """Return what luod has printed."""
        with open(self.log, encoding="utf-8") as log:
            return log.read()

    def end(self, number):
        """Send luod a signal and return its status."""
        os.kill(self.pid, number)
        _, status = os.waitpid(self.pid, 0)
        self.pid = None
        return status

    def stop(self):
        """End luod, and fail if it was not well. The sanitizers look for leaks now."""
        status = self.end(signal.SIGTERM)
        log = self.read_log()
        check(status == 0 and "Sanitizer" not in log, f"luod ended with status {status}: {log}")

    def kill(self):
        """Kill luod. systemd still gets what it has sent."""
        self.end(signal.SIGKILL)
        if self.systemd:
            self.systemd.handle()

    def restart(self):
        """Kill luod and start it again."""
        self.kill()
        self.start()

    def connect(self):
        """Return a new client."""
        client = Client(self.socket)
        self.clients.append(client)
        return client

    def subscribe(self, *ids):
        """Return a new client that has subscribed these ids."""
        client = self.connect()
        for name in ids:
            client.ok("SUBSCRIBE", id=name)
        return client

    def path(self, direction, name):
        """Return the path of a session, direction is "out" or "in"."""
        return os.path.join(self.dir, direction, name)

    def is_open(self, direction, name):
        """Return whether a process has the session."""
        if self.systemd:
            self.systemd.handle()
        return is_locked(self.path(direction, name))

    def wait_closed(self, name):
        """Wait until no process has this outgoing session."""
        wait_for(lambda: not self.is_open("out", name), f"session {name} is closed")

    def leave_incoming(self, name, content="data"):
        """Create a session of the previous kernel."""
        with open(self.path("in", name), "w", encoding="utf-8") as file:
            file.write(content)

    def kexec(self):
        """Start the next kernel: it has the sessions that were open."""
        kept = [name for name in os.listdir(self.path("out", "")) if self.is_open("out", name)]
        self.kill()
        for client in self.clients:
            client.close()
        if self.systemd:
            self.systemd.drop()
        for name in kept:
            os.rename(self.path("out", name), self.path("in", name))
        self.start()
        return sorted(kept)

    def status(self, key):
        """Return a number of /proc/PID/status."""
        with open(f"/proc/{self.pid}/status", encoding="utf-8") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(key + ":"))

    def count_fds(self):
        """Return how many descriptors luod has open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))


class Client:
    """A connection to luod."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(LIMIT)
        self.socket.connect(path)
        self.data = b""
        self.waiting = []
        self.fds = []

    def close(self):
        """End the connection and close its descriptors."""
        self.socket.close()
        self.close_fds()

    def close_fds(self):
        """Close all descriptors that were received."""
        for file in self.fds:
            os.close(file)
        self.fds = []

    def send(self, cmd, **members):
        """Send a request."""
        self.socket.sendall(json.dumps({"cmd": cmd, **members}).encode() + b"\n")

    def receive(self):
        """Return the next message. Its descriptor is the last one of self.fds."""
        while b"\n" not in self.data:
            data, control, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(4 * 8))
            if not data:
                raise EOFError
            for _, _, fds in control:
                self.fds += array.array("i", fds)
            self.data += data
        line, self.data = self.data.split(b"\n", 1)
        check(len(line) < 4096, "luod has sent a line that is too long")
        return json.loads(line)

    def next(self):
        """Return the next message that was not returned yet."""
        return self.waiting.pop(0) if self.waiting else self.receive()

    def answer(self, cmd):
        """Return the answer to a request. Keep the events before it."""
        while True:
            message = self.receive()
            if "event" not in message:
                equal(message.get("cmd"), cmd, "the answer to another request")
                return message
            self.waiting.append(message)

    def ok(self, cmd, **members):
        """Make a request that succeeds, and return the answer."""
        self.send(cmd, **members)
        message = self.answer(cmd)
        check(message["ok"] and message.get("id") == members.get("id"), f"{cmd}: {message}")
        return message

    def fails(self, error, cmd, **members):
        """Make a request that fails with this error, and return the text."""
        self.send(cmd, **members)
        return self.failed(error, cmd)

    def failed(self, error, cmd):
        """Wait for the answer of a request that fails with this error."""
        message = self.answer(cmd)
        check(not message["ok"], f"{cmd} succeeds")
        equal(message["error"], errno.errorcode[error], cmd)
        return message["message"]

    def event(self, event, name=None):
        """Return the next message, which must be this event."""
        message = self.next()
        equal(message.get("event"), event, f"message {message}")
        if name:
            equal(message["id"], name, event)
        return message

    def quiet(self):
        """Fail unless there is no further message."""
        self.ok("VERSION")
        equal(self.waiting, [], "unexpected messages")

    def closed(self):
        """Wait for the end of the connection."""
        try:
            while True:
                self.receive()
        except (EOFError, ConnectionResetError):
            pass

    def preserve(self, name, content="data"):
        """Take the session of an update that starts, and preserve something."""
        message = self.event("START_PRESERVATION", name)
        os.write(self.fds[-1], content.encode())
        return message["update"]

    def preserve_all(self, *ids):
        """Take part in an update with all these ids, in this order."""
        for name in ids:
            self.ok("READY", id=name, update=self.preserve(name))


def read_fd(file):
    """Return what was preserved in a session."""
    return os.pread(file, 4096, 0).decode()


def run(tests):
    """Call functions and print TAP. Each test is a name, an argument and a function. Return the
    exit status of the program."""
    tests = list(tests)
    failed = 0
    print(f"1..{len(tests)}", flush=True)
    for number, (name, argument, test) in enumerate(tests, 1):
        try:
            test(argument)
            print(f"ok {number} {name}", flush=True)
        except Exception:
            failed += 1
            for line in traceback.format_exc().splitlines():
                print("# " + line)
            print(f"not ok {number} {name}", flush=True)
    return 1 if failed else 0

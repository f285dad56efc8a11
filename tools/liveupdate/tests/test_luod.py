#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0
"""Usage: tests/test_luod.py LUOD SANITIZED
Test luod on a fake device: LUOD is built as usual, SANITIZED with the sanitizers. Prints TAP.
"""

import fcntl
import os
import resource
import socket
import subprocess
import sys
from errno import EBUSY, ECANCELED, EEXIST, EINVAL, ENOENT, ENOSPC, ESTALE, ETIMEDOUT

from harness import Luod, check, equal, read_fd, run, wait_for

MESSAGE_MAX = 4096
MEMORY_MAX_KB = 8 * 1024


# Messages

def test_version(program):
    """The version of the protocol is fixed."""
    with Luod(program) as luod:
        equal(luod.connect().ok("VERSION"), {"ok": True, "cmd": "VERSION", "version": 1})


def test_bad_requests(program):
    """A request that is JSON but makes no sense is answered, and the connection lives."""
    with Luod(program) as luod:
        client = luod.connect()
        for message, error in (
                (b"{}", "EINVAL"),
                (b'{"cmd":null}', "EINVAL"),
                (b'{"cmd":7}', "EINVAL"),
                (b'{"cmd":["SUBSCRIBE"]}', "EINVAL"),
                (b'{"cmd":"SUBSCRIBE\\u0000"}', "EINVAL"),
                (b'{"cmd":""}', "EOPNOTSUPP"),
                (b'{"cmd":"subscribe","id":"a"}', "EOPNOTSUPP"),
                (b'{"cmd":"' + b"\\u0001" * 600 + b'"}', "EOPNOTSUPP"),
                (b'{"cmd":"SUBSCRIBE"}', "EINVAL"),
                (b'{"cmd":"SUBSCRIBE","id":7}', "EINVAL"),
                (b'{"cmd":"UPDATE"}', "EINVAL"),
                (b'{"cmd":"UPDATE","now":1}', "EINVAL"),
                (b'{"cmd":"UPDATE","now":false,"timeout_ms":0}', "EINVAL"),
                (b'{"cmd":"UPDATE","now":false,"timeout_ms":9223372036854775807}', "EINVAL"),
                (b'{"cmd":"READY","id":"a"}', "EINVAL"),
                (b'{"cmd":"READY","id":"a","update":1}', "ENOENT"),
                (b'{"cmd":"UNSUBSCRIBE","id":"a"}', "ENOENT"),
                (b'{"cmd":"FAILED","id":"a","update":1}', "ENOENT"),
                (b'{"cmd":"DONE","id":"a"}', "ENOENT"),
                (b'{"cmd":"ABORT"}', "ENOENT")):
            client.socket.sendall(message + b"\n")
            answer = client.receive()
            check(not answer["ok"], message)
            equal(answer["error"], error, message)
        equal(client.ok("LIST")["sessions"], [])


def test_bad_ids(program):
    """An id is a name for a session, and for a file."""
    with Luod(program) as luod:
        client = luod.connect()
        for name in "", "a" * 64, "a/b", "a\n", "\x7f", "\x00", "a\x00b", "ä":
            client.fails(EINVAL, "SUBSCRIBE", id=name)
            client.fails(EINVAL, "CLAIM", id=name)
        for name in "a" * 63, "a b", '"\\', "{}":
            client.ok("SUBSCRIBE", id=name)
        luod.leave_incoming('"\\')
        client.ok("CLAIM", id='"\\')


def test_no_json(program):
    """What is not a JSON object is answered, and ends the connection."""
    with Luod(program) as luod:
        for line in (b"", b"nonsense", b"[]", b"null", b"7", b'"cmd"', b"{", b"{}}", b"{} {}",
                     b'{"cmd":"VERSION",}', b'{"a":"\xff"}', b'{"a":1}\x00',
                     b"\x00", b"[" * 4000, b'{"a":' * 800, bytes(range(11, 256))):
            client = luod.connect()
            client.socket.sendall(line + b"\n" + b'{"cmd":"VERSION"}\n')
            answer = client.receive()
            equal((answer["ok"], answer["error"]), (False, "EBADMSG"), line)
            client.closed()
        luod.connect().ok("VERSION")


def test_parts_of_lines(program):
    """Lines can come in parts, and many at once."""
    with Luod(program) as luod:
        client = luod.connect()
        for byte in b' {"cmd": "VERSION"}\r\n':
            client.socket.sendall(bytes([byte]))
        client.answer("VERSION")

        client.socket.sendall(b'{"cmd":"VERSION"}\n' * 1000 + b'{"cmd":')
        for _ in range(1000):
            client.answer("VERSION")
        client.socket.sendall(b'"LIST"}\n')
        client.answer("LIST")

        luod.connect().socket.sendall(b'{"cmd":"SUBSCRIBE","id":"half"')
        client.quiet()
        luod.clients[-1].close()
        equal(client.ok("LIST")["sessions"], [])


def test_long_lines(program):
    """A line of 4,096 bytes is read, a longer one ends the connection."""
    with Luod(program) as luod:
        client = luod.connect()
        line = b'{"cmd":"VERSION"}'
        client.socket.sendall(line + b" " * (MESSAGE_MAX - len(line) - 1) + b"\n")
        client.answer("VERSION")
        client.socket.sendall(line + b" " * (MESSAGE_MAX - len(line)) + b"\n")
        equal(client.receive()["error"], "EMSGSIZE")
        client.closed()

        client = luod.connect()
        try:
            for _ in range(10 * 1024):
                client.socket.sendall(b"x" * 1024)
            raise AssertionError("10 MiB in one line were accepted")
        except (BrokenPipeError, ConnectionResetError):
            pass
        equal(client.receive()["error"], "EMSGSIZE")
        client.closed()
        luod.connect().ok("VERSION")


def test_unwanted_descriptors(program):
    """luod takes no descriptors."""
    with Luod(program) as luod:
        client = luod.connect()
        client.ok("VERSION")
        before = luod.count_fds()
        for data in b'{"cmd":"SUBSCRIBE","id":"a"}\n', b'{"cmd":"CLAIM","id":"a"}\n', b'{"cmd"':
            reader, writer = os.pipe()
            socket.send_fds(client.socket, [data], [writer] * 200)
            os.close(writer)
            equal(os.read(reader, 1), b"")
            os.close(reader)
        client.socket.sendall(b':"LIST"}\n')
        client.answer("SUBSCRIBE")
        client.failed(ENOENT, "CLAIM")
        client.answer("LIST")
        equal(luod.count_fds(), before, "descriptors of luod")


def test_client_that_does_not_read(program):
    """No more is kept for a client than it has to read, and others are served."""
    with Luod(program) as luod:
        client, other = luod.connect(), luod.connect()
        client.socket.setblocking(False)
        sent = 0
        try:
            while True:
                sent += client.socket.send(b'{"cmd":"LIST"}\n')
        except BlockingIOError:
            pass
        other.quiet()
        memory = luod.status("VmRSS")
        check(sent < 10 << 20, f"luod has read {sent} bytes")
        client.socket.settimeout(60)
        for _ in range(sent // 15):
            client.answer("LIST")
        client.socket.sendall(b'{"cmd":"LIST"}\n'[sent % 15:])
        client.answer("LIST")
        check(memory < 128 << 10, f"luod has {memory} KiB")


def test_not_root(program):
    """Another user can't connect, even if the socket lets it."""
    with Luod(program) as luod:
        equal(os.stat(luod.socket).st_mode & 0o777, 0o600, "mode of the socket")
        if os.geteuid():
            return
        for path in luod.dir, os.path.dirname(luod.socket):
            os.chmod(path, 0o755)
        os.chmod(luod.socket, 0o666)
        child = os.fork()
        if not child:
            status = 1
            try:
                os.setresuid(65534, 65534, 65534)
                luod.connect().closed()
                status = 0
            finally:
                os._exit(status)
        equal(os.waitpid(child, 0)[1], 0, "status of the other user")
        luod.connect().ok("VERSION")


# An update

def test_subscribe(program):
    """An id belongs to one client, until it unsubscribes or disconnects."""
    with Luod(program) as luod:
        one, two = luod.subscribe("a", "b"), luod.connect()
        one.ok("SUBSCRIBE", id="a")
        two.fails(EEXIST, "SUBSCRIBE", id="a")
        two.fails(ENOENT, "UNSUBSCRIBE", id="a")
        one.ok("UNSUBSCRIBE", id="a")
        one.fails(ENOENT, "UNSUBSCRIBE", id="a")
        two.ok("SUBSCRIBE", id="a")
        one.close()
        wait_for(lambda: len(two.ok("LIST")["sessions"]) == 1, "the client is gone")
        two.ok("SUBSCRIBE", id="b")
        equal(two.ok("LIST")["sessions"],
              [{"id": name, "direction": "outgoing", "state": "subscribed", "pid": os.getpid()}
               for name in "ab"])


def test_list_of_many(program):
    """A long list is split."""
    with Luod(program) as luod:
        ids = sorted(['"' * (63 - len(str(i))) + str(i) for i in range(100)] +
                     [str(i) for i in range(100)])
        for name in ids:
            luod.leave_incoming(name)
        client = luod.subscribe(*ids)
        for name in ids:
            client.ok("CLAIM", id=name)
        found, after = [], {}
        while after is not None:
            answer = client.ok("LIST", **after)
            found += [(side["id"], side["direction"]) for side in answer["sessions"]]
            after = {"after": answer["next"]} if "next" in answer else None
        equal(found, [(name, side) for name in ids for side in ("outgoing", "incoming")])
        equal(client.ok("LIST", after="~")["sessions"], [])


def states(client):
    """Return the state of the update, and those of the outgoing sessions by id."""
    answer = client.ok("LIST")
    return answer["state"], {side["id"]: side["state"] for side in answer["sessions"]
                             if side["direction"] == "outgoing"}


def test_update(program):
    """All clients preserve, and luod holds the sessions until the kexec."""
    with Luod(program) as luod:
        clients = {name: luod.subscribe(name) for name in ("vm0", "vm1", "vm2")}
        luoctl, watcher = luod.connect(), luod.connect()
        luoctl.send("UPDATE", now=False, timeout_ms=60000)
        for name, client in clients.items():
            start = client.event("START_PRESERVATION", name)
            equal(start["timeout_ms"], 60000)
            os.write(client.fds[-1], name.encode())
            client.quiet()
        equal(states(watcher), ("preserving", dict.fromkeys(clients, "preserving")))
        clients["vm0"].ok("READY", id="vm0", update=start["update"])
        equal(states(watcher)[1]["vm0"], "ready")
        luoctl.quiet()
        for name in "vm1", "vm2":
            clients[name].ok("READY", id=name, update=start["update"])
        for name, client in clients.items():
            equal(client.event("COMMIT", name)["update"], start["update"])
        answer = luoctl.answer("UPDATE")
        equal((answer["ok"], answer["sessions"], answer["update"]), (True, 3, start["update"]))
        equal(states(watcher), ("committed", dict.fromkeys(clients, "committed")))

        luoctl.close()
        for client in clients.values():
            client.close()
        wait_for(lambda: all("pid" not in side for side in watcher.ok("LIST")["sessions"]),
                 "the clients are gone")
        equal(luod.kexec(), sorted(clients))
        client = luod.connect()
        for name in clients:
            client.ok("CLAIM", id=name)
            equal(read_fd(client.fds[-1]), name)
            client.ok("DONE", id=name)


def test_update_without_clients(program):
    """There may be nothing to preserve."""
    with Luod(program) as luod:
        luoctl = luod.connect()
        equal(luoctl.ok("UPDATE", now=True)["sessions"], 0)
        luoctl.fails(EBUSY, "UPDATE", now=True)
        luoctl.ok("ABORT")
        equal(luoctl.ok("UPDATE", now=False)["sessions"], 0)


def start_two(luod, now=False):
    """Start an update of the clients a and b. Return both and the program that started it."""
    one, two, luoctl = luod.subscribe("a"), luod.subscribe("b"), luod.connect()
    luoctl.send("UPDATE", now=now)
    number = one.preserve("a")
    equal(two.preserve("b"), number)
    return one, two, luoctl, number


def all_closed(luod, *clients):
    """Close the descriptors of the clients: nobody else has the sessions."""
    for client in clients:
        client.close_fds()
    for name in "a", "b":
        luod.wait_closed(name)


def test_failed(program):
    """A client that fails calls the update off, and the next one can succeed."""
    with Luod(program) as luod:
        one, two, luoctl, number = start_two(luod)
        two.ok("READY", id="b", update=number)
        one.ok("FAILED", id="a", update=number, message="no \u00e4 " + "\u20ac" * 300)
        for name, client in ("a", one), ("b", two):
            message = client.event("CANCELLED", name)
            check(message["message"].startswith("a: no \u00e4 \u20ac"), message)
        luoctl.failed(ECANCELED, "UPDATE")
        all_closed(luod, one, two)
        one.fails(ESTALE, "READY", id="a", update=number)
        one.fails(ESTALE, "FAILED", id="a", update=number)

        luoctl.send("UPDATE", now=False)
        check(one.preserve("a") > number, "the number is the same")
        two.preserve_all("b")
        one.fails(ESTALE, "READY", id="a", update=number)
        one.ok("READY", id="a", update=number + 1)
        check(luoctl.answer("UPDATE")["ok"], "the next update fails")


def test_ready_can_fail(program):
    """Until the commit a client that was ready can still fail."""
    with Luod(program) as luod:
        one, two, luoctl, number = start_two(luod)
        one.ok("READY", id="a", update=number)
        one.ok("READY", id="a", update=number)
        one.ok("FAILED", id="a", update=number)
        two.event("CANCELLED", "b")
        luoctl.failed(ECANCELED, "UPDATE")


def test_client_dies(program):
    """A client that dies before the commit calls the update off, at each step."""
    for steps in range(3):
        with Luod(program) as luod:
            one, two, luoctl = luod.subscribe("a"), luod.subscribe("b"), luod.connect()
            luoctl.send("UPDATE", now=False)
            number = two.preserve("b")
            if steps:
                one.preserve("a")
            if steps > 1:
                one.ok("READY", id="a", update=number)
            one.close()
            check("a: " in two.event("CANCELLED", "b")["message"], "the reason is missing")
            luoctl.failed(ECANCELED, "UPDATE")
            two.close_fds()
            all_closed(luod)
            equal(states(luoctl), ("idle", {"b": "subscribed"}))


def test_client_dies_after_commit(program):
    """After the commit its session is kept, and it can come back."""
    with Luod(program) as luod:
        one, two, luoctl, number = start_two(luod)
        one.ok("READY", id="a", update=number)
        two.ok("READY", id="b", update=number)
        one.event("COMMIT", "a")
        check(luoctl.answer("UPDATE")["ok"], "the update fails")
        one.close()
        two.event("COMMIT", "b")
        two.fails(EBUSY, "UNSUBSCRIBE", id="b")
        two.fails(ESTALE, "FAILED", id="b", update=number)
        wait_for(lambda: "pid" not in two.ok("LIST")["sessions"][0], "the client is gone")
        check(luod.is_open("out", "a"), "the session is closed")

        two.fails(EBUSY, "SUBSCRIBE", id="new")
        again = luod.connect()
        again.socket.sendall(b'{"cmd":"SUBSCRIBE","id":"a"}\n{"cmd":"VERSION"}\n')
        again.answer("SUBSCRIBE")
        again.event("COMMIT", "a")
        again.answer("VERSION")
        again.quiet()
        luoctl.ok("ABORT")
        for name, client in ("a", again), ("b", two):
            client.event("CANCELLED", name)
        all_closed(luod, two)
        equal(states(luoctl), ("idle", {"a": "subscribed", "b": "subscribed"}))
        luod.subscribe("new")


def test_client_never_answers(program):
    """When time is up the update is called off."""
    with Luod(program) as luod:
        one, two, luoctl = luod.subscribe("a"), luod.subscribe("b"), luod.connect()
        luoctl.send("UPDATE", now=False, timeout_ms=300)
        for name, client in ("a", one), ("b", two):
            client.event("START_PRESERVATION", name)
            check("a: " in client.event("CANCELLED", name)["message"], "another client is late")
        check("300 ms" in luoctl.failed(ETIMEDOUT, "UPDATE"), "the time is missing")
        all_closed(luod, one, two)


def test_requester_dies(program):
    """The program that starts an update must live until the answer, or until the kexec."""
    with Luod(program) as luod:
        one, two, luoctl, _ = start_two(luod)
        luoctl.close()
        one.event("CANCELLED", "a")
        two.event("CANCELLED", "b")
        all_closed(luod, one, two)

        for now in True, False:
            luoctl = luod.connect()
            luoctl.send("UPDATE", now=now)
            one.preserve_all("a")
            two.preserve_all("b")
            one.event("COMMIT", "a")
            two.event("COMMIT", "b")
            luoctl.answer("UPDATE")
            luoctl.close()
            if now:
                one.event("CANCELLED", "a")
                two.event("CANCELLED", "b")
                all_closed(luod, one, two)
        one.quiet()
        equal(states(one)[0], "committed")


def test_abort(program):
    """ABORT calls an update off before its commit, too. There is one update at a time."""
    with Luod(program) as luod:
        one, two, luoctl, number = start_two(luod, now=True)
        other = luod.connect()
        other.fails(EBUSY, "UPDATE", now=True)
        one.ok("READY", id="a", update=number)
        other.ok("ABORT")
        luoctl.failed(ECANCELED, "UPDATE")
        one.event("CANCELLED", "a")
        two.event("CANCELLED", "b")
        other.fails(ENOENT, "ABORT")
        all_closed(luod, one, two)


def test_join_and_leave(program):
    """A client can come and go while others preserve."""
    with Luod(program) as luod:
        one, two, luoctl, number = start_two(luod)
        three = luod.subscribe("c")
        equal(three.preserve("c"), number)
        one.ok("READY", id="a", update=number)
        three.ok("READY", id="c", update=number)
        two.ok("UNSUBSCRIBE", id="b")
        two.close_fds()
        for name, client in ("a", one), ("c", three):
            client.event("COMMIT", name)
        two.quiet()
        equal(luoctl.answer("UPDATE")["sessions"], 2)
        luod.wait_closed("b")


def test_many_ids_of_one_client(program):
    """A client can have any number of sessions, and need not read while they are created."""
    with Luod(program) as luod:
        names = [f"vm{i:03}" for i in range(500)]
        client, luoctl = luod.subscribe(*names), luod.connect()
        luoctl.send("UPDATE", now=False)
        wait_for(lambda: luoctl.ok("LIST", after=names[-2])["sessions"][0]["state"] == "preserving",
                 "the last session")
        client.preserve_all(*names)
        for name in names:
            client.event("COMMIT", name)
        equal(luoctl.answer("UPDATE")["sessions"], 500)
        equal(len(set(os.fstat(file).st_ino for file in client.fds)), 500, "descriptors")


def test_device_busy(program):
    """luod waits for another program to close the device."""
    with Luod(program) as luod:
        luod.leave_incoming("old")
        with open(os.path.join(luod.dir, "device"), "w", encoding="utf-8") as device:
            fcntl.flock(device, fcntl.LOCK_EX)
            client, luoctl, claimer = luod.subscribe("a"), luod.connect(), luod.connect()
            claimer.send("CLAIM", id="old")
            claimer.send("VERSION")
            luoctl.send("UPDATE", now=False)
            client.quiet()
            wait_for(lambda: states(client) == ("preserving", {"a": "starting"}), "the update")
        claimer.answer("CLAIM")
        claimer.answer("VERSION")
        client.preserve_all("a")
        check(luoctl.answer("UPDATE")["ok"], "the update fails")


def test_device_stays_busy(program):
    """A device that is never closed is reported."""
    with Luod(program) as luod:
        luod.leave_incoming("old")
        with open(os.path.join(luod.dir, "device"), "w", encoding="utf-8") as device:
            fcntl.flock(device, fcntl.LOCK_EX)
            client, luoctl = luod.subscribe("a"), luod.connect()
            luoctl.fails(ETIMEDOUT, "UPDATE", now=False, timeout_ms=100)
            client.quiet()
            gone = luod.connect()
            gone.send("CLAIM", id="old")
            gone.close()
            client.fails(EBUSY, "CLAIM", id="old")
        client.ok("CLAIM", id="old")


def test_session_still_open(program):
    """A client that is slow to close its session delays the next update only."""
    with Luod(program) as luod:
        one, two, luoctl, number = start_two(luod)
        one.ok("FAILED", id="a", update=number)
        luoctl.failed(ECANCELED, "UPDATE")
        one.event("CANCELLED", "a")
        two.event("CANCELLED", "b")
        two.close_fds()
        luoctl.send("UPDATE", now=False)
        two.preserve_all("b")
        one.quiet()
        one.close_fds()
        one.preserve_all("a")
        check(luoctl.answer("UPDATE")["ok"], "the update fails")


def test_session_stays_open(program):
    """A session that is never closed is reported."""
    with Luod(program) as luod:
        one, two, luoctl, number = start_two(luod)
        one.ok("FAILED", id="a", update=number)
        luoctl.failed(ECANCELED, "UPDATE")
        two.event("CANCELLED", "b")
        two.close_fds()
        luod.wait_closed("b")
        luoctl.send("UPDATE", now=False, timeout_ms=100)
        two.event("START_PRESERVATION", "b")
        two.event("CANCELLED", "b")
        luoctl.failed(ETIMEDOUT, "UPDATE")
        one.event("CANCELLED", "a")
        one.quiet()


def test_create_fails(program):
    """An error of the kernel calls the update off."""
    with Luod(program) as luod:
        with open(os.path.join(luod.dir, "create-error"), "w", encoding="utf-8") as file:
            file.write(str(ENOSPC))
        client, luoctl = luod.subscribe("a"), luod.connect()
        luoctl.fails(ENOSPC, "UPDATE", now=False)
        client.quiet()
        os.unlink(os.path.join(luod.dir, "create-error"))
        luoctl.send("UPDATE", now=False)
        client.preserve_all("a")
        check(luoctl.answer("UPDATE")["ok"], "the update fails")


# After the kexec

def test_claim(program):
    """A session has one client at a time, and is kept until it is done."""
    with Luod(program) as luod:
        luod.leave_incoming("a", "content")
        one, two = luod.connect(), luod.connect()
        one.fails(ENOENT, "CLAIM", id="b")
        one.fails(ENOENT, "DONE", id="a")
        for _ in range(2):
            one.ok("CLAIM", id="a")
            equal(read_fd(one.fds[-1]), "content")
        two.fails(EBUSY, "CLAIM", id="a")
        two.fails(ENOENT, "DONE", id="a")
        one.close()
        wait_for(lambda: two.ok("LIST")["sessions"][0]["state"] == "held", "the client is gone")
        check(luod.is_open("in", "a"), "the session is closed")
        two.ok("CLAIM", id="a")
        equal(read_fd(two.fds[-1]), "content")
        two.ok("DONE", id="a")
        two.fails(ESTALE, "CLAIM", id="a")
        two.fails(ENOENT, "DONE", id="a")
        equal(two.ok("LIST")["sessions"],
              [{"id": "a", "direction": "incoming", "state": "done"}])
        two.close_fds()
        check(not luod.is_open("in", "a"), "the session is open")


def test_claim_of_another_process(program):
    """A process that is no client can have the session."""
    with Luod(program) as luod:
        luod.leave_incoming("a")
        client = luod.connect()
        with open(luod.path("in", "a"), encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            client.fails(EBUSY, "CLAIM", id="a")
        client.ok("CLAIM", id="a")


def test_done_busy(program):
    """A session that can't be finished yet stays claimed."""
    with Luod(program) as luod:
        luod.leave_incoming("a", "busy")
        client = luod.connect()
        client.ok("CLAIM", id="a")
        client.fails(EBUSY, "DONE", id="a")
        os.pwrite(client.fds[-1], b"idle", 0)
        client.ok("DONE", id="a")


def test_both_directions(program):
    """A client claims its old session, and takes part in the next update under its id."""
    with Luod(program) as luod:
        luod.leave_incoming("a", "0")
        for number in range(3):
            client, luoctl = luod.connect(), luod.connect()
            client.ok("CLAIM", id="a")
            equal(read_fd(client.fds[-1]), str(number))
            client.ok("SUBSCRIBE", id="a")
            client.ok("DONE", id="a")
            luoctl.send("UPDATE", now=False)
            update = client.preserve("a", str(number + 1))
            client.ok("READY", id="a", update=update)
            check(luoctl.answer("UPDATE")["ok"], "the update fails")
            equal(luod.kexec(), ["a"])


# The death of luod

def test_luod_dies_before_commit(program):
    """The update is called off; clients come back and take part in the next one."""
    with Luod(program, under_systemd=True) as luod:
        for ready in False, True:
            one, two, luoctl, number = start_two(luod)
            if ready:
                one.ok("READY", id="a", update=number)
            luod.restart()
            equal(luod.systemd.fds, [])
            for client in one, two, luoctl:
                client.closed()
                client.close()
            all_closed(luod)
            equal(states(luod.connect()), ("idle", {}))


def test_luod_dies_after_commit(program):
    """systemd keeps the sessions, and luod takes them back."""
    with Luod(program, under_systemd=True) as luod:
        one, two, luoctl, number = start_two(luod)
        one.ok("READY", id="a", update=number)
        two.ok("READY", id="b", update=number)
        check(luoctl.answer("UPDATE")["ok"], "the update fails")
        for _ in range(3):
            luod.kill()
            for client in luod.clients:
                client.close()
            check(luod.is_open("out", "a") and luod.is_open("out", "b"), "a session is closed")
            luod.start()
            equal(states(luod.connect()), ("committed", dict.fromkeys("ab", "committed")))
        wait_for(lambda: luod.systemd.handle() or luod.systemd.ready == 4, "luod is ready")

        client = luod.subscribe("a")
        client.event("COMMIT", "a")
        client.fails(EBUSY, "UPDATE", now=False)
        equal(luod.kexec(), ["a", "b"])


def test_abort_after_death(program):
    """An update that was committed before luod has died can be called off."""
    with Luod(program, under_systemd=True) as luod:
        client, luoctl = luod.subscribe("a"), luod.connect()
        luoctl.send("UPDATE", now=False)
        client.preserve_all("a")
        luoctl.answer("UPDATE")
        luod.restart()
        client.close()
        luoctl, client = luod.connect(), luod.subscribe("a")
        client.event("COMMIT", "a")
        luoctl.ok("ABORT")
        client.event("CANCELLED", "a")
        luod.wait_closed("a")
        equal(luod.systemd.fds, [])
        luoctl.send("UPDATE", now=False)
        client.preserve_all("a")
        check(luoctl.answer("UPDATE")["ok"], "the update fails")


def test_luod_dies_after_kexec(program):
    """The kernel takes back what was not done, and it can be claimed again."""
    with Luod(program, under_systemd=True) as luod:
        luod.leave_incoming("a", "content")
        for _ in range(3):
            client = luod.connect()
            client.ok("CLAIM", id="a")
            luod.restart()
            equal(luod.systemd.fds, [], "systemd would finish them by close()")
            luod.connect().fails(EBUSY, "CLAIM", id="a")
            equal(read_fd(client.fds[-1]), "content")
            client.close()
        client = luod.connect()
        client.ok("CLAIM", id="a")
        equal(read_fd(client.fds[-1]), "content")
        client.ok("DONE", id="a")


def test_foreign_descriptors(program):
    """What systemd passes and is not a session is dropped."""
    with Luod(program, under_systemd=True) as luod:
        reader, writer = os.pipe()
        luod.kill()
        luod.systemd.fds = [writer]
        luod.start()
        luod.systemd.drop()
        equal(os.read(reader, 1), b"")
        os.close(reader)
        equal(states(luod.connect()), ("idle", {}))


# The process

def test_survives_shutdown(program):
    """luod is set up so that it survives a shutdown."""
    with Luod(program) as luod:
        luod.connect().ok("VERSION")
        with open(f"/proc/{luod.pid}/cmdline", "rb") as file:
            equal(file.read(1), b"@", "start of the command line")
        equal(os.readlink(f"/proc/{luod.pid}/cwd"), "/")
        files = {os.readlink(f"/proc/{luod.pid}/fd/{number}")
                 for number in os.listdir(f"/proc/{luod.pid}/fd")}
        equal({file for file in files if file.startswith("/")},
              {"/dev/null", luod.log, os.path.dirname(luod.socket)}, "open files")


def test_second_luod(program):
    """A second luod does not start."""
    with Luod(program) as luod:
        env = {**os.environ, "LUOD_FAKE_DIR": luod.dir}
        second = subprocess.run([program, "--socket", luod.socket], env=env, check=False,
                                capture_output=True, text=True)
        equal(second.returncode, 1)
        check("another luod" in second.stderr, second.stderr)
        luod.connect().ok("VERSION")


def test_out_of_descriptors(program):
    """Connections that luod has no descriptor for wait."""
    with Luod(program, limit=24) as luod:
        clients = [luod.connect() for _ in range(30)]
        clients[0].ok("VERSION")
        clients[-1].send("VERSION")
        wait_for(lambda: "no new connections" in luod.read_log(), "the limit is reached")
        for client in clients[:-1]:
            client.close()
        clients[-1].answer("VERSION")


def test_no_leaks(program):
    """Whatever clients do, descriptors are not left open."""
    with Luod(program, under_systemd=True) as luod:
        luod.leave_incoming("old")
        watcher = luod.connect()
        watcher.ok("VERSION")
        before = luod.count_fds()
        for _ in range(3):
            one, two, luoctl, number = start_two(luod)
            luod.subscribe("c")
            one.ok("READY", id="a", update=number)
            one.ok("CLAIM", id="old")
            two.socket.sendall(b"nonsense\n{")
            luoctl.failed(ECANCELED, "UPDATE")
            for client in luod.clients[1:]:
                client.close()
            wait_for(lambda: len(watcher.ok("LIST")["sessions"]) == 1, "clients are gone")
            # the session that is held
            equal(luod.count_fds(), before + 1, "descriptors")


def test_thousand_clients(program):
    """A thousand clients and as many sessions, in both directions."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384), hard))
    with Luod(program, under_systemd=True) as luod:
        names = [f"vm{i:04}-" + "x" * 56 for i in range(1000)]
        clients = {}
        for name in names:
            luod.leave_incoming(name)
            clients[name] = luod.subscribe(name)
            clients[name].ok("CLAIM", id=name)
            clients[name].socket.sendall(b'{"cmd":')
        luoctl = luod.connect()
        luoctl.send("UPDATE", now=False)
        for name, client in clients.items():
            client.socket.sendall(b' "VERSION"}\n')
            client.answer("VERSION")
            client.preserve_all(name)
        for name, client in clients.items():
            client.event("COMMIT", name)
        equal(luoctl.answer("UPDATE")["sessions"], 1000)
        memory = luod.status("VmHWM")
        luod.restart()
        luoctl = luod.connect()
        equal(luoctl.ok("LIST")["state"], "committed")
        for client in clients.values():
            client.close()
        equal(len(luod.kexec()), 1000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return memory


def test_memory(program):
    """luod needs little memory."""
    memory = test_thousand_clients(program)
    print(f"# memory of luod: {memory} KiB")
    check(memory < MEMORY_MAX_KB, f"luod has {memory} KiB")


def main():
    """Run all tests with the sanitizers, and that of the memory without."""
    plain, sanitized = sys.argv[1:]
    tests = [(name.removeprefix("test_"), test) for name, test in globals().items()
             if name.startswith("test_")]
    return run((name, plain if name == "memory" else sanitized, test) for name, test in tests)


if __name__ == "__main__":
    sys.exit(main())

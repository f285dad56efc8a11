#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0
"""Usage: tests/test_run.py LUOD LUOCTL [TEST]...
Test "luoctl run" and the examples in a fake system, with luod on a fake device. Prints TAP.
"""

import errno
import json
import os
import shutil
import signal
import socket
import sys

from fake_host import (Host, ended, in_host, run_vm, start_update, started, update_once,
                       wait_done, wait_state, wait_subscribed)
from harness import check, equal, run, wait_for


def test_environment(host):
    """The program gets the memfds as descriptors 3 and up, and nothing else."""
    script = ('test "$LISTEN_PID" = $$ && test -z "$LUO_PID" && '
              'stat -Lc %s /proc/self/fd/3 /proc/self/fd/4 && exec ls /proc/self/fd')
    program = run_vm(host, script)
    out, err = program.communicate()
    # ls has opened the directory.
    equal((out.split(), program.returncode), ("8192 0 0 1 2 3 4 5".split(), 0), err)


def test_huge_pages(host):
    """A memfd can have huge pages."""
    try:
        os.close(os.memfd_create("probe", os.MFD_HUGETLB | os.MFD_HUGE_2MB))
    except OSError as error:
        print(f"# no memfd of huge pages: {error}")
        return
    size = 2 << 20
    program = host.start("run", "vm0", "--memfd", "ram=4M,hugetlb=2M", "--memfd", "state=4M",
                         "--", "sh", "-c", "stat -Lc %s $0 $1; stat -Lfc '%T %s' $0 $1",
                         "/proc/self/fd/3", "/proc/self/fd/4")
    out, err = program.communicate()
    equal((out.splitlines(), program.returncode),
          ([f"{2 * size}"] * 2 + [f"hugetlbfs {size}", f"tmpfs {os.sysconf('SC_PAGESIZE')}"], 0),
          err)


def test_exit_codes(host):
    """The exit code is that of the program."""
    for script, code in ("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137):
        ended(run_vm(host, script), code)
    host.run("run", "vm0", "/nonsense", code=127)
    host.run("run", "vm0", "/etc/passwd", code=126)
    check("it can't be" not in host.run("run", "vm0", "true"), "message")
    host.run("run", "bad/name", "true", code=125)


def test_signals(host):
    """Signals are passed on."""
    for number in signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1:
        program = run_vm(host, f"trap 'echo got >>{host.out('notes')}; exit 3' {int(number)}; "
                               f"echo up >>{host.out('notes')}; while :; do sleep 0.01; done")
        host.wait_lines("notes", ["up"])
        program.send_signal(number)
        ended(program, 3)
        host.wait_lines("notes", ["up", "got"])
        os.unlink(host.out("notes"))


def test_without_luod(host):
    """Without live update the program runs, with it luod is needed."""
    host.luod.kill()
    os.unlink(host.path("/dev/liveupdate"))
    err = ended(run_vm(host, "exit 4"), 4)
    check("no live update" in err, err)


def test_update(host):
    """The content of the memfds comes back after the kexec, from the start."""
    program = run_vm(host, started(host), "--quiesce", "test $LUO_PID && echo quiet >&4")
    host.wait_lines("notes", ["0 2 ram:state vm0 "])
    wait_subscribed(host)
    client = start_update(host)
    equal(client.answer("UPDATE")["sessions"], 1)
    program.send_signal(signal.SIGTERM)
    ended(program, 143)

    equal(host.luod.kexec(), ["vm0"])
    program = run_vm(host, started(host), "--restore", f"echo $LUO_RESTORED >>{host.out('hook')}")
    host.wait_lines("notes", ["0 2 ram:state vm0 ", "1 2 ram:state vm0 quiet"])
    host.wait_lines("hook", ["1"])
    wait_done(host)
    program.terminate()
    ended(program, 143)

    # There is nothing to restore any more.
    program = run_vm(host, started(host, "notes2"))
    host.wait_lines("notes2", ["0 2 ram:state vm0 "])


def test_restore_fails(host):
    """As long as the state is not restored, it can be had again."""
    update_once(host)
    err = ended(run_vm(host, started(host), "--restore", "exit 5"), 143)
    check("exit code 5" in err, err)
    err = ended(run_vm(host, "exit 6"), 6)
    program = run_vm(host, started(host), memfds=("ram=8K", "other=0"))
    check('no memfd "other"' in ended(program, 125), "no reason")
    run_vm(host, started(host, "notes2"))
    host.wait_lines("notes2", ["1 2 ram:state vm0 content"])


def test_claimed_elsewhere(host):
    """A session that another client has is not replaced by an empty one."""
    update_once(host)
    host.luod.connect().ok("CLAIM", id="vm0")
    check("claimed" in ended(run_vm(host, started(host)), 125), "no reason")
    check(not host.exists("notes"), "it was started")


def test_not_restored(host):
    """No update before the state is restored."""
    update_once(host)
    run_vm(host, started(host), "--restore", "sleep 1000")
    wait_subscribed(host)
    message = start_update(host).failed(errno.ECANCELED, "UPDATE")
    check("not restored yet" in message, message)


def test_restored_without_hook(host):
    """Without a restore command, a program that goes on running has its state back."""
    update_once(host)
    run_vm(host, started(host))
    host.wait_lines("notes", ["1 2 ram:state vm0 content"])
    wait_done(host)


def test_cancelled(host):
    """A program that is alive goes on by the resume command."""
    program = run_vm(host, started(host), "--quiesce", f"echo quiesce >>{host.out('hook')}",
                     "--resume", f"echo resume >>{host.out('hook')}")
    wait_subscribed(host)
    for _ in range(2):
        client = start_update(host)
        check(client.answer("UPDATE")["ok"], "no update")
        client.ok("ABORT")
        wait_subscribed(host)
    host.wait_lines("hook", ["quiesce", "resume"] * 2)
    equal(host.read("notes"), "0 2 ram:state vm0 \n")
    equal(program.poll(), None)


def test_updates_at_once(host):
    """An update waits for the resume command of the one before."""
    go_on = host.out("go-on")
    run_vm(host, started(host), "--quiesce", f"echo quiesce >>{host.out('hook')}", "--resume",
           f"while ! test -e {go_on}; do sleep 0.01; done; echo resume >>{host.out('hook')}")
    wait_subscribed(host)
    client = start_update(host)
    check(client.answer("UPDATE")["ok"], "no update")
    client.ok("ABORT")
    client.send("UPDATE", now=False)
    wait_state(host, "preserving")
    # The second one is called off before it has begun.
    host.luod.connect().ok("ABORT")
    client.failed(errno.ECANCELED, "UPDATE")
    client.send("UPDATE", now=False)
    equal(host.read("hook"), "quiesce\n")
    with open(go_on, "w", encoding="utf-8"):
        pass
    check(client.answer("UPDATE")["ok"], "no update")
    equal(host.read("hook"), "quiesce\nresume\nquiesce\n")


def test_ends_to_quiesce(host):
    """A program that has ended to quiesce is started again with its state."""
    script = (f"trap 'echo saved >&4; exit 0' USR1; echo $LUO_RESTORED $(cat <&4) "
              f">>{host.out('notes')}; while :; do sleep 0.01; done")
    program = run_vm(host, script, "--quiesce",
                     "kill -USR1 $LUO_PID; while kill -0 $LUO_PID; do sleep 0.01; done",
                     "--resume", f"echo resume >>{host.out('hook')}")
    host.wait_lines("notes", ["0"])
    wait_subscribed(host)
    client = start_update(host)
    check(client.answer("UPDATE")["ok"], "no update")
    equal(program.poll(), None)
    client.ok("ABORT")
    host.wait_lines("notes", ["0", "1 saved"])
    check(not host.exists("hook"), "the resume command was run")

    # systemd ends it before the kexec.
    check(start_update(host).answer("UPDATE")["ok"], "no update")
    program.terminate()
    ended(program, 0)


def test_quiesce_fails(host):
    """One program that can't quiesce calls the update off."""
    program = run_vm(host, started(host), "--quiesce", "exit 3",
                     "--resume", f"echo resume >>{host.out('hook')}")
    wait_subscribed(host)
    message = start_update(host).failed(errno.ECANCELED, "UPDATE")
    check("exit code 3" in message, message)
    host.wait_lines("hook", ["resume"])
    equal(program.poll(), None)


def test_crash_while_quiescing(host):
    """A program that has ended without its state is not started again."""
    program = run_vm(host, started(host), "--quiesce", "kill -9 $LUO_PID; exit 1")
    wait_subscribed(host)
    start_update(host).failed(errno.ECANCELED, "UPDATE")
    ended(program, 137)
    equal(len(host.read("notes").splitlines()), 1)


def test_preserve_fails(host):
    """The reason is passed on, and the program goes on."""
    host.fail("preserve", errno.EBUSY)
    run_vm(host, started(host), "--quiesce", "true",
           "--resume", f"echo resume >>{host.out('hook')}")
    wait_subscribed(host)
    message = start_update(host).failed(errno.ECANCELED, "UPDATE")
    check("ram can't be preserved: Device or resource busy" in message, message)
    host.wait_lines("hook", ["resume"])


def test_quiesce_hangs(host):
    """A quiesce command that does not end is killed when its time is over."""
    run_vm(host, started(host), "--quiesce", f"echo $$ >{host.out('pid')}; exec sleep 1000",
           "--resume", f"echo resume >>{host.out('hook')}")
    wait_subscribed(host)
    start_update(host, timeout_ms=200).failed(errno.ETIMEDOUT, "UPDATE")
    host.wait_lines("hook", ["resume"])


def test_quiesce_ignores_sigterm(host):
    """A quiesce command that ignores SIGTERM is killed a moment later."""
    run_vm(host, started(host), "--quiesce",
           f"trap '' TERM; echo up >{host.out('notes2')}; while :; do sleep 0.1; done",
           "--resume", f"echo resume >>{host.out('hook')}")
    wait_subscribed(host)
    client = start_update(host, timeout_ms=2000)
    host.wait_lines("notes2", ["up"])
    client.failed(errno.ETIMEDOUT, "UPDATE")
    host.wait_lines("hook", ["resume"])


def test_other_client_fails(host):
    """A quiesce command is not disturbed if another client fails. Its result counts."""
    go_on = host.out("go-on")
    run_vm(host, started(host), "--quiesce",
           f"echo quiesce >>{host.out('hook')}; while ! test -e {go_on}; do sleep 0.01; done",
           "--resume", f"echo resume >>{host.out('hook')}")
    wait_subscribed(host)
    other = host.luod.subscribe("other")
    client = start_update(host)
    update = other.event("START_PRESERVATION")["update"]
    host.wait_lines("hook", ["quiesce"])
    other.ok("FAILED", id="other", update=update, message="no")
    client.failed(errno.ECANCELED, "UPDATE")
    equal(host.read("hook"), "quiesce\n")
    with open(go_on, "w", encoding="utf-8"):
        pass
    host.wait_lines("hook", ["quiesce", "resume"])


def test_luod_dies(host):
    """The program subscribes again, and an update that was not committed is off."""
    run_vm(host, started(host), "--quiesce", f"echo quiesce >>{host.out('hook')}",
           "--resume", f"echo resume >>{host.out('hook')}")
    wait_subscribed(host)
    other = host.luod.subscribe("other")
    start_update(host)
    other.event("START_PRESERVATION")
    host.wait_lines("hook", ["quiesce"])
    host.luod.restart()
    host.wait_lines("hook", ["quiesce", "resume"])
    wait_subscribed(host)


def test_luod_dies_after_commit(host):
    """The program stays quiesced until luod has said that the session is lost."""
    run_vm(host, started(host), "--quiesce", f"echo quiesce >>{host.out('hook')}",
           "--resume", f"echo resume >>{host.out('hook')}")
    wait_subscribed(host)
    check(start_update(host).answer("UPDATE")["ok"], "no update")
    host.luod.kill()
    equal(host.read("hook"), "quiesce\n")
    # This luod has no systemd that keeps its descriptors.
    host.luod.start()
    host.wait_lines("hook", ["quiesce", "resume"])
    wait_subscribed(host)


def test_luod_restarted_after_commit(_):
    """The program stays quiesced if luod still has the session."""
    with Host(under_systemd=True) as host:
        program = run_vm(host, started(host), "--quiesce", f"echo quiesce >>{host.out('hook')}",
                         "--resume", f"echo resume >>{host.out('hook')}")
        wait_subscribed(host)
        check(start_update(host).answer("UPDATE")["ok"], "no update")
        host.luod.restart()
        # The program has subscribed again as soon as it has a client.
        wait_for(lambda: [session for session in host.json("list")["sessions"]
                          if session.get("luod", {}).get("pid") == program.pid], "it is back")
        check("update-committed" in host.findings(3), "the update is off")
        equal(host.read("hook"), "quiesce\n")
        host.run("kexec", "--abort")
        host.wait_lines("hook", ["quiesce", "resume"])
        wait_subscribed(host)


def test_started_after_commit(_):
    """A program that was started again after the commit calls the update off."""
    with Host(under_systemd=True) as host:
        client = host.luod.subscribe("vm0")
        luoctl = start_update(host)
        client.preserve_all("vm0")
        check(luoctl.answer("UPDATE")["ok"], "no update")
        client.close()
        check(host.luod.is_open("out", "vm0"), "the session is closed")
        run_vm(host, started(host))
        host.luod.wait_closed("vm0")
        wait_subscribed(host)


# Examples, with the programs that are installed

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "examples")


def run_example(host, memfds, hooks, *arguments):
    """Start a program of the examples."""
    program = os.path.join(host.luod.dir, arguments[0])
    # The examples are not executable before they are installed.
    shutil.copy(os.path.join(EXAMPLES, arguments[0]), program)
    os.chmod(program, 0o755)
    options = [option for memfd in memfds for option in ("--memfd", memfd)]
    options += [option for hook in hooks for option in ("--" + hook, f"{program} {hook}")]
    os.environ["RUNTIME_DIRECTORY"] = host.luod.dir
    return host.start("run", "vm0", *options, "--", program, *arguments[1:])


def update_example(host, program):
    """Call an update off, then do one."""
    for abort in True, False:
        wait_subscribed(host)
        client = start_update(host)
        check(client.answer("UPDATE")["ok"], "no update")
        if abort:
            client.ok("ABORT")
    program.terminate()
    program.communicate()
    equal(host.luod.kexec(), ["vm0"])


def lacks(program):
    """Return whether a program is not installed, and note that."""
    if shutil.which(program):
        return False
    print(f"# {program} is not installed")
    return True


def monitor(host, command):
    """Return what QEMU's monitor prints."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(os.path.join(host.luod.dir, "vm0.sock"))
        file = sock.makefile("rw", encoding="utf-8")
        file.readline()
        for request in ({"execute": "qmp_capabilities"},
                        {"execute": "human-monitor-command",
                         "arguments": {"command-line": command}}):
            json.dump(request, file)
            file.flush()
            answer = {}
            while "return" not in answer:
                answer = json.loads(file.readline())
        return answer["return"]


def test_example_qemu(host):
    """A virtual machine without a disk goes on."""
    arch = os.uname().machine
    qemu = "qemu-system-" + arch
    if lacks(qemu):
        return
    start = (host, ("ram=64M", "state=0"), ("quiesce", "resume", "restore"), "luo-qemu",
             "start", qemu, "-machine", ("virt" if arch == "aarch64" else "pc") + ",accel=tcg",
             "-cpu", "max", "-nodefaults", "-display", "none")
    base = 0x40000000 if arch == "aarch64" else 0
    show = f"xp /4xb {base + (32 << 20):#x}"

    program = run_example(*start)
    wait_subscribed(host)
    wait_for(lambda: os.path.exists(os.path.join(host.luod.dir, "vm0.sock")), "QEMU listens")
    links = f"/proc/{program.pid}/fd"
    ram = next(number for number in os.listdir(links)
               if os.readlink(f"{links}/{number}").startswith("/memfd:ram"))
    with open(f"{links}/{ram}", "r+b") as file:
        file.seek(32 << 20)
        file.write(b"\x12\x34\x56\x78")
    before = monitor(host, show)
    check("0x12 0x34 0x56 0x78" in before, before)
    update_example(host, program)

    program = run_example(*start)
    wait_done(host)
    check("running" in monitor(host, "info status"), "it stands still")
    equal(monitor(host, show), before)


def test_example_memcached(host):
    """memcached has its item."""
    if lacks("memcached"):
        return
    path = os.path.join(host.luod.dir, "memcached.sock")
    start = (host, ("items=64M", "meta=0"), ("quiesce",), "luo-memcached", "start",
             "-m", "64", "-s", path, *(("-u", "root") if not os.geteuid() else ()))

    def ask(text):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(path)
            sock.sendall(text)
            return sock.recv(4096)

    def answers(text, answer):
        try:
            return ask(text) == answer
        except (FileNotFoundError, ConnectionRefusedError):
            return False

    program = run_example(*start)
    wait_for(lambda: answers(b"set a 0 0 5\r\nvalue\r\n", b"STORED\r\n"), "it is stored")
    update_example(host, program)
    run_example(*start)
    wait_for(lambda: answers(b"get a\r\n", b"VALUE a 0 5\r\nvalue\r\nEND\r\n"), "it is back")


def tests():
    """Yield all tests."""
    for name, function in list(globals().items()):
        if name.startswith("test_"):
            yield name[len("test_"):], None, in_host(function)


if __name__ == "__main__":
    Host.LUOD, Host.LUOCTL = sys.argv[1:3]
    wanted = sys.argv[3:]
    sys.exit(run(test for test in tests() if not wanted or test[0] in wanted))

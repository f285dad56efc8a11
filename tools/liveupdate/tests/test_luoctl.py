#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0
"""Usage: tests/test_luoctl.py LUOD LUOCTL [TEST]...
Test luoctl in a fake system, with luod on a fake device. Prints TAP. test_run.py tests
"luoctl run".
"""

import errno
import json
import os
import re
import sys
import xml.dom.minidom

from fake_host import (CMDLINE, Host, SUMMARY_IN, SUMMARY_OUT, in_host, run_vm, started,
                       update_once, wait_state, wait_subscribed)
from harness import check, equal, run


# Arguments

COMMANDS = "load", "run", "check", "kexec", "list", "status", "map", "retrieve", "discard"


def test_help(host):
    """Every command explains itself, and rejects what it does not know."""
    text = host.run("--help")
    for command in COMMANDS:
        check(re.search(rf"^  {command} ", text, re.M), f"--help lacks {command}")
        check(host.run(command, "--help").startswith(f"Usage: luoctl {command}"), command)
        check("Usage:" in host.run(command, "--nonsense", code=2), command)
    host.run(code=2)
    host.run("nonsense", code=2)


def test_usage(host):
    """Wrong arguments are exit code 2."""
    for arguments in (("load",), ("load", "a", "b"), ("load", "a"), ("run",), ("run", "vm0"),
                      ("load", "a", "--reuse-cmdline", "--cmdline", "x"),
                      ("run", "--memfd", "a=1", "true"), ("check", "x"), ("list", "x"),
                      ("map", "--json", "--svg", "x"), ("retrieve", "a"), ("discard",),
                      ("retrieve", "a", "too-long-name"), ("kexec", "--timeout", "0"),
                      ("kexec", "--timeout", "x"), ("kexec", "--abort", "--now")):
        host.run(*arguments, code=2)
    for memfd in ("ram", "=4K", "1=4K", "a/b=1", "ram=", "ram=x", "ram=4X", "ram=4KK",
                  "ram=-1", "ram=16777216T", "waytoolong=1", "ram=4M,", "ram=4M,huge=2M",
                  "ram=4M,hugetlb=", "ram=4M,hugetlb=3M", "ram=4M,hugetlb=2M,", "ram=3M,hugetlb=2M",
                  "ram=4M,hugetlb=0", "ram=4M,hugetlb=1"):
        host.run("run", "vm0", "--memfd", memfd, "true", code=2)
    host.run("run", "vm0", "--memfd", "a=1", "--memfd", "a=2", "true", code=2)


# load

def kernel_of(host, content=b"kernel"):
    """Return the path of a kernel."""
    path = host.out("vmlinuz")
    with open(path, "wb") as file:
        file.write(content)
    return path


def test_load(host):
    """The kernel gets its command line, and what was loaded is recorded."""
    kernel = kernel_of(host)
    text = host.run("load", kernel, "--reuse-cmdline")
    equal(text, "", "warnings")
    equal(host.read("loaded"), "kernel0 " + CMDLINE + "\n")
    record = json.loads(host.read("root/run/luoctl/image"))
    equal((record["kernel"], record["cmdline"], record["boot_id"]), (kernel, CMDLINE, "1-2-3"))
    equal((record["kernel_size"], record["initrd_size"]), (6, 0))

    host.run("load", kernel, "--initrd", kernel, "--cmdline", "kho=on liveupdate=on")
    equal(host.read("loaded"), "kernel1 kho=on liveupdate=on\n")
    equal(json.loads(host.read("root/run/luoctl/image"))["initrd_size"], 6)


def test_load_warns(host):
    """The options are read as the kernel reads them."""
    for cmdline, missing, off in (
            ("", "kho liveupdate", ""), ("kho=on", "liveupdate", ""),
            ("kho=1 liveupdate=Y", "", ""), ("kho=off liveupdate=on", "", "kho"),
            ("kho=on kho=0 liveupdate=on", "", "kho"), ("kho=on kho=x liveupdate=t", "", ""),
            ("kho liveupdate=on", "kho", ""), ('"kho=on" liveupdate="off"', "", "liveupdate"),
            ("a=\"kho=off\" kho=on -- liveupdate=on", "liveupdate", ""),
            ("xkho=on kho_scratch=1 liveupdate=oN", "kho", "")):
        text = host.run("load", kernel_of(host), "--cmdline", cmdline)
        found = re.findall(r"(\w+)= is not on the command line", text)
        equal(" ".join(found), missing, cmdline)
        equal(" ".join(re.findall(r"(\w+)= on the command line is off", text)), off, cmdline)


def test_load_fails(host):
    """Every error comes with a next step, and the old record stays."""
    before = host.read("root/run/luoctl/image")
    for error in (errno.EPERM, errno.EBUSY, errno.EADDRNOTAVAIL, errno.ENOEXEC, errno.EINVAL,
                  errno.EFBIG, errno.ENOMEM, errno.ENOSYS, errno.EKEYREJECTED, errno.EIO):
        host.fail("load", error)
        text = host.run("load", kernel_of(host), "--reuse-cmdline", code=1)
        check(os.strerror(error) in text and "next: " in text, text)
    host.fail("load", errno.EPERM)
    host.write("/proc/sys/kernel/kexec_load_disabled", "1\n")
    check("kexec_load_disabled is 1" in
          host.run("load", kernel_of(host), "--reuse-cmdline", code=1), "no reason")
    equal(host.read("root/run/luoctl/image"), before)
    host.run("load", "/nonsense", "--reuse-cmdline", code=1)


def test_kernel_sizes(host):
    """The size that a kernel needs to run is in its header."""
    x86 = bytearray(4096)
    x86[0x202:0x206] = b"HdrS"
    x86[0x260:0x264] = (70 << 20).to_bytes(4, "little")
    arm64 = bytearray(4096)
    arm64[16:24] = (30 << 20).to_bytes(8, "little")
    arm64[56:60] = b"ARM\x64"
    for image, size in (x86, 70 << 20), (arm64, 30 << 20), (bytes(5000), 5000), (b"", 0):
        host.run("load", kernel_of(host, image), "--reuse-cmdline")
        equal(json.loads(host.read("root/run/luoctl/image"))["kernel_size"], size)


# check

def subscribed(host):
    """Let a client take part."""
    return host.luod.subscribe("vm0")


def test_check_finds_nothing(host):
    """A system that is ready has no finding."""
    subscribed(host)
    equal(host.findings(0), set())
    check("luoctl kexec" in host.run("check"), "no next step")


def client_memory(host):
    """Give the client a memfd of 1 MiB."""
    os.makedirs(host.path("/proc"), exist_ok=True)
    os.symlink(f"/proc/{os.getpid()}", host.path(f"/proc/{os.getpid()}"))
    memfd = os.memfd_create("ram")
    os.write(memfd, bytes(1 << 20))
    host.memfd = memfd


def kho_off(host):
    """KHO is off."""
    os.unlink(host.path("/dev/liveupdate"))
    host.no_debugfs()
    host.write("/proc/cmdline", "liveupdate=on\n")


def liveupdate_off(host):
    """Live update is off."""
    os.unlink(host.path("/dev/liveupdate"))
    host.write("/proc/cmdline", "kho=on\n")


def other_holder(host, *arguments):
    """Another program has a session."""
    host.debugfs("out/summary", SUMMARY_OUT +
                 'sessions: 1\n  session "own", 0 files, open\n')
    host.process(700, *arguments, links=["anon_inode:[luo_session] own"])


def incoming(host, state):
    """There is a session of the previous kernel."""
    host.debugfs("in/summary", SUMMARY_IN +
                 f'sessions: 1\n  session "old", 1 files, {state}\n'
                 '    token 0x1, handler "memfd-v2", waiting\n')


def claimed(host):
    """A client has claimed a session and not finished it."""
    host.luod.leave_incoming("old")
    host.luod.connect().ok("CLAIM", id="old")


def abandoned(host):
    """A client has claimed a session and is gone."""
    claimed(host)
    host.luod.clients[-1].close()
    wait_state(host, "held")


def committed(host):
    """An update was committed."""
    client = host.luod.clients[-1]
    other = host.luod.connect()
    other.send("UPDATE", now=False)
    client.preserve_all("vm0")
    check(other.answer("UPDATE")["ok"], "no update")


def preserving(host):
    """An update is under way."""
    host.luod.connect().send("UPDATE", now=False)
    host.luod.clients[0].event("START_PRESERVATION")


def expensive(host):
    """The client has memory, and there is little free memory."""
    client_memory(host)
    host.meminfo(MemAvailable=100000, CmaFree=99999)
    host.record(initrd_size=0)


def with_holes(host):
    """The client has a memfd with holes, which need no memory."""
    client_memory(host)
    os.ftruncate(host.memfd, 200 << 20)
    host.meminfo(MemAvailable=300000, CmaFree=200000)


def too_expensive(host):
    """What is to be preserved does not fit beside scratch."""
    client_memory(host)
    host.meminfo(MemTotal=(256 << 10) + 1000)
    host.record(kernel_size=0, initrd_size=0)


def two_ids(host):
    """The client has two ids, and memory that fits once but not twice."""
    host.luod.clients[0].ok("SUBSCRIBE", id="vm1")
    client_memory(host)
    host.meminfo(MemTotal=(256 << 10) + 1500)
    host.record(kernel_size=0, initrd_size=0)


HUGE_SESSION = '''  session "own", 1 files, open
    token 0x1, handler "memfd-hugetlb-v1;vmalloc-v1", preserved, 4194304 bytes
'''

FINDINGS = (
    ("kho-off", 3, kho_off),
    ("liveupdate-off", 3, liveupdate_off),
    ("liveupdate-failed", 3, lambda host: os.unlink(host.path("/dev/liveupdate"))),
    ("debugfs-missing", 0, Host.no_debugfs),
    ("handover-refused", 0, lambda host: host.debugfs(
        "in/summary", "LUO: refused (-EIO)\nsessions: not listed, none was retrieved\n")),
    ("handover-damaged", 3, lambda host: host.debugfs(
        "out/verify", "damaged: see the kernel log\n")),
    ("handover-not-checked", 0, lambda host: host.fail("verify", errno.EBUSY)),
    ("image-missing", 3, lambda host: host.loaded(0)),
    ("image-no-handover", 3, lambda host: host.debugfs(
        "out/image", "it was not loaded by kexec_file_load()\n")),
    ("image-option-off", 3, lambda host: host.record(cmdline="kho=on liveupdate=off")),
    ("image-option-missing", 3, lambda host: host.record(cmdline="liveupdate=on")),
    ("image-without-kho", 3, lambda host: host.record(
        log=["The loaded kernel does not support kexec handover: preserved memory will be lost"])),
    ("image-not-recorded", 0, lambda host: host.record(boot_id="4-5-6")),
    ("image-unknown debugfs-missing", 3, lambda host: (
        host.no_debugfs(), os.unlink(host.path("/run/luoctl/image")))),
    ("form-mainline", 0, lambda host: host.debugfs(
        "out/summary", SUMMARY_OUT + "form: mainline\nsessions: 0\n")),
    ("", 0, lambda host: host.debugfs(
        "out/summary", SUMMARY_OUT + "form: composed\nsessions: 0\n")),
    ("form-mainline file-not-readable session-without-holder", 3, lambda host: host.debugfs(
        "out/summary", SUMMARY_OUT + "form: mainline\nsessions: 1\n" + HUGE_SESSION)),
    ("session-without-holder", 3, lambda host: host.debugfs(
        "out/summary", SUMMARY_OUT + "form: composed\nsessions: 1\n" + HUGE_SESSION)),
    ("scratch-too-small", 3, lambda host: host.record(initrd_size=250 << 20)),
    ("scratch-tight", 0, lambda host: host.record(initrd_size=150 << 20)),
    ("luod-missing", 3, lambda host: host.luod.kill()),
    ("update-committed", 3, committed),
    ("update-running", 3, preserving),
    ("session-without-holder", 3, lambda host: host.debugfs(
        "out/summary", SUMMARY_OUT + 'sessions: 1\n  session "own", 0 files, open\n')),
    ("session-will-be-lost", 0, lambda host: other_holder(host, "agent", "-d")),
    ("", 0, lambda host: other_holder(host, "@agent", "-d")),
    ("session-not-restored", 3, claimed),
    ("session-not-claimed", 0, abandoned),
    ("session-not-claimed", 0, lambda host: incoming(host, "waiting")),
    ("session-damaged", 0, lambda host: incoming(host, "damaged")),
    ("session-not-finished", 0, lambda host: (
        incoming(host, "retrieved"),
        host.process(700, "agent", links=["anon_inode:[luo_session] old"]))),
    ("nothing-to-preserve", 0, lambda host: host.luod.clients[0].ok("UNSUBSCRIBE", id="vm0")),
    ("client-not-subscribed", 3, lambda host: host.process(
        812, "/usr/sbin/luoctl", "run", "cache", "memcached")),
    ("", 0, lambda host: host.process(812, "/usr/sbin/luoctl", "run", "vm0", "qemu")),
    ("memory-too-small", 3, too_expensive),
    ("", 0, two_ids),
    ("memory-short", 0, expensive),
    ("", 0, with_holes),
    ("memory-to-boot", 0, lambda host: host.meminfo(MemAvailable=70 << 10)),
    ("swap-in-use", 0, lambda host: host.meminfo(SwapTotal=1000, SwapFree=900)),
)


def finding_test(names, code, change):
    """Return a test that one change of a system that is ready leads to this finding only."""
    def test(host):
        subscribed(host)
        change(host)
        found = host.findings(code)
        if "luod" not in names:
            equal(found, set(names.split()))
        check(set(names.split()) <= found, f"found {found}")
        for name in names.split():
            check("next: " in host.run("check", code=code), f"{name}: no next step")
    return test


def test_check_not_verified(host):
    """If the kernel can't check what it hands over, the finding says what to do next."""
    subscribed(host)
    host.fail("verify", errno.EBUSY)
    text = host.run("check")
    check("could not check what it hands over: Device or resource busy" in text, text)
    check("try again" in text, text)
    host.fail("verify", errno.ENOMEM)
    text = host.run("check")
    check("Cannot allocate memory" in text and "free some memory" in text, text)
    host.fail("verify", errno.EACCES)
    text = host.run("check")
    check("Permission denied" in text and "check as root" in text, text)
    host.fail("verify", 0)
    equal(host.findings(0), set())


# list, status

def test_list(host):
    """Sessions come from the kernel, from luod, and from the descriptors of processes."""
    host.luod.leave_incoming("vm0")
    host.luod.connect().ok("CLAIM", id="vm0")
    subscribed(host)
    host.debugfs("out/summary", SUMMARY_OUT + r'''sessions: 2
  session "a\"b\\\x1b", 1 files, open
    token 0x6d6172, handler "memfd-v3;vmalloc-v1", preserved, 4194304 bytes
  session "own", 2 files, open
    token 0x1, handler "memfd-v3;vmalloc-v1", preserved, 4096 bytes
    token 0xffffffffffffffff, handler "sample-note-v1", preserved
huge pages of 2048 KiB on node 0: 3 pages, 6291456 bytes
huge pages of 1048576 KiB on node 1: 2 pages, 2147483648 bytes
''')
    host.debugfs("in/summary", SUMMARY_IN + '''sessions: 1
  session "vm0", 1 files, retrieved
    token 0x1, handler "memfd-v3;vmalloc-v1", waiting
''')
    host.process(700, "agent\x1b[2J", links=[
        "anon_inode:[luo_session] own", "/dev/null", "anon_inode:[luo_session] own",
        "anon_inode:[luo_session] lost\x1b"])

    sessions = host.json("list")["sessions"]
    equal([(session["name"], session["direction"]) for session in sessions],
          [(r'a"b\\x1b'.replace(r"\\", "\\" + "\\"), "outgoing"), ("lost?", "unknown"),
           ("own", "outgoing"), ("vm0", "outgoing"), ("vm0", "incoming")])
    own = sessions[2]
    equal(own["holders"], [{"pid": 700, "command": "agent?[2J"}])
    equal(sessions[0]["files"][0]["name"], "ram")
    equal([file.get("bytes") for file in own["files"]], [4096, None])
    equal(own["files"][1]["token"], 2 ** 64 - 1)
    equal(sessions[3]["luod"], {"state": "subscribed", "pid": os.getpid()})
    equal(sessions[4]["luod"]["state"], "claimed")

    text = host.run("list")
    check(re.search(r"^own +outgoing +open +2 +- +agent\?\[2J \(700\)$", text, re.M), text)
    check("\x1b" not in text + host.run("status"), "an escape character")
    status = host.run("status")
    for line in ("6.12.95, KHO on, live update on, live update 2 since cold boot",
                 "Next kernel:  /boot/vmlinuz, carries the handover",
                 "Scratch:      256 MiB in 2 regions", "Preserved:    4 MiB in 7 blocks",
                 "Not restored: 8 KiB in 2 blocks", "luod:         idle",
                 "Huge pages:   6 MiB in 3 pages of 2 MiB on node 0\n"
                 "              2 GiB in 2 pages of 1 GiB on node 1\n",
                 "    ram                memfd              4 MiB  preserved"):
        check(line in status, f"{line!r} is not in {status}")
    equal(host.json("status")["huge_pages"][1], {
        "page_size": 2 ** 30, "node": 1, "pages": 2, "bytes": 2 ** 31})


def test_list_many(host):
    """luod's answer comes in parts."""
    host.luod.subscribe(*(f"vm{number:03}" for number in range(200)))
    names = [session["name"] for session in host.json("list")["sessions"]]
    equal(names, [f"vm{number:03}" for number in range(200)])


def test_status_of_nothing(host):
    """Without live update, debugfs and luod the status says so."""
    kho_off(host)
    host.luod.kill()
    equal(host.run("list"), "There are no sessions.\n")
    status = host.run("status")
    for line in "KHO off, live update off", "can't be reached", "debugfs does not show KHO":
        check(line in status, f"{line!r} is not in {status}")
    equal(host.json("status")["kho"], False)


# map

def test_map(host):
    """Ranges are shown by zone."""
    text = host.run("map")
    check("Node 0, zone DMA, 0x1000-0xffffff: 15.6 MiB RAM" in text, text)
    check("256 MiB scratch, 8 KiB not restored, 4 MiB preserved" in text, text)
    bar = text.split("\n")[3]
    equal(len(bar), 80)
    equal(re.sub(r"(.)\1+", r"\1", bar), "  [.s.+.+.s.i.]".replace("  [", " ["))

    ranges = host.json("map")
    equal(ranges["preserved"], [{"start": 0x20000000, "size": 2097152},
                                {"start": 0x30000000, "size": 2097152}])
    equal(ranges["not_restored"], [{"start": 0x50000000, "size": 8192}])
    equal([zone["name"] for zone in ranges["zones"]], ["DMA", "DMA32"])


def test_map_svg(host):
    """The picture is well-formed and small, however many ranges there are."""
    host.debugfs("out/preserved", "".join(f"{0x20000000 + number * 8192:#x} 4096\n"
                                          for number in range(100000)))
    path = host.out("map.svg")
    host.run("map", "--svg", path)
    document = xml.dom.minidom.parse(path)
    check(10 < len(document.getElementsByTagName("rect")) < 2000, "number of boxes")
    check(os.path.getsize(path) < 100000, "size")
    host.run("map", "--svg", "/nonsense/file", code=1)


def test_map_without_debugfs(host):
    """Without debugfs there are the zones."""
    host.no_debugfs()
    text = host.run("map")
    check("where memory is preserved is not known" in text and "zone DMA32" in text, text)
    check("preserved" not in host.start("map", "--json").communicate()[0], "preserved")


# kexec

def test_kexec_now(host):
    """All programs are ready, then the next kernel starts."""
    run_vm(host, started(host))
    wait_subscribed(host)
    host.run("kexec", "--now")
    check(host.exists("started"), "no kexec")


def test_kexec_checks(host):
    """Nothing happens after an error of the check, unless it is forced."""
    run_vm(host, started(host))
    wait_subscribed(host)
    host.loaded(0)
    text = host.run("kexec", "--now", code=3)
    check("no kernel is loaded" in text and "--force" in text, text)
    check(not host.exists("started"), "kexec")
    host.run("kexec", "--now", "--force")
    check(host.exists("started"), "no kexec")


def test_kexec_not_ready(host):
    """The message names the program that is not ready."""
    run_vm(host, started(host), "--quiesce", "exit 1")
    wait_subscribed(host)
    text = host.run("kexec", "--now", code=1)
    check("vm0" in text and "exit code 1" in text, text)
    check(not host.exists("started"), "kexec")


def test_kexec_luod_dies(host):
    """Without luod's answer there is no kexec, and the update is called off."""
    client = host.luod.subscribe("vm0")
    program = host.start("kexec", "--now")
    client.event("START_PRESERVATION")
    host.luod.restart()
    _, err = program.communicate()
    equal((program.returncode, "Connection reset" in err), (1, True), err)
    check(not host.exists("started"), "kexec")


def test_kexec_is_refused(host):
    """If the kernel refuses the kexec, all programs go on."""
    host.fail("start", errno.EINVAL)
    run_vm(host, started(host), "--quiesce", "true",
           "--resume", f"echo resume >>{host.out('hook')}")
    wait_subscribed(host)
    text = host.run("kexec", "--now", code=1)
    check("Invalid argument" in text, text)
    host.wait_lines("hook", ["resume"])


def test_kexec_by_systemd(host):
    """systemctl kexec is run; if it fails the update is called off."""
    os.mkdir(host.out("bin"))
    path = os.environ["PATH"]
    systemctl = host.out("bin/systemctl")
    os.environ["PATH"] = host.out("bin") + ":" + path
    try:
        run_vm(host, started(host), "--quiesce", "true",
               "--resume", f"echo resume >>{host.out('hook')}")
        wait_subscribed(host)
        for code in 1, 0:
            with open(systemctl, "w", encoding="utf-8") as file:
                file.write(f"#!/bin/sh\necho $* >>{host.out('systemctl')}\nexit {code}\n")
            os.chmod(systemctl, 0o755)
            host.run("kexec", code=code)
            host.wait_lines("hook", ["resume"])
            if code:
                wait_subscribed(host)
    finally:
        os.environ["PATH"] = path
    equal(host.read("systemctl"), "kexec\nkexec\n")
    check("update-committed" in host.findings(3), "it is not committed")
    host.run("kexec", "--abort")
    host.wait_lines("hook", ["resume", "resume"])
    host.run("kexec", "--abort", code=1)


# By hand

def test_retrieve(host):
    """A file can be copied out, again and again."""
    update_once(host)
    for _ in range(2):
        equal(host.run("retrieve", "vm0", "state"), "content\n")
    equal(host.run("retrieve", "vm0", str(int.from_bytes(b"state", "little"))), "content\n")
    host.run("retrieve", "vm0", "ram", "-o", host.out("ram"))
    equal((os.path.getsize(host.out("ram")), os.stat(host.out("ram")).st_blocks), (8192, 0))
    check("No such file" in host.run("retrieve", "vm0", "7", code=1), "no reason")
    host.run("retrieve", "other", "7", code=1)
    run_vm(host, started(host))
    host.wait_lines("notes", ["1 2 ram:state vm0 content"])


def test_discard(host):
    """A discarded session is gone."""
    update_once(host)
    host.run("discard", "vm0")
    host.run("discard", "vm0", code=1)
    run_vm(host, started(host))
    host.wait_lines("notes", ["0 2 ram:state vm0 "])


def test_by_hand_without_luod(host):
    """Both do without luod."""
    update_once(host)
    host.luod.kill()
    equal(host.run("retrieve", "vm0", "state"), "content\n")
    host.run("discard", "vm0")
    host.run("retrieve", "vm0", "state", code=1)
    host.luod.start()


def tests():
    """Yield all tests."""
    for name, function in list(globals().items()):
        if name.startswith("test_"):
            yield name[len("test_"):], None, in_host(function)
    for names, code, change in FINDINGS:
        yield f"check {names or change.__name__}", None, in_host(finding_test(names, code, change))

if __name__ == "__main__":
    Host.LUOD, Host.LUOCTL = sys.argv[1:3]
    wanted = sys.argv[3:]
    sys.exit(run(test for test in tests() if not wanted or test[0] in wanted))

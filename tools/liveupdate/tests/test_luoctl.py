#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0
"""Usage: tests/test_luoctl.py LUOD LUOCTL
Test luoctl in a fake system, with luod on a fake device. Prints TAP.
"""

import errno
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import xml.dom.minidom

from harness import Luod, check, equal, run, wait_for

LUOD = LUOCTL = None
CMDLINE = "root=/dev/vda1 kho=on liveupdate=on"

SUMMARY_OUT = r'''version: "kho-v4;radix-v1;vmalloc-v1"
scratch: 2 regions
  [mem 0x0000000010000000-0x0000000017ffffff] 134217728 bytes
  [mem 0x0000000040000000-0x0000000047ffffff] 134217728 bytes
preserved: 7 blocks, 1024 pages, 4194304 bytes
  order 3: 7 blocks, 56 pages, 229376 bytes
tree: 5 nodes, 20480 bytes
handed on unless restored: 2 blocks, 2 pages, 8192 bytes
blobs:
  "LUO" 40 bytes at 0x1234000
LUO: version "luo-v5;block-v1", live update 3 since cold boot
sessions of the previous kernel: 1
'''
SUMMARY_IN = '''version: "kho-v4;radix-v1;vmalloc-v1"
preserved, not restored: 2 blocks, 2 pages, 8192 bytes
tree: 1 nodes, 4096 bytes
blobs:
LUO: version "luo-v5;block-v1", live update 2 since cold boot
'''
ZONEINFO = '''Node 0, zone      DMA
  pages free     3840
        spanned  4095
        present  3998
        managed  3840
        cma      0
  start_pfn:           1
Node 0, zone    DMA32
  pages free     3840
        spanned  520192
        present  500000
        managed  500000
  start_pfn:           4096
Node 0, zone   Normal
  pages free     0
        spanned  0
        present  0
'''
IOMEM = '''00000000-00000fff : Reserved
00001000-0009fbff : System RAM
000f0000-000fffff : System ROM
00100000-7fffffff : System RAM
  01000000-01ffffff : Kernel code
'''
MEMINFO = {"MemTotal": 2097152, "MemAvailable": 1500000, "CmaFree": 200000,
           "SwapTotal": 0, "SwapFree": 0}


class Host:
    """A system with luod, as luoctl sees it."""

    def __init__(self, under_systemd=False):
        self.luod = Luod(LUOD, under_systemd)
        self.root = os.path.join(self.luod.dir, "root")
        os.mkdir(os.path.join(self.luod.dir, "files"))
        self.mem = dict(MEMINFO)
        self.write("/proc/cmdline", "BOOT_IMAGE=/boot/vmlinuz " + CMDLINE + "\n")
        self.write("/proc/sys/kernel/osrelease", "6.12.95\n")
        self.write("/proc/sys/kernel/random/boot_id", "1-2-3\n")
        self.write("/proc/zoneinfo", ZONEINFO)
        self.write("/proc/iomem", IOMEM)
        self.write("/dev/liveupdate", "")
        self.write("/run/empty", "")
        self.meminfo()
        self.loaded(1)
        self.debugfs("out/summary", SUMMARY_OUT + "sessions: 0\n")
        self.debugfs("in/summary", SUMMARY_IN)
        self.debugfs("out/image", "carries the handover\n")
        self.debugfs("out/scratch_phys", "0x10000000\n0x40000000\n")
        self.debugfs("out/scratch_len", "134217728\n134217728\n")
        self.debugfs("out/preserved", "0x20000000 2097152\n0x30000000 2097152\n")
        self.debugfs("in/preserved", "0x50000000 8192\n")
        self.record()
        self.programs = []

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for program in self.programs:
            # It ends its own programs.
            program.terminate()
            program.communicate()
        self.luod.__exit__()

    def path(self, path):
        """Return where a file of the fake system is."""
        return self.root + path

    def write(self, path, text):
        """Write a file."""
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        with open(self.path(path), "w", encoding="utf-8") as file:
            file.write(text)

    def debugfs(self, path, text):
        """Write a file of KHO in debugfs."""
        self.write("/sys/kernel/debug/kho/" + path, text)

    def no_debugfs(self):
        """There is no debugfs."""
        shutil.rmtree(self.path("/sys/kernel/debug"))

    def meminfo(self, **values):
        """Set values, in KiB."""
        self.mem.update(values)
        self.write("/proc/meminfo", "".join(f"{key}: {value:8} kB\n"
                                            for key, value in self.mem.items()))

    def loaded(self, number):
        """Set whether a kernel is loaded."""
        self.write("/sys/kernel/kexec_loaded", f"{number}\n")

    def record(self, **members):
        """Write what luoctl load has recorded."""
        self.write("/run/luoctl/image", json.dumps({
            "boot_id": "1-2-3", "kernel": "/boot/vmlinuz", "cmdline": CMDLINE,
            "kernel_size": 50 << 20, "initrd_size": 20 << 20, "log": [], **members}))

    def process(self, pid, *arguments, links=()):
        """Add a process with these links as descriptors."""
        self.write(f"/proc/{pid}/cmdline", "\0".join(arguments) + "\0")
        os.makedirs(self.path(f"/proc/{pid}/fd"), exist_ok=True)
        for number, target in enumerate(links):
            os.symlink(target, self.path(f"/proc/{pid}/fd/{number}"))

    def fail(self, name, error):
        """Let requests fail with this error, 0 for none."""
        with open(os.path.join(self.luod.dir, name + "-error"), "w", encoding="utf-8") as file:
            file.write(str(error))
        if not error:
            os.unlink(file.name)

    def start(self, *arguments, **options):
        """Start luoctl."""
        environment = {**os.environ, "LUOCTL_FAKE_ROOT": self.root,
                       "LUOCTL_FAKE_SOCKET": self.luod.socket,
                       "LUOD_FAKE_DIR": self.luod.dir}
        program = subprocess.Popen([LUOCTL, *arguments], env=environment, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, **options)
        self.programs.append(program)
        return program

    def run(self, *arguments, code=0):
        """Run luoctl. Return what it prints."""
        program = self.start(*arguments)
        out, err = program.communicate()
        check(program.returncode == code and "Sanitizer" not in err,
              f"{arguments}: exit code {program.returncode}, not {code}: {out}{err}")
        return out + err

    def json(self, *arguments, code=0):
        """Run luoctl and return the object that it prints."""
        return json.loads(self.run(*arguments, "--json", code=code))

    def findings(self, code):
        """Return the names of what luoctl check finds."""
        findings = self.json("check", code=code)["findings"]
        for finding in findings:
            check(finding["text"] and finding["next"], f"{finding}: no next step")
        return {finding["name"] for finding in findings}

    def read(self, name):
        """Return a file of the fake kernel."""
        with open(os.path.join(self.luod.dir, name), encoding="utf-8") as file:
            return file.read()

    def exists(self, name):
        """Return whether the fake kernel or a program has made a file."""
        return os.path.exists(os.path.join(self.luod.dir, name))

    def wait_lines(self, name, lines):
        """Wait until a file has these lines."""
        wait_for(lambda: self.exists(name) and self.read(name).split("\n")[:-1] == lines,
                 f"{name} has {lines}")

    def out(self, name):
        """Return the path of a file that a program writes."""
        return os.path.join(self.luod.dir, name)


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
                  "ram=-1", "ram=16777216T", "waytoolong=1"):
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
    """The client has a memfd with holes, which are filled."""
    client_memory(host)
    os.ftruncate(host.memfd, 200 << 20)
    host.meminfo(MemAvailable=300000, CmaFree=200000)


def too_expensive(host):
    """What is to be preserved does not fit beside scratch."""
    client_memory(host)
    host.meminfo(MemTotal=(256 << 10) + 1000)
    host.record(kernel_size=0, initrd_size=0)


FINDINGS = (
    ("kho-off", 3, kho_off),
    ("liveupdate-off", 3, liveupdate_off),
    ("liveupdate-failed", 3, lambda host: os.unlink(host.path("/dev/liveupdate"))),
    ("debugfs-missing", 0, Host.no_debugfs),
    ("handover-refused", 0, lambda host: host.debugfs(
        "in/summary", "LUO: refused (-EIO)\nsessions: not listed, none was retrieved\n")),
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
    ("scratch-too-small", 3, lambda host: host.record(initrd_size=250 << 20)),
    ("scratch-tight", 0, lambda host: host.record(initrd_size=140 << 20)),
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
    ("memory-short", 0, expensive),
    ("memory-short", 0, with_holes),
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


# list, status

def test_list(host):
    """Sessions come from the kernel, from luod, and from the descriptors of processes."""
    host.luod.leave_incoming("vm0")
    host.luod.connect().ok("CLAIM", id="vm0")
    subscribed(host)
    host.debugfs("out/summary", SUMMARY_OUT + r'''sessions: 2
  session "a\"b\\\x1b", 1 files, open
    token 0x6d6172, handler "memfd-v2;vmalloc-v1", preserved, 4194304 bytes
  session "own", 2 files, open
    token 0x1, handler "memfd-v2;vmalloc-v1", preserved, 4096 bytes
    token 0xffffffffffffffff, handler "sample-note-v1", preserved
''')
    host.debugfs("in/summary", SUMMARY_IN + '''sessions: 1
  session "vm0", 1 files, retrieved
    token 0x1, handler "memfd-v2;vmalloc-v1", waiting
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
                 "    ram                memfd         4 MiB  preserved"):
        check(line in status, f"{line!r} is not in {status}")


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


# run

def run_vm(host, script, *options, memfds=("ram=8K", "state=0")):
    """Start luoctl run with a shell script."""
    arguments = [argument for memfd in memfds for argument in ("--memfd", memfd)]
    return host.start("run", "vm0", *arguments, *options, "--", "sh", "-c", script)


def started(host, name="notes"):
    """Return a script that notes what it was started with, and sleeps."""
    return (f'echo "$LUO_RESTORED $LISTEN_FDS $LISTEN_FDNAMES $LUO_ID $(cat <&4)" '
            f'>>{host.out(name)}; exec sleep 1000')


def wait_state(host, state):
    """Wait until luod has a session in this state."""
    wait_for(lambda: [session for session in host.json("list")["sessions"]
                      if session.get("luod", {}).get("state") == state], f"one is {state}")


def wait_subscribed(host):
    """Wait until the program takes part."""
    wait_state(host, "subscribed")


def wait_done(host):
    """Wait until the program has finished the session."""
    wait_state(host, "done")


def start_update(host, **members):
    """Start an update as luoctl kexec does."""
    client = host.luod.connect()
    client.send("UPDATE", now=False, **members)
    return client


def ended(program, code):
    """Wait for the end of a program."""
    _, err = program.communicate()
    check(program.returncode == code and "Sanitizer" not in err,
          f"exit code {program.returncode}, not {code}: {err}")
    return err


def test_run_environment(host):
    """The program gets the memfds as descriptors 3 and up, and nothing else."""
    script = ('test "$LISTEN_PID" = $$ && test -z "$LUO_PID" && '
              'stat -Lc %s /proc/self/fd/3 /proc/self/fd/4 && exec ls /proc/self/fd')
    program = run_vm(host, script)
    out, err = program.communicate()
    # ls has opened the directory.
    equal((out.split(), program.returncode), ("8192 0 0 1 2 3 4 5".split(), 0), err)


def test_run_exit_codes(host):
    """The exit code is that of the program."""
    for script, code in ("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137):
        ended(run_vm(host, script), code)
    host.run("run", "vm0", "/nonsense", code=127)
    host.run("run", "vm0", "/etc/passwd", code=126)
    check("it can't be" not in host.run("run", "vm0", "true"), "message")
    host.run("run", "bad/name", "true", code=125)


def test_run_signals(host):
    """Signals are passed on."""
    for number in signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1:
        program = run_vm(host, f"trap 'echo got >>{host.out('notes')}; exit 3' {int(number)}; "
                               f"echo up >>{host.out('notes')}; while :; do sleep 0.01; done")
        host.wait_lines("notes", ["up"])
        program.send_signal(number)
        ended(program, 3)
        host.wait_lines("notes", ["up", "got"])
        os.unlink(host.out("notes"))


def test_run_without_luod(host):
    """Without live update the program runs, with it luod is needed."""
    host.luod.kill()
    os.unlink(host.path("/dev/liveupdate"))
    err = ended(run_vm(host, "exit 4"), 4)
    check("no live update" in err, err)


def test_run_update(host):
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


def update_once(host):
    """Live-update a program with something in its second memfd."""
    program = run_vm(host, "echo content >&4; exec sleep 1000")
    wait_subscribed(host)
    wait_for(lambda: os.path.getsize(f"/proc/{program.pid}/fd/{memfd_of(program)}"), "content")
    client = start_update(host)
    check(client.answer("UPDATE")["ok"], "no update")
    program.terminate()
    program.communicate()
    host.luod.kexec()


def memfd_of(program):
    """Return the descriptor of the memfd "state" of luoctl."""
    links = f"/proc/{program.pid}/fd"
    return next(number for number in os.listdir(links)
                if os.readlink(f"{links}/{number}").startswith("/memfd:state"))


def test_run_restore_fails(host):
    """As long as the state is not restored, it can be had again."""
    update_once(host)
    err = ended(run_vm(host, started(host), "--restore", "exit 5"), 143)
    check("exit code 5" in err, err)
    err = ended(run_vm(host, "exit 6"), 6)
    program = run_vm(host, started(host), memfds=("ram=8K", "other=0"))
    check('no memfd "other"' in ended(program, 125), "no reason")
    run_vm(host, started(host, "notes2"))
    host.wait_lines("notes2", ["1 2 ram:state vm0 content"])


def test_run_claimed_elsewhere(host):
    """A session that another client has is not replaced by an empty one."""
    update_once(host)
    host.luod.connect().ok("CLAIM", id="vm0")
    check("claimed" in ended(run_vm(host, started(host)), 125), "no reason")
    check(not host.exists("notes"), "it was started")


def test_run_not_restored(host):
    """No update before the state is restored."""
    update_once(host)
    run_vm(host, started(host), "--restore", "sleep 1000")
    wait_subscribed(host)
    message = start_update(host).failed(errno.ECANCELED, "UPDATE")
    check("not restored yet" in message, message)


def test_run_restored_without_hook(host):
    """Without a restore command, a program that goes on running has its state back."""
    update_once(host)
    run_vm(host, started(host))
    host.wait_lines("notes", ["1 2 ram:state vm0 content"])
    wait_done(host)


def test_run_cancelled(host):
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


def test_run_updates_at_once(host):
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


def test_run_ends_to_quiesce(host):
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


def test_run_quiesce_fails(host):
    """One program that can't quiesce calls the update off."""
    program = run_vm(host, started(host), "--quiesce", "exit 3",
                     "--resume", f"echo resume >>{host.out('hook')}")
    wait_subscribed(host)
    message = start_update(host).failed(errno.ECANCELED, "UPDATE")
    check("exit code 3" in message, message)
    host.wait_lines("hook", ["resume"])
    equal(program.poll(), None)


def test_run_crash_while_quiescing(host):
    """A program that has ended without its state is not started again."""
    program = run_vm(host, started(host), "--quiesce", "kill -9 $LUO_PID; exit 1")
    wait_subscribed(host)
    start_update(host).failed(errno.ECANCELED, "UPDATE")
    ended(program, 137)
    equal(len(host.read("notes").splitlines()), 1)


def test_run_preserve_fails(host):
    """The reason is passed on, and the program goes on."""
    host.fail("preserve", errno.EBUSY)
    run_vm(host, started(host), "--quiesce", "true",
           "--resume", f"echo resume >>{host.out('hook')}")
    wait_subscribed(host)
    message = start_update(host).failed(errno.ECANCELED, "UPDATE")
    check("ram can't be preserved: Device or resource busy" in message, message)
    host.wait_lines("hook", ["resume"])


def test_run_quiesce_hangs(host):
    """A quiesce command that does not end is killed when its time is over."""
    run_vm(host, started(host), "--quiesce", f"echo $$ >{host.out('pid')}; exec sleep 1000",
           "--resume", f"echo resume >>{host.out('hook')}")
    wait_subscribed(host)
    start_update(host, timeout_ms=200).failed(errno.ETIMEDOUT, "UPDATE")
    host.wait_lines("hook", ["resume"])


def test_run_other_client_fails(host):
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


def test_run_luod_dies(host):
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


def test_run_luod_dies_after_commit(host):
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


def test_run_luod_restarted_after_commit(_):
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


def test_run_started_after_commit(_):
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


# Examples, with the programs that are installed

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "examples")


def run_example(host, memfds, hooks, *arguments):
    """Start a program of the examples."""
    program = os.path.join(EXAMPLES, arguments[0])
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
    for names, code, change in FINDINGS:
        yield f"check {names or change.__name__}", None, in_host(finding_test(names, code, change))


def in_host(function):
    """Return a test that gets a system of its own."""
    def test(_):
        with Host() as host:
            function(host)
            if host.luod.pid is None:
                host.luod.start()
    return test


if __name__ == "__main__":
    LUOD, LUOCTL = sys.argv[1:3]
    wanted = sys.argv[3:]
    sys.exit(run(test for test in tests() if not wanted or test[0] in wanted))

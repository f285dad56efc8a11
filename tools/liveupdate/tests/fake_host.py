# SPDX-License-Identifier: GPL-2.0
"""What the tests of luoctl share: a system with luod as luoctl sees it, and programs in it.

fake_luoctl.c describes what takes the place of the kernel.
"""

import json
import os
import shutil
import subprocess

from harness import LIMIT, Luod, check, wait_for

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

    # Paths of the programs
    LUOD = LUOCTL = None

    def __init__(self, under_systemd=False):
        self.luod = Luod(Host.LUOD, under_systemd)
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
        self.debugfs("out/verify", "no damage found\n")
        self.debugfs("out/scratch_phys", "0x10000000\n0x40000000\n")
        self.debugfs("out/scratch_len", "134217728\n134217728\n")
        self.debugfs("out/preserved", "0x20000000 2097152\n0x30000000 2097152\n")
        self.debugfs("in/preserved", "0x50000000 8192\n")
        self.record()
        self.programs = []
        # Of the client, which is this process
        self.memfd = None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for program in self.programs:
            # It ends its own programs.
            program.terminate()
            program.communicate()
        if self.memfd:
            os.close(self.memfd)
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
        program = subprocess.Popen([Host.LUOCTL, *arguments], env=environment, text=True,
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


# Programs, and updates

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
    _, err = program.communicate(timeout=LIMIT)
    check(program.returncode == code and "Sanitizer" not in err,
          f"exit code {program.returncode}, not {code}: {err}")
    return err


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


def in_host(function):
    """Return a test that gets a system of its own."""
    def test(_):
        with Host() as host:
            function(host)
            if host.luod.pid is None:
                host.luod.start()
    return test

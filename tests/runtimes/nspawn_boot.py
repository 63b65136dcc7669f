# SPDX-License-Identifier: MPL-2.0
"""systemd-nspawn boots a Debian tree: systemd, its journal and its logins work inside, and it halts by itself."""

from runner import debian, image, scenarios, session

PACKAGES = ("systemd-sysv", "dbus", "libpam-systemd")
SILENCE_S = 600     # a step on a busy machine
PROMPT = r"root@\S*:~# "


def inside(guest, command, wanted):
    """A command at the prompt of the machine inside."""
    guest.send(f"{command}; echo status=$?\n")
    guest.expect(wanted + r".*?^status=0", silence_s=SILENCE_S)
    guest.expect(PROMPT, silence_s=SILENCE_S)


@scenarios.long
def scenario_debian_boots_and_halts(options):
    name = f"nspawn-boot-{options.kernel}"
    disks = [image.layer(name, image.other("runtimes")),
             image.layer(f"{name}-tree", debian.provide("systemd", "600M", PACKAGES))]
    processors = 1 if options.kernel == "linux" else options.smp    # Linux starts no second one by this clock
    with image.boot(options, disks, name, smp=processors, mem=1024, more=session.INSTRUCTION_CLOCK) as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check("echo 0123456789abcdef0123456789abcdef > /etc/machine-id; "
                    "mkdir -p /run/tree && mount -t ext2 /dev/vdb /run/tree")
        shell.check("sed -i 's/^root:[^:]*:/root::/' /run/tree/etc/shadow")
        guest.send("systemd-nspawn -b -D /run/tree --register=no --keep-unit; echo nspawn=$?\n")
        guest.expect(r"login: ", silence_s=SILENCE_S)
        guest.send("root\n")
        guest.expect(PROMPT, silence_s=SILENCE_S)
        inside(guest, "systemctl is-system-running --wait", r"^\S*running$")
        inside(guest, "systemctl is-active systemd-journald systemd-logind dbus", r"^\S*active\nactive\nactive$")
        inside(guest, "loginctl --no-legend --no-pager", r"\b0 root\b.*pts/0")
        inside(guest, "journalctl -b --no-pager -u systemd-logind", r"Started systemd-logind\.service")
        guest.send("poweroff\n")
        guest.expect(r"has been shut down\.", silence_s=SILENCE_S)
        guest.expect(r"^nspawn=0$", silence_s=SILENCE_S)
        guest.expect(image.PROMPT, limit_s=60)

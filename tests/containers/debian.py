# SPDX-License-Identifier: MPL-2.0
"""A Debian minbase tree runs as a container."""

from runner import debian, image


def scenario_minbase_as_a_container(options):
    """bash, ls -R /, dpkg -l: dynamic glibc binaries from Debian, unmodified."""
    second = image.layer("debian", debian.provide("debian", "400M"))
    with image.boot(options, [image.layer("debian-host"), second], "debian") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check("mkdir -p /run/debian && mount -t ext2 /dev/vdb /run/debian")
        run = "keel run --rm --name deb rootfs:/run/debian"
        shell.check(f"{run} bash -c 'echo $BASH_VERSION; echo $((6*7))'", r"^5\.2.*\n42$")
        shell.check(f"{run} bash -c 'ls -R / 2>/dev/null | wc -l'", r"^\d{4,}$", limit_s=300)
        shell.check(f"{run} bash -c 'dpkg -l | grep -c ^ii'", r"^\d{2,3}$", limit_s=120)
        shell.check(f"{run} bash -c 'apt-get --version | head -1'", r"^apt 2\.", limit_s=120)
        shell.check(f"{run} perl -e 'print join(\",\", map {{$_*$_}} 1..5), \"\\n\"'",
                    r"^1,4,9,16,25$", limit_s=120)
        shell.check(f"{run} bash -c 'for i in $(seq 200); do /bin/true; done; echo done'",
                    r"^done$", limit_s=300)
        shell.check("chroot /run/debian bash -c 'cat /etc/debian_version'", r"^12\.")
        shell.check("umount /run/debian")
        shell.power_off()
    image.check_clean(second)

# SPDX-License-Identifier: MPL-2.0
# Debian's static busybox, as it is, with a link for each of its commands.
name=busybox
version=$(dpkg-query -W -f '${Version}' busybox-static 2>/dev/null || echo missing)
license=GPL-2.0-only
depends="base"

# Init's own programs and the dangerous or useless ones get no link.
left_out="init linuxrc dpkg dpkg-deb rpm rpm2cpio busybox"

prepare() {
	[ -x /bin/busybox ] || { echo "busybox-static is not installed: make deps" >&2; return 1; }
	if ! grep -q "^debian busybox-static $version " "$TOP/configs/versions.lock"; then
		echo "warning: busybox-static $version is not the locked version, the image will differ"
	fi
	cp /bin/busybox busybox
}

check() {
	[ "$(./busybox echo works)" = works ]
}

package() {
	local path
	install_file 0755 busybox /bin/busybox
	for path in $(./busybox --list-full); do
		case " $left_out " in *" ${path##*/} "*) continue ;; esac
		install -d "$DESTDIR/$(dirname "$path")"
		[ -e "$DESTDIR/$path" ] || ln -s /bin/busybox "$DESTDIR/$path"
	done
}

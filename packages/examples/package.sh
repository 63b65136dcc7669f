# SPDX-License-Identifier: MPL-2.0
# Two units that show a container host at work, on one shared tree of busybox.
name=examples
version=1
license=MPL-2.0
depends="busybox keel"

package() {
	local image="$DESTDIR/var/lib/images/busybox" applet
	install -d "$image/bin" "$image/etc" "$image/tmp" "$image/root" "$image/var" "$image/srv" \
		"$image/proc" "$image/sys" "$image/dev" "$image/run"
	chmod 1777 "$image/tmp"
	cp /bin/busybox "$image/bin/busybox"
	for applet in $(/bin/busybox --list); do
		case $applet in busybox | dpkg* | rpm* | init | linuxrc) continue ;; esac
		ln -s busybox "$image/bin/$applet"
	done
	cp -r "$PACKAGE/files/image/." "$image/"
	cp -r "$PACKAGE/files/root/." "$DESTDIR/"
}

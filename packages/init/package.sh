# SPDX-License-Identifier: MPL-2.0
# PID 1: rootfs/init.
name=init
version=1
license=MPL-2.0
depends="base"

package() {
	# In the folder that init mounts read-only on itself (see the package keel).
	install_file 0755 "$BUILD/userland/init" /usr/lib/keel/init
	install -d "$DESTDIR/sbin"
	ln -s ../usr/lib/keel/init "$DESTDIR/sbin/init"
}

# SPDX-License-Identifier: MPL-2.0
# The command line of the container host: rootfs/keel, and the small init for inside containers.
name=keel
version=1
license=MPL-2.0
depends="base init crun"
debian="zstd"	# for layers that are packed with it; gzip is busybox's

package() {
	# In a folder of its own, which init mounts read-only on itself: a container can then never
	# write to these programs through /proc/PID/exe.
	install_file 0755 "$BUILD/userland/keel" /usr/lib/keel/keel
	install_file 0755 "$BUILD/userland/keel-init" /usr/lib/keel/keel-init
	install -d "$DESTDIR/usr/bin"
	ln -s ../lib/keel/keel "$DESTDIR/usr/bin/keel"
}

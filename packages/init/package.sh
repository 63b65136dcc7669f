# SPDX-License-Identifier: MPL-2.0
# PID 1: rootfs/init.
name=init
version=1
license=MPL-2.0
depends="base"

package() {
	install_file 0755 "$BUILD/userland/init" /sbin/init
}

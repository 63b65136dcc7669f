# SPDX-License-Identifier: MPL-2.0
# Debian's containerd and ctr, unmodified.
name=containerd
version=1
license=Apache-2.0
depends="base runc"
debian="containerd"

package() {
	install -d "$DESTDIR/var/lib/containerd"
}

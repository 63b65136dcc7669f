# SPDX-License-Identifier: MPL-2.0
# Debian's podman, unmodified, set up for a machine without systemd.
name=podman
version=1
license=Apache-2.0
depends="base crun"
debian="podman conmon golang-github-containers-common uidmap catatonit"

package() {
	install_file 0644 "$PACKAGE/files/containers.conf" /etc/containers/containers.conf
	install_file 0644 "$PACKAGE/files/storage.conf" /etc/containers/storage.conf
	install -d "$DESTDIR/var/tmp"
	chmod 1777 "$DESTDIR/var/tmp"
}

# SPDX-License-Identifier: MPL-2.0
# The folders and plain files of /etc that every image has.
name=base
version=1
license=MPL-2.0
depends=""

package() {
	local folder
	for folder in bin boot dev etc/containers.d proc root run sbin sys tmp usr/bin usr/lib/keel \
		usr/sbin var/data var/lib/images var/log/containers; do
		install -d -m 0755 "$DESTDIR/$folder"
	done
	chmod 1777 "$DESTDIR/tmp"
	chmod 0700 "$DESTDIR/root" "$DESTDIR/boot"
	chmod 0555 "$DESTDIR/proc" "$DESTDIR/sys"
	cp -r "$PACKAGE/files/." "$DESTDIR/"
	chmod 0600 "$DESTDIR/etc/shadow"
}

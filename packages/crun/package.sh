# SPDX-License-Identifier: MPL-2.0
# The OCI runtime under keel: Debian's crun, unmodified.
name=crun
version=1
license=GPL-2.0-or-later
depends="base"
debian="crun"

package() {
	install -d "$DESTDIR/run"
}

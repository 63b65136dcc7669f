# SPDX-License-Identifier: MPL-2.0
# Debian's runc, unmodified.
name=runc
version=1
license=Apache-2.0
depends="base"
debian="runc"

package() {
	install -d "$DESTDIR/run"
}

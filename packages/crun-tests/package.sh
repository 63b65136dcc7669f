# SPDX-License-Identifier: MPL-2.0
# crun's own tests, unmodified, of the version that Debian builds: Python programs and the init they run inside.
name=crun-tests
version=1.8.1
license=GPL-2.0-or-later
depends="base crun"
debian="python3 coreutils"
pool="01b68269d94e5fe11106a9b14c2f144be03b16ec798951f4efa6aa16ba9da29a:main/c/crun/crun_$version.orig.tar.xz"

build() {
	printf '#define HAVE_SECCOMP 1\n' > config.h
	gcc -O2 -static -I. -o init crun/tests/init.c
}

package() {
	install -d "$DESTDIR/usr/lib/crun-tests/tests"
	cp crun/tests/*.py "$DESTDIR/usr/lib/crun-tests/tests/"
	install_file 0755 init /usr/lib/crun-tests/tests/init
	install_file 0755 "$PACKAGE/files/crun-tests" /usr/bin/crun-tests
}

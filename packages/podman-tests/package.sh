# SPDX-License-Identifier: MPL-2.0
# podman's own system tests, unmodified, of the version that Debian builds, and the image that they use: one of
# busybox, with the files, labels and working directory that the tests look for.
name=podman-tests
version=4.3.1
license=Apache-2.0
depends="base busybox podman"
debian="bash bats jq gawk procps coreutils findutils grep sed tar gzip util-linux diffutils hostname passwd"
pool="2785fcade807395d6d1bf2a31a910cf051f2b3e723e98109dfe1803236a76e50:main/libp/libpod/libpod_$version+ds1.orig.tar.xz"

build() {
	local root=image applet
	mkdir -p $root/{bin,dev,etc,home/podman,proc,root,run,sys,tmp,usr/bin,usr/sbin,var/tmp}
	cp /bin/busybox $root/bin/busybox
	for applet in $(/bin/busybox --list); do
		[ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
	done
	ln -s busybox $root/bin/busybox-extras
	chmod 1777 $root/tmp $root/var/tmp
	cp -r "$PACKAGE/files/image/." $root/
	chmod 755 $root/home/podman/pause
	touch --date=@1600000000 $root/home/podman/testimage-id
	"$PACKAGE/files/make-archive" $root quay.io/libpod/testimage:20220615 image.tar
}

package() {
	local there=$DESTDIR/usr/lib/podman-tests
	install -d "$there/test"
	cp -r libpod/test/system "$there/test/"
	install -m 0644 image.tar "$there/image.tar"
	install_file 0755 "$PACKAGE/files/podman-tests" /usr/bin/podman-tests
}

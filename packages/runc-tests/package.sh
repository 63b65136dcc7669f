# SPDX-License-Identifier: MPL-2.0
# runc's own integration tests, unmodified, of the version that Debian builds, with the helpers they need.
# Their script that downloads images gives way to one that names an archive of busybox.
name=runc-tests
version=1.1.5
license=Apache-2.0
depends="base busybox runc"
debian="bash bats jq gawk procps coreutils findutils grep sed tar gzip util-linux iproute2 libseccomp2"
pool="e936cc563c4557178b3416aa1bb9e8231c53011beb8df67adedbfbaba4eacce7:main/r/runc/runc_$version+ds1.orig.tar.xz"

# Kept until a source changes: a Go build takes a while.
kept() {
	echo "$BUILD/cache/$name-$(sha256sum < "$PACKAGE/package.sh" | cut -c1-16).tar"
}

build() {
	local source=$WORK/go/src/github.com/opencontainers/runc command
	[ -e "$(kept)" ] && return
	mkdir -p "$(dirname "$source")" "$BUILD/cache"
	mv runc "$source"
	cd "$source"
	export GO111MODULE=off GOPATH=$WORK/go:/usr/share/gocode GOCACHE=$BUILD/cache/go
	for command in recvtty seccompagent; do
		go build -trimpath -tags seccomp -ldflags '-s -w' -o contrib/cmd/$command/$command ./contrib/cmd/$command
	done
	tar -cf "$(kept).new" tests/integration contrib/cmd/recvtty/recvtty contrib/cmd/seccompagent/seccompagent
	mv "$(kept).new" "$(kept)"
}

package() {
	local there=$DESTDIR/usr/lib/runc-tests root applet
	install -d "$there"
	tar -C "$there" -xf "$(kept)"
	install -m 0755 "$PACKAGE/files/get-images.sh" "$there/tests/integration/get-images.sh"
	root=$WORK/image
	mkdir -p "$root"/{bin,dev,etc,home,proc,root,sys,tmp,usr/bin,usr/sbin,var}
	cp /bin/busybox "$root/bin/busybox"
	for applet in $(/bin/busybox --list); do
		[ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
	done
	printf 'root:x:0:0:root:/root:/bin/sh\n' > "$root/etc/passwd"
	printf 'root:x:0:\n' > "$root/etc/group"
	tar -C "$root" --owner=0 --group=0 -czf "$there/tests/integration/testdata/busybox.tar.gz" .
	install_file 0755 "$PACKAGE/files/runc-tests" /usr/bin/runc-tests
}

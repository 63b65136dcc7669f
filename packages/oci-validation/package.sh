# SPDX-License-Identifier: MPL-2.0
# The conformance programs of the OCI runtime specification (opencontainers/runtime-tools), unmodified,
# built with Debian's Go and its libraries. Our tap.go stands in for the one library Debian lacks.
name=oci-validation
version=0.9.0.109.ge931285
license=Apache-2.0
depends="base"
source=golang-github-opencontainers-runtime-tools
pool="203989a1ea98cf2aaced79155bbda09270b20db19b03376dde91ab12e5e6a0fe:main/g/$source/${source}_$version.orig.tar.xz"

# Linking sixty programs takes a while: they are kept until a source changes.
kept() {
	echo "$BUILD/cache/$name-$(cat "$PACKAGE/package.sh" "$PACKAGE/files/tap/tap.go" | sha256sum | cut -c1-16).tar"
}

build() {
	local github=$WORK/go/src/github.com
	[ -e "$(kept)" ] && return
	mkdir -p "$github/opencontainers" "$github/mndrix" out/validation "$BUILD/cache"
	mv "$source" "$github/opencontainers/runtime-tools"
	cp -r "$PACKAGE/files/tap" "$github/mndrix/tap-go"
	cd "$github/opencontainers/runtime-tools"
	export GO111MODULE=off GOPATH=$WORK/go:/usr/share/gocode GOCACHE=$BUILD/cache/go CGO_ENABLED=0
	go build -trimpath -ldflags '-s -w' -o "$WORK/out/validation/" ./cmd/runtimetest ./validation/...
	mv "$WORK/out/validation/runtimetest" rootfs-amd64.tar.gz "$WORK/out/"
	tar -C "$WORK/out" -cf "$(kept).new" . && mv "$(kept).new" "$(kept)"
}

package() {
	install -d "$DESTDIR/usr/lib/oci-validation"
	tar -C "$DESTDIR/usr/lib/oci-validation" -xf "$(kept)"
	install_file 0755 "$PACKAGE/files/oci-validation" /usr/bin/oci-validation
}

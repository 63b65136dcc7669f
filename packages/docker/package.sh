# SPDX-License-Identifier: MPL-2.0
# Debian's Docker engine, unmodified.
name=docker
version=1
license=Apache-2.0
depends="base containerd"
debian="docker.io"

package() {
	install_file 0644 "$PACKAGE/files/daemon.json" /etc/docker/daemon.json
}

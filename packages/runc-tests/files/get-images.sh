#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Names the archives that runc's tests unpack: busybox stands for each of them.
here=$(dirname "$(readlink -f "$0")")/testdata
for name in BUSYBOX DEBIAN HELLO; do
	echo "${name}_IMAGE='$here/busybox.tar.gz'"
done

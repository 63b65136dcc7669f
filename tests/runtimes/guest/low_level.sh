# SPDX-License-Identifier: MPL-2.0
# What bwrap and unshare of Debian offer, option by option, as root and as an ordinary user.
. "$(dirname "$0")/checks.sh"
work=/run/low-level-checks
mkdir -p $work
user="/usr/bin/setpriv --reuid 1000 --regid 1000 --clear-groups"
unshare=/usr/bin/unshare

prepare() {
	printf 'user:x:1000:1000::/:/bin/sh\n' >> /etc/passwd
	printf 'user:100000:65536\nroot:7000:100\n' | tee /etc/subuid > /etc/subgid
	chmod 644 /etc/subuid /etc/subgid /etc/passwd
	# On x86-64: mkdir(2) gives ENOSYS, all else is allowed.
	printf '\040\0\0\0\0\0\0\0\025\0\0\001\123\0\0\0\006\0\0\0\046\0\005\0\006\0\0\0\0\0\377\177' > $work/filter
	echo from-host > $work/in
	chmod -R a+rX $work
	mkdir -p /media
}

bwrap_files() {
	b="bwrap --ro-bind / / --tmpfs /tmp"
	fails "bwrap: the status comes through" 9 '' "$b sh -c 'exit 9'"
	fails "bwrap: what ro-bind shows is read-only" 1 'Read-only' "$b touch /root/x"
	check "bwrap --bind is writable" '^new$' "$b --bind $work /tmp/m sh -c 'echo new > /tmp/m/out' && cat $work/out"
	check "bwrap --ro-bind-try of nothing" '^on$' "$b --ro-bind-try /nothing /tmp/m echo on"
	fails "bwrap --ro-bind of nothing" 1 "Can't find source path" "$b --ro-bind /nothing /tmp/m echo on"
	check "bwrap --remount-ro" 'Read-only' "$b --remount-ro /tmp touch /tmp/x || true"
	check "bwrap --perms, --dir" '^711$' "$b --perms 0711 --dir /tmp/d stat -c %a /tmp/d"
	check "bwrap --size, --tmpfs" ' 1024 ' "$b --size 1048576 --tmpfs /tmp/m df -k /tmp/m"
	check "bwrap --symlink" '^there$' "$b --symlink there /tmp/s readlink /tmp/s"
	check "bwrap --file" '^from-host$' "$b --file 3 /tmp/f cat /tmp/f 3< $work/in"
	check "bwrap --bind-data" '^from-host$' "$b --bind-data 3 /tmp/f cat /tmp/f 3< $work/in"
	check "bwrap --ro-bind-data" 'Read-only' \
		"$b --ro-bind-data 3 /tmp/f sh -c 'echo x > /tmp/f' 3< $work/in || true"
	check "bwrap --chmod" '^640$' "$b --file 3 /tmp/f --chmod 0640 /tmp/f stat -c %a /tmp/f 3< $work/in"
	check "bwrap --proc in a pid namespace of its own" '^2 ' "$b --unshare-pid --proc /proc \
		sh -c 'echo \$\$ \$(ls /proc | grep -c ^self)'"
	check "bwrap --dev" 'full|null|ptmx' "$b --dev /dev ls /dev"
	check_not "bwrap --dev has no disks" '^vd|^sd' "$b --dev /dev ls /dev"
	check "bwrap --dev-bind" '^0$' "$b --dev-bind /dev /dev sh -c 'echo x > /dev/null; echo \$?'"
	check "bwrap --mqueue" ' /tmp/m mqueue ' "$b --proc /proc --mqueue /tmp/m cat /proc/mounts"
	check "bwrap --chdir" '^/tmp$' "$b --chdir /tmp pwd"
	check "bwrap --lock-file" '^held$' "$b --bind $work /tmp/m --lock-file /tmp/m/in echo held"
	check "bwrap --args" '^by-args$' "printf -- '--ro-bind\\0/\\0/\\0' | bwrap --args 3 echo by-args 3<&0"
}

bwrap_process() {
	b="bwrap --ro-bind / / --proc /proc --dev /dev"
	check "bwrap --setenv, --unsetenv" '^1$' "Y=2 $b --setenv X 1 --unsetenv Y sh -c 'echo \$X\$Y'"
	check "bwrap --clearenv" '^none$' "$b --clearenv /usr/bin/env | grep -q '^PATH=' || echo none"
	check "bwrap --as-pid-1" '^1$' "$b --unshare-pid --as-pid-1 sh -c 'echo \$\$'"
	check "bwrap --hostname" '^inside$' "$b --unshare-uts --hostname inside hostname"
	check "bwrap --unshare-net has only lo" '^1$' "$b --unshare-net sh -c 'grep -c : /proc/net/dev'"
	check "bwrap --cap-drop ALL" '^CapEff:.0000000000000000$' "$b --cap-drop ALL grep CapEff /proc/self/status"
	check "bwrap --cap-add" '^CapEff:.0000000000000001$' \
		"$b --cap-drop ALL --cap-add CAP_CHOWN grep CapEff /proc/self/status"
	fails "bwrap --seccomp" 1 'Function not implemented' "$b --tmpfs /tmp --seccomp 3 mkdir /tmp/x 3< $work/filter"
	check "bwrap --add-seccomp-fd twice" '^Seccomp_filters:.2$' "$b --add-seccomp-fd 3 --add-seccomp-fd 4 \
		grep Seccomp_filters /proc/self/status 3< $work/filter 4< $work/filter"
	check "bwrap --new-session" '^1$' \
		"$b --unshare-pid --as-pid-1 --new-session sh -c 'cut -d\" \" -f6 /proc/1/stat'"
	check "bwrap --info-fd" '"child-pid": [0-9]+' "$b --info-fd 3 true 3> $work/info; cat $work/info"
	check "bwrap --json-status-fd" '"exit-code": 7' "$b --json-status-fd 3 sh -c 'exit 7' 3> $work/s; cat $work/s"
	check "bwrap --block-fd" '^went on$' "{ sleep 1; echo; } | $b --block-fd 3 echo went on 3<&0"
	check "bwrap --die-with-parent" '^gone$' "sh -c '$b --die-with-parent sleep 777 & sleep 1; kill -9 \$\$' ; \
		sleep 1; ps | grep -v grep | grep -q 'sleep 777' || echo gone"
	check "bwrap --userns" '^0 ' "$unshare -Ur sleep 50 & sleep 1; $b --userns 3 sh -c 'echo \$(id -u) in' \
		3< /proc/\$!/ns/user; kill \$!"
	check "bwrap --pidns" '^in$' "$unshare --pid --fork sleep 50 & sleep 1; $b --pidns 3 echo in \
		3< /proc/\$!/ns/pid_for_children; kill \$!"
}

bwrap_user() {
	b="$user bwrap --ro-bind / / --proc /proc --dev /dev"
	check "bwrap of a user" '^uid=1000.* gid=1000' "$b id"
	check "bwrap of a user: --uid, --gid" '^uid=5.* gid=6' "$b --unshare-user --uid 5 --gid 6 id"
	check "bwrap of a user: its map, the second of two" '^ +5 +0 +1$' \
		"$b --unshare-user --uid 5 cat /proc/self/uid_map"
	check "bwrap of a user: all namespaces" '^ok 1$' "$b --unshare-all --as-pid-1 sh -c 'echo ok \$\$'"
	check "bwrap of a user: no capabilities" '^CapEff:.0000000000000000$' "$b grep CapEff /proc/self/status"
	fails "bwrap --disable-userns" 1 'No space left on device' \
		"$b --unshare-user --disable-userns $unshare --user true"
	check "bwrap --assert-userns-disabled" 'not disabled|usable|exist' "$b --assert-userns-disabled true || true"
	fails "bwrap of a user: no new device" 1 'not permitted' "$b --tmpfs /tmp mknod /tmp/x c 1 3"
}

unshare_maps() {
	check "unshare --map-current-user" '^1000$' "$user $unshare --map-current-user id -u"
	check "unshare --map-user, --map-group" '^uid=5.* gid=6' "$user $unshare --map-user=5 --map-group=6 id"
	check "unshare --map-auto" '^ +0 +1000 +1 +1 +100000 +65535 *$|^ +0 +1000 +1 *$' \
		"$user $unshare --map-root-user --map-auto cat /proc/self/uid_map | tr '\\n' ' '"
	check "unshare --map-users" '^ +0 +100000 +10$' \
		"$user $unshare --map-users=100000,0,10 --map-groups=100000,0,10 cat /proc/self/uid_map"
	check "unshare --map-users as root" '^ +0 +7000 +20$' \
		"$unshare --map-users=7000,0,20 --map-groups=7000,0,20 cat /proc/self/gid_map"
	fails "unshare --map-users of others" 1 'newuidmap' \
		"$user $unshare --map-users=200000,0,10 --map-groups=100000,0,10 cat /proc/self/uid_map"
	check "unshare --setgroups deny" '^deny$' "$user $unshare -U --setgroups deny cat /proc/self/setgroups"
	check "unshare --setuid, --setgid" '^uid=3.* gid=4' \
		"$unshare --user --map-users=7000,0,20 --map-groups=7000,0,20 \
		--setuid 3 --setgid 4 id"
	check "unshare --keep-caps" '^CapAmb:.000001ffffffffff$' \
		"$user $unshare -U --keep-caps --map-current-user grep CapAmb /proc/self/status"
}

unshare_others() {
	check "unshare --time --boottime" '^3[0-9]{5}' "$unshare -T --fork --boottime 300000 cat /proc/uptime"
	check "unshare --time --monotonic" '^monotonic +777 +0$' \
		"$unshare -T --monotonic 777 cat /proc/self/timens_offsets"
	check "unshare --root, --wd" '^/etc$' "$unshare --root=/var/lib/images/busybox --wd=/etc pwd"
	check "unshare --propagation" ' shared:' "mount --make-shared / && \
		$unshare -m --propagation unchanged grep ' / / ' /proc/self/mountinfo; mount --make-private /"
	check "unshare --mount=FILE keeps it" '^kept$' "mkdir -p $work/keep && mount --bind $work/keep $work/keep && \
		mount --make-private $work/keep && touch $work/keep/ns && \
		$unshare --mount=$work/keep/ns sh -c 'mount -t tmpfs none /media && echo kept > /media/x' && \
		/usr/bin/nsenter --mount=$work/keep/ns cat /media/x; umount $work/keep/ns; umount $work/keep"
	check "unshare --uts=FILE keeps it" '^far$' "touch $work/uts && $unshare --uts=$work/uts hostname far && \
		/usr/bin/nsenter --uts=$work/uts hostname; umount $work/uts"
	check "unshare --kill-child" '^gone$' \
		"$unshare --pid --fork --kill-child sleep 778 & sleep 1; kill -9 \$!; sleep 1; \
		ps | grep -v grep | grep -q 'sleep 778' || echo gone"
	check "nsenter --all" '^inner 1$' "$unshare --pid --fork --mount-proc --uts sh -c 'hostname inner; sleep 50' & \
		sleep 1; p=\$(cat /proc/\$!/task/\$!/children); /usr/bin/nsenter --all --target \$p \
		sh -c 'echo \$(hostname) \$(ps | grep -c [s]leep.50)' ; kill -9 \$p"
	check "nsenter --user --preserve-credentials" '^ +0 +0 +1$' "$unshare -Ur sleep 50 & sleep 1; \
		/usr/bin/nsenter --user --preserve-credentials --target \$! cat /proc/self/uid_map; kill \$!"
}

prepare
for part in ${*:-bwrap_files bwrap_process bwrap_user unshare_maps unshare_others}; do
	$part
done
echo "checks done"

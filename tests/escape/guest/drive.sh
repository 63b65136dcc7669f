#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# On the host, inside the machine: drives attempts through the shell of a container and looks at the host after each.
#   drive.sh START-COMMAND... < names        the command starts a container whose process is `sh`, attached
# Prints what each attempt printed, `HARM ATTEMPT: WHAT` for each harm to the host, and `driven N`.
in=/run/escape-in out=/run/escape-out
rm -f "$in" "$out"
mkfifo "$in"

start() {
	: > "$out"
	"$@" < "$in" >> "$out" 2>&1 &
	container=$!
	exec 3> "$in"
	say 'echo up' up || { echo "HARM start: no container: $(tail -3 "$out")"; exit 1; }
}

# Sends a line and waits for an answer: fails when the container ends or says nothing for two minutes.
say() {
	echo "$1" >&3 2>/dev/null || return 1
	for tick in $(seq 600); do
		grep -q "^$2\$" "$out" && return 0
		kill -0 "$container" 2>/dev/null || return 1
		sleep 0.2
	done
	return 1
}

sums() { cat /host-secret /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/kernel/pid_max $watched | md5sum; }
open_files() { read -r used rest < /proc/sys/fs/file-nr; echo "$used"; }
available() { awk '/^MemAvailable/{print $2}' /proc/meminfo; }
watched=$(ls /usr/bin/crun /usr/bin/podman /usr/lib/keel/keel /bin/busybox /sbin/init /etc/passwd 2>/dev/null)
files=$(sums)

# What must be as it was: files, settings, mounts, the bait; memory and open files come back within ten seconds.
check() {
	[ "$(sums)" = "$files" ] || echo "HARM $1: files or settings have changed"
	[ "$(wc -l < /proc/self/mountinfo)" = "$mounts" ] || echo "HARM $1: mounts have changed"
	kill -0 "$bait" 2>/dev/null || echo "HARM $1: a process of the host is gone"
	[ "$(sh -c 'echo lives')" = lives ] || echo "HARM $1: no new processes"
	for second in $(seq 10); do
		[ "$(available)" -gt $((memory - 32768)) ] && [ "$(open_files)" -lt $((opened + 200)) ] && return
		sleep 1
	done
	echo "HARM $1: memory $memory KiB are $(available), open files $opened are $(open_files)"
}

sleep 100000 &
bait=$!
start "$@"
mounts=$(wc -l < /proc/self/mountinfo)
memory=$(available)
opened=$(open_files)
count=0
while read -r name; do
	count=$((count + 1))
	say "TEST_FOLDER=/dev/shm /attempts -g $count/ $name < /dev/null; echo end-$count" "end-$count" || {
		echo "# the container ended in $name"
		exec 3>&-
		wait "$container"
		check "$name"
		start "$@"
		continue
	}
	grep -E "^(not )?ok [0-9]+ $count/" "$out" || echo "HARM $name: no result: $(tail -2 "$out")"
	check "$name"
done
echo exit >&3
exec 3>&-
wait "$container"
kill "$bait"
echo "driven $count"

# SPDX-License-Identifier: MPL-2.0
# Words for scripts of checks that run in the machine; each prints one line, `ok NAME` or `not ok NAME: why`.
#   check NAME PATTERN COMMAND    the command line ends with 0 and prints a line that matches (grep -E; '' is any)
#   check_not NAME PATTERN COMMAND    it ends with 0 and prints no such line
#   fails NAME STATUS PATTERN COMMAND    it ends with that status and prints a line that matches
#   same NAME WANTED GIVEN    both are the same
#   wait_for NAME SECONDS PATTERN COMMAND    it does what check asks for before that many seconds are over

say() {
	# The console gets one line, whatever the output holds.
	if [ "$1" = ok ]; then
		echo "ok $2"
	else
		echo "not ok $2: status $status: $(printf '%s' "$output" | tail -n 6 | tr '\n\r\t' '|  ' | cut -c1-600)"
	fi
}

run_command() {
	output=$(eval "$1" 2>&1 < /dev/null)
	status=$?
}

prints() {
	[ -z "$1" ] || printf '%s\n' "$output" | grep -qE -- "$1"
}

check() {
	run_command "$3"
	if [ $status = 0 ] && prints "$2"; then say ok "$1"; else say no "$1"; fi
}

check_not() {
	run_command "$3"
	if [ $status = 0 ] && ! printf '%s\n' "$output" | grep -qE -- "$2"; then say ok "$1"; else say no "$1"; fi
}

fails() {
	run_command "$4"
	if [ $status = "$2" ] && prints "$3"; then say ok "$1"; else say no "$1"; fi
}

same() {
	output=$3
	status=$3
	if [ "$2" = "$3" ]; then say ok "$1"; else say no "$1"; fi
}

wait_for() {
	end=$(($(date +%s) + $2))
	while :; do
		run_command "$4"
		if [ $status = 0 ] && prints "$3"; then say ok "$1"; return; fi
		if [ "$(date +%s)" -ge $end ]; then say no "$1"; return; fi
		sleep 1
	done
}

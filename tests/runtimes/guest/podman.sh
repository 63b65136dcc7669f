# SPDX-License-Identifier: MPL-2.0
# What people do with podman, without a network: images, files, pods, limits, volumes, secrets, health, restarts.
. "$(dirname "$0")/checks.sh"
work=/run/podman-checks
mkdir -p $work
run="podman run --rm --network none"

prepare() {
	tar -C /var/lib/images/busybox -cf $work/bb.tar .
	check "import" 'sha256:' "podman import -c CMD=[\\\"sh\\\"] $work/bb.tar base"
}

files() {
	check "create" '' \
		"podman create --name files --network none base sh -c 'echo started; touch /new; rm /bin/vi; sleep \
			1000'"
	echo from-host > $work/in
	check "cp into a container that was not started" '' "podman cp $work/in files:/in"
	check "start" '^files$' "podman start files"
	wait_for "logs" 30 '^started$' "podman logs files"
	check "cp in" '^from-host$' "podman cp $work/in files:/tmp/in2 && podman exec files cat /tmp/in2 /in"
	check "cp out" '^from-host$' "podman cp files:/in $work/out && cat $work/out"
	check "diff" '^D /bin/vi$' "podman diff files"
	check "top" 'sleep 1000' "podman top files"
	check "exec" '^7$' "podman exec -e N=7 -u 1000 -w /tmp files sh -c 'id -u; pwd; echo \$N'"
	fails "exec gives the status" 9 '' "podman exec files sh -c 'exit 9'"
	check "commit" '^from-host$' "podman commit -q -c 'CMD [\"cat\", \"/in\"]' files committed && $run committed"
	check "export and import" '^from-host$' \
		"podman export files | podman import - imported && $run imported cat /in"
	check "save and load" '^from-host$' "podman save -q -o $work/c.tar committed && podman rmi -f committed && \
		podman load -q -i $work/c.tar && $run committed"
	check "an OCI archive" '^from-host$' "podman save -q --format oci-archive -o $work/o.tar committed && \
		podman rmi -f committed && podman load -q -i $work/o.tar && $run committed"
	check "restart" '^running$' "podman restart -t 1 files && podman inspect -f '{{.State.Status}}' files"
	check "logs of both runs" '^2$' "podman logs files 2>&1 | grep -c started"
	check "stop" '^exited 137$' \
		"podman stop -t 1 files && podman inspect -f '{{.State.Status}} {{.State.ExitCode}}' files"
	check "logs with times" '^20[0-9-]+T.* started$' "podman logs -t files"
	check "wait" '^137$' "podman wait files"
	check "mount of a container's root" '^from-host$' "cat \$(podman mount files)/in && podman umount files"
	check "rm" '' "podman rm files"
}

limits() {
	check "run with limits" '' \
		"podman run -d --name limited --network none --memory 32m --memory-reservation 16m --cpus 0.5 \
		--pids-limit 20 --cpuset-cpus 0 --ulimit nofile=123:456 --init base sleep 1000"
	group=/sys/fs/cgroup$(podman inspect -f '{{.State.CgroupPath}}' limited)
	check "memory.max" '^33554432$' "cat $group/memory.max"
	check "memory.low" '^16777216$' "cat $group/memory.low"
	check "cpu.max" '^50000 100000$' "cat $group/cpu.max"
	check "pids.max" '^20$' "cat $group/pids.max"
	check "cpuset.cpus" '^0$' "cat $group/cpuset.cpus"
	check "ulimit" '^456$' "podman exec limited sh -c 'ulimit -Hn'"
	check "--init" 'run/podman-init|catatonit' "podman exec limited cat /proc/1/cmdline | tr '\\0' ' '"
	check "pids limit holds" 'Resource|can.t fork' \
		"podman exec limited sh -c 'for i in \$(seq 30); do sleep 5 & done' ; true"
	check "pause and unpause" '^1 0 $' "podman pause limited > $work/p && cat $group/cgroup.freeze > $work/f && \
		podman unpause limited > $work/p && cat $group/cgroup.freeze >> $work/f && tr '\\n' ' ' < $work/f"
	check "stats" 'limited' "podman stats --no-stream limited"
	check "update of a running container" '^7$' \
		"crun update --pids-limit 7 \$(podman inspect -f '{{.Id}}' limited) && cat $group/pids.max"
	check "kill" '' "podman kill limited && podman rm -f limited"
	fails "memory limit kills" 137 '' \
		"podman run --name hungry --network none --memory 16m --memory-swap 16m base \
			dd if=/dev/zero of=/dev/null bs=64M count=1"
	# Not asked: .State.OOMKilled, for which conmon must see the event before it sees the end.
	check "its status is kept" '^exited 137$' \
		"podman inspect -f '{{.State.Status}} {{.State.ExitCode}}' hungry; podman rm hungry > $work/p"
}

users() {
	printf 'containers:2000000:1000000\n' >> /etc/subuid
	printf 'containers:2000000:1000000\n' >> /etc/subgid
	check "--userns auto" '^ +0 +2[0-9]{6} +[0-9]+$' "$run --userns auto base cat /proc/self/uid_map"
	check "--userns auto:size=5000" ' 5000$' "$run --userns auto:size=5000 base cat /proc/self/uid_map"
	check "--uidmap, files belong to root inside" '^0 0$' "$run --uidmap 0:2000000:5000 base stat -c '%u %g' /bin"
	check "two of them differ" '^2$' "podman run -d --name u1 --network none --userns auto base sleep 100; \
		podman run -d --name u2 --network none --userns auto base sleep 100; \
		for i in u1 u2; do cat /proc/\$(podman inspect -f '{{.State.Pid}}' \$i)/uid_map; done | sort -u | wc -l"
	podman rm -f -t 0 u1 u2 > /dev/null 2>&1
	check "--user" '^uid=5.* gid=6' "$run --user 5:6 base id"
	check "--group-add" ' groups=.*7' "$run --group-add 7 base id"
}

security() {
	check "default filter" '^Seccomp:.2$' "$run base grep Seccomp: /proc/self/status"
	check "--cap-drop all" '^CapEff:.0000000000000000$' "$run --cap-drop all base grep CapEff /proc/self/status"
	check "--cap-add" '^CapEff:.0000000000000001$' \
		"$run --cap-drop all --cap-add chown base grep CapEff /proc/self/status"
	check "--security-opt no-new-privileges" '^NoNewPrivs:.1$' \
		"$run --security-opt no-new-privileges base grep NoNewPrivs /proc/self/status"
	check "seccomp=unconfined" '^Seccomp:.0$' \
		"$run --security-opt seccomp=unconfined base grep Seccomp: /proc/self/status"
	printf '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[%s]}' \
		'{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":38}' > $work/filter.json
	fails "seccomp=FILE" 1 'Function not implemented' "$run --security-opt seccomp=$work/filter.json base mkdir /x"
	check "mask=" '^0$' "$run --security-opt mask=/proc/cpuinfo base sh -c 'wc -c < /proc/cpuinfo'"
	check "unmask=" 'kpagecount|MemTotal|[0-9]' \
		"$run --security-opt unmask=/proc/timer_list:/sys/firmware base sh -c 'mount | grep -c firmware; true'"
	check "unmask=ALL" '^proc on /proc type proc \(rw' "$run --security-opt unmask=ALL base mount"
	check_not "unmask=ALL leaves nothing" ' /proc/sys type|/proc/kcore' "$run --security-opt unmask=ALL base mount"
	check "--privileged" '^CapEff:.000001ffffffffff$' "$run --privileged base grep CapEff /proc/self/status"
	fails "--read-only" 1 'Read-only file system' "$run --read-only base touch /x"
	check "--read-only with --tmpfs" '^tmpfs on /t type tmpfs .*size=1024k' \
		"$run --read-only --tmpfs /t:size=1m,mode=1777 base sh -c 'touch /t/x /tmp/x && mount'"
	check "--device" '^crw.* 1, *7 ' "$run --device /dev/full:/dev/other base ls -l /dev/other"
	fails "other devices are refused" 1 'not permitted' \
		"$run --cap-add mknod base sh -c 'mknod /d b 254 0 && cat /d'"
	check "--sysctl" '^77$' "$run --sysctl kernel.msgmax=77 base cat /proc/sys/kernel/msgmax"
	check "--shm-size" ' 2048 ' "$run --shm-size 2m base df -k /dev/shm"
	check "--hostname" '^inner$' "$run --hostname inner base hostname"
	check "--pid host" 'conmon' "$run --pid host base ps"
	check "--cgroups disabled" '^done$' "$run --cgroups disabled base echo done"
	check "--timezone, --env-file" '^B$' "echo A=B > $work/env; $run --env-file $work/env base sh -c 'echo \$A'"
}

volumes() {
	check "volume create" '^one$' "podman volume create one"
	check "write to a volume" '' "$run -v one:/data base sh -c 'echo kept > /data/x'"
	check "read from a volume" '^kept$' "$run -v one:/data:ro base cat /data/x"
	fails "a volume that is mounted read-only" 1 'Read-only' "$run -v one:/data:ro base touch /data/y"
	check "an empty volume gets the image's files" 'busybox' \
		"$run -v two:/bin base ls /bin && ls \$(podman volume inspect -f '{{.Mountpoint}}' two)"
	check "bind mount" '^from-host$' "echo from-host > $work/in; $run -v $work:/w:ro base cat /w/in"
	check "an overlay volume" '^from-host$' \
		"$run -v $work:/w:O base sh -c 'touch /w/only-inside && cat /w/in' && ! test -e $work/only-inside"
	check "--mount type=tmpfs" ' /t type tmpfs' "$run --mount type=tmpfs,destination=/t base mount"
	check "--mount type=image" '^busybox$' "$run --mount type=image,src=base,destination=/i base ls /i/bin"
	check "--volumes-from" '^kept$' \
		"podman create --name holder -v one:/data base && $run --volumes-from holder base cat /data/x"
	fails "a volume in use stays" 2 'being used' "podman volume rm one"
	check "volume export" '^\./x$|^x$' "podman volume export one | tar -t"
	check "volume rm" '^one$' "podman rm holder && podman volume rm one"
	check "secret" '^hidden$' \
		"printf 'hidden\\n' > $work/s; podman secret create word $work/s && \
			$run --secret word base cat /run/secrets/word"
	check "secret as a variable" '^hidden$' \
		"$run --secret word,type=env,target=W base sh -c 'echo \$W' && podman secret rm word"
}

health() {
	check "run with a health check" '' "podman run -d --name well --network none --health-cmd 'test -e /ok' \
		--health-interval disable --health-retries 2 base sh -c 'touch /ok; sleep 1000'"
	check "healthy" '^healthy$' "podman healthcheck run well && podman inspect -f '{{.State.Health.Status}}' well"
	check "unhealthy" '^unhealthy$' \
		"podman exec well rm /ok; podman healthcheck run well; podman healthcheck run well; \
		podman inspect -f '{{.State.Health.Status}}' well"
	podman rm -f -t 0 well > /dev/null 2>&1
	check "--restart on-failure:2" '' \
		"podman run -d --name failing --network none --restart on-failure:2 base sh -c 'exit 4'"
	wait_for "it was tried three times" 60 '^2 exited 4$' \
		"podman inspect -f '{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}' failing"
	check "--restart always" '' "podman run -d --name always --network none --restart always base sleep 1000"
	check "its process is killed from outside" '' "kill -9 \$(podman inspect -f '{{.State.Pid}}' always)"
	wait_for "it comes back" 60 '^1 running$' "podman inspect -f '{{.RestartCount}} {{.State.Status}}' always"
	check "rm -f ends it" '' "podman rm -f -t 0 always failing"
	check "events" 'container died|health_status' "podman events --stream=false --since 10m"
}

pods() {
	# A group of the pod's own would refuse all devices: podman 4.3 without systemd lists none.
	check "pod create" '' "podman pod create --name pod --share-parent=false --network none --hostname shared"
	check "a container in it" '' "podman run -d --pod pod --name in1 base sleep 1000"
	check "it shares names and queues" '^shared$' "$run --pod pod base hostname"
	check "its namespaces are one" '^1$' "podman run -d --pod pod --name in2 base sleep 1000; \
		for i in in1 in2; do readlink /proc/\$(podman inspect -f '{{.State.Pid}}' \$i)/ns/net; done | \
			sort -u | wc -l"
	check "pod ps" 'Running' "podman pod ps"
	check "pod pause" 'Paused' "podman pod pause pod && podman pod ps && podman pod unpause pod"
	check "pod stop" 'Exited' "podman pod stop -t 0 pod && podman pod ps"
	check "pod start" 'Running' "podman pod start pod && podman pod ps"
	check "pod rm" '' "podman pod rm -f -t 0 pod"
}

runtimes() {
	check "--runtime runc" '^from-runc 2$' \
		"podman --runtime runc run --rm --network none base sh -c 'echo from-runc \$(grep Seccomp: \
			/proc/self/status | cut -f2)'"
	check "runc: detached and exec" 'sleep 1000' \
		"podman --runtime runc run -d --name r --network none base sleep 1000 && \
			podman --runtime runc exec r ps"
	check "runc: stop" '^exited$' "podman --runtime runc stop -t 0 r && podman inspect -f '{{.State.Status}}' r"
	check "runc: rm" '' "podman --runtime runc rm r"
	mkdir -p $work/b
	echo was-built > $work/b/f
	cat > $work/b/Containerfile <<-'END'
		FROM base AS first
		COPY f /f
		RUN mv /f /g
		FROM base
		COPY --from=first /g /h
		USER 1000
		CMD echo $(cat /h) $(id -u)
	END
	check "a build in steps" '^was-built 1000$' \
		"podman build --network none -t steps $work/b > /dev/null 2>&1 && $run steps"
	check "prune" '' "podman system prune -af"
}

# These talk with the console: whoever started this script types (tests/runtimes/breadth.py).
terminal() {
	echo "terminal detach by one key"
	podman run -it --detach-keys ctrl-q --name typed --network none base sh
	check "run -it, then the keys that detach" '^running$' "podman inspect -f '{{.State.Status}}' typed"
	echo "terminal interrupt"
	podman exec -it typed sh
	same "exec -it: an interrupt, a status" 3 $?
	echo "terminal leave"
	podman attach typed
	same "attach: it ends with the container" 0 $?
	# Its conmon runs a podman that tidies up; attach does not wait for it.
	wait_for "it ended" 30 '^exited 5$' "podman inspect -f '{{.State.Status}} {{.State.ExitCode}}' typed"
	check "rm of what ended" '' "podman rm typed"
}

prepare
for part in ${*:-terminal files limits users security volumes health pods runtimes}; do
	$part
done
echo "checks done"

# SPDX-License-Identifier: MPL-2.0
# What people do with Docker, without a network: images, files, logs, limits, volumes, health, restarts.
. "$(dirname "$0")/checks.sh"
export DOCKER_BUILDKIT=0
work=/run/docker-checks
mkdir -p $work

start_daemon() {
	# With a containerd of its own dockerd would give up after 15 s, whatever the host's load.
	dockerd --containerd /run/containerd/containerd.sock > /run/dockerd.log 2>&1 &
	wait_for "dockerd listens ($1)" 240 '^24|^20|^[0-9]' "docker version -f '{{.Server.Version}}'"
}

stop_daemon() {
	kill "$(cat /var/run/docker.pid)"
	wait_for "dockerd stops" 60 gone "test -e /var/run/docker.pid || echo gone"
}

group_of() {
	echo "/sys/fs/cgroup/docker/$(docker inspect -f '{{.Id}}' "$1")"
}

images() {
	mkdir -p $work/base $work/app
	tar -C /var/lib/images/busybox -cf $work/base/bb.tar .
	printf 'FROM scratch\nADD bb.tar /\nENV WHO=world\nCMD ["echo", "hello"]\n' > $work/base/Dockerfile
	check "build FROM scratch with ADD of an archive" 'Successfully tagged base' "docker build -t base $work/base"
	check "run what was built" '^hello$' "docker run --rm --network none base"
	echo copied > $work/app/file
	cat > $work/app/Dockerfile <<-END
		FROM base
		COPY --chown=1000:1000 file /data/file
		RUN echo built by \$(id -u) for \$WHO > /built && rm /bin/vi && mv /data /moved
		RUN ls -ln /moved/file >> /built
		VOLUME /vol
		USER 1000:1000
		WORKDIR /moved
		ENTRYPOINT ["cat"]
		CMD ["file"]
	END
	check "build with COPY and RUN" 'Successfully tagged app' "docker build --network none -t app $work/app"
	check "entry point, user and folder of an image" '^copied$' "docker run --rm --network none app"
	check "RUN saw the image's variables" '^built by 0 for world$' "docker run --rm --network none app /built"
	check "COPY --chown" ' 1000 +1000 .*/moved/file$' "docker run --rm --network none app /built"
	fails "RUN removed a file" 1 'No such file' "docker run --rm --network none app /bin/vi"
	check "layers of an image" 'COPY --chown' "docker history app"
	check "save and load" 'Loaded image: app' \
		"docker save -o $work/app.tar app && docker rmi app && docker load -i $work/app.tar"
	check "an image that was loaded runs" '^copied$' "docker run --rm --network none app"
}

files() {
	check "create" '' \
		"docker create --name files --network none base sh -c 'echo started; touch /new; rm /bin/vi; sleep \
			1000'"
	echo from-host > $work/in
	check "cp into a container that was not started" '' "docker cp $work/in files:/in"
	check "start" '^files$' "docker start files"
	wait_for "logs" 30 '^started$' "docker logs files"
	check "cp in" '^from-host$' "docker cp $work/in files:/tmp/in2 && docker exec files cat /tmp/in2 /in"
	check "cp out" '^from-host$' "docker cp files:/in $work/out && cat $work/out"
	check "cp as an archive" '^in$' "docker cp files:/in - | tar -t"
	check "diff" '^D /bin/vi$' "docker diff files"
	check "top" 'sleep 1000' "docker top files"
	check "exec" '^7$' "docker exec -e N=7 -u 1000 -w /tmp files sh -c 'id -u; pwd; echo \$N'"
	fails "exec gives the status" 9 '' "docker exec files sh -c 'exit 9'"
	check "stats" 'files' "docker stats --no-stream files"
	check "commit" '^from-host$' \
		"docker commit -c 'CMD [\"cat\", \"/in\"]' files committed && docker run --rm --network none committed"
	check "export and import" '^from-host$' \
		"docker export files | docker import - imported && docker run --rm --network none imported cat /in"
	check "rename" '^/other$' "docker rename files other && docker inspect -f '{{.Name}}' other"
	check "restart" '^running 0$' \
		"docker restart -t 1 other && docker inspect -f '{{.State.Status}} {{.RestartCount}}' other"
	check "logs of both runs" '^2$' "docker logs other 2>&1 | grep -c started"
	check "stop" '^exited 137$' \
		"docker stop -t 1 other && docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' other"
	check "logs with times" '^20[0-9-]+T.*Z started$' "docker logs -t other"
	check "wait" '^137$' "docker wait other"
	check "rm" '^other$' "docker rm other"
}

limits() {
	check "run with limits" '' \
		"docker run -d --name limited --network none --memory 32m --memory-reservation 16m --cpus 0.5 \
		--cpu-shares 512 --pids-limit 20 --cpuset-cpus 0 --ulimit nofile=123:456 --init base sleep 1000"
	group=$(group_of limited)
	check "memory.max" '^33554432$' "cat $group/memory.max"
	check "memory.low" '^16777216$' "cat $group/memory.low"
	check "cpu.max" '^50000 100000$' "cat $group/cpu.max"
	check "cpu.weight" '^20$' "cat $group/cpu.weight"
	check "pids.max" '^20$' "cat $group/pids.max"
	check "cpuset.cpus" '^0$' "cat $group/cpuset.cpus"
	check "ulimit" '^456$' "docker exec limited sh -c 'ulimit -Hn'"
	check "--init" 'docker-init' "docker exec limited cat /proc/1/cmdline | tr '\\0' ' '"
	check "the group a container sees" '^0::/$' "docker exec limited cat /proc/self/cgroup"
	check "pids limit holds" 'fork: (retry: )?Resource|can.t fork' \
		"docker exec limited sh -c 'for i in \$(seq 30); do sleep 5 & done' ; true"
	check "update" '^67108864$' "docker update --memory 64m --memory-swap 64m limited && cat $group/memory.max"
	check "pause" '^1$' "docker pause limited && cat $group/cgroup.freeze"
	check "a paused container is shown" 'Paused' "docker ps"
	check "unpause" '^0$' "docker unpause limited && cat $group/cgroup.freeze"
	check "kill with a signal" '' "docker kill -s KILL limited"
	check "rm -f" '' "docker rm -f limited"
	check "its group is gone" gone "test -d $group || echo gone"
	fails "memory limit kills" 137 '' \
		"docker run --name hungry --network none --memory 16m --memory-swap 16m base \
			dd if=/dev/zero of=/dev/null bs=64M count=1"
	check "OOMKilled is told" '^true 137$' \
		"docker inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' hungry; docker rm hungry > /dev/null"
}

security() {
	run="docker run --rm --network none"
	check "docker info: seccomp" 'name=seccomp,profile=default' "docker info -f '{{.SecurityOptions}}'"
	check "docker info: groups" '^cgroupfs 2$' "docker info -f '{{.CgroupDriver}} {{.CgroupVersion}}'"
	check_not "docker info: no warnings of missing limits" 'No (memory|cpu|swap|io|pids|cpuset)' "docker info"
	check "default filter and capabilities" '^Seccomp:.2$' "$run base grep -E 'Seccomp:|CapEff' /proc/self/status"
	check "default capabilities" '^CapEff:.00000000a80425fb$' "$run base grep CapEff /proc/self/status"
	check "--cap-drop all" '^CapEff:.0000000000000000$' "$run --cap-drop all base grep CapEff /proc/self/status"
	check "--cap-drop all --cap-add chown" '^CapEff:.0000000000000001$' \
		"$run --cap-drop all --cap-add chown base grep CapEff /proc/self/status"
	check "--security-opt no-new-privileges" '^NoNewPrivs:.1$' \
		"$run --security-opt no-new-privileges base grep NoNewPrivs /proc/self/status"
	check "seccomp=unconfined" '^Seccomp:.0$' \
		"$run --security-opt seccomp=unconfined base grep Seccomp: /proc/self/status"
	check "--privileged" '^CapEff:.0000003fffffffff$|^CapEff:.000001ffffffffff$' \
		"$run --privileged base grep CapEff /proc/self/status"
	fails "--read-only" 1 'Read-only file system' "$run --read-only base touch /x"
	check "--read-only with --tmpfs" '^tmpfs on /tmp type tmpfs .*size=1024k' \
		"$run --read-only --tmpfs /tmp:size=1m,mode=1777 base sh -c 'touch /tmp/x && mount'"
	check "--user" '^uid=5 gid=6' "$run --user 5:6 base id"
	check "--hostname" '^inner$' "$run --hostname inner base hostname"
	check "masked and read-only paths" '^proc on /proc/sys type proc \(ro' "$run base mount"
	fails "mount is refused" 1 'permission denied|not permitted' "$run base mount -t tmpfs none /mnt"
	check "--device" '^crw.* 1, *7 ' "$run --device /dev/full:/dev/other base ls -l /dev/other"
	fails "other devices are refused" 1 'not permitted' \
		"$run --cap-add mknod base sh -c 'mknod /d b 254 0 && cat /d'"
	check "--sysctl" '^77$' "$run --sysctl kernel.msgmax=77 base cat /proc/sys/kernel/msgmax"
	check "--shm-size" ' 2048 ' "$run --shm-size 2m base df -k /dev/shm"
	check "--pid of another container" 'sleep 55' "docker run -d --name seen --network none base sleep 55 && \
		$run --pid container:seen base ps; docker rm -f seen > /dev/null"
	check "--network host" 'eth0|ens|lo' "docker run --rm --network host base ip link"
}

volumes() {
	run="docker run --rm --network none"
	check "volume create" '^one$' "docker volume create one"
	check "write to a volume" '' "$run -v one:/data base sh -c 'echo kept > /data/x'"
	check "read from a volume" '^kept$' "$run -v one:/data:ro base cat /data/x"
	fails "a volume that is mounted read-only" 1 'Read-only' "$run -v one:/data:ro base touch /data/y"
	check "an empty volume gets the image's files" 'busybox' \
		"$run -v two:/bin base ls /bin && ls /var/lib/docker/volumes/two/_data"
	check "bind mount" '^from-host$' "echo from-host > $work/in; $run -v $work:/w:ro base cat /w/in"
	check "--mount type=tmpfs" ' /t type tmpfs' "$run --mount type=tmpfs,destination=/t base mount"
	check "--volumes-from" '^kept$' \
		"docker create --name holder -v one:/data base && $run --volumes-from holder base cat /data/x"
	fails "a volume in use stays" 1 'in use' "docker volume rm one"
	check "volume rm" '^one$' "docker rm -v holder && docker volume rm one"
	check "volume ls" '^two$' "docker volume ls -q"
}

health() {
	check "run with a health check" '' "docker run -d --name well --network none --health-cmd 'test -e /ok' \
		--health-interval 1s --health-retries 2 base sh -c 'touch /ok; sleep 1000'"
	wait_for "healthy" 60 '^healthy$' "docker inspect -f '{{.State.Health.Status}}' well"
	check "docker ps shows it" '\(healthy\)' "docker ps"
	check "what it tests goes away" '' "docker exec well rm /ok"
	wait_for "unhealthy" 60 '^unhealthy$' "docker inspect -f '{{.State.Health.Status}}' well"
	check "events tell" 'health_status: unhealthy' \
		"docker events --since 10m --until \"\$(date +%s)\" --filter container=well"
	docker rm -f well > /dev/null
}

restarts() {
	check "--restart on-failure:2" '' \
		"docker run -d --name failing --network none --restart on-failure:2 base sh -c 'exit 4'"
	wait_for "it was tried three times" 60 '^2 exited 4$' \
		"docker inspect -f '{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}' failing"
	check "--restart always" '' "docker run -d --name always --network none --restart always base sleep 1000"
	pid=$(docker inspect -f '{{.State.Pid}}' always)
	check "its process is killed from outside" '' "kill -9 $pid"
	wait_for "it comes back" 60 '^1 running$' "docker inspect -f '{{.RestartCount}} {{.State.Status}}' always"
	stop_daemon
	start_daemon again
	wait_for "it comes back with the daemon" 90 '^running$' "docker inspect -f '{{.State.Status}}' always"
	check_not "one that ended does not" failing "docker ps"
	check "the volume is still there" '^two$' "docker volume ls -q"
	check "stop ends it" '^exited$' "docker stop -t 0 always && docker inspect -f '{{.State.Status}}' always"
	check "prune" 'Deleted Containers|Total reclaimed' \
		"docker container prune -f && docker image prune -af && docker volume prune -f"
	check "nothing is left" '^0 0$' "echo \$(docker ps -aq | wc -l) \$(docker images -q | wc -l)"
}

# These talk with the console: whoever started this script types (tests/runtimes/breadth.py).
terminal() {
	echo "terminal detach"
	docker run -it --name typed --network none base sh
	check "run -it, then the keys that detach" '^running$' "docker inspect -f '{{.State.Status}}' typed"
	echo "terminal interrupt"
	docker exec -it typed sh
	same "exec -it: an interrupt, a status" 3 $?
	echo "terminal leave"
	docker attach typed
	same "attach: the container's status" 5 $?
	check "it ended" '^exited 5$' "docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' typed; docker rm typed"
}

containerd > /run/containerd.log 2>&1 &
wait_for "containerd listens" 240 '1\.6\.' "ctr version"
start_daemon first
for part in ${*:-images terminal files limits security volumes health restarts}; do
	$part
done
stop_daemon
echo "checks done"

# SPDX-License-Identifier: MPL-2.0
# The architecture as data: one line a folder. The build compiles every *.c of each folder named here (and *.S
# under core/arch/x86_64 alone); kernel/tools/check_layers.py enforces the rest.
#
#   uses.FOLDER := the folders whose headers and functions FOLDER may use, besides itself
#
# The layer of a folder is its first path component:   lib <- core <- services, drivers <- linux_abi <- main
# - lib and core are used by everybody above without being named: <lib/x.h> and <core/x.h> are their whole contract.
# - services and drivers name each folder they use; the relation must have no cycle. A lower folder calls a higher
#   one only through a struct of function pointers that the higher one registers.
# - `services/*` stands for every folder of services; linux_abi and main use everything below them.
# - core folders are one unit and use each other freely.

uses.lib :=

uses.core/arch/x86_64/boot :=
uses.core/arch/x86_64/cpu :=
uses.core/arch/x86_64/context :=
uses.core/arch/x86_64/trap :=
uses.core/arch/x86_64/paging :=
uses.core/arch/x86_64/apic :=
uses.core/arch/x86_64/acpi :=
uses.core/arch/x86_64/smp :=
uses.core/arch/x86_64/time :=
uses.core/arch/x86_64/machine :=
uses.core/arch/x86_64/user :=
uses.core/arch/x86_64/fpu :=
uses.core/memory :=
uses.core/memory/page :=
uses.core/memory/slab :=
uses.core/sched :=
uses.core/sync :=
uses.core/irq :=
uses.core/device :=
uses.core/time :=
uses.core/debug :=
uses.core/ktest :=

uses.services/cred :=
uses.services/namespace := services/cred
uses.services/cgroup := services/cred services/namespace services/sched
# Its rooms are one unit with it.
uses.services/cgroup/member := services/cgroup services/cred services/namespace services/sched
uses.services/cgroup/memory := services/cgroup services/cred services/namespace services/sched
uses.services/cgroup/cpu := services/cgroup services/cred services/namespace services/sched
uses.services/cgroup/io := services/cgroup services/cred services/namespace services/sched
uses.services/poll :=
uses.services/sched :=
uses.services/device := services/cred
uses.services/block := services/pagecache services/cgroup
uses.services/pagecache := services/cgroup
uses.services/vfs := services/cred services/namespace services/cgroup services/pagecache services/poll services/device services/block
# The rooms of services/vfs are one unit with it, as core's folders are: whoever may use services/vfs may use them.
uses.services/vfs/inode := services/vfs services/cred services/namespace services/cgroup services/pagecache services/poll services/device services/block
uses.services/vfs/mount := services/vfs services/cred services/namespace services/cgroup services/pagecache services/poll services/device services/block
uses.services/vfs/lookup := services/vfs services/cred services/namespace services/cgroup services/pagecache services/poll
uses.services/vfs/file := services/vfs services/cred services/namespace services/cgroup services/pagecache services/poll services/device services/block
uses.services/vfs/pipe := services/vfs services/cred services/namespace services/cgroup services/pagecache services/poll
uses.services/vfs/lock := services/vfs services/cred services/namespace services/cgroup services/pagecache services/poll
uses.services/vfs/notify := services/vfs services/cred services/namespace services/cgroup services/pagecache services/poll
uses.services/vfs/pseudo := services/vfs services/cred services/namespace services/cgroup services/pagecache services/poll
uses.services/vm := services/cred services/cgroup services/pagecache services/vfs
uses.services/vm/area := services/vm
uses.services/vm/fault := services/vm services/cgroup services/pagecache
uses.services/signal := services/cred services/namespace services/poll
uses.services/futex := services/vfs services/pagecache services/vm
uses.services/process := services/sched services/cred services/namespace services/cgroup services/poll services/vfs services/vm services/signal services/futex
# Its rooms are one unit with it.
uses.services/process/pid := services/process services/sched services/cred services/namespace services/cgroup services/poll services/vfs services/vm services/signal services/futex
uses.services/process/clone := services/process services/sched services/cred services/namespace services/cgroup services/poll services/vfs services/vm services/signal services/futex
uses.services/process/exit := services/process services/sched services/cred services/namespace services/cgroup services/poll services/vfs services/vm services/signal services/futex
uses.services/process/tree := services/process services/sched services/cred services/namespace services/cgroup services/poll services/vfs services/vm services/signal services/futex
uses.services/process/signal := services/process services/sched services/cred services/namespace services/cgroup services/poll services/vfs services/vm services/signal services/futex
uses.services/process/run := services/process services/sched services/cred services/namespace services/cgroup services/poll services/vfs services/vm services/signal services/futex
uses.services/process/trace := services/process services/sched services/cred services/namespace services/cgroup services/poll services/vfs services/vm services/signal services/futex
uses.services/process/member := services/process services/sched services/cred services/namespace services/cgroup services/poll services/vfs services/vm services/signal services/futex
uses.services/exec := services/cred services/namespace services/cgroup services/poll services/pagecache services/vfs services/vm services/signal services/process
uses.services/tty := services/cred services/namespace services/poll services/device services/vfs services/signal services/process
uses.services/ipc := services/cred services/namespace services/cgroup services/poll services/vfs services/pagecache services/vm services/signal services/process
uses.services/ipc/shared_memory := services/ipc services/cred services/namespace services/cgroup services/poll services/vfs services/pagecache services/vm services/signal services/process
uses.services/ipc/semaphore := services/ipc services/cred services/namespace services/cgroup services/poll services/vfs services/pagecache services/vm services/signal services/process
uses.services/ipc/message := services/ipc services/cred services/namespace services/cgroup services/poll services/vfs services/pagecache services/vm services/signal services/process

uses.services/fs/initramfs := services/cred services/vfs
uses.services/fs/tmpfs := services/cred services/namespace services/cgroup services/pagecache services/vfs
uses.services/fs/ext2 := services/cred services/namespace services/cgroup services/pagecache services/block services/device services/vfs
uses.services/fs/ext2/damage := services/fs/ext2 services/cred services/namespace services/cgroup services/pagecache services/block services/device services/vfs
uses.services/fs/devfs := services/cred services/device services/block services/vfs
uses.services/fs/devpts := services/cred services/namespace services/device services/vfs services/poll services/tty services/process
uses.services/fs/sysfs := services/device services/block services/vfs services/vfs/pseudo services/cred services/namespace services/net/buffer services/net/device services/process
uses.services/bpf := services/cred services/cgroup services/vfs
uses.services/fs/cgroupfs := services/poll services/sched services/block services/pagecache services/cred services/namespace services/cgroup services/vfs services/process
uses.services/security/seccomp := services/cred services/namespace services/poll services/vfs services/signal services/process
uses.services/security/landlock := services/cred services/namespace services/vfs services/process
uses.services/fs/nsfs := services/cred services/vfs
uses.services/fs/mqueue := services/net/netlink services/net/socket services/net/buffer services/ipc services/cred services/namespace services/cgroup services/poll services/vfs services/pagecache services/signal services/process
uses.services/fs/procfs := services/cred services/namespace services/cgroup services/poll services/device services/block services/pagecache services/vfs services/vfs/pseudo services/vm services/signal services/process services/tty services/sched services/fs/nsfs services/net/buffer services/net/device services/event services/security/seccomp services/ipc services/ipc/message services/ipc/semaphore services/ipc/shared_memory services/fs/mqueue services/net/ip services/net/tcp services/net/udp services/keys
uses.services/fs/procfs/process := services/fs/procfs services/cred services/namespace services/cgroup services/vfs services/vm services/process services/tty services/fs/nsfs services/security/seccomp
uses.services/fs/procfs/sys := services/fs/procfs services/cred services/namespace services/pagecache services/vfs services/vfs/pseudo services/vm services/process services/event services/security/seccomp services/ipc services/fs/mqueue
uses.services/fs/procfs/net := services/fs/procfs services/cred services/namespace services/cgroup services/poll services/device services/block services/pagecache services/vfs services/vfs/pseudo services/vm services/signal services/process services/tty services/sched services/fs/nsfs services/net/buffer services/net/device services/event services/security/seccomp services/ipc services/ipc/message services/ipc/semaphore services/ipc/shared_memory services/fs/mqueue services/net/ip services/net/tcp services/net/udp services/net/unix
uses.services/fs/procfs/pressure := services/fs/procfs services/cred services/namespace services/cgroup services/poll services/device services/vfs services/vfs/pseudo services/process services/sched
uses.services/keys := services/cred services/process
uses.services/fs/overlayfs := services/cred services/namespace services/cgroup services/pagecache services/poll services/vfs

uses.services/event := services/cred services/namespace services/cgroup services/poll services/vfs services/pagecache

uses.services/net/buffer :=
uses.services/net/device := services/cred services/namespace services/net/buffer
uses.services/net/device/neighbour := services/net/device
uses.services/net/device/route := services/net/device
uses.services/net/ip := services/cred services/namespace services/net/buffer services/net/device
uses.services/net/socket := services/cred services/namespace services/cgroup services/poll services/pagecache services/vfs services/process services/net/device
uses.services/net/unix := services/cred services/namespace services/cgroup services/poll services/pagecache services/vfs services/vm services/signal services/process services/net/device services/net/socket
uses.services/net/inet := services/cred services/namespace services/poll services/net/socket services/net/buffer services/net/device services/net/ip services/vfs
uses.services/net/udp := services/cred services/namespace services/poll services/net/socket services/net/buffer services/net/device services/net/ip services/net/inet services/vfs
uses.services/net/raw := services/cred services/namespace services/poll services/net/socket services/net/buffer services/net/device services/net/ip services/net/inet services/vfs
uses.services/net/tcp := services/cred services/namespace services/poll services/net/socket services/net/buffer services/net/device services/net/ip services/net/inet services/vfs services/signal services/process
uses.services/net/netlink := services/cred services/namespace services/poll services/net/socket services/net/buffer services/net/device services/net/netlink/route services/process services/vfs services/signal
uses.services/net/netlink/route := services/cred services/namespace services/poll services/net/socket services/net/buffer services/net/device services/net/netlink
uses.services/net/diagnosis := services/cred services/namespace services/poll services/net/netlink services/net/socket services/net/buffer services/net/device services/net/ip services/net/tcp services/net/udp services/net/unix services/vfs services/process services/signal
uses.services/net/virtual := services/net/buffer services/net/device services/cred services/namespace
uses.services/net/packet := services/cred services/namespace services/poll services/net/socket services/net/buffer services/net/device services/vfs services/process services/signal

uses.drivers/pci :=
uses.drivers/virtio := drivers/pci
uses.drivers/virtio/block := drivers/virtio services/block services/vfs
uses.drivers/virtio/net := drivers/virtio drivers/pci services/net/buffer services/net/device services/cred
uses.drivers/virtio/console := drivers/virtio drivers/pci services/device services/tty
uses.drivers/virtio/rng := drivers/virtio
uses.drivers/serial := services/device services/tty services/vfs
uses.drivers/rtc := services/device
uses.drivers/acpi := services/device

uses.linux_abi := services/* drivers/*
uses.linux_abi/process := services/* drivers/* linux_abi linux_abi/signal
uses.linux_abi/sched := services/* linux_abi linux_abi/process
uses.linux_abi/signal := services/* linux_abi
uses.linux_abi/time := services/* linux_abi linux_abi/signal
uses.linux_abi/system := services/* linux_abi
uses.linux_abi/identity := services/* linux_abi
uses.linux_abi/network := services/* linux_abi
uses.linux_abi/file := services/* drivers/* linux_abi linux_abi/network
uses.linux_abi/event := services/* linux_abi linux_abi/file linux_abi/signal linux_abi/time
uses.linux_abi/socket := services/* linux_abi linux_abi/file linux_abi/event
uses.linux_abi/keys := services/* linux_abi
uses.linux_abi/ipc := services/* linux_abi linux_abi/time linux_abi/file
uses.linux_abi/security := services/* linux_abi linux_abi/file linux_abi/signal
uses.main := services/* drivers/* linux_abi linux_abi/network

// SPDX-License-Identifier: MPL-2.0
// The boot order on one screen: what is started, and after what. A step that fails ends the boot.
#include <core/boot.h>
#include <core/cpu.h>
#include <core/ktest.h>
#include <core/main.h>
#include <drivers/pci/pci.h>
#include <drivers/serial/serial.h>
#include <drivers/virtio/block/virtio_block.h>
#include <drivers/virtio/net/virtio_net.h>
#include <drivers/virtio/rng/virtio_rng.h>
#include <drivers/virtio/virtio.h>
#include <linux_abi/dispatch.h>
#include <linux_abi/network/network_namespaces.h>
#include <main/first_program.h>
#include <main/step.h>
#include <services/bpf/bpf.h>
#include <services/cgroup/cgroup.h>
#include <services/cred/cred.h>
#include <services/event/epoll.h>
#include <services/event/inotify.h>
#include <services/fs/cgroupfs/cgroupfs.h>
#include <services/fs/devfs/devfs.h>
#include <services/fs/devpts/devpts.h>
#include <services/fs/ext2/ext2.h>
#include <services/fs/nsfs/nsfs.h>
#include <services/fs/overlayfs/overlayfs.h>
#include <services/fs/mqueue/mqueue.h>
#include <services/fs/procfs/procfs.h>
#include <services/fs/sysfs/sysfs.h>
#include <services/fs/tmpfs/tmpfs.h>
#include <services/namespace/ipc_namespace.h>
#include <services/namespace/time_namespace.h>
#include <services/namespace/uts.h>
#include <services/keys/keys.h>
#include <services/net/device/net_neighbour.h>
#include <services/net/diagnosis/diagnosis.h>
#include <services/net/inet/inet.h>
#include <services/net/ip/ip.h>
#include <services/net/raw/raw.h>
#include <services/net/tcp/tcp.h>
#include <services/net/udp/udp.h>
#include <services/net/netlink/netlink.h>
#include <services/net/packet/packet_socket.h>
#include <services/net/unix/unix.h>
#include <services/net/virtual/virtual.h>
#include <services/pagecache/page_ktest.h>
#include <services/pagecache/page_mapping.h>
#include <services/process/clone.h>
#include <services/process/crash.h>
#include <services/process/file_async.h>
#include <services/process/members.h>
#include <services/sched/load.h>
#include <services/sched/pressure.h>
#include <services/sched/sched.h>
#include <services/security/landlock/landlock.h>
#include <services/tty/tty.h>
#include <services/vfs/vfs.h>
#include <services/vm/vm_ktest.h>
#include <services/vm/vm_space.h>

static void start_identities(void)
{
	step(STR("user namespace"), user_namespace_init());
	step(STR("credentials"), cred_init());			// user namespace
	step(STR("uts namespace"), uts_init());			// user namespace, as all below
	step(STR("ipc namespace"), ipc_namespace_init());
	step(STR("time namespace"), time_namespace_init());
	step(STR("pid namespace"), pid_init());
	step(STR("neighbours"), neighbours_init());
	ip_init();
	inet_init();
	step(STR("TCP"), tcp_init());
	udp_init();
	raw_init();
	netlink_init();
	packet_socket_init();
	net_virtual_init();
	net_diagnosis_init();
	unix_init();						// registered before the first network namespace is made
	step(STR("network namespace"), net_namespace_init());
	cgroup_init();						// with its namespace
}

static void run_tests(void)
{
	ktest_run_core();
	page_ktest_run();
	vm_ktest_run();
	ktest_finish();
}

static void start_files(void)
{
	step(STR("file systems"), vfs_init());			// page cache, credentials
	keys_init();
	landlock_init();						// vfs
	epoll_init();						// open files
	step(STR("signals of files"), file_async_init());
	inotify_start();
	tmpfs_init();						// registered before the root is mounted
	mqueue_init();
	cgroupfs_init();
	bpf_init();						// cgroup
	procfs_init();
	sysfs_init();
	ext2_init();
	overlayfs_init();
	step(STR("root file system"), vfs_mount_root());
	step(STR("namespace files"), nsfs_init());
	step(STR("device files"), devfs_init());		// tmpfs; told of every device from now on
	process_members_init();					// cgroup, vm
	process_crash_init();
	process_namespace_kinds_init();				// mount namespace
	network_namespaces_init();
	linux_abi_init();					// the table of system calls, signal frames, vDSO
}

static void start_devices(void)
{
	step(STR("terminals"), tty_service_init());
	step(STR("serial ports"), serial_init());		// terminals
	step(STR("pseudo terminals"), devpts_init());
	virtio_block_init();					// drivers before the buses that find their devices
	virtio_net_init();
	virtio_rng_init();
	pci_init();
	virtio_pci_init();
	virtio_mmio_init();
}

void kernel_main(void)
{
	bytes_t value = bytes_empty();

	sched_service_init();
	core_start_processors();
	step(STR("load averages"), load_init());
	start_identities();
	step(STR("pressure"), pressure_start());		// cgroup
	pagecache_init();					// cgroup
	vm_init();						// page cache
	if (boot_option(STR("ktest"), &value))
		run_tests();
	start_files();
	start_devices();
	first_files();						// rootfs content, initramfs
	step(STR("first process"), process_create_init(first_program));
}

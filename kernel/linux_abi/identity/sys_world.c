// SPDX-License-Identifier: MPL-2.0
// The machine as a whole: names, memory, uptime, random numbers, the processor one runs on, the kernel's log,
// power. source: uname(2), sethostname(2), sysinfo(2), getrandom(2), getcpu(2), syslog(2), reboot(2)
#include <generated/syscall_prototypes.h>
#include <core/boot.h>
#include <core/memory.h>
#include <core/print.h>
#include <core/random.h>
#include <core/time.h>
#include <services/namespace/uts.h>
#include <services/pagecache/page_mapping.h>
#include <services/process/process_signal.h>
#include <services/process/thread.h>

#define FIELD 65u	// of struct utsname

static struct uts_namespace *own_uts(void)
{
	return uts_namespace_from(thread_namespaces()->slot[NAMESPACE_UTS]);
}

// --- names --------------------------------------------------------------------------------------

static void put_field(span_t all, u32 i, bytes_t text)
{
	span_copy(span_slice(all, i * FIELD, FIELD), text);
}

s64 sys_uname(user_addr_t buf)
{
	u8 raw[6 * FIELD] = { 0 };
	span_t all = array_span(raw);
	put_field(all, 0, STR(UTS_SYSTEM_NAME));
	usize host = uts_name_get(own_uts(), UTS_HOST_NAME, span_slice(all, FIELD, FIELD - 1));
	put_field(all, 2, STR(UTS_RELEASE));
	put_field(all, 3, STR(UTS_VERSION));
	put_field(all, 4, STR(UTS_MACHINE));
	usize domain = uts_name_get(own_uts(), UTS_DOMAIN_NAME, span_slice(all, 5 * FIELD, FIELD - 1));
	(void)host;
	(void)domain; // zeros follow
	return user_copy_out(buf, array_bytes(raw));
}

static s64 set_name(enum uts_name which, user_addr_t name, s32 len)
{
	u8 raw[UTS_NAME_MAX];
	struct uts_namespace *u = own_uts();
	if (!cred_has_capability(thread_cred(), u->base.owner, CAP_SYS_ADMIN))
		return -EPERM;
	if (len < 0 || len > (s32)UTS_NAME_MAX)
		return -EINVAL;
	err_t err = user_copy_in(span_first(array_span(raw), (usize)len), name);
	return err ? err : uts_name_set(u, which, bytes_first(array_bytes(raw), (usize)len));
}

s64 sys_sethostname(user_addr_t name, s32 len)
{
	return set_name(UTS_HOST_NAME, name, len);
}

s64 sys_setdomainname(user_addr_t name, s32 len)
{
	return set_name(UTS_DOMAIN_NAME, name, len);
}

// --- the machine ----------------------------------------------------------------------------------

struct sysinfo_layout {
	s64 uptime;
	u64 loads[3], total_ram, free_ram, shared_ram, buffer_ram, total_swap, free_swap;
	u16 processes, pad;
	u32 pad2;
	u64 total_high, free_high;
	u32 unit, pad3;
};
_Static_assert(sizeof(struct sysinfo_layout) == 112, "struct sysinfo");

static u16 count_processes(void)
{
	u32 count = pid_namespace_count(thread_pid_namespace());
	return (u16)min(count, 65535u);
}

s64 sys_sysinfo(user_addr_t info)
{
	struct memory_totals m = memory_read_totals();
	struct pagecache_totals files = pagecache_read_totals();
	struct sysinfo_layout raw = {
		.uptime = (s64)(clock_monotonic_ns() / NS_PER_SECOND),
		.total_ram = m.total_pages * PAGE_SIZE,
		.free_ram = m.free_pages * PAGE_SIZE,
		.shared_ram = files.shmem_pages * PAGE_SIZE,
		.processes = count_processes(),
		.unit = 1,
	};
	return user_copy_out_object(info, &raw);
}

s64 sys_getcpu(user_addr_t cpu, user_addr_t node, user_addr_t cache)
{
	err_t err = OK;
	if (!user_is_null(cpu))
		err = user_write_u32(cpu, task_cpu(task_current()));
	if (!err && !user_is_null(node))
		err = user_write_u32(node, 0);
	return err;
}

// --- random numbers ---------------------------------------------------------------------------------

#define GRND_NONBLOCK 1u
#define GRND_RANDOM 2u
#define GRND_INSECURE 4u

s64 sys_getrandom(user_addr_t buf, u64 count, u32 flags)
{
	u8 room[256];
	u64 done = 0;
	if ((flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) || (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	count = min(count, (u64)S32_MAX);
	while (!random_is_ready() && !(flags & GRND_INSECURE)) {
		if (flags & GRND_NONBLOCK)
			return -EAGAIN;
		err_t err = task_sleep_until(clock_monotonic_ns() + 10 * NS_PER_MS, WAIT_INTERRUPTIBLE);
		if (err && err != (err_t)-ETIMEDOUT)
			return err;
	}
	while (done < count) {
		usize part = min(count - done, sizeof(room));
		random_fill(span_first(array_span(room), part));
		if (user_copy_out(user_offset(buf, done), bytes_first(array_bytes(room), part)))
			return done ? (s64)done : -EFAULT;
		done += part;
		if (signal_is_pending())
			break;
	}
	return (s64)done;
}

// --- the kernel's log ---------------------------------------------------------------------------------

enum { LOG_CLOSE, LOG_OPEN, LOG_READ, LOG_READ_ALL, LOG_READ_CLEAR, LOG_CLEAR, LOG_CONSOLE_OFF, LOG_CONSOLE_ON, LOG_CONSOLE_LEVEL,
	LOG_SIZE_UNREAD, LOG_SIZE_BUFFER };
#define LOG_BYTES (1u << 18)
#define CONSOLE_LEVEL_DEFAULT 7u

static struct atomic_u64 cleared;	// position before which READ_ALL shows nothing

// Copies records from *position on; how many bytes.
static s64 copy_log(u64 *position borrowed, user_addr_t to, usize length)
{
	struct buf *room buf_auto = buf_alloc(4096);
	usize done = 0;
	if (!room)
		return -ENOMEM;
	while (done < length) {
		u64 before = *position;
		usize n = log_read(position, buf_span(room));
		if (!n)
			break;
		if (n > length - done) {
			*position = before;
			break;
		}
		err_t err = user_copy_out(user_offset(to, done), bytes_first(buf_bytes(room), n));
		if (err)
			return err;
		done += n;
	}
	return (s64)done;
}

static s64 read_all(user_addr_t buf, s32 len)
{
	if (len < 0 || user_is_null(buf))
		return -EINVAL;
	u64 position = max(log_first_position(), atomic_u64_load(&cleared));
	return copy_log(&position, buf, (usize)len);
}

static s64 set_console_level(s32 level)
{
	if (level < 1 || level > 8)
		return -EINVAL;
	log_set_console_level((u32)level - 1);
	return 0;
}

s64 sys_syslog(s32 type, user_addr_t buf, s32 len)
{
	bool is_reading = type == LOG_READ_ALL || type == LOG_SIZE_BUFFER;
	if (!is_reading && !cred_has_capability(thread_cred(), user_namespace_initial(), CAP_SYSLOG))
		return -EPERM;
	switch (type) {
	case LOG_CLOSE:
	case LOG_OPEN:
		return 0;
	case LOG_READ_ALL:
		return read_all(buf, len);
	case LOG_READ_CLEAR: {
		s64 n = read_all(buf, len);
		atomic_u64_store(&cleared, log_end_position());
		return n;
	}
	case LOG_CLEAR:
		atomic_u64_store(&cleared, log_end_position());
		return 0;
	case LOG_CONSOLE_OFF:
		return set_console_level(1);
	case LOG_CONSOLE_ON:
		return set_console_level(CONSOLE_LEVEL_DEFAULT + 1);
	case LOG_CONSOLE_LEVEL:
		return set_console_level(len);
	case LOG_SIZE_BUFFER:
		return LOG_BYTES;
	default:
		return -EINVAL;
	}
}

// --- power ----------------------------------------------------------------------------------------------

#define MAGIC1 0xfee1deadu
enum reboot_command : u32 {
	REBOOT_RESTART = 0x01234567, REBOOT_HALT = 0xcdef0123, REBOOT_CAD_ON = 0x89abcdef, REBOOT_CAD_OFF = 0,
	REBOOT_POWER_OFF = 0x4321fedc, REBOOT_RESTART2 = 0xa1b2c3d4
};

static bool is_magic2(u32 magic)
{
	return magic == 0x28121969 || magic == 0x05121996 || magic == 0x16041998 || magic == 0x20112000;
}

// In a container: its init ends as if by a signal, and whoever waits for it learns what was asked.
static s64 reboot_namespace(u32 command)
{
	struct process *init object_auto(process) = pid_namespace_init_process(thread_pid_namespace());
	if (command != REBOOT_RESTART && command != REBOOT_RESTART2 && command != REBOOT_HALT && command != REBOOT_POWER_OFF)
		return -EINVAL;
	bool restart = command == REBOOT_RESTART || command == REBOOT_RESTART2;
	if (init)
		signal_exit_process(init, restart ? SIGHUP : SIGINT);
	return 0;
}

s64 sys_reboot(u32 magic, u32 magic2, u32 cmd, user_addr_t arg)
{
	struct namespace *ns = pid_namespace_base(thread_pid_namespace());
	if (!cred_has_capability(thread_cred(), ns->owner, CAP_SYS_BOOT))
		return -EPERM;
	if (magic != MAGIC1 || !is_magic2(magic2))
		return -EINVAL;
	if (thread_pid_namespace() != pid_namespace_initial())
		return reboot_namespace(cmd);
	switch (cmd) {
	case REBOOT_RESTART:
	case REBOOT_RESTART2:
		log_info("restarting system");
		machine_reboot();
	case REBOOT_HALT:
		log_info("system halted");
		machine_halt();
	case REBOOT_POWER_OFF:
		log_info("power down");
		machine_power_off();
	case REBOOT_CAD_ON:
	case REBOOT_CAD_OFF:
		return 0;	// there is no keyboard whose keys could ask for it
	default:
		return -EINVAL;
	}
}

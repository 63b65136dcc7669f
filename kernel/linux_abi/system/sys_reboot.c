// SPDX-License-Identifier: MPL-2.0
// source: reboot(2)
#include <generated/syscall_prototypes.h>
#include <core/boot.h>
#include <core/print.h>
#include <services/cred/user_namespace.h>
#include <services/process/process_signal.h>

#define MAGIC 0xfee1deadu
#define COMMAND_RESTART 0x01234567u
#define COMMAND_HALT 0xcdef0123u
#define COMMAND_CAD_ON 0x89abcdefu
#define COMMAND_CAD_OFF 0u
#define COMMAND_POWER_OFF 0x4321fedcu
#define COMMAND_RESTART2 0xa1b2c3d4u

static bool is_second_magic(u32 magic)
{
	return magic == 672274793 || magic == 85072278 || magic == 369367448 || magic == 537993216;
}

// In a container its first process ends as if by a signal, which tells whoever waits for it what was asked.
static s64 reboot_namespace(u32 cmd)
{
	bool restart = cmd == COMMAND_RESTART || cmd == COMMAND_RESTART2;
	if (!restart && cmd != COMMAND_HALT && cmd != COMMAND_POWER_OFF)
		return -EINVAL;
	struct process *init object_auto(process) = pid_namespace_init_process(thread_pid_namespace());
	if (init)
		signal_exit_process(init, restart ? SIGHUP : SIGINT);
	return 0;
}

s64 sys_reboot(u32 magic, u32 magic2, u32 cmd, user_addr_t arg)
{
	if (!cred_has_capability(thread_cred(), pid_namespace_base(thread_pid_namespace())->owner, CAP_SYS_BOOT))
		return -EPERM;
	if (magic != MAGIC || !is_second_magic(magic2))
		return -EINVAL;
	if (thread_pid_namespace() != pid_namespace_initial())
		return reboot_namespace(cmd);
	switch (cmd) {
	case COMMAND_RESTART:
	case COMMAND_RESTART2:
		log_print(LOG_EMERGENCY, "reboot: restarting the machine");
		machine_reboot();
	case COMMAND_POWER_OFF:
		log_print(LOG_EMERGENCY, "reboot: power off");
		machine_power_off();
	case COMMAND_HALT:
		log_print(LOG_EMERGENCY, "reboot: system halted");
		machine_halt();
	case COMMAND_CAD_ON:
	case COMMAND_CAD_OFF:
		return 0; // there is no keyboard whose Ctrl-Alt-Del could be heeded
	default:
		return -EINVAL;
	}
}

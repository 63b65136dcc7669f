// SPDX-License-Identifier: MPL-2.0
// /dev/console and /dev/tty: two names that lead to other terminals.
#include <core/boot.h>
#include <core/print.h>
#include <services/device/device.h>
#include <services/tty/tty.h>

#define TTY_AUXILIARY_MAJOR 5u

static struct synchronised console {
	struct mutex lock;
	struct tty *tty GUARDED_BY(lock);	// reference, kept for ever
	u32 is_named GUARDED_BY(lock);		// by console= on the command line
} console = { .lock = MUTEX_INIT(RANK_SLEEPING_LEAF) };

// console=ttyS0,115200 names ttyS0.
static bool is_named_console(bytes_t name)
{
	bytes_t value = bytes_empty();

	if (!boot_option(STR("console"), &value))
		return false;
	return bytes_equal(bytes_first(value, bytes_find(value, ',')), name);
}

void tty_console_offer(struct tty *t, bytes_t name)
{
	struct tty *old object_auto(tty) = NULL;
	bool named = is_named_console(name);

	mutex_guard(&console.lock);
	if (console.tty && (!named || console.is_named))
		return;
	old = take(console.tty);
	console.tty = tty_get(t);
	console.is_named = named;
}

struct tty *tty_console(void)
{
	mutex_guard(&console.lock);
	return console.tty ? tty_get(console.tty) : NULL;
}

static err_t console_open(struct device *d, struct file *f)
{
	struct tty *t object_auto(tty) = tty_console();

	// Opening the console never makes it the controlling terminal.
	atomic_u32_or(&f->flags, OPEN_NO_CTTY);
	return t ? tty_open(t, f) : (err_t)-ENODEV;
}

static err_t current_open(struct device *d, struct file *f)
{
	struct tty *t object_auto(tty) = tty_controlling();

	return t ? tty_open(t, f) : (err_t)-ENXIO;
}

// The leader of a session has exited: its terminal serves nobody until the next leader opens it.
static void leader_exited(struct session *s, struct object *terminal)
{
	tty_disassociate(tty_of_object(terminal));
}

err_t tty_service_init(void)
{
	err_t err =
		device_register_char(STR("tty"), STR("tty"), TTY_AUXILIARY_MAJOR, 0, 0666, &tty_file_ops, current_open);

	if (err)
		return err;
	session_set_leader_exit_hook(leader_exited);
	return device_register_char(
		STR("console"), STR("tty"), TTY_AUXILIARY_MAJOR, 1, 0600, &tty_file_ops, console_open);
}

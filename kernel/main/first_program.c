// SPDX-License-Identifier: MPL-2.0
// source: Linux's kernel parameters init=, rdinit=; bootparam(7); initrd(4)
#include <core/boot.h>
#include <main/first_program.h>
#include <main/step.h>
#include <services/exec/exec.h>
#include <services/fs/initramfs/initramfs.h>
#include <services/process/thread.h>
#include <services/vfs/entry.h>
#include <services/vfs/file_table.h>
#include <services/vfs/fs_context.h>
#include <services/vfs/mount_namespace.h>
#include <services/vfs/stat.h>

#define CONSOLE_DEVICE device_number(5, 1)
#define STRINGS_LIMIT (128u << 10)

static struct fs_context *root_context(void) owned;
static struct fs_context *root_context(void)
{
	struct path root path_auto = path_none();
	mount_namespace_root(mount_namespace_initial(), &root);
	return fs_context_create(&root);
}

// What is there even without an initramfs: a folder for devices with the console.
static err_t make_console(struct fs_context *fs)
{
	struct lookup_context c = { .cred = cred_initial(), .fs = fs, .start = path_none(), .flags = LOOKUP_FOLLOW };
	err_t err = entry_make_directory(&c, STR("/dev"), 0755);
	if (!err || err == (err_t)-EEXIST)
		err = entry_make_node(&c, STR("/dev/console"), S_IFCHR | 0600, CONSOLE_DEVICE);
	if (!err || err == (err_t)-EEXIST)
		err = entry_make_directory(&c, STR("/root"), 0700);
	return err == (err_t)-EEXIST ? OK : err;
}

void first_files(void)
{
	struct fs_context *fs object_auto(fs_context) = root_context();
	step(STR("root context"), fs ? OK : -ENOMEM);
	step(STR("/dev/console"), make_console(fs));
	err_t err = initramfs_unpack();
	if (err && err != (err_t)-ENOENT)
		log_error("initramfs: error %d\n", -(s32)err);
}

static void open_console(struct thread *self)
{
	struct lookup_context c = { .cred = self->cred, .fs = self->fs, .start = path_none(), .flags = LOOKUP_FOLLOW };
	struct file *console object_auto(file) = NULL;
	err_t err = file_open(&c, STR("/dev/console"), 2, 0, &console);
	if (err) {
		log_warning("cannot open an initial console: error %d", -(s32)err);
		return;
	}
	for (u32 fd = 0; fd < 3; fd++) {
		ssize_r added = file_table_add(self->files, file_get(console), 1024, 0);
		(void)added; // the table is empty: the numbers are 0, 1, 2
	}
}

// Words of the command line that the kernel does not know go to init; here only its name and a terminal.
static err_t run(struct thread *self, bytes_t path)
{
	struct lookup_context c = { .cred = self->cred, .fs = self->fs, .start = path_none(), .flags = LOOKUP_FOLLOW };
	struct file *f object_auto(file) = NULL;
	err_t err = exec_open(&c, path, &f);
	if (err)
		return err;
	struct exec_strings *strings object_auto(exec_strings) = exec_strings_create(STRINGS_LIMIT);
	if (!strings)
		return -ENOMEM;
	err = exec_strings_add(strings, EXEC_ARGUMENT, path);
	if (!err)
		err = exec_strings_add(strings, EXEC_ENVIRONMENT, STR("HOME=/"));
	if (!err)
		err = exec_strings_add(strings, EXEC_ENVIRONMENT, STR("TERM=linux"));
	if (err)
		return err;
	struct exec_request r = { .file = f, .path = path, .strings = strings };
	return exec_program(&r);
}

static bool try_run(struct thread *self, bytes_t path)
{
	err_t err = run(self, path);
	if (!err) {
		log_text(LOG_INFO, "init", path);
		return true;
	}
	if (err != (err_t)-ENOENT)
		log_text(LOG_ERROR, "cannot run", path);
	return false;
}

void first_program(struct thread *self)
{
	bytes_t named = bytes_empty();
	open_console(self);
	if (boot_option(STR("rdinit"), &named) && try_run(self, named))
		return;
	if (try_run(self, STR("/init")))
		return;
	if (boot_option(STR("init"), &named)) {
		if (try_run(self, named))
			return;
		panic("the init= program cannot be run");
	}
	if (try_run(self, STR("/sbin/init")) || try_run(self, STR("/etc/init")) || try_run(self, STR("/bin/init")) ||
	    try_run(self, STR("/bin/sh")))
		return;
	panic("no init found: give init= or an initramfs with /init");
}

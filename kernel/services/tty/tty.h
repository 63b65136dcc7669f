// SPDX-License-Identifier: MPL-2.0
// A terminal: a line discipline between a device (serial port, pty master) and open files. Base type:
// devices derive from it and give tty_ops. Input is handed to tty_receive() in task context.
// Locks: `lock` (rank TTY) guards everything but the wait queues. Signals are sent after it is
// released, because the process tree's lock comes first in the order.
#pragma once
#include <services/process/process_tree.h>
#include <services/tty/line_discipline.h>
#include <services/vfs/file.h>

struct tty;
struct tty_ops {
	// Takes bytes for the screen; returns how many. Never sleeps; called with the tty's lock.
	usize (*write)(struct tty *t, bytes_t bytes);
	// Bytes that write() would take now.
	usize (*write_room)(struct tty *t);
	// The reader made room for input again. May be NULL.
	void (*input_room)(struct tty *t);
	// The first file was opened / the last one closed. May be NULL. Called with the tty's lock.
	void (*opened)(struct tty *t);
	void (*closed)(struct tty *t);
	// The settings changed. May be NULL. Called with the tty's lock.
	void (*settings_changed)(struct tty *t);
	// Queues were flushed, output stopped or restarted (TTY_EVENT_*). May be NULL.
	void (*control_event)(struct tty *t, u32 events);
};
struct tty {
	struct object object;
	const struct tty_ops *ops;		// immutable
	u64 device;				// immutable
	struct mutex lock;
	struct line_discipline line GUARDED_BY(lock);
	struct window_size window GUARDED_BY(lock);
	struct session *session GUARDED_BY(lock);	// reference; whose controlling terminal it is
	struct process_group *foreground GUARDED_BY(lock);	// reference
	struct buf *echo GUARDED_BY(lock);	// scratch for what one input byte puts on the screen
	u32 open_count GUARDED_BY(lock);
	u64 hang_ups GUARDED_BY(lock);	// how many; see tty_is_hung_up
	u32 is_exclusive GUARDED_BY(lock);
	struct wait_queue read_event;
	struct wait_queue write_event;
};
// Numbers of packet mode (TIOCPKT_*).
enum tty_event { TTY_EVENT_FLUSH_READ = 1, TTY_EVENT_FLUSH_WRITE = 2, TTY_EVENT_STOP = 4, TTY_EVENT_START = 8,
	TTY_EVENT_NO_STOP = 16, TTY_EVENT_DO_STOP = 32 };
DECLARE_OBJECT(tty)
// A reference to a terminal of any kind: what an open file (private_object) and a session hold.
struct tty_handle {
	struct object object;
	struct tty *tty;	// reference; immutable
};
DECLARE_OBJECT(tty_handle)
struct tty_handle *tty_handle_create(struct tty *t) owned;
struct tty *tty_of_object(struct object *handle);	// borrowed from the handle
// Fills the base of a derived terminal. -ENOMEM
err_t tty_init(struct tty *t borrowed, const struct tty_ops *ops, u64 device);
void tty_fini(struct tty *t borrowed);

// Bytes from the device; returns how many were taken (fewer when the buffer is full in a way that the
// device should wait). => may sleep; sends signals
usize tty_receive(struct tty *t, bytes_t input);
// The device can take output again.
void tty_wake_writers(struct tty *t);
// Tells the device of a TTY_EVENT_*, if it wants to know.
void tty_tell(struct tty *t, u32 events);
// For all files that are open on it now the line is gone: readers see the end, writers -EIO, the session gets SIGHUP
// and SIGCONT. Who opens it again has a line.
void tty_hang_up(struct tty *t);
// Was there a hang-up since f was opened (its private_value is the count then)?
bool tty_is_hung_up(const struct tty *t borrowed, const struct file *f borrowed) REQUIRES(t->lock);

// Opens a file on the terminal: `f` is the file being opened on its device node. Makes it the
// controlling terminal of a session leader without one unless OPEN_NO_CTTY.
err_t tty_open(struct tty *t, struct file *f);
extern const struct file_ops tty_file_ops;
// The open file's terminal, borrowed from the file. f must be open on one.
struct tty *tty_of_file(struct file *f);
ssize_r tty_control(struct tty *t, struct file *f, struct file_control *c borrowed);

// --- job control (tty_job.c) ---------------------------------------------------------------------
enum tty_access { TTY_ACCESS_READ, TTY_ACCESS_WRITE, TTY_ACCESS_CHANGE };
// May the caller touch it now? OK; -ERESTARTSYS after SIGTTIN/SIGTTOU was sent to its group; -EIO.
err_t tty_check_access(struct tty *t, enum tty_access access);
struct pid *tty_foreground_pid(struct tty *t) owned;	// of the foreground group, or NULL
void tty_signal_foreground(struct tty *t, u32 signal);
// The ioctls of job control; -ENOTTY when it is none of them.
ssize_r tty_job_control(struct tty *t, struct file *f, struct file_control *c borrowed);
// Makes t the controlling terminal of the caller's session where open(2) does so.
void tty_take_if_leader(struct tty *t, struct file *f);
// Sends SIGHUP and SIGCONT to the session's leader and the foreground group; both are forgotten.
void tty_disassociate(struct tty *t);
// The calling process's controlling terminal: a reference or NULL.
struct tty *tty_controlling(void) owned;

// --- the console (tty_console.c) -----------------------------------------------------------------
// The terminal behind /dev/console: the last one named by console= that exists, else the first offered.
void tty_console_offer(struct tty *t, bytes_t name);
struct tty *tty_console(void) owned;	// NULL before any
// Registers /dev/tty and /dev/console.
err_t tty_service_init(void);

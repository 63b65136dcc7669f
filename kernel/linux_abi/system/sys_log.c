// SPDX-License-Identifier: MPL-2.0
// The kernel log. source: syslog(2)
#include <generated/syscall_prototypes.h>
#include <core/atomic.h>
#include <core/buf.h>
#include <core/iobuf.h>
#include <core/print.h>
#include <services/cred/user_namespace.h>
#include <services/device/log_reader.h>
#include <services/process/thread.h>

enum log_action {
	ACTION_CLOSE, ACTION_OPEN, ACTION_READ, ACTION_READ_ALL, ACTION_READ_CLEAR, ACTION_CLEAR, ACTION_CONSOLE_OFF,
	ACTION_CONSOLE_ON, ACTION_CONSOLE_LEVEL, ACTION_SIZE_UNREAD, ACTION_SIZE_BUFFER
};
#define BUFFER_SIZE 131072
#define LEVEL_MIN 1
#define LEVEL_MAX 8
#define LEVEL_QUIET 1		// only emergencies, as Linux's "console off"

static struct atomic_u64 clear_position;	// READ_ALL begins here after CLEAR
static struct atomic_u32 console_level = ATOMIC_INIT(7), saved_level;

static void set_console_level(u32 level)
{
	atomic_u32_store(&console_level, level);
	log_set_console_level(level - 1); // Linux: messages below the level are shown
}

// The bytes of all records from `position` on.
static u64 text_size(u64 position, span_t line)
{
	u64 total = 0;

	for (usize n = log_read(&position, line); n; n = log_read(&position, line))
		total += n;
	return total;
}

// The last `length` bytes' worth of whole records.
static s64 read_all(user_addr_t to, u64 length, span_t line)
{
	u64 position = max(log_first_position(), atomic_u64_load(&clear_position));
	u64 total = text_size(position, line), done = 0;

	for (usize n = log_read(&position, line); n; n = log_read(&position, line)) {
		if (total > length) {
			total -= n;
			continue;
		}
		if (n > length - done)
			break; // the log has grown meanwhile
		err_t e = user_copy_out(user_offset(to, done), bytes_first(bytes_of(line), n));

		if (e)
			return e;
		done += n;
	}
	return (s64)done;
}

static s64 read_new(user_addr_t to, u64 length)
{
	struct iobuf data = iobuf_user(to, length);

	return log_reader_read(&data, LOG_READER_WAITS);
}

static s64 act(s32 type, user_addr_t buf, s32 length, span_t line)
{
	u32 level = 0;

	switch (type) {
	case ACTION_CLOSE:
	case ACTION_OPEN:
		return 0;
	case ACTION_READ:
		return length ? read_new(buf, (u64)length) : 0;
	case ACTION_READ_ALL:
		return read_all(buf, (u64)length, line);
	case ACTION_READ_CLEAR: {
		s64 n = read_all(buf, (u64)length, line);

		if (n >= 0)
			atomic_u64_store(&clear_position, log_end_position());
		return n;
	}
	case ACTION_CLEAR:
		atomic_u64_store(&clear_position, log_end_position());
		return 0;
	case ACTION_CONSOLE_OFF:
		level = atomic_u32_load(&console_level);
		if (level != LEVEL_QUIET)
			atomic_u32_store(&saved_level, level);
		set_console_level(LEVEL_QUIET);
		return 0;
	case ACTION_CONSOLE_ON:
		level = atomic_u32_exchange(&saved_level, 0);
		if (level)
			set_console_level(level);
		return 0;
	case ACTION_CONSOLE_LEVEL:
		if (length < LEVEL_MIN || length > LEVEL_MAX)
			return -EINVAL;
		set_console_level((u32)length);
		return 0;
	case ACTION_SIZE_UNREAD:
		return (s64)log_reader_unread(line);
	case ACTION_SIZE_BUFFER:
		return BUFFER_SIZE;
	default:
		return -EINVAL;
	}
}

// The log is the machine's: a container's own capabilities do not count.
static bool may_read_log(void)
{
	struct user_namespace *machine = user_namespace_initial();

	return cred_has_capability(thread_cred(), machine, CAP_SYSLOG) ||
	       cred_has_capability(thread_cred(), machine, CAP_SYS_ADMIN);
}

s64 sys_syslog(s32 type, user_addr_t buf, s32 len)
{
	bool is_public = type == ACTION_READ_ALL || type == ACTION_SIZE_BUFFER;
	bool reads = type == ACTION_READ || type == ACTION_READ_ALL || type == ACTION_READ_CLEAR;

	if (!is_public && !may_read_log())
		return -EPERM;
	if (reads && (user_is_null(buf) || len < 0))
		return -EINVAL;
	struct buf *line buf_auto = buf_alloc(LOG_RECORD_TEXT_MAX);

	return line ? act(type, buf, len, buf_span(line)) : -ENOMEM;
}

// SPDX-License-Identifier: MPL-2.0
#include "power_button.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	DEVICES_TRIED = 32,
	EVENT_KEY = 1,
	KEY_POWER_CODE = 116,
	KEY_BITS_BYTES = 96,		// 768 keys
};

// An event as the kernel hands it out on 64-bit machines.
struct input_packet {
	int64_t seconds, microseconds;
	uint16_t type, code;
	int32_t value;
};

static int buttons[POWER_BUTTON_MAX];
static size_t buttons_count;

static int has_power_key(int fd)
{
	unsigned char keys[KEY_BITS_BYTES] = {0};

	// EVIOCGBIT(EV_KEY): which keys the device has, one bit each.
	if (ioctl(fd, _IOC(_IOC_READ, 'E', 0x20 + EVENT_KEY, sizeof(keys)), keys) < 0)
		return 0;
	return (keys[KEY_POWER_CODE / 8] >> KEY_POWER_CODE % 8 & 1) != 0;
}

void power_button_open(void)
{
	for (int number = 0; number < DEVICES_TRIED && buttons_count < POWER_BUTTON_MAX; number++) {
		char path[32];
		int fd;

		snprintf(path, sizeof(path), "/dev/input/event%d", number);
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0)
			continue;
		if (has_power_key(fd))
			buttons[buttons_count++] = fd;
		else
			close(fd);
	}
}

size_t power_button_poll_fds(struct pollfd *polled, size_t max)
{
	size_t count = 0;

	while (count < buttons_count && count < max) {
		polled[count] = (struct pollfd){.fd = buttons[count], .events = POLLIN};
		count++;
	}
	return count;
}

// A device that is gone would be readable for ever.
static void forget(int fd)
{
	for (size_t i = 0; i < buttons_count; i++) {
		if (buttons[i] == fd)
			buttons[i] = buttons[--buttons_count];
	}
	close(fd);
}

int power_button_heard(const struct pollfd *polled, size_t count)
{
	int pressed = 0;

	for (size_t i = 0; i < count; i++) {
		struct input_packet packet;
		ssize_t got;

		if (polled[i].revents == 0)
			continue;
		while ((got = read(polled[i].fd, &packet, sizeof(packet))) == sizeof(packet)) {
			if (packet.type == EVENT_KEY && packet.code == KEY_POWER_CODE &&
			    packet.value == 1)
				pressed = 1;
		}
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			forget(polled[i].fd);
	}
	return pressed;
}

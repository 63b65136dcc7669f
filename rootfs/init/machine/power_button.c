// SPDX-License-Identifier: MPL-2.0
#include "power_button.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../events.h"

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

static struct event_source buttons[POWER_BUTTON_MAX];
static size_t buttons_count;
static void (*tell)(void);

static int has_power_key(int fd)
{
	unsigned char keys[KEY_BITS_BYTES] = {0};

	// EVIOCGBIT(EV_KEY): which keys the device has, one bit each.
	if (ioctl(fd, _IOC(_IOC_READ, 'E', 0x20 + EVENT_KEY, sizeof(keys)), keys) < 0)
		return 0;
	return (keys[KEY_POWER_CODE / 8] >> KEY_POWER_CODE % 8 & 1) != 0;
}

// A device that is gone would be readable for ever.
static void heard(struct event_source *button)
{
	struct input_packet packet;
	ssize_t got;

	while ((got = read(button->fd, &packet, sizeof(packet))) == sizeof(packet)) {
		if (packet.type == EVENT_KEY && packet.code == KEY_POWER_CODE && packet.value == 1)
			tell();
	}
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		events_close(button);
}

void power_button_open(void (*pressed)(void))
{
	tell = pressed;
	for (int number = 0; number < DEVICES_TRIED && buttons_count < POWER_BUTTON_MAX; number++) {
		char path[32];
		int fd;

		snprintf(path, sizeof(path), "/dev/input/event%d", number);
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0)
			continue;
		buttons[buttons_count] = (struct event_source){fd, heard, NULL};
		if (has_power_key(fd) && events_add(&buttons[buttons_count]) == 0)
			buttons_count++;
		else
			close(fd);
	}
}

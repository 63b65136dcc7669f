// SPDX-License-Identifier: MPL-2.0
// Terminal settings: flags, control characters and ioctl numbers (source: termios(3), ioctl_tty(2)).
#pragma once
#include <core/types.h>

// Layout of struct termios2 as TCGETS2 copies it; TCGETS copies the part before the speeds.
struct termios {
	u32 input, output, control, local;
	u8 line;
	u8 cc[19];
	u32 input_speed, output_speed;
};
#define TERMIOS_BYTES 36u
#define TERMIO_BYTES 18u

enum {
	VINTR,
	VQUIT,
	VERASE,
	VKILL,
	VEOF,
	VTIME,
	VMIN,
	VSWTC,
	VSTART,
	VSTOP,
	VSUSP,
	VEOL,
	VREPRINT,
	VDISCARD,
	VWERASE,
	VLNEXT,
	VEOL2
};
enum termios_input {
	IGNBRK = 1,
	BRKINT = 2,
	IGNPAR = 4,
	PARMRK = 010,
	INPCK = 020,
	ISTRIP = 040,
	INLCR = 0100,
	IGNCR = 0200,
	ICRNL = 0400,
	IUCLC = 01000,
	IXON = 02000,
	IXANY = 04000,
	IXOFF = 010000,
	IMAXBEL = 020000,
	IUTF8 = 040000
};
enum termios_output { OPOST = 1, OLCUC = 2, ONLCR = 4, OCRNL = 010, ONOCR = 020, ONLRET = 040, XTABS = 014000 };
enum termios_control { CS8 = 060, CREAD = 0200, HUPCL = 02000, CLOCAL = 04000, B38400 = 017, B115200 = 0010002 };
enum termios_local {
	ISIG = 1,
	ICANON = 2,
	ECHO = 010,
	ECHOE = 020,
	ECHOK = 040,
	ECHONL = 0100,
	NOFLSH = 0200,
	TOSTOP = 0400,
	ECHOCTL = 01000,
	ECHOPRT = 02000,
	ECHOKE = 04000,
	FLUSHO = 010000,
	PENDIN = 040000,
	IEXTEN = 0100000
};

struct window_size {
	u16 rows, columns, x_pixels, y_pixels;
};

enum tty_ioctl {
	TCGETS = 0x5401,
	TCSETS,
	TCSETSW,
	TCSETSF,
	TCGETA,
	TCSETA,
	TCSETAW,
	TCSETAF,
	TCSBRK,
	TCXONC,
	TCFLSH,
	TIOCEXCL,
	TIOCNXCL,
	TIOCSCTTY,
	TIOCGPGRP,
	TIOCSPGRP,
	TIOCOUTQ,
	TIOCSTI,
	TIOCGWINSZ,
	TIOCSWINSZ,
	TIOCMGET,
	TIOCMBIS,
	TIOCMBIC,
	TIOCMSET,
	TIOCCONS = 0x541d,
	TIOCPKT = 0x5420,
	TIOCNOTTY = 0x5422,
	TIOCSETD,
	TIOCGETD,
	TCSBRKP,
	TIOCGSID = 0x5429,
	TCGETS2 = 0x802c542a,
	TCSETS2 = 0x402c542b,
	TCSETSW2,
	TCSETSF2,
	TIOCGPTN = 0x80045430,
	TIOCSPTLCK = 0x40045431,
	TIOCGDEV = 0x80045432,
	TIOCGPKT = 0x80045438,
	TIOCGPTLCK = 0x80045439,
	TIOCGEXCL = 0x80045440,
	TIOCGPTPEER = 0x5441,
	TIOCVHANGUP = 0x5437,
	TTY_FIONREAD = 0x541b
};
enum { TCIFLUSH, TCOFLUSH, TCIOFLUSH };
enum { TCOOFF, TCOON, TCIOFF, TCION };

// What a terminal begins with: canonical, echo, 38400 8N1 (115200 for the serial console's caller to set).
void termios_set_default(struct termios *t borrowed);

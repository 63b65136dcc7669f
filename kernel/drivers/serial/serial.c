// SPDX-License-Identifier: MPL-2.0
// The serial port as a terminal. An interrupt moves received bytes into a ring and schedules work; the
// work hands them to the line discipline, which may sleep and send signals. When the line takes no more, bytes
// stay in the ring, and when that is full, in the port: nothing that is pasted is lost. Output is written directly, a
// FIFO's worth whenever the transmitter is empty; a writer that finds it busy sleeps until the interrupt
// that it asks for says that it has become empty.
#include <core/device_memory.h>
#include <core/print.h>
#include <core/work.h>
#include <drivers/serial/serial.h>
#include <services/device/device.h>
#include <services/tty/tty.h>

#define SERIAL_IRQ_LINE 4u
#define SERIAL_RING 1024u
#define FIFO_BYTES 16u
#define TRANSMIT_SPINS 100000u
enum serial_register {
	REGISTER_DATA,
	REGISTER_INTERRUPT_ENABLE,
	REGISTER_FIFO,
	REGISTER_LINE_CONTROL,
	REGISTER_MODEM_CONTROL,
	REGISTER_LINE_STATUS
};
enum { INTERRUPT_RECEIVE = 1, INTERRUPT_TRANSMIT = 2 };
enum { STATUS_DATA_READY = 1, STATUS_TRANSMIT_EMPTY = 0x20 };

struct serial_tty {
	struct tty base;
	struct register_window *window;	// reference; immutable
	struct serial_work *work;	// reference; immutable
	struct spinlock port_lock;
	u32 head GUARDED_BY(port_lock);
	u32 tail GUARDED_BY(port_lock);
	u32 writer_waits GUARDED_BY(port_lock);
	u32 input_stopped GUARDED_BY(port_lock);	// the ring was full
	u8 ring[SERIAL_RING] GUARDED_BY(port_lock);
};
struct serial_work {
	struct work base;
	struct serial_tty *port;	// borrowed: the port is never released
};
struct serial_irq {
	struct irq_action base;
	struct serial_tty *port;	// likewise
};

static exclusive_access void serial_tty_release(struct serial_tty *s)
{
	tty_fini(&s->base);
	register_window_put(take(s->window));
}
DEFINE_DERIVED(serial_tty, tty, serial_tty_release)
static void serial_work_release(struct serial_work *w) { }
DEFINE_DERIVED(serial_work, work, serial_work_release)
static void serial_irq_release(struct serial_irq *a) { }
DEFINE_DERIVED(serial_irq, irq_action, serial_irq_release)

// Asks for the interrupts that somebody waits for.
static void interrupts_enable(struct serial_tty *const s) REQUIRES(s->port_lock)
{
	register_write_u8(s->window, REGISTER_INTERRUPT_ENABLE,
		(s->input_stopped ? 0 : INTERRUPT_RECEIVE) | (s->writer_waits ? INTERRUPT_TRANSMIT : 0));
}

static bool transmitter_wait(struct serial_tty *s)
{
	for (u32 i = 0; i < TRANSMIT_SPINS; i++)
		if (register_read_u8(s->window, REGISTER_LINE_STATUS) & STATUS_TRANSMIT_EMPTY)
			return true;
	return false;
}

static usize serial_write(struct tty *t, bytes_t bytes)
{
	struct serial_tty *s = serial_tty_from_tty(t);
	usize done = 0;

	while (done < bytes_len(bytes) && transmitter_wait(s)) {
		usize burst = min(bytes_len(bytes) - done, (usize)FIFO_BYTES);

		for (usize i = 0; i < burst; i++)
			register_write_u8(s->window, REGISTER_DATA, byte_at(bytes, done + i));
		done += burst;
	}
	return done;
}

// A FIFO's worth when the transmitter is empty. Otherwise none, and an interrupt will tell.
static usize serial_write_room(struct tty *t)
{
	struct serial_tty *s = serial_tty_from_tty(t);

	irq_guard(&s->port_lock);
	if (register_read_u8(s->window, REGISTER_LINE_STATUS) & STATUS_TRANSMIT_EMPTY)
		return FIFO_BYTES;
	s->writer_waits = 1;
	interrupts_enable(s);
	return 0;
}

static void serial_input_room(struct tty *t)
{
	work_schedule(&serial_tty_from_tty(t)->work->base);
}

static const struct tty_ops serial_tty_ops = {
	.write = serial_write, .write_room = serial_write_room, .input_room = serial_input_room,
};

// The transmitter is empty and somebody waits for it: no more of these interrupts, and the writers go on.
static bool transmit_interrupt(struct serial_tty *s)
{
	{
		irq_guard(&s->port_lock);
		if (!s->writer_waits || !(register_read_u8(s->window, REGISTER_LINE_STATUS) & STATUS_TRANSMIT_EMPTY))
			return false;
		s->writer_waits = 0;
		interrupts_enable(s);
	}
	tty_wake_writers(&s->base);
	return true;
}

static bool serial_interrupt(struct irq_action *action)
{
	struct serial_tty *s = serial_irq_from_irq_action(action)->port;
	bool any = transmit_interrupt(s), received = false;

	irq_guard(&s->port_lock);
	while (!s->input_stopped && (register_read_u8(s->window, REGISTER_LINE_STATUS) & STATUS_DATA_READY)) {
		received = true;
		if (s->head - s->tail == SERIAL_RING) {
			s->input_stopped = 1;
			interrupts_enable(s);
			break;
		}
		s->ring[s->head % SERIAL_RING] = register_read_u8(s->window, REGISTER_DATA);
		s->head++;
	}
	if (received)
		work_schedule(&s->work->base);
	return received || any;
}

// What has come so far, without taking it; 0 when the ring is empty.
static usize ring_peek(struct serial_tty *s, span_t out)
{
	usize n = 0;

	irq_guard(&s->port_lock);
	for (; n < span_len(out) && s->tail + (u32)n != s->head; n++)
		span_at(out, n) = s->ring[(s->tail + n) % SERIAL_RING];
	return n;
}

static void ring_drop(struct serial_tty *s, usize n)
{
	irq_guard(&s->port_lock);
	s->tail += (u32)n;
	if (s->input_stopped && n > 0) {
		s->input_stopped = 0;
		interrupts_enable(s);
	}
}

static void serial_receive(struct work *w)
{
	struct serial_tty *s = serial_work_from_work(w)->port;
	u8 batch[64] = { };
	usize n;

	while ((n = ring_peek(s, array_span(batch))) > 0) {
		usize taken = tty_receive(&s->base, bytes_first(array_bytes(batch), n));

		ring_drop(s, taken);
		if (taken < n)
			return;	// serial_input_room() goes on
	}
}

static void port_set_up(struct register_window *w borrowed)
{
	register_write_u8(w, REGISTER_INTERRUPT_ENABLE, 0);
	register_write_u8(w, REGISTER_LINE_CONTROL, 0x80);	// divisor latch: 115200
	register_write_u8(w, REGISTER_DATA, 1);
	register_write_u8(w, REGISTER_INTERRUPT_ENABLE, 0);
	register_write_u8(w, REGISTER_LINE_CONTROL, 0x03);	// 8 bits, no parity, 1 stop
	register_write_u8(w, REGISTER_FIFO, 0x07);		// on, cleared, trigger at 1 byte
	register_write_u8(w, REGISTER_MODEM_CONTROL, 0x0b);	// DTR, RTS, interrupt gate
}

#define SERIAL_MAJOR 4u
#define SERIAL_MINOR 64u
#define DEFAULT_ROWS 24u
#define DEFAULT_COLUMNS 80u

static struct synchronised serial_port {
	struct mutex lock;
	struct serial_tty *tty GUARDED_BY(lock);	// reference, kept for ever
} port = { .lock = MUTEX_INIT(RANK_SLEEPING_LEAF) };

static struct tty *port_tty(void) owned;
static struct tty *port_tty(void)
{
	mutex_guard(&port.lock);
	return tty_get(&port.tty->base);
}

static err_t serial_open(struct device *d, struct file *f)
{
	struct tty *t object_auto(tty) = port_tty();

	return tty_open(t, f);
}

static exclusive_access err_t serial_tty_set_up(struct serial_tty *s)
{
	err_t err = tty_init(&s->base, &serial_tty_ops, device_number(SERIAL_MAJOR, SERIAL_MINOR));

	if (err)
		return err;
	spin_init(&s->port_lock, RANK_EVENT_SOURCE);
	s->base.line.termios.control = B115200 | CS8 | CREAD | HUPCL | CLOCAL;
	s->base.line.termios.input_speed = s->base.line.termios.output_speed = 115200;
	s->base.window = (struct window_size){ .rows = DEFAULT_ROWS, .columns = DEFAULT_COLUMNS };
	return OK;
}

static err_t serial_attach_interrupt(struct serial_tty *s)
{
	struct serial_work *w object_auto(serial_work) = serial_work_alloc();
	struct serial_irq *irq object_auto(serial_irq) = serial_irq_alloc();
	err_t err;

	if (!w || !irq)
		return -ENOMEM;
	w->base.run = serial_receive;
	w->port = s;
	s->work = take(w);
	irq->base.handle = serial_interrupt;
	irq->port = s;
	err = irq_attach_line(&irq->base, SERIAL_IRQ_LINE);
	if (err)
		return err;
	register_write_u8(s->window, REGISTER_INTERRUPT_ENABLE, INTERRUPT_RECEIVE);
	return OK;
}

err_t serial_init(void)
{
	struct serial_tty *s object_auto(serial_tty) = serial_tty_alloc();
	struct register_window *w object_auto(register_window) = platform_window(STR("serial0"));
	err_t err;

	if (!w)
		return -ENODEV;
	if (!s)
		return -ENOMEM;
	err = serial_tty_set_up(s);
	if (err)
		return err;
	s->window = take(w);
	port_set_up(s->window);
	err = serial_attach_interrupt(s);
	if (err)
		return err;
	tty_console_offer(&s->base, STR("ttyS0"));
	{
		mutex_guard(&port.lock);
		port.tty = take(s);
	}
	return device_register_char(
		STR("ttyS0"), STR("tty"), SERIAL_MAJOR, SERIAL_MINOR, 0600, &tty_file_ops, serial_open);
}

// SPDX-License-Identifier: MPL-2.0
// Drivers and devices meet; the start-up dance of section 3.1 of the specification.
#include <core/print.h>
#include <drivers/virtio/virtio.h>

#define DRIVERS_MAX 12u

DEFINE_BASE(virtio_device)

struct driver_slot {
	const struct virtio_driver *driver;
};
static struct synchronised driver_registry {
	struct mutex lock;
	struct driver_slot slot[DRIVERS_MAX] GUARDED_BY(lock);
	u32 count GUARDED_BY(lock);
} drivers = { .lock = MUTEX_INIT(RANK_SLEEPING_LEAF) };

void virtio_driver_register(const struct virtio_driver *driver)
{
	mutex_guard(&drivers.lock);
	if (drivers.count == DRIVERS_MAX) {
		log_error("virtio: too many drivers");
		return;
	}
	drivers.slot[drivers.count].driver = driver;
	drivers.count++;
}

static const struct virtio_driver *driver_find(u32 kind)
{
	mutex_guard(&drivers.lock);
	for (u32 i = 0; i < drivers.count; i++)
		if (drivers.slot[i].driver->kind == kind)
			return drivers.slot[i].driver;
	return NULL;
}

err_t virtio_offer(struct virtio_device *d)
{
	const struct virtio_driver *driver = driver_find(d->kind);
	err_t err;

	if (!driver)
		return -ENODEV;
	err = driver->probe(d);
	if (err)
		d->transport->write_status(d, VIRTIO_FAILED);
	return err;
}

err_t virtio_negotiate(struct virtio_device *d, u64 wanted)
{
	const struct virtio_transport *t = d->transport;
	u64 offered;

	t->write_status(d, 0);
	t->write_status(d, VIRTIO_ACKNOWLEDGE);
	t->write_status(d, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	offered = t->read_features(d);
	if (d->is_legacy) {
		d->features = offered & wanted & U32_MAX;
		t->write_features(d, d->features);
		return OK;
	}
	if (!(offered >> VIRTIO_FEATURE_VERSION_1 & 1))
		return -ENODEV;
	d->features = offered & (wanted | 1ul << VIRTIO_FEATURE_VERSION_1);
	t->write_features(d, d->features);
	t->write_status(d, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
	return t->read_status(d) & VIRTIO_FEATURES_OK ? OK : (err_t)-ENODEV;
}

void virtio_start(struct virtio_device *d)
{
	d->transport->write_status(d, d->transport->read_status(d) | VIRTIO_DRIVER_OK);
}

u64 virtio_config_u64(struct virtio_device *d, u32 offset)
{
	return d->transport->read_config(d, offset, 4) | (u64)d->transport->read_config(d, offset + 4, 4) << 32;
}

// SPDX-License-Identifier: MPL-2.0
// GPT and MBR. Sectors are read through the disk's page cache; every number from the disk is checked
// against the disk's size before use, and a table that fails a check is reported and left alone.
#include <core/print.h>
#include <core/text.h>
#include <lib/crc32.h>
#include <services/block/partition.h>

#define GPT_ENTRY_SIZE 128u
#define GPT_ENTRIES_SECTOR (BLOCK_SECTOR / GPT_ENTRY_SIZE)
#define GPT_ENTRIES_MAX 128u
#define MBR_TYPE_EXTENDED 0x05
#define MBR_TYPE_EXTENDED_LBA 0x0f
#define MBR_TYPE_PROTECTIVE 0xee
#define MBR_LOGICAL_MAX 60u

struct partition_device {
	struct block_device base;
};
static exclusive_access void partition_device_release(struct partition_device *p)
{
	block_device_fini(&p->base);
}
DEFINE_DERIVED(partition_device, block_device, partition_device_release)

// One entry of a table, in sectors of the disk.
struct partition_entry {
	u32 number;
	u64 start, count;
	u8 uuid[16];
	u8 name[72];
	u32 name_length;
};

// The page of the disk's cache that holds a sector, and the sector in it.
static err_t sector_page(struct block_device *disk, u64 sector, struct page **out borrowed)
{
	if (sector >= disk->sector_count)
		return -EIO;
	return page_mapping_read_page(disk->pages, sector / (PAGE_SIZE / BLOCK_SECTOR), out);
}

#define sector_bytes(p, sector) \
	bytes_slice(page_bytes(p), (sector) % (PAGE_SIZE / BLOCK_SECTOR) * BLOCK_SECTOR, BLOCK_SECTOR)

static no_inline err_t partition_add(struct block_device *disk, const struct partition_entry *e borrowed)
{
	struct partition_device *p object_auto(partition_device) = partition_device_alloc();
	u8 name[24] = { };
	struct text t = text_to(array_span(name));
	err_t err;

	if (!p)
		return -ENOMEM;
	text_put(&t, bytes_first(array_bytes(disk->name), disk->name_length));
	text_printf(&t, "%u", e->number);
	err = block_device_init(&p->base, NULL, text_bytes(&t), disk->number + e->number, e->count, disk->flags);
	if (err)
		return err;
	p->base.disk = block_device_get(disk);
	p->base.start_sector = e->start;
	p->base.partition = e->number;
	span_copy(array_span(p->base.partition_uuid), array_bytes(e->uuid));
	span_copy(array_span(p->base.partition_name), array_bytes(e->name));
	p->base.partition_name_length = e->name_length;
	return block_device_register(&p->base);
}

static void partition_report(struct block_device *disk borrowed, const struct partition_entry *e borrowed, err_t err)
{
	if (err)
		log_text(LOG_ERROR, "block: a partition could not be set up on",
			bytes_first(array_bytes(disk->name), disk->name_length));
}

// Adds an entry whose numbers make sense; the others are reported and left out.
static no_inline void partition_offer(struct block_device *disk, const struct partition_entry *e borrowed)
{
	if (e->start == 0 || e->count == 0 || e->start >= disk->sector_count ||
		e->count > disk->sector_count - e->start) {
		log_error("block: partition %u is outside the disk: ignored", e->number);
		return;
	}
	partition_report(disk, e, partition_add(disk, e));
}

// --- GPT ---------------------------------------------------------------------------------------------
struct gpt_header {
	u64 entries_sector;
	u32 entry_count, entry_size, entries_crc;
};

static no_inline err_t gpt_read_header(struct block_device *disk, u64 sector, struct gpt_header *out borrowed)
{
	struct page *p page_auto = NULL;
	static const u8 zero[4];
	err_t err = sector_page(disk, sector, &p);

	if (err)
		return err;
	bytes_t b = sector_bytes(p, sector);
	u32 size = bytes_get_u32le(b, 12), crc;

	if (!bytes_equal(bytes_first(b, 8), STR("EFI PART")))
		return -ENOENT;
	if (size < 92 || size > BLOCK_SECTOR)
		return -EINVAL;
	// The checksum is made with its own field as zero.
	crc = crc32(crc32(crc32(0, bytes_first(b, 16)), array_bytes(zero)), bytes_slice(b, 20, size - 20));
	if (crc != bytes_get_u32le(b, 16) || bytes_get_u64le(b, 24) != sector)
		return -EINVAL;
	out->entries_sector = bytes_get_u64le(b, 72);
	out->entry_count = bytes_get_u32le(b, 80);
	out->entry_size = bytes_get_u32le(b, 84);
	out->entries_crc = bytes_get_u32le(b, 88);
	if (out->entry_size != GPT_ENTRY_SIZE || out->entry_count > GPT_ENTRIES_MAX)
		return -EINVAL;
	return OK;
}

static no_inline err_t gpt_check_entries(struct block_device *disk, const struct gpt_header *h borrowed)
{
	u32 crc = 0;

	for (u32 i = 0; i < h->entry_count; i += GPT_ENTRIES_SECTOR) {
		struct page *p page_auto = NULL;
		u64 sector = h->entries_sector + i / GPT_ENTRIES_SECTOR;
		u32 count = min(h->entry_count - i, GPT_ENTRIES_SECTOR);
		err_t err = sector_page(disk, sector, &p);

		if (err)
			return err;
		crc = crc32(crc, bytes_first(sector_bytes(p, sector), count * GPT_ENTRY_SIZE));
	}
	return crc == h->entries_crc ? OK : (err_t)-EINVAL;
}

static no_inline void gpt_decode_entry(bytes_t b, u32 number, struct partition_entry *e borrowed)
{
	u64 first = bytes_get_u64le(b, 32), last = bytes_get_u64le(b, 40);

	e->number = number;
	e->start = first;
	e->count = last >= first ? last - first + 1 : 0;
	span_copy(array_span(e->uuid), bytes_slice(b, 16, 16));
	for (u32 i = 0; i < 36; i++) {
		u16 c = bytes_get_u16le(b, 56 + i * 2);

		if (c == 0)
			break;
		e->name[i] = c < 128 ? (u8)c : '?';
		e->name_length = i + 1;
	}
}

static err_t gpt_scan(struct block_device *disk, u64 header_sector)
{
	struct gpt_header h = { };
	err_t err = gpt_read_header(disk, header_sector, &h);

	if (!err)
		err = gpt_check_entries(disk, &h);
	if (err)
		return err;
	for (u32 i = 0; i < h.entry_count; i++) {
		struct page *p page_auto = NULL;
		struct partition_entry e = { };
		u64 sector = h.entries_sector + i / GPT_ENTRIES_SECTOR;

		err = sector_page(disk, sector, &p);
		if (err)
			return err;
		bytes_t entry =
			bytes_slice(sector_bytes(p, sector), i % GPT_ENTRIES_SECTOR * GPT_ENTRY_SIZE, GPT_ENTRY_SIZE);
		if (bytes_get_u64le(entry, 0) == 0 && bytes_get_u64le(entry, 8) == 0)
			continue;
		gpt_decode_entry(entry, i + 1, &e);
		partition_offer(disk, &e);
	}
	return OK;
}

// --- MBR ---------------------------------------------------------------------------------------------
#define MBR_TABLE 446u

static void mbr_scan_logical(struct block_device *disk, u64 extended_start)
{
	u64 table = extended_start;

	for (u32 n = 0; n < MBR_LOGICAL_MAX; n++) {
		struct page *p page_auto = NULL;
		u64 next;

		if (sector_page(disk, table, &p))
			return;
		bytes_t b = sector_bytes(p, table);
		if (bytes_get_u16le(b, 510) != 0xaa55)
			return;
		struct partition_entry e = { .number = 5 + n, .start = table + bytes_get_u32le(b, MBR_TABLE + 8),
					     .count = bytes_get_u32le(b, MBR_TABLE + 12) };
		if (byte_at(b, MBR_TABLE + 4))
			partition_offer(disk, &e);
		next = bytes_get_u32le(b, MBR_TABLE + 16 + 8);
		if (!byte_at(b, MBR_TABLE + 16 + 4) || next == 0)
			return;
		table = extended_start + next;
	}
}

static void mbr_scan(struct block_device *disk, bytes_t b)
{
	for (u32 i = 0; i < 4; i++) {
		bytes_t entry = bytes_slice(b, MBR_TABLE + 16 * i, 16);
		u8 type = byte_at(entry, 4);
		struct partition_entry e = {
			.number = i + 1, .start = bytes_get_u32le(entry, 8), .count = bytes_get_u32le(entry, 12)
		};

		if (type == MBR_TYPE_EXTENDED || type == MBR_TYPE_EXTENDED_LBA)
			mbr_scan_logical(disk, e.start);
		else if (type)
			partition_offer(disk, &e);
	}
}

static void gpt_scan_both(struct block_device *disk)
{
	err_t err = gpt_scan(disk, 1);

	if (!err)
		return;
	log_warning("block: primary GPT is damaged (error %d), trying the backup", -(s32)err);
	err = gpt_scan(disk, disk->sector_count - 1);
	if (err)
		log_error("block: backup GPT is damaged too (error %d): no partitions", -(s32)err);
}

void partition_scan(struct block_device *disk)
{
	struct page *p page_auto = NULL;

	if (disk->sector_count < 2 || sector_page(disk, 0, &p))
		return;
	bytes_t b = sector_bytes(p, 0);
	if (bytes_get_u16le(b, 510) != 0xaa55)
		return;
	for (u32 i = 0; i < 4; i++) {
		if (byte_at(b, MBR_TABLE + 16 * i + 4) == MBR_TYPE_PROTECTIVE) {
			gpt_scan_both(disk);
			return;
		}
	}
	// A file system on the whole disk has a boot signature too, but no sane table.
	for (u32 i = 0; i < 4; i++) {
		u8 active = byte_at(b, MBR_TABLE + 16 * i);

		if (active != 0 && active != 0x80)
			return;
	}
	mbr_scan(disk, b);
}

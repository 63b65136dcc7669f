// SPDX-License-Identifier: MPL-2.0
// The page cache over a disk of the test's own: every page reads as its index, writes are counted.
#include <core/ktest.h>
#include <services/pagecache/page_ktest.h>
#include <services/pagecache/page_mapping_internal.h>

static struct atomic_u32 reads, writes, failures;

static err_t test_read_page(struct page_mapping *m, struct page *p)
{
	atomic_u32_add(&reads, 1);
	span_fill(page_span(p), (u8)p->index);
	return p->index == 99 ? -EIO : OK;
}

static err_t test_write_page(struct page_mapping *m, struct page *p)
{
	atomic_u32_add(&writes, 1);
	if (atomic_u32_load(&failures)) {
		atomic_u32_sub(&failures, 1);
		return -ENOMEM;
	}
	return p->index == 50 ? -EIO : OK;
}

static const struct page_mapping_ops disk_ops = { .read_page = test_read_page, .write_page = test_write_page };
static const struct page_mapping_ops memory_ops = {};

static bool reads_through(struct page_mapping *m)
{
	u8 bytes[8] = {};
	struct iobuf out = iobuf_to_kernel(array_span(bytes));
	u64 position = 3 * PAGE_SIZE - 4;

	atomic_u32_store(&reads, 0);
	if (page_mapping_read(m, 4 * PAGE_SIZE, &position, &out) != 8 || bytes[0] != 2 || bytes[7] != 3)
		return false;
	struct iobuf again = iobuf_to_kernel(array_span(bytes));

	position = 4 * PAGE_SIZE - 2;
	return page_mapping_read(m, 4 * PAGE_SIZE, &position, &again) == 2 && atomic_u32_load(&reads) == 2 &&
	       page_mapping_page_count(m) == 2;
}

static bool writes_back(struct page_mapping *m)
{
	u8 bytes[3] = { 7, 8, 9 };
	struct iobuf in = iobuf_from_kernel(array_bytes(bytes)), bad = iobuf_from_kernel(array_bytes(bytes));
	u64 position = PAGE_SIZE - 2, other = 50 * PAGE_SIZE;

	atomic_u32_store(&writes, 0);
	if (page_mapping_write(m, &position, &in) != 3 || position != PAGE_SIZE + 1 || !page_mapping_is_dirty(m))
		return false;
	if (page_mapping_sync(m, 0, U64_MAX) || atomic_u32_load(&writes) != 2 || page_mapping_is_dirty(m))
		return false;
	if (page_mapping_write(m, &other, &bad) != 3 || page_mapping_sync(m, 0, U64_MAX) != -EIO)
		return false;
	return page_mapping_sync(m, 0, U64_MAX) == OK; // told once
}

// Without memory a page stays dirty until there is some: only who gives up waiting is told.
static bool writes_back_without_memory(struct page_mapping *m)
{
	u8 bytes[3] = { 7, 8, 9 };
	struct iobuf in = iobuf_from_kernel(array_bytes(bytes));
	u64 position = PAGE_SIZE - 2;

	if (page_mapping_write(m, &position, &in) != 3)
		return false;
	atomic_u32_store(&writes, 0);
	atomic_u32_store(&failures, 100000);
	if (page_mapping_sync(m, 0, U64_MAX) != -ENOMEM || !page_mapping_is_dirty(m))
		return false;
	atomic_u32_store(&writes, 0);
	atomic_u32_store(&failures, 5);
	return page_mapping_sync(m, 0, U64_MAX) == OK && atomic_u32_load(&writes) == 7 && !page_mapping_is_dirty(m) &&
		pagecache_read_totals().writeback_pages == 0;
}

static bool truncates(struct page_mapping *m)
{
	struct page *p page_auto = NULL;

	if (page_mapping_read_page(m, 5, &p) || byte_at(page_bytes(p), 100) != 5)
		return false;
	page_put(take(p));
	page_mapping_truncate(m, 5 * PAGE_SIZE + 100);
	p = page_mapping_find(m, 5);
	if (!p || byte_at(page_bytes(p), 99) != 5 || byte_at(page_bytes(p), 100) != 0)
		return false;
	page_put(take(p));
	page_mapping_truncate(m, 0);
	return page_mapping_page_count(m) == 0 && !page_mapping_is_dirty(m) &&
		page_mapping_read_page(m, 99, &p) == -EIO;
}

static bool reclaims(struct page_mapping *m)
{
	struct page *p page_auto = NULL;

	for (u64 i = 0; i < 40; i++) {
		if (page_mapping_read_page(m, i, &p))
			return false;
		page_put(take(p));
	}
	if (page_mapping_read_page(m, 41, &p)) // held: cannot go
		return false;
	// Once to lose the mark of having been used, once to go.
	if (pagecache_reclaim(41, 0, NULL) < 40 || page_mapping_page_count(m) != 1)
		return false;
	struct page *held page_auto = page_mapping_find(m, 41);

	return held == p;
}

static bool holes_of_memory(struct page_mapping *m)
{
	u8 bytes[4] = { 1, 1, 1, 1 };
	struct iobuf out = iobuf_to_kernel(array_span(bytes));
	u64 position = 0, index = 0;
	struct page *p page_auto = NULL;

	if (page_mapping_read(m, 10 * PAGE_SIZE, &position, &out) != 4 || bytes[0] || page_mapping_page_count(m))
		return false;
	if (page_mapping_read_page(m, 7, &p) || !page_mapping_next_page(m, &index) || index != 7)
		return false;
	return pagecache_read_totals().shmem_pages == 1;
}

static bool test_in_mapping(const struct page_mapping_ops *ops, bool (*test)(struct page_mapping *m))
{
	struct page_mapping *m object_auto(page_mapping) = page_mapping_create(ops, NULL);

	if (!m)
		return false;
	bool ok = test(m);

	page_mapping_truncate(m, 0);
	return ok;
}

static bool test_reads(void) { return test_in_mapping(&disk_ops, reads_through); }
static bool test_writes(void) { return test_in_mapping(&disk_ops, writes_back); }
static bool test_no_memory(void) { return test_in_mapping(&disk_ops, writes_back_without_memory); }
static bool test_truncate(void) { return test_in_mapping(&disk_ops, truncates); }
static bool test_reclaim(void) { return test_in_mapping(&disk_ops, reclaims); }
static bool test_holes(void)
{
	return test_in_mapping(&memory_ops, holes_of_memory) && pagecache_read_totals().shmem_pages == 0;
}

static const struct ktest page_tests[] = {
	{ "page cache: reading", test_reads },
	{ "page cache: writing and write-back", test_writes },
	{ "page cache: write-back without memory", test_no_memory },
	{ "page cache: truncation", test_truncate },
	{ "page cache: reclaim", test_reclaim },
	{ "page cache: holes of memory files", test_holes },
};

void page_ktest_run(void)
{
	ktest_run(array_ptr(page_tests, 0), array_len(page_tests));
}

// SPDX-License-Identifier: MPL-2.0
// Damaged images. A good image is made through ext2 itself: files of every depth of addresses, folders, links,
// extended attributes in blocks and behind a record. Each round changes some bytes of its metadata, mounts it, uses
// all that is found there, and unmounts it. Whatever the bytes say: no access out of bounds, no endless loop, nothing
// left behind, and errors that tell what is wrong.
#include <core/memory.h>
#include <lib/test.h>
#include <services/fs/ext2/damage/ext2_disk.h>
#include <services/fs/ext2/ext2_internal.h>
#include <services/vfs/attributes.h>

enum { NAMES_MAX = 24, STEPS_MAX = 120 };

static u8 good_image[sizeof(test_image)];
static u32 seed, steps;

static u32 any(u32 below) { return test_random(&seed) % below; }

// --- what may be answered ---------------------------------------------------------------------------

static bool is_expected(s64 result)
{
	static const s32 errors[] = { EIO, ENOSPC, ENOENT, EEXIST, ENOTEMPTY, EFBIG, ENODATA, ERANGE, EMLINK, ESTALE,
		ENXIO, ENAMETOOLONG, EINVAL, EOPNOTSUPP };

	for (u32 i = 0; i < array_len(errors); i++)
		if (result == -errors[i])
			return true;
	return result >= 0;
}

static s64 said(s64 result)
{
	EXPECT(is_expected(result));
	return result;
}

// --- use of one inode ---------------------------------------------------------------------------------

static void use_content(struct inode *i)
{
	static u8 bytes[8192];
	static const u64 places[] = { 0, 11 << 10, 13 << 10, 300 << 10, 67 << 20, 4000 };
	u64 position = places[any(array_len(places))];
	struct file f = { .inode = i };
	struct iobuf to = iobuf_to_kernel(array_span(bytes));
	struct iobuf from = iobuf_from_kernel(bytes_first(array_bytes(bytes), 3000));
	u64 from_position = position;

	said(page_mapping_read(i->pages, atomic_u64_load(&i->size), &position, &to));
	said(ext2_file_seek(&f, (s64)from_position, 3));
	said(ext2_file_seek(&f, 0, 4));
	write_guard(&i->data_lock);
	if (any(2))
		said(page_mapping_write(i->pages, &from_position, &from));
	if (any(3) == 0) {
		const u64 size = places[any(array_len(places))] + any(3000);
		const struct attribute_change c = { .valid = ATTRIBUTE_SIZE, .size = size };

		said(i->ops->set_attributes(i, &c));
	}
}

static void use_attributes(struct inode *i)
{
	static u8 out[1024];
	const bytes_t value = bytes_first(array_bytes(out), any(200));

	said(i->ops->list_xattr(i, array_span(out)));
	said(i->ops->get_xattr(i, STR("user.one"), array_span(out)));
	said(i->ops->get_xattr(i, STR("user.inline"), array_span(out)));
	if (any(2))
		said(i->ops->set_xattr(i, any(2) ? STR("user.one") : STR("trusted.two"), value, 0));
	if (any(3) == 0)
		said(i->ops->remove_xattr(i, any(2) ? STR("user.one") : STR("user.inline")));
}

static void use_inode(struct inode *i)
{
	static u8 target[4096];

	if (i->ops->list_xattr)
		use_attributes(i);
	if (i->type == S_IFREG)
		use_content(i);
	if (i->type == S_IFLNK)
		said(i->ops->read_link(i, array_span(target)));
	if (any(3) == 0)
		said(inode_write_all(i));
}

// --- use of a folder ----------------------------------------------------------------------------------

struct names {
	struct directory_sink sink;
	u32 count;
	u8 length[NAMES_MAX];
	u8 text[NAMES_MAX][256];
};

static bool names_add(struct directory_sink *s borrowed, bytes_t name, u64 number, u32 type, u64 next)
{
	struct names *n = (struct names *)s;

	if (n->count == NAMES_MAX)
		return false;
	n->length[n->count] = (u8)bytes_len(name);
	span_copy(array_span(n->text[n->count++]), name);
	return true;
}

static bytes_t name_at(struct names *n, u32 k) { return bytes_first(array_bytes(n->text[k]), n->length[k]); }

static struct inode *child_of(struct inode *dir, bytes_t name)
{
	struct inode *child = NULL;

	read_guard(&dir->directory_lock);
	said(dir->ops->lookup(dir, name, &child));
	return child;
}

static void change_folder(struct inode *dir)
{
	struct inode *made object_auto(inode) = NULL, *sub object_auto(inode) = NULL, *link object_auto(inode) = NULL;

	write_guard(&dir->directory_lock);
	if (said(dir->ops->create(dir, STR("made"), S_IFREG | 0644, 0, cred_initial(), &made)) == OK)
		said(dir->ops->rename(dir, STR("made"), made, dir, STR("made-with-a-longer-name"), NULL, 0));
	if (said(dir->ops->make_directory(dir, STR("sub"), 0755, cred_initial(), &sub)) == OK && any(2))
		said(dir->ops->remove_directory(dir, STR("sub"), sub));
	said(dir->ops->symlink(dir, STR("link"), STR("target"), cred_initial(), &link));
	if (made && any(2))
		said(dir->ops->unlink(dir, STR("made-with-a-longer-name"), made));
}

static void remove_name(struct inode *dir, bytes_t name, struct inode *child)
{
	write_guard(&dir->directory_lock);
	if (child->type == S_IFDIR)
		said(dir->ops->remove_directory(dir, name, child));
	else
		said(dir->ops->unlink(dir, name, child));
}

static void use_folder(struct inode *dir, u32 depth)
{
	struct names n = { .sink = { .add = names_add } };
	u64 position = 0;
	{
		read_guard(&dir->directory_lock);
		said(dir->ops->read_directory(dir, &position, &n.sink));
	}
	if (any(2))
		change_folder(dir);
	for (u32 k = 0; k < n.count && steps < STEPS_MAX; k++) {
		if (bytes_equal(name_at(&n, k), STR(".")) || bytes_equal(name_at(&n, k), STR("..")))
			continue;
		struct inode *child object_auto(inode) = child_of(dir, name_at(&n, k));

		if (!child)
			continue;
		steps++;
		use_inode(child);
		if (child->type == S_IFDIR && depth < 4)
			use_folder(child, depth + 1);
		if (any(4) == 0 && child != dir)
			remove_name(dir, name_at(&n, k), child);
	}
}

// --- the good image -----------------------------------------------------------------------------------

static struct inode *make_file(struct inode *dir, bytes_t name, u64 position)
{
	static u8 bytes[5000];
	struct inode *file = NULL;
	struct iobuf from = iobuf_from_kernel(array_bytes(bytes));
	{
		write_guard(&dir->directory_lock);
		EXPECT(dir->ops->create(dir, name, S_IFREG | 0644, 0, cred_initial(), &file) == OK);
	}
	write_guard(&file->data_lock);
	EXPECT(page_mapping_write(file->pages, &position, &from) == sizeof(bytes));
	return file;
}

// Files with addresses of each depth, links of both kinds, attributes of their own and shared.
static void fill_root(struct inode *root)
{
	struct inode *direct object_auto(inode) = make_file(root, STR("direct"), 0);
	struct inode *single object_auto(inode) = make_file(root, STR("single"), 20 << 10);
	struct inode *double_ object_auto(inode) = make_file(root, STR("double"), 300 << 10);
	struct inode *triple object_auto(inode) = make_file(root, STR("triple"), 67 << 20);
	struct inode *fast object_auto(inode) = NULL, *slow object_auto(inode) = NULL, *node object_auto(inode) = NULL;
	u8 text[200];

	span_fill(array_span(text), 'x');
	EXPECT(direct->ops->set_xattr(direct, STR("user.one"), array_bytes(text), 0) == OK);
	EXPECT(single->ops->set_xattr(single, STR("user.one"), array_bytes(text), 0) == OK);
	EXPECT(double_->ops->set_xattr(double_, STR("security.other"), bytes_first(array_bytes(text), 30), 0) == OK);
	write_guard(&root->directory_lock);
	EXPECT(root->ops->symlink(root, STR("fast"), STR("direct"), cred_initial(), &fast) == OK);
	EXPECT(root->ops->symlink(root, STR("slow"), array_bytes(text), cred_initial(), &slow) == OK);
	EXPECT(root->ops->create(root, STR("node"), S_IFCHR | 0600, device_number(1, 3), cred_initial(), &node) == OK);
	EXPECT(root->ops->link(root, STR("direct-again"), direct) == OK);
}

// A folder of three blocks, which gets an index in memory, and one within.
static void fill_folder(struct inode *root)
{
	struct inode *dir object_auto(inode) = NULL, *below object_auto(inode) = NULL, *file object_auto(inode) = NULL;
	u8 name[100];
	{
		write_guard(&root->directory_lock);
		EXPECT(root->ops->make_directory(root, STR("folder"), 0755, cred_initial(), &dir) == OK);
	}
	file = make_file(dir, STR("file"), 0);
	write_guard(&dir->directory_lock);
	EXPECT(dir->ops->make_directory(dir, STR("below"), 0755, cred_initial(), &below) == OK);
	for (u32 k = 0; k < 25; k++) {
		span_fill(array_span(name), (u8)('a' + k));
		EXPECT(dir->ops->link(dir, array_bytes(name), file) == OK);
	}
}

// An attribute behind the record of the first file, as mke2fs leaves them there.
static void put_inline_attribute(void)
{
	const u32 behind = EXT2_GOOD_OLD_INODE_BYTES + 32, value = 40;
	const span_t record = span_slice(array_span(test_image),
		TEST_TABLE_BLOCK * TEST_BLOCK + 10 * TEST_INODE_BYTES + behind, TEST_INODE_BYTES - behind);

	span_put_u32le(record, 0, 0xea020000u);
	span_put_u16le(record, 4, 6 | 1 << 8);
	span_put_u16le(record, 6, value);
	span_put_u32le(record, 12, 5);
	span_copy(span_from(record, 20), STR("inline"));
	span_copy(span_from(record, 4 + value), STR("value"));
}

static void make_good_image(void)
{
	struct superblock *sb = NULL;

	test_image_format();
	REQUIRE(test_mount(&sb) == OK);
	fill_root(sb->root);
	fill_folder(sb->root);
	test_unmount(sb);
	put_inline_attribute();
	span_copy(array_span(good_image), array_bytes(test_image));
}

// --- damage -------------------------------------------------------------------------------------------

// Blocks in use by the good image's bitmap that hold no file's content.
static u32 any_metadata_block(void)
{
	for (;;) {
		const u32 block = 1 + any(TEST_ROOT_BLOCK + 60);

		if (good_image[3 * TEST_BLOCK + (block - 1) / 8] >> ((block - 1) % 8) & 1)
			return block;
	}
}

static u32 any_number(void)
{
	static const u32 numbers[] = { 0, 1, 2, 3, 4, 5, 11, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
		TEST_BLOCKS - 1, TEST_BLOCKS, TEST_INODES, TEST_INODES + 1 };

	return any(3) ? numbers[any(array_len(numbers))] : any(TEST_BLOCKS);
}

static void damage(void)
{
	const u32 block = any(6) ? any_metadata_block() : 1;
	u32 at = any(TEST_BLOCK);

	if (block == 1)
		at = any(4) ? any(120) : at;
	else if (block == 2)
		at = any(EXT2_GROUP_BYTES);
	else if (block >= TEST_TABLE_BLOCK && block < TEST_ROOT_BLOCK)
		at = at & ~127u & ~(any(4) ? 128u : 0) | any(128);
	const span_t b = span_slice(array_span(test_image), (u64)block * TEST_BLOCK, TEST_BLOCK);

	switch (any(4)) {
	case 0: span_at(b, at) ^= (u8)(1u << any(8)); break;
	case 1: span_at(b, at) = (u8)any(256); break;
	case 2: span_put_u16le(b, at & ~1u, (u16)any_number()); break;
	default: span_put_u32le(b, at & ~3u, any_number()); break;
	}
}

static void use_image(struct superblock *sb)
{
	struct file_system_statistics s = { };

	steps = 0;
	said(sb->ops->statistics(sb, &s));
	use_inode(sb->root);
	use_folder(sb->root, 0);
	said(superblock_sync(sb));
}

static u64 used_pages(void)
{
	const struct memory_totals t = memory_read_totals();

	return t.total_pages - t.free_pages;
}

TEST(ext2_damaged_images_are_survived)
{
	const u32 rounds = 200 + test_rounds() / 4; // a test has a minute
	u32 mounted = 0;
	u64 pages = 0;

	test_services_start();
	make_good_image();
	for (u32 round = 0; round < rounds; round++) {
		struct superblock *sb = NULL;

		seed = round * 2654435761u + 1;
		span_copy(array_span(test_image), array_bytes(good_image));
		for (u32 k = 1 + any(6); k; k--)
			damage();
		const err_t e = test_mount(&sb);

		EXPECT(e == OK || e == -EINVAL || e == -EIO);
		if (e == OK) {
			mounted++;
			use_image(sb);
			test_unmount(sb);
		}
		pages = round == 20 ? used_pages() : pages;
	}
	EXPECT(mounted > rounds / 3);
	EXPECT(used_pages() <= pages + 8);
}

TEST(ext2_good_image_is_used_without_errors)
{
	struct superblock *sb = NULL;
	u8 value[16];

	test_services_start();
	make_good_image();
	REQUIRE(test_mount(&sb) == OK);
	struct inode *direct object_auto(inode) = child_of(sb->root, STR("direct"));

	EXPECT(direct && direct->ops->get_xattr(direct, STR("user.inline"), array_span(value)) == 5);
	EXPECT(direct && direct->ops->get_xattr(direct, STR("user.one"), span_empty()) == 200);
	inode_put(take(direct));
	use_image(sb);
	test_unmount(sb);
}

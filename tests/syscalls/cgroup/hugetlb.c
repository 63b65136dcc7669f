// SPDX-License-Identifier: MPL-2.0
/* hugetlb.*: limits are kept as whole huge pages; a machine with empty pools has none to give. */
#include <sys/mman.h>

#include "group.h"

TEST(limits_are_whole_huge_pages)
{
	make_group("huge", "+hugetlb");
	CHECK_STR(get("hugetlb.2MB.max"), "max\n");
	CHECK_STR(get("hugetlb.1GB.rsvd.max"), "max\n");
	put("hugetlb.2MB.max", "5000000");
	CHECK_STR(get("hugetlb.2MB.max"), "4194304\n");
	put("hugetlb.1GB.max", "3G");
	CHECK_STR(get("hugetlb.1GB.max"), "3221225472\n");
	put("hugetlb.2MB.rsvd.max", "0");
	CHECK_STR(get("hugetlb.2MB.rsvd.max"), "0\n");
	put("hugetlb.2MB.max", "max");
	CHECK_STR(get("hugetlb.2MB.max"), "max\n");
	CHECK_ERR(put_text(path_in("hugetlb.2MB.max"), "many"), EINVAL);
	remove_group();
}

TEST(nothing_is_held)
{
	make_group("huge", "+hugetlb");
	CHECK_STR(get("hugetlb.2MB.current"), "0\n");
	CHECK_STR(get("hugetlb.2MB.rsvd.current"), "0\n");
	CHECK_STR(get("hugetlb.2MB.events"), "max 0\n");
	CHECK_STR(get("hugetlb.1GB.events.local"), "max 0\n");
	CHECK_STR(get("hugetlb.1GB.numa_stat"), "total=0 N0=0\n");
	remove_group();
}

TEST(the_pools_are_empty)
{
	CHECK_STR(read_text("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"), "0\n");
	CHECK_STR(read_text("/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages"), "0\n");
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB;
	CHECK(mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED);
	CHECK_EQ(errno, ENOMEM);
}

TEST(the_root_has_no_limits)
{
	make_group("huge", "+hugetlb");
	CHECK_ERR(open(ROOT "/hugetlb.2MB.max", O_RDONLY), ENOENT);
	CHECK(strstr(read_text(ROOT "/cgroup.controllers"), "memory hugetlb pids") != NULL);
	remove_group();
}

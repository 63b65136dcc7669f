// SPDX-License-Identifier: MPL-2.0
/* System V shared memory. */
#include "support.h"

#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

static int make_segment(size_t size)
{
	int id = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);
	CHECK(id >= 0);
	return id;
}

static char *attach(int id, int flags)
{
	char *at = shmat(id, NULL, flags);
	CHECK(at != (void *)-1);
	return at;
}

static void remove_segment(int id)
{
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
}

static struct shmid_ds status_of(int id)
{
	struct shmid_ds status;
	CHECK_OK(shmctl(id, IPC_STAT, &status));
	return status;
}

TEST(two_attachments_show_the_same_memory)
{
	int id = make_segment(3 * PAGE);
	char *a = attach(id, 0), *b = attach(id, 0);
	CHECK(a != b);
	strcpy(a + 2 * PAGE, "hello");
	CHECK_STR(b + 2 * PAGE, "hello");
	remove_segment(id);
}

TEST(new_memory_is_zero_and_sized_in_bytes)
{
	int id = make_segment(100);
	char *at = attach(id, 0);
	for (int i = 0; i < PAGE; i++)
		CHECK_EQ(at[i], 0);
	CHECK_EQ(status_of(id).shm_segsz, 100);
	remove_segment(id);
}

TEST(key_names_a_segment)
{
	key_t key = 0x6b65656c;
	int id = shmget(key, PAGE, IPC_CREAT | IPC_EXCL | 0600);
	CHECK(id >= 0);
	CHECK_EQ(shmget(key, PAGE, 0), id);
	CHECK_EQ(shmget(key, 0, 0), id);
	CHECK_ERR(shmget(key, PAGE, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	CHECK_ERR(shmget(key, 2 * PAGE, 0), EINVAL);
	remove_segment(id);
	CHECK_ERR(shmget(key, PAGE, 0), ENOENT);
}

TEST(size_zero_is_refused)
{
	CHECK_ERR(shmget(IPC_PRIVATE, 0, IPC_CREAT | 0600), EINVAL);
}

TEST(status_counts_areas_over_fork_and_exit)
{
	int id = make_segment(PAGE);
	CHECK_EQ(status_of(id).shm_nattch, 0);
	char *at = attach(id, 0);
	CHECK_EQ(status_of(id).shm_nattch, 1);
	struct turn ready = turn_create(), go = turn_create();
	pid_t child = fork_checked();
	if (child == 0) {
		at[0] = 'c';
		turn_give(ready);
		turn_take(go);
		_exit(0);
	}
	turn_take(ready);
	CHECK_EQ(at[0], 'c');
	CHECK_EQ(status_of(id).shm_nattch, 2);
	turn_give(go);
	CHECK_EQ(wait_exit(child), 0);
	struct shmid_ds status = status_of(id);
	CHECK_EQ(status.shm_nattch, 1);
	CHECK_EQ(status.shm_lpid, child);
	CHECK_EQ(status.shm_cpid, getpid());
	CHECK_OK(shmdt(at));
	CHECK_EQ(status_of(id).shm_nattch, 0);
	CHECK(status_of(id).shm_dtime != 0);
	remove_segment(id);
}

TEST(removed_segment_lives_until_the_last_detach)
{
	int id = make_segment(PAGE);
	char *at = attach(id, 0);
	strcpy(at, "kept");
	remove_segment(id);
	CHECK_STR(at, "kept");
	CHECK(status_of(id).shm_perm.mode & SHM_DEST);
	char *again = attach(id, 0);
	CHECK_STR(again, "kept");
	CHECK_OK(shmdt(again));
	CHECK_OK(shmdt(at));
	struct shmid_ds status;
	CHECK_ERR(shmctl(id, IPC_STAT, &status), EINVAL);
	CHECK(shmat(id, NULL, 0) == (void *)-1 && errno == EINVAL);
}

TEST(content_outlives_all_attachments)
{
	int id = make_segment(PAGE);
	char *at = attach(id, 0);
	strcpy(at, "still here");
	CHECK_OK(shmdt(at));
	at = attach(id, 0);
	CHECK_STR(at, "still here");
	remove_segment(id);
}

static void store(void *at)
{
	*(volatile char *)at = 1;
}

TEST(read_only_attachment_cannot_be_written)
{
	int id = make_segment(PAGE);
	char *at = attach(id, SHM_RDONLY);
	CHECK(raises_signal(SIGSEGV, store, at));
	CHECK_ERR(mprotect(at, PAGE, PROT_READ | PROT_WRITE), EACCES);
	remove_segment(id);
}

TEST(attach_at_an_address)
{
	int id = make_segment(PAGE);
	char *place = map_pages(4);
	CHECK(shmat(id, place, 0) == (void *)-1 && errno == EINVAL);
	CHECK(shmat(id, place, SHM_REMAP) == place);
	CHECK_OK(shmdt(place));
	CHECK_OK(munmap(place + PAGE, PAGE));
	CHECK(shmat(id, place + PAGE + 5, 0) == (void *)-1 && errno == EINVAL);
	CHECK(shmat(id, place + PAGE + 5, SHM_RND) == place + PAGE);
	CHECK(shmat(id, NULL, SHM_REMAP) == (void *)-1 && errno == EINVAL);
	remove_segment(id);
}

TEST(detach_takes_what_munmap_left)
{
	int id = make_segment(4 * PAGE);
	char *at = attach(id, 0);
	CHECK_OK(munmap(at + PAGE, PAGE));
	CHECK_EQ(status_of(id).shm_nattch, 2);
	CHECK_OK(shmdt(at));
	CHECK_EQ(status_of(id).shm_nattch, 0);
	CHECK_ERR(shmdt(at), EINVAL);
	remove_segment(id);
}

TEST(detach_of_other_memory_is_refused)
{
	CHECK_ERR(shmdt(map_pages(1)), EINVAL);
	CHECK_ERR(shmdt((char *)NULL + 1), EINVAL);
}

TEST(strangers_are_refused)
{
	int id = make_segment(PAGE);
	pid_t child = fork_checked();
	if (child == 0) {
		struct shmid_ds status = {0};
		become_nobody();
		CHECK(shmat(id, NULL, 0) == (void *)-1 && errno == EACCES);
		CHECK_ERR(shmctl(id, IPC_STAT, &status), EACCES);
		CHECK_ERR(shmctl(id, IPC_RMID, NULL), EPERM);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	struct shmid_ds status = status_of(id);
	status.shm_perm.mode = 0604;
	CHECK_OK(shmctl(id, IPC_SET, &status));
	child = fork_checked();
	if (child == 0) {
		become_nobody();
		CHECK(shmat(id, NULL, 0) == (void *)-1 && errno == EACCES);
		CHECK(shmat(id, NULL, SHM_RDONLY) != (void *)-1);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	remove_segment(id);
}

TEST(each_ipc_namespace_has_its_own)
{
	key_t key = 0x6b65656d;
	int id = shmget(key, PAGE, IPC_CREAT | IPC_EXCL | 0600);
	CHECK(id >= 0);
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(unshare(CLONE_NEWIPC));
		CHECK_ERR(shmget(key, PAGE, 0), ENOENT);
		struct shmid_ds status;
		CHECK_ERR(shmctl(id, IPC_STAT, &status), EINVAL);
		int own = make_segment(PAGE);
		CHECK(shmat(own, NULL, 0) != (void *)-1);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	CHECK_EQ(shmget(key, PAGE, 0), id);
	remove_segment(id);
}

TEST(bad_calls)
{
	int id = make_segment(PAGE);
	CHECK_ERR(shmctl(id, IPC_STAT, bad_address()), EFAULT);
	CHECK_ERR(shmctl(id, 99, NULL), EINVAL);
	CHECK_ERR(shmctl(-1, IPC_RMID, NULL), EINVAL);
	remove_segment(id);
	CHECK_ERR(shmctl(id, IPC_RMID, NULL), EINVAL);
}

TEST(maps_names_the_key)
{
	int id = shmget(0x1234abcd, PAGE, IPC_CREAT | 0600);
	CHECK(id >= 0);
	attach(id, 0);
	CHECK(strstr(read_text("/proc/self/maps"), "/SYSV1234abcd (deleted)") != NULL);
	remove_segment(id);
}

// SPDX-License-Identifier: MPL-2.0
/* Keys and keyrings: adding, finding, linking, permissions, time-outs, sessions, quotas. */
#include "support.h"

#include <linux/keyctl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

static long add(const char *type, const char *name, const char *payload, long ring)
{
	return syscall(SYS_add_key, type, name, payload, payload ? strlen(payload) : 0, ring);
}

static long ctl(int operation, long a, long b, long c, long d)
{
	return syscall(SYS_keyctl, operation, a, b, c, d);
}

static long own_session(void)
{
	return CHECK_OK((int)ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0));
}

static const char *payload_of(long key)
{
	static char text[64];
	memset(text, 0, sizeof(text));
	CHECK_OK((int)ctl(KEYCTL_READ, key, (long)text, sizeof(text) - 1, 0));
	return text;
}

TEST(a_key_is_added_and_read)
{
	long session = own_session();
	long key = CHECK_OK((int)add("user", "name", "secret", KEY_SPEC_SESSION_KEYRING));
	CHECK_STR(payload_of(key), "secret");
	CHECK_EQ(ctl(KEYCTL_READ, key, 0, 0, 0), 6);
	CHECK_EQ(add("user", "name", "other", session), key); /* updated */
	CHECK_STR(payload_of(key), "other");
	CHECK_OK((int)ctl(KEYCTL_UPDATE, key, (long)"third", 5, 0));
	CHECK_STR(payload_of(key), "third");
	CHECK_EQ(syscall(SYS_request_key, "user", "name", NULL, 0), key);
	CHECK_EQ(ctl(KEYCTL_SEARCH, session, (long)"user", (long)"name", 0), key);
	CHECK_ERR((int)syscall(SYS_request_key, "user", "none", NULL, 0), ENOKEY);
	CHECK_ERR((int)ctl(KEYCTL_SEARCH, session, (long)"logon", (long)"a:name", 0), ENOKEY);
}

TEST(descriptions_say_who_and_what)
{
	char text[128] = {0};
	long session = own_session();
	CHECK_EQ(ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0), session);
	CHECK_OK((int)ctl(KEYCTL_DESCRIBE, session, (long)text, sizeof(text), 0));
	CHECK_STR(text, "keyring;0;0;3f030000;_ses");
	long key = CHECK_OK((int)add("user", "k", "x", session));
	CHECK_EQ(ctl(KEYCTL_DESCRIBE, key, (long)text, sizeof(text), 0), 20);
	CHECK_STR(text, "user;0;0;3f010000;k");
	key = CHECK_OK((int)add("logon", "a:k", "x", session));
	CHECK_OK((int)ctl(KEYCTL_DESCRIBE, key, (long)text, sizeof(text), 0));
	CHECK_STR(text, "logon;0;0;3d010000;a:k");
	CHECK_ERR((int)ctl(KEYCTL_READ, key, (long)text, sizeof(text), 0), EOPNOTSUPP);
}

TEST(bad_arguments)
{
	own_session();
	const long session = KEY_SPEC_SESSION_KEYRING;
	CHECK_ERR((int)add("nosuch", "n", "x", session), ENODEV);
	CHECK_ERR((int)add(".keyring", "n", "x", session), EPERM);
	CHECK_ERR((int)add("keyring", ".n", NULL, session), EPERM);
	CHECK_ERR((int)add("keyring", "n", "x", session), EINVAL);
	CHECK_ERR((int)add("user", "n", NULL, session), EINVAL);
	CHECK_ERR((int)add("user", "", "x", session), EINVAL);
	CHECK_ERR((int)add("logon", "nocolon", "x", session), EINVAL);
	CHECK_ERR((int)add("user", "n", "x", 1), ENOKEY);
	CHECK_ERR((int)add("user", (char *)bad_address(), "x", session), EFAULT);
	CHECK_ERR((int)ctl(KEYCTL_REVOKE, 0, 0, 0, 0), EINVAL);
	CHECK_ERR((int)ctl(999, 0, 0, 0, 0), EOPNOTSUPP);
	long key = CHECK_OK((int)add("user", "n", "x", session));
	CHECK_ERR((int)add("user", "m", "x", key), ENOTDIR);
	CHECK_ERR((int)ctl(KEYCTL_SETPERM, key, 0xffffffff, 0, 0), EINVAL);
}

TEST(keyrings_link_and_unlink)
{
	long session = own_session();
	long ring = CHECK_OK((int)add("keyring", "ring", NULL, session));
	long key = CHECK_OK((int)add("user", "k", "x", ring));
	int numbers[4] = {0};
	CHECK_EQ(ctl(KEYCTL_READ, ring, (long)numbers, sizeof(numbers), 0), 4);
	CHECK_EQ(numbers[0], key);
	CHECK_EQ(syscall(SYS_request_key, "user", "k", NULL, 0), key);
	CHECK_OK((int)ctl(KEYCTL_LINK, key, session, 0, 0));
	CHECK_ERR((int)ctl(KEYCTL_LINK, session, ring, 0, 0), EDEADLK);
	CHECK_OK((int)ctl(KEYCTL_UNLINK, key, ring, 0, 0));
	CHECK_ERR((int)ctl(KEYCTL_UNLINK, key, ring, 0, 0), ENOENT);
	CHECK_STR(payload_of(key), "x");
	CHECK_OK((int)ctl(KEYCTL_CLEAR, session, 0, 0, 0));
	CHECK_EQ(ctl(KEYCTL_READ, session, 0, 0, 0), 0);
	WAIT_UNTIL(ctl(KEYCTL_READ, key, 0, 0, 0) == -1 && errno == ENOKEY);
}

TEST(revoked_expired_and_invalid_keys)
{
	long session = own_session();
	long key = CHECK_OK((int)add("user", "a", "x", session));
	CHECK_OK((int)ctl(KEYCTL_REVOKE, key, 0, 0, 0));
	CHECK_ERR((int)ctl(KEYCTL_READ, key, 0, 0, 0), EKEYREVOKED);
	CHECK_ERR((int)syscall(SYS_request_key, "user", "a", NULL, 0), EKEYREVOKED);
	key = CHECK_OK((int)add("user", "b", "x", session));
	CHECK_OK((int)ctl(KEYCTL_SET_TIMEOUT, key, 1, 0, 0));
	CHECK_STR(payload_of(key), "x");
	WAIT_UNTIL(ctl(KEYCTL_READ, key, 0, 0, 0) == -1 && errno == EKEYEXPIRED);
	key = CHECK_OK((int)add("user", "c", "x", session));
	CHECK_OK((int)ctl(KEYCTL_INVALIDATE, key, 0, 0, 0));
	/* Linux: the one until it has swept up, the other then. */
	CHECK(ctl(KEYCTL_READ, key, 0, 0, 0) == -1 && (errno == ENOKEY || errno == EACCES));
	CHECK_ERR((int)syscall(SYS_request_key, "user", "c", NULL, 0), ENOKEY);
}

TEST(permissions_are_checked)
{
	long session = own_session();
	long key = CHECK_OK((int)add("user", "k", "x", session));
	CHECK_OK((int)ctl(KEYCTL_SETPERM, key, 0x3f010000, 0, 0));
	pid_t child = fork_checked();
	if (child == 0) {
		become_nobody();
		own_session(); /* possesses nothing any more */
		CHECK_ERR((int)ctl(KEYCTL_READ, key, 0, 0, 0), EACCES);
		CHECK_ERR((int)ctl(KEYCTL_REVOKE, key, 0, 0, 0), EACCES);
		CHECK_ERR((int)ctl(KEYCTL_SETPERM, key, 0x3f3f3f3f, 0, 0), EACCES);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	CHECK_OK((int)ctl(KEYCTL_SETPERM, key, 0x3d000000, 0, 0));
	CHECK_STR(payload_of(key), "x"); /* what one possesses and may search one may read */
	CHECK_OK((int)ctl(KEYCTL_SETPERM, key, 0x35000000, 0, 0));
	CHECK_ERR((int)ctl(KEYCTL_READ, key, 0, 0, 0), EACCES);
}

TEST(sessions_are_inherited)
{
	long session = own_session();
	long key = CHECK_OK((int)add("user", "k", "x", session));
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_EQ(ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0), session);
		CHECK_STR(payload_of(key), "x");
		CHECK(own_session() != session);
		CHECK_ERR((int)syscall(SYS_request_key, "user", "k", NULL, 0), ENOKEY);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	CHECK_EQ(ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0), session);
	long named = CHECK_OK((int)ctl(KEYCTL_JOIN_SESSION_KEYRING, (long)"mine", 0, 0, 0));
	char text[64] = {0};
	CHECK_OK((int)ctl(KEYCTL_DESCRIBE, named, (long)text, sizeof(text), 0));
	CHECK_STR(text, "keyring;0;0;3f130000;mine");
}

#define OTHERS_SEARCH 0x3f130008

/* By name one finds what was made in one's user namespace and lets one search, whosever it is. */
TEST(named_sessions_are_joined_with_permission)
{
	const long open_name = (long)"open to others", closed_name = (long)"closed to others";
	int numbers[2];
	CHECK_OK(pipe(numbers));
	struct turn end = turn_create();
	pid_t owner = fork_checked();
	if (owner == 0) {
		become_nobody();
		int made[2] = {(int)ctl(KEYCTL_JOIN_SESSION_KEYRING, closed_name, 0, 0, 0)};
		CHECK_OK((int)ctl(KEYCTL_LINK, made[0], KEY_SPEC_USER_KEYRING, 0, 0));	/* it lives on */
		made[1] = (int)ctl(KEYCTL_JOIN_SESSION_KEYRING, open_name, 0, 0, 0);
		CHECK_OK((int)ctl(KEYCTL_SETPERM, made[1], OTHERS_SEARCH, 0, 0));
		CHECK_EQ(write(numbers[1], made, sizeof(made)), sizeof(made));
		turn_take(end);
		_exit(0);
	}
	int theirs[2];
	CHECK_EQ(read(numbers[0], theirs, sizeof(theirs)), sizeof(theirs));
	pid_t stranger = fork_checked();
	if (stranger == 0) {
		CHECK_OK(unshare(CLONE_NEWUSER));
		_exit(ctl(KEYCTL_JOIN_SESSION_KEYRING, open_name, 0, 0, 0) == theirs[1]);
	}
	CHECK_EQ(wait_exit(stranger), 0);
	CHECK(ctl(KEYCTL_JOIN_SESSION_KEYRING, closed_name, 0, 0, 0) != theirs[0]);
	CHECK_EQ(ctl(KEYCTL_JOIN_SESSION_KEYRING, open_name, 0, 0, 0), theirs[1]);
	turn_give(end);
	CHECK_EQ(wait_exit(owner), 0);
}

TEST(users_have_keyrings)
{
	char text[64] = {0};
	own_session();
	long user = CHECK_OK((int)ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1, 0, 0));
	CHECK_OK((int)ctl(KEYCTL_DESCRIBE, user, (long)text, sizeof(text), 0));
	CHECK_STR(text, "keyring;0;65534;1f3f0000;_uid.0");
	long session = CHECK_OK((int)ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_SESSION_KEYRING, 1, 0, 0));
	CHECK(user != session);
	CHECK_EQ(ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 0, 0, 0), user);
	pid_t child = fork_checked();
	if (child == 0) {
		become_nobody();
		CHECK(ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1, 0, 0) != user);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
}

static void *look_from_a_thread(void *found)
{
	long *seen = found;
	seen[0] = ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 0, 0, 0);
	seen[1] = ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_THREAD_KEYRING, 0, 0, 0);
	return NULL;
}

TEST(threads_and_processes_have_keyrings)
{
	char text[64] = {0};
	own_session();
	CHECK_ERR((int)ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_THREAD_KEYRING, 0, 0, 0), ENOKEY);
	CHECK_ERR((int)ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 0, 0, 0), ENOKEY);
	CHECK_ERR((int)ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_GROUP_KEYRING, 1, 0, 0), EINVAL);
	CHECK_ERR((int)ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_REQKEY_AUTH_KEY, 1, 0, 0), ENOKEY);
	const long key = CHECK_OK((int)add("user", "own", "x", KEY_SPEC_THREAD_KEYRING));
	const long other = CHECK_OK((int)add("user", "shared", "y", KEY_SPEC_PROCESS_KEYRING));
	const long process = CHECK_OK((int)ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 0, 0, 0));
	CHECK_OK((int)ctl(KEYCTL_DESCRIBE, process, (long)text, sizeof(text), 0));
	CHECK_STR(text, "keyring;0;0;3f010000;_pid");
	CHECK_EQ(syscall(SYS_request_key, "user", "own", NULL, 0), key);
	CHECK_EQ(syscall(SYS_request_key, "user", "shared", NULL, 0), other);
	long seen[2];
	pthread_t thread;
	CHECK_EQ(pthread_create(&thread, NULL, look_from_a_thread, seen), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(seen[0], process);
	CHECK(seen[1] != -1);	/* the thread of one that has a keyring has one, too, of its own */
	CHECK(seen[1] != ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_THREAD_KEYRING, 0, 0, 0));
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_ERR((int)ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 0, 0, 0), ENOKEY);
		CHECK_ERR((int)ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_THREAD_KEYRING, 0, 0, 0), ENOKEY);
		CHECK_ERR((int)syscall(SYS_request_key, "user", "own", NULL, 0), ENOKEY);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
}

TEST(the_keyring_of_requests_is_remembered)
{
	own_session();
	CHECK_EQ(ctl(KEYCTL_SET_REQKEY_KEYRING, KEY_REQKEY_DEFL_NO_CHANGE, 0, 0, 0), KEY_REQKEY_DEFL_DEFAULT);
	CHECK_EQ(ctl(KEYCTL_SET_REQKEY_KEYRING, KEY_REQKEY_DEFL_THREAD_KEYRING, 0, 0, 0), KEY_REQKEY_DEFL_DEFAULT);
	CHECK_OK((int)ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_THREAD_KEYRING, 0, 0, 0));
	CHECK_EQ(ctl(KEYCTL_SET_REQKEY_KEYRING, KEY_REQKEY_DEFL_USER_KEYRING, 0, 0, 0), KEY_REQKEY_DEFL_THREAD_KEYRING);
	CHECK_ERR((int)ctl(KEYCTL_SET_REQKEY_KEYRING, KEY_REQKEY_DEFL_GROUP_KEYRING, 0, 0, 0), EINVAL);
	CHECK_ERR((int)ctl(KEYCTL_SET_REQKEY_KEYRING, 99, 0, 0, 0), EINVAL);
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_EQ(ctl(KEYCTL_SET_REQKEY_KEYRING, KEY_REQKEY_DEFL_NO_CHANGE, 0, 0, 0),
			KEY_REQKEY_DEFL_USER_KEYRING);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
}

TEST(quotas_are_enforced)
{
	char name[32];
	int added = 0;
	become_nobody();
	long session = own_session();
	for (; added < 400; added++) {
		snprintf(name, sizeof(name), "key%d", added);
		if (add("user", name, "x", session) == -1)
			break;
	}
	CHECK_EQ(errno, EDQUOT);
	CHECK(added > 150 && added <= 200);
	CHECK_OK((int)ctl(KEYCTL_CLEAR, session, 0, 0, 0));
	static char big[20000];
	memset(big, 'x', sizeof(big) - 1);
	WAIT_UNTIL(add("user", "small", "x", session) > 0);
	CHECK_ERR((int)add("user", "big", big, session), EDQUOT);
}

TEST(proc_lists_keys)
{
	long session = own_session();
	long key = CHECK_OK((int)add("user", "listed", "abc", session));
	char number[16];
	snprintf(number, sizeof(number), "%08lx ", key);
	const char *line = strstr(read_text("/proc/keys"), number);
	CHECK(line && strstr(line, " 3f010000     0     0 user      listed: 3\n"));
	CHECK(strstr(read_text("/proc/key-users"), "    0: "));
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(setresuid(4242, 4242, 4242));	/* nobody's quota is full of what is still to be collected */
		own_session();
		CHECK(strstr(read_text("/proc/key-users"), "    0: "));	/* others' lines, too */
		CHECK(strstr(read_text("/proc/key-users"), " 4242: "));
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	CHECK(atol(read_text("/proc/sys/kernel/keys/maxkeys")) == 200);
}

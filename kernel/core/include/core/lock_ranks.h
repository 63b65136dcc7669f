// SPDX-License-Identifier: MPL-2.0
// The order of all locks, in one place: a lock may be taken only while every lock already held by
// this task (sleeping locks) or this CPU (spinning locks) has a smaller rank. Two locks of one rank
// are taken with the `_nested` forms, in an order stated where they are declared.
// A rank of 0 means "never initialised" and traps. Ranks below RANK_SPIN are for sleeping locks
// (mutex, rwlock), the others for spinlocks; ranks from RANK_IRQ on are taken with irq_guard().
#pragma once

enum lock_rank {
	// Sleeping locks, outermost first.
	RANK_BOOT = 1,
	RANK_REBOOT,
	// an open file around read and write at its position: outermost, reading may need everything
	RANK_FILE_POSITION,
	RANK_PSEUDO_CONTENT,	// text of an open file of procfs and the like
	RANK_MOUNT_SETUP,	// a file system being configured (fsopen): it is made and mounted under it
	RANK_PROCESS_EXEC,	// execve against ptrace-like readers of /proc/PID
	// one walk at a time over the roots of processes (pivot_root), over all superblocks (sync)
	RANK_VFS_WALK,
	RANK_NAMESPACE,		// a namespace's own lists and values
	RANK_MOUNT_NAMESPACE,	// mount tree of all mount namespaces
	RANK_EPOLL,		// epoll instance (nested by depth); files are asked for their readiness under it
	RANK_TTY,		// termios, line discipline
	RANK_SOCKET,		// a socket (nested: unix peer by address)
	RANK_NET_NAMESPACE,	// interfaces, routes of one network namespace
	RANK_DEVICE_CHANGE,	// one device comes or goes at a time; listeners make and remove file nodes
	// Stacked file systems (overlayfs), before what they stand on; 2: an overlay on an overlay
	RANK_STACK_2_RENAME,
	RANK_STACK_2_SUPERBLOCK,
	RANK_STACK_2_DIRECTORY,
	RANK_STACK_2_DATA,
	RANK_STACK_2_COPY,
	RANK_STACK_1_RENAME,
	RANK_STACK_1_SUPERBLOCK,
	RANK_STACK_1_DIRECTORY,
	RANK_STACK_1_DATA,
	RANK_STACK_1_COPY,
	RANK_VFS_RENAME,	// one rename across folders of a file system at a time
	RANK_SUPERBLOCK,	// mount/unmount/sync of one file system
	RANK_INODE_DIRECTORY,	// a folder's entries (nested: parent before child)
	RANK_INODE_DATA,	// file content against truncate
	RANK_FS_DIRECTORY,	// ext2: what is known of a big folder's names
	RANK_PIPE,
	RANK_PAGE_INVALIDATE,	// one invalidation of a file's mappings at a time
	RANK_VM_SPACE,		// an address space's areas (nested: fork parent before child)
	RANK_PAGE_MAPPING,	// invalidation of a file's pages
	RANK_FS_INODE,		// ext2: one look-up of an inode on the disk at a time
	RANK_FS_XATTR,		// ext2: extended attributes
	RANK_FS_METADATA,	// ext2 allocation, inode table
	RANK_PAGE,		// a locked page under I/O
	RANK_BLOCK_DEVICE,
	RANK_DRIVER,
	RANK_MEMORY_RECLAIM,
	// cgroup hierarchy, migration; a charge that kills a group takes it under almost anything
	RANK_CGROUP_TREE,
	RANK_SLEEPING_LEAF,	// takes no further sleeping lock

	// Spinlocks, outermost first.
	RANK_SPIN = 100,
	RANK_FILE_TABLE,	// descriptor table
	RANK_PROCESS_TREE,	// parents, children, groups, sessions
	RANK_FUTEX,		// futex bucket (nested by bucket index)
	RANK_PROCESS,		// a process's small state
	RANK_CRED,
	RANK_PID,		// numbers of pid namespaces and what they name
	RANK_FS_CONTEXT,	// root, working folder, umask
	RANK_FS_CONTEXT_TABLE,	// which of them are on which mount
	RANK_MOUNT,		// mount hash
	RANK_DENTRY,		// a dentry (nested: parent before child)
	RANK_DENTRY_HASH,
	RANK_INODE_HASH,
	RANK_INODE,		// an inode's small state
	RANK_FILE,		// an open file's small state
	RANK_NET_SOCKET,	// a connection (nested: its listener)
	RANK_NET_BINDING,	// ports of connections
	RANK_PAGE_INDEX,	// a file's page index
	RANK_PAGE_LRU,
	RANK_CGROUP_COUNTER,
	RANK_NET_PORTS,		// bound sockets of a network namespace
	RANK_NET_TABLE,		// interfaces, addresses, routes, neighbours of one
	RANK_NET_DEVICE,	// a network device's small state
	RANK_SERVICE_LEAF,	// any small service table; takes only irq-class locks

	// Taken with interrupts off.
	RANK_IRQ = 200,
	RANK_SIGNAL,		// a process's signal state (timers send signals)
	RANK_SIGNAL_ACTION,	// the table of signal actions
	RANK_EVENT_SOURCE,	// state shared with an interrupt handler or a timer
	RANK_WAIT_QUEUE,
	RANK_WORK,		// the list of deferred work
	RANK_DEVICE_QUEUE,
	RANK_TIMER,
	RANK_RUN_QUEUE,		// (nested by CPU number)
	RANK_TASK,
	RANK_PAGE_TABLE,
	RANK_SLAB,
	RANK_PAGE_ALLOCATOR,
	RANK_CONSOLE,
	RANK_IRQ_LEAF,
	RANK_COUNT
};

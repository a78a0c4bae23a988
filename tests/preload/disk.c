/* A disk that fails on demand and can lose its power, put under an unmodified program by LD_PRELOAD.
 *
 * DISK_FOLDER is the folder it watches, everything below it included. DISK_STATE is a folder
 * outside of it with two files:
 *
 *   faults   what goes wrong, read at each operation, so that it can be changed while the program
 *            runs. One rule per line: OPERATION PATTERN FAULT SKIP COUNT.
 *              OPERATION  write, sync, create, truncate, rename, remove, or any
 *              PATTERN    part of the path below the folder, or *
 *              FAULT      a number: fail with that errno, and do nothing
 *                         short: write the first half
 *                         lie: say that a sync is done, though it is not
 *                         die: kill the process before the operation
 *              SKIP       so many operations pass first
 *              COUNT      so many fail then; 0: all
 *   journal  what the program has done to the folder and what it has synced, in order. Whoever
 *            knows the folder as it was before can tell from it what a loss of power may leave.
 *
 * Each operation is done and noted under one lock, so the order of notes is that of operations. A
 * sync is noted before and after: it covers what was noted before it began.
 *
 * Not seen: changes through mapped memory, for which SQLite's -shm file is left out, and system
 * calls made without libc. The reader of the journal compares it with the folder and so finds them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define FAULTS_BYTES 4096
#define RULES_MAX 32

/* The next definition of a function, usually libc's. */
#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name)
{
	void *symbol = dlsym(RTLD_NEXT, name);
	if (!symbol)
		abort();
	return symbol;
}

/* ------------------------------------------------------------------ journal */

/* INTENT stands before each operation: one without the operation behind it was cut off. */
enum kind { WRITE = 1, TRUNCATE, CREATE, REMOVE, RENAME, SYNC_BEGIN, SYNC_END, INTENT };

/* CREATE: a folder. TRUNCATE: it became shorter. SYNC_BEGIN: without what is needed for reading
 * only. SYNC_END: it failed. */
#define FLAG 1u

/* Followed by two names and the data. Numbers of files are inodes. */
struct note {
	uint32_t kind, flags;
	uint64_t file, folder, target_folder;
	uint64_t offset; /* or the new length, or the number of the sync */
	uint32_t name_bytes, target_name_bytes, data_bytes, padding;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_BYTES], faults_path[PATH_BYTES];
static int journal = -1;
static uint64_t syncs;

__attribute__((constructor)) static void start(void)
{
	const char *watched = getenv("DISK_FOLDER"), *state = getenv("DISK_STATE");
	char path[PATH_BYTES];

	if (!watched || !state || !realpath(watched, folder))
		return;
	snprintf(path, sizeof path, "%s/journal", state);
	snprintf(faults_path, sizeof faults_path, "%s/faults", state);
	journal = REAL(open)(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (journal < 0)
		abort();
	/* Numbers of syncs must differ from those of a process before. */
	syncs = (uint64_t)getpid() << 32;
}

static void note(struct note note, const char *name, const char *target, const void *data)
{
	struct iovec parts[] = {
		{ &note, sizeof note },
		{ (void *)name, note.name_bytes = name ? strlen(name) : 0 },
		{ (void *)target, note.target_name_bytes = target ? strlen(target) : 0 },
		{ (void *)data, note.data_bytes },
	};
	size_t bytes = 0;

	for (int i = 0; i < 4; i++)
		bytes += parts[i].iov_len;
	if (REAL(writev)(journal, parts, 4) != (ssize_t)bytes)
		abort();
}

/* -------------------------------------------------------------------- paths */

static int ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);
	return length >= tail && !strcmp(text + length - tail, end);
}

/* The part of an absolute path below the folder, "" for the folder itself; NULL elsewhere. */
static const char *below(const char *path)
{
	size_t length = strlen(folder);

	if (journal < 0 || strncmp(path, folder, length) || ends_with(path, "-shm"))
		return NULL;
	return path[length] == '/' ? path + length + 1 : path[length] ? NULL : "";
}

/* Is this a file or folder that is watched? `path` gets its name below the folder. */
static int is_watched(int fd, struct stat *status, char path[PATH_BYTES])
{
	char link[64], full[PATH_BYTES];
	const char *rest;
	ssize_t length;

	/* Sockets and pipes end here: this must cost little, and be allowed in a signal handler. */
	if (journal < 0 || fstat(fd, status) ||
	    !(S_ISREG(status->st_mode) || S_ISDIR(status->st_mode)))
		return 0;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	length = readlink(link, full, sizeof full - 1);
	if (length < 0)
		return 0;
	full[length] = 0;
	rest = below(full);
	if (!rest)
		return 0;
	strcpy(path, rest);
	return 1;
}

/* An entry of a folder that is watched. */
struct entry {
	char full[PATH_BYTES];
	const char *path, *name;
	uint64_t folder;
};

static int is_entry_watched(int at, const char *path, struct entry *entry)
{
	char text[2 * PATH_BYTES], link[64], parent[PATH_BYTES] = "";
	struct stat status;
	char *slash;

	if (journal < 0 || !path || strlen(path) >= PATH_BYTES)
		return 0;
	if (path[0] != '/' && at == AT_FDCWD) {
		if (!getcwd(parent, sizeof parent))
			return 0;
	} else if (path[0] != '/') {
		snprintf(link, sizeof link, "/proc/self/fd/%d", at);
		if (readlink(link, parent, sizeof parent - 1) < 0)
			return 0;
	}
	snprintf(text, sizeof text, "%s/%s", parent, path);
	while (strlen(text) > 1 && ends_with(text, "/"))
		text[strlen(text) - 1] = 0;
	slash = strrchr(text, '/');
	*slash = 0;
	if (!realpath(*text ? text : "/", parent) || stat(parent, &status))
		return 0;
	if (strlen(parent) + strlen(slash + 1) + 2 > sizeof entry->full)
		return 0;
	strcpy(entry->full, parent);
	strcat(strcat(entry->full, "/"), slash + 1);
	entry->path = below(entry->full);
	entry->name = strrchr(entry->full, '/') + 1;
	entry->folder = status.st_ino;
	return entry->path && *entry->path;
}

/* ------------------------------------------------------------------- faults */

enum { NONE = 0, SHORT = -1, LIE = -2 };

/* What happens to this operation. Under the lock. */
static int fault(const char *operation, const char *path)
{
	static char known[FAULTS_BYTES];
	static long counts[RULES_MAX];
	char text[FAULTS_BYTES], *rest = text, *line;
	int found = NONE, fd = REAL(open)(faults_path, O_RDONLY | O_CLOEXEC);
	ssize_t bytes = fd < 0 ? 0 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	text[bytes < 0 ? 0 : bytes] = 0;
	if (strcmp(text, known)) {
		strcpy(known, text);
		memset(counts, 0, sizeof counts);
	}
	for (int rule = 0; rule < RULES_MAX && (line = strsep(&rest, "\n")); rule++) {
		char what[16], pattern[256], how[16];
		long skip, count, before;

		if (sscanf(line, "%15s %255s %15s %ld %ld", what, pattern, how, &skip, &count) != 5)
			continue;
		if (strcmp(what, "any") && strcmp(what, operation))
			continue;
		if (strcmp(pattern, "*") && !strstr(path, pattern))
			continue;
		before = counts[rule]++;
		if (found != NONE || before < skip || (count && before >= skip + count))
			continue;
		if (!strcmp(how, "die"))
			kill(getpid(), SIGKILL);
		found = !strcmp(how, "short") ? SHORT : !strcmp(how, "lie") ? LIE : atoi(how);
	}
	note((struct note){ .kind = INTENT }, NULL, NULL, NULL);
	return found;
}

static int fails(const char *operation, const char *path)
{
	int found = fault(operation, path);

	if (found > 0)
		errno = found;
	return found > 0;
}

/* ------------------------------------------------------------------- writes */

/* `offset` is -1 where the file's own place counts. */
static ssize_t write_parts(int fd, const struct iovec *parts, int count, off_t offset)
{
	struct stat status;
	struct iovec half;
	char path[PATH_BYTES];
	ssize_t done = -1, left;
	off_t place = offset;
	int what;

	if (!is_watched(fd, &status, path) || !S_ISREG(status.st_mode))
		return offset < 0 ? REAL(writev)(fd, parts, count)
				  : REAL(pwritev)(fd, parts, count, offset);
	pthread_mutex_lock(&lock);
	what = fault("write", path);
	if (what == SHORT && parts[0].iov_len > 1) {
		half = (struct iovec){ parts[0].iov_base, parts[0].iov_len / 2 };
		parts = &half;
		count = 1;
	}
	if (what > 0) {
		errno = what;
	} else if (offset < 0) {
		if (fcntl(fd, F_GETFL) & O_APPEND)
			place = fstat(fd, &status) ? 0 : status.st_size;
		else
			place = lseek(fd, 0, SEEK_CUR);
		done = REAL(writev)(fd, parts, count);
	} else {
		done = REAL(pwritev)(fd, parts, count, offset);
	}
	left = done;
	for (int i = 0; i < count && left > 0; i++) {
		size_t bytes = parts[i].iov_len < (size_t)left ? parts[i].iov_len : (size_t)left;
		struct note written = { .kind = WRITE, .file = status.st_ino, .offset = place,
					.data_bytes = bytes };
		int error = errno;

		note(written, NULL, NULL, parts[i].iov_base);
		errno = error;
		place += bytes;
		left -= bytes;
	}
	pthread_mutex_unlock(&lock);
	return done;
}

ssize_t write(int fd, const void *data, size_t bytes)
{
	return write_parts(fd, &(struct iovec){ (void *)data, bytes }, 1, -1);
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset)
{
	return write_parts(fd, &(struct iovec){ (void *)data, bytes }, 1, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t offset)
{
	return pwrite(fd, data, bytes, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
	return write_parts(fd, parts, count, -1);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
	return write_parts(fd, parts, count, offset);
}

int ftruncate(int fd, off_t length)
{
	struct stat status;
	char path[PATH_BYTES];
	int result = -1;

	if (!is_watched(fd, &status, path))
		return REAL(ftruncate)(fd, length);
	pthread_mutex_lock(&lock);
	if (!fails("truncate", path) && !(result = REAL(ftruncate)(fd, length)))
		note((struct note){ .kind = TRUNCATE, .file = status.st_ino, .offset = length,
				    .flags = length < status.st_size ? FLAG : 0 },
		     NULL, NULL, NULL);
	pthread_mutex_unlock(&lock);
	return result;
}

int ftruncate64(int fd, off64_t length)
{
	return ftruncate(fd, length);
}

/* -------------------------------------------------------------------- syncs */

static int sync_file(int fd, int is_data_only)
{
	struct stat status;
	char path[PATH_BYTES];
	uint64_t number;
	int what, result = -1, error;

	if (!is_watched(fd, &status, path))
		return is_data_only ? REAL(fdatasync)(fd) : REAL(fsync)(fd);
	pthread_mutex_lock(&lock);
	what = fault("sync", path);
	number = ++syncs;
	note((struct note){ .kind = SYNC_BEGIN, .file = status.st_ino, .offset = number,
			    .flags = is_data_only ? FLAG : 0 },
	     NULL, NULL, NULL);
	pthread_mutex_unlock(&lock);
	if (what == LIE)
		return 0;
	/* Others go on meanwhile: what they do is not covered. */
	if (what > 0)
		errno = what;
	else
		result = is_data_only ? REAL(fdatasync)(fd) : REAL(fsync)(fd);
	error = errno;
	pthread_mutex_lock(&lock);
	note((struct note){ .kind = SYNC_END, .offset = number, .flags = result ? FLAG : 0 },
	     NULL, NULL, NULL);
	pthread_mutex_unlock(&lock);
	errno = error;
	return result;
}

int fsync(int fd)
{
	return sync_file(fd, 0);
}

int fdatasync(int fd)
{
	return sync_file(fd, 1);
}

/* ------------------------------------------------------------------ entries */

static int open_at(int at, const char *path, int flags, mode_t mode)
{
	struct entry entry;
	struct stat status;
	int exists, fd = -1;

	if (!(flags & (O_CREAT | O_TRUNC)) || (flags & O_TMPFILE) == O_TMPFILE ||
	    !is_entry_watched(at, path, &entry))
		return REAL(openat)(at, path, flags, mode);
	pthread_mutex_lock(&lock);
	exists = !lstat(entry.full, &status);
	if (!exists && (flags & O_CREAT) && fails("create", entry.path))
		goto out;
	if (exists && (flags & O_TRUNC) && fails("truncate", entry.path))
		goto out;
	fd = REAL(openat)(at, path, flags, mode);
	if (fd < 0)
		goto out;
	if (exists && (flags & O_TRUNC) && status.st_size > 0) {
		note((struct note){ .kind = TRUNCATE, .file = status.st_ino, .flags = FLAG },
		     NULL, NULL, NULL);
	} else if (!exists) {
		if (fstat(fd, &status))
			abort();
		note((struct note){ .kind = CREATE, .file = status.st_ino,
				    .folder = entry.folder },
		     entry.name, NULL, NULL);
	}
out:
	pthread_mutex_unlock(&lock);
	return fd;
}

#define MODE(flags)                              \
	({                                       \
		mode_t mode = 0;                 \
		if ((flags) & O_CREAT) {         \
			va_list rest;            \
			va_start(rest, flags);   \
			mode = va_arg(rest, int); \
			va_end(rest);            \
		}                                \
		mode;                            \
	})

int open(const char *path, int flags, ...)
{
	return open_at(AT_FDCWD, path, flags, MODE(flags));
}

int open64(const char *path, int flags, ...)
{
	return open_at(AT_FDCWD, path, flags, MODE(flags));
}

int openat(int at, const char *path, int flags, ...)
{
	return open_at(at, path, flags, MODE(flags));
}

int openat64(int at, const char *path, int flags, ...)
{
	return open_at(at, path, flags, MODE(flags));
}

int mkdirat(int at, const char *path, mode_t mode)
{
	struct entry entry;
	struct stat status;
	int result = -1;

	if (!is_entry_watched(at, path, &entry))
		return REAL(mkdirat)(at, path, mode);
	pthread_mutex_lock(&lock);
	if (!fails("create", entry.path) && !(result = REAL(mkdirat)(at, path, mode))) {
		if (lstat(entry.full, &status))
			abort();
		note((struct note){ .kind = CREATE, .flags = FLAG, .file = status.st_ino,
				    .folder = entry.folder },
		     entry.name, NULL, NULL);
	}
	pthread_mutex_unlock(&lock);
	return result;
}

int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

int unlinkat(int at, const char *path, int flags)
{
	struct entry entry;
	int result = -1;

	if (!is_entry_watched(at, path, &entry))
		return REAL(unlinkat)(at, path, flags);
	pthread_mutex_lock(&lock);
	if (!fails("remove", entry.path) && !(result = REAL(unlinkat)(at, path, flags)))
		note((struct note){ .kind = REMOVE, .folder = entry.folder }, entry.name, NULL,
		     NULL);
	pthread_mutex_unlock(&lock);
	return result;
}

int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
	return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int renameat2(int at, const char *path, int target_at, const char *target_path, unsigned flags)
{
	struct entry entry, target;
	struct stat status;
	int result = -1;

	/* Moving in and out of the folder is not modelled. */
	if (!is_entry_watched(at, path, &entry) ||
	    !is_entry_watched(target_at, target_path, &target))
		return REAL(renameat2)(at, path, target_at, target_path, flags);
	pthread_mutex_lock(&lock);
	if (!fails("rename", entry.path) &&
	    !(result = REAL(renameat2)(at, path, target_at, target_path, flags))) {
		if (lstat(target.full, &status))
			abort();
		note((struct note){ .kind = RENAME, .file = status.st_ino, .folder = entry.folder,
				    .target_folder = target.folder },
		     entry.name, target.name, NULL);
	}
	pthread_mutex_unlock(&lock);
	return result;
}

int renameat(int at, const char *path, int target_at, const char *target_path)
{
	return renameat2(at, path, target_at, target_path, 0);
}

int rename(const char *path, const char *target)
{
	return renameat2(AT_FDCWD, path, AT_FDCWD, target, 0);
}

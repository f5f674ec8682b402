/*
 * System calls that Node does not offer. `calls <verb>` works in the current folder and prints what it saw, a word at a
 * time: numbers, texts, and names of errors.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static void number(long value) { printf("%ld ", value); }
static void text(const char *value) { printf("%s ", value); }

/* What a call answered, or the name of its error. */
static long result(long value) {
  if (value < 0) text(strerrorname_np(errno));
  else number(value);
  return value;
}

/* Only whether it went well. */
static void outcome(long value) { text(value < 0 ? strerrorname_np(errno) : "ok"); }

static int opened(const char *path, int flags) {
  int fd = open(path, flags, 0644);
  if (fd >= 0) return fd;
  text(path);
  text(strerrorname_np(errno));
  exit(0);
}

static void put(int fd, const char *bytes) { result(write(fd, bytes, strlen(bytes))); }

static void get(int fd, long at, int length) {
  char bytes[256] = {0};
  result(pread(fd, bytes, length, at));
  text(bytes);
}

static void file(const char *path, int size) {
  char bytes[size];
  for (int i = 0; i < size; i++) bytes[i] = 'a' + i % 26;
  int fd = opened(path, O_CREAT | O_WRONLY | O_TRUNC);
  write(fd, bytes, size);
  close(fd);
}

static int child(void) {
  fflush(stdout);
  return fork() == 0;
}

static void joined(void) {
  while (wait(NULL) > 0) continue;
}

/* A shared mapping is written to, also after its handle was closed. */
static void map_shared(void) {
  file("m", 9000);
  int fd = opened("m", O_RDWR);
  char *map = mmap(NULL, 9000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  outcome(map == MAP_FAILED ? -1 : 0);
  memcpy(map, "HEAD", 4);
  outcome(msync(map, 9000, MS_SYNC));
  get(fd, 0, 6);
  close(fd);
  memcpy(map + 8000, "LATE", 4);
  outcome(munmap(map, 9000));
  fd = opened("m", O_RDONLY);
  get(fd, 0, 6);
  get(fd, 7998, 8);
}

/* A mapping is written to where it was made, also of a handle that appends. */
static void map_appending(void) {
  file("m", 9000);
  int fd = opened("m", O_RDWR | O_APPEND);
  char *map = mmap(NULL, 9000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  memcpy(map + 5000, "HERE", 4);
  put(fd, "end");
  outcome(msync(map, 9000, MS_SYNC));
  memcpy(map, "HEAD", 4);
  munmap(map, 9000);
  outcome(close(fd));
  fd = opened("m", O_RDONLY);
  get(fd, 0, 6);
  get(fd, 4998, 8);
  get(fd, 8998, 100);
}

/* What write(2) writes shows in a mapping, and a private mapping shows nowhere. */
static void map_seen(void) {
  file("m", 5000);
  int fd = opened("m", O_RDWR);
  char *shared = mmap(NULL, 5000, PROT_READ, MAP_SHARED, fd, 0);
  char *own = mmap(NULL, 5000, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  printf("%.3s ", shared);
  pwrite(fd, "XYZ", 3, 0);
  printf("%.3s ", shared);
  memcpy(own + 4500, "mine", 4);
  get(fd, 4500, 4);
  munmap(own, 5000);
  munmap(shared, 5000);
}

/* Whole-file and ranged locks keep another process out, until they are let go. */
static void locks(void) {
  file("l", 10);
  int fd = opened("l", O_RDWR);
  outcome(flock(fd, LOCK_EX));
  struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 5};
  outcome(fcntl(fd, F_SETLK, &range));
  for (int held = 1; held >= 0; held--) {
    if (child()) {
      int other = opened("l", O_RDWR);
      outcome(flock(other, LOCK_EX | LOCK_NB));
      outcome(fcntl(other, F_SETLK, &range));
      range.l_start = 5;
      outcome(fcntl(other, F_SETLK, &range));
      fflush(stdout);
      _exit(0);
    }
    joined();
    range.l_type = F_UNLCK;
    flock(fd, LOCK_UN);
    fcntl(fd, F_SETLK, &range);
    range.l_type = F_WRLCK;
  }
}

static void allocate(void) {
  int fd = opened("f", O_CREAT | O_RDWR);
  result(posix_fallocate(fd, 0, 10000));
  number(lseek(fd, 0, SEEK_END));
  get(fd, 9990, 1);
}

static void punch(void) {
  file("f", 9000);
  int fd = opened("f", O_RDWR);
  outcome(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
}

static void seek(void) {
  file("f", 9000);
  int fd = opened("f", O_RDONLY);
  result(lseek(fd, 0, SEEK_DATA));
  result(lseek(fd, 0, SEEK_HOLE));
  result(lseek(fd, 100, SEEK_DATA));
  result(lseek(fd, 9000, SEEK_DATA));
  result(lseek(fd, -1, SEEK_SET));
  result(lseek(fd, 5, SEEK_END));
}

/* Entries are unlinked while they are listed: those that stay are told once, those that go at most once. */
static void list_deleting(void) {
  char name[32];
  int told[200] = {0}, twice = 0, missed = 0, dots = 0, at = 0;
  for (int i = 0; i < 200; i++) {
    sprintf(name, "e%d", i);
    close(opened(name, O_CREAT | O_WRONLY));
  }
  DIR *dir = opendir(".");
  for (struct dirent *entry; (entry = readdir(dir)); at++) {
    if (entry->d_name[0] == '.') dots++;
    else if (told[atoi(entry->d_name + 1)]++) twice++;
    if (at == 30)
      for (int i = 1; i < 200; i += 2) {
        sprintf(name, "e%d", i);
        unlink(name);
      }
  }
  for (int i = 0; i < 200; i += 2) missed += !told[i];
  number(dots), number(twice), number(missed);
  rewinddir(dir);
  int left = 0;
  while (readdir(dir)) left++;
  number(left);
  closedir(dir);
}

/* A folder is made empty as `rm -r` does: while it is read. */
static void list_clearing(void) {
  char name[32];
  mkdir("d", 0755);
  for (int i = 0; i < 150; i++) {
    sprintf(name, "d/e%d", i);
    close(opened(name, O_CREAT | O_WRONLY));
  }
  DIR *dir = opendir("d");
  for (struct dirent *entry; (entry = readdir(dir));) {
    sprintf(name, "d/%.20s", entry->d_name);
    if (entry->d_name[0] != '.') unlink(name);
  }
  closedir(dir);
  outcome(rmdir("d"));
}

/* Duplicates share their offset and outlive each other, in other processes too. */
static void duplicates(void) {
  int fd = opened("f", O_CREAT | O_RDWR);
  int twin = dup(fd);
  put(fd, "one");
  put(twin, "two");
  number(lseek(fd, 0, SEEK_CUR));
  outcome(close(fd));
  put(twin, "three");
  if (child()) {
    put(twin, "four");
    fflush(stdout);
    _exit(0);
  }
  joined();
  put(twin, "five");
  get(twin, 0, 50);
  outcome(close(twin));
}

/* Several processes append: every line arrives, whole. */
static void append(void) {
  for (int who = 0; who < 3; who++) {
    if (!child()) continue;
    int fd = opened("log", O_CREAT | O_WRONLY | O_APPEND);
    char line[32];
    for (int i = 0; i < 100; i++) {
      int length = sprintf(line, "process %d line %d\n", who, i);
      if (write(fd, line, length) != length) _exit(1);
    }
    _exit(0);
  }
  joined();
}

/* The same through handles that are opened and closed for each line. */
static void append_reopening(void) {
  for (int who = 0; who < 2; who++) {
    if (!child()) continue;
    for (int i = 0; i < 20; i++) {
      FILE *log = fopen("log", "a");
      if (!log || fprintf(log, "process %d line %d\n", who, i) < 0 || fclose(log) != 0) _exit(1);
    }
    _exit(0);
  }
  joined();
}

/* Of several that make the same, one wins. */
static void races(void) {
  char name[32];
  for (int i = 0; i < 10; i++) {
    sprintf(name, i % 2 ? "folder%d" : "file%d", i);
    for (int who = 0; who < 3; who++) {
      if (!child()) continue;
      long made = i % 2 ? mkdir(name, 0755) : open(name, O_CREAT | O_EXCL | O_WRONLY, 0644);
      if (made < 0 && errno != EEXIST) text(strerrorname_np(errno));
      if (made >= 0) text(name);
      fflush(stdout);
      _exit(0);
    }
    joined();
  }
}

/*
 * While one process saves by rename, another never misses the file four times running, nor sees half of it. (Over FUSE a look-up
 * and an open are two steps. The kernel tries both once more; on a busy machine a rename can come between them again.)
 */
static void replacing(void) {
  file("target", 100);
  if (child()) {
    for (int i = 0; i < 40; i++) {
      file("temp", 100);
      if (rename("temp", "target") != 0) text(strerrorname_np(errno));
    }
    close(opened("over", O_CREAT | O_WRONLY));
    fflush(stdout);
    _exit(0);
  }
  int missed = 0, torn = 0;
  for (struct stat over; stat("over", &over) != 0;) {
    char bytes[200];
    int fd = -1;
    for (int tries = 0; fd < 0 && tries < 4; tries++) fd = open("target", O_RDONLY);
    if (fd < 0) {
      missed++;
      continue;
    }
    torn += read(fd, bytes, 200) != 100;
    close(fd);
  }
  joined();
  number(missed), number(torn);
}

static void sized(const char *path) {
  struct stat seen;
  if (result(stat(path, &seen)) == 0) number(seen.st_size);
}

static int moved(const char *from, const char *to, unsigned flags) {
  return renameat2(AT_FDCWD, from, AT_FDCWD, to, flags);
}

static void rename_keeping(void) {
  file("a", 1), file("b", 2), mkdir("d", 0755);
  outcome(moved("a", "b", RENAME_NOREPLACE));
  outcome(moved("a", "d", RENAME_NOREPLACE));
  outcome(moved("a", "d/a", RENAME_NOREPLACE));
  outcome(moved("a", "c", RENAME_NOREPLACE));
  outcome(moved("d", "e", RENAME_NOREPLACE));
  sized("a"), sized("b"), sized("d/a"), sized("e/a");
}

static void rename_exchanging(void) {
  file("a", 1), file("b", 2);
  outcome(moved("a", "b", RENAME_EXCHANGE));
  sized("a"), sized("b");
}

static void attributes(void) {
  char value[16];
  file("f", 1);
  outcome(setxattr("f", "user.comment", "x", 1, 0));
  outcome(getxattr("f", "user.comment", value, sizeof value));
  outcome(listxattr("f", value, sizeof value));
}

static void no_files(void) {
  file("f", 1);
  outcome(symlink("f", "symlink"));
  outcome(link("f", "link"));
  outcome(mkfifo("fifo", 0644));
  outcome(mknod("device", S_IFCHR | 0644, 0x103));
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
  outcome(bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address));
}

static void copy_range(void) {
  file("from", 5000);
  int from = opened("from", O_RDONLY), to = opened("to", O_CREAT | O_RDWR);
  long copied = 0;
  for (long got; (got = copy_file_range(from, NULL, to, NULL, 5000, 0)) > 0;) copied += got;
  number(copied);
  get(to, 4990, 10);
}

/* Only the time that was meant is set. */
static void times(void) {
  file("f", 1);
  struct stat seen;
  const struct timespec both[] = {{1000000000, 0}, {1100000000, 0}};
  const struct timespec access[] = {{1200000000, 0}, {0, UTIME_OMIT}};
  const struct timespec change[] = {{0, UTIME_OMIT}, {1300000000, 0}};
  utimensat(AT_FDCWD, "f", both, 0);
  utimensat(AT_FDCWD, "f", access, 0);
  stat("f", &seen);
  number(seen.st_mtime);
  utimensat(AT_FDCWD, "f", change, 0);
  stat("f", &seen);
  number(seen.st_mtime);
  utimensat(AT_FDCWD, "f", NULL, 0);
  stat("f", &seen);
  number(seen.st_mtime > 1700000000);
}

static void open_flags(void) {
  file("f", 3);
  mkdir("d", 0755);
  outcome(open("f", O_RDONLY | O_DIRECTORY));
  outcome(open("d", O_RDONLY | O_DIRECTORY));
  outcome(open("d", O_RDONLY));
  outcome(open("d", O_WRONLY));
  outcome(open("f", O_RDONLY | O_NOFOLLOW));
  outcome(open("d", O_CREAT | O_WRONLY, 0644));
  int fd = opened("f", O_RDONLY);
  outcome(ftruncate(fd, 1));
  outcome(truncate("f", -1));
  fd = opened("f", O_RDWR | O_APPEND);
  result(pwrite(fd, "end", 3, 0));
  get(fd, 0, 10);
  outcome(fcntl(fd, F_SETFL, 0));
  result(pwrite(fd, "B", 1, 0));
  get(fd, 0, 10);
  outcome(fcntl(fd, F_SETFL, O_APPEND));
  result(pwrite(fd, "!", 1, 0));
  get(fd, 0, 10);
}

static const struct {
  const char *name;
  void (*run)(void);
} VERBS[] = {
  {"map-shared", map_shared},   {"map-seen", map_seen},
  {"map-appending", map_appending},
  {"locks", locks},             {"allocate", allocate},
  {"punch", punch},             {"seek", seek},
  {"list-deleting", list_deleting}, {"list-clearing", list_clearing},
  {"duplicates", duplicates},   {"append", append},
  {"append-reopening", append_reopening}, {"races", races},
  {"replacing", replacing},     {"rename-keeping", rename_keeping},
  {"rename-exchanging", rename_exchanging}, {"attributes", attributes},
  {"no-files", no_files},       {"copy-range", copy_range},
  {"times", times},             {"open-flags", open_flags},
};

int main(int count, char **words) {
  for (unsigned i = 0; count == 2 && i < sizeof VERBS / sizeof *VERBS; i++) {
    if (strcmp(words[1], VERBS[i].name) != 0) continue;
    VERBS[i].run();
    return 0;
  }
  return 2;
}

/*
 * Stands between the executable and its disk (LD_PRELOAD): counts the calls that make something durable, and makes one of them fail, hang, tear or
 * be the last of the process, when the control file says so. Bun reaches fdatasync and fsync by name and pwritev through syscall(); writes
 * of a single buffer go to the kernel directly and are not seen. shim.ts is the other side of the control file.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { NOTHING, FAIL, FAIL_DONE, STALL, DIE_BEFORE, DIE_TORN, DIE_AFTER, FULL };

struct control {
  /** Which fault; the other side writes it last. */
  atomic_int armed;
  /** So many calls pass before it. */
  atomic_int after;
  /** STALL: milliseconds. DIE_TORN: thousandths of the write that are done. */
  atomic_int argument;
  /** Since the file was made, over all processes. */
  atomic_int calls;
  atomic_int hits;
};

static struct control *control;
static int (*real_fdatasync)(int);
static int (*real_fsync)(int);
static long (*real_syscall)(long, ...);

__attribute__((constructor)) static void prepare(void) {
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_syscall = dlsym(RTLD_NEXT, "syscall");
  const char *path = getenv("FSYNC_SHIM");
  if (path == NULL) return;
  int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  void *at = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (at != MAP_FAILED) control = at;
  close(file);
}

/** What happens to this call. All but FULL happen once. */
static int fault(void) {
  if (control == NULL) return NOTHING;
  atomic_fetch_add(&control->calls, 1);
  int kind = atomic_load(&control->armed);
  if (kind == NOTHING || atomic_fetch_sub(&control->after, 1) > 0) return NOTHING;
  if (kind != FULL && !atomic_compare_exchange_strong(&control->armed, &kind, NOTHING)) return NOTHING;
  atomic_fetch_add(&control->hits, 1);
  return kind;
}

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static int failed(int error) {
  errno = error;
  return -1;
}

static void stall(void) {
  int left = atomic_load(&control->argument);
  struct timespec rest = { left / 1000, left % 1000 * 1000000L };
  while (nanosleep(&rest, &rest) != 0 && errno == EINTR) {
  }
}

static int synced(int (*real)(int), int file) {
  switch (fault()) {
    case FAIL: return failed(EIO);
    case FAIL_DONE: real(file); return failed(EIO);
    case FULL: return failed(ENOSPC);
    case STALL: stall(); break;
    case DIE_BEFORE: case DIE_TORN: die(); break;
    case DIE_AFTER: real(file); die(); break;
  }
  return real(file);
}

int fdatasync(int file) { return synced(real_fdatasync, file); }
int fsync(int file) { return synced(real_fsync, file); }

/** The first bytes of the buffers, then nothing more. */
static void tear(int file, const struct iovec *buffers, long count, long offset) {
  long bytes = 0;
  for (long i = 0; i < count; i++) bytes += buffers[i].iov_len;
  bytes = bytes * atomic_load(&control->argument) / 1000;
  for (long i = 0; i < count && bytes > 0; i++) {
    long part = (long)buffers[i].iov_len < bytes ? (long)buffers[i].iov_len : bytes;
    if (pwrite(file, buffers[i].iov_base, part, offset) != part) break;
    bytes -= part;
    offset += part;
  }
  die();
}

long syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  long a = va_arg(list, long), b = va_arg(list, long), c = va_arg(list, long), d = va_arg(list, long), e = va_arg(list, long),
       f = va_arg(list, long);
  va_end(list);
  if (number == SYS_pwritev || number == SYS_pwritev2) {
    switch (fault()) {
      case FAIL: return failed(EIO);
      case FAIL_DONE: real_syscall(number, a, b, c, d, e, f); return failed(EIO);
      case FULL: return failed(ENOSPC);
      case STALL: stall(); break;
      case DIE_BEFORE: die(); break;
      case DIE_TORN: tear((int)a, (const struct iovec *)b, c, d); break;
      case DIE_AFTER: real_syscall(number, a, b, c, d, e, f); die(); break;
    }
  }
  return real_syscall(number, a, b, c, d, e, f);
}

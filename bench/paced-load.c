/* paced-load: visitors that come at a steady rate, over the line protocol and a unix socket. A slow
 * daemon does not slow them down.
 *
 *   cc -O2 -o paced-load paced-load.c
 *   ./paced-load SOCKET SECONDS CONNECTIONS RATE APPLICATIONS
 *
 * Each visitor names an application, app-0 to app-(APPLICATIONS - 1) in turn, and its number is in every
 * canary. Its wait begins when it asks, even if the daemon stands still and later visitors queue up. Prints
 * one JSON line: the visitors that asked, that got an answer, and that went to the canary, and their waits in
 * microseconds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BUCKETS 2000000 /* one microsecond each; the last holds everything slower */
#define IN_FLIGHT 65536 /* on one connection; a power of two */
#define DRAIN_S 2.0     /* for the last replies */

typedef struct { int fd; unsigned head, tail; int lines, column; char location; double *asked; } conn;

static long latency[BUCKETS], sent, answered, canaries, lost;
static double slowest;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void heard(conn *c, const char *bytes, int count) {
  double at = now();
  for (int i = 0; i < count; i++) {
    if (bytes[i] != '\n') {
      if (c->column++ == 0) c->location = bytes[i];
      continue;
    }
    c->column = 0;
    if (++c->lines < 2) continue;
    c->lines = 0;
    double waited = at - c->asked[c->head++ & (IN_FLIGHT - 1)];
    long us = (long)(waited * 1e6);
    latency[us < BUCKETS ? us : BUCKETS - 1]++;
    if (waited > slowest) slowest = waited;
    answered++;
    if (c->location == 'c') canaries++;
  }
}

static long percentile(double part) {
  long seen = 0, wanted = (long)(answered * part);
  for (long us = 0; us < BUCKETS; us++) {
    seen += latency[us];
    if (seen > wanted) return us;
  }
  return BUCKETS;
}

int main(int argc, char **argv) {
  if (argc != 6) return fprintf(stderr, "usage: paced-load SOCKET SECONDS CONNECTIONS RATE APPLICATIONS\n"), 2;
  double seconds = atof(argv[2]), rate = atof(argv[4]);
  int connections = atoi(argv[3]), applications = atoi(argv[5]);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
  int epoll_fd = epoll_create1(0);
  conn *all = calloc(connections, sizeof *all);
  for (int i = 0; i < connections; i++) {
    all[i].fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(all[i].fd, (struct sockaddr *)&address, sizeof address) != 0) return perror("connect"), 1;
    fcntl(all[i].fd, F_SETFL, O_NONBLOCK);
    all[i].asked = calloc(IN_FLIGHT, sizeof(double));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, all[i].fd, &event);
  }
  double began = now(), end = began + seconds;
  for (;;) {
    double at = now();
    long due = (long)(((at < end ? at : end) - began) * rate);
    for (; sent + lost < due; ) {
      conn *c = &all[(sent + lost) % connections];
      char request[64];
      int length = sprintf(request, "0.1 application=app-%ld\n", (sent + lost) % applications);
      if (c->tail - c->head >= IN_FLIGHT || send(c->fd, request, length, MSG_NOSIGNAL) != length) {
        lost++;
        continue;
      }
      c->asked[c->tail++ & (IN_FLIGHT - 1)] = now();
      sent++;
    }
    if ((at >= end && answered == sent) || at > end + DRAIN_S) break;
    struct epoll_event events[64];
    int count = epoll_wait(epoll_fd, events, 64, 1);
    for (int i = 0; i < count; i++) {
      conn *c = events[i].data.ptr;
      char bytes[65536];
      int got = recv(c->fd, bytes, sizeof bytes, 0);
      if (got > 0) heard(c, bytes, got);
      else if (got == 0 || (errno != EAGAIN && errno != EINTR)) return fprintf(stderr, "a connection ended\n"), 1;
    }
  }
  printf("{\"asked\":%ld,\"answered\":%ld,\"canaries\":%ld,\"lost\":%ld,\"p50\":%ld,\"p99\":%ld,\"slowest\":%.0f}\n",
         sent, answered, canaries, lost, percentile(0.5), percentile(0.99), slowest * 1e6);
  return 0;
}

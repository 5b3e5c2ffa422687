/* wait-load: the waits of a web server's visitors, at a rate that does not depend on the server's answers.
 *
 *   cc -O2 -o wait-load wait-load.c -lm && ./wait-load 127.0.0.1 8080 5000 2
 *
 * Arguments: address, port, requests a second, seconds. Visitors come at random moments (exponential gaps, a
 * fixed seed). Each takes a free connection. A visitor's wait begins when it comes, and includes the wait for
 * a connection. If the server stops for a while, all visitors that come in that time wait for it. The first
 * moments do not count, because all connections are new then. Prints the percentiles in microseconds as JSON.
 * Any reply other than 200 is an error.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS 64
#define WAITING_MAX 65536
#define REPLY_MAX 16384
#define WARM_NS 200000000LL

/* Visitors of one arc. One in ten has a 0 as sixth decimal: the share of reports that proxies may send. */
static char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\nCookie: maxwellsdaemon=0.420000\r\n\r\n";
#define REQUEST_BYTES (sizeof request - 1)
#define SIXTH_DECIMAL (REQUEST_BYTES - 5)

struct connection { int fd, length, is_free; long long came; char reply[REPLY_MAX]; };

static struct sockaddr_in address = {.sin_family = AF_INET};
static int poll_fd;
static struct connection connections[CONNECTIONS];
static int free_list[CONNECTIONS], free_count;
static long long waiting[WAITING_MAX];
static int first_waiting, waiting_count;
static unsigned *took;
static long took_count, took_max;
static long long counted_from;
static unsigned long long seed = 88172645463325252ULL;

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static double uniform(void) { /* xorshift64 */
  seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
  return ((seed >> 11) + 1) / 9007199254740993.0;
}

static void fail(const char *what) {
  fprintf(stderr, "wait-load: %s (%s)\n", what, strerror(errno));
  exit(1);
}

static void open_connection(int index) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  if (connect(fd, (struct sockaddr *)&address, sizeof address)) fail("no server listens");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  struct epoll_event e = {.events = EPOLLIN, .data.u32 = index};
  epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &e);
  connections[index].fd = fd;
}

static void reopen(int index) {
  close(connections[index].fd);
  open_connection(index);
}

static void ask(int index, long long came) {
  struct connection *c = &connections[index];
  c->came = came, c->length = 0, c->is_free = 0;
  request[SIXTH_DECIMAL] = request[SIXTH_DECIMAL] == '9' ? '0' : request[SIXTH_DECIMAL] + 1;
  if (write(c->fd, request, REQUEST_BYTES) != REQUEST_BYTES) fail("a request was not taken");
}

/* Whether the reply is complete. Ends the program for any reply other than 200 with a length. */
static int is_whole(struct connection *c) {
  c->reply[c->length] = 0;
  char *end = strstr(c->reply, "\r\n\r\n");
  if (!end) return 0;
  if (strncmp(c->reply, "HTTP/1.1 200", 12)) fail("a status that is not 200");
  char *field = strcasestr(c->reply, "\r\ncontent-length:");
  if (!field || field > end) fail("a reply without a length");
  return c->length >= end + 4 - c->reply + atoi(field + 17);
}

static void answered(int index) {
  struct connection *c = &connections[index];
  c->is_free = 1;
  if (strcasestr(c->reply, "\r\nconnection: close")) reopen(index);
  if (c->came >= counted_from && took_count < took_max) took[took_count++] = (now() - c->came) / 1000;
  if (waiting_count) {
    long long came = waiting[first_waiting];
    first_waiting = (first_waiting + 1) % WAITING_MAX, waiting_count--;
    ask(index, came);
  } else free_list[free_count++] = index;
}

static int by_size(const void *a, const void *b) { return (*(unsigned *)a > *(unsigned *)b) - (*(unsigned *)a < *(unsigned *)b); }

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  address.sin_port = htons(atoi(argv[2]));
  inet_pton(AF_INET, argv[1], &address.sin_addr);
  double rate = atof(argv[3]);
  long long begin = now(), next = begin;
  counted_from = begin + WARM_NS;
  long long end = counted_from + (long long)(atof(argv[4]) * 1e9);
  took_max = (long)(rate * atof(argv[4]) * 2) + 1000;
  took = malloc(took_max * sizeof *took);
  poll_fd = epoll_create1(0);
  for (int i = 0; i < CONNECTIONS; i++) {
    open_connection(i);
    connections[i].is_free = 1;
    free_list[free_count++] = i;
  }
  struct epoll_event events[CONNECTIONS];
  for (;;) {
    long long t = now();
    while (next <= t && next < end) {
      if (free_count) ask(free_list[--free_count], next);
      else if (waiting_count == WAITING_MAX) fail("too many wait");
      else waiting[(first_waiting + waiting_count++) % WAITING_MAX] = next;
      next += (long long)(-log(uniform()) / rate * 1e9);
    }
    if (next >= end && free_count == CONNECTIONS) break;
    if (t > end + 10000000000LL) fail("not everybody was answered");
    long long left = next < end && next > t ? next - t : 10000000;
    struct timespec timeout = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
    int n = epoll_pwait2(poll_fd, events, CONNECTIONS, &timeout, 0);
    for (int i = 0; i < n; i++) {
      int index = events[i].data.u32;
      struct connection *c = &connections[index];
      int got = read(c->fd, c->reply + c->length, REPLY_MAX - 1 - c->length);
      if (got < 0 && errno == EAGAIN) continue;
      if (got <= 0 && c->is_free) {
        reopen(index); /* servers end connections that were used often, or not for long */
        continue;
      }
      if (got <= 0) fail("a connection ended before its reply");
      c->length += got;
      if (is_whole(c)) answered(index);
    }
  }
  double seconds = (now() - counted_from) / 1e9;
  qsort(took, took_count, sizeof *took, by_size);
  printf("{\"requests\":%ld,\"seconds\":%.3f,\"p50Us\":%u,\"p99Us\":%u,\"maxUs\":%u}\n", took_count, seconds, took[took_count / 2],
         took[(long)(took_count * 0.99)], took[took_count - 1]);
  return 0;
}

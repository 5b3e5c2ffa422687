/** The yardstick for HTTP: what Bun's server does when there is nothing to do. Prints where it listens. */

const server = Bun.serve({ hostname: "127.0.0.1", port: 0, development: false, fetch: () => new Response() });
console.log(server.url.origin);

/** The yardstick for HTTP: Bun's server with an empty handler. Prints its address. */

const server = Bun.serve({ hostname: "127.0.0.1", port: 0, development: false, fetch: () => new Response() });
console.log(server.url.origin);

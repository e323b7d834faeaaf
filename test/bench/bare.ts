// The other side of the hot path: `Bun.serve` that answers one body under the same headers to everybody.
const { body, headers } = JSON.parse(process.env["BENCH_ANSWER"]!) as {
  body: string;
  headers: Record<string, string>;
};
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: () => new Response(body, { headers }),
});
console.log(`Duet is ready at http://127.0.0.1:${server.port}`);

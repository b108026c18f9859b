// The network between the daemon and a node, in the test's hands: a wire that can be cut or led elsewhere, and a
// provider that changes answers.
import http from "node:http";
import net from "node:net";
import { onEnd } from "./cleanup.mjs";

const listen = (server, port) =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server.address().port));
  });

/// A free port; somebody else could take it before it is used, which is as good as it gets for programs that cannot
/// listen on port 0.
export async function freePort() {
  const server = net.createServer();
  const port = await listen(server, 0);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/// A TCP wire to 127.0.0.1:`target`. `cut()` resets what goes through it and refuses new connections; `lead(target)`
/// resets it and leads to another port from then on.
export async function startWire(t, target) {
  const sockets = new Set();
  let to = target;
  const accept = (near) => {
    const far = net.connect(to, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => (sockets.delete(socket), near.destroy(), far.destroy()));
    }
    near.pipe(far).pipe(near);
  };
  let server = net.createServer(accept);
  const port = await listen(server, 0);
  const reset = () => sockets.forEach((socket) => socket.resetAndDestroy?.() ?? socket.destroy());
  async function cut() {
    reset();
    if (server.listening) await new Promise((resolve) => (server.close(resolve), reset()));
  }
  async function lead(next) {
    await cut();
    to = next;
    server = net.createServer(accept);
    await listen(server, port);
  }
  onEnd(t, cut);
  return { port, http: `http://127.0.0.1:${port}`, ws: `ws://127.0.0.1:${port}`, cut, lead };
}

/// A provider that asks the node at `url` and hands its answers on through `change(method, result)`.
export async function startLiar(t, url, change) {
  let lies = 0;
  const server = http.createServer(async (request, response) => {
    try {
      let body = "";
      for await (const chunk of request.setEncoding("utf8")) body += chunk;
      const asked = JSON.parse(body);
      const answer = await (await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body })).json();
      const one = (question, reply) => {
        const result = change(question.method, reply.result);
        if (result !== reply.result) lies += 1;
        return { ...reply, result };
      };
      const said = Array.isArray(asked) ? answer.map((reply) => one(asked.find((q) => q.id === reply.id), reply)) : one(asked, answer);
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(said));
    } catch {
      response.statusCode = 502;
      response.end();
    }
  });
  const port = await listen(server, 0);
  onEnd(t, () => (server.closeAllConnections(), server.close()));
  return { http: `http://127.0.0.1:${port}`, lies: () => lies };
}

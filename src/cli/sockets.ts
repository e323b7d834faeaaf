import { openSync, closeSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { dlopen, ptr } from "bun:ffi";

/**
 * What a takeover needs of Linux and Bun does not have: a port that two processes share for a moment, of which the newer one
 * gets every new connection, and a listening socket that is closed while its connections live on.
 */

const SOL_SOCKET = 1;
const SO_REUSEPORT = 15;
const SO_ATTACH_REUSEPORT_CBPF = 51;
/** Of /proc/net/tcp (proc_net_tcp.txt). */
const ESTABLISHED = "01";
const LISTEN = "0A";

const CALLS = {
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  dup2: { args: ["i32", "i32"], returns: "i32" },
} as const;

/** The C library: glibc's, or musl's by either name. */
function libc() {
  for (const name of ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"])
    try {
      return dlopen(name, CALLS).symbols;
    } catch {
      // Another system's.
    }
  throw new Error("no C library is found");
}

type Socket = { fd: number; state: string; waiting: number };

/** This process's own sockets on a port. */
function socketsOn(port: number): Socket[] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
  const fds = new Map<string, number>();
  for (const fd of readdirSync("/proc/self/fd"))
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1];
      if (inode) fds.set(inode, Number(fd));
    } catch {
      // Closed since it was listed.
    }
  const sockets: Socket[] = [];
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"])
    for (const line of readFileSync(table, "utf8").split("\n").slice(1)) {
      const [, local, , state, queues, , , , , inode] = line.trim().split(/\s+/);
      const fd = inode === undefined ? undefined : fds.get(inode);
      if (fd === undefined || !local!.endsWith(`:${hexPort}`)) continue;
      sockets.push({ fd, state: state!, waiting: Number.parseInt(queues!.split(":")[1]!, 16) });
    }
  return sockets;
}

const listenersOn = (port: number) => socketsOn(port).filter(({ state }) => state === LISTEN);

/** Lets another process of the same user listen on the port, or no more. */
export function share(port: number, isShared: boolean): void {
  const { setsockopt } = libc();
  const value = new Int32Array([isShared ? 1 : 0]);
  for (const { fd } of listenersOn(port))
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, ptr(value), 4) !== 0)
      throw new Error("the port cannot be shared");
}

/**
 * Of two processes that listen on the port, every new connection goes to the second one, which is this: a program of one
 * instruction that answers 1 (BPF_RET | BPF_K). Where there is no second one the system goes by itself again.
 */
export function steerHere(port: number): void {
  const { setsockopt } = libc();
  const program = new Uint8Array(8);
  const view = new DataView(program.buffer);
  view.setUint16(0, 0x06, true);
  view.setUint32(4, 1, true);
  // struct sock_fprog: how many instructions, and where they are.
  const fprog = new Uint8Array(16);
  const header = new DataView(fprog.buffer);
  header.setUint16(0, 1, true);
  header.setBigUint64(8, BigInt(ptr(program)), true);
  for (const { fd } of listenersOn(port))
    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, ptr(fprog), fprog.byteLength) !== 0)
      throw new Error("new connections cannot be steered");
}

/**
 * Stops listening without closing a connection (Bun's `stop` closes those that idle): once nobody waits to be accepted, the
 * listening socket is replaced by nothing. Resolves when that is done.
 */
export async function stopListening(port: number): Promise<void> {
  const { dup2 } = libc();
  const nothing = openSync("/dev/null", "r");
  for (let quiet = 0; quiet < 3;) {
    // Whoever was steered here before is accepted by the event loop.
    await Bun.sleep(10);
    quiet = listenersOn(port).every(({ waiting }) => waiting === 0) ? quiet + 1 : 0;
  }
  for (const { fd } of listenersOn(port)) dup2(nothing, fd);
  closeSync(nothing);
}

/** How many connections to the port this process has. */
export const connectionsOn = (port: number): number =>
  socketsOn(port).filter(({ state }) => state === ESTABLISHED).length;

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { folderOnDisk } from "./app.ts";

/** A certificate for localhost that nobody trusts but who is told of it, and its key. */
export function makeCertificate(): { key: string; cert: string } {
  const folder = folderOnDisk();
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  const name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const made = Bun.spawnSync(["openssl", "req", "-x509", ...curve, "-keyout", key, "-out", cert, ...name]);
  if (made.exitCode !== 0) throw new Error(made.stderr.toString());
  return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
}

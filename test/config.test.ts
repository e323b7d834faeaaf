import { describe, expect, test } from "bun:test";
import { readConfig } from "../src/config.ts";
import { StartError } from "../src/errors.ts";

function faults(env: Record<string, string>, args: string[] = []): string[] {
  try {
    readConfig(env, args);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(StartError);
    return (error as Error).message.split("\n");
  }
}

describe("the settings", () => {
  test("have the defaults that the contract names", () => {
    expect(readConfig({})).toEqual({
      port: 3000,
      host: "127.0.0.1",
      data: "./duet-data",
      databaseUrl: undefined,
      publicUrl: undefined,
      secret: undefined,
      accessTtlSeconds: 1800,
      refreshTtlSeconds: 604_800,
      sessionTtlSeconds: 7_776_000,
      refreshOverlapSeconds: 10,
      programOverlapSeconds: 120,
      keyOverlapSeconds: undefined,
      metricsToken: undefined,
      securityContact: undefined,
      tracesUrl: undefined,
      smtpUrl: undefined,
      mailFrom: undefined,
      allowedOrigins: undefined,
      backupEverySeconds: undefined,
      backupFolder: undefined,
      backupsKept: 7,
      jwtAlg: undefined,
      keyRotationSeconds: 7_776_000,
      passwordMin: 8,
      registration: "open",
      introspectionSecret: undefined,
      trustedProxies: undefined,
      rateLimits: "on",
      eventRetentionSeconds: 7_776_000,
      log: "info",
    });
  });

  test("come from the environment, and flags win", () => {
    const env = {
      DUET_PORT: "4000",
      DUET_ACCESS_TTL: "90",
      DUET_REFRESH_TTL: "12h",
      PATH: "/bin",
      DUET_LOG: "",
    };
    const config = readConfig(env, ["--port", "5000", "--access-ttl=2m"]);
    expect(config).toMatchObject({
      port: 5000,
      accessTtlSeconds: 120,
      refreshTtlSeconds: 43_200,
      log: "info",
    });
  });

  test("are not taken from what Kubernetes sets for a service that is called duet", () => {
    const env = {
      DUET_PORT: "tcp://10.0.0.1:3000",
      DUET_SERVICE_HOST: "10.0.0.1",
      DUET_SERVICE_PORT: "3000",
      DUET_SERVICE_PORT_HTTP: "3000",
      DUET_PORT_3000_TCP: "tcp://10.0.0.1:3000",
      DUET_PORT_3000_TCP_PROTO: "tcp",
      DUET_PORT_3000_TCP_PORT: "3000",
      DUET_PORT_3000_TCP_ADDR: "10.0.0.1",
    };
    expect(readConfig(env)).toEqual(readConfig({}));
    expect(faults({ DUET_SERVICES: "x", DUET_PORTS: "1" })).toHaveLength(2);
  });

  test("report all faults together, each with its name and never its value", () => {
    const env = {
      DUET_PORT: "70000",
      DUET_SECRET: "hunter2",
      DUET_JWT_ALG: "none",
      DUET_ACCESS_TTL: "soon",
      DUET_POTR: "3000",
      DUET_DATABASE_URL: "mysql://user:hunter3@host/db",
      DUET_PUBLIC_URL: "http://duet.example.com",
    };
    const lines = faults(env, ["--nope", "--host"]);
    expect(lines.map((line) => line.split(":")[0]).toSorted()).toEqual([
      "--host",
      "--nope",
      "DUET_ACCESS_TTL",
      "DUET_DATABASE_URL",
      "DUET_JWT_ALG",
      "DUET_PORT",
      "DUET_POTR",
      "DUET_PUBLIC_URL",
      "DUET_SECRET",
    ]);
    for (const value of ["70000", "hunter2", "soon", "hunter3"]) expect(lines.join()).not.toContain(value);
  });

  test.each<[Record<string, string>, string]>([
    [
      { DUET_ACCESS_TTL: "10s", DUET_REFRESH_OVERLAP: "10s" },
      "DUET_REFRESH_OVERLAP: must be shorter than DUET_ACCESS_TTL",
    ],
    [{ DUET_PROGRAM_OVERLAP: "30m" }, "DUET_PROGRAM_OVERLAP: must be shorter than DUET_ACCESS_TTL"],
    [
      { DUET_ACCESS_TTL: "8h", DUET_REFRESH_TTL: "4h" },
      "DUET_ACCESS_TTL: must not be longer than DUET_REFRESH_TTL",
    ],
    [{ DUET_REFRESH_TTL: "91d" }, "DUET_REFRESH_TTL: must not be longer than DUET_SESSION_TTL"],
    [{ DUET_PASSWORD_MIN: "7" }, "DUET_PASSWORD_MIN: must be a whole number from 8 to 64"],
    [{ DUET_PASSWORD_MIN: "8.5" }, "DUET_PASSWORD_MIN: must be a whole number from 8 to 64"],
    [
      { DUET_REFRESH_OVERLAP: "-1" },
      "DUET_REFRESH_OVERLAP: must be a time from 0 to 60 seconds, such as 90, 30m, 12h or 7d",
    ],
    [
      { DUET_PUBLIC_URL: "https://x.example/path" },
      "DUET_PUBLIC_URL: must be an origin such as https://duet.example.com, without a path",
    ],
    [
      { DUET_PUBLIC_URL: "ftp://x.example" },
      "DUET_PUBLIC_URL: must be an origin such as https://duet.example.com, without a path",
    ],
    [{ DUET_HOST: " " }, "DUET_HOST: must not be empty"],
    [
      { DUET_DATABASE_URL: "postgres://localhost/duet", DUET_BACKUP_EVERY: "1d" },
      "DUET_BACKUP_EVERY: is for a data folder; PostgreSQL is backed up by its own tools",
    ],
  ])("refuse %j", (env, fault) => {
    expect(faults(env)).toEqual([fault]);
  });

  test.each([
    "https://duet.example.com",
    "http://localhost:3000",
    "http://127.0.0.1:80",
    "http://a.localhost",
  ])("take the public URL %s", (url) => {
    expect(readConfig({ DUET_PUBLIC_URL: url }).publicUrl).toBe(new URL(url).origin);
  });
});

import { Elysia } from "elysia";
import type { Db } from "../db/index.ts";

/** `/healthz`: the process answers. `/readyz`: its database is in its place and takes a transaction, else 503. */
export const healthRoutes = (deps: { db: Pick<Db, "tx"> }) =>
  new Elysia({ name: "api/health" })
    .get("/healthz", () => ({ status: "ok" }))
    .get("/readyz", async () => {
      await deps.db.tx((q) => q.one("SELECT 1 AS ready"));
      return { status: "ok" };
    });

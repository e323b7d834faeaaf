import { Elysia } from "elysia";
import type { Db } from "../db/index.ts";

/** `/healthz`: the process answers. `/readyz`: so does its database, else 503. */
export const healthRoutes = (deps: { db: Pick<Db, "one"> }) =>
  new Elysia({ name: "api/health" })
    .get("/healthz", () => ({ status: "ok" }))
    .get("/readyz", async () => {
      await deps.db.one("SELECT 1 AS ready");
      return { status: "ok" };
    });

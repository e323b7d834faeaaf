import { Elysia } from "elysia";
import type { Metrics } from "../core/metrics.ts";
import { DuetError } from "../errors.ts";
import { isSecret } from "../http/caller.ts";
import { about, says } from "../http/reference.ts";

/** For Prometheus, which shows the token that the operator has set; without a token set there is nothing to be seen. */
export const metricsRoutes = ({ metrics, token }: { metrics: Metrics; token: string | undefined }) =>
  new Elysia({ name: "api/metrics", ...about("server") }).get(
    "/metrics",
    ({ request }) => {
      if (token === undefined) throw new DuetError("not_found");
      const [, shown] = /^Bearer +(.+)$/i.exec(request.headers.get("authorization") ?? "") ?? [];
      if (shown === undefined) throw new DuetError("token_missing");
      if (!isSecret(shown, token)) throw new DuetError("token_invalid");
      return new Response(metrics.text(), {
        headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
      });
    },
    says(
      "metrics",
      { 200: "text/plain" },
      ["not_found", "token_missing", "token_invalid"],
      ["Authorization"],
    ),
  );
